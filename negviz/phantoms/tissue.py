"""Soft tissue: the outline of the body, arms, breasts, pectoral muscles, and gas in the bowel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from negviz.phantoms.anatomy import Chest
from negviz.phantoms.curves import profile, smoothstep, through
from negviz.phantoms.projection import Array, Beam
from negviz.phantoms.shoulders import arm_line, girdle, shoulder_height
from negviz.phantoms.streams import chance, normal, stream, uniform

_COARSE = 72  # pixels a side of the map of distances to the skin, which is smooth


@dataclass(frozen=True)
class Flesh:
    """Path lengths, mm, [size, size]: muscle and organs (lungs not yet taken out), fat, bowel gas."""

    soft: Array
    fat: Array
    gas: Array


@lru_cache(maxsize=4)
def draw_flesh(chest: Chest, beam: Beam) -> Flesh:
    layer = 9.0 + 27.0 * chest.heavy + (5.0 if chest.female else 0.0)
    x, y = beam.plane(0.0)
    inward = _depth_below_skin(chest, beam, layer)
    half = chest.half_depth
    deep = profile(
        y,
        (
            (-210, 62),
            (-160, 68),
            (-120, 80),
            (-60, 0.78 * half + 13),
            (0, half + 14),
            (70, half + 15),
            (130, half + 27),
        ),
    )
    round_off = profile(y, ((-210, 45), (-150, 38), (-100, 44), (-30, 85), (60, 125), (250, 130)))
    beside = smoothstep((np.abs(x) - chest.half_width + 20) / 55.0) * smoothstep((40 - y) / 60.0)
    deep = deep * (1 - 0.2 * beside)  # shoulders are thinner than the trunk
    muscle = 2 * deep * _rounded((inward - layer) / round_off)
    whole = 2 * (deep + 0.55 * layer) * _rounded(inward / round_off)
    for side in (-1, 1):
        arm, skin = _arm(chest, beam, side, layer)
        muscle, whole = _merge(muscle, arm), _merge(whole, skin)
    muscle = muscle + _pectorals(chest, beam)
    fat = np.maximum(whole - muscle, 0.0)
    gland, lobe = _breasts(chest, beam)
    return Flesh(muscle + gland, fat + lobe, _gas(chest, beam))


def _merge(a: Array, b: Array) -> Array:
    """Two parts of one body: nearly the longer path, a little more where both are long."""
    return np.asarray((a**3 + b**3) ** (1 / 3))


def _rounded(t: Array) -> Array:
    return np.sqrt(np.maximum(1.0 - np.maximum(1.0 - np.maximum(t, 0.0), 0.0) ** 2.4, 0.0))


def _depth_below_skin(chest: Chest, beam: Beam, layer: float) -> Array:
    """How far inside the outline of neck, shoulders and trunk each pixel lies, mm (negative outside)."""
    coarse = Beam(_COARSE, beam.field * 1.02, beam.centre, beam.distance, beam.gap, beam.posterior, beam.turn)
    x, y = coarse.plane(0.0)
    outline = _outline(chest, layer)
    p, q = outline, np.roll(outline, -1, axis=0)
    edge = q - p
    px, py = (
        np.broadcast_to(x, (_COARSE, _COARSE)).ravel()[:, None],
        np.broadcast_to(y, (_COARSE, _COARSE)).ravel()[:, None],
    )
    t = np.clip(((px - p[:, 0]) * edge[:, 0] + (py - p[:, 1]) * edge[:, 1]) / (edge**2).sum(1), 0, 1)
    near = np.sqrt(((px - p[:, 0] - t * edge[:, 0]) ** 2 + (py - p[:, 1] - t * edge[:, 1]) ** 2).min(1))
    crosses = ((p[:, 1] > py) != (q[:, 1] > py)) & (
        px < p[:, 0] + (py - p[:, 1]) / (edge[:, 1] + 1e-9) * edge[:, 0]
    )
    signed = np.where(crosses.sum(1) % 2 == 1, near, -near).reshape(_COARSE, _COARSE)
    return _enlarged(signed, coarse, beam)


def _enlarged(coarse: Array, of: Beam, to: Beam) -> Array:
    """Linear interpolation of a smooth map onto a finer detector."""
    at = (np.arange(to.size) + 0.5 - to.size / 2) * to.pixel / of.pixel + of.size / 2 - 0.5
    i = np.clip(at.astype(np.int64), 0, of.size - 2)
    f = at - i
    rows = coarse[i] * (1 - f)[:, None] + coarse[i + 1] * f[:, None]
    return np.asarray(rows[:, i] * (1 - f) + rows[:, i + 1] * f)


def _outline(chest: Chest, layer: float) -> Array:
    """The skin from the front [n, 2], a closed polygon."""
    side = chest.half_width + 14 + layer
    neck = 50 + 0.4 * layer + (0 if chest.female else 6)
    raised = normal(chest.seed, "shoulders", 0.0, 8.0)
    top = chest.apex + raised + (24.0 if chest.posterior else 12.0)  # shoulders hang, less so in bed
    tip = 196.0 * girdle(chest)
    half = [
        (neck + 20, top - 330),
        (neck + 18, top - 190),
        (neck + 9, top - 150),
        (neck, top - 100),
        (neck + 6, top - 58),
        (neck + 34, top - 40),
        (tip - 50, top - 24),
        (tip - 12, top - 10),
        (tip + 12, top + 14),
        (tip + 18, top + 50),
        (tip + 8, top + 90),
        (side + 12, top + 122),
        (side + 2, top + 160),
        (side, top + 220),
        (side - 4, top + 290),
        (side - 2 + 8 * chest.heavy, top + 600),
    ]
    right = np.array(half, dtype=np.float64)
    left = right + stream(chest.seed, "outline").normal(0, 2.0, right.shape)
    return np.concatenate([through(left, 40), through(right * (-1, 1), 40)[::-1]])


def _arm(chest: Chest, beam: Beam, side: int, layer: float) -> tuple[Array, Array]:
    """Upper arm with and without its fat."""
    knots = np.array(arm_line(chest, side)) * (side * girdle(chest), 1.0, 1.0)
    x, y = beam.plane(float(knots[0, 2]))
    below = y - shoulder_height(chest, side)
    slope = (knots[-1, 0] - knots[0, 0]) / (knots[-1, 1] - knots[0, 1])
    girth = profile(below, ((-35, 8), (18, 32), (70, 45), (154, 45), (280, 41)))
    off = np.abs(x - knots[0, 0] - slope * (below - knots[0, 1])) / np.sqrt(1 + slope**2)
    inner = 2 * np.sqrt(np.maximum(girth**2 - off**2, 0.0))
    skin = 2 * np.sqrt(np.maximum((girth + 0.7 * layer) ** 2 - off**2, 0.0))
    fade = smoothstep((below + 35) / 42)
    return inner * fade, skin * fade


def _pectorals(chest: Chest, beam: Beam) -> Array:
    """The sheet of muscle in front of the upper chest, its edge the fold of the armpit."""
    x, y = beam.plane(chest.half_depth)
    thick = (6.0 if chest.female else 15.0) * normal(chest.seed, "muscle", 1.0, 0.25)
    fold = chest.apex + 118 - 0.42 * (np.abs(x) - 70)
    lower = smoothstep((fold - y) / 16.0)
    upper = smoothstep((y - chest.apex - 15) / 40.0)
    return thick * lower * upper * smoothstep((chest.half_width + 26 - np.abs(x)) / 22.0)


def _breasts(chest: Chest, beam: Beam) -> tuple[Array, Array]:
    """Gland and fat of both breasts; in men no more than what obesity brings."""
    gland, fat = np.zeros((beam.size, beam.size)), np.zeros((beam.size, beam.size))
    large = uniform(chest.seed, "breasts", 0.3, 1.1) * (0.6 + 0.6 * chest.heavy)
    large = large if chest.female else 0.55 * max(chest.heavy - 0.45, 0.0)
    if large < 0.03:
        return gland, fat
    for side in (-1, 1):
        move = stream(chest.seed, f"breast {side}").normal(0, 5.0, 2)
        wide, low = 48 + 26 * large, 34 + 42 * large
        cx = side * (0.64 * chest.half_width + 10 * large) + move[0]
        cy = chest.apex + 158 + 22 * large + move[1]
        x, y = beam.plane(chest.half_depth + 20)
        across, down = (x - cx) / wide, (y - cy) / np.where(y > cy, low, 2.4 * low)
        inside = np.maximum(1 - np.abs(across) ** 2.2 - np.abs(down) ** 2.2, 0.0)
        inner = smoothstep(
            (side * (x - cx) + wide) / (1.2 * wide)
        )  # only its lower and outer border is sharp
        volume = (17 + 54 * large) * inside**0.5 * inner
        share = 0.5 - 0.3 * (chest.age - 20) / 65
        gland, fat = gland + share * volume, fat + (1 - share) * volume
    return gland, fat


# Gas ------------------------------------------------------------------------------------------


def _gas(chest: Chest, beam: Beam) -> Array:
    """Stomach bubble under the left dome, often with a level; gas in the colon, with its folds."""
    seed = chest.seed
    total = np.zeros((beam.size, beam.size))
    if chance(seed, "bubble", 0.85):
        big = uniform(seed, "bubble size", 0.45, 1.15)
        level = (
            uniform(seed, "bubble level", 0.1, 1.0) if not chest.supine else 1.0
        )  # none to be seen on edge
        cx = uniform(seed, "bubble x", 48, 82)
        cy = chest.domes[1].top + 15 + 24 * big
        total += _pocket(beam, cx, cy, 38 * big, 22 * big, 30 * big, level, f"{seed} bubble")
    if chance(seed, "colon", 0.65):
        draw = stream(seed, "colon pockets")
        x, y = draw.uniform(55, 100), chest.domes[1].top + draw.uniform(45, 75)
        for i in range(int(draw.integers(2, 7))):
            r = draw.uniform(9, 19)
            total = np.maximum(total, _pocket(beam, x, y, r, 0.8 * r, r, 1.0, f"{seed} colon {i}"))
            x, y = x + draw.uniform(-26, 22), y + draw.uniform(4, 26)
    return total


def _pocket(
    beam: Beam, cx: float, cy: float, rx: float, ry: float, rz: float, level: float, name: str
) -> Array:
    """An irregular ellipsoid of gas above a flat level (1: filled to the bottom)."""
    whole = np.zeros((beam.size, beam.size))
    x, y = beam.plane(20.0)
    near_x, near_y = np.abs(x[0] - cx) < 1.4 * rx, np.abs(y[:, 0] - cy) < 1.4 * ry
    x, y = x[:, near_x], y[near_y]
    turn = np.arctan2((y - cy) / ry, (x - cx) / rx)
    waves = stream(0, name).normal(0, 1, (2, 4)) * (0.05, 0.05, 0.03, 0.02)
    border = 1.0 + sum(a * np.cos(k * turn) + b * np.sin(k * turn) for k, (a, b) in enumerate(waves.T, 2))
    inside = np.maximum(1 - ((x - cx) / (rx * border)) ** 2 - ((y - cy) / (ry * border)) ** 2, 0.0)
    above = smoothstep((cy + ry * (2 * level - 1) - y) / 3.0 + 0.5)
    whole[np.ix_(near_y, near_x)] = 2 * rz * inside**0.6 * above
    return whole
