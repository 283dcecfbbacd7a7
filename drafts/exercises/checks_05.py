"""Checks of the exercises of lesson 05.

The usual wrong solutions:

max_pooling: a reshape alone, so that a window is four pixels of one row; indices that count in the whole image; of
    equal maxima the last one instead of the first.
max_unpooling: the maximum always in the top left corner (bed of nails); the maximum everywhere in its window (nearest
    neighbour); other pixels left over in the window (an array that was not set to zero).
transposed_convolution: overlapping stamps overwrite each other; the kernel is flipped; the result has n·stride pixels;
    the stride is ignored.
lecture_decoder: padding "same"; a sigmoid at the output; a ReLU at the output; no ReLU at all; dense layers.
receptive_field: kernel sizes added up; strides forgotten; the number of pixels instead of the height; a measurement
    with a single channel, where the ReLU hides pixels; no guess.
"""

import keras
import numpy as np

from checks_base import call, fail, guessed_number, passed

_IMAGE = np.array([[3, 8, 1, 0, 7, 2], [5, 4, 6, 9, 1, 1], [2, 2, 0, 5, 8, 3], [2, 1, 4, 0, 6, 9]], dtype="float32")
_MAXIMA = np.array([[8, 9, 7], [2, 5, 9]], dtype="float32")
_INDICES = np.array([[1, 3, 0], [0, 1, 3]])


def max_pooling(function):
    """Check pool(image) → (maxima, indices): windows of 2x2, places 0 to 3, of equal ones the first."""
    result = call(function, _IMAGE.copy())
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        fail("two arrays, the maxima and the indices", type(result).__name__, "Return both, in this order.")
    maxima, indices = (np.asarray(array) for array in result)
    for name, array in (("maxima", maxima), ("indices", indices)):
        if array.shape != _MAXIMA.shape:
            fail(
                f"{name} of shape (2, 3) for an image of shape (4, 6)",
                f"shape {array.shape}",
                "There is one number for each window of 2x2 pixels.",
            )
    if not np.array_equal(maxima, _MAXIMA):
        in_rows = np.array_equal(maxima, _IMAGE.reshape(2, 3, 4).max(axis=-1))
        fail(
            f"maxima {_MAXIMA.tolist()} for the image {_IMAGE.tolist()}",
            maxima.tolist(),
            "Your first window holds four pixels of one row. A window of 2x2 has two rows."
            if in_rows
            else "Print the four pixels of your first window. They are the two by two in the top left corner.",
        )
    if not np.array_equal(indices, _INDICES):
        if indices.max() > 3 or indices.min() < 0:
            hint = "An index tells the place within its own window, from 0 to 3, not in the image."
        elif np.array_equal(np.where(_MAXIMA == 2, 0, indices), _INDICES):
            hint = "A window holds its maximum several times. Which one comes first in reading order?"
        else:
            hint = "In a window 0 is top left, 1 top right, 2 and 3 are the row below."
        fail(f"indices {_INDICES.tolist()} for the image {_IMAGE.tolist()}", indices.tolist(), hint)
    passed("max-pooling: the maxima, their places, and the first place where there are several")


