"""Which films may be asked about, and which models have not been tuned on them.

The films, listed before any model was measured on them:

- `openi`: the 70 test films, chosen for effusion; four findings have five films of either kind there.
- `openi-held-out`: these and the films of the fold that was kept from base's image tower, for the other
  findings.  The shipped text towers were tuned on that fold, so its models are tuned again without it, with
  their own settings (`training.measure.retuned`).  The settings were chosen by cross-validation over all five
  folds: a few numbers have seen these films, no weight has.
- `nih`: all of the other hospital's; labelled for effusion and for nothing else.
- `phantoms`: all simulated films, of seeds that no model learned from; every finding has fifty or more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tqdm import tqdm

from negviz.films.collection import Collection, open_collection
from negviz.models.checkpoint import read_training
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.retrieval.embeddings import shipped_path
from training.measure.retuned import Retuned
from training.paths import Paths

HELD_OUT: Final = "held-out"


@dataclass(frozen=True)
class Bench:
    """Films to ask about, and the models that have not been tuned on them."""

    name: str
    films: Collection  # those that are ranked
    collection: Collection  # they and those that a probe is fitted on
    fitted: Collection  # which may be none
    models: Mapping[str, DualEncoder]
    tuned_again: bool = False


def benches(paths: Paths) -> Iterator[Bench]:
    """The collections, as listed above; those that are not at hand for this family are left out."""
    models, films = load_models(paths.family), paths.open_collection()
    fold, tests = held_out_fold(paths.family), films.select("test")
    fitted = films.where(lambda film: film.split == "train" and film.fold != fold)
    if len(tests):
        yield Bench(films.name, tests, films, fitted, models)
    if fold and (found := held_out(paths, films, models, fold)) is not None:
        yield found
    tower_id = models["base"].tower_id
    if paths.collection != "openi":
        return
    if paths.nih is not None or shipped_path(tower_id, "nih").is_file():
        nih = open_collection("nih", films=paths.images_of("nih"))
        yield Bench("nih", nih, nih, nih.where(lambda _: False), models)
    if (phantoms := paths.open_phantoms()) is not None:
        yield Bench("phantoms", phantoms, phantoms, phantoms.where(lambda _: False), models)


def held_out(paths: Paths, films: Collection, models: Mapping[str, DualEncoder], fold: str) -> Bench | None:
    """Test films and the fold kept out, before models that were tuned again without it."""
    retuned, kept = Retuned(paths, fold), films.where(lambda film: film.split == "test" or film.fold == fold)
    known = [name for name in models if retuned.knows(name)]
    if not len(kept):
        return None
    bar = tqdm(known, desc="tuned again", unit="model", leave=False)
    return Bench(
        f"{films.name}-{HELD_OUT}", kept, films, retuned.trained, {n: retuned.tuned(n) for n in bar}, True
    )


def held_out_fold(family: Path) -> str:
    """The fold that base's image tower was kept from; "" where it was kept from none.

    A Hub model has seen no fold, so any will do.
    """
    fold = str(read_training(family, "base").get("hold_out", "0"))
    return "" if fold == "none" else fold
