"""`negviz.evaluate` and `negviz.diagnose`: the figures of the command and of the page, as a table."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import negviz
from negviz.common.errors import NegvizError
from negviz.explain.diagnosis import diagnose
from negviz.films.collection import Collection, Film, Split
from negviz.models.encoder import DualEncoder
from negviz.retrieval.answer import answer, search_sets
from training.__main__ import main
from training.measure.evaluate import evaluate

ROOT = Path(__file__).parents[2]
DENIED, AFFIRMED = "No pleural effusion.", "Small left pleural effusion."
Models = dict[str, DualEncoder]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.csv"
    path.write_text(
        "prompt,finding,polarity,kind\n"
        "no pleural effusion,effusion,absent,structured\n"
        "pleural effusion,effusion,present,structured\n"
        "the pleural spaces are clear,effusion,absent,natural\n"
        "possible effusion,effusion,uncertain,natural\n",
        encoding="utf-8",
    )
    return path


def test_the_cells_are_those_of_the_command(
    models: Models, collection: Collection, family_folder: Path, collection_folder: Path, prompts: Path
) -> None:
    table = negviz.evaluate(models, collection, prompts, k=3, bootstrap=50)
    wanted = evaluate(
        family=family_folder, collection=str(collection_folder), prompts=prompts, k=3, bootstrap=50
    )["models"]
    rows = table.rows()
    assert {(row["model"], row["cell"]) for row in rows} == {
        (name, cell) for name, results in wanted.items() for cell in results["cells"]
    }
    for row in rows:
        cell = wanted[row["model"]]["cells"][row["cell"]]
        for name in ("n", "p_at_k", "ap", "auroc", "chance", "ceiling"):
            assert row[name] == cell[name]
        assert [row["p_at_k_low"], row["p_at_k_high"]] == cell["p_at_k_ci"]
        assert (row["minus_base"] is None) == (row["model"] == "base")
    assert [(each.prompt, each.why) for each in table.not_judged] == [
        ("possible effusion", "has no right answer: it hedges")
    ]


def test_protocols_give_the_figures_of_the_command(
    models: Models, collection: Collection, family_folder: Path, collection_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "protocols.json"
    options = ("--family", family_folder, "--collection", collection_folder, "--json", out, "--bootstrap", 20)
    assert main(["protocols", *map(str, options)]) == 0
    written = json.loads(out.read_text("utf-8"))["protocols"]
    rows = negviz.protocols(models, collection, bootstrap=20).rows()
    assert {row["protocol"] for row in rows} >= {"affirmation-control", "mcq-neg", "absence-audit"}
    for row in rows:
        (figures,) = (
            each
            for each in written[row["protocol"]]["drawn"]
            if (each["quantity"], each["group"]) == (row["figure"], row["over"])
        )
        found = figures["models"][row["model"]]
        assert row["value"] == pytest.approx(found["value"], abs=1e-6)
        if found["value_ci"] is not None:
            assert [row["value_low"], row["value_high"]] == pytest.approx(found["value_ci"], abs=1e-6)
    silent = replace(collection, films=tuple(Film(f.id, f.image, f.uid, split="test") for f in collection))
    with pytest.raises(NegvizError, match=r"to show or to lack a finding\.$"):
        negviz.protocols(models, silent)


@pytest.mark.parametrize("finding", ["effusion", "cardiomegaly"])
def test_each_sentence_is_measured_over_its_findings_list(
    models: Models, collection: Collection, finding: str
) -> None:
    films = tuple(
        replace(film, lists=frozenset({"effusion" if film.split == "test" else "cardiomegaly"}))
        for film in collection
    )
    listed, text = replace(collection, films=films), f"No {finding}."
    given = answer(models, search_sets(models, listed)[0], text, k=3)
    rows = negviz.evaluate(models, listed, [text, "Pneumothorax."], k=3, bootstrap=5).rows()
    found = {row["model"]: row["p_at_k"] for row in rows if row["cell"] == "natural/absent"}
    assert found == {
        column.model: pytest.approx(column.tally.matches / column.tally.judged, abs=1e-6)
        for column in given.columns
    }
    chance = given.tally.matches / given.tally.judged
    assert [row["chance"] for row in rows if row["cell"] == "natural/absent"] == pytest.approx(
        [chance] * len(models), abs=1e-6
    )
    contrary = [row["contrary_by_chance"] for row in negviz.diagnose(models, listed, text, k=3).rows()]
    assert contrary == pytest.approx([1 - chance] * len(models))


def test_what_cannot_be_judged_is_listed(models: Models, collection: Collection) -> None:
    table = negviz.evaluate(
        models,
        collection,
        [DENIED, "Good morning.", "No effusion or pneumothorax.", "Possible effusion.", AFFIRMED],
        k=3,
        bootstrap=20,
    )
    assert {(row["cell"], row["n"]) for row in table.rows()} >= {
        ("natural/absent", 1),
        ("natural/present", 1),
    }
    assert [each.prompt for each in table.not_judged] == [
        "Good morning.",
        "No effusion or pneumothorax.",
        "Possible effusion.",
    ]
    assert all(repr(each.prompt) in str(table) for each in table.not_judged)


def test_a_side_is_judged_where_films_record_sides_as_an_answer_judges_it(
    models: Models, collection: Collection
) -> None:
    sentences = ["No left effusion.", "Left effusion."]
    unknown = negviz.evaluate(models, collection, sentences, k=3, bootstrap=5)
    assert [each.prompt for each in unknown.not_judged] == sentences[:1]
    films = [
        replace(film, sides=frozenset({("effusion", ("left", "right")[place // 2 % 2])}))
        if "effusion" in film.findings
        else film
        for place, film in enumerate(collection)
    ]
    known = replace(collection, films=tuple(films))
    table = negviz.evaluate(models, known, sentences, k=3, bootstrap=5)
    assert table.not_judged == ()
    (searched, *_) = search_sets(models, known)
    for sentence, cell in zip(sentences, ("natural/absent", "natural/present"), strict=True):
        tally = answer(models, searched, sentence, k=3).tally
        chances = {row["chance"] for row in table.rows() if row["cell"] == cell}
        assert chances == {round(tally.matches / tally.judged, 6)}


@pytest.mark.parametrize("prompts", ["Good morning.", ["Possible effusion."], []])
def test_with_nothing_to_judge_one_sentence_says_so(
    prompts: str | list[str], models: Models, collection: Collection
) -> None:
    for measure in (negviz.evaluate, negviz.diagnose):
        with pytest.raises(NegvizError, match=r"^There is no sentence to judge films by.*\.$"):
            measure(models, collection, prompts)


def test_test_films_are_ranked_where_there_are_any_or_what_is_asked_for(
    models: Models, collection: Collection
) -> None:
    def title(films: Collection, split: Split | None = None) -> str:
        return negviz.evaluate(models, films, DENIED, split=split, k=3, bootstrap=5).title

    assert title(collection) == "8 films of drawn (test), k = 3"
    assert title(collection, "all") == "24 films of drawn (all), k = 3"
    assert title(collection.select("train")) == "16 films of drawn (all), k = 3"
    with pytest.raises(NegvizError, match="has no test films"):
        negviz.diagnose(models, collection.select("train"), DENIED, split="test")


def test_a_diagnosis_is_that_of_the_page(models: Models, collection: Collection) -> None:
    (films, _) = search_sets(models, collection)
    given = answer(models, films, DENIED, k=3)
    assert given.opposite is not None
    wanted = diagnose(given, answer(models, films, given.opposite.text, k=3))
    rows = negviz.diagnose(models, collection, [DENIED, AFFIRMED], k=3).rows()
    for row in rows[: len(models)]:
        found = wanted[str(row["model"])]
        assert row["cosine"] == found.value("collapse")
        assert row["stay"] == found.value("blindness")
        assert row["contrary"] == found.value("hallucination")
        assert isinstance(row["cue_share"], float)
    assert [row["contrary"] for row in rows[len(models) :]] == [None] * len(models)  # nothing is ruled out


def test_a_table_is_written_and_read_as_its_rows(
    models: Models, collection: Collection, tmp_path: Path
) -> None:
    table = negviz.evaluate(models, collection, DENIED, k=3, bootstrap=20)
    table.to_csv(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    assert written == [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in table.rows()
    ]
    title, names, *lines = str(table).splitlines()
    assert title == table.title
    assert names.split()[:3] == ["model", "cell", "n"]
    assert len(lines) == len(table.records)
    assert len({line.index("natural/absent") for line in lines if "natural/absent" in line}) == 1  # aligned


def test_the_examples_of_the_readme_run(
    models: Models,
    collection: Collection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    readme = (ROOT / "negviz" / "README.md").read_text(encoding="utf-8")
    example, notebook = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    monkeypatch.setattr(negviz, "load_models", lambda _: models)
    monkeypatch.setattr(negviz, "open_collection", lambda _: collection)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "negviz/README.md", "exec"), {})  # noqa: S102 - our own documentation
    assert capsys.readouterr().out.count("8 films of drawn (test), k = 10") == 2
    assert (tmp_path / "table.csv").is_file()
    exec(compile(notebook, "negviz/README.md", "exec"), {})  # noqa: S102
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*models]
    assert all(
        f"{kind}/{polarity}" in line
        for line in lines
        for kind in ("structured", "natural")
        for polarity in ("absent", "present")
    )


def test_a_name_is_imported_when_it_is_first_asked_for() -> None:
    there = "print('negviz.findings' in sys.modules, 'torch' in sys.modules)"
    look = f"import sys, negviz; {there}; negviz.FINDINGS; {there}"
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False False", "True False"]
    assert {"Table", "evaluate", "search"} <= {*dir(negviz)}
    assert all(hasattr(negviz, name) for name in dir(negviz))
