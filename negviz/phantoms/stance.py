"""How the patient stands before the film: a little askew, and nobody alike on both sides.

The chest is projected straight onto a plate larger than the film; the film is read from the plate through a
map that tilts it, squeezes it to a square, and bends it by waves longer than an organ.  The map depends on
the seed alone, so a finding never moves it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from negviz.phantoms.projection import Array, Beam
from negviz.phantoms.streams import normal, stream, uniform

_PLATE = 1.13  # side of the plate in sides of the film: room for tilt and bends
_WAVES = 5


@dataclass(frozen=True)
class Stance:
    """The film within the plate."""

    seed: int
    width: float  # mm
    height: float  # mm; a film that is not square is shown squeezed to one
    tilt: float  # radians, clockwise

    def plate(self, film: Beam) -> Beam:
        """The beam whose plate holds the whole film."""
        field = _PLATE * max(self.width, self.height)
        return replace(film, size=4 * round(_PLATE * film.size / 4), field=field)

    def read(self, plate: Array, beam: Beam, size: int) -> Array:
        """What lies on the film [size, size] of an image on the plate of `beam`; bilinear."""
        steps = (np.arange(size) + 0.5) / size - 0.5
        x, y = self.width * steps[None, :], self.height * steps[:, None]
        bend_x, bend_y = _bends(self.seed, x[0], y[:, 0])
        u = np.cos(self.tilt) * x + np.sin(self.tilt) * y + bend_x
        v = np.cos(self.tilt) * y - np.sin(self.tilt) * x + bend_y
        last = beam.size - 1.001
        column = np.clip(u / beam.pixel + beam.size / 2 - 0.5, 0.0, last)
        row = np.clip(v / beam.pixel + beam.size / 2 - 0.5, 0.0, last)
        left, top = column.astype(np.int64), row.astype(np.int64)
        f, g = column - left, row - top
        flat, at = plate.ravel(), top * beam.size + left
        upper = flat[at] * (1 - f) + flat[at + 1] * f
        lower = flat[at + beam.size] * (1 - f) + flat[at + beam.size + 1] * f
        return np.asarray(upper * (1 - g) + lower * g)


def draw_stance(seed: int, posterior: bool) -> Stance:
    width = uniform(seed, "field", 312.0, 392.0)
    return Stance(
        seed=seed,
        width=width,
        height=width * normal(seed, "film shape", 1.06, 0.07),
        tilt=float(np.radians(normal(seed, "tilt", 0.0, 1.6 if posterior else 2.6))),
    )


def _bends(seed: int, x: Array, y: Array) -> tuple[Array, Array]:
    """Displacements, mm, along x and y: a few waves of 250 mm and more, each in its own direction."""
    draw = stream(seed, "bends")
    moved = []
    for large in (2.6, 2.0):
        total = np.zeros((len(y), len(x)))
        for _ in range(_WAVES):
            kx, ky = draw.uniform(-1, 1, 2) * (2 * np.pi / 270.0)
            size, phase = draw.normal(0, large), draw.uniform(0, 2 * np.pi)
            total += size * np.imag(np.exp(1j * (ky * y + phase))[:, None] * np.exp(1j * kx * x)[None, :])
        moved.append(total)
    return moved[0], moved[1]
