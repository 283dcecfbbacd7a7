"""utils.stacking: greedy training against the same written out by hand, and ties that cannot come undone."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from utils import models
from utils.stacking import TiedAutoencoder, TiedDense, blocks, pretrain
from utils.training import fit

SHAPE = (4, 5, 1)
SETTINGS = {"batch_size": 8, "learning_rate": 0.01, "verbose": 0}


@pytest.fixture
def x():
    """Forty images that five numbers explain."""
    rng = np.random.default_rng(1)
    x = rng.random((40, 5)) @ rng.random((5, 20)) / 5
    return x.reshape(-1, *SHAPE).astype("float32")


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(1)


def small(**settings):
    return models.deep((9, 7), 3, input_shape=SHAPE, **settings)


def tied(**settings):
    return TiedAutoencoder((9, 7), 3, input_shape=SHAPE, **settings)


def untied_twin(model):
    """An untied autoencoder that computes the same as a tied one."""
    twin = small()
    twin.encoder.set_weights(model.encoder.get_weights())
    for layer, tie in zip(twin.decoder.layers[:3], model.decoder.layers[:3], strict=True):
        layer.set_weights([keras.ops.convert_to_numpy(tie.kernel), tie.bias.numpy()])
    return twin


def gradients(model, x):
    """Return {id of a variable: gradient of the model's loss with respect to it}."""
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=x, y_pred=model(x))
    return dict(zip(map(id, model.trainable_variables), tape.gradient(loss, model.trainable_variables), strict=True))


# Blocks


@pytest.mark.parametrize("make", [small, tied])
def test_blocks_are_the_pairs_of_layers_from_the_outermost_inwards(make):
    parts = blocks(make(loss="bce") if make is small else make(reconstruction_loss="bce"))
    assert [part.encoder.input_shape[1] for part in parts] == [20, 9, 7]
    assert [part.encoder.output_shape[1] for part in parts] == [9, 7, 3]
    assert [part.reconstruction_loss for part in parts] == ["bce", "mse", "mse"]


def test_blocks_one_within_the_other_are_the_model(x):
    model = small()
    one, two, three = blocks(model)
    flat = x.reshape(40, 20)
    codes = three.encode(two.encode(one.encode(flat)))
    np.testing.assert_allclose(codes, model.encode(x), atol=1e-6)
    drawn = one.decode(two.decode(three.decode(codes)))
    np.testing.assert_allclose(drawn.reshape(x.shape), model.reconstruct(x), atol=1e-6)


def test_layers_without_weights_go_with_their_dense_layer(x):
    encoder = keras.Sequential(
        [keras.Input(SHAPE), layers.Rescaling(2.0), layers.Flatten()]
        + [layers.Dense(9), layers.ReLU(), layers.Rescaling(0.5), layers.Dense(3), layers.Activation("tanh")]
    )
    decoder = keras.Sequential(
        [keras.Input((3,)), layers.Rescaling(3.0), layers.Dense(9), layers.LeakyReLU()]
        + [layers.Dense(20), layers.Activation("sigmoid"), layers.Reshape(SHAPE)]
    )
    model = models.Autoencoder(encoder, decoder)
    outer, inner = blocks(model)
    codes = inner.encode(outer.encode(x.reshape(40, 20)))
    np.testing.assert_allclose(codes, model.encode(x), atol=1e-6)
    drawn = outer.decode(inner.decode(codes))
    np.testing.assert_allclose(drawn.reshape(x.shape), model.reconstruct(x), atol=1e-6)


def test_pretrain_evaluates_every_block_on_its_own_codes(x):
    model = small()
    histories = pretrain(model, x, epochs=1, validation_data=x[:9], **SETTINGS)
    codes = x[:9].reshape(9, 20)
    for block, history in zip(blocks(model), histories, strict=True):
        block.compile(jit_compile=False)
        assert history.history["val_loss"] == [pytest.approx(block.evaluate(codes, verbose=0), rel=1e-4)]
        codes = block.encode(codes)
    with pytest.raises(ValueError, match="images x alone"):
        pretrain(model, x, epochs=1, validation_data=(x, x), **SETTINGS)


def test_pretrain_takes_bytes(x):
    grey, one = (255 * x).astype("uint8"), small()
    other = small()
    other.set_weights(one.get_weights())
    for model, images in ((one, grey), (other, grey / 255)):
        keras.utils.set_random_seed(5)
        pretrain(model, images, epochs=2, **SETTINGS)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_images_are_mnists_unless_another_shape_is_given():
    assert TiedAutoencoder((9,), 3).input_shape == (None, 28, 28, 1)


