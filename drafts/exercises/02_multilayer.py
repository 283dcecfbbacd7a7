# %% [markdown]
# # 02 · Exercises: Multilayer autoencoders
#
# These exercises belong to the lesson [02 · Multilayer autoencoders](../02_multilayer.ipynb).
#
# ## Before you start
#
# Read the lesson first; you need its encoder and decoder, its codes as compression, and its useless autoencoder. Run
# the cells from the top. Below every answer stands a cell that checks it: it tells what was expected, what it found,
# and gives a hint.

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

from utils import checks, metrics, models, plotting
from utils.claims import budget, start
from utils.data import load
from utils.training import fit

start("02", seed=1)
IMAGES = budget(quick=10_000, full=60_000)  # that the autoencoder is trained on
EPOCHS = budget(quick=1, full=10)
MEMORY_STEPS = budget(quick=150, full=2_000)  # of the useless autoencoder
SIZES = budget(quick=(20, 200, 1_000), full=(20, 200, 1_000, 5_000))  # its training images
RECIPE = {
    "learning_rate": 2e-3,
    "optimizer": partial(keras.optimizers.Adam, beta_2=0.99),
    "verbose": 0,
    "xla": budget(quick=False, full="auto"),
}

# %%
mnist = load("mnist")
print(mnist.provenance)
x_train, x_test = mnist.x_train[:IMAGES], mnist.x_test

# %% [markdown]
# ## Exercise 1: cut an autoencoder in two (2 points)
#
# The lecture builds the whole autoencoder first, and then takes its encoder and its decoder out of it. Write a function
# that does so for any network of this kind: `split(whole)` returns `(encoder, decoder)`.
#
# - `whole`: a functional Keras model, one layer after the other; one of them is named `"code"`. How many layers come
#   before and after it differs from network to network.
# - `encoder`: a Keras model from the image to the code.
# - `decoder`: a Keras model from a new input, as large as the code, through all layers after the code, to the image.
#
# Both must use the layers of `whole`, not copies: whoever trains the whole trains both.


# %% nbgrader={"grade": false, "grade_id": "02-split", "locked": false, "schema_version": 3, "solution": true, "task": false}
def split(whole):
    """(encoder, decoder) of a model with a layer named "code", made of its own layers."""
    # HINT: whole.get_layer finds the code, whole.layers lists all layers in their order
    ### BEGIN SOLUTION
    code = whole.get_layer("code")
    encoder = keras.Model(whole.input, code.output)
    latent = keras.Input(code.output.shape[1:])
    h = latent
    for layer in whole.layers[whole.layers.index(code) + 1 :]:
        h = layer(h)
    return encoder, keras.Model(latent, h)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "02-split-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.split_in_two(split)

# %% [markdown]
# ## Exercise 2: codes with few bits (2 points)
#
# Write `rounded(z, bits, low, high)`. It rounds codes such that each number can be stored with `bits` bits.
#
# - `z`: codes, (n, d), real numbers.
# - `low`, `high`: the range of each unit, (d,) each.
# - With `bits` bits one can tell 2 to the power of `bits` **levels** apart. They lie evenly from `low` to `high`, both
#   included, for each unit in its own range. With 2 bits and the range from 0 to 3 the levels are 0, 1, 2, 3.
# - Every number is replaced by the nearest level of its unit. Numbers outside the range get the outermost level.
# - Return the codes as the decoder needs them, (n, d).


# %% nbgrader={"grade": false, "grade_id": "02-rounded", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rounded(z, bits, low, high):
    """The codes z, (n, d), each number moved to the nearest of 2**bits levels from low to high, (d,)."""
    # HINT: bring each unit to 0 ... 1, count the steps between the levels, round, and go back
    ### BEGIN SOLUTION
    steps = 2**bits - 1
    share = np.clip((z - low) / (high - low), 0, 1)
    return low + np.round(share * steps) / steps * (high - low)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "02-rounded-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.rounding_of_codes(rounded)

# %% [markdown]
# ## Exercise 3: predict, then measure (2 points)
#
# Here is the lecture's 784-128-64-32-10 with a linear code, trained as in the lesson.

# %%
model = models.deep((128, 64, 32), 10)
fit(model, x_train, epochs=EPOCHS, batch_size=128, **RECIPE)
print(f"test MSE {metrics.mse(x_test, model.reconstruct(x_test)):.4f}, ten numbers per image")
plotting.image_rows({"test images": x_test[:12], "from ten numbers": model.reconstruct(x_test[:12])})

