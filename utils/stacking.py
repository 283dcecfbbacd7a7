"""Deep autoencoders trained layer after layer, and decoders that reuse the encoder's kernels."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops

from utils.models import Autoencoder, check_shape, deep
from utils.training import fit, scaled


def blocks(model):
    """Return a dense autoencoder's blocks, from the outermost inwards.

    A block is an autoencoder with one dense layer on either side of its code: one of the encoder, and the one of the
    decoder that mirrors it. Layers without weights (activations, noise, dropout) go with the dense layer before them,
    or, at the beginning, with the first; only the reshaping of images is left out. Blocks share their layers with the
    model, so that whoever trains a block trains that part of the model.

    Args:
        model: an `Autoencoder` of dense layers whose decoder mirrors its encoder: `models.deep`, or
            `TiedAutoencoder`.

    Returns a list of `Autoencoder`, one per layer of the encoder. The first one goes from flat pixels (n, h * w * c) to
    the first hidden layer and back, and has the model's loss; the others go from hidden layer to hidden layer, with
    squared error, since codes are real numbers and not probabilities. Raises ValueError when the model has other layers
    with weights, or its decoder is not the encoder's mirror.
    """
    down, mirror = _dense(model.encoder), [layer.units for layer in _dense(model.decoder)]
    widths = [layer.kernel.shape[0] for layer in down] + [down[-1].units]
    if mirror != (wanted := widths[-2::-1]):
        remedy = f"layer after layer needs a decoder of the widths {wanted}"
        raise ValueError(f"The decoder's widths {mirror} do not mirror the encoder's {widths}: {remedy}.")
    parts = []
    for k, (encoding, decoding) in enumerate(zip(_groups(model.encoder), _groups(model.decoder)[::-1], strict=True)):
        encoder = keras.Sequential([keras.Input((widths[k],)), *encoding])
        decoder = keras.Sequential([keras.Input((widths[k + 1],)), *decoding])
        parts.append(Autoencoder(encoder, decoder, model.reconstruction_loss if k == 0 else "mse"))
    return parts


def pretrain(model, x, *, epochs, **settings):
    """Train a dense autoencoder greedily, in place: block after block, each on the codes of the one before.

    The blocks' encoders make up the model's encoder, their decoders, in reverse order, its decoder. So there is
    nothing to assemble: afterwards the model can be fine-tuned as a whole, or its encoder be used alone
    (Bengio et al., *Greedy layer-wise training of deep networks*, 2006).

    Args:
        model: as for `blocks`.
        x: images (n, h, w, c) of the model's input shape, in [0, 1].
        epochs: passes over x for every block, or a sequence with one number per block.
        settings: what `fit` takes besides, the same for all blocks (`value_range` is for the images; codes may
            have any size). Of `validation_data`, images x, every block evaluates its own codes.

    Returns a list of keras.callbacks.History, one per block, as `fit` returns them. Raises ValueError as `blocks` and
    `fit`, for a sequence of epochs of another length, and for validation data with targets.
    """
    parts = blocks(model)
    each = list(epochs) if isinstance(epochs, Sequence | np.ndarray) else [epochs] * len(parts)
    if len(each) != len(parts):
        raise ValueError(f"epochs={epochs!r}: one number, or one for each of the {len(parts)} blocks.")
    validation, codes, histories = settings.pop("validation_data", None), {}, []
    if isinstance(validation, tuple | list):
        raise ValueError("pretrain: validation_data must be images x alone, since every block has its own targets.")
    for name, images in {"x": x, "validation_data": validation}.items():
        if images is not None:
            check_shape("Images", images := np.asarray(images), model.input_shape[1:])
            codes[name] = images.reshape(len(images), -1)
    for block, count in zip(parts, each, strict=True):
        histories.append(fit(block, **codes, epochs=count, **settings))
        settings = settings | {"value_range": None}
        codes = {name: block.encode(scaled(values)) for name, values in codes.items()}
    return histories


@keras.saving.register_keras_serializable(package="autoencoder_course")
class TiedDense(layers.Layer):
    """A dense layer that runs another one backwards: its kernel is the other's, transposed.

    Computes activation(x Wᵀ + b), where W (inputs, units) is the kernel of the given layer, and b its own bias
    (inputs,). W belongs to the given layer alone: it is neither listed nor counted nor saved here. A training
    that reaches both layers adds up the gradients of both uses.

    The tie lives between two objects, which the configuration of one layer cannot express. A model that is to
    be saved must therefore make its own ties, as `TiedAutoencoder` does.

    The source is a `keras.layers.Dense` (else a TypeError), built, so that it has its kernel (else a ValueError), the
    activation a name or function, as in `Dense`.
    """

    def __init__(self, source, activation=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(source, layers.Dense):
            raise TypeError(f"TiedDense is tied to a Dense layer, not to {type(source).__name__}.")
        if not source.built:
            raise ValueError(f"The layer {source.name!r} has no kernel yet: build it, or put it into a model first.")
        self._source = lambda: source  # behind a function, where Keras does not count it as a part of this layer
        self.units = int(source.kernel.shape[0])
        self.activation = keras.activations.get(activation)

    @property
    def kernel(self):
        """(units of the source, units): the source's kernel as it is now, transposed."""
        return ops.transpose(self._source().kernel)

    def build(self, input_shape):
        """Create the bias."""
        if input_shape[-1] != self._source().units:
            raise ValueError(f"{input_shape[-1]} inputs for the mirror of a layer with {self._source().units} units.")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, x):
        """Return activation(x Wᵀ + b) of shape (..., units)."""
        return self.activation(ops.matmul(x, self.kernel) + self.bias)

    def compute_output_shape(self, input_shape):
        """The input's shape but for the last axis, which becomes `units`."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """Refuse: a tie to another object is not part of a layer's configuration. Raises TypeError."""
        raise TypeError("A TiedDense cannot be saved without the layer it is tied to: save the whole TiedAutoencoder.")


