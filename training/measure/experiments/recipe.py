"""One tuning run in every respect that the experiments vary, and the loop that carries it out.

With a share of 0 or 1 and nothing else changed it is `training.tune.con1_con2` with CON1 or CON2, step by
step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from negviz.models.encoder import DualEncoder
from negviz.models.text_tower import TextTower
from training.data.pairs import Pairs
from training.measure.experiments.low_rank import add_low_rank, merge_low_rank
from training.tune.con1_con2 import (
    MAX_LOGIT_SCALE,
    AnchorBatch,
    Targets,
    TuneConfig,
    batches,
    draw_batch,
    encode,
    schedule,
)
from training.tune.losses import con_clip_in_part, multi_positive
from training.tune.optim import Decay, adamw

EncodeRows = Callable[[NDArray[np.int64]], Tensor]  # rows of films → their unit vectors [n, dim]


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """The knobs of a run."""

    lr: float  # peak, of the text tower
    share: float = 1.0  # of anchors that bring a distractor and its caption: 0 is CON1, 1 is CON2
    targets: Targets = "identity"  # "multi-positive" wants a share of 0
    seed: int = 0
    epochs: int = 5
    batch: int = 32
    films: int | None = None  # how many to tune on, half of them of either class; None: all
    rank: int | None = None  # of low-rank tuning; None: the whole tower moves
    image_lr: float | None = None  # peak, of the image tower; None: it stays
    decay: Decay = "matrices"  # what weight decay falls on
    drawn: Literal["found"] | None = None  # films of an epoch as often as they are found; None: balanced
    batches: Literal["apart"] | None = None  # of films with the finding, or of films without; None: of both

    @classmethod
    def of(cls, config: TuneConfig, *, seed: int = 0) -> Knobs:
        """What `training.tune.con1_con2` does by that configuration."""
        share = 1.0 if config.method == "con2" else 0.0
        return cls(
            lr=config.lr,
            batch=config.batch,
            epochs=config.epochs,
            share=share,
            seed=seed,
            decay=config.decay,
        )

    def facts(self) -> dict[str, Any]:
        return asdict(self)


def fewer(pairs: Pairs, count: int | None, seed: int) -> Pairs:
    """`count` of the films, as many of either class, drawn by seed; all of them for None."""
    if count is None or count >= len(pairs):
        return pairs
    random = np.random.default_rng(seed)
    sides = [np.flatnonzero(pairs.has == has) for has in (True, False)]
    kept = np.sort(np.concatenate([random.permutation(side)[: count // 2] for side in sides]))
    return replace(pairs, films=tuple(pairs.films[row] for row in kept), has=pairs.has[kept])


def fixed(vectors: NDArray[np.float32]) -> EncodeRows:
    """Films as a frozen image tower sees them: `vectors` `<float32>[n, dim]`, unit rows."""
    held = torch.from_numpy(vectors)
    return lambda rows: held[rows]


def carry_out(
    base: DualEncoder, pairs: Pairs, recipe: Knobs, look: EncodeRows, moving: Iterable[nn.Parameter] = ()
) -> DualEncoder:
    """Tune a private copy of base's text tower; `moving` are parameters behind `look` that move along."""
    torch.manual_seed(recipe.seed)
    random = np.random.default_rng(recipe.seed)
    tower = base.text.private_copy().train()
    logit_scale = nn.Parameter(torch.tensor(float(base.logit_scale)))
    parts = [([*_released(tower, recipe), logit_scale], recipe.lr)]
    if recipe.image_lr is not None:
        parts.append((list(moving), recipe.image_lr))
    optimiser = adamw(*parts, weight_decay=TuneConfig.weight_decay, decay=recipe.decay)
    apart = int(recipe.batches == "apart")  # the last batch of either kind is not full
    steps = recipe.epochs * (math.ceil(_epoch(pairs, recipe) / recipe.batch) + apart)
    plan = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: schedule(step, steps, TuneConfig.warmup))
    for _ in range(recipe.epochs):
        for batch in _batches(pairs, recipe, random):
            loss = _loss(tower, look, batch, logit_scale, recipe)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            plan.step()
            with torch.no_grad():
                logit_scale.clamp_(0, MAX_LOGIT_SCALE)
    merge_low_rank(tower)
    return replace(
        base,
        name="tuned",
        text=tower.eval().requires_grad_(False),
        logit_scale=float(logit_scale.detach()),
    )


def _epoch(pairs: Pairs, recipe: Knobs) -> int:
    """Films of an epoch: as many as are balanced, whatever they are drawn from."""
    return 2 * int(min(pairs.has.sum(), (~pairs.has).sum())) if recipe.drawn else len(pairs)


def _batches(pairs: Pairs, recipe: Knobs, random: np.random.Generator) -> Iterator[AnchorBatch]:
    """An epoch."""
    if not recipe.drawn and not recipe.batches:
        yield from batches(pairs, recipe.batch, random)
        return
    order = random.permutation(len(pairs))[: _epoch(pairs, recipe)]
    kinds = [order[pairs.has[order] == has] for has in (True, False)] if recipe.batches else [order]
    cut = [rows[at : at + recipe.batch] for rows in kinds for at in range(0, len(rows), recipe.batch)]
    for number in random.permutation(len(cut)):
        yield draw_batch(pairs, cut[number], random)


def _released(tower: TextTower, recipe: Knobs) -> list[nn.Parameter]:
    if recipe.rank is not None:
        return add_low_rank(tower, recipe.rank)
    tunable = list(tower.tunable().values())
    for parameter in tunable:
        parameter.requires_grad_(True)
    return tunable


def _loss(
    tower: TextTower, look: EncodeRows, batch: AnchorBatch, logit_scale: Tensor, recipe: Knobs
) -> Tensor:
    scale, images = logit_scale.exp(), look(batch.films)
    if recipe.targets == "multi-positive":
        has = torch.from_numpy(batch.classes)
        same = has.unsqueeze(0) == has.unsqueeze(1)  # [b, b]
        return multi_positive(images, encode(tower, batch.captions), same, scale)
    kept = round(recipe.share * len(images))  # anchors are in random order, so the first ones are any
    texts = encode(tower, [*batch.captions, *batch.opposed[:kept]])
    captions, opposed = texts[: len(images)], texts[len(images) :]
    distractors = look(batch.distractors[:kept]) if kept else images[:0]
    return con_clip_in_part(images, captions, distractors, opposed, scale)
