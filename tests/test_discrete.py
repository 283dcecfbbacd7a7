"""Codes that are indices: quantizers against formulas written out, a prior that looks back only, and its draws."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from utils import diagrams, discrete
from utils.discrete import FiniteScalarQuantizer, MaskedConv2D, VectorQuantizer
from utils.training import fit

RNG = np.random.default_rng(18)
Z = RNG.normal(size=(5, 7, 7, 3)).astype("float32")
X = RNG.random((48, 28, 28, 1), dtype="float32")


def array(tensor):
    return ops.convert_to_numpy(tensor)


def quantizers():
    return [VectorQuantizer(16, seed=1), FiniteScalarQuantizer((4, 5, 2))]


def test_every_vector_becomes_the_nearest_code():
    layer = VectorQuantizer(16, seed=1)
    found = array(layer(Z))
    codebook = array(layer.codebook)
    distances = np.square(Z[..., None, :] - codebook).sum(axis=-1)
    assert np.array_equal(found, codebook[distances.argmin(axis=-1)])
    assert np.array_equal(layer.indices(found), distances.argmin(axis=-1))
    assert layer.indices(found).dtype == "int32"


def test_the_grid_by_hand():
    layer = FiniteScalarQuantizer((4, 2, 3))
    found = array(layer(np.float32([[[-9, -9, 0]], [[9, 9, 9]], [[0.1, 0.1, -9]]])))
    right = [[[-1, -1, 0]], [[1, 1, 1]], [[1 / 3, 1, -1]]]
    np.testing.assert_allclose(found, right, atol=1e-6)
    assert layer.codes == 24
    assert layer.indices(found).tolist() == [[0 + 4 * 0 + 8 * 1], [3 + 4 * 1 + 8 * 2], [2 + 4 * 1 + 8 * 0]]


@pytest.mark.parametrize("layer", quantizers())
def test_indices_and_vectors_are_a_round_trip(layer):
    quantized = array(layer(Z))
    every = np.arange(layer.codes)
    assert np.array_equal(layer.indices(layer.vectors(every)), every)
    assert np.array_equal(layer.vectors(layer.indices(quantized)), quantized)
    assert layer.vectors(every).dtype == "float32"


def gradients(layer, z, through):
    """Gradients of a loss of the layer's output with respect to its input and to its output."""
    z = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(z)
        out = through(layer, z)
        loss = tf.reduce_sum(tf.sin(3 * out))
    return map(array, tape.gradient(loss, [z, out]))


def test_the_gradient_passes_the_codebook_unchanged():
    layer = VectorQuantizer(16, commitment=0, seed=1)
    by_input, by_output = gradients(layer, Z, lambda layer, z: layer(z))
    assert np.array_equal(by_input, by_output)
    assert np.abs(by_input).max() > 0


def test_the_gradient_passes_the_rounding_unchanged():
    layer = FiniteScalarQuantizer((4, 5, 2))
    by_input, by_output = gradients(layer, Z, lambda layer, z: layer(z))
    squashed = 1 / (1 + np.exp(-Z.astype("float64")))
    np.testing.assert_allclose(by_input, by_output * 2 * squashed * (1 - squashed), rtol=1e-4, atol=1e-6)


def test_commitment_is_summed_over_an_image_and_averaged_over_the_batch():
    layer = VectorQuantizer(16, commitment=0.5, seed=1)
    found = array(layer(Z))
    np.testing.assert_allclose(float(layer.losses[0]), 0.5 * np.square(Z - found).sum() / 5, rtol=1e-5)
    z = tf.constant(Z)
    with tf.GradientTape() as tape:
        tape.watch(z)
        layer(z)
        loss = layer.losses[0]
    np.testing.assert_allclose(array(tape.gradient(loss, z)), (Z - found) / 5, rtol=1e-4, atol=1e-6)
    assert FiniteScalarQuantizer((3,)).losses == []


