"""utils.models: what the builders build, the one loss against NumPy's formula, and what is refused."""

from itertools import pairwise

import keras
import numpy as np
import pytest
from keras import layers, ops

from utils import models
from utils.training import fit

SHAPE = (8, 8, 1)


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(7)


@pytest.fixture
def x():
    """23 images with exact zeros and ones among their pixels."""
    x = np.random.default_rng(0).random((23, *SHAPE), "float32")
    return np.where(x < 0.2, 0, np.where(x > 0.8, 1, x)).astype("float32")


def small(**settings):
    """A tiny model with one hidden layer on either side, of which no code unit is zero everywhere."""
    return models.deep((10,), 4, **{"input_shape": SHAPE} | settings)


def parts(model):
    """The layers from the image to the reconstruction."""
    return [*model.encoder.layers, *model.decoder.layers]


def dense(model):
    """(units, activation) of every dense layer."""
    return [(layer.units, layer.activation.__name__) for layer in parts(model) if isinstance(layer, layers.Dense)]


def formula(loss, x, reconstruction):
    """The loss of each image, in float64 and without Keras, but for the float32 limits of the logarithms."""
    if loss == "bce":
        reconstruction = reconstruction.clip(np.float32(1e-7), 1 - np.float32(1e-7))
    x, p = (values.astype("float64").reshape(len(values), -1) for values in (x, reconstruction))
    if loss == "mse":
        return ((x - p) ** 2).sum(axis=1)
    return -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)


# --- the builders


def test_vanilla_has_one_hidden_layer():
    model = models.vanilla(32)
    assert dense(model) == [(32, "relu"), (784, "sigmoid")]
    assert model.count_params() == 50_992 == 784 * 32 + 32 + 32 * 784 + 784
    assert model.reconstruction_loss == "mse"
    assert model.encoder.layers[-1].name == "code"


def test_vanilla_takes_every_setting():
    model = models.vanilla(3, activation="tanh", output_activation="linear", input_shape=(4, 6, 3))
    assert dense(model) == [(3, "tanh"), (72, "linear")]
    assert model.input_shape == model.decoder.output_shape == (None, 4, 6, 3)
    assert models.vanilla(3, loss="bce").reconstruction_loss == "bce"


def test_linear_has_no_activation():
    model = models.linear(5, input_shape=SHAPE)
    assert dense(model) == [(5, "linear"), (64, "linear")]
    assert model.reconstruction_loss == "mse"


def test_linear_is_linear(x):
    model = models.linear(5, input_shape=SHAPE)
    for layer in (model.encoder.layers[-1], model.decoder.layers[0]):
        layer.bias.assign(np.full(layer.units, 0.5))
    zero = model.reconstruct(np.zeros((1, *SHAPE)))
    np.testing.assert_allclose(model.reconstruct(-3 * x) - zero, -3 * (model.reconstruct(x) - zero), atol=1e-4)


def test_hinton_salakhutdinov_is_the_papers_network():
    model = models.hinton_salakhutdinov()
    hidden = [(1000, "gelu"), (500, "gelu"), (250, "gelu")]
    assert dense(model) == [*hidden, (30, "linear"), *reversed(hidden), (784, "sigmoid")]
    widths = [784, 1000, 500, 250, 30, 250, 500, 1000, 784]
    assert model.count_params() == sum(a * b + b for a, b in pairwise(widths))
    assert model.reconstruction_loss == "mse"
    deviation = model.encoder.layers[1].kernel.numpy().std()
    assert deviation == pytest.approx((2 / 784) ** 0.5, rel=0.02)  # He's initial weights


def test_hinton_salakhutdinov_takes_every_setting():
    model = models.hinton_salakhutdinov(2, activation="sigmoid", loss="bce", input_shape=SHAPE)
    assert [units for units, _ in dense(model)] == [1000, 500, 250, 2, 250, 500, 1000, 64]
    assert {activation for _, activation in dense(model)} == {"sigmoid", "linear"}
    assert model.reconstruction_loss == "bce"


