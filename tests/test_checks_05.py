"""Every check of lesson 05's exercises passes right solutions and rejects the usual wrong ones with their hint."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from scipy.signal import convolve2d

from checks import CheckFailed
from checks import lesson_05 as checks
from utils.layers import MaxPoolingWithIndices2D, MaxUnpooling2D


def stub(*_):
    raise NotImplementedError("hint: solve me first")


UNSOLVED = [(stub, "solve me first"), (lambda *_: None, ""), (lambda *_: "text", ""), (lambda *_: object(), "")]


def pool(image, size):
    h, w = image.shape
    maxima, indices = np.empty((h // size, w // size)), np.empty((h // size, w // size), int)
    for i, j in np.ndindex(maxima.shape):
        window = image[size * i : size * (i + 1), size * j : size * (j + 1)].ravel()
        maxima[i, j], indices[i, j] = window.max(), window.argmax()
    return maxima, indices


def pool_by_layer(image, size):
    pair = MaxPoolingWithIndices2D(size)(tf.constant(image[None, :, :, None], "float32"))
    return [tf.squeeze(part, (0, 3)) for part in pair]


def pool_rows(image, size):
    windows = image.reshape(image.shape[0] // size, image.shape[1] // size, -1)
    return windows.max(axis=-1), windows.argmax(axis=-1)


def pool_global(image, size):
    maxima, indices = pool(image, size)
    i, j = np.indices(maxima.shape)
    return maxima, (size * i + indices // size) * image.shape[1] + size * j + indices % size


def pool_last(image, size):
    maxima, indices = pool(image[::-1, ::-1], size)
    return maxima[::-1, ::-1], size**2 - 1 - indices[::-1, ::-1]


def pool_down(image, size):
    maxima, indices = pool(image.T, size)
    return maxima.T, indices.T


def pool_from_zero(image, size):
    maxima, indices = pool(image, size)
    return np.maximum(maxima, 0), indices


@pytest.mark.parametrize("right", [pool, pool_by_layer])
def test_max_pooling_right(right):
    checks.max_pooling(right)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (pool_rows, "a piece of one row"),
        (lambda image, size: pool(image, 2), "how large a window"),
        (pool_global, "within its own window"),
        (pool_last, "Which one counts"),
        (pool_down, "down the columns"),
        (lambda image, size: (pool(image, size)[0], pool(image, size)[1] + 1), "counted from 0"),
        (lambda image, size: (pool(image, size)[0] + 1, pool(image, size)[1]), "top left corner"),
        (lambda image, size: pool(image, size)[0], "Return both"),
        (lambda image, size: pool(image, size)[::-1], "maxima come first"),
        (pool_from_zero, "no number above 0"),
        *UNSOLVED,
    ],
)
def test_max_pooling_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        checks.max_pooling(wrong)


def unpool(maxima, indices, size):
    image = np.zeros((size * maxima.shape[0], size * maxima.shape[1]))
    for place in range(size**2):
        image[place // size :: size, place % size :: size] = maxima * (indices == place)
    return image


def unpool_by_layer(maxima, indices, size):
    maxima, indices = (tf.constant(a[None, :, :, None], t) for a, t in ((maxima, "float32"), (indices, "int32")))
    return tf.squeeze(MaxUnpooling2D(size)(maxima, indices), (0, 3))


def unpool_dirty(maxima, indices, size):
    return np.where(unpool(maxima == maxima, indices, size) == 0, 1, unpool(maxima, indices, size))


def unpool_rows(maxima, indices, size):
    windows = np.eye(size**2)[indices] * maxima[..., None]
    return windows.reshape(maxima.shape[0] * size, maxima.shape[1] * size)


@pytest.mark.parametrize("right", [unpool, unpool_by_layer])
def test_max_unpooling_right(right):
    checks.max_unpooling(right)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda maxima, indices, size: np.kron(maxima, np.eye(size)[:1].T @ np.eye(size)[:1]), "bed of nails"),
        (lambda maxima, indices, size: np.kron(maxima, np.ones((size, size))), "nearest neighbour"),
        (unpool_rows, "lies in one row"),
        (unpool_dirty, "other pixels"),
        (lambda maxima, indices, size: unpool(maxima, size**2 - 1 - indices, size), "row and column"),
        (lambda maxima, indices, size: unpool(maxima, indices % 4, 2), "gets a window"),
        (lambda maxima, indices, size: unpool(maxima, indices, size).astype(int), "fractions"),
        *UNSOLVED,
    ],
)
def test_max_unpooling_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        checks.max_unpooling(wrong)


def by_nails(x, kernel, stride):
    """Spread the pixels out, and convolve."""
    nails = np.zeros([(n - 1) * stride + 1 for n in x.shape[:2]] + [x.shape[2]])
    nails[::stride, ::stride] = x
    channels = range(x.shape[2])
    return np.stack([sum(convolve2d(nails[..., c], kernel[:, :, f, c]) for c in channels)
                     for f in range(kernel.shape[2])], axis=-1)  # fmt: skip


def by_keras(x, kernel, stride):
    x, kernel = (tf.constant(a, "float32") for a in (x, kernel))
    return keras.ops.conv_transpose(x[None], kernel, stride, padding="valid")[0]


def overwriting(x, kernel, stride):
    k, out = len(kernel), np.zeros_like(by_nails(x, kernel, stride))
    for i, j in np.ndindex(x.shape[:2]):
        out[i * stride : i * stride + k, j * stride : j * stride + k] = kernel @ x[i, j]
    return out


def exchanged(x, kernel, stride):
    return by_nails(x, kernel.swapaxes(2, 3) if kernel.shape[2] == kernel.shape[3] else kernel, stride)


def cut(x, kernel, stride):
    return by_nails(x, kernel, stride)[: stride * x.shape[0], : stride * x.shape[1]]


@pytest.mark.parametrize("right", [by_nails, by_keras])
def test_transposed_convolution_right(right):
    checks.transposed_convolution(right)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (overwriting, "Stamps overlap"),
        (lambda x, kernel, stride: by_nails(x, kernel[::-1, ::-1], stride), "turned round"),
        (lambda x, kernel, stride: by_nails(x, kernel.swapaxes(0, 1), stride), "exchanged"),
        (exchanged, "last axis goes with"),
        (lambda x, kernel, stride: by_nails(x, kernel, stride) / x.shape[2], "their mean"),
        (lambda x, kernel, stride: by_nails(x[..., :1], kernel[..., :1], stride), "nothing is stamped"),
        (cut, "Nothing is cut off"),
        (lambda x, kernel, stride: by_nails(x, kernel, 1), "pixels apart"),
        (lambda x, kernel, stride: by_nails(x, kernel, stride)[..., 0], "channels are the last axis"),
        (lambda x, kernel, stride: by_nails(x, kernel, stride) + 1, "a single 1"),
        (lambda x, kernel: by_nails(x, kernel, 2), "of your cell|Read the error"),
        *UNSOLVED,
    ],
)
def test_transposed_convolution_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        checks.transposed_convolution(wrong)


def decoder(d, first=None, between="relu", last=None, padding="valid", sizes=((64, 5, 1), (32, 5, 2), (16, 4, 2))):
    code = keras.Input((d,))
    x = layers.Activation(first)(layers.Reshape((1, 1, d))(code))
    for filters, k, stride in sizes:
        x = layers.Conv2DTranspose(filters, k, strides=stride, padding=padding)(x)
        x = layers.Activation(between)(x)
    return keras.Model(code, layers.Conv2DTranspose(3, 5, activation=last, padding=padding)(x))


def dense_first(d):
    """Write the first transposed convolution, of a single pixel, otherwise: with a layer Permute in front."""
    return keras.Sequential([
        keras.Input((d,)), layers.Reshape((d, 1, 1)), layers.Permute((2, 3, 1)),
        layers.Conv2DTranspose(64, (5, 5)), layers.ReLU(), layers.Conv2DTranspose(32, (5, 5), (2, 2)), layers.ReLU(),
        layers.Conv2DTranspose(16, (4, 4), (2, 2)), layers.ReLU(), layers.Conv2DTranspose(3, (5, 5)),
    ])  # fmt: skip


def not_built(d):
    return keras.Sequential(dense_first(d).layers)


class Subclass(keras.Model):
    """Right, and without any known shape before it is called."""

    def __init__(self, d):
        super().__init__()
        parts = [layers.Reshape((1, 1, d)), layers.Conv2DTranspose(64, 5, activation="relu")]
        parts += [layers.Conv2DTranspose(32, 5, strides=2, activation="relu")]
        self.parts = [*parts, layers.Conv2DTranspose(16, 4, strides=2, activation="relu"), layers.Conv2DTranspose(3, 5)]

    def call(self, z):
        for part in self.parts:
            z = part(z)
        return z


def no_reshape(shape):
    def wrong(d):
        rest = [layers.Conv2DTranspose(64, 5), layers.Conv2DTranspose(3, 28)]
        return keras.Sequential(([keras.Input(shape(d))] if shape else []) + rest)

    return wrong


def fixed(given, inside):
    return lambda d: keras.Sequential([keras.Input((given or d,)), layers.Reshape((1, 1, inside))])


def normalised(d):
    return keras.Sequential([*dense_first(d).layers[:3], layers.BatchNormalization(), *dense_first(d).layers[3:]])


def dense_decoder(d):
    return keras.Sequential([
        keras.Input((d,)), layers.Dense(50, "relu"), layers.Dense(3072), layers.Reshape((32, 32, 3)),
    ])  # fmt: skip


@pytest.mark.parametrize("right", [decoder, dense_first, not_built, Subclass])
def test_mirrored_decoder_right(right):
    checks.mirrored_decoder(right)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda d: decoder(d, padding="same"), "Nothing is padded"),
        (lambda d: decoder(d, sizes=((16, 5, 1), (32, 4, 2), (64, 5, 2))), "Nothing is padded"),
        (lambda d: decoder(d, sizes=((16, 5, 1), (32, 5, 2), (64, 4, 2))), r"its partner \*read"),
        (lambda d: decoder(d, sizes=((32, 5, 1), (16, 5, 2), (3, 4, 2))), r"its partner \*read"),
        (lambda d: decoder(8), "d is an argument"),
        (fixed(None, 9), "d is an argument"),
        (fixed(9, 9), "d is an argument"),
        (no_reshape(lambda d: (1, 1, d)), "vector of d numbers"),
        (no_reshape(lambda d: (d,)), "vector of d numbers"),
        (no_reshape(None), "vector of d numbers"),
        (normalised, "nothing is normalised"),
        (lambda d: decoder(d, last="sigmoid"), r"another range than \[0, 1\]"),
        (lambda d: decoder(d, last="relu"), "pixels below 0"),
        (lambda d: decoder(d, between="linear"), "between two layers"),
        (lambda d: decoder(d, between="tanh"), "A ReLU between"),
        (lambda d: decoder(d, first="relu"), "The code has no activation"),
        (dense_decoder, "Four transposed convolutions"),
        (lambda d: decoder(d).layers, "Return the model itself"),
        *UNSOLVED,
    ],
)
def test_mirrored_decoder_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        checks.mirrored_decoder(wrong)


@pytest.mark.parametrize(("guess", "value"), [(14, 16), (1e6, np.int64(16)), (-3.5, np.float32(16)), (16, [16])])
def test_receptive_field_right(guess, value, capsys):
    checks.receptive_field(guess, value)
    printed = capsys.readouterr().out
    assert f"off by {abs(guess - 16):.3g}" in printed
    assert "a step is two pixels" in printed


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (14, 17, "k - 1"),
        (14, 14, "strides"),
        (14, 256, "how many rows"),
        (14, 28, "one place"),
        (14, 12, "One layer is missing"),
        (14, 15, "ReLU hides"),
        *((14, other, "Count the rows") for other in (0, 5, 20)),
        (None, 16, "still to be done"),
        (14, None, "still to be done"),
        ("many", 16, "Write one down"),
        (14, "many", "One plain number"),
    ],
)
def test_receptive_field_wrong(guess, value, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        checks.receptive_field(guess, value)
