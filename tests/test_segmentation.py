"""utils.segmentation: scenes whose labels are right by construction, and encoder-decoders for them."""

import keras
import numpy as np
import pytest
from keras import layers

from utils import segmentation
from utils.segmentation import DECODERS, compose, encoder, with_decoder


@pytest.fixture(scope="module")
def digits():
    """Twenty 'digits': blocks of different sizes inside of 20x20, with a soft edge; digit k has the label k % 10."""
    pictures = np.zeros((20, 20, 20))
    for k, picture in enumerate(pictures):
        picture[3 : 11 + k % 5, 3 : 9 + k % 7] = 0.3
        picture[4 : 10 + k % 5, 4 : 8 + k % 7] = 1
    return pictures, np.arange(20) % 10


def test_shapes_ranges_and_repetition(digits):
    scenes, labels = compose(*digits, 30, seed=1)
    assert (scenes.shape, scenes.dtype, labels.shape, labels.dtype) == (
        (30, 40, 40, 1),
        "float32",
        (30, 40, 40),
        "int32",
    )
    assert (scenes.min() >= 0, scenes.max() <= 1, labels.min(), labels.max()) == (True, True, 0, 10)
    again, other = compose(*digits, 30, seed=1), compose(*digits, 30, seed=2)
    np.testing.assert_array_equal(again[0], scenes)
    np.testing.assert_array_equal(again[1], labels)
    assert not np.array_equal(other[1], labels)


def test_shrunk_digits_keep_their_place_and_brightness():
    images = np.zeros((2, 28, 28, 1), "float32")
    images[0, 7:21, 7:14] = 1
    small = segmentation.shrink(images)
    assert small.shape == (2, 20, 20)
    assert (small[0, 5:15, 5:10] == 1).all()
    assert small.sum() == 50
    np.testing.assert_allclose(segmentation.shrink(images / 4), small / 2, atol=1e-6)
    for wrong in (images[..., 0], images[:, 1:], 255 * images, images[:0]):
        with pytest.raises(ValueError, match=r"images|scale"):
            segmentation.shrink(wrong)


def test_labels_are_where_the_ink_is(digits):
    scenes, labels = compose(*digits, 100, seed=1, clutter=0)
    bright = (
        scenes[..., 0] > 0.5
    )  # above background and soft edges (0.3 · 1 + 0.7 · 0.2 < 0.45), below the faintest ink
    assert np.mean(bright == (labels > 0)) > 0.999


def test_one_digit_and_no_clutter(digits):
    _, labels = compose(*digits, 200, seed=3, clutter=0, most=1)
    for image in labels:
        assert len(np.unique(image)) == 2
    sizes = {k: int((digits[0][k] >= 0.5).sum()) for k in range(20)}
    found = {(int(image.max()) - 1, int((image > 0).sum())) for image in labels}
    assert found <= {(k % 10, size) for k, size in sizes.items()}


def test_clutter_is_background_and_as_bright_as_digits(digits):
    bright = []
    for clutter in (0, 3):
        scenes, labels = compose(*digits, 50, seed=4, clutter=clutter, most=1)
        bright.append(np.mean(scenes[..., 0][labels == 0] > 0.6))
    assert bright[0] < 0.001
    assert bright[1] > 0.02


