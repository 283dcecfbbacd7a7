"""The checks of lesson 03's exercises: right solutions pass, each usual wrong one gets its hint."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from checks import CheckFailed
from checks import lesson_03 as checks
from utils import models, stacking


def unsolved(*arguments):
    raise NotImplementedError("hint: begin with the kernel")


def nothing(*arguments):
    return None


def recursive(x, widths, train_block):
    """Right, without a loop, through the encoder itself, and as a tuple."""
    if not len(widths):
        return ()
    block = train_block(x, widths[0])
    return (block, *recursive(block.encoder(x), widths[1:], train_block))


def loop(x, widths, train_block):
    """Right, as in the lesson."""
    blocks = []
    for width in widths:
        blocks.append(train_block(x, width))
        x = blocks[-1].encode(x)
    return blocks


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


@pytest.mark.parametrize("right", [loop, recursive])
def test_greedy_right(right, capsys):
    checks.greedy_blocks(right)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (always_pixels, "Only the first block sees pixels"),
        (first_codes, "changes after every block"),
        (reconstructions, "The decoder is dropped"),
        (outwards, "Which width is the outermost"),
        (last_only, "needs all blocks"),
        (lambda *a: recursive(*a)[::-1], "from the outermost block inwards"),
        (lambda x, widths, train: recursive(x, widths[:1], train), "every width"),
        (lambda x, widths, train: [train(x + 0.1, w) for w in widths], "which array enters"),
        (lambda x, widths, train: [train(x.reshape(7, 3, 3), w) for w in widths], "a function that runs"),
        (nothing, "every width"),
        (unsolved, "begin with"),
    ],
)
def test_greedy_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.greedy_blocks(wrong)


FLATTEN, IMAGES = layers.Flatten(), layers.Reshape((28, 28, 1))


def stack(encoders, decoders, *, flat=False):
    encoder = keras.Sequential([keras.Input((784,) if flat else (28, 28, 1)), *([] if flat else [FLATTEN]), *encoders])
    code = keras.Input(encoder.output_shape[1:])
    decoder = keras.Sequential([code, *decoders, *([] if flat else [IMAGES])])
    return models.Autoencoder(encoder, decoder)


def of_models(blocks):
    """Right, of the blocks' models."""
    return stack([b.encoder for b in blocks], [b.decoder for b in reversed(blocks)])


def of_layers(blocks):
    """Right, of the blocks' layers, in the functional style."""
    x, z = keras.Input((28, 28, 1)), keras.Input((blocks[-1].encoder.layers[-1].units,))
    h, back = layers.Reshape((784,))(x), z
    for block in blocks:
        h = block.encoder.layers[-1](h)
    for block in blocks[::-1]:
        back = block.decoder.layers[-1](back)
    return models.Autoencoder(keras.Model(x, h), keras.Model(z, IMAGES(back)), "bce")


def same_order(blocks):
    return stack([b.encoder for b in blocks], [b.decoder for b in blocks])


def new_decoder(blocks):
    units = [b.encoder.layers[-1].kernel.shape[0] for b in reversed(blocks)]
    return stack([b.encoder for b in blocks], [layers.Dense(n, "relu") for n in units])


def copied(blocks):
    clones = []
    for block in blocks:
        parts = [keras.models.clone_model(part) for part in (block.encoder, block.decoder)]
        for clone, part in zip(parts, (block.encoder, block.decoder), strict=True):
            clone.set_weights(part.get_weights())
        clones.append(models.Autoencoder(*parts))
    return of_models(clones)


def flat_pixels(blocks):
    return stack([b.encoder for b in blocks], [b.decoder for b in reversed(blocks)], flat=True)


def two_parts(blocks):
    model = of_models(blocks)
    return model.encoder, model.decoder


