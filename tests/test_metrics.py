"""utils.metrics against formulas written a second time, with NumPy, scipy and scikit-learn, and against Keras'."""

import keras
import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import accuracy_score, jaccard_score, log_loss, mean_squared_error, recall_score
from sklearn.metrics import confusion_matrix as sklearn_confusion

from utils import metrics

MEASURES = (metrics.mse, metrics.squared_error, metrics.bce, metrics.psnr, metrics.ssim)
OF_PIXELS = (metrics.bce, metrics.psnr, metrics.ssim)


@pytest.fixture
def pair():
    """Images and reconstructions, each image worse than the one before."""
    rng = np.random.default_rng(0)
    x = rng.random((5, 16, 14, 1), "float32")
    noise = rng.normal(size=x.shape) * np.linspace(0.02, 0.3, 5).reshape(-1, 1, 1, 1)
    return x, np.clip(x + noise, 0, 1).astype("float32")


def flat(values):
    return values.reshape(len(values), -1).astype("float64")


def ssim_of_one(a, b, size=11, sigma=1.5, k1=0.01, k2=0.03):
    """Wang et al. (2004), equations 13 to 17, of one channel, at the positions where the window fits."""
    offsets = np.arange(size) - (size - 1) / 2
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    window = np.outer(weights, weights) / weights.sum() ** 2

    def smooth(image):
        return (np.lib.stride_tricks.sliding_window_view(image, (size, size)) * window).sum(axis=(-2, -1))

    mean_a, mean_b = smooth(a), smooth(b)
    var_a, var_b = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2
    both = smooth(a * b) - mean_a * mean_b
    c1, c2 = k1**2, k2**2
    return np.mean((2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))


def test_mse_is_scikit_learns(pair):
    assert metrics.mse(*pair) == pytest.approx(mean_squared_error(*map(flat, pair)), rel=1e-6)


def test_squared_error_is_summed_per_image(pair):
    x, copy = pair
    found = metrics.squared_error(x, copy)
    assert found.shape == (5,)
    np.testing.assert_allclose(found, np.linalg.norm(flat(x) - flat(copy), axis=1) ** 2, rtol=1e-6)
    assert found.mean() == pytest.approx(metrics.mse(x, copy) * 16 * 14, rel=1e-12)


def test_mse_of_known_images():
    x = np.zeros((2, 2, 2, 1))
    copy = x.copy()
    copy[0, 0, 0] = 2  # squared 4, among 8 pixels
    assert metrics.mse(x, copy) == 0.5
    np.testing.assert_array_equal(metrics.squared_error(x, copy), [4, 0])


def test_bytes_do_not_wrap_around():
    assert metrics.mse(np.array([[0]], np.uint8), np.array([[255]], np.uint8)) == 255**2


def test_a_million_pixels_are_summed_exactly():
    assert metrics.mse(np.zeros((1000, 1000)), np.full((1000, 1000), 0.1)) == pytest.approx(0.01, rel=1e-6)


def test_bce_is_the_sum_of_logarithms(pair):
    x, copy = pair
    p = copy.astype("float64").clip(1e-7, 1 - 1e-7)
    assert metrics.bce(x, copy) == pytest.approx(-(x * np.log(p) + (1 - x) * np.log(1 - p)).mean(), rel=1e-9)


def test_bce_of_binary_images_is_scikit_learns_log_loss(pair):
    x = (pair[0] > 0.5).astype("float32")
    copy = pair[1].clip(1e-3, 1 - 1e-3)
    assert metrics.bce(x, copy) == pytest.approx(log_loss(x.ravel(), copy.ravel().astype("float64")), rel=1e-6)


def test_bce_of_a_wrong_certainty_is_finite():
    assert metrics.bce(np.ones((1, 4)), np.zeros((1, 4))) == pytest.approx(-np.log(1e-7))


