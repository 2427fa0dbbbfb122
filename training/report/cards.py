"""Model cards: what each model is, how it was made and how it fares, from its config.json and the results.

What they say stands in `model_card_template.md`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from huggingface_hub import ModelCard, ModelCardData

from negviz.common.files import rewriting, write_atomically
from negviz.models.checkpoint import FAMILY_FILE, Family, read_family, read_training
from training.paths import told
from training.tune.optim import UNRECORDED
from training.tune.recipes import RECIPES

_TEMPLATE: Final = Path(__file__).with_name("model_card_template.md")
_WHAT: Final = {
    "base": "An image tower beside a text tower, trained on report sentences as written, negations included.",
    **{name: recipe.what for name, recipe in RECIPES.items()},
}


def write_cards(folder: Path) -> None:
    """Write every model's README.md; `training.report.command` fills the tables of the shipped family."""
    with rewriting(folder / FAMILY_FILE):  # nobody replaces a model meanwhile
        family = read_family(folder)
        for name in family.columns:
            write_atomically(family.folder / name / "README.md", str(_card(family, name)).encode())


def _card(family: Family, name: str) -> ModelCard:
    facts = read_training(family.folder, name)
    facts |= {"data": family.record["data"]} if name == "base" else {}
    hub = family.record.get("hub")
    hub = hub and {**hub, "id": told(hub["id"])}
    card: ModelCard = ModelCard.from_template(
        ModelCardData(
            license="other",
            license_name="that-of-its-base" if hub else "research-non-commercial",
            tags=["chest-x-ray", "negation", "retrieval"],
        ),
        template_path=str(_TEMPLATE),
        family=family.record["family"],
        name=name,
        what=_WHAT.get(name, "A tuned text tower."),
        hub=hub,
        licence=family.record.get("licence"),
        weights=family.record["models"][name],
        decayed=_decayed(facts),
        training=json.dumps(_short(facts), indent=1),
    )
    return card


def _decayed(training: Mapping[str, Any]) -> str:
    """What weight decay fell on beside matrices, if it fell on all parameters."""
    if "weight_decay" not in training or training.get("decay", UNRECORDED) == "matrices":
        return ""
    recipe = RECIPES.get(training.get("method", ""))
    of_captions = recipe is not None and recipe.learns_from == "captions"  # their logit scale is base's
    return "biases and norms" if of_captions else "biases, norms and the logit scale"


def _short(training: dict[str, Any]) -> dict[str, Any]:
    """Numbers rounded to what a reader can use; config.json has them in full."""
    return json.loads(json.dumps(training), parse_float=lambda text: float(f"{float(text):.6g}"))  # type: ignore[no-any-return]
