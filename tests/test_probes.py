"""Linear probes against scikit-learn's, which minimise the same objectives."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from utils.probes import LinearProbe

DIGITS = load_digits()
X, Y = DIGITS.data / 16, DIGITS.target
TRAIN, TEST = slice(0, 1000), slice(1000, None)
MIDDLE = X[TRAIN].mean(axis=0)
SCALE = np.sqrt(np.square(X[TRAIN] - MIDDLE).sum(axis=1).mean())


def rival(kind, C):
    """scikit-learn's classifier of the same objective: its C, on features scaled as the probe scales them."""
    if kind == "svm":
        return LinearSVC(C=C, intercept_scaling=100, dual=False, tol=1e-6)
    return LogisticRegression(C=C, max_iter=2_000)


@pytest.mark.parametrize("kind", ["logistic", "svm"])
@pytest.mark.parametrize("C", [0.1, 3.0])
def test_it_agrees_with_scikit_learn(kind, C):
    probe = LinearProbe(kind, C, steps=1_000).fit(X[TRAIN], Y[TRAIN])
    other = rival(kind, C).fit((X[TRAIN] - MIDDLE) / SCALE, Y[TRAIN])
    np.testing.assert_allclose(probe.kernel * SCALE, other.coef_.T, atol=0.02 * np.abs(other.coef_).max())
    assert np.mean(probe.predict(X[TEST]) == other.predict((X[TEST] - MIDDLE) / SCALE)) > 0.99


def test_the_size_of_the_features_does_not_matter():
    one, other = (LinearProbe().fit(s * X[TRAIN], Y[TRAIN]).error(s * X[TEST], Y[TEST]) for s in (1, 1000))
    assert one == pytest.approx(other, abs=0.3)
    assert 0 < one < 15


def test_features_of_zeros_do_no_harm():
    assert LinearProbe().fit(np.zeros((4, 2)), np.array([0, 1, 1, 1])).predict(np.zeros((1, 2))).tolist() == [1]


@pytest.mark.parametrize(
    ("settings", "arrays", "message"),
    [
        ({"kind": "forest"}, (X, Y), "kind='forest'"),
        ({"C": 0}, (X, Y), "C=0"),
        ({"steps": 0}, (X, Y), "steps must be"),
        ({}, (X, Y[:-1]), "labels"),
        ({}, (X, Y - 1), "from 0 on"),
        ({}, (X[0], Y), "features"),
    ],
)
def test_bad_arguments(settings, arrays, message):
    with pytest.raises(ValueError, match=message):
        LinearProbe(**settings).fit(*arrays)