# %% [markdown]
# *Test images, and their copies from ten numbers.*
#
# Store each of the ten numbers with 4 bits: 5 bytes per image. The range of each unit is that of its codes of the
# first 10,000 training images. In the lesson the error of the network with 30 units rose by 57 % with 4 bits, and that
# of PCA by 6 %. Now there are ten units only, but the exact copies are much worse to begin with.
#
# **By how many percent does the squared error of the test images rise?** Set `guess` first, then measure `rise`,
# both in percent (an error that doubles rises by 100). Any guess is accepted.

# %% nbgrader={"grade": false, "grade_id": "02-cost", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: guess = ... first; then the ranges, both errors of the test images, and rise = ...
### BEGIN SOLUTION
guess = 30
known = model.encode(mnist.x_train[:10_000])
low, high = known.min(axis=0), known.max(axis=0)
codes = model.encode(x_test)
levels = 2**4 - 1
stored = low + np.round(np.clip((codes - low) / (high - low), 0, 1) * levels) / levels * (
    high - low
)  # as in exercise 2
exact_error = metrics.mse(x_test, model.decode(codes))
rise = 100 * (metrics.mse(x_test, model.decode(stored.astype("float32"))) / exact_error - 1)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "02-cost-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.rounding_cost(guess, rise, model, x_test, mnist.x_train[:10_000])

# %% [markdown]
# ## Exercise 4: explore the useless autoencoder (1 + 3 points)
#
# The lesson's useless autoencoder, 784-256-256-256-1, memorised 20 images through a code of a single number, and on
# test images did worse than one who always shows the mean image. The function below trains it on the first n
# training images. All runs take the same number of steps.
#
# 1. Fill a dict `table`: `{n: (training error, test error)}` for at least three n, the smallest 20. Both errors are
#    squared errors **per image**, averaged over images (`metrics.squared_error(x, copies).mean()`). Draw both over n
#    with `plotting.curves`.
# 2. Then look for yourself. When does the network stop memorising? From which n on is it better than the mean image of
#    its n training images, on the test images? What changes with a code of two numbers (`code=2`)?


# %%
def memoriser(n, code=1):
    """The useless autoencoder, trained on the first n training images."""
    net = models.deep((256, 256, 256), code, activation="tanh")
    batch = min(n, 100)
    fit(net, mnist.x_train[:n], epochs=max(1, MEMORY_STEPS * batch // n), batch_size=batch, **RECIPE)
    return net


# %% nbgrader={"grade": false, "grade_id": "02-memory", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: for every n one memoriser(n), and two errors: on its own n images, and on x_test
### BEGIN SOLUTION
table, mean_image = {}, {}
for n in SIZES:
    net, few = memoriser(n), mnist.x_train[:n]
    table[n] = tuple(metrics.squared_error(x, net.reconstruct(x)).mean() for x in (few, x_test))
    mean_image[n] = metrics.squared_error(x_test, np.broadcast_to(few.mean(axis=0), x_test.shape)).mean()
    print(
        f"{n:>5} images: training {table[n][0]:5.1f}, test {table[n][1]:5.1f}, mean image on test {mean_image[n]:5.1f}"
    )
plotting.curves(
    {"training": (list(table), [e[0] for e in table.values()]), "test": (list(table), [e[1] for e in table.values()])}
    | {"mean image, test": (list(mean_image), list(mean_image.values()))},
    xlabel="training images", ylabel="squared error per image", log_x=True, markers=True, size=(6.4, 3),
)  # fmt: skip
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "02-memory-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.memory_table(table)

# %% [markdown] nbgrader={"grade": true, "grade_id": "02-explore", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# **What a good answer contains**
#
# - The table with at least three n, both errors beside the error of the mean image, and the picture.
# - Both curves explained. What makes the training error rise with the number of images: one number has to tell ever
#   more images apart, in the same number of steps. What makes the test error fall: more kinds of digits have been seen.
# - The n from which the network beats the mean image on test images, as found, and as a range: between which two of
#   the n tried. Somebody who has tried only one training of each says so.
# - What happens at that point: the network can no longer store every image, so that it has to share the one number
#   among images that look alike. This is where it begins to learn something that holds for new images.
# - The code of two numbers, measured beside the code of one: does it memorise more images in the same steps, and what
#   does that do to its test error?
# - A caution: the number of steps is fixed, so "cannot memorise" may mean "not yet". A run with more steps at one n
#   tells.
