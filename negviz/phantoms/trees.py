"""Arteries, veins and airways of the lungs: trees that fill a volume and taper as Murray's law says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from negviz.phantoms.anatomy import Chest
from negviz.phantoms.projection import Array
from negviz.phantoms.streams import stream

Knots = Sequence[tuple[float, float, float]]
_ARTERY: dict[int, tuple[Knots, ...]] = {
    -1: (
        ((-16, 8, 8), (-34, 9, 2), (-44, 20, -6), (-50, 42, -14), (-53, 66, -22)),
        ((-34, 9, 2), (-44, -10, 2), (-50, -32, 0)),
    ),
    1: (
        ((14, 0, 8), (32, -8, -2), (44, 0, -14), (48, 22, -22), (50, 50, -28)),
        ((32, -8, -2), (44, -24, 0), (50, -42, 2)),
    ),
}
_VEIN: dict[int, tuple[Knots, ...]] = {
    -1: (
        ((-14, 40, -14), (-34, 34, 4), (-48, 16, 12), (-58, -12, 14)),
        ((-14, 52, -24), (-42, 60, -34), (-64, 80, -42)),
    ),
    1: (
        ((18, 38, -14), (38, 26, 4), (50, 4, 12), (58, -20, 14)),
        ((18, 52, -26), (44, 62, -36), (64, 82, -44)),
    ),
}


@dataclass(frozen=True)
class Tree:
    """Nodes [n, 3], each one's parent (the root its own), and the radius of the way to the parent."""

    nodes: Array
    parent: NDArray[np.int64]
    radius: Array


@lru_cache(maxsize=8)
def draw_tree(chest: Chest, kind: str, side: int, twigs: int) -> Tree:
    """One lung's arteries or veins, grown from the hilum to `twigs` places spread through the lung.

    Kept for the next film of the same chest, as are its bones and its flesh; nobody writes into them.
    """
    guides = (_ARTERY if kind == "artery" else _VEIN)[side]
    stem = _trunk(guides)
    trunk = len(stem[0])
    targets = _places(chest, f"{kind} {side}", side, twigs)
    nodes, parent = _grow(*stem, targets)
    nodes = _relaxed(nodes, parent, 3)
    return Tree(nodes, parent, _radii(nodes, parent, chest, trunk))


def _trunk(guides: tuple[Knots, ...]) -> tuple[list[Array], list[int], list[float]]:
    nodes: list[Array] = []
    parent: list[int] = []
    way: list[float] = []
    for guide in guides:
        for i, knot in enumerate(np.asarray(guide, dtype=np.float64)):
            if i == 0 and nodes:
                last = int(np.argmin([np.linalg.norm(n - knot) for n in nodes]))
                if np.linalg.norm(nodes[last] - knot) < 1.0:
                    continue
            elif i == 0:
                last = 0
            elif i == 1 and guide is not guides[0]:
                first = np.asarray(guide[0], dtype=np.float64)
                last = int(np.argmin([np.linalg.norm(n - first) for n in nodes]))
            else:
                last = len(nodes) - 1
            nodes.append(knot)
            parent.append(last)
            way.append(0.0)
    return nodes, parent, way


def _places(chest: Chest, name: str, side: int, count: int) -> Array:
    """Points spread through one lung, away from its walls."""
    draw = stream(chest.seed, name)
    dome = chest.domes[side > 0]
    many = draw.uniform(size=(count * 6, 3))
    y = chest.apex + 4 + many[:, 1] * (dome.top + 55 - chest.apex - 4)
    wall = chest.wall(y) - 2.0
    x = 20 + many[:, 0] * (wall - 20)
    bow = np.sqrt(np.clip(1 - ((x - 37) / (wall - 37)).clip(0, 1) ** 2.3, 0, 1))
    z = (2 * many[:, 2] - 1) * 0.96 * chest.depth(y) * bow
    out = (x - 0.5 * chest.half_width) / (0.5 * chest.half_width)
    drop = dome.top + np.where(out > 0, dome.lateral * np.abs(out) ** 2.3, 9 * out**2)
    crest = 0.25 * chest.half_depth
    drop += (
        np.where(z < crest, dome.posterior, dome.anterior) * ((z - crest) / (chest.half_depth + crest)) ** 2
    )
    heart = (
        (z > -0.2 * chest.half_depth)
        & (y > 10)
        & (x < (46 if side < 0 else 88) * np.clip((y + 30) / 120, 0, 1))
    )
    good = (y < drop - 3) & (np.abs(z) < chest.depth(y)) & ~heart & (x > 30 - 6 * (z < -20))
    return np.stack([side * x, y, z], axis=1)[good][:count]


