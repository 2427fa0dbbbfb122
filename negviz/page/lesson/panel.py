"""The Lesson tab: steps that ask first and reveal after, the same for everybody and measured once.

A vote is a pressed button in one browser; nothing about it is sent.  The script makes a slide show of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from markupsafe import Markup

from negviz.explain.lesson import Count, Step, make_lesson
from negviz.page.attribution.panel import WordsPanel
from negviz.page.board import Board, Panel, html
from negviz.page.lesson import words
from negviz.page.opening import Once, on_first_opening
from negviz.page.room import Asked, Room
from negviz.page.share import markup as share_markup
from negviz.page.widgets.tile import Wall
from negviz.page.words import set_choice
from negviz.retrieval.answer import Answer

_EMPTY = Markup("")


def lay_out(board: Board) -> None:
    """To be called inside the tab."""
    shown = html(Markup('<p class="nv-note nv-lesson-wait">{}</p>').format(words.WAITING))
    on_first_opening(Once(lambda: lesson(board.room)), shown)


def measure(room: Room) -> tuple[Step, ...]:
    """The steps, on the films that the page opens on."""
    films = room.sets[0]

    def ask(text: str) -> Answer:
        return room.answer(Asked(text, films.name))

    def shares(text: str) -> Mapping[str, float]:
        every = room.own(WordsPanel).cue_shares(Asked(text, films.name))
        return {name: share for name, share in every.items() if share is not None}

    return make_lesson(ask, films.collection, shares)


def lesson(room: Room) -> Markup:
    """The whole tab as HTML."""
    steps, films = measure(room), room.sets[0]
    if not steps:
        return Markup('<p class="nv-say">{}</p>').format(words.NOTHING)
    return Markup(
        '<section class="nv-lesson" aria-label="{0}"><div class="nv-lesson-head"><h2>{0}</h2><p>{1}</p>'
        '<button type="button" class="nv-button" data-lesson="present">{2}</button></div>'
        '<ol class="nv-steps">{3}</ol>{4}</section>'
    ).format(
        words.HEADING,
        words.lead(set_choice(films.collection.name, films.part, len(films))),
        words.PRESENT,
        _EMPTY.join(_step(step, place, len(steps), room) for place, step in enumerate(steps, 1)),
        _bar(),
    )


def _bar() -> Markup:
    """What a presenter presses; seen while presenting only."""
    buttons = (("back", words.BACK), ("reveal", words.REVEAL), ("next", words.NEXT), ("leave", words.LEAVE))
    return Markup('<div class="nv-lesson-bar">{}<p>{}</p></div>').format(
        _EMPTY.join(
            Markup('<button type="button" class="nv-button" data-lesson="{}">{}</button>').format(*button)
            for button in buttons
        ),
        words.KEYS,
    )


def _step(step: Step, place: int, steps: int, room: Room) -> Markup:
    text = step.sentences[-1] if step.about == "taken away" else step.sentences[0]
    asked = Asked(text, room.sets[0].name)
    return Markup(
        '<li class="nv-step" data-asked="{asked}" data-right="{right}">'
        '<p class="nv-label">{number}</p><h3 tabindex="-1">{heading}</h3>'
        '<p class="nv-question">{question}</p>'
        '<div class="nv-votes" role="group" aria-label="{question}">{votes}</div>'
        '<button type="button" class="nv-button nv-reveal" data-lesson="show" aria-expanded="false" '
        'aria-controls="nv-answer-{place}">{reveal}</button>'
        '<div class="nv-answer" id="nv-answer-{place}" role="status" hidden>{answer}</div>'
        '<p class="nv-step-links"><a href="{fragment}" class="nv-open">{open}</a> '
        '<button type="button" class="nv-button" data-lesson="qr" aria-expanded="false">{qr}</button></p>'
        '<div class="nv-qr" data-label="{qr_label}" data-local="{local}" hidden></div></li>'
    ).format(
        asked=asked.json(),
        right=step.right,
        number=words.number(place, steps),
        heading=words.heading(step),
        question=words.question(step),
        votes=_EMPTY.join(_vote(option, n) for n, option in enumerate(words.options(step))),
        place=place,
        reveal=words.REVEAL,
        answer=_answer(step, room),
        fragment=share_markup.fragment_of(asked),
        open=words.OPEN,
        qr=words.QR,
        qr_label=words.QR_LABEL,
        local=words.LOCAL_ONLY,
    )


def _vote(option: str, place: int) -> Markup:
    return Markup(
        '<button type="button" class="nv-button nv-vote" data-vote="{}" aria-pressed="false">'
        '<span class="nv-vote-key" aria-hidden="true">{}</span> {}<span class="nv-vote-mark" data-right="{}" '
        'data-yours="{}"></span></button>'
    ).format(place, place + 1, option, words.RIGHT, words.VOTED)


def _answer(step: Step, room: Room) -> Markup:
    counts = _EMPTY.join(_count(step, each) for each in step.counts)
    return Markup(
        '<p class="nv-revealed">{}</p><p class="nv-label">{}</p><dl class="nv-measured">{}</dl>{}'
    ).format(words.reveal(step), words.measured(step), counts, _films(step, room))


def _count(step: Step, each: Count) -> Markup:
    return Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(
        words.model(each.model), words.count(step, each)
    )


def _films(step: Step, room: Room) -> Markup:
    """The films of the model that was asked about, with their marks."""
    if step.answer is None:
        return _EMPTY
    column = next(column for column in step.answer.columns if column.model == step.subject)
    return Markup('<ol class="nv-tiles nv-strip-of-films" aria-label="{}">{}</ol>').format(
        words.FILMS_OF.format(model=words.model(step.subject)),
        Wall(room.sets[0], room.pictures).still(column.hits),
    )


LESSON: Final = Panel("lesson", lay_out)
