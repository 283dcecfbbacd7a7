"""The checks of lesson 02's exercises: right solutions pass, each usual wrong one gets its hint."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from checks import CheckFailed
from checks import lesson_02 as checks
from utils import models


def unsolved(*arguments):
    raise NotImplementedError("hint: begin with the code")


def nothing(*arguments):
    return None


def through(given, shape):
    z = keras.Input(shape)
    h = z
    for layer in given:
        h = layer(h)
    return keras.Model(z, h)


def index_of_code(whole):
    return [layer.name for layer in whole.layers].index("code")


def sequential(whole):
    """Right, with Sequential models of the whole's layers."""
    cut = index_of_code(whole) + 1
    code = whole.layers[cut - 1].units
    encoder = keras.Sequential([keras.Input(whole.input_shape[1:]), *whole.layers[1:cut]])
    return encoder, keras.Sequential([keras.Input((code,)), *whole.layers[cut:]])


def without_inputs(whole):
    """Right, with Sequential models that learn their input shapes when they are called, and as a list."""
    cut = index_of_code(whole) + 1
    return [keras.Sequential(whole.layers[1:cut]), keras.Sequential(whole.layers[cut:])]


def from_the_code(whole):
    """Right, with the decoder from the code's own tensor."""
    code = whole.get_layer("code").output
    return keras.Model(whole.input, code), keras.Model(code, whole.output)


def cut_at(offset):
    def split(whole):
        cut = index_of_code(whole) + offset
        after = whole.layers[cut + 1 :]
        return keras.Model(whole.input, whole.layers[cut].output), through(after, whole.layers[cut].output.shape[1:])

    return split


def whole_as_decoder(whole):
    return cut_at(0)(whole)[0], whole


def new_layers(whole):
    code = whole.get_layer("code")
    rest = [layers.Dense(16, "sigmoid"), layers.Reshape((4, 4, 1))]
    return keras.Model(whole.input, code.output), through(rest, (code.units,))


def new_encoder(whole):
    code = whole.get_layer("code").units
    encoder = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(code, "tanh")])
    return encoder, cut_at(0)(whole)[1]


def copies(whole):
    clone = keras.models.clone_model(whole)
    clone.set_weights(whole.get_weights())
    return sequential(clone)


def last_forgotten(whole):
    code = whole.get_layer("code")
    return keras.Model(whole.input, code.output), through(whole.layers[index_of_code(whole) + 1 : -1], (code.units,))


def fixed_number(number):
    """The decoder of the last so many layers: 4 are right for two hidden layers, 3 for one."""

    def split(whole):
        code = whole.get_layer("code")
        return keras.Model(whole.input, code.output), keras.Sequential(whole.layers[-number:])

    return split


def at(find_place):
    """The layer of the code found by its place, not by its name."""

    def split(whole):
        place = find_place(whole.layers)
        code = whole.layers[place].output
        return keras.Model(whole.input, code), through(whole.layers[place + 1 :], code.shape[1:])

    return split


def narrowest(given):
    return min((layer.units, k) for k, layer in enumerate(given) if isinstance(layer, layers.Dense))[1]


def as_many_after(whole):
    code = whole.get_layer("code")
    before = index_of_code(whole) - 2
    return keras.Model(whole.input, code.output), keras.Sequential(whole.layers[-before - 2 :])


@pytest.mark.parametrize("right", [cut_at(0), sequential, without_inputs, from_the_code])
def test_split_right(right, capsys):
    checks.split_in_two(right)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (cut_at(-1), "named"),
        (cut_at(1), "named"),
        (whole_as_decoder, "(?s)one that takes images.*an input of its own"),
        (new_layers, "share no weights"),
        (new_encoder, "(?s)the encoder's codes.*share no weights"),
        (copies, "Copies do not learn"),
        (last_forgotten, "the last one too"),
        (fixed_number(4), "need not have as"),
        (fixed_number(3), "need not have as"),
        (as_many_after, "need not have as"),
        (at(lambda given: len(given) // 2), "named"),
        (at(narrowest), "by its name"),
        (lambda whole: cut_at(0)(whole)[::-1], "Which one encodes"),
        (lambda whole: cut_at(0)(whole)[0], "Return both"),
        (nothing, "Return both"),
        (unsolved, "begin with the code"),
    ],
)
def test_split_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.split_in_two(wrong)


