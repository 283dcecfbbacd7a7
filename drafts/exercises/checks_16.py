"""Checks of the exercises to lesson 16, *Sampling*.

Usual wrong solutions, each with a hint of its own (tested in test_checks_16.py):

`gaussian_of_codes` (fit a full Gaussian, and draw from it):
    - a diagonal covariance: the units are drawn independently
    - the mean forgotten
    - the root of the covariance on the wrong side
    - the covariance itself in place of its root
    - copies of the codes in place of draws
    - the global generator in place of the one that is given, or always the same draws

`frechet` (the distance of two sets of features):
    - the distance of the means, not squared; the mean over the features in place of the sum
    - the covariances left out
    - the root of every entry in place of the root of the matrix
    - the roots of A and B one by one, which is the same only if A and B commute
    - the factor 2 forgotten
    - a complex number returned

`distance_of_equals` (predict, then measure):
    - no guess
    - a set compared with itself
    - the square root of the distance, or a mean over features
    - sets of another size
"""

import numpy as np
from utils import metrics

from checks_base import as_array, call, fail, measured_well, passed


def gaussian_of_codes(function):
    """Check draw_codes(codes, n, rng): n draws (n, d) of the full Gaussian fitted to codes (m, d)."""
    n, d = 20_000, 3
    mean = np.array([3.0, -2.0, 0.5])
    root = np.array([[2.0, 0.0, 0.0], [1.5, 1.0, 0.0], [-1.0, 1.0, 0.5]])
    # 2,000 codes that have exactly this mean and this covariance
    white = np.random.default_rng(16).normal(size=(2_000, d))
    white = np.sqrt(1_999) * np.linalg.qr(white - white.mean(axis=0))[0]
    codes = (mean + white @ root.T).astype("float32")
    covariance = root @ root.T
    hint = "One row per draw, one column per unit: (n, d)."
    draws = [
        as_array(call(function, codes.copy(), n, np.random.default_rng(seed)), (n, d), "the draws", hint)
        for seed in (1, 1, 2)
    ]
    if not np.array_equal(draws[0], draws[1]):
        fail("the same draws from the same generator", "others", "Draw with the rng that is given, with nothing else.")
    if np.array_equal(draws[0], draws[2]):
        fail("other draws from another generator", "the same ones", "Draw with the rng that is given; seed nothing.")
    found, spread = draws[0].mean(axis=0), np.cov(draws[0].T)
    if np.isin(draws[0][:100, 0].astype("float32"), codes[:, 0]).all():
        fail(
            "draws from a density",
            "copies of the codes",
            "What is fitted to the codes, and what is then drawn from it?",
        )
    hint = "The mean of the draws is not that of the codes."
    if np.abs(found).max() < 0.2:
        hint = "The draws scatter around 0. Around what do the codes scatter?"
    if np.abs(found - mean).max() > 0.2:
        fail(f"draws with mean {mean}", str(found.round(2)), hint)
    slips = [
        (
            np.diag(np.diag(covariance)),
            "The units are drawn independently. How do two units of the codes vary together?",
        ),
        (np.diag(np.diag(covariance) ** 2), "The variance is taken for the deviation, and the units are independent."),
        (root.T @ root, "The root of the covariance stands on the wrong side: which axis of the noise meets which?"),
        (covariance @ covariance, "This covariance is the square of the right one. What must noise be multiplied by?"),
    ]
    hint = "Compare np.cov of your draws with np.cov of the codes."
    for wrong, why in slips:
        if np.abs(spread - wrong).max() < 0.05 * np.abs(wrong).max():
            hint = why
            break
    if np.abs(spread - covariance).max() > 0.25:
        worst = np.unravel_index(np.abs(spread - covariance).argmax(), (d, d))
        where = ", ".join(str(k + 1) for k in worst)
        fail(f"covariance {covariance[worst]:.2f} of the units {where}", f"{spread[worst]:.2f}", hint)
    passed("draw_codes: mean and covariance of the codes, and the given generator decides the draws")


