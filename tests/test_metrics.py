"""utils.metrics against formulas written a second time, with NumPy and scikit-learn only."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_squared_error

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
