"""The objectives, as functions of unit vectors.

Shapes: a batch of `b` films and captions in `dim` dimensions; `scale` = exp(logit_scale), a scalar tensor.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def info_nce(images: Tensor, captions: Tensor, scale: Tensor) -> Tensor:
    """CON1: symmetric InfoNCE with identity targets (Radford et al., 2021), faithful to the paper.

    `<float>[b, dim]` twice → scalar.  Captions of one class are each other's false negatives: with two
    identical captions the floor is log 2, not 0 (see `multi_positive`).
    """
    logits = scale * images @ captions.T  # [b, b]
    labels = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


def multi_positive(images: Tensor, captions: Tensor, matches: Tensor, scale: Tensor) -> Tensor:
    """Symmetric InfoNCE in which every matching pair is a positive (Khosla et al., 2020, L_out).

    `matches` `<bool>[b, b]`: caption j is true of film i.  Rows without a match do not count.
    """
    logits = scale * images @ captions.T  # [b, b]
    return (_soft_cross_entropy(logits, matches) + _soft_cross_entropy(logits.T, matches.T)) / 2


def _soft_cross_entropy(logits: Tensor, matches: Tensor) -> Tensor:
    targets = matches.to(logits.dtype)
    count = targets.sum(1)
    loss = -(F.log_softmax(logits, dim=1) * targets).sum(1) / count.clamp(min=1)
    return loss.sum() / (count > 0).sum().clamp(min=1)


def con_clip(images: Tensor, captions: Tensor, distractors: Tensor, opposed: Tensor, scale: Tensor) -> Tensor:
    """CON2: the objective of CoN-CLIP (arXiv 2403.20312), with labels 0 … b−1.

        L = (CE(s·I·[T;T⁻]ᵀ) + CE(s·T·[I;Ĩ]ᵀ) + CE(s·Ĩ·[T⁻;T]ᵀ)) / 3

    Four batches `<float>[b, dim]`; `distractors[i]` is the film that `opposed[i]` is true of.  Each
    logits matrix is b×2b.  The original has no opposed caption → films term.
    """
    labels = torch.arange(len(images), device=images.device)
    against = torch.cat([captions, opposed])
    image_term = F.cross_entropy(scale * images @ against.T, labels)
    text_term = F.cross_entropy(scale * captions @ torch.cat([images, distractors]).T, labels)
    swapped = torch.cat([opposed, captions])
    distractor_term = F.cross_entropy(scale * distractors @ swapped.T, labels)
    return (image_term + text_term + distractor_term) / 3


def con_clip_in_part(
    images: Tensor, captions: Tensor, distractors: Tensor, opposed: Tensor, scale: Tensor
) -> Tensor:
    """Between CON1 and CON2: only the first m of b anchors bring their distractor and opposed caption.

        L = (CE(s·I·[T;T⁻]ᵀ) + CE(s·T·[I;Ĩ]ᵀ) + m/b · CE(s·Ĩ·[T⁻;T]ᵀ)) / (2 + m/b)

    `images` and `captions` `<float>[b, dim]`, `distractors` and `opposed` `<float>[m, dim]`, m ≤ b.  The
    share m/b is how many hard negatives there are for each anchor: with none it is `info_nce`, with all
    `con_clip`.
    """
    share = len(distractors) / len(images)
    labels = torch.arange(len(images), device=images.device)
    image_term = F.cross_entropy(scale * images @ torch.cat([captions, opposed]).T, labels)
    text_term = F.cross_entropy(scale * captions @ torch.cat([images, distractors]).T, labels)
    if not share:
        return (image_term + text_term) / 2
    swapped = torch.cat([opposed, captions])
    distractor_term = F.cross_entropy(scale * distractors @ swapped.T, labels[: len(distractors)])
    return (image_term + text_term + share * distractor_term) / (2 + share)


def weighted_bce(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Binary cross-entropy `<float>[b, labels]` → scalar, summed over labels, mean over films.

    `weights` is 0 where a label is not known.
    """
    loss = F.binary_cross_entropy_with_logits(logits, targets, weight=weights, reduction="none")
    return loss.sum() / len(logits)


def ranking(right: Tensor, wrong: Tensor, targets: Tensor, scale: Tensor | float) -> Tensor:
    """CON3, caption → films: pairwise logistic ranking loss (RankNet: Burges et al., 2005, eq. 3).

    `right`, `wrong` `<float>[b, m]`: each caption's cosines with `m` films that satisfy and `m` that
    contradict it; `targets` `<float>[b]`: how probably one of the first should rank above one of the second,
    1, or 1/2 for a caption that hedges.  Over all m² pairs it bounds 1 − AUROC (times log 2), whatever share
    of the films is right.
    """
    margins = scale * (right.unsqueeze(2) - wrong.unsqueeze(1))  # [b, m, m]
    return F.binary_cross_entropy_with_logits(margins, targets[:, None, None].expand_as(margins))


def choosing(similarities: Tensor, truth: Tensor, scale: Tensor | float) -> Tensor:
    """CON3, film → captions: multi-positive InfoNCE over the captions that are known of each film.

    `similarities` `<float>[films, captions]`; `truth` likewise: 1 true of the film, 0 false, nan not known,
    which is left out of the softmax.  Films of which nothing is true, or nothing false, do not count.
    """
    known = ~truth.isnan()
    logits = (scale * similarities).masked_fill(~known, -torch.inf)
    matches = truth == 1
    rows = matches.any(1) & (truth == 0).any(1)
    if not rows.any():
        return similarities.sum() * 0
    likely = F.log_softmax(logits[rows], dim=1).masked_fill(~matches[rows], 0)
    return -(likely.sum(1) / matches[rows].sum(1)).mean()


def naming(logits: Tensor, said: Tensor) -> Tensor:
    """CON4, caption → what it says: cross-entropy over what may be said of each finding.

    `logits` `<float>[b, findings, ways]`; `said` `<int64>[b, findings]`.
    """
    return F.cross_entropy(logits.flatten(0, 1), said.flatten())
