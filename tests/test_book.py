"""The book: it builds without a warning, asks nothing of other hosts, and a new lesson joins it by itself."""

import os
import re
import time
from html.parser import HTMLParser
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest

from scripts import book, project

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
BEYOND = {"18", "19"}  # lessons that no lecture has


class Page(HTMLParser):
    """What the tests ask of a page: ids, links, what it loads, headings, pictures; its text in folds and outside."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loads, self.headings, self.images = set(), [], [], [], []
        self.open, self.folded, self.free, self._folds, self._heading = [], "", "", 0, None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs["id"]} if "id" in attrs else set()
        if tag == "a" and "href" in attrs:
            self.links.append(attrs["href"])
        if tag == "link" and attrs.get("rel") in ("stylesheet", "icon", "preload", "shortcut icon"):
            self.loads.append(attrs["href"])
        self.loads += [attrs[key] for key in ("src", "srcset", "poster", "data") if attrs.get(key)]
        if tag == "img":
            self.images.append(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        while tag in self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "script" in self.open or "style" in self.open:
            return
        if "details" in self.open and "summary" not in self.open:
            self.folded += data
        else:
            self.free += data


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The book, built anew: `folder`, `seconds`, and `pages`, by their names below the folder."""
    folder = tmp_path_factory.mktemp("book")
    start = time.perf_counter()
    book.stage(source=folder / "source")
    assert book.build(folder / "source", folder / "book") == 0, "Sphinx warned: see above"
    seconds, folder = time.perf_counter() - start, folder / "book"
    pages = {path.relative_to(folder).as_posix(): Page(path) for path in sorted(folder.rglob("*.html"))}
    return SimpleNamespace(folder=folder, seconds=seconds, pages=pages)


def test_every_lesson_and_every_solved_exercise_has_its_page(built):
    expected = {f"notebooks/{path.stem}.html" for path in project.lessons()}
    expected |= {f"notebooks/exercises/{path.stem}.html" for path in project.exercises()}
    assert expected == {name for name in built.pages if name.startswith("notebooks/")}
    assert built.seconds < 120  # 60 on an idle machine; the tests run two at a time


def test_nothing_is_loaded_from_another_host(built):
    foreign = re.compile(r"(?:https?:)?//")
    for name, page in built.pages.items():
        assert not [address for address in page.loads if foreign.match(address)], name
    for path in built.folder.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""", text), path.name
    for path in built.folder.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"""(?:fetch\(|import\(|\.src\s*=)\s*["'`](?:https?:)?//""", text), path.name


def test_every_link_within_the_book_resolves(built):
    for name, page in built.pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            there = os.path.normpath(os.path.join(os.path.dirname(name), unquote(parts.path))) if parts.path else name
            there = there.replace(os.sep, "/")
            assert (built.folder / there).is_file(), f"{name}: {link}"
            if parts.fragment and there in built.pages:
                assert unquote(parts.fragment) in built.pages[there].ids | {"top"}, f"{name}: {link}"


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "data/README.md", "docs/teaching.md", "docs/results.md"]
)
def test_links_between_the_texts_resolve_on_github_too(name):
    path = project.ROOT / name
    for link in re.findall(r"\]\(([^)\s:]+)\)", path.read_text(encoding="utf-8")):
        file, _, fragment = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if fragment:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert fragment in map(book.slug, headings), link


def test_headings_are_in_order_and_pictures_have_words(built):
    for name, page in built.pages.items():
        assert page.headings.count(1) == (name != "search.html"), name  # a script writes that page
        steps = [b - a for a, b in zip(page.headings, page.headings[1:], strict=False)]
        assert max(steps, default=0) <= 1, name
        assert all(image.get("alt") for image in page.images), name


def test_pages_of_lessons_lead_to_colab_lectures_exercises_and_the_notebook(built):
    for path in project.lessons():
        links = built.pages[f"notebooks/{path.stem}.html"].links
        colab = f"https://colab.research.google.com/github/{project.repository()}/blob/main/notebooks/{path.name}"
        assert colab in links, path.stem
        leads_to_a_deck = any(link.startswith("../docs/lectures.html#deck-") for link in links)
        assert leads_to_a_deck == (project.lesson_number(path) not in BEYOND), path.stem
        assert f"exercises/{path.stem}_solved.html" in links, path.stem
        (copy,) = {link for link in links if link.startswith("../_downloads/") and link.endswith(f"/{path.name}")}
        assert (built.folder / "notebooks" / copy).read_bytes() == path.read_bytes()


