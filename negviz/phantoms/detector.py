"""From path lengths to what the detector reads: scatter, focal blur, quantum noise, response."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from negviz.phantoms.projection import Array, Beam
from negviz.phantoms.streams import stream, uniform


@dataclass(frozen=True)
class Exposure:
    """How the film was taken."""

    scatter: float  # scattered beside primary, behind the grid
    quanta: float  # per mm² behind air
    blur: float  # of focus and detector together, mm


def draw_exposure(seed: int, posterior: bool) -> Exposure:
    bedside = 0.0 if posterior else 1.0
    return Exposure(
        scatter=uniform(seed, "scatter", 0.07, 0.19) + 0.08 * bedside,
        quanta=uniform(seed, "quanta", 1.6e5, 8e5) * (1 - 0.3 * bedside),
        blur=uniform(seed, "blur", 0.35, 0.6) + 0.15 * bedside,
    )


def blurred(image: Array, sigma: float) -> Array:
    """Gaussian blur, `sigma` in pixels, the edge repeated beyond the film.

    Weighted shifts rather than a Fourier transform, in which so narrow a Gaussian rings at the edges.
    """
    reach = int(3 * sigma) + 1
    weight = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weight /= weight.sum()
    rows, columns = image.shape
    wide = np.pad(image, ((reach, reach), (0, 0)), mode="edge")
    down: Array = sum((w * wide[k : k + rows] for k, w in enumerate(weight)), np.zeros_like(image))
    wide = np.pad(down, ((0, 0), (reach, reach)), mode="edge")
    return sum((w * wide[:, k : k + columns] for k, w in enumerate(weight)), np.zeros_like(image))


def broadly_blurred(image: Array, sigma: float, coarse: int = 8) -> Array:
    """The same for a wide blur, worked out on a film `coarse` times smaller."""
    n = len(image)
    k = max(1, min(coarse, int(sigma / 3), n // 16))
    pad = -n % k
    small = np.pad(image, ((0, pad), (0, pad)), mode="edge")
    small = small.reshape(len(small) // k, k, -1, k).mean((1, 3))
    small = blurred(small, sigma / k)
    at = np.clip((np.arange(n) + 0.5) / k - 0.5, 0, len(small) - 1)
    i = np.minimum(at.astype(np.int64), len(small) - 2)
    f = at - i
    rows = small[i] * (1 - f)[:, None] + small[i + 1] * f[:, None]
    return np.asarray(rows[:, i] * (1 - f) + rows[:, i + 1] * f)


def intensity(attenuation: Array, beam: Beam, exposure: Exposure) -> Array:
    """Primary and scattered intensity relative to the open beam (Beer and Lambert; no noise)."""
    primary = np.exp(-np.maximum(attenuation, 0.0))
    scattered = broadly_blurred(np.minimum(primary, 0.5), 42.0 / beam.pixel)
    return primary + exposure.scatter * scattered


def read_out(reaching: Array, beam: Beam, exposure: Exposure, seed: int) -> Array:
    """What the detector reads, as the logarithm of the exposure it would need: bright is dense."""
    quanta = exposure.quanta * beam.pixel**2
    noise = stream(seed, "quanta").standard_normal(reaching.shape)
    noisy = blurred(reaching, exposure.blur / beam.pixel) + blurred(noise * np.sqrt(reaching / quanta), 0.35)
    return -np.log(np.maximum(noisy, 1e-4))
