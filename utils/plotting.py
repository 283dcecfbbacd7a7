"""The figures of the course. Every function takes arrays, never models, and returns a matplotlib Figure.

Figures are closed in pyplot before they are returned: a notebook shows the one that a cell ends with, once.
"""

import matplotlib.pyplot as plt
import numpy as np

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
    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.ndim != 2 or codes.shape[1] != 2 or labels.shape != (len(codes),):
        raise ValueError(f"codes {codes.shape} and labels {labels.shape}: (n, 2) and (n,) expected.")
    if len(labels) and not (labels.min() >= 0 and labels.max() < len(classes)):
        raise ValueError(f"Labels {labels.min()} to {labels.max()} given for {len(classes)} classes.")
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
