"""Checks for the exercises of lesson 13, beta-VAE."""

import numpy as np

from checks.base import agree, as_array, call, fail, measured, passed
from utils import disentanglement

COUNTS = (2, 3, 5, 4)  # values of the factors of the checks' own grid
PAIRS = 6_000


def traversal(function):
    """Check traverse(codes, unit, steps): the mean code (d,), one unit going from its 5 % to its 95 % quantile.

    Raises:
        CheckFailed: for another shape, another unit, or other codes.
    """
    rng = np.random.default_rng(13)
    codes = rng.gamma(2.0, [1.0, 3.0, 0.5], size=(400, 3)) + [5.0, -4.0, 1.0]
    for unit, steps in ((1, 6), (0, 3), (2, 9)):
        what = f"codes with unit {unit} going in {steps} steps"
        hint = "One row per step, one column per unit: np.tile repeats the mean code."
        found = as_array(call(function, codes, unit, steps), (steps, 3), what, hint)
        right = np.tile(codes.mean(axis=0), (steps, 1))
        right[:, unit] = np.linspace(*np.quantile(codes[:, unit], [0.05, 0.95]), steps)
        agree(found, right, _wrong_paths(codes, unit, steps, right), what, "Compare the columns one by one.", 1e-5)
    passed("traverse: the mean code, one unit going from its 5 % to its 95 % quantile in equal steps")


def _wrong_paths(codes, unit, steps, right):
    """Wrong results of `traverse`, each with its hint."""
    mean, values, z = codes.mean(axis=0), right[:, unit], codes[:, unit]

    def path(values, base=mean, moved=unit):
        wrong = np.tile(base, (steps, 1))
        wrong[:, moved] = values
        return wrong

    ends = "From the 5 % to the 95 % quantile: np.quantile takes a list of shares."
    return [
        (path(values, np.zeros(3)), "The other units are 0. They stay at their means."),
        (path(values, codes[0]), "The other units are those of the first code. They stay at their means."),
        (path(values, np.median(codes, axis=0)), "The other units stay at their means, not at their medians."),
        (path(values[::-1]), "It goes downwards. Start at the 5 % quantile."),
        (path(np.linspace(z.min(), z.max(), steps)), "It goes from the least to the largest value. " + ends),
        (path(np.linspace(*np.quantile(z, [0.25, 0.75]), steps)), ends),
        (path(np.linspace(*np.quantile(z, [0.05, 0.9]), steps)), ends),
        (path(np.quantile(z, np.linspace(0.05, 0.95, steps))), "The steps are to be equal: np.linspace of the ends."),
        (path(mean[unit] + values), "The mean of the moving unit is added. Its values replace the mean."),
        (path(np.linspace(*np.quantile(z, [0.05, 0.95]), steps + 1)[:-1]), "The last step is the 95 % quantile."),
        (path(np.linspace(*np.quantile(codes, [0.05, 0.95]), steps)), "These quantiles are those of all units."),
        *[(path(values, moved=other), "Another unit moves than the one asked for.") for other in range(3)],
        (np.tile(values[:, None], (1, 3)), "All units move. Only one is to."),
        (path(mean[unit]), "Nothing moves."),
    ]


