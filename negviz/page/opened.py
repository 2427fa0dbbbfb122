"""What the app opens: families of models, collections of films, and pictures of the films."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from negviz.common.shipped import COMPACT
from negviz.common.tensor_files import CheckpointError
from negviz.films.collection import OPENI, PHANTOMS, Collection, CollectionError, is_shipped, open_collection
from negviz.films.on_demand import open_openi
from negviz.models.checkpoint import FAMILY_FILE, read_family
from negviz.models.encoder import DualEncoder
from negviz.models.training_free import load_rivals
from negviz.page.pictures import Pictures
from negviz.retrieval.answer import SearchSet, search_sets
from negviz.retrieval.embeddings import EmbeddingsError, Progress

MOST_FAMILIES: Final = 4  # all may come to be open at once, and each takes memory


def open_collections(name: str | None, films: Path | None, labels: Path | None = None) -> list[Collection]:
    """The one asked for; without a name Open-i and, where they are shipped, the simulated films."""
    if name is not None:
        return [open_collection(name, films=films, labels=labels)]
    if labels is not None:
        raise CollectionError("Give --collection the folder of the films that --labels tells of.")
    shipped = [name for name in (OPENI, PHANTOMS) if is_shipped(name)]
    return [open_collection(name, films=films if name == OPENI else None) for name in shipped or [OPENI]]


def find_families(asked: Sequence[Path] | None) -> list[Path]:
    """The families asked for, by option or else by environment; without any all under checkpoints/.

    The compact one comes first of these.  Raises `CheckpointError` where one is none, or there are too many.
    """
    shipped = sorted(path.parent for path in COMPACT.parent.glob(f"*/{FAMILY_FILE}"))
    shipped.sort(key=lambda folder: folder != COMPACT)
    told = [Path(folder) for folder in os.environ.get("NEGVIZ_FAMILY", "").split(os.pathsep) if folder]
    folders = list(asked or told or shipped[:MOST_FAMILIES] or [COMPACT])
    if len(folders) > MOST_FAMILIES:
        raise CheckpointError(
            f"{len(folders)} families are more than are kept in memory at once; give at most {MOST_FAMILIES}."
        )
    for folder in folders:
        read_family(folder)
    return folders


def results_of(folder: Path) -> Path | None:
    """Where a family's measurements lie; None where the repository keeps them."""
    return None if folder == COMPACT else folder / "results"


def say(sentence: str) -> None:
    print(f"negviz: {sentence}", file=sys.stderr)


def open_sets(
    models: Mapping[str, DualEncoder],
    collections: Sequence[Collection],
    *,
    progress: Progress | None = None,
    say: Callable[[str], None] = say,
) -> list[tuple[SearchSet, ...]]:
    """The sets of every collection that these models can search.

    One whose films would have to be embedded and are not at hand is left out, and that is said; where none
    is left, the last `EmbeddingsError` is raised.
    """
    groups: list[tuple[SearchSet, ...]] = []
    for collection in collections:
        try:
            groups.append(search_sets(models, collection, progress=progress or report))
        except EmbeddingsError as error:
            if not groups and collection is collections[-1]:
                raise
            say(str(error))
    return groups


def open_rivals(models: Mapping[str, DualEncoder], family: Path) -> dict[str, DualEncoder]:
    """The columns that need no training; the page does without them where their files are damaged."""
    try:
        return load_rivals(models, family)
    except CheckpointError as error:
        say(str(error))
        return {}


def find_pictures(collections: Sequence[Collection], nlm: str | None) -> Pictures:
    """The films at hand and, of Open-i, those NLM has.

    Nothing is fetched yet, but whether NLM answers is asked at once, in the background.
    """
    openi = next((collection for collection in collections if collection.name == OPENI), None)
    if nlm is None or openi is None:
        return Pictures(*collections)
    pictures = Pictures(*collections, openi=open_openi(openi, host=nlm))
    pictures.can_be_had(OPENI)
    return pictures


def in_order(groups: Sequence[tuple[SearchSet, ...]], pictures: Pictures) -> tuple[SearchSet, ...]:
    """The sets of collections whose films can be had, as far as is known, before the others."""
    ready = sorted(groups, key=lambda group: pictures.can_be_had(group[0].collection.name) is not True)
    return tuple(films for group in ready for films in group)


def report(done: int, films: int) -> None:
    """Progress of embeddings that are neither shipped nor cached."""
    print(f"negviz: {done} of {films} films embedded", flush=True)
