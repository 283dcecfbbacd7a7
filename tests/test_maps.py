"""Maps of the latent space: what they measure (utils.metrics), lay out (utils.latent) and show (utils.plotting)."""

import base64
import io
import itertools
import json
import re
import shutil
import subprocess

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.display import Image as DisplayedImage
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from utils import plotting
from utils.latent import embed
from utils.metrics import clustering_accuracy, neighbour_accuracy

pytestmark = pytest.mark.filterwarnings("error")


def groups(n=20, classes=3, d=4, apart=50.0, seed=0):
    """Well separated groups of n points, and the labels, shuffled."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(classes), n))
    return apart * np.eye(d)[labels] + rng.normal(size=(n * classes, d)), labels


# --- neighbours


def test_neighbours_as_written_out_by_hand():
    rng = np.random.default_rng(0)
    points, labels, k = rng.normal(size=(60, 2)), rng.integers(0, 3, 60), 5
    right = 0
    for i in range(60):
        order = [j for j in np.argsort(np.linalg.norm(points - points[i], axis=1)) if j != i][:k]
        right += np.bincount(labels[order], minlength=3).argmax() == labels[i]
    assert 0.2 < right / 60 < 0.6
    assert neighbour_accuracy(points, labels, k) == pytest.approx(right / 60)


def test_other_points_are_classified_as_scikit_learn_does():
    rng = np.random.default_rng(1)
    points, labels = rng.normal(size=(80, 3)), rng.integers(0, 4, 80) * 7 - 3
    test = rng.normal(size=(50, 3)), rng.integers(0, 4, 50) * 7 - 3
    expected = KNeighborsClassifier(6).fit(points, labels).score(*test)
    assert neighbour_accuracy(points, labels, 6, test=test) == pytest.approx(expected)
    assert neighbour_accuracy(points, labels, 1, test=(points, labels)) == 1  # nothing left out
    assert neighbour_accuracy(points, labels, 1) < 0.6  # left out


def test_separated_groups_have_good_neighbours_and_a_point_has_no_vote_for_itself():
    assert neighbour_accuracy(*groups()) == 1
    alone = np.array([[0.0, 0], [0, 0], [9, 9], [9, 9]])
    assert neighbour_accuracy(alone, np.array([0, 1, 2, 3]), 1) == 0


def test_test_labels_that_no_point_has_are_wrong():
    points, labels = groups()
    assert neighbour_accuracy(points, labels, 3, test=(points, labels + 100)) == 0


@pytest.mark.parametrize("k", [0, 60, 2.5, True, -1])
def test_neighbours_refuse_a_bad_k(k):
    with pytest.raises(ValueError, match="k="):
        neighbour_accuracy(*groups(), k)


def test_neighbours_refuse_bad_arrays():
    points, labels = groups()
    with pytest.raises(ValueError, match="labels"):
        neighbour_accuracy(points, labels[:-1])
    with pytest.raises(ValueError, match="integers"):
        neighbour_accuracy(points, labels + 0.5)
    with pytest.raises(ValueError, match="NaN"):
        neighbour_accuracy(np.where(points > 50, np.nan, points), labels)
    with pytest.raises(ValueError, match=r"\(n, d\)"):
        neighbour_accuracy(points[:, 0], labels)
    with pytest.raises(ValueError, match="Test points of 3"):
        neighbour_accuracy(points, labels, test=(points[:, :3], labels))


# --- clusters


def test_clusters_are_named_in_the_best_of_all_ways():
    rng = np.random.default_rng(0)
    labels, clusters = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    best = max(np.mean(np.array(names)[clusters] == labels) for names in itertools.permutations(range(4)))
    assert clustering_accuracy(labels, clusters) == pytest.approx(best)


def test_names_of_clusters_do_not_matter():
    labels = np.repeat([3, 5, 9], 10)
    assert clustering_accuracy(labels, np.repeat([-7, 0, 2], 10)) == 1
    assert clustering_accuracy(labels, np.zeros(30, int)) == pytest.approx(1 / 3)


def test_no_two_clusters_have_one_name():
    assert clustering_accuracy(np.zeros(10, int), np.repeat([0, 1], [6, 4])) == 0.6
    assert clustering_accuracy(np.repeat([0, 1], 5), np.arange(10)) == 0.2
    greedy = np.array([0] * 5 + [1] * 4), np.array([0] * 3 + [1] * 2 + [0] * 3 + [1])
    assert clustering_accuracy(*greedy) == pytest.approx(5 / 9)


@pytest.mark.parametrize(
    ("labels", "clusters"),
    [([], []), ([0, 1], [0]), ([[0]], [[0]]), ([0.0, 1.0], [0, 1]), ([0, 1], ["a", "b"])],
)
def test_clusters_refuse_what_is_no_labelling(labels, clusters):
    with pytest.raises(ValueError, match=r"expected"):
        clustering_accuracy(labels, clusters)


# --- t-SNE


def test_a_map_keeps_groups_and_repeats_itself():
    codes, labels = groups(d=8)
    first, again = embed(codes, 3, perplexity=10), embed(codes, 3, perplexity=10)
    assert first.shape == (60, 2)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert neighbour_accuracy(first, labels, 5) == 1


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1, 1e30, 1e307])
def test_codes_of_any_scale_have_a_map(scale):
    codes, labels = groups(d=8)
    drawn = embed(scale / 60 * codes, 3, perplexity=10)
    assert np.isfinite(drawn).all()
    assert neighbour_accuracy(drawn, labels, 5) == 1


def test_codes_whose_spread_float32_cannot_hold_have_a_map():
    codes, labels = groups(d=8)
    far = 1e6 + 1e-4 * codes
    assert np.ptp(far.astype("float32"), axis=0).max() < 0.1
    assert neighbour_accuracy(embed(far, 3, perplexity=10), labels, 5) == 1
    with pytest.raises(ValueError, match="All codes are the same"):
        embed(1e6 + 1e-9 * codes, 3, perplexity=10)  # rounding is all that is left


def test_the_map_depends_on_the_perplexity():
    codes, _ = groups(d=8)
    assert not np.allclose(embed(codes, 3, perplexity=5), embed(codes, 3, perplexity=15))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": np.ones((60, 4))}, "same"),
        ({"codes": np.arange(60.0)[:, None]}, "one number"),
        ({"codes": np.zeros((5, 5, 5))}, "shape"),
        ({"codes": np.full((60, 4), np.nan)}, "NaN"),
        ({"perplexity": 20}, "perplexity=20"),
        ({"perplexity": 0.5}, "perplexity=0.5"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": None}, "seed=None"),
    ],
)
def test_maps_refuse_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        embed(**({"codes": groups()[0], "seed": 0, "perplexity": 10} | change))


# --- several maps


def test_maps_stand_side_by_side_with_one_legend():
    rng = np.random.default_rng(0)
    panels = {name: rng.normal(size=(30, 2)) for name in ("pixels", "PCA", "codes")}
    labels = np.arange(30) % 3
    fig = plotting.code_maps(panels, labels, "abc", columns=2, title="Maps")
    fig.canvas.draw()
    assert [ax.get_title() for ax in fig.axes] == ["pixels", "PCA", "codes", ""]
    assert not fig.axes[3].axison
    for ax, points in zip(fig.axes, panels.values(), strict=False):
        assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0
        assert len(ax.collections) == 3
        for k, marks in enumerate(ax.collections):
            np.testing.assert_allclose(marks.get_offsets(), points[labels == k])
    (legend,) = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c"]
    assert fig.get_suptitle() == "Maps"
    assert plt.get_fignums() == []


def test_maps_of_one_class_need_no_legend_and_codes_have_ticks():
    fig = plotting.code_maps({"a": np.eye(2)}, [0, 0], ["noise"], ticks=True)
    assert fig.legends == []
    assert len(fig.axes[0].get_xticks()) > 1


def test_every_class_is_seen_in_every_map():
    points = np.stack([np.arange(10.0), np.zeros(10)], axis=1)
    fig = plotting.code_maps({"a": points}, np.arange(10), "0123456789", ticks=True)
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[:, : int(0.75 * fig.bbox.width), :3].reshape(-1, 3)  # no legend
    for colour in plotting.COLOURS:
        assert (np.abs(pixels - np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])).max(axis=1) < 40).any()


def test_outlying_points_can_be_left_out_of_sight():
    points = np.random.default_rng(0).normal(size=(1000, 2))
    points[0] = 1e4
    whole, most = (plotting.code_maps({"a": points}, np.zeros(1000, int), "a", share=share) for share in (1, 0.98))
    assert whole.axes[0].get_xlim()[1] > 1e4
    assert 1.5 < most.axes[0].get_xlim()[1] < 4
    with pytest.raises(ValueError, match="share=0"):
        plotting.code_maps({"a": points}, np.zeros(1000, int), "a", share=0)


@pytest.mark.parametrize(
    ("panels", "labels", "settings"),
    [
        ({}, [0, 1], {}),
        ({"a": np.eye(2)}, [0, 1], {"columns": 0}),
        ({"a": np.eye(2)}, [0], {}),
        ({"a": np.eye(2)}, [0, 2], {}),
        ({"a": np.eye(3)}, [0, 1, 1], {}),
    ],
)
def test_maps_refuse_what_does_not_fit(panels, labels, settings):
    with pytest.raises(ValueError, match=r"expected|given"):
        plotting.code_maps(panels, labels, "ab", **settings)


# --- the map that answers the mouse


def hover(n=30, channels=1, classes=("zero", "one", "two"), **settings):
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(n, 2)), np.arange(n) % len(classes)
    images = np.zeros((n, 8, 6, channels)) + (np.arange(n) / n).reshape(-1, 1, 1, 1)
    return plotting.hover_map(points, images, labels, classes, **settings), points, images, labels


def facts_of(html):
    return json.loads(re.search(r"const facts = (\{.*\});", html)[1])


def sprite_of(html):
    return Image.open(io.BytesIO(base64.b64decode(re.search(r"image/webp;base64,([^)]+)\)", html)[1])))


@pytest.mark.parametrize("channels", [1, 3])
def test_every_image_stands_where_the_script_looks_for_it(channels):
    made, _, images, _ = hover(channels=channels, zoom=2)
    facts = facts_of(made.html)
    assert (facts["width"], facts["height"], facts["columns"]) == (12, 16, 6)
    sprite = np.asarray(sprite_of(made.html).convert("L")) / 255
    assert sprite.shape == (5 * 8, 6 * 6)
    for k, image in enumerate(images):
        row, column = divmod(k, facts["columns"])
        tile = sprite[8 * row : 8 * row + 8, 6 * column : 6 * column + 6]
        assert abs(tile[2:-2, 2:-2].mean() - image.mean()) < 0.04
    assert f"0 0/{facts['columns'] * facts['width']}px auto" in made.html


def test_places_are_those_of_the_points_with_the_second_axis_upwards():
    made, points, _, labels = hover()
    places = np.reshape(facts_of(made.html)["places"], (-1, 2)) / 4000
    share = (points - points.min(axis=0)) / np.ptp(points, axis=0)
    np.testing.assert_allclose(places, np.stack([share[:, 0], 1 - share[:, 1]], axis=1), atol=2e-4)
    assert facts_of(made.html)["labels"] == labels.tolist()


def test_a_map_is_one_self_contained_piece():
    made = hover(title="Digits & <b>")[0]
    assert made._repr_html_() is made.html
    assert "Digits &amp; &lt;b&gt;" in made.html
    assert not re.search(r"https?://|<link|src=|@import|fetch\(|XMLHttp", made.html)
    assert made.html.count("<div") == made.html.count("</div>")
    assert made.html.count("<script>") == made.html.count("</script>") == 1


def test_class_names_cannot_end_the_script():
    made = hover(classes=("</script><script>alert(1)</script>", "b"))[0]
    assert made.html.count("<script>") == made.html.count("</script>") == 1
    assert facts_of(made.html)["classes"][0] == "</script><script>alert(1)</script>"


def test_two_maps_on_a_page_do_not_share_a_key_and_the_same_one_twice_does_no_harm():
    first, second = hover()[0].html, hover(classes=("a", "b", "c"))[0].html
    key = re.compile(r"ae-hover-(\w+)")
    assert len(set(key.findall(first))) == len(set(key.findall(second))) == 1
    assert set(key.findall(first)) != set(key.findall(second))
    assert hover()[0].html == first  # the same in every run
    assert ":not([data-ready])" in first


def test_a_thousand_digits_stay_within_the_limit_and_noise_is_compressed_further():
    rng = np.random.default_rng(0)
    strokes = np.zeros((1000, 28, 28, 1))
    for image, (a, b) in zip(strokes, rng.integers(4, 20, (1000, 2)), strict=True):
        image[a : a + 3, 5:22] = image[5:22, b : b + 3] = 1
    noise, points, labels = rng.random((1000, 28, 28, 1)), rng.normal(size=(1000, 2)), np.arange(1000) % 10
    for images in (strokes, noise):
        assert len(plotting.hover_map(points, images, labels, "0123456789").html.encode()) <= 250_000
    with pytest.raises(ValueError, match="fewer points"):
        plotting.hover_map(points, noise, labels, "0123456789", limit=30_000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": np.zeros((3, 3))}, r"\(n, 2\)"),
        ({"points": np.array([[0, 1], [np.inf, 0], [0, 0]])}, "finite"),
        ({"points": np.zeros((0, 2)), "images": np.zeros((0, 4, 4, 1)), "labels": np.zeros(0, int)}, "Images"),
        ({"images": np.zeros((2, 4, 4, 1))}, "as many"),
        ({"images": np.zeros((3, 4, 4))}, "Images of shape"),
        ({"labels": [0, 1, 2]}, "classes"),
        ({"size": 0}, "size=0"),
        ({"zoom": 0}, "zoom=0"),
    ],
)
def test_the_hover_map_refuses_bad_input(change, message):
    good = {"points": np.eye(3)[:, :2], "images": np.zeros((3, 4, 4, 1)), "labels": [0, 1, 0], "classes": "ab"}
    with pytest.raises(ValueError, match=message):
        plotting.hover_map(**(good | change))


DOM = """
const listeners = {}, log = [];
const pen = new Proxy({}, {get: (o, name) => name in o ? o[name] : (...args) => log.push([String(name), ...args]),
                           set: (o, name, value) => { o[name] = value; return true; }});
