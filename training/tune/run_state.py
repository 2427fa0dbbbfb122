"""A training run that can be killed: everything it needs to go on, in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from negviz.common.errors import NegvizError
from negviz.common.files import write_atomically
from training.tune.devices import Descent


class RunStateError(NegvizError):
    """A file that a run cannot go on from; the message says what to do."""


@dataclass(frozen=True)
class RunState:
    """A run on disk every so often: weights, their average, the optimiser's moments, what is drawn next."""

    path: Path
    learner: nn.Module
    average: nn.Module
    descent: Descent

    def save(self, epochs: int, steps: int = 0) -> None:
        """After so many whole epochs, and so many steps of the next."""
        tensors = {f"learner.{name}": value for name, value in self.learner.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        tensors |= _moments(self.descent.optimiser)
        scaler = self.descent.state().items()
        tensors |= {f"scaler.{name}": torch.tensor(value, dtype=torch.float64) for name, value in scaler}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        contiguous = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
        contiguous |= {"epoch": torch.tensor(epochs), "step": torch.tensor(steps)}
        write_atomically(self.path, save(contiguous | {"random": torch.get_rng_state()}))

    def load(self) -> tuple[int, int]:
        """Restore the run; the whole epochs done, and the steps of the next.

        Within an epoch torch goes on drawing where it was; one that begins is seeded by whoever runs it.
        """
        if not self.path.is_file():
            return 0, 0
        tensors = load_file(self.path)
        self.learner.load_state_dict(_under("learner.", tensors))
        self.average.load_state_dict(_under("average.", tensors))
        _set_moments(self.descent.optimiser, tensors)
        self.descent.set_state({name: float(value) for name, value in _under("scaler.", tensors).items()})
        steps = int(tensors.get("step", torch.tensor(0)))  # which older states lack: they are of whole epochs
        if steps:
            torch.set_rng_state(tensors["random"])
        return int(tensors["epoch"]), steps


@dataclass(frozen=True)
class TuneState:
    """A tuning run on disk every so often: parameters, moments, schedule, and what is drawn next.

    Every process calls both methods; the first writes, and all read.  Without a path nothing is kept.
    """

    path: Path | None
    parameters: Mapping[str, nn.Parameter]
    descent: Descent
    plan: torch.optim.lr_scheduler.LambdaLR
    random: np.random.Generator

    def save(self, losses: Sequence[float]) -> None:
        """`losses` are those of what was done: epochs or steps, as the run counts."""
        if self.path is None:
            return
        compute = self.descent.compute
        tensors: dict[str, Tensor] = {f"parameter.{name}": value for name, value in self.parameters.items()}
        tensors |= _moments(self.descent.optimiser)
        tensors |= {f"random.{name}": value for name, value in compute.random_states().items()}
        facts: dict[str, Any] = {
            "losses": list(losses),
            "steps": self.plan.last_epoch,
            "scaler": self.descent.state(),
            "drawn": self.random.bit_generator.state,
        }
        if compute.main:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            contiguous = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
            write_atomically(self.path, save(contiguous, {"run": json.dumps(facts)}))
        compute.wait()

    def load(self) -> list[float]:
        """Restore the run; the losses of what was done, none where nothing was saved.

        Raises `RunStateError`.
        """
        if self.path is None or not self.path.is_file():
            return []
        try:
            with safe_open(self.path, framework="pt") as file:
                facts = json.loads(file.metadata()["run"])
            self._restore(load_file(self.path), facts)
            return [float(loss) for loss in facts["losses"]]
        except (OSError, SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
            raise RunStateError(
                f"{self.path} is not the state of this run; delete it to start anew."
            ) from error

    def _restore(self, tensors: dict[str, Tensor], facts: Mapping[str, Any]) -> None:
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(tensors[f"parameter.{name}"])
        _set_moments(self.descent.optimiser, tensors)
        self.descent.compute.set_random_states(_under("random.", tensors))
        self.descent.set_state(facts["scaler"])
        self.random.bit_generator.state = facts["drawn"]
        self.plan.last_epoch = int(facts["steps"])
        for group, rule in zip(self.descent.optimiser.param_groups, self.plan.lr_lambdas, strict=True):
            group["lr"] = group["initial_lr"] * rule(self.plan.last_epoch)


def _moments(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's state as tensors, by the number of the parameter and the name of the moment."""
    state = optimiser.state_dict()["state"]
    return {
        f"optimiser.{number}.{name}": value
        for number, moments in state.items()
        for name, value in moments.items()
    }


def _set_moments(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimiser.", tensors).items():
        number, moment = name.split(".")
        moments.setdefault(int(number), {})[moment] = value
    optimiser.load_state_dict(optimiser.state_dict() | {"state": moments})


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
