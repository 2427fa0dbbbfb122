"""The results of `python -m training leave-out`: what CON3 knows of what it was not taught."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from negviz.results.kinds.evaluation import IGNORED
from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Dot, Figure, Group, Json, Plot, Table, TableCell, figure, ignored

_PARTS: Final = {"findings": "a finding", "kinds": "a kind of wording"}
_MODELS: Final = {"base": "base", "without": "CON3 without it", "full": "CON3"}
_POLARITIES: Final = ("absent", "present")
_CHANCE: Final = 0.5  # of AUROC
_HEAD: Final = (
    "left out",
    "asks for",
    "prompts",
    *_MODELS.values(),
    "without it − CON3",
    "without it − base",
)


def _rest(value: Json) -> tuple[tuple[Plot, ...], tuple[Table, ...]]:
    """A plot a part and polarity, over the films listed first, and a table a set of films."""
    films = list(dict.fromkeys(name for part in _PARTS for of in value[part].values() for name in of))
    plots = (_plot(value, part, polarity, films[0]) for part in _PARTS for polarity in _POLARITIES)
    return tuple(plots), tuple(Table(name, _HEAD, tuple(_rows(value, name)), 3, True) for name in films)


def _plot(value: Json, part: str, polarity: str, films: str) -> Plot:
    groups = tuple(
        Group(
            name,
            tuple(Dot(said, figure(record, f"auroc_{model}")) for model, said in _MODELS.items()),
            _CHANCE,
        )
        for name, of in value[part].items()
        if (record := of.get(films, {}).get(polarity))
    )
    return Plot(f"AUROC on {films}, {_PARTS[part]} left out · {polarity}", groups)


def _rows(value: Json, films: str) -> Iterator[tuple[TableCell, ...]]:
    for part in _PARTS:
        for name, of in value[part].items():
            for polarity, record in of.get(films, {}).items():
                yield (
                    name,
                    polarity,
                    str(record["n"]),
                    *(figure(record, f"auroc_{model}") for model in _MODELS),
                    *(figure(record, f"without_minus_{rival}", signed=True) for rival in ("full", "base")),
                )
                if polarity == "absent" and (present := of[films].get("present")):
                    turned = (ignored(figure(present, f"auroc_{model}")) for model in _MODELS)
                    yield name, f"absent, {IGNORED}", "", *turned, Figure(None), Figure(None)


LEAVE_OUT: Final = Kind("leave-out", holds("kinds", "findings"), rest=_rest)
