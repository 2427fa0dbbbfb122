"""Dose and response: the same chests with a finding turned up, and what each model makes of it.

    sweep = read_sweep(models["base"].tower_id)          # shipped: 12 simulated chests a finding
    films = {sweep.tower_id: sweep.of("effusion")}
    dose_curves(models, films, ["No pleural effusion", "Pleural effusion"])["base"].own_change

A model that reads "no" moves away from "no effusion" as an effusion grows.  The films of a sweep are
embedded once, so the curve of any sentence is one matrix product.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from negviz.common.errors import NegvizError
from negviz.common.files import default_cache, write_atomically
from negviz.films.collection import ASSETS
from negviz.findings import ABNORMAL
from negviz.models.encoder import DualEncoder
from negviz.phantoms import Severity, Side, simulate
from negviz.phantoms.findings import read_signs, side_names
from negviz.retrieval.estimate import Estimate, mean_estimates
from negviz.retrieval.metrics import Floats

SEVERITIES: Final = tuple(step / 10 for step in range(11))
SIZE: Final = 256  # pixels a side of the films that are embedded
_OFTEN_BOTH: Final = ("effusion", "atelectasis", "opacity")  # commonly seen on both sides at once
Vectors = npt.NDArray[np.float32]


class DoseError(NegvizError):
    """A sweep that cannot be used; the message is one sentence that says what to do."""


def sides_of(finding: str) -> tuple[Side, ...]:
    """The sides on which a finding may be asked for; none where it has no side."""
    if finding not in side_names(read_signs(0, {finding: 1.0})):
        return ()
    return ("right", "left", "both") if finding in _OFTEN_BOTH else ("right", "left")


def wish(finding: str, severity: float, side: Side | None) -> dict[str, Severity]:
    """What to ask of `simulate`; the side is left out where the finding has none."""
    return {finding: Severity(severity, side if side in sides_of(finding) else None)}


# Sweeps ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dosed:
    """Films of some chests with one finding at rising severities, as one image tower embeds them."""

    finding: str
    severities: tuple[float, ...]
    embeddings: Vectors  # [severities, chests, dim], unit-norm


@dataclass(frozen=True, eq=False)
class DoseSweep:
    """Every abnormal finding dialled up in the same chests."""

    tower_id: str
    simulator: str  # which version of the simulator made the films
    findings: tuple[str, ...]
    severities: tuple[float, ...]
    seeds: tuple[int, ...]
    embeddings: Vectors  # [findings, severities, chests, dim], unit-norm

    def of(self, finding: str) -> Dosed:
        """One finding's films.  Raises `DoseError` where the sweep lacks it."""
        if finding not in self.findings:
            raise DoseError(f"The sweep has no {finding}; choose from {', '.join(self.findings)}.")
        return Dosed(finding, self.severities, self.embeddings[self.findings.index(finding)])


def sweep_path(tower_id: str, *, shipped: bool = True) -> Path:
    """Where the sweep of an image tower lies, if there is one: with the assets or in the cache."""
    return (ASSETS if shipped else default_cache()) / "dose" / f"{tower_id}.safetensors"


def write_sweep(path: Path, sweep: DoseSweep) -> None:
    """Write embeddings as float16 and what they are of, in one step."""
    facts = {
        "tower_id": sweep.tower_id,
        "simulator": sweep.simulator,
        "findings": json.dumps(sweep.findings),
        "severities": json.dumps(sweep.severities),
        "seeds": json.dumps(sweep.seeds),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, save({"embeddings": sweep.embeddings.astype(np.float16)}, facts))


