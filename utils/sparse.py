"""Overcomplete codes that are held in check: penalties on the code, layers that keep a few winners, and measures.

Every penalty is written in `compute_loss`, with its own division, so that it means the same in every Keras 3: the
`activity_regularizer` of a layer was a sum over the batch before Keras 3.14, and is divided by its size since.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from utils import validate
from utils.models import Autoencoder

PENALTIES = (None, "l1", "kl", "contractive")


@keras.saving.register_keras_serializable(package="autoencoder_course")
class TopK(layers.Layer):
    """Keep the k largest activations of every image, and set all others to 0 (Makhzani and Frey, arXiv:1312.5663).

    The gradient flows through those that are kept, in training and afterwards alike. Of equal ones the first are kept.
    `k` may be set at any time, by a callback too: the next step uses the new value. Takes and gives (n, d),
    with d at least k, else a ValueError, as for a k that is no positive integer. Train with xla=False: XLA has no
    k that changes.
    """

    def __init__(self, k, **kwargs):
        super().__init__(**kwargs)
        self._k = tf.Variable(1, trainable=False, dtype="int32")  # a compiled step sees it change
        self.k = k

    @property
    def k(self):
        """How many activations are kept: an integer, inside a compiled step a tensor."""
        return int(self._k) if tf.executing_eagerly() else self._k.value()

    @k.setter
    def k(self, k):
        self._k.assign(validate.positive("k", k))

    def build(self, input_shape):
        """Nothing to create; the sizes are compared."""
        if tf.executing_eagerly() and input_shape[-1] < self.k:
            raise ValueError(f"k={self.k}: there are {input_shape[-1]} units only.")

    def call(self, z):
        """Return the code."""
        return _largest(z, self.k)

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return super().get_config() | {"k": self.k}


@keras.saving.register_keras_serializable(package="autoencoder_course")
class WinnerTakeAll(layers.Layer):
    """In training, let every unit keep its largest activations of the batch only (Makhzani and Frey, arXiv:1409.2752).

    Of a batch of n images each unit keeps its `rate` · n largest activations, rounded, at least one, and is 0 for all
    other images: so every unit wins for some image, and none can die. Outside of training nothing is set to 0. Takes
    and gives (n, d). Raises ValueError for a rate outside (0, 1].
    """

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = validate.number("rate", rate, 0, 1, "a number in (0, 1]", "right")

    def call(self, z, training=False):
        """Return the code."""
        if not training:
            return z
        n = z.shape[0]
        if n is None:
            k = tf.maximum(1, tf.cast(tf.round(self.rate * tf.cast(tf.shape(z)[0], "float32")), "int32"))
        else:
            k = max(1, round(self.rate * n))
        return ops.transpose(_largest(ops.transpose(z), k))

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return super().get_config() | {"rate": self.rate}


@keras.saving.register_keras_serializable(package="autoencoder_course")
class PenalizedAutoencoder(Autoencoder):
    """An autoencoder whose loss is the reconstruction error plus `weight` times a penalty on the code z = f(x).

    The penalty, all of them sums over the units, none of them dependent on the size of the batch:

    - "l1": the sum of |z|, averaged over the images.
    - "kl": the divergence of a coin that shows 1 with probability ρ̂ from one with probability `rate`, summed over
      the units; ρ̂ is the mean activation of a unit over the batch. For codes in [0, 1].
    - "contractive": ||J||², the sum of the squares of all derivatives dz/dx, averaged over the images (Rifai et al.,
      2011). The encoder must be one dense layer on the flattened image.
    - None: 0.

    Called on images, the model returns a dict of "image", the reconstruction, and "code". The metrics "reconstruction"
    and "penalty", without its weight, stand beside "loss".

    Args:
        encoder, decoder, reconstruction_loss: as in `Autoencoder`, and so are the errors.
        penalty: one of those above.
        weight: at least 0.
        rate: in (0, 1), the mean activation that "kl" aims at.

    Raises ValueError for an unknown penalty, a number out of range, or an encoder that the penalty is not made for.
    """

    def __init__(self, encoder, decoder, penalty=None, weight=1.0, rate=0.05, reconstruction_loss="mse", **kwargs):
        super().__init__(encoder, decoder, reconstruction_loss, **kwargs)
        if penalty not in PENALTIES:
            raise ValueError(f"penalty={penalty!r}: must be one of {', '.join(map(repr, PENALTIES))}.")
        if penalty == "contractive":
            _single_dense(encoder)
        self.penalty, self.weight = penalty, validate.number("weight", weight, 0, None, "a number of at least 0")
        self.rate = validate.number("rate", rate, 0, 1, "a number between 0 and 1", "neither")
        self.reconstruction_metric = keras.metrics.Mean("reconstruction")
        self.penalty_metric = keras.metrics.Mean("penalty")

    def call(self, x, training=False):
        """Return a dict of the reconstruction "image", same shape as x, and the "code" (n, d)."""
        z = self.encoder(x, training=training)
        return {"image": self.decoder(z, training=training), "code": z}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the loss of the batch, see the class. The target is y where it is given, else x itself."""
        error = super().compute_loss(x, y, y_pred["image"], sample_weight, training)
        price = self.price(x, y_pred["code"])
        self.reconstruction_metric.update_state(error)
        self.penalty_metric.update_state(price)
        return error + self.weight * price

    def price(self, x, z):
        """Return the penalty of a batch of images x with codes z, without its weight: a scalar."""
        if self.penalty == "l1":
            return ops.mean(ops.sum(ops.abs(z), axis=1))
        if self.penalty == "kl":
            return activity_divergence(z, self.rate)
        return ops.mean(contraction(self.encoder, x)) if self.penalty else ops.zeros((), z.dtype)

    def get_config(self):
        """Return what `from_config` needs."""
        return super().get_config() | {"penalty": self.penalty, "weight": self.weight, "rate": self.rate}


