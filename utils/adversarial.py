"""Models whose loss is another network's verdict: GAN, and the VAE-GAN that lets it judge a VAE's images.

Every step has two phases. In the first only the discriminator learns, in the second only what makes images. (The
running means of batch normalization are no weights that learn: they follow the batches in both phases.) Both models
are trained by Keras' `fit` or by `utils.training.fit`, on images in [0, 1]. `gan`, `vae` and `vaegan` build three
models with the same layers.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from utils import validate
from utils.layers import draw
from utils.models import VariationalAutoencoder, apply, kl_divergence

LOSSES = ("minimax", "non_saturating", "hinge", "wgan-gp")
PENALTY = 10.0  # weight of the gradient penalty (Gulrajani et al., 2017)


class _Adversarial(keras.Model):
    """What both models share: a discriminator with an optimizer of its own, noise to begin from, two phases."""

    def _prepare(self, generator, discriminator, loss, discriminator_rate, seed):
        """Take the parts; raises ValueError for what does not fit."""
        if loss not in LOSSES:
            raise ValueError(f"Unknown loss {loss!r}: choose one of {', '.join(LOSSES)}.")
        if generator.output_shape != discriminator.input_shape or discriminator.output_shape[1:] != (1,):
            one, other = (f"({part.input_shape} to {part.output_shape})" for part in (generator, discriminator))
            raise ValueError(f"The generator {one} makes images, of which the discriminator {other} makes one number.")
        rate = validate.number("discriminator_rate", discriminator_rate, 0, None, "a positive number", "neither")
        self.discriminator, self.adversarial_loss, self.discriminator_rate = discriminator, loss, rate
        self.noise = keras.random.SeedGenerator(None if seed is None else validate.integer("seed", seed, 0))
        self.seed = seed
        self.discriminator_metric = keras.metrics.Mean("discriminator_loss")
        self.generator_metric = keras.metrics.Mean("generator_loss")
        self.built = True

    @property
    def input_shape(self):
        """(None, h, w, c): of the images that it is trained on."""
        return self.discriminator.input_shape

    def build(self, input_shape):
        """Nothing to create: the parts arrive with their weights."""

    def compile(self, optimizer="adam", loss=None, **kwargs):
        """Take the optimizer of what makes images; the discriminator's is a copy, see `discriminator_rate`.

        Raises ValueError for a loss: the model has its own.
        """
        if loss is not None:
            raise ValueError(f"loss={loss!r}: {type(self).__name__} has losses of its own. Leave it out.")
        super().compile(optimizer=optimizer, **kwargs)
        self.discriminator_optimizer = _copy(self.optimizer, self.discriminator_rate)
        self.optimizer.build(self._makers())
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def compile_from_config(self, config):
        """Compile a loaded model again."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def train_step(self, data):
        """One step on a batch of images: `discriminator_step`, then `generator_step`; return the metrics."""
        x, *_ = keras.utils.unpack_x_y_sample_weight(data)
        self.discriminator_step(x)
        self.generator_step(x)
        return self.get_metrics_result()

    def draw_codes(self, n):
        """Return n draws (n, d) of N(0, I), a tensor, fresh at every call."""
        return draw(tf.random.stateless_normal, (n, self._code_size()), self.noise)

    def _learn_to_tell(self, x, fake):
        """The first phase on as many real images as fake ones: a step of the discriminator alone."""
        with tf.GradientTape() as tape:
            scores = self.discriminator(x, training=True), self.discriminator(fake, training=True)
            loss = discriminator_loss(self.adversarial_loss, *scores)
            if self.adversarial_loss == "wgan-gp":
                loss += PENALTY * self._gradient_penalty(x, fake)
        variables = self.discriminator.trainable_variables
        self.discriminator_optimizer.apply(tape.gradient(loss, variables), variables)
        self.discriminator_metric.update_state(loss)

    def _gradient_penalty(self, x, fake):
        """Return the mean of (norm - 1)², the norm of the critic's gradient at points between real and fake images."""
        n = ops.shape(x)[0]
        share = draw(tf.random.stateless_uniform, (n, *[1] * (len(x.shape) - 1)), self.noise)
        between = share * x + (1 - share) * fake
        with tf.GradientTape() as tape:
            tape.watch(between)
            score = self.discriminator(between, training=True)
        slope = ops.reshape(tape.gradient(score, between), (n, -1))
        return ops.mean((ops.sqrt(ops.sum(slope**2, axis=1) + 1e-12) - 1) ** 2)


