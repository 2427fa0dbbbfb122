"""The models of a family, tuned again without some of the films or without a finding.

The shipped text towers were tuned on the films of all folds, so they cannot be asked about any of them.
Here they are tuned anew from base, with the settings in their own `config.json` and all training films but
those of one fold; CON3 also without any caption that speaks of one finding.  A run lies in a cache, under a
key of everything that decides it, and is stored in half precision, as a checkpoint is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from typing import Any, Final, Protocol

import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from negviz.common.files import file_sha256, write_atomically
from negviz.common.tensor_files import in_half_precision
from negviz.evaluation.prompts import PromptRow, read_prompts
from negviz.films.collection import OPENI, Collection, Film
from negviz.findings import FINDINGS
from negviz.models.checkpoint import read_family, read_training
from negviz.models.encoder import DualEncoder, weights_id, with_text
from negviz.models.family import load_models
from negviz.retrieval.embeddings import film_embeddings
from training.data.bank import open_bank
from training.data.captions import Bank
from training.data.pairs import make_pairs
from training.paths import PROMPTS, Paths
from training.tune import captions, con1_con2
from training.tune.captions import CaptionConfig, Lessons, Method, tune_captions, where_to_lie
from training.tune.con1_con2 import TuneConfig, tune
from training.tune.devices import CPU, Precision
from training.tune.optim import UNRECORDED
from training.tune.recipes import RECIPES

_TRAINING: Final = PROMPTS / "training.csv"


class TunedTower(Protocol):
    """What a tuning run gives back, as far as it is stored."""

    @property
    def tensors(self) -> dict[str, Tensor]: ...
    def model(self, base: DualEncoder) -> DualEncoder: ...


@dataclass(frozen=True)
class Retuned:
    """Tunes a family's models again.

    retuned = Retuned(paths, fold="0")
    retuned.tuned("con3"), retuned.tuned("con3", without="nodule")
    """

    paths: Paths
    fold: str  # training films of this fold are left out; "" leaves none out

    @cached_property
    def base(self) -> DualEncoder:
        return load_models(self.paths.family)["base"]

    @cached_property
    def films(self) -> Collection:
        """All films of the family's collection; which of them are trained on, `trained` says."""
        return self.paths.open_collection()

    @cached_property
    def _vectors(self) -> NDArray[Any]:
        return film_embeddings(self.base, self.films)

    def knows(self, name: str) -> bool:
        """Whether a model can be tuned again: base needs no tuning, a stranger's method is not known."""
        return name == "base" or self._settings(name).get("method") in RECIPES

    def tuned(self, name: str, *, without: str = "", seed: int | None = None) -> DualEncoder:
        """A model tuned without the fold; CON3 also without captions on a finding or composed to a kind.

        `seed`, if it is not to be the model's own.

        Raises `FilmsError` where CON3 is not cached and the reports are not at hand.
        """
        if name == "base":
            return self.base
        settings = {**self._settings(name), **({} if seed is None else {"seed": seed})}
        path = self.paths.work / "retuned" / f"{self._key(settings, without)}.safetensors"
        if not path.is_file():
            tuned = self._tune(settings, without)
            path.parent.mkdir(parents=True, exist_ok=True)
            scale = {"logit_scale": repr(tuned.model(self.base).logit_scale)}
            write_atomically(path, save(in_half_precision(tuned.tensors), scale))
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it is no mapping)
            return with_text(self.base, name, tensors, float(file.metadata()["logit_scale"]))

    def _tune(self, settings: Mapping[str, Any], without: str) -> TunedTower:
        torch.manual_seed(0)
        trained, compute = self.trained, replace(CPU, precision=_precision(settings))
        if RECIPES[settings["method"]].learns_from == "captions":
            config = CaptionConfig(**_knobs(CaptionConfig, settings))
            bank = _without(self.bank(bool(config.typed)), without)
            vectors = self._vectors[self.films.rows(trained.films)]
            near = self._near(config.method, bool(config.typed))
            lessons = Lessons.of(vectors, trained.films, bank, near)
            return tune_captions(self.base, lessons, config, compute=compute)
        made = make_pairs(trained, self.prompts)
        rows = self.films.rows(made.films)
        own = TuneConfig(**_knobs(TuneConfig, settings))
        return tune(self.base, self._vectors[rows], made, own, compute=compute)

    @property
    def prompts(self) -> list[PromptRow]:
        """What CON1 and CON2 learn from."""
        return read_prompts(_TRAINING)

    @cached_property
    def trained(self) -> Collection:
        return self.films.select("train").where(self._kept)

    def _kept(self, film: Film) -> bool:
        return not self.fold or film.fold != self.fold

    def bank(self, typed: bool) -> Bank:
        """What CON3 reads, prompts, composed sentences and reports of the films trained on, or CON4."""
        return self._open(typed)

    @cached_property
    def _open(self) -> Callable[[bool], Bank]:
        return cache(lambda typed: open_bank(self.paths, self.trained.films, typed=typed))

    @cached_property
    def _near(self) -> Callable[[Method, bool], dict[str, Tensor]]:
        """Where the captions of the bank are drawn to by a recipe, worked out once, whatever is left out."""
        films, family = self.trained, self.paths.family
        vectors = self._vectors[self.films.rows(films)]
        return cache(
            lambda method, typed: where_to_lie(
                method, self.base, self.bank(typed), vectors, films.films, family
            )
        )

    def _settings(self, name: str) -> Mapping[str, Any]:
        return read_training(self.paths.family, name)

    def _key(self, settings: Mapping[str, Any], without: str) -> str:
        of_captions = RECIPES[settings["method"]].learns_from == "captions"
        config: type[CaptionConfig | TuneConfig] = CaptionConfig if of_captions else TuneConfig
        prompts = sorted(PROMPTS.glob("*.csv")) if of_captions else [_TRAINING]
        deciding = {
            "settings": _knobs(config, settings),
            "method": settings["method"],
            "base": [weights_id(self.base.text.state_dict(), {}), self.base.tower_id],
            "films": self.films.hash,
            "prompts": [file_sha256(path) for path in prompts],
            "recipe": captions.VERSION if of_captions else con1_con2.VERSION,
            "left out": [self.fold, without],
        }
        if (precision := _precision(settings)) != "no":
            deciding["precision"] = precision
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:32]


def _precision(settings: Mapping[str, Any]) -> Precision:
    """In which a model is tuned again: its own, but for float16, which is a GPU's."""
    return "bf16" if settings.get("compute", {}).get("precision") == "bf16" else "no"


def report_words(paths: Paths) -> list[str]:
    """The option without which a command that tunes a family's models again leaves some out: where one
    learned from reports, and these are not in a cache."""
    methods = (read_training(paths.family, name).get("method") for name in read_family(paths.family).columns)
    read = any(RECIPES[method].learns_from == "captions" for method in methods if method in RECIPES)
    return ["--films", "DIR"] if read and paths.collection == OPENI else []


def _without(bank: Bank, left_out: str) -> Bank:
    """The bank without the captions that speak of a finding, or that are composed to a kind of wording."""
    if not left_out or left_out in FINDINGS:
        return bank.without(left_out)
    return bank.where(lambda caption: caption.kind != left_out)


def _knobs(kind: type[CaptionConfig | TuneConfig], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings a config has room for; facts of the run, such as its losses, stand beside them.

    A run is repeated as it was, whatever a config says by itself today.
    """
    known = {"decay": UNRECORDED, **settings}
    return {f.name: known[f.name] for f in fields(kind) if f.name in known}