def read_sweep(tower_id: str) -> DoseSweep | None:
    """The sweep of an image tower; None where there is none.  Raises `DoseError` where it is damaged."""
    places = (sweep_path(tower_id, shipped=shipped) for shipped in (True, False))
    file = next((path for path in places if path.is_file()), None)
    if file is None:
        return None
    try:
        return _read(file, tower_id)
    except (OSError, SafetensorError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise DoseError(
            f"{file} cannot be used ({error}); make it anew with `python -m training dose`."
        ) from error


def _read(path: Path, tower_id: str) -> DoseSweep:
    with safe_open(path, framework="numpy") as file:
        facts, stored = file.metadata(), file.get_tensor("embeddings")
    names, severities, seeds = (json.loads(facts[key]) for key in ("findings", "severities", "seeds"))
    if facts["tower_id"] != tower_id or not set(names) <= set(ABNORMAL):
        raise ValueError("it belongs to another image tower or names other findings")
    if stored.dtype != np.float16 or stored.shape[:-1] != (len(names), len(severities), len(seeds)):
        raise ValueError(f"it is {stored.dtype} {list(stored.shape)}")
    matrix = stored.astype(np.float32)
    lengths = np.linalg.norm(matrix, axis=-1, keepdims=True)
    if not np.allclose(lengths, 1, atol=0.01):
        raise ValueError("its rows are not unit vectors")
    return DoseSweep(
        tower_id,
        facts["simulator"],
        tuple(names),
        tuple(map(float, severities)),
        tuple(map(int, seeds)),
        matrix / lengths,
    )


def embed_dose(
    model: DualEncoder, finding: str, side: Side | None, severities: Sequence[float], seed: int
) -> Dosed:
    """One chest with a finding at some severities, simulated and embedded here: half a second a film."""
    films = [simulate(seed, wish(finding, each, side) if each else {}, SIZE).image for each in severities]
    return Dosed(finding, tuple(severities), model.encode_images(films)[:, None, :])


# Curves ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DoseCurve:
    """How near one model puts a sentence, and its opposite, to the films as a finding grows.

    Means over chests with intervals over chests (none for a single chest).  What needs an opposite is
    None where the sentence has none.
    """

    model: str
    finding: str
    severities: tuple[float, ...]
    chests: int
    own: tuple[Estimate, ...]  # cosine of film and sentence, a severity each
    opposite: tuple[Estimate, ...] | None
    margin: tuple[Estimate, ...] | None  # own minus opposite
    own_change: Estimate  # from the least severity to the greatest
    opposite_change: Estimate | None
    margin_change: Estimate | None
    trend: Estimate | None  # Spearman's correlation of margin and severity, mean over chests
    crossing: float | None  # severity at which the mean margin first changes sign
    crossing_chests: int | None  # chests whose own margin changes sign
    rising_chests: int | None  # chests whose own margin rises with the severity, by Spearman's correlation

    def at(self, severity: float) -> tuple[float, float | None]:
        """Similarity with the sentence and with its opposite at a severity, along straight lines."""
        own, opposite = (
            None if line is None else float(np.interp(severity, self.severities, [e.value for e in line]))
            for line in (self.own, self.opposite)
        )
        return own or 0.0, opposite


def dose_curves(
    models: Mapping[str, DualEncoder], dosed: Mapping[str, Dosed], texts: Sequence[str]
) -> dict[str, DoseCurve]:
    """Every model's curve for a sentence and, if `texts` holds two, its opposite.

    `dosed` is by tower id; models whose tower has no films are left out.
    """
    return {
        name: dose_curve(name, dosed[model.tower_id], model.encode_text(texts))
        for name, model in models.items()
        if model.tower_id in dosed
    }


def dose_curve(model: str, dosed: Dosed, texts: Vectors) -> DoseCurve:
    """One model's curve; `texts` [1 or 2, dim] are the sentence and, where it has one, its opposite."""
    if texts.shape[1:] != dosed.embeddings.shape[2:]:
        raise DoseError(
            f"{model} gives sentences {texts.shape[1]} dimensions, unlike the films of the sweep."
        )
    cosines = np.einsum("scd,td->tsc", dosed.embeddings.astype(np.float64), texts.astype(np.float64))
    own = cosines[0]  # [severities, chests]
    opposed = cosines[1] if len(cosines) > 1 else None
    margin = None if opposed is None else own - opposed
    trends = None if margin is None else _spearman(dosed.severities, margin)
    return DoseCurve(
        model=model,
        finding=dosed.finding,
        severities=dosed.severities,
        chests=own.shape[1],
        own=tuple(mean_estimates(own)),
        opposite=None if opposed is None else tuple(mean_estimates(opposed)),
        margin=None if margin is None else tuple(mean_estimates(margin)),
        own_change=_change(own),
        opposite_change=None if opposed is None else _change(opposed),
        margin_change=None if margin is None else _change(margin),
        trend=None if trends is None else mean_estimates(trends[None, :])[0],
        crossing=None if margin is None else crossing(dosed.severities, margin.mean(axis=1)),
        crossing_chests=None
        if margin is None
        else sum(crossing(dosed.severities, chest) is not None for chest in margin.T),
        rising_chests=None if trends is None else int((trends > 0).sum()),
    )


def _change(cosines: Floats) -> Estimate:
    """From the first severity of [severities, chests] to the last."""
    return mean_estimates(cosines[-1:] - cosines[:1])[0]


def crossing(severities: Sequence[float], margins: Floats) -> float | None:
    """Severity at which a margin [severities] first changes sign, between the points by a straight line."""
    for place in range(1, len(margins)):
        before, after = float(margins[place - 1]), float(margins[place])
        if before * after < 0 or (after == 0 and before != 0):
            share = before / (before - after)
            return severities[place - 1] + share * (severities[place] - severities[place - 1])
    return None


def _spearman(severities: Sequence[float], margin: Floats) -> Floats:
    """Rank correlation of severity and margin [severities, chests], a chest each; 0 where nothing moves."""
    doses = _ranks(np.asarray(severities)[:, None])
    ranks = _ranks(margin)
    spread = np.sqrt((doses**2).sum(0) * (ranks**2).sum(0))
    return np.where(spread > 0, (doses * ranks).sum(0) / np.where(spread > 0, spread, 1), 0.0)


def _ranks(values: Floats) -> Floats:
    """Mid-ranks along the first axis, centred on zero."""
    above = values[:, None, :] - values[None, :, :]
    ranks: Floats = np.sign(above).sum(axis=1) / 2
    return ranks
