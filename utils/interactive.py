"""Figures that move or answer the mouse: a map whose points show their images, animations, the latent explorer.

Each is an `Interactive`: HTML that holds all it needs, nothing is fetched from anywhere, and a still picture for where
HTML is not shown. What answers is a picture that interactive.js enhances: where scripts do not run (GitHub, a notebook
that is not trusted), the picture is there. To add a kind: a function in `kinds` of interactive.js, and one here that
calls `enhanced`.
"""

import base64
import io
import json
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from utils import plotting

EXPLORER = Path(__file__).with_name("explorer.json")


@dataclass(frozen=True, repr=False)
class Interactive:
    """What a notebook shows: HTML, and beside it a still picture with a text.

    Attributes: html; still, bytes of a PNG; size, the (width, height) at which it is shown; alt; data, the bytes of an
    animation's GIF.
    """

    html: str
    still: bytes
    size: tuple
    alt: str
    data: bytes = b""

    def _repr_mimebundle_(self, include=None, exclude=None):
        data, metadata = plotting.picture_bundle(self.still, self.size, self.alt)
        return data | {"text/html": self.html}, metadata

    def __repr__(self):
        return f"<Interactive: {self.alt}>"


def hover_map(
    points, images, labels, classes, *, title=None, size=(5.4, 4.4), names=None, zoom=3, limit=250_000, alt=None
):
    """Show points in the plane; under the mouse, the nearest one shows its image and its class.

    A click or a tap keeps them until the next one elsewhere; then the arrow keys go from point to point.

    Args:
        points: (n, 2), finite.
        images: (n, h, w, 1) or (n, h, w, 3) in [0, 1]; values outside are clipped.
        labels, classes, title, size: as for `plotting.code_scatter`.
        names: of the two axes, or None for axes without a meaning, such as those of t-SNE.
        zoom: pixels on the screen per pixel of an image.
        limit: bytes that the HTML may have. The images are compressed with losses, as far as that needs.
        alt: what the map shows, for those who cannot see it; None for the numbers of images and classes.

    Returns:
        Interactive.

    Raises:
        ValueError: when the arrays do not fit together, are empty or not finite, a label has no class, zoom is below 1,
            or the limit cannot be kept.
    """
    images, points = plotting.checked_images(images), np.asarray(points)
    if len(images) != len(points) or not np.isfinite(points).all():
        raise ValueError(f"{len(points)} points and {len(images)} images: as many, and finite numbers, expected.")
    if zoom < 1:
        raise ValueError(f"zoom={zoom}: must be at least 1.")
    alt = alt or f"Map of {len(points)} images of {len(classes)} classes; at a point stands its image"
    fig = plotting.code_scatter(points, labels, classes, title=title, size=size, names=names or ("", ""))
    (ax,) = fig.axes
    if names is None:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="0.8")
    still, box = plotting.png(fig)
    places = (ax.transData.transform(points) / fig.dpi - box.min) / box.size * [1, -1] + [0, 1]
    shape = np.rint(box.size * fig.dpi).astype(int).tolist()
    h, w = images.shape[1:3]
    facts = {"places": np.rint(1000 * places).astype(int).ravel().tolist(), "labels": np.asarray(labels).tolist()}
    facts |= {"classes": [str(name) for name in classes], "columns": int(np.ceil(np.sqrt(len(images))))}
    facts |= {"width": w * zoom, "height": h * zoom}
    for quality in (80, 60, 40, 20, 5, 0):
        facts["sprite"] = _url("webp", _sprite(images, facts["columns"], quality))
        html = enhanced("hover-map", facts, still, shape, alt)
        if len(html.encode()) <= limit:
            return Interactive(html, still, shape, alt)
    raise ValueError(f"The map takes {len(html.encode()):,} bytes, the limit is {limit:,}: show fewer points.")


