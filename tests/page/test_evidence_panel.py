"""Evidence: what is shown of results files, known and unknown, and what is said beside the paper."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from negviz.page.evidence import words
from negviz.page.evidence.panel import evidence
from negviz.results import paper
from negviz.results.files import RESULTS, read_evaluations, read_result, read_results
from negviz.results.paper import PaperComparison, comparisons
from negviz.results.types import Figure, Group, Plot, Result

HOSTILE = "<script>alert(1)</script>"


def write(folder: Path, name: str, value: Any) -> Path:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def evaluation(
    *, absent: float = 0.15, interval: tuple[float, float] = (0.1, 0.2), structured: float = 0.9
) -> dict[str, Any]:
    """A file of `evaluate` in which con2 gains `absent` over base on negated prompts."""

    def cell(value: float, over_base: float | None = None) -> dict[str, Any]:
        ends = [value - 0.05, value + 0.05]
        return {
            "n": 3,
            **dict.fromkeys(("p_at_k", "ap", "auroc"), value),
            **{f"{name}_ci": ends for name in ("p_at_k", "ap", "auroc")},
            "minus_base": over_base,
            "minus_base_ci": None if over_base is None else list(interval),
            "ceiling": 1.0,
            "chance": 0.5,
        }

    cells = {"structured/absent": structured, "natural/absent": 0.7, "all/absent": 0.8, "all/present": 0.9}
    over = {"base": None, "con1": absent, "con2": absent}
    row = {"prompt": "no effusion", "kind": "structured", "polarity": "absent", "finding": "effusion"}
    models = {
        name: {
            "cells": {kind: cell(value, change) for kind, value in cells.items()},
            "prompts": [{**row, "p_at_k": 0.6}],
            "uncertain": [],
        }
        for name, change in over.items()
    }
    data = {"collection": "drawn", "films": 8, "prompts": 1, "collection_hash": "abc123"}
    return {
        "models": models,
        "k": 10,
        "split": "test",
        "data": data,
        "command": "python -m training evaluate",
    }


def test_every_committed_file_is_shown_with_its_command_and_hashes() -> None:
    shown = evidence()
    results = read_results()
    assert {result.name for result in results} == {path.stem for path in RESULTS.glob("*.json")}
    for result in results:
        assert not result.problem
        assert result.plots or result.tables
        assert f'id="evidence-{result.name}"' in shown
        assert result.sha256 in shown
    assert "python -m training evaluate --family checkpoints/compact --collection openi" in shown


def test_results_stand_in_themes_under_names_that_people_can_read() -> None:
    themes, results = words.by_theme(read_results()), read_results()
    assert words.MORE not in themes
    assert sorted(each.name for found in themes.values() for each in found) == sorted(r.name for r in results)
    stranger = Result("somebody_elses-file")
    assert words.by_theme([stranger]) == {words.MORE: [stranger]}
    assert words.title(stranger.name) == "Somebody elses file"


def test_figures_are_those_of_the_files() -> None:
    cell = read_evaluations()["openi"]["models"]["con2"]["cells"]["natural/absent"]
    wanted = str(Figure(cell["p_at_k"], *cell["p_at_k_ci"]))
    table = next(result for result in read_results() if result.name == "openi").tables[0]
    row = next(row for row in table.rows if row[0] == "natural/absent (24)" and row[1] == "con2")
    assert isinstance(row[2], Figure)
    assert str(row[2]) == wanted
    assert wanted in evidence()


def test_the_films_that_most_is_claimed_of_come_first() -> None:
    assert [result.name for result in read_results()][:2] == ["openi", "nih"]


def test_an_unknown_file_is_shown_as_tables(tmp_path: Path) -> None:
    value = {
        "what": "warmth by severity",
        "curves": {
            "base": {"effusion": {"slope": 0.25, "slope_ci": [0.2, 0.3], "films": 12_000, "holds": True}},
            "con9": {"effusion": {"slope": -0.5, "slope_ci": [-0.6, -0.4], "films": 4, "holds": False}},
        },
        "command": "python -m training dose",
        "data": {"films": {"hash": "f00d"}},
    }
    result = read_result(write(tmp_path, "dose", value))
    table = result.tables[0]
    assert table.head == ("", "slope", "films", "holds")
    assert [row[0] for row in table.rows] == ["base", "con9"]
    assert table.rows[0][1:] == (Figure(0.25, 0.2, 0.3), "12,000", "yes")
    assert result.data == (("data films hash", "f00d"),)
    assert [dot.label for dot in result.plots[0].groups[0].dots] == ["base", "con9"]
    shown = evidence(tmp_path)
    for part in ("Warmth by severity", "con9", "−0.50 [−0.60, −0.40]", "python -m training dose", "f00d"):
        assert part in shown


def test_base_shares_a_table_with_those_that_are_compared_with_it(tmp_path: Path) -> None:
    value = {"signs": {"base": {"stay": 0.7}, "con2": {"stay": 0.1, "stay_minus_base": -0.6}}}
    table = read_result(write(tmp_path, "signs", value)).tables[0]
    assert table.head == ("", "stay", "stay minus base")
    assert table.rows[0] == ("base", Figure(0.7), Figure(None))


def test_a_figure_and_its_ends_in_one_list_are_a_figure(tmp_path: Path) -> None:
    table = read_result(
        write(tmp_path, "one", {"a": {"x": [0.5, 0.4, 0.6]}, "b": {"x": [0.5, 0.6, 0.7]}})
    ).tables[0]
    assert table.rows == (("a", Figure(0.5, 0.4, 0.6)), ("b", "0.5, 0.6, 0.7"))


def test_a_long_table_is_cut_and_says_so(tmp_path: Path) -> None:
    write(tmp_path, "long", {"rows": [{"prompt": f"sentence {n}", "value": n} for n in range(200)]})
    table = read_results(tmp_path)[0].tables[0]
    assert len(table.rows) + table.omitted == 200
    assert table.folded
    assert words.omitted(table.omitted) in evidence(tmp_path)


@pytest.mark.parametrize("content", ["{", "[1]", "", "\x00"])
def test_a_broken_file_costs_a_sentence_and_not_the_page(tmp_path: Path, content: str) -> None:
    (tmp_path / "broken.json").write_text(content, encoding="utf-8")
    write(tmp_path, "fine", {"value": 0.5})
    shown = evidence(tmp_path)
    assert "It is left out: broken.json " in shown.partition("<details")[0]  # not folded away
    assert 'id="evidence-fine"' in shown


def test_a_file_that_only_looks_like_an_evaluation_is_read_by_its_shape(tmp_path: Path) -> None:
    result = read_result(write(tmp_path, "odd", {"models": {"base": {"cells": {"a": {"p": 0.5}}}}, "k": 10}))
    assert any("p" in row for table in result.tables for row in table.rows)


def test_without_results_the_page_says_so(tmp_path: Path) -> None:
    assert words.NOTHING in evidence(tmp_path)


def test_nothing_in_a_file_is_markup(tmp_path: Path) -> None:
    write(tmp_path, "hostile", {HOSTILE: {HOSTILE: HOSTILE}, "what": HOSTILE, "command": HOSTILE})
    assert HOSTILE not in evidence(tmp_path)


# Plots ----------------------------------------------------------------------------------------


def test_an_axis_holds_every_figure() -> None:
    dots = (Figure(-0.5, -0.6, -0.4), Figure(0.5, 0.3, 1.2))
    plot = Plot("", (Group("", tuple(map(_dot, dots))),))
    assert plot.ends == (-0.6, 1.2)
    assert (plot.place(-0.6), plot.place(1.2)) == (0, 100)


def _dot(figure: Figure) -> Any:
    from negviz.results.types import Dot

    return Dot("base", figure)


# The paper ------------------------------------------------------------------------------------


def compared(value: dict[str, Any], claim: str) -> PaperComparison:
    return next(each for each in comparisons({"openi": value}) if each.claim == claim)


@pytest.mark.parametrize(
    ("interval", "verdict"), [((0.1, 0.2), "agrees"), ((0.5, 0.8), "larger"), ((-0.1, 0.1), "smaller")]
)
def test_the_gain_is_set_beside_the_papers(interval: tuple[float, float], verdict: str) -> None:
    found = compared(evaluation(interval=interval), "negated")
    assert found.verdict == verdict
    assert str(found.ours[0]) in paper.sentence(found)
    assert ("base starts at 0.80" in paper.sentence(found)) == (verdict == "larger")


@pytest.mark.parametrize(
    ("interval", "verdict"), [((-0.3, -0.1), "agrees"), ((-0.1, 0.1), "undecided"), ((0.1, 0.2), "opposite")]
)
def test_a_drop_is_only_one_beyond_its_interval(interval: tuple[float, float], verdict: str) -> None:
    assert compared(evaluation(interval=interval), "positive").verdict == verdict


@pytest.mark.parametrize(("structured", "verdict"), [(0.6, "opposite"), (0.75, "undecided"), (0.9, "agrees")])
def test_over_fitting_needs_structured_prompts_to_be_ahead(structured: float, verdict: str) -> None:
    assert compared(evaluation(structured=structured), "structured").verdict == verdict


@pytest.mark.parametrize(("tuned", "verdict"), [(0.5, "agrees"), (0.05, "opposite")])
def test_of_the_share_of_the_cue_only_the_direction_is_compared(tuned: float, verdict: str) -> None:
    shares = {name: [share, share - 0.01, share + 0.01] for name, share in (("base", 0.1), ("con2", tuned))}
    signs = {"signatures": {name: {"blindness": {"cue_share": share}} for name, share in shares.items()}}
    (found,) = comparisons({}, signs)
    assert found.verdict == verdict
    assert "only the direction compares" in paper.sentence(found)


@pytest.mark.parametrize(
    ("ends", "verdict"), [((0.1, 0.3), "agrees"), ((-0.1, 0.1), "undecided"), ((-0.3, -0.1), "opposite")]
)
def test_con2_is_ahead_of_con1_only_beyond_its_interval(ends: tuple[float, float], verdict: str) -> None:
    record = {"p_at_k_minus_reference": sum(ends) / 2, "p_at_k_minus_reference_ci": list(ends)}
    settings = {"100% distractors": {"natural/absent": record}}
    (found,) = comparisons({}, None, {"reference": "0% distractors", "films": {"openi": settings}})
    assert found.verdict == verdict
    assert str(found.ours[0]) in paper.sentence(found)


def test_a_claim_is_a_row_with_a_plain_sentence_and_every_collection() -> None:
    beside = comparisons({"openi": evaluation(), "nih": evaluation(structured=0.6)})
    table = paper.in_rows(beside)
    assert table.head == ("claim", "the paper", "here", "Open-i", "NIH")
    assert [row[0] for row in table.rows] == [
        paper.CLAIMS[claim] for claim in ("negated", "positive", "structured")
    ]
    assert table.rows[2][2] == paper.sentence(compared(evaluation(), "structured"))


def test_findings_that_the_paper_does_not_ask_for_are_not_compared() -> None:
    value = evaluation()
    value["models"]["base"]["prompts"][0]["finding"] = "edema"
    assert comparisons({"openi-findings": value}) == ()


def test_only_published_numbers_are_called_the_papers() -> None:
    assert set(paper.THEIRS.values()) == {
        "about +15 %",
        "a slight drop",
        "CON2 is ahead",
        "over-fits structured prompts",
        "0.101 → 0.127",
    }


def test_all_five_claims_stand_on_top_in_figures_of_the_files() -> None:
    shown = str(evidence())
    compared = paper.read_comparisons(RESULTS)
    table, earlier = paper.in_rows(compared), {each.claim for each in compared if each.earlier}
    assert [row[0] for row in table.rows] == [
        f"{said}, models before the present ones" if claim in earlier else said
        for claim, said in paper.CLAIMS.items()
    ]
    on_top = shown.partition('<details class="nv-fold nv-theme">')[0]
    for row in table.rows:
        assert all(str(escape(cell)) in on_top for cell in row)
    gain = read_evaluations()["openi"]["models"]["con2"]["cells"]["all/absent"]
    assert f"{gain['minus_base']:+.2f}" in on_top


BAD_FILES = {
    "mixed": '{"runs": [{"a": 1}, "text", 3, ["b", {"c": [null, "d", [1, "e"]]}]]}',
    "deep": '{"a": ' + "[" * 90_000 + "]" * 90_000 + "}",
    "deeper than any": '{"a": ' + '{"b": ' * 500 + "1" + "}" * 501,
    "cut": '{"models": {"base": {"cells": ',
    "list": "[1, 2]",
    "empty": "",
    "nan": '{"a": NaN}',
    "huge": '{"a": 1' + "0" * 400 + ', "b": {"c_ci": [0, 1e300], "c": 5}}',
    "twice": '{"a": 1, "a": 2}',
    "surrogate": '{"a": "\\ud800"}',
    "evaluation of text": '{"models": {"base": {"cells": {"all/absent": "x"}, "prompts": [3]}}}',
    "evaluation of nothing": '{"models": {}, "k": 10}',
    "chance of text": '{"models": {"a": {"cells": {"x": {"n": 1, "chance": "x"}}, "prompts": []}}, "k": 1}',
    "experiment": '{"experiment": "x", "films": {"openi": {}}, "reference": 3}',
    "tuning": '{"methods": {}, "base": {"auroc_by_fold": []}, "con1_multi_positive": {"lr": 1}}',
    "training free": '{"against_tuned": [], "evaluations": {}, "tallies": []}',
    "generalisation": '{"conditions": {"a": {}}, "precision_at": 10}',
    "diagnosis": '{"signatures": [1, "x"]}',
    "experiment-scaling": '{"films": {"openi": [1]}, "reference": "0% distractors"}',
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_named_and_the_rest_shows(name: str, tmp_path: Path) -> None:
    (tmp_path / "openi.json").write_bytes((RESULTS / "openi.json").read_bytes())
    file = name if name in ("diagnosis", "experiment-scaling") else "other"
    (tmp_path / f"{file}.json").write_text(BAD_FILES[name])
    shown = str(evidence(tmp_path))
    assert 'id="evidence-openi"' in shown
    assert 'id="evidence-paper"' in shown
    assert f'id="evidence-{file}"' in shown


def test_what_is_no_file_is_named_and_the_rest_shows(tmp_path: Path) -> None:
    (tmp_path / "openi.json").write_bytes((RESULTS / "openi.json").read_bytes())
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "link.json").symlink_to(tmp_path / "nowhere")
    results = {result.name: result.problem for result in read_results(tmp_path)}
    assert not results.pop("openi")
    assert all(problem.startswith("It is left out: ") for problem in results.values())
    assert str(evidence(tmp_path)).count("It is left out") == 3
