"""Are simulated films like real ones?  Two towers judge, each of which saw films of one kind only.

One learned from real films and ranks the shipped simulated ones; one learned from simulated films and ranks
real ones.  Both have the plan of one network of the compact base.  Whatever they tell apart, they must have
learned from what both kinds have in common.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from negviz.common.files import write_json
from negviz.films import record
from negviz.films.collection import PHANTOMS, Collection, Film, open_collection
from negviz.findings import ABNORMAL
from negviz.models.image_tower import prepare
from negviz.models.text_tower import open_text_tower
from training.data.base import SIDE, BaseData, sides, simulated_data, training_data
from training.data.phantoms.draw import SHIPPED, TRAINING, simulator_hash
from training.data.phantoms.training_films import COUNT, simulated_films
from training.measure.probe import FEW, figures, labels_of
from training.options import count, natural
from training.paths import RESULTS, Paths
from training.tune.base import BaseConfig, Learner, train_branch

TARGETS: Final = {  # AUROC to be reached by the tower trained on films of the other kind
    "simulated": {"effusion": 0.80, "cardiomegaly": 0.85},
    "real": {"effusion": 0.75, "cardiomegaly": 0.80},
}
_MOST: Final = 0.75  # wanted of any other finding, unless the same tower reaches less on real films …
_MARGIN: Final = 0.03  # … less this; of too few real films nothing is wanted
_COUNTED: Final = 20
Band = tuple[float, float]  # severities from the first on and below the second
BANDS: Final[Mapping[str, Band]] = {  # a tower is judged from 0.4 on; the others tell where it begins to see
    "severity 0.4 and more": (0.4, 1.01),
    "severity 0.15 to 0.4": (0.15, 0.4),
    "severity 0.4 to 0.7": (0.4, 0.7),
    "severity 0.7 and more": (0.7, 1.01),
}
HOLD_OUT: Final = "0"  # as for the compact base
_AT_ONCE: Final = 64


@dataclass(frozen=True)
class Judge:
    """A trained network and what it was trained on."""

    learner: Learner
    config: BaseConfig
    films: int
    data_hash: str

    @classmethod
    def train(cls, data: BaseData, config: BaseConfig, work: Path) -> Judge:
        return cls(train_branch(data, config, 0, work=work), config, len(data.collection), data.hash)

    def describe(self) -> dict[str, Any]:
        return {"config": self.config.describe(), "films": self.films, "data": self.data_hash}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training judge`."""
    add = parser.add_argument
    add("--films", type=Path, required=True, metavar="DIR", help="Open-i films, as for `base`")
    add("--nih", type=Path, metavar="DIR", help="NIH films: p_* help train, e_* are judged")
    many = "simulated films that one tower learns from (default: %(default)s)"
    add("--simulated", type=natural, default=COUNT, metavar="N", help=many)
    add("--epochs", type=count, default=40, help="over the simulated films (default: %(default)s)")
    add("--train", choices=("real", "simulated"), help="train this tower only; then run without")


def run(args: argparse.Namespace) -> int:
    """Train what is not trained, judge, and write `simulator.json`."""
    paths = Paths(films=args.films, nih=args.nih)
    if args.train == "real":
        train_on_real(paths)
    elif args.train == "simulated":
        train_on_simulated(paths, args.simulated, args.epochs)
    else:
        simulated = train_on_simulated(paths, args.simulated, args.epochs)
        results = judge(paths, train_on_real(paths), simulated)
        write_json(RESULTS / "simulator.json", {**results, "command": _command(args)})
    return 0


def _command(args: argparse.Namespace) -> str:
    budget = f"--simulated {args.simulated} --epochs {args.epochs}"
    return f"python -m training judge --films DIR {'--nih DIR ' if args.nih else ''}{budget}"


def train_on_real(paths: Paths) -> Judge:
    """The first network of the compact base as it was before it saw a simulated film."""
    config = BaseConfig(simulated=0)
    data = training_data(paths, open_text_tower(config.dim), simulated=config.simulated, hold_out=HOLD_OUT)
    return Judge.train(data, config, paths.work)


