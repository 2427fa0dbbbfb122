"""Fluid and air around a lung: how far it withdraws from the wall, and what takes its place.

Erect, fluid lies lowest and its surface curves up the wall, so that the lung ends in it like half an egg;
the border on the film, the meniscus, is where the ray leaves that shape.  Supine it spreads behind the lung,
a veil.  It may also stay under the lung, be walled off, or lie in a fissure (Felson; Fraser and Paré).  Air
rises: to the apex and along the side wall erect, to the front and the base supine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from negviz.phantoms.anatomy import AXIS, Chest, Dome
from negviz.phantoms.curves import profile, smoothstep, value
from negviz.phantoms.findings import Sign, Signs
from negviz.phantoms.lobes import airless
from negviz.phantoms.projection import Array, Beam, Span, overlap
from negviz.phantoms.streams import stream

_BASE: Final = 60.0  # a lung that falls from the apex stays where it is below this height
_CURVED: Final = (21.0, 15.0)  # mm from side wall, and from front and back, over which a meniscus falls
Form = Literal["free", "subpulmonic", "loculated", "fissural"]
_FORMS: Final[tuple[Form, ...]] = ("free", "subpulmonic", "loculated", "fissural")
_OFTEN: Final = {"erect": (0.70, 0.12, 0.12, 0.06), "supine": (0.88, 0.0, 0.12, 0.0)}
# Fluid free in an erect chest, by severity: how far below the dome the lung ends in it, and how far up its
# surface reaches along the wall, mm.  Some 200 ml blunt the lateral angle; a litre reaches the hilum.
_LOWEST: Final = ((0.0, 66), (0.05, 52), (0.15, 37), (0.3, 12), (0.5, -26), (0.7, -78), (0.85, -128))
_CLIMB: Final = ((0.0, 10), (0.05, 22), (0.15, 40), (0.3, 64), (0.5, 86), (0.7, 98), (0.85, 104))


@dataclass(frozen=True)
class Lung:
    """Path lengths, mm, [size, size], of one half of the chest."""

    space: Array  # all that diaphragm and mediastinum leave to the lung
    lung: Array  # lung with air in it
    air: Array  # free air around a collapsed lung
    fluid: Array
    pleura: Array  # the visceral pleura where air lies on both sides of it
    solid: Array  # lung without air, where a lobe is filled or has collapsed; `lung` is less by it
    dense: Array  # share of the air that is replaced where a lobe is filled
    packed: Array  # density of the lung relative to one not collapsed, where it lies


@dataclass(frozen=True)
class Squeeze:
    """A lung withdrawn from its walls, by height: parts of its width, and of its depth behind and before."""

    apex: float  # mm, by which its top has come down
    width: tuple[tuple[float, float], ...]
    behind: tuple[tuple[float, float], ...]
    before: tuple[tuple[float, float], ...]

    def as_healthy(self, chest: Chest, y: Array) -> Array:
        """The height in the healthy lung of what now lies at y: its shape is kept."""
        above = np.minimum(y - _BASE, 0.0)
        return np.asarray(y + above * self.apex / (_BASE - chest.apex - self.apex))

    def at(self, y: Array) -> tuple[Array, Array, Array]:
        """Parts lost at height y: of the width, of the depth behind and of that before."""
        return profile(y, self.width), profile(y, self.behind), profile(y, self.before)

    def lung(self, chest: Chest, beam: Beam, side: int, beyond: float = 0.0) -> Span:
        """The lung's outline, `beyond` mm further out at the side and the apex."""
        x, y = beam.plane(0.0)
        narrower, behind, before = self.at(y)
        old = self.as_healthy(chest, y + beyond)
        wide = (chest.breadth(old) - AXIS) * np.maximum(1 - narrower, 0.02) + beyond
        lateral, medial = (side * x - AXIS) / wide, (AXIS - side * x) / chest.room(y, side)
        section = np.where(lateral > 0, np.abs(lateral) ** 2.3, np.abs(medial) ** 2.2)
        half = chest.deepest(old) * np.sqrt(np.maximum(1.0 - section - chest.rise(old), 0.0))
        return Span(-half * (1 - behind), half * (1 - before))

    def carried(self, chest: Chest, points: Array, side: int) -> Array:
        """Where points [n, 3] of the healthy lung have gone."""
        points = points.copy()
        above = np.minimum(points[:, 1] - _BASE, 0.0)
        points[:, 1] -= above * self.apex / (_BASE - chest.apex)
        narrower, behind, before = self.at(points[:, 1])
        out = side * points[:, 0]
        points[:, 0] = side * np.where(out > AXIS, AXIS + (out - AXIS) * (1 - narrower), out)
        points[:, 2] = points[:, 2] * (1 - 0.5 * (behind + before)) + 0.5 * chest.half_depth * (
            behind - before
        )
        return points


def on(side: int, signs: Signs, name: str) -> Sign | None:
    """A finding, where that side has it."""
    sign = signs.get(name)
    return sign if sign is not None and side in sign.sides else None


