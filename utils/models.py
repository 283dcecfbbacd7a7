"""A base and two classes for every autoencoder of the course, plain and variational, and builders for both."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from scipy.special import expit

from utils import validate
from utils.layers import Sampler

LOSSES = ("mse", "bce")


class BaseAutoencoder(keras.Model):
    """What all autoencoders of the course share: an encoder and a decoder that mirrors it.

    The loss follows one convention: the reconstruction error is **summed over the pixels** of an image and averaged
    over the batch, in training and in `evaluate` alike, in float32 also where the layers compute in float16. Penalties
    that layers add (regularizers) are added to it.

    A subclass defines `call` and `compute_loss`. It may add layers, metrics and weights after `super().__init__`.

    Args:
        encoder: Keras model from images to codes.
        decoder: Keras model from codes to images of the encoder's input shape.

    Raises ValueError when the decoder does not fit the encoder.
    """

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        if self._code_shape(encoder) != decoder.input_shape or decoder.output_shape != encoder.input_shape:
            one, other = (f"({part.input_shape} to {part.output_shape})" for part in (decoder, encoder))
            raise ValueError(f"The decoder {one} does not mirror the encoder {other}.")
        self.encoder, self.decoder = encoder, decoder
        self.built = True  # not by build(): Keras allows no further parts after that

    @staticmethod
    def _code_shape(encoder):
        """(None, code size): the shape of the codes that an encoder's outputs hold."""
        return encoder.output_shape

    @property
    def input_shape(self):
        """(None, h, w, c): the encoder's."""
        return self.encoder.input_shape

    def build(self, input_shape):
        """Nothing to create: encoder and decoder arrive with their weights."""

    def average(self, losses, sample_weight=None):
        """Return the mean of the images' losses (n,), each times its weight if given, plus the layers' penalties."""
        loss = ops.mean(weighted(losses, sample_weight))
        return sum((ops.cast(penalty, loss.dtype) for penalty in self.losses), loss)

    def encode(self, x, batch_size=1000):
        """Return the codes of the images x as a NumPy array (n, code size)."""
        return apply(self.encoder, x, batch_size)

    def decode(self, z, batch_size=1000):
        """Return the images that the codes z stand for, as a NumPy array (n, h, w, c)."""
        return apply(self.decoder, z, batch_size)

    def reconstruct(self, x, batch_size=1000):
        """Return x̂ = decode(encode(x)) as a NumPy array of x's shape."""
        return self.decode(self.encode(x, batch_size), batch_size)

    def get_config(self):
        """Return what `from_config` needs: both parts, and what a subclass adds."""
        parts = {"encoder": self.encoder, "decoder": self.decoder}
        return super().get_config() | {k: keras.saving.serialize_keras_object(part) for k, part in parts.items()}

    @classmethod
    def from_config(cls, config):
        """Rebuild a model from `get_config`."""
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("encoder", "decoder")}
        return cls(**(config | parts))


