"""The checks of lesson 06's exercises: right solutions pass, every usual wrong one gets its hint."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt

from checks import CheckFailed
from checks import lesson_06 as checks
from utils import metrics


def unsolved(*args):
    raise NotImplementedError("hint: think")


def softmax(logits):
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


def right_loss(logits, labels, weights):
    table = np.append(weights, 0)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    log_p = np.take_along_axis(log_p, np.minimum(labels, len(weights) - 1)[..., None], -1)[..., 0]
    return -np.sum(table[labels] * log_p) / table[labels].sum()


def by_pixels(logits, labels, weights):
    """Another way: pixel by pixel; an array of one number."""
    total = whole = 0.0
    for place, y in np.ndenumerate(labels):
        if y < len(weights):
            z = logits[place] - logits[place].max()
            total += weights[y] * (np.log(np.exp(z).sum()) - z[y])
            whole += weights[y]
    return np.array(total / whole)


def by_keras(logits, labels, weights):
    """Another way: Keras', a tensor."""
    known = np.minimum(labels, len(weights) - 1)
    each = keras.losses.sparse_categorical_crossentropy(known, logits, from_logits=True)
    weight = tf.constant(np.append(weights, 0)[labels])
    return tf.reduce_sum(weight * tf.cast(each, weight.dtype)) / tf.reduce_sum(weight)


def loss_with(logits, labels, weights, *, unlabelled="zero", p=softmax, log=np.log, mean=None):
    last = len(weights) - 1
    table = np.append(weights, weights[-1] if unlabelled == "last" else 0)
    known = labels % (last + 1) if unlabelled == "first" else np.minimum(labels, last)
    with np.errstate(all="ignore"):
        each = -log(np.take_along_axis(p(logits), known[..., None], -1)[..., 0])
        weight = weights[known] if unlabelled == "first" else table[labels]
        each = np.where(weight > 0, each, 0)
        return mean(each, weight, labels) if mean else np.sum(weight * each) / weight.sum()


def overflowing(logits):
    p = np.exp(logits)
    return p / p.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("function", [right_loss, by_pixels, by_keras])
