"""Codes that are indices: two quantizers, a prior over maps of indices, and its draws.

A quantizer is the last layer of an encoder: it replaces every vector of a map by one of finitely many, and passes the
gradient straight through. `VectorQuantizer` learns which vectors (van den Oord et al., arXiv:1711.00937),
`FiniteScalarQuantizer` takes those of a grid (Mentzer et al., arXiv:2309.15505). `pixel_cnn` gives the probability of
every index, given those before it (van den Oord et al., arXiv:1601.06759 and 1606.05328).
"""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from utils import validate
from utils.layers import Drawing, draw
from utils.models import Autoencoder, check_shape

GREY = {"kernel_initializer": "zeros", "bias_initializer": keras.initializers.Constant(-2)}  # the first image: 0.12


def straight_through(z, quantized):
    """Return `quantized`, exactly, with the gradient of `z`: d out / dz = 1 and d out / d quantized = 0.

    Tensors of one shape. (z - z is 0 in every bit, where the usual z + (quantized - z) is rounded.)
    """
    return ops.stop_gradient(quantized) + (z - ops.stop_gradient(z))


@keras.saving.register_keras_serializable(package="autoencoder_course")
class VectorQuantizer(Drawing):
    """Replace every vector by the nearest one of a codebook, which follows the vectors by running averages.

    In training, every code v keeps the running number n_v and sum s_v of the vectors nearest to it,
    n_v ← decay · n_v + (1 - decay) · (number in the batch), s_v alike, and the code is s_v / n_v (arXiv:1711.00937,
    appendix). No gradient reaches the codebook. The encoder's vectors z are drawn to their codes e by a loss that the
    layer adds, commitment · ||z - e||², summed over each image, averaged over the batch.

    A code whose running number falls below `restart` is dead: it moves to a random vector of the batch, and counts as
    2 · restart, so that it has some steps to find vectors (Dhariwal et al., arXiv:2005.00341, have such a rule).

    Args:
        codes: how many.
        commitment: weight of the loss, at least 0.
        decay: of the running averages, in (0, 1).
        restart: vectors per batch below which a code is dead; 0 for no restarts.
        seed: of the codebook's first values and of the restarts, see `layers.Drawing`.

    Takes vectors (n, ..., d), d known, and gives vectors of the codebook of the same shape, bit for bit. Raises
    ValueError for an argument out of range.
    """

    def __init__(self, codes, commitment=0.25, decay=0.95, restart=1.0, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.codes = validate.positive("codes", codes)
        self.commitment = validate.number("commitment", commitment, 0, None, "a finite number of at least 0")
        self.decay = validate.number("decay", decay, 0, 1, "a number between 0 and 1", "neither")
        self.restart = validate.number("restart", restart, 0, None, "a finite number of at least 0")

    def build(self, input_shape):
        """Create the codebook (codes, d), uniform in ±1 / codes, and the running numbers and sums."""
        size, limit = input_shape[-1], 1 / self.codes
        start = draw(tf.random.stateless_uniform, (self.codes, size), self.seed_generator) * (2 * limit) - limit
        fixed = {"trainable": False, "dtype": "float32"}
        self.codebook = self.add_weight((self.codes, size), "zeros", name="codebook", **fixed)
        self.numbers = self.add_weight((self.codes,), "ones", name="numbers", **fixed)
        self.sums = self.add_weight((self.codes, size), "zeros", name="sums", **fixed)
        self.codebook.assign(start)
        self.sums.assign(start)

    def call(self, z, training=False):
        """Return the vectors of the codebook."""
        rows = ops.cast(ops.reshape(z, (-1, z.shape[-1])), "float32")
        nearest = self._nearest(rows)
        quantized = ops.cast(ops.reshape(ops.take(self.codebook, nearest, axis=0), ops.shape(z)), z.dtype)
        away = ops.square(ops.cast(z, "float32") - ops.stop_gradient(ops.cast(quantized, "float32")))
        self.add_loss(self.commitment * ops.sum(away) / ops.cast(ops.shape(z)[0], "float32"))
        if training:
            self._follow(ops.stop_gradient(rows), nearest)
        return straight_through(z, quantized)

    def indices(self, vectors):
        """Return the index of the code nearest to each vector: array (..., d) → int32 array (...)."""
        vectors = np.asarray(vectors, "float32")
        check_shape("Vectors", vectors.reshape(-1, *vectors.shape[-1:]), self.codebook.shape[1:])
        rows = vectors.reshape(-1, vectors.shape[-1])
        found = [self._nearest(rows[k : k + 100_000]) for k in range(0, len(rows), 100_000)]
        return np.concatenate([ops.convert_to_numpy(part) for part in found]).reshape(vectors.shape[:-1])

    def vectors(self, indices):
        """Return the codes of indices: integers (...) in 0 ... codes - 1 → float32 array (..., d)."""
        return ops.convert_to_numpy(self.codebook)[checked_indices(indices, self.codes)]

    def _nearest(self, rows):
        """(m, d) → (m,): the index of the nearest code, of several the first."""
        square = ops.sum(ops.square(self.codebook), axis=1)
        return ops.argmin(square - 2 * ops.matmul(rows, ops.transpose(self.codebook)), axis=1)

    def _follow(self, rows, nearest):
        """Move the codebook after the rows (m, d) of a batch, and restart what is dead."""
        belongs = ops.one_hot(nearest, self.codes, dtype="float32")  # (m, codes)
        numbers = self.decay * self.numbers + (1 - self.decay) * ops.sum(belongs, axis=0)
        sums = self.decay * self.sums + (1 - self.decay) * ops.matmul(ops.transpose(belongs), rows)
        if self.restart:
            dead = numbers < self.restart
            chance = draw(tf.random.stateless_uniform, (self.codes,), self.seed_generator)
            chosen = ops.cast(chance * ops.cast(ops.shape(rows)[0], "float32"), "int32")
            others = ops.take(rows, chosen, axis=0)
            numbers = ops.where(dead, 2 * self.restart, numbers)
            sums = ops.where(dead[:, None], 2 * self.restart * others, sums)
        self.numbers.assign(numbers)
        self.sums.assign(sums)
        self.codebook.assign(sums / ops.maximum(numbers, 1e-12)[:, None])

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        names = "codes", "commitment", "decay", "restart"
        return super().get_config() | {name: getattr(self, name) for name in names}

    def save_own_variables(self, store):
        """Write the codebook, what it runs on, and the generator's state."""
        super().save_own_variables(store)
        for name in ("codebook", "numbers", "sums"):
            store[name] = ops.convert_to_numpy(getattr(self, name))

    def load_own_variables(self, store):
        """Read them."""
        super().load_own_variables(store)
        for name in ("codebook", "numbers", "sums"):
            getattr(self, name).assign(store[name])


@keras.saving.register_keras_serializable(package="autoencoder_course")
class FiniteScalarQuantizer(layers.Layer):
    """Round every unit to one of a few levels in [-1, 1]: the codes are the points of a grid, and nothing is learnt.

    Unit j is squashed to 0 ... levels[j] - 1 by a sigmoid, rounded, and scaled to [-1, 1]; the gradient passes the
    rounding unchanged. (Mentzer et al., arXiv:2309.15505, squash by a tangens hyperbolicus, shifted for even numbers.)
    The index of a code is the mixed-radix number of its levels, the first unit counting 1.

    Args:
        levels: of each unit, integers of at least 2, such as (8, 8) for 64 codes.

    Takes any real numbers (n, ..., d), d the number of levels, and gives the same shape. Attribute: `codes`, how many.
    Raises ValueError for other levels or another d.
    """

    def __init__(self, levels, **kwargs):
        super().__init__(**kwargs)
        if not np.iterable(levels) or isinstance(levels, str) or len(levels) == 0:
            raise ValueError(f"levels={levels!r}: integers of at least 2 expected, one per unit, such as (8, 8).")
        self.levels = tuple(validate.integer("levels", level, 2) for level in levels)
        self.codes = math.prod(self.levels)

    def build(self, input_shape):
        """Nothing to create; the size is compared."""
        if input_shape[-1] != len(self.levels):
            raise ValueError(f"{self.name}: {len(self.levels)} units expected, one per level, got {input_shape[-1]}.")

    def call(self, z):
        """Return the points of the grid."""
        top = ops.cast(np.array(self.levels) - 1, z.dtype)
        place = top * ops.sigmoid(z)
        return straight_through(place, ops.round(place)) * (2 / top) - 1

    def indices(self, vectors):
        """Return the index of each point of the grid, as the layer gives them: array (..., d) → int32 array (...)."""
        vectors, top = np.asarray(vectors, "float64"), np.array(self.levels) - 1
        check_shape("Vectors", vectors.reshape(-1, *vectors.shape[-1:]), top.shape)
        places = np.rint((vectors + 1) / 2 * top).astype("int32").clip(0, top)
        return (places @ self._steps()).astype("int32")

    def vectors(self, indices):
        """Return the points of indices: integers (...) in 0 ... codes - 1 → float32 array (..., d)."""
        levels = np.array(self.levels)
        places = checked_indices(indices, self.codes)[..., None] // self._steps() % levels
        return (np.float32(2) / (levels - 1).astype("float32")) * places.astype("float32") - np.float32(1)

    def _steps(self):
        return np.cumprod([1, *self.levels[:-1]])

    def get_config(self):
        """Return the argument that rebuilds the layer."""
        return super().get_config() | {"levels": self.levels}


def checked_indices(indices, codes):
    """Return integers in 0 ... codes - 1 as an array, or raise ValueError."""
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu" or indices.size == 0:
        raise ValueError(f"Indices must be integers, at least one, not {indices.dtype} of shape {indices.shape}.")
    if indices.min() < 0 or indices.max() >= codes:
        raise ValueError(f"Indices in {indices.min()} ... {indices.max()}: must lie in 0 ... {codes - 1}.")
    return indices


def build(quantizer, size, *, width=64):
    """Build an autoencoder of 28x28 grey images whose code is a 7x7 map of indices.

    Every position of the map sees 8x8 pixels, four from the next; convolutions of 3x3 work on the map, where they are
    cheap: a sixteenth of what they would cost at full size. The output begins as an even grey, the mean of MNIST's
    pixels: from larger values, the first steps push it into the flat end of the sigmoid, where it stays black.

    Args:
        quantizer: the encoder's last layer, such as `VectorQuantizer(64)`.
        size: units of the vectors that it takes.
        width: channels of the other layers.

    Returns an `Autoencoder` from images (n, 28, 28, 1) through quantized vectors (n, 7, 7, size), trained on squared
    error. Raises ValueError for a size or width that is not a positive integer, or does not fit the quantizer.
    """
    size, width = validate.positive("The size", size), validate.positive("The width", width)
    inner = {"padding": "same", "activation": "gelu", "kernel_initializer": "he_normal"}
    encoder = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(width, 8, strides=4, **inner),
            layers.Conv2D(width, 3, **inner),
            layers.Conv2D(size, 1),
            quantizer,
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            keras.Input((7, 7, size)),
            layers.Conv2D(width, 3, **inner),
            layers.Conv2D(width, 3, **inner),
            layers.Conv2DTranspose(1, 8, strides=4, padding="same", activation="sigmoid", **GREY),
        ],
        name="decoder",
    )
    return Autoencoder(encoder, decoder)


