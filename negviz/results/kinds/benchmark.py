"""`python -m training benchmark`: how long the page takes."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Json, Table


def _summary(value: Json) -> Table:
    targets = [
        (
            name.replace("_", " "),
            "—" if target["measured"] is None else f"{target['measured']:g} {target['unit']}",
            f"{target['most']:g} {target['unit']}",
        )
        for name, target in value["targets"].items()
    ]
    waits = [
        (
            f"{number} {'visitor' if number == '1' else 'visitors at once'}, median wait",
            f"{times['median_ms'] / 1000:.1f} s",
            "—",
        )
        for number, times in value["visitors_at_once"].items()
    ]
    facts, films = value["machine"], value["films"]
    note = (
        f"On {facts['cores']} cores (load before: {facts['load_before'][0]:.1f}), over {films['number']} "
        f"films of {films['set']}; medians, but for start, first paint and memory, which are of one run."
    )
    return Table("", ("what", "measured", "wanted at most"), (*targets, *waits), note=note)


BENCHMARK: Final = Kind("benchmark", holds("visitors_at_once"), _summary)
