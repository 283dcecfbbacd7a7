"""The figures of the course. Every function takes arrays, never models, and returns a matplotlib Figure.

All take `title`, above the figure, and `alt`: one or two sentences that say what it shows, for those who cannot see it.
A cell that ends with such a figure shows it sharp, with its alt text; `show` does so for one that a lesson composes.
What moves or answers the mouse stands in `utils.interactive`.
"""

import base64
import io
from itertools import zip_longest

import matplotlib
import numpy as np
from cycler import cycler
from IPython.display import display
from matplotlib.cbook import normalize_kwargs
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox
from PIL import Image
from scipy.spatial import cKDTree

# Ten colours that colour-blind readers can tell apart (Paul Tol's "muted" scheme, and black).
MUTED = ("#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499")
COLOURS = (*MUTED, "#000000")
MARKERS = "osD^v<>PX*"
UNITS = ("code unit 1", "code unit 2")
DASHES = ("-", "--", "-.", ":")
STYLE = {
    "figure.dpi": 80,
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "axes.prop_cycle": cycler(color=[COLOURS[i] for i in (0, 6, 2, 4, 8, 1, 7, 3, 5, 9)]),
    "legend.frameon": False,
    "font.size": 10,
}
styled = matplotlib.rc_context(STYLE)  # also a decorator, as all context managers of contextlib


class Picture(Figure):
    """A Figure that shows itself by `show`. Attribute: `alt`, what it shows, in words."""

    alt = None

    def _ipython_display_(self):  # counts before matplotlib's own way to show a Figure
        show(self, self.alt)


def show(fig, alt):
    """Show a figure in a notebook: twice the pixels of its layout for a dense screen, and a text for who cannot see it.

    Args:
        fig: Figure.
        alt: one or two sentences that say what it shows.
    """
    pixels, box = png(fig)
    data, metadata = picture_bundle(pixels, np.rint(box.size * fig.dpi).astype(int).tolist(), alt)
    display(data, metadata=metadata, raw=True)


def picture_bundle(pixels, size, alt):
    """Return the data and metadata of a notebook's output: PNG bytes, shown at size (width, height), and their text."""
    data = {"image/png": base64.b64encode(pixels).decode(), "text/plain": alt or "a figure"}
    return data, {"image/png": {"width": size[0], "height": size[1]} | ({"alt": alt} if alt else {})}


def png(fig, colours=256):
    """Draw a figure at twice its resolution, as a PNG with a palette.

    Returns:
        The bytes, and the Bbox, in inches of the figure, of what they show: all that is drawn, and a small margin.
    """
    for _ in range(2):  # lays it out: the second time, axes of a fixed shape have it
        fig.draw_without_rendering()
    box = fig.get_tightbbox().padded(0.1)
    box = Bbox(np.rint(box.get_points() * fig.dpi) / fig.dpi)
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=2 * fig.dpi, bbox_inches=box, pil_kwargs={"compress_level": 1})
    (image,) = indexed(np.asarray(Image.open(file).convert("RGB"))[None], colours)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue(), box


def indexed(frames, colours):
    """Give frames one palette, chosen among the colours that occur: the most frequent ones stay as they are.

    Args:
        frames: (t, h, w, 3) of bytes.
        colours: how many the palette may have, at most 256.

    Returns:
        List of t Pillow images.
    """
    packed = frames.astype("uint32") @ np.array([65536, 256, 1], "uint32")
    occurring, indices, counts = np.unique(packed, return_inverse=True, return_counts=True)
    occurring = np.stack([occurring >> 16, occurring >> 8 & 255, occurring & 255], axis=-1).astype("uint8")
    order, exact = np.argsort(-counts, kind="stable"), colours // 2
    palette = occurring[order[:exact]].ravel().tolist()
    if len(order) > exact:
        palette += Image.fromarray(occurring[order[exact:]][None]).quantize(colours - exact, kmeans=1).getpalette()
    palette = palette[: 3 * colours]
    nearest = cKDTree(np.reshape(palette, (-1, 3))).query(occurring)[1].astype("uint8")
    images = [Image.fromarray(frame) for frame in nearest[indices.reshape(packed.shape)]]
    for image in images:
        image.putpalette(palette)
    return images


