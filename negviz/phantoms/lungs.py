"""What runs through both lungs: vessels, airways, hila."""

from __future__ import annotations

import numpy as np

from negviz.phantoms.anatomy import Chest
from negviz.phantoms.curves import length_of, profile, through
from negviz.phantoms.findings import Signs
from negviz.phantoms.lobes import hilum_moved
from negviz.phantoms.pleura import squeezed
from negviz.phantoms.projection import Array, Beam, tubes
from negviz.phantoms.streams import stream
from negviz.phantoms.trees import along, draw_tree

_TWIGS = {"artery": 900, "vein": 650}


# Vessels and airways --------------------------------------------------------------------------


def draw_vessels(healthy: Chest, chest: Chest, beam: Beam, signs: Signs) -> tuple[Array, Array]:
    """Path lengths, mm, of blood and of the walls and air of the airways that only show in solid lung."""
    step = 0.75 * beam.pixel
    blood, bronchi = [], []
    for side in (-1, 1):
        for kind, twigs in _TWIGS.items():
            points, radius, length = along(draw_tree(healthy, kind, side, twigs), step)
            points = _carried(points, healthy, chest, side, signs)
            if kind == "artery":
                wide = radius > 0.8
                beside = points[wide] + 1.3 * radius[wide, None] * np.array([0.8, 0.5, 0.0])
                bronchi.append((beside, radius[wide], length[wide]))
            blood.append((points, radius * _engorged(points, chest, signs), length))
    tube = tubes(beam, *(np.concatenate(v) for v in zip(*blood, strict=True)))
    hollow = (
        tubes(beam, *(np.concatenate(v) for v in zip(*bronchi, strict=True)))
        if "consolidation" in signs
        else np.zeros_like(tube)
    )
    return tube, hollow


def _carried(points: Array, healthy: Chest, chest: Chest, side: int, signs: Signs) -> Array:
    """Where a healthy lung's points come to lie when mediastinum, diaphragm or pleura move."""
    points = points.copy()
    old, new = healthy.domes[side > 0].top, chest.domes[side > 0].top
    points[:, 1] += (new - old) * np.clip((points[:, 1] - 30) / (old - 30), 0, None)
    squeeze = squeezed(chest, side, signs)
    points = squeeze.carried(chest, points, side)
    out = side * points[:, 0]
    points[:, 1] += hilum_moved(chest, side, signs) * np.exp(-(((points[:, 1] - 5) / 60) ** 2))
    points[:, 0] += chest.midline(points[:, 1]) * np.exp(-np.maximum(out - 30, 0) / 60)
    return points


def _engorged(points: Array, chest: Chest, signs: Signs) -> Array:
    """Edema turns the flow to the upper zones; emphysema thins the vessels."""
    factor = np.full(len(points), 1 - 0.42 * signs["emphysema"].severity if "emphysema" in signs else 1.0)
    if "edema" in signs:
        high = np.clip((40 - points[:, 1]) / 110, 0, 1) if not chest.supine else 0.3  # blood sinks no more
        factor *= 1 + signs["edema"].severity * (0.12 + 0.5 * high)
    return factor


def draw_hila(healthy: Chest, chest: Chest, beam: Beam, signs: Signs) -> Array:
    """Path length, mm, of the tissue about the great vessels of both lungs, which thins out sideways."""
    x, y = beam.plane(0.0)
    total = np.zeros((beam.size, beam.size))
    wet = 1 + 0.9 * (signs["edema"].severity if "edema" in signs else 0.0)  # edema blurs and widens them
    for side in (-1, 1):
        draw = stream(healthy.seed, f"hilum {side}")
        out = side * (x - chest.midline(y))
        height = (12.0 if side < 0 else 2.0) + draw.normal(0, 4) + hilum_moved(chest, side, signs)
        core = np.exp(-(((out - 36) / 15) ** 2) - ((y - height) / draw.uniform(20, 32)) ** 2)
        veil = np.exp(-(((out - 40) / 34) ** 2) - ((y - height - 12) / 62) ** 2)
        sheath = np.exp(-np.maximum(out - 20, 0) / 13.0) * profile(y, ((-110, 0.3), (-40, 1.0), (110, 1.0)))
        amounts = draw.uniform(0.7, 1.3, 3) * (8.0, 6.0, 13.0) * wet
        total += np.where(out > 0, amounts[0] * core + amounts[1] * veil + amounts[2] * sheath, 0.0)
    return total


def draw_airway(chest: Chest, beam: Beam) -> Array:
    """Path length, mm, of the air in trachea and main bronchi."""
    sway = chest.midline(np.array([-120.0, -60.0, -5.0]))
    carina = (3 + sway[2], -2, -8)
    lines = [
        (((0, -230, 10), (1 + sway[0], -120, 6), (3 + sway[1], -60, -2), carina), (8.2, 8.2, 8.4, 8.8)),
        ((carina, (-14 + sway[2], 14, -10), (-30 + sway[2], 25, -12), (-40, 46, -18)), (6.8, 6.6, 5.6, 3.6)),
        ((carina, (18 + sway[2], 11, -12), (36 + sway[2], 21, -18), (46, 36, -24)), (6.2, 5.8, 5.2, 3.2)),
    ]
    scale = 0.96 if chest.female else 1.1
    parts = []
    for knots, radii in lines:
        steps = 400
        curve = through(knots, steps)
        radius = scale * np.interp(np.linspace(0, 1, steps), np.linspace(0, 1, len(radii)), radii)
        parts.append((curve, radius, np.full(steps, length_of(curve) / steps)))
    return tubes(beam, *(np.concatenate(v) for v in zip(*parts, strict=True)))
