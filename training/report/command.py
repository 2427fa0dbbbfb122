"""Tables and pictures of results, made from `assets/results/*.json` and never typed in.

A table stands between `<!-- results:NAME -->` and `<!-- /results -->`, where NAME is a results file that
`python -m training` wrote; NAME:cells is its small table, of an evaluation's four cells, and
`paper` the claims of the paper beside our figures.  `python -m training
report` writes them all; `--check` only says which pages are stale, and fails if any is.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from negviz.common.errors import NegvizError
from negviz.common.files import rewriting, write_atomically
from negviz.common.read_files import read_json
from negviz.common.shipped import ROOT
from negviz.results.kinds import kind_of
from negviz.results.kinds.archives import ARCHIVES
from negviz.results.kinds.evaluation import EVALUATION
from negviz.results.kinds.experiments import MAP, SETTINGS, TRIALS
from negviz.results.kinds.generalisation import GENERALISATION
from negviz.results.kinds.kind import Kind
from negviz.results.kinds.leave_out import LEAVE_OUT
from negviz.results.kinds.protocols import PROTOCOLS
from negviz.results.kinds.saliency import SALIENCY
from negviz.results.kinds.visits import VISITS
from training.report.curves import draw_archives, draw_visits
from training.report.dots import (
    draw,
    draw_experiment,
    draw_leave_out,
    draw_protocols,
    draw_saliency,
    draw_trials,
)
from training.report.heatmap import draw_conditions
from training.report.tables import FORMS, render_paper

_DOCUMENTS: Final = (
    "README.md",
    "assets/README.md",
    "assets/results/README.md",
    "negviz/README.md",
    "training/README.md",
)
_PICTURES: Final[Mapping[Kind, Callable[[dict[str, Any], str], str]]] = {  # of a file's value and name
    ARCHIVES: lambda value, _: draw_archives(value),
    EVALUATION: lambda value, name: draw(value, f"{name}: precision at {value['k']} by cell and model"),
    GENERALISATION: lambda value, _: draw_conditions(value),
    LEAVE_OUT: lambda value, _: draw_leave_out(value),
    PROTOCOLS: lambda value, _: draw_protocols(value),
    MAP: lambda value, _: draw_experiment(value),
    SALIENCY: lambda value, _: draw_saliency(value),
    SETTINGS: lambda value, _: draw_experiment(value),
    TRIALS: lambda value, _: draw_trials(value),
    VISITS: lambda value, _: draw_visits(value),
}
_OF_A_MACHINE: Final = (
    "archives",
    "benchmark",
    "crowd",
)  # true of one machine at rest: a page may wait for them
_OPEN: Final = re.compile(r"<!-- results:(\S+) -->")
_TABLE: Final = re.compile(r"(<!-- results:(\S+) -->\n).*?(<!-- /results -->)", re.DOTALL)


class ReportError(NegvizError):
    """A table that cannot be made; the message is one sentence that says what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training report`."""
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a table is stale")


def run(args: argparse.Namespace) -> int:
    """Write the tables, or check them.  Raises `ReportError`."""
    stale = refresh(ROOT, check=args.check)
    for page in stale:
        name = page.relative_to(ROOT).as_posix()
        print(f"{name} is stale: run `python -m training report`" if args.check else f"wrote {name}")
    return int(args.check and bool(stale))


def documents(root: Path) -> list[Path]:
    """The pages that are written for readers, model cards last."""
    listed = (root / name for name in _DOCUMENTS)
    return [page for page in (*listed, *sorted((root / "checkpoints").rglob("*.md"))) if page.is_file()]


def refresh(root: Path, *, check: bool = False) -> list[Path]:
    """The pages whose tables were not up to date; they are rewritten unless `check`."""
    stale = []
    for page in documents(root):
        with nullcontext() if check else rewriting(page):
            text = page.read_text(encoding="utf-8")
            fresh = fill(text, root / "assets" / "results", where=page.relative_to(root).as_posix())
            if fresh != text:
                stale.append(page)
                if not check:
                    write_atomically(page, fresh.encode())
    return stale + _refresh_pictures(root / "assets" / "results", check=check)


def _refresh_pictures(results: Path, *, check: bool) -> list[Path]:
    """The SVGs beside the results files that were not up to date."""
    stale = []
    for path in sorted(results.glob("*.json")):
        value, picture = read_json(path, ReportError), path.with_suffix(".svg")
        draw = _PICTURES.get(kind_of(value))
        if draw is None:
            continue
        fresh = draw(value, path.stem)
        if not picture.is_file() or picture.read_text(encoding="utf-8") != fresh:
            stale.append(picture)
            if not check:
                write_atomically(picture, fresh.encode())
    return stale


def fill(text: str, results: Path, *, where: str = "the page") -> str:
    """The Markdown with every table between markers made anew from the folder of results."""
    if len(_OPEN.findall(text)) != len(_TABLE.findall(text)) or "<!-- results:" in _TABLE.sub("", text):
        raise ReportError(f"{where}: each <!-- results:NAME --> needs a line <!-- /results --> below it.")

    def table(match: re.Match[str]) -> str:
        return f"{match[1]}\n{_render(match[2], results)}\n{match[3]}"

    return _TABLE.sub(table, text)


def _render(what: str, folder: Path) -> str:
    if what == "paper":  # of several files
        return render_paper(folder)
    stem, _, form = what.partition(":")
    if form not in FORMS:
        raise ReportError(f"{what} is no table: write results:{stem} or results:{stem}:cells.")
    path = folder / f"{stem}.json"
    if not path.is_file():
        if stem in _OF_A_MACHINE:
            return f"Not measured yet: `python -m training {stem}` writes `{path.name}`.\n"
        raise ReportError(f"assets/results lacks {path.name}; make it or remove its marker.")
    try:
        return FORMS[form](read_json(path, ReportError), path.name)
    except (AttributeError, LookupError, TypeError) as error:
        raise ReportError(f"{path.name} is no results file of `python -m training` ({error}).") from error
