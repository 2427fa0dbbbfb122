"""Which heads and layers carry negation, before and after tuning, and how few of them suffice.

A prompt's *margin* says how much more the films that satisfy it, than those that contradict it, prefer it to
its opposite: (prompt − opposite) · (mean film that satisfies − mean film that contradicts).  The opposite is
part of it because a head also says things that are the same for every sentence; without that head all
sentences move alike, which looks like a loss to one polarity and a gain to the other, and is neither.
Measured over prompts, with what is right by the prompt file's own finding and polarity:

- *drops*: by how much the margin falls with one head, or all heads of a layer, put to zero;
- *dearest*: the drop of the head that costs most.  On the prompts that it was found on, the largest of many
  drops is in part large by chance, so the head is chosen on every other prompt that rules a finding out and
  its drop measured on the rest of these prompts;
- *kept*: the margin when only the first n heads work, and *lost*: when just those do not.  Heads are ordered
  and both curves measured on the same two halves, and heads taken out say what they say on average over all
  prompts, for many zeros at once would be like no sentence at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from negviz.evaluation.cells import EvaluationError
from negviz.evaluation.prompts import PromptRow
from negviz.explain.heads import HeadSwitch
from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.retrieval.metrics import Counts, Floats, average, draw, interval
from negviz.retrieval.search import Vectors
from training.measure.diagnosis import opposite_of

ENOUGH: Final = 0.9  # of the margin
_REST: Final = "rest"  # of the absent, what was chosen on the others is measured on these
Json = dict[str, Any]
Kept = npt.NDArray[np.bool_]


def measure_heads(
    models: Mapping[str, DualEncoder],
    vectors: Mapping[str, Vectors],
    films: Collection,
    rows: Sequence[PromptRow],
    *,
    times: int,
    seed: int,
) -> Json:
    """Every head and layer of every model.  Raises `EvaluationError` where there are too few prompts."""
    asked = [row for row in rows if row.polarity != "uncertain"]
    sides = {
        name: [i for i, row in enumerate(asked) if row.polarity == name] for name in ("absent", "present")
    }
    if len(sides["absent"]) < 2:
        raise EvaluationError("Heads need at least two prompts that rule a finding out.")
    sizes = {**{name: len(side) for name, side in sides.items()}, _REST: len(_rest(sides))}
    draws = {name: draw(max(size, 1), times=times, seed=seed) for name, size in sizes.items()}
    measured = {
        name: _measure(model, _directions(films, vectors[name], asked), asked, sides, draws)
        for name, model in models.items()
    }
    return {
        "what": "margin: (prompt - opposite) . (mean film that satisfies it - mean film that contradicts it)"
        "; the dearest head is chosen on every other negated prompt and measured on the rest",
        "prompts": {name: len(side) for name, side in sides.items()},
        "enough": ENOUGH,
        "models": measured,
    }


def _directions(films: Collection, vectors: Vectors, rows: Sequence[PromptRow]) -> npt.NDArray[np.float32]:
    """From the mean film that contradicts each prompt to the mean film that satisfies it, [prompts, dim]."""
    found: dict[tuple[str, str], npt.NDArray[np.float32]] = {}
    for row in rows:
        right = np.array([film.states(row.finding, row.polarity) for film in films], dtype=np.float64)
        if not {0.0, 1.0} <= set(right.tolist()):
            raise EvaluationError(f"{films.name} needs films that show {row.finding} and films that deny it.")
        if (row.finding, row.polarity) not in found:
            sides = [vectors[right == side].mean(0) for side in (1, 0)]
            found[row.finding, row.polarity] = np.asarray(sides[0] - sides[1], np.float32)
    return np.stack([found[row.finding, row.polarity] for row in rows])


def _measure(
    model: DualEncoder,
    directions: npt.NDArray[np.float32],
    rows: Sequence[PromptRow],
    sides: Mapping[str, list[int]],
    draws: Mapping[str, Counts],
) -> Json:
    pairs = [(row.prompt, opposite_of(row)) for row in rows]
    switch = HeadSwitch(model.text)
    sets = np.concatenate((switch.one_out(), _layer_out(switch)))  # all kept, each head out, each layer out
    margins = _margins(switch, pairs, directions, sets, f"heads, {model.name}")  # [sets, prompts]
    heads = switch.layers * switch.heads
    drops = margins[0] - margins[1:]  # [heads and layers, prompts]
    half, rest = sides["absent"][::2], _rest(sides)
    order = np.argsort(-drops[:heads, half].mean(1), kind="stable")
    means = HeadSwitch(model.text, instead=HeadSwitch(model.text).means(sum(pairs, ())))
    curves = _curves(means, order, [pairs[i] for i in rest], directions[rest], f"few heads, {model.name}")
    return {
        "layers": switch.layers,
        "heads": switch.heads,
        "absent": _side(margins, drops, heads, sides["absent"], draws["absent"], switch),
        "present": _side(margins, drops, heads, sides["present"], draws["present"], switch),
        "dearest": _dearest(divmod(int(order[0]), switch.heads), drops[order[0], rest], draws[_REST]),
        "order": [[int(head) // switch.heads, int(head) % switch.heads] for head in order],
        **curves,
        "suffice": _suffice(curves["kept"]),
    }


def _rest(sides: Mapping[str, list[int]]) -> list[int]:
    """The prompts on which what was chosen on the others is measured."""
    return sides["absent"][1::2]


def _dearest(head: tuple[int, int], drops: Floats, counts: Counts) -> Json:
    """`drops` [prompts] of the head that was chosen on other prompts."""
    return {
        "layer": head[0],
        "head": head[1],
        "prompts": len(drops),
        "drop": float(drops.mean()),
        "drop_ci": interval(average(drops, counts)),
    }


def _side(
    margins: Floats, drops: Floats, heads: int, side: Sequence[int], counts: Counts, switch: HeadSwitch
) -> Json | None:
    """Means over the prompts of one polarity, with intervals."""
    if not side:
        return None
    shape = (switch.layers, switch.heads)
    mean = drops[:, side].mean(1)
    low, high = np.array([interval(average(row, counts)) for row in drops[:, side]]).T
    return {
        "margin": float(margins[0, side].mean()),
        "margin_ci": interval(average(margins[0, side], counts)),
        "drops": mean[:heads].reshape(shape).tolist(),
        "drops_low": low[:heads].reshape(shape).tolist(),
        "drops_high": high[:heads].reshape(shape).tolist(),
        "layer_drops": mean[heads:].tolist(),
        "layer_drops_ci": np.stack((low[heads:], high[heads:]), axis=1).tolist(),
    }


def _layer_out(switch: HeadSwitch) -> Kept:
    """[layers, layers, heads]: each layer's heads out in turn."""
    return np.repeat(~np.eye(switch.layers, dtype=bool)[:, :, None], switch.heads, axis=2)


