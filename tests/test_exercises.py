"""The exercises keep their rules; every check of the rules finds what it is there to find; unsolved, only they fail."""

import json
import os
import re
import sys

import matplotlib.pyplot as plt
import pytest
import tensorflow as tf
from IPython.display import display
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from checks import CheckFailed
from scripts import address, lesson, results
from scripts.project import (
    ROOT,
    code_sha256,
    exercises,
    find_lesson,
    lesson_of,
    lessons,
    read_notebook,
    student_of,
    write_notebook,
)
from scripts.setup_cell import badge, setup_cell
from scripts.student import make, student
from tests.rules import (
    EXERCISE_CHECKS,
    CheckError,
    a_cell_teaches_or_checks,
    answers_are_checked,
    code_as_executed,
    every_kind_of_exercise,
    executed_in_order,
    first_exercise_cell,
    formulas_are_typeset,
    minutes_and_difficulty,
    no_errors,
    no_machine_paths,
    pictures,
    points_add_up,
    setup_cell_is_the_template,
    short_cells,
    small,
    stamped_full,
)
from utils import claims, latent, stacking, training

# --- what is committed --------------------------------------------------------------------------------------


def test_every_lesson_has_exercises():
    assert [lesson_of(path) for path in exercises()] == lessons()


@pytest.mark.parametrize("check", EXERCISE_CHECKS, ids=lambda check: check.__name__)
def test_exercises(check):
    wrong = []
    for path in exercises():
        try:
            check(path)
        except CheckError as error:
            wrong.append(str(error))
    assert not wrong, "\n".join(wrong)


STUDENTS = sorted((ROOT / "notebooks" / "exercises" / "student").glob("*.ipynb"))


