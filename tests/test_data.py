"""utils.data against tiny data sets, a local web server, broken files and odd pictures; nothing leaves this machine."""

import contextlib
import dataclasses
import gzip
import hashlib
import io
import pickle
import socket
import subprocess
import sys
import tarfile
import threading
import time
import warnings
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import requests
from packaging.version import Version
from PIL import Image

from scripts import sample
from utils import claims, data

ROOT = Path(data.__file__).resolve().parent.parent


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def tiny_arrays(shape=(6, 6)):
    """Twenty training and ten test images, as the official arrays would be."""
    rng = np.random.default_rng(0)
    x_train, x_test = (rng.integers(0, 256, (n, *shape), np.uint8) for n in (20, 10))
    x_train[0].flat[:2] = 0, 255
    return {
        "x_train": x_train,
        "y_train": np.arange(20, dtype=np.uint8) % 10,
        "x_test": x_test,
        "y_test": np.arange(10, dtype=np.uint8),
    }


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def idx_gz(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.tobytes(), mtime=0)


def cifar_archive():
    """Five training batches of three images and a test batch of four, in the official form."""
    rng = np.random.default_rng(1)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, n in [*((f"data_batch_{i}", 3) for i in range(1, 6)), ("test_batch", 4)]:
            rows = rng.integers(0, 256, (n, 3072), np.uint8)
            rows[0, :1024] = 255  # the first image of each batch is fully red
            content = pickle.dumps({b"data": rows, b"labels": [9, *range(n - 1)]})
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


