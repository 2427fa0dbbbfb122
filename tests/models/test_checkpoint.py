from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from negviz.common.files import file_sha256
from negviz.common.shipped import COMPACT
from negviz.common.tensor_files import CheckpointError
from negviz.models.checkpoint import parameter_delta, read_family, write_checkpoint
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models


@pytest.fixture
def folder(family_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny family to spoil."""
    return shutil.copytree(family_folder, tmp_path / "family")


def edit_record(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "family.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def rewrite(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    """Change the tensors of con1 and let family.json describe the outcome truthfully."""
    path = folder / "con1" / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    shutil.rmtree(folder / "con1")
    write_checkpoint(folder, "con1", tensors, training={})


# Opening --------------------------------------------------------------------------------------


def test_a_folder_without_a_family(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no family\.json; give --family"):
        load_models(tmp_path)


def test_the_shipped_family_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [*load_models("checkpoints/compact", read_twice=False)] == [*read_family(COMPACT).columns]
    (tmp_path / "checkpoints" / "compact").mkdir(parents=True)  # one of that name that is at hand is meant
    with pytest.raises(CheckpointError, match=r"^checkpoints/compact holds no family\.json"):
        load_models("checkpoints/compact")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "no JSON object"),
        ('{"format": 2}', "not of format 1"),
        ('{"format": 1}', "does not list its columns"),
    ],
)
def test_a_family_file_that_is_none(folder: Path, text: str, message: str) -> None:
    (folder / "family.json").write_text(text)
    with pytest.raises(CheckpointError, match=message):
        load_models(folder)


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": 1, "columns": ' + DEEP,
        '{"format": 1, "columns": ' + "[" * 500 + "]" * 500 + "}",
        '{"format": 1, "format": 1}',
        '{"format": NaN}',
        '{"format": 1e999}',
        '{"format": ' + "9" * 5000 + "}",
        '{"format": "\\ud800"}',
        '{"format": "\0"}',
    ],
)
def test_what_is_no_record_is_refused_in_a_sentence(folder: Path, text: str) -> None:
    (folder / "family.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"^\S*family\.json .*\.$"):
        load_models(folder)


@pytest.mark.parametrize("path", ["family.json", "con1/model.safetensors", "image_tower"])
def test_what_is_no_regular_file_is_refused(folder: Path, path: str) -> None:
    path = "base/image_tower.safetensors" if path == "image_tower" else path
    (folder / path).unlink()
    os.mkfifo(folder / path)
    with pytest.raises(CheckpointError):
        load_models(folder)


WRONG: dict[str, Callable[[dict[str, Any]], object]] = {
    "logit_scale of text": lambda r: r.update(logit_scale="3"),
    "logit_scale of a list": lambda r: r["models"]["con1"].update(logit_scale=[3]),
    "logit_scale that is huge": lambda r: r["models"]["con1"].update(logit_scale=10**30),
    "logit_scale that is none": lambda r: r["models"]["con1"].update(logit_scale=None),
    "object in columns": lambda r: r["columns"].append({"name": "con9"}),
    "column twice": lambda r: r["columns"].append("con1"),
    "NUL in a file": lambda r: r["models"]["con1"].update(file="con1/\0.safetensors"),
    "file without end": lambda r: r["models"]["con1"].update(file="x" * 5000),
    "file of a number": lambda r: r["models"]["con1"].update(file=3),
    "folder for a file": lambda r: r["models"]["con1"].update(file="con1"),
    "length of text": lambda r: r["models"]["con1"].update(bytes="many"),
    "length below zero": lambda r: r["models"]["con1"].update(bytes=-5),
    "tensors of a list": lambda r: r["models"]["con1"].update(tensors=[]),
    "shape of text": lambda r: r["models"]["con1"]["tensors"].update({"more": ["float16", "ab"]}),
    "text tower of text": lambda r: r.update(text_tower="MiniLM"),
    "text tower without a name": lambda r: r["text_tower"].pop("name"),
    "hash of a number": lambda r: r["text_tower"].update(sha256=3),
    "image tower of a list": lambda r: r.update(image_tower=[]),
    "image tower without a file": lambda r: r["image_tower"].pop("file"),
    "image tower of text": lambda r: r["image_tower"]["config"].update(side="32"),
    "image tower of a billion": lambda r: r["image_tower"]["config"].update(widths=[10**9, 8]),
    "image tower of nothing": lambda r: r["image_tower"]["config"].update(stem=0),
    "image tower of more": lambda r: r["image_tower"]["config"].update(wings=2),
    "image tower that does not fit": lambda r: r["image_tower"]["config"].update(depths=[1]),
    "image tower not shared out": lambda r: r["image_tower"]["config"].update(dim=15),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_a_record_of_wrong_types_is_refused_in_a_sentence(folder: Path, kind: str) -> None:
    edit_record(folder, WRONG[kind])
    with pytest.raises(CheckpointError, match=r"\.$"):
        load_models(folder)


@pytest.mark.parametrize("value", [0.0, 65504.0])
def test_weights_that_make_no_vectors_are_refused(folder: Path, value: float) -> None:
    rewrite(folder, lambda tensors: [tensor.fill_(value) for tensor in tensors.values()])
    with pytest.raises(CheckpointError, match=r"con1/model\.safetensors makes (no vector|the same vector)"):
        load_models(folder)


@pytest.mark.parametrize("value", [0.0, 65504.0])
def test_an_image_tower_that_makes_no_vectors_is_refused(folder: Path, value: float) -> None:
    path = folder / "base" / "image_tower.safetensors"
    tensors = load_file(path)
    for tensor in tensors.values():
        tensor.fill_(value)
    save_file(tensors, path)
    described = {"sha256": file_sha256(path), "bytes": path.stat().st_size}
    edit_record(folder, lambda record: record["image_tower"].update(described))
    with pytest.raises(CheckpointError, match=r"image_tower\.safetensors makes (no vector|the same vector)"):
        load_models(folder)


def test_a_truncated_file(folder: Path) -> None:
    path = folder / "con1" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"con1/model\.safetensors is truncated \(\d+ of \d+ bytes\)"):
        load_models(folder)


@pytest.mark.parametrize(
    "file", ["base/model.safetensors", "base/image_tower.safetensors", "con2/model.safetensors"]
)
def test_a_file_with_one_byte_changed(folder: Path, file: str) -> None:
    content = bytearray((folder / file).read_bytes())
    content[-1] ^= 1
    (folder / file).write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{file} is not the file its family describes \(SHA-256"):
        load_models(folder)


def test_a_missing_file(folder: Path) -> None:
    (folder / "con1" / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"con1/model\.safetensors cannot be read"):
        load_models(folder)


def test_a_file_outside_the_family(folder: Path) -> None:
    edit_record(folder, lambda record: record["models"]["con1"].update(file="../con1/model.safetensors"))
    with pytest.raises(CheckpointError, match="lies outside the family"):
        load_models(folder)


def test_a_record_that_promises_another_type(folder: Path) -> None:
    edit_record(
        folder, lambda r: r["models"]["con1"]["tensors"].update({"projection.weight": ["float32", [16, 32]]})
    )
    with pytest.raises(
        CheckpointError, match=r"projection\.weight' is float16 \[16, 32\] where float32 \[16, 32\] belongs"
    ):
        load_models(folder)


def test_a_record_without_the_tensors(folder: Path) -> None:
    edit_record(folder, lambda record: record["models"]["con1"].pop("tensors"))
    with pytest.raises(CheckpointError, match=r"family\.json does not describe its files"):
        load_models(folder)


def test_a_tensor_of_another_shape(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors.update({"projection.weight": torch.ones(16, 31)}))
    with pytest.raises(
        CheckpointError, match=r"projection\.weight' is of shape \[16, 31\], and of shape \[16, 32\]"
    ):
        load_models(folder)


def test_a_missing_and_a_surplus_tensor(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors.pop("projection.weight"))
    with pytest.raises(CheckpointError, match=r"'projection\.weight' is missing"):
        load_models(folder)
    rewrite(
        folder,
        lambda tensors: tensors.update({"projection.weight": torch.ones(16, 32), "more": torch.ones(1)}),
    )
    with pytest.raises(CheckpointError, match=r"'more' is of shape \[1\], and missing in the tower"):
        load_models(folder)


def test_values_that_are_not_finite(folder: Path) -> None:
    path = folder / "con1" / "model.safetensors"
    tensors = load_file(path)
    tensors["projection.weight"][0, 0] = math.nan
    save_file(tensors, path)
    sha256 = file_sha256(path)
    edit_record(folder, lambda r: r["models"]["con1"].update(sha256=sha256, bytes=path.stat().st_size))
    with pytest.raises(CheckpointError, match=r"'projection\.weight' holds values that are not finite"):
        load_models(folder)


def test_a_tuned_model_that_is_base(folder: Path, models: dict[str, DualEncoder]) -> None:
    write_checkpoint(folder, "con1", models["base"].text.tunable(), training={})
    with pytest.raises(CheckpointError, match="very parameters of base, so con1 was never tuned"):
        load_models(folder)


# Writing --------------------------------------------------------------------------------------


def test_models_stand_in_the_order_they_are_given_whichever_was_tuned_first(
    folder: Path, models: dict[str, DualEncoder]
) -> None:
    tuned = {name: tensor + 0.25 for name, tensor in models["base"].text.tunable().items()}
    for name in ("mine", "con4", "con1"):
        write_checkpoint(folder, name, tuned, training={}, order=("con1", "con2", "con4", "con3"))
    assert list(load_models(folder)) == ["base", "con1", "con2", "con4", "mine"]


def test_a_model_is_read_as_it_was_written(folder: Path, models: dict[str, DualEncoder]) -> None:
    tuned = {name: tensor + 0.25 for name, tensor in models["base"].text.tunable().items()}
    write_checkpoint(folder, "con3", tuned, training={"seed": 7, "learning_rate": 2e-5}, logit_scale=4.5)
    opened = load_models(folder)
    assert list(opened) == ["base", "con1", "con2", "con3"]
    assert opened["con3"].logit_scale == 4.5
    for name, tensor in opened["con3"].text.tunable().items():
        assert torch.equal(tensor, tuned[name].half().float())
    config = json.loads((folder / "con3" / "config.json").read_text())
    assert config["training"] == {"seed": 7, "learning_rate": 2e-5}


def test_a_model_keeps_its_column_when_it_is_tuned_anew(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors["projection.weight"].mul_(2))
    assert list(load_models(folder)) == ["base", "con1", "con2"]


@pytest.mark.parametrize("name", ["base", "", "Con1", "../con1", "con 1"])
def test_a_name_that_no_tuned_model_may_have(folder: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match="cannot name a tuned model"):
        write_checkpoint(folder, name, {}, training={})


def test_what_half_precision_cannot_hold_is_not_written(folder: Path) -> None:
    before = (folder / "family.json").read_bytes()
    with pytest.raises(
        CheckpointError, match=r"con1/model\.safetensors: tensor 'projection\.weight'.*not finite"
    ):
        rewrite(folder, lambda tensors: tensors.update({"projection.weight": torch.full((16, 32), 1e6)}))
    assert (folder / "family.json").read_bytes() == before


@pytest.mark.parametrize("step", range(9))
def test_a_writer_that_dies_never_leaves_a_wrong_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Die at each file synced or moved: the family opens, with the old model, the new one or without it."""
    old = load_file(folder / "con1" / "model.safetensors")
    new = {name: tensor + 1 for name, tensor in old.items()}
    steps = iter(range(9))

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            if next(steps, None) == step:
                raise KeyboardInterrupt
            return function(*arguments)

        return run

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", dying(os.fsync))
        patch.setattr(Path, "replace", dying(Path.replace))
        with pytest.raises(KeyboardInterrupt):
            write_checkpoint(folder, "con1", new, training={})
    opened = load_models(folder)
    if "con1" in opened:
        weight = opened["con1"].text.tunable()["projection.weight"]
        assert any(torch.equal(weight, state["projection.weight"].float()) for state in (old, new))
    assert not list(folder.glob(".*"))


def test_the_distance_tuning_moved_the_parameters() -> None:
    base = {"a": torch.tensor([3.0, 0.0]), "b": torch.tensor([[4.0]])}
    tuned = {"a": torch.tensor([3.0, 0.6]), "b": torch.tensor([[4.8]])}
    assert parameter_delta(base, tuned) == pytest.approx({"l2": 1.0, "relative": 0.2})
    with pytest.raises(ValueError, match="differ in name"):
        parameter_delta(base, {"a": base["a"]})
