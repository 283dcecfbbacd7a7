"""Checks of the exercises of lesson 08.

The usual wrong solutions:

denoiser: the plain model returned as it is; the corruption behind the decoder; the corruption on the code; a corruption
    that works outside of training, too; a copy of the encoder with new weights; the loss of the plain model forgotten;
    the corrupted image taken as the target.
denoising_score: the clean image fed to the denoiser; compared with the noisy image; a seed of its own, or none; the
    PSNRs of the images averaged; the result not clipped.
averaged_noise: the same seed for every copy; the PSNRs averaged instead of the images; the mean of the noise
    clipped, not the noise of each copy; noise that is not clipped; no guess.
"""

import numpy as np
from keras import layers, ops
from scipy.stats import norm
from utils import models
from utils.corruptions import gaussian

from checks_base import call, fail, guessed_number, passed


class _Blank(layers.Layer):
    """Stands for a corruption: in training every input becomes zero, otherwise nothing happens."""

    def call(self, x, training=False):
        return ops.zeros_like(x) if training else x


def denoiser(function):
    """Check denoiser(plain, corruption): plain's weights and loss, with the corruption before them in training only."""
    rng = np.random.default_rng(8)
    x = rng.random((5, 4, 4, 1), dtype="float32")
    plain = models.deep((6,), 3, loss="bce", input_shape=(4, 4, 1))
    for variable in plain.weights:
        variable.assign(rng.normal(size=variable.shape))
    model = call(function, plain, _Blank())
    if not isinstance(model, models.Autoencoder):
        fail("a models.Autoencoder", type(model).__name__, "It has an encoder and a decoder. Which of them changes?")
    blank = np.zeros_like(x)
    whole, of_blank = np.asarray(plain(x)), np.asarray(plain(blank))
    idle = np.asarray(call(model, x, training=False))
    if not _same(idle, whole):
        if _same(idle, of_blank):
            hint = "The corruption works outside of training, too. Let Keras tell it when it is training."
        else:
            hint = "The denoiser must use the layers of `plain` themselves, not new ones of the same shape."
        fail("outside of training, the same output as that of `plain`", "another output", hint)
    busy = np.asarray(call(model, x, training=True))
    if not _same(busy, of_blank):
        if _same(busy, whole):
            hint = "In training the corruption changes nothing in your model. Is it a part of the model?"
        elif _same(busy, blank):
            hint = "Your corruption spoils the output. It is the input that must be spoiled."
        elif _same(busy, np.asarray(plain.decoder(np.zeros((5, 3), "float32")))):
            hint = "Your corruption spoils the code. It is the image that must be spoiled."
        else:
            hint = "In training the encoder must see the corrupted image, and the decoder what the encoder makes of it."
        fail("in training, the output of `plain` for the corrupted image", "another output", hint)
    loss = float(call(model.compute_loss, x=x, y_pred=of_blank))
    right, spoiled = (float(plain.compute_loss(x=target, y_pred=of_blank)) for target in (x, blank))
    if not _same(loss, right):
        if _same(loss, spoiled):
            hint = "Your loss compares with the corrupted image. What shall a denoiser return?"
        else:
            hint = "`plain` has a loss of its own, plain.reconstruction_loss. What is the loss of your model?"
        fail(f"a loss of {right:.3f}, that of `plain` against the clean images", f"{loss:.3f}", hint)
    passed("denoiser: the image is corrupted in training only, the layers and the loss are those of the plain model")


