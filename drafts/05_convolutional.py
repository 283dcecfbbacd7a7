# %% [markdown]
# # 05 · Convolutional autoencoders
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/05_convolutional.ipynb)
#
# > Small filters instead of full matrices: how an image shrinks to a code, and five ways to let it grow again.
#
# ## In this lesson
#
# 1. Pool a 4x4 image by hand, and undo it by nearest neighbour, bilinear, bed of nails and max-unpooling.
# 2. Build a transposed convolution from stamps, and see that it is the transpose, and the gradient, of a convolution.
# 3. Rebuild the autoencoder of EE-559 layer by layer, count its parameters and its work, and train it a little.
# 4. Compare a cheaper convolutional autoencoder with PCA at codes of 2, 4, 8, 16 and 32 numbers.
# 5. Turn colour images into vectors and back.

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
from sklearn.decomposition import PCA

from utils import metrics, models, plotting
from utils.claims import budget, claim, record, start
from utils.data import load
from utils.layers import BedOfNails2D, MaxPoolingWithIndices2D, MaxUnpooling2D
from utils.training import fit

start("05", seed=1)
CODES = (2, 4, 8, 16, 32)  # numbers per image
RECIPE = {"batch_size": 100, "learning_rate": 3e-3, "optimizer": partial(keras.optimizers.Adam, beta_2=0.99)}
LECTURE_IMAGES = budget(quick=512, full=30_000)  # that EE-559's network sees, once
SWEEP_IMAGES = budget(quick=2_000, full=60_000)
SWEEP_EPOCHS = budget(quick=1, full=4)
COLOUR_EPOCHS = budget(quick=1, full=20)
COLOUR_IMAGES = budget(quick=1_000, full=10_000)
COLOUR_CODE = 64
LECTURE_RATE = 1e-3

# %% [markdown]
# ## Pooling forgets where
#
# The dense layers of the lessons before treat an image as a list of 784 numbers. Shuffle the pixels, the same way
# in all images, and they learn exactly as well. A **convolutional** layer knows that pixels have neighbours. It
# slides one small filter over the image, so that a stroke found in one corner is found in every other corner with
# the same few weights. A convolutional autoencoder has to shrink the image on its way to the code, and to let it
# grow again on the way back. This lesson first looks at the ways to do both on an example small enough to follow with
# a pencil: the lectures' image of 4x4 pixels.
#
# **Max-pooling** cuts the image into windows of 2x2 pixels and keeps the largest value of each. Beside it we note
# *where* in its window the largest value stood: 0 for top left, 1 for top right, 2 and 3 for the row below.

# %%
# NBVAL_CHECK_OUTPUT
image = np.array([[20, 14, 50, 94], [31, 78, 27, 23], [73, 12, 33, 47], [52, 45, 19, 17]])
windows = image.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(2, 2, 4)  # 4x4 → 2x2 windows of 4 pixels
maxima, indices = windows.max(axis=-1), windows.argmax(axis=-1)
print(f"image\n{image}\nmaxima\n{maxima}\nindices\n{indices}")

# %% [markdown]
# Of 16 numbers, 4 are left. Nothing can bring the other 12 back; an upsampling can only choose what to put in
# their places, and the lectures show four choices that have nothing to learn:
#
# - **Nearest neighbour** repeats each value over its window.
# - **Bilinear interpolation** puts each value in the middle of its window and draws straight lines between them.
# - **Bed of nails** puts each value in the top left corner of its window, and zeros elsewhere.
# - **Max-unpooling** does the same, but puts the value back where the index says that it came from.

# %%
# NBVAL_CHECK_OUTPUT
nearest = maxima.repeat(2, axis=0).repeat(2, axis=1)  # 2x2 → 4x4
weights = np.array([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])  # of the two values, at four places along a line
bilinear = weights @ maxima @ weights.T
nails = np.kron(maxima, [[1, 0], [0, 0]])
filled = np.zeros_like(windows)
np.put_along_axis(filled, indices[..., None], maxima[..., None], axis=-1)
unpooled = filled.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)
print(f"nearest\n{nearest}\nbilinear\n{bilinear}\nbed of nails\n{nails}\nmax-unpooling\n{unpooled}")

