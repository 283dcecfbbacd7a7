"""Checks of the exercises of lesson 12. The usual wrong solutions, each with its hint: tests/test_checks_12.py."""

import keras
import numpy as np
import tensorflow as tf

from checks.base import agree, as_array, call, fail, measured, passed
from utils.models import kl_divergence


def reparameterised_draw(function):
    """Check draw(mean, log_variance, noise): float32 tensors (n, d) in, codes (n, d) out, gradients pass to both.

    Raises:
        CheckFailed: for codes that do not have this mean and variance, use other noise, or block the gradient.
    """
    rng = np.random.default_rng(12)
    mean, log_variance, noise = (rng.normal(size=(3, 4)).astype("float32") for _ in range(3))
    log_variance -= 1

    def codes(noise):
        z = call(function, *(keras.ops.convert_to_tensor(part) for part in (mean, log_variance, noise)))
        hint = "All three inputs have the shape of the codes. Nothing is summed."
        return as_array(z, (3, 4), "the codes", hint, "log_variance may be negative: it has no root and no logarithm.")

    z, sigma = codes(noise), np.exp(log_variance / 2)
    if not np.allclose(z, codes(noise)):
        fail("the same codes for the same inputs", "codes that differ from call to call",
             "Draw nothing here: use the noise that is given.")  # fmt: skip
    if np.allclose(z, codes(noise + 1)):
        alone = np.allclose(z, mean, atol=1e-3)
        fail("other codes for other noise", "the same codes", "The noise takes no part: every draw is the same code."
             if alone else "The noise that is given takes no part. Draw nothing here: use it.")  # fmt: skip
    variance = np.exp(log_variance)
    slips = [
        (mean + log_variance * noise, "This multiplies the noise by log_variance, which is not σ. It is the logarithm "
         "of σ², and negative for a narrow cloud. Which function undoes a logarithm?"),
        (mean + variance * noise, "This multiplies the noise by the variance σ². What is σ?"),
        (mean + variance / 2 * noise, "Half of the variance is not its root. What has to be halved is the logarithm."),
        (mean + variance**2 * noise, "This multiplies the noise by σ⁴: the logarithm must not be doubled."),
        (sigma * noise, "The codes scatter around 0. Around what should they scatter?"),
    ]  # fmt: skip
    hint = "noise has mean 0 and variance 1. Which two steps give it another variance, then another mean?"
    agree(z, mean + sigma * noise, slips, "mean + σ · noise", hint)

    variables = [tf.Variable(part) for part in (mean, log_variance)]
    with tf.GradientTape() as tape:
        z = call(function, *variables, keras.ops.convert_to_tensor(noise))
        total = tf.reduce_sum(keras.ops.convert_to_tensor(z))
    hint = "NumPy's functions cut the gradient. Keep to ops and plain arithmetic."
    wanted = {"mean": 1 + 0 * mean, "log_variance": sigma * noise / 2}
    for (name, right), slope in zip(wanted.items(), tape.gradient(total, variables), strict=True):
        if slope is None:
            fail(f"a gradient by {name}", "none", hint)
        agree(slope, right, [], f"the gradient of the codes by {name}", hint)
    passed("draw: the right mean and deviation, with the noise that is given, and the gradients pass")


def vae_terms(function):
    """Check terms(x, mean, log_variance, logits): two results (n,), reconstruction and KL of each image, in nats.

    Called with float32 tensors: x of 0 and 1 and logits (n, h, w, c), mean and log_variance (n, d).

    Raises:
        CheckFailed: for another number of results, other shapes, wrong terms, or wrong ones for logits of ±100.
    """
    rng = np.random.default_rng(12)
    x = rng.integers(0, 2, (5, 3, 2, 2)).astype("float32")
    logits = (2 * rng.normal(size=x.shape)).astype("float32")
    mean, log_variance = (rng.normal(size=(5, 3)).astype("float32") for _ in range(2))

    pixels = np.logaddexp(0, logits) - x * logits
    units = (mean**2 + np.exp(log_variance) - 1 - log_variance) / 2
    reconstruction, kl = _both(function, (x, mean, log_variance, logits), pixels, units)
    right, price = _over(pixels), _over(units)
    if np.allclose(reconstruction, price, rtol=1e-3) and np.allclose(kl, right, rtol=1e-3):
        fail("first the reconstruction, then the KL term", "the two swapped", "Turn the order of the return around.")

    p = 1 / (1 + np.exp(-logits))
    clipped = np.clip(logits, 1e-7, 1 - 1e-7)
    slips = [
        (right / 12, "The mean over the pixels makes this term too small. The formula has a sum."),
        (-right, "The sign: a probability is at most 1, so minus its logarithm is never negative."),
        (_over((x - p) ** 2), "This is the squared error. Minus the logarithm of which probability is wanted?"),
        (_over(-x * np.log(clipped) - (1 - x) * np.log(1 - clipped)), "Logits are no probabilities: they may be any "
         "real numbers."),
        (_over(-x * np.log(p)), "The pixels that are 0 are missing: they cost −log(1 − p)."),
    ]  # fmt: skip
    hint = "Work one pixel out by hand: with logit 2 it costs 0.127 if x = 1, and 2.127 if x = 0."
    agree(reconstruction, right, slips, "reconstruction, −log p(x|z) summed over the pixels", hint)
    agree(kl, price, _kl_slips(mean, log_variance, units), "KL, summed over the units",
          "Work one unit out by hand: with mean 0 and variance 1 it costs 0, with mean 2 and variance 1 it costs 2, "
          "with mean 0 and variance 4 it costs 0.807.")  # fmt: skip

    sure = np.where(x == 1, -100.0, 100.0).astype("float32")
    results = call(function, *(keras.ops.convert_to_tensor(part) for part in (x, mean, log_variance, sure)))
    large = np.asarray(results[0], "float64")
    if not np.allclose(large, 12 * 100, rtol=1e-3):
        fail("1200 nats for 12 pixels with logits of ±100, all on the wrong side", f"{large[0]:.4g}",
             "Here exp overflows, log meets 0, or a probability was clipped. Simplify −log p on paper, until it holds "
             "no p.")  # fmt: skip
    passed("terms: cross-entropy summed over pixels, KL summed over units, one number per image, right for ±100")


