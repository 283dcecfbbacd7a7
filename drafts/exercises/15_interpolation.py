# %% [markdown]
# # 15 · Exercises: Interpolation
#
# Exercises to lesson 15, *Interpolation* (`notebooks/15_interpolation.ipynb`).
#
# ## Before you start
#
# Read the lesson as far as *A linear map can only cross-fade*, and its section *Straight lines or arcs?* before
# exercise 2. Write your code where a cell says so and run the cell below it: it checks your answer, and tells what it
# expected, what it found, and a hint. You may run a check as often as you like.

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

from utils import checks, models, plotting
from utils.claims import budget, start
from utils.data import load
from utils.training import fit

start("15", seed=1)
CODE = 16  # code units
IMAGES, EPOCHS = budget(quick=(2_000, 1), full=(60_000, 6))
STEPS = 9  # images on a path, both ends included
RECIPE = {"batch_size": 200, "learning_rate": 3e-3, "optimizer": partial(keras.optimizers.Adam, beta_2=0.99)}

# %% [markdown]
# ## 1. A path through the codes (implement)
#
# Write the lecture's formula, ξ(x, x′, α) = g((1 − α) f(x) + α f(x′)), for many pairs at once. Given are
#
# - `encode`, a function from images (n, h, w, c) to codes (n, d), and `decode`, one from codes (n, d) to images;
# - `first` and `last`, the two ends of every path: images (pairs, h, w, c) each.
#
# `walk` returns the images of the paths, (pairs, steps, h, w, c), at `steps` evenly spaced α from 0 to 1, **both
# included**. `decode` takes rows of codes only, n of them, not (pairs, steps, d). Do not use `utils.latent`.

# %% nbgrader={"grade": false, "grade_id": "15-walk", "locked": false, "schema_version": 3, "solution": true, "task": false}
def walk(encode, decode, first, last, steps):
    """Return images on the paths from first to last, decoded from lines between codes: (pairs, steps, h, w, c)."""
    # HINT: np.linspace gives α; a new axis lets it meet (pairs, d); rows for the decoder, and the axes back after it.
    ### BEGIN SOLUTION
    a, b = encode(first)[:, None], encode(last)[:, None]  # pairs x 1 x d
    alpha = np.linspace(0, 1, steps, dtype="float32")[:, None]  # steps x 1
    codes = (1 - alpha) * a + alpha * b  # pairs x steps x d
    images = decode(codes.reshape(-1, codes.shape[-1]))
    return images.reshape(len(first), steps, *images.shape[1:])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "15-walk-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
checks.path_through_codes(walk)

# %% [markdown]
# Two networks to walk in: an autoencoder and a variational one, 784-512-256-16.

# %%
mnist = load("mnist")
print(mnist.provenance)
autoencoder = models.deep((512, 256), CODE, activation="gelu", initializer="he_normal", loss="bce")
vae = models.variational((512, 256), CODE, seed=1)
for name, model in {"autoencoder": autoencoder, "VAE": vae}.items():
    history = fit(model, mnist.x_train[:IMAGES], epochs=EPOCHS, verbose=0, **RECIPE).history
    print(f"{name}: {history['seconds'][-1]:.0f} s")
SPACES = {
    "pixels": (lambda x: x.reshape(len(x), -1), lambda z: z.reshape(-1, 28, 28, 1).clip(0, 1)),
    "autoencoder": (autoencoder.encode, autoencoder.decode),
    "VAE": (vae.encode, vae.decode),
}
first, last = mnist.x_test[[0, 4, 2]], mnist.x_test[[1, 3, 18]]
paths = {name: walk(encode, decode, first, last, STEPS) for name, (encode, decode) in SPACES.items()}
plotting.image_rows({f"{name}, {k + 1}": path[k] for k in range(3) for name, path in paths.items()}, scale=0.6)

# %% [markdown]
# ## 2. An arc (implement)
#
# Write the spherical path between codes. The **direction** of a code z is z / |z|. Along the arc the direction turns
# from that of the start, u, into that of the end, v, in their common plane and at constant angular speed; with ω the
# angle between them it is, at t (Shoemake, 1985),
#
# (sin((1 − t) ω) u + sin(t ω) v) / sin ω,
#
# while the **norm** goes linearly from that of the start to that of the end. `arc` returns codes (pairs, steps, d),
# both ends included. Every pair has its own ω. You need not care for codes that are zero, equal or opposite. Do not
# use `utils.latent`.

