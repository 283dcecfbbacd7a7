"""The checks of lesson 12's exercises: a right solution passes, every usual wrong one gets its hint."""

import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

sys.path.insert(0, str(Path(__file__).parent))

import checks_12 as checks
from checks_base import CheckFailed


def unsolved(*args):
    raise NotImplementedError("hint: think")


def test_draw_accepts_a_right_solution(capsys):
    checks.reparameterised_draw(lambda m, s, e: e * ops.sqrt(ops.exp(s)) + m)
    assert capsys.readouterr().out.startswith("✔ draw")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda m, s, e: m + s * e, "not σ"),
        (lambda m, s, e: m + ops.exp(s) * e, "the variance"),
        (lambda m, s, e: ops.exp(s / 2) * e, "Around what"),
        (lambda m, s, e: m + ops.exp(s / 2) * keras.random.normal(ops.shape(m)), "use the noise that is given"),
        (lambda m, s, e: m + 0 * s, "takes no part"),
        (lambda m, s, e: m + np.exp(s / 2) * e, "cut the gradient"),
        (lambda m, s, e: ops.sum(m + ops.exp(s / 2) * e, axis=1), "Nothing is summed"),
        (lambda m, s, e: None, "return"),
        (lambda m, s: m, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_draw_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.reparameterised_draw(function)


def cross_entropy(x, logits):
    return ops.sum(ops.softplus(logits) - x * logits, axis=(1, 2, 3))


def price(m, s):
    return ops.sum(m**2 + ops.exp(s) - 1 - s, axis=1) / 2


def right(x, m, s, logits):
    """Another way: Keras' own cross-entropy, pixels in a row."""
    flat = [ops.reshape(values, (ops.shape(x)[0], -1)) for values in (x, logits)]
    pixels = ops.binary_crossentropy(*flat, from_logits=True)
    return [ops.sum(pixels, axis=-1), -0.5 * ops.sum(1 + s - m**2 - ops.exp(s), axis=-1)]


def naive(x, logits):
    p = 1 / (1 + ops.exp(-logits))
    return -ops.sum(x * ops.log(p) + (1 - x) * ops.log(1 - p), axis=(1, 2, 3))


def logits_as_probabilities(x, logits):
    return ops.sum(ops.binary_crossentropy(x, logits), axis=(1, 2, 3))


def test_terms_accept_a_right_solution(capsys):
    checks.vae_terms(right)
    assert capsys.readouterr().out.startswith("✔ terms")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda x, m, s, t: (cross_entropy(x, t), price(m, s) / 3), "mean over the units"),
        (lambda x, m, s, t: (cross_entropy(x, t) / 12, price(m, s)), "mean over the pixels"),
        (lambda x, m, s, t: (ops.mean(cross_entropy(x, t)), ops.mean(price(m, s))), "One number per image"),
        (lambda x, m, s, t: (cross_entropy(x, t), ops.sum(m**2 + s**2 - 1 - ops.log(s**2), axis=1) / 2), "something"),
        (lambda x, m, s, t: (cross_entropy(x, t), ops.sum(m**2 + s**2 - 1 - s, axis=1) / 2), "something else"),
        (lambda x, m, s, t: (cross_entropy(x, t), price(m, 2 * s)), "something else"),
        (lambda x, m, s, t: (cross_entropy(x, t), ops.sum(m**2 + s - 1 - ops.log(s), axis=1) / 2), "logarithm of"),
        (lambda x, m, s, t: (cross_entropy(x, t), 2 * price(m, s)), "a factor"),
        (lambda x, m, s, t: (cross_entropy(x, t), -price(m, s)), "never negative"),
        (lambda x, m, s, t: (-cross_entropy(x, t), price(m, s)), "at most 1"),
        (lambda x, m, s, t: (ops.sum((x - ops.sigmoid(t)) ** 2, axis=(1, 2, 3)), price(m, s)), "squared error"),
        (lambda x, m, s, t: (logits_as_probabilities(x, t), price(m, s)), "Logits are not"),
        (lambda x, m, s, t: (naive(x, t), price(m, s)), "large logits"),
        (lambda x, m, s, t: cross_entropy(x, t) + price(m, s), "return reconstruction, kl"),
        (unsolved, "think"),
    ],
)
def test_terms_reject(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.vae_terms(function)


X = np.zeros((10, 1))


def model():
    """Ten images, five units: two in use by all images, one by a single image, one nearly, one not at all."""
    mean = np.zeros((10, 5))
    mean[:, :2], mean[0, 2], mean[:, 3] = 2.0, 0.9, 0.3
    return SimpleNamespace(beta=4.0, posterior=lambda x: (mean, np.zeros((10, 5))))


def test_units_accept_any_number_as_a_guess(capsys):
    checks.units_in_use(17, np.int64(2), model(), X)
    assert "off by 15" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "measured", "hint"),
    [
        (None, 2, "as guess"),
        (3, None, "as measured"),
        ("three", 2, "One plain number"),
        (3, 21, "pairs of an image and a unit"),
        (3, 5, "posterior"),
    ],
)
def test_units_reject(guess, measured, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.units_in_use(guess, measured, model(), X)


@pytest.mark.parametrize(
    ("units", "measured", "hint"),
    [((2, 2, 0.9), 3, "One image is enough"), ((2, 0, 0), 2, "switched off"), ((2, 0.3, 0.3), 3, "without the weight")],
)
def test_units_name_the_slip(units, measured, hint):
    mean = np.zeros((10, 3))
    mean[:, :] = units
    if units[2] == 0.9:
        mean[1:, 2] = 0
    fake = SimpleNamespace(beta=4.0, posterior=lambda x: (mean, np.zeros((10, 3))))
    with pytest.raises(CheckFailed, match=hint):
        checks.units_in_use(3, measured, fake, X)
