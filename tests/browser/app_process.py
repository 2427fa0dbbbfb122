"""The app as a process that need not import everything anew.

Importing gradio and torch takes half of a start.  One process imports them and forks for every app, so that
ten apps cost what five would.  That `python app.py` starts by itself is seen by the tests that start it so.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["negviz.page.launch"])


def fork_app(
    arguments: Sequence[str], surroundings: Mapping[str, str], log: Path, code: str = ""
) -> BaseProcess:
    """`app.py`, or `code` in its place, with these arguments, all it says in `log`."""
    process = _FORKS.Process(target=_run, args=(list(arguments), dict(surroundings), log, code))
    process.start()
    return process


def _run(arguments: list[str], surroundings: dict[str, str], log: Path, code: str) -> None:
    import torch

    torch.set_num_threads(int(surroundings["OMP_NUM_THREADS"]))  # which is read only when torch is imported
    os.environ.clear()
    os.environ.update(surroundings)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(out, stream)
    sys.argv = ["app.py", *arguments]
    os.chdir(_ROOT)
    if code:
        exec(code, {"__name__": "__main__"})  # noqa: S102
    else:
        runpy.run_path("app.py", run_name="__main__")
