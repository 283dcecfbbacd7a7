"""Every committed lesson passes every check; and every check finds what it is there to find."""

import json

import nbformat
import pytest
from ipykernel.ipkernel import IPythonKernel
from nbformat.v4 import new_output

from scripts.project import KERNELSPEC, exercises, lesson_number, lessons, student_of
from scripts.setup_cell import setup_cell
from tests.rules import (
    CHECKS,
    CheckError,
    a_cell_teaches_or_checks,
    claims_in_every_section,
    code_as_executed,
    ends_with_the_count,
    executed_in_order,
    first_cell,
    formulas_are_typeset,
    frame,
    main,
    network_is_drawn,
    no_errors,
    no_machine_paths,
    pictures,
    prose,
    quick_results,
    recap_asks,
    results_agree,
    setup_cell_is_the_template,
    short_cells,
    shown_in_the_gallery,
    small,
    stamped_full,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_lessons(check):
    wrong = []
    for path in lessons():
        try:
            check(path)
        except CheckError as error:
            wrong.append(str(error))
    assert not wrong, "\n".join(wrong)


def test_the_rules_from_the_command_line(toy, capsys):
    assert main([str(toy.path)]) == 0
    toy.edit(lambda nb: nb.cells[6].update(source="plotting.other()"))
    assert main([str(toy.path)]) == 1
    assert "01_toy.ipynb: the code changed after the execution; make lesson N=01." in capsys.readouterr().err


@pytest.mark.parametrize("path", [*lessons(), *exercises(), *map(student_of, exercises())], ids=lambda path: path.stem)
def test_opened_and_saved_in_jupyter_nothing_changes(path):
    text = path.read_text(encoding="utf-8")
    nb = json.loads(
        text, parse_float=lambda digits: int(float(digits)) if float(digits).is_integer() else float(digits)
    )
    assert nbformat.writes(nbformat.from_dict(nb)) + "\n" == text
    assert nb["metadata"]["kernelspec"] == KERNELSPEC
    assert set(nb["metadata"]["language_info"]) == set(IPythonKernel.language_info)


def test_lessons_are_numbered_once():
    numbers = [lesson_number(path) for path in lessons()]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_good_toy_passes(toy, check):
    check(toy.path)


def stamp(nb):
    return nb.metadata["autoencoder_course"]


def code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def move(cells, old, new):
    cells.insert(new, cells.pop(old))


def source(index, new):
    """Return a function that gives the code cell of this index another source."""
    return lambda nb: code(nb)[index].update(source=new)


def first(old, new):
    """Return a function that replaces a part of the first cell."""
    return lambda nb: nb.cells[0].update(source=nb.cells[0].source.replace(old, new))


def words(index, old, new):
    """Return a function that replaces a part of a cell."""
    return lambda nb: nb.cells[index].update(source=nb.cells[index].source.replace(old, new))


def last(new):
    """Return a function that gives the last Markdown cell another source."""
    return lambda nb: nb.cells[9].update(source=new)


def unfold(index):
    """Return a function that unfolds a cell in JupyterLab."""
    return lambda nb: nb.cells[index].metadata.pop("jupyter")


ERROR = new_output("error", ename="ClaimError", evalue="", traceback=[])
QUESTION = "<details><summary>Why?</summary>\n\nSo.\n\n</details>"
BREAKS = [
    (executed_in_order, "never executed", lambda nb: code(nb)[1].update(execution_count=None)),
    (executed_in_order, "out of order", lambda nb: move(nb.cells, 5, 6)),
    (executed_in_order, "empty cell", source(1, "  \n")),
    (no_errors, "error output", lambda nb: code(nb)[2].outputs.append(ERROR)),
    (stamped_full, "quick budget", lambda nb: stamp(nb).update(budget="quick")),
    (stamped_full, "no stamp", lambda nb: nb.metadata.pop("autoencoder_course")),
    (stamped_full, "no data", lambda nb: stamp(nb).update(data=[])),
    (stamped_full, "unverified", lambda nb: stamp(nb)["data"][0].update(verified=False)),
    (stamped_full, "stand-in", lambda nb: stamp(nb)["data"][0].update(fallback=True)),
    (code_as_executed, "changed constant", source(2, "value = 0.1\nrecord(value)")),
    (code_as_executed, "cell removed", lambda nb: nb.cells.pop(6)),
    (setup_cell_is_the_template, "changed", source(0, "import utils")),
    (setup_cell_is_the_template, "other address", source(0, setup_cell("other/name"))),
    (setup_cell_is_the_template, "not first", lambda nb: move(nb.cells, 3, 2)),
    (setup_cell_is_the_template, "not folded", unfold(2)),
    (first_cell, "no badge", first("colab-badge", "badge")),
    (first_cell, "another file's badge", first("01_toy", "02_toy")),
    (first_cell, "other address", first("some-owner", "other")),
    (first_cell, "other number", first("01 ·", "02 ·")),
    (first_cell, "no summary", first(">", "")),
    (claims_in_every_section, "no claim", source(4, "print(value)")),
    (claims_in_every_section, "claim in a comment", source(4, "# claim('x', True)")),
    (small, "over 1 MB", lambda nb: code(nb)[3].outputs[0].data.update({"image/png": "A" * 1_000_000})),
    (short_cells, "31 lines", source(1, "\n".join(["x = 1"] * 31))),
    (short_cells, "41 lines of checks", source(2, "\n".join(["x = 1"] * 41))),
    (short_cells, "a wide line", source(1, "x = '" + 83 * "a" + "'")),
    (short_cells, "fmt: skip", source(1, "x = (1,)  # fmt: skip")),
    (pictures, "none at all", lambda nb: [cell.update(outputs=[]) for cell in code(nb)]),
    (pictures, "no alt text", lambda nb: code(nb)[3].outputs[0].metadata.clear()),
    (pictures, "a drawing without title", lambda nb: code(nb)[5].outputs[0].data.update({"image/svg+xml": "<svg/>"})),
    (pictures, "HTML without alt text", lambda nb: code(nb)[3].outputs[0].data.update({"text/html": "<img src='x'>"})),
    (pictures, "one of two", lambda nb: code(nb)[3].outputs[0].data.update({"text/html": "<img alt='a'><img>"})),
    (pictures, "plots, shows nothing", source(2, "plotting.image_rows(x)")),
    (frame, "no recap", last("## Try it\n\n## References")),
    (frame, "other order", last("## Try it\n\n## Recap\n\n## References")),
    (prose, "too long", lambda nb: nb.cells[4].update(source="## A result\n\n" + "word " * 2700)),
    (formulas_are_typeset, "none", words(4, "$", "")),
    (formulas_are_typeset, "a Greek letter", words(4, "It is", "It is β")),
    (formulas_are_typeset, "a hat", words(4, "It is", "It is x̂")),
    (network_is_drawn, "no drawing", lambda nb: nb.cells.pop(8)),
    (network_is_drawn, "drawn otherwise", words(8, "diagrams.draw()", "draw()")),
    (a_cell_teaches_or_checks, "a claim among taught lines", source(1, "claim('x', True)")),
    (a_cell_teaches_or_checks, "the same by the module's name", source(1, "claims.record('x', 1, 'nats')")),
    (a_cell_teaches_or_checks, "a check that builds", source(4, "# @title It\nclaim('x', keras.Model(x, x).built)")),
    (a_cell_teaches_or_checks, "a check that trains", source(4, "# @title It\nmodel.fit(x)\nclaim('x', True)")),
    (a_cell_teaches_or_checks, "the tag without a claim", source(4, "# @title Nothing\nvalue")),
    (a_cell_teaches_or_checks, "a check that plots", source(4, "# @title It\nclaim('x', True)\nplotting.curves(1)")),
    (a_cell_teaches_or_checks, "not folded", unfold(5)),
    (a_cell_teaches_or_checks, "no title", source(4, "claim('x', True)")),
    (recap_asks, "no question", words(9, "<details>", "")),
    (recap_asks, "four questions", words(9, "## Recap", f"## Recap\n\n{QUESTION}\n")),
    (recap_asks, "not its end", words(9, "## Try it", "More.\n\n## Try it")),
    (recap_asks, "answers that are no Markdown", words(9, "</summary>\n\n", "</summary>")),
    (ends_with_the_count, "ends otherwise", words(10, "finish()", "print()")),
    (shown_in_the_gallery, "no tag", lambda nb: nb.cells[6].metadata.clear()),
    (shown_in_the_gallery, "a tag without picture", lambda nb: nb.cells[3].metadata.update(tags=["gallery"])),
    (prose, "too short", lambda nb: nb.cells[4].update(source="## A result\n\n" + "word " * 700)),
    (results_agree, "other seconds", lambda nb: stamp(nb).update(seconds=99.0)),
    (results_agree, "other data", lambda nb: stamp(nb)["data"][0].update(name="digits")),
    (no_machine_paths, "in an output", lambda nb: code(nb)[4].outputs[0].update(text="/home/ann/mnist.npz")),
    (no_machine_paths, "in the prose", last("see /tmp/x/y")),
    (no_machine_paths, "an address", lambda nb: code(nb)[4].outputs[0].update(text="<History at 0x7f3c>")),
]


@pytest.mark.parametrize(("check", "what", "change"), BREAKS, ids=[f"{c.__name__}: {w}" for c, w, _ in BREAKS])
def test_broken_copy_is_found(toy, check, what, change):
    toy.edit(change)
    with pytest.raises(CheckError, match=r"^01_toy\.ipynb: "):
        check(toy.path)


def test_every_check_has_a_broken_copy():
    assert {check for check, _, _ in BREAKS} == set(CHECKS)


def test_missing_results_are_found(toy):
    toy.results.unlink()
    with pytest.raises(CheckError, match=r"results/01\.json is missing; make lesson N=01"):
        results_agree(toy.path)


def test_results_without_headline_are_found(toy):
    results = json.loads(toy.results.read_text(encoding="utf-8"))
    results["metrics"]["toy"]["headline"] = False
    toy.results.write_text(json.dumps(results), encoding="utf-8")
    with pytest.raises(CheckError, match="headline"):
        results_agree(toy.path)


@pytest.mark.parametrize("text", ["see https://example.org/home/page", "pixels in /255", "## and/or", "data/README.md"])
def test_addresses_are_not_machine_paths(toy, text):
    toy.edit(lambda nb: nb.cells[-1].update(source=text))
    no_machine_paths(toy.path)


GOOD = {"claims": {"checked": 4, "sentences": 5 * ["it"], "untold": []}}
GOOD |= {"metrics": {"toy": {"headline": True, "beats": True, "value": 1, "baseline": {"value": 2}}}}


def test_good_quick_results(toy):
    quick_results(toy.path, GOOD)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"claims": GOOD["claims"] | {"checked": 3}}, "only 3 of 5 claims"),
        ({"claims": GOOD["claims"] | {"untold": ["d = 3"]}}, "did not print"),
        ({"metrics": {"toy": GOOD["metrics"]["toy"] | {"beats": False}}}, "1 against the baseline's 2"),
        ({"metrics": {"toy": GOOD["metrics"]["toy"] | {"beats": None, "baseline": None}}}, "baseline's None"),
    ],
)
def test_quick_results_that_refute_the_lesson(toy, change, message):
    with pytest.raises(CheckError, match=message):
        quick_results(toy.path, GOOD | change)


def test_another_setup_cell_asks_for_no_execution(toy):
    toy.edit(source(0, "import utils"))
    code_as_executed(toy.path)
