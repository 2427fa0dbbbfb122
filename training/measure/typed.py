"""How prompts that people type are read: rightly and surely, asked about, or marked wrongly.

A file is scored once: a later run keeps what the results say of it.

Six files of prompts by six kinds of user, written and labelled by people who had seen neither the readers
nor their tests: `typed.csv` was scored once, `typed-again.csv` once after what the first had shown was
mended, `typed-last.csv` once after the second reader had come, and `typed-fourth.csv`,
`typed-fifth.csv` and `typed-sixth.csv` once each after the rules had been mended with other prompts.  The
writers knew the findings and the kinds of user, and but for the third the conventions of labelling; that one
was labelled by somebody else.  Before any reader ran, the columns `user,text` of the six had the SHA-256
78bfc68c83bf7c16…, 48e77991b42d158c…, 85428f3617a9f0ac…, 2fa7d8e0c70dbdfa…, 8f25734b04d551c2… and
c9b4882e768e1a1a….

A prompt may be *ask*: a careful reader should not guess ("PE", "collapsed lung").  Each prompt ends in one of
- *right*: surely read, as its writer labelled it;
- *suggested*: not surely read, nothing marked, and what is suggested holds what was meant;
- *asked in vain*: not surely read, and what is suggested does not;
- *wrong*: surely read otherwise, or read as one thing where it should be asked.
Of the wrong, *marked wrongly* are those by which films would be judged: what is unread or uncertain is not.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from negviz.common.csv_file import read_csv
from negviz.common.files import file_sha256, write_json
from negviz.common.read_files import read_json
from negviz.common.shipped import ROOT
from negviz.evaluation.prompts import read_prompts
from negviz.films.openi import read_reports
from negviz.language.prompt import Prompt, read_prompt, unclear
from negviz.models.family import load_models
from negviz.retrieval.metrics import interval, unanimous_interval
from training.data.bank import TYPED_ON
from training.measure.reader import ReaderSetError, Said, add_rivals, ask_rival, labels, rivals
from training.paths import EVALUATION, PROMPTS, add_family_option

RESULTS: Final = ROOT / "assets" / "results" / "typed.json"
FIRST: Final = PROMPTS / "typed-first.json"  # what they scored when they were read first
RESAMPLES: Final = 2000
REPORT_SENTENCES: Final = 2000  # of test studies, drawn by `SEED`
SEED: Final = 0
Json = dict[str, Any]


@dataclass(frozen=True)
class Typed:
    """A prompt, what its writer means, and whether it should be asked about."""

    user: str
    text: str
    gold: Said
    ask: bool


@dataclass(frozen=True)
class Score:
    """What came of one prompt."""

    right: bool
    suggested: bool
    marked_wrongly: bool
    asked: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training typed`."""
    add = parser.add_argument
    add(
        "--reports",
        type=Path,
        metavar="FILE",
        help="NLMCXR_reports.tgz: how often its sentences are asked about",
    )
    add_family_option(parser, "whose second reader is scored beside the rules alone")
    add_rivals(parser)
    add("--json", type=Path, default=RESULTS, metavar="OUT", help="results file (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Measure as `add_arguments` says and write the results."""
    names, both = rivals(args.rival), load_models(args.family)["base"].reads
    paths = [path for name in TYPED_ON if (path := PROMPTS / name).is_file()]
    data = {path.name: file_sha256(path) for path in paths}
    before = read_json(args.json, ReaderSetError) if args.json.is_file() else {}
    scored = scored_before(before, data)
    sets = {path.stem: read_typed(path) for path in paths if path.stem not in scored}
    first = read_json(FIRST, ReaderSetError) if FIRST.is_file() else {}
    results: Json = {
        "typed": first | scored | {name: measure_typed(rows, read_prompt) for name, rows in sets.items()},
        "rivals": before.get("rivals", {}) if scored else {},
        "evaluation": on_evaluation(read_prompt),
        "evaluation, both readers": on_evaluation(both),
        "data": data,
    }
    for name, rows in sets.items():
        results["typed"][name]["both"] = measure_typed(rows, both)["negviz"]
    for rival, python in names.items():
        for name, rows in sets.items():
            said, results["rivals"][rival] = ask_rival(rival, python, [row.text for row in rows])
            right = [ours == row.gold and not row.ask for row, ours in zip(rows, said, strict=True)]
            results["typed"][name][rival] = {"right": share(right)}
    if args.reports is not None:
        results["reports"] = on_reports(args.reports, read_prompt)
        results["reports, both readers"] = on_reports(args.reports, both)
    reports = f" --reports {args.reports.name}" if args.reports else ""
    results["command"] = f"python -m training typed{reports}" + "".join(
        f" --rival {name}=python" for name in results["rivals"]
    )
    write_json(args.json, results)
    for name, measured in results["typed"].items():
        for who in ("negviz", "both") if "both" in measured else ("negviz",):
            shares = measured[who].items()
            figures = ", ".join(f"{what} {figure['value']:.3f}" for what, figure in shares)
            print(f"{name} ({measured['prompts']}), {who}: {figures}")
    return 0


def scored_before(before: Json, data: Mapping[str, str]) -> Json:
    """What results say of files of prompts that have not changed since (`data`: hashes by file name).

    No file is scored again once its prompts have shown what to mend.
    """
    known = before.get("data", {})
    names = [Path(name).stem for name, digest in data.items() if known.get(name) == digest]
    return {name: before["typed"][name] for name in names}


def read_typed(path: Path) -> list[Typed]:
    """Columns `user,text,mentions,ask`; mentions as `effusion:absent|nodule:present`, ask "yes" or "no"."""
    rows = read_csv(path, ("user", "text", "mentions", "ask"), ReaderSetError).rows
    return [
        Typed(row["user"], row["text"], labels(row["mentions"], path), row["ask"] == "yes") for row in rows
    ]


def score(row: Typed, prompt: Prompt) -> Score:
    """What comes of a prompt that is read so."""
    said = frozenset((mention.finding, mention.polarity) for mention in prompt.mentions)
    offered = {(mention.finding, mention.polarity) for mention in prompt.suggestion or ()}
    asked = not prompt.sure or not prompt.english
    right = not asked and said == row.gold and not row.ask
    return Score(
        right=right,
        suggested=asked and (not row.gold or bool(offered & row.gold)),
        marked_wrongly=not asked and said != row.gold and unclear(prompt.mentions) is None,
        asked=asked,
    )


def measure_typed(rows: Sequence[Typed], read: Callable[[str], Prompt]) -> Json:
    """Shares of prompts, with intervals of 95 % over prompts, and counts by kind of user."""
    found = [score(row, read(row.text)) for row in rows]
    return {
        "prompts": len(rows),
        "to_be_asked": sum(row.ask for row in rows),
        "negviz": {
            "right": share([each.right for each in found]),
            "right_or_suggested": share([each.right or each.suggested for each in found]),
            "marked_wrongly": share([each.marked_wrongly for each in found]),
            "asked": share([each.asked for each in found]),
            "asked_needlessly": share(
                [each.asked and not row.ask for row, each in zip(rows, found, strict=True)]
            ),
        },
        "by_user": {user: _counts(rows, found, user) for user in dict.fromkeys(row.user for row in rows)},
    }


def _counts(rows: Sequence[Typed], found: Sequence[Score], user: str) -> Json:
    own = [each for row, each in zip(rows, found, strict=True) if row.user == user]
    return {
        "prompts": len(own),
        "right": sum(each.right for each in own),
        "right_or_suggested": sum(each.right or each.suggested for each in own),
        "marked_wrongly": sum(each.marked_wrongly for each in own),
        "asked": sum(each.asked for each in own),
    }


def share(flags: Iterable[bool]) -> Json:
    """A share and its interval of 95 %, by resampling, or exact where all are alike."""
    given: npt.NDArray[np.bool_] = np.array(list(flags), bool)
    draws = np.random.default_rng(SEED).integers(len(given), size=(RESAMPLES, len(given)))
    ends = unanimous_interval(given.mean(), len(given)) or interval(given[draws].mean(1)) or ()
    return {"value": round(float(given.mean()), 4), "value_ci": [round(end, 4) for end in ends]}


def on_evaluation(read: Callable[[str], Prompt]) -> Mapping[str, int]:
    """How many prompts of the evaluation are read rightly, and how many are asked about."""
    rows = read_prompts(EVALUATION)
    prompts = [read(row.prompt) for row in rows]
    said = [{(mention.finding, mention.polarity) for mention in prompt.mentions} for prompt in prompts]
    return {
        "prompts": len(rows),
        "right": sum((row.finding, row.polarity) in each for row, each in zip(rows, said, strict=True)),
        "asked": sum(not prompt.sure for prompt in prompts),
    }


def on_reports(archive: Path, read: Callable[[str], Prompt]) -> Mapping[str, Any]:
    """How often sentences of reports that the reader was not developed on are asked about as prompts.

    Apart: only whether a normal chest is meant ("no acute cardiopulmonary process"), and anything else.
    Where reports are read, `read_mentions` asks nothing.
    """
    sentences = [
        text
        for uid, report in read_reports(archive).items()
        if int(uid) % 5 == 0
        for text in report.sentences
    ]
    drawn = random.Random(SEED).sample(sentences, min(REPORT_SENTENCES, len(sentences)))
    asked = [read(text).suggestion for text in drawn]
    offered = [{mention.finding for mention in each or ()} for each in asked]
    return {
        "sentences": len(drawn),
        "asked": share(bool(each) for each in offered),
        "asked whether normal": share(each == {"normal"} for each in offered),
        "asked anything else": share(bool(each - {"normal"}) for each in offered),
    }
