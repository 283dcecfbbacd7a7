"""Learning from few labels: which images get one, and how labels spread from them to their neighbours.

No learning here needs TensorFlow: the images are feature vectors, such as the codes of an encoder.
"""

import numpy as np
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors


def stratified_draw(labels, n, seed):
    """Choose n examples at random, the same number of each class.

    Args:
        labels: (m,) integers; the classes are the values that occur.
        n: how many to choose, a multiple of the number of classes.
        seed: integer; the same seed gives the same examples. For one seed, a larger draw contains the smaller.

    Returns:
        (n,) indices into labels, class after class. Shuffle before cutting batches from them.

    Raises:
        ValueError: when labels are not integers (m,), n is not a positive multiple of the number of classes,
            or a class has too few examples.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or len(labels) == 0:
        raise ValueError(f"Integer labels of shape (m,) expected, got {labels.dtype} {labels.shape}.")
    classes, counts = np.unique(labels, return_counts=True)
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1 or n % len(classes):
        raise ValueError(f"n={n!r}: must be a positive multiple of the {len(classes)} classes.")
    each = n // len(classes)
    if each > counts.min():
        scarce = classes[counts.argmin()]
        raise ValueError(f"n={n} takes {each} of each class, but class {scarce} has only {counts.min()}.")
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(np.flatnonzero(labels == c))[:each] for c in classes])


def error_percent(predicted, labels):
    """Return how many of the predicted labels are wrong, in per cent.

    Raises ValueError for different shapes, or none at all.
    """
    predicted, labels = np.asarray(predicted), np.asarray(labels)
    if predicted.shape != labels.shape or labels.size == 0:
        raise ValueError(f"Predictions {predicted.shape} for labels {labels.shape}: they must agree.")
    return float(100 * np.mean(predicted != labels))


def neighbour_graph(features, k):
    """Join every vector with its k nearest ones: the graph on which labels spread.

    Args:
        features: (n, d) finite numbers; distances are Euclidean, so that the scale of a column matters.
        k: neighbours of each, less than n.

    Returns:
        scipy.sparse CSR matrix (n, n), symmetric: 1 where one is among the other's k nearest, else 0. Nothing
        is joined with itself.

    Raises:
        ValueError: for another shape, values that are not finite, or k out of range.
    """
    features = np.asarray(features)
    if features.ndim != 2 or not np.isfinite(features).all():
        raise ValueError(f"Finite features of shape (n, d) expected, got {features.shape}.")
    if not 1 <= k < len(features):
        raise ValueError(f"k={k}: must be at least 1 and less than the {len(features)} vectors.")
    found = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(features)
    joined = found.kneighbors_graph(mode="connectivity").astype("float32")  # without an argument: not itself
    return joined.maximum(joined.T).tocsr()


def spread_labels(graph, known, labels, *, classes=10, alpha=0.99, steps=50):
    """Let the labels of a few spread along a graph to all (Zhou et al., NIPS 2004).

    Repeats F ← α S F + (1 − α) Y from F = Y. Y has one row per node: its label's unit vector where it is known,
    else zeros. S = D^(−1/2) W D^(−1/2) is the graph with every edge weakened by the degrees of its ends. The
    limit is (1 − α) (I − α S)^(−1) Y.

    Args:
        graph: symmetric sparse matrix (n, n), not negative, as `neighbour_graph` returns.
        known: (m,) indices of the nodes with a label.
        labels: (m,) their labels, integers in 0 .. classes − 1.
        classes: how many there are.
        alpha: in (0, 1): the part of its score that a node takes from its neighbours in each step.
        steps: how often; labels come at most that many edges far.

    Returns:
        (n, classes) scores, not negative, float32. A node's label is the largest of its row; a row of zeros
        means that no label has reached the node.

    Raises:
        ValueError: for a graph that is not square or not symmetric, labels out of range, or settings out of range.
    """
    known, labels = np.asarray(known), np.asarray(labels)
    graph = sp.csr_matrix(graph, dtype="float32")
    if graph.shape[0] != graph.shape[1] or abs(graph - graph.T).max() > 1e-6:
        raise ValueError(f"A symmetric graph (n, n) expected, got {graph.shape}; neighbour_graph makes one.")
    if known.shape != labels.shape or labels.size == 0 or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"One label in 0..{classes - 1} for each known node expected ({known.shape}, {labels.shape}).")
    if not 0 < alpha < 1 or steps < 1:
        raise ValueError(f"alpha={alpha} must lie in (0, 1) and steps={steps} be at least 1.")
    degree = np.asarray(graph.sum(axis=1)).ravel()
    weaken = sp.diags(1 / np.sqrt(np.maximum(degree, 1e-12)).astype("float32"))
    edges = (weaken @ graph @ weaken).tocsr()
    start = np.zeros((graph.shape[0], classes), "float32")
    start[known, labels] = 1
    scores = start
    for _ in range(steps):
        scores = np.float32(alpha) * (edges @ scores) + np.float32(1 - alpha) * start
    return scores
