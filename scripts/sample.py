"""Make the sample of the repository, data/sample/, from the official arrays: `python -m scripts.sample`.

A second run makes the same bytes. The SHA-256 that it prints are those that `utils.data.SPECS` holds.
"""

import io
import sys
import zipfile

import numpy as np

from utils.data import KEYS, SAMPLE_FOLDER, SPECS, digest, official


def slices(name):
    """Return the first images and labels of an official set as a dict of uint8 arrays.

    Raises RuntimeError when the official arrays are not there.
    """
    dataset, counts = official(name), SPECS[name].sample[0]
    if not dataset.provenance.verified or dataset.provenance.fallback:
        raise RuntimeError(f"The sample needs the official files; `make data` fetches them. {dataset.provenance}")
    arrays = {}
    for part, count in zip(("train", "test"), counts, strict=True):
        arrays[f"x_{part}"] = np.rint(getattr(dataset, f"x_{part}")[:count, ..., 0] * 255).astype(np.uint8)
        arrays[f"y_{part}"] = getattr(dataset, f"y_{part}")[:count].astype(np.uint8)
    return arrays


def write(arrays, path):
    """Write a .npz file with LZMA in place of deflate (a seventh smaller, read by np.load), without dates."""
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for key in KEYS:
            content, member = io.BytesIO(), zipfile.ZipInfo(f"{key}.npy")
            member.compress_type, member.create_system = zipfile.ZIP_LZMA, 3  # the same on Windows
            np.save(content, arrays[key])
            archive.writestr(member, content.getvalue())


def main():
    """Make the samples and return the exit code."""
    for name, spec in SPECS.items():
        if not spec.sample:
            continue
        try:
            arrays = slices(name)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 1
        path = SAMPLE_FOLDER / f"{name}.npz"
        write(arrays, path)
        print(f"{path.name}: {path.stat().st_size:,} bytes, SHA-256 {digest(arrays)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
