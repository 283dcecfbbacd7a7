# %% [markdown]
# # 05 · Exercises: Convolutional autoencoders
#
# These exercises belong to lesson 05, `notebooks/05_convolutional.ipynb`.
#
# ## Before you start
#
# Read the lesson first, and keep it open beside this notebook. In each exercise you replace the line that raises
# `NotImplementedError`, and run the check below it. A check that fails says what it expected, what it found, and
# gives a hint.

# %%
# Setup, the same in every lesson: find the course's folder. Colab has this notebook only, so fetch it there.
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

url = "https://github.com/OWNER/REPO.git"
here = Path.cwd()
root = next((f for f in (here, *here.parents) if (f / "utils").exists()), here / "autoencoder-course")
if not root.exists() and find_spec("google") and find_spec("google.colab"):
    subprocess.run(["git", "clone", "--depth", "1", url, root], check=True)
os.chdir(root / "notebooks")  # no such folder? Open the notebook inside the whole course's folder
sys.path.insert(0, str(root))
import utils  # noqa: F401 (before TensorFlow, which it tells to start quietly)

# %%
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from utils import checks, metrics, models, plotting
from utils.claims import budget, start
from utils.data import load
from utils.training import fit

start("05", seed=5)
CODE = 8  # numbers per image
IMAGES, EPOCHS = budget(quick=(500, 1), full=(12_000, 3))  # of the exploration, for each of its four networks
TEST_IMAGES = budget(quick=200, full=2_000)
RECIPE = {"batch_size": 100, "learning_rate": 3e-3, "optimizer": partial(keras.optimizers.Adam, beta_2=0.99)}

# %% [markdown]
# ## Exercise 1, implement: pool, and put the maxima back
#
# Max-pooling cuts an image into windows of 2x2 pixels and keeps the largest value of each. Max-unpooling goes the way
# back: it puts each maximum where it was, and zeros elsewhere. Write both in NumPy, for one image without channels.
#
# - `pool(image)` takes an array (h, w), h and w even. It returns two arrays (h/2, w/2): the maxima, and the indices.
#   An index is 0 for the top left pixel of the window, 1 for the top right, 2 and 3 for the row below. Where a window
#   holds its maximum several times, the first in this order counts.
# - `unpool(maxima, indices)` takes these two arrays, and returns the image (h, w).

