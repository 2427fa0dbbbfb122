"""The words panel: what each word did in every model and, folded, what each attention head did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import gradio as gr
from gradio.events import api

from negviz.explain.attribution import (
    METHODS,
    Attribution,
    AttributionError,
    NotFromWordsError,
    Vectors,
    attribute,
    strengths,
)
from negviz.explain.heads import Attention, HeadEffects, HeadsError, attention, head_effects
from negviz.language.prompt import MAX_CHARACTERS
from negviz.page.attribution import words
from negviz.page.board import Board, Panel, html, stamped
from negviz.page.room import AnswerError, Asked, Room
from negviz.page.server import arguments
from negviz.page.server.arguments import told
from negviz.page.server.lanes import IN_SLOW
from negviz.page.server.once import EachOnce
from negviz.page.templates import Template, note
from negviz.page.words import column_title
from negviz.retrieval.answer import Answer

Target = Literal["hits", "contrast"]
_TARGETS: Final[tuple[Target, ...]] = ("hits", "contrast")
_METHOD: Final = next(iter(METHODS))
_REMEMBERED: Final = 256
_QUEUE: Final[dict[str, Any]] = {
    **IN_SLOW,
    "api_visibility": "private",
    "show_progress": "minimal",
}
_PICK: Final = """element.addEventListener('click', (event) => {
  const square = event.target.closest('button[data-head]');
  if (square) trigger('pick', {...square.dataset});
});"""


def _shares(given: Mapping[str, Attribution]) -> list[tuple[str, float]]:
    """By the name of each model, the share of the cue."""
    return [(column_title(m)[0], a.cue_share) for m, a in given.items() if a.cue_share is not None]


_VIEW: Final = Template("attribution", words=words, shares=_shares)


@dataclass(frozen=True)
class WordsQuestion:
    """What is worked out once for everybody."""

    asked: Asked
    target: Target = "hits"
    method: str = _METHOD


@dataclass(frozen=True)
class Heat:
    """What the words did in every model, and why it cannot be told of some."""

    given: Mapping[str, Attribution]
    left_out: Mapping[str, str]  # a sentence each


@dataclass(frozen=True)
class Head:
    """One head of one model, before one sentence."""

    asked: Asked
    model: str
    layer: int
    head: int


@dataclass(frozen=True, eq=False)
class WordsPanel:
    """What the components and the endpoint call; holds nothing of a visitor's but what all share."""

    room: Room
    _heat: EachOnce[WordsQuestion, Heat] = field(init=False, repr=False)
    _heads: EachOnce[Asked, Mapping[str, HeadEffects | str]] = field(init=False, repr=False)
    _looks: EachOnce[Head, Attention] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, work in (("_heat", self._attribute), ("_heads", self._effects), ("_looks", self._look)):
            object.__setattr__(self, name, EachOnce(work, most=_REMEMBERED))
        self.room.when_forgetting(self._forget)

    def show(self, asked: str, target: str = "hits", method: str = _METHOD) -> str:
        """The table of words and models; calm where there is nothing to show."""
        question = self._question(asked, target, method)
        try:
            heat = self._heat(question)
            opposite = self.room.answer(question.asked).opposite
        except AnswerError:
            return _VIEW("calm", text=words.NOTHING_ASKED)
        except AttributionError as error:
            return _VIEW("calm", text=str(error))
        return _VIEW(
            "heat",
            given=heat.given,
            bars=strengths(list(heat.given.values())),
            left_out=heat.left_out,
            towards=words.TOWARDS[question.target].format(opposite=opposite.text if opposite else ""),
        )

    def attribute(self, prompt: str) -> dict[str, Any]:
        """What each word of a sentence did in every model, as JSON.

        By integrated gradients, towards the films that the model shows for it among those the page opens on.
        `left_out` says why for models that do not encode the words.
        """
        with told():
            sent = arguments.text(prompt, "prompt")[:MAX_CHARACTERS]
            question = WordsQuestion(Asked(sent, models=tuple(self.room.models)))
            heat, asked = self._heat(question), self.room.answer(question.asked).prompt.text
        models = {model: attribution.plain() for model, attribution in heat.given.items()}
        about = {"prompt": asked, "target": question.target, "method": question.method}
        return {**about, "models": models, "left_out": dict(heat.left_out)}

    def cue_shares(self, asked: Asked) -> dict[str, float | None]:
        """The share of the cue in every model, as the table shows it, for panels that repeat it.

        Raises `AnswerError`.
        """
        given = self._heat(WordsQuestion(replace(asked.by_sentence, meant=None))).given
        return {model: attribution.cue_share for model, attribution in given.items()}

    def show_heads(self, asked: str, opened: bool = True) -> tuple[str, str]:
        """The grids, if they are looked at, and no head looked into yet."""
        question = _to_all(asked)
        if not (opened and question.text):
            return "", ""
        try:
            return _VIEW("grids", given=self._heads(question)), ""
        except AnswerError:
            return "", ""

    def look(self, asked: str, picked: Mapping[str, Any]) -> str:
        """What a picked head looks at; the pick comes from a browser, so it is not trusted."""
        try:
            head = Head(_to_all(asked), str(picked["model"]), int(picked["layer"]), int(picked["head"]))
        except (LookupError, TypeError, ValueError):
            return note(words.NO_HEAD)
        if head.model not in self.room.models:
            return note(words.NO_HEAD)
        try:
            title = words.looks_at(column_title(head.model)[0], head.layer + 1, head.head + 1)
            return _VIEW("looks", title=title, given=self._looks(head))
        except (AnswerError, HeadsError):
            return note(words.NO_HEAD)

    def _question(self, asked: str, target: str, method: str) -> WordsQuestion:
        return WordsQuestion(
            _to_all(asked),
            target if target in _TARGETS else "hits",
            method if method in METHODS else _METHOD,
        )

    def _attribute(self, question: WordsQuestion) -> Heat:
        answered = self.room.answer(question.asked)
        given, left_out = {}, {}
        for name, model in self.room.chosen(question.asked).items():
            try:
                given[name] = attribute(
                    model,
                    answered.prompt,
                    target=question.target,
                    method=question.method,
                    hits=self._hits(question.asked, answered, name),
                    opposite=answered.opposite,
                )
            except NotFromWordsError as error:
                left_out[name] = str(error)
        return Heat(given, left_out)

    def _effects(self, asked: Asked) -> dict[str, HeadEffects | str]:
        given = self.room.answer(asked)
        return {name: self._effect(asked, given, name) for name in self.room.chosen(asked)}

    def _effect(self, asked: Asked, given: Answer, name: str) -> HeadEffects | str:
        hits = self._hits(asked, given, name)
        try:
            return head_effects(self.room.models[name], given.prompt, hits=hits, opposite=given.opposite)
        except HeadsError as error:
            return str(error)

    def _look(self, head: Head) -> Attention:
        prompt = self.room.answer(head.asked).prompt
        return attention(self.room.models[head.model], prompt, head.layer, head.head)

    def _hits(self, asked: Asked, given: Answer, name: str) -> Vectors:
        """Embeddings [hits, dim] of the films that a model shows."""
        column = next(column for column in given.columns if column.model == name)
        return given.films.vectors(self.room.models[name], column.hits)

    def _forget(self, text: str) -> None:
        self._heat.forget(lambda question: question.asked.says(text))
        self._heads.forget(lambda asked: asked.says(text))
        self._looks.forget(lambda head: head.asked.says(text))