def _curves(
    switch: HeadSwitch,
    order: npt.NDArray[np.intp],
    pairs: Sequence[tuple[str, str]],
    directions: npt.NDArray[np.float32],
    what: str,
) -> dict[str, list[float]]:
    """Margins with only the first n heads at work, and with just those out, n from 0 on."""
    place = np.argsort(order)
    first = (place < np.arange(len(order) + 1)[:, None]).reshape(-1, switch.layers, switch.heads)  # [n, …]
    margins = _margins(switch, pairs, directions, np.concatenate((first, ~first)), what).mean(1)
    kept, lost = np.split(margins, 2)
    return {"kept": kept.tolist(), "lost": lost.tolist()}


def _suffice(kept: Sequence[float]) -> int | None:
    """How many heads give `ENOUGH` of the margin, this many and more; None where there is none to give."""
    if kept[-1] <= 0:
        return None
    short = [n for n, margin in enumerate(kept) if margin < ENOUGH * kept[-1]]
    return short[-1] + 1 if short else 0


def _margins(
    switch: HeadSwitch,
    pairs: Sequence[tuple[str, str]],
    directions: npt.NDArray[np.float32],
    sets: Kept,
    what: str,
) -> Floats:
    """[sets, prompts], one pair at a time so that little is padded."""
    bar = tqdm(zip(pairs, directions, strict=True), desc=what, unit="prompt", total=len(pairs))
    columns = []
    for pair, towards in bar:
        vectors = switch.vectors(pair, sets)  # [sets, 2, dim]
        columns.append((vectors[:, 0] - vectors[:, 1]) @ towards)
    return np.stack(columns, axis=1).astype(np.float64)