const make = () => ({style: {}, dataset: {}, textContent: ""});
const tip = {style: {}, firstElementChild: make(), lastElementChild: make()};
const canvas = {offsetLeft: 5, offsetTop: 7, getContext: () => pen,
  getBoundingClientRect: () => ({left: 100, top: 200, width: 420}),
  addEventListener: (name, what) => { listeners[name] = what; }};
const box = {dataset: {}, querySelector: () => canvas, lastElementChild: tip};
globalThis.window = {devicePixelRatio: 2};
globalThis.document = {querySelectorAll: (what) => (box.dataset.ready ? [] : [box])};
"""


@pytest.mark.skipif(not shutil.which("node"), reason="needs node, a JavaScript interpreter")
def test_the_script_finds_the_nearest_point():
    made, points, _, labels = hover()
    facts, wanted = facts_of(made.html), 17
    x, y = (10 + place / 4000 * 400 for place in facts["places"][2 * wanted : 2 * wanted + 2])
    script = re.search(r"<script>(.*)</script>", made.html, re.DOTALL)[1]
    events = f"""
    {script}  // a second time: nothing to do
    listeners.pointermove({{clientX: {100 + x + 1}, clientY: {200 + y - 1}}});
    const seen = [tip.style.display, tip.firstElementChild.style.backgroundPosition, tip.lastElementChild.textContent];
    listeners.pointermove({{clientX: -900, clientY: -900}});
    const arcs = log.filter((entry) => entry[0] === "arc").length;
    console.log(JSON.stringify([...seen, tip.style.display, canvas.width, arcs]));
    """
    out = subprocess.run(
        ["node", "-e", DOM + script + events], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    display, position, name, after, width, arcs = json.loads(out)
    row, column = divmod(wanted, facts["columns"])
    assert (display, after, width) == ("block", "none", 840)
    assert position == f"{-column * facts['width']}px {-row * facts['height']}px"
    assert name == ("zero", "one", "two")[labels[wanted]]
    assert arcs == 3 * len(points) + 1  # three drawings, one of them with a mark


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
    made = plotting.animation(frames, fps=10, hold=2)
    assert isinstance(made, DisplayedImage)
    image = gif(made)
    assert (image.format, image.n_frames, image.size) == ("GIF", 5, (240, 144))
    assert image.info["loop"] == 0
    for k in range(5):
        expected = np.broadcast_to(frames[k].reshape(12, 20, -1), (12, 20, 3))
        np.testing.assert_allclose(colours_of(image, k)[6::12, 6::12], expected, atol=0.02)
        assert image.info["duration"] == (2100 if k == 4 else 100)


def test_an_animation_shows_itself_with_a_still_and_a_text():
    frames = np.linspace(0, 1, 4)[:, None, None] * np.ones((4, 6, 6))
    bundle = plotting.animation(frames, alt='four "greys"')._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert "four &quot;greys&quot;" in bundle["text/html"]
    data = re.search(r"data:image/gif;base64,([^\"]+)\"", bundle["text/html"])[1]
    assert Image.open(io.BytesIO(base64.b64decode(data))).n_frames == 4
    still = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert still.format == "PNG"
    assert np.asarray(still.convert("L")).min() == 255  # the last frame


def test_figures_are_frames():
    figures = [plotting.curves({"a": [1, 2, k]}, xlabel="x", ylabel="y", size=(2, 1.5)) for k in range(3)]
    image = gif(plotting.animation(figures))
    assert (image.n_frames, image.size) == (3, (160, 120))
    assert plt.get_fignums() == []
    assert np.abs(colours_of(image, 0) - colours_of(image, 2)).max() > 0.3


def test_images_outside_of_the_range_are_clipped_and_scale_is_obeyed():
    image = gif(plotting.animation(np.array([[[-1.0, 0], [1, 3]], [[1, 1], [0, 0]]]), scale=2))
    assert image.size == (4, 4)
    np.testing.assert_array_equal(colours_of(image, 0)[::2, ::2, 0], [[0, 0], [1, 1]])


def test_the_limit_costs_colours_then_is_refused():
    frames = np.random.default_rng(0).random((6, 40, 40))
    free, bound = (plotting.animation(frames, scale=1, limit=limit).data for limit in (10**6, 6_000))
    assert len(bound) <= 6_000 < len(free)
    assert len(np.unique(colours_of(Image.open(io.BytesIO(bound)), 0))) < len(
        np.unique(colours_of(Image.open(io.BytesIO(free)), 0))
    )
    with pytest.raises(ValueError, match="fewer or smaller frames"):
        plotting.animation(frames, limit=1_000)


@pytest.mark.parametrize(
    ("frames", "settings", "message"),
    [
        ([], {}, "no frames"),
        (np.zeros((2, 4)), {}, "Images of shape"),
        (np.zeros((2, 4, 4, 2)), {}, "Images of shape"),
        ([np.zeros((4, 4)), np.zeros((4, 5))], {}, "one size"),
        ([np.zeros((4, 4)), plt.Figure()], {}, "not both"),
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
        plotting.animation(frames, **settings)


def test_codes_move_in_the_latent_animation():
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    end = 4 * np.array([[1, 0], [-1, 0], [0, 1]])[labels] + rng.normal(size=(300, 2))
    before = dict(plt.rcParams)
    made = plotting.latent_animation([end * share for share in (-1, 0.5, 1)], labels, "abc", titles=["x", "y", "z"])
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
    still = np.asarray(Image.open(io.BytesIO(base64.b64decode(made._repr_mimebundle_()["image/png"]))).convert("RGB"))
    np.testing.assert_allclose(still / 255, colours_of(image, 2), atol=0.1)


def test_one_stray_code_does_not_shrink_the_latent_animation():
    codes = np.random.default_rng(0).normal(size=(1000, 2))
    stray = codes.copy()
    stray[0] = 1e4
    plain, strayed = (gif(plotting.latent_animation([c], np.zeros(1000, int), "a")) for c in (codes, stray))
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
        plotting.latent_animation(**({"codes_per_epoch": [np.eye(2)], "labels": [0, 1], "classes": "ab"} | change))