def _to_all(asked: str) -> Asked:
    """The question without what only changes the marking."""
    return replace(Asked.read(asked).by_sentence, meant=None)


def lay_out(board: Board) -> None:
    """The table of words, its settings and the heads, where this is called, and the named endpoint."""
    panel = board.room.own(WordsPanel)
    table = html("")
    with gr.Accordion(words.MEASURED, open=False, elem_classes="nv-words-fold"):
        target = gr.Radio(
            [(words.TARGETS[name], name) for name in _TARGETS], value="hits", label=words.TARGET
        )
        titles = [(each.title, name) for name, each in METHODS.items()]
        method = gr.Radio(titles, value=_METHOD, label=words.METHOD)
        html(note(words.PAPER))
    board.on_answer(panel.show, table, inputs=[target, method])
    for setting in (target, method):
        setting.change(stamped(panel.show, table), [board.asked, target, method], table, **_QUEUE)
    api(panel.attribute, api_name="attribute", **IN_SLOW)
    _lay_out_heads(panel, board)


def _lay_out_heads(panel: WordsPanel, board: Board) -> None:
    """Worked out only while somebody looks."""
    opened = gr.State(False)
    with gr.Accordion(words.HEADS, open=False, elem_classes="nv-words-fold") as fold:
        grid = gr.HTML("", apply_default_css=False, js_on_load=_PICK, elem_classes="nv-heads-box")
        looks = html("")

    def pick(asked: str, event: gr.EventData) -> str:
        return panel.look(asked, event._data or {})

    def open_(asked: str) -> tuple[bool, str, str]:
        return (True, *panel.show_heads(asked))

    shown = [opened, grid, looks]
    fold.expand(stamped(open_, shown), [board.asked], shown, **_QUEUE)
    fold.collapse(lambda: False, None, [opened], concurrency_limit=None, api_visibility="private")
    board.on_answer(panel.show_heads, [grid, looks], inputs=[opened])
    grid.pick(stamped(pick, looks), [board.asked], looks, **_QUEUE)


ATTRIBUTION: Final = Panel("attribution", lay_out)
