"""The scripts behind the Makefile, on a tiny project; and the files that install the course."""

import base64
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from types import SimpleNamespace

import nbformat
import pytest
from packaging.requirements import Requirement

from scripts import address, fetch, gallery, lesson, project, results
from scripts.execute import LessonError, data_words, execute, headlines, number
from scripts.setup_cell import SETUP_CELL, setup_cell
from tests.rules import CHECKS


def edit_code(index, source):
    """Return a function that changes the source of one code cell of a notebook."""
    return lambda nb: [cell for cell in nb.cells if cell.cell_type == "code"][index].update(source=source)


# --- execute in place ---------------------------------------------------------------------------------------


def test_lesson_executes_stamps_and_writes_results(toy):
    toy.edit(edit_code(2, "# @title It\nvalue=0.123456789\nrecord(value)\nprint('10%\\r50%\\r100%', end='\\n')"))
    toy.results.unlink()
    old = project.read_notebook(toy.path)

    done = lesson.execute_in_place(toy.path, root=toy.root)

    nb = project.read_notebook(toy.path)
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    assert [cell.id for cell in nb.cells] == [cell.id for cell in old.cells]
    assert [cell.execution_count for cell in code] == [1, 2, 3, 4, 5, 6, 7]
    assert code[2].source.startswith("# @title It\nvalue = 0.123456789\n")  # formatted
    assert [output.text for output in code[2].outputs] == ["100%\n"]  # only the last state of a progress bar
    assert not any("execution" in cell.metadata for cell in nb.cells)
    assert nb.metadata["kernelspec"]["name"] == "python3"
    assert nb.metadata["language_info"]["version"] == platform.python_version()
    written = json.loads(toy.results.read_text(encoding="utf-8"))
    assert written == done
    assert written["metrics"]["toy"]["value"] == 0.123457  # 6 significant digits
    assert 0 < written["seconds"] < 600
    for check in CHECKS:
        check(toy.path)


def test_lesson_that_fails_is_left_untouched(toy):
    toy.edit(edit_code(4, "claim( 'a falsehood', value > 0.5)"))
    before, results_before = toy.path.read_bytes(), toy.results.read_bytes()
    with pytest.raises(LessonError, match=r"(?s)^cell 8 .*failed.*AssertionError: a falsehood"):
        lesson.execute_in_place(toy.path, root=toy.root)
    assert toy.path.read_bytes() == before
    assert toy.results.read_bytes() == results_before


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        ({"verified": False}, False),
        ({"name": "cifar10", "verified": False}, True),
        ({"name": "cifar10", "verified": False, "fallback": True}, False),
    ],
)
def test_what_a_committed_lesson_may_rest_on(toy, change, good):
    entry = toy.data | change
    assert project.doubtful([toy.data, entry]) == ([] if good else [entry])


def test_lesson_on_unverified_data_needs_force(toy, monkeypatch):
    stand_in = toy.data | {"fallback": True}
    monkeypatch.setenv("TOY_DATA", json.dumps([stand_in]))
    before = toy.path.read_bytes()
    with pytest.raises(LessonError, match=r"the sample in place of mnist.*FORCE=1"):
        lesson.execute_in_place(toy.path, root=toy.root)
    assert toy.path.read_bytes() == before

    lesson.execute_in_place(toy.path, root=toy.root, force=True)
    assert project.read_notebook(toy.path).metadata["autoencoder_course"]["data"] == [stand_in]


def test_quick_lesson_says_so_and_leaves_results_alone(toy):
    before = toy.results.read_bytes()
    lesson.execute_in_place(toy.path, root=toy.root, budget="quick")
    assert project.read_notebook(toy.path).metadata["autoencoder_course"]["budget"] == "quick"
    assert toy.results.read_bytes() == before


def test_lesson_that_ruff_refuses_is_not_executed(toy):
    toy.edit(edit_code(2, "value = undefined_name"))
    with pytest.raises(LessonError, match=r"(?s)ruff check objects:.*F821"):
        lesson.execute_in_place(toy.path, root=toy.root)


