"""A fixed small classifier that looks at images which a generative model made: the judge of lessons 15 and 16.

It is trained on real images only, once per data set, seed and budget, and then kept in the project's data folder, so
that two lessons ask the same judge. What it says depends on it: numbers compare within one judge only.
"""

import hashlib
import inspect
import os
import tempfile
import zipfile
from functools import cached_property

import keras
import numpy as np
from keras import layers

from utils import data
from utils.claims import budget_name
from utils.models import apply
from utils.training import fit

NAMES = ("mnist", "fashion_mnist")
FEATURES = 64  # units of the last hidden layer
RECIPE = {  # per budget
    "quick": {"images": 5_000, "epochs": 2, "batch_size": 50, "learning_rate": 2e-3},
    "full": {"images": 60_000, "epochs": 6, "batch_size": 100, "learning_rate": 2e-3},
}


class Judge:
    """What `judge` returns; call that.

    Attributes:
        accuracy: on the test images, a share in [0, 1].
        model: the Keras classifier, from images to the logits of the classes.
    """

    def __init__(self, model, dataset):
        self.model = model
        self._features = keras.Model(model.inputs[0], model.layers[-2].output)
        self._test = dataset.x_test, dataset.y_test

    def predict(self, images):
        """Return the probabilities of the classes: images (n, 28, 28, 1) in [0, 1] → float32 (n, classes), sum 1.

        Raises ValueError for another shape, no image, values that are not finite or not in [0, 1].
        """
        logits = apply(self.model, _checked(images))
        return np.asarray(keras.ops.softmax(logits))

    def features(self, images):
        """Return the activations of the last hidden layer, float32 (n, 64), none negative; errors as `predict`."""
        return apply(self._features, _checked(images))

    @cached_property
    def accuracy(self):
        images, labels = self._test
        return float(np.mean(self.predict(images).argmax(axis=1) == labels))


def judge(dataset, seed=0):
    """Train the judge of a data set, or fetch it from the cache where it was trained before.

    Two convolutions of stride 2 (16 and 32 filters of 4x4), a hidden layer of 64 ReLU units, one logit per class;
    trained on the training images, in the budget in force (`RECIPE`). The cache is keyed by the training images and
    labels themselves, the seed, the budget and the source of the training. The state of the random generators
    afterwards is the same whether the judge was trained or fetched.

    Args:
        dataset: "mnist" or "fashion_mnist", or what `utils.data.load` returned for one of them.
        seed: integer of at least 0, of the initial weights and the order of the batches.

    Returns:
        Judge, with `predict`, `features` and `accuracy`.

    Raises:
        ValueError: for another name or data set, or a seed out of range.
    """
    if isinstance(dataset, str):
        if dataset not in NAMES:
            raise ValueError(f"judge({dataset!r}): there is a judge for {' and '.join(NAMES)} only.")
        dataset = data.load(dataset)
    if not isinstance(dataset, data.Dataset) or dataset.x_train.shape[1:] != (28, 28, 1):
        raise ValueError(f"judge({dataset!r}): give one of the names {', '.join(NAMES)}, or what load returned for it.")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed={seed!r}: must be an integer of at least 0.")
    afterwards = int(keras.random.randint((), 0, 2**31 - 1))
    try:
        keras.utils.set_random_seed(int(seed))
        model = _model(len(dataset.classes))
        path = _cache_folder() / f"judge_{_key(dataset, seed)}.npz"
        if not _read(path, model):
            _train(model, dataset)
            _write(path, model)
    finally:
        keras.utils.set_random_seed(afterwards)
    return Judge(model, dataset)


def _model(classes):
    strided = {"strides": 2, "padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 4, **strided),  # 28x28x1 → 14x14x16
            layers.Conv2D(32, 4, **strided),  # → 7x7x32
            layers.Flatten(),
            layers.Dense(FEATURES, "relu", kernel_initializer="he_normal"),
            layers.Dense(classes),
        ],
        name="judge",
    )


def _train(model, dataset):
    recipe = dict(RECIPE[budget_name()])
    images = recipe.pop("images")
    x, y = dataset.x_train[:images], dataset.y_train[:images]
    recipe["batch_size"] = min(recipe["batch_size"], len(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    fit(model, x, y, loss=loss, verbose=0, **recipe)


def _cache_folder():
    """The project's own data folder: the one that AE_DATA_DIR names may be shared, or not writable."""
    return data.DEFAULT_FOLDER / "cache"


def _key(dataset, seed):
    budget = budget_name()
    how = RECIPE[budget], inspect.getsource(_model), inspect.getsource(_train)  # a change of these makes another judge
    digest = hashlib.sha256(repr(how).encode())
    for array in (dataset.x_train, dataset.y_train):
        digest.update(np.ascontiguousarray(array))
    return f"{dataset.name}_{budget}_{seed}_{digest.hexdigest()[:16]}"


def _read(path, model):
    """Load the weights from the cache; return False where there are none, or none that fit."""
    try:
        with np.load(path, allow_pickle=False) as file:
            weights = [file[name] for name in sorted(file.files)]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return False
    if [values.shape for values in weights] != [tuple(variable.shape) for variable in model.weights]:
        return False
    if not all(np.isfinite(values).all() for values in weights):
        return False
    model.set_weights(weights)
    return True


def _write(path, model):
    """Write the weights; the file has its name only when it is complete. A folder that refuses it costs time only."""
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            part = file.name
            np.savez(file, **{f"{k:02d}": values for k, values in enumerate(model.get_weights())})
        os.replace(part, path)
    except OSError:
        if part and os.path.exists(part):
            os.unlink(part)


def _checked(images):
    images = np.asarray(images)
    if images.size and not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(
            f"Images with values in [{images.min():.4g}, {images.max():.4g}] given, [0, 1] expected: clip them."
        )
    return images
