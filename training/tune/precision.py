"""In which precision a text tower of one's own is tuned: the faster one, timed where it is tuned.

Half precision is no gain everywhere: CPUs without matrix units for bfloat16 are slower with it.  What was
found is kept, since a run goes on only in the precision that it was begun in.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from negviz.common.errors import NegvizError
from negviz.common.files import write_json
from negviz.common.read_files import read_json
from negviz.models.encoder import DualEncoder
from training.tune.con1_con2 import run_id
from training.tune.devices import Compute, Precision

STEPS: Final = 3  # that are timed, after one to warm up
_TEXTS: Final = ("No pleural effusion.", "The heart is enlarged and both lungs are clear.") * 16


def with_faster(base: DualEncoder, compute: Compute, work: Path) -> Compute:
    """The same in full precision or in that of `compute`, as three steps each were found to take.  Meets."""
    path = work / f"precision-{run_id(base, torch.zeros(0).numpy(), compute)}.json"

    def find() -> None:
        if not path.is_file():
            alone = replace(compute, process=0, processes=1)
            options: tuple[Precision, ...] = ("no", compute.precision)
            seconds = {one: _time(base, replace(alone, precision=one)) for one in options}
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, {"seconds": seconds, "precision": min(seconds, key=lambda one: seconds[one])})

    compute.alone(find)
    return replace(compute, precision=read_json(path, NegvizError)["precision"])


def _time(base: DualEncoder, compute: Compute) -> float:
    """Seconds of so many steps: sentences there and gradients back."""
    tower = compute.private_copy(base.text).train()
    started = 0.0
    for step in range(STEPS + 1):
        if step == 1:
            started = time.perf_counter()
        compute.encode(tower, _TEXTS).sum().backward()
        tower.zero_grad()
        if compute.device.type == "cuda":
            torch.cuda.synchronize(compute.device)
    return time.perf_counter() - started
