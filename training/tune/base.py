"""The compact base: an image tower from scratch beside a locked MiniLM with a linear projection.

One run, read top to bottom: film and sentence are drawn together (contrastive, sentences as written,
negations included), and the embedding must tell the findings and MeSH terms of the film (supervision).
Nothing here treats a negated sentence differently from any other; whatever blindness base has is its own.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from negviz.findings import FINDINGS
from negviz.models.image_tower import Branch, ImageTower, ImageTowerConfig
from training.data.base import BaseData
from training.tune.augment import augment
from training.tune.devices import CPU, Compute, Descent
from training.tune.losses import multi_positive, weighted_bce
from training.tune.optim import adamw
from training.tune.run_state import RunState

KEPT_EVERY: Final = 300.0  # seconds that a run within an epoch may lose, and its last step
_MESH_WEIGHT: Final = 0.2  # of a MeSH term beside a finding


@dataclass(frozen=True, kw_only=True)
class BaseConfig:
    """The knobs of the run.  Chosen on a held-out fold of training studies; test films had no part in it."""

    seed: int = 0
    size: int = 160  # pixels a side the network sees
    widths: tuple[int, ...] = (32, 64, 128, 256)
    depths: tuple[int, ...] = (2, 2, 2, 2)
    dim: int = 512
    branches: int = 2  # networks of one plan, trained apart from seeds `seed`, `seed` + 1, …
    epochs: int = 24  # from 18 on, held-out figures stood still
    batch: int = 32
    lr: float = 2e-3  # peak; linear warm-up, cosine decay
    warmup: float = 0.1  # share of all steps
    weight_decay: float = 0.05
    contrastive: float = 0.3  # weight of the film–sentence term
    rare: float = 1.0  # how much more often a film with a finding is drawn, over one without
    ema: float = 0.995  # decay of the averaged weights, which are what is kept
    clip: float = 5.0  # gradient norm
    simulated: int = 1200  # films of the simulator's training seeds beside the real ones
    simulated_share: float = 0.25  # of every batch, where there are films of both kinds

    def tower(self) -> ImageTowerConfig:
        return ImageTowerConfig(
            size=self.size,
            stem=self.widths[0],
            widths=self.widths,
            depths=self.depths,
            dim=self.dim,
            branches=self.branches,
        )

    def describe(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def id(self) -> str:
        """Twelve hex digits that tell this configuration from another."""
        facts = asdict(self)
        if not self.simulated:  # then its share is no part of the run either
            del facts["simulated"], facts["simulated_share"]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


class Heads(nn.Module):
    """What hangs on the embedding while it is trained: a cosine classifier and the text projection."""

    def __init__(self, labels: int, width: int, dim: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.randn(labels, dim) * 0.05)
        self.bias = nn.Parameter(torch.full((labels,), -3.0))  # findings are rare
        self.scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.projection = nn.Linear(width, dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def labels(self, images: Tensor) -> Tensor:
        """`<float32>[b, dim]` → logits `<float32>[b, labels]`."""
        return self.scale.exp() * images @ F.normalize(self.directions, dim=-1).T + self.bias


class Learner(nn.Module):
    """A branch and its heads: what is optimised, averaged and saved."""

    def __init__(self, config: BaseConfig, labels: int, width: int) -> None:
        super().__init__()
        self.tower = Branch(config.tower())
        self.heads = Heads(labels, width, config.dim // config.branches)


@dataclass(frozen=True)
class BaseRun:
    """A finished run: the branches joined to a tower, and what hung on each."""

    tower: ImageTower
    heads: tuple[Heads, ...]
    projection: Tensor  # <float32>[dim, width], of the text tower
    config: BaseConfig
    films: int  # trained on
    data_hash: str

    @property
    def logit_scale(self) -> float:
        return sum(float(heads.logit_scale.detach()) for heads in self.heads) / len(self.heads)

    def labels(self, images: Tensor) -> Tensor:
        """Embeddings `<float32>[n, dim]` → logits `<float32>[n, labels]`, the mean of the branches'."""
        parts = zip(self.heads, images.chunk(len(self.heads), dim=-1), strict=True)
        with torch.no_grad():
            return torch.stack([heads.labels(F.normalize(part, dim=-1)) for heads, part in parts]).mean(0)


def train_base(data: BaseData, config: BaseConfig, *, work: Path, compute: Compute = CPU) -> BaseRun:
    """Train every branch, or go on from what was last saved under `work` by the same configuration and data.

    Everything random is drawn from (seed, epoch), so a run that was killed ends where one that was not would
    have.
    """
    learners = [
        train_branch(data, config, number, work=work, compute=compute) for number in range(config.branches)
    ]
    tower = ImageTower(config.tower()).eval()
    for branch, learner in zip(tower.branches, learners, strict=True):
        branch.load_state_dict(learner.tower.state_dict())
    heads = tuple(learner.heads for learner in learners)
    return BaseRun(tower, heads, _join(heads, data.texts), config, len(data.collection), data.hash)


def _join(heads: Sequence[Heads], texts: Tensor) -> Tensor:
    """The branches' text projections one above the other, scaled so that each counts alike on average."""
    with torch.no_grad():
        weights = [head.projection.weight for head in heads]  # [dim / branches, width] each
        return torch.cat([weight / (texts @ weight.T).norm(dim=-1).mean() for weight in weights])


