"""Learning from few labels: which images get one, and how labels spread from them to their neighbours.

No learning here needs TensorFlow: the images are feature vectors, such as the codes of an encoder.
"""

import warnings

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import zero_one_loss
from sklearn.neighbors import NearestNeighbors
from sklearn.semi_supervised import LabelSpreading

from utils import validate


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
    labels = validate.labels("labels", labels)
    classes, counts = np.unique(labels, return_counts=True)
    if validate.integer("n", n, 1) % len(classes):
        raise ValueError(f"n={n!r}: must be a positive multiple of the {len(classes)} classes.")
    each = n // len(classes)
    if each > counts.min():
        scarce = classes[counts.argmin()]
        raise ValueError(f"n={n} takes {each} of each class, but class {scarce} has only {counts.min()}.")
    rng = np.random.default_rng(validate.seed(seed))
    return np.concatenate([rng.permutation(np.flatnonzero(labels == c))[:each] for c in classes])


def error_percent(predicted, labels):
    """Return how many of the predicted labels are wrong, in per cent.

    Both are integers (n,). Raises ValueError for others, different numbers of them, or none at all.
    """
    labels = validate.labels("labels", labels)
    predicted = validate.labels("predicted", predicted, len(labels))
    return 100 * zero_one_loss(labels, predicted)


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
    features = validate.matrix("features", features)
    k = validate.integer("k", k, 1, len(features) - 1)
    found = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(features)
    joined = found.kneighbors_graph(mode="connectivity").astype("float32")  # without an argument: not itself
    return joined.maximum(joined.T).tocsr()


def spread_labels(graph, known, labels, *, classes=10, alpha=0.99, steps=50):
    """Let the labels of a few spread along a graph to all (Zhou et al., NIPS 2004), by scikit-learn's LabelSpreading.

    Repeats F ← α S F + (1 − α) Y from F = Y. Y has one row per node: its label's unit vector where it is known,
    else zeros. S = D^(−1/2) W D^(−1/2) is the graph with every edge weakened by the degrees of its ends. The
    limit is (1 − α) (I − α S)^(−1) Y.

    Args:
        graph: symmetric sparse matrix (n, n), not negative, as `neighbour_graph` returns. Its diagonal has no effect.
        known: (m,) indices of the nodes with a label, each once.
        labels: (m,) their labels, integers in 0 .. classes − 1.
        classes: how many there are.
        alpha: in (0, 1): the part of its score that a node takes from its neighbours in each step.
        steps: how often; labels come at most that many edges far.

    Returns:
        (n, classes) shares of the classes in each node's scores, float64: rows of sum 1, or of zeros where no label
        has reached the node.

    Raises:
        ValueError: for a graph that is not square, not symmetric or negative, nodes or labels out of range, a node
            that is named twice, or settings out of range.
    """
    graph = sp.csr_matrix(graph, dtype="float64")
    n = graph.shape[0]
    if n != graph.shape[1] or abs(graph - graph.T).max() > 1e-6 or not graph.min() >= 0:
        raise ValueError(f"A symmetric graph (n, n) without negative weights expected, got {graph.shape}.")
    known = validate.labels("known", known)
    labels = validate.labels("labels", labels, len(known))
    if known.min() < 0 or known.max() >= n or len(np.unique(known)) < len(known):
        raise ValueError(f"known: different nodes from 0 to {n - 1} expected, got {known.min()} to {known.max()}.")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels: 0 to {classes - 1} expected, got {labels.min()} to {labels.max()}.")
    validate.number("alpha", alpha, 0, 1, "a number in (0, 1)", boundaries="neither")
    steps = validate.integer("steps", steps, 1)
    given = np.full(n, -1)
    given[known] = labels
    spreading = LabelSpreading(kernel=lambda *_: graph, alpha=alpha, max_iter=steps, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # all steps are wanted
        spreading.fit(np.zeros((n, 1)), given)
    shares = np.zeros((n, classes))
    shares[:, spreading.classes_] = spreading.label_distributions_
    return shares