def latent_explorer(file=EXPLORER, *, alt=None):
    """Show the maps of two decoders side by side; at a place of a map, its decoder draws the image, in the browser.

    The place follows the mouse, a finger or the arrow keys. The decoders come with their weights, in 8 bits.

    Args:
        file: what scripts/explorer.py writes: JSON with "labels", and for every network "name", "layers" and "codes".
        alt: what it shows, for those who cannot see it; None for the numbers of networks and images.

    Returns:
        Interactive.

    Raises:
        OSError, ValueError: when the file cannot be read, or is no JSON.
    """
    facts = json.loads(Path(file).read_text(encoding="utf-8"))
    labels, classes = np.array(facts["labels"]), [str(digit) for digit in range(10)]
    maps = {network["name"]: np.array(network["codes"]) for network in facts["networks"]}
    fig = plotting.code_maps(maps, labels, classes, size=3.2, ticks=True, share=0.99)
    still, box = plotting.png(fig, colours=32)
    size = np.rint(box.size * fig.dpi).astype(int).tolist()
    for network, codes in zip(facts["networks"], maps.values(), strict=True):
        low, high = np.quantile(codes, (0.005, 0.995), axis=0)
        edge = 0.06 * (high - low)
        network |= {"low": (low - edge).tolist(), "high": (high + edge).tolist()}
    facts |= {"classes": classes, "colours": [plotting.look_of(k)["color"] for k in range(10)]}
    alt = alt or f"Maps of {len(labels)} test codes of {len(maps)} networks, whose decoders draw what lies anywhere"
    html = enhanced("explorer", facts, still, size, alt, script="explorer.js")
    return Interactive(html, still, size, alt)


def enhanced(kind, facts, still, size, alt, script="interactive.js"):
    """Return the HTML of a picture, and of the script that makes it answer.

    Args:
        kind: name of the function in interactive.js that does so, or what `script` looks for.
        facts: what that function needs, for JSON.
        still, size: bytes of a PNG, and the (width, height) at which it is shown where there is room.
        alt: what it shows.
        script: file beside this one.
    """
    return (
        f'<div data-interactive="{kind}" data-facts="{escape(json.dumps(facts, separators=(",", ":")))}" '
        f'style="position:relative;display:inline-block;max-width:100%;width:{size[0]}px">'
        f'<img src="{_url("png", still)}" alt="{escape(alt)}" width="{size[0]}" height="{size[1]}" '
        f'style="display:block;max-width:100%;height:auto;margin:0"></div>\n<script>\n{_script(script)}</script>'
    )


def animation(frames, *, fps=8, hold=1.0, scale=None, limit=400_000, alt="animation"):
    """Turn frames into a GIF that plays in a notebook, over and over; its last frame for who wants no motion.

    Args:
        frames: images (t, h, w), (t, h, w, 1) or (t, h, w, 3) in [0, 1] (values outside are clipped), or a list of
            matplotlib figures of one size; at least one.
        fps: frames per second, at most 50.
        hold: seconds that the last frame stays.
        scale: pixels of the GIF per pixel of an image, a positive integer; None for the smallest that makes it at
            least 240 pixels wide. Figures are taken as they are.
        limit: bytes that the GIF may have. It gets 64 colours, or fewer where it must.
        alt: what it shows, for those who cannot see it.

    Returns:
        Interactive: `data` is the GIF, `still` its last frame.

    Raises:
        ValueError: for no frames, frames of different sizes or not finite, settings out of range, or when the limit
            cannot be kept.
    """
    if not (0 < fps <= 50 and 0 <= hold < 600):
        raise ValueError(f"fps={fps} and hold={hold}: fps in (0, 50] and hold in [0, 600) seconds expected.")
    frames = _frames(frames, scale)
    milliseconds = [round(1000 / fps)] * (len(frames) - 1) + [round(1000 / fps + 1000 * hold)]
    for colours in (64, 32, 16, 8, 4):
        first, *others = images = plotting.indexed(frames, colours)
        gif = _file(first, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)
        if len(gif) <= limit:
            still, (width, height) = _file(images[-1], "PNG", optimize=True), first.size
            html = (
                f'<picture><source media="(prefers-reduced-motion: reduce)" srcset="{_url("png", still)}">'
                f'<img src="{_url("gif", gif)}" alt="{escape(alt)}" width="{width}" height="{height}" '
                'style="max-width:100%;height:auto"></picture>'
            )
            return Interactive(html, still, first.size, alt, gif)
    raise ValueError(f"The GIF takes {len(gif):,} bytes, the limit is {limit:,}: give fewer or smaller frames.")


