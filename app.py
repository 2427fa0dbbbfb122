"""negviz: type a sentence, see the films that each model takes it for.

Every option may be set in the environment instead, as NEGVIZ_PORT, NEGVIZ_FAMILY and so on.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from negviz import collection as shelf
from negviz.answer import SearchSet, search_sets
from negviz.collection import Collection, CollectionError, open_collection
from negviz.embeddings import EmbeddingsError
from negviz.model import CheckpointError, DualEncoder, load_models
from negviz.on_demand import open_openi
from negviz.openi import IMAGE_HOST
from negviz.page import Pictures, Room, ServeError, build_page, serve, uploads
from negviz.page.pictures import OPENI, PHANTOMS

HERE = Path(__file__).resolve().parent


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"negviz: {message}; --help lists the options.\n")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    try:
        collections = open_collections(options.collection, options.films)
        for note in (note for collection in collections for note in collection.notes):
            print(f"negviz: {note}", file=sys.stderr)
        pictures = find_pictures(collections, options.nlm)
        models = load_models(options.family)
        groups = open_sets(models, collections)
        room = Room(models, in_order(groups, pictures), pictures)
        if said := uploads.warning(options.host):
            print(f"negviz: {said}", file=sys.stderr)
        serve(build_page(room), room, port=options.port, host=options.host)
    except (CheckpointError, CollectionError, EmbeddingsError, ServeError) as error:
        sys.exit(f"negviz: {error}")


def open_collections(name: str | None, films: Path | None) -> list[Collection]:
    """The one asked for; without a name Open-i and, where they are shipped, the simulated films."""
    if name is not None:
        return [open_collection(name, films=films)]
    shipped = [name for name in (OPENI, PHANTOMS) if (shelf.ASSETS / name / shelf.MANIFEST).is_file()]
    return [open_collection(name, films=films if name == OPENI else None) for name in shipped or [OPENI]]


def open_sets(
    models: Mapping[str, DualEncoder], collections: Sequence[Collection]
) -> list[tuple[SearchSet, ...]]:
    """The sets of every collection that these models can search.

    One whose films would have to be embedded and are not at hand is left out, and that is said; where none
    is left, the last `EmbeddingsError` is raised.
    """
    groups: list[tuple[SearchSet, ...]] = []
    for collection in collections:
        try:
            groups.append(search_sets(models, collection, progress=report))
        except EmbeddingsError as error:
            if not groups and collection is collections[-1]:
                raise
            print(f"negviz: {error}", file=sys.stderr)
    return groups


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


def parser() -> Parser:
    told = os.environ.get
    options = Parser(prog="app.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--port", type=port, metavar="N", default=told("NEGVIZ_PORT") or "7860", help="7860 by default"
    )
    options.add_argument(
        "--host",
        metavar="H",
        default=told("NEGVIZ_HOST") or None,
        help="address to listen on; this machine only by default",
    )
    options.add_argument(
        "--family",
        type=Path,
        metavar="DIR",
        default=told("NEGVIZ_FAMILY") or HERE / "checkpoints" / "compact",
        help="folder of a family of models; checkpoints/compact by default",
    )
    options.add_argument(
        "--collection",
        metavar="NAME|DIR",
        default=told("NEGVIZ_COLLECTION") or None,
        help="one shipped collection, or a folder that holds a manifest.csv; all shipped ones by default",
    )
    options.add_argument(
        "--films",
        type=Path,
        metavar="DIR",
        default=told("NEGVIZ_FILMS") or None,
        help="folder of the collection's images where they lie apart from its manifest",
    )
    options.add_argument(
        "--nlm",
        type=nlm_host,
        metavar="HOST|off",
        default=told("NEGVIZ_NLM") or IMAGE_HOST,
        help="where films of openi that are not at hand come from, or off; NLM itself by default",
    )
    return options


def nlm_host(text: str) -> str | None:
    """None for "off"."""
    if text == "off":
        return None
    match = re.fullmatch(r"(https?://[a-zA-Z0-9.-]+)(?::(\d+))?/?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is neither https://HOST, http://HOST:PORT nor off")
    return match[1] if match[2] is None else f"{match[1]}:{port(match[2])}"


def port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port between 1 and 65535")
    return int(text)


def report(done: int, films: int) -> None:
    """Progress of embeddings that are neither shipped nor cached."""
    print(f"negviz: {done} of {films} films embedded", flush=True)


if __name__ == "__main__":
    main()
