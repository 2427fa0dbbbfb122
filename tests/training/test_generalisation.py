"""Prompts worded unlike any in tuning: the file, what counts as right, the figures, and the commands."""

from __future__ import annotations

import argparse
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from negviz.common.files import file_sha256
from negviz.evaluation.cells import EvaluationError
from negviz.evaluation.prompts import PromptFileError, PromptRow, read_prompts, template
from negviz.films.collection import Collection, Film
from negviz.findings import Polarity
from negviz.language.prompt import Mention
from negviz.results.files import read_result
from negviz.retrieval.metrics import auroc
from tests.pictures import figure
from tests.tiny import draw_film
from training.data import bank
from training.data.wordings import Frame, read_frames
from training.measure import generalisation, leave_out, retuned
from training.measure.conditions import Probed, ask, ceiling, measure, records
from training.measure.eligible import benches, held_out_fold
from training.measure.generalisation import FILE, reader
from training.measure.hedges import leaning
from training.measure.questions import Question, read_questions
from training.measure.retuned import Retuned
from training.paths import PROMPTS, RESULTS, Paths
from training.report.dots import draw_leave_out
from training.report.heatmap import draw_conditions

HEDGES = "cannot rule out"
HEADER = "prompt,finding,polarity,kind,phenomenon,mentions\n"


@pytest.fixture(scope="module")
def written() -> list[Question]:
    return read_questions(FILE)


# The file -------------------------------------------------------------------------------------


def test_each_phenomenon_affirms_as_often_as_it_denies(written: list[Question]) -> None:
    counts = Counter((question.phenomenon, question.row.polarity) for question in written)
    phenomena = {question.phenomenon for question in written}
    assert len(phenomena) == 11
    for phenomenon in phenomena - {HEDGES}:
        assert counts[phenomenon, "present"] == counts[phenomenon, "absent"] >= 7
        assert (phenomenon, "uncertain") not in counts
    assert {polarity for name, polarity in counts if name == HEDGES} == {"uncertain"}
    kinds = Counter(question.row.kind for question in written)
    assert 0.8 < kinds["structured"] / kinds["natural"] < 1.25


def test_half_are_of_effusion_and_nine_other_findings_share_the_rest(written: list[Question]) -> None:
    findings = Counter(q.row.finding for q in written if not q.uncertain)
    assert 0.45 < findings["effusion"] / findings.total() < 0.55
    assert len(findings) == 10
    alone = Counter((q.row.finding, q.row.polarity) for q in written if q.alone and not q.uncertain)
    both = [f for f in findings if min(alone[f, "present"], alone[f, "absent"]) >= 2]
    assert len(both) >= 8