def test_deep_mirrors_its_widths():
    model = models.deep((9, 7), 3, activation="tanh", code_activation="relu", input_shape=(4, 5, 3))
    assert dense(model) == [(9, "tanh"), (7, "tanh"), (3, "relu"), (7, "tanh"), (9, "tanh"), (60, "sigmoid")]
    assert model.encoder.output_shape == model.decoder.input_shape == (None, 3)
    assert model.decoder.output_shape == (None, 4, 5, 3)


def test_deep_initializes_the_hidden_layers_only():
    model = small(initializer="zeros")
    sizes = [np.abs(layer.kernel.numpy()).max() for layer in parts(model) if hasattr(layer, "kernel")]
    assert [size > 0 for size in sizes] == [False, True, False, True]


def stacks(x, count=3):
    """Stacks of `count` images (n, count, h, w, c), each a shuffle of x."""
    rng = np.random.default_rng(1)
    return np.stack([rng.permutation(x) for _ in range(count)], axis=1)


def alone(model, k, **settings):
    """Network k of a model of networks side by side, as a model of `deep` with its weights."""
    single = models.deep((10, 6), 4, activation="gelu", input_shape=SHAPE, **settings)
    single.set_weights([weights[k] for weights in model.get_weights()])
    return single


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_networks_side_by_side_become_what_each_is_alone(x, loss):
    model, images = models.side_by_side(3, (10, 6), 4, loss=loss, input_shape=SHAPE), stacks(x)
    assert (model.input_shape, model.encode(images).shape) == ((None, 3, *SHAPE), (23, 3, 4))
    singles = [alone(model, k, loss=loss) for k in range(3)]
    for network in (model, *singles):
        network.compile("adam", run_eagerly=True)
    for _ in range(3):
        together = model.train_on_batch(images)
        apart = [single.train_on_batch(images[:, k]) for k, single in enumerate(singles)]
    assert np.isclose(together, sum(apart), rtol=1e-5)
    for k, single in enumerate(singles):
        np.testing.assert_allclose(model.reconstruct(images)[:, k], single.reconstruct(images[:, k]), atol=1e-4)


def test_networks_side_by_side_begin_normal():
    model = models.side_by_side(4, (300,), 5, input_shape=SHAPE)
    kernel = model.get_weights()[0]
    assert kernel.shape == (4, 64, 300)
    np.testing.assert_allclose(kernel.std(axis=(1, 2)), np.sqrt(2 / 64), rtol=0.03)
    assert not np.allclose(kernel[0], kernel[1])


def test_networks_side_by_side_survive_a_file(x, tmp_path):
    model = models.side_by_side(3, (10,), 4, input_shape=SHAPE)
    model.save(tmp_path / "m.keras")
    twin = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(twin.reconstruct(stacks(x)), model.reconstruct(stacks(x)), rtol=1e-5)


@pytest.mark.parametrize(("count", "settings"), [(0, {}), (2.5, {}), (3, {"loss": "mae"}), (3, {"activation": "no"})])
def test_networks_side_by_side_refuse(count, settings):
    with pytest.raises(ValueError, match=r"count must be|Unknown"):
        models.side_by_side(count, (10,), 4, input_shape=SHAPE, **settings)


def test_widths_may_be_numpy_integers():
    assert dense(models.deep([np.int64(6)], np.int32(2), input_shape=np.array(SHAPE)))[:2] == [
        (6, "relu"),
        (2, "linear"),
    ]


def test_vanilla_is_the_model_that_the_lesson_writes_out(x, lectures_model, configuration):
    namespace = lectures_model("01", CODE=32)
    (written,) = [value for value in namespace.values() if isinstance(value, keras.Model)]
    ours = models.vanilla(32)
    assert configuration(written.layers) == configuration(parts(ours))
    assert written.count_params() == 50_992
    ours.set_weights(written.get_weights())
    big = np.random.default_rng(0).random((3, 28, 28, 1), "float32")
    np.testing.assert_array_equal(ours(big), written(big))


# --- encode, decode, reconstruct


@pytest.mark.parametrize("batch_size", [1, 10, 22, 23, 1000])
def test_every_batch_size_gives_the_same_arrays(x, batch_size):
    model = small()
    codes, copies = model.encode(x, batch_size), model.reconstruct(x, batch_size)
    assert (codes.shape, copies.shape) == ((23, 4), (23, *SHAPE))
    assert type(codes) is type(copies) is np.ndarray
    np.testing.assert_allclose(codes, model.encoder(x), atol=1e-5)
    np.testing.assert_allclose(copies, model(x), atol=1e-5)
    np.testing.assert_allclose(model.decode(codes, batch_size), copies, atol=1e-5)


