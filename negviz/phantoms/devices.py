"""Metal and plastic: the side marker, and now and then electrodes, a line, a pacemaker, a tube."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from negviz.phantoms.anatomy import Chest
from negviz.phantoms.curves import length_of, smoothstep, through
from negviz.phantoms.projection import METAL, PLASTIC, Array, Beam, tubes
from negviz.phantoms.streams import chance, stream, uniform

_LETTERS = {  # strokes from point to point, in heights of the letter
    "L": ((-0.25, -0.5, -0.25, 0.5), (-0.25, 0.5, 0.25, 0.5)),
    "T": ((-0.3, -0.5, 0.3, -0.5), (0.0, -0.5, 0.0, 0.5)),
    "R": (
        *((-0.25, -0.5, -0.25, 0.5), (-0.25, -0.5, 0.15, -0.5), (0.15, -0.5, 0.25, -0.35)),
        *(
            (0.25, -0.35, 0.25, -0.15),
            (0.25, -0.15, 0.15, 0.0),
            (0.15, 0.0, -0.25, 0.0),
            (0.0, 0.0, 0.28, 0.5),
        ),
    ),
}


def draw_devices(chest: Chest, beam: Beam) -> Array:
    """Attenuation [size, size] of everything on and in the patient that is not the patient."""
    return sum((_MAKE[name](chest, beam) for name in worn(chest)), np.zeros((beam.size, beam.size)))


def worn(chest: Chest) -> tuple[str, ...]:
    """The devices of one chest, whatever its findings.

    Together they are on three films in a hundred: enough to be known, too few to be learned from.
    """
    bedside = not chest.posterior
    often = {
        "leads": 0.04 if bedside else 0.002,
        "line": 0.03 if bedside else 0.002,
        "pacemaker": 0.007,
        "tube": 0.02 if bedside else 0.0,
    }
    return tuple(name for name, share in often.items() if chance(chest.seed, name, share))


def draw_marker(seed: int, film: Beam) -> Array:
    """A lead L on the patient's left, which is the viewer's right, or an R on the other side."""
    draw = stream(seed, "marker")
    side, text = (1, ("L", "LT")[int(draw.integers(2))]) if draw.uniform() < 0.75 else (-1, "R")
    cx, cy = side * draw.uniform(0.36, 0.46) * film.field, draw.uniform(-0.47, -0.34) * film.field
    tilt, tall = draw.normal(0, 0.16), draw.uniform(8, 14)
    steps = (np.arange(film.size) + 0.5) * film.pixel - film.field / 2
    x, y = steps[None, :] - cx, steps[:, None] - cy
    u, v = (np.cos(tilt) * x + np.sin(tilt) * y) / tall, (np.cos(tilt) * y - np.sin(tilt) * x) / tall
    near = np.full(u.shape, np.inf)
    for i, letter in enumerate(text):
        for line in _LETTERS[letter]:
            near = np.minimum(near, _distance(u - 0.75 * i, v, *line))
    stroke = draw.uniform(0.06, 0.1)
    return draw.uniform(1.0, 3.5) * smoothstep((stroke - near) * tall / film.pixel + 0.5)


def _distance(u: Array, v: Array, au: float, av: float, bu: float, bv: float) -> Array:
    """Distance from the straight line between two points."""
    du, dv = bu - au, bv - av
    t = np.clip(((u - au) * du + (v - av) * dv) / (du**2 + dv**2), 0, 1)
    return np.asarray(np.hypot(u - au - t * du, v - av - t * dv))


def _wire(beam: Beam, knots: list[tuple[float, float, float]], radius: float) -> Array:
    """Path length, mm, along a wire or through a full tube."""
    curve = through(knots, 3)
    curve = through(knots, max(40, int(length_of(curve) / (0.5 * beam.pixel))))
    step = length_of(curve) / len(curve)
    return tubes(beam, curve, np.full(len(curve), max(radius, 0.3)), np.full(len(curve), step))


def _leads(chest: Chest, beam: Beam) -> Array:
    draw = stream(chest.seed, "lead places")
    total = np.zeros((beam.size, beam.size))
    front = chest.half_depth + 22
    x, y = beam.plane(front)
    end = (draw.uniform(-60, 60), 260.0)
    for side, height in ((-1, -55.0), (1, -55.0), (1, 105.0)):
        cx, cy = side * draw.uniform(85, 125), height + draw.uniform(-20, 20)
        square = (x - cx) ** 2 + (y - cy) ** 2
        total += 0.10 * smoothstep((81 - square) / 20) + 0.9 * smoothstep((12 - square) / 6)
        bend = (0.5 * (cx + end[0]) + draw.uniform(-50, 50), 0.5 * (cy + end[1]) + draw.uniform(-30, 30))
        total += 0.25 * METAL * _wire(beam, [(cx, cy, front), (*bend, front), (*end, front)], 0.5)
    return total


def _line(chest: Chest, beam: Beam) -> Array:
    side = -1 if chance(chest.seed, "line side", 0.7) else 1
    tip = uniform(chest.seed, "line tip", 5, 45)
    knots = [(side * 150.0, -40.0, 20.0), (side * 105.0, -82.0, 35.0), (side * 45.0, -80.0, 40.0)]
    knots += [] if side < 0 else [(5.0, -66.0, 36.0)]
    return 6 * PLASTIC * _wire(beam, [*knots, (-24.0, -55.0, 24.0), (-26.0, tip, 18.0)], 0.9)


def _pacemaker(chest: Chest, beam: Beam) -> Array:
    draw = stream(chest.seed, "pacemaker place")
    front = chest.half_depth + 8
    cx, cy = draw.uniform(92, 108), draw.uniform(-62, -48)
    x, y = beam.plane(front)
    tilt = draw.normal(0.15, 0.2)
    u, v = (
        np.cos(tilt) * (x - cx) + np.sin(tilt) * (y - cy),
        np.cos(tilt) * (y - cy) - np.sin(tilt) * (x - cx),
    )
    turn = (np.abs(u / 23) ** 2.6 + np.abs(v / 25) ** 2.6) ** (1 / 2.6)  # a can: thin at its rounded rim
    case = 2.4 * np.sqrt(np.maximum(1 - turn**6, 0.0)) * np.where(v < -14, 0.35, 1.0)  # plastic header on top
    screw = 1.2 * smoothstep((9 - (u + 7) ** 2 - (v + 18) ** 2) / 5)
    battery = 0.7 * smoothstep((13 - np.abs(u)) / 2) * smoothstep((11 - np.abs(v - 8)) / 2)
    case = case + screw + battery
    knots = [
        (cx - 8, cy - 16, front),
        (60.0, -84.0, 45.0),
        (15.0, -66.0, 38.0),
        (-22.0, -40.0, 24.0),
        (-24.0, 30.0, 22.0),
    ]
    lead = _wire(beam, [*knots, (-14.0, 92.0, 30.0), (22.0, 112.0, 45.0), (46.0, 104.0, 52.0)], 0.8)
    atrial = _wire(beam, [*knots, (-26.0, 58.0, 30.0), (-16.0, 48.0, 46.0)], 0.8)
    return np.asarray(case + 0.35 * METAL * np.maximum(lead, atrial))


def _tube(chest: Chest, beam: Beam) -> Array:
    tip = uniform(chest.seed, "tube tip", -55, -30)
    return 1.6 * PLASTIC * _wire(beam, [(0.0, -240.0, 10.0), (1.0, -120.0, 6.0), (3.0, tip, 0.0)], 4.5)


_MAKE: Final[dict[str, Callable[[Chest, Beam], Array]]] = {
    "leads": _leads,
    "line": _line,
    "pacemaker": _pacemaker,
    "tube": _tube,
}
