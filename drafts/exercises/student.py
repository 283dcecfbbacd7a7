"""Make the students' notebooks: `python -m scripts.student`.

notebooks/exercises/student/NN_topic.ipynb is notebooks/exercises/NN_topic.ipynb without solutions, outputs and stamp.
A solution stands between `### BEGIN SOLUTION` and `### END SOLUTION`, in a cell that nbgrader's metadata call one.
"""

import copy
import json
import sys

from nbformat.v4 import new_output

from scripts.project import ROOT, read_notebook, write_notebook

INVITATION = "*Write your answer here.*"  # also nbgrader's text_stub, see scripts/classroom_test.py
NOTEBOOKS = "[0-9][0-9]_*.ipynb"


class ExerciseError(ValueError):
    """A solved notebook cannot be made into a student's; the message names the file and the cell."""


def make(root=ROOT):
    """Write the students' notebooks of all exercises below `root`, and delete those whose source is gone.

    Returns:
        (list of the paths written, list of the paths deleted).

    Raises:
        ExerciseError: before anything is written.
    """
    folder = root / "notebooks" / "exercises"
    made = {folder / "student" / p.name: student(read_notebook(p), p.name) for p in sorted(folder.glob(NOTEBOOKS))}
    for path, nb in made.items():
        write_notebook(nb, path)
    stale = sorted(set((folder / "student").glob(NOTEBOOKS)) - set(made))
    for path in stale:
        path.unlink()
    return list(made), stale


def student(nb, name):
    """Return a copy of a solved notebook as the students get it: cell ids and cell metadata stay.

    In code, each solution becomes one line that raises NotImplementedError with the text of the comment
    `# HINT: ...` directly above (it may go on in further comment lines). In Markdown, it becomes an invitation
    to write, and so does the whole cell when it has no markers. Outputs go, except the pictures of cells that
    are tagged "keep-output".

    Args:
        nb: notebook node.
        name: of its file, for messages.

    Raises:
        ExerciseError: for a missing hint or marker, nested markers, and markers outside of a solution cell.
    """
    nb = copy.deepcopy(nb)
    nb.metadata.pop("autoencoder_course", None)  # the stamp speaks of the solved code
    for index, cell in enumerate(nb.cells, start=1):
        nbgrader, code = cell.metadata.get("nbgrader", {}), cell.cell_type == "code"
        where = f"{name}, cell {index} ({nbgrader.get('grade_id', 'no grade_id')})"
        marked = any(marker in cell.source for marker in ("BEGIN SOLUTION", "END SOLUTION"))  # nbgrader's own rule
        if marked:
            _require(nbgrader.get("solution"), where, "markers of a solution, but no nbgrader metadata solution=true")
            cell.source = _without_solutions(cell.source, code, where)
        elif nbgrader.get("solution"):
            _require(not code, where, "a solution cell without ### BEGIN SOLUTION and ### END SOLUTION")
            cell.source = INVITATION
        if code:
            kept = "keep-output" in cell.metadata.get("tags", [])
            cell.outputs, cell.execution_count = _pictures(cell.outputs) if kept else [], None
    return nb


def _without_solutions(source, code, where):
    lines, hint, inside = [], "", False
    for line in source.split("\n"):
        text = line.strip()
        if "BEGIN SOLUTION" in line:
            _require(not inside, where, "BEGIN SOLUTION twice, without END SOLUTION between")
            _require(hint or not code, where, "no comment '# HINT: ...' directly above BEGIN SOLUTION")
            stub = f"raise NotImplementedError({json.dumps('hint: ' + hint, ensure_ascii=False)})"
            lines.append(line[: len(line) - len(line.lstrip())] + (stub if code else INVITATION))
            hint, inside = "", True
        elif "END SOLUTION" in line:
            _require(inside, where, "END SOLUTION without BEGIN SOLUTION")
            inside = False
        elif not inside:
            lines.append(line)
            if text.startswith("# HINT:"):
                hint = text.removeprefix("# HINT:").strip()
            else:  # the hint goes on in a comment, or has nothing to do with what follows
                hint = f"{hint} {text[1:].strip()}" if hint and text.startswith("#") else ""
    _require(not inside, where, "BEGIN SOLUTION without END SOLUTION")
    return "\n".join(lines)


def _pictures(outputs):
    kept = []
    for output in outputs:
        images = {kind: data for kind, data in output.get("data", {}).items() if kind.startswith("image/")}
        if images:
            kept.append(new_output("display_data", data=images, metadata=output.metadata))
    return kept


def _require(condition, where, message):
    if not condition:
        raise ExerciseError(f"{where}: {message}.")


def main(root=ROOT):
    """Make them, print how many, and return the exit code."""
    try:
        made, stale = make(root)
    except ExerciseError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"notebooks/exercises/student: {len(made)} written, {len(stale)} deleted.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
