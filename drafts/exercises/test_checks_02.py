"""The checks of lesson 02's exercises: right solutions pass, each usual wrong one gets its hint."""

import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

sys.path.insert(0, str(Path(__file__).parent))

import checks_02 as checks
from checks_base import CheckFailed


def unsolved(*arguments):
    raise NotImplementedError("hint: begin with the code")


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


def cut_at(offset):
    def split(whole):
        cut = index_of_code(whole) + offset
        after = whole.layers[cut + 1 :]
        return keras.Model(whole.input, whole.layers[cut].output), through(after, whole.layers[cut].output.shape[1:])

    return split


def from_the_image(whole):
    return cut_at(0)(whole)[0], whole


def new_layers(whole):
    code = whole.get_layer("code")
    rest = [layers.Dense(16, "sigmoid"), layers.Reshape((4, 4, 1))]
    return keras.Model(whole.input, code.output), through(rest, (code.units,))


def copies(whole):
    clone = keras.models.clone_model(whole)
    clone.set_weights(whole.get_weights())
    return sequential(clone)


def fixed_number(whole):
    code = whole.get_layer("code")
    return keras.Model(whole.input, code.output), through(whole.layers[-4:], (code.units,))


def test_split_right(capsys):
    checks.split_in_two(sequential)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (cut_at(-1), "named"),
        (cut_at(1), "named"),
        (from_the_image, "an input of its own"),
        (new_layers, "new ones with random weights"),
        (copies, "Copies do not learn"),
        (fixed_number, "(last line of the error|however many)"),
        (lambda whole: cut_at(0)(whole)[::-1], "the one with images"),
        (lambda whole: cut_at(0)(whole)[0], "Return both"),
        (unsolved, "begin with the code"),
    ],
)
def test_split_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.split_in_two(wrong)


def nearest_of_a_list(z, bits, low, high):
    """Right, by searching the list of levels."""
    grid = np.linspace(low, high, 2**bits)  # levels x units
    which = np.abs(z[:, None] - grid[None]).argmin(axis=1)
    return np.take_along_axis(grid, which, axis=0).astype("float32")


def share(z, low, high):
    return np.clip((z - low) / (high - low), 0, 1)


def one_level_more(z, bits, low, high):
    return np.round(share(z, low, high) * 2**bits) / 2**bits * (high - low) + low


def down(z, bits, low, high):
    n = 2**bits - 1
    return np.floor(share(z, low, high) * n) / n * (high - low) + low


def one_range(z, bits, low, high):
    return nearest_of_a_list(z, bits, np.full(3, low.min()), np.full(3, high.max()))


def not_clipped(z, bits, low, high):
    n = 2**bits - 1
    return np.round((z - low) / (high - low) * n) / n * (high - low) + low


def level_numbers(z, bits, low, high):
    return np.round(share(z, low, high) * (2**bits - 1)).astype("uint8")


def middles(z, bits, low, high):
    return (np.minimum(np.floor(share(z, low, high) * 2**bits), 2**bits - 1) + 0.5) / 2**bits * (high - low) + low


def test_rounding_right(capsys):
    checks.rounding_of_codes(nearest_of_a_list)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (one_level_more, "told apart with so many bits"),
        (down, "Yours always lies below"),
        (one_range, "ranges of their own"),
        (not_clipped, "no level beyond"),
        (level_numbers, "level's number is not a code"),
        (lambda *a: level_numbers(*a) / (2 ** a[1] - 1), "position between 0 and 1"),
        (middles, "both included"),
        (lambda *a: down(*a)[0], "As many codes"),
        (unsolved, "begin with"),
    ],
)
def test_rounding_wrong(wrong, hint):
    with pytest.raises(CheckFailed, match=hint):
        checks.rounding_of_codes(wrong)


@pytest.fixture(scope="module")
def stored():
    """A model, test images, training images, and the squared errors that one may confuse."""
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.normal(size=(16, 3)))[0]  # codes are coordinates along three axes, a fifth too long
    model = SimpleNamespace(
        encode=lambda x: 1.2 * x.reshape(-1, 16) @ axes, decode=lambda z: (z @ axes.T).reshape(-1, 4, 4, 1)
    )
    images, known = (model.decode(rng.normal(size=(n, 3))) + 0.03 * rng.normal(size=(n, 4, 4, 1)) for n in (40, 30))
    codes = model.encode(images)

    def copy(ranges):
        low, high = ranges.min(axis=0), ranges.max(axis=0)
        return model.decode(nearest_of_a_list(np.clip(codes, low, high), 4, low, high))

    exact, ours, theirs = model.decode(codes), copy(model.encode(known)), copy(codes)
    errors = {
        "before": np.square(images - exact).mean(),
        "after": np.square(images - ours).mean(),
        "test range": np.square(images - theirs).mean(),
        "between copies": np.square(exact - ours).mean(),
    }
    return model, images, known, errors


def test_cost_right(stored, capsys):
    model, images, known, e = stored
    checks.rounding_cost(-50, 100 * (e["after"] - e["before"]) / e["before"], model, images, known)
    assert "guessed -50 %: off by" in capsys.readouterr().out


def test_cost_wrong(stored):
    model, images, known, e = stored
    before, after = e["before"], e["after"]
    wrong = {
        "before the test images come": 100 * (e["test range"] / before - 1),
        "a ratio or a share": after / before,
        "percentage of the old": 100 * after / before,
        "compare them with other copies": 100 * e["between copies"] / before,
        "Percent of what": 100 * (1 - before / after),
        "once from rounded codes": -12.0,
        "keep it in the variable": None,
    }
    for hint, rise in wrong.items():
        with pytest.raises(CheckFailed, match=hint):
            checks.rounding_cost(1, rise, model, images, known)
    with pytest.raises(CheckFailed, match="before you measure"):
        checks.rounding_cost(None, 100 * (after / before - 1), model, images, known)


def test_memory(capsys):
    checks.memory_table({20: (2.0, 72.0), 200: np.array([10.0, 50.0]), 2000: (30, 40)})
    assert len(capsys.readouterr().out.splitlines()) == 1
    good = {200: (10.0, 50.0), 2000: (30.0, 40.0)}
    for wrong, hint in (
        (good | {20: (2.0, 2.0)}, "must never have seen them"),
        (good | {20: (0.002, 0.09)}, "over the 784 pixels"),
        (good | {20: (72.0, 2.0)}, "the first of each pair"),
        (good, "Add a third"),
        ([1, 2, 3], "Add a third"),
        (good | {20: 3.0}, "A pair of numbers"),
    ):
        with pytest.raises(CheckFailed, match=hint):
            checks.memory_table(wrong)
