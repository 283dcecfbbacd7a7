"""Checks of arguments that several modules share: each returns the value, or raises ValueError with its name."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_array, check_scalar

LARGEST_SEED = 2**32 - 1  # scikit-learn's


def integer(name, value, low, high=None):
    """Return an integer of at least `low` and, where given, at most `high`, as an int; booleans are none."""
    wanted = f"an integer {f'of at least {low}' if high is None else f'from {low} to {high}'}"
    return int(_scalar(name, value, Integral, low, high, wanted, "both"))


def positive(name, value):
    """Return an integer of at least 1 as an int; the message is a sentence that begins with `name`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, not {value!r}.")
    return int(value)


def number(name, value, low, high, wanted, boundaries="both"):
    """Return a finite number from low to high as a float; `boundaries` as in `check_scalar`, `wanted` in words."""
    return float(_scalar(name, value, Real, low, high, wanted, boundaries))


def seed(value):
    """Return a seed: an integer from 0 to 4294967295."""
    return integer("seed", value, 0, LARGEST_SEED)


def matrix(name, values):
    """Return finite numbers of shape (n, d), neither of them 0: float32 as it came, everything else as float64."""
    try:
        return check_array(values, dtype=[np.float64, np.float32], input_name=name)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: finite numbers of shape (n, d) expected. {error}") from error


def labels(name, values, n=None):
    """Return integers of shape (n,) as an array, at least one; n is any number when not given."""
    values = np.asarray(values)
    if values.ndim != 1 or values.size == 0 or len(values) != (n or len(values)) or values.dtype.kind not in "iu":
        raise ValueError(f"{name}: integers of shape ({n or 'n'},) expected, got {values.dtype} {values.shape}.")
    return values


def unit(values):
    """Return an array whose values all lie in [0, 1]."""
    low, high = (values.min(), values.max()) if values.size else (0, 1)
    if not (low >= 0 and high <= 1):
        raise ValueError(f"Values in [{low:.4g}, {high:.4g}] given, [0, 1] expected: scale or clip them.")
    return values


def _scalar(name, value, kind, low, high, wanted, boundaries):
    try:
        if isinstance(value, bool | np.bool_) or not np.isfinite(value):
            raise ValueError
        return check_scalar(value, name, kind, min_val=low, max_val=high, include_boundaries=boundaries)
    except (TypeError, ValueError):
        raise ValueError(f"{name}={value!r}: must be {wanted}.") from None
