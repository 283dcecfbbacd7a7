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


class _Windows(layers.Layer):
    """What the layers of this module share: a square window of `pool_size` pixels, and positions in it.

    The position of the pixel in row i and column j of a window is the integer i·pool_size + j: row-major order,
    from 0 (top left) to pool_size² - 1 (bottom right).

    Args:
        pool_size: height and width of the window.

    Raises:
        ValueError: when pool_size is not a positive integer.
    """

    def __init__(self, pool_size=2, **kwargs):
        super().__init__(**kwargs)
        if isinstance(pool_size, bool) or not isinstance(pool_size, int | np.integer) or pool_size < 1:
            raise ValueError(f"pool_size must be a positive integer, not {pool_size!r}.")
        self.pool_size = int(pool_size)

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return super().get_config() | {"pool_size": self.pool_size}

    def _positions(self):
        """Return the positions in a window as an int32 array (1, pool, 1, pool, 1), see `_split`."""
        return np.arange(self.pool_size**2, dtype="int32").reshape(1, self.pool_size, 1, self.pool_size, 1)

    def _size(self, x):
        """Return the height, width and channels of images (n, h, w, c), or raise ValueError."""
        if len(x.shape) != 4 or None in x.shape[1:]:
            raise ValueError(f"{self.name}: images (n, h, w, c) with known h, w and c expected, got {x.shape}.")
        return x.shape[1:]

    def _spread(self, x, positions):
        """Return images that hold each pixel of x at its position in a window of its own, and 0 elsewhere."""
        h, w, c = self._size(x)
        x, positions = (ops.reshape(values, (-1, 1, w, 1, c)) for values in (x, positions))
        out = ops.where(ops.equal(positions, self._positions()), x, ops.zeros_like(x))
        return ops.reshape(out, (-1, h * self.pool_size, w * self.pool_size, c))


@keras.saving.register_keras_serializable(package="autoencoder_course")
class MaxPoolingWithIndices2D(_Windows):
    """Max-pooling over windows that do not overlap, which also returns where each maximum was.

    The indices are what SegNet's encoder hands to its decoder (Badrinarayanan et al., arXiv:1511.00561):
    `MaxUnpooling2D` puts values back there. Among equal values the first in row-major order of the window is
    the maximum; the gradient flows to that one alone. (Keras' own `MaxPooling2D` returns no indices.)

    Input:
        Images (n, h, w, c), with h and w multiples of pool_size.

    Output:
        The maxima, (n, h / pool_size, w / pool_size, c), and their positions in their windows, int32 of the same
        shape: i·pool_size + j for row i and column j.

    Args:
        pool_size: height, width and stride of the window.

    Raises:
        ValueError: for a pool_size that is not a positive integer, or images that windows do not tile.
    """

    def call(self, x):
        """Return (maxima, indices)."""
        h, w, c = self._size(x)
        p = self.pool_size
        if h % p or w % p:
            raise ValueError(
                f"{self.name}: windows of {p}x{p} do not tile images of {h}x{w}; pad or crop them to multiples of {p}."
            )
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

    Call it with two arguments, `MaxUnpooling2D()(x, indices)`. The x need not be the maxima themselves: in
    SegNet it is what the decoder computed, and only the places come from the encoder.

    Input:
        x: (n, h, w, c).
        indices: integers of the same shape, in 0 ... pool_size² - 1, as `MaxPoolingWithIndices2D` returns them. (A
            value for an index outside this range goes nowhere.)

    Output:
        Images (n, h · pool_size, w · pool_size, c).

    Args:
        pool_size: that of the pooling.

    Raises:
        ValueError: for a pool_size that is not a positive integer, or x and indices of different shapes.
    """

    def call(self, x, indices):
        """Return the images."""
        if tuple(x.shape[1:]) != tuple(indices.shape[1:]):
            raise ValueError(f"{self.name}: x {x.shape} and indices {indices.shape} must have the same shape.")
        return self._spread(x, indices)


@keras.saving.register_keras_serializable(package="autoencoder_course")
class BedOfNails2D(_Windows):
    """Put every value into the top left corner of its window, and 0 elsewhere.

    The upsampling for when nobody remembers where the maxima were (lecture 004, *Bed of nails*).

    Input:
        Images (n, h, w, c).

    Output:
        Images (n, h · pool_size, w · pool_size, c).

    Args:
        pool_size: height and width of a window.

    Raises:
        ValueError: for a pool_size that is not a positive integer.
    """

    def call(self, x):
        """Return the images."""
        return self._spread(x, ops.zeros_like(x, dtype="int32"))


class Drawing(layers.Layer):
    """What layers share that draw random numbers: a seed generator whose state a `.keras` file keeps.

    Args:
        seed: integer of at least 0, or None for one that follows from `keras.utils.set_random_seed`.

    Raises:
        ValueError: for a seed out of range.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0):
            raise ValueError(f"seed={seed!r}: must be an integer of at least 0, or None.")
        self.seed = None if seed is None else int(seed)
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
    arguments, `Sampler()(mean, log_variance)`. It draws in training and in evaluation alike.

    Input:
        mean: (n, d), any real numbers.
        log_variance: (n, d), the logarithm of the variance; sigma = exp(log_variance / 2).

    Output:
        z: (n, d).

    Args:
        seed: integer of at least 0, or None for one that follows from `keras.utils.set_random_seed`. The same seed
            gives the same sequence of draws; under XLA another sequence than without.

    Raises:
        ValueError: for such a seed out of range, or a mean and log_variance of different shapes.
    """

    def call(self, mean, log_variance):
        """Return z."""
        if tuple(mean.shape) != tuple(log_variance.shape):
            raise ValueError(f"{self.name}: mean {mean.shape} and log_variance {log_variance.shape} must agree.")
        eps = draw(tf.random.stateless_normal, ops.shape(mean), self.seed_generator)
        return mean + ops.exp(log_variance / 2) * ops.cast(eps, mean.dtype)


def draw(distribution, shape, seed_generator):
    """Return random numbers, fresh at every call, inside a compiled step too.

    Args:
        distribution: `tf.random.stateless_normal` or `tf.random.stateless_uniform`.
        shape: of the result.
        seed_generator: `keras.random.SeedGenerator`, whose state moves on.

    Returns:
        float32 tensor. As `keras.random` gives, but by a named algorithm: its automatic one takes 30 times longer
        under XLA on a CPU.
    """
    return distribution(shape, ops.cast(seed_generator.next(), "int32"), alg="philox")
