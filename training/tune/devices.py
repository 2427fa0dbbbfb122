"""Where tuning runs: on which device, in which precision, and with how many processes beside it.

    compute = open_compute()                  # the GPU, else the CPU; one of `accelerate launch`
    vectors = compute.encode(tower, texts)    # unit vectors of the whole batch, with gradients
    descent = compute.descent(optimiser, alike=[scale])
    descent(loss)                             # gradients, summed over processes, and one step

Several processes share every batch: each encodes a part of the sentences, all parts are gathered, and each
works out the loss of the whole batch, so negatives are those of the whole batch and the summed gradients are
those that one process would have found.  `accelerate` says which device a process has and connects them;
torch casts and scales.  `CPU`, in full precision, is how text towers of the shipped family are tuned.
"""

from __future__ import annotations

import argparse
import atexit
import copy
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, Protocol, Self, TypeVar, cast, get_args

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import gather, reduce
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from negviz.common.errors import NegvizError
from negviz.models.encoder import DualEncoder
from negviz.models.text_tower import TextTower

Precision = Literal["no", "bf16", "fp16"]
EncodeImages = Callable[[Sequence[Image.Image]], NDArray[np.float32]]
T = TypeVar("T")
_TYPES: Final = {"bf16": torch.bfloat16, "fp16": torch.float16}
_LONGEST: Final = timedelta(days=2)  # that processes wait for the one that embeds films


_CPU: Final = torch.device("cpu")


class DeviceError(NegvizError):
    """A device or precision that cannot be had; the message is one sentence that says what can."""


