"""Checks of the exercises of lesson 19. The usual wrong solutions, each with its hint: tests/test_checks_19.py."""

import numpy as np

from checks.base import as_array, call, fail, measured, passed
from utils import scaling


class Ring:
    """A ring of workers that counts what is sent: `send(worker, piece)` returns what arrives at the neighbour.

    Attribute: bytes, a list of numbers, one per worker.
    """

    def __init__(self, workers):
        self.bytes = [0] * workers

    def send(self, worker, piece):
        """Count, and return a copy, as a network would."""
        piece = np.array(piece)
        self.bytes[worker] += piece.nbytes
        return piece


def rows_of_a_worker(function):
    """Check rows_of(worker, workers, n, batch_size, epoch, seed): integers (steps, batch_size // workers).

    Raises:
        CheckFailed: for another shape, images that come twice, an order that does not follow from epoch and seed, and
            batches that depend on the number of workers.
    """
    n, batch = 53, 12
    steps = n // batch

    def rows(worker, workers, epoch=0, seed=1):
        found = call(function, worker, workers, n, batch, epoch, seed)
        what = f"the rows of worker {worker} of {workers}"
        hint = f"One row of numbers per step, {batch} // {workers} of them; {n} // {batch} steps."
        return as_array(found, (steps, batch // workers), what, hint)

    def batches(workers, **when):
        return np.concatenate([rows(worker, workers, **when) for worker in range(workers)], axis=1)

    both = batches(2)
    if both.min() < 0 or both.max() >= n or np.any(both != both.astype(int)):
        fail(f"whole numbers from 0 to {n - 1}", f"{both.min():g} to {both.max():g}", "They number the images.")
    if not np.array_equal(both, batches(2)):
        fail("the same rows for the same epoch and seed", "others", "Draw by np.random.default_rng([seed, epoch]).")
    if np.array_equal(rows(0, 2), rows(1, 2)):
        fail("other images for the other worker", "the same", "Each worker takes its own part of the batch.")
    if len(np.unique(both)) < both.size:
        hint = "The order must be the same on all workers. Does it depend on the worker, or do the parts overlap?"
        fail("every image at most once in an epoch", "some of them twice", hint)
    if np.array_equal(both, batches(2, epoch=1)) or np.array_equal(both, batches(2, seed=2)):
        fail("another order for another epoch or seed", "the same", "Both go into the generator.")
    if np.array_equal(np.sort(both.ravel()), np.arange(both.size)):
        fail(f"all {n} images in a random order", "the first ones only", "Shuffle all n, then leave out the rest.")
    for workers in (1, 3, 4):
        if not np.array_equal(np.sort(batches(workers)), np.sort(both)):
            hint = "Cut the batch of each step into parts. Who divides the images first and shuffles then, or gives "
            hint += "each worker a stretch of the epoch, trains on other batches."
            fail(f"the same batches with {workers} workers as with 2", "other ones", hint)
    passed("rows_of: every image once, new each epoch, and the same batches for any number of workers")


def all_reduce(function):
    """Check ring_all_reduce(vectors, send): the sum for every worker, by pieces that go around in a ring.

    Raises:
        CheckFailed: for another sum, vectors that are changed, and more or fewer bytes than the ring needs.
    """
    rng = np.random.default_rng(19)
    for workers in (2, 3, 5):
        vectors = [rng.normal(size=60) for _ in range(workers)]
        kept, ring = [vector.copy() for vector in vectors], Ring(workers)
        found = call(function, vectors, ring.send)
        if not isinstance(found, list | tuple) or len(found) != workers:
            fail(f"a list of {workers} arrays", type(found).__name__, "Every worker has the sum at the end.")
        found = [as_array(one, (60,), "a sum", "As long as each of the vectors.") for one in found]
        if not all(map(np.array_equal, vectors, kept)):
            fail("the vectors as they were", "changed ones", "np.split gives views. Split a copy.")
        total = sum(kept)
        for worker, one in enumerate(found):
            if not np.allclose(one, total):
                fail(f"the sum, at worker {worker} of {workers}", "another vector", _why(one, total, kept[worker]))
        once = 60 * 8 // workers
        if max(ring.bytes) == 0:
            fail("pieces that are sent", "none", "A worker knows its own vector only: what it adds has to be sent.")
        if ring.bytes != [2 * (workers - 1) * once] * workers:
            hint = "Two rounds of Q - 1 turns, in each of which every worker sends one piece of n / Q numbers."
            if max(ring.bytes) >= (workers - 1) * 60 * 8:
                hint = "Whole vectors go around. Cut them into Q pieces: each turn one piece per worker. " + hint
            fail(f"{2 * (workers - 1) * once} bytes from each of {workers}", str(ring.bytes), hint)
    passed("ring_all_reduce: the sum everywhere, by 2 (Q − 1) / Q of a vector from each")


def _why(found, total, own):
    """The hint for a vector that is not the sum."""
    right = np.isclose(found, total)
    if np.allclose(found, own):
        return "This is what the worker had at the beginning."
    if found.any() and np.allclose(found * (total @ found) / (found @ found), total):
        return "It is the sum times a number. Sum, no mean; and is the second round adding, where it replaces?"
    if 0 < right.mean() < 1:
        return (
            f"{right.mean():.0%} of it is right. After the first round each worker has one complete piece; the second "
            "round takes these to the others."
        )
    return "In a turn all send at the same time. Send all pieces first, then add what arrives, at the neighbour."


def break_even_of_larger(guess, value, weights, operations):
    """Check the break-even batch of a dense network with four times the weights.

    Raises:
        CheckFailed: for a guess or a value that is no number, and another batch.
    """
    costs = {"per_image": 24 * weights / operations, "gradient": 16 * weights}
    right = float(scaling.break_even(2, gbit=1, **costs))
    slips = [
        (4 * right, "Four times the bytes, but the seconds per image grow, too. Call pays_from(4 * WEIGHTS)."),
        (right / 4, "Four times the seconds, but the bytes grow, too. Call pays_from(4 * WEIGHTS)."),
    ]
    measured(guess, value, right, "images", slips, "Call pays_from with four times the weights.", 1e-6 * right)