def build(code, activation="relu", winners=None, *, unit_norm=True, penalty=None, weight=1.0, rate=0.05):
    """Build an autoencoder of one hidden layer, the code, for images of MNIST's size; its output is linear.

    Args:
        code: units of the code; more than 784 make it overcomplete.
        activation: of the code.
        winners: a layer that comes after the activation, such as `TopK(25)` or `WinnerTakeAll(.05)`, or None.
        unit_norm: whether the decoder's weights of every unit are kept at norm 1, by Keras' `UnitNorm`. Without it a
            penalty on the code is cheated by a small code and a large decoder.
        penalty, weight, rate: as in `PenalizedAutoencoder`.

    Returns a `PenalizedAutoencoder`, trained on squared error. Raises ValueError as that does, and for a code that is
    not a positive integer.
    """
    code = validate.positive("code", code)
    front = [keras.Input((28, 28, 1)), layers.Flatten()]
    dense = layers.Dense(code, activation, name="hidden" if winners else "code")
    encoder = keras.Sequential([*front, dense, *([winners] if winners else [])], name="encoder")
    constraint = keras.constraints.UnitNorm(axis=1) if unit_norm else None  # a row of the kernel belongs to one unit
    stack = [keras.Input((code,)), layers.Dense(784, kernel_constraint=constraint), layers.Reshape((28, 28, 1))]
    return PenalizedAutoencoder(encoder, keras.Sequential(stack, name="decoder"), penalty, weight, rate)


def centre(network, x, level=0.0):
    """Let training begin at images x (n, h, w, c): their mean has pre-activations of `level`, and is decoded as itself.

    The decoder's weights become the encoder's, transposed, each unit's with length 1, and the biases follow. Otherwise
    the units that happen to like the mean image win all competitions, and the others die. For networks of `build`.
    """
    mean = np.mean(x, axis=0, dtype="float64").ravel()
    dense, out = network.encoder.layers[1], network.decoder.layers[0]
    kernel = ops.convert_to_numpy(dense.kernel)
    kernel = kernel / np.linalg.norm(kernel, axis=0)
    start = ops.convert_to_numpy(dense.activation(ops.full((kernel.shape[1],), level)))  # the code of the mean image
    dense.set_weights([kernel, level - mean @ kernel])
    out.set_weights([kernel.T, mean - start @ kernel.T])
    return network


def activity_divergence(z, rate):
    """Return the "kl" penalty of codes z (n, d) in [0, 1]: KL of a coin with each unit's mean from one with `rate`.

    Summed over the units, in nats, at least 0, and 0 where every unit's mean is `rate`. A scalar tensor.
    """
    mean = ops.clip(ops.mean(z, axis=0), 1e-6, 1 - 1e-6)
    return ops.sum(rate * ops.log(rate / mean) + (1 - rate) * ops.log((1 - rate) / (1 - mean)))