def test_apply_does_not_run_in_training_mode():
    model = keras.Sequential([keras.Input((5,)), layers.Dropout(0.9)])
    np.testing.assert_array_equal(models.apply(model, np.ones((6, 5)), 4), np.ones((6, 5)))


def test_training_mode_reaches_both_parts(x):
    encoder = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dropout(0.5)])
    decoder = keras.Sequential([keras.Input((64,)), layers.Dropout(0.5), layers.Reshape(SHAPE)])
    model = models.Autoencoder(encoder, decoder)
    ones = np.ones((50, *SHAPE), "float32")
    np.testing.assert_array_equal(model(ones), ones)
    assert set(np.unique(model(ones, training=True))) == {0, 4}  # each keeps a half, twice as large


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((8, 8, 1), r"\(n, 8, 8, 1\) expected, got \(8, 8, 1\)\. A single one needs a first axis: x\[None\]"),
        ((3, 8, 8), r"got \(3, 8, 8\)\. Add a channel axis: x\[\.\.\., None\]\.$"),
        ((8, 8), r"got \(8, 8\)\. A single one needs a first and a channel axis: x\[None, \.\.\., None\]\.$"),
        ((3, 64), r"got \(3, 64\)\. Give them their shape: x\.reshape\(-1, 8, 8, 1\)\.$"),
        ((3, 9, 8, 1), r"got \(3, 9, 8, 1\)\.$"),
        ((0, 8, 8, 1), r"got \(0, 8, 8, 1\)\.$"),
        ((), r"got \(\)\.$"),
    ],
)
def test_images_of_another_shape_are_refused(shape, message):
    for method in (small().encode, small().reconstruct):
        with pytest.raises(ValueError, match=message):
            method(np.zeros(shape))


def test_codes_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(n, 4\) expected, got \(2, 5\)\.$"):
        small().decode(np.zeros((2, 5)))
    with pytest.raises(ValueError, match=r"got \(4,\)\. A single one needs"):
        small().decode(np.zeros(4))


# --- the loss


@pytest.mark.parametrize("loss", models.LOSSES)
@pytest.mark.parametrize("with_target", [False, True])
def test_loss_is_the_formula(x, loss, with_target):
    model = small(loss=loss)
    copy = np.random.default_rng(1).random(x.shape, "float32")
    copy[:, 0, 0], copy[:, 1, 1] = 0, 1  # where a logarithm needs clipping
    target = x[::-1].copy() if with_target else None
    found = float(model.compute_loss(x, target, ops.convert_to_tensor(copy)))
    assert found == pytest.approx(formula(loss, target if with_target else x, copy).mean(), rel=1e-5)
    if with_target:
        assert found != pytest.approx(formula(loss, x, copy).mean(), rel=1e-3)


@pytest.mark.parametrize("loss", models.LOSSES)
def test_evaluate_is_the_mean_over_images_whatever_the_batches(x, loss):
    model = small(loss=loss)
    model.compile(jit_compile=False)
    wanted = formula(loss, x, model.reconstruct(x)).mean()
    for batch_size in (23, 10):
        assert model.evaluate(x, batch_size=batch_size, verbose=0) == pytest.approx(wanted, rel=1e-4)
    clean = np.zeros_like(x)
    wanted = formula(loss, clean, model.reconstruct(x)).mean()
    assert model.evaluate(x, clean, batch_size=10, verbose=0) == pytest.approx(wanted, rel=1e-4)


def test_penalties_are_added_once(x):
    encoder = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(4, kernel_regularizer="l2")])
    decoder = keras.Sequential(
        [keras.Input((4,)), layers.Dense(64, bias_regularizer=keras.regularizers.L1(0.5)), layers.Reshape(SHAPE)]
    )
    decoder.layers[0].bias.assign(np.linspace(-1, 1, 64))
    model = models.Autoencoder(encoder, decoder)
    model.compile(jit_compile=False)
    penalty = 0.01 * np.square(encoder.layers[1].kernel.numpy()).sum() + 0.5 * np.abs(np.linspace(-1, 1, 64)).sum()
    wanted = formula("mse", x, model.reconstruct(x)).mean() + penalty
    assert model.evaluate(x, batch_size=23, verbose=0) == pytest.approx(wanted, rel=1e-5)


