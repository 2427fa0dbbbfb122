"""The captions that CON3 learns from, as they are at hand for a family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from negviz.evaluation.prompts import read_prompts
from negviz.films.collection import Film
from training.data.captions import Bank, make_bank
from training.data.films import openi_reports
from training.data.wordings import compose, read_frames
from training.paths import PROMPTS, Paths

MEASURED_ON: Final = ("evaluation.csv", "findings.csv", "generalisation.csv")  # of assets/prompts
ALL_MEASURED_ON: Final = (*MEASURED_ON, "blind.csv")  # which was written after CON3 was fixed


def open_bank(paths: Paths, films: Sequence[Film]) -> Bank:
    """Prompts, composed sentences, and report sentences of `films` where reports are at hand.

    Open-i's reports are: they are asked for, since CON3 without them is another model.
    """
    reports = openi_reports(paths.need_films()) if paths.collection == "openi" else {}
    barred = [row.prompt for name in MEASURED_ON for row in read_prompts(PROMPTS / name)]
    return make_bank(read_prompts(PROMPTS / "training.csv"), compose(read_frames()), films, reports, barred)
