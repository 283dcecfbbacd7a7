# %% [markdown]
# # 01 · Exercises: Vanilla autoencoder and PCA
#
# These exercises belong to the lesson [01 · Vanilla autoencoder and PCA](../01_vanilla_vs_pca.ipynb).
#
# ## Before you start
#
# Read the lesson first; you need its words PCA, code, encoder and decoder, and nothing else. Run the cells from the
# top. Below every answer stands a cell that checks it: it tells what was expected, what it found, and gives a hint.

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
from keras import layers

from utils import checks, latent, models, plotting
from utils.claims import budget, start
from utils.data import load
from utils.training import fit

start("01", seed=1)
CODE = 32  # numbers per image
IMAGES = budget(quick=10_000, full=60_000)  # that the network is trained on
EPOCHS = budget(quick=1, full=10)
MAPPED = budget(quick=400, full=2_000)  # test images in a map

# %%
mnist = load("mnist")
print(mnist.provenance)
x_train, x_test = mnist.x_train[:IMAGES], mnist.x_test

# %% [markdown]
# ## Exercise 1: PCA in a few lines (2 points)
#
# Write `pca_copy(train, x, d)`, the yardstick of the lesson, with NumPy.
#
# - `train`: images as rows, (n, p). Everything that PCA learns, it learns from these.
# - `x`: the images to copy, (m, p).
# - `d`: how many directions to keep.
# - Return the copies, (m, p).
#
# PCA's directions are the eigenvectors of the covariance matrix (p x p) that have the largest eigenvalues. An image is
# described by its coordinates along d of them, and the copy is what one can draw from these coordinates alone.
# (`np.linalg.eigh` takes a symmetric matrix and returns its eigenvalues in ascending order, and the eigenvectors as
# columns. Do not import a finished PCA, although the check would accept it.)


# %% nbgrader={"grade": false, "grade_id": "01-pca", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pca_copy(train, x, d):
    """Copies of the rows of x, (m, p), by PCA with d directions fitted to the rows of train, (n, p)."""
    # HINT: four steps: the mean, the covariance, the directions, and there and back again
    ### BEGIN SOLUTION
    mean = train.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov((train - mean).T))
    directions = vectors[:, ::-1][:, :d]  # p x d
    return (x - mean) @ directions @ directions.T + mean
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "01-pca-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.centred_pca(pca_copy)

# %% [markdown]
# In the lesson PCA with 32 numbers leaves an MSE of 0.0168 per pixel on the test images of MNIST. Does yours, fitted to
# all 60,000 training images (`mnist.x_train.reshape(-1, 784)`)?
#
# ## Exercise 2: a shallow autoencoder (2 points)
#
# This is the first exercise of lecture 004: encode MNIST with dense layers. Write `shallow_autoencoder(code)`. It
# returns two Keras models, `(encoder, decoder)`:
#
# - the encoder takes images of shape 28x28x1, makes a vector of each, and has one dense layer of `code` units with
#   ReLU;
# - the decoder takes codes of shape (code,), has one dense layer of 784 units with sigmoid, and returns 28x28x1.
#
# `keras.Input`, `layers.Flatten`, `layers.Dense` and `layers.Reshape` are all that you need.


# %% nbgrader={"grade": false, "grade_id": "01-shallow", "locked": false, "schema_version": 3, "solution": true, "task": false}
def shallow_autoencoder(code):
    """(encoder, decoder): 28x28x1 → code → 28x28x1, one dense layer each."""
    # HINT: two times keras.Sequential, each beginning with its keras.Input
    ### BEGIN SOLUTION
    encoder = keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(code, activation="relu")]  # 784 → code
    )
    decoder = keras.Sequential(
        [keras.Input((code,)), layers.Dense(784, activation="sigmoid"), layers.Reshape((28, 28, 1))]
    )
    return encoder, decoder
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "01-shallow-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.vanilla_parts(shallow_autoencoder)

# %% [markdown]
# `models.vanilla` builds the same network. We train that one, so that the rest does not depend on your answer. (To
# train your own, put `models.Autoencoder(*shallow_autoencoder(CODE))` in its place.)

# %%
model = models.vanilla(CODE)
fit(model, x_train, epochs=EPOCHS, batch_size=128, learning_rate=0.02, optimizer=keras.optimizers.Muon, verbose=0)
codes = model.encode(x_test)
print(f"codes {codes.shape}, from {codes.min():.1f} to {codes.max():.1f}")
plotting.image_rows({"test images": x_test[:12], "encoded and decoded": model.reconstruct(x_test[:12])})

# %% [markdown]
# *Test images, and what the autoencoder makes of them.*
#
# ## Exercise 3: predict, then measure (2 points)
#
# The codes of the test images, `codes`, are 10,000 points in 32 dimensions. PCA can be fitted to *them*, too. Along
# its first direction the codes vary most.
#
# **Which share of the variance of the codes lies along their first principal direction?** With 32 uncorrelated units
# of equal variance it would be 1/32 ≈ 0.03; if all units said the same, it would be 1.
#
# Set `guess` to your guess, and only then measure `share`, both as numbers between 0 and 1. Any guess is accepted.

# %% nbgrader={"grade": false, "grade_id": "01-share", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: guess = ... first, then share = ..., the largest variance over the sum of all
### BEGIN SOLUTION
guess = 0.1
variances = np.linalg.eigvalsh(np.cov(codes.T))  # np.cov subtracts the mean
share = variances[-1] / variances.sum()
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "01-share-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.share_of_first_direction(guess, share, codes)

# %% [markdown]
# ## Exercise 4: explore the codes with t-SNE (1 + 3 points)
#
# The lecture goes on: *visualize the results of encoding of test data using the t-SNE algorithm*. t-SNE places points
# on a plane such that those which are neighbours among the codes remain neighbours. `latent.embed(codes, seed=1)` runs
# it.
#
# 1. Make `points`, a map of the first `MAPPED` codes, and show it with
#    `plotting.code_scatter(points, mnist.y_test[:MAPPED], mnist.classes)`. The labels only colour the points.
# 2. Then look for yourself. Which digits form islands of their own, which run into each other? Look at some of the
#    images between two islands. Does the map of the *pixels*, or that of PCA's 32 coordinates, look different?

# %% nbgrader={"grade": false, "grade_id": "01-map", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: points = latent.embed of the codes, in their order
### BEGIN SOLUTION
points = latent.embed(codes[:MAPPED], seed=1)
plotting.code_scatter(points, mnist.y_test[:MAPPED], mnist.classes)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "01-map-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.map_of_vanilla_codes(points, codes[:MAPPED])

# %% [markdown] nbgrader={"grade": true, "grade_id": "01-explore", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# **What a good answer contains**
#
# - The map itself, with a sentence on what its axes mean (nothing: only neighbourhoods count, neither axes nor the
#   distance between islands).
# - Which digits are apart and which touch, by name. Usually 4, 7 and 9 touch, and 3, 5 and 8; 0, 1 and 6 stand apart.
# - A reason that comes from images, not from the map: two or three test images from a border, and what they share. A 9
#   with an open loop has most of its ink where a 4 has it.
# - A comparison: the map of pixels or of PCA's coordinates, made with the same images and the same seed. It looks much
#   like this one. So most of the neighbourhoods are already there in the pixels, and 32 numbers keep them; that the
#   islands are digits is no merit of the autoencoder alone.
# - A caution: the labels were used for colours only; another seed moves the islands about; a picture is no number.
#   (Lesson 14 measures such maps by their nearest neighbours.)
