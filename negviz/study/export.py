"""A reader study as CSV: a row a decision, which models were on which side included."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

from negviz.retrieval.export import guarded
from negviz.study.design import Design
from negviz.study.judged import JudgedTrial
from negviz.study.records import Record, reader_name

COLUMNS: Final = (
    *("reader", "background", "place", "sentence", "polarity", "kind", "left", "right"),
    *("choice", "better", "wrong_left", "wrong_right", "seconds", "paused_seconds", "pauses"),
    *("loading_seconds", "server_seconds", "showings", "timed"),
)


def to_csv(design: Design, records: Sequence[Record]) -> str:
    """Readers are numbered in the order they came; spreadsheets are kept from running what a cell holds."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in _row(design, record)])
    return out.getvalue()


def _row(design: Design, record: Record) -> list[str | int | float]:
    judged, item, times = (
        JudgedTrial.of(record, design),
        design.items[record.trial.item],
        record.decision.times,
    )
    sentence = design.sentences[item.sentence]
    left, right = record.trial.models(design)
    wrong = (
        "|".join(film.id for film in item.of(model) if film.id in record.decision.wrong)
        for model in (left, right)
    )
    return [
        reader_name(record.reader),
        record.background,
        record.place + 1,
        sentence.text,
        sentence.polarity,
        sentence.kind,
        left,
        right,
        judged.choice,
        judged.winner or "same",
        *wrong,
        times.active_ms / 1000,
        times.paused_ms / 1000,
        times.pauses,
        times.loading_ms / 1000,
        record.server_ms / 1000,
        record.showings,
        "yes" if judged.timed else "no",
    ]