@styled
def image_rows(rows, *, title=None, scale=0.8, symmetric=False, alt=None):
    """Show rows of images under one another, such as originals above their reconstructions.

    Args:
        rows: dict from a row's label to its images (n, h, w, 1) or (n, h, w, 3), or a list of such pairs, where a label
            may come twice or be empty. A label may hold line breaks.
        scale: inches per image.
        symmetric: False for pixels in [0, 1], values outside are clipped; True for weights of either sign, each image
            on its own scale with zero in the middle (blue below, white at, red above zero).

    Raises:
        ValueError: when there is no row, or images are not of such a shape, not finite, reach from 0 to 255, or have
            three channels with symmetric=True.
    """
    rows = list(rows.items() if isinstance(rows, dict) else rows)
    rows = [(label, checked_images(images, signed=symmetric)) for label, images in rows]
    if not rows:
        raise ValueError("image_rows: no rows given.")
    if symmetric and any(images.shape[-1] == 3 for _, images in rows):
        raise ValueError("symmetric=True gives one number a colour, these images have three: show each channel alone.")
    width = max(len(images) for _, images in rows)
    margin = 1.6 if any(label for label, _ in rows) else 0
    fig, ((ax,),) = _axes((scale * width + margin, scale * len(rows) + 0.4), title, alt)
    for line, (_, images) in enumerate(rows):
        for column, image in enumerate(images):
            limit = float(np.abs(image).max()) or 1.0
            cmap, low, high = ("RdBu_r", -limit, limit) if symmetric else ("gray", 0, 1)
            place = _place(column, line, image.shape)
            ax.imshow(image, cmap=cmap, vmin=low, vmax=high, interpolation="nearest", extent=place)
    _bare(ax)
    places = np.array([image.get_extent() for image in ax.images])  # left, right, bottom, top: y grows downwards
    (left, _, _, top), (_, right, bottom, _) = places.min(axis=0), places.max(axis=0)
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    ax.set_yticks(np.arange(len(rows)) + 0.5, [label for label, _ in rows])
    ax.tick_params(length=0, grid_alpha=0)
    return fig


def _place(column, line, shape, gap=0.1):
    """Return where an image of a shape (h, w, c) lies in a grid of unit squares: left, right, bottom, top."""
    h, w = (1 - gap) * np.array(shape[:2]) / max(shape[:2])
    return column + (1 - w) / 2, column + (1 + w) / 2, line + (1 + h) / 2, line + (1 - h) / 2


def image_grid(images, *, columns=10, row_labels=(), **settings):
    """Show images in a grid, row by row: samples, or the filters of a layer.

    Args:
        images: (n, h, w, 1) or (n, h, w, 3).
        columns: images per row.
        row_labels: text beside the rows, or none.
        settings: as for `image_rows`.

    Raises:
        ValueError: as `image_rows`, and for a number of columns below 1.
    """
    if columns < 1:
        raise ValueError(f"columns must be at least 1, not {columns}.")
    images = checked_images(images, signed=True)
    rows = [images[start : start + columns] for start in range(0, len(images), columns)]
    return image_rows(list(zip_longest(row_labels[: len(rows)], rows, fillvalue="")), **settings)


def filters(kernel, shape, *, columns=16, scale=0.6, **settings):
    """Show a dense layer's kernel as one image per unit: which pixels excite (red) or inhibit (blue) it.

    Args:
        kernel: (pixels, units), the kernel of a layer that reads an image. For a layer that writes one, pass
            its transpose.
        shape: (h, w, c) of the image.
        columns, scale, settings: as for `image_grid`.

    Raises:
        ValueError: when the kernel's first size is not h * w * c.
    """
    kernel = np.asarray(kernel)
    if kernel.ndim != 2 or kernel.shape[0] != np.prod(shape):
        raise ValueError(f"A kernel of shape {kernel.shape} does not read images of shape {tuple(shape)}.")
    return image_grid(kernel.T.reshape(-1, *shape), columns=columns, scale=scale, symmetric=True, **settings)


