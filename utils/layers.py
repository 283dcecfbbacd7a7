"""Keras layers that Keras lacks: max-pooling that remembers where each maximum was, and two ways to undo it; and the
draw from a normal distribution that a gradient can pass.

The other two upsamplings of the lectures are Keras' own: `UpSampling2D(interpolation="nearest")` and
`UpSampling2D(interpolation="bilinear")`. The pooling layers here are written with `keras.ops` only, and take images of
shape (n, h, w, c) with any number of channels. All layers survive a `.keras` file.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from utils import validate


def image_size(name, shape):
    """Return the height, width and channels of images (n, h, w, c), or raise ValueError with a layer's name."""
    if len(shape) != 4 or None in shape[1:]:
        raise ValueError(f"{name}: images (n, h, w, c) with known h, w and c expected, got {shape}.")
    return shape[1:]


class _Windows(layers.Layer):
    """What the pooling layers share: square windows of `pool_size` x `pool_size` pixels, and positions in them.

    The position of the pixel in row i and column j of a window is the integer i·pool_size + j: row-major order,
    from 0 (top left) to pool_size² - 1 (bottom right). Raises ValueError when pool_size is not a positive integer.
    """

    def __init__(self, pool_size=2, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = validate.positive("pool_size", pool_size)

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return super().get_config() | {"pool_size": self.pool_size}

    def _positions(self):
        """Return the positions in a window as an int32 array (1, pool, 1, pool, 1), see `_split`."""
        return np.arange(self.pool_size**2, dtype="int32").reshape(1, self.pool_size, 1, self.pool_size, 1)

    def _spread(self, x, positions):
        """Return images that hold each pixel of x at its position in a window of its own, and 0 elsewhere."""
        h, w, c = image_size(self.name, x.shape)
        x, positions = (ops.reshape(values, (-1, 1, w, 1, c)) for values in (x, positions))
        out = ops.where(ops.equal(positions, self._positions()), x, ops.zeros_like(x))
        return ops.reshape(out, (-1, h * self.pool_size, w * self.pool_size, c))


@keras.saving.register_keras_serializable(package="autoencoder_course")
class MaxPoolingWithIndices2D(_Windows):
    """Max-pooling over windows that do not overlap, which also returns where each maximum was.

    The indices are what SegNet's encoder hands to its decoder (Badrinarayanan et al., arXiv:1511.00561):
    `MaxUnpooling2D` puts values back there. Among equal values the first in row-major order of the window is
    the maximum; the gradient flows to that one alone. (Keras' own `MaxPooling2D` returns no indices.)

    Takes images (n, h, w, c), with h and w multiples of pool_size, the height, width and stride of a window. Gives the
    maxima, (n, h / pool_size, w / pool_size, c), and their positions in their windows, int32 of the same shape:
    i·pool_size + j for row i and column j. Raises ValueError for a pool_size that is not a positive integer, or images
    that windows do not tile.
    """

    def call(self, x):
        """Return (maxima, indices)."""
        (h, w, c), p = image_size(self.name, x.shape), self.pool_size
        if h % p or w % p:
            remedy = f"pad or crop them to multiples of {p}"
            raise ValueError(f"{self.name}: windows of {p}x{p} do not tile images of {h}x{w}; {remedy}.")
        windows = ops.reshape(x, (-1, p, w // p, p, c))  # rows of windows, row, window, column, channel
        largest = ops.equal(windows, ops.max(windows, axis=(1, 3), keepdims=True))
        # The first of several equal values, by definition: argmax leaves open which one it takes.
        indices = ops.min(ops.where(largest, self._positions(), p * p - 1), axis=(1, 3), keepdims=True)
        chosen = ops.where(ops.equal(indices, self._positions()), windows, ops.zeros_like(windows))
        shape = (-1, h // p, w // p, c)
        return ops.reshape(ops.sum(chosen, axis=(1, 3)), shape), ops.reshape(indices, shape)


@keras.saving.register_keras_serializable(package="autoencoder_course")
class MaxUnpooling2D(_Windows):
    """Put every value back to where its maximum was, and 0 elsewhere: the partner of `MaxPoolingWithIndices2D`.

    Call it with two arguments, `MaxUnpooling2D()(x, indices)`: x (n, h, w, c), and integers of the same shape in
    0 ... pool_size² - 1, as `MaxPoolingWithIndices2D` returns them (a value for an index outside this range goes
    nowhere). The x need not be the maxima themselves: in SegNet it is what the decoder computed, and only the places
    come from the encoder. Gives images (n, h · pool_size, w · pool_size, c), where pool_size is that of the pooling.
    Raises ValueError for a pool_size that is not a positive integer, or x and indices of different shapes.
    """

    def call(self, x, indices):
        """Return the images."""
        if tuple(x.shape[1:]) != tuple(indices.shape[1:]):
            raise ValueError(f"{self.name}: x {x.shape} and indices {indices.shape} must have the same shape.")
        return self._spread(x, indices)


@keras.saving.register_keras_serializable(package="autoencoder_course")
class BedOfNails2D(_Windows):
    """Put every value into the top left corner of its window, and 0 elsewhere.

    The upsampling for when nobody remembers where the maxima were (lecture 004, *Bed of nails*). Takes images
    (n, h, w, c), gives images (n, h · pool_size, w · pool_size, c); pool_size is the height and width of a window.
    Raises ValueError for a pool_size that is not a positive integer.
    """

    def call(self, x):
        """Return the images."""
        return self._spread(x, ops.zeros_like(x, dtype="int32"))


class Drawing(layers.Layer):
    """What layers share that draw random numbers: a seed generator whose state a `.keras` file keeps.

    The seed is an integer of at least 0 (else a ValueError), or None for one that follows from
    `keras.utils.set_random_seed`. The same seed gives the same sequence of draws; under XLA another than without.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = None if seed is None else validate.integer("seed", seed, 0)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def get_config(self):
        """Return the argument that rebuilds the layer."""
        return super().get_config() | {"seed": self.seed}

    def save_own_variables(self, store):
        """Write the generator's state, so that a loaded layer goes on where the saved one was."""
        store["state"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        """Read the generator's state."""
        self.seed_generator.state.assign(store["state"])


@keras.saving.register_keras_serializable(package="autoencoder_course")
class Sampler(Drawing):
    """Draw from a normal distribution so that the gradient reaches its mean and variance: z = mean + sigma * eps.

    The reparameterisation trick (Kingma and Welling, arXiv:1312.6114, section 2.4): eps ~ N(0, I) is drawn anew in
    every call and depends on no weight, hence dz/dmean = 1 and dz/dlog_variance = sigma * eps / 2. Call it with two
    arguments, `Sampler()(mean, log_variance)`: any real numbers (n, d), and the logarithm of the variance (n, d), so
    that sigma = exp(log_variance / 2); z is (n, d). It draws in training and in evaluation alike. The seed is as in
    `Drawing`. Raises ValueError for a seed out of range, or a mean and log_variance of different shapes.
    """

    def call(self, mean, log_variance):
        """Return z."""
        if tuple(mean.shape) != tuple(log_variance.shape):
            raise ValueError(f"{self.name}: mean {mean.shape} and log_variance {log_variance.shape} must agree.")
        eps = draw(tf.random.stateless_normal, ops.shape(mean), self.seed_generator)
        return mean + ops.exp(log_variance / 2) * ops.cast(eps, mean.dtype)


def draw(distribution, shape, seed_generator):
    """Return a float32 tensor of random numbers, fresh at every call, inside a compiled step too.

    The distribution is `tf.random.stateless_normal` or `tf.random.stateless_uniform`; the state of the
    `keras.random.SeedGenerator` moves on. As `keras.random` gives, but by a named algorithm: its automatic one takes
    30 times longer under XLA on a CPU.

    On several replicas of a `tf.distribute.Strategy` the same state is everywhere, and would give everyone the same
    numbers. So each draws those of the whole batch and takes its own part: all together have what one process has.
    """
    seed, here = ops.cast(seed_generator.next(), "int32"), tf.distribute.get_replica_context()
    if here is None or here.num_replicas_in_sync == 1:
        return distribution(shape, seed, alg="philox")
    n, first = shape[0], here.replica_id_in_sync_group * shape[0]
    return distribution((here.num_replicas_in_sync * n, *shape[1:]), seed, alg="philox")[first : first + n]
