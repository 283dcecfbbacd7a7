"""Checks of the exercises of lesson 02. The usual wrong solutions, each with its hint: tests/test_checks_02.py."""

import keras
import numpy as np
from keras import layers

from checks.base import agree, as_array, as_number, call, fail, guessed, measured, passed, takes, two_models
from utils.metrics import mse


def split_in_two(function):
    """Check `function(whole)`: encoder and decoder of a model with a layer named "code", made of the whole's layers.

    Args:
        function: the student's, of a functional Keras model; it returns two Keras models, (encoder, decoder).

    Raises:
        CheckFailed: for other shapes, other outputs than the whole's, and weights that are not shared with it.
    """
    x = np.random.default_rng(1).random((5, 4, 4, 1), dtype="float32")
    for before, code, after in (((9, 6), 3, (6, 9)), ((9, 2, 7), 4, ()), ((8,), 2, (8, 5, 7))):
        whole = _chain(before, code, after)
        encoder, decoder = two_models(call(function, whole), x)
        hint = (
            'The encoder ends with the layer named "code", wherever that stands and however wide it is. '
            "`whole.get_layer` finds a layer by its name."
        )
        codes = as_array(call(encoder, x), (5, code), f"codes of 5 images, {code} numbers each", hint)
        if not takes(decoder, codes):
            found = "one that takes images" if takes(decoder, x) else "one that cannot be called with codes"
            hint = (
                "The decoder has an input of its own, for codes, and then all layers after the code. It need not have "
                "as many layers as the encoder."
            )
            fail(f"a decoder that takes codes of {code} numbers", found, hint)
        hint = "Are these the layers of the whole model, in their order, or new ones that share no weights with it?"
        _as_the_whole(encoder, decoder, whole, x, hint)
        for weight in whole.trainable_variables:
            weight.assign(0.7 * weight.numpy() + 0.1)
        hint = "The whole model was changed, and yours kept its old weights. Copies do not learn when the whole does."
        _as_the_whole(encoder, decoder, whole, x, hint)
    passed("encoder and decoder: their shapes, the whole model's copies, its own layers; for three networks")


def _chain(before, code, after):
    """A whole autoencoder of 4x4 images, functional: hidden layers, the layer "code", hidden layers, the output."""
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
    for width in before:
        h = dense(width, "tanh")(h)
    h = dense(code, "tanh", name="code")(h)
    for width in after:
        h = dense(width, "tanh")(h)
    return keras.Model(image, layers.Reshape((4, 4, 1))(dense(16, "sigmoid")(h)))


def _as_the_whole(encoder, decoder, whole, x, hint):
    """Fail unless encoder and decoder compute what the whole model computes, with its weights as they are now."""
    right = np.asarray(keras.Model(whole.input, whole.get_layer("code").output)(x))
    codes = as_array(call(encoder, x), right.shape, "codes of 5 images", hint)
    agree(codes, right, [], "the encoder's codes, those of the whole model", hint, tolerance=1e-5)
    copies = as_array(call(decoder, right), x.shape, "5 decoded images", "All layers after the code, the last one too.")
    agree(copies, whole(x), [], "the decoder's images, those of the whole model", hint, tolerance=1e-5)


def storing_of_codes(store, fetch):
    """Check `store(z, bits, known)` and `fetch(levels, bits, known)`: codes as levels of bits, and the way back.

    Args:
        store: the student's, of codes (n, d), a number of bits, and known codes (m, d); it returns whole numbers (n, d)
            from 0 to 2**bits - 1.
        fetch: the student's, of such numbers; it returns codes (n, d).

    Raises:
        CheckFailed: for another shape, other levels, and other codes.
    """
    rng = np.random.default_rng(1)
    low, high = np.array([-3.0, 0.5, 10.0]), np.array([1.0, 0.9, 90.0])
    span = high - low
    known = rng.permuted(np.concatenate([low + span * rng.random((40, 3)), [low, high]]), axis=0)
    for bits in (2, 1, 5):
        inside = low + span * (0.05 + 0.9 * rng.random((400, 3)))
        _stored(store, inside, bits, known, low, high)
        outside = np.stack([low - span, high + span])
        found = as_array(call(store, outside, bits, known), (2, 3), "levels of codes", _MANY)
        hint = "A new image's code may lie outside the known range. There is no level out there."
        ends = [[0] * 3, [2**bits - 1] * 3]
        agree(found, ends, [], "codes outside the range get the outermost levels", hint)
    still = known * [1, 0, 1]
    found = call(store, still[:4], 2, still)
    hint = "A unit that never changes has a range of 0: nothing can be divided by it. It has one level, number 0."
    unit = as_array(found, (4, 3), "levels of a unit that never changes", hint)[:, 1]
    agree(unit, np.zeros(4), [], "levels of a unit that never changes", hint)
    for bits in (2, 1, 5):
        _fetched(fetch, rng.integers(0, 2**bits, (400, 3)), bits, known, low, high)
    found = as_array(call(fetch, np.zeros((4, 3), int), 2, still + [0, 7, 0]), (4, 3), "fetched codes", hint)[:, 1]
    agree(found, np.full(4, 7), [], "the codes of a unit that is always 7", "Its one level is the known code itself.")
    passed("stored as whole numbers with 1, 2 and 5 bits: nearest level, outside values clipped; and fetched again")


_MANY = "As many numbers come back as went in."
_OWN = "The units have ranges of their own: a unit with a small range must not share the levels of a large one."
_COUNT = "How many levels does your formula have, and how many can be told apart with so many bits?"
_ENDS = "Your outermost levels are not the ends of the range. How many steps lie between so many levels?"


