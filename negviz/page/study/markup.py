"""The reader study as HTML.  Films are known by their ids, and nothing here has heard of a model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup

from negviz.page.study import words
from negviz.page.templates import join
from negviz.study.design import IDLE_SECONDS

_ON_SCRIPT: Final = ("LOADING", "PAUSED", "SAVED", "NOT_YET", "FAILED", "CANVAS", "NO_FILM", "PAUSE", "GO_ON")
_BUTTON: Final = Markup(
    '<button type="button" class="nv-button" data-study="{}"{}>{}<span>{}</span></button>'
)
_CLOSER: Final = (  # what a press does, its words, its key
    ("previous", words.PREVIOUS, "←"),
    ("next", words.NEXT, "→"),
    ("wrong", words.MARK_WRONG, "X"),
    ("larger", words.LARGER, "+"),
    ("smaller", words.SMALLER, "−"),
    ("brighter", words.BRIGHTER, "B"),
    ("darker", words.DARKER, "D"),
    ("harder", words.HARDER, "C"),
    ("softer", words.SOFTER, "S"),
    ("invert", words.INVERT, "I"),
    ("reset", words.RESET, "0"),
    ("close", words.CLOSE, "Esc"),
)


def shell(consent: Sequence[str]) -> Markup:
    """What the tab holds at first; the script puts what the server answers on its stage."""
    said = json.dumps({name: getattr(words, name) for name in _ON_SCRIPT})
    return Markup(
        '<section class="nv-study" data-idle="{}" data-words="{}" aria-label="{}">'
        '<p class="nv-study-said" role="status"></p><div class="nv-study-stage">{}</div>{}</section>'
    ).format(IDLE_SECONDS * 1000, said, words.HEADING, welcome(consent), _closer())


def welcome(consent: Sequence[str]) -> Markup:
    """The text to be agreed to, and the way back in for those who have."""
    options = join(
        Markup('<option value="{}">{}</option>').format(value, text)
        for value, text in words.BACKGROUNDS.items()
    )
    return Markup(
        '<div class="nv-study-welcome"><h2 tabindex="-1">{heading}</h2><p>{lead}</p>'
        '<form data-study-form="begin"><h3>{before}</h3>{paragraphs}'
        '<label class="nv-study-agree"><input type="checkbox" name="agreed"> <span>{agree}</span></label>'
        '<label class="nv-study-field"><span>{background}</span><select name="background">{options}</select>'
        "</label>"
        '<button type="submit" class="nv-button nv-study-first">{begin}</button></form>'
        '<form data-study-form="resume"><h3>{going_on}</h3><label class="nv-study-field"><span>{code}</span>'
        '<input type="text" name="code" maxlength="40" autocomplete="off" autocapitalize="characters" '
        'spellcheck="false"></label><button type="submit" class="nv-button">{resume}</button></form></div>'
    ).format(
        heading=words.HEADING,
        lead=words.LEAD,
        before=words.CONSENT_HEADING,
        paragraphs=join(Markup("<p>{}</p>").format(text) for text in consent),
        agree=words.AGREE,
        background=words.BACKGROUND,
        options=options,
        begin=words.BEGIN,
        going_on=words.RESUME_HEADING,
        code=words.CODE,
        resume=words.RESUME,
    )


def code(given: str) -> Markup:
    """The code of a new reader, said once."""
    return Markup(
        '<div class="nv-study-welcome" data-code="{}"><h2 tabindex="-1">{}</h2>'
        '<p class="nv-study-code">{}</p><p>{}</p><p>{}</p>{}{}</div>'
    ).format(
        given,
        words.CODE_HEADING,
        f"{given[:4]}-{given[4:]}",
        words.CODE_NOTE,
        words.CLOCK,
        _BUTTON.format("start", "", "", words.START),
        _keys(),
    )


def trial(sentence: str, sides: Mapping[str, Sequence[str]], place: int, of: int) -> Markup:
    """One comparison; `sides` holds the ids of the films, best first."""
    choices = join(
        Markup(
            '<button type="button" class="nv-button" data-choice="{0}" aria-pressed="false" '
            'aria-keyshortcuts="{1}"><kbd>{1}</kbd> {2}</button>'
        ).format(side, words.CHOICE_KEYS[side], text)
        for side, text in words.CHOICES.items()
    )
    return Markup(
        '<div class="nv-study-trial" data-place="{place}" tabindex="-1"><p class="nv-label">{number}</p>'
        '<h2 tabindex="-1"><span class="nv-study-of">{label}</span><q dir="auto">{sentence}</q></h2>'
        '<p class="nv-note nv-study-wait" role="status">{loading}</p>'
        '<div class="nv-study-films" inert>{galleries}</div>'
        '<div class="nv-study-bar"><div class="nv-study-choices" role="group" aria-label="{which}">{choices}'
        "</div>{save}{look}{pause}{keys}</div>"
        '<p class="nv-note">{marking} {final}</p>{help}{leave}</div>'
    ).format(
        place=place,
        number=words.place(place + 1, of),
        label=words.SENTENCE,
        sentence=sentence,
        loading=words.LOADING,
        galleries=join(_gallery(side, ids) for side, ids in sides.items()),
        which=words.WHICH,
        choices=choices,
        save=_pressed("save", words.SAVE, "N", Markup(' aria-disabled="true"')),
        look=_pressed("look", words.VIEW, "V"),
        pause=_pressed("pause", words.PAUSE, "P"),
        keys=_pressed(
            "keys", words.KEYS, "?", Markup(' aria-expanded="false" aria-controls="nv-study-keys"')
        ),
        marking=words.MARKING,
        final=words.FINAL,
        help=Markup('<div id="nv-study-keys" hidden>{}</div>').format(_keys()),
        leave=_leave(),
    )


def done() -> Markup:
    return Markup('<div class="nv-study-welcome"><h2 tabindex="-1">{}</h2><p>{}</p>{}</div>').format(
        words.DONE_HEADING, words.DONE, _leave()
    )


def deleted() -> Markup:
    return Markup('<div class="nv-study-welcome" data-gone><h2 tabindex="-1">{}</h2></div>').format(
        words.DELETED
    )


def _gallery(side: str, ids: Sequence[str]) -> Markup:
    films = join(_film(side, film_id, rank) for rank, film_id in enumerate(ids, 1))
    return Markup(
        '<section class="nv-study-side" data-side="{}" aria-label="{}"><h3>{}</h3><ol>{}</ol></section>'
    ).format(side, words.films(side, len(ids)), words.SIDES[side], films)


def _film(side: str, film_id: str, rank: int) -> Markup:
    """A film as a button that marks it; one of a gallery is a stop of the Tab key, arrows do the rest."""
    query = urlencode({"id": film_id})
    return Markup(
        '<li><button type="button" class="nv-study-film" data-id="{}" data-large="film/large?{}" '
        'aria-pressed="false" aria-label="{}, {}" data-name="{}" tabindex="{}">'
        '<img src="film/tile?{}" alt="" decoding="async"><span class="nv-rank">{}</span>'
        '<span class="nv-study-wrong" aria-hidden="true">✗ {}</span></button></li>'
    ).format(
        film_id,
        query,
        words.film(side, rank),
        words.WRONG,
        words.film(side, rank),
        0 if rank == 1 else -1,
        query,
        rank,
        words.WRONG,
    )


def _pressed(name: str, text: str, key: str, more: Markup = Markup("")) -> Markup:  # noqa: B008  # immutable
    shortcut = Markup(' aria-keyshortcuts="{}"').format("Shift+?" if key == "?" else key)
    return _BUTTON.format(name, more + shortcut, Markup("<kbd>{}</kbd> ").format(key), text)


def _keys() -> Markup:
    return Markup('<div class="nv-study-keys">{}{}<p class="nv-note">{}</p></div>').format(
        _table(words.KEYS_OF_TRIAL, words.TRIAL_KEYS),
        _table(words.KEYS_OF_CLOSER, words.CLOSER_KEYS),
        words.KEYS_NOTE,
    )


def _table(heading: str, keys: Iterable[tuple[str, str]]) -> Markup:
    rows = join(Markup("<div><dt><kbd>{}</kbd></dt><dd>{}</dd></div>").format(*row) for row in keys)
    return Markup("<div><h3>{}</h3><dl>{}</dl></div>").format(heading, rows)


def _leave() -> Markup:
    return Markup('<details class="nv-study-leave"><summary>{}</summary><p>{}</p>{}</details>').format(
        words.LEAVE, words.LEAVE_NOTE, _BUTTON.format("withdraw", "", "", words.DELETE)
    )


def _closer() -> Markup:
    """One film on black, in both themes."""
    buttons = join(
        Markup('<button type="button" data-closer="{}" title="{}"{}><kbd>{}</kbd> {}</button>').format(
            name, key, Markup(' aria-pressed="false"') if name in ("wrong", "invert") else "", key, text
        )
        for name, text, key in _CLOSER
    )
    return Markup(
        '<dialog class="nv-study-closer dark" aria-label="{}"><h2 aria-live="polite"></h2>'
        '<figure tabindex="0"><canvas role="img"></canvas><p></p></figure><div>{}</div></dialog>'
    ).format(words.VIEW, buttons)
