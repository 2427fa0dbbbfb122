"""An archive answers as the collection it was made of does, on an engine of an optional extra."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import negviz
from negviz.films import archive as archives
from negviz.films.archive import Archive, ArchiveError
from negviz.films.collection import Collection, CollectionError, open_collection
from negviz.models.encoder import DualEncoder
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.retrieval import archived, sets
from negviz.retrieval.answer import answer, search_sets
from negviz.retrieval.cosine import cosines
from negviz.retrieval.embeddings import EmbeddingsError, film_embeddings
from negviz.retrieval.search import RetrievalError, rank
from training.build.archive.command import Writer
from training.build.archive.embedding import Batch
from training.build.archive.listing import list_films
from training.data import archive as rows

pytestmark = pytest.mark.extra
pytest.importorskip("lancedb", reason="an optional extra: pip install 'lancedb==0.40.0' 'ray[data]==2.60.0'")

SENTENCES = ("No pleural effusion.", "Pleural effusion.", "Normal chest.", "Big heart, no pneumothorax.")


def _batches(collection: Collection, model: DualEncoder, order: list[int]) -> Iterator[Batch]:
    vectors = film_embeddings(model, collection)
    for part in np.array_split(order, 3):
        yield {"row": part, "vector": vectors[part], "why": np.array([""] * len(part), object)}


def _write(
    place: Path, family: Path, folder: Path, models: dict[str, DualEncoder], *, backwards: bool
) -> None:
    films = open_collection(folder)
    order = list(range(len(films)))[:: -1 if backwards else 1]
    writer = Writer.open(place, list_films(folder), family)
    writer.write(films.films, _batches(films, models["base"], order))
    writer.finish()


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory,
    family_folder: Path,
    collection_folder: Path,
    models: dict[str, DualEncoder],
) -> Path:
    """An archive of the drawn films, the last of them first."""
    folder = tmp_path_factory.mktemp("archive") / "drawn"
    _write(folder, family_folder, collection_folder, models, backwards=True)
    return folder


@pytest.fixture(scope="module")
def in_parts(
    tmp_path_factory: pytest.TempPathFactory,
    family_folder: Path,
    collection_folder: Path,
    models: dict[str, DualEncoder],
) -> Path:
    """The same, in six parts."""
    folder = tmp_path_factory.mktemp("in parts") / "drawn"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "HELD_BELOW", 0)
        patch.setattr(rows, "PART", 4)
        _write(folder, family_folder, collection_folder, models, backwards=True)
    return folder


@pytest.fixture(params=["held", "asked of the table", "asked of its index"])
def archive(
    place: Path, in_parts: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Archive:
    if request.param != "held":
        monkeypatch.setattr(archived, "HELD_BELOW", 0)
    return _open(in_parts if request.param == "asked of its index" else place)


def _open(place: Path) -> Archive:
    opened = open_collection(place)
    assert isinstance(opened, Archive)
    return opened


@pytest.mark.parametrize("sentence", SENTENCES)
def test_it_finds_the_films_that_the_collection_finds(
    archive: Archive, collection: Collection, models: dict[str, DualEncoder], sentence: str
) -> None:
    for model in models.values():
        assert negviz.search(model, archive, sentence, k=7) == negviz.search(model, collection, sentence, k=7)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_an_answer_counts_and_marks_as_over_the_collection(
    archive: Archive, collection: Collection, models: dict[str, DualEncoder], sentence: str
) -> None:
    both = [search_sets(models, films) for films in (archive, collection)]
    for kept, held in zip(*both, strict=True):
        assert (kept.part, len(kept)) == (held.part, len(held))
        found, expected = (answer(models, films, sentence, k=5).plain() for films in (kept, held))
        separations = [
            [column.pop("margin") for column in each["models"].values()] for each in (found, expected)
        ]
        assert found == expected
        for one, other in zip(*separations, strict=True):
            assert (one is None) == (other is None)
            if one is not None:
                assert one["value"] == pytest.approx(other["value"])
                assert one["separation"] == other["separation"]


def test_films_are_picked_by_what_is_known_of_them(archive: Archive, models: dict[str, DualEncoder]) -> None:
    kept = archive.only("has_effusion AND view = 'PA'").only("split = 'train'")
    expected = {film.id for film in archive if "effusion" in film.findings and film.split == "train"}
    assert {film.id for film in kept} == expected
    found = negviz.search(models["base"], kept, "No pleural effusion.", k=99)
    assert {hit.id for hit in found} == expected


def test_that_films_are_found_by_an_index_is_told(
    place: Path, in_parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "SAMPLE", 10)
    for many, said in ((0, True), (25, False)):
        monkeypatch.setattr(archives, "HELD_BELOW", many)
        assert ("by an index that may miss a few" in _open(in_parts).notes[0]) is said
        assert "by an index" not in _open(place).notes[0]


def test_only_an_archive_of_many_films_is_put_into_parts(
    place: Path, in_parts: Path, models: dict[str, DualEncoder]
) -> None:
    tower = models["base"].tower_id
    assert _open(in_parts).is_indexed(tower)
    assert not _open(place).is_indexed(tower)


def test_an_index_that_looks_into_one_part_goes_on_until_there_are_enough(
    in_parts: Path, models: dict[str, DualEncoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archived, "HELD_BELOW", 0)
    monkeypatch.setattr(archived, "PROBES", 1)
    archive, base = _open(in_parts), models["base"]
    few = negviz.search(base, archive, "No pleural effusion.", k=2)
    assert len(few) == 2
    normal = archive.only("has_normal")
    found = negviz.search(base, normal, "No pleural effusion.", k=normal.total)
    assert {hit.id for hit in found} == {film.id for film in normal}


def test_films_that_come_later_are_found_by_the_index_too(
    tmp_path: Path,
    family_folder: Path,
    collection_folder: Path,
    models: dict[str, DualEncoder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (archived, rows):
        monkeypatch.setattr(module, "HELD_BELOW", 0)
    monkeypatch.setattr(rows, "PART", 4)
    films, base, place = open_collection(collection_folder), models["base"], tmp_path / "drawn"
    for some in ([*range(12)], [*range(12, 24)]):
        writer = Writer.open(place, list_films(collection_folder), family_folder)
        writer.write(films.films, _batches(films, base, some))
        writer.finish()
    for sentence in SENTENCES:
        assert negviz.search(base, _open(place), sentence, k=7) == negviz.search(base, films, sentence, k=7)


def test_what_is_seen_as_a_whole_is_a_sample_that_does_not_depend_on_the_order_of_writing(
    place: Path,
    tmp_path: Path,
    family_folder: Path,
    collection_folder: Path,
    models: dict[str, DualEncoder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archives, "SAMPLE", 10)
    other = tmp_path / "drawn"
    _write(other, family_folder, collection_folder, models, backwards=False)
    one, two = _open(place), _open(other)
    assert (len(one), one.total) == (10, 24)
    assert [film.id for film in one] == [film.id for film in two]
    assert "a fixed random sample of 10 of 24 films" in one.notes[0]
    whole = film_embeddings(models["base"], open_collection(collection_folder))
    places = open_collection(collection_folder).rows(one.films)
    assert np.array_equal(film_embeddings(models["base"], one), whole[places])
    with pytest.raises(RetrievalError, match="too many to rank"):
        rank(models["base"], one, "effusion")
    assert len(negviz.search(models["base"], one, "effusion", k=24)) == 24


@pytest.mark.parametrize("held", [True, False])
def test_the_page_ranks_shows_and_counts_films_beyond_the_sample(
    held: bool, place: Path, models: dict[str, DualEncoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archived, "HELD_BELOW", 200_000 if held else 0)
    monkeypatch.setattr(archives, "SAMPLE", 10)
    monkeypatch.setattr(sets, "RANKED", 3)
    archive = _open(place)
    room = Room(models, search_sets(models, archive), Pictures(archive))
    asked = Asked("No pleural effusion.", f"{archive.name}/all")
    given = room.answer(asked)
    assert given.tally.judged == 20
    hits = given.columns[0].hits
    assert {hit.id for hit in hits} - {film.id for film in archive}
    for hit in hits:
        path = archive.image_path(room.pictures.film(hit.id))
        assert path is not None
        assert path.name == f"{hit.id}.png"
    base = models["base"]
    scores = cosines(given.films.vectors(base, hits), base.encode_text([asked.text])[0])
    assert scores == pytest.approx([hit.score for hit in hits])
    standing = [room.ranks(asked, hit.id)["base"] for hit in hits]
    assert [each.rank for each in standing] == [1, 2, 3, *[None] * 7]
    assert [each.score for each in standing] == pytest.approx([hit.score for hit in hits])
    with pytest.raises(CollectionError):
        room.ranks(asked, "it's none")


def test_what_cannot_be_searched_is_told(place: Path, tmp_path: Path, family_folder: Path) -> None:
    class Foreign:
        tower_id = "0123456789abcdef"

    with pytest.raises(EmbeddingsError, match="has no embeddings by image tower 0123456789abcdef"):
        film_embeddings(Foreign(), _open(place))  # type: ignore[arg-type]
    with pytest.raises(ArchiveError, match="holds films of"):
        Writer.open(place, list_films(_loose(tmp_path / "loose")), family_folder)


def _loose(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.png").write_bytes(b"")
    return folder
