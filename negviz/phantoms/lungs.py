"""Both lungs with what is in them and around them: air, fluid, vessels, airways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from negviz.phantoms import lesions
from negviz.phantoms.anatomy import AXIS, Chest
from negviz.phantoms.curves import length_of, profile, smoothstep, through, value
from negviz.phantoms.findings import Sign, Signs
from negviz.phantoms.projection import Array, Beam, Span, overlap, tubes
from negviz.phantoms.streams import stream
from negviz.phantoms.trees import along, draw_tree

_TWIGS = {"artery": 900, "vein": 650}


@dataclass(frozen=True)
class Collapse:
    """How far a lung has fallen from the chest wall: a part of its width, and millimetres at the apex."""

    part: float
    apex: float

    def at(self, y: Array) -> Array:
        """The part of the width lost at height y: most at the apex, to which air rises."""
        low = 0.25 + 0.6 * self.part
        return self.part * profile(y, ((-110, 1.0), (0, 0.5 + 0.5 * low), (120, low)))


@dataclass(frozen=True)
class Lung:
    """Path lengths, mm, [size, size], of one half of the chest."""

    space: Array  # all that diaphragm and mediastinum leave to the lung
    lung: Array  # lung with air in it
    air: Array  # free air around a collapsed lung
    fluid: Array
    pleura: Array  # the visceral pleura where air lies on both sides of it
    packed: Array  # density of the lung relative to one not collapsed, where it lies


def draw_lung(chest: Chest, beam: Beam, side: int, signs: Signs, solids: list[Span]) -> Lung:
    """One lung between its chest wall, the diaphragm and the mediastinum (`solids`)."""
    cavity = chest.cavity(beam, side)
    occupied = [*solids, chest.dome(beam, side)]
    space = cavity.length - overlap(cavity, occupied)
    lung, pleura, zero = space, np.zeros_like(space), np.zeros_like(space)
    air_sign, fluid_sign = (_on(side, signs, name) for name in ("pneumothorax", "effusion"))
    if air_sign:
        fallen = _fallen(chest, beam, side, collapse(air_sign.severity), 0.0)
        lung = np.minimum(fallen.length - overlap(fallen, occupied), space)
        outer = _fallen(chest, beam, side, collapse(air_sign.severity), 1.1)
        pleura = np.minimum(outer.length - fallen.length, 14.0) * smoothstep(space / 30)
        pleura = np.where(space - lung > 1.5, pleura, 0.0)
    air = space - lung
    packed = np.where(space > 0, min((space.sum() + 1.0) / (lung.sum() + 1.0), 3.0), 0.0)
    fluid = zero
    if fluid_sign:
        bulk = fluid_sign.severity * (0.68 if len(fluid_sign.sides) == 2 else 1.0)
        filled = _fluid_part(chest, beam, side, bulk)
        fluid, lung, air, pleura = (
            filled * space,
            (1 - filled) * lung,
            (1 - filled) * air,
            (1 - filled) * pleura,
        )
    return Lung(space, lung, air, fluid, pleura, packed)


def _on(side: int, signs: Signs, name: str) -> Sign | None:
    sign = signs.get(name)
    return sign if sign is not None and side in sign.sides else None


def collapse(severity: float) -> Collapse:
    return Collapse(0.05 + 0.67 * severity, 6.0 + 62.0 * severity)


def _fallen(chest: Chest, beam: Beam, side: int, fall: Collapse, beyond: float) -> Span:
    """The collapsed lung, its wall `beyond` mm further out."""
    x, y = beam.plane(0.0)
    lateral = (side * x - AXIS) / ((chest.breadth(y) - AXIS) * (1 - fall.at(y)) + beyond)
    medial = (AXIS - side * x) / (AXIS + 4.0)
    section = np.where(lateral > 0, np.abs(lateral) ** 2.3, np.abs(medial) ** 2.2)
    top = chest.apex + fall.apex - beyond
    rise = np.clip((45.0 - y) / (45.0 - top), 0.0, None) ** 2.5
    half = (chest.half_depth * (1 - 0.35 * fall.part) + beyond) * np.sqrt(np.maximum(1 - section - rise, 0.0))
    return Span.around(0.0, half)


def _fluid_part(chest: Chest, beam: Beam, side: int, severity: float) -> Array:
    """The part of each ray's way through the pleural space that is fluid.

    Free fluid lies lowest and clings to the wall: its upper edge, the meniscus, climbs sideways, and as
    the sheet wraps round the lung the ray meets ever more of it further down.
    """
    dome = chest.domes[side > 0]
    angle = dome.top + dome.lateral
    x, y = beam.plane(0.0)
    top = dome.top
    level = value(
        severity,
        (
            *((0, angle + 50), (0.06, angle + 12), (0.15, top + 23), (0.3, top - 14), (0.5, top - 46)),
            *((0.7, 10), (0.87, -52), (1, chest.apex - 95)),
        ),
    )
    climb = 52.0 * min(severity / 0.2, 1.0)
    to_wall = np.maximum(chest.wall(y) - side * x, 0.0)
    to_middle = np.maximum(side * x - 22.0, 0.0)
    edge = level - climb * np.exp(-to_wall / 20.0) - 0.3 * climb * np.exp(-to_middle / 12.0)
    edge = edge + 1.5 * lesions.clouds(chest.seed, f"meniscus {side}", beam, 60.0)
    return smoothstep((y - edge) / (34.0 + 20 * severity))


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
                wide = radius > 0.9
                beside = points[wide] + 1.3 * radius[wide, None] * np.array([0.8, 0.5, 0.0])
                bronchi.append((beside, 0.85 * radius[wide], length[wide]))
            blood.append((points, radius * _engorged(points, chest, signs), length))
    tube = tubes(beam, *(np.concatenate(v) for v in zip(*blood, strict=True)))
    solid = any(name in signs for name in ("consolidation", "opacity"))
    hollow = (
        tubes(beam, *(np.concatenate(v) for v in zip(*bronchi, strict=True)))
        if solid
        else np.zeros_like(tube)
    )
    return tube, hollow


def _carried(points: Array, healthy: Chest, chest: Chest, side: int, signs: Signs) -> Array:
    """Where a healthy lung's points come to lie when mediastinum, diaphragm or pleura move."""
    points = points.copy()
    old, new = healthy.domes[side > 0].top, chest.domes[side > 0].top
    points[:, 1] += (new - old) * np.clip((points[:, 1] - 30) / (old - 30), 0, None)
    out = side * points[:, 0]
    air = _on(side, signs, "pneumothorax")
    if air:
        fall = collapse(air.severity)
        kept = 1 - fall.at(points[:, 1])
        points[:, 0] = side * np.where(out > AXIS, AXIS + (out - AXIS) * kept, out)
        above = np.minimum(points[:, 1] - 45.0, 0.0)
        points[:, 1] += above * ((45.0 - chest.apex - fall.apex) / (45.0 - chest.apex) - 1)
        points[:, 2] *= 1 - 0.35 * fall.part
    points[:, 0] += chest.midline(points[:, 1]) * np.exp(-np.maximum(out - 30, 0) / 60)
    return points


