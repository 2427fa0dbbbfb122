"""Whoever else writes, and however a process ends: no model is lost, and nothing half done stays."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub.utils._paths import filter_repo_objects

from negviz.common.files import InUseError, rewriting, running_alone, temporary_folder, write_atomically
from negviz.common.tensor_files import write_tensors
from negviz.models.checkpoint import read_family, write_checkpoint
from tests.tiny import draw_film
from training.__main__ import main
from training.data.films import PICTURES, openi_films
from training.paths import FilmsError
from training.tune.finished_runs import FinishedRuns

ROOT = Path(__file__).parents[2]
TENSORS = {"weight": torch.ones(2)}
# Adds con3, and stops for good where it writes the last of its three files, family.json.
_STOPS = """
import os, sys, time
import torch
from pathlib import Path
from negviz.models.checkpoint import write_checkpoint
written = []
def stop(handle):
    written.append(handle)
    if len(written) == 3:
        print("stopped", flush=True)
        time.sleep(600)
os.fsync = stop
write_checkpoint(Path(sys.argv[1]), "con3", {"weight": torch.ones(2)}, training={})
"""


@pytest.fixture
def folder(family_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(family_folder, tmp_path / "family")


@contextmanager
def stopped(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is in the middle of adding con3."""
    command = [sys.executable, "-c", _STOPS, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "stopped\n"
            yield process
        finally:
            process.kill()


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*"))


# Two at once ----------------------------------------------------------------------------------


def test_a_model_added_while_another_is_staged_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr("negviz.models.checkpoint.write_tensors", write_tensors)
        write_checkpoint(folder, "con4", TENSORS, training={})
        return write_tensors(*args, **kwargs)

    monkeypatch.setattr("negviz.models.checkpoint.write_tensors", meanwhile)
    write_checkpoint(folder, "con3", TENSORS, training={})
    family = read_family(folder)
    assert family.columns == ("base", "con1", "con2", "con4", "con3")
    assert torch.equal(family.weights("con4")["weight"], TENSORS["weight"].half())


@pytest.mark.timing
def test_of_many_models_added_at_once_none_is_lost(folder: Path) -> None:
    names = [f"model{number}" for number in range(8)]
    ready = threading.Barrier(len(names))

    def add(name: str) -> None:
        ready.wait()
        write_checkpoint(folder, name, TENSORS, training={})

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(add, names))
    assert set(read_family(folder).columns) == {"base", "con1", "con2", *names}
    assert hidden(folder) == []


@pytest.mark.parametrize(
    ("running", "asked"),
    [("con2", ["con2"]), ("con2", ["all"]), ("con2", ["base"]), ("base", ["base"]), ("choose", ["choose"])],
)
def test_a_work_is_refused_where_it_is_running(
    folder: Path, capsys: pytest.CaptureFixture[str], running: str, asked: list[str]
) -> None:
    with running_alone(folder, running):
        needed = ["--films", str(folder)] if asked[0] in ("all", "base") else []
        assert main([*asked, "--family", str(folder), *needed]) == 2
    said = capsys.readouterr().err
    assert said == (
        f"{asked[0]}: {running} is running on {folder} already; wait until it has ended, or give another "
        "folder.\n"
    )
    assert hidden(folder) == []


def test_networks_of_the_base_are_trained_side_by_side_but_none_twice(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    films = str(folder / "nowhere")
    with running_alone(folder, "base --branch 0"):
        for branch, sentence in (("0", "is running on"), ("1", "Give --films")):
            assert main(["base", "--branch", branch, "--family", str(folder), "--films", films]) == 2
            assert sentence in capsys.readouterr().err


def test_a_second_fetch_into_one_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_alone(tmp_path / "films", "fetch"):
        assert main(["fetch", "openi", "--to", str(tmp_path / "films"), "--host", "http://127.0.0.1:9"]) == 2
    assert "fetch is running on" in capsys.readouterr().err
    assert not (tmp_path / "films").exists()


def test_two_searches_keep_their_scores_in_one_ledger(tmp_path: Path) -> None:
    path = tmp_path / "choose.json"
    first, second = FinishedRuns(path), FinishedRuns(path)
    first.score("a", lambda: 0.25)
    second.score("b", lambda: 0.75)
    first.score("c", lambda: 0.5)
    third = FinishedRuns(path)
    assert [third.score(key, lambda: pytest.fail("run anew")) for key in "abc"] == [0.25, 0.75, 0.5]


def test_who_waits_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("negviz.common.files._WAITS", 0.1)
    with (
        rewriting(tmp_path / "family.json"),
        pytest.raises(InUseError, match=r"family\.json is being written by another process"),
        rewriting(tmp_path / "family.json"),
    ):
        pytest.fail("two at once")


# Killed ---------------------------------------------------------------------------------------


@pytest.mark.timing
def test_what_a_killed_process_left_goes_and_what_a_living_one_holds_stays(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stopped(folder) as process:
        write_atomically(folder / "notes", b"1")
        held = hidden(folder)
        assert [name[:6] for name in held] == [".con3-", ".famil", ".famil"]  # staged; its lock, its new text
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert hidden(folder) == held  # nobody has written since
    assert main(["con1", "--family", str(folder), "--collection", "nowhere"]) == 2
    assert "nowhere is neither" in capsys.readouterr().err
    assert hidden(folder) == []
    write_checkpoint(folder, "con4", TENSORS, training={})
    assert read_family(folder).columns == ("base", "con1", "con2", "con4")


def test_what_is_half_done_is_neither_committed_nor_uploaded(tmp_path: Path) -> None:
    family = tmp_path / "family"
    family.mkdir()
    with running_alone(family, "con2"), temporary_folder(family, "con2") as made:
        (made / "model.safetensors").touch()
        names = [path.relative_to(tmp_path).as_posix() for path in family.rglob("*") if path.is_file()]
    assert len(names) == 2
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ".*.negviz-*" in ignored
    upload = next(
        line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if "hf upload" in line
    )
    patterns = [part.strip('"') for part in upload.partition("--exclude ")[2].split()]
    assert list(filter_repo_objects([*names, "family/family.json"], ignore_patterns=patterns)) == [
        "family/family.json"
    ]


def test_an_archive_whose_unpacking_was_killed_is_unpacked_anew(tmp_path: Path) -> None:
    name = "CXR1_1_IM-0001-3001.png"
    half = tmp_path / ".images-00000000.elsewhere.negviz-partial" / "images"
    half.mkdir(parents=True)
    (half / name).write_bytes(b"half")
    os.utime(half.parent, (0, 0))
    draw_film(1, effusion=False).save(tmp_path / name)
    with tarfile.open(tmp_path / PICTURES, "w:gz") as archive:
        archive.add(tmp_path / name, name)
    (tmp_path / name).unlink()
    with suppress(FilmsError):  # whatever the shipped collection calls its films
        openi_films(tmp_path)
    assert [path.name for path in (tmp_path / "images").iterdir()] == [name]
    assert hidden(tmp_path) == []
