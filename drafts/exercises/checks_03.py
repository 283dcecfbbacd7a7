"""Checks of the exercises of lesson 03. The usual wrong solutions, each of which gets a hint of its own:

tied_layer
    - a decoder that shares no weights: a Dense layer of its own
    - a copy of the kernel, transposed once and trained on its own
    - a copy of the kernel as a constant, which never learns
    - the kernel not transposed
    - no bias
    - the encoder layer's bias used again
    - a bias that is not added
    - no activation applied
    - the kernel read as an array of NumPy, which no gradient passes
greedy_blocks
    - every block trained on the pixels
    - every block after the first trained on the first codes
    - the next block trained on reconstructions, not on codes
    - the widths from the code outwards
    - only the last block returned
stack_errors
    - errors of codes, not of images
    - summed over the pixels, not averaged
    - only the outermost decoder's images taken, for every depth
gradient_ratio
    - first over last
    - the last bias for the last kernel
    - the mean of the absolute values for the root mean square
    - the root forgotten
    - the logarithm of the ratio
    - None as guess
tied_table
    - the error on the training images given twice
    - the same network measured as tied and as untied
    - fewer than two numbers of images
    - one of the two networks missing
"""


import keras
import numpy as np
import tensorflow as tf
from keras import layers
from utils import models

from checks_base import agree, as_numbers, call, fail, guessed, one_number, passed


def tied_layer(make):
    """Check `make(dense, activation)`: a layer that computes activation(z Wᵀ + b), W the kernel of dense, b its own."""
    rng = np.random.default_rng(1)
    for pixels in (4, 6):  # as many pixels as units first: no shape gives a slip away
        dense = layers.Dense(4, kernel_initializer=keras.initializers.RandomNormal(stddev=0.5, seed=1))
        dense.build((None, pixels))
        dense.bias.assign(rng.normal(size=4))
        z = rng.normal(size=(5, 4)).astype("float32")
        tie = call(make, dense, "tanh")
        if not isinstance(tie, layers.Layer):
            fail("a Keras layer", type(tie).__name__, "Derive the class from layers.Layer, and give it a call method.")
        _outputs(tie, z, pixels)
        own = [w for w in tie.variables if all(w is not theirs for theirs in dense.variables)]
        owned = f"{len(own)} variables of its own, of shapes {', '.join(str(tuple(w.shape)) for w in own)}"
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
        slips = {"The bias has changed, and the output has not. Is it added?": np.tanh(plain)}
        hint = "The encoder's kernel was changed, and your layer did not follow. Look it up in every call."
        expected = np.tanh(plain + np.asarray(own[0], "float64"))
        agree(_outputs(tie, z, pixels), expected, slips, "kernel and bias as they are now", hint)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(call(tie, z)))
        if tape.gradient(loss, dense.kernel.value) is None:
            hint = "Between the kernel and the output something leaves TensorFlow. Use keras.ops in call."
            fail("a gradient that reaches the kernel", "none", hint)
    passed("tied layer: z Wᵀ + b and activation right, one bias of its own, follows W, and W gets a gradient from it")


def _outputs(tie, z, pixels):
    hint = "Codes come in and pixels come out: as many as the partner has inputs."
    return as_numbers(call(tie, z), (len(z), pixels), f"outputs for 5 codes and a kernel ({pixels}, 4)", hint)


def _first_outputs(tie, dense, z, pixels):
    """Fail unless a new layer computes tanh(z Wᵀ)."""
    kernel, bias = (np.asarray(w, "float64") for w in (dense.kernel, dense.bias))
    plain = z @ kernel.T
    slips = {"The activation that was asked for is missing.": plain}
    if pixels == 4:
        slips |= {
            "Which way round does the kernel stand on the way back?": np.tanh(z @ kernel),
            "The bias that you add is the encoder layer's: it belongs to the units, not to the pixels.": (
                np.tanh(plain + bias)
            ),
        }
    hint = "The kernel is that of the other layer, and the bias begins at zero. What else do you compute?"
    agree(_outputs(tie, z, pixels), np.tanh(plain), slips, "tanh(z Wᵀ) of a new layer", hint)


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
        self.widths.append(width)
        return self.blocks[-1]


def greedy_blocks(function):
    """Check `function(x, widths, train_block)`: blocks trained one after another, each on the codes of the last one."""
    x = np.random.default_rng(1).random((7, 9), dtype="float32")
    for widths in ((6, 5, 3), (4, 4)):
        recorder = _Recorder()
        made = call(function, x.copy(), widths, recorder)
        if recorder.widths != list(widths):
            hint = "One call of train_block for every width, from the widest inwards."
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
            hint = "Return what train_block returned, from the outermost inwards."
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
        return (
            "trained on reconstructions",
            "The decoder is dropped: what is left of a block turns its inputs into what?",
        )
    if k > 1 and _equal(inputs, recorder.blocks[0].encode(x)):
        return "trained on the first block's codes", "The data set changes after every block, not only after the first."
    return f"trained on other values, of shape {inputs.shape}", "Follow the data: which array enters each block?"