def test_lesson_saved_meanwhile_is_not_overwritten(toy, monkeypatch):
    def save_and_execute(nb, folder, budget):
        toy.edit(lambda other: other.metadata.update(edited=True))
        return {"lesson": "01", "data": [], "seconds": 1.0, "versions": {}, "metrics": {}, "claims": {}}

    monkeypatch.setattr(lesson, "execute", save_and_execute)
    with pytest.raises(LessonError, match="saved by another program"):
        lesson.execute_in_place(toy.path, root=toy.root)
    assert project.read_notebook(toy.path).metadata["edited"]


def test_lesson_with_another_number_is_refused(toy, monkeypatch):
    monkeypatch.setattr(lesson, "execute", lambda *_: {"lesson": "07"})
    with pytest.raises(LessonError, match=r"claims\.start\('07'\)"):
        lesson.execute_in_place(toy.path, root=toy.root)


def test_lesson_that_records_nothing_is_refused(toy):
    nb = project.read_notebook(toy.path)
    nb.cells = nb.cells[:3]
    with pytest.raises(LessonError, match="nothing was recorded"):
        execute(nb, toy.path.parent, "quick")


def test_dead_kernel_is_told(toy):
    nb = project.read_notebook(toy.path)
    nb.cells[3].source = "import os\nos._exit(3)"
    with pytest.raises(LessonError, match=r"(?s)^cell [34] .*died"):
        execute(nb, toy.path.parent, "quick")


def test_unknown_budget(toy):
    with pytest.raises(ValueError, match="AE_BUDGET='huge'"):
        execute(project.read_notebook(toy.path), toy.path.parent, "huge")


def test_unknown_lesson(toy):
    with pytest.raises(ValueError, match=r"no lesson '7'.*there are: 01"):
        project.find_lesson("7", toy.root)
    assert project.find_lesson(1, toy.root) == toy.path


# --- run and gallery ----------------------------------------------------------------------------------------


@pytest.fixture
def toy_run(toy):
    """Call scripts.run as the Makefile does, but on the toy project."""
    names = shutil.ignore_patterns("__pycache__", "results.py")
    shutil.copytree(project.ROOT / "scripts", toy.root / "scripts", ignore=names)
    (toy.root / "README.md").write_text("# The course\n\n[toy](notebooks/01_toy.ipynb)\n", encoding="utf-8")

    def call(*arguments, **env):
        command = [sys.executable, "-m", "scripts.run", *arguments]
        env = {**os.environ, "PYTHONIOENCODING": "utf-8", **env}
        return subprocess.run(command, cwd=toy.root, env=env, capture_output=True, encoding="utf-8", check=False)

    return call


def test_run_makes_pages(toy, toy_run):
    students = toy.root / "notebooks" / "exercises" / "student"
    students.mkdir(parents=True)
    shutil.copy(toy.path, students / "01_toy_exercises.ipynb")
    toy.edit(lambda nb: nb.cells[6].metadata.update(tags=["gallery"]))
    toy.edit(lambda nb: nb.cells[7].metadata.update(tags=["claims", "hide-input"]))
    toy.edit(
        lambda nb: nb.cells[9].update(source=nb.cells[9].source + "\n\n[it](01_toy.ipynb) [code](../utils/claims.py)")
    )
    metrics = json.loads(toy.results.read_text(encoding="utf-8"))["metrics"]
    assert metrics["toy"]["value"] == 0.123457
    toy.edit(lambda nb: nb.cells[5].update(source="# @title It\nvalue = 0.2\nrecord(value)"))

    done = toy_run()

    assert done.returncode == 0, done.stderr
    line = r"01_toy  \d+ s\n    toy: 0\.2 MSE \(PCA: 0\.5\); full run: 0\.1235\n"
    assert re.search(line, done.stdout)
    assert "1 of 1 claims checked, 1 of 1 headlines beat their baselines." in done.stdout
    build = toy.root / "build"
    index = (build / "index.html").read_text(encoding="utf-8")
    for part in ("01 · A toy", "It teaches | nothing.", ">0.2<", ">0.1235<", toy.pixel, "1 of 1 claims checked"):
        assert part in index
    lesson_page = (build / "html" / "01_toy.html").read_text(encoding="utf-8")
    assert "<details" in lesson_page
    assert (build / "notebooks" / "01_toy.ipynb").exists()
    pages = sorted(build.rglob("*.html"))
    assert [page.relative_to(build).as_posix() for page in pages] == [
        "html/01_toy.html",
        "html/README.html",
        "html/exercises/01_toy_exercises.html",
        "index.html",
    ]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r"""\bsrc=["']?(?:https?:)?//|<link[^>]+href="http|url\(["']?http""", text)
        for link in re.findall(r'(?:href|src)="([^"#:]+)["#]', text):
            assert (page.parent / link).resolve().exists(), f"{page.name}: {link}"


