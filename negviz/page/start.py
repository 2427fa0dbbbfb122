"""The way into the app: its options are read first, since gradio and torch take seconds to import."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence

from negviz.page.options import parser
from negviz.page.server.memory import return_freed_memory


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the page until interrupted.  Bad input ends in one sentence; a bug keeps its traceback."""
    options = parser().parse_args(arguments)
    # Several questions are worked on at a time: products that take both cores wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("MPLBACKEND", "agg")  # else gradio looks for a screen at the first question
    return_freed_memory()  # before torch starts threads, each with a heap of its own
    gc.disable()  # what is imported stays: looking for garbage among it would take a fifth of the start
    from negviz.page.launch import launch

    gc.freeze()
    gc.enable()
    launch(options)