@keras.saving.register_keras_serializable(package="autoencoder_course")
class MaskedConv2D(layers.Conv2D):
    """A convolution that sees only what comes before a position in raster order: rows from the top, each from the left.

    The kernel has the rows above its middle and the middle row, in which a mask keeps what is left of the middle, and
    the middle itself when `here`: a first layer must not see the very index that it predicts (mask A), later layers
    may see what the first made of the indices before (mask B, arXiv:1601.06759). What a mask of the whole square would
    set to 0 below is not computed. Padding is "same", the stride 1.

    Args:
        filters, kernel_size: as in `Conv2D`; the kernel size is one odd integer.
        here: whether the position itself is seen.
        settings: activation, kernel_initializer and name, as in `Conv2D`.

    Raises ValueError for an even kernel size.
    """

    def __init__(self, filters, kernel_size, here, **settings):
        kernel_size = kernel_size[-1] if isinstance(kernel_size, tuple | list) else kernel_size
        if validate.positive("kernel_size", kernel_size) % 2 == 0:
            raise ValueError(f"kernel_size={kernel_size}: an even kernel has no middle; take an odd one.")
        size = kernel_size // 2 + 1, kernel_size
        super().__init__(filters, size, **(settings | {"padding": "same"}))
        self.here = bool(here)

    def call(self, x):
        """Return the activations."""
        rows, size = self.kernel_size
        before = np.arange(rows * size).reshape(rows, size, 1, 1) < (rows - 1) * size + size // 2 + self.here
        x = ops.pad(x, ((0, 0), (rows - 1, 0), (size // 2, size // 2), (0, 0)))
        kernel = self.kernel * ops.cast(before, self.kernel.dtype)
        return self.activation(ops.conv(x, kernel, padding="valid") + self.bias)

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return super().get_config() | {"here": self.here}


def pixel_cnn(codes, shape=(7, 7), *, width=64, blocks=3, kernel_size=7):
    """Build a small PixelCNN: for every position of a map of indices, a distribution over the index there.

    Every index becomes a vector; a masked convolution sees those before the position (mask A); residual blocks follow,
    1x1, masked 3x3, 1x1, of half the width inside (arXiv:1601.06759, figure 5).

    Args:
        codes: number of possible indices.
        shape: (h, w) of the maps.
        width: channels.
        blocks: residual blocks.
        kernel_size: of the first convolution, odd.

    Returns a Keras model from maps (n, h, w) of integers to logits (n, h, w, codes). Those at a position depend on the
    indices before it in raster order alone. Raises ValueError for a number out of range.
    """
    for name, value in {"codes": codes, "width": width, "blocks": blocks}.items():
        validate.positive(name, value)
    u = keras.Input(shape, dtype="int32")
    h = layers.Embedding(codes, width // 2)(u)
    h = MaskedConv2D(width, kernel_size, here=False, kernel_initializer="he_normal")(h)
    for _ in range(blocks):
        inner = layers.Activation("gelu")(h)
        inner = layers.Conv2D(width // 2, 1, activation="gelu", kernel_initializer="he_normal")(inner)
        inner = MaskedConv2D(width // 2, 3, here=True, activation="gelu", kernel_initializer="he_normal")(inner)
        h = layers.Add()([h, layers.Conv2D(width, 1)(inner)])
    h = layers.Activation("gelu")(h)
    return keras.Model(u, layers.Conv2D(codes, 1, name="logits")(h), name="pixel_cnn")


def nats(model, maps, batch_size=1000):
    """Return -log p of every index in maps: model as of `pixel_cnn`, integers (n, h, w) → float64 array (n, h, w)."""
    maps = checked_indices(maps, model.output_shape[-1])
    check_shape("Maps", maps, model.input_shape[1:])
    parts = []
    for k in range(0, len(maps), batch_size):
        logits = ops.convert_to_numpy(model(maps[k : k + batch_size], training=False)).astype("float64")
        log_p = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
        parts.append(-np.take_along_axis(log_p, maps[k : k + batch_size, ..., None], axis=-1)[..., 0])
    return np.concatenate(parts)


def sample(model, n, seed, *, temperature=1.0, batch_size=1000):
    """Draw n maps of indices, position after position, in one compiled loop.

    Args:
        model: as of `pixel_cnn`.
        n: how many.
        seed: an integer; the same seed gives the same maps.
        temperature: positive, what the logits are divided by: 1 draws from the model, less makes probable indices more
            probable.
        batch_size: maps at a time.

    Returns an int32 array (n, h, w). Raises ValueError for a number out of range.
    """
    n, seed = validate.positive("n", n), validate.seed(seed)
    temperature = validate.number("temperature", temperature, 0, None, "a positive number", "neither")
    batch_size = min(n, validate.positive("batch_size", batch_size))
    (h, w), codes = model.input_shape[1:], model.output_shape[-1]

    @tf.function
    def loop(key):
        maps = tf.zeros((batch_size, h * w), "int32")
        for place in tf.range(h * w):
            logits = tf.reshape(model(tf.reshape(maps, (-1, h, w)), training=False), (-1, h * w, codes))
            chance = tf.random.stateless_uniform(
                (batch_size, codes), (key, place), minval=1e-12, maxval=1.0, alg="philox"
            )
            noise = -tf.math.log(-tf.math.log(chance))  # Gumbel's: the largest sum is a draw
            drawn = tf.argmax(logits[:, place] / temperature + noise, axis=1, output_type="int32")
            maps = tf.where(tf.range(h * w) == place, drawn[:, None], maps)
        return maps

    rng = np.random.default_rng(seed)
    keys = [tf.constant(int(rng.integers(2**31 - 1)), "int32") for _ in range(0, n, batch_size)]
    return np.concatenate([loop(key).numpy() for key in keys])[:n].reshape(n, h, w)
