"""Smooth random fields: the swells of density within tissue."""

from __future__ import annotations

import numpy as np

from negviz.phantoms.projection import Array, Beam
from negviz.phantoms.streams import stream

_REACH = 512.0  # mm a side of the square on which textures are drawn, whatever the film shows


def clouds(seed: int, name: str, beam: Beam, size: float, steep: float = 3.2) -> Array:
    """A smooth random field [size, size] of unit spread whose largest swells measure `size` mm."""
    n = 192
    noise = np.fft.rfft2(stream(seed, name).standard_normal((n, n)))
    fy, fx = np.fft.fftfreq(n, _REACH / n)[:, None], np.fft.rfftfreq(n, _REACH / n)[None, :]
    field = np.fft.irfft2(noise / (1.0 + (size**2) * (fx**2 + fy**2)) ** (steep / 2), (n, n))
    field /= field.std()
    x, y = beam.plane(0.0)
    return sampled(field, x[0] * n / _REACH + n / 2, (y[:, 0] - 30) * n / _REACH + n / 2)


def sampled(field: Array, columns: Array, rows: Array) -> Array:
    """Bilinear values of a periodic field [n, n] on a grid of fractional columns and rows."""
    n = len(field)
    i, j = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    f, g = (rows - i)[:, None], columns - j
    lines = field[i % n] * (1 - f) + field[(i + 1) % n] * f
    return np.asarray(lines[:, j % n] * (1 - g) + lines[:, (j + 1) % n] * g)