def max_unpooling(function):
    """Check unpool(maxima, indices) → image: every maximum at its place, zeros elsewhere."""
    expected = np.zeros_like(_IMAGE)
    for i, j in np.ndindex(_MAXIMA.shape):
        expected[2 * i + _INDICES[i, j] // 2, 2 * j + _INDICES[i, j] % 2] = _MAXIMA[i, j]
    image = np.asarray(call(function, _MAXIMA.copy(), _INDICES.copy()))
    if image.shape != expected.shape:
        fail(
            "an image of shape (4, 6) for maxima of shape (2, 3)",
            f"shape {image.shape}",
            "Every maximum gets a window of 2x2 pixels.",
        )
    if not np.array_equal(image, expected):
        if np.array_equal(image, np.kron(_MAXIMA, [[1, 0], [0, 0]])):
            hint = "This is the bed of nails. The indices say in which corner of its window a maximum belongs."
        elif np.array_equal(image, np.kron(_MAXIMA, np.ones((2, 2)))):
            hint = "This is nearest neighbour. Only one pixel of each window may get the maximum."
        elif np.array_equal(image[expected > 0], expected[expected > 0]):
            hint = "The maxima are in their places. What must the other pixels be?"
        else:
            hint = "Take one window: in which row and column of it is index 2?"
        fail(f"{expected.astype(int).tolist()}", image.tolist(), hint)
    passed("max-unpooling: every maximum is back in its place, and all other pixels are zero")


def transposed_convolution(function):
    """Check stamp(x, kernel, stride): the size, single stamps, overlaps, and that it is a convolution's transpose."""
    rng = np.random.default_rng(5)
    for shape, k, stride in (((3, 4), 3, 2), ((2, 5), 4, 2), ((3, 3), 2, 3), ((4, 2), 3, 1)):
        x, kernel = rng.normal(size=shape), rng.normal(size=(k, k))
        size = tuple((n - 1) * stride + k for n in shape)
        expected = np.zeros(size)
        last = np.zeros(size)
        for i, j in np.ndindex(shape):
            expected[i * stride : i * stride + k, j * stride : j * stride + k] += x[i, j] * kernel
            last[i * stride : i * stride + k, j * stride : j * stride + k] = x[i, j] * kernel
        what = f"x of {shape[0]}x{shape[1]}, kernel of {k}x{k}, stride {stride}"
        found = np.asarray(call(function, x.copy(), kernel.copy(), stride))
        if found.shape != size:
            if found.shape == tuple(n * stride for n in shape):
                hint = "Where does the last stamp begin, and where does it end? Nothing is cut off here."
            elif found.shape == tuple(n - 1 + k for n in shape):
                hint = "Neighbouring stamps are `stride` pixels apart."
            else:
                hint = "n pixels in a row become (n - 1)·stride + k."
            fail(f"{size[0]}x{size[1]} pixels for {what}", f"shape {found.shape}", hint)
        if not np.allclose(found, expected, atol=1e-5):
            flipped = np.asarray(call(function, x.copy(), kernel[::-1, ::-1].copy(), stride))
            if np.allclose(found, last, atol=1e-5):
                hint = "Stamps overlap. What happens to the paint that is there already?"
            elif np.allclose(flipped, expected, atol=1e-5):
                hint = "The kernel comes out turned round. A single pixel of 1 must stamp the kernel as it is."
            else:
                hint = "Try an x with a single 1: the result must be the kernel, in its place, and zeros."
            off = np.abs(found - expected).max()
            fail(f"the sum of the stamps for {what}", f"an array that is off by up to {off:.3g}", hint)
    passed("transposed convolution: the size, the places of the stamps, and the sums where they overlap")


def lecture_decoder(function):
    """Check decoder(d): five transposed convolutions from a code to 28x28x1, ReLU between them, linear at the end."""
    rng = np.random.default_rng(5)
    for d in (8, 3):
        model = call(function, d)
        if not isinstance(model, keras.Model):
            fail("a Keras model", type(model).__name__, "Return the model itself, a keras.Sequential for example.")
        shapes = tuple(model.input_shape), tuple(model.output_shape)
        if shapes != ((None, d), (None, 28, 28, 1)):
            fail(
                f"a model from (None, {d}) to (None, 28, 28, 1)",
                f"from {shapes[0]} to {shapes[1]}",
                "Print the shape after every layer and compare with the table. Nothing is padded or cut off.",
            )
        count = 16 * d * 32 + 32 + (9 + 16 + 25) * 32 * 32 + 3 * 32 + 25 * 32 + 1
        if model.count_params() != count:
            fail(
                f"{count:,} parameters for d = {d}",
                f"{model.count_params():,}",
                "Five transposed convolutions, each with a bias: compare the kernels' sizes with the table.",
            )
        for variable in model.weights:
            variable.assign(rng.normal(scale=0.1, size=variable.shape))
        a, b = (rng.normal(size=(4, d)).astype("float32") for _ in range(2))
        at = {name: np.asarray(model(code)) for name, code in {"a": a, "b": b, "a+b": a + b, "0": 0 * a}.items()}
        if np.allclose(at["a"] + at["b"] - at["0"], at["a+b"], atol=1e-4):
            fail(
                "a model that is not linear",
                "the output for a + b is the sum of the outputs for a and for b",
                "What stands between two layers of the lecture's network?",
            )
        if min(output.min() for output in at.values()) >= 0:
            fail(
                "outputs of either sign from random weights",
                "no output below 0",
                "The last layer of the lecture's network has no activation.",
            )
    passed("EE-559's decoder: its shapes, its parameters, non-linear inside and linear at the end")


def receptive_field(guess, measured):
    """Check how many pixels high the square is that one number of EE-559's 4x4x32 feature maps sees."""
    guessed_number(guess)
    guessed_number(measured, "the measurement")
    if measured != 16:
        hints = {
            17: "The kernel sizes add up to this. But a 1x1 kernel would see no further, and it would count.",
            14: "This would be right if all strides were 1. After a stride of 2, one step is two pixels of the image.",
            256: "This is the number of pixels. The question is how many rows it has.",
            28: "This is the whole image. Take the gradient of one place of the 4x4, not of all of them.",
        }
        smaller = "The ReLU hides pixels where it is zero. Add up all 32 channels, and try another image."
        other = "Ask for the gradient of one place of the 4x4 maps with respect to the image. Which rows are not zero?"
        fail("the height of the square, in pixels", measured, hints.get(measured, smaller if measured < 16 else other))
    passed(
        f"One number of the 4x4 maps sees {measured}x{measured} pixels; your guess was {abs(guess - measured):g} off."
    )