def test_run_names_the_lesson_that_fails_and_goes_on(toy, toy_run):
    nb = project.read_notebook(toy.path)
    nb.cells[7].source = "raise KeyError('the reason')"
    project.write_notebook(nb, toy.path.with_name("02_broken.ipynb"))
    before = toy.path.read_bytes()
    done = toy_run()
    assert done.returncode == 1
    assert re.search(r"(?s)02_broken  FAILED after \d+ s: cell 8 .*KeyError: 'the reason'", done.stdout)
    assert "FAILED: 02" in done.stderr
    assert re.search(r"01_toy  \d+ s\n", done.stdout)
    assert toy.path.read_bytes() == before


def test_run_of_an_unknown_lesson(toy_run):
    done = toy_run("9")
    assert done.returncode == 1
    assert "There is no lesson '9'" in done.stdout


def test_index_escapes_html(toy, monkeypatch):
    monkeypatch.setattr(gallery, "BUILD", toy.root / "build")
    toy.edit(lambda nb: nb.cells[0].update(source="# 01 · <script>\n\n> a < b"))
    project.write_notebook(project.read_notebook(toy.path), toy.root / "build" / "notebooks" / toy.path.name)
    gallery.index([toy.path], {"01": execute_result(toy)}, {}, "quick")
    page = (toy.root / "build" / "index.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "01 · &lt;script&gt;" in page


def execute_result(toy):
    claims = {"checked": 1, "sentences": ["it"]}
    return json.loads(toy.results.read_text(encoding="utf-8")) | {"claims": claims, "budget": "quick"}


@pytest.mark.parametrize(
    ("cores", "at_once", "threads"), [(2, 2, "1"), (8, 2, "4"), (2, 1, "2"), (1, 2, "1"), (None, 2, "1")]
)
def test_lessons_side_by_side_share_the_cores_and_the_environment_has_the_last_word(
    monkeypatch, cores, at_once, threads
):
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    monkeypatch.setattr(os, "environ", {"OMP_NUM_THREADS": "7"})
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    project.share_cores(at_once)
    assert [os.environ[name] for name in names] == [threads, threads, "7"]


@pytest.mark.parametrize(
    ("numprocesses", "worker", "threads"),
    [(None, None, "8"), (2, None, None), (None, {"workercount": 2}, "4"), (4, {"workercount": 4}, "2")],
)
def test_who_hands_out_the_tests_takes_no_share_of_the_cores(monkeypatch, numprocesses, worker, threads):
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    config = SimpleNamespace(getoption=lambda name, default: numprocesses)
    if worker:
        config.workerinput = worker
    assert project.share_cores_of_tests(config) is (threads is not None)
    assert os.environ.get("TF_NUM_INTRAOP_THREADS") == threads


def test_a_pipe_without_arrows_gets_a_question_mark():
    code = "from scripts.project import plain_output; plain_output(); print('dB ↑')"
    env = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run([sys.executable, "-c", code], cwd=project.ROOT, env=env, capture_output=True, check=True)
    assert done.stdout.split() == [b"dB", b"?"]


# --- results ------------------------------------------------------------------------------------------------


@pytest.fixture
def tables(toy):
    """The toy's files with markers for all tables; return a function that reads one of them."""
    for name, found in results.TABLES.items():
        markers = "\n".join(f"<!-- {table}:begin -->\nold\n<!-- {table}:end -->\n\nBetween." for table in found)
        project.write_text(toy.root / name, f"# Course\n\n{markers}\n\nAfter.\n")
    return lambda name: (toy.root / name).read_text(encoding="utf-8")


def test_the_tables_agree_with_the_results(capsys):
    assert results.main(["--check"]) == 0, capsys.readouterr().err


def test_results_are_rendered_once_and_checked(toy, tables, capsys):
    before = tables("README.md")
    assert results.main(["--check"], toy.root) == 1
    assert "README.md, docs/results.md, docs/exercises.md, docs/teaching.md: not what" in capsys.readouterr().err
    assert tables("README.md") == before

    assert results.main([], toy.root) == 0
    assert results.main(["--check"], toy.root) == 0
    text = tables("README.md")
    assert "| [01 · A toy](notebooks/01_toy.ipynb) | toy: 0.1235 MSE (PCA: 0.5) | [Colab](https://colab." in text
    assert text.startswith("# Course\n")
    assert text.endswith("\n\nBetween.\n\nAfter.\n")
    assert "old" not in text
    text = tables("docs/results.md")
    assert "## [01 · A toy](../notebooks/01_toy.ipynb)\n\nIt teaches | nothing.\n\nFull run: 2 s, seed 1." in text
    assert "| **toy** | 0.1235 MSE | 0.5 (PCA) | – |" in text


def test_the_readme_shows_the_headline_that_has_a_papers_number(toy):
    metric = json.loads(toy.results.read_text(encoding="utf-8"))["metrics"]["toy"]
    other = metric | {"paper": {"name": "A paper", "value": 0.1}, "value": 0.2}
    metrics = {"a": metric, "b": other, "c": other | {"headline": False}}
    assert results._headline({"metrics": metrics}) == "b: 0.2 MSE (PCA: 0.5)"
    assert results._headline({"metrics": {"c": metrics["c"]}}) == "not run yet"


def test_the_readme_is_short():
    size = len((project.ROOT / "README.md").read_bytes())
    assert size <= 8_000


def test_every_lesson_has_its_place_in_the_sessions_and_in_their_exercises():
    numbers = [project.lesson_number(path) for path in project.lessons()]
    assert sorted(number for _, shown, *_ in results.SESSIONS for number in shown) == numbers
    assert sorted(number for *_, now, later in results.SESSIONS for number in now + later) == numbers


def test_the_sessions_sum_up_what_they_need(toy):
    row = results.sessions_table(toy.root).splitlines()[2]  # its data has lesson 01 alone, of 1.5 s, and no exercises
    assert row == ("| 1 | One hidden layer, and PCA | 01 | 01 | lessons 1 min, exercises 0 min | – | `mnist` 11 MB |")


def test_the_readme_figure_is_the_tagged_picture(toy, tables, capsys):
    picture = toy.root / "docs" / "readme.png"
    assert results.main([], toy.root) == 0
    assert not picture.exists()

    toy.edit(lambda nb: nb.cells[6].metadata.update(tags=["readme"]))
    assert results.main(["--check"], toy.root) == 1
    assert results.main([], toy.root) == 0
    assert base64.b64encode(picture.read_bytes()).decode() == toy.pixel

    picture.write_bytes(b"another")
    assert results.main(["--check"], toy.root) == 1
    capsys.readouterr()


def test_bench_is_rendered(toy):
    row = {"network": "784-32-784", "way": "`fit`", "wall": 7.64, "cpu": 9.96, "epoch": 0.512, "megabytes": 764.4}
    bench = {"cores": 2, "calls": 20, "rows": [row | {"later": 880.2}]}
    project.write_json(bench, toy.root / "results" / "bench.json")
    table = results.bench_table(toy.root)
    assert "2 cores" in table
    assert "| 784-32-784 | `fit` | 7.6 s | 10.0 s | 0.51 s | 764 MB | 880 MB |" in table


@pytest.mark.parametrize("end", ["", "<!-- sessions:end -->\n<!-- sessions:begin -->", 2 * "<!-- sessions:end -->"])
def test_a_file_without_its_markers(toy, tables, capsys, end):
    text = "<!-- sessions:begin -->" + end
    project.write_text(toy.root / "docs" / "teaching.md", text)
    before = tables("README.md")
    assert results.main([], toy.root) == 1
    assert "docs/teaching.md must hold the lines <!-- sessions" in capsys.readouterr().err
    assert tables("docs/teaching.md") == text
    assert tables("README.md") == before  # nothing is written by halves


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.00951234, "0.009512"),
        (0, "0"),
        (12, "12"),
        (-3.14159, "-3.142"),
        (54321.7, "54,322"),
        (1e-7, "1.00e-07"),
    ],
)
def test_number(value, words):
    assert number(value) == words


