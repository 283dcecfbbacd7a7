"""Checks of the exercises to lesson 12, *Variational autoencoders*.

Usual wrong solutions, each with a hint of its own (tested in test_checks_12.py):

`reparameterised_draw` (draw a code so that gradients pass):
    - log-variance taken for σ
    - the variance in place of σ
    - the mean forgotten
    - noise of one's own in place of the noise that is given
    - no noise at all
    - NumPy's functions on tensors, which cut the gradient

`vae_terms` (reconstruction and KL term of each image, in nats):
    - KL averaged over the units instead of summed
    - reconstruction averaged over the pixels instead of summed
    - one number for the batch instead of one per image
    - log-variance taken for σ, or for log σ, in the KL term
    - the factor ½ forgotten; the sign turned, in either term
    - squared error of the probabilities in place of the cross-entropy
    - logits used as if they were probabilities
    - log(sigmoid(...)) written out, which overflows for large logits

`units_in_use` (predict, then measure):
    - no guess
    - a unit counted when any image pays for it, or every pair of image and unit counted
    - the units counted that are switched off
    - the price times β
"""

import keras
import numpy as np
import tensorflow as tf
from utils.models import kl_divergence

from checks_base import as_array, call, compare, fail, measured_well, passed


def reparameterised_draw(function):
    """Check draw(mean, log_variance, noise): tensors (n, d) in, codes (n, d) out, gradients pass."""
    rng = np.random.default_rng(12)
    mean, log_variance, noise = (rng.normal(size=(3, 4)).astype("float32") for _ in range(3))
    log_variance -= 1

    def codes(m, s, e):
        z = call(function, *(keras.ops.convert_to_tensor(part) for part in (m, s, e)))
        return as_array(z, (3, 4), "the codes", "All three inputs have the shape of the codes. Nothing is summed.")

    z, sigma = codes(mean, log_variance, noise), np.exp(log_variance / 2)
    if not np.allclose(z, codes(mean, log_variance, noise)) or not np.allclose(
        codes(mean, log_variance, 0 * noise), codes(mean, log_variance - 3, 0 * noise)
    ):
        fail("the same codes for the same inputs, and with noise 0 no scatter", "codes that scatter by themselves",
             "Draw nothing here: use the noise that is given.")  # fmt: skip
    slips = [
        (mean + log_variance * noise, "log_variance is not σ. Which function undoes the logarithm?"),
        (mean + np.exp(log_variance) * noise, "This is the variance. By what must noise of variance 1 be multiplied?"),
        (sigma * noise, "The codes scatter around 0. Around what should they scatter?"),
        (mean, "The noise takes no part: every draw would be the same code."),
    ]
    hint = "Noise has mean 0 and deviation 1. Which two steps give it another deviation and another mean?"
    compare(z, mean + sigma * noise, slips, "mean + σ · noise", hint)

    variables = [tf.Variable(part) for part in (mean, log_variance)]
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(
            keras.ops.convert_to_tensor(call(function, *variables, keras.ops.convert_to_tensor(noise)))
        )
    slopes = tape.gradient(total, variables)
    for name, slope, right in zip(("mean", "log_variance"), slopes, (1 + 0 * mean, sigma * noise / 2), strict=True):
        hint = "NumPy's functions cut the gradient. Keep to keras.ops and plain arithmetic."
        if slope is None:
            fail(f"a gradient by {name}", "none", hint)
        compare(np.asarray(slope, "float64"), right, [], f"gradient by {name}", hint)
    passed("draw: right mean, right deviation, uses the given noise, and the gradients pass")


