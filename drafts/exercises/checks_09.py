"""Checks of the exercises of lesson 09.

The usual wrong solutions:

depth_to_space: a reshape alone, which mixes pixels that are no neighbours; row and column inside the square exchanged;
    one large block per channel, side by side; the channels averaged or repeated.
residual_network: no bicubic picture added; the last convolution not zero at the start; all kernels zero, so that
    nothing learns; convolutions on the large picture; nearest or bilinear instead of bicubic; the sum clipped.
averages_of_noise: every second pixel kept instead of the mean of four; bicubic instead of nearest neighbour; a factor
    of 4; 20 log10 of the mean squared error; the error of a constant grey; no guess.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from checks_base import call, fail, guessed_number, passed


def depth_to_space(function):
    """Check depth_to_space(x, factor): channel a·f + b of a small pixel becomes row a, column b of its square."""
    rng = np.random.default_rng(9)
    for n, h, w, factor in ((2, 3, 4, 2), (1, 2, 2, 4), (3, 4, 1, 3)):
        x = rng.normal(size=(n, h, w, factor**2)).astype("float32")
        spread = np.asarray(call(function, x.copy(), factor))
        expected = np.empty((n, h * factor, w * factor, 1), "float32")
        swapped = expected.copy()
        for a, b in np.ndindex(factor, factor):
            expected[:, a::factor, b::factor, 0] = x[..., a * factor + b]
            swapped[:, a::factor, b::factor, 0] = x[..., b * factor + a]
        if spread.shape != expected.shape:
            fail(
                f"shape {expected.shape} for x of shape {x.shape}, factor {factor}",
                f"shape {spread.shape}",
                "Every small pixel becomes a square of factor x factor pixels with one channel.",
            )
        if not np.allclose(spread, expected):
            tiled = np.zeros_like(expected)
            for a, b in np.ndindex(factor, factor):
                tiled[:, a * h : (a + 1) * h, b * w : (b + 1) * w, 0] = x[..., a * factor + b]
            if np.allclose(spread, swapped):
                hint = "Row and column inside the square are exchanged. Channel 1 belongs to the right of channel 0."
            elif np.allclose(spread, x.reshape(expected.shape)):
                hint = "A reshape alone does not move numbers. Which of them must be neighbours in the result?"
            elif np.allclose(spread, tiled):
                hint = "Each channel is one whole picture here. The channels of one small pixel belong into one square."
            elif not np.allclose(np.sort(spread, axis=None), np.sort(x, axis=None)):
                hint = "Numbers are only moved: all that are in x are in the result, each once."
            else:
                hint = "Try an x of a single pixel with the channels 0, 1, 2, 3: the result is [[0, 1], [2, 3]]."
            fail(f"channel a·{factor} + b at row a, column b of each square", "another order", hint)
    passed("depth to space: the shapes, and the place of every channel")


def residual_network(function):
    """Check super_network(factor): it works on the small picture, begins as bicubic interpolation, and can learn."""
    rng = np.random.default_rng(9)
    for factor in (2, 4):
        size = 28 // factor
        small = rng.random((3, size, size, 1), dtype="float32")
        model = call(function, factor)
        if not isinstance(model, keras.Model):
            fail("a Keras model", type(model).__name__, "Return the model itself: keras.Model(inputs, outputs).")
        shapes = tuple(model.input_shape), tuple(model.output_shape)
        if shapes != ((None, size, size, 1), (None, 28, 28, 1)):
            fail(
                f"a model from (None, {size}, {size}, 1) to (None, 28, 28, 1) for factor {factor}",
                f"from {shapes[0]} to {shapes[1]}",
                "The small picture goes in. How many channels become one square of the large one?",
            )
        for conv in _convolutions(model):
            height = _height(conv)
            if height > size:
                fail(
                    f"convolutions on {size}x{size} pixels, for factor {factor}",
                    f"{conv.name} on {height}x{height}",
                    "The network works on the small picture all the way. Where is it enlarged?",
                )
        begin = np.asarray(call(model, small))
        ways = {
            way: np.asarray(layers.UpSampling2D(factor, interpolation=way)(small))
            for way in ("bicubic", "bilinear", "nearest")
        }
        if not np.allclose(begin, ways["bicubic"], atol=1e-4):
            if np.allclose(begin, 0, atol=1e-6):
                hint = "It begins as a black picture. To what shall the network add?"
            elif np.allclose(begin, ways["bicubic"].clip(0, 1), atol=1e-4):
                hint = "The sum is clipped inside the network. A clipped pixel gets no gradient; clip when you measure."
            elif np.allclose(begin, ways["bilinear"], atol=1e-4):
                hint = "This is bilinear interpolation. UpSampling2D knows other kinds."
            elif np.allclose(begin, ways["nearest"], atol=1e-4):
                hint = "This is nearest neighbour, the default of UpSampling2D, which knows other kinds."
            else:
                hint = (
                    "What must the last convolution give before training, and which kernel gives it? Is bicubic added?"
                )
            off = np.abs(begin - ways["bicubic"]).max()
            fail("the bicubic picture before training", f"a picture that is off by up to {off:.3g}", hint)
        target = tf.constant(rng.random(ways["bicubic"].shape, dtype="float32"))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(small, training=True) - target))
        gradients = tape.gradient(loss, model.trainable_variables)
        kernels = [
            np.abs(np.asarray(gradient)).max() if gradient is not None else 0
            for gradient, variable in zip(gradients, model.trainable_variables, strict=True)
            if len(variable.shape) > 1
        ]
        if not kernels or max(kernels) == 0:
            fail(
                "a kernel that has a gradient before training",
                "none" if kernels else "no kernel",
                "If all kernels are zero, each layer sees zeros, and none can learn. Which one has to be zero?",
            )
    passed("super-resolution network: small pixels inside, bicubic interpolation at first, and able to learn")


def averages_of_noise(guess, measured):
    """Check the PSNR of images of uniform noise, averaged over 2x2 pixels and brought back by nearest neighbour.

    A pixel has the variance 1/12. The mean of four takes a quarter of it along; three quarters of it are lost: 1/16.
    """
    guessed_number(guess)
    guessed_number(measured, "the measurement")
    right = 10 * np.log10(16)
    if abs(measured - right) > 0.1:
        hints = {
            "This is what one gets by keeping a single pixel of each square. Keep the mean of all four.": _db(1 / 8),
            "This is the PSNR for a factor of 4. The question is about 2.": _db(15 / 192),
            "Is it 10 or 20 times the logarithm? It depends on whether the error is squared already.": 2 * right,
            "This is the PSNR of a grey image. The squares have different means.": _db(1 / 12),
            "This is the mean squared error. Turn it into decibels.": 1 / 16,
        }
        other = "Check each step by its shape: 28x28, then 14x14, then 28x28. How is the small picture enlarged?"
        hint = next((hint for hint, number in hints.items() if abs(number - measured) <= 0.05), other)
        fail("the PSNR of noise that was averaged and enlarged, in dB", f"{measured:.2f}", hint)
    passed(f"Noise, averaged and enlarged, has {measured:.2f} dB; your guess is {abs(guess - measured):.2f} dB off")


def _convolutions(model):
    """Return all convolutions of a model and of the models in it."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += _convolutions(layer)
        elif isinstance(layer, (layers.Conv2D, layers.Conv2DTranspose, layers.SeparableConv2D)):
            found.append(layer)
    return found


def _height(layer):
    """Return the height of the images that a layer reads or writes, 0 where it cannot be told (a layer used twice)."""
    try:
        return max(layer.input.shape[1], layer.output.shape[1])
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return 0


def _db(error):
    """Return the PSNR in dB of a mean squared error."""
    return float(-10 * np.log10(error))