@pytest.mark.parametrize(("seconds", "words"), [(21.4, "21 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s")])
def test_duration(seconds, words):
    assert results.duration(seconds) == words


def test_words_of_results(toy):
    read = json.loads(toy.results.read_text(encoding="utf-8"))
    assert headlines(read) == ["toy: 0.1235 MSE (PCA: 0.5)"]
    more_is_better = read["metrics"]["toy"] | {"better": "higher", "unit": "dB"}
    assert headlines({"metrics": {"toy": more_is_better}}) == ["toy: 0.1235 dB ↑ (PCA: 0.5)"]
    assert headlines(read, {"metrics": {"toy": {"value": 0.01}}}) == ["toy: 0.1235 MSE (PCA: 0.5); full run: 0.01"]
    assert data_words(read) == "mnist"
    read["data"] = [toy.data | {"verified": False}] * 2
    assert data_words(read) == "mnist (UNVERIFIED)"


def test_json_is_sorted_rounded_and_refuses_nan(tmp_path):
    project.write_json({"b": [1 / 3, 2.0], "a": "é"}, tmp_path / "x.json")
    assert (tmp_path / "x.json").read_bytes() == '{\n  "a": "é",\n  "b": [\n    0.333333,\n    2\n  ]\n}\n'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        project.write_json({"a": float("nan")}, tmp_path / "y.json")


