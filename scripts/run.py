"""Execute the lessons, two at a time, and make pages of them: `python -m scripts.run [NUMBER] [--engine ray]`.

With --engine ray the lessons are tasks of Ray, on this machine or on the cluster that RAY_ADDRESS names. The budget is
AE_BUDGET (default quick). The notebooks themselves are left as they are: executed copies are
written to build/notebooks, pages to build/html, and build/index.html leads to them all.
"""

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import nbformat

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
    _write(path, nb, execute(nb, path.parent, os.environ.get("AE_BUDGET", "quick")))


def run_all(paths, engine="serial"):
    """Execute lessons, `AT_ONCE` at a time, and print a line as each of them finishes.

    Args:
        paths: of the lessons.
        engine: "serial" for subprocesses of this machine, "ray" for tasks of Ray.

    Returns:
        list of the numbers of the lessons that failed.
    """
    failed, full = [], gallery.read_results(ROOT / "results")
    for path, seconds, reason in {"serial": _in_subprocesses, "ray": _on_ray}[engine](paths):
        number = lesson_number(path)
        if reason:
            failed.append(number)
            print(f"{path.stem}  FAILED after {seconds:.0f} s: {reason}", flush=True)
            continue
        results = gallery.read_results(BUILD / "results")[number]
        beside = full.get(number, {}) if results["budget"] == "quick" else None
        print("\n    ".join([f"{path.stem}  {results['seconds']:.0f} s", *headlines(results, beside)]), flush=True)
    return sorted(failed)


def _in_subprocesses(paths):
    """Yield (path, seconds, what went wrong or "") as the lessons finish."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {pool.submit(_subprocess, path): path for path in paths}
        try:
            for job in as_completed(jobs):
                process, seconds = job.result()
                reason = process.stdout.strip() or process.stderr.strip()[-2000:] or "killed"
                yield jobs[job], seconds, reason if process.returncode else ""
        finally:  # an interrupt begins no other lesson
            pool.shutdown(wait=False, cancel_futures=True)


def _subprocess(path):
    start = time.perf_counter()
    command = [sys.executable, "-m", "scripts.run", "--here", lesson_number(path)]
    env = os.environ | {"PYTHONIOENCODING": "utf-8"}
    process = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, encoding="utf-8", check=False)
    return process, time.perf_counter() - start


def _on_ray(paths):
    """The same by tasks of Ray: executed notebooks come back by the network, a killed worker's lesson runs again."""
    from utils.scaling import RETRIES, cluster  # imports TensorFlow, which nothing else here needs

    budget, start = os.environ.get("AE_BUDGET", "quick"), time.perf_counter()
    with cluster(AT_ONCE) as ray:
        remote = ray.remote(num_cpus=1, max_calls=1, max_retries=RETRIES)(_task)  # a process for every lesson
        waiting = {remote.remote(path.relative_to(ROOT).as_posix(), budget): path for path in paths}
        while waiting:
            (done, *_), _ = ray.wait(list(waiting), num_returns=1)
            path, reason = waiting.pop(done), ""
            try:
                text, results = ray.get(done)
                _write(path, nbformat.reads(text, as_version=4), results)
            except ray.exceptions.RayTaskError as error:
                reason = str(error.cause or error)
            except ray.exceptions.RayError as error:
                reason = f"{type(error).__name__}: {error}"
            yield path, time.perf_counter() - start, reason


def _task(name, budget):
    """Execute a lesson where Ray has put this task; return its notebook, as text, and its results."""
    from scripts.project import ROOT  # of that machine

    path = ROOT / name
    nb = read_notebook(path)
    results = execute(nb, path.parent, budget)
    return nbformat.writes(nb), results


def _write(path, nb, results):
    """Write what an execution gave to build/: notebook, results, pages of the lesson and of its exercises."""
    write_notebook(nb, BUILD / "notebooks" / path.name)
    write_json(results, BUILD / "results" / f"{lesson_number(path)}.json")
    gallery.page(nb, path)
    if student_of(path).exists():
        gallery.page(read_notebook(student_of(path)), student_of(path))


def main(arguments=None):
    """Parse the command line and run; return the exit code."""
    plain_output()
    parser = argparse.ArgumentParser(description="Execute the lessons and make build/index.html.")
    parser.add_argument("lesson", nargs="?", help="one lesson's number, such as 02 (default: all)")
    parser.add_argument("--here", action="store_true", help="only execute this lesson, in this process")
    parser.add_argument(
        "--engine", choices=("serial", "ray"), default="serial", help="what runs them (default: serial)"
    )
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
    try:
        failed = run_all(paths, options.engine)
    except ModuleNotFoundError as error:  # of Ray
        print(error, file=sys.stderr)
        return 1
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
