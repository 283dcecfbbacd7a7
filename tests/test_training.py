"""utils.training on toys: the order of the images, the steps against plain Keras, and what is refused."""

import ctypes
import gc
import os
from itertools import pairwise
from types import SimpleNamespace
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from tensorflow.python.framework.func_graph import FuncGraph

from utils import metrics, models, training
from utils.training import ErrorByTime, fit

SHAPE = (8, 8, 1)
SGD = {"optimizer": keras.optimizers.SGD, "schedule": "constant", "learning_rate": 0.01}


@pytest.fixture
def x():
    """32 images that two numbers describe: a patch's brightness and the background's."""
    rng = np.random.default_rng(0)
    x = np.broadcast_to(rng.random((32, 1, 1, 1)) / 4, (32, *SHAPE)).copy()
    x[:, 2:6, 2:6] = 1 - rng.random((32, 1, 1, 1)) / 2
    return x.astype("float32")


def small(seed=7, **settings):
    keras.utils.set_random_seed(seed)
    return models.deep((10,), 4, **{"input_shape": SHAPE} | settings)


def classifier(seed=7):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(2, activation="softmax")])


def train(model, *arrays, **settings):
    """`fit`, quickly and silently."""
    return fit(model, *arrays, **{"epochs": 2, "batch_size": 8, "xla": False, "verbose": 0} | settings)


def assert_close(one, other, atol):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=atol)


def moved(model, start):
    """The largest change of any weight."""
    return max(np.abs(a - b).max() for a, b in zip(model.get_weights(), start, strict=True))


class Recorder(keras.Model):
    """Learns nothing, and notes every input that it is given, in order."""

    input_shape = (None, 1)

    def __init__(self, total):
        super().__init__()
        self.seen = self.add_weight(shape=(total,), initializer="zeros", trainable=False)
        self.count = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False)

    def train_step(self, data):
        values = tf.reshape(data[0], (-1,))
        places = self.count + tf.range(tf.shape(values)[0])
        self.seen.assign(tf.tensor_scatter_nd_update(self.seen.value, places[:, None], values))
        self.count.assign(places[-1] + 1)
        return {}


