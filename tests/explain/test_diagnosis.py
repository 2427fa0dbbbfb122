"""The three failure signatures: of one sentence, and over many prompts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from negviz.explain.diagnosis import (
    Background,
    Blindness,
    Diagnosis,
    DiagnosisError,
    Hallucination,
    diagnose,
    read_backgrounds,
)
from negviz.explain.scale import Histogram, Scale, points
from negviz.films.collection import Collection, Film
from negviz.language.prompt import read_prompt
from negviz.models.encoder import DualEncoder
from negviz.retrieval.answer import Answer, SearchSet, answer, search_sets
from negviz.retrieval.estimate import Estimate, mean_estimates
from training.measure import diagnosis as command

PROMPTS = (
    "prompt,finding,polarity,kind\n"
    "pleural effusion,effusion,present,structured\n"
    "no pleural effusion,effusion,absent,structured\n"
    "no left pleural effusion,effusion,absent,structured\n"
    "pleural effusion is absent,effusion,absent,natural\n"
    "small left pleural effusion,effusion,present,natural\n"
)


@pytest.fixture
def films(models: dict[str, DualEncoder], collection: Collection) -> SearchSet:
    return search_sets(models, collection)[-1]


def found(models: dict[str, DualEncoder], films: SearchSet, text: str) -> dict[str, Diagnosis]:
    given = answer(models, films, text)
    turned: Answer | None = answer(models, films, given.opposite.text) if given.opposite else None
    return diagnose(given, turned, cue_shares={"con2": 0.4})


def test_a_blind_model_shows_what_was_ruled_out(models: dict[str, DualEncoder], films: SearchSet) -> None:
    diagnoses = found(models, films, "no pleural effusion")
    base, con2 = diagnoses["base"], diagnoses["con2"]
    assert base.hallucination is not None
    assert con2.hallucination is not None
    assert base.hallucination.findings == ("effusion",)
    assert base.hallucination.count > base.hallucination.by_chance > con2.hallucination.count
    assert base.blindness is not None
    assert con2.blindness is not None
    assert base.blindness.count > con2.blindness.count
    assert base.blindness.cue_share is None
    assert con2.blindness.cue_share == 0.4
    assert base.collapse is not None
    assert con2.collapse is not None
    assert base.collapse.cosine > con2.collapse.cosine
    assert base.value("collapse") == base.collapse.cosine
    assert base.value("blindness") == base.blindness.count / 10
    assert con2.value("hallucination") == con2.hallucination.count / con2.hallucination.judged


def test_what_is_not_asked_for_is_not_measured(models: dict[str, DualEncoder], films: SearchSet) -> None:
    asked = found(models, films, "pleural effusion")["base"]
    assert asked.hallucination is None
    assert asked.value("hallucination") is None
    assert asked.collapse is not None
    odd = found(models, films, "films from tuesday")["base"]
    assert (odd.collapse, odd.blindness, odd.hallucination) == (None, None, None)
    assert odd.value("collapse") is odd.value("blindness") is None
    assert found(models, films, "no normal film")["base"].hallucination is None


class Flat:
    """Ranks six films in their order, whatever is said."""

    tower_id = "tower"
    name = "base"
    reads = staticmethod(read_prompt)

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        return np.ones((len(texts), 1), np.float32)


def test_what_chance_would_do_by_hand() -> None:
    """Six films: effusion, silent, effusion, then three without."""
    said: list[dict[str, Any]] = [{"findings": frozenset({"effusion"})}, {}]
    said += [{"findings": frozenset({"effusion"})}, *[{"denied": frozenset({"effusion"})}] * 3]
    six = Collection("six", tuple(Film(str(n), f"{n}.png", str(n), **film) for n, film in enumerate(said)))
    searched = SearchSet("six/all", six, {"tower": np.linspace(1, 0, 6, dtype=np.float32)[:, None]})
    models = {"base": cast("DualEncoder", Flat())}
    given = answer(models, searched, "no effusion", k=3)
    turned = answer(models, searched, "effusion", k=2)
    found = diagnose(given, turned)["base"]
    assert found.blindness is not None
    assert found.blindness.stays == (True, True, False)
    assert found.blindness.by_chance == 1.0  # three films shown, each among two of six: 3 · 2/6
    assert found.hallucination is not None
    assert found.hallucination.shows == (True, None, True)
    assert found.hallucination.by_chance == pytest.approx(0.8)  # two known films, effusion in 2 of 5 known
    assert found.value("hallucination") == 1.0


def test_estimates_know_whether_they_leave_zero() -> None:
    assert Estimate(0.3, 0.1, 0.5).sign == 1
    assert Estimate(-0.3, -0.5, -0.1).sign == -1
    assert Estimate(0.3, -0.1, 0.5).sign == Estimate(0.3).sign == 0
    assert Estimate(0.25, 0.1, 0.5).record("gap") == {"gap": 0.25, "gap_ci": [0.1, 0.5]}
    mean = mean_estimates(np.array([[1.0, 2.0, 3.0, np.nan]]))[0]
    assert mean.value == 2
    assert mean.low is not None
    assert mean.low < 2


def test_places_along_an_axis() -> None:
    scale = Scale(-1.0, 1.0)
    assert [scale.place(number) for number in (-2, -1, 0, 1)] == [0, 0, 50, 100]
    assert Scale(0.0, 1.0, turned=True).place(0.25) == 75
    assert Scale.around([]) == Scale(0.0, 1.0)
    assert Scale.around([0.2, 0.4]).low < 0.2
    assert points(Scale(0, 1), Scale(0, 1), [0, 1], [1, 0.5]) == "0,100 100,50"
    drawn = Histogram.of([0.0, 0.0, 1.0], 1.0, Scale(0, 1), 4)
    assert drawn == Histogram((100.0, 0.0, 0.0, 50.0), 3)
    assert Histogram.of([], None, Scale(0, 1), 2).mine is None


def test_collapse_is_the_cosine_of_a_sentence_and_its_opposite(
    models: dict[str, DualEncoder], films: SearchSet
) -> None:
    one, other = models["con1"].encode_text(["no pleural effusion", "pleural effusion"])
    cosine = found(models, films, "no pleural effusion")["con1"].value("collapse")
    assert cosine == pytest.approx(float(one @ other), abs=1e-5)


def test_a_film_shows_one_of_several_findings_or_it_is_not_known() -> None:
    seen = Hallucination(("effusion", "edema"), (True, None, False, True, None), 1.2)
    assert (seen.count, seen.judged) == (2, 3)
    silent = Hallucination(("effusion",), (None, None), 0.0)
    assert Diagnosis("base", None, None, seen).value("hallucination") == pytest.approx(2 / 3)
    assert Diagnosis("base", None, None, silent).value("hallucination") is None
    blind = Blindness((True, False, True, True), 1.0, None)
    assert Diagnosis("base", None, blind, None).value("blindness") == 0.75


def test_what_is_ruled_out_in_part_or_said_both_ways(
    models: dict[str, DualEncoder], films: SearchSet
) -> None:
    two = found(models, films, "no pleural effusion or pneumothorax")["base"].hallucination
    assert two is not None
    assert two.findings == ("effusion", "pneumothorax")
    hits = answer(models, films, "no pleural effusion or pneumothorax").columns[0].hits
    has = [films.collection.by_id(hit.id) for hit in hits]
    both = [(film.states("effusion", "present"), film.states("pneumothorax", "present")) for film in has]
    assert two.shows == tuple(True if True in pair else None if None in pair else False for pair in both)
    assert (
        found(models, films, "effusion on the left, no effusion on the right")["base"].hallucination is None
    )


def test_a_background_by_hand() -> None:
    given = Background({}, {}, None, None, tuple(np.linspace(0.2, 0.6, 101)))
    assert given.bulk == pytest.approx((0.22, 0.58))
    assert [given.alike(cosine) for cosine in (0.1, 0.2, 0.3, 0.6, 0.7)] == pytest.approx([0, 0, 0.25, 1, 1])


# python -m training diagnosis -----------------------------------------------------------------


@pytest.fixture
def results(
    family_folder: Path, collection_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    (tmp_path / "prompts.csv").write_text(PROMPTS, "utf-8")
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    monkeypatch.setattr(command, "Paths", lambda family: argparse.Namespace(results=tmp_path))
    options = ["--family", str(family_folder), "--collection", str(collection_folder), "--split", "all"]
    options += ["--prompts", str(tmp_path / "prompts.csv"), "--bootstrap", "50"]
    assert command.run(parser.parse_args(options)) == 0
    return tmp_path / "diagnosis.json"


def test_the_command_measures_every_model_over_the_prompts(
    results: Path, models: dict[str, DualEncoder], films: SearchSet
) -> None:
    value = json.loads(results.read_text("utf-8"))
    base, con2 = (value["signatures"][name] for name in ("base", "con2"))
    assert base["hallucination"]["contrary"] > con2["hallucination"]["contrary"]
    assert con2["blindness"]["stay_minus_base"] < 0
    low, high = con2["collapse"]["separation_ci"]
    assert low <= con2["collapse"]["separation"] <= high
    assert con2["blindness"]["stay_by_chance"] == pytest.approx(10 / len(films))
    assert value["command"].startswith("python -m training diagnosis")
    rows = {row["prompt"]: row for row in value["prompts"]["base"]}
    here = found(models, films, "no pleural effusion")["base"]
    row = rows["no pleural effusion"]
    assert row["cosine"] == pytest.approx(here.value("collapse"), abs=1e-5)
    assert row["stay"] == pytest.approx(here.value("blindness"))
    assert row["contrary"] == pytest.approx(here.value("hallucination"))
    assert rows["pleural effusion"]["contrary"] is None


def test_a_sentence_lies_among_the_prompts(results: Path, models: dict[str, DualEncoder]) -> None:
    backgrounds = read_backgrounds(models, results)
    assert set(backgrounds) == set(models)
    base = backgrounds["base"]
    assert len(base.values["collapse"]) == 5
    assert len(base.values["hallucination"]) == 3
    assert base.alike(-1) == 0
    assert base.alike(1) == 1
    assert base.bulk[0] <= base.bulk[1]
    assert base.means["blindness"].low is not None


def test_what_other_models_measured_is_not_shown(
    results: Path, models: dict[str, DualEncoder], tmp_path: Path
) -> None:
    value = json.loads(results.read_text("utf-8"))
    for row in value["prompts"]["con1"]:
        row["cosine"] -= 0.2
    results.write_text(json.dumps(value), "utf-8")
    assert set(read_backgrounds(models, results)) == {"base", "con2"}
    assert read_backgrounds(models, tmp_path / "none.json") == {}
    results.write_text("{}", "utf-8")
    assert read_backgrounds(models, results) == {}


@pytest.mark.parametrize(("moved", "shown"), [(0.004, True), (-0.004, True), (0.006, False), (-0.006, False)])
def test_a_cosine_may_differ_as_much_as_between_machines(
    results: Path, models: dict[str, DualEncoder], moved: float, *, shown: bool
) -> None:
    value = json.loads(results.read_text("utf-8"))
    for row in value["prompts"]["con1"]:
        row["cosine"] += moved
    results.write_text(json.dumps(value), "utf-8")
    assert ("con1" in read_backgrounds({"con1": models["con1"]}, results)) is shown


def test_nothing_to_measure_says_so() -> None:
    with pytest.raises(DiagnosisError, match="nothing to measure"):
        command.make_task([], [], np.arange(0))
