"""Linear classifiers on frozen features: what can be read from a code by a weighted sum."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax, xlogy

from utils import validate

KINDS = ("logistic", "svm")


class LinearProbe:
    """A linear classifier of features: "logistic" regression, or a linear "svm".

    Minimises C times the sum of the images' losses plus half the sum of the squared weights (the biases are free).
    The loss of an image is -log of its class' softmax probability, or, for the SVM, the sum over the classes of
    max(0, 1 - t · score)², where t is 1 for its class and -1 for all others: one class against the rest. These are the
    objectives of scikit-learn's `LogisticRegression` and `LinearSVC`, minimised by L-BFGS in float32, which for 1,000
    dense features is many times faster. Features are first centred, which changes the biases only and helps L-BFGS, and
    divided by one number, the root of their mean squared length, so that C means the same for large and small codes.

    Args:
        kind: "logistic" or "svm".
        C: positive, the weight of the images' losses.
        steps: of L-BFGS, at most.

    Attributes, after `fit`: `kernel` (d, classes), `bias` (classes,), of the features as they come.
    """

    def __init__(self, kind="logistic", C=1.0, steps=200):
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r}: must be one of {', '.join(KINDS)}.")
        self.kind, self.C = kind, validate.number("C", C, 0, None, "a positive number", "neither")
        self.steps = validate.positive("steps", steps)

    def fit(self, features, labels):
        """Fit to features (n, d) and labels (n,), integers from 0 on; return the probe. ValueError for other arrays."""
        x = validate.matrix("features", features).astype("float32", copy=False)
        y = validate.labels("labels", labels, len(x))
        if y.min() < 0:
            raise ValueError(f"labels: integers from 0 on expected, got {y.min()}.")
        middle, classes = x.mean(axis=0), y.max() + 1
        x = x - middle
        scale = float(np.sqrt(np.einsum("ij,ij->i", x, x, dtype="float64").mean())) or 1.0
        x /= np.float32(scale)
        target = np.eye(classes, dtype="float32")[y]
        if self.kind == "svm":
            target = 2 * target - 1

        def objective(flat):
            weights = flat.astype("float32").reshape(-1, classes)
            scores = x @ weights[:-1] + weights[-1]
            loss, slope = (_hinge if self.kind == "svm" else _cross_entropy)(scores, target)
            gradient = self.C * np.concatenate([x.T @ slope, slope.sum(axis=0, keepdims=True)]).astype("float64")
            gradient[:-1] += weights[:-1]
            half = np.square(weights[:-1], dtype="float64").sum() / 2
            return self.C * loss + half, gradient.ravel()

        start = np.zeros((x.shape[1] + 1) * classes)
        options = {"maxiter": self.steps, "maxfun": 2 * self.steps}
        found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x.reshape(-1, classes)
        self.kernel = found[:-1] / scale
        self.bias = found[-1] - middle @ self.kernel
        return self

    def predict(self, features):
        """Return the class of every feature vector (n, d) as integers (n,)."""
        return np.argmax(np.asarray(features) @ self.kernel.astype("float32") + self.bias, axis=1)

    def error(self, features, labels):
        """Return how many of the labels (n,) it gets wrong, in per cent."""
        return 100 * float(np.mean(self.predict(features) != np.asarray(labels)))


def _hinge(scores, target):
    missing = np.maximum(1 - target * scores, 0)
    return np.square(missing).sum(dtype="float64"), -2 * target * missing


def _cross_entropy(scores, target):
    p = softmax(scores, axis=1)
    return -xlogy(target, np.maximum(p, 1e-30)).sum(dtype="float64"), p - target
