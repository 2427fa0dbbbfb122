"""Files of maps: a JSON record, and the tensors it describes, verified before use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from negviz.common.errors import NegvizError
from negviz.common.files import write_json
from negviz.common.read_files import read_json
from negviz.common.tensor_files import CheckpointError, TensorFile, write_tensors


class MapError(NegvizError):
    """A map that cannot be shown; the message is one sentence that says what to do."""


def read_record(path: Path) -> dict[str, Any]:
    """The JSON of some maps.  Raises `MapError`."""
    if not path.is_file():
        raise MapError(
            f"There are no maps for this family ({path.name}); make them with: python -m training maps."
        )
    record = read_json(path, MapError)
    if record.get("format") != 1:
        raise MapError(f"{path.name} is not of format 1; build it anew with: python -m training maps.")
    return record


def read_tensors(path: Path, record: Mapping[str, Any]) -> dict[str, NDArray[np.float32]]:
    """What the record at `path` describes, by name.  Raises `MapError` where it is not that."""
    try:
        file = record.get("file")
        tensors = TensorFile.from_record(file if isinstance(file, dict) else {}).read(path.parent)
    except CheckpointError as error:
        raise MapError(f"The maps cannot be used: {error}") from error
    return {name: tensor.float().numpy() for name, tensor in tensors.items()}


def write_maps(
    path: Path, tensors: Mapping[str, NDArray[np.floating[Any]]], record: Mapping[str, Any]
) -> None:
    """Write both files of `path` (.json), the tensors in half precision, each in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    given = {
        name: torch.from_numpy(np.ascontiguousarray(array, np.float32)) for name, array in tensors.items()
    }
    file = write_tensors(path.with_suffix(".safetensors"), given, file=path.with_suffix(".safetensors").name)
    write_json(path, {"format": 1, **record, "file": file.to_record()})
