"""Where a build reads and writes."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from negviz.common.errors import NegvizError
from negviz.common.files import default_cache
from negviz.common.shipped import COMPACT
from negviz.films.collection import ASSETS, OPENI, PHANTOMS, Collection, is_shipped, open_collection
from negviz.films.split import with_folds

PROMPTS: Final = ASSETS / "prompts"
EVALUATION: Final = PROMPTS / "evaluation.csv"  # the 99 prompts
RESULTS: Final = ASSETS / "results"
_NIH_FILMS: Final = "NIH films, where their embeddings are not shipped"


class FilmsError(NegvizError):
    """A source of films that cannot be used; the message says what to do."""


def drop_replaced(path: Path) -> None:
    """Remove what lies beside a shipped file of a base's own, of bases that this one replaces.

    Such files are named by their base and lie in a folder for them alone.
    """
    for old in path.parent.iterdir():
        if old.stem != path.stem:
            old.unlink()


def add_path_options(
    parser: argparse.ArgumentParser, *, collection: str, films: str, nih: str = _NIH_FILMS
) -> None:
    """`--family`, `--collection`, `--films` and `--nih`, with what a command has to say of the last three."""
    add_family_option(parser)
    parser.add_argument("--collection", default="openi", metavar="NAME|DIR", help=collection)
    parser.add_argument("--films", type=Path, metavar="DIR", help=films)
    add_labels_option(parser)
    parser.add_argument("--nih", type=Path, metavar="DIR", help=nih)


def add_family_option(parser: argparse.ArgumentParser, what: str = "folder of the models") -> None:
    """`--family`, the shipped one unless another is given."""
    what += " (default: checkpoints/compact)"
    parser.add_argument("--family", type=Path, default=COMPACT, metavar="DIR", help=what)


def add_labels_option(parser: argparse.ArgumentParser) -> None:
    """`--labels`, for whatever takes a `--collection` of one's own."""
    what = "labels of the folder of --collection, as published for NIH's, CheXpert's and other films"
    parser.add_argument("--labels", type=Path, metavar="FILE", help=what)


def told(path: object) -> str:
    """A path as a results file, which others read, tells it: one from the root by its name alone."""
    return Path(str(path)).name if Path(str(path)).is_absolute() else str(path)


def family_words(args: argparse.Namespace) -> list[str]:
    """The options that name a family and films again, none for those that are shipped and usual."""
    family = [] if args.family.resolve() == COMPACT else ["--family", told(args.family)]
    collection = getattr(args, "collection", OPENI)
    return family if collection == OPENI else [*family, "--collection", told(collection)]


def again(command: str, args: argparse.Namespace, *words: str, **usual: object) -> str:
    """The command that makes a results file again: `words`, the family, options not as `usual`.

    An option whose usual value is None is always told.  Where films lie is one machine's affair.
    """
    given = ((name, getattr(args, name)) for name, value in usual.items() if getattr(args, name) != value)
    options = [word for name, value in given for word in (f"--{name}", told(value))]
    return shlex.join(["python", "-m", "training", command, *words, *family_words(args), *options])


@dataclass(frozen=True)
class Paths:
    """What a command was given; what it was not given stands where the repository keeps it."""

    family: Path = COMPACT
    collection: str = "openi"  # what the models are trained, tuned and measured on
    films: Path | None = None  # where its images lie; for Open-i, NLM's archives or a folder
    nih: Path | None = None
    labels: Path | None = None  # of the collection, where its folder holds images and no manifest
    work: Path = field(default_factory=lambda: default_cache() / "training")

    @classmethod
    def of(cls, args: argparse.Namespace) -> Paths:
        """As the options of `add_path_options` say."""
        return cls(args.family, args.collection, args.films, args.nih, args.labels)

    @property
    def shipped(self) -> bool:
        """Whether this builds what the repository ships; anybody else's family keeps its files to itself."""
        return self.family.resolve() == COMPACT

    @property
    def own(self) -> bool:
        """Whether the collection is a folder of one's own, which holds its images, or says where they lie."""
        return not is_shipped(self.collection)

    @property
    def results(self) -> Path:
        return RESULTS if self.shipped else self.family / "results"

    def need_films(self) -> Path:
        """Where films and reports lie: as told, else in the folder of one's own collection."""
        folder = Path(self.collection) if self.films is None and self.own else self.films
        if folder is None or not folder.is_dir():
            raise FilmsError("Give --films the folder that holds the Open-i films and reports.")
        return folder

    def images_of(self, collection: str) -> Path | None:
        """Where the images of a collection to measure on lie; None: beside its manifest, if anywhere."""
        return {"nih": self.nih, PHANTOMS: None, self.collection: self.films}.get(collection)

    def open_collection(self) -> Collection:
        """With training films in folds, which are dealt out where the manifest has none."""
        opened = open_collection(self.collection, films=self.films, labels=self.labels)
        without = not any(film.fold for film in opened)
        return replace(opened, films=with_folds(opened.films)) if without else opened

    def open_listed(self, name: str) -> Collection:
        """A collection to measure on, as whoever opens it alone finds it."""
        labels = self.labels if name == self.collection else None
        return open_collection(name, films=self.images_of(name), labels=labels)

    def open_phantoms(self) -> Collection | None:
        """The simulated films, which are shipped with their pixels."""
        return open_collection(PHANTOMS) if is_shipped(PHANTOMS) else None

    def open_nih(self) -> Collection | None:
        return open_collection("nih", films=self.nih) if self.nih is not None else None