def visits(n, epochs, batch_size, seed=7, **settings):
    """What the model sees of the inputs 0..n-1: array (epochs, inputs per epoch)."""
    keras.utils.set_random_seed(seed)
    model = Recorder(epochs * (n // batch_size) * batch_size)
    inputs = np.arange(n, dtype="float32")[:, None]
    train(model, inputs, epochs=epochs, batch_size=batch_size, value_range=None, **settings)
    assert int(model.count) == model.seen.shape[0]
    return model.seen.numpy().astype(int).reshape(epochs, -1)


# --- the order


@pytest.mark.parametrize("xla", [False, True])
def test_every_image_is_visited_once_per_epoch_in_a_new_order(xla):
    seen = visits(46, 3, 2, xla=xla)  # 23 steps, in calls of three and a last one of two
    np.testing.assert_array_equal(np.sort(seen, axis=1), np.tile(np.arange(46), (3, 1)))
    orders = {tuple(epoch) for epoch in [*seen, range(46)]}
    assert len(orders) == 4


def test_what_does_not_fill_a_batch_waits_for_another_epoch():
    seen = visits(10, 12, 4)
    assert seen.shape == (12, 8)
    assert all(len(set(epoch)) == 8 for epoch in seen)
    assert set(seen.flat) == set(range(10))


def test_the_seed_decides_the_order():
    one, same, other = (visits(20, 2, 5, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_inputs_and_targets_stay_together():
    numbers = np.arange(32.0)[:, None]
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, kernel_initializer="ones")])  # right from the start
    history = train(model, numbers, numbers, loss="mse", value_range=None)
    assert history.history["loss"] == [0, 0]


# --- the steps


def test_same_seed_same_result_bit_for_bit(x):
    runs = []
    for seed in (3, 3, 4):
        model = small(seed)
        runs.append((model, train(model, x).history["loss"]))
    (one, losses), (same, same_losses), (other, other_losses) = runs
    assert losses == same_losses
    assert losses != other_losses
    for a, b in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert moved(one, other.get_weights()) > 1e-3


def test_the_order_alone_makes_a_difference(x):
    one, other = small(), small()
    train(one, x)
    keras.utils.set_random_seed(8)
    train(other, x)
    assert moved(one, other.get_weights()) > 0


def test_the_loss_goes_down(x):
    model = small()
    losses = train(model, x, epochs=100, learning_rate=0.02).history["loss"]
    assert losses[-1] < 0.1 * losses[0]
    mean = np.broadcast_to(x.mean(axis=0), x.shape)
    assert metrics.mse(x, model.reconstruct(x)) < 0.3 * metrics.mse(x, mean)


def test_whole_batches_are_plain_keras(x):
    ours, plain = small(), small()
    start = ours.get_weights()
    losses = train(ours, x, epochs=4, batch_size=32, **SGD).history["loss"]
    plain.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    wanted = plain.fit(x, epochs=4, batch_size=32, verbose=0).history["loss"]
    assert_close(ours, plain, 1e-5)
    np.testing.assert_allclose(losses, wanted, rtol=1e-5)
    assert moved(ours, start) > 1e-3


def test_targets_are_used_as_in_plain_keras(x):
    ours, plain, copier = small(), small(), small()
    clean = 1 - x
    train(ours, x, clean, epochs=3, batch_size=32, **SGD)
    train(copier, x, epochs=3, batch_size=32, **SGD)
    plain.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    plain.fit(x, clean, epochs=3, batch_size=32, verbose=0)
    assert_close(ours, plain, 1e-5)
    assert moved(ours, copier.get_weights()) > 1e-2


def test_xla_changes_the_speed_only(x):
    models_ = []
    for xla in (False, True):
        models_.append(small())
        train(models_[-1], x, xla=xla, **SGD)
    assert_close(*models_, 1e-5)


def test_numbers_of_another_type_are_the_same_numbers(x):
    binary = np.random.default_rng(0).random(x.shape) > 0.5
    one = small()
    train(one, binary.astype("float64"))
    for values in (binary, binary.astype("int64"), binary.astype("uint8") * 255):
        other = small()
        train(other, values)
        assert_close(one, other, 1e-6)


@pytest.mark.parametrize("xla", [False, True])
def test_bytes_are_pixels_for_input_target_and_validation(x, xla):
    grey = (255 * x).astype("uint8")
    one = small()
    history = train(one, grey, 255 - grey, validation_data=(grey, grey), xla=xla).history
    other = small()
    other_history = train(other, grey / 255, 1 - grey / 255, validation_data=grey / 255, xla=xla).history
    assert_close(one, other, 1e-5)
    np.testing.assert_allclose(history["val_loss"], other_history["val_loss"], rtol=1e-5)


def test_bytes_without_a_range_are_numbers_on_both_sides(x):
    values = (255 * x).astype("uint8")
    for taken in training._checked(small(), values, values, None, None):
        assert taken.dtype == "float32"
        np.testing.assert_array_equal(taken, values)


@pytest.mark.parametrize(("dtype", "xla"), [("float32", True), ("uint8", False)])
def test_a_memory_mapped_array_trains_as_one_in_memory(x, tmp_path, monkeypatch, dtype, xla):
    values = x if dtype == "float32" else (255 * x).astype("uint8")
    np.save(tmp_path / "x.npy", values)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    one = small()
    train(one, values, xla=xla)
    for size, piece in ((training.BLOCK_BYTES, training.PIECE), (1, 3)):  # at once; step by step, in pieces
        monkeypatch.setattr(training, "BLOCK_BYTES", size)
        monkeypatch.setattr(training, "PIECE", piece)
        other = small()
        history = train(other, mapped, xla=xla).history
        assert_close(one, other, 1e-6)
        assert len(history["loss"]) == 2
    first = small()
    train(first, values[8:24], 1 - values[8:24] if dtype == "float32" else 255 - values[8:24], xla=xla)
    other = small()
    train(other, mapped[8:24], 1 - values[8:24] if dtype == "float32" else 255 - values[8:24], xla=xla)
    assert_close(first, other, 1e-6)
    np.save(tmp_path / "y.npy", 1 - values if dtype == "float32" else 255 - values)
    third, targets = small(), np.load(tmp_path / "y.npy", mmap_mode="r")
    train(third, values[8:24], targets[8:24], xla=xla)  # the targets alone lie in a file
    assert_close(first, third, 1e-6)


def test_a_view_of_a_memory_mapped_array_is_read_by_its_rows(x, tmp_path):
    np.save(tmp_path / "x.npy", x)
    view = np.load(tmp_path / "x.npy", mmap_mode="r")[:, ::-1]
    with mock.patch.object(np.memmap, "reshape", side_effect=AssertionError("the whole file would be copied")):
        rows = training._read(view, np.array([3, 1, 3]))
    np.testing.assert_array_equal(rows, x[[3, 1, 3], ::-1].reshape(3, -1))


def test_what_is_memory_mapped_is_read_for_the_checks_too(x, tmp_path):
    np.save(tmp_path / "1.npy", np.where(x == x.max(), np.nan, x).astype("float32"))
    with pytest.raises(ValueError, match="NaN"):
        train(small(), np.load(tmp_path / "1.npy", mmap_mode="r"))
    np.save(tmp_path / "2.npy", 3 * x)
    with pytest.raises(ValueError, match=r"x lies in \[.*scale it"):
        train(small(), np.load(tmp_path / "2.npy", mmap_mode="r"))
    np.save(tmp_path / "3.npy", x.astype("float64"))
    with pytest.raises(ValueError, match="memory-mapped float64"):
        train(small(), np.load(tmp_path / "3.npy", mmap_mode="r"))
    np.save(tmp_path / "4.npy", (255 * x).astype("uint8"))
    with pytest.raises(ValueError, match="leave value_range"):
        train(small(), np.load(tmp_path / "4.npy", mmap_mode="r"), value_range=None)


def test_bytes_that_are_labels_or_codes_stay_as_they_are(x):
    y = (x[:, 0, 0, 0] > 0.125).astype("uint8") * np.uint8(1)
    losses = [
        train(classifier(), x, labels, loss="sparse_categorical_crossentropy").history["loss"]
        for labels in (y, y.astype("int64"))
    ]
    assert losses[0] == losses[1]
    codes = np.arange(16, dtype="uint8")[:, None]
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, kernel_initializer="ones")])
    assert train(model, codes, codes, loss="mse", value_range=None).history["loss"] == [0, 0]


