"""Checks of the exercises of lesson 07. The usual wrong solutions, each with its hint: tests/test_checks_07.py."""

import keras
import numpy as np
from keras import layers

from checks.base import agree, as_array, call, fail, measured, passed
from utils.sparse import contraction_by_jacobian, treves_rolls

DRAWS = 150  # of random signs, whose mean is compared


def sparseness(function):
    """Check sparseness(z): the share of active units of codes (n, d) by Treves and Rolls, (n,).

    Raises:
        CheckFailed: for another shape or value, also for a code of zeros.
    """
    z = np.random.default_rng(7).gamma(0.5, size=(6, 40))
    z[:, 25:] = 0
    mean, square = z.mean(axis=1), (z**2).mean(axis=1)
    rolled = z.mean(axis=0) ** 2 / np.where(z.any(axis=0), (z**2).mean(axis=0), 1)
    hint = "One number per image: n of them. The units stand along axis 1."

    def result(codes):
        nothing = "A row of zeros is 0 / 0. The exercise says what it counts as."
        return as_array(call(function, codes), (len(codes),), "the sparseness", hint, nothing)

    found = result(z)
    slips = [
        (z.sum(axis=1) ** 2 / (z**2).sum(axis=1), "This is d times too large: these are means, not sums."),
        (z.sum(axis=1) ** 2 / square, "These are means, not sums. The d outside and inside do not cancel."),
        (mean / square, "The mean above is squared."),
        (mean**2 / square**2, "Below, the squares are averaged, and nothing is squared after that."),
        (square / mean**2, "Above and below are exchanged."),
        (np.ones(6), "The square of the mean is not the mean of the squares."),
        ((z > 0).mean(axis=1), "This counts the units that are not 0. The formula weighs them by how active they are."),
        (1 - mean**2 / square, "Here 1 means that everything is active. Nothing is subtracted from 1."),
        (np.full(6, z.mean() ** 2 / (z**2).mean()), "This is one number for all images together."),
        (rolled[:6], "These are means over the images. Take them over the units."),
    ]
    agree(found, treves_rolls(z), slips, "the sparseness of six codes", "Compare with the values in the text.")
    again = result(1000 * z)
    if not np.allclose(found, again, rtol=1e-3):
        fail(
            "the same sparseness for a code 1,000 times as large",
            f"{again[0]:.4g} and {found[0]:.4g}",
            "Nothing may be added to the mean of the squares to keep it from being 0.",
        )
    small = result(1e-4 * z)
    if not np.allclose(found, small, rtol=1e-3):
        fail(
            "the same sparseness for a code 10,000 times smaller",
            f"{small[0]:.4g} and {found[0]:.4g}",
            "Nothing may be added to the mean of the squares to keep it from being 0.",
        )
    silent = result(np.concatenate([z[:2], np.zeros((1, 40))]))
    if silent[2] != 0:
        fail("0 for a code of zeros", f"{silent[2]:.4g}", "Nothing is active there.")
    passed("sparseness: a share of the units for every image, whatever the size of the code")