def test_bce_floor_is_reached_by_the_perfect_copy_only(pair):
    x, copy = pair
    floor = metrics.bce_floor(x)
    assert metrics.bce(x, x) == pytest.approx(floor, rel=1e-6)
    assert metrics.bce(x, copy) > floor
    rng = np.random.default_rng(1)
    for _ in range(20):
        near = np.clip(x + rng.normal(0, 0.01, x.shape), 0, 1)
        assert metrics.bce(x, near) > floor


def test_bce_floor_of_known_images():
    assert metrics.bce_floor(np.full((2, 3), 0.5)) == pytest.approx(np.log(2))
    assert metrics.bce_floor(np.array([[0.0, 1.0, 0.5, 1.0]])) == pytest.approx(np.log(2) / 4)


def test_bce_floor_of_binary_images_is_zero(pair):
    assert metrics.bce_floor(pair[0] > 0.5) == 0
    assert metrics.bce_floor(np.array([[0, 1]])) == 0


def test_psnr_is_averaged_over_images(pair):
    errors = ((flat(pair[0]) - flat(pair[1])) ** 2).mean(axis=1)
    assert metrics.psnr(*pair) == pytest.approx(np.mean(-10 * np.log10(errors)), rel=1e-5)
    assert metrics.psnr(*pair) != pytest.approx(-10 * np.log10(errors.mean()), abs=1)


def test_pooled_psnr_is_that_of_the_mean_error_and_never_larger(pair):
    assert metrics.psnr(*pair, pooled=True) == pytest.approx(-10 * np.log10(metrics.mse(*pair)), rel=1e-12)
    assert metrics.psnr(*pair, pooled=True) < metrics.psnr(*pair)
    one = [values[2:3] for values in pair]  # with a single image the two are the same
    assert metrics.psnr(*one, pooled=True) == pytest.approx(metrics.psnr(*one), rel=1e-5)


def test_psnr_of_a_perfect_copy_is_infinite(pair):
    assert metrics.psnr(pair[0], pair[0]) == metrics.psnr(pair[0], pair[0], pooled=True) == np.inf


def test_pooled_psnr_refuses_what_is_no_pixel(pair):
    with pytest.raises(ValueError, match="clip them"):
        metrics.psnr(pair[0], pair[1] + 1, pooled=True)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_the_papers(channels):
    rng = np.random.default_rng(2)
    x = rng.random((3, 15, 13, channels), "float32")
    copy = np.clip(0.8 * x + rng.normal(0.1, 0.1, x.shape), 0, 1).astype("float32")
    wanted = [
        ssim_of_one(a.astype("float64"), b.astype("float64"))
        for one, other in zip(x, copy, strict=True)
        for a, b in zip(np.moveaxis(one, -1, 0), np.moveaxis(other, -1, 0), strict=True)
    ]
    assert metrics.ssim(x, copy) == pytest.approx(np.mean(wanted), abs=1e-4)


def test_ssim_of_a_perfect_copy_is_one(pair):
    x, copy = pair
    assert metrics.ssim(x, x) == pytest.approx(1, abs=1e-6)
    assert metrics.ssim(x, 1 - x) < 0 < metrics.ssim(x, copy) < 1


def test_measures_are_python_floats(pair):
    assert {type(measure(*pair)) for measure in MEASURES if measure is not metrics.squared_error} == {float}
    assert type(metrics.bce_floor(pair[0])) is float


@pytest.mark.parametrize("measure", MEASURES)
def test_different_shapes_are_refused(pair, measure):
    with pytest.raises(ValueError, match=r"x has shape \(5, 16, 14, 1\), its reconstruction \(5, 16, 14\)"):
        measure(pair[0], pair[1][..., 0])
    with pytest.raises(ValueError, match=r"its reconstruction \(1, 16, 14, 1\)"):
        measure(pair[0], pair[1][:1])


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(pair, measure, bad):
    x, copy = pair
    copy[1, 2, 3] = bad
    with pytest.raises(ValueError, match="The reconstruction is empty or holds NaN or infinity"):
        measure(x, copy)
    with pytest.raises(ValueError, match="x is empty or holds NaN or infinity"):
        measure(copy, x)


