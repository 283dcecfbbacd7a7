# %% [markdown]
# # 03 · Exercises: Greedy layer-wise stacking
#
# These exercises belong to the lesson [03 · Greedy layer-wise stacking](../03_greedy_layerwise_stacking.ipynb).
#
# ## Before you start
#
# Read the lesson first; you need its blocks, its tied weights, and why gradients vanish in sigmoid units. Run the cells
# from the top. Below every answer stands a cell that checks it: it tells what was expected, what it found, and gives a
# hint.

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
import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from utils import checks, metrics, models, plotting, stacking
from utils.claims import budget, start
from utils.data import load
from utils.training import fit

start("03", seed=1)
WIDTHS = (128, 64, 32)  # the last one is the code
IMAGES = budget(quick=6_000, full=20_000)  # that the blocks are trained on
EPOCHS = budget(quick=1, full=5)  # for every block
STEPS = budget(quick=30, full=1_500)  # of the tied and the untied network
FEW = budget(quick=(300, 1_000), full=(300, 3_000))  # their training images
SETTINGS = {
    "batch_size": 100,
    "learning_rate": 0.01,
    "optimizer": keras.optimizers.Muon,
    "verbose": 0,
    "xla": budget(quick=False, full="auto"),
}

# %%
mnist = load("mnist")
print(mnist.provenance)
x_train, x_test = mnist.x_train[:IMAGES], mnist.x_test

# %% [markdown]
# ## Exercise 1: greedy training (2 + 1 points)
#
# Write the loop of the lesson as a function: `greedy(x, widths, train_block)` returns the list of the trained blocks.
#
# - `x`: flat images, (n, 784).
# - `widths`: the widths of the hidden layers from the image inwards, such as `(128, 64, 32)`.
# - `train_block(inputs, width)` is given. It trains a block inputs → width → inputs on the array `inputs` and returns
#   it. A block has `encode`, `decode` and `reconstruct`, like every autoencoder of this course.
#
# The first block is trained on the images, every further one on what is left of the images after all blocks before it.


# %%
def train_block(inputs, width):
    """A block with one hidden layer of ReLU units, trained on inputs (n, units)."""
    size = inputs.shape[1]
    output, loss = ("sigmoid", "bce") if size == 784 else ("relu", "mse")  # pixels, or codes
    encoder = keras.Sequential([keras.Input((size,)), layers.Dense(width, activation="relu")])
    decoder = keras.Sequential([keras.Input((width,)), layers.Dense(size, activation=output)])
    block = models.Autoencoder(encoder, decoder, loss)
    fit(block, inputs, epochs=EPOCHS, value_range=None, **SETTINGS)
    return block


# %% nbgrader={"grade": false, "grade_id": "03-greedy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def greedy(x, widths, train_block):
    """The list of blocks, trained one after the other from the image inwards."""
    # HINT: after every block the data set is another one
    ### BEGIN SOLUTION
    blocks = []
    for width in widths:
        blocks.append(train_block(x, width))
        x = blocks[-1].encode(x)
    return blocks
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "03-greedy-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.greedy_blocks(greedy)

# %% [markdown]
# The check trained nothing: it handed your function a `train_block` of its own that only notes what it is given. Now
# use the real one (1 point). Train `blocks` of the widths `WIDTHS` on the flat training images. Then send the test
# images through the first block, through two and through three, and back through the same blocks' decoders. Put the
# three errors, MSE per pixel, into the list `errors`, and show the first images of each depth with
# `plotting.image_rows`.

# %% nbgrader={"grade": false, "grade_id": "03-look", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: blocks = greedy(...), errors = []; for every depth encode inwards, decode outwards, and append metrics.mse
### BEGIN SOLUTION
blocks = greedy(x_train.reshape(-1, 784), WIDTHS, train_block)
errors, rows = [], {"test images": x_test[:12]}
for depth, width in enumerate(WIDTHS, start=1):
    z = x_test.reshape(-1, 784)
    for block in blocks[:depth]:
        z = block.encode(z)
    for block in reversed(blocks[:depth]):
        z = block.decode(z)
    z = z.reshape(x_test.shape)
    errors.append(metrics.mse(x_test, z))
    rows[f"through {width} units"] = z[:12]
plotting.image_rows(rows)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "03-look-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.stack_errors(errors, blocks, x_test)

# %% [markdown]
# ## Exercise 2: a tied layer (2 points)
#
# Write the layer of the way back, `TiedBack(dense, activation=None)`. It runs another dense layer backwards, with
# **tied** weights.
#
# - `dense`: a `layers.Dense` that is built, with the kernel W of shape (inputs, units).
# - `TiedBack(dense)(z)` takes codes z of shape (n, units) and returns activation(z Wᵀ + b), of shape (n, inputs).
# - W is the kernel of `dense` and nobody else's, as it is at the time of the call. Only the bias b, of shape (inputs,),
#   belongs to your layer; it begins at zero and is trained.
# - `activation`: a name such as "sigmoid", or None. `keras.activations.get` turns it into a function.
#
# `self.add_weight(shape=..., initializer="zeros")` makes a weight of your own; `ops.matmul` and `ops.transpose` work
# on Keras' tensors.


