"""How the panels of the page hang together: each is told of a new answer, and none holds up another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final

import gradio as gr
from markupsafe import Markup
from starlette.routing import Route

from negviz.page.room import Asked, Room
from negviz.page.server.lanes import IN_SLOW

_STAMP: Final = Markup('<p class="nv-of" data-of="{asked}"><q dir="auto">{text}</q></p>')


@dataclass(frozen=True, eq=False)
class Board:
    """The components that panels listen to.

    `asked` holds an `Asked` as JSON and changes when the galleries have been answered.  What a panel does
    then is cancelled when the visitor types on.
    """

    room: Room
    box: gr.Textbox
    asked: gr.Textbox
    _running: list[Any] = field(default_factory=list)

    def on_answer(
        self,
        fn: Callable[..., Any],
        outputs: Sequence[Any] | Any,
        *,
        inputs: Sequence[Any] = (),
        progress: str = "minimal",
    ) -> Any:
        """Call `fn(asked_json, *inputs)` after every answer, one panel's call apart from another's.

        What is shown then carries the question that it answers; until it is that of the films on show, the
        page dims it.
        """
        shown = list(outputs) if isinstance(outputs, Sequence) else [outputs]
        pictures = [place for place, output in enumerate(shown) if isinstance(output, gr.HTML)]
        for place in pictures:
            shown[place].elem_classes = [*shown[place].elem_classes, "nv-follows"]
        event = self.asked.change(
            _stamped(fn, pictures),
            [self.asked, *inputs],
            outputs,
            **IN_SLOW,
            api_visibility="private",
            trigger_mode="always_last",
            show_progress=progress,
        )
        self._running.append(event)
        return event

    def seal(self) -> None:
        """To be called once, when every panel has been laid out: typing on cancels what is under way."""
        self.box.input(None, cancels=self._running, queue=False, api_visibility="private")


def _stamped(fn: Callable[..., Any], pictures: Sequence[int]) -> Callable[..., Any]:
    """A panel's call whose HTML, at the places named, says which question it answers: to readers once."""

    @wraps(fn)
    def call(asked: str, *inputs: Any, **more: Any) -> Any:
        found = fn(asked, *inputs, **more)
        values = list(found) if isinstance(found, tuple) else [found]
        for place in pictures:
            if isinstance(values[place], str) and values[place]:
                text = Asked.read(asked).text if place == pictures[0] else ""
                values[place] = _STAMP.format(asked=asked, text=text) + Markup(values[place])
        return tuple(values) if isinstance(found, tuple) else values[0]

    return call


@dataclass(frozen=True)
class Panel:
    """A part of the page that lives in a folder of its own: what is laid out, and what it sends over HTTP."""

    name: str
    lay_out: Callable[[Board], None]  # called where it is to stand
    routes: Callable[[Room], Sequence[Route]] = lambda room: ()


def html(value: str) -> gr.HTML:
    """HTML of ours; what comes from outside was escaped where a template was filled in."""
    return gr.HTML(value, apply_default_css=False, js_on_load=None)
