"""Checks of the exercises of lesson 04.

The usual wrong solutions:

balanced_draw: drawn from all images at once, whatever their class; drawn with replacement; the first ones of each
    class, whatever the seed; labels returned instead of indices; another draw for every number, so that the larger one
    does not contain the smaller; unseeded.
softmax_on_encoder: no softmax; a softmax layer that starts at random; a frozen encoder that learns after all; the whole
    model frozen; an encoder that never learns; an encoder with new weights.
shifted_digits: the accuracy; a share instead of per cent; the training images shifted, or both; down instead of right;
    nothing shifted; no guess.
"""

import keras
import numpy as np
from keras import layers

from checks_base import call, fail, guessed_number, passed


def balanced_draw(function):
    """Check draw(labels, n, seed): indices, n / classes of each class, by the seed, the smaller draw in the larger."""
    labels = np.random.default_rng(4).permutation(np.repeat(np.arange(4), (30, 40, 50, 60)))
    draws = {}
    for n, seed in ((20, 0), (20, 1), (60, 0), (120, 1)):
        chosen = np.asarray(call(function, labels.copy(), n, seed))
        what = f"n = {n} of {len(labels)} examples of 4 classes"
        if chosen.shape != (n,) or not np.issubdtype(chosen.dtype, np.integer):
            fail(
                f"{n} integers for {what}", f"{chosen.dtype} of shape {chosen.shape}", "Return the indices, all in one."
            )
        if len(set(chosen.tolist())) < n:
            if chosen.max() < 4:
                hint = "Are these labels? What is wanted are the places in the array of labels."
            else:
                hint = "An image must not be chosen twice."
            fail(f"{n} different indices", f"{len(set(chosen.tolist()))} different ones", hint)
        if chosen.min() < 0 or chosen.max() >= len(labels):
            fail(f"indices from 0 to {len(labels) - 1}", f"{chosen.min()} to {chosen.max()}", "Index the labels.")
        counts = np.bincount(labels[chosen], minlength=4)
        if not (counts == n // 4).all():
            fail(
                f"{n // 4} of each class for {what}",
                f"{counts.tolist()} of the classes 0 to 3",
                "Each class gets the same number of labels. Look at the examples of one class at a time.",
            )
        draws[n, seed] = set(chosen.tolist())
    if set(np.asarray(call(function, labels.copy(), 20, 0)).tolist()) != draws[20, 0]:
        fail("the same examples for the same seed", "others", "Draw with a generator that is made from the seed.")
    if draws[20, 0] == draws[20, 1]:
        fail("other examples for another seed", "the same", "Which ones of a class are taken must depend on the seed.")
    if not (draws[20, 0] <= draws[60, 0] and draws[20, 1] <= draws[120, 1]):
        fail(
            "for one seed, the larger draw contains the smaller",
            "it does not",
            "What is drawn at random must not depend on n. Put each class in a random order first.",
        )
    passed("draw: the same number of each class, without repetition, fixed by the seed, and nested")


def softmax_on_encoder(function):
    """Check classifier(encoder, frozen): equal probabilities at first; frozen, only the softmax layer learns."""
    rng = np.random.default_rng(4)
    x = rng.random((6, 4, 4, 1), dtype="float32")
    for frozen in (True, False):
        encoder = keras.Sequential([
            keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(7, "tanh"), layers.Dense(3),
        ])  # fmt: skip
        for variable in encoder.weights:
            variable.assign(rng.normal(size=variable.shape))
        codes, count = np.asarray(encoder(x)), len(encoder.weights)
        model = call(function, encoder, frozen)
        if not isinstance(model, keras.Model):
            fail("a Keras model", type(model).__name__, "Return the model itself.")
        found = np.asarray(call(model, x))
        if found.shape != (6, 10):
            fail("10 outputs for each image", f"shape {found.shape}", "One output for each class.")
        if not np.allclose(found.sum(axis=1), 1, atol=1e-4):
            fail("probabilities, whose sum is 1", f"a sum of {found[0].sum():.3f}", "Which activation makes it 1?")
        if not np.allclose(found, 0.1, atol=1e-4):
            fail(
                "0.1 for every class before training",
                f"{found.min():.3f} to {found.max():.3f}",
                "All classes are equally likely at first. Which kernel gives that?",
            )
        learning = len(model.trainable_variables)
        wanted = 2 if frozen else count + 2
        if learning != wanted:
            if learning == 0:
                hint = "Nothing can learn. Which part stays frozen, and which does not?"
            elif frozen:
                hint = "The encoder learns. When frozen, only the softmax layer may."
            else:
                hint = "The encoder does not learn. When not frozen, all parts must."
            fail(f"{wanted} trainable variables with frozen={frozen}", learning, hint)
        kernel, bias = (next((v for v in model.trainable_variables if v.shape == s), None) for s in ((3, 10), (10,)))
        if kernel is None or bias is None:
            fail(
                "a softmax layer from 3 codes to 10 classes, with a bias",
                str([tuple(v.shape) for v in model.trainable_variables]),
                "It takes the code, and nothing else stands between.",
            )
        kernel.assign(rng.normal(size=(3, 10)))
        bias.assign(rng.normal(size=10))
        scores = np.exp(codes @ np.asarray(kernel) + np.asarray(bias))
        if not np.allclose(np.asarray(model(x)), scores / scores.sum(axis=1, keepdims=True), atol=1e-4):
            fail(
                "the softmax of a linear function of the codes of the encoder that was given",
                "other probabilities",
                "Does your encoder still have the weights of its pretraining?",
            )
    passed("classifier: ten equal probabilities at first, on the codes of the encoder, and what is frozen stays")


def shifted_digits(guess, measured, train, train_labels, test, test_labels, shift):
    """Check the test error in % of 1-NN on pixels when the test images are shifted to the right."""
    guessed_number(guess)
    guessed_number(measured, "the measurement")
    train, test = np.asarray(train, "float32"), np.asarray(test, "float32")

    def error(a, b):
        a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
        nearest = (np.square(a).sum(axis=1) - 2 * b @ a.T).argmin(axis=1)
        return float(100 * np.mean(train_labels[nearest] != test_labels))

    right = error(train, _shifted(test, shift, axis=2))
    tolerance = 0.1 + 150 / len(test)  # ties, and what a rounding may change: one image or two
    if abs(measured - right) > tolerance:
        hints = {
            "This is the part that is right. How many are wrong?": 100 - right,
            "This is a share of 1. The question is how many in a hundred.": right / 100,
            "This is the error without a shift, or with the same shift for both. Only the test images move.": error(
                train, test
            ),
            "Which images move, and which way? It is the test images, to the right.": error(
                _shifted(train, shift, axis=2), test
            ),
            "Your digits moved down. Which axis of (n, h, w, c) are the columns?": error(
                train, _shifted(test, shift, axis=1)
            ),
        }
        other = f"One nearest neighbour, on all 784 pixels, the test images moved by {shift} pixels."
        hint = next((hint for hint, number in hints.items() if abs(number - measured) <= tolerance), other)
        fail("the error in % on the shifted test images", f"{measured:.2f}", hint)
    passed(
        f"1-NN on pixels errs on {measured:.1f} % of the shifted digits ({error(train, test):.1f} % without the shift)"
        f"; your guess is {abs(guess - measured):.1f} off"
    )


def _shifted(images, shift, axis):
    """Return images (n, h, w, c) moved down (axis 1) or to the right (axis 2), with zeros coming in."""
    moved = np.roll(images, shift, axis=axis)
    moved[(slice(None),) * axis + (slice(0, shift),)] = 0
    return moved
