"""Every check of lesson 04's exercises passes right solutions and rejects the usual wrong ones with their hint."""

import keras
import numpy as np
import pytest
from keras import layers
from scipy.ndimage import shift as moved
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from checks import CheckFailed
from checks import lesson_04 as checks
from utils.few_labels import stratified_draw


def stub(*_):
    raise NotImplementedError("hint: solve me first")


UNSOLVED = [(stub, "solve me first"), (lambda *_: None, ""), (lambda *_: "text", ""), (lambda *_: object(), "")]


def by_keys(labels, n, seed):
    """Sort all images by a random key, and take those that are early within their class."""
    order = np.argsort(np.random.default_rng(seed).random(len(labels)))
    rank = np.empty(len(labels), int)
    for c in np.unique(labels):
        own = order[labels[order] == c]
        rank[own] = np.arange(len(own))
    return np.flatnonzero(rank < n // len(np.unique(labels)))


def as_list(labels, n, seed):
    """Go through all images in one random order, and take each while its class has room."""
    room = dict.fromkeys(labels.tolist(), n // len(set(labels.tolist())))
    taken = []
    for i in np.random.RandomState(seed).permutation(len(labels)).tolist():
        if room[labels[i]] > 0:
            room[labels[i]] -= 1
            taken.append(i)
    return taken


def each_class(labels, n, pick, classes=None):
    classes = np.unique(labels) if classes is None else classes
    return np.concatenate([pick(np.flatnonzero(labels == c), n // len(classes)) for c in classes])


def choice(labels, n, seed, replace=False):
    rng = np.random.default_rng(seed)
    return each_class(labels, n, lambda own, k: rng.choice(own, k, replace=replace))


def mask(labels, n, seed):
    return np.isin(np.arange(len(labels)), stratified_draw(labels, n, seed))


def another_start(labels, n, seed):
    return each_class(labels, n, lambda own, k: np.roll(own, -seed)[:k])


def shuffles_labels(labels, n, seed):
    np.random.default_rng(seed).shuffle(labels)
    return stratified_draw(labels, n, seed)


@pytest.mark.parametrize("right", [by_keys, as_list, stratified_draw])
def test_balanced_draw_right(right):
    checks.balanced_draw(right)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda labels, n, seed: np.random.default_rng(seed).permutation(len(labels))[:n], "one class at a time"),
        (lambda labels, n, seed: each_class(labels, n, lambda own, k: own[:k], range(10)), "must tell"),
        (lambda labels, n, seed: choice(labels, n, seed, replace=True), "chosen twice"),
        (lambda labels, n, seed: each_class(labels, n, lambda own, k: own[:k]), "depend on the seed"),
        (lambda labels, n, seed: labels[stratified_draw(labels, n, seed)], "Are these labels"),
        (lambda labels, n, seed: stratified_draw(labels, n, seed + 1000 * n), "must not depend on n"),
        (lambda labels, n, seed: stratified_draw(labels, n, None), "made from the seed"),
        (lambda labels, n, seed: stratified_draw(labels, n, seed).reshape(4, -1), "in one array"),
        (lambda labels, n, seed: stratified_draw(labels, n, seed) + 0.0, "is an integer"),
        (lambda labels, n, seed: stratified_draw(labels, n, seed) + 9, "Index the labels"),
        (mask, "an entry for each label"),
        (another_start, "another random order"),
        (shuffles_labels, "shuffle a copy"),
        *UNSOLVED,
    ],
)
def test_balanced_draw_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        checks.balanced_draw(wrong)


def functional(encoder, frozen, start="zeros", activation="softmax", clone=False, hidden=False, **more):
    """Return a classifier with one choice made otherwise."""
    encoder = keras.models.clone_model(encoder) if clone else encoder
    for layer in encoder.layers:
        layer.trainable = not frozen
    encoder.trainable = not frozen
    codes = layers.Dense(5, "relu")(encoder.outputs[0]) if hidden else encoder.outputs[0]
    outputs = layers.Activation(activation)(layers.Dense(10, kernel_initializer=start, **more)(codes))
    return keras.Model(encoder.inputs, outputs)


def copied(encoder, frozen):
    """Put a copy of the encoder, with its weights, into a Sequential."""
    copy = keras.models.clone_model(encoder)
    copy.set_weights(encoder.get_weights())
    copy.trainable = not frozen
    return keras.Sequential([copy, layers.Dense(10, kernel_initializer="zeros"), layers.Softmax()])


def all_frozen(encoder, frozen):
    model = functional(encoder, False)
    model.trainable = not frozen
    return model


def only_freezes(encoder, frozen):
    if frozen:
        encoder.trainable = False
    return keras.Sequential([encoder, layers.Dense(10, "softmax", kernel_initializer="zeros")])


def adds_to_the_encoder(encoder, frozen):
    encoder.trainable = not frozen
    encoder.add(layers.Dense(10, "softmax", kernel_initializer="zeros"))
    return encoder


def twice(encoder, frozen):
    model = functional(encoder, frozen)
    return keras.Sequential([model, layers.Softmax()])


@pytest.mark.parametrize("right", [functional, copied])
def test_softmax_on_encoder_right(right):
    checks.softmax_on_encoder(right)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda encoder, frozen: functional(encoder, frozen, activation="linear"), "makes the sum 1"),
        (lambda encoder, frozen: functional(encoder, frozen, start="he_normal"), "random weights"),
        (lambda encoder, frozen: functional(encoder, False), "The encoder learns"),
        (lambda encoder, frozen: functional(encoder, True), "The encoder does not learn"),
        (only_freezes, "came to you frozen"),
        (all_frozen, "Nothing can learn"),
        (lambda encoder, frozen: functional(encoder, frozen, clone=True), "weights of its pretraining"),
        (lambda encoder, frozen: functional(encoder, frozen, hidden=True), "nothing stands between"),
        (lambda encoder, frozen: functional(encoder, frozen, use_bias=False), "adds a bias"),
        (lambda encoder, frozen: encoder, "One output for each class"),
        (adds_to_the_encoder, "Put it into a new model"),
        (twice, "one softmax behind it"),
        (lambda encoder, frozen: functional(encoder, frozen).layers, "Return the model itself"),
        *UNSOLVED,
    ],
)
def test_softmax_on_encoder_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        checks.softmax_on_encoder(wrong)


