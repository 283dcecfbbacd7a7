"""Trainings on several processes and machines: sweeps and shared trainings on Ray, and the law of when that pays.

Ray is optional (requirements-scale.txt) and imported only where it is used: `run_all` has a serial loop, `train` runs
on any strategy of TensorFlow's, in this process too. What starts here is also ended here, after an error as well.
"""

import contextlib
import ctypes
import importlib.util
import io
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import keras
import numpy as np
import psutil
import tensorflow as tf
from tqdm import tqdm

from utils import validate

ROOT = Path(__file__).resolve().parent.parent
ENGINES = ("serial", "ray")
RETRIES = 3  # of a task whose worker died
LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # 0: no cluster, hence 127.0.0.1; elsewhere than there, too
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has only the second, which ends at once there
NO_RAY = "Ray is not installed. It is optional: pip install -r requirements-scale.txt, or engine='serial'."
logging.getLogger("tensorflow").addFilter(lambda record: record.levelno > logging.INFO)  # of every all-reduce
LEFT_AT_HOME = [".git", ".venv*", "build", "data/*", "!data/sample"]  # of the folder that goes to other machines


def has_ray():
    """Return whether Ray is installed."""
    return importlib.util.find_spec("ray") is not None


@contextlib.contextmanager
def cluster(workers=2):
    """Start Ray on this machine, or join the cluster that the variable RAY_ADDRESS names; yield the module `ray`.

    RAY_ADDRESS=local names none, as in Ray. What Ray says at its start and end, and of workers that died, is dropped.

    A Ray of our own listens on the loopback only, sends no usage statistics, joins no cluster that another program has
    left running, and is shut down at the end with its files, also after an error. Workers find `utils` and compute with
    as many threads as this process. Inside another `cluster` the one that runs is used.

    Args:
        workers: tasks at a time, for a Ray of our own.

    Raises ModuleNotFoundError, with the remedy, without Ray, and ValueError for workers that are no positive integer.
    """
    workers = validate.positive("workers", workers)
    if not has_ray():
        raise ModuleNotFoundError(NO_RAY)
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(_WithoutReports(sys.stdout)))
        with _silent():
            ray = _import_ray()
            if not ray.is_initialized():
                stack.enter_context(_started(ray, workers))
        yield ray


def _address():
    """Return the address of the cluster that is to be joined, or None."""
    address = os.environ.get("RAY_ADDRESS")
    return None if address in ("", "local") else address


def _silent():
    return contextlib.redirect_stderr(io.StringIO())  # Ray's advice; its errors are raised


def _import_ray():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_worker_niceness", "0")  # it is 15: beside other programs workers would stand still
    if (_address() or "127.0.0.1").partition(":")[0] in ("127.0.0.1", "localhost"):
        os.environ[LOOPBACK] = "0"  # read when Ray is imported, by its other processes too
    import ray

    return ray


@contextlib.contextmanager
def _keeping(number):
    """Put a signal's handler back at the end: Ray leaves its own there."""
    kept = signal.getsignal(number)
    try:
        yield
    finally:
        if kept is not None and threading.current_thread() is threading.main_thread():  # None: not set by Python
            signal.signal(number, kept)


@contextlib.contextmanager
def _started(ray, workers):
    joined, folder = _address(), None
    variables = {"RAY_TRAIN_V2_ENABLED": "1"} | {name: os.environ.get(name, str(os.cpu_count())) for name in THREADS}
    settings = {"logging_level": "ERROR", "log_to_driver": False}
    if joined:
        where = {"working_dir": str(ROOT), "excludes": LEFT_AT_HOME}
    else:
        where = {}
        folder = tempfile.mkdtemp(prefix="ray", dir=None if os.name == "nt" else "/tmp")  # short: of sockets' paths
        variables["PYTHONPATH"] = str(ROOT)
        settings |= {"num_cpus": workers, "include_dashboard": False, "object_store_memory": 500_000_000}
        settings["_temp_dir"] = folder
    with _keeping(signal.SIGTERM):
        try:
            _ = ray.init(joined or "local", runtime_env={"env_vars": variables, **where}, **settings)
            if not joined and ray.util.get_node_ip_address() not in ("127.0.0.1", "::1"):
                raise RuntimeError("Ray was imported before, and would listen to the network: begin a new process.")
            yield
        finally:
            with _silent():
                ray.shutdown()
            if folder:
                shutil.rmtree(folder, ignore_errors=True)


