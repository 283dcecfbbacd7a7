"""Make the judges' weights anew: python -m scripts.judge (half a minute, official data).

What is made is fixed: lessons compare numbers that it gives. Run it again only to make another judge, for all lessons.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.covariance import LedoitWolf

from utils import data
from utils.corruptions import move
from utils.judge import NAMES, Judge, network, weights_file

FIRST = 40_000  # of the 60,000 training images: those before it are for what is judged
EPOCHS, BATCH, RATE = 8, 100, 3e-3
BEGINNING = 50  # steps after which the first kernel is kept too: a test remakes it, and knows whose weights these are
MOVES = {"mnist": (1.5, 8, 0.08), "fashion_mnist": (1, 3, 0.03)}  # `move`'s shift, degrees and zoom, at most


def train(x, y, moves, stop=None):
    """Train the network on images (n, 28, 28, 1) and labels, moved a little anew in each epoch; return it.

    `stop` ends the same training after so many steps of its first epoch.
    """
    keras.utils.set_random_seed(1)
    model, steps = network(), EPOCHS * (len(x) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps * 9 // 10, warmup_target=RATE, warmup_steps=steps // 10)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, steps_per_execution=50)
    for epoch in range(1 if stop else EPOCHS):
        model.fit(move(x, *moves, seed=epoch), y, batch_size=BATCH, steps_per_epoch=stop, verbose=0)
    return model


def make(dataset, moves):
    """Train a judge of an official data set; return a dict of what is kept of it, weights as float16."""
    x, y = dataset.x_train[FIRST:], dataset.y_train[FIRST:]
    beginning, model = train(x, y, moves, BEGINNING).get_weights()[0], train(x, y, moves)
    model.set_weights([values.astype("float16") for values in model.get_weights()])
    found = Judge(model, accuracy=0, level=0, centre=0, precision=np.eye(2 * model.layers[0].filters))
    gaussian = LedoitWolf().fit(found.texture(x))
    found.centre, found.precision = gaussian.location_, gaussian.precision_
    weights = {f"weights_{k}": values.astype("float16") for k, values in enumerate(model.get_weights())}
    return weights | {
        "accuracy": np.mean(found.predict(dataset.x_test).argmax(axis=1) == dataset.y_test),
        "level": found.realism(x).mean(),
        "centre": found.centre,
        "precision": found.precision,
        "beginning": beginning,
    }


def main():
    """Write the weights of every judge, on one thread: with more, sums come out in another order."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for name in NAMES:
        official = data.load(name)
        if not official.provenance.verified or len(official.x_train) != 60_000:
            raise SystemExit(f"The judge needs the official images: {official.provenance}.")
        kept = make(official, MOVES[name])
        np.savez_compressed(weights_file(name), **kept)
        print(f"{name}: {kept['accuracy']:.2%} of the test images named correctly")


if __name__ == "__main__":
    main()
