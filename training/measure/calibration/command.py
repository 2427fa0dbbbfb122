"""Calibrated probabilities that a film satisfies a sentence, and from where on a model should abstain.

    python -m training calibration [--films DIR]

Fitted on the films of the fold that base's image tower was kept from, with models tuned again without these
films and, by turns, without a fifth of the training wordings; `training.measure.calibration.fit` chooses by
cross-validation what goes into the curves.  What is spared so is measured as well: the same curves fitted on
what the models were tuned on (`seen_in_tuning`).  CON3 is tuned again from report sentences, so it needs
--films the first time; runs are cached.  A model that cannot be tuned again gets no calibration.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from negviz.common.files import file_sha256, write_atomically, write_json
from negviz.evaluation.prompts import PromptFileError, PromptRow, read_prompts
from negviz.films.collection import Collection, Film
from negviz.films.split import FOLDS
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.retrieval.calibration import Calibration, model_id
from negviz.retrieval.embeddings import film_embeddings
from negviz.retrieval.search import Vectors
from training.data.captions import Caption, make_bank
from training.measure.calibration.fit import FittedQuestion, FittingMaterial, calibrate, fit_model
from training.measure.calibration.held_out import PromptedFilms, measure, seen_by
from training.measure.eligible import held_out_fold
from training.measure.evaluate import family_hashes
from training.measure.evaluations import Evaluation, evaluations
from training.measure.retuned import Retuned, report_words
from training.measure.retuned_wordings import RetunedOnWordings
from training.options import add_bootstrap_option
from training.paths import PROMPTS, FilmsError, Paths, add_path_options, again
from training.report.curves import draw_coverage, draw_reliability

TRAINING: Final = PROMPTS / "training.csv"
RESAMPLES: Final = 400  # of 99 prompts and their films, for intervals that move by less than a hundredth
_WHAT: Final = (
    "is a probability of 0.7 right in seven films of ten, and are the prompts that a model abstains from the "
    "ones it ranks badly; 95 % intervals over prompts and films"
)
Json = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training calibration`."""
    add_path_options(
        parser,
        collection="what they were tuned on (default: openi)",
        films="films and reports of Open-i; needed only to tune con3 again, once",
    )
    add_bootstrap_option(parser, RESAMPLES)


def run(args: argparse.Namespace) -> int:
    """Fit and measure as `add_arguments` says.  Raises a `NegvizError` on bad input."""
    paths = Paths.of(args)
    models, films = load_models(paths.family), paths.open_collection()
    fold = held_out_fold(paths.family) or "0"
    unseen = unseen_films(films, fold)
    retuned = tuned_again(paths, models, fold)
    material = gather(retuned, unseen)
    calibrations, choice = calibrate(material)
    results = {
        "what": _WHAT,
        "choice": choice,
        "calibrations": {
            name: {"weights_id": model_id(models[name]), **each.record()}
            for name, each in calibrations.items()
        },
        "measured": _measure_all(paths, models, calibrations, args.bootstrap),
        "seen_in_tuning": _as_if_seen(paths, models, unseen, calibrations, choice, args.bootstrap),
        "data": {
            films.name: films.hash,
            "unseen_films": len(unseen),
            "prompts_hash": file_sha256(TRAINING),
            "family": family_hashes(paths.family),
        },
        "bootstrap": {"resamples": args.bootstrap, "seed": 0},
        "versions": {name: version(name) for name in ("torch", "transformers", "numpy", "scikit-learn")},
        "command": again("calibration", args, *report_words(paths), bootstrap=RESAMPLES),
    }
    out = paths.results / "calibration.json"
    write_json(out, results)
    for name, picture in (("reliability", draw_reliability), ("coverage", draw_coverage)):
        write_atomically(out.with_name(f"calibration-{name}.svg"), picture(results).encode())
    print(f"{out}: {', '.join(calibrations)}, fitted on {len(unseen)} films")
    return 0


# What is fitted on ----------------------------------------------------------------------------


def unseen_films(films: Collection, fold: str) -> Collection:
    """Training films that nothing has learned from once models are tuned again without their fold."""
    return films.where(lambda film: film.split == "train" and film.fold == fold)


