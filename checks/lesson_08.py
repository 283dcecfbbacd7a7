"""Checks of the exercises of lesson 08. The usual wrong solutions, each with its hint: tests/test_checks_08.py."""

import numpy as np
from keras import layers
from scipy.stats import norm

from checks.base import CheckFailed, agree, as_number, call, decibels, fail, guessed, measured, passed
from utils import models
from utils.corruptions import gaussian


class _Darker(layers.Layer):
    """Stands for a corruption: in training every pixel is halved, otherwise nothing happens; it notes its use."""

    used = False

    def call(self, x, training=False):
        self.used |= bool(training)
        return x / 2 if training else x


def denoiser(function):
    """Check denoiser(plain, corruption): plain's weights and loss, with the corruption before them in training only.

    Called with a small `Autoencoder` of images 4x4x1, whose loss is "bce", and a layer that halves every pixel.

    Raises:
        CheckFailed: for no `Autoencoder`, or one with other outputs, in training or not, or another loss.
    """
    rng = np.random.default_rng(8)
    x = rng.random((5, 4, 4, 1), dtype="float32")
    plain = models.deep((6,), 3, loss="bce", input_shape=(4, 4, 1))
    for variable in plain.weights:
        variable.assign(rng.normal(size=variable.shape))
    encoder, decoder, corruption = plain.encoder, plain.decoder, _Darker()
    model = _built(function, plain, corruption)
    if model is None:
        fail("a models.Autoencoder", "None", "Nothing came back. Does the function end with a return?")
    if not isinstance(model, models.Autoencoder):
        fail("a models.Autoencoder", type(model).__name__, "It has an encoder and a decoder. Which of them changes?")
    if plain.encoder is not encoder or plain.decoder is not decoder:
        fail("`plain` as it was", "another encoder or decoder in it", _NEW)

    code = np.asarray(encoder(x))
    whole, of_dark = (np.asarray(decoder(encoder(given))) for given in (x, x / 2))
    always = "The corruption works outside of training, too. Let Keras tell it when it is training."
    idle = np.asarray(call(model, x, training=False))
    if not _same(idle, whole):
        hint = "The denoiser must use the layers of `plain` themselves, not new ones of the same shape."
        fail("outside of training, the output of `plain`", "another output", always if _same(idle, of_dark) else hint)
    corruption.used = False
    if not _same(call(lambda: np.asarray(model.encoder(x))), code):
        hint = always if corruption.used else "Only the corruption is new in the encoder, and it rests here."
        fail("outside of training, the code of `plain` from model.encoder(x)", "another code", hint)
    corruption.used = False
    busy = np.asarray(call(model, x, training=True))
    if not _same(busy, of_dark):
        hint = "The image is changed in training, but not by the `corruption` that the function was given."
        if corruption.used:
            hint = "In training the encoder must see the corrupted image, and the decoder what the encoder makes of it."
        cases = [
            (whole, "In training nothing is corrupted in your model. Is the corruption a part of it?"),
            (whole / 2, "Your corruption spoils the output. It is the input that must be spoiled."),
            (np.asarray(decoder(code / 2)), "Your corruption spoils the code. It is the image that must be spoiled."),
            (np.asarray(decoder(encoder(x / 4))), "The image is corrupted twice. Once is enough."),
        ]
        hint = next((named for case, named in cases if _same(busy, case)), hint)
        fail("in training, the output of `plain` for the corrupted image", "another output", hint)

    grey = np.full_like(x, 0.2)
    loss = as_number(call(model.compute_loss, x=x, y_pred=grey), "the loss")
    right, spoiled = (float(plain.compute_loss(x=target, y_pred=grey)) for target in (x, x / 2))
    hint = "`plain` has a loss of its own, plain.reconstruction_loss. What is the loss of your model?"
    slips = [(spoiled, "Your loss compares with the corrupted image. What should a denoiser return?")]
    agree(loss, right, slips, "the loss of `plain`, against the clean images", hint)
    passed("denoiser: corrupts the image, in training only; the layers and the loss are those of the plain model")


_NEW = "Do not change `plain`: build a new models.Autoencoder of its parts."
_MISTAKES = {  # a part of Keras' message: the hint
    "no defined output shape": "The new encoder does not know the shape of its images. What must it begin with?",
    "new elements of state": _NEW,
    "is incompatible with the layer": "Which shape has your Input? Take it from `plain`, whose images are 4x4x1 here.",
    "((None, None,": "None stands for any number of images. keras.Input adds it by itself: leave it out.",
}


def _built(function, plain, corruption):
    """Return the student's model; Keras' usual complaints get a hint of their own."""
    try:
        return call(function, plain, corruption)
    except CheckFailed as error:
        message = str(error)
    for part, hint in _MISTAKES.items():
        if part in message:
            fail("a models.Autoencoder", message.split("Found:")[1].split("\nHint:")[0].strip(), hint)
    raise CheckFailed(message)


