"""Make the students' notebooks: `python -m scripts.student`.

notebooks/exercises/student/NN_topic.ipynb is notebooks/exercises/NN_topic.ipynb without solutions, outputs and stamp.
"""

import copy
import json
import re
import sys

from nbformat.v4 import new_output

from scripts.project import ROOT, exercises, read_notebook, write_notebook

INVITATION = "*Write your answer here.*"  # also nbgrader's text_stub, see scripts/classroom_test.py
SOLUTION = re.compile(
    r"^(?P<indent>[ \t]*)# HINT: (?P<hint>.*\n(?:[ \t]*# .*\n)*)"  # the hint may go on in further comment lines
    r"[ \t]*### BEGIN SOLUTION\n(?s:.*?)^[ \t]*### END SOLUTION$",
    re.MULTILINE,
)


class ExerciseError(ValueError):
    """A solved notebook cannot be made into a student's; the message names the file and the cell."""


def student(nb, name):
    """Return a copy of a solved notebook as the students get it; cell ids and cell metadata stay.

    In code, a comment `# HINT: ...` and the solution right below it, from `### BEGIN SOLUTION` to
    `### END SOLUTION`, become one line that raises NotImplementedError with the hint. An answer in words becomes an
    invitation to write. Outputs go, except the pictures of cells that are tagged "keep-output".

    Args:
        nb: notebook node.
        name: of its file, for messages.

    Raises:
        ExerciseError: for a solution without markers or hint, or markers in a cell that nbgrader's metadata do
            not call a solution.
    """
    nb = copy.deepcopy(nb)
    nb.metadata.pop("autoencoder_course", None)  # the stamp speaks of the solved code
    for index, cell in enumerate(nb.cells, start=1):
        solution = cell.metadata.get("nbgrader", {}).get("solution", False)
        if cell.cell_type == "markdown":
            cell.source = INVITATION if solution else cell.source.replace("](../", "](../../")  # one folder deeper
            continue
        cell.source, count = SOLUTION.subn(_stub, cell.source)
        if bool(count) != solution or re.search(r"(BEGIN|END) SOLUTION", cell.source):
            wanted = (
                "'# HINT: ...', directly below '### BEGIN SOLUTION', then '### END SOLUTION', all in a solution cell"
            )
            raise ExerciseError(f"{name}, cell {index}: must hold {wanted}.")
        pictures = cell.outputs if "keep-output" in cell.metadata.get("tags", []) else []
        data = [{kind: data for kind, data in o.get("data", {}).items() if kind == "image/png"} for o in pictures]
        cell.outputs = [new_output("display_data", data=images) for images in data if images]
        cell.execution_count = None
    return nb


def _stub(match):
    hint = " ".join(line.strip().removeprefix("# ") for line in match["hint"].splitlines())
    return f"{match['indent']}raise NotImplementedError({json.dumps('hint: ' + hint, ensure_ascii=False)})"


def make(root=ROOT):
    """Write the students' notebooks of all exercises below `root`, and delete those whose source is gone.

    Returns:
        (list of the paths written, list of the paths deleted).

    Raises:
        ExerciseError: before anything is written.
    """
    folder = root / "notebooks" / "exercises" / "student"
    made = {folder / path.name: student(read_notebook(path), path.name) for path in exercises(root)}
    for path, nb in made.items():
        write_notebook(nb, path)
    stale = sorted(set(folder.glob("[0-9][0-9]_*.ipynb")) - set(made))
    for path in stale:
        path.unlink()
    return list(made), stale


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
