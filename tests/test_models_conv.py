"""The convolutional builders of utils.models: the lecture's shapes and counts, every setting, what is refused."""

from pathlib import Path

import keras
import numpy as np
import pytest

from utils import models
from utils.training import fit

ROOT = Path(__file__).resolve().parents[1]
SLIDES = {  # lecture 002: channels and size after every layer
    "encoder": [(32, 24), (32, 20), (32, 9), (32, 4), (8, 1)],
    "decoder": [(32, 4), (32, 9), (32, 20), (32, 24), (1, 28)],
}
SETTINGS = [(5, 1), (5, 1), (4, 2), (3, 2), (4, 1)]  # kernel and stride of the encoder's layers


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(7)


@pytest.fixture
def x():
    return np.random.default_rng(0).random((5, 28, 28, 1), "float32")


def weighted(part):
    """The layers that have weights."""
    return [layer for layer in part.layers if layer.weights]


# --- EE-559


@pytest.mark.parametrize("part", SLIDES)
def test_ee559_has_the_shapes_of_the_slides(part):
    model = getattr(models.ee559(8), part)
    assert [(layer.output.shape[3], *layer.output.shape[1:3]) for layer in weighted(model)] == [
        (channels, size, size) for channels, size in SLIDES[part]
    ]


def test_ee559_has_the_settings_of_the_slides():
    model = models.ee559()
    for part, settings in ((model.encoder, SETTINGS), (model.decoder, SETTINGS[::-1])):
        found = [(*layer.kernel_size, *layer.strides, layer.padding) for layer in weighted(part)]
        assert found == [(k, k, s, s, "valid") for k, s in settings]
        assert [layer.activation.__name__ for layer in weighted(part)] == ["relu"] * 4 + ["linear"]


@pytest.mark.parametrize("code", [2, 8, 32])
def test_ee559_parameters(code):
    model = models.ee559(code)
    assert model.count_params() == 112_457 + (code - 8) * (2 * 4 * 4 * 32 + 1)
    assert model.encoder.output_shape == model.decoder.input_shape == (None, code)
    assert model.reconstruction_loss == "mse"


def test_ee559_is_the_model_that_the_lesson_writes_out(x, lectures_model, configuration):
    namespace = lectures_model("05")
    ours = models.ee559(8)
    for written, part in ((namespace["encoder"], ours.encoder), (namespace["decoder"], ours.decoder)):
        assert configuration(written.layers) == configuration(part.layers)
        part.set_weights(written.get_weights())
    expected = namespace["decoder"](namespace["encoder"](x))
    np.testing.assert_array_equal(ours.reconstruct(x), keras.ops.convert_to_numpy(expected))


# --- the cheaper one


def test_convolutional_halves_with_every_layer():
    model = models.convolutional(10)
    encoder, decoder = ([layer.output.shape[1:] for layer in weighted(part)] for part in (model.encoder, model.decoder))
    assert encoder == [(14, 14, 16), (7, 7, 32), (512,), (10,)]
    assert decoder == [(512,), (7 * 7 * 32,), (14, 14, 16), (28, 28, 1)]
    assert model.encoder.layers[-1].name == "code"
    kernels = [(4, 4, 1, 16), (4, 4, 16, 32), (1568, 512), (512, 10)]
    kernels += [(10, 512), (512, 1568), (4, 4, 16, 32), (4, 4, 1, 16)]
    assert [layer.kernel.shape for part in (model.encoder, model.decoder) for layer in weighted(part)] == kernels
    biases = 16 + 32 + 512 + 10 + 512 + 1568 + 16 + 1
    assert model.count_params() == sum(int(np.prod(shape)) for shape in kernels) + biases


def test_convolutional_activations():
    model = models.convolutional(4, activation="relu", output_activation="linear")
    assert [layer.activation.__name__ for layer in weighted(model.encoder)] == ["relu"] * 3 + ["linear"]
    assert [layer.activation.__name__ for layer in weighted(model.decoder)] == ["relu"] * 3 + ["linear"]
    assert weighted(models.convolutional(4).decoder)[-1].activation.__name__ == "sigmoid"


def test_convolutional_takes_every_setting():
    settings = {"filters": (4, 5, 6), "hidden": 7, "kernel_size": 3, "loss": "bce", "input_shape": (32, 16, 3)}
    model = models.convolutional(2, **settings)
    assert model.input_shape == model.decoder.output_shape == (None, 32, 16, 3)
    encoder, decoder = ([layer.output.shape[1:] for layer in weighted(part)] for part in (model.encoder, model.decoder))
    assert encoder == [(16, 8, 4), (8, 4, 5), (4, 2, 6), (7,), (2,)]
    assert decoder == [(7,), (48,), (8, 4, 5), (16, 8, 4), (32, 16, 3)]
    assert weighted(model.encoder)[0].kernel_size == (3, 3)
    assert model.reconstruction_loss == "bce"


def test_convolutional_without_a_dense_hidden_layer():
    model = models.convolutional(6, hidden=None)
    encoder, decoder = ([layer.output.shape[1:] for layer in weighted(part)] for part in (model.encoder, model.decoder))
    assert encoder == [(14, 14, 16), (7, 7, 32), (6,)]
    assert decoder == [(7 * 7 * 32,), (14, 14, 16), (28, 28, 1)]


@pytest.mark.parametrize("build", [models.ee559, models.convolutional])
def test_keras_file_round_trip(build, x, tmp_path):
    model = build(3)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is models.Autoencoder
    np.testing.assert_array_equal(again.reconstruct(x), model.reconstruct(x))


@pytest.mark.parametrize("build", [models.ee559, models.convolutional])
def test_training_lowers_the_error(build):
    x = np.zeros((32, 28, 28, 1), "float32")
    x[:, 8:20, 8:20] = np.random.default_rng(1).random((32, 1, 1, 1))  # squares of different brightness
    history = fit(build(2), x, epochs=15, batch_size=16, learning_rate=2e-3, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]


@pytest.mark.parametrize("code", [0, -1, True, 1.5, "32", None])
def test_codes_that_are_no_positive_integer_are_refused(code):
    for build in (models.ee559, models.convolutional):
        with pytest.raises(ValueError, match=rf"The code size must be a positive integer, not {code!r}\."):
            build(code)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"filters": ()}, "filters is empty"),
        ({"filters": (16, 0)}, "A number of filters must be a positive integer, not 0"),
        ({"filters": (16, 32, 64)}, "Images of 28x28 cannot be halved 3 times: pad them, or give fewer filters"),
        ({"input_shape": (28, 28)}, r"input_shape=\(28, 28\): \(h, w, c\) expected"),
        ({"filters": 16}, "one per number of filters, .* not 16"),
        ({"input_shape": (28, 30, 1)}, "Images of 28x30 cannot be halved 2 times"),
        ({"input_shape": (28, 28, 0)}, "A size in input_shape must be a positive integer, not 0"),
        ({"hidden": 2.0}, r"The number of hidden units must be a positive integer, not 2\.0"),
        ({"kernel_size": (4, 4)}, r"The kernel size must be a positive integer, not \(4, 4\)"),
        ({"activation": "rellu"}, "Unknown activation 'rellu'"),
        ({"output_activation": "sigmoidal"}, "Unknown activation 'sigmoidal'"),
        ({"loss": "mae"}, "Unknown loss 'mae'"),
        ({"loss": "bce", "output_activation": "linear"}, "loss='bce' needs .*'sigmoid', not 'linear'"),
    ],
)
def test_settings_of_convolutional_that_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        models.convolutional(4, **settings)