def test_a_second_fit_goes_on_from_the_first(x):
    model = small()
    first = train(model, x, learning_rate=0.02, epochs=10).history["loss"]
    second = train(model, x, learning_rate=0.02, epochs=10).history["loss"]
    assert second[0] < first[0]
    assert len(second) == 10


def test_dropout_is_at_work_while_training():
    keras.utils.set_random_seed(7)
    copy = layers.Dense(64, kernel_initializer="identity")
    encoder = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dropout(0.5), copy])
    model = models.Autoencoder(encoder, keras.Sequential([keras.Input((64,)), layers.Reshape(SHAPE)]))
    history = train(model, np.ones((32, *SHAPE)), learning_rate=1e-9)
    # half of the ones are 0, the others 2, so all are off by 1
    np.testing.assert_allclose(history.history["loss"], 64, rtol=1e-5)


# --- the rate


def rates_of(model, x, **settings):
    rates = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rates.append(float(model.optimizer.learning_rate))
    )
    train(model, x, callbacks=[note], **settings)
    return rates


def test_cosine_warms_up_and_decays_to_zero(x):
    rates = rates_of(small(), x, epochs=10, batch_size=8, learning_rate=0.5)  # 40 steps: 2 of them to warm up
    assert len(rates) == 40
    assert rates[1] == pytest.approx(0.5)
    assert 0 < rates[0] < 0.5
    assert all(a > b for a, b in pairwise(rates[1:-1]))
    assert rates[-2] < 0.002
    assert rates[-1] == 0.5  # for whoever goes on with this optimizer


def test_a_single_step_trains(x):
    model = small()
    start = model.get_weights()
    train(model, x, epochs=np.int64(1), batch_size=np.int64(32), learning_rate=0.1)
    assert moved(model, start) > 0.01


def test_constant_rate(x):
    assert rates_of(small(), x, schedule="constant", learning_rate=0.25) == [0.25] * 8


