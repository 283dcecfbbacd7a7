"""Sparse and contractive codes: layers, penalties and measures against worked examples and independent formulas."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from utils import diagrams, sparse
from utils.models import same_architecture
from utils.sparse import PenalizedAutoencoder, TopK, WinnerTakeAll, contraction, contraction_by_jacobian
from utils.training import fit

X = np.random.default_rng(7).random((32, 28, 28, 1), dtype="float32")


def array(tensor):
    return ops.convert_to_numpy(tensor)


def network(penalty=None, activation="sigmoid", **settings):
    keras.utils.set_random_seed(1)
    return sparse.build(12, activation, penalty=penalty, **settings)


def test_top_k_keeps_the_largest():
    z = np.float32([[3, -1, 2, 0.5], [-4, -3, -2, -1]])
    assert array(TopK(2)(z)).tolist() == [[3, 0, 2, 0], [0, 0, -2, -1]]
    assert array(TopK(4)(z)).tolist() == z.tolist()


def test_top_k_keeps_the_first_of_equals_and_its_number_may_be_set():
    layer = TopK(1)
    z = np.float32([[1, 1, 0]])
    assert array(layer(z)).tolist() == [[1, 0, 0]]
    layer.k = 3
    assert layer.k == 3
    assert layer.get_config()["k"] == 3
    compiled = tf.function(layer)
    assert array(compiled(np.float32([[3, 2, 1]]))).tolist() == [[3, 2, 1]]
    layer.k = 1
    assert array(compiled(np.float32([[3, 2, 1]]))).tolist() == [[3, 0, 0]]


def test_gradient_reaches_the_winners_only():
    z = tf.constant([[3.0, 1.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(z)
        loss = tf.reduce_sum(TopK(2)(z) ** 2)
    assert array(tape.gradient(loss, z)).tolist() == [[6, 0, 4]]


def test_winner_take_all_works_on_columns_and_in_training_only():
    z = np.random.default_rng(0).normal(size=(10, 7)).astype("float32")
    layer = WinnerTakeAll(0.2)
    kept = array(layer(z, training=True))
    assert np.count_nonzero(kept, axis=0).tolist() == [2] * 7
    for before, after in zip(z.T, kept.T, strict=True):
        assert sorted(after[after != 0]) == sorted(before)[-2:]
    assert array(layer(z)).tolist() == z.tolist()
    assert np.count_nonzero(array(WinnerTakeAll(0.01)(z, training=True)), axis=0).tolist() == [1] * 7


def test_winner_take_all_of_a_batch_whose_size_is_not_known():
    run = tf.function(lambda z: WinnerTakeAll(0.5)(z, training=True), input_signature=[tf.TensorSpec((None, 3))])
    assert np.count_nonzero(array(run(X[:6, 0, :3, 0])), axis=0).tolist() == [3] * 3


@pytest.mark.parametrize("winners", [TopK(5), WinnerTakeAll(0.1), None])
@pytest.mark.parametrize("penalty", sparse.PENALTIES)
def test_survives_a_file(winners, penalty, tmp_path):
    if winners and penalty == "contractive":
        pytest.skip("closed form for one dense layer only")
    model = sparse.build(12, "relu", winners, penalty=penalty, weight=0.3, rate=0.1)
    model(X)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert same_architecture(model, again)
    assert (again.penalty, again.weight, again.rate) == (penalty, 0.3, 0.1)
    np.testing.assert_allclose(model.reconstruct(X), again.reconstruct(X), atol=1e-6)


def bernoulli_kl(p, q):
    return p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))


def test_penalties_against_independent_formulas():
    z = network().encode(X)
    assert float(network("l1").price(X, z)) == pytest.approx(z.sum() / len(X), rel=1e-5)
    expected = sum(bernoulli_kl(0.1, q) for q in z.mean(axis=0))
    assert float(network("kl", rate=0.1).price(X, z)) == pytest.approx(expected, rel=1e-4)
    kernel = network().encoder.layers[1].get_weights()[0]
    expected = ((z * (1 - z)) ** 2 @ (kernel**2).sum(axis=0)).mean()
    assert float(network("contractive").price(X, z)) == pytest.approx(expected, rel=1e-4)
    assert float(network().price(X, z)) == 0


@pytest.mark.parametrize("penalty", sparse.PENALTIES)
def test_the_loss_does_not_depend_on_the_size_of_the_batch(penalty):
    """What `activity_regularizer` does not guarantee over the versions of Keras."""
    model = network(penalty, weight=2.0)
    losses = []
    for x in (X, np.tile(X, (3, 1, 1, 1))):
        losses.append(float(model.compute_loss(x, y_pred=model(x))))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    error = np.square(X - model.reconstruct(X)).sum() / len(X)
    assert losses[0] == pytest.approx(error + 2 * float(model.price(X, model.encode(X))), rel=1e-4)


def test_weights_and_targets():
    model = network("l1", weight=0.5)
    z, y = model.encode(X), 1 - X
    errors = np.square(y - model.reconstruct(X)).reshape(len(X), -1).sum(axis=1)
    weights = np.arange(32, dtype="float32")
    found = float(model.compute_loss(X, y, model(X), weights))
    assert found == pytest.approx((errors * weights).mean() + 0.5 * z.sum() / len(X), rel=1e-4)


def test_kl_price_is_zero_at_its_rate_only():
    assert float(sparse.activity_divergence(np.full((4, 3), 0.1, "float32"), 0.1)) == pytest.approx(0, abs=1e-6)
    assert np.isfinite(float(sparse.activity_divergence(np.zeros((4, 3), "float32"), 0.1)))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "linear", "gelu", "softplus", "silu"])
def test_closed_form_against_the_jacobian(activation):
    encoder = network(activation=activation).encoder
    np.testing.assert_allclose(array(contraction(encoder, X)), array(contraction_by_jacobian(encoder, X)), rtol=1e-4)


def test_the_jacobian_of_a_deep_encoder():
    deep = keras.Sequential([keras.Input((2,)), layers.Dense(3, "tanh"), layers.Dense(2)])
    x, step = np.float32([[0.3, -0.2]]), 1e-3
    moved = [(array(deep(x + d)) - array(deep(x - d))) / (2 * step) for d in step * np.eye(2, dtype="float32")]
    assert float(contraction_by_jacobian(deep, x)[0]) == pytest.approx(np.square(moved).sum(), rel=1e-2)


def test_the_gradient_of_the_price_reaches_the_weights():
    model = network("contractive")
    with tf.GradientTape() as tape:
        price = model.price(X, None)
    kernel = model.encoder.layers[1].kernel.value
    slope = array(tape.gradient(price, kernel))
    before, step = array(kernel), np.zeros((784, 12), "float32")
    step[300, 4] = 1e-2
    prices = []
    for sign in (1, -1):
        model.encoder.layers[1].kernel.assign(before + sign * step)
        prices.append(float(model.price(X, None)))
    assert slope[300, 4] == pytest.approx((prices[0] - prices[1]) / 2e-2, rel=0.05)


@pytest.mark.parametrize("unit_norm", [True, False])
def test_unit_norm_holds_after_training(unit_norm):
    model = network("l1", weight=0.1, unit_norm=unit_norm)
    history = fit(model, X, epochs=2, batch_size=8, xla=False, verbose=0).history
    assert {"loss", "reconstruction", "penalty"} <= set(history)
    assert history["loss"][-1] == pytest.approx(history["reconstruction"][-1] + 0.1 * history["penalty"][-1], rel=1e-3)
    lengths = np.linalg.norm(model.decoder.layers[0].get_weights()[0], axis=1)
    assert np.allclose(lengths, 1, atol=1e-4) == unit_norm


def test_it_trains_by_keras_own_fit_too():
    model = sparse.build(12, "relu", WinnerTakeAll(0.25))
    model.compile("adam", jit_compile=False)
    losses = model.fit(X, epochs=3, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert model.evaluate(X, verbose=0, return_dict=True)["penalty"] == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network("L2"), "penalty='L2'"),
        (lambda: network("l1", weight=-1), "weight=-1"),
        (lambda: network("kl", rate=1), "rate=1"),
        (lambda: sparse.build(0), "code must be a positive integer"),
        (lambda: TopK(0), "k must be a positive integer"),
        (lambda: TopK(5)(np.zeros((1, 4))), "4 units only"),
        (lambda: WinnerTakeAll(0), "rate=0"),
        (lambda: WinnerTakeAll(1.5), "rate=1.5"),
        (lambda: sparse.build(5, winners=TopK(2), penalty="contractive"), "one dense layer"),
        (lambda: contraction(keras.Sequential([keras.Input((4,)), layers.Flatten()]), X), "found none"),
        (lambda: sparse.treves_rolls([[-1.0, 2.0]]), "at least 0"),
        (lambda: sparse.sensitivity(np.asarray, X, X[:3]), "two equal shapes"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_treves_rolls():
    z = np.array([[1, 0, 0, 0], [2, 2, 0, 0], [3, 3, 3, 3], [0, 0, 0, 0], [2, 1, 0, 0]])
    np.testing.assert_allclose(sparse.treves_rolls(z), [0.25, 0.5, 1, 0, 9 / 20])
    np.testing.assert_allclose(sparse.treves_rolls(0.01 * z), sparse.treves_rolls(z))


def test_dead_units():
    z = np.array([[0, 0.2, 0], [0, 0, 3.0]])
    assert sparse.dead_units(z) == 1
    assert sparse.dead_units(z, threshold=0.2) == 2


def test_sensitivity():
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert sparse.sensitivity(np.asarray, x, x) == 0
    assert sparse.sensitivity(np.asarray, x, x + [0, 1.0]) == pytest.approx(0.2)
    assert sparse.sensitivity(lambda x: 100 * x, x, x + [0, 1.0]) == pytest.approx(0.2)


def test_noise_is_as_long_as_the_change():
    change = np.roll(X, 1, axis=2) - X
    noise = sparse.same_length_noise(change, seed=1)
    for one, other in zip(change, noise, strict=True):
        assert np.linalg.norm(one) == pytest.approx(np.linalg.norm(other), rel=1e-4)
    assert abs(np.corrcoef(change.ravel(), noise.ravel())[0, 1]) < 0.05


def test_the_drawing_shows_the_winners():
    assert "k largest" in diagrams.draw(sparse.build(12, winners=TopK(5))).alt
    assert "winners" in diagrams.draw(sparse.build(12, winners=WinnerTakeAll(0.1))).alt


@pytest.mark.parametrize(("activation", "level"), [("relu", 0), ("sigmoid", -3.0), ("tanh", 0.5)])
def test_centre(activation, level):
    model = sparse.centre(network(activation=activation), X, level)
    mean = X.mean(axis=0, keepdims=True)
    z = model.encode(mean)
    start = float(keras.activations.get(activation)(np.float32(level)))
    np.testing.assert_allclose(z, np.full((1, 12), start), atol=1e-4)
    np.testing.assert_allclose(model.decode(z), mean, atol=1e-4)
    kernels = model.encoder.layers[1].get_weights()[0], model.decoder.layers[0].get_weights()[0]
    np.testing.assert_allclose(kernels[0], kernels[1].T)
    np.testing.assert_allclose(np.linalg.norm(kernels[0], axis=0), 1, rtol=1e-5)


def test_called_on_images():
    model = network()
    assert isinstance(model, PenalizedAutoencoder)
    outputs = model(X)
    np.testing.assert_allclose(array(outputs["image"]), model.reconstruct(X), atol=1e-5)
    np.testing.assert_allclose(array(outputs["code"]), model.encode(X), atol=1e-5)