def test_no_prompt_shares_a_template_with_another_file(written: list[Question]) -> None:
    mine = {template(question.row.prompt) for question in written}
    for name in ("training", "evaluation", "findings"):
        rows = read_prompts(PROMPTS / f"{name}.csv")
        others = {template(text) for row in rows for text in (row.prompt, row.extra.get("opposite", ""))}
        assert not mine & others
    texts = [question.row.prompt.casefold() for question in written]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("no effusion,effusion,absent,natural,,effusion:absent", "lacks its phenomenon"),
        ("no effusion,effusion,absent,natural,plain,", "lacks its phenomenon or its mentions"),
        ("no effusion,effusion,absent,natural,plain,effusion:present", "must be effusion:absent"),
        ("no effusion,effusion,absent,natural,plain,effusion:absent|heart:present", "is no mention"),
        ("no effusion,effusion,absent,natural,plain,effusion:absent|effusion:present", "twice"),
        ("a,effusion,absent,natural,plain,effusion:absent|nodule:uncertain", "a hedge stands alone"),
    ],
)
def test_a_file_that_does_not_say_what_it_means(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "prompts.csv"
    path.write_text(f"{HEADER}{line}\n", encoding="utf-8")
    with pytest.raises(PromptFileError, match=says):
        read_questions(path)


# What is right --------------------------------------------------------------------------------


def question(said: str, text: str = "", phenomenon: str = "plain") -> Question:
    parts = [part.split(":") for part in said.split("|")]
    polarity: Polarity = parts[0][1]  # type: ignore[assignment]
    mentions = tuple(Mention(f, p, (0, 0)) for f, p in parts)  # type: ignore[arg-type]
    return Question(PromptRow(text or said, parts[0][0], polarity, "natural", {}), phenomenon, mentions)


def film(name: str, has: str = "", denies: str = "", hedges: str = "") -> Film:
    findings, denied, uncertain = (frozenset(said.split()) for said in (has, denies, hedges))
    return Film(name, f"{name}.png", name, "PA", findings, denied, uncertain)


@pytest.mark.parametrize(
    ("has", "denies", "right"),
    [
        ("nodule", "effusion", 1.0),
        ("nodule effusion", "", 0.0),  # one mention fails
        ("", "effusion nodule", 0.0),  # the other one fails
        ("", "nodule", 0.0),  # a failure is enough, whatever the rest
        ("nodule", "", np.nan),  # silence is no denial
        ("normal", "", 0.0),
        ("", "", np.nan),
    ],
)
def test_every_mention_must_hold_and_one_failure_is_enough(has: str, denies: str, right: float) -> None:
    asked = question("effusion:absent|nodule:present")
    np.testing.assert_array_equal(asked.judge([film("a", has, denies)]), [right])


def test_a_hedge_is_judged_as_what_it_hedges_about() -> None:
    asked = question("effusion:uncertain")
    films = [film("a", "effusion"), film("b", "", "effusion"), film("c", hedges="effusion")]
    np.testing.assert_array_equal(asked.judge(films), [1, 0, np.nan])


def test_the_reader_decides_nothing_and_is_counted_apart() -> None:
    heard, missed = question("effusion:absent", "no effusion"), question("effusion:absent", "dry as a bone")
    assert (heard.read_right(), missed.read_right()) == (True, False)
    counted = reader([heard, missed])
    assert counted["all"]["read_right"] == 0.5
    assert counted["plain/absent"]["n"] == 2


# Figures --------------------------------------------------------------------------------------

FILMS = Collection(
    "drawn",
    tuple(
        film(f"{n:02}", "effusion" if n < 5 else "", "" if n < 5 else "effusion nodule") for n in range(10)
    ),
)
PLACES = np.linspace(1, 0.1, 10).astype(np.float32)  # how far each film lies along the first axis
VECTORS = np.stack([PLACES, np.sqrt(1 - PLACES**2)], axis=1)
TOWARDS, ACROSS = [1.0, 0.0], [-1.0, 0.0]


class Said:
    """A model that puts each text where it is told to."""

    def __init__(self, **places: list[float]) -> None:
        self._places = places

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([self._places[text] for text in texts], np.float32)


QUESTIONS = [
    question("effusion:present", "yes"),
    question("effusion:absent", "no", "lay words"),
    question("effusion:absent", "never", "lay words"),
    question("effusion:uncertain", "maybe", HEDGES),
    question("nodule:present", "spot"),
]
BASE = Said(yes=TOWARDS, no=TOWARDS, never=TOWARDS, maybe=TOWARDS, spot=TOWARDS)
CON2 = Said(yes=TOWARDS, no=ACROSS, never=TOWARDS, maybe=[0.0, 1.0], spot=TOWARDS)


def test_cells_are_means_over_prompts_and_differences_over_the_same_draws() -> None:
    asked = ask(QUESTIONS, FILMS, k=4, bootstrap=50)
    measured = {"base": measure(asked, BASE, VECTORS), "con2": measure(asked, CON2, VECTORS)}
    found = records(asked, measured)
    lay = {name: found[name]["phenomena"]["lay words/absent"] for name in found}
    assert (lay["base"]["auroc"], lay["con2"]["auroc"]) == (0.0, 0.5)  # one of its two prompts is turned
    assert (lay["base"]["p_at_k"], lay["con2"]["p_at_k"]) == (0.0, 0.5)
    assert lay["con2"]["auroc_minus_base"] == 0.5
    assert lay["base"]["auroc_minus_con2"] == -0.5
    assert lay["base"]["auroc_minus_base"] is None
    assert lay["con2"]["n"] == 2
    assert lay["con2"]["chance"] == 0.5
    low, high = lay["con2"]["auroc_ci"]
    assert 0 <= low <= 0.5 <= high <= 1
    assert found["con2"]["findings"]["effusion/present"]["auroc"] == 1.0
    assert found["con2"]["kinds"]["all/absent"] == found["con2"]["kinds"]["natural/absent"] | {
        key: found["con2"]["kinds"]["all/absent"][key] for key in lay["con2"] if key.endswith("_ci")
    }  # the same prompts, drawn by another seed


def test_what_too_few_films_can_tell_is_listed_and_not_measured() -> None:
    asked = ask(QUESTIONS, FILMS, bootstrap=10)
    assert asked.not_measured["findings"] == ["nodule/present"]
    assert list(asked.cells["findings"]) == ["effusion/present", "effusion/absent"]
    fewer = replace(FILMS, films=FILMS.films[1:])  # four films with effusion
    with pytest.raises(EvaluationError, match="fewer than 5"):
        ask(QUESTIONS, fewer, bootstrap=10)
    assert ask(QUESTIONS, fewer, bootstrap=10, fewest=4).measured.tolist() == [True] * 4 + [False]
    with pytest.raises(EvaluationError, match="no films"):
        ask(QUESTIONS, replace(FILMS, films=()))


def test_a_finding_is_measured_where_it_is_spoken_of_alone() -> None:
    both = question("effusion:absent|nodule:absent", "none")
    asked = ask([QUESTIONS[0], both], FILMS, bootstrap=10)
    assert list(asked.cells["findings"]) == ["effusion/present"]
    assert "plain/absent" in asked.cells["phenomena"]


def test_the_ceiling_of_two_mentions_is_that_of_the_less_sure() -> None:
    both = question("effusion:absent|nodule:absent", "none")
    asked = ask([QUESTIONS[0], both, QUESTIONS[3]], FILMS, bootstrap=10)
    effusion, nodule = np.linspace(1, -1, 10), np.array([-3.0, 0.2, *[-3.0] * 8])
    reach = ceiling(asked, Probed(FILMS, {"effusion": effusion, "nodule": nodule}))
    assert reach["auroc"][0] == 1.0
    assert reach["auroc"][1] == auroc(asked.relevance[1], np.minimum(-effusion, -nodule))
    assert np.isnan(reach["auroc"][2])  # a hedge has no ceiling
    unknown = ceiling(asked, Probed(FILMS, {"effusion": effusion, "nodule": None}))
    assert unknown["auroc"][0] == 1.0
    assert np.isnan(unknown["auroc"][1])


def test_a_probe_is_fitted_on_the_films_it_is_given() -> None:
    films = tuple(replace(each, id=f"{each.id}{n}", uid=f"{each.id}{n}") for n in range(2) for each in FILMS)
    collection = Collection("twice", films)
    halves = [collection.where(lambda each, n=n: each.id.endswith(n)) for n in "01"]  # type: ignore[misc]
    twice = np.concatenate([VECTORS, VECTORS])
    probed = Probed.of(["effusion", "edema"], collection, twice, train=halves[0], test=halves[1])
    assert probed.sure["edema"] is None
    sure = probed.sure["effusion"]
    assert sure is not None
    assert sure[:5].min() > sure[5:].max()


def test_a_hedge_lies_between_where_it_leans_less_than_what_affirms() -> None:
    asked = ask(QUESTIONS[:4], FILMS, bootstrap=20)
    blind = leaning(asked, measure(asked, BASE, VECTORS))
    assert blind is not None
    assert (blind["affirming"], blind["hedging"], blind["denying"], blind["between"]) == (1, 1, 1, 0)
    model = Said(yes=TOWARDS, no=ACROSS, never=ACROSS, maybe=[-0.2, 0.0])
    assert leaning(asked, measure(asked, model, VECTORS))["between"] == 0  # type: ignore[index]
    between = FILMS.films[:3] + FILMS.films[5:9] + FILMS.films[3:5] + FILMS.films[9:]
    mixed = ask(QUESTIONS[:4], replace(FILMS, films=between), bootstrap=20)
    split = np.stack([PLACES, np.sqrt(1 - PLACES**2), np.zeros(10, np.float32)], axis=1)
    split[:, 2] = [1, 1, 1, 0, 0, 0, 0, 1, 1, 0]  # where effusion lies
    truth = Said(yes=[0, 0, 1.0], no=[0, 0, -1.0], never=[0, 0, -1.0], maybe=[1.0, 0, 0])
    found = leaning(mixed, measure(mixed, truth, split))
    assert found is not None
    assert (found["affirming"], found["denying"], found["between"]) == (1, 0, 1)
    assert found["hedging"] == auroc(mixed.relevance[0], PLACES)
    assert leaning(ask(QUESTIONS[:3], FILMS), measure(asked, BASE, VECTORS)) is None


def test_what_is_committed_is_of_these_prompts_and_its_picture_of_it() -> None:
    results = json.loads((RESULTS / "generalisation.json").read_text("utf-8"))
    assert results["data"]["prompts_hash"] == file_sha256(FILE)
    assert (RESULTS / "generalisation.svg").read_text("utf-8") == draw_conditions(results)


# Commands -------------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def _few_frames() -> Iterator[None]:
    """Composed sentences of five frames a kind: what is left out matters here, not how much is learnt."""
    few: dict[str, list[Frame]] = {}
    for frame in read_frames():
        few.setdefault(frame.kind, []).append(frame)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bank, "read_frames", lambda: [f for kind in few.values() for f in kind[:5]])
        yield


