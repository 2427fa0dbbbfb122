"""`python -m training full-size`: what a base takes from its films to the page, beside other bases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Json, Table

_UNITS: Final = {"film_s": "embedding a film", "con2_step_s": "a step of `con2`"}
_SHOWN: Final = {  # of the page, by what is asked of it
    "start_processor_s": "page: ready, of processors",
    "first_answer_s": "page: its first answer",
    "answer_median_s": "page: an answer, median",
    "attribute_s": "page: words",
    "map_s": "page: place on the map",
    "saliency_s": "page: where on a film",
}
_LACKING: Final = "—"


def _summary(value: Json) -> Table:
    """Bases side by side."""
    bases: dict[str, Json] = value["bases"]
    steps = {name: step for base in bases.values() for name, step in base["steps"].items()}
    rows = [
        (f"`{name}`", _counted(step["whole"], step["unit"]), *(_step(base, name) for base in bases.values()))
        for name, step in steps.items()
    ]
    rows += [(said, "", *(_unit(base, name) for base in bases.values())) for name, said in _UNITS.items()]
    rows += [("a map of where on a film", "", *map(_saliency, bases.values()))]
    rows += [(said, "", *(_page(base, name) for base in bases.values())) for name, said in _SHOWN.items()]
    rows += [("page: memory", "", *map(_memory, bases.values()))]
    return Table("", ("step", "units", *bases), tuple(rows), words=2, note=" ".join(_notes(bases)))


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def _step(base: Json, name: str) -> str:
    """Time of processors and the most memory; of a step that was cut, its units times what one took."""
    if (step := base["steps"].get(name)) is None:
        return _LACKING
    about, share = ("≈ ", step["whole"] / step["units"]) if step["units"] < step["whole"] else ("", 1.0)
    return f"{about}{_minutes(share * step['processor_s'])}, {_gigabytes(step['peak_mb'])}"


def _unit(base: Json, name: str) -> str:
    return f"{base['unit'][name]:g} s" if "unit" in base else _LACKING


def _saliency(base: Json) -> str:
    if (maps := base.get("saliency")) is None:
        return _LACKING
    return f"{maps['processor_s']:g} s, {_gigabytes(maps['peak_mb'])}"


def _page(base: Json, name: str) -> str:
    took = base.get("page", {}).get(name)
    return _LACKING if took is None else f"{took:g} s"


def _memory(base: Json) -> str:
    return _gigabytes(base["page"]["peak_mb"]) if "page" in base else _LACKING


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"


def _gigabytes(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB"


def _notes(bases: dict[str, Json]) -> Iterator[str]:
    facts = next(iter(bases.values()))
    machine = facts["machine"]
    yield (
        f"{facts['films']} films. Time of steps is that of one core, with torch on "
        f"{machine['torch_threads']} of {machine['cores']} cores, which were not idle; the page's answers "
        "are by the clock. Memory is the most that a process held."
    )
    sizes = (f"{name} {sum(base['parameters'].values()) / 1e6:.0f}" for name, base in bases.items())
    yield f"Millions of parameters: {', '.join(sizes)}."
    cut = {
        f"{name} ({step['units']} of {_counted(step['whole'], step['unit'])})"
        for base in bases.values()
        for name, step in base["steps"].items()
        if step["units"] < step["whole"]
    }
    if cut:
        yield f"≈: worked out from a part, {', '.join(sorted(cut))}."


FULL_SIZE: Final = Kind("full-size", holds("bases"), _summary)
