"""Checks of the exercises of lesson 16. The usual wrong solutions, each with its hint: tests/test_checks_16.py."""

import numpy as np

from checks.base import agree, as_array, call, fail, measured, passed
from utils import metrics


def gaussian_of_codes(function):
    """Check draw_codes(codes, n, rng): n draws (n, d) of the full Gaussian fitted to codes (m, d).

    Called with float32 codes and NumPy generators.

    Raises:
        CheckFailed: for another shape, mean or covariance, and for randomness that is not that of the generator.
    """
    n, mean = 20_000, np.array([3.0, -2.0, 0.5])
    root = np.array([[2.0, 0.0, 0.0], [1.5, 1.0, 0.0], [-1.0, 1.0, 0.5]])
    covariance = root @ root.T
    codes = (mean + _white(2_000, 3) @ root.T).astype("float32")  # exactly this mean and this covariance

    def draws(seed):
        found = call(function, codes, n, np.random.default_rng(seed))
        hint = "One row per draw, one column per unit: (n, d)."
        no_root = "A covariance may be negative: np.sqrt, entry by entry, is not its root."
        return as_array(found, (n, 3), "the draws", hint, no_root)

    found = draws(1)
    if np.ptp(found, axis=0).max() < 1e-6:
        fail(f"{n:,} different draws", "the same code in every row", "Every draw needs noise of its own.")
    if not np.array_equal(found, draws(1)):
        fail("the same draws from generators with the same seed", "others",
             "Draw with the rng that is given, with nothing else.")  # fmt: skip
    if np.array_equal(found, draws(2)):
        fail("other draws from another generator", "the same ones", "Draw with the rng that is given; seed nothing.")
    if np.isin(found[:100, 0].astype("float32"), codes[:, 0]).all():
        fail("draws from a density", "copies of the codes", "What is fitted to the codes, and what is drawn from it?")

    middle, spread = found.mean(axis=0), np.cov(found.T)
    hint = "The draws scatter around 0. Around what do the codes scatter?"
    if np.abs(middle).max() > 0.2:
        hint = "The mean of the draws is not that of the codes. What does your function add to the noise?"
    if np.abs(middle - mean).max() > 0.2:
        fail(f"draws with mean {mean}", str(middle.round(2)), hint)
    if not np.abs(spread - covariance).max() < 0.25:
        place = np.unravel_index(np.abs(spread - covariance).argmax(), (3, 3))
        what = "variance of unit {}" if place[0] == place[1] else "covariance of units {} and {}"
        what = what.format(*sorted({int(k) + 1 for k in place}))
        fail(f"{what}: {covariance[place]:.2f}", f"{spread[place]:.2f}", _why(spread, covariance, root))
    passed("draw_codes: mean and covariance of the codes, and the given generator decides the draws")


def _why(spread, covariance, root):
    """The hint for draws with a wrong covariance."""
    alone = np.diag(np.diag(covariance))
    slips = [
        (alone, "The units are drawn independently. How do two units of the codes vary together?"),
        (alone**2, "The variance is taken for the standard deviation, and the units are drawn independently."),
        (root.T @ root, "The root of the covariance stands on the wrong side. With L Lᵀ the covariance, one code is L "
         "times a column of noise. Here noise stands in rows."),
        (covariance @ covariance, "This covariance is the square of the right one. What must noise be multiplied by?"),
        (np.eye(3), "The draws have covariance I, as the noise has. The covariance of the codes takes no part."),
    ]  # fmt: skip
    for wrong, hint in slips:
        if np.abs(spread - wrong).max() < 0.05 * np.abs(wrong).max():
            return hint
    return "Compare np.cov of your draws with np.cov of the codes, both transposed."


