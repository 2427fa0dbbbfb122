from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import negviz
from negviz.common.shipped import COMPACT
from negviz.explain.attribution import AttributionError, contrast
from negviz.explain.saliency import METHODS, Saliency, SaliencyError, draw, saliency
from negviz.explain.saliency.occlusion import occlusion
from negviz.films.collection import open_collection
from negviz.language.prompt import read_prompt
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models, open_hub_model
from negviz.models.image_tower import ImageTower, ImageTowerConfig
from tests.tiny import draw_film
from tests.tiny_hub import tiny_clip, tiny_siglip, tiny_vision_text

SENTENCE = "no pleural effusion"
GRID = 4  # patches a side of the tiny vision transformers, and cells of the small convolutional tower
SPOTS = [(0, 0), (0, 3), (1, 1), (1, 2), (2, 1), (2, 3), (3, 0), (3, 3)]
MAKERS: dict[str, Callable[[Path], Any]] = {"clip": tiny_clip, "siglip": tiny_siglip}


@pytest.fixture(scope="module")
def film() -> Image.Image:
    return draw_film(1, effusion=True)


@pytest.fixture(params=MAKERS)
def transformer(request: pytest.FixtureRequest, tmp_path: Path) -> DualEncoder:
    MAKERS[request.param](tmp_path)
    return open_hub_model(str(tmp_path))


