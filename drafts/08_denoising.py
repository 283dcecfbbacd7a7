# %% [markdown]
# # 08 · Denoising
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/08_denoising.ipynb)
#
# > Spoil the input, keep the target clean: the autoencoder that can no longer copy learns to repair.
#
# ## In this lesson
#
# 1. Make pairs of spoiled and clean images, with fresh noise in training and fixed noise in evaluation.
# 2. Set the bar: the noisy image itself, a median filter, and the best linear map.
# 3. Denoise with dense layers and with a U-Net, and see why one network turns black.
# 4. Leave the training's noise: other levels, other kinds, small moves.
# 5. Fill a hole, and count how often the network draws what was not there.

# %%
# Setup, the same in every lesson: find the course's folder. Colab has this notebook only, so fetch it there.
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

url = "https://github.com/OWNER/REPO.git"
here = Path.cwd()
root = next((f for f in (here, here.parent) if (f / "utils").exists()), here / "autoencoder-course")
if not root.exists() and find_spec("google") and find_spec("google.colab"):
    subprocess.run(["git", "clone", "--depth", "1", url, root], check=True)
os.chdir(root / "notebooks")  # no such folder? Open the notebook inside the whole course's folder
sys.path.insert(0, str(root))
import utils  # noqa: F401 (before TensorFlow, which it tells to start quietly)

# %%
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from scipy import ndimage
from scipy.special import expit
from sklearn.decomposition import PCA

from utils import metrics, models, plotting
from utils.claims import budget, claim, record, start
from utils.corruptions import Corruption, block_mask, gaussian, masking, move, salt_and_pepper
from utils.data import load
from utils.models import apply
from utils.training import fit

start("08", seed=8)
SIGMA, FASHION_SIGMA = 0.5, 0.2  # of the Gaussian noise, from black to white is 1
TRAIN_SEED, TEST_SEED = 1, 2  # of the noise that is drawn once
TEST_IMAGES = budget(quick=500, full=10_000)  # that the networks are measured on
ADAM = partial(keras.optimizers.Adam, beta_2=0.99)
RECIPE = {"batch_size": 128, "learning_rate": 5e-3, "optimizer": ADAM, "verbose": 0}
XLA = budget(quick=False, full="auto")  # compiling costs seconds, which only longer trainings repay
DENSE = RECIPE | {"learning_rate": 2e-3, "xla": XLA}

# %% [markdown]
# How much is trained, in one place:

# %%
FILTERS, BOTTOM = (8, 24, 48), 128  # of the U-Net: channels at 28x28, 14x14, 7x7, and units at its bottom
IMAGES = budget(quick=1_000, full=60_000)  # for the main networks
DENSE_EPOCHS = budget(quick=1, full=3)
MNIST_EPOCHS, FASHION_EPOCHS = budget(quick=(1, 1), full=(4, 3))
FEW, FEW_EPOCHS = budget(quick=(500, 5), full=(2_000, 60))  # fresh noise against fixed noise
PAIR_IMAGES, PAIR_EPOCHS = budget(quick=(500, 2), full=(4_000, 3))  # image or correction
SIDE_IMAGES, SIDE_EPOCHS = budget(quick=(500, 1), full=(15_000, 2))  # networks for other corruptions
HOLE_IMAGES, HOLE_EPOCHS = budget(quick=(500, 1), full=(25_000, 2))
JUDGE_EPOCHS = budget(quick=1, full=4)
SIDE_TEST = budget(quick=300, full=2_000)  # test images for the tables of the later sections
BLACK_IMAGES = budget(quick=640, full=3_840)  # for the training that fails
BLACK_RATE, BLACK_FILTERS, BLACK_SEED = 0.03, (8, 16), 3
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
SPOTS = {"gaussian": SIGMA, "masking": 0.5, "salt_and_pepper": 0.3}
MOVES = {"shift": (3, 0, 0), "rotate": (0, 20, 0), "rescale": (0, 0, 0.2), "all three": (3, 20, 0.2)}
HOLE, HOLE_SIZES, LARGER = 10, (6, 18), (10, 14, 18)  # tested, drawn in training, tested for inventions

# %% [markdown]
# ## Spoil the input, keep the target
#
# So far an autoencoder had to copy an image, and something kept it from copying too well: a narrow code, or a
# penalty. Lecture 003 names another way. **Spoil the input, but ask for the clean image.** Now a plain copy is a
# wrong answer, so no bottleneck is needed: the code may even be larger than the image. This is the **denoising
# autoencoder** (Vincent et al., 2008). Of all autoencoders up to here it is also the first whose output is of use
# by itself, and not only its code.
#
# The lectures list what may be done to the input:
#
# - **Gaussian noise**: add a normal random number to every pixel. Its standard deviation is called sigma. Pixels stay
#   in [0, 1] here, as in a photograph: what leaves this range is clipped.
# - **Masking** (dropout): set pixels to 0 at random.
# - **Salt and pepper**: set pixels to black or white at random.
# - A **hole**: cover a whole block. To fill it is called inpainting.
# - Small **moves**: shift, rotate, rescale.

# %%
mnist = load("mnist")
print(mnist.provenance)
shown = mnist.x_test[:9]
rows = {
    "clean": shown,
    f"Gaussian\nsigma {SIGMA}": gaussian(shown, SIGMA, seed=TEST_SEED),
    f"masking\np = {SPOTS['masking']}": masking(shown, SPOTS["masking"], seed=TEST_SEED),
    f"salt and pepper\np = {SPOTS['salt_and_pepper']}": salt_and_pepper(
        shown, SPOTS["salt_and_pepper"], seed=TEST_SEED
    ),
    f"hole, {HOLE}x{HOLE}": shown * ~block_mask(shown.shape, HOLE, seed=TEST_SEED),
    "moved": move(shown, *MOVES["all three"], seed=TEST_SEED),
}
plotting.image_rows(rows, scale=0.7)

# %% [markdown]
# *Nine test images, clean and spoiled in five ways. A black hole does not show where the image was black anyway.*
#
# The clipping matters more than it seems. Most pixels of a digit are black. Noise can make them brighter, but not
# darker: the lower half of the noise is cut off. So the noise that is left is smaller than sigma says, and on
# black pixels it does not average to zero. Whoever averages neighbours to get rid of it gets a grey background.

# %%
noisy = gaussian(mnist.x_test, SIGMA, seed=TEST_SEED)
black = mnist.x_test == 0
claim("The same seed gives the same noise, another seed another",
      np.array_equal(noisy, gaussian(mnist.x_test, SIGMA, seed=TEST_SEED))
      and not np.array_equal(noisy, gaussian(mnist.x_test, SIGMA, seed=TRAIN_SEED)))  # fmt: skip
claim(f"{black.mean():.0%} of the pixels are black; after the noise their mean is {noisy[black].mean():.3f}",
      black.mean() > 0.7 and abs(noisy[black].mean() - 0.195) < 0.005, needs="data")  # fmt: skip
left = np.sqrt(metrics.mse(mnist.x_test, noisy))
claim(f"Root mean square of the noise that is left: {left:.2f} instead of {SIGMA}", left < 0.75 * SIGMA, needs="data")

# %% [markdown]
# ## Fresh noise to learn, fixed noise to measure
#
# Noise costs nothing, so in training every image gets **new noise in every epoch**. A network that sees the same
# noisy image again and again can learn its specks by heart. For the evaluation it is the other way round: there
# the noise is drawn **once**, with a fixed seed, so that every method gets the same images.
#
# The layer `Corruption` of this course draws the fresh noise. It stands at the start of the model, and works in
# training only. Put before the encoder of any `Autoencoder`, it makes a denoiser.

