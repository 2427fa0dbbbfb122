"""A blinded reader study: which of two models' films fit a sentence better?

    design = make_design(models, films, read_sentences(PROMPTS), seed=0)

A *design* is frozen when the study is made: sentences, rankings and the models' fingerprints are in it, so a
model that is tuned again changes nothing under its readers.  Every reader judges every item, which is what
agreement between readers needs.  `study_plan` says what one reader is shown, `study_store` keeps what they
decide, and `study_analysis` reads it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, zip_longest
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from negviz.common.csv_file import read_csv
from negviz.common.errors import NegvizError
from negviz.common.files import file_sha256
from negviz.films import collection as shelf
from negviz.language.prompt import read_prompt
from negviz.models.encoder import DualEncoder, weights_id
from negviz.retrieval.search import search
from negviz.retrieval.sets import SearchSet

PROMPTS: Final = shelf.ASSETS / "prompts" / "evaluation.csv"
FILMS: Final = 10  # a side
IDLE_SECONDS: Final = 60  # without a key or a movement the clock runs on for so long, and then rests
_DECISIONS: Final = 60  # of one reader: about three quarters of an hour
_FEWEST: Final = 4  # sentences: one of each kind and polarity
T = TypeVar("T")


class StudyError(NegvizError):
    """A study that cannot be made, opened or gone on with; the message is one sentence that says why."""


@dataclass(frozen=True)
class StudySentence:
    """A sentence to be judged; `kind` and `polarity` may be "" and only part the results."""

    text: str
    polarity: str
    kind: str


@dataclass(frozen=True)
class GalleryFilm:
    """One film of a gallery; `relevant` is what its report says, which no reader is told."""

    id: str
    relevant: bool | None


@dataclass(frozen=True)
class Item:
    """What is judged: one sentence, two models, and the films of each, best first."""

    sentence: int  # its place in `Design.sentences`
    models: tuple[str, str]  # in column order
    films: tuple[tuple[GalleryFilm, ...], tuple[GalleryFilm, ...]]

    def of(self, model: str) -> tuple[GalleryFilm, ...]:
        return self.films[self.models.index(model)]


@dataclass(frozen=True)
class Design:
    """A study as it was made."""

    seed: int
    sentences: tuple[StudySentence, ...]
    items: tuple[Item, ...]
    alike: tuple[tuple[str, str, int], ...]  # by pair: sentences left out, as both models rank alike
    models: Mapping[str, Mapping[str, str]]  # the fingerprints of each
    films: str  # the search set
    collection: tuple[str, str]  # its name and hash
    prompts: str  # SHA-256 of the prompt file
    consent: str = ""  # the text to be agreed to, an empty line between paragraphs; "": the page's own

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Design:
        """What `record` wrote.  Raises `StudyError`."""
        try:
            items = [
                Item(
                    int(item["sentence"]),
                    _two(item["models"]),
                    _two([tuple(GalleryFilm(**film) for film in side) for side in item["films"]]),
                )
                for item in record["items"]
            ]
            design = cls(
                seed=int(record["seed"]),
                sentences=tuple(StudySentence(**each) for each in record["sentences"]),
                items=tuple(items),
                alike=tuple((str(a), str(b), int(n)) for a, b, n in record["alike"]),
                models={str(name): dict(marks) for name, marks in record["models"].items()},
                films=str(record["films"]),
                collection=_two(record["collection"]),
                prompts=str(record["prompts"]),
                consent=str(record["consent"]),
            )
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise StudyError(f"The study's design cannot be read ({error!r}).") from error
        if not design._is_sound():
            raise StudyError("The study's design cannot be read: what it holds is of other types.")
        return design

    def _is_sound(self) -> bool:
        """Whether all in it is of its type, and every item's sentence is there."""
        films = [film for item in self.items for side in item.films for film in side]
        # as JSON gave them, whatever their fields are declared to be
        texts: list[object] = [
            text for each in self.sentences for text in (each.text, each.polarity, each.kind)
        ]
        texts += [name for item in self.items for name in item.models] + [film.id for film in films]
        return (
            bool(self.items)
            and all(0 <= item.sentence < len(self.sentences) for item in self.items)
            and all(isinstance(text, str) for text in texts)
            and all(film.relevant in (True, False, None) for film in films)
        )


