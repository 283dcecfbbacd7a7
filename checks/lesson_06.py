"""Checks of the exercises of lesson 06. The usual wrong solutions, each with its hint: tests/test_checks_06.py."""

import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt
from scipy.special import log_softmax

from checks.base import agree, as_array, as_number, call, measured, passed
from utils import metrics

CLASSES = 4


def weighted_cross_entropy(function):
    """Check weighted_cross_entropy(logits, labels, weights): nats per pixel, weighted, unlabelled pixels left out.

    Called with logits (n, h, w, c), labels (n, h, w) from 0 to c, where c is no label, and weights (c,).

    Raises:
        CheckFailed: for what is not one finite number, and for a loss that is off by more than .1 %.
    """
    rng = np.random.default_rng(6)
    logits = 2 * rng.normal(size=(2, 5, 6, CLASSES))
    labels = rng.integers(CLASSES, size=(2, 5, 6))
    ones, weights = np.ones(CLASSES), np.array([2.0, 0.1, 1.0, 3.0])
    gaps = np.where(rng.random(labels.shape) < 0.3, CLASSES, labels)

    def compare(what, logits, labels, weights, slips, hint):
        one = "One number for all pixels of all images: their weighted mean."
        high = "np.exp of a large logit is infinite. Subtract each pixel's largest logit first: it changes no ratio."
        found = call(function, logits, labels, weights)
        found = as_number(as_array(found, (), what, one, high), what)
        agree(found, _loss(logits, labels, weights), slips, what, hint)

    flat = np.zeros_like(logits)
    slips = [
        (-np.log(CLASSES), "The sign: a cross-entropy is not negative."),
        (1 / CLASSES, "This is the probability of the true class. The loss takes its logarithm."),
        (np.log2(CLASSES), "These are bits. Nats take the natural logarithm."),
        (np.log(CLASSES) * labels.size, "This is a sum over pixels. The weighted mean is wanted."),
        (np.log(CLASSES) * labels[0].size, "This is a sum over pixels. The weighted mean is wanted."),
        (0, "Equal logits give each class the same probability, 1/c, which is not 1."),
    ]
    compare(f"loss of equal logits, {CLASSES} classes", flat, labels, ones, slips, "Every pixel costs log c here.")
    log_p = log_softmax(logits, axis=-1)
    slips = [
        (-log_p.mean(), "This is a mean over classes, too. Take the logarithm of the true class alone."),
        (-log_p.max(axis=-1).mean(), "Take the class of the label, not the likeliest one."),
        (-np.take_along_axis(logits, labels[..., None], -1).mean(), "The sum over classes in the denominator misses."),
    ]
    hint = "Which probability does the softmax give to the class of each pixel's label?"
    compare("loss with all weights 1", logits, labels, ones, slips, hint)
    each = -np.take_along_axis(log_p, labels[..., None], -1)[..., 0]
    slips = [
        (np.mean(weights[labels] * each), "Divide by the sum of the weights of the pixels, not by their number."),
        (np.sum(weights[labels] * each) / weights.sum(), "Divide by the weights of all pixels, one for every pixel."),
        (np.sum(weights[labels] * each), "This is a sum over pixels. The weighted mean is wanted."),
        (each.mean(), "The weights take no part."),
        (np.sum(each / weights[labels]) / np.sum(1 / weights[labels]), "Multiply by the weight. You divide by it."),
        (
            _loss(logits, labels, weights, of=logits.argmax(axis=-1)),
            "A pixel weighs as its label's class, not as the class that the network gives it.",
        ),
    ]
    compare("loss with weights", logits, labels, weights, slips, "Each pixel counts as often as its class weighs.")
    last = np.minimum(gaps, CLASSES - 1)
    scored = gaps < CLASSES
    each = -np.take_along_axis(log_p, last[..., None], -1)[..., 0]
    total = np.sum(weights[last] * each * scored)
    slips = [
        (_loss(logits, last, weights), "Pixels without a label are counted as if they had the last class."),
        (_loss(logits, gaps % CLASSES, weights), "Pixels without a label are counted as if they had class 0."),
        (
            total / weights[last].sum(),
            "Pixels without a label are left out above, but not below: their weight is 0, so "
            "the sum of the weights lacks them, too.",
        ),
        (total / scored.size, "Divide by the sum of the weights of the labelled pixels."),
        (total / scored.sum(), "Divide by the sum of the weights of the labelled pixels."),
    ]
    compare("loss with pixels that have no label", logits, gaps, weights, slips, "They weigh nothing at all.")
    compare(
        "loss of logits in the thousands",
        1000 * logits,
        gaps,
        weights,
        [],
        "Subtract each pixel's largest logit, and take no logarithm of a number that rounds to 0.",
    )
    passed("weighted_cross_entropy: the label's class, its weight, nothing without a label, and no overflow")


