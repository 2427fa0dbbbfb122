"""The field's own tests of negation, as pure functions: films, a model's vectors of them, figures back.

    asked = Asked.of(model, films, film_embeddings(model, films))
    for ask in PROTOCOLS.values():
        for figure in ask(asked): ...

`SOURCES` says of each where it was published and what exactly is computed here; `python -m training
protocols` runs them and writes.  Only what films are known to show and to lack is asked about: silence is
no denial.  A finding that fewer than `FEWEST` films show, or lack, is pooled with others like it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from negviz.evaluation.protocols.asked import FEWEST, Asked, ProtocolFigure
from negviz.evaluation.protocols.choices import (
    absence_audit,
    affirmation_control,
    mcq_neg,
    negation_understanding,
    presence_audit,
)
from negviz.evaluation.protocols.normal import Denial, combinations, denials, least_abnormal
from negviz.evaluation.protocols.prompt_pairs import prompt_pairs
from negviz.evaluation.protocols.reports import report_retrieval, reports_turned
from negviz.evaluation.protocols.retrieval import retrieval_neg
from negviz.evaluation.protocols.sources import SOURCES, Published, Source

PROTOCOLS: Final[Mapping[str, Callable[[Asked], Sequence[ProtocolFigure]]]] = {  # those that need films only
    "affirmation-control": affirmation_control,
    "negation-understanding": negation_understanding,
    "mcq-neg": mcq_neg,
    "retrieval-neg": retrieval_neg,
    "bi-mcq": prompt_pairs,
    "presence-audit": presence_audit,
    "absence-audit": absence_audit,
}

__all__ = [
    "FEWEST",
    "PROTOCOLS",
    "SOURCES",
    "Asked",
    "Denial",
    "ProtocolFigure",
    "Published",
    "Source",
    "combinations",
    "denials",
    "least_abnormal",
    "report_retrieval",
    "reports_turned",
]
