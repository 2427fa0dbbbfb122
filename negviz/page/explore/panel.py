"""What the components of Explore call: each method answers one question and holds nothing between calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import gradio as gr

from negviz.findings import Polarity
from negviz.language.prompt import Mention
from negviz.models.encoder import DualEncoder
from negviz.page import words
from negviz.page.explore import markup
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.page.server import arguments
from negviz.page.server.arguments import told
from negviz.results.averages import Usual
from negviz.retrieval.answer import Answer, AnswerError, SearchSet, answer
from negviz.retrieval.comparison import Comparison, compare
from negviz.retrieval.examples import OPENING

OFFERS: Final = 4  # readings at most that a sentence which is not surely read is offered
_FORGOTTEN_AT_ONCE: Final = 200  # sentences of one visit


def _hidden() -> Any:
    return gr.update(visible=False)


@dataclass(frozen=True, eq=False)
class Shown:
    """What a question changes on the page; the fields are the outputs of every handler, in order."""

    reading: str
    columns: str
    chip: Any  # the fold in which the reading is corrected
    finding: Any  # the correction, which opens on the reading as it stands
    polarity: Any
    mark: Any  # to be pressed once something was changed
    stands: str  # the reading as it stands, as JSON
    toggle: Any
    opposite: Any
    turned: Any  # the row that holds the opposite
    pin: Any
    pinned: str  # an `Asked` as JSON, or ""
    asked: str  # the same
    examples: str  # what may be tried over the films searched
    undo: Any = field(default_factory=_hidden)
    cleared: str = ""  # what `undo` would bring back, as JSON
    films: Any = field(default_factory=gr.skip)  # the choice of films
    # what to offer where the reading is not sure: `OFFERS` buttons
    offer_1: Any = field(default_factory=_hidden)
    offer_2: Any = field(default_factory=_hidden)
    offer_3: Any = field(default_factory=_hidden)
    offer_4: Any = field(default_factory=_hidden)

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

    def _usual(self, given: Answer) -> Usual | None:
        usual = self.room.usual(given.films)
        said = [(mention.finding, mention.polarity, mention.side) for mention in given.mentions]
        return usual if usual and given.marked and said == [(usual.finding, "absent", None)] else None

    def example(self) -> Asked:
        return Asked(OPENING, self.sets[0].name)

    def first_paint(self) -> tuple[Answer, str, str]:
        """The example's answer, reading and columns, ready before anybody comes."""
        given = self.room.answer(self.example())
        found = markup.columns(given, self.example(), self.pictures)
        return given, markup.reading(given, self._usual(given), example=True), found

    def tries(self, films: SearchSet) -> str:
        return markup.tries(self.room.examples(films))

    # Handlers: what was asked last comes back as `asked` and `pinned`, JSON that is not trusted

    def ask(
        self, text: str, films: str, models: Sequence[str], taken: bool, pinned: str, asked: str
    ) -> tuple[Any, ...]:
        """A new sentence; or the old one over other films or by other models, as corrected as it was."""
        before = Asked.read(asked)
        known = before if before.text == text else Asked(text, show=before.show, but_not=before.but_not)
        shown, instead = self._instead(films, self.room.choice(before.films))
        question = self._kept(replace(known, films=shown, models=tuple(models)), before)
        return self._show(question, taken=taken, pinned=pinned, instead=instead)

    def _instead(self, name: str, before: SearchSet) -> tuple[str, str]:
        """The set to search, and what is said where it is not the one wanted, whose films cannot be seen."""
        wanted = self.room.films(name)
        if self.room.can_be_seen(wanted):
            return name, ""
        films = next(each for each in (before, *self.sets) if self.room.can_be_seen(each))
        asked = self.pictures.openi is not None
        return films.name, words.not_seen(wanted.collection.name, films.collection.name, asked=asked)

    def choices(self) -> list[tuple[str, str]]:
        """Films that may be searched: what each choice says, and its name."""
        return [
            (
                words.set_choice(
                    films.collection.name, films.part, len(films), seen=self.room.can_be_seen(films)
                ),
                films.name,
            )
            for films in self.sets
        ]

    def mark(self, finding: str, polarity: str, taken: bool, pinned: str, asked: str) -> tuple[Any, ...]:
        """The same films, marked by what the visitor says was meant."""
        said = Asked.read(json.dumps({"text": "", "meant": [finding, polarity]})).meant
        question = Asked.read(asked)
        question = replace(question, films=self.room.choice(question.films).name)
        read = self._as_read(question)
        if read is not None and read.unmarked != "ask" and [said] == _said(read):
            said = None  # nothing to correct
        return self._show(replace(question, meant=said), taken=taken, pinned=pinned)

    def mean(self, reading: str, taken: bool, pinned: str, asked: str) -> tuple[Any, ...]:
        """Yes, this is what was meant."""
        finding, _, polarity = str(reading).partition(words.IS)
        return self.mark(finding, polarity, taken, pinned, asked)

    def turn(self, opposite: str, pinned: str, asked: str) -> tuple[Any, ...]:
        """Compared with the opposite in the visitor's own words."""
        return self._show(replace(Asked.read(asked), opposite=opposite), taken=True, pinned=pinned)

    def fill(self, show: str, but_not: str, taken: bool, pinned: str, asked: str) -> tuple[Any, ...]:
        """A column of two boxes more; an empty box takes it away."""
        filled = replace(Asked.read(asked), show=str(show), but_not=str(but_not))
        return self._show(filled, taken=taken, pinned=pinned)

    def look(self, taken: bool, pinned: str, asked: str) -> tuple[Any, ...]:
        """The same answer, compared with its opposite or not."""
        return self._show(Asked.read(asked), taken=taken, pinned=pinned)

    def pin(self, taken: bool, pinned: str, asked: str) -> tuple[Any, ...]:
        """Keep the sentence on show, to be compared with the next; or let it go."""
        return self._show(Asked.read(asked), taken=taken, pinned="" if pinned else asked)

    def clear(
        self, films: str, visit: str, box: str, cleared: str, taken: bool, pinned: str, asked: str
    ) -> tuple[Any, ...]:
        """Nothing asked, nothing answered, nothing remembered of what this visit asked.

        What was on show goes to the browser, which alone could bring it back, and forgets it soon.
        """
        self.room.forget(_texts(visit))
        shown = self._nothing(markup.complaint(words.CLEARED), films)
        if Asked.read(asked).text:  # else it was cleared before, and that can still be undone
            cleared = json.dumps({"box": box, "taken": taken, "pinned": pinned, "asked": asked})
        undo = gr.update(visible=bool(cleared))
        return "", "", "", "", gr.update(active=True), *replace(shown, undo=undo, cleared=cleared).outputs()

    def forget_cleared(self) -> tuple[Any, ...]:
        """The browser is told to forget what was cleared."""
        return "", gr.update(visible=False), gr.update(active=False)

    def bring_back(self, cleared: str) -> tuple[Any, ...]:
        """What was on show when the visit was cleared, answered anew."""
        before = _object(cleared)
        asked = Asked.read(str(before.get("asked", "")))
        pinned = str(before.get("pinned", "")) if Asked.read(str(before.get("pinned", ""))).text else ""
        shown = self._show(asked, taken=before.get("taken") is True, pinned=pinned)
        return str(before.get("box", "")), asked.show, asked.but_not, *shown

    def _show(self, asked: Asked, *, taken: bool, pinned: str, instead: str = "") -> tuple[Any, ...]:
        try:
            given = self.room.answer(asked)
            comparison = self._comparison(given, asked, taken=taken, pinned=Asked.read(pinned))
        except AnswerError as error:
            return self._nothing(markup.complaint(str(error)), asked.films, pinned=pinned).outputs()
        corrected = asked.meant is not None
        return Shown(
            reading=markup.reading(given, self._usual(given), corrected=corrected, instead=instead)
            + (markup.apart(given) if taken else ""),
            columns=markup.columns(given, asked, self.pictures, comparison, pinned=Asked.read(pinned).text),
            chip=chip(given),
            **correction(given),
            toggle=gr.update(label=toggle_label(given), value=taken),
            opposite=gr.update(
                value=given.opposite.text if given.opposite else "",
                info=opposite_note(given),
            ),
            turned=gr.update(visible=taken),
            pin=gr.update(value=words.UNPIN if pinned else words.PIN, interactive=True),
            pinned=pinned,
            asked=asked.json(),
            examples=self.tries(self.room.choice(asked.films)),
            films=gr.update(value=self.room.choice(asked.films).name) if instead else gr.skip(),
            **offers(given.suggestion),
        ).outputs()

    def _kept(self, asked: Asked, before: Asked) -> Asked:
        """Over the list that was searched last, where the question is about nothing that has a list."""
        try:
            if not before.text or self._about(asked) or self.room.choice(before.films).name != asked.films:
                return asked
            return replace(asked, films=self.room.answer(before).films.name)
        except AnswerError:
            return asked

    def _about(self, asked: Asked) -> str | None:
        return asked.meant[0] if asked.meant else self.room.answer(asked).prompt.about

    def _as_read(self, asked: Asked) -> Answer | None:
        """The answer without a correction; None where nothing is asked."""
        return self.room.answer(replace(asked, meant=None)) if asked.text.strip() else None

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
            finding=gr.update(),
            polarity=gr.update(),
            mark=gr.update(interactive=False),
            stands="",
            toggle=gr.update(value=False),
            opposite=gr.update(value="", info=""),
            turned=gr.update(visible=False),
            pin=gr.update(value=words.UNPIN if pinned else words.PIN, interactive=bool(pinned)),
            pinned=pinned,
            asked=Asked("", films).json(),
            examples=self.tries(self.room.choice(films)),
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
        return {"collection": films.collection.name, "set": found.films.part, **found.plain()}

    def compare(self, prompt: str, against: str = "", collection: str = "", k: int = 10) -> dict[str, Any]:
        """What every model finds for a sentence and for another, by default its opposite, and what stays."""
        with told():
            films, sent = self._asked_for(collection), arguments.text(prompt, "prompt")
            other, most = arguments.text(against, "against"), arguments.whole(k, "k")
            known = self.room.calibrations
            found = compare(self.models, films, sent, other, k=most, calibrations=known)
        return {"collection": films.collection.name, "set": found.first.films.part, **found.plain()}

    def origin(self, films: str) -> tuple[str, Any, Any]:
        """Where films come from, whether to look again in a while, and which can be seen by now."""
        said, settled = self.pictures.origin(self.room.films(films).collection.name)
        # A component made here could land in a page that is being built meanwhile: an update cannot.
        known = gr.skip() if self.pictures.openi is None else gr.update(choices=self.choices())
        return markup.origin(said), gr.update(active=not settled), known

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
    if given.suggestion:
        return gr.update(label=words.SOMETHING_ELSE, open=False, visible=True)
    read = [(mention.finding, mention.polarity, mention.side) for mention in given.mentions]
    return gr.update(label=words.on_chip(read) if read else words.TELL_US, open=not read, visible=True)


