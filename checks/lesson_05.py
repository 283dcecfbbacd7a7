"""Checks of the exercises of lesson 05. The usual wrong solutions, each with its hint: tests/test_checks_05.py."""

import keras
import numpy as np
from keras import layers

from checks.base import CheckFailed, agree, as_array, call, fail, guessed, measured, passed, shape_of

_RNG = np.random.default_rng(5)
_IMAGES = {  # size of the windows → image; in the first one some windows hold their maximum twice
    2: _RNG.integers(-4, 7, (6, 8)) / 2,
    3: _RNG.integers(-4, 9, (6, 9)) / 2,
    1: _RNG.integers(-4, 7, (2, 3)) / 2,
}
_IMAGES[2][2:4, 2:4] = [[-2, -1.5], [-3, -2]]  # a window without any positive number


def _windows(image, size):
    h, w = image.shape
    return image.reshape(h // size, size, w // size, size).transpose(0, 2, 1, 3).reshape(h // size, w // size, -1)


def _image(windows, size):
    h, w, _ = windows.shape
    return windows.reshape(h, w, size, size).transpose(0, 2, 1, 3).reshape(h * size, w * size)


def max_pooling(function):
    """Check pool(image, size) → (maxima, indices), both (h/size, w/size), on small images of halves.

    Raises:
        CheckFailed: for anything else than a pair of arrays of these shapes, other maxima, or other indices than
            i·size + j of each window's first maximum.
    """
    for size, image in _IMAGES.items():
        windows = _windows(image, size)
        shape, what = windows.shape[:2], f"an image of shape {image.shape} and windows of {size}x{size}"
        result = call(function, image.copy(), size)
        if not isinstance(result, tuple | list) or len(result) != 2:
            fail("two arrays, the maxima and the indices", type(result).__name__, "Return both, in this order.")
        hint = "There is one number for each window, and `size` says how large a window is."
        maxima = as_array(result[0], shape, f"maxima of {what}", hint)
        indices = as_array(result[1], shape, f"indices of {what}", hint)
        in_rows = image.reshape(*shape, -1).max(axis=-1)
        slips = [
            (in_rows, "Your first window is a piece of one row. It should have as many rows as columns."),
            (windows.argmax(axis=-1), "The first array holds your indices. The maxima come first."),
            (
                np.maximum(windows.max(axis=-1), 0),
                "Some windows hold no number above 0. What does your maximum begin with?",
            ),
        ]
        hint = "Print the pixels of your first window: they should be those in the top left corner of the image."
        agree(maxima, windows.max(axis=-1), slips, f"maxima of {what}", hint)
        first = windows.argmax(axis=-1)
        i, j = np.indices(shape)
        i, j = i * size + first // size, j * size + first % size
        down = windows.reshape(*shape, size, size).swapaxes(2, 3).reshape(*shape, -1).argmax(axis=-1)
        slips = [
            (i * image.shape[1] + j, "This counts in the whole image. An index tells the place within its own window."),
            (
                size**2 - 1 - windows[..., ::-1].argmax(axis=-1),
                "Some windows hold their maximum twice. Which one counts?",
            ),
            (down, "This counts down the columns. The pixel to the right of the first one has the index 1."),
        ]
        hint = "In row i and column j of the window, counted from 0, the index is i·size + j."
        agree(indices, first, slips, f"indices of {what}", hint)
    passed("max-pooling: the maxima, their places, and the first place where there are several")


def max_unpooling(function):
    """Check unpool(maxima, indices, size) → image, every maximum at its place and zeros elsewhere.

    Raises:
        CheckFailed: for another shape than (h·size, w·size), or other pixels.
    """
    for size, image in _IMAGES.items():
        windows = _windows(image, size)
        maxima, indices = windows.max(axis=-1), windows.argmax(axis=-1)
        filled = np.zeros(windows.shape)
        np.put_along_axis(filled, indices[..., None], maxima[..., None], axis=-1)
        right = _image(filled, size)
        what = f"an image from {maxima.shape} maxima and windows of {size}x{size}"
        result = call(function, maxima.copy(), indices.copy(), size)
        found = as_array(result, right.shape, what, "Every maximum gets a window of size x size pixels.")
        nails = np.zeros((size, size))
        nails[0, 0] = 1
        slips = [
            (np.kron(maxima, nails), "This is the bed of nails. Where in its window does a maximum belong?"),
            (
                np.kron(maxima, np.ones((size, size))),
                "This is nearest neighbour. One pixel of a window gets the maximum.",
            ),
            (
                filled.reshape(right.shape),
                "Each of your windows lies in one row. It should have as many rows as columns.",
            ),
            (np.trunc(right), "Your zeros are integers, so the fractions of the maxima are lost."),
        ]
        hint = f"Take one window: in which row and column of it is the index {size**2 - 2 if size > 1 else 0}?"
        places = _image(np.arange(size**2) == indices[..., None], size)
        if np.array_equal(found[places], right[places]):
            hint = "The maxima are in their places. What must the other pixels be?"
        agree(found, right, slips, what, hint)
    passed("max-unpooling: every maximum is back in its place, and all other pixels are zero")


def transposed_convolution(function):
    """Check stamp(x, kernel, stride): (h, w, c), (k, k, f, c) → ((h − 1)·stride + k, (w − 1)·stride + k, f).

    Raises:
        CheckFailed: for another shape, or for anything else than the sum of all stamps.
    """
    rng = np.random.default_rng(5)
    for shape, k, f, stride in (((3, 4, 1), 3, 1, 2), ((2, 5, 2), 4, 2, 2), ((3, 3, 3), 3, 1, 3), ((4, 2, 2), 3, 3, 1)):
        x, kernel = rng.normal(size=shape), rng.normal(size=(k, k, f, shape[2]))
        right, size = _stamps(x, kernel, stride), [(n - 1) * stride + k for n in shape[:2]]
        what = f"the stamps of x {shape} with a kernel {kernel.shape} and stride {stride}"
        result = call(function, x.copy(), kernel.copy(), stride)
        hint = "n pixels in a row become (n - 1)·stride + k, and the channels are the last axis."
        if shape_of(result) == (*(n * stride for n in shape[:2]), f):
            hint = "Where does the last stamp begin, and where does it end? Nothing is cut off here."
        elif shape_of(result) == (*(n - 1 + k for n in shape[:2]), f):
            hint = "Neighbouring stamps are `stride` pixels apart."
        elif shape_of(result) == (*size, shape[2]):
            hint = "The result has f channels. In the kernel (k, k, f, c), which axis goes with the channels of x?"
        found = as_array(result, (*size, f), what, hint)
        slips = [
            (_stamps(x, kernel, stride, add=False), "Stamps overlap. What happens to the paint that is there already?"),
            (_stamps(x, kernel[::-1, ::-1], stride), "Your kernel is turned round. A pixel of 1 stamps it as it is."),
            (_stamps(x, kernel.swapaxes(0, 1), stride), "Rows and columns of your kernel are exchanged."),
            (right / shape[2], "The stamps of all channels of x add up. This is their mean."),
        ]
        if shape[2] > 1:
            first = _stamps(x[..., :1], kernel[..., :1], stride)
            slips.append((first, "Put the 1 into the second channel of x: nothing is stamped."))
        if f == shape[2] > 1:
            other = _stamps(x, kernel.swapaxes(2, 3), stride)
            slips.append((other, "In the kernel (k, k, f, c) the last axis goes with the channels of x."))
        hint = "Try an x with a single 1: the result must be one channel's stamp, in its place, and zeros."
        agree(found, right, slips, what, hint)
    passed("transposed convolution: the size, the places of the stamps, and the sums over overlaps and channels")


def _stamps(x, kernel, stride, add=True):
    (h, w, _), (k, _, f, _) = x.shape, kernel.shape
    out = np.zeros(((h - 1) * stride + k, (w - 1) * stride + k, f))
    for i, j in np.ndindex(h, w):
        place = slice(i * stride, i * stride + k), slice(j * stride, j * stride + k)
        out[place] = add * out[place] + kernel @ x[i, j]
    return out


def mirrored_decoder(function):
    """Check decoder(d): the four transposed convolutions from a code to 32x32x3 that mirror the exercise's encoder.

    Raises:
        CheckFailed: for another result than a Keras model from (None, d) to (None, 32, 32, 3), for weights of other
            shapes, and for other outputs than those of the mirrored network with the same weights.
    """
    rng = np.random.default_rng(5)
    for d in (8, 6):
        model, right = _with_codes(function, d), _decoder(d)
        if not isinstance(model, keras.Model):
            fail("a Keras model", type(model).__name__, "Return the model itself, a keras.Sequential for example.")
        code = rng.normal(size=(4, d)).astype("float32")
        takes = getattr(model, "input_shape", None) if model.built else None  # None: it learns its input when called
        if isinstance(takes, tuple) and takes != (None, d):
            fail(f"a model of codes (None, {d})", f"one of inputs {takes}", _ARGUMENT if len(takes) == 2 else _VECTOR)
        hint = "Print the shape after every layer: 1x1, 5x5, 13x13, 28x28, 32x32. Nothing is padded or cut off."
        as_array(_with_codes(model, code), (4, 32, 32, 3), "four images, drawn from four codes", hint)
        mine, yours = ({tuple(v.shape): v for v in m.weights} for m in (right, model))
        if sorted(mine) != sorted(yours) or len(model.weights) != len(right.weights):
            hint = "Four transposed convolutions with a bias each. Which channels does each read, which does it make?"
            if len(model.weights) == 8:
                hint = "The sizes are right. A layer makes the channels that its partner *read*."
            elif any("moving" in v.path or "gamma" in v.path for v in model.weights):
                hint = "Transposed convolutions only: nothing is normalised."
            fail(
                f"{right.count_params():,} parameters in four kernels and four biases for d = {d}",
                f"{model.count_params():,} in arrays of the shapes {[tuple(v.shape) for v in model.weights]}",
                hint,
            )
        for shape, variable in mine.items():
            variable.assign(rng.normal(scale=0.2, size=shape))
            yours[shape].assign(variable)
        variants = {
            "The last layer has no activation: an image in another range than [0, 1] may come out.": {
                "last": "sigmoid"
            },
            "The last layer has no activation. Without any, pixels below 0 may come out.": {"last": "relu"},
            "What stands between two layers of EE-559's network?": {"between": "linear"},
            "The code has no activation. Does yours reach the first layer as it is?": {"first": "relu"},
        }
        slips = [(_outputs(_decoder(d, **kind), right, code), hint) for hint, kind in variants.items()]
        found = as_array(call(model, code), (4, 32, 32, 3), "the outputs", "A model's output is one tensor.")
        other = "A ReLU between two transposed convolutions, none before the first, and nothing after the last."
        agree(found, right(code), slips, "the output of the mirrored network with the same random weights", other)
    passed("decoder: the shapes and kernels of the mirror, ReLU between them, linear at both ends")


_VECTOR = "The code is a vector of d numbers, one per image. Make it 1x1xd first, inside the model."
_ARGUMENT = "d is an argument of the function: do you use it everywhere?"


def _with_codes(function, value):
    """Call a student's function or model; what Keras says of codes of a wrong shape becomes a hint."""
    try:
        return call(function, value)
    except CheckFailed as error:
        for text, hint in (("ndim=4", _VECTOR), ("must be unchanged", _ARGUMENT)):
            if text in str(error):
                fail("a decoder that takes codes of d numbers", str(error).split("\n")[2].split(": ", 1)[1], hint)
        raise


def _decoder(d, first="linear", between="relu", last="linear"):
    hidden = ((64, 5, 1), (32, 5, 2), (16, 4, 2))
    return keras.Sequential(
        [keras.Input((d,)), layers.Reshape((1, 1, d)), layers.Activation(first)]
        + [layers.Conv2DTranspose(filters, k, strides=stride, activation=between) for filters, k, stride in hidden]
        + [layers.Conv2DTranspose(3, 5, activation=last)]
    )


def _outputs(model, same, code):
    model.set_weights(same.get_weights())
    return model(code)


def receptive_field(guess, value):
    """Check how many pixels high the square is that one place of EE-559's 4x4x32 feature maps sees.

    Raises:
        CheckFailed: for a guess or measurement that is no number, and for another measurement than the height.
    """
    guess, right = guessed(guess), 16
    hint = "Count the rows of the gradient that hold any number but 0."
    slips = [
        (17, "You added the kernel sizes. A layer adds k - 1, times the strides before it."),
        (14, "This is right where all strides are 1. After a stride of 2, one step is two pixels of the image."),
        (12, "One layer is missing: there are four, with kernels of 5, 5, 4 and 3."),
        (15, "The ReLU hides pixels where it is zero. Add up all 32 channels at one place before the gradient."),
        (right**2, "This is the number of pixels. The question is how many rows it has."),
        (28, "This is the whole image. Take the gradient of one place of the 4x4, not of all of them."),
    ]
    measured(guess, value, right, "pixels", slips, hint)
    passed("5, + 4, + 3, + 2·2: every layer adds k - 1 steps, and after the stride of 2 a step is two pixels")
