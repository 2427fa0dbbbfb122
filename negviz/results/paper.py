"""What arXiv 2512.17121 publishes, beside what was measured here.

The paper prints few numbers, and no others may be called its own: about +15 % on negated prompts for CON2, a
slight drop on positive ones, CON1 over-fitting structured prompts, and a share of attribution on negation
tokens that rises from 0.101 to 0.127.  Its per-category tables, prompts and checkpoint are not published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from negviz.results.types import Figure, Json, figure

GAIN: Final = 0.15
CUE_SHARE: Final = (0.101, 0.127)  # base, tuned
Claim = Literal["negated", "positive", "structured", "cue share"]
Verdict = Literal["agrees", "larger", "smaller", "opposite", "undecided"]


@dataclass(frozen=True)
class PaperComparison:
    """One published statement, our figures for it on one collection, and how they stand to each other."""

    claim: Claim
    films: str  # the results file that ours come from
    ours: tuple[Figure, ...]
    verdict: Verdict


def comparisons(evaluations: dict[str, Json], diagnosis: Json | None = None) -> tuple[PaperComparison, ...]:
    """Every published statement that results of ours speak of, collection by collection."""
    found = [
        each
        for name, value in evaluations.items()
        if _of_effusion(value["models"])
        for each in _compared(name, value["models"])
    ]
    return (*found, *(_cue_share(diagnosis) if diagnosis else ()))


def _of_effusion(models: Json) -> bool:
    """The paper asks for effusion and for nothing else."""
    return {row["finding"] for model in models.values() for row in model["prompts"]} == {"effusion"}


def _compared(name: str, models: Json) -> Iterator[PaperComparison]:
    con2, con1 = (models.get(model, {}).get("cells", {}) for model in ("con2", "con1"))
    if "all/absent" in con2:
        gain = figure(con2["all/absent"], "minus_base", signed=True)
        yield PaperComparison("negated", name, (gain,), _beside(gain, GAIN))
    if "all/present" in con2:
        change = figure(con2["all/present"], "minus_base", signed=True)
        yield PaperComparison("positive", name, (change,), _drop(change))
    if {"structured/absent", "natural/absent"} <= set(con1):
        each = tuple(figure(con1[f"{kind}/absent"], "p_at_k") for kind in ("structured", "natural"))
        yield PaperComparison("structured", name, each, _over_fits(*each))


def _beside(ours: Figure, theirs: float) -> Verdict:
    if ours.value is None or ours.low is None or ours.high is None:
        return "undecided"
    if ours.low <= theirs <= ours.high:
        return "agrees"
    return "larger" if ours.low > theirs else "smaller"


def _drop(ours: Figure) -> Verdict:
    """A slight drop is agreed with as far as the interval lies below zero."""
    if ours.high is None or ours.low is None or ours.low <= 0 <= ours.high:
        return "undecided"
    return "agrees" if ours.high < 0 else "opposite"


def _over_fits(structured: Figure, natural: Figure) -> Verdict:
    if structured.value is None or natural.value is None:
        return "undecided"
    if natural.value >= structured.value:
        return "opposite"
    apart = structured.low is not None and natural.high is not None and structured.low > natural.high
    return "agrees" if apart else "undecided"


def _cue_share(diagnosis: Json) -> Iterator[PaperComparison]:
    shares = [_share(diagnosis, name) for name in ("base", "con2")]
    base, con2 = (share.value for share in shares)
    if base is not None and con2 is not None:
        verdict = _beside(shares[1], CUE_SHARE[1]) if con2 > base else "opposite"
        yield PaperComparison("cue share", "diagnosis", tuple(shares), verdict)


def _share(diagnosis: Json, model: str) -> Figure:
    """The mean share of the cue in what words do towards the films that are found."""
    found: Any = diagnosis
    for name in ("signatures", model, "blindness"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return figure(found if isinstance(found, Mapping) else {}, "cue_share", places=3)
