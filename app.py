"""negviz: type a sentence, see the films that each model takes it for.

Every option may be set in the environment instead, as NEGVIZ_PORT, NEGVIZ_FAMILY and so on.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from negviz.answer import search_sets
from negviz.collection import Collection, CollectionError, open_collection
from negviz.embeddings import EmbeddingsError
from negviz.model import CheckpointError, load_models
from negviz.on_demand import open_openi
from negviz.openi import IMAGE_HOST
from negviz.page import Pictures, ServeError, build_page, serve

HERE = Path(__file__).resolve().parent


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"negviz: {message}; --help lists the options.\n")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    try:
        models = load_models(options.family)
        collection = open_collection(options.collection, films=options.films)
        for note in collection.notes:
            print(f"negviz: {note}", file=sys.stderr)
        sets = search_sets(models, collection, progress=report)
        pictures = find_pictures(collection, options.nlm)
        serve(build_page(models, sets, pictures), pictures, port=options.port, host=options.host)
    except (CheckpointError, CollectionError, EmbeddingsError, ServeError) as error:
        sys.exit(f"negviz: {error}")


def find_pictures(collection: Collection, nlm: str | None) -> Pictures:
    """The films at hand and, where the collection is Open-i, those NLM has; nothing is fetched yet."""
    if nlm is None or collection.name != "openi":
        return Pictures(collection)
    return Pictures(collection, open_openi(collection, host=nlm))


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
        default=told("NEGVIZ_COLLECTION") or "openi",
        help="a shipped collection, or a folder that holds a manifest.csv; openi by default",
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
