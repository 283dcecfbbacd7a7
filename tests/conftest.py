"""What several test files share: a tiny project with one good lesson, far faster than the real ones."""

import shutil
from functools import partial
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from scripts.project import ROOT, code_sha256, share_cores_of_tests, write_json, write_notebook
from scripts.setup_cell import badge, setup_cell

ADDRESS = "some-owner/some.repo"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
TOY_CLAIMS = '''
"""As much of utils.claims as the toy lesson needs."""

import base64
import json
import os

from IPython.display import Image, display


def record(value):
    pca = {"name": "PCA", "value": 0.5}
    metric = {"value": value, "unit": "MSE", "better": "lower", "headline": True, "paper": None, "beats": True}
    results = {
        "lesson": "01",
        "budget": os.environ["AE_BUDGET"],
        "data": json.loads(os.environ.get("TOY_DATA", "null")) or [DATA],
        "seed": 1,
        "versions": {"python": "3"},
        "metrics": {"toy": metric | {"baseline": pca}},
        "claims": {"checked": 1, "waiting": 0, "untold": [], "failed": 0, "sentences": ["It is below 0.5"]},
    }
    if os.environ.get("AE_RESULTS"):
        with open(os.environ["AE_RESULTS"], "w") as file:
            json.dump(results, file)


def claim(text, condition):
    assert condition, text
    print("✔", text)


def finish():
    print("1 of 1 claims checked.")


def picture():
    display(Image(base64.b64decode(PIXEL), alt="a dot"))


def draw():
    drawing = {"image/svg+xml": "<svg><title>a net</title></svg>", "image/png": PIXEL}
    display(drawing, metadata={"image/png": {"alt": "a net"}}, raw=True)
'''
KEPT = (
    "activation",
    "bias_initializer",
    "filters",
    "kernel_initializer",
    "kernel_size",
    "padding",
    "strides",
    "target_shape",
    "units",
    "use_bias",
)  # of a layer's configuration
IMPORTS = """from utils import claims as diagrams
from utils import claims as plotting
from utils.claims import claim, finish, record"""
ALT = {"image/png": {"alt": "a dot"}}
QUESTION = "<details><summary>Why?</summary>\n\nSo.\n\n</details>\n"
DATA = {
    "requested": "mnist",
    "name": "mnist",
    "source": "mnist.npz",
    "verified": True,
    "fallback": False,
    "licence": "CC BY-SA 3.0",
}


def pytest_configure(config):
    """Import the course before a test file imports TensorFlow; not in the process that only hands out the tests."""
    if share_cores_of_tests(config):
        import utils  # noqa: F401


def folded(cell, *tags):
    """Return a code cell that is folded, as one that checks."""
    cell.metadata.update(jupyter={"source_hidden": True}, cellView="form", tags=[*tags, "hide-input"])
    return cell


