"""What findings put into the lung itself: maps of how much of the lung along a ray has lost its air."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from negviz.phantoms.anatomy import Chest
from negviz.phantoms.bones import Break, rib_curve
from negviz.phantoms.curves import smoothstep
from negviz.phantoms.findings import Sign, Signs
from negviz.phantoms.projection import Array, Beam
from negviz.phantoms.streams import stream
from negviz.phantoms.textures import clouds


def airless(chest: Chest, beam: Beam, signs: Signs) -> Array:
    """The part of the lung [size, size] along each ray that patches, water and plates have made solid."""
    solid = np.zeros((beam.size, beam.size))
    for name, make in (("opacity", _patchy), ("edema", _wings), ("atelectasis", _plates)):
        if name in signs:
            for side in signs[name].sides:
                part = make(chest, beam, side, signs[name])
                solid = solid + part - solid * part
    return solid


def _patchy(chest: Chest, beam: Beam, side: int, sign: Sign) -> Array:
    """Ill-defined patches of thinner density."""
    draw = stream(chest.seed, f"opacity {side}")
    x, y = beam.plane(0.0)
    total = np.zeros((beam.size, beam.size))
    for i in range(3):
        cx, cy = draw.uniform(48, 100), draw.uniform(-50, 85)
        rx, ry, strong = draw.uniform(16, 34), draw.uniform(13, 28), draw.uniform(0.6, 1.0)
        if i == 0 or sign.severity > 0.3 * i:
            grow = 0.75 + 0.5 * sign.severity
            far = np.sqrt(((side * x - cx) / (rx * grow)) ** 2 + ((y - cy) / (ry * grow)) ** 2)
            total = np.maximum(total, strong * smoothstep((1.5 - far) / 1.3))
    rough = clouds(chest.seed, f"opacity texture {side}", beam, 45.0, 2.6)
    density = (0.05 + 0.36 * sign.severity) * total
    return np.asarray(density * np.clip(0.8 + 0.3 * rough, 0.05, 1.8))


def _wings(chest: Chest, beam: Beam, side: int, sign: Sign) -> Array:
    """Edema: septal lines along the lower wall first, then haze about the hilum and at the base."""
    x, y = beam.plane(0.0)
    out = side * x
    wing = np.exp(-(((out - 50) / 36) ** 2) - ((y - 28) / 52) ** 2)
    base = 0.55 * smoothstep((y - 10) / 90)
    rough = clouds(chest.seed, f"edema {side}", beam, 44.0, 2.4)
    net = clouds(chest.seed, f"edema net {side}", beam, 5.0, 1.5)  # thickened septa, seen through one another
    alveolar = 0.05 + 0.55 * max(sign.severity - 0.2, 0.0) ** 1.1
    haze = alveolar * (wing + base) * np.clip(0.88 + 0.17 * rough, 0.1, 1.7)
    haze = haze + 0.022 * sign.severity * (0.4 + base + wing) * np.clip(1 + 1.2 * net, 0, 3)
    lines = _septa(chest, beam, side, sign.severity) + _cuffs(chest, beam, side, sign.severity)
    return np.asarray(np.clip(haze + lines, 0.0, 0.8))


def _cuffs(chest: Chest, beam: Beam, side: int, severity: float) -> Array:
    """Bronchi on end about the hilum, their walls thick with water."""
    x, y = beam.plane(0.0)
    draw = stream(chest.seed, f"cuffs {side}")
    total = np.zeros((beam.size, beam.size))
    for _ in range(2):
        cx, cy, bore = draw.uniform(46, 74), draw.uniform(-38, 52), draw.uniform(1.6, 3.0)
        far = np.hypot(side * x - cx, (y - cy) / draw.uniform(0.85, 1.2))
        wall = 0.6 + 2.2 * severity
        total = np.maximum(total, np.exp(-(((far - bore - 0.5 * wall) / (0.6 * wall + 0.5)) ** 2)))
    return 0.07 * min(1.5 * severity, 1.0) * total


def _septa(chest: Chest, beam: Beam, side: int, severity: float) -> Array:
    """Kerley's lines: short, thin, at right angles to the lower side wall."""
    x, y = beam.plane(0.0)
    total = np.zeros((beam.size, beam.size))
    draw = stream(chest.seed, f"kerley {side}")
    dome = chest.domes[side > 0]
    for _ in range(18):
        at, long = draw.uniform(dome.top - 45, dome.top + 42), draw.uniform(8, 17)
        tilt, strong = draw.uniform(-0.1, 0.25), draw.uniform(0.5, 1.0)
        inwards = chest.wall(np.array([at]))[0] - 2 - side * x
        line = np.exp(-(((y - at - tilt * inwards) / 0.8) ** 2)) * ((inwards > 0) & (inwards < long))
        total = np.maximum(total, strong * line)
    return 0.26 * min(1.6 * severity, 1.0) * total