# %%
def denoiser(plain, corruption):
    """Return the autoencoder `plain` with a corruption before its encoder."""
    encoder = keras.Sequential([keras.Input(plain.input_shape[1:]), corruption, plain.encoder])
    return models.Autoencoder(encoder, plain.decoder, plain.reconstruction_loss)


layer = Corruption("gaussian", SIGMA)
first, second = (np.asarray(layer(shown, training=True)) for _ in range(2))
claim("In training the layer adds noise, each time another",
      not np.array_equal(first, shown) and not np.array_equal(first, second))  # fmt: skip
claim("Outside of training it does nothing at all", np.array_equal(layer(shown, training=False), shown))

# %% [markdown]
# That the layer is idle outside of training sets a trap. Call `model.predict(x_test)`, and the network gets *clean*
# images. The figure then shows a clean row, a noisy row that no network ever saw, and a splendid row of "denoised"
# images, which are copies of the clean ones. It is an easy mistake to make, because the
# figure looks so good. The rule of this lesson: what a
# denoiser is given is a noisy array that we made ourselves, and the function that measures refuses anything else.
#
# First, does fresh noise matter? Take a few images, and train the same small network on fixed pairs and on
# fresh ones, for the same number of steps.

# %%
few = mnist.x_train[:FEW]
pairs = gaussian(few, SIGMA, seed=TRAIN_SEED)
fixed = models.deep((), 512, code_activation="gelu")
fresh = denoiser(models.deep((), 512, code_activation="gelu"), Corruption("gaussian", SIGMA))
fit(fixed, pairs, few, epochs=FEW_EPOCHS, **DENSE)
fit(fresh, few, epochs=FEW_EPOCHS, **DENSE)
errors = {}
for name, model in {"fixed": fixed, "fresh": fresh}.items():
    errors[name] = metrics.mse(few, model.reconstruct(pairs)), metrics.mse(mnist.x_test, model.reconstruct(noisy))
    print(f"{name} noise: MSE {errors[name][0]:.4f} on the fixed pairs, {errors[name][1]:.4f} on test images")
claim("With fixed noise the pairs are learnt by heart: less error on them than with fresh noise",
      errors["fixed"][0] < errors["fresh"][0], needs="full")  # fmt: skip
claim("and more on test images", errors["fixed"][1] > errors["fresh"][1], needs="full")

# %% [markdown]
# ## What must be beaten
#
# A picture of a denoised digit always looks good. So we need numbers, and something to compare them with. The usual
# number is the **PSNR**, the peak signal-to-noise ratio: −10 log₁₀ of the mean squared error, for pixels in [0, 1], in
# decibels (dB). Larger is better. 3 dB more mean half the error, 10 dB more a tenth.
#
# One convention must be stated, because it changes the digits. One may take the PSNR of every image and average
# these, or average the squared error over all pixels of all images and take *one* PSNR. We do the second. The first
# is never smaller (the logarithm is bent so), by up to a few tenths of a dB. Restored images are clipped to [0, 1]
# before.
#
# Beside it we give **SSIM** (structural similarity; Wang et al., 2004). It compares brightness, contrast and pattern
# in small windows; 1 means equal. It is averaged over the images.
#
# The baselines:
#
# - **Do nothing**: the noisy image is its own restoration.
# - **Median filter**: every pixel becomes the median of the 3x3 pixels around it. It needs no training.
# - **Linear least squares**: of all maps that make each clean pixel a weighted sum of the 784 noisy pixels and a
#   constant, the best one on 60,000 training pairs. It is found by solving one system of equations. A
#   network that cannot beat it has made no use of its nonlinearity.

# %%
def psnr(clean, restored):
    """Return the PSNR in dB of the error pooled over all pixels of all images, after clipping to [0, 1]."""
    return -10 * np.log10(metrics.mse(clean, np.clip(restored, 0, 1)))


def median(images):
    """Return images filtered by the median of 3x3 pixels, mirrored at the border."""
    return ndimage.median_filter(images, size=(1, 3, 3, 1))


def linear_restorer(spoiled, clean):
    """Return the affine map from spoiled to clean images with the least squared error, as a function."""
    a, b = (images.reshape(len(images), -1) for images in (spoiled, clean))
    a_mean, b_mean = (values.mean(axis=0, dtype="float64") for values in (a, b))
    covariance = (a.T @ a).astype("float64") / len(a) - np.outer(a_mean, a_mean)  # 784x784
    crossed = (a.T @ b).astype("float64") / len(a) - np.outer(a_mean, b_mean)
    matrix = np.linalg.solve(covariance + 1e-6 * np.eye(len(covariance)), crossed)  # 1e-6: pixels that never vary
    constant = b_mean - a_mean @ matrix
    return lambda images: (images.reshape(len(images), -1) @ matrix + constant).clip(0, 1).reshape(images.shape)

# %%
fashion = load("fashion_mnist")
print(fashion.provenance)
linear, bars = {}, {}
for name, images, sigma in (("MNIST", mnist, SIGMA), ("Fashion-MNIST", fashion, FASHION_SIGMA)):
    linear[name] = linear_restorer(gaussian(images.x_train, sigma, seed=TRAIN_SEED), images.x_train)
    given = gaussian(images.x_test, sigma, seed=TEST_SEED)
    bars[name] = {"noisy": given, "median 3x3": median(given), "linear": linear[name](given)}
NOTED = {"MNIST": (9.37, 14.13, 17.57), "Fashion-MNIST": (15.94, 17.91, 21.12)}  # 0.01: what other noise changes
for name, images in {"MNIST": mnist, "Fashion-MNIST": fashion}.items():
    found = [psnr(images.x_test, restored) for restored in bars[name].values()]
    text = ", ".join(f"{bar} {value:.2f}" for bar, value in zip(bars[name], found, strict=True))
    claim(f"{name}: {text} dB", np.allclose(found, NOTED[name], rtol=0, atol=0.015), needs="data")
each = [metrics.psnr(mnist.x_test, restored) for restored in bars["MNIST"].values()]
claim(f"Averaged per image, MNIST would have {', '.join(f'{v:.2f}' for v in each)}: more, for the same images",
      all(v >= psnr(mnist.x_test, r) for v, r in zip(each, bars["MNIST"].values(), strict=True)))  # fmt: skip

# %% [markdown]
# The linear map gains several decibels on the median. It has seen digits, and knows for example that the border is
# black, where the median knows only that neighbours agree. But it must treat all images alike. It cannot say "if this
# is a 1, then the centre is empty". That *if* is what a network can add.
#
# The function that measures takes the noisy array, and refuses one that is the clean array.

# %%
scores = {"MNIST": {}, "Fashion-MNIST": {}}


def measure(name, restored, given, clean, scores=scores["MNIST"]):
    """Print and keep PSNR and SSIM of images restored from `given`, which must not be the clean ones."""
    if np.array_equal(given, clean):
        raise ValueError(f"{name} was given the clean images: nothing was denoised.")
    scores[name] = psnr(clean, restored), metrics.ssim(clean, np.clip(restored, 0, 1))
    print(f"{name:<34} {scores[name][0]:6.2f} dB   SSIM {scores[name][1]:.3f}")


test, noisy = mnist.x_test[:TEST_IMAGES], bars["MNIST"]["noisy"][:TEST_IMAGES]
for name, restored in bars["MNIST"].items():
    measure(name, restored[:TEST_IMAGES], noisy, test)
gained = scores["MNIST"]["linear"][0] - scores["MNIST"]["median 3x3"][0]
claim(f"The linear map gains {gained:.1f} dB on the median", gained > 2, needs="data")

