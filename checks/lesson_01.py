"""Checks of the exercises of lesson 01. The usual wrong solutions, each with its hint: tests/test_checks_01.py."""

import numpy as np

from checks.base import agree, as_array, call, fail, measured, passed, shape_of, two_models


def centred_pca(function):
    """Check `function(train, x, d)`: copies of the rows of x by PCA with d directions, fitted to the rows of train.

    Args:
        function: the student's, of arrays (n, p) and (m, p) and an integer from 1 to p; it returns (m, p).

    Raises:
        CheckFailed: for copies of another shape, or other ones than PCA's.
    """
    rng = np.random.default_rng(20)  # np.linalg.eig does not happen to sort this covariance's eigenvalues
    mixing = rng.normal(size=(9, 9)) * np.linspace(2, 0.2, 9)[:, None]
    train = rng.normal(size=(40, 9)) @ mixing + rng.uniform(2, 6, 9)
    x = rng.normal(size=(15, 9)) @ mixing + rng.uniform(2, 6, 9)
    mean, own, scale = train.mean(axis=0), x.mean(axis=0), train.std(axis=0)
    for d in (3, 1, 9):
        copies = call(function, train.copy(), x.copy(), d)
        what = f"copies of 15 images of 9 pixels, d = {d}"
        copies = as_array(copies, x.shape, what, "Coordinates are not copies yet: from there, go back to pixels.")
        last = np.linalg.svd(train - mean)[2][-d:]
        slips = [
            (
                _projection(train, 0, x, d),
                "Variance is measured around the mean. What must be subtracted before the directions are sought?",
            ),
            (
                _projection(train - mean, 0, x, d),
                "The mean belongs into the projection too, not only into the search for the directions.",
            ),
            (
                _projection(train - mean, own, x, d),
                "Which images may the mean come from? The new ones are not known when PCA is fitted.",
            ),
            (
                _projection(train - mean, mean, x, d) - mean,
                "What was subtracted before the projection is missing afterwards.",
            ),
            (
                _projection(train - mean, 0, x, d) + mean,
                "The mean is added in the end, but x was projected with its mean still in it.",
            ),
            (_projection(x - own, own, x, d), "Fit on train alone: the directions are fixed before x arrives."),
            (_projection(x - own, mean, x, d), "Train decides on the directions as well as on the mean."),
            (
                _projection((train - mean) / scale, mean / scale, x / scale, d) * scale,
                "All pixels have one unit already. Dividing each by its own deviation makes its rim as important as "
                "its ink.",
            ),
            (
                (x - mean) @ last.T @ last + mean,
                "Look at the order of the variances: which d directions do you keep?",
            ),
        ]
        hint = "With all directions kept, the copy is the image itself. Are yours orthogonal, and of length 1?"
        everything = copies if d == 9 else call(function, train.copy(), x.copy(), 9)
        if d < 9 and shape_of(everything) == x.shape and np.allclose(everything, copies):
            hint = "The copies are the same with d = 9. `d` is an argument: do you use it?"
        elif shape_of(everything) == x.shape and np.allclose(everything, x, atol=1e-3):
            hint = (
                "Do you keep exactly d directions, and those with the largest variances? They come in no fixed order "
            )
            hint += "from np.linalg.eig, and in ascending order from np.linalg.eigh."
        agree(copies, _projection(train - mean, mean, x, d), slips, f"PCA's copies with d = {d}", hint)
    passed("PCA: directions and mean of the training images, right copies for d = 1, 3 and all")


def _projection(directions_of, centre, x, d):
    """Project x on d leading right singular vectors of an array, around a centre."""
    rows = np.linalg.svd(directions_of, full_matrices=False)[2][:d]
    return (x - centre) @ rows.T @ rows + centre


