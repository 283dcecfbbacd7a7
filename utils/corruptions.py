"""Ways to spoil an image that an autoencoder then learns to restore: noise, holes, small moves, fewer pixels.

Two forms of the same corruptions. The functions take and return NumPy images and depend on a seed: fixed noise, for
evaluation. The layer `Corruption` draws anew in every training step and does nothing otherwise: fresh noise, for
training. The list is lecture 003's, *Denoising Autoencoder*; the holes are inpainting (lecture 000), the fewer
pixels super-resolution (lecture 001).

In every function x are images (n, h, w, c) with values in [0, 1], in float32 or float64; the result is a new array of
x's dtype, in [0, 1], and of x's shape unless said. A seed is an integer of at least 0: the same one gives the same
result, others independent ones. Everything raises ValueError for arguments out of range; the message says which.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from utils import validate
from utils.layers import Drawing, draw, image_size

KINDS = ("gaussian", "masking", "salt_and_pepper", "block")  # what `Corruption` can do
METHODS = ("nearest", "bilinear", "bicubic")


def gaussian(x, sigma, seed):
    """Add normal noise to every value, channels independently, and clip the sum to [0, 1].

    sigma is the standard deviation before the clipping, at least 0, in pixel units (from black to white is 1). Where
    pixels are near 0 or 1, the clipping makes the noise smaller than sigma, and its mean differs from 0.
    """
    x, sigma = _images(x), _level("gaussian", sigma)
    return np.clip(x + sigma * _rng(seed).standard_normal(x.shape, dtype="float32"), 0, 1)


def masking(x, p, seed):
    """Set pixels to 0 with probability p in [0, 1], channels together; for one seed, a larger p masks more of them."""
    x, p = _images(x), _level("masking", p)
    return np.where(_rng(seed).random((*x.shape[:3], 1), dtype="float32") < p, x.dtype.type(0), x)


def salt_and_pepper(x, p, seed):
    """Set pixels to 0 with probability p/2 and to 1 with p/2, p in [0, 1]; all channels of a pixel together."""
    x, p = _images(x), _level("salt_and_pepper", p)
    drawn = _rng(seed).random((*x.shape[:3], 1), dtype="float32")
    return np.where(drawn < p, (drawn < p / 2).astype(x.dtype), x)


def binarize(x, seed):
    """Draw every value as 0 or 1, with itself as the probability of 1, channels independently.

    The stochastic binarisation of MNIST on which likelihoods in nats are compared (Salakhutdinov and Murray, 2008;
    Burda et al., arXiv:1509.00519). The mean of many draws is x; what is 0 or 1 already stays. One draw, with one
    seed, makes a fixed test set; `Binarize` draws anew in every training step.
    """
    x = _images(x)
    return (_rng(seed).random(x.shape, dtype="float32") < x).astype(x.dtype)


def block(x, size, seed=None, value=0):
    """Cover one square of every image by a value in [0, 1]: the hole that inpainting fills, where `block_mask` says."""
    x, value = _images(x), validate.number("value", value, 0, 1, "a number in [0, 1]")
    return np.where(block_mask(x.shape, size, seed), x.dtype.type(value), x)


def block_mask(shape, size, seed=None):
    """Return where `block` covers images of this shape, so that errors can be measured inside the hole alone.

    Args:
        shape: (n, h, w, c).
        size: height and width of the square in pixels, an integer from 0 to the smaller of h and w.
        seed: integer for a random place in each image, all places inside equally likely; None for the centre
            (towards the top left by half a pixel, where it must).

    Returns (n, h, w, 1) booleans, True in the square.
    """
    if len(shape) != 4:
        raise ValueError(f"shape={shape}: must be (n, h, w, c), such as x.shape.")
    n, h, w, _ = shape
    size = _fitting(_level("block", size), h, w)
    room = np.array([h - size, w - size])
    start = np.tile(room // 2, (n, 1)) if seed is None else _rng(seed).integers(0, room, (n, 2), endpoint=True)
    return _inside(np.arange(h), np.arange(w), *start.T[:, :, None, None, None], size)


def move(x, shift, degrees, zoom, seed):
    """Shift, rotate and rescale every image at random: uniformly, about its centre; what comes in from outside is 0.

    Pixels are interpolated bilinearly, in single precision. With shift = degrees = zoom = 0 nothing changes.

    Args:
        shift: at most so many pixels up or down, and left or right; from 0 to the images' size.
        degrees: at most so much either way, in [0, 180].
        zoom: rescale by a factor between 1 − zoom and 1 + zoom, in [0, 0.5]: shrunk to less than a half, whole
            pixels would be skipped.
    """
    x = _images(x)
    largest = max(x.shape[1:3])
    shift = validate.number("shift", shift, 0, largest, f"a number of pixels in [0, {largest}], the images' size")
    degrees = validate.number("degrees", degrees, 0, 180, "a number in [0, 180]")
    zoom = validate.number("zoom", zoom, 0, 0.5, "a number in [0, 0.5]")
    if shift == degrees == zoom == 0:
        return x.copy()
    limits = np.array([[shift], [shift], [np.deg2rad(degrees)], [zoom]])
    right, down, angle, larger = limits * _rng(seed).uniform(-1, 1, (4, len(x)))
    # From each pixel of the result back to its place in x: source = centre + R (pixel − centre − shift) / factor.
    cos, sin = np.cos(angle) / (1 + larger), np.sin(angle) / (1 + larger)
    middle, centre = (x.shape[1] - 1) / 2, (x.shape[2] - 1) / 2
    from_left = centre - cos * (centre + right) - sin * (middle + down)
    from_top = middle + sin * (centre + right) - cos * (middle + down)
    back = np.stack([cos, sin, from_left, -sin, cos, from_top, 0 * cos, 0 * cos], axis=1).astype("float32")
    moved = ops.image.affine_transform(x, back, "bilinear", "constant", 0, data_format="channels_last")
    return np.clip(ops.convert_to_numpy(moved), 0, 1)


def downsample(x, factor):
    """Average squares of factor x factor pixels into one (area downsampling): images (n, h / factor, w / factor, c).

    The factor is a positive integer that divides h and w.
    """
    x, factor = _images(x), validate.integer("factor", factor, 1)
    n, h, w, c = x.shape
    if h % factor or w % factor:
        raise ValueError(f"factor={factor} does not divide images of {h}x{w}: crop them, or choose one that does.")
    return x.reshape(n, h // factor, factor, w // factor, factor, c).mean(axis=(2, 4))


def upscale(x, factor, method):
    """Enlarge images by interpolation and clip the result to [0, 1] (bicubic overshoots).

    A new pixel is the mean of the old ones, weighted by the kernel of the distance between their centres along each
    axis; what lies outside of the image has no weight. Antialiasing, which shrinking needs, has nothing to do here.

    The factor is a positive integer, the method "nearest" (every pixel becomes a square), "bilinear", or "bicubic"
    (Keys, 1981, his a = −0.5). Returns images (n, h · factor, w · factor, c), exact but for the rounding of x's dtype.
    """
    x, factor = _images(x), validate.integer("factor", factor, 1)
    if method not in METHODS:
        raise ValueError(f"Unknown method {method!r}: choose one of {', '.join(METHODS)}.")
    if factor == 1 or method == "nearest":
        return x.repeat(factor, axis=1).repeat(factor, axis=2)
    down, across = (_weights(length, factor, method).astype(x.dtype) for length in x.shape[1:3])
    return np.clip(np.einsum("ih,jw,nhwc->nijc", down, across, x, optimize=True), 0, 1)


@keras.saving.register_keras_serializable(package="autoencoder_course")
class Corruption(Drawing):
    """Keras layer that corrupts images in training, differently in every step, and else returns them unchanged.

    At the start of the encoder of an `Autoencoder` it makes a denoiser: the target is the model's input, which is
    clean. What validates it in `utils.training.fit` is `validation_data=(gaussian(x, ...), x)`: outside of training
    the layer is idle. It draws from the same distributions as the functions above, but other numbers; under XLA too,
    with yet other numbers.

    Args:
        kind: "gaussian", "masking", "salt_and_pepper" or "block" (black, at a random place), as the functions.
        level: the sigma, p or size of that function, or a pair (low, high): then drawn for each image, uniformly
            (sizes among the integers from low to high).
        seed: as in `layers.Drawing`.

    Input and output are images (n, h, w, c) in [0, 1]; `fit` checks the range, the layer cannot. The sum with Gaussian
    noise is clipped to it. Raises ValueError for an unknown kind, a level or seed out of range, or a block larger than
    the images.
    """

    def __init__(self, kind, level, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if kind not in KINDS:
            raise ValueError(f"Unknown kind {kind!r}: choose one of {', '.join(KINDS)}.")
        pair = tuple(level) if isinstance(level, tuple | list) else (level, level)
        if len(pair) != 2 or (low := _level(kind, pair[0])) > (high := _level(kind, pair[1])):
            raise ValueError(f"level={level!r}: must be one number, or a pair (low, high) with low <= high.")
        self.kind, self.low, self.high = kind, low, high

    def build(self, input_shape):
        """Check that the images have four axes and a block fits into them."""
        h, w, _ = image_size(self.name, input_shape)
        if self.kind == "block":
            _fitting(self.high, h, w)
        self.built = True

    def call(self, x, training=False):
        """Return the images, corrupted if training."""
        if not training:
            return x
        n, h, w, _ = ops.shape(x)
        if self.kind == "block":
            size = self.low + ops.floor(self._uniform(n) * (self.high - self.low + 1))
            rows, columns = (ops.cast(ops.arange(length), "float32") for length in (h, w))
            top, left = (ops.floor(self._uniform(n) * (length - size + 1)) for length in (h, w))
            return ops.where(_inside(rows, columns, top, left, size), ops.zeros_like(x), x)
        level = self.low + (self.high - self.low) * self._uniform(n)
        if self.kind == "gaussian":
            noise = draw(tf.random.stateless_normal, ops.shape(x), self.seed_generator)
            return ops.clip(x + ops.cast(level * noise, x.dtype), 0, 1)
        drawn = self._uniform(n, h, w)
        black_or_white = ops.cast(drawn < level / 2, x.dtype) if self.kind == "salt_and_pepper" else ops.zeros_like(x)
        return ops.where(drawn < level, black_or_white, x)

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return super().get_config() | {"kind": self.kind, "level": [self.low, self.high]}

    def _uniform(self, n, h=1, w=1):
        return draw(tf.random.stateless_uniform, (n, h, w, 1), self.seed_generator)


@keras.saving.register_keras_serializable(package="autoencoder_course")
class Binarize(Drawing):
    """Keras layer that draws every value as 0 or 1, anew in every call, in training and in evaluation alike.

    The layer form of the function `binarize`, with other numbers. Give it to `utils.training.fit` as `prepare`: then
    every step trains on a new draw of its images, as input and as target. Images of any shape in [0, 1] (`fit` checks
    the range, the layer cannot) become 0 and 1. The seed and its ValueError are as in `layers.Drawing`.
    """

    def call(self, x):
        """Return the drawn images."""
        drawn = draw(tf.random.stateless_uniform, ops.shape(x), self.seed_generator)
        return ops.cast(ops.cast(drawn, x.dtype) < x, x.dtype)


def _images(x):
    x = np.asarray(x)
    if x.ndim != 4 or x.size == 0:
        raise ValueError(f"Images (n, h, w, c) expected, got shape {x.shape}. A single one needs an axis: x[None].")
    if x.dtype not in (np.float32, np.float64):
        raise ValueError(f"Images in float32 or float64 expected, got {x.dtype}: scale pixels by 1/255.")
    return validate.unit(x)


def _level(kind, value):
    """Return the checked sigma, p or size of a kind of corruption."""
    if kind == "block":
        return validate.integer("size", value, 0)
    if kind == "gaussian":
        return validate.number("sigma", value, 0, None, "at least 0, in pixel units (from black to white is 1)")
    return validate.number("p", value, 0, 1, "a probability in [0, 1]")


def _fitting(size, h, w):
    if size > min(h, w):
        raise ValueError(f"size={size}: no such block fits into images of {h}x{w}; choose at most {min(h, w)}.")
    return size


def _inside(rows, columns, top, left, size):
    """Return where the squares are, (n, h, w, 1), whose first row and column are (n, 1, 1, 1)."""
    below, beyond = rows[:, None, None] - top, columns[:, None] - left
    return (below >= 0) & (below < size) & (beyond >= 0) & (beyond < size)


def _rng(seed):
    return np.random.default_rng(validate.seed(seed))


def _weights(length, factor, method):
    """Return the weight of each old pixel in each new one along an axis: (length · factor, length), rows of sum 1."""
    centres = (np.arange(length * factor) + 0.5) / factor - 0.5
    t = np.abs(centres[:, None] - np.arange(length))
    if method == "bilinear":
        kernel = np.maximum(1 - t, 0)
    else:
        kernel = np.where(t < 1, (1.5 * t - 2.5) * t**2 + 1, np.where(t < 2, ((2.5 - 0.5 * t) * t - 4) * t + 2, 0))
    return kernel / kernel.sum(axis=1, keepdims=True)
