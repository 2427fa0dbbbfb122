"""The whole chest in the beam: every part's path length times what it absorbs, added up."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from negviz.phantoms import lesions
from negviz.phantoms.anatomy import Chest
from negviz.phantoms.bones import Break, draw_trunk, united
from negviz.phantoms.curves import smoothstep
from negviz.phantoms.detector import Exposure, blurred, intensity
from negviz.phantoms.devices import draw_devices
from negviz.phantoms.findings import Signs, breaks
from negviz.phantoms.lungs import draw_airway, draw_hila, draw_vessels
from negviz.phantoms.pleura import Lung, draw_lung
from negviz.phantoms.projection import AIR, CORTEX, FAT, FLUID, LUNG, MARROW, SOFT, Array, Beam, Span, splat
from negviz.phantoms.shoulders import draw_shoulder
from negviz.phantoms.textures import clouds
from negviz.phantoms.tissue import draw_flesh


@dataclass(frozen=True)
class Measures:
    """What can be measured in the simulated chest."""

    cardiothoracic_ratio: float  # of the heart's shadow, with the magnification of the film
    effusion_ml: float
    pneumothorax_ml: float
    lung_ml: float  # aerated lung


def project(healthy: Chest, chest: Chest, beam: Beam, signs: Signs) -> tuple[Array, Measures]:
    """Attenuation [size, size] along each ray, and what was measured on the way."""
    heart = chest.heart(beam)
    lungs = [draw_lung(chest, beam, side, signs, [heart, *chest.mediastinum(beam)]) for side in (-1, 1)]
    both = Lung(*(np.maximum(*pair) for pair in zip(*map(_layers, lungs), strict=True)))
    flesh = draw_flesh(healthy, beam)
    windpipe = draw_airway(chest, beam)
    total = SOFT * (flesh.soft - both.space + both.pleura) + FAT * flesh.fat + FLUID * both.fluid
    windpipe *= 1 - np.clip(both.space / 110.0, 0, 1)  # where lung lies about it, it displaces little
    total += AIR * both.air - (SOFT - AIR) * (flesh.gas + windpipe)
    grown = np.maximum(heart.length - healthy.heart(beam).length, 0.0)  # a larger heart displaces vessels
    total += _parenchyma(healthy, chest, beam, signs, both, 1 - np.clip(grown / healthy.half_depth, 0, 1))
    total += _bone(healthy, beam, breaks(healthy, signs))
    total += draw_devices(healthy, beam)
    return total, _measured(chest, beam, heart, lungs)


def _layers(lung: Lung) -> tuple[Array, ...]:
    return tuple(getattr(lung, field.name) for field in fields(lung))


def _parenchyma(healthy: Chest, chest: Chest, beam: Beam, signs: Signs, both: Lung, free: Array) -> Array:
    """Attenuation of the aerated lungs, their vessels and what findings put in place of air."""
    lung = both.lung
    blood, bronchi = draw_vessels(healthy, chest, beam, signs)
    part = lesions.airless(healthy, beam, signs)
    filled = part * lung
    solid = filled + both.solid
    held = smoothstep((lung + both.solid) / 90.0) * np.clip(
        1.6 * (lung + both.solid) / np.maximum(both.space, 1.0), 0, 1
    )  # where lung surrounds them
    held *= free
    texture = 1 + 0.06 * clouds(chest.seed, "parenchyma", beam, 6.0, 1.4)
    total = LUNG * chest.aeration * both.packed * texture * (lung - filled) + 0.95 * SOFT * solid
    blood = blood + draw_hila(healthy, chest, beam, signs)
    aerated = (lung - filled) / np.maximum(lung + both.solid, 1.0)
    total += (SOFT - LUNG) * blood * held * aerated
    total -= 0.9 * SOFT * np.minimum(bronchi, both.solid) * smoothstep(both.dense / 0.5) * held
    if "nodule" in signs:
        for side in signs["nodule"].sides:
            ball = lesions.nodule(healthy, beam, side, signs["nodule"].severity)
            total += SOFT * np.minimum(ball, lung)
    broken = breaks(healthy, signs)
    if broken:
        total += SOFT * np.minimum(lesions.bruise(healthy, beam, broken), lung)
    if "emphysema" in signs:
        hollow, wall = lesions.bullae(healthy, beam, signs["emphysema"].severity)
        inside = smoothstep(lung / 55.0)
        total += (SOFT * wall - LUNG * chest.aeration * np.minimum(hollow, lung)) * inside
    return total


@lru_cache(maxsize=2)
def _bone(healthy: Chest, beam: Beam, broken: tuple[Break, ...]) -> Array:
    step = 0.9 * beam.pixel
    shoulders = [draw_shoulder(healthy, step, side) for side in (-1, 1)]
    skeleton = united([draw_trunk(healthy, step, broken), *shoulders])
    cortex = blurred(splat(beam, skeleton.cortex), 0.75)
    marrow = blurred(splat(beam, skeleton.marrow), 1.3 / beam.pixel)
    return (CORTEX - SOFT) * cortex + (MARROW - SOFT) * marrow


def healthy_density(healthy: Chest, beam: Beam, exposure: Exposure) -> Array:
    """Density of the large organs alone, findings aside, on a coarse film: what the display is set by."""
    small = Beam(96, beam.field, beam.centre, beam.distance, beam.gap, beam.posterior, beam.turn)
    solids: list[Span] = [healthy.heart(small), *healthy.mediastinum(small)]
    lungs = [draw_lung(healthy, small, side, {}, solids).lung for side in (-1, 1)]
    flesh = draw_flesh(healthy, small)
    lung = np.maximum(*lungs)
    total = SOFT * (flesh.soft - lung) + FAT * flesh.fat + LUNG * lung
    return np.asarray(-np.log(intensity(total, small, exposure)))


def _measured(chest: Chest, beam: Beam, heart: Span, lungs: list[Lung]) -> Measures:
    columns = np.flatnonzero((heart.length > 2.0).any(axis=0))
    shown = float(np.ptp(columns) + 1) * beam.pixel if len(columns) else 0.0
    ml = beam.pixel**2 / 1000
    return Measures(
        cardiothoracic_ratio=shown / chest.base_width,
        effusion_ml=float(sum(lung.fluid.sum() for lung in lungs)) * ml,
        pneumothorax_ml=float(sum(lung.air.sum() for lung in lungs)) * ml,
        lung_ml=float(sum(lung.lung.sum() for lung in lungs)) * ml,
    )
