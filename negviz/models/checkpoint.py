"""A family of models on disk.

    <family>/family.json                   what there is, with hash and tensors of every file
    <family>/base/model.safetensors        what base adds to its published text tower
    <family>/base/image_tower.safetensors  compact only
    <family>/con1/model.safetensors        what tuning may have changed, in half precision
    <family>/second_reader.safetensors     `negviz.models.two_readers`: not listed, it tells of itself
    <family>/<model>/config.json           how the model came to be: hyper-parameters, seed, data hashes

`family.json` is replaced last, and a model is struck from it before its files are touched, so a reader
never meets a half-written checkpoint, whenever the writer is killed.  It is read, changed and written by one
process at a time, so that of two that add a model each neither loses the other's.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from negviz.common.files import rewriting, temporary_folder, write_json
from negviz.common.read_files import read_json
from negviz.common.shipped import NOT_AT_HAND
from negviz.common.tensor_files import CheckpointError, TensorFile, write_tensors

FORMAT: Final = 1
FAMILY_FILE: Final = "family.json"
WEIGHTS_FILE: Final = "model.safetensors"
CONFIG_FILE: Final = "config.json"
IMAGE_TOWER_FILE: Final = "image_tower.safetensors"
_LOGIT_SCALE: Final = 20  # a factor on cosines beyond its exponential, 5e8, is no scale
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@dataclass(frozen=True)
class Family:
    """A `family.json` as read; `record` is the whole of it."""

    folder: Path
    record: dict[str, Any]

    @property
    def path(self) -> Path:
        return self.folder / FAMILY_FILE

    @property
    def columns(self) -> tuple[str, ...]:
        """The models there are, in the order they are shown."""
        return tuple(name for name in self.record["columns"] if name in self.record["models"])

    def logit_scale(self, name: str) -> float:
        """The logarithm of the factor on cosines in the loss."""
        return float(self.record["models"][name].get("logit_scale", self.record["logit_scale"]))

    def weights(self, name: str) -> dict[str, Tensor]:
        """The verified tensors of one model.  Raises `CheckpointError`."""
        return TensorFile.from_record(self.record["models"][name]).read(self.folder)

    def described(self, name: str) -> dict[str, Any]:
        """A part of the record that is an object itself.  Raises `CheckpointError`."""
        part = self.record.get(name)
        if not isinstance(part, dict):
            raise CheckpointError(f"{self.path} does not describe its {name} as format {FORMAT} does.")
        return part

    def image_tower(self) -> dict[str, Tensor]:
        """The verified tensors of the family's own image tower.  Raises `CheckpointError`."""
        return TensorFile.from_record(self.described("image_tower")).read(self.folder)


def read_family(folder: Path) -> Family:
    """Read and check `family.json`.  Raises `CheckpointError`."""
    path = folder / FAMILY_FILE
    if not path.is_file():
        raise CheckpointError(
            f"{folder} holds no {FAMILY_FILE}; give --family the folder of a family of models{NOT_AT_HAND}."
        )
    record = read_json(path, CheckpointError)
    if record.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} is not of format {FORMAT}; use the version of negviz it was made with, "
            f"or build it anew with: python -m training all --family {folder}."
        )
    if said := _lack(record):
        raise CheckpointError(f"{path} {said}; fetch it anew.")
    return Family(folder, record)


def read_training(folder: Path, name: str) -> dict[str, Any]:
    """How a model came to be: hyper-parameters, seed, data hashes.  Raises `CheckpointError`."""
    path = folder / name / CONFIG_FILE
    training = read_json(path, CheckpointError).get("training")
    if not isinstance(training, dict):
        raise CheckpointError(f"{path} does not say how {name} was trained; fetch it anew.")
    return training


def licence_of(folder: Path) -> str:
    """The licence that a family says it is under, "not named" where it says none."""
    try:
        return str(read_family(folder).record.get("licence") or "not named")
    except CheckpointError:  # it may have gone since it was opened
        return "not named"


def tuned_on(folder: Path) -> frozenset[str]:
    """Hashes of all that the models of a family were tuned on, as far as they tell."""
    said = (read_training(folder, name).get("data") for name in read_family(folder).columns)
    return frozenset(
        value for data in said if isinstance(data, dict) for value in data.values() if isinstance(value, str)
    )


def _lack(record: Mapping[str, Any]) -> str:
    """What a family's record lacks of that which every family has; "" where it is whole."""
    columns, models = record.get("columns"), record.get("models")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        return "does not list its columns by name"
    if len(set(columns)) < len(columns):
        return "lists a column twice"
    if not isinstance(models, dict) or "base" not in models:
        return "describes no base"
    for name, entry in models.items():
        if name not in columns or not _NAME.fullmatch(name) or not isinstance(entry, dict):
            return f"does not describe the model {name!r} as format {FORMAT} does"
        if not _is_scale(entry.get("logit_scale", 0.0)):
            return f"gives {name} a logit_scale that is no number from {-_LOGIT_SCALE} to {_LOGIT_SCALE}"
    if not _is_scale(record.get("logit_scale")):
        return f"gives no logit_scale, a number from {-_LOGIT_SCALE} to {_LOGIT_SCALE}"
    if not isinstance(record.get("family"), str):
        return "does not say of which kind it is"
    return ""


