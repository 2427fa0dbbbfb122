"""Which films an archive is to hold, and what is said without the engines that make it."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from negviz.films.archive import ENGINES
from negviz.films.collection import CollectionError, open_collection
from training.__main__ import main
from training.build.archive.listing import list_films

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("missing", ["lancedb", "ray"])
def test_without_its_engines_it_says_which_to_install(
    missing: str,
    collection_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["archive", "--films", str(collection_folder), "--to", str(tmp_path / "made")]) == 2
    said = capsys.readouterr().err
    assert said == f"archive: Archives need two more packages; run: {ENGINES}\n"
    assert not (tmp_path / "made").exists()


def test_an_archive_that_is_opened_without_them_says_so_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "films.lance").mkdir()
    monkeypatch.setitem(sys.modules, "lancedb", None)
    with pytest.raises(CollectionError, match="Archives need two more packages"):
        open_collection(tmp_path)


def test_what_is_to_be_installed_is_the_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["archive"]
    assert f"pip install {' '.join(map(repr, extra))}" == ENGINES


def test_films_of_a_manifest_keep_what_is_known_of_them(collection_folder: Path) -> None:
    assert list_films(collection_folder).films == open_collection(collection_folder).films


def test_films_of_a_folder_are_called_by_their_paths(tmp_path: Path) -> None:
    for name in ("b/1.png", "a/1.PNG", "a/2.dcm", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    films = list_films(tmp_path).films
    assert [(film.id, film.image) for film in films] == [
        ("a-1", "a/1.PNG"),
        ("a-2", "a/2.dcm"),
        ("b-1", "b/1.png"),
    ]
    (tmp_path / "b" / "1.jpg").write_bytes(b"")
    with pytest.raises(CollectionError, match=r"b/1\.jpg and b/1\.png would both be called b-1"):
        list_films(tmp_path)


def test_a_list_names_films_from_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    listed = tmp_path / "lists" / "films.txt"
    listed.write_text(f"../one/a.png\n{tmp_path}/two/b.png\n\n")
    found = list_films(listed)
    assert found.folder == tmp_path
    assert [(film.id, film.image) for film in found.films] == [("one-a", "one/a.png"), ("two-b", "two/b.png")]


@pytest.mark.parametrize("what", ["empty folder", "empty list", "nothing"])
def test_what_names_no_film_is_refused_in_a_sentence(what: str, tmp_path: Path) -> None:
    (tmp_path / "empty list").write_text("")
    (tmp_path / "empty folder").mkdir()
    with pytest.raises(CollectionError, match="give --films"):
        list_films(tmp_path / what)
