"""From the detector's reading to the film on the lightbox: contrast processing, display curve, collimator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from negviz.phantoms.detector import blurred, broadly_blurred
from negviz.phantoms.projection import Array, Beam
from negviz.phantoms.streams import chance, normal, stream, uniform

# Display curve: grey against density, 0 that of aerated lung and 1 that of the mediastinum.
_DENSITY = (-2.5, -1.0, -0.5, -0.15, 0.0, 0.25, 0.5, 0.75, 1.0, 1.35, 2.0)
_GREY = (0.02, 0.07, 0.13, 0.22, 0.30, 0.45, 0.63, 0.78, 0.88, 0.955, 0.99)


@dataclass(frozen=True)
class Look:
    """How one department shows its films."""

    low: float  # density shown as lung
    high: float  # density shown as mediastinum
    even: float  # how much of the wide swells of density is taken out
    local: float  # how much local contrast is raised
    sharp: float
    gamma: float
    black: float


def draw_look(seed: int, healthy: Array) -> Look:
    """Window set on the lungs and mediastinum of the healthy chest, so that a finding does not move it."""
    n = len(healthy)
    middle = healthy[n // 6 : 5 * n // 6, n // 6 : 5 * n // 6]
    low, high = (float(v) for v in np.percentile(middle, (9, 86)))
    return Look(
        low + 0.06 * normal(seed, "window low", 0.0, 1.0),
        high + 0.06 * normal(seed, "window high", 0.0, 1.0),
        uniform(seed, "evening", 0.1, 0.4),
        uniform(seed, "local contrast", 0.05, 0.22),
        uniform(seed, "sharpness", 0.8, 2.6),
        float(np.exp(normal(seed, "gamma", 0.07, 0.18))),
        uniform(seed, "black", 0.0, 0.22) if chance(seed, "fogged", 0.6) else 0.0,
    )


def developed(reading: Array, look: Look, beam: Beam) -> Array:
    """Grey values [size, size] in 0..1."""
    t = (reading - look.low) / (look.high - look.low)
    t = np.clip(t, -3.0, 3.0)
    t = t - look.even * (np.minimum(broadly_blurred(t, 24.0 / beam.pixel), 1.0) - 0.45)
    t = t + look.sharp * np.clip(1.5 - t, 0.15, 1.0) * (t - blurred(t, 1.2 / beam.pixel))
    detail = t - broadly_blurred(t, 9.0 / beam.pixel, 4)  # shown alike where the curve is steep and flat
    raised = look.local * np.clip(1.2 - t, 0.05, 0.9)
    grey = np.interp(t, _DENSITY, _GREY) + raised * np.clip(detail, -0.6, 0.6)
    grey = np.clip(grey, 0.0, 1.0) ** look.gamma
    return look.black + (1 - look.black) * grey


def collimated(grey: Array, beam: Beam, seed: int) -> Array:
    """The shutters: a border of the film that hardly any radiation reached, blackened or left white."""
    n = beam.size
    draw = stream(seed, "collimator")
    inset = np.where(draw.uniform(size=4) < 0.35, draw.uniform(0.004, 0.03, 4), -0.1)
    tilt, white = draw.normal(0, 0.006, 4), draw.uniform() < 0.06
    u = (np.arange(n) + 0.5) / n
    across, down = u[None, :] - 0.5, u[:, None] - 0.5
    edges = (
        u[None, :] - inset[0] + tilt[0] * down,
        1 - u[None, :] - inset[1] + tilt[1] * down,
        u[:, None] - inset[2] + tilt[2] * across,
        1 - u[:, None] - inset[3] + tilt[3] * across,
    )
    open_ = np.ones((n, n))
    for edge in edges:
        open_ = open_ * np.clip(edge * n / 2.0 + 0.5, 0, 1)
    return grey * open_ + (0.97 if white else 0.02) * (1 - open_)


def to_image(grey: Array) -> Image.Image:
    return Image.fromarray(np.round(255 * np.clip(grey, 0.0, 1.0)).astype(np.uint8), mode="L")
