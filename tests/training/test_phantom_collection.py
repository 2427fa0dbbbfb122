"""Simulated films, shipped and learned from: what is ordered, what is made, and that it can be made again."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from negviz.films.collection import ASSETS, MANIFEST, open_collection
from negviz.findings import ABNORMAL, FINDINGS
from negviz.phantoms import simulate
from training.__main__ import main
from training.data.base import simulated_data
from training.data.phantoms import collection as phantoms
from training.data.phantoms import training_films as phantom_films
from training.data.phantoms.collection import build_phantoms, film_of, make_film
from training.data.phantoms.draw import LEAST, SHIPPED, TRAINING, simulator_hash, training_wish
from training.data.phantoms.plan import Order, shipped_plan
from training.data.phantoms.training_films import SimulatedFilms, simulated_films
from training.tune.base import BaseConfig, _batches

FOLDER = ASSETS / "phantoms"
PLAN = shipped_plan()
BY_ID = {order.id: order for order in PLAN}
FACTS = phantoms.facts_of(PLAN)
FILMS = [
    replace(film_of(order), lists=frozenset(filter(None, facts["lists"].split("|"))))
    for order, facts in zip(PLAN, FACTS, strict=True)
]


# What is ordered ------------------------------------------------------------------------------


def test_no_chest_is_both_shipped_and_learned_from() -> None:
    assert not set(SHIPPED) & set(TRAINING)
    assert {order.seed for order in PLAN} <= set(SHIPPED)


def test_there_are_films_enough_and_a_third_is_normal() -> None:
    assert len(PLAN) == len(BY_ID) >= 480
    assert 1 / 3 <= sum(not order.wish for order in PLAN) / len(PLAN) < 0.4


@pytest.mark.parametrize("finding", ABNORMAL)
def test_every_finding_stands_alone_in_all_degrees_and_can_be_searched_for(finding: str) -> None:
    alone = [o.wish[finding] for o in PLAN if set(o.wish) == {finding} and finding in film_of(o).findings]
    assert len({severity.value for severity in alone}) >= 10
    assert min(s.value for s in alone) < LEAST[finding] + 0.1
    assert max(s.value for s in alone) > 0.9
    assert len({severity.side for severity in alone}) >= (1 if alone[0].side is None else 2)
    states = Counter(film.states(finding, "present") for film in FILMS)
    assert states[True] >= 50
    assert states[False] >= 200  # of opacity the fewest: much may be read as one


def test_findings_are_combined_and_always_visible() -> None:
    sizes = Counter(len(order.wish) for order in PLAN)
    assert sizes[2] >= 100
    assert sizes[3] >= 50
    twos = {frozenset(order.wish) for order in PLAN if len(order.wish) == 2}
    assert len(twos) == len(ABNORMAL) * (len(ABNORMAL) - 1) / 2
    faint = [order for order in PLAN if any(s.value < LEAST[name] for name, s in order.wish.items())]
    assert {name for order in faint for name in order.wish} == {"effusion"}
    assert not any(film_of(order).findings or "effusion" in film_of(order).denied for order in faint)
    assert len({order.wish["effusion"].value for order in faint}) == 10


def test_a_counterfactual_is_the_same_chest_without_one_finding() -> None:
    pairs = [(order, BY_ID[order.pair]) for order in PLAN if order.pair]
    assert len(pairs) >= 200
    for order, partner in pairs:
        assert partner.pair == order.id
        assert (partner.seed, partner.split) == (order.seed, order.split)
        more, less = sorted((order.wish, partner.wish), key=len, reverse=True)
        assert less == {name: severity for name, severity in more.items() if name in less}
        assert len(more) == len(less) + 1


def test_the_test_films_are_balanced_on_effusion() -> None:
    test = [order for order in PLAN if order.split == "test"]
    without = [order for order in test if "effusion" not in order.wish]
    assert len(test) == 2 * len(without) == 100
    assert sum(bool(order.wish) for order in without) == len(without) / 2
    assert {order.split for order in PLAN} == {"test", ""}  # nothing is trained on
    assert not {o.seed for o in test} & {o.seed for o in PLAN if o.split == ""}


@pytest.mark.parametrize("finding", ABNORMAL)
def test_every_finding_has_a_list_of_fifty_films_with_it_and_fifty_that_deny_it(finding: str) -> None:
    listed = [film for film in FILMS if finding in film.lists]
    having = [film for film in listed if finding in film.findings]
    denying = [film for film in listed if film.states(finding, "absent")]
    assert (len(having), len(denying), len(listed)) == (50, 50, 100)
    assert sum(film.findings == {"normal"} for film in denying) == 25
    same_chest = {BY_ID[film.id].pair for film in having} & {film.id for film in denying}
    assert len(same_chest) >= (50 if finding == "effusion" else 8)


def test_the_list_of_effusion_is_the_test_films() -> None:
    listed = {film.id for film in FILMS if "effusion" in film.lists}
    assert listed == {order.id for order in PLAN if order.split == "test"}


def test_what_is_written_of_a_film_is_what_the_simulator_says() -> None:
    for order, facts in list(zip(PLAN, FACTS, strict=True))[::150]:
        made, film = simulate(order.seed, order.wish, 64), film_of(order)
        assert (film.findings, film.denied, film.view) == (made.findings, made.denied, made.view)
        severities = "|".join(f"{name}:{value:g}" for name, value in made.severities.items())
        assert facts["severities"] == severities
        assert facts["sides"] == "|".join(f"{name}:{side}" for name, side in made.sides.items())


# What is made ---------------------------------------------------------------------------------


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phantoms, "SIZE", 128)


@pytest.mark.usefixtures("_small")
def test_a_collection_is_built_once_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(order: Order) -> bytes:
        made.append(order.id)
        return make_film(order)

    monkeypatch.setattr(phantoms, "make_film", counted)
    ids = [order.id for order in PLAN[:3]]
    build_phantoms(tmp_path, PLAN[:3], jobs=1)
    opened = open_collection(tmp_path)
    assert [film.id for film in opened] == made == ids
    assert opened.image(opened.films[0]).size == (128, 128)
    build_phantoms(tmp_path, PLAN[:3], jobs=1)
    assert made == ids
    damaged = tmp_path / "films" / f"{ids[1]}.jpg"
    before = damaged.read_bytes()
    damaged.write_bytes(b"half a film")
    build_phantoms(tmp_path, PLAN[:3], jobs=1)
    assert made == [*ids, ids[1]]
    assert damaged.read_bytes() == before
    build_phantoms(tmp_path, PLAN[:2], jobs=1)  # another plan: all anew, and nothing that is not in it
    assert sorted(path.stem for path in (tmp_path / "films").iterdir()) == sorted(ids[:2])


@pytest.mark.usefixtures("_small")
def test_a_build_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phantoms, "_SAVE_EVERY", 1)
    made: list[str] = []

    def stopped(order: Order) -> bytes:
        made.append(order.id)
        if len(made) == 2:
            raise KeyboardInterrupt
        return make_film(order)

    monkeypatch.setattr(phantoms, "make_film", stopped)
    with pytest.raises(KeyboardInterrupt):
        build_phantoms(tmp_path, PLAN[:3], jobs=1)
    build_phantoms(tmp_path, PLAN[:3], jobs=1)
    first, second, third = (order.id for order in PLAN[:3])
    assert made == [first, second, second, third]


def test_the_label_is_legible_and_stays_in_its_corner() -> None:
    grey = Image.new("L", (512, 512), 120)
    changed = np.asarray(phantoms._labelled(grey.copy())) != np.asarray(grey)
    rows, columns = np.nonzero(changed)
    assert rows.min() > 512 * 0.95
    assert columns.max() < 512 * 0.2
    assert changed.sum() > 200


@pytest.mark.parametrize(
    "argv", [["phantoms", "--only", "3"], ["phantoms", "--jobs", "0"], ["simulate", "--count", "0"]]
)
def test_bad_input_costs_one_line(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    assert capsys.readouterr().err.count("\n") == 1


# What is shipped ------------------------------------------------------------------------------


def test_the_shipped_collection_is_whole() -> None:
    opened = open_collection("phantoms")
    assert opened.films == tuple(FILMS)
    assert opened.notes == ()
    record = json.loads((FOLDER / "films.json").read_text("utf-8"))
    assert list(record["films"]) == [film.id for film in opened]
    for film in opened:
        content = (FOLDER / film.image).read_bytes()
        assert hashlib.sha256(content).hexdigest() == record["films"][film.id], film.id
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= 24e6


def test_the_manifest_tells_severities_sides_seeds_and_pairs() -> None:
    with (FOLDER / MANIFEST).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, facts in zip(rows, FACTS, strict=True):
        assert {name: row[name] for name in facts} == facts


def test_shipped_films_are_made_again_bit_by_bit() -> None:
    """Five of them, drawn by the hash of their ids."""
    drawn = sorted(BY_ID, key=lambda id_: hashlib.sha256(id_.encode()).hexdigest())[:5]
    for id_ in drawn:
        again, shipped = make_film(BY_ID[id_]), (FOLDER / "films" / f"{id_}.jpg").read_bytes()
        assert again == shipped, f"{id_} differs: {_difference(again, shipped)}"


def _difference(one: bytes, two: bytes) -> str:
    first, second = (np.asarray(Image.open(io.BytesIO(content)), np.int16) for content in (one, two))
    return f"{np.mean(first != second):.4%} of pixels, by at most {np.abs(first - second).max()} grey levels"


# What is learned from -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> SimulatedFilms:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phantom_films, "SHARD", 2)
        work = tmp_path_factory.mktemp("work")
        short = simulated_films(2, work=work, jobs=1)
        (shard,) = work.rglob("*.safetensors")
        written = shard.stat().st_mtime_ns
        long = simulated_films(3, work=work, jobs=1)
        assert shard.stat().st_mtime_ns == written  # kept, not made again
    assert long.films[:2] == short.films
    assert bool((long.pixels[:2] == short.pixels).all())
    return long


def test_training_films_are_labelled_as_drawn(learned: SimulatedFilms) -> None:
    assert learned.pixels.shape == (3, 2, 256, 256)
    for film, seed in zip(learned.films, TRAINING, strict=False):
        assert film.findings == (frozenset(training_wish(seed)) or {"normal"})
        assert film.findings.isdisjoint(film.denied)


def test_training_films_show_what_was_wanted_as_often_as_wanted() -> None:
    wishes = [training_wish(seed) for seed in TRAINING[:3000]]
    assert sum(not wish for wish in wishes) / len(wishes) == pytest.approx(0.3, abs=0.03)
    counts = Counter(name for wish in wishes for name in wish)
    assert min(counts["effusion"], counts["cardiomegaly"]) > 1.8 * counts["nodule"] > 300
    assert all(LEAST[name] <= s.value <= 1 for wish in wishes for name, s in wish.items())


def test_targets_of_simulated_films_guess_nothing(learned: SimulatedFilms) -> None:
    data = simulated_data(learned)
    for film, targets, weights in zip(learned.films, data.targets, data.weights, strict=True):
        for column, finding in enumerate(FINDINGS):
            has = film.states(finding, "present")
            assert bool(weights[column]) == (has is not None)
            assert bool(targets[column]) == bool(has)


def test_every_batch_holds_its_share_of_simulated_films(learned: SimulatedFilms) -> None:
    one = simulated_data(learned)
    many = SimulatedFilms(learned.films * 20, one.films.repeat(20, 1, 1, 1)[:, :, :1, :1])
    mixed = simulated_data(many)
    object.__setattr__(mixed, "simulated", 20)  # the first forty stand for real ones
    config = BaseConfig(batch=8, simulated=20)
    for batch in _batches(mixed, config, 0, 0):
        assert (batch >= 40).sum() == 2
    object.__setattr__(mixed, "simulated", 0)
    assert len(list(_batches(mixed, config, 0, 0))) == 60 // 8


def test_a_run_without_simulated_films_keeps_its_name() -> None:
    assert BaseConfig(simulated=0).id == BaseConfig(simulated=0, simulated_share=0.5).id == "36ae5d3eff84"
    assert BaseConfig(simulated=1200).id != BaseConfig(simulated=1200, simulated_share=0.5).id


def test_the_simulators_hash_sees_code_and_no_comment() -> None:
    from training.data.phantoms.draw import _code

    assert _code('"""One."""\nx = 1  # why\n') == _code('"""Two."""\nx = 1\n') != _code('"""One."""\nx = 2\n')
    assert len(simulator_hash()) == 64