# %% [markdown]
# ## The lecture's denoiser
#
# Lecture 004 sets it as an exercise: use the dense autoencoder that you have, and make a denoiser of it. We take
# lesson 02's 784-128-64-32-10 with its mirror, and put `Corruption` in front. Beside it stands the network of lecture
# 003 and of Vincent et al.: one hidden layer with *more* units than pixels. As a plain autoencoder it would be
# pointless, as it could pass on every pixel unchanged. Here passing on is no solution.

# %%
WIDE = 1_000
dense = {
    "784-128-64-32-10": models.deep((128, 64, 32), 10, activation="gelu", initializer="he_normal"),
    f"784-{WIDE}": models.deep((), WIDE, code_activation="gelu"),
}
for name, plain in dense.items():
    dense[name] = denoiser(plain, Corruption("gaussian", SIGMA))
    history = fit(dense[name], mnist.x_train[:IMAGES], epochs=DENSE_EPOCHS, **DENSE)
    measure(name, dense[name].reconstruct(noisy), noisy, test)
    print(f"  trained in {history.history['seconds'][-1]:.0f} s")
narrow, wide = dense.values()
rows = {"test image": shown, "noisy": noisy[:9], "linear": bars["MNIST"]["linear"][:9]}
rows |= {name: model.reconstruct(noisy[:9]) for name, model in dense.items()}
plotting.image_rows(rows, scale=0.7)

# %% [markdown]
# *Nine test images, what the methods are given, the linear restoration, and the two dense networks: the one with a
# code of 10 numbers, and the overcomplete one.*
#
# RESULT1: compare the two with the linear map (17.57 dB). Expected: the code of 10 numbers costs more than the noise,
# and clean-looking digits of the wrong shape; the wide layer beats the linear map.
#
# Now the trap. We give the wide network the *clean* images, as `predict(x_test)` would do:

# %%
trap = psnr(test, wide.reconstruct(test))
honest = psnr(test, wide.reconstruct(noisy))
try:
    measure("wide, clean input", wide.reconstruct(test), test, test)
except ValueError as error:
    print(f"ValueError: {error}")
    refused = True
claim("The measuring function refuses clean inputs", refused)
claim(f"All networks here were given the noisy images, of {psnr(test, noisy):.2f} dB",
      np.array_equal(noisy, gaussian(mnist.x_test, SIGMA, seed=TEST_SEED)[:TEST_IMAGES]))  # fmt: skip
lowest, best = scores["MNIST"]["784-128-64-32-10"][0], scores["MNIST"][f"784-{WIDE}"][0]
claim(f"Clean input: {trap:.2f} dB, which is not denoising; noisy input: {honest:.2f} dB", trap > honest + 1, needs="full")
claim(f"Ten numbers: {lowest:.2f} dB; overcomplete: {best:.2f} dB; linear: {scores['MNIST']['linear'][0]:.2f} dB",
      lowest < scores["MNIST"]["linear"][0] < best, needs="full")  # fmt: skip

# %% [markdown]
# ## A U-Net
#
# A pixel's noise is best judged from its neighbours, which is what convolutions do. But a convolutional autoencoder
# with a code, as in lesson 05, has to squeeze *where* every stroke runs through the code, too. For compression that
# is the point. Here it is only a loss: the noisy image lies in front of us, and its strokes are in the right places.
#
# Lesson 05 said that the indices of max-unpooling are at home where the decoder may look at the encoder. A denoiser
# is such a place, since nothing is to be compressed. The **U-Net** (Ronneberger et al., 2015) lets the decoder look
# at everything: on every level, the encoder's feature maps are laid beside the decoder's, as further channels. These
# **skip connections** bring the exact places. The way down and up brings the context: each number of the 7x7 feature
# maps has seen 12x12 pixels. At the very bottom we add a dense layer, which sees the whole image. Each level is half
# as wide as the one before, and is drawn lower; hence the letter U.
#
# With encoder, decoder *and* skips, this is no `Autoencoder` of ours: there is no code that `encode` could return. So
# the lesson writes it out as a functional Keras model.

# %%
# the lesson's U-Net
def unet(filters=FILTERS, bottom=BOTTOM, channels=1, output="linear"):
    """Return a U-Net from images 28x28xchannels to images 28x28x1."""
    settings = {"activation": "gelu", "kernel_initializer": "he_normal"}
    inputs = keras.Input((28, 28, channels))
    x = layers.Conv2D(filters[0], 3, padding="same", **settings)(inputs)  # 28x28x1 → 28x28x8
    skips = []
    for width in filters[1:]:
        skips.append(x)
        x = layers.Conv2D(width, 4, strides=2, padding="same", **settings)(x)  # → 14x14x24 → 7x7x48
    if bottom:
        y = layers.Dense(bottom, **settings)(layers.Flatten()(x))  # 7x7x48 → 128
        y = layers.Dense(int(np.prod(x.shape[1:])), **settings)(y)
        x = layers.Add()([x, layers.Reshape(x.shape[1:])(y)])  # 128 → 7x7x48
    for width, skip in zip(filters[-2::-1], reversed(skips), strict=True):
        x = layers.Conv2DTranspose(width, 4, strides=2, padding="same", **settings)(x)  # → 14x14x24 → 28x28x8
        x = layers.Concatenate()([x, skip])  # the decoder's channels and the encoder's
        x = layers.Conv2D(width, 3, padding="same", **settings)(x)
    return keras.Model(inputs, layers.Conv2D(1, 3, padding="same", activation=output)(x))  # → 28x28x1

# %%
net = unet()
maps = next(layer.output for layer in net.layers if layer.output.shape[1:3] == (7, 7))
image = tf.Variable(noisy[:1])
with tf.GradientTape() as tape:
    middle = tf.reduce_sum(keras.Model(net.input, maps)(image)[:, 3, 3])
seen_by = np.argwhere(tape.gradient(middle, image)[0, :, :, 0].numpy())  # pixels that make a difference
claim(f"{net.count_params():,} weights, {net.output_shape[1:]} out of {net.input_shape[1:]}",
      net.output_shape == net.input_shape)  # fmt: skip
claim("The feature in the middle of 7x7 sees 12x12 pixels", bool((np.ptp(seen_by, axis=0) + 1 == 12).all()))

# %% [markdown]
# The corruption stays outside the network. In training it stands before it, in another model that shares the
# weights. In evaluation there is only the network, and it gets what we give it.
#
# The loss is the binary cross-entropy on **logits**: the network's output z is any number, and the pixel is
# sigmoid(z). Lesson 01 showed that its gradient with respect to z is just x̂ − x, also for grey pixels. Its optimum
# is the one of the squared error: the mean of all clean images that would fit the noisy one. Why not the squared
# error itself? The section after next shows what may happen.

# %%
CROSS_ENTROPY = keras.losses.BinaryCrossentropy(from_logits=True)


def train(net, corruption, images, epochs, loss=CROSS_ENTROPY, **settings):
    """Train a network to undo a corruption, drawn anew in every step; return its History."""
    inputs = keras.Input(images.shape[1:])
    model = keras.Model(inputs, net(corruption(inputs)))
    return fit(model, images, images, epochs=epochs, loss=loss, **(RECIPE | settings))


def restore(net, given):
    """Return what a network of logits makes of the given images, corrupting nothing."""
    return expit(apply(net, given))


coded = denoiser(models.convolutional(32, loss="bce"), Corruption("gaussian", SIGMA))
history = fit(coded, mnist.x_train[:IMAGES], epochs=1, **RECIPE)
measure("convolutional, code of 32", coded.reconstruct(noisy), noisy, test)
print(f"  trained in {history.history['seconds'][-1]:.0f} s")
history = train(net, Corruption("gaussian", SIGMA), mnist.x_train[:IMAGES], MNIST_EPOCHS)
measure("U-Net", restore(net, noisy), noisy, test)
print(f"  trained in {history.history['seconds'][-1]:.0f} s")

