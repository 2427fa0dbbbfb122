"""Simulated chest films: the same chest with and without a finding, at any severity.

`simulate` builds an adult chest from a seed, puts findings into it, and takes its radiograph (see
`projection` for the physics).  No pixel of a real film enters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from negviz.phantoms.anatomy import Chest, draw_chest
from negviz.phantoms.appearance import collimated, developed, draw_look, to_image
from negviz.phantoms.detector import draw_exposure, intensity, read_out
from negviz.phantoms.devices import draw_marker
from negviz.phantoms.findings import (
    VISIBLE,
    PhantomError,
    Severity,
    Side,
    altered,
    denied,
    read_signs,
    side_names,
    stated,
)
from negviz.phantoms.projection import Beam
from negviz.phantoms.stance import Stance, draw_stance
from negviz.phantoms.streams import normal, uniform
from negviz.phantoms.thorax import Measures, healthy_density, project

__all__ = ["VISIBLE", "Measures", "Phantom", "PhantomError", "Severity", "Side", "simulate"]


@dataclass(frozen=True)
class Phantom:
    """One simulated film and all that is known of it."""

    image: Image.Image  # mode "L"
    seed: int
    view: str  # "PA" or "AP"
    findings: frozenset[str]  # what a reader would state; {"normal"} where there is nothing
    denied: frozenset[str]  # what a reader could rule out
    severities: Mapping[str, float]
    sides: Mapping[str, Side]
    measures: Measures


def simulate(
    seed: int, findings: Mapping[str, Severity | float] | Sequence[str] = (), size: int = 512
) -> Phantom:
    """Simulate one frontal film, `size` pixels a side.

    `findings` maps names of `negviz.findings` to severities in [0, 1], with a side where one is wanted,
    or lists names, whose severities the seed then draws.  The same arguments give the same pixels, and
    the same seed the same chest whatever its findings.  Raises `PhantomError`.
    """
    _check_whole("seed", seed, 0, 2**63 - 1)
    _check_whole("size", size, 64, 2048)
    seed, size = int(seed), int(size)
    signs = read_signs(seed, findings)
    healthy = draw_chest(seed)
    chest = altered(healthy, signs)
    stance = draw_stance(seed, healthy.posterior)
    film = film_beam(seed, size, healthy, stance)
    plate = stance.plate(film)
    exposure = draw_exposure(seed, healthy.posterior)
    shadow, measures = project(healthy, chest, plate, signs)
    attenuation = stance.read(shadow, plate, size) + draw_marker(seed, film)
    look = draw_look(seed, healthy_density(healthy, film, exposure))
    grey = developed(read_out(intensity(attenuation, film, exposure), film, exposure, seed), look, film)
    return Phantom(
        image=to_image(collimated(grey, film, seed)),
        seed=seed,
        view="PA" if healthy.posterior else "AP",
        findings=stated(signs),
        denied=denied(signs),
        severities={name: sign.severity for name, sign in signs.items()},
        sides=side_names(signs),
        measures=measures,
    )


def _check_whole(name: str, given: object, low: int, high: int) -> None:
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or not low <= given <= high:
        raise PhantomError(f"The {name} must be a whole number from {low} to {high}, not {given!r}.")


def film_beam(seed: int, size: int, chest: Chest, stance: Stance) -> Beam:
    """The film [size, size] of one healthy chest, and the beam that takes it."""
    posterior = chest.posterior
    above = max(normal(seed, "above the apices", 34.0, 12.0), 14.0)  # mm; no film cuts them off
    return Beam(
        size=size,
        field=stance.width,
        centre=(normal(seed, "centre x", 0.0, 12.0), chest.apex - above + 0.5 * stance.height),
        distance=uniform(seed, "distance", 1780, 1850)
        if posterior
        else uniform(seed, "distance", 1050, 1400),
        gap=chest.half_depth + 25.0,
        posterior=posterior,
        turn=float(np.radians(normal(seed, "turn", 0.0, 2.4 if posterior else 4.0))),
    )