def latent_animation(
    codes_per_epoch, labels, classes, *, titles=None, fps=8, size=(4.6, 3.6), names=plotting.UNITS, alt=None
):
    """Show how two-dimensional codes move during training, as a GIF: one frame per item of codes_per_epoch.

    The axes are the same in all frames: they hold 99 % of all codes of all frames.

    Args:
        codes_per_epoch: list of codes (n, 2) of the same n images.
        labels, classes, names: as for `plotting.code_scatter`.
        titles: one text per frame, or None for "epoch 1", "epoch 2", ...
        fps: as for `animation`.
        size: in inches, at 80 pixels per inch.
        alt: as for `animation`; None for the numbers of codes and frames.

    Returns:
        Interactive.

    Raises:
        ValueError: for no codes, codes of different shapes or not finite, as many titles as there are not frames, a
            label without class; and as `animation`.
    """
    frames = [plotting.labelled(codes, labels, classes)[0] for codes in codes_per_epoch]
    if not frames or len(frames[0]) == 0 or not np.isfinite(frames).all():
        raise ValueError("latent_animation: no codes given, or some that are NaN or infinite.")
    titles = [f"epoch {k}" for k in range(1, len(frames) + 1)] if titles is None else list(titles)
    if len(titles) != len(frames):
        raise ValueError(f"{len(titles)} titles for {len(frames)} frames.")
    pictures = []
    with matplotlib.rc_context(plotting.STYLE | {"axes.grid": False}):
        fig = Figure(figsize=size)
        ax = fig.add_subplot()
        marks = [  # sharp edges: few colours, a small file
            ax.scatter(
                [], [], s=7, label=str(name), antialiased=False, **plotting.look_of(k) | {"marker": "os"[k // 10]}
            )
            for k, name in enumerate(classes)
        ]
        ax.set(xlabel=names[0], ylabel=names[1], **plotting.limits(np.concatenate(frames), 0.99))
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
        for codes, title in zip(frames, titles, strict=True):
            ax.set_title(title, fontsize=10)
            for k, mark in enumerate(marks):
                mark.set_offsets(codes[np.asarray(labels) == k])
            pictures.append(_pixels(fig))
    alt = alt or f"The codes of {len(frames[0])} images in {len(frames)} frames, from {titles[0]} to {titles[-1]}"
    return animation(np.stack(pictures) / 255, fps=fps, scale=1, alt=alt)


@cache
def _script(name):
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _url(kind, data):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _file(image, kind, **settings):
    """Return the bytes of an image file."""
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def _sprite(images, columns, quality):
    """All images in one picture, row by row: the bytes of a WebP file."""
    n, h, w, c = images.shape
    rows = -(-n // columns)
    tiles = np.zeros((rows * columns, h, w, c), "uint8")
    tiles[:n] = np.rint(images * 255)
    whole = tiles.reshape(rows, columns, h, w, c).swapaxes(1, 2).reshape(rows * h, columns * w, c)
    return _file(Image.fromarray(whole[..., 0] if c == 1 else whole), "WEBP", quality=quality, method=4)


def _frames(frames, scale):
    """Return frames as one array (t, h, w, 3) of bytes."""
    figures = any(isinstance(frame, Figure) for frame in frames)
    frames = [_pixels(frame) / 255 if isinstance(frame, Figure) else np.asarray(frame) for frame in frames]
    shapes = {frame.shape for frame in frames}
    if len(shapes) != 1:
        raise ValueError(f"animation: at least one frame, and all of one size expected, got sizes {sorted(shapes)}.")
    frames = np.stack(frames)
    frames = plotting.checked_images(frames[..., None] if frames.ndim == 3 else frames)
    if scale is None:
        scale = 1 if figures else -(-240 // frames.shape[2])
    if isinstance(scale, bool) or not isinstance(scale, int | np.integer) or scale < 1:
        raise ValueError(f"scale={scale!r}: must be a positive integer.")
    frames = np.rint(255 * frames).astype("uint8").repeat(scale, axis=1).repeat(scale, axis=2)
    return np.broadcast_to(frames, (*frames.shape[:3], 3))


def _pixels(fig):
    """Draw a figure: (h, w, 3) bytes."""
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