def test_the_codebook_follows_by_running_averages():
    layer = VectorQuantizer(4, decay=0.9, restart=0, seed=1)
    before = array(layer(Z)), array(layer.codebook)
    nearest = layer.indices(before[0]).ravel()
    layer(Z, training=True)
    for code in range(4):
        rows = Z.reshape(-1, 3)[nearest == code]
        number, total = 0.9 + 0.1 * len(rows), 0.9 * before[1][code] + 0.1 * rows.sum(axis=0)
        np.testing.assert_allclose(array(layer.codebook)[code], total / number, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(float(layer.numbers[code]), number, rtol=1e-5)


def test_evaluation_moves_nothing():
    layer = VectorQuantizer(8, seed=1)
    layer(Z)
    before = [array(weight) for weight in layer.weights]
    layer(Z)
    layer(Z, training=False)
    assert all(np.array_equal(a, array(b)) for a, b in zip(before, layer.weights, strict=True))


def test_dead_codes_restart_as_vectors_of_the_batch():
    alive, dead = VectorQuantizer(32, restart=1, seed=1), VectorQuantizer(32, restart=0, seed=1)
    for layer in (alive, dead):
        for _ in range(30):
            layer(Z + 5, training=True)  # far from all codes, at first
    used = [len(np.unique(layer.indices(array(layer(Z + 5))))) for layer in (alive, dead)]
    assert used[0] == 32
    assert used[1] < 16


def test_a_restarted_code_is_a_vector_of_the_batch_and_has_some_steps():
    layer = VectorQuantizer(8, decay=0.5, restart=3, seed=1)
    layer(Z)
    layer.codebook.assign(np.full((8, 3), 50.0))
    layer.numbers.assign(np.zeros(8))
    layer(Z, training=True)
    codes = array(layer.codebook)[1:]  # all but the first are nobody's nearest
    rows = Z.reshape(-1, 3)
    assert all(np.isclose(rows, code, atol=1e-5).all(axis=1).any() for code in codes)
    assert array(layer.numbers)[1:].tolist() == [6] * 7


def test_same_seed_same_codebook():
    def trained(seed):
        layer = VectorQuantizer(32, seed=seed)
        for _ in range(5):
            layer(Z, training=True)
        return array(layer.codebook)

    assert np.array_equal(trained(3), trained(3))
    assert not np.array_equal(trained(3), trained(4))


@pytest.mark.parametrize("k", [0, 1])
def test_a_file_keeps_the_quantizer_and_its_state(k, tmp_path):
    network = discrete.build(quantizers()[k], 3, width=8)
    fit(network, X, epochs=1, batch_size=16, verbose=0)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    assert np.array_equal(again.reconstruct(X), network.reconstruct(X))
    layer, loaded = network.encoder.layers[-1], again.encoder.layers[-1]
    assert loaded.get_config() == layer.get_config()
    assert np.array_equal(loaded.vectors(np.arange(layer.codes)), layer.vectors(np.arange(layer.codes)))
    z = Z.astype("float32")
    for one in (layer, loaded):
        one(z, training=True)  # restarts draw on, where they were
    for a, b in zip(layer.weights, loaded.weights, strict=True):
        assert np.array_equal(array(a), array(b))


def test_training_is_the_same_from_the_same_seed_and_lowers_the_error():
    def trained():
        keras.utils.set_random_seed(1)
        network = discrete.build(VectorQuantizer(16), 4, width=8)
        history = fit(network, X, epochs=3, batch_size=16, learning_rate=1e-2, verbose=0)
        return history.history["loss"], network.encode(X)

    (losses, codes), (again, same) = trained(), trained()
    assert losses == again
    assert np.array_equal(codes, same)
    assert losses[-1] < losses[0]


def test_the_loss_holds_the_commitment_once():
    network = discrete.build(VectorQuantizer(16, seed=1), 3, width=8)
    network.compile(jit_compile=False)
    z = keras.Model(network.encoder.inputs[0], network.encoder.layers[-2].output)(X)
    right = np.square(X - network.reconstruct(X)).sum() / len(X)
    right += 0.25 * np.square(array(z) - network.encode(X)).sum() / len(X)
    np.testing.assert_allclose(network.evaluate(X, X, batch_size=48, verbose=0), right, rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VectorQuantizer(0), "codes"),
        (lambda: VectorQuantizer(8, commitment=-1), "commitment"),
        (lambda: VectorQuantizer(8, decay=1), "decay"),
        (lambda: VectorQuantizer(8, restart=-1), "restart"),
        (lambda: VectorQuantizer(8, seed=-1), "seed"),
        (lambda: FiniteScalarQuantizer(()), "levels"),
        (lambda: FiniteScalarQuantizer("88"), "levels"),
        (lambda: FiniteScalarQuantizer(8), "levels"),
        (lambda: FiniteScalarQuantizer((8, 1)), "levels"),
        (lambda: FiniteScalarQuantizer((8, 8))(Z), "2 units expected"),
        (lambda: FiniteScalarQuantizer((4, 5, 2)).vectors([40]), r"0 \.\.\. 39"),
        (lambda: FiniteScalarQuantizer((4, 5, 2)).vectors([-1]), r"0 \.\.\. 39"),
        (lambda: FiniteScalarQuantizer((4, 5, 2)).vectors([0.5]), "integers"),
        (lambda: FiniteScalarQuantizer((4, 5, 2)).indices(Z[..., :2]), "Vectors"),
        (lambda: discrete.build(FiniteScalarQuantizer((8, 8)), 0), "size"),
        (lambda: discrete.build(FiniteScalarQuantizer((8, 8)), 3), "2 units expected"),
        (lambda: MaskedConv2D(4, 4, here=True), "odd"),
        (lambda: discrete.pixel_cnn(0), "codes"),
        (lambda: discrete.pixel_cnn(8, blocks=0), "blocks"),
        (lambda: discrete.pixel_cnn(8, kernel_size=4), "odd"),
    ],
)
def test_bad_settings_are_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.fixture(scope="module")
def prior():
    keras.utils.set_random_seed(1)
    return discrete.pixel_cnn(6, (4, 5), width=8, blocks=2)


