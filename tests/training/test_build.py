"""`python -m training` from end to end on families and films that the tests make."""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from negviz.common.errors import NegvizError
from negviz.common.files import default_cache, write_json
from negviz.common.shipped import COMPACT
from negviz.films.collection import open_collection
from negviz.models.checkpoint import read_family, tuned_on, write_checkpoint
from negviz.models.family import load_models
from negviz.models.text_tower import open_text_tower
from tests.tiny import draw_film, tiny_text_tower
from tests.tiny_hub import tiny_clip, tiny_siglip
from training.__main__ import main
from training.build import measured
from training.build.all import steps_of_all
from training.build.base import start_hub_family
from training.build.measured import Measurement
from training.build.plan import Plan, Planned, experiments, show
from training.build.steps import run_steps
from training.measure.experiments.command import EXPERIMENTS
from training.measure.protocols import ask_stranger
from training.paths import Paths, add_family_option
from training.tune.devices import CPU
from training.tune.recipes import RECIPES


@pytest.fixture(autouse=True)
def _small_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.tune.choose.RATES", (1e-3,))
    monkeypatch.setattr("training.tune.choose.BATCHES", (16,))
    monkeypatch.setattr("training.tune.choose.SEEDS", (0,))
    monkeypatch.setattr("negviz.evaluation.ceiling.STRENGTHS", (1e-2,))