@keras.saving.register_keras_serializable(package="autoencoder_course")
class GAN(_Adversarial):
    """A generator and a discriminator, trained against each other (Goodfellow et al., 2014).

    The discriminator gives every image one number, a logit: large for "real". The losses of both, means over the
    batch, are functions of the logits c(x) of real images and c(g(z)) of generated ones, z ~ N(0, I):

        minimax         softplus(-c(x)) + softplus(c(g(z)));    generator: -softplus(c(g(z)))
        non_saturating  as minimax;                             generator: softplus(-c(g(z)))
        hinge           relu(1 - c(x)) + relu(1 + c(g(z)));     generator: -c(g(z))      (Lim and Ye, 2017)
        wgan-gp         c(g(z)) - c(x) + 10 (|∇c| - 1)²;        generator: -c(g(z))      (Gulrajani et al., 2017)

    Metrics are "discriminator_loss" and "generator_loss".

    Args:
        generator: Keras model from codes (n, d) to images in [0, 1].
        discriminator: Keras model from images to one logit, (n, 1).
        loss: one of `LOSSES`.
        discriminator_rate: by how much the discriminator's learning rate is larger than the generator's.
        seed: integer of at least 0 for the noise, or None for one that follows from `keras.utils.set_random_seed`.

    Raises ValueError for parts that do not fit each other, an unknown loss, a rate or seed out of range.
    """

    def __init__(self, generator, discriminator, loss="non_saturating", discriminator_rate=1.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self._prepare(generator, discriminator, loss, discriminator_rate, seed)
        self.generator = generator

    @property
    def metrics(self):
        """Both losses; there is no "loss" that both parts would share."""
        return [self.discriminator_metric, self.generator_metric]

    def call(self, x, training=False):
        """Return the logits (n, 1) of a batch of images."""
        return self.discriminator(x, training=training)

    def discriminator_step(self, x):
        """The first phase, on a batch of real images: the discriminator learns to tell them from generated ones."""
        fake = self.generator(self.draw_codes(ops.shape(x)[0]), training=True)
        self._learn_to_tell(x, fake)

    def generator_step(self, x):
        """The second phase, for as many images as x has: the generator learns to be taken for real."""
        z, variables = self.draw_codes(ops.shape(x)[0]), self.generator.trainable_variables
        with tf.GradientTape() as tape:
            score = self.discriminator(self.generator(z, training=True), training=True)
            loss = generator_loss(self.adversarial_loss, score)
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        self.generator_metric.update_state(loss)

    def decode(self, z, batch_size=1000):
        """Return the images that the codes z (n, d) stand for, as a NumPy array (n, h, w, c)."""
        return apply(self.generator, z, batch_size)

    def sample(self, n, seed=None, batch_size=1000):
        """Return n images (n, h, w, c) decoded from draws of N(0, I); the seed is an integer, or None."""
        shape = validate.positive("n", n), self._code_size()
        return self.decode(np.random.default_rng(seed).standard_normal(shape, dtype="float32"), batch_size)

    def get_config(self):
        """Return what `from_config` needs."""
        parts = {"generator": self.generator, "discriminator": self.discriminator}
        config = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        kept = {"loss": self.adversarial_loss, "discriminator_rate": self.discriminator_rate, "seed": self.seed}
        return super().get_config() | config | kept

    @classmethod
    def from_config(cls, config):
        """Rebuild a model from `get_config`."""
        parts = {key: keras.saving.deserialize_keras_object(config[key]) for key in ("generator", "discriminator")}
        return cls(**(config | parts))

    def _makers(self):
        return self.generator.trainable_variables

    def _code_size(self):
        return self.generator.input_shape[1]


@keras.saving.register_keras_serializable(package="autoencoder_course")
class VAEGAN(_Adversarial, VariationalAutoencoder):
    """A variational autoencoder whose images a discriminator judges (Larsen et al., 2016, arXiv:1512.09300).

    Two images count as alike when the discriminator's hidden layer says so: its activations h replace the pixels in
    the reconstruction term, R = ½ |h(x) - h(x̂)|², summed over the units. Each part has a gradient of its own:

        discriminator  tells real images from copies x̂ and decoded draws of the prior, half of each (first phase)
        encoder        R + beta · KL (second phase, as the decoder)
        decoder        feature_weight · R + the generator's loss for copies and draws

    It samples, encodes and reconstructs as its base. Metrics are "discriminator_loss", "generator_loss",
    "reconstruction" (R), "kl" and "loss" (R + beta · KL), which is what `evaluate` gives, too.

    Args:
        encoder, decoder, beta: as in `VariationalAutoencoder`; the decoder gives logits of pixels.
        discriminator, loss, discriminator_rate: as in `GAN`.
        features: name of the discriminator's layer whose activations are compared.
        feature_weight: weight of R in the decoder's loss, at least 0.
        seed: as in `GAN`, for all draws.

    Raises ValueError for parts that do not fit each other, no layer of that name, or settings out of range.
    """

    unit_targets = False

    def __init__(
        self,
        encoder,
        decoder,
        discriminator,
        features="features",
        feature_weight=0.01,
        beta=1.0,
        loss="non_saturating",
        discriminator_rate=1.0,
        seed=None,
        **kwargs,
    ):
        VariationalAutoencoder.__init__(self, encoder, decoder, beta, seed, **kwargs)
        self._prepare(decoder, discriminator, loss, discriminator_rate, seed)
        if features not in {layer.name for layer in discriminator.layers}:
            raise ValueError(f"features={features!r}: no layer of the discriminator has this name.")
        self.features = features
        self.feature_weight = validate.number(
            "feature_weight", feature_weight, 0, None, "a finite number of at least 0"
        )
        hidden = discriminator.get_layer(features).output
        self._both = keras.Model(discriminator.inputs, [hidden, discriminator.outputs[0]])

    def call(self, x, training=False):
        """Return a dict of "logits" of pixels, "mean", "log_variance", and "features", h(x) and h(x̂) (2, n, ...)."""
        answer = VariationalAutoencoder.call(self, x, training=training)
        pair = [self._both(images, training=training)[0] for images in (x, ops.sigmoid(answer["logits"]))]
        return answer | {"features": ops.stack(pair)}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the encoder's loss, R + beta · KL, averaged over the batch."""
        reconstruction = _unlikeness(y_pred["features"])
        kl = ops.sum(kl_divergence(y_pred["mean"], y_pred["log_variance"]), axis=1)
        self.reconstruction_metric.update_state(reconstruction)
        self.kl_metric.update_state(kl)
        return self.average(reconstruction + ops.cast(self.beta, kl.dtype) * kl, sample_weight)

    def discriminator_step(self, x):
        """The first phase: the discriminator learns to tell images from copies and from decoded draws."""
        half = ops.shape(x)[0] // 2
        q = self.encoder(x[:half], training=True)
        images = ops.sigmoid(self.decoder(self._codes(q, ops.shape(x)[0] - half), training=True))
        self._learn_to_tell(x, images)

    def generator_step(self, x):
        """The second phase: encoder and decoder, each by the gradient of its own loss."""
        n = ops.shape(x)[0]
        half = n // 2
        encoder, decoder = self.encoder.trainable_variables, self.decoder.trainable_variables
        with tf.GradientTape(persistent=True) as tape:
            q = self.encoder(x[:half], training=True)
            logits = self.decoder(self._codes(q, n - half), training=True)
            hidden, score = self._both(ops.concatenate([x[:half], ops.sigmoid(logits)]), training=True)
            pair = ops.stack([hidden[:half], hidden[half : 2 * half]])
            loss = self.compute_loss(x[:half], y_pred=q | {"features": pair})
            fooling = generator_loss(self.adversarial_loss, score[half:])
            decoding = self.feature_weight * ops.mean(_unlikeness(pair)) + fooling
        gradients = [*tape.gradient(loss, encoder), *tape.gradient(decoding, decoder)]
        del tape
        self.optimizer.apply(gradients, [*encoder, *decoder])
        self._loss_tracker.update_state(loss)
        self.generator_metric.update_state(fooling)

    def _codes(self, q, draws):
        """Return codes drawn from q(z|x), one per image, and below them so many draws of the prior."""
        return ops.concatenate([self.sampler(q["mean"], q["log_variance"]), self.draw_codes(draws)])

    def get_config(self):
        """Return what `from_config` needs."""
        kept = {"features": self.features, "feature_weight": self.feature_weight, "loss": self.adversarial_loss}
        kept |= {"discriminator_rate": self.discriminator_rate, "seed": self.seed}
        return super().get_config() | kept | {"discriminator": keras.saving.serialize_keras_object(self.discriminator)}

    @classmethod
    def from_config(cls, config):
        """Rebuild a model from `get_config`."""
        parts = ("encoder", "decoder", "discriminator")
        return cls(**(config | {name: keras.saving.deserialize_keras_object(config[name]) for name in parts}))

    def _makers(self):
        return [*self.encoder.trainable_variables, *self.decoder.trainable_variables]

    def _code_size(self):
        return self.decoder.input_shape[1]


def _unlikeness(pair):
    """Return half the squared distance of two tensors, (2, n, ...), for each of n: (n,)."""
    difference = ops.reshape(pair[0] - pair[1], (ops.shape(pair)[1], -1))
    return ops.sum(difference**2, axis=1) / 2


def discriminator_loss(loss, real, fake):
    """Return what the discriminator minimises, without the gradient penalty: the mean over logits of both kinds."""
    if loss == "hinge":
        return ops.mean(ops.relu(1 - real)) + ops.mean(ops.relu(1 + fake))
    if loss == "wgan-gp":
        return ops.mean(fake) - ops.mean(real)
    return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))