class _WithoutReports(io.TextIOBase):
    """A stream without Ray's reports of every worker that died; everything else goes on to another stream."""

    def __init__(self, stream):
        self._stream, self._dropped = stream, False

    def write(self, text):
        """Write, or drop a report and the end of its line."""
        self._dropped = "(raylet)" in text or (self._dropped and text == "\n")
        if not self._dropped:
            self._stream.write(text)
        return len(text)

    def flush(self):
        """Flush the other stream."""
        self._stream.flush()


def run_all(function, tasks, engine=None, *, shared=None, workers=2, progress=True):
    """Call a function once for every task, here or on Ray, and return the results in the order of the tasks.

    For results that do not depend on the engine the function must seed itself, and read nothing that an earlier call
    has changed. On Ray a task whose worker dies is done again, up to `RETRIES` times.

    Args:
        function: what is called. Arguments and result must be picklable: arrays and numbers, no Keras models.
        tasks: list of dicts, the keyword arguments of each call.
        shared: dict of further keyword arguments, the same for all: on Ray they travel to each machine once, and arrays
            arrive read-only.
        engine: "serial", one after the other in this process; "ray"; or None for "ray" where the variable RAY_ADDRESS
            names a cluster, and else "serial".
        workers: tasks at a time, for Ray on this machine.
        progress: True for a progress bar.

    Raises ValueError for another engine; what the function raises, with a note that names the task, after which all
    other tasks are given up; as `cluster`.
    """
    tasks, shared = [dict(task) for task in tasks], dict(shared or {})
    engine = engine or ("ray" if _address() else "serial")
    if engine not in ENGINES:
        raise ValueError(f"engine={engine!r}: must be one of {', '.join(ENGINES)}.")
    bar = tqdm(total=len(tasks), disable=not progress, desc=engine, unit="task", file=sys.stdout)
    with bar:
        if engine == "ray":
            return _on_ray(function, tasks, shared, workers, bar)
        results = []
        for task in tasks:
            with _naming(task):
                results.append(function(**task, **shared))
            bar.update()
        return results


def _on_ray(function, tasks, shared, workers, bar):
    with cluster(workers) as ray:
        shared = {name: ray.put(value) for name, value in shared.items()}
        remote = ray.remote(num_cpus=1, max_retries=RETRIES, retry_exceptions=False)(function)
        places, results = {}, [None] * len(tasks)
        try:
            for place, task in enumerate(tasks):
                places[remote.remote(**task, **shared)] = place
            waiting = list(places)
            while waiting:
                (done, *_), waiting = ray.wait(waiting, num_returns=1)
                with _naming(tasks[places[done]]):
                    try:
                        results[places[done]] = ray.get(done)
                    except ray.exceptions.RayTaskError as error:
                        raise (error.cause or error) from None
                bar.update()
        except BaseException:  # the cluster may live on
            for reference in places:
                ray.cancel(reference, force=True)  # nothing, where it has finished
            raise
        return results


@contextlib.contextmanager
def _naming(task):
    try:
        yield
    except Exception as error:
        error.add_note(f"In the task {task}.")
        raise


class DieOnce(keras.callbacks.Callback):
    """Keras callback that kills this process after an epoch, unless it did: for showing what happens then.

    Args:
        mark: path of a file that says that it did.
    """

    def __init__(self, mark):
        super().__init__()
        self.mark = Path(mark)

    def on_epoch_end(self, epoch, logs=None):
        """Die."""
        _die_once(self.mark)


def _die_once(mark):
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), KILL)


