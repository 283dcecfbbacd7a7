"""Checks of the exercises of lesson 01. The usual wrong solutions, each of which gets a hint of its own:

centred_pca (a PCA to hold the ReLU codes against)
    - directions of the training images without centring
    - centred by the mean of the images to copy, not of the training images
    - the mean image never added again
    - directions of the images to copy, not of the training images
    - the directions with the smallest variances
    - the d coordinates returned, not images
vanilla_parts
    - no activation on the code
    - no sigmoid on the output
    - the image not flattened, so that the layer works on each pixel alone
    - 32 written into the layers in place of the argument
    - a further hidden layer
    - the output left flat
share_of_first_direction (PCA of the ReLU codes)
    - codes not centred
    - percent for a share
    - standard deviations for variances
    - the unit with the largest variance for the principal direction
    - None as guess
map_of_vanilla_codes
    - two units of the code for a map
    - points in another order than the codes
    - axes exchanged, (2, n)
"""


import numpy as np
from sklearn.manifold import trustworthiness

from checks_base import agree, as_numbers, call, fail, guessed, one_number, passed


def _projection(directions_of, centre, x, d, add=None):
    """Project x on d leading right singular vectors of an array, around a centre."""
    rows = np.linalg.svd(directions_of, full_matrices=False)[2][:d]
    return (x - centre) @ rows.T @ rows + (centre if add is None else add)


def centred_pca(function):
    """Check `function(train, x, d)`: copies of the rows of x by PCA with d directions, fitted to the rows of train."""
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(9, 9)) * np.linspace(2, 0.2, 9)[:, None]
    train = rng.normal(size=(40, 9)) @ mixing + rng.uniform(2, 6, 9)
    x = rng.normal(size=(15, 9)) @ mixing + rng.uniform(2, 6, 9)
    mean = train.mean(axis=0)
    for d in (3, 1, 9):
        copies = call(function, train.copy(), x.copy(), d)
        copies = as_numbers(
            copies, x.shape, f"copies of 15 images of 9 pixels, d = {d}", "Project, and then go back to pixels."
        )
        expected = _projection(train - mean, mean, x, d)
        own = x.mean(axis=0)
        last = np.linalg.svd(train - mean)[2][-d:]
        slips = {
            "Variance is measured around the mean. What must be subtracted before the directions are sought?": (
                _projection(train, 0, x, d)
            ),
            "The mean belongs into the projection too, not only into the search for the directions.": (
                _projection(train - mean, 0, x, d)
            ),
            "Which images may the mean come from? The new ones are not known when PCA is fitted.": (
                _projection(train - mean, own, x, d)
            ),
            "What was subtracted before the projection is missing afterwards.": (
                _projection(train - mean, mean, x, d, add=0)
            ),
            "Fit on train alone: the directions are fixed before x arrives.": _projection(x - own, own, x, d),
            "Train decides on the directions as well as on the mean.": _projection(x - own, mean, x, d),
            "Look at the order of the variances: which d directions do you keep?": (x - mean) @ last.T @ last + mean,
        }
        hint = "With all directions kept, the copy is the image itself. Are yours orthogonal, and of length 1?"
        agree(copies, expected, slips, f"PCA's copies with d = {d}", hint)
    passed("PCA: directions and mean of the training images, right copies for d = 1, 3 and all")