# %% [markdown]
# The layers that we will use must agree with the pencil. The first two are Keras' own, `UpSampling2D`; the others are
# in `utils.layers`, because Keras has a max-pooling, but none that returns the indices.

# %%
pixels = image[None, :, :, None].astype("float32")  # one image of one channel: 1x4x4x1
pooled, places = MaxPoolingWithIndices2D()(pixels)  # → 1x2x2x1, twice
upsampled = {
    "nearest": (nearest, layers.UpSampling2D(interpolation="nearest")(pooled)),
    "bilinear": (bilinear, layers.UpSampling2D(interpolation="bilinear")(pooled)),
    "bed of nails": (nails, BedOfNails2D()(pooled)),
    "max-unpooling": (unpooled, MaxUnpooling2D()(pooled, places)),
}
for name, (by_hand, layer) in upsampled.items():
    claim(f"{name}: the layer agrees with the pencil", np.allclose(by_hand, np.squeeze(layer)))
plotting.matrices({"image": image / 100, "max-pooled": maxima / 100} | {n: u / 100 for n, (u, _) in upsampled.items()}, size=1.6)

# %% [markdown]
# *The 4x4 image, its four maxima, and the four ways back; values divided by 100, darker is larger. Nearest and
# bilinear fill every pixel. The other two leave three of four pixels at zero, and only max-unpooling has the
# values in their old places.*
#
# Which of the four is nearest to the original? On real digits we can measure it.

# %%
mnist = load("mnist")
print(mnist.provenance)
x = mnist.x_test[:1000]  # 1000x28x28x1
pooled, places = MaxPoolingWithIndices2D()(x)  # → 1000x14x14x1
ways = {
    "nearest": layers.UpSampling2D(interpolation="nearest")(pooled),
    "bilinear": layers.UpSampling2D(interpolation="bilinear")(pooled),
    "bed of nails": BedOfNails2D()(pooled),
    "max-unpooling": MaxUnpooling2D()(pooled, places),
}
ways = {name: np.asarray(up) for name, up in ways.items()}  # → 1000x28x28x1
errors = {name: metrics.mse(x, up) for name, up in ways.items()}
plotting.image_rows({"28x28": x[:12]} | {f"{name}\n{errors[name]:.3f}": up[:12] for name, up in ways.items()})

# %% [markdown]
# *Digits pooled to 14x14 and brought back, with the MSE per pixel over 1,000 digits. Nearest and bilinear make
# strokes fatter, since each window now has the brightness of its brightest pixel. The other two show a digit
# through a sieve.*
#
# That max-unpooling never does worse than the bed of nails is no accident of these digits. In both, three pixels of a
# window are zero, so the error depends only on where the maximum m goes. At home it costs nothing there. In the
# corner, where the pixel is c ≤ m, it costs (m − c)² at the corner and m² at its home, in place of c²; together
# that is 2m(m − c) more, which is never negative for pixels that are not.
#
# Then why bother with indices, when bilinear interpolation has the smallest error? Because in a network this is not
# the end: convolutions follow, which can fill gaps, but cannot know where a stroke ran if nobody tells them. The
# indices tell them. They have to come from somewhere, though. For a layer with 32 channels they are as many bits
# as several hundred numbers, and in an autoencoder they would have to travel beside the code, which would then
# hardly be the bottleneck any more. So max-unpooling is at home where the decoder may look at the encoder: in SegNet,
# which labels every pixel of a scene and is the subject of lesson 06. An autoencoder that compresses an image to a
# vector must do without.

# %%
per_image = {name: metrics.squared_error(x, up) for name, up in ways.items()}
claim("On every single image, max-unpooling's error is at most that of the bed of nails",
      bool((per_image["max-unpooling"] <= per_image["bed of nails"] + 1e-4).all()))  # fmt: skip
