"""Measures of a reconstruction x̂ of images x, each with its unit."""

import numpy as np
import tensorflow as tf
from scipy.optimize import linear_sum_assignment
from scipy.special import entr, logsumexp
from sklearn.metrics.cluster import contingency_matrix
from sklearn.neighbors import KNeighborsClassifier

from utils import validate


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
    x, reconstruction = map(validate.unit, _pair(x, reconstruction))
    p = np.clip(reconstruction.astype("float64"), 1e-7, 1 - 1e-7)
    return float(-np.mean(x * np.log(p) + (1 - x) * np.log1p(-p)))


def bce_floor(x):
    """Return the lowest binary cross-entropy that any reconstruction of x can have, in nats per pixel.

    It is the mean entropy of the pixels, reached at x̂ = x; zero only where every pixel is 0 or 1. Values of x
    in [0, 1], else ValueError.
    """
    p = validate.unit(np.asarray(x)).astype("float64")
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
    x, reconstruction = map(validate.unit, _pair(x, reconstruction))
    if pooled:
        error = mse(x, reconstruction)
        return float(-10 * np.log10(error)) if error else float("inf")
    return float(np.mean(tf.image.psnr(*_images(x, reconstruction), max_val=1.0)))


def ssim(x, reconstruction):
    """Return the structural similarity (Wang et al., 2004), at most 1, computed per image and averaged.

    Images (n, h, w, c) in [0, 1], at least 11 pixels wide and high. Raises ValueError as `bce` does.
    """
    x, reconstruction = _images(*map(validate.unit, _pair(x, reconstruction)), smallest=11)
    return float(np.mean(tf.image.ssim(x, reconstruction, max_val=1.0)))


def frechet_distance(a, b):
    """Return the Fréchet distance between Gaussians fitted to two sets of features: |m − n|² + tr(A + B − 2 (A B)^½).

    m, n are the means, A, B the covariances. The formula of Heusel et al. (2017); their number, the FID, is this one on
    the features of one particular network, and is not comparable with it on others. With fewer samples the distance
    comes out larger, so that only values from the same numbers of samples compare.

    Args:
        a, b: features (n, d) and (m, d), finite, each with more rows than columns.

    Returns:
        The squared distance, at least 0, in squared units of the features.

    Raises:
        ValueError: for other shapes, too few rows for a covariance, or values that are not finite.
    """
    means, roots = [], []
    for features in (a, b):
        features = validate.matrix("features", features).astype("float64")
        n, d = features.shape
        if n <= d:
            raise ValueError(f"{n} samples of {d} features: more samples than features are needed for a covariance.")
        means.append(features.mean(axis=0))
        roots.append(np.linalg.qr((features - means[-1]) / np.sqrt(n - 1), mode="r"))  # R with RᵀR the covariance
    if roots[0].shape != roots[1].shape:
        raise ValueError(f"{len(means[0])} features against {len(means[1])}: take both from the same network.")
    # tr (A B)^½ is the sum of the singular values of R Sᵀ, where A = RᵀR and B = SᵀS: no matrix root is needed
    common = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    spread = sum(np.square(root).sum() for root in roots)
    return float(max(0.0, np.square(means[0] - means[1]).sum() + spread - 2 * common))


def neighbour_accuracy(points, labels, k=15, *, test=None):
    """Return the share of points whose k nearest others vote for their own class: how well a map keeps classes apart.

    Every point is left out in turn and classified by the rest. Distances are Euclidean, each neighbour has one vote,
    and of classes with as many votes the smallest wins.

    Args:
        points: (n, d), finite.
        labels: (n,) integers.
        k: neighbours that vote, less than n; with `test`, at most n.
        test: (points, labels) of other points. Then these are classified, and all of `points` have a vote.

    Raises:
        ValueError: for arrays that do not fit together or are not finite, labels that are not integers, k out of range.
    """
    points = validate.matrix("points", points)
    labels = validate.labels("labels", labels, len(points))
    k = validate.integer("k", k, 1, len(points) - (test is None))
    classifier = KNeighborsClassifier(k).fit(points, labels)
    if test is None:
        return classifier.score(None, labels)  # every point is left out in turn
    others = validate.matrix("test points", test[0])
    if others.shape[1] != points.shape[1]:
        raise ValueError(f"Test points of {others.shape[1]} numbers given to points of {points.shape[1]}.")
    return classifier.score(others, validate.labels("test labels", test[1], len(others)))


def clustering_accuracy(labels, clusters):
    """Return the share of points that are right when every cluster is named after one class, in the best way.

    No two clusters get the same name (Hungarian algorithm, scipy's `linear_sum_assignment`), and clusters beyond the
    number of classes get none. So the labels are used after the clustering, to name its clusters and to count.

    Args:
        labels, clusters: (n,) integers, of any values.

    Raises:
        ValueError: for arrays that are empty, of different lengths or not of integers.
    """
    labels = validate.labels("labels", labels)
    clusters = validate.labels("clusters", clusters, len(labels))
    counts = contingency_matrix(labels, clusters)
    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / len(labels))


def importance_sampled_nll(log_weights):
    """Return the negative log-likelihood of images in nats per image, estimated by importance sampling.

    -mean over images of log((1/k) · sum over draws of w), computed without overflow. In expectation it is at least
    the true one, falls with every further draw, and with one draw is the negative ELBO (Burda et al.,
    arXiv:1509.00519, theorem 1).

    Args:
        log_weights: (n, k) logarithms in nats of w = p(x|z) p(z) / q(z|x), one row per image, one column per draw
            z ~ q(z|x), as `VariationalAutoencoder.log_weights` returns them.

    Raises:
        ValueError: for another number of axes, no image or draw, or values that are not finite.
    """
    log_weights = validate.matrix("log_weights", log_weights).astype("float64")
    return float(-np.mean(logsumexp(log_weights, axis=1) - np.log(log_weights.shape[1])))


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
