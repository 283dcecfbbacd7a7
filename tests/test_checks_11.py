"""The checks of lesson 11's exercises: right solutions pass, every usual wrong one gets its hint."""

from bisect import bisect_left, bisect_right

import numpy as np
import pytest
import tensorflow as tf

from checks import CheckFailed
from checks import lesson_11 as checks
from utils import compression


def unsolved(*args):
    raise NotImplementedError("hint: think")


def by_remainders(counts, bits):
    """Another way: what is left over goes one by one to the largest remainders; a list of Python's integers."""
    left, total = 2**bits - len(counts), int(counts.sum())
    shares = [1 + int(c) * left // total for c in counts]
    over = 2**bits - sum(shares)
    for s in sorted(range(len(counts)), key=lambda s: -(int(counts[s]) * left % total))[:over]:
        shares[s] += 1
    return [0, *np.cumsum(shares).tolist()]


def by_rounding(counts, bits):
    """Another way: rounded shares, at least 1, the difference taken from the largest."""
    shares = np.maximum(1, np.round(counts / counts.sum() * 2**bits)).astype(int)
    shares[shares.argmax()] += 2**bits - shares.sum()
    return tf.constant(np.cumsum([0, *shares]))


def by_borders(counts, bits):
    """Another way: the borders themselves are rounded down."""
    k = len(counts)
    borders = np.cumsum([0, *counts]) * (2**bits - k) // counts.sum()
    return borders + np.arange(k + 1)


def borders(shares):
    return np.cumsum([0, *shares])


def shares_of(counts, bits):
    return np.diff(compression.integer_table(counts, bits))


def too_much_from_the_last(counts, bits):
    shares = 1 + np.ceil(counts / counts.sum() * 2**bits).astype(int)
    shares[-1] += 2**bits - shares.sum()
    return borders(shares)


@pytest.mark.parametrize("function", [by_remainders, by_rounding, by_borders, compression.integer_table])
def test_table_accepts_right_solutions(function, capsys):
    checks.whole_table(function)
    assert capsys.readouterr().out.startswith("✔ whole_table")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (shares_of, "One border more"),
        (lambda c, b: compression.integer_table(c, b)[1:], "One border more"),
        (lambda c, b: compression.integer_table(c, b)[:-1], "One border more"),
        (lambda c, b: compression.integer_table(c, b) / 1, "in their last digit"),
        (lambda c, b: compression.integer_table(c, b) + 1, "from 0 on"),
        (lambda c, b: [0, *shares_of(c, b)], "sum of all shares"),
        (lambda c, b: borders(np.round(c / c.sum() * 2**b).astype(int)), "before you share out"),
        (lambda c, b: borders(c * 2**b // c.sum()), "before you share out"),
        (lambda c, b: borders(1 + c * 2**b // c.sum()), "no more and no fewer"),
        (lambda c, b: borders(np.maximum(1, c * 2**b // c.sum())), "no more and no fewer"),
        (lambda c, b: borders(c), "no more and no fewer"),
        (lambda c, b: compression.integer_table(np.ones(len(c), int), b), "What do the counts say"),
        (lambda c, b: compression.integer_table(c + 1, b), "Add it to the share"),
        (too_much_from_the_last, "than a symbol has"),
        (lambda c, b: compression.integer_table(c[::-1], b), "in proportion"),
        (lambda c, b: None, "return"),
        (lambda c, b: "text", "One border more"),
        (lambda c: c, "TypeError"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_table_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.whole_table(function)


def read(state, table, count, find=bisect_right, shift=-1, rest=lambda number, low: number - low, back=True):
    symbols = []
    for _ in range(count):
        number = state % 2**16
        symbol = min(max(find(table, number) + shift, 0), len(table) - 2)
        low, f = table[symbol], table[symbol + 1] - table[symbol]
        state = f * (state // 2**16) + rest(number, low)
        symbols.append(symbol)
    return symbols[::-1] if back else symbols


def by_shifting(state, table, count):
    """Another way: bits instead of division, a search of its own, an array."""
    found = np.zeros(count, int)
    for place in reversed(range(count)):
        number = state & 0xFFFF
        symbol = next(s for s in range(len(table) - 1) if table[s] <= number < table[s + 1])
        state = (table[symbol + 1] - table[symbol]) * (state >> 16) + number - table[symbol]
        found[place] = symbol
    return found


def without_f(state, table, count):
    found = []
    for _ in range(count):
        found.append(bisect_right(table, state % 2**16) - 1)
        state //= 2**16
    return found[::-1]


def until_empty(state, table, count):
    found = []
    while state:
        symbol, state = compression.pop(state, table)
        found.append(symbol)
    return found[::-1]


@pytest.mark.parametrize("function", [read, by_shifting, lambda s, t, n: tf.constant(read(s, t, n))])
def test_unpack_accepts_right_solutions(function, capsys):
    checks.unpack(function)
    assert capsys.readouterr().out.startswith("✔ unpack")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda s, t, n: read(s, t, n, back=False), "comes off first"),
        (lambda s, t, n: np.array(read(s, t, n)) + 1, "too large by 1"),
        (lambda s, t, n: read(s, t, n, find=bisect_left), "Compare with push|Where two borders|The symbol on top"),
        (without_f, "the state without the top is wrong"),
        (lambda s, t, n: read(s, t, n, rest=lambda number, low: number), "the state without the top is wrong"),
        (lambda s, t, n: read(s, t, n, rest=lambda number, low: 0), "the state without the top is wrong"),
        (until_empty, "where the state is 0 already"),
        (lambda s, t, n: read(s, t, n)[:-1], "One symbol each time"),
        (lambda s, t, n: None, "return"),
        (lambda s, t, n: "text", "One symbol each time"),
        (lambda s, t: s, "TypeError"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_unpack_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.unpack(function)


def test_unpack_rejects_the_first_of_equal_borders():
    def first(state, table, count):
        def find(table, number):
            place = bisect_right(table, number)
            return table.index(table[place - 1]) + 1

        return read(state, table, count, find=find)

    with pytest.raises(CheckFailed, match="two borders are equal"):
        checks.unpack(first)


TOSSES = (np.random.default_rng(1).random((1, 10_000)) < 0.01).astype(int)
TABLE = compression.integer_table(np.bincount(TOSSES[0]))
RIGHT = len(compression.encode(TOSSES, TABLE))


@pytest.mark.parametrize("value", [RIGHT, np.array([RIGHT]), float(RIGHT), tf.constant(RIGHT)])
def test_tosses_accept_any_guess(value, capsys):
    checks.bytes_of_tosses(1250, value, TOSSES, TABLE)
    assert "your guess of 1250 is off by" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (None, RIGHT, "still to be done"),
        (0, None, "still to be done"),
        ("few", RIGHT, "Any number will do"),
        (0, compression.encode(TOSSES, TABLE), "One plain number"),
        (0, 1250, "one bit per toss"),
        (0, 8 * RIGHT, "Bytes are asked for"),
        (0, 10_000, "number of tosses"),
        (0, TOSSES.sum(), "number of tails"),
        (0, len(compression.encode(TOSSES, [0, 32_768, 65_536])), "equally frequent|one bit per toss"),
        (0, len(compression.encode(TOSSES.T, TABLE)), "not 10,000 rows"),
        (0, RIGHT - 4, "belongs to the file"),
        (0, 3, "with the tosses and the table"),
    ],
)
def test_tosses_reject(guess, value, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.bytes_of_tosses(guess, value, TOSSES, TABLE)
