"""The one home of optimisers: AdamW, and what its weight decay falls on.

Decay draws a parameter towards zero.  That regularises a matrix; it only distorts a bias, the gain of a
norm or the logit scale, which stand for a level and not for a direction, so these are left alone, as in
open_clip.  A run that did otherwise says `"decay": "everything"` in its settings, or nothing of it at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import torch
from torch import nn

Decay = Literal["matrices", "everything"]
UNRECORDED: Final[Decay] = "everything"  # what a record of a run that says nothing of it was tuned with


def adamw(
    *parts: tuple[Iterable[nn.Parameter], float], weight_decay: float, decay: Decay = "matrices"
) -> torch.optim.AdamW:
    """AdamW over parts of a model, each with its own learning rate."""
    groups = []
    for parameters, lr in parts:
        whole = list(parameters)
        drawn = [p for p in whole if p.ndim > 1 or decay == "everything"]
        spared = [p for p in whole if p.ndim <= 1 and decay != "everything"]
        groups += [
            {"params": some, "lr": lr, "weight_decay": share}
            for some, share in ((drawn, weight_decay), (spared, 0.0))
            if some
        ]
    return torch.optim.AdamW(groups)
