# %% [markdown]
# # 16 · Exercises: Sampling
#
# Exercises to lesson 16, *Sampling* (`notebooks/16_sampling.ipynb`).
#
# ## Before you start
#
# Read the lesson as far as *How many components?*. Write your code where a cell says so and run the cell below it: it
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
from sklearn.decomposition import PCA

from utils import checks, models, plotting
from utils.claims import budget, start
from utils.data import load
from utils.latent import DiagonalGaussian, Mixture
from utils.training import fit

start("16", seed=1)
CODE = 8  # numbers per image
IMAGES, EPOCHS = budget(quick=(2_000, 1), full=(60_000, 6))
SAMPLES = budget(quick=500, full=5_000)  # per set that is measured
FITTED, ROUNDS = budget(quick=(2_000, 10), full=(20_000, 100))  # codes for the mixture, rounds of EM at most
RECIPE = {"batch_size": 128, "learning_rate": 2e-3, "optimizer": partial(keras.optimizers.Adam, beta_2=0.99)}

# %% [markdown]
# ## 1. A Gaussian over the codes (implement)
#
# Write `draw_codes`: it fits a Gaussian with a **full** covariance matrix to codes (m, d), that is, computes their
# mean and covariance, and draws n codes (n, d) from it. All randomness comes from `rng`, a NumPy generator such as
# `np.random.default_rng(1)`: the same generator gives the same codes. Do not use `utils.latent`.

# %% nbgrader={"grade": false, "grade_id": "16-draw", "locked": false, "schema_version": 3, "solution": true, "task": false}
def draw_codes(codes, n, rng):
    """Return n draws (n, d) of the Gaussian fitted to codes (m, d): their mean, and their full covariance."""
    # HINT: noise times a matrix L has a covariance that L decides; np.linalg.cholesky finds one that fits.
    ### BEGIN SOLUTION
    root = np.linalg.cholesky(np.cov(codes.T))  # root @ root.T is the covariance
    noise = rng.standard_normal((n, codes.shape[1]))
    return codes.mean(axis=0) + noise @ root.T
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "16-draw-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.gaussian_of_codes(draw_codes)

# %% [markdown]
# ## 2. A ruler for sets (implement)
#
# Write the Fréchet distance of two sets of features, `a` (n, d) and `b` (m, d), with means μ and ν, covariances A and
# B:
#
# |μ − ν|² + tr( A + B − 2 (A B)^½ ).
#
# (A B)^½ is the matrix whose product with itself is A B. All eigenvalues of A B are real and not negative, and the
# trace of its root is the sum of their square roots; rounding may make some a little negative, or complex. Return one
# real number. Do not use `metrics.frechet_distance`.

# %% nbgrader={"grade": false, "grade_id": "16-frechet", "locked": false, "schema_version": 3, "solution": true, "task": false}
def frechet(a, b):
    """Return the Fréchet distance between Gaussians fitted to the features a (n, d) and b (m, d)."""
    # HINT: the remark about eigenvalues saves you the matrix root; take care of what rounding does to them.
    ### BEGIN SOLUTION
    first, second = np.cov(a.T), np.cov(b.T)
    eigenvalues = np.linalg.eigvals(first @ second).real.clip(0)
    means = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2)
    return means + np.trace(first) + np.trace(second) - 2 * np.sqrt(eigenvalues).sum()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "16-frechet-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
checks.frechet(frechet)

# %% [markdown]
# ## 3. How far apart are equals? (predict, then measure)
#
# Here are two sets of 500 draws from one and the same distribution, N(0, I) with 64 features. The distance of the two
# distributions is 0. (The distance of N(0, I) from N(0, I) moved by 1 in every feature would be 64.) **What is the
# Fréchet distance of the two sets?** Guess first, then measure.

# %%
a, b = np.random.default_rng(1).normal(size=(2, 500, 64))

