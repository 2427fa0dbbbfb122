"""`python -m training second-reader`: tune the second reader of a family and measure what both readers do.

It learns from sentences composed as people type them and, where Open-i's reports are at hand, from those of
training studies.  A tenth of the frames, and of the wordings of reports, is held out whole: temperature and
doubt are chosen there, and the figures by kind are of there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from negviz.common.csv_file import read_csv
from negviz.common.files import write_json
from negviz.common.read_files import read_text
from negviz.common.shipped import COMPACT
from negviz.evaluation.prompts import read_prompts, template
from negviz.films.collection import open_collection
from negviz.films.openi import Report
from negviz.language.prompt import Prompt, read_prompt
from negviz.language.second_reader import Doubt, Floats, SecondReader, agree, spelt
from negviz.models.family import load_models
from negviz.models.text_tower import CompactTextTower
from negviz.models.two_readers import TwoReaders, write_second_reader
from training.data.films import openi_reports
from training.data.reports import KIND, agreed_sentences
from training.data.typed import Composed, kept_apart, type_sentences
from training.measure.reader import BLIND, SEEN
from training.measure.second_reader import (
    alone_and_both,
    as_typed,
    asking,
    by_kind,
    kinds_of,
    milliseconds,
    prompts_of,
)
from training.measure.typed import FILES as TYPED
from training.measure.typed import score
from training.options import count
from training.paths import PROMPTS, FilmsError, Paths
from training.tune.second_reader import (
    VERSION,
    Lesson,
    ReaderConfig,
    ReaderNet,
    encode,
    fit_temperature,
    logits,
    make_lesson,
    probabilities,
    tune_reader,
)

HELD_OUT: Final = 0  # the fold of frames and of report sentences' wordings
MEASURED_ON: Final = (
    "evaluation.csv",
    "findings.csv",
    "generalisation.csv",
    "blind.csv",
)  # of assets/prompts
_GRID: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
_CUES: Final = (0.5, 0.7, 0.9)
_PRICE: Final = 5.0  # questions that a wrong mark is worth
_MOST_ASKED: Final = 0.03  # of held-out wordings of reports; sentences repeat, and the usual are sure
_SAMPLE: Final = 2000  # report sentences of test studies
Json = dict[str, Any]


class SecondReaderError(FilmsError):
    """A family that no second reader can be built for; the message says what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training second-reader`."""
    add = parser.add_argument
    family = "folder of the models (default: checkpoints/compact)"
    add("--family", type=Path, default=COMPACT, metavar="DIR", help=family)
    films = (
        "folder with Open-i's reports: NLM's archive, or a manifest.csv; without, composed sentences alone"
    )
    add("--films", type=Path, metavar="DIR", help=films)
    add("--epochs", type=count, default=ReaderConfig.epochs, help="over all sentences (default: %(default)s)")
    more = "a CSV whose sentences (its first column) are hidden from it too (may be repeated)"
    add("--hide", type=Path, action="append", default=[], metavar="FILE", help=more)


def run(args: argparse.Namespace) -> int:
    """Tune, write and measure as `add_arguments` says."""
    paths = Paths(args.family, films=args.films)
    config = ReaderConfig(epochs=args.epochs)
    tower = load_models(paths.family, read_twice=False)["base"].text
    if not isinstance(tower, CompactTextTower):
        raise SecondReaderError(f"{paths.family} has no compact text tower: rules alone read its sentences.")
    reports = openi_reports(paths.films) if paths.films is not None else {}
    if not reports:
        print("Without --films it learns from composed sentences alone.")
    sentences = gather(reports, args.hide)
    built = build(tower, sentences, config)
    settings = {**built.settings(config), "recipe": recipe(config, sentences)}
    size = write_second_reader(paths.family, built.net.weights(), settings, tower)
    readers = TwoReaders(tower, built.reader(config))
    results = {
        "what": "sentences as people type them, read by rules and by a second reader",
        "version": VERSION,
        "bytes": size,
        "learned_from": kinds_of(sentences),
        "settings": settings,
        "second_alone": built.held_out["second_alone"],
        "by_kind": built.held_out["by_kind"],
        "sets": {
            **built.held_out["sets"],
            **{name: alone_and_both(prompts_of(PROMPTS / name), readers) for name in MEASURED_ON},
        },
        "milliseconds": milliseconds([one.text for one in sentences], readers),
        "command": _command(args),
    }
    if reports:
        results["reports"] = asking(_test_sentences(reports), readers)
    write_json(paths.results / "second-reader.json", results)
    for name, figures in results["sets"].items():
        print(name, {what: share["value"] for what, share in figures["both"].items()})
    return 0


def _command(args: argparse.Namespace) -> str:
    words = ["python", "-m", "training", "second-reader"]
    words += [f"--films {shlex.quote(args.films.name)}"] if args.films else []
    return " ".join([*words, *(f"--hide {shlex.quote(path.name)}" for path in args.hide)])


# What it learns from ----------------------------------------------------------------------------


def gather(reports: dict[str, Report], hide: Sequence[Path] = ()) -> list[Composed]:
    """All sentences to learn from, none of which is among those that something is measured on."""
    forbidden = {template(row.prompt) for name in MEASURED_ON for row in read_prompts(PROMPTS / name)}
    typed = [row["text"] for path in _typed() for row in read_csv(path, ("text",), SecondReaderError).rows]
    texts = {_letters(text) for text in (*typed, *_hidden(hide), *_chosen(reports))}

    def barred(text: str) -> bool:
        return template(text) in forbidden or _letters(text) in texts

    films = [film for film in open_collection("openi").select("train") if int(film.uid) % 5]
    return kept_apart((*type_sentences(), *agreed_sentences(films, reports)), barred)


def _typed() -> list[Path]:
    return [path for name in TYPED if (path := PROMPTS / name).is_file()]


def _letters(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9+?-]+", text.casefold()))


def _hidden(paths: Iterable[Path]) -> Iterable[str]:
    for path in paths:
        column = read_text(path, SecondReaderError).partition("\n")[0].split(",")[0].strip()
        yield from (row[column] for row in read_csv(path, (column,), SecondReaderError).rows)


def _chosen(reports: dict[str, Report]) -> Iterable[str]:
    """The report sentences that the rules are measured on."""
    for path in (SEEN, BLIND):
        for row in read_csv(path, ("uid", "sentence"), SecondReaderError).rows:
            report = reports.get(row["uid"])
            if report is not None and int(row["sentence"]) < len(report.sentences):
                yield report.sentences[int(row["sentence"])]


def _test_sentences(reports: dict[str, Report]) -> list[str]:
    """A sample of the report sentences of studies that neither reader was made with."""
    every = [text for uid, report in reports.items() if not int(uid) % 5 for text in report.sentences]
    order = np.random.default_rng(0).permutation(len(every))[:_SAMPLE]
    return [every[place] for place in order]


def recipe(config: ReaderConfig, sentences: Sequence[Composed]) -> str:
    """SHA-256 over settings and sentences; it tells nothing of the sentences."""
    facts = [VERSION, asdict(config), [(one.text, sorted(one.said.items())) for one in sentences]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


# The reader ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Built:
    """A second reader, and what it does on what was held out."""

    net: ReaderNet
    temperature: float
    doubt: Doubt
    held_out: Json

    def settings(self, config: ReaderConfig) -> Json:
        return {
            "layers": list(config.layers),
            "heads": config.heads,
            "temperature": round(self.temperature, 4),
            "doubt": asdict(self.doubt),
        }

    def reader(self, config: ReaderConfig) -> SecondReader:
        weights = {name: value.half().float().numpy() for name, value in self.net.weights().items()}
        return SecondReader.of(weights, self.settings(config))


def build(tower: CompactTextTower, sentences: Sequence[Composed], config: ReaderConfig) -> Built:
    """Tune on all but what is held out, by which is chosen what to doubt."""
    states, lengths = encode(tower, [spelt(one.text) for one in sentences], config.layers)
    lesson = make_lesson(states, lengths, [one.said for one in sentences])
    held = np.array([one.fold == HELD_OUT for one in sentences])
    net = tune_reader(_part(lesson, ~held), config)
    return judge(net, _part(lesson, held), [one for one in sentences if one.fold == HELD_OUT])


def judge(net: ReaderNet, lesson: Lesson, sentences: Sequence[Composed]) -> Built:
    """With what held-out sentences say of it: how sure it may be, and how much doubt is a question."""
    found = logits(net, lesson)
    temperature = fit_temperature(found, lesson.targets)
    told = probabilities(found, temperature)
    doubt = choose_doubt(sentences, told)
    return Built(net, temperature, doubt, _held_out(sentences, told, lesson, doubt))


def _part(lesson: Lesson, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> Lesson:
    rows = np.flatnonzero(chosen)
    lengths = np.diff(lesson.starts)[rows]
    spans = [torch.arange(lesson.starts[row], lesson.starts[row + 1]) for row in rows]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return Lesson(lesson.states[torch.cat(spans)], starts, lesson.targets[torch.from_numpy(rows)])


def choose_doubt(sentences: Sequence[Composed], told: Floats) -> Doubt:
    """The doubt that costs least on held-out sentences, a wrong mark being worth several questions.

    Report sentences are held to their limit, since there the rules are at home.
    """
    prompts = [read_prompt(one.text) for one in sentences]
    typed = [place for place, one in enumerate(sentences) if one.kind != KIND]
    reports = [place for place, one in enumerate(sentences) if one.kind == KIND]

    def cost(doubt: Doubt) -> float:
        met = [score(as_typed(sentences[i]), agree(prompts[i], told[i], doubt)) for i in typed]
        return sum(one.asked + _PRICE * one.marked_wrongly for one in met) / max(len(met), 1)

    def bearable(doubt: Doubt) -> bool:
        asked = sum(prompts[i].sure and not agree(prompts[i], told[i], doubt).sure for i in reports)
        return asked <= _MOST_ASKED * len(reports)

    best = Doubt(0.1, 0.1, 0.05, 0.7)
    for _ in range(2):  # one knob at a time, twice over
        for knob, values in (("said", _GRID), ("silent", _GRID), ("open", _GRID), ("cue", _CUES)):
            tried = [replace(best, **{knob: value}) for value in values]
            fair = [one for one in tried if bearable(one)] or [best]
            best = min(fair, key=cost)
    return best


def _held_out(sentences: Sequence[Composed], told: Floats, lesson: Lesson, doubt: Doubt) -> Json:
    """Figures on frames that were held out: of the second reader alone, of the rules, of both."""
    by_text = {one.text: row for one, row in zip(sentences, told, strict=True)}

    def both(text: str) -> Prompt:
        return agree(read_prompt(text), by_text[text], doubt)

    exact = (told.argmax(-1) == lesson.targets.numpy()).all(-1)
    typed = [one for one in sentences if one.kind != KIND]
    alone = {
        kind: round(float(np.mean([exact[i] for i, one in enumerate(sentences) if one.kind == kind])), 4)
        for kind in kinds_of(sentences)
    }
    reports = [one for one in sentences if one.kind == KIND]
    return {
        "second_alone": alone,
        "by_kind": by_kind(typed, both),
        "sets": {
            name: alone_and_both(some, both)
            for name, some in (("frames that were held out", typed), ("held-out report sentences", reports))
            if some
        },
    }
