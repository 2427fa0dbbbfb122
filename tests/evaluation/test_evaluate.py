"""`python -m training evaluate` on the tiny family and collection."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.retrieval.search import search
from training.__main__ import main
from training.measure.evaluate import evaluate
from training.report.tables import render

PROMPTS = """prompt,finding,polarity,kind,note
pleural effusion,effusion,present,structured,a
small left pleural effusion,effusion,present,natural,b
no pleural effusion,effusion,absent,structured,c
no evidence of pleural effusion,effusion,absent,structured,d
pleural effusion is absent,effusion,absent,natural,e
pleural effusion cannot be excluded,effusion,uncertain,natural,f
"""
CELLS = [
    "structured/present",
    "natural/present",
    "structured/absent",
    "natural/absent",
    "all/present",
    "all/absent",
]
Run = Callable[..., int]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.csv"
    path.write_text(PROMPTS)
    return path


@pytest.fixture
def evaluate_cli(family_folder: Path, collection_folder: Path, prompts: Path, tmp_path: Path) -> Run:
    """Run with arguments that suit the tiny family, any of them replaced."""

    def call(**changes: object) -> int:
        options: dict[str, object] = {
            "family": family_folder,
            "collection": collection_folder,
            "prompts": prompts,
            "k": 4,
            "json": tmp_path / "out.json",
            "bootstrap": 50,
            **changes,
        }
        return main(
            ["evaluate", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]
        )

    return call


@pytest.fixture(scope="module")
def results(family_folder: Path, collection_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("prompts") / "prompts.csv"
    path.write_text(PROMPTS)
    return evaluate(
        family=family_folder, collection=str(collection_folder), prompts=path, k=4, bootstrap=200, seed=0
    )


def test_writes_what_the_contract_says(evaluate_cli: Run, tmp_path: Path) -> None:
    assert evaluate_cli() == 0
    written = json.loads((tmp_path / "out.json").read_text())
    assert list(written["models"]) == ["base", "con1", "con2"]
    assert list(written["models"]["con2"]["cells"]) == CELLS
    figures = {"n", "p_at_k", "p_at_k_ci", "ap", "ap_ci", "auroc", "auroc_ci", "minus_base", "minus_base_ci"}
    figures |= {"ceiling", "ceiling_ap", "ceiling_auroc", "chance"}
    figures |= {"normal_at_k", "normal_at_k_ci", "normal_chance"}
    for model in written["models"].values():
        assert all(set(cell) == figures for cell in model["cells"].values())
    assert (written["k"], written["split"], written["data"]["films"]) == (4, "test", 8)
    assert written["command"].startswith("python -m training evaluate --family ")
    assert {"torch", "transformers", "numpy"} <= set(written["versions"])
    hashes = [
        written["data"]["collection_hash"],
        written["data"]["prompts_hash"],
        *written["data"]["family"].values(),
    ]
    assert all(len(value) == 64 for value in hashes)
    assert "base/model.safetensors" in written["data"]["family"]
    assert "all/absent (3)" in render(written, "out.json")


def test_normal_films_are_counted_beside_what_chance_gives(
    results: Any, models: dict[str, DualEncoder], collection: Collection
) -> None:
    """Of eight test films, four lack an effusion, of which two show cardiomegaly or nothing else."""
    films = collection.select("test")
    normal = {film.id for film in films if "normal" in film.findings}
    lacking = [film for film in films if film.states("effusion", "absent")]
    for row in results["models"]["con2"]["prompts"]:
        shown = [hit.id in normal for hit in search(models["con2"], films, row["prompt"], k=4)]
        assert row["normal_at_k"] == sum(shown) / 4
    cell = results["models"]["con2"]["cells"]["all/absent"]
    assert cell["normal_chance"] == sum(film.id in normal for film in lacking) / len(lacking) > 0
    assert results["models"]["con2"]["cells"]["all/present"]["normal_chance"] == 0


def test_figures_show_how_the_models_differ(results: Any) -> None:
    """Base takes every prompt for an affirmation; con2 minds the negations."""
    base, con2 = (results["models"][name]["cells"] for name in ("base", "con2"))
    assert base["all/present"]["p_at_k"] == con2["all/present"]["p_at_k"] == 1.0
    assert base["all/absent"]["p_at_k"] < 0.5 < con2["all/absent"]["p_at_k"]
    assert base["all/absent"]["auroc"] < 0.5 < con2["all/absent"]["auroc"]
    assert {name: cell["n"] for name, cell in base.items()} == dict(
        zip(CELLS, (1, 1, 2, 1, 2, 3), strict=True)
    )
    assert all(cell["chance"] == 0.5 for cell in base.values())


def test_differences_to_base_are_paired(results: Any) -> None:
    base, con1, con2 = (results["models"][name]["cells"] for name in ("base", "con1", "con2"))
    assert all(cell["minus_base"] is None and cell["minus_base_ci"] is None for cell in base.values())
    gain = con2["all/absent"]
    assert gain["minus_base"] == pytest.approx(gain["p_at_k"] - base["all/absent"]["p_at_k"], abs=1e-5)
    low, high = gain["minus_base_ci"]
    assert 0 < low <= gain["minus_base"] <= high
    same = con1["structured/present"]  # ranks as base does, so on every draw the difference is nought
    assert same["p_at_k"] == base["structured/present"]["p_at_k"]
    assert same["minus_base_ci"] == [0.0, 0.0]


def test_every_prompt_is_reported_uncertain_ones_apart(results: Any) -> None:
    model = results["models"]["con2"]
    assert [row["note"] for row in model["prompts"]] == list("abcde")
    assert model["prompts"][0].keys() >= {"prompt", "finding", "polarity", "kind", "p_at_k", "ap", "auroc"}
    assert all(-1 <= row["cosine_opposite"] <= 1 for row in model["prompts"])
    (uncertain,) = model["uncertain"]
    assert uncertain["note"] == "f"
    assert "p_at_k" not in uncertain


def test_base_barely_tells_a_prompt_from_its_opposite(results: Any) -> None:
    base, con2 = (results["models"][name]["prompts"][2]["cosine_opposite"] for name in ("base", "con2"))
    assert base > 0 > con2


def test_ceiling_is_left_out_where_too_few_films_teach_it(
    evaluate_cli: Run, prompts: Path, tmp_path: Path
) -> None:
    prompts.write_text(
        "prompt,finding,polarity,kind\n"
        "no left pleural effusion,effusion,absent,structured\n"  # four training studies deny it alone
        "the heart is large,cardiomegaly,present,natural\n"
    )
    assert evaluate_cli() == 0
    cells = json.loads((tmp_path / "out.json").read_text())["models"]["base"]["cells"]
    assert cells["structured/absent"]["ceiling"] is None
    assert 0 <= cells["natural/present"]["ceiling"] <= 1


def test_without_training_films_the_ceiling_is_cross_fitted(evaluate_cli: Run, tmp_path: Path) -> None:
    assert evaluate_cli(split="all") == 0
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["data"]["films"] == 24
    for cell in written["models"]["base"]["cells"].values():
        assert cell["ceiling_auroc"] > 0.9  # the drawn effusions are plain to see


def test_silence_is_not_judged_unless_asked(evaluate_cli: Run, tmp_path: Path) -> None:
    """20 of 24 films state effusion or its absence; as denial, silence adds the 2 that are not uncertain."""
    chance = {}
    for unmentioned in ("unknown", "absent"):
        assert evaluate_cli(split="all", unmentioned=unmentioned) == 0
        cells = json.loads((tmp_path / "out.json").read_text())["models"]["base"]["cells"]
        chance[unmentioned] = cells["all/absent"]["chance"]
    assert chance["unknown"] == pytest.approx(10 / 20)
    assert chance["absent"] == pytest.approx(12 / 22)


def test_the_same_seed_gives_the_same_file(evaluate_cli: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert evaluate_cli() == 0
    first = out.read_bytes()
    assert evaluate_cli() == 0
    assert out.read_bytes() == first
    assert evaluate_cli(seed=1) == 0
    assert out.read_bytes() != first


def test_a_cell_does_not_depend_on_the_others(
    results: Any, evaluate_cli: Run, prompts: Path, tmp_path: Path
) -> None:
    prompts.write_text(
        "".join(line for line in PROMPTS.splitlines(keepends=True) if "structured" not in line)
    )
    assert evaluate_cli(bootstrap=200) == 0
    alone = json.loads((tmp_path / "out.json").read_text())["models"]["con2"]["cells"]["natural/absent"]
    assert alone == results["models"]["con2"]["cells"]["natural/absent"]


HEADER = "prompt,finding,polarity,kind\n"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"k": 0}, "'0' is no whole number from 1"),
        ({"bootstrap": 0}, "'0' is no whole number from 1"),
        ({"seed": -1}, "'-1' is no whole number from 0"),
        ({"family": "no/such/family"}, "no/such/family"),
        ({"collection": "no/such/collection"}, "no/such/collection"),
        ({"films": "no/such/folder"}, "no/such/folder"),
        ({"prompts": "no/such/file.csv"}, "no/such/file.csv"),
        ({"prompts": ""}, ""),
        ({"prompts": HEADER}, "holds nothing below its header"),
        ({"prompts": "prompt,finding,kind\na,effusion,natural\n"}, "polarity"),
        ({"prompts": f"{HEADER}a,gout,present,natural\n"}, "gout"),
        ({"prompts": f"{HEADER}a,effusion,uncertain,natural\n"}, "is judged for any prompt"),
    ],
)
def test_bad_input_costs_one_line(
    evaluate_cli: Run,
    prompts: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, object],
    says: str,
) -> None:
    text = changes.get("prompts")
    if isinstance(text, str) and not text.endswith(".csv"):
        prompts.write_text(text)
        changes = {}
    (tmp_path / "out.json").write_text("older results")
    assert evaluate_cli(**changes) != 0
    error = capsys.readouterr().err
    assert says in error
    assert error.startswith("evaluate: ")
    assert error.count("\n") == 1
    assert (tmp_path / "out.json").read_text() == "older results"
    assert not list(tmp_path.glob(".*"))


def test_prompts_that_no_film_answers_are_refused(
    evaluate_cli: Run,
    collection_folder: Path,
    prompts: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "silent"
    shutil.copytree(collection_folder, folder)
    manifest = folder / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("normal", ""))  # "normal" would deny a fracture
    prompts.write_text(f"{HEADER}a,fracture,present,natural\n")
    assert evaluate_cli(collection=folder) != 0
    assert "No film of silent (test) is judged for any prompt" in capsys.readouterr().err


def test_a_collection_without_a_test_split_says_so(
    evaluate_cli: Run, collection_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "unsplit"
    shutil.copytree(collection_folder, folder)
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ("image", "findings", "denied"), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    assert evaluate_cli(collection=folder) != 0
    assert "use --split all" in capsys.readouterr().err
    assert evaluate_cli(collection=folder, split="all") == 0


def test_results_go_to_a_file(evaluate_cli: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate_cli(json=tmp_path) != 0
    assert "is a folder" in capsys.readouterr().err
    assert evaluate_cli(json=tmp_path / "new" / "out.json") == 0
    assert (tmp_path / "new" / "out.json").is_file()


def test_seeds_lie_as_far_apart_as_their_figures(
    models: dict[str, DualEncoder], family_folder: Path, collection_folder: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "prompts.csv"
    rows.write_text("prompt,finding,polarity,kind\nNo effusion.,effusion,absent,structured\n", "utf-8")
    same, other = models["con2"], models["base"]
    found = evaluate(
        family=family_folder, collection=str(collection_folder), prompts=rows, others={"con2": [same, other]}
    )
    cells = {name: model["cells"]["structured/absent"] for name, model in found["models"].items()}
    three = [cells["con2"]["auroc"], cells["con2"]["auroc"], cells["base"]["auroc"]]
    assert cells["con2"]["auroc_sd"] == pytest.approx(np.std(three, ddof=1), abs=1e-6)
    assert (cells["con2"]["seeds"], "seeds" in cells["base"]) == (3, False)
