"""What arXiv 2512.17121 publishes, beside what was measured here: five claims, our figures, a sentence each.

The paper prints few numbers, and no others may be called its own: about +15 % on negated prompts for CON2, a
slight drop on positive ones, CON2 ahead of CON1, CON1 over-fitting structured prompts, and a share of
attribution on negation tokens that rises from 0.101 to 0.127.  Its per-category tables, prompts and
checkpoint are not published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from negviz.results.files import earlier, read_evaluations, read_object
from negviz.results.types import Figure, Json, Table, figure

GAIN: Final = 0.15
CUE_SHARE: Final = (0.101, 0.127)  # base, tuned
Claim = Literal["negated", "positive", "rivals", "structured", "cue share"]
Verdict = Literal["agrees", "larger", "smaller", "opposite", "undecided"]

TITLE: Final = "The paper and we"
LEAD: Final = (
    "arXiv 2512.17121 makes five claims that can be set beside ours, as P@10 where nothing else is said. Its "
    "tables, prompts and checkpoint are not published, and its films, prompts and base differ from ours: its "
    "text encoder was trained on reports and then tuned, the compact family starts from a locked MiniLM."
)
CLAIMS: Final[dict[Claim, str]] = {
    "negated": "CON2 over base, negated prompts",
    "positive": "CON2 over base, positive prompts",
    "rivals": "CON2 over CON1, natural negated prompts, five seeds",
    "structured": "CON1, negated prompts: structured, natural",
    "cue share": "Share of attribution on negation words: base, CON2",
}
THEIRS: Final[dict[Claim, str]] = {
    "negated": f"about +{GAIN:.0%}".replace("%", " %"),
    "positive": "a slight drop",
    "rivals": "CON2 is ahead",
    "structured": "over-fits structured prompts",
    "cue share": f"{CUE_SHARE[0]} → {CUE_SHARE[1]}",
}
_FILMS: Final = {"openi": "Open-i", "nih": "NIH", "phantoms": "simulated", "simulated": "simulated"}
_CON1, _CON2 = "0% distractors", "100% distractors"  # their losses, all else alike


@dataclass(frozen=True)
class PaperComparison:
    """One published claim, our figures for it on one collection, and how they stand to each other."""

    claim: Claim
    films: str  # the results file that ours come from
    ours: tuple[Figure, ...]
    verdict: Verdict
    base: Figure | None = None  # where base starts from, of a gain over it
    earlier: bool = False  # whether it was measured with models that have been replaced since

    @property
    def films_called(self) -> str:
        """The films as sentences and heads name them."""
        return _FILMS.get(self.films, self.films)


def read_comparisons(folder: Path) -> tuple[PaperComparison, ...]:
    """Every published claim that a folder of results speaks of."""
    named = (folder / f"{name}.json" for name in ("diagnosis", "experiment-scaling"))
    return comparisons(read_evaluations(folder), *map(read_object, named))


def comparisons(
    evaluations: Mapping[str, Json], diagnosis: Json | None = None, scaling: Json | None = None
) -> tuple[PaperComparison, ...]:
    """Every published claim that results of ours speak of, collection by collection."""
    found = [
        each
        for name, value in evaluations.items()
        if _of_effusion(value["models"])
        for each in _compared(name, value["models"])
    ]
    return (*found, *(_rivals(scaling) if scaling else ()), *(_cue_share(diagnosis) if diagnosis else ()))


def in_rows(beside: Sequence[PaperComparison]) -> Table:
    """A claim a row: the paper's words, a plain sentence on the first collection, and figures on each."""
    films = list(dict.fromkeys(each.films_called for each in beside))
    rows = []
    for claim in CLAIMS:
        ours = {each.films_called: each for each in beside if each.claim == claim}
        if ours:
            figures = (", ".join(map(str, ours[name].ours)) if name in ours else "—" for name in films)
            first = next(iter(ours.values()))
            asked = CLAIMS[claim] + (", models before the present ones" if first.earlier else "")
            rows.append((asked, THEIRS[claim], sentence(first), *figures))
    return Table("", ("claim", "the paper", "here", *films), tuple(rows), words=3)


def _of_effusion(models: Json) -> bool:
    """The paper asks for effusion and for nothing else."""
    return {row["finding"] for model in models.values() for row in model["prompts"]} == {"effusion"}


