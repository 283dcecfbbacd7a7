# %% [markdown]
# # 04 · Exercises: Pretraining and classification
#
# These exercises belong to lesson 04, `notebooks/04_pretraining_and_classification.ipynb`.
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
from sklearn.neighbors import KNeighborsClassifier

from utils import checks, models, plotting
from utils.claims import budget, start
from utils.data import load
from utils.few_labels import error_percent
from utils.training import fit

start("04", seed=4)
CODE = 64  # numbers per image
LABELLED = 1_000  # for the prediction
SHIFT = 3  # pixels
FEW, DRAWS = 100, budget(quick=1, full=3)  # labels for the exploration, and how often they are drawn
IMAGES, EPOCHS = budget(quick=(2_000, 1), full=(12_000, 6))  # of pretraining
STEPS = budget(quick=5, full=60)  # passes over the few labelled images
TEST_IMAGES = budget(quick=500, full=2_000)
RECIPE = {"batch_size": 256, "learning_rate": 2e-3, "optimizer": partial(keras.optimizers.Adam, beta_2=0.99)}

# %%
mnist = load("mnist")
print(mnist.provenance)
test, test_labels = mnist.x_test[:TEST_IMAGES], mnist.y_test[:TEST_IMAGES]

# %% [markdown]
# ## Exercise 1, implement: choose who gets a label
#
# Write `draw(labels, n, seed)`. `labels` are integers (m,). It returns n indices into `labels`:
#
# - the same number of each class that occurs (n is a multiple of the number of classes);
# - no index twice;
# - at random, fixed by the seed: the same seed gives the same indices, another seed others;
# - nested: for one seed, a larger n gives all the indices of a smaller one, and more.

# %% nbgrader={"grade": false, "grade_id": "04-draw", "locked": false, "schema_version": 3, "solution": true, "task": false}
def draw(labels, n, seed):
    """Return n indices into labels, the same number of each class, chosen by the seed."""
    # HINT: np.flatnonzero(labels == c) are the places of class c; what must happen to them before you take some?
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    classes = np.unique(labels)
    each = n // len(classes)
    return np.concatenate([rng.permutation(np.flatnonzero(labels == c))[:each] for c in classes])
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "04-draw-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.balanced_draw(draw)

# %% tags=["keep-output"]
plotting.image_grid(mnist.x_train[draw(mnist.y_train, FEW, seed=0)], columns=20, scale=0.4)

# %% [markdown]
# *All images that have a label in one draw of 100.*
#
# ## Exercise 2, implement: a softmax layer on the encoder
#
# Write `classifier(encoder, frozen)`. `encoder` is a Keras model that has been pretrained. The result is a
# Keras model from images to ten probabilities:
#
# - it consists of this encoder, with its weights, and one dense layer with a softmax on its codes;
# - at first all classes are equally likely, whatever the image;
# - with `frozen=True` only the softmax layer learns; with `frozen=False` everything does.
#
# It need not be compiled.

# %% nbgrader={"grade": false, "grade_id": "04-softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}
def classifier(encoder, frozen):
    """Return the encoder with a softmax layer for ten classes on top."""
    # HINT: a keras.Sequential may hold a model; look up `trainable` and `kernel_initializer`
    ### BEGIN SOLUTION
    encoder.trainable = not frozen
    head = layers.Dense(10, "softmax", kernel_initializer="zeros")
    return keras.Sequential([keras.Input(encoder.input_shape[1:]), encoder, head])
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "04-softmax-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.softmax_on_encoder(classifier)

# %% [markdown]
# ## Exercise 3, predict, then measure: three pixels to the right
#
# With 1000 labels, 1-NN on pixels takes about 11 or 12 % of the test images for another digit. Now all test images are
# shifted by three pixels to the right. A reader hardly notices: nothing is cut off, since the border of the images is black.
# The labelled images stay where they are. What is the error now, in %?
#
# Write down your guess first. Any number is accepted. The check will tell how far off it was.

# %% nbgrader={"grade": false, "grade_id": "04-shift-guess", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: guess = ..., in %
### BEGIN SOLUTION
guess = 30
### END SOLUTION

# %% [markdown]
# Now measure. Set `measured` to the error in % of 1-NN on pixels, trained on `known` and `known_labels`, for `test`
# moved to the right by SHIFT pixels. `error_percent(predicted, labels)` counts.

# %%
chosen = draw(mnist.y_train, LABELLED, seed=0)
known, known_labels = mnist.x_train[chosen], mnist.y_train[chosen]

# %% nbgrader={"grade": false, "grade_id": "04-shift", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: np.roll(images, SHIFT, axis=...) moves images (n, h, w, c); KNeighborsClassifier(1) wants rows of 784 numbers
### BEGIN SOLUTION
nearest = KNeighborsClassifier(1).fit(known.reshape(-1, 784), known_labels)
measured = error_percent(nearest.predict(np.roll(test, SHIFT, axis=2).reshape(-1, 784)), test_labels)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "04-shift-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.shifted_digits(guess, measured, known, known_labels, test, test_labels, SHIFT)

