"""From the detector's reading to the film on the lightbox: contrast processing, display curve, collimator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from negviz.phantoms.detector import blurred, broadly_blurred
from negviz.phantoms.projection import Array, Beam
from negviz.phantoms.streams import chance, normal, stream, uniform

# Display curve: grey against density, 0 that of aerated lung and 1 that of the mediastinum.
_DENSITY = (-2.5, -1.0, -0.5, -0.15, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.4)
_GREY = (0.01, 0.05, 0.11, 0.20, 0.28, 0.44, 0.60, 0.73, 0.84, 0.96, 1.0)


@dataclass(frozen=True)
class Look:
    """How one department shows its films."""

    low: float  # density shown as lung
    high: float  # density shown as mediastinum
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
        uniform(seed, "local contrast", 0.12, 0.32),
        uniform(seed, "sharpness", 0.5, 1.2),
        float(np.exp(normal(seed, "gamma", 0.0, 0.16))),
        uniform(seed, "black", 0.0, 0.12) if chance(seed, "fogged", 0.4) else 0.0,
    )


def developed(reading: Array, look: Look, beam: Beam) -> Array:
    """Grey values [size, size] in 0..1."""
    t = (reading - look.low) / (look.high - look.low)
    t = np.clip(t, -3.0, 3.0)
    t = t + look.sharp * (t - blurred(t, 1.6 / beam.pixel))
    detail = t - broadly_blurred(t, 9.0 / beam.pixel, 4)  # shown alike where the curve is steep and flat
    raised = look.local * np.clip(1.9 - t, 0.2, 1.0)
    grey = np.interp(t, _DENSITY, _GREY) + raised * np.clip(detail, -0.6, 0.6)
    grey = np.clip(grey, 0.0, 1.0) ** look.gamma
    return look.black + (1 - look.black) * grey


def collimated(grey: Array, beam: Beam, seed: int) -> Array:
    """The shutters: a border of the film that hardly any radiation reached, blackened or left white."""
    n = beam.size
    draw = stream(seed, "collimator")
    inset = np.where(draw.uniform(size=4) < 0.35, draw.uniform(0.004, 0.03, 4), -0.1)
    tilt, white = draw.normal(0, 0.006, 4), draw.uniform() < 0.35
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
