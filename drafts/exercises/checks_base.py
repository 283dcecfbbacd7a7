"""What all checks of the exercises share: a failure that says what was expected, what was found, and a hint."""

import numbers

import numpy as np


class CheckFailed(AssertionError):
    """An exercise's answer is not right yet. The message says what was expected, what was found, and gives a hint."""


def fail(expected, found, hint):
    """Raise CheckFailed with a message of three lines."""
    raise CheckFailed(f"\nExpected: {expected}\nFound:    {found}\nHint:     {hint}")


def call(function, *args, **kwargs):
    """Return what a student's function gives; its own exceptions become a CheckFailed that names them."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        if isinstance(error, NotImplementedError) and str(error).startswith("hint: "):  # the stub, not Keras' own
            fail("an answer", "the exercise is not solved yet", str(error).removeprefix("hint: "))
        fail("a function that runs", f"{type(error).__name__}: {error}", "Read the last line of the error.")


def passed(what):
    """Print one line."""
    print(f"✔ {what}")


def as_array(value, shape, what, hint):
    """Return a student's result as float64 of the wanted shape, or fail."""
    wanted = f"{what}: numbers of shape {shape}"
    if value is None:
        fail(wanted, "None", "Does the function end with a return?")
    try:
        array = np.asarray(value, "float64")
    except Exception as error:
        fail(wanted, f"{type(value).__name__} ({type(error).__name__}: {error})", hint)
    if array.shape != shape:
        fail(wanted, f"shape {array.shape}", hint)
    if not np.isfinite(array).all():
        fail(f"{what}: finite numbers", f"{np.count_nonzero(~np.isfinite(array))} that are NaN or infinite", hint)
    return array


def compare(found, right, slips, what, hint, atol=1e-4):
    """Fail unless found is right; a known slip, a pair (its result, its hint), gets a hint of its own."""
    if np.allclose(found, right, rtol=1e-3, atol=atol):
        return
    first = np.unravel_index(np.argmax(np.abs(found - right)), right.shape) if right.shape else ()
    for wrong, why in slips:
        if np.shape(wrong) == right.shape and np.allclose(found, wrong, rtol=1e-3, atol=atol):
            hint = why
            break
    where = f" at {tuple(int(k) for k in first)}" if first else ""
    fail(f"{what}: {right[first]:.4g}{where}", f"{found[first]:.4g}", hint)


def as_number(name, value):
    """Return a student's number as a float, or fail."""
    if value is None:
        fail(f"a number as {name}", "None", f"Give {name} a value. Every number is accepted as a guess.")
    try:
        number = float(value)
    except Exception as error:
        fail(f"a number as {name}", f"{type(value).__name__} ({error})", "One plain number, no text and no list.")
    if not np.isfinite(number):
        fail(f"a finite number as {name}", str(number), "Print the parts that it is made of.")
    return number


def measured_well(guess, measured, right, tolerance, unit, slips, hint):
    """Fail unless the measurement is right; then say how far off the guess was."""
    guess, measured = as_number("guess", guess), as_number("measured", measured)
    if abs(measured - right) > tolerance:
        for wrong, why in slips:
            if abs(measured - wrong) <= tolerance:
                hint = why
                break
        fail(f"a measurement within {tolerance:.2g} of the check's own", f"{measured:.4g} {unit}", hint)
    passed(f"Measured: {measured:.4g} {unit}. Your guess of {guess:.4g} is off by {abs(guess - measured):.3g}.")


def as_numbers(value, shape, what, hint):
    """Return a student's result as a float64 array of the given shape, all finite, or fail."""
    try:
        found = np.asarray(value, "float64")
    except Exception:
        fail(f"{what}: numbers of shape {shape}", f"{type(value).__name__}", hint)
    if found.shape != tuple(shape):
        fail(f"{what} of shape {tuple(shape)}", f"shape {found.shape}", hint)
    if not np.isfinite(found).all():
        fail(f"{what}: finite numbers", f"{np.count_nonzero(~np.isfinite(found))} of them NaN or infinite", hint)
    return found


def one_number(value, what, hint):
    """Return a student's number as a float, or fail."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real | np.ndarray | np.generic):
        fail(f"{what}: one number", repr(value), hint)
    return float(as_numbers(np.squeeze(value), (), what, hint))


def guessed(guess):
    """Return the guess as a float, or fail: any number is accepted."""
    return one_number(guess, "a guess", "Any number will do, but write one down before you measure.")


def agree(found, expected, slips, what, hint, tolerance=1e-3):
    """Fail unless `found` is `expected`; the hint is that of the slip {hint: result} which `found` equals, if any."""
    scale = np.abs(expected).max() or 1.0

    def off(values):
        return np.abs(found - values).max() / scale

    if off(expected) <= tolerance:
        return
    for slip, result in slips.items():
        if np.shape(result) == np.shape(found) and off(result) <= tolerance:
            hint = slip
            break
    one = np.size(found) == 1
    where = f"{float(found):.5g}" if one else f"values that differ by up to {np.abs(found - expected).max():.3g}"
    fail(f"{what}{'' if one else ', as computed by another way'}", where, hint)


def guessed_number(value, what="the guess"):
    """Fail unless value is one finite number; any such number is accepted as a guess."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not np.isfinite(value):
        fail(f"one number as {what}", repr(value), "Any number will do as a guess. Write it down before you measure.")
