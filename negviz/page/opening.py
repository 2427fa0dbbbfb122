"""Tabs that are filled when somebody first opens them, so that they cost the first paint nothing."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

import gradio as gr

from negviz.page.server.lanes import IN_SLOW


class Once:
    """What a function returns, made by the first who asks and kept for everybody; the others wait for it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = Lock()
        self._made: list[Any] = []

    def __call__(self) -> Any:
        with self._lock:
            if not self._made:
                self._made.append(self._make())
        return self._made[0]


def on_first_opening(make: Callable[[], Any], shown: Any) -> None:
    """Put what `make` returns into a component when the tab it lies in is first opened.

    What is open in it later (a folded table, a vote) is left as it is: a second opening sends nothing.
    """
    opened = gr.State(False)

    def fill(before: bool) -> tuple[Any, bool]:
        return (gr.skip() if before else make()), True

    _tab(shown).select(
        fill,
        [opened],
        [shown, opened],
        **IN_SLOW,
        api_visibility="private",
        show_progress="hidden",
    )


def _tab(component: Any) -> gr.Tab:
    while not isinstance(component, gr.Tab):
        component = component.parent
    return component