def test_weights_of_images(x):
    model, weights = small(), np.arange(23.0)
    model.compile(jit_compile=False)
    wanted = np.mean(weights * formula("mse", x, model.reconstruct(x)))
    found = model.evaluate(x, x, sample_weight=weights, batch_size=23, verbose=0)
    assert found == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("loss", models.LOSSES)
def test_the_loss_of_half_precision_is_summed_in_single(loss):
    model = small(loss=loss)
    copy = ops.cast(ops.full((2, 300, 300, 1), 1.0), "float16")  # 90,000 errors of 1: more than float16 holds
    found = float(model.compute_loss(0 * copy, y_pred=copy))
    assert found == pytest.approx(90_000 * (1 if loss == "mse" else -np.log(1e-7)), rel=0.02)


def test_bytes_are_refused_with_the_remedy(x):
    with pytest.raises(ValueError, match=r"x\.astype\('float32'\) / 255"):
        small().encode((255 * x).astype("uint8"))


def test_images_of_any_size():
    encoder = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 3, padding="same")])
    decoder = keras.Sequential([keras.Input((None, None, 2)), layers.Conv2D(1, 3, padding="same")])
    model = models.Autoencoder(encoder, decoder)
    assert model.reconstruct(np.zeros((3, 5, 7, 1))).shape == (3, 5, 7, 1)
    fit(model, np.zeros((4, 5, 7, 1)), epochs=1, batch_size=2, verbose=0)
    with pytest.raises(ValueError, match=r"\(n, None, None, 1\) expected, got \(3, 5, 7\)\. Add a channel axis"):
        model.reconstruct(np.zeros((3, 5, 7)))
    with pytest.raises(ValueError, match="channel axis"):
        fit(model, np.zeros((3, 5, 7)), epochs=1, batch_size=2, verbose=0)


def test_a_subclass_may_add_parts(x):
    class Scaled(models.Autoencoder):
        def __init__(self, *args):
            super().__init__(*args)
            self.factor = self.add_weight(shape=(), initializer="ones")
            self.extra = layers.Rescaling(1.0)

        def call(self, x, training=False):
            return self.factor * super().call(self.extra(x), training=training)

    plain = small()
    model = Scaled(plain.encoder, plain.decoder)
    fit(model, x, epochs=1, batch_size=23, learning_rate=0.1, verbose=0)
    assert float(model.factor) != 1


# --- the same architecture


def test_the_same_layers_are_the_same_architecture():
    ours = models.deep((10,), 4, input_shape=SHAPE)
    written = [
        keras.Sequential([layers.Flatten(), layers.Dense(10, "relu"), layers.Dense(4, name="z")]),
        keras.Sequential([layers.Dense(10, "relu"), layers.Dense(64, "sigmoid"), layers.Reshape(SHAPE)]),
    ]
    whole = keras.Sequential([keras.Input(SHAPE), *written])
    for other in (written, whole, models.deep((10,), 4, input_shape=SHAPE, loss="bce")):
        assert models.same_architecture(ours, other)
        assert models.same_architecture(other, ours)
    vae = models.variational((10,), 4, input_shape=SHAPE)
    assert models.same_architecture(vae, [vae.encoder, vae.decoder])


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": (11,)}, {"hidden": ()}, {"code": 5}, {"activation": "gelu"}, {"code_activation": "relu"},
        {"output_activation": "linear"}, {"initializer": "he_normal"}, {"input_shape": (4, 16, 1)},
        {"input_shape": (8, 4, 1)},
    ],
)  # fmt: skip
def test_another_setting_is_another_architecture(settings):
    other = models.deep(**{"hidden": (10,), "code": 4, "input_shape": SHAPE} | settings)
    assert not models.same_architecture(small(), other)


