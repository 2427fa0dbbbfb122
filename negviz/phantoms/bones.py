"""Ribs, spine and breastbone: cortical shells around marrow, along curves in space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from negviz.phantoms.anatomy import AXIS, Chest
from negviz.phantoms.curves import (
    facing,
    filled,
    length_of,
    profile,
    shell,
    smoothstep,
    through,
    value,
)
from negviz.phantoms.projection import Array, Cloud, join
from negviz.phantoms.streams import normal, stream, uniform


@dataclass(frozen=True)
class Skeleton:
    """Points of compact bone and of marrow."""

    cortex: Cloud
    marrow: Cloud


NOTHING: Final = Cloud(np.zeros((0, 3)), np.zeros(0))
# How far along its drop a rib has come, from behind (0) to the front (1).
_FALL: Final = (
    *((0.03, 0.03), (0.1, 0.03), (0.18, 0.10), (0.28, 0.22)),  # over the back, a slope of a fifth or so
    *((0.4, 0.41), (0.5, 0.58), (0.6, 0.74), (0.75, 0.92), (0.9, 1.0)),  # steep at the side
)


@dataclass(frozen=True)
class Break:
    """A broken rib: which (1-12), on which side, where along it (0 spine, 1 front), and how far apart."""

    rib: int
    side: int
    at: float
    step: float  # mm


def draw_trunk(chest: Chest, step: float, broken: tuple[Break, ...] = ()) -> Skeleton:
    """Ribs, spine and breastbone; `step` is the spacing of the quadrature points, mm."""
    return united([*_ribs(chest, step, broken), *_spine(chest, step), _sternum(chest, step)])


def united(parts: Sequence[Skeleton]) -> Skeleton:
    """Several bones as one."""
    return Skeleton(join([p.cortex for p in parts]), join([p.marrow for p in parts]))


def bone(
    curve: Array, out: Array, step: float, *, thin: Array | float, tall: Array | float, wall: Array | float
) -> Skeleton:
    """A long bone along a curve; half-axes `thin` along `out` and `tall` across it, cortex `wall`, all mm."""
    size = float(np.max(np.asarray(thin)) + np.max(np.asarray(tall)))
    around = max(8, int(np.pi * size / step))
    return Skeleton(
        shell(curve, out, thin=thin, tall=tall, wall=wall, around=around),
        filled(curve, out, thin=thin, tall=tall, many=max(6, int(1.2 * size / step))),
    )


# Ribs -----------------------------------------------------------------------------------------


def rib_curve(chest: Chest, rib: int, side: int, steps: int = 200) -> Array:
    """The axis [steps, 3] of one rib, from its head at the spine to its joint with cartilage."""
    end = value(rib, ((1, 0.90), (2, 0.88), (4, 0.83), (6, 0.79), (8, 0.70), (10, 0.56), (12, 0.26)))
    turn = np.linspace(0.03, end, steps)  # 0 behind, 1 in front, in half circles
    slant = normal(chest.seed, "rib slant", 1.05, 0.15)
    drop = slant * value(rib, ((1, 42), (2, 66), (4, 100), (7, 122), (10, 112), (12, 60)))
    head = _level(chest, rib - 1) + 2.0 + stream(chest.seed, f"rib {rib} {side}").normal(0, 1.7)
    y = head + drop * profile(turn, _FALL)
    room = np.sqrt(np.clip(1.0 - np.minimum(chest.rise(y), 0.87), 0, None))
    wide = 5.0 + AXIS + (chest.breadth(y) - AXIS) * room
    deep = 5.0 + chest.half_depth * np.maximum(room, 0.55)
    x = np.maximum(wide * np.sin(turn * np.pi) ** 0.78, 20.0)
    cosine = np.cos(turn * np.pi)
    return np.stack([side * x, y, -deep * np.sign(cosine) * np.abs(cosine) ** 0.9], axis=1)


def _level(chest: Chest, vertebra: float) -> float:
    """Height of a thoracic vertebra, counted from 0; they grow downwards."""
    spacing = (138.0 - chest.apex) / 9.6 * normal(chest.seed, "rib spacing", 1.0, 0.03)
    return chest.apex + 3.0 + spacing * vertebra * (0.94 + 0.008 * vertebra)


def _ribs(chest: Chest, step: float, broken: tuple[Break, ...]) -> list[Skeleton]:
    return [_rib(chest, step, rib, side, broken) for side in (-1, 1) for rib in range(1, 13)]


def _rib(chest: Chest, step: float, rib: int, side: int, broken: tuple[Break, ...]) -> Skeleton:
    stout = normal(chest.seed, "rib size", 0.94 if chest.female else 1.04, 0.05)
    hard = normal(chest.seed, "cortex", 1.0, 0.1) * (1.1 - 0.3 * (chest.age - 20) / 65)
    curve = rib_curve(chest, rib, side)
    curve = through(curve[::6], max(60, int(length_of(curve) / step)))
    along = np.linspace(0, 1, len(curve))
    kept = np.ones(len(curve))
    for fracture in broken:
        if (fracture.rib, fracture.side) == (rib, side):
            curve, kept = displaced(curve, along, fracture)
    outwards = np.stack([curve[:, 0] * 0.9, 0 * along, curve[:, 2]], axis=1)
    tall = stout * profile(along, ((0, 5.0), (0.1, 5.6), (0.5, 6.3), (0.85, 6.6), (1, 7.4)))
    thin = stout * profile(along, ((0, 4.2), (0.3, 3.9), (0.7, 3.2), (1, 3.4)))
    wall = hard * profile(along, ((0, 1.5), (0.4, 1.3), (0.6, 0.95), (0.8, 0.58), (1, 0.28)))
    whole = bone(curve, outwards, step, thin=thin, tall=tall, wall=wall)
    spongy = profile(along, ((0, 1.0), (0.5, 0.85), (0.8, 0.5), (1, 0.2)))  # less towards the cartilage
    seen = value(
        rib, ((1, 0.8), (3, 1.0), (8, 1.0), (10, 0.7), (12, 0.5))
    )  # the last are slight, in the belly
    return Skeleton(_keep(whole.cortex, seen * kept), _keep(whole.marrow, seen * kept * spongy))


def _keep(cloud: Cloud, kept: Array) -> Cloud:
    return Cloud(cloud.points, cloud.volume * np.repeat(kept, len(cloud.volume) // len(kept)))


def displaced(curve: Array, along: Array, fracture: Break) -> tuple[Array, Array]:
    """A rib with a step at the break: the far fragment drops and sinks in, in line again after 45 mm."""
    past = (along - fracture.at) * length_of(curve)
    moved = np.where(past > 0, 1.0 - smoothstep(past / 45.0), 0.0) * fracture.step
    gap = 0.3 * fracture.step
    callus = 1.0 + 1.3 * np.exp(-((past / 11.0) ** 2))  # the ends are swollen and dense
    return curve + moved[:, None] * np.array([-0.4 * fracture.side, 1.0, 0.0]), callus * (np.abs(past) > gap)


# Spine ----------------------------------------------------------------------------------------


def _spine(chest: Chest, step: float) -> list[Skeleton]:
    bend, phase = normal(chest.seed, "scoliosis", 0.0, 4.0), uniform(chest.seed, "curve", 0.0, 6.28)
    tall = 0.40 * (_level(chest, 1) - _level(chest, 0))
    parts: list[Skeleton] = []
    for level in range(-4, 16):
        y = _level(chest, level)
        middle = np.array([bend * np.sin(y / 120 + phase), y, -0.62 * chest.half_depth])
        parts += _vertebra(middle, 14.5 + 0.45 * level, tall + 0.1 * level, step)
    return parts


def _vertebra(middle: Array, wide: float, tall: float, step: float) -> list[Skeleton]:
    """Body with its end plates, pedicles, transverse and spinous processes."""

    def rod(*knots: tuple[float, float, float]) -> Array:
        return through(middle + np.array(knots), 32)

    heights = np.linspace(-1, 1, max(6, int(2 * tall / step)))
    waist = 1 - 0.14 * (1 - heights**2)
    column = middle + np.stack([0 * heights, tall * heights, 0 * heights], axis=1)
    body = bone(column, facing(column), step, thin=0.78 * wide * waist, tall=wide * waist, wall=0.35)
    spongy = Cloud(body.marrow.points, 0.55 * body.marrow.volume)  # looser than in a rib
    parts = [Skeleton(body.cortex, spongy)]
    for end in (-tall, tall):
        plate = middle + np.array([[0.0, end + t, 0.0] for t in (-0.15, 0.0, 0.15)])
        many = int(1.5 * wide * wide / step)
        parts.append(Skeleton(filled(plate, facing(plate), thin=0.75 * wide, tall=wide, many=many), NOTHING))
    for side in (-1, 1):
        pedicle = rod((side * 0.64 * wide, -0.35 * tall, -8), (side * 0.64 * wide, -0.35 * tall, -20))
        parts.append(bone(pedicle, facing(pedicle, (1, 0, 0)), step, thin=2.6, tall=4.4, wall=0.4))
        process = rod((side * 0.64 * wide, -0.3 * tall, -22), (side * (wide + 14), -0.7 * tall, -32))
        parts.append(bone(process, facing(process), step, thin=2.6, tall=3.2, wall=0.5))
    spinous = rod((0, 0.2 * tall, -26), (0, 1.1 * tall, -52))
    return [*parts, bone(spinous, facing(spinous, (1, 0, 0)), step, thin=2.2, tall=4.0, wall=0.45)]


def _sternum(chest: Chest, step: float) -> Skeleton:
    top = chest.apex + 32.0
    front = 0.93 * chest.half_depth
    line = through(
        [(0, top, front - 18), (0, top + 45, front - 4), (0, top + 150, front + 2)], int(160 / step)
    )
    down = np.linspace(0, 1, len(line))
    wide = profile(down, ((0, 24), (0.12, 27), (0.28, 16), (0.4, 14), (0.8, 18), (1, 12)))
    return bone(line, facing(line), step, thin=5.5, tall=wide, wall=0.7)
