"""The project's folder: its address, its lessons, and how their files are read and written."""

import ast
import hashlib
import json
import math
import os
import re
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

import nbformat

ROOT = Path(__file__).resolve().parent.parent
PARTS_WELCOME = ("cifar10",)  # data sets whose parts will do, see data/README.md
PLACEHOLDER = "OWNER/REPO"
EXERCISE = re.compile(r"Exercise (\d+): (.+) \((\w+), (\d+) points?(?:, (\d+) minutes, (easy|medium|hard))?\)")
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}  # as Jupyter writes it


def share_cores(at_once):
    """Give TensorFlow and OpenMP, in processes to come, a share of the cores each, unless the environment says another.

    Side by side, threads that wait for a core cost: two lessons at a time on two cores take a fifth less of the
    processor with one thread each than with two. Must be called before TensorFlow runs anything.
    """
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, str(max(1, (os.cpu_count() or 1) // at_once)))


def share_cores_of_tests(config):
    """Give this process, one of pytest-xdist's workers or pytest alone, its share of the cores.

    Return False, and leave the environment alone, where it only hands out the tests: the workers inherit it, and would
    take its share, all cores, for what somebody asked for.
    """
    worker = getattr(config, "workerinput", None)
    if worker is None and config.getoption("numprocesses", None):
        return False
    share_cores(worker["workercount"] if worker else 1)
    return True


def repository(root=ROOT):
    """Return the repository's address "owner/name" from pyproject.toml below `root`.

    Raises KeyError, naming the file, when [tool.autoencoder-course] does not hold it.
    """
    path = Path(root) / "pyproject.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))["tool"]["autoencoder-course"]["repository"]
    except KeyError as error:
        message = f"{path.name}: write repository = 'owner/name' in [tool.autoencoder-course]."
        raise KeyError(message) from error


def replace_address(text, old, new):
    """Return `text` with the address `old` ("owner/name") replaced wherever it stands as a whole."""
    return re.sub(rf"(?<![\w.-]){re.escape(old)}(?=\.git\b|\.(?![\w-])|[^\w.-]|$)", lambda _: new, text)


def lessons(root=ROOT):
    """Return the paths of notebooks/NN_topic.ipynb below `root`, in the order of their numbers."""
    return sorted((Path(root) / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def exercises(root=ROOT):
    """Return the paths of notebooks/exercises/NN_topic_solved.ipynb below `root`, in the order of their numbers."""
    return sorted((Path(root) / "notebooks" / "exercises").glob("[0-9][0-9]_*_solved.ipynb"))


def student_of(path):
    """Return the path of the students' version of the exercises, of a lesson or of its solved exercises."""
    name = Path(path).stem.removesuffix("_solved") + "_exercises.ipynb"
    return root_of(path) / "notebooks" / "exercises" / "student" / name


def lesson_of(path):
    """Return the path of the lesson to which solved exercises belong."""
    return root_of(path) / "notebooks" / Path(path).name.replace("_solved", "")


def find_lesson(number, root=ROOT, exercise=False):
    """Return the path of one lesson, or of its solved exercises.

    Args:
        number: such as "01", or 1 without its zero.
        root: the project's folder.
        exercise: True for notebooks/exercises/ in place of notebooks/.

    Raises:
        ValueError: when there is none of that number; the message lists those that exist.
    """
    paths = exercises(root) if exercise else lessons(root)
    for path in paths:
        if lesson_number(path) == str(number).zfill(2):
            return path
    known = ", ".join(lesson_number(path) for path in paths) or "none yet"
    folder = "notebooks/exercises/" if exercise else "notebooks/"
    raise ValueError(f"There is no lesson {number!r} in {folder}; there are: {known}.")


def is_exercise(path):
    """Return whether a notebook holds exercises, by its folder."""
    return Path(path).parent.name == "exercises"


def root_of(path):
    """Return the project's folder that holds the notebook at `path`, of a lesson or of exercises."""
    return Path(path).parents[2 if is_exercise(path) else 1]


def lesson_number(path):
    """Return the two digits with which a lesson's file name begins."""
    return Path(path).name[:2]


def read_notebook(path):
    """Return the notebook at `path` as a format 4 notebook node."""
    return nbformat.read(path, as_version=4)


def write_notebook(nb, path):
    """Write the notebook in one step (an interrupted write leaves the old file), with one final newline."""
    write_text(path, nbformat.writes(nb).rstrip("\n") + "\n")


def write_json(value, path):
    """Write `value` as JSON with sorted keys, floats rounded to 6 significant digits, and a final newline.

    Raises ValueError for numbers that are not finite.
    """
    text = json.dumps(round_floats(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def write_text(path, text):
    """Write `text` (UTF-8, lines ending in LF) in one step, and the folder if need be."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, delete=False) as file:
        file.write(text.encode())
    os.chmod(file.name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
    os.replace(file.name, path)


def doubtful(data):
    """Return the entries of a stamp's data that a committed lesson must not rest on.

    That is what stands in for another set, and what is not verified. A part of a set of `PARTS_WELCOME` may be
    unverified: the lesson then says so itself, by printing its provenance.
    """
    return [entry for entry in data if entry["fallback"] or not (entry["verified"] or entry["name"] in PARTS_WELCOME)]


def round_floats(value):
    """Return `value` (nested dicts and lists) with every float rounded to 6 significant digits.

    Whole numbers become integers: so JavaScript writes them, and opening a notebook changes nothing.
    """
    if isinstance(value, dict):
        return {key: round_floats(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [round_floats(item) for item in value]
    if isinstance(value, float) and math.isfinite(value):
        value = float(f"{value:.6g}")
        return int(value) if value.is_integer() else value
    return value


def code_sha256(nb, address):
    """Return the SHA-256 of the code cells' sources but for the first, as far as the full run depends on them.

    It stays what it is when only the repository's `address` changes, or a constant of the quick budget, or the setup
    cell, which has a rule of its own and computes nothing.
    """
    code = [cell.source for cell in nb.cells if cell.cell_type == "code"][1:]
    sources = [_without_quick(replace_address(source, address, PLACEHOLDER)) for source in code]
    return hashlib.sha256(json.dumps(sources, ensure_ascii=False).encode()).hexdigest()


def _without_quick(source):
    """Return code with `...` for every value of `quick` in a statement `NAME = budget(quick=..., full=...)`."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # of Python: a magic of IPython
        return source
    lines = [line.encode() for line in source.splitlines()]  # ast counts bytes
    for statement in reversed(statements):
        call = getattr(statement, "value", None)
        if isinstance(call, ast.Call) and getattr(call.func, "id", None) == "budget":
            (value,) = (keyword.value for keyword in call.keywords if keyword.arg == "quick")
            first, last = value.lineno - 1, value.end_lineno - 1
            kept = lines[first][: value.col_offset] + b"..." + lines[last][value.end_col_offset :]
            lines[first : last + 1] = [kept]
    return b"\n".join(lines).decode()


class CheckError(AssertionError):
    """A lesson breaks a rule of the house."""


class Exercise(NamedTuple):
    """One exercise: its number, name, kind, points, minutes and difficulty, as its heading says; the cells below."""

    number: int
    name: str
    kind: str
    points: int
    minutes: int | None
    difficulty: str | None
    cells: list


def exercises_of(path):
    """Return the list of `Exercise` of a notebook; CheckError for a heading `## Exercise` of another form."""
    found = []
    for heading, cells in sections(read_notebook(path)):
        if heading.startswith("Exercise"):
            match = EXERCISE.fullmatch(heading)
            if not match:
                form = "Exercise 1: Name (implement, 2 points, 10 minutes, easy)"
                raise CheckError(f"{path.name}: the heading {heading!r} should read {form!r}.")
            minutes = match[5] and int(match[5])
            found.append(Exercise(int(match[1]), match[2], match[3], int(match[4]), minutes, match[6], cells))
    return found


def sections(nb):
    """Return [(heading, cells), ...]; a Markdown cell belongs to the last heading in it."""
    found = []
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            headings = [line[3:].strip() for line in cell.source.splitlines() if line.startswith("## ")]
            found.extend((heading, []) for heading in headings)
        if found:
            found[-1][1].append(cell)
    return found


def title(nb):
    """Return the text of the first cell's `# ` heading, such as "01 · Vanilla autoencoder and PCA", or ""."""
    return _first_line(nb, "# ")


def summary(nb):
    """Return the one sentence that follows `>` in the first cell, or ""."""
    return _first_line(nb, ">")


def _first_line(nb, start):
    lines = nb.cells[0].source.splitlines() if nb.cells else []
    return next((line.removeprefix(start).strip() for line in lines if line.startswith(start)), "")


def plain_output():
    """Let printing never fail where a terminal or a pipe lacks a character, such as ↑: it becomes a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