order = sorted(errors, key=errors.get)
claim(f"From the smallest error to the largest: {', '.join(f'{n} {errors[n]:.3f}' for n in order)}",
      order == ["bilinear", "nearest", "max-unpooling", "bed of nails"], needs="data")  # fmt: skip
bits = 14 * 14 * 32 * 2  # of a layer with 32 channels
claim(f"The indices of 14x14x32 windows take {bits:,} bits: as many as {bits // 32} numbers of 32 bits", bits == 32 * 392)

# %% [markdown]
# ## The way back is a mask
#
# Training needs gradients, and max-pooling's are simple: the gradient flows back to the pixel that was the maximum,
# and to no other. Pool and unpool in one go, and image and gradient pass through the same mask, 1 at the maxima and
# 0 elsewhere. Where a window holds its maximum several times, our layer takes the first in reading order. This is a
# convention, but one has to be chosen: empty windows are full of such ties.

# %%
weight = np.random.default_rng(1).normal(size=x[:8].shape).astype("float32")
variable = tf.Variable(x[:8])
with tf.GradientTape() as tape:
    through = MaxUnpooling2D()(*MaxPoolingWithIndices2D()(variable))
    value = tf.reduce_sum(weight * through)
gradient = tape.gradient(value, variable).numpy()
mask = MaxUnpooling2D()(np.ones((8, 14, 14, 1), "float32"), places[:8]).numpy()  # 1 at each first maximum
claim("One pixel of each window passes: the mask's mean is 1/4", mask.mean() == 0.25)
claim("The image passes through the mask, and so does the gradient",
      np.array_equal(through, mask * x[:8]) and np.array_equal(gradient, mask * weight))  # fmt: skip
plotting.image_rows({"image": x[:8], "mask": mask, "image after\npool, unpool": through.numpy()})

# %% [markdown]
# *Digits, the mask of their maxima, and what is left of them. On empty windows the mask shows the convention: the top
# left pixel of each.*
#
# ## A transposed convolution is made of stamps
#
# The upsamplings so far have nothing to learn. The **transposed convolution** does: every pixel of the small image
# stamps one and the same k×k kernel into the large one, weighted by the pixel's value. Neighbouring stamps are
# `stride` pixels apart, and where they overlap they add up. So n pixels in a row become (n − 1)·stride + k.

# %%
# NBVAL_CHECK_OUTPUT
def stamp(x, kernel, stride):
    """Transposed convolution of one channel: every pixel of x stamps the kernel."""
    k = len(kernel)
    out = np.zeros([(n - 1) * stride + k for n in x.shape])
    for i, j in np.ndindex(x.shape):
        out[i * stride : i * stride + k, j * stride : j * stride + k] += x[i, j] * kernel
    return out


small = np.array([[1, 2], [3, 4]])
kernel = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]])
large = stamp(small, kernel, stride=2)  # 2x2 → 5x5
print(large)

# %%
panels = {}
for place in np.ndindex(2, 2):
    alone = np.zeros_like(small)
    alone[place] = small[place]
    panels[f"stamp of the {small[place]}"] = stamp(alone, kernel, 2) / 16
layer = layers.Conv2DTranspose(1, 3, strides=2, use_bias=False)
layer.build((None, 2, 2, 1))
layer.set_weights([kernel.reshape(3, 3, 1, 1)])
by_keras = np.squeeze(layer(small.reshape(1, 2, 2, 1).astype("float32")))
claim("Keras' Conv2DTranspose gives the same 5x5 numbers", np.array_equal(by_keras, large))
plotting.matrices(panels | {"their sum": large / 16}, size=1.6)

