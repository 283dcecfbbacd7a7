"""Measures of disentanglement: does every unit of a code stand for one factor of the images, and for one alone?

All compare codes (n, d), real numbers, with factors (n, f), integers of at least 0: for every image the value that each
factor had when it was made. All need these factors, which real images come without.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from utils import validate

BINS = 20


def mutual_information(codes, factors, bins=BINS):
    """Return what every unit tells of every factor: (d, f), in nats, from 0 to the factor's entropy.

    A unit's values are sorted into equally wide bins from its smallest to its largest (Locatello et al., 2019); of the
    histogram of bins and values of the factor, this is I(z_j; v_k) = sum p(z, v) log(p(z, v) / (p(z) p(v))). A unit
    that never changes tells nothing.

    Args:
        codes: (n, d), such as the means of q(z|x).
        factors: (n, f) integers of at least 0.
        bins: how many, at least 2.

    Raises ValueError for other shapes or values.
    """
    codes, factors = _pair(codes, factors)
    bins = validate.integer("bins", bins, 2)
    low, width = codes.min(axis=0), np.ptp(codes, axis=0)
    places = np.minimum(bins * (codes - low) / np.where(width > 0, width, 1), bins - 1).astype(int)
    return np.array([[mutual_info_score(v, place) for v in factors.T] for place in places.T])


def entropy(factors):
    """Return the entropy of every factor (n, f) in nats: (f,). With m values, all as frequent, it is log m."""
    counts = [np.unique(values, return_counts=True)[1] / len(values) for values in _factors(factors).T]
    return np.array([-(p * np.log(p)).sum() for p in counts])


def gaps(information, entropies):
    """Return, for every factor, the gap between the two units that tell most of it: (f,), each in [0, 1].

    Args:
        information: (d, f) of `mutual_information`, d at least 2.
        entropies: (f,) of the factors, above 0.

    Raises ValueError for a single unit, or a factor that never changes.
    """
    information, entropies = np.asarray(information), np.asarray(entropies)
    if information.ndim != 2 or len(information) < 2 or entropies.shape != information.shape[1:]:
        raise ValueError(f"Shapes {information.shape}, {entropies.shape}: (d, f) with d at least 2, and (f,) expected.")
    if not (entropies > 0).all():
        raise ValueError("A factor never changes: its entropy is 0.")
    second, first = np.sort(information, axis=0)[-2:]
    return (first - second) / entropies


def mig(codes, factors, bins=BINS):
    """Return the mutual information gap, in [0, 1], the higher the better (Chen et al., 2018, arXiv:1802.04942).

    The mean of `gaps` over the factors: 1 when every factor is told, wholly, by one unit, and not at all by any other.
    Arguments and errors as for `mutual_information` and `gaps`.
    """
    return float(gaps(mutual_information(codes, factors, bins), entropy(factors)).mean())


def sap(codes, factors, categorical=()):
    """Return the separated attribute predictability, in [0, 1], the higher the better (Kumar et al., 2018).

    Of every unit alone each factor is predicted, and scored: an ordered one by a straight line, whose score is R², the
    squared correlation; a categorical one of m values by m - 1 thresholds (a decision tree), whose score is the
    accuracy, every value counted alike (arXiv:1711.00848). A constant unit scores 0 and chance. SAP is the mean over
    factors of the gap between the two best units.

    Args:
        codes: (n, d), d at least 2.
        factors: (n, f) integers of at least 0.
        categorical: positions of the factors without an order, such as (0,) for a first one that is a shape.

    Raises ValueError for other shapes or values, or a position out of range.
    """
    codes, factors = _pair(codes, factors)
    if codes.shape[1] < 2:
        raise ValueError("A gap needs at least two units.")
    categorical = [validate.integer("categorical", k, 0, factors.shape[1] - 1) for k in categorical]
    scores = np.empty((codes.shape[1], factors.shape[1]))
    for k, values in enumerate(factors.T):
        for j, unit in enumerate(codes.T):
            scores[j, k] = _accuracy(unit, values) if k in categorical else _r_squared(unit, values)
    return float(np.diff(np.sort(scores, axis=0)[-2:], axis=0).mean())


def beta_vae_metric(codes, factors, seed, *, points=500, pairs=32):
    """Return the accuracy of the beta-VAE metric, in [0, 1], chance being 1 / f (Higgins et al., 2017).

    For a point, one factor is drawn, and pairs of images that agree in its value, each of them else at random. The
    mean of the differences of their codes, without signs, is the point; which factor it was, its class. A linear
    classifier, fitted to `points` of them, names the classes of as many others.

    Args:
        codes: (n, d).
        factors: (n, f) integers of at least 0. Images are drawn from these n.
        seed: of the draws, an integer of at least 0.
        points: to fit, and again to test; pairs: of images per point; both at least 1.

    Raises ValueError for other shapes or values.
    """
    codes, factors = _pair(codes, factors)
    rng = np.random.default_rng(validate.integer("seed", seed, 0))
    points, pairs = validate.positive("points", points), validate.positive("pairs", pairs)
    labels = np.arange(2 * points) % factors.shape[1]  # as many of each
    features = np.empty((2 * points, codes.shape[1]))
    for k, values in enumerate(factors.T):
        order, (_, starts, sizes) = np.argsort(values, kind="stable"), np.unique(np.sort(values), True, False, True)
        chosen = rng.integers(len(sizes), size=(np.count_nonzero(labels == k), pairs))  # values of the factor
        one, other = (order[starts[chosen] + rng.integers(sizes[chosen])] for _ in range(2))
        features[labels == k] = np.abs(codes[one] - codes[other]).mean(axis=1)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=100, max_iter=1000))
    classifier.fit(features[:points], labels[:points])
    return float(classifier.score(features[points:], labels[points:]))


def _r_squared(unit, values):
    return 0.0 if np.ptp(unit) == 0 else np.corrcoef(unit, values)[0, 1] ** 2


def _accuracy(unit, values):
    """Balanced accuracy of a tree with as many leaves as there are values."""
    names, labels = np.unique(values, return_inverse=True)
    tree = DecisionTreeClassifier(max_leaf_nodes=len(names), class_weight="balanced", random_state=0)
    right = tree.fit(unit[:, None], labels).predict(unit[:, None]) == labels
    return np.mean([right[labels == label].mean() for label in range(len(names))])


def _factors(factors):
    factors = np.asarray(factors)
    if factors.ndim != 2 or factors.size == 0 or factors.dtype.kind not in "iu" or factors.min() < 0:
        raise ValueError(f"factors: integers of at least 0 (n, f) expected, got {factors.dtype} {factors.shape}.")
    return factors


def _pair(codes, factors):
    codes, factors = validate.matrix("codes", codes), _factors(factors)
    if len(codes) != len(factors):
        raise ValueError(f"{len(codes)} codes and the factors of {len(factors)} images: as many expected.")
    return codes, factors
