"""One chest: its measures by seed, and its large organs as closed forms.

Measures are those of adults on upright films (mm).  Sides are the patient's: right is -1, left is +1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from negviz.phantoms.curves import profile, through
from negviz.phantoms.projection import Array, Beam, Span
from negviz.phantoms.streams import chance, normal, stream, uniform

AXIS: Final = 40.0  # the apex of each lung lies this far from the midline
_SHOULDER: Final = 45.0  # below this height the cage no longer narrows towards the apex
_OUTLINE: Final = (  # heart seen from the front, clockwise from the right atrium; a heart 124 mm wide
    (-41, 80),
    (-40, 60),
    (-34, 38),
    (-25, 18),
    (-4, 2),
    (20, -2),
    (35, 5),
    (45, 20),
    (56, 36),
    (69, 55),
    (79, 76),
    (84, 98),
    (80, 116),
    (66, 130),
    (36, 136),
    (0, 130),
    (-28, 114),
)
_CENTRE: Final = (16.0, 76.0)


@dataclass(frozen=True)
class Dome:
    """One half of the diaphragm: how high it stands and how far it falls to the walls."""

    top: float
    lateral: float  # fall to the side wall
    posterior: float
    anterior: float
    crest: float = 0.5  # where it is highest, in half-widths of the cage
    medial: float = 9.0  # fall from there towards the spine


@dataclass(frozen=True)
class Chest:
    """Measures of one chest; a finding is a chest with some of them replaced."""

    seed: int
    female: bool
    heavy: float  # 0 slim, 1 obese
    age: float
    posterior: bool  # PA film
    supine: bool  # on the back: fluid spreads behind the lung, air before it
    half_width: float  # of the rib cage inside, at its widest
    half_depth: float
    apex: float
    domes: tuple[Dome, Dome]  # right, left
    ratio: float  # cardiothoracic, as intended
    heart_drop: float  # how far the heart hangs lower than usual
    shift: float = 0.0  # of heart and mediastinum towards the patient's left
    aeration: float = 1.0  # density of the lungs relative to a healthy one

    @property
    def base_width(self) -> float:
        """Inside width of the cage where the cardiothoracic ratio is measured."""
        return 2 * float(self.wall(np.array([self.domes[0].top]))[0])

    def breadth(self, y: Array) -> Array:
        """Half-width of the cage if it did not narrow towards the apex."""
        t = (y - self.apex) / (150.0 - self.apex)
        knots = (
            (-0.2, 0.70),
            (0.0, 0.76),
            (0.3, 0.865),
            (0.55, 0.945),
            (0.8, 0.995),
            (1.0, 1.0),
            (1.3, 0.96),
        )
        return self.half_width * profile(t, knots)

    def rise(self, y: Array) -> Array:
        """0 where the cage has its full section, 1 at the apex (to the power of its rounding)."""
        return np.clip((_SHOULDER - y) / (_SHOULDER - self.apex), 0.0, None) ** 2.5

    def wall(self, y: Array) -> Array:
        """Distance of the side wall's inside from the midline at height y."""
        room = np.clip(1.0 - self.rise(y), 0.0, None)
        return AXIS + (self.breadth(y) - AXIS) * np.sqrt(room)

    def deepest(self, y: Array) -> Array:
        """Half-depth of the cage at height y, its rounding at the apex left aside: shallow at the top."""
        knots = ((0.0, 0.56), (45.0, 0.72), (90.0, 0.90), (130.0, 0.98), (170.0, 1.0))
        return self.half_depth * profile(y - self.apex, knots)

    def depth(self, y: Array) -> Array:
        """Half-depth of the cage at height y."""
        return self.deepest(y) * np.sqrt(np.clip(1.0 - self.rise(y), 0.0, None))

    def cavity(self, beam: Beam, side: int) -> Span:
        """The space of one lung before diaphragm and mediastinum are taken away."""
        x, y = beam.plane(0.0)
        lateral = (side * x - AXIS) / (self.breadth(y) - AXIS)
        medial = (AXIS - side * x) / self.room(y, side)
        section = np.where(lateral > 0, np.abs(lateral) ** 2.3, np.abs(medial) ** 2.2)
        half = self.deepest(y) * np.sqrt(np.maximum(1.0 - section - self.rise(y), 0.0))
        return Span.around(0.0, half)

    def room(self, y: Array, side: int) -> Array:
        """From a lung's axis to the middle and a little beyond: more where the middle is pushed away."""
        return AXIS + 4.0 - side * self.midline(y)

    def dome(self, beam: Beam, side: int) -> Span:
        """What lies under one half of the diaphragm, along each ray."""
        return self.under(beam, side, self.domes[side > 0])

    def under(self, beam: Beam, side: int, dome: Dome) -> Span:
        depth = self.half_depth
        x, y = beam.plane(0.0)
        centre = dome.crest * self.half_width
        out, inward = (side * x - centre) / (self.half_width - centre), 1 - side * x / centre
        fall = np.where(out > 0, dome.lateral * np.abs(out) ** 2.3, dome.medial * inward**2)
        below = np.sqrt(np.maximum(y - dome.top - fall, 0.0))
        crest = 0.25 * depth
        back = crest - (depth + crest) / np.sqrt(dome.posterior) * below
        front = crest + (depth - crest) / np.sqrt(dome.anterior) * below
        return Span(back, np.where(below > 0, front, back))

    @property
    def heart_outline(self) -> Array:
        """Points [n, 2] of the heart's border, its width what the cardiothoracic ratio says."""
        width = self.ratio * self.base_width
        outline = np.array(_OUTLINE, dtype=np.float64)
        grown = width / np.ptp(outline[:, 0])
        big = max(self.ratio - 0.48, 0.0) / 0.2  # a failing heart grows to the left and rounds off
        x = outline[:, 0] * grown * np.where(outline[:, 0] > 0, 1 + 0.04 * big, 1 - 0.06 * big)
        tall = 0.68 + 0.32 * grown
        y = _CENTRE[1] + (outline[:, 1] - _CENTRE[1]) * tall
        wobble = stream(self.seed, "heart outline").normal(0, 1.2, outline.shape)
        return np.stack([x + self.shift, y + self.heart_drop], 1) + wobble

    def heart(self, beam: Beam) -> Span:
        """The heart: its outline swollen to a solid, thinner towards its border."""
        outline = self.heart_outline
        grown = self.ratio * self.base_width / 124.0
        forward = 0.22 * self.half_depth
        x, y = beam.plane(forward)
        cx, cy = outline[:, 0].mean(), outline[:, 1].mean()
        angles = np.arctan2(outline[:, 1] - cy, outline[:, 0] - cx)
        order = np.argsort(angles)
        radius = np.hypot(*(outline - (cx, cy)).T)[order]
        turns = np.concatenate([angles[order] - 2 * np.pi, angles[order], angles[order] + 2 * np.pi])
        dense = through(np.stack([turns * 40, np.tile(radius, 3)], 1), 900)
        border = np.interp(np.arctan2(y - cy, x - cx), dense[:, 0] / 40, dense[:, 1])
        inward = (x - cx) ** 2 + (y - cy) ** 2
        half = (
            0.66 * self.half_depth * grown**0.7 * np.maximum(1.0 - (inward / border**2) ** 1.25, 0.0) ** 0.62
        )
        return Span.around(forward, half)

    def midline(self, y: Array) -> Array:
        """Where the middle of the mediastinum lies at height y: 0 unless something pushes it."""
        return self.shift * profile(y, ((-130, 0.15), (-40, 0.8), (60, 1.0), (120, 0.6)))

    def mediastinum(self, beam: Beam) -> list[Span]:
        """What lies between the lungs besides the heart: spine and vessels, united with it later."""
        broad = normal(self.seed, "mediastinum", 1.0, 0.1) + 0.18 * self.heavy
        x, y = beam.plane(-0.6 * self.half_depth)
        spine = profile(y, ((-140, 24), (-60, 24), (60, 25), (140, 27)))
        behind = 0.34 * self.half_depth * np.maximum(1.0 - (x / spine) ** 2, 0.0) ** 1.25
        x, y = beam.plane(0.1 * self.half_depth)
        middle = self.midline(y)
        right = profile(  # neck, paratracheal stripe along the windpipe, root of the right hilum
            y,
            (
                *((-150, 38), (-118, 27), (-85, 21), (-50, 23), (-22, 26), (0, 28)),
                *((14, 23), (70, 17), (140, 13)),
            ),
        )
        left = profile(  # subclavian artery, concave above the knob and below it, pulmonary trunk, auricle
            y,
            (
                *((-150, 40), (-118, 30), (-92, 24), (-66, 24), (-44, 28), (-24, 28)),
                *((-10, 28), (6, 34), (20, 35), (34, 31), (70, 21), (140, 15)),
            ),
        )
        across = np.where(x > middle, (x - middle) / left, (middle - x) / right) / broad
        thick = self.half_depth * profile(y, ((-100, 0.55), (-40, 0.62), (20, 0.66), (100, 0.7)))
        before = thick * np.maximum(1.0 - across**2, 0.0) ** profile(y, ((-90, 1.15), (-40, 1.0), (40, 0.9)))
        return [
            Span.around(-0.7 * self.half_depth, behind),
            Span.around(0.1 * self.half_depth, before),
            *(self._vessel(beam, *tube) for tube in self._great_vessels()),
        ]

    def _great_vessels(self) -> list[tuple[tuple[tuple[float, float], ...], float, float, float, float]]:
        """Centre line (y, x), depth, radius, first and last height of each upright great vessel."""
        old = (self.age - 50) / 30
        knob = 15.0 + 3.0 * old + normal(self.seed, "knob", 0.0, 1.4)
        high = normal(self.seed, "knob height", -36.0, 4.0)
        wide = normal(self.seed, "cava", 10.5, 1.2)
        return [
            (((-80, -17), (-40, -24), (30, -25)), 18.0, wide, -110.0, 70.0),  # superior vena cava
            (((-30, -8), (0, -14 - 3 * old), (40, -10)), 24.0, 17 + 2 * old, high - 14, 70.0),  # ascending
            (((-60, 18), (high, 20 + 4 * old)), -12.0, knob, high - knob, high + 1.6 * knob),  # knob
            (((-40, 23 + 2 * old), (20, 20 + 2 * old), (130, 12)), -58.0, 0.8 * knob, high - 8, 240.0),
        ]

    def _vessel(
        self,
        beam: Beam,
        line: tuple[tuple[float, float], ...],
        depth: float,
        radius: float,
        first: float,
        last: float,
    ) -> Span:
        x, y = beam.plane(depth)
        centre = profile(y, line) + self.shift * profile(y, ((-130, 0.15), (-40, 0.8), (60, 1.0)))
        ends = np.maximum(np.maximum(first + radius - y, y - (last - radius)), 0.0)
        half = np.sqrt(np.maximum(radius**2 - ends**2 - (x - centre) ** 2, 0.0))
        return Span.around(depth, half)


