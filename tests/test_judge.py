"""utils.judge: trained once, kept, the same again; and it refuses what is no image."""

import dataclasses

import keras
import numpy as np
import pytest

from utils import data
from utils import judge as module
from utils.judge import judge


@pytest.fixture(scope="module")
def digits():
    """A part of the sample."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AE_BUDGET", "quick")
        whole = data.load("mnist")
    parts = {key: getattr(whole, key)[: 1440 if "train" in key else 360] for key in data.KEYS}
    return dataclasses.replace(whole, **parts)


@pytest.fixture(autouse=True)
def _small(monkeypatch, tmp_path):
    """A tiny training, and a cache of its own."""
    monkeypatch.setenv("AE_BUDGET", "quick")
    recipe = {"images": 1_000, "epochs": 3, "batch_size": 50, "learning_rate": 3e-3}
    monkeypatch.setitem(module.RECIPE, "quick", recipe)
    monkeypatch.setattr(module, "_cache_folder", lambda: tmp_path / "cache")
    keras.utils.set_random_seed(0)


@pytest.fixture
def trainings(monkeypatch):
    """Count them."""
    calls, train = [], module._train
    monkeypatch.setattr(module, "_train", lambda *arguments: (calls.append(1), train(*arguments)))
    return calls


def test_the_judge_knows_digits(digits):
    found = judge(digits, seed=1)
    assert found.accuracy > 0.8
    probabilities, features = found.predict(digits.x_test), found.features(digits.x_test)
    assert probabilities.shape == (360, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert found.accuracy == np.mean(probabilities.argmax(axis=1) == digits.y_test)
    assert features.shape == (360, module.FEATURES)
    assert features.min() == 0  # ReLU
    kernel, bias = (np.asarray(values) for values in found.model.layers[-1].weights)
    logits = features @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


def test_the_second_judge_comes_from_the_cache_and_is_the_same(digits, trainings, tmp_path):
    first = judge(digits, seed=1).features(digits.x_test)
    second = judge(digits, seed=1).features(digits.x_test)
    assert len(trainings) == 1
    np.testing.assert_array_equal(first, second)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".npz"]  # no half-written file


def test_the_same_seed_trains_the_same_judge(digits, trainings, tmp_path):
    first = judge(digits, seed=1).predict(digits.x_test)
    for path in (tmp_path / "cache").iterdir():
        path.unlink()
    keras.utils.set_random_seed(77)
    np.testing.assert_allclose(judge(digits, seed=1).predict(digits.x_test), first, atol=1e-4)
    assert len(trainings) == 2


def test_another_seed_budget_recipe_or_data_set_is_another_judge(digits, trainings, monkeypatch):
    from dataclasses import replace

    first = judge(digits, seed=1).features(digits.x_test)
    assert not np.allclose(judge(digits, seed=2).features(digits.x_test), first)
    judge(replace(digits, x_train=digits.x_train[::-1].copy(), y_train=digits.y_train[::-1].copy()), seed=1)
    monkeypatch.setitem(module.RECIPE, "full", dict(module.RECIPE["quick"], epochs=1))
    monkeypatch.setenv("AE_BUDGET", "full")
    judge(digits, seed=1)
    monkeypatch.setitem(module.RECIPE, "full", dict(module.RECIPE["full"], learning_rate=1e-3))
    judge(digits, seed=1)
    assert len(trainings) == 5


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", "other weights", "not finite"])
def test_a_broken_cache_is_trained_anew(digits, trainings, tmp_path, content):
    first = judge(digits, seed=1).predict(digits.x_test)
    (path,) = (tmp_path / "cache").iterdir()
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with np.load(path) as file:
            weights = dict(file)
        weights["00"] = weights["00"][:2] if content == "other weights" else weights["00"] * np.nan
        np.savez(path, **weights)
    np.testing.assert_allclose(judge(digits, seed=1).predict(digits.x_test), first, atol=1e-4)
    judge(digits, seed=1)
    assert len(trainings) == 2  # and the file was replaced


def test_a_folder_that_cannot_be_written_costs_only_time(digits, trainings, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(module, "_cache_folder", lambda: tmp_path / "file" / "cache")
    assert judge(digits, seed=1).accuracy > 0.8
    assert judge(digits, seed=1).accuracy > 0.8
    assert len(trainings) == 2


def test_the_random_state_afterwards_does_not_depend_on_the_cache(digits, trainings):
    def draws():
        keras.utils.set_random_seed(5)
        judge(digits, seed=1)
        return float(keras.random.normal(())), np.random.rand()  # noqa: NPY002 (the global state is meant)

    trained = draws()
    assert draws() == trained
    assert len(trainings) == 1
    keras.utils.set_random_seed(6)
    judge(digits, seed=1)
    assert np.random.rand() != trained[1]  # noqa: NPY002 (the lesson's own seed still counts)


def test_a_name_is_loaded(digits, monkeypatch):
    monkeypatch.setattr(data, "load", lambda name: digits)
    assert judge("mnist", seed=1).accuracy == judge(digits, seed=1).accuracy


@pytest.mark.parametrize("bad", ["cifar10", "digit", 3, None])
def test_other_data_sets_are_refused(bad):
    with pytest.raises(ValueError, match="mnist"):
        judge(bad)


@pytest.mark.parametrize("seed", [-1, 1.0, None, True])
def test_bad_seeds_are_refused(digits, seed):
    with pytest.raises(ValueError, match="seed="):
        judge(digits, seed=seed)


def test_what_is_no_image_is_refused(digits):
    found = judge(digits, seed=1)
    image = np.zeros((2, 28, 28, 1), "float32")
    for bad, message in (
        (image + 1.5, "clip them"),
        (image - 0.1, "clip them"),
        (image * np.nan, "expected"),
        (image[0], "first axis"),
        (image[:0], "expected"),
        (np.zeros((2, 784)), "expected"),
    ):
        for ask in (found.predict, found.features):
            with pytest.raises(ValueError, match=message):
                ask(bad)
