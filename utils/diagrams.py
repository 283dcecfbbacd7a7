"""Networks drawn from the Keras models themselves, as SVG: what a drawing shows cannot disagree with the model.

Dense layers are boxes whose heights follow the square root of their units, feature maps are stacks of sheets. Layers
that only reshape, and normalizations, have no box. `draw` draws one network, `draw_steps` how one grows.
"""

import math
import re
import textwrap
from dataclasses import dataclass, field, replace
from html import escape
from xml.etree import ElementTree

import keras
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch
from matplotlib.path import Path

from utils.plotting import COLOURS, picture_bundle, png

INDIGO, CYAN, _, GREEN, _, SAND, ROSE, WINE, *_ = COLOURS
LINE, GAP, TALL = 16, 18, 120  # pixels: a line of text, room for an arrow, the tallest box
SHEET, SLANT, SIDE = 3, 0.32, 45  # sheet to sheet; how narrow sheets look; what stands beside the draw, halved
BOLD = {"font_weight": "bold"}
PANELS = {"encoder": "#eef7fd", "decoder": "#edf7f3", "generator": "#edf7f3", "discriminator": "#fbf8e8"}
LOOKS = {  # fill and edge
    "encoder": (CYAN, INDIGO), "decoder": ("#a5dccf", GREEN), "code": (ROSE, WINE), "": ("#d9d9e3", "#556"),
    "generator": ("#a5dccf", GREEN), "discriminator": (SAND, "#77761f"),
    "image": ("#f2f2f2", "#444"), "noise": ("#f6eecb", "#7a6a1a"), "merge": ("#fff", "#222"),
    "sampler": ("#fff", "#222"),
}  # fmt: skip
NAMES = {
    "MaxPooling2D": "max pool", "MaxPoolingWithIndices2D": "max pool", "AveragePooling2D": "mean pool",
    "GlobalAveragePooling2D": "mean pool", "UpSampling2D": "upsample", "MaxUnpooling2D": "unpool",
    "BedOfNails2D": "bed of nails", "Cropping2D": "crop", "ZeroPadding2D": "pad", "Concatenate": "concat",
    "TopK": "k largest", "WinnerTakeAll": "winners", "VectorQuantizer": "codebook", "FiniteScalarQuantizer": "grid",
    "MaskedConv2D": "masked conv",
}  # fmt: skip
SIGNS = {
    "Add": "M-5 0h10M0 -5v10", "Concatenate": "M-2.5 -5v10M2.5 -5v10", "sampler": "M-7 4C-2 4 -3 -6 0 -6C3 -6 2 4 7 4",
    "noise": "M-7 -3h2M-2 3h2M3 -6h2M5 4h2M-5 7h2M1 -1h2M-3 -7h2",
}  # fmt: skip
LINK = {"stroke": WINE, "stroke_width": 1.5, "stroke_dasharray": "4 3"}
QUANTIZED = ["± ½ noise,", "or rounded"]
BUILD = "Begin it with keras.Input(shape), or call it once on a batch, so that its layers know their sizes."


@dataclass
class _Node:
    """A thing with a place in the drawing; x and y are its middle, `size` the width and height of its shape."""

    kind: str  # "image", "map", "box", "noise", "merge" or "sampler"
    shape: tuple
    inputs: list = field(default_factory=list)  # (index of a node, what is written on the way)
    layer: object = None
    part: str = ""
    below: list = field(default_factory=list)  # lines of text, as above
    above: list = field(default_factory=list)
    code: bool = False
    pale: bool = False
    absent: bool = False
    rank: int = 0
    x: float = 0
    y: float = 0
    size: tuple = (0, 0)
    half: float = 0  # of the width that shape and text take
    top = property(lambda self: self.y - self.size[1] / 2 - LINE * len(self.above) - 4)
    bottom = property(lambda self: self.y + self.size[1] / 2 + LINE * len(self.below) + 4)
    sheets = property(lambda self: min(7, 1 + round(math.log2(self.shape[2] or 1))))
    tied = property(lambda self: self.layer._source() if type(self.layer).__name__ == "TiedDense" else None)  # to it

    @property
    def units(self):  # how many numbers a box or an image stands for: the scale of the boxes
        return math.prod(n or 1 for n in self.shape) if self.kind in ("box", "image") else 0


