"""Checks of the exercises to lesson 14, *Maps of the latent space*.

Usual wrong solutions, each with a hint of its own (tested in test_checks_14.py):

`shallow_autoencoder` (encode MNIST with dense layers):
    - the code has an activation: ReLU codes are never negative
    - an output without a sigmoid, so that images leave [0, 1]
    - an output that is still a vector
    - more layers than one on either side, or other layers than Dense
    - encoder and decoder not connected by one size; one model returned instead of two

`map_of_codes` (t-SNE of the codes of test images):
    - the pixels mapped instead of the codes
    - the first two units plotted
    - PCA in place of t-SNE
    - another map in every run: no seed

`leave_one_out` (15-NN accuracy in a map):
    - every point votes for itself
    - the share of neighbours that agree, in place of a vote
    - only the k-th neighbour asked
    - the error in place of the accuracy, or per cent in place of a share
    - the neighbours farthest away

`neighbours_kept` (predict, then measure):
    - no guess
    - every point counted as its own neighbour
    - a number of neighbours in place of a share, or per cent
    - the share of points that keep at least one neighbour
"""

import keras
import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from utils import metrics

from checks_base import as_array, call, compare, fail, measured_well, passed


def shallow_autoencoder(build):
    """Check build(code): an encoder (n, 28, 28, 1) → (n, code) and a decoder back, one Dense layer each."""
    code = 6
    parts = call(build, code)
    if not isinstance(parts, tuple | list) or len(parts) != 2 or not all(isinstance(p, keras.Model) for p in parts):
        fail("two Keras models: encoder, decoder", f"{type(parts).__name__}", "End with: return encoder, decoder")
    shapes = (28, 28, 1), (code,), (28, 28, 1)
    for name, part, before, after in zip(("encoder", "decoder"), parts, shapes, shapes[1:], strict=False):
        dense = [layer for layer in part._flatten_layers() if isinstance(layer, keras.layers.Dense)]
        weighted = {layer for layer in part._flatten_layers(include_self=False) if layer._trainable_variables}
        if len(dense) != 1 or weighted != set(dense):
            names = ", ".join(layer.__class__.__name__ for layer in part.layers)
            fail(f"one Dense layer in the {name}, and no other weights", names or "no layers",
                 "Shallow: an image as a vector, one layer of weights, the code; and the same way back.")  # fmt: skip
        hint = "Print the shapes behind every layer: the image is a vector in between, but not at the ends."
        found = tuple(part.output_shape)
        if tuple(part.input_shape) != (None, *before) or found != (None, *after):
            fail(f"{name}: {(None, *before)} → {(None, *after)}", f"{part.input_shape} → {found}", hint)
    encoder, decoder = parts
    rng = np.random.default_rng(14)
    images = rng.random((40, 28, 28, 1), dtype="float32")
    codes = as_array(call(encoder, images), (40, code), "the codes", "One row per image.")
    weights = next(layer for layer in encoder._flatten_layers() if isinstance(layer, keras.layers.Dense)).kernel
    linear = images.reshape(40, -1) @ np.asarray(weights)
    if not np.allclose(codes - codes[0], linear - linear[0], atol=1e-3):
        fail("codes that are a linear function of the pixels", f"codes from {codes.min():.2f} to {codes.max():.2f}",
             "The code needs no activation: it may be any real number, also a negative one.")  # fmt: skip
    decoded = np.asarray(call(decoder, (30 * rng.normal(size=(40, code))).astype("float32")))
    if decoded.min() < 0 or decoded.max() > 1:
        fail("decoded pixels in [0, 1], whatever the code", f"{decoded.min():.2f} to {decoded.max():.2f}",
             "Which activation of the last layer has values between 0 and 1?")  # fmt: skip
    if np.ptp(decoded, axis=0).max() < 0.1:
        fail("images that depend on the code", "the same image for all codes", "Does the decoder use its input?")
    passed(f"build: 784 → {code} → 784 in two Dense layers, linear code, pixels in [0, 1]")


