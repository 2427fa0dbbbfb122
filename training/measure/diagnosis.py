"""The three failure signatures of every model over the 99 prompts, with intervals.

    python -m training diagnosis

Intervals are drawn over prompts and films as in `negviz.evaluation.cells`, except where no film is counted
(cosines, attributions) or a film more or less has no plain meaning (how many of ten films stay): there over
prompts.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from negviz.common.files import file_sha256, write_json
from negviz.common.order import FilmPlaces, top_k
from negviz.evaluation.prompts import PromptRow, read_prompts
from negviz.explain.attribution import attribute
from negviz.explain.diagnosis import DiagnosisError
from negviz.films.collection import open_collection
from negviz.language.opposite import canonical
from negviz.language.prompt import read_prompt
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.retrieval.embeddings import film_embeddings
from negviz.retrieval.estimate import RESAMPLES, Estimate
from negviz.retrieval.metrics import Counts, Floats, Ranked, average, draw
from negviz.retrieval.search import cosines
from training.measure.evaluate import family_hashes
from training.options import add_bootstrap_option
from training.paths import EVALUATION, Paths, add_family_option, add_labels_option, again

_BASE: Final = "base"
_QUANTILES: Final = 101
Json = dict[str, Any]


@dataclass(frozen=True)
class DiagnosisTask:
    """What every model is asked, and the draws that all are measured on."""

    rows: tuple[PromptRow, ...]
    opposites: tuple[str, ...]  # a prompt each
    relevance: Floats  # [prompts, films] 1 satisfies, 0 contradicts, nan not judged
    film_places: FilmPlaces  # [films] what equal scores go by
    of_prompts: Counts  # [resamples, prompts]
    of_films: Counts  # [resamples, films]
    k: int

    @property
    def denies(self) -> npt.NDArray[np.bool_]:
        """[prompts] whether a prompt rules its finding out."""
        return np.array([row.polarity == "absent" for row in self.rows])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training diagnosis`."""
    add_family_option(parser)
    add = parser.add_argument
    add("--collection", default="openi", metavar="NAME|DIR", help="films to search (default: %(default)s)")
    add("--films", type=Path, metavar="DIR", help="where their images lie, if not in the collection's folder")
    add_labels_option(parser)
    add("--split", choices=("test", "all"), default="test", help="which of them (default: %(default)s)")
    add("--prompts", type=Path, default=EVALUATION, metavar="FILE", help="default: the 99")
    add_bootstrap_option(parser, RESAMPLES)


def run(args: argparse.Namespace) -> int:
    """Measure as `add_arguments` says.  Raises a `NegvizError` on bad input."""
    films = open_collection(args.collection, films=args.films, labels=args.labels).select(args.split)
    rows = [row for row in read_prompts(args.prompts) if row.polarity != "uncertain"]
    verdicts = [[film.states(row.finding, row.polarity) for film in films] for row in rows]
    task = make_task(rows, verdicts, films.places_by_id, bootstrap=args.bootstrap)
    models = load_models(args.family)
    vectors = {model.tower_id: film_embeddings(model, films) for model in models.values()}
    results = {
        "what": "three ways to fail at “no”, over the prompts: figures without a threshold, 95 % intervals",
        **measure(task, models, vectors),
        "data": {
            "collection": films.name,
            "collection_hash": films.hash,
            "films": len(films),
            "prompts": len(task.rows),
            "prompts_hash": file_sha256(args.prompts),
            "family": family_hashes(args.family),
        },
        "bootstrap": {"resamples": args.bootstrap, "seed": 0},
        "command": again("diagnosis", args, split="test", prompts=EVALUATION, bootstrap=RESAMPLES),
    }
    out = Paths(args.family).results / "diagnosis.json"
    write_json(out, results)
    print(f"{out}: {', '.join(models)} on {len(task.rows)} prompts and {len(films)} films")
    return 0


