"""Execute a lesson in a process of its own, and read what it recorded."""

import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from scripts.project import KERNELSPEC

ANSI = re.compile(r"\x1b\[[0-9;]*m")
CELL_TIMEOUT = {"quick": 300, "full": 1800}  # seconds


class LessonError(RuntimeError):
    """A lesson could not be executed; the message says where and why."""


def execute(nb, folder, budget):
    """Execute the notebook node in place, top to bottom.

    Volatile metadata (timings, widgets) are dropped, and progress bars are reduced to their last state, so that two
    executions differ as little as possible. What says which kernel ran is kept, as Jupyter writes it.

    Args:
        nb: notebook node; its outputs are replaced.
        folder: the working directory, the lesson's own folder.
        budget: "quick" or "full".

    Returns:
        dict: what the lesson wrote through `utils.claims`, "seconds", the whole execution's duration, and
        "megabytes", the most memory that a process started from this one has held, which is the kernel
        (None on Windows).

    Raises:
        LessonError: when a cell fails, takes too long or kills its kernel, or when nothing was recorded.
        ValueError: for another budget.
    """
    if budget not in CELL_TIMEOUT:
        raise ValueError(f"AE_BUDGET={budget!r}: must be 'quick' or 'full'.")
    nb.metadata["kernelspec"] = dict(KERNELSPEC)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        nb,
        timeout=CELL_TIMEOUT[budget],
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # the kernel's own log, not the lesson's
    )
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "results.json"
        try:
            client.execute(env={**os.environ, "AE_BUDGET": budget, "AE_RESULTS": str(file)})
        except CellExecutionError as error:
            raise LessonError(f"cell {_failed(nb)} failed: {_last_lines(error)}") from error
        except (CellTimeoutError, DeadKernelError) as error:
            raise LessonError(f"cell {_failed(nb)}: {_last_lines(error)}") from error
        seconds = time.perf_counter() - start
        if not file.exists():
            raise LessonError("nothing was recorded: a lesson calls claims.start and claims.record.")
        results = json.loads(file.read_text(encoding="utf-8"))
    _tidy(nb)
    return results | {"seconds": round(seconds, 1), "megabytes": _megabytes()}


def data_words(results):
    """Return which data sets a lesson used, such as "mnist" or "photos in place of cifar10"."""
    words = []
    for data in results["data"]:
        if data["fallback"]:
            other = "the sample" if data["name"] == data["requested"] else data["name"]
            words.append(f"{other} in place of {data['requested']}")
        else:
            words.append(data["name"] + ("" if data["verified"] else " (UNVERIFIED)"))
    return ", ".join(dict.fromkeys(words)) or "no data"


def headlines(results, full=None):
    """Return the headline results in words, such as ["Dense, 32 units: 0.0095 MSE (PCA: 0.0168)"].

    Args:
        results: of a run.
        full: results of the full run where this one is not: then its value stands beside, and the papers' do not.
    """
    words = []
    for name, metric in results["metrics"].items():
        if metric["headline"]:
            there = (full or {}).get("metrics", {}).get(name)
            beside = f"; full run: {number(there['value'])}" if there else ""
            words.append(metric_words(name, metric if full is None else metric | {"paper": None}) + beside)
    return words


def metric_words(name, metric):
    """Return one result beside its baseline and the paper's number, in words; ↑ says that more is better."""
    others = [metric[key] for key in ("baseline", "paper") if metric[key]]
    beside = "; ".join(f"{other['name']}: {number(other['value'])}" for other in others)
    arrow = " ↑" if metric["better"] == "higher" else ""
    return f"{name}: {number(metric['value'])} {metric['unit']}{arrow}" + (f" ({beside})" if beside else "")


def verdict(results):
    """Return one sentence on several lessons: how many claims were checked, how many headlines beat their baselines."""
    claims = [result["claims"] for result in results]
    checked, said = sum(c["checked"] for c in claims), sum(len(c["sentences"]) for c in claims)
    beats = [m["beats"] for result in results for m in result["metrics"].values() if m["headline"]]
    return f"{checked} of {said} claims checked, {beats.count(True)} of {len(beats)} headlines beat their baselines."


def number(value):
    """Return a number with 4 significant digits, without an exponent where that is readable."""
    if value == 0 or 1e-4 <= abs(value) < 1000:
        return f"{float(f'{value:.4g}'):g}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.2e}"


def _megabytes():
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # kilobytes, on macOS bytes
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


def _tidy(nb):
    nb.metadata.pop("widgets", None)
    for cell in nb.cells:
        cell.metadata.pop("execution", None)


def _failed(nb):
    """Number (of all cells, from 1) and first line of the last cell that ran."""
    ran = [i for i, cell in enumerate(nb.cells) if cell.get("execution_count") or cell.get("outputs")]
    index = ran[-1] if ran else 0
    first_line = nb.cells[index].source.split("\n")[0]
    return f"{index + 1} ({first_line!r})"


def _last_lines(error, count=8):
    lines = [line for line in ANSI.sub("", str(error)).splitlines() if line.strip()]
    return "\n    " + "\n    ".join(lines[-count:])
