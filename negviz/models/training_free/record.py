"""What the methods were set to, on disk, and the columns made of it.

`training_free/<base>.json` belongs to the base of that identity and describes `<base>.safetensors`, which
holds the steering directions, by layer, and those of findings, by name.  It lies in the family's folder, or
with the assets for the shipped family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

from torch import Tensor
from torch.nn import functional as F

from negviz.common.files import write_json
from negviz.common.read_files import read_json
from negviz.common.tensor_files import CheckpointError, TensorFile, write_tensors
from negviz.films.collection import ASSETS
from negviz.findings import FINDINGS
from negviz.models.directions import FindingDirections
from negviz.models.encoder import DualEncoder, weights_id
from negviz.models.soundness import check_rewritten
from negviz.models.training_free.arithmetic import Arithmetic
from negviz.models.training_free.column import RivalMethod, TrainingFree
from negviz.models.training_free.composed import ComposedDirections
from negviz.models.training_free.spacevlm import SpaceVlm
from negviz.models.training_free.steering import Steering, layers
from negviz.models.training_free.wording import Concept, Wording

FOLDER: Final = "training_free"  # in a family's folder
SHIPPED: Final = ASSETS / FOLDER
_BASE: Final = "base"
_FORMAT: Final = 1
Settings = Mapping[str, Any]  # one method's, JSON


@dataclass(frozen=True)
class RivalSettings:
    """The settings of every method, by column name, and directions: of steering, and of findings."""

    settings: Mapping[str, Settings]
    directions: Mapping[int, Tensor]  # by layer, unit vectors float32 [width]
    findings: Mapping[str, Tensor] = field(default_factory=dict)  # unit vectors float32 [dim]

    def columns(self, base: DualEncoder) -> dict[str, TrainingFree]:
        """The columns.  Raises `CheckpointError` where a method is unknown or does not fit base."""
        made = {}
        for name, settings in self.settings.items():
            try:
                method = _MAKERS[name](base, settings, self)
            except (KeyError, TypeError, ValueError) as error:
                raise CheckpointError(f"The settings of {name} cannot be used ({error}).") from error
            facts = {key: getattr(base, key) for key in _SHARED}
            made[name] = TrainingFree(name=name, **facts, method=method)
            check_rewritten(made[name], f"The column {name}")
        return made


_SHARED: Final = ("family", "text", "image", "logit_scale", "tower_id", "source", "reads")


def _wording(settings: Settings) -> Wording:
    scene, concept = str(settings["scene"]), settings["concept"]
    if concept not in get_args(Concept) or not scene.strip():
        raise ValueError(f"no such scene or concept as {scene!r} and {concept!r}")
    return Wording(scene, concept)


def _spacevlm(_: DualEncoder, settings: Settings, __: RivalSettings) -> RivalMethod:
    threshold = float(settings["threshold"])
    if not 0 < threshold < 1:
        raise ValueError("a threshold is a cosine between 0 and 1")
    return SpaceVlm(_wording(settings), threshold)


def _arithmetic(_: DualEncoder, settings: Settings, __: RivalSettings) -> RivalMethod:
    return Arithmetic(_wording(settings), float(settings["weight"]))


def _steering(base: DualEncoder, settings: Settings, recipe: RivalSettings) -> RivalMethod:
    chosen, known = [int(layer) for layer in settings["layers"]], len(layers(base.text))
    if not chosen or not all(0 <= layer < known for layer in chosen):
        raise ValueError(f"base has {known} layers, counted from 0")
    return Steering(
        base.text, {layer: recipe.directions[layer] for layer in chosen}, float(settings["strength"])
    )


def _composed(base: DualEncoder, _: Settings, recipe: RivalSettings) -> RivalMethod:
    directions = {name: recipe.findings[name].numpy() for name in FINDINGS}
    if any(direction.shape != (base.dim,) for direction in directions.values()):
        raise ValueError(f"base has {base.dim} dimensions")
    return ComposedDirections(FindingDirections(directions))


_MAKERS: Final[Mapping[str, Callable[[DualEncoder, Settings, RivalSettings], RivalMethod]]] = {
    "spacevlm": _spacevlm,
    "steering": _steering,
    "arithmetic": _arithmetic,
    "composed": _composed,
}


def rivals_path(base: DualEncoder, folder: Path) -> Path:
    """Where the settings made for this base lie in a folder, whether or not there are any."""
    return folder / f"{weights_id(base.text.tunable(), {})}.json"


def load_rivals(models: Mapping[str, DualEncoder], folder: Path | None = None) -> dict[str, DualEncoder]:
    """The columns that need no training, for the base of these models, apart from the family's own.

    They are looked for in `folder`, a family's, and then among the assets; empty where neither holds any
    for this base.  Raises `CheckpointError` where a file is damaged.
    """
    base = models.get(_BASE)
    if base is None:
        return {}
    folders = [SHIPPED] if folder is None else [folder / FOLDER, SHIPPED]
    path = next((path for each in folders if (path := rivals_path(base, each)).is_file()), None)
    if path is None:
        return {}
    columns = read_recipe(path).columns(base)
    return {name: column for name, column in columns.items() if name not in models}


def read_recipe(path: Path) -> RivalSettings:
    """Raises `CheckpointError` where the files are not what `write_rivals` wrote."""
    record = read_json(path, CheckpointError)
    settings, file = record.get("settings"), record.get("file")
    if (
        record.get("format") != _FORMAT
        or not isinstance(settings, dict)
        or not isinstance(file, dict)
        or not all(isinstance(given, dict) for given in settings.values())
    ):
        raise CheckpointError(
            f"{path} cannot be used, as it is not of format {_FORMAT}; make it anew with "
            "`python -m training training-free`."
        )
    tensors = TensorFile.from_record(file).read(path.parent)
    if not all(name.isdecimal() or name in FINDINGS for name in tensors):
        raise CheckpointError(f"{path} names what is no layer's number and no finding; make it anew.")
    unit = {name: F.normalize(tensor.float(), dim=0) for name, tensor in tensors.items()}
    directions = {int(name): direction for name, direction in unit.items() if name.isdecimal()}
    return RivalSettings(settings, directions, {name: unit[name] for name in unit.keys() & {*FINDINGS}})


def write_rivals(path: Path, recipe: RivalSettings, facts: Mapping[str, Any]) -> None:
    """Write both files of `path` (.json), directions in half precision; `facts` say how they were made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.with_suffix(".safetensors")
    tensors = {**{str(layer): direction for layer, direction in recipe.directions.items()}, **recipe.findings}
    file = write_tensors(target, tensors, file=target.name)
    write_json(path, {"format": _FORMAT, "settings": recipe.settings, "file": file.to_record(), **facts})
