"""The steps of `python -m training all`: what each is made from, and what it makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import negviz.language
from negviz.common.errors import NegvizError
from negviz.common.files import file_sha256
from negviz.common.shipped import COMPACT
from negviz.films.collection import ASSETS, OPENI
from negviz.films.split import FOLDS
from negviz.models.family import load_models
from negviz.retrieval.embeddings import shipped_path
from training.build.base import embed_films
from training.build.measured import measured_steps, report_step
from training.build.results import build_results
from training.build.steps import Facts, Step, folder_hash
from training.build.tuned import build_choice, build_tuned
from training.data.phantoms.draw import code_hash, simulator_hash
from training.measure.evaluations import evaluations
from training.measure.protocols import ask_stranger, stranger_path
from training.paths import PROMPTS, Paths
from training.tune import captions, choose, con1_con2
from training.tune.captions import CAPTION_CONFIGS
from training.tune.devices import Compute
from training.tune.recipes import RECIPES

_TRAINING: Final = PROMPTS / "training.csv"
_READING: Final = sorted(Path(negviz.language.__file__).parent.glob("*.py"))  # by which films are labelled


def steps_of_all(
    paths: Paths,
    compute: Compute,
    rates: Sequence[float],
    folds: int = FOLDS,
    *,
    films: Callable[[], object],
    base: Callable[[], object],
    base_facts: Facts,
    tuning: Callable[[], Compute],
) -> Iterator[Step]:
    """In order.  `films` and `base` do what the command's options say, which `base_facts` tell.

    Where text towers are tuned, `tuning` says once there is a base.
    """
    if paths.shipped:  # anybody else's family takes the shipped labels and split as they are
        manifests = [ASSETS / name / "manifest.csv" for name in (OPENI, "nih")]
        sources = {"films": paths.films, "nih": paths.nih}
        yield Step(
            "films",
            films,
            lambda: {
                **{name: folder_hash(folder) for name, folder in sources.items()},
                "reading": code_hash(_READING),
            },
            lambda: [path for path in manifests if path.is_file()],
        )
    yield Step("base", base, lambda: _of_base(paths, base_facts), lambda: _weights(paths, "base"))
    yield Step(
        "embed",
        lambda: compute.alone(lambda: embed_films(paths, compute)),
        lambda: {"tower_id": load_models(paths.family)["base"].tower_id, "films": _of_films(paths)},
        lambda: _embeddings(paths),
    )
    yield Step(
        "choose",
        lambda: build_choice(paths, tuning(), rates, folds),
        lambda: {
            **_of_tuning(paths, tuning()),
            "grid": [list(rates or choose.RATES), list(choose.BATCHES), list(choose.SEEDS), folds],
        },
        lambda: [paths.results / "tuning.json"],
    )
    for name in RECIPES:
        yield Step(
            name,
            lambda name=name: build_tuned(paths, name, tuning()),  # type: ignore[misc]
            lambda name=name: _of_recipe(paths, tuning(), name),  # type: ignore[misc]
            lambda name=name: _weights(paths, name),  # type: ignore[misc]
        )
    if paths.shipped:
        yield from measured_steps(paths, compute, lambda: _of_measuring(paths))
    yield Step(
        "results",
        lambda: compute.alone(lambda: build_results(paths)),
        lambda: _of_results(paths),
        lambda: [paths.results / f"{name}.json" for name in evaluations(paths)],
    )
    if paths.shipped:
        yield report_step(paths, compute)
    if base_facts.get("licence"):  # of a model of the Hub, whose figures others may show
        yield _others(paths, compute, base_facts["base"], base_facts["licence"])


def _others(paths: Paths, compute: Compute, base: str, licence: str) -> Step:
    """The file by which a model of the Hub stands beside the shipped family, without a family of its own."""
    out = stranger_path(paths.results, base)
    asked = replace(paths, family=COMPACT, collection=OPENI, labels=None)
    asked = replace(asked, films=None) if paths.own else asked  # which are no films of Open-i
    return Step(
        "others",
        lambda: compute.alone(lambda: ask_stranger(asked, base, licence, out)),
        lambda: {"licence": licence, **_of_measuring(paths)},
        lambda: [out, out.with_suffix(".safetensors")],
    )


def _of_base(paths: Paths, facts: Facts) -> Facts:
    if "base" in facts:  # of the Hub: nothing of ours goes into it
        return facts
    seen = {"films": folder_hash(paths.need_films()), "nih": folder_hash(paths.nih)}
    labels = {"labels": paths.open_collection().hash, "simulator": simulator_hash()}
    return {**facts, **seen, **labels}


def _of_films(paths: Paths) -> Facts:
    """Which films there are, whatever is known of them."""
    opened = (paths.open_collection(), paths.open_nih(), paths.open_phantoms())
    listed = {
        films.name: hashlib.sha256(repr([(film.id, film.image) for film in films]).encode()).hexdigest()
        for films in opened
        if films is not None
    }
    pixels = (_folder(paths), paths.nih, ASSETS / "phantoms" / "films")
    return {**listed, "pixels": [*map(folder_hash, pixels)]}


def _folder(paths: Paths) -> Path | None:
    """Where the images of the collection lie, if they are at hand."""
    return Path(paths.collection) if paths.own and paths.films is None else paths.films


def _embeddings(paths: Paths) -> list[Path]:
    tower_id = load_models(paths.family)["base"].tower_id
    shipped = [shipped_path(tower_id, name) for name in (OPENI, "nih", "phantoms")]
    return [path for path in shipped if path.is_file()] if paths.shipped else []


def _of_tuning(paths: Paths, compute: Compute) -> dict[str, Any]:
    films = paths.open_collection()
    return {
        "base": {path.name: file_sha256(path) for path in _weights(paths, "base")},
        "films": films.hash,
        "pixels": folder_hash(_folder(paths)),
        "prompts": file_sha256(_TRAINING),
        "loop": con1_con2.VERSION,
        "compute": compute.describe(),
    }


def _of_recipe(paths: Paths, compute: Compute, name: str) -> Facts:
    known = _of_tuning(paths, compute)
    if RECIPES[name].learns_from == "pairs":
        chosen = json.loads((paths.results / "tuning.json").read_text(encoding="utf-8"))
        return {**known, "chosen": chosen["methods"][name]["chosen"]}
    reports = folder_hash(paths.films)
    config = asdict(CAPTION_CONFIGS[name])
    return {**known, "prompts": _of_prompts(), "reports": reports, "config": config, "loop": captions.VERSION}


def _of_models(paths: Paths) -> dict[str, list[str]]:
    return {name: [*map(file_sha256, _weights(paths, name))] for name in load_models(paths.family)}


def _of_prompts() -> dict[str, str]:
    return {path.name: file_sha256(path) for path in sorted(PROMPTS.glob("*.csv"))}


def _of_measuring(paths: Paths) -> Facts:
    labels = {films.name: films.hash for films in (paths.open_collection(), paths.open_phantoms()) if films}
    return {
        "models": _of_models(paths),
        "films": _of_films(paths),
        "labels": labels,
        "prompts": _of_prompts(),
        "simulator": simulator_hash(),
    }


def _of_results(paths: Paths) -> Facts:
    asked = {
        name: [paths.open_listed(each.collection).hash, file_sha256(PROMPTS / each.prompts), each.split]
        for name, each in evaluations(paths).items()
    }
    return {"models": _of_models(paths), "evaluations": asked, "films": _of_films(paths)}


def _weights(paths: Paths, model: str) -> list[Path]:
    """What a model is made of on disk; one of the Hub has its record alone."""
    folder = paths.family / model
    found = sorted(folder.glob("*.safetensors")) or [*folder.glob("config.json")]
    if not found:
        raise NegvizError(f"{folder} holds no model.")
    return found
