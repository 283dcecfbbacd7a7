"""Images as bytes: a coder whose intervals are integers, the layers of a network that learns to be coded, its class.

The coder is a range variant of asymmetric numeral systems (Duda, arXiv:1311.2540) on Python's own integers, which have
any length: a block of symbols is one integer, and the file holds its bytes. Only integers decide, so that a file reads
the same on every machine. `constriction`, the obvious package for this, has no wheels for Linux on ARM.
"""

from bisect import bisect_right

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from utils import validate
from utils.layers import Drawing, draw
from utils.models import BaseAutoencoder, deep, image_sum, weighted, wide

BITS = 16  # of a table: its frequencies add up to 2 to this power
LENGTH = 4  # bytes before a block, which say how many it has


def integer_table(weights, bits=BITS):
    """Return the table by which the coder codes one kind of symbol: cumulative frequencies, integers.

    A symbol's share of the 2^bits numbers is in proportion to its weight, rounded down, but at least 1, so that every
    symbol can be coded; what is left over goes to the most frequent one. From integer counts the table is computed by
    integers alone.

    Args:
        weights: of the symbols 0 ... K-1, in the last axis (..., K): counts or probabilities, finite, none negative.
        bits: 1 to 24, and 2^bits at least K.

    Returns an int64 array (..., K + 1) from 0 to 2^bits: the numbers table[s] ... table[s + 1] - 1 are those of
    symbol s. Raises ValueError for weights that are none, or bits out of range.
    """
    weights, bits = np.asarray(weights), validate.integer("bits", bits, 1, 24)
    if weights.ndim == 0 or weights.size == 0 or weights.dtype.kind not in "iuf" or not np.isfinite(weights).all():
        raise ValueError(f"weights: finite numbers (..., K) expected, got {weights.dtype} {weights.shape}.")
    if (weights < 0).any() or not (weights.sum(axis=-1) > 0).all():
        raise ValueError("weights: none may be negative, and in every row one must be positive.")
    k, whole = weights.shape[-1], 2**bits
    if k > whole:
        raise ValueError(f"{k} symbols do not fit into 2^{bits} numbers: give more bits.")
    exact = weights.astype("int64" if weights.dtype.kind in "iu" else "float64")
    frequency = 1 + (exact * (whole - k) // exact.sum(axis=-1, keepdims=True)).astype("int64")
    most = frequency.argmax(axis=-1)[..., None]
    spare = whole - frequency.sum(axis=-1, keepdims=True)
    np.put_along_axis(frequency, most, np.take_along_axis(frequency, most, -1) + spare, -1)
    return np.concatenate([np.zeros_like(spare), frequency.cumsum(axis=-1)], axis=-1)


def push(state, symbol, table, bits=BITS):
    """Return the state, an integer of any length from 0, with one more symbol on top of it.

    The table is as from `integer_table`: a list is faster than an array. `pop` takes the symbols off again, the last
    one first. A symbol with f of the 2^bits numbers makes the state about 2^bits / f times as large: it costs
    bits - log2 f bits.
    """
    low, f = table[symbol], table[symbol + 1] - table[symbol]
    whole, rest = divmod(state, f)
    return (whole << bits) + low + rest


def pop(state, table, bits=BITS):
    """Return (symbol, state without it): undoes `push` with the same table."""
    number = state & ((1 << bits) - 1)
    symbol = bisect_right(table, number) - 1
    low, f = table[symbol], table[symbol + 1] - table[symbol]
    return symbol, f * (state >> bits) + number - low


def encode(symbols, tables, bits=BITS, block=128):
    """Return rows of symbols as bytes.

    A block of rows becomes one integer, written with its length before it: 4 bytes, the only overhead of a block but
    for the bits that fill its last byte. Long blocks save these, and take longer, since their integers are long; a
    single row can only be read with its whole block. On one core about a million symbols take a second or two.

    Args:
        symbols: integers (n, d), those of column j from 0 to below the number of symbols in its table.
        tables: integers as from `integer_table`, one (K + 1,) for all columns or one per column (d, K + 1). A symbol
            whose frequency is 0 cannot be coded.
        bits: of the tables.
        block: rows per block, at least 1.

    Raises ValueError for symbols that the tables do not hold, tables of another form, or a number out of range.
    """
    block, parts = validate.positive("block", block), []
    symbols, rows = _checked(symbols, tables, bits)
    for start in range(0, len(symbols), block):
        state = 0
        for row in symbols[start : start + block][::-1].tolist():  # the last one first
            for symbol, table in zip(reversed(row), reversed(rows), strict=True):
                state = push(state, symbol, table, bits)
        size = (state.bit_length() + 7) // 8
        parts += [size.to_bytes(LENGTH, "little"), state.to_bytes(size, "little")]
    return b"".join(parts)


def decode(data, tables, shape, bits=BITS, block=128):
    """Return the symbols, an int64 array of shape (n, d), that `encode` wrote with the same tables, bits and block.

    Raises ValueError for bytes that are not a file of this shape and these tables, as far as that shows, or for tables
    and numbers as `encode` does.
    """
    (n, d), block = shape, validate.positive("block", block)
    rows, found, place, state = _rows(tables, d, bits), [], 0, 0
    for start in range(0, n, block):
        size = int.from_bytes(data[place : place + LENGTH], "little")
        place += LENGTH + size
        state = int.from_bytes(data[place - size : place], "little")
        for _ in range(min(block, n - start) * d):
            symbol, state = pop(state, rows[len(found) % d], bits)
            found.append(symbol)
        if state or place > len(data):
            break
    if len(found) != n * d or state or place != len(data):
        raise ValueError("These bytes are not a whole file of this shape and these tables.")
    return np.array(found, "int64").reshape(n, d)


def ideal_bits(symbols, tables, bits=BITS):
    """Return the bits that each of the symbols (n, d) costs by these tables if a coder wastes nothing: array (n, d).

    That is -log2(frequency / 2^bits); the sum is what `encode` would write in a block of endless length. Tables, bits
    and errors as for `encode`.
    """
    symbols, rows = _checked(symbols, tables, bits)
    shares = np.diff(np.array(rows), axis=1)
    return bits - np.log2(shares[np.arange(len(shares)), symbols])


def _checked(symbols, tables, bits):
    """Return symbols as an array that the tables can code, and the tables as from `_rows`."""
    symbols = np.asarray(symbols)
    if symbols.ndim != 2 or symbols.dtype.kind not in "iu":
        raise ValueError(f"symbols: integers (n, d) expected, got {symbols.dtype} {symbols.shape}.")
    rows = _rows(tables, symbols.shape[1], bits)
    shares, unit = np.diff(np.array(rows), axis=1), np.arange(symbols.shape[1])
    inside = (symbols >= 0) & (symbols < shares.shape[1])
    if not inside.all() or not shares[unit, symbols].all():
        raise ValueError("There is a symbol that its table does not hold: clip, or count again.")
    return symbols, rows


def _rows(tables, d, bits):
    """Return the tables of d columns as a list of lists."""
    tables = np.asarray(tables)
    fits = tables.size and (tables.ndim == 1 or tables.shape[:-1] == (d,))
    rows = np.broadcast_to(tables, (d, tables.shape[-1])) if fits else None
    if rows is None or tables.dtype.kind not in "iu" or (np.diff(rows) < 0).any():
        raise ValueError(f"tables: cumulative integers (K + 1,) or ({d}, K + 1) expected, got {tables.shape}.")
    if (rows[:, 0] != 0).any() or (rows[:, -1] != 2**bits).any():
        raise ValueError(f"tables: every one must go from 0 to 2^{bits}.")
    return rows.tolist()


class Counted:
    """What is known of whole-number codes before a file is read: the range of each unit, and its integer table.

    Counted on training codes. Codes beyond a unit's range are clipped to it by `symbols`, before they are written: the
    file then says exactly what the sender decodes as well.

    Args:
        codes: whole numbers (n, d), as floats or integers.
        margin: values on either side of what occurred that may be coded as well, at the smallest share.

    Attributes: `low` (d,) int64, the smallest value of each unit; `tables` (d, K + 1), where K is the widest range:
    a unit with a narrower one has shares of 0 at its end.

    Raises ValueError for codes that are not whole numbers, or a margin below 0.
    """

    def __init__(self, codes, margin=1):
        codes, margin = _whole(codes), validate.integer("margin", margin, 0)
        self.low = codes.min(axis=0) - margin
        widths = codes.max(axis=0) + margin + 1 - self.low
        self.tables = np.full((codes.shape[1], widths.max() + 1), 2**BITS, "int64")
        for j, width in enumerate(widths):
            self.tables[j, : width + 1] = integer_table(np.bincount(codes[:, j] - self.low[j], minlength=width))
        self._high = self.low + widths - 1

    def symbols(self, codes):
        """Return codes (n, d) as symbols from 0, clipped to the ranges: int64 (n, d)."""
        return np.clip(_whole(codes), self.low, self._high) - self.low

    def codes(self, symbols):
        """Return the codes that symbols (n, d) stand for, as float32 (n, d): what a decoder takes."""
        return (symbols + self.low).astype("float32")

    def write(self, codes):
        """Return codes (n, d) as the bytes of a file."""
        return encode(self.symbols(codes), self.tables)

    def read(self, data, n):
        """Return the n codes of a file as float32 (n, d)."""
        return self.codes(decode(data, self.tables, (n, len(self.low))))

    @property
    def size(self):
        """Bytes that the tables take beside the decoder: 2 for every share and, per unit, for its range's two ends."""
        return 2 * int(np.sum(self._high - self.low + 1) + 2 * len(self.low))


def _whole(codes):
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.size == 0 or not np.isfinite(codes).all() or (codes != np.round(codes)).any():
        raise ValueError(f"codes: whole numbers (n, d) expected, got {codes.dtype} {codes.shape}: round them first.")
    return codes.astype("int64")


@keras.saving.register_keras_serializable(package="autoencoder_course")
class Quantizer(Drawing):
    """Round to whole numbers; in training add noise instead, uniform between -1/2 and 1/2.

    Rounding has a gradient of zero almost everywhere. The noise has the width of a rounding's error and a gradient of
    one (Ballé et al., arXiv:1611.01704, section 3). Any real numbers, of any shape; the seed as in `Drawing`.
    """

    def call(self, z, training=False):
        """Return whole numbers, or in training z with noise."""
        if not training:
            return ops.round(z)
        noise = draw(tf.random.stateless_uniform, ops.shape(z), self.seed_generator)
        return z + ops.cast(noise, z.dtype) - 0.5


@keras.saving.register_keras_serializable(package="autoencoder_course")
class EntropyModel(layers.Layer):
    """How many bits each unit of a code costs: -log2 of a probability that is learned.

    The density of a unit is a mixture of logistic ones; the probability of the value z is its integral from z - 1/2 to
    z + 1/2, a difference of cumulative distributions, and no less than 1e-9.

    Args:
        units: of the code.
        components: of every unit's mixture.

    Takes codes (n, units), gives bits of the same shape. Raises ValueError for a number that is not positive.
    """

    def __init__(self, units, components=3, **kwargs):
        super().__init__(**kwargs)
        self.units, self.components = validate.positive("units", units), validate.positive("components", components)
        shape, spread = (units, components), np.linspace(-1, 1, components + 2)[1:-1]
        self.mean = self.add_weight(shape=shape, initializer="zeros", name="mean")
        self.mean.assign(np.broadcast_to(spread, shape))
        self.log_scale = self.add_weight(shape=shape, initializer="zeros", name="log_scale")
        self.logits = self.add_weight(shape=shape, initializer="zeros", name="logits")
        self.built = True

    def call(self, z):
        """Return the bits."""
        far, s = ops.abs(z[..., None] - self.mean), ops.exp(-self.log_scale)  # by symmetry: from the left tail,
        p = ops.sigmoid((0.5 - far) * s) - ops.sigmoid((-0.5 - far) * s)  # where differences are exact
        p = ops.sum(ops.softmax(self.logits) * p, axis=-1)
        return -ops.log2(ops.maximum(p, 1e-9))

    def get_config(self):
        """Return the arguments that rebuild the layer."""
        return super().get_config() | {"units": self.units, "components": self.components}


@keras.saving.register_keras_serializable(package="autoencoder_course")
class CompressiveAutoencoder(BaseAutoencoder):
    """An autoencoder whose code is rounded, and whose loss counts the bits that the code costs:

        D + weight · R,

    with the distortion D = ||x - x̂||² summed over the pixels and the rate R in bits, summed over the units, both
    averaged over the batch (Ballé et al., arXiv:1611.01704). Both are metrics, "distortion" and "rate". In training the
    code gets noise instead of being rounded, see `Quantizer`; `evaluate`, `encode` and all else round.

    Args:
        encoder, decoder: as in `BaseAutoencoder`, and so are the errors; codes (n, d).
        weight: of the rate, a finite number of at least 0; an attribute, too, for the next `compile` or `fit`.
        components: as in `EntropyModel`.
        seed: of the noise, as in `Quantizer`.
    """

    reconstruction_loss, unit_targets = "mse", False

    def __init__(self, encoder, decoder, weight=0.05, components=3, seed=None, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.weight = validate.number("weight", weight, 0, None, "a finite number of at least 0")
        self.quantizer = Quantizer(seed)
        self.entropy_model = EntropyModel(encoder.output_shape[1], components)
        self.distortion_metric = keras.metrics.Mean("distortion")
        self.rate_metric = keras.metrics.Mean("rate")

    def call(self, x, training=False):
        """Return a dict of "image", x's shape, and "bits" (n, d)."""
        z = self.quantizer(self.encoder(x, training=training), training=training)
        return {"image": self.decoder(z, training=training), "bits": self.entropy_model(z)}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the loss of the batch, see the class. The target is y where it is given, else x itself."""
        distortion = image_sum(ops.square(wide(x if y is None else y) - wide(y_pred["image"])))
        rate = ops.sum(wide(y_pred["bits"]), axis=1)
        self.distortion_metric.update_state(weighted(distortion, sample_weight))
        self.rate_metric.update_state(weighted(rate, sample_weight))
        return self.average(distortion + self.weight * rate, sample_weight)

    def encode(self, x, batch_size=1000):
        """Return the rounded codes of the images x as a NumPy array (n, d)."""
        return np.round(super().encode(x, batch_size))

    def get_config(self):
        """Return what `from_config` needs."""
        more = {"weight": self.weight, "components": self.entropy_model.components, "seed": self.quantizer.seed}
        return super().get_config() | more


def compressive(hidden=(1000, 500, 250), code=48, *, weight=0.05, components=3, seed=None, input_shape=(28, 28, 1)):
    """Build a dense `CompressiveAutoencoder` with GELU units; sizes and errors as for `models.deep`."""
    settings = {"activation": "gelu", "initializer": "he_normal", "input_shape": input_shape}
    plain = deep(hidden, code, **settings)
    return CompressiveAutoencoder(plain.encoder, plain.decoder, weight, components, seed)
