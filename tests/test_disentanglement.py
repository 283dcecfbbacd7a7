"""utils.disentanglement on codes made by hand: perfect, turned, copied, constant, with a factor deleted."""

import numpy as np
import pytest
from scipy.stats import entropy as scipy_entropy
from sklearn.metrics import mutual_info_score

from utils.disentanglement import beta_vae_metric, entropy, gaps, mig, mutual_information, sap

COUNTS = (3, 4, 5, 8, 8)


@pytest.fixture(scope="module")
def factors():
    """All combinations of five factors."""
    return np.stack(np.unravel_index(np.arange(np.prod(COUNTS)), COUNTS), axis=1)


@pytest.fixture(scope="module")
def perfect(factors):
    """One unit for every factor, on scales of their own, and one that is always 0."""
    return np.c_[factors * [1.0, -2.0, 0.1, 5.0, 1.0] + 3, np.zeros(len(factors))]


def test_the_entropy_of_equally_frequent_values_is_the_logarithm_of_their_number(factors):
    np.testing.assert_allclose(entropy(factors), np.log(COUNTS))
    some = np.array([[0], [0], [0], [7]])
    assert entropy(some)[0] == pytest.approx(scipy_entropy([0.75, 0.25]))


def test_a_perfect_code_tells_each_factor_wholly_and_by_one_unit(factors, perfect):
    information = mutual_information(perfect, factors)
    assert information.shape == (6, 5)
    np.testing.assert_allclose(information[:5], np.diag(np.log(COUNTS)), atol=1e-12)
    np.testing.assert_allclose(information[5], 0, atol=1e-12)
    assert mig(perfect, factors) == pytest.approx(1)
    assert beta_vae_metric(perfect, factors, 0) == 1


def test_information_is_scikit_learns_of_a_histogram(factors):
    rng = np.random.default_rng(0)
    codes = factors[:, :2] + rng.normal(size=(len(factors), 2))
    bins = [np.digitize(unit, np.linspace(unit.min(), unit.max(), 21)[1:-1]) for unit in codes.T]
    expected = [[mutual_info_score(values, places) for values in factors.T] for places in bins]
    np.testing.assert_allclose(mutual_information(codes, factors), expected, atol=1e-9)


def test_scale_sign_order_and_place_of_the_units_do_not_matter(factors):
    rng = np.random.default_rng(1)
    codes = factors @ rng.normal(size=(5, 5)) + rng.normal(size=(len(factors), 5))
    other = (codes * [1, -3, 0.1, 20, 1] + 7)[:, [3, 1, 0, 4, 2]]
    assert mig(other, factors) == pytest.approx(mig(codes, factors), abs=0.01)
    assert sap(other, factors, (0,)) == pytest.approx(sap(codes, factors, (0,)), abs=1e-9)
    assert beta_vae_metric(other, factors, 0) == pytest.approx(beta_vae_metric(codes, factors, 0), abs=0.02)


def test_the_gap_is_between_the_best_and_the_second():
    information = np.array([[0.9, 0.1, 0.5], [0.2, 0.1, 0.5], [0.1, 0.6, 0.0]])
    np.testing.assert_allclose(gaps(information, np.array([1.0, 2.0, 1.0])), [0.7, 0.25, 0])


def test_a_turn_by_45_degrees_spoils_the_gap_of_both_factors_and_leaves_the_others(factors, perfect):
    codes = perfect.copy()
    codes[:, 3:5] = factors[:, 3:] @ [[1, 1], [1, -1]] / np.sqrt(2)
    found = gaps(mutual_information(codes, factors), entropy(factors))
    np.testing.assert_allclose(found[:3], 1)
    assert (found[3:] < 0.05).all()
    assert mig(codes, factors) < 0.65
    assert sap(codes, factors, (0,)) < sap(perfect, factors, (0,)) - 0.3


def test_copies_of_units_leave_no_gap(factors, perfect):
    twice = np.tile(perfect, 2)
    assert mig(twice, factors) == pytest.approx(0, abs=1e-12)
    assert sap(twice, factors, (0,)) == pytest.approx(0, abs=1e-12)
    assert beta_vae_metric(twice, factors, 0) == 1


def test_constant_units_score_nothing(factors):
    codes = np.ones((len(factors), 4))
    assert mig(codes, factors) == 0
    assert sap(codes, factors, (0,)) == 0
    assert abs(beta_vae_metric(codes, factors, 0) - 0.2) < 0.01


def test_noise_scores_next_to_nothing(factors):
    codes = np.random.default_rng(2).normal(size=(len(factors), 6))
    assert mig(codes, factors) < 0.01
    assert sap(codes, factors, (0,)) < 0.05
    assert beta_vae_metric(codes, factors, 0) < 0.3


def test_a_deleted_factor_costs_the_gaps_a_fifth_and_the_beta_vae_metric_nothing(factors, perfect):
    for k in range(5):
        codes = perfect.copy()
        codes[:, k] = 0
        assert mig(codes, factors) == pytest.approx(0.8)
        assert beta_vae_metric(codes, factors, 0) > 0.99
    codes[:, 0] = 0  # a second one: which of the two was fixed cannot be told
    assert beta_vae_metric(codes, factors, 0) < 0.9


def test_sap_of_a_perfect_code(factors, perfect):
    """Ordered factors: 1 - 0. The categorical one: all right, against chance, a third."""
    assert sap(perfect, factors, (0,)) == pytest.approx((4 + 2 / 3) / 5)
    assert sap(perfect, factors) == pytest.approx(1)


def test_sap_treats_a_categorical_factor_by_thresholds(factors, perfect):
    codes = perfect.copy()
    codes[:, 0] = np.array([2.0, 0.0, 1.0])[factors[:, 0]]  # another order: no straight line, two thresholds
    assert sap(codes, factors, (0,)) == pytest.approx(sap(perfect, factors, (0,)))
    assert sap(codes, factors) < sap(perfect, factors) - 0.1


def test_the_seed_decides_the_draws_of_the_beta_vae_metric(factors):
    codes = factors @ np.random.default_rng(3).normal(size=(5, 5))
    found = [beta_vae_metric(codes, factors, seed, points=200) for seed in (0, 0, 1, 2, 3)]
    assert found[0] == found[1]
    assert len(set(found)) > 1


GOOD = np.arange(12.0).reshape(6, 2), np.arange(6)[:, None] % 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda z, v: mig(z[:5], v), "as many expected"),
        (lambda z, v: mig(z[:, 0], v), r"codes: finite numbers of shape \(n, d\)"),
        (lambda z, v: mig(z * np.nan, v), "codes: finite"),
        (lambda z, v: mig(z, v[:, 0]), r"factors: integers of at least 0 \(n, f\)"),
        (lambda z, v: mig(z, v * 1.0), "factors: integers"),
        (lambda z, v: mig(z, v - 1), "factors: integers"),
        (lambda z, v: mig(z, v, bins=1), "bins=1"),
        (lambda z, v: mig(z[:, :1], v), "at least 2"),
        (lambda z, v: mig(z, 0 * v), "never changes"),
        (lambda z, v: gaps(np.ones((3, 2)), np.ones(3)), r"\(d, f\)"),
        (lambda z, v: sap(z[:, :1], v), "at least two units"),
        (lambda z, v: sap(z, v, (1,)), "categorical=1"),
        (lambda z, v: beta_vae_metric(z, v, -1), "seed=-1"),
        (lambda z, v: beta_vae_metric(z, v, 0, points=0), "points must be"),
        (lambda z, v: beta_vae_metric(z, v, 0, pairs=2.5), "pairs must be"),
    ],
)
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(*GOOD)
