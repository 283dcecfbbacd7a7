"""What every committed lesson must be: one function per rule, over the path of a notebook.

A check returns nothing when all is well, and raises CheckError, naming the cell and the remedy, otherwise.
`CHECKS` lists those of the lessons, `EXERCISE_CHECKS` those of the solved exercises. `python -m tests.rules FILES`
holds notebooks to them, as pre-commit does.
"""

import json
import re
import sys
from pathlib import Path

from scripts.project import (
    CheckError,
    code_sha256,
    doubtful,
    exercises_of,
    is_exercise,
    lesson_number,
    lesson_of,
    plain_output,
    read_notebook,
    repository,
    root_of,
    sections,
    student_of,
    summary,
    title,
)
from scripts.setup_cell import badge, setup_cell

MAX_BYTES = 1_000_000
MAX_LINES, MAX_CHECKS = 30, 40  # lines of a code cell; of one that checks, which is folded
MIN_WORDS = 800  # of prose, in all Markdown cells together
KINDS = ("implement", "predict", "explore")  # of exercises
MAX_WORDS = 2_700
MAX_WIDTH = 88  # of a line of code
SHARE = 0.8  # of its claims that a notebook checks in the quick budget
CHECKING = re.compile(r"^[^#\n]*(?<![.\w])(claims\.)?(claim|record|finish)\(", re.MULTILINE)
TEACHING = re.compile(r"^[^#\n]*\b((?:plotting|diagrams|interactive|plt)\.\w|(?:fit|Model|Sequential)\()", re.MULTILINE)
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # in JupyterLab, in Colab
FORMULA = re.compile(r"\$[^$]+\$")
UNTYPESET = re.compile(r"[∂∫√∑∏½‖∇∈⊙ℝᵀⁿˡ²³⁰¹⁴-⁹⁻₀-₉α-ωΑ-Ω]|\u0302")
QUESTION = r"<details>\s*<summary>[^\n]+\?</summary>\n\n.+?\n\n</details>\s*"  # the empty lines: Markdown inside
FRAME = ("In this lesson", "Recap", "Try it", "References")
WITHOUT_CLAIMS = (*FRAME, "Setup", "Parameters")


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
    same = code_sha256(read_notebook(path), repository(root_of(path))) == _stamp(path).get("code_sha256")
    _require(same, path, "the code changed after the execution; " + _again(path))


def setup_cell_is_the_template(path):
    """The first code cell is the setup cell, the same in every notebook."""
    first = next((cell for _, cell in _code(read_notebook(path))), None)
    expected = setup_cell(repository(root_of(path)))
    good = first and first.source == expected
    _require(good, path, "the first code cell is not the setup cell; see python -m scripts.setup_cell")
    _require(_is_folded(first), path, f"the setup cell is not folded: {_how_to_fold()}")


def first_cell(path):
    """The first cell: `# 01 · Title`, the Colab badge of this very file, a summary that starts with `>`."""
    nb, number = read_notebook(path), lesson_number(path)
    expected = badge(repository(root_of(path)), path.name)
    _require(title(nb).startswith(f"{number} · "), path, f"the first line is not '# {number} · Title'")
    _require(expected in nb.cells[0].source.splitlines(), path, f"the first cell lacks the line {expected}")
    _require(summary(nb), path, "the first cell lacks the line '> ' with a one-sentence summary")


def first_exercise_cell(path):
    """The first cell: `# 01 · Exercises: Title` after the lesson's, the badge of the student's version, a summary."""
    nb, number, source = read_notebook(path), lesson_number(path), read_notebook(path).cells[0].source
    lesson = lesson_of(path)
    _require(lesson.exists(), path, f"there is no lesson of this name, notebooks/{lesson.name}")
    expected = title(read_notebook(lesson)).replace(f"{number} · ", f"{number} · Exercises: ")
    _require(title(nb) == expected, path, f"the first line is not '# {expected}'")
    expected = badge(repository(root_of(path)), f"exercises/student/{student_of(path).name}")
    _require(expected in source.splitlines(), path, f"the first cell lacks the line {expected}")
    _require(summary(nb), path, "the first cell lacks the line '> ' with a one-sentence summary")
    _require(f"](../{lesson.name})" in source, path, f"the first cell does not link to the lesson, ../{lesson.name}")


