"""utils.diagrams: what is drawn is what the model has, for every builder of the course."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from utils import adversarial, diagrams, models, stacking
from utils.corruptions import Corruption
from utils.diagrams import draw, draw_steps
from utils.layers import MaxPoolingWithIndices2D, MaxUnpooling2D, Sampler

SVG = "{http://www.w3.org/2000/svg}"


def kinds(diagram):
    """Return what is drawn: pairs of a kind and its texts, in the order of the file."""
    groups = [g for g in ET.fromstring(diagram.svg).iter(f"{SVG}g") if g.get("data-kind")]
    return [(g.get("data-kind"), [text.text for text in g.iter(f"{SVG}text")]) for g in groups]


def drawn(diagram, *wanted):
    """Return the texts of the drawn things of some kinds, each as a set."""
    return [set(texts) for kind, texts in kinds(diagram) if kind in wanted]


def texts(diagram):
    return [element.text for element in ET.fromstring(diagram.svg).iter(f"{SVG}text")]


def boxes(diagram):
    """Return the boxes' heights by what is written above them."""
    root = ET.fromstring(diagram.svg)
    found = [g for g in root.iter(f"{SVG}g") if g.get("data-kind") in ("box", "code")]
    return {g.findtext(f"{SVG}text"): float(g.find(f"{SVG}rect").get("height")) for g in found}


def unet(corruption=None):
    """A U-Net as lesson 08's: two skips that are concatenated, one that is added around a dense bottom."""
    inputs = keras.Input((8, 8, 1))
    x = corruption(inputs) if corruption else inputs
    a = layers.Conv2D(4, 3, padding="same", activation="gelu")(x)
    b = layers.Conv2D(6, 4, strides=2, padding="same", activation="gelu")(a)
    c = layers.Conv2D(8, 4, strides=2, padding="same", activation="gelu")(b)
    y = layers.Dense(32, activation="gelu")(layers.Dense(5, activation="gelu")(layers.Flatten()(c)))
    x = layers.Add()([c, layers.Reshape((2, 2, 8))(y)])
    x = layers.Concatenate()([layers.Conv2DTranspose(6, 4, strides=2, padding="same")(x), b])
    x = layers.Concatenate()([layers.Conv2DTranspose(4, 4, strides=2, padding="same")(x), a])
    return keras.Model(inputs, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x))


DENSE = {
    "vanilla": (lambda: models.vanilla(32), ["784"], ["sigmoid"], {"code", "d = 32", "relu"}),
    "linear": (lambda: models.linear(16), ["784"], ["linear"], {"code", "d = 16", "linear"}),
    "deep": (
        lambda: models.deep((128, 64), 10, activation="gelu"),
        ["128", "64", "64", "128", "784"],
        ["gelu"] * 4 + ["sigmoid"],
        {"code", "d = 10", "linear"},
    ),
    "hinton_salakhutdinov": (
        models.hinton_salakhutdinov,
        ["1000", "500", "250", "250", "500", "1000", "784"],
        ["gelu"] * 6 + ["sigmoid"],
        {"code", "d = 30", "linear"},
    ),
}


@pytest.mark.parametrize("name", DENSE)
def test_dense_autoencoders_have_a_box_per_layer_with_its_units_and_activation(name):
    build, units, activations, code = DENSE[name]
    diagram = draw(build())
    assert drawn(diagram, "box") == [set(pair) for pair in zip(units, activations, strict=True)]
    assert drawn(diagram, "code") == [code]
    assert drawn(diagram, "image") == [{"28×28×1", "input"}, {"28×28×1", "output"}]
    assert {"encoder", "decoder"} < set(texts(diagram))
    assert not drawn(diagram, "skip", "tie", "loss", "merge", "map")


def test_heights_follow_the_units_and_2_stays_visible_beside_784():
    heights = boxes(draw(models.deep((256, 32), 2)))
    ordered = [heights[name] for name in ("784", "256", "32", "code")]  # from the tallest to the lowest
    assert ordered == sorted(set(ordered), reverse=True)
    assert ordered[-1] >= 12
    assert ordered[0] <= 10 * ordered[-1]


def test_convolutional_autoencoders_have_volumes_with_their_sizes():
    diagram = draw(models.convolutional(20, output_activation="sigmoid"))
    assert drawn(diagram, "map") == [{"14×14", "×16", "gelu"}, {"7×7", "×32", "gelu"}, {"14×14", "×16", "gelu"}]
    assert drawn(diagram, "box") == [{"512", "gelu"}, {"512", "gelu"}, {"1568", "gelu"}]
    assert drawn(diagram, "image") == [{"28×28×1", "input"}, {"28×28×1", "sigmoid", "output"}]
    diagram = draw(models.ee559(6))
    sizes = [24, 20, 9, 4]
    assert drawn(diagram, "map") == [{f"{n}×{n}", "×32", "relu"} for n in sizes + sizes[::-1]]
    assert drawn(diagram, "code") == [{"code", "d = 6", "linear"}]


