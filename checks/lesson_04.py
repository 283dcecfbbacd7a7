"""Checks of the exercises of lesson 04. The usual wrong solutions, each with its hint: tests/test_checks_04.py."""

import keras
import numpy as np
from keras import layers
from sklearn.neighbors import KNeighborsClassifier

from checks.base import as_array, call, fail, guessed, measured, passed, shape_of

_CLASSES = (1, 3, 4, 8)


def balanced_draw(function):
    """Check draw(labels, n, seed): n indices, the same number of each class, fixed by the seed, and nested.

    Raises:
        CheckFailed: for anything else than n different integers that index labels, (n / classes) in each class; when
            the seed does not decide alone; when a larger draw does not contain the smaller one of its seed.
    """
    labels = np.random.default_rng(4).permutation(np.repeat(_CLASSES, (30, 40, 50, 60)))
    drawn = {(n, seed): _indices(function, labels, n, seed) for n, seed in ((20, 0), (20, 1), (60, 0), (120, 1))}
    if _indices(function, labels, 20, 0) != drawn[20, 0]:
        fail("the same indices for the same seed", "others", "Draw with a generator that is made from the seed.")
    if drawn[20, 0] == drawn[20, 1]:
        fail("other indices for another seed", "the same", "Which ones of a class are taken must depend on the seed.")
    both = len(drawn[20, 0] & drawn[20, 1])
    if both > 12:  # by chance it would be two or three
        hint = "For each seed, a class has to be in another random order, and not only begin at another place."
        fail("other indices for another seed", f"seeds 0 and 1 share {both} of 20", hint)
    if not (drawn[20, 0] <= drawn[60, 0] and drawn[20, 1] <= drawn[120, 1]):
        fail(
            "for one seed, the larger draw contains the smaller",
            "it does not",
            "What is drawn at random must not depend on n: put the whole class into a random order, then cut.",
        )
    passed("draw: the same number of each class, without repetition, fixed by the seed, and nested")


