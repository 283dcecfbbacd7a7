"""Make the students' notebooks: `python -m scripts.student`.

notebooks/exercises/student/NN_topic_exercises.ipynb is notebooks/exercises/NN_topic_solved.ipynb without solutions,
outputs and stamp.
"""

import copy
import re
import sys

from scripts.project import ROOT, exercises, read_notebook, student_of, write_notebook

INVITATION = "*Write your answer here.*"  # also nbgrader's text_stub, see tests/classroom.py
STUB = r'\g<indent>raise NotImplementedError("hint: it unfolds in the text above")'
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
    `### END SOLUTION`, become one line that raises NotImplementedError; the hint unfolds in the text above. There,
    too, stand the pictures of cells that are tagged "keep-output": as attachments, which no execution removes. An
    answer in words becomes an invitation to write. Outputs go.

    Args:
        nb: notebook node.
        name: of its file, for messages.

    Raises:
        ExerciseError: for a solution without markers or hint, markers in a cell that nbgrader's metadata do
            not call a solution, or a solution with no text above.
    """
    nb = copy.deepcopy(nb)
    nb.metadata.pop("autoencoder_course", None)  # the stamp speaks of the solved code
    above = None  # the text above a cell
    for index, cell in enumerate(nb.cells, start=1):
        solution = cell.metadata.get("nbgrader", {}).get("solution", False)
        if cell.cell_type == "markdown":
            cell.source = INVITATION if solution else cell.source.replace("](../", "](../../")  # one folder deeper
            above = above if solution else cell
            continue
        hints = [_hint(match) for match in SOLUTION.finditer(cell.source)]
        cell.source = SOLUTION.sub(STUB, cell.source)
        if bool(hints) != solution or re.search(r"(BEGIN|END) SOLUTION", cell.source):
            wanted = (
                "'# HINT: ...', directly below '### BEGIN SOLUTION', then '### END SOLUTION', all in a solution cell"
            )
            raise ExerciseError(f"{name}, cell {index}: must hold {wanted}.")
        kept = cell.outputs if "keep-output" in cell.metadata.get("tags", []) else []
        pictures = [output for output in kept if "image/png" in output.get("data", {})]
        if (hints or pictures) and above is None:
            raise ExerciseError(f"{name}, cell {index}: there is no text above, for its hint or picture.")
        for picture in pictures:
            _attach(above, picture)
        for hint in hints:
            above.source += f"\n\n<details><summary>Hint</summary>\n\n{hint}\n\n</details>"
        cell.outputs, cell.execution_count = [], None
    return nb


def _attach(cell, picture):
    """Put the picture of an output into a Markdown cell."""
    attachments = cell.setdefault("attachments", {})
    file = f"expected{len(attachments) or ''}.png"
    attachments[file] = {"image/png": picture["data"]["image/png"]}
    alt = picture.get("metadata", {}).get("image/png", {}).get("alt", "what the solved notebook shows")
    cell.source += f"\n\nExpected:\n\n![{alt}](attachment:{file})"


def _hint(match):
    words = " ".join(line.strip().removeprefix("# ") for line in match["hint"].splitlines())
    return words.replace("<", "&lt;").replace("*", "\\*")


def make(root=ROOT):
    """Write the students' notebooks of all exercises below `root`, and delete those whose source is gone.

    Returns:
        (list of the paths written, list of the paths deleted).

    Raises:
        ExerciseError: before anything is written.
    """
    folder = root / "notebooks" / "exercises" / "student"
    made = {student_of(path): student(read_notebook(path), path.name) for path in exercises(root)}
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