class Diagram:
    """A drawing, which a notebook shows by itself. Attributes: `svg`, and `alt`, what it shows in words."""

    def __init__(self, body, width, height, title, alt):
        if title:
            width, height = max(width, _width(title, 16) + 24), height + 28
            body = [_text(width / 2, 24, title, font_size=16, **BOLD), _group(*body, moved=(0, 28))]
        width, height, self.alt = math.ceil(width), math.ceil(height), alt
        self.svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'style="max-width:100%;height:auto" role="img" aria-label="{escape(alt)}" '
            f'font-family="Arial, Helvetica, sans-serif" font-size="13" fill="#222">'
            f"<title>{escape(title or 'Network')}</title><desc>{escape(alt)}</desc>"
            f'<rect width="{width}" height="{height}" rx="10" fill="#fff"/>{"".join(body)}</svg>'
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        return bundle(self.svg, self.alt)


def draw(model, *, title=None, losses=None):
    """Draw a network from its Keras model.

    Encoder and decoder are those of an autoencoder (anything with the attributes `encoder` and `decoder`), models
    inside the model with these names, or what comes before and after a layer named "code". An encoder that returns
    a dict of "mean" and "log_variance" is drawn with the draw from N(mean, variance), an autoencoder's `quantizer`
    after its code. A model with the attribute `discriminator` is drawn with it behind the images that its generator or
    decoder makes; real images come to it, too. Layers that are not trainable are pale.

    Args:
        model: a built `keras.Sequential`, functional model, autoencoder or GAN.
        title: above the drawing.
        losses: whether to show where the losses attach; None: where there are two, as in variational autoencoders.

    Returns a `Diagram`. Raises TypeError for something that is not a Keras model, ValueError for a model that is not
    built, or whose layers form no graph.
    """
    nodes = _read(model)
    _place(nodes, TALL, max(node.units for node in nodes))
    if losses is None:
        several = any(node.kind == "sampler" or node.below == QUANTIZED for node in nodes)
        losses = several and not hasattr(model, "discriminator")
    body, width, height = _render(nodes, losses=_losses(model, nodes) if losses else ())
    return Diagram([body], width, height, title, f"A network: {_describe(nodes)}")


def draw_steps(models, titles, *, title=None):
    """Draw how a network grows: one row per step, on one scale, the last one the whole network.

    A step whose layers all belong to the last model (as of `stacking.blocks`) is drawn in its place there: its own
    layers, the encoder's layers before them pale, since they are trained already, and nothing of the rest. Any other
    step is drawn by itself. The titles are one per step; arguments, result and errors are as for `draw`, and
    ValueError for another number of titles than of models, or none.
    """
    models, titles = list(models), list(titles)
    if len(models) != len(titles) or not models:
        raise ValueError(f"{len(models)} models and {len(titles)} titles: as many of both expected, at least one.")
    steps = [_read(model) for model in models]
    widest = max(node.units for nodes in steps for node in nodes)
    for nodes in steps:
        _place(nodes, TALL / 2, widest)
    steps = [_step(steps[-1], nodes) for nodes in steps[:-1]] + steps[-1:]
    left, rows, width, y = min(node.x - node.half for node in steps[-1]), [], 0, 0
    for text, nodes in zip(titles, steps, strict=True):
        body, wide, height = _render(nodes, left=left, named=nodes is steps[-1])
        rows += [_text(14, y + 22, text, anchor="start", font_size=14, **BOLD), _group(body, moved=(0, y + 24))]
        width, y = max(width, wide, 30 + _width(text, 15)), y + height + 22
    alt = " ".join(f"{text}: {_describe(nodes)}" for text, nodes in zip(titles, steps, strict=True))
    return Diagram(rows, width, y, title, alt)


def bundle(svg, alt):
    """Return the data and metadata of a notebook's output: the drawing as SVG and as PNG.

    JupyterLab shows no SVG of a notebook that it does not trust, as all that come from elsewhere: then the PNG counts.
    """
    root = ElementTree.fromstring(svg)
    width, height = int(root.get("width")), int(root.get("height"))
    fig = Figure((width / 100, height / 100), dpi=100)
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    _paint(ax, root, 0, 0, {})
    pixels, box = png(fig, colours=64)
    data, metadata = picture_bundle(pixels, [round(100 * side) for side in box.size], alt)
    return {"image/svg+xml": svg} | data, {"image/svg+xml": {"alt": alt}} | metadata


