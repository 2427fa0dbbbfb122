"""What `all` has finished: a mark a step, tied to what went in and what came out.

A mark holds the hashes of a step's inputs (labels, films, weights, recipe, code) and of the files that it
wrote.  A step whose mark still holds is not done again, so `all` goes on at the step where it was stopped,
and what has changed makes anew just the steps that it goes into.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negviz.common.errors import NegvizError
from negviz.common.files import file_sha256, write_json
from negviz.common.read_files import read_json
from training.paths import Paths
from training.tune.devices import CPU, Compute

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One step of `all`.  What goes in is looked at before it is done, what comes out after."""

    name: str
    do: Callable[[], object]
    inputs: Callable[[], Facts]
    outputs: Callable[[], Iterable[Path]] = tuple


def run_steps(
    steps: Iterable[Step], paths: Paths, compute: Compute = CPU, say: Callable[[str], None] = print
) -> None:
    """Do what is not done, in order.  Every process calls it; the first one says and marks."""
    for step in steps:
        if is_done(step, paths):
            compute.alone(lambda name=step.name: say(f"{name}: done already, from the same inputs"))  # type: ignore[misc]
            continue
        inputs = step.inputs()
        step.do()
        compute.alone(lambda step=step, inputs=inputs: _mark(step, inputs, paths))  # type: ignore[misc]


def is_done(step: Step, paths: Paths) -> bool:
    """Whether it was finished with the inputs there are now, and what it wrote is still there."""
    try:
        mark = read_json(_path(step, paths), NegvizError)
        return bool(mark["inputs"] == _plain(step.inputs()) and mark["outputs"] == _written(step))
    except (NegvizError, LookupError):
        return False  # no mark, or none of its inputs are there yet


def _mark(step: Step, inputs: Facts, paths: Paths) -> None:
    path = _path(step, paths)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"inputs": inputs, "outputs": _written(step)})


def _plain(inputs: Facts) -> Any:
    """As JSON gives them back."""
    return json.loads(json.dumps(inputs))


def _written(step: Step) -> dict[str, str]:
    return {str(path): file_sha256(path) if path.is_file() else "" for path in step.outputs()}


def _path(step: Step, paths: Paths) -> Path:
    family = hashlib.sha256(str(paths.family.resolve()).encode()).hexdigest()[:16]
    return paths.work / "steps" / f"{family}-{step.name.replace(' ', '-')}.json"


def folder_hash(folder: Path | None) -> str:
    """SHA-256 over the names and sizes of the files in a folder: films are too many to be read for it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder is not None else []
    listed = [(path.name, path.stat().st_size) for path in files]
    return hashlib.sha256(repr(listed).encode()).hexdigest()