# %% [markdown]
# To the squared distance of pixels, a stroke that has moved by its own width is another stroke. This is what the
# lesson's pretraining works against: the encoder has to undo small movements.
#
# ## Exercise 4, explore: what should be repaired?
#
# The lesson pretrains with two kinds of damage, masking and movement, in the same network. Which one helps with few
# labels? Pretrain four encoders, with nothing, with masking, with movement, and with both. `pretrain(damage)` below
# does it for a list of layers. Then measure with 100 labels, the same draws for all: the error of 1-NN on the codes, and
# that of your frozen classifier or of the fine-tuned one. Do it for the test images as they are, and
# shifted by SHIFT pixels. Say what you expect before you run it.

# %%
def pretrain(damage):
    """Return an encoder 784-256-64, pretrained to repair what the layers in `damage` do in training."""
    encoder = keras.Sequential(
        [keras.Input((28, 28, 1)), *damage, layers.Flatten()]
        + [layers.Dense(256, "gelu", kernel_initializer="he_normal"), layers.Dense(CODE)]  # 784 → 256 → 64
    )
    decoder = keras.Sequential([
        keras.Input((CODE,)), layers.Dense(256, "gelu", kernel_initializer="he_normal"),
        layers.Dense(784, "sigmoid"), layers.Reshape((28, 28, 1)),
    ])  # fmt: skip
    fit(models.Autoencoder(encoder, decoder), mnist.x_train[:IMAGES], epochs=EPOCHS, verbose=0, xla=False, **RECIPE)
    return encoder


def masking():
    """Layers that set half of the pixels to zero."""
    return [layers.Dropout(0.5)]


def movement():
    """Layers that shift, turn and rescale an image a little."""
    outside = {"fill_mode": "constant", "fill_value": 0.0}
    return [
        layers.RandomTranslation(0.1, 0.1, **outside),
        layers.RandomRotation(10 / 360, **outside),
        layers.RandomZoom(0.1, 0.1, **outside),
    ]

# %% nbgrader={"grade": false, "grade_id": "04-damage", "locked": false, "schema_version": 3, "solution": true, "task": false}
# HINT: a loop over the four kinds of damage, and within it one over the draws; draw(labels, FEW, seed) chooses
### BEGIN SOLUTION
shifted = np.roll(test, SHIFT, axis=2)
pile, pile_labels = mnist.x_train[:IMAGES], mnist.y_train[:IMAGES]
kinds = {"nothing": [], "masking": masking(), "movement": movement(), "both": movement() + masking()}
print(f"{'test error, %':<12}{'1-NN':>14}{'1-NN, shifted':>16}{'softmax':>14}{'softmax, shifted':>18}")
for kind, damage in kinds.items():
    keras.utils.set_random_seed(4)
    encoder = pretrain(damage)
    codes, places = models.apply(encoder, pile), {"test": test, "shifted": shifted}
    errors = []
    for seed in range(DRAWS):
        few = draw(pile_labels, FEW, seed)
        nearest = KNeighborsClassifier(1).fit(codes[few], pile_labels[few])
        head = classifier(encoder, frozen=True)
        fit(head, pile[few], pile_labels[few], epochs=STEPS, loss="sparse_categorical_crossentropy", verbose=0,
            xla=False, **RECIPE | {"batch_size": 50, "learning_rate": 1e-2})  # fmt: skip
        found = [nearest.predict(models.apply(encoder, images)) for images in places.values()]
        found += [models.apply(head, images).argmax(axis=1) for images in places.values()]
        errors.append([error_percent(predicted, test_labels) for predicted in found])
    cells = [f"{m:.1f} ± {s:.1f}" for m, s in zip(np.mean(errors, axis=0), np.std(errors, axis=0), strict=True)]
    print(f"{kind:<12}{cells[0]:>14}{cells[1]:>16}{cells[2]:>14}{cells[3]:>18}")
### END SOLUTION

# %% [markdown] nbgrader={"grade": true, "grade_id": "04-damage-answer", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# A good answer contains:
#
# - the expectation, written before the run, with a reason;
# - the table: four encoders, the same architecture, images, epochs and seed, and the same draws of labels for all; the
#   mean and the spread over the draws;
# - which damage helps, on the images as they are and on the shifted ones. Movement should help most on shifted images,
#   since its encoder has to give similar codes to an image and its shifted copy;
# - a reason for masking: what is hidden can only be filled in by one who knows how strokes go on;
# - differences that are smaller than the spread are not called differences;
# - no choice by the test images: if one of the four were to be used, it would have to be chosen by others;
# - a limit of the experiment: a short pretraining on a part of the images, and one seed for it. The number of passes may
#   matter more to one damage than to another, since a harder task takes longer to learn.
