"""A reader study small enough to count by hand, for tests of its parts."""

from __future__ import annotations

from collections.abc import Sequence

from negviz.study.design import Design, GalleryFilm, Item, StudySentence
from negviz.study.plan import Trial
from negviz.study.records import Choice, Decision, Record, Times

MODELS = ("quokka", "wombat", "numbat")  # words that occur nowhere else on the page
PAIRS = (("quokka", "wombat"), ("quokka", "numbat"), ("wombat", "numbat"))


def tiny_design(
    sentences: int = 8, *, pairs: Sequence[tuple[str, str]] = PAIRS, seed: int = 0, consent: str = ""
) -> Design:
    """Every pair over every sentence; model number m shows films m and m + 1, of which film 1 fits."""
    films = {
        name: tuple(GalleryFilm(f"film{m + i:02}", m + i == 1) for i in (0, 1))
        for m, name in enumerate(MODELS)
    }
    return Design(
        seed=seed,
        sentences=tuple(
            StudySentence(
                f"sentence {n}", ("present", "absent")[n % 2], ("structured", "natural")[n // 2 % 2]
            )
            for n in range(sentences)
        ),
        items=tuple(
            Item(n, pair, (films[pair[0]], films[pair[1]])) for pair in pairs for n in range(sentences)
        ),
        alike=tuple((*pair, 0) for pair in pairs),
        models={name: {"image": "1", "text": name} for name in MODELS},
        films="drawn/test",
        collection=("drawn", "hash"),
        prompts="hash",
        consent=consent,
    )


def record(
    item: int,
    choice: Choice,
    *,
    reader: int = 1,
    flipped: bool = False,
    wrong: Sequence[str] = (),
    seconds: float = 10,
    showings: int = 1,
    server_seconds: float | None = None,
) -> Record:
    """One decision."""
    took = round(1000 * seconds)
    times = Times(active_ms=took, paused_ms=0, pauses=0, loading_ms=0)
    server = took if server_seconds is None else round(1000 * server_seconds)
    decision = Decision(choice, tuple(wrong), times)
    return Record(reader, "not said", item, Trial(item, flipped), decision, server, showings)
