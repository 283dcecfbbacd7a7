"""Image data by name: found on disk or downloaded, verified by SHA-256, and honest about what came.

`load("mnist")` looks in the data folder (the variable AE_DATA_DIR, default the project's data/), then in
Keras' cache, then downloads. Without file and network, real images that come with scikit-learn stand in, and
the provenance says so. A broken file is an error, never a reason to stand in.
"""

import gzip
import hashlib
import math
import os
import pickle
import socket
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
from PIL import Image
from sklearn.datasets import fetch_openml, load_digits, load_sample_images
from sklearn.model_selection import train_test_split

KEYS = ("x_train", "y_train", "x_test", "y_test")
DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "data"
OPENML_URL = "https://www.openml.org/api/v1/json/data/"
TIMEOUT = 15.0  # seconds without an answer after which a source counts as failed
DIGITS_SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
DIGITS_SOURCE = "scikit-learn's 1,797 handwritten digits enlarged to 28x28"
PHOTOS_SOURCE = "32x32 patches of scikit-learn's two photographs"
REMEDY = "Delete it and load again to download it anew, or point AE_DATA_DIR at another folder."
BROKEN = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, tarfile.TarError)

_loaded = []


class DataError(ValueError):
    """A data file is broken, or is not what its name says."""


@dataclass(frozen=True)
class Provenance:
    """Where a data set came from; `str()` is one line for the reader.

    Attributes:
        requested: the name asked for.
        name: the name of what came: the same, or "digits" or "photos" standing in.
        source: in words, without a machine's path.
        verified: True when the arrays are the official ones by SHA-256 (never for a stand-in).
        licence: of what came.
        fallback: True when something else stands in for what was asked.
        reason: why it stands in, else "".
        contents: number, size and channels of the images.
    """

    requested: str
    name: str
    source: str
    verified: bool
    licence: str
    fallback: bool
    reason: str = ""
    contents: str = ""

    def __str__(self):
        title = TITLES.get(self.requested, self.requested)
        if self.fallback:
            what = f"{self.contents}, {self.licence}"
            return f"NOT {title} ({self.reason}): {self.source} stand in for it ({what})"
        check = "verified (SHA-256)" if self.verified else "UNVERIFIED (not the official arrays by SHA-256)"
        return f"{title}: {self.contents} from {self.source}, {check}, {self.licence}"


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and labels, split into training and test.

    Attributes:
        name: of what came, see `Provenance`.
        x_train, x_test: images, float32 (n, h, w, c) in [0, 1].
        y_train, y_test: labels, int64 (n,), indices into `classes`.
        classes: tuple of the classes' names.
        provenance: `Provenance`.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: tuple
    provenance: Provenance

    def __repr__(self):
        return f"Dataset({self.name!r}, {self.provenance.contents})"


@dataclass(frozen=True)
class Spec:
    """What is known of a data set that comes in files; the tests replace entries of `SPECS` with small ones.

    Attributes:
        shape: of one image as stored.
        counts: (training, test) images, or None when a part is welcome too.
        classes: tuple of the classes' names.
        licence: in a few words.
        read: function (paths, spec) -> dict of the four arrays, for the official files.
        files: the official files, name below the folder -> SHA-256.
        stand_in: function (requested name, reason) -> Dataset.
        hashes: key -> SHA-256 of the array's bytes in C order; None when only the files' own are known.
        cached: other names of the (single) official file in Keras' cache.
        urls: addresses that each hold all official files, in order of preference.
        openml: OpenML's number of the set, or None.
    """

    shape: tuple
    counts: tuple | None
    classes: tuple
    licence: str
    read: Callable
    files: dict
    stand_in: Callable
    hashes: dict | None = None
    cached: tuple = ()
    urls: tuple = ()
    openml: int | None = None


def load(name):
    """Load a data set by name.

    Args:
        name: "mnist", "fashion_mnist", "cifar10" or "digits".

    Returns:
        Dataset, with images in [0, 1]. Print its `provenance`: it says what came, and whether it is verified.

    Raises:
        ValueError: for an unknown name.
        FileNotFoundError: when AE_DATA_DIR is set to something that is not a folder.
        DataError: when a file is there but is corrupt, or holds other arrays than its name promises.
    """
    if name not in tuple(TITLES):
        raise ValueError(f"load({name!r}): there is no such data set; the names are {', '.join(TITLES)}.")
    dataset = _digits("digits") if name == "digits" else _from_files(name)
    _loaded.append(dataset.provenance)
    return dataset


def loaded():
    """Return the Provenances of all successful loads of this process, in order, as a tuple."""
    return tuple(_loaded)


def forget():
    """Forget what was loaded so far."""
    _loaded.clear()


