"""nbgrader grades the exercises: `make classroom-test`, in an environment of its own, .venv-classroom.

A toy course of two solved notebooks is made in a temporary folder. The solved notebooks must get full marks; the
students' notebooks of scripts.student, handed in unchanged, and nbgrader's own release must get none. Once with
two notebooks that take no time, once with two real exercises in the quick budget.

`make test` leaves this file alone: nbgrader and what it brings along are not among the course's packages. The
notebooks run in the course's own environment, .venv, which the Makefile registers as .venv-classroom's kernel.
"""

import os
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from scripts import project
from scripts.project import KERNELSPEC, ROOT, read_notebook, write_notebook
from scripts.student import INVITATION, student

ASSIGNMENT = "exercises"
COMMON = {"schema_version": 3, "task": False}


def toy(number):
    """Return a solved notebook with an implemented function, a measured number and an answer in words."""

    def cell(new, source, name, **nbgrader):
        return new(source, metadata={"nbgrader": {**COMMON, "grade_id": f"{number}-{name}", **nbgrader}})

    solution = {"grade": False, "locked": False, "solution": True}
    check = {"grade": True, "locked": True, "solution": False, "points": 2}
    function = "def double(x):\n    # HINT: add\n    ### BEGIN SOLUTION\n    return x + x\n    ### END SOLUTION"
    guess = "# HINT: guess\n### BEGIN SOLUTION\nguess, measured = 3, double(2)\n### END SOLUTION"
    cells = [
        new_markdown_cell(f"# {number} · Exercises"),
        cell(new_code_cell, function, "double", **solution),
        cell(new_code_cell, "assert double(2) == 4\nprint('as expected')", "double-check", **check),
        cell(new_code_cell, guess, "guess", **solution),
        cell(new_code_cell, "assert guess is not None and measured == 4", "guess-check", **check),
        cell(new_markdown_cell, "A good answer.", "explore", grade=True, locked=False, solution=True, points=3),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": dict(KERNELSPEC)})


def exercises(kind):
    """Return {file name: solved notebook} of the toys or of the first two real exercises."""
    if kind == "toy":
        return {f"{number}_toy.ipynb": toy(number) for number in ("01", "02")}
    return {path.name: read_notebook(path) for path in project.exercises()[:2]}


@pytest.fixture(scope="module", params=["toy", "real"])
def course(request, tmp_path_factory):
    """Return a graded course: its API, and the solved notebooks."""
    solved, folder = exercises(request.param), tmp_path_factory.mktemp("room") / "course"
    for name in ("utils", "checks", "notebooks"):  # for the setup cell, which looks for them in the folders above
        (folder.parent / name).symlink_to(ROOT / name)
    for name, nb in solved.items():
        write_notebook(nb, folder / "source" / ASSIGNMENT / name)
        write_notebook(nb, folder / "submitted" / "solved" / ASSIGNMENT / name)
        write_notebook(student(nb, name), folder / "submitted" / "stub" / ASSIGNMENT / name)

    config = Config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.course_id = "autoencoders"
    config.Exchange.root = str(folder.parent)
    config.ClearSolutions.text_stub = INVITATION  # so that an answer left blank gets 0 without a look
    config.Execute.timeout = 300  # seconds a cell; nbgrader's own 30 are too few for a training
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # nbgrader calls alembic by its name
        patch.setenv("AE_BUDGET", "quick")
        api = NbGraderAPI(config=config)
        succeed(api.generate_assignment(ASSIGNMENT))
        for name in solved:
            released = read_notebook(folder / "release" / ASSIGNMENT / name)
            write_notebook(released, folder / "submitted" / "released" / ASSIGNMENT / name)
        for submission in ("solved", "stub", "released"):
            succeed(api.autograde(ASSIGNMENT, submission))
    return api, solved


def succeed(result):
    """Fail with nbgrader's log unless it says that it succeeded."""
    assert result["success"], result.get("error", "") + result.get("log", "")


def cells(solved, solution):
    """Return {(notebook, grade_id): points} of the graded cells that are (or are not) solutions themselves."""
    return {
        (name.removesuffix(".ipynb"), cell.metadata["nbgrader"]["grade_id"]): cell.metadata["nbgrader"]["points"]
        for name, nb in solved.items()
        for cell in nb.cells
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.metadata["nbgrader"]["solution"] == solution
    }


def grades(api, submission):
    """Return {(notebook, grade_id): (automatic score, does a teacher have to look)}."""
    with api.gradebook as gradebook:
        notebooks = gradebook.find_submission(ASSIGNMENT, submission).notebooks
        return {(nb.name, g.name): (g.auto_score, g.needs_manual_grade) for nb in notebooks for g in nb.grades}


def test_solved_gets_full_marks_and_the_words_wait_for_the_teacher(course):
    api, solved = course
    full = {key: (points, False) for key, points in cells(solved, solution=False).items()}
    assert len({notebook for notebook, _ in full}) == 2
    assert grades(api, "solved") == full | dict.fromkeys(cells(solved, solution=True), (None, True))


def test_with_the_teachers_points_the_sum_is_the_maximum(course):
    api, solved = course
    with api.gradebook as gradebook:
        for (notebook, grade_id), points in cells(solved, solution=True).items():
            grade = gradebook.find_grade(grade_id, notebook, ASSIGNMENT, "solved")
            grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()
    with api.gradebook as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, "solved")
        assert submission.score == submission.max_score > 0
        assert not submission.needs_manual_grade


@pytest.mark.parametrize("submission", ["stub", "released"])
def test_an_unsolved_notebook_gets_nothing_and_needs_no_look(course, submission):
    api, solved = course
    keys = [*cells(solved, solution=False), *cells(solved, solution=True)]
    assert grades(api, submission) == dict.fromkeys(keys, (0, False))
    with api.gradebook as gradebook:
        assert gradebook.find_submission(ASSIGNMENT, submission).score == 0
