"""The image tower: what it must not see, and what it must."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from negviz.models.image_tower import ImageTower, ImageTowerConfig, prepare, standardise
from tests.tiny import draw_film

TINY = ImageTowerConfig(size=32, stem=4, widths=(4, 8), depths=(1, 1), dim=16)


@pytest.fixture(scope="module")
def tower() -> ImageTower:
    torch.manual_seed(0)
    return ImageTower(TINY).eval()


def embed(tower: ImageTower, *images: Image.Image) -> torch.Tensor:
    with torch.inference_mode():
        vectors: torch.Tensor = tower(tower.preprocess(images))
    return vectors


def test_embeddings_are_unit_vectors_whatever_the_film(tower: ImageTower) -> None:
    films = [
        draw_film(0, effusion=True),
        Image.new("L", (3, 900)),
        Image.new("RGB", (40, 30), "white"),
        Image.new("LA", (9, 9)),
    ]
    vectors = embed(tower, *films)
    assert vectors.shape == (4, 16)
    assert torch.allclose(vectors.norm(dim=-1), torch.ones(4), atol=1e-5)


def test_a_film_is_the_same_alone_and_in_company(tower: ImageTower) -> None:
    films = [draw_film(seed, effusion=seed > 1) for seed in range(4)]
    together = embed(tower, *films)
    alone = torch.cat([embed(tower, film) for film in films])
    assert torch.allclose(together, alone, atol=1e-5)


def test_a_film_and_its_mirror_image_are_one(tower: ImageTower) -> None:
    film = draw_film(1, effusion=True)
    assert torch.allclose(embed(tower, film), embed(tower, ImageOps.mirror(film)), atol=1e-4)


def test_exposure_and_contrast_change_nothing_much() -> None:
    grey = np.asarray(draw_film(1, effusion=True), np.float32)
    darker = Image.fromarray((grey * 0.6 + 20).astype(np.uint8))
    original, changed = (
        standardise(prepare(film, 64)[None], 64) for film in (Image.fromarray(grey.astype(np.uint8)), darker)
    )
    assert float((original - changed).abs().mean()) < 0.05


def test_no_tone_curve_changes_the_ranks() -> None:
    film = draw_film(2, effusion=False)
    curved = film.point([round(255 * (value / 255) ** 2.2) for value in range(256)])
    ranks, after = prepare(film, 96)[1].float(), prepare(curved, 96)[1].float()
    assert float((ranks - after).abs().mean()) < 3  # of 255; several greys may fall together


def test_a_blank_film_stays_blank() -> None:
    assert float(standardise(prepare(Image.new("L", (50, 50), 128), 64)[None], 64).abs().max()) == 0


def test_a_configuration_survives_json() -> None:
    assert ImageTowerConfig.from_dict(TINY.to_dict()) == TINY
    assert isinstance(TINY.to_dict()["widths"], list)


def test_a_cosine_of_the_whole_is_the_mean_over_the_branches(tower: ImageTower) -> None:
    films = tower.preprocess([draw_film(0, effusion=True), draw_film(1, effusion=False)])
    with torch.inference_mode():
        whole, parts = tower(films), [branch(films) for branch in tower.branches]
    assert len(parts) == 2
    mean = sum(part @ part.T for part in parts) / len(parts)
    assert torch.allclose(whole @ whole.T, mean, atol=1e-5)


def test_dimensions_that_cannot_be_shared_out_are_refused() -> None:
    with pytest.raises(ValueError, match="shared out"):
        ImageTower(ImageTowerConfig(dim=15, branches=2))
