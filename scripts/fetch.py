"""Fetch and verify all data sets once: `python -m scripts.fetch`.

They go to the folder that AE_DATA_DIR names (default data/), which then serves a machine without a network. The
budget does not matter here: what is fetched are the official sets.
"""

import sys

from scripts.project import PARTS_WELCOME
from utils.data import TITLES, DataError, data_folder, official


def fetch(names):
    """Load official data sets by name and print where each came from.

    Args:
        names: of `utils.data.official`.

    Returns:
        list of the names that did not arrive verified. A part of a set of `PARTS_WELCOME` will do.
    """
    missing = []
    for name in names:
        try:
            provenance = official(name).provenance
        except DataError as error:
            print(f"{name}: {error}", flush=True)
            missing.append(name)
            continue
        print(f"{name}: {provenance}", flush=True)
        if provenance.fallback or not (provenance.verified or name in PARTS_WELCOME):
            missing.append(name)
    return missing


def main():
    """Fetch all sets that come in files, say how large the folder is, and return the exit code."""
    try:
        folder = data_folder()
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    missing = fetch(list(TITLES))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    print(f"The folder {folder.name}/ holds {size / 1e6:.0f} MB.")
    if missing:
        print(f"NOT there, or not the official data: {', '.join(missing)}. See data/README.md.", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
