"""What readers of a study decide, and what is kept of it."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Final, Literal, get_args

from negviz.study.design import StudyError
from negviz.study.plan import Trial

Choice = Literal["left", "right", "same"]
CHOICES: Final = get_args(Choice)
BACKGROUNDS: Final = ("radiologist", "in training", "other clinician", "no clinician", "not said")
LONGEST_MS: Final = 7 * 24 * 3_600_000  # no decision takes longer than a week


class UnknownCodeError(StudyError):
    """No reader has this code."""


class OutOfTurnError(StudyError):
    """A decision about another trial than the one the reader is at."""


@dataclass(frozen=True)
class Times:
    """How long a decision took, in milliseconds, as the reader's page measured it."""

    active_ms: int  # from the first frame that held all films, pauses left out
    paused_ms: int
    pauses: int
    loading_ms: int  # before that frame

    def __post_init__(self) -> None:
        if not all(isinstance(value, int) and 0 <= value <= LONGEST_MS for value in astuple(self)):
            raise StudyError("The times of a decision must be whole numbers of milliseconds, none below 0.")


@dataclass(frozen=True)
class Decision:
    """What a reader says of one trial; `wrong` are the films that do not fit the sentence."""

    choice: Choice
    wrong: tuple[str, ...]
    times: Times


@dataclass(frozen=True)
class Showing:
    """A trial as it is shown: the first one has place 0."""

    place: int
    of: int
    trial: Trial


@dataclass(frozen=True)
class Record:
    """One decision with all that is known of how it was made."""

    reader: int  # 1 is who came first; codes stay in the file, as they let one decide
    background: str
    place: int
    trial: Trial
    decision: Decision
    server_ms: int  # from sending the trial to having the decision, by the server's clock
    showings: int


@dataclass(frozen=True)
class Reader:
    number: int
    background: str
    planned: int
    decided: int


def reader_name(number: int) -> str:
    """What a reader is called in results: not by code, as codes let one decide."""
    return f"R{number:02}"
