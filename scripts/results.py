"""Render the README's tables and figure: `python -m scripts.results [--check]`.

The tables come from results/*.json and stand between `<!-- lessons:begin -->` and `<!-- lessons:end -->`, and
`bench` likewise. The figure, docs/readme.png, is the picture of the cell that is tagged "readme" in a lesson.
"""

import argparse
import base64
import json
import sys

from scripts.execute import headlines, number
from scripts.project import (
    ROOT,
    lesson_number,
    lessons,
    read_notebook,
    repository,
    summary,
    title,
    write_text,
)
from scripts.setup_cell import badge


def lessons_table(root=ROOT):
    """Return the Markdown table of the lessons, from their first cells and results/NN.json below `root`."""
    lines = ["| lesson | | what it teaches | measured (baseline; paper) | full run |", "|---" * 5 + "|"]
    for path in lessons(root):
        nb, file = read_notebook(path), root / "results" / f"{lesson_number(path)}.json"
        results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
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


def bench_table(root=ROOT):
    """Return the Markdown table of results/bench.json below `root`, or a line saying that there is none."""
    file = root / "results" / "bench.json"
    if not file.exists():
        return "Not measured yet: `make bench`."
    bench = json.loads(file.read_text(encoding="utf-8"))
    cores = f"Measured on {bench['cores']} cores." if "cores" in bench else "Measured."
    metrics = bench["metrics"].items()
    rows = [_row(name, f"{number(metric['value'])} {metric['unit']}") for name, metric in metrics]
    return "\n".join([cores, "", "| what | measured |", "|---|---|", *rows])


def render(text, root=ROOT):
    """Return the README's `text` with both tables renewed.

    Raises ValueError, naming the marker, when the text does not hold each marker once and in order.
    """
    for name, table in (("lessons", lessons_table(root)), ("bench", bench_table(root))):
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(end) < text.index(begin):
            raise ValueError(f"README.md must hold the lines {begin} and {end} once each, in this order.")
        before, after = text.split(begin)[0], text.split(end)[1]
        text = f"{before}{begin}\n\n{table}\n\n{end}{after}"
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
