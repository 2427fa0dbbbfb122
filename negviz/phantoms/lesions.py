"""What findings put into the lung itself: maps of how much of the lung along a ray has lost its air."""

from __future__ import annotations

import numpy as np

from negviz.phantoms.anatomy import Chest
from negviz.phantoms.curves import smoothstep
from negviz.phantoms.findings import Sign, Signs
from negviz.phantoms.projection import Array, Beam
from negviz.phantoms.streams import stream

_REACH = 512.0  # mm a side of the square on which textures are drawn, whatever the film shows
_LOBES = {  # middle of the lobe or segment from the front, and its half-axes
    "upper": (66.0, -52.0, 46.0, 38.0),
    "middle": (60.0, 42.0, 44.0, 30.0),
    "lower": (76.0, 66.0, 48.0, 40.0),
}


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


def airless(chest: Chest, beam: Beam, signs: Signs) -> tuple[Array, Array]:
    """Maps [size, size]: part of the lung replaced by solid, and the part in which airways stand out."""
    solid, dense = np.zeros((beam.size, beam.size)), np.zeros((beam.size, beam.size))
    for name, make in (
        ("consolidation", _lobar),
        ("opacity", _patchy),
        ("edema", _wings),
        ("atelectasis", _bands),
    ):
        if name in signs:
            for side in signs[name].sides:
                part = make(chest, beam, side, signs[name])
                solid = solid + part - solid * part
                if name == "consolidation":
                    dense = np.maximum(dense, part)
    return solid, dense


def _lobar(chest: Chest, beam: Beam, side: int, sign: Sign) -> Array:
    """Air spaces of a lobe filled: dense, with a fringe, sometimes cut off by a fissure."""
    draw = stream(chest.seed, f"consolidation {side}")
    lobe = list(_LOBES)[int(draw.choice(3, p=(0.3, 0.2, 0.5)))]
    cx, cy, rx, ry = _LOBES[lobe]
    grow = 0.68 + 0.5 * sign.severity
    x, y = beam.plane(0.0)
    u = (side * x - cx - draw.uniform(-10, 10)) / (rx * grow)
    v = (y - cy - draw.uniform(-8, 8)) / (ry * grow)
    rough = clouds(chest.seed, f"consolidation edge {side}", beam, 70.0, 3.0)
    inside = smoothstep((1.25 - np.sqrt(u**2 + v**2) + 0.16 * rough) / 0.95)
    if draw.uniform() < 0.5:  # a fissure bounds it
        slope, at = draw.uniform(-0.25, 0.1), cy + (0.75 * ry if lobe == "upper" else -0.7 * ry) * grow
        beyond = (y - at - slope * (side * x - cx)) * (1 if lobe == "upper" else -1)
        inside = inside * smoothstep(0.5 - beyond / 11.0)
    texture = np.clip(
        1 + 0.09 * clouds(chest.seed, f"consolidation {side} texture", beam, 30.0, 2.6), 0.3, 1.5
    )
    return np.clip((0.08 + 0.52 * sign.severity) * inside * texture, 0.0, 0.85)


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
    """Edema: haze around the hilum and at the base, and Kerley's lines along the lower wall."""
    x, y = beam.plane(0.0)
    out = side * x
    wing = np.exp(-(((out - 52) / 40) ** 2) - ((y - 35) / 55) ** 2)
    base = 0.55 * smoothstep((y - 10) / 90)
    rough = clouds(chest.seed, f"edema {side}", beam, 50.0, 2.5)
    haze = (0.03 + 0.42 * sign.severity**1.1) * (wing + base) * np.clip(0.85 + 0.2 * rough, 0.1, 1.7)
    draw = stream(chest.seed, f"kerley {side}")
    for _ in range(9):
        at, long = draw.uniform(35, chest.domes[side > 0].top + 30), draw.uniform(9, 19)
        tilt, strong = draw.uniform(-0.12, 0.2), draw.uniform(0.5, 1.0)
        inwards = chest.wall(np.array([at]))[0] - 3 - out
        line = np.exp(-(((y - at - tilt * inwards) / 0.75) ** 2)) * ((inwards > 0) & (inwards < long))
        haze = haze + 0.09 * strong * sign.severity * line
    return np.asarray(np.clip(haze, 0.0, 0.75))


def _bands(chest: Chest, beam: Beam, side: int, sign: Sign) -> Array:
    """Plates of collapsed lung over the diaphragm, and with severity a wedge of lower lobe."""
    draw = stream(chest.seed, f"atelectasis {side}")
    x, y = beam.plane(0.0)
    out, dome = side * x, chest.domes[side > 0]
    total = np.zeros((beam.size, beam.size))
    lean = draw.uniform(-0.3, 0.15)
    for i in range(3):
        cx, cy = draw.uniform(45, 90), dome.top - 8 - 15 * i - draw.uniform(0, 12)
        half, tilt, bow = draw.uniform(22, 44), lean + draw.uniform(-0.08, 0.08), draw.uniform(-0.003, 0.003)
        thick, strong = draw.uniform(1.6, 4.2), draw.uniform(0.5, 1.0)
        if i == 0 or sign.severity > 0.25 * i:
            along = out - cx
            across = (y - cy - tilt * along - bow * along**2) / thick
            band = np.exp(-(np.abs(across) ** 1.7)) * smoothstep(1.5 - 1.3 * np.abs(along) / half)
            total = np.maximum(total, (0.10 + 0.22 * sign.severity) * strong * band)
    rough = clouds(chest.seed, f"atelectasis {side} texture", beam, 25.0, 2.4)
    wedge = smoothstep((y - dome.top + 52 + 0.25 * (out - 40)) / 60) * smoothstep((118 - out) / 50)
    return total + 0.62 * max(sign.severity - 0.15, 0.0) * wedge * np.clip(0.85 + 0.3 * rough, 0.2, 1.6)


def nodule(healthy: Chest, beam: Beam, side: int, severity: float) -> Array:
    """Path length, mm, through a lobulated ball between rib cage and hilum."""
    draw = stream(healthy.seed, f"nodule {side}")
    cx, cy = side * draw.uniform(62, 96), draw.uniform(-58, 62)
    radius = 4.0 + 17.0 * severity
    x, y = beam.plane(float(draw.uniform(-30, 30)))
    turn = np.arctan2(y - cy, x - cx)
    border = np.ones_like(turn)
    for k in range(2, 7):
        border = border + 0.07 / k * (draw.normal() * np.cos(k * turn) + draw.normal() * np.sin(k * turn))
    far = ((x - cx) ** 2 + (y - cy) ** 2) / (radius * border) ** 2
    return np.asarray(2 * radius * np.maximum(1 - far, 0.0) ** 0.55)


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