@pytest.mark.parametrize("measure", MEASURES)
def test_no_image_is_refused(pair, measure):
    with pytest.raises(ValueError, match="x is empty"):
        measure(pair[0][:0], pair[1][:0])


@pytest.mark.parametrize("measure", OF_PIXELS)
@pytest.mark.parametrize("bad", [-0.25, 1.5])
def test_values_out_of_range_are_refused(pair, measure, bad):
    x, copy = pair
    copy[1, 2, 3] = bad
    for arrays in ((x, copy), (copy, x)):
        with pytest.raises(ValueError, match=rf"Values in \[.*{bad}.*\] given, \[0, 1\] expected"):
            measure(*arrays)


@pytest.mark.parametrize("bad", [-0.25, 1.5, np.nan])
def test_bce_floor_refuses_what_is_no_pixel(bad):
    with pytest.raises(ValueError, match=r"given, \[0, 1\] expected"):
        metrics.bce_floor(np.array([[0.5, bad]]))


def test_errors_may_lie_outside_of_the_pixels_range():
    assert metrics.mse(np.array([[-1.0, 2.0]]), np.array([[1.0, 2.0]])) == 2


@pytest.mark.parametrize(("measure", "shape"), [(metrics.psnr, (4, 12, 12)), (metrics.ssim, (4, 10, 12, 1))])
def test_measures_of_images_refuse_other_shapes(measure, shape):
    with pytest.raises(ValueError, match="at least"):
        measure(np.zeros(shape), np.zeros(shape))


# Labels of pixels.


@pytest.fixture(scope="module")
def scenes():
    """Labels and predictions (12, 16, 20) of 5 classes in blobs; 5 marks what has no label; class 4 is rare."""
    rng = np.random.default_rng(6)
    smooth = ndimage.gaussian_filter(rng.normal(size=(2, 5, 12, 16, 20)), (0, 0, 0, 2, 2))
    smooth[:, 4] -= 0.1
    labels = smooth[0].argmax(axis=0)
    predicted = (smooth[0] + 0.4 * smooth[1]).argmax(axis=0)
    labels[:, :3, :4] = 5
    return labels, predicted


def edge_of(inside, unlabelled):
    """Pixels of a mask (h, w) next to a labelled pixel outside it, one after the other."""
    h, w = inside.shape
    edge = np.zeros((h, w), bool)
    for i, j in np.argwhere(inside):
        for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            edge[i, j] |= 0 <= a < h and 0 <= b < w and not inside[a, b] and not unlabelled[a, b]
    return edge


def f1_of_one(labels, predicted, c, reach, unlabelled=None):
    """F1 of one class in one image by scipy's distance transform."""
    without = labels == unlabelled
    if not (labels == c).any():
        return np.nan
    true, given = (edge_of((values == c) & ~without, without) for values in (labels, predicted))
    if not (true.any() and given.any()):
        return 0.0
    precision = np.mean(ndimage.distance_transform_edt(~true)[given] <= reach)
    recall = np.mean(ndimage.distance_transform_edt(~given)[true] <= reach)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def test_confusion_is_scikit_learns(scenes):
    labels, predicted = scenes
    scored = labels < 5
    found = metrics.confusion_matrix(labels, predicted, 5, unlabelled=5)
    np.testing.assert_array_equal(found, sklearn_confusion(labels[scored], predicted[scored], labels=range(5)))
    assert found.sum() == scored.sum()


def test_iou_is_scikit_learns_and_kerass(scenes):
    labels, predicted = scenes
    scored = labels < 5
    found = metrics.iou(metrics.confusion_matrix(labels, predicted, 5, unlabelled=5))
    np.testing.assert_allclose(found, jaccard_score(labels[scored], predicted[scored], average=None, labels=range(5)))
    measure = keras.metrics.MeanIoU(5, ignore_class=5)
    measure.update_state(labels, predicted)
    assert np.mean(found) == pytest.approx(float(measure.result()), abs=1e-6)


