"""Scenes of several digits with a class for every pixel, and encoders and decoders that find them (lesson 06)."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from utils import validate
from utils.layers import BedOfNails2D, MaxPoolingWithIndices2D, MaxUnpooling2D

DECODERS = ("indices", "nearest", "bilinear", "bed of nails", "transposed convolution", "skip connections")
CLASSES = 11  # of a scene: background, digits 0 to 9
SIZE, MARGIN, DIGIT, PIECE = 40, 4, 20, 6  # pixels: a scene, what is cut off around it, a digit, a fragment of one


def shrink(images):
    """Return images of digits (n, 28, 28, 1) in [0, 1] as (n, 20, 20), averaged by area, with twice the ink.

    Raises ValueError for another shape or range.
    """
    images = validate.unit(np.asarray(images))
    if images.ndim != 4 or images.shape[1:] != (28, 28, 1) or len(images) == 0:
        raise ValueError(f"images: (n, 28, 28, 1) expected, got {images.shape}.")
    small = tf.image.resize(images, (DIGIT, DIGIT), "area").numpy()[..., 0]
    return (2 * small).clip(0, 1)


def compose(digits, labels, count, seed, *, clutter=2, most=6):
    """Compose scenes: fragments of digits on a dark uneven background, and over them whole digits, which may overlap.

    Corners of digits are at least 12 pixels apart in row or column; a digit may lose 2 pixels at the scene's border,
    where MNIST's have no ink. A pixel that a digit covers by at least half has that digit's class, the upper digit's
    where two cross.

    Args:
        digits: (n, 20, 20) in [0, 1], 1 where the ink covers; see `shrink`.
        labels: (n,) integers from 0 to 9.
        count: how many scenes.
        seed: of all randomness.
        clutter: fragments per scene.
        most: digits per scene, drawn from 3 to `most`, or `most` where that is less, as far as they find a place.

    Returns scenes, float32 (count, 40, 40, 1) in [0, 1], and their labels, int32 (count, 40, 40): 0 for background,
    else the digit + 1. Raises ValueError for digits of another shape or range, labels that do not fit, and numbers out
    of range.
    """
    digits = validate.unit(np.asarray(digits))
    if digits.ndim != 3 or digits.shape[1:] != (DIGIT, DIGIT) or len(digits) == 0:
        raise ValueError(f"digits: (n, {DIGIT}, {DIGIT}) expected, got {digits.shape}.")
    labels = validate.labels("labels", labels, len(digits))
    count, most = validate.positive("count", count), validate.positive("most", most)
    rng = np.random.default_rng(validate.seed(seed))
    wide = SIZE + 2 * MARGIN
    tent = (1 - abs(np.linspace(0, 3, wide)[:, None] - np.arange(4))).clip(0)  # straight lines between four values
    scenes = tent @ rng.uniform(0, 0.2, (count, 4, 4)) @ tent.T
    targets = np.zeros(scenes.shape, "int32")
    for scene, target in zip(scenes, targets, strict=True):
        for k in rng.integers(len(digits), size=validate.integer("clutter", clutter, 0)):
            i, j = rng.integers(4, 11, 2)
            piece = digits[k, i : i + PIECE, j : j + PIECE]
            _paint(scene, piece, rng.integers(MARGIN, SIZE + MARGIN - PIECE, 2), rng.uniform(0.8, 1))
        for corner in _places(rng, rng.integers(min(3, most), most + 1)):
            k = rng.integers(len(digits))
            _paint(scene, digits[k], corner, rng.uniform(0.8, 1))
            _under(target, digits[k], corner)[digits[k] >= 0.5] = labels[k] + 1
    scenes += rng.normal(0, 0.02, scenes.shape)
    inner = np.s_[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    return scenes[inner].clip(0, 1).astype("float32")[..., None], targets[inner]


def encoder(widths=(12, 32), code=96, shape=(SIZE, SIZE, 1)):
    """Return the encoder of a network after SegNet (arXiv:1511.00561), much smaller.

    It is a block and a max-pooling per width, a block that makes the code, and one as wide as the last. A block is a
    convolution 3x3, a batch normalization and a ReLU.

    Args:
        widths: channels of the blocks before the poolings.
        code: channels of the code.
        shape: (h, w, c) of the images, h and w multiples of 2 to the power of the number of widths.

    Returns a functional `keras.Model` whose outputs are a list: what the decoder starts from, and for every pooling the
    map before it and the indices. Raises ValueError for widths that are not positive.
    """
    x = image = keras.Input(shape)
    kept = []
    for width in widths:
        full = _block(x, validate.positive("A width", width))
        x, indices = MaxPoolingWithIndices2D()(full)
        kept += [full, indices]
    x = _block(_block(x, validate.positive("code", code), name="code"), widths[-1])
    return keras.Model(image, [x, *kept])


def with_decoder(encoder, decoder="indices", channels=None, classes=CLASSES):
    """Return a network that gives every pixel logits of its class: an `encoder`, whose layers it shares, and a decoder.

    Args:
        encoder: as `encoder` makes it.
        decoder: how its steps double height and width: one of `DECODERS`; or several, one per pooling, the first for
            the step at the images' size, the last for the one next to the code.
        channels: of the steps in this order; None for those of the map that was pooled before the pooling in question,
            as in SegNet, and at the images' size for those of that map.
        classes: how many.

    Returns a functional `keras.Model` from (n, h, w, c) to logits (n, h, w, classes). Raises ValueError for an unknown
    decoder, another number of decoders or channels than of poolings, and sizes that are not positive.
    """
    x, *kept = encoder.outputs
    maps = list(zip(kept[::2], kept[1::2], strict=True))
    widths = [full.shape[-1] for full, _ in maps]
    decoders = (decoder,) * len(maps) if isinstance(decoder, str) else tuple(decoder)
    channels = (widths[0], *widths[:-1]) if channels is None else tuple(channels)
    if not len(decoders) == len(channels) == len(maps):
        raise ValueError(f"{len(decoders)} decoders, {len(channels)} channels: one of each per pooling expected.")
    for name in decoders:
        if name not in DECODERS:
            raise ValueError(f"decoder={name!r}: must be one of {', '.join(DECODERS)}.")
    for name, (full, indices), width in reversed(list(zip(decoders, maps, channels, strict=True))):
        x = _grow(name, x, full, indices, validate.positive("channels", width))
    classes = validate.positive("classes", classes)
    return keras.Model(encoder.inputs[0], layers.Conv2D(classes, 1, name="logits")(x))


def coarse(labels, size=4):
    """Return which digit has most pixels in each field of size x size pixels: int32 (n, h / size, w / size).

    Fields in which no digit has more than a sixteenth of the pixels are background. The labels are those of scenes,
    (n, h, w) with h and w multiples of size. Raises ValueError for others.
    """
    labels, size = np.asarray(labels), validate.positive("size", size)
    if labels.ndim != 3 or labels.shape[1] % size or labels.shape[2] % size:
        raise ValueError(f"labels (n, h, w), h and w multiples of {size}, expected, got {labels.shape}.")
    n, h, w = labels.shape
    fields = labels.reshape(n, h // size, size, w // size, size)
    counts = np.stack([np.sum(fields == c, axis=(2, 4)) for c in range(CLASSES)], axis=-1)
    counts[..., 0] = size**2 // 16
    return counts.argmax(axis=-1).astype("int32")


def _places(rng, many):
    """Return corners (row, column) of at most `many` digits, any two at least 12 pixels apart in row or column."""
    chosen = []
    for corner in rng.integers(MARGIN - 2, SIZE + MARGIN + 3 - DIGIT, (20, 2)):
        if all(abs(corner - other).max() >= 12 for other in chosen):
            chosen.append(corner)
    return chosen[:many]


def _under(canvas, picture, corner):
    """Return the part of a canvas that a picture covers, as a view."""
    (i, j), (h, w) = corner, picture.shape
    return canvas[i : i + h, j : j + w]


def _paint(scene, picture, corner, ink):
    """Lay a picture, 1 where it covers and 0 where not, over a scene."""
    place = _under(scene, picture, corner)
    place += picture * (ink - place)


def _block(x, channels, name=None):
    x = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=name)(x)
    return _normal(x)


def _normal(x):
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def _grow(decoder, x, full, indices, channels):
    """Return a step of a decoder: twice the height and width, and a block."""
    if decoder == "transposed convolution":
        return _normal(layers.Conv2DTranspose(channels, 4, strides=2, padding="same", use_bias=False)(x))
    if decoder == "indices":
        x = MaxUnpooling2D()(x, indices)
    elif decoder == "bed of nails":
        x = BedOfNails2D()(x)
    elif decoder == "skip connections":
        x = layers.Add()([layers.UpSampling2D()(x), full])
    else:
        x = layers.UpSampling2D(interpolation=decoder)(x)
    return _block(x, channels)
