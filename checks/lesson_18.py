"""Checks of the exercises of lesson 18. The usual wrong solutions, each with its hint: tests/test_checks_18.py."""

import numpy as np

from checks.base import agree, as_array, call, fail, measured, passed, shape_of


def nearest_codes(function):
    """Check quantize(z, codebook): vectors (n, h, w, d), codebook (V, d) → indices (n, h, w), vectors (n, h, w, d).

    Called with float32 arrays.

    Raises:
        CheckFailed: for anything but two arrays, other shapes, another code than the nearest, or vectors that are not
            those of the indices.
    """
    rng = np.random.default_rng(18)
    codebook = (rng.normal(size=(7, 3)) * np.array([[1], [3], [0.3], [1], [2], [0.5], [1]])).astype("float32")
    z = rng.normal(size=(4, 5, 2, 3)).astype("float32")
    away = np.square(z[..., None, :] - codebook).sum(axis=-1)  # 4x5x2x7
    right = away.argmin(axis=-1)
    found = call(function, z, codebook)
    if found is not None and (not isinstance(found, tuple | list) or len(found) != 2):
        fail("two arrays: the indices, the vectors", type(found).__name__, "Return both, in this order.")
    indices, vectors = (None, None) if found is None else found
    if shape_of(indices) == z.shape and shape_of(vectors) == z.shape[:-1]:
        fail("the indices first, then the vectors", "vectors first", "Return both, in the other order.")
    hint = "One index for every vector of the map: z without its last axis."
    if shape_of(indices) == (40,):
        hint = "The map is flattened, which is fine on the way. Give the indices the map's shape (n, h, w) again."
    indices = as_array(indices, z.shape[:-1], "the indices", hint)
    if indices.min() < 0 or indices.max() > 6 or (indices % 1).any():
        wanted = "integers from 0 to 6 for seven codes"
        fail(wanted, f"numbers from {indices.min():.4g} to {indices.max():.4g}", "An index is a code's row.")
    long_codes = (
        "The largest product z·e favours long codes. It is the distance that counts: ‖z − e‖² = ‖z‖² − 2 z·e + ‖e‖², "
        "and the last term differs from code to code."
    )
    sums = "These are sums of absolute differences. The distance sums their squares."
    order = "Square the differences of the units first, then sum over the units."
    slips = [
        (away.argmax(axis=-1), "These are the codes farthest away."),
        ((z @ codebook.T).argmax(axis=-1), long_codes),
        ((z @ codebook.T).argmin(axis=-1), "The smallest product is the most opposite code, not the nearest one."),
        (np.abs(z[..., None, :] - codebook).sum(axis=-1).argmin(axis=-1), sums),
        (np.square(z.sum(axis=-1)[..., None] - codebook.sum(axis=-1)).argmin(axis=-1), order),
        (((codebook**2).sum(axis=1) - z @ codebook.T).argmin(axis=-1), "A factor 2 is missing: it is 2 z·e."),
    ]
    agree(indices, right, slips, "the index of the nearest code", "Compare your distances with those of a loop.")
    vectors = as_array(vectors, z.shape, "the vectors", "One vector of the codebook for every vector of the map.")
    slips = [(z, "These are the vectors as they came. Look their codes up in the codebook, by the indices.")]
    agree(vectors, codebook[right], slips, "the codes of these indices", "codebook[indices] looks codes up.", 1e-6)
    passed("quantize: the nearest code of every vector, and its index")