def generator_loss(loss, fake):
    """Return what the generator minimises: the mean over logits of its images."""
    if loss == "minimax":
        return -ops.mean(ops.softplus(fake))
    return ops.mean(ops.softplus(-fake)) if loss == "non_saturating" else -ops.mean(fake)


@keras.saving.register_keras_serializable(package="autoencoder_course")
class Scaled(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule whose rate is another one's times a factor."""

    def __init__(self, schedule, factor):
        self.schedule, self.factor = schedule, factor

    def __call__(self, step):
        """Return the rate of a step."""
        return self.factor * self.schedule(step)

    def get_config(self):
        """Return what `from_config` needs."""
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "factor": self.factor}

    @classmethod
    def from_config(cls, config):
        """Rebuild a schedule from `get_config`."""
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["factor"])


def _copy(optimizer, factor):
    """Return an optimizer with the same settings and no state, its learning rate multiplied."""
    config = optimizer.get_config()
    rate = config["learning_rate"]
    if isinstance(rate, dict):
        rate = Scaled(keras.saving.deserialize_keras_object(rate), factor)
    else:
        rate = factor * float(rate)
    return type(optimizer).from_config(config | {"learning_rate": rate, "name": f"discriminator_{optimizer.name}"})


def gan(code=16, hidden=64, filters=(16, 32), *, activation="leaky_relu", input_shape=(28, 28, 1), **settings):
    """Build a convolutional GAN, see `generator` and `discriminator`; other settings, and the errors, as for `GAN`."""
    critic = discriminator(hidden, filters, activation=activation, input_shape=input_shape)
    return GAN(generator(code, filters, input_shape=input_shape), critic, **settings)


