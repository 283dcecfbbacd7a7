"""The latent explorer: what the browser draws of a code is what Keras draws."""

import json
import shutil
import subprocess

import keras
import numpy as np
import pytest

from scripts import explorer
from scripts.project import ROOT
from utils import interactive
from utils.data import load

RUN = """
const { unpack, decode } = require(process.argv[1]);
const { layers, codes } = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const unpacked = unpack(layers);
console.log(JSON.stringify(codes.map((code) => Array.from(decode(unpacked, code)))));
"""


@pytest.fixture(scope="module")
def facts():
    """What the committed file holds."""
    return json.loads(interactive.EXPLORER.read_text(encoding="utf-8"))


def by_node(layers, codes):
    """Decode codes (n, 2) by explorer.js, in node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    script = ROOT / "utils" / "explorer.js"
    text = json.dumps({"layers": layers, "codes": np.asarray(codes).tolist()})
    done = subprocess.run([node, "-e", RUN, str(script)], input=text, capture_output=True, check=True, encoding="utf-8")
    return np.array(json.loads(done.stdout))


@pytest.mark.parametrize("number", [0, 1])
def test_the_browser_draws_what_keras_draws(facts, number):
    network = facts["networks"][number]
    low, high = np.quantile(network["codes"], (0.005, 0.995), axis=0)
    anywhere = np.random.default_rng(1).uniform(low, high, (100, 2))
    codes = np.concatenate([network["codes"][:100], anywhere, [[0, 0]]])
    images = explorer.unpack(network["layers"]).predict(codes, verbose=0)
    assert np.abs(by_node(network["layers"], codes) - images).max() <= 2 / 255


@pytest.mark.parametrize("number", [0, 1])
def test_the_decoders_draw_the_images_of_their_codes(facts, number, monkeypatch):
    monkeypatch.setenv("AE_BUDGET", "quick")  # the sample has these images
    network, mnist = facts["networks"][number], load("mnist")
    codes, n = np.array(network["codes"]), len(facts["labels"])
    assert (mnist.y_test[:n] == facts["labels"]).all()
    images = explorer.unpack(network["layers"]).predict(codes, verbose=0)
    test = mnist.x_test[:n].reshape(n, -1)
    mean_image = np.mean((test - test.mean(axis=0)) ** 2)
    assert np.mean((images - test) ** 2) < 0.75 * mean_image  # PCA's two coordinates leave more


def test_eight_bits_are_the_nearest():
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(5, activation="silu"), keras.layers.Dense(4), keras.layers.Reshape((2, 2, 1))]
    decoder = keras.Sequential([keras.Input((2,)), *layers])
    decoder.layers[1].bias.assign([1, 2, 3, 4])
    packed = explorer.pack(decoder)
    assert [layer["activation"] for layer in packed] == ["silu", "sigmoid"]
    restored = explorer.unpack(packed)
    for dense, again in zip(decoder.layers[:2], restored.layers, strict=True):
        kernel, (other, bias) = dense.get_weights()[0], again.get_weights()
        step = np.abs(kernel).max(axis=0) / 127
        assert (np.abs(kernel - other) <= 0.5001 * step).all()
        np.testing.assert_array_equal(bias, dense.get_weights()[1])


def test_all_of_it_is_small_and_complete():
    shown = interactive.latent_explorer()
    assert interactive.EXPLORER.stat().st_size < 400_000
    assert "http" not in shown.html.replace("http://www.w3.org", "")
    assert shown.html.count("<script>") == 1
    assert shown.html.startswith('<div data-interactive="explorer"')
    data, metadata = shown._repr_mimebundle_()
    assert data["image/png"]
    assert (
        metadata["image/png"]["alt"]
        == shown.alt
        == ("Maps of 300 test codes of 2 networks, whose decoders draw what lies anywhere")
    )


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(OSError, match=r"none\.json"):
        interactive.latent_explorer(tmp_path / "none.json")
