"""Claims that a lesson asserts, results that it records, and the budget it runs in.

A lesson calls `start` once, then `budget` for its constants, `claim` where its prose claims something, and
`record` for every result that stands beside a baseline or a paper's number.
"""

import json
import math
import os
import platform
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np

PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn")
_lesson = {}
_data = []


class ClaimError(AssertionError):
    """A sentence of a lesson is not true."""


def budget_name():
    """Return "quick" or "full", from the variable AE_BUDGET (default "full").

    Raises ValueError for any other value.
    """
    name = os.environ.get("AE_BUDGET", "full")
    if name not in ("quick", "full"):
        raise ValueError(f"AE_BUDGET={name!r}: must be 'quick' or 'full'.")
    return name


def budget(*, quick, full):
    """Return one of the two values, by the budget in force: the same code with smaller constants.

    >>> EPOCHS = budget(quick=1, full=10)
    """
    return {"quick": quick, "full": full}[budget_name()]


def start(lesson, seed):
    """Begin a lesson: seed Python, NumPy and Keras, and forget what an earlier lesson recorded.

    Args:
        lesson: the lesson's number as in its file's name, such as "01".
        seed: integer for `keras.utils.set_random_seed`.
    """
    keras.utils.set_random_seed(seed)
    _data.clear()
    _lesson.clear()
    _lesson.update(lesson=lesson, seed=seed, metrics={}, claims={"held": 0, "skipped": 0})
    print(f"Lesson {lesson}, {budget_name()} budget, seed {seed}, Keras {keras.version()}.")


def note_data(provenance):
    """Note what `utils.data` loaded, for the lesson's results."""
    _data.append(provenance)


def _started():
    if not _lesson:
        raise RuntimeError('No lesson has begun: call claims.start("01", seed=1) in the parameters cell.')
    return _lesson


def claim(text, condition, *, needs=None):
    """Assert a sentence, and print it.

    Args:
        text: the sentence, with the numbers it speaks of.
        condition: a single truth value.
        needs: None for what holds always; "data" for what holds on the real data, whatever the budget; "full"
            for what holds on the real data after the full training. Where that is not given the claim is not
            checked, and says so.

    Raises:
        ClaimError: when the condition is false.
        TypeError: when the condition is not a single truth value.
        ValueError: for an unknown `needs`.
    """
    lesson = _started()
    if not isinstance(condition, bool | np.bool_):
        raise TypeError(f"The condition of a claim must be True or False, not {type(condition).__name__}: {text}")
    if needs not in (None, "data", "full"):
        raise ValueError(f"needs={needs!r}: must be None, 'data' or 'full'.")
    missing = None
    if needs and _on_stand_ins():
        missing = "on stand-in data"
    elif needs == "full" and budget_name() == "quick":
        missing = "in the quick budget"
    if missing:
        lesson["claims"]["skipped"] += 1
        print(f"· not checked {missing}: {text}")
        _save()
        return
    if not condition:
        raise ClaimError(f"Not true: {text}")
    lesson["claims"]["held"] += 1
    print(f"✔ {text}")
    _save()


def _on_stand_ins():
    return any(provenance.fallback for provenance in _data)


def record(name, value, unit, *, baseline=None, paper=None, better="lower", headline=False):
    """Record a result beside its baseline and the paper's number, and print the three.

    Where the variable AE_RESULTS names a file, the lesson's results so far are written to it as JSON.

    Args:
        name: what was measured, such as "ReLU autoencoder, 32 units, MNIST".
        value: a finite number.
        unit: its unit, such as "MSE per pixel".
        baseline: (name, number) of what it is compared with, or None.
        paper: (citation, number) from the literature, or None.
        better: "lower" or "higher".
        headline: True for the one or two results that stand for the lesson in the README.

    Raises:
        ValueError: for a number that is not finite, a `better` that is neither, or a name recorded twice.
    """
    lesson = _started()
    numbers = {"value": value, "baseline": baseline and baseline[1], "paper": paper and paper[1]}
    for what, number in numbers.items():
        given = {"baseline": baseline, "paper": paper}.get(what, True)
        if given is not None and (number is None or not math.isfinite(number)):
            raise ValueError(f"record({name!r}): the {what} is {number}, not a finite number.")
    if better not in ("lower", "higher"):
        raise ValueError(f"record({name!r}): better={better!r}, must be 'lower' or 'higher'.")
    if name in lesson["metrics"]:
        raise ValueError(f"record({name!r}): this name is recorded already; give every result its own.")
    beside = {
        key: pair and {"name": pair[0], "value": float(pair[1])}
        for key, pair in {"baseline": baseline, "paper": paper}.items()
    }
    lesson["metrics"][name] = {
        "value": float(value),
        "unit": unit,
        **beside,
        "better": better,
        "headline": bool(headline),
    }
    others = "; ".join(f"{pair['name']}: {pair['value']:.4g}" for pair in beside.values() if pair)
    where = " on stand-in data" if _on_stand_ins() else ""
    print(f"{name}: {value:.4g} {unit}{where}" + (f"   (beside: {others})" if others else ""))
    _save()


def results():
    """Return the lesson's results so far, as they are written to JSON."""
    lesson = _started()
    return {
        "lesson": lesson["lesson"],
        "budget": budget_name(),
        "data": [
            {
                "requested": p.requested,
                "name": p.name,
                "source": p.source,
                "verified": p.verified,
                "fallback": p.fallback,
                "licence": p.licence,
            }
            for p in _data
        ],
        "seed": lesson["seed"],
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "claims": lesson["claims"],
        "metrics": lesson["metrics"],
    }


def _save():
    """Write the results so far to AE_RESULTS, where that is set; a reader never sees half a file."""
    if not os.environ.get("AE_RESULTS"):
        return
    path = Path(os.environ["AE_RESULTS"])
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(results(), indent=2, ensure_ascii=False), encoding="utf-8")
    os.replace(part, path)
