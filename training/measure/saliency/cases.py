"""What models are asked about every finding, on which films, and the maps that they draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from negviz.common.errors import NegvizError
from negviz.evaluation.localisation import regions
from negviz.explain.saliency.hirescam import STAGE, hirescam
from negviz.films.collection import Collection, Film
from negviz.films.masks import Mask, Masks
from negviz.findings import ABNORMAL
from negviz.language.opposite import canonical
from negviz.models.encoder import DualEncoder
from negviz.models.image_tower import ImageTower
from negviz.retrieval.metrics import Floats

LEAST: Final = 20  # chests that a finding is scored on
SAID: Final = ("present", "absent")  # what a model is asked about a finding
_AT_ONCE: Final = 16


class SaliencyScoresError(NegvizError):
    """Maps that cannot be scored; the message is one sentence that says what to do."""


@dataclass(frozen=True, eq=False)
class Half:
    """Films of one finding, a chest each, and where it lies on them."""

    shown: tuple[Film, ...]
    films: torch.Tensor  # as the tower takes them
    masks: tuple[Mask, ...]

    def maps(self, tower: ImageTower, directions: Floats, stage: int = STAGE) -> tuple[Floats, Floats]:
        """Maps [directions, films, cells], and what they leave unexplained [directions, films]."""
        asked = torch.from_numpy(directions.astype(np.float32))
        parts = [hirescam(tower, films, asked, stage) for films in self.films.split(_AT_ONCE)]
        maps, scores = (torch.cat(each, dim=1).double().numpy() for each in zip(*parts, strict=True))
        cells = maps.reshape(*maps.shape[:2], -1)
        return cells, np.abs(cells.sum(-1) - scores)

    def inside(self, cells: int) -> Floats:
        """The share of each cell that is inside the mask: [films, cells]."""
        side = round(cells**0.5)
        return regions(self.masks, (side, side))


@dataclass(frozen=True, eq=False)
class Case:
    """What every model is asked about one finding."""

    finding: str
    choosing: Half
    scoring: Half
    directions: Floats  # [models × SAID, dim]


@dataclass(frozen=True, eq=False)
class StageMaps:
    """The maps of one finding at one stage, of all models, on both halves."""

    choosing: Floats  # [models, SAID, films, cells]
    scoring: Floats
    unexplained: Floats  # [models × SAID, films of the scoring half]
    asked: Case

    def maps(self, place: int, said: str, *, scoring: bool = True) -> Floats:
        """[films, cells] of one model; a map is linear in what is asked, so a contrast's is a difference."""
        present, absent = (self.scoring if scoring else self.choosing)[place]
        asked: dict[str, Floats] = {"present": present, "absent": absent, "contrast": present - absent}
        return asked[said]

    @classmethod
    def of(cls, tower: ImageTower, asked: Case, stage: int) -> StageMaps:
        shape = (-1, len(SAID))
        (choosing, _), (scoring, left) = (
            half.maps(tower, asked.directions, stage) for half in (asked.choosing, asked.scoring)
        )
        return cls(
            choosing.reshape(*shape, *choosing.shape[1:]),
            scoring.reshape(*shape, *scoring.shape[1:]),
            left,
            asked,
        )


def what_is_asked(
    tower: ImageTower, models: Mapping[str, DualEncoder], films: Collection, masks: Masks
) -> list[Case]:
    """Every finding, on a film a chest that shows it; a chest chooses or is scored on, for all its findings.

    Raises `SaliencyScoresError` where too few are left to be scored on.
    """
    chests = {
        finding: {film.uid: film for film in films if masks.of(film.id, finding) is not None}
        for finding in ABNORMAL
    }
    chooses = _choosing(chests)
    asked = []
    for finding, showing in chests.items():
        choosing, scoring = (
            [film for uid, film in sorted(showing.items()) if (uid in chooses) is half]
            for half in (True, False)
        )
        if len(scoring) < LEAST or not choosing:
            raise SaliencyScoresError(f"Fewer than {2 * LEAST} chests show {finding}; simulate more of them.")
        chosen, scored = (_half(tower, films, masks, finding, shown) for shown in (choosing, scoring))
        asked.append(Case(finding, chosen, scored, _directions(models, finding)))
    return asked


def _choosing(chests: Mapping[str, Mapping[str, Film]]) -> set[str]:
    """The chests that choose: half of those of every finding, as nearly as chests with several allow."""
    shows: dict[str, list[str]] = {}
    for finding, showing in chests.items():
        for uid in showing:
            shows.setdefault(uid, []).append(finding)
    more_chosen = dict.fromkeys(chests, 0)
    chosen = set()
    for uid, findings in sorted(shows.items()):
        step = 1 if sum(more_chosen[finding] for finding in findings) < 0 else -1
        chosen |= {uid} if step > 0 else set()
        for finding in findings:
            more_chosen[finding] += step
    return chosen


def _directions(models: Mapping[str, DualEncoder], finding: str) -> Floats:
    directions = []
    for model in models.values():
        present, absent = model.encode_text([canonical(finding, "present"), canonical(finding, "absent")])
        directions += [present, absent]
    return np.array(directions, np.float64)


def _half(tower: ImageTower, films: Collection, masks: Masks, finding: str, shown: Sequence[Film]) -> Half:
    where = tuple(mask for film in shown if (mask := masks.of(film.id, finding)) is not None)
    return Half(tuple(shown), tower.preprocess([films.image(film) for film in shown]), where)
