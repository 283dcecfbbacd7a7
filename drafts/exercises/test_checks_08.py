"""Every check of lesson 08's exercises passes another right solution and rejects the usual wrong ones."""

import checks_08 as checks
import keras
import numpy as np
import pytest
from checks_base import CheckFailed
from keras import ops

from utils import metrics, models
from utils.corruptions import gaussian


def right_denoiser(plain, corruption):
    image = keras.Input(plain.input_shape[1:])
    encoder = keras.Model(image, plain.encoder(corruption(image)))
    return models.Autoencoder(encoder, plain.decoder, reconstruction_loss=plain.reconstruction_loss)


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


def loss_forgotten(plain, corruption):
    encoder = keras.Sequential([keras.Input(plain.input_shape[1:]), corruption, plain.encoder])
    return models.Autoencoder(encoder, plain.decoder)


class NoisyTarget(models.Autoencoder):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x=ops.zeros_like(x), y_pred=y_pred)


def noisy_target(plain, corruption):
    encoder = keras.Sequential([keras.Input(plain.input_shape[1:]), corruption, plain.encoder])
    return NoisyTarget(encoder, plain.decoder, plain.reconstruction_loss)


def test_denoiser_right():
    checks.denoiser(right_denoiser)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda plain, corruption: plain, "part of the model"),
        (behind_the_decoder, "spoils the output"),
        (on_the_code, "spoils the code"),
        (always, "outside of training, too"),
        (new_weights, "themselves"),
        (loss_forgotten, "loss of its own"),
        (noisy_target, "corrupted image"),
        (
            lambda plain, corruption: keras.Sequential([corruption, plain.encoder, plain.decoder]),
            "encoder and a decoder",
        ),
    ],
)
def test_denoiser_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        checks.denoiser(wrong)


def right_score(reconstruct, clean, sigma, seed):
    restored = np.clip(reconstruct(gaussian(clean, sigma, seed)), 0, 1)
    return 10 * np.log10(1 / np.square(restored - clean).mean())


def score(given="noisy", compared="clean", clip=True, pooled=True, shift=0):
    """Return a solution with one choice made otherwise."""

    def function(reconstruct, clean, sigma, seed):
        images = {"clean": clean, "noisy": gaussian(clean, sigma, seed + shift)}
        restored = reconstruct(images[given])
        restored = np.clip(restored, 0, 1) if clip else restored
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


def test_denoising_score_right():
    checks.denoising_score(right_score)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (score(given="clean"), "Nothing was denoised"),
        (score(compared="noisy"), "compares with the noisy"),
        (score(shift=1), "seed that are given"),
        (unseeded, "seed that are given"),
        (score(pooled=False), "averaged first"),
        (score(clip=False), "Clip what"),
        (of_the_noisy, "not of what it returned"),
        (lambda reconstruct, clean, sigma, seed: 10.0, "get to see"),
    ],
)
def test_denoising_score_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        checks.denoising_score(wrong)


CLEAN = np.random.default_rng(1).random((200, 28, 28, 1)) ** 4
SIGMA, COPIES = 0.5, 50


def noisy_copies(seeds):
    return np.stack([gaussian(CLEAN, SIGMA, seed=seed) for seed in seeds])


def db(images, clean=CLEAN):
    return -10 * np.log10(np.mean((images - clean) ** 2))


@pytest.mark.parametrize("guess", [26.4, -3, 0])
def test_averaged_noise_right(guess, capsys):
    measured = db(sum(gaussian(CLEAN, SIGMA, seed=7 + k) / COPIES for k in range(COPIES)))
    checks.averaged_noise(guess, measured, CLEAN, SIGMA, COPIES)
    assert "your guess is" in capsys.readouterr().out


def wrong_measurements():
    rng = np.random.default_rng(2)
    noise = SIGMA * rng.normal(size=(COPIES, *CLEAN.shape)).mean(axis=0)
    one = noisy_copies([3])[0]
    return {
        "Are your copies different": db(one),  # the same seed for every copy
        "averaged before the PSNR": np.mean([db(copy) for copy in noisy_copies(range(3))]),
        "Clip each copy": db(np.clip(CLEAN + noise, 0, 1)),
        "never clipped": db(CLEAN + noise),
        "then take the pooled PSNR": 3.0,
    }


def test_averaged_noise_wrong():
    for hint, measured in wrong_measurements().items():
        with pytest.raises(CheckFailed, match=hint):
            checks.averaged_noise(20, measured, CLEAN, SIGMA, COPIES)


@pytest.mark.parametrize(("guess", "measured"), [(None, 14.0), (20, None), ("20", 14.0), (float("nan"), 14.0)])
def test_averaged_noise_needs_numbers(guess, measured):
    with pytest.raises(CheckFailed, match="Any number will do"):
        checks.averaged_noise(guess, measured, CLEAN, SIGMA, COPIES)
