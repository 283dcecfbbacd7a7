"""Checks of the exercises of lesson 02. The usual wrong solutions, each of which gets a hint of its own:

split_in_two
    - the encoder cut before or after the code
    - a decoder of new layers with random weights
    - copies of the layers: equal weights today, but not shared
    - a fixed number of layers for the decoder, right for one network only
    - the two models in exchanged order
rounding_of_codes
    - 2**bits steps, which are 2**bits + 1 levels
    - rounded down, not to the nearest level
    - one range for all units
    - values outside the range not clipped
    - the levels' numbers returned, not codes
rounding_cost
    - the range taken from the test codes
    - the ratio for the rise in percent
    - compared with the decoded exact codes, not with the images
    - the rise divided by the error after rounding
    - None as guess
memory_table
    - the error on the training images given twice
    - error per pixel, not per image
    - training and test error exchanged
    - fewer than three numbers of images
"""


import keras
import numpy as np
from keras import layers

from checks_base import agree, as_numbers, call, fail, guessed, one_number, passed


def _chain(widths, code):
    """A whole autoencoder of 4x4 images, functional, with the layer "code" in the middle."""
    seeds = iter(range(1, 99))

    def dense(units, activation, **name):
        return layers.Dense(
            units,
            activation,
            kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
            bias_initializer=keras.initializers.RandomNormal(stddev=0.3, seed=next(seeds)),
            **name,
        )

    image = keras.Input((4, 4, 1))
    h = layers.Flatten()(image)
    for width in widths:
        h = dense(width, "tanh")(h)
    h = dense(code, "tanh", name="code")(h)
    for width in reversed(widths):
        h = dense(width, "tanh")(h)
    return keras.Model(image, layers.Reshape((4, 4, 1))(dense(16, "sigmoid")(h)))


def split_in_two(function):
    """Check `function(whole)`: encoder and decoder of a model with a layer named "code", sharing the whole's layers."""
    x = np.random.default_rng(1).random((5, 4, 4, 1), dtype="float32")
    for widths, code in (((9, 6), 3), ((8,), 2)):
        whole = _chain(widths, code)
        made = call(function, whole)
        if not isinstance(made, tuple | list) or len(made) != 2 or not all(isinstance(m, keras.Model) for m in made):
            fail("two Keras models: encoder, decoder", repr(type(made).__name__), "Return both, in this order.")
        encoder, decoder = made
        (images, codes), (z, copies) = _shapes(encoder), _shapes(decoder)
        sizes = f"{images} → {codes}"
        if images == (None, code):
            fail("the encoder first, then the decoder", f"a first model {sizes}", "The encoder is the one with images.")
        if (images, codes) != ((None, 4, 4, 1), (None, code)):
            hint = 'The encoder ends with the layer that is named "code". `whole.get_layer` finds a layer by its name.'
            fail(f"an encoder (None, 4, 4, 1) → (None, {code})", sizes, hint)
        if (z, copies) != ((None, code), (None, 4, 4, 1)):
            hint = "The decoder has an input of its own, for codes, and then all layers after the code, however many."
            fail(f"a decoder (None, {code}) → (None, 4, 4, 1)", f"{z} → {copies}", hint)
        hint = "Are the decoder's layers those of the whole model, in their order, or new ones with random weights?"
        _same_copies(encoder, decoder, whole, x, "decoder after encoder gives what the whole model gives", hint)
        for weight in whole.trainable_variables:
            weight.assign(0.7 * weight.numpy() + 0.1)
        hint = "After the whole model was changed, yours had the old weights. Copies do not learn when the whole does."
        _same_copies(
            encoder, decoder, whole, x, "encoder and decoder follow when the whole model's weights change", hint
        )
    passed("encoder and decoder: their shapes, the whole model's copies, its own layers; with one hidden layer and two")


def _shapes(model):
    """Return a model's input and output shape, None where it has none yet."""
    return getattr(model, "input_shape", None), getattr(model, "output_shape", None)


def _same_copies(encoder, decoder, whole, x, what, hint):
    copies = as_numbers(call(decoder, call(encoder, x)), x.shape, "copies of 5 images", hint)
    agree(copies, np.asarray(whole(x), "float64"), {}, what, hint, tolerance=1e-5)


def _round(z, bits, low, high):
    levels = 2**bits - 1
    return np.round(np.clip((z - low) / (high - low), 0, 1) * levels) / levels * (high - low) + low


