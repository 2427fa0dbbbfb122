"""What is asked of the simulator: findings, how severe, on which side; and what they do to the chest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from negviz.findings import ABNORMAL, FINDINGS
from negviz.phantoms.anatomy import Chest, Dome
from negviz.phantoms.bones import Break
from negviz.phantoms.streams import chance, stream, uniform

Side = Literal["right", "left", "both"]
VISIBLE: Final = 0.15  # a milder finding is neither stated nor denied: no reader could be sure
SIDES: Final[dict[Side, tuple[int, ...]]] = {"right": (-1,), "left": (1,), "both": (-1, 1)}
_SEEN: Final = {"fracture": 0.5}  # and in a rib, fragments that are hardly out of line
_MASSIVE: Final = 0.7  # an effusion beyond it pushes the mediastinum away
_TENSE: Final = 0.65  # and a pneumothorax beyond this
_SIDELESS: Final = ("cardiomegaly", "edema", "emphysema", "normal")
_IMPLIED: Final = {  # a film with the first may also have the others, hidden or alike: they are not denied
    "consolidation": ("opacity", "atelectasis"),
    "opacity": ("consolidation", "atelectasis", "edema"),
    "atelectasis": ("opacity", "consolidation"),
    "edema": ("opacity", "consolidation"),
    "nodule": ("opacity",),
    "effusion": ("atelectasis", "opacity", "consolidation"),
    "pneumothorax": ("atelectasis",),
}


class PhantomError(ValueError):
    """A request the simulator cannot meet; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Severity:
    """How severe, from 0 (absent) to 1, and on which side of the patient (None: drawn by the seed)."""

    value: float
    side: Side | None = None


@dataclass(frozen=True)
class Sign:
    """One finding as it will be simulated."""

    severity: float
    sides: tuple[int, ...]  # -1 right, +1 left


Signs = Mapping[str, Sign]


def read_signs(seed: int, findings: Mapping[str, Severity | float] | Sequence[str]) -> dict[str, Sign]:
    """The findings asked for, in the order of `FINDINGS`; those of severity 0 are left out."""
    asked = {name: _severity(name, wish) for name, wish in _named(seed, findings).items()}
    present = {name: asked[name] for name in ABNORMAL if name in asked and asked[name].value > 0}
    if "normal" in asked and present:
        raise PhantomError(f"A normal film has no {', '.join(present)}; leave out one of the two.")
    return {name: Sign(wish.value, _sides(seed, name, wish.side)) for name, wish in present.items()}


def _named(seed: int, findings: object) -> dict[str, object]:
    """Names and what is wished of each; names alone get a severity from the seed."""
    if isinstance(findings, str) or not isinstance(findings, Mapping | Sequence):
        raise PhantomError(f"Give findings as a mapping to severities or a list of names, not {findings!r}.")
    for name in findings:
        if name not in FINDINGS:
            raise PhantomError(f"{name!r} is not a finding; choose from {', '.join(FINDINGS)}.")
    if isinstance(findings, Mapping):
        return dict(findings)
    return {name: uniform(seed, f"severity {name}", 0.35, 1.0) for name in findings}


def _severity(name: str, wish: object) -> Severity:
    value, side = (wish.value, wish.side) if isinstance(wish, Severity) else (wish, None)
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value <= 1:
        raise PhantomError(f"The severity of {name} must be a number from 0 to 1, not {value!r}.")
    if side is not None and side not in SIDES:
        raise PhantomError(f"The side of {name} must be right, left or both, not {side!r}.")
    if side is not None and name in _SIDELESS:
        raise PhantomError(f"{name.capitalize()} has no side; give its severity alone.")
    return Severity(float(value), side)


def _sides(seed: int, name: str, side: Side | None) -> tuple[int, ...]:
    if name in _SIDELESS:
        return SIDES["both"]
    if side is not None:
        return SIDES[side]
    both = {"effusion": 0.25, "atelectasis": 0.3, "opacity": 0.25}.get(name, 0.0)
    if chance(seed, f"both sides {name}", both):
        return SIDES["both"]
    return SIDES["right" if chance(seed, f"side {name}", 0.5) else "left"]


def stated(signs: Signs) -> frozenset[str]:
    """What a reader of the film would state."""
    if not signs:
        return frozenset({"normal"})
    return frozenset(name for name, sign in signs.items() if sign.severity >= seen_from(name))


