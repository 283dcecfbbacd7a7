# %% [markdown]
# # 09 · Exercises: Super-resolution
#
# These exercises belong to lesson 09, `notebooks/09_super_resolution.ipynb`.
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
from keras import layers

from utils import checks, metrics, models, plotting
from utils.claims import budget, start
from utils.corruptions import downsample, upscale
from utils.data import load
from utils.training import fit

start("09", seed=9)
FACTOR = 2
IMAGES, EPOCHS = budget(quick=(1_000, 1), full=(15_000, 3))
TEST_IMAGES = budget(quick=200, full=2_000)
RECIPE = {"batch_size": 128, "learning_rate": 5e-3, "optimizer": partial(keras.optimizers.Adam, beta_2=0.99)}


def psnr(sharp, image):
    """Return the PSNR in dB of the MSE over all images together, after clipping to [0, 1]."""
    return metrics.psnr(sharp, np.clip(image, 0, 1), pooled=True)

# %% [markdown]
# ## Exercise 1, implement: depth to space
#
# The lesson's network works on the small picture, and its last convolution gives factor² channels per small pixel.
# *Depth to space* puts them into their places and computes nothing. Channel a·factor + b of a small pixel becomes the
# pixel in row a, column b of its square. Write `depth_to_space(x, factor)` for arrays (n, h, w, factor²); the result
# has the shape (n, h·factor, w·factor, 1). NumPy, Keras' layers or `keras.ops` will do, but for the next exercise it
# must work on Keras tensors, too. (`tf.nn.depth_to_space` is not the exercise.)

# %% nbgrader={"grade": false, "grade_id": "09-depth", "locked": false, "schema_version": 3, "solution": true, "task": false}
def depth_to_space(x, factor):
    """Spread factor² channels per pixel over factor x factor pixels: (n, h, w, f²) → (n, h·f, w·f, 1)."""
    # HINT: name the four axes between n and the end: row and column of the small pixel, row and column inside it
    ### BEGIN SOLUTION
    h, w = x.shape[1:3]
    x = layers.Reshape((h, w, factor, factor))(x)
    x = layers.Permute((1, 3, 2, 4))(x)  # → row, row inside, column, column inside
    return layers.Reshape((h * factor, w * factor, 1))(x)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "09-depth-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.depth_to_space(depth_to_space)

# %% [markdown]
# ## Exercise 2, implement: a network that begins as bicubic interpolation
#
# Write `super_network(factor)`. It returns a Keras model from small pictures of 28/factor x 28/factor pixels to
# images of 28x28, each with one channel:
#
# - four convolutions of 3x3 with 16 filters, padding "same" and GELU, initialised by `"he_normal"`;
# - a convolution of 3x3 with factor² filters and padding "same", without activation, then depth to space;
# - the picture enlarged by `layers.UpSampling2D(factor, interpolation="bicubic")` is added at the end. Nothing is
#   clipped;
# - before any training the model's output is the bicubic picture, exactly. And yet it can learn.

