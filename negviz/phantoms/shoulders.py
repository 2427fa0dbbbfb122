"""The shoulder girdle: clavicles, shoulder blades and upper arms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from negviz.phantoms.anatomy import Chest
from negviz.phantoms.bones import NOTHING, Skeleton, bone, united
from negviz.phantoms.curves import facing, length_of, profile, through
from negviz.phantoms.projection import Array, Cloud
from negviz.phantoms.streams import normal, stream, uniform

# Knots (distance from the midline, below the shoulder, forward), mm, of a chest 280 mm wide.
_CLAVICLE: Final = (
    *((12, 32, 62), (24, 30, 66), (48, 28, 67), (80, 21, 52)),  # bows forward over the first rib
    *((112, 10, 20), (140, 0, -8), (158, 1, -16), (168, 4, -18)),
)
_SPINE: Final = ((84, 44, -92), (112, 26, -90), (140, 8, -74), (168, 2, -44), (176, 6, -22))
_CORACOID: Final = ((140, 22, -50), (136, 14, -28), (146, 16, -8), (152, 22, 0))
_SOCKET: Final = ((154, 10, -42), (158, 24, -40), (154, 42, -44))
_BLADE: Final = (
    *((146, 28), (134, 62), (122, 100), (112, 138), (100, 148)),  # lateral border, to the lower angle
    *((84, 120), (76, 80), (78, 44), (92, 26), (120, 18)),  # medial and upper border
)
# Half the thickness of clavicle and upper arm, and the arm's cortex, along the bone.
_CLAVICLE_GIRTH: Final = ((0, 9.8), (0.1, 8.0), (0.25, 6.3), (0.5, 5.5), (0.8, 6.2), (1, 7.4))
_ARM_GIRTH: Final = (
    *((0, 4), (0.006, 11), (0.018, 17.5), (0.036, 22), (0.06, 23.5)),  # the head is a ball
    *((0.09, 22), (0.12, 18.5), (0.18, 13.5), (0.27, 11.5), (1, 11)),
)
_ARM_WALL: Final = ((0, 1.0), (0.12, 1.4), (0.24, 3.4), (1, 3.8))


def draw_shoulder(chest: Chest, step: float, side: int) -> Skeleton:
    """Clavicle, scapula and upper arm of one side; `step` is the spacing of the quadrature points, mm."""
    seed, big = chest.seed, girdle(chest)
    origin = np.array([0.0, shoulder_height(chest, side), 0.0])
    scale = np.array([side * big, 1.0, 1.0])

    def at(knots: Sequence[tuple[float, float, float]]) -> Array:
        curve = origin + scale * np.array(knots)
        return through(curve, max(20, int(length_of(curve) / step)))

    def rod(knots: Sequence[tuple[float, float, float]], thin: float, tall: float, wall: float) -> Skeleton:
        curve = at(knots)
        round_off = _rounded(len(curve))
        return bone(curve, facing(curve), step, thin=thin * round_off, tall=tall * round_off, wall=wall)

    out = 17.0 if chest.posterior else 2.0  # rolled out of the lungs' way on PA films
    out += normal(seed, "scapula", 0.0, 5.0)
    blade = [(x + out * (200 - x) / 120, y) for x, y in _BLADE]
    return united(
        [
            _clavicle(chest, at(_CLAVICLE), step),
            _upper_arm(chest, at(arm_line(chest, side)), step),
            rod([(x, y, -82 + 0.15 * y) for x, y in blade[:5]], 2.0, 2.6, 1.5),
            rod([(x, y, -90 + 0.12 * y) for x, y in blade[4:]], 1.2, 1.3, 0.8),
            rod(_SPINE, 3.6, 6.0, 1.5),
            rod(_CORACOID, 4.5, 5.5, 0.8),
            rod(_SOCKET, 5.0, 6.0, 0.9),
            _plate(blade, origin, scale, step),
        ]
    )


def girdle(chest: Chest) -> float:
    """How wide the shoulders of a chest are, beside those of the knots above."""
    return chest.half_width / 148.0


def shoulder_height(chest: Chest, side: int) -> float:
    """Height of the shoulder, from which its bones are measured."""
    shrug = stream(chest.seed, f"shoulder {side}").normal(0, 4.0)
    hang = 18.0 if chest.posterior else 8.0
    return float(chest.apex + hang + normal(chest.seed, "shoulders", 0.0, 8.0) + shrug)


def arm_line(chest: Chest, side: int) -> list[tuple[float, float, float]]:
    """The axis of the upper arm, in the units of the knots above."""
    most = 1.1 if chest.posterior else 0.4  # elbows out on PA films
    spread = 220 * (uniform(chest.seed, "arms", 0.1, most) + uniform(chest.seed, f"arm {side}", 0.0, 0.12))
    return [(180 + spread * t, 4 + 400 * t, -14.0) for t in (0.0, 0.07, 0.18, 0.36, 0.6, 1.0)]


def _rounded(count: int) -> Array:
    """Girth along a bone whose ends are rounded, not cut off."""
    return np.asarray(np.sqrt(np.maximum(1 - np.abs(np.linspace(-1, 1, count)) ** 5, 0.02)))


def _stout(chest: Chest) -> float:
    return 0.9 if chest.female else 1.05


def _clavicle(chest: Chest, curve: Array, step: float) -> Skeleton:
    thick = _stout(chest) * profile(np.linspace(0, 1, len(curve)), _CLAVICLE_GIRTH)
    thick *= np.sqrt(np.maximum(1 - np.abs(np.linspace(-1, 1, len(curve))) ** 8, 0.05))
    return bone(curve, facing(curve), step, thin=0.8 * thick, tall=thick, wall=1.5 * _stout(chest))


def _upper_arm(chest: Chest, curve: Array, step: float) -> Skeleton:
    down = np.linspace(0, 1, len(curve))
    girth = _stout(chest) * profile(down, _ARM_GIRTH)
    return bone(curve, facing(curve), step, thin=girth, tall=girth, wall=profile(down, _ARM_WALL))


def _plate(blade: Sequence[tuple[float, float]], origin: Array, scale: Array, step: float) -> Skeleton:
    """The thin blade of the scapula as points that fill its outline."""
    outline = through(np.array([*blade, blade[0]], dtype=np.float64), 80)
    fine = 1.5 * step
    axes = [np.arange(a, b, fine) for a, b in zip(outline.min(0), outline.max(0), strict=True)]
    grid = np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)
    p, q = outline, np.roll(outline, -1, axis=0)
    crosses = (p[:, 1] > grid[:, 1:]) != (q[:, 1] > grid[:, 1:])
    at = p[:, 0] + (grid[:, 1:] - p[:, 1]) / (q[:, 1] - p[:, 1] + 1e-9) * (q[:, 0] - p[:, 0])
    inside = grid[(crosses & (grid[:, :1] < at)).sum(1) % 2 == 1]
    points = origin + scale * np.column_stack([inside, -88 + 0.14 * inside[:, 1]])
    return Skeleton(Cloud(points, np.full(len(points), 1.4 * fine**2 * scale[1])), NOTHING)
