"""The checks of lesson 19's exercises: right solutions pass, every usual wrong one gets its hint."""

import numpy as np
import pytest

from checks import CheckFailed
from checks import lesson_19 as checks


def unsolved(*args):
    raise NotImplementedError("hint: think")


def order_of(n, epoch, seed):
    return np.random.default_rng([seed, epoch]).permutation(n)


def by_shape(worker, workers, n, batch_size, epoch, seed):
    return order_of(n, epoch, seed)[: n // batch_size * batch_size].reshape(-1, workers, batch_size // workers)[
        :, worker
    ]


def by_stride(worker, workers, n, batch_size, epoch, seed):
    """Every worker takes each Q-th image of the batch, in a list."""
    order = order_of(n, epoch, seed)
    return [
        list(order[first : first + batch_size][worker::workers]) for first in range(0, n - batch_size + 1, batch_size)
    ]


@pytest.mark.parametrize("function", [by_shape, by_stride])
def test_rows_accept_right_solutions(function, capsys):
    checks.rows_of_a_worker(function)
    assert capsys.readouterr().out.startswith("✔ rows_of")


def stretch(worker, workers, n, batch_size, epoch, seed):
    """Each worker has a stretch of the epoch."""
    size, steps = batch_size // workers, n // batch_size
    return order_of(n, epoch, seed)[worker * steps * size :][: steps * size].reshape(steps, size)


def divided_first(worker, workers, n, batch_size, epoch, seed):
    size, steps = batch_size // workers, n // batch_size
    own = np.arange(n)[worker::workers]
    return own[order_of(len(own), epoch, seed)][: steps * size].reshape(steps, size)


def first_only(worker, workers, n, batch_size, epoch, seed):
    used = n // batch_size * batch_size
    return order_of(used, epoch, seed).reshape(-1, workers, batch_size // workers)[:, worker]


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda q, w, n, b, e, s: by_shape(0, w, n, b, e, s), "its own part of the batch"),
        (lambda q, w, n, b, e, s: by_shape(q, w, n, b, e, [s, q]), "depend on the worker"),
        (lambda q, w, n, b, e, s: by_shape(q, w, n, b, 0, s), "Both go into the generator"),
        (lambda q, w, n, b, e, s: by_shape(q, w, n, b, e, 0), "Both go into the generator"),
        (lambda q, w, n, b, e, s: by_shape(q, w, n, b, e, np.random.default_rng().integers(99)), "for the same epoch"),
        (lambda q, w, n, b, e, s: by_shape(q, w, n, b, e, s).T, "One row of numbers per step"),
        (lambda q, w, n, b, e, s: by_shape(0, 1, n, b, e, s), "One row of numbers per step"),
        (lambda q, w, n, b, e, s: by_shape(q, w, n, b, e, s) + 1, "They number the images"),
        (stretch, "trains on other batches"),
        (divided_first, "trains on other batches"),
        (first_only, "Shuffle all n"),
        (lambda *args: None, "return"),
        (unsolved, "think"),
    ],
)
def test_rows_reject(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.rows_of_a_worker(function)


def ring(vectors, send, *, rounds=2, whole=False, copies=True, at_once=True, last=False):
    """The ring, with the usual mistakes to be switched on."""
    workers = len(vectors)
    pieces = [np.split(vector.copy() if copies else vector, workers) for vector in vectors]
    for first in range(rounds):
        for turn in range(workers - 1):
            which = [(q + first - turn) % workers for q in range(workers)]
            arrive = [send(q, pieces[q][k]) for q, k in enumerate(which)] if at_once else None
            for q, k in enumerate(which):
                here, piece = pieces[(q + 1) % workers], arrive[q] if at_once else send(q, pieces[q][k])
                if first and not last:
                    here[k] = piece
                else:
                    here[k] += piece
    return [np.concatenate(own) for own in pieces]


def around(vectors, send):
    """Whole vectors go around."""
    sums, moving = [vector.copy() for vector in vectors], list(vectors)
    for _ in range(len(vectors) - 1):
        arrive = [send(q, vector) for q, vector in enumerate(moving)]
        moving = [arrive[q - 1] for q in range(len(vectors))]
        sums = [one + other for one, other in zip(sums, moving, strict=True)]
    return sums


def test_all_reduce_accepts_a_right_solution(capsys):
    checks.all_reduce(ring)
    assert capsys.readouterr().out.startswith("✔ ring_all_reduce")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (around, "Whole vectors go around"),
        (lambda v, send: ring(v, send, rounds=1), "one complete piece"),
        (lambda v, send: ring(v, send, copies=False), "Split a copy"),
        (lambda v, send: ring(v, send, last=True), "replaces|one complete piece|Send all pieces first"),
        (lambda v, send: [one / len(v) for one in ring(v, send)], "Sum, no mean"),
        (lambda v, send: [sum(v)] * len(v), "has to be sent"),
        (lambda v, send: [one.copy() for one in v], "at the beginning"),
        (lambda v, send: [ring(v, send)[0]] + ring(v, send)[1:], "Two rounds of Q - 1 turns"),
        (lambda v, send: ring(v, send)[0], "Every worker has the sum"),
        (lambda v, send: [one[:3] for one in ring(v, send)], "As long as each"),
        (lambda v, send: None, "return|Every worker"),
        (unsolved, "think"),
    ],
)
def test_all_reduce_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.all_reduce(function)


def test_the_ring_counts():
    line = checks.Ring(2)
    piece = np.ones(3)
    arrived = line.send(1, piece)
    arrived += 1
    assert piece.sum() == 3
    assert line.bytes == [0, 24]


def break_even(weights):
    return 16 * 4 * weights / 1e9 / (6 * weights / 1e10)


def test_break_even_accepts_any_guess(capsys):
    checks.break_even_of_larger(7, break_even(1.6e6), 400_000, 1e10)
    assert "your guess of 7 is off by" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (1, None, "still to be done"),
        ("many", 1.0, "Any number will do"),
        (1, 4 * break_even(4e5), "the seconds per image grow"),
        (1, break_even(4e5) / 4, "the bytes grow"),
        (1, 12.0, "four times the weights"),
    ],
)
def test_break_even_rejects(guess, value, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.break_even_of_larger(guess, value, 400_000, 1e10)
