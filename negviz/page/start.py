"""The way into the app: its options are read first, since gradio and torch take seconds to import."""

from __future__ import annotations

import gc
from collections.abc import Sequence

from negviz.page.options import parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the page until interrupted.  Bad input ends in one sentence; a bug keeps its traceback."""
    options = parser().parse_args(arguments)
    gc.disable()  # what is imported stays: looking for garbage among it would take a fifth of the start
    from transformers import BertModel  # noqa: F401 - else imported when a family is opened, which is later

    from negviz.page.launch import launch

    gc.freeze()
    gc.enable()
    launch(options)
