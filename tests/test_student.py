"""The students' notebooks, made from solved ones."""

import ast

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from scripts.project import ROOT, exercises, read_notebook, write_notebook
from scripts.student import INVITATION, ExerciseError, main, make, student

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
SOLUTION = {"grade": False, "grade_id": "01-pca", "locked": False, "schema_version": 3, "solution": True, "task": False}
CHECK = {**SOLUTION, "grade": True, "grade_id": "01-pca-check", "locked": True, "points": 2, "solution": False}
ANSWER = {**SOLUTION, "grade": True, "grade_id": "01-explore", "points": 3}
TWO = """\
def centre(x):
    # HINT: which mean?
    ### BEGIN SOLUTION
    mean = x.mean(axis=0)
    return x - mean
    ### END SOLUTION


# HINT: say "what" you see in C:\\new,
# and where
### BEGIN SOLUTION
y = centre(3)
### END SOLUTION
print(y)"""
TWO_STRIPPED = """\
def centre(x):
    raise NotImplementedError("hint: it unfolds in the text above")


raise NotImplementedError("hint: it unfolds in the text above")
print(y)"""


HINTS = ("which mean?", 'say "what" you see in C:\\new, and where')
STUB = 'raise NotImplementedError("hint: it unfolds in the text above")'
ALT = {"image/png": {"alt": "A dot"}}
ABOVE = new_markdown_cell("Do it.")


def code(source, nbgrader=None, **options):
    """Return an executed code cell."""
    cell = new_code_cell(source, execution_count=1, outputs=[new_output("stream", text="secret\n")], **options)
    return cell if nbgrader is None else with_metadata(cell, nbgrader)


def with_metadata(cell, nbgrader):
    """Return the cell with a copy of nbgrader's metadata."""
    cell.metadata["nbgrader"] = dict(nbgrader)
    return cell


def stripped(*cells):
    """Return the student's cells of a notebook of these cells."""
    return student(new_notebook(cells=list(cells)), "01_toy.ipynb").cells


HINT, BEGIN, END = "# HINT: h\n", "### BEGIN SOLUTION\n", "### END SOLUTION\n"