# %% nbgrader={"grade": false, "grade_id": "05-pool", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pool(image):
    """Return the maxima of windows of 2x2 pixels, and their places: (h, w) → (h/2, w/2), twice."""
    # HINT: first arrange the pixels as (h/2, w/2, 4), one row of four per window; mind which pixels are neighbours
    ### BEGIN SOLUTION
    h, w = image.shape
    by_row = image.reshape(h // 2, 2, w // 2, 2)  # window's row, row within it, window's column, column within it
    windows = by_row.transpose(0, 2, 1, 3).reshape(h // 2, w // 2, 4)
    return windows.max(axis=-1), windows.argmax(axis=-1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "05-pool-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.max_pooling(pool)

# %% nbgrader={"grade": false, "grade_id": "05-unpool", "locked": false, "schema_version": 3, "solution": true, "task": false}
def unpool(maxima, indices):
    """Return the image with every maximum at its place, and zeros elsewhere: (h/2, w/2), twice → (h, w)."""
    # HINT: fill windows (h/2, w/2, 4) with zeros and the maxima, then go the way of pool back to (h, w)
    ### BEGIN SOLUTION
    h, w = maxima.shape
    windows = np.zeros((h, w, 4), maxima.dtype)
    np.put_along_axis(windows, indices[..., None], maxima[..., None], axis=-1)
    return windows.reshape(h, w, 2, 2).transpose(0, 2, 1, 3).reshape(2 * h, 2 * w)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "05-unpool-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.max_unpooling(unpool)

# %% [markdown]
# This is what your two functions do to digits:

# %% tags=["keep-output"]
mnist = load("mnist")
print(mnist.provenance)
shown = mnist.x_test[:10]
pooled = [pool(image[..., 0]) for image in shown]
back = np.stack([unpool(*pair) for pair in pooled])[..., None]
plotting.image_rows({"test image": shown, "pooled": np.stack([m for m, _ in pooled])[..., None], "unpooled": back})

# %% [markdown]
# *Digits, their maxima, and the maxima back in their places.*
#
# ## Exercise 2, implement: a transposed convolution
#
# Every pixel of the small image stamps the kernel into the large one, weighted by the pixel's value. Neighbouring
# stamps are `stride` pixels apart. Where they overlap they add up. So n pixels in a row become (n − 1)·stride + k.
# Write `stamp(x, kernel, stride)` in NumPy for one channel: x is (h, w), the kernel (k, k).

# %% nbgrader={"grade": false, "grade_id": "05-stamp", "locked": false, "schema_version": 3, "solution": true, "task": false}
def stamp(x, kernel, stride):
    """Return the transposed convolution of one channel, (h, w) → ((h − 1)·stride + k, (w − 1)·stride + k)."""
    # HINT: begin with zeros of the final size, and ask for each pixel (i, j) which k rows and columns it changes
    ### BEGIN SOLUTION
    k = len(kernel)
    out = np.zeros([(n - 1) * stride + k for n in x.shape])
    for i, j in np.ndindex(x.shape):
        out[i * stride : i * stride + k, j * stride : j * stride + k] += x[i, j] * kernel
    return out
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "05-stamp-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.transposed_convolution(stamp)

# %% [markdown]
# ## Exercise 3, implement: the lecture's decoder
#
# The decoder of EE-559 answers each convolution of the encoder with a transposed one. None of them pads or cuts
# off. There is a ReLU after each of them but the last, which has no activation.
#
# | layer | kernel | stride | output |
# |---|---|---|---|
# | the code | | | d |
# | reshaped | | | 1x1xd |
# | transposed convolution | 4x4 | 1 | 4x4x32 |
# | transposed convolution | 3x3 | 2 | 9x9x32 |
# | transposed convolution | 4x4 | 2 | 20x20x32 |
# | transposed convolution | 5x5 | 1 | 24x24x32 |
# | transposed convolution | 5x5 | 1 | 28x28x1 |
#
# Write `decoder(d)`, which returns it as a Keras model from codes (n, d) to images (n, 28, 28, 1).

# %% nbgrader={"grade": false, "grade_id": "05-decoder", "locked": false, "schema_version": 3, "solution": true, "task": false}
def decoder(d):
    """Return EE-559's decoder, from a code of d numbers to 28x28x1."""
    # HINT: keras.Sequential, one Conv2DTranspose for each row of the table; model.summary() prints the shapes
    ### BEGIN SOLUTION
    return keras.Sequential([
        keras.Input((d,)),
        layers.Reshape((1, 1, d)),
        layers.Conv2DTranspose(32, 4, activation="relu"),  # 1x1xd → 4x4x32
        layers.Conv2DTranspose(32, 3, strides=2, activation="relu"),  # → 9x9x32
        layers.Conv2DTranspose(32, 4, strides=2, activation="relu"),  # → 20x20x32
        layers.Conv2DTranspose(32, 5, activation="relu"),  # → 24x24x32
        layers.Conv2DTranspose(1, 5),  # → 28x28x1
    ])  # fmt: skip
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "05-decoder-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.lecture_decoder(decoder)

# %% [markdown]
# ## Exercise 4, predict, then measure: how far does a feature see?
#
# Before the code, EE-559's encoder has feature maps of 4x4 pixels with 32 channels. Each of these numbers depends on a
# square of the image only, its **receptive field**. It is reached through convolutions of 5x5 and 5x5 at stride 1,
# then 4x4 and 3x3 at stride 2. How many pixels high is the square?
#
# Write down your guess first. Any number is accepted. The check will tell how far off it was.

# %% nbgrader={"grade": false, "grade_id": "05-field-guess", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: guess = ..., the height of the square in pixels
### BEGIN SOLUTION
guess = 17  # 5 + 5 + 4 + 3
### END SOLUTION

# %% [markdown]
# Now measure. `features` is that part of the encoder, with random weights, and `image` is a random image. Take the
# gradient of the features at one place, such as row 1, column 1, with respect to the image. Set `measured` to the
# number of rows of the image on which the gradient is not zero everywhere.

# %%
features = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, 5, activation="relu"),  # 28x28x1 → 24x24x32
    layers.Conv2D(32, 5, activation="relu"),  # → 20x20x32
    layers.Conv2D(32, 4, strides=2, activation="relu"),  # → 9x9x32
    layers.Conv2D(32, 3, strides=2, activation="relu"),  # → 4x4x32
])  # fmt: skip
image = tf.Variable(np.random.default_rng(5).random((1, 28, 28, 1), dtype="float32"))