def _compared(name: str, models: Json) -> Iterator[PaperComparison]:
    con2, con1, base = (models.get(model, {}).get("cells", {}) for model in ("con2", "con1", "base"))
    if "all/absent" in con2:
        gain = figure(con2["all/absent"], "minus_base", signed=True)
        start = figure(base.get("all/absent", {}), "p_at_k")
        yield PaperComparison("negated", name, (gain,), _beside(gain, GAIN), start)
    if "all/present" in con2:
        change = figure(con2["all/present"], "minus_base", signed=True)
        yield PaperComparison("positive", name, (change,), _less(change))
    if {"structured/absent", "natural/absent"} <= set(con1):
        each = tuple(figure(con1[f"{kind}/absent"], "p_at_k") for kind in ("structured", "natural"))
        yield PaperComparison("structured", name, each, _over_fits(*each))


def _beside(ours: Figure, theirs: float) -> Verdict:
    if ours.value is None or ours.low is None or ours.high is None:
        return "undecided"
    if ours.low <= theirs <= ours.high:
        return "agrees"
    return "larger" if ours.low > theirs else "smaller"


def _less(ours: Figure) -> Verdict:
    """Whether it is below zero: agreed with as far as the whole interval is."""
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


def _rivals(scaling: Json) -> Iterator[PaperComparison]:
    """Both losses at the same settings and seeds, prompt by prompt."""
    films = scaling.get("films")
    for name, settings in films.items() if isinstance(films, Mapping) else ():
        record = _at(settings, _CON2, "natural/absent")
        if scaling.get("reference") == _CON1 and "p_at_k_minus_reference" in record:
            lead = figure(record, "p_at_k_minus_reference", signed=True)
            turned: dict[Verdict, Verdict] = {"agrees": "opposite", "opposite": "agrees"}
            verdict = turned.get(_less(lead), "undecided")
            yield PaperComparison("rivals", name, (lead,), verdict, earlier="models" in earlier(scaling))


def _cue_share(diagnosis: Json) -> Iterator[PaperComparison]:
    """The direction alone: how the paper attributes is not published, so the shares have no common scale."""
    records = (_at(diagnosis, "signatures", name, "blindness") for name in ("base", "con2"))
    shares = tuple(figure(record, "cue_share", places=3) for record in records)
    base, con2 = (share.value for share in shares)
    if base is not None and con2 is not None:
        yield PaperComparison("cue share", "openi", shares, "agrees" if con2 > base else "opposite")


def _at(found: Any, *names: str) -> Json:
    """What hangs there in a file of whatever shape; nothing where there is none."""
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def sentence(compared: PaperComparison) -> str:
    """How ours stands to the paper's, in a plain sentence."""
    said = [str(figure) for figure in compared.ours]
    films = compared.films_called
    match (compared.claim, compared.verdict):
        case "negated", "agrees":
            return f"The gain on {films} films, {said[0]}, agrees with the paper's."
        case "negated", "larger" if compared.base is not None and compared.base.value is not None:
            start = compared.base.write(compared.base.value)
            return f"The gain is larger on {films} films, {said[0]}, because base starts at {start} there."
        case "negated", "larger" | "smaller":
            return f"The gain on {films} films, {said[0]}, is {compared.verdict} than the paper's."
        case "positive", "agrees":
            return f"Positive prompts lose on {films} films, too: {said[0]}."
        case "positive", "opposite":
            return f"Positive prompts gain on {films} films, {said[0]}, where the paper's lose."
        case "positive", "undecided":
            return f"On {films} films the change is {said[0]}: whether positive prompts lose cannot be told."
        case "rivals", "agrees":
            return f"CON2 is ahead of CON1 on {films} films, too: {said[0]}."
        case "rivals", "opposite":
            return f"CON2 does not beat CON1 on {films} films: {said[0]}."
        case "rivals", "undecided":
            return f"On {films} films CON2 less CON1 is {said[0]}: which is ahead cannot be told."
        case "structured", "agrees":
            return f"CON1 is better on structured negations than on natural ones on {films} films, too."
        case "structured", "opposite":
            return f"CON1 is no better on structured negations than on natural ones on {films} films."
        case "structured", "undecided":
            return f"On {films} films whether CON1 over-fits structured negations cannot be told."
        case "cue share", "agrees":
            return "It rises here, too; only the direction compares: the paper's method is not published."
        case "cue share", "opposite":
            return "It falls here; only the direction compares: the paper's method is not published."
    return f"On {films} films there is no interval, so it cannot be compared."
