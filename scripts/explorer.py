"""Train the two small networks of the latent explorer, and write utils/explorer.json: `python -m scripts.explorer`.

An autoencoder and a variational autoencoder with the same layers and two code units, on all of MNIST, in about two
minutes. What is kept of them are the decoders, in 8 bits per weight, and the codes of some test images.
"""

import base64
import json
import sys
import time

import numpy as np

import utils  # noqa: F401 (before TensorFlow, which it tells to start quietly)

import keras  # isort: skip (after utils, for the same reason)
from scripts.project import write_text
from utils import models
from utils.corruptions import Binarize
from utils.data import load
from utils.interactive import EXPLORER
from utils.training import fit

SEED = 1
HIDDEN, DECODING = (512, 256), (96, 40)  # of the encoders, which are not kept; of the decoders
EPOCHS = 20
IMAGES = 300  # of the test set, on the maps


def networks():
    """Return the two untrained models by name: the same layers, but for the VAE's second head."""
    inner = {"activation": "silu", "kernel_initializer": "he_normal"}

    def encoder(heads):
        image = keras.Input((28, 28, 1))
        h = keras.layers.Flatten()(image)
        for width in HIDDEN:
            h = keras.layers.Dense(width, **inner)(h)
        codes = {name: keras.layers.Dense(2, name=name)(h) for name in heads}
        return keras.Model(image, codes if len(heads) > 1 else codes["code"])

    def decoder(activation):
        hidden = [keras.layers.Dense(width, **inner) for width in DECODING]
        last = [keras.layers.Dense(784, activation=activation), keras.layers.Reshape((28, 28, 1))]
        return keras.Sequential([keras.Input((2,)), *hidden, *last])

    return {
        "autoencoder": models.Autoencoder(encoder(["code"]), decoder("sigmoid"), "bce"),
        "VAE": models.VariationalAutoencoder(encoder(["mean", "log_variance"]), decoder("linear"), seed=SEED),
    }


def pack(decoder):
    """Return the dense layers of a decoder with 8 bits per weight, as explorer.js reads them.

    Column j of a kernel is its signed bytes times scale[j]; scales and biases are float32. The last layer's
    activation is written as "sigmoid", be it in the decoder or, for logits, outside of it.
    """
    layers = []
    for layer in decoder.layers:
        if isinstance(layer, keras.layers.Dense):
            kernel, bias = layer.get_weights()
            scale = np.maximum(np.abs(kernel).max(axis=0), 1e-12) / 127
            values = np.rint(kernel / scale).astype("int8"), scale.astype("<f4"), bias.astype("<f4")
            names = zip(("kernel", "scale", "bias"), values, strict=True)
            packed = {name: base64.b64encode(value.tobytes()).decode() for name, value in names}
            layers.append(packed | {"activation": layer.activation.__name__})
    layers[-1]["activation"] = "sigmoid"
    return layers


def unpack(layers):
    """Return the Keras model of packed layers: from codes (n, 2) to pixels (n, 784) in [0, 1]."""
    model, width = keras.Sequential([keras.Input((2,))]), 2
    for layer in layers:
        kernel, scale, bias = (
            np.frombuffer(base64.b64decode(layer[name]), kind)
            for name, kind in (("kernel", "int8"), ("scale", "<f4"), ("bias", "<f4"))
        )
        dense = keras.layers.Dense(len(bias), activation=layer["activation"])
        model.add(dense)
        dense.set_weights([kernel.reshape(width, -1) * scale, bias])
        width = len(bias)
    return model


def main():
    """Train, write the file, print how well the networks copy and how much 8 bits change; return the exit code."""
    mnist, start = load("mnist"), time.perf_counter()
    print(mnist.provenance)
    if mnist.provenance.fallback or not mnist.provenance.verified:
        print("The explorer is trained on the official data: make data, with AE_BUDGET=full.", file=sys.stderr)
        return 1
    keras.utils.set_random_seed(SEED)  # before the first weights are drawn
    found = []
    for name, model in networks().items():
        fit(model, mnist.x_train, epochs=EPOCHS, batch_size=128, learning_rate=2e-3, prepare=Binarize(), verbose=2)
        codes = model.encode(mnist.x_test[:IMAGES])
        layers = pack(model.decoder)
        test = mnist.x_test[:IMAGES].reshape(IMAGES, -1)
        copies = model.decode(codes).reshape(IMAGES, -1), unpack(layers).predict(codes, verbose=0)
        before, after = (float(np.mean((images - test) ** 2)) for images in copies)
        off = 255 * np.abs(copies[0] - copies[1])
        moves = f"one pixel moves by {off.max():.0f} of 255 at most, by {off.mean():.2f} on average"
        print(f"{name}: MSE {before:.5f} per pixel, in 8 bits {after:.5f}; {moves}")
        found.append({"name": name, "layers": layers, "codes": np.round(codes.astype(float), 3).tolist()})
    facts = {"labels": mnist.y_test[:IMAGES].tolist(), "networks": found}
    write_text(EXPLORER, json.dumps(facts, separators=(",", ":")) + "\n")
    print(f"utils/{EXPLORER.name}: {EXPLORER.stat().st_size:,} bytes after {time.perf_counter() - start:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