def vanilla_parts(function):
    """Check `function(code)`: encoder 28x28x1 to `code` ReLU units, decoder with one sigmoid layer back to 28x28x1.

    Args:
        function: the student's, of the number of units; it returns two Keras models, (encoder, decoder).

    Raises:
        CheckFailed: for other shapes, activations or numbers of parameters, and for exchanged models.
    """
    x = np.random.default_rng(1).random((64, 28, 28, 1), dtype="float32")
    for code in (32, 5):
        encoder, decoder = two_models(call(function, code), x)
        for name, model, takes in (("encoder", encoder, (28, 28, 1)), ("decoder", decoder, (code,))):
            found = getattr(model, "input_shape", None)
            if found != (None, *takes):
                hint = f"The {name} begins with keras.Input({takes})."
                if found == (None, 32):
                    hint = f"It was asked for {code} numbers per image. `code` is an argument: do you use it?"
                fail(f"an {name} that takes (n, {', '.join(map(str, takes))})".replace("an d", "a d"), str(found), hint)
        hint = f"The encoder was asked for {code} numbers per image. Is the image a vector before the layer sees it?"
        if encoder.output_shape == (None, 32) and code != 32:
            hint = f"It was asked for {code} numbers per image. `code` is an argument: do you use it?"
        codes = as_array(call(encoder, x), (64, code), f"codes of 64 images, code = {code}", hint)
        if codes.min() < 0:
            fail("codes of at least 0", f"a smallest code of {codes.min():.3g}", "Which activation has the code?")
        hint = "The decoder's last step turns 784 numbers into an image again."
        copies = as_array(call(decoder, codes.astype("float32")), x.shape, "copies of 64 images", hint)
        far = as_array(call(decoder, 50 * codes.astype("float32")), x.shape, "copies of large codes", hint)
        if min(copies.min(), far.min()) < 0 or max(copies.max(), far.max()) > 1:
            hint = "Pixels lie between 0 and 1. Which activation has the same range?"
            fail("pixels between 0 and 1", f"pixels from {far.min():.3g} to {far.max():.3g}", hint)
        count = encoder.count_params() + decoder.count_params()
        if count != 784 * code + code + code * 784 + 784:
            hint = "Two dense layers with biases, and nothing else that learns."
            fail(f"{784 * code + code + code * 784 + 784:,} parameters for code = {code}", f"{count:,}", hint)
        kernel, bias = _dense_weights(encoder, code)
        relu = np.maximum(x.reshape(64, 784) @ kernel + bias, 0)
        agree(codes, relu, [], "the code is a ReLU of one weighted sum", "Which activation has the code?")
        kernel, bias = _dense_weights(decoder, 784)
        sigmoid = 1 / (1 + np.exp(-(codes @ kernel + bias)))
        hint = (
            "A sigmoid of the 784 sums and nothing else, with the pixels in their order. What do you compute besides?"
        )
        agree(copies.reshape(64, 784), sigmoid, [], "the output is a sigmoid of one weighted sum", hint)
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
    """Check the share of the variance of codes that lies along their first principal direction.

    Args:
        guess: the student's, any finite number.
        share: the student's measurement, between 0 and 1.
        codes: (n, d).

    Raises:
        CheckFailed: for a guess or measurement that is no number, or a wrong measurement.
    """
    codes = np.asarray(codes, "float64")
    centred = codes - codes.mean(axis=0)
    values, moments = (np.linalg.svd(z, compute_uv=False) for z in (centred, codes))
    right = values[0] ** 2 / np.sum(values**2)
    correlations = np.linalg.eigvalsh(np.corrcoef(codes[:, centred.any(axis=0)].T))
    of_images = np.linalg.svd(codes - codes.mean(axis=1, keepdims=True), compute_uv=False)
    slips = [
        (values[0] ** 2 / np.sum(values[1:] ** 2), "The first direction's variance is a part of the whole, too."),
        (correlations[-1] / correlations.sum(), "That is the correlation matrix: it makes all variances equal to 1."),
        (
            of_images[0] ** 2 / np.sum(of_images**2),
            "np.cov expects variables as rows. Is your covariance matrix one of units, or one of images?",
        ),
        (
            moments[0] ** 2 / np.sum(moments**2),
            "ReLU codes are never negative, so their mean is far from 0, and the first direction without centring "
            "points at it. Variance is measured around the mean.",
        ),
        (100 * right, "A share lies between 0 and 1."),
        (
            values[0] / values.sum(),
            "A singular value is a standard deviation, up to a factor. The question is about variances.",
        ),
        (
            np.max(centred.var(axis=0)) / np.sum(centred.var(axis=0)),
            "No unit has to lie along the principal direction. Let PCA find it.",
        ),
    ]
    hint = "Divide the largest variance that any direction has by the sum of the variances of all."
    measured(guess, share, right, "", slips, hint, tolerance=min(5e-3, 0.02 * right), bounds=(0, 1))
    alone = np.random.default_rng(1).permuted(centred, axis=0)  # every unit in an order of its own
    values = np.linalg.svd(alone, compute_uv=False)
    passed(
        f"units of the same variances that have nothing to do with each other: {values[0] ** 2 / np.sum(values**2):.3g}"
    )
