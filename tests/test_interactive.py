"""utils.interactive: the map that answers the mouse, and animations."""

import base64
import io
import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from utils import interactive, plotting

pytestmark = pytest.mark.filterwarnings("error")
SCRIPT = Path(interactive.__file__).with_suffix(".js")


# --- the map that answers the mouse


def hover(n=30, channels=1, classes=("zero", "one", "two"), **settings):
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(n, 2)), np.arange(n) % len(classes)
    images = np.zeros((n, 8, 6, channels)) + (np.arange(n) / n).reshape(-1, 1, 1, 1)
    return interactive.hover_map(points, images, labels, classes, **settings), points, images, labels


def facts_of(html):
    return json.loads(unescape(re.search(r'data-facts="([^"]*)"', html)[1]))


def sprite_of(html):
    return Image.open(io.BytesIO(base64.b64decode(facts_of(html)["sprite"].partition("base64,")[2])))


def picture_of(html):
    return Image.open(io.BytesIO(base64.b64decode(re.search(r'<img src="data:image/png;base64,([^"]+)"', html)[1])))


@pytest.mark.parametrize("channels", [1, 3])
def test_every_image_stands_where_the_script_looks_for_it(channels):
    made, _, images, labels = hover(channels=channels, zoom=2)
    facts = facts_of(made.html)
    assert (facts["width"], facts["height"], facts["columns"]) == (12, 16, 6)
    assert facts["labels"] == labels.tolist()
    sprite = np.asarray(sprite_of(made.html).convert("L")) / 255
    assert sprite.shape == (5 * 8, 6 * 6)
    for k, image in enumerate(images):
        row, column = divmod(k, facts["columns"])
        tile = sprite[8 * row : 8 * row + 8, 6 * column : 6 * column + 6]
        assert abs(tile[2:-2, 2:-2].mean() - image.mean()) < 0.04


@pytest.mark.parametrize("settings", [{}, {"title": "A title", "names": ("first", "second"), "size": (3, 4)}])
def test_places_are_those_of_the_points_in_the_picture(settings):
    made, *_ = hover(n=6, classes="abcdef", **settings)
    places = np.reshape(facts_of(made.html)["places"], (-1, 2)) / 1000
    picture = picture_of(made.html).convert("RGB")
    assert picture.size == (2 * made.size[0], 2 * made.size[1])
    for k, (x, y) in enumerate(places * picture.size):
        colour = np.array([int(plotting.COLOURS[k][i : i + 2], 16) for i in (1, 3, 5)]) * 0.7 + 255 * 0.3  # alpha
        inked = np.abs(np.asarray(picture) - colour).max(axis=-1) < 12
        inked[:, int(places[:, 0].max() * picture.width) + 12 :] = False  # the legend
        rows, columns = inked.nonzero()
        assert (columns.mean(), rows.mean()) == pytest.approx((x, y), abs=1.5)


def test_a_map_is_one_self_contained_piece_over_a_picture():
    made = hover(classes=("a & <b>", "</script><script>alert(1)</script>", '"c"'), alt='Three "classes"')[0]
    assert facts_of(made.html)["classes"] == ["a & <b>", "</script><script>alert(1)</script>", '"c"']
    assert made.html.count("<script>") == made.html.count("</script>") == 1
    assert SCRIPT.read_text() in made.html
    assert not re.search(r"https?://|<link|@import|fetch\(|XMLHttp", made.html)
    assert made.html.count("<div") == made.html.count("</div>") == 1
    assert 'alt="Three &quot;classes&quot;"' in made.html
    assert made.html.count("max-width:100%") == 2  # the box and the picture: no phone cuts them off
    assert "data-ready" not in made.html.partition("<script>")[0]


def test_a_map_has_a_still_beside_it_and_is_the_same_in_every_run():
    made, again = hover(title="Digits")[0], hover(title="Digits")[0]
    data, metadata = made._repr_mimebundle_()
    assert set(data) == {"text/html", "image/png", "text/plain"}
    assert (data, metadata) == again._repr_mimebundle_()
    assert repr(made) == f"<Interactive: {made.alt}>"
    assert data["text/plain"] == made.alt == "Map of 30 images of 3 classes; at a point stands its image"
    assert metadata == {"image/png": {"alt": made.alt, "width": made.size[0], "height": made.size[1]}}
    assert base64.b64decode(data["image/png"]) == made.still
    assert f"base64,{data['image/png']}" in made.html


