"""The About tab: what this is not, privacy, licences, hosting, and the model cards as they lie on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from markupsafe import Markup

from negviz.common.shipped import CHECKPOINTS
from negviz.models.checkpoint import licence_of
from negviz.page import words as page_words
from negviz.page.about import words
from negviz.page.about.card import card
from negviz.page.board import Board, Panel, html
from negviz.page.opening import Once, on_first_opening
from negviz.page.room import Room
from negviz.page.templates import Template

_VIEW: Final = Template("about", words=words, card=card)


def lay_out(board: Board, *, family: Path | None = None) -> None:
    """To be called inside the tab; `family` is the folder that holds the open models."""
    shown = html(_VIEW("waiting"))
    on_first_opening(Once(lambda: about(board.room, family)), shown)


def about(room: Room, family: Path | None = None) -> Markup:
    """The whole tab as HTML."""
    model = next(iter(room.models.values()))
    folder = family or room.home.folder or CHECKPOINTS / model.family
    found = {name: path for name in room.models if (path := folder / name / "README.md").is_file()}
    return _VIEW(
        "about",
        base=page_words.base_note(model.family, model.origin),
        sections=words.sections(model.origin, licence_of(folder)),
        cards={name: path.read_text(encoding="utf-8") for name, path in found.items()},
    )


ABOUT: Final = Panel("about", lay_out)
