"""Make the book, a static site of all lessons and solved exercises: `python -m scripts.book`.

The sources are laid out in build/book-source, with the paths that they have in the project, and Sphinx makes
build/book of them. Nothing is executed: every page comes from committed files, so that a new lesson joins by itself.
"""

import base64
import re
import shutil
import sys
import time
import tomllib
from html import escape
from pathlib import Path

from docutils import nodes
from jinja2 import Environment, FileSystemLoader
from nbformat.v4 import new_markdown_cell

from scripts.execute import ANSI
from scripts.project import (
    ROOT,
    exercises,
    is_exercise,
    lesson_number,
    lesson_of,
    lessons,
    plain_output,
    read_notebook,
    student_of,
    summary,
    title,
    write_notebook,
    write_text,
)
from utils import interactive

BUILD = ROOT / "build" / "book"
SOURCE = ROOT / "build" / "book-source"
TEMPLATES = Path(__file__).resolve().parent / "templates" / "book"
BADGE = re.compile(r"\[!\[Open in Colab\]\([^)]*\)\]\(([^)]*)\)")
DOWNLOAD = re.compile(r"\[([^\]]+)\]\(([^)\s]*(?:student|downloads)/[^)\s]+\.ipynb)\)")
LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[)#])")
ENTRY = re.compile(r"^- \*\*(.+?)\*\*(?: \((.+?)\))?: (.+)$", re.MULTILINE)  # of the glossary: term (synonyms): meaning
SYMBOL = re.compile(r"^\| (.+?) \| .+ \| (\d\d) \|$", re.MULTILINE)  # of the notation: symbol, meaning, first lesson
SILENT = (nodes.title, nodes.reference, nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw)


def stage(root=ROOT, source=SOURCE):
    """Lay out the sources of the book's pages in the folder `source`, anew.

    Raises ValueError when docs/lectures.toml names a section that its lesson does not have.
    """
    shutil.rmtree(source, ignore_errors=True)
    texts = [*sorted((root / "docs").glob("*.md")), root / "data" / "README.md", *sorted(root.glob("C*.md"))]
    texts = {path.relative_to(root): path.read_text(encoding="utf-8") for path in texts if path.exists()}
    places, glossary, notation = lectures(root), Path("docs/glossary.md"), texts.get(Path("docs/notation.md"), "")
    if glossary in texts:
        texts[glossary] = glossary_page(texts[glossary], root)
    for path in [*lessons(root), *exercises(root)]:
        nb = page(path, places, notation)
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                _copy_linked(cell.source, path, root, source)
                cell.source = DOWNLOAD.sub(r"{download}`\1 <\2>`", cell.source)
        write_notebook(nb, source / path.relative_to(root))
        (source / "downloads").mkdir(exist_ok=True)
        shutil.copy(path, source / "downloads")
    templates = Environment(loader=FileSystemLoader(TEMPLATES), keep_trailing_newline=True)
    facts = {"lessons": [_facts(path, places) for path in lessons(root)], "decks": places, "slug": slug}
    facts["explorer"] = interactive.latent_explorer().html
    if notation:
        pages = {lesson_number(path): f"../notebooks/{path.name}" for path in lessons(root)}
        linked = SYMBOL.sub(lambda m: f"{m[0][:-5]} [{m[2]}]({pages[m[2]]}) |" if m[2] in pages else m[0], notation)
        texts[Path("docs/notation.md")] = linked
    for template in templates.list_templates():
        texts[Path(template.removesuffix(".j2"))] = templates.get_template(template).render(facts)
    for name, text in texts.items():
        _copy_linked(text, root / name, root, source)
        text = BADGE.sub(r"[Open in Colab](\1)", text)  # the badge's picture would come from another host
        write_text(source / name, DOWNLOAD.sub(r"{download}`\1 <\2>`", text))