# %% [markdown]
# *Four stamps of one kernel, two pixels apart, and their sum; values divided by 16.*
#
# ## Why it is called transposed
#
# A convolution is linear, so it is some matrix M: for our kernel with stride 2, from the 25 pixels of a 5x5 image to
# 4 numbers. Each row of M holds the kernel, placed where the filter looks. Its transpose Mᵀ leads from 4
# numbers to 25 pixels. Column by column it places the kernel where the filter *had* looked, which is
# exactly what the stamps do. It goes back in shape only: Mᵀ is not the inverse of M, and a convolution followed by its
# transpose does not return the image.
#
# Two consequences can be checked without writing down any matrix. For any y and x the inner products
# ⟨conv(y), x⟩ and ⟨y, convᵀ(x)⟩ agree. And since the gradient of ⟨My, x⟩ with respect to y is Mᵀx, a transposed
# convolution is what backpropagation computes for every convolution anyway. Frameworks use the same code for both.

# %%
def convolve(y, kernel, stride):
    """Convolution of one channel as in neural networks: the kernel is not flipped, the border not padded."""
    looks = np.lib.stride_tricks.sliding_window_view(y, kernel.shape)[::stride, ::stride]  # h'xw'xkxk
    return np.einsum("ijkl,kl->ij", looks, kernel)


matrix = np.stack([convolve(unit.reshape(5, 5), kernel, 2).ravel() for unit in np.eye(25)], axis=1)  # 4x25
y = np.random.default_rng(1).normal(size=(5, 5))
variable = tf.Variable(y.reshape(1, 5, 5, 1))
with tf.GradientTape() as tape:
    conv = keras.ops.conv(variable, kernel.reshape(3, 3, 1, 1).astype("float64"), strides=2)
    value = tf.reduce_sum(conv * small.reshape(1, 2, 2, 1))
gradient = tape.gradient(value, variable).numpy().reshape(5, 5)
inner = (convolve(y, kernel, 2) * small).sum(), (y * large).sum()
claim("The stamps are the transposed matrix", np.array_equal((matrix.T @ small.ravel()).reshape(5, 5), large))
claim(f"⟨conv(y), x⟩ = {inner[0]:.6f} = ⟨y, convᵀ(x)⟩", abs(inner[0] - inner[1]) < 1e-9)
claim("The gradient of the convolution, by autodiff, is the stamped image", np.allclose(gradient, large))

# %% [markdown]
# There is a third way to see it, and it connects the two families: a transposed convolution is a bed of nails
# followed by an ordinary convolution with the flipped kernel. The nails spread the pixels out, the kernel fills the
# gaps. In this picture the filter moves by one pixel of the large image, which is half a pixel of the small one. A
# lecture puts this as "convolution with fractional stride < 1".
#
# The picture also warns. With stride 2 and a 3x3 kernel, pixels between two stamps get paint from both, others
# from one only. Networks have to learn to even this out, and often they do not quite: generated images then show
# a faint **checkerboard** (Odena et al., 2016). A kernel size that is a multiple of the stride avoids it, away
# from the border.

# %%
nails = np.squeeze(BedOfNails2D()(small.reshape(1, 2, 2, 1).astype("float32")))[:3, :3]  # without the last zeros
filled = convolve(np.pad(nails, 2), kernel[::-1, ::-1], 1)  # 3x3, padded to 7x7 → 5x5
claim("Bed of nails, then a convolution with the flipped kernel: the same 5x5 numbers", np.array_equal(filled, large))
flat = {f"{k}x{k}, stride 2": stamp(np.ones((6, 6)), np.ones((k, k)), 2) for k in (3, 4)}
inside = {name: set(np.unique(out[2:-2, 2:-2])) for name, out in flat.items()}
claim("Stamps per pixel, away from the border: 1, 2 or 4 for a 3x3 kernel, always 4 for a 4x4 kernel",
      list(inside.values()) == [{1, 2, 4}, {4}])  # fmt: skip
plotting.matrices({name: out / 4 for name, out in flat.items()}, size=2.2)

