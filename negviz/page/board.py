"""How the panels of the page hang together: each is told of a new answer, and none holds up another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from starlette.routing import Route

from negviz.page.room import Room
from negviz.page.server.lanes import IN_SLOW


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
        """Call `fn(asked_json, *inputs)` after every answer, one panel's call apart from another's."""
        event = self.asked.change(
            fn,
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


@dataclass(frozen=True)
class Panel:
    """A part of the page that lives in a folder of its own: what is laid out, and what it sends over HTTP."""

    name: str
    lay_out: Callable[[Board], None]  # called where it is to stand
    routes: Callable[[Room], Sequence[Route]] = lambda room: ()


def html(value: str) -> gr.HTML:
    """HTML of ours; what comes from outside was escaped where a template was filled in."""
    return gr.HTML(value, apply_default_css=False, js_on_load=None)
