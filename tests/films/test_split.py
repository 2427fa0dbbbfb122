"""The split that is drawn where a manifest has none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from negviz.films.collection import Collection, open_collection


def opened(folder: Path, *, studies: int = 60, films: int = 2, more: str = "") -> Collection:
    """Studies of some films each, by turns with an effusion and without, and ten that do not say."""
    column, _, value = more.partition("=")
    rows = [f"image,findings,denied,uid{',' * bool(column)}{column}"]
    for study in range(2 * studies + 10):
        said = "," if study >= 2 * studies else ("effusion,", ",effusion")[study % 2]
        rows += [f"images/{study}-{n}.png,{said},{study}{',' * bool(column)}{value}" for n in range(films)]
    folder.mkdir(exist_ok=True)
    (folder / "manifest.csv").write_text("\n".join(rows), "utf-8")
    return open_collection(folder)


def test_a_test_as_large_on_either_side_and_even_folds_are_drawn_by_study(tmp_path: Path) -> None:
    films = opened(tmp_path / "own")
    parts = {film.uid: (film.split, film.fold) for film in films}
    assert all(parts[film.uid] == (film.split, film.fold) for film in films)  # a study lies in one part
    test = films.select("test")
    assert Counter(film.states("effusion", "present") for film in test) == {True: 30, False: 30}
    folds = Counter((film.fold, film.states("effusion", "present")) for film in films.select("train"))
    assert {folds[fold, has] for fold in "01234" for has in (True, False)} == {18}
    assert "60 test films and 200 training films are drawn by study" in films.notes[-1]


def test_it_is_the_same_for_whoever_opens_the_films_in_whatever_order(tmp_path: Path) -> None:
    films = opened(tmp_path / "own")
    path = tmp_path / "own" / "manifest.csv"
    header, *rows = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([header, *reversed(rows)]), "utf-8")
    again = open_collection(tmp_path / "own")
    assert {f.id: (f.split, f.fold) for f in again} == {f.id: (f.split, f.fold) for f in films}


def test_a_split_that_is_given_stays_and_few_films_are_left_whole(tmp_path: Path) -> None:
    assert {film.split for film in opened(tmp_path / "given", more="split=train")} == {"train"}
    assert {film.split for film in opened(tmp_path / "folds", more="fold=1")} == {""}
    assert {film.split for film in opened(tmp_path / "few", studies=39)} == {""}


def test_films_of_a_split_that_is_ours_were_tuned_on_by_those_models_alone(tmp_path: Path) -> None:
    films = opened(tmp_path / "own")
    assert {film.split for film in films.as_seen_by({films.hash})} == {"test", "train"}
    assert {film.split for film in films.as_seen_by({"another"})} == {"test", ""}
    given = opened(tmp_path / "given", more="split=train")
    assert {film.split for film in given.as_seen_by(set())} == {"train"}


def test_a_column_of_numbers_with_gaps_and_capitals_are_read_as_meant_and_odd_columns_told(
    tmp_path: Path,
) -> None:
    rows = ("image,findings,Split,split,fold", "a.png,effusion,,Train,3.0", "b.png,normal,,TEST,")
    (tmp_path / "manifest.csv").write_text("\n".join(rows), "utf-8")
    films = open_collection(tmp_path)
    assert [(film.split, film.fold) for film in films] == [("train", "3"), ("test", "")]
    assert films.notes == ("Columns that negviz does not read: Split.",)
