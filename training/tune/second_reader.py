"""Tuning the second reader: two layers and a query a finding, over the frozen states of a text tower.

What it learns from is encoded once.  The weights have the names that `negviz.language.second_reader` reads
them by, and are run there in numpy.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from negviz.common.files import write_atomically
from negviz.findings import FINDINGS, Polarity
from negviz.language.second_reader import SAID, SILENT, Floats
from negviz.models.text_tower import CompactTextTower
from training.tune.con1_con2 import schedule
from training.tune.devices import CPU
from training.tune.optim import adamw
from training.tune.run_state import TuneState

VERSION: Final = "second-reader/2"
Rows = npt.NDArray[np.int64]
_AT_ONCE: Final = 128
_KEPT_AT_ONCE: Final = 2048


@dataclass(frozen=True, kw_only=True)
class ReaderConfig:
    """The knobs of a run."""

    seed: int = 0
    layers: tuple[int, ...] = (3, 6)  # of the tower; 0 are the embeddings
    dim: int = 128
    heads: int = 4
    depth: int = 2
    epochs: int = 10
    batch: int = 128
    lr: float = 2e-3  # peak; linear warm-up, cosine decay
    weight_decay: float = 0.05
    warmup: float = 0.05
    dropout: float = 0.1
    words_dropped: float = 0.05  # states that a step does not show
    said_weight: float = 3.0  # of a finding that a sentence speaks of, beside one that it does not


@dataclass(frozen=True, eq=False)
class Lesson:
    """Sentences as their tower's states, and what each says."""

    states: Tensor  # float16 [all tokens, width]
    starts: Rows  # [sentences + 1]
    targets: Tensor  # int64 [sentences, findings]: a place in `SAID`, or `SILENT`

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
        """States float32 [rows, tokens, width], mask [rows, tokens] true where there is a token, targets."""
        starts = torch.from_numpy(self.starts[rows])[:, None]
        lengths = torch.from_numpy(self.starts[rows + 1])[:, None] - starts
        places = torch.arange(int(lengths.max()))
        states = self.states[(starts + places).clamp(max=len(self.states) - 1)].float()
        return states, places < lengths, self.targets[torch.from_numpy(rows)]


def targets(said: Sequence[Mapping[str, Polarity]]) -> Tensor:
    """As `Lesson.targets`."""
    return torch.tensor(
        [[SAID.index(one[name]) if name in one else SILENT for name in FINDINGS] for one in said]
    )


def encode(
    tower: CompactTextTower, texts: Sequence[str], layers: Sequence[int], kept: Path | None = None
) -> tuple[Tensor, list[int]]:
    """States float16 [all tokens, width] of sentences one after the other, and the tokens of each.

    With `kept`, a folder, what was encoded before a run was stopped is not encoded again.
    """
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    parts: dict[int, Tensor] = {}
    with tqdm(total=len(order), desc="encode", unit="sentence", leave=False) as bar:
        for start in range(0, len(order), _KEPT_AT_ONCE):
            rows = order[start : start + _KEPT_AT_ONCE]
            parts |= _encoded(tower, {row: texts[row] for row in rows}, layers, kept, bar.update)
    states = [parts[row] for row in range(len(texts))]
    return torch.cat(states), [len(state) for state in states]


def _encoded(
    tower: CompactTextTower,
    texts: Mapping[int, str],
    layers: Sequence[int],
    kept: Path | None,
    done: Callable[[int], object],
) -> dict[int, Tensor]:
    """States by row."""
    facts = json.dumps([tower.identity["sha256"], list(layers), list(texts.values())])
    path = None if kept is None else kept / f"{hashlib.sha256(facts.encode()).hexdigest()[:16]}.safetensors"
    if path is not None and path.is_file():
        done(len(texts))
        found = load_file(path)
        return {row: found[str(place)] for place, row in enumerate(texts)}
    parts: dict[int, Tensor] = {}
    for start in range(0, len(texts), _AT_ONCE):
        rows = [*texts][start : start + _AT_ONCE]
        tokens = tower.tokenize([texts[row] for row in rows])
        with torch.inference_mode():
            states = tower.states(tokens["input_ids"], tokens["attention_mask"], layers).half()
        for row, state, mask in zip(rows, states, tokens["attention_mask"].bool(), strict=True):
            parts[row] = state[mask].clone()
        done(len(rows))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, save({str(place): parts[row] for place, row in enumerate(texts)}))
    return parts


def make_lesson(states: Tensor, lengths: Sequence[int], said: Sequence[Mapping[str, Polarity]]) -> Lesson:
    return Lesson(states, np.concatenate([[0], np.cumsum(lengths)]), targets(said))


class _Attention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.taken = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, asking: Tensor, offered: Tensor, mask: Tensor) -> Tensor:
        query, key, value = (
            part(values).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part, values in ((self.query, asking), (self.key, offered), (self.value, offered))
        )
        heard = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        taken: Tensor = self.taken(heard.transpose(1, 2).flatten(2))
        return taken


class _Layer(_Attention):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        self.before_norm, self.after_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.widen, self.narrow = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)


