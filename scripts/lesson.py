"""Execute one lesson in place and stamp it: `python -m scripts.lesson NUMBER [--exercise] [--force]`.

The budget is AE_BUDGET (default full). In the full budget, the results go to results/NN.json. With --exercise it is
the lesson's solved exercises that are executed, and theirs go to results/exercises/NN.json.
"""

import argparse
import os
import subprocess
import sys

import nbformat

from scripts.execute import LessonError, data_words, execute, headlines
from scripts.project import (
    ROOT,
    code_sha256,
    doubtful,
    find_lesson,
    is_exercise,
    lesson_number,
    plain_output,
    repository,
    round_floats,
    write_json,
    write_notebook,
)


def tidy(text, path):
    """Return a notebook's JSON `text`, checked and formatted by ruff with the settings that hold at `path`.

    Raises LessonError, with what ruff says, when it finds something that it cannot repair.
    """
    for arguments in (["check", "--fix"], ["format"]):
        command = [
            sys.executable,
            "-m",
            "ruff",
            *arguments,
            "--quiet",
            "--force-exclude",
            "--stdin-filename",
            str(path),
        ]
        done = subprocess.run([*command, "-"], input=text, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise LessonError(f"ruff {arguments[0]} objects:\n{done.stderr}".rstrip())
        text = done.stdout
    return text


def execute_in_place(path, root=ROOT, budget="full", force=False):
    """Format, execute and stamp the lesson at `path`.

    The stamp, `metadata["autoencoder_course"]`, holds the budget, the data and their verification, the
    SHA-256 of the code, the versions, and the seconds and megabytes that it took. Cell ids are kept. When
    anything fails, the notebook is left as it was.

    Args:
        path: of the notebook, a lesson or solved exercises.
        root: the project's folder.
        budget: "full", or "quick" for a look while writing (then results/ is left alone).
        force: accept data that are not verified in the full budget too.

    Returns:
        dict of results, as in results/NN.json.

    Raises:
        LessonError: when ruff objects, the execution fails, the lesson calls itself by another number, or
            data are not verified (full budget, without force).
    """
    before = path.read_text(encoding="utf-8")
    nb = nbformat.reads(tidy(before, path), as_version=4)
    results = round_floats(execute(nb, path.parent, budget))
    if results["lesson"] != lesson_number(path):
        raise LessonError(f"{path.name} calls claims.start({results['lesson']!r}); its number is another.")
    if budget == "full" and doubtful(results["data"]) and not force:
        raise LessonError(
            f"not stamped: it ran on {data_words(results)}. Put the real data in AE_DATA_DIR or go online "
            "(data/README.md); or accept this with FORCE=1."
        )
    if budget == "full" and results["claims"].get("waiting") and not (force or doubtful(results["data"])):
        raise LessonError(
            f"not stamped: {results['claims']['waiting']} of its claims wait for Ray. Run it where Ray is: "
            f".venv-scale/bin/python -m scripts.lesson {lesson_number(path)} (make test-scale makes that environment)."
        )
    if path.read_text(encoding="utf-8") != before:
        raise LessonError("the notebook was saved by another program meanwhile; run this again.")
    nb.metadata["autoencoder_course"] = {
        "budget": budget,
        "data": results["data"],
        "code_sha256": code_sha256(nb, repository(root)),
        "seconds": results["seconds"],
        "megabytes": results["megabytes"],
        "versions": results["versions"],
    }
    write_notebook(nb, path)
    if budget == "full":
        folder = root / "results" / ("exercises" if is_exercise(path) else "")
        write_json(results, folder / f"{lesson_number(path)}.json")
    return results


def main(arguments=None):
    """Parse the command line and run; return the exit code."""
    plain_output()
    parser = argparse.ArgumentParser(description="Execute one lesson in place, full budget, and stamp it.")
    parser.add_argument("lesson", help="the lesson's number, such as 01")
    parser.add_argument("--exercise", action="store_true", help="its exercises, not the lesson itself")
    parser.add_argument("--force", action="store_true", help="accept data that are not verified")
    options = parser.parse_args(arguments)
    budget = os.environ.get("AE_BUDGET", "full")
    try:
        path = find_lesson(options.lesson, exercise=options.exercise)
        print(f"{path.stem} ({budget} budget) ...", flush=True)
        results = execute_in_place(path, budget=budget, force=options.force)
    except (LessonError, ValueError) as error:
        print(f"Lesson {options.lesson}: {error}", file=sys.stderr)
        return 1
    print(f"{path.stem}  {results['seconds']:.0f} s, {results['megabytes']} MB, on {data_words(results)}")
    for words in headlines(results):
        print(f"  {words}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