def train_on_simulated(paths: Paths, count: int, epochs: int) -> Judge:
    """One network supervised by what simulated films show."""
    config = BaseConfig(simulated=count, epochs=epochs, contrastive=0.0)
    return Judge.train(simulated_data(simulated_films(count, work=paths.work)), config, paths.work)


def judge(paths: Paths, real: Judge, simulated: Judge) -> dict[str, Any]:
    """What each tower makes of films of the other kind: the results file, `command` aside."""
    phantoms, openi, nih = open_collection(PHANTOMS), paths.open_collection(), paths.open_nih()
    seen, drawn = _logits(simulated.learner, openi), _logits(real.learner, phantoms)
    test, held = openi.select("test"), sides(openi, HOLD_OUT)[1]
    reached = ranked(_logits(real.learner, held), held)
    of_real = {
        "Open-i, test films": ranked(seen[openi.rows(test)], test),
        "Open-i, all films": ranked(seen, openi),
    }
    if nih is not None:
        of_real["NIH e_*"] = ranked(_logits(simulated.learner, nih), nih)
    return {
        "what": "AUROC by finding of towers that saw films of the other kind only",
        "judged": {
            "simulated": {
                "shipped simulated films": ranked(drawn, phantoms),
                **{f"of these, {name}": ranked(drawn, phantoms, band) for name, band in BANDS.items()},
            },
            "real": of_real,
        },
        "held_out": {"Open-i, studies held out": reached},
        "targets": {**TARGETS, "simulated": wanted(reached["findings"])},
        "towers": {"real": real.describe(), "simulated": simulated.describe()},
        "seeds": {"shipped": [SHIPPED.start, SHIPPED.stop], "training": [TRAINING.start, TRAINING.stop]},
        "data": {
            "simulator": simulator_hash(),
            **{films.name: films.hash for films in (phantoms, openi, nih) if films is not None},
        },
    }


def wanted(reached: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The AUROC that simulated films are to reach, by finding, given what real ones held out do."""
    others = {
        finding: round(min(_MOST, row["classifier_auroc"] - _MARGIN), 3)
        for finding, row in reached.items()
        if row["positives"] >= _COUNTED
    }
    return {**others, **TARGETS["simulated"]}


def ranked(logits: NDArray[np.float32], films: Collection, band: Band | None = None) -> dict[str, Any]:
    """AUROC of every finding that some films have and some do not; `logits` [films, ABNORMAL].

    With a band, films that have the finding more or less severely are left out.
    """
    rows: dict[str, Any] = {}
    for column, finding in enumerate(ABNORMAL):
        labels = labels_of(films, finding)
        if band is not None:
            severity = np.array([_severity(films, film, finding) for film in films])
            labels[(labels == 1) & ~((severity >= band[0]) & (severity < band[1]))] = np.nan
        positives, negatives = (int((labels == value).sum()) for value in (1, 0))
        if min(positives, negatives) >= FEW:
            counts = {"positives": positives, "negatives": negatives}
            rows[finding] = counts | figures("classifier", labels, logits[:, column])
    return {"films": len(films), "findings": rows}


def _severity(films: Collection, film: Film, finding: str) -> float:
    """0 of a finding that the film has not."""
    known = record.simulated(films, film)
    signs = known.signs if known else ()
    return next((sign.severity for sign in signs if sign.finding == finding), 0.0)


@torch.inference_mode()
def _logits(learner: Learner, films: Collection) -> NDArray[np.float32]:
    """The network's own classifier on every film, `<float32>[films, ABNORMAL]`."""
    parts = []
    for start in tqdm(range(0, len(films), _AT_ONCE), desc=f"judging {films.name}", unit="batch"):
        batch = films.films[start : start + _AT_ONCE]
        prepared = torch.stack([prepare(films.image(film), SIDE) for film in batch])
        parts.append(learner.heads.labels(learner.tower(prepared))[:, : len(ABNORMAL)])
    logits: NDArray[np.float32] = torch.cat(parts).numpy()
    return logits