def cost_in_bits(function):
    """Check bits(u_train, u, codes): the bits of each map of u under histograms of u_train, one of every position.

    Half a count is added to each. Called with integers (m, h, w) and (n, h, w).

    Raises:
        CheckFailed: for another shape, infinities, and other bits than those, to 0.1 %.
    """
    rng, codes = np.random.default_rng(18), 5
    likely = rng.dirichlet(np.full(codes, 0.3), size=6)  # 6x5
    u_train, u = (
        np.stack([rng.choice(codes, size=size, p=p) for p in likely], axis=1).reshape(size, 2, 3) for size in (40, 9)
    )
    u_train[:, 0, 0], u[:, 0, 0] = 0, np.arange(9) % codes  # an index that no training map has here
    flat, flat_train = u.reshape(9, 6), u_train.reshape(40, 6)
    counts = np.stack([np.bincount(column, minlength=codes) for column in flat_train.T]).astype("float64")  # 6x5

    def cost(counts, log=np.log2):
        p = counts / counts.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            return -log(p[np.arange(6), flat])  # 9x6

    right = cost(counts + 0.5).sum(axis=1)
    pooled = np.repeat(counts.sum(axis=0, keepdims=True), 6, axis=0)
    own = np.stack([np.bincount(column, minlength=codes) for column in flat.T])
    known = "The histograms are those of the maps to be coded. A decoder does not have them yet: count on u_train."
    total = "The shares of one position do not sum to 1. What is added to the counts belongs to their sum, too."
    everywhere = "These shares sum to 1 over all positions together. They must do so at each position."
    added = (counts + 0.5)[np.arange(6), flat]  # 9x6
    slips = [
        (cost(counts + 0.5, np.log).sum(axis=1), "These are nats, of the natural logarithm. Bits take np.log2."),
        (-right, "The logarithm of a probability is negative. Its bits are not."),
        (cost(counts + 0.5).mean(axis=1), "This is the mean over positions. A map costs the sum."),
        (cost(pooled + 0.5).sum(axis=1), "This is one histogram for all positions. Each position has its own."),
        (cost(counts + 1).sum(axis=1), "Add half a count to each, not a whole one."),
        (cost(own + 0.5).sum(axis=1), known),
        (-np.log2(added / len(u_train)).sum(axis=1), total),
        (-np.log2(added / (counts + 0.5).sum()).sum(axis=1), everywhere),
    ]
    found = call(function, u_train, u, codes)
    hint = "One number of bits for each map of u."
    if shape_of(found) in ((9, 6), (9, 2, 3)):
        hint = "These are bits of single indices. A map costs their sum."
    elif shape_of(found) == () and not isinstance(found, str):
        hint = "One number for each map is wanted, not their mean or sum."
    never = "An index that no training map has at its position has the share 0. Add half a count to each."
    found = as_array(found, (9,), "the bits of each map", hint, never)
    agree(found, right, slips, "bits of a map", "Take one position, and compare its shares with np.bincount.")
    passed("bits: a histogram of each position, counted on training maps, in bits, summed over the map")


def perplexity_of_shares(guess, value, shares):
    """Check the perplexity of given shares (V,), which sum to 1.

    Raises:
        CheckFailed: for a guess or a value that is no number, or another value.
    """
    shares = np.asarray(shares, "float64")
    bits = -np.sum(shares * np.log2(shares))
    right = 2**bits
    slips = [
        (bits, "These are bits, the entropy H. The perplexity is 2 to the power of H."),
        (np.exp(bits), "H is in bits here, so that 2 is raised to its power, not e."),
        (-np.sum(shares * np.log(shares)), "This is the entropy in nats, and the power is still to come."),
        (2 ** -np.sum(shares * np.log(shares)), "With the natural logarithm it is e that is raised to the power."),
        (2 ** -np.mean(np.log2(shares)), "Weight each logarithm by its share, and sum."),
        (2**-bits, "This is the inverse. What is the sign of H?"),
        (len(shares), "This is the number of codes, the perplexity of equal shares."),
        (1 / np.sum(shares**2), "This is another effective number, 1 / Σ p². The lesson's goes by the entropy."),
    ]
    hint = "2 to the power of H, with H the sum of −p log₂ p over the codes."
    measured(guess, value, right, "codes", slips, hint, tolerance=0.05, bounds=(1, len(shares)))
