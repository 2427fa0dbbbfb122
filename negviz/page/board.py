"""How the panels of the page hang together: each is told of a new answer, and none holds up another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any, Final

import gradio as gr
from markupsafe import Markup
from starlette.routing import Route

from negviz.page import words
from negviz.page.room import Asked, Room
from negviz.page.server.lanes import IN_SLOW

# In the browser, which knows what is unfolded; what was cleared goes from folded panels too.
_WHEN_DUE: Final = """(asked, unfolded, name, due) =>
  unfolded === name || !JSON.parse(asked || '{"text": ""}').text ? asked : due"""
_WAITS: Final = Markup('<p class="nv-note nv-waits" role="status">{}</p>').format(words.WORKED_OUT)
_STAMP: Final = Markup('<p class="nv-of" data-of="{asked}"><q dir="auto">{text}</q></p>')


@dataclass(frozen=True, eq=False)
class Board:
    """The components that panels listen to.

    `asked` holds an `Asked` as JSON and changes when the galleries have been answered; `unfolded` names the
    panel that is open.  What a panel does then is cancelled when the visitor types on.
    """

    room: Room
    box: gr.Textbox
    asked: gr.Textbox
    unfolded: gr.Textbox
    _running: list[Any] = field(default_factory=list)
    _due: list[gr.Textbox] = field(default_factory=list)  # the question that the panel laid out now answers

    @contextmanager
    def fold(self, name: str) -> Iterator[None]:
        """A place for a panel that is shown, and answers, only while it is the one unfolded; else empty."""
        with gr.Column(elem_classes=f"nv-panel nv-panel-{name}"):
            html(_WAITS)
            named = gr.Textbox(name, visible=False)
            self._due.append(gr.Textbox("", visible=False))
            yield
        due = self._due.pop()
        gr.on(
            [self.asked.change, self.unfolded.change],
            None,
            [self.asked, self.unfolded, named, due],
            [due],
            js=_WHEN_DUE,
            api_visibility="private",
        )

    def on_answer(
        self,
        fn: Callable[..., Any],
        outputs: Sequence[Any] | Any,
        *,
        inputs: Sequence[Any] = (),
        progress: str = "minimal",
    ) -> Any:
        """Call `fn(asked_json, *inputs)` after every answer, one panel's call apart from another's.

        A panel in a fold is called when it is next unfolded, if it is not.  What is shown then carries the
        question that it answers; until it is that of the films on show, the page dims it.
        """
        for output in _html_of(outputs).values():
            output.elem_classes = [*output.elem_classes, "nv-follows"]
        due = self._due[-1] if self._due else self.asked
        event = due.change(
            stamped(fn, outputs),
            [due, *inputs],
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


def _html_of(outputs: Sequence[Any] | Any) -> dict[int, gr.HTML]:
    """Those of the outputs that are HTML, by place."""
    shown = outputs if isinstance(outputs, Sequence) else [outputs]
    return {place: output for place, output in enumerate(shown) if isinstance(output, gr.HTML)}


def stamped(fn: Callable[..., Any], outputs: Sequence[Any] | Any) -> Callable[..., Any]:
    """`fn(asked_json, …)`, whose HTML then says which question it answers: to readers once.

    For what fills a panel that follows the answers; `Board.on_answer` does it by itself.
    """
    pictures = list(_html_of(outputs))

    def stamp(asked: str, found: Any) -> Any:
        values = list(found) if isinstance(found, tuple) else [found]
        for place in pictures:
            if isinstance(values[place], str) and values[place]:
                text = Asked.read(asked).text if place == pictures[0] else ""
                values[place] = _STAMP.format(asked=asked, text=text) + Markup(values[place])
        return tuple(values) if isinstance(found, tuple) else values[0]

    @wraps(fn)
    def call(asked: str, *inputs: Any, **more: Any) -> Any:
        return stamp(asked, fn(asked, *inputs, **more))

    @wraps(fn)
    def call_each(asked: str, *inputs: Any, **more: Any) -> Iterator[Any]:
        for found in fn(asked, *inputs, **more):  # gradio asks whether this is a generator
            yield stamp(asked, found)

    return call_each if isgeneratorfunction(fn) else call


@dataclass(frozen=True)
class Panel:
    """A part of the page that lives in a folder of its own: what is laid out, and what it sends over HTTP."""

    name: str
    lay_out: Callable[[Board], None]  # called where it is to stand
    routes: Callable[[Room], Sequence[Route]] = lambda room: ()


def html(value: str) -> gr.HTML:
    """HTML of ours; what comes from outside was escaped where a template was filled in."""
    return gr.HTML(value, apply_default_css=False, js_on_load=None)
