"""What a question costs the server, part by part, beside the least it could cost.

Measured in this process, each part on sentences of its own: bare passes of the text towers, of a sentence
alone and of it and its opposite, which every column of an answer needs, the galleries, the words panel,
captum's LayerIntegratedGradients as it is commonly used, a place on the map.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch.nn import functional as F

from negviz.language.prompt import read_prompt
from negviz.models.encoder import DualEncoder
from negviz.models.text_tower import MAX_TOKENS
from negviz.page.attribution.panel import WordsPanel
from negviz.page.explore.panel import Explore
from negviz.page.map.panel import MapPanel
from negviz.page.room import Asked, Room

TIMES: Final = 20  # of each cheap part
_DEAR: Final = 2  # of captum's
_STEPS: Final = 50  # of captum's, its default


@dataclass(frozen=True)
class Timings:
    """How long something took."""

    median_ms: float
    p95_ms: float
    times: int

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Timings:
        taken = 1_000 * np.array([*seconds])
        median, p95 = np.percentile(taken, [50, 95])
        return cls(round(float(median), 1), round(float(p95), 1), len(taken))


def measure_costs(
    room: Room, texts: Sequence[str], *, times: int = TIMES, dear: int = _DEAR
) -> dict[str, Timings]:
    """What a question costs the server, part by part; no part is asked the same sentence twice.

    Words and map come after the galleries have answered, as on the page.  Without maps of this family there
    is no "map".
    """
    explore, words, maps = Explore(room), WordsPanel(room), MapPanel(room)
    models = [*room.chosen(Asked("")).values()]
    fresh = iter(texts)
    both = {text: _with_opposite(text) for text in texts}

    def timed(work: Callable[[str], Any], times: int, before: Callable[[str], Any] | None = None) -> Timings:
        _, *taken = (clock(work, next(fresh), before) for _ in range(times + 1))  # the first warms up
        return Timings.of(taken)

    def answered(text: str) -> None:
        room.answer(Asked(text))

    costs = {
        "text_towers": timed(lambda text: _bare(models, [text]), times),
        "text_passes": timed(lambda text: _bare(models, both[text]), times),
        "galleries": timed(lambda text: explore.ask(text, "", (), False, "", ""), times),
        "words": timed(lambda text: words.show(Asked(text).json()), times, answered),
        "captum": timed(lambda text: _captum(models, text), dear),
    }
    if isinstance(maps.atlas, Exception):
        return costs
    return costs | {"map": timed(lambda text: maps.show(Asked(text).json()), times, answered)}


def clock(work: Callable[[str], Any], text: str, before: Callable[[str], Any] | None) -> float:
    if before is not None:
        before(text)
    began = time.perf_counter()
    work(text)
    return time.perf_counter() - began


@torch.inference_mode()
def _bare(models: Sequence[DualEncoder], texts: Sequence[str]) -> None:
    for model in models:
        for text in texts:  # a pass each, as in `DualEncoder.encode_text`
            model.text(**model.text.tokenize([text]))


def _with_opposite(text: str) -> list[str]:
    opposite = read_prompt(text).opposite
    return [text] if opposite is None else [text, opposite.text]


def _captum(models: Sequence[DualEncoder], text: str) -> None:
    """Integrated gradients as they come out of the box: 50 steps over a sentence padded to full length."""
    from captum.attr import LayerIntegratedGradients

    for model in models:
        tower = model.text
        tokens = tower.tokenize([text])
        ids = tokens["input_ids"]
        short = (0, MAX_TOKENS - ids.shape[1])
        mask = F.pad(tokens.get("attention_mask", torch.ones_like(ids)), short)
        ids = F.pad(ids, short, value=tower.pad_id)
        with torch.no_grad():
            towards = tower(ids, mask)[0]

        def score(ids: torch.Tensor, mask: torch.Tensor, tower: Any = tower, towards: Any = towards) -> Any:
            return tower(ids, mask) @ towards

        blank = torch.full_like(ids, tower.pad_id)
        explain = LayerIntegratedGradients(score, tower.word_embeddings)
        explain.attribute(ids, blank, additional_forward_args=(mask,), n_steps=_STEPS)


def ratios(costs: Mapping[str, Timings]) -> dict[str, float]:
    """Medians by the bare cost: what the page adds, and what it saves."""
    median = {name: times.median_ms for name, times in costs.items()}
    return {
        "galleries_to_text_passes": round(median["galleries"] / median["text_passes"], 2),
        "galleries_to_text_towers": round(median["galleries"] / median["text_towers"], 2),
        "words_to_text_towers": round(median["words"] / median["text_towers"], 2),
        "words_to_captum": round(median["words"] / median["captum"], 4),
    }
