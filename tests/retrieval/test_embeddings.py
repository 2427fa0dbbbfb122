from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import negviz.films.collection
import negviz.retrieval.embeddings
from negviz.films.collection import Collection, Film, open_collection, write_manifest
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.retrieval.embeddings import EmbeddingsError, film_embeddings, shipped_path, write_embeddings
from tests.tiny import DIM, FILMS, draw_film


@pytest.fixture
def model(models: dict[str, DualEncoder]) -> DualEncoder:
    return models["base"]


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(negviz.retrieval.embeddings, "ASSETS", tmp_path / "assets")
    return tmp_path / "assets"


def unexpected(done: int, of: int) -> None:
    pytest.fail(f"{of} films are encoded")


def without_images(collection: Collection) -> Collection:
    return replace(collection, folder=None)


def test_embeddings_are_computed_and_then_cached(
    model: DualEncoder, collection: Collection, tmp_path: Path
) -> None:
    steps: list[tuple[int, int]] = []
    computed = film_embeddings(
        model, collection, cache=tmp_path, progress=lambda done, of: steps.append((done, of))
    )
    assert computed.shape == (FILMS, DIM)
    assert computed.dtype == np.float32
    assert steps == [(0, FILMS), (FILMS, FILMS)]
    np.testing.assert_allclose(np.linalg.norm(computed, axis=1), 1, atol=1e-6)
    films = [collection.image(film) for film in collection]
    np.testing.assert_allclose(computed, model.encode_images(films), atol=1e-3)

    steps.clear()
    cached = film_embeddings(
        model, collection, cache=tmp_path, progress=lambda done, of: steps.append((done, of))
    )
    np.testing.assert_array_equal(cached, computed)
    assert steps == []


def test_a_part_of_a_collection_needs_nothing_new(
    model: DualEncoder, collection: Collection, tmp_path: Path
) -> None:
    whole = film_embeddings(model, collection, cache=tmp_path)
    test = collection.select("test")
    rows = [collection.films.index(film) for film in test]
    np.testing.assert_array_equal(
        film_embeddings(model, test, cache=tmp_path, progress=unexpected), whole[rows]
    )
    assert film_embeddings(model, collection.where(lambda _: False), cache=tmp_path).shape == (0, DIM)