def test_a_thousand_digits_stay_within_the_limit_and_noise_is_compressed_further():
    rng = np.random.default_rng(0)
    strokes = np.zeros((1000, 28, 28, 1))
    for image, (a, b) in zip(strokes, rng.integers(4, 20, (1000, 2)), strict=True):
        image[a : a + 3, 5:22] = image[5:22, b : b + 3] = 1
    noise, points, labels = rng.random((1000, 28, 28, 1)), rng.normal(size=(1000, 2)), np.arange(1000) % 10
    for images in (strokes, noise):
        assert len(interactive.hover_map(points, images, labels, "0123456789").html.encode()) <= 250_000
    with pytest.raises(ValueError, match="fewer points"):
        interactive.hover_map(points, noise, labels, "0123456789", limit=30_000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": np.zeros((3, 3))}, r"\(n, 2\)"),
        ({"points": np.array([[0, 1], [np.inf, 0], [0, 0]])}, "finite"),
        ({"points": np.zeros((0, 2)), "images": np.zeros((0, 4, 4, 1)), "labels": np.zeros(0, int)}, "Images"),
        ({"images": np.zeros((2, 4, 4, 1))}, "as many"),
        ({"images": np.zeros((3, 4, 4))}, "Images of shape"),
        ({"labels": [0, 1, 2]}, "classes"),
        ({"zoom": 0}, "zoom=0"),
    ],
)
def test_the_hover_map_refuses_bad_input(change, message):
    good = {"points": np.eye(3)[:, :2], "images": np.zeros((3, 4, 4, 1)), "labels": [0, 1, 0], "classes": "ab"}
    with pytest.raises(ValueError, match=message):
        interactive.hover_map(**(good | change))


DOM = """
const listeners = {}, documents = [];
const element = () => ({style: {}, children: [], offsetWidth: 90, offsetHeight: 110, setAttribute() {},
  appendChild(part) { this.children.push(part); return part; }});
const box = Object.assign(element(), {
  dataset: {interactive: "hover-map", facts: FACTS}, contains: (what) => what === picture,
  querySelector: () => picture, addEventListener: (name, what) => { listeners[name] = what; }});
const picture = {getBoundingClientRect: () => ({left: 100, top: 200, width: 300, height: 400})};
globalThis.document = {
  createElement: element, addEventListener: (name, what) => documents.push(what),
  querySelectorAll: (what) => (what.includes(":not([data-ready])") && box.dataset.ready ? [] : [box])};
const at = (x, y) => ({clientX: 100 + x, clientY: 200 + y, target: picture});
const press = (event) => documents.forEach((what) => what(event));
const key = (name) => listeners.keydown({key: name, preventDefault() {}, stopPropagation() {}});
const [ring, tip] = [() => box.children[0], () => box.children[1]];
const seen = () => tip().style.display === "none" ? null
  : [tip().children[1].textContent, tip().children[0].style.backgroundPosition, ring().style.left, ring().style.top];
"""