@pytest.mark.parametrize("steps", [2, 3, 19, 1000])
def test_the_schedule_fits_into_the_steps(steps):
    rate = training._rate("cosine", 0.1, steps)
    rates = [float(rate(step)) for step in range(steps + 1)]
    assert max(rates) == pytest.approx(0.1)
    assert np.argmax(rates) <= max(1, steps // 20)
    assert min(rates) < 0.51 * max(rates) if steps > 2 else True
    assert rates[-1] == pytest.approx(0.1)  # after the end
    np.testing.assert_allclose(
        rates[:-1], [float(keras.optimizers.schedules.CosineDecay.__call__(rate, step)) for step in range(steps)]
    )


# --- what is reported


def test_history_of_an_autoencoder(x):
    model = small()
    history = train(model, x, epochs=3)
    assert isinstance(history, keras.callbacks.History)
    assert set(history.history) == {"loss", "seconds"}
    assert {len(values) for values in history.history.values()} == {3}
    assert history.history["seconds"] == sorted(history.history["seconds"])
    assert history.epoch == [0, 1, 2]


def test_loss_is_the_average_of_the_epoch(x):
    model = small()
    history = train(model, x, batch_size=2, learning_rate=1e-12, schedule="constant")
    wanted = metrics.squared_error(x, model.reconstruct(x)).mean()
    np.testing.assert_allclose(history.history["loss"], wanted, rtol=1e-5)


def test_validation_is_evaluate(x):
    model = small()
    shifted = np.roll(x, 2, axis=1)
    history = train(model, x, validation_data=shifted)
    assert set(history.history) == {"loss", "seconds", "val_loss"}
    assert history.history["val_loss"][-1] == pytest.approx(model.evaluate(shifted, verbose=0), rel=1e-5)
    assert history.history["val_loss"][-1] == pytest.approx(
        metrics.squared_error(shifted, model.reconstruct(shifted)).mean(), rel=1e-5
    )
    history = train(model, x, validation_data=(shifted, x))
    assert history.history["val_loss"][-1] == pytest.approx(model.evaluate(shifted, x, verbose=0), rel=1e-5)


def test_validation_does_not_change_the_training(x):
    one = small()
    losses = train(one, x).history["loss"]
    other = small()
    assert train(other, x, validation_data=x[:5]).history["loss"] == losses
    assert_close(one, other, 0)


def test_a_classifier_reports_its_accuracy(x):
    y = (x[:, 0, 0, 0] > 0.125).astype(int)
    model = classifier()
    history = train(
        model,
        x,
        y,
        epochs=12,
        batch_size=4,
        learning_rate=0.3,
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        validation_data=(x, y),
    ).history
    assert set(history) == {"loss", "accuracy", "seconds", "val_loss", "val_accuracy"}
    assert history["accuracy"][-1] > 0.9
    assert history["val_accuracy"][-1] == pytest.approx(np.mean(model(x).numpy().argmax(axis=1) == y))
    assert history["accuracy"][0] < history["accuracy"][-1]


def test_the_progress_bar_can_be_silenced(x, capsys):
    train(small(), x, verbose=0)
    assert capsys.readouterr().out == ""
    train(small(), x, verbose=1)
    out = capsys.readouterr().out
    assert "4/4" in out
    assert "Epoch 2/2" in out
    assert "loss" in out
    assert "seconds" not in out


# --- callbacks


def test_callbacks_are_called_in_order(x):
    events = []

    class Note(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            events.append(("begin", self.params["epochs"], self.model.name))

        def on_epoch_begin(self, epoch, logs=None):
            events.append(("epoch begins", epoch))

        def on_epoch_end(self, epoch, logs=None):
            events.append(("epoch ends", epoch, sorted(logs)))

        def on_train_end(self, logs=None):
            events.append(("end", sorted(logs)))

    train(small(), x, callbacks=[Note()])
    keys = ["loss"]
    assert [event[0] for event in events] == ["begin", *["epoch begins", "epoch ends"] * 2, "end"]
    assert events[0][1] == 2
    assert events[1:] == [
        ("epoch begins", 0),
        ("epoch ends", 0, keys),
        ("epoch begins", 1),
        ("epoch ends", 1, keys),
        ("end", keys),
    ]
    assert keys == ["loss"]


@pytest.mark.parametrize("batch_size", [1, 3, 23])
def test_batch_events_cover_every_step_once(x, batch_size):
    begins, ends = [], []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: begins.append(batch),
        on_train_batch_end=lambda batch, logs: ends.append(batch),
    )
    model = small()
    train(model, x[:23], epochs=1, batch_size=batch_size, callbacks=[note])
    steps = 23 // batch_size
    assert begins[0] == 0
    assert begins[1:] == [end + 1 for end in ends[:-1]]
    assert begins[-1] < steps <= ends[-1] + 1  # as Keras counts with several steps per execution
    assert len(ends) <= training.CALLS_PER_EPOCH
    assert int(model.optimizer.iterations) == steps


def test_stop_training_stops(x):
    model = small()
    stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch == 1))
    assert len(train(model, x, epochs=9, callbacks=[stop]).history["loss"]) == 2
    assert len(train(model, x, epochs=3).history["loss"]) == 3  # and does not stop the next training


def test_early_stopping_sees_the_validation_loss(x):
    stop = keras.callbacks.EarlyStopping("val_loss", min_delta=1e9, patience=2)
    history = train(small(), x, epochs=9, validation_data=x[:4], callbacks=[stop])
    assert len(history.epoch) == 3


# --- XLA


def convolution(kind):
    return keras.Sequential([keras.Input(SHAPE), kind, layers.Flatten(), layers.Dense(3)])


def test_xla_for_dense_models_only(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [])
    enough = training.STEPS_FOR_XLA
    assert training._use_xla(small(), enough)
    assert not training._use_xla(small(), 0.99 * enough)  # its compilation would not pay
    assert training._use_xla(models.deep((500,), 4), 0.6 * enough)  # 789,788 weights: every step saves more
    for kind in (layers.Conv2D(2, 3), layers.Conv2DTranspose(2, 3), layers.DepthwiseConv2D(3)):
        assert not training._use_xla(convolution(kind), enough)
    decoder = keras.Sequential([keras.Input((3,)), layers.Dense(64), layers.Reshape(SHAPE)])
    assert not training._use_xla(models.Autoencoder(convolution(layers.Conv2D(2, 3)), decoder), enough)


