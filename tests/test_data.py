"""utils.data against tiny data sets, a local web server and broken files; nothing leaves this machine."""

import contextlib
import dataclasses
import gzip
import hashlib
import io
import json
import pickle
import socket
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
import zipfile
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.response import addinfourl

import numpy as np
import pytest

from utils import data

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
    """An empty data folder, an empty Keras cache, and no network beyond what a test sets up."""
    folder = tmp_path / "stick"
    folder.mkdir()
    monkeypatch.setenv("AE_DATA_DIR", str(folder))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("AE_OFFLINE", "0")
    monkeypatch.setattr(data, "TIMEOUT", 0.5)
    monkeypatch.setattr(data, "_loaded", [])
    for name in data.SPECS:
        change(monkeypatch, name, urls=(), openml=None)
    return folder


def change(monkeypatch, name, **changes):
    monkeypatch.setitem(data.SPECS, name, dataclasses.replace(data.SPECS[name], **changes))


@pytest.fixture
def mnist(folder, monkeypatch):
    """Make a tiny MNIST the official one; return the content of its file."""
    arrays = tiny_arrays()
    content = npz(**arrays)
    hashes = {key: sha256(array.tobytes()) for key, array in arrays.items()}
    files = {"mnist.npz": sha256(content)}
    change(monkeypatch, "mnist", shape=(6, 6), counts=(20, 10), hashes=hashes, files=files)
    return content


@pytest.fixture
def fashion(folder, monkeypatch):
    """Make a tiny Fashion-MNIST the official one; return its files by name."""
    arrays = tiny_arrays()
    files = dict(zip(data.SPECS["fashion_mnist"].files, map(idx_gz, arrays.values()), strict=True))
    hashes = {key: sha256(array.tobytes()) for key, array in arrays.items()}
    known = {name: sha256(content) for name, content in files.items()}
    change(monkeypatch, "fashion_mnist", shape=(6, 6), counts=(20, 10), hashes=hashes, files=known)
    return files


@pytest.fixture
def cifar(folder, monkeypatch):
    """Make a tiny CIFAR-10 archive the official one; return its content."""
    content = cifar_archive()
    change(monkeypatch, "cifar10", files={"cifar-10-python.tar.gz": sha256(content)})
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
    assert provenance.reason == "1 of 4 files missing in stick/"


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
def test_broken_npz_is_an_error_and_never_replaced(folder, mnist, server, monkeypatch, content, what):
    server.routes["/mnist.npz"] = body(mnist)
    change(monkeypatch, "mnist", urls=(server.url,))
    write(folder, {"mnist.npz": content})
    with pytest.raises(data.DataError, match=what) as caught:
        data.load("mnist")
    assert str(folder / "mnist.npz") in str(caught.value)
    assert "Delete it" in str(caught.value)
    assert "AE_DATA_DIR" in str(caught.value)
    assert (folder / "mnist.npz").read_bytes() == content
    assert data.loaded() == ()
    assert server.asked == []


def test_broken_file_in_keras_cache_is_an_error(folder, mnist, tmp_path):
    write(tmp_path / "keras" / "datasets", {"mnist.npz": mnist[:100]})
    with pytest.raises(data.DataError, match=r"keras.datasets.mnist\.npz"):
        data.load("mnist")


