"""Kernels for the tests, forked from a process that has imported TensorFlow and the rest already.

The imports take some five seconds of processor time, and the suite starts some forty kernels. The fork server of
Python's own `multiprocessing` does them once. All else is as ever: every notebook has a process of its own, in which
`ipykernel` runs. Where processes are not safely forked (macOS, Windows), kernels start in the usual manner; so they do
in `make run` and `make lesson`, which show what a reader gets.
"""

import multiprocessing
import os
import sys
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from scripts.project import ROOT

FORKED = sys.platform == "linux"
PRELOADED = [
    __name__,  # which every fork would import to find `_serve`
    "IPython.display",
    "PIL.ImageOps",
    "ipykernel.kernelapp",
    "matplotlib.backends.backend_agg",
    "matplotlib.pyplot",
    "scipy.io",
    "scipy.ndimage",
    "scipy.stats",
    "sklearn.cluster",
    "sklearn.datasets",
    "sklearn.discriminant_analysis",
    "sklearn.manifold",
    "sklearn.mixture",
    "utils",
]
BACKEND = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}  # ipykernel's choice, before matplotlib asks


@contextmanager
def warm_kernels():
    """Let Python kernels that this process starts meanwhile be forked, where that is safe."""
    name = "local-provisioner"
    warm = EntryPoint(name, f"{__name__}:WarmProvisioner", "jupyter_client.kernel_provisioners")
    provisioners = KernelProvisionerFactory.instance().provisioners
    with mock.patch.dict(os.environ, BACKEND), mock.patch.dict(provisioners, {name: warm} if FORKED else {}):
        yield


class _Forked(multiprocessing.get_context("forkserver" if FORKED else "spawn").Process):
    """A process with those methods of `subprocess.Popen` that a provisioner calls; it ends with this one."""

    stdin = stdout = stderr = None

    def poll(self):
        """Return the exit code, or None while it runs."""
        return self.exitcode

    def wait(self):
        """Return the exit code when it has ended."""
        self.join()
        return self.exitcode

    def send_signal(self, number):
        """Send a signal, unless it has ended."""
        if self.exitcode is None:
            os.kill(self.pid, number)


class WarmProvisioner(LocalProvisioner):
    """Forks kernels of this Python, and starts others as jupyter_client does."""

    async def pre_launch(self, **kwargs):
        """Talk over sockets with names of their own: a free port is free no longer if another kernel binds it first."""
        self.parent.transport, self.parent.ip = "ipc", f"@{self.kernel_id}"
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd, **kwargs):
        """Start the kernel of a command such as ["python", "-m", "ipykernel_launcher", …]; return its connection."""
        if cmd[:3] != [sys.executable, "-m", "ipykernel_launcher"]:
            return await super().launch_kernel(cmd, **kwargs)
        multiprocessing.set_forkserver_preload(PRELOADED)
        self.cwd = str(kwargs.get("cwd") or Path.cwd())
        self.process = _Forked(target=_serve, args=(cmd[3:], dict(kwargs["env"]), self.cwd), daemon=True)
        self.process.start()
        self.pid, self.pgid = self.process.pid, None  # its group is the server's until it has one of its own
        return self.connection_info


def _serve(arguments, environment, folder):
    """Become a kernel, as `python -m ipykernel_launcher` in that folder does."""
    os.setsid()
    os.close(forkserver._forkserver._forkserver_alive_fd)  # else the server would outlive the tests as long as this
    multiprocessing.current_process()._config["daemon"] = False  # whose own children are its own affair
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # of what native code writes; a dying kernel's reason stays, on 2
    sys.argv = ["ipykernel_launcher", *arguments, f"--IPKernelApp.parent_handle={os.getppid()}"]  # ends with the server
    sys.path[:] = ["", *(place for place in sys.path if place and Path(place) != ROOT)]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("utils", "scripts")]:
        del sys.modules[name]  # a lesson must find the course itself
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()