def denoising_score(function):
    """Check score(reconstruct, clean, sigma, seed): fixed noise goes in, the pooled PSNR of the result comes out."""
    rng = np.random.default_rng(8)
    clean = rng.random((6, 8, 8, 1), dtype="float32")
    spread = np.linspace(0.02, 0.6, 6, dtype="float32").reshape(6, 1, 1, 1)
    restored = clean + spread * rng.normal(size=clean.shape).astype("float32")  # also outside of [0, 1]
    given = []

    def reconstruct(images):
        given.append(np.array(images))
        return restored.copy()

    for sigma, seed in ((0.5, 3), (0.2, 4)):
        given.clear()
        found = call(function, reconstruct, clean.copy(), sigma, seed)
        noisy = gaussian(clean, sigma, seed)
        if len(given) != 1:
            fail(
                "one call of reconstruct, with all images", f"{len(given)} calls", "What does the denoiser get to see?"
            )
        if given[0].shape != clean.shape or not _same(given[0], noisy):
            if given[0].shape == clean.shape and _same(given[0], clean):
                found_in, hint = (
                    "the clean images",
                    "Nothing was denoised. Which images does a denoiser have to restore?",
                )
            else:
                found_in = "other images"
                hint = "The noise must be drawn with the sigma and the seed that are given, by `gaussian`, once."
            fail(f"reconstruct gets the clean images with noise of sigma {sigma}, seed {seed}", found_in, hint)
        if not isinstance(found, (float, np.floating, int)):
            fail("one number, the PSNR in dB", type(found).__name__, "One number for all images together.")
        clipped = restored.clip(0, 1)
        right = _db(np.mean((clean - clipped) ** 2))
        if abs(found - right) > 1e-3:
            each = np.mean((clean - clipped) ** 2, axis=(1, 2, 3))
            hints = {
                "The PSNRs of the images are averaged. Here the error is averaged first, over all pixels.": np.mean(
                    -10 * np.log10(each)
                ),
                "This compares with the noisy images. What should the restored ones be like?": _db(
                    np.mean((noisy - clipped) ** 2)
                ),
                "Is a pixel of 1.3 possible? Clip what the denoiser returns.": _db(np.mean((clean - restored) ** 2)),
                "This is the PSNR of what the denoiser was given, not of what it returned.": _db(
                    np.mean((clean - noisy) ** 2)
                ),
            }
            hint = _nearest(hints, found, 1e-3, "PSNR = -10 log10(MSE), with one MSE over all pixels of all images.")
            fail(f"{right:.3f} dB", f"{found:.3f} dB", hint)
    passed("score: the denoiser is given the noisy images, and its result is compared with the clean ones")


def averaged_noise(guess, measured, clean, sigma, copies):
    """Check the PSNR of the mean of noisy copies against its closed form.

    With noise that is clipped, a pixel p has a mean m(p) and a variance v(p). The squared error of a mean of N copies
    is (m(p) − p)² + v(p) / N.
    """
    guessed_number(guess)
    guessed_number(measured, "the measurement")
    p = np.asarray(clean, "float64")
    mean, variance = _clipped(p, sigma)
    bias, right = np.mean((mean - p) ** 2), _db(np.mean((mean - p) ** 2 + variance / copies))
    if abs(measured - right) > 0.1:
        late_mean, late_variance = _clipped(p, sigma / np.sqrt(copies))
        hints = {
            "This is the PSNR of one noisy image. Are your copies different? Are they averaged before the PSNR?": _db(
                bias + np.mean(variance)
            ),
            "Every camera clips its own image. Clip each copy, and average then.": _db(
                np.mean((late_mean - p) ** 2 + late_variance)
            ),
            "This is noise that was never clipped. `gaussian` clips.": _db(sigma**2 / copies),
        }
        other = f"Average {copies} arrays gaussian(clean, sigma, seed), then take the pooled PSNR to the clean images."
        fail("the PSNR of the averaged copies, in dB", f"{measured:.2f}", _nearest(hints, measured, 0.1, other))
    limit = _db(bias) if bias else np.inf
    passed(
        f"The mean of {copies} noisy copies has {measured:.2f} dB; your guess is {abs(guess - measured):.2f} dB off "
        f"(with endlessly many copies it would have {limit:.2f} dB)"
    )


def _clipped(p, sigma):
    """Return mean and variance of p + sigma n, clipped to [0, 1], for normal n."""
    low, high = -p / sigma, (1 - p) / sigma
    inside, slope = norm.cdf(high) - norm.cdf(low), norm.pdf(low) - norm.pdf(high)
    above = norm.sf(high)
    mean = p * inside + sigma * slope + above
    bent = low * norm.pdf(low) - high * norm.pdf(high)
    square = p**2 * inside + 2 * p * sigma * slope + sigma**2 * (inside + bent) + above
    return mean, square - mean**2


def _db(error):
    """Return the PSNR in dB of a mean squared error."""
    return float(-10 * np.log10(error))


def _same(a, b):
    """Return whether two arrays agree but for rounding."""
    return np.shape(a) == np.shape(b) and np.allclose(a, b, atol=1e-5)


def _nearest(hints, found, tolerance, other):
    """Return the hint whose number is the one that was found, else the other one."""
    return next((hint for hint, number in hints.items() if abs(number - found) <= tolerance), other)