def frechet(function):
    """Check frechet(a, b): |μ − ν|² + tr(A + B − 2 (A B)^½) of features (n, d) and (m, d), one number."""
    rng, d = np.random.default_rng(16), 4
    white = rng.normal(size=(500, d))
    white = np.sqrt(499) * np.linalg.qr(white - white.mean(axis=0))[0]  # mean 0, covariance exactly I

    def distance(a, b):
        found = call(function, a, b)
        if np.iscomplexobj(found):
            fail(
                "a real number",
                f"{found}",
                "Rounding can leave an imaginary part in a matrix root: keep the real part.",
            )
        return as_array(found, (), "the distance", "One number for two sets.")

    def check(name, a, b, slips, hint):
        right = np.float64(metrics.frechet_distance(a, b))
        _compare_loosely(distance(a, b), right, slips, name, hint)

    step = np.array([1.0, 2.0, 0.0, 2.0])
    check("distance of a set to itself", white, white, [(d, "Identical sets: A + B is 2 A. What is taken off?")],
          "A set is at no distance from itself.")  # fmt: skip
    slips = [
        (3, "The distance of the means is squared in the formula."),
        (9 / d, "The squares are summed over features."),
    ]
    check("distance when all features move by (1, 2, 0, 2)", white, white + step, slips, "Only the means differ here.")
    scales = np.array([1.0, 2.0, 3.0, 0.5])
    slips = [
        (0, "Two sets of one mean and different spread have a distance, too."),
        (np.sum(1 + scales**2 - scales), "A factor is missing in front of the root."),
        (np.sum((1 - scales**2) ** 2), "These are differences of variances. The formula has roots."),
    ]
    check("distance when the features are stretched by (1, 2, 3, ½)", white, white * scales, slips,
          "Only the covariances differ here, and both are diagonal.")  # fmt: skip
    left, right = white @ rng.normal(size=(d, d)), white @ rng.normal(size=(d, d))
    a, b = np.cov(left.T), np.cov(right.T)
    traces = np.trace(a) + np.trace(b)
    roots = [vectors * np.sqrt(values) @ vectors.T for values, vectors in (np.linalg.eigh(a), np.linalg.eigh(b))]
    with np.errstate(invalid="ignore"):
        slips = [
            (traces - 2 * np.nansum(np.sqrt(np.diag(a @ b))), "The root of a matrix is not the root of its entries."),
            (
                traces - 2 * np.sum(np.sqrt(np.diag(a) * np.diag(b))),
                "Features vary together: use all of the covariance.",
            ),
            (traces - 2 * np.trace(roots[0] @ roots[1]), "A^½ B^½ is not (A B)^½ unless A B = B A. Multiply first."),
        ]
    check("distance of two sets with correlated features", left, right, slips,
          "(A B)^½ is the matrix whose product with itself is A B. np.sqrt works entry by entry.")  # fmt: skip
    passed("frechet: 0 for equal sets, squared means, and the root of a matrix")


def _compare_loosely(found, right, slips, what, hint):
    """As compare, with 1 % to spare for n or n − 1 in a covariance."""
    if abs(found - right) <= 0.01 * right + 1e-3:
        return
    near = [why for wrong, why in slips if abs(found - wrong) <= 0.01 * abs(wrong) + 1e-3]
    fail(f"{what}: {right:.4g}", f"{found:.4g}", near[0] if near else hint)


def distance_of_equals(guess, measured, a, b):
    """Check the Fréchet distance between two sets a and b of draws from one distribution."""
    a, b = np.asarray(a), np.asarray(b)
    if np.array_equal(a, b):
        fail("two sets, drawn one after the other", "the same draws twice", "A set is at no distance from itself.")
    right = metrics.frechet_distance(a, b)
    slips = [
        (0, "A set is at no distance from itself. Compare the one with the other."),
        (np.sqrt(right), "This is the square root. The number itself is wanted."),
        (right / a.shape[1], "This is a mean over features. The sum is wanted."),
        (np.square(a.mean(axis=0) - b.mean(axis=0)).sum(), "These are the means only. The covariances differ, too."),
    ]
    measured_well(
        guess, measured, right, 0.02 * right, "(Fréchet distance)", slips, "Are these the two sets that were drawn?"
    )