def vae_terms(function):
    """Check terms(x, mean, log_variance, logits): two results (n,), reconstruction and KL of each image, in nats."""
    rng = np.random.default_rng(12)
    x = rng.integers(0, 2, (5, 4, 3, 1)).astype("float32")
    logits = (2 * rng.normal(size=x.shape)).astype("float32")
    mean, log_variance = (rng.normal(size=(5, 3)).astype("float32") for _ in range(2))

    def both(*inputs):
        result = call(function, *(keras.ops.convert_to_tensor(part) for part in inputs))
        if not isinstance(result, tuple | list) or len(result) != 2:
            fail("two results: reconstruction, kl", f"{type(result).__name__}", "End with: return reconstruction, kl")
        hint = "One number per image. Over which axes is summed? The average over the batch is taken later."
        for part in result:
            if part is not None and not np.isfinite(np.asarray(part, "float64")).all():
                fail("finite numbers", "NaN or infinity", "Is there a logarithm of something that can be 0 or less?")
        return [as_array(part, (5,), what, hint) for part, what in zip(result, ("reconstruction", "kl"), strict=True)]

    reconstruction, kl = both(x, mean, log_variance, logits)

    def over(values):
        return values.reshape(5, -1).sum(axis=1)

    p = 1 / (1 + np.exp(-logits))
    error = np.logaddexp(0, logits) - x * logits
    clipped = np.clip(logits, 1e-7, 1 - 1e-7)
    slips = [
        (over(error) / 12, "The mean over the pixels makes this term too small. The formula has a sum."),
        (-over(error), "The sign: a probability is at most 1, so minus its logarithm is never negative."),
        (over((x - p) ** 2), "This is the squared error. Minus the logarithm of which probability is wanted?"),
        (over(-x * np.log(clipped) - (1 - x) * np.log(1 - clipped)),
         "Logits are not probabilities: they may be any real numbers."),
    ]  # fmt: skip
    compare(reconstruction, over(error), slips, "reconstruction, −log p(x|z) summed over the pixels",
             "Work one pixel out by hand: x = 1, logit 0 costs log 2.")  # fmt: skip
    units = (mean**2 + np.exp(log_variance) - 1 - log_variance) / 2
    log_sigma = (mean**2 + np.exp(2 * log_variance) - 1 - 2 * log_variance) / 2
    as_sigma = (mean**2 + log_variance**2 - 1 - np.log(log_variance**2)) / 2
    as_sigma_only = (mean**2 + log_variance**2 - 1 - log_variance) / 2
    named = "This treats log_variance as something else. What is σ² in terms of it, and what is log σ²?"
    slips = [
        (units.mean(axis=1), "The mean over the units makes the price too small. Independent units add up."),
        (over(log_sigma), named),
        (over(as_sigma), named),
        (over(as_sigma_only), named),
        (2 * over(units), "Twice too large: is a factor missing in front?"),
        (-over(units), "The sign: a KL divergence is never negative."),
    ]
    compare(kl, over(units), slips, "KL, summed over the units", "For mean 0 and log_variance 0 every unit costs 0.")
    sure = np.where(x == 1, -60.0, 60.0).astype("float32")
    with np.errstate(all="ignore"):
        large = np.asarray(call(function, *(keras.ops.convert_to_tensor(v) for v in (x, mean, log_variance, sure)))[0])
    if not np.allclose(large, 12 * 60, rtol=1e-3):
        fail("720 nats for 12 pixels with logit ±60, all on the wrong side", f"{np.ravel(large)[0]:.4g}",
             "exp overflows or log meets 0 for large logits. Which function of keras.ops is log(1 + eˡ)?")  # fmt: skip
    passed("terms: cross-entropy summed over pixels, KL summed over units, one number per image, stable")


def units_in_use(guess, measured, vae, x):
    """Check how many units of a VAE carry more than 0.1 nats on average over the images x."""
    kl = np.asarray(kl_divergence(*vae.posterior(x)))
    used = kl.mean(axis=0) > 0.1
    slips = [
        ((kl > 0.1).any(axis=0).sum(), "One image is enough to count a unit here. Average over the images first."),
        ((kl > 0.1).sum(), "These are pairs of an image and a unit. Average over the images first."),
        ((~used).sum(), "These are the units that are switched off."),
        ((vae.beta * kl.mean(axis=0) > 0.1).sum(), "The KL divergence itself is meant, without the weight β."),
    ]
    measured_well(
        guess, measured, used.sum(), 0.1, "units in use", slips, "posterior → KL of every unit → mean → count."
    )