def test_blocks_of_one_layer():
    assert len(blocks(models.vanilla(3, input_shape=SHAPE))) == 1


def test_a_decoder_that_is_no_mirror_is_refused():
    encoder = small().encoder
    decoder = keras.Sequential([keras.Input((3,)), layers.Dense(20), layers.Reshape(SHAPE)])
    with pytest.raises(ValueError, match=r"\[20\] do not mirror"):
        blocks(models.Autoencoder(encoder, decoder))


def test_a_convolution_is_refused():
    encoder = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)])
    with pytest.raises(ValueError, match=r"dense layers only.*conv2d"):
        blocks(models.Autoencoder(encoder, small().decoder))


# Greedy training


def test_pretrain_is_the_loop_written_out(x):
    model, other = small(), small()
    other.set_weights(model.get_weights())
    keras.utils.set_random_seed(5)
    pretrain(model, x, epochs=3, **SETTINGS)
    keras.utils.set_random_seed(5)
    codes, down, up = x.reshape(40, 20), other.encoder.layers[1:], other.decoder.layers[2::-1]
    for inputs, encoding, decoding in zip((20, 9, 7), down, up, strict=True):
        encoder = keras.Sequential([keras.Input((inputs,)), encoding])
        decoder = keras.Sequential([keras.Input((encoding.units,)), decoding])
        fit(models.Autoencoder(encoder, decoder), codes, epochs=3, value_range=None, **SETTINGS)
        codes = encoder(codes).numpy()
    for ours, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("make", [small, tied])
def test_pretrain_changes_every_kernel_and_lowers_the_error(x, make):
    model = make()
    before, start = model.get_weights(), np.square(x - model.reconstruct(x)).mean()
    histories = pretrain(model, x, epochs=20, **SETTINGS)
    assert len(histories) == 3
    assert all(h.history["loss"][-1] < h.history["loss"][0] for h in histories)
    assert all(not np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))
    assert np.square(x - model.reconstruct(x)).mean() < start


def test_pretrain_with_epochs_for_each_block(x):
    histories = pretrain(small(), x, epochs=(3, 1, 2), **SETTINGS)
    assert [len(h.history["loss"]) for h in histories] == [3, 1, 2]


def test_a_pretrained_model_can_be_fine_tuned_and_saved(x, tmp_path):
    model = small()
    pretrain(model, x, epochs=1, **SETTINGS)
    history = fit(model, x, epochs=5, **SETTINGS).history
    assert history["loss"][-1] < history["loss"][0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.reconstruct(x), model.reconstruct(x))


@pytest.mark.parametrize("epochs", [(1, 2), [], (1, 1, 1, 1)])
def test_epochs_of_another_length(x, epochs):
    with pytest.raises(ValueError, match="one for each of the 3 blocks"):
        pretrain(small(), x, epochs=epochs, **SETTINGS)


def test_images_are_checked_but_codes_may_have_any_size(x):
    with pytest.raises(ValueError, match="scale it"):
        pretrain(small(), x * 255, epochs=1, **SETTINGS)
    with pytest.raises(ValueError, match=r"\(n, 4, 5, 1\) expected"):
        pretrain(small(), x.reshape(40, 20), epochs=1, **SETTINGS)
    model = small()
    model.encoder.layers[1].kernel.assign(100 * np.ones((20, 9)))
    pretrain(model, x, epochs=1, **SETTINGS)


# Ties


def test_tied_dense_computes_the_transpose():
    source = layers.Dense(2)
    source.build((None, 3))
    source.kernel.assign([[1, 2], [3, 4], [5, 6]])
    mirror = TiedDense(source, activation="relu")
    out = mirror(np.float32([[1, 10], [-1, 0]]))
    np.testing.assert_array_equal(out, [[21, 43, 65], [0, 0, 0]])
    mirror.bias.assign([-1, 0, 1])
    np.testing.assert_array_equal(mirror(np.float32([[1, 10]])), [[20, 43, 66]])
    source.kernel.assign(np.zeros((3, 2)))
    np.testing.assert_array_equal(mirror(np.float32([[1, 10]])), [[0, 0, 1]])
    assert [w.path.split("/")[-1] for w in mirror.weights] == ["bias"]
    assert mirror.compute_output_shape((7, 2)) == (7, 3)


def test_half_the_kernels_and_all_the_biases():
    kernels, biases = 20 * 9 + 9 * 7 + 7 * 3, 9 + 7 + 3 + 7 + 9 + 20
    assert small().count_params() == 2 * kernels + biases
    assert tied().count_params() == kernels + biases
    assert tied().decoder.count_params() == 7 + 9 + 20
    assert len(tied().trainable_variables) == 3 + 6


