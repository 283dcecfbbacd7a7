"""The checks of lesson 09's exercises: right solutions pass, every usual wrong one gets its hint."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from checks import CheckFailed
from checks import lesson_09 as checks
from utils import metrics
from utils.corruptions import downsample, upscale


def unsolved(*args):
    raise NotImplementedError("hint: think")


def small_shape(x, factor):
    n, h, w, c = x.shape
    return n, h // factor, w // factor, c * factor**2


def by_loop(x, factor):
    out = np.zeros(small_shape(x, factor), x.dtype)
    c = x.shape[-1]
    for place in range(factor**2):
        out[..., place * c : (place + 1) * c] = x[:, place // factor :: factor, place % factor :: factor]
    return out


def reordered(x, factor, axes):
    n, h, w, c = x.shape
    x = ops.reshape(x, (n, h // factor, factor, w // factor, factor, c))
    return ops.reshape(ops.transpose(x, axes), small_shape(x.numpy().reshape(n, h, w, c), factor))


def of_the_lesson(x, factor):
    h, w = x.shape[1:3]
    x = layers.Permute((1, 3, 2, 4))(layers.Reshape((h, w, factor, factor))(x))
    return layers.Reshape((h * factor, w * factor, 1))(x)


@pytest.mark.parametrize("function", [by_loop, tf.nn.space_to_depth, lambda x, f: reordered(x, f, (0, 1, 3, 2, 4, 5))])
def test_space_to_depth_accepts_right_solutions(function, capsys):
    checks.space_to_depth(function)
    assert capsys.readouterr().out.startswith("✔ space to depth")


def parts(x, factor):
    _, h, w, _ = small_shape(x, factor)
    places = np.ndindex(factor, factor)
    return np.concatenate([x[:, a * h : (a + 1) * h, b * w : (b + 1) * w] for a, b in places], axis=-1)


def averaged(x, factor):
    n, h, w, _ = small_shape(x, factor)
    x = x.reshape(n, h, factor, w, factor, -1).mean(axis=(2, 4))
    return np.tile(x, factor**2)


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda x, factor: x.reshape(small_shape(x, factor)), "reshape alone"),
        (lambda x, factor: reordered(x, factor, (0, 1, 3, 4, 2, 5)), "exchanged"),
        (lambda x, factor: reordered(x, factor, (0, 1, 3, 5, 2, 4)), "torn apart"),
        (parts, "one part of the picture"),
        (averaged, "only moved"),
        (lambda x, factor: np.tile(x[:, ::factor, ::factor], factor**2), "only moved"),
        (lambda x, factor: by_loop(x, factor)[:, ::-1], "single square"),
        (lambda x, factor: x[:, ::factor, ::factor], "becomes one small pixel"),
        (lambda x, factor: tf.nn.depth_to_space(np.tile(x, factor**2), factor), "becomes one small pixel"),
        (of_the_lesson, "of your cell"),
        (lambda x, factor: None, "return"),
        (lambda x, factor: "text", "becomes one small pixel"),
        (lambda x: x, "TypeError"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_space_to_depth_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.space_to_depth(function)


def shuffle(x, factor):
    return layers.Lambda(lambda y: tf.nn.depth_to_space(y, factor))(x)


def network(factor, filters, add="small", others="he_normal", end=lambda x: x, change=lambda x: x, **last):
    """Return a network with one choice made otherwise."""
    small = keras.Input((28 // factor, 28 // factor, 1))
    x = change(small)
    for number in filters:
        x = layers.Conv2D(number, 3, padding="same", activation="gelu", kernel_initializer=others)(x)
    last = {"kernel_initializer": "zeros"} | last
    x = layers.Conv2D(factor**2, 3, padding="same", **last)(x)
    x = shuffle(x + small if add == "small" else x, factor) if add != "tiled" else shuffle(x, factor)
    if add == "tiled":
        x = x + ops.tile(small, (1, factor, factor, 1))
    elif add not in ("small", None):
        x = x + ops.image.resize(small, (28, 28), interpolation=add)
    return keras.Model(small, end(x))


def nested(factor, filters):
    """Another way: the added part is a model of its own, and the picture is repeated."""
    size = 28 // factor
    part = keras.Sequential([keras.Input((size, size, 1))])
    for number in filters:
        part.add(layers.Conv2D(number, 5, padding="same"))
        part.add(layers.Activation("relu"))
    part.add(layers.Conv2D(factor**2, 1, kernel_initializer=keras.initializers.Zeros(), use_bias=False))
    part.add(layers.Reshape((size, size, factor, factor)))
    part.add(layers.Permute((1, 3, 2, 4)))
    part.add(layers.Reshape((28, 28, 1)))
    small = keras.Input((size, size, 1))
    return keras.Model(small, ops.repeat(ops.repeat(small, factor, axis=1), factor, axis=2) + part(small))


def by_channels(factor, filters):
    """The small picture concatenated with itself, and the sum taken by a layer."""
    model = network(factor, filters, add=None)
    small, added = model.input, model.layers[-2].output
    return keras.Model(small, shuffle(layers.Add()([added, layers.Concatenate()([small] * factor**2)]), factor))


@pytest.mark.parametrize("function", [network, nested, by_channels])
def test_network_accepts_right_solutions(function, capsys):
    checks.residual_network(function)
    assert capsys.readouterr().out.startswith("✔ super-resolution network")


def of_the_lesson_network(factor, filters, way="bicubic"):
    model = network(factor, filters, add=None)
    return keras.Model(model.input, model.output + layers.UpSampling2D(factor, interpolation=way)(model.input))


def no_convolution(factor, filters):
    small = keras.Input((28 // factor, 28 // factor, 1))
    return keras.Model(small, shuffle(layers.Concatenate()([small] * factor**2), factor))


def on_the_large(factor, filters):
    """Enlarges first, by repeating, and goes back at the end."""
    small = keras.Input((28 // factor, 28 // factor, 1))
    x = large = ops.repeat(ops.repeat(small, factor, axis=1), factor, axis=2)
    for number in (*filters, factor**2):
        x = layers.Conv2D(number, 3, padding="same", kernel_initializer="zeros")(x)
    return keras.Model(small, large + x[..., :1])


def no_gain(x):
    return layers.BatchNormalization(gamma_initializer="zeros")(x)


class Unbuilt(keras.Model):
    def call(self, x):
        return x


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (partial(network, add=None), "black picture"),
        (partial(network, add=None, kernel_initializer="he_normal"), "What is added to it"),
        (partial(network, kernel_initializer="he_normal"), "What must the last convolution"),
        (partial(network, bias_initializer="ones"), "the bias of that layer"),
        (partial(network, others="zeros"), "followed by zero weights"),
        (partial(network, change=no_gain), "given zeros"),
        (partial(network, trainable=False), "is frozen"),
        (partial(network, activation="gelu"), "the task says none"),
        (partial(network, activation="relu"), "the task says none"),
        (partial(network, add="bicubic"), "as in the lesson"),
        (partial(network, add="bilinear"), "is bilinear"),
        (partial(network, add="tiled"), "The whole picture is repeated"),
        (partial(network, end=lambda x: ops.clip(x, 0, 1)), "clipped inside"),
        (of_the_lesson_network, "Take `shuffle` alone"),
        (partial(of_the_lesson_network, way="nearest"), "Take `shuffle` alone"),
        (on_the_large, "Where is it enlarged"),
        (no_convolution, "There is no convolution"),
        (lambda factor, filters: network(factor, ()), "for each number in `filters`"),
        (lambda factor, filters: network(factor, (16, 16, 16)), "for each number in `filters`"),
        (lambda factor, filters: network(2, filters), "small picture goes in"),
        (
            lambda factor, filters: keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten()]),
            "small picture goes in",
        ),
        (lambda factor, filters: Unbuilt(), "a functional model|small picture goes in"),
        (lambda factor, filters: keras.Input((28 / factor, 28 / factor, 1)), "of your cell"),
        (lambda factor, filters: "model", "Return the model itself"),
        (lambda factor, filters: None, "Return the model itself"),
        (lambda factor: None, "TypeError"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_network_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.residual_network(function)


NOISE = np.random.default_rng(4).random((300, 28, 28, 1))
GREY = np.full_like(NOISE, 0.5)


def db(images):
    return metrics.psnr(NOISE, images, pooled=True)


def back(factor=2, way="nearest"):
    return upscale(downsample(NOISE, factor), factor, way)


@pytest.mark.parametrize("guess", [20, -1.5, np.float32(12)])
def test_noise_accepts_any_guess(guess, capsys):
    means = NOISE.reshape(300, 14, 2, 14, 2, 1).mean(axis=(2, 4), keepdims=True)
    checks.averages_of_noise(guess, db(np.broadcast_to(means, (300, 14, 2, 14, 2, 1)).reshape(NOISE.shape)))
    assert "your guess" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (lambda: db(upscale(NOISE[:, ::2, ::2], 2, "nearest")), "Keep the mean of all four"),
        (lambda: db(back(way="bicubic")), "How is the small picture enlarged"),
        (lambda: db(back(factor=4)), "The question is about 2"),
        (lambda: 2 * db(back()), "10 or 20 times"),
        (lambda: -db(back()), "The sign"),
        (lambda: db(GREY), "grey image"),
        (lambda: metrics.mse(NOISE, back()), "into decibels"),
        (lambda: metrics.psnr(NOISE > 0.5, upscale(downsample((NOISE > 0.5) * 1.0, 2), 2, "nearest")), "uniform"),
        (lambda: None, "still to be done"),
        (lambda: "12", "One plain number"),
    ],
)
def test_noise_rejects(value, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.averages_of_noise(20, value())


@pytest.mark.parametrize(("guess", "hint"), [(None, "still to be done"), ("12", "Any number will do")])
def test_noise_needs_a_guess(guess, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.averages_of_noise(guess, 12.04)
