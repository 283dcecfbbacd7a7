"""The small package that the lessons import: data, models, training, metrics, plotting and claims.

Import it before TensorFlow. TensorFlow is started here, once, with settings that only count at its start, and
with its native start-up log (about graphics cards that are not there, mostly) kept out of the notebooks. Keras is told
that images are (h, w, c), whatever a configuration file says.
"""

import logging
import os
from contextlib import contextmanager

if (backend := os.environ.setdefault("KERAS_BACKEND", "tensorflow")) != "tensorflow":
    raise ImportError(f"KERAS_BACKEND={backend!r}: this course needs TensorFlow. Unset the variable, and start again.")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what TensorFlow cannot mend becomes a Python exception
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextmanager
def _native_log_off():
    """Send what native code writes to the standard error stream nowhere; Python's exceptions still come through."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no such stream
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
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

# Advice for those who write tf.functions: Keras' predict on one model after another is no fault of the reader's.
logging.getLogger("tensorflow").addFilter(lambda record: "triggered tf.function retracing" not in record.getMessage())

import keras

if keras.backend.backend() != "tensorflow":  # Keras came first
    raise ImportError(f"Keras runs on {keras.backend.backend()}, this course needs TensorFlow: import utils before it.")
keras.config.set_image_data_format("channels_last")