@pytest.fixture
def play():
    """Run the script over a box with these facts, then events; return what they print, as JSON."""
    if not shutil.which("node"):
        pytest.skip("needs node, a JavaScript interpreter")

    def run(facts, events):
        dom = DOM.replace("FACTS", json.dumps(json.dumps(facts)))
        code = f"{dom}\n{SCRIPT.read_text()}\nconst out = [];\n{events}\nconsole.log(JSON.stringify(out));"
        done = subprocess.run(["node", "-e", code], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


# Four points, in a picture of 300 x 400 pixels at (30, 40), (270, 40), (150, 200), (270, 320).
FACTS = {"places": [100, 100, 900, 100, 500, 500, 900, 800], "labels": [0, 1, 0, 1], "classes": ["a", "b"]}
FACTS |= {"columns": 2, "width": 84, "height": 56, "sprite": "data:,"}
FIRST, SECOND = ["a", "0px 0px", "30px", "40px"], ["b", "-84px 0px", "270px", "40px"]
THIRD, FOURTH = ["a", "0px -56px", "150px", "200px"], ["b", "-84px -56px", "270px", "320px"]


def test_the_nearest_point_shows_its_image_and_its_class(play):
    events = """
    for (const place of [[35, 30], [260, 50], [150, 190], [280, 320], [150, 100]]) {
      listeners.pointermove(at(...place));
      out.push(seen());
    }
    listeners.pointermove(at(35, 30));
    listeners.pointerleave();
    out.push(seen());"""
    assert play(FACTS, events) == [FIRST, SECOND, THIRD, FOURTH, None, None]


def test_the_window_stands_beside_the_point_within_the_picture(play):
    events = """
    for (const place of [[30, 40], [270, 320]]) {
      listeners.pointermove(at(...place));
      out.push([parseFloat(tip().style.left), parseFloat(tip().style.top)]);
    }"""
    (left, top), (far, low) = play(FACTS, events)
    assert 30 < left < 60
    assert 40 < top < 70
    assert 0 <= far < 270 - 90
    assert 0 <= low < 320 - 110


def test_a_tap_keeps_the_point_until_the_next_one_elsewhere(play):
    events = """
    press(at(30, 40));
    listeners.pointerleave();
    listeners.pointermove(at(270, 320));
    out.push(seen());
    press(at(270, 320));
    out.push(seen());
    press({...at(30, 40), target: null});  // elsewhere on the page
    out.push(seen());
    press(at(30, 40));
    press(at(150, 100));  // in the picture, far from all points
    out.push(seen());
    listeners.pointermove(at(270, 40));
    out.push(seen());"""
    assert play(FACTS, events) == [FIRST, FOURTH, None, None, SECOND]


def test_arrows_go_from_point_to_point(play):
    events = """
    for (const name of ["ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp", "Enter"]) {
      key(name);
      out.push(seen());
    }
    listeners.pointerleave();
    out.push(seen());
    key("Escape");
    out.push(seen());"""
    assert play(FACTS, events) == [FIRST, SECOND, FOURTH, FOURTH, THIRD, FIRST, FIRST, FIRST, None]


def test_the_script_of_a_second_map_leaves_the_first_alone(play):
    assert play(FACTS, f"{SCRIPT.read_text()}\nout.push(box.children.length);") == [2]


# --- animations


def gif(made):
    return Image.open(io.BytesIO(made.data))


def colours_of(image, k):
    image.seek(k)
    return np.asarray(image.convert("RGB")) / 255


@pytest.mark.parametrize("shape", [(5, 12, 20), (5, 12, 20, 1), (5, 12, 20, 3)])
def test_frames_come_back_from_the_gif(shape):
    frames = np.zeros(shape)
    for k in range(5):
        frames[k, :, 4 * k : 4 * k + 4] = (0.25, 0.5, 0.75)[: shape[-1]] if len(shape) == 4 else 0.5
    made = interactive.animation(frames, fps=10, hold=2)
    image = gif(made)
    assert (image.format, image.n_frames, image.size) == ("GIF", 5, (240, 144))
    assert image.info["loop"] == 0
    for k in range(5):
        expected = np.broadcast_to(frames[k].reshape(12, 20, -1), (12, 20, 3))
        np.testing.assert_allclose(colours_of(image, k)[6::12, 6::12], expected, atol=0.02)
        assert image.info["duration"] == (2100 if k == 4 else 100)


def test_an_animation_shows_itself_with_a_still_and_a_text():
    frames = np.linspace(0, 1, 4)[:, None, None] * np.ones((4, 6, 6))
    made = interactive.animation(frames, alt='four "greys"')
    data, metadata = made._repr_mimebundle_()
    assert set(data) == {"text/html", "image/png", "text/plain"}
    assert metadata == {"image/png": {"alt": 'four "greys"', "width": 240, "height": 240}}
    assert "four &quot;greys&quot;" in data["text/html"]
    assert "max-width:100%" in data["text/html"]
    moving = re.search(r"<img src=\"data:image/gif;base64,([^\"]+)\"", data["text/html"])[1]
    assert base64.b64decode(moving) == made.data
    still = Image.open(io.BytesIO(made.still))
    assert (still.format, still.size) == ("PNG", (240, 240))
    assert np.asarray(still.convert("L")).min() == 255  # the last frame
    calm = re.search(r'prefers-reduced-motion: reduce\)" srcset="data:image/png;base64,([^"]+)"', data["text/html"])[1]
    assert calm == data["image/png"] == base64.b64encode(made.still).decode()


def test_figures_are_frames():
    figures = [plotting.curves({"a": [1, 2, k]}, xlabel="x", ylabel="y", size=(2, 1.5)) for k in range(3)]
    image = gif(interactive.animation(figures))
    assert (image.n_frames, image.size) == (3, (160, 120))
    assert plt.get_fignums() == []
    assert np.abs(colours_of(image, 0) - colours_of(image, 2)).max() > 0.3


def test_images_outside_of_the_range_are_clipped_and_scale_is_obeyed():
    image = gif(interactive.animation(np.array([[[-1.0, 0], [1, 3]], [[1, 1], [0, 0]]]), scale=2))
    assert image.size == (4, 4)
    np.testing.assert_array_equal(colours_of(image, 0)[::2, ::2, 0], [[0, 0], [1, 1]])


def test_the_limit_costs_colours_then_is_refused():
    frames = np.random.default_rng(0).random((6, 40, 40))
    free, bound = (interactive.animation(frames, scale=1, limit=limit).data for limit in (10**6, 6_000))
    assert len(bound) <= 6_000 < len(free)
    assert len(np.unique(colours_of(Image.open(io.BytesIO(bound)), 0))) < len(
        np.unique(colours_of(Image.open(io.BytesIO(free)), 0))
    )
    with pytest.raises(ValueError, match="fewer or smaller frames"):
        interactive.animation(frames, limit=1_000)


@pytest.mark.parametrize(
    ("frames", "settings", "message"),
    [
        ([], {}, "at least one frame"),
        (np.zeros((2, 4)), {}, "Images of shape"),
        (np.zeros((2, 4, 4, 2)), {}, "Images of shape"),
        ([np.zeros((4, 4)), np.zeros((4, 5))], {}, "one size"),
        ([np.zeros((4, 4)), plt.Figure()], {}, "one size"),
        (np.full((2, 4, 4), np.nan), {}, "NaN"),
        (np.zeros((2, 4, 4)), {"fps": 0}, "fps=0"),
        (np.zeros((2, 4, 4)), {"fps": 100}, "fps=100"),
        (np.zeros((2, 4, 4)), {"hold": -1}, "hold=-1"),
        (np.zeros((2, 4, 4)), {"scale": 0}, "scale=0"),
        (np.zeros((2, 4, 4)), {"scale": 1.5}, "scale=1.5"),
    ],
)
def test_animations_refuse_bad_input(frames, settings, message):
    with pytest.raises(ValueError, match=message):
        interactive.animation(frames, **settings)


def test_codes_move_in_the_latent_animation():
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    end = 4 * np.array([[1, 0], [-1, 0], [0, 1]])[labels] + rng.normal(size=(300, 2))
    before = dict(plt.rcParams)
    made = interactive.latent_animation([end * share for share in (-1, 0.5, 1)], labels, "abc", titles=["x", "y", "z"])
    image = gif(made)
    assert (image.n_frames, image.size) == (3, (368, 288))
    assert len(made.data) < 40_000
    assert "300 images in 3 frames, from x to z" in made.alt
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before
    colour = np.array([0x33, 0x22, 0x88]) / 255  # of class a, which moves from the left to the right
    left, half, right = (
        np.where(np.abs(colours_of(image, k)[:, :300] - colour).max(axis=-1) < 0.06)[1].mean() for k in range(3)
    )
    assert half - left > 2.5 * (right - half) > 100  # pixels; 1.5 against 0.5, so three times as far
    first = (colours_of(image, 0) * 255).round().astype(int).reshape(-1, 3)
    occurring = {f"#{r:02X}{g:02X}{b:02X}" for r, g, b in first}
    assert {"#FFFFFF", *plotting.COLOURS[:3]} <= occurring  # the frequent colours are exact
    still = np.asarray(Image.open(io.BytesIO(made.still)).convert("RGB"))
    np.testing.assert_allclose(still / 255, colours_of(image, 2), atol=0.01)


def test_one_stray_code_does_not_shrink_the_latent_animation():
    codes = np.random.default_rng(0).normal(size=(1000, 2))
    stray = codes.copy()
    stray[0] = 1e4
    plain, strayed = (gif(interactive.latent_animation([c], np.zeros(1000, int), "a")) for c in (codes, stray))
    inked = [(colours_of(image, 0) < 0.9).any(axis=-1).mean() for image in (plain, strayed)]
    assert inked[1] == pytest.approx(inked[0], rel=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes_per_epoch": []}, "no codes"),
        ({"codes_per_epoch": [np.zeros((2, 3))]}, r"\(n, 2\)"),
        ({"codes_per_epoch": [np.full((2, 2), np.nan)]}, "NaN"),
        ({"titles": ["one", "too many"]}, "2 titles"),
        ({"labels": [0, 5]}, "classes"),
    ],
)
def test_the_latent_animation_refuses_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        interactive.latent_animation(**({"codes_per_epoch": [np.eye(2)], "labels": [0, 1], "classes": "ab"} | change))
