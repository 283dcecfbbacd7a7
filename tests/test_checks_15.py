"""The checks of lesson 15's exercises: right solutions pass, every usual wrong one gets its hint."""

import keras
import numpy as np
import pytest

from checks import lesson_15 as checks
from utils.latent import interpolate


def unsolved(*args):
    raise NotImplementedError("hint: think")


# --- walk ---------------------------------------------------------------------------------------------------


def by_loops(encode, decode, first, last, steps):
    """Pair by pair and step by step, a list of lists."""
    paths = []
    for x, y in zip(first, last, strict=True):
        a, b = encode(x[None]), encode(y[None])
        paths.append([decode(a + k / (steps - 1) * (b - a))[0] for k in range(steps)])
    return paths


def by_interpolate(encode, decode, first, last, steps):
    """With the course's own function, as a tensor."""
    z = interpolate(encode(first), encode(last), steps)
    images = decode(z.reshape(-1, z.shape[-1])).reshape(len(first), steps, *first.shape[1:])
    return keras.ops.convert_to_tensor(images)


def codes_on(t, encode, first, last):
    a, b = encode(first)[:, None], encode(last)[:, None]
    return (1 - t[:, None]) * a + t[:, None] * b


def at(t):
    """A walk that visits other places than it should."""

    def walk(encode, decode, first, last, steps):
        z = codes_on(t(steps), encode, first, last)
        return decode(z.reshape(-1, z.shape[-1])).reshape(*z.shape[:2], *first.shape[1:])

    return walk


def fade(encode, decode, first, last, steps):
    t = np.linspace(0, 1, steps)[:, None, None, None]
    return (1 - t) * first[:, None] + t * last[:, None]


def fade_of_copies(encode, decode, first, last, steps):
    return fade(encode, decode, decode(encode(first)), decode(encode(last)), steps)


def undecoded_ends(encode, decode, first, last, steps):
    paths = np.array(by_interpolate(encode, decode, first, last, steps))
    paths[:, 0], paths[:, -1] = first, last
    return paths


def mixed_up(*args):
    paths = np.array(by_interpolate(*args))
    return paths.reshape(paths.shape[1], paths.shape[0], *paths.shape[2:]).swapaxes(0, 1)


def at_once(encode, decode, first, last, steps):
    return decode(codes_on(np.linspace(0, 1, steps), encode, first, last))


def not_decoded(encode, decode, first, last, steps):
    return codes_on(np.linspace(0, 1, steps), encode, first, last)


def in_a_row(encode, decode, first, last, steps):
    return decode(codes_on(np.linspace(0, 1, steps), encode, first, last).reshape(-1, 6))


@pytest.mark.parametrize("function", [by_loops, by_interpolate])
def test_walk_accepts(function, capsys):
    checks.path_through_codes(function)
    assert capsys.readouterr().out.startswith("✔ walk")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (fade, "cross-fade"),
        (fade_of_copies, "cross-fade"),
        (at(lambda n: np.linspace(1, 0, n)), "backwards"),
        (at(lambda n: np.arange(n) / n), "does not reach its ends"),
        (at(lambda n: np.arange(1, n + 1) / n), "does not reach its ends"),
        (at(lambda n: np.linspace(0, 1, n + 2)[1:-1]), "does not reach its ends"),
        (at(lambda n: np.linspace(0, 1, n + 1)), "steps with both ends"),
        (at(lambda n: np.linspace(0, 1, n) ** 2), "even steps"),
        (lambda *args: np.swapaxes(by_loops(*args), 0, 1), "swapped"),
        (undecoded_ends, "decoded as well"),
        (mixed_up, "mixed up"),
        (lambda *args: np.zeros((4, 5, 28, 28, 1)), "2x3 pixels"),
        (at_once, r"codes \(n, 6\)"),
        (not_decoded, "These are codes"),
        (in_a_row, "in one row"),
        (lambda *args: "a path", "steps with both ends"),
        (lambda *args: None, "end with a return"),
        (unsolved, "think"),
    ],
)
def test_walk_rejects(function, hint, rejected):
    rejected(hint, checks.path_through_codes, function)


# --- arc ----------------------------------------------------------------------------------------------------


def unit(z):
    return z / np.linalg.norm(z, axis=-1, keepdims=True)


def rotated(start, end, steps):
    """Pair by pair: rotate in the plane of both codes, from one axis towards a second at right angles to it."""
    arcs = []
    for a, b in zip(start, end, strict=True):
        e = a / np.linalg.norm(a)
        f = unit(b - (b @ e) * e)
        angle, t = np.arctan2(b @ f, b @ e), np.linspace(0, 1, steps)[:, None]
        norms = (1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b)
        arcs.append(norms * (np.cos(t * angle) * e + np.sin(t * angle) * f))
    return arcs


def sines(start, end, steps, *, directions=True, lengths="both", turn=None, common=False):
    a, b, t = start[:, None], end[:, None], np.linspace(0, 1, steps, dtype=start.dtype)[None, :, None]
    p, q = (np.linalg.norm(z, axis=-1, keepdims=True) for z in (a, b))
    angle = np.arccos(np.sum(unit(a) * unit(b), axis=-1, keepdims=True))
    if common:
        angle = np.arccos(np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b))
    angle = turn(angle) if turn else angle
    u, v = (unit(a), unit(b)) if directions else (a, b)
    turned = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    return turned * {"both": (1 - t) * p + t * q, "swapped": (1 - t) * q + t * p, "start": p, "none": 1}[lengths]


