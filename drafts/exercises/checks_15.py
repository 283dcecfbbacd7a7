"""Checks of the exercises to lesson 15, *Interpolation*.

Usual wrong solutions, each with a hint of its own (tested in test_checks_15.py):

`path_through_codes` (encode both ends, walk in a line, decode):
    - a cross-fade of the images: the codes take no part
    - from the last image to the first
    - the end left out
    - one step too many
    - the axes for pairs and steps swapped
    - decoded all at once as (pairs, steps, d), which a decoder refuses
    - codes returned, not images

`arc_between_codes` (spherical interpolation):
    - the straight line
    - a line pushed out to the right norm: the direction turns unevenly
    - directions only, norms forgotten
    - the weights put on the codes instead of their directions
    - the angle in degrees, or one angle for all pairs
    - the norms the wrong way round

`angle_between_codes` (predict, then measure):
    - no guess
    - radians in place of degrees
    - the mean in place of the scatter
    - the scatter of the cosine
    - the standard error of the mean
"""

import numpy as np
from scipy.integrate import trapezoid
from utils.latent import interpolate

from checks_base import as_array, as_number, call, compare, measured_well, passed


def path_through_codes(function):
    """Check walk(encode, decode, first, last, steps): images (pairs, steps, h, w, c) by way of the codes."""
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
        return np.cbrt(z).reshape(-1, *shape)

    found = call(function, encode, decode, first, last, steps)
    hint = "Pairs first, then the steps with both ends, then an image. The decoder takes rows of codes: reshape twice."
    if np.shape(found) == (pairs, steps, 6):
        hint = "These are codes. What turns them into images?"
    elif np.shape(found) == (steps, pairs, *shape):
        hint = "The first two axes are swapped: pairs first, then steps."
    found = as_array(found, (pairs, steps, *shape), "the paths", hint)
    t = np.linspace(0, 1, steps).reshape(1, -1, 1, 1, 1)
    a, b = first[:, None], last[:, None]
    right = np.cbrt((1 - t) * a**3 + t * b**3)
    short = np.arange(steps).reshape(1, -1, 1, 1, 1) / steps
    inner = np.linspace(0, 1, steps + 2)[1:-1].reshape(1, -1, 1, 1, 1)
    ends = "The path does not reach its ends. Both belong to it: α = 0 and α = 1."
    slips = [
        ((1 - t) * a + t * b, "This is a cross-fade of images. The line is walked between the codes."),
        (right[:, ::-1], "The path runs backwards: α = 0 is the first image."),
        (np.cbrt((1 - short) * a**3 + short * b**3), ends),
        (np.cbrt((1 - inner) * a**3 + inner * b**3), ends),
    ]
    compare(found, right, slips, "a pixel on the path", "Encode both ends, walk evenly from code to code, decode.")
    passed("walk: both ends included, straight in the codes, decoded step by step")


def arc_between_codes(function):
    """Check arc(start, end, steps): codes (pairs, steps, d); direction at constant speed, norm linear in t."""
    rng = np.random.default_rng(15)
    start, end = rng.normal(size=(2, 4, 5)) * np.array([1.0, 2.0])[:, None, None]
    steps = 7
    found = call(function, start, end, steps)
    hint = "Pairs first, then the steps with both ends, then the units."
    if np.shape(found) == (steps, 4, 5):
        hint = "The first two axes are swapped: pairs first, then steps."
    found = as_array(found, (4, steps, 5), "the arcs", hint)
    a, b, t = start[:, None], end[:, None], np.linspace(0, 1, steps)[None, :, None]
    p, q = (np.linalg.norm(z, axis=-1, keepdims=True) for z in (a, b))
    u, v = a / p, b / q
    cosine = np.sum(u * v, axis=-1, keepdims=True)
    angle, line = np.arccos(cosine), (1 - t) * a + t * b

    def weighted(angle, first, last):
        return (np.sin((1 - t) * angle) * first + np.sin(t * angle) * last) / np.sin(angle)

    norms = (1 - t) * p + t * q
    pushed = (1 - t) * u + t * v
    common = np.arccos(np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b))
    uneven = "The norms are right, but the direction turns unevenly: a line was pushed out to the sphere."
    slips = [
        (line, "This is the straight line. Its middle is nearer to 0 than both ends."),
        (norms * line / np.linalg.norm(line, axis=-1, keepdims=True), uneven),
        (norms * pushed / np.linalg.norm(pushed, axis=-1, keepdims=True), uneven),
        (weighted(angle, u, v), "These are directions. What length goes with each?"),
        (weighted(angle, a, b), "The sines turn directions, of norm 1. Put the length on afterwards."),
        (norms * weighted(np.degrees(angle), u, v), "np.sin takes radians."),
        (norms * weighted(common, u, v), "Every pair has an angle of its own. Over which axis is the product summed?"),
        (((1 - t) * q + t * p) * weighted(angle, u, v), "The norms run the wrong way: t = 0 is the start."),
        (interpolate(end, start, steps, "spherical"), "The arc runs backwards: t = 0 is the start."),
    ]
    right = interpolate(start, end, steps, "spherical")
    compare(found, right, slips, "a code on the arc", "Try two codes at right angles in the plane, and t = 1/2.")
    passed("arc: ends, norms, and a direction that turns at constant speed")


def angle_between_codes(guess, measured, d=64):
    """Check the standard deviation, in degrees, of the angle between two draws of N(0, I) in d dimensions."""
    angle = np.linspace(0, np.pi, 20_001)
    density = np.sin(angle) ** (d - 2)
    density /= trapezoid(density, angle)
    spread = np.sqrt(trapezoid(density * (angle - np.pi / 2) ** 2, angle))
    right = np.degrees(spread)
    guess, value = as_number("guess", guess), as_number("measured", measured)
    slips = [(90, "This is the mean. How far do the angles scatter around it?")]
    if abs(value - spread) <= 0.05 * spread:
        slips.append((value, "This is in radians, or the scatter of the cosine. The angle in degrees is wanted."))
    elif 0 < value < right / 20:
        slips.append((value, "The scatter of the angles themselves is wanted, not the error of their mean."))
    measured_well(guess, measured, right, 0.03 * right, "degrees", slips,
              "Two sets of draws; the angle of each pair, in degrees; then np.std.")  # fmt: skip
