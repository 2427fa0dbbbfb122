"""`python -m training experiments` on a tiny family: losses, recipes, what is kept, results files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch.nn import functional as F

from negviz.evaluation.prompts import PromptRow
from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.results.files import read_result
from negviz.retrieval.embeddings import film_embeddings
from tests.training.test_con1_con2 import PROMPTS
from training.__main__ import main
from training.build.captions import build_on_captions
from training.data.pairs import Pairs, make_pairs
from training.data.wordings import read_frames
from training.measure.evaluations import Evaluation
from training.measure.experiments import con3, con4, con4_seeds, knobs, overlap, polarity, scaling, unfrozen
from training.measure.experiments.recipe import Knobs, carry_out, fewer, fixed
from training.measure.experiments.store import Store, progress
from training.paths import Paths
from training.report.dots import draw_experiment
from training.report.tables import render
from training.tune.captions import CaptionConfig
from training.tune.con1_con2 import TuneConfig, tune
from training.tune.losses import con_clip, con_clip_in_part, info_nce

Floats = npt.NDArray[np.float32]


@pytest.fixture
def pairs(collection: Collection) -> Pairs:
    return make_pairs(collection, PROMPTS)


@pytest.fixture
def films(collection: Collection, models: dict[str, DualEncoder], pairs: Pairs) -> Floats:
    return film_embeddings(models["base"], collection)[collection.rows(pairs.films)]


# The loss between CON1 and CON2 ---------------------------------------------------------------


def _unit(rows: int) -> torch.Tensor:
    return F.normalize(torch.randn(rows, 6), dim=-1)


def test_without_distractors_the_loss_is_con1s_and_with_all_con2s() -> None:
    torch.manual_seed(0)
    images, captions, distractors, opposed = (_unit(5) for _ in range(4))
    scale = torch.tensor(7.0)
    none = con_clip_in_part(images, captions, distractors[:0], opposed[:0], scale)
    every = con_clip_in_part(images, captions, distractors, opposed, scale)
    torch.testing.assert_close(none, info_nce(images, captions, scale), rtol=0, atol=0)
    torch.testing.assert_close(every, con_clip(images, captions, distractors, opposed, scale))


def test_each_distractor_makes_the_loss_another() -> None:
    torch.manual_seed(0)
    images, captions, distractors, opposed = (_unit(4) for _ in range(4))
    scale = torch.tensor(7.0)
    losses = [
        con_clip_in_part(images, captions, distractors[:m], opposed[:m], scale).item() for m in range(5)
    ]
    assert len(set(losses)) == 5
    by_hand = F.cross_entropy(scale * images @ torch.cat([captions, opposed[:2]]).T, torch.arange(4))
    by_hand += F.cross_entropy(scale * captions @ torch.cat([images, distractors[:2]]).T, torch.arange(4))
    back = scale * distractors[:2] @ torch.cat([opposed[:2], captions]).T
    by_hand += F.cross_entropy(back, torch.arange(2)) / 2
    assert losses[2] == pytest.approx(by_hand.item() / 2.5)


# Recipes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["con1", "con2"])
def test_the_ends_of_the_scale_are_con1_and_con2_themselves(
    method: str, models: dict[str, DualEncoder], pairs: Pairs, films: Floats
) -> None:
    config = TuneConfig(method=method, lr=1e-3, batch=8, epochs=3, seed=2)  # type: ignore[arg-type]
    theirs = tune(models["base"], films, pairs, config).model(models["base"])
    mine = carry_out(models["base"], pairs, Knobs.of(config, seed=2), fixed(films))
    texts = ["no pleural effusion", "there is pleural effusion"]
    np.testing.assert_allclose(mine.encode_text(texts), theirs.encode_text(texts), atol=1e-4)
    assert mine.logit_scale == pytest.approx(theirs.logit_scale)


def test_low_rank_tuning_moves_attention_and_projection_by_a_low_rank_and_nothing_else(
    models: dict[str, DualEncoder], pairs: Pairs, films: Floats
) -> None:
    base = models["base"]
    tuned = carry_out(base, pairs, Knobs(lr=1e-2, rank=2, batch=8), fixed(films))
    before, after = base.text.state_dict(), tuned.text.state_dict()
    assert set(before) == set(after)
    moved = {
        name: after[name] - before[name] for name in before if not torch.equal(before[name], after[name])
    }
    assert moved
    for name, change in moved.items():
        assert any(part in name for part in ("attention", "projection")), name
        assert torch.linalg.matrix_rank(change, rtol=1e-3) <= 2
    assert not np.allclose(tuned.encode_text(["no effusion"]), base.encode_text(["no effusion"]))


def test_fewer_films_are_balanced_and_keep_their_classes(pairs: Pairs) -> None:
    few = fewer(pairs, 6, seed=1)
    assert len(few) == 6
    assert few.has.sum() == 3
    classes = dict(zip(pairs.films, pairs.has, strict=True))
    assert all(classes[film] == has for film, has in zip(few.films, few.has, strict=True))
    assert fewer(pairs, None, 0) is pairs
    assert {fewer(pairs, 6, seed).hash for seed in range(4)} != {few.hash}


def test_multi_positive_targets_are_another_run(
    models: dict[str, DualEncoder], pairs: Pairs, films: Floats
) -> None:
    recipe = Knobs(lr=1e-3, share=0.0, batch=8)
    one, other = (
        carry_out(models["base"], pairs, each, fixed(films)).encode_text(["no effusion"])
        for each in (recipe, replace(recipe, targets="multi-positive"))
    )
    assert not np.allclose(one, other)


# What is kept ---------------------------------------------------------------------------------


def test_a_finished_run_is_not_made_again_and_a_damaged_one_is(tmp_path: Path) -> None:
    made = []

    def make() -> dict[str, Floats]:
        made.append(1)
        return {"prompts": np.ones((2, 3), np.float32)}

    with progress(4, "test") as bar:
        store = Store(tmp_path / "runs", bar)
        first, again = store.get({"lr": 1}, make), store.get({"lr": 1}, make)
        np.testing.assert_array_equal(first["prompts"], again["prompts"])
        assert len(made) == 1
        store.get({"lr": 2}, make)
        assert len(made) == 2
        for path in (tmp_path / "runs").iterdir():
            path.write_bytes(b"cut off")
        store.get({"lr": 1}, make)
        assert len(made) == 3
        assert (bar.n, bar.initial) == (4, 1)


# The command ----------------------------------------------------------------------------------


@pytest.fixture
def experiments(
    family_folder: Path,
    collection_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    models: dict[str, DualEncoder],
) -> Callable[..., int]:
    """The command with few settings, its results under `tmp_path`."""
    asked = {
        "results": Evaluation(str(collection_folder), "test", "evaluation.csv"),
        "results-findings": Evaluation(str(collection_folder), "all", "findings.csv"),
    }
    monkeypatch.setattr("training.measure.experiments.material.evaluations", lambda paths: asked)
    monkeypatch.setattr("negviz.evaluation.ceiling.STRENGTHS", (1e-2,))
    frames = read_frames()[::6]  # of every kind
    monkeypatch.setattr("training.data.bank.read_frames", lambda: frames)
    monkeypatch.setattr(Paths, "results", property(lambda self: tmp_path))
    monkeypatch.setenv("NEGVIZ_CACHE", str(tmp_path / "cache"))
    for module, name, few in (
        (scaling, "SHARES", (0.0, 0.5, 1.0)),
        (knobs, "BATCHES", (8,)),
        (knobs, "RATES", (1e-3,)),
        (knobs, "FILMS", (6,)),
        (knobs, "AS_MANY_STEPS", (6,)),
        (knobs, "RANKS", (2,)),
        (knobs, "LOW_RANK_RATES", (1e-3,)),
        (unfrozen, "RATES", (1e-3,)),
    ):
        monkeypatch.setattr(module, name, few)
    chosen = {"chosen": {"lr": 1e-3, "batch": 16, "seed": 0}}
    tuning = {"methods": {"con1": chosen, "con2": chosen}, "data": {"tower_id": models["base"].tower_id}}
    (tmp_path / "tuning.json").write_text(json.dumps(tuning), "utf-8")

    def command(*words: str) -> int:
        paths = ["--family", str(family_folder), "--collection", str(collection_folder)]
        few = ["--films", str(collection_folder), "--seeds", "2", "--resamples", "10"]
        return main(["experiments", *words, *paths, *few])

    return command


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return value


def test_with_distractors_is_compared_with_the_same_without_them_on_every_draw_of_films(
    experiments: Callable[..., int], tmp_path: Path
) -> None:
    assert experiments("polarity") == 0
    results = _read(tmp_path / "experiment-polarity.json")
    films = results["films"]["results"]
    assert len(films) == 1 + polarity.runs(1)
    for condition in polarity.CONDITIONS:
        without, with_ = (
            films[polarity.label(condition, side)]["natural/absent"] for side in polarity.SHARES
        )
        assert without["auroc_minus_reference"] is None
        assert with_["auroc_minus_reference"] == pytest.approx(with_["auroc"] - without["auroc"], abs=1e-5)
    assert results["settings"]["as found, one polarity a batch, with distractors"]["drawn"] == "found"
    _is_shown(tmp_path / "experiment-polarity.json")


def test_a_batch_of_one_polarity_holds_no_opposite_and_films_as_found_are_as_many(
    models: dict[str, DualEncoder], collection: Collection
) -> None:
    rare = collection.where(lambda film: "effusion" not in film.findings or film.id.endswith(("0", "4")))
    balanced, found = (make_pairs(rare, PROMPTS, balanced=each) for each in (True, False))
    assert {*balanced.films} < {*found.films}
    seen: list[npt.NDArray[np.bool_]] = []

    def look(rows: npt.NDArray[np.int64]) -> torch.Tensor:
        seen.append(found.has[rows])
        return F.normalize(torch.ones(len(rows), models["base"].dim), dim=-1)

    apart = Knobs(lr=1e-3, share=0.0, epochs=1, batch=4, drawn="found", batches="apart")
    carry_out(models["base"], found, apart, look)
    assert all(len({*has.tolist()}) == 1 for has in seen)
    assert sum(map(len, seen)) == len(balanced)


def test_every_setting_has_every_cell_with_interval_difference_spread_and_ceiling(
    experiments: Callable[..., int], tmp_path: Path
) -> None:
    assert experiments("scaling") == 0
    results = _read(tmp_path / "experiment-scaling.json")
    films = results["films"]["results"]
    assert list(films) == ["base", "0% distractors", "50% distractors", "100% distractors"]
    assert {cell for each in films.values() for cell in each} == {
        f"{kind}/{polarity}" for kind in ("structured", "natural") for polarity in ("present", "absent")
    }
    record = films["100% distractors"]["natural/absent"]
    for metric in ("p_at_k", "ap", "auroc"):
        low, high = record[f"{metric}_ci"]
        assert 0 <= low <= high <= 1
        assert record[f"{metric}_sd"] >= 0
        for other in ("base", "reference"):
            assert record[f"{metric}_minus_{other}_ci"][0] <= record[f"{metric}_minus_{other}_ci"][1]
        change = record[metric] - films["base"]["natural/absent"][metric]
        assert record[f"{metric}_minus_base"] == pytest.approx(change, abs=1e-5)
    assert films["base"]["natural/absent"]["auroc_minus_base"] is None
    assert films["0% distractors"]["natural/absent"]["auroc_minus_reference"] is None
    assert results["seeds"] == [0, 1]
    assert results["command"].startswith("python -m training experiments scaling")
    assert str(tmp_path) not in json.dumps(results)
    runs = {path: path.stat().st_mtime_ns for path in tmp_path.glob("cache/**/experiments/*")}
    assert len(runs) == scaling.runs(2) + 1  # and the ceiling
    before = (tmp_path / "experiment-scaling.json").read_bytes()
    assert experiments("scaling") == 0  # goes on where it was: nothing is tuned again
    assert {path: path.stat().st_mtime_ns for path in runs} == runs
    assert (tmp_path / "experiment-scaling.json").read_bytes() == before
    _is_shown(tmp_path / "experiment-scaling.json")


def test_one_knob_is_turned_at_a_time(experiments: Callable[..., int], tmp_path: Path) -> None:
    assert experiments("knobs") == 0
    results = _read(tmp_path / "experiment-knobs.json")
    settings = results["settings"]
    reference = settings[results["reference"]]
    for name, knobs_of in settings.items():
        differ = {key for key in knobs_of | reference if knobs_of.get(key) != reference.get(key)}
        allowed = {"CON1": {"share", "targets"}, "6 films, as many steps": {"films", "epochs"}}
        allowed |= {"rank 2": {"rank", "lr"}}
        expected = next((keys for start, keys in allowed.items() if name.startswith(start)), None)
        assert len(differ) <= 1 if expected is None else differ <= expected, name
    assert sum(rate["chosen"] for rate in results["low_rank_rate"].values()) == 1
    assert set(results["films"]["results"]) == {"base", *settings}
    _is_shown(tmp_path / "experiment-knobs.json")


def test_the_image_tower_is_unfrozen_and_what_it_forgets_is_measured(
    experiments: Callable[..., int], tmp_path: Path
) -> None:
    assert experiments("unfrozen") == 0
    results = _read(tmp_path / "experiment-unfrozen.json")
    cells = results["films"]["results"]
    assert list(cells) == ["base", "frozen", "unfrozen"]
    assert cells["unfrozen"]["natural/absent"]["auroc_minus_reference_ci"] is not None
    assert set(results["image_lr"]) == {"frozen", "0.001"}
    assert results["settings"]["unfrozen"]["image_lr"] == 1e-3
    assert set(results["films"]) == {"results", "results-findings"}
    heart = results["by_finding"]["results-findings"]["cardiomegaly/absent"]
    assert list(heart) == ["base", "frozen", "unfrozen"]
    assert 0 <= heart["unfrozen"]["auroc"] <= 1
    assert "fracture/absent" not in results["by_finding"]["results-findings"]  # no film shows one
    probe = results["probe"]["drawn"]["effusion"]
    assert probe["films_with"] == 10
    change = probe["unfrozen_auroc"] - probe["frozen_auroc"]
    assert probe["unfrozen_minus_frozen_auroc"] == pytest.approx(change, abs=1e-5)
    _is_shown(tmp_path / "experiment-unfrozen.json")


def test_overlap_is_measured_for_every_model_of_the_family(
    experiments: Callable[..., int], tmp_path: Path
) -> None:
    assert experiments("overlap") == 0
    results = _read(tmp_path / "experiment-overlap.json")
    assert set(results["prompts"]) == {"all", "structured", "natural"}
    assert list(results["prompts"]["all"]) == list(results["map"]) == ["base", "con1", "con2"]
    assert len(results["map"]["base"]["x"]) == results["prompts"]["all"]["base"]["n"] == 99
    _is_shown(tmp_path / "experiment-overlap.json")


FEW = CaptionConfig(steps=4, lr=0.1, prompts=2, composed=4, sentences=2, films=2)


def test_settings_of_con3_are_judged_on_every_fold(
    experiments: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = {
        "CON3": con3.Setting(FEW),
        "half way": con3.Setting(replace(FEW, interpolate=0.5)),
        "without hedges": con3.Setting(replace(FEW, hedged=0)),
    }
    monkeypatch.setattr(con3, "ablations", lambda: tried)
    monkeypatch.setattr(con3, "FEWEST", 1)
    assert experiments("con3-settings") == 0
    results = _read(tmp_path / "experiment-con3-settings.json")
    assert list(results["figures"]) == list(results["by_fold"]) == ["base", *tried]
    for name, marks in results["by_fold"].items():
        assert len(marks) == len(results["folds"]) == 5
        cells = [mark for cell, mark in results["figures"][name].items() if cell != "mean"]
        assert (
            np.mean(cells) == pytest.approx(np.mean(marks)) == pytest.approx(results["figures"][name]["mean"])
        )
    assert results["best"] == max(tried, key=lambda name: results["figures"][name]["mean"])
    assert results["by_fold"]["CON3"] != pytest.approx(results["by_fold"]["base"])
    runs = {path: path.stat().st_mtime_ns for path in tmp_path.glob("cache/**/experiments/*")}
    assert len(runs) == con3.runs_of_settings(2) == 15
    assert experiments("con3-settings") == 0
    assert {path: path.stat().st_mtime_ns for path in runs} == runs
    assert "| CON3 |" in render(results, "experiment-con3-settings.json")


def test_settings_of_con4_are_tried_on_one_fold_and_the_best_two_on_all(
    experiments: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(FEW, method="con4", typed=2, distil=4.0, naming=0.5)
    tried = {
        con4.WHOLE: con3.Setting(few),
        "without ranking": con3.Setting(replace(few, ranking=0.0, choosing=0.0)),
        "narrow grammar": con3.Setting(replace(few, typed=0), keep=con4._narrow),
        "longer": con3.Setting(replace(few, steps=5)),
    }
    frames = tmp_path / "frames.csv"
    frames.write_text(
        "frame,kind,said\nnope no {x},denial,x:absent\nthere is {x} over here,plain,x:present\n", "utf-8"
    )
    monkeypatch.setattr("training.data.typed.TYPED_FRAMES", frames)
    monkeypatch.setattr(con4, "trials", lambda: tried)
    monkeypatch.setattr(con4, "FINAL_FOLDS", 3)
    monkeypatch.setattr(con3, "FEWEST", 1)
    monkeypatch.setattr(con3, "EVERY", 1)
    assert experiments("con4-settings") == 0
    results = _read(tmp_path / "experiment-con4-settings.json")
    free = ["base", con4.AS_LABELLED, con4.AS_READ]
    assert list(results["figures"]) == [*free, *tried]
    short = sorted(
        [name for name in tried if name != "longer"], key=lambda name: -results["figures"][name]["mean"]
    )
    assert list(results["finals"]) == short[:2]
    for name, marks in results["finals"].items():
        assert len(marks) == len(results["folds"]) == 3
        assert marks[0] == results["figures"][name]["mean"]
    assert results["best"] == max(short[:2], key=lambda name: np.mean(results["finals"][name]))
    for name, figures in results["figures"].items():
        assert figures == con3.over_kinds(results["by_kind"][name])
        assert list(results["by_kind"][name]) == list(results["kinds"])
    first = next(iter(results["folds"].values()))
    assert sum(results["kinds"].values()) == sum(first["captions"].values())
    assert len(list(tmp_path.glob("cache/**/experiments/*"))) == con4.runs_of_trials(2) == 8
    assert "| all parts |" in render(results, "experiment-con4-settings.json")
    _is_shown(tmp_path / "experiment-con4-settings.json")
    ElementTree.fromstring((tmp_path / "experiment-con4-settings.svg").read_text("utf-8"))


def test_con3_stands_beside_con2_on_prompts_and_on_wordings_never_seen(
    experiments: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(con3, "CaptionConfig", lambda: FEW)
    monkeypatch.setattr("training.measure.experiments.unseen.FEWEST", 1)
    assert experiments("con3") == 0
    results = _read(tmp_path / "experiment-con3.json")
    assert list(results["settings"]) == [con3.REFERENCE, con3.CHOSEN, con3.ON_FEWER]
    unseen = set(results["films"]) - {"results", "results-findings"}
    assert "results" in results["films"]
    assert unseen
    for films in results["films"].values():
        assert list(films) == ["base", *results["settings"]]
        for record in films[con3.CHOSEN].values():
            assert record["auroc_minus_reference_ci"] is not None
            assert record["auroc_minus_base_ci"] is not None
    assert results["seeds"] == [0, 1]
    assert "--films DIR" in results["command"]
    _is_shown(tmp_path / "experiment-con3.json")


def test_con4_of_every_seed_stands_beside_con3_and_what_needs_no_training(
    experiments: Callable[..., int],
    family_folder: Path,
    collection_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert experiments("con4") == 2  # the family has neither yet
    family = shutil.copytree(family_folder, tmp_path / "family")
    configs = FEW, replace(FEW, method="con4", distil=4.0, naming=0.5)
    paths = Paths(family, str(collection_folder))
    for config in configs:
        build_on_captions(paths, config)
    monkeypatch.setattr("training.measure.experiments.unseen.FEWEST", 1)
    monkeypatch.setattr(con4_seeds, "FILES", dict([*con4_seeds.FILES.items()][2:]))
    films = ["--collection", str(collection_folder), "--films", str(collection_folder)]
    few = ["--seeds", "2", "--resamples", "10"]
    assert main(["experiments", "con4", "--family", str(family), *films, *few]) == 0
    results = _read(tmp_path / "experiment-con4.json")
    assert results["seeds"] == [0, 1]
    kept = [name for name in results["films"] if name.endswith("kept for one look")]
    assert kept
    for films in results["films"].values():
        assert list(films) == ["base", "CON3", "CON4", con4.AS_READ, con4.AS_LABELLED]
        for record in films["CON4"].values():
            assert record["auroc_sd"] is not None
            assert record["auroc_minus_reference_ci"] is not None
        assert all(record["auroc_sd"] is None for record in films["CON3"].values())
    assert "| over CON3 |" in render(results, "experiment-con4.json")
    _is_shown(tmp_path / "experiment-con4.json")


def _is_shown(path: Path) -> None:
    """The page reads the file, and its picture is what the results say."""
    shown = read_result(path)
    assert not shown.problem
    assert shown.tables
    picture = path.with_suffix(".svg").read_text("utf-8")
    assert picture == draw_experiment(_read(path))
    ElementTree.fromstring(picture)


def test_groups_that_lie_apart_overlap_less_than_mixed_ones() -> None:
    random = np.random.default_rng(0)
    rows = [
        PromptRow(f"wording {i // 2}", "effusion", "present" if i % 2 else "absent", "natural", {})
        for i in range(40)
    ]
    side = np.array([1.0 if row.polarity == "present" else -1.0 for row in rows])
    noise = random.normal(size=(40, 8))
    mixed, apart = (noise + reach * np.outer(side, np.eye(8)[0]) for reach in (0.0, 8.0))
    vectors = {
        name: (each / np.linalg.norm(each, axis=1, keepdims=True)).astype(np.float32)
        for name, each in (("mixed", mixed), ("apart", apart))
    }
    figures = overlap.compare(vectors, rows, resamples=50)
    assert figures["apart"]["overlap"] == 0
    assert figures["mixed"]["overlap"] > 0.5
    assert figures["apart"]["probe_accuracy"] == 1
    assert figures["mixed"]["probe_accuracy"] < 0.8
    assert figures["apart"]["neighbour_purity"] == 1
    assert figures["apart"]["centroid_cosine"] < -0.8 < figures["mixed"]["centroid_cosine"]
    assert figures["apart"]["silhouette"] > 0.5 > figures["mixed"]["silhouette"]
    assert figures["apart"]["overlap_minus_base_ci"][1] < 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["scaling", "--seeds", "0"], "--seeds"),
        (["scaling", "--family", "/nowhere"], "family.json"),
        (["unfrozen", "--collection", "/nowhere"], "manifest.csv"),
    ],
)
def test_bad_input_costs_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiments", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.strip().count("\n") == 0


def test_without_a_choice_of_settings_the_command_says_what_to_run(
    experiments: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tuning.json").unlink()
    assert experiments("scaling") == 2
    assert "training choose" in capsys.readouterr().err