def test_accuracies_are_scikit_learns_and_kerass(scenes):
    labels, predicted = scenes
    y, p = labels[labels < 5], predicted[labels < 5]
    confusion = metrics.confusion_matrix(labels, predicted, 5, unlabelled=5)
    np.testing.assert_allclose(metrics.class_accuracy(confusion), recall_score(y, p, average=None, labels=range(5)))
    assert metrics.global_accuracy(confusion) == pytest.approx(accuracy_score(y, p))
    measure = keras.metrics.Accuracy()
    measure.update_state(y, p)
    assert metrics.global_accuracy(confusion) == pytest.approx(float(measure.result()), abs=1e-6)


def test_measures_of_a_worked_example():
    labels = np.array([[[0, 0, 1, 1], [0, 0, 1, 2]]])  # the last pixel has no label
    predicted = np.array([[[0, 1, 1, 1], [0, 0, 0, 0]]])
    confusion = metrics.confusion_matrix(labels, predicted, 2, unlabelled=2)
    np.testing.assert_array_equal(confusion, [[3, 1], [1, 2]])
    np.testing.assert_allclose(metrics.iou(confusion), [3 / 5, 2 / 4])
    np.testing.assert_allclose(metrics.class_accuracy(confusion), [3 / 4, 2 / 3])
    assert metrics.global_accuracy(confusion) == pytest.approx(5 / 7)


