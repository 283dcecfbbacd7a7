# %% [markdown]
# # 12 · Exercises: Variational autoencoders
#
# Exercises to lesson 12, *Variational autoencoders* (`notebooks/12_variational.ipynb`).
#
# ## Before you start
#
# Read the lesson as far as *A mean in place of a sum*. Write your code where a cell says so and run the cell below it:
# it checks your answer, and tells what it expected, what it found, and a hint. You may run a check as often as you
# like.

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
from keras import ops

from utils import checks, models, plotting
from utils.claims import budget, start
from utils.corruptions import Binarize, binarize
from utils.data import load
from utils.training import fit

start("12", seed=1)
CODE = 20  # latent units
BETAS = (0.25, 1.0, 4.0)
IMAGES, EPOCHS = budget(quick=(2_000, 1), full=(60_000, 6))
RECIPE = {"batch_size": 200, "learning_rate": 3e-3, "optimizer": partial(keras.optimizers.Adam, beta_2=0.99)}

# %% [markdown]
# ## 1. Draw a code (implement)
#
# The encoder answers with two arrays of shape (n, d): `mean`, and `log_variance`, the natural logarithm of σ² for each
# unit. Lecture 004 writes the draw as z = μ + σ ⊙ N(0, I). To keep the randomness out of your function, `noise` is
# given: an array (n, d) that somebody drew from N(0, I).
#
# Write `draw`. It returns codes (n, d) whose mean is `mean` and whose variance is exp(`log_variance`). The gradient
# must pass to both arrays, so use `ops` (keras.ops) and plain arithmetic, no NumPy.

# %% nbgrader={"grade": false, "grade_id": "12-draw", "locked": false, "schema_version": 3, "solution": true, "task": false}
def draw(mean, log_variance, noise):
    """Return codes (n, d) drawn from N(mean, exp(log_variance)), made of the given noise ~ N(0, I)."""
    # HINT: find σ first; then what must noise of deviation 1 and mean 0 go through?
    ### BEGIN SOLUTION
    sigma = ops.exp(log_variance / 2)
    return mean + sigma * noise
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "12-draw-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.reparameterised_draw(draw)

# %% [markdown]
# ## 2. The two terms of the loss (implement)
#
# The pixels x are 0 or 1. The decoder returns `logits` of their shape (n, h, w, c): a pixel is 1 with probability p =
# 1 / (1 + exp(−logit)). Write `terms`, which returns two arrays of shape (n,), in nats, one number per image in each:
#
# - `reconstruction` = −log p(x|z), where the pixels are independent: the **sum** over the pixels of −log p where x =
#   1, and of −log(1 − p) where x = 0. It must be finite and right for logits such as ±60, too;
# - `kl` = KL( N(mean, σ²) ‖ N(0, I) ), the **sum** over the units of ½ (mean² + σ² − 1 − log σ²), with `log_variance`
#   = log σ².
#
# Do not average over the images: that comes later.

# %% nbgrader={"grade": false, "grade_id": "12-terms", "locked": false, "schema_version": 3, "solution": true, "task": false}
def terms(x, mean, log_variance, logits):
    """Return the reconstruction term and the KL term of each image, in nats: two arrays (n,)."""
    # HINT: simplify −log p for one pixel on paper before you write code; ops.softplus(l) is log(1 + eˡ).
    ### BEGIN SOLUTION
    reconstruction = ops.sum(ops.softplus(logits) - x * logits, axis=(1, 2, 3))
    kl = ops.sum(mean**2 + ops.exp(log_variance) - 1 - log_variance, axis=1) / 2
    return reconstruction, kl
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "12-terms-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
checks.vae_terms(terms)

# %% [markdown]
# ## 3. How many units stay in use? (predict, then measure)
#
# Three networks 784-512-256-20, alike but for the weight β of the KL term.

# %%
mnist = load("mnist")
print(mnist.provenance)
x_train, x_test = mnist.x_train[:IMAGES], binarize(mnist.x_test, seed=1)
vaes = {}
for beta in BETAS:
    vaes[beta] = models.variational((512, 256), CODE, beta=beta, seed=1)
    history = fit(vaes[beta], x_train, epochs=EPOCHS, prepare=Binarize(), verbose=0, **RECIPE).history
    print(f"β = {beta:g}: {history['seconds'][-1]:.0f} s")

# %% [markdown]
# A unit is *in use* if its KL divergence, averaged over the test images, is more than 0.1 nats. With β = 1 all 20
# units could be used, and some are not. **How many of the 20 are in use with β = 4?** Write down your guess first,
# then measure: `vaes[4.0].posterior(x_test)` returns mean and log-variance, (n, 20) each, and `models.kl_divergence`
# the nats of every image and unit.

# %% nbgrader={"grade": false, "grade_id": "12-units", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: guess = a number; measured = how many of 20 averages are above 0.1.
### BEGIN SOLUTION
guess = 8
mean, log_variance = vaes[4.0].posterior(x_test)
price = models.kl_divergence(mean, log_variance).mean(axis=0)  # nats per unit
measured = int((price > 0.1).sum())
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "12-units-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.units_in_use(guess, measured, vaes[4.0], x_test)

# %% [markdown]
# ## 4. What does β trade? (explore)
#
# Here are both terms of the three networks on the test images, copies, and samples. Change the list of betas, train
# again, and look at what changes. Which β would you choose to copy images, which to draw new ones? Is there a number
# that tells you, or only the pictures?

# %%
rows, reconstructions, kls = {"test image": x_test[:10]}, [], []
for beta, vae in vaes.items():
    scores = vae.evaluate(x_test, batch_size=1000, verbose=0, return_dict=True)
    reconstructions.append(scores["reconstruction"])
    kls.append(scores["kl"])
    print(f"β = {beta:g}: {reconstructions[-1]:.1f} + {kls[-1]:.1f} = {reconstructions[-1] + kls[-1]:.1f} nats")
    rows |= {f"β = {beta:g}, copy": vae.reconstruct(x_test[:10]), f"β = {beta:g}, sample": vae.sample(10, seed=1)}
plotting.image_rows(rows, scale=0.62)

# %%
plotting.curves(
    {"one point per β": (kls, reconstructions)},
    xlabel="KL, nats per image", ylabel="reconstruction, nats", markers=True, size=(5.4, 3),
)  # fmt: skip

# %% [markdown] nbgrader={"grade": true, "grade_id": "12-explore", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# <!-- ### BEGIN SOLUTION -->
# A good answer
#
# - reports both terms for every β that was tried, and says which way each of them moves as β grows;
# - computes −ELBO = reconstruction + KL **without** β for all of them, and says at which β it is the smallest and why
#   β = 1 is the natural candidate (the others minimise something else; training is finite, so the smallest need not be
#   at exactly 1);
# - says that a small β makes sharper copies and worse samples, a large one the reverse up to a point, and names that
#   point: posterior collapse, when all copies look alike and the KL is near 0;
# - explains it by what the encoder may tell the decoder: the averaged KL limits the nats that a code carries;
# - distinguishes numbers from impressions: reconstruction and KL are measured, "better samples" is judged by eye here
#   (lesson 16 measures it), and each β was trained once.
# <!-- ### END SOLUTION -->
