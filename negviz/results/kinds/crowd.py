"""`python -m training crowd`: whether one visitor can stop the others."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Json, Table, figure

_TOLD: Final = {
    "last_opened_s": "until all have the page",
    "last_gallery_s": "from the first question to the last gallery",
    "median_wait_s": "median wait for a gallery",
    "alone_s": "alone, median wait for a gallery",
    "longest_delay_s": "beside the flood, longest delay",
    "app_cpu_s": "processor time of the app",
    "client_cpu_s": "processor time of the visitors",
}


def _summary(value: Json) -> Table:
    rows = tuple(
        (value["what"][what], name, figure(seen, key, places=1))
        for what, seen in value["medians"].items()
        for key, name in _TOLD.items()
        if key in seen
    )
    facts = value["machine"]
    note = (
        f"Medians of {len(value['runs'])} runs, visitors on the same machine of {facts['cores']} cores "
        f"(load before: {facts['load_before'][0]:.1f}), all behind one address but the flood."
    )
    return Table("", ("visitors", "measured", "seconds"), rows, words=2, note=note)


CROWD: Final = Kind("crowd", holds("visitors"), _summary)
