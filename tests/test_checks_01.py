"""The checks of lesson 01's exercises: right solutions pass, each usual wrong one gets its hint."""

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.decomposition import PCA

from checks import CheckFailed
from checks import lesson_01 as checks


def directions(x, d):
    return np.linalg.svd(x, full_matrices=False)[2][:d]


def sklearn_pca(train, x, d):
    pca = PCA(d).fit(train)
    return pca.inverse_transform(pca.transform(x))


def eigenvectors(train, x, d):
    """Right, by eigenvectors of the covariance, and as a Keras tensor."""
    mean = train.mean(axis=0)
    vectors = np.linalg.eigh(np.cov(train, rowvar=False))[1][:, -d:]
    return keras.ops.convert_to_tensor(mean + (x - mean) @ (vectors @ vectors.T))


def not_centred(train, x, d):
    rows = directions(train, d)
    return x @ rows.T @ rows


def half_centred(train, x, d):
    rows = directions(train - train.mean(axis=0), d)
    return x @ rows.T @ rows


def mean_of_x(train, x, d):
    rows = directions(train - train.mean(axis=0), d)
    return (x - x.mean(axis=0)) @ rows.T @ rows + x.mean(axis=0)


def mean_lost(train, x, d):
    rows = directions(train - train.mean(axis=0), d)
    return (x - train.mean(axis=0)) @ rows.T @ rows


def fitted_to_x(train, x, d):
    return sklearn_pca(x, x, d)


def directions_of_x(train, x, d):
    rows = directions(x - x.mean(axis=0), d)
    return (x - train.mean(axis=0)) @ rows.T @ rows + train.mean(axis=0)


def standardised(train, x, d):
    mean, scale = train.mean(axis=0), train.std(axis=0)
    return sklearn_pca((train - mean) / scale, (x - mean) / scale, d) * scale + mean


def smallest(train, x, d):
    mean = train.mean(axis=0)
    rows = np.linalg.eigh(np.cov((train - mean).T))[1][:, :d].T  # ascending
    return (x - mean) @ rows.T @ rows + mean


def unsorted(train, x, d):
    mean = train.mean(axis=0)
    rows = np.linalg.eig(np.cov(train, rowvar=False))[1][:, :d].T
    return (x - mean) @ rows.T @ rows + mean


def two_directions(train, x, d):
    return sklearn_pca(train, x, 2)


def too_long(train, x, d):
    rows, mean = 1.5 * directions(train - train.mean(axis=0), d), train.mean(axis=0)
    return (x - mean) @ rows.T @ rows + mean


def mean_added_only(train, x, d):
    return half_centred(train, x, d) + train.mean(axis=0)


def in_place(train, x, d):
    mean = train.mean(axis=0)
    train -= mean
    x -= mean
    rows = directions(train, d)
    return x @ rows.T @ rows + mean


def coordinates(train, x, d):
    return PCA(d).fit(train).transform(x)


def unsolved(*arguments):
    raise NotImplementedError("hint: begin with the mean")


def nothing(*arguments):
    return None


@pytest.mark.parametrize("right", [sklearn_pca, eigenvectors])
def test_pca_right(right, capsys):
    checks.centred_pca(right)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (not_centred, "What must be subtracted"),
        (half_centred, "not only into the search"),
        (mean_of_x, "Which images may the mean come from"),
        (mean_lost, "missing afterwards"),
        (fitted_to_x, "fixed before x arrives"),
        (directions_of_x, "directions as well as on the mean"),
        (standardised, "one unit already"),
        (smallest, "which d directions"),
        (unsorted, "no fixed order"),
        (two_directions, "do you use it"),
        (mean_added_only, "with its mean still in it"),
        (in_place, "leaves its arguments"),
        (coordinates, "go back to pixels"),
        (unsolved, "begin with the mean"),
        (nothing, "end with a return"),
        (lambda train, x, d: (x, d), "go back to pixels"),
        (lambda train, x: x, "(?s)TypeError.*Read the error"),
        (lambda train, x, d: x, "do you use it"),
        (lambda train, x, d: sklearn_pca(train, x, min(d + 1, 9)), "exactly d directions"),
        (too_long, "all directions kept"),
        (3, "Read the error"),
    ],
)
def test_pca_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.centred_pca(wrong)


def functional(code):
    """Right, in the functional style, with the activations as layers, and as a list."""
    image, z = keras.Input((28, 28, 1)), keras.Input((code,))
    codes = layers.ReLU()(layers.Dense(code)(layers.Reshape((784,))(image)))
    pixels = layers.Activation("sigmoid")(layers.Dense(784)(z))
    return [keras.Model(image, codes), keras.Model(z, layers.Reshape((28, 28, 1))(pixels))]


