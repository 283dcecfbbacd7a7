"""Kernels that are forked: each is a process of its own, and behaves as one started in the usual manner."""

import ast
import os

import nbformat
import pytest
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from scripts.warm_kernel import FORKED, WarmProvisioner, warm_kernels

pytestmark = pytest.mark.skipif(not FORKED, reason="processes are forked on Linux only")
LOADED = "import sys; [name in sys.modules for name in ('tensorflow', 'matplotlib.pyplot', 'utils', 'scripts')]"
DRAW = "import keras; keras.utils.set_random_seed(7); keras.random.normal((3,)).numpy().tolist()"


def run(folder, *sources, **settings):
    """Execute cells in a warm kernel; return what each of them said last."""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    client = NotebookClient(nb, kernel_name="python3", resources={"metadata": {"path": str(folder)}}, **settings)
    with warm_kernels():
        client.execute()
    return [ast.literal_eval(cell.outputs[-1].data["text/plain"]) for cell in nb.cells]


def test_kernels_start_warm_and_alone(tmp_path, monkeypatch):
    """Libraries are there, the course is not; folder and environment are the caller's; nothing passes to the next."""
    monkeypatch.setenv("AE_TOLD", "this")
    own = "import os; os.getcwd(), os.environ['AE_TOLD'], os.getpid(), hasattr(sys, 'left')"
    first = run(tmp_path, LOADED, own, DRAW, "sys.left = 1; 0")
    second = run(tmp_path, LOADED, own, DRAW)
    assert first[0] == second[0] == [True, True, False, False]
    assert first[1][:2] == second[1][:2] == (os.path.realpath(tmp_path), "this")
    assert len({os.getpid(), first[1][2], second[1][2]}) == 3
    assert (first[1][3], second[1][3]) == (False, False)
    import keras

    keras.utils.set_random_seed(7)
    assert first[2] == second[2] == keras.random.normal((3,)).numpy().tolist()


def test_the_course_is_found_by_the_notebook_alone(tmp_path):
    """A lesson that forgot its setup cell would fail, as it does for a reader."""
    found = "import importlib.util\nimportlib.util.find_spec('utils') is not None"
    assert run(tmp_path, found) == [False]


def test_a_dead_kernel_is_noticed(tmp_path):
    """Its end comes through, and so does that of one that takes too long."""
    with pytest.raises(DeadKernelError):
        run(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(CellTimeoutError):
        run(tmp_path, "import time; time.sleep(60)", timeout=1)


def test_only_meanwhile():
    """Afterwards kernels start in the usual manner."""
    provisioners, before = KernelProvisionerFactory.instance().provisioners, os.environ.get("MPLBACKEND")
    with warm_kernels():
        assert provisioners["local-provisioner"].load() is WarmProvisioner
    assert provisioners["local-provisioner"].load() is LocalProvisioner
    assert os.environ.get("MPLBACKEND") == before
