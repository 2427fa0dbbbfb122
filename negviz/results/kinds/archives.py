"""`python -m training archives`: films found among a million, by an index and by comparing all."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.plain import plain
from negviz.results.types import Figure, Json, Table, TableCell

_WAYS: Final = {
    "memory": "all compared, vectors in memory (numpy)",
    "disk": "all compared, where they lie on disk",
}


def _summary(value: Json) -> Table:
    largest, films = value["growth"][-1], value["growth"][-1]["films"]
    exact = [(name, 1.0, largest[way]) for way, name in _WAYS.items()]
    parts = [
        (f"index, {point['probes']} of {value['parts']:,} parts", point["recall"], point)
        for point in value["curve"]
    ]
    used = (
        f"index as the page asks it, {value['used']['probes']} parts or more",
        value["used"]["recall"],
        value["used"],
    )
    rows = tuple(_row(*each) for each in (*exact, *parts, used))
    head = ("search", f"of the {value['k']} nearest", "median, ms", "95th percentile, ms", "processors, ms")
    return Table("", head, rows, note=" ".join(_notes(value, films)))


def _row(name: str, share: float, times: Json) -> tuple[TableCell, ...]:
    taken = (Figure(times[each], places=1) for each in ("median_ms", "p95_ms", "processor_ms"))
    return name, Figure(share, places=3), *taken


def _notes(value: Json, films: int) -> list[str]:
    recipe, page, embedding, ranks = (value[name] for name in ("recipe", "page", "embedding", "ranks"))
    near, disk, facts = recipe["nearest"], value["growth"][-1]["gigabytes"], value["machine"]
    return [
        f"{films:,} films drawn around {recipe['around']:,} embeddings; the median distance (1 − cosine) to "
        f"the nearest film is {near['shipped'][1]:.4f} for those, {near['as_many_drawn'][1]:.4f} for as many "
        f"drawn ones and {near['all_drawn'][1]:.4f} among all.",
        f"Asked with the 99 prompts as {len(value['curve'][0]['recall_by_model'])} models put them; of "
        f"the first {ranks['first']:,} films the index finds {ranks['recall']:.1%}.",
        f"The page over them is ready {page['start_s']:g} s after its start ({page['start_processor_s']:g} s "
        f"of processors), answers in {page['answer_median_s']:g} s ({page['answer_processor_s']:g} s of "
        f"processors) and came to hold {page['peak_memory_gb']:g} GB; on disk films take {disk['films']:g} "
        f"GB and indices {disk['indices']:g} GB.",
        f"Embedding: {embedding['archive_per_s']:g} films a second by one worker, "
        f"{embedding['tower_per_s']:g} by the bare image tower on a core ({embedding['ratio']:g}).",
        f"On {facts['cores']} cores (load before: {facts['load_before'][0]:.1f}): read times beside each "
        "other.",
    ]


ARCHIVES: Final = Kind("archives", holds("curve", "growth", "recipe"), _summary, plain)