def train(
    make,
    x,
    *,
    epochs,
    batch_size,
    seed=0,
    strategy=None,
    state=None,
    first_epoch=0,
    on_step=None,
    on_epoch=None,
):
    """Train a model on the replicas of a strategy, by its own `train_step`, and return what became of it.

    All replicas see the same batch, each its own part of it: with R replicas a step is one step of a single process, if
    the model's loss is divided by R (`per_replica`). The order of the images follows from seed and epoch alone, so that
    a training that was interrupted goes on as if it had not been.

    Args:
        make: function of no argument that returns a compiled Keras model, and seeds itself.
        x: images (n, ...); what does not fill a last batch waits for another epoch.
        epochs: passes over x in all, at least 1.
        batch_size: images per step over all replicas, a multiple of their number and at most n.
        seed: of the order.
        strategy: a `tf.distribute.Strategy`; None for one replica.
        state: as returned, to go on from.
        first_epoch: number of the first epoch, when others went before; at most epochs, which leaves nothing to do.
        on_step: None, or function of (epoch, step), called before every step.
        on_epoch: None, or function of (epoch, result so far), called after every epoch.

    Returns a dict: "state", list of arrays (weights, then all else that changes, optimizer included); "weights", the
    model's trainable weights, a list of arrays; "loss" and "cpu_seconds", numbers per epoch, compilation included.
    Raises ValueError for a batch size that does not fit, and for epochs that there cannot be.
    """
    epochs = validate.positive("epochs", epochs)
    first_epoch = validate.integer("first_epoch", first_epoch, 0, epochs)
    strategy = strategy or tf.distribute.get_strategy()
    replicas, batch_size = strategy.num_replicas_in_sync, validate.positive("batch_size", batch_size)
    if batch_size % replicas or batch_size > len(x):
        raise ValueError(f"batch_size={batch_size}: must be a multiple of {replicas} replicas, at most {len(x)}.")
    with strategy.scope():
        model = make()
        model.optimizer.build(model.trainable_variables)
    if state is not None:
        for variable, value in zip(_variables(model), state, strict=True):
            variable.assign(value)

    def on_replica(images):
        model.train_step((images,))

    @tf.function(autograph=False)
    def step(images):
        strategy.run(on_replica, args=(images,))

    result = {"loss": [], "cpu_seconds": []}
    for epoch in range(first_epoch, epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(x))
        model.reset_metrics()
        begin = time.process_time()
        for number in range(len(x) // batch_size):
            if on_step:
                on_step(epoch, number)
            rows = order[number * batch_size :][:batch_size].reshape(replicas, -1)
            step(strategy.experimental_distribute_values_from_function(partial(_part, x, rows)))
        result["cpu_seconds"].append(time.process_time() - begin)  # of the steps: the metrics are added up once
        result["loss"].append(float(model.get_metrics_result()["loss"]))
        if on_epoch:
            on_epoch(epoch, result | {"state": _arrays(_variables(model))})
    return result | {"state": _arrays(_variables(model)), "weights": _arrays(model.trainable_variables)}


def _part(x, rows, replica):
    return tf.constant(x[rows[replica.replica_id_in_sync_group]])


def _variables(model):
    """All that changes in training, in a fixed order."""
    return [*model.variables, *model.optimizer.variables]


def _arrays(variables):
    return [np.asarray(variable.numpy()) for variable in variables]


@contextlib.contextmanager
def precision(dtype):
    """Build Keras models in numbers of this type meanwhile, such as "float64"; then as before."""
    before = keras.config.floatx(), keras.config.dtype_policy()
    try:
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])


def per_replica(kind):
    """Return a subclass of a class of models whose loss is divided by the number of replicas.

    The optimizer adds the gradients of all replicas. Each replica's loss is the mean over its part of the batch, so
    that only with this division the sum is the gradient of the whole batch's mean.

    Args:
        kind: class of Keras models with a `compute_loss` of its own, such as `models.Autoencoder`.
    """

    class PerReplica(kind):
        def compute_loss(self, *args, **kwargs):
            return super().compute_loss(*args, **kwargs) / tf.distribute.get_strategy().num_replicas_in_sync

    PerReplica.__name__ = f"PerReplica{kind.__name__}"
    return PerReplica


