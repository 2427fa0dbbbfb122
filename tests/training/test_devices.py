"""Where tuning runs: the same on the CPU as ever, near the same elsewhere, and the same when stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from negviz.evaluation.prompts import read_prompts
from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models, open_hub_model, save_base
from negviz.retrieval.embeddings import film_embeddings
from tests.tiny_hub import tiny_clip
from training.__main__ import main
from training.bench.running import free_port
from training.data.pairs import Pairs, make_pairs
from training.paths import PROMPTS
from training.tune.choose import Fold, Search, choose
from training.tune.con1_con2 import TuneConfig, schedule, tune
from training.tune.devices import CPU, Compute, DeviceError, open_compute
from training.tune.finished_runs import FinishedRuns
from training.tune.losses import con_clip
from training.tune.precision import with_faster
from training.tune.run_state import RunStateError

ROOT = Path(__file__).parents[2]
CONFIG = TuneConfig(method="con2", lr=1e-3, epochs=3, batch=8, seed=5)


@pytest.fixture
def pairs(collection: Collection) -> Pairs:
    return make_pairs(collection, read_prompts(PROMPTS / "training.csv"))


@pytest.fixture
def films(collection: Collection, models: dict[str, DualEncoder], pairs: Pairs) -> npt.NDArray[np.float32]:
    return film_embeddings(models["base"], collection)[collection.rows(pairs.films)]


def test_a_run_on_the_cpu_is_the_plain_loop(
    models: dict[str, DualEncoder], pairs: Pairs, films: npt.NDArray[np.float32]
) -> None:
    """Written out as it was before there were devices and groups: the shipped weights can be made again."""
    base = models["base"]
    torch.manual_seed(CONFIG.seed)
    random = np.random.default_rng(CONFIG.seed)
    tower = base.text.private_copy().train()
    scale = nn.Parameter(torch.tensor(float(base.logit_scale)))
    tunable = tower.tunable()
    for parameter in tunable.values():
        parameter.requires_grad_(True)
    optimiser = torch.optim.AdamW([*tunable.values(), scale], CONFIG.lr, weight_decay=CONFIG.weight_decay)
    steps = CONFIG.epochs * -(-len(pairs) // CONFIG.batch)
    plan = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: schedule(step, steps, CONFIG.warmup))
    vectors = torch.from_numpy(films)
    for _ in range(CONFIG.epochs):
        order = random.permutation(len(pairs))
        for start in range(0, len(order), CONFIG.batch):
            rows = order[start : start + CONFIG.batch]
            drawn = [pairs.draw(int(row), random) for row in rows]
            texts = [each[0] for each in drawn] + [each[1] for each in drawn]
            captions, opposed = F.normalize(tower(**tower.tokenize(texts)), dim=-1).chunk(2)
            others = vectors[[each[2] for each in drawn]]
            loss = con_clip(vectors[rows], captions, others, opposed, scale.exp())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            plan.step()
            with torch.no_grad():
                scale.clamp_(0, float(np.log(100)))
    tuned = tune(base, films, pairs, replace(CONFIG, decay="everything"))
    assert all(torch.equal(value, tuned.tensors[name]) for name, value in tunable.items())
    assert tuned.logit_scale == float(scale.detach())


@dataclass(frozen=True)
class Stopping(Pairs):
    """Pairs whose drawing is stopped after so many draws."""

    left: ClassVar[list[int]] = []

    def draw(self, film: int, random: np.random.Generator) -> tuple[str, str, int]:
        self.left[0] -= 1
        if self.left[0] < 0:
            raise KeyboardInterrupt
        return super().draw(film, random)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    models: dict[str, DualEncoder],
    pairs: Pairs,
    films: npt.NDArray[np.float32],
    tmp_path: Path,
    precision: str,
) -> None:
    compute, state = open_compute("cpu", precision), tmp_path / "work" / "state.safetensors"
    whole = tune(models["base"], films, pairs, CONFIG, compute=compute)
    Stopping.left[:] = [2 * len(pairs) - 3]  # before the second of three epochs is over
    with pytest.raises(KeyboardInterrupt):
        tune(models["base"], films, Stopping(**vars(pairs)), CONFIG, compute=compute, state=state)
    Stopping.left[:] = [2 * len(pairs)]  # two epochs are left to do, and no more than that
    resumed = tune(models["base"], films, Stopping(**vars(pairs)), CONFIG, compute=compute, state=state)
    assert all(torch.equal(value, resumed.tensors[name]) for name, value in whole.tensors.items())
    assert resumed.losses == whole.losses
    assert resumed.logit_scale == whole.logit_scale


def test_a_damaged_state_says_what_to_do(
    models: dict[str, DualEncoder], pairs: Pairs, films: npt.NDArray[np.float32], tmp_path: Path
) -> None:
    (tmp_path / "state").write_bytes(b"not tensors")
    with pytest.raises(RunStateError, match=r"not the state of this run; delete it"):
        tune(models["base"], films, pairs, CONFIG, state=tmp_path / "state")


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_every_precision_tunes_alike(
    models: dict[str, DualEncoder], pairs: Pairs, films: npt.NDArray[np.float32], precision: str
) -> None:
    config = replace(CONFIG, lr=1e-4)
    usual = tune(models["base"], films, pairs, config)
    other = tune(models["base"], films, pairs, config, compute=open_compute("cpu", precision))
    assert other.losses == pytest.approx(usual.losses, rel=0.05)
    assert other.losses != usual.losses


def test_a_search_that_was_stopped_runs_nothing_twice(
    models: dict[str, DualEncoder],
    collection: Collection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.tune.choose.SEEDS", (0, 1))
    base, prompts = models["base"], read_prompts(PROMPTS / "training.csv")
    films, ran = film_embeddings(base, collection), list[float]()

    def score(_: Fold, config: TuneConfig, compute: Compute) -> float:
        if len(ran) == 7:
            ran.append(0)
            raise KeyboardInterrupt
        ran.append(config.lr)
        return config.lr + config.seed

    monkeypatch.setattr(Fold, "run", score)
    found = []
    for _ in range(2):
        search = Search(rates=(1e-6, 1e-5), finished_runs=FinishedRuns(tmp_path / "work" / "known.json"))
        with suppress(KeyboardInterrupt):
            found.append(choose("con1", base, collection, films, prompts, search))
    assert len(ran) - 1 == 15  # two rates and another seed of the better one, five folds each
    assert [trial.mean for trial in found[0].settings] == pytest.approx([1e-6, 1e-5])
    assert found[0].config.lr == 1e-5
    FinishedRuns(tmp_path / "work" / "known.json").close()
    assert list((tmp_path / "work").iterdir()) == []


def test_a_share_of_the_texts_is_as_large_as_every_other() -> None:
    texts = ["a", "b", "c", "d", "e"]
    shares = [Compute(process=number, processes=3)._share(texts) for number in range(3)]
    assert {len(share) for share in shares} == {2}
    assert [text for share in shares for text in share][:5] == texts
    assert CPU._share(texts) == texts


def test_what_cannot_be_had_costs_a_sentence(
    family_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["con2", "--family", str(family_folder), "--device", "abacus"]) == 2
    assert "no device 'abacus' here; torch finds" in capsys.readouterr().err
    with pytest.raises(DeviceError, match=r"no precision 'int3'; ask for no, bf16, fp16"):
        open_compute("cpu", "int3")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")  # as `accelerate launch` says it
    assert open_compute("cpu").precision == "fp16"
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(DeviceError, match="accelerate gives each its device"):
        open_compute("cuda:1")


def test_two_processes_find_what_one_finds(tmp_path: Path, collection_folder: Path) -> None:
    """Tiny CLIP has no dropout, so only the order of sums may differ."""
    tiny_clip(tmp_path / "hub")
    base = open_hub_model(str(tmp_path / "hub"))
    found = []
    for count in (1, 2):
        family = tmp_path / f"family{count}"
        save_base(family, base, licence="none", data={}, training={})
        (family / "results").mkdir()
        chosen = {"lr": 1e-3, "batch": 5, "seed": 0}  # five captions and opposites: ten texts, then four
        tuning = {"methods": {"con2": {"chosen": chosen}}, "data": {"tower_id": base.tower_id}}
        (family / "results" / "tuning.json").write_text(json.dumps(tuning))
        argv = ["con2", "--family", str(family), "--collection", str(collection_folder), "--device", "cpu"]
        argv += ["--precision", "no"]
        if count == 1:
            assert main(argv) == 0
        else:
            _side_by_side(argv, count)
        found.append(load_models(family)["con2"])
    one, two = (model.encode_text(["no pleural effusion", "a small effusion"]) for model in found)
    before = base.encode_text(["no pleural effusion", "a small effusion"])
    np.testing.assert_allclose(one, two, atol=2e-3)
    assert np.abs(one - before).max() > 0.02
    facts = json.loads((tmp_path / "family2" / "con2" / "config.json").read_text("utf-8"))["training"]
    assert facts["compute"] == {"device": "cpu", "precision": "no", "processes": 2}


def _side_by_side(argv: list[str], count: int) -> None:
    """As torchrun and `accelerate launch` start them."""
    shared = {**os.environ, "WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    shared |= {"MASTER_PORT": str(free_port()), "LOCAL_WORLD_SIZE": str(count)}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "training", *argv],
            cwd=ROOT,
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    said = [process.communicate(timeout=240)[1] for process in running]
    assert [process.returncode for process in running] == [0] * count, said
    assert "con2, seed 0" in said[0]
    assert "con2, seed 0" not in said[1]  # one of them shows progress


def test_a_base_of_ones_own_is_tuned_in_the_faster_precision_and_stays_with_it(
    models: dict[str, DualEncoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = {"no": 2.0, "bf16": 1.0}
    monkeypatch.setattr("training.tune.precision._time", lambda _, compute: taken[compute.precision])
    compute = open_compute("cpu", "bf16")
    assert with_faster(models["base"], compute, tmp_path).precision == "bf16"
    taken["bf16"] = 3.0  # another time on a busy machine: a run goes on as it was begun
    assert with_faster(models["base"], compute, tmp_path).precision == "bf16"
    assert with_faster(models["base"], compute, tmp_path / "elsewhere").precision == "no"
    (record,) = tmp_path.glob("*.json")
    assert json.loads(record.read_text("utf-8")) == {"seconds": {"no": 2.0, "bf16": 1.0}, "precision": "bf16"}


def test_both_precisions_are_timed_with_steps_of_the_tower_itself(
    models: dict[str, DualEncoder], tmp_path: Path
) -> None:
    before = {name: value.clone() for name, value in models["base"].text.state_dict().items()}
    chosen = with_faster(models["base"], open_compute("cpu", "bf16"), tmp_path).precision
    (record,) = tmp_path.glob("*.json")
    seconds = json.loads(record.read_text("utf-8"))["seconds"]
    assert chosen == min(seconds, key=lambda one: seconds[one])
    assert all(value > 0 for value in seconds.values())
    assert all(torch.equal(before[name], value) for name, value in models["base"].text.state_dict().items())