# %%
rows = {"test image": shown, "noisy": noisy[:9], "median 3x3": bars["MNIST"]["median 3x3"][:9]}
rows |= {"linear": bars["MNIST"]["linear"][:9], f"784-{WIDE}": wide.reconstruct(noisy[:9])}
plotting.image_rows(rows | {"U-Net": restore(net, noisy[:9])}, scale=0.7)

# %% [markdown]
# *The same test images, noisy, and restored by the median, the linear map, the overcomplete dense network and the
# U-Net.*
#
# RESULT2: what the picture shows. Expected: the median leaves a spotted grey background, the linear map a cloud around
# the strokes; the U-Net's background is black and its strokes have edges.

# %%
ours, bar = scores["MNIST"]["U-Net"], scores["MNIST"]["linear"]
record("U-Net, MNIST, sigma 0.5", ours[0], "dB PSNR", baseline=("linear least squares", bar[0]), better="higher",
       headline=True)  # fmt: skip
record("U-Net, MNIST, sigma 0.5, SSIM", ours[1], "SSIM", baseline=("linear least squares", bar[1]), better="higher")
claim(f"U-Net {ours[0]:.2f} dB, linear {bar[0]:.2f}: at least 1.5 dB more", ours[0] >= bar[0] + 1.5, needs="full")
claim(f"and at least 3 dB more: {ours[0] - bar[0]:.2f}", ours[0] >= bar[0] + 3, needs="full")
claim(f"SSIM {ours[1]:.3f} against {bar[1]:.3f}", ours[1] > bar[1], needs="full")
claim("The U-Net is better than every dense network, and than the one with a code",
      ours[0] > max(v[0] for k, v in scores["MNIST"].items() if k != "U-Net"), needs="full")  # fmt: skip

# %% [markdown]
# The same network on Fashion-MNIST, where the noise is weaker, sigma 0.2, and has more to hide: the weave of a
# pullover is hard to tell from noise.

# %%
fashion_test, fashion_noisy = (v[:TEST_IMAGES] for v in (fashion.x_test, bars["Fashion-MNIST"]["noisy"]))
for name, restored in bars["Fashion-MNIST"].items():
    measure(name, restored[:TEST_IMAGES], fashion_noisy, fashion_test, scores["Fashion-MNIST"])
fashion_net = unet()
train(fashion_net, Corruption("gaussian", FASHION_SIGMA), fashion.x_train[:IMAGES], FASHION_EPOCHS)
measure("U-Net", restore(fashion_net, fashion_noisy), fashion_noisy, fashion_test, scores["Fashion-MNIST"])
rows = {"test image": fashion_test[:9], "noisy": fashion_noisy[:9]}
rows |= {name: restored[:9] for name, restored in bars["Fashion-MNIST"].items() if name != "noisy"}
plotting.image_rows(rows | {"U-Net": restore(fashion_net, fashion_noisy[:9])}, scale=0.7)

# %% [markdown]
# *Clothes, noisy and restored. RESULT3: what is lost (print, weave) and what is kept (outline).*

# %%
ours, bar = scores["Fashion-MNIST"]["U-Net"], scores["Fashion-MNIST"]["linear"]
record("U-Net, Fashion-MNIST, sigma 0.2", ours[0], "dB PSNR", baseline=("linear least squares", bar[0]),
       better="higher", headline=True)  # fmt: skip
record("U-Net, Fashion-MNIST, sigma 0.2, SSIM", ours[1], "SSIM", baseline=("linear least squares", bar[1]),
       better="higher")  # fmt: skip
claim(f"U-Net {ours[0]:.2f} dB, linear {bar[0]:.2f}: at least 1.5 dB more", ours[0] >= bar[0] + 1.5, needs="full")
claim(f"SSIM {ours[1]:.3f} against {bar[1]:.3f}", ours[1] > bar[1], needs="full")

# %% [markdown]
# ## The image, or the correction?
#
# When there is little noise, the noisy image is almost the answer. Should the network not rather predict the
# *correction*, and add it to its input? This is a **residual** network: output = input + correction. If its last
# layer starts at zero, it begins as "do nothing", while the plain network begins with a black image. We train both on
# both data sets for a few passes over few images, with squared error and a linear output, as a correction can be
# negative.

# %%
def zero_start(residual):
    """Return a U-Net whose last layer starts at zero, with or without its input added to the output."""
    net = unet()
    net.layers[-1].kernel.assign(ops.zeros_like(net.layers[-1].kernel))
    return keras.Model(net.input, layers.Add()([net.input, net.output])) if residual else net


beginning, lines, reached = zero_start(True), {}, {}
tasks = {"MNIST, sigma 0.5": (mnist, SIGMA, test, noisy)}
tasks["Fashion, sigma 0.2"] = (fashion, FASHION_SIGMA, fashion_test, fashion_noisy)
for task, (images, sigma, clean, given) in tasks.items():
    for form, residual in {"image": False, "correction": True}.items():
        model = zero_start(residual)
        history = train(model, Corruption("gaussian", sigma), images.x_train[:PAIR_IMAGES], PAIR_EPOCHS, "mse")
        lines[f"{task}: {form}"] = -10 * np.log10(history.history["loss"])
        reached[task, form] = psnr(clean, apply(model, given))
plotting.curves(lines, xlabel=f"epochs of {PAIR_IMAGES:,} images", ylabel="PSNR in training, dB", markers=True)

# %% [markdown]
# *PSNR during training (mean squared error of each epoch's own, fresh noise), for networks that predict the image and
# for networks that predict the correction.*

# %%
claim("Before training, the residual network returns its input", np.array_equal(apply(beginning, noisy[:9]), noisy[:9]))
for (task, form), value in reached.items():
    print(f"{task}, {form}: {value:.2f} dB on test images")
heads = {task: lines[f"{task}: correction"][0] - lines[f"{task}: image"][0] for task in tasks}
claim(f"In the first epoch the correction leads by {heads['Fashion, sigma 0.2']:.1f} dB on Fashion-MNIST, "
      f"by {heads['MNIST, sigma 0.5']:.1f} dB on MNIST: more where the noise is weak",
      heads["Fashion, sigma 0.2"] > max(0, heads["MNIST, sigma 0.5"]), needs="full")  # fmt: skip

# %% [markdown]
# RESULT4: after the last epoch, is there a difference left (`reached`)? Assert it with a margin. Expected: it is a
# head start and little more, because the skip on the uppermost level already hands the noisy image to the last
# layers.
#
# ## The network that went black
#
# The U-Net above gives logits. A sigmoid at its end with the squared error looks like the more natural choice, and
# earlier lessons used it. Here is the same kind of network, small, with a rate that is too large. It is trained five
# times, from the same start: with a sigmoid and the squared error; the same with warm-up (the rate grows from zero
# over the first 5 % of the steps, and decays after that); the same at a tenth of the rate; with a linear output and
# the squared error; and with logits and cross-entropy.

# %%
ways = {
    "sigmoid, squared error": ("sigmoid", "mse", "constant"),
    "the same with warm-up": ("sigmoid", "mse", "cosine"),
    "at a tenth of the rate": ("sigmoid", "mse", "constant"),
    "linear, squared error": ("linear", "mse", "constant"),
    "logits, cross-entropy": ("linear", CROSS_ENTROPY, "constant"),
}
trained, outputs = {}, {}
for way, (output, loss, schedule) in ways.items():
    keras.utils.set_random_seed(BLACK_SEED)
    trained[way] = unet(BLACK_FILTERS, None, output=output)
    rate = BLACK_RATE / 10 if "tenth" in way else BLACK_RATE
    settings = {"learning_rate": rate, "schedule": schedule, "batch_size": 64}
    train(trained[way], Corruption("gaussian", SIGMA), mnist.x_train[:BLACK_IMAGES], 1, loss, **settings)
    outputs[way] = (restore if loss is CROSS_ENTROPY else apply)(trained[way], noisy[:200])
    print(f"{way:<24} largest output {outputs[way].max():.2g}, {psnr(test[:200], outputs[way]):.2f} dB")