@pytest.mark.parametrize("right", [of_models, of_layers])
def test_stack_right(right, capsys):
    checks.assembled_stack(right)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (same_order, "Which block's decoder comes first"),
        (new_decoder, "shares no weights"),
        (copied, "do not copy them"),
        (flat_pixels, "Which layers translate"),
        (two_parts, "makes one model of both"),
        (lambda blocks: of_models(blocks[:1]), "innermost block"),
        (lambda blocks: of_models(blocks[::-1]), "Follow the widths"),
        (lambda blocks: blocks[0].unknown, "(?s)a function that runs.*AttributeError"),
        (nothing, "makes one model of both"),
        (unsolved, "begin with"),
    ],
)
def test_stack_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.assembled_stack(wrong)


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


class UnitsBias(Tie):
    def __init__(self, dense, activation=None):
        super().__init__(dense, activation)
        self.bias = self.add_weight(shape=(dense.units,), initializer="zeros")

    def build(self, shape):
        pass


class BiasForgotten(Tie):
    def call(self, z):
        return self.activation(ops.matmul(z, self.kernel()))


class NoActivation(Tie):
    def call(self, z):
        return ops.matmul(z, self.kernel()) + self.bias


class NoGradient(Tie):
    def kernel(self):
        return self.dense.kernel.numpy().T


class CallUnsolved(Tie):
    def call(self, z):
        raise NotImplementedError("hint: look the kernel up")


class CallReturnsNothing(Tie):
    def call(self, z):
        pass


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
        (UnitsBias, "How many numbers is that"),
        (BiasForgotten, "Is it added"),
        (NoActivation, "activation that was asked for"),
        (NoGradient, "leaves TensorFlow"),
        (CallReturnsNothing, "end with a return"),
        (CallUnsolved, "Hint:     look the kernel up"),
        (lambda dense, activation: None, "Derive the class"),
        (lambda dense: Tie(dense), "a function that runs"),
        (unsolved, "begin with the kernel"),
    ],
)
def test_tied_layer_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.tied_layer(wrong)


def test_gradient_ratio(capsys):
    keras.utils.set_random_seed(1)
    model = models.deep((6,), 3, activation="sigmoid", code_activation="sigmoid", loss="bce", input_shape=(4, 4, 1))
    x = np.random.default_rng(1).random((20, 4, 4, 1), dtype="float32")
    (first, second), (third, last) = model.encoder.layers[1:], model.decoder.layers[:2]
    with tf.GradientTape() as tape:  # the loss, written out
        loss = ops.mean(ops.sum(ops.binary_crossentropy(x, model(x)), axis=(1, 2, 3)))
    sought = [w.value for w in (first.kernel, second.kernel, third.kernel, last.kernel, last.bias)]
    at_first, at_second, at_third, at_last, at_bias = (np.asarray(g) for g in tape.gradient(loss, sought))
    ratio = np.sqrt(np.mean(at_last**2) / np.mean(at_first**2))
    checks.gradient_ratio(2 * ratio, ratio, model, x)
    checks.gradient_ratio(-1, tf.constant(ratio), model, x)
    assert "your guess of -1 is off by" in capsys.readouterr().out
    wrong = {
        "above the fraction bar": 1 / ratio,
        "Which kernel is the first": np.sqrt(np.mean(at_last**2) / np.mean(at_second**2)),
        "Which kernel is the last": np.sqrt(np.mean(at_third**2) / np.mean(at_first**2)),
        "not a kernel": np.sqrt(np.mean(at_bias**2) / np.mean(at_first**2)),
        "square first": np.abs(at_last).mean() / np.abs(at_first).mean(),
        "root is missing": ratio**2,
        "not its logarithm": np.log10(ratio),
        "untrained model": 3 * ratio,
        "no list": [1, 2],
        "to be done": None,
    }
    for hint, value in wrong.items():
        with pytest.raises(CheckFailed, match=hint):
            checks.gradient_ratio(1, value, model, x)
    with pytest.raises(CheckFailed, match="to be done"):
        checks.gradient_ratio(None, ratio, model, x)