def _paint(ax, element, x, y, look):
    """Paint an element of our SVG, moved by x and y, by matplotlib; `look` is what it inherits."""
    own = element.attrib
    number = {key: float(value) for key, value in own.items() if re.fullmatch(r"-?[\d.]+", value)}
    move = re.findall(r"-?[\d.]+", own.get("transform", "translate(0 0)"))
    x, y = x + float(move[0]), y + float(move[1])
    look = look | {key: own[key] for key in ("fill", "font-size", "font-weight", "opacity") if key in own}
    alpha, stroke = float(look.get("opacity", 1)), number.get("stroke-width", 1)
    dashes = [float(dash) / stroke for dash in own.get("stroke-dasharray", "").split()]
    style = {"facecolor": look.get("fill"), "edgecolor": own.get("stroke", "none"), "alpha": alpha}
    style |= {"linewidth": 0.72 * stroke, "linestyle": (0, dashes) if dashes else "-"}  # 100 pixels are 72 points
    at = x + number.get("x", 0), y + number.get("y", 0)
    kind = element.tag.split("}")[1]
    if kind == "rect":
        corners = f"round,pad=0,rounding_size={number.get('rx', 0)}"
        ax.add_patch(FancyBboxPatch(at, number["width"], number["height"], corners, **style))
    elif kind == "circle":
        ax.add_patch(Circle((x + number["cx"], y + number["cy"]), number["r"], **style))
    elif kind == "path":
        ax.add_patch(PathPatch(_path(own["d"], x, y), **style))
    elif kind == "text":
        side = {"middle": "center", "start": "left"}[own["text-anchor"]]
        size = 0.66 * float(look["font-size"])  # this font is wider than Arial
        font = {"size": size, "weight": look.get("font-weight", "normal"), "color": look["fill"], "alpha": alpha}
        ax.text(*at, element.text, ha=side, va="baseline", **font)
    for child in element:
        _paint(ax, child, x, y, look)


def _path(way, x, y):
    """Return a path of SVG, moved by x and y, as one of matplotlib."""
    kinds = {"M": Path.MOVETO, "L": Path.LINETO, "Q": Path.CURVE3, "C": Path.CURVE4, "l": Path.LINETO}
    points, codes, at = [], [], (x, y)
    for kind, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", way):
        values = [float(value) for value in re.findall(r"-?[\d.]+", numbers)]
        if kind == "z":
            points, codes = [*points, points[0]], [*codes, Path.CLOSEPOLY]
            continue
        if kind in "hv":
            kind, values = "l", values + [0] if kind == "h" else [0] + values
        code, origin = kinds[kind], at if kind == "l" else (x, y)
        new = [(origin[0] + a, origin[1] + b) for a, b in zip(values[::2], values[1::2], strict=True)]
        points, codes, at = points + new, codes + [code] * len(new), new[-1]
    return Path(points, codes)


