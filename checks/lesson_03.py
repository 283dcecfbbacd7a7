"""Checks of the exercises of lesson 03. The usual wrong solutions, each with its hint: tests/test_checks_03.py."""

import re

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from checks.base import agree, as_array, call, fail, measured, passed
from utils import models


class _Recorder:
    """Stands in for training: notes what it was given, and returns a block with fixed weights."""

    def __init__(self):
        self.inputs, self.widths, self.blocks = [], [], []

    def __call__(self, inputs, width):
        inputs = np.asarray(inputs, "float32")
        if inputs.ndim != 2:
            raise ValueError(f"train_block takes inputs of shape (n, units), not {inputs.shape}")
        size, parts = inputs.shape[1], []
        for k, (a, b) in enumerate(((size, width), (width, size))):
            start = keras.initializers.RandomUniform(-0.3, 0.7, seed=2 * len(self.blocks) + k)
            parts.append(keras.Sequential([keras.Input((a,)), layers.Dense(b, "relu", kernel_initializer=start)]))
        self.blocks.append(models.Autoencoder(*parts))
        self.inputs.append(inputs)
        self.widths.append(int(width))
        return self.blocks[-1]


def greedy_blocks(function):
    """Check `function(x, widths, train_block)`: blocks trained one after another, each on the codes of the last one.

    Args:
        function: the student's, of flat images (n, p), a tuple of widths, and a function (inputs, width) that returns
            a block; it returns the list of the blocks.

    Raises:
        CheckFailed: for blocks of other widths, on other data, or not all of them in order.
    """
    x = np.random.default_rng(1).random((7, 9), dtype="float32")
    for widths in ((6, 5, 3), (4, 4)):
        recorder = _Recorder()
        made = call(function, x.copy(), widths, recorder)
        if recorder.widths != list(widths):
            hint = "One call of train_block for every width, from the image inwards."
            if recorder.widths == list(widths)[::-1]:
                hint = "The first block is the one that sees the pixels. Which width is the outermost?"
            fail(f"blocks of widths {list(widths)}, in this order", f"{recorder.widths}", hint)
        expected, what = x, "the images"
        for k, block in enumerate(recorder.blocks):
            if not _equal(recorder.inputs[k], expected):
                fail(f"block {k + 1} trained on {what}", *_source(recorder, x, k))
            expected, what = block.encode(recorder.inputs[k]), f"the codes of block {k + 1}"
        if not isinstance(made, list | tuple) or len(made) != len(widths):
            found = f"{len(made)} of them" if isinstance(made, list | tuple) else type(made).__name__
            fail(f"a list of {len(widths)} blocks", found, "The stack needs all blocks, not the last one alone.")
        if any(ours is not theirs for ours, theirs in zip(made, recorder.blocks, strict=True)):
            hint = "Return what train_block returned, from the outermost block inwards."
            fail("the trained blocks in the order of their training", "other objects, or another order", hint)
    passed("greedy training: one block per width, each on the codes of the one before, all returned in order")


def _equal(a, b):
    return a.shape == b.shape and np.allclose(a, b, atol=1e-5)


def _source(recorder, x, k):
    """Say on what block k was trained instead, and give a hint."""
    inputs = recorder.inputs[k]
    if _equal(inputs, x):
        return "trained on the images", "Only the first block sees pixels. What does a block hand on to the next one?"
    if k and _equal(inputs, recorder.blocks[k - 1].reconstruct(recorder.inputs[k - 1])):
        hint = "The decoder is dropped: what is left of a block turns its inputs into what?"
        return "trained on reconstructions", hint
    if k > 1 and _equal(inputs, recorder.blocks[0].encode(x)):
        return "trained on the first block's codes", "The data set changes after every block, not only after the first."
    return f"trained on other values, of shape {inputs.shape}", "Follow the data: which array enters each block?"