@styled
def close_ups(panels, crop, *, title=None, size=2.2, errors=True, alt=None):
    """Show versions of one photograph, a part of each magnified below it, and that part's error against the first.

    Args:
        panels: dict from a label to a photograph (h, w, 1) or (h, w, 3) in [0, 1], all of one shape; the first is the
            true one.
        crop: (top, left, height, width) of the part, in pixels.
        size: inches per photograph.
        errors: whether to show, below, the absolute difference to the first (mean over colours), on one scale.

    Raises:
        ValueError: as `image_rows`, and when the part does not lie within the photograph.
    """
    photographs = checked_images(list(panels.values()))
    top, left, height, width = crop
    h, w = photographs.shape[1:3]
    if not (0 <= top < top + height <= h and 0 <= left < left + width <= w):
        raise ValueError(f"crop={crop}: (top, left, height, width) within {h} x {w} pixels expected.")
    parts = photographs[:, top : top + height, left : left + width]
    differences = np.abs(parts - parts[0]).mean(axis=-1)
    shares = [h / w, height / width] + [height / width] * errors
    figsize = (size * len(panels) + 0.6, size * sum(shares) + 0.3)
    fig, axes = _axes(figsize, title, alt, len(shares), len(panels), height_ratios=shares)
    for ax in axes.flat:
        _bare(ax)
    for column, label, whole, part, difference in zip(axes.T, panels, photographs, parts, differences, strict=True):
        for ax, image in zip(column, (whole, part), strict=False):
            ax.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        frame = Rectangle((left - 0.5, top - 0.5), width, height, fill=False, ec=COLOURS[6], lw=1.5)
        column[0].add_patch(frame)
        column[0].set_title(label, fontsize=10)
        if errors:
            shown = column[2].imshow(difference, cmap="magma", vmin=0, vmax=differences.max() or 1)
    if errors:
        fig.colorbar(shown, ax=list(axes[2]), label="error")
    return fig


@styled
def curves(
    lines,
    *,
    xlabel,
    ylabel,
    levels=None,
    notes=None,
    looks=None,
    log=False,
    log_x=False,
    xlim=None,
    ylim=None,
    title=None,
    size=(6.4, 3.6),
    markers=False,
    alt=None,
):
    """Plot curves with a legend, such as losses against epochs or seconds.

    Whole numbers on the x axis get whole ticks; on a logarithmic one, at most eight of them get a tick each.

    Args:
        lines: dict from a label to y, to (x, y), or to (x, y, spread) with a standard deviation or error for every
            point, drawn as a bar; without x, 1, 2, 3, ... (epochs).
        xlabel, ylabel: with units.
        levels: dict from a label to a height, drawn as horizontal dotted lines: baselines and paper's numbers.
        notes: dict from a text to the point (x, y) beside which it stands.
        looks: dict from a line's label to settings of its matplotlib Line2D, such as {"color": COLOURS[6], "ls": ":"}.
        log, log_x: logarithmic y axis, x axis.
        xlim, ylim: (lowest, highest) value that an axis shows; None for what the data needs.
        size: of the figure, in inches.
        markers: mark every point.

    Raises:
        ValueError: when there is no line, or one is empty or not one-dimensional.
    """
    lines = {label: line if isinstance(line, tuple) else (None, line) for label, line in lines.items()}
    if not lines or any(np.ndim(y) != 1 or np.size(y) == 0 for _, y, *_ in lines.values()):
        raise ValueError("curves: no line given, or one that is empty or not one-dimensional.")
    fig, [[ax]] = _axes(size, title, alt)
    places = set()
    for k, (label, (x, y, *spread)) in enumerate(lines.items()):
        x = np.arange(1, len(y) + 1) if x is None else np.asarray(x)
        places |= set(x.tolist())
        look = {"linestyle": DASHES[k % len(DASHES)], "marker": "o" if markers else None, "markersize": 4}
        look |= normalize_kwargs((looks or {}).get(label, {}), Line2D)
        ax.errorbar(x, y, *spread, label=label, capsize=3, elinewidth=1, **look)
    for label, level in (levels or {}).items():
        ax.axhline(level, color="0.35", lw=1, ls=":")
        ax.annotate(label, (0.995, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=9)
    for text, point in (notes or {}).items():
        ax.annotate(text, point, xytext=(5, 5), textcoords="offset points", fontsize=9)
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log" if log_x else "linear", yscale="log" if log else "linear")
    ax.set(xlim=xlim or ax.get_xlim(), ylim=ylim or ax.get_ylim())
    for axis in [ax.xaxis] * log_x + [ax.yaxis] * log:  # 0.02 rather than 2 × 10⁻²
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(_sparse)
    if all(float(x).is_integer() for x in places):
        if not log_x:
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        elif len(places) <= 8:
            ax.set_xticks(sorted(places))
            ax.set_xticks([], minor=True)
    ax.legend()
    return fig


@styled
def bars(values, *, xlabel, ylabel, names=None, ylim=None, title=None, size=(6.4, 3.2), alt=None):
    """Plot series of bars side by side, such as the variances of two codes.

    Args:
        values: dict from a label to heights, or to (heights, spread) with a standard deviation or error for every bar;
            all of one length.
        xlabel, ylabel: with units.
        names: of the groups, below them; None for 0, 1, 2, ...
        ylim, size: as for `curves`.

    Raises:
        ValueError: when the series, or the names, differ in length.
    """
    values = {label: series if isinstance(series, tuple) else (series, None) for label, series in values.items()}
    lengths = {len(heights) for heights, _ in values.values()} | ({len(names)} if names is not None else set())
    if len(lengths) != 1:
        raise ValueError(f"bars: series of one length expected, got {sorted(lengths)}.")
    places, width = np.arange(lengths.pop()), 0.8 / len(values)
    fig, [[ax]] = _axes(size, title, alt)
    for k, (label, (heights, spread)) in enumerate(values.items()):
        ax.bar(places + (k - (len(values) - 1) / 2) * width, heights, width, yerr=spread, capsize=3, label=label)
    if names is None:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        ax.set_xticks(places, names)
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=ylim or ax.get_ylim())
    ax.legend()
    return fig


