"""Tables are made from results files, and a stale one is noticed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import ModelCard

from negviz.common.errors import NegvizError
from negviz.common.files import rewriting
from negviz.common.shipped import COMPACT
from tests.pictures import figure, marks
from training.__main__ import main
from training.report import command as report
from training.report.cards import write_cards
from training.report.dots import draw
from training.report.tables import render

CELL = {
    "n": 25,
    "p_at_k": 0.714,
    "p_at_k_ci": [0.6, 0.8],
    "ap": 0.7,
    "ap_ci": [0.6, 0.8],
    "auroc": 0.75,
    "auroc_ci": None,
    "minus_base": -0.1,
    "minus_base_ci": [-0.2, 0.05],
    "ceiling": None,
    "chance": 0.5,
}
RESULTS: dict[str, Any] = {
    "models": {
        "base": {
            "cells": {"natural/absent": {**CELL, "minus_base": None, "minus_base_ci": None}},
            "prompts": [],
        },
        "con1": {"cells": {"natural/absent": CELL}, "prompts": []},
    },
    "data": {"collection": "openi", "films": 70, "prompts": 99},
    "k": 10,
    "split": "test",
    "bootstrap": {"resamples": 1000, "seed": 0},
}
PAGES = (
    "README.md",
    "assets/README.md",
    "assets/results/README.md",
    "negviz/README.md",
    "training/README.md",
    "checkpoints/compact/con1/README.md",
)
ROOT = Path(__file__).parents[2]
PAGE = "# Title\n\n<!-- results:openi -->\nold\n<!-- /results -->\n\nend\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "assets" / "results").mkdir(parents=True)
    (tmp_path / "assets" / "results" / "openi.json").write_text(json.dumps(RESULTS))
    for page in PAGES:
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / page).write_text(PAGE)
    monkeypatch.setattr(report, "ROOT", tmp_path)
    return tmp_path


def _run(*arguments: str) -> int:
    return main(["report", *arguments])


def test_the_pages_of_this_repository_are_up_to_date() -> None:
    assert report.refresh(ROOT, check=True) == []


def test_every_page_that_has_a_table_is_looked_after() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    pages = [ROOT / name for name in listed.split("\0") if name]
    tabled = {page for page in pages if re.search(r"<!-- results:[\w-]", page.read_text("utf-8"))}
    assert tabled <= set(report.documents(ROOT))


def test_writes_tables_into_every_document_and_card(root: Path) -> None:
    assert _run() == 0
    text = (root / "README.md").read_text()
    assert (
        "| prompts | model | P@10 | AP | AUROC | “no” ignored | P@10 over base | ceiling P@10 | chance |"
        in text
    )
    assert (
        "| natural/absent (25) | con1 | 0.71 [0.60, 0.80] | 0.70 [0.60, 0.80] | 0.75 "
        "| — | −0.10 [−0.20, +0.05] | — | 0.50 |" in text
    )
    assert (
        "| natural/absent (25) | base | 0.71 [0.60, 0.80] | 0.70 [0.60, 0.80] | 0.75 | — | — | — | 0.50 |"
        in text
    )
    assert "70 films of openi (test)" in text
    assert "old" not in text
    assert text.startswith("# Title\n")
    assert text.endswith("\n\nend\n")
    assert [page for page in PAGES if (root / page).read_text() != text] == []


def test_the_small_table_has_the_four_cells_a_row_each_and_a_model_a_column(root: Path) -> None:
    cells = {
        f"{kind}/{polarity}": CELL for kind in ("structured", "all") for polarity in ("present", "absent")
    }
    cells["structured/absent"] = {**CELL, "chance": 0.4}
    results = {**RESULTS, "models": {name: {"cells": cells, "prompts": []} for name in ("base", "con3")}}
    (root / "assets" / "results" / "openi.json").write_text(json.dumps(results))
    (root / "README.md").write_text(PAGE.replace("results:openi", "results:openi:cells"))
    assert _run() == 0
    rows = [line for line in (root / "README.md").read_text().splitlines() if line.startswith("|")]
    assert rows[0] == "| asked for | base | con3 |"
    assert [row.partition(" (25) | ")[0] for row in rows[2:]] == [
        "| structured, present",
        "| structured, absent",
    ]
    assert rows[2].endswith("| 7.1<br>6.0–8.0 | 7.1<br>6.0–8.0 |")
    assert "random picks: 4.0 to 5.0." in (root / "README.md").read_text()


def test_a_page_waits_for_what_only_a_machine_at_rest_can_measure(root: Path) -> None:
    page = root / "README.md"
    page.write_text("<!-- results:crowd -->\n<!-- /results -->\n")
    assert _run() == 0
    assert "Not measured yet: `python -m training crowd` writes `crowd.json`." in page.read_text()
    assert _run("--check") == 0


@pytest.mark.timing
def test_a_page_is_filled_as_it_is_when_its_turn_comes(root: Path) -> None:
    page = root / "README.md"
    with rewriting(page):
        filling = threading.Thread(target=report.refresh, args=(root,))
        filling.start()
        filling.join(1)
        page.write_text(f"{PAGE}more\n")
    filling.join(60)
    assert "old" not in page.read_text()
    assert page.read_text().endswith("more\n")


def test_check_fails_on_a_stale_page_and_writes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("--check") == 1
    assert "README.md is stale" in capsys.readouterr().out
    assert (root / "README.md").read_text() == PAGE
    assert _run() == 0
    assert _run("--check") == 0


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("<!-- results:openi -->\nno end\n", "README.md: each"),
        (f"<!-- results:openi -->\n{PAGE}", "README.md: each"),
        ("<!-- results:nowhere -->\n<!-- /results -->\n", "lacks nowhere.json"),
        ("<!-- results:broken -->\n<!-- /results -->\n", "broken.json is not valid JSON"),
        ("<!-- results:other -->\n<!-- /results -->\n", "other.json is no results file"),
        ("<!-- results:openi:rows -->\n<!-- /results -->\n", "openi:rows is no table"),
    ],
)
def test_what_cannot_be_made_costs_one_line(
    root: Path, capsys: pytest.CaptureFixture[str], page: str, says: str
) -> None:
    (root / "assets" / "results" / "broken.json").write_text("{")
    (root / "assets" / "results" / "other.json").write_text('{"agreement": 1}')
    (root / "README.md").write_text(page)
    assert _run() == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert (root / "README.md").read_text() == page


def _without_weights(folder: Path) -> Path:
    """The shipped family as far as its cards are made from it."""
    shutil.copytree(COMPACT, folder, ignore=shutil.ignore_patterns("*.safetensors", "README.md"))
    return folder


def test_the_cards_of_this_repository_say_what_their_template_says(tmp_path: Path) -> None:
    write_cards(_without_weights(tmp_path / "family"))
    cards = sorted((tmp_path / "family").rglob("README.md"))
    assert [card.parent.name for card in cards] == ["base", "con1", "con2", "con3", "con4"]
    for card in cards:
        committed = COMPACT / card.relative_to(tmp_path / "family")
        assert report.fill(card.read_text("utf-8"), ROOT / "assets" / "results") == committed.read_text(
            "utf-8"
        )


@pytest.mark.parametrize("held", [None, "{", "[]", '{"training": "con1"}'])
def test_a_model_that_does_not_say_how_it_was_made_costs_one_sentence(
    held: str | None, tmp_path: Path
) -> None:
    path = _without_weights(tmp_path / "family") / "con1" / "config.json"
    path.unlink() if held is None else path.write_text(held, "utf-8")
    with pytest.raises(NegvizError, match=f"{path} "):
        write_cards(tmp_path / "family")


def test_a_card_of_a_base_of_the_hub_has_its_licence_and_no_figures_of_ours(tmp_path: Path) -> None:
    family = _without_weights(tmp_path / "family")
    record = json.loads((family / "family.json").read_text("utf-8"))
    of_hub = {**record, "licence": "CC-BY-NC-4.0 & more", "hub": {"id": "someone/tower"}}
    (family / "family.json").write_text(json.dumps(of_hub), "utf-8")
    write_cards(family)
    card, shipped = (ModelCard.load(folder / "con1" / "README.md") for folder in (family, COMPACT))
    assert "someone/tower, under its own licence: CC-BY-NC-4.0 & more." in card.text
    assert card.data.to_dict() == {**shipped.data.to_dict(), "license_name": "that-of-its-base"}
    for ours in ("Open-i", "It is small", "<!-- results:"):
        assert ours in shipped.text
        assert ours not in card.text


def test_a_picture_shows_every_model_and_goes_stale_with_its_results(root: Path) -> None:
    picture = root / "assets" / "results" / "openi.svg"
    assert picture in report.refresh(root)
    assert report.refresh(root, check=True) == []
    assert picture.read_text("utf-8") == draw(RESULTS, "openi: precision at 10 by cell and model")
    made = figure(draw, RESULTS, "openi")
    (axes,) = made.axes
    assert [x for _, x, _ in marks(made)] == [CELL["p_at_k"]] * 2
    assert [label.get_text() for label in axes.get_yticklabels()] == list(RESULTS["models"])
    ends = [np.asarray(line.get_paths()[0].vertices)[:, 0].tolist() for line in axes.collections]
    assert ends == [CELL["p_at_k_ci"]] * 2
    picture.write_text("<svg/>", "utf-8")
    assert report.refresh(root, check=True) == [picture]


AUROC = {"positives": 30, "negatives": 40, "classifier_auroc": 0.91, "classifier_auroc_ci": [0.8, 1.0]}
SHARE = {
    f"{name}{suffix}": value
    for name in ("recall", "precision", "accuracy")
    for suffix, value in (("", 0.9), ("_ci", [0.8, 1.0]))
}
TRIAL = {"lr": 3e-5, "batch": 32, "seed": 0, "auroc": 0.875}
COUNTS = {
    f"mesh_{m}/read_{r}": 7 for m in ("yes", "no") for r in ("present", "uncertain", "absent", "unmentioned")
}


@pytest.mark.parametrize(
    ("results", "row"),
    [
        (
            {"what": "how well it sees", "sets": {"test films": {"findings": {"effusion": AUROC}}}},
            "| test films | effusion | 30 | 40 | 0.91 [0.80, 1.00] | — |",
        ),
        (
            {
                "rivals": {"other": "1.0"},
                "sets": {"blind": {"sentences": 300, "negviz": SHARE, "other": SHARE}},
            },
            "| blind (300) | other | 0.900 [0.800, 1.000] | 0.900 [0.800, 1.000] | 0.900 [0.800, 1.000] |",
        ),
        (
            {
                "what": "mean AUROC",
                "base": {"auroc_by_fold": [0.5]},
                "con1_multi_positive": TRIAL,
                "methods": {
                    "con1": {
                        "settings": [TRIAL],
                        "seeds": [TRIAL, {**TRIAL, "seed": 3}],
                        "chosen": {"seed": 3},
                    }
                },
            },
            "| con1 | 3e-05 | 32 | 3 | 0.875 | chosen |",
        ),
        (
            {
                "machine": {"cores": 2, "load_before": [0.4, 0.6, 1.6]},
                "films": {"set": "phantoms/test", "number": 100},
                "visitors_at_once": {"80": {"median_ms": 4755.5, "p95_ms": 8046.2, "times": 80}},
                "targets": {"first_paint": {"measured": 0.697, "most": 2, "unit": "MB", "met": True}},
            },
            "| 80 visitors at once, median wait | 4.8 s | — |",
        ),
        (
            {"what": "agreement", "studies": 9, "agreement": {"effusion": {**COUNTS, "kappa": 0.8}}},
            "| effusion | 7 | 7 | 7 | 7 | 7 | 7 | 7 | 7 | 0.80 |",
        ),
    ],
    ids=["base", "reader", "tuning", "benchmark", "labels"],
)
def test_every_kind_of_results_has_a_table(results: dict[str, Any], row: str) -> None:
    assert row in render(results, "file.json").splitlines()
