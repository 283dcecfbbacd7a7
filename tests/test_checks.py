"""What the checks of all lessons share; each lesson's own checks are tested in test_checks_NN.py."""

import contextlib
import importlib
import inspect
import io
import warnings

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

import utils  # noqa: F401 (before TensorFlow, which it tells to start quietly)

import keras  # isort: skip
from checks import CheckFailed
from checks.base import agree, as_array, as_number, call, guessed, measured
from scripts.project import ROOT

NAN = float("nan")


def rejected(expected, found, hint, function, *args, **kwargs):
    """Assert that the function fails, and what the three lines of its message hold."""
    with pytest.raises(CheckFailed) as caught:
        function(*args, **kwargs)
    empty, *lines = str(caught.value).split("\n")
    assert empty == ""
    for line, name, part in zip(
        lines, ("Expected: ", "Found:    ", "Hint:     "), (expected, found, hint), strict=True
    ):
        assert line.startswith(name)
        assert part in line


def raising(error):
    """Return a function that raises."""

    def function(*args):
        raise error

    return function


def test_call_passes_arguments_and_result():
    assert call(lambda a, b: a - b, 5, b=2) == 3


def test_call_is_quiet(recwarn):
    assert call(lambda: np.float64(1) / np.float64(0)) == np.inf
    assert call(lambda: warnings.warn("look", stacklevel=1)) is None
    assert not recwarn


def test_an_unsolved_stub_gives_its_own_hint():
    rejected("an answer", "not solved yet", "think of x", call, raising(NotImplementedError("hint: think of x")))


def test_an_unsolved_layer_gives_its_own_hint_too():
    class Unsolved(keras.layers.Layer):
        def call(self, x):
            raise NotImplementedError("hint: think of x")

    rejected("an answer", "not solved yet", "think of x", call, Unsolved(), np.zeros((2, 3)))


@pytest.mark.parametrize("error", [ValueError("no"), NotImplementedError("Keras has no such thing"), TypeError("no")])
def test_an_error_in_the_answer_is_named(error):
    rejected("runs", f"{type(error).__name__}: {error}", "of your cell: raise error", call, raising(error))


def test_a_long_error_is_cut_and_without_the_images_that_it_prints():
    def function(x):
        return keras.Sequential([keras.Input((784,)), keras.layers.Dense(3)])(x)

    with pytest.raises(CheckFailed) as caught:
        call(function, np.zeros((64, 28, 28, 1), "float32"))
    assert "input [...] with" in str(caught.value)
    assert "Expected shape (None, 784), but input has incompatible shape (64, 28, 28, 1)" in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert "Arguments received" not in str(caught.value)
    rejected("runs", "x ...", "your cell", call, raising(ValueError("x " * 1000)))


def in_place(x, y):
    y -= 1
    return y


def test_a_function_must_not_change_its_arguments():
    x = np.array([1.0, NAN])
    rejected("leaves its arguments", "changed", "x = x - 1", call, in_place, x, x.copy())
    assert call(lambda x, y: y - 1, x, 3) == 2
    assert call(in_place, x, 3) == 2
    rejected("leaves its arguments", "changed", "a copy", call, lambda x: x.sort(), np.array([2, 1]))


@pytest.mark.parametrize(
    "value", [[[1, 2]], ((1, 2),), np.array([[1, 2]], "float32"), keras.ops.convert_to_tensor([[1.0, 2.0]])]
)
def test_arrays_may_come_as_anything_that_holds_numbers(value):
    array = as_array(value, (1, 2), "the codes", "a row")
    assert array.dtype == "float64"
    assert array.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("value", "found", "hint"),
    [
        (None, "None", "return"),
        ([1, 2], "shape (2,)", "a row"),
        ("text", "str", "a row"),
        ([["1", "2"]], "list", "a row"),
        (len, "builtin", "a row"),
        ([[1, [2]]], "list", "a row"),
        ([[1, NAN]], "1 that are NaN", "a row"),
        ([[np.inf, NAN]], "2 that are NaN", "a row"),
    ],
)
def test_what_is_no_such_array(value, found, hint):
    rejected("the codes: ", found, hint, as_array, value, (1, 2), "the codes", "a row")