def differences(function):
    """Check differences(codes, factors, k, pairs, rng): mean |z - z'| over pairs that agree in factor k, (d,).

    Raises:
        CheckFailed: for another shape, pairs that do not agree, or are not else at random, signs, squares, sums, or
            draws that do not come from the generator.
    """
    grid = np.stack(np.unravel_index(np.arange(np.prod(COUNTS)), COUNTS), axis=1)
    order = np.random.default_rng(13).permutation(len(grid))
    factors = grid[order]
    codes = np.c_[factors, factors[:, 2] * factors[:, 3], np.full(len(grid), 7)].astype("float64")
    for k in (2, 0, 3):
        what, pairs = f"differences of pairs that agree in factor {k}", PAIRS
        hint = "One number per unit: the mean over the pairs of the differences without signs."
        found = as_array(call(function, codes, factors, k, pairs, np.random.default_rng(k)), (6,), what, hint)
        right = _expected(codes, factors, k)
        if np.abs(found).max() < 0.2:
            hint = "Are signs left, which cancel, or is each image paired with itself?"
            fail(f"{what}: up to {right.max():.1f}", "all about 0", hint)
        wrong = _wrong_differences(codes, factors, k, pairs, right)
        if abs(found[k]) > 0.02:
            wrong.append((found, f"Unit {k} holds factor {k} here, and should not differ at all."))
        slips = [(found, slip) for values, slip in wrong if np.abs(found - values).max() <= 0.05 * values.max()]
        hint = "Both images of a pair are drawn anew for every pair; only their value of factor k is the same."
        agree(found, right, slips, what, hint, tolerance=0.05)
        again = as_array(call(function, codes, factors, k, pairs, np.random.default_rng(k)), (6,), what, hint)
        if not np.array_equal(found, again):
            fail("the same pairs for the same seed", "other ones", "Draw by rng, with nothing else.")
    other = as_array(call(function, codes, factors, k, PAIRS, np.random.default_rng(99)), (6,), what, hint)
    if np.array_equal(found, other):
        fail("other pairs for another seed", "the same ones", "The draws must come from rng. Is it seeded anew inside?")
    few = as_array(call(function, codes, factors, 1, 1, np.random.default_rng(1)), (6,), "one pair", hint)
    if few[1] or not np.allclose(few, np.round(few)):
        fail("with pairs=1 the difference of one pair", few, "Draw as many pairs as `pairs` says.")
    passed("differences: pairs that agree in one factor, else at random, without signs")


def _expected(codes, factors, k):
    """Mean |z - z'| over all pairs of images that agree in factor k."""
    groups = [codes[factors[:, k] == value] for value in np.unique(factors[:, k])]
    return np.mean([np.abs(g[:, None] - g).mean(axis=(0, 1)) for g in groups], axis=0)


def _wrong_differences(codes, factors, k, pairs, right):
    """Wrong results of `differences`, each with its hint."""
    groups = [codes[factors[:, k] == value] for value in np.unique(factors[:, k])]
    squares = np.mean([((g[:, None] - g) ** 2).mean(axis=(0, 1)) for g in groups], axis=0)
    anyone = np.abs(codes[:, None] - codes).mean(axis=(0, 1))
    only = [np.abs(g[:, None] - g).mean(axis=(0, 1)) for g in groups]
    return [
        (squares, "These are squares. The differences without signs are wanted."),
        (np.sqrt(squares), "These are roots of mean squares. The differences without signs are wanted."),
        (anyone, "The images of a pair need not agree in factor k here."),
        (right * pairs, "This is a sum over the pairs. The mean is wanted."),
        *[(one, "All pairs have one and the same value of factor k. Draw one for every pair.") for one in only],
    ]


def coarse_gap(guess, value, codes, factors):
    """Check the MIG of a code whose unit 3 tells only half of the places.

    Raises:
        CheckFailed: for a guess or a value that is no number, or another MIG.
    """
    right = disentanglement.mig(codes, factors)
    table, entropies = disentanglement.mutual_information(codes, factors), disentanglement.entropy(factors)
    gaps = disentanglement.gaps(table, entropies)
    slips = [
        (1, "This is the MIG of the perfect code. Measure the one whose column is coarse."),
        (gaps[3], "This is the gap of the column alone. MIG is the mean over all five factors."),
        (gaps.sum(), "This is the sum of the gaps. MIG is their mean."),
        (0.8, "This is the MIG of a code that says nothing of the column. Here it still says left or right."),
        (disentanglement.sap(codes, factors, (0,)), "This is SAP. MIG is asked for."),
    ]
    measured(guess, value, right, "", slips, "disentanglement.mig takes the codes, then the factors.", bounds=(0, 1))
