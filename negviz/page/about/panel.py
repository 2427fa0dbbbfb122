"""The About tab: what this is not, privacy, licences, hosting, and the model cards as they lie on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from markupsafe import Markup

from negviz.common.shipped import CHECKPOINTS
from negviz.page import words as page_words
from negviz.page.about import words
from negviz.page.about.card import card
from negviz.page.board import Board, Panel, html
from negviz.page.opening import Once, on_first_opening
from negviz.page.room import Room

_EMPTY: Final = Markup("")


def lay_out(board: Board, *, family: Path | None = None) -> None:
    """To be called inside the tab; `family` is the folder that holds the open models."""
    shown = html(Markup('<p class="nv-note nv-about-wait">{}</p>').format(words.WAITING))
    on_first_opening(Once(lambda: about(board.room, family)), shown)


def about(room: Room, family: Path | None = None) -> Markup:
    """The whole tab as HTML."""
    model = next(iter(room.models.values()))
    note = page_words.base_note(model.family, (model.source or {}).get("id"))
    sections = [_section(*section) for section in words.SECTIONS]
    base = Markup("<section><h3>{}</h3><p>{}</p></section>").format(words.BASE, note)
    return Markup('<div class="nv-about"><h2>{}</h2>{}{}{}{}</div>').format(
        words.HEADING,
        sections[0],
        base,
        _EMPTY.join(sections[1:]),
        _cards(family or room.home.folder or CHECKPOINTS / model.family, list(room.models)),
    )


def _section(key: str, title: str, paragraphs: tuple[str, ...]) -> Markup:
    return Markup('<section id="about-{}"><h3>{}</h3>{}</section>').format(
        key, title, card("\n\n".join(paragraphs))
    )


def _cards(family: Path, models: list[str]) -> Markup:
    found = [(name, path) for name in models if (path := family / name / "README.md").is_file()]
    inside = _EMPTY.join(
        Markup('<details class="nv-fold nv-card"><summary>{}</summary>{}</details>').format(
            page_words.column_title(name)[0], card(path.read_text(encoding="utf-8"))
        )
        for name, path in found
    )
    return Markup('<section id="about-cards"><h3>{}</h3><p>{}</p>{}</section>').format(
        words.CARDS, words.CARDS_LEAD if found else words.NO_CARDS, inside
    )


ABOUT: Final = Panel("about", lay_out)