def offers(suggested: Sequence[Mention]) -> dict[str, Any]:
    """A button for each thing that a sentence may have meant, for `Shown`; the others stay hidden."""
    said = [words.reading([(each.finding, each.polarity, None)]) for each in suggested[:OFFERS]]
    return {f"offer_{place}": gr.update(value=each, visible=True) for place, each in enumerate(said, start=1)}


def stands(given: Answer) -> tuple[str, str]:
    """The main mention as it is read, or as it was corrected: finding and polarity; "" where there is none.

    What is uncertain has no polarity that a film could be marked by.
    """
    read = given.prompt.finding if given.prompt.sure else None  # else what was meant stands first
    main = [mention for mention in given.mentions if mention.finding == read]
    mention = next(iter((*main, *given.mentions)), None)
    if mention is None:
        return "", ""
    return mention.finding, "" if mention.polarity == "uncertain" else mention.polarity


def correction(given: Answer) -> dict[str, Any]:
    """The form on the reading as it stands, for `Shown`: nothing can be pressed before a change."""
    finding, polarity = stands(given)
    return {
        "finding": gr.update(value=finding or None),
        "polarity": gr.update(value=polarity or None),
        "mark": gr.update(interactive=False),
        "stands": json.dumps([finding, polarity]),
    }


def opposite_note(given: Answer) -> str:
    """What is to be said of the opposite; "" and not None, which would leave what stands there."""
    if given.opposite is None:
        return words.NO_OPPOSITE
    return words.PLAIN_OPPOSITE if given.opposite.canonical else ""


def toggle_label(given: Answer) -> str:
    first = given.mentions[0].polarity if given.mentions else None
    return words.toggle(given.prompt.polarity or first, opposite=given.opposite is not None)


def _object(text: str) -> dict[str, Any]:
    """A JSON object that comes back from a browser; an empty one where it is anything else."""
    try:
        given = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _said(given: Answer) -> list[tuple[str, Polarity]]:
    return [(mention.finding, mention.polarity) for mention in given.mentions]


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