@keras.saving.register_keras_serializable(package="autoencoder_course")
class TiedAutoencoder(Autoencoder):
    """A dense autoencoder whose decoder has no kernels of its own: every layer is a `TiedDense`.

    Saved as its settings and one copy of every weight; loading makes the ties anew. Arguments and errors as for
    `models.deep`, with its `loss` as `reconstruction_loss`.
    """

    def __init__(
        self,
        hidden,
        code,
        *,
        activation="relu",
        code_activation="linear",
        output_activation="sigmoid",
        reconstruction_loss="mse",
        initializer="glorot_uniform",
        input_shape=(28, 28, 1),
        **kwargs,
    ):
        settings = {"activation": activation, "code_activation": code_activation, "initializer": initializer}
        settings |= {"output_activation": output_activation, "input_shape": tuple(input_shape)}
        untied = deep(hidden, code, loss=reconstruction_loss, **settings)
        pairs = zip(_dense(untied.encoder)[::-1], _dense(untied.decoder), strict=True)
        mirror = [TiedDense(source, layer.activation) for source, layer in pairs]
        stack = [keras.Input((int(code),)), *mirror, layers.Reshape(settings["input_shape"])]
        super().__init__(untied.encoder, keras.Sequential(stack, name="decoder"), reconstruction_loss, **kwargs)
        self._settings = {"hidden": list(hidden), "code": int(code)} | settings

    def get_config(self):
        """Return the settings, from which `from_config` builds and ties everything anew."""
        return keras.Model.get_config(self) | self._settings | {"reconstruction_loss": self.reconstruction_loss}

    @classmethod
    def from_config(cls, config):
        """Rebuild a model from `get_config`."""
        return cls(**config)


def _dense(model):
    """Return the dense layers of an encoder or decoder; raise ValueError when others have weights."""
    found = [layer for layer in model.layers if layer.weights]
    other = [layer.name for layer in found if not isinstance(layer, layers.Dense | TiedDense)]
    if other or not found:
        raise ValueError(f"{model.name}: dense layers only expected, found {', '.join(other) or 'no layer at all'}.")
    return found


def _groups(model):
    """Return the layers that compute, grouped by the dense layer that they stand before (at the beginning) or after."""
    groups = [[]]
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer | layers.Flatten | layers.Reshape):
            continue
        if layer.weights and any(other.weights for other in groups[-1]):
            groups.append([])
        groups[-1].append(layer)
    return groups
