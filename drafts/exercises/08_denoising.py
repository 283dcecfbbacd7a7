# %% [markdown]
# # 08 · Exercises: Denoising
#
# These exercises belong to lesson 08, `notebooks/08_denoising.ipynb`.
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

from utils import checks, metrics, models, plotting
from utils.claims import budget, start
from utils.corruptions import Corruption, gaussian
from utils.data import load
from utils.training import fit

start("08", seed=8)
SIGMA = 0.5  # of the Gaussian noise, from black to white is 1
TEST_SEED = 2  # of the noise that is drawn once, for the evaluation
COPIES = 100  # noisy copies of one image
IMAGES, EPOCHS = budget(quick=(1_000, 1), full=(20_000, 8))
TEST_IMAGES = budget(quick=200, full=2_000)
AVERAGED_IMAGES = budget(quick=100, full=500)  # of which many noisy copies are made
TIMES = 6  # that the denoiser is applied to its own output
RECIPE = {"batch_size": 128, "learning_rate": 4e-3, "optimizer": partial(keras.optimizers.Adam, beta_2=0.99)}
RECIPE |= {"verbose": 0, "xla": budget(quick=False, full="auto")}

# %%
mnist = load("mnist")
print(mnist.provenance)
test = mnist.x_test[:TEST_IMAGES]

# %% [markdown]
# ## Exercise 1, implement: a denoiser from the previous model
#
# Lecture 004 sets this as its second exercise: *use the previous model to create a denoising application*. The previous
# model is a dense autoencoder, `plain`. Write `denoiser(plain, corruption)`. It returns a `models.Autoencoder` with the
# layers and the loss of `plain`, in which the encoder sees the corrupted image while it is trained. `corruption` is a
# Keras layer that works in training only, such as `Corruption("gaussian", 0.5)`.
#
# `models.Autoencoder(encoder, decoder, loss)` compares its output with its own input. Its parts are `plain.encoder`,
# `plain.decoder` and `plain.reconstruction_loss`; `plain.input_shape` is (None, 28, 28, 1).

# %% nbgrader={"grade": false, "grade_id": "08-denoiser", "locked": false, "schema_version": 3, "solution": true, "task": false}
def denoiser(plain, corruption):
    """Return an Autoencoder with the layers and the loss of `plain`, whose input is corrupted in training."""
    # HINT: only one of the two parts changes; a keras.Sequential may hold layers and whole models
    ### BEGIN SOLUTION
    encoder = keras.Sequential([keras.Input(plain.input_shape[1:]), corruption, plain.encoder])
    return models.Autoencoder(encoder, plain.decoder, plain.reconstruction_loss)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "08-denoiser-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.denoiser(denoiser)

# %% [markdown]
# ## Exercise 2, implement: measure it
#
# Write `score(reconstruct, clean, sigma, seed)`. `reconstruct` is a function from images to images of the same shape,
# such as a model's `reconstruct`. `clean` are images in [0, 1]. The score is the PSNR in dB of the restored
# images against the clean ones:
#
# - the noise is Gaussian, fixed by sigma and seed: `gaussian(x, sigma, seed)`;
# - all images go through `reconstruct` in one call;
# - the restored images are clipped to [0, 1];
# - the squared error is averaged over all pixels of all images, and then PSNR = −10 log₁₀(MSE).

# %% nbgrader={"grade": false, "grade_id": "08-score", "locked": false, "schema_version": 3, "solution": true, "task": false}
def score(reconstruct, clean, sigma, seed):
    """Return the pooled PSNR in dB of noisy images that were restored."""
    # HINT: two arrays of images are in play; which one goes in, and with which one is the result compared?
    ### BEGIN SOLUTION
    restored = reconstruct(gaussian(clean, sigma, seed))
    return metrics.psnr(clean, np.clip(restored, 0, 1), pooled=True)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "08-score-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.denoising_score(score)

# %% [markdown]
# Now use both. The previous model is lesson 02's, with 784-128-64-32-10 units; beside it stands the lesson's network
# with more units than pixels. The noisy images themselves are what must be beaten.

# %% tags=["keep-output"]
plain = {
    "784-128-64-32-10": models.deep((128, 64, 32), 10, activation="gelu", initializer="he_normal"),
    "784-1000": models.deep((), 1_000, code_activation="gelu"),
}
networks = {name: denoiser(model, Corruption("gaussian", SIGMA)) for name, model in plain.items()}
noisy = gaussian(test, SIGMA, TEST_SEED)
rows = {"test image": test[:10], "noisy": noisy[:10]}
print(f"{'noisy':<18} {score(lambda images: images, test, SIGMA, TEST_SEED):6.2f} dB")
for name, network in networks.items():
    fit(network, mnist.x_train[:IMAGES], epochs=EPOCHS, **RECIPE)
    print(f"{name:<18} {score(network.reconstruct, test, SIGMA, TEST_SEED):6.2f} dB")
    rows[name] = network.reconstruct(noisy[:10])
