"""Layouts, what makes them comparable, placements, silhouettes, and the files that hold them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score

from negviz.common.shipped import COMPACT
from negviz.explain.projection import (
    METHODS,
    SHEETS,
    Judged,
    MapError,
    Rule,
    align,
    choose_rule,
    open_atlas,
    open_film_map,
    pca,
    place,
    separations,
    standardise,
    tsne,
)
from negviz.explain.projection.separation import cosine_distances, plane_distances
from negviz.films.collection import open_collection
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.retrieval.sets import search_sets
from tests.tiny_maps import tiny_maps

RANDOM = np.random.default_rng(7)


@pytest.fixture(scope="session")
def maps(family_folder: Path, collection_folder: Path) -> Path:
    return tiny_maps(family_folder, collection_folder)


def _groups(apart: float, n: int = 20) -> NDArray[np.float64]:
    """Unit vectors [2n, 8] in two groups."""
    made = RANDOM.normal(0, 0.2, (2 * n, 8))
    made[:n, 0] += apart
    made[n:, 0] -= apart
    made[:, 1] += 1
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True))


# Layouts --------------------------------------------------------------------------------------


def test_pca_keeps_what_is_flat_and_does_not_flip() -> None:
    flat = RANDOM.normal(size=(30, 2)) @ RANDOM.normal(size=(2, 6))
    points = pca(flat)
    assert plane_distances(points) == pytest.approx(
        np.linalg.norm(flat[:, None] - flat[None], axis=-1), abs=1e-9
    )
    assert pca(flat[:, ::-1]) == pytest.approx(points)


def test_tsne_from_the_same_start_is_repeatable_and_keeps_groups_together() -> None:
    vectors = _groups(1.0)
    start = standardise(pca(vectors))
    points = tsne(vectors, start)
    assert np.array_equal(points, tsne(vectors, start))
    near = plane_distances(points) + np.diag([np.inf] * len(points))
    assert np.mean((near.argmin(axis=1) < 20) == (np.arange(40) < 20)) == 1


def test_alignment_undoes_turning_mirroring_moving_and_size() -> None:
    points = standardise(RANDOM.normal(size=(12, 2)))
    turned = points @ np.array([[0.6, 0.8], [0.8, -0.6]]) * 5 + 3
    assert align(standardise(turned), points) == pytest.approx(points)
    assert (points**2).sum(axis=1).mean() == pytest.approx(1)
    assert np.isfinite(standardise(np.ones((3, 2)))).all()


# Placements -----------------------------------------------------------------------------------


def test_a_placement_is_the_weighted_mean_of_its_neighbours() -> None:
    points = np.array([[0.0, 0.0], [1.0, 0.0], [9.0, 9.0]])
    similarities = np.array([[0.9, 0.8, 0.1]])
    weight = np.exp(-0.1 / 0.1)
    assert place(similarities, points, Rule(2, 0.1))[0] == pytest.approx([weight / (1 + weight), 0])
    assert place(similarities, points, Rule(1, 0.1))[0] == pytest.approx([0, 0])


def test_the_rule_is_chosen_by_leaving_out_and_beats_the_centre() -> None:
    vectors = _groups(1.0)
    choice = choose_rule([(vectors, standardise(pca(vectors)))])
    assert choice.mean < choice.centre / 2
    assert choice.mean == min(error for _, error in choice.tried)
    assert choice.plain()["neighbours"] == choice.rule.neighbours


# Silhouettes ----------------------------------------------------------------------------------


def test_silhouettes_are_those_of_scikit_learn() -> None:
    vectors, groups = _groups(0.3), ["a"] * 12 + ["b"] * 20 + ["c"] * 8
    found = separations({"base": cosine_distances(vectors)}, groups)["base"]
    assert found.value == pytest.approx(silhouette_score(vectors, groups, metric="cosine"))
    assert found.interval[0] < found.value < found.interval[1]
    assert found.minus_base is None


def test_a_model_that_tells_groups_apart_is_surely_better_than_one_that_does_not() -> None:
    near, far = _groups(0.0), _groups(1.5)
    found = separations(
        {"base": cosine_distances(near), "con2": cosine_distances(far)}, ["a"] * 20 + ["b"] * 20
    )
    better = found["con2"]
    assert better.minus_base == pytest.approx(better.value - found["base"].value)
    assert better.minus_base_interval is not None
    assert better.minus_base_interval[0] > 0


def test_prompts_alone_in_their_group_count_nothing() -> None:
    vectors = _groups(1.0, 3)
    groups = ["a", "a", "a", "b", "b", "c"]
    found = separations({"base": cosine_distances(vectors)}, groups)["base"]
    assert found.value == pytest.approx(silhouette_score(vectors, groups, metric="cosine"))


# Files ----------------------------------------------------------------------------------------


def test_what_was_built_is_what_is_opened(maps: Path, models: dict[str, DualEncoder]) -> None:
    atlas = open_atlas(models, maps)
    assert atlas.notes == ()
    assert [atlas.size(name) for name in SHEETS] == [99, 171]
    assert set(atlas.sheets) == {(name, method) for name in SHEETS for method in METHODS}
    for sheet in atlas.sheets.values():
        assert list(sheet.panes) == ["base", "con1", "con2"]
        assert max(np.abs(pane.points).max() for pane in sheet.panes.values()) < sheet.reach
        assert sheet.panes["base"].moved == ()
        moved = [mover.distance for mover in sheet.panes["con2"].moved]
        assert moved == sorted(moved, reverse=True)
    assert set(atlas.sheets["effusion", "pca"].panes["base"].in_map) == {"polarity"}
    assert set(atlas.sheets["findings", "pca"].panes["base"].in_map) == {"polarity", "finding"}
    assert "umap" not in sys.modules


def test_a_prompt_of_the_map_has_its_own_place_and_others_are_placed(
    maps: Path, models: dict[str, DualEncoder]
) -> None:
    atlas = open_atlas(models, maps)
    for text, row in (("No  Pleural effusion", 25), ("there is no fluid anywhere", None)):
        vectors = {name: model.encode_text([text])[0] for name, model in models.items()}
        placements = atlas.place(text, vectors)
        assert [placement.model for placement in placements] == ["base", "con1", "con2"]
        for placement in placements:
            assert placement.row == row
            assert atlas.holds("effusion", row) is (row is not None)
            sheet = atlas.sheets["effusion", "tsne"]
            x, y = placement.points["effusion", "tsne"]
            assert max(abs(x), abs(y)) < sheet.reach
            assert row not in [near.prompt for near in placement.nearest["effusion"]]
            if row is not None:
                assert [x, y] == pytest.approx(sheet.panes[placement.model].points[row].tolist())
    one = models["con1"].encode_text(["effusion"])[0]
    assert [placed.model for placed in atlas.place("effusion", {"con1": one, "other": one})] == ["con1"]


def test_a_sentence_like_no_prompt_is_called_that(maps: Path, models: dict[str, DualEncoder]) -> None:
    atlas = open_atlas(models, maps)
    away = -atlas.vectors["base"].mean(axis=0)
    found = atlas.place("?", {"base": away / np.linalg.norm(away)})[0]
    assert all(found.unlike.values())


def test_a_model_that_changed_is_left_out_with_a_sentence(maps: Path, models: dict[str, DualEncoder]) -> None:
    changed = {"base": models["base"], "con1": models["con2"]}
    atlas = open_atlas(changed, maps)
    assert list(atlas.sheets["effusion", "pca"].panes) == ["base"]
    assert atlas.notes[0].startswith("con1 has changed since the maps were made")


def test_maps_that_do_not_fit_are_refused_in_one_sentence(
    maps: Path, models: dict[str, DualEncoder], tmp_path: Path
) -> None:
    with pytest.raises(MapError, match="There are no maps for this family"):
        open_atlas(models, tmp_path / "none")
    with pytest.raises(MapError, match="belong to other models"):
        open_atlas({"con1": models["con2"]}, maps)
    for change, reason in (
        ({"prompts_sha256": {}}, "The prompts have changed"),
        ({"format": 2}, "not of format 1"),
        ({"sheets": {}}, "does not describe its maps"),
        ({"text": None}, "does not describe its maps"),
        ({"prompts": []}, "does not describe its maps"),
    ):
        record = json.loads((maps / "compact.json").read_text(encoding="utf-8")) | change
        (tmp_path / "compact.json").write_text(json.dumps(record), encoding="utf-8")
        shutil.copy(maps / "compact.safetensors", tmp_path)
        with pytest.raises(MapError, match=reason):
            open_atlas(models, tmp_path)
    (tmp_path / "compact.json").write_text("{", encoding="utf-8")
    with pytest.raises(MapError, match=r"not valid JSON|no JSON object|format 1"):
        open_atlas(models, tmp_path)
    shutil.copy(maps / "compact.json", tmp_path)
    (tmp_path / "compact.safetensors").write_bytes(b"\0" * 4096)
    with pytest.raises(MapError, match="cannot be used"):
        open_atlas(models, tmp_path)


def test_films_are_mapped_and_sentences_placed_at_the_centre_of_their_first_films(
    maps: Path, models: dict[str, DualEncoder], collection_folder: Path
) -> None:
    test, everything = search_sets(models, open_collection(collection_folder))
    films = open_film_map(test, maps)
    vectors = {name: model.encode_text(["pleural effusion"])[0] for name, model in models.items()}
    for placement in films.place(models, vectors):
        points = films.points[models[placement.model].tower_id, "pca"]
        assert len(placement.hits) == len(set(placement.hits)) == min(10, len(test))
        assert np.linalg.norm(placement.points["pca"]) < films.reach("pca")
        assert (points.min(axis=0) <= placement.points["pca"]).all()
    with pytest.raises(MapError, match="maps other films"):
        open_film_map(everything, maps)


@pytest.mark.parametrize(
    ("matches", "judged", "right"),
    [(8, 10, "mostly right"), (5, 10, "mixed"), (4, 10, "mostly wrong"), (0, 0, "not judged")],
)
def test_right_and_wrong_are_shares_of_what_is_judged(matches: int, judged: int, right: str) -> None:
    assert Judged(matches, judged, None).right == right


def test_the_shipped_maps_belong_to_the_shipped_models() -> None:
    models = load_models(COMPACT)
    assert open_atlas(models).notes == ()
    assert set(open_film_map(search_sets(models, open_collection("openi"))[0]).points)