def vae(code=16, hidden=64, filters=(16, 32), *, activation="leaky_relu", input_shape=(28, 28, 1), **settings):
    """Build a VAE with the layers of `gan`: its encoder has the discriminator's, with two outputs of `code` units.

    Settings and errors are those of `VariationalAutoencoder`.
    """
    decoder = generator(code, filters, input_shape=input_shape, activation=None, name="decoder")
    return VariationalAutoencoder(_encoder(code, hidden, filters, activation, input_shape), decoder, **settings)


def vaegan(code=16, hidden=29, filters=(16, 32), *, activation="leaky_relu", input_shape=(28, 28, 1), **settings):
    """Build a VAE-GAN: the encoder and decoder of `vae`, the discriminator of `gan`; settings as for `VAEGAN`.

    With fewer hidden units than theirs, encoder and discriminator have together about the weights of one of them.
    """
    decoder = generator(code, filters, input_shape=input_shape, activation=None, name="decoder")
    critic = discriminator(hidden, filters, activation=activation, input_shape=input_shape)
    return VAEGAN(_encoder(code, hidden, filters, activation, input_shape), decoder, critic, **settings)


def generator(code, filters=(16, 32), *, input_shape=(28, 28, 1), activation="sigmoid", name="generator"):
    """Return a network from codes (n, code) to images: transposed convolutions after batch normalization (as DCGAN's).

    The filters are the discriminator's, from the image inwards. Raises ValueError for images that are not a multiple
    of four pixels high and wide.
    """
    (h, w, c), (outer, inner) = input_shape, filters
    if h % 4 or w % 4:
        raise ValueError(f"Images of {h} x {w} pixels: multiples of 4 expected.")
    up = {"kernel_size": 4, "strides": 2, "padding": "same"}
    stack = [
        keras.Input((code,)),
        layers.Dense(h // 4 * (w // 4) * inner, use_bias=False),
        layers.Reshape((h // 4, w // 4, inner)),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
        layers.Conv2DTranspose(outer, use_bias=False, **up),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
        layers.Conv2DTranspose(c, activation=activation, name="logits" if activation is None else None, **up),
    ]
    return keras.Sequential(stack, name=name)


def discriminator(hidden=64, filters=(16, 32), *, activation="leaky_relu", input_shape=(28, 28, 1)):
    """Return a network from images to one logit; its second convolution is named "features"."""
    stack = [keras.Input(input_shape), *_trunk(hidden, filters, activation), layers.Dense(1, name="logit")]
    return keras.Sequential(stack, name="discriminator")


def _trunk(hidden, filters, activation):
    inner = {"activation": activation, "kernel_initializer": "he_normal"}
    down = {"kernel_size": 4, "strides": 2, "padding": "same"} | inner
    maps = layers.Conv2D(filters[0], **down), layers.Conv2D(filters[1], **down, name="features")
    return [*maps, layers.Flatten(), layers.Dense(hidden, name="hidden", **inner)]


def _encoder(code, hidden, filters, activation, input_shape):
    x = h = keras.Input(input_shape)
    for layer in _trunk(hidden, filters, activation):
        h = layer(h)
    heads = {name: layers.Dense(code, name=name)(h) for name in ("mean", "log_variance")}
    return keras.Model(x, heads, name="encoder")