def train_on_workers(make, x, *, workers=2, failures=1, kill=None, **settings):
    """Train as `train` does, on as many processes, by Ray Train and TensorFlow's MultiWorkerMirroredStrategy.

    After every epoch the state is saved. When a process dies, Ray starts all of them again from what was saved last.

    Args:
        make, x: as for `train`; they travel to the workers.
        workers: processes, one replica each.
        failures: deaths that are made up for.
        kill: None, or (rank, epoch, step) at which this rank kills itself, once: for showing what happens then.
        **settings: epochs, batch_size and seed, as for `train`.

    Returns the dict of rank 0 as `train` does, of the epochs since the last start, and beside it "ranks", a list of
    each rank's "cpu_seconds" per epoch, and "starts", how often the training was started. Raises as `cluster`;
    ValueError for a rank that does not exist, for more workers than the cluster has CPUs, and on a cluster of several
    machines, since what is saved goes through a folder of this one; and ray.train's TrainingFailedError when more
    processes die than that.
    """
    workers = validate.positive("workers", workers)
    if kill is not None:
        kill = tuple(kill)
        if kill[0] not in range(workers):
            raise ValueError(f"kill={kill}: its rank must be one of 0 to {workers - 1}, or workers must be more.")
    with cluster(workers) as ray, tempfile.TemporaryDirectory() as folder:
        _check_room(ray, workers)
        from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
        from ray.train.tensorflow import TensorflowTrainer

        images = ray.put(x)

        def rank(config):
            return _rank(make, images, folder, kill, config)

        trainer = TensorflowTrainer(
            rank,
            train_loop_config=settings,
            scaling_config=ScalingConfig(num_workers=workers),
            run_config=RunConfig(
                storage_path=folder,
                name="run",
                failure_config=FailureConfig(max_failures=failures),
                checkpoint_config=CheckpointConfig(num_to_keep=1),
            ),
        )
        with _keeping(signal.SIGINT):
            trainer.fit()
        results = [_load(Path(folder) / f"rank{number}.npz") for number in range(workers)]
        starts = len(list(Path(folder).glob("start*")))
        return results[0] | {"ranks": [result["cpu_seconds"] for result in results], "starts": starts}


def _check_room(ray, workers):
    """Raise ValueError where a shared training would fail, or wait for ever."""
    machines = sum(node["Alive"] for node in ray.nodes())
    if machines > 1:
        remedy = "Use Ray on one machine only, for example by unsetting RAY_ADDRESS."
        raise ValueError(f"The cluster has {machines} machines, but a shared training needs one folder. {remedy}")
    cpus = ray.cluster_resources().get("CPU", 0)
    if cpus < workers:  # Ray Train's controller takes none
        remedy = f"Give it more, as by cluster(workers={workers}), or take fewer workers."
        raise ValueError(f"workers={workers}: each takes one CPU, of which Ray has {cpus:g}. {remedy}")


def _rank(make, images, folder, kill, settings):
    """What one process does; it runs in a worker of Ray Train."""
    import ray
    from ray.train import Checkpoint, get_checkpoint, get_context, report

    me, folder = get_context().get_world_rank(), Path(folder)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    if me == 0:
        (folder / f"start{time.time_ns()}").touch()
    settings = {"state": None, "first_epoch": 0} | settings
    if saved := get_checkpoint():
        with saved.as_directory() as place:
            last = _load(Path(place) / "state.npz")
        settings |= {"state": last["state"], "first_epoch": int(last["epoch"]) + 1}

    def on_step(epoch, step):
        if kill == (me, epoch, step):
            _die_once(folder / "killed")

    def on_epoch(epoch, result):
        with tempfile.TemporaryDirectory() as place:
            if me == 0:
                _save(Path(place) / "state.npz", {"state": result["state"], "epoch": epoch})
            checkpoint = Checkpoint.from_directory(place) if me == 0 else None
            report({"epoch": epoch, "loss": result["loss"][-1]}, checkpoint=checkpoint)

    result = train(make, ray.get(images), strategy=strategy, on_step=on_step, on_epoch=on_epoch, **settings)
    _save(folder / f"rank{me}.npz", result)


def _save(path, result):
    """Write a dict of numbers, and of lists of numbers or arrays."""
    flat = {}
    for name, value in result.items():
        if isinstance(value, list):  # "name." says that it is one, of nothing perhaps
            flat |= {f"{name}.": ()} | {f"{name}.{k}": item for k, item in enumerate(value)}
        else:
            flat[name] = value
    np.savez(path, **flat)


def _load(path):
    result = {}
    with np.load(path) as file:
        for name in file.files:
            key, listed, number = name.partition(".")
            value = file[name] if file[name].ndim else file[name].item()
            if number:
                result[key].append(value)
            else:
                result[key] = [] if listed else value
    return result


def gradient_bytes(model):
    """Return the bytes of one gradient of a Keras model: what every step has to be told to the others."""
    return sum(int(np.prod(weight.shape)) * tf.as_dtype(weight.dtype).size for weight in model.trainable_variables)


