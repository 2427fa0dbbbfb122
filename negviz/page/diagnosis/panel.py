"""The diagnosis: three ways to fail at "no", for the sentence on the page and among the 99 prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from negviz.explain.diagnosis import SIGNATURES, Background, Diagnosis, Signature, diagnose
from negviz.explain.scale import Histogram, Scale
from negviz.page.attribution.panel import WordsPanel
from negviz.page.board import Board, Panel, html
from negviz.page.diagnosis import words
from negviz.page.room import AnswerError, Asked, Room
from negviz.page.templates import join, note
from negviz.page.words import column_title

CueShares = Callable[[Asked], Mapping[str, float | None]]
_BINS: Final[dict[Signature, int]] = {"collapse": 24, "blindness": 11, "hallucination": 11}
_RULER: Final = Scale(-1.0, 1.0)
_SHARES: Final = Scale(-0.05, 1.05)  # a bin a film: none to ten
_EMPTY: Final = Markup("")


@dataclass(frozen=True, eq=False)
class DiagnosisPanel:
    """What the components call; nothing is kept of what was asked."""

    room: Room
    cue_shares: CueShares | None = None  # how the words panel gives what it has measured

    def show(self, asked: str) -> str:
        """The panel for the question of that JSON; calm where there is none."""
        question = Asked.read(asked)
        try:
            if not question.text:
                return _panel(note(words.EMPTY))
            films = self.room.films(question.films).collection.hash
            known = {name: each.over(films) for name, each in self.room.backgrounds.items()}
            return _panel(_Cards(self.diagnose(question), known).markup())
        except AnswerError:
            return _panel(note(words.EMPTY))

    def diagnose(self, asked: Asked) -> dict[str, Diagnosis]:
        """Every chosen model's signatures.  Raises `AnswerError`."""
        given = self.room.answer(asked)
        opposite = given.opposite
        turned = None
        if opposite is not None:
            turned = self.room.answer(Asked(opposite.text, films=asked.films, models=asked.models))
        shares = None if self.cue_shares is None else self.cue_shares(replace(asked, meant=None))
        return diagnose(self.room.films(asked.films), given, turned, cue_shares=shares)


@dataclass(frozen=True, eq=False)
class _Cards:
    """A card a signature: what was found of a sentence, among what is known over the films searched."""

    found: Mapping[str, Diagnosis]
    known: Mapping[str, Background]

    def markup(self) -> Markup:
        return Markup('<div class="nv-signatures">{}</div>').format(join(map(self._card, SIGNATURES)))

    def _card(self, signature: Signature) -> Markup:
        asked_for = any(diagnosis.value(signature) is not None for diagnosis in self.found.values())
        scale = self._scale(signature)
        rows = join(
            self._model(signature, diagnosis, scale, asked_for=asked_for) for diagnosis in self.found.values()
        )
        key = words.KEYS[signature] if asked_for else words.NOT_ASKED[signature]
        return Markup(
            '<article class="nv-signature" data-signature="{}"><h3>{} <small>({})</small></h3>'
            "{}<ul>{}</ul></article>"
        ).format(signature, words.QUESTIONS[signature], words.TERMS[signature], note(key), rows)

    def _model(self, signature: Signature, diagnosis: Diagnosis, scale: Scale, *, asked_for: bool) -> Markup:
        background = self.known.get(diagnosis.model)
        said = _sentence(signature, diagnosis, background) if asked_for else _EMPTY
        return Markup('<li data-model="{}"><h4>{}</h4>{}{}</li>').format(
            diagnosis.model,
            column_title(diagnosis.model)[0],
            said,
            _EMPTY if background is None else _among(signature, diagnosis, background, scale),
        )

    def _scale(self, signature: Signature) -> Scale:
        """One axis for all models, so that their pictures can be compared."""
        if signature != "collapse":
            return _SHARES
        known = [b.values.get(signature, ()) for name, b in self.known.items() if name in self.found]
        here = [diagnosis.value(signature) for diagnosis in self.found.values()]
        return Scale.around([*(v for values in known for v in values), *(v for v in here if v is not None)])


