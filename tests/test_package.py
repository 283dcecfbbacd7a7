"""What importing utils does, in processes of their own."""

import json
import os
import subprocess
import sys

import pytest

from scripts.project import ROOT


def python(code, shell_end="", **env):
    """Run code in a fresh Python; return (exit code, stdout, stderr)."""
    command = f"{sys.executable} -c '{code}' {shell_end}"
    env = {**os.environ, **env}
    done = subprocess.run(command, shell=True, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_foreign_backend_is_named(backend):
    code, _, errors = python("import utils", KERAS_BACKEND=backend)
    assert code == 1
    assert f"ImportError: KERAS_BACKEND='{backend}': this course needs TensorFlow" in errors


def test_a_configuration_file_and_a_closed_stderr_do_no_harm(tmp_path):
    settings = {"backend": "jax", "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps(settings), encoding="utf-8")
    code = "import utils, keras; print(keras.backend.backend(), keras.config.image_data_format())"
    assert python(code, "2>&-", KERAS_HOME=str(tmp_path)) == (0, "tensorflow channels_last\n", "")