def step_seconds(batch, workers, *, fixed, per_image, gradient, gbit, latency=0.0):
    """Return the seconds of one step on several workers, by the law of lesson 19.

    A ring all-reduce sends 2 (Q - 1) / Q times the gradient from each of Q workers, in 2 (Q - 1) messages; computing
    and sending do not overlap.

    Args:
        batch: images per step over all workers; an array of any shape will do, and so for the next.
        workers: Q, whole numbers from 1 on.
        fixed, per_image: seconds of a step on one worker are fixed + per_image · batch.
        gradient: bytes.
        gbit: bandwidth in Gbit/s, more than 0.
        latency: seconds of one message.

    Raises ValueError for workers and a bandwidth that there cannot be.
    """
    workers = _whole("workers", workers, 1)
    gbit = validate.number("gbit", gbit, 0, None, "a positive number", "neither")
    sent = 2 * (workers - 1) / workers * 8 * gradient / (gbit * 1e9)
    return fixed + per_image * np.asarray(batch) / workers + sent + 2 * (workers - 1) * latency


def _whole(name, values, low):
    """Return whole numbers of at least `low`, integers or floats, as an array."""
    found = np.asarray(values)
    if found.dtype.kind not in "iuf" or not np.all(np.isfinite(found) & (found >= low) & (np.floor(found) == found)):
        raise ValueError(f"{name}={values!r}: must be whole numbers of at least {low}.")
    return found


def speed_up(batch, workers, **costs):
    """Return how many times sooner a step is done by several workers than by one; arguments as of `step_seconds`."""
    return step_seconds(batch, 1, **costs) / step_seconds(batch, workers, **costs)


def break_even(workers, *, per_image, gradient, gbit, latency=0.0, fixed=0.0):
    """Return the images per step at which several workers are as fast as one: from there on they pay.

    Arguments as of `step_seconds`, but at least 2 workers; what is fixed has no influence.
    """
    workers = _whole("workers", workers, 2)
    more = step_seconds(0, workers, fixed=0, per_image=0, gradient=gradient, gbit=gbit, latency=latency)
    return more / (per_image * (1 - 1 / workers))


def loopback(size=64_000_000, messages=200):
    """Measure this machine's loopback by a TCP connection to itself; return (Gbit/s, seconds of a message and back)."""
    sent, small = bytes(size), bytes(64)

    def answer():
        connection, _ = server.accept()
        with connection:
            for _ in range(messages):
                connection.sendall(_receive(connection, len(small)))
            _receive(connection, size)
            connection.sendall(small)

    with socket.create_server(("127.0.0.1", 0)) as server:
        helper = threading.Thread(target=answer)
        helper.start()
        with socket.create_connection(server.getsockname()) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begin = time.perf_counter()
            for _ in range(messages):
                connection.sendall(small)
                _receive(connection, len(small))
            latency = (time.perf_counter() - begin) / messages
            begin = time.perf_counter()
            connection.sendall(sent)
            _receive(connection, len(small))
            seconds = time.perf_counter() - begin
        helper.join()
    return 8 * size / seconds / 1e9, latency


def _receive(connection, size):
    """Read so many bytes, keep the last part."""
    part, left = b"", size
    while left:
        part = connection.recv(min(left, 1 << 20))
        if not part:
            raise ConnectionError("The other end hung up.")
        left -= len(part)
    return part


class Memory:
    """How far this process' memory rises meanwhile: `with Memory() as memory: ...`, then `memory.megabytes`.

    A thread looks every few milliseconds at what the operating system counts as resident, which for memory-mapped files
    includes the pages that are there just now.
    """

    def __enter__(self):
        """Begin; where it can be done, what is free already goes back first, since its use again would not show."""
        with contextlib.suppress(AttributeError, TypeError, OSError):  # not on macOS and Windows
            ctypes.CDLL(None).malloc_trim(0)
        self._done, self._process = threading.Event(), psutil.Process()
        self._begin = self._peak = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self):
        while not self._done.wait(0.005):
            self._peak = max(self._peak, self._process.memory_info().rss)

    def __exit__(self, *error):
        """End; `megabytes` is what the highest point lies above the first."""
        self._done.set()
        self._thread.join()
        self.megabytes = (max(self._peak, self._process.memory_info().rss) - self._begin) / 1e6