# %% nbgrader={"grade": false, "grade_id": "05-field", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: tf.GradientTape, the sum of all channels at one place, then (gradient != 0).any(axis=1)
### BEGIN SOLUTION
with tf.GradientTape() as tape:
    value = tf.reduce_sum(features(image)[:, 1, 1])
gradient = tape.gradient(value, image).numpy()[0, :, :, 0]
measured = np.count_nonzero((gradient != 0).any(axis=1))
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "05-field-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.receptive_field(guess, measured)

# %% [markdown]
# ## Exercise 5, explore: shuffle the pixels
#
# Choose one permutation of the 784 pixels, and apply the same one to all images. No information is lost: whoever knows
# the permutation can undo it. Train a convolutional autoencoder (`models.convolutional(CODE)`) and a dense one
# (`models.deep((1000, 480), CODE, activation="gelu", initializer="he_normal")`) on the images as they are, and
# on the shuffled ones. Say what you expect before you run it. Then compare the four test errors (`metrics.mse`), look
# at pictures with the shuffling undone, and explain what you see.

# %% nbgrader={"grade": false, "grade_id": "05-shuffle", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: shuffled = x.reshape(len(x), 784)[:, order].reshape(x.shape), with order from a seeded permutation
### BEGIN SOLUTION
order = np.random.default_rng(5).permutation(784)


def reordered(x, places):
    """Return images with the pixels taken from these places, in this order."""
    return x.reshape(len(x), 784)[:, places].reshape(x.shape)


builders = {
    "convolutional": lambda: models.convolutional(CODE),
    "dense": lambda: models.deep((1000, 480), CODE, activation="gelu", initializer="he_normal"),
}
x, x_test = mnist.x_train[:IMAGES], mnist.x_test[:TEST_IMAGES]
errors, rows = {}, {"test image": x_test[:10], "shuffled": reordered(x_test[:10], order)}
for name, build in builders.items():
    for kind, places in {"as they are": np.arange(784), "shuffled": order}.items():
        keras.utils.set_random_seed(5)  # the same start and the same batches for both
        model = build()
        fit(model, reordered(x, places), epochs=EPOCHS, verbose=0, **RECIPE)
        copies = reordered(model.reconstruct(reordered(x_test, places)), np.argsort(places))
        errors[name, kind] = metrics.mse(x_test, copies)
        rows[f"{name},\n{kind}"] = copies[:10]
        print(f"{name:<14}{kind:<12} test MSE {errors[name, kind]:.4f}")
plotting.image_rows(rows)
### END SOLUTION

# %% [markdown] nbgrader={"grade": true, "grade_id": "05-shuffle-answer", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# A good answer contains:
#
# - the expectation, written before the run, with a reason;
# - the four errors, trained with the same images, epochs and seed, and measured on the same test images;
# - that the dense networks do about equally well. To a dense layer the pixels are a list. Permuting them only permutes
#   the rows of its first kernel, and these start at random. The two runs differ by their luck at the start;
# - that the convolutional network does clearly worse on shuffled pixels. Its first layers look at 4x4 neighbours, and
#   shuffled neighbours have little to do with each other. The same stroke also looks different in every place, so that
#   sharing the weights does not pay;
# - that it does not fail altogether: its dense layer still sees all feature maps and can repair a part;
# - a limit of the experiment: few images, few epochs, one permutation, one seed. How much would two seeds differ?
