"""utils.claims: sentences that must be true, results on file, and the budget."""

import json
import platform
import random
from importlib.metadata import version
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from utils import claims
from utils.claims import ClaimError, budget, budget_name, claim, record, results, start


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """No variables from outside, no lesson begun, no results of a full run."""
    for name in ("AE_BUDGET", "AE_RESULTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(claims, "_lesson", None)
    monkeypatch.setattr(claims, "ROOT", tmp_path)


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
def sample(lesson):
    """A lesson that asked for MNIST where it could not be had."""
    claims.note_data(provenance(verified=True, fallback=True))


@pytest.fixture
def full_run(tmp_path):
    """A function that writes what the full run of lesson 07 is to have left."""

    def write(sentences=(), metrics=None, folder="results"):
        path = tmp_path / folder / "07.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        saved = {"claims": {"sentences": list(sentences)}, "metrics": metrics or {}}
        path.write_text(json.dumps(saved), encoding="utf-8")

    return write


def provenance(**changes):
    """What `data.load` notes."""
    entry = {"requested": "mnist", "name": "mnist", "source": "mnist.npz", "verified": True, "fallback": False}
    return SimpleNamespace(**entry | {"licence": "CC BY-SA 3.0"} | changes)


def counts():
    return {key: results()["claims"][key] for key in ("checked", "waiting", "failed")}


NONE = {"checked": 0, "waiting": 0, "failed": 0}


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


def test_start_forgets_the_lesson_before(lesson):
    claims.note_data(provenance())
    record("error", 1, "MSE")
    claim("one is one", True)
    claims.start("08", seed=6)
    assert {key: results()[key] for key in ("lesson", "seed", "data", "metrics", "claims")} == {
        "lesson": "08",
        "seed": 6,
        "data": [],
        "metrics": {},
        "claims": NONE | {"untold": [], "sentences": []},
    }


@pytest.mark.parametrize("call", [lambda: claim("x", True), lambda: record("x", 1, "MSE"), results, claims.finish])
def test_nothing_goes_before_start(call):
    with pytest.raises(RuntimeError, match=r'No lesson has begun: call claims\.start\("01", seed=1\)'):
        call()


# --- claim


@pytest.mark.parametrize("true", [True, np.True_, np.float32(1) < 2, np.allclose([1.0], [1.0])])
def test_a_true_claim_is_printed(lesson, capsys, true):
    capsys.readouterr()
    claim("0.5 is below 1", true)
    assert capsys.readouterr().out == "✔ 0.5 is below 1\n"
    assert counts() == NONE | {"checked": 1}


@pytest.mark.parametrize("false", [False, np.False_, np.float64(2) < 1, np.nan < 1, np.float32(np.nan) >= 0])
def test_a_false_claim_stops_the_lesson(lesson, capsys, false):
    capsys.readouterr()
    with pytest.raises(ClaimError, match=r"^Not true: 2 is below 1$"):
        claim("2 is below 1", false)
    assert capsys.readouterr().out == ""
    assert counts() == NONE
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
    with pytest.raises(ValueError, match=r"needs='gpu': must be None, 'full' or 'ray'"):
        claim("x", True, needs="gpu")


@pytest.mark.parametrize("budget", ["full", "quick"])
def test_what_needs_ray_waits_only_without_it(lesson, monkeypatch, capsys, budget):
    monkeypatch.setenv("AE_BUDGET", budget)
    monkeypatch.setattr(claims, "find_spec", lambda name: None)
    claim("two workers are nan times as fast", False, needs="ray")
    assert "waits for Ray" in capsys.readouterr().out
    assert claims.results()["claims"]["checked"] == 0
    claims.finish()
    assert "1 waits for Ray" in capsys.readouterr().out
    monkeypatch.setattr(claims, "find_spec", lambda name: object())
    claim("two workers are 1.5 times as fast", True, needs="ray")
    with pytest.raises(ClaimError):
        claim("two workers are 0.5 times as fast", False, needs="ray")


@pytest.mark.parametrize(("budget", "needs"), [("full", None), ("full", "full"), ("quick", None)])
def test_claims_are_checked(lesson, monkeypatch, budget, needs):
    monkeypatch.setenv("AE_BUDGET", budget)
    claims.note_data(provenance())
    claim("true", True, needs=needs)
    with pytest.raises(ClaimError):
        claim("false", False, needs=needs)
    assert counts() == NONE | {"checked": 1}


@pytest.mark.parametrize("condition", [True, False])
def test_what_waits_shows_no_number_of_this_run(lesson, monkeypatch, capsys, condition):
    monkeypatch.setenv("AE_BUDGET", "quick")
    capsys.readouterr()
    claim("PCA's error is cut by -39%", condition, needs="full")
    assert capsys.readouterr().out == "· waits for the full budget.\n"
    assert counts() == NONE | {"waiting": 1}
    assert results()["claims"]["untold"] == ["PCA's error is cut by -39%"]


def test_what_waits_shows_the_full_runs_sentence(full_run, monkeypatch, capsys):
    full_run(["An epoch takes 3.5 s", "d = 2: 1.5e-3 of PCA", "d = 4: .5 of PCA", "Errors [0.1 2. ]"])
    monkeypatch.setenv("AE_BUDGET", "quick")
    start("07", seed=5)
    capsys.readouterr()
    for _ in range(2):  # a cell may run twice
        for text in ("Errors [-9. inf]", "An epoch takes nan, s", "d = 2: -3 of PCA", "d = 4: 17 of PCA"):
            claim(text, False, needs="full")
    expected = ["Errors [0.1 2. ]", "An epoch takes 3.5 s", "d = 2: 1.5e-3 of PCA", "d = 4: .5 of PCA"]
    printed = capsys.readouterr().out.splitlines()
    assert printed == 2 * [f"· waits for the full budget. The full run: {sentence}" for sentence in expected]
    assert counts() == NONE | {"waiting": 4}
    assert results()["claims"]["untold"] == []


def test_exercises_have_a_full_run_of_their_own(full_run, monkeypatch, capsys):
    full_run(["1 of the lesson"])
    full_run(["2 of the exercises"], folder="results/exercises")
    monkeypatch.setenv("AE_BUDGET", "quick")
    start("07", seed=5, exercises=True)
    claim("3 of the exercises", False, needs="full")
    out = capsys.readouterr().out
    assert out.startswith("Exercises 07, quick budget")
    assert out.endswith("The full run: 2 of the exercises\n")


def test_the_sample_in_the_full_budget_refutes_nothing(sample, capsys):
    capsys.readouterr()
    claim("true", True)
    claim("the official data are better", False)
    claim("60,000 images are needed", False, needs="full")
    assert capsys.readouterr().out.splitlines() == [
        "✔ true",
        "· does not hold on the sample: the official data are better",
        "· waits for the full budget.",
    ]
    assert counts() == {"checked": 1, "waiting": 1, "failed": 1}


# --- record


def test_a_result_is_printed_beside_the_others(lesson, capsys):
    capsys.readouterr()
    record("Ours", 0.0093456, "MSE per pixel", baseline=("PCA-32", 0.0168), paper=("Hinton 2006", 0.5))
    record("Alone", 2, "nats")
    assert capsys.readouterr().out == "Ours: 0.009346 MSE per pixel (PCA-32: 0.0168; Hinton 2006: 0.5)\nAlone: 2 nats\n"


def test_a_papers_number_stands_beside_the_full_runs(full_run, monkeypatch, capsys):
    paper, metric = ("Hinton 2006", 3), {"value": 2.68, "unit": "error", "baseline": {"name": "PCA", "value": 13.9}}
    full_run(metrics={"Ours": metric | {"paper": {"name": "Hinton 2006", "value": 3.0}}})
    monkeypatch.setenv("AE_BUDGET", "quick")
    start("07", seed=5)
    capsys.readouterr()
    record("Ours", 6.5, "error", baseline=("PCA", 13.8), paper=paper)
    record("New", 6.5, "error", paper=paper)
    assert capsys.readouterr().out.splitlines() == [
        "Ours: 6.5 error (PCA: 13.8); the full run: 2.68 error (PCA: 13.9; Hinton 2006: 3)",
        "New: 6.5 error",
    ]


@pytest.mark.parametrize(
    ("value", "better", "beats"), [(1, "lower", True), (1, "higher", False), (2, "lower", False), (3, "higher", True)]
)
def test_a_result_beats_its_baseline_or_not(lesson, value, better, beats):
    record("Ours", value, "dB", baseline=("linear", 2), better=better)
    record("Alone", value, "dB", better=better)
    assert [results()["metrics"][name]["beats"] for name in ("Ours", "Alone")] == [beats, None]


def test_results_on_file(lesson, file):
    claims.note_data(provenance())
    record("Ours", np.float32(0.5), "MSE", baseline=("PCA", np.float64(0.75)), headline=True)
    record("Théirs", 3, "dB", paper=("Hinton", 4), better="higher")
    claim("one is one", True)
    expected = {
        "lesson": "07",
        "budget": "full",
        "data": [vars(provenance())],
        "seed": 5,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("tensorflow", "keras", "numpy", "scikit-learn")},
        },
        "claims": {"checked": 1, "waiting": 0, "untold": [], "failed": 0, "sentences": ["one is one"]},
        "metrics": {
            "Ours": {
                "value": 0.5,
                "unit": "MSE",
                "baseline": {"name": "PCA", "value": 0.75},
                "paper": None,
                "better": "lower",
                "headline": True,
                "beats": True,
            },
            "Théirs": {
                "value": 3.0,
                "unit": "dB",
                "baseline": None,
                "paper": {"name": "Hinton", "value": 4.0},
                "better": "higher",
                "headline": False,
                "beats": None,
            },
        },
    }
    text = file.read_text(encoding="utf-8")
    assert json.loads(text) == expected == results()
    assert "Théirs" in text
    assert list(json.loads(text)["metrics"]) == ["Ours", "Théirs"]
    assert [path.name for path in file.parent.iterdir()] == ["07.json"]  # no half-written file beside it