def every_kind_of_exercise(path):
    """Numbered headings `## Exercise 1: Name (implement, 2 points)`; all of `KINDS` occur."""
    found = exercises_of(path)
    numbers = [exercise.number for exercise in found]
    _require(numbers == list(range(1, len(found) + 1)), path, f"the exercises have the numbers {numbers}")
    _require({exercise.kind for exercise in found} == set(KINDS), path, f"not all kinds are there: {KINDS}")


def points_add_up(path):
    """The points in an exercise's heading are those of its graded cells, and every grade_id occurs once."""
    for number, _, _, points, *_, cells in exercises_of(path):
        graded = sum(cell.metadata.nbgrader.points for cell in cells if _nbgrader(cell).get("grade"))
        _require(graded == points, path, f"exercise {number} promises {points} points, its graded cells give {graded}")
    ids = [cell.metadata.nbgrader.grade_id for cell in read_notebook(path).cells if _nbgrader(cell)]
    _require(len(ids) == len(set(ids)), path, "a grade_id occurs twice")
    _require(all(name.startswith(f"{lesson_number(path)}-") for name in ids), path, "a grade_id lacks its number")


def answers_are_checked(path):
    """Every answer of an exercise to implement or to predict has a check; every exploration claims, and has words.

    A code cell to be solved is followed by a locked cell with points that calls `checks.`, with no other code
    between. An exploration's own code, ungraded, holds claims instead, and a graded Markdown cell follows.
    """
    for number, _, kind, *_, cells in exercises_of(path):
        code = [cell for cell in cells if cell.cell_type == "code"]
        answers = [index for index, cell in enumerate(code) if _nbgrader(cell).get("solution")]
        _require(answers, path, f"exercise {number} has no code cell to be solved")
        for index in answers if kind != "explore" else ():
            check = code[index + 1] if index + 1 < len(code) else code[index]
            marks = [_nbgrader(check).get(key) for key in ("grade", "locked", "solution")]
            good = marks == [True, True, False] and "checks." in check.source
            _require(good, path, f"exercise {number}: no check cell (locked, graded) follows an answer")
        if kind == "explore":
            claims = any(re.search(r"^[^#\n]*\bclaim\(", code[index].source, re.MULTILINE) for index in answers)
            _require(claims, path, f"exercise {number}: the model answer claims nothing: add claim(...)")
            words = [cell for cell in cells if cell.cell_type == "markdown" and _nbgrader(cell).get("solution")]
            _require(words, path, f"exercise {number}: there is no Markdown cell with what a good answer contains")


def claims_in_every_section(path):
    """Every section with a result asserts something.

    A section goes from one `## ` heading to the next. It has a result when one of its code cells shows a
    picture or prints a digit. Then one of its code cells must call `claim(`. What comes before the first such
    heading and the sections in `WITHOUT_CLAIMS` are exempt.
    """
    for heading, cells in sections(read_notebook(path)):
        code = [cell for cell in cells if cell.cell_type == "code"]
        if heading not in WITHOUT_CLAIMS and any(_has_result(cell) for cell in code):
            claimed = any(re.search(r"^[^#\n]*\bclaim\(", cell.source, re.MULTILINE) for cell in code)
            _require(claimed, path, f"section {heading!r} shows a result and claims nothing: add claim(...)")


def small(path):
    """The file is under `MAX_BYTES`."""
    size = path.stat().st_size
    _require(size < MAX_BYTES, path, f"{size:,} bytes; must be under {MAX_BYTES:,}: fewer or smaller figures")


def short_cells(path):
    """No code cell has more than `MAX_LINES` lines (`MAX_CHECKS`), none of them over `MAX_WIDTH`."""
    for index, cell in _code(read_notebook(path)):
        lines = cell.source.splitlines()
        most = MAX_CHECKS if "claims" in cell.metadata.get("tags", []) else MAX_LINES
        _require(len(lines) <= most, path, f"cell {index} has {len(lines)} lines, more than {most}; split it")
        wide = [line for line in lines if len(line) > MAX_WIDTH]
        _require(not wide, path, f"cell {index} has lines of more than {MAX_WIDTH} characters: {wide[:1]}")
        _require("fmt: skip" not in cell.source, path, f"cell {index} says 'fmt: skip'")


def pictures(path):
    """There is a picture, and every cell that calls `plotting.` shows one, with alt text."""
    code = list(_code(read_notebook(path)))
    for index, cell in code:
        _require(all(map(_has_alt, cell.outputs)), path, f"cell {index} shows a picture without alt text")
    _require(any(_has_picture(cell) for _, cell in code), path, "there is no picture (image/png)")
    for index, cell in code:
        plots = re.search(r"^[^#\n]*\bplotting\.\w+\(", cell.source, re.MULTILINE)
        _require(not plots or _has_picture(cell), path, f"cell {index} plots, but shows no picture")


