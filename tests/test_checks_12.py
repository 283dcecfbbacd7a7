"""The checks of lesson 12's exercises: right solutions pass, every usual wrong one gets its hint."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from checks import CheckFailed
from checks import lesson_12 as checks


def unsolved(*args):
    raise NotImplementedError("hint: think")


@pytest.mark.parametrize(
    "function",
    [
        lambda m, s, e: m + ops.exp(s / 2) * e,
        lambda m, s, e: e * ops.sqrt(ops.exp(s)) + m,
        lambda m, s, e: tf.add(tf.exp(0.5 * s) * e, m),
    ],
)
def test_draw_accepts_right_solutions(function, capsys):
    checks.reparameterised_draw(function)
    assert capsys.readouterr().out.startswith("✔ draw")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda m, s, e: m + s * e, "by log_variance, which is not σ"),
        (lambda m, s, e: m + ops.sqrt(s) * e, "no root"),
        (lambda m, s, e: m + ops.log(s) * e, "no logarithm"),
        (lambda m, s, e: m + ops.exp(s) * e, "by the variance σ²"),
        (lambda m, s, e: m + ops.exp(s) / 2 * e, "Half of the variance"),
        (lambda m, s, e: m + ops.exp(2 * s) * e, "σ⁴"),
        (lambda m, s, e: ops.exp(s / 2) * e, "Around what"),
        (lambda m, s, e: m + ops.exp(s / 2) * keras.random.normal(ops.shape(m)), "use the noise that is given"),
        (lambda m, s, e: m + ops.exp(s / 2) * keras.random.normal(ops.shape(m), seed=1), "that is given takes no part"),
        (lambda m, s, e: m + 0 * s, "every draw is the same"),
        (lambda m, s, e: m + np.exp(s / 2) * e, "cut the gradient"),
        (lambda m, s, e: m + ops.exp(s / 2) + e, "Which two steps"),
        (lambda m, s, e: ops.sum(m + ops.exp(s / 2) * e, axis=1), "Nothing is summed"),
        (lambda m, s, e: None, "return"),
        (lambda m, s, e: "text", "Nothing is summed"),
        (lambda m, s, e: [[1.0], [1.0, 2.0]], "Nothing is summed"),
        (lambda m, s: m, "TypeError"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_draw_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.reparameterised_draw(function)


def rec(x, logits):
    return ops.sum(ops.softplus(logits) - x * logits, axis=(1, 2, 3))


def price(m, s):
    return ops.sum(m**2 + ops.exp(s) - 1 - s, axis=1) / 2


def half(squares, logs):
    """KL with the student's own σ² + mean² and log σ²."""
    return ops.sum(squares - 1 - logs, axis=1) / 2


def keras_own(x, m, s, logits):
    """Another way: Keras' cross-entropy, pixels in a row, a list."""
    flat = [ops.reshape(values, (ops.shape(x)[0], -1)) for values in (x, logits)]
    pixels = ops.binary_crossentropy(*flat, from_logits=True)
    return [ops.sum(pixels, axis=-1), -0.5 * ops.sum(1 + s - m**2 - ops.exp(s), axis=-1)]


def in_numpy(x, m, s, logits):
    x, m, s, logits = (np.asarray(part) for part in (x, m, s, logits))
    signed = np.where(x == 1, -logits, logits)
    return np.logaddexp(0, signed).sum((1, 2, 3)), 0.5 * (m**2 + np.expm1(s) - s).sum(1)


def naive(x, logits):
    p = 1 / (1 + ops.exp(-logits))
    return -ops.sum(x * ops.log(p) + (1 - x) * ops.log(1 - p), axis=(1, 2, 3))


@pytest.mark.parametrize("function", [keras_own, in_numpy, lambda x, m, s, t: (rec(x, t), price(m, s))])
def test_terms_accept_right_solutions(function, capsys):
    checks.vae_terms(function)
    assert capsys.readouterr().out.startswith("✔ terms")


