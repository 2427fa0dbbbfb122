"""What a simulated film shows besides findings tells nothing of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from negviz.findings import ABNORMAL
from negviz.phantoms import Severity, simulate
from negviz.phantoms.anatomy import draw_chest
from negviz.phantoms.detector import draw_exposure
from negviz.phantoms.devices import draw_marker, worn
from negviz.phantoms.projection import Beam
from negviz.phantoms.stance import draw_stance
from training.data.phantoms.draw import TRAINING, training_wish

SEEDS = TRAINING[:1500]


def aside(seed: int) -> list[float]:
    """View, posture, habitus, framing, exposure, marker and devices of one film."""
    chest = draw_chest(seed)
    stance, exposure = draw_stance(seed, chest.posterior), draw_exposure(seed, chest.posterior)
    marker = draw_marker(seed, Beam(32, 350.0, (0.0, 40.0), 1800.0, 120.0, True))
    return [
        *(chest.posterior, chest.supine, chest.female, chest.heavy, chest.age),
        *(chest.half_width, chest.domes[0].top, chest.domes[1].top, stance.width, stance.tilt),
        *(exposure.scatter, exposure.quanta, exposure.blur),
        *(float(marker[:, :16].sum()), float(marker[:, 16:].sum())),
        *(float(name in worn(chest)) for name in ("leads", "line", "pacemaker", "tube")),
    ]


@pytest.fixture(scope="module")
def things() -> NDArray[np.float64]:
    return np.array([aside(seed) for seed in SEEDS])


@pytest.mark.parametrize("finding", ABNORMAL)
def test_no_finding_can_be_told_from_what_is_beside_it(finding: str, things: NDArray[np.float64]) -> None:
    has = np.array([finding in training_wish(seed) for seed in SEEDS])
    forest = RandomForestClassifier(60, min_samples_leaf=8, random_state=0)
    told = cross_val_predict(forest, things, has, cv=4, method="predict_proba")[:, 1]
    few = min(has.sum(), (~has).sum())
    assert abs(roc_auc_score(has, told) - 0.5) < 3 * 0.3 / np.sqrt(few)  # chance, three standard errors


def test_devices_are_few() -> None:
    some = [bool(worn(draw_chest(seed))) for seed in TRAINING[:6000]]
    assert 0.005 < np.mean(some) <= 0.035  # three in a hundred, and what 6,000 draws leave open


def test_a_device_is_in_both_films_of_a_pair() -> None:
    seed = next(seed for seed in TRAINING if "pacemaker" in worn(draw_chest(seed)))
    with_it, without = (
        np.asarray(simulate(seed, wish, 256).image, dtype=np.float64)
        for wish in ({"effusion": Severity(0.3, "right")}, {})
    )
    case = without[:128, 128:] > np.percentile(without[:128, 128:], 99)
    assert np.abs(with_it - without)[:128, 128:][case].max() <= 4
