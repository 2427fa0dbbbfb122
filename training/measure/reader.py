"""How often the reader is right: on sentences written for it, and on report sentences labelled by hand.

Three sets
- *written* (`tests/data/sentences.csv`): every phenomenon the reader knows of; used to make it.
- *seen* (`tests/data/seen.csv`): report sentences of Open-i by uid and number.  They were blind once; what
  the reader then scored is `SEEN_WHEN_BLIND`.  Afterwards they were used to correct it.
- *blind* (`tests/data/blind.csv`): more of these, labelled before the reader ran on them; they tuned nothing.
  One exception: that a "no suspicious mass or nodule" bears on both was seen in several reports, one of these
  among them.  It moved two sentences and precision, not recall.
  Reports repeat themselves: *blind, new wording* are those whose wording no study that the reader was
  developed on has (those whose uid is no multiple of five, and the seen set).

A mention is right if finding *and* polarity are.  The figure to quote is `recall`, the share of labelled
mentions that are read with the right polarity, with `precision` beside it; `accuracy` is over the union of
labelled and read mentions.

Rivals cannot find findings, so they are given ours: the last word of every term our vocabulary finds, whose
polarity they judge ("enlarged" of "heart was enlarged").  A term they call absent is given the meaning
that our vocabulary gives its denial.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from negviz.common.csv_file import read_csv
from negviz.common.errors import NegvizError
from negviz.common.files import file_sha256, write_json
from negviz.common.shipped import ROOT
from negviz.films.openi import read_reports
from negviz.findings import FINDINGS, Polarity, Term
from negviz.language.normalise import normalise
from negviz.language.prompt import read_mentions
from negviz.language.reader import find_terms, outcome_of
from training.data.reports import BLIND, SEEN

WRITTEN: Final = ROOT / "tests" / "data" / "sentences.csv"
RESULTS: Final = ROOT / "assets" / "results" / "reader.json"
RIVALS: Final = ("negspacy", "medspacy")

RESAMPLES: Final = 2000
SEEN_WHEN_BLIND: Final = {  # measured once, before the set was used; it cannot be measured again
    "note": "What the reader scored on the seen set when that was blind, before it was corrected with it.",
    "accuracy": 0.897,
    "accuracy_ci": [0.852, 0.940],
    "precision": 0.949,
    "recall": 0.943,
    "recall_ci": [0.917, 0.966],
}

Said = frozenset[tuple[str, str]]  # (finding, polarity)
Span = tuple[int, int]
Json = dict[str, Any]


class ReaderSetError(NegvizError):
    """A set of labelled sentences that cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Labelled:
    """A sentence and what it says; `kind` groups written sentences by phenomenon."""

    text: str
    gold: Said
    kind: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training reader`."""
    add = parser.add_argument
    add("--reports", type=Path, metavar="FILE", help="NLMCXR_reports.tgz: texts of the seen and blind sets")
    add_rivals(parser)
    add("--json", type=Path, default=RESULTS, metavar="OUT", help="results file (default: %(default)s)")


def add_rivals(parser: argparse.ArgumentParser) -> None:
    rival = "ask a rival too, in an environment that has it: negspacy=…/bin/python (may be repeated)"
    parser.add_argument("--rival", action="append", default=[], metavar="NAME=PYTHON", help=rival)


def run(args: argparse.Namespace) -> int:
    """Measure as `add_arguments` says and write the results."""
    asked = rivals(args.rival)
    sets = {"written": read_written(WRITTEN)}
    data = {"sentences.csv": file_sha256(WRITTEN)}
    if args.reports is not None:
        sets |= report_sets(args.reports)
        data |= {path.name: file_sha256(path) for path in (SEEN, BLIND, args.reports)}
    results = evaluate_reader(sets, asked)
    names = "".join(f" --rival {name}=python" for name in asked)
    reports = f" --reports {args.reports.name}" if args.reports else ""
    results |= {
        "seen_when_blind": SEEN_WHEN_BLIND,
        "data": data,
        "command": f"python -m training reader{reports}{names}",
    }
    write_json(args.json, results)
    for name, figures in results["sets"].items():
        ours = figures["negviz"]
        print(
            f"{name}: {ours['recall']:.3f} {ours['recall_ci']} of labelled mentions are read rightly, "
            f"precision {ours['precision']:.3f}, accuracy over the union {ours['accuracy']:.3f}"
        )
    return 0


def evaluate_reader(
    sets: Mapping[str, Sequence[Labelled]], rivals: Mapping[str, str] | None = None, *, seed: int = 0
) -> Json:
    """Figures of our reader and of each rival (name → interpreter that has it) on each set."""
    versions: dict[str, str] = {}
    results: Json = {}
    for name, sentences in sets.items():
        read = [frozenset((m.finding, m.polarity) for m in read_mentions(one.text)) for one in sentences]
        results[name] = {"sentences": len(sentences), "negviz": _figures(sentences, read, seed)}
        for rival, python in (rivals or {}).items():
            theirs, versions[rival] = ask_rival(rival, python, [one.text for one in sentences])
            results[name][rival] = _figures(sentences, theirs, seed)
    return {"sets": results, "rivals": versions}


def read_written(path: Path) -> list[Labelled]:
    """The written set: columns `text,mentions,kind`, mentions as `effusion:absent|nodule:present`."""
    rows = read_csv(path, ("text", "mentions"), ReaderSetError).rows
    return [Labelled(row["text"], labels(row["mentions"], path), row.get("kind")) for row in rows]


def report_sets(archive: Path) -> dict[str, list[Labelled]]:
    """The sets of report sentences, by name, with their text."""
    seen, blind = read_chosen(SEEN, archive), read_chosen(BLIND, archive)
    developed = {_letters(one.text) for one in seen}
    for uid, report in read_reports(archive).items():
        if int(uid) % 5:
            developed |= set(map(_letters, report.sentences))
    new = [one for one in blind if _letters(one.text) not in developed]
    return {"seen": seen, "blind": blind, "blind, new wording": new}


def _letters(text: str) -> str:
    return " ".join(re.findall(r"[a-z]+", text.lower()))


def read_chosen(path: Path, archive: Path) -> list[Labelled]:
    """A set of report sentences: columns `uid,sentence,mentions`; their text is looked up in `archive`."""
    if not path.is_file():
        raise ReaderSetError(f"{path} is missing; leave out --reports to measure the written set alone.")
    reports = read_reports(archive)
    labelled = []
    for row in read_csv(path, ("uid", "sentence", "mentions"), ReaderSetError).rows:
        try:
            text = reports[row["uid"]].sentences[int(row["sentence"])]
        except (KeyError, IndexError, ValueError) as error:
            which = f"sentence {row['sentence']} of study {row['uid']}"
            raise ReaderSetError(f"{archive} lacks {which}, which {path} names.") from error
        labelled.append(Labelled(text, labels(row["mentions"], path)))
    return labelled


def ask_rival(name: str, python: str, texts: Sequence[str]) -> tuple[list[Said], str]:
    """What a rival makes of the terms our vocabulary finds in each text, and its version."""
    terms = [_terms(text) for text in texts]
    asked = [[text, [span for span, _ in found]] for text, found in zip(texts, terms, strict=True)]
    script = Path(__file__).with_name("rivals.py")
    done = subprocess.run(
        [python, str(script), name], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ReaderSetError(f"{name} could not be asked: {last}; is it installed for that interpreter?")
    answer = json.loads(done.stdout)
    said = [
        frozenset(
            pair for (_, term), state in zip(found, states, strict=True) for pair in _meaning(term, state)
        )
        for found, states in zip(terms, answer["polarity"], strict=True)
    ]
    return said, answer["version"]


def _terms(text: str) -> list[tuple[Span, Term]]:
    """Every term in `text` with the character offsets of its last word."""
    normal = normalise(text)
    return [
        (normal.origin(max(item.span[0], normal.text.rfind(" ", *item.span) + 1), item.span[1]), item.term)
        for item in find_terms(normal.text)
    ]


def _meaning(term: Term, state: Polarity | None) -> Iterator[tuple[str, str]]:
    """What a term says where it is judged to be present, absent or uncertain."""
    for outcome in term.outcomes:
        polarity = outcome_of(outcome, state or "present")
        if polarity is not None:
            yield outcome.finding, polarity


def _figures(sentences: Sequence[Labelled], read: Sequence[Said], seed: int) -> Json:
    """Counts and rates, with 95 % intervals by resampling sentences."""
    pairs = [(one.gold, said) for one, said in zip(sentences, read, strict=True)]
    right = np.array([len(gold & said) for gold, said in pairs])
    parts = {  # what the right mentions are divided by
        "accuracy": np.array([len(gold | said) for gold, said in pairs]),
        "precision": np.array([len(said) for _, said in pairs]),
        "recall": np.array([len(gold) for gold, _ in pairs]),
        # of polarity alone: labelled mentions whose finding was read, in whatever polarity
        "polarity": np.array([sum(name in dict(said) for name, _ in gold) for gold, said in pairs]),
    }
    draws = np.random.default_rng(seed).integers(len(pairs), size=(RESAMPLES, len(pairs)))
    figures: Json = {"right": int(right.sum()), "union": int(parts["accuracy"].sum())}
    for name, part in parts.items():
        rates = right[draws].sum(1) / np.maximum(part[draws].sum(1), 1)
        figures[name] = round(float(right.sum() / max(int(part.sum()), 1)), 4)
        figures[f"{name}_ci"] = [round(float(bound), 4) for bound in np.quantile(rates, (0.025, 0.975))]
    groups = {
        one.kind: [p for p, other in zip(pairs, sentences, strict=True) if other.kind == one.kind]
        for one in sentences
    }
    figures["accuracy_by_kind"] = {kind: _rate(group) for kind, group in groups.items() if kind}
    figures["accuracy_by_polarity"] = {
        polarity: _rate([(_only(gold, 1, polarity), _only(said, 1, polarity)) for gold, said in pairs])
        for polarity in get_args(Polarity)
    }
    figures["accuracy_by_finding"] = {
        finding: _rate([(_only(gold, 0, finding), _only(said, 0, finding)) for gold, said in pairs])
        for finding in FINDINGS
    }
    return figures


def _only(said: Said, index: int, value: str) -> Said:
    return frozenset(pair for pair in said if pair[index] == value)


def _rate(pairs: Iterable[tuple[Said, Said]]) -> Json:
    right, union = 0, 0
    for gold, said in pairs:
        right += len(gold & said)
        union += len(gold | said)
    return {"right": right, "of": union}


def labels(mentions: str, path: Path) -> Said:
    """`effusion:absent|nodule:present`.  Raises `ReaderSetError`."""
    said = frozenset(
        (finding, polarity) for finding, _, polarity in map(_split, filter(None, mentions.split("|")))
    )
    for finding, polarity in said:
        if finding not in FINDINGS or polarity not in get_args(Polarity):
            raise ReaderSetError(f"{path} says {finding}:{polarity}; write finding:polarity in our spelling.")
    return said


def _split(mention: str) -> tuple[str, str, str]:
    return mention.strip().partition(":")


def rivals(options: Iterable[str]) -> dict[str, str]:
    """The interpreter of each rival that `--rival` names.  Raises `ReaderSetError`."""
    return dict(map(_rival, options))


def _rival(option: str) -> tuple[str, str]:
    name, _, python = option.partition("=")
    if name not in RIVALS or not python:
        raise ReaderSetError(f"--rival {option} is not understood; give negspacy=PYTHON or medspacy=PYTHON.")
    return name, python
