# %% [markdown]
# # 09 · Super-resolution
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/09_super_resolution.ipynb)
#
# > More pixels from fewer: what a network adds to interpolation, and what no network can know.
#
# ## In this lesson
#
# 1. Spoil images by area downsampling, x2 and x4, fix the measure, and reproduce three baselines: nearest neighbour, bicubic and
#    linear regression.
# 2. Write out the lecture's autoencoder for super-resolution, and see what its bottleneck costs.
# 3. Build a network that works on the small picture, adds what bicubic interpolation lacks, and upscales at the end.
# 4. Ask what PSNR does not say: whether a digit keeps its class, and what a 7x7 picture cannot know.
# 5. Train SRCNN on one photograph and test it on another: where bicubic is good enough, and how the protocol moves a PSNR.

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
from keras import layers
from PIL import Image
from scipy import ndimage
from sklearn.datasets import load_sample_images
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from utils import metrics, models, plotting
from utils.claims import budget, claim, record, start
from utils.corruptions import downsample, upscale
from utils.data import load
from utils.training import fit

start("09", seed=1)
RECIPE = {"batch_size": 128, "learning_rate": 3e-3, "optimizer": partial(keras.optimizers.Adam, beta_2=0.99)}
FILTERS = budget(quick={2: 8, 4: 16}, full={2: 32, 4: 64})  # per layer, by factor
IMAGES, EPOCHS = budget(quick=(1_000, 1), full=(60_000, 4))  # of the four networks
SHORT_IMAGES, SHORT_EPOCHS, HELD_OUT = budget(quick=(500, 2, 500), full=(10_000, 5, 5_000))
BOTTLENECK, BOTTLENECK_EPOCHS = 64, budget(quick=1, full=4)  # numbers in the lecture's code
CLASSIFIER_IMAGES, CLASSIFIER_EPOCHS = budget(quick=(10_000, 1), full=(60_000, 8))
TWIN_IMAGES, NEIGHBOURS, SSIM_IMAGES = budget(quick=(300, 20, 200), full=(2_000, 20, 10_000))
PATCH_STRIDE, PHOTO_EPOCHS, PHOTO_RATE = budget(quick=(40, 1, 1e-3), full=(6, 10, 1e-3))

# %% [markdown]
# ## Fewer pixels
#
# A **super-resolution** method takes an image of few pixels and returns one of many. To train it, and to measure it,
# we need images of which we know both versions. The lecture makes them from sharp images: resize an H×H image to L×L
# pixels, and ask for the H×H image back. Here resizing means **area downsampling**: the image is cut into squares of
# 2x2 or 4x4 pixels, and every square becomes one pixel, their mean. It is what the cells of a coarser camera would
# have measured, each collecting the light of a larger area. We speak of x2 and x4, though a x4 picture has sixteen
# times fewer pixels: the factor counts along one side.

# %%
FACTORS = (2, 4)
data = {"MNIST": load("mnist"), "Fashion-MNIST": load("fashion_mnist")}
for dataset in data.values():
    print(dataset.provenance)
KEYS = [(name, factor) for name in data for factor in FACTORS]
small_train = {(name, factor): downsample(data[name].x_train, factor) for name, factor in KEYS}
small_test = {(name, factor): downsample(data[name].x_test, factor) for name, factor in KEYS}
for key, images in small_test.items():
    print(f"{key[0]} x{key[1]}: {data[key[0]].x_test.shape[1:]} → {images.shape[1:]}")
rows = {}
for name, dataset in data.items():
    rows[f"{name}, 28x28"] = dataset.x_test[:10]
    rows |= {f"{name} x{factor}": small_test[name, factor][:10] for factor in FACTORS}
plotting.image_rows(rows, scale=0.65)

# %% [markdown]
# *Test images, and what area downsampling leaves of them: 14x14 pixels (x2) and 7x7 pixels (x4), drawn at the same
# size. At x4 the garments keep an outline, while several of the digits could as well be others.*
#
# Downsampling is linear: it is a matrix with 784 columns and only 196 or 49 rows. Whatever pattern the
# matrix sends to zero can be added to an image without a trace in the small picture. So the task has no single
# right answer; it has a whole space of images that all fit. The number of its dimensions is 784 minus the rank.

