"""What every committed lesson must be: one function per rule, over the path of a notebook.

A check returns nothing when all is well, and raises CheckError, naming the cell and the remedy, otherwise.
`CHECKS` lists them all. The project's folder is the one that holds the notebook's folder.
"""

import json
import re

from scripts.project import code_sha256, doubtful, lesson_number, read_notebook, repository, summary, title
from scripts.setup_cell import badge, setup_cell

MAX_BYTES = 1_000_000
MAX_LINES = 30  # of a code cell
MIN_WORDS = 800  # of prose, in all Markdown cells together
FRAME = ("In this lesson", "Recap", "Try it", "References")
WITHOUT_CLAIMS = (*FRAME, "Setup", "Parameters")


class CheckError(AssertionError):
    """A lesson breaks a rule of the house."""


def executed_in_order(path):
    """Every code cell has code and was executed once, top to bottom: counts 1, 2, 3, ..."""
    for expected, (index, cell) in enumerate(_code(read_notebook(path)), start=1):
        _require(cell.source.strip(), path, f"cell {index} is empty; delete it")
        _require(
            cell.execution_count == expected,
            path,
            f"cell {index} has the count {cell.execution_count} instead of {expected}; " + _again(path),
        )


def no_errors(path):
    """No output is an error."""
    for index, cell in _code(read_notebook(path)):
        wrong = [output.ename for output in cell.outputs if output.output_type == "error"]
        _require(not wrong, path, f"cell {index} ends in {', '.join(wrong)}; repair it and " + _again(path))


def stamped_full(path):
    """The stamp says: full budget, and every data set verified, nothing standing in."""
    stamp = _stamp(path)
    _require(stamp.get("budget") == "full", path, f"the budget was {stamp.get('budget')!r}; " + _again(path))
    _require(stamp.get("data"), path, "the stamp names no data set; use utils.data.load")
    for data in doubtful(stamp["data"]):
        raise CheckError(f"{path.name}: it ran on {data['name']}, not verified or standing in; {_again(path)}.")


def code_as_executed(path):
    """The code is what was executed: its hash is the stamp's."""
    same = code_sha256(read_notebook(path), repository(path.parent.parent)) == _stamp(path).get("code_sha256")
    _require(same, path, "the code changed after the execution; " + _again(path))


def setup_cell_is_the_template(path):
    """The first code cell is the setup cell, the same in every lesson."""
    first = next((cell.source for _, cell in _code(read_notebook(path))), "")
    expected = setup_cell(repository(path.parent.parent))
    _require(first == expected, path, "the first code cell is not the setup cell; see python -m scripts.setup_cell")


def first_cell(path):
    """The first cell: `# 01 · Title`, the Colab badge of this very file, a summary that starts with `>`."""
    nb, number = read_notebook(path), lesson_number(path)
    expected = badge(repository(path.parent.parent), path.name)
    _require(title(nb).startswith(f"{number} · "), path, f"the first line is not '# {number} · Title'")
    _require(expected in nb.cells[0].source.splitlines(), path, f"the first cell lacks the line {expected}")
    _require(summary(nb), path, "the first cell lacks the line '> ' with a one-sentence summary")


def claims_in_every_section(path):
    """Every section with a result asserts something.

    A section goes from one `## ` heading to the next. It has a result when one of its code cells shows a
    picture or prints a digit. Then one of its code cells must call `claim(`. What comes before the first such
    heading and the sections in `WITHOUT_CLAIMS` are exempt.
    """
    for heading, cells in _sections(read_notebook(path)):
        code = [cell for cell in cells if cell.cell_type == "code"]
        if heading not in WITHOUT_CLAIMS and any(_has_result(cell) for cell in code):
            claimed = any(re.search(r"^[^#\n]*\bclaim\(", cell.source, re.MULTILINE) for cell in code)
            _require(claimed, path, f"section {heading!r} shows a result and claims nothing: add claim(...)")


def small(path):
    """The file is under `MAX_BYTES`."""
    size = path.stat().st_size
    _require(size < MAX_BYTES, path, f"{size:,} bytes; must be under {MAX_BYTES:,}: fewer or smaller figures")


