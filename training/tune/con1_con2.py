"""CON1 and CON2: tuning a text tower on opposition pairs while the image tower stays frozen.

Film embeddings are computed once; an epoch is text only.  The tower's word embeddings are frozen and so
never shipped; the logit scale is tuned along.  The paper does not publish its learning rate: ours was chosen
by study-level cross-validation with the same budget for both methods (`training/tune/choose.py`); batch and
weight decay are ours too.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from negviz.models.checkpoint import parameter_delta
from negviz.models.encoder import DualEncoder, weights_id, with_text
from negviz.models.text_tower import TextTower
from training.data.pairs import Pairs
from training.tune.devices import CPU, Compute, Encodes
from training.tune.losses import con_clip, info_nce, multi_positive
from training.tune.optim import Decay, adamw
from training.tune.run_state import TuneState

Method = Literal["con1", "con2"]
Targets = Literal["identity", "multi-positive"]
MAX_LOGIT_SCALE: Final = math.log(100)  # as CLIP and CoN-CLIP clamp it

VERSION: Final = "con1-con2/2"  # runs are cached under it: raise it when what a run makes changes


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """The knobs of a tuning run; epochs and optimiser are the paper's, the rest is ours."""

    method: Method
    seed: int = 0
    epochs: int = 5
    batch: int = 32
    lr: float = 2e-5  # peak; linear warm-up, cosine decay
    weight_decay: float = 0.2  # CoN-CLIP's
    decay: Decay = "matrices"  # what it falls on
    warmup: float = 0.1  # share of all steps: CoN-CLIP's 50 steps would be most of the run
    targets: Targets = "identity"  # CON1 only; "multi-positive" counts every film of a class as a match


@dataclass(frozen=True)
class Tuned:
    """A tuned text tower and how it came about."""

    tensors: dict[str, Tensor]  # `TextTower.tunable` of the tuned tower
    logit_scale: float
    config: TuneConfig
    losses: tuple[float, ...]  # mean of each epoch
    delta: dict[str, float]  # how far the parameters moved

    def model(self, base: DualEncoder) -> DualEncoder:
        return with_text(base, self.config.method, self.tensors, self.logit_scale)

    def describe(self) -> dict[str, Any]:
        return {**asdict(self.config), "losses": list(self.losses), "parameter_delta": self.delta}


def tune(
    base: DualEncoder,
    films: NDArray[np.float32],
    pairs: Pairs,
    config: TuneConfig,
    *,
    compute: Compute = CPU,
    state: Path | None = None,
) -> Tuned:
    """Tune a private copy of base's text tower; base itself is not touched.

    `films` `<float32>[n, dim]` are the embeddings of `pairs`' films, in their order.  With `state`, a file
    that is written after every epoch, a run that was stopped goes on and ends as if it had not been.
    """
    compute.seed(config.seed)
    random = np.random.default_rng(config.seed)
    tower = compute.private_copy(base.text).train()
    logit_scale = nn.Parameter(torch.tensor(float(base.logit_scale), device=compute.device))
    tunable = tower.tunable()
    optimiser = adamw(
        ([*tunable.values(), logit_scale], config.lr), weight_decay=config.weight_decay, decay=config.decay
    )
    steps = config.epochs * math.ceil(len(pairs) / config.batch)
    plan = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: schedule(step, steps, config.warmup))
    descent = compute.descent(optimiser, alike=[logit_scale])
    kept = TuneState(state, {**tunable, "logit_scale": logit_scale}, descent, plan, random)
    vectors, losses = torch.from_numpy(films).to(compute.device), kept.load()
    with tqdm(
        total=steps,
        initial=len(losses) * (steps // config.epochs),
        desc=f"{config.method}, seed {config.seed}",
        unit="step",
        leave=False,
        disable=not compute.main,
    ) as bar:
        for _ in range(len(losses), config.epochs):
            epoch = []
            for batch in batches(pairs, config.batch, random):
                loss = _loss(tower, vectors, batch, logit_scale, config, compute)
                descent(loss)
                plan.step()
                with torch.no_grad():
                    logit_scale.clamp_(0, MAX_LOGIT_SCALE)
                epoch.append(loss.item())
                bar.update()
            losses.append(float(np.mean(epoch)))
            kept.save(losses)
    tensors = {name: value.detach().cpu().clone() for name, value in tunable.items()}
    moved = parameter_delta(base.text.tunable(), tensors)
    return Tuned(tensors, float(logit_scale.detach()), config, tuple(losses), moved)


def run_id(base: DualEncoder, films: NDArray[np.float32], compute: Compute, **facts: str) -> str:
    """16 hex digits of base, films, device and `facts`: what the state of a run may be found by."""
    known = {**facts, "logit_scale": base.logit_scale, **compute.describe()}
    digest = hashlib.sha256(weights_id(base.text.state_dict(), known).encode())
    digest.update(np.ascontiguousarray(films).tobytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class AnchorBatch:
    """Anchors with their captions, and what is opposed to each; films are row numbers `<int64>[b]`."""

    films: NDArray[np.int64]
    captions: Sequence[str]
    distractors: NDArray[np.int64]
    opposed: Sequence[str]
    classes: NDArray[np.bool_]  # <bool>[b]: the anchor has the finding


def batches(pairs: Pairs, size: int, random: np.random.Generator) -> Iterator[AnchorBatch]:
    """Every film is an anchor once; caption, opposite and distractor are drawn anew each epoch."""
    order = random.permutation(len(pairs))
    for start in range(0, len(order), size):
        yield draw_batch(pairs, order[start : start + size], random)


def draw_batch(pairs: Pairs, rows: NDArray[np.int64], random: np.random.Generator) -> AnchorBatch:
    """Captions, opposites and distractors of some films."""
    drawn = [pairs.draw(int(row), random) for row in rows]
    captions, opposed, distractors = zip(*drawn, strict=True)
    return AnchorBatch(rows, captions, np.array(distractors), opposed, pairs.has[rows])


def _loss(
    tower: TextTower,
    films: Tensor,
    batch: AnchorBatch,
    logit_scale: Tensor,
    config: TuneConfig,
    compute: Compute = CPU,
) -> Tensor:
    scale, images = logit_scale.exp(), films[batch.films]
    if config.method == "con2":
        captions, opposed = encode(tower, [*batch.captions, *batch.opposed], compute).chunk(2)
        return con_clip(images, captions, films[batch.distractors], opposed, scale)
    captions = encode(tower, batch.captions, compute)
    if config.targets == "identity":
        return info_nce(images, captions, scale)
    has = torch.from_numpy(batch.classes).to(images.device)
    return multi_positive(images, captions, has.unsqueeze(0) == has.unsqueeze(1), scale)


def encode(tower: Encodes, texts: Sequence[str], compute: Compute = CPU) -> Tensor:
    """Unit vectors `<float32>[n, dim]` with gradients."""
    return compute.encode(tower, texts)


def schedule(step: int, steps: int, warmup: float) -> float:
    """Factor on the peak learning rate."""
    first = max(1, round(warmup * steps))
    if step < first:
        return (step + 1) / first
    return (1 + math.cos(math.pi * (step - first) / max(1, steps - first))) / 2
