# %% [markdown]
# # 03 · Greedy layer-wise stacking
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/03_greedy_layerwise_stacking.ipynb)
#
# > Train a deep autoencoder one layer at a time, fine-tune it, and see when that still pays; then tie its weights.
#
# ## In this lesson
#
# 1. Train 784-128-64-32 block after block, each on the codes of the one before, with the lecture's own recipe.
# 2. Assemble the stack, give it one output layer, fine-tune it, and compare with training everything at once,
#    by error and by seconds.
# 3. Keep the blocks' decoders instead (the mirrored stack), and repeat the comparison with modern recipes.
# 4. See what greedy training was invented for: deep networks of sigmoid units, which hardly learn from scratch.
# 5. Tie the decoder's weights to the encoder's, count what that saves, and check the gradient.

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
import time
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from utils import metrics, models, plotting, stacking
from utils.claims import budget, claim, record, start
from utils.data import load
from utils.training import ErrorByTime, fit

start("03", seed=1)
WIDTHS = (128, 64, 32)  # the last one is the code
IMAGES = budget(quick=6_000, full=60_000)  # training images
GREEDY = budget(quick=1, full=4)  # epochs for every block
TUNING = budget(quick=1, full=16)  # epochs for the assembled stack
EPOCHS = GREEDY + TUNING  # end to end: as many as every layer of the stack gets
SETTINGS = {"verbose": 0, "xla": budget(quick=False, full="auto")}  # compiling pays in long runs only
adagrad = partial(keras.optimizers.Adagrad, initial_accumulator_value=0.0, epsilon=1e-10)  # as in Torch
adam = partial(keras.optimizers.Adam, beta_2=0.99)
LECTURE = SETTINGS | {"batch_size": 150, "learning_rate": 0.01, "schedule": "constant", "optimizer": adagrad}
ADAM = SETTINGS | {"batch_size": 128, "learning_rate": 2e-3, "optimizer": adam}
MUON = SETTINGS | {"batch_size": 128, "learning_rate": 0.02, "optimizer": keras.optimizers.Muon}

# %% [markdown]
# ## One block at a time
#
# Lesson 02 trained seven layers at once and thought nothing of it. In 2006 that was remarkable: networks of this
# depth were widely held to be untrainable. What made them trainable was a detour, called **greedy layer-wise
# training**. It never trains more than one hidden layer:
#
# 1. Train an autoencoder 784-128-784 on the images. This is the first **block**.
# 2. Drop its decoder. What remains turns every image into 128 numbers.
# 3. Take these codes as a new data set, and train a block 128-64-128 on them.
# 4. Drop its decoder, encode the codes, train a block 64-32-64, and so on.
#
# It is called greedy because every block does the best it can for itself and is never revised in the light of what
# comes later. In exchange each step is easy, a network of one hidden layer, and cheap: the inner blocks have
# small inputs.
#
# The recipe is the lecture's: Adagrad at the rate 0.01, batches of 150 images, cross-entropy on the pixels, ReLU
# codes. (It trains for 400 epochs; we have a few minutes, and give every method the same few epochs.) One thing
# must differ. The lecture's program puts a sigmoid and the cross-entropy on *every* block. But the inner blocks
# reconstruct ReLU codes, and these are not probabilities.

# %%
mnist = load("mnist")
print(mnist.provenance)
train, test = mnist.x_train[:IMAGES], mnist.x_test


def block(inputs, units, output, loss):
    """An autoencoder with one hidden layer of ReLU units."""
    encoder = keras.Sequential([keras.Input((inputs,)), layers.Dense(units, activation="relu")])
    decoder = keras.Sequential([keras.Input((units,)), layers.Dense(inputs, activation=output)])
    return models.Autoencoder(encoder, decoder, loss)


# %%
codes, blocks, begin = train.reshape(len(train), 784), [], time.perf_counter()
for width in WIDTHS:  # 784 → 128 → 64 → 32
    output, loss = ("relu", "mse") if blocks else ("sigmoid", "bce")  # codes are no probabilities, pixels may be
    blocks.append(block(codes.shape[1], width, output, loss))
    fit(blocks[-1], codes, epochs=GREEDY, value_range=None, **LECTURE)
    codes = blocks[-1].encode(codes)
    print(f"block {len(blocks)} trained after {time.perf_counter() - begin:.1f} s, largest code {codes.max():.1f}")
