"""Pickled weights become safetensors, by hand and without running any code."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from negviz.models.family import open_hub_model
from tests.tiny_openclip import tiny_openclip
from training.__main__ import main


def pickled(folder: Path, **more: object) -> Path:
    """The tiny OpenCLIP model as a training program saves it."""
    tiny_openclip(folder)
    weights = folder / "open_clip_model.safetensors"
    state = {f"module.{name}": tensor for name, tensor in load_file(weights).items()}
    torch.save({"epoch": 3, "state_dict": state, **more}, folder / "epoch_3.pt")  # noqa: TID251 - to be refused
    weights.rename(folder.parent / "kept.safetensors")
    return folder / "epoch_3.pt"


def test_a_state_dict_becomes_a_model_that_opens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = pickled(tmp_path / "theirs")
    assert main(["convert", str(file), "--to", str(tmp_path / "ours")]) == 0
    assert f"--base {tmp_path / 'ours'}" in capsys.readouterr().out
    (tmp_path / "kept.safetensors").rename(tmp_path / "theirs" / "open_clip_model.safetensors")
    models = [open_hub_model(str(tmp_path / name)) for name in ("ours", "theirs")]
    ours, theirs = (model.encode_text(["no pleural effusion"]) for model in models)
    np.testing.assert_array_equal(ours, theirs)


class Trap:
    """What runs code where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("trapped"),)  # type: ignore[return-value]


def test_nothing_is_run_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = pickled(tmp_path / "theirs", trap=Trap())
    assert main(["convert", str(file), "--to", str(tmp_path / "ours")]) == 2
    assert "holds more than weights" in capsys.readouterr().err
    assert not (tmp_path / "trapped").exists()
    assert not (tmp_path / "ours").exists()


def test_torchscript_and_weights_without_a_description_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:  # as torch.jit.save lays it out
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py", "version"):
            archive.writestr(f"script/{name}", b"")
    torch.save({"a": torch.zeros(1)}, tmp_path / "bare.pt")  # noqa: TID251 - to be refused
    torch.save({"a": 1}, tmp_path / "none.pt")  # noqa: TID251 - to be refused
    said = {
        "script.pt": "is a TorchScript archive",
        "bare.pt": "nothing says what model its weights are of",
        "none.pt": "holds no weights by name",
        "away.pt": "is no file",
    }
    for name, sentence in said.items():
        assert main(["convert", str(tmp_path / name), "--to", str(tmp_path / "ours")]) == 2
        assert sentence in capsys.readouterr().err
