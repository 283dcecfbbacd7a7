"""Image data by name: found on disk or downloaded, verified by SHA-256, and honest about what came.

The budget decides what `load("mnist")` returns. Quick: the sample in the project's data/sample/, the same
everywhere, without a look at other folders or the network. Full: the official arrays, from the data folder (the
variable AE_DATA_DIR, default the project's data/), from Keras' cache or from the network; where they cannot be had
the sample stands in, and the provenance says so. A broken file is an error, never a reason to stand in.

`camvid()` loads street scenes with a class for every pixel where their file is present; `images(folder)` loads pictures
of your own.
"""

import gzip
import hashlib
import lzma
import math
import os
import pickle
import sys
import tarfile
import tempfile
import warnings
import zipfile
import zlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_images
from sklearn.utils import check_scalar

from utils import claims

KEYS = ("x_train", "y_train", "x_test", "y_test")
DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "data"
SAMPLE_FOLDER = DEFAULT_FOLDER / "sample"
TIMEOUT = 15.0  # seconds without an answer after which a source counts as failed
PHOTOS_SOURCE = "32x32 patches of scikit-learn's two photographs"
REMEDY = "Delete it and load again to download it anew, or point AE_DATA_DIR at another folder."
WHY = {  # what an error says -> what the reader is told, the first that fits
    "timed out": "no answer within {:g} s",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted (a proxy in between, or a wrong clock)",
    "SSLError": "no secure connection",
    "ProxyError": "the proxy does not let it through",
    "NameResolutionError": "its name is not found, so probably no network",
    "Connection": "no connection, or it broke",
    "DataError": "other arrays than the official ones",
    "hash": "wrong SHA-256, so truncated or another file",
}
BROKEN = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, tarfile.TarError)


class DataError(ValueError):
    """A data file is broken, or is not what its name says."""


@dataclass(frozen=True)
class Provenance:
    """Where a data set came from; `str()` is one line for the reader."""

    requested: str  # the name asked for
    name: str  # of what came: the same, or "photos" standing in
    source: str  # in words, without a machine's path
    verified: bool  # True when the arrays are the official ones, or the sample of them, by SHA-256
    licence: str  # of what came
    fallback: bool  # True when something else stands in for what was asked: the sample in the full budget, or photos
    reason: str = ""  # why it stands in, else ""
    contents: str = ""  # number, size and channels of the images
    sample: bool = False  # True for the first images of each part in place of all

    def __str__(self):
        title = TITLES.get(self.requested, self.requested)
        check = "verified (SHA-256)" if self.verified else "UNVERIFIED (not the official arrays by SHA-256)"
        if self.sample:
            start = f"NOT all of {title} ({self.reason})" if self.fallback else title
            return f"{start}, {self.source}: the first {self.contents}, {check}, {self.licence}"
        if self.fallback:
            return f"NOT {title} ({self.reason}): {self.source} stand in for it ({self.contents}, {self.licence})"
        if title == "CamVid":
            return f"{title}: {self.contents}, {self.source}, {self.licence}"
        if title not in TITLES.values():
            return f"{title}: {self.contents}, {self.source}"
        return f"{title}: {self.contents} from {self.source}, {check}, {self.licence}"


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and labels, split into training and test.

    x_train and x_test are images, float32 (n, h, w, c) in [0, 1], y_train and y_test labels, int64 (n,), indices into
    `classes`, a tuple of names; `name` is that of what came, `provenance` says more of it.
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


@dataclass(frozen=True, eq=False, repr=False)
class Frames(Dataset):
    """Images with a class for every pixel, int32 (n, h, w), split into training, validation and test.

    Beside the attributes of `Dataset`: x_val and y_val, and `unlabelled`, the label of pixels without a class.
    """

    x_val: np.ndarray
    y_val: np.ndarray
    unlabelled: int


