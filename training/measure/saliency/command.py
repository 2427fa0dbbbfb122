"""Do maps lie where the finding does?  Every model's maps against the simulator's masks.

    python -m training saliency

A film a chest that shows a finding is asked for the sentence that affirms it, whose map should be high in the
mask, and for the one that denies it, whose map should be low there if the model reads the "no".  Chests are
split in two: on one half the stage of the tower and the level of an overlap are chosen, on the other maps are
scored.  Beside each score stand two that know nothing of the film: that of the same map on the masks of other
chests, and that of the mean map of the choosing half on the film's own mask.  Where a model is not clear of
both, no map of that finding is offered.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from negviz.common.files import write_json
from negviz.evaluation.localisation import hits, overlap, pixel_auc
from negviz.explain.saliency.hirescam import STAGE
from negviz.explain.saliency.offers import check_cosine
from negviz.films.collection import PHANTOMS, open_collection
from negviz.films.masks import read_masks
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.models.image_tower import ImageTower
from negviz.retrieval.estimate import mean_estimates
from negviz.retrieval.metrics import Floats
from training.measure.evaluate import family_hashes
from training.measure.saliency.cases import SAID, Case, SaliencyScoresError, StageMaps, what_is_asked
from training.measure.saliency.checks import check
from training.paths import Paths, add_family_option, again

STAGES: Final = (-3, -2, -1)  # of the tower, counted from its last
LEVELS: Final = tuple(step / 10 for step in range(1, 10))  # of the strongest cell, for an overlap
Json = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training saliency`."""
    add_family_option(parser)
    add = parser.add_argument
    add("--json", type=Path, metavar="OUT", help="results file (default: where results lie)")


def run(args: argparse.Namespace) -> int:
    """Score and write as `add_arguments` says.  Raises a `NegvizError` on bad input."""
    models = load_models(args.family)
    tower = next(iter(models.values())).image
    if not isinstance(tower, ImageTower):
        raise SaliencyScoresError(
            "Only maps of the compact image tower are scored; give --family such a one."
        )
    films = open_collection(PHANTOMS)
    masks = read_masks(films)
    asked = what_is_asked(tower, models, films, masks)
    results = {
        "what": "whether maps of where a sentence finds what it says lie where the simulator put the finding",
        **measure(tower, models, asked),
        "checks": check(tower, models, films, asked),
        "data": {"collection": films.name, "collection_hash": films.hash, "masks": masks.made_by},
        "family": family_hashes(args.family),
        "versions": {name: version(name) for name in ("torch", "numpy")},
        "command": again("saliency", args),
    }
    out = args.json or Paths(args.family).results / "saliency.json"
    write_json(out, results)
    offered = [of["offered"] for each in results["models"].values() for of in each["findings"].values()]
    print(f"{out}: {sum(offered)} of {len(offered)} maps are clear of chance")
    return 0


# Scores ---------------------------------------------------------------------------------------


def measure(tower: ImageTower, models: Mapping[str, DualEncoder], asked: Sequence[Case]) -> Json:
    """The figures of every model, finding and stage."""
    drawn = {
        stage: [StageMaps.of(tower, one, stage) for one in tqdm(asked, desc=f"stage {stage}", unit="finding")]
        for stage in STAGES
    }
    margins = {stage: float(np.mean([_margin(one) for one in of])) for stage, of in drawn.items()}
    chosen = max(margins, key=margins.__getitem__)
    if chosen != STAGE:
        print(f"Stage {chosen} does best on the choosing half, but maps are drawn at {STAGE}: set it anew.")
    return {
        "stage": STAGE,
        "stages": {
            str(stage): {
                "auc_over_chance_choosing": round(margins[stage], 6),
                "unexplained": _mean(one.unexplained for one in of),
                "unexplained_most": round(max(float(one.unexplained.max()) for one in of), 6),
            }
            for stage, of in drawn.items()
        },
        "chests": {one.finding: [len(half.shown) for half in (one.choosing, one.scoring)] for one in asked},
        "models": {
            name: {
                "tower_id": model.tower_id,
                "cosine": round(check_cosine(model), 6),
                "findings": {one.asked.finding: _record(one, place) for one in drawn[STAGE]},
            }
            for place, (name, model) in enumerate(models.items())
        },
        "rows": [
            {"finding": one.asked.finding, "model": name, "stage": stage, **_row(one, place)}
            for stage, of in drawn.items()
            for one in of
            for place, name in enumerate(models)
        ],
    }


