"""Checks of the exercises of lesson 15. The usual wrong solutions, each with its hint: tests/test_checks_15.py."""

import numpy as np
from scipy.integrate import trapezoid

from checks.base import agree, as_array, as_number, call, fail, guessed, measured, passed
from utils.latent import interpolate


def path_through_codes(function):
    """Check walk(encode, decode, first, last, steps): images (pairs, steps, h, w, c) by way of the codes.

    Encoder and decoder are the check's own: bent, strict about shapes, and not inverse to each other.

    Raises:
        CheckFailed: for another shape, or other images than those of evenly spaced codes, both ends included.
    """
    rng = np.random.default_rng(15)
    shape, pairs, steps = (2, 3, 1), 4, 5
    first, last = rng.uniform(0.1, 1, (2, pairs, *shape))

    def encode(x):
        x = np.asarray(x)
        if x.ndim != 4 or x.shape[1:] != shape:
            raise ValueError(f"the encoder takes images (n, 2, 3, 1), not {x.shape}")
        return x.reshape(len(x), -1) ** 3

    def decode(z):
        z = np.asarray(z)
        if z.ndim != 2 or z.shape[1] != 6:
            raise ValueError(f"the decoder takes codes (n, 6), not {z.shape}")
        return 0.8 * np.cbrt(z).reshape(-1, *shape) + 0.05  # paler than what was encoded

    found = call(function, encode, decode, first.copy(), last.copy(), steps)
    hint = "Pairs first, then the steps with both ends, then an image. The decoder takes rows of codes: reshape twice."
    size = np.shape(found) if isinstance(found, np.ndarray) else None
    if size in ((pairs, steps, 6), (pairs * steps, 6)):
        hint = "These are codes. What turns them into images?"
    elif size == (pairs * steps, *shape):
        hint = "These are all images in one row. Give them the two axes back: pairs, then steps."
    elif size == (steps, pairs, *shape):
        hint = "The first two axes are swapped: pairs first, then steps."
    elif size and size[2:] == (28, 28, 1):
        hint = "The check's images have 2x3 pixels. Take the size from what the decoder returns."
    found = as_array(found, (pairs, steps, *shape), "the paths", hint)
    t = np.linspace(0, 1, steps).reshape(1, -1, 1, 1, 1)
    a, b = first[:, None], last[:, None]

    def along(t):
        return 0.8 * np.cbrt((1 - t) * a**3 + t * b**3) + 0.05

    with_ends = along(t)
    with_ends[:, 0], with_ends[:, -1] = first, last
    mixed = along(t).reshape(pairs * steps, *shape).reshape(steps, pairs, *shape).swapaxes(0, 1)
    ends = "The path does not reach its ends. Both belong to it: t = 0 and t = 1."
    slips = [
        ((1 - t) * a + t * b, "This is a cross-fade of images. The line is walked between the codes."),
        (0.8 * ((1 - t) * a + t * b) + 0.05, "This is a cross-fade of images. The line is walked between the codes."),
        (with_ends, "The ends are decoded as well: a path consists of what the decoder draws."),
        (mixed, "Pairs and steps are mixed up. Which of the two does the reshape run through first?"),
        (along(t)[:, ::-1], "The path runs backwards: t = 0 is the first image."),
        (along(t * (steps - 1) / steps), ends),
        (along((t * (steps - 1) + 1) / steps), ends),
        (along((t * (steps - 1) + 1) / (steps + 1)), ends),
    ]
    hint = "Encode both ends, go from code to code in even steps, decode what you meet."
    agree(found, along(t), slips, "a pixel on a path", hint)
    passed("walk: both ends included, straight and even in the codes, decoded step by step")