def _read(model):
    """Return the model's nodes in the order of the computation."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"A Keras model expected, not {type(model).__name__}. For layers: keras.Sequential([...]).")
    nodes = []
    first, last = (_part(model, *names) for names in (("encoder", "generator"), ("discriminator", "decoder")))
    for tensor in _tensors(first, "inputs"):
        shape = tuple(tensor.shape[1:])
        nodes.append(_Node("image" if len(shape) == 3 else "box", shape, below=["input"]))
    ends = _follow(model, nodes, [(k, "") for k in range(len(nodes))], "")
    used = {source for node in nodes for source, _ in node.inputs}
    for (k, _), tensor in zip(ends, _tensors(last, "outputs"), strict=True):
        shape = tuple(tensor.shape[1:])
        if len(shape) == 3 and shape[2] <= 4 and not nodes[k].code:
            if nodes[k].kind == "map" and nodes[k].shape == shape and k not in used:
                nodes[k].kind = "image"
            else:
                nodes.append(_Node("image", shape, [(k, "")]))
            nodes[k if nodes[k].kind == "image" else -1].below.append("output")
    _name_parts(nodes)
    for node in nodes:  # its column: as many as the longest way to it has steps
        node.rank = 1 + max((nodes[k].rank for k, _ in node.inputs), default=-1)
    for k, node in enumerate(nodes[1:], start=1):  # a later input stands where it is used
        if not node.inputs:
            node.rank = min((user.rank for user in nodes if k in dict(user.inputs)), default=1) - 1
    _shortcuts(nodes)
    for node in nodes:
        _label(node)
    return nodes


def _part(model, *names):
    """Return the first part of a model that has one of these names, or the model itself."""
    return next((getattr(model, name) for name in names if hasattr(model, name)), model)


def _tensors(model, which):
    found = getattr(model, which, None) if model.built else None
    if not found:
        remedy = "Draw a Sequential or functional model, or one with encoder and decoder." if model.built else BUILD
        raise ValueError(f"{model.name!r} is {'no graph of layers' if model.built else 'not built'}. {remedy}")
    return found


def _follow(model, nodes, sources, part):
    """Add a model's nodes, given where its inputs come from; return where its outputs come from."""
    if hasattr(model, "discriminator"):
        return _judged(model, nodes, sources)
    if hasattr(model, "encoder") and hasattr(model, "decoder"):
        return _coded(model, nodes, sources, part)
    known = {id(tensor): source for tensor, source in zip(_tensors(model, "inputs"), sources, strict=True)}
    outputs = _tensors(model, "outputs")
    named = getattr(model, "output", None)
    if isinstance(named, dict):  # "mean" and "log_variance", in this order
        outputs = [named[key] for key in sorted(named, key=lambda key: "log" in key)]

    def visit(tensor):
        if id(tensor) not in known:
            layer, call, _ = tensor._keras_history  # Keras has no public way from a tensor to the call that made it
            call = layer._inbound_nodes[call]
            given = [visit(previous) for previous in call.input_tensors]
            known.update(zip(map(id, call.output_tensors), _add(layer, call, nodes, given, part), strict=True))
        return known[id(tensor)]

    return [visit(tensor) for tensor in outputs]


def _coded(model, nodes, sources, part=""):
    """Add an encoder and a decoder, with a draw between them where the encoder has two outputs."""
    codes = _follow(model.encoder, nodes, sources, part or "encoder")
    if len(codes) == 2:
        codes = [_sampler(nodes, codes)]
    nodes[codes[-1][0]].code = True
    if quantizer := getattr(model, "quantizer", None):
        nodes.append(_Node("noise", nodes[codes[-1][0]].shape, codes, quantizer, "", QUANTIZED))
        codes = [(len(nodes) - 1, "")]
    return _follow(model.decoder, nodes, codes[-1:], part or "decoder")


def _judged(model, nodes, sources):
    """Add what makes images, the images, and the discriminator, to which real images come, too."""
    if hasattr(model, "encoder"):
        made, real = _coded(model, nodes, sources), sources[0]
    else:
        nodes[0].below, nodes[0].code = ["z ~ N(0, I)"], True
        made, real = _follow(model.generator, nodes, sources, "generator"), None
    shape = tuple(model.discriminator.inputs[0].shape[1:])
    nodes.append(_Node("image", shape, made, below=["generated"]))
    fake = len(nodes) - 1, ""
    if real is None:
        nodes.append(_Node("image", shape, below=["real"]))
        real = len(nodes) - 1, ""
    end = _follow(model.discriminator, nodes, [fake], "discriminator")
    reader = next(node for node in nodes if fake in node.inputs)
    reader.inputs.append(real)
    return end


def _add(layer, call, nodes, given, part):
    """Add the node of one call of a layer, unless it has none; return where each of its outputs comes from."""
    if isinstance(layer, keras.Model):
        return _follow(layer, nodes, given, part or (layer.name if layer.name in PANELS else ""))
    kind, last, weights = type(layer).__name__, nodes[given[0][0]], getattr(layer, "weights", ())
    before, shape = (tuple(tensors[0].shape[1:]) for tensors in (call.input_tensors, call.output_tensors))
    same = before == shape or (None not in before + shape and math.prod(before) == math.prod(shape))
    words = NAMES.get(kind, re.sub("(?<=[a-z])(?=[A-Z])", " ", kind.removesuffix("2D")).lower())
    if kind.startswith("Sampl") and len(given) == 2:
        return [_sampler(nodes, given)]
    if noise := _noise(layer):
        if last.kind == "noise":
            last.below += noise
            return given
        first = not last.inputs
        node = _Node("noise", shape, given, layer, "" if first else part, noise, ["corruption"] * first)
    elif len(given) > 1 and kind != "MaxUnpooling2D":
        node = _Node("merge", shape, given, layer, part, [words])
    elif (not weights and same and kind not in NAMES) or "Normalization" in kind:
        if hasattr(layer, "activation") or hasattr(keras.activations, kind.lower()) or kind == "LeakyReLU":
            last.below = [_activation(layer) if line == "linear" else line for line in last.below]
        return given
    else:
        vector = len(shape) < 3 or shape[:2] == (1, 1)
        own = weights and kind not in NAMES
        below = [_activation(layer) if own else words, *["logits"] * (layer.name == "logits")]
        node = _Node("box" if vector else "map", shape, given, layer, part, below)
        node.pale = bool(weights) and not layer.trainable
    nodes.append(node)
    return [(len(nodes) - 1, "indices" * (k > 0 and "Indices" in kind)) for k in range(len(call.output_tensors))]


