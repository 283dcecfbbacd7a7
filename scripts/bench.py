"""Measure the course's speed on this machine: `python -m scripts.bench`, about ten minutes.

Three questions. How much sooner does `utils.training.fit`, as lesson 01 uses it, reach the errors of the lecture's
plain recipe? What does its loop take beside Keras' own, on three networks with the same settings? And which part of
the machine's own matrix-product rate does the training of lesson 02's large network reach? The answers go to
results/bench.json. `python -m scripts.bench NET WAY CALLS` measures one loop alone, and prints it as JSON.
"""

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time

import utils  # noqa: F401 (before TensorFlow, which it tells to start quietly)

# isort: split
import keras
import tensorflow as tf

from scripts.project import ROOT, round_floats, write_json
from utils import models
from utils.data import load
from utils.training import ErrorByTime, fit

REPEATS = 3
SHORT = {"target": 0.0097, "epochs": 3}
LONG = {"target": 0.0095, "epochs": 15}
RECIPE = {"batch_size": 128, "learning_rate": 0.02, "optimizer": keras.optimizers.Muon}  # lesson 01's


def plain_recipe(data, epochs=100):
    """Train as the lecture does and return the ErrorByTime of it."""
    keras.utils.set_random_seed(1)
    model = models.vanilla(32)
    clock = ErrorByTime(data.x_test)
    model.compile(optimizer="adam")
    model.fit(data.x_train, batch_size=256, epochs=epochs, callbacks=[clock], verbose=0)
    return clock


def our_recipe(data, seed, target, epochs):
    """Return the seconds and epochs until our `fit` first reaches the target."""
    keras.utils.set_random_seed(seed)
    clock = ErrorByTime(data.x_test)
    fit(models.vanilla(32), data.x_train, epochs=epochs, callbacks=[clock], verbose=0, **RECIPE)
    return clock.time_to(target)


NETWORKS = {  # builder, images, epochs
    "784-32-784": (lambda: models.vanilla(32), 60_000, 4),
    "784-512-256-20": (lambda: models.variational((512, 256), 20), 60_000, 2),
    "convolutional": (lambda: models.convolutional(32), 10_000, 2),
}
WAYS = {"our fit": "fit", "Keras, 50 steps per execution": "50", "Keras, 1 step per execution": "1"}


def loop(network, way, calls):
    """Train a network `calls` times, by `fit` or by Keras with so many steps per execution, and print what it took.

    Wall and CPU seconds are those of the first call, compilation included; "epoch" is the fastest epoch after the
    first; "megabytes" the process' resident size after the last call.
    """
    build, images, epochs = NETWORKS[network]
    x, settings = load("mnist").x_train[:images], {"epochs": epochs, "batch_size": 128, "verbose": 0}
    for call in range(calls):
        keras.utils.set_random_seed(1)
        model, ends = build(), []
        clock = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs, ends=ends: ends.append(time.monotonic())
        )
        wall, cpu = time.perf_counter(), time.process_time()
        if way == "fit":
            fit(model, x, schedule="constant", callbacks=[clock], **settings)
        else:
            model.compile("adam", steps_per_execution=int(way), jit_compile=network != "convolutional")
            model.fit(x, callbacks=[clock], **settings)
        if call == 0:
            taken = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
            taken["epoch"] = min(b - a for a, b in itertools.pairwise(ends))
    with open("/proc/self/statm", encoding="ascii") as file:
        taken["megabytes"] = int(file.read().split()[1]) * resource.getpagesize() / 1e6
    print(json.dumps(taken))


def measured(network, way, calls=1):
    """Run `loop` in a process of its own and return what it printed."""
    command = [sys.executable, "-m", "scripts.bench", network, way, str(calls)]
    return json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split("\n")[-2]
    )


