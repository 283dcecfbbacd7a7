"""utils.claims: sentences that must be true, results on file, and the budget."""

import json
import platform
import random
from importlib.metadata import version

import keras
import numpy as np
import pytest

from utils import claims, data
from utils.claims import ClaimError, budget, budget_name, claim, record, results, start


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """No variables from outside, no lesson begun, no data loaded."""
    for name in ("AE_BUDGET", "AE_RESULTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(claims, "_lesson", {})
    monkeypatch.setattr(data, "_loaded", [])


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Where results go; its folder does not exist yet."""
    path = tmp_path / "results" / "07.json"
    monkeypatch.setenv("AE_RESULTS", str(path))
    return path


@pytest.fixture
def lesson():
    start("07", seed=5)


@pytest.fixture
def real(lesson):
    """A lesson whose data is what it asked for."""
    data.load("digits")


@pytest.fixture
def stand_in(lesson, tmp_path, monkeypatch):
    """A lesson that asked for MNIST without a file and without a network."""
    monkeypatch.setenv("AE_OFFLINE", "1")
    monkeypatch.setenv("AE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert data.load("mnist").provenance.fallback


def counts():
    return results()["claims"]


# --- the budget


@pytest.mark.parametrize(
    ("variable", "name", "value"), [(None, "full", 10), ("full", "full", 10), ("quick",) * 2 + (1,)]
)
def test_budget(monkeypatch, variable, name, value):
    if variable:
        monkeypatch.setenv("AE_BUDGET", variable)
    assert budget_name() == name
    assert budget(quick=1, full=10) == value


@pytest.mark.parametrize("variable", ["", "Quick", "slow"])
def test_unknown_budgets_are_refused(monkeypatch, variable):
    monkeypatch.setenv("AE_BUDGET", variable)
    for call in (budget_name, lambda: budget(quick=1, full=10), lambda: start("07", seed=5)):
        with pytest.raises(ValueError, match=rf"AE_BUDGET='{variable}': must be 'quick' or 'full'"):
            call()


# --- start


def test_start_says_what_it_does(monkeypatch, capsys):
    monkeypatch.setenv("AE_BUDGET", "quick")
    start("07", seed=5)
    assert capsys.readouterr().out == f"Lesson 07, quick budget, seed 5, Keras {keras.version()}.\n"


def test_start_seeds_python_numpy_and_keras():
    drawn = []
    for seed in (5, 5, 6):
        start("07", seed=seed)
        drawn.append((random.random(), np.random.random(), float(keras.random.uniform(()))))  # noqa: NPY002
    assert drawn[0] == drawn[1]
    assert all(a != b for a, b in zip(drawn[0], drawn[2], strict=True))


def test_start_forgets_the_lesson_before(real):
    record("error", 1, "MSE")
    claim("one is one", True)
    claims.start("08", seed=6)
    assert {key: results()[key] for key in ("lesson", "seed", "data", "metrics", "claims")} == {
        "lesson": "08",
        "seed": 6,
        "data": [],
        "metrics": {},
        "claims": {"held": 0, "skipped": 0},
    }
    record("error", 2, "MSE")  # the name is free again


@pytest.mark.parametrize("call", [lambda: claim("x", True), lambda: record("x", 1, "MSE"), results])
def test_nothing_goes_before_start(call):
    with pytest.raises(RuntimeError, match=r'No lesson has begun: call claims\.start\("01", seed=1\)'):
        call()


# --- claim


@pytest.mark.parametrize("true", [True, np.True_, np.float32(1) < 2, np.allclose([1.0], [1.0])])
def test_a_true_claim_is_printed(lesson, capsys, true):
    capsys.readouterr()
    claim("0.5 is below 1", true)
    assert capsys.readouterr().out == "✔ 0.5 is below 1\n"
    assert counts() == {"held": 1, "skipped": 0}


@pytest.mark.parametrize("false", [False, np.False_, np.float64(2) < 1, np.nan < 1, np.float32(np.nan) >= 0])
def test_a_false_claim_stops_the_lesson(lesson, capsys, false):
    capsys.readouterr()
    with pytest.raises(ClaimError, match=r"^Not true: 2 is below 1$"):
        claim("2 is below 1", false)
    assert capsys.readouterr().out == ""
    assert counts() == {"held": 0, "skipped": 0}
    assert issubclass(ClaimError, AssertionError)


@pytest.mark.parametrize(
    ("condition", "kind"),
    [
        (np.array([True, True]), "ndarray"),
        (np.array(True), "ndarray"),
        ([], "list"),
        (1, "int"),
        (0.5, "float"),
        ("no", "str"),
        (None, "NoneType"),
    ],
)
@pytest.mark.parametrize("needs", [None, "full"])
def test_a_condition_is_one_truth_value(lesson, monkeypatch, condition, kind, needs):
    monkeypatch.setenv("AE_BUDGET", "quick")  # where the claim itself would not be checked
    with pytest.raises(TypeError, match=rf"must be True or False, not {kind}: all are small"):
        claim("all are small", condition, needs=needs)


def test_unknown_needs_are_refused(lesson):
    with pytest.raises(ValueError, match=r"needs='gpu': must be None, 'data' or 'full'"):
        claim("x", True, needs="gpu")


@pytest.mark.parametrize(("budget", "needs"), [("full", None), ("full", "data"), ("full", "full"), ("quick", None)])
def test_claims_are_checked_on_real_data(real, monkeypatch, budget, needs):
    monkeypatch.setenv("AE_BUDGET", budget)
    claim("true", True, needs=needs)
    with pytest.raises(ClaimError):
        claim("false", False, needs=needs)
    assert counts() == {"held": 1, "skipped": 0}


def test_what_needs_data_is_checked_in_the_quick_budget(real, monkeypatch):
    monkeypatch.setenv("AE_BUDGET", "quick")
    with pytest.raises(ClaimError):
        claim("false", False, needs="data")


@pytest.mark.parametrize("condition", [True, False])
def test_what_needs_full_training_is_not_checked_in_the_quick_budget(real, monkeypatch, capsys, condition):
    monkeypatch.setenv("AE_BUDGET", "quick")
    capsys.readouterr()
    claim("better than PCA", condition, needs="full")
    assert capsys.readouterr().out == "· not checked in the quick budget: better than PCA\n"
    assert counts() == {"held": 0, "skipped": 1}


@pytest.mark.parametrize("budget", ["quick", "full"])
@pytest.mark.parametrize("needs", ["data", "full"])
def test_what_needs_data_is_not_checked_on_a_stand_in(stand_in, monkeypatch, capsys, budget, needs):
    monkeypatch.setenv("AE_BUDGET", budget)
    data.load("digits")  # one that is real does not help
    capsys.readouterr()
    claim("MNIST is easy", False, needs=needs)
    assert capsys.readouterr().out == "· not checked on stand-in data: MNIST is easy\n"
    assert counts() == {"held": 0, "skipped": 1}


def test_what_always_holds_is_checked_on_a_stand_in(stand_in):
    with pytest.raises(ClaimError):
        claim("false", False)


# --- record


def test_a_result_is_printed_beside_the_others(lesson, capsys):
    capsys.readouterr()
    record("Ours", 0.0093456, "MSE per pixel", baseline=("PCA-32", 0.0168), paper=("Hinton 2006", 0.5))
    record("Alone", 2, "nats")
    assert capsys.readouterr().out == (
        "Ours: 0.009346 MSE per pixel   (beside: PCA-32: 0.0168; Hinton 2006: 0.5)\nAlone: 2 nats\n"
    )


def test_a_result_on_a_stand_in_says_so(stand_in, capsys):
    capsys.readouterr()
    record("Ours", 1, "nats", baseline=("floor", 0.5))
    assert capsys.readouterr().out == "Ours: 1 nats on stand-in data   (beside: floor: 0.5)\n"


def test_results_on_file(real, file):
    record("Ours", np.float32(0.5), "MSE", baseline=("PCA", np.float64(0.75)), headline=True)
    record("Théirs", 3, "dB", paper=("Hinton", 4), better="higher")
    claim("one is one", True)
    expected = {
        "lesson": "07",
        "budget": "full",
        "data": [
            {
                "requested": "digits",
                "name": "digits",
                "source": data.DIGITS_SOURCE,
                "verified": True,
                "fallback": False,
                "licence": "CC BY 4.0",
            }
        ],
        "seed": 5,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("tensorflow", "keras", "numpy", "scikit-learn")},
        },
        "claims": {"held": 1, "skipped": 0},
        "metrics": {
            "Ours": {
                "value": 0.5,
                "unit": "MSE",
                "baseline": {"name": "PCA", "value": 0.75},
                "paper": None,
                "better": "lower",
                "headline": True,
            },
            "Théirs": {
                "value": 3.0,
                "unit": "dB",
                "baseline": None,
                "paper": {"name": "Hinton", "value": 4.0},
                "better": "higher",
                "headline": False,
            },
        },
    }
    text = file.read_text(encoding="utf-8")
    assert json.loads(text) == expected == results()
    assert "Théirs" in text
    assert list(json.loads(text)["metrics"]) == ["Ours", "Théirs"]
    assert [path.name for path in file.parent.iterdir()] == ["07.json"]  # no half-written file beside it


def test_the_file_follows_every_call(stand_in, file):
    claim("one is one", True)
    assert json.loads(file.read_text(encoding="utf-8"))["claims"] == {"held": 1, "skipped": 0}
    claim("not here", False, needs="data")
    assert json.loads(file.read_text(encoding="utf-8"))["claims"] == {"held": 1, "skipped": 1}
    record("Ours", 1, "MSE")
    saved = json.loads(file.read_text(encoding="utf-8"))
    assert set(saved["metrics"]) == {"Ours"}
    (entry,) = saved["data"]
    assert (entry["requested"], entry["name"], entry["fallback"], entry["verified"]) == ("mnist", "digits", True, False)


def test_nothing_is_written_without_a_file(lesson, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record("Ours", 1, "MSE")
    claim("one is one", True)
    monkeypatch.setenv("AE_RESULTS", "")
    record("Theirs", 1, "MSE")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"value": float("nan")}, "the value is nan, not a finite number"),
        ({"value": np.float32("inf")}, "the value is inf, not a finite number"),
        ({"baseline": ("PCA", float("-inf"))}, "the baseline is -inf, not a finite number"),
        ({"paper": ("Hinton", np.nan)}, "the paper is nan, not a finite number"),
        ({"better": "up"}, "better='up', must be 'lower' or 'higher'"),
    ],
)
def test_results_that_are_refused(lesson, file, settings, message):
    with pytest.raises(ValueError, match=rf"record\('Ours'\): {message}"):
        record(**{"name": "Ours", "value": 1, "unit": "MSE"} | settings)
    assert results()["metrics"] == {}
    assert not file.exists()


def test_a_name_is_recorded_once(lesson):
    record("Ours", 1, "MSE")
    with pytest.raises(ValueError, match=r"record\('Ours'\): this name is recorded already"):
        record("Ours", 2, "MSE")
    assert results()["metrics"]["Ours"]["value"] == 1


def test_a_result_that_cannot_be_written_is_refused_before_it_is_kept(lesson, file):
    with pytest.raises(ValueError, match="the baseline is None"):
        record("a", 1, "MSE", baseline=("PCA", None))
    record("a", 1, "MSE", headline=np.bool_(True))
    assert json.loads(file.read_text(encoding="utf-8"))["metrics"]["a"]["headline"] is True
