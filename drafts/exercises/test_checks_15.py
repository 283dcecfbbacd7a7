"""The checks of lesson 15's exercises: a right solution passes, every usual wrong one gets its hint."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import checks_15 as checks
from checks_base import CheckFailed


def unsolved(*args):
    raise NotImplementedError("hint: think")


def by_loops(encode, decode, first, last, steps):
    """Another way: pair by pair and step by step."""
    paths = []
    for x, y in zip(first, last, strict=True):
        a, b = encode(x[None]), encode(y[None])
        paths.append([decode(a + k / (steps - 1) * (b - a))[0] for k in range(steps)])
    return np.array(paths)


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


def at_once(encode, decode, first, last, steps):
    return decode(codes_on(np.linspace(0, 1, steps), encode, first, last))


def not_decoded(encode, decode, first, last, steps):
    return codes_on(np.linspace(0, 1, steps), encode, first, last)


def test_walk_accepts_a_right_solution(capsys):
    checks.path_through_codes(by_loops)
    assert capsys.readouterr().out.startswith("✔ walk")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (fade, "cross-fade"),
        (at(lambda n: np.linspace(1, 0, n)), "backwards"),
        (at(lambda n: np.arange(n) / n), "does not reach its ends"),
        (at(lambda n: np.linspace(0, 1, n + 2)[1:-1]), "does not reach its ends"),
        (at(lambda n: np.linspace(0, 1, n + 1)), "shape"),
        (at(lambda n: np.linspace(0, 1, n) ** 2), "walk evenly"),
        (lambda *args: by_loops(*args).swapaxes(0, 1), "swapped"),
        (at_once, r"codes \(n, 6\)"),
        (not_decoded, "These are codes"),
        (lambda *args: None, "return"),
        (unsolved, "think"),
    ],
)
def test_walk_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.path_through_codes(function)


def unit(z):
    return z / np.linalg.norm(z, axis=-1, keepdims=True)


def rotated(start, end, steps):
    """Another way: rotate in the plane of both codes, from one axis towards a second at right angles to it."""
    arcs = []
    for a, b in zip(start, end, strict=True):
        e = a / np.linalg.norm(a)
        f = unit(b - (b @ e) * e)
        angle = np.arctan2(b @ f, b @ e)
        arcs.append(
            [((1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b)) * (np.cos(t * angle) * e + np.sin(t * angle) * f)
             for t in np.linspace(0, 1, steps)]
        )  # fmt: skip
    return arcs


def sines(start, end, steps, *, directions=True, lengths=True, scale=1.0, common=False, reverse=False):
    a, b, t = start[:, None], end[:, None], np.linspace(0, 1, steps)[None, :, None]
    p, q = (np.linalg.norm(z, axis=-1, keepdims=True) for z in (a, b))
    angle = scale * np.arccos(np.sum(unit(a) * unit(b), axis=-1, keepdims=True))
    if common:
        angle = np.arccos(np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b))
    u, v = (unit(a), unit(b)) if directions else (a, b)
    turned = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    p, q = (q, p) if reverse else (p, q)
    return ((1 - t) * p + t * q) * turned if lengths else turned


def line(start, end, steps):
    t = np.linspace(0, 1, steps)[:, None]
    return (1 - t) * start[:, None] + t * end[:, None]


def pushed(start, end, steps):
    t = np.linspace(0, 1, steps)[:, None]
    norms = (1 - t) * np.linalg.norm(start, axis=1)[:, None, None] + t * np.linalg.norm(end, axis=1)[:, None, None]
    return norms * unit(line(start, end, steps))


@pytest.mark.parametrize("function", [rotated, sines])
def test_arc_accepts_right_solutions(function, capsys):
    checks.arc_between_codes(function)
    assert capsys.readouterr().out.startswith("✔ arc")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (line, "straight line"),
        (pushed, "turns unevenly"),
        (lambda a, b, n: pushed(unit(a), unit(b), n) * (np.linalg.norm(pushed(a, b, n), axis=-1, keepdims=True)),
         "turns unevenly"),
        (lambda a, b, n: sines(a, b, n, lengths=False), "These are directions"),
        (lambda a, b, n: sines(a, b, n, directions=False, lengths=False), "length on afterwards"),
        (lambda a, b, n: sines(a, b, n, scale=180 / np.pi), "radians"),
        (lambda a, b, n: sines(a, b, n, common=True), "an angle of its own"),
        (lambda a, b, n: sines(a, b, n, reverse=True), "wrong way"),
        (lambda a, b, n: sines(b, a, n), "backwards"),
        (lambda a, b, n: sines(a, b, n).swapaxes(0, 1), "swapped"),
        (lambda a, b, n: sines(a, b, n)[:, ::2], "shape"),
        (unsolved, "think"),
    ],
)  # fmt: skip
def test_arc_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.arc_between_codes(function)


def angles(n=20_000, d=64):
    z = np.random.default_rng(1).normal(size=(2, n, d))
    return np.degrees(np.arctan2(np.linalg.norm(unit(z[0]) - unit(z[1]), axis=1),
                                 np.linalg.norm(unit(z[0]) + unit(z[1]), axis=1)) * 2)  # fmt: skip


def test_angle_accepts_any_number_as_a_guess(capsys):
    checks.angle_between_codes(60, angles().std())
    assert "Your guess of 60" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "measured", "hint"),
    [
        (None, 7.2, "as guess"),
        (10, None, "as measured"),
        (10, angles().mean(), "This is the mean"),
        (10, np.radians(angles()).std(), "radians, or the scatter"),
        (10, np.cos(np.radians(angles())).std(), "scatter of the cosine"),
        (10, angles().std() / np.sqrt(20_000), "error of their mean"),
        (10, 52.0, "then np.std"),
    ],
)
def test_angle_rejects(guess, measured, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.angle_between_codes(guess, measured)
