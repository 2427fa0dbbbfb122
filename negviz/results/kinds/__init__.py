"""The kinds of results files, a module each, in one list: page, tables and pictures go by it.

A new kind is a module with a `Kind` and its name here; a picture of it is one line in
`training.report.command`.
"""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.archives import ARCHIVES
from negviz.results.kinds.base import BASE
from negviz.results.kinds.benchmark import BENCHMARK
from negviz.results.kinds.calibration import CALIBRATION
from negviz.results.kinds.crowd import CROWD
from negviz.results.kinds.evaluation import EVALUATION
from negviz.results.kinds.experiments import FOLDS, MAP, SETTINGS, TRIALS
from negviz.results.kinds.full_size import FULL_SIZE
from negviz.results.kinds.generalisation import GENERALISATION
from negviz.results.kinds.heads import HEADS
from negviz.results.kinds.kind import Kind
from negviz.results.kinds.labels import LABELS
from negviz.results.kinds.labels_changed import LABELS_CHANGED
from negviz.results.kinds.leave_out import LEAVE_OUT
from negviz.results.kinds.likeness import LIKENESS
from negviz.results.kinds.protocols import PROTOCOLS
from negviz.results.kinds.reader import READER
from negviz.results.kinds.saliency import SALIENCY
from negviz.results.kinds.second_reader import SECOND_READER
from negviz.results.kinds.simulator import SIMULATOR
from negviz.results.kinds.training_free import TRAINING_FREE
from negviz.results.kinds.tuning import TUNING
from negviz.results.kinds.typed import TYPED
from negviz.results.kinds.visits import VISITS
from negviz.results.types import Json

KINDS: Final = (  # the first that recognises a file has it
    EVALUATION,
    TRIALS,
    FOLDS,
    MAP,
    SETTINGS,
    LABELS,
    LABELS_CHANGED,
    TUNING,
    TRAINING_FREE,
    HEADS,
    SALIENCY,
    CALIBRATION,
    READER,
    SECOND_READER,
    TYPED,
    BASE,
    SIMULATOR,
    LIKENESS,
    GENERALISATION,
    LEAVE_OUT,
    PROTOCOLS,
    CROWD,
    BENCHMARK,
    VISITS,
    ARCHIVES,
    FULL_SIZE,
)
UNKNOWN: Final = Kind("", lambda value: True)


def kind_of(value: Json) -> Kind:
    return next((kind for kind in KINDS if kind.recognise(value)), UNKNOWN)