@pytest.fixture(scope="module")
def sketches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty drawn films: ten for tests and five folds of ten."""
    folder = tmp_path_factory.mktemp("sketches")
    (folder / "images").mkdir()
    lines = ["id,image,uid,findings,denied,split,fold"]
    for n in range(60):
        effusion, heart = n % 2 == 0, n % 4 < 2
        draw_film(n, effusion=effusion, big_heart=heart, side=32).save(folder / "images" / f"s{n:02}.png")
        has = ["effusion"] * effusion + ["cardiomegaly"] * heart
        lacks = [f for f in ("effusion", "cardiomegaly", "nodule") if f not in has]
        split = "test," if n < 10 else f"train,{n % 5}"
        lines.append(f"s{n:02},images/s{n:02}.png,{n},{'|'.join(has)},{'|'.join(lacks)},{split}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def family(family_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny family, whose con1 is a stranger, con2 says how it was tuned, and a con3 beside them."""
    folder = tmp_path_factory.mktemp("generalisation") / "family"
    shutil.copytree(family_folder, folder)
    _say(folder, "con2", {"method": "con2", "epochs": 1, "lr": 1e-3, "batch": 8})
    shutil.copytree(folder / "con2", folder / "con3")
    record = json.loads((folder / "family.json").read_text("utf-8"))
    record["columns"].append("con3")
    weights = record["models"]["con2"]
    record["models"]["con3"] = weights | {"file": weights["file"].replace("con2", "con3")}
    (folder / "family.json").write_text(json.dumps(record), encoding="utf-8")
    few = {"steps": 2, "prompts": 2, "sentences": 2, "composed": 4, "films": 2}
    _say(folder, "con3", {"method": "con3", **few})
    return folder


