"""Every check of lesson 05's exercises passes another right solution and rejects the usual wrong ones."""

import checks_05 as checks
import keras
import numpy as np
import pytest
from checks_base import CheckFailed
from keras import layers
from scipy.signal import convolve2d


def pool(image):
    h, w = image.shape
    maxima, indices = np.empty((h // 2, w // 2)), np.empty((h // 2, w // 2), int)
    for i, j in np.ndindex(maxima.shape):
        window = image[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].ravel()
        maxima[i, j], indices[i, j] = window.max(), window.argmax()
    return maxima, indices


def pool_rows(image):
    windows = image.reshape(image.shape[0] // 2, image.shape[1] // 2, 4)
    return windows.max(axis=-1), windows.argmax(axis=-1)


def pool_global(image):
    maxima, indices = pool(image)
    i, j = np.indices(maxima.shape)
    return maxima, (2 * i + indices // 2) * image.shape[1] + 2 * j + indices % 2


def pool_last(image):
    maxima, indices = pool(image[::-1, ::-1])
    return maxima[::-1, ::-1], 3 - indices[::-1, ::-1]


def test_max_pooling_right():
    checks.max_pooling(pool)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (pool_rows, "two rows"),
        (pool_global, "within its own window"),
        (pool_last, "first in reading order"),
        (lambda image: pool(image)[0], "Return both"),
        (lambda image: pool(image[:2]), "one number for each window"),
    ],
)
def test_max_pooling_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.max_pooling(wrong)


def unpool(maxima, indices):
    image = np.zeros((2 * maxima.shape[0], 2 * maxima.shape[1]))
    for place in range(4):
        image[place // 2 :: 2, place % 2 :: 2] = maxima * (indices == place)
    return image


def unpool_dirty(maxima, indices):
    image = unpool(maxima, indices)
    return np.where(image == 0, 1, image)


def test_max_unpooling_right():
    checks.max_unpooling(unpool)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda maxima, indices: np.kron(maxima, [[1, 0], [0, 0]]), "bed of nails"),
        (lambda maxima, indices: np.kron(maxima, np.ones((2, 2))), "nearest neighbour"),
        (unpool_dirty, "other pixels"),
        (lambda maxima, indices: unpool(maxima, 3 - indices), "row and column"),
        (lambda maxima, indices: maxima, "window of 2x2"),
    ],
)
def test_max_unpooling_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.max_unpooling(wrong)


def by_nails(x, kernel, stride):
    nails = np.zeros([(n - 1) * stride + 1 for n in x.shape])
    nails[::stride, ::stride] = x
    return convolve2d(nails, kernel)


def overwriting(x, kernel, stride):
    k = len(kernel)
    out = np.zeros([(n - 1) * stride + k for n in x.shape])
    for i, j in np.ndindex(x.shape):
        out[i * stride : i * stride + k, j * stride : j * stride + k] = x[i, j] * kernel
    return out


def test_transposed_convolution_right():
    checks.transposed_convolution(by_nails)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (overwriting, "Stamps overlap"),
        (lambda x, kernel, stride: by_nails(x, kernel[::-1, ::-1], stride), "turned round"),
        (
            lambda x, kernel, stride: by_nails(x, kernel, stride)[: stride * x.shape[0], : stride * x.shape[1]],
            "Nothing is cut off",
        ),
        (lambda x, kernel, stride: by_nails(x, kernel, 1), "pixels apart"),
        (lambda x, kernel, stride: by_nails(x, kernel.T, stride), "single 1"),
        (lambda x, kernel: by_nails(x, kernel, 2), "Read the last line"),
    ],
)
def test_transposed_convolution_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.transposed_convolution(wrong)


def decoder(d, between="relu", last=None, padding="valid"):
    code = keras.Input((d,))
    x = layers.Reshape((1, 1, d))(code)
    for k, stride in ((4, 1), (3, 2), (4, 2), (5, 1)):
        x = layers.Conv2DTranspose(32, k, strides=stride, padding=padding)(x)
        x = layers.Activation(between)(x)
    return keras.Model(code, layers.Conv2DTranspose(1, 5, activation=last, padding=padding)(x))


def dense_decoder(d):
    return keras.Sequential([
        keras.Input((d,)), layers.Dense(50, "relu"), layers.Dense(784), layers.Reshape((28, 28, 1)),
    ])  # fmt: skip


def test_lecture_decoder_right():
    checks.lecture_decoder(decoder)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda d: decoder(d, padding="same"), "Nothing is padded"),
        (lambda d: decoder(d, last="sigmoid"), "no activation"),
        (lambda d: decoder(d, last="relu"), "no activation"),
        (lambda d: decoder(d, between="linear"), "between two layers"),
        (dense_decoder, "Five transposed convolutions"),
        (lambda d: decoder(d).layers, "Return the model itself"),
    ],
)
def test_lecture_decoder_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.lecture_decoder(wrong)


@pytest.mark.parametrize("guess", [14, 1e6, -3.5, np.int64(16)])
def test_receptive_field_right(guess, capsys):
    checks.receptive_field(guess, np.int64(16))
    assert f"{abs(guess - 16):g} off" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "measured", "hint"),
    [
        (14, 17, "1x1 kernel"),
        (14, 14, "strides"),
        (14, 256, "how many rows"),
        (14, 28, "one place"),
        (14, 12, "ReLU hides"),
        (14, 20, "gradient"),
        (None, 16, "Any number"),
        (14, None, "Any number"),
    ],
)
def test_receptive_field_wrong(guess, measured, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.receptive_field(guess, measured)


def test_unsolved_is_reported_with_its_hint():
    def stub(image):
        raise NotImplementedError("hint: windows first")

    with pytest.raises(CheckFailed, match="windows first"):
        checks.max_pooling(stub)