def rounding_of_codes(function):
    """Check `function(z, bits, low, high)`: codes (n, d) rounded to 2**bits levels per unit, the ends among them."""
    rng = np.random.default_rng(1)
    low, high = np.array([-3.0, 0.5, 10.0]), np.array([1.0, 0.9, 90.0])
    for bits in (2, 1, 5):
        levels, span = 2**bits - 1, high - low
        inside = low + span * np.concatenate([rng.random((400, 3)), [[0.0] * 3, [1.0] * 3]])
        found = call(function, inside.copy(), bits, low.copy(), high.copy())
        found = as_numbers(found, inside.shape, "rounded codes", "As many codes come back as went in.")
        share = (inside - low) / span
        spread = (inside - low.min()) / (high.max() - low.min())
        slips = {
            "The receiver decodes what you return. A level's number is not a code yet.": np.round(share * levels),
            "The receiver decodes what you return. A position between 0 and 1 is not a code yet.": (
                np.round(share * levels) / levels
            ),
            "How many levels does your formula have, and how many can be told apart with so many bits?": (
                np.round(share * 2**bits) / 2**bits * span + low
            ),
            "Which level is the nearest? Yours always lies below.": np.floor(share * levels) / levels * span + low,
            "The units have ranges of their own: a unit with a small range must not share the levels of a large one.": (
                np.round(spread * levels) / levels * (high.max() - low.min()) + low.min()
            ),
        }
        hint = "Levels lie evenly from low to high, both included. Count yours, unit by unit."
        agree(found, _round(inside, bits, low, high), slips, f"{2**bits} levels per unit", hint, tolerance=1e-5)
        outside = np.stack([low - span, high + span])
        found = call(function, outside.copy(), bits, low.copy(), high.copy())
        found = as_numbers(found, outside.shape, "rounded codes", "As many codes come back as went in.")
        hint = "A new image's code may lie outside the range. There is no level beyond low and high."
        agree(found, np.stack([low, high]), {}, "codes outside the range get the outermost levels", hint)
    passed("rounded to 2, 4 and 32 levels per unit, nearest level, ends included, outside values clipped")


def rounding_cost(guess, rise, model, images, train_images, bits=4):
    """Check by how many percent the squared error of images rises when their codes are rounded; judge no guess.

    The units' ranges are those of the codes of train_images.
    """
    guess = guessed(guess)
    rise = one_number(rise, "the rise in percent", "Measure it, and keep it in the variable.")
    codes, known = model.encode(images), model.encode(train_images)

    def error(ranges, target=images):
        back = model.decode(_round(codes, bits, ranges.min(axis=0), ranges.max(axis=0)).astype("float32"))
        return float(np.mean(np.square(np.asarray(target, "float64") - back)))

    exact = model.decode(codes)
    before, after = float(np.mean(np.square(np.asarray(images, "float64") - exact))), error(known)
    true = 100 * (after / before - 1)
    slips = {
        "Whoever stores codes fixes the levels before the test images come. Which images give the range?": (
            100 * (error(codes) / before - 1)
        ),
        "That is a ratio or a share. By how many percent is the error larger?": after / before,
        "That is a share, not percent.": true / 100,
        "The new error as a percentage of the old is not yet its rise.": 100 * after / before,
        "How far are the copies from the images? You compare them with other copies.": (
            100 * error(known, exact) / before
        ),
        "Percent of what? The error before rounding is the whole.": 100 * (1 - before / after),
    }
    hint = "Squared errors of the same test images, once decoded from exact and once from rounded codes."
    close = abs(rise - true) <= 0.05 + 0.01 * abs(true)
    if not close:
        for slip, value in slips.items():
            if abs(rise - value) <= 1e-3 * abs(value):
                hint = slip
                break
        fail(f"a rise of {true:.2f} %", f"{rise:.5g}", hint)
    passed(f"measured a rise of {true:.1f} %, guessed {guess:.4g} %: off by {abs(guess - true):.1f} points")


def memory_table(table):
    """Check {number of training images: (training error, test error)}, squared errors per image."""
    if not isinstance(table, dict) or len(table) < 3:
        found = f"{len(table)} of them" if isinstance(table, dict) else type(table).__name__
        fail("a dict with at least three numbers of images", found, "Two points show no course. Add a third.")
    sizes = sorted(table)
    for n in sizes:
        what = f"(training error, test error) for {n} images"
        train, test = as_numbers(table[n], (2,), what, "A pair of numbers for every number of images.")
        if min(train, test) < 0:
            fail(f"{what}, not negative", f"({train:.3g}, {test:.3g})", "Errors are sums of squares.")
        if test == train:
            hint = "Which images did you measure the second number on? The network must never have seen them."
            fail(f"{what}, two different measurements", f"{train:.4g} twice", hint)
        if test < 1:
            hint = "The lesson sums the squared error over the 784 pixels of an image, and averages over images."
            fail(f"{what}, per image", f"a test error of {test:.3g}", hint)
    train, test = table[sizes[0]]
    if train > test:
        hint = "The smallest set is the easiest to memorise. Is the training error the first of each pair?"
        fail(f"a training error below the test error for {sizes[0]} images", f"({train:.3g}, {test:.3g})", hint)
    passed(f"training and test error for {', '.join(f'{n:,}' for n in sizes)} images")