def draw_lung(chest: Chest, beam: Beam, side: int, signs: Signs, solids: list[Span]) -> Lung:
    """One lung between its chest wall, the diaphragm and the mediastinum (`solids`)."""
    cavity = chest.cavity(beam, side)
    occupied = [*solids, chest.dome(beam, side)]
    space = cavity.length - overlap(cavity, occupied)
    zero = np.zeros_like(space)
    air, fluid = on(side, signs, "pneumothorax"), on(side, signs, "effusion")
    if not (air or fluid):
        solid, dense = airless(chest, beam, side, signs, cavity, occupied)
        solid = np.minimum(solid, space)
        return Lung(space, space - solid, zero, zero, zero, solid, dense, (space > 0).astype(np.float64))
    squeeze, alone = squeezed(chest, side, signs), fluid if chest.supine or not air else None
    wall = squeeze.lung(chest, beam, side)
    kind = form(chest, side) if alone else None
    if alone and kind == "subpulmonic":
        occupied = [*occupied, chest.under(beam, side, _false_dome(chest, side, alone))]
    lung = np.clip(wall.length - overlap(wall, occupied), 0.0, space)
    if alone and kind == "fissural":
        lung = lung - np.minimum(_in_fissure(chest, beam, side, _size(alone)), lung)
    lost, gas, pleura = space - lung, zero, zero
    if air:
        outer = squeeze.lung(chest, beam, side, 0.7)
        pleura = np.clip(outer.length - wall.length, 0, 16.0) * smoothstep(space / 30)
        pleura = np.where((lost > 1.5) & (squeeze.at(beam.plane(0.0)[1])[0] > 0.004), pleura, 0.0)
        gas = lost if not fluid else lost * _part_air(chest, squeeze, beam)
    if air and fluid and not chest.supine:
        dry = 1 - _below_level(chest, beam, side, fluid)
        lung, pleura, gas = lung * dry, pleura * dry, lost * dry
    shrunk = (space.sum() + 1.0) / (lung.sum() + 1.0)
    packed = np.where(space > 0, np.clip(shrunk**0.45, 1.0, 2.0), 0.0)
    solid, dense = airless(chest, beam, side, signs, wall, occupied)
    solid = np.minimum(solid, lung)
    return Lung(space, lung - solid, gas, space - lung - gas, pleura, solid, dense, packed)


def squeezed(chest: Chest, side: int, signs: Signs) -> Squeeze:
    """How far air and fluid have made one lung withdraw."""
    air, fluid = on(side, signs, "pneumothorax"), on(side, signs, "effusion")
    y = np.linspace(-130.0, 200.0, 111)
    width, behind, before, apex = np.zeros_like(y), np.zeros_like(y), np.zeros_like(y), 0.0
    if fluid and not (air and not chest.supine):
        apex, width, behind, before = _by_fluid(chest, side, _bulk(fluid), y)
    if air:
        down, narrower, back, front = _by_air(chest, side, air.severity, y)
        apex, width = apex + down, 1 - (1 - width) * (1 - narrower)
        behind, before = behind + back, before + front
    knots = (tuple(zip(y.tolist(), part.tolist(), strict=True)) for part in (width, behind, before))
    return Squeeze(apex, *knots)


# Fluid ----------------------------------------------------------------------------------------


def form(chest: Chest, side: int) -> Form:
    """How the fluid of one side lies: a matter of the chest, not of how much there is."""
    often = _OFTEN["supine" if chest.supine else "erect"]
    return _FORMS[int(stream(chest.seed, f"fluid {side}").choice(4, p=often))]


def _bulk(fluid: Sign) -> float:
    """Severity of one side: of the same severity on both sides, each has less."""
    return fluid.severity * (0.68 if len(fluid.sides) == 2 else 1.0)


def _size(fluid: Sign) -> float:
    """Of what is walled off: it grows no further once there is so much that the rest runs free."""
    return min(_bulk(fluid), 0.5) / 0.5


def _by_fluid(chest: Chest, side: int, severity: float, y: Array) -> tuple[float, Array, Array, Array]:
    """Millimetres at the apex, and parts lost at heights y: of the width, behind and before."""
    zero = np.zeros_like(y)
    if chest.supine and form(chest, side) == "free":
        behind = (0.07 + 0.72 * severity + 1.1 * max(severity - 0.7, 0)) * profile(
            y, ((-110, 0.8), (60, 1.0))
        )
        return 1.5 + 11 * severity, zero + 0.05 * severity, np.minimum(behind, 1.8), zero
    kind = form(chest, side)
    if kind == "free":
        free = severity
    else:
        free = max(severity - 0.42, 0.0) / 0.58
        free = free if kind == "subpulmonic" and free > 0 else 0.75 * free + 0.25 * free**2
    side_wall, front = _in_fluid(chest, side, free, y) if free > 0 else (zero, zero)
    width, behind, before = side_wall, np.minimum(1.1 * front, 1.0), 0.9 * front
    if kind == "loculated":
        width = np.maximum(width, _walled_off(chest, side, min(severity, 0.5) / 0.5, y))
    return 0.0, width, behind, before


