"""utils.scaling without Ray: sweeps in a loop, replicas in one process, the law and the measurements.

What needs Ray is in test_scaling_ray.py.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from scripts.project import ROOT
from utils import models, scaling

COSTS = {"fixed": 0.001, "per_image": 1e-4, "gradient": 1_000_000, "gbit": 1}


def add(a, b=0, shared=0):
    return a + b + shared


def fail_at(a):
    if a == 2:
        raise KeyError("the reason")
    return a


def test_a_serial_sweep_is_a_loop(monkeypatch, capsys):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    tasks = [{"a": 1}, {"a": 2, "b": 3}]
    assert scaling.run_all(add, tasks, shared={"shared": 10}) == [11, 15]
    assert "2/2" in capsys.readouterr().out
    assert scaling.run_all(add, [], "serial", progress=False) == []
    assert capsys.readouterr().out == ""
    assert tasks == [{"a": 1}, {"a": 2, "b": 3}]


def test_an_error_names_its_task():
    with pytest.raises(KeyError, match="the reason") as caught:
        scaling.run_all(fail_at, [{"a": 1}, {"a": 2}], "serial", progress=False)
    assert caught.value.__notes__ == ["In the task {'a': 2}."]


def test_engines_by_name(monkeypatch):
    with pytest.raises(ValueError, match=r"engine='dask': must be one of serial, ray"):
        scaling.run_all(add, [], "dask")
    asked = []
    monkeypatch.setattr(scaling, "_on_ray", lambda *args: asked.append(args) or ["from Ray"])
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")
    assert scaling.run_all(add, [{"a": 1}]) == ["from Ray"]
    assert scaling.run_all(add, [{"a": 1}], "serial", progress=False) == [1]
    assert len(asked) == 1
    monkeypatch.setenv("RAY_ADDRESS", "local")  # Ray's word for none
    assert scaling.run_all(add, [{"a": 1}], progress=False) == [1]
    assert len(asked) == 1


def test_without_ray_the_remedy_is_named(monkeypatch):
    monkeypatch.setattr(scaling, "has_ray", lambda: False)
    with pytest.raises(ModuleNotFoundError, match=r"requirements-scale\.txt"), scaling.cluster():
        pass
    with pytest.raises(ModuleNotFoundError, match=r"requirements-scale\.txt"):
        scaling.run_all(add, [{"a": 1}], "ray", progress=False)
    with pytest.raises(ValueError, match="workers must be a positive integer"), scaling.cluster(0):
        pass


@pytest.fixture
def stand_in(monkeypatch):
    """What `cluster` needs of Ray, instead of it: `asked` is what it was started with; it talks and takes SIGTERM."""
    ray = SimpleNamespace(asked=[], is_initialized=lambda: False, util=SimpleNamespace())

    def init(address, **settings):
        ray.asked.append((address, settings))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("advice", file=sys.stderr)

    ray.init = init
    ray.shutdown = lambda: print("farewell", file=sys.stderr)
    ray.util.get_node_ip_address = lambda: "127.0.0.1"
    monkeypatch.setattr(scaling, "has_ray", lambda: True)
    monkeypatch.setattr(scaling, "_import_ray", lambda: ray)
    return ray


def test_what_is_not_of_ray_is_said(stand_in, capsys):
    with scaling.cluster():
        print("mine", file=sys.stderr)
    assert capsys.readouterr().err == "mine\n"


@pytest.mark.parametrize("address", ["local", "", None])
def test_a_ray_of_our_own_in_a_short_folder(stand_in, monkeypatch, tmp_path, address):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if address is not None:
        monkeypatch.setenv("RAY_ADDRESS", address)
    with scaling.cluster():
        ((asked, settings),) = stand_in.asked
        folder = Path(settings["_temp_dir"])
        assert folder.is_dir()
    assert asked == "local"
    assert not folder.exists()
    assert folder.parent == (tmp_path if os.name == "nt" else Path("/tmp"))  # a socket's path has 107 characters


def test_a_cluster_that_is_joined(stand_in, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    with scaling.cluster():
        pass
    assert stand_in.asked[0][0] == "10.0.0.1:6379"
    assert "_temp_dir" not in stand_in.asked[0][1]


def test_handlers_of_signals_come_back(stand_in, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    with scaling.cluster():
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) == before
    try:
        with monkeypatch.context() as patch:
            patch.setattr(signal, "getsignal", lambda number: None)  # as of one that a C library has set
            with scaling.cluster():
                pass
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"workers": 0}, "workers must be a positive integer, not 0"),
        ({"workers": 2.0}, "workers must be a positive integer, not 2.0"),
        ({"kill": [2, 0, 0]}, r"kill=\(2, 0, 0\): its rank must be one of 0 to 1"),
        ({"kill": (-1, 0, 0)}, "its rank must be"),
    ],
)
def test_shared_trainings_that_cannot_be(monkeypatch, wrong, message):
    monkeypatch.setattr(scaling, "cluster", None)
    with pytest.raises(ValueError, match=message):
        scaling.train_on_workers(None, None, **wrong)


def test_room_for_a_shared_training():
    node = {"Alive": True}
    ray = SimpleNamespace(nodes=lambda: [node, {"Alive": False}], cluster_resources=lambda: {"CPU": 2.0})
    scaling._check_room(ray, 2)
    with pytest.raises(ValueError, match=r"workers=3: .* Ray has 2\. .*cluster\(workers=3\)"):
        scaling._check_room(ray, 3)
    ray.nodes = lambda: [node, node]
    with pytest.raises(ValueError, match=r"2 machines.* RAY_ADDRESS"):
        scaling._check_room(ray, 2)


def test_reports_of_workers_that_died_are_dropped(capsys):
    stream = scaling._WithoutReports(sys.stdout)
    print("(raylet) a worker died", file=stream)
    print("here", file=stream, flush=True)
    assert capsys.readouterr().out == "here\n"


REPLICAS = """
import utils
import keras
import numpy as np
import tensorflow as tf
from functools import partial
from utils import models, scaling
from utils.layers import Sampler

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, 2 * [tf.config.LogicalDeviceConfiguration()])
two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def make(dtype="float64", divided=True, vae=False, optimizer="adam"):
    keras.utils.set_random_seed(1)
    build, kind = (models.variational, models.VariationalAutoencoder) if vae else (models.deep, models.Autoencoder)
    with scaling.precision(dtype):
        parts = build((16,), 4, input_shape=(8, 8, 1))
        model = (scaling.per_replica(kind) if divided else kind)(parts.encoder, parts.decoder)
        model.compile(optimizer)
    return model