def data_folder():
    """Return the folder of the data files as a Path: AE_DATA_DIR, or the project's data/ (it may not exist).

    Raises FileNotFoundError when AE_DATA_DIR is set to something that is not a folder.
    """
    given = os.environ.get("AE_DATA_DIR")
    if not given:
        return DEFAULT_FOLDER
    if not Path(given).is_dir():
        raise FileNotFoundError(
            f"AE_DATA_DIR={given!r} is not a folder: create it, correct the path, or unset the variable."
        )
    return Path(given).resolve()


def _from_files(name):
    """Find the set in the data folder or in Keras' cache, else download it, else let another stand in."""
    spec = SPECS[name]
    folder = data_folder()
    keras_cache = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"
    for place, where in ((folder, ""), (keras_cache, " in Keras' cache")):
        for names, read in _ways(name, spec):
            paths = [place / file for file in names]
            if all(path.exists() for path in paths):
                arrays, verified = _read(paths, read, spec)
                return _dataset(name, spec, arrays, _in_words(names) + where, verified)
    missing = [file for file in spec.files if not (folder / file).exists()]
    some = f"{len(missing)} of {len(spec.files)} files" if len(missing) < len(spec.files) else "no file"
    reason = f"{some}{' missing' if some != 'no file' else ''} in {folder.name}/"
    if os.environ.get("AE_OFFLINE", "") not in ("", "0"):
        return spec.stand_in(name, f"{reason}; AE_OFFLINE is set")
    found, failures = _download(name, spec, folder)
    if found:
        arrays, source = found
        return _dataset(name, spec, arrays, source, verified=True)
    return spec.stand_in(name, "; ".join([reason, *failures]))


def _ways(name, spec):
    """Return the sets of files that hold the data set, each with its reader."""
    return [
        (tuple(spec.files), spec.read),
        *(((other,), spec.read) for other in spec.cached),
        ((f"{name}.npz",), _read_npz),
    ]


def _in_words(names):
    return names[0] if len(names) == 1 else f"{Path(names[0]).parent}/ ({len(names)} files)"


def _dataset(requested, spec, arrays, source, verified):
    return _build(
        arrays,
        spec.classes,
        spec.licence,
        requested=requested,
        name=requested,
        source=source,
        verified=verified,
        fallback=False,
    )


def _build(arrays, classes, licence, **provenance):
    """Turn uint8 or [0, 1] arrays into a Dataset."""
    out = {}
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.dtype == np.uint8:
            x = np.divide(x, np.float32(255), dtype=np.float32)
        out[f"x_{part}"] = x.reshape(*x.shape[:3], -1)
        out[f"y_{part}"] = y.reshape(-1).astype(np.int64)
    size = "x".join(str(n) for n in out["x_train"].shape[1:])
    contents = f"{len(out['x_train']):,} + {len(out['x_test']):,} images {size}"
    line = Provenance(licence=licence, contents=contents, **provenance)
    return Dataset(name=line.name, classes=classes, provenance=line, **out)


# --- reading and checking files


def _bad(path, what):
    return DataError(f"{path}: {what}. {REMEDY}")


@contextmanager
def _reading(path):
    """Turn the many errors of a broken file into a DataError that names it."""
    try:
        yield
    except DataError:
        raise
    except BROKEN as error:
        if "pickle" in str(error):
            raise _bad(path, "holds pickled Python objects, which are refused because they can run code") from error
        raise _bad(path, f"corrupt or truncated ({type(error).__name__}: {error})") from error


def _read(paths, read, spec):
    """Return (arrays, verified) of files; raise DataError when broken or of another shape or dtype."""
    arrays = read(paths, spec)
    where = paths[0] if len(paths) == 1 else paths[0].parent
    _check(arrays, spec, where)
    # the archive of CIFAR-10 was verified before it was opened
    return arrays, read is _read_cifar or _is_official(arrays, spec)


def _is_official(arrays, spec):
    return bool(spec.hashes) and all(_sha256(arrays[key]) == spec.hashes[key] for key in KEYS)


def _check(arrays, spec, where):
    for part, count in zip(("train", "test"), spec.counts or (None, None), strict=True):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        for key, array in ((f"x_{part}", x), (f"y_{part}", y)):
            if array.dtype != np.uint8:
                raise _bad(where, f"{key} has dtype {array.dtype}, must be uint8")
        n = len(y) if count is None and y.ndim else count
        if x.shape != (n, *spec.shape) or n == 0:
            wanted = ("any number of",) if count is None else (count,)
            raise _bad(where, f"x_{part} has shape {x.shape}, must be {(*wanted, *spec.shape)} as y_{part}")
        if y.shape != (n,) and not (spec.counts is None and y.shape == (n, 1)):
            raise _bad(where, f"y_{part} has shape {y.shape}, must be ({n},)")
        if y.max() >= len(spec.classes):
            raise _bad(where, f"y_{part} has the label {y.max()}, must be below {len(spec.classes)}")