def squares(function):
    """Check squares(encoder, x, draws, rng): an estimate of ||J||² (n,) from random signs.

    Called with a deep encoder of 6x6 images.

    Raises:
        CheckFailed: for another shape, a biased estimate, randomness that is not that of the generator, or signs that
            images or draws share.
    """
    keras.utils.set_random_seed(7)
    stack = [layers.Flatten(), layers.Dense(20, "tanh"), layers.Dense(8, "softplus")]
    encoder = keras.Sequential([keras.Input((6, 6, 1)), *stack])
    x = np.random.default_rng(7).random((5, 6, 6, 1), dtype="float32")
    right = np.asarray(contraction_by_jacobian(encoder, x), "float64")

    def estimate(images, draws, seed):
        found = call(function, encoder, images, draws, np.random.default_rng(seed))
        return as_array(found, (len(images),), "the estimate", "One number per image: sum over its pixels only.")

    found = estimate(x, 3, 1)
    if not np.array_equal(found, estimate(x, 3, 1)):
        fail("the same estimate from generators with the same seed", "another", "Draw with the rng that is given.")
    if np.allclose(found, estimate(x, 3, 2), rtol=1e-6):
        exact = np.allclose(found, right, rtol=1e-4)
        hint = "This is the Jacobian itself. For a deep encoder of large images it is too large."
        hint = hint if exact else "Draw with the rng that is given; seed nothing."
        fail("other estimates from another generator", "the same ones", hint)
    found = estimate(x, DRAWS, 1)
    if np.abs(found / right - 1).max() > 0.25:
        wanted = f"about {right[0]:.4g} for the first image, as {DRAWS} draws should give"
        fail(wanted, f"{found[0]:.4g}", _why(found, right))
    twins = np.repeat(x[:1], 5, axis=0)
    if np.ptp(estimate(twins, 1, 3)) < 1e-6 * right[0]:
        fail("signs of its own for every image", "equal images with equal estimates", "v has the shape of z, (n, d).")
    single, many = (np.array([estimate(twins, draws, seed) for seed in range(12)]) for draws in (1, 16))
    if np.std(many) > 0.6 * np.std(single):
        fail(
            "estimates that scatter less with more draws",
            f"{np.std(single):.3g} with 1, {np.std(many):.3g} with 16",
            "Are the signs drawn anew in every draw, inside the loop?",
        )
    passed("squares: right on average, for a deep encoder, with signs of its own for every image and draw")


def _why(found, right):
    """The hint for estimates (5,) of `DRAWS` draws, from images of 36 pixels and codes of 8 units, that are wrong."""
    factors = [
        (DRAWS, "The mean over the draws is wanted, not the sum."),
        (1 / 3, "Signs are 1 and -1. Numbers drawn evenly from [-1, 1] have squares of 1/3 on average."),
        (1 / 8, "Is v * z averaged over the draws or the units? Its sum over the units is wanted."),
        (1 / 25, "Is the number averaged over the images? Then every gradient is too small. The sum is wanted."),
        (1 / 36, "The squares are summed over the pixels, not averaged."),
        (1 / 64, "Is v * z averaged over the units? The sum is wanted."),
        (1 / 1600, "Is the number averaged over images and units? The sum is wanted."),
    ]
    ratio = np.median(found / right)
    for factor, hint in factors:
        if ratio > 0 and abs(np.log(ratio / factor)) < 0.15:
            return hint
    if np.allclose(found, np.sqrt(right), rtol=0.1):
        return "The root is not taken: the squared size is wanted."
    if np.ptp(found) < 1e-6 * np.abs(found).max():
        return "This is one number for all images together. Sum over the pixels of each image only."
    if ratio < 0.05:
        return "Square first, then take the mean over the draws: the mean of the gradients is nearly 0."
    return "Is each v a vector of random signs, 1 or -1, as many as units? Is the gradient taken by x?"


def units_of_ones(guess, value, z, labels):
    """Check how many units of the codes z (n, d) are active for at least one image of the digit 1.

    Raises:
        CheckFailed: for a guess or a value that is no number, or another number of units.
    """
    z, labels = np.asarray(z), np.asarray(labels)
    active = z[labels == 1] > 0
    slips = [
        (active.all(axis=0).sum(), "These are active for all of the ones. Any of them is enough."),
        (active.sum(), "This counts a unit once for every one that it is active for. Count it once."),
        (active.sum(axis=1).mean(), "This is the mean over the ones. Which units are active for any of them?"),
        (active.any(axis=1).sum(), "This counts images. The units stand along axis 1: reduce over the images, axis 0."),
        ((z > 0).any(axis=0).sum(), "These are the units of all digits. Take the ones only."),
        ((z[labels != 1] > 0).any(axis=0).sum(), "These are the units of all other digits."),
        ((~active.any(axis=0)).sum(), "These are the units that no 1 activates."),
        (active.any(axis=0).mean(), "This is a share of the units. Their number is asked for."),
    ]
    hint = "Are these the codes z and the labels y_kept, all of them?"
    measured(guess, value, int(active.any(axis=0).sum()), "units", slips, hint, 1e-3, (0, z.shape[1]))