class Server:
    """A web server on this machine. `routes`: path -> function that answers a BaseHTTPRequestHandler."""

    def __init__(self):
        self.routes, self.asked, self.release = {}, [], threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                with contextlib.suppress(ConnectionError):
                    outer.routes.get(self.path, status(404))(self)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.release.set()
        self.http.shutdown()
        self.http.server_close()

    def stalls(self, content):
        """Send the first half and then nothing more until `release` is set."""

        def answer(handler):
            send_head(handler, len(content))
            handler.wfile.write(content[: len(content) // 2])
            handler.wfile.flush()
            self.release.wait(30)

        return answer


def send_head(handler, length):
    handler.send_response(200)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()


def body(content, announced=None):
    def answer(handler):
        send_head(handler, announced or len(content))
        handler.wfile.write(content)

    return answer


def status(code):
    return lambda handler: handler.send_error(code)


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty data folder, an empty Keras cache, the full budget, and no network until a test calls `serve`."""
    folder = tmp_path / "stick"
    folder.mkdir()
    monkeypatch.setenv("AE_DATA_DIR", str(folder))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("AE_OFFLINE", "1")
    monkeypatch.setenv("AE_BUDGET", "full")
    monkeypatch.setattr(data, "TIMEOUT", 0.5)
    return folder


def change(monkeypatch, name, **changes):
    monkeypatch.setitem(data.SPECS, name, dataclasses.replace(data.SPECS[name], **changes))


def serve(monkeypatch, name, *urls):
    """Let the files of the set's first source be looked for at these addresses, and the network be used."""
    ((_, files), *_) = data.SPECS[name].sources
    change(monkeypatch, name, sources=tuple((url, files) for url in urls))
    monkeypatch.setenv("AE_OFFLINE", "0")


def official(monkeypatch, name, files, arrays=None):
    """Make tiny files, name -> content, the official ones, and their arrays too."""
    known = {name: sha256(content) for name, content in files.items()}
    change(monkeypatch, name, sources=(("https://nowhere.invalid/", known),))
    if arrays:
        change(monkeypatch, name, shape=(6, 6), counts=(20, 10), sha256=data.digest(arrays))


@pytest.fixture
def noted(monkeypatch):
    """The list of the provenances that `utils.claims` is told of."""
    found = []
    monkeypatch.setattr(claims, "note_data", found.append)
    return found


@pytest.fixture
def mnist(folder, monkeypatch):
    """Make a tiny MNIST the official one; return the content of its file."""
    content = npz(**tiny_arrays())
    official(monkeypatch, "mnist", {"mnist.npz": content}, tiny_arrays())
    return content


@pytest.fixture
def fashion(folder, monkeypatch):
    """Make a tiny Fashion-MNIST the official one; return its files by name."""
    arrays = tiny_arrays()
    files = dict(zip(data.FASHION_FILES, map(idx_gz, arrays.values()), strict=True))
    official(monkeypatch, "fashion_mnist", files, arrays)
    return files


@pytest.fixture
def cifar(folder, monkeypatch):
    """Make a tiny CIFAR-10 archive the official one; return its content."""
    content = cifar_archive()
    official(monkeypatch, "cifar10", {"cifar-10-python.tar.gz": content})
    return content


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def check_tiny(dataset, name="mnist", arrays=None):
    """Assert that the tiny set arrived, whole and in the promised form."""
    arrays = arrays or tiny_arrays()
    assert dataset.name == name
    assert dataset.x_train.dtype == np.float32
    assert dataset.y_train.dtype == np.int64
    assert dataset.x_train.shape == (20, 6, 6, 1)
    assert (dataset.x_train.min(), dataset.x_train.max()) == (0, 1)
    for part in ("train", "test"):
        x, y = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
        np.testing.assert_array_equal(np.rint(x[..., 0] * 255), arrays[f"x_{part}"])
        np.testing.assert_array_equal(y, arrays[f"y_{part}"])


# --- files on disk


def test_file_in_the_folder_is_verified(folder, mnist):
    write(folder, {"mnist.npz": mnist})
    dataset = data.load("mnist")
    check_tiny(dataset)
    assert str(dataset.provenance) == ("MNIST: 20 + 10 images 6x6x1 from mnist.npz, verified (SHA-256), CC BY-SA 3.0")
    assert repr(dataset) == "Dataset('mnist', 20 + 10 images 6x6x1)"


def test_same_arrays_in_another_zip_are_verified(folder, mnist):
    file = io.BytesIO()
    np.savez_compressed(file, **tiny_arrays())
    assert sha256(file.getvalue()) != sha256(mnist)
    write(folder, {"mnist.npz": file.getvalue()})
    assert data.load("mnist").provenance.verified


@pytest.mark.parametrize("key", data.KEYS)
def test_other_arrays_of_the_right_shape_load_unverified(folder, mnist, key):
    arrays = tiny_arrays()
    arrays[key].flat[-1] ^= 1
    write(folder, {"mnist.npz": npz(**arrays)})
    provenance = data.load("mnist").provenance
    assert not provenance.verified
    assert not provenance.fallback
    assert "UNVERIFIED" in str(provenance)


def test_fashion_mnist_from_its_four_files(folder, fashion):
    write(folder, fashion)
    dataset = data.load("fashion_mnist")
    check_tiny(dataset, "fashion_mnist")
    assert dataset.provenance.verified
    assert dataset.classes[9] == "Ankle boot"
    assert "from fashion-mnist/ (4 files), verified" in str(dataset.provenance)


def test_fashion_mnist_from_one_npz(folder, fashion):
    write(folder, {"fashion_mnist.npz": npz(**tiny_arrays())})
    assert data.load("fashion_mnist").provenance.verified


def test_three_of_four_files_are_not_a_data_set(folder, fashion):
    write(folder, dict(list(fashion.items())[:3]))
    provenance = data.load("fashion_mnist").provenance
    assert provenance.fallback
    assert provenance.reason == "1 of 4 files missing in stick/; AE_OFFLINE is set"


def test_cifar10_from_its_archive(folder, cifar):
    write(folder, {"cifar-10-python.tar.gz": cifar})
    dataset = data.load("cifar10")
    assert dataset.provenance.verified
    assert dataset.x_train.shape == (15, 32, 32, 3)
    assert dataset.x_test.shape == (4, 32, 32, 3)
    np.testing.assert_array_equal(dataset.y_train, [9, 0, 1] * 5)
    np.testing.assert_array_equal(dataset.x_test[0, ..., 0], np.ones((32, 32)))  # red is the first channel
    assert dataset.x_test[0, ..., 1].min() < 1


def test_cifar10_archive_with_another_hash_is_never_unpickled(folder, cifar, monkeypatch):
    monkeypatch.setattr(pickle, "load", lambda *args, **kwargs: pytest.fail("unpickled an unknown file"))
    write(folder, {"cifar-10-python.tar.gz": cifar[:-1] + b"x"})
    with pytest.raises(data.DataError, match=r"cifar-10-python\.tar\.gz: has SHA-256 .* Delete it"):
        data.load("cifar10")


@pytest.mark.parametrize("label_shape", [(-1,), (-1, 1)])
def test_part_of_cifar10_is_unverified(folder, label_shape):
    arrays = tiny_arrays((32, 32, 3))
    arrays["y_train"], arrays["y_test"] = (arrays[key].reshape(label_shape) for key in ("y_train", "y_test"))
    write(folder, {"cifar10.npz": npz(**arrays)})
    dataset = data.load("cifar10")
    assert "CIFAR-10: 20 + 10 images 32x32x3 from cifar10.npz, UNVERIFIED" in str(dataset.provenance)
    np.testing.assert_array_equal(dataset.y_train, np.arange(20) % 10)


def test_keras_cache_is_found(folder, mnist, fashion, cifar, tmp_path):
    cache = tmp_path / "keras" / "datasets"
    write(cache, {"mnist.npz": mnist, "cifar-10-batches-py-target_archive": cifar, **fashion})
    for name in data.SPECS:
        provenance = data.load(name).provenance
        assert provenance.verified
        assert "in Keras' cache" in provenance.source
    assert list(folder.iterdir()) == []


def test_keras_cache_without_keras_home_is_in_the_home_folder(folder, mnist, tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    write(tmp_path / "home" / ".keras" / "datasets", {"mnist.npz": mnist})
    assert data.load("mnist").provenance.source == "mnist.npz in Keras' cache"


def test_mnist_from_its_four_files(folder, mnist, monkeypatch):
    arrays = tiny_arrays()
    change(monkeypatch, "mnist", sources=(*data.SPECS["mnist"].sources, ("", data.MNIST_FILES)))
    write(folder, dict(zip(data.MNIST_FILES, map(idx_gz, arrays.values()), strict=True)))
    dataset = data.load("mnist")
    check_tiny(dataset)
    assert dataset.provenance.verified
    assert "from mnist/ (4 files)" in str(dataset.provenance)


def test_folder_comes_before_keras_cache(folder, mnist, tmp_path):
    write(folder, {"mnist.npz": mnist})
    write(tmp_path / "keras" / "datasets", {"mnist.npz": b"broken"})
    assert data.load("mnist").provenance.source == "mnist.npz"


# --- broken files


def changed(**changes):
    arrays = tiny_arrays()
    arrays.update(changes)
    return npz(**{key: array for key, array in arrays.items() if array is not None})


def npz_with_text_for_an_array():
    file = io.BytesIO(changed(x_test=None))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("x_test", "no array")
    return file.getvalue()


BROKEN_NPZ = {
    "empty": (b"", "not a .npz archive"),
    "text": (b"<html>Please log in to the Wi-Fi</html>", "not a .npz archive"),
    "truncated": (changed()[:-200], "not a .npz archive"),
    "damaged": (
        changed().replace(tiny_arrays()["x_train"].tobytes()[:50], bytes(50)),
        "corrupt or truncated",
    ),
    "pickle": (changed(y_train=np.array([print] * 20, object)), "pickled Python objects, which are refused"),
    "not an array": (npz_with_text_for_an_array(), r"x_test has dtype \|S8, must be uint8"),
    "missing key": (changed(y_test=None), "has no array y_test"),
    "shape": (changed(x_train=tiny_arrays()["x_train"][:, :5]), r"x_train has shape \(20, 5, 6\), must be"),
    "too few": (changed(x_train=tiny_arrays()["x_train"][:19]), r"x_train has shape \(19, 6, 6\)"),
    "labels": (changed(y_test=np.zeros((10, 1), np.uint8)), r"y_test has shape \(10, 1\), must be \(10,\)"),
    "floats": (changed(x_test=tiny_arrays()["x_test"] / 255), "x_test has dtype float64, must be uint8"),
    "signed": (changed(y_train=np.arange(20) % 10), "y_train has dtype int64, must be uint8"),
    "label": (changed(y_train=np.full(20, 10, np.uint8)), "y_train has the label 10, must be below 10"),
}


@pytest.mark.parametrize(("content", "what"), BROKEN_NPZ.values(), ids=BROKEN_NPZ)
def test_broken_npz_is_an_error_and_never_replaced(folder, mnist, server, noted, monkeypatch, content, what):
    server.routes["/mnist.npz"] = body(mnist)
    serve(monkeypatch, "mnist", server.url)
    write(folder, {"mnist.npz": content})
    with pytest.raises(data.DataError, match=what) as caught:
        data.load("mnist")
    assert str(folder / "mnist.npz") in str(caught.value)
    assert "Delete it" in str(caught.value)
    assert "AE_DATA_DIR" in str(caught.value)
    assert (folder / "mnist.npz").read_bytes() == content
    assert noted == []
    assert server.asked == []


def test_broken_file_in_keras_cache_is_an_error(folder, mnist, tmp_path):
    write(tmp_path / "keras" / "datasets", {"mnist.npz": mnist[:100]})
    with pytest.raises(data.DataError, match=r"keras.datasets.mnist\.npz"):
        data.load("mnist")


BROKEN_IDX = {
    "truncated": (lambda good: good[:-20], "corrupt or truncated"),
    "no gzip": (lambda good: b"hello", "corrupt or truncated"),
    "damaged": (lambda good: good[:60] + bytes(300) + good[360:], "corrupt or truncated"),
    "empty": (lambda good: b"", "no IDX file"),
    "no idx": (lambda good: gzip.compress(b"hello"), "no IDX file"),
    "short header": (lambda good: gzip.compress(b"\0\0\x08\x03\0\0"), "corrupt or truncated"),
    "short": (
        lambda good: gzip.compress(gzip.decompress(good)[:-1]),
        r"719 bytes for an array of shape \(20, 6, 6\)",
    ),
    "long": (lambda good: gzip.compress(gzip.decompress(good) + b"x"), "721 bytes for an array of shape"),
}


@pytest.mark.parametrize(("spoil", "what"), BROKEN_IDX.values(), ids=BROKEN_IDX)
def test_broken_idx_is_an_error(folder, fashion, spoil, what):
    name = "fashion-mnist/train-images-idx3-ubyte.gz"
    write(folder, {**fashion, name: spoil(fashion[name])})
    with pytest.raises(data.DataError, match=what) as caught:
        data.load("fashion_mnist")
    assert name in str(caught.value)


def test_empty_cifar10_part_is_an_error(folder):
    empty = {"x_train": np.zeros((0, 32, 32, 3), np.uint8), "y_train": np.zeros(0, np.uint8)}
    write(folder, {"cifar10.npz": npz(**tiny_arrays((32, 32, 3)) | empty)})
    with pytest.raises(
        data.DataError, match=r"x_train has shape \(0, 32, 32, 3\), must be \('any number of', 32, 32, 3\)"
    ):
        data.load("cifar10")


def test_cifar10_images_and_labels_must_be_as_many(folder):
    arrays = tiny_arrays((32, 32, 3))
    write(folder, {"cifar10.npz": npz(**arrays | {"y_test": arrays["y_test"][:9]})})
    with pytest.raises(data.DataError, match="x_test has shape"):
        data.load("cifar10")


@pytest.mark.parametrize("name", ["mnits", "", "MNIST", "photos", "digits", None, ["mnist"]])
@pytest.mark.parametrize("budget", ["quick", "full"])
def test_unknown_name_lists_the_names(folder, monkeypatch, budget, name):
    monkeypatch.setenv("AE_BUDGET", budget)
    with pytest.raises(ValueError, match=r"the names are mnist, fashion_mnist, cifar10\."):
        data.load(name)


def test_data_dir_that_does_not_exist(folder, monkeypatch):
    monkeypatch.setenv("AE_DATA_DIR", str(folder / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"AE_DATA_DIR=.*nowhere.* is not a folder\. Create it"):
        data.load("mnist")


def test_relative_data_dir_starts_at_the_project_wherever_python_runs(folder, mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "DEFAULT_FOLDER", tmp_path / "data")
    monkeypatch.setenv("AE_DATA_DIR", "stick")
    (tmp_path / "notebooks" / "stick").mkdir(parents=True)  # never this one
    write(folder, {"mnist.npz": mnist})
    for place in (tmp_path, tmp_path / "notebooks"):
        monkeypatch.chdir(place)
        assert data.data_folder() == folder.resolve()
        assert data.load("mnist").provenance.source == "mnist.npz"


# --- downloads


def only_file(folder, name):
    """Assert that the folder holds this file and no left-overs."""
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()] == [name]


def test_download_is_kept_for_the_next_time(folder, mnist, server, monkeypatch, capfd):
    server.routes["/mnist.npz"] = body(mnist)
    serve(monkeypatch, "mnist", server.url)
    dataset = data.load("mnist")
    check_tiny(dataset)
    assert dataset.provenance.verified
    assert dataset.provenance.source == "mnist.npz, downloaded from 127.0.0.1"
    only_file(folder, "mnist.npz")
    assert data.load("mnist").provenance.source == "mnist.npz"
    assert server.asked == ["/mnist.npz"]
    out, err = capfd.readouterr()
    assert out == ""
    assert "mnist.npz: 100%" in err


@pytest.mark.parametrize("answer", ["good", "404"])
def test_bar_names_the_file_and_a_failure_leaves_none(folder, mnist, server, monkeypatch, capfd, answer):
    server.routes["/mnist.npz"] = {"good": body(mnist), "404": status(404)}[answer]
    serve(monkeypatch, "mnist", server.url)
    data.load("mnist")
    err = capfd.readouterr().err
    assert ("mnist.npz: 100%" in err) is (answer == "good")
    assert (err.rsplit("\r", 1)[-1].strip() == "") is (answer == "404")


def test_no_red_warning_in_a_kernel_without_widgets(folder, mnist, server, monkeypatch):
    """tqdm, as pooch imports it, misses Jupyter's widgets when it finds a kernel."""
    ipython = pytest.importorskip("IPython", reason="IPython is what a kernel runs")
    monkeypatch.setattr(ipython, "get_ipython", lambda: SimpleNamespace(config={"IPKernelApp": {}}))
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", SimpleNamespace())
    monkeypatch.delenv("QT_API", raising=False)
    for name in [n for n in sys.modules if n.split(".")[0] == "pooch" or n in ("tqdm.auto", "tqdm.autonotebook")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "tqdm.notebook", raising=False)
    server.routes["/mnist.npz"] = body(mnist)
    serve(monkeypatch, "mnist", server.url)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert data.load("mnist").provenance.verified
    assert [str(w.message) for w in seen if "IProgress" in str(w.message)] == []
    if Version(version("pooch")) >= Version("1.9"):  # older ones take the plain tqdm
        assert "tqdm.notebook" in sys.modules  # so there was something to warn of


def test_download_of_four_files_resumes_with_those_that_miss(folder, fashion, server, monkeypatch):
    server.routes |= {f"/{Path(name).name}": body(content) for name, content in fashion.items()}
    serve(monkeypatch, "fashion_mnist", server.url)
    last = list(fashion)[-1]
    write(folder, {name: content for name, content in fashion.items() if name != last})
    check_tiny(data.load("fashion_mnist"), "fashion_mnist")
    assert server.asked == [f"/{Path(last).name}"]


def test_download_of_cifar10(folder, cifar, server, monkeypatch):
    server.routes["/cifar-10-python.tar.gz"] = body(cifar)
    serve(monkeypatch, "cifar10", server.url)
    assert data.load("cifar10").provenance.verified


def bad_answers(server, content):
    return {
        "404": (status(404), "HTTP 404"),
        "500": (status(500), "HTTP 500"),
        "ends early": (body(content[:-10], announced=len(content)), "no connection, or it broke"),
        "short": (body(content[:-10]), "wrong SHA-256, so truncated or another file"),
        "login page": (body(b"<html>Please log in</html>"), "wrong SHA-256, so truncated or another file"),
        "other arrays": (body(changed(x_train=np.zeros((20, 6, 6), np.uint8))), "wrong SHA-256"),
        "stalls": (server.stalls(content), "no answer within 0.5 s"),
        "silent": (lambda handler: server.release.wait(30), "no answer within 0.5 s"),
    }


BAD_ANSWERS = ["404", "500", "ends early", "short", "login page", "other arrays", "stalls", "silent"]


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_failed_download_leaves_nothing_and_says_why(folder, mnist, server, monkeypatch, kind):
    server.routes["/mnist.npz"], why = bad_answers(server, mnist)[kind]
    serve(monkeypatch, "mnist", server.url)
    provenance = data.load("mnist").provenance
    assert provenance.fallback
    assert provenance.reason.startswith(f"no file in stick/; 127.0.0.1: {why}")
    assert list(folder.rglob("*")) == []


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_second_source_when_the_first_fails(folder, mnist, server, monkeypatch, kind):
    server.routes["/mnist.npz"], _ = bad_answers(server, mnist)[kind]
    server.routes["/second/mnist.npz"] = body(mnist)
    serve(monkeypatch, "mnist", server.url, f"{server.url}second/")
    assert data.load("mnist").provenance.verified
    assert server.asked == ["/mnist.npz", "/second/mnist.npz"]
    only_file(folder, "mnist.npz")


def test_no_server_at_all(folder, mnist, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        serve(monkeypatch, "mnist", f"http://127.0.0.1:{free.getsockname()[1]}/")
        assert "127.0.0.1: no connection, or it broke" in data.load("mnist").provenance.reason


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (
            requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"),
            "its certificate is not trusted",
        ),
        (requests.exceptions.SSLError("[SSL: WRONG_VERSION_NUMBER]"), "no secure connection"),
        (requests.exceptions.ProxyError("Tunnel connection failed: 403"), "the proxy does not let it through"),
        (requests.exceptions.ConnectTimeout("Connection to x timed out."), "no answer within 0.5 s"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (KeyError("odd"), "KeyError"),
    ],
)
def test_the_reason_names_the_cause(folder, mnist, monkeypatch, error, why):
    def get(*args, **kwargs):
        raise error

    monkeypatch.setattr(requests, "get", get)
    serve(monkeypatch, "mnist", "https://somewhere.invalid/")
    assert f"; somewhere.invalid: {why}" in data.load("mnist").provenance.reason
    assert list(folder.iterdir()) == []


def test_a_name_that_is_not_found_means_no_network(folder, mnist, monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    serve(monkeypatch, "mnist", "http://somewhere.invalid/")
    assert "somewhere.invalid: its name is not found, so probably no network" in data.load("mnist").provenance.reason


def test_second_source_may_hold_other_files(folder, mnist, server, monkeypatch):
    """As for MNIST: one .npz file, else the four IDX files of the same arrays."""
    files = dict(zip(data.MNIST_FILES, map(idx_gz, tiny_arrays().values()), strict=True))
    server.routes |= {f"/{Path(name).name}": body(content) for name, content in files.items()}
    serve(monkeypatch, "mnist", server.url)
    (first,) = data.SPECS["mnist"].sources
    known = {name: sha256(content) for name, content in files.items()}
    change(monkeypatch, "mnist", sources=(first, (server.url, known)))
    check_tiny(data.load("mnist"))
    assert data.load("mnist").provenance.source == "mnist/ (4 files)"
    assert server.asked == ["/mnist.npz", *(f"/{Path(name).name}" for name in files)]


def test_files_of_the_right_hash_with_other_arrays_are_not_believed(folder, mnist, server, monkeypatch):
    server.routes["/mnist.npz"] = body(mnist)
    serve(monkeypatch, "mnist", server.url)
    change(monkeypatch, "mnist", sha256="0" * 64)
    assert "other arrays than the official ones" in data.load("mnist").provenance.reason


def test_download_killed_half_way_is_retried(folder, mnist, server, monkeypatch):
    content = npz(**tiny_arrays(), padding=np.zeros(400_000, np.uint8))  # more than one chunk of a download
    change(monkeypatch, "mnist", sources=((server.url, {"mnist.npz": sha256(content)}),))
    monkeypatch.setenv("AE_OFFLINE", "0")
    server.routes["/mnist.npz"] = server.stalls(content)
    code = (
        "import dataclasses; from utils import data; data.TIMEOUT = 60; "
        f"data.SPECS['mnist'] = dataclasses.replace(data.SPECS['mnist'], sources={data.SPECS['mnist'].sources!r}); "
        "data.load('mnist')"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not any(path.stat().st_size for path in folder.iterdir() if path.exists()):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        child.kill()
        child.wait()
    (half,) = folder.iterdir()
    assert 0 < half.stat().st_size < len(content)
    assert not (folder / "mnist.npz").exists()
    monkeypatch.setenv("AE_OFFLINE", "1")
    assert data.load("mnist").provenance.fallback
    monkeypatch.setenv("AE_OFFLINE", "0")
    server.routes["/mnist.npz"] = body(content)
    check_tiny(data.load("mnist"))


@pytest.mark.parametrize("value", ["1", "yes"])
def test_offline_asks_nobody(folder, mnist, server, monkeypatch, value):
    server.routes["/mnist.npz"] = body(mnist)
    serve(monkeypatch, "mnist", server.url)
    monkeypatch.setenv("AE_OFFLINE", value)
    assert data.load("mnist").provenance.reason == "no file in stick/; AE_OFFLINE is set"
    assert server.asked == []


def test_folder_that_cannot_be_written(folder, mnist, server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("a file where the folder's parent should be")
    monkeypatch.delenv("AE_DATA_DIR")
    monkeypatch.setattr(data, "DEFAULT_FOLDER", tmp_path / "file" / "data")
    server.routes["/mnist.npz"] = body(mnist)
    serve(monkeypatch, "mnist", server.url)
    assert data.load("mnist").provenance.reason == "no file in data/; data/ cannot be written: Not a directory"
    assert server.asked == []


def test_read_only_folder(folder, mnist, server, monkeypatch):
    def refuse(*args, **kwargs):  # what a folder without write permission does, also for root
        raise PermissionError(13, "Permission denied", str(folder / "tmp"))

    server.routes["/mnist.npz"] = body(mnist)
    serve(monkeypatch, "mnist", server.url)
    monkeypatch.setattr(data.tempfile, "TemporaryFile", refuse)
    assert data.load("mnist").provenance.reason == "no file in stick/; stick/ cannot be written: Permission denied"


def test_default_folder_is_made(folder, mnist, server, tmp_path, monkeypatch):
    monkeypatch.delenv("AE_DATA_DIR")
    monkeypatch.setattr(data, "DEFAULT_FOLDER", tmp_path / "project" / "data")
    server.routes["/mnist.npz"] = body(mnist)
    serve(monkeypatch, "mnist", server.url)
    assert data.load("mnist").provenance.verified
    only_file(tmp_path / "project" / "data", "mnist.npz")


# --- the sample, what stands in, and what the provenance says

SAMPLES = {"mnist": (10_000, 2_000), "fashion_mnist": (5_000, 1_000)}
CONTENTS = {
    "mnist": "MNIST, sample: the first 10,000 + 2,000 images 28x28x1, verified (SHA-256), CC BY-SA 3.0",
    "fashion_mnist": "Fashion-MNIST, sample: the first 5,000 + 1,000 images 28x28x1, verified (SHA-256), MIT licence",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_quick_budget_loads_the_sample(name, monkeypatch, noted):
    monkeypatch.setenv("AE_BUDGET", "quick")
    dataset = data.load(name)
    assert str(dataset.provenance) == CONTENTS[name]
    assert (dataset.name, dataset.provenance.requested, dataset.classes) == (name, name, data.SPECS[name].classes)
    assert dataset.provenance.sample
    assert dataset.provenance.verified
    assert not dataset.provenance.fallback
    assert noted == [dataset.provenance]
    for part, n in zip(("train", "test"), SAMPLES[name], strict=True):
        x, y = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
        assert (x.shape, y.shape, x.dtype, y.dtype) == ((n, 28, 28, 1), (n,), np.float32, np.int64)
        assert (x.min(), x.max()) == (0, 1)
        assert np.bincount(y, minlength=10).min() > 0.8 * n / 10


@pytest.mark.parametrize("name", SAMPLES)
def test_the_sample_holds_slices_of_the_official_arrays(name, monkeypatch):
    monkeypatch.setenv("AE_OFFLINE", "1")
    given = data.official(name)
    if given.provenance.fallback:
        pytest.skip("the official files are not present")
    assert given.provenance.verified
    monkeypatch.setenv("AE_BUDGET", "quick")
    dataset = data.load(name)
    for key in data.KEYS:
        got = getattr(dataset, key)
        np.testing.assert_array_equal(got, getattr(given, key)[: len(got)])


def test_the_quick_budget_looks_at_nothing_else(folder, mnist, server, tmp_path, monkeypatch):
    write(folder, {"mnist.npz": b"broken"})
    write(tmp_path / "keras" / "datasets", {"mnist.npz": b"broken"})
    server.routes["/mnist.npz"] = body(mnist)
    serve(monkeypatch, "mnist", server.url)
    monkeypatch.setenv("AE_BUDGET", "quick")
    monkeypatch.setenv("AE_DATA_DIR", str(tmp_path / "nowhere"))
    assert str(data.load("mnist").provenance) == CONTENTS["mnist"]
    photos = data.load("cifar10").provenance
    assert str(photos).startswith("NOT CIFAR-10 (quick budget): 32x32 patches of scikit-learn's two photographs stand")
    assert server.asked == []


def damaged_sample():
    content = (data.SAMPLE_FOLDER / "mnist.npz").read_bytes()
    return content[:1000] + bytes(1000) + content[2000:]


@pytest.mark.parametrize(
    "content", [None, b"", npz(**tiny_arrays()), damaged_sample()], ids=["missing", "empty", "other", "damaged"]
)
@pytest.mark.parametrize("budget", ["quick", "full"])
def test_another_sample_is_an_error(folder, tmp_path, monkeypatch, budget, content):
    monkeypatch.setattr(data, "SAMPLE_FOLDER", tmp_path)
    monkeypatch.setenv("AE_BUDGET", budget)
    if content is not None:
        write(tmp_path, {"mnist.npz": content})
    with pytest.raises(data.DataError, match=r"mnist\.npz: not the repository's sample .*git checkout"):
        data.load("mnist")


def test_git_keeps_the_sample():
    for name in SAMPLES:
        path = f"data/sample/{name}.npz"
        done = subprocess.run(["git", "check-ignore", "--no-index", "-q", path], cwd=ROOT, check=False)
        assert done.returncode != 0, f"git ignores {path}"
    assert sum((ROOT / f"data/sample/{name}.npz").stat().st_size for name in SAMPLES) < 4_000_000


def test_the_script_writes_slices_and_the_same_bytes_every_time(folder, mnist, tmp_path, monkeypatch):
    write(folder, {"mnist.npz": mnist})
    change(monkeypatch, "mnist", sample=((5, 3), ""))
    paths = tmp_path / "one" / "mnist.npz", tmp_path / "two" / "mnist.npz"
    for path in paths:
        sample.write(sample.slices("mnist"), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with np.load(paths[0], allow_pickle=False) as made:
        assert list(made) == list(data.KEYS)
        for key, array in tiny_arrays().items():
            np.testing.assert_array_equal(made[key], array[: 5 if "train" in key else 3])
            assert made[key].dtype == np.uint8


def test_the_script_refuses_what_is_not_official(folder, monkeypatch, capsys):
    monkeypatch.setattr(sample, "write", lambda *args: pytest.fail("wrote a sample"))
    assert sample.main() == 1
    assert "The sample needs the official files" in capsys.readouterr().err


def test_fetching_does_not_depend_on_the_budget(folder, mnist, noted, monkeypatch):
    write(folder, {"mnist.npz": mnist})
    monkeypatch.setenv("AE_BUDGET", "quick")
    check_tiny(data.official("mnist"))
    assert noted == []


@pytest.mark.parametrize("name", SAMPLES)
def test_in_the_full_budget_the_sample_stands_in_visibly(folder, name):
    provenance = data.load(name).provenance
    assert provenance.fallback
    assert provenance.sample
    assert provenance.verified
    assert provenance.name == provenance.requested == name
    title, rest = CONTENTS[name].split(",", 1)
    missing = "no file in stick/; AE_OFFLINE is set"
    assert str(provenance) == f"NOT all of {title} ({missing}),{rest}"


def test_photographs_stand_in_for_cifar10(folder):
    provenance = data.load("cifar10").provenance
    assert provenance.fallback
    assert not provenance.verified
    assert not provenance.sample
    assert (provenance.requested, provenance.name) == ("cifar10", "photos")
    start = (
        "NOT CIFAR-10 (no file in stick/; AE_OFFLINE is set): 32x32 patches of scikit-learn's two photographs stand in"
    )
    assert str(provenance).startswith(start)
    assert "\n" not in str(provenance)


def test_provenance_never_holds_a_path(folder, mnist, server, noted, tmp_path, monkeypatch):
    serve(monkeypatch, "mnist", server.url)
    data.load("mnist")  # after a failed download
    write(tmp_path / "keras" / "datasets", {"mnist.npz": mnist})
    data.load("mnist")
    write(folder, {"mnist.npz": mnist})
    data.load("mnist")
    data.load("cifar10")
    assert len(noted) == 4
    for provenance in noted:
        text = f"{provenance!r} {provenance}"
        assert str(tmp_path) not in text
        assert str(ROOT) not in text
        assert str(Path.home()) not in text


def test_loads_are_reported_in_order(folder, mnist, noted):
    write(folder, {"mnist.npz": mnist})
    for name in ("mnist", "cifar10", "mnist"):
        data.load(name)
    assert [(p.requested, p.name) for p in noted] == [("mnist", "mnist"), ("cifar10", "photos"), ("mnist", "mnist")]


def _eights(images):
    """Cut images (n, 32, 32, 3) into their sixteen 8x8 parts: (16 n, 8, 8, 3)."""
    return images.reshape(-1, 4, 8, 4, 8, 3).swapaxes(2, 3).reshape(-1, 8, 8, 3)


def test_photos_keep_test_apart_from_training(folder):
    dataset = data.load("cifar10")
    assert dataset.x_train.shape == (1550, 32, 32, 3)
    assert dataset.x_test.shape == (350, 32, 32, 3)
    assert dataset.classes == ("china", "flower")
    for labels in (dataset.y_train, dataset.y_test):
        assert np.bincount(labels).tolist() == [len(labels) / 2] * 2
    # Not even a part of a test image occurs in training: compare all 8x8 parts that are not flat.
    parts = [{x.tobytes() for x in _eights(images) if x.std() > 0.05} for images in (dataset.x_train, dataset.x_test)]
    assert min(map(len, parts)) > 1000
    assert not parts[0] & parts[1]
    again = data.load("cifar10")
    np.testing.assert_array_equal(dataset.x_train, again.x_train)


def test_table_is_complete():
    for name, spec in data.SPECS.items():
        assert name in data.TITLES
        assert all(url.startswith("https://") and url.endswith("/") for url, _ in spec.sources)
        hashes = [
            *(sha for _, files in spec.sources for sha in files.values()),
            spec.sha256,
            spec.sample and spec.sample[1],
        ]
        assert all(len(value) == 64 and int(value, 16) for value in hashes if value)
        assert len(set(spec.classes)) == 10
        assert (spec.sample is None) == (spec.sha256 is None) == (name == "cifar10")


def test_readme_lists_the_hashes_of_the_table():
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for name in SAMPLES:
        assert f"{name:<14} official  {data.SPECS[name].sha256}" in readme
        assert f"{name:<14} sample    {data.SPECS[name].sample[1]}" in readme


# --- CamVid


def tiny_frames():
    rng, arrays = np.random.default_rng(6), {}
    for part, count in {"train": 4, "test": 2, "val": 3}.items():
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, 6, 8, 3), "uint8")
        arrays[f"y_{part}"] = rng.integers(0, 12, (count, 6, 8), "uint8")
    return arrays


@pytest.fixture
def camvid(folder, monkeypatch):
    arrays = tiny_frames()
    small = {"shape": (6, 8), "counts": {"train": 4, "val": 3, "test": 2}}
    right = sha256(b"".join(arrays[key].tobytes() for key in data.CAMVID["keys"]))
    monkeypatch.setattr(data, "CAMVID", data.CAMVID | small | {"sha256": right})
    return arrays


def test_camvid_from_its_file(folder, camvid, noted):
    write(folder, {"camvid_96x128.npz": npz(**camvid)})
    frames = data.camvid()
    for part in ("train", "val", "test"):
        x, y = getattr(frames, f"x_{part}"), getattr(frames, f"y_{part}")
        np.testing.assert_allclose(x, camvid[f"x_{part}"] / 255, rtol=1e-6)
        np.testing.assert_array_equal(y, camvid[f"y_{part}"])
        assert (x.dtype, y.dtype) == ("float32", "int32")
    assert (len(frames.classes), frames.unlabelled) == (11, 11)
    line = str(frames.provenance)
    assert line.startswith("CamVid: 4 + 3 + 2 frames 6x8x3, camvid_96x128.npz, verified (SHA-256), CC BY-NC 4.0")
    assert noted == [frames.provenance]


def test_camvid_is_left_out_without_its_file_and_in_the_quick_budget(folder, camvid, noted, monkeypatch):
    assert data.camvid() is None
    write(folder, {"camvid_96x128.npz": npz(**camvid)})
    monkeypatch.setenv("AE_BUDGET", "quick")
    assert data.camvid() is None
    assert noted == []


def test_another_camvid_is_unverified_and_a_broken_one_an_error(folder, camvid):
    camvid["y_val"][0, 0, 0] ^= 1
    write(folder, {"camvid_96x128.npz": npz(**camvid)})
    frames = data.camvid()
    assert not frames.provenance.verified
    assert "UNVERIFIED" in str(frames.provenance)
    wrong = (
        {"y_test": camvid["y_test"] + 12},
        {"x_val": camvid["x_val"][:2]},
        {"y_train": camvid["y_train"].astype(int)},
    )
    for change, word in zip(wrong, ("label 2", "must be uint8", "must be uint8"), strict=True):
        write(folder, {"camvid_96x128.npz": npz(**camvid | change)})
        with pytest.raises(data.DataError, match=word):
            data.camvid()
    write(folder, {"camvid_96x128.npz": npz(**camvid)[:200]})
    with pytest.raises(data.DataError, match=r"camvid_96x128\.npz"):
        data.camvid()


# --- pictures of your own


def picture(folder, name, pixels, **options):
    """Save an array, or an image, as a picture."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


GREY = np.full((9, 7), 51, np.uint8)  # a fifth of white


def only(folder, size=4):
    """Add a second, equal picture, so that there is one for training; return it, as loaded."""
    (path,) = [p for p in folder.iterdir() if p.is_file()]
    (folder / f"again{path.suffix}").write_bytes(path.read_bytes())
    dataset = data.images(folder, size)
    np.testing.assert_array_equal(dataset.x_train, dataset.x_test)
    return dataset.x_train[0], dataset.provenance


def test_a_folder_per_class(tmp_path, noted):
    for label, n in (("dog", 12), ("cat", 7)):
        for i in range(n):
            picture(tmp_path / "own", f"{label}/{i}.png", np.full((5 + i, 8, 3), 10 * i, np.uint8))
    picture(tmp_path / "own", ".hidden/1.png", GREY)
    write(tmp_path / "own", {"notes.txt": b"text", ".DS_Store": b"", "cat/Thumbs.db": b"", "empty/readme.md": b""})
    dataset = data.images(tmp_path / "own", size=12)
    assert dataset.classes == ("cat", "dog")
    assert dataset.x_train.shape == (16, 12, 12, 1)  # all are grey, so one channel
    assert dataset.x_train.dtype == np.float32
    assert np.bincount(dataset.y_train).tolist() == [6, 10]
    assert np.bincount(dataset.y_test).tolist() == [1, 2]
    assert dataset.y_test.dtype == np.int64
    assert (np.diff(dataset.y_train) != 0).sum() > 2  # the classes are mixed
    values = [
        sorted(np.rint(x[:, 0, 0, 0] * 25.5))
        for x in (dataset.x_train[dataset.y_train == 1], dataset.x_test[dataset.y_test == 1])
    ]
    assert sorted(values[0] + values[1]) == list(range(12))  # each picture once
    assert noted == [dataset.provenance]
    assert str(dataset.provenance) == (
        "own: 16 + 3 images 12x12x1, your own pictures of cat, dog, cropped to the square in the middle and "
        "resized to 12x12"
    )
    again = data.images(tmp_path / "own", size=12)
    for key in data.KEYS:
        np.testing.assert_array_equal(getattr(dataset, key), getattr(again, key))


def test_a_flat_folder_is_one_class(tmp_path):
    for i in range(13):
        picture(tmp_path / "shoes", f"{i}.jpg", GREY)
    dataset = data.images(str(tmp_path / "shoes"))
    assert dataset.classes == ("shoes",)
    assert (dataset.name, len(dataset.x_train), len(dataset.x_test)) == ("shoes", 11, 2)
    assert dataset.x_train.shape[1:] == (28, 28, 1)
    assert not dataset.y_train.any()


@pytest.mark.parametrize(
    ("name", "image", "value"),
    [
        ("grey.png", Image.fromarray(GREY), 0.2),
        ("grey.gif", Image.fromarray(GREY), 0.2),
        ("binary.png", Image.new("1", (9, 7), 1), 1),
        ("sixteen.png", Image.fromarray(np.full((9, 7), 51 * 257, np.uint16)), 0.2),
        ("sixteen white.png", Image.fromarray(np.full((9, 7), 65_535, np.uint16)), 1),
        ("sixteen.tif", Image.fromarray(np.full((9, 7), 51 * 257, np.uint16)), 0.2),
        ("alpha.png", Image.new("LA", (9, 7), (0, 204)), 0.2),
        ("glass.png", Image.new("RGBA", (9, 7), (255, 0, 0, 0)), 1),
        ("cmyk.jpg", Image.new("CMYK", (9, 7), (0, 0, 0, 204)), 0.2),
        ("palette.png", Image.new("RGB", (9, 7), (51, 51, 51)).convert("P"), 0.2),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_kinds_of_grey(tmp_path, name, image, value):
    picture(tmp_path, name, image)
    found, provenance = only(tmp_path)
    np.testing.assert_allclose(found, np.full((4, 4, 1), value), atol=0.003)
    assert ("2 reduced from 16 to 8 bits" in str(provenance)) is name.startswith("sixteen")
    assert ("2 transparent, laid on white" in str(provenance)) is (name in ("alpha.png", "glass.png"))


def test_transparent_palette_is_laid_on_white(tmp_path):
    image = Image.new("P", (8, 8), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (0, 0, 8, 4))  # blue above, red (transparent) below
    picture(tmp_path, "palette.png", image, transparency=0)
    found, provenance = only(tmp_path, 8)
    np.testing.assert_array_equal(found[0], np.tile([0, 0, 1], (8, 1)))
    np.testing.assert_array_equal(found[-1], np.ones((8, 3)))
    assert "2 transparent, laid on white" in str(provenance)


def test_opaque_alpha_is_not_mentioned(tmp_path):
    picture(tmp_path, "opaque.png", Image.new("RGBA", (5, 5), (0, 51, 0, 255)))
    found, provenance = only(tmp_path)
    np.testing.assert_allclose(found[0, 0], [0, 0.2, 0], atol=1e-6)
    assert "transparent" not in str(provenance)


def test_one_coloured_picture_makes_three_channels(tmp_path):
    for i in range(7):
        picture(tmp_path, f"{i}.png", GREY)
    picture(tmp_path, "7.png", np.tile(np.array([255, 0, 0], np.uint8), (3, 3, 1)))
    dataset = data.images(tmp_path)
    assert dataset.x_train.shape == (7, 28, 28, 3)
    assert dataset.x_test.shape == (1, 28, 28, 3)


def test_the_middle_is_kept_in_its_proportions(tmp_path):
    wide = np.zeros((8, 24), np.uint8)
    wide[:, 8:16] = 255  # the middle square is white
    picture(tmp_path, "wide.png", wide)
    found, _ = only(tmp_path, 8)
    np.testing.assert_array_equal(found, np.ones((8, 8, 1)))


def test_exif_rotation_is_applied(tmp_path):
    pixels = np.zeros((8, 8), np.uint8)
    pixels[:4] = 255  # white above, as stored
    exif = Image.Exif()
    exif[274] = 3  # upside down
    picture(tmp_path, "turned.png", pixels, exif=exif)
    found, provenance = only(tmp_path, 8)
    np.testing.assert_array_equal(found[[0, -1], 0, 0], [0, 1])
    assert "2 turned as EXIF says" in str(provenance)


def test_broken_picture_is_named(tmp_path):
    path = picture(tmp_path, "good.png", np.random.default_rng(0).integers(0, 256, (30, 30, 3), np.uint8))
    for content in (path.read_bytes()[:200], b"", b"<html>", path.read_bytes().replace(b"IDAT", b"IDAX")):
        (tmp_path / "bad.png").write_bytes(content)
        with pytest.raises(data.DataError, match=r"bad\.png: no picture that can be read .*Save it anew, or remove it"):
            data.images(tmp_path)


@pytest.mark.parametrize("array", [np.ones((5, 5), np.float32), np.full((5, 5), 70_000, np.int32)])
def test_pixels_beyond_16_bits_are_refused(tmp_path, array):
    for name in ("1.tif", "2.tif"):
        picture(tmp_path, name, array)
    with pytest.raises(data.DataError, match=r"\.tif: pixels from .* Save it with 8 or 16 bits"):
        data.images(tmp_path)


def test_folders_that_hold_no_set(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        data.images(tmp_path / "nowhere")
    write(tmp_path, {"own/notes.txt": b"text"})
    with pytest.raises(data.DataError, match="own holds no pictures: put some there"):
        data.images(tmp_path / "own")
    picture(tmp_path, "own/cat/1.png", GREY)
    with pytest.raises(data.DataError, match="own holds one picture of cat each"):
        data.images(tmp_path / "own")
    picture(tmp_path, "own/2.png", GREY)
    with pytest.raises(data.DataError, match=r"2\.png lies beside the classes' folders cat"):
        data.images(tmp_path / "own")


@pytest.mark.parametrize(("size", "error"), [(0, ValueError), (2.5, TypeError), ("28", TypeError)])
def test_size_must_be_a_whole_number(tmp_path, size, error):
    picture(tmp_path, "1.png", GREY)
    with pytest.raises(error, match="size"):
        data.images(tmp_path, size)
