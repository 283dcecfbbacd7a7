"""The checks of lesson 14's exercises: a right solution passes, every usual wrong one gets its hint."""

import sys
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

sys.path.insert(0, str(Path(__file__).parent))

import checks_14 as checks
from checks_base import CheckFailed

from utils.latent import embed
from utils.models import apply


def unsolved(*args):
    raise NotImplementedError("hint: think")


def parts(code, *, hidden=(), code_activation=None, output="sigmoid", shape=(28, 28, 1), conv=False):
    before = [layers.Conv2D(2, 3)] if conv else []
    width = [layers.Dense(h, "relu") for h in hidden]
    encoder = [keras.Input((28, 28, 1)), *before, layers.Flatten(), *width, layers.Dense(code, code_activation)]
    decoder = [keras.Input((code,)), layers.Dense(784, output), layers.Reshape(shape)]
    return keras.Sequential(encoder), keras.Sequential(decoder)


def functional(code):
    """Another way: the functional interface, the activation as a layer of its own."""
    image, z = keras.Input((28, 28, 1)), keras.Input((code,))
    pixels = layers.Activation("sigmoid")(layers.Dense(784)(z))
    encoder = keras.Model(image, layers.Dense(code)(layers.Reshape((784,))(image)))
    return [encoder, keras.Model(z, layers.Reshape((28, 28, 1))(pixels))]


@pytest.mark.parametrize("build", [functional, parts])
def test_shallow_accepts_right_solutions(build, capsys):
    checks.shallow_autoencoder(build)
    assert capsys.readouterr().out.startswith("✔ build")


@pytest.mark.parametrize(
    ("build", "hint"),
    [
        (lambda c: parts(c, code_activation="relu"), "needs no activation"),
        (lambda c: parts(c, output="linear"), "between 0 and 1"),
        (lambda c: parts(c, shape=(784,)), "Print the shapes"),
        (lambda c: parts(c, hidden=(32,)), "Shallow"),
        (lambda c: parts(c, conv=True), "Shallow"),
        (lambda c: parts(c + 1), "Print the shapes"),
        (lambda c: (parts(c)[0], parts(c + 1)[1]), "Print the shapes"),
        (lambda c: parts(c)[0], "return encoder, decoder"),
        (unsolved, "think"),
    ],
)
def test_shallow_rejects(build, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.shallow_autoencoder(build)


def test_map_accepts_a_right_solution(capsys):
    checks.map_of_codes(lambda e, x: TSNE(random_state=3, perplexity=20).fit_transform(e.predict(x, verbose=0)))
    assert capsys.readouterr().out.startswith("✔ map_of")


def unseeded(encoder, images):
    return TSNE(init="random", perplexity=20).fit_transform(np.asarray(encoder(images)))


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda e, x: embed(x.reshape(len(x), -1), seed=1, perplexity=20), "What does the encoder"),
        (lambda e, x: apply(e, x)[:, :2], "first two units"),
        (lambda e, x: PCA(2).fit_transform(apply(e, x)), "projection"),
        (unseeded, "take a seed"),
        (lambda e, x: apply(e, x), "One point per image"),
        (unsolved, "think"),
    ],
)
def test_map_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.map_of_codes(function)


def by_counting(points, labels, k):
    """Another way: one point after the other, and a counter."""
    right = 0
    for i in range(len(points)):
        order = [j for j in np.argsort(((points - points[i]) ** 2).sum(axis=1)) if j != i]
        right += Counter(labels[order[:k]].tolist()).most_common(1)[0][0] == labels[i]
    return right / len(points)


def neighbours(points, k):
    return NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)


def with_itself(points, labels, k):
    return KNeighborsClassifier(k).fit(points, labels).score(points, labels)


def farthest(points, labels, k):
    order = np.argsort(-np.linalg.norm(points[:, None] - points, axis=-1), axis=1)[:, :k]
    return np.mean((labels[order] == labels[:, None]).mean(axis=1) > 0.5)


def test_vote_accepts_a_right_solution(capsys):
    checks.leave_one_out(by_counting)
    assert capsys.readouterr().out.startswith("✔ vote")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (with_itself, "votes for itself"),
        (lambda p, y, k: np.mean(y[neighbours(p, k)] == y[:, None]), "majority"),
        (lambda p, y, k: np.mean(y[neighbours(p, k)[:, -1]] == y), "Only the k-th"),
        (lambda p, y, k: 1 - by_counting(p, y, k), "the error"),
        (lambda p, y, k: 100 * by_counting(p, y, k), "per cent"),
        (farthest, "farthest"),
        (lambda p, y, k: y[neighbours(p, k)], "One number"),
        (unsolved, "think"),
    ],
)
def test_vote_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.leave_one_out(function)


rng = np.random.default_rng(1)
CODES = rng.normal(size=(120, 6))
POINTS = CODES[:, :2] + 0.1 * rng.normal(size=(120, 2))


def kept(k=15, include=False):
    """By a table of distances: another way than the check's."""
    tables = []
    for z in (CODES, POINTS):
        far = np.linalg.norm(z[:, None] - z, axis=-1)
        if not include:
            np.fill_diagonal(far, np.inf)
        near = np.zeros(far.shape, bool)
        np.put_along_axis(near, np.argsort(far, axis=1)[:, :k], True, axis=1)
        tables.append(near)
    return (tables[0] & tables[1]).sum(axis=1)


def test_kept_accepts_any_number_as_a_guess(capsys):
    checks.neighbours_kept(-3, kept().mean() / 15, CODES, POINTS)
    assert "guess of -3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "measured", "hint"),
    [
        (None, kept().mean() / 15, "as guess"),
        (0.5, None, "as measured"),
        (0.5, kept(include=True).mean() / 15, "its own neighbour"),
        (0.5, kept(16, include=True).mean() / 16, "its own neighbour"),
        (0.5, kept().mean(), "number of neighbours"),
        (0.5, 100 * kept().mean() / 15, "per cent"),
        (0.5, np.mean(kept() > 0), "One kept neighbour"),
        (0.5, 1 - kept().mean() / 15, "is lost"),
        (0.5, 0.01, "two lists"),
    ],
)
def test_kept_rejects(guess, measured, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.neighbours_kept(guess, measured, CODES, POINTS)