greedy_seconds = time.perf_counter() - begin
claim(f"ReLU codes leave [0, 1]: the innermost reach {codes.max():.1f}", codes.max() > 1)

# %% [markdown]
# For a target above 1 the cross-entropy has no minimum. Its term (1−x) log(1−x̂) changes its sign, and the loss sinks
# without limit as the sigmoid saturates. So our inner blocks have a ReLU output, whose range is that of the
# codes, and squared error.
#
# How much does each level lose? Encode the test images through one, two or three blocks, and decode them through
# the same blocks in reverse.

# %%
def through(depth, x):
    """Encode images with the first blocks, and decode them with the same blocks' decoders."""
    z = x.reshape(len(x), 784)
    for part in blocks[:depth]:
        z = part.encode(z)
    for part in reversed(blocks[:depth]):
        z = part.decode(z)
    return z.reshape(x.shape)


levels = [metrics.mse(test, through(depth, test)) for depth in (1, 2, 3)]
print("test MSE after 1, 2, 3 blocks:", ", ".join(f"{error:.4f}" for error in levels))
claim("every further block adds to the error", levels[0] < levels[1] < levels[2], needs="full")
plotting.image_rows({"test image": test[:12]} | {f"through {w} units": through(k + 1, test[:12]) for k, w in enumerate(WIDTHS)})

# %% [markdown]
# *Test images, and what is left of them after one, two and three blocks. Each level blurs a little more what the
# level before it hands over.*
#
# This is the weakness of the greedy idea. The second block minimises an error *in codes*, where every unit counts
# the same. It cannot know that one unit draws a whole stroke and another one hardly anything. And what the
# first block has thrown away, no later block can bring back.
#
# ## Assemble and fine-tune
#
# Now the stack is assembled: the image, the three trained encoders on top of each other, and finally **one new
# output layer** from the 32 units of the code straight to the 784 pixels. We train it in three ways.
#
# - **Greedy alone**: only the new output layer is trained; the stack stays as it is.
# - **Greedy + fine-tuning**: afterwards all layers are trained together, from where greedy training left them.
# - **End to end**: the same network from random weights. It gets as many epochs as every layer of the stack has had,
#   greedy phase and fine-tuning together.

# %%
def one_output(encoders):
    """Stack dense encoders 784-...-32 and put one output layer on top: an Autoencoder of images."""
    encoder = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), *encoders])
    output = [layers.Dense(784, activation="sigmoid"), layers.Reshape((28, 28, 1))]  # 32 → 784 → 28x28x1
    return models.Autoencoder(encoder, keras.Sequential([keras.Input(WIDTHS[-1:]), *output]), "bce")


stack = one_output([part.encoder.layers[0] for part in blocks])
stack.encoder.trainable = False
fit(stack, train, epochs=TUNING, **LECTURE)
alone = metrics.mse(test, stack.reconstruct(test))
stack.encoder.trainable = True  # the very layers that were frozen

stack = one_output([part.encoder.layers[0] for part in blocks])  # a new output layer, on the same encoders
tuned_clock = ErrorByTime(test)
fit(stack, train, epochs=TUNING, callbacks=[tuned_clock], **LECTURE)

whole = one_output([layers.Dense(width, activation="relu") for width in WIDTHS])
whole_clock = ErrorByTime(test)
fit(whole, train, epochs=EPOCHS, callbacks=[whole_clock], **LECTURE);  # fmt: skip

# %% [markdown]
# What is compared is the squared error per pixel on the test images after every epoch. (Nothing is chosen by
# it.) The greedy phase is not free, so its seconds are added to the curve of the fine-tuned stack, which
# therefore starts late.

# %%
tuned_seconds = [greedy_seconds + s for s in tuned_clock.seconds]
lines = {"end to end": (whole_clock.seconds, whole_clock.errors)}
lines["greedy + fine-tuning"] = tuned_seconds, tuned_clock.errors
plotting.curves(
    lines, xlabel="seconds of training, greedy phase and compilation included", ylabel="test MSE per pixel",
    levels={"greedy alone": alone}, markers=True,
)  # fmt: skip