@dataclass(frozen=True)
class Spec:
    """What is known of a data set that comes in files; the tests replace entries of `SPECS` with small ones.

    The sources are pairs, in order of preference: the address that holds all official files, and these files, name
    below the folder -> SHA-256. Several files are IDX files in the order of `KEYS`.
    """

    shape: tuple  # of one image as stored
    counts: tuple | None  # (training, test) images, or None when a part is welcome too
    classes: tuple  # the classes' names
    licence: str  # in a few words
    sources: tuple
    sha256: str | None = None  # `digest` of the official arrays; None when only the file's own is known
    sample: tuple | None = None  # (training, test) images of the sample, its `digest`; None where photographs stand in
    cached: tuple = ()  # other names of the official file in Keras' cache


def load(name):
    """Load a data set by name: in the quick budget the sample, in the full budget the official arrays.

    The name is "mnist", "fashion_mnist" or "cifar10". There is no sample of CIFAR-10; patches of two photographs
    stand in for it. Returns a `Dataset`; print its `provenance`: it says what came, and whether it is verified.

    Raises:
        ValueError: for an unknown name.
        FileNotFoundError: in the full budget, when AE_DATA_DIR is set to something that is not a folder.
        DataError: when a file is there but is corrupt, or holds other arrays than its name promises.
    """
    _known(name)
    dataset = _sample(name) if claims.budget_name() == "quick" else official(name)
    claims.note_data(dataset.provenance)
    return dataset


def official(name):
    """Load the official arrays whatever the budget, and report them to nobody. See `load`."""
    spec = _known(name)
    folder = data_folder()
    keras_cache = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"
    ways = [*dict.fromkeys(tuple(files) for _, files in spec.sources), *((f,) for f in spec.cached), (f"{name}.npz",)]
    for place, where in ((folder, ""), (keras_cache, " in Keras' cache")):
        for names in ways:
            paths = [place / file for file in names]
            if all(path.exists() for path in paths):
                arrays, verified = _read(paths, spec)
                return _dataset(name, spec, arrays, source=_in_words(names) + where, verified=verified)
    missing, all_files = sum(not (folder / file).exists() for file in ways[0]), len(ways[0])
    some = f"{missing} of {all_files} files missing" if missing < all_files else "no file"
    reasons = [f"{some} in {folder.name}/"]
    if os.environ.get("AE_OFFLINE", "") not in ("", "0"):
        return _sample(name, f"{reasons[0]}; AE_OFFLINE is set")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        return _sample(name, f"{reasons[0]}; {folder.name}/ cannot be written: {error.strerror}")
    for url, files in spec.sources:
        host = urlsplit(url).hostname
        try:
            arrays = _download(url, files, spec, folder)
        except Exception as error:  # whatever goes wrong at one source, the next is tried, and the line says why
            reasons.append(f"{host}: {_why(error)}")
        else:
            source = f"{_in_words(tuple(files))}, downloaded from {host}"
            return _dataset(name, spec, arrays, source=source, verified=True)
    return _sample(name, "; ".join(reasons))


def data_folder():
    """Return the folder of the data files as a Path: AE_DATA_DIR, or the project's data/ (it may not exist).

    A relative AE_DATA_DIR starts at the project's folder, wherever Python was started. Raises FileNotFoundError when
    it is set to something that is not a folder.
    """
    if not (given := os.environ.get("AE_DATA_DIR")):
        return DEFAULT_FOLDER
    path, remedy = DEFAULT_FOLDER.parent / given, "Create it, correct the path, or unset the variable."
    if not path.is_dir():
        raise FileNotFoundError(f"AE_DATA_DIR={given!r}: {path} is not a folder. {remedy}")
    return path.resolve()


def _known(name):
    if name not in tuple(TITLES):
        raise ValueError(f"load({name!r}): there is no such data set; the names are {', '.join(TITLES)}.")
    return SPECS[name]


def _in_words(names):
    return names[0] if len(names) == 1 else f"{Path(names[0]).parent}/ ({len(names)} files)"


def _dataset(name, spec, arrays, **provenance):
    about = {"requested": name, "name": name, "licence": spec.licence, "fallback": False}
    return _build(arrays, spec.classes, **about | provenance)


