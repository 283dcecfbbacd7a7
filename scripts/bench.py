"""Measure `utils.training.fit` beside Keras' own on this machine: `python -m scripts.bench`, about ten minutes.

Three networks, the same settings and seed. Every training runs in a process of its own, one way after the other in
every repetition, so that a busy moment meets them all. The answers go to results/bench.json.
`python -m scripts.bench NETWORK WAY CALLS` measures one alone and prints it as JSON.
"""

import gc
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

from scripts.project import ROOT, round_floats, write_json
from utils import models
from utils.data import load, official
from utils.training import fit

REPEATS, CALLS, FEW = 3, 20, 5_120
NETWORKS = {  # builder, images, epochs
    "784-32-784": (lambda: models.vanilla(32), 60_000, 12),
    "784-512-256-20": (lambda: models.variational((512, 256), 20), 60_000, 2),
    "convolutional": (lambda: models.convolutional(32), 10_000, 2),
}
WAYS = {"fit": "`fit` of this course", "50": "Keras, 50 steps per execution", "1": "Keras, 1 step per execution"}


def train(network, way, calls):
    """Train a network `calls` times, by `fit` or by Keras with so many steps per execution, and print what it took.

    Wall and CPU seconds are those of the first call, compilation included; "epoch" is the fastest epoch after the
    first; "megabytes" the process' resident size after the last call. From the second call on, one epoch of `FEW`
    images is enough to see what a call keeps. XLA is as `fit` chooses it in the first.
    """
    build, images, epochs = NETWORKS[network]
    x, settings = load("mnist").x_train[:images], {"batch_size": 128, "verbose": 0}
    xla = network != "convolutional"
    for call in range(calls):
        keras.utils.set_random_seed(1)
        model, ends, length = build(), [], epochs if call == 0 else 1
        seen = x if call == 0 else x[:FEW]
        clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_, ends=ends: ends.append(time.monotonic()))
        wall, cpu = time.perf_counter(), time.process_time()
        if way == "fit":
            fit(model, seen, epochs=length, schedule="constant", xla=xla, callbacks=[clock], **settings)
        else:
            model.compile("adam", steps_per_execution=int(way), jit_compile=xla)
            model.fit(seen, epochs=length, callbacks=[clock], **settings)
        if call == 0:
            taken = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
            taken["epoch"] = min(b - a for a, b in itertools.pairwise(ends))
        del model
        gc.collect()  # what is left is kept, not forgotten
    with open("/proc/self/statm", encoding="ascii") as file:
        print(json.dumps(taken | {"megabytes": int(file.read().split()[1]) * resource.getpagesize() / 1e6}))


def measured(network, way, calls=1):
    """Run `train` in a process of its own and return what it printed."""
    command = [sys.executable, "-m", "scripts.bench", network, way, str(calls)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    """Measure, print and write results/bench.json; return the exit code."""
    if official("mnist").provenance.fallback:
        print("The benchmark needs MNIST itself.", file=sys.stderr)
        return 1
    rows = []
    for network in NETWORKS:
        runs = [{way: measured(network, way) for way in WAYS} for _ in range(REPEATS)]
        for way in WAYS:
            row = {key: statistics.median(run[way][key] for run in runs) for key in runs[0][way]}
            row |= {"network": network, "way": WAYS[way], "later": measured(network, way, CALLS)["megabytes"]}
            rows.append(row)
            print(row, flush=True)
    write_json(round_floats({"cores": os.cpu_count(), "calls": CALLS, "rows": rows}), ROOT / "results" / "bench.json")
    return 0


if __name__ == "__main__":
    sys.exit(train(*sys.argv[1:3], int(sys.argv[3])) if len(sys.argv) > 1 else main())