def spot(row: int, column: int) -> Image.Image:
    """A grey film with one bright patch of the transformers' grid."""
    grey = np.full((64, 64), 90, np.uint8)
    grey[16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = 240
    return Image.fromarray(grey)


def towards_spot(tower: Any, with_it: Image.Image) -> Any:
    """The direction [1, dim] in which the spot moved the film."""
    there, gone = tower(tower.preprocess([with_it, Image.new("L", (64, 64), 90)]))
    return torch.nn.functional.normalize(there - gone, dim=-1).numpy()[None]


def shipped_like() -> ImageTower:
    """Two random networks of the shipped kind with four stages, mirrored."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        tower = ImageTower(ImageTowerConfig(size=64, stem=8, widths=(8, 8, 16, 16)))
        for module in tower.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                torch.nn.init.normal_(module.bias, std=0.3)
    return tower.eval().requires_grad_(False)


def test_the_last_stage_explains_all_but_a_hundredth() -> None:
    films = open_collection("phantoms")
    models = load_models(COMPACT)
    shown = [films.image(film) for film in list(films)[:2]]
    for model in models.values():
        for film in shown:
            for sentence in (SENTENCE, "pleural effusion", "no cardiomegaly"):
                given = saliency(model, film, sentence, method="hirescam-last")
                assert given.signed
                assert given.additive
                assert np.abs(given.map).sum() > 0.1  # there is something to explain
                assert abs(given.delta or 0) <= 0.01
    assert not saliency(models["base"], shown[0], SENTENCE).additive  # an earlier stage promises nothing


def test_both_networks_and_the_mirror_image_count(film: Image.Image) -> None:
    tower = shipped_like()
    direction = tower(tower.preprocess([film])).numpy()
    whole = draw(tower, film, direction, method="hirescam-last")[0]
    halves = [direction.copy() for _ in range(2)]
    halves[0][:, 256:] = 0
    halves[1][:, :256] = 0
    parts = [draw(tower, film, half, method="hirescam-last")[0].map for half in halves]
    assert all(abs(part).sum() > 0.1 for part in parts)
    assert whole.map == pytest.approx(sum(parts), abs=1e-6)
    mirrored = draw(
        tower, film.transpose(Image.Transpose.FLIP_LEFT_RIGHT), direction, method="hirescam-last"
    )[0]
    assert mirrored.map == pytest.approx(whole.map[:, ::-1], abs=1e-4)


def test_a_film_is_run_once_and_scored_as_it_is_embedded(film: Image.Image, transformer: DualEncoder) -> None:
    towers: list[tuple[Any, int]] = [(shipped_like(), 512), (transformer.image, transformer.dim)]
    for tower, dim in towers:
        seen: list[object] = []
        first = next(each for each in tower.modules() if isinstance(each, torch.nn.Conv2d))
        with first.register_forward_hook(lambda *given, seen=seen: seen.append(given)):
            drawn = draw(tower, film, np.eye(dim, dtype=np.float32)[:4])
        assert len(seen) == 1
        embedded = tower(tower.preprocess([film]))[0, :4].tolist()
        assert [each.score for each in drawn] == pytest.approx(embedded, abs=1e-5)


def test_a_transformers_map_is_where_occlusion_says(transformer: DualEncoder) -> None:
    for layer in transformer.image.vision_model.encoder.layers:  # type: ignore[attr-defined]
        for part in (layer.self_attn.v_proj, layer.self_attn.out_proj):
            part.weight *= 5  # so that what is attended to counts, as in a model that was trained
    for row, column in SPOTS:
        film = spot(row, column)
        direction = towards_spot(transformer.image, film)
        (quick,) = draw(transformer.image, film, direction)
        slow = occlusion(transformer.image, film, torch.from_numpy(direction), side=GRID)
        assert not quick.signed
        assert quick.delta is None
        assert quick.map.min() >= 0
        assert quick.map.argmax() == slow.maps[0].argmax() == GRID * row + column


def test_the_compact_towers_map_is_where_occlusion_says() -> None:
    tower, agree = shipped_like(), 0
    for row, column in SPOTS:
        film = spot(row, column)
        direction = towards_spot(tower, film)
        (quick,) = draw(tower, film, direction)
        slow = occlusion(tower, film, torch.from_numpy(direction), side=GRID)
        agree += int(quick.map.argmax() == slow.maps[0].argmax())
    assert agree >= 6  # of 8; one in 16 by chance


def test_the_targets(models: dict[str, DualEncoder], film: Image.Image, tmp_path: Path) -> None:
    base = models["base"]
    cosine = float(base.encode_text([SENTENCE])[0] @ base.encode_images([film])[0])
    alike = negviz.saliency(base, film, SENTENCE)
    assert alike.target == "similarity"
    assert alike.score == pytest.approx(cosine, abs=1e-5)
    against = saliency(base, film, SENTENCE, "contrast")
    again = saliency(base, film, SENTENCE, contrast(base, read_prompt(SENTENCE)))
    assert (against.target, again.target) == ("contrast", "vector")
    assert np.array_equal(against.map, again.map)
    film.save(tmp_path / "film.png")
    assert np.array_equal(saliency(base, tmp_path / "film.png", SENTENCE).map, alike.map)


def test_thirds_add_up_to_what_the_map_says() -> None:
    cells = np.arange(-7, 18, dtype=np.float32).reshape(5, 5)
    given = Saliency(cells, 0.0, signed=True, additive=False, target="vector", method="hirescam")
    thirds = np.array(given.thirds)
    assert thirds.sum() == pytest.approx(cells.sum() / abs(cells).sum())
    corner = cells[:2, :2] * np.outer([1, 2 / 3], [1, 2 / 3])
    assert thirds[0, 0] == pytest.approx(corner.sum() / abs(cells).sum())


def test_what_cannot_be_drawn_gets_a_sentence(
    models: dict[str, DualEncoder], film: Image.Image, tmp_path: Path
) -> None:
    tiny_vision_text(tmp_path)
    unknown = open_hub_model(str(tmp_path))
    with pytest.raises(SaliencyError, match="ask for method occlusion"):
        saliency(unknown, film, SENTENCE)
    assert saliency(unknown, film, SENTENCE, method="occlusion").signed
    for arguments in (
        {"target": "hits"},
        {"method": "gradcam"},
        {"target": np.ones(3)},
        {"method": "legrad"},
    ):
        with pytest.raises(SaliencyError, match=r"use|give|ask"):
            saliency(models["base"], film, SENTENCE, **arguments)
    with pytest.raises(AttributionError, match="no opposite"):
        saliency(models["base"], film, "with and without fluid", "contrast")


@pytest.mark.timing
def test_threads_may_share_a_model(
    models: dict[str, DualEncoder], transformer: DualEncoder, film: Image.Image
) -> None:
    asked = [(model, other) for model in (models["base"], transformer) for other in (film, spot(1, 1))] * 6
    alone = [saliency(model, other, SENTENCE).map for model, other in asked]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pair: saliency(pair[0], pair[1], SENTENCE).map, asked))
    assert all(np.array_equal(*pair) for pair in zip(alone, together, strict=True))
    assert set(METHODS) == {"hirescam", "hirescam-last", "legrad", "occlusion"}