labels = {way.replace(", ", ",\n"): images[:9] for way, images in outputs.items()}
plotting.image_rows({"noisy": noisy[:9]} | labels, scale=0.7)

# %% [markdown]
# *Noisy digits, and what the networks make of them after one short training. RESULT5: the rows with the sigmoid and
# the squared error are black.*
#
# What happened? Four pixels of five are black, so the first thing to learn is to be dark. With too large a step the
# logits z are thrown far below zero, everywhere. There the sigmoid p is practically 0. The gradient of the
# squared error (p − y)² with respect to z is 2(p − y) · p(1 − p), and the factor p(1 − p) is practically 0 as well.
# White pixels are now wrong by the full 1, and nothing pulls them back. This is a **dead** output.
# With the cross-entropy the factor cancels and p − y is left, which is −1 for a white pixel, however dark it is.
# With a linear output there never was such a factor.

# %%
z = np.linspace(-16, 6, 200)
p = expit(z)
variable = tf.Variable(z)
with tf.GradientTape(persistent=True) as tape:
    losses = tf.square(tf.sigmoid(variable) - 1), tf.nn.softplus(-variable)  # of a white pixel, y = 1
automatic = [tape.gradient(loss, variable).numpy() for loss in losses]
by_hand = 2 * (p - 1) * p * (1 - p), p - 1
claim("Both gradients agree with autodiff", all(np.allclose(a, b) for a, b in zip(automatic, by_hand, strict=True)))
pulls = -np.array(by_hand)[:, z > -10.1][:, 0]
claim(f"White pixel at z = −10: squared error pulls with {pulls[0]:.1e}, cross-entropy with {pulls[1]:.5f}",
      pulls[0] < 1e-3 and pulls[1] > 0.999)  # fmt: skip
plotting.curves({"squared error after a sigmoid": (z, -by_hand[0]), "cross-entropy": (z, -by_hand[1])},
                xlabel="logit z of a white pixel", ylabel="pull towards white, −dL/dz", size=(6.4, 3))  # fmt: skip

# %% [markdown]
# *How hard the loss pulls at the logit of a pixel that should be white. With the squared error, the pull is gone
# where the pixel is most wrong.*
#
# The gradient of the whole black network, with respect to all its weights, tells the same. We compute it with the
# squared error that made the network black, and with cross-entropy on the same weights.

# %%
blackened = trained["sigmoid, squared error"]
logits = keras.Model(blackened.input, blackened.layers[-1].input)  # up to the last convolution
last = blackened.layers[-1]
with tf.GradientTape(persistent=True) as tape:
    z = ops.conv(logits(noisy[:64]), last.kernel, padding="same") + last.bias
    squared = tf.reduce_mean(tf.square(tf.sigmoid(z) - test[:64]))
    entropy = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(test[:64], z))
sizes = [float(tf.linalg.global_norm(tape.gradient(v, blackened.trainable_variables))) for v in (squared, entropy)]
print(f"Logits between {np.min(z):.0f} and {np.max(z):.0f}. Size of the gradient: squared error {sizes[0]:.1g}, "
      f"cross-entropy {sizes[1]:.2g}")  # fmt: skip
dark = {way: float(images.max()) < 0.1 for way, images in outputs.items()}
claim("Black with sigmoid and squared error; not with a linear output, not with logits and cross-entropy",
      dark["sigmoid, squared error"] and not any(list(dark.values())[3:]), needs="full")  # fmt: skip
claim("With warm-up or at a tenth of the rate it was black, too", all(list(dark.values())[:3]), needs="full")
claim("On the black network, the squared error's gradient is less than a millionth of the cross-entropy's",
      sizes[0] < 1e-6 * sizes[1], needs="full")  # fmt: skip

# %% [markdown]
# Whether a network goes black depends on the rate and on its start. We chose a start with which it happens; try
# other values of `BLACK_SEED`. Nothing
# announces it. A black image is even *nearer* to the clean one than the noisy image is, or a grey one, about what an
# untrained sigmoid gives: a table of numbers alone would call it progress. The remedies: logits with cross-entropy,
# or a linear output that is clipped for the evaluation only. From this start, warm-up and a smaller rate were none.
# And look at the output.

# %%
flat = {name: psnr(test, np.full_like(test, value)) for name, value in {"black": 0, "grey": 0.5}.items()}
claim(f"Black images: {flat['black']:.2f} dB; grey ones {flat['grey']:.2f}; the noisy ones {psnr(test, noisy):.2f}",
      flat["black"] > psnr(test, noisy) > flat["grey"], needs="data")  # fmt: skip

# %% [markdown]
# ## Other levels of noise
#
# Nobody tells us how noisy the next image will be. Our U-Net saw sigma 0.5 only. Here is a second one, trained on a
# whole range: every image gets its own sigma between 0 and 0.8. It does not see 0.9, nor does it see 0.5 more often
# than any other. It is also trained for a shorter time.

# %%
ranged = unet()
train(ranged, Corruption("gaussian", (0, 0.8)), mnist.x_train[:SIDE_IMAGES], SIDE_EPOCHS)
few_test = test[:SIDE_TEST]
methods = {
    f"U-Net, sigma {SIGMA}": partial(restore, net),
    "U-Net, sigma 0 to 0.8": partial(restore, ranged),
    f"linear, sigma {SIGMA}": linear["MNIST"],
    "median 3x3": median,
    "nothing": lambda images: images,
}
by_level = {name: [] for name in methods}
for sigma in LEVELS:
    given = gaussian(few_test, sigma, seed=TEST_SEED)
    for name, method in methods.items():
        by_level[name].append(psnr(few_test, method(given)))
lines = {name: (LEVELS, values) for name, values in by_level.items()}
plotting.curves(lines, xlabel="sigma of the test images", ylabel="PSNR, dB", markers=True)

# %% [markdown]
# *PSNR on test images with five levels of noise, of which the first U-Net and the linear map were trained on one.
# "Nothing" is the noisy image itself.*

# %%
for name, values in by_level.items():
    print(f"{name:<22}" + "".join(f"{value:7.2f}" for value in values))
one, many, flat, _, nothing = (np.array(values) for values in by_level.values())
here = LEVELS.index(SIGMA)
claim(f"At sigma {SIGMA} the specialist is better: {one[here]:.2f} against {many[here]:.2f} dB", one[here] > many[here], needs="full")
claim(f"Sigma {LEVELS[0]}: the range's network {many[0]:.2f} dB, the specialist {one[0]:.2f}", many[0] > one[0], needs="full")
claim(f"Sigma {LEVELS[-1]}, in nobody's training: {many[-1]:.2f} against {one[-1]:.2f}", many[-1] > one[-1], needs="full")
claim("The network of the range beats the linear map at all levels", bool((many > flat).all()), needs="full")
record("U-Net of the range 0 to 0.8, MNIST, sigma 0.9", many[-1], "dB PSNR",
       baseline=(f"U-Net trained at sigma {SIGMA} only", one[-1]), better="higher")  # fmt: skip

