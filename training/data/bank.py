"""The captions that CON3 and CON4 learn from, as they are at hand for a family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from negviz.common.csv_file import read_csv
from negviz.evaluation.prompts import PromptFileError, read_prompts
from negviz.films.collection import Film
from training.data.captions import Bank, make_bank
from training.data.films import openi_reports
from training.data.reports import labelled_sentences, letters
from training.data.typed import typed_captions
from training.data.wordings import compose, read_frames
from training.paths import PROMPTS, Paths

MEASURED_ON: Final = ("evaluation.csv", "findings.csv", "generalisation.csv")  # of assets/prompts
ALL_MEASURED_ON: Final = (*MEASURED_ON, "blind.csv")  # which was written after CON3 was fixed
TYPED_ON: Final = (  # by which readers are measured
    "typed.csv",
    "typed-again.csv",
    "typed-last.csv",
    "typed-fourth.csv",
    "typed-fifth.csv",
    "typed-sixth.csv",
)
BLIND_AGAIN: Final = "blind-again.csv"  # on which CON4 is to be scored, once; written before it was chosen


def open_bank(paths: Paths, films: Sequence[Film], *, typed: bool = False) -> Bank:
    """Prompts, composed sentences, and report sentences of `films` where reports are at hand.

    Open-i's reports are: they are asked for, since CON3 without them is another model.  `typed` adds what the
    second reader learns from, and keeps all captions from every prompt, and every report sentence, that
    anything is measured on.
    """
    reports = openi_reports(paths.need_films()) if paths.collection == "openi" else {}
    measured = (*ALL_MEASURED_ON, BLIND_AGAIN) if typed else MEASURED_ON
    barred = [row.prompt for name in measured for row in read_prompts(PROMPTS / name)]
    if typed:
        files = (read_csv(PROMPTS / name, ("text",), PromptFileError) for name in TYPED_ON)
        barred += [row["text"] for file in files for row in file.rows]
    bank = make_bank(read_prompts(PROMPTS / "training.csv"), compose(read_frames()), films, reports, barred)
    if not typed:
        return bank
    measured_sentences = {letters(text) for text in labelled_sentences(reports)}
    bank = bank.where(lambda caption: letters(caption.text) not in measured_sentences)
    return Bank((*bank.captions, *typed_captions(barred)))