# %% [markdown]
# *How many stamps reach each pixel, divided by 4, for a small image of 6x6 ones. The 3x3 kernel leaves a
# checkerboard, the 4x4 kernel none but at the border.*
#
# ## EE-559's autoencoder
#
# With these parts we can read the network of the lecture EE-559. Its encoder has no pooling at all: two of its five
# convolutions have stride 2, and none pads the border, so that every one of them shrinks the image until the last
# filter covers all of the 4x4 that is left. What comes out is 1x1 pixel with d channels: the code. The decoder
# answers each convolution with a transposed one of the same kernel and stride, in reverse order. There is a ReLU
# between the layers, but none at the code and none at the output.

# %%
# the lecture's model
d = 8
lecture_encoder = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, 5, activation="relu"),  # 28x28x1 → 24x24x32
    layers.Conv2D(32, 5, activation="relu"),  # → 20x20x32
    layers.Conv2D(32, 4, strides=2, activation="relu"),  # → 9x9x32
    layers.Conv2D(32, 3, strides=2, activation="relu"),  # → 4x4x32
    layers.Conv2D(d, 4, name="code"),  # → 1x1xd
    layers.Flatten(),  # → d
])  # fmt: skip
lecture_decoder = keras.Sequential([
    keras.Input((d,)),
    layers.Reshape((1, 1, d)),
    layers.Conv2DTranspose(32, 4, activation="relu"),  # 1x1xd → 4x4x32
    layers.Conv2DTranspose(32, 3, strides=2, activation="relu"),  # → 9x9x32
    layers.Conv2DTranspose(32, 4, strides=2, activation="relu"),  # → 20x20x32
    layers.Conv2DTranspose(32, 5, activation="relu"),  # → 24x24x32
    layers.Conv2DTranspose(1, 5),  # → 28x28x1
])  # fmt: skip

# %% [markdown]
# Beside the shapes we count the work. A convolution multiplies every weight of its kernel once for every pixel that
# it *produces*, a transposed convolution once for every pixel that it *reads*.

# %%
# NBVAL_CHECK_OUTPUT
def table(*parts):
    """Print shape, parameters and multiplications of every layer with weights; return the multiplications."""
    total = 0
    for layer in (layer for part in parts for layer in part.layers if layer.weights):
        (h, w, *_), name = (*layer.output.shape[1:], 1), layer.__class__.__name__
        if name == "Conv2DTranspose":
            h, w = layer.input.shape[1:3]
        work = (1 if name == "Dense" else h * w) * int(np.prod(layer.kernel.shape))
        shape = "x".join(map(str, layer.output.shape[1:]))
        print(f"{name:<16}{'x'.join(map(str, layer.kernel.shape)):>10}{shape:>12}{layer.count_params():>9,}{work:>12,}")
        total += work
    return total


print(f"{'layer':<16}{'kernel':>10}{'output':>12}{'params':>9}{'products':>12}")
lecture_work = table(lecture_encoder, lecture_decoder)
lecture_count = lecture_encoder.count_params() + lecture_decoder.count_params()
claim(f"{lecture_count:,} parameters, {lecture_work:,} multiplications per image", lecture_count == 112_457)

# %%
shapes = [layer.output.shape[1:] for part in (lecture_encoder, lecture_decoder) for layer in part.layers if layer.weights]
slides = [(24, 32), (20, 32), (9, 32), (4, 32), (1, 8), (4, 32), (9, 32), (20, 32), (24, 32), (28, 1)]
claim("Every shape is the one on the slides", shapes == [(size, size, channels) for size, channels in slides])
dense = models.hinton_salakhutdinov(30)
dense_work = sum(int(np.prod(w.shape)) for w in dense.weights if len(w.shape) == 2)
claim(f"Lesson 02's dense 784-1000-500-250-30: {dense.count_params():,} parameters, {dense_work:,} multiplications",
      dense.count_params() > 20 * lecture_count and dense_work < lecture_work / 5)  # fmt: skip