def ranges(known):
    return known.min(axis=0), known.max(axis=0)


def nearest(z, bits, known):
    """Right, by searching the list of levels."""
    grid = np.linspace(*ranges(known), 2**bits)  # levels x units
    return np.abs(z[:, None] - grid[None]).argmin(axis=1)


def of_a_list(levels, bits, known):
    """Right, by looking the levels up."""
    return np.take_along_axis(np.linspace(*ranges(known), 2**bits), levels, axis=0).astype("float32")


def share(z, known):
    low, high = ranges(known)
    return np.clip((z - low) / np.where(high > low, high - low, 1), 0, 1)


def formula(z, bits, known):
    """Right, by a formula, as a tensor."""
    return keras.ops.convert_to_tensor((share(z, known) * (2**bits - 1) + 0.5).astype("uint8"))


def back(position, known):
    low, high = ranges(known)
    return low + position * (high - low)


def fetch(levels, bits, known):
    return keras.ops.convert_to_tensor(back(levels / (2**bits - 1), known))


def one_range(known):
    return np.array([[known.min()] * 3, [known.max()] * 3])


def by_dividing(z, bits, known):
    """Right but for a unit that never changes: 0 / 0."""
    low, high = ranges(known)
    return np.round(np.clip((z - low) / (high - low), 0, 1) * (2**bits - 1))


def not_clipped(z, bits, known):
    (low, high), n = ranges(known), 2**bits - 1
    return np.round((z - low) / np.where(high > low, high - low, 1) * n)


def cells(z, bits, known):
    return np.minimum(np.floor(share(z, known) * 2**bits), 2**bits - 1)


@pytest.mark.parametrize(("store", "fetch"), [(nearest, of_a_list), (formula, fetch)])
def test_storing_right(store, fetch, capsys):
    checks.storing_of_codes(store, fetch)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda z, bits, known: np.round(share(z, known) * 2**bits), "told apart with so many bits"),
        (lambda z, bits, known: np.round(share(z, known) * (bits - 1)), "00, 01, 10 or 11"),
        (lambda z, bits, known: np.floor(share(z, known) * (2**bits - 1)), "Yours always lies below"),
        (lambda z, bits, known: np.ceil(share(z, known) * (2**bits - 1)), "Yours always lies above"),
        (lambda z, bits, known: share(z, known) * (2**bits - 1), "A whole number is sent"),
        (lambda z, bits, known: nearest(z, bits, one_range(known)), "ranges of their own"),
        (lambda z, bits, known: nearest(z, bits, z), "Whose range do you take"),
        (lambda *a: nearest(*a) + 1, "count from 1"),
        (lambda *a: nearest(*a) / (2 ** a[1] - 1), "position between 0 and 1"),
        (lambda *a: of_a_list(nearest(*a), *a[1:]), "codes again"),
        (cells, "not the ends of the range"),
        (lambda *a: 2 ** a[1] - 1 - nearest(*a), "both included"),
        (not_clipped, "no level out there"),
        (by_dividing, "never changes"),
        (lambda *a: nearest(*a)[0], "As many numbers"),
        (nothing, "end with a return"),
        (unsolved, "begin with"),
    ],
)
def test_store_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.storing_of_codes(wrong, fetch)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda levels, bits, known: levels, "number of a level is not a code"),
        (lambda levels, bits, known: levels / (2**bits - 1), "position between 0 and 1"),
        (lambda levels, bits, known: fetch(levels, bits, known) - ranges(known)[0], "seldom 0"),
        (lambda levels, bits, known: fetch(levels, bits, one_range(known)), "ranges of their own"),
        (lambda levels, bits, known: back(levels / 2**bits, known), "highest level"),
        (lambda levels, bits, known: back((levels + 0.5) / 2**bits, known), "not the ends of the range"),
        (lambda levels, bits, known: -fetch(levels, bits, known), "one in between"),
        (lambda *a: fetch(*a)[0], "As many numbers"),
        (nothing, "end with a return"),
        (unsolved, "begin with"),
    ],
)
def test_fetch_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.storing_of_codes(nearest, wrong)