def _build(arrays, classes, **provenance):
    """Turn uint8 arrays, images (n, h, w) or (n, h, w, c), into a Dataset."""
    out = {}
    for part in ("train", "test"):
        x = np.divide(arrays[f"x_{part}"], np.float32(255), dtype=np.float32)
        out[f"x_{part}"] = x if x.ndim == 4 else x[..., None]
        out[f"y_{part}"] = arrays[f"y_{part}"].reshape(-1).astype(np.int64)
    size = "x".join(str(n) for n in out["x_train"].shape[1:])
    contents = f"{len(out['x_train']):,} + {len(out['x_test']):,} images {size}"
    line = Provenance(contents=contents, **provenance)
    return Dataset(name=line.name, classes=classes, provenance=line, **out)


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


def _read(paths, spec):
    """Return (arrays, verified) of files; raise DataError when broken or of another shape or dtype."""
    where = paths[0] if len(paths) == 1 else paths[0].parent
    if len(paths) > 1:
        arrays = {key: _idx(path) for key, path in zip(KEYS, paths, strict=True)}
    elif where.suffix == ".npz":
        arrays = _npz(where)
    else:  # the archive of CIFAR-10 is verified before it is opened
        arrays = _cifar(where, spec)
    for key in KEYS:
        if arrays[key].dtype != np.uint8:
            raise _bad(where, f"{key} has dtype {arrays[key].dtype}, must be uint8")
    for part, count in zip(("train", "test"), spec.counts or (None, None), strict=True):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        n = len(y) if count is None and y.ndim else count
        if x.shape != (n, *spec.shape) or n == 0:
            wanted = ("any number of" if count is None else count, *spec.shape)
            raise _bad(where, f"x_{part} has shape {x.shape}, must be {wanted} as y_{part}")
        if y.shape != (n,) and not (spec.counts is None and y.shape == (n, 1)):
            raise _bad(where, f"y_{part} has shape {y.shape}, must be ({n},)")
        if y.max() >= len(spec.classes):
            raise _bad(where, f"y_{part} has the label {y.max()}, must be below {len(spec.classes)}")
    return arrays, digest(arrays) == spec.sha256 if spec.sha256 else where.suffix != ".npz"


def digest(arrays, keys=KEYS):
    """Return the SHA-256 of the arrays of `keys`, as bytes in C order, one after the other."""
    return hashlib.sha256(b"".join(arrays[key].tobytes() for key in keys)).hexdigest()


def _npz(path, keys=KEYS):
    with _reading(path):
        if not zipfile.is_zipfile(path):
            raise _bad(path, "is not a .npz archive, so corrupt or truncated")
        with np.load(path, allow_pickle=False) as file:
            missing = [key for key in keys if key not in file]
            if missing:
                raise _bad(path, f"has no array {', '.join(missing)}")
            return {key: np.asarray(file[key]) for key in keys}


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


def _cifar(path, spec):
    """Read the official archive. It holds pickles, so it is opened only when its SHA-256 is right."""
    (wanted,) = spec.sources[0][1].values()
    with _reading(path):
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != wanted:
            raise _bad(path, f"has SHA-256 {found}, must be {wanted} (truncated or another file)")
        with tarfile.open(path) as archive:
            names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
            files = [archive.extractfile(f"cifar-10-batches-py/{name}") for name in names]
            batches = [pickle.load(file, encoding="bytes") for file in files]
    x = [batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1) for batch in batches]
    y = [np.array(batch[b"labels"], np.uint8) for batch in batches]
    return dict(zip(KEYS, (np.concatenate(x[:-1]), np.concatenate(y[:-1]), x[-1], y[-1]), strict=True))


