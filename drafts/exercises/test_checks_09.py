"""Every check of lesson 09's exercises passes another right solution and rejects the usual wrong ones."""

import checks_09 as checks
import keras
import numpy as np
import pytest
import tensorflow as tf
from checks_base import CheckFailed
from keras import layers, ops

from utils import metrics
from utils.corruptions import downsample, upscale


def spread_loop(x, factor):
    out = np.zeros((len(x), x.shape[1] * factor, x.shape[2] * factor, 1), x.dtype)
    for channel in range(factor**2):
        out[:, channel // factor :: factor, channel % factor :: factor, 0] = x[..., channel]
    return out


def large(x, factor):
    return len(x), x.shape[1] * factor, x.shape[2] * factor, 1


def exchanged(x, factor):
    n, h, w, _ = x.shape
    return x.reshape(n, h, w, factor, factor).transpose(0, 1, 4, 2, 3).reshape(large(x, factor))


def side_by_side(x, factor):
    n, h, w, _ = x.shape
    return x.reshape(n, h, w, factor, factor).transpose(0, 3, 1, 4, 2).reshape(large(x, factor))


@pytest.mark.parametrize("right", [spread_loop, tf.nn.depth_to_space])
def test_depth_to_space_right(right):
    checks.depth_to_space(right)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda x, factor: x.reshape(large(x, factor)), "reshape alone"),
        (exchanged, "exchanged"),
        (side_by_side, "one whole picture"),
        (lambda x, factor: np.kron(x.mean(axis=-1, keepdims=True), np.ones((1, factor, factor, 1))), "only moved"),
        (lambda x, factor: x[..., :1], "Every small pixel"),
        (lambda x, factor: spread_loop(x, factor)[:, ::-1], "single pixel"),
    ],
)
def test_depth_to_space_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.depth_to_space(wrong)


def network(factor, add="bicubic", last="zeros", others="he_normal", at="small", clip=False):
    """Return a network with one choice made otherwise."""
    small = keras.Input((28 // factor, 28 // factor, 1))
    x = layers.UpSampling2D(factor)(small) if at == "large" else small
    for _ in range(2):
        x = layers.Conv2D(8, 3, padding="same", activation="relu", kernel_initializer=others)(x)
    channels = 1 if at == "large" else factor**2
    x = layers.Conv2D(channels, 3, padding="same", kernel_initializer=last)(x)
    x = x if at == "large" else layers.Lambda(lambda y: tf.nn.depth_to_space(y, factor))(x)
    if add:
        x = x + layers.UpSampling2D(factor, interpolation=add)(small)
    return keras.Model(small, ops.clip(x, 0, 1) if clip else x)


def bicubic_only(factor):
    small = keras.Input((28 // factor, 28 // factor, 1))
    return keras.Model(small, layers.UpSampling2D(factor, interpolation="bicubic")(small))


def test_residual_network_right():
    checks.residual_network(network)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda factor: network(factor, add=None), "black picture"),
        (lambda factor: network(factor, add=None, last="he_normal"), "Is bicubic added"),
        (lambda factor: network(factor, last="he_normal"), "last convolution"),
        (lambda factor: network(factor, others="zeros"), "Which one has to be zero"),
        (lambda factor: network(factor, at="large"), "Where is it enlarged"),
        (lambda factor: network(factor, add="nearest"), "nearest neighbour"),
        (lambda factor: network(factor, add="bilinear"), "bilinear"),
        (lambda factor: network(factor, clip=True), "clipped inside"),
        (bicubic_only, "Which one has to be zero"),
        (lambda factor: keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(1, 3)]), "small picture goes in"),
        (lambda factor: "model", "Return the model itself"),
    ],
)
def test_residual_network_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        checks.residual_network(wrong)


NOISE = np.random.default_rng(4).random((300, 28, 28, 1))


def db(images):
    return metrics.psnr(NOISE, images, pooled=True)


@pytest.mark.parametrize("guess", [20, -1.5])
def test_averages_of_noise_right(guess, capsys):
    means = NOISE.reshape(300, 14, 2, 14, 2, 1).mean(axis=(2, 4), keepdims=True)
    checks.averages_of_noise(guess, db(np.broadcast_to(means, (300, 14, 2, 14, 2, 1)).reshape(NOISE.shape)))
    assert "your guess is" in capsys.readouterr().out


def test_averages_of_noise_wrong():
    averaged = upscale(downsample(NOISE, 2), 2, "nearest")
    wrong = {
        "Keep the mean of all four": db(upscale(NOISE[:, ::2, ::2], 2, "nearest")),
        "How is the small picture enlarged": db(upscale(downsample(NOISE, 2), 2, "bicubic")),
        "The question is about 2": db(upscale(downsample(NOISE, 4), 4, "nearest")),
        "10 or 20 times": 2 * db(averaged),
        "grey image": db(np.full_like(NOISE, 0.5)),
        "into decibels": metrics.mse(NOISE, averaged),
    }
    for hint, measured in wrong.items():
        with pytest.raises(CheckFailed, match=hint):
            checks.averages_of_noise(20, measured)


@pytest.mark.parametrize(("guess", "measured"), [(None, 12.04), (12, None), ("12", 12.04)])
def test_averages_of_noise_needs_numbers(guess, measured):
    with pytest.raises(CheckFailed, match="Any number will do"):
        checks.averages_of_noise(guess, measured)