def _in_fluid(chest: Chest, side: int, severity: float, y: Array) -> tuple[Array, Array]:
    """The parts of width and depth that a lung lacks at heights y, as it ends in free fluid.

    The surface falls away from the walls as a meniscus does, ever more slowly: steep at the side, all but
    level in the middle.
    """
    dome = chest.domes[side > 0]
    whole = chest.apex - 12 - dome.top  # nothing of the lung is left above it
    low = dome.top + value(severity, (*_LOWEST, (1.0, whole)))
    climb = value(severity, (*_CLIMB, (1.0, 60)))
    high = np.log(climb / np.clip(low - y, 1e-3, climb))
    return (
        np.minimum(_CURVED[0] * high / (chest.half_width - AXIS), 1.0),
        np.minimum(_CURVED[1] * high / chest.half_depth, 1.0),
    )


def _walled_off(chest: Chest, side: int, size: float, y: Array) -> Array:
    """A lens against the side wall, its borders at blunt angles to it."""
    draw = stream(chest.seed, f"loculated {side}")
    at, thick, half = draw.uniform(-25, 55), (6 + 34 * size), 26 + 34 * size
    swell = np.maximum(1 - ((y - at) / half) ** 2, 0.0) ** 1.6
    return np.asarray(thick * swell / (chest.half_width - AXIS))


def _false_dome(chest: Chest, side: int, fluid: Sign) -> Dome:
    """The underside of a lung on fluid: raised, flat, and highest further out than the diaphragm."""
    dome = chest.domes[side > 0]
    lift = 8 + 52 * _size(fluid)
    return Dome(
        dome.top - lift, 0.9 * dome.lateral + lift, dome.posterior + 0.5 * lift, dome.anterior, 0.68, 16.0
    )


def _in_fissure(chest: Chest, beam: Beam, side: int, size: float) -> Array:
    """A lens of fluid in the minor fissure, or on the left in the oblique one, its ends pointed."""
    draw = stream(chest.seed, f"fissure {side}")
    cx, cy = side * draw.uniform(64, 80), draw.uniform(2, 16) + (18 if side > 0 else 0)
    wide, tall = 16 + 24 * size, 4 + 13 * size
    x, y = beam.plane(20.0)
    along = (x - cx) / wide
    across = (y - cy - draw.uniform(-0.15, 0.15) * (x - cx)) / (tall * np.maximum(1 - along**2, 1e-3))
    deep = 2 * (10 + 22 * size) * np.sqrt(np.maximum(1 - along**2, 0.0))
    return np.asarray(deep * np.maximum(1 - across**2, 0.0) ** 0.6)


# Air ------------------------------------------------------------------------------------------


def _by_air(chest: Chest, side: int, severity: float, y: Array) -> tuple[float, Array, Array, Array]:
    """The same of air: at the apex and along the side erect, before the lung and at its base supine."""
    if chest.supine:
        front = severity * (0.15 + 0.75 * smoothstep((y + 60) / 150))
        return 0.0, 0.12 * severity * smoothstep((y - 40) / 80), np.zeros_like(y), front
    part = 0.04 + 0.60 * severity**1.25
    low = 0.15 + 0.75 * severity
    width = part * profile(y, ((-110, 1.0), (-20, 0.6 + 0.4 * low), (110, low)))
    deep = 0.5 * max(severity - 0.25, 0.0) + 0 * y
    off = max(severity - 0.35, 0.0)  # past that the base too comes off the diaphragm, and rounds
    down = np.clip((y - chest.domes[side > 0].top - 75 + 130 * off) / 110, 0, 1) if off else 0 * y
    end = 1 - np.sqrt(1 - down**2)
    return (
        5.0 + 60.0 * severity,
        1 - (1 - width) * (1 - end),
        0.5 * deep + (1 - 0.5 * deep) * end,
        deep + (1 - deep) * end,
    )


def _below_level(chest: Chest, beam: Beam, side: int, fluid: Sign) -> Array:
    """1 below the straight surface that fluid has under air in an erect chest."""
    dome = chest.domes[side > 0]
    whole = chest.apex - 12 - dome.top
    level = dome.top + value(_bulk(fluid), (*_LOWEST, (1.0, whole))) - 18
    return smoothstep((beam.plane(0.0)[1] - level) / (1.5 * beam.pixel) + 0.5)


def _part_air(chest: Chest, squeeze: Squeeze, beam: Beam) -> Array:
    """Of what a lung lacks, the part that air took: supine, it lies before the lung and fluid behind."""
    _, behind, before = squeeze.at(beam.plane(0.0)[1])
    return np.asarray(before / np.maximum(behind + before, 1e-6))