def _kl_slips(mean, log_variance, units):
    """Wrong results (n,) of the KL term, each with its hint."""
    for_sigma = "This takes log_variance for σ and squares it. It is the logarithm of σ²: what is σ² in terms of it?"
    parts = mean**2 - 1
    return [
        (units.mean(axis=1), "This is the mean over the units, the sum divided by their number, which weighs the KL "
         "term too low. Independent units add up: the formula has a sum."),
        (_over((parts + log_variance**2 - np.log(log_variance**2)) / 2), for_sigma),
        (_over((parts + log_variance**2 - log_variance) / 2), for_sigma),
        (_over((parts + log_variance**2 - 2 * log_variance) / 2), for_sigma),
        (_over((parts + np.exp(2 * log_variance) - 2 * log_variance) / 2),
         "This takes log_variance for log σ. It is log σ² = 2 log σ already."),
        (_over((parts + np.exp(2 * log_variance) - log_variance) / 2),
         "This squares exp(log_variance). Of what is log_variance the logarithm, of σ or of σ²?"),
        (_over((parts + np.exp(log_variance / 2) - log_variance) / 2), "Here stands σ where the formula has σ²."),
        (2 * _over(units), "Twice too large: is a factor missing in front?"),
        (-_over(units), "The sign: a KL divergence is never negative."),
    ]  # fmt: skip


def _both(function, inputs, pixels, units):
    """Return reconstruction and kl as arrays (n,), or fail; a single mean over everything is named as such."""
    results = call(function, *(keras.ops.convert_to_tensor(part) for part in inputs))
    if not isinstance(results, tuple | list) or len(results) != 2:
        fail("two results, reconstruction and kl", f"{type(results).__name__}", "End with: return reconstruction, kl")
    named = zip(("reconstruction", "kl"), results, (pixels, units), ("pixels", "units"), strict=True)
    no_log = "log_variance is a logarithm already, and may be negative. Take no logarithm of it."
    arrays = []
    for what, result, parts, over in named:
        hint = "One number per image: sum over all axes but the first. The mean over the images is taken later."
        if keras.ops.is_tensor(result) and result.shape == () and np.isclose(float(result), parts.mean(), rtol=1e-3):
            hint = f"This is one mean over images and {over}. Sum over the {over}, and leave the images alone."
        not_finite = no_log if what == "kl" else "Is there a logarithm of something that can be 0 or less?"
        arrays.append(as_array(result, (5,), what, hint, not_finite))
    return arrays


def _over(values):
    """Sum over everything but the images."""
    return values.reshape(len(values), -1).sum(axis=1)


def units_in_use(guess, value, vae, x):
    """Check how many units of a VAE have a KL divergence of more than 0.1 nats, on average over the images x.

    Raises:
        CheckFailed: for a guess or a value that is no number, and for another count.
    """
    kl = np.asarray(kl_divergence(*vae.posterior(x)))
    used = kl.mean(axis=0) > 0.1
    slips = [
        (
            (kl > 0.1).any(axis=0).sum(),
            "Is one image enough to count a unit here, or is your limit another one than 0.1? Average first.",
        ),
        ((kl > 0.1).sum(), "These are pairs of an image and a unit. Average over the images first."),
        ((~used).sum(), "These are the units that are switched off."),
        ((vae.beta * kl.mean(axis=0) > 0.1).sum(), "The KL divergence itself is meant, without the weight β."),
        (np.mean(used), "This is a share. How many units are that?"),
    ]
    hint = "posterior → nats of every image and unit → average over the images → count what is above 0.1."
    measured(guess, value, used.sum(), "units in use", slips, hint, tolerance=0.01, bounds=(0, len(used)))