def _download(url, files, spec, folder):
    """Download official files into the folder, each named only after its SHA-256 has matched; return the arrays."""
    from tqdm import tqdm

    with warnings.catch_warnings():  # of Jupyter's widgets, which the plain bar does not need
        warnings.simplefilter("ignore")
        import pooch

    pooch.get_logger().setLevel("WARNING")
    for file, sha in files.items():
        path = folder / file
        with tqdm(total=1, desc=path.name, unit="B", unit_scale=True, ncols=79, ascii=sys.platform == "win32") as bar:
            get = pooch.HTTPDownloader(bar, 2**16, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"})
            try:
                pooch.retrieve(url + path.name, f"sha256:{sha}", path.name, path.parent, downloader=get)
            finally:
                bar.leave = bar.n == bar.total  # of a failure the provenance speaks
        path.chmod(0o644)  # a teacher's folder is read by others
    arrays, verified = _read([folder / file for file in files], spec)
    if not verified:
        raise DataError("The downloaded files do not hold the official arrays.")
    return arrays


def _why(error):
    """Say in a few words, without a path, why a source failed."""
    if getattr(error, "response", None) is not None:
        return f"HTTP {error.response.status_code}"
    known = [words.format(TIMEOUT) for sign, words in WHY.items() if sign in repr(error)]
    return (known or [getattr(error, "strerror", None) or type(error).__name__])[0]


def _sample(name, reason=""):
    """Return the sample of a set, or photographs where there is none; `reason` says why in the full budget."""
    spec = SPECS[name]
    if not spec.sample:
        return _photos(name, reason or "quick budget")
    path, (_, wanted) = SAMPLE_FOLDER / f"{name}.npz", spec.sample
    try:
        arrays = _npz(path)
        found = digest(arrays)
    except DataError as error:
        found = error.__cause__ or "not a .npz archive of the four arrays"
    if found != wanted:
        remedy = "Restore it: git checkout -- data/sample"
        raise DataError(f"{path}: not the repository's sample by SHA-256 ({found}). {remedy}")
    about = {"source": "sample", "sample": True, "verified": True, "fallback": bool(reason), "reason": reason}
    return _dataset(name, spec, arrays, **about)


def _photos(requested, reason):
    """Return 32x32x3 patches of scikit-learn's two photographs: test from the right-hand 128 columns only."""
    photos, arrays = load_sample_images().images, {}
    for part, columns in (("train", slice(-128)), ("test", slice(-128, None))):
        cut = [np.lib.stride_tricks.sliding_window_view(photo[:, columns], (32, 32), axis=(0, 1)) for photo in photos]
        patches = [windows[::16, ::16].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1) for windows in cut]  # overlapping
        order = np.random.default_rng(0).permutation(sum(map(len, patches)))
        arrays[f"x_{part}"] = np.concatenate(patches)[order]
        arrays[f"y_{part}"] = np.repeat(np.arange(2, dtype=np.uint8), list(map(len, patches)))[order]
    about = {"source": PHOTOS_SOURCE, "licence": "CC BY 2.0", "verified": False, "fallback": True, "reason": reason}
    return _build(arrays, ("china", "flower"), requested=requested, name="photos", **about)


