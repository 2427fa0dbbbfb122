"""Models tuned again without some films and without some wordings, so that both can be asked about.

`training.measure.retuned` leaves out a fold of the films; a calibration also needs sentences that the model
has not been taught, so here a fifth of the wordings goes with them.  A wording and its opposite go together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from negviz.evaluation.prompts import PromptRow
from training.data.captions import Bank
from training.measure.retuned import Retuned
from training.tune.choose import prompt_fold


@dataclass(frozen=True)
class RetunedOnWordings(Retuned):
    """As `Retuned`, and without one fold of the wordings."""

    wordings: int = field(kw_only=True)

    def bank(self, typed: bool) -> Bank:
        return super().bank(typed).where(lambda caption: caption.fold != self.wordings)

    @property
    def prompts(self) -> list[PromptRow]:
        return [row for row in super().prompts if prompt_fold(row) != self.wordings]

    def _key(self, settings: Mapping[str, Any], without: str) -> str:
        return f"{super()._key(settings, without)}-{self.wordings}"
