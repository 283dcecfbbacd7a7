"""utils.few_labels against closed forms, scikit-learn and bad inputs."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors

from utils.few_labels import error_percent, neighbour_graph, spread_labels, stratified_draw

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 20))
CHAIN = sp.diags([1.0, 1.0], [-1, 1], shape=(6, 6)).tocsr()  # 0 - 1 - 2 - 3 - 4 - 5


def blobs(n=60, seed=0):
    """Two far-apart clouds of n/2 points each, and which of the two each point belongs to."""
    rng = np.random.default_rng(seed)
    side = np.arange(n) % 2
    return rng.normal(size=(n, 3)) + 50 * side[:, None], side


def test_draw_takes_the_same_number_of_each_class_and_nothing_twice():
    chosen = stratified_draw(LABELS, 50, seed=1)
    assert np.bincount(LABELS[chosen]).tolist() == [5] * 10
    assert len(set(chosen)) == 50


def test_draw_depends_on_the_seed_only():
    one, again, other = (stratified_draw(LABELS, 50, seed) for seed in (1, 1, 2))
    assert (one == again).all()
    assert set(one) != set(other)


def test_a_larger_draw_contains_the_smaller():
    assert set(stratified_draw(LABELS, 20, seed=3)) < set(stratified_draw(LABELS, 100, seed=3))


def test_draw_takes_every_example_equally_often():
    counts = sum(np.bincount(stratified_draw(LABELS, 100, seed), minlength=200) for seed in range(400))
    assert abs(counts - 200).max() < 6 * np.sqrt(400 * 0.25)  # 200 expected of 400 draws, within 6 deviations


def test_all_of_a_balanced_set_can_be_drawn():
    assert sorted(stratified_draw(LABELS, 200, seed=0)) == list(range(200))


@pytest.mark.parametrize(
    ("n", "message"),
    [(15, "n=15.*multiple of the 10 classes"), *((n, f"n={n}: must be an integer") for n in (0, -10, 10.0, True))],
)
def test_draw_refuses_a_number_that_does_not_divide(n, message):
    with pytest.raises(ValueError, match=message):
        stratified_draw(LABELS, n, seed=0)


@pytest.mark.parametrize("seed", [-1, None, 1.5])
def test_draw_refuses_a_bad_seed(seed):
    with pytest.raises(ValueError, match="seed="):
        stratified_draw(LABELS, 10, seed=seed)


def test_draw_names_the_class_that_is_too_small():
    with pytest.raises(ValueError, match="class 7 has only 3"):
        stratified_draw(np.array([2] * 9 + [7] * 3), 8, seed=0)


@pytest.mark.parametrize("labels", [np.eye(10), np.zeros(20), np.array([], int)])
def test_draw_refuses_what_are_no_labels(labels):
    with pytest.raises(ValueError, match="labels: integers of shape"):
        stratified_draw(labels, 10, seed=0)


def test_error_percent():
    assert error_percent([1, 2, 3, 4], [1, 2, 3, 0]) == 25
    assert error_percent([1, 2], [1, 2]) == 0


@pytest.mark.parametrize(("predicted", "labels"), [([1, 2], [1]), ([[1], [2]], [1, 2]), ([], [])])
def test_error_percent_refuses_shapes_that_differ(predicted, labels):
    with pytest.raises(ValueError, match="integers of shape"):
        error_percent(predicted, labels)


def test_graph_joins_the_nearest_both_ways():
    graph = neighbour_graph(np.array([[0.0], [1.0], [10.0]]), k=1).toarray()
    assert graph.tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]  # 2 chose 1, though 1 chose 0


def test_graph_is_symmetric_without_loops_and_holds_every_nearest_neighbour():
    points, _ = blobs()
    graph = neighbour_graph(points, k=4).toarray()
    assert (graph == graph.T).all()
    assert (graph.diagonal() == 0).all()
    distances = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(len(points))
    nearest = np.argsort(distances, axis=1)[:, :4]
    assert np.take_along_axis(graph, nearest, axis=1).all()
    assert graph.sum() <= 2 * 4 * len(points)


def test_graph_of_equal_points_has_no_loops():
    graph = neighbour_graph(np.zeros((5, 2)), k=2)
    assert (graph.diagonal() == 0).all()


@pytest.mark.parametrize("k", [0, 60, 61])
def test_graph_refuses_too_few_or_too_many_neighbours(k):
    with pytest.raises(ValueError, match=f"k={k}: must be an integer from 1 to 59"):
        neighbour_graph(blobs()[0], k)


@pytest.mark.parametrize("features", [np.zeros(5), np.zeros((5, 2, 2)), np.array([[0.0], [np.nan], [1.0]])])
def test_graph_refuses_bad_features(features):
    with pytest.raises(ValueError, match=r"features: finite numbers of shape \(n, d\)"):
        neighbour_graph(features, 1)


def test_spreading_comes_to_its_closed_form():
    graph = neighbour_graph(blobs()[0], k=5)
    scores = spread_labels(graph, [0, 1], [0, 1], classes=2, alpha=0.8, steps=200)
    weaken = np.diag(1 / np.sqrt(graph.toarray().sum(axis=1)))
    start = np.zeros((60, 2))
    start[[0, 1], [0, 1]] = 1
    limit = np.linalg.solve(np.eye(60) - 0.8 * weaken @ graph.toarray() @ weaken, start)
    np.testing.assert_allclose(scores, limit / limit.sum(axis=1, keepdims=True), atol=1e-9)


def test_spreading_is_zhous_iteration_step_by_step():
    graph = neighbour_graph(blobs()[0], k=5).astype("float64")
    known, labels = [0, 1, 7], [3, 0, 3]
    weaken = np.diag(1 / np.sqrt(graph.toarray().sum(axis=1)))
    start = np.zeros((60, 5))
    start[known, labels] = 1
    scores = start
    for steps in range(1, 8):
        scores = 0.9 * weaken @ graph.toarray() @ weaken @ scores + 0.1 * start
        total = scores.sum(axis=1, keepdims=True)
        found = spread_labels(graph, known, labels, classes=5, alpha=0.9, steps=steps)
        np.testing.assert_allclose(found, scores / np.where(total, total, 1), atol=1e-12)


def test_one_label_per_cloud_labels_the_clouds():
    points, side = blobs()
    scores = spread_labels(neighbour_graph(points, k=8), [0, 1], [0, 1], classes=2)
    assert (scores.argmax(axis=1) == side).all()


def test_labels_come_one_edge_further_in_every_step():
    for steps in (1, 2, 4):
        reached = spread_labels(CHAIN, [0], [0], classes=1, steps=steps).ravel() > 0
        assert reached.tolist() == [node <= steps for node in range(6)]


def test_a_node_without_neighbours_stays_without_a_label():
    lonely = sp.csr_matrix((3, 3))
    scores = spread_labels(lonely, [0], [1], classes=2)
    assert (scores[1:] == 0).all()
    assert scores[0].argmax() == 1


@pytest.mark.parametrize("graph", [sp.csr_matrix((3, 4)), sp.csr_matrix(np.triu(np.ones((3, 3)), 1))])
def test_spreading_refuses_graphs_that_are_not_symmetric(graph):
    with pytest.raises(ValueError, match="symmetric graph"):
        spread_labels(graph, [0], [0], classes=2)


def test_spreading_refuses_negative_weights():
    with pytest.raises(ValueError, match="without negative weights"):
        spread_labels(-CHAIN, [0], [0], classes=2)
    with pytest.raises(ValueError, match="without negative weights"):
        spread_labels(CHAIN * np.nan, [0], [0], classes=2)


@pytest.mark.parametrize(
    ("known", "labels", "message"),
    [
        ([0, 1], [0], r"labels: integers of shape \(2,\)"),
        ([], [], "known: integers"),
        ([0.0], [0], "known: integers"),
        ([0], [2], "labels: 0 to 1 expected, got 2"),
        ([0], [-1], "labels: 0 to 1 expected, got -1"),
        ([0, 6], [0, 0], "known: different nodes from 0 to 5 expected, got 0 to 6"),
        ([-1, 3], [0, 0], "known: different nodes from 0 to 5 expected, got -1 to 3"),
        ([3, 3], [0, 1], "known: different nodes"),
    ],
)
def test_spreading_refuses_bad_nodes_and_labels(known, labels, message):
    with pytest.raises(ValueError, match=message):
        spread_labels(CHAIN, known, labels, classes=2)


@pytest.mark.parametrize("settings", [{"alpha": 0}, {"alpha": 1}, {"alpha": None}, {"steps": 0}, {"steps": 1.5}])
def test_spreading_refuses_settings_out_of_range(settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))}="):
        spread_labels(CHAIN, [0], [0], classes=2, **settings)


def test_the_graph_agrees_with_scikit_learn():
    points, _ = blobs(seed=3)
    _, nearest = NearestNeighbors(n_neighbors=4).fit(points).kneighbors()
    graph = neighbour_graph(points, k=3).toarray()
    for node, (first, *_, fourth) in enumerate(nearest):
        assert graph[node, first] == 1
        assert graph[node, fourth] == (node in nearest[fourth][:3])
