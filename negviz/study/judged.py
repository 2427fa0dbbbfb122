"""A decision of a reader study beside what it was about: who won, and whether its time counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from negviz.study.design import Design
from negviz.study.records import Choice, Record

_SLACK_MS: Final = 2_000  # by which two clocks may differ


@dataclass(frozen=True)
class JudgedTrial:
    """A decision with the trial it was about."""

    record: Record
    sentence: int
    polarity: str
    models: tuple[str, str]  # in column order
    left: str

    @classmethod
    def of(cls, record: Record, design: Design) -> JudgedTrial:
        item = design.items[record.trial.item]
        polarity = design.sentences[item.sentence].polarity
        return cls(record, item.sentence, polarity, item.models, record.trial.models(design)[0])

    @property
    def choice(self) -> Choice:
        return self.record.decision.choice

    @property
    def winner(self) -> str | None:
        """The model preferred; None for a tie."""
        if self.choice == "same":
            return None
        return next(model for model in self.models if (model == self.left) == (self.choice == "left"))

    @property
    def points(self) -> float:
        """Of the later model: 1 for a win, a half for a tie."""
        return 0.5 if self.winner is None else float(self.winner == self.models[1])

    @property
    def timed(self) -> bool:
        """Whether its time counts: seen once, and no longer at the page than by the server's clock."""
        times = self.record.decision.times
        at_the_page = times.active_ms + times.paused_ms + times.loading_ms
        return self.record.showings == 1 and at_the_page <= self.record.server_ms + _SLACK_MS

    @property
    def seconds(self) -> float:
        return self.record.decision.times.active_ms / 1000