def _say(folder: Path, name: str, training: dict[str, Any]) -> None:
    path = folder / name / "config.json"
    config = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(config | {"training": training}), encoding="utf-8")


@pytest.fixture(scope="module")
def paths(family: Path, sketches: Path) -> Paths:
    return Paths(family, str(sketches), work=family.parent / "cache" / "training")


def test_films_are_held_out_from_models_that_are_tuned_again(paths: Paths) -> None:
    test, held = benches(paths)
    assert list(test.models) == ["base", "con1", "con2", "con3"]
    assert not test.tuned_again
    assert list(held.models) == ["base", "con2", "con3"]  # nobody knows how con1 was tuned
    assert held.tuned_again
    assert {f.fold for f in held.films if f.split == "train"} == {"0"}
    assert not {f.id for f in held.films} & {f.id for f in held.fitted}
    assert {f.fold for f in Retuned(paths, "0").trained} == set("1234")


def test_a_run_is_cached_under_all_that_decides_it(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Retuned(paths, "0")
    first = bench.tuned("con3").encode_text(["no effusion"])
    other = bench.tuned("con3", without="effusion").encode_text(["no effusion"])
    kind = bench.tuned("con3", without="lay words").encode_text(["no effusion"])
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, kind)
    assert bench.tuned("base") is bench.base
    monkeypatch.setattr(retuned, "tune_captions", None)  # from here on nothing can be tuned
    np.testing.assert_array_equal(Retuned(paths, "0").tuned("con3").encode_text(["no effusion"]), first)
    with pytest.raises(TypeError):
        Retuned(paths, "1").tuned("con3")


