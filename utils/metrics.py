"""Measures of a reconstruction x̂ of images x, of sets of images, of codes, of labels per pixel; each with its unit."""

import numpy as np
import tensorflow as tf
from scipy.optimize import linear_sum_assignment
from scipy.special import entr, logsumexp
from sklearn.metrics import euclidean_distances
from sklearn.metrics.cluster import contingency_matrix
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

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


def precision_recall(real, generated, k=3):
    """Return how real a set of generated samples is, and how much of the real variety it covers, as two shares.

    Around every sample a ball is drawn that reaches to its k-th nearest neighbour in its own set. Precision is the
    share of generated samples that lie in a ball of a real one, recall the share of real samples that lie in a ball of
    a generated one (Kynkäänniemi et al., 2019, arXiv:1904.06991). Both depend on the features, on k and on the numbers
    of samples, and so compare with values of the same kind only.

    Args:
        real, generated: features (n, d) and (m, d), finite.
        k: the neighbour that a ball reaches to, less than n and m.

    Returns:
        (precision, recall), each in [0, 1]. Two sets from one distribution have about the same, below 1.

    Raises:
        ValueError: for arrays that do not fit together or are not finite, or k out of range.
    """
    real, generated = (np.asarray(validate.matrix("features", values), "float64") for values in (real, generated))
    if real.shape[1] != generated.shape[1]:
        raise ValueError(f"{real.shape[1]} features against {generated.shape[1]}: take both from the same network.")
    k = validate.integer("k", k, 1, min(len(real), len(generated)) - 1)
    within = []
    for balls, points in ((real, generated), (generated, real)):
        search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(balls)
        radius = search.kneighbors()[0][:, -1]  # of its own set, without itself
        blocks = np.array_split(points, -(-len(points) // 1000))
        inside = [(euclidean_distances(block, balls) <= radius * (1 + 1e-6)).any(axis=1) for block in blocks]
        within.append(float(np.concatenate(inside).mean()))
    return tuple(within)


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


def confusion_matrix(labels, predicted, classes, *, unlabelled=None):
    """Return how many pixels of class i were called class j: int64 (classes, classes), a row per true class.

    Args:
        labels, predicted: integers of one shape, such as (n, h, w), in 0 ... classes - 1.
        classes: how many there are.
        unlabelled: the label of pixels without one, which are not counted whatever was predicted there; None where
            all pixels have a label. Nothing may be predicted as `unlabelled` elsewhere.

    Raises:
        ValueError: for arrays that are empty, of different shapes or not of integers, and for labels out of range.
    """
    labels, predicted = _labels(labels, predicted, classes, unlabelled)
    scored = labels != -1
    pairs = labels[scored] * classes + predicted[scored]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def iou(confusion):
    """Return the intersection over union of each class: (classes,), from 0 to 1, from a `confusion_matrix`.

    Pixels that have the class and were given it, by pixels that have it or were given it; counted over all images
    together. NaN for a class that neither occurs nor was predicted: `np.nanmean` gives the mean IoU, as Keras'
    `MeanIoU`. Raises ValueError for what is no square matrix of counts.
    """
    right, true, given = _counts(confusion)
    return _shares(right, true + given - right)


def class_accuracy(confusion):
    """Return the share of each class' own pixels that were given it: (classes,), NaN for a class that does not occur.

    Their mean is SegNet's class average accuracy. Raises ValueError as `iou`.
    """
    right, true, _ = _counts(confusion)
    return _shares(right, true)


def global_accuracy(confusion):
    """Return the share of all labelled pixels that were given their class. Raises ValueError as `iou`."""
    right, true, _ = _counts(confusion)
    return float(_shares(right.sum(), true.sum()))


def boundary_f1(labels, predicted, classes, *, tolerance=0.0075, unlabelled=None):
    """Return the F1 of each class' boundary in each image: (n, classes), NaN where the class is not in the labels.

    The boundary of a class are its pixels with a labelled neighbour (above, below, left or right) of another class.
    Precision is the share of predicted boundary pixels with a true one within the tolerance, recall the share of true
    ones with a predicted one; F1 is 2PR / (P + R), 0 when nothing is matched, and 1 for a class that fills the image
    in both and has no boundary. The BF of an image is the mean over the classes that are in its labels, that of a set
    the mean over images (Csurka et al., BMVC 2013; SegNet, arXiv:1511.00561, section 4).

    Args:
        labels, predicted, classes, unlabelled: as for `confusion_matrix`, of shape (n, h, w).
        tolerance: the largest distance of a match between pixels' middles, as a share of the image's diagonal.

    Raises:
        ValueError: as `confusion_matrix`, for another number of axes, and for a tolerance that is not from 0 to 1.
    """
    labels, predicted = _labels(labels, predicted, classes, unlabelled)
    if labels.ndim != 3:
        raise ValueError(f"boundary_f1: labels (n, h, w) expected, got {labels.shape}.")
    reach = validate.number("tolerance", tolerance, 0, 1, "a share from 0 to 1") * np.hypot(*labels.shape[1:])
    k = np.arange(-int(reach), int(reach) + 1)
    disc = [(i, j) for i in k for j in k if i * i + j * j <= reach * reach]
    found = np.full((len(labels), classes), np.nan)
    for c in range(classes):
        occurs = (labels == c).any(axis=(1, 2))
        if not occurs.any():
            continue
        true, given = (_boundary(values[occurs], c, labels[occurs] == -1) for values in (labels, predicted))
        close = [(one & _near(other, disc)).sum(axis=(1, 2)) for one, other in ((given, true), (true, given))]
        size = [edge.sum(axis=(1, 2)) for edge in (given, true)]
        # With matched shares P = close₀ / size₀ and R = close₁ / size₁, F1 = 2 P R / (P + R).
        above, below = 2.0 * close[0] * close[1], close[0] * size[1] + close[1] * size[0]
        whole = (size[0] == 0) & (size[1] == 0) & ((predicted[occurs] == c).any(axis=(1, 2)))
        found[occurs, c] = np.where(whole, 1.0, np.divide(above, below, out=np.zeros(len(below)), where=below > 0))
    return found


def _boundary(values, c, unlabelled):
    """Return which pixels (n, h, w) of class c touch a labelled pixel of another class."""
    inside = values == c
    other = np.pad(~inside & ~unlabelled, ((0, 0), (1, 1), (1, 1)))  # beyond the image there is no other class
    return inside & (other[:, :-2, 1:-1] | other[:, 2:, 1:-1] | other[:, 1:-1, :-2] | other[:, 1:-1, 2:])


def _near(edge, disc):
    """Return which pixels (n, h, w) have one of the edge's at one of the disc's offsets (i, j)."""
    h, w = edge.shape[1:]
    near = np.zeros_like(edge)
    for i, j in disc:
        to, at = (
            (slice(None), slice(max(a * i, 0), h + min(a * i, 0)), slice(max(a * j, 0), w + min(a * j, 0)))
            for a in (1, -1)
        )
        near[to] |= edge[at]
    return near


def _labels(labels, predicted, classes, unlabelled):
    """Return labels and predictions as int64 arrays, -1 in both where a pixel has no label."""
    classes = validate.integer("classes", classes, 1)
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.shape != predicted.shape or labels.size == 0:
        raise ValueError(f"Labels {labels.shape} and predictions {predicted.shape} must have one shape, not empty.")
    for name, values in {"Labels": labels, "Predictions": predicted}.items():
        if values.dtype.kind not in "iu":
            raise ValueError(f"{name} must be integers, not {values.dtype}: take the argmax over the classes.")
    labels, predicted = labels.astype("int64"), predicted.astype("int64")
    without = np.zeros(labels.shape, bool) if unlabelled is None else labels == unlabelled
    for name, values in {"Labels": labels, "Predictions": predicted}.items():
        scored = values[~without]
        if scored.size and not (scored.min() >= 0 and scored.max() < classes):
            raise ValueError(f"{name} from {scored.min()} to {scored.max()} for {classes} classes, numbered from 0.")
    return np.where(without, -1, labels), np.where(without, -1, predicted)


def _counts(confusion):
    """Return, from a confusion matrix, the right pixels of each class, its true ones and those that were given it."""
    confusion = np.asarray(confusion)
    if confusion.ndim != 2 or confusion.shape[0] != confusion.shape[1] or confusion.dtype.kind not in "iuf":
        raise ValueError(f"A square matrix of counts expected, got {confusion.dtype} {confusion.shape}.")
    if not (confusion >= 0).all():
        raise ValueError("A confusion matrix holds counts, none of them negative.")
    return np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)


def _shares(part, whole):
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)


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