def test_digits_keep_their_distance_and_the_upper_one_has_the_pixel():
    rng = np.random.default_rng(0)
    for _ in range(50):
        corners = segmentation._places(rng, 6)
        assert 1 <= len(corners) <= 6
        for k, corner in enumerate(corners):
            assert all(abs(corner - other).max() >= 12 for other in corners[:k])
            assert ((corner >= 2) & (corner <= 26)).all()
    full = np.ones((2, 20, 20))  # digits that cover all of their square: 0 and 1
    scenes, labels = compose(full, [0, 1], 60, seed=1, clutter=0, most=2)
    both = [k for k, label in enumerate(labels) if len(np.unique(label[label > 0])) == 2]
    assert len(both) > 10
    for k in both:
        for c in (1, 2):  # one ink each, and noise: no pixel of the lower digit's where the upper one lies
            assert scenes[k, ..., 0][labels[k] == c].std() < 0.04


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"digits": np.zeros((2, 27, 28))}, "digits"),
        ({"digits": np.full((2, 20, 20), 255.0)}, "scale"),
        ({"labels": [1]}, "labels"),
        ({"count": 0}, "count"),
        ({"seed": -1}, "seed"),
        ({"clutter": -1}, "clutter"),
        ({"most": 0}, "most"),
    ],
)
def test_scenes_that_are_refused(change, word):
    settings = {"digits": np.zeros((2, 20, 20)), "labels": [1, 2], "count": 1, "seed": 1} | change
    with pytest.raises(ValueError, match=word):
        compose(**settings)


@pytest.mark.parametrize("decoder", DECODERS)
def test_networks_give_logits_and_survive_a_file(decoder, tmp_path):
    network = with_decoder(encoder((2, 3), 5, (8, 12, 3)), decoder, classes=5)
    x = np.random.default_rng(0).random((2, 8, 12, 3), "float32")
    y = np.asarray(network(x))
    assert y.shape == (2, 8, 12, 5)
    network.save(tmp_path / "network.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "network.keras")(x), y, atol=1e-5)


def test_decoders_without_weights_have_equal_parameters():
    counts = {decoder: with_decoder(encoder(), decoder).count_params() for decoder in DECODERS}
    more = counts.pop("transposed convolution") - counts["indices"]
    assert len(set(counts.values())) == 1
    assert more == (16 - 9) * (32 * 12 + 12 * 12)  # per pair of channels


def test_every_step_may_have_another_decoder_and_channels():
    network = with_decoder(encoder((2, 3, 4)), ("nearest", "nearest", "bed of nails"), (5, 6, 7))
    kinds = [type(layer).__name__ for layer in network.layers]
    assert [kind for kind in kinds if kind in ("UpSampling2D", "BedOfNails2D")] == [
        "BedOfNails2D",
        *["UpSampling2D"] * 2,
    ]
    assert [layer.filters for layer in network.layers if isinstance(layer, layers.Conv2D)][-4:] == [7, 6, 5, 11]
    assert network.get_layer("code").filters == 96
    indices = with_decoder(encoder((2, 3, 4)), ("indices", "nearest", "indices"))
    assert [layer.name[:7] for layer in indices.layers if "pooling" in layer.name][-2:] == ["max_unp"] * 2


def test_decoders_share_the_encoders_layers():
    common = encoder((2, 3))
    one, two = with_decoder(common, "indices"), with_decoder(common, "nearest")
    assert one.get_layer("code") is two.get_layer("code") is common.get_layer("code")


@pytest.mark.parametrize(
    "settings",
    [("cubic",), (("indices",),), ("indices", (2,)), ("indices", (2, 0)), ("indices", None, 0)],
)
def test_networks_that_are_refused(settings):
    with pytest.raises(ValueError, match=r"decoder|channels|classes"):
        with_decoder(encoder((2, 3)), *settings)
    for wrong in (((0, 2),), ((2, 3), 0)):
        with pytest.raises(ValueError, match=r"width|code"):
            encoder(*wrong)


def test_coarse_labels():
    labels = np.zeros((1, 16, 16), int)
    labels[0, :2, :2] = 3  # 4 pixels: not enough
    labels[0, :3, 8:11], labels[0, 4:8, 8:11] = 3, 5  # 9 against 12
    labels[0, 8:, 8:] = 10
    np.testing.assert_array_equal(segmentation.coarse(labels, 8), [[[0, 5], [0, 10]]])
    for wrong in (labels[0], labels[:, 1:]):
        with pytest.raises(ValueError, match="multiples"):
            segmentation.coarse(wrong)
