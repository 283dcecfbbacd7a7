"""Checks for the exercises to lesson 17."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from checks.base import agree, as_array, call, fail, measured, passed
from utils import metrics


def losses(function):
    """Check losses(real, fake): the discriminator's and the generator's loss from logits (n, 1), two numbers.

    Raises:
        CheckFailed: for another result than two finite numbers, for wrong ones, and for overflow at large logits.
    """
    rng = np.random.default_rng(17)
    real, fake = rng.normal(1, 1, (6, 1)).astype("float32"), rng.normal(-1, 1, (6, 1)).astype("float32")
    ours, theirs = _pair(call(function, real, fake))
    right = _softplus(-real).mean() + _softplus(fake).mean()
    slips = [
        (_softplus(real).mean() + _softplus(-fake).mean(), "Which sign makes the loss small for a real image with a "
         "large logit?"),
        (_softplus(-real).sum() + _softplus(fake).sum(), "This is the sum over the batch. The mean is wanted."),
        (right / 2, "The two means are added, not averaged."),
        (_softplus(-real).mean(), "Generated images take part as well."),
        (_softplus(fake).mean(), "Real images take part as well."),
        (-right, "The discriminator minimises this. Check the sign of the whole."),
        (np.mean(_softplus(-_softplus(-real))) + np.mean(_softplus(_softplus(fake))), "One softplus is enough."),
    ]  # fmt: skip
    agree(ours, right, slips, "the discriminator's loss", "It is softplus(-c) of real and softplus(c) of fake ones.")
    right = _softplus(-fake).mean()
    slips = [
        (-_softplus(fake).mean(), "This is the minimax loss, whose slope vanishes when the discriminator is sure."),
        (_softplus(fake).mean(), "This is the discriminator's aim for them. The generator wants the contrary."),
        (_softplus(-fake).sum(), "This is the sum over the batch. The mean is wanted."),
        (_softplus(-real).mean(), "The generator is judged by its own images, not by real ones."),
        (-fake.mean(), "This is the generator's hinge loss."),
    ]
    agree(theirs, right, slips, "the generator's loss", "It is softplus(-c) of fake ones: they shall pass for real.")
    huge, sizes = np.full((4, 1), 300, "float32"), "Rounding to probabilities 0 or 1 loses sizes: stay with logits."
    ours, theirs = _pair(call(function, -huge, huge), "Here all logits are 300 or -300. Where does something overflow? "
                         "Keras has a softplus that does not: keras.ops.softplus.")  # fmt: skip
    agree(ours, 600, [], "the discriminator's loss where it is wrong by 300 on either side",
          sizes)  # fmt: skip
    _, theirs = _pair(call(function, huge, -huge), "Here all logits are 300 or -300. Where does something overflow?")
    agree(theirs, 300, [], "the generator's loss where the discriminator is sure by 300",
          sizes)  # fmt: skip
    passed("losses: both are right, and safe at logits of 300")


def _pair(made, overflow=None):
    hint = "Return two numbers: the discriminator's loss, then the generator's."
    if not isinstance(made, tuple | list) or len(made) != 2:
        found = "None" if made is None else f"{type(made).__name__} of shape {getattr(made, 'shape', '?')}"
        fail("two numbers, the discriminator's loss and the generator's", found, hint)
    names = "the discriminator's loss", "the generator's loss"
    return [float(as_array(value, (), name, hint, overflow)) for value, name in zip(made, names, strict=True)]


def _softplus(values):
    return np.logaddexp(0, values.astype("float64"))


def phases(first, second):
    """Check first_phase(x, z, generator, discriminator, optimizer) and second_phase(z, generator, ..., optimizer).

    Each is one step by the non-saturating losses. Small networks and plain gradient descent show whether all weights
    arrive where they should.

    Raises:
        CheckFailed: when the wrong side learns, nothing does, or the step is another one.
    """
    rng = np.random.default_rng(17)
    x, z = (tf.constant(rng.random(shape), "float32") for shape in ((16, 4, 4, 1), (16, 2)))
    before = _players()
    found = _after("first_phase", first, (x, z), before)
    _still("first_phase", "generator", before[0], found[0])
    _check("first_phase", "discriminator", found[1], before[1], _first(x, z), _first_slips(x, z))
    found = _after("second_phase", second, (z,), before)
    _still("second_phase", "discriminator", before[1], found[1])
    _check("second_phase", "generator", found[0], before[0], _second(z), _second_slips(z))
    passed("first_phase and second_phase: each moves one network, by the right step")


def _players():
    """Return weights of a generator and a discriminator, always the same."""
    rng = np.random.default_rng(1)
    return [[rng.normal(0, 0.5, weight.shape).astype("float32") for weight in part.weights] for part in _networks()]


def _networks():
    generator = [keras.Input((2,)), layers.Dense(16, "sigmoid"), layers.Reshape((4, 4, 1))]
    discriminator = [keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(5, "tanh"), layers.Dense(1)]
    return keras.Sequential(generator), keras.Sequential(discriminator)


def _built(weights):
    parts = _networks()
    for part, values in zip(parts, weights, strict=True):
        part.set_weights(values)
    return parts


def _after(name, function, batch, before):
    """Return the weights of both networks after a student's step."""
    generator, discriminator = _built(before)
    call(function, *batch, generator, discriminator, keras.optimizers.SGD(1.0))
    found = generator.get_weights(), discriminator.get_weights()
    if not all(np.isfinite(values).all() for part in found for values in part):
        fail(f"{name}: finite weights", "NaN or infinity", "Which loss gives infinite slopes?")
    return found


