"""Claims that a lesson asserts, results that it records, and the budget it runs in.

A lesson calls `start` once, then `budget` for its constants, `claim` where its prose claims something, `record` for
every result that stands beside a baseline or a paper's number, and `finish` at its end. What the full run said, kept
in results/, stands in where a small run cannot know.
"""

import json
import math
import os
import platform
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn")
NUMBER = re.compile(r"[-−+]?(?:\d[\d.,]*(?:e[-+]?\d+)?|\.\d+|\b(?:nan|inf)\b[.,]*)")


class ClaimError(AssertionError):
    """A sentence of a lesson is not true."""


@dataclass
class Lesson:
    """What a lesson has said so far: it lives from one `start` to the next.

    Attributes:
        number: such as "01".
        seed: of the lesson.
        exercises: True for the exercises to the lesson.
        data: Provenances of the data sets loaded, in order.
        metrics: name -> what `record` was given.
        claims: sentence -> True (checked), False (does not hold on the sample) or None (waits for the full budget, or
            for Ray).
        waits: for what claims wait here, in words.
        full: results/NN.json of the full run, {} where there is none.
    """

    number: str
    seed: int
    exercises: bool = False
    data: list = field(default_factory=list)
    metrics: dict = field(default_factory=dict)
    claims: dict = field(default_factory=dict)
    waits: set = field(default_factory=set)
    full: dict = field(default_factory=dict)

    @property
    def on_sample(self):
        """Whether the sample stands in for official data that could not be had."""
        return budget_name() == "full" and any(provenance.fallback for provenance in self.data)

    @property
    def complete(self):
        """Whether this is a full run on the official data."""
        return budget_name() == "full" and not self.on_sample