def network(code, activation="relu", output="sigmoid", flat=True, before=(), image=True):
    encoder = [keras.Input((28, 28, 1))] + ([layers.Flatten()] if flat else [])
    encoder += [layers.Dense(units, "relu") for units in before] + [layers.Dense(code, activation)]
    decoder = [keras.Input((code,)), layers.Dense(784, output)] + ([layers.Reshape((28, 28, 1))] if image else [])
    return keras.Sequential(encoder), keras.Sequential(decoder)


def without_inputs(code):
    return tuple(keras.Sequential(model.layers) for model in network(code))


def of_vectors(code):
    return keras.Sequential([keras.Input((784,)), layers.Dense(code, "relu")]), network(code)[1]


def chained(code):
    encoder, decoder = network(code)
    return encoder, keras.Sequential([keras.Input((28, 28, 1)), encoder, decoder])


@pytest.mark.parametrize("right", [functional, network])
def test_shallow_right(right, capsys):
    checks.vanilla_parts(right)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda code: network(code, activation="linear"), "Which activation has the code"),
        (lambda code: network(code, activation="softplus"), "Which activation has the code"),
        (lambda code: network(code, output="linear"), "Pixels lie between 0 and 1. Which"),
        (lambda code: network(code, output="hard_sigmoid"), "and nothing else"),
        (without_inputs, r"begins with keras\.Input\(\(28, 28, 1\)\)"),
        (of_vectors, r"begins with keras\.Input\(\(28, 28, 1\)\)"),
        (chained, r"begins with keras\.Input\(\(32,\)\)"),
        (lambda code: network(code, flat=False), "a vector before the layer"),
        (lambda code: (network(32)[0], network(code)[1]), "do you use it"),
        (lambda code: network(32), "do you use it"),
        (lambda code: network(code, before=(64,)), "nothing else that learns"),
        (lambda code: network(code, image=False), "into an image again"),
        (lambda code: network(code)[::-1], "Which one encodes"),
        (lambda code: network(code)[0], "Return both"),
        (lambda code: ("encoder", "decoder"), "Return both"),
        (nothing, "Return both"),
        (unsolved, "begin with"),
    ],
)
def test_shallow_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.vanilla_parts(wrong)


@pytest.fixture
def codes():
    """Codes as of ReLU units: not negative, far from centred, correlated."""
    rng = np.random.default_rng(1)
    return np.maximum(rng.normal(size=(300, 3)) @ rng.normal(size=(3, 6)) + 3, 0).astype("float32")


def test_share_right(codes, capsys):
    eigenvalues = np.linalg.eigvalsh(np.cov(codes.T))
    checks.share_of_first_direction(1, eigenvalues[-1] / eigenvalues.sum(), codes)
    checks.share_of_first_direction(0.5, PCA().fit(codes).explained_variance_ratio_[:1], codes)
    lines = capsys.readouterr().out.splitlines()
    assert "your guess of 1 is off by 0." in lines[0]
    alone = float(lines[1].split()[-1])
    assert 1 / codes.shape[1] < alone < eigenvalues[-1] / eigenvalues.sum()


def first_share(covariance):
    values = np.linalg.eigvalsh(covariance)
    return values[-1] / values.sum()


def test_share_wrong(codes):
    ratios = PCA().fit(codes).explained_variance_ratio_
    moments = np.linalg.eigvalsh(codes.T @ codes)
    wrong = {
        "Variance is measured around the mean": moments[-1] / moments.sum(),
        "between 0 and 1": 100 * ratios[0],
        "about variances": np.sqrt(ratios[0]) / np.sqrt(ratios).sum(),
        "Let PCA find it": codes.var(axis=0).max() / codes.var(axis=0).sum(),
        "any direction has": 1 - ratios[0],
        "a part of the whole": ratios[0] / ratios[1:].sum(),
        "correlation matrix": np.linalg.eigvalsh(np.corrcoef(codes.T))[-1] / codes.shape[1],
        "variables as rows": first_share(np.cov(codes)),
        "to be done": None,
        "no text": "0.5",
    }
    for hint, share in wrong.items():
        with pytest.raises(CheckFailed, match=hint):
            checks.share_of_first_direction(0.5, share, codes)
    for guess, hint in ((None, "to be done"), ("half", "before you measure"), (float("nan"), "before you measure")):
        with pytest.raises(CheckFailed, match=hint):
            checks.share_of_first_direction(guess, ratios[0], codes)