def test_xla_for_everything_on_a_graphics_card(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["a card"] if kind == "GPU" else [])
    assert training._use_xla(convolution(layers.Conv2D(2, 3)), 1)


@pytest.mark.parametrize(("given", "chosen"), [("auto", False), (True, True), (False, False)])
def test_xla_is_what_was_asked_for(x, monkeypatch, given, chosen):
    monkeypatch.setattr(training, "_use_xla", lambda model, steps: False)
    model = small()
    train(model, x, xla=given, epochs=1)
    assert model.jit_compile is chosen


class Host(layers.Layer):
    """Computes the identity by NumPy, which XLA cannot compile."""

    def call(self, x):
        y = tf.numpy_function(lambda values: values, [x], x.dtype)
        y.set_shape(x.shape)
        return x + tf.stop_gradient(y - x)


def test_steps_of_this_call_decide_on_xla(x, monkeypatch):
    monkeypatch.setattr(training, "STEPS_FOR_XLA", 2 * (len(x) // 8))
    for epochs, first, chosen in ((1, 0, False), (2, 0, True), (2, 1, False)):
        model = small()
        train(model, x, epochs=epochs, initial_epoch=first, batch_size=8, xla="auto")
        assert model.jit_compile is chosen


def test_where_xla_lacks_an_operation_training_goes_on_without(x, monkeypatch):
    monkeypatch.setattr(training, "STEPS_FOR_XLA", 1)

    def build():
        keras.utils.set_random_seed(7)
        return keras.Sequential([keras.Input(SHAPE), layers.Flatten(), Host(), layers.Dense(2)])

    y, model = x[:, 0, 0], build()
    with pytest.warns(UserWarning, match="XLA does not compile this model"):
        history = train(model, x, np.repeat(y, 2, 1), loss="mse", validation_data=(x, np.repeat(y, 2, 1)), xla="auto")
    assert model.jit_compile is False
    plain = build()
    assert history.history["loss"] == train(plain, x, np.repeat(y, 2, 1), loss="mse").history["loss"]
    assert_close(model, plain, 0)
    with pytest.raises(tf.errors.OpError):
        train(build(), x, np.repeat(y, 2, 1), loss="mse", xla=True)


# --- as Keras' own `fit`


def test_keras_own_fit_goes_on_after_ours(x):
    model = small()
    train(model, x, epochs=3, learning_rate=0.02)
    start = model.get_weights()
    model.fit(x, epochs=3, batch_size=8, verbose=0)
    assert moved(model, start) > 1e-3
    assert model.steps_per_execution == 1
    model.optimizer.build(model.trainable_variables)
    start = model.get_weights()
    train(model, x, optimizer=model.optimizer)  # the optimizer as it is, with its state
    assert moved(model, start) > 1e-3
    assert int(model.optimizer.iterations) == 4 * (3 + 3 + 2)


def test_a_compiled_rate_survives_a_keras_file(x, tmp_path):
    model = small()
    train(model, x)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert float(loaded.optimizer.learning_rate) == pytest.approx(1e-3)


@pytest.mark.parametrize("optimizer", ["sgd", keras.optimizers.SGD, lambda rate: keras.optimizers.SGD(rate)])
def test_an_optimizer_by_name_class_or_function(x, optimizer):
    ours, plain = small(), small()
    train(ours, x, batch_size=32, **SGD | {"optimizer": optimizer})
    plain.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    plain.fit(x, epochs=2, batch_size=32, verbose=0)
    assert_close(ours, plain, 1e-6)


def test_an_optimizer_keeps_its_own_rate(x):
    optimizer = keras.optimizers.SGD(0.125)
    assert rates_of(small(), x, optimizer=optimizer)[-1] == 0.125


def test_an_average_of_the_weights_is_left_behind(x):
    ours, plain = small(), small()
    settings = {"use_ema": True, "ema_momentum": 0.5}
    train(ours, x, batch_size=32, optimizer=keras.optimizers.SGD(0.1, **settings))
    plain.compile(keras.optimizers.SGD(0.1, **settings), jit_compile=False)
    plain.fit(x, epochs=2, batch_size=32, verbose=0)
    assert_close(ours, plain, 1e-6)


def test_no_callbacks_one_callback(x):
    train(small(), x, callbacks=None)
    stop = keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=1)
    assert len(train(small(), x, epochs=9, callbacks=stop).epoch) == 2


def test_a_plateau_reduces_a_constant_rate_and_contradicts_a_schedule(x):
    reduce = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    history = train(small(), x, epochs=4, schedule="constant", learning_rate=0.25, callbacks=[reduce]).history
    assert history["learning_rate"] == [0.25, 0.25, 0.125, 0.0625]
    model = small()
    with pytest.raises(ValueError, match="choose 'constant'"):
        train(model, x, callbacks=[reduce])
    steps = keras.callbacks.LearningRateScheduler(lambda epoch: 0.5 / (epoch + 1))
    assert train(model, x, schedule="constant", callbacks=steps).history["learning_rate"] == [0.5, 0.25]


def test_an_interrupted_training_is_resumed(x, tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise InterruptedError

    model, settings = small(), {"epochs": 5, "learning_rate": 0.02}
    with pytest.raises(InterruptedError):
        train(model, x, callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "b"), Interrupt()], **settings)
    reached, again = model.get_weights(), small()
    first = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: [
            np.testing.assert_array_equal(a, b) for a, b in zip(again.get_weights(), reached, strict=True) if epoch == 2
        ]
    )
    history = train(again, x, callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "b"), first], **settings)
    assert history.epoch == [2, 3, 4]
    assert len(history.history["seconds"]) == 3
    assert int(again.optimizer.iterations) == 20