_lesson = None


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

    >>> EPOCHS = budget(quick=5, full=20)
    """
    return {"quick": quick, "full": full}[budget_name()]


def start(lesson, seed, *, exercises=False):
    """Begin a lesson: seed Python, NumPy and Keras, and forget the lesson before.

    Args:
        lesson: the lesson's number as in its file's name, such as "01".
        seed: integer for `keras.utils.set_random_seed`.
        exercises: True in the exercises to the lesson.
    """
    global _lesson
    name = budget_name()
    keras.utils.set_random_seed(seed)
    path = ROOT / "results" / ("exercises" if exercises else "") / f"{lesson}.json"
    full = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    _lesson = Lesson(lesson, seed, exercises, full=full)
    what = "Exercises" if exercises else "Lesson"
    print(f"{what} {lesson}, {name} budget, seed {seed}, Keras {keras.version()}.")


def note_data(provenance):
    """Note where a data set came from, for the results: `data.load` calls this. Before `start` it does nothing."""
    if _lesson:
        _lesson.data.append(provenance)


def claim(text, condition, *, needs=None):
    """Assert a sentence, and print it.

    Args:
        text: the sentence, with the numbers it speaks of.
        condition: a single truth value.
        needs: None for what holds in every budget; "full" for what needs the official data and the full training;
            "ray" for what needs Ray, which is optional. Where that is missing, such a claim is not checked: it shows
            the sentence that the full run printed, which is the one that differs by its numbers only (nan is one).

    Raises:
        ClaimError: when the condition is false. (Where the sample stands in for the official data in the full
            budget, it is only said.)
        TypeError: when the condition is not a single truth value.
        ValueError: for an unknown `needs`.
    """
    lesson = _started()
    if not isinstance(condition, bool | np.bool_):
        raise TypeError(f"The condition of a claim must be True or False, not {type(condition).__name__}: {text}")
    if needs not in (None, "full", "ray"):
        raise ValueError(f"needs={needs!r}: must be None, 'full' or 'ray'.")
    if (needs == "full" and not lesson.complete) or (needs == "ray" and not find_spec("ray")):
        lesson.claims[text] = None
        wanted = {"full": "the full budget", "ray": "Ray"}[needs]
        lesson.waits.add(wanted)
        print(f"· waits for {wanted}. {_told(lesson, text)}".rstrip())
    elif condition:
        lesson.claims[text] = True
        print(f"✔ {text}")
    elif lesson.on_sample:
        lesson.claims[text] = False
        print(f"· does not hold on the sample: {text}")
    else:
        raise ClaimError(f"Not true: {text}")
    _save()


def record(name, value, unit, *, baseline=None, paper=None, better="lower", headline=False):
    """Record a result beside its baseline and the paper's number, and print them.

    In the quick budget the paper's number stands beside the full run's value, not beside this run's. Recorded again
    under the same name, the later value counts. Where the variable AE_RESULTS names a file, the lesson's results so
    far are written to it as JSON.

    Args:
        name: what was measured, such as "ReLU autoencoder, 32 units, MNIST"; the same words in every budget.
        value: a finite number.
        unit: its unit, such as "MSE per pixel".
        baseline: (name, number) of what it is compared with, or None.
        paper: (citation, number) from the literature, or None.
        better: "lower" or "higher".
        headline: True for the one or two results that stand for the lesson in the README.

    Raises:
        ValueError: for a number that is not finite, or a `better` that is neither.
    """
    lesson = _started()
    for what, number in {"value": (name, value), "baseline": baseline, "paper": paper}.items():
        if number is not None and (number[1] is None or not math.isfinite(number[1])):
            raise ValueError(f"record({name!r}): the {what} is {number[1]}, not a finite number.")
    if better not in ("lower", "higher"):
        raise ValueError(f"record({name!r}): better={better!r}, must be 'lower' or 'higher'.")
    beats = None
    if baseline:
        beats = bool(value < baseline[1] if better == "lower" else value > baseline[1])
    lesson.metrics[name] = {
        "value": float(value),
        "unit": unit,
        "baseline": baseline and {"name": baseline[0], "value": float(baseline[1])},
        "paper": paper and {"name": paper[0], "value": float(paper[1])},
        "better": better,
        "headline": bool(headline),
        "beats": beats,
    }
    here, full = lesson.metrics[name], lesson.full.get("metrics", {}).get(name)
    if lesson.complete:
        print(_words(name, here, "baseline", "paper"))
    else:
        print(_words(name, here, "baseline") + (_words("; the full run", full, "baseline", "paper") if full else ""))
    _save()


def finish():
    """End a lesson: print how many of its claims were checked, and how many headlines beat their baselines."""
    lesson = _started()
    verdicts = list(lesson.claims.values())
    checked, waiting, failed = verdicts.count(True), verdicts.count(None), verdicts.count(False)
    said = [f"{checked} of {len(verdicts)} claims checked"]
    if waiting:
        said.append(f"{waiting} wait{'s' if waiting == 1 else ''} for {' and for '.join(sorted(lesson.waits))}")
    if failed:
        said.append(f"{failed} {'does' if failed == 1 else 'do'} not hold on the sample")
    beats = [metric["beats"] for metric in lesson.metrics.values() if metric["headline"]]
    print(f"{', '.join(said)}. {beats.count(True)} of {len(beats)} headlines beat their baselines.")
    _save()


def results():
    """Return the lesson's results so far, as they are written to JSON."""
    lesson = _started()
    verdicts = list(lesson.claims.values())
    waiting = [text for text, verdict in lesson.claims.items() if verdict is None]
    return {
        "lesson": lesson.number,
        "budget": budget_name(),
        "data": [
            {key: getattr(p, key) for key in ("requested", "name", "source", "verified", "fallback", "licence")}
            for p in lesson.data
        ],
        "seed": lesson.seed,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "claims": {
            "checked": verdicts.count(True),
            "waiting": len(waiting),
            "untold": [text for text in waiting if not _told(lesson, text)],
            "failed": verdicts.count(False),
            "sentences": list(lesson.claims),
        },
        "metrics": lesson.metrics,
    }


def _started():
    if _lesson is None:
        raise RuntimeError('No lesson has begun: call claims.start("01", seed=1) in the parameters cell.')
    return _lesson


def _told(lesson, text):
    """Return what the full run printed in the place of `text`: the sentence with the same words and other numbers."""

    def words(sentence):
        return NUMBER.sub("", sentence).split()

    def like(sentences):
        return [sentence for sentence in sentences if words(sentence) == words(text)]

    said, place = like(lesson.full.get("claims", {}).get("sentences", ())), like(lesson.claims).index(text)
    return f"The full run: {said[place]}" if place < len(said) else ""


def _words(name, metric, *beside):
    others = "; ".join(f"{metric[key]['name']}: {metric[key]['value']:.4g}" for key in beside if metric[key])
    return f"{name}: {metric['value']:.4g} {metric['unit']}" + (f" ({others})" if others else "")


def _save():
    """Write the results so far to AE_RESULTS, where that is set; a reader never sees half a file."""
    if not os.environ.get("AE_RESULTS"):
        return
    path = Path(os.environ["AE_RESULTS"])
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(results(), indent=2, ensure_ascii=False), encoding="utf-8")
    os.replace(part, path)