# %% [markdown]
# RESULT6: does the specialist do harm at sigma 0.1, that is, end below doing nothing (`one[0] < nothing[0]`)? Assert
# what the run shows. A network trained at a single level has no reason to ask how noisy an image is. It removes 0.5
# from everything, strokes included. The one trained on a range has to find out the level first, and pays with a
# little quality at each.
#
# ## Other kinds of noise
#
# Is a denoiser for Gaussian noise a denoiser? We test it on masked pixels and on salt and pepper, and train
# two more networks, one for each of these.

# %%
specialists = {"gaussian": net}
for kind in ("masking", "salt_and_pepper"):
    specialists[kind] = unet()
    train(specialists[kind], Corruption(kind, SPOTS[kind]), mnist.x_train[:SIDE_IMAGES], SIDE_EPOCHS)
makers = {"gaussian": gaussian, "masking": masking, "salt_and_pepper": salt_and_pepper}
spoiled = {kind: maker(few_test, SPOTS[kind], seed=TEST_SEED) for kind, maker in makers.items()}
methods = {"nothing": lambda images: images, "median 3x3": median}
methods |= {f"U-Net for {kind}": partial(restore, model) for kind, model in specialists.items()}
crossed = {name: [psnr(few_test, method(images)) for images in spoiled.values()] for name, method in methods.items()}
print(f"{'PSNR, dB':<28}" + "".join(f"{kind:>17}" for kind in spoiled))
for name, values in crossed.items():
    print(f"{name:<28}" + "".join(f"{value:17.2f}" for value in values))
peppered = spoiled["salt_and_pepper"][:9]
rows = {"salt and pepper": peppered, "median 3x3": median(peppered)}
rows |= {f"U-Net for\n{kind}": restore(model, peppered) for kind, model in specialists.items()}
plotting.image_rows(rows, scale=0.7)

# %% [markdown]
# *Salt and pepper, and what the median and the three networks make of it.*

# %%
table = np.array([crossed[f"U-Net for {kind}"] for kind in specialists])  # trained on (rows), tested on (columns)
claim("On every kind of noise, the network that was trained on it is the best of the three",
      list(table.argmax(axis=0)) == [0, 1, 2], needs="full")  # fmt: skip
claim(f"Salt and pepper: the network for Gaussian noise {table[0, 2]:.2f} dB, its own {table[2, 2]:.2f}",
      table[2, 2] > table[0, 2] + 2, needs="full")  # fmt: skip
white = {kind: (images[few_test == 0] == 1).mean() for kind, images in spoiled.items()}
claim(f"Black pixels made white: {white['gaussian']:.1%} by Gaussian noise, {white['salt_and_pepper']:.1%} by salt and "
      "pepper", abs(white["gaussian"] - 1 / 44) < 2e-3 and abs(white["salt_and_pepper"] - 0.15) < 5e-3)  # fmt: skip
gain = np.array(crossed["median 3x3"]) - crossed["nothing"]
claim(f"The median is at home with salt and pepper: {gain[2]:+.1f} dB; Gaussian noise {gain[0]:+.1f}, masking "
      f"{gain[1]:+.1f}", gain[2] > gain[0] and gain[1] < 0, needs="data")  # fmt: skip
for kind, value in zip(specialists, table.diagonal(), strict=True):
    if kind != "gaussian":
        bar = crossed["median 3x3"][list(spoiled).index(kind)]
        record(f"U-Net, MNIST, {kind}, p = {SPOTS[kind]}", value, "dB PSNR", baseline=("median 3x3", bar), better="higher")

# %% [markdown]
# RESULT7: is the network for Gaussian noise below the median on salt and pepper? Assert it either way. A denoiser
# learns two things: what digits look like, and what the noise looks like. The second does not carry over. Gaussian
# noise of sigma 0.5 turns about one black pixel in 44 wholly white, salt and pepper more than one in seven: to the
# network for Gaussian noise, so many white specks are not noise.
#
# ## Small moves
#
# Lecture 003 names "rescale, rotate, shift" in the same breath as noise. They destroy almost nothing: a shifted digit
# is as easy to read. But the pixel error is large, and to undo a move one has to know *where the digit belongs*.
# That is known only if the data have a convention. MNIST does (LeCun et al., 1998): each digit was scaled
# into a box of 20x20 pixels, and shifted until its centre of mass stood in the middle. The angle was left as written.
#
# So we can predict what can be undone: the shift, and to a good part the size; not the angle. The convention
# also gives a baseline without any learning: move the centre of mass back to the middle.

# %%
def recentre(images):
    """Return images shifted so that their centre of mass is at MNIST's place, pixel (14, 14)."""
    centres = [ndimage.center_of_mass(image[..., 0]) for image in images]
    moved = [ndimage.shift(image, (14 - a, 14 - b, 0), order=1) for image, (a, b) in zip(images, centres, strict=True)]
    return np.stack(moved).clip(0, 1)


centres = np.array([ndimage.center_of_mass(image[..., 0]) for image in few_test])
claim(f"Centres of mass of clean digits: {centres.mean(axis=0).round(2)}, standard deviation {centres.std():.2f}",
      bool((abs(centres.mean(axis=0) - 14) < 0.1).all()) and centres.std() < 0.5, needs="data")  # fmt: skip
source = mnist.x_train[:SIDE_IMAGES]
copies = [move(source, *MOVES["all three"], seed=100 + epoch) for epoch in range(SIDE_EPOCHS)]
crooked, upright = np.concatenate(copies), np.concatenate([source] * SIDE_EPOCHS)  # each image with several moves
mover = unet()
fit(mover, crooked, upright, epochs=1, loss=CROSS_ENTROPY, **RECIPE)
linear_mover = linear_restorer(crooked, upright)

# %%
methods = {"nothing": lambda images: images, "recentred": recentre, "linear": linear_mover, "U-Net": partial(restore, mover)}
moved = {kind: move(few_test, *limits, seed=TEST_SEED) for kind, limits in MOVES.items()}
undone = {name: [psnr(few_test, method(images)) for images in moved.values()] for name, method in methods.items()}
print(f"{'PSNR, dB':<12}" + "".join(f"{kind:>12}" for kind in moved))
for name, values in undone.items():
    print(f"{name:<12}" + "".join(f"{value:12.2f}" for value in values))
rows = {"clean": few_test[:9]}
for kind in ("shift", "rotate", "rescale"):
    rows |= {kind: moved[kind][:9], f"{kind},\nU-Net": restore(mover, moved[kind][:9])}
plotting.image_rows(rows, scale=0.65)

# %% [markdown]
# *Digits, moved in three ways, and each time below what the network makes of it. The network was trained on all three
# moves at once. RESULT8: what is seen.*

# %%
gains = {name: np.array(values) - undone["nothing"] for name, values in undone.items()}
claim(f"Recentring alone: {gains['recentred'][0]:+.1f} dB on shifted digits, {gains['recentred'][1]:+.1f} on rotated "
      "ones", gains["recentred"][0] > 5 and gains["recentred"][1] < 0.5, needs="data")  # fmt: skip
claim(f"The U-Net: {gains['U-Net'][0]:+.1f} dB on shifted, {gains['U-Net'][2]:+.1f} on rescaled, "
      f"{gains['U-Net'][1]:+.1f} on rotated digits: most on the shift",
      gains["U-Net"][0] > max(gains["U-Net"][1:3]), needs="full")  # fmt: skip
claim(f"All three: U-Net {undone['U-Net'][3]:.2f} dB, linear {undone['linear'][3]:.2f}",
      undone["U-Net"][3] > undone["linear"][3], needs="full")  # fmt: skip
record("U-Net, MNIST, moved (3 pixels, 20 degrees, 20 %)", undone["U-Net"][3], "dB PSNR",
       baseline=("recentred", undone["recentred"][3]), better="higher")  # fmt: skip