@styled
def code_scatter(codes, labels, classes, *, title=None, size=(5.4, 4.4), names=UNITS, alt=None):
    """Plot two-dimensional codes as points, one colour and marker per class.

    Args:
        codes: (n, 2).
        labels: (n,) integers, indices into classes.
        classes: the classes' names, at most 20.
        size: of the figure, in inches.
        names: of the two axes.

    Raises:
        ValueError: when codes are not (n, 2), labels not (n,), a label has no class, or there are too many classes.
    """
    codes, labels = labelled(codes, labels, classes)
    fig, [[ax]] = _axes(size, title, alt)
    for k, name in enumerate(classes):
        ax.scatter(*codes[labels == k].T, s=9, alpha=0.7, label=str(name), **look_of(k))
    ax.set(xlabel=names[0], ylabel=names[1])
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
    return fig


@styled
def code_maps(panels, labels, classes, *, title=None, size=2.9, columns=4, ticks=False, share=1.0, alt=None):
    """Plot several two-dimensional maps of the same points side by side, one colour and marker per class.

    Args:
        panels: dict from a panel's label to its points (n, 2).
        labels, classes: as for `code_scatter`; with one class there is no legend.
        size: inches per panel.
        columns: panels per row, at most.
        ticks: False for maps whose axes have no meaning, such as those of t-SNE; True for codes.
        share: of the points that either axis shows, in (0, 1]: below 1 a few outlying points do not make all others
            a blot.

    Raises:
        ValueError: when there is no panel, columns or share is out of range, or as `code_scatter`.
    """
    panels = {label: labelled(points, labels, classes)[0] for label, points in panels.items()}
    if not panels or columns < 1:
        raise ValueError(f"code_maps: {len(panels)} panels in columns={columns}; at least one of both expected.")
    if not 0 < share <= 1:
        raise ValueError(f"share={share}: must lie in (0, 1].")
    labels, columns = np.asarray(labels), min(columns, len(panels))
    lines = -(-len(panels) // columns)
    figsize = (size * columns + (0.9 if len(classes) > 1 else 0), size * lines + 0.2)
    fig, axes = _axes(figsize, title, alt, lines, columns)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, (label, points) in zip(axes.flat, panels.items(), strict=False):
        for k, name in enumerate(classes):
            ax.scatter(*points[labels == k].T, s=6, label=str(name), **look_of(k))
        ax.set_title(label, fontsize=9)
        if share < 1:
            ax.set(**limits(points, share))
        if not ticks:
            _bare(ax)
            ax.spines[:].set(visible=True, color="0.8")
    if len(classes) > 1:
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center", markerscale=2.5)
    return fig


@styled
def matrices(panels, *, title=None, size=2.6, xlabel="", ylabel="", limit=1.0, alt=None):
    """Show matrices of values of either sign, such as correlations of code units, on one colour scale.

    Args:
        panels: dict from a panel's label to its matrix.
        size: inches per panel.
        xlabel, ylabel: of every panel.
        limit: the value at which the colours end; values beyond it are shown like it.

    Raises:
        ValueError: when there is no panel, or one is not a matrix.
    """
    if not panels or any(np.ndim(matrix) != 2 for matrix in panels.values()):
        raise ValueError("matrices: no panel given, or one that is not two-dimensional.")
    fig, axes = _axes((size * len(panels) + 0.8, size + 0.3), title, alt, 1, len(panels))
    for ax, (label, matrix) in zip(axes.flat, panels.items(), strict=True):
        shown = ax.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        ax.grid(visible=False)
        ax.set(title=label, xlabel=xlabel, ylabel=ylabel)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    fig.colorbar(shown, ax=list(axes.flat), shrink=0.8)
    return fig


@styled
def pixel_values(panels, *, title=None, cell=0.36, alt=None):
    """Show small matrices with every value written into its cell; the darker the larger, on one scale.

    Values are written with three significant digits.

    Args:
        panels: dict from a panel's label to its matrix of finite values that are not negative.
        cell: inches per cell; more, where the longest number needs it.

    Raises:
        ValueError: when there is no panel, one is not a matrix, or a value is negative, NaN or infinite.
    """
    matrices = [np.asarray(matrix, "float64") for matrix in panels.values()]
    if not matrices or any(matrix.ndim != 2 or matrix.size == 0 for matrix in matrices):
        raise ValueError("pixel_values: no panel given, or one that is not two-dimensional.")
    if any(not np.isfinite(matrix).all() or matrix.min() < 0 for matrix in matrices):
        raise ValueError("pixel_values: a value is negative, NaN or infinite.")
    largest = max(matrix.max() for matrix in matrices) or 1.0
    longest = max(len(f"{value:.3g}") for matrix in matrices for value in matrix.flat)
    cell = max(cell, 0.085 * longest + 0.04)  # a digit of 9 points is 0.08 inches wide
    widths = [max(matrix.shape[1], 3) for matrix in matrices]  # room for the label
    figsize = (cell * (sum(widths) + len(widths) - 1), cell * max(m.shape[0] for m in matrices) + 0.4)
    fig, axes = _axes(figsize, title, alt, 1, len(panels), width_ratios=widths)
    for ax, label, matrix in zip(axes.flat, panels, matrices, strict=True):
        ax.imshow(matrix, cmap="Blues", vmin=0, vmax=1.25 * largest, interpolation="nearest")
        for (i, j), value in np.ndenumerate(matrix):
            colour = "white" if value > 0.6 * largest else "black"
            ax.text(j, i, f"{value:.3g}", ha="center", va="center", fontsize=9, color=colour)
        _bare(ax)
        ax.set_title(label, fontsize=9)
    return fig


def look_of(k):
    """Colour and marker of points of class k: ten colours, then the same ten with other markers."""
    return {"color": COLOURS[k % 10], "marker": MARKERS[(k + k // 10) % 10], "lw": 0}


def checked_images(images, signed=False):
    """Return images (n, h, w, 1 or 3) as an array, clipped to [0, 1] unless signed; refuse what is no such thing."""
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or len(images) == 0:
        raise ValueError(f"Images of shape (n, h, w, 1) or (n, h, w, 3) expected, got {images.shape}.")
    if not np.isfinite(images).all():
        raise ValueError("The images hold NaN or infinity.")
    if signed:
        return images
    if images.max() > (1 if images.dtype.kind in "iu" else 20):  # noise may well reach 5
        raise ValueError(f"Images in [0, 1] expected, the largest value is {images.max():g}: divide them by 255.")
    return np.clip(images, 0, 1)


def labelled(codes, labels, classes):
    """Return codes (n, 2) and labels (n,) as arrays, checked against the classes' names."""
    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.ndim != 2 or codes.shape[1] != 2 or labels.shape != (len(codes),):
        raise ValueError(f"codes {codes.shape} and labels {labels.shape}: (n, 2) and (n,) expected.")
    if len(labels) and not (labels.min() >= 0 and labels.max() < len(classes)):
        raise ValueError(f"Labels {labels.min()} to {labels.max()} given for {len(classes)} classes.")
    if len(classes) > 20:
        raise ValueError(f"{len(classes)} classes given, 20 can be told apart at most: merge some, or show fewer.")
    return codes, labels


def limits(points, share):
    """Return xlim and ylim that hold this share of the points (n, 2) on either axis, and a margin."""
    low, high = np.quantile(points, [(1 - share) / 2, (1 + share) / 2], axis=0)
    margin = 0.05 * np.maximum(high - low, 1e-6)
    return dict(zip(("xlim", "ylim"), np.stack([low - margin, high + margin], axis=1), strict=True))


def _axes(size, title, alt, lines=1, columns=1, **settings):
    """Return a Picture of this size in inches, and its axes (lines, columns)."""
    fig = Picture(figsize=size)
    fig.alt = alt
    if title:
        fig.suptitle(title, fontsize=11)
    return fig, fig.subplots(lines, columns, squeeze=False, **settings)


def _bare(ax):
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def _sparse(value, _):
    """Label the minor ticks 2 and 5 of each decade of a logarithmic axis."""
    return f"{value:g}" if f"{value:e}"[0] in "25" else ""