def vanilla_parts(function):
    """Check `function(code)`: encoder 28x28x1 to `code` ReLU units, decoder with one sigmoid layer back to 28x28x1."""
    rng = np.random.default_rng(1)
    x = rng.random((64, 28, 28, 1), dtype="float32")
    for code in (32, 5):
        made = call(function, code)
        if not isinstance(made, tuple | list) or len(made) != 2:
            fail("two models: encoder, decoder", type(made).__name__, "Return both, in this order.")
        encoder, decoder = made
        hint = f"The encoder was asked for {code} numbers per image. Is the image a vector before the layer sees it?"
        codes = as_numbers(call(encoder, x), (64, code), f"codes of 64 images, code = {code}", hint)
        if codes.min() < 0:
            fail("codes of at least 0", f"a smallest code of {codes.min():.3g}", "Which activation has the code?")
        hint = "The decoder's last step turns 784 numbers into an image again."
        copies = as_numbers(call(decoder, codes.astype("float32")), x.shape, "copies of 64 images", hint)
        hint = "Pixels lie between 0 and 1. Which activation has the same range?"
        far = as_numbers(call(decoder, 50 * codes.astype("float32")), x.shape, "copies of large codes", hint)
        if min(copies.min(), far.min()) < 0 or max(copies.max(), far.max()) > 1:
            fail("pixels between 0 and 1", f"pixels from {far.min():.3g} to {far.max():.3g}", hint)
        count = encoder.count_params() + decoder.count_params()
        expected = 784 * code + code + code * 784 + 784
        if count != expected:
            hint = "Two dense layers with biases, and nothing else that learns."
            fail(f"{expected:,} parameters for code = {code}", f"{count:,}", hint)
        kernel, bias = _dense_weights(encoder, code)
        relu = np.maximum(x.reshape(64, 784) @ kernel + bias, 0)
        agree(codes, relu, {}, "the code is a ReLU of one weighted sum", "Which activation has the code?")
        kernel, bias = _dense_weights(decoder, 784)
        sigmoid = 1 / (1 + np.exp(-(codes @ kernel + bias)))
        hint = "Pixels lie between 0 and 1, and the activation must let the gradient pass between them."
        agree(copies.reshape(64, 784), sigmoid, {}, "the output is a sigmoid of one weighted sum", hint)
    passed("encoder 28x28x1 to a ReLU code, decoder to a sigmoid image, parameters counted, for 32 units and for 5")


def _dense_weights(model, units):
    """Return kernel (inputs, units) and bias of a model's one dense layer."""
    weights = [np.asarray(w, "float64") for w in model.get_weights()]
    kernels, biases = [w for w in weights if w.ndim == 2], [w for w in weights if w.ndim == 1]
    if len(kernels) != 1 or len(biases) != 1 or kernels[0].shape[1] != units:
        shapes = ", ".join(str(w.shape) for w in weights)
        fail(f"one kernel and one bias for {units} units", f"weights {shapes}", "One dense layer on either side.")
    return kernels[0], biases[0]


def share_of_first_direction(guess, share, codes):
    """Check the share of the variance of codes (n, d) in their first principal direction, and compare the guess."""
    guess = guessed(guess)
    share = one_number(share, "the share of the variance", "Measure it, and keep it in the variable.")
    codes = np.asarray(codes, "float64")
    centred = codes - codes.mean(axis=0)
    values = np.linalg.svd(centred, compute_uv=False)
    moments = np.linalg.svd(codes, compute_uv=False) ** 2
    true = values[0] ** 2 / np.sum(values**2)
    slips = {
        "ReLU codes are never negative, so their mean is far from 0. Variance is measured around it.": (
            moments[0] / moments.sum()
        ),
        "A share lies between 0 and 1.": 100 * true,
        "A singular value is a standard deviation, up to a factor. The question is about variances.": (
            values[0] / values.sum()
        ),
        "No unit has to lie along the principal direction. Let PCA find it.": (
            np.max(centred.var(axis=0)) / np.sum(centred.var(axis=0))
        ),
    }
    hint = "Divide the largest variance that any direction has by the sum of the variances of all."
    agree(share, true, slips, f"a share of {true:.4f}", hint, tolerance=5e-3)
    passed(f"measured {true:.3f}, guessed {guess:.3g}: off by {abs(guess - true):.3f}")


def map_of_vanilla_codes(points, codes):
    """Check a map (n, 2) of codes (n, d): neighbours in the map must be neighbours among the codes."""
    codes = np.asarray(codes, "float64")
    hint = "One row per image, in the order of the codes, and two columns."
    points = as_numbers(points, (len(codes), 2), "the map", hint)
    trust = trustworthiness(codes, points, n_neighbors=10)
    if trust < 0.9:
        hint = "Is the map made of all code units, and are its rows in the order of the codes? t-SNE keeps neighbours."
        fail("neighbours that are neighbours among the codes (trustworthiness of .9 or more)", f"{trust:.2f}", hint)
    passed(f"a map of {len(points):,} codes that keeps neighbours: trustworthiness {trust:.2f}")
