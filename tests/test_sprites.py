"""utils.sprites: the grid is complete, the pictures are what their factors say."""

import numpy as np
import pytest

from utils import claims
from utils.sprites import COUNTS, FACTORS, SIDE, VALUES, WINDOW, draw, sprites


@pytest.fixture(scope="module")
def data():
    return sprites()


def centres(images):
    """Centre of gravity of every image, (n, 2): column and row in pixels."""
    weights = images[..., 0] / images.sum(axis=(1, 2, 3))[:, None, None]
    places = np.arange(SIDE)
    return np.stack([(weights.sum(axis=1) * places).sum(axis=1), (weights.sum(axis=2) * places).sum(axis=1)], axis=1)


def test_every_combination_occurs_once_and_looks_like_no_other(data):
    n = int(np.prod(COUNTS))
    assert data.images.shape == (n, SIDE, SIDE, 1)
    assert data.images.dtype == "float32"
    assert data.factors.shape == (n, len(FACTORS))
    np.testing.assert_array_equal(np.ravel_multi_index(data.factors.T, COUNTS), np.arange(n))
    assert len({image.tobytes() for image in data.images}) == n
    assert data.images.min() == 0
    assert data.images.max() == 1
    assert repr(data) == f"Sprites({n:,} images)"


def test_columns_and_rows_move_the_sprite_and_nothing_else(data):
    places = centres(data.images)
    middle = (WINDOW - 1) / 2 + data.factors[:, [FACTORS.index("column"), FACTORS.index("row")]]
    np.testing.assert_allclose(places, middle, atol=1e-3)
    ink = data.images.sum(axis=(1, 2, 3)).reshape(*COUNTS[:3], -1)
    np.testing.assert_allclose(ink, ink[..., :1] * np.ones(ink.shape[-1]), rtol=1e-5)


def test_larger_sprites_have_more_ink_and_a_turn_keeps_it(data):
    ink = np.array([[[draw(k, s, a).sum() for a in VALUES["angle"]] for s in VALUES["size"]] for k in VALUES["shape"]])
    assert (np.diff(ink, axis=1) > 0).all()
    np.testing.assert_allclose(ink, ink[..., :1] * np.ones(ink.shape[-1]), rtol=0.07)
    np.testing.assert_allclose(ink[2, :, 2], 0.51 * np.pi * np.square(VALUES["size"]), rtol=0.02)  # an ellipse's area
    np.testing.assert_allclose(ink[1, :, 2], 4 * 0.95 * 0.4 * np.square(VALUES["size"]), rtol=0.1)


@pytest.mark.parametrize("shape", VALUES["shape"])
def test_a_quarter_turn_transposes_half_a_turn_changes_nothing(shape):
    sprite = draw(shape, 6.5, 0)
    assert sprite.shape == (WINDOW, WINDOW)
    np.testing.assert_array_equal(draw(shape, 6.5, 90), sprite.T)
    np.testing.assert_array_equal(draw(shape, 6.5, 180), sprite)
    assert np.abs(draw(shape, 6.5, -45) - draw(shape, 6.5, 45)).max() == 1


def test_the_largest_fits_into_its_window():
    for shape in VALUES["shape"]:
        for angle in VALUES["angle"]:
            sprite = draw(shape, VALUES["size"][-1], angle)
            inner = sprite[1:-1, 1:-1].sum()
            assert sprite.sum() - inner < 0.02 * inner
    assert WINDOW + COUNTS[-1] - 1 == SIDE


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("heart", 5, 0), "bow tie, bar, ellipse"),
        (("bar", 0, 0), "above 0"),
        (("bar", 12, 0), "at most 11"),
        (("bar", float("nan"), 0), "above 0"),
    ],
)
def test_what_cannot_be_drawn(arguments, words):
    with pytest.raises(ValueError, match=words):
        draw(*arguments)


def test_the_provenance_is_verified_and_noted(monkeypatch):
    claims.start("00", seed=1)
    provenance = sprites().provenance
    assert provenance.verified
    assert not provenance.fallback
    assert claims.results()["data"][0]["name"] == "sprites"
    assert str(provenance).startswith(f"sprites: {np.prod(COUNTS):,} images")
    monkeypatch.setattr("utils.sprites.SHA256", "another")
    assert not sprites().provenance.verified
