"""A training run that can be killed: everything it needs to go on, in one safetensors file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from negviz.files import write_atomically


@dataclass(frozen=True)
class RunState:
    """A run on disk after each epoch: weights, their average, and the optimiser's two moments."""

    path: Path
    learner: nn.Module
    average: nn.Module
    optimiser: torch.optim.AdamW

    def save(self, epoch: int) -> None:
        tensors = {f"learner.{name}": value for name, value in self.learner.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for number, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{name}": value for name, value in moments.items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        contiguous = {name: value.detach().contiguous().clone() for name, value in tensors.items()}
        write_atomically(self.path, save(contiguous | {"epoch": torch.tensor(epoch)}))

    def load(self) -> int:
        """Restore the run; the number of epochs done, 0 where nothing was saved."""
        if not self.path.is_file():
            return 0
        tensors = load_file(self.path)
        self.learner.load_state_dict(_under("learner.", tensors))
        self.average.load_state_dict(_under("average.", tensors))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _under("optimiser.", tensors).items():
            number, moment = name.split(".")
            moments.setdefault(int(number), {})[moment] = value
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": moments})
        return int(tensors["epoch"])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
