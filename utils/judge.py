"""A fixed small classifier that looks at images which a generative model made: the judge of lessons 15 to 17.

Its weights stand beside this file. `python -m scripts.judge` made them, from the last 20,000 training images (indices
40,000 to 59,999), which serve for nothing else: what is to be judged comes from the first 40,000 and the test images.
What it says depends on it, so that its numbers compare with its own only.
"""

from functools import cache
from pathlib import Path

import keras
import numpy as np
from keras import layers
from scipy.special import logsumexp

from utils import validate
from utils.models import apply

NAMES = ("mnist", "fashion_mnist")
FEATURES = 64  # units of the last hidden layer


class Judge:
    """What `judge` returns; call that.

    Attributes:
        model: the Keras classifier, from images to the logits of the ten classes.
        accuracy: on the 10,000 official test images, a share in [0, 1], as `scripts.judge` measured it.
        level, centre, precision: of `realism`: a number, and the Gaussian of textures, (32,) and (32, 32).
    """

    def __init__(self, model, accuracy, level, centre, precision):
        self.model, self.accuracy, self.level = model, float(accuracy), float(level)
        self.centre, self.precision = centre, precision
        image, first = model.inputs[0], model.layers[0].output
        self._features = keras.Model(image, model.layers[-2].output)
        mean, square = (layers.GlobalAveragePooling2D()(values) for values in (first, first**2))
        self._all = keras.Model(image, [mean, square, model.outputs[0]])  # in one pass

    def predict(self, images):
        """Return the probabilities of the classes: images (n, 28, 28, 1) in [0, 1] → float32 (n, classes), sum 1.

        Raises ValueError for another shape, no image, values that are not finite or not in [0, 1].
        """
        return np.asarray(keras.ops.softmax(self._apply(self.model, images)))

    def features(self, images):
        """Return the activations of the last hidden layer, float32 (n, 64), none negative; errors as `predict`."""
        return self._apply(self._features, images)

    def texture(self, images):
        """Return mean and standard deviation of each filter of the first layer over each image: float64 (n, 32)."""
        return _spread(*self._apply(self._all, images)[:2])

    def realism(self, images):
        """Return how real each image looks, in nats, float64 (n,): 0 for the mean real one, less for a spoilt one.

        The sum of two log-densities, up to a constant. One is of the lines and edges: the Gaussian of the `texture` of
        the judge's training images, so minus half a squared Mahalanobis distance (Lee et al., arXiv:1807.03888, here
        in the first layer and for all classes together). The other is of the shape: log Σ exp(logit), minus the energy
        of Liu et al. (arXiv:2010.03759). Blur, double exposures and noise lower it. Errors as `predict`.
        """
        *moments, logits = self._apply(self._all, images)
        away, shape = _spread(*moments) - self.centre, logsumexp(logits.astype("float64"), axis=1)
        return shape - np.einsum("ni,ij,nj->n", away, self.precision, away) / 2 - self.level

    @staticmethod
    def _apply(model, images):
        return apply(model, validate.unit(np.asarray(images)))


def _spread(mean, square):
    mean, square = mean.astype("float64"), square.astype("float64")
    return np.concatenate([mean, np.sqrt(np.maximum(square - mean**2, 0))], axis=1)


def judge(name):
    """Return the judge of a data set, always the same one.

    Args:
        name: "mnist" or "fashion_mnist", or what `utils.data.load` returned for one of them.

    Returns:
        Judge, with `predict`, `features`, `realism` and `accuracy`.

    Raises:
        ValueError: for another name or data set.
    """
    name = getattr(name, "name", name)
    if name not in NAMES:
        raise ValueError(f"judge({name!r}): there is a judge for {' and '.join(NAMES)} only.")
    return _read(name)


@cache
def _read(name):
    with np.load(weights_file(name)) as file:
        model = network("zeros")  # which takes nothing from the random generators
        model.set_weights([file[f"weights_{k}"].astype("float32") for k in range(len(model.weights))])
        return Judge(model, *(file[key] for key in ("accuracy", "level", "centre", "precision")))


def network(initializer="he_normal"):
    """Return the judge's network, untrained: three convolutions of stride 2, a hidden layer, a logit per class."""
    settings = {"activation": "relu", "kernel_initializer": initializer}
    strided = settings | {"strides": 2, "padding": "same"}
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 4, **strided),  # 28x28x1 → 14x14x16
            layers.Conv2D(32, 4, **strided),  # → 7x7x32
            layers.Conv2D(64, 4, **strided),  # → 4x4x64
            layers.Flatten(),
            layers.Dense(FEATURES, **settings),
            layers.Dense(10, kernel_initializer=initializer),
        ],
        name="judge",
    )


def weights_file(name):
    """Return the path of a judge's weights, float16 arrays, with its accuracy and the Gaussian of its textures."""
    return Path(__file__).with_name(f"judge_{name}.npz")
