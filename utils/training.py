"""One training loop for every lesson, made for a CPU: `fit`.

What makes it faster than `model.fit` for the small models of this course: the images are put into memory once
and every batch is gathered there by its indices, many steps run inside one compiled call, and for dense models
XLA compiles the whole loop.
"""

import time

import keras
import numpy as np
import tensorflow as tf

from utils.metrics import mse
from utils.models import Autoencoder, apply

CALLS_PER_EPOCH = 10  # how often the progress bar moves


def fit(
    model,
    x,
    y=None,
    *,
    epochs,
    batch_size=256,
    learning_rate=1e-3,
    optimizer=keras.optimizers.Adam,
    schedule="cosine",
    loss=None,
    metrics=None,
    validation_data=None,
    value_range=(0.0, 1.0),
    prepare=None,
    xla="auto",
    callbacks=(),
    verbose=1,
):
    """Train a model and return its History.

    Every epoch visits the images in a new random order, drawn from the seed that `keras.utils.set_random_seed`
    set; what does not fill a last batch waits for another epoch.

    Args:
        model: an `Autoencoder`, or with `loss` given any Sequential or functional Keras model.
        x: inputs (n, ...), finite, within `value_range`.
        y: targets with the same n, or None to reconstruct x.
        epochs: passes over x.
        batch_size: images per step, at most n.
        learning_rate: the peak of the schedule.
        optimizer: function of a learning rate (or of its schedule) that returns a Keras optimizer.
        schedule: "cosine" warms up over the first 5 % of the steps and decays to zero; "constant" does neither.
        loss, metrics: as in `keras.Model.compile`; an `Autoencoder` brings its own loss.
        validation_data: x, or (x, y), evaluated after every epoch as "val_loss". Never the test images, if
            anything is chosen by it.
        value_range: (low, high) that x must lie in, or None for inputs of any size, such as codes.
        prepare: function of a batch x, compiled into the training step, whose result is both input and target there:
            `corruptions.Binarize()` draws pixels anew in every step. It must draw by TensorFlow or Keras (what NumPy
            draws would be drawn once and stay) and keep the batch's shape; no y beside it. Validation data are taken
            as they are.
        xla: True, False, or "auto": XLA for dense models and on GPUs, not for convolutions on a CPU, where its
            kernels are several times slower than TensorFlow's own.
        callbacks: Keras callbacks; each batch event stands for several steps.
        verbose: 1 for Keras' progress bar, 0 for silence.

    Returns:
        keras.callbacks.History: "loss" per epoch (as the model's compute_loss defines it, averaged over the
        epoch), "seconds" since the start at the end of each epoch, compilation included, the metrics, and
        their "val_" twins.

    Raises:
        ValueError: for inputs that hold NaN or infinity, leave `value_range` or do not have the model's shape,
            and for settings out of range; the message says which.
    """
    x, y = _checked(model, x, y, value_range)
    for name, value in {"epochs": epochs, "batch_size": batch_size}.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be a positive integer, not {value!r}.")
    if batch_size > len(x):
        raise ValueError(f"batch_size={batch_size} is more than the {len(x)} inputs: choose at most {len(x)}.")
    epochs, batch_size = int(epochs), int(batch_size)
    if not 0 < learning_rate < float("inf"):
        raise ValueError(f"learning_rate must be positive and finite, not {learning_rate!r}.")
    if xla not in (True, False, "auto"):
        raise ValueError(f"xla={xla!r}: must be True, False or 'auto'.")
    if prepare is not None and (y is not None or not callable(prepare)):
        raise ValueError("prepare must be a function, and its result is the target too: give no y beside it.")
    if validation_data is not None:
        pair = validation_data if isinstance(validation_data, tuple) else (validation_data, None)
        validation_data = _checked(model, *pair, value_range)
    steps = len(x) // batch_size
    compiled = _use_xla(model) if xla == "auto" else xla
    model.compile(
        optimizer=optimizer(_rate(schedule, learning_rate, epochs * steps)),
        loss=loss,
        metrics=metrics,
        jit_compile=compiled,
    )
    run = _compiled_loop(model, x, y, prepare, batch_size, compiled)
    order = np.random.default_rng(int(keras.random.randint((), 0, 2**31 - 1)))
    events = keras.callbacks.CallbackList(list(callbacks), add_history=True, model=model, epochs=epochs, steps=steps)
    bar = keras.utils.Progbar(epochs * steps, verbose=verbose, unit_name="step")
    per_call = -(-steps // CALLS_PER_EPOCH)
    model.stop_training = False
    events.on_train_begin()
    begin = time.perf_counter()
    for epoch in range(epochs):
        events.on_epoch_begin(epoch)
        model.reset_metrics()
        indices = tf.constant(order.permutation(len(x))[: steps * batch_size].reshape(steps, batch_size), tf.int32)
        for first in range(0, steps, per_call):
            last = min(first + per_call, steps)
            events.on_train_batch_begin(first)
            run(indices, tf.constant(first), tf.constant(last))
            logs = {name: float(value) for name, value in model.get_metrics_result().items()}
            events.on_train_batch_end(last - 1, logs)
            if epoch * steps + last < epochs * steps:
                bar.update(epoch * steps + last, _shown(logs))
        logs["seconds"] = time.perf_counter() - begin
        if validation_data is not None:
            scores = model.evaluate(*validation_data, batch_size=1000, verbose=0, return_dict=True)
            logs |= {f"val_{name}": value for name, value in scores.items()}
        events.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    bar.update((epoch + 1) * steps, _shown(logs), finalize=True)
    events.on_train_end(logs)
    return model.history


class ErrorByTime(keras.callbacks.Callback):
    """Keras callback that measures the reconstruction error after every epoch, and the time training took.

    The clock starts when the object is made, so that compilation counts, and stands still while the error is
    measured. Works with `fit` above and with Keras' own.

    Args:
        x: images (n, h, w, c) to reconstruct.
        stop_at: end the training once the error is at most this, or None.

    Attributes:
        seconds, errors: lists with one number per epoch; errors are MSE per pixel.
    """

    def __init__(self, x, stop_at=None):
        super().__init__()
        self.x, self.stop_at = x, stop_at
        self.seconds, self.errors = [], []
        self._begin, self._paused = time.perf_counter(), 0.0

    def on_epoch_end(self, epoch, logs=None):
        """Note the time, then the error."""
        now = time.perf_counter()
        self.seconds.append(now - self._begin - self._paused)
        self.errors.append(mse(self.x, apply(self.model, self.x)))
        if self.stop_at is not None and self.errors[-1] <= self.stop_at:
            self.model.stop_training = True
        self._paused += time.perf_counter() - now

    def time_to(self, error):
        """Return (seconds, epochs) until the error was first at most the given one.

        Raises:
            ValueError: when it never was; the message holds the lowest error reached.
        """
        for epoch, reached in enumerate(self.errors):
            if reached <= error:
                return self.seconds[epoch], epoch + 1
        raise ValueError(f"The error never came down to {error}: the lowest was {min(self.errors):.5f}.")


def _shown(logs):
    """What the progress bar shows: the newest values, not their average over all steps."""
    return [(name, value) for name, value in logs.items() if name != "seconds"]


def _compiled_loop(model, x, y, prepare, batch_size, xla):
    """Return a function of (indices, first, last) that runs the steps first..last of an epoch in one call."""
    pairs = [
        (values.shape[1:], tf.constant(values.reshape(len(values), -1))) for values in (x, y) if values is not None
    ]
    model.optimizer.build(model.trainable_variables)

    def gather(batch):
        # Rows gathered flat and shaped afterwards: XLA copies them faster than images.
        batches = tuple(tf.reshape(tf.gather(rows, batch), (batch_size, *shape)) for shape, rows in pairs)
        if prepare is None:
            return batches
        prepared = tf.convert_to_tensor(prepare(batches[0]))
        if prepared.shape != batches[0].shape:
            raise ValueError(f"prepare made {prepared.shape} of a batch {batches[0].shape}: it must keep the shape.")
        return (prepared,)

    @tf.function(jit_compile=xla)
    def run(indices, first, last):
        step = first
        while step < last:  # of tensors: one compilation serves every range, where tf.range would need one each
            model.train_step(gather(indices[step]))
            step += 1

    scalar = tf.TensorSpec((), tf.int32)
    return run.get_concrete_function(tf.TensorSpec((None, batch_size), tf.int32), scalar, scalar)


def _rate(schedule, peak, steps):
    if schedule == "constant":
        return peak
    if schedule != "cosine":
        raise ValueError(f"schedule={schedule!r}: must be 'cosine' or 'constant'.")
    warmup = max(1, steps // 20)
    return keras.optimizers.schedules.CosineDecay(
        peak / warmup, max(1, steps - warmup), warmup_target=peak, warmup_steps=warmup
    )


def _use_xla(model):
    if tf.config.list_physical_devices("GPU"):
        return True
    kinds = (keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.DepthwiseConv2D)
    return not any(isinstance(layer, kinds) for layer in model._flatten_layers())


def _checked(model, x, y, value_range):
    """Return x and y as arrays fit for training, or raise ValueError."""
    x = _finite("x", x)
    expected = model.input_shape[1:]
    if x.ndim < 2 or len(x) == 0 or not _fits(x.shape[1:], expected):
        raise ValueError(f"x has shape {x.shape}; the model takes (n, {', '.join(map(str, expected))}).")
    if value_range is not None:
        low, high = value_range
        if x.min() < low or x.max() > high:
            raise ValueError(
                f"x lies in [{x.min():.4g}, {x.max():.4g}], expected [{low:.4g}, {high:.4g}]: scale it (pixels "
                f"by 1/255), or pass value_range=None if that is meant."
            )
    if y is not None:
        y = _finite("y", y)
        if len(y) != len(x):
            raise ValueError(f"{len(y)} targets for {len(x)} inputs.")
        if isinstance(model, Autoencoder) and y.shape != x.shape:
            raise ValueError(f"Targets of shape {y.shape} for images of shape {x.shape}: they must agree.")
    return x, y


def _finite(name, values):
    values = np.asarray(values)
    if values.ndim == 0 or values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of real numbers, not {values.dtype} of shape {values.shape}.")
    if np.issubdtype(values.dtype, np.floating):
        values = values.astype("float32", copy=False)
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds {np.count_nonzero(~np.isfinite(values))} values that are NaN or infinite.")
    return values


def _fits(shape, expected):
    return len(shape) == len(expected) and all(e in (None, s) for s, e in zip(shape, expected, strict=True))
