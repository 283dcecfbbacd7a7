"""The checks of lesson 07's exercises: right solutions pass, every usual wrong one gets its hint."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from checks import CheckFailed
from checks import lesson_07 as checks
from utils.sparse import contraction_by_jacobian, treves_rolls


def unsolved(*args):
    raise NotImplementedError("hint: think")


def by_sums(z):
    """Another way, with sums, and a loop for the zeros."""
    d = z.shape[1]
    return [row.sum() ** 2 / (d * (row**2).sum()) if row.any() else 0.0 for row in z]


def by_nan(z):
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(z.mean(1) ** 2 / np.square(z).mean(1))


def as_tensor(z):
    z = tf.convert_to_tensor(z)
    return tf.math.divide_no_nan(tf.reduce_mean(z, 1) ** 2, tf.reduce_mean(z**2, 1))


@pytest.mark.parametrize("function", [by_sums, by_nan, as_tensor, treves_rolls])
def test_sparseness_accepts_right_solutions(function, capsys):
    checks.sparseness(function)
    assert capsys.readouterr().out.startswith("✔ sparseness")


def in_place(z):
    found = treves_rolls(z)
    z -= z
    return found


def plain(z, above=lambda z: z.mean(1) ** 2, below=lambda z: (z**2).mean(1)):
    with np.errstate(invalid="ignore", divide="ignore"):
        return above(z) / below(z)


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda z: plain(z, lambda z: z.sum(1) ** 2, lambda z: (z**2).sum(1)), "d times too large"),
        (lambda z: plain(z, lambda z: z.sum(1) ** 2), "do not cancel"),
        (lambda z: plain(z, lambda z: z.mean(1)), "mean above is squared"),
        (lambda z: plain(z, below=lambda z: (z**2).mean(1) ** 2), "nothing is squared after"),
        (lambda z: 1 / plain(z), "exchanged"),
        (lambda z: plain(z, below=lambda z: z.mean(1) ** 2), "not the mean of the squares"),
        (lambda z: (z > 0).mean(1), "weighs them"),
        (lambda z: 1 - treves_rolls(z), "Nothing is subtracted"),
        (lambda z: np.full(len(z), z.mean() ** 2 / (z**2).mean()), "one number for all images"),
        (lambda z: z.mean(0) ** 2 / (z**2).mean(0), "along axis 1"),
        (plain, "0 / 0"),
        (lambda z: plain(z, below=lambda z: (z**2).mean(1) + 1e-6), "Nothing may be added"),
        (lambda z: np.where(z.any(1), treves_rolls(z), 1), "Nothing is active"),
        (lambda z: treves_rolls(z).mean(), "One number per image"),
        (in_place, "Whoever calls it"),
        (lambda z: None, "return"),
        (lambda z: "text", "One number per image"),
        (lambda: 0, "TypeError"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_sparseness_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.sparseness(function)


def by_signs(encoder, x, draws, rng, *, signs=None, number=tf.reduce_sum, size=None, finish=None):
    """The way of the text, with places to go wrong."""
    signs = signs or (lambda shape: rng.choice([-1.0, 1.0], size=shape))
    size = size or (lambda g: tf.reduce_sum(g**2, axis=(1, 2, 3)))
    found, x = [], tf.convert_to_tensor(x)
    for _ in range(draws):
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = encoder(x)
            total = number(tf.cast(signs(tuple(z.shape)), "float32") * z)
        found.append(size(tape.gradient(total, x)))
    return (finish or (lambda f: np.mean(f, axis=0)))(found)


def by_output_gradients(encoder, x, draws, rng):
    """Another way: the signs as output_gradients; a tensor."""
    x = tf.convert_to_tensor(x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = encoder(x)
    total = 0.0
    for _ in range(draws):
        v = tf.constant(2.0 * rng.integers(0, 2, z.shape) - 1, "float32")
        total += ops.sum(tape.gradient(z, x, output_gradients=v) ** 2, axis=(1, 2, 3))
    return total / draws


def by_normal(encoder, x, draws, rng):
    """Standard normal numbers do as well as signs."""
    return by_signs(encoder, x, draws, rng, signs=lambda shape: rng.standard_normal(shape))


@pytest.mark.parametrize("function", [by_signs, by_output_gradients, by_normal])
def test_squares_accept_right_solutions(function, capsys):
    checks.squares(function)
    assert capsys.readouterr().out.startswith("✔ squares")


def wrong(**settings):
    return lambda encoder, x, draws, rng: by_signs(encoder, x, draws, rng, **settings)


def drawn(draw):
    """Signs that depend on the generator in another way."""
    return lambda encoder, x, draws, rng: by_signs(encoder, x, draws, rng, signs=lambda shape: draw(rng, shape))


def once(encoder, x, draws, rng):
    v = rng.choice([-1.0, 1.0], size=(len(x), 8))
    return by_signs(encoder, x, draws, rng, signs=lambda shape: v)


def one_for_all(rng, shape):
    return np.broadcast_to(rng.choice([-1.0, 1.0], size=shape[1]), shape)


def own_generator(encoder, x, draws, rng):
    return by_signs(encoder, x, draws, np.random.default_rng(0))


def squared_mean(encoder, x, draws, rng):
    return by_signs(encoder, x, draws, rng, size=lambda g: g, finish=mean_first)


def mean_first(found):
    return np.square(np.mean(found, axis=0)).reshape(5, -1).sum(axis=1)


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (wrong(finish=lambda f: np.sum(f, axis=0)), "not the sum"),
        (wrong(finish=lambda f: np.sqrt(np.mean(f, axis=0))), "root is not taken"),
        (wrong(size=lambda g: tf.reduce_mean(g**2, axis=(1, 2, 3))), "not averaged"),
        (wrong(number=lambda n: tf.reduce_sum(tf.reduce_mean(n, axis=1))), "averaged over the units"),
        (wrong(number=lambda n: tf.reduce_sum(tf.reduce_mean(n, axis=0))), "averaged over the images"),
        (wrong(number=tf.reduce_mean), "images and units"),
        (drawn(lambda rng, shape: rng.uniform(-1, 1, shape)), "squares of 1/3"),
        (drawn(lambda rng, shape: rng.integers(0, 2, shape)), "random signs"),
        (drawn(one_for_all), "signs of its own|shape of z"),
        (squared_mean, "Square first"),
        (lambda e, x, draws, rng: np.full(5, by_signs(e, x, draws, rng).sum()), "all images together"),
        (once, "random signs|inside the loop"),
        (own_generator, "seed nothing"),
        (lambda e, x, draws, rng: by_signs(e, x, draws, np.random.default_rng()), "rng that is given"),
        (lambda e, x, draws, rng: contraction_by_jacobian(e, x), "Jacobian itself"),
        (wrong(size=lambda g: tf.reduce_sum(g**2)), "One number per image"),
        (lambda e, x, draws, rng: None, "return"),
        (lambda e, x, draws, rng: "text", "One number per image"),
        (lambda e, x: x, "TypeError"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_squares_reject(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.squares(function)


rng = np.random.default_rng(0)
LABELS = rng.integers(0, 10, 200)
Z = rng.random((200, 300)) * (rng.random((200, 300)) < 0.04)
Z[:, 0] = 1.0
Z[:, 200:] = 0
Z[LABELS != 1, 150:160] = 0
Z[LABELS == 1, 100:150] = 0
ONES = Z[LABELS == 1] > 0
RIGHT = ONES.any(axis=0).sum()


@pytest.mark.parametrize("value", [RIGHT, float(RIGHT), np.array([RIGHT]), tf.constant(RIGHT)])
def test_ones_accept_any_guess(value, capsys):
    checks.units_of_ones(50, value, Z, LABELS)
    assert "your guess of 50 is off by" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (None, RIGHT, "still to be done"),
        (50, None, "still to be done"),
        ("many", RIGHT, "Any number will do"),
        (2000, RIGHT, "In which unit"),
        (50, "many", "One plain number"),
        (50, ONES.any(axis=0), "One plain number"),
        (50, ONES.all(axis=0).sum(), "Any of them is enough"),
        (50, ONES.sum(), "Count it once"),
        (50, ONES.sum(axis=1).mean(), "mean over the ones"),
        (50, ONES.any(axis=1).sum(), "counts images"),
        (50, (Z > 0).any(axis=0).sum(), "all digits"),
        (50, (Z[LABELS != 1] > 0).any(axis=0).sum(), "all other digits"),
        (50, 300 - RIGHT, "no 1 activates"),
        (50, RIGHT / 300, "a share"),
        (50, RIGHT + 1, "all of them"),
    ],
)
def test_ones_reject(guess, value, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.units_of_ones(guess, value, Z, LABELS)
