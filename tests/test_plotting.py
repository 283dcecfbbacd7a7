"""utils.plotting: what stands in the figures, how they are shown, and that nothing of them stays behind in pyplot."""

import base64
import io
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from PIL import Image

from utils import plotting

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def _pyplot_is_left_alone():
    plt.close("all")
    before = dict(plt.rcParams)
    yield
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before


def pictures(n, channels=1, low=0.0, high=1.0):
    return np.random.default_rng(0).uniform(low, high, (n, 8, 6, channels))


def drawn(fig):
    """Draw the figure, as a notebook would, and return its axes."""
    assert isinstance(fig, Figure)
    fig.draw_without_rendering()
    return fig.axes


def shown(ax):
    """The array of the one image of an axes."""
    (image,) = ax.images
    return np.asarray(image.get_array())


def title_of(fig):
    return fig.get_suptitle()


CALLS = {
    "image_rows": lambda **kw: plotting.image_rows({"a": pictures(2)}, **kw),
    "image_grid": lambda **kw: plotting.image_grid(pictures(2), **kw),
    "filters": lambda **kw: plotting.filters(np.ones((6, 2)), (2, 3, 1), **kw),
    "curves": lambda **kw: plotting.curves({"a": [1, 2]}, xlabel="x", ylabel="y", **kw),
    "bars": lambda **kw: plotting.bars({"a": [1, 2]}, xlabel="x", ylabel="y", **kw),
    "code_scatter": lambda **kw: plotting.code_scatter(np.ones((2, 2)), [0, 1], "ab", **kw),
    "matrices": lambda **kw: plotting.matrices({"a": np.eye(2)}, **kw),
    "pixel_values": lambda **kw: plotting.pixel_values({"a": np.eye(2)}, **kw),
    "close_ups": lambda **kw: plotting.close_ups({"a": pictures(1)[0], "b": pictures(1)[0]}, (0, 0, 4, 3), **kw),
    "code_maps": lambda **kw: plotting.code_maps({"a": np.ones((2, 2))}, [0, 1], "ab", **kw),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_figure_has_its_title_its_alt_text_and_the_courses_resolution(name):
    fig = CALLS[name](title="What it shows", alt="A sentence.")
    drawn(fig)
    assert title_of(fig) == "What it shows"
    assert (fig.dpi, fig.alt) == (80, "A sentence.")
    assert title_of(CALLS[name]()) == ""


# --- shown in a notebook


@pytest.fixture
def outputs(monkeypatch):
    """The (data, metadata) of all that is shown."""
    shown = []
    monkeypatch.setattr(plotting, "display", lambda data, metadata, raw: shown.append((data, metadata)))
    return shown


def image_of(output):
    return Image.open(io.BytesIO(base64.b64decode(output[0]["image/png"])))


def test_a_figure_at_the_end_of_a_cell_shows_itself_sharp_and_with_its_text(outputs):
    fig = plotting.curves({"a": [3, 2, 1]}, xlabel="x", ylabel="y", size=(4, 3), alt="It falls.")
    notebook = DisplayFormatter()
    notebook.formatters["image/png"].for_type(Figure, lambda fig: pytest.fail("matplotlib's way"))
    assert notebook.format(fig) == ({}, {})  # it has shown itself
    ((data, metadata),) = outputs
    assert set(data) == {"image/png", "text/plain"}
    assert data["text/plain"] == "It falls."
    width, height = (metadata["image/png"][side] for side in ("width", "height"))
    assert image_of(outputs[0]).size == (2 * width, 2 * height)
    assert 310 < width < 345
    assert 230 < height < 265
    assert metadata["image/png"]["alt"] == "It falls."


def test_a_figure_of_ones_own_is_shown_likewise_and_every_time_the_same(outputs):
    for _ in range(2):
        fig = Figure(figsize=(2, 1), dpi=80)
        fig.add_subplot().plot([1, 2])
        plotting.show(fig, "A line.")
    assert outputs[0] == outputs[1]
    assert outputs[0][1]["image/png"]["alt"] == "A line."
    assert not image_of(outputs[0]).info.keys() & {"Software", "date", "Creation Time"}
    plotting.show(fig, None)
    assert "alt" not in outputs[2][1]["image/png"]


def test_nothing_drawn_is_cut_off_and_no_empty_border_is_shown():
    fig = plotting.image_rows({"a long label beside": pictures(3), "b": pictures(3)}, title="A title above")
    pixels, box = plotting.png(fig)
    ink = (np.asarray(Image.open(io.BytesIO(pixels)).convert("L")) < 250).nonzero()
    for places, size in zip(ink, box.size[::-1], strict=True):
        assert 10 <= places.min() <= 20  # a margin of 0.1 inches, at 160 pixels per inch
        assert 10 <= round(160 * size) - 1 - places.max() <= 20


def test_the_palette_keeps_greys_and_rare_colours():
    greys = np.linspace(0, 1, 36).reshape(1, 6, 6, 1)
    fig = plotting.image_rows({"greys": greys})
    shown = np.asarray(Image.open(io.BytesIO(plotting.png(fig)[0])).convert("RGB")).reshape(-1, 3)
    seen = np.unique(shown[(shown == shown[:, :1]).all(axis=1), 0]).astype(int)
    assert max(np.abs(seen - grey).min() for grey in 255 * greys.ravel()) <= 1
    frames = np.random.default_rng(0).integers(0, 256, (1, 90, 90, 3)).astype("uint8")
    frames[0, :60] = 255
    frames[0, :2, :2] = (255, 0, 0)
    (image,) = plotting.indexed(frames, 64)
    back = np.asarray(image.convert("RGB"))
    assert len(np.unique(back.reshape(-1, 3), axis=0)) <= 64
    assert (back[30] == 255).all()
    assert np.abs(back[0, 0] - np.array([255, 0, 0])).max() < 70


def test_colours_that_fit_into_the_palette_stay_as_they_are():
    frames = np.random.default_rng(0).integers(0, 256, (2, 8, 16, 3)).astype("uint8")  # 256 colours
    np.testing.assert_array_equal([np.asarray(image.convert("RGB")) for image in plotting.indexed(frames, 256)], frames)


def test_the_colours_are_ten():
    assert len(set(plotting.COLOURS)) == 10
    assert len(plotting.STYLE["axes.prop_cycle"].by_key()["color"]) == 10
    assert set(plotting.STYLE["axes.prop_cycle"].by_key()["color"]) == set(plotting.COLOURS)


# --- images


@pytest.mark.parametrize("channels", [1, 3])
def test_image_rows_stand_under_one_another(channels):
    first, second = pictures(3, channels), 1 - pictures(2, channels)
    (ax,) = drawn(plotting.image_rows({"originals": first, "their\ncopies": second}))
    assert [text.get_text() for text in ax.get_yticklabels()] == ["originals", "their\ncopies"]
    places = [np.array(image.get_extent()).reshape(2, 2).mean(axis=1).tolist() for image in ax.images]
    assert places == [[column + 0.5, line + 0.5] for column, line in ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1))]
    assert ax.get_ylim() == pytest.approx((1.95, 0.05))  # the first row above
    np.testing.assert_array_equal(ax.get_yticks(), [0.5, 1.5])
    for drawing, image in zip(ax.images, [*first, *second], strict=True):
        np.testing.assert_allclose(drawing.get_array().reshape(image.shape), image)
    assert len(ax.get_xticks()) == 0
    assert not any(spine.get_visible() for spine in ax.spines.values())


