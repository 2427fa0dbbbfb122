"""The committed results, `assets/results/*.json`, as typed tables and plots.

    for result in read_results(RESULTS):
        result.plots, result.tables, result.command

The files of a known kind (`negviz.results.kinds`) are laid out as a reader wants them; any other is read
by its shape (`negviz.results.plain`), so that nothing measured is left out.  No figure is made here: values
are taken as they stand in the files, and only picked and put in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from negviz.common.errors import NegvizError
from negviz.common.files import file_sha256
from negviz.common.read_files import read_json
from negviz.common.shipped import COMPACT
from negviz.films.collection import ASSETS, OPENI, PHANTOMS, is_shipped, open_collection
from negviz.results.kinds import UNKNOWN, kind_of
from negviz.results.kinds.evaluation import is_evaluation
from negviz.results.kinds.kind import Kind
from negviz.results.plain import MADE_WITH
from negviz.results.types import Json, Plot, Result, Table

RESULTS: Final = ASSETS / "results"
OTHERS: Final = "others"  # a folder of results: what other people's models reach, of kinds that list them
_FIRST: Final = ("openi", "nih", "phantoms", "simulated", "openi-findings")  # then the others, by name
_TOWER: Final = "base/image_tower.safetensors"
_BEYOND: Final = 1e18  # nothing is measured that large, and no axis could hold it
_OF_ANOTHER_SHAPE: Final = (  # what picking figures raises where a file lacks what its kind has
    ArithmeticError,
    AttributeError,
    LookupError,
    StopIteration,
    TypeError,
    ValueError,
)


class ResultsError(NegvizError):
    """A results file that cannot be shown; the message is one sentence that says why."""


def read_results(folder: Path = RESULTS) -> tuple[Result, ...]:
    """Every results file of a folder; one that cannot be read says so in its `problem`."""
    return tuple(read_result(path) for path in _files(folder))


def read_evaluations(folder: Path = RESULTS) -> dict[str, Json]:
    """The files of `python -m training evaluate`, by name, as they stand."""
    found = {path.stem: read_object(path) for path in _files(folder)}
    return {name: value for name, value in found.items() if value and is_evaluation(value)}


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda path: (_place(path.stem), path.stem))


def read_result(path: Path) -> Result:
    """One results file.  Whatever it holds, it is shown, or says in its `problem` why not."""
    try:
        value = read_json(path, ResultsError)
    except ResultsError as error:
        said = str(error).replace(str(path), path.name)  # where it lies is nobody's business but its owner's
        return Result(path.stem, problem=f"It is left out: {said}")
    if _largest(value) > _BEYOND:
        return Result(path.stem, problem=f"It is left out: {path.name} holds a number beyond {_BEYOND:g}.")
    kind = kind_of(value)
    try:
        plots, tables = _lay_out(kind, value)
        tables = (*tables[:1], *_others(kind, path.parent / OTHERS), *tables[1:])
    except _OF_ANOTHER_SHAPE:  # than its keys promise
        plots, tables = _lay_out(UNKNOWN, value)
    return Result(
        name=path.stem,
        what=describe(value, tables[0].note if tables else ""),
        plots=plots,
        tables=tables,
        command=str(value.get("command") or ""),
        data=tuple(_facts({key: value[key] for key in MADE_WITH if key in value})),
        sha256=file_sha256(path),
    )


def _largest(value: object) -> float:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return max(map(_largest, value), default=0)
    return abs(value) if isinstance(value, int | float) else 0


def _lay_out(kind: Kind, value: Json) -> tuple[tuple[Plot, ...], tuple[Table, ...]]:
    plots, tables = kind.rest(value)
    return tuple(plots), (*([kind.summary(value)] if kind.summary else ()), *tables)


def _others(kind: Kind, folder: Path) -> tuple[Table, ...]:
    """What other people's files of this kind show; one that is not whole is left out."""
    if kind.others is None:
        return ()
    whole = []
    for path in sorted(folder.glob("*.json")):
        value = read_object(path)
        with suppress(*_OF_ANOTHER_SHAPE):
            if value and kind_of(value) is kind and tuple(kind.others([value])):
                whole.append(value)
    return tuple(kind.others(whole))


def describe(value: Json, note: str) -> str:
    """What was measured, in the file's own words, and over what: whole sentences."""
    what = value.get("what")
    said = f"{what[:1].upper()}{what[1:]}." if isinstance(what, str) and what else ""
    return " ".join(filter(None, (said, note, earlier(value))))


def earlier(value: Json) -> str:
    """What it was measured with that has been replaced since; of other people's models nothing is known."""
    data = value.get("data")
    old = {
        "simulated films": {*_hashes(data, PHANTOMS)} - _shipped_films(PHANTOMS),
        "labels of Open-i": {*_hashes(data, OPENI)} - _shipped_films(OPENI),
        "models": {*_towers([data, value.get("family")])} - _shipped_towers(),
    }
    words = [what for what, hashes in old.items() if hashes and (what != "models" or _of_shipped(value))]
    told = " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
    return f"Its {told} are those shipped before the present ones." if told else ""


def _of_shipped(value: Json) -> bool:
    command = str(value.get("command"))
    return "--family" not in command or f"--family checkpoints/{COMPACT.name} " in command


def _towers(data: Any) -> Iterator[str]:
    """Of the image towers that it was measured with: their ids, or the hashes of their files."""
    for _, each in _objects(data):
        yield from (each[name] for name in ("tower_id", _TOWER) if isinstance(each.get(name), str))


@cache
def _shipped_towers() -> frozenset[str]:
    embedded = {path.stem for path in (ASSETS / OPENI / "embeddings").glob("*.safetensors")}
    return frozenset({*embedded, *([file_sha256(COMPACT / _TOWER)] if (COMPACT / _TOWER).is_file() else ())})


def _hashes(data: Any, collection: str) -> Iterator[str]:
    """Of a collection as it was measured over, wherever that stands in `data`."""
    for key, each in _objects(data):
        named = collection in (key.partition(",")[0].partition("-")[0], each.get("collection"))
        names = (collection, "collection_hash") if named else (collection,)
        yield from (each[name] for name in names if isinstance(each.get(name), str))


def _objects(value: Any, key: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object of JSON, each with the key that it stands under, "" for those in lists."""
    if isinstance(value, Mapping):
        yield key, value
        for name, each in value.items():
            yield from _objects(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


@cache
def _shipped_films(name: str) -> frozenset[str]:
    films = open_collection(name) if is_shipped(name) else None
    return frozenset({films.hash, films.select("test").hash} if films is not None else ())


def _place(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def read_object(path: Path) -> dict[str, Any] | None:
    """What a results file holds; None where there is none, or none that can be read."""
    try:
        return read_json(path, ResultsError)
    except ResultsError:
        return None


def _facts(data: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """What it was measured on and with, hashes above all: name and value."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _facts(value, f"{before}{key} ".replace("_", " "))
    elif data is not None:
        yield before.strip(), str(data)