BROKEN_IDX = {
    "truncated": (lambda good: good[:-20], "corrupt or truncated"),
    "no gzip": (lambda good: b"hello", "corrupt or truncated"),
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
    with pytest.raises(data.DataError, match=r"x_train has shape \(0, 32, 32, 3\)"):
        data.load("cifar10")


def test_cifar10_images_and_labels_must_be_as_many(folder):
    arrays = tiny_arrays((32, 32, 3))
    write(folder, {"cifar10.npz": npz(**arrays | {"y_test": arrays["y_test"][:9]})})
    with pytest.raises(data.DataError, match="x_test has shape"):
        data.load("cifar10")


@pytest.mark.parametrize("name", ["mnits", "", "MNIST", "photos", None, ["mnist"]])
def test_unknown_name_lists_the_names(folder, name):
    with pytest.raises(ValueError, match="the names are mnist, fashion_mnist, cifar10, digits"):
        data.load(name)


def test_data_dir_that_does_not_exist(folder, monkeypatch):
    monkeypatch.setenv("AE_DATA_DIR", str(folder / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"AE_DATA_DIR=.*nowhere.* is not a folder: create it"):
        data.load("mnist")


# --- downloads


def only_file(folder, name):
    """Assert that the folder holds this file and no left-overs."""
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()] == [name]


def test_download_is_kept_for_the_next_time(folder, mnist, server, monkeypatch, capfd):
    server.routes["/mnist.npz"] = body(mnist)
    change(monkeypatch, "mnist", urls=(server.url,))
    dataset = data.load("mnist")
    check_tiny(dataset)
    assert dataset.provenance.verified
    assert dataset.provenance.source == "mnist.npz, downloaded from 127.0.0.1"
    only_file(folder, "mnist.npz")
    assert data.load("mnist").provenance.source == "mnist.npz"
    assert server.asked == ["/mnist.npz"]
    out, err = capfd.readouterr()
    assert out == ""
    assert "100%" in err


def test_download_of_four_files_resumes_with_those_that_miss(folder, fashion, server, monkeypatch):
    server.routes |= {f"/{Path(name).name}": body(content) for name, content in fashion.items()}
    change(monkeypatch, "fashion_mnist", urls=(server.url,))
    last = list(fashion)[-1]
    write(folder, {name: content for name, content in fashion.items() if name != last})
    check_tiny(data.load("fashion_mnist"), "fashion_mnist")
    assert server.asked == [f"/{Path(last).name}"]


def test_download_of_cifar10(folder, cifar, server, monkeypatch):
    server.routes["/cifar-10-python.tar.gz"] = body(cifar)
    change(monkeypatch, "cifar10", urls=(server.url,))
    assert data.load("cifar10").provenance.verified


def bad_answers(server, content):
    return {
        "404": (status(404), "HTTP 404"),
        "500": (status(500), "HTTP 500"),
        "ends early": (body(content[:-10], announced=len(content)), "no connection, or it broke"),
        "short": (body(content[:-10]), "wrong SHA-256, so truncated or another file"),
        "login page": (body(b"<html>Please log in</html>"), "wrong SHA-256, so truncated or another file"),
        "other arrays": (body(changed(x_train=np.zeros((20, 6, 6), np.uint8))), "wrong SHA-256"),
        "stalls": (server.stalls(content), "no connection, or it broke"),
        "silent": (lambda handler: server.release.wait(30), "no answer within 0.5 s"),
    }


BAD_ANSWERS = ["404", "500", "ends early", "short", "login page", "other arrays", "stalls", "silent"]


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_failed_download_leaves_nothing_and_says_why(folder, mnist, server, monkeypatch, kind):
    server.routes["/mnist.npz"], why = bad_answers(server, mnist)[kind]
    change(monkeypatch, "mnist", urls=(server.url,))
    provenance = data.load("mnist").provenance
    assert provenance.fallback
    assert provenance.reason.startswith(f"no file in stick/; 127.0.0.1: {why}")
    assert list(folder.rglob("*")) == []


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_second_source_when_the_first_fails(folder, mnist, server, monkeypatch, kind):
    server.routes["/mnist.npz"], _ = bad_answers(server, mnist)[kind]
    server.routes["/second/mnist.npz"] = body(mnist)
    change(monkeypatch, "mnist", urls=(server.url, f"{server.url}second/"))
    assert data.load("mnist").provenance.verified
    assert server.asked == ["/mnist.npz", "/second/mnist.npz"]
    only_file(folder, "mnist.npz")


def test_no_server_at_all(folder, mnist, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        change(monkeypatch, "mnist", urls=(f"http://127.0.0.1:{free.getsockname()[1]}/",))
        assert "127.0.0.1: no connection, or it broke" in data.load("mnist").provenance.reason


def test_files_of_the_right_hash_with_other_arrays_are_not_believed(folder, mnist, server, monkeypatch):
    server.routes["/mnist.npz"] = body(mnist)
    hashes = data.SPECS["mnist"].hashes | {"y_test": "0" * 64}
    change(monkeypatch, "mnist", urls=(server.url,), hashes=hashes)
    assert "other arrays than the official ones" in data.load("mnist").provenance.reason


def test_download_killed_half_way_is_retried(folder, mnist, server, monkeypatch):
    content = npz(**tiny_arrays(), padding=np.zeros(400_000, np.uint8))  # more than one chunk of a download
    change(monkeypatch, "mnist", urls=(server.url,), files={"mnist.npz": sha256(content)})
    server.routes["/mnist.npz"] = server.stalls(content)
    code = (
        "import dataclasses; from utils import data; data.TIMEOUT = 60; "
        f"data.SPECS['mnist'] = dataclasses.replace(data.SPECS['mnist'], urls=({server.url!r},), "
        f"files={data.SPECS['mnist'].files!r}); data.load('mnist')"
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
    change(monkeypatch, "mnist", urls=(server.url,), openml=554)
    monkeypatch.setattr(data, "fetch_openml", lambda **kwargs: pytest.fail("asked OpenML"))
    monkeypatch.setenv("AE_OFFLINE", value)
    assert data.load("mnist").provenance.reason == "no file in stick/; AE_OFFLINE is set"
    assert server.asked == []


def test_folder_that_cannot_be_written(folder, mnist, server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("a file where the folder's parent should be")
    monkeypatch.delenv("AE_DATA_DIR")
    monkeypatch.setattr(data, "DEFAULT_FOLDER", tmp_path / "file" / "data")
    server.routes["/mnist.npz"] = body(mnist)
    change(monkeypatch, "mnist", urls=(server.url,))
    assert data.load("mnist").provenance.reason == "no file in data/; data/ cannot be written"
    assert server.asked == []


def test_read_only_folder(folder, mnist, server, monkeypatch):
    def refuse(*args, **kwargs):  # what a folder without write permission does, also for root
        raise PermissionError(13, "Permission denied", str(folder / "tmp"))

    server.routes["/mnist.npz"] = body(mnist)
    change(monkeypatch, "mnist", urls=(server.url,))
    monkeypatch.setattr(data.tempfile, "TemporaryFile", refuse)
    assert data.load("mnist").provenance.reason == "no file in stick/; stick/ cannot be written"


def test_default_folder_is_made(folder, mnist, server, tmp_path, monkeypatch):
    monkeypatch.delenv("AE_DATA_DIR")
    monkeypatch.setattr(data, "DEFAULT_FOLDER", tmp_path / "project" / "data")
    server.routes["/mnist.npz"] = body(mnist)
    change(monkeypatch, "mnist", urls=(server.url,))
    assert data.load("mnist").provenance.verified
    only_file(tmp_path / "project" / "data", "mnist.npz")


# --- OpenML: the real fetch_openml, with the network's answers replaced


class OpenML(urllib.request.HTTPSHandler):
    """Answer for www.openml.org with the arrays as one ARFF file; `arrays` may be an error to raise."""

    def __init__(self, arrays):
        super().__init__()
        self.arrays = arrays

    def https_open(self, request):
        if isinstance(self.arrays, Exception):
            raise self.arrays
        response = addinfourl(io.BytesIO(self.answer(request.full_url)), Message(), request.full_url, 200)
        response.msg = "OK"
        return response

    def answer(self, url):
        x, y = (np.concatenate([self.arrays[f"{k}_train"], self.arrays[f"{k}_test"]]) for k in "xy")
        x = x.reshape(len(x), -1)
        names = [f"pixel{i}" for i in range(x.shape[1])]
        rows = [",".join(map(str, [*row, label])) for row, label in zip(x, y, strict=True)]
        columns = [f"@ATTRIBUTE {name} REAL" for name in names] + ["@ATTRIBUTE class {0,1,2,3,4,5,6,7,8,9}"]
        arff = "\n".join(["@RELATION tiny", *columns, "@DATA", *rows, ""]).encode()
        if "/download/" in url:
            return arff
        if "/features/" in url:
            kinds = [(name, "numeric", "false") for name in names] + [("class", "nominal", "true")]
            return json.dumps({"data_features": {"feature": [
                {"index": str(i), "name": name, "data_type": kind, "is_target": target,
                 "is_ignore": "false", "is_row_identifier": "false", "number_of_missing_values": "0"}
                for i, (name, kind, target) in enumerate(kinds)
            ]}}).encode()  # fmt: skip
        if "/qualities/" in url:
            quality = [{"name": "NumberOfInstances", "value": str(len(x))}]
            return json.dumps({"data_qualities": {"quality": quality}}).encode()
        about = {
            "id": "554", "name": "tiny", "version": "1", "status": "active", "format": "ARFF",
            "description": "",
            "url": "https://www.openml.org/data/v1/download/52667/tiny.arff", "file_id": "52667",
            "md5_checksum": hashlib.md5(arff, usedforsecurity=False).hexdigest(),
        }  # fmt: skip
        return json.dumps({"data_set_description": about}).encode()


@pytest.fixture
def openml(mnist, monkeypatch):
    """Return a function that sets what OpenML answers with."""
    change(monkeypatch, "mnist", openml=554)
    monkeypatch.setattr(urllib.request, "_opener", None)  # restored afterwards

    def answers(arrays):
        urllib.request.install_opener(urllib.request.build_opener(OpenML(arrays)))

    return answers


def test_openml_is_the_second_source(folder, openml, server, monkeypatch, capfd):
    openml(tiny_arrays())
    change(monkeypatch, "mnist", urls=(server.url,))
    before = socket.getdefaulttimeout()
    dataset = data.load("mnist")
    check_tiny(dataset)
    assert dataset.provenance.verified
    assert dataset.provenance.source == "mnist.npz, downloaded from OpenML"
    assert socket.getdefaulttimeout() == before
    only_file(folder, "mnist.npz")
    openml(URLError("no network any more"))
    assert data.load("mnist").provenance.source == "mnist.npz"
    assert "Fetching MNIST from OpenML" in capfd.readouterr().err


def test_openml_with_other_rows_is_not_believed(folder, openml):
    openml(tiny_arrays() | {"y_test": np.zeros(10, np.uint8)})
    assert data.load("mnist").provenance.reason == ("no file in stick/; OpenML: other arrays than the official ones")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "why"),
    [(URLError("down"), "no connection, or it broke"), (TimeoutError(), "no answer within 0.5 s")],
    ids=["down", "slow"],
)
def test_openml_that_does_not_answer(folder, openml, error, why):
    openml(error)
    assert data.load("mnist").provenance.reason == f"no file in stick/; OpenML: {why}"


def test_full_disk_leaves_nothing(folder, openml, monkeypatch):
    def fill(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    openml(tiny_arrays())
    monkeypatch.setattr(data.np, "savez_compressed", fill)
    assert data.load("mnist").provenance.reason == "no file in stick/; OpenML: No space left on device"
    assert list(folder.iterdir()) == []


def test_openml_has_a_time_limit_which_is_restored(folder, openml, monkeypatch):
    openml(tiny_arrays())
    seen = []

    def fetch(**kwargs):
        seen.append(socket.getdefaulttimeout())
        raise TimeoutError

    monkeypatch.setattr(data, "fetch_openml", fetch)
    assert data.load("mnist").provenance.fallback
    assert seen == [0.5]
    assert socket.getdefaulttimeout() is None


# --- what stands in, and what the provenance says


@pytest.mark.parametrize(
    ("name", "title", "classes", "source"),
    [
        ("mnist", "MNIST", 10, "scikit-learn's 1,797 handwritten digits enlarged to 28x28"),
        ("fashion_mnist", "Fashion-MNIST", 10, "scikit-learn's 1,797 handwritten digits enlarged to 28x28"),
        ("cifar10", "CIFAR-10", 2, "32x32 patches of scikit-learn's two photographs"),
    ],
)
def test_fallback_says_so_in_one_line(folder, name, title, classes, source):
    dataset = data.load(name)
    provenance = dataset.provenance
    assert provenance.fallback
    assert not provenance.verified
    assert provenance.requested == name
    assert provenance.name == dataset.name != name
    assert len(dataset.classes) == classes
    assert str(provenance).startswith(f"NOT {title} (no file in stick/): {source} stand in for it")
    assert "\n" not in str(provenance)


def test_provenance_never_holds_a_path(folder, mnist, server, tmp_path, monkeypatch):
    change(monkeypatch, "mnist", urls=(server.url,))
    data.load("mnist")  # after a failed download
    write(tmp_path / "keras" / "datasets", {"mnist.npz": mnist})
    data.load("mnist")
    write(folder, {"mnist.npz": mnist})
    data.load("mnist")
    data.load("cifar10")
    for provenance in data.loaded():
        text = f"{provenance!r} {provenance}"
        assert str(tmp_path) not in text
        assert str(ROOT) not in text
        assert str(Path.home()) not in text


def test_loads_are_remembered_in_order(folder, mnist):
    write(folder, {"mnist.npz": mnist})
    for name in ("digits", "mnist", "cifar10", "digits"):
        data.load(name)
    assert [(p.requested, p.name) for p in data.loaded()] == [
        ("digits", "digits"), ("mnist", "mnist"), ("cifar10", "photos"), ("digits", "digits"),
    ]  # fmt: skip
    data.forget()
    assert data.loaded() == ()


def test_digits_are_the_same_every_time(folder):
    first, second = data.load("digits"), data.load("digits")
    for key in data.KEYS:
        np.testing.assert_array_equal(getattr(first, key), getattr(second, key))
    assert first.provenance.verified
    assert not first.provenance.fallback
    assert "Digits: 1,437 + 360 images 28x28x1" in str(first.provenance)
    assert first.x_train.shape == (1437, 28, 28, 1)
    assert first.x_train.dtype == first.x_test.dtype == np.float32
    assert (first.x_train.min(), first.x_train.max()) == (0, 1)
    for labels, n in ((first.y_train, 1437), (first.y_test, 360)):
        assert np.abs(np.bincount(labels, minlength=10) - n / 10).max() <= 0.05 * n / 10 + 1


def test_digits_lie_in_the_middle_as_mnist_does(folder):
    x = data.load("digits").x_train[..., 0]
    border = np.ones((28, 28), bool)
    border[3:-3, 3:-3] = False
    assert x[:, border].mean() < 0.01
    assert x[:, 4:-4, 4:-4].mean() > 0.2


def test_changed_digits_are_unverified(folder, monkeypatch):
    monkeypatch.setattr(data, "DIGITS_SHA256", "0" * 64)
    assert "UNVERIFIED" in str(data.load("digits").provenance)


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
        assert spec.urls
        assert all(url.startswith("https://") and url.endswith("/") for url in spec.urls)
        hashes = [*spec.files.values(), *(spec.hashes or {}).values()]
        assert all(len(value) == 64 and int(value, 16) for value in hashes)
        assert len(set(spec.classes)) == 10


def test_readme_lists_the_hashes_of_the_table():
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for name, spec in data.SPECS.items():
        for key, value in (spec.hashes or {}).items():
            assert f"{name:<13}  {key:<7}  {value}" in readme
