"""Every committed lesson passes every check; and every check finds what it is there to find."""

import json

import pytest
from nbformat.v4 import new_output

from scripts.checks import (
    CHECKS,
    CheckError,
    claims_in_every_section,
    code_as_executed,
    executed_in_order,
    first_cell,
    frame,
    no_errors,
    no_machine_paths,
    pictures,
    prose,
    results_agree,
    setup_cell_is_the_template,
    short_cells,
    small,
    stamped_full,
)
from scripts.project import lesson_number, lessons
from scripts.setup_cell import setup_cell


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_lessons(check):
    wrong = []
    for path in lessons():
        try:
            check(path)
        except CheckError as error:
            wrong.append(str(error))
    assert not wrong, "\n".join(wrong)


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


def last(new):
    """Return a function that gives the last cell another source."""
    return lambda nb: nb.cells[-1].update(source=new)


ERROR = new_output("error", ename="ClaimError", evalue="", traceback=[])
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
    (first_cell, "no badge", first("colab-badge", "badge")),
    (first_cell, "another file's badge", first("01_toy", "02_toy")),
    (first_cell, "other address", first("some-owner", "other")),
    (first_cell, "other number", first("01 ·", "02 ·")),
    (first_cell, "no summary", first(">", "")),
    (claims_in_every_section, "no claim", source(4, "print(value)")),
    (claims_in_every_section, "claim in a comment", source(4, "# claim('x', True)")),
    (claims_in_every_section, "a number only", lambda nb: (nb.cells.pop(6), source(3, "value")(nb))),
    (small, "over 1 MB", lambda nb: code(nb)[3].outputs[0].data.update({"image/png": "A" * 1_000_000})),
    (short_cells, "31 lines", source(2, "\n".join(["x = 1"] * 31))),
    (pictures, "none at all", lambda nb: nb.cells.pop(6)),
    (pictures, "plots, shows nothing", source(2, "plotting.image_rows(x)")),
    (frame, "no recap", last("## Try it\n\n## References")),
    (frame, "other order", last("## Try it\n\n## Recap\n\n## References")),
    (prose, "too short", lambda nb: nb.cells[4].update(source="## A result\n\n" + "word " * 700)),
    (results_agree, "other seconds", lambda nb: stamp(nb).update(seconds=99.0)),
    (results_agree, "other data", lambda nb: stamp(nb)["data"][0].update(name="digits")),
    (no_machine_paths, "in an output", lambda nb: code(nb)[4].outputs[0].update(text="/home/ann/mnist.npz")),
    (no_machine_paths, "in the prose", last("see /tmp/x/y")),
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