def test_loss_accepts_right_solutions(function, capsys):
    checks.weighted_cross_entropy(function)
    assert capsys.readouterr().out.startswith("✔ weighted_cross_entropy")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda z, y, w: -right_loss(z, y, w), "The sign"),
        (lambda z, y, w: np.mean(softmax(z)[..., 0]), "takes its logarithm"),
        (lambda z, y, w: loss_with(z, y, w, log=np.log2), "natural logarithm"),
        (lambda z, y, w: loss_with(z, y, w, mean=lambda e, w, y: np.sum(w * e)), "sum over pixels"),
        (lambda z, y, w: -np.log(softmax(z)).mean(), "mean over classes"),
        (lambda z, y, w: -np.log(softmax(z).max(axis=-1)).mean(), "not the likeliest"),
        (lambda z, y, w: loss_with(z, y, w, mean=lambda e, w, y: np.mean(w * e)), "sum of the weights of the pixels"),
        (
            lambda z, y, w: loss_with(z, y, w, mean=lambda e, v, y: np.sum(v * e) / w.sum()),
            "Every pixel costs|weights of",
        ),
        (lambda z, y, w: right_loss(z, y, np.ones(len(w))), "take no part"),
        (lambda z, y, w: right_loss(z, y, 1 / w), "divide by it"),
        (lambda z, y, w: loss_with(z, y, w, unlabelled="last"), "as if they had the last class"),
        (lambda z, y, w: loss_with(z, y, w, unlabelled="first"), "as if they had class 0"),
        (
            lambda z, y, w: loss_with(z, y, w, mean=lambda e, v, y: np.sum(v * e) / w[np.minimum(y, len(w) - 1)].sum()),
            "left out above, but not below",
        ),
        (lambda z, y, w: loss_with(z, y, w, p=overflowing), "largest logit first"),
        (lambda z, y, w: loss_with(z, y, w), "largest logit"),  # the logarithm of 0
        (lambda z, y, w: np.append(w, 0)[y] * 1.0, "One number for all pixels"),
        (lambda z, y, w: right_loss(z, y, w) + 1, "Every pixel costs log c"),
        (lambda z, y, w: None, "return"),
        (lambda z, y, w: "text", "One number"),
        (lambda z, y: 0, "TypeError"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_loss_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.weighted_cross_entropy(function)


def band(mask, reach):
    return mask & (distance_transform_edt(mask) <= reach)


def share(a, b):
    return (a & b).sum() / (a | b).sum()


def by_transform(true, given, reach):
    return share(band(true, reach), band(given, reach))


def by_disc(true, given, reach):
    """Another way: the outside, grown by a disc; a tensor."""
    k = np.arange(-int(reach), int(reach) + 1)
    disc = k[:, None] ** 2 + k**2 <= reach**2
    a, b = (mask & binary_dilation(~mask, disc) for mask in (true, given))
    return tf.constant(share(a, b))


def bands(true, given, make, measure=share):
    return measure(make(true), make(given))


def in_place(true, given, reach):
    true &= distance_transform_edt(true) <= reach
    return share(true, band(given, reach))


@pytest.mark.parametrize("function", [by_transform, by_disc])
def test_bands_accept_right_solutions(function, capsys):
    checks.boundary_iou(function)
    assert capsys.readouterr().out.startswith("✔ boundary_iou")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda a, b, r: share(a, b), "whole masks"),
        (lambda a, b, r: bands(a, b, lambda m: band(m, r) | band(~m, r)), "both sides"),
        (lambda a, b, r: bands(a, b, lambda m: band(~m, r)), "outside the masks"),
        (lambda a, b, r: bands(a, b, lambda m: m & ~binary_erosion(m, None, int(r), border_value=1)), "along rows"),
        (
            lambda a, b, r: bands(a, b, lambda m: m & ~binary_erosion(m, np.ones((3, 3)), int(r), border_value=1)),
            "diagonal step",
        ),
        (lambda a, b, r: bands(a, b, lambda m: m & ~binary_erosion(m, None, int(r))), "along rows|no boundary"),
        (lambda a, b, r: bands(a, b, lambda m: m & (distance_transform_edt(m) < r)), "exactly as far|division by 0"),
        (lambda a, b, r: 2 * (band(a, r) & band(b, r)).sum() / (band(a, r).sum() + band(b, r).sum()), "Dice"),
        (lambda a, b, r: (band(a, r) & band(b, r)).sum() / band(a, r).sum(), "recall"),
        (lambda a, b, r: (band(a, r) & band(b, r)).sum() / band(b, r).sum(), "precision"),
        (lambda a, b, r: by_transform(a, b, r) + 1, "own pixels"),
        (in_place, "Whoever calls it"),
        (lambda a, b, r: band(a, r), "One number for two masks"),
        (lambda a, b, r: None, "return"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_bands_reject(function, hint):
    with np.errstate(all="ignore"), pytest.raises(CheckFailed, match=hint):
        checks.boundary_iou(function)


@pytest.fixture(scope="module")
def labels():
    values = np.zeros((20, 16, 16), int)
    rng = np.random.default_rng(1)
    for k, image in enumerate(values):
        i, j = rng.integers(1, 8, 2)
        image[i : i + 6, j : j + 3] = 1 + k % 10
    return values


def iou_of(labels, moved):
    return metrics.iou(metrics.confusion_matrix(labels, moved, 11))


def test_shifted_accepts_any_guess(labels, capsys):
    moved = np.roll(labels, 1, axis=2)
    value = iou_of(labels, moved)[1:].mean()
    assert value == pytest.approx(0.5)  # 12 of 24 pixels
    for form in (value, np.array([value]), tf.constant(value)):
        checks.shifted(0.9, form, labels)
    assert "your guess of 0.9 is off by 0.4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (0.5, None, "still to be done"),
        ("half", 0.5, "Any number will do"),
        (50, 0.5, "In which unit"),
        (0.5, "half", "One plain number"),
        (0.5, lambda y, m: iou_of(y, m).mean(), "holds the background"),
        (0.5, lambda y, m: 100 * iou_of(y, m)[1:].mean(), "in percent"),
        (0.5, lambda y, m: metrics.class_accuracy(metrics.confusion_matrix(y, m, 11))[1:].mean(), "class accuracy"),
        (0.5, lambda y, m: metrics.global_accuracy(metrics.confusion_matrix(y, m, 11)), "global accuracy"),
        (0.5, lambda y, m: iou_of(y, y)[1:].mean(), "Is the prediction moved"),
        (0.5, lambda y, m: iou_of(y, np.roll(y, 1, axis=1))[1:].mean(), "moved down"),
        (0.5, 0.123, "without class 0"),
    ],
)
def test_shifted_rejects(guess, value, hint, labels):
    if callable(value):
        value = value(labels, np.roll(labels, 1, axis=2))
    with pytest.raises(CheckFailed, match=hint):
        checks.shifted(guess, value, labels)