def test_images_keep_their_shape_and_do_not_touch():
    wide, high, small = np.ones((2, 4, 8, 1)), np.ones((2, 8, 4, 1)), np.ones((2, 2, 2, 1))
    fig = plotting.image_rows({"wide": wide, "high": high, "small": small})
    (ax,) = drawn(fig)
    sizes = [(right - left, bottom - top) for left, right, bottom, top in (image.get_extent() for image in ax.images)]
    np.testing.assert_allclose(sizes, [(0.9, 0.45)] * 2 + [(0.45, 0.9)] * 2 + [(0.9, 0.9)] * 2)
    box = ax.get_window_extent()
    assert box.width / 1.9 == pytest.approx(box.height / 2.675)  # what is square is drawn so


def test_rows_may_share_a_label_or_have_none():
    (ax,) = drawn(plotting.image_rows([("test", pictures(2)), ("", pictures(2)), ("test", 1 - pictures(1))]))
    assert [text.get_text() for text in ax.get_yticklabels()] == ["test", "", "test"]
    labelled, bare = (plotting.image_rows([(label, pictures(4))]).get_size_inches()[0] for label in ("a", ""))
    assert bare < labelled


def test_images_are_clipped_and_share_one_scale():
    dark = np.full((1, 4, 4, 1), 0.25)
    bright = pictures(1, low=-2, high=3)
    for fig in (plotting.image_rows({"a": dark, "b": bright}), plotting.image_grid(bright, columns=1)):
        (ax,) = drawn(fig)
        assert {image.get_clim() for image in ax.images} == {(0, 1)}
        assert {image.get_cmap().name for image in ax.images} == {"gray"}
        assert (ax.images[-1].get_array().min(), ax.images[-1].get_array().max()) == (0, 1)