def _is_scale(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LOGIT_SCALE


def identical(base: Mapping[str, Tensor], tuned: Mapping[str, Tensor]) -> bool:
    """Whether no tensor of `tuned` differs from base, each compared in the precision it is stored in."""
    return all(torch.equal(base[name].to(tensor.dtype), tensor) for name, tensor in tuned.items())


def parameter_delta(base: Mapping[str, Tensor], tuned: Mapping[str, Tensor]) -> dict[str, float]:
    """How far tuning moved the parameters: `l2`, and `relative` to the L2 norm of base."""
    if base.keys() != tuned.keys():
        raise ValueError("The parameters of base and of the tuned model differ in name.")
    moved = _norm({name: tuned[name].detach().double() - base[name].detach().double() for name in base})
    size = _norm(base)
    return {"l2": moved, "relative": moved / size if size else math.inf}


def _norm(tensors: Mapping[str, Tensor]) -> float:
    return math.sqrt(sum(float(tensor.detach().double().square().sum()) for tensor in tensors.values()))


# Writing --------------------------------------------------------------------------------------


def write_family(
    folder: Path,
    facts: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    image_tower: Mapping[str, Tensor] | None,
    *,
    training: Mapping[str, Any],
) -> None:
    """Start a family that holds base alone; `negviz.models.family.save_base` says what `facts` are."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {WEIGHTS_FILE: weights}
    if image_tower is not None:
        files[IMAGE_TOWER_FILE] = image_tower
    config = {"family": facts["family"], "training": training}
    path = folder / FAMILY_FILE
    with _staged(folder, "base", files, config) as (source, records), rewriting(path):
        path.unlink(missing_ok=True)
        _move(source, folder / "base")
        record = {"format": FORMAT, **facts, "columns": ["base"], "models": {"base": records[WEIGHTS_FILE]}}
        if image_tower is not None:
            record["image_tower"] = {**facts["image_tower"], **records[IMAGE_TOWER_FILE]}
        write_json(path, record)


def write_checkpoint(
    folder: Path,
    name: str,
    tensors: Mapping[str, Tensor],
    *,
    training: Mapping[str, Any],
    logit_scale: float | None = None,
    order: Sequence[str] = (),
) -> None:
    """Add the tuned model `name`, or replace it, in half precision.

    `training` is any JSON: hyper-parameters, seed, data hashes, `parameter_delta`.  `logit_scale` is given
    where it was tuned too.  Models of `order` stand in that order behind the base, whichever was tuned first,
    and any others behind them.

    Raises `CheckpointError`, and leaves the family as it was, where half precision cannot hold a value.
    """
    if name == "base" or not _NAME.fullmatch(name):
        raise CheckpointError(f"{name!r} cannot name a tuned model: use lower-case letters, digits, - and _.")
    config = {"family": read_family(folder).record["family"], "training": training}
    scale = {} if logit_scale is None else {"logit_scale": logit_scale}
    path = folder / FAMILY_FILE
    with _staged(folder, name, {WEIGHTS_FILE: tensors}, config) as (source, records), rewriting(path):
        record = read_family(folder).record
        if record["models"].pop(name, None) is not None:
            write_json(path, record)  # killed from here on: no such model, but no wrong one
        _move(source, folder / name)
        record["models"][name] = {**records[WEIGHTS_FILE], **scale}
        columns = dict.fromkeys([*record["columns"], name])
        places = {"base": -1, **{each: place for place, each in enumerate(order)}}
        record["columns"] = sorted(columns, key=lambda each: places.get(each, len(order)))
        write_json(path, record)


@contextmanager
def _staged(
    folder: Path, name: str, files: Mapping[str, Mapping[str, Tensor]], config: Mapping[str, Any]
) -> Iterator[tuple[Path, dict[str, dict[str, Any]]]]:
    """A model's folder, written in a hidden place beside its own, and what family.json says of its files."""
    with temporary_folder(folder, name) as temporary:
        source = temporary / name
        source.mkdir()
        records = {
            file: write_tensors(source / file, tensors, file=f"{name}/{file}").to_record()
            for file, tensors in files.items()
        }
        write_json(source / CONFIG_FILE, {"name": name, **config})
        yield source, records


def _move(source: Path, target: Path) -> None:
    if target.exists():
        shutil.rmtree(target)
    source.replace(target)
