"""Files of tensors: described when written, verified against that description before use."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from negviz.common.errors import NegvizError
from negviz.common.files import write_atomically
from negviz.common.read_files import read_bytes

Shape = tuple[str, tuple[int, ...]]  # dtype and lengths: ("float16", (256, 384))


class CheckpointError(NegvizError):
    """A checkpoint that cannot be used; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class TensorFile:
    """One safetensors file as its family describes it."""

    file: str  # path within the family, "/"-separated
    length: int  # bytes
    sha256: str
    tensors: Mapping[str, Shape]

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """From JSON.  Raises `CheckpointError` where it describes no file, or one outside the family."""
        file, length, sha256 = (record.get(name) for name in ("file", "bytes", "sha256"))
        tensors = record.get("tensors")
        if (
            not (isinstance(file, str) and isinstance(length, int) and isinstance(sha256, str))
            or not isinstance(tensors, dict)
            or not all(map(_is_shape, tensors.values()))
        ):
            raise CheckpointError("family.json does not describe its files as format 1 does; fetch it anew.")
        path = PurePosixPath(file)
        if not file or path.is_absolute() or ".." in path.parts or "\0" in file:
            raise CheckpointError(f"family.json names {file!r}, which lies outside the family.")
        shapes = {name: (dtype, tuple(lengths)) for name, (dtype, lengths) in tensors.items()}
        return cls(file, length, sha256, shapes)

    def to_record(self) -> dict[str, Any]:
        tensors = {name: [dtype, list(shape)] for name, (dtype, shape) in sorted(self.tensors.items())}
        return {"file": self.file, "bytes": self.length, "sha256": self.sha256, "tensors": tensors}

    def read(self, folder: Path) -> dict[str, Tensor]:
        """The tensors, once length, hash, names, types, shapes and values are what they should be.

        Raises `CheckpointError`.
        """
        path = folder / self.file
        content = self._read_bytes(path)
        try:
            tensors = load(content)
        except SafetensorError as error:
            raise CheckpointError(f"{path} is not a safetensors file: {error}.") from error
        for name in sorted(tensors.keys() | self.tensors.keys()):
            found, wanted = _shape(tensors.get(name)), self.tensors.get(name)
            if found != wanted:
                raise CheckpointError(
                    f"{path}: tensor {name!r} is {_say(found)} where {_say(wanted)} belongs."
                )
        _refuse_infinite(path, tensors)
        return tensors

    def _read_bytes(self, path: Path) -> bytes:
        content = read_bytes(path, CheckpointError, most=max(self.length, 0))
        if len(content) < self.length:
            raise CheckpointError(
                f"{path} is truncated ({len(content)} of {self.length} bytes); fetch it anew."
            )
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise CheckpointError(
                f"{path} is not the file its family describes (SHA-256 differs); fetch it anew."
            )
        return content


def write_tensors(path: Path, tensors: Mapping[str, Tensor], *, file: str) -> TensorFile:
    """Write tensors in half precision and describe them as `file` of a family.

    Raises `CheckpointError` where half precision cannot hold a value.
    """
    halved = in_half_precision(tensors)
    _refuse_infinite(Path(file), halved)
    content = save(halved)
    write_atomically(path, content)
    shapes = {name: _describe(tensor) for name, tensor in halved.items()}
    return TensorFile(file, len(content), hashlib.sha256(content).hexdigest(), shapes)


def in_half_precision(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What is stored: floating-point tensors as float16, others as they are; none shares memory."""
    return {
        name: (tensor.half() if tensor.is_floating_point() else tensor).detach().cpu().contiguous().clone()
        for name, tensor in tensors.items()
    }


def check_fits(path: Path, tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Refuse tensors that differ in name or shape from those they are to replace."""
    for name in sorted(tensors.keys() | wanted.keys()):
        found, fitting = _lengths(tensors.get(name)), _lengths(wanted.get(name))
        if found != fitting:
            raise CheckpointError(
                f"{path}: tensor {name!r} is {found}, and {fitting} in the tower it belongs to."
            )


def _is_shape(value: object) -> bool:
    """Whether JSON holds what `_describe` wrote."""
    match value:
        case [str(), list(lengths)]:
            return all(isinstance(length, int) for length in lengths)
    return False


def _lengths(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else f"of shape {list(tensor.shape)}"


def _describe(tensor: Tensor) -> Shape:
    return str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape)


def _shape(tensor: Tensor | None) -> Shape | None:
    return None if tensor is None else _describe(tensor)


def _say(shape: Shape | None) -> str:
    return "nothing" if shape is None else f"{shape[0]} {list(shape[1])}"


def _refuse_infinite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"{path}: tensor {name!r} holds values that are not finite; train the model anew."
            )