def _sha256(*arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _read_npz(paths, spec):
    (path,) = paths
    with _reading(path):
        if not zipfile.is_zipfile(path):
            raise _bad(path, "is not a .npz archive, so corrupt or truncated")
        with np.load(path, allow_pickle=False) as file:
            missing = [key for key in KEYS if key not in file]
            if missing:
                raise _bad(path, f"has no array {', '.join(missing)}")
            return {key: np.asarray(file[key]) for key in KEYS}


def _read_idx(paths, spec):
    return {key: _idx(path) for key, path in zip(KEYS, paths, strict=True)}


def _idx(path):
    """Read a gzipped IDX file of bytes: two zeros, 8, the number of axes, their lengths, the bytes."""
    with _reading(path):
        with gzip.open(path) as file:
            content = file.read()
        if content[:3] != b"\0\0\x08" or len(content) < 4:
            raise _bad(path, f"starts with {content[:4]!r}, so is no IDX file of bytes")
        start = 4 + 4 * content[3]
        shape = tuple(int(n) for n in np.frombuffer(content[4:start], ">u4"))
        if len(content) - start != math.prod(shape):
            raise _bad(path, f"has {len(content) - start} bytes for an array of shape {shape}")
        return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _read_cifar(paths, spec):
    """Read the official archive. It holds pickles, so it is opened only when its SHA-256 is right."""
    (path,) = paths
    (wanted,) = spec.files.values()
    with _reading(path):
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != wanted:
            raise _bad(path, f"has SHA-256 {found}, must be {wanted} (truncated or another file)")
        with tarfile.open(path) as archive:
            names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
            members = [archive.extractfile(f"cifar-10-batches-py/{name}") for name in names]
            batches = [pickle.load(member, encoding="bytes") for member in members]
    x = [batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1) for batch in batches]
    y = [np.array(batch[b"labels"], np.uint8) for batch in batches]
    arrays = (np.concatenate(x[:-1]), np.concatenate(y[:-1]), x[-1], y[-1])
    return dict(zip(KEYS, arrays, strict=True))


# --- downloading


def _download(name, spec, folder):
    """Download into the folder from the first source that gives the official arrays.

    Returns:
        ((arrays, source in words), []), or (None, why each source failed).
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        return None, [f"{folder.name}/ cannot be written"]
    sources = [(urlsplit(url).hostname, partial(_from_url, url, spec, folder)) for url in spec.urls]
    if spec.openml:
        sources.append(("OpenML", partial(_from_openml, name, spec, folder)))
    failures = []
    for source, fetch in sources:
        try:
            arrays, files = fetch()
        except Exception as error:  # whatever goes wrong at one source, the next is tried, and the line says why
            failures.append(f"{source}: {_why(error)}")
        else:
            return (arrays, f"{_in_words(files)}, downloaded from {source}"), []
    return None, failures


def _why(error):
    """Say in a few words, without a path, why a source failed."""
    import requests

    if isinstance(error, requests.Timeout | TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, requests.HTTPError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, HTTPError):
        return f"HTTP {error.code}"
    if isinstance(error, requests.RequestException | URLError | ConnectionError):
        return "no connection, or it broke"
    if isinstance(error, DataError):
        return "other arrays than the official ones"
    if isinstance(error, ValueError) and "hash" in str(error):
        return "wrong SHA-256, so truncated or another file"
    return getattr(error, "strerror", None) or type(error).__name__


def _from_url(url, spec, folder):
    """Download the official files into the folder. Each gets its name only after its SHA-256 has matched."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    get = pooch.HTTPDownloader(
        progressbar=True, chunk_size=2**16, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"}
    )
    for file, sha in spec.files.items():
        path = folder / file
        pooch.retrieve(url + path.name, f"sha256:{sha}", path.name, path.parent, downloader=get)
        path.chmod(0o644)  # a teacher's folder is read by others
    arrays, verified = _read([folder / file for file in spec.files], spec.read, spec)
    if not verified:
        raise DataError("The downloaded files do not hold the official arrays.")
    return arrays, tuple(spec.files)


