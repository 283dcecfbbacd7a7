"""Every check of lesson 04's exercises passes another right solution and rejects the usual wrong ones."""

import checks_04 as checks
import keras
import numpy as np
import pytest
from checks_base import CheckFailed
from keras import layers
from scipy.ndimage import shift as moved
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from utils.few_labels import stratified_draw


def by_keys(labels, n, seed):
    """Sort all examples by a random key, and take those that are early within their class."""
    order = np.argsort(np.random.default_rng(seed).random(len(labels)))
    rank = np.empty(len(labels), int)
    for c in np.unique(labels):
        own = order[labels[order] == c]
        rank[own] = np.arange(len(own))
    return np.flatnonzero(rank < n // len(np.unique(labels)))


def each_class(labels, n, pick):
    return np.concatenate([pick(np.flatnonzero(labels == c), n // 4) for c in np.unique(labels)])


def choice(labels, n, seed, replace=False):
    rng = np.random.default_rng(seed)
    return each_class(labels, n, lambda own, k: rng.choice(own, k, replace=replace))


def new_for_each_n(labels, n, seed):
    return stratified_draw(labels, n, seed + 1000 * n)


@pytest.mark.parametrize("right", [by_keys, stratified_draw])
def test_balanced_draw_right(right):
    checks.balanced_draw(right)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda labels, n, seed: np.random.default_rng(seed).permutation(len(labels))[:n], "one class at a time"),
        (lambda labels, n, seed: choice(labels, n, seed, replace=True), "chosen twice"),
        (lambda labels, n, seed: each_class(labels, n, lambda own, k: own[:k]), "depend on the seed"),
        (lambda labels, n, seed: labels[stratified_draw(labels, n, seed)], "Are these labels"),
        (new_for_each_n, "must not depend on n"),
        (lambda labels, n, seed: stratified_draw(labels, n, None), "made from the seed"),
        (
            lambda labels, n, seed: np.isin(np.arange(len(labels)), stratified_draw(labels, n, seed)),
            "indices, all in one",
        ),
    ],
)
def test_balanced_draw_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.balanced_draw(wrong)


def functional(encoder, frozen, start="zeros", activation="softmax", clone=False):
    """Return a classifier with one choice made otherwise."""
    encoder = keras.models.clone_model(encoder) if clone else encoder
    for layer in encoder.layers:
        layer.trainable = not frozen
    outputs = layers.Activation(activation)(layers.Dense(10, kernel_initializer=start)(encoder.outputs[0]))
    return keras.Model(encoder.inputs, outputs)


def all_frozen(encoder, frozen):
    model = functional(encoder, False)
    model.trainable = not frozen
    return model


def test_softmax_on_encoder_right():
    checks.softmax_on_encoder(functional)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda encoder, frozen: functional(encoder, frozen, activation="linear"), "makes it 1"),
        (lambda encoder, frozen: functional(encoder, frozen, start="he_normal"), "equally likely"),
        (lambda encoder, frozen: functional(encoder, False), "The encoder learns"),
        (lambda encoder, frozen: functional(encoder, True), "The encoder does not learn"),
        (all_frozen, "Nothing can learn"),
        (lambda encoder, frozen: functional(encoder, frozen, clone=True), "weights of its pretraining"),
        (lambda encoder, frozen: encoder, "One output for each class"),
    ],
)
def test_softmax_on_encoder_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=f"Hint: .*{hint}"):
        checks.softmax_on_encoder(wrong)


DIGITS = load_digits()
IMAGES = np.pad(DIGITS.images[..., None] / 16, ((0, 0), (3, 3), (3, 3), (0, 0))).astype("float32")  # 14x14
TRAIN, TEST = IMAGES[:500], IMAGES[500:1100]
LABELS, TEST_LABELS = DIGITS.target[:500], DIGITS.target[500:1100]


def nearest(train, test):
    model = KNeighborsClassifier(1).fit(train.reshape(len(train), -1), LABELS)
    return 100 * (1 - model.score(test.reshape(len(test), -1), TEST_LABELS))


def check(guess, measured):
    checks.shifted_digits(guess, measured, TRAIN, LABELS, TEST, TEST_LABELS, 2)


def to_the(side, images):
    return moved(images, (0, 0, 2, 0) if side == "right" else (0, 2, 0, 0), order=0)


@pytest.mark.parametrize("guess", [12, 250.0, -1])
def test_shifted_digits_right(guess, capsys):
    check(guess, nearest(TRAIN, to_the("right", TEST)))
    assert "your guess is" in capsys.readouterr().out


def test_shifted_digits_wrong():
    right = nearest(TRAIN, to_the("right", TEST))
    wrong = {
        "How many are wrong": 100 - right,
        "in a hundred": right / 100,
        "without a shift": nearest(TRAIN, TEST),
        "with the same shift": nearest(to_the("right", TRAIN), to_the("right", TEST)),
        "to the right": nearest(to_the("right", TRAIN), TEST),
        "moved down": nearest(TRAIN, to_the("down", TEST)),
        "all 784 pixels": 150.0,
    }
    for hint, measured in wrong.items():
        with pytest.raises(CheckFailed, match=hint):
            check(12, measured)


@pytest.mark.parametrize(("guess", "measured"), [(None, 50.0), (12, None), ("12", 50.0), (True, 50.0)])
def test_shifted_digits_needs_numbers(guess, measured):
    with pytest.raises(CheckFailed, match="Any number will do"):
        check(guess, measured)