def lay_out(board: Board) -> None:
    """The panel where this is called, with the shares that the words panel has measured."""
    panel = DiagnosisPanel(board.room, board.room.own(WordsPanel).cue_shares)
    shown = html(panel.show(board.asked.value or ""))
    board.on_answer(panel.show, shown)


# A signature of one model ---------------------------------------------------------------------


def _sentence(signature: Signature, diagnosis: Diagnosis, background: Background | None) -> Markup:
    """Picture and sentence."""
    if signature == "collapse" and (collapse := diagnosis.collapse) is not None:
        alike = None if background is None else background.alike(collapse.cosine)
        return _ruler(collapse.cosine, background) + _say(words.collapse(collapse, alike))
    if signature == "blindness" and (blindness := diagnosis.blindness) is not None:
        return _ten(blindness.stays, words.STAYS) + _say(words.blindness(blindness))
    if signature == "hallucination" and (seen := diagnosis.hallucination) is not None:
        return _ten(seen.shows, words.SHOWS_IT) + _say(words.hallucination(seen))
    return note(words.NOT_ASKED[signature])


def _ten(cells: Iterable[bool | None], yes: str) -> Markup:
    """A strip of the films shown, best first; filled, empty or unknown, each of another shape."""
    names = {True: ("yes", "✗", yes), False: ("no", "", words.NO), None: ("unknown", "?", words.NOT_STATED)}
    inside = join(
        Markup('<i class="nv-cell-{}" title="{}">{}</i>').format(
            names[cell][0], names[cell][2], names[cell][1]
        )
        for cell in cells
    )
    return Markup('<p class="nv-ten" aria-hidden="true">{}</p>').format(inside)


def _ruler(cosine: float, background: Background | None) -> Markup:
    """Similarity from −1 to 1, with the bulk of the pairs of prompts behind the mark."""
    bulk = _EMPTY
    if background is not None:
        low, high = background.bulk
        bulk = Markup('<line class="nv-bulk" x1="{}" x2="{}" y1="10" y2="10"/>').format(
            _RULER.place(low), _RULER.place(high)
        )
    at = _RULER.place(cosine)
    return Markup(
        '<div class="nv-ruler" aria-hidden="true"><svg viewBox="0 0 100 20" preserveAspectRatio="none">'
        '<line class="nv-rule" x1="0" x2="100" y1="10" y2="10"/>'
        '<line class="nv-rule" x1="50" x2="50" y1="4" y2="16"/>{}'
        '<line class="nv-here" x1="{}" x2="{}" y1="1" y2="19"/></svg>'
        "<p><span>−1</span><span>0</span><span>1</span></p></div>"
    ).format(bulk, at, at)


def _among(signature: Signature, diagnosis: Diagnosis, background: Background, scale: Scale) -> Markup:
    """How the 99 prompts are spread, this sentence among them, and the same in words."""
    if signature not in background.values:
        return _EMPTY
    mine = diagnosis.value(signature)
    drawn = Histogram.of(background.values.get(signature, ()), mine, scale, _BINS[signature])
    bars = join(
        Markup('<i style="--height:{}%"{}></i>').format(
            height, Markup(' class="nv-mine"') if place == drawn.mine else _EMPTY
        )
        for place, height in enumerate(drawn.heights)
    )
    said = words.among(signature, mine, background.means.get(signature))
    return Markup('<div class="nv-among" aria-hidden="true">{}</div><p class="nv-note">{}</p>').format(
        bars, said
    )


def _panel(inside: Markup) -> Markup:
    return Markup(
        '<section class="nv-diagnosis" aria-labelledby="nv-diagnosis-title">'
        '<h2 id="nv-diagnosis-title">{}</h2>{}</section>'
    ).format(words.TITLE, inside)


def _say(text: str) -> Markup:
    return Markup("<p>{}</p>").format(text)


DIAGNOSIS: Final = Panel("diagnosis", lay_out)