def test_a_first_epoch_of_another_number(x):
    model = small()
    history = train(model, x, epochs=5, initial_epoch=3)
    assert history.epoch == [3, 4]
    assert int(model.optimizer.iterations) == 8
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-3)  # the schedule is over with its two epochs
    for wrong in (5, -1, 0.5):
        with pytest.raises(ValueError, match="initial_epoch"):
            train(model, x, epochs=5, initial_epoch=wrong)


def test_stop_training_within_an_epoch(x):
    model = small()
    stop = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: setattr(model, "stop_training", True))
    history = train(model, x, epochs=5, batch_size=1, callbacks=[stop])
    assert len(history.epoch) == 1
    assert int(model.optimizer.iterations) == -(-32 // training.CALLS_PER_EPOCH)


def test_validation_data_with_weights(x):
    weights = np.linspace(0, 2, 32)
    model = small()
    history = train(model, x, validation_data=(x, x, weights)).history
    assert history["val_loss"][-1] == pytest.approx(
        np.mean(weights * metrics.squared_error(x, model.reconstruct(x))), rel=1e-5
    )


def test_prepared_batches_are_a_plain_models_targets_too():
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, kernel_initializer="ones")])
    assert train(model, np.ones((16, 1)), loss="mse", prepare=lambda batch: batch / 2).history["loss"] == [0, 0]


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_half_precision_neither_overflows_nor_fails(x, loss):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = small(loss=loss)
        white = np.ones((32, *SHAPE), "float32")
        model.decoder.layers[-2].bias.assign(np.full(64, 30.0))  # outputs 1 in float16
        history = train(model, white, validation_data=1 - white).history
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(history["loss"] + history["val_loss"]).all()
    assert history["val_loss"][-1] == pytest.approx(64 if loss == "mse" else 64 * -np.log(1e-7), rel=0.02)


