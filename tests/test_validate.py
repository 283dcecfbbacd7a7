"""utils.validate: what passes, and what is refused with its name and value."""

import re

import numpy as np
import pytest

from utils import validate


def test_good_arguments_come_back_as_plain_numbers_and_arrays():
    for value in (3, np.int64(3), np.uint8(3)):
        assert type(validate.integer("n", value, 1, 3)) is int
    assert type(validate.number("p", np.float32(0.5), 0, 1, "a share")) is float
    assert validate.number("p", 1, 0, 1, "a share") == 1
    assert validate.seed(0) == 0
    assert validate.seed(2**32 - 1) == 2**32 - 1
    assert validate.matrix("x", [[1, 2]]).dtype == np.float64
    assert validate.matrix("x", np.ones((2, 1), "float32")).dtype == np.float32
    assert validate.labels("y", [1, 2], 2).tolist() == [1, 2]
    assert validate.unit(np.array([0.0, 1.0])).tolist() == [0, 1]


@pytest.mark.parametrize("value", [0, 4, 2.0, "2", None, True, np.True_, np.nan, [2]])
def test_bad_integers_are_refused(value):
    with pytest.raises(ValueError, match=r"n=.*: must be an integer from 1 to 3\."):
        validate.integer("n", value, 1, 3)


@pytest.mark.parametrize("value", [-0.1, 1.1, "0.5", None, False, np.nan, np.inf])
def test_bad_numbers_are_refused(value):
    with pytest.raises(ValueError, match=r"p=.*: must be a share\."):
        validate.number("p", value, 0, 1, "a share")


@pytest.mark.parametrize("value", [0, 1])
def test_boundaries_may_be_left_out(value):
    with pytest.raises(ValueError, match="p="):
        validate.number("p", value, 0, 1, "inside", boundaries="neither")


@pytest.mark.parametrize("value", [-1, 2**32, None, True, 1.0])
def test_bad_seeds_are_refused(value):
    with pytest.raises(ValueError, match="seed="):
        validate.seed(value)


BAD_MATRICES = (1.0, [1.0], [[[1.0]]], [[]], np.zeros((0, 2)), [["a"]], [[None]], [[np.nan]], [[np.inf]], [[1j]])


@pytest.mark.parametrize("values", BAD_MATRICES, ids=range(len(BAD_MATRICES)))
def test_bad_matrices_are_refused(values):
    with pytest.raises(ValueError, match=r"x: finite numbers of shape \(n, d\) expected"):
        validate.matrix("x", values)


@pytest.mark.parametrize("values", [[], 1, [[1, 2]], [1.0, 2.0], [True, False], ["a", "b"], [1, 2, 3]])
def test_bad_labels_are_refused(values):
    with pytest.raises(ValueError, match=r"y: integers of shape \(2,\) expected"):
        validate.labels("y", values, 2)


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan])
def test_values_beyond_the_unit_interval_are_refused(bad):
    with pytest.raises(ValueError, match=r"given, \[0, 1\] expected: scale or clip them"):
        validate.unit(np.array([0.5, bad]))


@pytest.mark.parametrize("value", [0, -1, 1.0, "1", None, True, np.True_])
def test_only_positive_integers_are_positive(value):
    assert type(validate.positive("n", np.int64(3))) is int
    with pytest.raises(ValueError, match=rf"^The size must be a positive integer, not {re.escape(repr(value))}\.$"):
        validate.positive("The size", value)