def _lesson():
    """The toy lesson as it is after its execution, but for the stamp."""
    ran = new_output("stream", name="stdout", text="✔ 0.123457 is below 0.5\n")
    pixel = new_output("display_data", data={"image/png": PIXEL, "text/plain": "<Image>"}, metadata=ALT)
    drawing = {"image/svg+xml": "<svg><title>a net</title></svg>", "image/png": PIXEL}
    net = new_output("display_data", data=drawing, metadata={"image/png": {"alt": "a net"}})
    first = f"# 01 · A toy\n\n{badge(ADDRESS, '01_toy.ipynb')}\n\n> It teaches | nothing."
    checked = "# @title Checked: the result\n"
    last = f"## Recap\n\n{3 * QUESTION}\n\n## Try it\n\n1. Why?\n\n## References\n\n- none"
    cells = [
        new_markdown_cell(first),
        new_markdown_cell("## In this lesson\n\n- a goal"),
        folded(new_code_cell(setup_cell(ADDRESS), execution_count=1)),
        new_code_cell(IMPORTS, execution_count=2),
        new_markdown_cell("## A result\n\nIt is $x^2$. " + "word " * 800),
        folded(new_code_cell(checked + "value = 0.123456789\nrecord(value)", execution_count=3), "claims"),
        new_code_cell("plotting.picture()", execution_count=4, outputs=[pixel]),
        folded(
            new_code_cell(
                checked + 'claim(f"{value:.6g} is below 0.5", value < 0.5)', execution_count=5, outputs=[ran]
            ),
            "claims",
        ),
        new_code_cell("diagrams.draw()", execution_count=6, outputs=[net]),
        new_markdown_cell(last),
        folded(new_code_cell("# @title How much was checked\nfinish()", execution_count=7), "claims"),
    ]
    cells[6].metadata["tags"] = ["gallery"]
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"
    return new_notebook(cells=cells)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A project in a temporary folder with one lesson that passes every check.

    Attributes: root, path (of the notebook), results (path of its JSON), address, data (the data set's entry
    in the stamp), pixel (its picture in base64), and edit(function), which reads the notebook, calls the
    function on it and writes it.
    """
    for name in ("AE_RESULTS", "AE_BUDGET", "TOY_DATA"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "project"
    (root / "utils").mkdir(parents=True)
    (root / "utils" / "__init__.py").write_text("", encoding="utf-8")
    text = f"{TOY_CLAIMS.lstrip()}\n\nDATA = {DATA}\nPIXEL = {PIXEL!r}\n"
    (root / "utils" / "claims.py").write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", root / "pyproject.toml")
    text = (root / "pyproject.toml").read_text(encoding="utf-8").replace("OWNER/REPO", ADDRESS)
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    path, results = root / "notebooks" / "01_toy.ipynb", root / "results" / "01.json"

    nb = _lesson()
    stamp = {"budget": "full", "data": [DATA], "seconds": 1.5, "versions": {"python": "3"}}
    nb.metadata["autoencoder_course"] = stamp | {"code_sha256": code_sha256(nb, ADDRESS)}
    path.parent.mkdir()
    write_notebook(nb, path)
    metric = {"value": 0.123457, "unit": "MSE", "better": "lower", "headline": True, "paper": None}
    metric |= {"beats": True, "baseline": {"name": "PCA", "value": 0.5}}
    write_json(stamp | {"lesson": "01", "seed": 1, "metrics": {"toy": metric}, "claims": {}}, results)

    def edit(function):
        nb = nbformat.read(path, as_version=4)
        function(nb)
        write_notebook(nb, path)

    return SimpleNamespace(root=root, path=path, results=results, address=ADDRESS, data=DATA, pixel=PIXEL, edit=edit)


@pytest.fixture
def rejected():
    """A function of a hint, a check of an exercise and what it is given: assert that it fails with this hint."""
    from checks import CheckFailed

    def run(hint, check, *args):
        with pytest.raises(CheckFailed, match=hint) as caught:
            check(*args)
        assert "Expected:" in str(caught.value)

    return run


@pytest.fixture
def lectures_model():
    """A function of a lesson's number and constants: run the cell that writes its model out, return what it defines."""
    import keras

    from utils import diagrams

    def run(number, **constants):
        (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
        cells = nbformat.read(path, as_version=4).cells
        begins = ("image = keras.Input((28, 28, 1))", "conv = partial(layers.Conv2D, ")
        (source,) = [c.source for c in cells if c.cell_type == "code" and c.source.startswith(begins)]
        namespace = {"keras": keras, "layers": keras.layers, "diagrams": diagrams, "partial": partial} | constants
        exec(source, namespace)
        return namespace

    return run


@pytest.fixture
def configuration():
    """A function of layers: what must agree between two models layer by layer, but for names and inputs."""
    import keras

    def kept(layers):
        return [
            (type(layer).__name__, {key: value for key, value in layer.get_config().items() if key in KEPT})
            for layer in layers
            if not isinstance(layer, keras.layers.InputLayer)
        ]

    return kept
