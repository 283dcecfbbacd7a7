"""The figures of the course. Every function takes arrays, never models, and returns a matplotlib Figure.

Figures are closed in pyplot before they are returned: a notebook shows the one that a cell ends with, once. What moves
(`animation`, `latent_animation`) or answers the mouse (`hover_map`) is an object that a notebook shows likewise.
"""

import base64
import hashlib
import io
import json
from html import escape
from string import Template

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image as DisplayedImage
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from scipy.spatial import cKDTree

# Ten colours that colour-blind readers can tell apart (Paul Tol's "muted" scheme, and black).
COLOURS = (
    "#332288",
    "#88CCEE",
    "#44AA99",
    "#117733",
    "#999933",
    "#DDCC77",
    "#CC6677",
    "#882255",
    "#AA4499",
    "#000000",
)
DASHES = ("-", "--", "-.", ":")
STYLE = {
    "figure.dpi": 80,
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "axes.prop_cycle": plt.cycler(color=[COLOURS[i] for i in (0, 6, 2, 4, 8, 1, 7, 3, 5, 9)]),
    "legend.frameon": False,
    "font.size": 10,
}


def image_rows(rows, *, title=None, scale=0.8):
    """Show rows of images under one another, such as originals above their reconstructions.

    Args:
        rows: dict from a row's label to its images (n, h, w, 1) or (n, h, w, 3), in [0, 1]; values outside are
            clipped. A label may hold line breaks.
        title: of the figure.
        scale: inches per image.

    Returns:
        Figure.

    Raises:
        ValueError: when there is no row, or images are not of such a shape or not finite.
    """
    rows = {label: _images(images) for label, images in rows.items()}
    if not rows:
        raise ValueError("image_rows: no rows given.")
    width = max(len(images) for images in rows.values())
    with plt.rc_context(STYLE):
        fig, axes = plt.subplots(
            len(rows), width, figsize=(scale * width + 1.6, scale * len(rows) + 0.4), squeeze=False
        )
        for line, (label, images) in zip(axes, rows.items(), strict=True):
            for ax, image in zip(line, images, strict=False):
                ax.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            for ax in line:
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set_visible(False)
            line[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return _done(fig, title)


def image_grid(images, *, columns=10, title=None, scale=0.8, symmetric=False, row_labels=()):
    """Show images in a grid, row by row: samples, or the filters of a layer.

    Args:
        images: (n, h, w, 1) or (n, h, w, 3).
        columns: images per row.
        title: of the figure.
        scale: inches per image.
        symmetric: False for pixels in [0, 1]; True for weights of either sign, each image on its own scale
            with zero in the middle (blue below, white at, red above zero).
        row_labels: text beside the rows, or none.

    Returns:
        Figure.

    Raises:
        ValueError: as `image_rows`, and for a number of columns below 1.
    """
    if columns < 1:
        raise ValueError(f"columns must be at least 1, not {columns}.")
    images = _images(images, clip=not symmetric)
    lines = -(-len(images) // columns)
    with plt.rc_context(STYLE):
        fig, axes = plt.subplots(
            lines,
            columns,
            figsize=(scale * columns + (0.8 if row_labels else 0), scale * lines + (0.4 if title else 0)),
            squeeze=False,
        )
        for ax in axes.flat:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        for ax, label in zip(axes[:, 0], row_labels, strict=False):
            ax.set_ylabel(label, rotation=0, ha="right", va="center")
        for ax, image in zip(axes.flat, images, strict=False):
            limit = np.abs(image).max() or 1.0
            look = (
                {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
                if symmetric
                else {"cmap": "gray", "vmin": 0, "vmax": 1}
            )
            ax.imshow(image, interpolation="nearest", **look)
    return _done(fig, title)


def filters(kernel, shape, *, columns=16, title=None, scale=0.6, row_labels=()):
    """Show a dense layer's kernel as one image per unit: which pixels excite (red) or inhibit (blue) it.

    Args:
        kernel: (pixels, units), the kernel of a layer that reads an image. For a layer that writes one, pass
            its transpose.
        shape: (h, w, c) of the image.
        columns, title, scale, row_labels: as for `image_grid`.

    Returns:
        Figure.

    Raises:
        ValueError: when the kernel's first size is not h * w * c.
    """
    kernel = np.asarray(kernel)
    if kernel.ndim != 2 or kernel.shape[0] != np.prod(shape):
        raise ValueError(f"A kernel of shape {kernel.shape} does not read images of shape {tuple(shape)}.")
    return image_grid(
        kernel.T.reshape(-1, *shape), columns=columns, title=title, scale=scale, symmetric=True, row_labels=row_labels
    )


def curves(lines, *, xlabel, ylabel, levels=None, log=False, log_x=False, title=None, size=(6.4, 3.6), markers=False):
    """Plot curves with a legend, such as losses against epochs or seconds.

    Args:
        lines: dict from a label to y, or to (x, y); without x, 1, 2, 3, ... (epochs).
        xlabel, ylabel: with units.
        levels: dict from a label to a height, drawn as horizontal dotted lines: baselines and paper's numbers.
        log, log_x: logarithmic y axis, x axis.
        title, size: of the figure, size in inches.
        markers: mark every point.

    Returns:
        Figure.

    Raises:
        ValueError: when there is no line, or one is empty or not one-dimensional.
    """
    heights = [line[1] if isinstance(line, tuple) else line for line in lines.values()]
    if not heights or any(np.ndim(y) != 1 or np.size(y) == 0 for y in heights):
        raise ValueError("curves: no line given, or one that is empty or not one-dimensional.")
    with plt.rc_context(STYLE):
        fig, ax = plt.subplots(figsize=size)
        for k, (label, line) in enumerate(lines.items()):
            x, y = line if isinstance(line, tuple) else (np.arange(1, len(line) + 1), line)
            ax.plot(x, y, DASHES[k % len(DASHES)], marker="o" if markers else None, ms=4, label=label)
        for label, level in (levels or {}).items():
            ax.axhline(level, color="0.35", lw=1, ls=":")
            ax.annotate(label, (0.995, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=9)
        ax.set(xlabel=xlabel, ylabel=ylabel)
        ax.set(xscale="log" if log_x else "linear", yscale="log" if log else "linear")
        for axis in [ax.xaxis] * log_x + [ax.yaxis] * log:  # 0.02 rather than 2 × 10⁻²
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(_sparse)
        ax.legend()
    return _done(fig, title)


def bars(values, *, xlabel, ylabel, title=None, size=(6.4, 3.2)):
    """Plot series of bars side by side, such as the variances of two codes.

    Args:
        values: dict from a label to heights, all of one length.
        xlabel, ylabel: with units.
        title, size: as for `curves`.

    Returns:
        Figure.

    Raises:
        ValueError: when the series differ in length.
    """
    lengths = {len(heights) for heights in values.values()}
    if len(lengths) != 1:
        raise ValueError(f"bars: series of one length expected, got {sorted(lengths)}.")
    places, width = np.arange(lengths.pop()), 0.8 / len(values)
    with plt.rc_context(STYLE):
        fig, ax = plt.subplots(figsize=size)
        for k, (label, heights) in enumerate(values.items()):
            ax.bar(places + (k - (len(values) - 1) / 2) * width, heights, width, label=label)
        ax.set(xlabel=xlabel, ylabel=ylabel)
        ax.legend()
    return _done(fig, title)


def code_scatter(codes, labels, classes, *, title=None, size=(5.4, 4.4), names=("code unit 1", "code unit 2")):
    """Plot two-dimensional codes as points, one colour and marker per class.

    Args:
        codes: (n, 2).
        labels: (n,) integers, indices into classes.
        classes: the classes' names.
        title, size: as for `curves`.
        names: of the two axes.

    Returns:
        Figure.

    Raises:
        ValueError: when codes are not (n, 2), labels not (n,), or a label has no class.
    """
    codes, labels = _labelled(codes, labels, classes)
    with plt.rc_context(STYLE):
        fig, ax = plt.subplots(figsize=size)
        for k, name in enumerate(classes):
            points = codes[labels == k]
            ax.scatter(
                *points.T,
                s=9,
                color=COLOURS[k % 10],
                marker="osD^v<>PX*"[k % 10],
                lw=0,
                alpha=0.7,
                label=name,
            )
        ax.set(xlabel=names[0], ylabel=names[1])
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
    return _done(fig, title)


def code_maps(panels, labels, classes, *, title=None, size=2.9, columns=4, ticks=False, share=1.0):
    """Plot several two-dimensional maps of the same points side by side, one colour and marker per class.

    Args:
        panels: dict from a panel's label to its points (n, 2).
        labels, classes: as for `code_scatter`; with one class there is no legend.
        title: of the figure.
        size: inches per panel.
        columns: panels per row, at most.
        ticks: False for maps whose axes have no meaning, such as those of t-SNE; True for codes.
        share: of the points that either axis shows, in (0, 1]: below 1 a few outlying points do not make all others
            a blot.

    Returns:
        Figure.

    Raises:
        ValueError: when there is no panel, columns or share is out of range, or as `code_scatter`.
    """
    panels = {label: _labelled(points, labels, classes)[0] for label, points in panels.items()}
    if not panels or columns < 1:
        raise ValueError(f"code_maps: {len(panels)} panels in columns={columns}; at least one of both expected.")
    if not 0 < share <= 1:
        raise ValueError(f"share={share}: must lie in (0, 1].")
    labels, columns = np.asarray(labels), min(columns, len(panels))
    lines = -(-len(panels) // columns)
    with plt.rc_context(STYLE | ({} if ticks else {"axes.grid": False})):
        figsize = (size * columns + (0.9 if len(classes) > 1 else 0), size * lines + 0.2)
        fig, axes = plt.subplots(lines, columns, figsize=figsize, squeeze=False)
        for ax in axes.flat[len(panels) :]:
            ax.set_axis_off()
        for ax, (label, points) in zip(axes.flat, panels.items(), strict=False):
            for k, name in enumerate(classes):
                look = {"s": 6, "lw": 0, "color": COLOURS[k % 10], "marker": "osD^v<>pX*"[k % 10]}
                ax.scatter(*points[labels == k].T, label=name, **look)
            ax.set_title(label, fontsize=9)
            if share < 1:
                low, high = np.quantile(points, [(1 - share) / 2, (1 + share) / 2], axis=0)
                margin = 0.05 * np.maximum(high - low, 1e-6)
                ax.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
            if not ticks:
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set(visible=True, color="0.8")
        if len(classes) > 1:
            fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center", markerscale=2.5)
    return _done(fig, title)


def matrices(panels, *, title=None, size=2.6, xlabel="", ylabel="", limit=1.0):
    """Show matrices of values of either sign, such as correlations of code units, on one colour scale.

    Args:
        panels: dict from a panel's label to its matrix.
        title: of the figure.
        size: inches per panel.
        xlabel, ylabel: of every panel.
        limit: the value at which the colours end; values beyond it are shown like it.

    Returns:
        Figure.

    Raises:
        ValueError: when there is no panel, or one is not a matrix.
    """
    if not panels or any(np.ndim(matrix) != 2 for matrix in panels.values()):
        raise ValueError("matrices: no panel given, or one that is not two-dimensional.")
    with plt.rc_context(STYLE | {"axes.grid": False}):
        fig, axes = plt.subplots(1, len(panels), figsize=(size * len(panels) + 0.8, size + 0.3), squeeze=False)
        for ax, (label, matrix) in zip(axes.flat, panels.items(), strict=True):
            shown = ax.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
            ax.set(title=label, xlabel=xlabel, ylabel=ylabel)
        fig.colorbar(shown, ax=list(axes.flat), shrink=0.8)
    return _done(fig, title)


def pixel_values(panels, *, title=None, cell=0.36):
    """Show small matrices with every value written into its cell; the darker the larger, on one scale.

    Args:
        panels: dict from a panel's label to its matrix of finite values that are not negative.
        title: of the figure.
        cell: inches per cell.

    Returns:
        Figure. Values are written with three significant digits.

    Raises:
        ValueError: when there is no panel, one is not a matrix, or a value is negative, NaN or infinite.
    """
    matrices = [np.asarray(matrix, "float64") for matrix in panels.values()]
    if not matrices or any(matrix.ndim != 2 or matrix.size == 0 for matrix in matrices):
        raise ValueError("pixel_values: no panel given, or one that is not two-dimensional.")
    if any(not np.isfinite(matrix).all() or matrix.min() < 0 for matrix in matrices):
        raise ValueError("pixel_values: a value is negative, NaN or infinite.")
    largest = max(matrix.max() for matrix in matrices) or 1.0
    widths = [max(matrix.shape[1], 3) for matrix in matrices]  # room for the label
    figsize = (cell * (sum(widths) + len(widths) - 1), cell * max(m.shape[0] for m in matrices) + 0.4)
    with plt.rc_context(STYLE | {"axes.grid": False}):
        fig, axes = plt.subplots(1, len(panels), figsize=figsize, squeeze=False, width_ratios=widths)
        for ax, label, matrix in zip(axes.flat, panels, matrices, strict=True):
            ax.imshow(matrix, cmap="Blues", vmin=0, vmax=1.25 * largest, interpolation="nearest")
            for (i, j), value in np.ndenumerate(matrix):
                colour = "white" if value > 0.6 * largest else "black"
                ax.text(j, i, f"{value:.3g}", ha="center", va="center", fontsize=23 * cell, color=colour)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            ax.set_title(label, fontsize=9)
    return _done(fig, title)


def hover_map(points, images, labels, classes, *, title=None, size=420, zoom=3, limit=250_000):
    """Show points in the plane; under the mouse (or a finger), the nearest one shows its image and its class.

    The object shows itself in a notebook as one piece of HTML with its script and a picture of all images in it:
    nothing is fetched from anywhere. It works in JupyterLab, in Colab and in a static page; where scripts do not run
    (GitHub, a notebook that is not trusted) there are no points to see. Show a `code_scatter` beside it.

    Args:
        points: (n, 2), finite.
        images: (n, h, w, 1) or (n, h, w, 3) in [0, 1]; values outside are clipped.
        labels: (n,) integers, indices into classes.
        classes: the classes' names.
        title: above the map.
        size: width and height of the map in pixels.
        zoom: pixels on the screen per pixel of an image.
        limit: bytes that the HTML may have. The images are compressed with losses, as far as that needs.

    Returns:
        HoverMap; its attribute `html` is the HTML.

    Raises:
        ValueError: when the arrays do not fit together, are empty or not finite, a label has no class, size or zoom is
            below 1, or the limit cannot be kept.
    """
    points, labels = _labelled(points, labels, classes)
    images = _images(images)
    if len(images) != len(points) or not np.isfinite(points).all():
        raise ValueError(f"{len(points)} points and {len(images)} images: as many, and finite numbers, expected.")
    if size < 1 or zoom < 1:
        raise ValueError(f"size={size} and zoom={zoom}: must be at least 1.")
    low, extent = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-12)
    places = np.rint((points - low) / extent * [1, -1] * 4000 + [0, 4000]).astype(int)  # y downwards, as on a screen
    (h, w), columns = images.shape[1:3], int(np.ceil(np.sqrt(len(images))))
    facts = {"places": places.ravel().tolist(), "labels": labels.tolist(), "classes": [str(c) for c in classes]}
    facts |= {"colours": COLOURS, "size": size, "columns": columns, "width": w * zoom, "height": h * zoom}
    legend = "".join(
        f'<span style="margin:0 5px;white-space:nowrap"><span style="color:{COLOURS[k % 10]}">&#9632;</span> '
        f"{escape(str(name))}</span>"
        for k, name in enumerate(classes)
    )
    for quality in (80, 60, 40, 20, 5, 0):
        sprite = _sprite(images, columns, quality)
        html = HOVER.substitute(
            key=hashlib.sha256(sprite + json.dumps([facts, title]).encode()).hexdigest()[:12],
            title=escape(title or ""),
            facts=json.dumps(facts, separators=(",", ":")).replace("<", "\\u003c"),
            legend=legend,
            size=size,
            width=w * zoom,
            height=h * zoom,
            total=columns * w * zoom,
            sprite=base64.b64encode(sprite).decode(),
        )
        if len(html.encode()) <= limit:
            return HoverMap(html)
    raise ValueError(f"The map takes {len(html.encode()):,} bytes, the limit is {limit:,}: show fewer points.")


class HoverMap:
    """A map whose points show their images, as `hover_map` makes it. Attribute: `html`."""

    def __init__(self, html):
        self.html = html

    def _repr_html_(self):
        return self.html


def animation(frames, *, fps=8, hold=1.0, scale=None, limit=400_000, alt="animation"):
    """Turn frames into a GIF that plays in a notebook, over and over.

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
        Animation, an `IPython.display.Image`: `data` is the GIF. The notebook also gets its last frame as a PNG, for
        viewers without animation.

    Raises:
        ValueError: for no frames, frames of different sizes or not finite, settings out of range, or when the limit
            cannot be kept.
    """
    if not (0 < fps <= 50 and 0 <= hold < 600):
        raise ValueError(f"fps={fps} and hold={hold}: fps in (0, 50] and hold in [0, 600) seconds expected.")
    frames = _frames(frames, scale)
    milliseconds = [round(1000 / fps)] * (len(frames) - 1) + [round(1000 / fps + 1000 * hold)]
    for colours in (64, 32, 16, 8, 4):
        gif = _gif(frames, milliseconds, colours)
        if len(gif) <= limit:
            return Animation(gif, alt)
    raise ValueError(f"The GIF takes {len(gif):,} bytes, the limit is {limit:,}: give fewer or smaller frames.")


class Animation(DisplayedImage):
    """A GIF in a notebook, as `animation` makes it. Attribute: `data`, its bytes."""

    def __init__(self, data, alt):
        super().__init__(data=data, format="gif", alt=alt)

    def _repr_mimebundle_(self, include=None, exclude=None):
        # HTML, because nbconvert knows no image/gif
        gif = base64.b64encode(self.data).decode()
        still = io.BytesIO()
        with Image.open(io.BytesIO(self.data)) as image:
            image.seek(image.n_frames - 1)
            image.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(still, "PNG", optimize=True)
        return {
            "text/html": f'<img src="data:image/gif;base64,{gif}" alt="{escape(self.alt)}">',
            "image/png": base64.b64encode(still.getvalue()).decode(),
            "text/plain": f"<Animation, {len(self.data):,} bytes: {self.alt}>",
        }


def latent_animation(codes_per_epoch, labels, classes, *, titles=None, fps=8, size=(4.6, 3.6), limit=400_000):
    """Show how two-dimensional codes move during training, as a GIF: one frame per item of codes_per_epoch.

    The axes are the same in all frames: they hold 99 % of all codes of all frames.

    Args:
        codes_per_epoch: list of codes (n, 2) of the same n images.
        labels, classes: as for `code_scatter`.
        titles: one text per frame, or None for "epoch 1", "epoch 2", ...
        fps, limit: as for `animation`.
        size: in inches, at 80 pixels per inch.

    Returns:
        Animation.

    Raises:
        ValueError: for no codes, codes of different shapes or not finite, as many titles as there are not frames, a
            label without class; and as `animation`.
    """
    frames = [_labelled(codes, labels, classes)[0] for codes in codes_per_epoch]
    if not frames or len(frames[0]) == 0 or not np.isfinite(frames).all():
        raise ValueError("latent_animation: no codes given, or some that are NaN or infinite.")
    titles = [f"epoch {k}" for k in range(1, len(frames) + 1)] if titles is None else list(titles)
    if len(titles) != len(frames):
        raise ValueError(f"{len(titles)} titles for {len(frames)} frames.")
    low, high = np.quantile(np.concatenate(frames), [0.005, 0.995], axis=0)
    margin = 0.05 * np.maximum(high - low, 1e-6)
    pictures = []
    with plt.rc_context(STYLE | {"axes.grid": False, "patch.antialiased": False}):
        fig = Figure(figsize=size)
        ax = fig.add_subplot()
        look = {"s": 7, "lw": 0, "antialiased": False}
        marks = {
            k: ax.scatter([], [], color=COLOURS[k % 10], label=str(name), **look) for k, name in enumerate(classes)
        }
        ax.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
        ax.set(xlabel="code unit 1", ylabel="code unit 2")
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
        for codes, title in zip(frames, titles, strict=True):
            ax.set_title(title, fontsize=10)
            for k, mark in marks.items():
                mark.set_offsets(codes[np.asarray(labels) == k])
            pictures.append(_pixels(fig))
    alt = f"The codes of {len(frames[0])} images in {len(frames)} frames, from {titles[0]} to {titles[-1]}"
    return animation(np.stack(pictures) / 255, fps=fps, scale=1, limit=limit, alt=alt)


HOVER = Template("""<div class="ae-hover-$key" style="position:relative;display:inline-block;padding:4px;\
background:#fff;color:#000;font:13px sans-serif">
<div style="text-align:center;font-weight:bold">$title</div>
<canvas role="img" aria-label="map: point at a place to see the image there" \
style="width:${size}px;height:${size}px;border:1px solid #ccc">The map needs JavaScript.</canvas>
<div style="width:${size}px;text-align:center">$legend</div>
<div style="position:absolute;display:none;pointer-events:none;padding:3px;background:#fff;border:1px solid #666;\
text-align:center"><div style="width:${width}px;height:${height}px;image-rendering:pixelated;\
background:url(data:image/webp;base64,$sprite) 0 0/${total}px auto"></div><div></div></div>
</div>
<script>
(function () {
  const facts = $facts;
  const margin = 10, room = facts.size - 2 * margin;
  for (const box of document.querySelectorAll(".ae-hover-$key:not([data-ready])")) {
    box.dataset.ready = "yes";
    const canvas = box.querySelector("canvas"), tip = box.lastElementChild, pen = canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1, n = facts.labels.length;
    const x = (k) => margin + facts.places[2 * k] / 4000 * room;
    const y = (k) => margin + facts.places[2 * k + 1] / 4000 * room;
    canvas.width = canvas.height = facts.size * ratio;
    pen.scale(ratio, ratio);
    const draw = function (marked) {
      pen.clearRect(0, 0, facts.size, facts.size);
      for (let k = 0; k < n; k++) {
        pen.fillStyle = facts.colours[facts.labels[k] % facts.colours.length];
        pen.beginPath();
        pen.arc(x(k), y(k), 2.5, 0, 7);
        pen.fill();
      }
      if (marked < 0) return;
      pen.strokeStyle = "#000";
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x(marked), y(marked), 6, 0, 7);
      pen.stroke();
    };
    const show = function (event) {
      const frame = canvas.getBoundingClientRect(), factor = facts.size / frame.width;
      const px = (event.clientX - frame.left) * factor, py = (event.clientY - frame.top) * factor;
      let found = -1, nearest = 400;
      for (let k = 0; k < n; k++) {
        const square = (x(k) - px) ** 2 + (y(k) - py) ** 2;
        if (square < nearest) { nearest = square; found = k; }
      }
      draw(found);
      tip.style.display = found < 0 ? "none" : "block";
      if (found < 0) return;
      const column = found % facts.columns, row = Math.floor(found / facts.columns);
      tip.firstElementChild.style.backgroundPosition = -column * facts.width + "px " + -row * facts.height + "px";
      tip.lastElementChild.textContent = facts.classes[facts.labels[found]];
      const left = px > facts.size / 2 ? px - facts.width - 24 : px + 16;
      const top = py > facts.size / 2 ? py - facts.height - 40 : py + 16;
      tip.style.left = canvas.offsetLeft + left + "px";
      tip.style.top = canvas.offsetTop + top + "px";
    };
    canvas.addEventListener("pointermove", show);
    canvas.addEventListener("pointerdown", show);
    canvas.addEventListener("pointerleave", function () { draw(-1); tip.style.display = "none"; });
    draw(-1);
  }
})();
</script>
""")


def _sprite(images, columns, quality):
    """All images in one picture, row by row: the bytes of a WebP file."""
    n, h, w, c = images.shape
    rows = -(-n // columns)
    tiles = np.zeros((rows * columns, h, w, c), "uint8")
    tiles[:n] = np.rint(images * 255)
    whole = tiles.reshape(rows, columns, h, w, c).swapaxes(1, 2).reshape(rows * h, columns * w, c)
    file = io.BytesIO()
    Image.fromarray(whole[..., 0] if c == 1 else whole).save(file, "WEBP", quality=quality, method=4)
    return file.getvalue()


def _frames(frames, scale):
    """Return frames as one array (t, h, w, 3) of bytes."""
    figures = [isinstance(frame, Figure) for frame in frames]
    if not figures:
        raise ValueError("animation: no frames given.")
    if any(figures):
        if not all(figures):
            raise ValueError("animation: either figures or images expected, not both.")
        pixels = [_pixels(fig) for fig in frames]
    else:
        pixels = [np.asarray(frame) for frame in frames]
    shapes = {frame.shape for frame in pixels}
    if len(shapes) > 1:
        raise ValueError(f"animation: frames of one size expected, got {sorted(shapes)}.")
    if any(figures):
        return np.stack(pixels)
    pixels = np.stack(pixels)
    pixels = _images(pixels[..., None] if pixels.ndim == 3 else pixels)
    if scale is None:
        scale = -(-240 // pixels.shape[2])
    if isinstance(scale, bool) or not isinstance(scale, int | np.integer) or scale < 1:
        raise ValueError(f"scale={scale!r}: must be a positive integer.")
    pixels = np.rint(255 * pixels).astype("uint8").repeat(scale, axis=1).repeat(scale, axis=2)
    return np.broadcast_to(pixels, (*pixels.shape[:3], 3))


def _pixels(fig):
    """Draw a figure: (h, w, 3) bytes."""
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _gif(frames, milliseconds, colours):
    """Return the bytes of a GIF with one palette for all frames, chosen among the colours that occur."""
    packed = frames.astype("uint32") @ np.array([65536, 256, 1], "uint32")
    occurring, indices, counts = np.unique(packed, return_inverse=True, return_counts=True)
    occurring = np.stack([occurring >> 16, occurring >> 8 & 255, occurring & 255], axis=-1).astype("uint8")
    order, exact = np.argsort(-counts, kind="stable"), colours // 2  # the most frequent ones stay as they are
    palette = occurring[order[:exact]].ravel().tolist()
    if len(order) > exact:
        palette += Image.fromarray(occurring[order[exact:]][None]).quantize(colours - exact).getpalette()
    palette = palette[: 3 * colours]
    nearest = cKDTree(np.reshape(palette, (-1, 3))).query(occurring)[1].astype("uint8")
    first, *others = [Image.fromarray(frame) for frame in nearest[indices.reshape(packed.shape)]]
    for image in (first, *others):
        image.putpalette(palette)
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)
    return file.getvalue()


def _labelled(codes, labels, classes):
    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.ndim != 2 or codes.shape[1] != 2 or labels.shape != (len(codes),):
        raise ValueError(f"codes {codes.shape} and labels {labels.shape}: (n, 2) and (n,) expected.")
    if len(labels) and not (labels.min() >= 0 and labels.max() < len(classes)):
        raise ValueError(f"Labels {labels.min()} to {labels.max()} given for {len(classes)} classes.")
    return codes, labels


def _sparse(value, _):
    """Label the minor ticks 2 and 5 of each decade of a logarithmic axis."""
    return f"{value:g}" if f"{value:e}"[0] in "25" else ""


def _images(images, clip=True):
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or len(images) == 0:
        raise ValueError(f"Images of shape (n, h, w, 1) or (n, h, w, 3) expected, got {images.shape}.")
    if not np.isfinite(images).all():
        raise ValueError("The images hold NaN or infinity.")
    return np.clip(images, 0, 1) if clip else images


def _done(fig, title):
    if title:
        fig.suptitle(title, fontsize=11)
    plt.close(fig)
    return fig