# %% nbgrader={"grade": false, "grade_id": "15-arc", "locked": false, "schema_version": 3, "solution": true, "task": false}
def arc(start, end, steps):
    """Return codes on the arcs from start (pairs, d) to end (pairs, d): (pairs, steps, d)."""
    # HINT: write down the shapes first: directions (pairs, 1, d), norms and angles (pairs, 1, 1), t (1, steps, 1).
    ### BEGIN SOLUTION
    a, b, t = start[:, None], end[:, None], np.linspace(0, 1, steps)[None, :, None]
    p, q = np.linalg.norm(a, axis=-1, keepdims=True), np.linalg.norm(b, axis=-1, keepdims=True)
    u, v = a / p, b / q
    omega = np.arccos(np.sum(u * v, axis=-1, keepdims=True))
    direction = (np.sin((1 - t) * omega) * u + np.sin(t * omega) * v) / np.sin(omega)
    return ((1 - t) * p + t * q) * direction
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "15-arc-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
checks.arc_between_codes(arc)

# %% [markdown]
# ## 3. The angle between two random codes (predict, then measure)
#
# Two codes are drawn independently from N(0, I) in the plane, d = 2. The angle between them can be anything from 0 to
# 180 degrees, each value as likely as any other: its mean is 90 degrees, its standard deviation 52. Now take **d =
# 64**. The mean is 90 degrees again. **What is the standard deviation of the angle, in degrees?** Guess first. Then
# measure it with 20,000 pairs.

# %% nbgrader={"grade": false, "grade_id": "15-angle", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: guess = a number; measured = the standard deviation of 20,000 angles; np.degrees turns radians into degrees.
### BEGIN SOLUTION
guess = 20
one, other = np.random.default_rng(1).normal(size=(2, 20_000, 64))
cosines = np.sum(one * other, axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
measured = np.degrees(np.arccos(cosines)).std()
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "15-angle-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.angle_between_codes(guess, measured, d=64)

# %% [markdown]
# In high dimensions two independent codes are nearly at right angles, always. The middle of the straight line between
# two of norm r then has a norm near r / √2, whatever the pair.
#
# ## 4. Beyond the ends (explore)
#
# α need not stop at 0 and 1. Here it goes from −1 to 2: the ends are in the fourth and the seventh column. Which
# spaces still draw digits out there, and how far? Look at the norms of the codes, change the pair or the range,
# replace the line by your `arc`, and say what limits each space.

# %%
ALPHA = np.linspace(-1, 2, 10, dtype="float32")[:, None]
PAIR = slice(0, 1)
rows = {}
for name, (encode, decode) in SPACES.items():
    a, b = encode(first[PAIR]), encode(last[PAIR])
    codes = (1 - ALPHA) * a + ALPHA * b  # 10xd
    rows[name] = decode(codes)
    print(f"{name:<12} norms:", " ".join(f"{norm:6.1f}" for norm in np.linalg.norm(codes, axis=1)))
plotting.image_rows(rows, scale=0.7)

# %%
typical = {name: np.linalg.norm(encode(mnist.x_test[:1000]), axis=1) for name, (encode, _) in SPACES.items()}
for name, norms in typical.items():
    print(f"{name:<12} norms of 1,000 codes: {norms.mean():.1f} ± {norms.std():.1f}")

# %% [markdown] nbgrader={"grade": true, "grade_id": "15-explore", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# <!-- ### BEGIN SOLUTION -->
# A good answer
#
# - says what happens in pixels beyond the ends: the one digit is subtracted from the other, values leave [0, 1] and
#   are clipped, so that the nearer digit stays, with the strokes of the other cut out of it;
# - says for each of the networks at which α its images stop being digits in the pairs that were tried, and tries more
#   than one pair before it speaks of the space;
# - relates this to numbers: the norms along the path against the norms that codes of test images have; outside that
#   range the decoder saw no code in training, and nothing holds it there;
# - says what an arc beyond its ends does (the direction turns on, the norm still changes linearly and may even become
#   negative or vanish if the norms of the ends differ much), and compares it with the line on the same pairs;
# - separates what was seen from what was measured: realism beyond the ends would need the lesson's measures (a) and
#   (b), stated beforehand.
# <!-- ### END SOLUTION -->
