"""The checks of lesson 13's exercises: right solutions pass, every usual wrong one gets its hint."""

import numpy as np
import pytest
import tensorflow as tf

from checks import CheckFailed
from checks import lesson_13 as checks
from utils import disentanglement


def unsolved(*args):
    raise NotImplementedError("hint: think")


def path(codes, unit, steps, *, base=np.mean, low=0.05, high=0.95, at=None):
    rows = np.tile(base(codes, axis=0), (steps, 1))
    rows[:, unit] = np.linspace(*np.quantile(codes[:, unit], [low, high]), steps) if at is None else at
    return rows


def by_steps(codes, unit, steps):
    """Another way: row by row, a float32 tensor."""
    low, high = np.percentile(codes[:, unit], 5), np.percentile(codes[:, unit], 95)
    rows = []
    for t in range(steps):
        z = codes.mean(0).copy()
        z[unit] = low + t / (steps - 1) * (high - low)
        rows.append(z)
    return tf.constant(rows, "float32")


def extremes(codes, unit, steps):
    return path(codes, unit, steps, low=0, high=1)


def in_place(codes, unit, steps):
    codes[:steps] = path(codes, unit, steps)
    return codes[:steps].copy()


@pytest.mark.parametrize("function", [path, by_steps])
def test_traversals_accept_right_solutions(function, capsys):
    checks.traversal(function)
    assert capsys.readouterr().out.startswith("✔ traverse")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda z, j, n: path(z, j, n, base=lambda z, axis: np.zeros(3)), "other units are 0"),
        (lambda z, j, n: path(z, j, n, base=lambda z, axis: z[0].copy()), "those of the first code"),
        (lambda z, j, n: path(z, j, n, base=np.median), "not at their medians"),
        (lambda z, j, n: path(z, j, n)[::-1], "goes downwards"),
        (extremes, "from the least to the largest"),
        (lambda z, j, n: path(z, j, n, low=0.25, high=0.75), "np.quantile takes"),
        (lambda z, j, n: path(z, j, n, high=0.9), "np.quantile takes"),
        (lambda z, j, n: path(z, j, n, at=np.quantile(z[:, j], np.linspace(0.05, 0.95, n))), "steps are to be equal"),
        (lambda z, j, n: path(z, j, n, at=path(z, j, n)[:, j] + z[:, j].mean()), "moving unit is added"),
        (lambda z, j, n: path(z, j, n + 1)[:-1], "last step"),
        (lambda z, j, n: path(z, j, n, at=np.linspace(*np.quantile(z, [0.05, 0.95]), n)), "all units"),
        (lambda z, j, n: np.tile(path(z, j, n)[:, [j]], (1, 3)), "All units move"),
        (lambda z, j, n: np.tile(z.mean(axis=0), (n, 1)), "Nothing moves"),
        (lambda z, j, n: path(z, j, n).T, "One row per step"),
        (lambda z, j, n: path(z, j, n)[:, j], "One row per step"),
        (lambda z, j, n: path(z, j, n) + 0.1, "columns one by one"),
        (in_place, "Whoever calls it"),
        (lambda z, j, n: None, "return"),
        (lambda z, j: z, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_traversals_reject(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.traversal(function)


def test_a_traversal_of_another_unit():
    def other(codes, unit, steps):
        rows = np.tile(codes.mean(axis=0), (steps, 1))
        rows[:, (unit + 1) % 3] = path(codes, unit, steps)[:, unit]
        return rows

    with pytest.raises(CheckFailed, match="Another unit moves"):
        checks.traversal(other)


def agreeing(factors, k, pairs, rng, value=None):
    """Positions of the images of pairs that agree in factor k."""
    values = factors[rng.integers(len(factors), size=pairs), k]
    groups = [np.flatnonzero(factors[:, k] == v) for v in range(factors[:, k].max() + 1)]
    if value is not None:
        values[:] = value
    return [np.array([rng.choice(groups[v]) for v in values]) for _ in range(2)]


def right(codes, factors, k, pairs, rng, *, change=np.abs, mean=np.mean, value=None):
    one, other = agreeing(factors, k, pairs, rng, value)
    return mean(change(codes[one] - codes[other]), axis=0)


def pair_by_pair(codes, factors, k, pairs, rng):
    """Another way: an image, then another one that agrees with it; a tensor."""
    total = np.zeros(codes.shape[1])
    for _ in range(pairs):
        i = rng.integers(len(codes))
        j = rng.choice(np.flatnonzero(factors[:, k] == factors[i, k]))
        total += np.abs(codes[i] - codes[j])
    return tf.constant(total / pairs)


def anyone(codes, factors, k, pairs, rng):
    one, other = rng.integers(len(codes), size=(2, pairs))
    return np.abs(codes[one] - codes[other]).mean(axis=0)


def itself(codes, factors, k, pairs, rng):
    one, _ = agreeing(factors, k, pairs, rng)
    return np.abs(codes[one] - codes[one]).mean(axis=0)


def another_factor(codes, factors, k, pairs, rng):
    return right(codes, factors, (k + 1) % 4, pairs, rng)


def one_image_for_all(codes, factors, k, pairs, rng):
    i = rng.integers(len(codes))
    others = rng.choice(np.flatnonzero(factors[:, k] == factors[i, k]), size=pairs)
    return np.abs(codes[i] - codes[others]).mean(axis=0)


@pytest.mark.parametrize("function", [right, pair_by_pair])
def test_differences_accept_right_solutions(function, capsys):
    checks.differences(function)
    assert capsys.readouterr().out.startswith("✔ differences")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda *a: right(*a, change=lambda d: d), "signs left"),
        (itself, "signs left"),
        (lambda *a: right(*a, change=np.square), "These are squares"),
        (lambda *a: np.sqrt(right(*a, change=np.square)), "roots of mean squares"),
        (lambda *a: right(*a, mean=np.sum), "sum over the pairs"),
        (anyone, "need not agree"),
        (another_factor, "should not differ at all"),
        (lambda *a: right(*a, value=1), "one and the same value"),
        (one_image_for_all, "drawn anew"),
        (lambda z, v, k, n, rng: right(z, v, k, n, np.random.default_rng()), "with nothing else"),
        (lambda z, v, k, n, rng: right(z, v, k, n, np.random.default_rng(0)), "seeded anew"),
        (lambda z, v, k, n, rng: right(z, v, k, 6_000, rng), "as many pairs"),
        (lambda *a: right(*a).mean(), "One number per unit"),
        (lambda *a: right(*a)[:4], "One number per unit"),
        (lambda *a: None, "return"),
        (lambda z, v: z, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_differences_reject(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.differences(function)


GRID = (3, 4, 5, 8, 8)
FACTORS = np.stack(np.unravel_index(np.arange(np.prod(GRID)), GRID), axis=1)
COARSE = FACTORS.astype("float64")
COARSE[:, 3] = FACTORS[:, 3] >= 4
RIGHT = (4 + 1 / 3) / 5  # log 2 of log 8 nats


def test_the_coarse_code_is_as_by_hand():
    assert disentanglement.mig(COARSE, FACTORS) == pytest.approx(RIGHT)


@pytest.mark.parametrize("value", [RIGHT, np.array([RIGHT]), tf.constant(RIGHT)])
def test_coarse_accepts_any_guess(value, capsys):
    checks.coarse_gap(0.5, value, COARSE, FACTORS)
    assert "your guess of 0.5 is off by 0.367" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (0.5, None, "still to be done"),
        (86, RIGHT, "Which unit|In which unit"),
        ("much", RIGHT, "Any number will do"),
        (0.5, 1, "perfect code"),
        (0.5, 1 / 3, "column alone"),
        (0.5, 4 + 1 / 3, "sum of the gaps"),
        (0.5, 0.8, "says nothing of the column"),
        (0.5, disentanglement.sap(COARSE, FACTORS, (0,)), "This is SAP"),
        (0.5, 0.123, "the codes, then the factors"),
    ],
)
def test_coarse_rejects(guess, value, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.coarse_gap(guess, value, COARSE, FACTORS)