def test_after_training_the_decoder_is_still_the_transpose(x):
    model = tied()
    before = model.encoder.get_weights()[0]
    fit(model, x, epochs=3, **SETTINGS)
    assert not np.array_equal(before, model.encoder.get_weights()[0])
    for down, up in zip(model.encoder.layers[1:], model.decoder.layers[2::-1], strict=True):
        np.testing.assert_array_equal(up.kernel, down.kernel.numpy().T)
    twin = untied_twin(model)  # the kernels that the layers name are those that they use
    np.testing.assert_allclose(twin.reconstruct(x), model.reconstruct(x), atol=1e-6)


def test_the_gradient_is_the_sum_of_both_uses(x):
    model = tied(activation="tanh")
    twin = models.deep((9, 7), 3, activation="tanh", input_shape=SHAPE)
    twin.set_weights(untied_twin(model).get_weights())
    found, both = gradients(model, x), gradients(twin, x)
    for k in range(3):
        encoding, decoding = twin.encoder.layers[1 + k], twin.decoder.layers[2 - k]
        down, up = both[id(encoding.kernel)].numpy(), both[id(decoding.kernel)].numpy().T
        assert np.abs(down).max() > 1e-4
        assert np.abs(up).max() > 1e-4
        np.testing.assert_allclose(found[id(model.encoder.layers[1 + k].kernel)], down + up, atol=1e-5)
        np.testing.assert_allclose(found[id(model.decoder.layers[2 - k].bias)], both[id(decoding.bias)], atol=1e-5)


def test_the_tie_survives_the_file(x, tmp_path):
    model = tied(activation="tanh", output_activation="linear", initializer="he_normal", name="knot")
    fit(model, x, epochs=2, **SETTINGS)
    model.save(tmp_path / "tied.keras")
    loaded = keras.saving.load_model(tmp_path / "tied.keras")
    assert isinstance(loaded, TiedAutoencoder)
    np.testing.assert_array_equal(loaded.reconstruct(x), model.reconstruct(x))
    assert loaded.count_params() == model.count_params()
    assert loaded.get_config() == model.get_config()
    fit(loaded, x, epochs=2, **SETTINGS)
    for down, up in zip(loaded.encoder.layers[1:], loaded.decoder.layers[2::-1], strict=True):
        np.testing.assert_array_equal(up.kernel, down.kernel.numpy().T)
    np.testing.assert_allclose(untied_like(loaded).reconstruct(x), loaded.reconstruct(x), atol=1e-5)


def untied_like(model):
    """As `untied_twin`, for the activations of the round trip's model."""
    twin = small(activation="tanh", output_activation="linear")
    twin.set_weights(untied_twin(model).get_weights())
    return twin


def test_the_weights_file_alone(x, tmp_path):
    model, other = tied(), tied()
    model.save_weights(tmp_path / "tied.weights.h5")
    other.load_weights(tmp_path / "tied.weights.h5")
    np.testing.assert_array_equal(other.reconstruct(x), model.reconstruct(x))


def test_activations_and_widths_are_those_of_deep():
    settings = {"activation": "tanh", "code_activation": "relu", "output_activation": "linear"}
    ours, theirs = tied(**settings), small(**settings)
    for a, b in zip(
        ours.encoder.layers + ours.decoder.layers, theirs.encoder.layers + theirs.decoder.layers, strict=True
    ):
        assert getattr(a, "units", None) == getattr(b, "units", None)
        assert getattr(a, "activation", None) == getattr(b, "activation", None)


def test_a_tied_layer_alone_is_not_saved(tmp_path):
    with pytest.raises(TypeError, match="save the whole TiedAutoencoder"):
        tied().decoder.save(tmp_path / "decoder.keras")


def test_bad_ties():
    with pytest.raises(TypeError, match="not to Flatten"):
        TiedDense(layers.Flatten())
    with pytest.raises(ValueError, match="no kernel yet"):
        TiedDense(layers.Dense(3))
    source = layers.Dense(2)
    source.build((None, 3))
    with pytest.raises(ValueError, match="4 inputs for the mirror of a layer with 2 units"):
        TiedDense(source)(np.zeros((1, 4), "float32"))
    with pytest.raises(ValueError, match="code size"):
        TiedAutoencoder((9,), 0)
    with pytest.raises(ValueError, match="Unknown loss"):
        tied(reconstruction_loss="mae")