def short_cells(path):
    """No code cell has more than `MAX_LINES` lines."""
    for index, cell in _code(read_notebook(path)):
        lines = len(cell.source.splitlines())
        _require(lines <= MAX_LINES, path, f"cell {index} has {lines} lines, more than {MAX_LINES}; split it")


def pictures(path):
    """There is a picture, and every cell that calls `plotting.` shows one."""
    code = list(_code(read_notebook(path)))
    _require(any(_has_picture(cell) for _, cell in code), path, "there is no picture (image/png)")
    for index, cell in code:
        plots = re.search(r"^[^#\n]*\bplotting\.\w+\(", cell.source, re.MULTILINE)
        _require(not plots or _has_picture(cell), path, f"cell {index} plots, but shows no picture")


def frame(path):
    """The sections of `FRAME` are there, in this order, each once."""
    headings = [heading for heading, _ in _sections(read_notebook(path)) if heading in FRAME]
    _require(headings == list(FRAME), path, f"its sections {headings} should be {list(FRAME)}")


def prose(path):
    """The Markdown cells hold at least `MIN_WORDS` words in all."""
    texts = [cell.source for cell in read_notebook(path).cells if cell.cell_type == "markdown"]
    words = len(" ".join(texts).split())
    _require(words >= MIN_WORDS, path, f"{words} words of prose; at least {MIN_WORDS}")


def results_agree(path):
    """results/NN.json is there, has a headline, and comes from the execution that the stamp speaks of."""
    file = path.parent.parent / "results" / f"{lesson_number(path)}.json"
    _require(file.exists(), path, f"results/{file.name} is missing; " + _again(path))
    results, stamp = json.loads(file.read_text(encoding="utf-8")), _stamp(path)
    for key in ("budget", "data", "seconds", "versions"):
        _require(
            results.get(key) == stamp.get(key),
            path,
            f"results/{file.name} and the stamp disagree on {key!r}; " + _again(path),
        )
    headlines = [name for name, metric in results["metrics"].items() if metric["headline"]]
    _require(headlines, path, "no result is a headline: record(..., headline=True) for one or two")


def no_machine_paths(path):
    """No cell or output names a folder of the machine that executed it."""
    for index, cell in enumerate(read_notebook(path).cells, start=1):
        texts = [cell.source, *(_text(output) for output in cell.get("outputs", []))]
        found = re.search(r"(?<![\w/.:])/(home|Users|root|tmp|work|private|var)/[\w./-]+", "\n".join(texts))
        _require(not found, path, f"cell {index} names a machine's path: {found and found[0]}")


CHECKS = (
    executed_in_order,
    no_errors,
    stamped_full,
    code_as_executed,
    setup_cell_is_the_template,
    first_cell,
    claims_in_every_section,
    small,
    short_cells,
    pictures,
    frame,
    prose,
    results_agree,
    no_machine_paths,
)


def _require(condition, path, message):
    if not condition:
        raise CheckError(f"{path.name}: {message}.")


def _again(path):
    return f"make lesson N={lesson_number(path)}"


def _code(nb):
    """Yield (number among all cells, from 1; cell) of the code cells."""
    return ((index, cell) for index, cell in enumerate(nb.cells, start=1) if cell.cell_type == "code")


def _stamp(path):
    stamp = read_notebook(path).metadata.get("autoencoder_course")
    _require(stamp, path, "it was never stamped; " + _again(path))
    return stamp


def _sections(nb):
    """Return [(heading, cells), ...]; a Markdown cell belongs to the last heading in it."""
    sections = []
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            headings = [line[3:].strip() for line in cell.source.splitlines() if line.startswith("## ")]
            sections.extend((heading, []) for heading in headings)
        if sections:
            sections[-1][1].append(cell)
    return sections


def _has_picture(cell):
    return any("image/png" in output.get("data", {}) for output in cell.outputs)


def _has_result(cell):
    texts = (_text(output) for output in cell.outputs if output.get("name") != "stderr")
    return _has_picture(cell) or any(re.search(r"\d", text) for text in texts)


def _text(output):
    return output.get("text", "") or output.get("data", {}).get("text/plain", "")