def train_branch(
    data: BaseData, config: BaseConfig, number: int, *, work: Path, compute: Compute = CPU
) -> Learner:
    """One of the networks, averaged over its run; goes on from what was last saved under `work`.

    Films are drawn and varied on the CPU, so they are the same on every device; one process trains alone.
    """
    where = f"-{compute.device.type}-{compute.precision}"
    seed = config.seed + number
    path = work / f"base-{config.id}-{data.hash[:12]}-{number}{where}.safetensors"
    torch.manual_seed(seed)
    learner = Learner(config, len(data.labels), data.texts.shape[1])
    learner.to(compute.device)
    learner.tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = Learner(config, len(data.labels), data.texts.shape[1]).to(compute.device)
    average.load_state_dict(learner.state_dict())
    optimiser = adamw((learner.parameters(), config.lr), weight_decay=config.weight_decay)
    parameters = list(learner.parameters())
    descent = compute.descent(optimiser, limit=lambda: nn.utils.clip_grad_norm_(parameters, config.clip))
    state = RunState(path, learner, average, descent)
    steps = len(data.collection) // config.batch
    first, done = state.load()
    saved = monotonic()
    with tqdm(
        total=config.epochs * steps, initial=first * steps + done, desc=f"base, seed {seed}", unit="step"
    ) as bar:
        for epoch in range(first, config.epochs):
            if not done:
                torch.manual_seed(hash_seed(seed, epoch))
            learner.train()
            for place, batch in islice(enumerate(_batches(data, config, seed, epoch)), done, None):
                rate = _schedule(config, (epoch * steps + place) / (config.epochs * steps))
                loss = _step(learner, descent, data, batch, config, rate)
                _follow(average, learner, config.ema, epoch * steps + place)
                bar.set_postfix(epoch=epoch, loss=f"{loss:.3f}", refresh=False)
                bar.update()
                if monotonic() - saved > KEPT_EVERY:
                    state.save(epoch, place + 1)
                    saved = monotonic()
            state.save(epoch + 1)
            saved, done = monotonic(), 0
    return average.cpu().eval()


def hash_seed(*parts: int) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7], "big")


def _batches(data: BaseData, config: BaseConfig, seed: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    """Film numbers `<int64>[batch]`, drawn with replacement, films with a finding more often.

    Where there are real and simulated films, every batch holds its share of both.
    """
    random = np.random.default_rng(hash_seed(seed, epoch, 1))
    found = data.targets[:, : len(FINDINGS) - 1].amax(1).numpy() > 0.5
    odds = 1 + config.rare * found
    steps, real = len(found) // config.batch, len(found) - data.simulated
    share = config.simulated_share if real and data.simulated else float(data.simulated > 0)
    made = round(config.batch * share)
    kinds = ((np.arange(real), config.batch - made), (np.arange(real, len(found)), made))
    drawn = [
        random.choice(rows, steps * count, p=odds[rows] / odds[rows].sum()).reshape(steps, count)
        for rows, count in kinds
        if count
    ]
    yield from np.concatenate(drawn, axis=1)


def _step(
    learner: Learner,
    descent: Descent,
    data: BaseData,
    batch: NDArray[np.int64],
    config: BaseConfig,
    rate: float,
) -> float:
    for group in descent.optimiser.param_groups:
        group["lr"] = rate
    films = augment(data.films[batch], config.size).contiguous(memory_format=torch.channels_last)
    with descent.compute.autocast():
        images = learner.tower(films.to(descent.compute.device))  # [b, dim]
    images = images.float()
    loss = _supervision(learner.heads, images, data, batch)
    if config.contrastive:
        loss = loss + config.contrastive * _contrast(learner.heads, images, data, batch)
    descent(loss)
    return float(loss.detach())


def _supervision(heads: Heads, images: Tensor, data: BaseData, batch: NDArray[np.int64]) -> Tensor:
    weights = data.weights[batch].clone()
    weights[:, len(FINDINGS) :] *= _MESH_WEIGHT
    targets, weights = data.targets[batch].to(images.device), weights.to(images.device)
    return weighted_bce(heads.labels(images), targets, weights) / 2


def _contrast(heads: Heads, images: Tensor, data: BaseData, batch: NDArray[np.int64]) -> Tensor:
    """One sentence of each film that has a report; a sentence written of several films is true of all."""
    drawn = [_one_of(data.sentences[film]) for film in batch]
    with_text = [place for place, row in enumerate(drawn) if row is not None]
    rows = torch.tensor([row for row in drawn if row is not None], dtype=torch.long)
    captions = F.normalize(heads.projection(data.texts[rows].to(images.device)), dim=-1)
    same = (rows.unsqueeze(0) == rows.unsqueeze(1)).to(images.device)
    return multi_positive(images[with_text], captions, same, heads.logit_scale.clamp(0, math.log(100)).exp())


def _one_of(rows: tuple[int, ...]) -> int | None:
    return rows[int(torch.randint(len(rows), ()))] if rows else None


def _schedule(config: BaseConfig, done: float) -> float:
    if done < config.warmup:
        return max(config.lr * done / config.warmup, 1e-6)
    left = (done - config.warmup) / (1 - config.warmup)
    return max(config.lr * (1 + math.cos(math.pi * left)) / 2, 1e-6)


@torch.no_grad()
def _follow(average: Learner, learner: Learner, decay: float, step: int) -> None:
    """Exponential moving average of weights and batch statistics, quick at first."""
    keep = min(decay, (step + 1) / (step + 10))
    for kept, new in zip(average.state_dict().values(), learner.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - keep)