def boundary_iou(function):
    """Check boundary_iou(true, given, reach): IoU of two masks' pixels that lie within reach of a pixel outside them.

    Called with masks, bool (h, w), that hold pixels inside and outside.

    Raises:
        CheckFailed: for what is not one number, and for another IoU.
    """
    true, given = np.zeros((2, 24, 30), bool)
    true[3:20, 4:22] = True
    given[4:21, 5:23] = True
    true[9:12, 10:14] = False  # a hole
    i, j = np.indices(true.shape)
    disc = (i - 11) ** 2 + (j - 13) ** 2 <= 81
    edge = j < 12

    def compare(what, a, b, reach):
        found = as_array(
            call(function, a, b, reach),
            (),
            what,
            "One number for two masks.",
            "Is there a division by 0? Both masks have pixels near their boundary here.",
        )
        agree(
            found,
            _boundary_iou(a, b, reach),
            _slips(a, b, reach),
            what,
            "The band holds the mask's own pixels whose nearest pixel outside is at most that far away.",
        )

    compare("boundary IoU of a mask with itself", true, true, 2)
    for reach in (2, 3):
        compare(f"boundary IoU of two squares, one with a hole, within {reach} pixels", true, given, reach)
    compare("boundary IoU of a disc and a square, within 2.5 pixels", disc, given, 2.5)
    compare("boundary IoU of a disc and a half of the image, within 2 pixels", disc, edge, 2)
    passed("boundary_iou: bands inside the masks, as wide as asked, and their intersection over union")


def shifted(guess, value, labels):
    """Check the mean IoU of the ten digits when labels (n, h, w) are predicted one pixel too far to the right.

    Raises:
        CheckFailed: for a guess that is no share, a value that is no number, or another measurement.
    """
    labels = np.asarray(labels)
    moved = np.roll(labels, 1, axis=2)
    confusion = metrics.confusion_matrix(labels, moved, 11)
    iou, right = metrics.iou(confusion), metrics.class_accuracy(confusion)
    slips = [
        (iou.mean(), "This mean holds the background, too. The ten digits are asked for."),
        (100 * iou[1:].mean(), "This is in percent. A share from 0 to 1 is asked for."),
        (right[1:].mean(), "This is the class accuracy, which does not count pixels given too many."),
        (metrics.global_accuracy(confusion), "This is the global accuracy. The IoU is asked for."),
        (metrics.iou(metrics.confusion_matrix(labels, labels, 11))[1:].mean(), "Is the prediction moved?"),
    ]
    two = metrics.confusion_matrix(labels, np.roll(labels, 1, axis=1), 11)
    slips.append((metrics.iou(two)[1:].mean(), "This is moved down. Columns are the last axis."))
    hint = "metrics.iou of the confusion matrix, without class 0, averaged."
    measured(guess, value, iou[1:].mean(), "mean IoU of the digits", slips, hint, tolerance=2e-3, bounds=(0, 1))


def _loss(logits, labels, weights, of=None):
    """The loss; `of` are labels by which pixels weigh in place of their own."""
    scored = labels < logits.shape[-1]
    log_p = log_softmax(logits, axis=-1)[scored]
    weight = np.asarray(weights)[(labels if of is None else of)[scored]]
    return -np.sum(weight * np.take_along_axis(log_p, labels[scored][:, None], -1)[:, 0]) / weight.sum()


def _band(mask, reach):
    return mask & (distance_transform_edt(mask) <= reach)


def _share(a, b):
    return np.sum(a & b) / np.sum(a | b)


def _boundary_iou(a, b, reach):
    return _share(_band(a, reach), _band(b, reach))


def _slips(a, b, reach):
    """Wrong results for two masks, each with its hint."""
    both = [_band(mask, reach) | _band(~mask, reach) for mask in (a, b)]
    outer = [_band(~mask, reach) for mask in (a, b)]
    square = [m & ~binary_erosion(m, np.ones((3, 3)), max(1, int(reach)), border_value=1) for m in (a, b)]
    cross = [m & ~binary_erosion(m, None, max(1, int(reach)), border_value=1) for m in (a, b)]
    border = [m & ~binary_erosion(m, None, max(1, int(reach)), border_value=0) for m in (a, b)]
    bands = [_band(mask, reach) for mask in (a, b)]
    strict = [m & (distance_transform_edt(m) < reach) for m in (a, b)]
    inside = bands[0] & bands[1]
    return [
        (_share(a, b), "This is the IoU of the whole masks. Only pixels near the boundary count."),
        (_share(*both), "These bands lie on both sides of the boundary. The mask's own pixels are asked for."),
        (
            _share(*outer),
            "These bands lie outside the masks. distance_transform_edt gives the distance to the nearest "
            "pixel that is False.",
        ),
        (_share(*cross), "These distances are counted in steps along rows and columns. Take the straight line."),
        (_share(*square), "These distances count a diagonal step as 1. Take the straight line."),
        (_share(*border), "The border of the image is no boundary: what is beyond it is unknown."),
        (_share(*strict), "A pixel exactly as far away as the reach belongs to the band: <=."),
        (2 * inside.sum() / (bands[0].sum() + bands[1].sum()), "This is the F1, or Dice. Divide by the union."),
        (inside.sum() / bands[0].sum(), "This is the recall. Divide by the union."),
        (inside.sum() / bands[1].sum(), "This is the precision. Divide by the union."),
    ]