def test_more_channels_are_more_sheets():
    def sheets(channels):
        model = keras.Sequential(
            [keras.Input((8, 8, 1)), layers.Conv2D(channels, 3), layers.Flatten(), layers.Dense(2)]
        )
        svg = ET.fromstring(draw(model).svg)
        return next(len(g.findall(f"{SVG}path")) for g in svg.iter(f"{SVG}g") if g.get("data-kind") == "map")

    assert sheets(1) == 1
    assert sheets(1) < sheets(4) < sheets(16) < sheets(32)


@pytest.mark.parametrize("inside", [False, True], ids=["course's class", "sampler in the graph"])
def test_variational_autoencoders_have_heads_draw_and_losses(inside):
    model = models.variational((64,), 7, activation="relu")
    if inside:
        heads = model.encoder.output
        model = keras.Model(model.encoder.input, model.decoder(Sampler()(heads["mean"], heads["log_variance"])))
    diagram = draw(model)
    heads = [{"7", "mean μ", "linear"}, {"7", "log σ²", "linear"}]
    assert [box for box in drawn(diagram, "box") if "7" in box] == heads
    assert drawn(diagram, "sampler") == [{"ε ~ N(0, I)"}]
    assert drawn(diagram, "code") == [{"code z", "d = 7", "z = μ + σ·ε"}]
    kl, reconstruction = drawn(diagram, "loss")
    assert "KL divergence" in kl
    assert "reconstruction" in reconstruction
    assert not drawn(draw(model, losses=False), "loss")


def test_heads_are_told_apart_by_their_keys():
    image = keras.Input((4, 4, 1))
    flat = layers.Flatten()(image)
    encoder = keras.Model(image, {"mean": layers.Dense(3)(flat), "log_variance": layers.Dense(3, "tanh")(flat)})
    decoder = keras.Sequential([keras.Input((3,)), layers.Dense(16), layers.Reshape((4, 4, 1))])
    heads = drawn(draw(models.VariationalAutoencoder(encoder, decoder)), "box")[:2]
    assert heads == [{"3", "mean μ", "linear"}, {"3", "log σ²", "tanh"}]


def test_losses_attach_below_what_they_are_computed_from():
    root = ET.fromstring(draw(models.variational((64,), 7)).svg)
    groups = list(root.iter(f"{SVG}g"))
    kl, reconstruction = [g for g in groups if g.get("data-kind") == "loss"]
    places = {
        text.text: text.get("x")
        for g in groups
        if g.get("data-kind") in ("box", "image")
        for text in g.iter(f"{SVG}text")
    }
    starts = [float(g.find(f"{SVG}path").get("d")[1:].split()[0]) for g in (kl, reconstruction)]
    assert starts == pytest.approx([float(places["mean μ"]), float(places["output"])], abs=0.1)


def test_a_plain_autoencoders_loss_is_named_on_demand():
    assert drawn(draw(models.deep((), 3, loss="bce"), losses=True), "loss") == [{"reconstruction", "cross-entropy"}]
    classifier = keras.Sequential([keras.Input((4,)), layers.Dense(3, "softmax")])
    assert drawn(draw(classifier, losses=True), "loss") == [{"loss", "against the target"}]


def test_unet_has_one_arc_per_skip_and_marks_the_corruption():
    diagram = draw(unet())
    assert len(drawn(diagram, "skip")) == 3
    assert drawn(diagram, "merge") == [{"add"}, {"concat"}, {"concat"}]
    assert len(drawn(diagram, "map", "box", "image")) == 9  # 8 layers with weights, and the input
    assert not drawn(diagram, "noise")
    noisy = draw(unet(Corruption("salt_and_pepper", (0, 0.5))))
    assert drawn(noisy, "noise") == [{"corruption", "salt and", "pepper", "0 to 0.5"}]
    assert len(drawn(noisy, "skip")) == 3


def test_nested_models_are_opened_and_corruptions_stand_before_the_encoder():
    plain = models.deep((16,), 3)
    encoder = keras.Sequential([keras.Input((28, 28, 1)), layers.RandomZoom(0.1), layers.Dropout(0.3), plain.encoder])
    diagram = draw(models.Autoencoder(encoder, plain.decoder))
    assert [kind for kind, _ in kinds(diagram)][:3] == ["image", "noise", "box"]
    assert drawn(diagram, "noise") == [{"corruption", "zoom", "dropout", "0.3"}]
    assert drawn(diagram, "code") == [{"code", "d = 3", "linear"}]


