"""One class for every autoencoder of the course, and builders for the dense ones."""

import keras
import numpy as np
from keras import layers, ops

LOSSES = ("mse", "bce")


@keras.saving.register_keras_serializable(package="autoencoder_course")
class Autoencoder(keras.Model):
    """An encoder and a decoder, trained together to copy their input through a code.

    The loss follows the course's one convention: the reconstruction error is **summed over the pixels** of an
    image and averaged over the batch, in training and in `evaluate` alike. Penalties that layers add
    (regularizers) are added to it.

    Args:
        encoder: Keras model from images to codes.
        decoder: Keras model from codes to images of the encoder's input shape.
        reconstruction_loss: "mse", the squared error ||x - x̂||² (any real values), or "bce", the binary
            cross-entropy in nats (x and x̂ in [0, 1]).

    Raises:
        ValueError: for an unknown loss, or when the decoder does not fit the encoder.
    """

    def __init__(self, encoder, decoder, reconstruction_loss="mse", **kwargs):
        super().__init__(**kwargs)
        if reconstruction_loss not in LOSSES:
            raise ValueError(f"Unknown loss {reconstruction_loss!r}: choose one of {', '.join(LOSSES)}.")
        if encoder.output_shape != decoder.input_shape or decoder.output_shape != encoder.input_shape:
            raise ValueError(
                f"The decoder ({decoder.input_shape} to {decoder.output_shape}) does not mirror the encoder "
                f"({encoder.input_shape} to {encoder.output_shape})."
            )
        self.encoder = encoder
        self.decoder = decoder
        self.reconstruction_loss = reconstruction_loss
        self.build(encoder.input_shape)

    @property
    def input_shape(self):
        """(None, h, w, c): the encoder's."""
        return self.encoder.input_shape

    def build(self, input_shape):
        """Nothing to create: encoder and decoder arrive with their weights."""
        self.built = True

    def call(self, x, training=False):
        """Return the reconstruction x̂ of a batch, same shape as x."""
        return self.decoder(self.encoder(x, training=training), training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the reconstruction error of the batch: summed over pixels, averaged over images.

        The target is y where it is given (a denoiser's clean image), else x itself.
        """
        if sample_weight is not None:
            raise ValueError("Autoencoder takes no sample_weight: every image counts the same.")
        target = ops.cast(x if y is None else y, y_pred.dtype)
        if self.reconstruction_loss == "mse":
            error = ops.square(target - y_pred)
        else:
            error = ops.binary_crossentropy(target, y_pred)
        loss = ops.mean(ops.sum(ops.reshape(error, (ops.shape(error)[0], -1)), axis=1))
        for penalty in self.losses:
            loss += penalty
        return loss

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
        """Return what `from_config` needs: both parts and the loss."""
        return super().get_config() | {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "reconstruction_loss": self.reconstruction_loss,
        }

    @classmethod
    def from_config(cls, config):
        """Rebuild a model from `get_config`."""
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("encoder", "decoder")}
        return cls(**(config | parts))


def apply(model, values, batch_size=1000):
    """Return a model's outputs for many inputs, batch by batch, as one NumPy array.

    Unlike `model.predict` it compiles nothing, which for the short runs of these lessons is faster.

    Args:
        model: any Keras model with one input and one output.
        values: (n, ...) of the model's input shape.
        batch_size: inputs at a time.

    Raises:
        ValueError: for another shape, no input at all, or a batch_size that is not a positive integer.
    """
    values, batch_size = np.asarray(values), _positive("batch_size", batch_size)
    expected = tuple(model.input_shape[1:])
    if values.shape[1:] != expected or len(values) == 0:
        hint = " A single one needs a first axis: x[None]." if values.shape == expected else ""
        raise ValueError(f"Inputs of shape (n, {', '.join(map(str, expected))}) expected, got {values.shape}.{hint}")
    starts = range(0, len(values), batch_size)
    return np.concatenate([ops.convert_to_numpy(model(values[k : k + batch_size], training=False)) for k in starts])


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

    Returns:
        An `Autoencoder` from images (n, h, w, c) through codes (n, code) to images.

    Raises:
        ValueError: for a width, code or shape that is not a positive integer, an unknown activation or loss, or
            "bce" without a sigmoid.
    """
    hidden = [_positive("A hidden width", width) for width in hidden]
    code = _positive("The code size", code)
    input_shape = tuple(_positive("A size in input_shape", size) for size in input_shape)
    for name in (activation, code_activation, output_activation):
        _known_activation(name)
    if loss == "bce" and output_activation != "sigmoid":
        raise ValueError(f"loss='bce' needs outputs in [0, 1]: output_activation='sigmoid', not {output_activation!r}.")
    encoder = keras.Sequential(
        [keras.Input(input_shape), layers.Flatten()]
        + [layers.Dense(width, activation, kernel_initializer=initializer) for width in hidden]
        + [layers.Dense(code, activation=code_activation, name="code")],
        name="encoder",
    )
    decoder = keras.Sequential(
        [keras.Input((code,))]
        + [layers.Dense(width, activation, kernel_initializer=initializer) for width in reversed(hidden)]
        + [
            layers.Dense(int(np.prod(input_shape)), activation=output_activation),
            layers.Reshape(input_shape),
        ],
        name="decoder",
    )
    return Autoencoder(encoder, decoder, loss)


def vanilla(code=32, *, activation="relu", output_activation="sigmoid", loss="mse", input_shape=(28, 28, 1)):
    """Build the autoencoder with one hidden layer, the code (lecture 000, *Vanilla autoencoder in keras*).

    Arguments, result and errors as for `deep`; `activation` is the code's.
    """
    return deep(
        (),
        code,
        code_activation=activation,
        output_activation=output_activation,
        loss=loss,
        input_shape=input_shape,
    )


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
    return deep(
        (1000, 500, 250),
        code,
        activation=activation,
        loss=loss,
        initializer="he_normal",
        input_shape=input_shape,
    )


def _positive(what, value):
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{what} must be a positive integer, not {value!r}.")
    return int(value)


def _known_activation(name):
    try:
        keras.activations.get(name)
    except (ValueError, TypeError) as error:
        raise ValueError(f"Unknown activation {name!r}: choose one that Keras knows, such as 'relu'.") from error


def ee559(code=8):
    """Build the convolutional autoencoder for MNIST of lecture 002 (Fleuret, EE-559, 9.2, *Deep Autoencoders*).

    Five convolutions without padding shrink 28x28 to 1x1; the decoder mirrors them with transposed convolutions.
    ReLU between them, none at the code and the output, which is therefore not confined to [0, 1]. 112,457
    parameters at code=8, and 24 million multiplications per image: about 70 s per epoch of MNIST on two cores.

    Args:
        code: number of units of the code.

    Returns:
        An `Autoencoder` from images (n, 28, 28, 1) through codes (n, code) to images, trained on squared error.

    Raises:
        ValueError: for a code that is not a positive integer.
    """
    code = _positive("The code size", code)
    encoder = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, activation="relu"),  # 28x28x1 → 24x24x32
            layers.Conv2D(32, 5, activation="relu"),  # → 20x20x32
            layers.Conv2D(32, 4, strides=2, activation="relu"),  # → 9x9x32
            layers.Conv2D(32, 3, strides=2, activation="relu"),  # → 4x4x32
            layers.Conv2D(code, 4, name="code"),  # → 1x1xcode
            layers.Flatten(),
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            keras.Input((code,)),
            layers.Reshape((1, 1, code)),
            layers.Conv2DTranspose(32, 4, activation="relu"),  # 1x1xcode → 4x4x32
            layers.Conv2DTranspose(32, 3, strides=2, activation="relu"),  # → 9x9x32
            layers.Conv2DTranspose(32, 4, strides=2, activation="relu"),  # → 20x20x32
            layers.Conv2DTranspose(32, 5, activation="relu"),  # → 24x24x32
            layers.Conv2DTranspose(1, 5),  # → 28x28x1
        ],
        name="decoder",
    )
    return Autoencoder(encoder, decoder)


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
        code: number of units of the code.
        filters: channels of the convolutions, from the image inwards; at least one.
        hidden: units of the dense layer between the last convolution and the code, or None for no such layer.
        kernel_size: height and width of all kernels.
        activation: of all hidden layers.
        output_activation: of the output; "sigmoid" keeps it in [0, 1] as the pixels are.
        loss: "mse" or "bce"; "bce" requires the output activation "sigmoid".
        input_shape: (h, w, c) of the images; h and w multiples of 2 to the number of filters.

    Returns:
        An `Autoencoder` from images (n, h, w, c) through codes (n, code) to images.

    Raises:
        ValueError: for a number that is not a positive integer, no filters, images that cannot be halved so often,
            an unknown activation or loss, or "bce" without a sigmoid.
    """
    code = _positive("The code size", code)
    hidden = [] if hidden is None else [_positive("The number of hidden units", hidden)]
    kernel_size = _positive("The kernel size", kernel_size)
    filters = [_positive("A number of filters", number) for number in filters]
    input_shape = tuple(_positive("A size in input_shape", size) for size in input_shape)
    for name in (activation, output_activation):
        _known_activation(name)
    if loss == "bce" and output_activation != "sigmoid":
        raise ValueError(f"loss='bce' needs outputs in [0, 1]: output_activation='sigmoid', not {output_activation!r}.")
    if not filters:
        raise ValueError("filters is empty: give the channels of at least one convolution.")
    (h, w, c), scale = input_shape, 2 ** len(filters)
    if h % scale or w % scale:
        raise ValueError(f"Images of {h}x{w} cannot be halved {len(filters)} times: pad them, or give fewer filters.")
    inner = (h // scale, w // scale, filters[-1])
    settings = {"activation": activation, "kernel_initializer": "he_normal"}
    strided = settings | {"strides": 2, "padding": "same"}
    encoder = keras.Sequential(
        [keras.Input(input_shape)]
        + [layers.Conv2D(number, kernel_size, **strided) for number in filters]
        + [layers.Flatten(), *(layers.Dense(units, **settings) for units in hidden), layers.Dense(code, name="code")],
        name="encoder",
    )
    decoder = keras.Sequential(
        [keras.Input((code,)), *(layers.Dense(units, **settings) for units in [*hidden, int(np.prod(inner))])]
        + [layers.Reshape(inner)]
        + [layers.Conv2DTranspose(number, kernel_size, **strided) for number in reversed(filters[:-1])]
        + [layers.Conv2DTranspose(c, kernel_size, strides=2, padding="same", activation=output_activation)],
        name="decoder",
    )
    return Autoencoder(encoder, decoder, loss)