def test_the_file_follows_every_call(sample, file):
    def saved():
        return json.loads(file.read_text(encoding="utf-8"))

    claim("one is one", True)
    assert saved()["claims"]["sentences"] == ["one is one"]
    claim("not here", False, needs="full")
    assert saved()["claims"]["waiting"] == 1
    record("Ours", 1, "MSE")
    assert set(saved()["metrics"]) == {"Ours"}
    assert saved()["data"] == [vars(provenance(fallback=True))]


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


def test_a_cell_may_run_twice(lesson):
    for value in (1, 2):
        record("Ours", value, "MSE")
        claim("one is one", True)
    assert results()["metrics"]["Ours"]["value"] == 2
    assert counts() == NONE | {"checked": 1}


def test_a_result_that_cannot_be_written_is_refused_before_it_is_kept(lesson, file):
    with pytest.raises(ValueError, match="the baseline is None"):
        record("a", 1, "MSE", baseline=("PCA", None))
    record("a", 1, "MSE", headline=np.bool_(True))
    assert json.loads(file.read_text(encoding="utf-8"))["metrics"]["a"]["headline"] is True


# --- finish


def test_the_end_counts(lesson, monkeypatch, capsys):
    monkeypatch.setenv("AE_BUDGET", "quick")
    claim("one is one", True)
    claim("more data, better", False, needs="full")
    record("Ours", 1, "MSE", baseline=("PCA", 2), headline=True)
    record("Worse", 3, "MSE", baseline=("PCA", 2), headline=True)
    record("Beside", 3, "MSE", baseline=("PCA", 2))
    capsys.readouterr()
    claims.finish()
    counted = "1 of 2 claims checked, 1 waits for the full budget. 1 of 2 headlines beat their baselines.\n"
    assert capsys.readouterr().out == counted


def test_the_end_tells_what_failed_on_the_sample(sample, capsys):
    claim("large", False)
    claims.finish()
    assert "0 of 1 claims checked, 1 does not hold on the sample." in capsys.readouterr().out
