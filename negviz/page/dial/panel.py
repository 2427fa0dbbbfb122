"""Dial a finding: a simulated chest at a severity, and how near each model puts it to the sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import gradio as gr
import numpy as np
from starlette.routing import Route

from negviz.explain.dose import SEVERITIES, Dosed, DoseSweep, dose_curves, embed_dose, read_sweep, sides_of
from negviz.findings import ABNORMAL
from negviz.page.board import Board, Panel, html, stamped
from negviz.page.dial import markup, words
from negviz.page.dial.films import SEEDS, STEP, film_route
from negviz.page.dial.setting import DialSetting
from negviz.page.room import AnswerError, Asked, Room
from negviz.page.server.lanes import IN_SLOW
from negviz.page.server.once import EachOnce
from negviz.retrieval.answer import Answer

_FIRST: Final = 0.6  # severity that the dial stands at
_REMEMBERED: Final = 2_048  # embeddings of 2 kB
_QUEUE: Final[dict[str, Any]] = {
    **IN_SLOW,
    "api_visibility": "private",
    "show_progress": "hidden",
}


@dataclass(frozen=True)
class DialFilm:
    """One film to be embedded by one image tower."""

    model: str
    chest: DialSetting
    severity: float


@dataclass(frozen=True, eq=False)
class Dial:
    """What the components call; keeps films of simulated chests, and nothing that anybody asked."""

    room: Room
    _embedded: EachOnce[DialFilm, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_embedded", EachOnce(self._embed, most=_REMEMBERED))

    # Handlers: the side and the seed come from components, `asked` is JSON; none is trusted

    def follow(self, asked: str, finding: str, side: str, severity: float, seed: int) -> tuple[Any, ...]:
        """A new sentence: the dial goes to its finding, and the curves are those of the sentence."""
        chest = DialSetting.read(self._finding(asked) or finding, side, seed)
        return gr.update(value=chest.finding), *self._shown(asked, chest, severity)

    def choose(self, asked: str, finding: str, side: str, severity: float, seed: int) -> tuple[Any, ...]:
        """Another finding or side, on the same chest."""
        return True, *self._shown(asked, DialSetting.read(finding, side, seed), severity)

    def another(self, asked: str, finding: str, side: str, severity: float, seed: int) -> tuple[Any, ...]:
        chest = DialSetting.read(finding, side, seed).next
        return True, chest.seed, *self._shown(asked, chest, severity)

    def measure(
        self, asked: str, finding: str, side: str, severity: float, seed: int, used: bool
    ) -> Iterator[Any]:
        """The curves again, with the points of this very chest as they come; only once the dial is used."""
        if not used or self._answer(asked) is None or not self.sweeps:
            yield gr.skip()
            return
        chest, found = DialSetting.read(finding, side, seed), []
        for severity_ in SEVERITIES:
            found.append(severity_)
            yield self._plot(asked, chest, severity, self._points(asked, chest, found))

    # What they show

    @cached_property
    def sweeps(self) -> dict[str, DoseSweep]:
        """The shipped sweeps by tower id."""
        towers = {model.tower_id for model in self.room.models.values()}
        return {tower: sweep for tower in towers if (sweep := read_sweep(tower)) is not None}

    def _shown(self, asked: str, chest: DialSetting, severity: float) -> tuple[Any, str, str]:
        return side_choice(chest), self._film(asked, chest, severity), self._plot(asked, chest, severity)

    def _film(self, asked: str, chest: DialSetting, severity: float) -> str:
        models = list(self.room.chosen(Asked.read(asked)))
        return markup.VIEW("film", chest=chest, severity=severity, models=models)

    def _plot(
        self, asked: str, chest: DialSetting, severity: float, points: Mapping[str, Dosed] | None = None
    ) -> str:
        given = self._answer(asked)
        if given is None or not self.sweeps:
            return markup.VIEW(
                "nothing", sentence=words.EMPTY if given is None else self.room.home.hint(words.NO_SWEEP)
            )
        models = self.room.chosen(Asked.read(asked))
        texts = [given.prompt.text, *([given.opposite.text] if given.opposite else [])]
        means = dose_curves(models, {t: s.of(chest.finding) for t, s in self.sweeps.items()}, texts)
        own = dose_curves(models, points, texts) if points else {}
        return markup.plots(means, own, given.prompt.text, severity)

    def _answer(self, asked: str) -> Answer | None:
        """What the page answers, with the opposite that it knows; None where nothing is asked."""
        try:
            question = Asked.read(asked)
            return self.room.answer(question) if question.text else None
        except AnswerError:
            return None

    def _finding(self, asked: str) -> str | None:
        """The finding that the sentence is about, if it can be dialled."""
        given = self._answer(asked)
        names = [mention.finding for mention in given.mentions] if given else []
        return next((name for name in names if name in ABNORMAL), None)

    def _points(self, asked: str, chest: DialSetting, severities: list[float]) -> dict[str, Dosed]:
        """This chest at these severities, by tower id."""
        towers = {model.tower_id: name for name, model in self.room.models.items()}
        return {
            tower: Dosed(
                chest.finding,
                tuple(severities),
                np.stack([self._embedded(DialFilm(name, chest, severity)) for severity in severities]),
            )
            for tower, name in towers.items()
        }

    def _embed(self, film: DialFilm) -> Any:
        """[1, dim] of one film."""
        chest = film.chest
        model = self.room.models[film.model]
        dosed = embed_dose(model, chest.finding, chest.side, [film.severity], chest.seed)
        return dosed.embeddings[0]


def side_choice(chest: DialSetting) -> Any:
    """The sides that make sense for the finding; hidden where it has none."""
    sides = sides_of(chest.finding)
    if not sides:
        return gr.update(visible=False)  # the browser still holds one of the choices
    return gr.update(choices=[(words.SIDES[side], side) for side in sides], value=chest.side, visible=True)


def lay_out(board: Board) -> None:
    """The dial, its film and its curves where this is called."""
    dial = Dial(board.room)
    chest = DialSetting.read("", None, SEEDS[0])
    sides = sides_of(chest.finding)
    with gr.Column(elem_classes="nv-dial"):
        html(markup.VIEW("heading"))
        with gr.Row(elem_classes="nv-dial-row"):
            with gr.Column(scale=2, min_width=280, elem_classes="nv-dial-left"):
                finding = gr.Dropdown([*ABNORMAL], value=chest.finding, label=words.FINDING)
                side = gr.Radio(
                    [(words.SIDES[s], s) for s in sides],
                    value=chest.side,
                    label=words.SIDE,
                    visible=bool(sides),
                )
                severity = gr.Slider(
                    0,
                    1,
                    _FIRST,
                    step=STEP,
                    label=words.SEVERITY,
                    elem_classes="nv-dial-severity",
                    buttons=[],
                )
                shown = html("")
                button = gr.Button(words.ANOTHER)
            with gr.Column(scale=5, min_width=320):
                curves = html("")
    seed, used = gr.State(chest.seed), gr.State(False)
    at = [board.asked, finding, side, severity, seed]
    answered = board.on_answer(dial.follow, [finding, side, shown, curves], inputs=at[1:])
    chosen, turned = [used, side, shown, curves], [used, seed, side, shown, curves]
    asks = [
        answered,
        finding.input(stamped(dial.choose, chosen), at, chosen, **_QUEUE),
        side.input(stamped(dial.choose, chosen), at, chosen, **_QUEUE),
        button.click(stamped(dial.another, turned), at, turned, **_QUEUE),
        # keys as well as the pointer move it; the films it takes are the same wherever it stands
        severity.change(lambda: True, None, used, trigger_mode="once", **_QUEUE),
    ]
    measuring = [ask.then(stamped(dial.measure, curves), [*at, used], curves, **_QUEUE) for ask in asks]
    for when in (board.box.input, finding.input, side.input, button.click):
        when(None, cancels=measuring, queue=False, api_visibility="private")


def routes(room: Room) -> list[Route]:
    """`page/dial-film`; see `dial_films`."""
    return [film_route()]


DIAL: Final = Panel("dial", lay_out, routes)