def seen_from(name: str) -> float:
    """The severity from which a reader would state a finding."""
    return _SEEN.get(name, VISIBLE)


def denied(signs: Signs) -> frozenset[str]:
    """What a reader could rule out: all that is absent, and that nothing present looks like or hides."""
    alike = {other for name in signs for other in _IMPLIED.get(name, ())}
    if "effusion" in signs and signs["effusion"].severity > _MASSIVE:
        alike |= {"cardiomegaly", "nodule", "edema"}
    return frozenset(ABNORMAL) - alike - set(signs)


def side_names(signs: Signs) -> dict[str, Side]:
    """The side of each finding that has one."""
    names: dict[tuple[int, ...], Side] = {sides: name for name, sides in SIDES.items()}
    return {name: names[sign.sides] for name, sign in signs.items() if name not in _SIDELESS}


# What findings do to the measures of a chest --------------------------------------------------


def altered(chest: Chest, signs: Signs) -> Chest:
    """The chest with a larger heart, moved mediastinum, raised or flattened domes."""
    level = {name: sign.severity for name, sign in signs.items()}
    ratio = chest.ratio
    if "cardiomegaly" in level:
        ratio += (uniform(chest.seed, "largest heart", 0.665, 0.695) - ratio) * level["cardiomegaly"] ** 0.85
    hollow = level.get("emphysema", 0.0)
    domes = tuple(_moved(chest, side, signs, hollow) for side in (-1, 1))
    return replace(
        chest,
        ratio=ratio * (1 - 0.13 * hollow),
        shift=_shift(signs),
        domes=(domes[0], domes[1]),
        aeration=1 - 0.52 * hollow,
        heart_drop=chest.heart_drop + 29 * hollow,
    )


def _moved(chest: Chest, side: int, signs: Signs, hollow: float) -> Dome:
    dome, up, deeper = chest.domes[side > 0], 0.0, 0.0
    if "atelectasis" in signs and side in signs["atelectasis"].sides:
        up = 24.0 * max(signs["atelectasis"].severity - 0.2, 0.0)
    if "pneumothorax" in signs and side in signs["pneumothorax"].sides:
        severity = signs["pneumothorax"].severity
        up -= 70.0 * max(severity - _TENSE, 0.0)
        deeper = 0.7 * severity if chest.supine else 0.0  # the deep sulcus
    return replace(
        dome,
        top=dome.top - up + 26 * hollow,
        lateral=dome.lateral * (1 - 0.62 * hollow + deeper),
        posterior=dome.posterior * (1 - 0.6 * hollow),
        anterior=dome.anterior * (1 - 0.4 * hollow + deeper),
    )


def _shift(signs: Signs) -> float:
    """Fluid and air under pressure push the mediastinum away, a lobe that has lost its air draws it near.

    A lung that has collapsed makes room for the fluid: then nothing moves.
    """
    total = 0.0
    for side in SIDES["both"]:
        fluid, air, collapse = (
            most * max(signs[name].severity - start, 0.0) / (1 - start)
            if name in signs and side in signs[name].sides
            else 0.0
            for name, most, start in (
                ("effusion", -26.0, _MASSIVE),
                ("pneumothorax", -24.0, _TENSE),
                ("atelectasis", 14.0, 0.5),
            )
        )
        total += side * (air + (0.0 if fluid and collapse else fluid + collapse))
    return total


def breaks(chest: Chest, signs: Signs) -> tuple[Break, ...]:
    """The broken ribs: more of them, and further out of step, with severity."""
    if "fracture" not in signs:
        return ()
    sign = signs["fracture"]
    many = 1 + sum(sign.severity > more for more in (0.4, 0.55, 0.7, 0.85))
    step = 1.5 + 8.5 * sign.severity
    return tuple(
        Break(rib, side, at, step) for side in sign.sides for rib, at in _broken_places(chest, side)[:many]
    )


def _broken_places(chest: Chest, side: int) -> list[tuple[int, float]]:
    """Five neighbouring ribs and where along each it would break."""
    draw = stream(chest.seed, f"fracture {side}")
    first, at = int(draw.integers(3, 7)), draw.uniform(0.24, 0.42)
    return [(first + i, float(at + draw.uniform(-0.03, 0.03))) for i in (1, 0, 2, 3, 4)]
