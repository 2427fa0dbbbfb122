"""The beam: where a point of the chest falls on the detector, and how long a ray stays in a solid.

Lengths are millimetres.  x runs to the viewer's right (the patient's left), y down, z forward; the origin
lies in the midline at the carina.  Two kinds of solid are projected, both without a voxel grid:

- large organs are closed forms that give, for the ray of each pixel, the depth where it enters and leaves
  (`Span`); overlapping spans are united before their lengths are added, so nothing is counted twice;
- thin shells and tubes are dense quadrature points on a surface or a centre line (`Cloud`), each carrying
  its share of the volume to where its own ray meets the detector: a bone's cortex thus turns bright where
  the ray runs along it, as on a film.

No published projector is used: gVXR draws triangle meshes through the machine's OpenGL driver, so its pixels
differ from machine to machine, and DeepDRR, DiffDRR and TIGRE sample voxel volumes, mostly on a GPU, where
these solids have exact path lengths and sharp edges in about a second on one core.  The package index has no
phantom of the thorax; XCAT, the usual one, comes under a licence of its own and has no findings to turn up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Linear attenuation, 1/mm, at the mean energy of a filtered 100 kVp beam (about 60 keV; NIST XCOM).
AIR, LUNG, FAT, SOFT, FLUID = 0.00002, 0.0040, 0.0186, 0.0206, 0.0206
MARROW, CORTEX, METAL, PLASTIC = 0.0280, 0.0620, 0.7, 0.030


@dataclass(frozen=True)
class Beam:
    """A square detector and the divergent beam that falls on it."""

    size: int  # pixels a side
    field: float  # mm a side, measured in the plane z = 0
    centre: tuple[float, float]  # what the middle of the film shows, mm
    distance: float  # focus to detector, mm
    gap: float  # plane z = 0 to detector, mm
    posterior: bool  # True: the beam enters from behind (PA)
    turn: float = 0.0  # rotation of the patient about the vertical, radians

    @cached_property
    def pixel(self) -> float:
        return self.field / self.size

    def magnification(self, z: Array | float) -> Array:
        """How much larger depth z appears than the plane z = 0."""
        towards = -1.0 if self.posterior else 1.0  # from the plane z = 0 to the focus
        reach = self.distance - self.gap
        return np.asarray(reach / (reach - towards * np.asarray(z, dtype=np.float64)))

    def plane(self, z: float) -> tuple[Array, Array]:
        """Chest coordinates x [1, size] and y [size, 1] that the pixels show at depth z."""
        steps: Array = (np.arange(self.size, dtype=np.float64) + 0.5) * self.pixel - self.field / 2
        scale = float(self.magnification(z))
        x: Array = steps / scale + (self.centre[0] - z * math.sin(self.turn))
        y: Array = steps / scale + self.centre[1]
        return x[None, :], y[:, None]

    def project(self, points: Array) -> tuple[Array, Array]:
        """Pixel columns and rows, fractional, of points [n, 3]."""
        scale = self.magnification(points[:, 2])
        turned = points[:, 0] + points[:, 2] * math.sin(self.turn)
        x: Array = (turned - self.centre[0]) * scale / self.pixel
        y: Array = (points[:, 1] - self.centre[1]) * scale / self.pixel
        return x + self.size / 2 - 0.5, y + self.size / 2 - 0.5


@dataclass(frozen=True)
class Span:
    """Where each pixel's ray enters and leaves a solid: depths [size, size]; empty where back >= front."""

    back: Array
    front: Array

    @staticmethod
    def around(depth: Array | float, half: Array) -> Span:
        return Span(depth - half, depth + half)

    @cached_property
    def length(self) -> Array:
        return np.maximum(self.front - self.back, 0.0)


def overlap(inside: Span, others: Sequence[Span]) -> Array:
    """Length, mm, of `inside` that lies in at least one of the others."""
    shape = np.broadcast_shapes(inside.back.shape, *(o.back.shape for o in others))
    backs = np.stack([np.broadcast_to(np.clip(o.back, inside.back, inside.front), shape) for o in others])
    fronts = np.stack([np.broadcast_to(np.clip(o.front, inside.back, inside.front), shape) for o in others])
    order = np.argsort(backs, axis=0, kind="stable")
    backs, fronts = np.take_along_axis(backs, order, 0), np.take_along_axis(fronts, order, 0)
    total = np.zeros(shape)
    reached = np.broadcast_to(inside.back, shape)
    for back, front in zip(backs, fronts, strict=True):
        total += np.maximum(front - np.maximum(back, reached), 0.0)
        reached = np.maximum(reached, front)
    return total


@dataclass(frozen=True)
class Cloud:
    """Quadrature points [n, 3] and the volume, mm³, that each stands for."""

    points: Array
    volume: Array


def join(clouds: Sequence[Cloud]) -> Cloud:
    return Cloud(np.concatenate([c.points for c in clouds]), np.concatenate([c.volume for c in clouds]))


def splat(beam: Beam, cloud: Cloud) -> Array:
    """Path length, mm, [size, size]: each point's volume shared among the four nearest pixels."""
    column, row = beam.project(cloud.points)
    weight = cloud.volume * (beam.magnification(cloud.points[:, 2]) / beam.pixel) ** 2
    n = beam.size
    seen = (column > -1) & (column < n) & (row > -1) & (row < n)
    column, row, weight = column[seen] + 1.0, row[seen] + 1.0, weight[seen]
    left, top = column.astype(np.int64), row.astype(np.int64)
    dx, dy = column - left, row - top
    index = top * (n + 2) + left
    flat = np.zeros((n + 2) * (n + 2))
    for step, share in (
        (0, (1 - dx) * (1 - dy)),
        (1, dx * (1 - dy)),
        (n + 2, (1 - dx) * dy),
        (n + 3, dx * dy),
    ):
        flat += np.bincount(index + step, weight * share, minlength=flat.size)
    return flat.reshape(n + 2, n + 2)[1:-1, 1:-1]


def tubes(beam: Beam, points: Array, radius: Array, step: Array) -> Array:
    """Path length, mm, through round tubes given by points [n, 3] on their axes, radius and step each.

    The points are sorted into radii half an octave apart; each class is spread by the shadow of a ball.
    """
    image = np.zeros((beam.size, beam.size // 2 + 1), dtype=np.complex128)
    classes = np.round(2 * np.log2(np.maximum(radius, 0.25)))
    for octave in np.unique(classes):
        of = classes == octave
        volume = np.pi * radius[of] ** 2 * step[of]
        image += np.fft.rfft2(splat(beam, Cloud(points[of], volume))) * _ball(beam, 2.0 ** (octave / 2))
    return np.maximum(np.fft.irfft2(image, (beam.size, beam.size)), 0.0)


def _ball(beam: Beam, radius: float) -> NDArray[np.complex128]:
    """Spectrum of the shadow of a ball, normalised to unit sum, with its edge spread over a pixel."""
    distance = np.minimum(np.arange(beam.size), beam.size - np.arange(beam.size)) * beam.pixel
    squared = distance[:, None] ** 2 + distance[None, :] ** 2
    edge = 0.35 * beam.pixel
    shadow = np.sqrt(np.maximum(radius**2 + edge**2 - squared, 0.0))
    return np.asarray(np.fft.rfft2(shadow / shadow.sum()))
