"""The checks of lesson 16's exercises: right solutions pass, every usual wrong one gets its hint."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.linalg import sqrtm

from checks import CheckFailed
from checks import lesson_16 as checks
from utils.metrics import frechet_distance


def unsolved(*args):
    raise NotImplementedError("hint: think")


def by_eigenvectors(codes, n, rng):
    """Another way: a symmetric root of the covariance, divided by m."""
    values, vectors = np.linalg.eigh(np.cov(codes.T, bias=True))
    return codes.mean(axis=0) + rng.standard_normal((n, len(values))) @ (vectors * np.sqrt(values) @ vectors.T)


def by_numpy(codes, n, rng):
    return rng.multivariate_normal(codes.mean(axis=0), np.cov(codes.T), size=n)


def by_columns(codes, n, rng):
    """Noise in columns, float32 draws, a tensor."""
    root = np.linalg.cholesky(np.cov(codes, rowvar=False))
    return tf.constant((codes.mean(0)[:, None] + root @ rng.normal(size=(codes.shape[1], n))).T, "float32")


def with_root(codes, n, rng, change):
    return codes.mean(axis=0) + rng.normal(size=(n, codes.shape[1])) @ change(np.cov(codes.T))


def entry_by_entry(matrix):
    with np.errstate(invalid="ignore"):
        return np.sqrt(matrix)


def one_noise(codes, n, rng):
    return np.repeat(by_numpy(codes, 1, rng), n, axis=0)


def in_place(codes, n, rng):
    drawn = by_numpy(codes, n, rng)
    codes -= codes.mean(axis=0)
    return drawn


@pytest.mark.parametrize("function", [by_eigenvectors, by_numpy, by_columns])
def test_draws_accept_right_solutions(function, capsys):
    checks.gaussian_of_codes(function)
    assert capsys.readouterr().out.startswith("✔ draw_codes")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda z, n, rng: rng.normal(z.mean(axis=0), z.std(axis=0), (n, 3)), "drawn independently"),
        (lambda z, n, rng: rng.normal(z.mean(axis=0), z.var(axis=0), (n, 3)), "variance is taken"),
        (lambda z, n, rng: rng.multivariate_normal(np.zeros(3), np.cov(z.T), size=n), "scatter around 0"),
        (lambda z, n, rng: by_numpy(z, n, rng) + z.mean(axis=0), "add to the noise"),
        (lambda z, n, rng: with_root(z, n, rng, np.linalg.cholesky), "wrong side"),
        (lambda z, n, rng: with_root(z, n, rng, lambda c: c), "square of the right one"),
        (lambda z, n, rng: with_root(z, n, rng, lambda c: np.eye(3)), "takes no part"),
        (lambda z, n, rng: with_root(z, n, rng, entry_by_entry), "entry by entry"),
        (lambda z, n, rng: z[rng.integers(0, len(z), n)], "What is fitted"),
        (lambda z, n, rng: np.random.default_rng().multivariate_normal(z.mean(0), np.cov(z.T), n), "with nothing else"),
        (lambda z, n, rng: by_numpy(z, n, np.random.default_rng(0)), "seed nothing"),
        (one_noise, "noise of its own"),
        (lambda z, n, rng: by_numpy(z, n, rng).T, "One row per draw"),
        (lambda z, n, rng: by_numpy(2 * z - z.mean(axis=0), n, rng), "np.cov of your draws"),
        (in_place, "Whoever calls it"),
        (lambda z, n, rng: None, "return"),
        (lambda z, n, rng: "text", "One row per draw"),
        (lambda z, n, rng: [[1.0], [1.0, 2.0]], "One row per draw"),
        (lambda z, n: z, "TypeError"),
        (None, "TypeError"),
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
    """Covariances divided by n, the moduli of the eigenvalues, an array of one number."""
    means, s, t = np.square(a.mean(0) - b.mean(0)), np.cov(a.T, bias=True), np.cov(b.T, bias=True)
    roots = np.sqrt(np.abs(np.linalg.eigvals(s @ t)))
    return np.array(means.sum() + np.trace(s) + np.trace(t) - 2 * roots.sum())


def by_symmetric_root(a, b):
    """Another way, of which all roots are those of symmetric matrices; a tensor."""
    means, s, t = parts(a, b)
    values, vectors = np.linalg.eigh(s)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    roots = np.sqrt(np.linalg.eigvalsh(root @ t @ root).clip(0))
    return tf.constant(means.sum() + np.trace(s + t) - 2 * roots.sum())


def matrix_root(s, t):
    return np.real(sqrtm(s @ t))


def wrong(a, b, *, means=np.sum, two=2, root=matrix_root):
    m, s, t = parts(a, b)
    return means(m) + np.trace(s + t - two * root(s, t))


def entries(s, t):
    return np.sqrt(np.abs(s @ t)) * (s @ t > 0)


def rounding(a, b):
    """No care for eigenvalues a little below 0."""
    means, s, t = parts(a, b)
    with np.errstate(invalid="ignore"):
        return means.sum() + np.trace(s + t) - 2 * np.sqrt(np.linalg.eigvals(s @ t).real - 1e-12).sum()


@pytest.mark.parametrize("function", [by_root, by_eigenvalues, by_symmetric_root, frechet_distance])
def test_frechet_accepts_right_solutions(function, capsys):
    checks.frechet(function)
    assert capsys.readouterr().out.startswith("✔ frechet")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda a, b: wrong(a, b, means=lambda m: np.sqrt(m.sum())), "squared in the formula"),
        (lambda a, b: wrong(a, b, means=np.mean), "summed over them"),
        (lambda a, b: wrong(a, b, means=lambda m: 0), "means take no part"),
        (lambda a, b: wrong(a, b, means=lambda m: np.sqrt(m).sum() ** 2), "Square the differences first"),
        (lambda a, b: parts(a, b)[0].sum(), "another spread"),
        (lambda a, b: wrong(a, b, two=1), "is taken off"),
        (lambda a, b: wrong(a, b, root=lambda s, t: s + t), "two traces are added"),
        (lambda a, b: wrong(a, b, root=lambda s, t: s @ t), "where the formula has its root"),
        (lambda a, b: np.sqrt(frechet_distance(a, b)), "squared in the formula"),
        (lambda a, b: wrong(a, b, root=entries), "root of its entries"),
        (lambda a, b: wrong(a, b, root=lambda s, t: np.sqrt(np.abs(s @ t))), "root of its entries"),
        (lambda a, b: wrong(a, b, root=lambda s, t: np.diag(np.sqrt(np.diag(s) * np.diag(t)))), "vary together"),
        (lambda a, b: wrong(a, b, root=lambda s, t: np.real(sqrtm(s) @ sqrtm(t))), "Multiply first"),
        (lambda a, b: by_root(a, b) + 0j, "keep the real part"),
        (rounding, "slightly below 0"),
        (lambda a, b: parts(a, b)[0], "One real number for two sets"),
        (lambda a, b: by_root(a, b) + 1, "no distance from itself"),
        (lambda a, b: None, "return"),
        (lambda a, b: "text", "One real number"),
        (lambda a, b: [[1.0], [1.0, 2.0]], "One real number"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_frechet_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.frechet(function)


A, B = np.random.default_rng(1).normal(size=(2, 300, 8))
RIGHT = by_root(A, B)


@pytest.mark.parametrize("value", [RIGHT, np.array([RIGHT]), tf.constant(RIGHT), by_eigenvalues(A, B)])
def test_equals_accept_any_guess(value, capsys):
    checks.distance_of_equals(0, value, A, B)
    assert "your guess of 0 is off by" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (None, RIGHT, "still to be done"),
        (0, None, "still to be done"),
        ("zero", RIGHT, "Any number will do"),
        (0, "zero", "One plain number"),
        (0, A, "One plain number"),
        (0, by_root(A, A), "the one with the other"),
        (0, np.sqrt(RIGHT), "square root"),
        (0, RIGHT / 8, "mean over features"),
        (0, parts(A, B)[0].sum(), "means only"),
        (0, by_root(A[:100], B[:100]), "two sets that were drawn"),
    ],
)
def test_equals_reject(guess, value, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.distance_of_equals(guess, value, A, B)


def test_equals_reject_the_same_set():
    with pytest.raises(CheckFailed, match="the same draws twice"):
        checks.distance_of_equals(0, 0, A, A)
