"""Execute the lessons, two at a time, and make a gallery: `python -m scripts.run [NUMBER]`.

The budget is AE_BUDGET (default quick). The notebooks themselves are left as they are: executed copies are
written to build/notebooks, pages to build/html, and build/index.html shows them all.
"""

import argparse
import html
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from nbconvert import HTMLExporter

from scripts.execute import LessonError, data_words, execute, headlines
from scripts.project import (
    ROOT,
    find_lesson,
    lesson_number,
    lessons,
    read_notebook,
    summary,
    title,
    write_json,
    write_notebook,
    write_text,
)

BUILD = ROOT / "build"
AT_ONCE = 2  # lessons at a time
THUMBNAILS = 2  # pictures per lesson in the gallery
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Autoencoders, executed</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
article {{ border-top: 1px solid #ccc; padding: 1rem 0 }}
img {{ max-height: 11rem; max-width: 48%; margin-right: 1rem; vertical-align: top }}
h2 {{ margin: 0 }} ul {{ margin: .5rem 0 }} .data {{ color: #666 }} .warn {{ color: #a40 }}
</style>
<h1>Autoencoders, executed</h1>
{lessons}
</html>
"""
ENTRY = """<article><h2><a href="html/{page}">{title}</a></h2>
<p>{summary}</p>
<ul>{headlines}</ul>
<p class="{kind}">{budget} budget, {seconds:.0f} s, on {data}</p>
{pictures}</article>"""


def run_one(path):
    """Execute a copy of one lesson (in this process) and write its notebook, page and results to build/.

    Raises `scripts.execute.LessonError` when it fails.
    """
    nb = read_notebook(path)
    results = execute(nb, path.parent, os.environ.get("AE_BUDGET", "quick"))
    write_notebook(nb, BUILD / "notebooks" / path.name)
    page, _ = HTMLExporter().from_notebook_node(nb, resources={"metadata": {"name": title(nb)}})
    write_text(BUILD / "html" / f"{path.stem}.html", page)
    write_json(results, BUILD / "results" / f"{lesson_number(path)}.json")


def run_all(paths):
    """Execute lessons in subprocesses, `AT_ONCE` at a time, and print a line as each of them finishes.

    Returns:
        list of the numbers of the lessons that failed.
    """
    failed = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {pool.submit(_subprocess, path): path for path in paths}
        for job in as_completed(jobs):
            path, (process, seconds) = jobs[job], job.result()
            if process.returncode:
                failed.append(lesson_number(path))
                reason = process.stdout.strip() or process.stderr.strip()[-2000:] or "killed"
                print(f"{path.stem}  FAILED after {seconds:.0f} s: {reason}", flush=True)
            else:
                print(_line(path), flush=True)
    return sorted(failed)


def gallery(paths):
    """Write build/index.html from what build/ holds of the lessons at `paths`; others are left out."""
    entries = []
    for path in paths:
        copy, results = BUILD / "notebooks" / path.name, _results(path)
        if not copy.exists() or results is None:
            continue
        nb = read_notebook(copy)
        entries.append(
            ENTRY.format(
                page=f"{path.stem}.html",
                title=html.escape(title(nb) or path.stem),
                summary=html.escape(summary(nb)),
                headlines="".join(f"<li>{html.escape(words)}</li>" for words in headlines(results)),
                kind="warn" if any(data["fallback"] for data in results["data"]) else "data",
                budget=results["budget"],
                seconds=results["seconds"],
                data=html.escape(data_words(results)),
                pictures="".join(
                    f'<img alt="a figure of the lesson" src="data:image/png;base64,{picture}">'
                    for picture in _pictures(nb)[:THUMBNAILS]
                ),
            )
        )
    write_text(BUILD / "index.html", PAGE.format(lessons="\n".join(entries)))


def _subprocess(path):
    start = time.perf_counter()
    command = [sys.executable, "-m", "scripts.run", "--here", lesson_number(path)]
    # One OpenMP thread each: side by side, threads of scikit-learn that wait for a core take three times as long.
    env = {"OMP_NUM_THREADS": "1", **os.environ}
    process = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, encoding="utf-8", check=False)
    return process, time.perf_counter() - start


def _line(path):
    results = _results(path)
    shown = "; ".join(headlines(results)) or "no headline result"
    return f"{path.stem}  {results['seconds']:.0f} s, on {data_words(results)}. {shown}"


def _results(path):
    file = BUILD / "results" / f"{lesson_number(path)}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def _pictures(nb):
    data = [output.get("data", {}) for cell in nb.cells for output in cell.get("outputs", [])]
    return [item["image/png"].replace("\n", "") for item in data if "image/png" in item]


def main(arguments=None):
    """Parse the command line and run; return the exit code."""
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
    failed = run_all(paths)
    gallery(lessons())
    print(f"Gallery: {(BUILD / 'index.html').relative_to(ROOT)}")
    if failed:
        print(f"FAILED: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
