"""Checks of the exercises of lesson 14. The usual wrong solutions, each with its hint: tests/test_checks_14.py."""

import keras
import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from checks.base import agree, as_array, call, fail, measured, passed
from utils import metrics


def map_of_codes(function):
    """Check map_of(encoder, images): the t-SNE map of the codes of images (n, 28, 28, 1), points (n, 2), seeded.

    The encoder is one of the check's own, with four units, whose codes have other groups than the pixels, than their
    first two units and than their first two principal components.

    Raises:
        CheckFailed: for another shape, another map in the second call, or a map whose neighbours are not those of the
            codes.
    """
    encoder, images, group, hidden = _four_units()
    hint = "One point per image, two coordinates each: (n, 2)."
    with threadpool_limits(1, "openmp"):  # several threads wait for each other when the machine has other work, too
        maps = [call(function, encoder, images) for _ in range(2)]
    points, again = (as_array(z, (len(images), 2), "the map", hint) for z in maps)
    share = metrics.neighbour_accuracy(points, group, k=5)
    if share < 0.9:
        codes = np.asarray(encoder(images))
        hint = "Encode all images first, then lay the codes out in the plane by t-SNE."
        if np.allclose(points, codes[:, :2], atol=1e-3):
            hint = "These are the first two units. Codes of more numbers need t-SNE to be seen."
        elif np.allclose(np.abs(points), np.abs(PCA(2).fit_transform(codes)), atol=1e-2):
            hint = "This is a projection (PCA). t-SNE keeps neighbourhoods instead."
        elif metrics.neighbour_accuracy(points, hidden, k=5) > 0.9:
            hint = (
                "The map shows the groups of the pixels, or of another encoder. Use the encoder and the images given."
            )
        fail("neighbours in the map that are neighbours among the codes", f"{share:.0%} of them are", hint)
    if not np.allclose(points, again, atol=1e-3 * np.abs(points).max()):
        hint = "A t-SNE that starts at random draws numbers: where can it be given a seed?"
        fail("the same map in every call", "two different maps", hint)
    passed("map_of: t-SNE of the codes, not of the pixels, and the same map in every call")


def _four_units():
    """Return an encoder 784-4, 120 images, the four groups of their codes, and the four groups of their pixels.

    The codes' groups are in the last two units; the first two are wider and without groups, so that they alone, or the
    first two principal components, show nothing. The pixels' groups are in pixels that the encoder does not read.
    """
    rng, n = np.random.default_rng(14), 120
    group, hidden = np.arange(n) % 4, rng.permutation(n) % 4
    corners = np.stack([group & 1, group >> 1], axis=1) * 2.0 - 1
    wide, near = 6 * rng.uniform(-1.7, 1.7, size=(n, 2)), 0.3 * rng.normal(size=(n, 2))
    units = np.concatenate([wide, 5 * corners + near], axis=1)  # nx4
    images = np.zeros((n, 28, 28, 1), "float32")
    images[:, 0, :4, 0] = units / 40 + 0.5  # what the encoder reads
    images[np.arange(n), 10 + hidden] = 1
    encoder = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(4)])
    kernel = np.zeros((784, 4), "float32")
    kernel[:4] = 40 * np.eye(4)
    encoder.layers[-1].set_weights([kernel, np.full(4, -20.0, "float32")])
    order = rng.permutation(n)  # a map in another order than that of the images must not pass
    return encoder, images[order], group[order], hidden[order]


def leave_one_out(function):
    """Check vote(points, labels, k): the share of points (n, d) whose k nearest others vote for their own class.

    The points lie in two places with two overlapping classes each, so that an odd k never leaves a tie; the three
    classes are 2, 5 and 7.

    Raises:
        CheckFailed: for anything else than one number, or another share than `metrics.neighbour_accuracy` finds.
    """
    rng = np.random.default_rng(14)
    side, right = rng.integers(0, 2, (2, 80)).astype(bool)
    labels = np.where(side, np.where(right, 5, 7), 2 + 5 * right)
    points = rng.normal(size=(80, 3)) + np.stack([1.3 * right + 50 * side, 0 * side, 0 * side], axis=1)
    order = np.argsort(np.linalg.norm(points[:, None] - points, axis=-1), axis=1)  # the point itself first
    alike = labels[order] == labels[:, None]
    shares = {k: metrics.neighbour_accuracy(points, labels, k) for k in (3, 7, 15)}
    itself = "Every point votes for itself: it is its own nearest one. Leave it out."
    for k in (3, 7):
        hint = "One number for all points: the share of those whose own class wins."
        found = as_array(call(function, points.copy(), labels.copy(), k), (), "the accuracy", hint)
        slips = [
            (np.mean(alike[:, :k].mean(axis=1) > 0.5), itself),
            (np.mean(alike[:, : k + 1].mean(axis=1) >= 0.5), itself),
            (np.mean(alike[:, : k + 1].mean(axis=1) > 0.5), itself),
            (alike[:, 1 : k + 1].mean(), "This is the share of alike neighbours. The majority decides for a point."),
            (alike[:, :k].mean(), itself),
            (alike[:, k].mean(), "Only the k-th neighbour is asked. All k have a vote."),
            (alike[:, 1].mean(), "Only the nearest neighbour is asked. All k have a vote."),
            (np.mean(alike[:, -k:].mean(axis=1) > 0.5), "These are the farthest points, not the nearest."),
            (1 - shares[k], "This is the error. How many are right?"),
            (100 * shares[k], "A share between 0 and 1 is wanted, not per cent."),
            (shares[15], f"This is the answer for k = 15, not for k = {k}. Does the function use its k?"),
        ]
        hint = "Try it by hand on four points on a line, with k = 1."
        agree(found, shares[k], slips, f"accuracy with k = {k}", hint, tolerance=1e-6)
    passed("vote: every point is left out in turn, and its k nearest others vote")


def neighbours_kept(guess, value, codes, points, k=15):
    """Check the mean share of an image's k nearest others among the codes that are among its k nearest in the map.

    Args:
        guess: the student's, any finite number.
        value: what the student measured, a share in [0, 1].
        codes, points: (n, d) and (n, 2), the codes and their map.
        k: neighbours that are counted.

    Raises:
        CheckFailed: for a guess that is no number, or a share that is more than 0.006 off.
    """
    codes, points = np.asarray(codes), np.asarray(points)
    here, there = (
        NearestNeighbors(n_neighbors=k).fit(z).kneighbors(return_distance=False) for z in (codes, points)
    )  # nxk each, without the point itself
    same = (here[:, :, None] == there[:, None]).any(axis=2)  # nxk: is this neighbour in the map's list?
    kept = same.sum(axis=1)
    fewer = (here[:, :-1, None] == there[:, None, :-1]).any(axis=2).sum(axis=1)  # of the k − 1 nearest others
    itself = "Every image counts as its own neighbour here. Leave it out of both lists."
    slips = [
        (kept.mean(), "This is a number of neighbours. Which share of the 15 is it?"),
        (100 * kept.mean() / k, "A share between 0 and 1 is wanted, not per cent."),
        ((fewer + 1).mean() / k, itself),
        ((kept + 1).mean() / (k + 1), itself),
        ((kept + 1).mean() / k, itself),
        ((kept > 0).mean(), "One kept neighbour is enough here. Count how many of the 15 are kept."),
        (1 - kept.mean() / k, "This is the share that is lost."),
    ]
    hint = "For one image: two lists of 15 other images, whatever their class. How many are in both lists?"
    measured(guess, value, kept.mean() / k, f"of the {k} neighbours", slips, hint, tolerance=0.006, bounds=(0, 1))