def _from_openml(name, spec, folder):
    """Fetch all rows from OpenML, in the official order, and keep them as <name>.npz in the folder."""
    urlopen(f"{OPENML_URL}{spec.openml}", timeout=TIMEOUT).close()  # fails at once; fetch_openml tries four times
    print(f"Fetching {TITLES[name]} from OpenML: this takes a few minutes.", file=sys.stderr)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # fetch_openml has no timeout of its own
    try:
        rows = fetch_openml(data_id=spec.openml, as_frame=False, parser="liac-arff", n_retries=1, cache=False)
    finally:
        socket.setdefaulttimeout(before)
    x, y = rows.data.astype(np.uint8).reshape(-1, *spec.shape), rows.target.astype(np.uint8)
    n = spec.counts[0]
    arrays = dict(zip(KEYS, (x[:n], y[:n], x[n:], y[n:]), strict=True))
    if not _is_official(arrays, spec):
        raise DataError("OpenML's rows are not the official arrays.")
    _save(arrays, folder / f"{name}.npz")
    return arrays, (f"{name}.npz",)


def _save(arrays, path):
    """Write a .npz file that has its name only when it is complete."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        part = Path(file.name)
    try:
        with open(part, "wb") as file:
            np.savez_compressed(file, **arrays)
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


# --- what comes with scikit-learn


def _digits(requested, reason=""):
    """Return scikit-learn's digits as 28x28x1: each 8x8 image fills the middle 20x20, as MNIST's do."""
    raw = load_digits()
    images, labels = raw.images.astype(np.uint8), raw.target.astype(np.uint8)
    x = np.stack([_enlarged(image) for image in images / np.float32(16)])
    x_train, x_test, y_train, y_test = train_test_split(x, labels, test_size=360, random_state=0, stratify=labels)
    fallback = requested != "digits"
    return _build(
        dict(zip(KEYS, (x_train, y_train, x_test, y_test), strict=True)),
        tuple("0123456789"),
        "CC BY 4.0",
        requested=requested,
        name="digits",
        source=DIGITS_SOURCE,
        verified=not fallback and _sha256(images, labels) == DIGITS_SHA256,
        fallback=fallback,
        reason=reason,
    )


def _enlarged(image):
    """Enlarge a float32 image (8, 8) 2.5 times (bicubic) with a border of 4 pixels: (28, 28), in [0, 1]."""
    wide = Image.fromarray(np.pad(image, 2)).resize((30, 30), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(wide)[1:-1, 1:-1], 0, 1)


def _photos(requested, reason):
    """Return 32x32x3 patches of scikit-learn's two photographs: test from the right-hand 128 columns only."""
    train = [_patches(photo[:, :-128]) for photo in load_sample_images().images]
    test = [_patches(photo[:, -128:]) for photo in load_sample_images().images]
    arrays = {}
    for part, patches in (("train", train), ("test", test)):
        x = np.concatenate(patches)
        y = np.repeat(np.arange(2, dtype=np.uint8), [len(p) for p in patches])
        order = np.random.default_rng(0).permutation(len(x))
        arrays |= {f"x_{part}": x[order], f"y_{part}": y[order]}
    return _build(
        arrays,
        ("china", "flower"),
        "CC BY 2.0",
        requested=requested,
        name="photos",
        source=PHOTOS_SOURCE,
        verified=False,
        fallback=True,
        reason=reason,
    )


def _patches(photo, size=32, stride=16):
    """Cut a photo (h, w, 3) into overlapping patches (n, size, size, 3)."""
    windows = np.lib.stride_tricks.sliding_window_view(photo, (size, size), axis=(0, 1))[::stride, ::stride]
    return windows.reshape(-1, 3, size, size).transpose(0, 2, 3, 1)


# --- the table

TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10", "digits": "Digits"}
KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
SPECS = {
    "mnist": Spec(
        shape=(28, 28),
        counts=(60_000, 10_000),
        classes=tuple("0123456789"),
        licence="CC BY-SA 3.0",
        read=_read_npz,
        files={"mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"},
        stand_in=_digits,
        hashes={
            "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
            "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
            "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
            "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        },
        urls=(KERAS_URL,),
        openml=554,
    ),
    "fashion_mnist": Spec(
        shape=(28, 28),
        counts=(60_000, 10_000),
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        licence="MIT licence",
        read=_read_idx,
        files={  # in the order of KEYS
            "fashion-mnist/train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",  # noqa: E501
            "fashion-mnist/train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",  # noqa: E501
            "fashion-mnist/t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",  # noqa: E501
            "fashion-mnist/t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",  # noqa: E501
        },
        stand_in=_digits,
        hashes={
            "x_train": "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
            "y_train": "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
            "x_test": "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
            "y_test": "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
        },
        urls=(KERAS_URL,),
        openml=40996,
    ),
    "cifar10": Spec(
        shape=(32, 32, 3),
        counts=None,
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        licence="no licence stated",
        read=_read_cifar,
        files={
            "cifar-10-python.tar.gz": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        },
        stand_in=_photos,
        cached=("cifar-10-batches-py-target_archive", "cifar-10-batches-py.tar.gz"),
        urls=("https://www.cs.toronto.edu/~kriz/",),
    ),
}
