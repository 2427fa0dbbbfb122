"""Families: models that share a base, opened from disk.

    models = load_models("checkpoints/compact")     # {"base": DualEncoder, "con1": …} in column order
    models["con2"].encode_text(["No pleural effusion."])

The models of a family share one image tower and one table of word embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from negviz.common.shipped import ROOT
from negviz.common.tensor_files import CheckpointError, check_fits
from negviz.models.checkpoint import WEIGHTS_FILE, Family, identical, read_family, write_family
from negviz.models.encoder import DualEncoder, make_model, weights_id, with_text
from negviz.models.hub_files import plain_id
from negviz.models.image_tower import ImageTower, ImageTowerConfig
from negviz.models.soundness import check_images, check_text, check_words
from negviz.models.text_tower import CompactTextTower, open_text_tower
from negviz.models.two_readers import open_two_readers


def open_hub_model(id_or_folder: str, *, revision: str | None = None) -> DualEncoder:
    """Open a CLIP, SigLIP, VisionTextDualEncoder or OpenCLIP model from a folder, the Hub's cache or the Hub.

    Raises `CheckpointError` where it is none of these, or of another kind.
    """
    from negviz.models.hub import open_hub_towers  # transformers takes seconds to import

    id_or_folder = plain_id(id_or_folder)
    towers = open_hub_towers(id_or_folder, revision=revision)
    source = {"id": id_or_folder, "revision": towers.revision}
    model = make_model(
        towers.text, towers.image, logit_scale=towers.logit_scale, family=towers.family, source=source
    )
    for check in (check_words, check_text, check_images):
        check(model, id_or_folder)
    return model


def load_models(folder: str | Path, *, read_twice: bool = True) -> dict[str, DualEncoder]:
    """Open a family, every file verified, in column order; "checkpoints/compact" is found from anywhere.

    Its second reader, where it has one, is left alone unless sentences are to be `read_twice`.  Raises
    `CheckpointError` on a missing, damaged or foreign file, and on a tuned model that is base.
    """
    shipped = ROOT / folder
    family = read_family(shipped if shipped.is_dir() and not Path(folder).is_dir() else Path(folder))
    base = _open_hub_base(family) if "hub" in family.record else _open_compact_base(family, read_twice)
    return {name: base if name == "base" else _open_tuned(family, base, name) for name in family.columns}


def save_base(
    folder: Path, model: DualEncoder, *, licence: str, data: Mapping[str, Any], training: Mapping[str, Any]
) -> None:
    """Start a family: write `model` as its base; `write_checkpoint` then adds tuned models.

    `data` holds the hashes of what it was trained on, `training` its hyper-parameters and seed.
    """
    facts = {"family": model.family, "logit_scale": model.logit_scale, "licence": licence, "data": dict(data)}
    if isinstance(model.text, CompactTextTower):
        own = {"text_tower": model.text.identity, "image_tower": {"config": model.image.config.to_dict()}}
        projection, image_tower = model.text.projection.state_dict(), model.image.state_dict()
        write_family(folder, {**facts, **own}, projection, image_tower, training=training)
    else:
        hub = {**(model.source or {}), "tower_id": model.tower_id, "text_id": _text_id(model)}
        write_family(folder, {**facts, "hub": hub}, {}, None, training=training)


def _open_compact_base(family: Family, read_twice: bool) -> DualEncoder:
    text, image = (family.described(name) for name in ("text_tower", "image_tower"))
    name, sha256 = (_text(text, key, family) for key in ("name", "sha256"))
    image_tower = ImageTower(ImageTowerConfig.from_dict(image.get("config")))
    where = family.folder / _text(image, "file", family)
    _fill(image_tower, family.image_tower(), where)
    projection, path = family.weights("base"), family.folder / "base" / WEIGHTS_FILE
    dim = image_tower.config.dim
    tower = open_text_tower(dim, sha256=sha256, family=family.folder, name=name)
    if tower.identity != text:
        raise CheckpointError(f"The vocabulary of {name} is not the one that {family.path} records.")
    _fill(tower.projection, projection, path)
    model = make_model(tower, image_tower, logit_scale=family.logit_scale("base"))
    check_words(model, f"The text tower {name}")
    check_text(model, path)
    check_images(model, where)
    readers = open_two_readers(family.folder, tower) if read_twice else None
    return model if readers is None else replace(model, reads=readers)


def _text(record: Mapping[str, Any], key: str, family: Family) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value:
        raise CheckpointError(f"{family.path} describes a tower without its {key}; fetch it anew.")
    return value


def _fill(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    check_fits(path, tensors, module.state_dict())
    module.load_state_dict(dict(tensors))


def _open_hub_base(family: Family) -> DualEncoder:
    hub = family.described("hub")
    id_, tower_id, text_id = (_text(hub, key, family) for key in ("id", "tower_id", "text_id"))
    revision = _text(hub, "revision", family) if hub.get("revision") else None
    model = open_hub_model(id_, revision=revision)
    if (tower_id, text_id) != (model.tower_id, _text_id(model)):
        raise CheckpointError(f"The weights of {id_} are not those that {family.path} records as base.")
    return replace(model, logit_scale=family.logit_scale("base"))


def _text_id(model: DualEncoder) -> str:
    return weights_id(model.text.state_dict(), {})


def _open_tuned(family: Family, base: DualEncoder, name: str) -> DualEncoder:
    tensors, path = family.weights(name), family.folder / name / WEIGHTS_FILE
    original = base.text.tunable()
    check_fits(path, tensors, original)
    if identical(original, tensors):
        raise CheckpointError(
            f"{path} holds the very parameters of base, so {name} was never tuned; tune it anew."
        )
    model = with_text(base, name, tensors, family.logit_scale(name))
    check_text(model, path)
    return model