# %% nbgrader={"grade": false, "grade_id": "16-equals", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: guess = a number; measured = what your ruler says of the two sets.
### BEGIN SOLUTION
guess = 0.5
measured = frechet(a, b)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "16-equals-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.distance_of_equals(guess, measured, a, b)

# %% [markdown]
# The number depends on how many draws there are, so that only sets of one size can be compared.
#
# ## 4. Bolder or safer? (explore)
#
# An autoencoder 784-512-256-8, three densities over its codes, and a ruler that needs no judge: the Fréchet distance
# of 30 coordinates of PCA. (It is another ruler than the lesson's. Its numbers compare only with each other.)

# %%
mnist = load("mnist")
print(mnist.provenance)
x_train, x_test = mnist.x_train[:IMAGES], mnist.x_test[:SAMPLES]
n, rng = len(x_test), np.random.default_rng(1)
autoencoder = models.deep((512, 256), CODE, activation="gelu", initializer="he_normal")
history = fit(autoencoder, x_train, epochs=EPOCHS, verbose=0, **RECIPE).history
print(f"{history['seconds'][-1]:.0f} s")
codes = autoencoder.encode(x_train)
pca = PCA(30, svd_solver="covariance_eigh").fit(x_train.reshape(len(x_train), -1))


def distance(images):
    """Fréchet distance of a set of images to the test images, in coordinates of PCA."""
    return frechet(*(pca.transform(x.reshape(len(x), -1)) for x in (images, x_test)))


# %%
mixture = Mixture(10, seed=0, max_iterations=ROUNDS).fit(codes[:FITTED])
sets = {
    "training images": x_train[:n],
    "decoded": autoencoder.reconstruct(x_train[:n]),
    "diagonal": autoencoder.decode(DiagonalGaussian().fit(codes).sample(n, seed=1)),
    "full": autoencoder.decode(draw_codes(codes, n, rng).astype("float32")),
    "mixture of 10": autoencoder.decode(mixture.sample(n, seed=1)),
}
plotting.image_rows({f"{name}\n{distance(images):.2f}": images[:10] for name, images in sets.items()})

# %% [markdown]
# Now multiply all covariances of the mixture by one factor. With 0.1 the draws stay near the components' means, with 2
# they go farther out than the codes do. Which factor makes the best single images, which the smallest distance, and
# which would you give to a friend who wants new digits? Change the factors, the number of components or the code size.


# %%
def rescaled(factor):
    """Codes from the mixture with all its covariances multiplied by a factor: (n, 8)."""
    kind = rng.choice(len(mixture.weights), size=n, p=mixture.weights / mixture.weights.sum())
    roots = np.linalg.cholesky(factor * mixture.covariances)[kind]  # nx8x8
    noise = rng.standard_normal((n, CODE))
    return (mixture.means[kind] + np.einsum("nij,nj->ni", roots, noise)).astype("float32")


bolder = {factor: autoencoder.decode(rescaled(factor)) for factor in (0.1, 0.5, 1, 2)}
plotting.image_rows({f"factor {f}\n{distance(images):.2f}": images[:10] for f, images in bolder.items()})

# %% [markdown] nbgrader={"grade": true, "grade_id": "16-explore", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# <!-- ### BEGIN SOLUTION -->
# A good answer
#
# - gives the distance of every set that it speaks of, beside those of training images and of decoded images: no
#   sampler can be expected below the latter;
# - says which factor looks best and which has the smallest distance, and that these need not be the same: a small
#   factor makes every image look like the middle of a component, clear but alike;
# - explains how the distance notices that: each image may be good, but the covariance of the set is too small (and
#   with a large factor too large, with images that are no digits);
# - says what neither notices: copies of training images, and whether a digit is missing; and how one would look for
#   that;
# - does not choose the factor on the test images and then report the distance to the same test images as a result:
#   images kept aside would do for the choice;
# - remarks that this ruler sees 30 coordinates of PCA only, so blur costs it little, and compares with no other
#   number.
# <!-- ### END SOLUTION -->
