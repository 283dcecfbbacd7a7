"""One training loop for every lesson: Keras' own `fit`, made faster for a CPU.

What makes it faster for the small models of this course: the images are put into memory once and every batch is
gathered there by its indices, many steps run inside one compiled call, and for dense models XLA compiles the whole
loop. Callbacks, epochs, validation, history and progress bar are Keras'.
"""

import mmap
import time
import warnings
from contextlib import nullcontext
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from utils import validate
from utils.metrics import mse
from utils.models import BaseAutoencoder, apply, check_shape

CALLS_PER_EPOCH = 10  # compiled calls, and with them batch events and moves of the progress bar
BLOCK_BYTES = 2**21  # of a memory-mapped array, read ahead for one compiled call
PIECE = 8  # rows of it that are read before its pages are let go: each brings up to 2 MB with it
STEPS_FOR_XLA = 1500  # of a small network, whose time its compilation takes; measured, see `fit`
SET_THE_RATE = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)


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
    initial_epoch=0,
):
    """Compile a model, train it by Keras' own `fit` and return its History.

    Every epoch visits the images in a new random order, drawn from the seed that `keras.utils.set_random_seed`
    set; what does not fill a last batch waits for another epoch.

    A second call goes on from the weights as they are, with a new optimizer and a schedule of its own. Whoever goes on
    by `model.fit` instead has the optimizer as it was left, and trains at the rate `learning_rate`.

    Args:
        model: an `Autoencoder`, or with `loss` given any Sequential or functional Keras model.
        x: inputs (n, ...), finite, within `value_range`. An array of uint8 holds pixels 0..255: it stays in memory as
            it is, and every batch is divided by 255 (with value_range=None by nothing). A memory-mapped array, such as
            `np.load(path, mmap_mode="r")` gives, of uint8 or float32, stays in its file, and so may y: the images are
            read as they are needed, `BLOCK_BYTES` at a time, and of memory each of them takes 12 bytes, for its order.
            (What is opened in another mode than "r" stays in memory once it was read; so does `validation_data`.)
        y: targets with the same n, or None to reconstruct x. An autoencoder's uint8 are pixels, too.
        epochs: passes over x.
        batch_size: images per step, at most n.
        learning_rate: the peak of the schedule.
        optimizer: function of a learning rate (or of its schedule) that returns a Keras optimizer, such as a class of
            `keras.optimizers`; its name; or an optimizer, which keeps its state, and its rate instead of the two.
        schedule: "cosine" warms up over the first 5 % of this call's steps and decays to zero; "constant" does neither,
            and is for callbacks that set the rate.
        loss, metrics: as in `keras.Model.compile`; a model with a `compute_loss` of its own takes no loss.
        validation_data: x, (x, y) or (x, y, weights), evaluated after every epoch as "val_loss". Never the test
            images, if anything is chosen by it.
        value_range: (low, high) that x must lie in, or None for inputs of any size, such as codes.
        prepare: function of a batch x, compiled into the training step, whose result is both input and target there:
            `corruptions.Binarize()` draws pixels anew in every step. It must draw by TensorFlow or Keras (what NumPy
            draws would be drawn once and stay) and keep the batch's shape; no y beside it. Validation data are taken
            as they are.
        xla: True, False, or "auto": XLA on GPUs and for dense models, not for convolutions on a CPU, where its
            kernels are several times slower than TensorFlow's own; from `STEPS_FOR_XLA` steps on, or fewer of a large
            network, since it compiles for .5 to 1.4 s longer and saves .5 ms per step with 50,000 weights, 5 ms with
            three millions; and TensorFlow, with a warning, where XLA lacks one of the model's operations.
        callbacks: Keras callbacks, or None; as with Keras' `steps_per_execution`, each batch event stands for several
            steps.
        verbose: as in Keras' `fit`: 1 for its progress bars, 2 for a line per epoch, 0 for silence.
        initial_epoch: number of the first epoch, when others went before; `epochs` counts them, too.

    Returns the keras.callbacks.History: "loss" per epoch (as the model's compute_loss defines it, averaged over the
    epoch), "seconds" since the start at the end of each epoch, compilation included, the metrics, and their "val_"
    twins. Raises ValueError for a data set in place of an array, inputs that hold NaN or infinity, leave `value_range`
    or do not have the model's shape, targets that the loss is not made for, and settings out of range or against each
    other; the message says which.
    """
    begin, seconds = time.perf_counter(), []
    epochs, batch_size = validate.positive("epochs", epochs), validate.positive("batch_size", batch_size)
    initial_epoch = validate.integer("initial_epoch", initial_epoch, 0)
    if initial_epoch >= epochs:
        raise ValueError(f"initial_epoch={initial_epoch} leaves nothing of epochs={epochs}, which counts them all.")
    if not 0 < learning_rate < float("inf"):
        raise ValueError(f"learning_rate must be positive and finite, not {learning_rate!r}.")
    if xla not in (True, False, "auto"):
        raise ValueError(f"xla={xla!r}: must be True, False or 'auto'.")
    if prepare is not None and (y is not None or not callable(prepare)):
        raise ValueError("prepare must be a function, and its result is the target too: give no y beside it.")
    if loss is not None and type(model).compute_loss is not keras.Model.compute_loss:
        own = f"{type(model).__name__} has an objective of its own. Leave loss out"
        remedy = "an Autoencoder is built with another by reconstruction_loss (in the builders of utils.models: loss)"
        raise ValueError(f"loss={loss!r}: {own}; {remedy}.")
    x, y = _checked(model, x, y, loss, value_range, prepare)
    if batch_size > len(x):
        raise ValueError(f"batch_size={batch_size} is more than the {len(x)} inputs: choose at most {len(x)}.")
    if validation_data is not None:
        given = tuple(validation_data) if isinstance(validation_data, tuple | list) else (validation_data,)
        checked = _checked(model, *(*given, None)[:2], loss, value_range)
        validation_data = (*(scaled(values) for values in checked), *given[2:])
    steps = len(x) // batch_size
    per_call = -(-steps // CALLS_PER_EPOCH)
    if mapped := any(isinstance(values, np.memmap) for values in (x, y)):
        row = sum(values[:1].nbytes for values in (x, y) if values is not None)
        per_call = min(per_call, max(1, BLOCK_BYTES // (batch_size * row)))
    callbacks = keras.tree.flatten(callbacks or [])
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        make = type(keras.optimizers.get(optimizer)) if isinstance(optimizer, str) else optimizer
        optimizer = make(_rate(schedule, learning_rate, (epochs - initial_epoch) * steps))
        if schedule == "cosine" and any(isinstance(callback, SET_THE_RATE) for callback in callbacks):
            raise ValueError("A callback sets the learning rate, and so does schedule='cosine': choose 'constant'.")
    compiled = _use_xla(model, (epochs - initial_epoch) * steps) if xla == "auto" else xla
    model.compile(optimizer, loss, metrics=metrics, jit_compile=compiled, steps_per_execution=per_call)
    blocks = _blocks(len(x), batch_size, steps, per_call)
    model.train_function = _train_function(model, x, y, blocks, prepare, batch_size, mapped, fall_back=xla == "auto")
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seconds.append(time.perf_counter() - begin))
    try:
        with _nothing_to_add_up():
            history = model.fit(
                tf.data.Dataset.from_tensors(0).repeat(),  # counted by Keras, never read
                epochs=epochs,
                initial_epoch=initial_epoch,
                steps_per_epoch=steps,
                shuffle=False,
                validation_data=validation_data,
                validation_batch_size=1000,
                callbacks=[clock, *callbacks],
                verbose=verbose,
            )
    finally:
        model.train_function, model.steps_per_execution = None, 1
    history.history["seconds"] = seconds
    return history


def _nothing_to_add_up():
    """Return a context in which Keras' optimizers do not add up gradients over replicas where there is one.

    TensorFlow registers a gradient for every such sum that it traces, for good, and with it keeps the graph and all
    weights of model and optimizer.
    """
    kind, name = keras.optimizers.Optimizer, "_all_reduce_sum_gradients"
    if not hasattr(kind, name):
        return nullcontext()
    add_up = getattr(kind, name)

    def alone(optimizer, pairs):
        several = tf.distribute.get_strategy().num_replicas_in_sync > 1
        return add_up(optimizer, pairs) if several else list(pairs)

    return mock.patch.object(kind, name, alone)


class MeasureByTime(keras.callbacks.Callback):
    """Keras callback that measures a model after every so many epochs, and the time training took until then.

    The clock starts when training does, so that compilation counts, and stands still while something is measured.

    Args:
        measure: function of the model; what it returns is kept.
        every: epochs from one measurement to the next.

    Attributes:
        seconds, epochs, values: lists, one entry per measurement.
    """

    def __init__(self, measure, every=1):
        super().__init__()
        self.measure, self.every = measure, validate.positive("every", every)
        self.seconds, self.epochs, self.values = [], [], []

    def on_train_begin(self, logs=None):
        """Start the clock."""
        self._begin, self._paused = time.perf_counter(), 0.0

    def on_epoch_end(self, epoch, logs=None):
        """Note the time, then measure."""
        now = time.perf_counter()
        if (epoch + 1) % self.every == 0:
            self.seconds.append(now - self._begin - self._paused)
            self.epochs.append(epoch + 1)
            self.values.append(self.measure(self.model))
            self._paused += time.perf_counter() - now


class ErrorByTime(MeasureByTime):
    """Keras callback that measures the reconstruction error after every epoch, and the time training took.

    Other than its base's, the clock starts when the object is made. Works with `fit` above and with Keras' own, on
    every model that returns images and on autoencoders of this course. The attributes `seconds` and `errors` are lists
    with one number per epoch; errors are MSE per pixel.

    Args:
        x: images (n, h, w, c) to reconstruct.
        stop_at: end the training once the error is at most this, or None.
    """

    def __init__(self, x, stop_at=None):
        super().__init__(self._error)
        self.x, self.stop_at, self.errors = x, stop_at, self.values
        super().on_train_begin()

    def on_train_begin(self, logs=None):
        """Leave the clock, which runs, alone."""

    def on_epoch_end(self, epoch, logs=None):
        """Note the time, then the error."""
        super().on_epoch_end(epoch, logs)
        if self.stop_at is not None and self.errors[-1] <= self.stop_at:
            self.model.stop_training = True

    def _error(self, model):
        own = isinstance(model, BaseAutoencoder)
        return mse(self.x, model.reconstruct(self.x) if own else apply(model, self.x))

    def time_to(self, error):
        """Return (seconds, epochs) until the error was first at most the given one.

        Raises ValueError when it never was; the message holds the lowest error reached.
        """
        for epoch, reached in enumerate(self.errors):
            if reached <= error:
                return self.seconds[epoch], epoch + 1
        raise ValueError(f"The error never came down to {error}: the lowest was {min(self.errors):.5f}.")


def _blocks(n, batch_size, steps, per_call):
    """Yield (indices (per_call, batch_size), how many rows of them count) for ever, epoch after epoch."""
    rng = np.random.default_rng(int(keras.random.randint((), 0, 2**31 - 1)))
    while True:
        order = rng.permutation(n)[: steps * batch_size].reshape(steps, batch_size).astype("int32")
        for first in range(0, steps, per_call):
            block = order[first : first + per_call]
            yield tf.constant(np.pad(block, ((0, per_call - len(block)), (0, 0)))), tf.constant(len(block))
        del order, block  # before there is another


def _train_function(model, x, y, blocks, prepare, batch_size, mapped, fall_back):
    """Return what Keras' `fit` calls for every group of steps: a function that trains on the next of the blocks.

    Keras hands it an iterator over batches, which stays untouched: a tf.data pipeline costs up to half the time.
    """
    arrays = [values for values in (x, y) if values is not None]
    # Rows gathered flat and shaped afterwards: XLA copies them faster than images.
    data = [] if mapped else [tf.constant(values.reshape(len(values), -1)) for values in arrays]
    model.optimizer.build(model.trainable_variables)

    def batch_of(chosen, data):
        pairs = zip(data, arrays, strict=True)
        batch = [tf.reshape(scaled(tf.gather(rows, chosen)), (batch_size, *a.shape[1:])) for rows, a in pairs]
        if prepare is not None:
            prepared = tf.convert_to_tensor(prepare(batch[0]))
            if prepared.shape != batch[0].shape:
                raise ValueError(f"prepare made {prepared.shape} of a batch {batch[0].shape}: it must keep the shape.")
            batch = [prepared] if model.loss is None else [prepared, prepared]
        return tuple(batch)

    def steps(indices, count, *data):
        step = 0
        while step < count:  # of tensors: one compilation serves every count
            model.train_step(batch_of(indices[step], data))
            step += 1
        return model.get_metrics_result()

    run = tf.function(steps, jit_compile=model.jit_compile)

    def next_block():
        indices, count = next(blocks)
        if not mapped:
            return indices, count, *data
        rows = np.ravel(indices)
        own = tf.reshape(tf.range(len(rows)), indices.shape)  # places in what is read
        return own, count, *(tf.constant(_read(values, rows)) for values in arrays)

    def train(iterator):
        nonlocal run, fall_back
        model.steps_per_execution = 1  # the steps are counted here; evaluation goes batch by batch
        block = next_block()
        try:
            logs = run(*block)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError, tf.errors.NotFoundError) as error:
            if not (fall_back and model.jit_compile):
                raise
            reason = f"training goes on without, as by xla=False: {str(error).splitlines()[0]}"
            warnings.warn(f"XLA does not compile this model; {reason}", stacklevel=2)
            model.jit_compile, run = False, tf.function(steps)
            logs = run(*block)
        fall_back = False
        return logs

    return train


def _read(values, rows):
    """Return these rows of an array, flat; of a memory-mapped one in pieces, whose pages are then let go."""
    found = np.empty((len(rows), *values.shape[1:]), values.dtype)
    for first in range(0, len(rows), PIECE):
        found[first : first + PIECE] = values[rows[first : first + PIECE]]
        _let_go(values)
    return found.reshape(len(rows), -1)


def _let_go(values):
    """Let the operating system take the pages of a memory-mapped array that was opened for reading; it has the file.

    Every page that was touched counts as this process' memory, and stays there while memory is plentiful.
    """
    mapping = getattr(values, "_mmap", None)
    if mapping is not None and values.mode == "r" and hasattr(mapping, "madvise"):  # not on Windows
        mapping.madvise(mmap.MADV_DONTNEED)


def _limits(values):
    """Return the least and the greatest value of an array, NaN where there is one, as numbers of its type."""
    if not isinstance(values, np.memmap):
        return values.min(), values.max()
    ends = []
    rows = max(1, BLOCK_BYTES // max(1, values[:1].nbytes))
    for first in range(0, len(values), rows):
        piece = values[first : first + rows]
        ends += [piece.min(), piece.max()]
        _let_go(values)
    return np.min(ends), np.max(ends)


@keras.saving.register_keras_serializable(package="autoencoder_course")
class Cosine(keras.optimizers.schedules.CosineDecay):
    """Keras' `CosineDecay`, but after its end it returns to the peak: who goes on with the optimizer trains."""

    def __call__(self, step):
        """Return the rate of a step."""
        return tf.where(step < self.warmup_steps + self.decay_steps, super().__call__(step), self.warmup_target)


def _rate(schedule, peak, steps):
    if schedule == "constant":
        return float(peak)
    if schedule != "cosine":
        raise ValueError(f"schedule={schedule!r}: must be 'cosine' or 'constant'.")
    warmup = max(1, steps // 20)
    return Cosine(peak / warmup, max(1, steps - warmup), warmup_target=peak, warmup_steps=warmup)


def _use_xla(model, steps):
    if tf.config.list_physical_devices("GPU"):
        return True
    kinds = {kind.__name__ for layer in model._flatten_layers() for kind in type(layer).__mro__}
    worth = steps * (1 + 1e-6 * model.count_params()) >= STEPS_FOR_XLA
    return worth and not any("Conv" in kind for kind in kinds)


def _checked(model, x, y, loss, value_range, prepare=None):
    """Return x and y as arrays fit for training, uint8 where they are pixels to be scaled, or raise ValueError."""
    x = _array("x", x)
    check_shape("x", x, model.input_shape[1:])
    if isinstance(x, np.memmap) and x.dtype == "uint8" and value_range is None:
        raise ValueError("A memory-mapped x of uint8 holds pixels: leave value_range as it is.")
    if x.dtype == "uint8":
        x = x.astype("float32") if value_range is None else _pixels("x", x)
    if value_range is not None:
        remedy = "scale it (pixels by 1/255), or pass value_range=None if that is meant."
        _within(value_range, x, "x lies", "expected", remedy)
    own = isinstance(model, BaseAutoencoder)
    if y is not None:
        y = _array("y", y)
        if len(y) != len(x):
            raise ValueError(f"{len(y)} targets for {len(x)} inputs.")
        if own and y.shape != x.shape:
            raise ValueError(f"Targets of shape {y.shape} for images of shape {x.shape}: they must agree.")
        if y.dtype == "uint8":
            labels = value_range is None or y.ndim < 2 or y.shape[1] == 1 or y.max() <= 1  # one per input, or 0 and 1
            if not own and (y.ndim > 2 or not labels):
                raise ValueError("y is uint8: give pixels as y.astype('float32') / 255, labels as y.astype('int32').")
            pixels = own and value_range is not None
            y = _pixels("y", y) if pixels else y.astype("float32" if own else "int32")
    elif loss is not None and prepare is None:
        raise ValueError(f"loss={loss!r} compares with targets: give y; to reconstruct x it is fit(model, x, x, ...).")
    named = getattr(loss, "name", getattr(loss, "__name__", loss))
    if prepare is None and (getattr(model, "unit_targets", False) or named in ("bce", "binary_crossentropy")):
        remedy = "scale them, or take the squared error, 'mse'."
        _within((0, 1), x if y is None else y, "Targets lie", "where the binary cross-entropy needs", remedy)
    return x, y


def _within(limits, values, found, wanted, remedy):
    low, high = map(scaled, _limits(values))
    if low < limits[0] or high > limits[1]:
        wanted += f" [{limits[0]:.4g}, {limits[1]:.4g}]"
        raise ValueError(f"{found} in [{low:.4g}, {high:.4g}], {wanted}: {remedy}")


def _array(name, values):
    """Return finite numbers as an array: float64 as float32, everything else as it is."""
    if hasattr(values, "x_train"):
        raise ValueError(f"{name} is a whole data set: pass one of its arrays, such as dataset.x_train.")
    if isinstance(values, tf.data.Dataset | keras.utils.PyDataset):
        raise ValueError(f"{name} is a {type(values).__name__}, fit takes arrays: train on it by Keras' own model.fit.")
    mapped = isinstance(values, np.memmap)
    if mapped and values.dtype not in ("uint8", "float32"):
        raise ValueError(f"{name} is memory-mapped {values.dtype}: write the file as uint8 or float32.")
    values = values if mapped else np.asarray(values)
    if values.ndim == 0 or values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of real numbers, not {values.dtype} of shape {values.shape}.")
    values = values.astype("float32", copy=False) if values.dtype.kind == "f" else values
    if values.size and not np.isfinite(_limits(values)).all():  # without an array of that size
        raise ValueError(f"{name} holds {np.count_nonzero(~np.isfinite(values))} values that are NaN or infinite.")
    return values


def _pixels(name, values):
    if 0 < _limits(values)[1] <= 1:
        raise ValueError(f"{name} is uint8, pixels 0..255, but has no value above 1: pass {name}.astype('float32').")
    return values


def scaled(values):
    """Pixels of uint8 as float32 in [0, 1], anything else unchanged."""
    if values is None or values.dtype != "uint8":
        return values
    return (tf.cast(values, "float32") if tf.is_tensor(values) else values.astype("float32")) / 255