def nearest_of_a_list(z, bits, known):
    return of_a_list(nearest(z, bits, known), bits, known)


@pytest.fixture(scope="module")
def stored():
    """A model, test images, training images, and the squared errors that one may confuse."""
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.normal(size=(16, 3)))[0] * [1.2, 1.1, 1.0]  # codes are coordinates, some too long
    model = SimpleNamespace(
        encode=lambda x: x.reshape(-1, 16) @ axes, decode=lambda z: (z @ axes.T).reshape(-1, 4, 4, 1)
    )
    images, known = (
        model.decode(rng.normal(size=(n, 3)) * [1, 2, 3]) + 0.03 * rng.normal(size=(n, 4, 4, 1)) for n in (40, 30)
    )
    codes = model.encode(images)

    def copy(known, bits=4):
        return model.decode(nearest_of_a_list(np.clip(codes, *ranges(known)), bits, known))

    def error(copies):
        return np.square(images - copies).mean()

    exact, ours = model.decode(codes), copy(model.encode(known))
    errors = {
        "before": error(exact),
        "after": error(ours),
        "test range": error(copy(codes)),
        "3 bits": error(copy(model.encode(known), 3)),
        "one range": error(model.decode(nearest_of_a_list(codes, 4, one_range(model.encode(known))))),
        "between copies": np.square(exact - ours).mean(),
    }
    return model, images, known, errors


def test_cost_right(stored, capsys):
    model, images, known, e = stored
    checks.rounding_cost(-50, 100 * (e["after"] - e["before"]) / e["before"], model, images, known)
    assert "your guess of -50 is off by" in capsys.readouterr().out


def test_cost_wrong(stored):
    model, images, known, e = stored
    before, after = e["before"], e["after"]
    wrong = {
        "before the test images come": 100 * (e["test range"] / before - 1),
        "ranges of their own": 100 * (e["one range"] / before - 1),
        "bits are asked for": 100 * (e["3 bits"] / before - 1),
        "difference in squared error": after - before,
        "Right, but rounded": round(100 * (after / before - 1)),
        "a ratio, or a share": after / before,
        "percentage of the old": 100 * after / before,
        "compare them with other copies": 100 * e["between copies"] / before,
        "Percent of what": 100 * (1 - before / after),
        "once from rounded codes": -12.0,
        "to be done": None,
    }
    for hint, rise in wrong.items():
        with pytest.raises(CheckFailed, match=hint):
            checks.rounding_cost(1, rise, model, images, known)
    with pytest.raises(CheckFailed, match="to be done"):
        checks.rounding_cost(None, 100 * (after / before - 1), model, images, known)


def test_cost_untrained():
    """Of a network that knows nothing, the check measures what a student measures, and rejects the other range."""
    keras.utils.set_random_seed(1)
    model = models.deep((12,), 4, input_shape=(6, 6, 1))
    images, known = np.split(np.random.default_rng(1).random((300, 6, 6, 1), dtype="float32"), [200])
    codes = model.encode(images)

    def rise(known_codes):
        errors = [np.mean((images - model.decode(z)) ** 2) for z in (codes, nearest_of_a_list(codes, 4, known_codes))]
        return 100 * (errors[1] / errors[0] - 1)

    checks.rounding_cost(1, rise(model.encode(known)), model, images, known)
    with pytest.raises(CheckFailed, match="before the test images come"):
        checks.rounding_cost(1, rise(codes), model, images, known)