def test_a_changed_image_is_encoded_anew(model: DualEncoder, collection_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(collection_folder, tmp_path / "films")
    before = film_embeddings(model, open_collection(folder), cache=tmp_path)
    draw_film(99, effusion=True, big_heart=True).save(folder / "images" / "film05.png")
    after = film_embeddings(model, open_collection(folder), cache=tmp_path)
    assert [n for n in range(FILMS) if not np.array_equal(before[n], after[n])] == [5]


def test_of_a_damaged_cache_only_what_is_damaged_is_computed_anew(
    model: DualEncoder, collection: Collection, tmp_path: Path
) -> None:
    computed, asked = film_embeddings(model, collection, cache=tmp_path), list[int]()
    (file,) = (tmp_path / "embeddings").iterdir()
    content = bytearray(file.read_bytes())[:-7]  # the last row is cut short
    content[32 : 32 + 2 * DIM] = bytes(2 * DIM)  # and the first is no vector
    file.write_bytes(content)
    again = film_embeddings(model, collection, cache=tmp_path, progress=lambda _, films: asked.append(films))
    np.testing.assert_array_equal(again, computed)
    assert set(asked) == {2}
    film_embeddings(model, collection, cache=tmp_path, progress=unexpected)


def test_what_is_cached_is_never_written_again(
    model: DualEncoder, collection: Collection, tmp_path: Path
) -> None:
    film_embeddings(model, collection.select("test"), cache=tmp_path)
    (file,) = (tmp_path / "embeddings").iterdir()
    before, held = file.read_bytes(), file.stat().st_ino
    film_embeddings(model, collection, cache=tmp_path)
    assert file.read_bytes().startswith(before)
    assert file.stat().st_ino == held


def test_the_cache_is_where_the_environment_says(
    model: DualEncoder, collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEGVIZ_CACHE", str(tmp_path / "here"))
    film_embeddings(model, collection)
    assert [file.name for file in (tmp_path / "here" / "embeddings").iterdir()] == [f"{model.tower_id}.rows"]


def test_shipped_embeddings_need_no_images(model: DualEncoder, collection: Collection, assets: Path) -> None:
    films = [collection.image(film) for film in collection]
    written = model.encode_images(films)
    path = shipped_path(model.tower_id, collection.name)
    assert path == assets / collection.name / "embeddings" / f"{model.tower_id}.safetensors"
    write_embeddings(path, collection, written)
    np.testing.assert_allclose(film_embeddings(model, without_images(collection)), written, atol=1e-3)
    backwards = replace(without_images(collection), films=collection.films[::-1])
    np.testing.assert_allclose(film_embeddings(model, backwards), written[::-1], atol=1e-3)
    part = without_images(collection).select("test")
    np.testing.assert_allclose(film_embeddings(model, part), written[: len(part)], atol=1e-3)


def marked() -> NDArray[np.float32]:
    """Rows that no tower makes, so that it shows where they are taken."""
    return np.full((FILMS, DIM), DIM**-0.5, np.float32)


def taken(found: NDArray[np.float32]) -> list[int]:
    return [n for n, row in enumerate(found) if np.allclose(row, marked()[0], atol=1e-3)]


def test_only_films_that_were_not_shipped_are_computed(
    model: DualEncoder, collection: Collection, assets: Path, tmp_path: Path
) -> None:
    test = collection.select("test")
    write_embeddings(shipped_path(model.tower_id, collection.name), test, marked()[: len(test)])
    asked: list[int] = []
    found = film_embeddings(model, collection, cache=tmp_path, progress=lambda _, films: asked.append(films))
    assert taken(found) == [collection.films.index(film) for film in test]
    assert set(asked) == {FILMS - len(test)}


def test_only_the_pixels_that_are_missing_are_asked_for(
    model: DualEncoder, collection: Collection, assets: Path, tmp_path: Path
) -> None:
    write_embeddings(shipped_path(model.tower_id, collection.name), collection, marked())
    own = Film("own", "own.png", "own")
    more = replace(collection, films=(*collection.films, own), folder=tmp_path)
    with pytest.raises(EmbeddingsError, match=r"the images of 1 of its 25 films are not at hand \(own\)"):
        film_embeddings(model, more, cache=tmp_path / "cache")
    draw_film(7, effusion=False).save(tmp_path / "own.png")
    found = film_embeddings(model, more, cache=tmp_path / "cache")
    assert taken(found) == [*range(FILMS)]


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_shipped_row_is_for_its_film_in_any_size_and_encoding(
    model: DualEncoder, collection: Collection, assets: Path, tmp_path: Path, ending: str
) -> None:
    write_embeddings(shipped_path(model.tower_id, collection.name), collection, marked())
    for film in collection:
        image = collection.image(film).resize((512, 420), Image.Resampling.BICUBIC)
        image.save(tmp_path / f"{film.id}.{ending}")
    again = replace(collection, folder=tmp_path)
    assert taken(film_embeddings(model, again, cache=tmp_path / "cache")) == [*range(FILMS)]


def test_another_film_under_a_shipped_id_is_embedded_itself(
    model: DualEncoder, collection: Collection, assets: Path, tmp_path: Path
) -> None:
    write_embeddings(shipped_path(model.tower_id, collection.name), collection, marked())
    black, other = Image.new("L", (96, 96)), draw_film(99, effusion=True, big_heart=True)
    black.save(tmp_path / f"{collection.films[2].id}.png")
    other.save(tmp_path / f"{collection.films[5].id}.png")
    (tmp_path / f"{collection.films[9].id}.png").write_bytes(b"no film")
    with pytest.raises(EmbeddingsError, match=rf"{collection.films[9].id}\.png is not a PNG, JPEG or DICOM"):
        film_embeddings(model, replace(collection, folder=tmp_path), cache=tmp_path / "cache")
    (tmp_path / f"{collection.films[9].id}.png").unlink()
    found = film_embeddings(model, replace(collection, folder=tmp_path), cache=tmp_path / "cache")
    assert taken(found) == [n for n in range(FILMS) if n not in (2, 5)]
    np.testing.assert_allclose(found[[2, 5]], model.encode_images([black, other]), atol=2e-3)


def test_films_shipped_with_their_pixels_are_known_by_these_alone(
    model: DualEncoder, collection_folder: Path, assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(negviz.films.collection, "ASSETS", assets)
    home = shutil.copytree(collection_folder, assets / "drawn")
    collection = open_collection("drawn")
    write_embeddings(shipped_path(model.tower_id, "drawn"), collection, marked())
    assert taken(film_embeddings(model, collection, cache=tmp_path / "cache")) == [*range(FILMS)]

    relabelled = [replace(film, id=f"x{film.id}", findings=frozenset()) for film in collection]
    write_manifest(shutil.copytree(home / "images", tmp_path / "drawn" / "images").parent, relabelled)
    copy = open_collection(tmp_path / "drawn")
    assert copy.name == "own drawn"
    assert taken(film_embeddings(model, copy, cache=tmp_path / "cache")) == [*range(FILMS)]

    for film in copy:
        Image.new("L", (96, 96)).save(tmp_path / "drawn" / film.image)
    write_manifest(tmp_path / "drawn", collection.films)
    black = film_embeddings(model, open_collection(tmp_path / "drawn"), cache=tmp_path / "cache")
    assert taken(black) == []


@pytest.mark.parametrize("name", ["phantoms", "openi", "nih"])
def test_a_folder_of_a_shipped_name_with_shipped_ids_gets_nothing_shipped(tmp_path: Path, name: str) -> None:
    family = load_models(Path(__file__).parents[2] / "checkpoints" / "compact")
    films = open_collection(name).films[:2]
    for film in films:
        (tmp_path / name / film.image).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (96, 96)).save(tmp_path / name / film.image)
    write_manifest(tmp_path / name, films)
    found = film_embeddings(family["base"], open_collection(tmp_path / name), cache=tmp_path / "cache")
    blank = family["base"].encode_images([Image.new("L", (96, 96))])
    np.testing.assert_allclose(found, blank.repeat(2, 0), atol=2e-3)


def test_fingerprints_are_taken_once_and_anew_where_the_store_is_damaged(
    model: DualEncoder, collection: Collection, assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_embeddings(shipped_path(model.tower_id, collection.name), collection, marked())
    film_embeddings(model, collection, cache=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Collection, "image", lambda *_: pytest.fail("a film is decoded twice"))
        assert taken(film_embeddings(model, collection, cache=tmp_path)) == [*range(FILMS)]
    (tmp_path / "images.fingerprint").write_bytes(b"nothing")
    assert taken(film_embeddings(model, collection, cache=tmp_path)) == [*range(FILMS)]


def test_a_damaged_shipped_file_is_named(model: DualEncoder, collection: Collection, assets: Path) -> None:
    path = shipped_path(model.tower_id, collection.name)
    write_embeddings(path, collection, np.zeros((FILMS, DIM), np.float32))
    with pytest.raises(EmbeddingsError, match=r"cannot be used \(its rows are not unit vectors\)"):
        film_embeddings(model, collection)
    write_embeddings(path, collection, np.ones((FILMS, 3), np.float32))
    with pytest.raises(EmbeddingsError, match=r"float16 \[24, 3\], not float16 \[24, 16\]"):
        film_embeddings(model, collection)
    path.write_bytes(b"nothing")
    with pytest.raises(EmbeddingsError, match="cannot be used"):
        film_embeddings(model, collection)


def test_embeddings_are_not_shipped_without_the_images(collection: Collection, tmp_path: Path) -> None:
    with pytest.raises(EmbeddingsError, match="only with all its images at hand"):
        write_embeddings(tmp_path / "x.safetensors", without_images(collection), marked())


def test_a_matrix_of_other_films_is_not_written(collection: Collection, tmp_path: Path) -> None:
    with pytest.raises(EmbeddingsError, match="has 24 films, not 3"):
        write_embeddings(tmp_path / "x.safetensors", collection, np.ones((3, DIM), np.float32))


def test_missing_images_are_counted_and_named(
    model: DualEncoder, collection_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(collection_folder, tmp_path / "films")
    for number in range(3, 10):
        (folder / "images" / f"film{number:02}.png").unlink()
    with pytest.raises(EmbeddingsError) as caught:
        film_embeddings(model, open_collection(folder), cache=tmp_path)
    message = str(caught.value)
    assert f"collection 'films' by image tower {model.tower_id}" in message
    assert "7 of its 24 films" in message
    assert "(film03, film04, film05, film06, film07, …); give their folder with --films" in message


def test_an_image_that_is_none(model: DualEncoder, collection_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(collection_folder, tmp_path / "films")
    (folder / "images" / "film03.png").write_bytes(b"not an image")
    with pytest.raises(EmbeddingsError, match=r"film03\.png is not a PNG, JPEG or DICOM"):
        film_embeddings(model, open_collection(folder), cache=tmp_path)


def test_work_that_was_stopped_is_kept_and_may_be_done_elsewhere(
    models: dict[str, DualEncoder], collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("negviz.retrieval.embeddings._AT_ONCE", 10)
    monkeypatch.setattr("negviz.retrieval.embeddings._KEPT_EVERY", 0.0)
    base, seen = models["base"], list[int]()

    def encode(images: Sequence[Image.Image]) -> NDArray[np.float32]:
        if len(seen) == 1:
            seen.append(0)
            raise KeyboardInterrupt
        seen.append(len(images))
        return base.encode_images(images)

    with pytest.raises(KeyboardInterrupt):
        film_embeddings(base, collection, cache=tmp_path, encode=encode)
    found = film_embeddings(base, collection, cache=tmp_path, encode=encode)
    assert seen == [10, 0, 10, 4]  # of 24 films the first ten are not encoded again
    np.testing.assert_allclose(found, film_embeddings(base, collection, cache=tmp_path / "other"), atol=2e-3)


def test_two_that_embed_at_once_keep_each_others_rows(
    model: DualEncoder, collection: Collection, tmp_path: Path
) -> None:
    train, test = collection.select("train"), collection.select("test")

    def encode(images: Sequence[Image.Image]) -> NDArray[np.float32]:
        film_embeddings(model, test, cache=tmp_path)  # another process, from its start to its end
        return model.encode_images(images)

    film_embeddings(model, train, cache=tmp_path, encode=encode)
    film_embeddings(model, collection, cache=tmp_path, progress=unexpected)