def assembled_stack(function):
    """Check `function(blocks)`: one autoencoder of images 28x28x1, of the blocks' own layers.

    Args:
        function: the student's, of a list of blocks from the outermost inwards; it returns a `models.Autoencoder`.

    Raises:
        CheckFailed: for something else, other shapes or outputs, and weights that are not the blocks'.
    """
    x = np.random.default_rng(1).random((5, 28, 28, 1), dtype="float32")
    for widths in ((6, 4), (5,), (4, 4, 3)):
        recorder = _Recorder()
        for width in widths:
            recorder(np.ones((1, recorder.widths[-1] if recorder.widths else 784)), width)
        blocks = recorder.blocks
        model = _assembled(function, blocks)
        hint = "Are these the layers of the blocks? A decoder that shares no weights with them has learnt nothing."
        _as_the_blocks(model, blocks, x, hint)
        for block in blocks:
            for weight in block.trainable_variables:
                weight.assign(0.8 * weight.numpy() + 0.01)
        hint = "The blocks were trained on, and your model kept its old weights. Share their layers, do not copy them."
        _as_the_blocks(model, blocks, x, hint)
    passed(
        "the stack: images through all encoders and back through all decoders, the blocks' own layers, 1 to 3 blocks"
    )


def _assembled(function, blocks):
    """Return the student's model of these blocks, or fail when it is no autoencoder of images."""

    try:
        model = function(list(blocks))
    except ValueError as error:  # Keras' own, or Autoencoder's
        lines = re.findall(r"[^\n\x1b]*(?:incompatible|mirror)[^\n\x1b]*", str(error)) or [f"ValueError: {error}"]
        hint = "Follow the widths: inwards through the encoders, then outwards. Which block's decoder comes first?"
        fail("layers that fit together", lines[0], hint)
    except Exception as error:
        call(_raise, error)
    if not isinstance(model, keras.Model) or not hasattr(model, "encode"):
        hint = "`models.Autoencoder(encoder, decoder)` makes one model of both parts. Return that."
        fail("a models.Autoencoder", type(model).__name__, hint)
    if tuple(model.input_shape) != (None, 28, 28, 1):
        hint = "Images are 28x28x1, the first block takes 784 numbers. Which layers translate, one at either end?"
        fail("a model of images, (None, 28, 28, 1)", str(model.input_shape), hint)
    return model


def _raise(error):
    raise error


def _as_the_blocks(model, blocks, x, hint):
    """Fail unless model encodes and decodes as the blocks do one after another, with their weights as they are now."""
    z = x.reshape(len(x), -1)
    for block in blocks:
        z = block.encode(z)
    codes = as_array(call(model.encode, x), z.shape, "codes of 5 images", "The codes are those of the innermost block.")
    agree(codes, z, [], "codes of the blocks, one after another", hint, tolerance=1e-5)
    back = z
    for block in reversed(blocks):
        back = block.decode(back)
    copies = as_array(
        call(model.decode, z), x.shape, "5 decoded images", "The last step turns 784 numbers into images."
    )
    agree(copies, back.reshape(x.shape), [], "images decoded by the blocks in reverse", hint, tolerance=1e-5)


def tied_layer(make):
    """Check `make(dense, activation)`: a layer that computes activation(z Wᵀ + b), W the kernel of dense, b its own.

    Args:
        make: the student's class, or a function of a built `layers.Dense` and the name of an activation.

    Raises:
        CheckFailed: for other outputs, a kernel or bias of another owner, and a kernel that gets no gradient.
    """
    rng = np.random.default_rng(1)
    for pixels in (4, 6):  # as many pixels as units first: no shape gives a slip away
        dense = layers.Dense(4, kernel_initializer=keras.initializers.RandomNormal(stddev=0.5, seed=1))
        dense.build((None, pixels))
        dense.bias.assign(rng.normal(size=4))
        z = rng.normal(size=(5, 4)).astype("float32")
        tie = call(make, dense, "tanh")
        if not isinstance(tie, layers.Layer):
            fail("a Keras layer", type(tie).__name__, "Derive the class from layers.Layer, and give it a call method.")
        _outputs(tie, z, pixels, dense)
        own = _own(tie, dense)
        owned = f"{len(own)} variables of its own" + (", of shapes " if own else "")
        owned += ", ".join(str(tuple(w.shape)) for w in own)
        if any(len(w.shape) == 2 for w in own):
            hint = "Two matrices are two sets of weights, even if they begin as equals. Whose kernel should it use?"
            fail("a layer that owns no kernel", owned, hint)
        _first_outputs(tie, dense, z, pixels)
        if [tuple(w.shape) for w in own] != [(pixels,)] or not own[0].trainable:
            hint = f"The outputs are {pixels} pixels here. What is added to them, and who owns it?"
            fail(f"one variable of its own: a bias of shape ({pixels},) that can be trained", owned, hint)
        own[0].assign(rng.normal(size=pixels))
        dense.kernel.assign(rng.normal(size=(pixels, 4)))
        plain = z @ np.asarray(dense.kernel, "float64").T
        slips = [(np.tanh(plain), "The bias has changed, and the output has not. Is it added?")]
        hint = "The encoder's kernel was changed, and your layer did not follow. Look it up in every call."
        right = np.tanh(plain + np.asarray(own[0], "float64"))
        agree(_outputs(tie, z, pixels), right, slips, "kernel and bias as they are now", hint)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(tf.convert_to_tensor(call(tie, z))))
        if tape.gradient(loss, dense.kernel.value) is None:
            hint = "Between the kernel and the output something leaves TensorFlow. Use keras.ops in call."
            fail("a gradient that reaches the kernel", "none", hint)
    passed("tied layer: z Wᵀ + b and activation right, one bias of its own, follows W, and W gets a gradient from it")