# %%
end, tuned = whole_clock.errors[-1], tuned_clock.errors[-1]
record("Greedy alone, one output layer, Adagrad", alone, "MSE per pixel", baseline=("end to end", end))
record("Greedy + fine-tuning, one output layer, Adagrad", tuned, "MSE per pixel", baseline=("end to end", end), headline=True)
claim(f"Fine-tuned {tuned:.5f}, end to end {end:.5f}: within 5 %, or better", tuned <= 1.05 * end, needs="full")
claim(f"Without fine-tuning {alone:.5f}, the worst of the three", alone > max(tuned, end), needs="full")

# %% [markdown]
# Two things stand out. Greedy training *alone* is poor, as the reasoning above suggests. But as a *start* it is a
# good one: with the lecture's recipe the fine-tuned stack soon overtakes the network that was trained end to end,
# although the greedy phase counts as training too. How much sooner?

# %%
common = max(min(whole_clock.errors), min(tuned_clock.errors))  # the lowest error that both reached
slow, epochs_slow = whole_clock.time_to(common)
quick, epochs_quick = tuned_clock.time_to(common)
record("Time to end to end's error, end to end / greedy + fine-tuning", slow / (greedy_seconds + quick), "times", better="higher")
claim(
    f"MSE {common:.4f}: end to end {epochs_slow} epochs, {slow:.1f} s; greedy {GREEDY} + fine-tuning {epochs_quick} "
    f"epochs, {greedy_seconds:.1f} + {quick:.1f} s",
    epochs_quick + GREEDY < epochs_slow and greedy_seconds + quick < slow, needs="full",
)  # fmt: skip

# %% [markdown]
# ## The mirrored stack, and modern recipes
#
# One output layer on a code of 32 is a weak decoder: a sigmoid of 32 pictures added up. The other lectures keep every
# block's decoder instead, in reverse order. That gives the symmetric autoencoder 784-128-64-32-64-128-784 of lesson
# 02. Seen this way, a block is nothing but a *pair of layers* of the deep network: the k-th from the front and
# the k-th from the back. `stacking.pretrain` uses just that. It takes a deep autoencoder, trains its pairs one
# after the other from the outermost inwards, in place, and there is nothing left to assemble. The loop inside
# is the one that you have just seen (a test of this course compares the weights).

# %%
# NBVAL_CHECK_OUTPUT
deep = partial(models.deep, WIDTHS[:-1], WIDTHS[-1], initializer="he_normal")  # ReLU units, linear code
for k, part in enumerate(stacking.blocks(deep()), start=1):
    print(f"block {k}: {part.encoder.input_shape[1]} → {part.encoder.output_shape[1]} → {part.decoder.output_shape[1]}")
parts = sum(part.count_params() for part in stacking.blocks(deep()))
claim(f"the blocks' {parts:,} parameters are those of the deep network", parts == deep().count_params())

# %% [markdown]
# The code is linear now, which lesson 02 found to be better. Is the greedy start as useful to the optimizers of
# today? We compare the two ways again, each with Adam and with Muon, both warmed up and decayed along a cosine as in lesson 01.
# Every layer gets the same number of epochs either way.

# %%
def both_ways(make, recipe):
    """Train two copies: {way: (clock, model)}; the greedy phase counts on the second clock."""
    results = {}
    for way, greedy, epochs in (("end to end", 0, EPOCHS), ("greedy + fine-tuning", GREEDY, TUNING)):
        model, clock = make(), ErrorByTime(test)
        if greedy:
            stacking.pretrain(model, train, epochs=greedy, **recipe)
        fit(model, train, epochs=epochs, callbacks=[clock], **recipe)
        results[way] = clock, model
    return results


modern = {"Adam": both_ways(deep, ADAM), "Muon": both_ways(deep, MUON)}
lines = {f"{name}, {way}": (c.seconds, c.errors) for name, ways in modern.items() for way, (c, _) in ways.items()}
plotting.curves(
    lines, xlabel="seconds of training, greedy phase and compilation included", ylabel="test MSE per pixel",
    log=True, markers=True,
)  # fmt: skip