def frame(path):
    """The sections of `FRAME` are there, in this order, each once."""
    headings = [heading for heading, _ in sections(read_notebook(path)) if heading in FRAME]
    _require(headings == list(FRAME), path, f"its sections {headings} should be {list(FRAME)}")


def prose(path):
    """The Markdown cells hold at least `MIN_WORDS` words in all, at most `MAX_WORDS`."""
    words = len(_prose(path).split())
    _require(words >= MIN_WORDS, path, f"{words} words of prose; at least {MIN_WORDS}")
    _require(words <= MAX_WORDS, path, f"{words} words of prose; at most {MAX_WORDS}")


def formulas_are_typeset(path):
    """There are formulas between dollars, and no symbols of formulas outside them (or outside code)."""
    prose = re.sub(r"```.*?```|`[^`]*`", "", _prose(path), flags=re.DOTALL)
    _require(FORMULA.search(prose), path, "no formula is typeset: write $...$")
    rest = re.sub(r"\$\$.*?\$\$|\$[^$]+\$", "", prose, flags=re.DOTALL)
    line = next((line for line in rest.splitlines() if UNTYPESET.search(line)), None)
    _require(line is None, path, f"formulas belong between dollars: {line!r}")


def network_is_drawn(path):
    """A cell draws a network from its Keras model: it calls `diagrams.`, and shows an SVG and a PNG, see `bundle`."""
    kinds, code = {"image/svg+xml", "image/png"}, (cell for _, cell in _code(read_notebook(path)))
    outputs = [output for cell in code if "diagrams." in cell.source for output in cell.outputs]
    drawn = any(kinds <= set(output.get("data", {})) for output in outputs)
    _require(drawn, path, "no network is drawn: diagrams.draw(model)")


def a_cell_teaches_or_checks(path):
    """Claims and records stand in cells of their own, tagged and folded; a solution of an exercise may hold its own."""
    for index, cell in _code(read_notebook(path)):
        if _nbgrader(cell).get("solution"):
            continue
        checks, tagged = bool(CHECKING.search(cell.source)), "claims" in cell.metadata.get("tags", [])
        _require(checks == tagged, path, f"cell {index}: the tag 'claims' and claim(...), record(...) go together")
        if checks:
            taught = TEACHING.search(cell.source)
            _require(not taught, path, f"cell {index} checks and teaches ({taught and taught[1]}); split it")
            _require(_is_folded(cell), path, f"cell {index} is not folded: {_how_to_fold()}")


def recap_asks(path):
    """The recap ends with three questions whose answers unfold, and are Markdown: empty lines stand around them."""
    recap = _prose(path).partition("## Recap")[2].partition("\n## ")[0]
    good = recap.count("<details>") == 3 and re.search(f"({QUESTION}){{3}}$", recap, flags=re.DOTALL)
    form = "'<details><summary>Why?</summary>', an empty line, the answer, an empty line, '</details>'"
    _require(good, path, f"the recap is to end with three questions: {form}")


def ends_with_the_count(path):
    """The last code cell calls `finish()`."""
    *_, (index, cell) = _code(read_notebook(path))
    _require(re.search(r"^finish\(\)", cell.source, re.MULTILINE), path, f"cell {index}, the last, lacks finish()")


def shown_in_the_gallery(path):
    """One or two cells with a picture are tagged "gallery"."""
    tagged = [cell for _, cell in _code(read_notebook(path)) if "gallery" in cell.metadata.get("tags", [])]
    good = 1 <= len(tagged) <= 2 and all(map(_has_picture, tagged))
    _require(good, path, "one or two cells with a picture are to be tagged 'gallery'")


def minutes_and_difficulty(path):
    """The heading of every exercise says how many minutes it takes, and how hard it is."""
    missing = [exercise.number for exercise in exercises_of(path) if not exercise.minutes]
    _require(not missing, path, f"exercises {missing} do not say '10 minutes, easy' (medium, hard)")


