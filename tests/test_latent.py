"""utils.latent: paths against geometry, densities against scipy, scikit-learn and their own samples."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from sklearn.mixture import GaussianMixture

from utils import metrics
from utils.latent import Density, interpolate

DENSITIES = {
    "diagonal": lambda: Density("diag"),
    "full": lambda: Density("full"),
    "mixture": lambda: Density("full", 3, seed=0),
}


@pytest.fixture
def ends():
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 4)), 3 * rng.normal(size=(6, 4))


@pytest.fixture
def codes():
    """Correlated codes with two clusters."""
    rng = np.random.default_rng(1)
    mixed = rng.normal(size=(3000, 3)) @ rng.normal(size=(3, 3))
    return mixed + np.array([4.0, -2, 1]) * rng.integers(0, 2, (3000, 1))


def angle(a, b):
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return np.arccos(np.clip(cosine, -1, 1))


# --- paths


@pytest.mark.parametrize("kind", ["linear", "spherical"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_paths_have_their_ends_exactly(ends, kind, dtype):
    start, end = (values.astype(dtype) for values in ends)
    path = interpolate(start, end, 7, kind)
    assert path.shape == (6, 7, 4)
    assert path.dtype == dtype
    np.testing.assert_array_equal(path[:, 0], start)
    np.testing.assert_array_equal(path[:, -1], end)


@pytest.mark.parametrize("kind", ["linear", "spherical"])
def test_the_way_back_is_the_same_way(ends, kind):
    there, back = interpolate(*ends, 9, kind), interpolate(*ends[::-1], 9, kind)
    np.testing.assert_allclose(there, back[:, ::-1], atol=1e-12)


def test_linear_paths_are_the_lectures_formula(ends):
    start, end = ends
    path = interpolate(start, end, 5)
    for k, t in enumerate((0, 0.25, 0.5, 0.75, 1)):
        np.testing.assert_allclose(path[:, k], (1 - t) * start + t * end, rtol=1e-12)


def test_spherical_paths_turn_and_grow_evenly(ends):
    start, end = ends
    path = interpolate(start, end, 9, "spherical")
    steps = angle(path[:, :-1], path[:, 1:])
    np.testing.assert_allclose(steps, np.repeat(angle(start, end)[:, None] / 8, 8, axis=1), rtol=1e-6)
    lengths = np.linalg.norm(path, axis=-1)
    np.testing.assert_allclose(lengths, np.linspace(lengths[:, 0], lengths[:, -1], 9, axis=1), rtol=1e-12)
    # every point lies in the plane of the two ends: nothing is left after a projection on it
    for a, b, points in zip(start, end, path, strict=True):
        plane = np.linalg.qr(np.stack([a, b], axis=1))[0]
        np.testing.assert_allclose(points, points @ plane @ plane.T, atol=1e-10)


def test_codes_of_one_norm_stay_on_their_sphere_where_the_line_cuts_through(ends):
    start, end = (5 * values / np.linalg.norm(values, axis=1, keepdims=True) for values in ends)
    arc, line = (np.linalg.norm(interpolate(start, end, 11, kind), axis=-1) for kind in ("spherical", "linear"))
    np.testing.assert_allclose(arc, 5, rtol=1e-12)
    np.testing.assert_allclose(line[:, 5], 5 * np.cos(angle(start, end) / 2), rtol=1e-10)  # the chord's middle
    whole = angle(start, end)[:, None]
    shoemake = (np.sin(0.75 * whole) * start + np.sin(0.25 * whole) * end) / np.sin(whole)
    np.testing.assert_allclose(interpolate(start, end, 5, "spherical")[:, 1], shoemake, rtol=1e-10)


def test_spherical_paths_between_codes_of_one_direction_are_straight():
    start = np.array([[1.0, 2, 2], [0, 1, 0]])
    end = np.array([[2.0, 4, 4], [1e-9, 1, 0]])
    path = interpolate(start, end, 6, "spherical")
    assert np.isfinite(path).all()
    np.testing.assert_allclose(path, interpolate(start, end, 6), atol=1e-9)


def test_nearly_opposite_codes_still_have_an_arc():
    start, end = np.array([[1.0, 0]]), np.array([[-1.0, 1e-4]])
    path = interpolate(start, end, 5, "spherical")
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 1, rtol=1e-6)
    np.testing.assert_allclose(path[0, 2], [0, 1], atol=1e-3)


ONE = np.ones((2, 3))
BAD_PATHS = [
    ((ONE, np.ones((3, 3)), 5), "must agree"),
    ((ONE[0], ONE[0], 5), r"\(n, d\) expected"),
    ((np.ones((2, 2, 3)), np.ones((2, 2, 3)), 5), r"\(n, d\) expected"),
    ((ONE[:0], ONE[:0], 5), r"\(n, d\) expected"),
    ((ONE * np.nan, ONE, 5), "start: .* NaN"),
    ((ONE, np.full((2, 3), np.inf), 5), "end: .* infinity"),
    ((ONE, ONE, 1), "at least 2"),
    ((ONE, ONE, 2.5), "at least 2"),
    ((ONE, ONE, True), "at least 2"),
    ((ONE, ONE, 5, "cubic"), "linear, spherical"),
    ((ONE, 0 * ONE, 5, "spherical"), r"end\[0\] is zero"),
    ((np.array([[1.0, 0], [0, 0]]), np.ones((2, 2)), 5, "spherical"), r"start\[1\] is zero"),
    ((ONE, np.array([[1.0, 2, 3], [-2, -2, -2]]), 5, "spherical"), "Pair 1: .* opposite"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_PATHS, ids=[message for _, message in BAD_PATHS])
def test_bad_paths_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        interpolate(*arguments)


# --- densities


def test_the_diagonal_gaussian_is_scipys(codes):
    density = Density("diag").fit(codes)
    theirs = stats.norm(codes.mean(0), codes.std(0)).logpdf(codes).sum(axis=1)
    np.testing.assert_allclose(density.log_prob(codes), theirs, rtol=1e-10)


def test_the_full_gaussian_is_scipys(codes):
    density = Density("full").fit(codes)
    theirs = stats.multivariate_normal(codes.mean(0), np.cov(codes.T, bias=True)).logpdf(codes)
    np.testing.assert_allclose(density.log_prob(codes), theirs, rtol=1e-10)


def test_the_mixture_is_the_sum_of_its_gaussians(codes):
    density = Density("full", 3, seed=0).fit(codes)
    parts = [
        weight * stats.multivariate_normal(mean, covariance).pdf(codes)
        for weight, mean, covariance in zip(density.weights, density.means, density.covariances, strict=True)
    ]
    np.testing.assert_allclose(density.log_prob(codes), np.log(sum(parts)), rtol=1e-8)
    assert density.converged


def test_a_mixture_of_one_is_the_full_gaussian(codes):
    one, full = Density("full", 1, seed=0).fit(codes), Density("full").fit(codes)
    np.testing.assert_allclose(
        one.log_prob(codes), full.log_prob(codes), atol=1e-4
    )  # scikit-learn adds 1e-6 to variances


def test_densities_integrate_to_one():
    codes = np.random.default_rng(3).gamma(2, size=(500, 1))
    for make in DENSITIES.values():
        density = make().fit(codes)
        total, _ = quad(lambda x, density=density: np.exp(density.log_prob(np.array([[x]])))[0], -30, 30, limit=200)
        assert total == pytest.approx(1, abs=1e-6)


def test_richer_densities_fit_their_codes_better(codes):
    diagonal, full, mixture = (make().fit(codes).log_prob(codes).mean() for make in DENSITIES.values())
    assert diagonal < full < mixture


@pytest.mark.parametrize("name", DENSITIES)
def test_samples_have_the_moments_of_the_density(codes, name):
    drawn = DENSITIES[name]().fit(codes).sample(200_000, seed=4)
    assert drawn.shape == (200_000, 3)
    assert drawn.dtype == np.float32
    covariance = np.cov(codes.T, bias=True)
    if name == "diagonal":
        covariance = np.diag(np.diag(covariance))
    # EM keeps the mean and the covariance of all codes, whatever the components are
    np.testing.assert_allclose(drawn.mean(0), codes.mean(0), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.08)


@pytest.mark.parametrize("name", DENSITIES)
def test_samples_are_as_likely_as_the_codes_they_imitate(name):
    """Where the density is right, codes and samples have the same mean log-density: minus the entropy."""
    codes = np.random.default_rng(5).normal(size=(20_000, 2))
    density = DENSITIES[name]().fit(codes)
    entropy = np.log(2 * np.pi * np.e)
    assert density.log_prob(codes).mean() == pytest.approx(-entropy, abs=0.05)
    assert density.log_prob(density.sample(20_000, seed=1)).mean() == pytest.approx(-entropy, abs=0.05)


@pytest.mark.parametrize("name", DENSITIES)
def test_the_seed_decides(codes, name):
    density, again = DENSITIES[name]().fit(codes), DENSITIES[name]().fit(codes)
    np.testing.assert_array_equal(density.sample(50, seed=1), again.sample(50, seed=1))
    assert not np.array_equal(density.sample(50, seed=1), density.sample(50, seed=2))
    np.random.seed(0)  # noqa: NPY002 (the global state must not matter)
    np.testing.assert_array_equal(density.sample(50, seed=1), again.sample(50, seed=1))


def test_samples_of_a_mixture_come_in_no_order():
    far = np.concatenate([np.random.default_rng(0).normal(size=(500, 2)) + shift for shift in (-50, 50)])
    first = Density("full", 2, seed=0).fit(far).sample(1000, seed=0)[:500, 0]
    assert 200 < (first > 0).sum() < 300


def test_a_stopped_mixture_says_so(codes, recwarn):
    assert not Density("full", 3, seed=0, max_iterations=1).fit(codes).converged
    assert not recwarn.list


@pytest.mark.parametrize("name", DENSITIES)
def test_use_before_fit_is_refused(name):
    for use in (lambda density: density.sample(3, seed=0), lambda density: density.log_prob(ONE)):
        with pytest.raises(ValueError, match=r"not fitted: call fit"):
            use(DENSITIES[name]())


@pytest.mark.parametrize("name", DENSITIES)
def test_bad_codes_are_refused(codes, name):
    density = DENSITIES[name]()
    for bad, message in (
        (codes[:3], "3 codes of 3 numbers .* more codes than either"),
        (codes[0], r"\(n, d\) expected"),
        (np.where(codes > 5, np.nan, codes), "NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            density.fit(bad)
    density.fit(codes)
    with pytest.raises(ValueError, match="2 numbers given to a density of 3"):
        density.log_prob(codes[:, :2])
    for n in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match="n="):
            density.sample(n, seed=0)
    for seed in (-1, 1.5, None, True):
        with pytest.raises(ValueError, match="seed="):
            density.sample(3, seed=seed)


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1, 1e9])
@pytest.mark.parametrize("name", DENSITIES)
def test_the_scale_of_the_codes_does_not_matter(codes, name, scale):
    density = DENSITIES[name]().fit(scale * codes)
    expected = DENSITIES[name]().fit(codes).log_prob(codes) - 3 * np.log(scale)
    np.testing.assert_allclose(density.log_prob(scale * codes), expected, rtol=1e-6)
    np.testing.assert_allclose(density.sample(20_000, seed=0).std(axis=0), scale * codes.std(axis=0), rtol=0.03)


@pytest.mark.parametrize("name", DENSITIES)
def test_codes_far_from_zero_keep_their_spread(codes, name):
    density = DENSITIES[name]().fit(codes + 1e5)
    expected = DENSITIES[name]().fit(codes).log_prob(codes)
    np.testing.assert_allclose(density.log_prob(codes + 1e5), expected, rtol=1e-6)


def test_a_mixture_of_diagonal_gaussians_is_scikit_learns(codes):
    density = Density("diag", components=4, seed=1).fit(codes)
    theirs = GaussianMixture(4, covariance_type="diag", random_state=1).fit(codes)
    np.testing.assert_allclose(density.log_prob(codes), theirs.score_samples(codes), rtol=1e-4)
    assert density.covariances.shape == density.means.shape == (4, 3)


@pytest.mark.parametrize("name", DENSITIES)
def test_codes_that_do_not_fill_their_space_are_refused(codes, name):
    for constant in (0, 7):
        with pytest.raises(ValueError, match="Unit 1 has the same value in all codes: drop it"):
            DENSITIES[name]().fit((codes * [1, 0, 1] + [0, constant, 0]).astype("float32"))
    flat = np.concatenate([codes, codes[:, :1] - 2 * codes[:, 1:2]], axis=1).astype("float32")
    if name == "diagonal":
        Density("diag").fit(flat)  # which knows nothing of planes
    else:
        with pytest.raises(ValueError, match="fewer dimensions: drop units"):
            DENSITIES[name]().fit(flat)


def test_units_of_very_different_scale_are_no_plane(codes):
    scales = np.array([1, 1e-8, 1e6])
    density = Density("full").fit(codes * scales)
    expected = Density("full").fit(codes).log_prob(codes) - np.log(scales).sum()
    np.testing.assert_allclose(density.log_prob(codes * scales), expected, rtol=1e-6)


def test_an_unknown_density_is_refused():
    with pytest.raises(ValueError, match="kind='spherical': must be one of diag, full"):
        Density("spherical")


@pytest.mark.parametrize("arguments", [(0, 1), (2.5, 1), (3, -1), (3, None), (3, 1, 0), (True, 1)])
def test_bad_mixtures_are_refused(arguments):
    with pytest.raises(ValueError, match=r"must be an integer (of at least|from 0)"):
        Density("full", *arguments)


def test_more_components_than_codes_are_refused():
    with pytest.raises(ValueError, match="4 codes of 2 numbers for 5 components"):
        Density("full", 5, seed=0).fit(np.random.default_rng(0).normal(size=(4, 2)))


# --- the distance between two sets of features


def test_frechet_distance_of_equal_sets_is_zero(codes):
    assert metrics.frechet_distance(codes, codes) == pytest.approx(0, abs=1e-10)
    assert metrics.frechet_distance(codes, np.random.default_rng(0).permutation(codes)) == pytest.approx(0, abs=1e-10)


def exactly(mean, covariance, seed, n=50):
    """Return n points with exactly this mean and this covariance (of n − 1)."""
    points = np.random.default_rng(seed).normal(size=(n, len(mean)))
    points = np.linalg.qr(points - points.mean(0))[0] * np.sqrt(n - 1)
    return points @ np.linalg.cholesky(covariance).T + mean


def test_frechet_distance_of_commuting_covariances_is_the_closed_form():
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    a, b = np.array([1.0, 4, 9]), np.array([4.0, 1, 0.25])
    m, n = np.array([0.0, 1, 2]), np.array([1.0, 1, 0])
    first, second = (exactly(mean, turn * scales @ turn.T, k) for k, (mean, scales) in enumerate(((m, a), (n, b))))
    expected = ((m - n) ** 2).sum() + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    assert metrics.frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_is_heusels_formula(codes):
    from scipy.linalg import sqrtm

    other = codes[:500] @ np.random.default_rng(2).normal(size=(3, 3)) + 1
    a, b = np.cov(codes.T), np.cov(other.T)
    expected = ((codes.mean(0) - other.mean(0)) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert metrics.frechet_distance(codes, other) == pytest.approx(expected, rel=1e-9)
    assert metrics.frechet_distance(other, codes) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_knows_nothing_of_rotations_and_shifts(codes):
    other = codes * [1, 2, 3]
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    expected = metrics.frechet_distance(codes, other)
    assert metrics.frechet_distance(codes @ turn + 5, other @ turn + 5) == pytest.approx(expected, rel=1e-9)
    assert metrics.frechet_distance(2 * codes, 2 * other) == pytest.approx(4 * expected, rel=1e-9)


def test_frechet_distance_takes_features_that_are_never_active(codes):
    dead = np.concatenate([codes, np.zeros((len(codes), 2))], axis=1)
    expected = metrics.frechet_distance(codes, codes + 1)
    assert metrics.frechet_distance(dead, dead + [1, 1, 1, 0, 0]) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_sees_what_a_mean_does_not(codes):
    assert metrics.frechet_distance(codes, 2 * codes - codes.mean(0)) > 1


def test_frechet_distance_of_few_samples_is_larger():
    draw = np.random.default_rng(0).normal
    few, many = (metrics.frechet_distance(draw(size=(n, 20)), draw(size=(n, 20))) for n in (50, 5000))
    assert few > 10 * many


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.ones((3, 3)), np.ones((9, 3)), "more samples than features"),
        (np.ones((9, 3)), np.ones((2, 3)), "more samples than features"),
        (np.ones((9, 3)), np.ones((9, 2)), "3 features against 2"),
        (np.ones(9), np.ones(9), r"\(n, d\) expected"),
        (np.ones((9, 0)), np.ones((9, 0)), r"\(n, d\) expected"),
        (np.full((9, 3), np.nan), np.ones((9, 3)), "NaN"),
    ],
)
def test_bad_features_are_refused(a, b, message):
    with pytest.raises(ValueError, match=message):
        metrics.frechet_distance(a, b)