def _stored(store, z, bits, known, low, high):
    found = as_array(call(store, z, bits, known), z.shape, "levels of codes", _MANY)
    steps, share = 2**bits - 1, (z - low) / (high - low)
    right = np.round(share * steps)
    one_range = np.round((z - low.min()) / (high.max() - low.min()) * steps)
    own = np.round((z - z.min(axis=0)) / (z.max(axis=0) - z.min(axis=0)) * steps)
    cells = np.clip(np.floor(share * 2**bits), 0, steps)
    slips = [
        (right / steps, "A position between 0 and 1 is not what is sent. What is the number of the level?"),
        (_round(z, bits, low, high), "These are codes again. What is sent are the numbers of the levels."),
        (share * steps, "Which level is the nearest? A whole number is sent."),
        (right + 1, "You count from 1. With so many bits, the largest number is 2**bits - 1."),
        (np.floor(share * steps), "Which level is the nearest? Yours always lies below."),
        (np.ceil(share * steps), "Which level is the nearest? Yours always lies above."),
        (one_range, _OWN),
        (own, "The receiver must know the levels, and knows `known` only. Whose range do you take?"),
        (np.round(share * 2**bits), _COUNT),
        (np.round(share * (bits - 1)), "Two bits are 00, 01, 10 or 11. How many levels do they tell apart?"),
        (cells, _ENDS),
    ]
    hint = "The levels lie evenly from the smallest to the largest known code, both included. Count yours."
    agree(found, right, slips, f"numbers of the {2**bits} levels", hint, tolerance=1e-5)


def _fetched(fetch, levels, bits, known, low, high):
    found = as_array(call(fetch, levels, bits, known), levels.shape, "fetched codes", _MANY)
    steps, span = 2**bits - 1, high - low
    slips = [
        (levels, "The decoder gets what you return. The number of a level is not a code yet."),
        (levels / steps, "The decoder gets what you return. A position between 0 and 1 is not a code yet."),
        (levels / steps * span, "Level 0 is the smallest known code, and it is seldom 0."),
        (low.min() + levels / steps * (high.max() - low.min()), _OWN),
        (low + levels / 2**bits * span, "Which code does the highest level stand for? " + _COUNT),
        (low + (levels + 0.5) / 2**bits * span, _ENDS),
    ]
    hint = "Level 0 is the smallest known code of its unit, level 2**bits - 1 the largest. And one in between?"
    agree(found, low + levels / steps * span, slips, f"codes of {2**bits} levels", hint, tolerance=1e-5)


def _round(z, bits, low, high):
    steps = 2**bits - 1
    return np.round(np.clip((z - low) / (high - low), 0, 1) * steps) / steps * (high - low) + low


def rounding_cost(guess, rise, model, images, known_images, bits=4):
    """Check by how many percent the squared error of images rises when their codes are rounded.

    Args:
        guess: the student's, any finite number.
        rise: the student's measurement, in percent.
        model: an `Autoencoder`, trained or not.
        images: (n, h, w, c) whose error is meant.
        known_images: the range of each unit is that of their codes.
        bits: per unit.

    Raises:
        CheckFailed: for a guess or measurement that is no number, or a wrong measurement.
    """
    codes, known = model.encode(images), model.encode(known_images)
    low, high = known.min(axis=0), known.max(axis=0)
    exact, rounded = (model.decode(z.astype("float32")) for z in (codes, _round(codes, bits, low, high)))
    before, after = mse(images, exact), mse(images, rounded)
    right = 100 * (after / before - 1)

    def with_range(low, high, bits=bits):
        return 100 * (mse(images, model.decode(_round(codes, bits, low, high).astype("float32"))) / before - 1)

    ratio = "That is a ratio, or a share. By how many percent is the error larger?"
    tolerance = 0.005 + 0.002 * abs(right)
    guess, value = guessed(guess), as_number(rise, "the measurement")
    rounded_off = abs(value - right) > tolerance and any(abs(value - round(right, k)) < 1e-9 for k in (1, 0))
    slips = [
        *((with_range(low, high, other), f"{bits} bits are asked for.") for other in (bits - 1, bits + 1, 8)),
        (after - before, "This is a difference in squared error, not in percent."),
        (images[0].size * (after - before), "This is a difference in squared error, not in percent."),
        (
            with_range(codes.min(axis=0), codes.max(axis=0)),
            "Whoever stores codes fixes the levels before the test images come. Which images give the range?",
        ),
        (
            with_range(np.full_like(low, low.min()), np.full_like(high, high.max())),
            "The units have ranges of their own.",
        ),
        (after / before, ratio),
        (right / 100, ratio),
        (100 * after / before, "The new error as a percentage of the old one is not yet its rise."),
        (
            100 * mse(exact, rounded) / before,
            "How far are the copies from the images? You compare them with other copies.",
        ),
        (100 * (1 - before / after), "Percent of what? The error before rounding is the whole."),
    ]
    hint = "Squared errors of the same test images, once decoded from exact and once from rounded codes."
    if rounded_off:
        slips, hint = [], "Right, but rounded. Leave the measurement as it is: the check wants all of its digits."
    measured(guess, rise, right, "%", slips, hint, tolerance)
    base, more = (values * images[0].size for values in (before, after - before))
    passed(f"squared error per image: {more:.1f} more than {base:.1f}; the lesson's share is one of a smaller error")