@keras.saving.register_keras_serializable(package="autoencoder_course")
class Autoencoder(BaseAutoencoder):
    """An encoder and a decoder, trained together to copy their input through a code.

    Args:
        encoder, decoder: as in `BaseAutoencoder`, and so are the errors.
        reconstruction_loss: "mse", the squared error ||x - x̂||² (any real values), or "bce", the binary
            cross-entropy in nats (x and x̂ in [0, 1]). Raises ValueError for another one.
    """

    def __init__(self, encoder, decoder, reconstruction_loss="mse", **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        if reconstruction_loss not in LOSSES:
            raise ValueError(f"Unknown loss {reconstruction_loss!r}: choose one of {', '.join(LOSSES)}.")
        self.reconstruction_loss = reconstruction_loss

    @property
    def unit_targets(self):
        """Whether targets must lie in [0, 1]."""
        return self.reconstruction_loss == "bce"

    def call(self, x, training=False):
        """Return the reconstruction x̂ of a batch, same shape as x."""
        return self.decoder(self.encoder(x, training=training), training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the reconstruction error of the batch: summed over pixels, averaged over images.

        The target is y where it is given (a denoiser's clean image), else x itself.
        """
        target, copy = wide(x if y is None else y), wide(y_pred)
        mse = self.reconstruction_loss == "mse"
        error = ops.square(target - copy) if mse else ops.binary_crossentropy(target, copy)
        return self.average(image_sum(error), sample_weight)

    def get_config(self):
        """Return what `from_config` needs: both parts and the loss."""
        return super().get_config() | {"reconstruction_loss": self.reconstruction_loss}


@keras.saving.register_keras_serializable(package="autoencoder_course")
class VariationalAutoencoder(BaseAutoencoder):
    """An encoder that gives every image a distribution over codes, a decoder, and the ELBO as objective.

    q(z|x) = N(mean, diag(exp(log_variance))) with both from the encoder, p(z) = N(0, I), and p(x|z) independent
    Bernoulli pixels (Kingma and Welling, arXiv:1312.6114). The loss, in nats, in training and in `evaluate` alike:

        reconstruction + beta · KL

    where reconstruction = -log p(x|z) **summed over the pixels** with one z ~ q(z|x) per image, and KL = the
    divergence of q(z|x) from p(z) **summed over the units**, both averaged over the batch. With beta = 1 and pixels
    that are 0 or 1 it is the negative ELBO, an upper bound of -log p(x). Both terms are metrics, "reconstruction" and
    "kl", beside "loss". Penalties that layers add (regularizers) are added to the loss.

    Args:
        encoder: Keras model from images to a dict of two tensors (n, d): "mean" and "log_variance".
        decoder: Keras model from codes (n, d) to **logits** of the images' shape, any real numbers.
        beta: weight of the KL term, at least 0 (Higgins et al., 2017). It is also an attribute that may be set at any
            time, by a callback too: the next step uses the new value.
        seed: integer of at least 0 for the draws, or None for one that follows from `keras.utils.set_random_seed`.

    Raises ValueError for another output of the encoder, a decoder that does not fit, a beta or seed out of range.
    """

    def __init__(self, encoder, decoder, beta=1.0, seed=None, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self._beta = tf.Variable(0.0, trainable=False, dtype="float64")  # a compiled step sees it change
        self.beta = beta
        self.sampler = Sampler(seed)
        self.reconstruction_metric = keras.metrics.Mean("reconstruction")
        self.kl_metric = keras.metrics.Mean("kl")

    unit_targets = True  # for pixels of another distribution a subclass says False

    @property
    def beta(self):
        """The weight of the KL term: a number, inside a compiled step a tensor."""
        return float(self._beta.numpy()) if tf.executing_eagerly() else self._beta.value()

    @beta.setter
    def beta(self, beta):
        self._beta.assign(validate.number("beta", beta, 0, None, "a finite number of at least 0"))

    @staticmethod
    def _code_shape(encoder):
        outputs = encoder.compute_output_spec(keras.KerasTensor(encoder.input_shape))
        if not isinstance(outputs, dict) or set(outputs) != {"mean", "log_variance"}:
            raise ValueError(f'The encoder must return a dict of "mean" and "log_variance", not {outputs}.')
        shapes = {name: output.shape for name, output in outputs.items()}
        if shapes["mean"] != shapes["log_variance"] or len(shapes["mean"]) != 2:
            raise ValueError(f"The encoder's mean and log_variance must have one shape (n, d), not {shapes}.")
        return shapes["mean"]

    def call(self, x, training=False):
        """Return a dict of "logits" (x's shape), decoded from one draw z ~ q(z|x), "mean" and "log_variance"."""
        q = self.encoder(x, training=training)
        z = self.sampler(q["mean"], q["log_variance"])
        return {"logits": self.decoder(z, training=training)} | q

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the loss of the batch, see the class. The target is y where it is given, else x itself."""
        reconstruction = _cross_entropy(x if y is None else y, y_pred["logits"])
        kl = ops.sum(kl_divergence(wide(y_pred["mean"]), wide(y_pred["log_variance"])), axis=1)
        self.reconstruction_metric.update_state(weighted(reconstruction, sample_weight))
        self.kl_metric.update_state(weighted(kl, sample_weight))
        return self.average(reconstruction + ops.cast(self.beta, kl.dtype) * kl, sample_weight)

    def encode(self, x, batch_size=1000):
        """Return the means of q(z|x) as a NumPy array (n, d)."""
        return self.posterior(x, batch_size)[0]

    def posterior(self, x, batch_size=1000):
        """Return mean and log-variance of q(z|x), two NumPy arrays (n, d)."""
        q = apply(self.encoder, x, batch_size)
        return q["mean"], q["log_variance"]

    def decode(self, z, batch_size=1000):
        """Return each pixel's probability of being 1, in [0, 1], for the codes z: a NumPy array (n, h, w, c)."""
        return expit(apply(self.decoder, z, batch_size))

    def reconstruct(self, x, batch_size=1000, *, samples=None, seed=None):
        """Return decodings of the images x (n, h, w, c), pixel probabilities in [0, 1].

        Args:
            batch_size: inputs at a time.
            samples: None to decode the means of q(z|x), with a result of x's shape; or how many draws of z to decode
                for every image, with a result (samples, n, h, w, c).
            seed: of the draws, as in the class.

        Raises ValueError for a wrong shape, or a number out of range.
        """
        mean, log_variance = self.posterior(x, batch_size)
        if samples is None:
            return self.decode(mean, batch_size)
        eps = _rng(seed).standard_normal((validate.positive("samples", samples), *mean.shape), dtype="float32")
        z = mean + np.exp(log_variance / 2) * eps
        images = self.decode(z.reshape(-1, mean.shape[1]), batch_size)
        return images.reshape(samples, len(mean), *images.shape[1:])

    def sample(self, n, seed=None, batch_size=1000):
        """Return n images (n, h, w, c) decoded from draws of the prior N(0, I); seed as in `reconstruct`."""
        shape = validate.positive("n", n), self.decoder.input_shape[1]
        return self.decode(_rng(seed).standard_normal(shape, dtype="float32"), batch_size)

    def log_weights(self, x, samples, seed=None, batch_size=10_000):
        """Return the logarithms of the importance weights w = p(x|z) p(z) / q(z|x) for draws z ~ q(z|x), in nats.

        The mean of w over draws estimates p(x) without bias; `metrics.importance_sampled_nll` makes of them an
        estimate of -log p(x). The mean of log w is the ELBO (at beta = 1, which this ignores). On two cores a dense
        decoder 20-256-512-784 does about 80,000 draws a second.

        Args:
            x: images (n, h, w, c) whose pixels are 0 or 1: for others p(x|z) is no probability.
            samples: draws per image.
            seed: as in `reconstruct`. The draws do not depend on batch_size.
            batch_size: draws decoded at a time, of one image or several.

        Returns a float64 array (n, samples). Raises ValueError for other pixels than 0 and 1, a wrong shape, or a
        number out of range.
        """
        samples, batch_size = validate.positive("samples", samples), validate.positive("batch_size", batch_size)
        x = np.asarray(x, "float32")
        mean, log_variance = self.posterior(x)
        if not np.isin(x, (0, 1)).all():
            raise ValueError("log_weights: pixels must be 0 or 1; draw grey ones with corruptions.binarize(x, seed).")
        rng, sigma, log_w = _rng(seed), np.exp(log_variance / 2), np.empty(len(x) * samples)
        for start in range(0, len(log_w), batch_size):
            image = np.arange(start, min(start + batch_size, len(log_w))) // samples
            eps = rng.standard_normal((len(image), mean.shape[1]), dtype="float32")
            z = mean[image] + sigma[image] * eps
            error = ops.convert_to_numpy(_cross_entropy(x[image], self.decoder(z, training=False)))
            # log p(z) - log q(z|x): the constants d/2 · log(2 pi) cancel.
            ratio = np.sum(eps.astype("float64") ** 2 - z.astype("float64") ** 2 + log_variance[image], axis=1) / 2
            log_w[start : start + len(image)] = ratio - error
        return log_w.reshape(len(x), samples)

    def get_config(self):
        """Return what `from_config` needs: both parts, beta and seed."""
        return super().get_config() | {"beta": self.beta, "seed": self.sampler.seed}


def wide(values):
    """Return tensors in float32 at least: in float16 a sum over pixels overflows, and 1 - 1e-7 is 1."""
    return ops.cast(values, keras.backend.result_type(values.dtype, "float32"))


def image_sum(values):
    """Return values (n, ...) summed over all axes but the first: (n,)."""
    return ops.sum(ops.reshape(values, (ops.shape(values)[0], -1)), axis=1)


def _cross_entropy(target, logits):
    """Return -log p(target) of every image (n,) in nats, for Bernoulli pixels with these logits."""
    logits = wide(logits)
    return image_sum(ops.binary_crossentropy(ops.cast(target, logits.dtype), logits, from_logits=True))


def weighted(values, weight):
    """Return values (n,) times sample weights (n,) or (n, 1), or as they are where there are none."""
    return values if weight is None else values * ops.cast(ops.reshape(weight, (-1,)), values.dtype)


def kl_divergence(mean, log_variance):
    """Return the KL divergence of N(mean, exp(log_variance)) from N(0, 1) in nats, for every unit.

    (mean² + variance - 1 - log variance) / 2, at least 0, and 0 only for N(0, 1) itself (Kingma and Welling,
    appendix B). Units are independent: their sum is the divergence of the whole code. Arrays or tensors of one shape,
    such as (n, d), give the same shape, NumPy for NumPy, else a tensor. Raises ValueError for different shapes.
    """
    if tuple(mean.shape) != tuple(log_variance.shape):
        raise ValueError(f"mean has shape {mean.shape}, log_variance {log_variance.shape}: they must agree.")
    kl = (ops.square(mean) + (ops.expm1(log_variance) - log_variance)) / 2
    return ops.convert_to_numpy(kl) if isinstance(mean, np.ndarray) else kl


def apply(model, values, batch_size=1000):
    """Return a model's outputs for many inputs, batch by batch, as one NumPy array (or a dict of them, as the model).

    Unlike `model.predict` it compiles nothing, which for the short runs of these lessons is faster. The model is any
    with one input, the values (n, ...) have its input shape, batch_size is inputs at a time. Raises ValueError for
    another shape, no input at all, uint8 pixels, or a batch_size that is not a positive integer.
    """
    values, batch_size = np.asarray(values), validate.positive("batch_size", batch_size)
    check_shape("Inputs", values, model.input_shape[1:])
    if values.dtype == "uint8":
        raise ValueError("Inputs are uint8, pixels 0..255: scale them, x.astype('float32') / 255.")
    batches = [model(values[k : k + batch_size], training=False) for k in range(0, len(values), batch_size)]
    return keras.tree.map_structure(lambda *parts: np.concatenate([ops.convert_to_numpy(p) for p in parts]), *batches)


def check_shape(what, values, expected):
    """Raise ValueError unless the array `values` is (n, *expected) with n > 0; None in `expected` is any size."""
    shape, expected = tuple(values.shape), tuple(expected)

    def fits(found):
        return len(found) == len(expected) and all(e in (None, f) for e, f in zip(expected, found, strict=True))

    if fits(shape[1:]) and shape[0] > 0:
        return
    grey, pixels = expected[-1:] == (1,), None if None in expected else int(np.prod(expected))
    hints = [
        (fits(shape), "A single one needs a first axis: x[None]."),
        (grey and fits((*shape[1:], 1)), "Add a channel axis: x[..., None]."),
        (grey and fits((*shape, 1)), "A single one needs a first and a channel axis: x[None, ..., None]."),
        (len(expected) == 1 and fits((int(np.prod(shape[1:])),)), "Flatten them: x.reshape(len(x), -1)."),
        (len(shape) == 2 and shape[1:] == (pixels,), f"Give them their shape: x.reshape{(-1, *expected)}."),
    ]
    hint = next((f" {text}" for found, text in hints if found and shape[:1] != (0,)), "")
    raise ValueError(f"{what} of shape (n, {', '.join(map(str, expected))}) expected, got {shape}.{hint}")


def same_architecture(one, other):
    """Whether two networks have the same layers with the same settings and numbers of weights, in the same order.

    Either is a Keras model, or a list of models whose layers follow one another, such as [encoder, decoder]. Names do
    not count, nor how the layers are grouped: a `Sequential` may equal an `Autoencoder`, whose layers are its encoder's
    and its decoder's. How layers of a functional model are connected is not compared.
    """

    def described(model):
        if isinstance(model, list | tuple):
            return [layer for part in model for layer in described(part)]
        if isinstance(model, BaseAutoencoder):
            return described([model.encoder, model.decoder])
        if isinstance(model, keras.Model):
            return described(model.layers)
        if isinstance(model, layers.InputLayer):
            return []
        return [(type(model), model.get_config() | {"name": None}, [weight.shape for weight in model.weights])]

    return described(one) == described(other)


def deep(
    hidden,
    code,
    *,
    activation="relu",
    code_activation="linear",
    output_activation="sigmoid",
    loss="mse",
    initializer="glorot_uniform",
    input_shape=(28, 28, 1),
):
    """Build a dense autoencoder of any depth: the decoder's widths mirror the encoder's.

    Args:
        hidden: widths of the encoder's hidden layers from the input inwards, such as (128, 64, 32); may be empty.
        code: number of units of the code.
        activation: of all hidden layers.
        code_activation: of the code.
        output_activation: of the output; "sigmoid" keeps it in [0, 1] as the pixels are.
        loss: "mse" or "bce"; "bce" requires the output activation "sigmoid".
        initializer: of the hidden layers' kernels.
        input_shape: (h, w, c) of the images.

    Returns an `Autoencoder` from images (n, h, w, c) through codes (n, code) to images. Raises ValueError for a width,
    code or shape that is not a positive integer, an unknown activation or loss, or "bce" without a sigmoid.
    """
    activations = activation, code_activation, output_activation
    hidden, code, input_shape = _checked(hidden, code, input_shape, activations, loss)
    inner = {"activation": activation, "kernel_initializer": initializer}
    down = [*_dense(hidden, inner), layers.Dense(code, code_activation, name="code")]
    encoder = _sequential("encoder", input_shape, layers.Flatten(), *down)
    return Autoencoder(encoder, _decoder(hidden, code, input_shape, inner, activation=output_activation), loss)


def variational(
    hidden=(512, 256),
    code=20,
    *,
    activation="gelu",
    beta=1.0,
    seed=None,
    initializer="glorot_uniform",
    input_shape=(28, 28, 1),
):
    """Build a dense variational autoencoder; the decoder's widths mirror the encoder's.

    The lecture's network, 784-256-28 (000, *VAE in practice*), is `variational((256,), 28, activation="relu")`.

    Returns a `VariationalAutoencoder` of images (n, h, w, c), whose encoder has two linear outputs of `code` latent
    units, mean and log-variance. beta and seed are as in that class, other arguments and errors as for `deep`.
    """
    hidden, code, input_shape = _checked(hidden, code, input_shape, (activation,))
    inner = {"activation": activation, "kernel_initializer": initializer}
    x = keras.Input(input_shape)
    h = layers.Flatten()(x)
    for layer in _dense(hidden, inner):
        h = layer(h)
    heads = {name: layers.Dense(code, name=name)(h) for name in ("mean", "log_variance")}
    decoder = _decoder(hidden, code, input_shape, inner, name="logits")
    return VariationalAutoencoder(keras.Model(x, heads, name="encoder"), decoder, beta, seed)


def vanilla(code=32, *, activation="relu", output_activation="sigmoid", loss="mse", input_shape=(28, 28, 1)):
    """Build the autoencoder with one hidden layer, the code (lecture 000, *Vanilla autoencoder in keras*).

    Arguments, result and errors as for `deep`; `activation` is the code's.
    """
    activations = {"code_activation": activation, "output_activation": output_activation}
    return deep((), code, **activations, loss=loss, input_shape=input_shape)


def side_by_side(count, hidden, code, *, activation="gelu", loss="mse", input_shape=(28, 28, 1)):
    """Build several dense autoencoders of one size as one model, so that one compilation and one `fit` train them all.

    Nothing connects them: every layer is `count` dense layers in one product of matrices, and image k of a stack goes
    through network k alone. The loss is the sum of their losses, so that each has its own gradient, and with Adam,
    which treats every weight by itself, becomes what it would be alone on the same batches. Kernels have the shape
    (count, inputs, outputs), biases (count, outputs); they begin normal, of variance 2 / inputs, and zero.

    Args:
        count: of the networks.
        hidden, code, activation, loss, input_shape: of each of them, as for `deep`; the output is a sigmoid.

    Returns an `Autoencoder` from stacks of images (n, count, h, w, c) through codes (n, count, code) to such stacks.
    Raises ValueError as `deep` does, and for a count that is not a positive integer.
    """
    count = validate.positive("The count", count)
    hidden, code, input_shape = _checked(hidden, code, input_shape, (activation, "sigmoid"), loss)

    def stack(widths, last):
        """Layers between widths, the activation of the last one given."""
        names = [activation] * (len(widths) - 2) + [last]
        for inputs, units, name in zip(widths, widths[1:], names, strict=False):
            kernel = keras.initializers.RandomNormal(stddev=math.sqrt(2 / inputs))
            settings = {"bias_axes": "co", "activation": name, "kernel_initializer": kernel}
            yield layers.EinsumDense("bci,cio->bco", (count, units), **settings)

    pixels, shape = math.prod(input_shape), (count, *input_shape)
    down = [layers.Reshape((count, pixels)), *stack((pixels, *hidden, code), "linear")]
    up = [*stack((code, *hidden[::-1], pixels), "sigmoid"), layers.Reshape(shape)]
    encoder = _sequential("encoder", shape, *down)
    return Autoencoder(encoder, _sequential("decoder", (count, code), *up), loss)


def linear(code=32, *, input_shape=(28, 28, 1)):
    """Build the linear autoencoder: one hidden layer, no activations, squared error.

    Its optimum is PCA (Bourlard and Kamp, 1988). Arguments, result and errors as for `deep`.
    """
    return vanilla(code, activation="linear", output_activation="linear", input_shape=input_shape)


def hinton_salakhutdinov(code=30, *, activation="gelu", loss="mse", input_shape=(28, 28, 1)):
    """Build 784-1000-500-250-30 and its mirror (Hinton and Salakhutdinov, Science 313:504, 2006).

    The paper's hidden units are logistic, and pretrained layer by layer as restricted Boltzmann machines; GELU
    units (the default) train all at once. Code linear and output logistic as in the paper. Arguments, result
    and errors as for `deep`.
    """
    settings = {"activation": activation, "initializer": "he_normal", "loss": loss, "input_shape": input_shape}
    return deep((1000, 500, 250), code, **settings)


def _rng(seed):
    seed = int(keras.random.randint((), 0, 2**31 - 1)) if seed is None else seed
    return np.random.default_rng(validate.integer("seed", seed, 0))


def _sizes(what, values):
    """Return a sequence of positive integers as a tuple, or raise ValueError."""
    if isinstance(values, str) or not np.iterable(values):
        raise ValueError(f"Positive integers expected, one per {what}, such as (128, 64), not {values!r}.")
    return tuple(validate.positive(f"A {what}", value) for value in values)


def _checked(hidden, code, input_shape, activations, loss=None):
    """Return a builder's hidden widths, code size and image shape; of its activations the output's comes last."""
    for name in activations:
        try:
            keras.activations.get(name)
        except (ValueError, TypeError) as error:
            raise ValueError(f"Unknown activation {name!r}: choose one that Keras knows, such as 'relu'.") from error
    if loss == "bce" and activations[-1] != "sigmoid":
        raise ValueError(f"loss='bce' needs outputs in [0, 1]: output_activation='sigmoid', not {activations[-1]!r}.")
    hidden, input_shape = _sizes("hidden width", hidden), _sizes("size in input_shape", input_shape)
    if not input_shape:
        raise ValueError("input_shape is empty: give the size of the images, such as (28, 28, 1).")
    return hidden, validate.positive("The code size", code), input_shape


def _sequential(name, input_shape, *stack):
    return keras.Sequential([keras.Input(input_shape), *stack], name=name)


def _dense(widths, settings):
    return [layers.Dense(width, **settings) for width in widths]


def _decoder(hidden, code, shape, inner, **output):
    """The mirror of a dense encoder, with settings of the inner layers and of the output."""
    up = [*_dense(hidden[::-1], inner), layers.Dense(math.prod(shape), **output)]
    return _sequential("decoder", (code,), *up, layers.Reshape(shape))


def ee559(code=8):
    """Build the convolutional autoencoder for MNIST of lecture 002 (Fleuret, EE-559, 9.2, *Deep Autoencoders*).

    Five convolutions without padding shrink 28x28 to 1x1; the decoder mirrors them with transposed convolutions.
    ReLU between them, none at the code and the output, which is therefore not confined to [0, 1]. 112,457
    parameters at code=8, and 24 million multiplications per image: about 70 s per epoch of MNIST on two cores.

    Returns an `Autoencoder` from images (n, 28, 28, 1) through codes (n, code) to images, trained on squared error.
    Raises ValueError for a code, its number of units, that is not a positive integer.
    """
    code = validate.positive("The code size", code)
    sizes = ((5, 1), (5, 1), (4, 2), (3, 2))  # kernel and stride: 28x28x1 → 24x24x32 → 20x20x32 → 9x9x32 → 4x4x32
    down = [layers.Conv2D(32, kernel, stride, activation="relu") for kernel, stride in sizes]
    bottom = layers.Conv2D(code, 4, name="code")  # → 1x1xcode
    encoder = _sequential("encoder", (28, 28, 1), *down, bottom, layers.Flatten())
    sizes = ((4, 1), (3, 2), (4, 2), (5, 1))  # 1x1xcode → 4x4x32 → 9x9x32 → 20x20x32 → 24x24x32
    up = [layers.Conv2DTranspose(32, kernel, stride, activation="relu") for kernel, stride in sizes]
    top = layers.Conv2DTranspose(1, 5)  # → 28x28x1
    return Autoencoder(encoder, _sequential("decoder", (code,), layers.Reshape((1, 1, code)), *up, top))


def convolutional(
    code=32,
    *,
    filters=(16, 32),
    hidden=512,
    kernel_size=4,
    activation="gelu",
    output_activation="sigmoid",
    loss="mse",
    input_shape=(28, 28, 1),
):
    """Build a convolutional autoencoder that is cheap on a CPU: every convolution halves the image at once.

    Convolutions of stride 2, padded at the border, then a dense hidden layer or none, then the code; the decoder
    mirrors them with transposed convolutions. With the defaults 28x28x1 → 14x14x16 → 7x7x32 → 512 → code: about a
    tenth of the multiplications of `ee559`. A kernel size that is a multiple of the stride avoids checkerboards
    (Odena et al., 2016).

    Args:
        filters: channels of the convolutions, from the image inwards; at least one.
        hidden: units of the dense layer between the last convolution and the code, or None for no such layer.
        kernel_size: height and width of all kernels.
        input_shape: (h, w, c) of the images; h and w multiples of 2 to the number of filters.

    Other arguments, result and errors as for `deep`, and ValueError for images that cannot be halved so often.
    """
    hidden = () if hidden is None else (validate.positive("The number of hidden units", hidden),)
    kernel_size, filters = validate.positive("The kernel size", kernel_size), _sizes("number of filters", filters)
    hidden, code, input_shape = _checked(hidden, code, input_shape, (activation, output_activation), loss)
    if not filters:
        raise ValueError("filters is empty: give the channels of at least one convolution.")
    if len(input_shape) != 3:
        raise ValueError(f"input_shape={input_shape}: (h, w, c) expected; grey images have one channel, (28, 28, 1).")
    (h, w, c), scale = input_shape, 2 ** len(filters)
    if h % scale or w % scale:
        raise ValueError(f"Images of {h}x{w} cannot be halved {len(filters)} times: pad them, or give fewer filters.")
    halved = (h // scale, w // scale, filters[-1])
    halving = {"kernel_size": kernel_size, "strides": 2, "padding": "same"}
    inner = {"activation": activation, "kernel_initializer": "he_normal"}
    down = [layers.Conv2D(number, **halving, **inner) for number in filters]
    dense = [*_dense(hidden, inner), layers.Dense(code, name="code")]
    encoder = _sequential("encoder", input_shape, *down, layers.Flatten(), *dense)
    dense = [*_dense((*hidden, math.prod(halved)), inner), layers.Reshape(halved)]
    up = [layers.Conv2DTranspose(number, **halving, **inner) for number in filters[-2::-1]]
    output = layers.Conv2DTranspose(c, **halving, activation=output_activation)
    return Autoencoder(encoder, _sequential("decoder", (code,), *dense, *up, output), loss)
