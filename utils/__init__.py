"""The small package that the lessons import: data, models, training, metrics, plotting and claims.

Import it before TensorFlow. TensorFlow is started here, once, with settings that only count at its start, and
with its native start-up log (about graphics cards that are not there, mostly) kept out of the notebooks.
"""

import os
from contextlib import contextmanager

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextmanager
def _native_log_off():
    """Send what native code writes to the standard error stream nowhere; Python's exceptions still come through."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with _native_log_off():
    import tensorflow

    tensorflow.config.list_physical_devices()
