"""Measures of a reconstruction x̂ of images x, each with its unit."""

import numpy as np
import tensorflow as tf
from scipy.special import entr


def mse(x, reconstruction):
    """Return the mean squared error per pixel (pixel units squared), over all images.

    Arrays of one shape (n, ...). Raises ValueError for different shapes or values that are not finite.
    """
    return float(squared_error(x, reconstruction).sum() / np.size(x))


def squared_error(x, reconstruction):
    """Return the squared error of each image, summed over its pixels: array (n,), pixel units squared.

    Its mean is `mse` times the number of pixels, and the unit of Hinton and Salakhutdinov (2006). Raises
    ValueError as `mse` does.
    """
    x, reconstruction = _pair(x, reconstruction)
    return np.square(x - reconstruction, dtype="float64").reshape(len(x), -1).sum(axis=1)


def bce(x, reconstruction):
    """Return the binary cross-entropy in nats per pixel, over all images.

    Both arrays of one shape, in [0, 1]; the reconstruction is clipped 1e-7 away from 0 and 1, as Keras does.
    Raises ValueError for values out of range, else as `mse` does.
    """
    x, reconstruction = _unit(*_pair(x, reconstruction))
    p = np.clip(reconstruction.astype("float64"), 1e-7, 1 - 1e-7)
    return float(-np.mean(x * np.log(p) + (1 - x) * np.log1p(-p)))


def bce_floor(x):
    """Return the lowest binary cross-entropy that any reconstruction of x can have, in nats per pixel.

    It is the mean entropy of the pixels, reached at x̂ = x; zero only where every pixel is 0 or 1. Values of x
    in [0, 1], else ValueError.
    """
    (x,) = _unit(np.asarray(x))
    p = x.astype("float64")
    return float(np.mean(entr(p) + entr(1 - p)))


def psnr(x, reconstruction, *, pooled=False):
    """Return the peak signal-to-noise ratio in dB (peak 1).

    Args:
        x, reconstruction: images (n, h, w, c) in [0, 1]; in the pooled form arrays of any shape.
        pooled: False for the PSNR of each image, averaged over the images (one without error counts as infinite);
            True for the PSNR of the squared error averaged over all pixels of all images. The pooled one is never
            larger, since the logarithm is concave; numbers of the two forms must not be compared.

    Raises ValueError as `bce` does.
    """
    x, reconstruction = _unit(*_pair(x, reconstruction))
    if pooled:
        error = mse(x, reconstruction)
        return float(-10 * np.log10(error)) if error else float("inf")
    return float(np.mean(tf.image.psnr(*_images(x, reconstruction), max_val=1.0)))


def ssim(x, reconstruction):
    """Return the structural similarity (Wang et al., 2004), at most 1, computed per image and averaged.

    Images (n, h, w, c) in [0, 1], at least 11 pixels wide and high. Raises ValueError as `bce` does.
    """
    x, reconstruction = _images(*_unit(*_pair(x, reconstruction)), smallest=11)
    return float(np.mean(tf.image.ssim(x, reconstruction, max_val=1.0)))


def _pair(x, reconstruction):
    x, reconstruction = np.asarray(x), np.asarray(reconstruction)
    if x.shape != reconstruction.shape:
        raise ValueError(f"x has shape {x.shape}, its reconstruction {reconstruction.shape}: they must agree.")
    for name, values in {"x": x, "The reconstruction": reconstruction}.items():
        if values.size == 0 or not np.isfinite(values).all():
            raise ValueError(f"{name} is empty or holds NaN or infinity.")
    return x.astype("float32", copy=False), reconstruction.astype("float32", copy=False)


def _images(*arrays, smallest=1):
    shape = arrays[0].shape
    if len(shape) != 4 or min(shape[1:3]) < smallest:
        raise ValueError(f"Images (n, h, w, c) of at least {smallest}x{smallest} pixels expected, got {shape}.")
    return arrays


def _unit(*arrays):
    for values in arrays:
        if not (values.min() >= 0 and values.max() <= 1):
            raise ValueError(f"Values in [{values.min():.4g}, {values.max():.4g}] given, [0, 1] expected: clip them.")
    return arrays