def _own(tie, dense):
    """Return the layer's variables that are not the other layer's."""
    return [w for w in tie.variables if all(w is not theirs for theirs in dense.variables)]


def _outputs(tie, z, pixels, dense=None):
    if dense is not None and pixels != dense.units:
        try:
            tie(z)
        except Exception:
            if any(tuple(w.shape) == (dense.units,) for w in _own(tie, dense)):
                hint = "The bias is added on the side where the pixels come out. How many numbers is that?"
                fail(f"a bias of shape ({pixels},)", f"one of shape ({dense.units},)", hint)
    hint = "Codes come in and pixels come out: as many as the partner has inputs."
    return as_array(call(tie, z), (len(z), pixels), f"outputs for 5 codes and a kernel ({pixels}, 4)", hint)


def _first_outputs(tie, dense, z, pixels):
    """Fail unless a new layer computes tanh(z Wᵀ)."""
    kernel, bias = (np.asarray(w, "float64") for w in (dense.kernel, dense.bias))
    plain = z @ kernel.T
    slips = [(plain, "The activation that was asked for is missing.")]
    if pixels == 4:
        slips += [
            (np.tanh(z @ kernel), "Which way round does the kernel stand on the way back?"),
            (
                np.tanh(plain + bias),
                "The bias that you add is the encoder layer's: it belongs to the units, not to the pixels.",
            ),
        ]
    hint = "The kernel is that of the other layer, and the bias begins at zero. What else do you compute?"
    agree(_outputs(tie, z, pixels), np.tanh(plain), slips, "tanh(z Wᵀ) of a new layer", hint)


def gradient_ratio(guess, ratio, model, x):
    """Check the last kernel's gradient over the first one's, root mean squares, for the loss of images.

    Args:
        guess: the student's, any finite number.
        ratio: the student's measurement.
        model: an `Autoencoder`.
        x: images (n, h, w, c).

    Raises:
        CheckFailed: for a guess or measurement that is no number, or a wrong measurement.
    """
    weights = model.trainable_variables
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=x, y_pred=model(x))
    gradients = [np.asarray(g, "float64") for g in tape.gradient(loss, [w.value for w in weights])]
    kernels = [g for g in gradients if g.ndim == 2]

    def size(g):
        return np.sqrt(np.mean(np.square(g)))

    right = size(kernels[-1]) / size(kernels[0])
    slips = [
        (1 / right, "Which of the two layers stands above the fraction bar?"),
        (size(kernels[-1]) / size(kernels[1]), "Which kernel is the first? The first one reads pixels."),
        (size(kernels[-2]) / size(kernels[0]), "Which kernel is the last? The last one writes pixels."),
        (size(gradients[-1]) / size(kernels[0]), "The last variable of a model is not a kernel."),
        (
            np.abs(kernels[-1]).mean() / np.abs(kernels[0]).mean(),
            "Root mean square: square first, then the mean, then the root.",
        ),
        (right**2, "The square root is missing."),
        (np.log10(right), "The question is about the ratio, not its logarithm."),
    ]
    hint = "The gradient of model.compute_loss on the given images, for the untrained model as it is."
    measured(guess, ratio, right, "", slips, hint, tolerance=0.01 * right)
