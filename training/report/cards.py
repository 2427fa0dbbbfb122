"""Model cards: what each model is, how it was made and how it fares, from its config.json and the results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from negviz.common.files import rewriting, write_atomically
from negviz.models.checkpoint import FAMILY_FILE, Family, read_family
from training.tune.optim import UNRECORDED
from training.tune.recipes import RECIPES

_WHAT: Final = {
    "base": "An image tower beside a text tower, trained on report sentences as written, negations included.",
    **{name: recipe.what for name, recipe in RECIPES.items()},
}
_CARD: Final = """---
license: other
license_name: {licence}
tags: [chest-x-ray, negation, retrieval]
---
# {family} · {name}

{what}

**Use.** Research and teaching about negation in image–text retrieval. Not for clinical use.{size}

**Made from.** {sources}

**Parameters.** {files}
{decay}
```json
{training}
```
{results}"""
_SIZE: Final = " It is small and was trained on a few thousand films."
_SOURCES: Final = (
    "Open-i (Indiana University; Demner-Fushman et al., JAMIA 2016; CC BY-NC-ND 4.0), NIH ChestX-ray14 "
    "`p_*` films (Wang et al., CVPR 2017), all-MiniLM-L6-v2 (Apache-2.0). See checkpoints/LICENSE."
)
_DECAYED: Final = """
**Weight decay.** It fell on all that was tuned, {few} among it, which it only distorts.
The next rebuild leaves these out; the weights here, and all figures about them, are from before.
"""
_RESULTS: Final = """
## Results

On the hand-confirmed Open-i test films, then on NIH films. P@10 is read beside chance and the ceiling.

<!-- results:openi -->
<!-- /results -->

<!-- results:nih -->
<!-- /results -->
"""


def write_cards(folder: Path) -> None:
    """Write every model's README.md; `training.report.command` fills the tables of the shipped family."""
    with rewriting(folder / FAMILY_FILE):  # nobody replaces a model meanwhile
        _write_cards(read_family(folder))


def _write_cards(family: Family) -> None:
    for name in family.columns:
        config = json.loads((family.folder / name / "config.json").read_text(encoding="utf-8"))
        entry = family.record["models"][name]
        facts = {**config["training"], **({"data": family.record["data"]} if name == "base" else {})}
        hub = family.record.get("hub")
        card = _CARD.format(
            licence="research-non-commercial" if hub is None else "that-of-its-base",
            family=family.record["family"],
            name=name,
            size=_SIZE if hub is None else "",
            what=_WHAT.get(name, "A tuned text tower."),
            sources=_SOURCES
            if hub is None
            else f"{hub['id']}, under its own licence: {family.record['licence']}.",
            files=f"`{entry['file']}`, {entry['bytes'] / 1e6:.1f} MB, SHA-256 `{entry['sha256']}`.",
            decay=_decayed(facts),
            training=json.dumps(_short(facts), indent=1),
            results=_RESULTS if hub is None else "",
        )
        write_atomically(family.folder / name / "README.md", card.encode())


def _decayed(training: Mapping[str, Any]) -> str:
    """What a reader must know of a model that was tuned with weight decay on all its parameters."""
    if "weight_decay" not in training or training.get("decay", UNRECORDED) == "matrices":
        return ""
    return _DECAYED.format(
        few="biases and norms" if training.get("method") == "con3" else "biases, norms and the logit scale"
    )


def _short(training: dict[str, Any]) -> dict[str, Any]:
    """Numbers rounded to what a reader can use; config.json has them in full."""
    return json.loads(json.dumps(training), parse_float=lambda text: float(f"{float(text):.6g}"))  # type: ignore[no-any-return]
