"""Maps of the latent space: what they measure (utils.metrics), lay out (utils.latent) and show (utils.plotting)."""

import io
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from utils import plotting
from utils.latent import embed
from utils.metrics import clustering_accuracy, neighbour_accuracy

pytestmark = pytest.mark.filterwarnings("error")


def groups(n=20, classes=3, d=4, apart=50.0, seed=0):
    """Well separated groups of n points, and the labels, shuffled."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(classes), n))
    return apart * np.eye(d)[labels] + rng.normal(size=(n * classes, d)), labels


# --- neighbours


def test_neighbours_as_written_out_by_hand():
    rng = np.random.default_rng(0)
    points, labels, k = rng.normal(size=(60, 2)), rng.integers(0, 3, 60), 5
    right = 0
    for i in range(60):
        order = [j for j in np.argsort(np.linalg.norm(points - points[i], axis=1)) if j != i][:k]
        right += np.bincount(labels[order], minlength=3).argmax() == labels[i]
    assert 0.2 < right / 60 < 0.6
    assert neighbour_accuracy(points, labels, k) == pytest.approx(right / 60)


def test_other_points_are_classified_as_scikit_learn_does():
    rng = np.random.default_rng(1)
    points, labels = rng.normal(size=(80, 3)), rng.integers(0, 4, 80) * 7 - 3
    test = rng.normal(size=(50, 3)), rng.integers(0, 4, 50) * 7 - 3
    expected = KNeighborsClassifier(6).fit(points, labels).score(*test)
    assert neighbour_accuracy(points, labels, 6, test=test) == pytest.approx(expected)
    assert neighbour_accuracy(points, labels, 1, test=(points, labels)) == 1  # nothing left out
    assert neighbour_accuracy(points, labels, 1) < 0.6  # left out


def test_separated_groups_have_good_neighbours_and_a_point_has_no_vote_for_itself():
    assert neighbour_accuracy(*groups()) == 1
    alone = np.array([[0.0, 0], [0, 0], [9, 9], [9, 9]])
    assert neighbour_accuracy(alone, np.array([0, 1, 2, 3]), 1) == 0


def test_test_labels_that_no_point_has_are_wrong():
    points, labels = groups()
    assert neighbour_accuracy(points, labels, 3, test=(points, labels + 100)) == 0


@pytest.mark.parametrize("k", [0, 60, 2.5, True, -1])
def test_neighbours_refuse_a_bad_k(k):
    with pytest.raises(ValueError, match="k="):
        neighbour_accuracy(*groups(), k)


def test_neighbours_refuse_bad_arrays():
    points, labels = groups()
    with pytest.raises(ValueError, match="labels"):
        neighbour_accuracy(points, labels[:-1])
    with pytest.raises(ValueError, match="integers"):
        neighbour_accuracy(points, labels + 0.5)
    with pytest.raises(ValueError, match="NaN"):
        neighbour_accuracy(np.where(points > 50, np.nan, points), labels)
    with pytest.raises(ValueError, match=r"\(n, d\)"):
        neighbour_accuracy(points[:, 0], labels)
    with pytest.raises(ValueError, match="Test points of 3"):
        neighbour_accuracy(points, labels, test=(points[:, :3], labels))


# --- clusters


def test_clusters_are_named_in_the_best_of_all_ways():
    rng = np.random.default_rng(0)
    labels, clusters = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    best = max(np.mean(np.array(names)[clusters] == labels) for names in itertools.permutations(range(4)))
    assert clustering_accuracy(labels, clusters) == pytest.approx(best)


def test_names_of_clusters_do_not_matter():
    labels = np.repeat([3, 5, 9], 10)
    assert clustering_accuracy(labels, np.repeat([-7, 0, 2], 10)) == 1
    assert clustering_accuracy(labels, np.zeros(30, int)) == pytest.approx(1 / 3)


def test_no_two_clusters_have_one_name():
    assert clustering_accuracy(np.zeros(10, int), np.repeat([0, 1], [6, 4])) == 0.6
    assert clustering_accuracy(np.repeat([0, 1], 5), np.arange(10)) == 0.2
    greedy = np.array([0] * 5 + [1] * 4), np.array([0] * 3 + [1] * 2 + [0] * 3 + [1])
    assert clustering_accuracy(*greedy) == pytest.approx(5 / 9)


@pytest.mark.parametrize(
    ("labels", "clusters"),
    [([], []), ([0, 1], [0]), ([[0]], [[0]]), ([0.0, 1.0], [0, 1]), ([0, 1], ["a", "b"])],
)
def test_clusters_refuse_what_is_no_labelling(labels, clusters):
    with pytest.raises(ValueError, match=r"expected"):
        clustering_accuracy(labels, clusters)


# --- t-SNE


def test_a_map_keeps_groups_and_repeats_itself():
    codes, labels = groups(d=8)
    first, again = embed(codes, 3, perplexity=10), embed(codes, 3, perplexity=10)
    assert first.shape == (60, 2)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert neighbour_accuracy(first, labels, 5) == 1


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1, 1e30, 1e307])
def test_codes_of_any_scale_have_a_map(scale):
    codes, labels = groups(d=8)
    drawn = embed(scale / 60 * codes, 3, perplexity=10)
    assert np.isfinite(drawn).all()
    assert neighbour_accuracy(drawn, labels, 5) == 1


def test_codes_whose_spread_float32_cannot_hold_have_a_map():
    codes, labels = groups(d=8)
    far = 1e6 + 1e-4 * codes
    assert np.ptp(far.astype("float32"), axis=0).max() < 0.1
    assert neighbour_accuracy(embed(far, 3, perplexity=10), labels, 5) == 1
    with pytest.raises(ValueError, match="All codes are the same"):
        embed(1e6 + 1e-9 * codes, 3, perplexity=10)  # rounding is all that is left


def test_the_map_depends_on_the_perplexity():
    codes, _ = groups(d=8)
    assert not np.allclose(embed(codes, 3, perplexity=5), embed(codes, 3, perplexity=15))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": np.ones((60, 4))}, "same"),
        ({"codes": np.arange(60.0)[:, None]}, "one number"),
        ({"codes": np.zeros((5, 5, 5))}, "shape"),
        ({"codes": np.full((60, 4), np.nan)}, "NaN"),
        ({"perplexity": 20}, "perplexity=20"),
        ({"perplexity": 0.5}, "perplexity=0.5"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": None}, "seed=None"),
    ],
)
def test_maps_refuse_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        embed(**({"codes": groups()[0], "seed": 0, "perplexity": 10} | change))


# --- several maps


def test_maps_stand_side_by_side_with_one_legend():
    rng = np.random.default_rng(0)
    panels = {name: rng.normal(size=(30, 2)) for name in ("pixels", "PCA", "codes")}
    labels = np.arange(30) % 3
    fig = plotting.code_maps(panels, labels, "abc", columns=2, title="Maps")
    fig.canvas.draw()
    assert [ax.get_title() for ax in fig.axes] == ["pixels", "PCA", "codes", ""]
    assert not fig.axes[3].axison
    for ax, points in zip(fig.axes, panels.values(), strict=False):
        assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0
        assert len(ax.collections) == 3
        for k, marks in enumerate(ax.collections):
            np.testing.assert_allclose(marks.get_offsets(), points[labels == k])
    (legend,) = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c"]
    assert fig.get_suptitle() == "Maps"
    assert plt.get_fignums() == []


def test_maps_of_one_class_need_no_legend_and_codes_have_ticks():
    fig = plotting.code_maps({"a": np.eye(2)}, [0, 0], ["noise"], ticks=True)
    assert fig.legends == []
    assert len(fig.axes[0].get_xticks()) > 1


def test_every_class_is_seen_in_every_map():
    points = np.stack([np.arange(10.0), np.zeros(10)], axis=1)
    fig = plotting.code_maps({"a": points}, np.arange(10), "0123456789", ticks=True)
    pixels = np.asarray(Image.open(io.BytesIO(plotting.png(fig)[0])).convert("RGB"))  # as a reader sees it
    pixels = pixels[:, : int(0.75 * pixels.shape[1])].reshape(-1, 3)  # no legend
    for colour in plotting.COLOURS:
        assert (np.abs(pixels - np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])).max(axis=1) < 40).any()


def test_outlying_points_can_be_left_out_of_sight():
    points = np.random.default_rng(0).normal(size=(1000, 2))
    points[0] = 1e4
    whole, most = (plotting.code_maps({"a": points}, np.zeros(1000, int), "a", share=share) for share in (1, 0.98))
    assert whole.axes[0].get_xlim()[1] > 1e4
    assert 1.5 < most.axes[0].get_xlim()[1] < 4
    with pytest.raises(ValueError, match="share=0"):
        plotting.code_maps({"a": points}, np.zeros(1000, int), "a", share=0)


@pytest.mark.parametrize(
    ("panels", "labels", "settings"),
    [
        ({}, [0, 1], {}),
        ({"a": np.eye(2)}, [0, 1], {"columns": 0}),
        ({"a": np.eye(2)}, [0], {}),
        ({"a": np.eye(2)}, [0, 2], {}),
        ({"a": np.eye(3)}, [0, 1, 1], {}),
    ],
)
def test_maps_refuse_what_does_not_fit(panels, labels, settings):
    with pytest.raises(ValueError, match=r"expected|given"):
        plotting.code_maps(panels, labels, "ab", **settings)
