"""The checks of lesson 08's exercises: right solutions pass, every usual wrong one gets its hint."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from checks import CheckFailed
from checks import lesson_08 as checks
from utils import metrics, models
from utils.corruptions import Corruption, gaussian


def unsolved(*args):
    raise NotImplementedError("hint: think")


def sequential(plain, corruption):
    encoder = keras.Sequential([keras.Input(plain.input_shape[1:]), corruption, plain.encoder])
    return models.Autoencoder(encoder, plain.decoder, plain.reconstruction_loss)


def functional(plain, corruption):
    image = keras.Input(plain.input_shape[1:])
    encoder = keras.Model(image, plain.encoder(corruption(image)))
    return models.Autoencoder(encoder, plain.decoder, reconstruction_loss=plain.reconstruction_loss)


def layer_by_layer(plain, corruption):
    encoder = keras.Sequential([keras.Input(plain.input_shape[1:]), corruption, *plain.encoder.layers])
    return models.Autoencoder(encoder, plain.decoder, plain.reconstruction_loss)


def by_subclass(plain, corruption):
    class Denoiser(models.Autoencoder):
        def call(self, x, training=False):
            return super().call(corruption(x, training=training), training=training)

    return Denoiser(plain.encoder, plain.decoder, plain.reconstruction_loss)


@pytest.mark.parametrize("function", [sequential, functional, layer_by_layer, by_subclass])
def test_denoiser_accepts_right_solutions(function, capsys):
    checks.denoiser(function)
    assert capsys.readouterr().out.startswith("✔ denoiser")


def behind_the_decoder(plain, corruption):
    decoder = keras.Sequential([keras.Input(plain.encoder.output_shape[1:]), plain.decoder, corruption])
    return models.Autoencoder(plain.encoder, decoder, plain.reconstruction_loss)


def on_the_code(plain, corruption):
    decoder = keras.Sequential([keras.Input(plain.encoder.output_shape[1:]), corruption, plain.decoder])
    return models.Autoencoder(plain.encoder, decoder, plain.reconstruction_loss)


def always(plain, corruption):
    image = keras.Input(plain.input_shape[1:])
    # a Lambda, since Keras overrides the argument `training` of a layer
    spoil = keras.layers.Lambda(lambda x: corruption(x, training=True), output_shape=plain.input_shape[1:])
    encoder = keras.Model(image, plain.encoder(spoil(image)))
    return models.Autoencoder(encoder, plain.decoder, plain.reconstruction_loss)


def new_weights(plain, corruption):
    encoder = keras.Sequential(
        [keras.Input(plain.input_shape[1:]), corruption, keras.models.clone_model(plain.encoder)]
    )
    return models.Autoencoder(encoder, plain.decoder, plain.reconstruction_loss)


class NoisyTarget(models.Autoencoder):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x=x / 2, y_pred=y_pred)


def twice(plain, c):
    encoder = keras.Sequential([keras.Input(plain.input_shape[1:]), c, c, plain.encoder])
    return models.Autoencoder(encoder, plain.decoder, plain.reconstruction_loss)


def baked_in(plain, corruption):
    """The model's own call passes `training` on, and overrides it; the encoder's does not."""
    image = keras.Input(plain.input_shape[1:])
    encoder = keras.Model(image, plain.encoder(corruption(image, training=True)))
    return models.Autoencoder(encoder, plain.decoder, plain.reconstruction_loss)


def sign_in_the_encoder(plain, corruption):
    """Right as a whole outside of training, with an encoder that is not."""

    class Other(models.Autoencoder):
        def call(self, x, training=False):
            return plain(x)

    encoder = keras.Sequential([keras.Input(plain.input_shape[1:]), plain.encoder, keras.layers.Rescaling(-1.0)])
    return Other(encoder, plain.decoder, plain.reconstruction_loss)


def noise_of_ones_own(plain, corruption):
    return sequential(plain, Corruption("gaussian", 0.5, seed=1))


def no_input(plain, corruption):
    encoder = keras.Sequential([corruption, plain.encoder])
    return models.Autoencoder(encoder, plain.decoder, plain.reconstruction_loss)


def fixed_input(shape):
    def function(plain, corruption):
        shape_ = plain.input_shape if shape is None else shape
        encoder = keras.Sequential([keras.Input(shape_), corruption, plain.encoder])
        return models.Autoencoder(encoder, plain.decoder, plain.reconstruction_loss)

    return function


def changes_plain(plain, corruption):
    plain.encoder = sequential(plain, corruption).encoder
    return plain


def changes_plain_slyly(plain, corruption):
    object.__setattr__(plain, "encoder", sequential(plain, corruption).encoder)
    return plain


def in_the_middle(plain, corruption):
    first, *others = plain.encoder.layers
    encoder = keras.Sequential([keras.Input(plain.input_shape[1:]), first, *others[:-1], corruption, others[-1]])
    return models.Autoencoder(encoder, plain.decoder, plain.reconstruction_loss)


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda plain, corruption: plain, "a part of it"),
        (behind_the_decoder, "spoils the output"),
        (on_the_code, "spoils the code"),
        (always, "outside of training, too"),
        (baked_in, "outside of training, too"),
        (sign_in_the_encoder, "it rests here"),
        (twice, "corrupted twice"),
        (noise_of_ones_own, "not by the `corruption`"),
        (in_the_middle, "the encoder must see the corrupted image"),
        (no_input, "What must it begin with"),
        (fixed_input((28, 28, 1)), "4x4x1 here"),
        (fixed_input(None), "leave it out"),
        (changes_plain, "Do not change `plain`"),
        (changes_plain_slyly, "Do not change `plain`"),
        (new_weights, "themselves"),
        (lambda plain, c: models.Autoencoder(sequential(plain, c).encoder, plain.decoder), "loss of its own"),
        (lambda plain, c: NoisyTarget(sequential(plain, c).encoder, plain.decoder, "bce"), "with the corrupted image"),
        (lambda plain, c: keras.Sequential([c, plain.encoder, plain.decoder]), "encoder and a decoder"),
        (lambda plain, c: models.Autoencoder(c, plain.decoder), "above this one"),
        (lambda plain, corruption: None, "return"),
        (lambda plain, corruption: "model", "encoder and a decoder"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_denoiser_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.denoiser(function)


def by_hand(reconstruct, clean, sigma, seed):
    restored = np.clip(reconstruct(gaussian(clean, sigma, seed)), 0, 1)
    return 10 * np.log10(1 / np.square(restored - clean).mean())


def by_metrics(reconstruct, clean, sigma, seed):
    restored = reconstruct(tf.constant(gaussian(clean, sigma, seed)))
    return metrics.psnr(np.clip(restored, 0, 1), clean, pooled=True)


def by_tensors(reconstruct, clean, sigma, seed):
    restored = ops.clip(reconstruct(gaussian(clean, sigma, seed)), 0, 1)
    return -10 * ops.log10(ops.mean((restored - clean) ** 2))


@pytest.mark.parametrize("function", [by_hand, by_metrics, by_tensors])
def test_score_accepts_right_solutions(function, capsys):
    checks.denoising_score(function)
    assert capsys.readouterr().out.startswith("✔ score")


def stretch(images):
    return (images - images.min()) / (images.max() - images.min())


def score(given="noisy", compared="clean", clip=lambda x: np.clip(x, 0, 1), pooled=True, shift=0):
    """Return a solution with one choice made otherwise."""

    def function(reconstruct, clean, sigma, seed):
        images = {"clean": clean, "noisy": gaussian(clean, sigma, seed + shift)}
        restored = reconstruct(images[given])
        restored = clip(restored)
        errors = np.mean((images[compared] - restored) ** 2, axis=(1, 2, 3))
        return -10 * np.log10(errors.mean()) if pooled else np.mean(-10 * np.log10(errors))

    return function


def unseeded(reconstruct, clean, sigma, seed):
    noise = sigma * np.random.default_rng().normal(size=clean.shape)
    return metrics.psnr(clean, np.clip(reconstruct(np.clip(clean + noise, 0, 1)), 0, 1), pooled=True)


def of_the_noisy(reconstruct, clean, sigma, seed):
    noisy = gaussian(clean, sigma, seed)
    reconstruct(noisy)
    return metrics.psnr(clean, noisy, pooled=True)


def one_by_one(reconstruct, clean, sigma, seed):
    return metrics.psnr(clean, np.clip([reconstruct(image[None])[0] for image in clean], 0, 1))


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (score(given="clean"), "Nothing was denoised"),
        (score(compared="noisy"), "with the noisy ones"),
        (score(shift=1), "the seed that are given"),
        (unseeded, "the seed that are given"),
        (score(pooled=False), "averaged first"),
        (score(clip=lambda x: x), "Clip what"),
        (score(clip=stretch), "stretches all"),
        (lambda *args: -by_hand(*args), "The sign"),
        (lambda *args: np.log(10) * by_hand(*args), "natural logarithm"),
        (lambda *args: by_hand(*args) - 10 * np.log10(args[1][0].size), "over the pixels"),
        (lambda *args: by_hand(*args) - 10 * np.log10(args[1].size), "over all pixels"),
        (of_the_noisy, "not of what it returned"),
        (lambda *args: 10 ** (-by_hand(*args) / 10), "into decibels"),
        (lambda *args: 1 + by_hand(*args), "a single MSE"),
        (lambda *args: [by_hand(*args)] * 6, "all images together"),
        (lambda *args: str(by_hand(*args)), "all images together"),
        (lambda *args: by_hand(*args) and None, "end with a return"),
        (one_by_one, "all images to `reconstruct` at once"),
        (lambda reconstruct, clean, sigma, seed: 10.0, "use what it returns"),
        (lambda reconstruct, clean, sigma, seed: reconstruct(None), "seed that are given"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_score_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.denoising_score(function)


CLEAN = np.random.default_rng(1).random((200, 28, 28, 1)) ** 4 * np.linspace(0, 1, 200).reshape(200, 1, 1, 1)
SIGMA, COPIES = 0.5, 50


def noisy_copies(seeds):
    return np.stack([gaussian(CLEAN, SIGMA, seed=seed) for seed in seeds])


def db(images, clean=CLEAN):
    return -10 * np.log10(np.mean((images - clean) ** 2))


@pytest.fixture(scope="module")
def average():
    return sum(gaussian(CLEAN, SIGMA, seed=7 + k) / COPIES for k in range(COPIES))


@pytest.mark.parametrize(("guess", "psnr"), [(26.4, db), (-3, db), (0, lambda x: metrics.psnr(CLEAN, x))])
def test_average_accepts_any_guess_and_both_psnrs(guess, psnr, average, capsys):
    checks.averaged_noise(guess, psnr(average), CLEAN, SIGMA, COPIES)
    assert "your guess" in capsys.readouterr().out


def test_average_names_the_slips(average):
    one, noise = noisy_copies([3])[0], SIGMA * np.random.default_rng(2).normal(size=(COPIES, *CLEAN.shape)).mean(axis=0)
    wrong = {
        "noise of its own": db(one),  # the same seed for every copy
        "the PSNR taken afterwards": np.mean([db(copy) for copy in noisy_copies(range(3))]),
        "Clip each": db(np.clip(CLEAN + noise, 0, 1)),
        "never clipped": db(CLEAN + noise),
        "into decibels": metrics.mse(CLEAN, average),
        "The sign": -db(average),
        "take the PSNR of the average": db(average * COPIES),  # the sum, not divided
    }
    for hint, value in wrong.items():
        with pytest.raises(CheckFailed, match=hint):
            checks.averaged_noise(20, value, CLEAN, SIGMA, COPIES)


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (None, 14.0, "still to be done"),
        (20, None, "still to be done"),
        ("20", 14.0, "Any number will do"),
        (float("nan"), 14.0, "Any number will do"),
        (20, "14", "One plain number"),
    ],
)
def test_average_needs_numbers(guess, value, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.averaged_noise(guess, value, CLEAN, SIGMA, COPIES)