@pytest.mark.parametrize(
    "path", [*lessons(), *exercises(), *STUDENTS], ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_links_between_notebooks_lead_somewhere(path):
    words = "\n".join(cell.source for cell in read_notebook(path).cells if cell.cell_type == "markdown")
    links = [
        link
        for link in re.findall(r"\]\(([^)#]+)\)", words)
        if "://" not in link and not link.startswith("attachment:")
    ]
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.fixture
def room(monkeypatch, tmp_path):
    """A place to execute cells in this process: quick budget, no windows, everything as before afterwards."""
    monkeypatch.setenv("AE_BUDGET", "quick")
    monkeypatch.delenv("AE_RESULTS", raising=False)
    monkeypatch.setattr(claims, "_lesson", None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    # What training and maps of codes lead to is asked of the solved notebook: here one step, which is not compiled.
    fit = training.fit
    brief = {"epochs": 1, "xla": False}

    def one_step(model, x, y=None, *, batch_size=256, **settings):
        x, y = (values if values is None else values[:batch_size] for values in (x, y))
        return fit(model, x, y, batch_size=batch_size, **settings | brief)

    for module in (training, stacking):
        monkeypatch.setattr(module, "fit", one_step)
    monkeypatch.setattr(latent, "embed", lambda z, **settings: z.reshape(len(z), -1)[:, :2])
    folder = os.getcwd()
    tf.config.run_functions_eagerly(True)
    with plt.rc_context({"backend": "agg"}):
        yield ROOT / "notebooks" / "exercises" / "student"
    tf.config.run_functions_eagerly(False)
    plt.close("all")
    os.chdir(folder)


def marks(cell):
    """Return nbgrader's metadata of a cell, or {}."""
    return cell.metadata.get("nbgrader", {})


@pytest.mark.parametrize("path", exercises(), ids=lambda path: path.stem)
def test_unsolved_exactly_the_exercises_fail(path, room):
    """All cells of the student's version run, whether one above failed or not, as when a student goes on."""
    os.chdir(room)
    namespace, wrong = {"__name__": "__main__", "display": display}, []
    for index, cell in enumerate(read_notebook(student_of(path)).cells, start=1):
        if cell.cell_type != "code":
            continue
        error = None
        try:
            exec(compile(cell.source, f"{path.name}, cell {index}", "exec"), namespace)
        except Exception as caught:
            error = caught
        if marks(cell).get("grade"):
            good = isinstance(error, CheckFailed) and all(word in str(error) for word in ("Expected:", "Hint:"))
        elif marks(cell).get("solution"):  # a function's stub raises when it is called
            good = error is None or (isinstance(error, NotImplementedError) and str(error).startswith("hint: "))
        else:
            good = error is None
        if not good:
            wrong.append(f"cell {index}: {type(error).__name__}: {error}")
    assert not wrong, "\n".join(wrong)


# --- the rules, on a toy ------------------------------------------------------------------------------------

ALT = {"image/png": {"alt": "a dot"}}
SOLUTION = {"grade": False, "locked": False, "schema_version": 3, "solution": True, "task": False}
CHECK = {**SOLUTION, "grade": True, "locked": True, "solution": False}
ANSWER = {**SOLUTION, "grade": True}
FUNCTION = "def f(x):\n    # HINT: think\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"
PREDICTED = "guess = None\n# HINT: think\n### BEGIN SOLUTION\nguess = 1\n### END SOLUTION"
EXPLORED = "# HINT: think\n### BEGIN SOLUTION\nclaim('1 is below 2', guess < 2)\nrecord(0.1)\n### END SOLUTION"
IMPORTS = "from utils import claims as checks\nfrom utils.claims import claim, record"


def folded(cell):
    """Return a cell that is folded, as the setup cell is."""
    cell.metadata.update(jupyter={"source_hidden": True}, cellView="form", tags=["hide-input"])
    return cell


def nbgrader(cell, grade_id, metadata, **more):
    """Return the cell with nbgrader's metadata."""
    cell.metadata["nbgrader"] = {**metadata, "grade_id": grade_id, **more}
    return cell


@pytest.fixture
def toy_exercise(toy):
    """The toy project's solved exercises, executed and stamped by hand; path, and edit(function) as in `toy`."""
    picture = new_output("display_data", data={"image/png": toy.pixel, "text/plain": "<Image>"}, metadata=ALT)
    line = badge(toy.address, "exercises/student/01_toy_exercises.ipynb")
    first = f"# 01 · Exercises: A toy\n\n{line}\n\n> Practice.\n\nTo [01 · A toy](../01_toy.ipynb)."
    cells = [
        new_markdown_cell(first),
        folded(new_code_cell(setup_cell(toy.address))),
        new_code_cell(IMPORTS),
        new_markdown_cell("## Exercise 1: Same (implement, 2 points, 5 minutes, easy)\n\nIt is $x$."),
        nbgrader(new_code_cell(FUNCTION), "01-same", SOLUTION),
        nbgrader(new_code_cell("checks.claim('same', f(1) == 1)"), "01-same-check", CHECK, points=2),
        new_markdown_cell("## Exercise 2: Number (predict, 1 point, 5 minutes, easy)"),
        nbgrader(new_code_cell(PREDICTED), "01-number", SOLUTION),
        nbgrader(new_code_cell("checks.claim('one', guess == 1)"), "01-number-check", CHECK, points=1),
        new_markdown_cell("## Exercise 3: More (explore, 3 points, 5 minutes, easy)"),
        new_code_cell("checks.picture()", outputs=[picture]),
        nbgrader(new_code_cell(EXPLORED), "01-more", SOLUTION),
        nbgrader(new_markdown_cell("A good answer."), "01-words", ANSWER, points=3),
    ]
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"
    for count, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), start=1):
        cell.execution_count = count
    nb = new_notebook(cells=cells)
    stamp = {"budget": "full", "data": [toy.data], "seconds": 1.5, "megabytes": 100, "versions": {"python": "3"}}
    nb.metadata["autoencoder_course"] = stamp | {"code_sha256": code_sha256(nb, toy.address)}
    path = toy.root / "notebooks" / "exercises" / "01_toy_solved.ipynb"
    write_notebook(nb, path)

    def edit(function):
        nb = read_notebook(path)
        function(nb)
        write_notebook(nb, path)

    toy.lesson, toy.path, toy.edit = toy.path, path, edit
    return toy