def camvid():
    """Load CamVid at 96x128 as `Frames`, where the data folder has its file and the budget is the full one, else None.

    These are video frames from a car, 367 to train, 101 to validate, 233 to test, split and labelled as SegNet used
    them, with 11 classes (the label 11 marks pixels without one). Its licence, CC BY-NC 4.0, allows research only, so
    that nothing downloads it: see the project's data/README.md. Print the `provenance`.

    Raises:
        FileNotFoundError: when AE_DATA_DIR is set to something that is not a folder.
        DataError: when the file is there but is corrupt, or does not hold such arrays.
    """
    if claims.budget_name() == "quick" or not (path := data_folder() / CAMVID["file"]).exists():
        return None
    arrays, (size, counts) = _npz(path, CAMVID["keys"]), (CAMVID["shape"], CAMVID["counts"])
    for part, count in counts.items():
        for key, shape in ((f"x_{part}", (count, *size, 3)), (f"y_{part}", (count, *size))):
            if arrays[key].dtype != np.uint8 or arrays[key].shape != shape:
                raise _bad(path, f"{key} is {arrays[key].dtype} {arrays[key].shape}, must be uint8 {shape}")
        if arrays[f"y_{part}"].max() > len(CAMVID["classes"]):
            raise _bad(path, f"y_{part} has the label {arrays[f'y_{part}'].max()}: 0 to 11 expected")
    verified = digest(arrays, CAMVID["keys"]) == CAMVID["sha256"]
    source = f"{path.name}, {'verified (SHA-256)' if verified else 'UNVERIFIED (other arrays than the course used)'}"
    contents = f"{' + '.join(map(str, counts.values()))} frames {size[0]}x{size[1]}x3"
    about = {"source": source, "verified": verified, "licence": CAMVID["licence"], "fallback": False}
    provenance = Provenance(requested="CamVid", name="CamVid", contents=contents, **about)
    claims.note_data(provenance)
    x = {f"x_{part}": np.divide(arrays[f"x_{part}"], np.float32(255), dtype=np.float32) for part in counts}
    y = {f"y_{part}": arrays[f"y_{part}"].astype(np.int32) for part in counts}
    about = {"name": "CamVid", "classes": CAMVID["classes"], "unlabelled": len(CAMVID["classes"])}
    return Frames(**x, **y, **about, provenance=provenance)


