"""Render the README's tables and figure: `python -m scripts.results [--check]`.

The tables come from results/*.json and the exercises' stamps. They stand between `<!-- lessons:begin -->` and
`<!-- lessons:end -->`, and `exercises`, `bench` and `sessions` likewise. The figure, docs/readme.png, is the picture
of the cell that is tagged "readme" in a lesson.
"""

import argparse
import base64
import json
import math
import sys

from scripts.execute import headlines, number
from scripts.project import (
    ROOT,
    exercises,
    exercises_of,
    lesson_number,
    lessons,
    read_notebook,
    repository,
    student_of,
    summary,
    title,
    write_text,
)
from scripts.setup_cell import badge

MEGABYTES = {"mnist": 11, "fashion_mnist": 31, "cifar10": 170}  # of the official files, to download
SESSIONS = (  # of two hours: topic, lessons, whose exercises in class, whose at home
    ("One hidden layer, and PCA", ("01",), ("01",), ()),
    ("Depth; training layer by layer", ("02", "03"), ("02",), ("03",)),
    ("Few labels; convolutions", ("04", "05"), ("05",), ("04",)),
    ("A class for every pixel", ("06",), ("06",), ()),
    ("Repairing images", ("08", "09"), ("08",), ("09",)),
    ("Distributions for codes; maps of codes", ("12", "14"), ("12",), ("14",)),
    ("Between codes, and new ones", ("15", "16"), ("16",), ("15",)),
)


def lessons_table(root=ROOT):
    """Return the Markdown table of the lessons, from their first cells and results/NN.json below `root`."""
    lines = ["| lesson | | what it teaches | measured (baseline; paper) | full run |", "|---" * 5 + "|"]
    for path in lessons(root):
        nb, results = read_notebook(path), _json(root / "results" / f"{lesson_number(path)}.json")
        lines.append(
            _row(
                f"[{title(nb) or path.stem}](notebooks/{path.name})",
                badge(repository(root), path.name),
                summary(nb),
                _measured(results) if results else "not run yet",
                duration(results["seconds"]) if results else "–",
            )
        )
    return "\n".join(lines)


def exercises_table(root=ROOT):
    """Return the Markdown table of the exercises below `root`, from their headings and their stamps."""
    lines = ["| students' version | | exercises (points) | solved | full run | memory |", "|---" * 6 + "|"]
    for path in exercises(root):
        nb = read_notebook(path)
        stamp = nb.metadata.get("autoencoder_course", {})
        lines.append(
            _row(
                f"[{title(nb)}](notebooks/exercises/student/{student_of(path).name})",
                badge(repository(root), f"exercises/student/{student_of(path).name}"),
                "<br>".join(f"{found.name} ({found.kind}, {found.points})" for found in exercises_of(path)),
                f"[solved](notebooks/exercises/{path.name})",
                duration(stamp["seconds"]) if stamp else "not run yet",
                f"{stamp['megabytes'] / 1000:.1f} GB" if stamp.get("megabytes") else "–",
            )
        )
    return "\n".join(lines)


def sessions_table(root=ROOT):
    """Return the Markdown table of the course in six sessions, with what `results/` and stamps say each one needs."""
    lines = ["| | topic | lessons | exercises in class; at home | computing | memory, exercises | to download |"]
    lines.append("|---" * 7 + "|")
    stamps = {lesson_number(p): read_notebook(p).metadata.get("autoencoder_course", {}) for p in exercises(root)}
    known = set()
    for session, (topic, shown, in_class, at_home) in enumerate(SESSIONS, start=1):
        needs = [_json(root / "results" / f"{lesson}.json") for lesson in shown]
        practised = [stamps.get(lesson, {}) for lesson in in_class + at_home]
        memory = max(need.get("megabytes") or 0 for need in practised)
        data = {entry["requested"] for need in needs + practised for entry in need.get("data", ())} & set(MEGABYTES)
        new, known = sorted(data - known, key=MEGABYTES.get), known | data
        lines.append(
            _row(
                str(session),
                topic,
                ", ".join(shown),
                "; ".join(", ".join(lessons) for lessons in (in_class, at_home) if lessons),
                f"lessons {_minutes(needs)}, exercises {_minutes(practised)}",
                f"{memory / 1000:.1f} GB" if memory else "–",
                ", ".join(f"`{name}` {MEGABYTES[name]} MB" for name in new) or "nothing new",
            )
        )
    return "\n".join(lines)


def bench_table(root=ROOT):
    """Return the Markdown table of results/bench.json below `root`, or a line saying that there is none."""
    bench = _json(root / "results" / "bench.json")
    if not bench:
        return "Not measured yet: `make bench`."
    cores = f"Measured on {bench['cores']} cores." if "cores" in bench else "Measured."
    metrics = bench["metrics"].items()
    rows = [_row(name, f"{number(metric['value'])} {metric['unit']}") for name, metric in metrics]
    return "\n".join([cores, "", "| what | measured |", "|---|---|", *rows])


def render(text, root=ROOT):
    """Return the README's `text` with its tables renewed.

    Raises ValueError, naming the marker, when the text does not hold each marker once and in order.
    """
    tables = {
        "lessons": lessons_table,
        "exercises": exercises_table,
        "bench": bench_table,
        "sessions": sessions_table,
    }
    for name, table in tables.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(end) < text.index(begin):
            raise ValueError(f"README.md must hold the lines {begin} and {end} once each, in this order.")
        before, after = text.split(begin)[0], text.split(end)[1]
        text = f"{before}{begin}\n\n{table(root)}\n\n{end}{after}"
    return text


def figure(root=ROOT):
    """Return the PNG bytes of the picture that a lesson's cell tagged "readme" shows, or None without one."""
    for path in lessons(root):
        for cell in read_notebook(path).cells:
            if "readme" in cell.metadata.get("tags", []):
                pictures = [o.data["image/png"] for o in cell.outputs if "image/png" in o.get("data", {})]
                return base64.b64decode(pictures[-1]) if pictures else None
    return None


def duration(seconds):
    """Return a duration in words, such as "45 s" or "3 min 20 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _json(file):
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _minutes(needs):
    return f"{math.ceil(sum(need.get('seconds', 0) for need in needs) / 60)} min"


def _measured(results):
    return "<br>".join(headlines(results)) or "–"


def _row(*cells):
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def main(arguments=None, root=ROOT):
    """Parse the command line and run; return the exit code."""
    parser = argparse.ArgumentParser(description="Render the README's tables from results/*.json.")
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 when they disagree")
    options = parser.parse_args(arguments)
    path = root / "README.md"
    try:
        old = path.read_text(encoding="utf-8")
        new = render(old, root)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    picture, drawn = root / "docs" / "readme.png", figure(root)
    shown = picture.read_bytes() if picture.exists() else None
    if old == new and drawn in (None, shown):
        return 0
    if options.check:
        print("README.md disagrees with results/ or the notebooks: run make results.", file=sys.stderr)
        return 1
    write_text(path, new)
    if drawn:
        picture.parent.mkdir(exist_ok=True)
        picture.write_bytes(drawn)
    print("README.md: tables and figure renewed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