def page(path, places, notation):
    """Return a notebook as the book shows it.

    The badge becomes a line of links; what checks and what solves is folded under its title; pictures get their alt
    text; tables of layers are plain text.

    Args:
        path: of a lesson or of solved exercises.
        places: as `lectures` returns them.
        notation: text of docs/notation.md, for the symbols that the lesson brings.
    """
    nb = read_notebook(path)
    nb.cells[0].source = BADGE.sub(lambda match: _links(path, match[1], places), nb.cells[0].source)
    if not is_exercise(path):
        symbols = [symbol for symbol, first in SYMBOL.findall(notation) if first == lesson_number(path)]
        if symbols:
            nb.cells[0].source += f"\n\nNew symbols: {', '.join(symbols)}. See the [notation](../docs/notation.md)."
        solved = f"exercises/{path.stem}_solved"
        if (path.parent / f"{solved}.ipynb").exists():
            nb.cells.append(new_markdown_cell(f"```{{toctree}}\n:hidden:\n\n{solved}\n```"))
    for cell in nb.cells:
        solution = cell.metadata.get("nbgrader", {}).get("solution", False)
        if cell.cell_type == "markdown":
            if solution:
                cell.source = f"<details><summary>Show a good answer</summary>\n\n{cell.source}\n\n</details>"
            continue
        tags = cell.metadata.setdefault("tags", [])
        if solution:
            tags.append("hide-input" if "keep-output" in tags else "hide-cell")
            _prompt(cell, "Show the solution")
        elif "hide-input" in tags:
            _prompt(cell, cell.source.partition("\n")[0].removeprefix("# @title "))
        for output in cell.outputs:
            _show(output)
    return nb


def lectures(root=ROOT):
    """Return the decks of docs/lectures.toml: each a dict of "id", "title", "slides".

    Every slide is [heading, places]; a place, in a lesson that exists, is (number, path of the notebook below the
    project, heading of the section or "").

    Raises ValueError for a section that its lesson does not have.
    """
    file = root / "docs" / "lectures.toml"
    decks = tomllib.loads(file.read_text(encoding="utf-8"))["deck"] if file.exists() else []
    known = {lesson_number(path): path for path in lessons(root)}
    headings = {number: _headings(path) for number, path in known.items()}
    for deck in decks:
        for slide in deck["slides"]:
            taught = []
            for number, _, heading in (place.partition("#") for place in slide[1]):
                if number not in known:
                    continue
                if heading and heading not in headings[number]:
                    raise ValueError(f"docs/lectures.toml: {known[number].name} has no section {heading!r}.")
                taught.append((number, known[number].relative_to(root).as_posix(), heading))
            slide[1] = taught
    return decks


def glossary_page(text, root=ROOT):
    """Return docs/glossary.md with its list as Sphinx's glossary, and behind each entry the lessons that explain it."""
    bold = {}
    for path in lessons(root):
        prose = "\n".join(cell.source for cell in read_notebook(path).cells if cell.cell_type == "markdown")
        bold[path] = {" ".join(words.lower().split()) for words in re.findall(r"\*\*([^*]+)\*\*", prose)}
    entries = []
    for names, meaning in glossary_entries(text):
        where = [path for path, words in bold.items() if words & {name.lower() for name in names}]
        links = ", ".join(f"[{lesson_number(path)}](../notebooks/{path.name})" for path in where)
        entries.append("\n".join([*names, f"  {meaning}" + (f" Lesson {links}." if links else "")]))
    head = text[: ENTRY.search(text).start()]
    return head + "```{glossary}\n" + "\n\n".join(entries) + "\n```\n"


def glossary_entries(text):
    """Return [([term, synonym, ...], meaning), ...] of the glossary's text."""
    return [
        ([term, *re.split(", ", others or "")][: None if others else 1], meaning)
        for term, others, meaning in ENTRY.findall(text)
    ]


