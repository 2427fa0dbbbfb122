"""`python -m training second-reader`: tune the second reader of a family and measure what both readers do.

It learns from sentences composed as people type them and, where Open-i's reports are at hand, from those of
training studies.  Of the frames, and of the wordings of reports, each network is kept from a fifth:
temperature and doubt are chosen there, and the figures by kind are of there.  A run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from negviz.common.csv_file import read_csv
from negviz.common.files import file_sha256, write_json
from negviz.common.read_files import read_text
from negviz.evaluation.prompts import read_prompts, template
from negviz.films.collection import open_collection
from negviz.films.openi import Report
from negviz.findings import FINDINGS
from negviz.language.prompt import Prompt, read_prompt, unclear
from negviz.language.second_reader import (
    SILENT,
    SITUATIONS,
    Doubt,
    Floats,
    SecondReader,
    agree,
    as_read,
    ask,
    doubted,
    situation,
    spelt,
)
from negviz.models.family import load_models
from negviz.models.text_tower import CompactTextTower
from negviz.models.two_readers import FILE, TwoReaders, write_second_reader
from training.data.bank import ALL_MEASURED_ON, BLIND_AGAIN, TYPED_ON
from training.data.films import openi_reports
from training.data.reports import KIND, agreed_sentences, labelled_sentences, letters
from training.data.typed import Composed, kept_apart, type_sentences
from training.measure.second_reader import (
    alone_and_both,
    as_typed,
    by_kind,
    kinds_of,
    milliseconds,
    prompts_of,
)
from training.measure.typed import Score, score
from training.options import count
from training.paths import PROMPTS, FilmsError, Paths, add_family_option, again
from training.tune.second_reader import (
    VERSION,
    ReaderConfig,
    ReaderNet,
    encode,
    fit_temperature,
    logits,
    make_lesson,
    probabilities,
    tune_reader,
)

HELD_OUT: Final = ((0, 1), (2, 3))  # folds of frames and of report sentences' wordings, of each network
_GRID: Final = tuple(round(0.02 * step, 2) for step in range(1, 50))
_WRONG: Final = 1.0  # questions that a wrong mark is worth, beside being lost
_LOST: Final = 1.5  # … and a sentence that is neither read rightly nor rightly asked about
_MOST_ASKED: Final = 0.03  # of held-out wordings of reports; sentences repeat, and the usual are sure
_SELDOM: Final = 0.5  # times that the rules are taken to have read anything as anything
_LIKE_ALL: Final = 30.0  # sentences of all findings that those of one are put to
Json = dict[str, Any]
Bools = npt.NDArray[np.bool_]


class SecondReaderError(FilmsError):
    """A family that no second reader can be built for; the message says what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training second-reader`."""
    add_family_option(parser)
    add = parser.add_argument
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
    work = paths.work / "second-reader"
    built = build(tower, sentences, config, work)
    settings = {**built.settings(config), "recipe": recipe(config, sentences)}
    size = write_second_reader(paths.family, built.weights(), settings, tower)
    readers = TwoReaders(tower, built.reader(config))
    results = {
        "what": "sentences as people type them, read by rules and by a second reader",
        "version": VERSION,
        "bytes": size,
        "data": {FILE: file_sha256(paths.family / FILE)},
        "learned_from": kinds_of(sentences),
        "settings": settings,
        "second_alone": built.held_out["second_alone"],
        "by_kind": built.held_out["by_kind"],
        "sets": {
            **built.held_out["sets"],
            **{name: alone_and_both(prompts_of(PROMPTS / name), readers) for name in ALL_MEASURED_ON},
        },
        "milliseconds": milliseconds([one.text for one in sentences], readers),
        "command": _command(args),
    }
    write_json(paths.results / "second-reader.json", results)
    shutil.rmtree(work, ignore_errors=True)
    for name, figures in results["sets"].items():
        print(name, {what: share["value"] for what, share in figures["both"].items()})
    return 0


def _command(args: argparse.Namespace) -> str:
    films = ["--films", args.films.name] if args.films else []
    hidden = [word for path in args.hide for word in ("--hide", path.name)]
    return again("second-reader", args, *films, *hidden)


# What it learns from ----------------------------------------------------------------------------


def gather(reports: dict[str, Report], hide: Sequence[Path] = ()) -> list[Composed]:
    """All sentences to learn from, none of which is among those that something is measured on."""
    forbidden = {
        template(row.prompt)
        for name in (*ALL_MEASURED_ON, BLIND_AGAIN)
        for row in read_prompts(PROMPTS / name)
    }
    typed = [row["text"] for path in _typed() for row in read_csv(path, ("text",), SecondReaderError).rows]
    texts = {letters(text) for text in (*typed, *_hidden(hide), *labelled_sentences(reports))}

    def barred(text: str) -> bool:
        return template(text) in forbidden or letters(text) in texts

    films = [film for film in open_collection("openi").select("train") if int(film.uid) % 5]
    return kept_apart((*type_sentences(), *agreed_sentences(films, reports)), barred)


def _typed() -> list[Path]:
    return [path for name in TYPED_ON if (path := PROMPTS / name).is_file()]


def _hidden(paths: Iterable[Path]) -> Iterable[str]:
    for path in paths:
        column = read_text(path, SecondReaderError).partition("\n")[0].split(",")[0].strip()
        yield from (row[column] for row in read_csv(path, (column,), SecondReaderError).rows)


def recipe(config: ReaderConfig, sentences: Sequence[Composed]) -> str:
    """SHA-256 over settings and sentences; it tells nothing of the sentences."""
    facts = [VERSION, asdict(config), [(one.text, sorted(one.said.items())) for one in sentences]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


# The reader ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Built:
    """A second reader, and what it does on what was held out."""

    networks: tuple[ReaderNet, ...]
    temperature: float
    doubt: Doubt
    held_out: Json

    def weights(self) -> dict[str, Tensor]:
        """All that a family is given but `settings`."""
        named = {
            f"{number}/{name}": value
            for number, network in enumerate(self.networks)
            for name, value in network.weights().items()
        }
        return {**named, "errors": torch.from_numpy(self.doubt.errors)}

    def settings(self, config: ReaderConfig) -> Json:
        return {
            "layers": list(config.layers),
            "heads": config.heads,
            "temperature": round(self.temperature, 4),
            "doubt": {"marked": self.doubt.marked, "unmarked": self.doubt.unmarked},
        }

    def reader(self, config: ReaderConfig) -> SecondReader:
        weights = {name: value.half().float().numpy() for name, value in self.weights().items()}
        return SecondReader.of(weights, self.settings(config))


def build(
    tower: CompactTextTower, sentences: Sequence[Composed], config: ReaderConfig, work: Path | None = None
) -> Built:
    """Tune one network on all but each part that is held out, by which is chosen what to doubt.

    With `work`, a folder, a run that was stopped goes on.
    """
    run = recipe(config, sentences)[:16]
    states, lengths = encode(tower, [spelt(one.text) for one in sentences], config.layers, work)
    lesson = make_lesson(states, lengths, [one.said for one in sentences])
    networks, places, found = [], [], []
    for number, part in enumerate(HELD_OUT):
        held = np.array([one.fold in part for one in sentences])
        state = work and work / f"{run}-{number}.safetensors"
        own = replace(config, seed=config.seed + number)
        networks.append(tune_reader(lesson, np.flatnonzero(~held), own, state=state))
        places.append(np.flatnonzero(held))
        found.append(logits(networks[-1], lesson, places[-1]))
    rows = np.concatenate(places)
    held_out = [sentences[row] for row in rows]
    return judge(tuple(networks), torch.cat(found), lesson.targets[torch.from_numpy(rows)], held_out)


def judge(
    networks: tuple[ReaderNet, ...], found: Tensor, wanted: Tensor, sentences: Sequence[Composed]
) -> Built:
    """With what each network makes of what was held out from it: how sure it may be, what is a question."""
    temperature = fit_temperature(found, wanted)
    told = probabilities(found, temperature)
    prompts = [read_prompt(one.text) for one in sentences]
    typed = np.array([one.kind != KIND for one in sentences])
    errors = errors_of(
        [prompt for prompt, is_typed in zip(prompts, typed, strict=True) if is_typed], wanted[typed]
    )
    doubt = choose_doubt(sentences, prompts, told, errors)
    return Built(networks, temperature, doubt, _held_out(sentences, prompts, told, wanted, doubt))


def errors_of(prompts: Sequence[Prompt], wanted: Tensor) -> Floats:
    """As `Doubt.errors`: of each finding by itself as far as it was met often enough, else of all."""
    counts = np.zeros((len(SITUATIONS), len(FINDINGS), SILENT + 1, SILENT + 1))
    findings = np.arange(len(FINDINGS))
    for prompt, said in zip(prompts, wanted.numpy(), strict=True):
        read = as_read(prompt)
        once = read >= 0
        counts[situation(prompt), findings[once], said[once], read[once]] += 1
    pooled = counts.sum(1, keepdims=True) + _SELDOM
    pooled /= pooled.sum((0, 3), keepdims=True)
    own = counts + _LIKE_ALL * pooled
    errors: Floats = (own / own.sum((0, 3), keepdims=True)).astype(np.float32)
    return errors


def choose_doubt(
    sentences: Sequence[Composed], prompts: Sequence[Prompt], told: Floats, errors: Floats
) -> Doubt:
    """The doubt that costs least on held-out sentences, a wrong mark being worth several questions.

    Report sentences are held to their limit, since there the rules are at home.
    """
    doubts = np.array([doubted(prompt, row, errors) for prompt, row in zip(prompts, told, strict=True)])
    rows = [as_typed(one) for one in sentences]
    let_be = np.array([_cost(score(row, prompt)) for row, prompt in zip(rows, prompts, strict=True)])
    asked = np.array(
        [
            _cost(score(row, ask(prompt, second, errors)))
            for row, prompt, second in zip(rows, prompts, told, strict=True)
        ]
    )
    marks = np.array([unclear(prompt.mentions) is None for prompt in prompts])
    reports = np.array([one.kind == KIND for one in sentences])
    sure = np.array([prompt.sure for prompt in prompts])

    def cheapest(some: Bools, allowed: float) -> float:
        """Of sentences that all mark films, or all do not, where so many reports may be asked about."""
        fair = [most for most in _GRID if (some & reports & sure & (doubts > most)).sum() <= allowed]
        typed = some & ~reports
        costs = {most: np.where(doubts > most, asked, let_be)[typed].sum() for most in fair or _GRID[-1:]}
        return min(costs, key=lambda most: costs[most])

    allowed = _MOST_ASKED * reports.sum()
    marked = cheapest(marks, allowed)
    left = allowed - (marks & reports & sure & (doubts > marked)).sum()
    return Doubt(errors, marked, unmarked=cheapest(~marks, left))


def _cost(met: Score) -> float:
    """In questions."""
    lost = not (met.right or met.suggested)
    return met.asked + _LOST * lost + _WRONG * met.marked_wrongly


def _held_out(
    sentences: Sequence[Composed], prompts: Sequence[Prompt], told: Floats, wanted: Tensor, doubt: Doubt
) -> Json:
    """Figures on frames that were held out: of the second reader alone, of the rules, of both."""
    by_text = {one.text: (prompt, row) for one, prompt, row in zip(sentences, prompts, told, strict=True)}

    def both(text: str) -> Prompt:
        return agree(*by_text[text], doubt)

    exact = (told.argmax(-1) == wanted.numpy()).all(-1)
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