def _sampler(nodes, heads):
    """Add the draw of z from N(mean, variance), and z; return where z is."""
    for (k, _), name in zip(heads, ("mean μ", "log σ²"), strict=True):
        nodes[k].below.insert(0, name)
    shape, draw = nodes[heads[0][0]].shape, len(nodes)
    nodes += [_Node("sampler", shape, list(heads)), _Node("box", shape, [(draw, "")], below=["z = μ + σ·ε"], code=True)]
    return draw + 1, ""


def _noise(layer):
    """Return a corrupting layer's lines of text, None for other layers."""
    kind = type(layer).__name__
    if kind == "Corruption":
        levels = dict.fromkeys(f"{level:g}" for level in (layer.low, layer.high))
        return [*textwrap.wrap(layer.kind.replace("_", " "), 9), " to ".join(levels)]
    if kind in ("GaussianNoise", "GaussianDropout", "Dropout", "SpatialDropout2D"):
        level = layer.stddev if kind == "GaussianNoise" else layer.rate
        return [re.match("[A-Z][a-z]+", kind)[0].lower(), f"{level:g}"]
    return [kind.removeprefix("Random").lower()] if kind.startswith(("Random", "Binarize")) else None


def _activation(layer):
    activation = getattr(layer, "activation", layer)
    return getattr(activation, "__name__", type(activation).__name__).lower().replace("_", " ").strip("<>")


def _name_parts(nodes):
    """Find the layer named "code". Where no layer has a part, encoder is what leads to it, decoder what follows."""
    named = [k for k, node in enumerate(nodes) if getattr(node.layer, "name", "") == "code"]
    found = [k for k, node in enumerate(nodes) if node.code] + named
    if found:
        nodes[found[0]].code = True
    ends = nodes[0].shape, nodes[-1].shape
    back = ends[0] == ends[1] or (len(ends[0]) == len(ends[1]) == 3 and ends[0][:2] == ends[1][:2])  # or classes
    for k, node in enumerate(nodes if found and not any(node.part for node in nodes) else ()):
        if node.layer is not None and node.kind != "noise" and (k <= found[0] or back):
            node.part = "encoder" if k <= found[0] else "decoder"


def _shortcuts(nodes):
    """Side paths of a merge that hold one layer without weights become a line with the layer's name on it."""
    for node in (node for node in nodes if node.kind == "merge"):
        for place, (k, _) in enumerate(node.inputs):
            side, last = nodes[k], max(nodes[j].rank for j, _ in node.inputs)
            alone = sum(k in dict(user.inputs) for user in nodes) == 1
            if side.kind == "map" and side.rank < last and alone and not side.layer.weights:
                how = getattr(side.layer, "interpolation", "")
                node.inputs[place] = side.inputs[0][0], f"{how} {' '.join(side.below)}".strip()
                side.absent = True


def _label(node):
    """Write a node's size above it."""
    size = "×".join(str(n or letter) for n, letter in zip(node.shape, "hwc", strict=False))
    units = size if None in node.shape else str(math.prod(node.shape))
    if node.code and hasattr(node.layer, "codes"):  # a quantizer's
        node.above = ["code", f"{math.prod(node.shape[:-1])} indices", f"of {node.layer.codes}"]
    elif node.code:
        node.above = ["code" if node.layer else "code z", f"d = {units}", *[size] * (node.kind == "map")]
    elif node.kind in ("map", "box", "image"):
        node.above = {"map": re.split("(?=×[^×]*$)", size), "box": [units], "image": [size]}[node.kind]