def make_task(
    rows: Sequence[PromptRow],
    relevance: Sequence[Sequence[bool | None]],
    film_places: FilmPlaces,
    *,
    k: int = 10,
    bootstrap: int = RESAMPLES,
) -> DiagnosisTask:
    """Prompts with their opposites, `relevance` [prompts, films] and `film_places` [films].

    Raises `DiagnosisError`.
    """
    truth = np.array(relevance, np.float64)
    if bootstrap < 1 or not truth.size or np.isnan(truth).all():
        raise DiagnosisError("There is nothing to measure: give prompts, judged films and resamples.")
    return DiagnosisTask(
        rows=tuple(rows),
        opposites=tuple(map(opposite_of, rows)),
        relevance=truth,
        film_places=film_places,
        of_prompts=draw(len(rows), times=bootstrap, seed=1),
        of_films=draw(truth.shape[1], times=bootstrap, seed=0),
        k=k,
    )


def opposite_of(row: PromptRow) -> str:
    """The prompt turned round, or the plainest contrary where the reader reads it otherwise than the file."""
    read = read_prompt(row.prompt)
    if read.opposite is not None and (read.finding, read.polarity) == (row.finding, row.polarity):
        return read.opposite.text
    return canonical(row.finding, "present" if row.polarity == "absent" else "absent")


# Measuring ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PromptFigures:
    """One model's figures a prompt, nan where there is none; drawn ones on resampled films."""

    cosine: Floats  # [prompts] of prompt and opposite
    separation: Floats  # [prompts] AUROC of the films' margins
    separation_drawn: Floats  # [resamples, prompts]
    stay: Floats  # [prompts] share of the best films that the opposite finds as well
    contrary: Floats  # [prompts] share of the best films that have what was ruled out
    contrary_drawn: Floats  # [resamples, prompts]
    cue_share: Floats  # [prompts] towards the hits
    cue_share_contrast: Floats  # [prompts] away from the opposite
    pairs: Floats  # [prompts, prompts] cosines of the prompts among themselves


def measure(
    task: DiagnosisTask, models: Mapping[str, DualEncoder], vectors: Mapping[str, Any]
) -> dict[str, Json]:
    """By model: signatures, pairs of prompts and the single prompts."""
    bar = tqdm(models.items(), desc="diagnosis", unit="model", disable=None)
    measured = {name: _measure(task, model, vectors[model.tower_id]) for name, model in bar}
    base = measured.get(_BASE)
    return {
        "signatures": {name: _signatures(task, of, base) for name, of in measured.items()},
        "pairs": {name: _pairs(task, of) for name, of in measured.items()},
        "prompts": {name: _prompts(task, of) for name, of in measured.items()},
    }


def _measure(task: DiagnosisTask, model: DualEncoder, films: Any) -> PromptFigures:
    texts = [*(row.prompt for row in task.rows), *task.opposites]
    own, opposed = np.split(model.encode_text(texts).astype(np.float64), 2)
    matrix = np.asarray(films, np.float64)
    scores, turned = cosines(matrix, own), cosines(matrix, opposed)  # [prompts, films]
    best, best_turned = ([top_k(row, task.k, task.film_places) for row in each] for each in (scores, turned))
    margins, ranked = (
        Ranked.of(task.relevance, each, task.film_places) for each in (scores - turned, scores)
    )
    denies = np.where(task.denies, 1.0, np.nan)
    shares = [_cue_shares(model, row.prompt, matrix[rows]) for row, rows in zip(task.rows, best, strict=True)]
    return PromptFigures(
        cosine=(own * opposed).sum(axis=1),
        separation=margins.measure(task.k)["auroc"][0],
        separation_drawn=margins.measure(task.k, task.of_films)["auroc"],
        stay=np.array(list(map(_shared, best, best_turned))),
        contrary=denies * (1 - ranked.measure(task.k)["p_at_k"][0]),
        contrary_drawn=denies * (1 - ranked.measure(task.k, task.of_films)["p_at_k"]),
        cue_share=np.array([hits for hits, _ in shares]),
        cue_share_contrast=np.array([contrast for _, contrast in shares]),
        pairs=own @ own.T,
    )


