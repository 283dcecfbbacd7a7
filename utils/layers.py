"""Keras layers that Keras lacks: max-pooling that remembers where each maximum was, and two ways to undo it.

The other two upsamplings of the lectures are Keras' own: `UpSampling2D(interpolation="nearest")` and
`UpSampling2D(interpolation="bilinear")`. All layers here are written with `keras.ops` only, take images of shape
(n, h, w, c) with any number of channels, and survive a `.keras` file.
"""

import keras
import numpy as np
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