def _place(nodes, tall, widest):
    """Give every node a size and a place: columns from left to right, what shares a column below one another."""
    highest = max((node.shape[0] or 1 for node in nodes if node.kind in ("map", "image")), default=1)
    here = [node for node in nodes if not node.absent]
    for node in here:
        node.size = (24, 24) if node.kind == "noise" else (20, 20)
        if node.kind == "box":
            node.size = 24, 14 + (tall - 14) * math.sqrt(node.units / widest)
        elif node.kind == "sampler":
            node.size = 20 + 2 * SIDE, 20
        elif node.kind in ("map", "image"):
            h, w = (12 + (0.55 * tall - 12) * math.sqrt((n or highest) / highest) for n in node.shape[:2])
            node.size = SLANT * w + SHEET * (node.sheets - 1), h + w / 5
        texts = [] if node.kind == "merge" else node.above + node.below  # beside a merge's text there is room
        alone = node.part and len({other.rank for other in here if other.part == node.part}) == 1
        node.half = max([node.size[0], 62 if alone else 0, *map(_width, texts)]) / 2
    branching = {k for node in here for k, label in node.inputs if label or node.rank > nodes[k].rank + 1}
    x, before = 0, []
    for rank in range(1 + max(node.rank for node in here)):
        column = [node for node in here if node.rank == rank]
        if before and column:
            shapes = sum(max(node.size[0] / 2 for node in side) for side in (before, column))
            texts = sum(max(node.half for node in side) for side in (before, column))
            several = max(len(column), len(before)) > 1 and column[0].kind != "sampler"
            x += max(shapes + GAP, texts + 7) + 14 * (before[0].part != column[0].part) + 16 * several
            x += 8 * any(nodes[k] in before for k in branching)
        y = -sum(node.bottom - node.top + 10 for node in column) / 2
        for node in column:
            node.x, node.y, y = x, y + 5 - node.top, y + node.bottom - node.top + 10
        if len(column) == 1:
            column[0].y = 0
        before = column or before


def _step(whole, step):
    """Return copies of the whole network's nodes as far as a step has them, or the step itself where it has others."""
    own = {id(node.layer) for node in step if getattr(node.layer, "weights", ())}
    if not own <= {id(node.layer) for node in whole}:
        return step
    nodes = [replace(node) for node in whole]
    inner = [k for k, node in enumerate(nodes) if id(node.layer) in own]
    code = max((k for k in inner if nodes[k].part == "encoder"), default=inner[0])
    for k, node in enumerate(nodes):
        node.pale = k < inner[0] and node.kind != "image"
        node.absent = k > inner[0] and k not in inner and not (k > inner[-1] == len(nodes) - 2)
        if node.code != (k == code):
            node.code = k == code
            _label(node)
            node.half = max(node.size[0], *map(_width, node.above + node.below)) / 2
    return nodes


