"""Checks of the exercises of lesson 09. The usual wrong solutions, each with its hint: tests/test_checks_09.py."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from checks.base import agree, as_array, call, decibels, fail, measured, passed


def space_to_depth(function):
    """Check space_to_depth(x, factor): row a, column b of a square becomes channels (a·f + b)·c to (a·f + b)·c + c − 1.

    Called with float32 arrays (n, h, w, c) for factors 2, 3 and 4; the result must be (n, h / f, w / f, f²·c).

    Raises:
        CheckFailed: for another shape, or another order of the numbers.
    """
    rng = np.random.default_rng(9)
    for n, h, w, c, factor in ((2, 3, 4, 1, 2), (1, 2, 3, 3, 2), (1, 2, 2, 2, 4), (3, 4, 1, 1, 3)):
        x = rng.normal(size=(n, h * factor, w * factor, c)).astype("float32")
        places = list(np.ndindex(factor, factor))
        pixels = [x[:, a::factor, b::factor] for a, b in places]
        right = np.concatenate(pixels, axis=-1)
        exchanged = np.concatenate([x[:, a::factor, b::factor] for b, a in places], axis=-1)
        torn = np.stack(pixels, axis=-1).reshape(right.shape)
        parts = np.concatenate([x[:, a * h : (a + 1) * h, b * w : (b + 1) * w] for a, b in places], axis=-1)
        hint = "A square of factor x factor pixels becomes one small pixel, with all the channels of the square."
        found = as_array(call(function, x.copy(), factor), right.shape, f"the result for factor {factor}", hint)
        slips = [
            (exchanged, "Row and column inside the square are exchanged. The first row of a square comes first."),
            (torn, "The channels of one pixel are torn apart. They stay together, in their order."),
            (x.reshape(right.shape), "A reshape alone does not move numbers. Which must be neighbours in the result?"),
            (
                parts,
                "Each channel is one part of the picture here. The channels of a small pixel come from one square.",
            ),
        ]
        hint = (
            "Try an x of a single square, [[0, 1], [2, 3]], with one channel: the result has the channels 0, 1, 2, 3."
        )
        if not np.allclose(np.sort(found, axis=None), np.sort(x, axis=None)):
            hint = "Numbers are only moved: all that are in x are in the result, each of them once."
        agree(found, right, slips, f"the value for factor {factor}, {c} channels", hint)
    passed("space to depth: the shapes, and the place of every pixel and channel")


def residual_network(function):
    """Check super_network(factor, filters): it works on the small picture, begins as nearest neighbour, and can learn.

    Called with factors 2 and 4, and filters of two and of one number.

    Raises:
        CheckFailed: for no functional model from (28 // factor, 28 // factor, 1) to (28, 28, 1), other convolutions
            than asked for, another output than the nearest-neighbour picture before training, or kernels without a
            gradient.
    """
    rng = np.random.default_rng(9)
    for factor, filters in ((2, (6, 5)), (4, (6,))):
        size = 28 // factor
        small = rng.uniform(-0.5, 1.5, (3, size, size, 1)).astype("float32")
        model = call(function, factor, filters)
        _is_model(model, factor, size)
        last = _last_convolution(model, factor, filters, size)
        _begins_as_nearest(np.asarray(call(model, small)), small, factor, last)
        target = tf.constant(rng.random((3, 28, 28, 1), dtype="float32"))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(call(model, small, training=True) - target))
        kernels = [variable for variable in model.trainable_variables if len(variable.shape) > 1]
        sizes = [np.abs(g).max() for g in tape.gradient(loss, kernels) if g is not None]
        if not sizes or max(sizes) == 0:
            hint = "Neither a layer that is given zeros nor one that is followed by zero weights can learn."
            if not last.trainable:
                hint = "The last convolution is frozen. It is the one that has to begin to learn."
            found = "kernels with gradients of zero only (at most a bias learns)"
            fail("a kernel that has a gradient before training", found, hint)
    passed("super-resolution network: small pixels inside, nearest neighbour at first, and able to learn")


def _last_convolution(model, factor, filters, size):
    """Return the convolution with factor² filters; fail for other layers than asked for."""
    kinds = (layers.UpSampling2D, layers.Conv2DTranspose)
    enlarging = [layer.name for layer in model._flatten_layers() if isinstance(layer, kinds)]
    if enlarging:
        hint = "Take `shuffle` alone. Which channels must a small pixel have, so that its square has one colour?"
        fail("no layer that enlarges but depth to space", ", ".join(enlarging), hint)
    convs = [layer for layer in model._flatten_layers() if isinstance(layer, layers.Conv2D)]
    found, wanted = [conv.filters for conv in convs], [*filters, factor**2]
    if sorted(found) != sorted(wanted):
        hint = "One convolution for each number in `filters`, and then one more. How many channels does it give?"
        if not convs:
            hint = "There is no convolution. What could learn here?"
        fail(f"convolutions with {wanted} filters, for factor {factor} and filters {filters}", f"{found}", hint)
    for conv in convs:
        height = _height(conv)
        if height > size:
            hint = "The network works on the small picture all the way. Where is it enlarged?"
            fail(
                f"convolutions on {size}x{size} pixels, for factor {factor}", f"{conv.name} on {height}x{height}", hint
            )
    last = next(conv for conv in convs if conv.filters == factor**2)
    if last.activation is not keras.activations.linear:
        hint = "The last convolution has an activation; the task says none. What it adds may be of either sign."
        fail("a last convolution without activation", getattr(last.activation, "__name__", "an activation"), hint)
    return last


def _is_model(model, factor, size):
    """Fail unless model is a Keras model of the right shapes."""
    if not isinstance(model, keras.Model):
        hint = "Return the model itself, a functional one: keras.Model(inputs, outputs)."
        fail("a Keras model", "None" if model is None else type(model).__name__, hint)
    try:
        shapes = tuple(model.input_shape), tuple(model.output_shape)
    except Exception as error:
        fail(
            "a model with one input and one output",
            str(error),
            "Build a functional model: keras.Model(inputs, outputs).",
        )
    if shapes != ((None, size, size, 1), (None, 28, 28, 1)):
        fail(f"a model from (None, {size}, {size}, 1) to (None, 28, 28, 1) for factor {factor}",
             f"from {shapes[0]} to {shapes[1]}",
             "The small picture goes in. How many channels become one square of the large one?")  # fmt: skip


def _begins_as_nearest(begin, small, factor, last):
    """Fail unless the output before training is the nearest-neighbour picture, not clipped."""
    ways = {
        way: np.asarray(layers.UpSampling2D(factor, interpolation=way)(small))
        for way in ("nearest", "bilinear", "bicubic")
    }
    slips = [
        (0 * begin, "It begins as a black picture. To what should the network add?"),
        (ways["nearest"].clip(0, 1), "The sum is clipped inside the network. A clipped pixel gets no gradient: clip "
         "when you measure."),
        (ways["bicubic"], "This is bicubic interpolation, as in the lesson. Here it is nearest neighbour."),
        (ways["bilinear"], "This is bilinear interpolation. Here it is nearest neighbour."),
        (np.tile(small, (1, factor, factor, 1)), "The whole picture is repeated. Each pixel must become a square."),
    ]  # fmt: skip
    hint = "What must the last convolution return before training, and which kernel sees to that? What is added to it?"
    if not np.any(last.kernel) and last.use_bias and np.any(last.bias):
        hint = "The last kernel is zero, but the bias of that layer is not."
    agree(begin, ways["nearest"], slips, "before training, the pixel of the nearest-neighbour picture", hint, 1e-4)


def averages_of_noise(guess, value):
    """Check the PSNR in dB of images of uniform noise, averaged over 2x2 pixels, brought back by nearest neighbour.

    A pixel has the variance 1/12. The mean of four keeps a quarter of it; three quarters are lost: 1/16.

    Raises:
        CheckFailed: for a guess or a value that is no number, and for another PSNR.
    """
    slips = [
        (decibels(1 / 8), "This is what one gets by keeping a single pixel of each square. Keep the mean of all four."),
        (decibels(15 / 192), "This is the PSNR for a factor of 4. The question is about 2."),
        (2 * decibels(1 / 16), "Is it 10 or 20 times the logarithm? The error is squared already."),
        (-decibels(1 / 16), "The sign: a small error is a large PSNR."),
        (decibels(1 / 12), "This is the PSNR of a grey image. The squares have different means."),
        (1 / 16, "This is the mean squared error. Turn it into decibels."),
    ]
    hint = (
        "Are the pixels uniform between 0 and 1, and at least 200 pictures? Check each step by its shape: 28x28, then "
        "14x14, then 28x28. How is the small picture enlarged?"
    )
    measured(guess, value, decibels(1 / 16), "dB", slips, hint, tolerance=0.08)
    gain = decibels(1 / 16) - decibels(1 / 12)
    passed(f"on such pictures this is {gain:.1f} dB more than a constant grey has, and no more")


def _height(layer):
    """Return the height of the images that a layer reads, 0 where it cannot be told (a layer used twice)."""
    try:
        return layer.input.shape[1]
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return 0