def denoising_score(function):
    """Check score(reconstruct, clean, s, seed): fixed noise goes in, the pooled PSNR of the result comes out.

    Called with clean images (6, 8, 8, 1) and a `reconstruct` that notes what it is given, and returns images of
    which some pixels lie outside of [0, 1].

    Raises:
        CheckFailed: when `reconstruct` is not called once with the noisy images, or the PSNR is another.
    """
    rng = np.random.default_rng(8)
    clean = rng.random((6, 8, 8, 1), dtype="float32")
    spread = np.linspace(0.02, 0.6, 6, dtype="float32").reshape(6, 1, 1, 1)
    restored = clean + spread * rng.normal(size=clean.shape).astype("float32")
    given = []

    def reconstruct(images):
        given.append(np.array(images))
        return restored[: len(given[-1])].copy() if np.ndim(images) else restored.copy()

    for sigma, seed in ((0.5, 3), (0.2, 4)):
        given.clear()
        found = call(function, reconstruct, clean.copy(), sigma, seed)
        noisy = gaussian(clean, sigma, seed)
        _was_given(given, clean, noisy, sigma, seed)
        if found is None:
            fail("the PSNR, one number", "None", "Nothing came back. Does the function end with a return?")
        found = as_number(found, "the PSNR", "One number in dB, for all images together.")
        clipped = restored.clip(0, 1)
        each = np.mean((clean - clipped) ** 2, axis=(1, 2, 3))
        stretched = (restored - restored.min()) / np.ptp(restored)
        slips = [
            (
                np.mean(decibels(each)),
                "The PSNRs of the images are averaged. Here the error is averaged first, over all "
                "pixels of all images.",
            ),
            (
                decibels(np.mean((noisy - clipped) ** 2)),
                "This compares the restored images with the noisy ones. What should they be like?",
            ),
            (decibels(np.mean((clean - restored) ** 2)), "Is a pixel of 1.3 possible? Clip what the denoiser returns."),
            (
                decibels(np.mean((clean - noisy) ** 2)),
                "This is the PSNR of what the denoiser was given, not of what it returned.",
            ),
            (np.mean(each), "This is the mean squared error. Turn it into decibels."),
            (-decibels(np.mean(each)), "The sign: a small error is a large PSNR."),
            (-10 * np.log(np.mean(each)), "This is the natural logarithm. Decibels take the one to base 10."),
            (decibels(np.mean(each) * clean[0].size), "The error is summed over the pixels here. Take their mean."),
            (decibels(np.sum(each) * clean[0].size), "The error is summed over all pixels here. Take their mean."),
            (
                decibels(np.mean((clean - stretched) ** 2)),
                "Clipping leaves the values between 0 and 1 as they are. This stretches all of them.",
            ),
        ]
        hint = "−10 log₁₀(MSE), with a single MSE over all pixels of all images."
        agree(found, decibels(np.mean(each)), slips, "the PSNR in dB of the restored images", hint, tolerance=1e-4)
    passed("score: the denoiser is given the noisy images, and its result is compared with the clean ones")


def _was_given(given, clean, noisy, sigma, seed):
    """Fail unless the denoiser was called once, with the noisy images."""
    if len(given) != 1:
        hint = "Give all images to `reconstruct` at once, and use what it returns."
        fail("one call of reconstruct", f"{len(given)} calls", hint)
    if _same(given[0], noisy):
        return
    found, hint = "other images", "Draw the noise once, by `gaussian`, with the s and the seed that are given."
    if _same(given[0], clean):
        found = "the clean images"
        hint = "Nothing was denoised: the denoiser was given the answer. Which images does it have to restore?"
    fail(f"reconstruct is given the clean images with noise of s = {sigma}, seed {seed}", found, hint)


def averaged_noise(guess, value, clean, sigma, copies):
    """Check the pooled PSNR in dB of the average of noisy copies of clean images against its closed form.

    With noise that is clipped, a pixel p has a mean m(p) and a variance v(p). The squared error of an average of N
    copies is (m(p) − p)² + v(p) / N.

    The mean of the images' own PSNRs is accepted, too.

    Raises:
        CheckFailed: for a guess or a value that is no number, and for another PSNR.
    """
    guess, value = guessed(guess), as_number(value, "the measurement")
    p = np.asarray(clean, "float64")
    mean, variance = _clipped(p, sigma)
    late_mean, late_variance = _clipped(p, sigma / np.sqrt(copies))
    error = (mean - p) ** 2 + variance / copies
    pooled, each = decibels(np.mean(error)), np.mean(decibels(error.mean(axis=tuple(range(1, p.ndim)))))
    slips = [
        (
            decibels(np.mean((mean - p) ** 2 + variance)),
            "This is the PSNR of a single noisy picture. Does every picture "
            "have noise of its own? Are the pictures averaged first, and the PSNR taken afterwards?",
        ),
        (
            decibels(np.mean((late_mean - p) ** 2 + late_variance)),
            "Every camera clips its own picture. Clip each of them, and then average.",
        ),
        (decibels(sigma**2 / copies), "This is noise that was never clipped. `gaussian` clips."),
        (np.mean(error), "This is the mean squared error. Turn it into decibels."),
        (-pooled, "The sign: a small error is a large PSNR."),
    ]
    hint = f"Average {copies} arrays gaussian(images, s, seed), and take the PSNR of the average to the images."
    right = each if abs(value - each) < abs(value - pooled) else pooled
    measured(guess, value, right, "dB", slips, hint, tolerance=0.03)


def _clipped(p, sigma):
    """Return mean and variance of p + sigma n, clipped to [0, 1], for standard normal n."""
    low, high = -p / sigma, (1 - p) / sigma
    inside, slope = norm.cdf(high) - norm.cdf(low), norm.pdf(low) - norm.pdf(high)
    above = norm.sf(high)
    mean = p * inside + sigma * slope + above
    bent = low * norm.pdf(low) - high * norm.pdf(high)
    square = p**2 * inside + 2 * p * sigma * slope + sigma**2 * (inside + bent) + above
    return mean, square - mean**2


def _same(a, b):
    """Return whether two arrays agree but for rounding."""
    return np.shape(a) == np.shape(b) and np.allclose(a, b, atol=1e-5)
