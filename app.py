"""negviz: type a sentence, see the films that each model takes it for.

Every option may be set in the environment instead, as NEGVIZ_PORT, NEGVIZ_FAMILY and so on.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

gc.disable()  # what is imported stays: looking for garbage among it would take a fifth of the start

import torch

from negviz.common.errors import NegvizError
from negviz.common.tensor_files import CheckpointError
from negviz.films import collection as shelf
from negviz.films.collection import Collection, open_collection
from negviz.films.on_demand import open_openi
from negviz.films.openi import IMAGE_HOST
from negviz.models.checkpoint import FAMILY_FILE, read_family
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.models.training_free import load_rivals
from negviz.page import Pictures, Room, build_page, serve
from negviz.page.families.choice import Choice, Home, choices_of
from negviz.page.families.panel import Opener, family_routes
from negviz.page.pictures import OPENI, PHANTOMS
from negviz.page.serve import mount_page, serve_routes
from negviz.page.server.memory import return_freed_memory
from negviz.page.study import panel as study_page
from negviz.page.uploads import panel as uploads
from negviz.retrieval.answer import SearchSet, search_sets
from negviz.retrieval.embeddings import EmbeddingsError, Progress
from negviz.study.design import PROMPTS, make_design, read_sentences
from negviz.study.store import StudyFile

gc.freeze()
gc.enable()

HERE = Path(__file__).resolve().parent
COMPACT = HERE / "checkpoints" / "compact"
MOST_FAMILIES = 4  # all may come to be open at once, and each takes memory


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"negviz: {message}; --help lists the options.\n")


def main(arguments: Sequence[str] | None = None) -> None:
    return_freed_memory()
    options = parser().parse_args(arguments)
    try:
        collections = open_collections(options.collection, options.films)
        for note in (note for collection in collections for note in collection.notes):
            print(f"negviz: {note}", file=sys.stderr)
        pictures = find_pictures(collections, options.nlm)
        if options.study is not None:
            serve_study(options, collections, pictures)
            return
        choices = choices_of(find_families(options.family))

        def open_room(choice: Choice, progress: Progress) -> Room:
            models, left_out = load_models(choice.folder), list[str]()

            def leave_out(sentence: str) -> None:
                left_out.append(sentence)
                say(sentence)

            groups = open_sets(models, collections, progress=progress, say=leave_out)
            every = models | open_rivals(models, choice.folder)
            home = Home(choices, choice.key, results_of(choice.folder), tuple(left_out))
            return Room(every, in_order(groups, pictures), pictures, home)

        room = open_room(choices[0], report)
        if said := uploads.warning(options.host):
            print(f"negviz: {said}", file=sys.stderr)
        share_cores()
        further = family_routes(room.home, Opener(open_room, build_page, mount_page))
        serve(build_page(room), room, port=options.port, host=options.host, further=further)
    except NegvizError as error:
        sys.exit(f"negviz: {error}")


def share_cores() -> None:
    """One thread for each thing that is worked out: several are at a time, and would wait for one another."""
    torch.set_num_threads(1)
    sys.setswitchinterval(0.0005)  # seconds for which a working thread may keep the server's loop waiting


def serve_study(options: argparse.Namespace, collections: Sequence[Collection], pictures: Pictures) -> None:
    """The reader study and nothing else; where there is none yet, one over the films the page opens on."""
    path: Path = options.study
    if path.exists():
        study = StudyFile(path)
    else:
        models = load_models(find_families(options.family)[0])
        films = in_order(open_sets(models, collections), pictures)[0]
        study = StudyFile.make(path, make_design(models, films, read_sentences(PROMPTS)))
    study_page.check_films(study.design, pictures)
    for line in study_page.said_at_start(path, study, pictures):
        print(f"negviz: {line}", file=sys.stderr)
    page, routes = study_page.build_study_page(study, pictures), study_page.study_routes(study, pictures)
    serve_routes(page, routes, port=options.port, host=options.host)


def open_collections(name: str | None, films: Path | None) -> list[Collection]:
    """The one asked for; without a name Open-i and, where they are shipped, the simulated films."""
    if name is not None:
        return [open_collection(name, films=films)]
    shipped = [name for name in (OPENI, PHANTOMS) if (shelf.ASSETS / name / shelf.MANIFEST).is_file()]
    return [open_collection(name, films=films if name == OPENI else None) for name in shipped or [OPENI]]


def find_families(asked: Sequence[Path] | None) -> list[Path]:
    """The families asked for, by option or else by environment; without any all under checkpoints/.

    The compact one comes first of these.  Raises `CheckpointError` where one is none, or there are too many.
    """
    shelf = sorted(path.parent for path in COMPACT.parent.glob(f"*/{FAMILY_FILE}"))
    shelf.sort(key=lambda folder: folder != COMPACT)
    told = [Path(folder) for folder in os.environ.get("NEGVIZ_FAMILY", "").split(os.pathsep) if folder]
    folders = list(asked or told or shelf[:MOST_FAMILIES] or [COMPACT])
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
        print(f"negviz: {error}", file=sys.stderr)
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
        action="append",
        metavar="DIR",
        help="folder of a family of models; given several times, the page offers each; all under "
        "checkpoints/ by default, the compact one first",
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
    options.add_argument(
        "--study",
        type=Path,
        metavar="FILE",
        default=told("NEGVIZ_STUDY") or None,
        help="show the reader study of this file and nothing else; one is made where there is none",
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