def _still(name, part, before, found):
    if not all(np.array_equal(*pair) for pair in zip(before, found, strict=True)):
        other = "discriminator" if part == "generator" else "generator"
        fail(f"{name}: the {part}'s weights stay as they are", "they moved",
             f"Of which variables is the gradient, and to which is it applied? Only the {other} learns.")  # fmt: skip


def _check(name, part, found, before, right, slips):
    """Fail unless the weights moved by the right step."""
    step = [new - old for new, old in zip(found, before, strict=True)]
    if not any(values.any() for values in step):
        fail(f"{name}: the {part}'s weights move", "they stand still",
             "Is the loss computed inside the tape, and optimizer.apply(gradients, variables) called?")  # fmt: skip
    flat = _flat(step)
    slips = [(_flat(wrong), hint) for wrong, hint in slips]
    hint = "Compare with the formula of the loss, one network after the other. The mean is over the batch."
    agree(flat, _flat(right), slips, f"{name}: steps of the {part}'s weights", hint, tolerance=1e-3)


def _flat(values):
    return np.concatenate([np.ravel(value) for value in values])


def _step(loss, part):
    """Return minus the gradient of loss(generator, discriminator) by the weights of one part."""
    networks = _built(_players())
    with tf.GradientTape() as tape:
        value = loss(*networks)
    return [-ops.convert_to_numpy(gradient) for gradient in tape.gradient(value, networks[part].trainable_variables)]


def _first(x, z, real=-1, fake=1, reduce=ops.mean):
    def loss(g, c):
        terms = [reduce(ops.softplus(sign * c(images))) for sign, images in ((real, x), (fake, g(z))) if sign]
        return sum(terms)

    return _step(loss, 1)


def _first_slips(x, z):
    right = _first(x, z)
    return [
        ([-values for values in right], "The step has the right size and goes the wrong way."),
        (_first(x, z, 1, -1), "Here real images are taken for generated ones, and generated ones for real."),
        (_first(x, z, 0, 1), "Real images take no part."),
        (_first(x, z, -1, 0), "Generated images take no part."),
        (_first(x, z, reduce=ops.sum), "This is the sum over the batch. The mean is wanted."),
        ([values / 2 for values in right], "The two terms are added, not averaged."),
    ]


def _second(z, loss=lambda score: ops.mean(ops.softplus(-score))):
    return _step(lambda g, c: loss(c(g(z))), 0)


def _second_slips(z):
    return [
        ([-values for values in _second(z)], "The step has the right size and goes the wrong way."),
        (_second(z, lambda score: -ops.mean(ops.softplus(score))), "This is the minimax loss. The non-saturating one "
         "is wanted."),
        (_second(z, lambda score: ops.mean(ops.softplus(score))), "So the generator learns to be found out."),
        (_second(z, lambda score: ops.sum(ops.softplus(-score))), "This is the sum over the batch. The mean is "
         "wanted."),
    ]  # fmt: skip


def recall_of_copies(guess, value, real, copies):
    """Check the recall of a set of features `copies` (m, d), k = 3, against features `real` (n, d).

    Raises:
        CheckFailed: for a guess that is no share, a value that is no number, or another number.
    """
    precision, right = metrics.precision_recall(real, copies)
    slips = [
        (precision, "This is the precision, the first of the two, or the recall of the sets in the other order."),
        (1.0, "Which two sets were compared? The one with the other is wanted."),
    ]
    hint = "Are these the features of both sets, all rows of them, with k = 3?"
    measured(guess, value, right, "", slips, hint, tolerance=1e-3, bounds=(0, 1))