@pytest.mark.parametrize("value", [3, 3.0, np.float32(3), np.array([3]), keras.ops.convert_to_tensor(3.0)])
def test_numbers_may_come_as_anything_that_holds_one(value):
    assert as_number(value, "n") == guessed(value) == 3
    assert isinstance(as_number(value, "n"), float)


@pytest.mark.parametrize("value", [None, True, "3", [1, 2], [[1, 2], 3], [], NAN, np.inf, len, {}, 1j])
def test_what_is_no_number(value):
    for function in (guessed, lambda v: as_number(v, "a guess")):
        with pytest.raises(CheckFailed, match="a guess: "):
            function(value)


def test_agreement_is_relative_to_the_largest_number():
    agree([1000.5, 1e-9], [1000, 0], [], "x", "")
    agree([0, 0], [0, 0], [], "x", "")
    rejected("x: 1000 at (0,)", "1002", "look", agree, [1002, 0], [1000, 0], [], "x", "look")
    rejected("x: 2", "3", "look", agree, 3, 2, [], "x", "look")
    agree(2.1, 2, [], "x", "", tolerance=0.1)


def test_a_known_slip_gives_its_hint():
    slips = [([1, 2, 3], "another shape"), ([2, 4], "twice"), ([2, 4], "later"), ([0, 0], "nothing")]
    rejected("x: 2 at (1,)", "4", "twice", agree, [2, 4], [1, 2], slips, "x", "look")
    rejected("x: 2 at (1,)", "0", "nothing", agree, [0, 0], [1, 2], slips, "x", "look")
    rejected("x: 2 at (1,)", "7", "look", agree, [1, 7], [1, 2], slips, "x", "look")


def test_a_measurement_is_judged_and_a_guess_is_not(capsys):
    measured(3, 2.0004, 2, "dB", [], "look")
    assert capsys.readouterr().out == "✔ measured 2 dB; your guess of 3 is off by 1\n"
    measured(-1e6, 2, 2, "", [], "look", tolerance=0.5)


def test_a_guess_out_of_bounds():
    measured(1, 0.5, 0.5, "", [], "", bounds=(0, 1))
    rejected("a guess from 0 to 1", "50", "unit", measured, 50, 0.5, 0.5, "", [], "", bounds=(0, 1))


def test_a_notebook_shows_the_message_alone():
    """The traceback would show the checks' source, and with it solutions."""
    with pytest.raises(CheckFailed) as caught:
        agree(3, 2, [], "x", "look")
    (shown,) = caught.value._render_traceback_()
    assert shown == "CheckFailed: \nExpected: x: 2\nFound:    3\nHint:     look"
    shell = InteractiveShell.instance()
    lines = "from checks.base import agree\nagree(3, 2, [], 'x', 'look')"
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert not shell.run_cell(lines).success
    assert "look" in out.getvalue()
    assert "base.py" not in out.getvalue()


def test_wrong_measurements():
    slips = [(4.0, "twice"), (1.0, "half"), (1.0004, "nearly half")]
    rejected("to within 0.001", "4", "twice", measured, 3, 4, 2, "dB", slips, "look")
    rejected("to within 0.001", "1", "half", measured, 3, 1.0001, 2, "dB", slips, "look")
    rejected("to within 0.001", "7", "look", measured, 3, 7, 2, "dB", slips, "look")
    rejected("the measurement: one number", "None", "to be done", measured, 3, None, 2, "dB", slips, "look")
    rejected("a guess: one number", "None", "to be done", measured, None, 2, 2, "dB", slips, "look")


def implemented():
    """Return the public checks of all lessons that are given functions, each with the number that it takes."""
    found = []
    for path in sorted((ROOT / "checks").glob("lesson_*.py")):
        module = importlib.import_module(f"checks.{path.stem}")
        for name, check in inspect.getmembers(module, inspect.isfunction):
            names = list(inspect.signature(check).parameters)
            if check.__module__ == module.__name__ and not name.startswith("_") and names[0] != "guess":
                found.append(pytest.param(check, len(names), id=f"{path.stem}: {name}"))
    return found


@pytest.mark.parametrize("wrong", [[[1], [1, 2]], ([1], [[2], 3]), 3, "text", {}, (1, 2), 1j], ids=repr)
@pytest.mark.parametrize(("check", "count"), implemented())
def test_whatever_an_answer_returns_no_check_breaks(check, count, wrong):
    with pytest.raises(CheckFailed):
        check(*[lambda *args, **kwargs: wrong] * count)