def _two(pair: Sequence[T]) -> tuple[T, T]:
    first, second = pair
    return first, second


# Making one -----------------------------------------------------------------------------------


def read_sentences(path: Path) -> tuple[StudySentence, ...]:
    """The sentences of a prompt file, which needs a column `prompt`.  Raises `StudyError`."""
    rows = read_csv(path, ("prompt",), StudyError).rows
    texts = [row["prompt"] for row in rows]
    if not all(texts):
        raise StudyError(f"{path} needs a column prompt that is filled in every line.")
    if len(set(texts)) < len(texts):
        raise StudyError(f"{path} holds a prompt twice; readers would be asked twice.")
    return tuple(
        StudySentence(text, row.get("polarity") or read_prompt(text).polarity or "", row.get("kind"))
        for text, row in zip(texts, rows, strict=True)
    )


def make_design(
    models: Mapping[str, DualEncoder],
    films: SearchSet,
    sentences: Sequence[StudySentence],
    *,
    seed: int = 0,
    number: int | None = None,
    prompts: Path = PROMPTS,
    consent: str = "",
) -> Design:
    """A study of every pair of these models over `number` of the sentences (by default, 60 decisions' worth).

    A sentence for which both models of a pair show the same films in the same order tells nothing of them:
    it is left out for that pair, and counted.  Raises `StudyError`.
    """
    pairs = list(combinations(models, 2))
    if not pairs:
        raise StudyError("A study compares two models; this family has one.")
    chosen = choose(sentences, _sentences(len(pairs)) if number is None else number, seed=seed)
    ranked = {
        name: [_ranked(model, films, sentence.text) for sentence in chosen] for name, model in models.items()
    }
    items = [
        Item(place, pair, (ranked[pair[0]][place], ranked[pair[1]][place]))
        for pair in pairs
        for place in range(len(chosen))
    ]
    told_apart = tuple(item for item in items if item.films[0] != item.films[1])
    if not told_apart:
        raise StudyError("These models rank the films alike for every sentence; there is nothing to judge.")
    return Design(
        seed=seed,
        sentences=chosen,
        items=told_apart,
        alike=tuple((*pair, len(chosen) - sum(each.models == pair for each in told_apart)) for pair in pairs),
        models={name: _fingerprint(model) for name, model in models.items()},
        films=films.name,
        collection=(films.collection.name, films.collection.hash),
        prompts=file_sha256(prompts),
        consent=consent,
    )


def choose(sentences: Sequence[StudySentence], number: int, *, seed: int) -> tuple[StudySentence, ...]:
    """So many of them, drawn in turn from each kind and polarity, in the order of the file."""
    if number < 1:
        raise StudyError("A study needs at least one sentence.")
    rng = np.random.default_rng(seed)
    cells: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, sentence in enumerate(sentences):
        cells[sentence.kind, sentence.polarity].append(place)
    drawn = [[places[i] for i in rng.permutation(len(places))] for _, places in sorted(cells.items())]
    in_turn = [place for row in zip_longest(*drawn) for place in row if place is not None]
    return tuple(sentences[place] for place in sorted(in_turn[:number]))


def _sentences(pairs: int) -> int:
    return max(_FEWEST, _DECISIONS // pairs // _FEWEST * _FEWEST)


def _ranked(model: DualEncoder, films: SearchSet, text: str) -> tuple[GalleryFilm, ...]:
    hits = search(model, films.collection, text, FILMS, embeddings=films.embeddings[model.tower_id])
    return tuple(GalleryFilm(hit.id, hit.relevant) for hit in hits)


def _fingerprint(model: DualEncoder) -> dict[str, str]:
    return {"image": model.tower_id, "text": weights_id(model.text.state_dict(), {})}