def _indices(function, labels, n, seed):
    """Return what draw gives as a set, once it is n indices with the same number of each class."""
    what = f"{n} indices into {len(labels)} labels of {len(_CLASSES)} classes"
    result = call(function, labels.copy(), n, seed)
    hint = "Return the indices of the images of all classes, in one array."
    if shape_of(result) == (n // 10 * len(_CLASSES),):
        hint = "Here only four classes occur in the labels, and not 0 to 9. Which ones, the labels must tell."
    elif shape_of(result) == labels.shape:
        hint = "This has an entry for each label. Wanted are the indices of those that are chosen, and no others."
    chosen = as_array(result, (n,), what, hint)
    if np.asarray(result).dtype.kind not in "iu":
        fail(f"{what}: integers", str(np.asarray(result).dtype), "An index is an integer.")
    chosen = chosen.astype(int)
    if chosen.min() < 0 or chosen.max() >= len(labels):
        fail(f"indices from 0 to {len(labels) - 1}", f"{chosen.min()} to {chosen.max()}", "Index the labels.")
    different = len(set(chosen.tolist()))
    if different < n:
        hint = "No image may be chosen twice."
        if set(chosen.tolist()) <= set(_CLASSES):
            hint = "Are these labels? Wanted are the places in the array of labels."
        fail(f"{n} different indices", f"{different} different ones", hint)
    counts = [int(np.count_nonzero(labels[chosen] == c)) for c in _CLASSES]
    if set(counts) != {n // len(_CLASSES)}:
        fail(
            f"{n // len(_CLASSES)} of each class for {what}",
            f"{counts} of the classes {_CLASSES}",
            "Each class gets the same number of labels, however many images it has. Look at one class at a time.",
        )
    return set(chosen.tolist())


def softmax_on_encoder(function):
    """Check classifier(encoder, frozen): ten equal probabilities at first, and what is frozen does not learn.

    Raises:
        CheckFailed: for another result than a Keras model from the encoder's input to ten probabilities, all 0.1; for
            other trainable weights than those of the softmax layer (frozen) or all (not frozen); for another function
            of the encoder's codes than the softmax of a linear one.
    """
    rng = np.random.default_rng(4)
    x = rng.random((6, 4, 4, 1), dtype="float32")
    for frozen, before in ((True, False), (False, False), (False, True)):
        encoder = keras.Sequential([
            keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(7, "tanh"), layers.Dense(3),
        ])  # fmt: skip
        for variable in encoder.weights:
            variable.assign(rng.normal(size=variable.shape))
        codes, shapes = np.asarray(encoder(x)), sorted(tuple(v.shape) for v in encoder.weights)
        encoder.trainable = not before
        model = call(function, encoder, frozen)
        if encoder.output_shape != (None, 3):
            hint = "Your function has changed the encoder itself. Put it into a new model, as one of its layers."
            fail("an encoder that gives codes as before", f"one that gives {encoder.output_shape}", hint)
        if not isinstance(model, keras.Model):
            fail("a Keras model", type(model).__name__, "Return the model itself, with the encoder inside.")
        _equal_probabilities(call(model, x))
        kernel, bias = _head(model, shapes, frozen, before)
        kernel.assign(rng.normal(size=(3, 10)))
        bias.assign(rng.normal(size=10))
        scores = np.exp(codes @ np.asarray(kernel) + np.asarray(bias))
        if not np.allclose(np.asarray(call(model, x)), scores / scores.sum(axis=1, keepdims=True), atol=1e-4):
            fail(
                "the softmax of a linear function of the given encoder's codes",
                "other probabilities",
                "Does the encoder in your model still have the weights of its pretraining? Is there one dense layer "
                "with one softmax behind it, and nothing else?",
            )
    passed("classifier: ten equal probabilities at first, on the codes of the encoder, and what is frozen stays")


def _equal_probabilities(result):
    found = as_array(result, (6, 10), "ten probabilities for each of 6 images", "One output for each class.")
    sums = found.sum(axis=1)
    if not np.allclose(sums, 1, atol=1e-4):
        fail("probabilities, whose sum is 1", f"a sum of {sums[0]:.3f}", "Which activation makes the sum 1?")
    if not np.allclose(found, 0.1, atol=1e-4):
        fail(
            "0.1 for every class before training",
            f"{found.min():.3f} to {found.max():.3f}",
            "The layer starts with random weights. Which ones give every class the same, whatever the code?",
        )


def _head(model, shapes, frozen, before):
    """Return kernel and bias of the softmax layer, once exactly those variables are trainable that should be."""
    trainable = list(model.trainable_variables)
    kernel, bias = (next((v for v in trainable if tuple(v.shape) == s), None) for s in ((3, 10), (10,)))
    rest = sorted(tuple(v.shape) for v in trainable if v is not kernel and v is not bias)
    wanted, found = f"a softmax layer from 3 codes to 10 classes, frozen={frozen}", f"{len(trainable)} trainable arrays"
    if not trainable:
        fail(wanted, "nothing that can learn", "Nothing can learn. Which part stays frozen, and which does not?")
    if kernel is None or any(shape not in shapes for shape in rest):
        fail(wanted, f"trainable arrays {rest}", "One dense layer takes the codes, and nothing stands between.")
    if bias is None:
        fail(wanted, "no bias that can learn", "A dense layer adds a bias, unless it is told not to.")
    if frozen and rest:
        fail(f"{wanted}: only that can learn", found, "The encoder learns. When frozen, only the softmax layer may.")
    if not frozen and rest != shapes:
        hint = "The encoder does not learn. When not frozen, all parts must."
        if before:
            hint = "This encoder came to you frozen, from an earlier call. With frozen=False it must learn again."
        fail(f"{wanted}: everything can learn", found, hint)
    return kernel, bias


def shifted_digits(guess, value, known, known_labels, test, test_labels, shift):
    """Check the error in % of 1-NN on pixels, on test images that are moved to the right.

    Args:
        guess: the student's, any number.
        value: the error that the student measured, in %.
        known: images with labels, (m, h, w, c), not moved.
        known_labels: (m,) integers.
        test: images (n, h, w, c), not moved.
        test_labels: (n,) integers.
        shift: by how many pixels the test images move.

    Raises:
        CheckFailed: for a guess or measurement that is no number, and for another error than that on the images
            moved to the right, whether what leaves there comes in again on the left or is lost.
    """
    guess = guessed(guess)
    nearest = KNeighborsClassifier(1).fit(known.reshape(len(known), -1), known_labels)

    def wrong(by, axis, lost=False):
        moved = np.roll(test, by, axis=axis)
        if lost:
            moved[:, :, :by] = 0
        return nearest.predict(moved.reshape(len(moved), -1)) != test_labels

    def error(*where, **how):
        return 100 * np.mean(wrong(*where, **how))

    right, other = error(shift, 2), error(shift, 2, lost=True)
    tolerance = 0.1 + 150 / len(test)  # an image or two, where two neighbours are equally near
    if isinstance(value, int | float | np.number) and abs(value - other) < abs(value - right):
        right = other
    as_they_are = "This is the error on the images as they are, or of labelled images that have moved as well. "
    as_they_are += "`nearest` is not fitted again, and has to see the moved test images."
    slips = [
        (100 - right, "This is the share that is right. How many are wrong?"),
        (right / 100, "This is a share of 1. Wanted is how many in a hundred."),
        (error(0, 2), as_they_are),
        (error(shift, 1), "Your digits moved down. Which axis of (n, height, width, 1) counts the columns?"),
        (error(-shift, 1), "Your digits moved up. Which axis of (n, height, width, 1) counts the columns?"),
        (error(-shift, 2), "Your digits moved to the left. The picture shows which way they should go."),
    ]
    hint = f"`nearest` predicts the labels of the {len(test):,} images in `test`, moved to the right by {shift} pixels."
    measured(guess, value, right, "%", slips, hint, tolerance=tolerance, bounds=(0, 100))