# %% [markdown]
# RESULT9: does the U-Net beat recentring on the shift, and on all three? A simple rule that knows the convention can
# be stronger than a network that has to find it. Where there is no convention, as with the angle, the best answer is
# the mean of all digits that might have been meant: soft strokes.
#
# ## A hole
#
# A missing block is another matter than noise: in the hole there is no information left at all. It has to come from
# the rest of the image, and from knowing digits. To be fair to all methods we say where the hole is. The network gets
# this as a second channel of its input: 1 where the pixel is seen, 0 in the hole. A small trick makes it: we put a
# channel of ones beside the image, and let `Corruption` cover both.

# %%
def hide(images):
    """Lay a channel of ones beside the images, and cover a block of both: the second channel marks what is seen."""
    return Corruption("block", HOLE_SIZES)(ops.concatenate([images, ops.ones_like(images)], axis=-1), training=True)


def with_marks(images, seen):
    """Return images whose unseen pixels are black, with the marks as second channel."""
    return np.concatenate([images * seen, seen], axis=-1).astype("float32")


marks = np.asarray(hide(ops.convert_to_tensor(few_test)))[..., 1]
hidden = (marks == 0).sum(axis=(1, 2))  # pixels in each image's hole
claim(f"In training the holes have {hidden.min()} to {hidden.max()} pixels, all of them squares",
      hidden.min() >= HOLE_SIZES[0] ** 2 and hidden.max() <= HOLE_SIZES[1] ** 2
      and bool((np.sqrt(hidden) % 1 == 0).all()))  # fmt: skip
filler = unet(channels=2)
history = train(filler, hide, mnist.x_train[:HOLE_IMAGES], HOLE_EPOCHS)
print(f"{history.history['seconds'][-1]:.0f} s")

# %% [markdown]
# Two baselines. **Mean fill** puts the mean training image into the hole. **PCA completion** asks for the most usual
# image. PCA writes an image as the mean plus a mixture of components, each with a coefficient. Divide each squared
# coefficient by the variance of its component, and add them up: the smaller this sum, the more usual the image.
# Of all ways to fill the hole, we take the one with the smallest sum. It is a quadratic function of the 100 hidden
# pixels, so one system of 100 equations per image gives it. Many components have next to no variance; a small
# number, the ridge, is added to each. It is chosen on training images that were kept aside.
#
# One may also look at it the other way round: fit the coefficients to the pixels that *are* seen, by ridge regression,
# and read the hidden ones off the mixture. It is the same, as we check on some images.

