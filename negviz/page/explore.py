"""What the components of Explore call: each method answers one question and holds nothing between calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import gradio as gr

from negviz.answer import Answer, AnswerError, SearchSet, answer
from negviz.comparison import Comparison, compare
from negviz.findings import Polarity
from negviz.model import DualEncoder
from negviz.page import arguments, columns, markup, words
from negviz.page.arguments import told
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room

_FORGOTTEN_AT_ONCE: Final = 200  # sentences of one visit


@dataclass(frozen=True, eq=False)
class Shown:
    """What a question changes on the page; the fields are the outputs of every handler, in order."""

    reading: str
    columns: str
    chip: Any  # the fold in which the reading is corrected
    toggle: Any
    opposite: Any
    turned: Any  # the row that holds the opposite
    pin: Any
    pinned: str  # an `Asked` as JSON, or ""
    asked: str  # the same

    def outputs(self) -> tuple[Any, ...]:
        return tuple(vars(self).values())


@dataclass(frozen=True, eq=False)
class Explore:
    """The room, and how a visitor's choices become a question to it."""

    room: Room

    @property
    def models(self) -> Mapping[str, DualEncoder]:
        return self.room.models

    @property
    def sets(self) -> tuple[SearchSet, ...]:
        return self.room.sets

    @property
    def pictures(self) -> Pictures:
        return self.room.pictures

    @cached_property
    def usual(self) -> dict[str, float]:
        """Films in ten that show an effusion ruled out, by model, as measured beforehand."""
        known = self.room.backgrounds.items()
        return {name: films for name, b in known if (films := b.contrary_in_ten) is not None}

    def _usual(self, given: Answer) -> Mapping[str, float]:
        rules_out = [(mention.finding, mention.polarity) for mention in given.mentions] == [
            ("effusion", "absent")
        ]
        return self.usual if rules_out else {}

    def example(self) -> Asked:
        return Asked(words.EXAMPLES[0], self.sets[0].name)

    def first_paint(self) -> tuple[Answer, str, str]:
        """The example's answer, reading and columns, ready before anybody comes."""
        given = self.room.answer(self.example())
        found = columns.columns(given, self.example(), self.sets[0], self.pictures)
        return given, markup.reading(given, self._usual(given), example=True), found

    # Handlers: what was asked last comes back as `asked` and `pinned`, JSON that is not trusted

    def ask(
        self, text: str, films: str, models: Sequence[str], taken: bool, pinned: str, asked: str
    ) -> tuple[Any, ...]:
        """A new sentence; or the old one over other films or by other models, as corrected as it was."""
        before = Asked.read(asked)
        known = before if before.text == text else Asked(text)
        return self._show(replace(known, films=films, models=tuple(models)), taken=taken, pinned=pinned)

    def mark(self, finding: str, polarity: Polarity, taken: bool, pinned: str, asked: str) -> tuple[Any, ...]:
        """The same films, marked by what the visitor says was meant."""
        said = Asked.read(json.dumps({"text": "", "meant": [finding, polarity]})).meant
        return self._show(replace(Asked.read(asked), meant=said), taken=taken, pinned=pinned)

    def turn(self, opposite: str, pinned: str, asked: str) -> tuple[Any, ...]:
        """Compared with the opposite in the visitor's own words."""
        return self._show(replace(Asked.read(asked), opposite=opposite), taken=True, pinned=pinned)

    def look(self, taken: bool, pinned: str, asked: str) -> tuple[Any, ...]:
        """The same answer, compared with its opposite or not."""
        return self._show(Asked.read(asked), taken=taken, pinned=pinned)

    def pin(self, taken: bool, pinned: str, asked: str) -> tuple[Any, ...]:
        """Keep the sentence on show, to be compared with the next; or let it go."""
        return self._show(Asked.read(asked), taken=taken, pinned="" if pinned else asked)

    def clear(self, films: str, visit: str) -> tuple[Any, ...]:
        """Nothing asked, nothing answered, nothing remembered of what this visit asked."""
        self.room.forget(_texts(visit))
        shown = self._nothing(markup.complaint(words.CLEARED), films)
        return "", "", *shown.outputs()

    def _show(self, asked: Asked, *, taken: bool, pinned: str) -> tuple[Any, ...]:
        try:
            given = self.room.answer(asked)
            comparison = self._comparison(given, asked, taken=taken, pinned=Asked.read(pinned))
        except AnswerError as error:
            return self._nothing(markup.complaint(str(error)), asked.films, pinned=pinned).outputs()
        films = self.room.films(asked.films)
        return Shown(
            reading=markup.reading(given, self._usual(given), corrected=asked.meant is not None)
            + (markup.apart(given) if taken else ""),
            columns=columns.columns(given, asked, films, self.pictures, comparison),
            chip=chip(given),
            toggle=gr.update(label=toggle_label(given), value=taken),
            opposite=gr.update(
                value=given.opposite.text if given.opposite else "",
                info=None if given.opposite else words.NO_OPPOSITE,
            ),
            turned=gr.update(visible=taken),
            pin=gr.update(value=words.UNPIN if pinned else words.PIN, interactive=True),
            pinned=pinned,
            asked=asked.json(),
        ).outputs()

    def _comparison(self, given: Answer, asked: Asked, *, taken: bool, pinned: Asked) -> Comparison | None:
        if taken:
            if given.opposite is None:
                return None
            return self.room.compare(asked, Asked(given.opposite.text))
        if pinned.text and pinned.text != asked.text:
            return self.room.compare(asked, pinned)
        return None

    def _nothing(self, said: str, films: str, *, pinned: str = "") -> Shown:
        return Shown(
            reading=said,
            columns="",
            chip=gr.update(visible=False),
            toggle=gr.update(value=False),
            opposite=gr.update(value=""),
            turned=gr.update(visible=False),
            pin=gr.update(value=words.UNPIN if pinned else words.PIN, interactive=bool(pinned)),
            pinned=pinned,
            asked=Asked("", films).json(),
        )

    # Endpoints

    def search(self, prompt: str, collection: str = "", k: int = 10) -> dict[str, Any]:
        """What every model finds for a sentence, as JSON.

        `collection` names a set, such as "openi/test", or an open collection, for the set of it that comes
        first; "" is the set that the page opens on.
        """
        with told():
            films, sent = self._asked_for(collection), arguments.text(prompt, "prompt")
            known = self.room.calibrations
            found = answer(self.models, films, sent, k=arguments.whole(k, "k"), calibrations=known)
        return {"collection": films.collection.name, "set": films.part, **found.plain()}

    def compare(self, prompt: str, against: str = "", collection: str = "", k: int = 10) -> dict[str, Any]:
        """What every model finds for a sentence and for another, by default its opposite, and what stays."""
        with told():
            films, sent = self._asked_for(collection), arguments.text(prompt, "prompt")
            other, most = arguments.text(against, "against"), arguments.whole(k, "k")
            known = self.room.calibrations
            found = compare(self.models, films, sent, other, k=most, calibrations=known)
        return {"collection": films.collection.name, "set": films.part, **found.plain()}

    def origin(self, films: str) -> tuple[str, Any]:
        """Where films come from, and whether to look again in a while."""
        said, settled = self.pictures.origin(self.room.films(films).collection.name)
        # A component made here could land in a page that is being built meanwhile: an update cannot.
        return markup.origin(said), gr.update(active=not settled)

    def _asked_for(self, collection: str) -> SearchSet:
        names = {films.name: films for films in self.sets}
        for films in reversed(self.sets):
            names[films.collection.name] = films
        names[""] = self.sets[0]
        if arguments.text(collection, "collection") not in names:
            raise AnswerError(
                f"There is no such collection here; ask for {' or '.join(filter(None, names))}."
            )
        return names[collection]


def chip(given: Answer) -> Any:
    """The reading on a chip that opens into its correction; open where nothing was recognised."""
    read = [(mention.finding, mention.polarity) for mention in given.mentions]
    return gr.update(label=words.reading(read) if read else words.TELL_US, open=not read, visible=True)


def toggle_label(given: Answer) -> str:
    first = given.mentions[0].polarity if given.mentions else None
    return words.toggle(given.prompt.polarity or first, opposite=given.opposite is not None)


def _texts(visit: str) -> list[str]:
    """The sentences of a visit, as the browser kept them."""
    try:
        given = json.loads(visit or "[]")
    except (ValueError, RecursionError):
        return []
    return (
        [text for text in given if isinstance(text, str)][:_FORGOTTEN_AT_ONCE]
        if isinstance(given, list)
        else []
    )
