"""The setup cell and the Colab badge, the same in every notebook but for the repository's address.

`python -m scripts.setup_cell` prints the cell, `python -m scripts.setup_cell 01` the badge of a lesson.
"""

import sys
from pathlib import Path

from scripts.project import PLACEHOLDER, find_lesson, repository

SETUP_CELL = """\
# @title Setup: find the course's folder. Colab has this notebook alone: fetch it there
import os
import shutil
import subprocess
import sys
from pathlib import Path

repository = "OWNER/REPO"
here, mark = Path.cwd(), Path("utils", "claims.py")  # a folder with this file is ours
places = (here, *here.parents, here / "autoencoder-course")
root = next((folder for folder in places if (folder / mark).exists()), None)
if root is None and "google.colab" in sys.modules:
    if repository.startswith("OWNER/"):
        raise RuntimeError("Write the course's own address into `repository` above.")
    root = places[-1]
    shutil.rmtree(root, ignore_errors=True)  # what an interrupted clone has left
    address = f"https://github.com/{repository}.git"
    subprocess.run(["git", "clone", "--depth", "1", address, root], check=True)
if root is None:
    raise FileNotFoundError("Open the notebook inside the course's whole folder.")
os.chdir(root / "notebooks")
sys.path.insert(0, str(root))
import utils  # noqa: F401 (before TensorFlow, which it tells to start quietly)"""

BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/FILE)"
)


def setup_cell(address):
    """Return the source of the setup cell for the repository's `address` ("owner/name")."""
    return SETUP_CELL.replace(PLACEHOLDER, address)


def badge(address, file_name):
    """Return the Markdown of the badge that opens notebooks/`file_name` in Colab."""
    return BADGE.replace(PLACEHOLDER, address).replace("FILE", file_name)


if __name__ == "__main__":
    print(badge(repository(), Path(find_lesson(sys.argv[1])).name) if sys.argv[1:] else setup_cell(repository()))