def test_a_shortcut_of_layers_without_weights_is_a_line_with_their_name():
    small = keras.Input((7, 7, 1))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(small)
    x = layers.Reshape((14, 14, 1))(layers.Conv2D(4, 3, padding="same")(x))
    upscaled = layers.UpSampling2D(2, interpolation="bicubic")(small)
    diagram = draw(keras.Model(small, layers.Add()([x, upscaled])))
    assert drawn(diagram, "skip") == [{"bicubic upsample"}]
    assert len(drawn(diagram, "map")) == 2
    assert drawn(diagram, "image") == [{"7×7×1", "input"}, {"14×14×1", "output"}]
    picture = keras.Input((None, None, 1))  # SRCNN: of any size
    x = layers.Conv2D(1, 5)(layers.Conv2D(8, 9, activation="relu")(picture))
    diagram = draw(keras.Model(picture, layers.Add()([x, layers.Cropping2D(6)(picture)])))
    assert drawn(diagram, "skip") == [{"crop"}]
    assert {"h×w", "×8", "relu"} in drawn(diagram, "map")


def test_pooling_indices_are_handed_over():
    inputs = keras.Input((8, 8, 1))
    x, first = MaxPoolingWithIndices2D()(layers.Conv2D(4, 3, padding="same")(inputs))
    x, second = MaxPoolingWithIndices2D()(x)
    x = MaxUnpooling2D()(MaxUnpooling2D()(x, second), first)
    diagram = draw(keras.Model(inputs, layers.Conv2D(1, 3, padding="same")(x)))
    assert drawn(diagram, "skip") == [{"indices"}] * 2
    assert drawn(diagram, "map")[1:] == [{"4×4", "×4", "max pool"}, {"2×2", "×4", "max pool"}] + [
        {f"{n}×{n}", "×4", "unpool"} for n in (4, 8)
    ]


def test_a_network_for_segmentation_has_an_encoder_and_a_decoder():
    inputs = keras.Input((8, 8, 1))
    x, indices = MaxPoolingWithIndices2D()(layers.Conv2D(4, 3, padding="same")(inputs))
    x = MaxUnpooling2D()(layers.Conv2D(4, 3, padding="same", name="code")(x), indices)
    diagram = draw(keras.Model(inputs, layers.Conv2D(11, 1, name="logits")(x)))
    assert {"encoder", "decoder"} <= set(texts(diagram))
    classifier = draw(keras.Sequential([keras.Input((8,)), layers.Dense(2, name="code"), layers.Dense(10)]))
    assert "decoder" not in texts(classifier)


def test_tied_weights_have_a_link_each():
    diagram = draw(stacking.TiedAutoencoder((24, 12), 6))
    assert len(drawn(diagram, "tie")) == 3
    assert "tied: the same W, transposed" in texts(diagram)
    assert drawn(diagram, "box")[-1] == {"784", "sigmoid"}


def test_classifiers_and_folded_layers():
    convnet = [layers.Conv2D(8, 3), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()]
    head = [layers.GlobalAveragePooling2D(), layers.Dense(10), layers.Softmax()]
    diagram = draw(keras.Sequential([keras.Input((8, 8, 3)), *convnet, *head]))
    assert drawn(diagram, "map") == [{"6×6", "×8", "relu"}, {"3×3", "×8", "max pool"}]
    assert drawn(diagram, "box") == [{"8", "mean pool"}, {"10", "softmax"}]
    assert not drawn(diagram, "code")
    assert "encoder" not in texts(diagram)


def test_a_layer_named_code_divides_a_plain_functional_model():
    image = keras.Input((28, 28, 1))
    code = layers.Dense(32, activation="relu", name="code")(layers.Flatten()(image))
    model = keras.Model(image, layers.Reshape((28, 28, 1))(layers.Dense(784, activation="sigmoid")(code)))
    assert draw(model).svg == draw(models.vanilla(32)).svg


def test_two_inputs_and_outputs():
    image, label = keras.Input((8, 8, 1)), keras.Input((10,))
    x = layers.Concatenate()([layers.Dense(20, "relu")(layers.Flatten()(image)), label])
    outputs = [layers.Dense(10, "softmax")(x), layers.Reshape((8, 8, 1))(layers.Dense(64, "sigmoid")(x))]
    diagram = draw(keras.Model([image, label], outputs))
    assert drawn(diagram, "image", "box", "merge") == [
        {"8×8×1", "input"}, {"10", "input"}, {"20", "relu"}, {"concat"}, {"10", "softmax"}, {"64", "sigmoid"},
        {"8×8×1", "output"},
    ]  # fmt: skip
    assert not drawn(diagram, "skip")