def contraction(encoder, x):
    """Return ||J||² of every image, the squares of dz/dx summed over pixels and units, in closed form: a tensor (n,).

    With a = W x + b and z = φ(a), the derivative of unit j by pixel i is φ'(a_j) w_ji. So the sum over pixels
    is φ'(a_j)² times the squared norm of the unit's weights, and no Jacobian is ever written down.

    Args:
        encoder: Keras model of one dense layer on the flattened image, with any activation that works unit by unit.
        x: images (n, h, w, c).

    Raises ValueError for another encoder.
    """
    dense = _single_dense(encoder)
    a = ops.matmul(ops.reshape(x, (-1, dense.kernel.shape[0])), dense.kernel) + dense.bias
    with tf.GradientTape() as tape:
        tape.watch(a)
        z = dense.activation(a)
    slope = tape.gradient(z, a)  # unit by unit: the gradient of the sum of all z
    return ops.sum(ops.square(slope) * ops.sum(ops.square(dense.kernel), axis=0), axis=1)


def contraction_by_jacobian(encoder, x):
    """Return ||J||² of every image as `contraction` does, but from the Jacobian itself, for any encoder: (n,).

    Needs memory for n · d · pixels numbers.
    """
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = encoder(x, training=False)
    return ops.sum(ops.square(tf.reshape(tape.batch_jacobian(z, x), (x.shape[0], -1))), axis=1)


def treves_rolls(codes):
    """Return the sparseness of each code (n, d) of values of at least 0: (mean of z)² / mean of z², an array (n,).

    The share of units that are on when they are all equally on; 1 for a code whose units are all alike, 1/d for
    one with a single active unit. Multiplying a code by a number changes nothing, so shrinking does not fool it (Treves
    and Rolls, 1991). A code of zeros counts as 0. Raises ValueError for other values.
    """
    codes = validate.matrix("codes", codes).astype("float64")
    if codes.min() < 0:
        raise ValueError(f"codes: values of at least 0 expected, got {codes.min():.4g}.")
    square = np.square(codes).mean(axis=1)
    return np.square(codes.mean(axis=1)) / np.where(square > 0, square, 1)


def dead_units(codes, threshold=0.0):
    """Return how many units of the codes (n, d) are at most `threshold` for every image."""
    return int(np.sum(validate.matrix("codes", codes).max(axis=0) <= threshold))


def sensitivity(encode, x, changed):
    """Return how far codes move when images change, as a share of how far apart the codes of two images are.

    Args:
        encode: function of images that returns codes (n, d).
        x, changed: images (n, ...) and their changed versions.

    Returns the mean over the images of |f(changed) - f(x)|, divided by the mean of |f(x) - f(x')|, where x' is
    another of the images: 0 for a code that does not notice, 1 for one that takes it for another image. Raises
    ValueError for fewer than two images, or arrays of different shapes.
    """
    if np.shape(x) != np.shape(changed) or len(x) < 2:
        raise ValueError(f"Images {np.shape(x)} and {np.shape(changed)}: two equal shapes of at least 2 expected.")
    before, after = (validate.matrix("codes", encode(images)) for images in (x, changed))
    apart = np.linalg.norm(before - np.roll(before, len(x) // 2, axis=0), axis=1).mean()
    return float(np.linalg.norm(after - before, axis=1).mean() / apart)


def same_length_noise(change, seed):
    """Return noise in a random direction for every image, as long as that image's change: an array (n, ...)."""
    noise = np.random.default_rng(validate.seed(seed)).standard_normal(change.shape, dtype="float32")
    lengths = [np.sqrt(np.square(v).reshape(len(v), -1).sum(axis=1)) for v in (change, noise)]
    return noise * (lengths[0] / lengths[1]).reshape(-1, *[1] * (change.ndim - 1))


def _largest(z, k):
    """Keep the k largest numbers of every row, exactly k also where some are equal."""
    values, columns = tf.math.top_k(z, k)
    rows = tf.broadcast_to(tf.range(tf.shape(z)[0])[:, None], tf.shape(columns))
    return tf.ensure_shape(tf.scatter_nd(tf.stack([rows, columns], axis=2), values, tf.shape(z)), z.shape)


def _single_dense(encoder):
    found = [layer for layer in encoder.layers if not isinstance(layer, layers.InputLayer | layers.Flatten)]
    if len(found) != 1 or not isinstance(found[0], layers.Dense) or not found[0].use_bias:
        names = ", ".join(layer.name for layer in found)
        raise ValueError(f"contractive: an encoder of one dense layer with a bias expected, found {names or 'none'}.")
    return found[0]
