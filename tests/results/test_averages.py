"""Averages are shown over the films they were measured over, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from negviz.explain.diagnosis import Background
from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.results.averages import Usual, read_usual
from negviz.retrieval.answer import SearchSet, search_sets

WEIGHTS = {"base/model.safetensors": "1", "con2/model.safetensors": "2"}


@pytest.fixture
def sets(models: dict[str, DualEncoder], collection: Collection) -> tuple[SearchSet, ...]:
    return search_sets(models, collection)


@pytest.fixture
def measured(sets: tuple[SearchSet, ...]) -> dict[str, Any]:
    """What `python -m training evaluate` would write of the test films."""

    def rows(*hits: float) -> dict[str, Any]:
        said = [("effusion", "absent"), ("effusion", "absent"), ("effusion", "present"), ("edema", "absent")]
        return {
            "cells": {},
            "prompts": [
                {"prompt": f"{place}", "finding": finding, "polarity": polarity, "p_at_k": p}
                for place, ((finding, polarity), p) in enumerate(zip(said, (*hits, 0.0, 0.0), strict=True))
            ],
        }

    return {
        "models": {"base": rows(0.1, 0.3), "con2": rows(1.0, 0.9)},
        "data": {"collection_hash": sets[1].collection.hash, "films": len(sets[0]), "family": WEIGHTS},
        "split": "test",
    }


def _read(films: SearchSet, whole: SearchSet, value: object, folder: Path) -> Usual | None:
    (folder / f"{films.collection.name}.json").write_text(json.dumps(value), "utf-8")
    known = {name: Background({}, {}, None, None, (), family=WEIGHTS) for name in ("base", "con2")}
    return read_usual(films, whole.collection.hash, known, folder)


def test_an_average_is_over_denials_of_one_finding_by_model(
    sets: tuple[SearchSet, ...], measured: dict[str, Any], tmp_path: Path
) -> None:
    found = _read(sets[0], sets[1], measured, tmp_path)
    assert found is not None
    assert (found.sentences, found.films) == (("0", "1"), len(sets[0]))
    assert found.right["base"] == pytest.approx((1.0, 3.0))
    assert [found.mean(model) for model in found.right] == pytest.approx([2.0, 9.5])


def test_over_other_films_or_with_other_weights_there_is_none(
    sets: tuple[SearchSet, ...], measured: dict[str, Any], tmp_path: Path
) -> None:
    test, whole = sets
    assert _read(whole, whole, measured, tmp_path) is None  # measured over the test films only
    for key, other in (("collection_hash", "0"), ("films", 7), ("family", {})):
        changed = measured | {"data": measured["data"] | {key: other}}
        assert _read(test, whole, changed, tmp_path) is None
    known = {"con2": Background({}, {}, None, None, (), family=WEIGHTS)}
    _read(test, whole, measured, tmp_path)
    found = read_usual(test, whole.collection.hash, known, tmp_path)
    assert found is not None
    assert list(found.right) == ["con2"]


def test_what_a_family_was_given_since_takes_no_average_away(
    sets: tuple[SearchSet, ...], measured: dict[str, Any], tmp_path: Path
) -> None:
    since = WEIGHTS | {"family.json": "new", "con4/model.safetensors": "4"}
    found = _read(sets[0], sets[1], measured | {"data": measured["data"] | {"family": since}}, tmp_path)
    assert found is not None
    assert list(found.right) == ["base", "con2"]
    other = WEIGHTS | {"con2/model.safetensors": "3"}
    found = _read(sets[0], sets[1], measured | {"data": measured["data"] | {"family": other}}, tmp_path)
    assert found is not None
    assert list(found.right) == ["base"]


def test_an_average_over_a_list_is_of_denials_of_its_finding(
    sets: tuple[SearchSet, ...], measured: dict[str, Any], tmp_path: Path
) -> None:
    whole = sets[1]
    edema = whole.among(sets[0].collection, f"{sets[0].name}/edema")
    (tmp_path / "drawn-findings.json").write_text(json.dumps(measured | {"split": "lists"}), "utf-8")
    known = {name: Background({}, {}, None, None, (), family=WEIGHTS) for name in ("base", "con2")}
    found = read_usual(edema, whole.collection.hash, known, tmp_path, listed="edema")
    assert found is not None
    assert (found.finding, found.sentences) == ("edema", ("3",))
    (tmp_path / "drawn-findings.json").write_text(json.dumps(measured | {"split": "all"}), "utf-8")
    assert read_usual(edema, whole.collection.hash, known, tmp_path, listed="edema") is None


@pytest.mark.parametrize("odd", [{}, [], {"models": {}}, {"models": {"base": {"cells": {}}}, "data": 7}])
def test_a_file_of_another_kind_is_no_average(
    sets: tuple[SearchSet, ...], odd: object, tmp_path: Path
) -> None:
    assert _read(sets[0], sets[1], odd, tmp_path) is None
    assert read_usual(sets[0], sets[1].collection.hash, {}, tmp_path / "none") is None