def _mean(values: Iterator[Floats]) -> float:
    return round(float(np.mean(np.concatenate([each.ravel() for each in values]))), 6)


def _margin(drawn: StageMaps) -> float:
    """On the choosing half, by how much the affirming maps' AUC is above that on other chests' masks."""
    inside = drawn.asked.choosing.inside(drawn.choosing.shape[-1])
    models = range(len(drawn.choosing))
    areas = [pixel_auc(drawn.maps(place, "present", scoring=False), inside) for place in models]
    return float(np.mean([np.diag(area).mean() - _others(area).mean() for area in areas]))


def _others(values: Floats) -> Floats:
    """Of scores [maps, masks], each map's mean over the masks of other films."""
    return np.asarray((values.sum(1) - np.diag(values)) / (len(values) - 1))


def _scores(drawn: StageMaps, place: int, said: str) -> dict[str, Floats]:
    """By name, a score a film of the scoring half: of its own map, and of what knows nothing of it."""
    maps, blind = (drawn.maps(place, said, scoring=half) for half in (True, False))
    inside = drawn.asked.scoring.inside(maps.shape[-1])
    scores = {}
    for name, score in (("hit", hits), ("auc", pixel_auc)):
        given = np.asarray(score(maps, inside), np.float64)
        scores[name] = np.diag(given)
        scores[f"{name}_other"] = _others(given)
        scores[f"{name}_blind"] = np.asarray(score(blind.mean(0, keepdims=True), inside)[0], np.float64)
    return scores


def _record(drawn: StageMaps, place: int) -> Json:
    """What one model's maps of one finding are worth, and whether they are offered."""
    present, absent = (_scores(drawn, place, said) for said in ("present", "absent"))
    level, iou = _overlap(drawn, place)
    over = {
        f"{name}_over_{chance}": present[name] - present[f"{name}_{chance}"]
        for name in ("hit", "auc")
        for chance in ("other", "blind")
    }
    clear = mean_estimates(np.stack([*over.values(), present["auc"] - 0.5]))
    return {
        "chests": len(drawn.asked.scoring.shown),
        "present": _estimates({**present, "iou": iou, **over}) | {"iou_level": level},
        "absent": _estimates(absent),
        "turned": _estimates({"auc": present["auc"] - absent["auc"]}),
        "offered": all(each.sign > 0 for each in clear),
    }


def _overlap(drawn: StageMaps, place: int) -> tuple[float, Floats]:
    """The level that gives most overlap on the choosing half, and the overlaps that it gives on the other."""
    maps = [drawn.maps(place, "present", scoring=half) for half in (False, True)]
    inside = [half.inside(maps[0].shape[-1]) for half in (drawn.asked.choosing, drawn.asked.scoring)]
    level = max(LEVELS, key=lambda each: float(overlap(maps[0], inside[0], each).mean()))
    return level, overlap(maps[1], inside[1], level)


def _row(drawn: StageMaps, place: int) -> Json:
    """The same at any stage, in short, and for the contrast with the opposite."""
    scores = {said: _scores(drawn, place, said) for said in (*SAID, "contrast")}
    return {
        key: value
        for said, of in scores.items()
        for key, value in _estimates({f"{said}_{name}": of[name] for name in ("hit", "auc")}).items()
    }


def _estimates(scores: Mapping[str, Floats]) -> Json:
    """Means over chests with their intervals."""
    estimates = mean_estimates(np.stack(list(scores.values())))
    return {
        key: value
        for name, estimate in zip(scores, estimates, strict=True)
        for key, value in estimate.record(name).items()
    }
