"""The app: what was asked for is opened, laid out as a page, and served."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from threading import Thread

import torch

from negviz.common.errors import NegvizError
from negviz.common.shipped import need_shipped
from negviz.films.collection import Collection
from negviz.models.checkpoint import tuned_on
from negviz.models.family import load_models
from negviz.page.build import build_page
from negviz.page.families.choice import Home, OfferedFamily, choices_of
from negviz.page.families.panel import Opener, family_routes
from negviz.page.opened import (
    find_families,
    find_pictures,
    in_order,
    open_collections,
    open_rivals,
    open_sets,
    results_of,
    say,
)
from negviz.page.pictures import Pictures
from negviz.page.room import Room
from negviz.page.serve import mount_page, serve, serve_routes
from negviz.page.study import panel as study_page
from negviz.page.uploads import panel as uploads
from negviz.page.waiting.server import opened_meanwhile
from negviz.retrieval.embeddings import Progress
from negviz.study.design import PROMPTS, make_design, read_sentences
from negviz.study.store import StudyFile


def launch(options: argparse.Namespace) -> None:
    """What the options ask for, served until interrupted; an error meant for people ends in its sentence."""
    try:
        need_shipped()
        collections = open_collections(options.collection, options.films, options.labels)
        for note in (note for collection in collections for note in collection.notes):
            say(note)
        pictures = find_pictures(collections, options.nlm)
        if options.study is not None:
            serve_study(options, collections, pictures)
        else:
            serve_rooms(options, collections, pictures)
    except NegvizError as error:
        sys.exit(f"negviz: {error}")


def serve_rooms(options: argparse.Namespace, collections: Sequence[Collection], pictures: Pictures) -> None:
    """The page of the first family; those of others are opened when a visitor first chooses them."""
    choices = choices_of(find_families(options.family))

    def open_room(choice: OfferedFamily, progress: Progress) -> Room:
        models, left_out = load_models(choice.folder), list[str]()

        def leave_out(sentence: str) -> None:
            left_out.append(sentence)
            say(sentence)

        seen = [collection.as_seen_by(tuned_on(choice.folder)) for collection in collections]
        groups = open_sets(models, seen, progress=progress, say=leave_out)
        every = models | open_rivals(models, choice.folder)
        home = Home(choices, choice.key, results_of(choice.folder), tuple(left_out))
        return Room(every, in_order(groups, pictures), pictures, home)

    room = opened_meanwhile(
        lambda progress: open_room(choices[0], progress), port=options.port, host=options.host
    )
    if said := uploads.warning(options.host):
        say(said)
    share_cores()
    # Else gradio imports it at the first question, and its loop waits.
    Thread(target=import_module, args=("matplotlib",), daemon=True).start()
    further = family_routes(room.home, Opener(open_room, build_page, mount_page))
    serve(build_page(room), room, port=options.port, host=options.host, further=further)


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
        groups = opened_meanwhile(
            lambda progress: open_sets(models, collections, progress=progress),
            port=options.port,
            host=options.host,
        )
        films = in_order(groups, pictures)[0]
        study = StudyFile.make(path, make_design(models, films, read_sentences(PROMPTS)))
    study_page.check_films(study.design, pictures)
    for line in study_page.said_at_start(path, study, pictures):
        say(line)
    page, routes = study_page.build_study_page(study, pictures), study_page.study_routes(study, pictures)
    serve_routes(page, routes, port=options.port, host=options.host)
