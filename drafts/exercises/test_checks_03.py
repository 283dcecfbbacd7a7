"""The checks of lesson 03's exercises: right solutions pass, each usual wrong one gets its hint."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from utils import models, stacking

sys.path.insert(0, str(Path(__file__).parent))

import checks_03 as checks
from checks_base import CheckFailed


def unsolved(*arguments):
    raise NotImplementedError("hint: begin with the kernel")


class Tie(layers.Layer):
    """Right: keeps the other layer, so that Keras lists its weights here, too; the bias comes with build."""

    def __init__(self, dense, activation=None):
        super().__init__()
        self.dense, self.activation = dense, keras.activations.get(activation)

    def build(self, shape):
        self.bias = self.add_weight(shape=self.dense.kernel.shape[:1], initializer="zeros")

    def kernel(self):
        return ops.transpose(self.dense.kernel)

    def call(self, z):
        return self.activation(ops.add(ops.matmul(z, self.kernel()), self.bias))


class OwnCopy(Tie):
    def build(self, shape):
        super().build(shape)
        self.copied = self.add_weight(shape=self.dense.kernel.shape[::-1])
        self.copied.assign(ops.transpose(self.dense.kernel))

    def kernel(self):
        return self.copied


class Constant(Tie):
    def build(self, shape):
        super().build(shape)
        self.copied = self.dense.kernel.numpy().T

    def kernel(self):
        return self.copied


class NotTransposed(Tie):
    def kernel(self):
        return self.dense.kernel


class NoBias(Tie):
    def build(self, shape):
        pass

    def call(self, z):
        return self.activation(ops.matmul(z, self.kernel()))


class TheirBias(NoBias):
    def call(self, z):
        return self.activation(ops.matmul(z, self.kernel()) + self.dense.bias)


class BiasForgotten(Tie):
    def call(self, z):
        return self.activation(ops.matmul(z, self.kernel()))


class NoActivation(Tie):
    def call(self, z):
        return ops.matmul(z, self.kernel()) + self.bias


class NoGradient(Tie):
    def kernel(self):
        return self.dense.kernel.numpy().T


def no_shared_weights(dense, activation=None):
    return layers.Dense(dense.kernel.shape[0], activation=activation)


@pytest.mark.parametrize("make", [Tie, stacking.TiedDense])
def test_tied_layer_right(make, capsys):
    checks.tied_layer(make)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (no_shared_weights, "Whose kernel should it use"),
        (OwnCopy, "even if they begin as equals"),
        (Constant, "did not follow"),
        (NotTransposed, "Which way round"),
        (NoBias, "who owns it"),
        (TheirBias, "belongs to the units"),
        (BiasForgotten, "Is it added"),
        (NoActivation, "activation that was asked for"),
        (NoGradient, "leaves TensorFlow"),
        (lambda dense, activation: None, "Derive the class"),
        (lambda dense: Tie(dense), "last line of the error"),
        (unsolved, "begin with the kernel"),
    ],
)
def test_tied_layer_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.tied_layer(wrong)


def recursive(x, widths, train_block):
    """Right, without a loop, and through the encoder itself."""
    if not len(widths):
        return ()
    block = train_block(x, widths[0])
    return (block, *recursive(block.encoder(x), widths[1:], train_block))


def always_pixels(x, widths, train_block):
    return [train_block(x, width) for width in widths]


def first_codes(x, widths, train_block):
    first = train_block(x, widths[0])
    return [first] + [train_block(first.encode(x), width) for width in widths[1:]]


def reconstructions(x, widths, train_block):
    blocks = []
    for width in widths:
        blocks.append(train_block(x, width))
        x = blocks[-1].reconstruct(x)
    return blocks


def outwards(x, widths, train_block):
    return recursive(x, widths[::-1], train_block)


def last_only(x, widths, train_block):
    return recursive(x, widths, train_block)[-1]


def test_greedy_right(capsys):
    checks.greedy_blocks(recursive)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (always_pixels, "Only the first block sees pixels"),
        (first_codes, "changes after every block"),
        (reconstructions, "The decoder is dropped"),
        (outwards, "Which width is the outermost"),
        (last_only, "needs all blocks"),
        (lambda *a: recursive(*a)[::-1], "from the outermost inwards"),
        (lambda x, widths, train: recursive(x, widths[:1], train), "every width"),
        (unsolved, "begin with"),
    ],
)
def test_greedy_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.greedy_blocks(wrong)


def test_stack_errors(capsys):
    recorder = checks._Recorder()
    x = np.random.default_rng(1).random((7, 3, 3, 1), dtype="float32")
    first, second = blocks = recursive(x.reshape(7, 9), (6, 4), recorder)
    flat = x.reshape(7, 9)
    once = first.reconstruct(flat)
    twice = first.decode(second.reconstruct(first.encode(flat)))
    codes = first.encode(flat)
    one, two = (np.mean((flat - copy) ** 2) for copy in (once, twice))
    checks.stack_errors([one, two], blocks, x)
    assert len(capsys.readouterr().out.splitlines()) == 1
    for wrong, hint in (
        ([one, np.mean((codes - second.reconstruct(codes)) ** 2)], "A block copies codes"),
        ([9 * one, 9 * two], "not the sum"),
        ([one, one], "two encoders, then two decoders"),
        ([two, one], "in reverse"),
        ([one], "every depth"),
    ):
        with pytest.raises(CheckFailed, match=hint):
            checks.stack_errors(wrong, blocks, x)


def test_gradient_ratio(capsys):
    keras.utils.set_random_seed(1)
    model = models.deep((6,), 3, activation="sigmoid", code_activation="sigmoid", loss="bce", input_shape=(4, 4, 1))
    x = np.random.default_rng(1).random((20, 4, 4, 1), dtype="float32")
    first, last = model.encoder.layers[1], model.decoder.layers[1]
    with tf.GradientTape() as tape:  # the loss, written out
        loss = ops.mean(ops.sum(ops.binary_crossentropy(x, model(x)), axis=(1, 2, 3)))
    sought = [w.value for w in (first.kernel, last.kernel, last.bias)]
    at_first, at_last, at_bias = (np.asarray(g) for g in tape.gradient(loss, sought))
    ratio = np.sqrt(np.mean(at_last**2) / np.mean(at_first**2))
    checks.gradient_ratio(2 * ratio, ratio, model, x)
    assert "a factor of 2.0" in capsys.readouterr().out
    checks.gradient_ratio(-1, ratio, model, x)
    wrong = {
        "above the fraction bar": 1 / ratio,
        "not a kernel": np.sqrt(np.mean(at_bias**2) / np.mean(at_first**2)),
        "square first": np.abs(at_last).mean() / np.abs(at_first).mean(),
        "root is missing": ratio**2,
        "not its logarithm": np.log10(ratio),
        "untrained model": 3 * ratio,
        "keep it in the variable": [1, 2],
    }
    for hint, value in wrong.items():
        with pytest.raises(CheckFailed, match=hint):
            checks.gradient_ratio(1, value, model, x)
    with pytest.raises(CheckFailed, match="before you measure"):
        checks.gradient_ratio(None, ratio, model, x)


def test_tied_table(capsys):
    good = {500: {"tied": (0.01, 0.02), "untied": np.array([0.009, 0.021])}}
    checks.tied_table(good | {5000: {"tied": [0.006, 0.007], "untied": [0.005, 0.0069]}})
    assert len(capsys.readouterr().out.splitlines()) == 1
    for wrong, hint in (
        (good, "One number of images"),
        (good | {9: {"tied": (0.01, 0.02)}}, "Both networks"),
        (good | {9: {"tied": (0.01, 0.01), "untied": (0.01, 0.02)}}, "must never have seen them"),
        (good | {9: {"tied": (0.01, 0.02), "untied": (0.01, 0.02)}}, "measure one twice"),
        (good | {9: {"tied": (9.0, 11.0), "untied": (8.0, 12.0)}}, "per pixel"),
        (good | {9: {"tied": 0.01, "untied": 0.02}}, "Two numbers"),
    ):
        with pytest.raises(CheckFailed, match=hint):
            checks.tied_table(wrong)
