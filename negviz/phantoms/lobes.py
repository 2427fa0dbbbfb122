"""Lobes, and what fills or empties them.

Each lung is parted by its oblique fissure, the right upper lobe from the middle one by the minor fissure; the
lingula is the left lung's middle lobe.  What fills a lobe takes the place of its air and of nothing else, so
the border of what lies against it is lost on the film, and no other: middle lobe and lingula hide the heart's
border, a lower lobe the dome (Felson's silhouette sign).
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from negviz.phantoms.anatomy import Chest
from negviz.phantoms.curves import smoothstep
from negviz.phantoms.findings import Sign, Signs
from negviz.phantoms.projection import Array, Beam, Span, overlap
from negviz.phantoms.streams import stream
from negviz.phantoms.textures import clouds

Lobe = Literal["upper", "middle", "lower"]
LOBES: Final[tuple[Lobe, ...]] = ("upper", "middle", "lower")
_OFTEN: Final = (0.22, 0.23, 0.55)
_HEART: Final = {"upper": (62.0, -50.0), "middle": (52.0, 45.0), "lower": (60.0, 62.0)}  # of what is filled
_COLLAPSED: Final = 0.35  # an atelectasis beyond it takes a lobe; a milder one only draws plates


def oblique(chest: Chest, side: int, y: Array) -> Array:
    """Depth of the oblique fissure at height y: high behind, on the diaphragm in front."""
    behind = chest.apex + (56.0 if side < 0 else 48.0)
    before = chest.domes[side > 0].top + 12.0
    return np.asarray((1.65 * (y - behind) / (before - behind) - 1.0) * chest.half_depth)


def minor(chest: Chest) -> float:
    """Height of the minor fissure."""
    return float(0.60 * chest.domes[0].top - 52.0 + stream(chest.seed, "minor fissure").normal(0, 4.0))


def _within(chest: Chest, beam: Beam, side: int, lobe: Lobe, wall: Span) -> tuple[Span, Array]:
    """A lung's way along each ray behind or before its oblique fissure, and what of it is one lobe's.

    The minor fissure is nearly level, a little bowed and seen on edge; nothing parts off the lingula.
    """
    x, y = beam.plane(0.0)
    fissure = np.broadcast_to(oblique(chest, side, y), wall.back.shape)
    if lobe == "lower":
        return Span(wall.back, np.minimum(wall.front, fissure)), np.ones_like(wall.back)
    draw = stream(chest.seed, "minor fissure shape")
    tilt, bow, out = draw.uniform(-0.08, 0.14), draw.uniform(0.0005, 0.0025), side * x - 60
    level = minor(chest) + tilt * out + bow * out**2 + 1.2 * clouds(chest.seed, "minor fissure", beam, 40.0)
    above = smoothstep((level - y) / (3.5 if side < 0 else 46.0) + 0.5)
    before = Span(np.maximum(wall.back, fissure), wall.front)
    return before, above if lobe == "upper" else 1 - above


def airless(
    chest: Chest, beam: Beam, side: int, signs: Signs, wall: Span, occupied: list[Span]
) -> tuple[Array, Array]:
    """Path lengths, mm, of lung without air in filled and in collapsed lobes, and how dense the filled is."""
    solid, dense = np.zeros((beam.size, beam.size)), np.zeros((beam.size, beam.size))
    filled, empty = (signs.get(name) for name in ("consolidation", "atelectasis"))
    if filled and side in filled.sides:
        part, share = _within(chest, beam, side, filled_lobe(chest, side), wall)
        dense = share * _filling(chest, beam, side, filled)
        solid = dense * np.maximum(part.length - overlap(part, occupied), 0)
    if empty and side in empty.sides and empty.severity > _COLLAPSED:
        gone = lost(empty.severity)  # of its air, before the lobe is small
        part, share = _collapsed(chest, beam, side, gone, wall)
        share *= 0.94 * min(0.06 + 1.5 * gone, 1.0)
        solid = np.maximum(solid, share * np.maximum(part.length - overlap(part, occupied), 0))
    return solid, dense


def filled_lobe(chest: Chest, side: int) -> Lobe:
    return LOBES[int(stream(chest.seed, f"consolidation {side}").choice(3, p=_OFTEN))]


def _filling(chest: Chest, beam: Beam, side: int, sign: Sign) -> Array:
    """Share of a lobe's air replaced: it spreads from the middle of the lobe, ill-defined within it."""
    draw = stream(chest.seed, f"filling {side}")
    lobe = filled_lobe(chest, side)
    cx, cy = _HEART[lobe]
    cy += chest.domes[side > 0].top - 100 if lobe == "lower" else 0.0
    x, y = beam.plane(0.0)
    far = np.hypot((side * x - cx - draw.uniform(-12, 16)) / 1.15, y - cy - draw.uniform(-10, 10))
    rough = clouds(chest.seed, f"filling edge {side}", beam, 60.0, 2.6)
    reach = 26 + 62 * sign.severity
    inside = smoothstep((reach - far + 8 * rough) / 38 + 0.5)
    patchy = 1 + (0.24 - 0.08 * sign.severity) * clouds(chest.seed, f"filling {side}", beam, 22.0, 2.2)
    patchy += 0.08 * clouds(chest.seed, f"filling fine {side}", beam, 14.0, 2.8)  # lobules fill one by one
    if lobe == "middle":  # fullest beside the heart, whose border it hides
        patchy += 0.45 * np.exp(-((np.maximum(side * x - 30, 0) / 22) ** 2))
    return np.asarray(np.clip((0.2 + 0.52 * sign.severity**0.8) * inside * patchy, 0.0, 0.96))