def _engorged(points: Array, chest: Chest, signs: Signs) -> Array:
    """Edema turns the flow to the upper zones; emphysema thins the vessels."""
    factor = np.full(len(points), 1 - 0.25 * signs["emphysema"].severity if "emphysema" in signs else 1.0)
    if "edema" in signs:
        high = np.clip((40 - points[:, 1]) / 110, 0, 1)
        factor *= 1 + signs["edema"].severity * (0.12 + 0.5 * high)
    return factor


def draw_hila(healthy: Chest, chest: Chest, beam: Beam) -> Array:
    """Path length, mm, of the tissue about the great vessels of both lungs, which thins out sideways."""
    x, y = beam.plane(0.0)
    total = np.zeros((beam.size, beam.size))
    for side in (-1, 1):
        draw = stream(healthy.seed, f"hilum {side}")
        out = side * (x - chest.midline(y))
        height = (12.0 if side < 0 else 4.0) + draw.normal(0, 5)
        core = np.exp(-(((out - 36) / 15) ** 2) - ((y - height) / draw.uniform(20, 32)) ** 2)
        veil = np.exp(-(((out - 40) / 34) ** 2) - ((y - height - 12) / 62) ** 2)
        sheath = np.exp(-np.maximum(out - 20, 0) / 13.0) * profile(y, ((-110, 0.3), (-40, 1.0), (110, 1.0)))
        amounts = draw.uniform(0.7, 1.3, 3) * (8.0, 6.0, 13.0)
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
