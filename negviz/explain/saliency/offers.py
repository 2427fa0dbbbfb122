"""Which maps may be offered: those that were scored, and found clear of chance, on these very weights.

read_offers(models)["con3"]["effusion"].offered
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from negviz.common.files import FileError
from negviz.common.read_files import read_json
from negviz.films.collection import ASSETS
from negviz.language.opposite import canonical
from negviz.models.encoder import DualEncoder
from negviz.retrieval.estimate import Estimate

RESULTS: Final = ASSETS / "results" / "saliency.json"
_FINDING: Final = "effusion"  # by whose two sentences a text tower is known again
_SAME: Final = 0.005  # cosines of one model on two machines differ less


@dataclass(frozen=True)
class Offer:
    """How one model's maps of one finding were scored."""

    offered: bool
    hit: Estimate  # share of chests in which the strongest place touches the finding
    by_chance: float  # the same of the better of two maps that know nothing of the film
    chests: int


def check_cosine(model: DualEncoder) -> float:
    """A number by which a model's text tower is known again."""
    said, contrary = model.encode_text([canonical(_FINDING, "present"), canonical(_FINDING, "absent")])
    return float(said @ contrary)


def read_offers(models: Mapping[str, DualEncoder], path: Path = RESULTS) -> dict[str, dict[str, Offer]]:
    """By model and finding, of those models that were scored; empty where there is no such file."""
    try:
        results = read_json(path, FileError)
        return {
            name: {finding: _offer(record) for finding, record in results["models"][name]["findings"].items()}
            for name, model in models.items()
            if name in results["models"] and _scored(model, results["models"][name])
        }
    except (FileError, ValueError, LookupError, TypeError, AttributeError):
        return {}  # a map that nobody scored is drawn, and said to be none that was


def _scored(model: DualEncoder, record: Mapping[str, Any]) -> bool:
    same = record["tower_id"] == model.tower_id
    return bool(same and abs(check_cosine(model) - float(record["cosine"])) < _SAME)


def _offer(record: Mapping[str, Any]) -> Offer:
    present = record["present"]
    return Offer(
        bool(record["offered"]),
        Estimate(float(present["hit"]), *map(float, present["hit_ci"])),
        max(float(present["hit_other"]), float(present["hit_blind"])),
        int(record["chests"]),
    )
