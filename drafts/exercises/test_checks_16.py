"""The checks of lesson 16's exercises: a right solution passes, every usual wrong one gets its hint."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import sqrtm

sys.path.insert(0, str(Path(__file__).parent))

import checks_16 as checks
from checks_base import CheckFailed

from utils.metrics import frechet_distance


def unsolved(*args):
    raise NotImplementedError("hint: think")


def by_eigenvectors(codes, n, rng):
    """Another way: a symmetric root of the covariance, without n − 1."""
    values, vectors = np.linalg.eigh(np.cov(codes.T, bias=True))
    return codes.mean(axis=0) + rng.standard_normal((n, len(values))) @ (vectors * np.sqrt(values) @ vectors.T)


def by_numpy(codes, n, rng):
    return rng.multivariate_normal(codes.mean(axis=0), np.cov(codes.T), size=n)


def with_root(codes, n, rng, change):
    return codes.mean(axis=0) + rng.normal(size=(n, codes.shape[1])) @ change(np.cov(codes.T))


@pytest.mark.parametrize("function", [by_eigenvectors, by_numpy])
def test_draws_accept_right_solutions(function, capsys):
    checks.gaussian_of_codes(function)
    assert capsys.readouterr().out.startswith("✔ draw_codes")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda z, n, rng: rng.normal(z.mean(axis=0), z.std(axis=0), (n, 3)), "drawn independently"),
        (lambda z, n, rng: rng.normal(z.mean(axis=0), z.var(axis=0), (n, 3)), "variance is taken"),
        (lambda z, n, rng: rng.multivariate_normal(np.zeros(3), np.cov(z.T), size=n), "scatter around 0"),
        (lambda z, n, rng: with_root(z, n, rng, np.linalg.cholesky), "wrong side"),
        (lambda z, n, rng: with_root(z, n, rng, lambda c: c), "square of the right one"),
        (lambda z, n, rng: z[rng.integers(0, len(z), n)], "What is fitted"),
        (lambda z, n, rng: np.random.default_rng().multivariate_normal(z.mean(0), np.cov(z.T), n), "with nothing else"),
        (lambda z, n, rng: by_numpy(z, n, np.random.default_rng(0)), "seed nothing"),
        (lambda z, n, rng: by_numpy(z, n, rng).T, "One row per draw"),
        (lambda z, n, rng: by_numpy(2 * z - z.mean(axis=0), n, rng), "np.cov of your draws"),
        (unsolved, "think"),
    ],
)
def test_draws_reject(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.gaussian_of_codes(function)


def parts(a, b):
    return np.square(a.mean(axis=0) - b.mean(axis=0)), np.cov(a.T), np.cov(b.T)


def by_root(a, b):
    """Another way than the course's: scipy's matrix root."""
    means, s, t = parts(a, b)
    return means.sum() + np.trace(s + t - 2 * np.real(sqrtm(s @ t)))


def by_eigenvalues(a, b):
    means, s, t = parts(a, b)
    roots = np.sqrt(np.maximum(0, np.linalg.eigvals(s @ t).real))
    return float(means.sum() + np.trace(s) + np.trace(t) - 2 * roots.sum())


def wrong(a, b, *, means=lambda m: m.sum(), two=2, root=None):
    m, s, t = parts(a, b)
    root = (lambda s, t: np.real(sqrtm(s @ t))) if root is None else root
    return means(m) + np.trace(s + t - two * root(s, t))


def entries(s, t):
    return np.sqrt(np.abs(s @ t)) * (s @ t > 0)


@pytest.mark.parametrize("function", [by_root, by_eigenvalues, frechet_distance])
def test_frechet_accepts_right_solutions(function, capsys):
    checks.frechet(function)
    assert capsys.readouterr().out.startswith("✔ frechet")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda a, b: wrong(a, b, means=lambda m: np.sqrt(m.sum())), "squared in the formula"),
        (lambda a, b: wrong(a, b, means=lambda m: m.mean()), "summed over features"),
        (lambda a, b: parts(a, b)[0].sum(), "different spread"),
        (lambda a, b: wrong(a, b, two=1), "What is taken off"),
        (lambda a, b: wrong(a, b, root=entries), "root of its entries"),
        (lambda a, b: wrong(a, b, root=lambda s, t: np.diag(np.sqrt(np.diag(s) * np.diag(t)))), "vary together"),
        (lambda a, b: wrong(a, b, root=lambda s, t: np.real(sqrtm(s) @ sqrtm(t))), "Multiply first"),
        (lambda a, b: by_root(a, b) + 0j, "keep the real part"),
        (lambda a, b: parts(a, b)[0], "One number for two sets"),
        (unsolved, "think"),
    ],
)
def test_frechet_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.frechet(function)


A, B = np.random.default_rng(1).normal(size=(2, 300, 8))
RIGHT = by_root(A, B)


def test_equals_accept_any_number_as_a_guess(capsys):
    checks.distance_of_equals(0, RIGHT, A, B)
    assert "Your guess of 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "measured", "hint"),
    [
        (None, RIGHT, "as guess"),
        (0, None, "as measured"),
        (0, by_root(A, A), "the one with the other"),
        (0, np.sqrt(RIGHT), "square root"),
        (0, RIGHT / 8, "mean over features"),
        (0, parts(A, B)[0].sum(), "means only"),
        (0, by_root(A[:100], B[:100]), "two sets that were drawn"),
    ],
)
def test_equals_reject(guess, measured, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.distance_of_equals(guess, measured, A, B)


def test_equals_reject_the_same_set():
    with pytest.raises(CheckFailed, match="the same draws twice"):
        checks.distance_of_equals(0, 0, A, A)
