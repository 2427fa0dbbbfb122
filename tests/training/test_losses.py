"""The objectives against their formulas written out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from training.tune.losses import con_clip, info_nce, multi_positive, weighted_bce


def unit(*shape: int, seed: int) -> Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


IMAGES, CAPTIONS, DISTRACTORS, OPPOSED = (unit(4, 8, seed=seed) for seed in range(4))
SCALE = torch.tensor(10.0)


def cross_entropy(anchors: Tensor, candidates: Tensor) -> float:
    """−mean log softmax of the matching candidate, the i-th of the i-th anchor, term by term."""
    total = 0.0
    for i, anchor in enumerate(anchors):
        exponents = [math.exp(float(SCALE * anchor @ candidate)) for candidate in candidates]
        total -= math.log(exponents[i] / sum(exponents))
    return total / len(anchors)


def test_con1_is_symmetric_info_nce() -> None:
    expected = (cross_entropy(IMAGES, CAPTIONS) + cross_entropy(CAPTIONS, IMAGES)) / 2
    assert float(info_nce(IMAGES, CAPTIONS, SCALE)) == pytest.approx(expected, rel=1e-5)


def test_con2_has_the_three_terms_of_con_clip() -> None:
    terms = (
        cross_entropy(IMAGES, torch.cat([CAPTIONS, OPPOSED])),
        cross_entropy(CAPTIONS, torch.cat([IMAGES, DISTRACTORS])),
        cross_entropy(DISTRACTORS, torch.cat([OPPOSED, CAPTIONS])),
    )
    loss = float(con_clip(IMAGES, CAPTIONS, DISTRACTORS, OPPOSED, SCALE))
    assert loss == pytest.approx(sum(terms) / 3, rel=1e-5)


def test_identical_captions_leave_con1_a_floor() -> None:
    images = torch.tensor([[1.0, 0], [1, 0], [-1, 0], [-1, 0]])
    assert float(info_nce(images, images, torch.tensor(1000.0))) == pytest.approx(math.log(2), rel=1e-4)


def test_only_multi_positive_targets_do_not_care_which_caption_of_a_class_a_film_came_with() -> None:
    has = torch.tensor([True, True, False, False])
    same, swapped = has.unsqueeze(0) == has.unsqueeze(1), CAPTIONS[[1, 0, 3, 2]]
    shared = [float(multi_positive(IMAGES, captions, same, SCALE)) for captions in (CAPTIONS, swapped)]
    identity = [float(info_nce(IMAGES, captions, SCALE)) for captions in (CAPTIONS, swapped)]
    assert shared[0] == pytest.approx(shared[1], rel=1e-5)
    assert identity[0] != pytest.approx(identity[1], rel=1e-2)


def test_with_one_match_a_row_multi_positive_is_info_nce() -> None:
    identity = torch.eye(4, dtype=torch.bool)
    expected = info_nce(IMAGES, CAPTIONS, SCALE)
    assert torch.allclose(multi_positive(IMAGES, CAPTIONS, identity, SCALE), expected)


def test_multi_positive_by_hand_where_rows_have_none_one_or_two_matches() -> None:
    matches = torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], dtype=torch.bool)

    def side(anchors: Tensor, candidates: Tensor, right: Tensor) -> float:
        losses = []
        for anchor, row in zip(anchors, right.tolist(), strict=True):
            exponents = [math.exp(float(SCALE * anchor @ candidate)) for candidate in candidates]
            found = [math.log(e / sum(exponents)) for e, match in zip(exponents, row, strict=True) if match]
            losses += [-sum(found) / len(found)] if found else []
        return sum(losses) / len(losses)

    expected = (side(IMAGES, CAPTIONS, matches) + side(CAPTIONS, IMAGES, matches.T)) / 2
    assert float(multi_positive(IMAGES, CAPTIONS, matches, SCALE)) == pytest.approx(expected, rel=1e-5)
    nothing = torch.zeros(4, 4, dtype=torch.bool)
    assert float(multi_positive(IMAGES, CAPTIONS, nothing, SCALE)) == 0


def test_labels_are_summed_and_films_averaged() -> None:
    logits, targets = torch.tensor([[2.0, -1.0], [0.5, 3.0]]), torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    weights = torch.tensor([[1.0, 2.0], [1.0, 0.0]])
    likely = [[1 / (1 + math.exp(-float(logit))) for logit in row] for row in logits]
    total = -math.log(likely[0][0]) - 2 * math.log(likely[0][1]) - math.log(1 - likely[1][0])
    assert float(weighted_bce(logits, targets, weights)) == pytest.approx(total / 2, rel=1e-5)


def test_unknown_labels_cost_nothing() -> None:
    logits, targets = torch.zeros(2, 3), torch.tensor([[1.0, 0, 1], [0, 0, 1]])
    weights = torch.tensor([[1.0, 0, 0], [1, 0, 0]])
    assert float(weighted_bce(logits, targets, weights)) == pytest.approx(math.log(2))
