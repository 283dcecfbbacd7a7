"""utils.scaling on Ray: `make test-scale` runs these; without Ray they are skipped."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import keras
import numpy as np
import psutil
import pytest

from scripts import project
from utils import models, scaling
from utils.training import fit

if not scaling.has_ray():
    pytest.skip("Ray is optional and not installed here; make test-scale installs it", allow_module_level=True)

PROCESSES = (importlib.util.find_spec("ray").submodule_search_locations[0], "ray::")
SHORT = None if os.name == "nt" else "/tmp"  # for paths of sockets


def since(begin):
    """The command lines of Ray's processes that have begun since, whoever is their parent now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            if process.create_time() >= begin and any(name in line for name in PROCESSES):
                found.append(line[:120])
    return found


@pytest.fixture(autouse=True)
def _nothing_left():
    """Ray of our own only; and no process of it left at the end."""
    assert "RAY_ADDRESS" not in os.environ
    begin = time.time() - 1  # processes' times count from a whole second
    yield
    end = time.monotonic() + 20  # workers notice by themselves that their raylet is gone
    while (left := since(begin)) and time.monotonic() < end:
        time.sleep(0.2)
    assert not left


def trained(code, seed, mark=None):
    """A small training that seeds itself; with a mark that is not there yet, it kills its process on the way."""
    keras.utils.set_random_seed(seed)
    x = np.random.default_rng(0).random((256, 8, 8, 1), dtype="float32")
    model = models.vanilla(code, input_shape=(8, 8, 1))
    callbacks = [scaling.DieOnce(mark)] if mark else []
    fit(model, x, epochs=2, batch_size=32, callbacks=callbacks, verbose=0)
    return model.get_weights()


def fail_at(a):
    if a == 2:
        raise KeyError("the reason")
    return os.getpid()


def fail_beside(folder, name=None):
    """Leave marks at the beginning and, long after, at the end; without a name, fail as soon as another has begun."""
    if name is None:
        while not list(folder.glob("begun*")):
            time.sleep(0.05)
        raise KeyError("the reason")
    (folder / f"begun{name}").touch()
    time.sleep(3)
    (folder / f"done{name}").touch()


def total(values, times):
    return float(values.sum()) * times, values.flags.writeable


def niceness():
    return os.nice(0)


