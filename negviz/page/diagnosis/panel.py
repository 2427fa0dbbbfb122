"""The diagnosis: three ways to fail at "no", for the sentence on the page and among the 99 prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from negviz.explain.diagnosis import SIGNATURES, Background, Diagnosis, Signature, diagnose
from negviz.explain.scale import Histogram, Scale
from negviz.page.attribution.panel import WordsPanel
from negviz.page.board import Board, Panel, html
from negviz.page.diagnosis import words
from negviz.page.room import AnswerError, Asked, Room
from negviz.page.templates import Template

CueShares = Callable[[Asked], Mapping[str, float | None]]
_BINS: Final[dict[Signature, int]] = {"collapse": 24, "blindness": 11, "hallucination": 11}
_RULER: Final = Scale(-1.0, 1.0)
_SHARES: Final = Scale(-0.05, 1.05)  # a bin a film: none to ten
_VIEW: Final = Template("diagnosis", words=words, ruled=_RULER)


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
                return _VIEW("calm", text=words.EMPTY)
            films = self.room.answer(question).films.collection.hash
            known = {name: each.over(films) for name, each in self.room.backgrounds.items()}
            found = self.diagnose(question)
            return _VIEW("signatures", cards=[_card(each, found, known) for each in SIGNATURES])
        except AnswerError:
            return _VIEW("calm", text=words.EMPTY)

    def diagnose(self, asked: Asked) -> dict[str, Diagnosis]:
        """Every chosen model's signatures.  Raises `AnswerError`."""
        given = self.room.answer(asked.by_sentence)
        opposite = given.opposite
        turned = None
        if opposite is not None:
            turned = self.room.answer(Asked(opposite.text, films=given.films.name, models=asked.models))
        shares = None if self.cue_shares is None else self.cue_shares(replace(asked, meant=None))
        return diagnose(given, turned, cue_shares=shares)


@dataclass(frozen=True)
class _Row:
    """What was found of a sentence in one model, among what is known over the films searched."""

    found: Diagnosis
    background: Background | None
    among: Histogram | None


@dataclass(frozen=True)
class _Card:
    signature: Signature
    asked_for: bool
    rows: tuple[_Row, ...]


def _card(signature: Signature, found: Mapping[str, Diagnosis], known: Mapping[str, Background]) -> _Card:
    here = [each.value(signature) for each in found.values()]
    scale, rows = _scale(signature, here, [known[name] for name in found if name in known]), []
    for each in found.values():
        background, among = known.get(each.model), None
        if background is not None and signature in background.values:
            spread, mine = background.values[signature], each.value(signature)
            among = Histogram.of(spread, mine, scale, _BINS[signature])
        rows.append(_Row(each, background, among))
    return _Card(signature, any(value is not None for value in here), tuple(rows))


def _scale(signature: Signature, here: Sequence[float | None], known: Sequence[Background]) -> Scale:
    """One axis for all models, so that their pictures can be compared."""
    if signature != "collapse":
        return _SHARES
    spread = [value for background in known for value in background.values.get(signature, ())]
    return Scale.around([*spread, *(value for value in here if value is not None)])


def lay_out(board: Board) -> None:
    """The panel where this is called, with the shares that the words panel has measured."""
    panel = DiagnosisPanel(board.room, board.room.own(WordsPanel).cue_shares)
    shown = html("")
    board.on_answer(panel.show, shown)


DIAGNOSIS: Final = Panel("diagnosis", lay_out)
