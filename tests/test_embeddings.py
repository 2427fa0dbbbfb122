from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import negviz.embeddings
from negviz.collection import Collection, open_collection
from negviz.embeddings import EmbeddingsError, film_embeddings, shipped_path, write_embeddings
from negviz.model import DualEncoder
from tests.tiny import DIM, FILMS, draw_film


@pytest.fixture
def model(models: dict[str, DualEncoder]) -> DualEncoder:
    return models["base"]


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(negviz.embeddings, "ASSETS", tmp_path / "assets")
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
    assert steps[-1] == (FILMS, FILMS)
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


def test_a_damaged_cache_is_written_anew(model: DualEncoder, collection: Collection, tmp_path: Path) -> None:
    computed = film_embeddings(model, collection, cache=tmp_path)
    (file,) = (tmp_path / "embeddings").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    np.testing.assert_array_equal(film_embeddings(model, collection, cache=tmp_path), computed)


def test_the_cache_is_where_the_environment_says(
    model: DualEncoder, collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEGVIZ_CACHE", str(tmp_path / "here"))
    film_embeddings(model, collection)
    assert [file.name for file in (tmp_path / "here" / "embeddings").iterdir()] == [
        f"{model.tower_id}.safetensors"
    ]


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


def test_films_that_were_not_shipped_are_computed(
    model: DualEncoder, collection: Collection, assets: Path, tmp_path: Path
) -> None:
    test = collection.select("test")
    written = np.full((len(test), DIM), DIM**-0.5, np.float32)
    write_embeddings(shipped_path(model.tower_id, collection.name), test, written)
    found = film_embeddings(model, collection, cache=tmp_path)
    assert not np.allclose(found[: len(test)], written, atol=0.01)


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
    with pytest.raises(EmbeddingsError, match=r"film03\.png is not a PNG or JPEG"):
        film_embeddings(model, open_collection(folder), cache=tmp_path)


def test_work_that_was_stopped_is_kept_and_may_be_done_elsewhere(
    models: dict[str, DualEncoder], collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("negviz.embeddings._AT_ONCE", 10)
    monkeypatch.setattr("negviz.embeddings._KEPT_EVERY", 0.0)
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