def test_masks_by_hand():
    layer = MaskedConv2D(1, 3, here=False, kernel_initializer="ones")
    image = np.arange(1, 10, dtype="float32").reshape(1, 3, 3, 1)
    assert array(layer(image))[0, ..., 0].tolist() == [[0, 1, 2], [3, 10, 10], [9, 22, 19]]
    layer = MaskedConv2D(1, 3, here=True, kernel_initializer="ones")
    assert array(layer(image))[0, ..., 0].tolist() == [[1, 3, 5], [7, 15, 16], [16, 30, 28]]


def test_no_gradient_at_and_after_a_position(prior):
    """The gradient of the logits at a place with respect to the vectors of the indices is 0 at the place and after."""
    vectors = prior.layers[1]
    rest = keras.Model(vectors.output, prior.output)
    maps = RNG.integers(0, 6, (2, 4, 5))
    h = tf.constant(array(vectors(maps)))
    for place in range(20):
        with tf.GradientTape() as tape:
            tape.watch(h)
            logits = rest(h)[:, place // 5, place % 5]
        by_place = np.abs(array(tape.gradient(logits, h))).sum(axis=(0, 3)).ravel()
        assert (by_place[place:] == 0).all()
        assert place % 5 == 0 or by_place[place - 1] > 0
        assert place < 5 or by_place[place - 5] > 0


def test_nats_are_the_cross_entropy_and_of_equal_logits_the_logarithm(prior):
    maps = RNG.integers(0, 6, (7, 4, 5))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(maps, prior(maps))
    found = discrete.nats(prior, maps, batch_size=3)
    np.testing.assert_allclose(found.mean(), float(loss), rtol=1e-5)
    assert found.shape == (7, 4, 5)
    flat = keras.models.clone_model(prior)
    flat.get_layer("logits").set_weights([np.zeros((1, 1, 8, 6)), np.zeros(6)])
    np.testing.assert_allclose(discrete.nats(flat, maps), np.log(6), rtol=1e-6)
    with pytest.raises(ValueError, match=r"0 \.\.\. 5"):
        discrete.nats(prior, maps + 1)
    with pytest.raises(ValueError, match="Maps"):
        discrete.nats(prior, maps[:, :3])


def test_draws_have_the_priors_probabilities_and_a_seed(prior):
    maps = discrete.sample(prior, 4_000, seed=1, batch_size=1500)
    assert maps.shape == (4_000, 4, 5)
    assert maps.dtype == "int32"
    assert np.array_equal(maps[:100], discrete.sample(prior, 100, seed=1, batch_size=1500)[:100])
    assert not np.array_equal(maps, discrete.sample(prior, 4_000, seed=2, batch_size=1500))
    first = array(ops.softmax(prior(maps[:1])))[0, 0, 0]  # the same for all maps
    shares = np.bincount(maps[:, 0, 0], minlength=6) / 4_000
    assert np.abs(shares - first).max() < 5 * np.sqrt(0.25 / 4_000)
    # A draw's nats are an estimate of the entropy: their mean is that of a second set, to 5 standard errors.
    a, b = (discrete.nats(prior, discrete.sample(prior, 4_000, seed)).sum(axis=(1, 2)) for seed in (1, 3))
    assert abs(a.mean() - b.mean()) < 5 * np.hypot(a.std(), b.std()) / np.sqrt(4_000)
    with pytest.raises(ValueError, match="seed"):
        discrete.sample(prior, 4, seed=-1)
    with pytest.raises(ValueError, match="temperature"):
        discrete.sample(prior, 4, seed=1, temperature=0)


def test_cold_draws_are_the_most_probable_indices(prior):
    model = keras.models.clone_model(prior)
    model.set_weights(prior.get_weights())
    model.get_layer("logits").bias.assign(np.arange(6) / 2)  # the first position's logits: without one all are equal
    cold = discrete.sample(model, 200, seed=1, temperature=1e-6)
    assert (cold == cold[0]).all()
    assert cold[0, 0, 0] == 5


def test_a_prior_learns_a_rule():
    """Maps whose every index is the one before plus 1, modulo 5: only the first is free."""
    start = RNG.integers(0, 5, (256, 1))
    maps = ((start + np.arange(16)) % 5).reshape(-1, 4, 4).astype("int32")
    keras.utils.set_random_seed(1)
    model = discrete.pixel_cnn(5, (4, 4), width=32, blocks=1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    fit(model, maps, maps, epochs=40, batch_size=32, learning_rate=1e-2, loss=loss, value_range=None, verbose=0)
    nats = discrete.nats(model, maps).mean(axis=0).ravel()
    assert nats[1:].max() < 0.1
    np.testing.assert_allclose(nats[0], np.log(5), rtol=0.1)
    drawn = discrete.sample(model, 50, seed=1).reshape(50, -1)
    assert np.mean(np.diff(drawn) % 5 == 1) > 0.95


def test_a_file_keeps_the_prior(prior, tmp_path):
    prior.save(tmp_path / "prior.keras")
    maps = RNG.integers(0, 6, (3, 4, 5))
    assert np.array_equal(array(keras.models.load_model(tmp_path / "prior.keras")(maps)), array(prior(maps)))


def test_the_drawing_names_the_indices():
    for quantizer, word in zip(quantizers(), ("codebook", "grid"), strict=True):
        alt = diagrams.draw(discrete.build(quantizer, 3, width=8)).alt
        assert f"49 indices of {quantizer.codes}" in alt
        assert word in alt
    drawing = diagrams.draw(discrete.pixel_cnn(6, (4, 5), width=8, blocks=2))
    assert "masked conv" in drawing.alt
    assert layers.Embedding.__name__.lower() in drawing.alt
