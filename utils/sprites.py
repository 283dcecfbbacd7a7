"""Small pictures whose making is known: every combination of five factors, drawn here, nothing is downloaded."""

import hashlib
from dataclasses import dataclass

import numpy as np

from utils import claims
from utils.data import Provenance

SIDE, WINDOW = 32, 25  # pixels of an image, of the square around a sprite
FINE = 4  # points per pixel, in either direction, of which a pixel is the mean
FACTORS = ("shape", "size", "angle", "column", "row")
VALUES = {
    "shape": ("bow tie", "bar", "ellipse"),
    "size": (6.5, 8.0, 9.5, 11.0),  # half of a sprite's length, in pixels
    "angle": (-45.0, -22.5, 0.0, 22.5, 45.0),  # degrees
    "column": tuple(range(8)),  # pixels from the left
    "row": tuple(range(8)),
}
COUNTS = tuple(len(VALUES[name]) for name in FACTORS)
SHA256 = "15fbf7a5034993e0e21c25320bf74ebdf1f61c7bfb4313a0fd99314cba3169d7"  # of the images, as whole numbers of points


@dataclass(frozen=True, eq=False, repr=False)
class Sprites:
    """Images and what they were drawn from.

    images: float32 (n, 32, 32, 1) in [0, 1]. factors: int64 (n, 5), for every image and factor of `FACTORS` the
    position in its `VALUES`. All n combinations occur once, the last factor runs fastest. provenance: see `data`.
    """

    images: np.ndarray
    factors: np.ndarray
    provenance: Provenance

    def __repr__(self):
        return f"Sprites({len(self.images):,} images)"


def draw(shape, size, angle):
    """Draw one sprite: numbers in [0, 1] of shape (25, 25), the share of each pixel that the sprite covers.

    Args:
        shape: "bow tie", "bar" or "ellipse". All three are longer than they are wide, and look the same after half a
            turn: from -45 to 45 degrees every angle looks different.
        size: half of its length in pixels, above 0, at most 11, where it just fits.
        angle: by which its long side is turned, in degrees.

    Raises ValueError for another shape, or a size out of range.
    """
    if shape not in VALUES["shape"]:
        raise ValueError(f"shape={shape!r}: must be one of {', '.join(VALUES['shape'])}.")
    if not 0 < size <= VALUES["size"][-1]:
        raise ValueError(f"size={size!r}: must lie above 0 and be at most {VALUES['size'][-1]}.")
    axis = (np.arange(FINE * WINDOW) + 0.5) / FINE - WINDOW / 2
    x, y = np.meshgrid(axis / size, axis / size)
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    u, v = np.abs(cosine * x + sine * y), np.abs(cosine * y - sine * x)  # along the sprite, across it
    # Numbers such that no point lies just on an edge, where rounding, which differs between machines, would decide.
    if shape == "ellipse":
        inside = u**2 + (v / 0.51) ** 2 <= 1
    else:
        inside = (u <= 0.95) & (v <= (0.61 * u if shape == "bow tie" else 0.4))
    return inside.reshape(WINDOW, FINE, WINDOW, FINE).mean(axis=(1, 3))


def sprites():
    """Draw the whole data set, one image for every combination of the factors, after dSprites (Matthey et al., 2017).

    Returns `Sprites`. Its provenance is noted for the lesson's results, as `data.load` does; it is verified by the
    images' SHA-256.
    """
    images = np.zeros((*COUNTS, SIDE, SIDE), "float32")
    for kind in np.ndindex(COUNTS[:3]):
        sprite = draw(*(VALUES[name][i] for name, i in zip(FACTORS, kind, strict=False)))
        for column, row in np.ndindex(COUNTS[3:]):
            images[(*kind, column, row)][row : row + WINDOW, column : column + WINDOW] = sprite
    images = images.reshape(-1, SIDE, SIDE, 1)
    factors = np.stack(np.unravel_index(np.arange(len(images)), COUNTS), axis=1)
    digest = hashlib.sha256((images * FINE**2).astype("uint8").tobytes()).hexdigest()
    provenance = Provenance(
        requested="sprites",
        name="sprites",
        source="drawn here",
        verified=digest == SHA256,
        licence="the course's own",
        fallback=False,
        contents=f"{len(images):,} images of {SIDE}x{SIDE} pixels",
    )
    claims.note_data(provenance)
    return Sprites(images, factors, provenance)