class ReaderNet(nn.Module):
    """What `SecondReader.read` computes, for many sentences at once, before the softmax."""

    def __init__(self, width: int, config: ReaderConfig) -> None:
        super().__init__()
        dim = config.dim
        self.enter, self.enter_norm = nn.Linear(width, dim), nn.LayerNorm(dim)
        self.deep = nn.ModuleList(_Layer(dim, config.heads) for _ in range(config.depth))
        self.findings = nn.Parameter(torch.randn(len(FINDINGS), dim) * 0.5)
        self.last, self.last_norm, self.heard_norm = (
            _Attention(dim, config.heads),
            nn.LayerNorm(dim),
            nn.LayerNorm(dim),
        )
        self.hidden, self.out = nn.Linear(dim, dim), nn.Linear(dim, SILENT + 1)
        self.bias = nn.Parameter(torch.zeros(len(FINDINGS), SILENT + 1))
        self.drop = nn.Dropout(config.dropout)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Logits [n, findings, 4] from states [n, tokens, width] and their mask [n, tokens]."""
        tokens = self.drop(self.enter_norm(self.enter(states)))
        for layer in self.deep:
            assert isinstance(layer, _Layer)
            normed = layer.before_norm(tokens)
            tokens = tokens + self.drop(layer(normed, normed, mask))
            wide = F.relu(layer.widen(layer.after_norm(tokens)))
            tokens = tokens + self.drop(layer.narrow(wide))
        asked = self.findings.expand(len(states), -1, -1)
        heard = asked + self.drop(self.last(asked, self.last_norm(tokens), mask))
        logits: Tensor = self.out(self.drop(F.relu(self.hidden(self.heard_norm(heard))))) + self.bias
        return logits

    def weights(self) -> dict[str, Tensor]:
        """By the names that `SecondReader` knows those of one of its networks by."""
        return {name.removeprefix("deep."): value.detach() for name, value in self.state_dict().items()}


def tune_reader(
    lesson: Lesson, rows: Rows, config: ReaderConfig, *, state: Path | None = None, progress: bool = True
) -> ReaderNet:
    """A network that reads as some `rows` of a lesson say.

    With `state`, a file that is written after every epoch, a run that was stopped goes on.
    """
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        return _tune(lesson, rows, config, state, progress)


def _tune(lesson: Lesson, rows: Rows, config: ReaderConfig, state: Path | None, progress: bool) -> ReaderNet:
    draw = np.random.default_rng(config.seed)
    net = ReaderNet(lesson.states.shape[1], config).train()
    optimiser = adamw((net.parameters(), config.lr), weight_decay=config.weight_decay)
    steps = config.epochs * math.ceil(len(rows) / config.batch)
    plan = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: schedule(step, steps, config.warmup))
    kept = TuneState(state, dict(net.named_parameters()), CPU.descent(optimiser), plan, draw)
    losses = kept.load()
    with tqdm(
        total=steps,
        initial=len(losses) * (steps // config.epochs),
        desc=f"second reader, seed {config.seed}",
        unit="step",
        leave=False,
        disable=not progress,
    ) as bar:
        for _ in range(len(losses), config.epochs):
            epoch = []
            for batch in _batches(lesson, rows, config.batch, draw):
                loss = _loss(net, lesson, batch, config)
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimiser.step()
                plan.step()
                epoch.append(loss.item())
                bar.update()
            losses.append(float(np.mean(epoch)))
            kept.save(losses)
    return net.eval()


def _loss(net: ReaderNet, lesson: Lesson, rows: Rows, config: ReaderConfig) -> Tensor:
    states, mask, wanted = lesson.batch(rows)
    shown = mask & (torch.rand(mask.shape) >= config.words_dropped)
    shown[:, 0] = True
    found = net(states, shown).flatten(0, 1)
    loss = F.cross_entropy(found, wanted.flatten(), reduction="none")
    return (loss * torch.where(wanted.flatten() == SILENT, 1.0, config.said_weight)).mean()


def _batches(lesson: Lesson, rows: Rows, size: int, draw: np.random.Generator) -> Iterator[Rows]:
    """Sentences of like length together, in random order: little padding."""
    order = rows[np.argsort(np.diff(lesson.starts)[rows] + draw.uniform(0, 2, len(rows)))]
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    for place in draw.permutation(len(batches)):
        yield batches[place]


def logits(net: ReaderNet, lesson: Lesson, rows: Rows) -> Tensor:
    """[rows, findings, 4], in their order."""
    order = np.argsort(np.diff(lesson.starts)[rows], kind="stable")
    found = torch.empty(len(rows), len(FINDINGS), SILENT + 1)
    with torch.inference_mode():
        for start in range(0, len(order), 512):
            some = order[start : start + 512]
            states, mask, _ = lesson.batch(rows[some])
            found[torch.from_numpy(some)] = net(states, mask)
    return found


def fit_temperature(found: Tensor, wanted: Tensor) -> float:
    """By which logits are divided so that held-out probabilities are as likely as can be."""
    losses: dict[float, float] = {
        t: F.cross_entropy(found.flatten(0, 1) / t, wanted.flatten()).item()
        for t in np.geomspace(0.5, 5, 47).tolist()
    }
    return min(losses, key=lambda t: losses[t])


def probabilities(found: Tensor, temperature: float) -> Floats:
    read: Floats = (found / temperature).softmax(-1).numpy()
    return read
