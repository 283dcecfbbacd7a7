"""Checks of the exercises of lesson 10. The usual wrong solutions, each with its hint: tests/test_checks_10.py."""

import numpy as np

from checks.base import agree, as_array, call, fail, measured, passed


def area(function):
    """Check auroc(scores, anomalous): the share of pairs in the right order, ties counted half, one number.

    Called with float64 scores (n,) and booleans (n,), in various orders.

    Raises:
        CheckFailed: for what is not one real number, and for an area that is off by more than 1e-3.
    """
    rng = np.random.default_rng(10)

    def compare(what, normal, strange, hint):
        scores = np.concatenate([normal, strange]).astype("float64")
        flags = np.arange(len(scores)) >= len(normal)
        order = rng.permutation(len(scores))
        found = call(function, scores[order], flags[order])
        found = as_array(found, (), what, "One number for all scores together.")
        agree(found, _share(normal, strange), _area_slips(normal, strange, scores, flags), what, hint)

    compare("area when every anomaly scores higher", [1, 2, 3], [4, 5], "Every pair is in the right order.")
    compare(
        "area when normal scores are 1 and 4, anomalous ones 2 and 3",
        [1, 4],
        [2, 3],
        "There are four pairs. In how many of them does the anomaly score higher?",
    )
    compare(
        "area of 200 normal and 40 anomalous scores",
        rng.normal(size=200),
        rng.normal(size=40) + 1,
        "Compare every anomaly with every normal image: 8,000 pairs.",
    )
    compare(
        "area when all scores are equal",
        np.ones(6),
        np.ones(3),
        "A detector that says the same of everything is a coin. What does a tie count?",
    )
    compare(
        "area of scores with many ties",
        rng.integers(0, 4, 90),
        rng.integers(1, 5, 60),
        "In many pairs both scores are equal. Such a pair counts half.",
    )
    passed("auroc: the share of pairs in the right order, and ties count half")


def _share(normal, strange):
    normal, strange = np.asarray(normal)[None], np.asarray(strange)[:, None]
    return np.mean((strange > normal) + (strange == normal) / 2)


def _area_slips(normal, strange, scores, flags):
    """Wrong areas, each with its hint."""
    low, high = np.asarray(normal)[None], np.asarray(strange)[:, None]
    middle, right = np.median(scores), _share(normal, strange)
    pairs = np.size(low) * np.size(high)
    return [
        (1 - right, "This is the other way round. An anomaly should score higher."),
        (np.mean(high > low), "Ties count nothing here. A pair with equal scores counts half."),
        (np.mean(high >= low), "Ties count in full here. A pair with equal scores counts half."),
        (right * pairs, "This is a number of pairs. The share of all pairs is wanted."),
        (np.mean((scores > middle) == flags), "This is the accuracy at one threshold. The area needs none."),
        (np.mean(high) - np.mean(low), "This is a difference of means. How often is one score above the other?"),
        (
            right * pairs / len(scores) ** 2,
            "An anomaly is not compared with other anomalies: how many pairs are "
            "there of one anomaly and one normal image?",
        ),
    ]


def promise(function):
    """Check threshold(scores, alpha): the k-th smallest score, k = ceil((1 - alpha)(m + 1)), infinity where k > m.

    Called with float64 scores (m,) in any order and alpha in (0, 1).

    Raises:
        CheckFailed: for what is not one number, and for another threshold.
    """
    rng = np.random.default_rng(10)
    cases = [
        (rng.permutation(np.arange(1.0, 20.0)), 0.1),
        (rng.exponential(size=199), 0.05),
        (rng.normal(size=37), 0.3),
    ]
    for scores, alpha in cases:
        what = f"threshold from {len(scores)} scores for alpha = {alpha}"
        found = call(function, scores, alpha)
        if _infinite(found):
            fail(what + ": one of the scores", "infinity", "k is not more than m here. How large is it?")
        found = as_array(found, (), what, "One number, the threshold.")
        ordered = np.sort(scores)
        k = int(np.ceil((1 - alpha) * (len(scores) + 1) - 1e-9))
        slips = [
            (
                np.quantile(scores, 1 - alpha),
                "np.quantile interpolates between scores, and keeps no promise for "
                "small m. Take one of the scores itself.",
            ),
            (ordered[min(k, len(scores) - 1)], "One too far. Python counts from 0, the k-th smallest from 1."),
            (
                ordered[int(np.ceil((1 - alpha) * len(scores))) - 1],
                "m + 1 stands in the formula, not m: the new image is one more.",
            ),
            (ordered[-k], "This is the k-th largest score. Most normal images should lie below the threshold."),
            (
                ordered[int(np.ceil(alpha * (len(scores) + 1))) - 1],
                "This is the lower end: almost all normal images would raise an alarm.",
            ),
            (scores[k - 1], "The scores have to be sorted first."),
            (k, "This is k, the place. The score at that place is wanted."),
        ]
        agree(found, ordered[k - 1], slips, what, "It is the k-th smallest score, with k from the formula.", 1e-9)
    few = rng.normal(size=5)
    found = call(function, few, 0.1)
    if not _infinite(found):
        hint = "Five scores cannot promise 10 %: a new one is the largest of six in 1 of 6 cases. So never alarm."
        fail("infinity for 5 scores and alpha = 0.1, where k is 6", repr(found), hint)
    passed("threshold: the k-th smallest score, and infinity where the scores are too few for the promise")


def _infinite(value):
    try:
        return bool(np.isposinf(float(value)))
    except (TypeError, ValueError):
        return False


def true_alarms(guess, value, alarm, anomalous):
    """Check the share of anomalous images among the alarms, of two boolean arrays (n,).

    Raises:
        CheckFailed: for a guess or a value that is no number, a guess outside [0, 1], or another share.
    """
    alarm, anomalous = np.asarray(alarm, bool), np.asarray(anomalous, bool)
    right = anomalous[alarm].mean()
    slips = [
        (
            alarm[anomalous].mean(),
            "This is the share of anomalies that raise an alarm. Asked for is the share of "
            "alarms that anomalies raise.",
        ),
        (1 - right, "This is the share of false alarms among all alarms. The true ones are asked for."),
        (alarm[~anomalous].mean(), "This is the rate of false alarms among normal images."),
        (alarm.mean(), "This is the share of images that raise an alarm."),
        (np.mean(alarm == anomalous), "This is the accuracy. Most images are normal. Look at the alarms only."),
        (np.mean(alarm & anomalous), "This is a share of all images. Divide by the number of alarms."),
    ]
    hint = "Select the images that raised an alarm. Which share of them is anomalous?"
    measured(guess, value, right, "of the alarms are true", slips, hint, tolerance=1e-4, bounds=(0, 1))
