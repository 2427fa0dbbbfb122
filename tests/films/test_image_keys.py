"""What image files are known by, and when their bytes are read."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from negviz.common.files import file_sha256
from negviz.films import image_keys as module
from negviz.films.image_keys import image_keys


@pytest.fixture
def films(collection_folder: Path, tmp_path: Path) -> dict[str, Path]:
    """Three image files that changed long ago, and were read once."""
    folder = shutil.copytree(collection_folder / "images", tmp_path / "films")
    return {path.stem: path for path in sorted(folder.iterdir())[:3]}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are read, as by a process that has just begun; nothing changed just now."""
    names: list[str] = []

    def sha256(path: Path) -> str:
        names.append(path.stem)
        return file_sha256(path)

    monkeypatch.setattr(module, "file_sha256", sha256)
    monkeypatch.setattr(module, "_SETTLED", -1.0)
    return names


def asked_anew(films: dict[str, Path], cache: Path) -> dict[str, str]:
    module._digest.cache_clear()
    return image_keys(films, cache)


def test_a_file_is_read_once(films: dict[str, Path], read: list[str], tmp_path: Path) -> None:
    keys = asked_anew(films, tmp_path)
    assert keys == {name: file_sha256(path) for name, path in films.items()}
    assert sorted(read) == sorted(films)
    read.clear()
    assert asked_anew(films, tmp_path) == keys
    assert read == []


def test_a_changed_file_is_read_again_although_length_and_time_are_set_back(
    films: dict[str, Path], read: list[str], tmp_path: Path
) -> None:
    keys = asked_anew(films, tmp_path)
    name, path = next(iter(films.items()))
    before, content = path.stat(), path.read_bytes()
    time.sleep(0.05)  # a tick of the disk's clock
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    read.clear()
    after = asked_anew(films, tmp_path)
    assert read == [name]
    assert after[name] == file_sha256(path) != keys[name]


def test_a_moved_file_is_read_again_and_known_by_its_bytes(
    films: dict[str, Path], read: list[str], tmp_path: Path
) -> None:
    keys = asked_anew(films, tmp_path)
    name, path = next(iter(films.items()))
    read.clear()
    moved = path.rename(path.with_name("moved.png"))
    assert asked_anew({name: moved}, tmp_path) == {name: keys[name]}
    assert read == ["moved"]


def test_what_changed_just_now_is_not_kept(
    films: dict[str, Path], read: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may change once more at the same tick of the disk's clock."""
    monkeypatch.setattr(module, "_SETTLED", 3600.0)
    asked_anew(films, tmp_path)
    asked_anew(films, tmp_path)
    assert sorted(read) == sorted([*films, *films])


def test_a_cache_that_cannot_be_written_costs_time_alone(
    films: dict[str, Path], read: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    keys = asked_anew(films, tmp_path / "file" / "cache")
    assert keys == {name: file_sha256(path) for name, path in films.items()}
