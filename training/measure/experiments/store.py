"""What finished runs left behind, so that a command goes on, and the bar that counts them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from tqdm import tqdm

from negviz.common.files import write_atomically

Arrays = dict[str, NDArray[np.float32]]
_FORMAT = 2  # of what a run leaves; a change of the loop itself asks for another


@dataclass(frozen=True)
class Store:
    """A folder with a file a run, named by all that decides what the run gives."""

    folder: Path
    bar: tqdm[Any] | None = None

    def get(
        self, facts: Mapping[str, Any], make: Callable[[], Mapping[str, Any]], *, counts: bool = True
    ) -> Arrays:
        """The arrays that `make` gives for these facts, made only once; counts as a run where it `counts`."""
        path = self.folder / f"{_key(facts)}.safetensors"
        try:
            arrays = load_file(path)
            made = False
        except (OSError, SafetensorError):  # none yet, or damaged
            arrays = {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in make().items()}
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, save(arrays))
            made = True
        if counts:
            self.count(made=made)
        return arrays

    def count(self, *, made: bool = True) -> None:
        """One run more; one that was not made now took no time, and the estimate is to know nothing of it."""
        if self.bar is not None:
            self.bar.initial += not made
            self.bar.update()


def _key(facts: Mapping[str, Any]) -> str:
    text = json.dumps({"format": _FORMAT, **facts}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def progress(runs: int, name: str) -> tqdm[Any]:
    """A bar over runs whose estimate is the mean of those that were made now."""
    return tqdm(total=runs, desc=name, unit="run", smoothing=0)