# --- fetch --------------------------------------------------------------------------------------------------


def test_fetch_names_what_is_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("AE_OFFLINE", "1")
    (tmp_path / "mnist.npz").write_bytes(b"PK no zip")
    assert fetch.main() == 1
    shown = capsys.readouterr()
    assert re.search(r"(?m)^mnist: .*mnist\.npz.*Delete it", shown.out)  # a broken file, named with the remedy
    assert "fashion_mnist: NOT all of Fashion-MNIST" in shown.out
    assert "NOT there, or not the official data: mnist, fashion_mnist, cifar10." in shown.err


def test_fetch_is_content_with_verified_data_and_with_parts_that_will_do(monkeypatch, capsys):
    kinds = {"mnist": (True, False), "fashion_mnist": (False, False), "cifar10": (False, False), "other": (True, True)}

    def official(name):
        verified, fallback = kinds[name]
        return SimpleNamespace(provenance=SimpleNamespace(verified=verified, fallback=fallback))

    monkeypatch.setattr(fetch, "official", official)
    assert fetch.fetch(list(kinds)) == ["fashion_mnist", "other"]
    assert capsys.readouterr().out.count("\n") == 4


def test_fetch_into_a_folder_that_is_none(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AE_DATA_DIR", str(tmp_path / "stick"))
    assert fetch.main() == 1
    assert "is not a folder" in capsys.readouterr().err


# --- the address --------------------------------------------------------------------------------------------


def test_address_is_changed_everywhere_and_the_lesson_stays_valid(toy):
    texts = ("README.md", "docs/exercises.md", "CITATION.cff")
    for name in texts:
        project.write_text(toy.root / name, f"git clone https://github.com/{toy.address}\n")
    changed = address.change("new-owner/new_name", toy.root)
    assert {path.relative_to(toy.root).as_posix() for path in changed} == {
        "notebooks/01_toy.ipynb",
        *texts,
        "pyproject.toml",
    }
    assert project.repository(toy.root) == "new-owner/new_name"
    for path in changed:
        assert toy.address not in path.read_text(encoding="utf-8")
    for check in CHECKS:
        check(toy.path)
    assert address.change("new-owner/new_name", toy.root) == []


def test_address_survives_the_formatter(toy):
    address.change("an-owner-of-a-rather-long-name/a-repository-of-a-rather-long-name", toy.root)
    text = toy.path.read_text(encoding="utf-8")
    assert json.loads(lesson.tidy(text, toy.path))["cells"] == json.loads(text)["cells"]


@pytest.mark.parametrize("new", ["", "name", "https://github.com/a/b", "a/b/c", "a/b.git", "a b/c", "a/..", "-a/b"])
def test_address_of_the_wrong_form(toy, new):
    with pytest.raises(ValueError, match="write owner/name"):
        address.change(new, toy.root)
    assert project.repository(toy.root) == toy.address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://github.com/a/b.git", "https://github.com/NEW.git"),
        ("(github/a/b/blob/main)", "(github/NEW/blob/main)"),
        ("at a/b.", "at NEW."),
        ("github.com/aa/b, a/bb, a/b-c, a/b.c", "github.com/aa/b, a/bb, a/b-c, a/b.c"),
    ],
)
def test_replace_address(text, expected):
    assert project.replace_address(text, "a/b", "NEW") == expected