def stack_errors(errors, blocks, images):
    """Check the MSE per pixel of images after one, two, ... blocks: encoded inwards, decoded outwards."""
    x = np.asarray(images, "float32").reshape(len(images), -1)
    errors = as_numbers(
        errors, (len(blocks),), "errors after 1, 2, ... blocks", "One number for every depth of the stack."
    )
    expected, of_codes, z = [], [], x
    for depth, block in enumerate(blocks, start=1):
        of_codes.append(np.mean(np.square(z - block.reconstruct(z))))
        z = back = block.encode(z)
        for outer in reversed(blocks[:depth]):
            back = outer.decode(back)
        expected.append(np.mean(np.square(x - back)))
    expected = np.array(expected, "float64")
    slips = {
        "A block copies codes. The question is what is left of the image: where must its decoder's output go next?": (
            np.array(of_codes)
        ),
        "Per pixel: the mean over the pixels of an image, not the sum.": expected * x.shape[1],
        "The second number is that of two blocks: two encoders, then two decoders.": np.full(len(blocks), expected[0]),
    }
    hint = "Encode through the first blocks, decode through the same blocks in reverse, and compare with the images."
    agree(errors, expected, slips, "errors of the images after every block", hint)
    passed("errors after 1, 2, ... blocks: " + ", ".join(f"{error:.4f}" for error in expected))


def gradient_ratio(guess, ratio, model, x):
    """Check the last kernel's gradient over the first one's (root mean squares) for the loss of images x."""
    guess = guessed(guess)
    ratio = one_number(ratio, "the ratio", "Measure it, and keep it in the variable.")
    weights = model.trainable_variables
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=x, y_pred=model(x))
    gradients = [np.asarray(g, "float64") for g in tape.gradient(loss, [w.value for w in weights])]
    kernels = [g for g in gradients if g.ndim == 2]

    def size(g):
        return np.sqrt(np.mean(np.square(g)))

    true = size(kernels[-1]) / size(kernels[0])
    slips = {
        "Which of the two layers stands above the fraction bar?": 1 / true,
        "The last variable of a model is not a kernel.": size(gradients[-1]) / size(kernels[0]),
        "Root mean square: square first, then the mean, then the root.": (
            np.abs(kernels[-1]).mean() / np.abs(kernels[0]).mean()
        ),
        "The square root is missing.": true**2,
        "The question is about the ratio, not its logarithm.": np.log10(true),
    }
    hint = "The gradient of model.compute_loss on the given images, for the untrained model as it is."
    agree(ratio, true, slips, f"a ratio of {true:.4g}", hint, tolerance=1e-2)
    passed(f"measured {true:.0f}, guessed {guess:.4g}: a factor of {_factor(guess, true)}")


def _factor(guess, true):
    if guess <= 0:
        return "any size, since the guess is not positive"
    return f"{max(guess / true, true / guess):.1f}"


def tied_table(table):
    """Check {images: {"tied": (training error, test error), "untied": (training error, test error)}}, MSE per pixel."""
    if not isinstance(table, dict) or len(table) < 2:
        found = f"{len(table)} of them" if isinstance(table, dict) else type(table).__name__
        fail("a dict with at least two numbers of images", found, "One number of images shows no difference.")
    for n, pair in table.items():
        if not isinstance(pair, dict) or not {"tied", "untied"} <= set(pair):
            found = ", ".join(map(str, pair)) if isinstance(pair, dict) else type(pair).__name__
            fail(f'"tied" and "untied" for {n} images', found, "Both networks, trained on the same images.")
        errors = {}
        for name in ("tied", "untied"):
            what = f"(training error, test error) of the {name} network for {n} images"
            train, test = errors[name] = as_numbers(pair[name], (2,), what, "Two numbers for each network.")
            if train == test:
                hint = "Which images did you measure the second number on? The network must never have seen them."
                fail(f"{what}, two different measurements", f"{train:.4g} twice", hint)
            if not (0 < train < 1 and 0 < test < 1):
                hint = "Mean squared errors per pixel. Pixels lie between 0 and 1."
                fail(f"{what}, between 0 and 1", f"({train:.3g}, {test:.3g})", hint)
        if np.array_equal(errors["tied"], errors["untied"]):
            hint = "Two different networks hardly agree in every digit. Did you measure one twice?"
            fail(f"two networks for {n} images", "the same errors for both", hint)
    passed(f"tied and untied, training and test error, for {', '.join(f'{n:,}' for n in table)} images")