def test_figures_of_images_grow_with_them():
    small, large = (plotting.image_rows({"a": pictures(4)}, scale=scale).get_size_inches() for scale in (0.5, 1))
    np.testing.assert_allclose(large - small, [2, 0.5])


def test_image_grid_fills_row_by_row():
    images = pictures(5)
    (ax,) = drawn(plotting.image_grid(images, columns=3))
    assert [(int(image.get_extent()[3]), int(image.get_extent()[0])) for image in ax.images] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (1, 1)
    ]  # fmt: skip
    for drawing, image in zip(ax.images, images, strict=True):
        np.testing.assert_allclose(drawing.get_array(), image[..., 0])
    assert drawn(plotting.image_grid(pictures(10)))[0].get_xlim() == pytest.approx((0.1625, 9.8375))


def test_symmetric_images_have_zero_in_the_middle():
    weights = np.stack([np.linspace(-3, 1, 4), np.linspace(0, 0.5, 4), np.zeros(4)]).reshape(3, 2, 2, 1)
    (ax,) = drawn(plotting.image_grid(weights, columns=3, symmetric=True))
    assert [image.get_clim() for image in ax.images] == [(-3, 3), (-0.5, 0.5), (-1, 1)]
    with pytest.raises(ValueError, match="three: show each channel alone"):
        plotting.filters(np.ones((12, 2)), (2, 2, 3))
    look = ax.images[0]
    np.testing.assert_allclose(look.get_array(), weights[0, ..., 0])  # not clipped
    assert to_hex(look.get_cmap()(0.0)) == "#053061"  # blue below zero
    assert to_hex(look.get_cmap()(1.0)) == "#67001f"  # red above


def test_a_close_up_shows_a_part_and_its_error():
    true, other = pictures(2, channels=3)
    axes = drawn(plotting.close_ups({"true": true, "other": other}, (1, 2, 5, 3)))
    assert [ax.get_title() for ax in axes[:2]] == ["true", "other"]
    np.testing.assert_allclose(shown(axes[1]), other)
    assert axes[1].patches[0].get_bbox().bounds == (1.5, 0.5, 3, 5)
    np.testing.assert_allclose(shown(axes[3]), other[1:6, 2:5])
    difference = np.abs(true - other).mean(axis=-1)[1:6, 2:5]
    np.testing.assert_allclose(shown(axes[5]), difference)
    assert not shown(axes[4]).any()
    assert axes[4].images[0].get_clim() == axes[5].images[0].get_clim() == (0, difference.max())
    assert len(drawn(plotting.close_ups({"true": true, "other": other}, (1, 2, 5, 3), errors=False))) == 4
    for crop in ((4, 0, 5, 3), (-1, 0, 5, 3), (0, 0, 0, 3), (0, 4, 5, 3)):
        with pytest.raises(ValueError, match="within 8 x 6 pixels"):
            plotting.close_ups({"true": true, "other": other}, crop)


def test_filters_are_the_columns_of_the_kernel():
    kernel = np.random.default_rng(0).normal(size=(6, 4))
    (ax,) = drawn(plotting.filters(kernel, (2, 3, 1), columns=4))
    for image, column in zip(ax.images, kernel.T, strict=True):
        np.testing.assert_allclose(image.get_array(), column.reshape(2, 3))
        assert image.get_clim() == (-np.abs(column).max(), np.abs(column).max())


