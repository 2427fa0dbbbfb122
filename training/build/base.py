"""The second step: the compact base, its embeddings of every collection, and how well it sees."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save
from tqdm import tqdm

from negviz.common.files import write_atomically, write_json
from negviz.common.tensor_files import CheckpointError
from negviz.films.collection import OPENI, Collection
from negviz.findings import FINDINGS
from negviz.models.encoder import DualEncoder, make_model
from negviz.models.family import load_models, open_hub_model, save_base
from negviz.models.hub_files import plain_id
from negviz.models.text_tower import CompactTextTower, open_text_tower
from negviz.retrieval.embeddings import Progress, film_embeddings, shipped_path, write_embeddings
from training.data.base import sides, training_data
from training.data.phantoms.draw import simulator_hash
from training.measure.probe import ProbeScores, measure
from training.paths import FilmsError, Paths, drop_replaced, told
from training.tune.base import BaseConfig, BaseRun, train_base, train_branch
from training.tune.devices import CPU, Compute
from training.tune.directions import HEADS_FILE

LICENCE: Final = "research and non-commercial: see checkpoints/LICENSE"


def build_base(paths: Paths, config: BaseConfig, *, hold_out: str, compute: Compute = CPU) -> None:
    """Train the compact base, write and embed it, and measure it on what it never saw."""
    tower, collection = open_text_tower(config.dim), paths.open_collection()
    data = training_data(paths, tower, simulated=config.simulated, hold_out=hold_out)
    run = train_base(data, config, work=paths.work, compute=compute)
    facts = {
        "config": config.describe(),
        "hold_out": hold_out,
        "films": run.films,
        "films_of": data.sources,
        "threads": torch.get_num_threads(),  # their number decides the order of sums
        "compute": compute.describe(),
    }
    hashes = {collection.name: collection.hash, "training": run.data_hash}
    hashes |= {"simulator": simulator_hash()} if config.simulated else {}
    save_base(paths.family, _assemble(run, tower), licence=LICENCE, data=hashes, training=facts)
    write_atomically(paths.family / "base" / HEADS_FILE, save(_finding_heads(run)))
    embed_films(paths, compute)
    _measure(paths, run, hold_out, facts)


def build_branch(
    paths: Paths, config: BaseConfig, number: int, *, hold_out: str, compute: Compute = CPU
) -> None:
    """Train one of the base's networks and keep its state, for `build_base` to find.

    Several can be trained side by side, each by a process of its own.
    """
    if not 0 <= number < config.branches:
        raise FilmsError(f"The base has branches 0 to {config.branches - 1}, not {number}.")
    data = training_data(paths, open_text_tower(config.dim), simulated=config.simulated, hold_out=hold_out)
    train_branch(data, config, number, work=paths.work, compute=compute)


def _assemble(run: BaseRun, tower: CompactTextTower) -> DualEncoder:
    with torch.no_grad():
        tower.projection.weight.copy_(run.projection)
    return make_model(tower, run.tower, logit_scale=run.logit_scale)


def _finding_heads(run: BaseRun) -> dict[str, torch.Tensor]:
    """The classifiers' part for our findings, a branch a row.

    `directions` [branches, findings, dim / branches], `bias` [branches, findings], `scale` [branches].
    """
    count = len(FINDINGS)
    kept: dict[str, list[torch.Tensor]] = {
        "directions": [heads.directions[:count] for heads in run.heads],
        "bias": [heads.bias[:count] for heads in run.heads],
        "scale": [heads.scale for heads in run.heads],
    }
    return {name: torch.stack(values).detach() for name, values in kept.items()}


def start_hub_family(paths: Paths, base: str, compute: Compute = CPU, licence: str | None = None) -> None:
    """Start a family from a CLIP, SigLIP or VisionTextDualEncoder model, by Hub id or folder.

    A family that this very base has started already is kept as it is, with its tuned models.
    """
    if not _started(paths, base := _lasting(base)):
        under = licence or f"that of {told(base)}, which was not named"
        save_base(paths.family, open_hub_model(base), licence=under, data={}, training={"base": told(base)})
    embed_films(paths, compute)


def _lasting(base: str) -> str:
    """A folder by its whole path, so that the family opens from wherever it is asked for."""
    return str(Path(base).resolve()) if Path(base).is_dir() else plain_id(base)


def _started(paths: Paths, base: str) -> bool:
    try:
        models = load_models(paths.family)
    except CheckpointError:
        return False
    return (models["base"].source or {}).get("id") == base


def embed_films(paths: Paths, compute: Compute = CPU) -> None:
    """Embed the films that are at hand with the model as written, and ship that with the shipped family."""
    model = load_models(paths.family)["base"]
    encode, evaluated = compute.encode_images(model), paths.shipped or paths.collection == OPENI
    phantoms = paths.open_phantoms() if evaluated else None
    for collection in filter(None, (paths.open_collection(), paths.open_nih(), phantoms)):
        with tqdm(total=len(collection), desc=f"embedding {collection.name}", unit="film") as bar:
            vectors = film_embeddings(model, collection, progress=_shown_on(bar), encode=encode)
        if paths.shipped:
            path = shipped_path(model.tower_id, collection.name)
            write_embeddings(path, collection, vectors)
            drop_replaced(path)


def _shown_on(bar: tqdm[Any]) -> Progress:
    def show(done: int, films: int) -> None:
        bar.total = films  # those that are not cached
        bar.update(done - bar.n)

    return show


def _measure(paths: Paths, run: BaseRun, hold_out: str, facts: Mapping[str, Any]) -> None:
    base, films = load_models(paths.family)["base"], paths.open_collection()
    trained, held_out = sides(films, hold_out)
    scores = _scores(base, run, films)
    results = {
        "held-out studies": measure(scores, held_out, trained),
        "test films": measure(scores, films.select("test"), trained),
    }
    if (nih := paths.open_nih()) is not None:
        results["NIH e_*"] = measure(_scores(base, run, nih), nih, nih.where(lambda _: False))
    write_json(
        paths.results / "base.json",
        {
            "what": "AUROC of base's image tower by finding: its own classifier, and a probe on embeddings",
            "sets": results,
            "training": dict(facts),
            "data": {films.name: films.hash, "tower_id": base.tower_id},
            "command": "python -m training base --films DIR --nih DIR",
        },
    )


def _scores(base: DualEncoder, run: BaseRun, collection: Collection) -> ProbeScores:
    vectors = film_embeddings(base, collection)
    logits = run.labels(torch.from_numpy(vectors))[:, : len(FINDINGS)].numpy()
    return ProbeScores(collection, vectors, logits)
