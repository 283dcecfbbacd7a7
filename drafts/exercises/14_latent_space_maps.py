# %% [markdown]
# # 14 · Exercises: Maps of the latent space
#
# Exercises to lesson 14, *Maps of the latent space* (`notebooks/14_latent_space_maps.ipynb`). The first two are
# exercise 1 of lecture 004, *Encoding MNIST*.
#
# ## Before you start
#
# Read the lesson as far as *What a map makes up*. Write your code where a cell says so and run the cell below it: it
# checks your answer, and tells what it expected, what it found, and a hint. You may run a check as often as you like.

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
from keras import layers
from sklearn.neighbors import NearestNeighbors

from utils import checks, models, plotting
from utils.claims import budget, start
from utils.data import load
from utils.latent import embed
from utils.training import fit

start("14", seed=1)
CODE = 32  # code units
IMAGES, EPOCHS = budget(quick=(2_000, 1), full=(60_000, 5))
POINTS = budget(quick=300, full=1_000)  # test images in every map
RECIPE = {"batch_size": 128, "learning_rate": 2e-3, "optimizer": partial(keras.optimizers.Adam, beta_2=0.99)}

# %% [markdown]
# ## 1. Encode MNIST (implement)
#
# "Create a shallow autoencoder to encode MNIST data, using Dense layers (reshape input image to vector)." Write
# `build`, which returns two Keras models:
#
# - the **encoder**, (n, 28, 28, 1) → (n, code): the image as a vector of 784 pixels, then one Dense layer without an
#   activation;
# - the **decoder**, (n, code) → (n, 28, 28, 1): one Dense layer with pixels between 0 and 1, shaped as an image.

# %% nbgrader={"grade": false, "grade_id": "14-build", "locked": false, "schema_version": 3, "solution": true, "task": false}
def build(code):
    """Return an encoder from images to codes of `code` numbers, and a decoder back, one Dense layer each."""
    # HINT: keras.Sequential([...]) twice, each with a keras.Input of its own; two of the layers have no weights.
    ### BEGIN SOLUTION
    encoder = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(code)])  # 28x28x1 → 784 → code
    decoder = keras.Sequential(
        [keras.Input((code,)), layers.Dense(784, activation="sigmoid"), layers.Reshape((28, 28, 1))]
    )
    return encoder, decoder
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "14-build-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.shallow_autoencoder(build)

# %% [markdown]
# Now train it, and "visualize the results of encoding and decoding of test data".

# %%
mnist = load("mnist")
print(mnist.provenance)
encoder, decoder = build(CODE)
autoencoder = models.Autoencoder(encoder, decoder, "bce")
history = fit(autoencoder, mnist.x_train[:IMAGES], epochs=EPOCHS, verbose=0, **RECIPE)
print(f"{history.history['seconds'][-1]:.0f} s")
shown = np.random.default_rng(1).permutation(len(mnist.x_test))[:POINTS]
images, labels = mnist.x_test[shown], mnist.y_test[shown]
plotting.image_rows({"test image": images[:10], "decoded": autoencoder.reconstruct(images[:10])})

# %% [markdown]
# ## 2. Look at the codes (implement)
#
# "Visualize the results of encoding of test data using the t-SNE algorithm." Write `map_of`, which returns one point
# of the plane per image, an array (n, 2), the same one in every run. Use `embed` of `utils.latent` or scikit-learn's
# `TSNE`.

