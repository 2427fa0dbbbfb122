"""Sentences, or a file of them, put to models in one call: how well each ranks, and how each fails at "no".

    print(negviz.evaluate(models, films, ["No pleural effusion.", "There is a pleural effusion."]))
    print(negviz.diagnose(models, films, "prompts.csv"))
    print(negviz.protocols(models, films))

They measure as `python -m training evaluate`, the page's diagnosis and `python -m training protocols` do:
here it is only laid out as a table.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from negviz.common.files import write_atomically
from negviz.evaluation.cells import EvaluationError, make_task, measure_models
from negviz.evaluation.prompts import PromptRow, read_prompts
from negviz.evaluation.protocols import PROTOCOLS, Asked
from negviz.explain import diagnosis
from negviz.explain.attribution import NotFromWordsError, attribute
from negviz.films.collection import Collection, Split, Unmentioned
from negviz.language.prompt import Prompt
from negviz.models.encoder import DualEncoder, reads_of
from negviz.retrieval.answer import Column, SearchSet, answer, search_sets, unjudged
from negviz.retrieval.embeddings import film_embeddings
from negviz.retrieval.estimate import RESAMPLES, Estimate

_FIGURES: Final = ("p_at_k", "ap", "auroc", "minus_base", "normal_at_k")  # of a cell, those with an interval
Plain = str | int | float | None
Value = Plain | Estimate


@dataclass(frozen=True)
class NotJudged:
    """A sentence that was given and is not in the table, and why not."""

    prompt: str
    why: str


@dataclass(frozen=True)
class Table:
    """Figures by name, a record a row; printed it is aligned text, and `rows` is what pandas takes."""

    title: str
    records: tuple[Mapping[str, Value], ...]
    not_judged: tuple[NotJudged, ...] = ()

    def rows(self) -> list[dict[str, Plain]]:
        """Plain values under the same names: the ends of an interval are NAME_low and NAME_high."""
        bounded = {n for record in self.records for n, value in record.items() if isinstance(value, Estimate)}
        return [_plain(record, bounded) for record in self.records]

    def to_csv(self, path: Path | str) -> None:
        """Write the rows as a CSV file.  Raises `FileError`."""
        text, rows = io.StringIO(), self.rows()
        writer = csv.DictWriter(text, [*rows[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(Path(path), text.getvalue().encode())

    def __str__(self) -> str:
        names = list(self.records[0])
        cells = [names, *([_shown(record[name]) for name in names] for record in self.records)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        )
        left_out = (f"not judged: {each.prompt!r} {each.why}" for each in self.not_judged)
        return "\n".join([self.title, *lines, *left_out])


def _plain(record: Mapping[str, Value], bounded: Set[str]) -> dict[str, Plain]:
    flat: dict[str, Plain] = {}
    for name, value in record.items():
        figure, low, high = (
            (value.value, value.low, value.high) if isinstance(value, Estimate) else (value, None, None)
        )
        flat |= {name: figure}
        if name in bounded:
            flat |= {f"{name}_low": low, f"{name}_high": high}
    return flat


def _shown(value: Value) -> str:
    if isinstance(value, Estimate):
        ends = f" [{value.shown[0]:.2f}, {value.shown[1]:.2f}]" if value.shown else ""
        return f"{value.value:.2f}{ends}"
    return "" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def evaluate(
    models: Mapping[str, DualEncoder],
    films: Collection,
    prompts: str | Path | Iterable[str],
    *,
    split: Split | None = None,
    k: int = 10,
    unmentioned: Unmentioned = "unknown",
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Table:
    """How well each model ranks the films, by cell of prompts (kind/polarity), with 95 % intervals.

    `prompts` is a sentence, several, or the path of a CSV with `prompt,finding,polarity,kind`.  Without
    `split` the test films are ranked, or all where there are none.  Raises `EvaluationError` where there is
    nothing to measure, and what opening the file or embedding the films raises.
    """
    asked, not_judged = _rows(prompts, reads_of(models), films)
    part = split or _usual(films)
    task = make_task(asked, films, split=part, k=k, unmentioned=unmentioned, bootstrap=bootstrap, seed=seed)
    records = [
        {
            "model": name,
            "cell": cell,
            "n": figures["n"],
            **{figure: _estimate(figures[figure], figures[f"{figure}_ci"]) for figure in _FIGURES},
            "ceiling": figures["ceiling"],
            "chance": figures["chance"],
            "normal_chance": figures["normal_chance"],
        }
        for name, results in measure_models(task, models).items()
        for cell, figures in results["cells"].items()
    ]
    return Table(f"{len(task.evaluated)} films of {films.name} ({part}), k = {k}", tuple(records), not_judged)


def _estimate(value: float | None, ends: Sequence[float | None] | None) -> Estimate | None:
    return None if value is None else Estimate(value, *(ends or ()))


def protocols(
    models: Mapping[str, DualEncoder],
    films: Collection,
    *,
    split: Split | None = None,
    bootstrap: int = RESAMPLES,
    seed: int = 0,
) -> Table:
    """Published tests of negation (`negviz.evaluation.protocols`), a row for each figure and model.

    Those that need films only, with 95 % intervals over studies; `split` is as in `evaluate`.  Raises
    `EvaluationError` where the films show and lack too little to be asked anything.
    """
    part = split or _usual(films)
    chosen = films.select(part)
    records: list[dict[str, Value]] = []
    for name, model in models.items() if chosen.films else ():
        asked = Asked.of(model, chosen, film_embeddings(model, chosen), resamples=bootstrap, seed=seed)
        records += [
            {
                "model": name,
                "protocol": protocol,
                "figure": figure.quantity,
                "over": figure.group,
                "n": figure.n,
                "studies": figure.studies,
                "value": figure.estimate,
                "chance": figure.chance,
            }
            for protocol, ask in PROTOCOLS.items()
            for figure in ask(asked)
        ]
    if not records:
        raise EvaluationError(f"No film of {films.name} ({part}) is known to show or to lack a finding.")
    return Table(f"{len(chosen)} films of {films.name} ({part})", tuple(records))


def diagnose(
    models: Mapping[str, DualEncoder],
    films: Collection,
    prompts: str | Path | Iterable[str],
    *,
    split: Split | None = None,
    k: int = 10,
) -> Table:
    """The three ways in which each model may fail at "no", a row for each sentence and model.

    `cosine` and `separation` (does it tell opposites apart?), `stay` and `cue_share` (does it read the
    “no”?), `contrary` (does it show what was ruled out?), as `negviz.explain.diagnosis` defines them; beside
    shares of the `k` films stands what chance would give.  `prompts` and `split` are as in `evaluate`.
    """
    asked, not_judged = _rows(prompts, reads_of(models), films)
    part = split or _usual(films)
    chosen = films.select(part)
    if not chosen.films:
        raise EvaluationError(f"{films.name} has no {part} films; choose another split.")
    # lists come with the set that is searched where a finding has none
    searched = search_sets(models, films)[0] if part == "lists" else SearchSet.of(models, chosen, part)
    records = [
        {"prompt": row.prompt, **record} for row in asked for record in _signatures(models, searched, row, k)
    ]
    return Table(f"{len(chosen)} films of {films.name} ({part}), k = {k}", tuple(records), not_judged)


def _signatures(
    models: Mapping[str, DualEncoder], films: SearchSet, row: PromptRow, k: int
) -> Iterable[dict[str, Value]]:
    meant = None if row.side else (row.finding, row.polarity)  # a side is what was read
    given = answer(models, films, row.prompt, k=k, meant=meant, alone=True)
    turned = None if given.opposite is None else answer(models, given.films, given.opposite.text, k=k)
    shares = {
        column.model: _cue_share(models[column.model], given.films, row.prompt, column)
        for column in given.columns
    }
    for model, found in diagnosis.diagnose(given, turned, cue_shares=shares).items():
        collapse, blindness, seen = found.collapse, found.blindness, found.hallucination
        yield {
            "model": model,
            "cosine": found.value("collapse"),
            "separation": collapse.separation if collapse else None,
            "stay": found.value("blindness"),
            "stay_by_chance": blindness.by_chance / len(blindness.stays) if blindness else None,
            "cue_share": shares[model],
            "contrary": found.value("hallucination"),
            "contrary_by_chance": seen.by_chance / seen.judged if seen and seen.judged else None,
        }


def _cue_share(model: DualEncoder, films: SearchSet, prompt: str, column: Column) -> float | None:
    """Of the attribution towards the hits; None for models that do not encode the words."""
    try:
        found = attribute(model, prompt, target="hits", hits=films.vectors(model, column.hits))
    except NotFromWordsError:
        return None
    return found.cue_share


# What is asked --------------------------------------------------------------------------------


def _usual(films: Collection) -> Split:
    if any(film.lists for film in films):
        return "lists"
    return "test" if any(film.split == "test" for film in films) else "all"


def _rows(
    prompts: str | Path | Iterable[str], reads: Callable[[str], Prompt], films: Collection
) -> tuple[list[PromptRow], tuple[NotJudged, ...]]:
    """The prompts with a right answer, and the others.  Raises `EvaluationError` where there are none."""
    if isinstance(prompts, Path) or (isinstance(prompts, str) and prompts.lower().endswith(".csv")):
        read: list[PromptRow | NotJudged] = [_certain(row) for row in read_prompts(Path(prompts))]
    else:
        read = [_read(reads(text), films) for text in ([prompts] if isinstance(prompts, str) else prompts)]
    asked = [row for row in read if isinstance(row, PromptRow)]
    not_judged = tuple(each for each in read if isinstance(each, NotJudged))
    if not asked:
        why = f": {not_judged[0].prompt!r} {not_judged[0].why}" if not_judged else ""
        raise EvaluationError(f"There is no sentence to judge films by{why}; name one finding a sentence.")
    return asked, not_judged


def _certain(row: PromptRow) -> PromptRow | NotJudged:
    return row if row.polarity != "uncertain" else NotJudged(row.prompt, "has no right answer: it hedges")


def _read(prompt: Prompt, films: Collection) -> PromptRow | NotJudged:
    """A sentence as it was read: a row with one finding, affirmed or denied."""
    text, mentions = prompt.text, prompt.mentions
    if not prompt.english:
        return NotJudged(text, "is not in English")
    if prompt.suggestion is not None:
        may = " or ".join(f"{mention.finding} {mention.polarity}" for mention in prompt.suggestion)
        return NotJudged(text, f"may mean several things, such as {may}")
    if unjudged(mentions, films) == "side":
        return NotJudged(text, "denies one side alone, and these films do not record sides")
    if len(mentions) != 1:
        said = ", ".join(f"{mention.finding} {mention.polarity}" for mention in mentions)
        return NotJudged(
            text, f"says more than one thing: {said}" if said else "names no finding that is known"
        )
    (one,) = mentions
    return _certain(PromptRow(text, one.finding, one.polarity, "natural", {}, one.side))