def test_a_tower_kept_from_no_fold_has_none_held_out(family: Path, tmp_path: Path) -> None:
    assert held_out_fold(family) == "0"
    shutil.copytree(family / "base", tmp_path / "base")
    _say(tmp_path, "base", {"hold_out": "none"})
    assert held_out_fold(tmp_path) == ""


def _run(command: Any, paths: Paths, monkeypatch: pytest.MonkeyPatch, *options: str) -> dict[str, Any]:
    monkeypatch.setenv("NEGVIZ_CACHE", str(paths.work.parent))
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    asked = ["--family", str(paths.family), "--collection", paths.collection, "--bootstrap", "20"]
    assert command.run(parser.parse_args([*asked, *options])) == 0
    written = sorted((paths.family / "results").glob("*.json"))
    found: dict[str, Any] = json.loads(written[-1].read_text("utf-8"))
    return found


def test_the_command_writes_figures_a_picture_and_a_page(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = _run(generalisation, paths, monkeypatch)
    names = list(results["conditions"])
    assert names == [results["command"].rsplit(" ", 1)[-1], f"{names[0]}-held-out"]
    base = results["conditions"][names[1]]["base"]
    assert base["phenomena"]["lay words/present"]["n"] >= 4
    assert "nodule/present" in results["not_measured"][names[1]]["findings"]
    assert results["uncertain"][names[1]]["con2"]["n"] >= 6
    assert set(results["prompts"][names[0]][0]["auroc"]) == {"base", "con1", "con2", "con3"}
    drawn = (paths.family / "results" / "generalisation.svg").read_text("utf-8")
    assert drawn == draw_conditions(results)
    cells = [
        record
        for models in results["conditions"].values()
        for model in models.values()
        for group in ("phenomena", "findings")
        for record in model[group].values()
    ]
    axes = figure(draw_conditions, results).axes
    shown = [value for each in axes for value in np.asarray(each.collections[0].get_array())]
    assert sorted(shown) == sorted(record["auroc"] for record in cells if record["auroc"] is not None)
    read = read_result(paths.family / "results" / "generalisation.json")
    assert read.problem == ""
    assert {len(group.dots) for group in read.plots[0].groups} == {3, 4}


def test_con3_is_asked_about_what_it_was_not_taught(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    results = _run(leave_out, paths, monkeypatch, "--without", "effusion", "nodule", "lay words")
    assert list(results["findings"]) == ["effusion", "nodule"]
    assert results["findings"]["nodule"] == {}  # no film shows one
    (effusion,) = results["findings"]["effusion"].values()  # the shipped models' films are no part of it
    assert effusion["absent"]["n"] > 49
    for key in ("auroc_without", "without_minus_full", "without_minus_base"):
        assert effusion["present"][f"{key}_ci"][0] <= effusion["present"][f"{key}_ci"][1]
    assert list(results["kinds"]) == ["lay words"]
    written = paths.results / "leave-out.json"
    shown, picture = read_result(written), written.with_suffix(".svg").read_text("utf-8")
    assert picture == draw_leave_out(results)
    ElementTree.fromstring(picture)
    assert {table.rows[0][0] for table in shown.tables} == {"effusion"}
    assert {group.label for plot in shown.plots for group in plot.groups} == {"effusion", "lay words"}
    assert {len(group.dots) for plot in shown.plots for group in plot.groups} == {3}


def test_nothing_is_written_where_no_film_can_tell(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EvaluationError, match="films enough"):
        _run(leave_out, paths, monkeypatch, "--without", "nodule")


def test_a_family_without_con3_has_nothing_to_leave_out(
    family_folder: Path, sketches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EvaluationError, match="no con3"):
        _run(leave_out, Paths(family_folder, str(sketches)), monkeypatch)


def test_every_kind_left_out_has_prompts_that_try_it(written: list[Question]) -> None:
    phenomena = {question.phenomenon for question in written}
    assert {name for names in leave_out.KINDS.values() for name in names} == phenomena - {"plain", HEDGES}
    for name in (*leave_out.FINDINGS, *leave_out.KINDS):
        polarities = Counter(question.row.polarity for question in leave_out.questions_on(name))
        assert min(polarities["present"], polarities["absent"]) >= 2
