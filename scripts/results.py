"""Render the tables of README and docs, and the README's figure: `python -m scripts.results [--check]`.

They come from results/*.json and the exercises' stamps. In the files of `TABLES`, each stands between its markers,
`<!-- lessons:begin -->` and `<!-- lessons:end -->` for example. The figure, docs/readme.png, is the picture of the cell
that is tagged "readme" in a lesson.
"""

import argparse
import base64
import json
import math
import sys

from scripts.execute import metric_words, number
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
    ("A class for every pixel; sparse codes", ("06", "07"), ("06",), ("07",)),
    ("Repairing images", ("08", "09"), ("08",), ("09",)),
    ("Finding what is strange; images as bytes", ("10", "11"), ("11",), ("10",)),
    ("Distributions for codes; units with a meaning", ("12", "13"), ("12",), ("13",)),
    ("Maps of codes, and paths between them", ("14", "15"), ("14",), ("15",)),
    ("New images, without and with an opponent", ("16", "17"), ("16",), ("17",)),
    ("Codes made of indices; beyond one machine", ("18", "19"), ("18",), ("19",)),
)


def lessons_table(root=ROOT):
    """Return the README's table of the lessons: title, one headline with its baseline, Colab."""
    lines = ["| lesson | one result of its full run (baseline) | |", "|---" * 3 + "|"]
    for path in lessons(root):
        results = _json(root / "results" / f"{lesson_number(path)}.json")
        name = title(read_notebook(path)) or path.stem
        colab = "[Colab](" + badge(repository(root), path.name).rpartition("(")[2]
        lines.append(_row(f"[{name}](notebooks/{path.name})", _headline(results), colab))
    return "\n".join(lines)


def results_table(root=ROOT):
    """Return, for every lesson below `root`, what its full run took and a Markdown table of all that it recorded."""
    parts = []
    for path in lessons(root):
        nb, results = read_notebook(path), _json(root / "results" / f"{lesson_number(path)}.json")
        parts.append(f"## [{title(nb) or path.stem}](../notebooks/{path.name})\n\n{summary(nb)}")
        if not results:
            parts.append("Not run yet.")
            continue
        took = [duration(results["seconds"]), f"seed {results['seed']}"]
        took += [f"{results['megabytes'] / 1000:.1f} GB of memory"] if results.get("megabytes") else []
        claims = results["claims"].get("checked")
        took += [f"{claims} claims checked"] if claims else []
        parts.append(f"Full run: {', '.join(took)}.")
        lines = ["| result | measured | baseline | paper |", "|---" * 4 + "|"]
        for name, metric in results["metrics"].items():
            arrow = " ↑" if metric["better"] == "higher" else ""
            others = [metric[key] for key in ("baseline", "paper")]
            beside = [f"{number(other['value'])} ({other['name']})" if other else "–" for other in others]
            name = f"**{name}**" if metric["headline"] else name
            lines.append(_row(name, f"{number(metric['value'])} {metric['unit']}{arrow}", *beside))
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def exercises_table(root=ROOT):
    """Return the Markdown table of the exercises below `root`, from their headings and their stamps."""
    lines = ["| students' version | | exercises (points) | solved | full run | memory |", "|---" * 6 + "|"]
    for path in exercises(root):
        nb = read_notebook(path)
        stamp = nb.metadata.get("autoencoder_course", {})
        lines.append(
            _row(
                f"[{title(nb)}](../notebooks/exercises/student/{student_of(path).name})",
                badge(repository(root), f"exercises/student/{student_of(path).name}"),
                "<br>".join(f"{found.name} ({found.kind}, {found.points})" for found in exercises_of(path)),
                f"[solved](../notebooks/exercises/{path.name})",
                duration(stamp["seconds"]) if stamp else "not run yet",
                f"{stamp['megabytes'] / 1000:.1f} GB" if stamp.get("megabytes") else "–",
            )
        )
    return "\n".join(lines)


def sessions_table(root=ROOT):
    """Return the Markdown table of the course in sessions, with what `results/` and stamps say each one needs."""
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
    if "rows" not in bench:
        return "Not measured yet: `make bench`."
    lines = [f"Measured on {bench['cores']} cores.", ""]
    lines += [f"| network | | wall | CPU | per epoch | memory, 1 call | {bench['calls']} calls |", "|---" * 7 + "|"]
    for row in bench["rows"]:
        times = (f"{row['wall']:.1f} s", f"{row['cpu']:.1f} s", f"{row['epoch']:.2f} s")
        sizes = (f"{row[key]:.0f} MB" for key in ("megabytes", "later"))
        lines.append(_row(row["network"], row["way"], *times, *sizes))
    return "\n".join(lines)


TABLES = {  # in which file stands which table
    "README.md": {"lessons": lessons_table},
    "docs/results.md": {"results": results_table, "bench": bench_table},
    "docs/exercises.md": {"exercises": exercises_table},
    "docs/teaching.md": {"sessions": sessions_table},
}


def render(name, root=ROOT):
    """Return (old, new): the text of a file of `TABLES`, and the same with its tables renewed.

    Raises OSError when there is no such file, ValueError, naming the marker, when it does not hold each once, in order.
    """
    old = text = (root / name).read_text(encoding="utf-8")
    for table, rendered in TABLES[name].items():
        begin, end = f"<!-- {table}:begin -->", f"<!-- {table}:end -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(end) < text.index(begin):
            raise ValueError(f"{name} must hold the lines {begin} and {end} once each, in this order.")
        before, after = text.split(begin)[0], text.split(end)[1]
        text = f"{before}{begin}\n\n{rendered(root)}\n\n{end}{after}"
    return old, text


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


def _headline(results):
    """Return one headline in words, one with a paper's number where there is one; its baseline in parentheses."""
    found = [(name, m) for name, m in results.get("metrics", {}).items() if m["headline"]]
    if not found:
        return "not run yet"
    name, metric = min(found, key=lambda pair: pair[1]["paper"] is None)
    return metric_words(name, metric | {"paper": None})


def _row(*cells):
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def main(arguments=None, root=ROOT):
    """Parse the command line and run; return the exit code."""
    parser = argparse.ArgumentParser(description="Render the tables of README and docs from results/*.json.")
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 when they disagree")
    options = parser.parse_args(arguments)
    try:
        texts = {name: render(name, root) for name in TABLES}
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    picture, drawn = root / "docs" / "readme.png", figure(root)
    shown = picture.read_bytes() if picture.exists() else None
    stale = [name for name, (old, new) in texts.items() if old != new]
    if drawn not in (None, shown):
        stale.append("docs/readme.png")
    if options.check and stale:
        print(f"{', '.join(stale)}: not what results/ and the notebooks say: run make results.", file=sys.stderr)
        return 1
    for name in stale:
        if name in texts:
            write_text(root / name, texts[name][1])
        else:
            picture.write_bytes(drawn)
    print(f"Renewed: {', '.join(stale) or 'nothing, all agrees'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