def train(x, strategy=None, **settings):
    return scaling.train(partial(make, **settings), x, epochs=2, batch_size=8, strategy=strategy)


def apart(one, other):
    largest = max(np.abs(values).max() for values in one["weights"])
    pairs = zip(one["weights"], other["weights"], strict=True)
    return max(np.abs(a - b).max() for a, b in pairs) / largest


x = np.random.default_rng(0).random((32, 8, 8, 1))
one = train(x)
for pair in ((one, train(x, two)), (train(x, vae=True), train(x, two, vae=True))):
    assert apart(*pair) < 1e-12
    np.testing.assert_allclose(pair[0]["loss"], pair[1]["loss"], rtol=1e-12)
assert apart(one, train(x, two, divided=False)) > 1e-6
single = train(x.astype("float32"), dtype="float32")
assert (one["weights"][0].dtype, single["weights"][0].dtype) == ("float64", "float32")
assert 0 < apart(single, train(x.astype("float32"), two, dtype="float32")) < 1e-5
with two.scope():
    sampler = Sampler(1)
drawn = two.run(tf.function(lambda: sampler(tf.zeros((3, 2)), tf.zeros((3, 2))), autograph=False))
parts = np.concatenate([part.numpy() for part in two.experimental_local_results(drawn)])
whole = Sampler(1)(tf.zeros((6, 2)), tf.zeros((6, 2))).numpy()
assert np.array_equal(parts, whole)
assert len(np.unique(whole)) == whole.size
print("all is well")
"""


def test_two_replicas_are_one_process():
    """In a process of its own, where the processor can still be divided in two."""
    done = subprocess.run(
        [sys.executable, "-c", REPLICAS], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.endswith("all is well\n"), done.stderr[-2000:]


def toy():
    keras.utils.set_random_seed(1)
    parts = models.deep((8,), 2, input_shape=(4, 4, 1))
    model = scaling.per_replica(models.Autoencoder)(parts.encoder, parts.decoder)
    model.compile(keras.optimizers.Adam(0.01))
    return model


def test_a_training_goes_on_as_if_it_had_not_been_interrupted():
    x = np.random.default_rng(0).random((20, 4, 4, 1), dtype="float32")
    seen, steps = [], []
    settings = {"batch_size": 8, "seed": 3}
    whole = scaling.train(
        toy,
        x,
        epochs=3,
        on_step=lambda *place: steps.append(place),
        on_epoch=lambda epoch, result: seen.append((epoch, result["state"])),
        **settings,
    )
    assert steps == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    assert [epoch for epoch, _ in seen] == [0, 1, 2]
    assert len(whole["loss"]) == len(whole["cpu_seconds"]) == 3
    assert whole["loss"][-1] < whole["loss"][0]
    rest = scaling.train(toy, x, epochs=3, state=seen[0][1], first_epoch=1, **settings)
    for one, other in zip(whole["state"], rest["state"], strict=True):
        np.testing.assert_array_equal(one, other)
    assert rest["loss"] == whole["loss"][1:]
    done = scaling.train(toy, x, epochs=3, state=whole["state"], first_epoch=3, **settings)
    assert done["loss"] == done["cpu_seconds"] == []
    np.testing.assert_array_equal(done["weights"][0], whole["weights"][0])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs must be a positive integer, not 0"),
        ({"epochs": -1}, "epochs must be a positive integer, not -1"),
        ({"epochs": 2, "first_epoch": 3}, "first_epoch=3: must be an integer from 0 to 2"),
        ({"epochs": 2, "first_epoch": -1}, "first_epoch=-1"),
    ],
)
def test_epochs_that_there_cannot_be(wrong, message):
    with pytest.raises(ValueError, match=message):
        scaling.train(toy, np.zeros((20, 4, 4, 1), "float32"), batch_size=4, **wrong)


def test_a_training_is_the_same_as_keras_train_on_batch():
    x = np.random.default_rng(0).random((16, 4, 4, 1), dtype="float32")
    found, model = scaling.train(toy, x, epochs=1, batch_size=8, seed=5), toy()
    for rows in np.random.default_rng([5, 0]).permutation(16).reshape(2, 8):
        model.train_on_batch(x[rows])
    for one, other in zip(found["weights"], model.trainable_variables, strict=True):
        np.testing.assert_allclose(one, other.numpy(), atol=1e-6)


@pytest.mark.parametrize("batch_size", [0, 21, 2.0])
def test_a_batch_size_that_does_not_fit(batch_size):
    with pytest.raises(ValueError, match="batch_size"):
        scaling.train(toy, np.zeros((20, 4, 4, 1), "float32"), epochs=1, batch_size=batch_size)


def test_results_on_file(tmp_path):
    result = {"loss": [1.5, 0.5], "cpu_seconds": [], "state": [np.eye(2), np.array(3)], "epoch": 4}
    scaling._save(tmp_path / "it.npz", result)
    again = scaling._load(tmp_path / "it.npz")
    assert list(again) == list(result)
    assert again["loss"] == [1.5, 0.5]
    assert again["cpu_seconds"] == []  # of a last start that found nothing left to do
    assert again["epoch"] == 4
    np.testing.assert_array_equal(again["state"][0], np.eye(2))


def test_the_law():
    assert scaling.step_seconds(100, 1, **COSTS) == pytest.approx(0.011)
    assert scaling.step_seconds(100, 2, **COSTS) == pytest.approx(0.001 + 0.005 + 0.008)  # 1 MB both ways, halved
    assert scaling.step_seconds(100, 4, latency=0.1, **COSTS) == pytest.approx(0.001 + 0.0025 + 0.012 + 0.6)
    star = {name: value for name, value in COSTS.items() if name != "fixed"}
    for workers in (2, 3, 8):
        batch = scaling.break_even(workers, **star)
        assert batch == pytest.approx(160)
        assert scaling.speed_up(batch, workers, **COSTS) == pytest.approx(1)
    gains = scaling.speed_up(np.array([10, 160, 1e9]), 2, **COSTS)
    assert gains[0] < 1 < gains[2]
    assert gains[2] == pytest.approx(2, rel=1e-3)


def test_the_law_of_many_workers():
    many = scaling.speed_up(4096, 10.0 ** np.arange(7), **COSTS)
    assert many[0] == 1
    assert np.isfinite(many).all()
    whole = scaling.speed_up(4096, 10 ** np.arange(7), **COSTS)
    np.testing.assert_allclose(many, whole)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"workers": 0}, "workers=0: must be whole numbers of at least 1"),
        ({"workers": np.array([1, -2])}, r"workers=array\(\[ 1, -2\]\)"),
        ({"workers": 1.5}, "workers=1.5"),
        ({"workers": np.inf}, "workers=inf"),
        ({"workers": True}, "workers=True"),
        ({"gbit": 0}, "gbit=0: must be a positive number"),
        ({"gbit": -1.0}, "gbit=-1.0"),
    ],
)
def test_costs_that_there_cannot_be(wrong, message):
    settings = {"workers": 2} | COSTS | wrong
    with pytest.raises(ValueError, match=message):
        scaling.step_seconds(100, **settings)
    with pytest.raises(ValueError, match=message):
        scaling.speed_up(100, **settings)
    with pytest.raises(ValueError, match=message.replace("at least 1", "at least 2")):
        scaling.break_even(**settings)


@pytest.mark.parametrize("workers", [1, np.array([1, 2])])
def test_one_worker_breaks_even_nowhere(workers):
    with pytest.raises(ValueError, match=r"workers=.*1.*: must be whole numbers of at least 2"):
        scaling.break_even(workers, per_image=1e-4, gradient=1_000_000, gbit=1)


def test_bytes_of_a_gradient():
    model = models.deep((8,), 2, input_shape=(4, 4, 1))
    assert scaling.gradient_bytes(model) == 4 * model.count_params()
    frozen = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization()])
    assert scaling.gradient_bytes(frozen) == 4 * 6


def test_the_loopback():
    gbit, latency = scaling.loopback(size=1_000_000, messages=5)
    assert gbit > 0
    assert latency > 0


def test_memory_that_is_held_and_freed_is_seen():
    with scaling.Memory() as memory:
        held = np.ones(50_000_000, "uint8")
        time.sleep(0.2)  # a busy machine looks seldom
        del held
    assert 30 < memory.megabytes < 500


def test_die_once_dies_once(tmp_path, monkeypatch):
    killed = []
    monkeypatch.setattr(scaling.os, "kill", lambda *args: killed.append(args))
    callback = scaling.DieOnce(tmp_path / "mark")
    callback.on_epoch_end(0)
    callback.on_epoch_end(1)
    assert killed == [(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))]


def test_only_replicas_divide_the_loss():
    model = toy()
    plain = models.Autoencoder(model.encoder, model.decoder)
    x = tf.constant(np.random.default_rng(0).random((4, 4, 4, 1), dtype="float32"))
    assert type(model).__name__ == "PerReplicaAutoencoder"
    assert float(model.compute_loss(x, y_pred=model(x))) == float(plain.compute_loss(x, y_pred=plain(x)))
