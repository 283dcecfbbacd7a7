"""Pages of executed notebooks, and one that leads to them all: build/index.html.

Nothing on them is requested from anywhere: style and MathJax (as django-static-mathjax brings it) lie beside them.
"""

import base64
import html
import json
import os
import re
import shutil
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote, unquote

from jinja2 import Environment, FileSystemLoader
from nbconvert import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook
from pygments.formatters import HtmlFormatter

from scripts.execute import data_words, number, verdict
from scripts.project import ROOT, lesson_number, read_notebook, student_of, summary, title, write_text

BUILD = ROOT / "build"
TEMPLATES = Path(__file__).resolve().parent / "templates"
PICTURES = 2  # at most, of a lesson in the gallery
BADGE = re.compile(r'<img [^>]*alt="([^"]*)"[^>]*src="https:[^>]*>')  # a picture from elsewhere
LINK = re.compile(r'(?<=\bhref=")([^"#:]+)(?=["#])')


def assets():
    """Put the style sheet and MathJax into build/."""
    light, dark = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("default", "github-dark"))
    colours = f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
    write_text(BUILD / "style.css", colours + (TEMPLATES / "style.css").read_text(encoding="utf-8"))
    shutil.copy(str(files("mathjax") / "static" / "mathjax" / "es5" / "tex-svg-full.js"), BUILD / "mathjax.js")


def page(nb, source):
    """Write the page of a notebook node.

    Args:
        nb: notebook node, executed or not.
        source: path of the notebook (or text) in the project; its links lead to pages where there are such, and else
            to the project's files.
    """
    path = _page_of(source)
    top = "../" * (len(path.relative_to(BUILD).parts) - 1)
    exporter = HTMLExporter(extra_template_basedirs=[str(TEMPLATES)], template_name="page", embed_images=True)
    name = title(nb) or source.stem
    body, _ = exporter.from_notebook_node(
        nb, resources={"metadata": {"name": name, "path": str(source.parent)}, "top": top}
    )
    head, start, rest = BADGE.sub(r"\1", body).partition("<main>")
    write_text(path, head + start + LINK.sub(lambda match: _leads_to(match[1], source, path), rest))


def readme(root=ROOT):
    """Write the page of README.md."""
    text = (root / "README.md").read_text(encoding="utf-8")
    page(new_notebook(cells=[new_markdown_cell(text)]), root / "README.md")


def index(paths, results, committed, budget):
    """Write build/index.html.

    Args:
        paths: of the lessons; those without an executed copy in build/ are left out.
        results: lesson's number -> what this run's `execute` returned.
        committed: lesson's number -> results of the full run, or {}.
        budget: "quick" or "full".
    """
    shown = [path for path in paths if lesson_number(path) in results]
    entries = [_entry(path, results[lesson_number(path)], committed.get(lesson_number(path), {})) for path in shown]
    template = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template("gallery.html.j2")
    text = template.render(lessons=entries, budget=budget, summary=verdict(list(results.values())))
    write_text(BUILD / "index.html", text + "\n")


def _entry(path, result, full):
    nb = read_notebook(BUILD / "notebooks" / path.name)
    exercises = _page_of(student_of(path))
    claims = result["claims"]
    return {
        "title": title(nb) or path.stem,
        "summary": summary(nb),
        "page": f"html/{path.stem}.html",
        "exercises": exercises.relative_to(BUILD).as_posix() if exercises.exists() else None,
        "pictures": _pictures(nb)[:PICTURES],
        "rows": [_row(name, m, full) for name, m in result["metrics"].items() if m["headline"]],
        "claims": f"{claims['checked']} of {len(claims['sentences'])} claims checked",
        "seconds": round(result["seconds"]),
        "data": data_words(result),
    }


def _row(name, metric, full):
    there = full.get("metrics", {}).get(name)
    paper = (there or {}).get("paper")
    return {
        "name": name,
        "unit": metric["unit"] + (" ↑" if metric["better"] == "higher" else ""),
        "beats": metric["beats"],
        "value": number(metric["value"]),
        "baseline": metric["baseline"] and f"{number(metric['baseline']['value'])} ({metric['baseline']['name']})",
        "full": number(there["value"]) if there else "–",
        "paper": f"{number(paper['value'])} ({paper['name']})" if paper else "–",
    }


def _pictures(nb):
    """Return the pictures of the cells tagged "gallery" as HTML."""
    tagged = [cell for cell in nb.cells if "gallery" in cell.metadata.get("tags", [])]
    found = []
    for output in (output for cell in tagged for output in cell.outputs):
        data, facts = output.get("data", {}), output.get("metadata", {})
        for kind in ("image/svg+xml", "image/png"):
            if kind in data:
                alt = html.escape(facts.get(kind, {}).get("alt", "a figure of the lesson"))
                content = data[kind].encode() if kind == "image/svg+xml" else base64.b64decode(data[kind])
                found.append(f'<img alt="{alt}" src="data:{kind};base64,{base64.b64encode(content).decode()}">')
                break
    return found


def _page_of(source):
    """Return the path of the page of a file of the project, whether it exists or not."""
    source = Path(source)
    folder = "exercises" if source.parent.name == "student" else ""
    return BUILD / "html" / folder / f"{source.stem}.html"


def _leads_to(link, source, path):
    """Return where a link of `source` leads when it stands on the page at `path`."""
    target = (source.parent / unquote(html.unescape(link))).resolve()
    student_or_lesson = target.suffix == ".ipynb" and target.parent.name in ("student", "notebooks")
    if student_or_lesson or target == ROOT / "README.md":
        target = _page_of(target)
    return html.escape(quote(Path(os.path.relpath(target, path.parent)).as_posix()))


def read_results(folder):
    """Return the JSON files of a folder of results: lesson's number -> dict."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).glob("??.json"))}