# Collapse -------------------------------------------------------------------------------------


def collapsed_lobe(chest: Chest, side: int) -> Lobe:
    """The lobe that loses its air; upper or lower, as the middle one is hardly seen from the front."""
    return "upper" if stream(chest.seed, f"collapse {side}").uniform() < 0.3 else "lower"


def lost(severity: float) -> float:
    """How far a lobe has collapsed, from 0 to 1."""
    return max(severity - _COLLAPSED, 0.0) / (1 - _COLLAPSED)


def hilum_moved(chest: Chest, side: int, signs: Signs) -> float:
    """How far, mm, a collapsed lobe has drawn the hilum of its side down."""
    sign = signs.get("atelectasis")
    if sign is None or side not in sign.sides:
        return 0.0
    return (-16.0 if collapsed_lobe(chest, side) == "upper" else 14.0) * lost(sign.severity)


def _collapsed(chest: Chest, beam: Beam, side: int, part: float, wall: Span) -> tuple[Span, Array]:
    """A collapsed lobe, and how much of it there is along each ray.

    The right upper lobe is a wedge on the mediastinum, bounded by a fissure that has swung up; the left one
    falls forward, a veil about the hilum without a border; a lower one is a sail beside the spine.
    """
    dome = chest.domes[side > 0]
    x, y = beam.plane(0.0)
    out = side * (x - chest.midline(y))
    wave = 2.0 * clouds(chest.seed, f"collapse {side}", beam, 50.0)
    if collapsed_lobe(chest, side) == "lower":
        top = 4.0 + 12 * part
        edge = 26 + (66 - 26 * part) * np.clip((y - top) / (dome.top + 26 - top), 0, None) ** 0.8 + wave
        share = smoothstep((edge - out) / 5.0 + 0.5) * smoothstep((y - top) / 30.0)
        return Span(wall.back, np.minimum(wall.front, -0.05 * chest.half_depth)), share
    if side < 0:
        edge = 4 - 16 * part - (0.25 + 0.75 * part) * (out - 26) - 0.004 * part * (out - 26) ** 2 + wave
        return Span(0.6 * wall.back, wall.front), smoothstep((edge - y) / 5.0 + 0.5)
    veil = np.exp(-((np.maximum(out - 30, 0) / (58 - 14 * part)) ** 2)) * smoothstep((75 - y) / 80)
    return Span((0.62 - 0.25 * part) * wall.front, wall.front), veil * smoothstep((y - chest.apex - 4) / 40)
