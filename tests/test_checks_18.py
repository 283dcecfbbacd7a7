"""The checks of lesson 18's exercises: right solutions pass, every usual wrong one gets its hint."""

import numpy as np
import pytest
import tensorflow as tf

from checks import CheckFailed
from checks import lesson_18 as checks


def unsolved(*args):
    raise NotImplementedError("hint: think")


def by_differences(z, codebook):
    index = np.square(z[..., None, :] - codebook).sum(axis=-1).argmin(axis=-1)
    return index, codebook[index]


def by_product(z, codebook):
    """Flattened, a list of tensors."""
    rows = z.reshape(-1, z.shape[-1])
    index = (np.square(codebook).sum(axis=1) - 2 * rows @ codebook.T).argmin(axis=1).reshape(z.shape[:-1])
    return [tf.constant(index), tf.constant(codebook[index])]


def with_index(z, codebook, index):
    return index, codebook[index]


def in_place(z, codebook):
    index, vectors = by_differences(z, codebook)
    z[:] = vectors
    return index, z


@pytest.mark.parametrize("function", [by_differences, by_product])
def test_nearest_codes_accept_right_solutions(function, capsys):
    checks.nearest_codes(function)
    assert capsys.readouterr().out.startswith("✔ quantize")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda z, e: with_index(z, e, np.square(z[..., None, :] - e).sum(-1).argmax(-1)), "farthest away"),
        (lambda z, e: with_index(z, e, (z @ e.T).argmax(-1)), "favours long codes"),
        (lambda z, e: with_index(z, e, (z @ e.T).argmin(-1)), "most opposite"),
        (lambda z, e: with_index(z, e, np.abs(z[..., None, :] - e).sum(-1).argmin(-1)), "absolute differences"),
        (lambda z, e: with_index(z, e, np.square(z.sum(-1)[..., None] - e.sum(-1)).argmin(-1)), "Square the diff"),
        (lambda z, e: with_index(z, e, ((e**2).sum(1) - z @ e.T).argmin(-1)), "factor 2"),
        (lambda z, e: with_index(z, e, np.zeros(z.shape[:-1], int)), "those of a loop"),
        (lambda z, e: (by_differences(z, e)[0] + 1, by_differences(z, e)[1]), "index|loop"),
        (lambda z, e: by_differences(z, e)[::-1], "in the other order"),
        (lambda z, e: (by_differences(z, e)[0].ravel(), by_differences(z, e)[1]), "flattened"),
        (lambda z, e: (by_differences(z, e)[1], by_differences(z, e)[1]), "without its last axis"),
        (lambda z, e: (by_differences(z, e)[0], z), "as they came"),
        (lambda z, e: (by_differences(z, e)[0], 2 * by_differences(z, e)[1]), "looks codes up"),
        (lambda z, e: (by_differences(z, e)[0], None), "return"),
        (lambda z, e: by_differences(z, e)[0], "Return both"),
        (in_place, "Whoever calls it"),
        (lambda z, e: None, "return"),
        (lambda z: z, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_nearest_codes_reject(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.nearest_codes(function)


def cost(u_train, u, codes, *, add=0.5, log=np.log2, over=None, total=np.sum, pooled=False):
    """Bits by a loop over positions, with the usual slips as options."""
    flat, rows = u_train.reshape(len(u_train), -1), u.reshape(len(u), -1)
    parts = []
    for place in range(flat.shape[1]):
        counts = np.bincount(flat.ravel() if pooled else flat[:, place], minlength=codes) + add
        with np.errstate(divide="ignore"):
            parts.append(-log(counts / (over or counts.sum()))[rows[:, place]])
    return total(parts, axis=0)


def by_one_hot(u_train, u, codes):
    counts = np.eye(codes)[u_train].sum(axis=0) + 0.5  # hxwxV
    log_p = np.log2(counts / counts.sum(axis=-1, keepdims=True))
    return tf.constant(-(np.eye(codes)[u] * log_p).sum(axis=(1, 2, 3)), "float32")


@pytest.mark.parametrize("function", [cost, by_one_hot])
def test_bits_accept_right_solutions(function, capsys):
    checks.cost_in_bits(function)
    assert capsys.readouterr().out.startswith("✔ bits")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda a, u, v: cost(a, u, v, log=np.log), "These are nats"),
        (lambda a, u, v: -cost(a, u, v), "is negative"),
        (lambda a, u, v: cost(a, u, v, total=np.mean), "mean over positions"),
        (lambda a, u, v: cost(a, u, v, pooled=True), "Each position has its own"),
        (lambda a, u, v: cost(a, u, v, add=1), "not a whole one"),
        (lambda a, u, v: cost(a, u, v, add=0), "has the share 0"),
        (lambda a, u, v: cost(u, u, v), "does not have them"),
        (lambda a, u, v: cost(a, u, v, over=len(a)), "do not sum to 1"),
        (lambda a, u, v: cost(a, u, v, over=a.size + 0.5 * v * 6), "at each position"),
        (lambda a, u, v: cost(a, u, v) + 1, "Take one position"),
        (lambda a, u, v: cost(a, u, v).mean(), "not their mean"),
        (lambda a, u, v: np.zeros(u.shape), "bits of single indices"),
        (lambda a, u, v: None, "return"),
        (lambda a, u, v: "text", "One number of bits"),
        (lambda a, u: a, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_bits_reject(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.cost_in_bits(function)


SHARES = np.r_[0.5, np.full(63, 0.5 / 63)]
H = -np.sum(SHARES * np.log2(SHARES))


@pytest.mark.parametrize("value", [2**H, np.array([2**H]), tf.constant(2**H), np.exp(H * np.log(2))])
def test_perplexity_accepts_any_guess(value, capsys):
    checks.perplexity_of_shares(40, value, SHARES)
    assert "your guess of 40 is off by 24.1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (None, 2**H, "still to be done"),
        (30, None, "still to be done"),
        ("many", 2**H, "Any number will do"),
        (65, 2**H, "In which unit"),
        (0, 2**H, "In which unit"),
        (30, "many", "One plain number"),
        (30, SHARES, "One plain number"),
        (30, H, "These are bits"),
        (30, np.exp(H), "not e"),
        (30, H * np.log(2), "in nats"),
        (30, 2 ** (H * np.log(2)), "e that is raised"),
        (30, 2 ** -np.mean(np.log2(SHARES)), "Weight each"),
        (30, 2**-H, "the inverse"),
        (30, 64, "number of codes"),
        (30, 1 / np.sum(SHARES**2), "another effective number"),
        (30, 20, "to the power of H"),
    ],
)
def test_perplexity_rejects(guess, value, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.perplexity_of_shares(guess, value, SHARES)