def arc_between_codes(function):
    """Check arc(start, end, steps): codes (pairs, steps, d), direction at constant speed, norm linear in t.

    Raises:
        CheckFailed: for another shape, or other codes than those of `latent.interpolate`.
    """
    rng = np.random.default_rng(15)
    start, end = rng.normal(size=(2, 4, 5)) * np.array([1.0, 2.0])[:, None, None]
    steps = 7
    found = call(function, start.copy(), end.copy(), steps)
    hint = "Pairs first, then the steps with both ends, then the units: (pairs, steps, d)."
    if isinstance(found, np.ndarray) and found.shape == (steps, 4, 5):
        hint = "The first two axes are swapped: pairs first, then steps."
    no_angle = "arccos takes numbers from −1 to 1. Is yours the inner product of two directions, of norm 1?"
    found = as_array(found, (4, steps, 5), "the arcs", hint, no_angle)
    a, b, t = start[:, None], end[:, None], np.linspace(0, 1, steps)[None, :, None]
    p, q = (np.linalg.norm(z, axis=-1, keepdims=True) for z in (a, b))
    u, v = a / p, b / q
    cosine = np.sum(u * v, axis=-1, keepdims=True)
    angle, line = np.arccos(cosine), (1 - t) * a + t * b
    common = np.arccos(np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b))

    def weighted(angle, first, last):
        return (np.sin((1 - t) * angle) * first + np.sin(t * angle) * last) / np.sin(angle)

    norms, cut = (1 - t) * p + t * q, t * (steps - 1) / steps
    one_angle = np.broadcast_to(angle[:1], angle.shape)
    several = "Every pair has an angle and norms of its own. Over which axis is summed? Try one pair alone."
    all_norms = np.linalg.norm(a), np.linalg.norm(b)
    angle_of_all = np.arccos(np.clip(np.sum(a / all_norms[0] * b / all_norms[1], axis=-1, keepdims=True), -1, 1))
    pushed = (1 - t) * u + t * v
    uneven = "The norms are right, but the direction turns unevenly: a line was pushed out to the sphere."
    slips = [
        (line, "This is the straight line. Its middle is nearer to 0 than an arc's."),
        (norms * line / np.linalg.norm(line, axis=-1, keepdims=True), uneven),
        (norms * pushed / np.linalg.norm(pushed, axis=-1, keepdims=True), uneven),
        (weighted(angle, u, v), "These are directions. What length goes with each?"),
        (weighted(angle, a, b), "The sines turn directions, of norm 1. Put the length on afterwards."),
        (norms * weighted(np.degrees(angle), u, v), "np.sin takes radians."),
        (norms * weighted(cosine, u, v), "This takes the cosine of the angle for the angle itself."),
        (norms * weighted(common, u, v), several),
        (norms * weighted(one_angle, u, v), several),
        (norms * weighted(angle.mean(), u, v), several),
        (((1 - t) * all_norms[0] + t * all_norms[1])
         * weighted(angle_of_all, a / all_norms[0], b / all_norms[1]), several),
        (norms * weighted(np.arcsin(np.sin(angle)), u, v), "Angles above 90 degrees come out too small. Which function "
         "gives an angle from its cosine?"),
        (p ** (1 - t) * q**t * weighted(angle, u, v), "The norm goes evenly: half way it is the mean of the two."),
        (((1 - cut) * p + cut * q) * (np.sin((1 - cut) * angle) * u + np.sin(cut * angle) * v) / np.sin(angle),
         "The arc does not reach its end. Both ends belong to it: t = 0 and t = 1."),
        (((1 - t) * q + t * p) * weighted(angle, u, v), "The norms run the wrong way: t = 0 is the start."),
        (p * weighted(angle, u, v), "All norms are that of the start. At t = 1 it must be that of the end."),
        (interpolate(end, start, steps, "spherical"), "The arc runs backwards: t = 0 is the start."),
    ]  # fmt: skip
    right = interpolate(start, end, steps, "spherical")
    agree(found, right, slips, "a number on an arc", "Try two codes at right angles in the plane, and t = 1/2.")
    passed("arc: both ends included, norms even, and a direction that turns at constant speed")


def angle_between_codes(guess, value, d):
    """Check the standard deviation, in degrees, of the angle between two draws of N(0, I) in d dimensions.

    The right one follows from the angle's density, which is proportional to sin(angle)^(d − 2).

    Args:
        guess: the student's, any finite number.
        value: what the student measured, in degrees.
        d: dimensions, at least 3.

    Raises:
        CheckFailed: for a guess that is no number, or a measurement that is more than 3 % off.
    """
    angle = np.linspace(0, np.pi, 20_001)
    density = np.sin(angle) ** (d - 2)
    density /= trapezoid(density, angle)
    spread = np.sqrt(trapezoid(density * (angle - np.pi / 2) ** 2, angle))
    right = np.degrees(spread)
    folded = np.degrees(np.sqrt(spread**2 - trapezoid(density * np.abs(angle - np.pi / 2), angle) ** 2))
    slips = [
        (90.0, "This is the mean. How far do the angles scatter around it?"),
        (folded, "Angles go from 0 to 180 degrees. Were they folded to at most 90?"),
        (np.degrees(trapezoid(density * np.abs(angle - np.pi / 2), angle)), "This is the mean distance from "
         "90 degrees. The standard deviation is wanted."),
        (spread, "This is in radians, or the scatter of the cosine. The angle in degrees is wanted."),
        (right / np.sqrt(20_000), "The scatter of the angles themselves is wanted, not the error of their mean."),
    ]  # fmt: skip
    hint = f"Two sets of draws with {d} numbers each; the angle of every pair, in degrees; then its scatter."
    guess, value = guessed(guess), as_number(value, "the measurement")
    if not 0 <= guess <= 90:
        fail("a guess from 0 to 90", f"{guess:.4g}", "Angles from 0 to 180 degrees cannot scatter more. In degrees?")
    if abs(value / right**2 - 1) < 0.06:
        hint = f"Are these still pairs in the plane? There are {d} dimensions. If they are not: this is the variance."
    measured(guess, value, right, "degrees", slips, hint, tolerance=0.03 * right)
    passed(f"about 1 / √{d} radians: in many dimensions two random directions are nearly at right angles")