def images(folder, size=28):
    """Load a folder of pictures of any format that Pillow reads, any size, grey or colour, 8 or 16 bit.

    Args:
        folder: path of a folder (relative to where Python runs) that holds pictures, all of one class, or a folder
            of pictures for every class. Hidden files and other kinds of files are passed over.
        size: height and width of the images that come out, in pixels.

    Returns a `Dataset` named after the folder, images (n, size, size, 1) where all are grey, else (n, size, size, 3),
    classes in alphabetical order. A sixth of every class, drawn with a fixed seed, is the test; the order is shuffled
    with the same seed. Each picture is turned as its EXIF says, laid on white where it is transparent, cropped to the
    square in its middle and resized (bicubic); the `provenance` counts what was done.

    Raises:
        FileNotFoundError: when there is no such folder.
        DataError: for a folder without pictures, or whose classes have one picture each, or with pictures beside the
            classes' folders; for a picture that cannot be read.
        TypeError, ValueError: for a size that is not a whole number of at least 1.
    """
    check_scalar(size, "size", int, min_val=1)
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: images() takes the path of a folder of pictures.")
    below = {p: _pictures(p) for p in sorted(folder.iterdir()) if p.is_dir() and p.name[0] != "."}
    below, beside = {path: files for path, files in below.items() if files}, _pictures(folder)
    if below and beside:
        raise DataError(f"{beside[0]} lies beside the classes' folders {_names(below)}: move it into one of them.")
    below = below or {folder.resolve(): beside}
    if not any(below.values()):
        raise DataError(f"{folder} holds no pictures: put some there (.png, .jpg, ...), or into a folder per class.")
    rng, done, arrays = np.random.default_rng(0), Counter(), {key: [] for key in KEYS}
    for label, files in enumerate(below.values()):
        n_test = min(max(len(files) // 6, 1), len(files) - 1)
        for rank, i in enumerate(rng.permutation(len(files))):
            part = "test" if rank < n_test else "train"
            arrays[f"x_{part}"].append(_picture(files[i], size, done))
            arrays[f"y_{part}"].append(label)
    if not arrays["x_test"]:
        raise DataError(f"{folder} holds one picture of {_names(below)} each: one for the test is needed, so add some.")
    order = {part: rng.permutation(len(arrays[f"y_{part}"])) for part in ("train", "test")}
    arrays = {key: np.array(values)[order[key[2:]]] for key, values in arrays.items()}
    if all((arrays[key] == arrays[key][..., :1]).all() for key in ("x_train", "x_test")):
        arrays |= {key: arrays[key][..., 0] for key in ("x_train", "x_test")}
    name, steps = folder.resolve().name, f"cropped to the square in the middle and resized to {size}x{size}"
    source = [f"your own pictures of {_names(below)}, {steps}", *(f"{n} {what}" for what, n in done.items() if n)]
    about = {"source": "; ".join(source), "licence": "your own", "verified": False, "fallback": False}
    dataset = _build(arrays, tuple(path.name for path in below), requested=name, name=name, **about)
    claims.note_data(dataset.provenance)
    return dataset


def _pictures(folder):
    """Return the paths of the pictures in a folder, by their endings, sorted."""
    endings = Image.registered_extensions()
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in endings and p.name[0] != "." and p.is_file())


def _names(paths):
    return ", ".join(path.name for path in paths)


def _picture(path, size, done):
    """Return a picture as uint8 (size, size, 3); count in `done` what was special about it."""
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
            done["turned as EXIF says"] += file.getexif().get(274, 1) != 1
    except Exception as error:  # Pillow's readers raise what they like on a broken file
        raise DataError(f"{path}: no picture that can be read ({error}). Save it anew, or remove it.") from error
    if image.mode[0] in "IF":
        values = np.asarray(image)
        if image.mode == "F" or values.min() < 0 or values.max() > 65_535:
            raise DataError(f"{path}: pixels from {values.min()} to {values.max()}. Save it with 8 or 16 bits.")
        image = Image.fromarray(np.rint(values / 257).astype(np.uint8))
        done["reduced from 16 to 8 bits"] += 1
    if image.has_transparency_data:
        image = image.convert("RGBA")
        done["transparent, laid on white"] += image.getextrema()[3][0] < 255
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(ImageOps.fit(image.convert("RGB"), (size, size)))


def _idx_files(folder, *hashes):
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")  # as in KEYS
    return {f"{folder}/{name}-ubyte.gz": sha for name, sha in zip(names, hashes, strict=True)}


TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
AWS_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
ZALANDO_URL = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"
MNIST_FILE = {"mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"}
MNIST_FILES = _idx_files(
    "mnist",
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
)
FASHION_FILES = _idx_files(
    "fashion-mnist",
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
)
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
CIFAR_FILES = {"cifar-10-python.tar.gz": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"}
GREY = {"shape": (28, 28), "counts": (60_000, 10_000)}
SPECS = {
    "mnist": Spec(
        **GREY,
        classes=tuple("0123456789"),
        licence="CC BY-SA 3.0",
        sources=((KERAS_URL, MNIST_FILE), (AWS_URL, MNIST_FILES)),
        sha256="06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
        sample=((10_000, 2_000), "1e69420d546ce587b9fb07b6d2eafc89ce39cc8c539be4352f4e4eb1fafe84a4"),
    ),
    "fashion_mnist": Spec(
        **GREY,
        classes=CLOTHES,
        licence="MIT licence",
        sources=((KERAS_URL, FASHION_FILES), (ZALANDO_URL, FASHION_FILES)),
        sha256="ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f",
        sample=((5_000, 1_000), "688a1802a15f200658237f87f95e707a571bd096662fb58c7bef800738be80b0"),
    ),
    "cifar10": Spec(
        shape=(32, 32, 3),
        counts=None,
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        licence="no licence stated",
        sources=(("https://www.cs.toronto.edu/~kriz/", CIFAR_FILES),),
        cached=("cifar-10-batches-py-target_archive", "cifar-10-batches-py.tar.gz"),
    ),
}
CAMVID = {
    "file": "camvid_96x128.npz",
    "keys": (*KEYS, "x_val", "y_val"),
    "shape": (96, 128),
    "counts": {"train": 367, "val": 101, "test": 233},
    "classes": (
        "sky",
        "building",
        "pole",
        "road",
        "pavement",
        "tree",
        "sign",
        "fence",
        "car",
        "pedestrian",
        "bicyclist",
    ),
    "licence": "CC BY-NC 4.0, research only",
    "sha256": "749ab4fbb45fa470793531236b2fdb4ad840c0a7ff5798d4d0459b1d7e5fef61",
}