def test_frozen_layers_are_pale():
    model = models.deep((16,), 3)
    assert "opacity" not in draw(model).svg
    model.encoder.trainable = False
    assert draw(model).svg.count("opacity") == 2
    assert "code d = 3 linear (frozen)" in draw(model).alt


def test_steps_of_stacking_stand_in_the_whole_network():
    model = models.deep((24, 12), 6, activation="relu")
    diagram = draw_steps([*stacking.blocks(model), model], ["1", "2", "3", "all"])
    assert drawn(diagram, "code") == [
        {"code", f"d = {d}", activation} for d, activation in ((24, "relu"), (12, "relu"), (6, "linear"), (6, "linear"))
    ]
    assert len(drawn(diagram, "box")) == 1 + 2 + 3 + 5
    assert diagram.svg.count("opacity") == 0 + 1 + 2 + 0
    assert len(drawn(diagram, "image")) == 2 + 1 + 1 + 2
    assert {"1", "2", "3", "all"} < set(texts(diagram))


def test_steps_with_layers_of_their_own_are_drawn_alone():
    block = models.deep((), 5, input_shape=(4, 4, 1))
    whole = models.deep((5,), 2, input_shape=(4, 4, 1))
    diagram = draw_steps([block, whole], ["a", "b"], title="Two")
    assert drawn(diagram, "code") == [{"code", "d = 5", "linear"}, {"code", "d = 2", "linear"}]
    assert "Two" in texts(diagram)


def placed(element, x=0.0, y=0.0):
    """Return all texts with their boxes on the page: (text, left, top, right, bottom)."""
    dx, dy = (float(n) for n in re.findall(r"[-.\d]+", element.get("transform", "0 0")))
    found = []
    for child in element:
        if child.tag == f"{SVG}text":
            size = float(child.get("font-size", 13))
            middle, bottom = float(child.get("x")) + x + dx, float(child.get("y")) + y + dy
            half = 0.5 * size * len(child.text) / 2
            left = middle if child.get("text-anchor") == "start" else middle - half
            found.append((child.text, left, bottom - 0.7 * size, left + 2 * half, bottom))
        elif child.tag == f"{SVG}g":
            found += placed(child, x + dx, y + dy)
    return found


def stacked():
    model = models.deep((128, 64), 32)
    return draw_steps([*stacking.blocks(model), model], ["Block 1", "Block 2", "Block 3", "The whole network"])


BUILDERS = {
    "U-Net": lambda: draw(unet(Corruption("gaussian", 0.5)), title="A title"),
    "ee559": lambda: draw(models.ee559(), title="A title"),
    "convolutional": lambda: draw(models.convolutional(), losses=True),
    "variational": lambda: draw(models.variational()),
    "hinton_salakhutdinov": lambda: draw(models.hinton_salakhutdinov(), losses=True),
    "vanilla": lambda: draw(models.vanilla(2)),
    "tied": lambda: draw(stacking.TiedAutoencoder((128, 64), 32)),
    "steps": stacked,
}


@pytest.mark.parametrize("name", BUILDERS)
def test_drawings_are_repeatable_and_no_text_is_small_clipped_or_covered(name):
    diagram = BUILDERS[name]()
    assert diagram.svg == BUILDERS[name]().svg
    root = ET.fromstring(diagram.svg)
    width, height = float(root.get("width")), float(root.get("height"))
    assert width <= 800
    assert root.get("viewBox") == f"0 0 {width:.0f} {height:.0f}"
    assert all(float(text.get("font-size", 13)) >= 11 for text in root.iter(f"{SVG}text"))
    words = placed(root)
    for k, (text, left, top, right, bottom) in enumerate(words):
        assert left > 0, text
        assert top > 0, text
        assert right < width, text
        assert bottom < height, text
        for other, left2, top2, right2, bottom2 in words[:k]:
            apart = right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
            assert apart, (text, other)