def resident():
    """Megabytes of this process, without what is free but not given back yet."""
    import resource  # not on Windows

    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="resident size by /proc")
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_memory_is_flat_over_many_calls(dtype):
    images = np.zeros((200_000 // np.dtype(dtype).itemsize, 14, 14, 1), dtype)  # 37 MB
    keras.utils.set_random_seed(7)
    model = models.deep((), 1, input_shape=(14, 14, 1))
    train(model, images, epochs=1, batch_size=12_500)
    before = resident()
    for _ in range(6):
        train(model, images, epochs=1, batch_size=12_500)
    assert resident() - before < 2 * images.nbytes / 2**20  # not six times: what is left are compiled graphs


@pytest.mark.parametrize("xla", [False, True])
def test_nothing_of_a_training_outlives_its_model(x, xla):
    def graphs():
        gc.collect()
        return sum(isinstance(thing, FuncGraph) for thing in gc.get_objects())

    before, method = graphs(), keras.optimizers.Optimizer._all_reduce_sum_gradients
    train(small(), x, xla=xla)
    assert graphs() == before
    assert keras.optimizers.Optimizer._all_reduce_sum_gradients is method


# --- refused


def bad(x, value):
    x = x.copy()
    x[3, 2, 1] = value
    return x


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: bad(x, np.nan), "x holds 1 values that are NaN or infinite"),
        (lambda x: bad(x, np.inf), "x holds 1 values that are NaN or infinite"),
        (lambda x: np.full(SHAPE, -np.inf)[None], "x holds 64 values"),
        (lambda x: bad(x, 1.5), r"x lies in \[.*, 1\.5\], expected \[0, 1\]: scale it .*1/255"),
        (lambda x: bad(x, -0.125), r"x lies in \[-0\.125, .*\], expected \[0, 1\]"),
        (lambda x: (255 * x).astype("int32"), r"x lies in \[.*, 2\d\d\], expected \[0, 1\]"),
        (lambda x: (x > 0.5).astype("uint8"), r"x is uint8, pixels 0\.\.255, but has no value above 1"),
        (lambda x: x[..., 0], r"\(n, 8, 8, 1\) expected, got \(32, 8, 8\)\. Add a channel axis: x\[\.\.\., None\]"),
        (lambda x: x[:, 1:], r"got \(32, 7, 8, 1\)\.$"),
        (lambda x: x[0], r"got \(8, 8, 1\)\. A single one needs a first axis"),
        (lambda x: x[:0], r"got \(0, 8, 8, 1\)\.$"),
        (lambda x: SimpleNamespace(x_train=x), r"x is a whole data set: .* dataset\.x_train"),
        (tf.data.Dataset.from_tensor_slices, "fit takes arrays: .* Keras' own model.fit"),
        (lambda x: 0.5, r"x must be an array of real numbers, not .* of shape \(\)"),
        (lambda x: x.astype(object), "x must be an array of real numbers, not object"),
        (lambda x: x.astype(str), "x must be an array of real numbers, not <U"),
    ],
)
def test_refused_inputs(x, change, message):
    model = small()
    start = model.get_weights()
    with pytest.raises(ValueError, match=message):
        train(model, change(x))
    assert moved(model, start) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:31], "31 targets for 32 inputs"),
        (lambda x: bad(x, np.nan), "y holds 1 values that are NaN or infinite"),
        (lambda x: x.astype(object), "y must be an array of real numbers, not object"),
        (lambda x: np.repeat(x, 3, axis=3), r"Targets of shape \(32, 8, 8, 3\) for images of shape"),
        (lambda x: np.float32(1), "y must be an array of real numbers"),
    ],
)
def test_refused_targets(x, change, message):
    with pytest.raises(ValueError, match=message):
        train(small(), x, change(x))


def test_refused_validation_data(x):
    with pytest.raises(ValueError, match=r"x lies in \[.*, 3\]"):
        train(small(), x, validation_data=bad(x, 3))
    with pytest.raises(ValueError, match="2 targets for 32 inputs"):
        train(small(), x, validation_data=(x, x[:2]))


def test_refused_validation_data_costs_no_training(x):
    model = small()
    start = model.get_weights()
    with pytest.raises(ValueError, match="2 targets"):
        train(model, x, validation_data=(x, x[:2]))
    assert moved(model, start) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 33}, "batch_size=33 is more than the 32 inputs: choose at most 32"),
        ({"batch_size": 0}, "batch_size must be a positive integer, not 0"),
        ({"batch_size": 8.0}, r"batch_size must be a positive integer, not 8\.0"),
        ({"epochs": 0}, "epochs must be a positive integer, not 0"),
        ({"epochs": -2}, "epochs must be a positive integer, not -2"),
        ({"epochs": True}, "epochs must be a positive integer, not True"),
        ({"learning_rate": -0.5}, r"learning_rate must be positive and finite, not -0\.5"),
        ({"learning_rate": 0}, "learning_rate must be positive and finite, not 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be positive and finite, not nan"),
        ({"learning_rate": float("inf")}, "learning_rate must be positive and finite, not inf"),
        ({"xla": "yes"}, "xla='yes': must be True, False or 'auto'"),
        ({"schedule": "linear"}, "schedule='linear': must be 'cosine' or 'constant'"),
        ({"value_range": (0.25, 0.5)}, r"expected \[0\.25, 0\.5\]"),
    ],
)
def test_refused_settings(x, settings, message):
    with pytest.raises(ValueError, match=message):
        train(small(), x, **settings)


def test_codes_of_any_size_are_welcome_when_meant():
    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    codes = np.random.default_rng(0).normal(0, 30, (16, 2))
    with pytest.raises(ValueError, match="value_range=None"):
        train(model, codes, codes[:, :1], loss="mse")
    history = train(model, codes, codes[:, :1], loss="mse", value_range=None).history
    assert np.isfinite(history["loss"]).all()
    with pytest.raises(ValueError, match="x holds 32 values"):
        train(model, codes * np.nan, codes[:, :1], loss="mse", value_range=None)


