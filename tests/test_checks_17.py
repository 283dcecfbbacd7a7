"""The checks of lesson 17's exercises: right solutions pass, every usual wrong one gets its hint."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from checks import CheckFailed
from checks import lesson_17 as checks
from utils import adversarial
from utils.metrics import precision_recall


def unsolved(*args):
    raise NotImplementedError("hint: think")


def by_softplus(real, fake):
    return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake)), ops.mean(ops.softplus(-fake))


def by_numpy(real, fake):
    return np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean(), np.logaddexp(0, -fake).mean()


def by_keras(real, fake):
    """Binary cross-entropy from logits, against labels 1 and 0, as the lecture says."""
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    one, zero = np.ones_like(real), np.zeros_like(fake)
    return [entropy(one, real) + entropy(zero, fake), entropy(np.ones_like(fake), fake)]


@pytest.mark.parametrize("function", [by_softplus, by_numpy, by_keras])
def test_losses_accept_right_solutions(function, capsys):
    checks.losses(function)
    assert capsys.readouterr().out.startswith("✔ losses")


def softplus(values):
    return np.logaddexp(0, values)


def naive(real, fake):
    with np.errstate(over="ignore"):
        return (np.log(1 + np.exp(-real)) + np.log(1 + np.exp(fake))).mean(), np.log(1 + np.exp(-fake)).mean()


def clipped(real, fake):
    entropy = keras.losses.BinaryCrossentropy()
    probabilities = [(1 / (1 + np.exp(-values.astype("float64")))).astype("float32") for values in (real, fake)]
    one, zero = np.ones_like(real), np.zeros_like(fake)
    first = entropy(one, probabilities[0]) + entropy(zero, probabilities[1])
    return first, entropy(one, probabilities[1])


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda r, f: (by_numpy(-r, -f)[0], 0), "Which sign"),
        (lambda r, f: (len(r) * by_numpy(r, f)[0], 0), "sum over the batch"),
        (lambda r, f: (by_numpy(r, f)[0] / 2, 0), "added, not averaged"),
        (lambda r, f: (softplus(-r).mean(), 0), "Generated images take part"),
        (lambda r, f: (softplus(f).mean(), 0), "Real images take part"),
        (lambda r, f: (-by_numpy(r, f)[0], 0), "sign of the whole"),
        (lambda r, f: (by_numpy(r, f)[0] + 1, 0), "softplus"),
        (lambda r, f: (by_numpy(r, f)[0], -softplus(f).mean()), "minimax loss"),
        (lambda r, f: (by_numpy(r, f)[0], softplus(f).mean()), "wants the contrary"),
        (lambda r, f: (by_numpy(r, f)[0], softplus(-f).sum()), "sum over the batch"),
        (lambda r, f: (by_numpy(r, f)[0], softplus(-r).mean()), "its own images"),
        (lambda r, f: (by_numpy(r, f)[0], -f.mean()), "hinge"),
        (lambda r, f: (by_numpy(r, f)[0], 7.0), "pass for real"),
        (naive, "overflow"),
        (clipped, "stay with logits"),
        (lambda r, f: by_numpy(r, f)[0], "two numbers"),
        (lambda r, f: (softplus(-r), softplus(-f)), "Return two numbers"),
        (lambda r, f: None, "two numbers"),
        (lambda r: r, "TypeError"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_losses_reject(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.losses(function)


def first(x, z, generator, discriminator, optimizer, loss=None, part=1, sign=1):
    def standard(real, fake):
        return adversarial.discriminator_loss("non_saturating", real, fake)

    networks = generator, discriminator
    with tf.GradientTape() as tape:
        value = sign * (loss or standard)(discriminator(x), discriminator(generator(z)))
    variables = [variable for k in np.atleast_1d(part) for variable in networks[k].trainable_variables]
    optimizer.apply(tape.gradient(value, variables), variables)


def second(z, generator, discriminator, optimizer, loss=None, part=0, sign=1):
    def one(real, fake):
        return (loss or (lambda score: adversarial.generator_loss("non_saturating", score)))(fake)

    first(generator(z), z, generator, discriminator, optimizer, one, part, sign)


def first_in_one_go(x, z, generator, discriminator, optimizer):
    """One pass over both kinds, and labels, as the lecture says; the generator outside of the tape."""
    images, labels = tf.concat([x, generator(z)], 0), tf.constant([[1.0]] * len(x) + [[0.0]] * len(z))
    with tf.GradientTape() as tape:
        loss = 2 * keras.losses.BinaryCrossentropy(from_logits=True)(labels, discriminator(images, training=True))
    gradients = tape.gradient(loss, discriminator.trainable_weights)
    optimizer.apply_gradients(zip(gradients, discriminator.trainable_weights, strict=True))


@pytest.mark.parametrize("function", [first, first_in_one_go])
def test_phases_accept_right_solutions(function, capsys):
    checks.phases(function, second)
    assert capsys.readouterr().out.startswith("✔ first_phase and second_phase")


def changed(function, **settings):
    return lambda *args: function(*args, **settings)


@pytest.mark.parametrize(
    ("one", "other", "hint"),
    [
        (changed(first, part=0), second, "Only the discriminator learns"),
        (changed(first, part=(0, 1)), second, "Only the discriminator learns"),
        (lambda *args: None, second, "stand still"),
        (changed(first, sign=-1), second, "wrong way"),
        (changed(first, loss=lambda r, f: ops.mean(ops.softplus(r)) + ops.mean(ops.softplus(-f))), second, "taken for"),
        (changed(first, loss=lambda r, f: ops.mean(ops.softplus(f))), second, "Real images take no part"),
        (changed(first, loss=lambda r, f: ops.mean(ops.softplus(-r))), second, "Generated images take no part"),
        (changed(first, sign=16), second, "sum over the batch"),
        (changed(first, sign=0.5), second, "added, not averaged"),
        (changed(first, sign=3), second, "formula of the loss"),
        (first, changed(second, part=1), "Only the generator learns"),
        (first, changed(second, part=(0, 1)), "Only the generator learns"),
        (first, lambda *args: None, "stand still"),
        (first, changed(second, sign=-1), "wrong way"),
        (first, changed(second, loss=lambda score: -ops.mean(ops.softplus(score))), "minimax"),
        (first, changed(second, loss=lambda score: ops.mean(ops.softplus(score))), "found out"),
        (first, changed(second, sign=16), "sum over the batch"),
        (first, changed(second, sign=float("nan")), "NaN"),
        (unsolved, second, "think"),
        (first, unsolved, "think"),
        (None, second, "TypeError"),
        (first, lambda z: z, "TypeError"),
    ],
)
def test_phases_reject(one, other, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.phases(one, other)


REAL = np.random.default_rng(0).normal(size=(200, 3))
COPIES = np.repeat(np.random.default_rng(1).normal(size=(20, 3)), 10, axis=0)
PRECISION, RECALL = precision_recall(REAL, COPIES)


def test_the_example_is_what_the_exercise_says():
    assert RECALL == 0
    assert PRECISION > 0.5


@pytest.mark.parametrize("value", [RECALL, np.array([RECALL]), tf.constant(RECALL)])
def test_recall_accepts_any_guess(value, capsys):
    checks.recall_of_copies(0.4, value, REAL, COPIES)
    assert "your guess of 0.4 is off by" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (0.1, None, "still to be done"),
        ("some", RECALL, "Any number will do"),
        (40, RECALL, "In which unit"),
        (0.1, PRECISION, "the precision"),
        (0.1, precision_recall(COPIES, REAL)[1], "the other order"),
        (0.1, 1.0, "Which two sets"),
        (0.1, 0.5, "all rows"),
        (0.1, (PRECISION, RECALL), "one number"),
    ],
)
def test_recall_rejects(guess, value, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.recall_of_copies(guess, value, REAL, COPIES)