# %%
kept = min(5_000, len(mnist.x_train) // 12)  # the last training images, to choose by
flat = mnist.x_train[:-kept].reshape(-1, 784)
pca = PCA(svd_solver="covariance_eigh").fit(flat)
components, variances = pca.components_.astype("float64"), pca.explained_variance_.clip(0).astype("float64")
mean = pca.mean_.astype("float64")


def complete(images, seen, ridge):
    """Return images with the hole filled so that they are most usual to the PCA; holes of one size."""
    unusual = components.T @ (components / (variances + ridge)[:, None])  # 784x784: the sum is xᵀ · this · x
    images, seen = images.reshape(-1, 784), seen.reshape(-1, 784)
    hidden = np.nonzero(~seen)[1].reshape(len(images), -1)  # nx100, the hidden pixels' places
    right = np.take_along_axis(((images - mean) * seen) @ unusual, hidden, axis=1)
    left = unusual[hidden[:, :, None], hidden[:, None]]  # nx100x100
    values = mean[hidden] - np.linalg.solve(left, right[..., None])[..., 0]
    filled = images.copy()
    np.put_along_axis(filled, hidden, values.clip(0, 1).astype(filled.dtype), axis=1)
    return filled.reshape(-1, 28, 28, 1)


def in_hole(clean, restored, seen):
    """Return the PSNR in dB over the hidden pixels alone."""
    return -10 * np.log10(np.mean(np.square(clean - restored)[~seen]))

# %%
held = mnist.x_train[-kept:][:500]
held_seen = ~block_mask(held.shape, HOLE, seed=TRAIN_SEED)
tried = {ridge: in_hole(held, complete(held, held_seen, ridge), held_seen) for ridge in (1e-5, 1e-4, 1e-3, 1e-2)}
ridge = max(tried, key=tried.get)
print(f"Ridge {ridge}")
mixed = (components * np.sqrt(variances)[:, None]).T  # 784 pixels x 784 components, each of its own size
for image, visible in zip(held[:3], held_seen[:3].reshape(3, 784), strict=True):
    rows, pixels = mixed[visible], image.reshape(784)[visible] - mean[visible]
    fitted = mixed @ np.linalg.solve(rows.T @ rows + ridge * np.eye(784), rows.T @ pixels) + mean
    other = complete(image[None], visible, ridge).reshape(784)
    same = np.allclose(fitted[~visible].clip(0, 1), other[~visible], atol=1e-3)
    claim("Coefficients fitted to the seen pixels fill the hole with the same values", same)

# %%
seen = ~block_mask(few_test.shape, HOLE, seed=TEST_SEED)
fills = {
    "black": few_test * seen,
    "mean image": np.where(seen, few_test, mean.reshape(28, 28, 1)),
    "PCA completion": np.where(seen, few_test, complete(few_test, seen, ridge)),
    "U-Net": np.where(seen, few_test, restore(filler, with_marks(few_test, seen))),
}
filled = {name: in_hole(few_test, images, seen) for name, images in fills.items()}
grey = np.where(seen, few_test, 0.5)[:9]
rows = {"test image": few_test[:9], "hole (grey)": grey} | {n: images[:9] for n, images in fills.items() if n != "black"}
plotting.image_rows(rows, scale=0.7)

# %% [markdown]
# *Digits, the hole in each (grey only to show it), and three ways to fill it. Outside the hole all are equal to the
# test image.*

# %%
for name, value in filled.items():
    print(f"{name:<16} {value:6.2f} dB in the hole")
claim("Everything outside the hole is left as it was",
      all(np.array_equal(images * seen, few_test * seen) for images in fills.values()))  # fmt: skip
claim(f"PCA completion beats the mean image: {filled['PCA completion']:.2f} against {filled['mean image']:.2f} dB",
      filled["PCA completion"] > filled["mean image"], needs="data")  # fmt: skip
claim(f"U-Net: {filled['U-Net']:.2f} dB, {filled['U-Net'] - filled['PCA completion']:.1f} more than PCA completion",
      filled["U-Net"] > filled["PCA completion"], needs="full")  # fmt: skip
record(f"U-Net, MNIST, hole of {HOLE}x{HOLE}", filled["U-Net"], "dB PSNR in the hole",
       baseline=("PCA completion", filled["PCA completion"]), better="higher")  # fmt: skip

# %% [markdown]
# PCA completion is the linear map of this task, one for each place of the hole.
# RESULT10: what the U-Net does at the hole's border (strokes go on), and where it is wrong.
#
# ## What the network invents
#
# PSNR measures pixels. Somebody who reads the restored image wants to know something else: is it still the same
# digit? At sigma 1, noise as strong as the strokes, or with a hole over most of the digit, a network still gives a
# clean picture. Where the input does not say what was there, the picture says what is *usual* there.
#
# To count this we need a judge: a small classifier, trained on clean images. We ask how often its answer for the
# restored image differs from its answer for the clean one, and how often that happens for the noisy image. The second
# judge is there to be fair to the noisy image: it was trained on noisy ones, from sigma 0 to 1. The denoiser is the
# one of the range up to 0.8; sigma 1 is beyond it.

# %%
def judge(*first):
    """Return a classifier trained on the training images, after a corruption or none."""
    model = keras.Sequential([
        keras.Input((28, 28, 1)), *first, layers.Flatten(), layers.Dense(256, "gelu"), layers.Dense(10),
    ])  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    fit(model, mnist.x_train[:IMAGES], mnist.y_train[:IMAGES], epochs=JUDGE_EPOCHS, loss=loss, **DENSE)
    return model


clean_judge, noise_judge = judge(), judge(Corruption("gaussian", (0, 1)))
truth = apply(clean_judge, few_test).argmax(axis=1)


def differs(judge, images):
    """Return the share of images that the judge takes for another class than the clean image's."""
    return (apply(judge, images.astype("float32")).argmax(axis=1) != truth).mean()

# %%
strong = {sigma: gaussian(few_test, sigma, seed=TEST_SEED) for sigma in (0.5, 0.75, 1.0)}
changed = {
    "noisy": [differs(clean_judge, images) for images in strong.values()],
    "noisy, judge trained on noise": [differs(noise_judge, images) for images in strong.values()],
    "restored by the U-Net": [differs(clean_judge, restore(ranged, images)) for images in strong.values()],
}
print(f"{'class changed, sigma =':<32}" + "".join(f"{sigma:8}" for sigma in strong))
for name, shares in changed.items():
    print(f"{name:<32}" + "".join(f"{share:8.1%}" for share in shares))
print(f"{'PSNR, SSIM of the restored':<32}" + "".join(
    f"{psnr(few_test, r):8.1f}, {metrics.ssim(few_test, r):.2f}" for r in map(partial(restore, ranged), strong.values())
))  # fmt: skip
drawn = restore(ranged, strong[1.0])
answers = keras.ops.softmax(apply(clean_judge, drawn)).numpy()
surest = np.argsort(-answers.max(axis=1) * (answers.argmax(axis=1) != truth))[:9]
print("Clean:   ", *truth[surest], "\nRestored:", *answers.argmax(axis=1)[surest])
plotting.image_rows({"clean": few_test[surest], "sigma 1": strong[1.0][surest], "restored": drawn[surest]}, scale=0.7)

# %% [markdown]
# *The nine changed digits of which the judge is surest: the clean image, the noisy one, and what the network makes of
# it. The classes are printed above.*

# %%
raw, trained_on_noise, cleaned = (np.array(shares) for shares in changed.values())
claim(f"Sigma 1: the class changes in {cleaned[-1]:.1%} of the restored images, in {raw[-1]:.1%} of the noisy ones",
      cleaned[-1] < raw[-1], needs="full")  # fmt: skip
claim(f"More noise, more inventions: {', '.join(f'{share:.1%}' for share in cleaned)}",
      list(cleaned) == sorted(cleaned), needs="full")  # fmt: skip
print(f"At sigma 1, a judge that knows noise: {trained_on_noise[-1]:.1%} on the noisy images themselves")
record("Class changed by denoising at sigma 1, MNIST", 100 * cleaned[-1], "% of test images",
       baseline=("noisy image", 100 * raw[-1]))  # fmt: skip

# %% [markdown]
# RESULT11: compare the last two rows of the table. No restoration can hold more about the digit than the noisy image
# did: whatever it knows, it took from there. Denoising helps a reader who was never taught to read noise; one who was
# taught gains nothing by it, and should not (assert `cleaned` against `trained_on_noise` as the run shows).
#
# The same with holes, up to one that leaves little of the digit:

# %%
holes = {size: ~block_mask(few_test.shape, size, seed=None) for size in LARGER}  # in the centre
whole = {size: np.where(s, few_test, restore(filler, with_marks(few_test, s))) for size, s in holes.items()}
lost = [differs(clean_judge, few_test * s) for s in holes.values()]
invented = [differs(clean_judge, images) for images in whole.values()]
for size, a, b in zip(LARGER, lost, invented, strict=True):
    print(f"hole {size}x{size} in the centre: class changed in {a:.1%} of the covered images, {b:.1%} of the filled ones")
answers = apply(clean_judge, whole[LARGER[-1]]).argmax(axis=1)
order = np.argsort(answers == truth, kind="stable")[:9]
print("Clean: ", *truth[order], "\nFilled:", *answers[order])
rows = {"clean": few_test[order], "seen": np.where(holes[LARGER[-1]], few_test, 0.5)[order]}
plotting.image_rows(rows | {"filled": whole[LARGER[-1]][order]}, scale=0.7)

# %% [markdown]
# *Digits with a hole of 18x18 in the centre, filled. Shown are the first nine that were changed. RESULT12: what is
# drawn.*

# %%
claim(f"Larger holes, more inventions: {', '.join(f'{share:.1%}' for share in invented)}",
      invented == sorted(invented), needs="full")  # fmt: skip
claim(f"Hole of {LARGER[0]}: changed in {invented[0]:.1%} of the filled images, {lost[0]:.1%} of the covered ones",
      invented[0] < lost[0], needs="full")  # fmt: skip

# %% [markdown]
# A restored image is a guess with clean edges. For a holiday photograph that may be welcome. For an X-ray, a number
# plate or a postcode it is dangerous, since nothing in the picture tells which strokes were seen and which were
# supplied. PSNR does not tell either.
#
# ## Recap
#
# 1. A denoiser gets the spoiled image and is compared with the clean one. Fresh noise in every epoch keeps it from
#    learning specks by heart; fixed noise makes the evaluation comparable. In the evaluation its input must be the
#    noisy image, which a layer that is idle outside of training does not make.
# 2. The noisy image, the median filter and the best linear map are the bar: 9.37, 14.13 and 17.57 dB on MNIST at
#    sigma 0.5, for errors pooled over all images.
# 3. RECAP3: dense narrow, dense wide, U-Net in dB. Skip connections hand over the places, the bottom brings the
#    context. A sigmoid with squared error can die at black; logits with cross-entropy cannot.
# 4. RECAP4: A network for one level of noise is best there, one for a range is better elsewhere. What was learnt of
#    one kind of noise does not carry over to another. A move can be undone as far as the data have a convention.
# 5. RECAP5: A hole is filled better than by PCA. Where the input says nothing, the network draws what is usual, and
#    at sigma 1 that is another digit in PERCENT of the images.
#
# ## Try it
#
# - Train a U-Net without its skip connections, and one without the dense bottom. Which one loses more on MNIST, and
#   which one on Fashion-MNIST?
# - Apply the denoiser to its own output, twice, five times. Does it get better, stay, or drift towards a digit?
# - Noise of your own: stripes, or blur. Which of the networks here comes closest to undoing it, and how much does one
#   gain that was trained on it?
#
# ## References
#
# - Lectures: R. Baeta, *Tutorial on autoencoders* (2016), denoising and its list of corruptions; G. Russo Russo and
#   F. Lo Presti, *Autoencoders* (2023/24), Gaussian noise and dropout; D. Lingrand, *Autoencoder* (2021), denoising
#   and inpainting as applications; and the exercise on denoising (lecture 004).
# - P. Vincent, H. Larochelle, Y. Bengio and P.-A. Manzagol, *Extracting and composing robust features with denoising
#   autoencoders*, ICML 2008; P. Vincent et al., *Stacked denoising autoencoders*, JMLR 11, 2010.
# - O. Ronneberger, P. Fischer and T. Brox, *U-Net: convolutional networks for biomedical image segmentation*,
#   arXiv:1505.04597, 2015.
# - Z. Wang, A. Bovik, H. Sheikh and E. Simoncelli, *Image quality assessment: from error visibility to structural
#   similarity*, IEEE Transactions on Image Processing 13, 2004 (SSIM).
# - Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to document recognition*,
#   Proceedings of the IEEE 86, 1998 (MNIST, and how its digits were centred).
