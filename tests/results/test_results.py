"""What is committed belongs together: models, embeddings, prompts and the results measured with them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negviz.common.files import file_sha256
from negviz.common.shipped import COMPACT
from negviz.films.collection import ASSETS, open_collection
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.results.files import read_result
from negviz.retrieval.embeddings import film_embeddings, shipped_path
from training.data.phantoms.draw import simulator_hash
from training.measure.evaluate import evaluate
from training.paths import PROMPTS, RESULTS

EVALUATIONS = ("openi", "openi-findings", "nih", "phantoms", "phantoms-findings")
METHODS = ("con1", "con2")


Ties = Callable[[str], set[str]]


def hashes(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """What is tied to something: hexadecimal, with the name it hangs under."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from hashes(each, f"{key}/{name}")
    elif isinstance(value, str) and re.fullmatch(r"[0-9a-f]{16}|[0-9a-f]{64}", value):
        yield key, value


@pytest.fixture(scope="module")
def ties(family: dict[str, DualEncoder]) -> Ties:
    """What a hash may be, by the name it hangs under; nothing for a name that is not known."""
    weights = {path.relative_to(COMPACT).as_posix(): {file_sha256(path)} for path in COMPACT.rglob("*.*")}
    films = {name: open_collection(name) for name in ("openi", "nih", "phantoms")}
    labels = {name: {each.hash, each.select("test").hash} for name, each in films.items()}
    towers = {model.tower_id for model in family.values()}
    prompts = {file_sha256(path) for path in PROMPTS.glob("*.csv")}

    def known(key: str) -> set[str]:
        last = key.rpartition("/")[2]
        if last == "family.json":  # a model that joined since then changed no other
            return set()
        if (file := next((name for name in weights if key.endswith(f"/{name}")), None)) is not None:
            return weights[file]
        if last == "tower_id":
            return towers
        if "prompts" in key:
            return prompts
        if last == "simulator":
            return {simulator_hash(), simulator_hash()[:16]}
        if last == "collection_hash":
            return set().union(*labels.values())
        return labels[next(name for name in labels if last.startswith(name))] if last in LABELLED else set()

    return known


@pytest.fixture(scope="module")
def family() -> dict[str, DualEncoder]:
    return load_models(COMPACT)


def results(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return value


LABELLED = ("openi", "openi-held-out", "nih", "phantoms")
OF_THE_PAGE = (  # they measure a page and a machine, no weights and no labels
    "benchmark",
    "crowd",
    "full-size",
    "visits",
)
OF_READING = ("reader", "typed")  # of sentences by rules: tests/language reads them again
OF_EARLIER = (  # long to measure: they are of films, labels or models that ship no more, and say so
    "experiment-con3-settings",
    "leave-out",
)


@pytest.mark.parametrize(
    "name", [path.stem for path in RESULTS.glob("*.json") if path.stem not in (*OF_THE_PAGE, *OF_READING)]
)
def test_results_belong_to_the_weights_and_labels_that_ship(name: str, ties: Ties) -> None:
    """Whatever hash a file holds of weights, labels, prompts or the simulator is that of what ships."""
    tied = {key: value for key, value in hashes(results(name)) if ties(key)}
    assert tied, f"{name}.json does not say what it was measured with"
    wrong = {key for key, value in tied.items() if value not in ties(key)}
    if name in OF_EARLIER:
        assert wrong, f"{name}.json is of what ships: take it off the list"
        assert "shipped before the present ones" in read_result(RESULTS / f"{name}.json").what
    else:
        assert not wrong, f"{name}.json was measured with others; run its command again"


def names(value: Any) -> Iterator[str]:
    """Every name that something hangs under."""
    for name, each in value.items() if isinstance(value, dict) else ():
        yield name
        yield from names(each)
    for each in value if isinstance(value, list) else ():
        yield from names(each)


@pytest.mark.parametrize("name", [path.stem for path in RESULTS.glob("*.json")])
def test_what_is_measured_of_one_tuned_model_is_measured_of_all(name: str) -> None:
    measured = {*names(results(name))} & {"con3", "con4"}
    assert len(measured) != 1


def test_evaluating_again_gives_the_committed_figures() -> None:
    committed = results("openi")
    again = evaluate(family=COMPACT, collection="openi", prompts=PROMPTS / "evaluation.csv", bootstrap=20)
    for name, model in committed["models"].items():
        for cell, figures in model["cells"].items():
            fresh = again["models"][name]["cells"][cell]
            assert fresh["auroc"] == pytest.approx(figures["auroc"], abs=2e-3), (name, cell)
            assert fresh["ceiling"] == pytest.approx(figures["ceiling"], abs=0.1), (name, cell)


def test_every_pre_listed_cell_is_reported() -> None:
    kinds, polarities = ("structured", "natural", "all"), ("present", "absent")
    cells = {f"{kind}/{polarity}" for kind in kinds for polarity in polarities}
    for name in EVALUATIONS:
        for model in results(name)["models"].values():
            assert set(model["cells"]) == cells


@pytest.mark.parametrize("name", ["openi", "nih", "phantoms"])
def test_embeddings_are_shipped_for_every_film(family: dict[str, DualEncoder], name: str) -> None:
    collection, base = open_collection(name), family["base"]
    assert shipped_path(base.tower_id, name).is_file()
    vectors = film_embeddings(base, collection)
    assert vectors.shape == (len(collection), base.dim)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_nothing_is_shipped_of_a_base_that_was_replaced() -> None:
    (embedded,) = (ASSETS / "openi" / "embeddings").iterdir()
    (dose,) = (ASSETS / "dose").iterdir()
    assert {dose.stem, embedded.stem} == {load_models(COMPACT)["base"].tower_id}
    assert len({path.stem for path in (ASSETS / "training_free").iterdir()}) == 1


@pytest.mark.parametrize("method", METHODS)
def test_a_tuned_model_is_the_chosen_seed_and_has_moved(method: str) -> None:
    training = json.loads((COMPACT / method / "config.json").read_text("utf-8"))["training"]
    chosen = results("tuning")["methods"][method]["chosen"]
    assert {name: training[name] for name in chosen} == chosen
    assert training["parameter_delta"]["l2"] > 0
    assert training["data"]["openi"] == open_collection("openi").hash
    seeds = results("tuning")["methods"][method]["seeds"]
    ranked = sorted(trial["auroc"] for trial in seeds)
    assert next(t["auroc"] for t in seeds if t["seed"] == chosen["seed"]) == ranked[len(ranked) // 2]


def test_both_methods_had_the_same_budget() -> None:
    tried = [
        [(trial["lr"], trial["batch"]) for trial in results("tuning")["methods"][method]["settings"]]
        for method in METHODS
    ]
    assert tried[0] == tried[1]


def test_checkpoints_keep_to_their_sizes() -> None:
    assert (COMPACT / "base" / "image_tower.safetensors").stat().st_size <= 15e6
    assert all(path.stat().st_size <= 25e6 for path in COMPACT.rglob("*.safetensors"))


def test_no_shipped_text_is_a_machine_path() -> None:
    root = str(Path(__file__).parents[2])
    for path in (*RESULTS.glob("*.json"), *COMPACT.rglob("*.json"), *COMPACT.rglob("*.md")):
        assert root not in path.read_text("utf-8"), path