# %% [markdown]
# *Test error against training time, logarithmic scale, one marker per epoch. The curves after a greedy phase start
# later and from a better place; end to end catches up.*

# %%
ratio = {}
for name, ways in modern.items():
    end, tuned = (ways[way][0].errors[-1] for way in ("end to end", "greedy + fine-tuning"))
    ratio[name] = tuned / end
    record(f"784-128-64-32, greedy + fine-tuning, {name}", tuned, "MSE per pixel", baseline=("end to end", end), headline=name == "Muon")
claim(f"Muon: the fine-tuned stack has {ratio['Muon']:.2f} times the error of end to end, at most 1.05", ratio["Muon"] <= 1.05, needs="full")
claim(f"Adam: {ratio['Adam']:.2f} times", ratio["Adam"] < 1.3, needs="full")

# %% [markdown]
# RESULT
#
# ## What it was invented for
#
# If modern training hardly needs the detour, why was it a breakthrough? Because the networks of the time had
# **sigmoid** units. The derivative of a sigmoid with the value h is h(1 − h), never more than ¼. Backpropagation multiplies one such factor
# per layer on the way down, so the gradient that arrives at the first layers is a small fraction of what the
# last layer gets. ReLU units, with a derivative of 1 wherever they are active, do not have this problem. Here are the
# gradients at the start, for random weights.

# %%
def kernel_gradients(model, x):
    """Return the root mean square of the loss's gradient for each kernel, from the first layer to the last."""
    kernels = [w for w in model.trainable_variables if w.path.endswith("kernel")]
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=x, y_pred=model(x))
    return [float(np.sqrt(np.mean(np.square(g)))) for g in tape.gradient(loss, kernels)]


sigmoid = partial(models.deep, WIDTHS[:-1], WIDTHS[-1], activation="sigmoid", code_activation="sigmoid", loss="bce")
relu = partial(models.deep, WIDTHS[:-1], WIDTHS[-1], code_activation="relu", loss="bce")
gradients = {name: kernel_gradients(make(), train[:1000]) for name, make in (("ReLU units", relu), ("sigmoid units", sigmoid))}
plotting.curves(gradients, xlabel="layer, from the image (1) to the output (6)", ylabel="gradient, root mean square", log=True, markers=True, size=(6.4, 3))

# %% [markdown]
# *The gradient of each layer's kernel before any training, logarithmic scale. With ReLU units all layers get gradients of
# similar size; with sigmoid units the first layers get next to nothing.*

# %%
drop = {name: g[-1] / g[0] for name, g in gradients.items()}
claim(
    f"Last layer's gradient / first layer's: sigmoid {drop['sigmoid units']:.0f}, ReLU {drop['ReLU units']:.1f}",
    drop["sigmoid units"] > 10 * drop["ReLU units"],
)  # fmt: skip

# %% [markdown]
# A block has only two layers, so hardly anything vanishes on the way. Greedy training replaces one long way by three
# short ones. We repeat the comparison with the lecture's recipe and sigmoid units; the baseline is what one gets without
# any code at all, by answering every image with the **mean image**. At the end, the same network end to end with Muon.

# %%
old = both_ways(sigmoid, LECTURE)
today, today_clock = sigmoid(), ErrorByTime(test)
fit(today, train, epochs=EPOCHS, callbacks=[today_clock], **MUON)
mean_image = metrics.mse(test, np.broadcast_to(train.mean(axis=0), test.shape))
lines = {f"Adagrad, {way}": (clock.seconds, clock.errors) for way, (clock, _) in old.items()}
lines["Muon, end to end"] = today_clock.seconds, today_clock.errors
plotting.curves(
    lines, xlabel="seconds of training, greedy phase and compilation included", ylabel="test MSE per pixel",
    levels={"mean image": mean_image}, markers=True,
)  # fmt: skip

# %% [markdown]
# *Sigmoid units. With Adagrad, end to end stays close to the mean image, while the greedily trained stack starts far below and goes on
# falling. Muon does without the greedy start.*

# %%
rows = {"test image": test[:12]}
rows |= {f"Adagrad,\n{way}": model.reconstruct(test[:12]) for way, (_, model) in old.items()}
plotting.image_rows(rows | {"Muon,\nend to end": today.reconstruct(test[:12])})

