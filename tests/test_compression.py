"""The coder, its tables, the layers and the autoencoder of utils.compression."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from utils import compression, diagrams, models
from utils.compression import Counted, decode, encode, ideal_bits, integer_table, pop, push
from utils.training import fit


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_tables_are_integers_in_proportion_and_leave_nobody_out(rng):
    counts = rng.integers(0, 1_000, size=(5, 40)) * (rng.random((5, 40)) < 0.5)
    table = integer_table(counts)
    shares = np.diff(table)
    assert table.dtype == "int64"
    assert (table[:, 0] == 0).all()
    assert (table[:, -1] == 2**16).all()
    assert (shares >= 1).all()
    exact = counts / counts.sum(axis=1, keepdims=True) * 2**16
    assert np.abs(shares - exact).max() <= 2 * 40
    assert np.array_equal(table[2], integer_table(counts[2])), "rows do not depend on one another"


@pytest.mark.parametrize("bits", [1, 2, 16, 24])
def test_tables_of_any_bits(bits):
    assert integer_table([3, 1], bits).tolist() == [0, 1 + (3 * (2**bits - 2) // 4) + (bits > 1), 2**bits]


def test_tables_of_probabilities():
    assert np.array_equal(integer_table([0.75, 0.25]), integer_table([3, 1]))
    assert integer_table([1.0, 0.0]).tolist() == [0, 2**16 - 1, 2**16]


@pytest.mark.parametrize(
    ("weights", "bits", "message"),
    [
        ([], 16, "finite numbers"),
        (3, 16, "finite numbers"),
        (["a"], 16, "finite numbers"),
        ([1.0, np.nan], 16, "finite numbers"),
        ([1, -1], 16, "negative"),
        ([[1, 2], [0, 0]], 16, "must be positive"),
        (np.ones(9), 3, "give more bits"),
        ([1, 2], 0, "bits=0"),
        ([1, 2], 25, "bits=25"),
        ([1, 2], 2.5, "bits=2.5"),
    ],
)
def test_tables_reject(weights, bits, message):
    with pytest.raises(ValueError, match=message):
        integer_table(weights, bits)


def test_pop_undoes_push(rng):
    table = integer_table(rng.integers(0, 9, size=30)).tolist()
    for state in (0, 1, 65_535, 10**30):
        for symbol in range(30):
            assert pop(push(state, symbol, table), table) == (symbol, state)


def test_the_bytes_are_the_same_on_every_machine():
    """Written down once: integers decide, so that these bytes never change."""
    symbols = np.array([[0, 1], [2, 0], [0, 0], [1, 2]])
    tables = integer_table([[5, 2, 1], [1, 1, 6]])
    assert tables.tolist() == [[0, 40960, 57344, 65536], [0, 8192, 16384, 65536]]
    assert encode(symbols, tables).hex() == "040000000000a541"


@pytest.mark.parametrize("block", [1, 3, 128])
@pytest.mark.parametrize("bits", [8, 16])
def test_files_come_back_exactly_and_are_as_short_as_their_entropy(rng, block, bits):
    weights = rng.integers(0, 100, size=(7, 12))
    tables = integer_table(weights, bits)
    symbols = np.stack([rng.choice(12, 300, p=w / w.sum()) for w in weights], axis=1)
    data = encode(symbols, tables, bits, block)
    assert np.array_equal(decode(data, tables, symbols.shape, bits, block), symbols)
    blocks = -(-300 // block)
    ideal = ideal_bits(symbols, tables, bits).sum() / 8
    assert ideal <= len(data) <= ideal + blocks * (compression.LENGTH + bits / 8 + 1)


def test_one_table_serves_all_columns(rng):
    symbols, table = rng.integers(0, 4, size=(50, 3)), integer_table([4, 3, 2, 1])
    assert encode(symbols, table) == encode(symbols, np.tile(table, (3, 1)))


def test_long_blocks_cost_less_than_one_percent(rng):
    symbols = rng.binomial(10, 0.2, size=(1_000, 32))
    table = integer_table(np.bincount(symbols.ravel(), minlength=11))
    assert 8 * len(encode(symbols, table)) < 1.01 * ideal_bits(symbols, table).sum()


def test_nothing_is_an_empty_file():
    table = integer_table([1, 1])
    assert encode(np.zeros((0, 3), int), table) == b""
    assert decode(b"", table, (0, 3)).shape == (0, 3)


def test_symbols_without_a_share_are_refused_and_never_read(rng):
    gaps = [0, 0, 100, 100, 65_536, 65_536]
    symbols = rng.choice([1, 3], size=(20, 2))
    assert np.array_equal(decode(encode(symbols, gaps), gaps, symbols.shape), symbols)
    for lost in (0, 2, 4, 5, -1):
        with pytest.raises(ValueError, match="does not hold"):
            encode(np.full((1, 2), lost), gaps)


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        (lambda data: data[:-1], (200, 3)),
        (lambda data: data + b"\0", (200, 3)),
        (lambda data: bytes([*data[:20], data[20] ^ 1, *data[21:]]), (200, 3)),
        (lambda data: data, (100, 3)),
        (lambda data: data, (200, 2)),
        (lambda data: b"", (200, 3)),
    ],
)
def test_broken_files_are_noticed(rng, change, shape):
    symbols, table = rng.integers(0, 5, size=(200, 3)), integer_table([1, 2, 3, 4, 5])
    with pytest.raises(ValueError, match="not a whole file"):
        decode(change(encode(symbols, table)), table, shape)


@pytest.mark.parametrize(
    ("symbols", "tables", "message"),
    [
        ([0, 1], [0, 1, 65_536], "integers \\(n, d\\)"),
        ([[0.0, 1.0]], [0, 1, 65_536], "integers \\(n, d\\)"),
        ([[0, 1]], [[0, 1, 65_536]] * 3, "cumulative integers"),
        ([[0, 1]], [0.0, 1.0, 65_536.0], "cumulative integers"),
        ([[0, 1]], [0, 70_000, 65_536], "cumulative integers"),
        ([[0, 1]], [0, 1, 2], "from 0 to 2"),
        ([[0, 1]], [1, 2, 65_536], "from 0 to 2"),
    ],
)
def test_the_coder_rejects(symbols, tables, message):
    with pytest.raises(ValueError, match=message):
        encode(symbols, tables)
    with pytest.raises(ValueError, match=message):
        ideal_bits(symbols, tables)
    with pytest.raises(ValueError, match="block"):
        encode([[0]], [0, 65_536], block=0)


def test_counted_codes_are_written_and_read(rng):
    codes = np.round(rng.normal(size=(500, 4)) * [0.1, 1, 5, 20] + [0, 3, -7, 0]).astype("float32")
    known = Counted(codes)
    back = known.read(known.write(codes), 500)
    assert back.dtype == "float32"
    assert np.array_equal(back, codes)
    widths = np.ptp(codes, axis=0) + 3  # a margin of 1 on either side
    assert known.size == 2 * widths.sum() + 4 * 4
    far = np.float32([[100, 100, -100, 1000]])
    low, high = codes.min(axis=0) - 1, codes.max(axis=0) + 1
    assert np.array_equal(known.read(known.write(far), 1)[0], [high[0], high[1], low[2], high[3]])


@pytest.mark.parametrize("codes", [np.zeros(3), np.zeros((0, 3)), [[0.5]], [[np.nan]], [[np.inf]]])
def test_counted_needs_whole_numbers(codes):
    with pytest.raises(ValueError, match="whole numbers"):
        Counted(codes)
    with pytest.raises(ValueError, match="margin"):
        Counted([[1]], margin=-1)


def test_the_quantizer_rounds_or_adds_noise():
    layer, z = compression.Quantizer(seed=1), np.full((1_000, 4), 0.3, "float32")
    assert np.array_equal(layer(z), np.zeros_like(z))
    noise = np.asarray(layer(z, training=True)) - z
    assert np.abs(noise).max() <= 0.5
    assert abs(noise.mean()) < 0.03
    assert abs(noise.var() - 1 / 12) < 0.01
    assert not np.array_equal(noise, np.asarray(layer(z, training=True)) - z)
    again = compression.Quantizer(seed=1)(z, training=True)
    assert np.array_equal(noise, np.asarray(again) - z)
    z = tf.Variable(z)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(z, training=True))
    assert np.array_equal(tape.gradient(total, z), np.ones((1_000, 4)))


def test_the_entropy_model_is_a_distribution_over_whole_numbers(rng):
    layer = compression.EntropyModel(3, components=2)
    layer.set_weights([rng.normal(size=(3, 2)) for _ in range(3)])
    z = np.repeat(np.arange(-300, 301, dtype="float32")[:, None], 3, axis=1)
    assert np.allclose(np.sum(2.0 ** -np.asarray(layer(z)), axis=0), 1, atol=1e-5)
    far = np.asarray(layer(np.full((1, 3), 1e6, "float32")))
    assert np.allclose(far, -np.log2(1e-9)), "finite however far"
    assert layer.count_params() == 3 * 3 * 2


def test_the_entropy_model_learns_the_entropy(rng):
    x = rng.normal(size=(4_000, 1)).astype("float32") * 3 + 5
    layer = compression.EntropyModel(1)
    model = keras.Sequential([keras.Input((1,)), compression.Quantizer(seed=1), layer])
    model.compile(keras.optimizers.Adam(0.1), loss=lambda _, bits: bits, jit_compile=False)
    model.fit(x, x, epochs=12, batch_size=200, verbose=0)
    _, counts = np.unique(np.round(x), return_counts=True)
    entropy = -np.sum(counts / 4_000 * np.log2(counts / 4_000))
    assert entropy - 0.05 < np.mean(layer(np.round(x))) < entropy + 0.1


@pytest.fixture
def network():
    keras.utils.set_random_seed(1)
    return compression.compressive((32,), 6, weight=0.1, seed=1)


@pytest.fixture
def images(rng):
    return rng.random((64, 28, 28, 1)).astype("float32") ** 3


def test_the_loss_is_distortion_and_bits(network, images):
    network.compile(jit_compile=False)
    found = network.evaluate(images, verbose=0, return_dict=True)
    z = network.encode(images)
    distortion = np.square(images - network.decode(z)).sum(axis=(1, 2, 3)).mean()
    rate = np.asarray(network.entropy_model(z)).sum(axis=1).mean()
    assert found["distortion"] == pytest.approx(distortion, rel=1e-4)
    assert found["rate"] == pytest.approx(rate, rel=1e-4)
    assert found["loss"] == pytest.approx(distortion + 0.1 * rate, rel=1e-4)
    assert np.array_equal(z, np.round(z))


def test_another_weight_counts_in_the_next_fit(network, images):
    rates = []
    for weight in (0, 5):
        network.weight = weight
        fit(network, images, epochs=10, batch_size=16, learning_rate=1e-2, xla=False, verbose=0)
        rates.append(network.evaluate(images, verbose=0, return_dict=True)["rate"])
    assert rates[1] < rates[0]


def test_it_survives_a_file(network, images, tmp_path):
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert loaded.weight == 0.1
    assert loaded.quantizer.seed == 1
    assert np.array_equal(loaded.reconstruct(images), network.reconstruct(images))


def test_its_layers_are_those_of_a_deep_autoencoder(network):
    plain = models.deep((32,), 6, activation="gelu", initializer="he_normal")
    assert models.same_architecture(network, plain)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"weight": -1}, "weight"), ({"components": 0}, "components"), ({"seed": -1}, "seed"), ({"code": 0}, "code")],
)
def test_the_builder_rejects(settings, message):
    with pytest.raises(ValueError, match=message):
        compression.compressive((8,), **settings)


def test_it_is_drawn_with_noise_and_two_losses(network):
    drawing = diagrams.draw(network)
    assert "± ½ noise" in drawing.alt
    assert "or rounded" in drawing.alt
    assert "rate, in bits" in drawing.svg
    assert "distortion" in drawing.svg
    assert "rate, in bits" not in diagrams.draw(network, losses=False).svg