def _render(nodes, losses=(), left=None, named=True):
    """Return placed nodes as SVG, with the width and height that they take."""
    here = [node for node in nodes if not node.absent]
    top, bottom = min(node.top for node in here), max(node.bottom for node in here)
    lines, arcs, panels = [], [], []
    for node in here:
        for k, label in node.inputs:
            source = nodes[k]
            while source.absent:
                source = nodes[source.inputs[0][0]]
            if label or (node.rank > source.rank + 1 and source is nodes[k]):
                arcs.append((source, node, label))
                continue
            start, end, by = source.x + source.size[0] / 2 + 2, node.x - node.size[0] / 2 - 2, node.x - node.half - 11
            way = [(start, source.y), (by, source.y), (by, node.y), (end, node.y)]
            if node.kind == "sampler":
                way = [(start, source.y), (node.x + SIDE, source.y), (node.x + SIDE, 12 if source.y > 0 else -12)]
            lines.append(_arrow(*(way if abs(source.y - node.y) > 1 else way[::3])))
    parts = [part for part in PANELS if any(node.part == part for node in here)]
    names_y = bottom + 14 if arcs else top - 6
    if parts:
        top, bottom = top - (20 if named and not arcs else 2), bottom + (20 if named and arcs else 2)
    for part in parts:
        inside = [node for node in here if node.part == part]
        x0, x1 = min(n.x - n.half for n in inside) - 7, max(n.x + n.half for n in inside) + 7
        panels.append(_rect(x0, top, x1 - x0, bottom - top, 10, fill=PANELS[part]))
        if named:
            panels.append(_text((x0 + x1) / 2, names_y, part, fill=LOOKS[part][1], font_size=14, **BOLD))
    high, low = top, bottom
    for (source, node, label), level in _levels(arcs):
        x, y = source.x + max(source.size[0] / 2 + 6, source.half + 3), top - 12 - 20 * level
        end = node.x, node.y - 12 if node.kind == "merge" else node.top
        arc = _arrow((x, source.y), (x, y), (node.x, y), end, colour=INDIGO, dashed=label == "indices")
        dot = _tag("circle", cx=x, cy=source.y, r=2.5, fill=INDIGO)
        lines.append(_group(arc, dot, _text((x + node.x) / 2, y - 4, label, fill=INDIGO), kind="skip"))
        high = min(high, y - (16 if label else 0))
    tied = [(other, node, "") for node in here for other in here if other.layer is node.tied is not None]
    for (source, node, _), level in _levels(tied):
        y = bottom + 12 + 14 * level
        way = _way((source.x, source.bottom), (source.x, y), (node.x, y), (node.x, node.bottom), **LINK)
        lines, low = [*lines, _group(way, kind="tie")], max(low, y + 20)
    if tied:
        lines.append(_text((tied[0][0].x + tied[0][1].x) / 2, low - 4, "tied: the same W, transposed", fill=WINE))
    x0 = min(node.x - node.half for node in here) if left is None else left
    x1, free = max(node.x + node.half for node in here) + 7, x0
    for text, where in losses:
        wide, x, under = max(map(_width, text)) + 18, where[0].x, max(node.bottom for node in where)
        middle = max(min(x, x1 - 7 - wide / 2), free + wide / 2)
        line = _way((x, under), (x, low + 16), **LINK)
        pill = _rect(middle - wide / 2, low + 16, wide, 42, 8, fill="#fbeef2", stroke=WINE)
        w, t = where[0].half + 4, min(node.top for node in where) - 1
        ring = _rect(x - w, t, 2 * w, under - t, 8, fill="none", **LINK) if len(where) > 1 else ""
        lines.append(_group(line, pill, _lines(middle, low + 33, text, fill=WINE), ring, kind="loss"))
        x1, free = max(x1, middle + wide / 2), middle + wide / 2 + 10
    low += 60 if losses else 0
    body = _group(*panels, *lines, *map(_shape, here), moved=(16 - x0, 10 - high))
    return body, x1 - x0 + 25, low - high + 20


def _levels(arcs):
    """Return the arcs, each with a level, from short to long: arcs of one level do not overlap."""
    found = []
    for arc in sorted(arcs, key=lambda arc: (arc[1].rank - arc[0].rank, arc[0].rank)):
        below = [level for other, level in found if other[0].x < arc[1].x and arc[0].x < other[1].x]
        found.append((arc, 1 + max(below, default=-1)))
    return found


def _losses(model, nodes):
    """Return what to write about the losses, each with the nodes that it is computed from."""
    heads = [[nodes[k] for k, _ in node.inputs] for node in nodes if node.kind == "sampler"]
    name = {"mse": "squared error", "bce": "cross-entropy"}.get(getattr(model, "reconstruction_loss", ""), "of x")
    image = ["reconstruction", "−log p(x|z)" if heads else name]
    rates = [(["rate, in bits", "−log₂ of each unit's share"], [node]) for node in nodes if node.below == QUANTIZED]
    if rates:
        image = ["distortion", "squared error"]
    last = (image if nodes[-1].kind == "image" else ["loss", "against the target"]), nodes[-1:]
    return [*((["KL divergence", "of q(z|x) from N(0, I)"], pair) for pair in heads), *rates, last]


def _describe(nodes):
    """Say in a sentence what a drawing shows, from the input to the output."""
    words, part = [], ""
    for node in (node for node in nodes if not node.absent):
        words += [f"{node.part}:"] if node.part not in ("", part) else []
        part = node.part
        facts = {"sampler": ["draw of z = μ + σ·ε with ε ~ N(0, I)"]}.get(node.kind, node.above) + node.below
        facts += ["with a skip" for k, label in node.inputs if label != "indices" and node.rank > nodes[k].rank + 1]
        facts += ["with the pooling's indices" for _, label in node.inputs if label == "indices"]
        facts += ["tied"] * (node.tied is not None) + ["(frozen)"] * node.pale
        words.append(" ".join(facts) + ",")
    return " ".join(words).replace(" ×", "×")[:-1] + "."