@pytest.mark.parametrize("check", EXERCISE_CHECKS, ids=lambda check: check.__name__)
def test_good_toy_passes(toy_exercise, check):
    check(toy_exercise.path)


def cell(index, **new):
    """Return a function that changes a cell's source, or its nbgrader metadata."""

    def change(nb):
        if "source" in new:
            nb.cells[index].source = new["source"]
        else:
            nb.cells[index].metadata["nbgrader"].update(new)

    return change


def heading(index, old, new):
    """Return a function that replaces a part of a Markdown cell."""
    return lambda nb: nb.cells[index].update(source=nb.cells[index].source.replace(old, new))


ERROR = new_output("error", ename="CheckFailed", evalue="", traceback=[])
BREAKS = [
    (executed_in_order, "never executed", lambda nb: nb.cells[2].update(execution_count=None)),
    (no_errors, "error output", lambda nb: nb.cells[5].outputs.append(ERROR)),
    (stamped_full, "quick", lambda nb: nb.metadata["autoencoder_course"].update(budget="quick")),
    (code_as_executed, "changed", cell(5, source="checks.claim('same', True)")),
    (setup_cell_is_the_template, "another one", cell(1, source="import utils")),
    (minutes_and_difficulty, "no minutes", heading(6, ", 5 minutes, easy", "")),
    (formulas_are_typeset, "none", heading(3, "$", "")),
    (a_cell_teaches_or_checks, "a bare claim", cell(2, source="claim('x', True)")),
    (first_exercise_cell, "another title", heading(0, "A toy", "Toys")),
    (first_exercise_cell, "badge of the solved one", heading(0, "student/", "")),
    (first_exercise_cell, "no summary", heading(0, ">", "")),
    (first_exercise_cell, "no link to the lesson", heading(0, "(../", "(")),
    (every_kind_of_exercise, "no prediction", heading(6, "predict", "implement")),
    (every_kind_of_exercise, "an unknown kind", heading(6, "predict", "guess")),
    (every_kind_of_exercise, "a number twice", heading(6, "Exercise 2", "Exercise 1")),
    (every_kind_of_exercise, "no points", heading(6, ", 1 point", "")),
    (points_add_up, "another sum", cell(5, points=3)),
    (points_add_up, "an id twice", cell(8, grade_id="01-same")),
    (points_add_up, "another lesson's id", cell(8, grade_id="02-x")),
    (answers_are_checked, "no check", lambda nb: nb.cells.pop(5)),
    (answers_are_checked, "a cell between", lambda nb: nb.cells.insert(5, new_code_cell("x = 1"))),
    (answers_are_checked, "not locked", cell(5, locked=False)),
    (answers_are_checked, "a bare assertion", cell(5, source="assert f(1) == 1")),
    (answers_are_checked, "nothing to solve", lambda nb: (nb.cells.pop(7), nb.cells.pop(7))),
    (answers_are_checked, "an exploration without claims", heading(11, "claim(", "print(")),
    (answers_are_checked, "an exploration without words", lambda nb: nb.cells.pop()),
    (small, "over 1 MB", lambda nb: nb.cells[10].outputs[0].data.update({"image/png": "A" * 1_000_000})),
    (short_cells, "31 lines", cell(2, source="\n".join(["x = 1"] * 31))),
    (pictures, "none", lambda nb: nb.cells[10].update(outputs=[])),
    (no_machine_paths, "in the words", cell(12, source="see /home/ann/x")),
]


@pytest.mark.parametrize(("check", "what", "change"), BREAKS, ids=[f"{c.__name__}: {w}" for c, w, _ in BREAKS])
def test_broken_copy_is_found(toy_exercise, check, what, change):
    toy_exercise.edit(change)
    with pytest.raises(CheckError, match=r"^01_toy_solved\.ipynb: "):
        check(toy_exercise.path)