def line(start, end, steps):
    t = np.linspace(0, 1, steps)[:, None]
    return (1 - t) * start[:, None] + t * end[:, None]


def pushed(start, end, steps, of=line):
    t = np.linspace(0, 1, steps)[:, None]
    norms = (1 - t) * np.linalg.norm(start, axis=1)[:, None, None] + t * np.linalg.norm(end, axis=1)[:, None, None]
    return norms * unit(of(start, end, steps))


def one_norm(a, b, steps):
    """The norm of the whole array, for want of an axis."""
    p, q, t = np.linalg.norm(a), np.linalg.norm(b), np.linspace(0, 1, steps)[:, None]
    u, v = (a / p)[:, None], (b / q)[:, None]
    angle = np.arccos(np.sum(u * v, axis=-1, keepdims=True))
    return ((1 - t) * p + t * q) * (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)


def raw_angle(a, b, steps):
    angle, t = np.arccos(np.sum(a * b, axis=-1))[:, None, None], np.linspace(0, 1, steps)[:, None]
    return np.sin((1 - t) * angle) * a[:, None] + np.sin(t * angle) * b[:, None]


@pytest.mark.parametrize(
    "function", [rotated, sines, lambda a, b, n: sines(a.astype("float32"), b.astype("float32"), n)]
)
def test_arc_accepts(function, capsys):
    checks.arc_between_codes(function)
    assert capsys.readouterr().out.startswith("✔ arc")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (line, "straight line"),
        (pushed, "turns unevenly"),
        (lambda a, b, n: pushed(a, b, n, lambda a, b, n: line(unit(a), unit(b), n)), "turns unevenly"),
        (lambda a, b, n: sines(a, b, n, lengths="none"), "These are directions"),
        (lambda a, b, n: sines(a, b, n, directions=False, lengths="none"), "length on afterwards"),
        (lambda a, b, n: sines(a, b, n, turn=np.degrees), "radians"),
        (lambda a, b, n: sines(a, b, n, turn=np.cos), "cosine of the angle"),
        (lambda a, b, n: sines(a, b, n, common=True), "an angle and norms of its own"),
        (lambda a, b, n: sines(a, b, n, turn=lambda w: w[:1] + 0 * w), "an angle and norms of its own"),
        (one_norm, "an angle and norms of its own"),
        (lambda a, b, n: sines(a, b, n, turn=lambda w: np.arcsin(np.sin(w))), "above 90 degrees"),
        (lambda a, b, n: sines(a, b, n + 1)[:, :-1], "does not reach its end"),
        (raw_angle, "inner product of two directions"),
        (lambda a, b, n: sines(a, b, n, lengths="swapped"), "wrong way"),
        (lambda a, b, n: sines(a, b, n, lengths="start"), "that of the start"),
        (lambda a, b, n: sines(b, a, n), "backwards"),
        (lambda a, b, n: sines(a, b, n).swapaxes(0, 1), "swapped"),
        (lambda a, b, n: sines(a, b, n)[:, ::2], "then the units"),
        (lambda a, b, n: line(a, b, n) ** 2, "right angles"),
        (lambda a, b, n: None, "end with a return"),
        (unsolved, "think"),
    ],
)
def test_arc_rejects(function, hint, rejected):
    rejected(hint, checks.arc_between_codes, function)


# --- the angle between two draws ----------------------------------------------------------------------------


def angles(n=20_000, d=64, seed=1):
    """Kahan's formula, another one than the arc cosine."""
    z = np.random.default_rng(seed).normal(size=(2, n, d))
    difference, total = (np.linalg.norm(unit(z[0]) + sign * unit(z[1]), axis=1) for sign in (-1, 1))
    return np.degrees(2 * np.arctan2(difference, total))


@pytest.mark.parametrize("value", [angles().std(), angles(seed=2).std(ddof=1), 7.2])
def test_angle_accepts_any_number_as_a_guess(value, capsys):
    checks.angle_between_codes(60, value, 64)
    assert "guess of 60" in capsys.readouterr().out


def test_angle_knows_other_dimensions(capsys):
    checks.angle_between_codes(20, angles(d=5).std(), 5)
    assert "measured" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (None, 7.2, "still to be done"),
        ("ten", 7.2, "Any number will do"),
        (10, None, "still to be done"),
        (10, angles(), "One plain number"),
        (10, angles().mean(), "This is the mean"),
        (10, angles().var(), "the variance"),
        (10, np.minimum(angles(), 180 - angles()).std(), "folded"),
        (10, np.radians(angles()).std(), "radians, or the scatter"),
        (10, np.cos(np.radians(angles())).std(), "scatter of the cosine"),
        (10, angles().std() / np.sqrt(20_000), "error of their mean"),
        (10, 30.0, "then its scatter"),
        (10, 52.0, "in the plane"),
        (10, np.abs(angles() - 90).mean(), "mean distance"),
        (-3, 7.2, "cannot scatter more"),
        (1000, 7.2, "cannot scatter more"),
    ],
)
def test_angle_rejects(guess, value, hint, rejected):
    rejected(hint, checks.angle_between_codes, guess, value, 64)
