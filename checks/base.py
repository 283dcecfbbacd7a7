"""What the checks of all lessons share: failures that say what was expected and found, and comparing numbers."""

import re
import textwrap
import traceback
import warnings

import keras
import numpy as np


class CheckFailed(AssertionError):
    """An answer is not right yet. The message says what was expected, what was found, and gives a hint.

    A notebook shows the message alone: lines of the checks' own source would give solutions away.
    """

    def _render_traceback_(self):  # what IPython shows in place of the traceback
        return [f"{type(self).__name__}: {self}"]


def fail(expected, found, hint):
    """Raise CheckFailed with a message of three lines."""
    raise CheckFailed(f"\nExpected: {expected}\nFound:    {found}\nHint:     {hint}")


def passed(what):
    """Print one line that says what is right."""
    print(f"✔ {what}")


def call(function, *args, **kwargs):
    """Return what a student's function gives, without its warnings (nbgrader gives no points to a cell that warns).

    Raises:
        CheckFailed: for an exception inside of it, which is named in a line or two, and for a function that changes
            the arrays that it is given.
    """
    before = [arg.copy() if isinstance(arg, np.ndarray) else None for arg in args]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = function(*args, **kwargs)
    except Exception as error:
        stub = re.search(r"hint: ([^\n\x1b]*)", str(error))  # Keras may have put words of its own around it
        if isinstance(error, NotImplementedError) and stub:
            fail("an answer", "the exercise is not solved yet", stub[1])
        own = getattr(getattr(function, "__code__", None), "co_filename", None)
        lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
        hint = (
            f"It arose in line {lines[-1].lineno} of your cell: {lines[-1].line}" if lines else "Read the error's text."
        )
        fail("a function that runs", f"{type(error).__name__}: {_in_short(error)}", hint)
    for arg, kept in zip(args, before, strict=True):
        if kept is not None and not np.array_equal(arg, kept, equal_nan=kept.dtype.kind == "f"):
            hint = "Whoever calls it still needs them. Write x = x - 1 in place of x -= 1, shuffle a copy, and so on."
            fail("a function that leaves its arguments as they are", "an array that has been changed", hint)
    return result


