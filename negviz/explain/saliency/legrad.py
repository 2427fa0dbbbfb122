"""LeGrad (Bousselham et al. 2024, arXiv 2404.03214) for the vision transformers of CLIP and SigLIP.

A patch counts by how much a score would grow with the attention paid to it: the gradient with respect to the
attention, what is negative left out, averaged over heads and over who attends, summed over the last layers.
As in the authors' code (github.com/WalBouss/LeGrad), a layer of CLIP is asked for its own attention, and a
layer of SigLIP for that of the attention pooling put after it.  Theirs scores a layer of CLIP by the mean of
its tokens; here the class token speaks for it, as it does for the film: with the mean, maps of small random
towers did not lie where occlusion says.  Nor is a threshold on SigLIP's maps taken over.

Each block is run here from its own parts, without a hook: those of transformers do not give attention unless
the shared model is told to, and threads share it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from negviz.explain.saliency.method import Drawn, SaliencyMethod
from negviz.models.encoder import ImageEncoder

_LAST: Final = 2  # layers, as the authors' code takes


def _fits(tower: ImageEncoder) -> bool:
    vision = getattr(tower, "vision_model", None)
    pooling = getattr(getattr(vision, "head", None), "attention", None)
    return hasattr(vision, "pre_layrnorm") or isinstance(pooling, nn.MultiheadAttention)


def _draw(tower: Any, image: Image.Image, directions: Tensor) -> Drawn:
    vision, pixels = tower.vision_model, tower.preprocess([image])
    with torch.no_grad():
        hidden = vision.embeddings(pixels)
        if not hasattr(vision, "head"):
            hidden = vision.pre_layrnorm(hidden)
        for layer in vision.encoder.layers[:-_LAST]:
            hidden = layer(hidden, attention_mask=None)
    with torch.enable_grad():
        layers = [*(_siglip if hasattr(vision, "head") else _clip)(tower, hidden)]
        maps = [sum(_map(pooled @ each, weights) for pooled, weights in layers) for each in directions]
    embedding, _ = layers[-1]  # as the tower itself embeds the film
    patches = vision.embeddings.num_patches
    side = round(patches**0.5)
    whole = torch.stack([torch.as_tensor(each) for each in maps])[:, -patches:]  # no class token
    scores = (embedding.detach() @ directions.T)[0]
    return Drawn(whole.reshape(-1, side, side).numpy(), scores.numpy())


def _map(score: Tensor, weights: Tensor) -> Tensor:
    """[tokens], of a layer's score [1] and its attention [1, heads, who attends, tokens]."""
    (gradient,) = torch.autograd.grad(score.sum(), weights, retain_graph=True)
    return gradient.clamp(min=0).mean((1, 2))[0]


def _clip(tower: Any, hidden: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """By layer, the unit vector [1, dim] of its tokens and its attention."""
    vision = tower.vision_model
    for layer in vision.encoder.layers[-_LAST:]:
        own = layer.self_attn
        seen = layer.layer_norm1(hidden)
        attended, weights = _attend(own.q_proj(seen), own.k_proj(seen), own.v_proj(seen), own.num_heads)
        hidden = hidden + own.out_proj(attended)
        hidden = hidden + layer.mlp(layer.layer_norm2(hidden))
        pooled = tower.projection(vision.post_layernorm(hidden[:, 0]))
        yield F.normalize(pooled, dim=-1), weights


def _siglip(tower: Any, hidden: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """By layer, the unit vector [1, dim] that the pooling makes of it, and the pooling's attention."""
    vision, head = tower.vision_model, tower.vision_model.head
    to_query, to_key, to_value = (
        partial(F.linear, weight=weight, bias=bias)
        for weight, bias in zip(
            head.attention.in_proj_weight.chunk(3), head.attention.in_proj_bias.chunk(3), strict=True
        )
    )
    for layer in vision.encoder.layers[-_LAST:]:
        hidden = layer(hidden, attention_mask=None)
        seen = vision.post_layernorm(hidden)
        attended, weights = _attend(
            to_query(head.probe), to_key(seen), to_value(seen), head.attention.num_heads
        )
        pooled = head.attention.out_proj(attended)
        pooled = pooled + head.mlp(head.layernorm(pooled))
        yield F.normalize(tower.projection(pooled[:, 0]), dim=-1), weights


def _attend(queries: Tensor, keys: Tensor, values: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """What is attended to [1, who attends, width], and how much: [1, heads, who attends, tokens]."""
    queries, keys, values = (
        each.unflatten(-1, (heads, -1)).transpose(1, 2) for each in (queries, keys, values)
    )
    weights = (queries @ keys.mT * queries.shape[-1] ** -0.5).softmax(-1).requires_grad_()
    return (weights @ values).transpose(1, 2).flatten(2), weights


LEGRAD: Final = SaliencyMethod("legrad", "LeGrad", signed=False, fits=_fits, draw=_draw)
