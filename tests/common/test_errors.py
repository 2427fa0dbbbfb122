"""Errors meant for people have one root, and only they are told as a sentence."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import app
import negviz
import training
from negviz.common.errors import NegvizError
from negviz.common.files import FileError, write_json
from negviz.page import launch
from training.__main__ import main
from training.measure import evaluate


def _ours() -> Iterator[type[BaseException]]:
    """Every exception that our packages define, but the simulator's: it imports nothing of ours."""
    for package in (negviz, training):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__") and not found.name.startswith("negviz.phantoms"):
                module = importlib.import_module(found.name)
                for _, kind in inspect.getmembers(module, inspect.isclass):
                    if issubclass(kind, BaseException) and kind.__module__ == found.name:
                        yield kind


def test_every_error_of_ours_has_one_root() -> None:
    kinds = set(_ours())
    assert len(kinds) > 30
    assert [kind for kind in kinds if not issubclass(kind, NegvizError)] == []
    assert not issubclass(NegvizError, ValueError | OSError)


def _of_numpy() -> None:
    np.zeros(2) @ np.zeros(3)


def _of_torch() -> None:
    torch.zeros(2).expand(3)


def _of_the_system() -> None:
    Path("/nowhere/at/all").read_bytes()


@pytest.mark.parametrize("fault", [_of_numpy, _of_torch, _of_the_system])
def test_a_fault_of_ours_keeps_its_traceback(fault: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "evaluate", lambda **_: fault())  # type: ignore[operator]
    with pytest.raises((ValueError, RuntimeError, OSError)):
        main("evaluate --family F --collection C --prompts P --k 10 --json OUT".split())
    monkeypatch.setattr(launch, "open_collections", lambda *_: fault())  # type: ignore[operator]
    with pytest.raises((ValueError, RuntimeError, OSError)):
        app.main([])


def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    asked = f"evaluate --family {tmp_path} --collection openi --prompts P --k 10 --json {tmp_path}/out.json"
    assert main(asked.split()) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"inside\.json cannot be written: \w+"):
        write_json(tmp_path / "file" / "inside.json", {})