def _in_short(error):
    """Return an error's message without colours, printed arrays and Keras' list of arguments, cut to 300 characters."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split("Arguments received by")[0]
    text = re.sub(r"\[\[.*\]\]", "[...]", text, flags=re.DOTALL)
    return textwrap.shorten(text, 300, placeholder=" ...")


def as_array(value, shape, what, hint, not_finite=None):
    """Return a student's result as a float64 array.

    Args:
        value: array, tensor or nested list.
        shape: that it must have, a tuple.
        what: it is, in words, for the message.
        hint: for a wrong shape, or for something that is no array of real numbers.
        not_finite: hint for NaN or infinity, where that deserves one of its own.

    Raises:
        CheckFailed: for anything else than finite numbers of this shape.
    """
    shape = tuple(shape)
    wanted = f"{what}: numbers of shape {shape}" if shape else f"{what}: one number"
    if value is None:
        fail(wanted, "None", "Nothing came back. Does the function end with a return?")
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"of type {array.dtype}")
        array = array.astype("float64")
    except Exception as error:
        fail(wanted, f"{type(value).__name__} ({type(error).__name__}: {error})", hint)
    if array.shape != shape:
        fail(wanted, f"shape {array.shape}", hint)
    if not np.isfinite(array).all():
        found = f"{np.count_nonzero(~np.isfinite(array))} that are NaN or infinite"
        fail(f"{what}: finite numbers", found, not_finite or hint)
    return array


def two_models(made, images):
    """Return what a student's function made as (encoder, decoder).

    Raises:
        CheckFailed: for anything else than two Keras models, and when only the second takes the images.
    """
    if not isinstance(made, tuple | list) or len(made) != 2 or not all(isinstance(m, keras.Model) for m in made):
        found = f"{len(made)} things" if isinstance(made, tuple | list) else type(made).__name__
        fail("two Keras models: encoder, decoder", found, "Return both models, in this order.")
    if not takes(made[0], images) and takes(made[1], images):
        fail("the encoder first, then the decoder", "a second model that takes images", "Which one encodes?")
    return made


def takes(model, values):
    """Return whether a Keras model can be called with these values."""
    try:
        model(np.asarray(values, "float32"))
    except Exception:
        return False
    return True


def decibels(error):
    """Return the PSNR in dB, 10 log₁₀(1 / error), of mean squared errors of pixels in [0, 1], elementwise."""
    return -10 * np.log10(error)


def shape_of(value):
    """Return the shape of an array, a tensor, a number or a nested list, or None for a list of unequal parts."""
    try:
        return np.shape(value)
    except ValueError:
        return None


def as_number(value, what, hint="One plain number, no text and no list."):
    """Return a student's number as a float.

    Args:
        value: a number, or an array or tensor that holds one.
        what: it is, in words, for the message.
        hint: for everything else.

    Raises:
        CheckFailed: for None, which the student has not replaced yet, and for what is not one finite number.
    """
    if value is None:
        fail(f"{what}: one number", "None", "This is still to be done in the cell above: no number is set yet.")
    if isinstance(value, bool | np.bool_ | str):
        fail(f"{what}: one number", repr(value), hint)
    try:
        value = np.squeeze(value)
    except Exception as error:
        fail(f"{what}: one number", f"{type(value).__name__} ({_in_short(error)})", hint)
    return float(as_array(value, (), what, hint))


def guessed(guess):
    """Return the guess as a float; every finite number is accepted, None and everything else is a CheckFailed."""
    return as_number(guess, "a guess", "Any number will do. Write one down before you measure.")


def agree(found, right, slips, what, hint, tolerance=1e-3):
    """Fail unless found is right.

    Args:
        found: array or number, of any shape that `right` has.
        right: array or number.
        slips: list of pairs (wrong result, hint): found equals a wrong result, so it gets that hint.
        what: the result is, in words.
        hint: when no slip fits.
        tolerance: largest difference, as a share of the largest absolute value in `right`.

    Raises:
        CheckFailed: naming the place where they differ most, and both values there.
    """
    found, right = np.asarray(found, "float64"), np.asarray(right, "float64")
    allowed = tolerance * (np.abs(right).max() or 1.0)

    def equal(values):
        values = np.asarray(values, "float64")
        return values.shape == found.shape and np.abs(found - values).max() <= allowed

    if equal(right):
        return
    hint = next((slip for wrong, slip in slips if equal(wrong)), hint)
    place = np.unravel_index(np.argmax(np.abs(found - right)), right.shape) if right.ndim else ()
    where = f" at {tuple(int(k) for k in place)}" if right.size > 1 else ""
    fail(f"{what}: {right[place]:.5g}{where}", f"{found[place]:.5g}", hint)


def measured(guess, value, right, unit, slips, hint, tolerance=1e-3, bounds=None):
    """Fail unless guess is a number and value the right measurement; then say how far off the guess was.

    Args:
        guess: the student's, any finite number.
        value: what the student measured.
        right: what the check measured.
        unit: of the numbers, for the message; "" when there is none.
        slips: list of pairs (wrong number, hint).
        hint: when no slip fits.
        tolerance: largest difference from `right`, in the unit of the number.
        bounds: (smallest, largest) number that a guess can reasonably be, or None.

    Raises:
        CheckFailed: for a guess or a measurement that is no number, a guess out of bounds, or a wrong measurement.
    """
    guess = guessed(guess)
    if bounds and not bounds[0] <= guess <= bounds[1]:
        wanted = f"a guess from {bounds[0]} to {bounds[1]}"
        fail(wanted, f"{guess:.4g}", "In which unit is the number asked for?")
    value = as_number(value, "the measurement")
    unit = f" {unit}" if unit else ""
    if not abs(value - right) <= tolerance:
        near = [(abs(wrong - value), slip) for wrong, slip in slips if abs(wrong - value) <= tolerance]
        wanted = f"the check's own measurement, to within {tolerance:.1g}"  # that number would be the answer
        fail(wanted, f"{value:.4g}", min(near)[1] if near else hint)
    passed(f"measured {right:.4g}{unit}; your guess of {guess:.4g} is off by {abs(guess - right):.3g}")