# --- curves, bars, points, matrices


def test_curves_count_the_epochs_or_take_x():
    (ax,) = drawn(
        plotting.curves({"loss": [3, 2, 1], "by time": ([0.5, 7], np.array([2, 1]))}, xlabel="epoch", ylabel="MSE")
    )
    first, second = ax.lines
    np.testing.assert_array_equal(first.get_xydata(), [[1, 3], [2, 2], [3, 1]])
    np.testing.assert_array_equal(second.get_xydata(), [[0.5, 2], [7, 1]])
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "MSE", "linear")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["loss", "by time"]
    assert first.get_marker() in (None, "None")


def test_curves_differ_in_colour_and_dashes():
    (ax,) = drawn(plotting.curves({str(k): [k, k] for k in range(10)}, xlabel="x", ylabel="y"))
    assert {to_hex(line.get_color(), keep_alpha=False).upper() for line in ax.lines} == set(plotting.COLOURS)
    assert [line.get_linestyle() for line in ax.lines[:5]] == ["-", "--", "-.", ":", "-"]


def test_levels_are_horizontal_and_labelled():
    fig = plotting.curves(
        {"loss": [3, 1]}, xlabel="x", ylabel="y", levels={"PCA": 2.0, "paper": 0.5}, log=True, markers=True
    )
    (ax,) = drawn(fig)
    assert ax.get_yscale() == "log"
    assert ax.lines[0].get_marker() == "o"
    assert [line.get_ydata()[0] for line in ax.lines[1:]] == [2.0, 0.5]
    assert {text.get_text(): text.xy[1] for text in ax.texts} == {"PCA": 2.0, "paper": 0.5}
    assert len(ax.get_legend().get_texts()) == 1
    assert ax.get_ylim()[0] < 0.5


def test_whole_numbers_have_whole_ticks():
    for x, whole in (([1, 2, 3, 4, 5], True), ([1.0, 3.0], True), ([0.5, 3], False)):
        (ax,) = drawn(plotting.curves({"a": (x, x)}, xlabel="x", ylabel="y"))
        assert all(float(tick).is_integer() for tick in ax.get_xticks()) is whole
    (ax,) = drawn(plotting.curves({"a": ([8, 16, 32], [1, 2, 3])}, xlabel="x", ylabel="y", log_x=True))
    assert ax.get_xticks().tolist() == [8, 16, 32]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["8", "16", "32"]
    assert not ax.get_xticks(minor=True).size


def test_curves_have_error_bars_notes_looks_and_limits():
    lines = {"a": ([1, 2], [5, 3], [1, 2]), "b": [4, 4]}
    looks = {"b": {"color": "#ff0000", "ls": "", "marker": "D"}}
    (ax,) = drawn(
        plotting.curves(
            lines, xlabel="x", ylabel="y", notes={"best": (2, 3)}, looks=looks, xlim=(0, 9), ylim=(0, 7), log=False
        )
    )
    bars, plain = ax.containers
    np.testing.assert_allclose(bars.lines[2][0].get_segments(), [[[1, 4], [1, 6]], [[2, 1], [2, 5]]])
    assert not plain.has_yerr
    assert (plain.lines[0].get_color(), plain.lines[0].get_marker()) == ("#ff0000", "D")
    assert plain.lines[0].get_linestyle() == "None"
    assert [(text.get_text(), text.xy) for text in ax.texts] == [("best", (2, 3))]
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 9), (0, 7))


def test_logarithmic_axes_hold_the_data_whatever_the_limits():
    (ax,) = drawn(plotting.curves({"a": [1e-3, 1]}, xlabel="x", ylabel="y", log=True))
    assert 1e-4 < ax.get_ylim()[0] < 1e-3 < 1 < ax.get_ylim()[1] < 10