# %% [markdown]
# Few parameters, much work: that is the bargain of convolutions. The dense network has one use for each of its
# weights per image; here a weight is used once for every place in the image. More than four fifths of the work is in
# the two 5x5 layers with 32 channels on both sides. This is why we train the lecture's network for a moment only: an
# epoch of 60,000 images takes it about 70 seconds on the two processor cores for which this course is written
# (on a graphics card, a second or two). It sees a part of the training images, each once.
#
# Loss and optimizer are the lecture's, with one difference that makes none. The lecture minimises ½‖x̂ − x‖², averaged
# over the batch; this course leaves out the ½. Adam divides every gradient by its own recent size, so a constant
# factor in the loss cancels.

# %%
lecture = models.Autoencoder(lecture_encoder, lecture_decoder)
history = fit(lecture, mnist.x_train[:LECTURE_IMAGES], epochs=1, batch_size=64, learning_rate=LECTURE_RATE)
lecture_error = metrics.mse(mnist.x_test, lecture.reconstruct(mnist.x_test))
print(f"{history.history['seconds'][-1]:.0f} s, test MSE {lecture_error:.4f}")

# %% [markdown]
# PCA is the yardstick as in lesson 01: fitted on all 60,000 training images, measured on the 10,000 test images, in
# MSE per pixel.

# %%
train, test = (x.reshape(len(x), 784) for x in (mnist.x_train, mnist.x_test))
pca = PCA(max(CODES), svd_solver="covariance_eigh").fit(train)


def pca_reconstruct(pca, x, d):
    """Project images on the first d directions of the PCA, and back."""
    directions = pca.components_[:d]
    return ((x.reshape(len(x), -1) - pca.mean_) @ directions.T @ directions + pca.mean_).reshape(x.shape)


pca_errors = {d: metrics.mse(mnist.x_test, pca_reconstruct(pca, mnist.x_test, d)) for d in CODES}
NOTED = {2: 0.0557, 4: 0.0479, 8: 0.0374, 16: 0.0269, 32: 0.0168}  # in lesson 01
found = ", ".join(f"{e:.4f} (d = {d})" for d, e in pca_errors.items())
claim(f"PCA: {found}", all(abs(pca_errors[d] - e) <= 5e-5 for d, e in NOTED.items()), needs="data")
record("EE-559's network, d = 8, half an epoch, MNIST", lecture_error, "MSE per pixel", baseline=("PCA-8", pca_errors[8]))
claim(f"EE-559's network, d = 8: {lecture_error:.4f}, below PCA-8's {pca_errors[8]:.4f}", lecture_error < pca_errors[8], needs="full")
shown = mnist.x_test[:12]
plotting.image_rows({"X": shown, "EE-559, d = 8": lecture.reconstruct(shown), "PCA, d = 8": pca_reconstruct(pca, shown, 8)})

# %% [markdown]
# *Twelve test images, EE-559's network after its short training, and PCA with the same eight numbers. The network's
# digits have edges and empty backgrounds; PCA's are clouds.*
#
# ## The same idea, cheaper
#
# Where could we save? Most of the work happens at 20x20 and 24x24 pixels with 32 channels. If already the *first*
# convolution has stride 2, all later ones see a quarter of the pixels. `models.convolutional` does this: two
# convolutions halve the image to 14x14 and 7x7, with kernels of 4x4 (a multiple of the stride, against
# checkerboards), padded at the border so that the sizes divide evenly. Then we spend parameters where they cost
# little work: a dense layer of 512 units between the last feature maps and the code. By then the image is small
# enough that the question is no longer *where* a stroke is but how the strokes together make a digit, and that
# is a question about the whole image. The sigmoid at the end keeps the output in [0, 1] as the pixels are.

# %%
# NBVAL_CHECK_OUTPUT
small = models.convolutional(8)
small_work = table(small.encoder, small.decoder)
claim(f"{small.count_params():,} parameters, {small_work:,} multiplications per image: EE-559's network needs "
      f"{lecture_work / small_work:.0f} times as many multiplications", lecture_work > 9 * small_work)  # fmt: skip