# %%
pixel_by_pixel = np.eye(784, dtype="float32").reshape(784, 28, 28, 1)  # 784 images with a single white pixel
for factor in FACTORS:
    matrix = downsample(pixel_by_pixel, factor).reshape(784, -1).T  # 196x784 or 49x784
    rank = np.linalg.matrix_rank(matrix)
    size = f"{matrix.shape[0]}x784"
    claim(f"x{factor}: the matrix is {size} and has rank {rank}; {784 - rank} dimensions leave no trace",
          rank == 784 // factor**2)  # fmt: skip

# %% [markdown]
# The simplest ways back look at the small picture only, and know nothing about digits or clothes. **Nearest
# neighbour** turns every pixel into a square. **Bicubic** interpolation weights the 4x4 nearest pixels with pieces of
# cubic polynomials; the weights partly are negative, which keeps edges steeper than straight lines would, but
# overshoots beside them. (There is a family of such polynomials. TensorFlow, Keras and Pillow all use Keys' with a =
# −0.5, and their pictures agree; OpenCV takes −0.75.) Do these ways back at least return an image that fits, one
# whose averages are the small picture again?

# %%
restored = {key: {way: upscale(small_test[key], key[1], way) for way in ("nearest", "bicubic")} for key in KEYS}
for key in KEYS:
    again = {way: downsample(images, key[1]) for way, images in restored[key].items()}
    off = {way: metrics.mse(small_test[key], images) ** 0.5 for way, images in again.items()}
    claim(f"{key[0]} x{key[1]}, averaged again: off by {off['nearest']:.0e} (nearest), {off['bicubic']:.3f} (bicubic)",
          off["nearest"] < 1e-6 and off["bicubic"] > 0.005)  # fmt: skip
few = small_test["MNIST", 2][:20]
unclipped = layers.UpSampling2D(2, interpolation="bicubic")(few)
by_pillow = [Image.fromarray(image[..., 0]).resize((28, 28), Image.Resampling.BICUBIC) for image in few]
claim("Keras' bicubic pictures are Pillow's", np.allclose(np.squeeze(unclipped), np.stack(by_pillow), atol=1e-5))
rows = {"28x28": data["MNIST"].x_test[:10]}
rows |= {f"{way} x{f}": restored["MNIST", f][way][:10] for f in FACTORS for way in ("nearest", "bicubic")}
plotting.image_rows(rows, scale=0.65)

# %% [markdown]
# *Digits brought back to 28x28 by repeating pixels and by bicubic interpolation. Bicubic is smooth, yet no
# sharper: it adds no detail, and thin strokes stay grey.*
#
# Nearest neighbour fits exactly, and still it looks wrong. Bicubic interpolation looks better, and its averages are
# off: it treats a pixel as a sample at a point, while ours are means over squares. A good method has to use two
# things that both lack: how the small picture was made, and what the images look like.
#
# ## What is measured
#
# The usual measure is the **peak signal-to-noise ratio**, PSNR = −10 log₁₀ MSE for pixels between 0 and 1, in
# decibels. Three dB more is half the squared error. This looks like a definition, but two choices are still open, and
# numbers can be compared only where both are the same. First, an image has no pixels below 0 or above 1, so is a
# result clipped to [0, 1] before it is measured? Here it is. Second, is the MSE averaged over all images and then
# turned into dB, or every image's dB averaged? In this lesson the **MSE is averaged first**; `metrics.psnr` does the
# other. The logarithm is concave, so by Jensen's inequality the mean of the dBs is never lower.

# %%
def psnr(sharp, image):
    """Return the PSNR in dB of the MSE over all images together, after clipping to [0, 1]."""
    return -10 * np.log10(metrics.mse(sharp, np.clip(image, 0, 1)))


def compare(*ways):
    """Print PSNR and SSIM of some ways back, for both data sets and factors."""
    print(f"{'PSNR in dB / SSIM':<20}" + "".join(f"{f'{name} x{factor}':>20}" for name, factor in KEYS))
    for way in ways:
        pairs = [(data[key[0]].x_test, restored[key][way]) for key in KEYS]
        cells = [f"{psnr(*p):.2f} / {metrics.ssim(*(x[:SSIM_IMAGES] for x in p)):.3f}" for p in pairs]
        print(f"{way:<20}" + "".join(f"{cell:>20}" for cell in cells))


compare("nearest", "bicubic")
sharp, image = data["MNIST"].x_test, restored["MNIST", 2]["bicubic"]
first, second = psnr(sharp, image), metrics.psnr(sharp, image)
claim(f"MNIST x2, bicubic: PSNR of the mean MSE {first:.2f} dB, mean of the PSNRs {second:.2f} dB", first <= second)

# %% [markdown]
# Beside PSNR stands SSIM, the structural similarity: it compares local means, contrasts and correlations in windows
# of 11x11 pixels, and is 1 for equal images. The two need not agree on which picture is the better one.
#
# ## What a straight line can do
#
# The baseline to beat is **linear regression**: the best affine map from the 196 (or 49) pixels of the small picture
# to the 784 pixels of the large one, in least squares over the training images. It needs no network and no learning
# rate: its coefficients solve a system of equations. It can learn both things named above. How the small pictures
# were made is the same linear map every time; and with a coefficient for every pair of a small pixel and a large one,
# it also knows, on average, what lies where.
#
# Some pixels at the border are black in all training images, or nearly always. The data then say nothing about their
# coefficients; `lstsq` takes the smallest ones that solve the equations (`rcond` is where "nothing" begins).

# %%
def with_one(images):
    """Return the pixels of each image as a row, and a 1 at its end, for the offset."""
    return np.c_[images.reshape(len(images), -1), np.ones(len(images), images.dtype)]


linear_maps = {}
for name, dataset in data.items():
    targets = dataset.x_train.reshape(len(dataset.x_train), 784)
    for factor in FACTORS:
        inputs = with_one(small_train[name, factor])  # 60,000x197 for x2
        sums = [(inputs.T @ values).astype("float64") for values in (inputs, targets)]  # 197x197 and 197x784
        coefficients = np.linalg.lstsq(*sums, rcond=1e-7)[0].astype("float32")
        predicted = (with_one(small_test[name, factor]) @ coefficients).reshape(-1, 28, 28, 1)
        restored[name, factor]["linear"] = predicted.clip(0, 1)
        linear_maps[name, factor] = coefficients
compare("nearest", "bicubic", "linear")

# %%
NOTED = {("MNIST", 2): (19.92, 22.44), ("MNIST", 4): (14.48, 16.36),
         ("Fashion-MNIST", 2): (18.96, 20.97), ("Fashion-MNIST", 4): (15.64, 17.60)}  # fmt: skip
scores = {key: {way: psnr(data[key[0]].x_test, image) for way, image in restored[key].items()} for key in KEYS}
for key, noted in NOTED.items():
    bicubic, line = scores[key]["bicubic"], scores[key]["linear"]
    claim(f"{key[0]} x{key[1]}: bicubic {bicubic:.2f} dB, linear regression {line:.2f} dB, as noted for these files",
          np.allclose((bicubic, line), noted, atol=0.0051), needs="data")  # fmt: skip
    claim(f"{line - bicubic:.2f} dB between them, at least 1.8", line - bicubic > 1.8, needs="data")
centre = {2: [90, 91, 104, 105], 4: [17, 24, 25, 31]}  # numbers of some small pixels near the centre
stamps = [linear_maps["MNIST", factor][pixels] for factor, pixels in centre.items()]  # 4x784, twice
plotting.filters(np.concatenate(stamps).T, (28, 28, 1), columns=4, scale=1.1, row_labels=("x2", "x4"))

# %% [markdown]
# *What linear regression paints for one small pixel, four of them for x2 and four for x4 (red adds, blue
# takes away). At x2 it is a narrow spot with a blue surround: the surround takes back what neighbouring spots
# would smear over the edge. At x4 the spots are broad, and follow the strokes that are frequent there.*
#
# The decoder of a linear autoencoder would look the same: each code number paints one fixed picture, and the pictures
# add up. Here the "encoder" is the downsampling, and nobody has trained it.
#
# ## The lecture's autoencoder
#
# That is one way to see super-resolution in the world of autoencoders. The lecture has another: treat the loss of
# resolution as **noise**. Resize the image to L×L, upscale it back to H×H, and the result is a spoilt image of the
# old size. Train an autoencoder with the spoilt image as its input and the clean image as its target. Nothing else
# differs from the denoising of lesson 08: there the corruption added random numbers to the pixels, here it takes away
# fine detail, always in the same way. So no fresh noise is drawn in every epoch, and there is nothing to be gained
# from it.
#
# We write this out once, for MNIST x2, with the convolutional autoencoder of lesson 05.

# %%
upscaled = upscale(small_train["MNIST", 2][:IMAGES], 2, "bicubic")  # 28x28 → 14x14 → 28x28: spoilt
sharp = data["MNIST"].x_train[:IMAGES]
bottleneck = models.convolutional(BOTTLENECK)  # 28x28 → 14x14x16 → 7x7x32 → 512 → 64 and back
history = fit(bottleneck, upscaled, sharp, epochs=BOTTLENECK_EPOCHS, verbose=0, **RECIPE)
del upscaled
restored["MNIST", 2]["autoencoder"] = bottleneck.reconstruct(restored["MNIST", 2]["bicubic"])
bottleneck_psnr = psnr(data["MNIST"].x_test, restored["MNIST", 2]["autoencoder"])
print(f"{history.history['seconds'][-1]:.0f} s; autoencoder with a code of {BOTTLENECK}: {bottleneck_psnr:.2f} dB")
rows = {way: restored["MNIST", 2][way][:10] for way in ("bicubic", "linear", "autoencoder")}
plotting.image_rows({"28x28": data["MNIST"].x_test[:10]} | rows, scale=0.65)

# %% [markdown]
# *MNIST x2: bicubic, linear regression, and the lecture's autoencoder. RESULT1: what the autoencoder's digits look
# like beside those of linear regression.*
#
# Everything passes through 64 numbers here, and the small picture has 196. So this network has to throw away more
# than the downsampling did. Against noise that can be a help: noise does not fit through a narrow code. But nothing
# in a small picture is useless. RESULT2: the sentence that compares the autoencoder's dB with bicubic and with linear
# regression.

# %%
line, cubic = (scores["MNIST", 2][way] for way in ("linear", "bicubic"))
record(f"Autoencoder with a code of {BOTTLENECK}, MNIST x2", bottleneck_psnr, "dB PSNR",
       baseline=("linear regression", line), better="higher")  # fmt: skip
claim(f"Code of {BOTTLENECK} numbers: {bottleneck_psnr:.2f} dB, above bicubic's {cubic:.2f}",
      bottleneck_psnr > cubic, needs="full")  # fmt: skip
x_train, x_test = (x.reshape(len(x), 784) for x in (data["MNIST"].x_train[:IMAGES], data["MNIST"].x_test))
pca = PCA(49, svd_solver="covariance_eigh").fit(x_train)
pca_psnr = psnr(x_test, pca.inverse_transform(pca.transform(x_test)))
line = scores["MNIST", 4]["linear"]
claim(f"49 numbers per digit: chosen by PCA {pca_psnr:.2f} dB, averages of squares {line:.2f} dB", pca_psnr > line)

# %% [markdown]
# The last line turns the comparison round. The x4 picture itself is a code of 49 numbers, and its decoder, linear
# regression, is the best linear one there is. PCA's 49 numbers, read by a decoder as simple, are worth a good deal
# more. The averages are a poor code, and nobody chose it for being a good one: it is what the camera gives. A
# super-resolution network is a **decoder for an encoder that one cannot train**.
#
# ## Upscale at the end
#
# Seen like this, a bottleneck is out of place, and so is upscaling first. The enlarged picture has four or sixteen
# times the pixels of the small one and not one bit more to tell; yet a convolution that works on it computes four or
# sixteen times as much. Shi et al. (2016) therefore work on the small picture all the way, and enlarge in the last
# step. For x2 the last convolution produces **four channels per small pixel**: the four large pixels that belong
# there. What remains is to put them in their places, called *depth to space* or *pixel shuffle*. It moves numbers and
# computes nothing.

# %%
# NBVAL_CHECK_OUTPUT
def depth_to_space(x, factor):
    """Spread factor² channels per pixel over factor x factor pixels: (n, h, w, f²) → (n, h·f, w·f, 1)."""
    h, w = x.shape[1:3]
    x = layers.Reshape((h, w, factor, factor))(x)  # row and column of the small pixel, row and column inside it
    x = layers.Permute((1, 3, 2, 4))(x)  # → row, row inside, column, column inside
    return layers.Reshape((h * factor, w * factor, 1))(x)


channels = np.arange(16, dtype="float32").reshape(1, 2, 2, 4)  # 2x2 pixels of 4 channels
spread = np.asarray(depth_to_space(channels, 2))  # → 4x4 pixels of one
print(f"channels of the first pixel: {channels[0, 0, 0]}\n{spread[0, :, :, 0]}")
claim("TensorFlow's own depth_to_space gives the same", np.array_equal(spread, tf.nn.depth_to_space(channels, 2)))
plotting.pixel_values({f"channel {k}": channels[0, ..., k] for k in range(4)} | {"spread": spread[0, ..., 0]})

# %% [markdown]
# *Four channels of 2x2 pixels become one image of 4x4. Each square of the result holds the four channels of one
# small pixel.*
#
# There is a second idea, and it is the more important one. Bicubic interpolation already gets the smooth part right.
# Why should a network learn to copy it? In a **residual** network the output is the bicubic picture plus what the
# network adds, so that only the difference has to be learned. We set the last convolution's weights to zero at the
# start. The network then begins as bicubic interpolation, exactly, and every step of training can only be about what
# bicubic lacks.

# %%
def super_network(factor, filters, depth=4, residual=True, size=28):
    """Build a network from a small picture to a large one; it works on the small pixels and upscales at the end."""
    small = keras.Input((size // factor, size // factor, 1))
    x = small
    for _ in range(depth):  # each looks one small pixel further in every direction
        x = layers.Conv2D(filters, 3, padding="same", activation="gelu", kernel_initializer="he_normal")(x)
    last = "zeros" if residual else "glorot_uniform"
    x = layers.Conv2D(factor**2, 3, padding="same", kernel_initializer=last)(x)  # factor² large pixels per small one
    x = depth_to_space(x, factor)
    if residual:
        x = layers.Add()([x, layers.UpSampling2D(factor, interpolation="bicubic")(small)])
    return keras.Model(small, x)


def products(model):
    """Return the multiplications per image in a model's convolutions: kernel size times pixels produced."""
    convs = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    return sum(int(np.prod(conv.kernel.shape)) * int(np.prod(conv.output.shape[1:3])) for conv in convs)

# %%
for factor, filters in FILTERS.items():
    network = super_network(factor, filters)
    at_end, at_start = products(network), products(network) * factor**2
    print(f"x{factor}, {filters} filters: {network.count_params():,} parameters, {at_end:,} multiplications per image; "
          f"the same layers after upscaling would take {at_start:,}")  # fmt: skip
    few = small_test["MNIST", factor][:100]
    untrained, cubic = models.apply(network, few).clip(0, 1), upscale(few, factor, "bicubic")
    claim("before training it is bicubic interpolation", np.allclose(untrained, cubic, atol=1e-5))

# %% [markdown]
# At x4 the filters are twice as many, since there are only a quarter of the pixels to run them on. Five layers of 3x3
# look at 11x11 small pixels. At x4 this is most of the 7x7 picture from anywhere in it, so the network can use the
# digit's whole shape there; at x2 it sees strokes, ends and crossings.
#
# ## Add only what is missing
#
# Does the residual matter? We train the same network with and without it, on few images, and measure on the last
# 5,000 training images, which neither has seen.

# %%
learning, held_out = slice(0, SHORT_IMAGES), slice(-HELD_OUT, None)
sharp, small = data["MNIST"].x_train, small_train["MNIST", 2]
curves = {}
for name, residual in {"plain": False, "added to bicubic": True}.items():
    network = super_network(2, FILTERS[2], residual=residual)
    history = fit(network, small[learning], sharp[learning], epochs=SHORT_EPOCHS, loss="mse", verbose=0,
                  validation_data=(small[held_out], sharp[held_out]), **RECIPE).history  # fmt: skip
    curves[name] = -10 * np.log10(history["val_loss"])
    print(f"{name}: {', '.join(f'{db:.2f}' for db in curves[name])} dB")
start_at = psnr(sharp[held_out], upscale(small[held_out], 2, "bicubic"))
gap = curves["added to bicubic"] - curves["plain"]
claim(f"After every epoch the residual network is ahead, by {gap[0]:.1f} dB at first, by {gap[-1]:.1f} dB at last",
      bool((gap > 0).all()), needs="full")  # fmt: skip
plotting.curves(curves, xlabel="epoch", ylabel="PSNR in dB, held-out images", levels={"bicubic": start_at},
                markers=True)  # fmt: skip

# %% [markdown]
# *MNIST x2: PSNR on held-out training images, without clipping, after each epoch on a part of the training images.
# The plain network first has to learn to copy its input. RESULT3: whether the gap closes.*
#
# ## Four networks
#
# Now the four trainings, two data sets at x2 and x4, all with the residual. SETTINGS (rate, filters, epochs: chosen
# on the last 5,000 training images, to be confirmed); the networks here are trained on all 60,000. The loss is the
# squared error, whose dB we report.

# %%
networks = {}
for key in KEYS:
    networks[key] = super_network(key[1], FILTERS[key[1]])
    sharp, small = data[key[0]].x_train[:IMAGES], small_train[key][:IMAGES]
    history = fit(networks[key], small, sharp, epochs=EPOCHS, loss="mse", verbose=0, **RECIPE).history
    restored[key]["network"] = models.apply(networks[key], small_test[key]).clip(0, 1)
    scores[key]["network"] = psnr(data[key[0]].x_test, restored[key]["network"])
    print(f"{key[0]} x{key[1]}: {history['seconds'][-1]:.0f} s")

# %%
rows = {}
for name, dataset in data.items():
    rows[f"{name}, 28x28"] = dataset.x_test[:9]
    for factor in FACTORS:
        rows |= {f"{name} x{factor}, {way}": restored[name, factor][way][:9] for way in ("bicubic", "linear", "network")}
plotting.image_rows(rows, scale=0.5)

# %% [markdown]
# *MNIST, then Fashion-MNIST: the sharp images, and below them bicubic interpolation, linear regression and the
# network, first at x2, then at x4. RESULT4: what is seen at x2 and at x4.*

# %%
compare("nearest", "bicubic", "linear", "network")
for key in KEYS:
    line, ours = scores[key]["linear"], scores[key]["network"]
    record(f"Network, {key[0]} x{key[1]}", ours, "dB PSNR", baseline=("linear regression", line), better="higher",
           headline=key in (("MNIST", 2), ("MNIST", 4)))  # fmt: skip
    claim(f"{ours:.2f} dB, {ours - line:.2f} above linear regression", ours >= line + 0.5, needs="full")
ours = scores["MNIST", 2]["network"]
claim(f"MNIST x2: {ours:.2f} dB, at least 24.9", ours >= 24.9, needs="full")
counts = bottleneck.count_params(), networks["MNIST", 2].count_params()
claim(f"The lecture's autoencoder on the same pictures: {bottleneck_psnr:.2f} dB, with {counts[0]:,} parameters "
      f"against {counts[1]:,}", bottleneck_psnr < ours and counts[0] > 50 * counts[1], needs="full")  # fmt: skip

# %% [markdown]
# The network has no bottleneck at all: no layer holds fewer numbers than the small picture. It would be free to copy.
# What keeps it from being useless is that a copy is not the answer. With far fewer parameters than the autoencoder it
# comes nearer to the sharp digits, because a filter that has learned to sharpen a stroke serves in every place, and
# because whatever the small picture says gets through.
#
# ## Does a digit keep its class?
#
# PSNR counts grey values. A reader has another question: is this still the same digit? We train a small dense
# classifier, once, on the clean training images, and let it read the test images and what the ways back made of
# them.

# %%
classifiers, class_errors = {}, {}
for name, dataset in data.items():
    dense = [layers.Flatten(), layers.Dense(512, "gelu"), layers.Dense(len(dataset.classes), "softmax")]
    classifiers[name] = keras.Sequential([keras.Input((28, 28, 1)), *dense])
    x, y = dataset.x_train[:CLASSIFIER_IMAGES], dataset.y_train[:CLASSIFIER_IMAGES]
    loss = "sparse_categorical_crossentropy"
    fit(classifiers[name], x, y, epochs=CLASSIFIER_EPOCHS, batch_size=128, loss=loss, verbose=0)


def read(name, images):
    """Return the class that the classifier reads in each image."""
    return models.apply(classifiers[name], images).argmax(axis=1)


for key in KEYS:
    shown = {"real": data[key[0]].x_test} | {w: restored[key][w] for w in ("nearest", "bicubic", "linear", "network")}
    class_errors[key] = {w: 100 * np.mean(read(key[0], x) != data[key[0]].y_test) for w, x in shown.items()}
    print(f"{key[0]} x{key[1]}, error in %: " + ", ".join(f"{w} {e:.2f}" for w, e in class_errors[key].items()))

# %%
heights = {way: [class_errors[key][way] for key in KEYS] for way in class_errors[KEYS[0]]}
fig = plotting.bars(heights, xlabel="", ylabel="classifier's error, %")
fig.axes[0].set_xticks(range(len(KEYS)), [f"{name} x{factor}" for name, factor in KEYS])
for key in (key for key in KEYS if key[1] == 4):
    error = class_errors[key]
    claim(f"{key[0]} x4: {error['network']:.2f} % read wrongly after the network, {error['linear']:.2f} % after linear "
          f"regression, {error['real']:.2f} % as they are",
          error["real"] < error["network"] < error["linear"], needs="full")  # fmt: skip
record("Digits x4 read wrongly after the network", class_errors["MNIST", 4]["network"], "% of MNIST's test images",
       baseline=("linear regression", class_errors["MNIST", 4]["linear"]))  # fmt: skip
fig

# %% [markdown]
# *Error of the classifier on test images as they are, and restored from x2 and x4.* RESULT5: which of the ways keeps
# the class, and whether the order is PSNR's.
#
# Read these numbers with care. The classifier has never seen a blurred image, so it fails for two reasons: what it
# needs is gone, or it is there but looks strange. Restoring can repair the second. It cannot repair the first:
# everything the network knows about this image it computed from the small picture, and so could a classifier that
# reads small pictures. Here are digits that lost their class.

# %%
key = "MNIST", 4
digits, labels = data["MNIST"].x_test, data["MNIST"].y_test
seen, truth = read("MNIST", restored[key]["network"]), read("MNIST", digits)
flipped = np.flatnonzero((truth == labels) & (seen != labels))[:12]
print("label:  ", *labels[flipped], "\nread as:", *seen[flipped])
lost = np.mean((truth == labels) & (seen != labels))
gained = np.mean((truth != labels) & (seen == labels))
claim(f"x4: {lost:.2%} of the digits lose the class that was read rightly before, {gained:.2%} win it", lost > gained)
rows = {"28x28": digits[flipped], "7x7": small_test[key][flipped]}
plotting.image_rows(rows | {way: restored[key][way][flipped] for way in ("bicubic", "network")}, scale=0.65)

# %% [markdown]
# *The first test digits that the classifier reads rightly when sharp and wrongly after the network, with their 7x7
# pictures.*
#
# ## What x4 cannot know
#
# Where does the blur in the x4 pictures come from? Not from too little training. Look for test digits and training
# digits of **different classes** that have nearly the same 7x7 picture. The
# network, or any other function of the 7x7 picture, has to give nearly the same answer for both, and it cannot
# be right twice.

# %%
digits, labels = data["MNIST"].x_test[:TWIN_IMAGES], data["MNIST"].y_test[:TWIN_IMAGES]
averages = small_test["MNIST", 4][:TWIN_IMAGES].reshape(len(digits), 49)
search = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute").fit(small_train["MNIST", 4].reshape(-1, 49))
distances, neighbours = search.kneighbors(averages)  # of each test digit, among the 7x7 training pictures
other = data["MNIST"].y_train[neighbours] != labels[:, None]
mine = np.flatnonzero(other.any(axis=1))
print(f"{len(mine):,} of {len(digits):,} test digits have one of another class among their {NEIGHBOURS} nearest")
place = other[mine].argmax(axis=1)  # of the nearest one of another class
twins, gaps = neighbours[mine, place], distances[mine, place]
far = np.sqrt(metrics.squared_error(data["MNIST"].x_train[twins], digits[mine]))
best = np.argsort(gaps / far)[:10]  # the most alike in 7x7, for how different they are in 28x28
mine, twins = mine[best], twins[best]
pair = {"test digit": digits[mine], "training digit": data["MNIST"].x_train[twins]}

# %%
small_pair = {name: downsample(images, 4) for name, images in pair.items()}
answers = {name: models.apply(networks["MNIST", 4], images).clip(0, 1) for name, images in small_pair.items()}
kinds = {"sharp": pair, "7x7": small_pair, "network": answers}
apart = {kind: metrics.mse(*images.values()) ** 0.5 for kind, images in kinds.items()}
usual = [metrics.mse(x[1:], x[:-1]) ** 0.5 for x in (digits, small_test["MNIST", 4][:TWIN_IMAGES])]
claim(f"Root mean square differences of the ten pairs: sharp {apart['sharp']:.3f}, 7x7 {apart['7x7']:.3f}; of any two "
      f"digits: {usual[0]:.3f}, {usual[1]:.3f}", apart["sharp"] > usual[0] / 2 and apart["7x7"] < usual[1] / 4,
      needs="data")  # fmt: skip
claim(f"The network's two answers differ by {apart['network']:.3f} only", apart["network"] < apart["sharp"] / 2, needs="full")
rows = {}
for name in pair:
    rows |= {name: pair[name], f"{name}, 7x7": small_pair[name], f"{name}, network": answers[name]}
plotting.image_rows(rows, scale=0.65)

# %% [markdown]
# *Ten pairs, one per column: a test digit and a training digit of another class, their 7x7 pictures, and the
# network's answers to both.*
#
# So which answer should the network give? Suppose that two images a and b fit the small picture, both equally likely.
# Answering a costs nothing half of the time and ‖a − b‖² the other half, ½‖a − b‖² on average. Answering the mean of
# a and b costs ¼‖a − b‖², always: half, or 3 dB better, although the mean is an image that nobody ever wrote. In
# general the answer with the smallest expected squared error is the **mean of all images that fit, weighted by how
# likely they are**, the conditional mean. Squared error rewards blur wherever the small picture leaves a choice.
#
# We can watch it without any network. Take for each of some test digits the training digits whose 7x7 pictures are
# nearest. Answer once with the nearest one, a sharp, real digit, and once with the mean of the nearest ones.

# %%
def contrast(images):
    """Return the mean absolute difference of neighbouring pixels: blur lowers it."""
    return float(np.mean([np.abs(np.diff(images, axis=axis)).mean() for axis in (1, 2)]))


ways = {"sharp": digits} | {way: restored["MNIST", 4][way][: len(digits)] for way in ("bicubic", "linear", "network")}
ways["nearest digit"] = data["MNIST"].x_train[neighbours[:, 0]]
ways[f"mean of {NEIGHBOURS}"] = np.mean([data["MNIST"].x_train[column] for column in neighbours.T], axis=0)
for way, images in ways.items():
    quality = "" if way == "sharp" else f"{psnr(digits, images):.2f} dB"
    print(f"{way:<16}{quality:>10}   {contrast(images) / contrast(digits):>4.0%} of the real digits' contrast")
one, many = ways["nearest digit"], ways[f"mean of {NEIGHBOURS}"]
nearer, further = psnr(digits, many), psnr(digits, one)
claim(f"The mean of {NEIGHBOURS} beats the nearest digit by {nearer - further:.2f} dB, and has less contrast",
      nearer > further and contrast(many) < contrast(one))  # fmt: skip
plotting.image_rows({way: images[:10] for way, images in ways.items()}, scale=0.6)

# %% [markdown]
# *From top to bottom: digits, and answers to their 7x7 pictures. The nearest training digit is sharp, and
# a little wrong. The mean of many is blurred exactly where they disagree.*

# %%
a, b = pair.values()  # the ten pairs
guess = (metrics.mse(a, a) + metrics.mse(b, a)) / 2  # always answer a, which is right half of the time
middle = (metrics.mse(a, (a + b) / 2) + metrics.mse(b, (a + b) / 2)) / 2
saved = 10 * np.log10(guess / middle)
claim(f"One of each pair as the answer: MSE {guess:.4f}; their mean: {middle:.4f}, {saved:.2f} dB better",
      abs(guess / middle - 2) < 1e-3)  # fmt: skip
sharpness = {way: contrast(images) / contrast(digits) for way, images in ways.items()}
ours = psnr(digits, ways["network"])
claim(f"The network has {sharpness['network']:.0%} of a real digit's contrast; with {ours:.2f} dB it is "
      f"{ours - nearer:.2f} better than the mean of {NEIGHBOURS}",
      sharpness["network"] < 0.95 and ours > nearer, needs="full")  # fmt: skip

# %% [markdown]
# Who wants sharp pictures from a x4 network must give up some PSNR: train it to produce *one* plausible image instead
# of the mean of all, for instance against a discriminator (lesson 17). The picture is then crisp, and invented. For a
# poster this may be fine, for a number plate or an X-ray it is not.
#
# ## A network for photographs
#
# Digits stand in the middle of their image, all of one size. Photographs show anything, so a network for photographs
# should look at small **patches** and be the same everywhere. SRCNN (Dong et al., the paper that the lecture points
# to) was one of the first convolutional networks for the task. It has three layers, for which the authors write 9-1-5: 64
# filters of 9x9 pixels describe the patch around each pixel; 32 filters of 1x1 map every description to another one;
# one filter of 5x5 puts the overlapping answers together. It upscales *first*, by bicubic interpolation, and repairs
# the result.

# %%
# the paper's model
def srcnn(residual):
    """Build SRCNN 9-1-5; its output is smaller than its input by 6 pixels on every side."""
    picture = keras.Input((None, None, 1))  # of any size, upscaled already
    x = layers.Conv2D(64, 9, activation="relu", kernel_initializer="he_normal")(picture)  # 33x33x1 → 25x25x64
    x = layers.Conv2D(32, 1, activation="relu", kernel_initializer="he_normal")(x)  # → 25x25x32
    x = layers.Conv2D(1, 5, kernel_initializer="zeros" if residual else "glorot_uniform")(x)  # → 21x21x1
    if residual:
        x = layers.Add()([x, layers.Cropping2D(MARGIN)(picture)])
    return keras.Model(picture, x)


MARGIN = (9 - 1) // 2 + (5 - 1) // 2  # what convolutions without padding take away
networks_915 = {name: srcnn(residual) for name, residual in {"SRCNN": False, "SRCNN, residual": True}.items()}
weights = sum(int(np.prod(w.shape)) for w in networks_915["SRCNN"].weights if len(w.shape) == 4)
claim(f"SRCNN 9-1-5 has {weights:,} weights without biases, as the paper counts them", weights == 8_032)

# %% [markdown]
# The paper trains on 91 pictures, or on hundreds of thousands. We have two: the photographs that come with
# scikit-learn, china.jpg and flower.jpg (both CC BY 2.0). The network is **trained on the first and tested on the
# second**; no pixel of the flower is used before the test. Following the paper we downsample with a bicubic filter
# here (with antialiasing: the filter is stretched so that it averages over the pixels that are lost), not by area,
# and the network works on the **luminance** alone, Y = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), because the eye is
# much more precise about brightness than about colour.

# %%
def luminance(picture):
    """Return Y of BT.601, full range: (h, w, 3) in [0, 1] → (h, w) in [0, 1]."""
    return picture @ np.array([0.299, 0.587, 0.114], "float32")


def spoil(picture, factor=2):
    """Downsample a picture (h, w, c) by an antialiased bicubic filter, and upscale it back bicubically."""
    h, w = picture.shape[:2]
    low = tf.image.resize(picture, (h // factor, w // factor), "bicubic", antialias=True)
    return tf.image.resize(low, (h, w), "bicubic").numpy()


china, flower = (picture[:426].astype("float32") / 255 for picture in load_sample_images().images)  # 426x640x3
china_y, flower_y = luminance(china), luminance(flower)
china_low, flower_low = luminance(spoil(china)), luminance(spoil(flower))
first, second = psnr(china_y[None], china_low[None]), psnr(flower_y[None], flower_low[None])
claim(f"Bicubic x2: china.jpg {first:.2f} dB, flower.jpg {second:.2f} dB, more than ten apart", second > first + 10)
plotting.image_grid(np.stack([china, flower]), columns=2, scale=2)

# %% [markdown]
# *Left the photograph that the network learns from, right the one it is tested on.*
#
# The two differ by more than ten dB before any network has been near them: tiles and leaves against a blurred
# background. A PSNR says little without the picture that it was measured on.
#
# The training patches are 33x33 pixels, cut from the whole photograph so that they overlap; the targets are the 21x21
# pixels in their middle. SETTINGS2 (rate, stride, epochs: chosen on the right-hand 128 columns of china.jpg, to be
# confirmed). As a second baseline we take linear regression once more, now from the 9x9 bicubic pixels around a pixel
# to its correction: a single 9x9 filter, the best one for china.jpg.

# %%
def patches(y, size, stride):
    """Cut (h, w) into overlapping squares (n, size, size, 1)."""
    windows = np.lib.stride_tricks.sliding_window_view(y, (size, size))[::stride, ::stride]
    return windows.reshape(-1, size, size, 1)


inputs = patches(china_low, 33, PATCH_STRIDE)
targets = patches(china_y, 33, PATCH_STRIDE)[:, MARGIN:-MARGIN, MARGIN:-MARGIN]  # → 21x21
photo_recipe = RECIPE | {"batch_size": 16, "learning_rate": PHOTO_RATE, "value_range": None}  # bicubic overshoots
for name, network in networks_915.items():
    history = fit(network, inputs, targets, epochs=PHOTO_EPOCHS, loss="mse", verbose=0, **photo_recipe).history
    print(f"{name}: {len(inputs):,} patches, {history['seconds'][-1]:.0f} s")

# %%
def run(network, y):
    """Restore a picture (h, w) whole; its border is repeated, so that none is lost."""
    return network(np.pad(y, MARGIN, mode="edge")[None, :, :, None]).numpy()[0, :, :, 0]


nine = with_one(patches(china_low.astype("float64"), 9, 3))  # every third row and column: plenty for 82 coefficients
lacking = patches(china_y - china_low, 9, 3)[:, 4, 4, 0]  # what bicubic lacks at the pixel in the middle
*kernel, offset = np.linalg.lstsq(nine, lacking, rcond=None)[0]
filtered = flower_low + offset + ndimage.correlate(flower_low, np.reshape(kernel, (9, 9)), mode="nearest")
pictures = {"bicubic": flower_low, "9x9 filter": filtered.astype("float32")}
pictures |= {name: run(network, flower_low) for name, network in networks_915.items()}
added = pictures["SRCNN, residual"] - flower_low
pictures = {name: y.clip(0, 1) for name, y in pictures.items()}
photo_psnr = {name: psnr(flower_y[None], y[None]) for name, y in pictures.items()}
photo_ssim = {name: metrics.ssim(flower_y[None, ..., None], y[None, ..., None]) for name, y in pictures.items()}
for name in pictures:
    print(f"{name:<16}{photo_psnr[name]:.2f} dB, SSIM {photo_ssim[name]:.4f}")

# %%
for name in networks_915:
    record(f"{name} (9-1-5), flower.jpg x2, luminance", photo_psnr[name], "dB PSNR",
           baseline=("bicubic", photo_psnr["bicubic"]), better="higher")  # fmt: skip
cubic, line, plain, best = photo_psnr.values()
claim(f"The 9x9 filter, fitted to the other photograph, is {line - cubic:.2f} dB better than bicubic", line > cubic + 0.5)
claim(f"SRCNN with the residual: {best:.2f} dB, above bicubic ({cubic:.2f}) and the network without it ({plain:.2f})",
      best > max(cubic, plain), needs="full")  # fmt: skip
crop = np.s_[150:230, 240:340]
cut = {"sharp": flower_y[crop]} | {name: y[crop] for name, y in pictures.items()}
plotting.image_grid(np.stack(list(cut.values()))[..., None], columns=3, scale=1.8)

# %% [markdown]
# *A piece of the flower's luminance. Top: sharp, bicubic, the 9x9 filter. Below: SRCNN as in the paper, and with the
# residual.* RESULT6: where the network stands beside bicubic and the 9x9 filter, and whether the plain one has passed
# bicubic in this time.
#
# The paper reports 36.34 dB for 9-1-5 trained on 91 pictures, and 36.66 for 9-5-5 trained on ImageNet, against 33.66
# for bicubic, all x2 on the five pictures of Set5. These are other pictures, days of training instead of seconds, and
# other details of measuring. The numbers may not be compared with ours; even the gains may not, since what bicubic
# lacks depends on the picture.
#
# ## Where bicubic is good enough
#
# Much of the flower's photograph is smooth. There, a picture of half the size has lost next to nothing, and nothing
# can be gained. We cut the flower into blocks of 16x16 pixels and compare errors block by block, in grey levels (root
# mean square, out of 255).

# %%
def blocks(y, size=16):
    """Cut (h, w) into squares: (rows, columns, size, size); what does not fill a square is left out."""
    return np.lib.stride_tricks.sliding_window_view(y, (size, size))[::size, ::size]


def levels(y):
    """Return each block's root mean square error against the flower, in grey levels of 255."""
    return 255 * np.sqrt(((blocks(y) - blocks(flower_y)) ** 2).mean(axis=(2, 3)))


cubic, ours = levels(pictures["bicubic"]), levels(pictures["SRCNN, residual"])
limit = float(np.quantile(cubic, 0.98))
plotting.matrices({"error of bicubic": cubic, "taken away by SRCNN": cubic - ours}, limit=limit, size=4)

# %% [markdown]
# *Left the error of bicubic interpolation in each block of the flower, right how much of it SRCNN with the residual
# takes away (red; blue where it adds some), both in grey levels. The background is white in both: nothing was lost
# there, and nothing is gained. The petals' edges stand out.*
#
# To put numbers to it we sort the blocks by how much the **bicubic** picture changes from pixel to pixel. This can be
# computed without the sharp picture, so that a program could decide by it where a network is worth its time.

# %%
steps = [np.abs(np.diff(blocks(flower_low), axis=axis)).mean(axis=(2, 3)) for axis in (2, 3)]
edges = sum(steps)  # of each block, from the bicubic picture alone
quarters = np.array_split(np.argsort(edges.ravel()), 4)  # the smoothest fourth of the blocks, ..., the busiest
per_quarter = {name: [np.sqrt((e.ravel()[q] ** 2).mean()) for q in quarters] for name, e in
               {"bicubic": cubic, "SRCNN, residual": ours}.items()}  # fmt: skip
saved = [float((cubic.ravel()[q] ** 2 - ours.ravel()[q] ** 2).sum()) for q in quarters]
for k, (b, s) in enumerate(zip(*per_quarter.values(), strict=True)):
    print(f"quarter {k + 1}: bicubic {b:.2f} grey levels ({20 * np.log10(255 / b):.1f} dB), SRCNN {s:.2f}")
b = per_quarter["bicubic"]
claim(f"In the smooth half bicubic is off by at most {b[1]:.2f} grey levels, in the busiest quarter by {b[3]:.1f}",
      b[1] < 1 and b[3] > 10 * b[1])  # fmt: skip
claim(f"The busiest quarter has {saved[3] / sum(saved):.0%} of the squared error that SRCNN takes away",
      saved[3] > 0.8 * sum(saved), needs="full")  # fmt: skip
fig = plotting.bars(per_quarter, xlabel="blocks, by change from pixel to pixel", ylabel="error in grey levels")
fig.axes[0].set_xticks(range(4), ["smoothest quarter", "second", "third", "busiest quarter"])
fig

# %% [markdown]
# *Error in the four quarters of the blocks. In the smooth half, bicubic's is smaller than the step from one grey
# level of the file to the next.*

# %%
order = np.argsort((cubic - ours).ravel())
chosen = np.concatenate([quarters[0][::52][:5], order[-5:]])  # five of the smooth, the five with the largest gain
shown = {name: blocks(y).reshape(-1, 16, 16, 1)[chosen] for name, y in {"sharp": flower_y, **pictures}.items()}
spread = [float(np.ptp(block)) for block in shown["sharp"]]
claim(f"The five smooth blocks span at most {max(spread[:5]):.2f} of the range from black to white, the others at "
      f"least {min(spread[5:]):.2f}", max(spread[:5]) < min(spread[5:]), needs="full")  # fmt: skip
plotting.image_rows({name: shown[name] for name in ("sharp", "bicubic", "SRCNN, residual")})

# %% [markdown]
# *Blocks of 16x16 pixels. Left five of the smoothest quarter, where one picture is as good as the other; right the
# five that SRCNN improves most.*
#
# ## One picture, many PSNRs
#
# Finally a warning. Take the very same restored photograph, and measure it as different papers do. For the colours we
# do what the paper does: the network's luminance, and bicubic colour. That is easily written: adding one number to R,
# G and B alike changes Y by this number (the three weights add up to 1) and leaves the colour differences as they
# were.
#
# - **RGB** or **luminance**: the mean over three channels, or over Y alone.
# - **Full-range** or **studio** luminance: MATLAB's `rgb2ycbcr` gives Y' = 16 + 219 Y on a scale of 255, so that all
#   differences are smaller by 219/255 while the peak stays 255.
# - With or without **shaving** the border, where the filters had no neighbours.
# - Before or after rounding to the **8 bits** in which the picture would be saved.

# %%
def as_measured(picture):
    """Return the PSNR of one restored RGB picture of the flower, by measure."""
    y, true = luminance(picture), flower_y
    inner = np.s_[8:-8, 8:-8]
    pairs = {
        "RGB": (flower, picture),
        "luminance, full range": (true, y),
        "luminance, 16 to 235": ((16 + 219 * true) / 255, (16 + 219 * y) / 255),
        "luminance, 16 to 235, 8 pixels shaved": ((16 + 219 * true[inner]) / 255, (16 + 219 * y[inner]) / 255),
        "luminance, full range, 8 bits": (np.round(255 * true) / 255, luminance(np.round(255 * picture) / 255)),
    }
    return {name: psnr(a[None], b[None]) for name, (a, b) in pairs.items()}


colour = spoil(flower)
by_network = colour + added[..., None]
measured = {"bicubic": as_measured(colour.clip(0, 1)), "SRCNN": as_measured(by_network.clip(0, 1))}
for name in measured["SRCNN"]:
    cubic, ours = (measured[picture][name] for picture in ("bicubic", "SRCNN"))
    print(f"{name:<40}bicubic {cubic:.2f}   SRCNN {ours:.2f}   gain {ours - cubic:+.2f}")

# %%
ours, cubic = measured["SRCNN"], measured["bicubic"]
offset = ours["luminance, 16 to 235"] - ours["luminance, full range"]
claim(f"Studio range adds {offset:.3f} dB, 20 log₁₀(255 / 219)", abs(offset - 20 * np.log10(255 / 219)) < 1e-3)
lower = ours["luminance, full range"] - ours["RGB"]
claim(f"RGB is {lower:.2f} dB below the luminance", lower > 0)
shaved = ours["luminance, 16 to 235, 8 pixels shaved"] - ours["luminance, 16 to 235"]
claim(f"Shaving 8 pixels changes it by {shaved:+.2f} dB: this border is smooth, and was easy", shaved < 0)
span = max(ours.values()) - min(ours.values())
gain = ours["luminance, full range"] - cubic["luminance, full range"]
claim(f"The same picture's PSNRs span {span:.2f} dB; SRCNN's whole gain over bicubic, measured alike, is {gain:.2f} dB",
      span > gain, needs="full")  # fmt: skip
fig = plotting.bars({name: list(values.values()) for name, values in measured.items()}, xlabel="", ylabel="PSNR in dB")
fig.axes[0].set(ylim=(min(cubic.values()) - 1, max(ours.values()) + 0.5))
fig.axes[0].set_xticks(range(5), ["RGB", "Y full", "Y 16-235", "Y 16-235,\nshaved", "Y full,\n8 bits"])
fig

# %% [markdown]
# *Two pictures, the bicubic one and SRCNN's, each measured in five ways (the axis does not start at 0). The measure
# moves a picture's number by more than the network does.*
#
# So a PSNR copied from a paper into a table beside one's own can win or lose by the protocol alone. What can be
# trusted is a difference within one protocol: same pictures, same downsampling, same measure. This is why this lesson
# computes its baselines anew with the measure that it uses for the networks.
#
# ## Recap
#
# 1. Area downsampling leaves 196 or 49 of 784 numbers, and a whole space of images that fit. PSNR here is that of the
#    MSE over all test images, after clipping; bicubic interpolation and linear regression then have the digits noted
#    for these files.
# 2. The lecture's autoencoder treats lost resolution as noise. It works, RESULT7, but its bottleneck throws away what
#    the small picture still knew.
# 3. A network that works on the small pixels, upscales by depth to space in its last step, and adds to the bicubic
#    picture beats linear regression by more than half a dB on both data sets, at x2 and x4.
# 4. RESULT8 (classes). At x4 digits of different classes share a picture. The best answer in squared error is the
#    mean of what fits: blurred.
# 5. An SRCNN trained on one photograph RESULT9 on another, and most of its gain is at edges. The protocol of
#    measuring moves a PSNR by more than that.
#
# ## Try it
#
# - Train the network on Fashion-MNIST x2 and apply it to MNIST x2, and the other way round. How much of what it has
#   learned is about clothes or digits, and how much about area downsampling?
# - Train a classifier on 7x7 pictures directly. Does it make fewer errors than the classifier that reads the restored
#   digits? What does that say about where the information is lost?
# - Swap the photographs: train on the flower, test on china.jpg. Predict first where the gain will be, and whether it
#   will be larger.
#
# ## References
#
# - Lecture: G. Russo Russo and F. Lo Presti, *Autoencoders* (2023/24), image super-resolution.
# - C. Dong, C. C. Loy, K. He and X. Tang, *Image super-resolution using deep convolutional networks*,
#   arXiv:1501.00092, 2015 (SRCNN).
# - W. Shi et al., *Real-time single image and video super-resolution using an efficient sub-pixel convolutional
#   neural network*, arXiv:1609.05158, 2016.
# - J. Kim, J. K. Lee and K. M. Lee, *Accurate image super-resolution using very deep convolutional networks*,
#   arXiv:1511.04587, 2016 (the residual).
# - R. Keys, *Cubic convolution interpolation for digital image processing*, IEEE Transactions on Acoustics, Speech,
#   and Signal Processing 29, 1981.
# - Z. Wang et al., *Image quality assessment: from error visibility to structural similarity*, IEEE Transactions on
#   Image Processing 13, 2004.
# - Photographs: china.jpg and flower.jpg of scikit-learn, CC BY 2.0.