def _grow(
    nodes: list[Array], parent: list[int], way: list[float], targets: Array
) -> tuple[Array, NDArray[np.int64]]:
    """Join the targets, nearest to the hilum first, each by the way that is short and leads on outwards."""
    root = nodes[0]
    order = np.argsort(np.linalg.norm(targets - root, axis=1), kind="stable")
    room = len(nodes) + 12 * len(targets)
    place, back, path = np.zeros((room, 3)), np.zeros(room, dtype=np.int64), np.zeros(room)
    n = len(nodes)
    place[:n], back[:n], path[:n] = nodes, parent, way
    for target in targets[order]:
        gap = np.sqrt(((place[:n] - target) ** 2).sum(1))
        start = int(np.argmin(gap + 0.55 * path[:n]))
        pieces = int(np.clip(gap[start] // 7 + 1, 1, 12))
        for i in range(1, pieces + 1):
            if n == room:
                break
            place[n] = place[start] + (target - place[start]) * (i / pieces)
            back[n] = start if i == 1 else n - 1
            path[n] = path[start] + gap[start] * i / pieces
            n += 1
    return place[:n], back[:n]


def _relaxed(nodes: Array, parent: NDArray[np.int64], rounds: int) -> Array:
    """Corners rounded: every node moves towards the mean of its parent and its children."""
    nodes = nodes.copy()
    for _ in range(rounds):
        total, count = nodes[parent].copy(), np.ones(len(nodes))
        np.add.at(total, parent[1:], nodes[1:])
        np.add.at(count, parent[1:], 1.0)
        nodes = np.where((count > 1)[:, None], 0.5 * nodes + 0.5 * total / count[:, None], nodes)
    return nodes


def _radii(nodes: Array, parent: NDArray[np.int64], chest: Chest, trunk: int) -> Array:
    """Murray's law from the twigs inwards; twigs of the bases, which get more blood, are wider."""
    wide = np.zeros(len(nodes))  # the hilar vessels, whatever they feed
    wide[:trunk] = np.linspace(7.4, 4.2, trunk)
    low = np.clip((nodes[:, 1] - chest.apex) / (chest.domes[0].top - chest.apex), 0, 1)
    twig = (0.46 + 0.22 * low) ** 2.4
    leaf = np.ones(len(nodes), dtype=bool)
    leaf[parent[1:]] = False
    flow = np.where(leaf, twig, 0.0)
    for i in range(len(nodes) - 1, 0, -1):
        flow[parent[i]] += flow[i]
    return np.maximum(flow ** (1 / 2.4), wide)


def along(tree: Tree, step: float) -> tuple[Array, Array, Array]:
    """Points [n, 3] on the tree's axes, with radius and the length each stands for."""
    start, end = tree.nodes[tree.parent], tree.nodes
    length = np.linalg.norm(end - start, axis=1)
    pieces = np.ceil(length / step).astype(np.int64)
    which = np.repeat(np.arange(len(length)), pieces)
    first = np.repeat(np.cumsum(pieces) - pieces, pieces)
    t = (np.arange(len(which)) - first + 0.5) / pieces[which]
    points = start[which] + t[:, None] * (end - start)[which]
    thick = np.minimum(tree.radius[tree.parent], 1.35 * tree.radius)
    radius = thick[which] * (1 - t) + tree.radius[which] * t
    return points, radius, length[which] / pieces[which]