# %% nbgrader={"grade": false, "grade_id": "09-network", "locked": false, "schema_version": 3, "solution": true, "task": false}
def super_network(factor):
    """Return a network that adds to the bicubic picture what it lacks, and begins by adding nothing."""
    # HINT: the added part must be zero at first; the kernel of one layer decides that
    ### BEGIN SOLUTION
    small = keras.Input((28 // factor, 28 // factor, 1))
    x = small
    for _ in range(4):
        x = layers.Conv2D(16, 3, padding="same", activation="gelu", kernel_initializer="he_normal")(x)
    x = layers.Conv2D(factor**2, 3, padding="same", kernel_initializer="zeros")(x)
    x = depth_to_space(x, factor)
    return keras.Model(small, layers.Add()([x, layers.UpSampling2D(factor, interpolation="bicubic")(small)]))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "09-network-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.residual_network(super_network)

# %% [markdown]
# A short training shows that it learns:

# %% tags=["keep-output"]
mnist = load("mnist")
print(mnist.provenance)
sharp, test = mnist.x_train[:IMAGES], mnist.x_test[:TEST_IMAGES]
small_test = downsample(test, FACTOR)  # 28x28 → 14x14
network = super_network(FACTOR)
fit(network, downsample(sharp, FACTOR), sharp, epochs=EPOCHS, loss="mse", verbose=0, **RECIPE)
restored = {way: upscale(small_test, FACTOR, way) for way in ("nearest", "bicubic")}
restored["network"] = models.apply(network, small_test).clip(0, 1)
for way, images in restored.items():
    print(f"{way:<10} {psnr(test, images):6.2f} dB")
plotting.image_rows({"test image": test[:10]} | {way: images[:10] for way, images in restored.items()}, scale=0.7)

# %% [markdown]
# *Digits at 28x28, and three ways back from 14x14.*
#
# ## Exercise 3, predict, then measure: pictures of nothing
#
# On MNIST, x2, nearest neighbour loses part of the picture. How much of that is due to the digits? Take pictures in
# which no pixel knows anything about its neighbours: every pixel a random number, uniform between 0 and 1, independent
# of all others. Average squares of 2x2, and bring them back by nearest neighbour. What is the PSNR in dB? (A constant
# grey of 0.5 has 10.8 dB, since the variance of such a pixel is 1/12.)
#
# Write down your guess first. Any number is accepted. The check will tell how far off it was.

# %% nbgrader={"grade": false, "grade_id": "09-noise-guess", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: guess = ..., in dB; how much of the variance of four pixels is in their mean?
### BEGIN SOLUTION
guess = 12.0
### END SOLUTION

# %% [markdown]
# Now measure, on at least 200 such pictures of 28x28 pixels, drawn with a seed. Set `measured` to the PSNR.

# %% nbgrader={"grade": false, "grade_id": "09-noise", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: np.random.default_rng(seed).random((200, 28, 28, 1)), then downsample, upscale and psnr
### BEGIN SOLUTION
noise = np.random.default_rng(9).random((500, 28, 28, 1))
measured = psnr(noise, upscale(downsample(noise, FACTOR), FACTOR, "nearest"))
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "09-noise-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.averages_of_noise(guess, measured)

# %% [markdown]
# Of such a picture the four pixels' mean is all that can be known, and no method does better. What a network adds on
# digits, it owes to the fact that neighbouring pixels of a digit have to do with each other.
#
# ## Exercise 4, explore: make it fit
#
# The small picture is known. So an image whose averages are another small picture is wrong for certain. Bicubic
# interpolation gives such images, and so may the network. They can be corrected: average the restored image, see what
# is missing in each square, and add it to the square's pixels.
#
# Do this for the bicubic images and for the network's. Does the PSNR rise? Can it fall, for any image? Why does it rise
# more for one of the two? What happens when the corrected image is clipped to [0, 1]? Say what you expect before you
# run it.

# %% nbgrader={"grade": false, "grade_id": "09-fit", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: missing = small_test minus the averages of the restored image; upscale clips to [0, 1], but np.kron does not
### BEGIN SOLUTION
def fitted(images, small, factor):
    """Return images whose averages over squares are the small pictures, changing each square by a constant."""
    missing = small - downsample(images, factor)
    return images + np.kron(missing, np.ones((1, factor, factor, 1), images.dtype))


rows = {"test image": test[:10]}
for way in ("bicubic", "network"):
    images = restored[way]
    better = fitted(images, small_test, FACTOR)
    clipped = better.clip(0, 1)
    before, after = (np.square(x - test).sum(axis=(1, 2, 3)) for x in (images, better))
    off = np.sqrt(metrics.mse(small_test, downsample(images, FACTOR)))
    # metrics.psnr wants [0, 1], and the corrected images may leave it: hence by hand
    unclipped = -10 * np.log10(np.mean(np.square(better - test)))
    still = np.sqrt(metrics.mse(small_test, downsample(clipped, FACTOR)))
    print(f"{way:<8} {psnr(test, images):.2f} dB, corrected {unclipped:.2f}, clipped {psnr(test, clipped):.2f}")
    print(f"{'':<8} averages off by {off:.4f}, after correction and clipping by {still:.4f}")
    print(f"{'':<8} the correction made the error larger in {np.mean(after > before + 1e-4):.1%} of the images")
    rows |= {way: images[:10], f"{way},\ncorrected": clipped[:10]}
plotting.image_rows(rows, scale=0.7)
### END SOLUTION

# %% [markdown] nbgrader={"grade": true, "grade_id": "09-fit-answer", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# A good answer contains:
#
# - the expectation, written before the run, with a reason;
# - how far the averages are off before (bicubic much more than the network, which has learned how the small pictures
#   were made), and that they fit exactly after the correction;
# - the PSNR before and after, for both: it rises, and more where the averages were further off;
# - why the error cannot grow, for any image: the images that fit form a plane (an affine space) which holds the true
#   image. The correction goes to the nearest point of this plane, and by Pythagoras it can only come nearer to all
#   points of it. In other words: within each square the error splits into the error of the mean and the rest, and the
#   first part becomes zero;
# - clipping: it moves every pixel nearer to the true one, which is in [0, 1], so that the error cannot grow either; but
#   afterwards the averages no longer fit quite. One may repeat both steps;
# - the limit: the correction knows nothing about digits. It can only remove what contradicts the small picture.