def test_a_class_that_does_not_occur_is_no_number():
    confusion = np.array([[2, 1, 0], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(metrics.iou(confusion), [2 / 3, 0, np.nan])
    np.testing.assert_array_equal(metrics.class_accuracy(confusion), [2 / 3, np.nan, np.nan])


@pytest.mark.parametrize("tolerance", [0, 0.0075, 0.04, 0.06, 0.1])
def test_boundary_f1_is_the_distance_transforms(scenes, tolerance):
    labels, predicted = scenes
    reach = tolerance * np.sqrt(16**2 + 20**2)
    right = [[f1_of_one(y, p, c, reach, 5) for c in range(5)] for y, p in zip(labels, predicted, strict=True)]
    found = metrics.boundary_f1(labels, predicted, 5, tolerance=tolerance, unlabelled=5)
    np.testing.assert_allclose(found, right, rtol=1e-12)
    assert np.isnan(found).any()
    assert (found > 0).any()


def test_boundary_f1_of_worked_examples():
    labels = np.zeros((1, 10, 10), int)
    labels[0, :, 5:] = 1  # two halves: one column of boundary on either side
    moved = np.roll(labels, 1, axis=2)
    moved[0, :, 0] = 0
    np.testing.assert_array_equal(metrics.boundary_f1(labels, labels, 2), [[1, 1]])
    np.testing.assert_array_equal(metrics.boundary_f1(labels, moved, 2), [[0, 0]])  # .75 % of 14.1 is below 1
    np.testing.assert_array_equal(metrics.boundary_f1(labels, moved, 2, tolerance=0.071), [[1, 1]])
    np.testing.assert_array_equal(metrics.boundary_f1(labels, 0 * labels, 2), [[0, 0]])
    np.testing.assert_array_equal(metrics.boundary_f1(0 * labels, 0 * labels, 2), [[1, np.nan]])
    spot = labels.copy()
    spot[0, 2, 2] = 1  # beside 10 right pixels of class 1 a wrong one: P = 10/11, R = 1; class 0 has 4 more: P = 10/14
    np.testing.assert_allclose(metrics.boundary_f1(labels, spot, 2), [[2 * 10 / (14 + 10), 2 * 10 / (11 + 10)]])


def test_what_is_predicted_where_there_is_no_label_does_not_count(scenes):
    labels, predicted = scenes
    other = np.where(labels == 5, 0, predicted)
    for measure in (metrics.confusion_matrix, metrics.boundary_f1):
        found = [measure(labels, p, 5, unlabelled=5) for p in (predicted, other)]
        np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("measure", [metrics.confusion_matrix, metrics.boundary_f1])
def test_labels_that_are_refused(measure):
    labels = np.zeros((1, 4, 4), int)
    for y, p, classes, word in (
        (labels, labels[:, :3], 2, "one shape"),
        (labels[:0], labels[:0], 2, "not empty"),
        (labels, labels.astype(float), 2, "argmax"),
        (labels + 2, labels, 2, "Labels from 2 to 2"),
        (labels, labels - 1, 2, "Predictions from -1"),
        (labels, labels, 0, "classes"),
    ):
        with pytest.raises(ValueError, match=word):
            measure(y, p, classes)


def test_boundary_f1_refuses_other_shapes_and_tolerances():
    labels = np.zeros((4, 4), int)
    with pytest.raises(ValueError, match=r"\(n, h, w\)"):
        metrics.boundary_f1(labels, labels, 2)
    with pytest.raises(ValueError, match="tolerance"):
        metrics.boundary_f1(labels[None], labels[None], 2, tolerance=1.5)


@pytest.mark.parametrize("measure", [metrics.iou, metrics.class_accuracy, metrics.global_accuracy])
def test_what_is_no_confusion_matrix(measure):
    for confusion, word in ((np.zeros((2, 3)), "square"), (np.zeros(4), "square"), ([[1, -1], [0, 1]], "negative")):
        with pytest.raises(ValueError, match=word):
            measure(confusion)


def test_equal_sets_have_precision_and_recall_1():
    points = np.random.default_rng(0).normal(size=(50, 3))
    assert metrics.precision_recall(points, points.copy()) == (1, 1)


def test_a_collapsed_set_is_precise_and_recalls_little():
    rng = np.random.default_rng(0)
    real = np.concatenate([rng.normal(size=(100, 2)) + [20 * k, 0] for k in range(5)])
    one = rng.normal(size=(500, 2)) * 0.5  # the first of five heaps, and its middle only
    precision, recall = metrics.precision_recall(real, one)
    assert precision > 0.95
    assert recall < 0.2


def test_scattered_samples_have_recall_and_no_precision():
    rng = np.random.default_rng(0)
    real, wide = rng.normal(size=(300, 2)), rng.uniform(-30, 30, size=(300, 2))
    precision, recall = metrics.precision_recall(real, wide)
    assert precision < 0.1
    assert recall > 0.9


def test_sets_far_apart_have_neither():
    points = np.random.default_rng(0).normal(size=(40, 3))
    assert metrics.precision_recall(points, points + 100) == (0, 0)


def test_precision_and_recall_by_hand():
    """On a line, with k = 1: real balls reach from -1 to 2 and from 9 to 12, generated ones by .5 and 6."""
    real, generated = np.array([[0.0], [1], [10], [11]]), np.array([[1.5], [2.0], [8.0]])
    assert metrics.precision_recall(real, generated, k=1) == pytest.approx((2 / 3, 3 / 4))


def test_precision_and_recall_change_places_with_the_sets():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(80, 4)), rng.normal(size=(70, 4)) * 1.3
    assert metrics.precision_recall(a, b) == metrics.precision_recall(b, a)[::-1]


@pytest.mark.parametrize(
    ("real", "generated", "k", "message"),
    [
        (np.zeros((5, 2)), np.zeros((5, 3)), 3, "same network"),
        (np.zeros((5, 2)), np.zeros((3, 2)), 3, "k=3"),
        (np.zeros((5, 2)), np.zeros((5, 2)), 0, "k=0"),
        (np.full((5, 2), np.nan), np.zeros((5, 2)), 3, "finite"),
    ],
)
def test_precision_and_recall_refuse(real, generated, k, message):
    with pytest.raises(ValueError, match=message):
        metrics.precision_recall(real, generated, k)
