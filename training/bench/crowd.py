"""Whether one visitor can stop the others: a class of eighty at once, and a visitor beside a flood.

    python -m training crowd

Each of three runs starts the app anew and lets processes of their own (`training.bench.visitors`) be its
visitors, on the same machine; the CPU time they take is told beside what they saw, as they take it from the
app.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from negviz.common.files import write_json
from negviz.common.shipped import ROOT
from training.bench.benchmark import machine
from training.bench.running import RunningApp, RunningError, add_app_options, arguments, run_app
from training.bench.sentences import sentences
from training.bench.visitors import VISITORS
from training.options import count
from training.paths import Paths

RUNS: Final = 3
_WITHIN: Final = 300.0  # seconds for one process of visitors
WHAT: Final = {
    "distinct": f"{VISITORS} visitors open the page, then ask a sentence each within 2 s",
    "same": f"{VISITORS} visitors open the page, then ask the same sentence within 2 s",
    "flood": "one visitor asks for galleries while another asks as fast as it can",
}
_WANTED: Final = {  # seconds at most, on two idle cores
    ("distinct", "last_gallery_s"): 10.0,
    ("same", "last_gallery_s"): 10.0,
    ("flood", "longest_delay_s"): 1.0,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_app_options(parser, "crowd.json")
    parser.add_argument("--runs", type=count, default=RUNS, metavar="N", help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Measure and write; whether a target was met is for the reader to judge.  Raises `RunningError`."""
    facts = machine()
    runs: list[dict[str, dict[str, float]]] = []
    for _ in range(args.runs):
        with run_app(*arguments(args.family, args.collection), NEGVIZ_PROXY="1") as running:
            runs.append({what: visit(running, what) for what in WHAT})
    found: dict[str, Any] = {
        "command": "python -m training crowd",
        "machine": facts,
        "visitors": VISITORS,
        "what": WHAT,
        "medians": medians(runs),
        "runs": runs,
    }
    found["targets"] = targets(found["medians"])
    write_json(args.json or Paths(args.family).results / "crowd.json", found)
    for name, target in found["targets"].items():
        print(f"{name}: {target['measured']} s, wanted at most {target['most']}")
    return 0


def visit(running: RunningApp, what: str) -> dict[str, float]:
    """What visitors saw, and the CPU time that they and the app took.  Raises `RunningError`."""
    command = [sys.executable, "-m", "training.bench.visitors", running.address, what]
    texts = json.dumps(sentences())
    before = _cpu(running.pid)
    try:
        done = subprocess.run(
            command, cwd=ROOT, input=texts, capture_output=True, text=True, timeout=_WITHIN, check=True
        )
    except (subprocess.SubprocessError, OSError) as error:
        lines = (getattr(error, "stderr", None) or str(error)).splitlines()
        said = next((line.strip(" |") for line in reversed(lines) if line.strip(" |+-")), "nothing was said")
        raise RunningError(f"The visitors ({what}) came to no end: {said}") from error
    seen: dict[str, float] = json.loads(done.stdout)
    seen["app_cpu_s"] = _cpu(running.pid) - before
    time.sleep(1)  # what the last visitors left behind
    return {name: round(value, 2) for name, value in seen.items()}


def medians(runs: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Of every figure, over the runs."""
    return {
        what: {name: round(statistics.median(each[what][name] for each in runs), 2) for name in seen}
        for what, seen in runs[0].items()
    }


def targets(found: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """What was wanted on two idle cores, and what was measured here."""
    return {
        f"{what}_{name}": {"measured": found[what][name], "most": most, "met": found[what][name] <= most}
        for (what, name), most in _WANTED.items()
    }


def _cpu(pid: int) -> float:
    """Seconds of processor time that a process has taken; 0 where there is no /proc."""
    try:
        spent = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")