def test_bars_have_errors_and_names():
    values = {"one": ([1, 2], [0.5, 0.25]), "two": [3, 4]}
    (ax,) = drawn(plotting.bars(values, xlabel="x", ylabel="y", names=["first", "second"], ylim=(0, 9)))
    assert [text.get_text() for text in ax.get_xticklabels()] == ["first", "second"]
    groups = [group.errorbar for group in ax.containers if isinstance(group, BarContainer)]
    np.testing.assert_allclose(np.array(groups[0].lines[2][0].get_segments())[..., 1], [[0.5, 1.5], [1.75, 2.25]])
    assert groups[1] is None
    assert ax.get_ylim() == (0, 9)
    (ax,) = drawn(plotting.bars({"one": [1, 2, 3]}, xlabel="x", ylabel="y"))
    assert all(float(tick).is_integer() for tick in ax.get_xticks())
    with pytest.raises(ValueError, match="one length"):
        plotting.bars({"one": [1, 2]}, xlabel="x", ylabel="y", names=["first"])


def test_bars_stand_side_by_side():
    values = {"one": [1, 2, 3], "two": [3, 2, 1]}
    (ax,) = drawn(plotting.bars(values, xlabel="unit", ylabel="variance", size=(4, 3)))
    assert [[bar.get_height() for bar in group] for group in ax.containers] == list(values.values())
    edges = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches)
    assert all(left[1] <= right[0] + 1e-9 for left, right in pairwise(edges))
    for place in range(3):  # every group stands around its place
        assert np.mean([edges[2 * place][0], edges[2 * place + 1][1]]) == pytest.approx(place)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("unit", "variance")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]


def test_code_scatter_shows_every_class():
    codes = np.random.default_rng(0).normal(size=(50, 2))
    labels = np.arange(50) % 10
    fig = plotting.code_scatter(codes, labels, [f"class {k}" for k in range(10)], names=("first", "second"))
    (ax,) = drawn(fig)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("first", "second")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [f"class {k}" for k in range(10)]
    for k, points in enumerate(ax.collections):
        np.testing.assert_array_equal(points.get_offsets(), codes[labels == k])
    assert len({to_hex(points.get_facecolor()[0]) for points in ax.collections}) == 10
    assert len({points.get_paths()[0].vertices.tobytes() for points in ax.collections}) == 10  # ten markers


def test_twelve_classes_have_twelve_looks_and_too_many_are_refused():
    labels = np.arange(20)
    (ax,) = drawn(plotting.code_scatter(np.ones((20, 2)), labels, [str(k) for k in labels]))
    looks = {(to_hex(points.get_facecolor()[0]), points.get_paths()[0].vertices.tobytes()) for points in ax.collections}
    assert len(looks) == 20
    with pytest.raises(ValueError, match=r"21 classes given.*merge some"):
        plotting.code_scatter(np.ones((20, 2)), labels, [str(k) for k in range(21)])


def test_matrices_share_one_scale():
    panels = {"PCA": np.eye(3), "autoencoder": np.full((3, 3), 0.25)}
    *axes, bar = drawn(plotting.matrices(panels, xlabel="unit", ylabel="other unit"))
    assert [ax.get_title() for ax in axes] == ["PCA", "autoencoder"]
    assert {(ax.get_xlabel(), ax.get_ylabel()) for ax in axes} == {("unit", "other unit")}
    assert {ax.images[0].get_clim() for ax in axes} == {(-1, 1)}
    assert bar.get_ylim() == (-1, 1)
    for ax, matrix in zip(axes, panels.values(), strict=True):
        np.testing.assert_array_equal(shown(ax), matrix)