def test_targets_that_the_loss_is_not_made_for_are_refused(x):
    for arrays in ((x, 2 * x), (2 * x,), (x, x - 1)):
        with pytest.raises(ValueError, match=r"the binary cross-entropy needs \[0, 1\]"):
            train(small(loss="bce"), *arrays, value_range=None)
    with pytest.raises(ValueError, match="cross-entropy needs"):
        train(small(loss="bce"), x, validation_data=(x, 2 * x))
    plain = keras.Sequential([keras.Input((2,)), layers.Dense(1, "sigmoid")])
    for loss in ("bce", "binary_crossentropy", keras.losses.BinaryCrossentropy(), keras.losses.binary_crossentropy):
        with pytest.raises(ValueError, match="cross-entropy needs"):
            train(plain, x[:, 0, :2, 0], 2 + x[:, 0, 0], loss=loss)
    train(small(), x, 3 * x - 1)  # the squared error takes any
    dense = keras.Sequential([keras.Input((3,)), layers.Dense(3)])
    pixels = np.arange(24, dtype="uint8").reshape(8, 3)
    with pytest.raises(ValueError, match=r"y is uint8: .*float32.*int32"):  # x is divided by 255
        train(dense, pixels, pixels, loss="mse")
    train(dense, pixels / 255, np.eye(3, dtype="uint8")[np.arange(8) % 3], loss="mse")
    with pytest.raises(ValueError, match=r"y is uint8: .*float32.*int32"):
        train(plain, x[:, 0, :2, 0], (255 * x).astype("uint8"), loss="mse")


def test_a_loss_beside_the_models_own_is_refused(x):
    with pytest.raises(ValueError, match=r"loss='mae': Autoencoder has an objective of its own.*reconstruction_loss"):
        train(small(), x, loss="mae")


def test_a_plain_model_needs_targets(x):
    for settings in ({}, {"validation_data": x}):
        with pytest.raises(ValueError, match=r"fit\(model, x, x, \.\.\.\)"):
            train(classifier(), x, *([x] if settings else []), loss="mse", **settings)


# --- ErrorByTime


@pytest.mark.parametrize("build", [classifier, lambda: models.variational((5,), 2, input_shape=SHAPE)])
def test_error_by_time_of_other_models(x, build):
    model, targets, loss = build(), (), {}
    if isinstance(model, keras.Sequential):
        model.pop()
        model.add(layers.Dense(64))
        model.add(layers.Reshape(SHAPE))
        targets, loss = (x,), {"loss": "mse"}
    clock = ErrorByTime(x)
    train(model, x, *targets, epochs=1, callbacks=[clock], **loss)
    copies = model(x).numpy() if targets else model.reconstruct(x)
    assert clock.errors == [pytest.approx(metrics.mse(x, copies), rel=1e-5)]


@pytest.mark.parametrize("plain", [False, True])
def test_error_by_time_measures_the_error_per_pixel(x, plain):
    model = small()
    errors = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: errors.append(metrics.mse(x[:9], model.reconstruct(x[:9])))
    )
    clock = ErrorByTime(x[:9])
    if plain:
        model.compile("adam", jit_compile=False)
        model.fit(x, epochs=3, verbose=0, callbacks=[clock, note])
    else:
        train(model, x, epochs=3, callbacks=[clock, note])
    assert clock.errors == errors
    assert len(set(errors)) == len(clock.seconds) == 3
    assert all(a < b for a, b in pairwise([0, *clock.seconds]))


def test_the_clock_stands_still_while_the_error_is_measured(x, monkeypatch):
    now = [1000.0]

    def slow(model, values):
        now[0] += 50
        return values

    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    model = small()
    monkeypatch.setattr(model, "reconstruct", lambda values: slow(model, values))
    clock = ErrorByTime(x)
    clock.set_model(model)
    for seconds in (7, 2, 3):  # the first with the compilation
        now[0] += seconds
        clock.on_epoch_end(0)
    assert clock.seconds == [7, 9, 12]
    assert clock.errors == [0, 0, 0]


def test_stop_at_ends_the_training(x):
    model = small()
    clock = ErrorByTime(x, stop_at=1.0)
    assert len(train(model, x, epochs=5, callbacks=[clock]).epoch) == len(clock.errors) == 1
    assert len(train(model, x, epochs=5, callbacks=[ErrorByTime(x, stop_at=0.0)]).epoch) == 5


def test_time_to_is_the_first_epoch_that_was_good_enough(x):
    clock = ErrorByTime(x)
    clock.errors, clock.seconds = [0.5, 0.25, 0.3, 0.1], [1.0, 2.0, 3.0, 4.0]
    assert clock.time_to(0.9) == (1.0, 1)
    assert clock.time_to(0.25) == (2.0, 2)
    assert clock.time_to(0.2) == (4.0, 4)
    with pytest.raises(ValueError, match=r"never came down to 0\.05: the lowest was 0\.10000"):
        clock.time_to(0.05)
