"""Models tuned again without some films and without some wordings, so that both can be asked about.

`training.measure.retuned` leaves out a fold of the films; a calibration also needs sentences that the model
has not been taught, so here a fifth of the wordings goes with them.  A wording and its opposite go together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from negviz.evaluation.prompts import read_prompts
from training.data.captions import Bank
from training.data.pairs import make_pairs
from training.measure.retuned import Retuned, Tuned
from training.paths import PROMPTS
from training.tune.choose import prompt_fold
from training.tune.con1_con2 import TuneConfig, tune

_KNOBS = frozenset(TuneConfig.__dataclass_fields__)


@dataclass(frozen=True)
class RetunedOnWordings(Retuned):
    """As `Again`, and without one fold of the wordings."""

    wordings: int = field(kw_only=True)

    @cached_property
    def bank(self) -> Bank:
        return super().bank.where(lambda caption: caption.fold != self.wordings)

    def _tune(self, settings: Mapping[str, Any], without: str) -> Tuned:
        if settings["method"] == "con3":
            return super()._tune(settings, without)  # from `bank`
        rows = [row for row in read_prompts(PROMPTS / "training.csv") if prompt_fold(row) != self.wordings]
        pairs = make_pairs(self.trained, rows)
        config = TuneConfig(**{name: value for name, value in settings.items() if name in _KNOBS})
        return tune(self.base, self._vectors[self.films.rows(pairs.films)], pairs, config)

    def _key(self, settings: Mapping[str, Any], without: str) -> str:
        return f"{super()._key(settings, without)}-{self.wordings}"