def link_terms(app, doctree, docname):
    """Let the first use of every term in a notebook's prose lead to the glossary (Sphinx's event doctree-resolved)."""
    if not docname.startswith("notebooks/"):
        return
    anchors = {
        name: anchor for name, _, kind, _, anchor, _ in app.env.get_domain("std").get_objects() if kind == "term"
    }
    entries = glossary_entries((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    entry_of = {name.lower(): (names[0], meaning) for names, meaning in entries for name in names}
    words = "|".join(sorted(map(re.escape, entry_of), key=len, reverse=True))
    pattern, seen = re.compile(rf"(?<![\w-])({words})(s?)(?![\w-])", re.IGNORECASE), set()
    there = app.builder.get_relative_uri(docname, "docs/glossary")
    for text in list(doctree.findall(nodes.Text)):
        if _inside(text, SILENT) or not _inside(text, (nodes.paragraph,)):
            continue
        parts, end = [], 0
        for match in pattern.finditer(text):
            name, meaning = entry_of[match[1].lower()]
            if name not in seen:
                seen.add(name)
                to = {"refuri": f"{there}#{anchors[name]}", "reftitle": meaning, "classes": ["term"]}
                parts += [nodes.Text(text[end : match.start()]), nodes.reference("", match[0], internal=True, **to)]
                end = match.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def build(source=SOURCE, target=BUILD):
    """Make the pages; return Sphinx's exit code, which is not 0 after a warning."""
    from sphinx.cmd.build import build_main  # slow to import, and link_terms is imported by Sphinx

    shutil.rmtree(target, ignore_errors=True)
    doctrees = target.with_name("book-doctrees")
    settings = ["-c", str(ROOT / "docs"), "-d", str(doctrees), "-b", "html", "-W", "--keep-going", "-q", "-E"]
    return build_main([*settings, str(source), str(target)])


def main():
    """Make the book, and print where it is; return the exit code."""
    plain_output()
    start = time.perf_counter()
    try:
        stage()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    code = build()
    if code == 0:
        seconds = time.perf_counter() - start
        print(f"To read, also without a network: {(BUILD / 'index.html').relative_to(ROOT)} ({seconds:.0f} s)")
    return code


def slug(heading):
    """Return the anchor of a heading, as MyST and GitHub make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _facts(path, places):
    nb = read_notebook(path)
    return {
        "page": f"notebooks/{path.stem}",
        "file": path.name,
        "title": title(nb) or path.stem,
        "summary": summary(nb).replace("|", "\\|"),
        "decks": _decks(lesson_number(path), places),
    }


def _decks(number, places):
    """Return the ids of the decks that a lesson teaches."""
    return [
        deck["id"] for deck in places if any(number == place[0] for _, taught in deck["slides"] for place in taught)
    ]


def _links(path, colab, places):
    """Return the line of links that stands in the badge's place."""
    down = "[Download the notebook]({})"
    if not is_exercise(path):
        decks = ", ".join(f"[{deck}](../docs/lectures.md#deck-{deck})" for deck in _decks(lesson_number(path), places))
        links = [f"Lectures {decks}"] if decks else []
        links += [f"[Open in Colab]({colab})", down.format(f"../downloads/{path.name}")]
        solved = path.parent / "exercises" / f"{path.stem}_solved.ipynb"
        links += [f"[Exercises, solved](exercises/{solved.name})"] if solved.exists() else []
    else:
        links = [f"[Lesson](../{lesson_of(path).name})", f"[Open the students' version in Colab]({colab})"]
        links.append(down.format(f"../../downloads/{path.name}"))
        if student_of(path).exists():
            links.append(f"[Download the students' version](student/{student_of(path).name})")
    return "{.links}\n" + " · ".join(links)


def _headings(path):
    found = set()
    for cell in read_notebook(path).cells:
        if cell.cell_type == "markdown":
            found |= {line.lstrip("#").strip() for line in cell.source.splitlines() if re.match("##+ ", line)}
    return found


def _prompt(cell, words):
    cell.metadata["mystnb"] = {"code_prompt_show": words, "code_prompt_hide": words}


def _show(output):
    """Make a picture an <img> with its alt text and size, which MyST-NB would drop; coloured text plain."""
    if "text" in output:
        output["text"] = ANSI.sub("", output["text"])
    data, facts = output.get("data", {}), output.get("metadata", {})
    if "text/plain" in data:
        data["text/plain"] = ANSI.sub("", data["text/plain"])
    if data.get("text/html", "").startswith("<pre"):
        del data["text/html"]
    kind = next((kind for kind in ("image/svg+xml", "image/png") if kind in data and "text/html" not in data), None)
    if kind:
        content = base64.b64encode(data[kind].encode()).decode() if kind == "image/svg+xml" else data[kind]
        size = facts.get("image/png", {})
        shape = "".join(f' {key}="{size[key]}"' for key in ("width", "height") if key in size)
        alt = escape(facts.get(kind, {}).get("alt") or size.get("alt", ""))
        image = f'<img alt="{alt}"{shape} loading="lazy" src="data:{kind};base64,{"".join(content.split())}">'
        output["data"] = {"text/html": image}


def _copy_linked(text, path, root, source):
    """Copy the files that a page links to, and that are no pages, beside it."""
    for link in LINK.findall(text):
        target = (path.parent / link).resolve()
        if target.is_file() and target.is_relative_to(root) and target.suffix != ".md":
            copy = source / target.relative_to(root)
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(target, copy)


def _inside(node, kinds):
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


if __name__ == "__main__":
    sys.exit(main())
