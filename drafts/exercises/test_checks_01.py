"""The checks of lesson 01's exercises: right solutions pass, each usual wrong one gets its hint."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

sys.path.insert(0, str(Path(__file__).parent))

import checks_01 as checks
from checks_base import CheckFailed


def directions(x, d):
    return np.linalg.svd(x, full_matrices=False)[2][:d]


def sklearn_pca(train, x, d):
    pca = PCA(d).fit(train)
    return pca.inverse_transform(pca.transform(x))


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


def smallest(train, x, d):
    mean = train.mean(axis=0)
    rows = np.linalg.eigh(np.cov((train - mean).T))[1][:, :d].T  # ascending
    return (x - mean) @ rows.T @ rows + mean


def coordinates(train, x, d):
    return PCA(d).fit(train).transform(x)


def unsolved(*arguments):
    raise NotImplementedError("hint: begin with the mean")


def test_pca_right(capsys):
    checks.centred_pca(sklearn_pca)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (not_centred, "What must be subtracted"),
        (half_centred, "not only into the search"),
        (mean_of_x, "Which images may the mean come from"),
        (mean_lost, "missing afterwards"),
        (fitted_to_x, "fixed before x arrives"),
        (smallest, "which d directions"),
        (coordinates, "go back to pixels"),
        (unsolved, "begin with the mean"),
        (lambda train, x: x, "(?s)TypeError.*last line of the error"),
        (lambda train, x, d: x, "all directions kept"),
    ],
)
def test_pca_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.centred_pca(wrong)


def functional(code):
    """Right, in the functional style, with the activations as layers."""
    image, z = keras.Input((28, 28, 1)), keras.Input((code,))
    codes = layers.ReLU()(layers.Dense(code)(layers.Reshape((784,))(image)))
    pixels = layers.Activation("sigmoid")(layers.Dense(784)(z))
    return keras.Model(image, codes), keras.Model(z, layers.Reshape((28, 28, 1))(pixels))


def network(code, activation="relu", output="sigmoid", flat=True, before=(), image=True):
    encoder = [keras.Input((28, 28, 1))] + ([layers.Flatten()] if flat else [])
    encoder += [layers.Dense(units, "relu") for units in before] + [layers.Dense(code, activation)]
    decoder = [keras.Input((code,)), layers.Dense(784, output)] + ([layers.Reshape((28, 28, 1))] if image else [])
    return keras.Sequential(encoder), keras.Sequential(decoder)


def test_shallow_right(capsys):
    checks.vanilla_parts(functional)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda code: network(code, activation="linear"), "Which activation has the code"),
        (lambda code: network(code, output="linear"), "Pixels lie between 0 and 1. Which"),
        (lambda code: network(code, output="hard_sigmoid"), "let the gradient pass"),
        (lambda code: network(code, flat=False), "a vector before the layer"),
        (lambda code: network(32), "asked for 5 numbers"),
        (lambda code: network(code, before=(64,)), "nothing else that learns"),
        (lambda code: network(code, image=False), "into an image again"),
        (lambda code: network(code)[0], "Return both"),
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
    checks.share_of_first_direction(7, eigenvalues[-1] / eigenvalues.sum(), codes)
    assert "guessed 7: off by 6." in capsys.readouterr().out


def test_share_wrong(codes):
    ratios = PCA().fit(codes).explained_variance_ratio_
    moments = np.linalg.eigvalsh(codes.T @ codes)
    wrong = {
        "far from 0. Variance is measured around it": moments[-1] / moments.sum(),
        "between 0 and 1": 100 * ratios[0],
        "about variances": np.sqrt(ratios[0]) / np.sqrt(ratios).sum(),
        "Let PCA find it": codes.var(axis=0).max() / codes.var(axis=0).sum(),
        "any direction has": 1 - ratios[0],
        "keep it in the variable": None,
    }
    for hint, share in wrong.items():
        with pytest.raises(CheckFailed, match=hint):
            checks.share_of_first_direction(0.5, share, codes)
    for guess in (None, "half", float("nan"), True):
        with pytest.raises(CheckFailed, match="before you measure"):
            checks.share_of_first_direction(guess, ratios[0], codes)


def test_map(capsys):
    rng = np.random.default_rng(1)
    codes = rng.normal(size=(300, 8)) + 4 * np.eye(8)[rng.integers(8, size=300)]
    points = TSNE(perplexity=15, init="pca", random_state=1).fit_transform(codes)
    checks.map_of_vanilla_codes(points, codes)
    assert len(capsys.readouterr().out.splitlines()) == 1
    for wrong, hint in (
        (codes[:, :2], "all code units"),
        (points[::-1], "in the order of the codes"),
        (points.T, "two columns"),
        (points * np.nan, "two columns"),
    ):
        with pytest.raises(CheckFailed, match=hint):
            checks.map_of_vanilla_codes(wrong, codes)
