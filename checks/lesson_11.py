"""Checks of the exercises of lesson 11. The usual wrong solutions, each with its hint: tests/test_checks_11.py."""

import numpy as np

from checks.base import as_array, call, fail, measured, passed
from utils import compression

BITS = 16


def whole_table(function):
    """Check whole_table(counts, bits): K + 1 integer borders from 0 to 2^bits, in proportion to the counts.

    Raises:
        CheckFailed: for another number of borders, ends, borders that do not rise, and shares that are off by more
            than 2 K.
    """
    rng = np.random.default_rng(11)
    one_sided = np.array([0, 7, 0, 0, 99_000, 0])
    for counts, bits in (
        (np.array([3, 1]), 4),
        (one_sided, 12),
        (np.array([5, 3, 2]), 10),
        (one_sided[::-1].copy(), 8),
        (np.bincount(rng.binomial(300, 0.4, size=5_000), minlength=301), 16),
        (np.array([1, 1, 1]), 16),
    ):
        found = call(function, counts, bits)
        k, whole = len(counts), 2**bits
        hint = "One border more than there are symbols: the first is 0."
        table = as_array(found, (k + 1,), f"the borders for {k} symbols", hint)
        where = f"counts {_brief(counts)}, {bits} bits: "
        if np.asarray(found).dtype.kind not in "iu":
            fail(where + "integers", f"numbers of type {np.asarray(found).dtype}",
                 "Floats may differ between machines in their last digit. Divide by //.")  # fmt: skip
        if table[0] != 0:
            fail(where + "0 as the first border", f"{table[0]:.0f}", "Symbol 0 gets the numbers from 0 on.")
        shares = np.diff(table)
        if abs(table[1:].sum() - whole) < k and not (np.diff(table) > 0).all():
            fail(where + "borders that rise to 2**bits", _brief(table),
                 "These are shares. A border is the sum of all shares before it.")  # fmt: skip
        if (shares < 0).any():
            fail(where + "borders that rise", _brief(table),
                 "A share is below 0. What corrects the sum may not take more than a symbol has.")  # fmt: skip
        if (shares == 0).any():
            fail(where + "at least one number for every symbol", f"none for symbol {int(np.argmin(shares))}",
                 "What never occurred may occur yet. Give each one number before you share out the rest.")  # fmt: skip
        if table[-1] != whole:
            fail(where + f"the last border {whole}", f"{table[-1]:.0f}",
                 "All 2**bits numbers are shared out, no more and no fewer. Rounding leaves some over, or takes "
                 "some too many: correct a large share.")  # fmt: skip
        exact = counts / counts.sum() * whole
        off = int(np.abs(shares - exact).argmax())
        if abs(shares[off] - exact[off]) > 2 * k:
            hint = "Is a share in proportion to its count?"
            if np.ptp(shares) <= k:
                hint = "All shares are equal. What do the counts say?"
            elif np.abs(shares - _plus_one(counts) * whole).max() <= k + 1:
                hint = "One is added to every count, which changes the shares of few counts a lot. Add it to the share."
            fail(where + f"{exact[off]:.1f} numbers for symbol {off}, to within {2 * k}", f"{shares[off]:.0f}", hint)
    passed("whole_table: integers from 0 to 2**bits, every symbol has its share, and at least one number")


def _plus_one(counts):
    return (counts + 1) / (counts + 1).sum()


def _brief(values):
    """A few numbers of an array, in one line."""
    words = [f"{value:.0f}" for value in np.asarray(values)]
    return "[" + ", ".join(words if len(words) <= 7 else [*words[:3], "...", *words[-2:]]) + "]"


def unpack(function):
    """Check unpack(state, table, count): the symbols that were pushed on an empty state, in the order of the pushing.

    Raises:
        CheckFailed: for another number of symbols, order, or other symbols.
    """
    rng = np.random.default_rng(11)
    gaps = [0, 0, 30_000, 30_000, 65_000, 65_536, 65_536]  # symbols 0, 2 and 5 have no number
    many = compression.integer_table(rng.integers(0, 50, size=200)).tolist()
    cases = (
        ("two symbols", [0, 32_768, 65_536], [1, 0, 0]),
        ("the first symbol only", [0, 40_000, 65_536], [0, 0, 0, 0]),
        ("three symbols", [0, 40_000, 60_000, 65_536], rng.integers(0, 3, size=50).tolist()),
        ("a table with symbols that have no number", gaps, rng.choice([1, 3, 4], size=40).tolist()),
        ("200 symbols", many, rng.integers(0, 200, size=300).tolist()),
    )
    for name, table, message in cases:
        state = 0
        for symbol in message:
            state = compression.push(state, symbol, table)
        found = call(function, state, list(table), len(message))
        hint = f"One symbol each time, {len(message)} here, also where the state is 0 already."
        found = as_array(found, (len(message),), f"{name}: the symbols", hint)
        if np.array_equal(found, message):
            continue
        hint = "Compare with push: low + state % f are the last 16 bits, state // f is what stands before them."
        if np.array_equal(found[::-1], message):
            hint = "The symbol that was pushed last comes off first. In which order are they wanted?"
        elif np.array_equal(found, np.array(message) + 1):
            hint = "Every symbol is too large by 1: symbol s begins at table[s]."
        elif "no number" in name:
            hint = "Where two borders are equal, the symbol between them has no number: whose interval is it?"
        elif found[-1] == message[-1] or found[0] == message[-1]:
            hint = "The symbol on top is right, one below it is not: the state without the top is wrong. " + hint
        place = int(np.flatnonzero(found != message)[0])
        fail(f"{name}: {message[place]} at place {place}", f"{found[place]:g}", hint)
    passed("unpack: all symbols, in the order in which they were pushed")


def bytes_of_tosses(guess, value, tosses, table):
    """Check the bytes that the course's coder writes for tosses (1, n) of a coin, with its table.

    Raises:
        CheckFailed: for a guess or a value that is no number, or another number of bytes.
    """
    tosses = np.asarray(tosses)
    data = compression.encode(tosses, table)
    right, n = len(data), tosses.size
    even = compression.integer_table([1, 1])
    slips = [
        (n / 8, "This is one bit per toss. Heads cost less, tails cost more."),
        (8 * right, "These are bits. Bytes are asked for."),
        (n, "This is the number of tosses. What has the coder written?"),
        (tosses.sum(), "This is the number of tails. Measure the length of what encode returns."),
        (len(compression.encode(tosses, even)), "This table takes heads and tails for equally frequent. Use `table`."),
        (
            len(compression.encode(tosses.T, table)),
            "One row of 10,000 tosses, not 10,000 rows: each block costs extra.",
        ),
        (right - compression.LENGTH, "The file's length belongs to the file: count all bytes that encode returns."),
    ]
    hint = "len(compression.encode(tosses, table)), with the tosses and the table of the cell above."
    measured(guess, value, right, "bytes", slips, hint, tolerance=0.5)