def test_pixel_values_are_written_into_their_cells():
    panels = {"image": [[20, 0], [78.125, 94]], "pooled": np.array([[94]])}
    axes = drawn(plotting.pixel_values(panels))
    assert [ax.get_title() for ax in axes] == ["image", "pooled"]
    assert [[text.get_text() for text in ax.texts] for ax in axes] == [["20", "0", "78.1", "94"], ["94"]]
    assert [text.get_position() for text in axes[0].texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [text.get_color() for text in axes[0].texts] == ["black", "black", "white", "white"]
    assert {ax.images[0].get_clim() for ax in axes} == {(0, 1.25 * 94)}  # one scale


def test_numbers_can_be_read_and_stay_in_their_cells():
    fig = plotting.pixel_values({"a": [[0.0357, 12345], [1, 2]], "b": np.ones((2, 9))}, cell=0.1)
    for ax in drawn(fig):
        cell = abs(np.diff(ax.transData.transform([[0, 0], [1, 1]]), axis=0)[0])
        for text in ax.texts:
            assert text.get_fontsize() >= 9
            assert (np.array(text.get_window_extent().size) <= cell).all()


@pytest.mark.parametrize("matrix", [[[-1, 2]], [[np.nan]], [[np.inf]]])
def test_pixel_values_that_are_negative_or_not_finite_are_refused(matrix):
    with pytest.raises(ValueError, match="pixel_values: a value is negative, NaN or infinite"):
        plotting.pixel_values({"a": matrix})


# --- refused


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (pictures(2)[..., 0], r"\(n, h, w, 1\) or \(n, h, w, 3\) expected, got \(2, 8, 6\)"),
        (pictures(2, 2), r"got \(2, 8, 6, 2\)"),
        (pictures(1)[0], r"got \(8, 6, 1\)"),
        (pictures(2)[:0], r"got \(0, 8, 6, 1\)"),
        (pictures(2) * np.nan, "The images hold NaN or infinity"),
        (pictures(2) + np.inf, "The images hold NaN or infinity"),
    ],
)
def test_what_is_no_image_is_refused(images, message):
    for call in (
        lambda: plotting.image_rows({"good": pictures(2), "bad": images}),
        lambda: plotting.image_grid(images),
        lambda: plotting.image_grid(images, symmetric=True),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("images", [255 * pictures(2), (255 * pictures(2)).astype("uint8")])
def test_unscaled_images_are_refused_with_the_remedy(images):
    for call in (lambda: plotting.image_rows({"a": images}), lambda: plotting.image_grid(images)):
        with pytest.raises(ValueError, match=r"largest value is 25\d.*: divide them by 255"):
            call()
    plotting.image_grid(images - 100.0, symmetric=True)  # weights
    plotting.image_grid((pictures(2) > 0.5).astype("uint8"))  # zeros and ones


def test_no_row_is_refused():
    with pytest.raises(ValueError, match="no rows given"):
        plotting.image_rows({})


@pytest.mark.parametrize("kernel", [np.ones((7, 2)), np.ones(6), np.ones((2, 6)), np.ones((1, 6, 2))])
def test_kernels_that_do_not_read_the_image_are_refused(kernel):
    with pytest.raises(ValueError, match=r"A kernel of shape \(.*\) does not read images of shape \(2, 3, 1\)"):
        plotting.filters(kernel, (2, 3, 1))


@pytest.mark.parametrize("lines", [{}, {"a": [1], "b": []}, {"a": ([], [])}])
def test_empty_curves_are_refused(lines):
    with pytest.raises(ValueError, match="no line given, or one that is empty"):
        plotting.curves(lines, xlabel="x", ylabel="y")


def test_bars_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"series of one length expected, got \[2, 3\]"):
        plotting.bars({"a": [1, 2], "b": [1, 2, 3]}, xlabel="x", ylabel="y")
    with pytest.raises(ValueError, match=r"got \[\]"):
        plotting.bars({}, xlabel="x", ylabel="y")


@pytest.mark.parametrize(
    ("codes", "labels"), [((4, 3), (4,)), ((4,), (4,)), ((4, 2), (3,)), ((4, 2), (4, 1)), ((4, 2, 1), (4,))]
)
def test_codes_that_are_no_points_are_refused(codes, labels):
    with pytest.raises(ValueError, match=r"codes \(4.*\) and labels .*: \(n, 2\) and \(n,\) expected"):
        plotting.code_scatter(np.ones(codes), np.zeros(labels, int), ["a"])


@pytest.mark.parametrize(
    "call",
    [
        lambda: plotting.matrices({}),
        lambda: plotting.matrices({"a": [1, 2]}),
        lambda: plotting.pixel_values({}),
        lambda: plotting.pixel_values({"a": [1, 2]}),
        lambda: plotting.curves({"a": 3}, xlabel="x", ylabel="y"),
        lambda: plotting.image_grid(np.zeros((2, 4, 4, 1)), columns=0),
        lambda: plotting.code_scatter(np.zeros((3, 2)), [0, 1, 7], ["a", "b"]),
    ],
)
def test_a_refusal_leaves_no_figure_open(call):
    with pytest.raises(ValueError, match=r"."):
        call()
    assert plt.get_fignums() == []