def test_every_check_has_a_broken_copy():
    assert {check for check, _, _ in BREAKS} == set(EXERCISE_CHECKS)


def test_the_remedy_speaks_of_the_exercise(toy_exercise):
    toy_exercise.edit(cell(5, source="checks.claim('same', True)"))
    with pytest.raises(CheckError, match="make exercise N=01"):
        code_as_executed(toy_exercise.path)


def test_a_lesson_without_its_file(toy_exercise):
    toy_exercise.lesson.unlink()
    with pytest.raises(CheckError, match=r"no lesson of this name, notebooks/01_toy\.ipynb"):
        first_exercise_cell(toy_exercise.path)


def test_exercises_are_found_by_their_number(toy_exercise):
    assert find_lesson("1", toy_exercise.root, exercise=True) == toy_exercise.path
    assert find_lesson("1", toy_exercise.root) == toy_exercise.lesson
    with pytest.raises(ValueError, match=r"no lesson '02' in notebooks/exercises/; there are: 01"):
        find_lesson("02", toy_exercise.root, exercise=True)


def test_an_exercise_is_executed_and_stamped_and_has_results_of_its_own(toy_exercise):
    toy_exercise.edit(cell(2, source=f"{IMPORTS}\n\nx=1"))
    before = toy_exercise.results.read_bytes()
    done = lesson.execute_in_place(toy_exercise.path, root=toy_exercise.root)
    for check in EXERCISE_CHECKS:
        check(toy_exercise.path)
    stamp = read_notebook(toy_exercise.path).metadata["autoencoder_course"]
    assert (stamp["budget"], stamp["megabytes"], stamp["seconds"]) == ("full", done["megabytes"], done["seconds"])
    assert 10 < stamp["megabytes"] < 10_000
    assert toy_exercise.results.read_bytes() == before
    written = toy_exercise.root / "results" / "exercises" / "01.json"
    assert json.loads(written.read_text(encoding="utf-8")) == done


def test_the_table_of_exercises(toy_exercise):
    rows = results.exercises_table(toy_exercise.root).splitlines()
    link = "[01 · Exercises: A toy](../notebooks/exercises/student/01_toy_exercises.ipynb)"
    assert rows[2].startswith(f"| {link} | [![Open in Colab]")
    names = "Same (implement, 2)<br>Number (predict, 1)<br>More (explore, 3)"
    assert rows[2].endswith(f"| {names} | [solved](../notebooks/exercises/01_toy_solved.ipynb) | 2 s | 0.1 GB |")
    toy_exercise.edit(lambda nb: nb.metadata.pop("autoencoder_course"))
    assert results.exercises_table(toy_exercise.root).endswith("| not run yet | – |")


def test_the_address_changes_in_both_versions(toy_exercise):
    make(toy_exercise.root)
    address.change("new-owner/new_name", toy_exercise.root)
    made = toy_exercise.path.parent / "student" / "01_toy_exercises.ipynb"
    for path in (toy_exercise.path, made):
        text = path.read_text(encoding="utf-8")
        assert toy_exercise.address not in text
        assert "new-owner/new_name/blob/main/notebooks/exercises/student/01_toy_exercises.ipynb" in text
    for check in EXERCISE_CHECKS:
        check(toy_exercise.path)
    before = made.read_bytes()
    make(toy_exercise.root)
    assert made.read_bytes() == before


def test_the_students_toy_keeps_every_cell(toy_exercise):
    solved = read_notebook(toy_exercise.path)
    made = student(solved, "01_toy.ipynb")
    changed = [a.id for a, b in zip(solved.cells, made.cells, strict=True) if a.source != b.source]
    assert changed == ["cell-0", "cell-3", "cell-4", "cell-6", "cell-7", "cell-9", "cell-11", "cell-12"]
