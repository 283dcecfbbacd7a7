"""When nbval runs the notebooks: what they recorded is held against the rule."""

import json
import os

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from scripts.project import ROOT, share_cores_of_tests
from scripts.warm_kernel import warm_kernels
from tests.rules import quick_results


def pytest_configure(config):
    """Share the cores among the kernels."""
    share_cores_of_tests(config)


def results_of(path):
    """Return the path of the JSON that a notebook writes while it is tested."""
    name = path.relative_to(ROOT / "notebooks").with_suffix(".json")
    return ROOT / "build" / "tested" / name


class QuickResults(pytest.Item):
    """The last test of a notebook."""

    def runtest(self):
        """Read what was recorded, and hold it against the rule."""
        text = results_of(self.path).read_text(encoding="utf-8")
        quick_results(self.path, json.loads(text))

    def reportinfo(self):
        """Name the test."""
        return self.path, None, f"{self.path.name}: what the quick run shows"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    """Tell the kernel, before it starts, where its results go; it starts warm."""
    if not isinstance(item, IPyNbCell) or item.parent.kernel:
        return (yield)
    results_of(item.path).unlink(missing_ok=True)
    os.environ["AE_RESULTS"] = str(results_of(item.path))
    with warm_kernels():
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Put the test after the last cell of every notebook."""
    last = {}
    for index, item in enumerate(items):
        if isinstance(item.parent, IPyNbFile):
            last[item.parent] = index
    for notebook, index in sorted(last.items(), key=lambda pair: -pair[1]):
        check = QuickResults.from_parent(notebook, name="quick results")
        items.insert(index + 1, check)
