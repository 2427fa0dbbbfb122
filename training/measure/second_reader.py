"""How two readers do: what is right, asked or marked wrongly, with and without the second one."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from negviz.evaluation.prompts import read_prompts
from negviz.findings import Polarity
from negviz.language.prompt import Prompt, read_prompt
from negviz.models.two_readers import TwoReaders
from training.data.typed import Typed
from training.measure.questions import read_questions

Read = Callable[[str], Prompt]
Json = dict[str, Any]
_TIMED: Final = 200  # sentences


@dataclass(frozen=True)
class Outcome:
    """What a person meets who typed a sentence."""

    right: bool  # sure, and all that it says was read
    suggested: bool  # asked, and the right reading is among those offered
    asked: bool
    wrong: bool  # sure, and films are marked for something else


def outcome(prompt: Prompt, said: Mapping[str, Polarity]) -> Outcome:
    wanted = set(said.items())
    read = {(mention.finding, mention.polarity) for mention in prompt.mentions}
    offered = {(mention.finding, mention.polarity) for mention in prompt.suggestion or ()}
    marked = bool(read) and all(polarity != "uncertain" for _, polarity in read)
    right = prompt.sure and read == wanted
    return Outcome(
        right=right,
        suggested=not prompt.sure and bool(wanted) and wanted <= offered,
        asked=not prompt.sure,
        wrong=prompt.sure and marked and not right,
    )


def rates(sentences: Iterable[Typed], read: Read) -> Json:
    """Shares of sentences: `right`, `right_or_suggested`, `asked`, `marked_wrongly`."""
    met = [outcome(read(one.text), one.said) for one in sentences]
    return {
        "sentences": len(met),
        "right": _share(one.right for one in met),
        "right_or_suggested": _share(one.right or one.suggested for one in met),
        "asked": _share(one.asked for one in met),
        "marked_wrongly": _share(one.wrong for one in met),
    }


def _share(these: Iterable[bool]) -> float:
    found = list(these)
    return round(sum(found) / max(len(found), 1), 4)


def by_kind(sentences: Sequence[Typed], read: Read) -> Json:
    kinds: dict[str, list[Typed]] = defaultdict(list)
    for one in sentences:
        kinds[one.kind].append(one)
    return {kind: rates(some, read) for kind, some in sorted(kinds.items())}


def prompts_of(path: Path) -> list[Typed]:
    """The prompts of a file, with all that they say where it tells that."""
    rows = read_prompts(path)
    if "mentions" not in rows[0].extra:
        return [Typed(row.prompt, {row.finding: row.polarity}, row.kind, 0) for row in rows]
    return [
        Typed(one.row.prompt, {m.finding: m.polarity for m in one.mentions}, one.phenomenon, 0)
        for one in read_questions(path)
    ]


def asking(sentences: Sequence[str], readers: TwoReaders) -> Json:
    """How often a person would be asked about report sentences: by the rules, and beyond them."""
    before = [read_prompt(text).sure for text in sentences]
    after = [readers(text).sure for text in sentences]
    return {
        "sentences": len(sentences),
        "asked_by_rules": _share(not sure for sure in before),
        "asked_by_second": _share(sure and not now for sure, now in zip(before, after, strict=True)),
    }


def milliseconds(sentences: Sequence[str], readers: TwoReaders) -> float:
    """The median time that the second reader takes beside the rules."""
    times = []
    for text in sentences[:_TIMED]:
        start = time.perf_counter()
        readers.probabilities(text)
        times.append(time.perf_counter() - start)
    return round(1000 * float(np.median(times)), 1)


def kinds_of(sentences: Iterable[Typed]) -> dict[str, int]:
    return dict(sorted(Counter(one.kind for one in sentences).items()))