def results_agree(path):
    """results/NN.json is there, has a headline, and comes from the execution that the stamp speaks of."""
    file = root_of(path) / "results" / f"{lesson_number(path)}.json"
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
    """No cell or output names a folder of the machine that executed it, or an address in its memory."""
    for index, cell in enumerate(read_notebook(path).cells, start=1):
        texts = [cell.source, *(_text(output) for output in cell.get("outputs", []))]
        found = re.search(r"(?<![\w/.:])/(home|Users|root|tmp|work|private|var)/[\w./-]+", "\n".join(texts))
        _require(not found, path, f"cell {index} names a machine's path: {found and found[0]}")
        found = re.search(r"<[^>]* at 0x[0-9a-f]+>", "\n".join(texts))
        _require(not found, path, f"cell {index} shows {found and found[0]}: end it with a result, or give it a name")


def quick_results(path, results):
    """In the quick budget, most claims are checked, what waits is told, and every headline beats its baseline.

    Args:
        path: of the notebook, for messages.
        results: what its quick run recorded.
    """
    claims, said = results["claims"], len(results["claims"]["sentences"])
    enough = claims["checked"] >= SHARE * said
    _require(enough, path, f"only {claims['checked']} of {said} claims are checked in the quick budget")
    _require(not claims["untold"], path, f"the full run did not print {claims['untold']}: same words, other numbers")
    for name, metric in results["metrics"].items():
        if metric["headline"]:
            words = f"{metric['value']:.4g} against the baseline's {(metric['baseline'] or {}).get('value')}"
            _require(metric["beats"], path, f"in the quick budget, {name!r} is {words}")


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
    formulas_are_typeset,
    network_is_drawn,
    a_cell_teaches_or_checks,
    recap_asks,
    ends_with_the_count,
    shown_in_the_gallery,
    results_agree,
    no_machine_paths,
)

EXERCISE_CHECKS = (
    executed_in_order,
    no_errors,
    stamped_full,
    code_as_executed,
    setup_cell_is_the_template,
    first_exercise_cell,
    every_kind_of_exercise,
    points_add_up,
    answers_are_checked,
    minutes_and_difficulty,
    formulas_are_typeset,
    a_cell_teaches_or_checks,
    small,
    short_cells,
    pictures,
    no_machine_paths,
)


def _require(condition, path, message):
    if not condition:
        raise CheckError(f"{path.name}: {message}.")


def _again(path):
    return f"make {'exercise' if is_exercise(path) else 'lesson'} N={lesson_number(path)}"


def _prose(path):
    return "\n\n".join(cell.source for cell in read_notebook(path).cells if cell.cell_type == "markdown")


def _is_folded(cell):
    kept = {key: cell.metadata.get(key) for key in FOLDED}
    return kept == FOLDED and "hide-input" in cell.metadata.get("tags", []) and cell.source.startswith("# @title ")


def _how_to_fold():
    return f"first line '# @title ...', the tag 'hide-input', metadata {FOLDED}"


def _nbgrader(cell):
    return cell.metadata.get("nbgrader", {})


def _code(nb):
    """Yield (number among all cells, from 1; cell) of the code cells."""
    return ((index, cell) for index, cell in enumerate(nb.cells, start=1) if cell.cell_type == "code")


def _stamp(path):
    stamp = read_notebook(path).metadata.get("autoencoder_course")
    _require(stamp, path, "it was never stamped; " + _again(path))
    return stamp


def _has_picture(cell):
    return any({"image/png", "image/svg+xml"} & set(output.get("data", {})) for output in cell.outputs)


def _has_alt(output):
    """Whether every form of picture in an output says in words what it shows."""
    data, facts = output.get("data", {}), output.get("metadata", {})
    page, drawing = data.get("text/html", ""), data.get("image/svg+xml", "<title>")
    images = re.findall(r"<img\b[^>]*", page)
    written = all(re.search(r"""\balt=(?:"[^"]+"|'[^']+')""", image) for image in images)
    return bool(("image/png" not in data or facts.get("image/png", {}).get("alt")) and written and "<title" in drawing)


def _has_result(cell):
    texts = (_text(output) for output in cell.outputs if output.get("name") != "stderr")
    kinds = [output.get("data", {}) for output in cell.outputs]
    drawn = any("image/png" in kind and "image/svg+xml" not in kind for kind in kinds)  # an SVG draws a network
    return drawn or any(re.search(r"\d", text) for text in texts)


def _text(output):
    return output.get("text", "") or output.get("data", {}).get("text/plain", "")


def main(files):
    """Hold notebooks against the rules, print what is wrong, and return the exit code."""
    wrong = []
    for path in (Path(file).resolve() for file in files):
        for check in EXERCISE_CHECKS if is_exercise(path) else CHECKS:
            try:
                check(path)
            except CheckError as error:
                wrong.append(str(error))
    plain_output()
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