def draw_chest(seed: int) -> Chest:
    """A healthy adult's chest, every measure from its own stream."""
    female = chance(seed, "sex", 0.5)
    heavy = uniform(seed, "heavy", 0.0, 1.0) ** 1.3
    posterior = not chance(seed, "view", 0.2)
    width = normal(seed, "width", 133.0 if female else 145.0, 7.0) + 4 * heavy
    breath = normal(seed, "breath", 0.0 if posterior else -16.0, 10.0) - 10 * heavy
    right = normal(seed, "right dome", 112.0 if female else 122.0, 7.0) + breath
    left = right + normal(seed, "left dome", 11.0, 6.0)
    domes = tuple(
        Dome(top, normal(seed, f"fall {i}", 54, 7), normal(seed, f"behind {i}", 62, 6), 26.0)
        for i, top in enumerate((right, left))
    )
    return Chest(
        seed=seed,
        female=female,
        heavy=heavy,
        age=uniform(seed, "age", 20, 85),
        posterior=posterior,
        supine=not posterior and chance(seed, "supine", 0.55),
        half_width=width,
        half_depth=normal(seed, "depth", 88.0 if female else 97.0, 5.0) + 5 * heavy,
        apex=normal(seed, "apex", -108.0, 5.0),
        domes=(domes[0], domes[1]),
        ratio=normal(seed, "ratio", 0.44, 0.02) + 0.015 * heavy - (0.0 if posterior else 0.01),
        heart_drop=max(0.62 * (right - 100.0), left - 124.0),  # it rests on the diaphragm
    )