# %% nbgrader={"grade": false, "grade_id": "03-tied", "locked": false, "schema_version": 3, "solution": true, "task": false}
class TiedBack(layers.Layer):
    """activation(z Wᵀ + b): W is the kernel of another dense layer, b its own."""

    # HINT: __init__ keeps the other layer and makes the bias, call looks the kernel up
    ### BEGIN SOLUTION
    def __init__(self, dense, activation=None):
        super().__init__()
        self.dense = dense
        self.activation = keras.activations.get(activation)
        self.bias = self.add_weight(shape=(dense.kernel.shape[0],), initializer="zeros")

    def call(self, z):
        """(n, units) → (n, inputs)."""
        return self.activation(ops.matmul(z, ops.transpose(self.dense.kernel)) + self.bias)

    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "03-tied-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.tied_layer(TiedBack)

# %% [markdown]
# ## Exercise 3: predict, then measure (2 points)
#
# In the lesson, a network of six layers of sigmoid units, 784-128-64-32-64-128-784, had a gradient 2,117 times larger
# at its last kernel than at its first one, before any training. Here the innermost pair of layers is missing:
# 784-128-64-128-784, four layers.
#
# **How many times larger is the gradient of the last kernel than that of the first?** Both sizes are root mean squares
# over all entries of the kernel's gradient. Set `guess` first, then measure `ratio` on the first 1,000 training
# images. Any guess is accepted.
#
# The loss is `model.compute_loss(x=images, y_pred=model(images))`; `model.trainable_variables` lists kernels and biases
# in the order of the layers.

# %%
model = models.deep((128,), 64, activation="sigmoid", code_activation="sigmoid", loss="bce")
images = mnist.x_train[:1000]
for weight in model.trainable_variables:
    print(f"{weight.path:<28} {tuple(weight.shape)}")

# %% nbgrader={"grade": false, "grade_id": "03-ratio", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: guess = ... first; then a tf.GradientTape around the loss, two kernels, and ratio = ...
### BEGIN SOLUTION
guess = 2117 / 4**2  # two sigmoids less on the way, each of which lets a quarter pass at most
kernels = [weight for weight in model.trainable_variables if len(weight.shape) == 2]
with tf.GradientTape() as tape:
    loss = model.compute_loss(x=images, y_pred=model(images))
first, last = tape.gradient(loss, [kernels[0].value, kernels[-1].value])
ratio = float(np.sqrt(np.mean(np.square(last)) / np.mean(np.square(first))))
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "03-ratio-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.gradient_ratio(guess, ratio, model, images)

# %% [markdown]
# ## Exercise 4: explore tied weights with few images (1 + 3 points)
#
# With 60,000 images tying the weights cost a few per cent of test error, and brought test and training error closer
# together. A network with half the kernels has less to memorise with. **Does tying help where images are few?**
#
# 1. The function below trains a tied or an untied 784-128-64-32-64-128-784 on the first n training images. Fill a dict
#    `table`: `{n: {"tied": (training error, test error), "untied": (training error, test error)}}` for at least two n,
#    a small one such as 300 and a larger one such as 3,000. The errors are MSE per pixel (`metrics.mse`). Draw them.
# 2. Then look for yourself. At which n is the tied network better on test images, if at any? And how does the gap
#    between training and test error depend on tying and on n? One training is one throw of dice: repeat the closest
#    case with another seed.


# %%
def trained(kind, n, seed=1):
    """A "tied" or "untied" network, trained for STEPS steps on the first n training images."""
    keras.utils.set_random_seed(seed)
    if kind == "tied":
        net = stacking.TiedAutoencoder(WIDTHS[:-1], WIDTHS[-1], initializer="he_normal")
    else:
        net = models.deep(WIDTHS[:-1], WIDTHS[-1], initializer="he_normal")
    fit(net, mnist.x_train[:n], epochs=max(1, STEPS * SETTINGS["batch_size"] // n), **SETTINGS)
    return net


# %% nbgrader={"grade": false, "grade_id": "03-few", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: for every n both networks, and for each the errors on its own n images and on x_test
### BEGIN SOLUTION
table = {}
for n in FEW:
    table[n] = {}
    for kind in ("untied", "tied"):
        net, few = trained(kind, n), mnist.x_train[:n]
        table[n][kind] = tuple(metrics.mse(x, net.reconstruct(x)) for x in (few, x_test))
        print(f"{n:>6,} images, {kind:<6}: training {table[n][kind][0]:.5f}, test {table[n][kind][1]:.5f}")
plotting.curves(
    {
        f"{kind}, {where}": (list(table), [row[kind][k] for row in table.values()])
        for kind in ("untied", "tied")
        for k, where in enumerate(("training", "test"))
    },
    xlabel="training images", ylabel="MSE per pixel", log_x=True, markers=True, size=(6.4, 3),
)  # fmt: skip
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "03-few-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.tied_table(table)

# %% [markdown] nbgrader={"grade": true, "grade_id": "03-explore", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# **What a good answer contains**
#
# - The table for at least two n, with training and test errors of both networks, and the same images and steps for
#   both.
# - The answer to the question as found, in one sentence with its numbers: at which n, if at any, the tied network is
#   better on test images, and by how many per cent.
# - The gap, test error over training error, for all four networks. Few images make it large; tying makes it smaller if
#   the answer is the usual one, since 110,592 numbers are missing that could have been used to memorise.
# - The distinction that matters: a smaller gap is no success by itself. It also shrinks when the training error rises
#   and the test error stays.
# - A repetition with another seed where the two are close, and what it says: a difference that is smaller than that
#   between two seeds is no result.
# - What else might explain it: the number of steps was the same for all n, so few images were seen far more often. A
#   shorter training of the untied network (early stopping on images held back) is the rival to compare with.
