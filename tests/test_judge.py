"""utils.judge: one judge for everybody, made by scripts.judge; it tells real images from spoilt ones."""

import os

import keras
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.metrics import roc_auc_score

from scripts import judge as script
from utils import corruptions, data
from utils import judge as module
from utils.judge import judge

IMAGES = np.random.default_rng(0).random((6, 28, 28, 1), "float32")


@pytest.fixture
def official(monkeypatch):
    """A function of a name: the official data set, where it is on this machine."""
    monkeypatch.setenv("AE_OFFLINE", "1")
    monkeypatch.setenv("AE_BUDGET", "full")

    def load(name):
        dataset = data.load(name)
        if not dataset.provenance.verified or len(dataset.x_train) != 60_000:
            pytest.skip("needs the official images")
        return dataset

    return load


@pytest.mark.parametrize("name", module.NAMES)
def test_the_script_begins_the_training_that_made_the_weights(official, name):
    dataset = official(name)
    images = dataset.x_train[script.FIRST :], dataset.y_train[script.FIRST :]
    with np.load(module.weights_file(name)) as file:
        wanted = file["beginning"]
    found = script.train(*images, script.MOVES[name], script.BEGINNING).get_weights()[0]
    np.testing.assert_allclose(found, wanted, atol=2e-3)


@pytest.mark.skipif(os.environ.get("AE_BUDGET") != "full", reason="trains the judge anew: full budget")
def test_the_script_makes_the_judge(official):
    """Not bit for bit: the training amplifies the rounding of another number of threads."""
    dataset, found = official("mnist"), judge("mnist")
    kept = script.make(dataset, script.MOVES["mnist"])
    again = module.network()
    again.set_weights([kept[f"weights_{k}"].astype("float32") for k in range(len(again.weights))])
    features = keras.Model(again.inputs[0], again.layers[-2].output).predict(dataset.x_test, verbose=0)
    assert np.corrcoef(features.ravel(), found.features(dataset.x_test).ravel())[0, 1] > 0.93  # other images: 0.87
    assert kept["accuracy"] == pytest.approx(found.accuracy, abs=0.004)


@pytest.mark.parametrize(("name", "good"), [("mnist", 0.985), ("fashion_mnist", 0.88)])
def test_the_accuracy_is_that_of_the_test_images(official, name, good):
    dataset, found = official(name), judge(name)
    accuracy = np.mean(found.predict(dataset.x_test).argmax(axis=1) == dataset.y_test)
    assert found.accuracy == pytest.approx(accuracy, abs=2e-4)
    assert accuracy > good


def test_predictions_follow_from_features():
    found = judge("mnist")
    probabilities, features = found.predict(IMAGES), found.features(IMAGES)
    assert features.shape == (6, module.FEATURES)
    assert features.min() == 0  # ReLU
    kernel, bias = (np.asarray(values) for values in found.model.layers[-1].weights)
    logits = features @ kernel + bias
    expected = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(probabilities, expected / expected.sum(axis=1, keepdims=True), atol=1e-5)


def test_realism_is_a_gaussian_of_textures_and_the_logits_sum():
    found = judge("mnist")
    first = keras.Model(found.model.inputs[0], found.model.layers[0].output).predict(IMAGES, verbose=0)
    texture = np.concatenate([first.mean(axis=(1, 2)), first.std(axis=(1, 2))], axis=1)
    np.testing.assert_allclose(found.texture(IMAGES), texture, rtol=1e-3, atol=1e-4)
    logits = found.model.predict(IMAGES, verbose=0).astype("float64")
    for image in range(6):
        away = texture[image] - found.centre
        expected = np.log(np.exp(logits[image]).sum()) - away @ found.precision @ away / 2 - found.level
        assert found.realism(IMAGES)[image] == pytest.approx(expected, rel=1e-3)
    lower = module.Judge(found.model, 1, found.level + 50, found.centre, found.precision)
    np.testing.assert_allclose(lower.realism(IMAGES), found.realism(IMAGES) - 50, rtol=1e-9)


def spoilt(images):
    """Return images as a person would rank them: each list from the best to the worst."""
    blurred = [gaussian_filter(images, (0, sigma, sigma, 0)) for sigma in (1, 1.5, 2.5)]
    doubled = [(1 - share) * images + share * images[::-1] for share in (0.25, 0.5)]
    noisy = [corruptions.gaussian(images, sigma, seed=0) for sigma in (0.05, 0.1, 0.3)]
    return {"blurred": blurred, "doubled": doubled, "noisy": noisy}


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("mnist", {"blurred": 0.98, "doubled": 0.95, "noisy": 0.98}),
        ("fashion_mnist", {"blurred": 0.88, "doubled": 0.65, "noisy": 0.92}),
    ],
)
def test_spoilt_images_look_less_real(name, least):
    dataset, found = data.load(name), judge(name)
    images, real = dataset.x_train[:1000], found.realism(dataset.x_train[1000:2000])
    assert abs(np.median(real)) < 4  # near 0, the mean of the judge's own training images
    for way, ranked in spoilt(images).items():
        scores = [real, *map(found.realism, ranked)]
        medians = [np.median(score) for score in scores]
        assert medians == sorted(medians, reverse=True), way
        for score in scores[1:]:
            assert roc_auc_score(np.repeat([1, 0], 1000), np.concatenate([real, score])) > least[way], way


def test_there_is_one_judge_by_name_or_data_set():
    first = judge("mnist").features(IMAGES)
    keras.utils.set_random_seed(3)
    module._read.cache_clear()
    np.testing.assert_array_equal(judge(data.Dataset("mnist", *[None] * 6)).features(IMAGES), first)
    assert np.abs(judge("fashion_mnist").features(IMAGES) - first).max() > 1


def test_asking_for_the_judge_leaves_the_random_state_alone():
    def draws(ask):
        module._read.cache_clear()
        keras.utils.set_random_seed(5)
        if ask:
            judge("mnist")
        return float(keras.random.normal(())), np.random.rand()  # noqa: NPY002 (the global state is meant)

    assert draws(True) == draws(False)


@pytest.mark.parametrize("bad", ["cifar10", "digit", 3, None])
def test_other_data_sets_are_refused(bad):
    with pytest.raises(ValueError, match="mnist and fashion_mnist only"):
        judge(bad)


def test_what_is_no_image_is_refused():
    found = judge("mnist")
    for bad, message in (
        (IMAGES + 1.5, "clip them"),
        (IMAGES - 1, "clip them"),
        (IMAGES * np.nan, "expected"),
        (IMAGES[0], "first axis"),
        (IMAGES[:0], "expected"),
        (np.zeros((2, 784)), "expected"),
    ):
        for ask in (found.predict, found.features, found.realism):
            with pytest.raises(ValueError, match=message):
                ask(bad)