DIGITS = load_digits()
IMAGES = np.pad(DIGITS.images[..., None] / 16, ((0, 0), (3, 3), (3, 3), (0, 0))).astype("float32")  # 14x14
TEST, TEST_LABELS = IMAGES[500:1100], DIGITS.target[500:1100]
KNOWN, KNOWN_LABELS = IMAGES[:500], DIGITS.target[:500]
NEAREST = KNeighborsClassifier(1).fit(KNOWN.reshape(500, -1), KNOWN_LABELS)


def error(by):
    test = moved(TEST, (0, *by, 0), order=0)
    return 100 * (1 - NEAREST.score(test.reshape(len(test), -1), TEST_LABELS))


def check(guess, value):
    checks.shifted_digits(guess, value, KNOWN, KNOWN_LABELS, TEST, TEST_LABELS, 2)


@pytest.mark.parametrize(("guess", "kind"), [(12, float), (100.0, np.float32), (0, keras.ops.convert_to_tensor)])
def test_shifted_digits_right(guess, kind, capsys):
    check(guess, kind(error((0, 2))))
    assert "your guess" in capsys.readouterr().out


def test_shifted_digits_accepts_what_is_lost_at_the_border():
    full = np.random.default_rng(4).random((300, 8, 8, 1))  # ink everywhere: rolled and lost differ
    nearest = KNeighborsClassifier(1).fit(full.reshape(300, -1), np.arange(300) % 10)
    lost = moved(full, (0, 0, 3, 0), order=0)
    rolled = np.roll(full, 3, axis=2)
    found = [100 * (1 - nearest.score(x.reshape(300, -1), np.arange(300) % 10)) for x in (lost, rolled)]
    assert abs(found[0] - found[1]) > 1
    for value in found:
        checks.shifted_digits(12, value, full, np.arange(300) % 10, full, np.arange(300) % 10, 3)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (100 - error((0, 2)), "How many are wrong"),
        (error((0, 2)) / 100, "in a hundred"),
        (error((0, 0)), "as they are"),
        (error((2, 0)), "moved down"),
        (error((0, -2)), "to the left"),
        (error((-2, 0)), "moved up"),
        (150.0, "images in `test`"),
    ],
)
def test_shifted_digits_wrong(value, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        check(12, value)


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (12, None, "still to be done"),
        ("12", 50.0, "Write one down"),
        (True, 50.0, "Write one down"),
        (12, "many", "One plain number"),
        (12, [50.0, 40.0], "One plain number"),
        (250.0, 50.0, "In which unit"),
    ],
)
def test_shifted_digits_needs_numbers(guess, value, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        check(guess, value)