def test_the_address_of_this_project_has_the_right_form():
    assert address.FORM.fullmatch(project.repository())


def test_missing_address(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool]\n", encoding="utf-8")
    with pytest.raises(KeyError, match=r"tool\.autoencoder-course"):
        project.repository(tmp_path)


# --- the setup cell -----------------------------------------------------------------------------------------

SHOW = "\nimport os, sys\nprint(utils.__file__)\nprint(os.getcwd())\nprint(sys.path[0])"


def run_cell(cwd, *, times=1, address="some-owner/some.repo", before="", **env):
    """Run the setup cell in a fresh Python in the folder `cwd`; return (exit code, stdout lines, stderr)."""
    code = f"{before}\ncell = {setup_cell(address)!r}\n" + "exec(cell)\n" * times + SHOW
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | env
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.fixture
def colab(toy, tmp_path):
    """The environment of a machine that looks like Colab, where the project's address leads to the toy."""
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *arguments], cwd=toy.root, check=True)
    return {
        "before": "import sys; sys.modules['google.colab'] = sys",  # as Colab's kernel has it
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{toy.root.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{toy.address}.git",
    }


def test_setup_cell_is_short_and_plain():
    assert len(SETUP_CELL.splitlines()) <= 25
    assert not re.search(r"^\s*[%!]", SETUP_CELL, re.MULTILINE)


@pytest.mark.parametrize("folder", [".", "notebooks", "notebooks/exercises/student", "classroom/submitted/ann/week1"])
@pytest.mark.parametrize("times", [1, 2])
def test_setup_cell_at_home(toy, folder, times):
    (toy.root / folder).mkdir(parents=True, exist_ok=True)
    code, lines, errors = run_cell(toy.root / folder, times=times)
    assert code == 0, errors
    assert lines == [str(toy.root / "utils" / "__init__.py"), str(toy.root / "notebooks"), str(toy.root)]


def test_setup_cell_beside_a_strangers_utils(toy):
    stranger = toy.root / "notebooks" / "utils"
    stranger.mkdir()
    (stranger / "__init__.py").write_text("raise SystemExit('a stranger')", encoding="utf-8")
    code, lines, errors = run_cell(toy.root / "notebooks")
    assert code == 0, errors
    assert lines[0] == str(toy.root / "utils" / "__init__.py")


def test_setup_cell_in_colab_clones_once(tmp_path, colab):
    content = tmp_path / "content"
    content.mkdir()
    clone = content / "autoencoder-course"
    expected = [str(clone / "utils" / "__init__.py"), str(clone / "notebooks"), str(clone)]
    code, lines, errors = run_cell(content, times=2, **colab)
    assert (code, lines) == (0, expected), errors
    (clone / "mine.txt").write_text("kept", encoding="utf-8")
    code, lines, errors = run_cell(content, **colab)  # after a restart of the runtime
    assert (code, lines) == (0, expected), errors
    assert (clone / "mine.txt").exists()


def test_setup_cell_in_colab_makes_half_a_clone_anew(tmp_path, colab):
    clone = tmp_path / "content" / "autoencoder-course"
    (clone / ".git").mkdir(parents=True)
    code, lines, errors = run_cell(clone.parent, **colab)
    assert (code, lines[:1]) == (0, [str(clone / "utils" / "__init__.py")]), errors


def test_setup_cell_in_colab_refuses_the_placeholder(tmp_path, colab):
    code, _, errors = run_cell(tmp_path, address=project.PLACEHOLDER, **colab)
    assert code == 1
    assert "RuntimeError: Write the course's own address into `repository` above." in errors
    assert not (tmp_path / "autoencoder-course").exists()


def test_setup_cell_in_colab_without_network(tmp_path, colab):
    content = tmp_path / "content"
    content.mkdir()
    code, _, errors = run_cell(content, **colab | {"GIT_CONFIG_KEY_0": f"url.{(tmp_path / 'no').as_uri()}.insteadOf"})
    assert code == 1
    assert "CalledProcessError" in errors
    assert not (content / "autoencoder-course").exists()


def test_setup_cell_elsewhere_clones_nothing(tmp_path):
    code, _, errors = run_cell(tmp_path)
    assert code == 1
    assert "FileNotFoundError: Open the notebook inside the course's whole folder." in errors
    assert list(tmp_path.iterdir()) == []


# --- what is installed --------------------------------------------------------------------------------------


def requirements(name):
    """Read a requirements file as a dict: name -> Requirement."""
    lines = (project.ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line.split(" \\")[0]) for line in lines if re.match(r"[A-Za-z]", line)]
    return {requirement.name.lower(): requirement for requirement in found}