def test_a_sweep_equals_the_serial_one_though_a_worker_is_killed(tmp_path):
    tasks = [{"code": code, "seed": seed} for code in (4, 8) for seed in (1, 2)]
    serial = scaling.run_all(trained, tasks, "serial", progress=False)
    deadly = [tasks[0], tasks[1] | {"mark": tmp_path / "died"}, *tasks[2:]]
    on_ray = scaling.run_all(trained, deadly, "ray", progress=False)
    assert (tmp_path / "died").exists()
    for one, other in zip(serial, on_ray, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_errors_what_is_shared_and_where_it_listens(capsys):
    handler = signal.getsignal(signal.SIGTERM)
    with scaling.cluster(2) as ray:
        assert scaling.run_all(total, [{"times": 2}], "ray", shared={"values": np.ones(1000)}) == [(2000, False)]
        assert "1/1" in capsys.readouterr().out
        assert scaling.run_all(niceness, [{}], "ray", progress=False) == [os.nice(0)]  # an equal among programs
        with pytest.raises(KeyError, match="the reason") as caught:
            scaling.run_all(fail_at, [{"a": 1}, {"a": 2}], "ray", progress=False)
        assert caught.value.__notes__ == ["In the task {'a': 2}."]
        mine = psutil.Process()
        for process in [mine, *mine.children(recursive=True)]:
            for connection in process.net_connections(kind="inet"):
                if connection.status == psutil.CONN_LISTEN:
                    assert connection.laddr.ip in ("127.0.0.1", "::1", "::ffff:127.0.0.1"), process.cmdline()
        assert ray.get_runtime_context().gcs_address.startswith("127.0.0.1")
        folder = Path(ray._private.worker._global_node.get_session_dir_path())
        assert folder.exists()
    assert not folder.exists()
    assert not ray.is_initialized()
    assert signal.getsignal(signal.SIGTERM) == handler


def test_all_is_shut_down_after_an_error():
    import ray

    with pytest.raises(ZeroDivisionError), scaling.cluster(1):
        raise ZeroDivisionError
    assert not ray.is_initialized()


def test_a_failure_ends_the_other_tasks(tmp_path):
    tasks = [{}, *({"name": name} for name in range(5))]
    with scaling.cluster(2) as ray:
        with pytest.raises(KeyError, match="the reason"):
            scaling.run_all(fail_beside, tasks, "ray", shared={"folder": tmp_path}, progress=False)
        assert list(tmp_path.glob("begun*"))
        time.sleep(6)  # twice as long as a task takes
        assert not list(tmp_path.glob("done*"))
        assert ray.available_resources()["CPU"] == 2
        assert scaling.run_all(niceness, [{}], "ray", progress=False) == [os.nice(0)]  # it lives on


@contextlib.contextmanager
def head_node(**variables):
    """A Ray on this machine that another program has started; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "{}:{}".format(*server.getsockname())
    settings = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0", "PYTHONPATH": ""}
    env = os.environ | {scaling.LOOPBACK: "0"} | settings | variables
    ray = [sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", "--head", "--block"]
    with tempfile.TemporaryDirectory(prefix="ray", dir=SHORT, ignore_cleanup_errors=True) as folder:
        options = ["--num-cpus=2", "--include-dashboard=false", f"--temp-dir={folder}", f"--port={address[10:]}"]
        out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
        process = subprocess.Popen([*ray, *options], env=env, **out)
        try:
            said = []
            for line in process.stdout:
                said.append(line)
                if "Ray runtime started" in line:
                    break
            assert process.poll() is None, "".join(said)
            yield address
        finally:
            process.terminate()
            process.communicate(timeout=60)


JOINS = """
from utils import scaling


def where(a):
    import utils

    return a, utils.__file__


print(scaling.run_all(where, [{"a": 1}, {"a": 2}], progress=False))
"""


def test_a_cluster_is_joined_by_its_address_with_its_token(tmp_path):
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4}
    with head_node(**token) as address:

        def join(**variables):
            env = os.environ | {"RAY_ADDRESS": address, "HOME": str(tmp_path)} | variables
            command = [sys.executable, "-c", JOINS]
            return subprocess.run(
                command, cwd=project.ROOT, env=env, capture_output=True, encoding="utf-8", timeout=240, check=False
            )

        done = join(**token)
        assert done.returncode == 0, done.stderr[-2000:]
        (first, file), (second, _) = eval(done.stdout.splitlines()[-1], {})
        assert (first, second) == (1, 2)
        assert not file.startswith(str(project.ROOT))  # the project's folder has travelled there
        assert join().returncode  # without the token
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(address[10:])))  # nobody listens any more


def network(dtype):
    keras.utils.set_random_seed(1)
    with scaling.precision(dtype):
        parts = models.variational((16,), 4, input_shape=(8, 8, 1))
        model = scaling.per_replica(models.VariationalAutoencoder)(parts.encoder, parts.decoder, seed=3)
        model.compile(keras.optimizers.Adam(0.01))
    return model


def test_two_processes_are_one_and_a_killed_one_changes_nothing(capfd):
    x = np.random.default_rng(0).random((64, 8, 8, 1))
    settings = {"epochs": 4, "batch_size": 16, "seed": 3}
    make = partial(network, "float64")
    one = scaling.train(make, x, **settings)
    handler = signal.getsignal(signal.SIGINT)
    capfd.readouterr()
    with scaling.cluster(2):
        two = scaling.train_on_workers(make, x, **settings)
        killed = scaling.train_on_workers(make, x, kill=[1, 2, 1], **settings)
        with pytest.raises(ValueError, match=r"workers=3: .* Ray has 2\."):
            scaling.train_on_workers(make, x, workers=3, **settings)
    assert capfd.readouterr() == ("", "")  # nor of the death
    assert signal.getsignal(signal.SIGINT) == handler
    assert (two["starts"], killed["starts"]) == (1, 2)
    assert len(two["ranks"]) == 2
    for a, b, c in zip(one["weights"], two["weights"], killed["weights"], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
        np.testing.assert_array_equal(b, c)


@pytest.fixture
def project_on_ray(toy):
    """Call scripts.run --engine ray on the toy project."""
    names = shutil.ignore_patterns("__pycache__", "results.py")
    shutil.copytree(project.ROOT / "scripts", toy.root / "scripts", ignore=names)
    for name in ("__init__.py", "scaling.py", "validate.py"):
        shutil.copy(project.ROOT / "utils" / name, toy.root / "utils" / name)
    (toy.root / "README.md").write_text("# The course\n", encoding="utf-8")

    def call(*arguments):
        command = [sys.executable, "-m", "scripts.run", "--engine", "ray", *arguments]
        return subprocess.run(command, cwd=toy.root, capture_output=True, encoding="utf-8", check=False)

    return call


def test_lessons_come_back_though_a_worker_is_killed(toy, project_on_ray):
    mark = toy.root / "killed"
    source = f"import os, signal\nfrom pathlib import Path\n\nmark = Path({str(mark)!r})\nif not mark.exists():\n"
    source += "    mark.touch()\n    os.kill(os.getppid(), signal.SIGKILL)\nplotting.picture()"
    toy.edit(lambda nb: nb.cells[6].update(source=source))
    nb = project.read_notebook(toy.path)
    nb.cells[7].source = "raise KeyError('the reason')"
    nb.cells[6].source = "plotting.picture()"
    project.write_notebook(nb, toy.path.with_name("02_broken.ipynb"))
    done = project_on_ray()
    assert done.returncode == 1
    assert "01_toy  " in done.stdout, done.stderr
    assert "KeyError: 'the reason'" in done.stdout
    assert "FAILED: 02" in done.stderr
    assert mark.exists()
    build = toy.root / "build"
    for name in ("notebooks/01_toy.ipynb", "results/01.json", "html/01_toy.html", "index.html"):
        assert (build / name).exists(), name