def _shared(first: Sequence[int] | Any, second: Any) -> float:
    return len(set(first) & set(second)) / len(first)


def _cue_shares(model: DualEncoder, prompt: str, hits: Any) -> tuple[float, float]:
    """Share of the attribution on the cue, towards the hits and in contrast with the opposite."""
    if not any(word.is_cue for word in read_prompt(prompt).words):
        return np.nan, np.nan
    found = (
        attribute(model, prompt, target="hits", hits=np.asarray(hits, np.float32)),
        attribute(model, prompt, target="contrast"),
    )
    first, second = (np.nan if each.cue_share is None else each.cue_share for each in found)
    return first, second


# Figures --------------------------------------------------------------------------------------


def _signatures(task: DiagnosisTask, of: PromptFigures, base: PromptFigures | None) -> Json:
    chance = 1 - average(task.relevance)[task.denies]
    return {
        "collapse": {
            **_mean(task, of, base, "cosine"),
            **_mean(task, of, base, "separation", drawn="separation_drawn"),
        },
        "blindness": {
            **_mean(task, of, base, "stay"),
            "stay_by_chance": round(task.k / task.relevance.shape[1], 6),
            **_mean(task, of, base, "cue_share"),
            **_mean(task, of, base, "cue_share_contrast"),
        },
        "hallucination": {
            **_mean(task, of, base, "contrary", drawn="contrary_drawn"),
            "contrary_by_chance": round(float(chance.mean()), 6) if chance.size else None,
        },
    }


def _mean(
    task: DiagnosisTask, of: PromptFigures, base: PromptFigures | None, name: str, *, drawn: str = ""
) -> Json:
    """Mean of a figure over the prompts and, for a tuned model, by how much it differs from base."""
    values = getattr(of, name)
    resampled = getattr(of, drawn) if drawn else values[None, :]
    if np.isnan(values).all():
        return {name: None, f"{name}_ci": None}
    found = _estimate(task, values, resampled).record(name)
    if base is None or base is of:
        return found
    others = getattr(base, name)
    gaps = resampled - (getattr(base, drawn) if drawn else others[None, :])
    return {**found, **_estimate(task, values - others, gaps).record(f"{name}_minus_base")}


def _estimate(task: DiagnosisTask, values: Floats, drawn: Floats) -> Estimate:
    return Estimate.of(float(average(values)), average(drawn, task.of_prompts))


def _pairs(task: DiagnosisTask, of: PromptFigures) -> Json:
    """Are two prompts that mean the same more alike than a prompt and its opposite?"""
    rows, columns = np.triu_indices(len(task.rows), 1)
    between = of.pairs[rows, columns]
    same = task.denies[rows] == task.denies[columns]
    alike = np.concatenate((np.ones(int(same.sum())), np.zeros(len(of.cosine))))
    compared = np.concatenate((between[same], of.cosine))
    ranked = Ranked.of(alike[None, :], compared[None, :], None)
    return {
        "same_meaning": round(float(between[same].mean()), 6),
        "contrary_meaning": round(float(between[~same].mean()), 6) if (~same).any() else None,
        "opposite": round(float(of.cosine.mean()), 6),
        "same_before_opposite": round(float(ranked.measure(task.k)["auroc"][0, 0]), 6),
        "quantiles": np.quantile(between, np.linspace(0, 1, _QUANTILES)).round(6).tolist(),
    }


def _prompts(task: DiagnosisTask, of: PromptFigures) -> list[Json]:
    names = ("cosine", "separation", "stay", "contrary", "cue_share", "cue_share_contrast")
    return [
        {
            "prompt": row.prompt,
            "opposite": task.opposites[number],
            "polarity": row.polarity,
            "kind": row.kind,
            **{name: _number(getattr(of, name)[number]) for name in names},
        }
        for number, row in enumerate(task.rows)
    ]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
