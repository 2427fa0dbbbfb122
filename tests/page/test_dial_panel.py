"""The dial as the page shows it, and its films over HTTP, without a browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.explain.dose import SEVERITIES, DoseSweep
from negviz.films.collection import Collection
from negviz.findings import ABNORMAL
from negviz.models.encoder import DualEncoder
from negviz.page.dial import films as dial_films
from negviz.page.dial import words
from negviz.page.dial.films import SEEDS, Dialled
from negviz.page.dial.panel import Dial
from negviz.page.dial.panel import routes as dial_routes
from negviz.page.dial.setting import DialSetting
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.retrieval.answer import search_sets
from negviz.retrieval.estimate import Estimate
from training.data.phantoms.draw import SHIPPED, TRAINING
from training.measure.dose import list_shots

ASKED = Asked("no pleural effusion").json()
SEED = SEEDS[0]
FILM = {"finding": "effusion", "side": "right", "severity": "0.6", "seed": str(SEED)}


@pytest.fixture
def dial(models: dict[str, DualEncoder], collection: Collection) -> Dial:
    """Over the tiny models, and a sweep of films that turn towards one another."""
    made = Dial(Room(models, search_sets(models, collection), Pictures(collection)))
    model = models["base"]
    random = np.random.default_rng(0)
    ends = random.normal(size=(2, len(ABNORMAL), 3, model.dim))
    films = np.stack([(1 - dose) * ends[0] + dose * ends[1] for dose in SEVERITIES], axis=1)
    films /= np.linalg.norm(films, axis=-1, keepdims=True)
    sweep = DoseSweep(model.tower_id, "", ABNORMAL, SEVERITIES, (0, 1, 2), films.astype(np.float32))
    made.__dict__["sweeps"] = {model.tower_id: sweep}
    return made


@pytest.fixture
def client(dial: Dial) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=dial_routes(dial.room))) as made:
        yield made


def follow(dial: Dial, asked: str) -> tuple[Any, ...]:
    """What the panel shows when it is first opened."""
    return dial.follow(asked, ABNORMAL[0], "right", 0.6, SEED)


def test_a_curve_a_model_and_the_numbers_behind_it(dial: Dial) -> None:
    *_, film, plot = follow(dial, ASKED)
    assert "page/dial-film?finding=effusion&amp;side=right&amp;severity=0.60" in film
    assert words.SIMULATED in film
    for model in dial.room.models:
        assert f'data-model="{model}"' in plot
    assert plot.count("nv-line-own") == plot.count("nv-line-opposite") == len(dial.room.models)
    assert plot.count('<th scope="row">') == len(SEVERITIES)
    assert "Raising the effusion from 0 to 1" in plot


def test_the_dial_follows_the_sentence(dial: Dial) -> None:
    finding, side, film, _ = dial.follow(Asked("no cardiomegaly").json(), "effusion", "left", 0.5, SEED)
    assert finding["value"] == "cardiomegaly"
    assert side["visible"] is False
    assert "choices" not in side  # the browser holds one of them
    assert 'data-side=""' in film
    kept = dial.follow(Asked("films from tuesday").json(), "nodule", "left", 0.5, SEED)
    assert kept[0]["value"] == "nodule"
    assert 'data-side="left"' in kept[2]


def test_nothing_asked_and_nothing_measured_are_calm(dial: Dial) -> None:
    assert words.EMPTY in follow(dial, Asked("").json())[-1]
    dial.__dict__["sweeps"] = {}
    assert words.NO_SWEEP in follow(dial, ASKED)[-1]


def test_another_chest_comes_round_again(dial: Dial) -> None:
    used, seed, *_ = dial.another(ASKED, "effusion", "left", 0.5, SEEDS[-1])
    assert used is True
    assert seed == SEEDS[0]
    assert DialSetting.read("nonsense", "above", -1) == DialSetting("effusion", "right", SEEDS[0])
    assert DialSetting.read("pneumothorax", "both", SEED).side == "right"


def test_this_chest_is_measured_point_by_point_once_the_dial_is_used(
    dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[float] = []

    def embed(film: Any) -> Any:
        asked_for.append(film.severity)
        return np.eye(1, dial.room.models["base"].dim, dtype=np.float32)

    monkeypatch.setattr(dial._embedded, "_work", embed)
    assert len(list(dial.measure(ASKED, "effusion", "left", 0.5, SEED, False))) == 1
    assert asked_for == []
    shown = list(dial.measure(ASKED, "effusion", "left", 0.5, SEED, True))
    assert asked_for == list(SEVERITIES)
    assert [plot.count("nv-dot-own") for plot in shown] == [
        3 * number for number in range(1, len(SEVERITIES) + 1)
    ]
    assert words.progress(1, 11) in shown[0]
    assert words.THIS_CHEST in shown[-1]
    list(dial.measure(Asked("effusion").json(), "effusion", "left", 0.9, SEED, True))
    assert len(asked_for) == len(SEVERITIES)  # another sentence costs no film


def test_what_is_typed_is_no_markup(dial: Dial) -> None:
    assert "<script>" not in follow(dial, Asked("no effusion <script>alert(1)</script>").json())[-1]


def test_warmer_is_said_only_where_it_is_measured(dial: Dial) -> None:
    plain = dial.room.answer(Asked("no pleural effusion")).prompt.text
    from negviz.explain.dose import dose_curves

    films = {tower: sweep.of("effusion") for tower, sweep in dial.sweeps.items()}
    curve = dose_curves(dial.room.models, films, [plain])["base"]
    for estimate, said in (
        (Estimate(0.05, 0.02, 0.08), "warmer"),
        (Estimate(-0.05, -0.08, -0.02), "cooler"),
        (Estimate(0.05, -0.02, 0.08), "does not move"),
    ):
        assert words.moved(replace(curve, own_change=estimate), plain)[1] == said


# Films over HTTP ------------------------------------------------------------------------------


def test_a_film_comes_as_a_small_jpeg_and_is_kept(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.get("/page/dial-film", params=FILM)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).size == (384, 384)
    monkeypatch.setattr(Dialled, "jpeg", lambda self: b"made again")
    assert client.get("/page/dial-film", params={**FILM, "severity": "0.61"}).content == answer.content


@pytest.mark.parametrize(
    "wrong",
    [
        {"finding": "normal"},
        {"finding": "../secret"},
        {"side": "both", "finding": "nodule"},
        {"side": "right", "finding": "edema"},
        {"side": ""},
        {"severity": "1.01"},
        {"severity": "nan"},
        {"severity": "-0.5"},
        {"severity": "1e-1"},
        {"severity": "\u0660"},
        {"seed": "1"},
        {"seed": "9100064"},
        {"seed": "9100000.0"},
        {"seed": "\uff19100000"},
    ],
)
def test_what_the_page_does_not_offer_is_refused(client: TestClient, wrong: dict[str, str]) -> None:
    answer = client.get("/page/dial-film", params={**FILM, **wrong})
    assert answer.status_code == 400
    assert answer.text == words.REFUSED


def test_severity_lies_on_a_grid() -> None:
    assert Dialled.read("effusion", "right", "0.62", str(SEED)).severity == 0.6
    assert Dialled.read("edema", "", "1", str(SEED)) == Dialled("edema", None, 1.0, SEED)


def test_films_are_kept_to_a_number(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Dialled] = []

    def jpeg(self: Dialled) -> bytes:
        made.append(self)
        return b"film"

    monkeypatch.setattr(Dialled, "jpeg", jpeg)
    monkeypatch.setattr(dial_films, "_KEPT", 2)
    for severity in ("0.1", "0.2", "0.3", "0.2", "0.1"):
        client.get("/page/dial-film", params={**FILM, "severity": severity})
    assert [film.severity for film in made] == [0.1, 0.2, 0.3, 0.1]


def test_chests_of_the_dial_are_nobody_elses() -> None:
    swept = {shot.seed for shot in list_shots()}
    assert not set(SEEDS) & (swept | set(SHIPPED) | set(TRAINING))