class Encodes(Protocol):
    """A text tower, or as much of one as is tuned."""

    def tokenize(self, texts: Sequence[str]) -> dict[str, Tensor]: ...

    def __call__(self, **tokens: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Compute:
    """One process of a run.  Every process must call the methods that are said to meet the others."""

    device: torch.device = _CPU
    precision: Precision = "no"  # of the forward pass; weights and losses are float32
    process: int = 0
    processes: int = 1

    @property
    def main(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.process == 0

    def describe(self) -> dict[str, Any]:
        """What may change the outcome, for the model's card."""
        return {"device": self.device.type, "precision": self.precision, "processes": self.processes}

    def seed(self, seed: int) -> None:
        """Seed torch; dropout differs between processes, as their sentences do."""
        torch.manual_seed(seed + self.process)

    def private_copy(self, tower: TextTower) -> TextTower:
        """A text tower to tune, on the device, with gradients where they belong.

        On the CPU it shares its word embeddings with `tower`; elsewhere it has its own.
        """
        own = tower.private_copy()
        if self.device.type != "cpu":
            own = copy.deepcopy(own, {id(own.tokenizer): own.tokenizer}).to(self.device)
        for parameter in own.tunable().values():
            parameter.requires_grad_(True)
        return own

    def encode(self, tower: Encodes, texts: Sequence[str]) -> Tensor:
        """Unit vectors `<float32>[n, dim]` of all texts; gradients reach this process's share.  Meets."""
        tokens = tower.tokenize(self._share(texts))
        with self.autocast():
            vectors: Tensor = tower(**{name: value.to(self.device) for name, value in tokens.items()})
        return self._gather(F.normalize(vectors.float(), dim=-1))[: len(texts)]

    def encode_images(self, model: DualEncoder) -> EncodeImages:
        """The model's own `encode_images`, computed on the device in float32."""
        if self.device.type == "cpu":
            return model.encode_images
        tower = copy.deepcopy(cast(nn.Module, model.image)).to(self.device)

        def encode(images: Sequence[Image.Image]) -> NDArray[np.float32]:
            with torch.inference_mode():
                pixels = model.image.preprocess(images).to(self.device)
                return F.normalize(tower(pixels).float(), dim=-1).cpu().numpy()

        return encode

    def descent(
        self,
        optimiser: torch.optim.Optimizer,
        *,
        alike: Iterable[nn.Parameter] = (),
        limit: Callable[[], object] | None = None,
    ) -> Descent:
        """How one run steps; `alike` are parameters whose gradient is whole on every process.

        `limit`, if any, is done to the gradients before each step.
        """
        scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        return Descent(self, optimiser, scaler, tuple(alike), limit)

    def wait(self) -> None:
        """Until every process is here."""
        if self.processes > 1:
            PartialState().wait_for_everyone()

    def alone(self, work: Callable[[], T]) -> T | None:
        """Do what one process must do: the others wait, and get None.  Meets."""
        done = work() if self.main else None
        self.wait()
        return done

    def random_states(self) -> dict[str, Tensor]:
        """Torch's random states `<uint8>[processes, bytes]`, by device type.  Meets."""
        states = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        return {name: self._every(state.unsqueeze(0)).cpu() for name, state in states.items()}

    def set_random_states(self, states: dict[str, Tensor]) -> None:
        torch.set_rng_state(states["cpu"][self.process])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(states["cuda"][self.process], self.device)

    def autocast(self) -> torch.autocast:
        """In which the forward pass runs, by the precision."""
        dtype = _TYPES.get(self.precision)
        return torch.autocast(self.device.type, dtype, enabled=dtype is not None)

    def _share(self, texts: Sequence[str]) -> Sequence[str]:
        """This process's texts: as many as every other's, the last ones said again where they run out."""
        if self.processes == 1:
            return texts
        each = -(-len(texts) // self.processes)
        padded = [*texts, *[texts[-1]] * (each * self.processes - len(texts))]
        return padded[self.process * each :][:each]

    def _gather(self, mine: Tensor) -> Tensor:
        """`[each, dim]` → `[each * processes, dim]`, the part of this process with its gradients."""
        if self.processes == 1:
            return mine
        parts = list(self._every(mine.detach()).chunk(self.processes))
        parts[self.process] = mine
        return torch.cat(parts)

    def _every(self, mine: Tensor) -> Tensor:
        if self.processes == 1:
            return mine
        return cast(Tensor, gather(mine.to(self.device).contiguous()))


CPU: Final = Compute()


@dataclass(frozen=True, eq=False)
class Descent:
    """The steps of one run."""

    compute: Compute
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    alike: tuple[nn.Parameter, ...]
    limit: Callable[[], object] | None = None

    def __call__(self, loss: Tensor) -> None:
        """One step down the gradient of the whole batch.  Meets."""
        self.optimiser.zero_grad()
        self.scaler.scale(loss).backward()
        if self.compute.processes > 1:
            self._sum()
        if self.limit is not None:
            self.scaler.unscale_(self.optimiser)
            self.limit()
        self.scaler.step(self.optimiser)
        self.scaler.update()

    def _sum(self) -> None:
        """Every process's gradients, summed in one message; those that are whole already, averaged."""
        for parameter in self.alike:
            if parameter.grad is not None:
                parameter.grad /= self.compute.processes
        groups = self.optimiser.param_groups
        gradients = [p.grad for group in groups for p in group["params"] if p.grad is not None]
        total = cast(Tensor, reduce(torch.cat([gradient.flatten() for gradient in gradients]), "sum"))
        for gradient, summed in zip(gradients, total.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(summed.view_as(gradient))

    def state(self) -> dict[str, float]:
        return {name: float(value) for name, value in self.scaler.state_dict().items()}

    def set_state(self, state: dict[str, float]) -> Self:
        if state:
            whole = ("growth_interval", "_growth_tracker")
            self.scaler.load_state_dict({k: int(v) if k in whole else v for k, v in state.items()})
        return self


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """`--device` and `--precision`, as `open_compute` takes them."""
    device = "cpu, cuda, cuda:1, mps …; the accelerator there is by default, and cpu for the shipped family"
    parser.add_argument("--device", metavar="D", help=device)
    precision = "of the forward pass while training: no, bf16 or fp16 (default: bf16 where there is)"
    parser.add_argument("--precision", metavar="P", help=precision)


def open_compute(device: str | None = None, precision: str | None = None) -> Compute:
    """This process's place: the device asked for, or the accelerator there is, or the CPU.

    Under `accelerate launch` with several processes, each is given its device and meets the others here.
    Without `precision`: what `accelerate launch --mixed_precision` said, else bfloat16, or float16 on a GPU
    that lacks it.  Raises `DeviceError`.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        here, state = _place_among_others(device)
        return Compute(here, _precision(here, precision), state.process_index, state.num_processes)
    here = torch.device("cpu") if device == "cpu" else _check(device) if device else _best()
    return Compute(here, _precision(here, precision))


def _place_among_others(device: str | None) -> tuple[torch.device, Any]:
    if device not in (None, "cpu"):
        raise DeviceError(
            "With several processes accelerate gives each its device: leave --device out, or ask for cpu."
        )
    state = PartialState(cpu=device == "cpu", timeout=_LONGEST)
    atexit.register(state.destroy_process_group)
    return state.device, state


def _best() -> torch.device:
    found = torch.accelerator.current_accelerator(check_available=True)
    return torch.device("cpu") if found is None else found


def _check(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        best = _best()
        there = (
            "only the CPU"
            if best.type == "cpu"
            else f"the CPU and {torch.accelerator.device_count()} × {best}"
        )
        raise DeviceError(f"There is no device {name!r} here; torch finds {there}.") from error
    return device


def _precision(device: torch.device, asked: str | None) -> Precision:
    if asked is None:
        told = os.environ.get("ACCELERATE_MIXED_PRECISION", "no")
        if told != "no":
            asked = told
        else:
            lacking = device.type == "cuda" and not torch.cuda.is_bf16_supported()
            asked = "fp16" if lacking else "bf16"
    if asked not in get_args(Precision):
        raise DeviceError(f"There is no precision {asked!r}; ask for {', '.join(get_args(Precision))}.")
    return cast(Precision, asked)