# %% [markdown]
# ## Five code sizes
#
# Now the lecture's comparison: the same test images through codes of 2, 4, 8, 16 and 32 numbers, once
# with a convolutional autoencoder and once with PCA. The settings of the training were chosen on the last 5,000
# training images, kept aside for that; the five models here are then trained on all 60,000. The test images serve
# for the report only.

# %%
sweep = {}
for d in CODES:
    sweep[d] = models.convolutional(d)
    history = fit(sweep[d], mnist.x_train[:SWEEP_IMAGES], epochs=SWEEP_EPOCHS, verbose=0, **RECIPE)
    print(f"d = {d}: {history.history['seconds'][-1]:.0f} s")

# %%
rows = {"X": shown}
for d, model in sweep.items():
    rows |= {f"CNN, d = {d}": model.reconstruct(shown), f"PCA, d = {d}": pca_reconstruct(pca, shown, d)}
plotting.image_rows(rows, scale=0.7)

# %% [markdown]
# *Top: test images. Below, in pairs: the convolutional autoencoder and PCA with the same number of numbers per image.*
#
# Two numbers are enough for the autoencoder to draw something that is clearly a digit, though at times the wrong
# one. It cannot say "I am not sure" in any other way than by drawing a compromise, and with a curved surface of
# digits to choose from, the compromise is again a digit. PCA's two numbers mix two fixed pictures, and
# the result is a smear. With more numbers both improve, and the autoencoder at each d looks about as good as PCA
# with several times as many.

# %%
errors = {d: metrics.mse(mnist.x_test, model.reconstruct(mnist.x_test)) for d, model in sweep.items()}
for d, e in errors.items():
    record(f"Convolutional autoencoder, d = {d}, MNIST", e, "MSE per pixel", baseline=(f"PCA-{d}", pca_errors[d]), headline=d in (8, 32))
plotting.curves(
    {"convolutional autoencoder": (CODES, list(errors.values())), "PCA": (CODES, list(pca_errors.values()))},
    xlabel="d, numbers per image", ylabel="test MSE per pixel", log=True, markers=True, levels={".0042": 0.0042},
)  # fmt: skip

# %% [markdown]
# *Test error against the size of the code, logarithmic. The gap widens with d: it is a nearly constant distance below PCA
# at first, and a larger one at d = 32.*

# %%
parts = {d: e / pca_errors[d] for d, e in errors.items()}
shares = ", ".join(f"{part:.0%} (d = {d})" for d, part in parts.items())
claim(f"Error as a part of PCA's: {shares}; below it at every d", max(parts.values()) < 1, needs="full")
claim("At most half of PCA's at d = 8, 16 and 32", max(parts[d] for d in (8, 16, 32)) <= 0.5, needs="full")
claim(f"d = 32: {errors[32]:.5f}, at most a quarter of PCA's error (.0042)", errors[32] <= 0.0042, needs="full")

# %% [markdown]
# ## A colour image to a vector and back
#
# Nothing changes for colour images but the number of channels: a filter of the first layer now has three, one per
# colour, and the last layer produces three. A lecture shows it as "3D RGB image to 1D vector". We take the
# photographs of CIFAR-10, 32x32 pixels of airplanes, cats, ships and so on: 3,072 numbers, as many as four digits.

# %%
cifar = load("cifar10")
print(cifar.provenance)
colour = models.convolutional(COLOUR_CODE, filters=(32, 64), input_shape=(32, 32, 3))
history = fit(colour, cifar.x_train[:COLOUR_IMAGES], epochs=COLOUR_EPOCHS, verbose=0, **RECIPE)
codes = colour.encode(cifar.x_test)  # nx32x32x3 → nx64
print(f"{history.history['seconds'][-1]:.0f} s; images {cifar.x_test.shape[1:]} → codes {codes.shape[1:]}")