@pytest.fixture
def root(tmp_path):
    """Return a project's folder with one solved notebook."""
    cells = [
        new_markdown_cell("# 01 · Exercises"),
        code(TWO, SOLUTION),
        code("checks.centre(centre)", CHECK),
        with_metadata(new_markdown_cell("A good answer: secret."), ANSWER),
    ]
    metadata = {"autoencoder_course": {"budget": "full"}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    write_notebook(new_notebook(cells=cells, metadata=metadata), tmp_path / "notebooks/exercises/01_toy_solved.ipynb")
    return tmp_path


# --- one notebook -------------------------------------------------------------------------------------------


def test_solutions_become_one_line_each_and_hints_unfold_above():
    above, cell = stripped(new_markdown_cell("Do it."), code(TWO, SOLUTION))
    assert cell.source == TWO_STRIPPED
    ast.parse(cell.source)
    assert max(map(len, cell.source.splitlines())) <= 88
    first, second = (f"<details><summary>Hint</summary>\n\n{words}\n\n</details>" for words in HINTS)
    assert above.source == f"Do it.\n\n{first}\n\n{second}"


def test_a_solution_has_a_text_above():
    with pytest.raises(ExerciseError, match=r"01_toy\.ipynb, cell 1: there is no text above"):
        stripped(code(TWO, SOLUTION))


def test_tabs_are_kept_as_indentation():
    _, cell = stripped(ABOVE, code("if 1:\n\t# HINT: h\n\t### BEGIN SOLUTION\n\tx = 1\n\t### END SOLUTION", SOLUTION))
    assert cell.source == 'if 1:\n\traise NotImplementedError("hint: it unfolds in the text above")'


def test_manually_graded_code_is_stripped_too():
    _, cell = stripped(ABOVE, code("# HINT: h\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION", ANSWER))
    assert cell.source == 'raise NotImplementedError("hint: it unfolds in the text above")'


def test_what_stands_above_and_below_stays():
    source = f"guess = None  # first\n# a remark\n\n{HINT}{BEGIN}guess = 3\n{END}print(guess)"
    _, cell = stripped(ABOVE, code(source, SOLUTION))
    assert cell.source == f"guess = None  # first\n# a remark\n\n{STUB}\nprint(guess)"


def test_answers_in_words_become_an_invitation():
    (cell,) = stripped(with_metadata(new_markdown_cell("A good answer: secret."), ANSWER))
    assert cell.source == INVITATION


def test_links_lead_to_the_lesson_from_one_folder_deeper():
    (cell,) = stripped(new_markdown_cell("[01](../01_toy.ipynb), [x](https://x.org/../y), `../data`"))
    assert cell.source == "[01](../../01_toy.ipynb), [x](https://x.org/../y), `../data`"


def test_other_cells_keep_source_ids_and_metadata():
    cells = [new_markdown_cell("Words"), code("x = 1"), code("checks.x(x)", CHECK), code(TWO, SOLUTION)]
    cells[1].metadata["tags"] = ["parameters"]
    after = stripped(*cells)
    assert [cell.id for cell in after] == [cell.id for cell in cells]
    assert [cell.metadata for cell in after] == [cell.metadata for cell in cells]
    assert [cell.source for cell in after[1:3]] == [cell.source for cell in cells[1:3]]


def test_the_solved_notebook_is_not_changed():
    nb = new_notebook(cells=[ABOVE, code(TWO, SOLUTION)], metadata={"autoencoder_course": {}})
    student(nb, "01_toy.ipynb")
    assert (nb.cells[1].source, nb.cells[1].execution_count, len(nb.cells[1].outputs)) == (TWO, 1, 1)
    assert "autoencoder_course" in nb.metadata


def test_an_answer_in_words_is_no_place_for_hints():
    above, answer, _ = stripped(ABOVE, with_metadata(new_markdown_cell("secret"), ANSWER), code(TWO, SOLUTION))
    assert above.source.count("<details>") == 2
    assert answer.source == INVITATION


def test_outputs_go_and_expected_pictures_stand_in_the_text_above():
    drawn = [
        new_output("stream", text="secret\n"),
        new_output("display_data", data={"image/png": PIXEL, "text/plain": "secret"}, metadata=ALT),
        new_output("display_data", data={"image/png": PIXEL}),
        new_output("execute_result", data={"text/html": "secret"}, execution_count=7),
        new_output("error", ename="E", evalue="secret", traceback=[]),
    ]
    plain, kept = code("draw()"), code("draw()")
    plain.outputs, kept.outputs, kept.metadata["tags"] = drawn, drawn, ["keep-output"]
    above, plain, kept = stripped(new_markdown_cell("Look."), plain, kept)
    assert [(cell.outputs, cell.execution_count) for cell in (plain, kept)] == [([], None)] * 2
    assert above.attachments == {name: {"image/png": PIXEL} for name in ("expected.png", "expected1.png")}
    first, second = "![A dot](attachment:expected.png)", "](attachment:expected1.png)"
    assert above.source.startswith(f"Look.\n\nExpected:\n\n{first}")
    assert above.source.endswith(second)


@pytest.mark.parametrize(
    ("source", "nbgrader"),
    [
        (HINT + BEGIN + "x = 1\n", SOLUTION),
        (HINT + BEGIN + HINT + BEGIN + END + END, SOLUTION),
        ("x = 1\n" + END, SOLUTION),
        (HINT + BEGIN + END + "x = 1\n" + END, SOLUTION),
        (BEGIN + "x = 1\n" + END, SOLUTION),
        ("# HINT:\n" + BEGIN + END, SOLUTION),
        (HINT + "x = 1\n" + BEGIN + END, SOLUTION),
        (HINT + "\n" + BEGIN + END, SOLUTION),
        (HINT + BEGIN + "x = 1\n" + END + BEGIN + "y = 1\n" + END, SOLUTION),
        ("x = 1", SOLUTION),
        (HINT + BEGIN + "x = 1\n" + END, CHECK),
        (HINT + BEGIN + "x = 1\n" + END, None),
    ],
)
def test_mistakes_are_errors_that_name_file_and_cell(source, nbgrader):
    with pytest.raises(ExerciseError, match=r"^01_toy\.ipynb, cell 2: .*# HINT"):
        stripped(new_markdown_cell("# 01"), code(source, nbgrader))


# --- the folder ---------------------------------------------------------------------------------------------


def test_made_again_the_files_are_the_same_bytes(root):
    (path,), stale = make(root)
    first = path.read_bytes()
    assert path == root / "notebooks/exercises/student/01_toy_exercises.ipynb"
    assert (stale, b"secret" in first, b"autoencoder_course" in first) == ([], False, False)
    assert first.endswith(b"}\n")
    assert make(root) == ([path], [])
    assert path.read_bytes() == first
    path.unlink()
    make(root)
    assert path.read_bytes() == first


def test_ids_and_metadata_survive_the_files(root):
    (path,), _ = make(root)
    solved, made = read_notebook(root / "notebooks/exercises/01_toy_solved.ipynb"), read_notebook(path)
    assert [(cell.id, cell.metadata) for cell in made.cells] == [(cell.id, cell.metadata) for cell in solved.cells]
    assert made.metadata == {"kernelspec": solved.metadata["kernelspec"]}


def test_stale_notebooks_are_deleted_and_nothing_else(root):
    folder = root / "notebooks/exercises/student"
    folder.mkdir()
    for name in ("02_gone.ipynb", "my_copy.ipynb", "README.md"):
        (folder / name).write_text("{}")
    assert make(root)[1] == [folder / "02_gone.ipynb"]
    assert sorted(path.name for path in folder.iterdir()) == ["01_toy_exercises.ipynb", "README.md", "my_copy.ipynb"]


def test_an_error_leaves_everything_as_it_was(root, capsys):
    (path,), _ = make(root)
    before = path.read_bytes()
    source = root / "notebooks/exercises/01_toy_solved.ipynb"
    nb = read_notebook(source)
    nb.cells[0].source = "# 01 · Changed"
    write_notebook(nb, source)
    bad = new_notebook(cells=[code(BEGIN, SOLUTION)])
    write_notebook(bad, root / "notebooks/exercises/02_bad_solved.ipynb")
    stale = path.with_name("03_gone.ipynb")
    stale.write_text("{}")
    assert main(root) == 1
    assert capsys.readouterr().err.startswith("02_bad_solved.ipynb, cell 1: ")
    assert path.read_bytes() == before
    assert stale.exists()


def test_main_says_what_it_did(root, capsys):
    assert main(root) == 0
    assert capsys.readouterr().out == "notebooks/exercises/student: 1 written, 0 deleted.\n"


def test_a_project_without_exercises_is_no_error(tmp_path):
    assert make(tmp_path) == ([], [])


def test_what_is_committed_is_what_would_be_made(tmp_path):
    for path in exercises():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    made = {path.name: path.read_bytes() for path in make(tmp_path)[0]}
    committed = (ROOT / "notebooks" / "exercises" / "student").glob("*.ipynb")
    found = {path.name: path.read_bytes() for path in committed}
    other = [name for name in sorted(found.keys() | made.keys()) if found.get(name) != made.get(name)]
    assert not other, "run make student"