@pytest.mark.parametrize("make", [tiny_clip, tiny_siglip], ids=["clip", "siglip"])
def test_any_dual_encoder_becomes_a_family_with_results(
    make: object, tmp_path: Path, collection_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On films with a split and folds, and on films of which nothing is told but what they show."""
    assert callable(make)
    make(tmp_path / "hub")
    family = tmp_path / "family"
    films = collection_folder if make is tiny_clip else own_films(tmp_path / "own")
    common = ["--family", str(family), "--collection", str(films)]
    assert main(["base", *common, "--base", str(tmp_path / "hub")]) == 0
    assert main(["con1", *common]) == 2
    assert "training choose" in capsys.readouterr().err
    assert main(["choose", *common]) == 0
    assert [main([method, *common]) for method in ("con1", "con2")] == [0, 0]
    assert main(["results", *common]) == 0
    assert list(load_models(family)) == ["base", "con1", "con2"]
    results = json.loads((family / "results" / "results.json").read_text("utf-8"))
    assert set(results["models"]) == {"base", "con1", "con2"}
    assert results["models"]["con2"]["cells"]["structured/absent"]["n"] == 25
    card = (family / "con2" / "README.md").read_text("utf-8")
    assert "CON2" in card
    assert '"parameter_delta"' in card
    assert str(tmp_path) not in (family / "results" / "results.json").read_text("utf-8")
    assert results["data"]["films"] == len(open_collection(films).select("test"))
    assert open_collection(films).hash in tuned_on(family)


def test_maps_of_a_family_of_ones_own_are_of_films_that_are_at_hand(
    family_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is the one that the page names where it finds no maps."""
    mapped: list[list[str]] = []
    monkeypatch.setattr("training.measure.maps.build_maps", lambda _, films, __: mapped.append(films))
    for family in (family_folder, COMPACT):
        assert main(["maps", "--family", str(family), "--to", str(tmp_path)]) == 0
    assert main(["maps", "--family", str(family_folder), "--collections", "nih"]) == 0
    assert mapped == [["phantoms"], ["openi", "phantoms"], ["nih"]]


def test_settings_can_be_chosen_on_fewer_folds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_clip(tmp_path / "hub")
    common = ["--family", str(tmp_path / "family"), "--collection", str(own_films(tmp_path / "own"))]
    assert main(["base", *common, "--base", str(tmp_path / "hub")]) == 0
    assert main(["choose", *common, "--folds", "2"]) == 0
    tuning = json.loads((tmp_path / "family" / "results" / "tuning.json").read_text("utf-8"))
    assert "2 of five folds" in tuning["what"]
    tried = [tuning["base"], tuning["con1_multi_positive"], *tuning["methods"]["con2"]["settings"]]
    assert [len(each["auroc_by_fold"]) for each in tried] == [2, 2, 2]
    assert main(["choose", *common, "--folds", "6"]) == 2
    assert "--folds" in capsys.readouterr().err


def test_the_compact_family_is_built_from_films_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real commands, with a tiny text tower and one epoch of a few drawn films."""
    sha256 = tiny_text_tower(tmp_path / "text")
    monkeypatch.setenv("NEGVIZ_TEXT_TOWER", str(tmp_path / "text"))
    tiny = partial(open_text_tower, sha256=sha256, name="tiny")
    monkeypatch.setattr("training.build.base.open_text_tower", tiny)
    source, family = drawn_source(tmp_path / "films"), tmp_path / "family"
    common = ["--family", str(family), "--collection", str(source)]
    monkeypatch.setattr("training.data.phantoms.training_films.SHARD", 2)
    few = ["--simulated", "2"]
    assert main(["base", *common, "--films", str(source), "--epochs", "1", *few, "--precision", "no"]) == 0
    states = (default_cache() / "training").glob("base-*.safetensors")
    assert sum(path.stem.endswith("-cpu-no") for path in states) == 2  # networks trained as was asked
    facts = json.loads((family / "base" / "config.json").read_text("utf-8"))["training"]
    assert facts["compute"] == {"device": "cpu", "precision": "no", "processes": 1}
    assert [main([step, *common]) for step in ("choose", "con1", "con2", "results")] == [0] * 4
    models = load_models(family)
    assert list(models) == ["base", "con1", "con2"]
    assert models["base"].tower_id == models["con2"].tower_id
    measured = json.loads((family / "results" / "base.json").read_text("utf-8"))
    assert measured["sets"]["held-out studies"]["films"] > 0
    assert measured["sets"]["test films"]["findings"]["effusion"]["positives"] == 5
    image_tower = family / "base" / "image_tower.safetensors"
    assert image_tower.stat().st_size <= 15e6


@pytest.mark.parametrize("command", ["base", "all"])
@pytest.mark.parametrize(
    "option", [("--epochs", "3"), ("--seed", "0"), ("--simulated", "0"), ("--hold-out", "1")]
)
def test_what_would_reach_nothing_beside_a_base_of_the_hub_is_refused(
    command: str, option: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    family = tmp_path / "family"
    argv = [command, "--family", str(family), "--films", str(tmp_path), "--base", str(tmp_path), *option]
    assert main(argv) == 2
    assert f"With --base nothing is trained: leave out {option[0]}." in capsys.readouterr().err
    assert not family.exists()


def test_a_base_of_the_hub_has_no_precision_until_it_is_tuned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["base", "--family", str(tmp_path / "family"), "--films", str(tmp_path), "--base", str(tmp_path)]
    assert main([*argv, "--precision", "no"]) == 2
    assert "leave out --precision" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        *((command, "--nih", "DIR") for command in ("choose", "con1", "con2", "con3")),
        ("films", "--films", "DIR", "--family", "DIR"),
        ("films", "--films", "DIR", "--collection", "DIR"),
    ],
)
def test_a_command_takes_no_option_that_would_reach_nothing(
    argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert f"unrecognized arguments: {argv[-2]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--json", "OUT", "--models", "base"), "--models: they are of a study made with --new"),
        (("--new", "--csv", "OUT"), "--csv: give them without --new"),
    ],
)
def test_options_of_a_new_study_and_of_one_that_is_there_are_not_mixed(
    option: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", str(tmp_path / "study.sqlite"), *option]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def drawn_source(folder: Path) -> Path:
    """60 drawn films with prose: a collection and a source of reports in one folder."""
    (folder / "images").mkdir(parents=True)
    said = ("There is a pleural effusion.", "No pleural effusion.")
    known = (["effusion", "", "Pleural Effusion"], ["", "effusion", "normal"])
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        names = "image uid view findings denied mesh split fold report_findings report_impression"
        writer.writerow(names.split())
        for number in range(60):
            without = number % 2
            draw_film(number, effusion=not without).save(folder / "images" / f"{number}.png")
            split = ["test", ""] if number < 10 else ["train", str(number // 2 % 5)]
            facts = [f"images/{number}.png", str(number), "frontal", *known[without]]
            writer.writerow([*facts, *split, said[without], ""])
    return folder


def test_collection_folders_with_images_are_written_from_a_source(tmp_path: Path) -> None:
    """The layout of the data sets' copies, as `--films` takes it."""
    from negviz.films.collection import open_collection
    from tests.training.test_films import write_source
    from training.build.films import build_films
    from training.paths import Paths

    source = write_source(tmp_path / "source", count=3)
    build_films(Paths(films=source), to=tmp_path / "out")
    written = open_collection(tmp_path / "out" / "openi")
    assert len(written) == 3
    assert all(written.image(film).size == (96, 96) for film in written)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["films", "--films", "/nowhere"], "--films"),
        (["base", "--films", "/nowhere"], "--films"),
        (["choose", "--family", "/nowhere"], "family.json"),
        (["con1", "--collection", "/nowhere"], "manifest.csv"),
    ],
)
def test_bad_input_costs_one_line(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def own_films(folder: Path, columns: str = "", *cells: str) -> Path:
    """80 drawn films as README asks for them: an image and what it shows, an effusion or nothing."""
    (folder / "images").mkdir(parents=True)
    rows = [",".join(["image", "findings", *columns.split()])]
    for number in range(80):
        effusion = number % 2 == 0
        draw_film(number, effusion=effusion, side=32).save(folder / "images" / f"{number}.png")
        said = cells[number % len(cells)].split(";") if cells else []
        rows.append(",".join([f"images/{number}.png", "effusion" if effusion else "normal", *said]))
    (folder / "manifest.csv").write_text("\n".join(rows), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("columns", "cells", "said"),
    [
        ("fold", ("0", "1"), "its films have folds and no split"),
        ("split", ("val",), "its column split says 'val'"),
        ("split", ("test",), "no film is set apart to be tuned on"),
        ("split", ("train",), "no film of the test shows effusion"),
        ("split fold", ("train;5",), "its column fold says '5', where 0 to 4 can stand"),
        ("split fold", ("train;0", "train;1"), "no film of fold 0 denies effusion; name it in the column"),
        ("split uid", ("train;a", "test;a"), "films of study a are among test and training films"),
        ("split fold uid", ("train;0;a", "train;1;a"), "films of study a are in several folds"),
        ("uid", ("a", "b"), "1 studies show effusion and 1 deny it, where a test is drawn of 40 each"),
    ],
)
def test_films_that_cannot_be_tuned_on_are_refused_before_anything_is_embedded(
    columns: str, cells: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = own_films(tmp_path / "own", columns, *cells)
    tiny_clip(tmp_path / "hub")
    capsys.readouterr()
    family = ["--family", str(tmp_path / "family"), "--collection", str(own)]
    assert main(["all", *family, "--base", str(tmp_path / "hub")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "family").exists()


def test_a_base_of_ones_own_never_goes_into_the_shipped_family(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At once: neither a film nor the base is looked for."""
    argv = ["all", "--base", "ID", "--collection", "/nowhere", "--family", str(COMPACT)]
    assert main(argv) == 2
    assert "checkpoints/compact holds the compact base" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["base", "--base", "ID", "--nih", "DIR", "--collection", "DIR"], "leave out --nih"),
        (["all", "--licence", "MIT"], "--licence is that of the model of --base"),
        (["all", "--experiments", "--base", "ID"], "give --plan too"),
        (["protocols", "--licence", "MIT"], "--licence is that of the model of --base"),
        (["protocols", "--base", "ID", "--licence", "MIT", "--family", "DIR"], "leave out --family"),
        (["protocols", "--base", "ID", "--licence", "MIT", "--collection", "DIR"], "leave out --collection"),
    ],
)
def test_options_that_would_do_nothing_with_or_without_a_base_are_refused(
    argv: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    family = [] if argv[0] == "protocols" else ["--family", str(tmp_path / "family")]
    assert main([*argv, *family]) == 2
    assert said in capsys.readouterr().err


# Going on between the steps of `all` -------------------------------------------------------------


@pytest.fixture
def all_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`all` with steps that cost nothing and write what the real ones do: those that were done, in order."""
    tiny_clip(tmp_path / "hub")
    family, own = tmp_path / "family", own_films(tmp_path / "own")
    done: list[str] = []

    def start(*args: Any) -> None:
        done.append("base")
        start_hub_family(*args)

    def chosen(paths: Paths, *_: object) -> None:
        done.append("choose")
        knobs = {"lr": 1e-3, "films": paths.open_collection().hash}
        methods = {name: {"chosen": knobs} for name in ("con1", "con2")}
        write_json(paths.results / "tuning.json", {"methods": methods})

    def tuned(paths: Paths, name: str, *_: object) -> None:
        if name == stops[0]:
            raise NegvizError("stopped")
        done.append(name)
        moved = {key: value + 1 for key, value in load_models(family)["base"].text.tunable().items()}
        write_checkpoint(family, name, moved, training={}, logit_scale=1.0)

    def measured(paths: Paths) -> None:
        done.append("results")
        write_json(paths.results / "results.json", {"models": list(load_models(paths.family))})

    monkeypatch.setattr("training.build.command.start_hub_family", start)
    for name, step in (("build_choice", chosen), ("build_tuned", tuned), ("build_results", measured)):
        monkeypatch.setattr(f"training.build.all.{name}", step)
    argv = ["all", "--family", str(family), "--collection", str(own), "--base", str(tmp_path / "hub")]
    stops = [""]

    def run(stop: str = "", *more: str) -> list[str]:
        done.clear()
        stops[0] = stop
        assert main([*argv, *more]) == (2 if stop else 0)
        return list(done)

    return run


TUNED = list(RECIPES)


def test_all_does_again_just_what_something_new_goes_into(
    all_steps: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert all_steps() == ["base", "choose", *TUNED, "results"]
    capsys.readouterr()
    assert all_steps() == []
    said = capsys.readouterr().out
    assert all(f"{name}: done already" in said for name in ("base", "choose", *TUNED, "results"))
    manifest = tmp_path / "own" / "manifest.csv"
    manifest.write_text(manifest.read_text("utf-8").replace("0.png,effusion", "0.png,effusion|edema", 1))
    assert all_steps() == ["choose", *TUNED, "results"]  # a label goes into no base of the Hub
    (tmp_path / "family" / "results" / "results.json").write_text("{}")
    assert all_steps() == ["results"]  # what it wrote is no longer there


class Counted:
    """A measurement that costs nothing."""

    def __init__(self) -> None:
        self.asked: list[argparse.Namespace] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_family_option(parser)

    def run(self, args: argparse.Namespace) -> int:
        self.asked.append(args)
        write_json(args.family / "results" / "counted.json", {"models": list(load_models(args.family))})
        return 0


def test_what_the_page_shows_is_measured_anew_where_models_or_prompts_are_others(
    family_folder: Path, collection_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family, counted = shutil.copytree(family_folder, tmp_path / "family"), Counted()
    written = family / "results" / "counted.json"
    monkeypatch.setattr(measured, "MEASUREMENTS", {"one": Measurement(counted, lambda _: [written])})
    paths = Paths(family=family, collection=str(collection_folder), work=tmp_path / "work")
    monkeypatch.setattr(Paths, "shipped", True)
    monkeypatch.setattr(Paths, "results", family / "results")

    def again() -> int:
        steps = steps_of_all(
            paths, CPU, (), films=lambda: 0, base=lambda: 0, base_facts={}, tuning=lambda: CPU
        )
        run_steps([step for step in steps if step.name == "one"], paths)
        return len(counted.asked)

    assert [again(), again()] == [1, 1]
    assert counted.asked[0].family == family
    moved = {name: value * 1.5 for name, value in load_models(family)["con2"].text.tunable().items()}
    write_checkpoint(family, "con2", moved, training={}, logit_scale=1.0)
    assert [again(), again()] == [2, 2]
    written.write_text("{}")
    assert again() == 3


def test_what_all_measures_of_the_shipped_family_is_what_its_commands_write() -> None:
    paths = Paths()
    steps = [
        *steps_of_all(paths, CPU, (), films=lambda: 0, base=lambda: 0, base_facts={}, tuning=lambda: CPU)
    ]
    names = [step.name for step in steps]
    assert names[-len(measured.MEASUREMENTS) - 2 :] == [*measured.MEASUREMENTS, "results", "report"]
    shown = [step for step in steps if step.name in measured.MEASUREMENTS]
    assert {*shown[0].inputs()["models"]} == {*read_family(COMPACT).columns}
    assert all(path.is_file() for step in shown for path in step.outputs())


def test_a_base_of_the_hub_whose_licence_is_told_ends_with_its_file_for_others(
    all_steps: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a tenth of the simulated films, and none of Open-i."""
    phantoms = open_collection("phantoms")
    kept = {film.id for film in phantoms.films[::10]}
    monkeypatch.setattr(Paths, "open_phantoms", lambda _: phantoms.where(lambda film: film.id in kept))
    monkeypatch.setattr("training.build.all.ask_stranger", partial(ask_stranger, bootstrap=20))
    others = tmp_path / "family" / "results" / "others"
    all_steps()
    assert not others.exists()
    all_steps("", "--licence", "MIT")
    value = json.loads((others / "hub.json").read_text("utf-8"))
    assert value["model"] == {"id": "hub", "revision": "", "licence": "MIT"}
    assert [*value["films"]] == ["phantoms"]
    assert value["command"] == "python -m training protocols --bootstrap 20 --base hub --licence MIT"
    assert (others / value["vectors"]["file"]).is_file()


def test_all_goes_on_at_the_step_where_it_was_stopped(all_steps: Callable[..., list[str]]) -> None:
    assert all_steps(TUNED[2]) == ["base", "choose", "con1", "con2"]
    assert all_steps() == [*TUNED[2:], "results"]


def test_simulating_anew_makes_base_anew_and_nothing_that_does_not_depend_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, family = drawn_source(tmp_path / "films"), tmp_path / "family"
    tiny_clip(tmp_path / "hub")
    common = ["--family", str(family), "--collection", str(source)]
    assert main(["base", *common, "--base", str(tmp_path / "hub")]) == 0
    paths = Paths(family=family, collection=str(source), films=source)
    steps = [
        *steps_of_all(
            paths, CPU, (), films=lambda: 0, base=lambda: 0, base_facts={"config": {}}, tuning=lambda: CPU
        )
    ]
    before = {step.name: step.inputs() for step in steps if step.name in ("base", "embed", "choose", "con3")}
    monkeypatch.setattr("training.build.all.simulator_hash", lambda: "another")
    after = {step.name: step.inputs() for step in steps if step.name in before}
    assert [name for name, inputs in before.items() if after[name] != inputs] == ["base"]


def test_a_plan_measures_a_unit_of_every_step_and_builds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over two frames instead of all that CON4 learns from, which take longest to be read."""
    frames = tmp_path / "frames.csv"
    frames.write_text(
        "frame,kind,said\nnope no {x},denial,x:absent\nthere is {x} over here,plain,x:present\n", "utf-8"
    )
    monkeypatch.setattr("training.data.typed.TYPED_FRAMES", frames)
    tiny_clip(tmp_path / "hub")
    own, family = own_films(tmp_path / "own"), tmp_path / "family"
    argv = [
        "all",
        "--family",
        str(family),
        "--collection",
        str(own),
        "--base",
        str(tmp_path / "hub"),
        "--plan",
    ]
    planned: list[str] = []
    rows = Plan.rows

    def told(plan: Plan) -> Iterator[Planned]:
        planned.append(plan.compute.precision)
        return rows(plan)

    monkeypatch.setattr(Plan, "rows", told)
    monkeypatch.setattr("training.tune.precision._time", lambda _, compute: float(compute.precision != "no"))
    assert main([*argv, "--json"]) == 0
    assert planned == ["no"]  # which was found to be faster, and is what it would be tuned in
    plan = json.loads(capsys.readouterr().out)
    assert [step["step"] for step in plan["steps"]] == ["embed", "choose", *TUNED, "seeds", "results"]
    units = {step["step"]: step["units"] for step in plan["steps"]}
    assert units["seeds"] == RECIPES["con4"].seeds - 1  # of con1 and con2 there is one seed here
    for step in plan["steps"]:
        assert step["seconds"] > 0
        assert step["hours"] == pytest.approx(step["units"] * step["seconds"] / 3600)
        assert step["lost_seconds"] <= step["units"] * step["seconds"]
        assert step["memory"] > 1e6
    total = plan["total"]
    assert total["hours"] == pytest.approx(sum(step["hours"] for step in plan["steps"]))
    assert total["disk"] == sum(step["disk"] for step in plan["steps"]) > 0
    assert not (family / "family.json").exists()
    assert main(["all", "--family", str(family), "--collection", "/nowhere", "--plan"]) == 2
    assert "/nowhere" in capsys.readouterr().err  # before anything is measured


def test_experiments_are_planned_apart_from_what_the_runs_of_all_were_found_to_take() -> None:
    con2 = Planned("con2", "epoch", 5, 10.0, 10.0, 1, 1_000_000, 0)
    con3 = Planned("con3", "step", 300, 2.0, 2.0, 25, 1_000_000, 0)
    choosing = Planned("choose", "run", 75, 40.0, 40.0, 1, 1_000_000, 0)
    rows = {row.step: row for row in experiments([choosing, con2, con3])}
    assert rows["experiments scaling"].hours == EXPERIMENTS["scaling"].runs(5) * 40 / 3600
    assert rows["experiments con3"].hours == EXPERIMENTS["con3"].runs(5) * 600 / 3600
    shown = show([replace(con3, kept_every=300, seconds=10.0)])
    assert "con3: a run that is stopped loses up to 50.0 min" in shown
