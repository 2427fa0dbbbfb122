"""Conditions on columns tell films apart as `judge` does, asked of a database that knows nothing of films."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import replace

import pytest

from negviz.films.collection import Collection, Film, judge, judge_all
from negviz.films.verdicts import conditions, facts
from negviz.findings import FINDINGS
from negviz.language.prompt import read_prompt

SENTENCES = (
    "No pleural effusion.",
    "Small left pleural effusion.",
    "No right pleural effusion.",
    "Cardiomegaly without pleural effusion.",
    "No effusion or pneumothorax.",
    "Normal chest.",
    "Possible pleural effusion.",
    "Small left effusion, none on the right.",
    "The patient is standing.",
)


def _films(number: int) -> list[Film]:
    draw = random.Random(0)
    films = [Film("normal", "n.png", "n", findings=frozenset({"normal"}))]
    for name in map(str, range(number)):
        parts: dict[str, set[str]] = {"findings": set(), "denied": set(), "uncertain": set(), "": set()}
        for finding in FINDINGS:
            if finding != "normal":
                parts[draw.choice(list(parts))].add(finding)
        sides = {
            (finding, draw.choice(["left", "right", "both"]))
            for finding in parts["findings"]
            if draw.random() < 0.7
        }
        del parts[""]
        kept = {key: frozenset(value) for key, value in parts.items()}
        films.append(replace(Film(name, "f.png", name), sides=frozenset(sides), **kept))  # type: ignore[arg-type]
    return films


@pytest.mark.parametrize("sentence", SENTENCES)
def test_columns_tell_films_apart_as_judging_them_does(sentence: str) -> None:
    films, prompt = _films(400), read_prompt(sentence)
    rows = [{"id": film.id, **facts(film)} for film in films]
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE TABLE films ({', '.join(rows[0])})")
    database.executemany(f"INSERT INTO films VALUES ({', '.join(f':{name}' for name in rows[0])})", rows)
    judged = {film.id: judge(film, prompt) for film in films}
    for condition, verdict in zip(conditions(prompt), (True, False), strict=True):
        found = {id_ for (id_,) in database.execute(f"SELECT id FROM films WHERE {condition}")}
        assert found == {id_ for id_, said in judged.items() if said is verdict}


def test_the_sentences_tell_all_kinds_of_films_apart() -> None:
    told = {judge(film, prompt) for prompt in map(read_prompt, SENTENCES) for film in _films(400)}
    assert told == {True, False, None}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_films_of_which_the_same_is_known_are_judged_once_and_alike(sentence: str) -> None:
    few = _films(30)
    films = [replace(film, id=f"{film.id} {again}") for again in range(20) for film in few]
    random.Random(1).shuffle(films)
    collection, prompt = Collection("drawn", tuple(films)), read_prompt(sentence)
    assert judge_all(collection, prompt) == [judge(film, prompt) for film in films]
    assert len(collection.kinds[0]) <= len(few)