# %% [markdown]
# *What the three networks draw. After Adagrad end to end, different digits get much the same grey shape.*

# %%
stuck, rescued = (old[way][0].errors[-1] for way in ("end to end", "greedy + fine-tuning"))
record("Sigmoid units, greedy + fine-tuning, Adagrad", rescued, "MSE per pixel", baseline=("end to end", stuck), headline=True)
record("Sigmoid units, end to end, Muon", today_clock.errors[-1], "MSE per pixel", baseline=("end to end, Adagrad", stuck))
claim(f"Mean image {mean_image:.4f}, end to end {stuck:.4f}, greedy + fine-tuning {rescued:.4f}", rescued < 0.7 * stuck < 0.7 * mean_image, needs="full")
claim(f"End to end with Muon: {today_clock.errors[-1]:.4f}", today_clock.errors[-1] < rescued, needs="full")

# %% [markdown]
# ## Tied weights
#
# In the mirrored stack, the encoder's layer reads with a matrix W (784x128), and the decoder's layer at the same level
# writes with another one (128x784). PCA needs only one for both: it reads with the same directions with which it
# writes. **Tied weights** carry this over to deep autoencoders. The decoder's kernel is by definition the
# transpose of the encoder's, and only the biases are its own. Half the kernels are saved.
#
# In code, the layer on the way back holds no kernel. It looks up the other's every time it is called:

# %%
class Back(layers.Layer):
    """A dense layer run backwards; `stacking.TiedDense` is this one with checks."""

    def __init__(self, dense):
        super().__init__()
        self.kernel_of = lambda: dense.kernel  # behind a function, so that Keras does not count it here again
        self.bias = self.add_weight(shape=(dense.kernel.shape[0],), initializer="zeros")

    def call(self, z):
        """Return z Wᵀ + b."""
        return keras.ops.matmul(z, keras.ops.transpose(self.kernel_of())) + self.bias


forth = layers.Dense(128)
forth.build((None, 784))
z = np.random.default_rng(1).normal(size=(2, 128)).astype("float32")
same = np.allclose(Back(forth)(z), stacking.TiedDense(forth)(z), atol=1e-5)
claim("our few lines compute what stacking.TiedDense computes", same)

# %%
# NBVAL_CHECK_OUTPUT
tied = stacking.TiedAutoencoder(WIDTHS[:-1], WIDTHS[-1], initializer="he_normal")
kernels, biases = 784 * 128 + 128 * 64 + 64 * 32, 128 + 64 + 32 + 64 + 128 + 784
claim(f"untied: {deep().count_params():,} parameters, 2 · {kernels:,} + {biases:,}", deep().count_params() == 2 * kernels + biases)
claim(f"tied: {tied.count_params():,} parameters, {kernels:,} + {biases:,}", tied.count_params() == kernels + biases)

# %% [markdown]
# How does one train a matrix that is used twice? Exactly as always: by the chain rule, its gradient is the sum of what both
# uses contribute. Automatic differentiation does that by itself. To see it, we compute the gradient once
# for one matrix used twice, and once for two matrices that happen to be equal.

# %%
x = tf.constant(test[:100].reshape(100, 784))
kernel = tf.Variable(forth.kernel.numpy())  # 784x128, used twice
down, up = tf.Variable(kernel), tf.Variable(tf.transpose(kernel))  # two of their own
with tf.GradientTape(persistent=True) as tape:
    shared = tf.reduce_sum((x - tf.nn.relu(x @ kernel) @ tf.transpose(kernel)) ** 2)
    separate = tf.reduce_sum((x - tf.nn.relu(x @ down) @ up) ** 2)
both, first, second = tape.gradient(shared, kernel), tape.gradient(separate, down), tape.gradient(separate, up)
claim("tied gradient = gradient of reading + transposed gradient of writing", np.allclose(both, first + tf.transpose(second), rtol=1e-4, atol=1e-2))

# %% [markdown]
# Now train it as the untied network was trained above, end to end with Muon.

