"""Execute the lessons, two at a time, and make pages of them: `python -m scripts.run [NUMBER]`.

The budget is AE_BUDGET (default quick). The notebooks themselves are left as they are: executed copies are
written to build/notebooks, pages to build/html, and build/index.html leads to them all.
"""

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from scripts import gallery
from scripts.execute import LessonError, execute, headlines, verdict
from scripts.project import (
    ROOT,
    find_lesson,
    lesson_number,
    lessons,
    plain_output,
    read_notebook,
    share_cores,
    student_of,
    write_json,
    write_notebook,
)

BUILD = ROOT / "build"
AT_ONCE = 2  # lessons at a time


def run_one(path):
    """Execute a copy of one lesson (in this process) and write its notebook, pages and results to build/.

    Raises `scripts.execute.LessonError` when it fails.
    """
    nb = read_notebook(path)
    results = execute(nb, path.parent, os.environ.get("AE_BUDGET", "quick"))
    write_notebook(nb, BUILD / "notebooks" / path.name)
    write_json(results, BUILD / "results" / f"{lesson_number(path)}.json")
    gallery.page(nb, path)
    if student_of(path).exists():
        gallery.page(read_notebook(student_of(path)), student_of(path))


def run_all(paths):
    """Execute lessons in subprocesses, `AT_ONCE` at a time, and print a line as each of them finishes.

    Returns:
        list of the numbers of the lessons that failed.
    """
    failed, full = [], gallery.read_results(ROOT / "results")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {pool.submit(_subprocess, path): path for path in paths}
        for job in as_completed(jobs):
            path, (process, seconds) = jobs[job], job.result()
            number = lesson_number(path)
            if process.returncode:
                failed.append(number)
                reason = process.stdout.strip() or process.stderr.strip()[-2000:] or "killed"
                print(f"{path.stem}  FAILED after {seconds:.0f} s: {reason}", flush=True)
                continue
            results = gallery.read_results(BUILD / "results")[number]
            beside = full.get(number, {}) if results["budget"] == "quick" else None
            print("\n    ".join([f"{path.stem}  {results['seconds']:.0f} s", *headlines(results, beside)]), flush=True)
    return sorted(failed)


def _subprocess(path):
    start = time.perf_counter()
    command = [sys.executable, "-m", "scripts.run", "--here", lesson_number(path)]
    env = os.environ | {"PYTHONIOENCODING": "utf-8"}
    process = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, encoding="utf-8", check=False)
    return process, time.perf_counter() - start


def main(arguments=None):
    """Parse the command line and run; return the exit code."""
    plain_output()
    parser = argparse.ArgumentParser(description="Execute the lessons and make build/index.html.")
    parser.add_argument("lesson", nargs="?", help="one lesson's number, such as 02 (default: all)")
    parser.add_argument("--here", action="store_true", help="only execute this lesson, in this process")
    options = parser.parse_args(arguments)
    try:
        paths = [find_lesson(options.lesson)] if options.lesson else lessons()
        if options.here:
            run_one(paths[0])
            return 0
    except (LessonError, ValueError) as error:
        print(error, flush=True)
        return 1
    budget = os.environ.get("AE_BUDGET", "quick")
    print(f"{len(paths)} lesson(s), {budget} budget, {AT_ONCE} at a time ...", flush=True)
    share_cores(min(AT_ONCE, len(paths)))
    failed = run_all(paths)
    ran = gallery.read_results(BUILD / "results")
    done = [ran[number] for number in map(lesson_number, paths) if number in ran and number not in failed]
    gallery.assets()
    gallery.readme()
    gallery.index(lessons(), ran, gallery.read_results(ROOT / "results"), budget)
    print(verdict(done))
    print(f"To read and look at: {(BUILD / 'index.html').relative_to(ROOT)}")
    if failed:
        print(f"FAILED: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