def frechet(function):
    """Check frechet(a, b): |μ − ν|² + tr(A + B − 2 (A B)^½) of features (n, d) and (m, d), one number.

    Raises:
        CheckFailed: for what is not one real number, and for a distance that is off by more than 1 %.
    """
    rng, d = np.random.default_rng(16), 4
    white = _white(500, d)

    def compare(what, a, b, slips, hint):
        found = call(function, a, b)
        hints = "One real number for two sets of features. Rounding can leave an imaginary part: keep the real part."
        below = "This may be the root of a number slightly below 0. Rounding made it, so that it should count as 0."
        found = as_array(found, (), what, hints, below)
        agree(found, metrics.frechet_distance(a, b), slips, what, hint, tolerance=0.01)

    same = [
        (d, "Identical sets: A + B is 2 A. How much of (A B)^½ is taken off?"),
        (-2 * d, "Below 0. Which two traces are added?"),
    ]
    compare("distance of a set to itself", white, white, same, "A set is at no distance from itself.")
    moved = [
        (0, "The means take no part."),
        (3, "The distance of the means is squared in the formula, and nothing takes its root."),
        (9 / d, "This is a mean over the features. The squares are summed over them."),
        (25, "Square the differences first, then sum them."),
    ]
    compare("distance when the features move by (1, 2, 0, 2)", white, white + [1, 2, 0, 2], moved,
            "Only the means differ here.")  # fmt: skip
    scales = np.array([1.0, 2.0, 3.0, 0.5])
    stretched = [
        (0, "Two sets with the same mean and another spread have a distance, too."),
        (np.sum(1 + scales**2 - scales), "A factor is missing in front of the root."),
        (np.sum(1 - scales**2), "Here stands A B where the formula has its root (A B)^½."),
        (np.sum((1 - scales**2) ** 2), "These are squared differences of variances. The formula has a root."),
    ]
    compare("distance when the features are stretched by (1, 2, 3, ½)", white, white * scales, stretched,
            "Only the covariances differ here, and both are diagonal.")  # fmt: skip
    left, right = white @ rng.normal(size=(d, d)), white[:300] @ rng.normal(size=(d, d))
    right -= right.mean(axis=0) - left.mean(axis=0)
    compare("distance of two sets with correlated features", left, right, _correlated_slips(left, right),
            "(A B)^½ is the matrix whose product with itself is A B. np.sqrt works entry by entry.")  # fmt: skip
    for dull in (right[:, [0, 1, 2, 2]], np.c_[left[:, :2], left[:, 0] + left[:, 1], np.ones(500)]):
        compare("distance when one feature depends on the others", dull, left, [],
                "Here an eigenvalue of A B should be exactly 0, and rounding moves it. Is a root taken of it, or its "
                "size, or its inverse?")  # fmt: skip
    passed("frechet: 0 for equal sets, squared means, the root of a matrix, and safe from rounding")


def _correlated_slips(left, right):
    """Wrong distances of two sets with the same mean, each with its hint."""
    a, b = np.cov(left.T), np.cov(right.T)
    traces, variances = np.trace(a) + np.trace(b), np.diag(a) * np.diag(b)
    roots = [vectors * np.sqrt(values) @ vectors.T for values, vectors in map(np.linalg.eigh, (a, b))]
    entries = "The root of a matrix is not the root of its entries."
    return [
        (traces - 2 * np.sqrt(np.diag(a @ b).clip(0)).sum(), entries),
        (traces - 2 * np.sqrt(np.abs(np.diag(a @ b))).sum(), entries),
        (traces - 2 * np.sqrt(variances).sum(), "Features vary together: use all of the covariance."),
        (traces - 2 * np.trace(roots[0] @ roots[1]), "A^½ B^½ is not (A B)^½ unless A B = B A. Multiply first."),
        (traces - 2 * np.sqrt(np.trace(a @ b)), "This is the root of the trace. The trace of the root is wanted."),
    ]


def distance_of_equals(guess, value, a, b):
    """Check the Fréchet distance between two sets a and b (n, d) of draws from one distribution.

    Raises:
        CheckFailed: for a guess or a value that is no number, another distance, or two sets that are one.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape == b.shape and np.array_equal(a, b):
        fail("two sets, drawn one after the other", "the same draws twice", "Run the cell with a and b again.")
    right = metrics.frechet_distance(a, b)
    slips = [
        (0, "A set is at no distance from itself. Compare the one with the other."),
        (np.sqrt(right), "This is the square root. The number itself is wanted."),
        (right / a.shape[1], "This is a mean over features. The sum is wanted."),
        (np.square(a.mean(axis=0) - b.mean(axis=0)).sum(), "These are the means only. The covariances differ, too."),
    ]
    hint = "Are these the two sets that were drawn, all rows and all features of them?"
    measured(guess, value, right, "", slips, hint, tolerance=0.02 * right)


def _white(n, d):
    """Numbers (n, d) whose mean is exactly 0 and whose covariance is exactly I."""
    noise = np.random.default_rng(16).normal(size=(n, d))
    return np.sqrt(n - 1) * np.linalg.qr(noise - noise.mean(axis=0))[0]