# --- files and clones


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own, of its variables
@pytest.mark.parametrize("loss", models.LOSSES)
def test_keras_file_round_trip(x, tmp_path, loss):
    model = small(loss=loss, code_activation="tanh")
    model.compile("adam", jit_compile=False)
    model.fit(x, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is models.Autoencoder
    assert (again.reconstruction_loss, dense(again)) == (loss, dense(model))
    np.testing.assert_array_equal(again.reconstruct(x), model.reconstruct(x))
    assert again.evaluate(x, verbose=0) == pytest.approx(model.evaluate(x, verbose=0), rel=1e-6)
    for one in (model, again):  # the optimizer's state came along, too
        keras.utils.set_random_seed(3)
        one.fit(x, epochs=2, verbose=0)
    np.testing.assert_allclose(again.reconstruct(x), model.reconstruct(x), atol=1e-6)


def test_a_clone_has_the_configuration_and_weights_of_its_own(x):
    model = small(loss="bce")
    clone = models.Autoencoder.from_config(model.get_config())
    assert (clone.reconstruction_loss, dense(clone)) == ("bce", dense(model))
    assert clone.encoder is not model.encoder
    assert np.abs(clone.reconstruct(x) - model.reconstruct(x)).max() > 1e-3
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.reconstruct(x), model.reconstruct(x))


# --- refused


@pytest.mark.parametrize("code", [0, -1, True, 1.5, "32", None])
def test_codes_that_are_no_positive_integer_are_refused(code):
    for build in (models.vanilla, models.linear, models.hinton_salakhutdinov):
        with pytest.raises(ValueError, match=rf"The code size must be a positive integer, not {code!r}\."):
            build(code)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": (10, 0)}, r"A hidden width must be a positive integer, not 0"),
        ({"hidden": 10}, r"Positive integers expected, one per hidden width, .* not 10"),
        ({"hidden": "64"}, r"one per hidden width, .* not '64'"),
        ({"input_shape": 28}, r"one per size in input_shape, .* not 28"),
        ({"input_shape": ()}, r"input_shape is empty"),
        ({"hidden": (10.0,)}, r"A hidden width must be a positive integer, not 10\.0"),
        ({"input_shape": (8, -8, 1)}, r"A size in input_shape must be a positive integer, not -8"),
        ({"input_shape": (None, 8, 1)}, r"A size in input_shape must be a positive integer, not None"),
        ({"activation": "rellu"}, r"Unknown activation 'rellu'"),
        ({"code_activation": "rellu"}, r"Unknown activation 'rellu'"),
        ({"output_activation": 5}, r"Unknown activation 5"),
        ({"loss": "mae"}, r"Unknown loss 'mae': choose one of mse, bce"),
        ({"loss": "bce", "output_activation": "linear"}, r"loss='bce' needs .*'sigmoid', not 'linear'"),
    ],
)
def test_settings_of_deep_that_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        models.deep(**{"hidden": (10,), "code": 4, "input_shape": SHAPE} | settings)


def test_vanilla_refuses_bce_without_a_sigmoid():
    with pytest.raises(ValueError, match=r"loss='bce' needs .* not 'relu'"):
        models.vanilla(4, loss="bce", output_activation="relu")


def test_an_unknown_loss_is_refused():
    model = small()
    with pytest.raises(ValueError, match=r"Unknown loss 'MSE': choose one of mse, bce"):
        models.Autoencoder(model.encoder, model.decoder, "MSE")


def test_a_decoder_that_does_not_fit_is_refused():
    one, other = small(), models.vanilla(5, input_shape=SHAPE)
    with pytest.raises(ValueError, match=r"decoder \(\(None, 5\) to .* does not mirror .* to \(None, 4\)\)"):
        models.Autoencoder(one.encoder, other.decoder)
    larger = models.vanilla(4, input_shape=(9, 8, 1))
    with pytest.raises(ValueError, match=r"to \(None, 9, 8, 1\)\) does not mirror"):
        models.Autoencoder(one.encoder, larger.decoder)


def test_a_configuration_serves_twice():
    config = models.vanilla(3, input_shape=(4, 4, 1)).get_config()
    for _ in range(2):
        assert models.Autoencoder.from_config(config).encoder.output_shape == (None, 3)