def _plates(chest: Chest, beam: Beam, side: int, sign: Sign) -> Array:
    """Plates of airless lung above the diaphragm, seen on edge; of a lobe that collapses, `lobes` tells."""
    draw = stream(chest.seed, f"atelectasis {side}")
    x, y = beam.plane(0.0)
    out, dome = side * x, chest.domes[side > 0]
    total = np.zeros((beam.size, beam.size))
    lean = draw.uniform(-0.3, 0.15)
    for i in range(3):
        cx, cy = draw.uniform(50, 88), dome.top - 9 - 15 * i - draw.uniform(0, 12)
        half, tilt, bow = draw.uniform(18, 40), lean + draw.uniform(-0.08, 0.08), draw.uniform(-0.003, 0.003)
        thick, strong = draw.uniform(1.3, 3.2), draw.uniform(0.5, 1.0)
        if i == 0 or sign.severity > 0.25 * i:
            along = out - cx
            across = (y - cy - tilt * along - bow * along**2) / thick
            band = np.exp(-(np.abs(across) ** 1.7)) * smoothstep(1.5 - 1.3 * np.abs(along) / half)
            total = np.maximum(total, (0.08 + 0.26 * min(sign.severity, 0.6)) * strong * band)
    return total


def nodule(healthy: Chest, beam: Beam, side: int, severity: float) -> Array:
    """Path length, mm, through a lobulated mass whose margin thins out; anywhere in the lung."""
    draw = stream(healthy.seed, f"nodule {side}")
    cy = draw.uniform(healthy.apex + 22, healthy.domes[side > 0].top - 12)
    cx = side * draw.uniform(42, 0.9 * float(healthy.wall(np.array([cy]))[0]))
    radius = 4.5 + 15.0 * severity
    x, y = beam.plane(float(draw.uniform(-45, 45)))
    turn = np.arctan2(y - cy, x - cx)
    border = np.ones_like(turn)
    for k in range(2, 8):
        border = border + 0.09 / k * (draw.normal() * np.cos(k * turn) + draw.normal() * np.sin(k * turn))
    spikes = 0.05 * draw.uniform(0, 1) * np.cos(int(draw.integers(9, 15)) * turn + draw.uniform(0, 6.28))
    far = np.hypot(x - cx, y - cy) / (radius * (border + spikes))
    return np.asarray(2 * radius * np.maximum(1 - (far / 1.08) ** 2, 0.0) ** 0.9)


def bruise(healthy: Chest, beam: Beam, broken: Sequence[Break]) -> Array:
    """Path length, mm, of blood that lifts the pleura off the wall: a blunt lens at each broken rib."""
    total = np.zeros((beam.size, beam.size))
    for fracture in broken:
        curve = rib_curve(healthy, fracture.rib, fracture.side)
        cx, cy, cz = curve[int(fracture.at * (len(curve) - 1))]
        slope = np.subtract(*curve[[int(fracture.at * len(curve)) + step for step in (8, -8)], :2])
        x, y = beam.plane(float(cz))
        turn = np.arctan2(slope[1], slope[0])
        along = np.cos(turn) * (x - cx) + np.sin(turn) * (y - cy)
        across = np.cos(turn) * (y - cy) - np.sin(turn) * (x - cx)
        far = (along / (14 + 2.6 * fracture.step)) ** 2 + (across / (9 + 1.3 * fracture.step)) ** 2
        total = np.maximum(total, 2.8 * fracture.step * np.maximum(1 - far, 0.0) ** 0.9)
    return total


def bullae(chest: Chest, beam: Beam, severity: float) -> tuple[Array, Array]:
    """Emphysema: path lengths, mm, of air spaces without lung, and of their thin walls."""
    air, wall = np.zeros((beam.size, beam.size)), np.zeros((beam.size, beam.size))
    x, y = beam.plane(0.0)
    for side in (-1, 1):
        draw = stream(chest.seed, f"bullae {side}")
        for i in range(5):
            cx, cy, radius = side * draw.uniform(48, 100), draw.uniform(-75, 10), draw.uniform(11, 26)
            if severity > 0.35 + 0.13 * i:
                square = (x - cx) ** 2 + ((y - cy) / draw.uniform(0.8, 1.2)) ** 2
                air = np.maximum(air, 2 * np.sqrt(np.maximum(radius**2 - square, 0.0)))
                outer = np.sqrt(np.maximum((radius + 0.5) ** 2 - square, 0.0))
                wall = np.maximum(wall, 2 * outer - 2 * np.sqrt(np.maximum(radius**2 - square, 0.0)))
    return air, np.minimum(wall, 5.0)