# %%
tied_clock = ErrorByTime(test)
fit(tied, train, epochs=EPOCHS, callbacks=[tied_clock], **MUON)
forth_layers, back_layers = tied.encoder.layers[1:], tied.decoder.layers[2::-1]  # both from the outermost inwards
equal = [np.array_equal(b.kernel, f.kernel.numpy().T) for f, b in zip(forth_layers, back_layers, strict=True)]
claim("after training every kernel of the decoder is exactly its partner's transpose", all(equal))

# %%
untied_clock, untied = modern["Muon"]["end to end"]
for name, model, clock in (("untied", untied, untied_clock), ("tied", tied, tied_clock)):
    seen = metrics.mse(train[:10_000], model.reconstruct(train[:10_000]))
    error = clock.errors[-1]
    print(f"{name:<7} {model.count_params():>8,} parameters  {clock.seconds[-1]:5.1f} s  ", end="")
    print(f"test MSE {error:.5f}, {error / seen - 1:+.1%} beside training images")
record("784-128-64-32 tied, end to end, Muon", tied_clock.errors[-1], "MSE per pixel", baseline=("untied", untied_clock.errors[-1]))
claim(f"Tied {tied_clock.errors[-1]:.5f}, untied {untied_clock.errors[-1]:.5f}", tied_clock.errors[-1] > untied_clock.errors[-1], needs="full")

# %%
reads, writes = untied.encoder.layers[1].kernel.numpy(), untied.decoder.layers[2].kernel.numpy().T  # 784x128 each
one = tied.encoder.layers[1].kernel.numpy()
cosines = (reads * writes).sum(axis=0) / np.linalg.norm(reads, axis=0) / np.linalg.norm(writes, axis=0)
plotting.filters(np.concatenate([reads[:, :14], writes[:, :14], one[:, :14]], axis=1), (28, 28, 1), columns=14)

# %% [markdown]
# *The first 14 units of the outermost layer. Top: what they read in the untied network. Middle: what the decoder's partner
# writes. Bottom: the tied network, where reading and writing are one.*

# %%
claim(f"Untied, median cosine between what a unit reads and what its partner writes: {np.median(cosines):.2f}", np.median(cosines) < 0.9, needs="full")

# %% [markdown]
# TIEDRESULT
#
# ## Recap
#
# 1. A block is an autoencoder with one hidden layer; the next block is trained on its codes. Every block is easy and
#    cheap to train, and none knows what the others will need. Codes are not probabilities: squared error for
#    the inner blocks.
# 2. The stack is assembled from the encoders, with one output layer on top. Alone it is poor. Fine-tuned it beats, with
#    the lecture's Adagrad, the same network trained end to end, and gets to the same error sooner.
# 3. The mirrored stack keeps the decoders; its blocks are pairs of layers of one deep autoencoder. MODERNRECAP
# 4. With sigmoid units the gradient shrinks from layer to layer on its way down. Plain end-to-end training then hardly leaves the
#    mean image, and a greedy start is what makes depth trainable.
# 5. Tied weights halve the kernels. The gradient of a shared kernel is the sum of both uses. TIEDRECAP
#
# ## Try it
#
# - Give the inner blocks more epochs and the first one fewer, or the other way round (`epochs=(2, 4, 6)`). Which block is worth
#   its time, if only the error after fine-tuning counts?
# - Pretrain a `TiedAutoencoder` greedily (`stacking.pretrain` takes it as it is). Is the start better or
#   worse than that of the untied network?
# - Make the network deeper, say 784-256-128-64-64-32-32, with sigmoid units. How far does Muon get without a greedy
#   start, and how far does Adagrad with one?
#
# ## References
#
# - Lectures: R. Baeta, *Tutorial on autoencoders* (2016), the blocks, the assembled stack and its recipe; D. Lingrand,
#   *Autoencoder* (2021), layer after layer against all at once; G. Russo Russo and F. Lo Presti, *Autoencoders* (2023/24), tied
#   weights and stacked training.
# - G. Hinton and R. Salakhutdinov, *Reducing the dimensionality of data with neural networks*, Science 313, 2006;
#   Y. Bengio et al., *Greedy layer-wise training of deep networks*, NIPS 19, 2006.
# - X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS
#   2010 (sigmoid units and vanishing gradients).
# - J. Duchi, E. Hazan and Y. Singer, *Adaptive subgradient methods*, JMLR 12, 2011 (Adagrad).
