"""The checks of lesson 14's exercises: right solutions pass, every usual wrong one gets its hint."""

from collections import Counter

import numpy as np
import pytest
from scipy.spatial import cKDTree
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from checks import lesson_14 as checks
from utils.latent import embed
from utils.models import apply


def unsolved(*args):
    raise NotImplementedError("hint: think")


# --- map_of -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda e, x: TSNE(random_state=3, perplexity=20).fit_transform(e.predict(x, verbose=0)),
        lambda e, x: embed(apply(e, x), seed=1).tolist(),
        lambda e, x: TSNE(perplexity=30, init="random", random_state=1).fit_transform(np.asarray(e(x))),
    ],
)
def test_map_accepts(function, capsys):
    checks.map_of_codes(function)
    assert capsys.readouterr().out.startswith("✔ map_of")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda e, x: embed(x.reshape(len(x), -1), seed=1, perplexity=20), "or of another encoder"),
        (lambda e, x: apply(e, x)[:, :2], "first two units"),
        (lambda e, x: PCA(2).fit_transform(apply(e, x)), "projection"),
        (lambda e, x: TSNE(init="random", perplexity=20).fit_transform(apply(e, x)), "given a seed"),
        (lambda e, x: apply(e, x), "One point per image"),
        (lambda e, x: embed(apply(e, x), seed=1)[::-1], "Encode all images first"),
        (lambda e, x: TSNE(3, random_state=1).fit_transform(apply(e, x)), "One point per image"),
        (lambda e, x: np.random.default_rng(1).normal(size=(len(x), 2)), "Encode all images first"),
        (lambda e, x: e, "One point per image"),
        (lambda e, x: None, "end with a return"),
        (unsolved, "think"),
    ],
)
def test_map_rejects(function, hint, rejected):
    rejected(hint, checks.map_of_codes, function)


# --- vote ---------------------------------------------------------------------------------------------------


def by_counting(points, labels, k=15):
    """One point after the other, and a counter."""
    right = 0
    for i in range(len(points)):
        order = [j for j in np.argsort(((points - points[i]) ** 2).sum(axis=1)) if j != i]
        right += Counter(labels[order[:k]].tolist()).most_common(1)[0][0] == labels[i]
    return right / len(points)


def by_tree(points, labels, k=15):
    """All at once, with a table of votes."""
    nearest = cKDTree(points).query(points, k + 1)[1][:, 1:]
    votes = np.stack([(labels[nearest] == c).sum(axis=1) for c in np.unique(labels)], axis=1)
    return np.array([np.mean(np.unique(labels)[votes.argmax(axis=1)] == labels)])[0]


def neighbours(points, k):
    return NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)


def with_itself(points, labels, k=15):
    return KNeighborsClassifier(k).fit(points, labels).score(points, labels)


def farthest(points, labels, k=15):
    order = np.argsort(-np.linalg.norm(points[:, None] - points, axis=-1), axis=1)[:, :k]
    return np.mean((labels[order] == labels[:, None]).mean(axis=1) > 0.5)


@pytest.mark.parametrize("function", [by_counting, by_tree])
def test_vote_accepts(function, capsys):
    checks.leave_one_out(function)
    assert capsys.readouterr().out.startswith("✔ vote")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (with_itself, "votes for itself"),
        (lambda p, y, k: with_itself(p, y, k + 1), "votes for itself"),
        (lambda p, y, k: np.mean(y[neighbours(p, k)] == y[:, None]), "majority"),
        (lambda p, y, k: np.mean(y[neighbours(p, k)[:, -1]] == y), "Only the k-th"),
        (lambda p, y, k: np.mean(y[neighbours(p, k)[:, 0]] == y), "Only the nearest"),
        (lambda p, y, k: by_counting(p, y), "use its k"),
        (lambda p, y, k: 1 - by_counting(p, y, k), "the error"),
        (lambda p, y, k: 100 * by_counting(p, y, k), "per cent"),
        (lambda p, y, k: by_counting(p[:, :1], y, k), "four points on a line"),
        (farthest, "farthest"),
        (lambda p, y, k: y[neighbours(p, k)], "One number"),
        (lambda p, y, k: None, "end with a return"),
        (unsolved, "think"),
    ],
)
def test_vote_rejects(function, hint, rejected):
    rejected(hint, checks.leave_one_out, function)


# --- the share of neighbours that a map keeps ---------------------------------------------------------------

rng = np.random.default_rng(1)
CODES = rng.normal(size=(120, 6))
POINTS = CODES[:, :2] + 0.1 * rng.normal(size=(120, 2))


def kept(k=15, include=False):
    """Kept neighbours of every point, by a table of distances: another way than the check's."""
    tables = []
    for z in (CODES, POINTS):
        far = np.linalg.norm(z[:, None] - z, axis=-1)
        if not include:
            np.fill_diagonal(far, np.inf)
        near = np.zeros(far.shape, bool)
        np.put_along_axis(near, np.argsort(far, axis=1)[:, :k], True, axis=1)
        tables.append(near)
    return (tables[0] & tables[1]).sum(axis=1)


@pytest.mark.parametrize("value", [kept().mean() / 15, np.array([kept().sum() / 15 / 120], "float32")])
def test_kept_accepts_any_number_as_a_guess(value, capsys):
    checks.neighbours_kept(1, value, CODES, POINTS)
    assert "guess of 1 " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (None, kept().mean() / 15, "still to be done"),
        ("half", kept().mean() / 15, "Any number will do"),
        (0.5, None, "still to be done"),
        (0.5, kept() / 15, "One plain number"),
        (0.5, kept(include=True).mean() / 15, "its own neighbour"),
        (0.5, kept(16, include=True).mean() / 16, "its own neighbour"),
        (0.5, kept(16, include=True).mean() / 15, "its own neighbour"),
        (0.5, kept().mean(), "number of neighbours"),
        (0.5, 100 * kept().mean() / 15, "per cent"),
        (0.5, np.mean(kept() > 0), "One kept neighbour"),
        (0.5, 1 - kept().mean() / 15, "is lost"),
        (0.5, 0.01, "in both lists"),
    ],
)
def test_kept_rejects(guess, value, hint, rejected):
    rejected(hint, checks.neighbours_kept, guess, value, CODES, POINTS)
