"""Curves and shells in space, and smooth functions of one variable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from negviz.phantoms.projection import Array, Cloud


def smoothstep(value: Array) -> Array:
    """0 below 0, 1 above 1, without a corner between."""
    t = np.clip(value, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def through(knots: Sequence[tuple[float, ...]] | Array, steps: int) -> Array:
    """Points [steps, d] on a Catmull–Rom curve through the knots, evenly spaced along it."""
    k = np.asarray(knots, dtype=np.float64)
    k = np.concatenate([2 * k[:1] - k[1:2], k, 2 * k[-1:] - k[-2:-1]])
    t = np.linspace(0, len(k) - 3 - 1e-9, 8 * len(k) + steps)
    i = t.astype(np.int64)
    f = (t - i)[:, None]
    a, b, c, d = k[i], k[i + 1], k[i + 2], k[i + 3]
    dense = 0.5 * (2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f**2 + (3 * b - a - 3 * c + d) * f**3)
    return evenly(dense, steps)


def evenly(curve: Array, steps: int) -> Array:
    """The curve again with `steps` points at equal distances along it."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    at = np.linspace(0.0, along[-1], steps)
    return np.stack([np.interp(at, along, column) for column in curve.T], axis=1)


def length_of(curve: Array) -> float:
    return float(np.linalg.norm(np.diff(curve, axis=0), axis=1).sum())


def profile(at: Array, knots: Sequence[tuple[float, float]]) -> Array:
    """A smooth function through (position, value) knots, constant beyond the last ones."""
    x, v = (np.asarray(column, dtype=np.float64) for column in zip(*knots, strict=True))
    slope = np.gradient(v, x)
    q = np.clip(at, x[0], x[-1])
    i = np.clip(np.searchsorted(x, q, side="right") - 1, 0, len(x) - 2)
    h = x[i + 1] - x[i]
    t = (q - x[i]) / h
    rise = v[i + 1] - v[i]
    m0, m1 = slope[i] * h, slope[i + 1] * h
    value = v[i] + t * (m0 + t * ((3 * rise - 2 * m0 - m1) + t * (m0 + m1 - 2 * rise)))
    return np.asarray(value, dtype=np.float64)


def value(at: float, knots: Sequence[tuple[float, float]]) -> float:
    """The same at one position."""
    return float(profile(np.array([at]), knots)[0])


def facing(curve: Array, direction: tuple[float, float, float] = (0.0, 0.0, 1.0)) -> Array:
    """One direction, forward unless told, for every point of a curve."""
    return np.tile(np.asarray(direction), (len(curve), 1))


def frame(curve: Array, out: Array) -> tuple[Array, Array]:
    """Unit vectors across a curve: as near as can be to `out`, and at right angles to both."""
    tangent = np.gradient(curve, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-12
    across = out - (out * tangent).sum(1, keepdims=True) * tangent
    across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-12
    return across, np.cross(tangent, across)


def shell(
    curve: Array, out: Array, *, thin: Array | float, tall: Array | float, wall: Array | float, around: int
) -> Cloud:
    """The wall of a tube along a curve: half-axes `thin` along `out` and `tall` across it, mm."""
    n = len(curve)
    thin, tall, wall = (np.broadcast_to(np.asarray(v, dtype=np.float64), (n,)) for v in (thin, tall, wall))
    across, up = frame(curve, out)
    angle = (np.arange(around)[None, :] + 0.5 * (np.arange(n)[:, None] % 2)) * (2 * np.pi / around)
    a, b = np.cos(angle)[..., None], np.sin(angle)[..., None]
    points = (
        curve[:, None] + a * thin[:, None, None] * across[:, None] + b * tall[:, None, None] * up[:, None]
    )
    step = np.linalg.norm(np.gradient(curve, axis=0), axis=1)
    ring = np.hypot(thin[:, None] * np.sin(angle), tall[:, None] * np.cos(angle)) * (2 * np.pi / around)
    volume = ring * (step * wall)[:, None]
    return Cloud(points.reshape(-1, 3), volume.reshape(-1))


def filled(curve: Array, out: Array, *, thin: Array | float, tall: Array | float, many: int) -> Cloud:
    """What lies within such a wall: `many` points a section, each the golden angle on from the last."""
    n = len(curve)
    thin, tall = (np.broadcast_to(np.asarray(v, dtype=np.float64), (n,)) for v in (thin, tall))
    across, up = frame(curve, out)
    golden = np.pi * (3.0 - np.sqrt(5.0))
    angle = golden * (np.arange(many)[None, :] + 0.618 * many * np.arange(n)[:, None])
    radius = np.sqrt((np.arange(many) + 0.5) / many)
    a, b = (radius * np.cos(angle))[..., None], (radius * np.sin(angle))[..., None]
    points = (
        curve[:, None] + a * thin[:, None, None] * across[:, None] + b * tall[:, None, None] * up[:, None]
    )
    step = np.linalg.norm(np.gradient(curve, axis=0), axis=1)
    volume = np.repeat(np.pi * thin * tall * step / many, many)
    return Cloud(points.reshape(-1, 3), volume)