def test_what_checks_is_folded_and_what_it_found_is_not(built):
    for path in project.lessons():
        page, nb = built.pages[f"notebooks/{path.stem}.html"], project.read_notebook(path)
        checked = [cell for cell in nb.cells if "claims" in cell.metadata.get("tags", [])]
        assert checked
        for cell in checked:
            head, first, *_ = cell.source.splitlines()
            assert head.removeprefix("# @title ") in page.free, path.stem
            assert first.split("(")[0] in page.folded, path.stem
            for output in cell.outputs:
                for line in output.get("text", "").splitlines():
                    assert line in page.free, f"{path.stem}: {line}"


def test_solutions_are_folded(built):
    for path in project.exercises():
        page = built.pages[f"notebooks/exercises/{path.stem}.html"]
        assert "### BEGIN SOLUTION" in page.folded, path.stem
        assert "### BEGIN SOLUTION" not in page.free, path.stem
        assert "What a good answer contains" in page.folded, path.stem
        assert "What a good answer contains" not in page.free, path.stem


def test_terms_and_symbols_lead_to_glossary_and_notation(built):
    page = built.pages["notebooks/01_vanilla_vs_pca.html"]
    assert page.links.count("../docs/glossary.html#term-autoencoder") == 1  # at its first use, and only there
    assert "../docs/notation.html" in page.links
    glossary = built.pages["docs/glossary.html"]
    assert "../notebooks/12_variational.html" in glossary.links  # where a word is explained
    assert "../notebooks/12_variational.html" in built.pages["docs/notation.html"].links  # where a symbol is new


def test_every_slide_is_mapped_and_every_lesson_has_its_lectures(built):
    decks = book.lectures()
    assert [deck["id"] for deck in decks] == ["000", "001", "002", "003", "004"]
    taught = {place[0] for deck in decks for _, places in deck["slides"] for place in places}
    known = {project.lesson_number(path) for path in project.lessons()}
    assert taught == known - BEYOND
    for deck in decks:
        for heading, _ in deck["slides"]:
            assert heading in built.pages["docs/lectures.html"].free


def test_a_slide_that_leads_nowhere_is_named(toy):
    slides = '[[deck]]\nid = "9"\ntitle = "A deck"\nslides = [["A slide", ["01#A result", "77"]]]\n'
    file = toy.root / "docs" / "lectures.toml"
    project.write_text(file, slides)
    (deck,) = book.lectures(toy.root)
    assert deck["slides"] == [["A slide", [("01", "notebooks/01_toy.ipynb", "A result")]]]  # 77 does not exist yet
    project.write_text(file, slides.replace("A result", "A dream"))
    with pytest.raises(ValueError, match=r"01_toy\.ipynb has no section 'A dream'"):
        book.lectures(toy.root)


def test_a_new_lesson_joins_by_itself(toy, tmp_path):
    source = tmp_path / "source"
    nb = project.read_notebook(toy.path)
    nb.cells[0].source = nb.cells[0].source.replace("01", "02")
    project.write_notebook(nb, toy.path.with_name("02_new.ipynb"))
    solved = toy.path.parent / "exercises" / "02_new_solved.ipynb"
    solved.parent.mkdir()
    project.write_notebook(nb, solved)
    book.stage(toy.root, source)
    index = (source / "index.md").read_text(encoding="utf-8")
    assert "[02 · A toy](notebooks/02_new.ipynb) | It teaches \\| nothing." in index
    assert "02 · A toy <notebooks/02_new>" in index
    staged = project.read_notebook(source / "notebooks" / "02_new.ipynb")
    assert "exercises/02_new_solved" in staged.cells[-1].source
    assert "[Open in Colab](https://colab" in staged.cells[0].source
    assert (source / "downloads" / "02_new.ipynb").exists()


def test_pictures_keep_their_words_and_their_size():
    facts = {"image/png": {"alt": 'a "dot" < b', "width": 3, "height": 4}}
    output = {"data": {"image/png": "QUJD\n", "text/plain": "x"}, "metadata": facts}
    book._show(output)
    html = '<img alt="a &quot;dot&quot; &lt; b" width="3" height="4" loading="lazy" src="data:image/png;base64,QUJD">'
    assert output["data"] == {"text/html": html}


def test_colours_of_a_terminal_and_of_tables_go():
    output = {"data": {"text/html": "<pre>coloured</pre>", "text/plain": "\x1b[1mplain\x1b[0m"}}
    book._show(output)
    assert output["data"] == {"text/plain": "plain"}