@pytest.mark.parametrize(
    ("kl", "hint"),
    [
        (lambda m, s: price(m, s) / 3, "mean over the units"),
        (lambda m, s: ops.mean(m**2 + ops.exp(s) - 1 - s, axis=1) / 2, "mean over the units"),
        (lambda m, s: ops.mean(m**2 + ops.exp(s) - 1 - s) / 2, "one mean over images and units"),
        (lambda m, s: ops.mean(price(m, s)), "One number per image"),
        (lambda m, s: (m**2 + ops.exp(s) - 1 - s) / 2, "One number per image"),
        (lambda m, s: half(m**2 + s**2, ops.log(s**2)), "takes log_variance for σ "),
        (lambda m, s: half(m**2 + s**2, s), "takes log_variance for σ "),
        (lambda m, s: half(m**2 + s**2, 2 * s), "takes log_variance for σ "),
        (lambda m, s: half(m**2 + s**2, 2 * ops.log(s)), "no logarithm of it"),
        (lambda m, s: half(m**2 + s, ops.log(s)), "no logarithm of it"),
        (lambda m, s: price(m, 2 * s), "for log σ"),
        (lambda m, s: half(m**2 + ops.exp(s) ** 2, s), "of σ or of σ²"),
        (lambda m, s: half(m**2 + ops.exp(s / 2), s), "Here stands σ"),
        (lambda m, s: 2 * price(m, s), "a factor"),
        (lambda m, s: -price(m, s), "never negative"),
        (lambda m, s: price(m, s) + 1, "by hand"),
        (lambda m, s: None, "return"),
    ],
)
def test_terms_reject_another_kl(kl, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.vae_terms(lambda x, m, s, t: (rec(x, t), kl(m, s)))


@pytest.mark.parametrize(
    ("reconstruction", "hint"),
    [
        (lambda x, t: rec(x, t) / 12, "mean over the pixels"),
        (lambda x, t: ops.mean(rec(x, t)) / 12, "one mean over images and pixels"),
        (lambda x, t: ops.mean(rec(x, t)), "One number per image"),
        (lambda x, t: -rec(x, t), "at most 1"),
        (lambda x, t: ops.sum((x - ops.sigmoid(t)) ** 2, axis=(1, 2, 3)), "squared error"),
        (lambda x, t: ops.sum(ops.binary_crossentropy(x, t), axis=(1, 2, 3)), "Logits are no"),
        (lambda x, t: -ops.sum(x * ops.log_sigmoid(t), axis=(1, 2, 3)), "pixels that are 0"),
        (lambda x, t: ops.sum(ops.log(t), axis=(1, 2, 3)), "0 or less"),
        (naive, "exp overflows"),
        (lambda x, t: ops.sum(ops.binary_crossentropy(x, 1 / (1 + ops.exp(-t))), axis=(1, 2, 3)), "was clipped"),
        (lambda x, t: 2 * rec(x, t), "by hand"),
    ],
)
def test_terms_reject_another_reconstruction(reconstruction, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.vae_terms(lambda x, m, s, t: (reconstruction(x, t), price(m, s)))


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda x, m, s, t: rec(x, t) + price(m, s), "return reconstruction, kl"),
        (lambda x, m, s, t: (price(m, s), rec(x, t)), "order"),
        (lambda x, m, s, t: None, "return reconstruction, kl"),
        (lambda x, m, s, t: ("a", "b"), "One number per image"),
        (lambda x, m, s, t: ([[1.0], [1.0, 2.0]], rec(x, t)), "One number per image"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_terms_reject(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.vae_terms(function)


def model(means, beta=4.0):
    """A network of which nothing but its answers is known: means (10, d), variances of 1."""
    return SimpleNamespace(beta=beta, posterior=lambda x: (means, np.zeros_like(means)))


@pytest.fixture
def means():
    """Ten images, six units: two in use by all images, one by a single image, two nearly, one not at all."""
    values = np.zeros((10, 6))
    values[:, :2], values[0, 2], values[:, 3:5] = 2.0, 0.9, 0.3
    return values


@pytest.mark.parametrize("value", [2, np.int64(2), np.array(2.0), ops.convert_to_tensor(2)])
def test_units_accept_any_guess(value, means, capsys):
    checks.units_in_use(6, value, model(means), None)
    assert "off by 4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (7, 2, "In which unit"),
        (-1, 2, "In which unit"),
        (None, 2, "still to be done"),
        (3, None, "still to be done"),
        ("three", 2, "Any number will do"),
        (3, "two", "One plain number"),
        (3, [2, 2], "One plain number"),
        (3, 21, "pairs of an image and a unit"),
        (3, 3, "Is one image enough"),
        (3, 4, "switched off"),
        (3, 5, "without the weight"),
        (3, 2 / 6, "a share"),
        (3, 6, "posterior"),
    ],
)
def test_units_reject(guess, value, hint, means):
    with pytest.raises(CheckFailed, match=hint):
        checks.units_in_use(guess, value, model(means), None)


def test_units_at_the_limit_are_not_above_it(means):
    with pytest.raises(CheckFailed, match="without the weight"):  # 0.05 · 2 nats are 0.1 nats, not more
        checks.units_in_use(3, 0, model(means, beta=0.05), None)