def test_lock_is_exact_hashed_and_names_no_place():
    text = (project.ROOT / "requirements-lock.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z])", text)[1:]
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert not re.search(r"://|--(extra-)?index-url|--find-links|(?<!\w)/(opt|tmp|home|work|root)\b", text)


def test_conda_gets_what_the_tests_need():
    config = tomllib.loads((project.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [text for group in ("dev", "book") for text in config["dependency-groups"][group]]
    needed = {Requirement(text).name for text in groups} - {"jupytext", "uv"}  # make's own
    lines = (project.ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    assert needed | {"-r requirements.txt"} <= {line.strip().removeprefix("- ") for line in lines}


def test_lock_holds_what_is_required():
    config = tomllib.loads((project.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(requirements("requirements.txt").values())
    wanted += [Requirement(text) for group in ("dev", "book") for text in config["dependency-groups"][group]]
    locked = {}
    for line in (project.ROOT / "requirements-lock.txt").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([\w.-]+)==([\w.]+)", line):
            locked.setdefault(match[1].lower(), []).append(match[2])
    for requirement in wanted:
        versions = locked[requirement.name.lower()]
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_pre_commit_has_the_locks_versions():
    text = (project.ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    pins = set(re.findall(r"\[([\w-]+==[\w.]+)\]", text))
    lock = (project.ROOT / "requirements-lock.txt").read_text(encoding="utf-8")
    assert {pin.split("==")[0] for pin in pins} == {"ruff", "codespell", "nbformat"}
    assert all(f"\n{pin} " in lock for pin in pins)


def test_ranges_admit_what_colab_has():
    colab = requirements("requirements-colab.txt")
    for name, requirement in requirements("requirements.txt").items():
        (pin,) = colab[name].specifier
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version), f"{requirement} refuses Colab's {pin.version}"


def test_hash_of_the_code_leaves_out_what_the_full_run_does_not_see():
    def hashed(source, setup="import utils"):
        cells = [nbformat.v4.new_code_cell(text) for text in (setup, source)]
        return project.code_sha256(nbformat.v4.new_notebook(cells=cells), "a/b")

    source = (
        "µ = 1\nSIZES = budget(\n    quick=(1, 2),  # few\n    full=(3, 4),\n)\nE = budget(quick=1, full=2)\nx = f(E)"
    )
    assert hashed(source) == hashed(source.replace("(1, 2)", "(\n    1,\n)").replace("quick=1", "quick='ä'"))
    assert hashed(source) == hashed(source, setup="import other")
    assert hashed("%time\n" + source) != hashed("%time\n" + source.replace("quick=1", "quick=2"))  # no Python: as it is
    for old, new in (("full=2", "full=3"), ("(3, 4)", "(3, 5)"), ("f(E)", "g(E)"), ("µ = 1", "µ = 2")):
        assert hashed(source) != hashed(source.replace(old, new)), old
    assert hashed("f(quick=1)") != hashed("f(quick=2)")