# %% nbgrader={"grade": false, "grade_id": "14-map", "locked": false, "schema_version": 3, "solution": true, "task": false}
def map_of(encoder, images):
    """Return the codes of images (n, 28, 28, 1) laid out in the plane by t-SNE: (n, 2)."""
    # HINT: models.apply(model, images) gives a model's outputs as an array; what is seeded, and with what?
    ### BEGIN SOLUTION
    codes = models.apply(encoder, images)  # nx28x28x1 → nxcode
    return embed(codes, seed=1, perplexity=min(30, len(codes) // 4))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "14-map-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.map_of_codes(map_of)

# %%
codes, points = models.apply(encoder, images), map_of(encoder, images)
plotting.code_maps({"codes by t-SNE": points}, labels, mnist.classes, size=4.5)

# %% [markdown]
# ## 3. A number beside the map (implement)
#
# Write the lesson's yardstick, the k-NN accuracy. Every point is left out in turn, and its k nearest **other** points
# (Euclidean) vote for its class. The result is the share of the points whose own class wins. You need not care for
# ties: the checks have two classes and odd k. Do not use `metrics.neighbour_accuracy`.

# %% nbgrader={"grade": false, "grade_id": "14-vote", "locked": false, "schema_version": 3, "solution": true, "task": false}
def vote(points, labels, k=15):
    """Return the share of points (n, d) whose k nearest others vote for their own class (labels (n,), integers)."""
    # HINT: kneighbors() of a fitted NearestNeighbors, called without points, leaves every point out.
    ### BEGIN SOLUTION
    neighbours = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)  # nxk
    winners = [np.bincount(labels[row]).argmax() for row in neighbours]
    return np.mean(winners == labels)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "14-vote-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.leave_one_out(vote)

# %%
print(f"15-NN accuracy of the codes {vote(codes, labels):.1%}, of their map {vote(points, labels):.1%}")

# %% [markdown]
# ## 4. How many neighbours survive? (predict, then measure)
#
# In the lesson the accuracy in a map is nearly that in the space. So has the map kept the neighbourhoods? Take an
# image and its 15 nearest others among the 32-d codes, then its 15 nearest others in the map. **Which share of the
# first 15 is among the second 15, on average over the images?** A number between 0 and 1. Guess first, then measure
# with `codes` and `points`.

# %% nbgrader={"grade": false, "grade_id": "14-kept", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: guess = a number; measured = a mean over the images of (how many indices are in both lists) / 15.
### BEGIN SOLUTION
guess = 0.8
in_space, in_map = (
    NearestNeighbors(n_neighbors=15).fit(z).kneighbors(return_distance=False) for z in (codes, points)
)  # nx15 indices each
measured = np.mean([len(set(a) & set(b)) / 15 for a, b in zip(in_space, in_map, strict=True)])
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "14-kept-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.neighbours_kept(guess, measured, codes, points)

# %% [markdown]
# ## 5. Whose merit is the map? (explore)
#
# Below are three maps of the same images: of your codes, of the pixels, and of the codes of the *untrained* encoder.
# Change the perplexity, the number of code units, or the data (`load("fashion_mnist")`). What in these maps is due to
# the training, what to the pixels, and what to t-SNE? Find three images that lie in a foreign island, look at them,
# and say why they are there.

# %%
untrained, _ = build(CODE)
pixels = images.reshape(len(images), -1)
maps = {"trained": points, "pixels": embed(pixels, seed=1), "untrained": map_of(untrained, images)}
plotting.code_maps({f"{name}: {vote(z, labels):.1%}": z for name, z in maps.items()}, labels, mnist.classes)

# %%
nearest = NearestNeighbors(n_neighbors=15).fit(points).kneighbors(return_distance=False)
winners = np.array([np.bincount(labels[row]).argmax() for row in nearest])
foreign = np.flatnonzero(winners != labels)[:10]
print("label:", labels[foreign], "neighbours:", winners[foreign])
rows = {"in a foreign island": images[foreign], "nearest in the map": images[nearest[foreign, 0]]}
plotting.image_rows(rows | {"decoded": autoencoder.reconstruct(images[foreign])})

# %% [markdown] nbgrader={"grade": true, "grade_id": "14-explore", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# <!-- ### BEGIN SOLUTION -->
# A good answer
#
# - gives a number beside every map (15-NN accuracy, or the share of neighbours kept), and does not argue with the look
#   of a map alone;
# - compares with the pixels and with the untrained encoder, and concludes that islands in a map are no proof of a good
#   code: a random linear map keeps distances roughly, and the pixels have these islands already;
# - reads neighbourhoods only; does not interpret the distance between islands, their sizes, or the axes, and checks
#   with a second perplexity or seed what stays and what changes;
# - shows the three images, names the digit whose island they lie in, and gives a reason that can be seen: a 4 closed
#   at the top among the 9s, a slanted or thick stroke shared with the neighbours, an image that people would misread
#   as well;
# - says what was tried once and what repeatedly; one seed is one map.
# <!-- ### END SOLUTION -->
