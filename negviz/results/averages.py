"""How often sentences that rule a finding out go wrong over the very films on show: one proves little.

The figures are those of `python -m training evaluate`.  A figure belongs to the films it was measured over,
so there is none for films that nobody measured it over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from negviz.explain.diagnosis import RESULTS, Background
from negviz.films.split import TUNED_ON
from negviz.results.files import read_object
from negviz.results.kinds.evaluation import is_evaluation
from negviz.retrieval.sets import SearchSet


@dataclass(frozen=True)
class Usual:
    """What several sentences that rule a finding out found: of ten films, how many were right."""

    finding: str
    sentences: tuple[str, ...]
    films: int  # searched
    right: Mapping[str, tuple[float, ...]]  # by model, of ten, a sentence each

    def mean(self, model: str) -> float:
        return mean(self.right[model])


def read_usual(
    films: SearchSet,
    collection_hash: str,
    backgrounds: Mapping[str, Background],
    folder: Path = RESULTS.parent,
    *,
    listed: str | None = None,
) -> Usual | None:
    """What was measured over these films of the collection of that hash; None where nothing was.

    Figures are taken for the models of `backgrounds` only, and only where they were measured with the same
    weights, whatever else a family was given since.  Over films that are `listed` for a finding, sentences
    that rule that out were put to them; over others, those that rule out what the models were tuned on.
    """
    finding, name = listed or TUNED_ON, Path(films.collection.name).name
    value = read_object(folder / (f"{name}-findings.json" if listed else f"{name}.json"))
    if not value or not is_evaluation(value):
        return None
    try:
        measured = value["data"]
        split, number = ("lists", measured["films"]) if listed else (films.part, len(films))
        if (measured["collection_hash"], value["split"], measured["films"]) != (
            collection_hash,
            split,
            number,
        ):
            return None
        rows = {
            name: [
                row for row in model["prompts"] if (row["finding"], row["polarity"]) == (finding, "absent")
            ]
            for name, model in value["models"].items()
            if name in backgrounds
            and _weights(name, backgrounds[name].family) == _weights(name, measured["family"])
        }
        right = {name: tuple(10 * float(row["p_at_k"]) for row in of) for name, of in rows.items() if of}
        sentences = [tuple(str(row["prompt"]) for row in rows[name]) for name in right]
    except (LookupError, TypeError, AttributeError, ValueError):
        return None  # it only adds to what is measured here
    alike = sentences and all(each == sentences[0] for each in sentences)
    return Usual(finding, sentences[0], len(films), right) if alike else None


def _weights(model: str, hashes: Mapping[str, str]) -> dict[str, str]:
    """Of a family's files those that a model's vectors are made by: base's and its own."""
    return {file: digest for file, digest in hashes.items() if file.partition("/")[0] in ("base", model)}