# %% [markdown]
# The line says UNVERIFIED where the file at hand is not the official one, such as a part of the 60,000 images; then
# our numbers are those of this part, and not comparable with anybody else's. Where there is no file at all,
# patches of two photographs stand in.

# %%
train = cifar.x_train.reshape(len(cifar.x_train), -1)
colour_pca = PCA(COLOUR_CODE, svd_solver="covariance_eigh").fit(train)
shown = cifar.x_test[:12]
copies = {"CNN": colour.reconstruct(shown), "PCA": pca_reconstruct(colour_pca, shown, COLOUR_CODE)}
plotting.image_rows({"X": shown} | {f"{name}, d = {COLOUR_CODE}": copy for name, copy in copies.items()})

# %% [markdown]
# *Photographs, and what 64 numbers keep of them.*

# %%
colour_error = metrics.mse(cifar.x_test, colour.reconstruct(cifar.x_test))
colour_pca_error = metrics.mse(cifar.x_test, pca_reconstruct(colour_pca, cifar.x_test, COLOUR_CODE))
record(f"Convolutional autoencoder, d = {COLOUR_CODE}, CIFAR-10 (10,000 images)", colour_error, "MSE per pixel",
       baseline=(f"PCA-{COLOUR_CODE}", colour_pca_error))  # fmt: skip
claim(f"CIFAR-10, 64 numbers: {colour_error:.5f}, PCA {colour_pca_error:.5f}", colour_error < colour_pca_error, needs="full")

# %% [markdown]
# ## Recap
#
# 1. Max-pooling keeps one value of each window. Nearest neighbour and bilinear interpolation spread it over the
#    window; bed of nails and max-unpooling leave zeros around it, the latter with the value in its old place. No
#    upsampling knows the values that were dropped.
# 2. A transposed convolution stamps its kernel for every pixel. It is the transposed matrix of a convolution, the
#    gradient of a convolution, and a bed of nails followed by a convolution. It restores the shape, not the values.
# 3. EE-559's autoencoder has 112,457 parameters at d = 8, and needs 24 million multiplications per image: few
#    weights, each used in hundreds of places.
# 4. Striding early and spending the parameters in a dense layer gives a network with about a tenth of that work.
#    At every code size it is below PCA, and at 8 numbers and more below half of PCA's error.
# 5. A colour image is three channels in, three channels out, and one vector in between.
#
# ## Try it
#
# - Shuffle the pixels of all images with one fixed permutation. What happens to PCA's errors, to the dense
#   autoencoder's of lesson 02, and to the convolutional one's? Predict first.
# - Replace the 4x4 kernels by 3x3 or 5x5 (`kernel_size=`). Is there a checkerboard in the pictures, or in the
#   difference between picture and image, of a network that has been trained for a few hundred steps only?
# - Leave out the dense hidden layer, so that the code follows the last convolution directly. At which d does it
#   matter most?
#
# ## References
#
# - Lectures: F. Fleuret, *Deep learning* EE-559, 9.2 (2019), the architecture and the comparison with PCA;
#   D. Lingrand, *Autoencoder* (2021), the pooling example; G. Russo Russo and F. Lo Presti, *Autoencoders* (2023/24),
#   fractional strides; and the lecture with the decoder's layers and the RGB image (lecture 004).
# - V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep learning*, arXiv:1603.07285, 2016.
# - A. Odena, V. Dumoulin and C. Olah, *Deconvolution and checkerboard artifacts*, Distill, 2016.
# - V. Badrinarayanan, A. Kendall and R. Cipolla, *SegNet*, arXiv:1511.00561, 2015.
# - M. Zeiler, G. Taylor and R. Fergus, *Adaptive deconvolutional networks for mid and high level feature learning*,
#   ICCV 2011 (unpooling with indices, there called switches).
# - A. Krizhevsky, *Learning multiple layers of features from tiny images*, 2009 (CIFAR-10).