def _shape(node):
    """Return a node as SVG: its shape, and the text above and below."""
    (w, h), x, y = node.size, node.x - node.size[0] / 2, node.y - node.size[1] / 2
    what, middle = "code" if node.code else node.kind, node.x + SIDE * (node.kind == "sampler")
    fill, edge = LOOKS.get(what, LOOKS[node.part])
    look = {"fill": fill, "stroke": edge, "stroke_width": 1.3, "stroke_linejoin": "round"}
    if node.kind in ("map", "image"):
        wide = w - SHEET * (node.sheets - 1)
        rise = wide / SLANT / 5
        sheet = f"l{wide:.1f} {-rise:.1f}v{h - rise:.1f}l{-wide:.1f} {rise:.1f}z"
        shape = [_tag("path", d=f"M{x + SHEET * k:.1f} {y + rise:.1f}{sheet}", **look) for k in range(node.sheets)]
    elif node.kind in ("box", "noise"):
        shape = [_rect(x, y, w, h, 4, stroke_dasharray="3 2" if node.kind == "noise" else None, **look)]
    else:
        shape = [_tag("circle", cx=middle, cy=node.y, r=10, **look)]
    if node.kind == "sampler":
        shape += [_text(x + 32, node.y + 4, "ε ~ N(0, I)"), _arrow((x + 68, node.y), (middle - 12, node.y))]
    if sign := SIGNS.get(type(node.layer).__name__ if node.kind == "merge" else node.kind):
        path = _tag("path", d=sign, fill="none", stroke="#222", stroke_width=1.5)
        shape.append(_group(path, moved=(middle, node.y)))
    if node.pale:
        shape = [_group(*shape, opacity=0.4)]
    bold = BOLD | {"fill": WINE} if node.code else {}
    start = y - 6 - LINE * (len(node.above) - 1)
    above, below = _lines(node.x, start, node.above, **bold), _lines(node.x, y + h + 14, node.below)
    return _group(*shape, above, below, kind=what)


def _tag(name, inside="", **attributes):
    """Return an SVG element; numbers get one decimal."""
    values = ((k.replace("_", "-"), round(v, 1) if isinstance(v, float) else v) for k, v in attributes.items())
    inner = "".join(f' {key}="{value}"' for key, value in values if value is not None)
    return f"<{name}{inner}>{inside}</{name}>"


def _group(*parts, kind=None, moved=None, **look):
    place = None if moved is None else "translate({:.1f} {:.1f})".format(*moved)
    return _tag("g", "".join(parts), transform=place, data_kind=kind, **look)


def _rect(x, y, width, height, rx, **look):
    return _tag("rect", x=x, y=y, width=width, height=height, rx=rx, **look)


def _lines(x, y, texts, **look):
    return "".join(_text(x, y + LINE * k, text, **look) for k, text in enumerate(texts))


def _text(x, y, text, anchor="middle", **look):
    return _tag("text", escape(text), x=x, y=y, text_anchor=anchor, **look) if text else ""


def _way(*points, **look):
    """Return a line through points, with round corners."""
    way = "M{:.1f} {:.1f}".format(*points[0])
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        sides = ((end, math.dist(at, end) or 1) for end in (before, after))
        (x0, y0), (x1, y1) = ([p + min(8 / d, 0.5) * (q - p) for p, q in zip(at, end, strict=True)] for end, d in sides)
        way += "L{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}".format(x0, y0, *at, x1, y1)
    return _tag("path", d=way + "L{:.1f} {:.1f}".format(*points[-1]), fill="none", **look)


def _arrow(*points, colour="#444", dashed=False):
    """Return an arrow through points, with its head at the last one."""
    tip, back = complex(*points[-1]), complex(*points[-1]) - complex(*points[-2])
    back *= 7 / (abs(back) or 1)
    corners = [(z.real, z.imag) for z in (tip, tip - back * (1 - 0.5j), tip - back * (1 + 0.5j), tip - back)]
    head = "M{:.1f} {:.1f}L{:.1f} {:.1f}L{:.1f} {:.1f}z".format(*corners[0], *corners[1], *corners[2])
    look = {"stroke": colour, "stroke_width": 1.4, "stroke_dasharray": "5 3" if dashed else None}
    return _way(*points[:-1], corners[3], **look) + _tag("path", d=head, fill=colour)


def _width(text, size=13):
    return 0.56 * size * len(text)  # about so many pixels