def tuned_again(paths: Paths, models: Mapping[str, DualEncoder], fold: str) -> dict[str, list[DualEncoder]]:
    """By model, one for each fold of wordings left out; a model that cannot be tuned again is left out."""
    retuned = Retuned(paths, fold)
    known = [name for name in models if retuned.knows(name)]
    folds = [RetunedOnWordings(paths, fold, wordings=number) for number in range(FOLDS)]
    found: dict[str, list[DualEncoder]] = {}
    with tqdm(total=len(known) * FOLDS, desc="tuned again", unit="run", disable=None) as bar:
        for name in known:
            try:
                found[name] = [_tick(each.tuned(name), bar) for each in folds]
            except FilmsError as error:  # the others can be calibrated all the same
                tqdm.write(f"{name} gets no calibration: {error}")
    return found


def _tick(model: DualEncoder, bar: tqdm[Any]) -> DualEncoder:
    bar.update()
    return model


def gather(models: Mapping[str, Sequence[DualEncoder]], films: Collection) -> FittingMaterial:
    """Every training wording, put to the model of its fold; `models` has one a fold."""
    captions = wordings()
    return FittingMaterial(
        {name: list(_questions(each, captions, films)) for name, each in models.items()},
        np.array([_study_fold(film) for film in films]),
    )


def wordings() -> list[Caption]:
    """The training prompts, and the same put to other findings; no template is one that is measured on."""
    barred = [row.prompt for path in PROMPTS.glob("*.csv") if path != TRAINING for row in _asked(path)]
    return list(make_bank(read_prompts(TRAINING), (), (), {}, barred).captions)


def _asked(path: Path) -> list[PromptRow]:
    """The prompts of a file; none where it is a file of another kind."""
    try:
        return read_prompts(path)
    except PromptFileError:
        return []


def _questions(
    models: Sequence[DualEncoder], captions: Sequence[Caption], films: Collection
) -> Iterator[FittedQuestion]:
    vectors = film_embeddings(models[0], films)
    for fold, model in enumerate(models):
        rows = [_row(caption) for caption in captions if caption.fold == fold]
        seen = seen_by(model, vectors, PromptedFilms(films, tuple(rows))) if rows else []
        yield from (FittedQuestion(row.finding, fold, each) for row, each in zip(rows, seen, strict=True))


def _row(caption: Caption) -> PromptRow:
    ((finding, polarity),) = caption.said
    return PromptRow(caption.text, finding, polarity, "natural", {})


def _study_fold(film: Film) -> int:
    return int(hashlib.sha256(film.uid.encode()).hexdigest(), 16) % FOLDS


# What is measured on --------------------------------------------------------------------------


def _measure_all(
    paths: Paths, models: Mapping[str, DualEncoder], calibrations: Mapping[str, Calibration], times: int
) -> Json:
    listed = evaluations(paths)
    found = {}
    for name, evaluation in tqdm(listed.items(), desc="measure", unit="bench", disable=None):
        bench = _bench(paths, evaluation)
        found[name] = measure(calibrations, models, _vectors(models, bench), bench, times=times)
    if "openi" in listed:  # as many right films as there are, in place of half
        bench = _bench(paths, replace(listed["openi"], split="all"))
        found["openi-all"] = measure(
            calibrations, models, _vectors(models, bench), bench, times=times, covers=False
        )
    return found


def _bench(paths: Paths, evaluation: Evaluation) -> PromptedFilms:
    films = paths.open_listed(evaluation.collection)
    rows = [row for row in read_prompts(PROMPTS / evaluation.prompts) if row.polarity != "uncertain"]
    return PromptedFilms(films.select(evaluation.split), tuple(rows))


def _vectors(models: Mapping[str, DualEncoder], bench: PromptedFilms) -> dict[str, Vectors]:
    towers = {model.tower_id: model for model in models.values()}
    return {id_: film_embeddings(model, bench.films) for id_, model in towers.items()}


def _as_if_seen(
    paths: Paths,
    models: Mapping[str, DualEncoder],
    films: Collection,
    calibrations: Mapping[str, Calibration],
    choice: Json,
    times: int,
) -> Json:
    """The first bench again, by curves fitted on what the models themselves were tuned on."""
    tuned = [name for name in calibrations if name != "base"]
    material = gather({name: [models[name]] * FOLDS for name in tuned}, films)
    curves = {name: fit_model(material, name, choice["feature"], choice["curve"]) for name in tuned}
    seen = {name: replace(calibrations[name], knots=knots) for name, knots in curves.items()}
    first = next(iter(evaluations(paths).values()))
    bench = _bench(paths, first)
    found = measure(seen, models, _vectors(models, bench), bench, times=times, covers=False)
    return {
        name: {key: value for key, value in each["reliability"].items() if key != "bins"}
        for name, each in found.items()
    }
