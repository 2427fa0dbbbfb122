"""All that is known of one film: what each finding is, and what the simulator was told where it made it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from negviz.common.csv_file import read_csv
from negviz.films import collection as collections
from negviz.films.collection import MANIFEST, Collection, CollectionError, Film
from negviz.films.evidence import film_states
from negviz.findings import FINDINGS, Polarity

_SEVERITY: Final = re.compile(r"([a-z]+)\W+(\d+(?:\.\d+)?)")  # effusion:0.8|nodule:0.5, or JSON
_SIMULATED: Final = frozenset({"severities", "sides", "seed"})


@dataclass(frozen=True)
class FindingState:
    """One finding of a film; `state` is None where the collection does not say."""

    finding: str
    state: Polarity | None


@dataclass(frozen=True)
class SimulatedFinding:
    """One finding as it was simulated: severity in [0, 1], `side` "" where it has none."""

    finding: str
    severity: float
    side: str


@dataclass(frozen=True)
class Simulated:
    """What the simulator was told; `pair` is the id of the counterfactual film, of the same chest."""

    seed: str
    signs: tuple[SimulatedFinding, ...]
    pair: str | None


def finding_states(film: Film) -> tuple[FindingState, ...]:
    """Every finding negviz knows, in the order of `FINDINGS`."""
    return tuple(FindingState(name, film_states(film, name)) for name in FINDINGS)


def simulated(collection: Collection, film: Film) -> Simulated | None:
    """What the manifest of a simulated collection says beyond `Film`; None for any other film."""
    rows = _simulated_rows(_manifest(collection))
    row = rows.get(film.id)
    if row is None:
        return None
    sides = dict(film.sides)
    severities = [(name, value) for name, value in _SEVERITY.findall(row["severities"]) if name in FINDINGS]
    signs = (SimulatedFinding(name, float(value), sides.get(name, "")) for name, value in severities)
    return Simulated(row["seed"], tuple(signs), _pair(rows, film.id))


def middle_pair(collection: Collection, finding: str) -> tuple[Film, Film] | None:
    """One chest without a finding and with it, else alike: of such pairs the middle one by severity."""
    pairs = []
    for film in collection:
        known = simulated(collection, film)
        severity = {sign.finding: sign.severity for sign in known.signs} if known else {}
        if known and known.pair and finding in severity:
            with suppress(CollectionError):
                other = collection.by_id(known.pair)
                if finding not in other.findings:
                    pairs.append((severity[finding], film.id, other, film))
    pairs.sort(key=lambda pair: pair[:2])
    return pairs[len(pairs) // 2][2:] if pairs else None


def _pair(rows: Mapping[str, Mapping[str, str]], film_id: str) -> str | None:
    """The film that a film's `pair` names, else the one that names it or shares the name of the pair."""
    named = rows[film_id]["pair"]
    if named in rows and named != film_id:
        return named
    names = {film_id, named} - {""}
    return next((id_ for id_, row in rows.items() if id_ != film_id and row["pair"] in names), None)


def _manifest(collection: Collection) -> Path | None:
    """A shipped collection's own manifest: its films may lie elsewhere, beside another."""
    folders = (collections.ASSETS / collection.name, collection.folder)
    return next((folder / MANIFEST for folder in folders if folder and (folder / MANIFEST).is_file()), None)


@lru_cache(maxsize=8)
def _simulated_rows(manifest: Path | None) -> Mapping[str, Mapping[str, str]]:
    """Rows by film id of a manifest with the simulator's columns; nothing of any other."""
    if manifest is None:
        return {}
    table = read_csv(manifest, ("image",), CollectionError, prose=("report",))
    if not _SIMULATED.issubset(table.header):
        return {}
    rows = [row.cells for row in table.rows]
    return {row.get("id") or Path(row["image"]).stem: {"pair": "", **row} for row in rows if row["seed"]}