def loops(note, repeats=REPEATS):
    """Note for every network what the loops take, one after the other in every repetition, and `fit`'s memory."""
    for network in NETWORKS:
        runs = [{name: measured(network, way) for name, way in WAYS.items()} for _ in range(repeats)]
        for name in WAYS:
            wall, cpu, epoch = (statistics.median(run[name][key] for run in runs) for key in ("wall", "cpu", "epoch"))
            note(f"loop {network}, {name}", wall, f"s ({cpu:.1f} s of CPU; {epoch:.2f} s per epoch)")
        once = statistics.median(run["our fit"]["megabytes"] for run in runs)
        often = measured(network, "fit", 20)["megabytes"]
        note(f"loop {network}, memory after 20 calls", often, f"MB ({once:.0f} MB after one)")


def matrix_rate(size=4096, repeats=8):
    """Return the machine's best rate of a float32 matrix product, in products and sums per second."""
    a, b = tf.random.normal((size, size)), tf.random.normal((size, size))
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        tf.matmul(a, b).numpy()
        times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times)


def training_rate(data, epochs=3):
    """Return the rate of training 784-1000-500-250-30, in products and sums per second, without compilation.

    Per image and weight, the forward pass, the gradient of the weights and the gradient of the inputs cost two
    operations each; the first layer needs no gradient of its inputs.
    """
    model = models.hinton_salakhutdinov(30)
    history = fit(model, data.x_train, epochs=epochs, batch_size=256, optimizer=keras.optimizers.AdamW, verbose=0)
    kernels = [weight.shape for weight in model.trainable_weights if len(weight.shape) == 2]
    work = 6 * sum(rows * columns for rows, columns in kernels) - 2 * kernels[0][0] * kernels[0][1]
    seconds = history.history["seconds"]
    images = len(data.x_train) // 256 * 256
    return work * images / min(b - a for a, b in itertools.pairwise(seconds))


def main():
    """Measure, print and write results/bench.json; return the exit code."""
    data = load("mnist")
    print(data.provenance, flush=True)
    if data.provenance.fallback:
        print("The benchmark needs MNIST itself.", file=sys.stderr)
        return 1
    metrics = {}

    def note(name, value, unit):
        metrics[name] = {"value": value, "unit": unit}
        print(f"{name}: {value:.4g} {unit}", flush=True)

    plain = plain_recipe(data)
    note("plain recipe, 100 epochs", plain.seconds[-1], f"s, to test MSE {plain.errors[-1]:.5f}")
    for goal in (SHORT, LONG):
        ours = [our_recipe(data, seed, **goal) for seed in range(1, REPEATS + 1)]
        seconds, epochs = statistics.median(s for s, _ in ours), statistics.median(e for _, e in ours)
        spread = f"{min(s for s, _ in ours):.1f} to {max(s for s, _ in ours):.1f}"
        what = f"test MSE {goal['target']}"
        note(f"{what}, our fit", seconds, f"s, {epochs:.0f} epochs (median of {REPEATS} seeds; {spread} s)")
        try:
            plain_seconds, plain_epochs = plain.time_to(goal["target"])
        except ValueError:
            note(f"{what}, plain recipe", plain.seconds[-1], "s and not reached in 100 epochs")
            note(f"{what}, plain / ours", plain.seconds[-1] / seconds, "times, at least")
        else:
            note(f"{what}, plain recipe", plain_seconds, f"s, {plain_epochs} epochs")
            note(f"{what}, plain / ours", plain_seconds / seconds, "times")
    loops(note)
    best, reached = matrix_rate(), training_rate(data)
    note("float32 matrix product, 4096 x 4096", best / 1e9, "GFLOP/s")
    note("training 784-1000-500-250-30", reached / 1e9, "GFLOP/s")
    note("training / matrix product", reached / best, "of the machine's own rate")
    write_json(round_floats({"cores": os.cpu_count(), "metrics": metrics}), ROOT / "results" / "bench.json")
    return 0


if __name__ == "__main__":
    sys.exit(loop(*sys.argv[1:3], int(sys.argv[3])) if len(sys.argv) > 1 else main())