plotting.image_rows(rows, scale=0.7)

# %% [markdown]
# *Test images, what the networks are given, and what they return.*
#
# ## Exercise 3, predict, then measure: a hundred noisy pictures of one digit
#
# There is an old way to get rid of noise, without any network: take many pictures of the same thing and average them.
# The mean of N independent errors of the same size has a squared error that is N times smaller, which is 10 dB more for
# N = 10, and 20 dB more for N = 100. One noisy test image at sigma 0.5 has about 9.4 dB.
#
# Here every picture is clipped to [0, 1], as `gaussian` does. What is the PSNR of the mean of 100 of them? Write down
# your guess first. Any number is accepted. The check will tell how far off it was.

# %% nbgrader={"grade": false, "grade_id": "08-average-guess", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: guess = ..., in dB; think of a black pixel, and of what clipping leaves of its noise
### BEGIN SOLUTION
guess = 29.4  # 9.4 + 20
### END SOLUTION

# %% [markdown]
# Now measure. Make COPIES noisy versions of `some`, each with noise of its own, average them, and set `measured` to the
# PSNR of the mean against `some`, of the error over all pixels of all images.

# %%
some = mnist.x_test[:AVERAGED_IMAGES]

# %% nbgrader={"grade": false, "grade_id": "08-average", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: sum over COPIES calls of gaussian(some, SIGMA, seed); what differs between the calls?
### BEGIN SOLUTION
averaged = sum(gaussian(some, SIGMA, seed) for seed in range(COPIES)) / COPIES
measured = metrics.psnr(some, np.clip(averaged, 0, 1), pooled=True)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "08-average-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.averaged_noise(guess, measured, some, SIGMA, COPIES)

# %% [markdown]
# Where is the rest? On a black pixel the lower half of the noise is cut off, and what is left does not average to zero. A
# hundred pictures have the same grey background, and so has their mean. A network that has seen digits knows that
# the background is black. After the full training the wide one above does better with a single picture.
#
# ## Exercise 4, explore: denoise the denoised
#
# A denoiser returns an image. Nothing keeps us from giving it this image again, and again. Does it get better, does it
# stay, or does it drift away? Apply both networks up to TIMES times to their own output. Measure the PSNR after every
# time, look at the pictures, and explain what you see. Say what you expect before you run it.

# %% nbgrader={"grade": false, "grade_id": "08-again", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: a loop with images = network.reconstruct(images), which begins with the noisy images
### BEGIN SOLUTION
rows = {"test image": test[:10], "noisy": noisy[:10]}
for name, network in networks.items():
    images, found, changed = noisy, [], []
    for time in range(1, TIMES + 1):
        again = network.reconstruct(images)
        changed.append(np.sqrt(metrics.mse(images, again)))
        found.append(metrics.psnr(test, again, pooled=True))
        images = again
        if time in (1, 2, TIMES):
            rows[f"{name}\n{time} times"] = images[:10]
    print(f"{name:<18} PSNR in dB:   {', '.join(f'{value:.2f}' for value in found)}")
    print(f"{'':<18} root mean square of each step: {', '.join(f'{value:.3f}' for value in changed)}")
plotting.image_rows(rows, scale=0.7)
### END SOLUTION

# %% [markdown] nbgrader={"grade": true, "grade_id": "08-again-answer", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# A good answer contains:
#
# - the expectation, written before the run, with a reason;
# - a table of the PSNR after every time, for both networks, on noisy images that were drawn once with a fixed seed;
# - that the first application brings the gain, and what the later ones do: read off the table, and not off the pictures,
#   which may look cleaner all the same;
# - why more need not be better: the first output is not a digit with noise of sigma 0.5. It is an image of a kind that
#   the network never saw in training, and what was lost in the first pass cannot come back;
# - what the pictures show: do strokes get broader, are details lost, does a digit turn into a more usual one? The
#   network with a code of 10 can only return images that its decoder can draw;
# - how far each step moves: do the steps shrink, so that the images come to rest, and where?
# - a way to do better, such as a network that is trained for a range of sigmas, or one that learns the correction;
# - a limit of the experiment: one sigma, one data set, short training.
