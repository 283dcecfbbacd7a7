"""The checks of lesson 10's exercises: right solutions pass, every usual wrong one gets its hint."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score, roc_curve

from checks import CheckFailed
from checks import lesson_10 as checks


def unsolved(*args):
    raise NotImplementedError("hint: think")


def by_pairs(scores, anomalous, ties=0.5):
    high, low = scores[anomalous][:, None], scores[~anomalous]
    return np.mean((high > low) + ties * (high == low))


def by_ranks(scores, anomalous):
    """Another way: ranks, a tensor."""
    ranks, m = rankdata(scores), anomalous.sum()
    area = (ranks[anomalous].sum() - m * (m + 1) / 2) / (m * (len(scores) - m))
    return tf.constant(area)


def by_trapezia(scores, anomalous):
    """Another way: the area under the curve itself."""
    x, y, _ = roc_curve(anomalous, scores)
    return np.array(np.trapezoid(y, x))


def in_place(scores, anomalous):
    area = by_pairs(scores, anomalous)
    scores.sort()
    return area


@pytest.mark.parametrize("function", [by_pairs, by_ranks, by_trapezia, lambda s, a: roc_auc_score(a, s)])
def test_area_accepts_right_solutions(function, capsys):
    checks.area(function)
    assert capsys.readouterr().out.startswith("✔ auroc")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda s, a: by_pairs(-s, a), "other way round"),
        (lambda s, a: by_pairs(s, ~a), "other way round"),
        (lambda s, a: by_pairs(s, a, ties=0), "Ties count nothing"),
        (lambda s, a: by_pairs(s, a, ties=1), "Ties count in full"),
        (lambda s, a: by_pairs(s, a) * a.sum() * (~a).sum(), "number of pairs"),
        (lambda s, a: np.mean((s > np.median(s)) == a), "accuracy|In how many"),
        (lambda s, a: s[a].mean() - s[~a].mean(), "difference of means"),
        (lambda s, a: by_pairs(s, a) * a.sum() * (~a).sum() / len(s) ** 2, "not compared with other"),
        (lambda s, a: s[a][:, None] > s[~a], "One number"),
        (lambda s, a: 0.99, "right order"),
        (in_place, "Whoever calls it"),
        (lambda s, a: None, "return"),
        (lambda s, a: "text", "One number"),
        (lambda s: 1.0, "TypeError"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_area_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.area(function)


def place(scores, alpha, extra=1):
    return int(np.ceil((1 - alpha) * (len(scores) + extra)))


def by_sorting(scores, alpha):
    k = place(scores, alpha)
    return np.sort(scores)[k - 1] if k <= len(scores) else np.inf


def by_partition(scores, alpha):
    """Another way: infinity is put among the scores."""
    k = place(scores, alpha)
    return tf.constant(np.partition(np.r_[scores, np.inf], k - 1)[k - 1])


def from_above(scores, alpha):
    """Another way: count from the largest."""
    allowed = int(alpha * (len(scores) + 1) + 1e-9)
    return float(sorted(scores)[-allowed]) if allowed else float("inf")


@pytest.mark.parametrize("function", [by_sorting, by_partition, from_above])
def test_promise_accepts_right_solutions(function, capsys):
    checks.promise(function)
    assert capsys.readouterr().out.startswith("✔ threshold")


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda s, alpha: np.quantile(s, 1 - alpha), "interpolates"),
        (lambda s, alpha: np.sort(s)[place(s, alpha)], "counts from 0"),
        (lambda s, alpha: np.sort(s)[::-1][place(s, alpha) - 1], "k-th largest"),
        (lambda s, alpha: s[place(s, alpha) - 1], "sorted first"),
        (lambda s, alpha: place(s, alpha), "the place"),
        (lambda s, alpha: np.sort(s)[int(np.ceil(alpha * (len(s) + 1))) - 1], "lower end|k-th largest"),
        (lambda s, alpha: np.sort(s)[min(place(s, alpha), len(s)) - 1], "cannot promise"),
        (lambda s, alpha: np.inf, "not more than m"),
        (lambda s, alpha: s.max() + 1, "k-th smallest"),
        (lambda s, alpha: np.sort(s)[:3], "One number"),
        (lambda s, alpha: None, "return"),
        (lambda s, alpha: "text", "One number"),
        (lambda s: 1.0, "TypeError"),
        (None, "TypeError"),
        (unsolved, "think"),
    ],
)
def test_promise_rejects(function, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.promise(function)


def test_promise_knows_the_formula_without_the_new_image():
    with pytest.raises(CheckFailed, match=r"one more|interpolates"):
        checks.promise(lambda s, alpha: np.sort(s)[place(s, alpha, extra=0) - 1])


RNG = np.random.default_rng(1)
ANOMALOUS = RNG.random(20_000) < 0.01
ALARM = RNG.random(20_000) < np.where(ANOMALOUS, 0.9, 0.02)
RIGHT = ANOMALOUS[ALARM].mean()


@pytest.mark.parametrize("value", [RIGHT, np.array([RIGHT]), tf.constant(RIGHT)])
def test_true_alarms_accept_any_guess(value, capsys):
    checks.true_alarms(0.9, value, ALARM, ANOMALOUS)
    assert "your guess of 0.9 is off by" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "value", "hint"),
    [
        (None, None, "still to be done"),
        (None, RIGHT, "still to be done"),
        (0.5, None, "still to be done"),
        ("half", RIGHT, "Any number will do"),
        (50, RIGHT, "In which unit"),
        (0.5, "half", "One plain number"),
        (0.5, ALARM, "One plain number"),
        (0.5, ALARM[ANOMALOUS].mean(), "anomalies that raise an alarm"),
        (0.5, 1 - RIGHT, "The true ones are asked for"),
        (0.5, ALARM[~ANOMALOUS].mean(), "rate of false alarms"),
        (0.5, ALARM.mean(), "share of images that raise"),
        (0.5, np.mean(ALARM == ANOMALOUS), "accuracy"),
        (0.5, np.mean(ALARM & ANOMALOUS), "share of all images"),
        (0.5, 0.123, "Select the images"),
    ],
)
def test_true_alarms_reject(guess, value, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.true_alarms(guess, value, ALARM, ANOMALOUS)
