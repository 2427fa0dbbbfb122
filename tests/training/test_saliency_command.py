from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from negviz.common.files import write_json
from negviz.explain.saliency.offers import read_offers
from negviz.films.collection import open_collection
from negviz.films.masks import SIZE
from negviz.models.encoder import DualEncoder
from negviz.models.image_tower import ImageTower, ImageTowerConfig
from negviz.results.files import read_result
from training.__main__ import main
from training.measure.saliency.cases import SAID, Case, Half
from training.measure.saliency.command import measure

GRID = 4


@pytest.fixture(scope="module")
def tower() -> ImageTower:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = ImageTower(ImageTowerConfig(size=64, stem=8, widths=(8, 8, 16, 16), dim=16))
    return made.eval().requires_grad_(False)


def spots(tower: ImageTower, first: int, *, moving: bool) -> Half:
    """Films with a bright spot, which wanders or stays, and masks of it."""
    films, masks = [], []
    for number in range(first, first + 12):
        row, column = divmod(number * 7 % 16 if moving else 5, GRID)
        grey = np.random.default_rng(number).integers(80, 100, (64, 64)).astype(np.uint8)
        grey[16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = 240
        films.append(Image.fromarray(grey))
        mask = np.zeros((SIZE, SIZE), bool)
        mask[32 * row : 32 * row + 32, 32 * column : 32 * column + 32] = True
        masks.append(mask)
    shown = tuple(open_collection("phantoms"))[:12]
    return Half(shown, tower.preprocess(films), tuple(masks))


def asked(tower: ImageTower, models: int, *, moving: bool) -> Case:
    """A sentence that says where the spot went, its contrary, and the same again."""
    choosing, scoring = (spots(tower, first, moving=moving) for first in (0, 40))
    plain = tower(tower.preprocess([Image.new("L", (64, 64), 90)]))[0]
    towards = torch.nn.functional.normalize(tower(choosing.films).mean(0) - plain, dim=-1).numpy()
    directions = {"present": towards, "absent": -towards}
    return Case("effusion", choosing, scoring, np.array([directions[said] for said in SAID] * models, float))


def test_a_map_that_follows_the_finding_is_offered_and_one_that_knows_its_usual_place_is_not(
    tower: ImageTower, models: dict[str, DualEncoder], tmp_path_factory: pytest.TempPathFactory
) -> None:
    for moving in (True, False):
        results = measure(tower, models, [asked(tower, len(models), moving=moving)])
        record = results["models"]["base"]["findings"]["effusion"]
        assert record["offered"] is moving
        assert record["present"]["auc"] > 0.8
        assert record["absent"]["auc"] == pytest.approx(1 - record["present"]["auc"], abs=1e-5)
        chance = record["present"]["auc_blind"]
        assert chance < 0.7 if moving else chance > 0.8
        path = tmp_path_factory.mktemp("results") / "saliency.json"
        write_json(path, {**results, "checks": {}, "command": "python -m training saliency"})
        offer = read_offers({"base": models["base"]}, path)["base"]
        assert offer["effusion"].offered is moving
        shown = read_result(path)
        assert shown.problem == ""
        assert ("✓" in str(shown.tables[0].rows)) is moving
        assert set(results["models"]) == set(models)
        assert [row["stage"] for row in results["rows"]] == [-3] * 3 + [-2] * 3 + [-1] * 3


def test_only_the_very_weights_that_were_scored_are_known_again(
    tower: ImageTower, models: dict[str, DualEncoder], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("results") / "saliency.json"
    write_json(path, measure(tower, models, [asked(tower, len(models), moving=True)]))
    assert read_offers(models, path).keys() == models.keys()
    swapped = {"base": models["con2"], "con2": models["base"]}
    assert read_offers(swapped, path) == {}
    path.write_text("{}")
    assert read_offers(models, path) == {}


def test_towers_whose_maps_are_not_scored_get_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["saliency", "--family", str(tmp_path_factory.mktemp("nothing"))]) == 2
    assert capsys.readouterr().err.startswith("saliency: ")
