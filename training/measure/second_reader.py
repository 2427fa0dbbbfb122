"""How two readers do: what is right, asked or marked wrongly, with and without the second one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from negviz.evaluation.prompts import read_prompts
from negviz.language.prompt import Prompt, read_prompt
from negviz.models.two_readers import TwoReaders
from training.data.typed import Composed
from training.measure.questions import read_questions
from training.measure.typed import Typed, measure_typed

Read = Callable[[str], Prompt]
Json = dict[str, Any]
_TIMED: Final = 200  # sentences


def as_typed(one: Composed) -> Typed:
    """With its kind in place of a user; none of them should be asked about."""
    return Typed(one.kind, one.text, frozenset(one.said.items()), ask=False)


def alone_and_both(sentences: Sequence[Composed], both: Read) -> Json:
    """Shares by who reads."""
    rows = [as_typed(one) for one in sentences]
    read: dict[str, Read] = {"rules": read_prompt, "both": both}
    return {
        "sentences": len(rows),
        **{who: measure_typed(rows, reader)["negviz"] for who, reader in read.items()},
    }


def by_kind(sentences: Sequence[Composed], both: Read) -> Json:
    """Counts by kind, with both readers."""
    counts: Json = measure_typed([as_typed(one) for one in sentences], both)["by_user"]
    return dict(sorted(counts.items()))


def prompts_of(path: Path) -> list[Composed]:
    """The prompts of a file, with all that they say where it tells that."""
    rows = read_prompts(path)
    if "mentions" not in rows[0].extra:
        return [Composed(row.prompt, {row.finding: row.polarity}, row.kind, 0) for row in rows]
    return [
        Composed(one.row.prompt, {m.finding: m.polarity for m in one.mentions}, one.phenomenon, 0)
        for one in read_questions(path)
    ]


def milliseconds(sentences: Sequence[str], readers: TwoReaders) -> float:
    """The median time of a processor that the second reader takes beside the rules."""
    times = []
    for text in sentences[:_TIMED]:
        start = time.process_time()  # which other work on the machine does not lengthen
        readers.probabilities(text)
        times.append(time.process_time() - start)
    return round(1000 * float(np.median(times)), 1)


def kinds_of(sentences: Iterable[Composed]) -> dict[str, int]:
    return dict(sorted(Counter(one.kind for one in sentences).items()))