def map_of_codes(function):
    """Check map_of(encoder, images): t-SNE of the codes, (n, 2), the same in every run."""
    rng = np.random.default_rng(14)
    group, hidden = np.arange(120) % 4, rng.permutation(120) % 4
    corners = np.stack([group & 1, group >> 1], axis=1) * 2.0 - 1
    wide, near = 6 * rng.uniform(-1.7, 1.7, size=(120, 2)), 0.3 * rng.normal(size=(120, 2))
    units = np.concatenate([wide, 5 * corners + near], axis=1)  # groups in the last two units, width in the first two
    images = np.zeros((120, 28, 28, 1), "float32")
    images[:, 0, :4, 0] = units / 40 + 0.5  # what the encoder reads
    images[np.arange(120), 10 + hidden] = 1  # what it ignores, and pixels are full of
    encoder = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(4)])
    kernel = np.zeros((784, 4), "float32")
    kernel[:4] = 40 * np.eye(4)
    encoder.layers[-1].set_weights([kernel, np.full(4, -20.0, "float32")])
    shape_hint = "One point per image, two coordinates each."
    points = as_array(call(function, encoder, images), (120, 2), "the map", shape_hint)
    if not np.allclose(points, as_array(call(function, encoder, images), (120, 2), "the map", shape_hint), atol=1e-3):
        fail("the same map from the same codes", "two different maps", "t-SNE draws: where can it take a seed?")
    share = metrics.neighbour_accuracy(points, group, k=5)
    if share < 0.9:
        codes = np.asarray(encoder(images))
        flat = PCA(2).fit_transform(codes)
        hint = "Encode first, all images; then lay the codes out in the plane."
        if np.allclose(points, codes[:, :2], atol=1e-3):
            hint = "These are the first two units. Codes of more numbers need t-SNE to be seen."
        elif np.allclose(np.abs(points), np.abs(flat), atol=1e-2):
            hint = "This is a projection (PCA). t-SNE keeps neighbourhoods instead."
        elif metrics.neighbour_accuracy(points, hidden, k=5) > 0.9:
            hint = "The map shows the groups of the pixels. What does the encoder make of the images?"
        fail("neighbours in the map that are neighbours among the codes", f"{share:.0%} of them are", hint)
    passed("map_of: t-SNE of the codes, not of the pixels; the same map in every run")


def leave_one_out(function):
    """Check vote(points, labels, k): the share of points whose k nearest others vote for their own class."""
    rng = np.random.default_rng(14)
    labels = rng.integers(0, 2, 60)
    points = rng.normal(size=(60, 2)) + 0.8 * labels[:, None]
    for k in (3, 5):
        found = as_array(call(function, points, labels, k), (), "the accuracy", "One number for the whole map.")
        right = np.float64(metrics.neighbour_accuracy(points, labels, k))
        order = np.argsort(np.linalg.norm(points[:, None] - points, axis=-1), axis=1)
        agree = labels[order] == labels[:, None]  # the point itself first
        slips = [
            (agree[:, 1 : k + 1].mean(), "This is the share of agreeing neighbours. The majority decides for a point."),
            (np.mean(agree[:, :k].mean(axis=1) > 0.5), "Every point votes for itself: it is its own nearest one."),
            (np.mean(agree[:, : k + 1].mean(axis=1) > 0.5), "Every point votes for itself: it is its own nearest one."),
            (agree[:, k].mean(), "Only the k-th neighbour is asked. All k have a vote."),
            (np.mean(agree[:, -k:].mean(axis=1) > 0.5), "These are the farthest points, not the nearest."),
            (1 - right, "This is the error. How many are right?"),
            (100 * right, "A share between 0 and 1 is wanted, not per cent."),
        ]
        hint = "Try it by hand on four points on a line, with k = 1."
        compare(found, right, slips, f"accuracy with k = {k}", hint, atol=1e-6)
    passed("vote: every point is left out in turn, and its k nearest others vote")


def neighbours_kept(guess, measured, codes, points, k=15):
    """Check the mean share of the k nearest others among the codes that are among the k nearest in the map."""
    here, there = (
        NearestNeighbors(n_neighbors=k).fit(z).kneighbors(return_distance=False)
        for z in (np.asarray(codes), np.asarray(points))
    )
    kept = np.array([len(np.intersect1d(a, b)) for a, b in zip(here, there, strict=True)])
    # k neighbours with the point itself among them: k − 1 others
    other = np.array([len(np.intersect1d(a[:-1], b[:-1])) for a, b in zip(here, there, strict=True)])
    itself = "Every point counts as its own neighbour here. Leave it out."
    slips = [
        (kept.mean(), "This is a number of neighbours. Which share of them is it?"),
        (100 * kept.mean() / k, "A share between 0 and 1 is wanted, not per cent."),
        ((other + 1).mean() / k, itself),
        ((kept + 1).mean() / (k + 1), itself),
        ((kept > 0).mean(), "One kept neighbour is enough here. Count how many of the 15 are kept."),
        (1 - kept.mean() / k, "This is the share that is lost."),
    ]
    measured_well(guess, measured, kept.mean() / k, 0.002, "of the neighbours are kept", slips,
              "For one point: two lists of 15 indices. How many are in both?")  # fmt: skip
