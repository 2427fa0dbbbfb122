"""Where on a simulated film each finding lies, worked out from the chest and not from the film.

A ray crosses so much aerated lung and so much free air; a finding lies where it changes either, by a tenth or
more of what it changes most.  Each is compared, a side at a time, with the same chest without it.  Where it
moves heart or mediastinum is a mask of its own: fluid that fills one side is not where the heart now lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from negviz.films.masks import SIZE, Mask, Masks, MasksError, Part, Place, open_masks, write_masks
from negviz.phantoms import film_beam, lesions
from negviz.phantoms.anatomy import Chest, draw_chest
from negviz.phantoms.bones import draw_trunk
from negviz.phantoms.findings import SIDES, Sign, Signs, altered, breaks, read_signs, side_names
from negviz.phantoms.lungs import draw_airway
from negviz.phantoms.pleura import draw_lung
from negviz.phantoms.projection import Array, Beam, splat
from negviz.phantoms.stance import Stance, draw_stance
from training.data.phantoms.draw import code_hash, simulator_hash
from training.data.phantoms.jobs import in_processes
from training.data.phantoms.plan import Order

_SHARE: Final = 0.1  # of the greatest change
_HARD: Final = 2.0  # what a millimetre of compact bone adds to soft tissue, in millimetres of it
_PIXELS: Final = 2  # a side of a mask's pixel, on which paths are worked out
_NAMES: Final[dict[int, Part]] = {-1: "right", 1: "left"}


def masks_of(order: Order) -> dict[Place, Mask]:
    """Every mask of one film."""
    scene = _Scene.of(order)
    return {Place(order.id, name, part): mask for name in scene.signs for part, mask in scene.masks(name)}


def made_by(plan: Sequence[Order]) -> str:
    """What decides every mask: the code, and what is asked of it."""
    asked = repr([(order.id, order.seed, sorted(order.wish.items())) for order in plan])
    return f"{simulator_hash()} {code_hash([Path(__file__)])} {hashlib.sha256(asked.encode()).hexdigest()}"


def build_masks(path: Path, plan: Sequence[Order], *, jobs: int) -> None:
    """The masks of all films of `plan` in one file, unless it holds them."""
    try:
        known = open_masks(path).made_by if path.is_file() else ""
    except MasksError:  # damaged: made anew
        known = ""
    if known == made_by(plan):
        return
    made: dict[Place, Mask] = {}
    with tqdm(total=len(plan), desc="drawing masks", unit="film") as bar:
        for masks in in_processes(masks_of, plan, jobs=jobs):
            made |= masks
            bar.update()
    number = {order.id: place for place, order in enumerate(plan)}
    ordered = sorted(made.items(), key=lambda item: number[item[0].film])
    write_masks(path, Masks.pack(dict(ordered), made_by(plan)))


@dataclass(frozen=True)
class _Scene:
    """One chest before its film."""

    signs: Signs
    healthy: Chest
    chest: Chest
    stance: Stance
    beam: Beam

    @classmethod
    def of(cls, order: Order) -> _Scene:
        healthy, signs = draw_chest(order.seed), read_signs(order.seed, order.wish)
        stance = draw_stance(order.seed, healthy.posterior)
        beam = stance.plate(film_beam(order.seed, SIZE * _PIXELS, healthy, stance))
        return cls(signs, healthy, altered(healthy, signs), stance, beam)

    def masks(self, name: str) -> Iterator[tuple[Part, Mask]]:
        """Of one finding: a mask a side, and one of what it displaced."""
        less = {other: sign for other, sign in self.signs.items() if other != name}
        without = altered(self.healthy, less)
        if name == "fracture":
            for side in self.signs[name].sides:
                yield _NAMES[side], self._seen(self._broken(side))
            return
        # A heart that is larger is the finding itself; one that is pushed is what a finding did elsewhere.
        held = without if name == "cardiomegaly" else _heart_of(self.chest, without)
        ways = {side: self._way(self.chest, side, self.signs) for side in SIDES["both"]}
        changes = {side: ways[side] - self._way(held, side, less) for side in self.signs[name].sides}
        if name in side_names(self.signs):
            for side, change in changes.items():
                yield _NAMES[side], self._seen(change)
        else:
            yield "", self._seen(sum(changes.values(), np.zeros(1)))
        if held != without:
            back = _heart_of(without, self.chest)
            lungs = sum((ways[side] - self._way(back, side, self.signs) for side in ways), np.zeros(1))
            windpipe = draw_airway(self.chest, self.beam) - draw_airway(back, self.beam)
            yield "displaced", self._seen(np.concatenate([lungs, windpipe[None]]))

    def _way(self, chest: Chest, side: int, signs: Signs) -> Array:
        """Path lengths, mm, [2, size, size]: through lung as airy as a healthy one, and through free air."""
        beam, healthy = self.beam, self.healthy
        parts = draw_lung(chest, beam, side, signs, [chest.heart(beam), *chest.mediastinum(beam)])
        here = {name: Sign(sign.severity, (side,)) for name, sign in signs.items() if side in sign.sides}
        lung = parts.lung * (1 - lesions.airless(healthy, beam, here))
        if "nodule" in here:
            lung = np.maximum(lung - lesions.nodule(healthy, beam, side, here["nodule"].severity), 0)
        if "emphysema" in here:
            lung = np.maximum(lung - lesions.bullae(healthy, beam, here["emphysema"].severity)[0], 0)
        return np.stack([chest.aeration * lung, parts.air])

    def _broken(self, side: int) -> Array:
        """Path lengths, mm, [2, size, size]: of bone that one side's fractures moved, and of blood there."""
        step = 0.9 * self.beam.pixel
        places = tuple(place for place in breaks(self.healthy, self.signs) if place.side == side)
        bones = (draw_trunk(self.healthy, step, broken).cortex for broken in (places, ()))
        after, before = (splat(self.beam, bone) for bone in bones)
        solids = [self.chest.heart(self.beam), *self.chest.mediastinum(self.beam)]
        lung = draw_lung(self.chest, self.beam, side, self.signs, solids).lung
        blood = np.minimum(lesions.bruise(self.healthy, self.beam, places), lung)
        return np.stack([_HARD * (after - before), blood])

    def _seen(self, change: Array) -> Mask:
        """Where on the film a change [parts, size, size] of paths is a tenth of its greatest or more."""
        n = SIZE * _PIXELS
        film = self.stance.read(np.abs(change).max(0), self.beam, n)
        film = film.reshape(SIZE, _PIXELS, SIZE, _PIXELS).mean((1, 3))
        return np.asarray((film > 0) & (film >= _SHARE * film.max()))


def _heart_of(owner: Chest, chest: Chest) -> Chest:
    """A chest with another's heart, where that one has it."""
    return replace(chest, shift=owner.shift, ratio=owner.ratio, heart_drop=owner.heart_drop)