def test_notebooks_get_svg_with_alt_text():
    diagram = draw(models.deep((64,), 5))
    data, metadata = diagram._repr_mimebundle_()
    assert data["image/svg+xml"] == diagram.svg
    assert data["text/plain"] == diagram.alt
    assert {facts["alt"] for facts in metadata.values()} == {diagram.alt}
    assert "28×28×1 input" in diagram.alt
    assert "code d = 5" in diagram.alt
    assert diagram.alt.endswith("28×28×1 output.")
    root = ET.fromstring(diagram.svg)
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}desc") == diagram.alt
    assert root.findtext(f"{SVG}title")
    assert "id=" not in diagram.svg
    assert "<style" not in diagram.svg


@pytest.mark.parametrize("make", [unet, lambda: models.variational((64,), 5), lambda: models.ee559(3)])
def test_where_no_svg_is_shown_the_same_is_a_png(make):
    diagram = draw(make(), title="A network")
    data, metadata = diagram._repr_mimebundle_()
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")).astype(int)
    root, margin = ET.fromstring(diagram.svg), 10
    width, height = (int(root.get(side)) + 2 * margin for side in ("width", "height"))
    assert (metadata["image/png"]["width"], metadata["image/png"]["height"]) == (width, height)
    np.testing.assert_allclose(pixels.shape, (2 * height, 2 * width, 3), atol=1)  # matplotlib 3.10.0 rounds down

    def rectangles(element, x, y):
        x, y = (
            a + float(b) for a, b in zip((x, y), re.findall(r"[-\d.]+", element.get("transform", "0 0")), strict=True)
        )
        for child in element:
            if child.tag == f"{SVG}rect" and element.get("data-kind"):
                yield x, y, {key: child.get(key) for key in ("x", "y", "width", "height", "fill")}
            yield from rectangles(child, x, y)

    found = [r for r in rectangles(root, 0, 0) if r[2]["fill"] != "none"]
    assert found
    for x, y, r in found:  # near its upper left corner, where no text is
        place = [2 * (margin + a + float(r[key]) + 5) for a, key in ((y, "y"), (x, "x"))]
        wanted = [int(r["fill"][k : k + 2], 16) for k in (1, 3, 5)]
        assert np.abs(pixels[tuple(np.rint(place).astype(int))] - wanted).max() < 9, r


def test_paths_of_svg_are_matplotlibs():
    path = diagrams._path("M1 2L3 4Q5 6 7 8C1 1 2 2 3 3l1 -1h2v-3z", 10, 20)
    ends = [
        (11, 22),
        (13, 24),
        (15, 26),
        (17, 28),
        (11, 21),
        (12, 22),
        (13, 23),
        (14, 22),
        (16, 22),
        (16, 19),
        (11, 22),
    ]
    np.testing.assert_allclose(path.vertices, ends)
    assert path.codes.tolist() == [1, 2, 3, 3, 4, 4, 4, 2, 2, 2, 79]
    with pytest.raises(KeyError):
        diagrams._path("M0 0A1 1 0 0 0 2 2", 0, 0)


def test_titles_are_escaped():
    assert "a < b & c" in texts(draw(models.deep((), 3), title="a < b & c"))


class Own(keras.Model):
    """A model without a graph."""

    def call(self, x):
        return x


def test_errors_name_the_remedy():
    with pytest.raises(TypeError, match=r"keras\.Sequential"):
        draw(layers.Dense(3))
    with pytest.raises(ValueError, match=r"keras\.Input"):
        draw(keras.Sequential([layers.Dense(3)]))
    own = Own()
    own(keras.ops.ones((1, 3)))
    with pytest.raises(ValueError, match="functional"):
        draw(own)
    with pytest.raises(ValueError, match="titles"):
        draw_steps([models.vanilla(3)], [])


def test_a_gan_is_drawn_with_both_kinds_of_images_before_its_discriminator():
    diagram = draw(adversarial.gan(3, 10, (4, 6), input_shape=(8, 8, 1)))
    assert drawn(diagram, "code") == [{"code z", "d = 3", "z ~ N(0, I)"}]
    assert [image & {"generated", "real"} for image in drawn(diagram, "image")] == [{"generated"}, {"real"}]
    assert drawn(diagram, "box") == [{"24", "relu"}, {"10", "leaky relu"}, {"1", "linear"}]
    assert {"generator", "discriminator"} < set(texts(diagram))
    assert not drawn(diagram, "loss", "merge", "tie")


def test_a_vaegan_is_drawn_with_its_draw_and_the_real_image_behind_it():
    diagram = draw(adversarial.vaegan(3, 10, (4, 6), input_shape=(8, 8, 1)))
    assert {"encoder", "decoder", "discriminator"} < set(texts(diagram))
    assert len(drawn(diagram, "sampler")) == 1
    assert len(drawn(diagram, "skip")) == 1  # from the image to the discriminator
    assert not drawn(diagram, "loss")
