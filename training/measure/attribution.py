"""What each word and each attention head did, over the 99 prompts: `python -m training attribution`.

Writes two results files: `attribution.json`, the share of the cue in what the words did, by target and
method, since the paper does not name its own; and `heads.json` (see `training.measure.heads`).  Intervals are
drawn over prompts; the difference to base is taken prompt by prompt on the same draws.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from tqdm import tqdm

from negviz.common.files import file_sha256, write_json
from negviz.evaluation.cells import EvaluationError
from negviz.evaluation.prompts import PromptRow, read_prompts
from negviz.explain.attribution import METHODS, attribute
from negviz.films.collection import Collection, open_collection
from negviz.language.prompt import Prompt, read_prompt
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.retrieval.embeddings import film_embeddings
from negviz.retrieval.estimate import RESAMPLES
from negviz.retrieval.metrics import Counts, Floats, average, draw, interval
from negviz.retrieval.search import Vectors, search
from training.measure.evaluate import family_hashes
from training.measure.heads import measure_heads
from training.options import add_bootstrap_option, natural
from training.paths import EVALUATION, Paths, add_family_option, add_labels_option, again

PAPER: Final = {"before": 0.101, "after": 0.127, "source": "arXiv 2512.17121", "method": "not published"}
_TARGETS: Final[tuple[Literal["hits", "contrast"], ...]] = ("hits", "contrast")
_METHODS: Final = tuple(name for name, method in METHODS.items() if method.quick)
_K: Final = 10  # hits
Json = dict[str, Any]


@dataclass(frozen=True)
class CuedPrompt:
    """A prompt that rules its finding out with a cue."""

    row: PromptRow
    prompt: Prompt

    @property
    def even_share(self) -> float:
        return sum(word.is_cue for word in self.prompt.words) / len(self.prompt.words)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training attribution`."""
    add_family_option(parser)
    add = parser.add_argument
    add("--collection", default="openi", metavar="NAME|DIR", help="whose test films are the hits")
    add("--films", type=Path, metavar="DIR", help="its images, where their embeddings are not shipped")
    add_labels_option(parser)
    add("--prompts", type=Path, default=EVALUATION, metavar="FILE", help="CSV: prompt,finding,polarity,kind")
    add("--to", type=Path, metavar="DIR", help="folder of the two files (default: where results lie)")
    add_bootstrap_option(parser, RESAMPLES)
    add("--seed", type=natural, default=0, help="of the resamples (default: 0)")


def run(args: argparse.Namespace) -> int:
    """Measure and write both files.  Raises a `NegvizError` on bad input."""
    paths = Paths(args.family, args.collection, args.films)
    to = args.to or paths.results
    rows = read_prompts(args.prompts)
    films = open_collection(args.collection, films=args.films, labels=args.labels)
    shown = films.select("test") if any(film.split == "test" for film in films) else films
    models = load_models(args.family)
    about = {
        "data": {
            "collection": films.name,
            "collection_hash": films.hash,
            "films": len(shown),
            "prompts_hash": file_sha256(args.prompts),
            "family": family_hashes(args.family),
        },
        "bootstrap": {"resamples": args.bootstrap, "seed": args.seed},
        "versions": {name: version(name) for name in ("torch", "transformers", "numpy", "captum")},
        "command": again("attribution", args, prompts=EVALUATION, bootstrap=None, seed=None),
    }
    vectors = {name: film_embeddings(model, shown) for name, model in models.items()}
    options = {"times": args.bootstrap, "seed": args.seed}
    shares = measure_words(models, vectors, shown, rows, **options)
    write_json(to / "attribution.json", {**shares, **about})
    heads = measure_heads(models, vectors, shown, rows, **options)
    write_json(to / "heads.json", {**heads, **about})
    print(f"{to}: attribution.json and heads.json, {', '.join(models)}")
    return 0


def measure_words(
    models: Mapping[str, DualEncoder],
    vectors: Mapping[str, Vectors],
    films: Collection,
    rows: Sequence[PromptRow],
    *,
    times: int,
    seed: int,
) -> Json:
    """Cue shares of every model.  Raises `EvaluationError` where no prompt has a cue."""
    absent = [CuedPrompt(row, read_prompt(row.prompt)) for row in rows if row.polarity == "absent"]
    asked = [one for one in absent if any(word.is_cue for word in one.prompt.words)]
    if not asked:
        raise EvaluationError("No prompt rules a finding out with a cue; there is no share to measure.")
    kinds = {"all": np.arange(len(asked))} | {
        kind: np.array([i for i, one in enumerate(asked) if one.row.kind == kind], dtype=np.intp)
        for kind in dict.fromkeys(one.row.kind for one in asked)
    }
    shares = {name: _shares(model, vectors[name], films, asked) for name, model in models.items()}
    base = shares[next(iter(models))]
    draws = {kind: draw(len(inside), times=times, seed=seed) for kind, inside in kinds.items()}
    even = np.array([one.even_share for one in asked])
    return {
        "what": "share of the cue in what all words did, over prompts that rule a finding out with a cue",
        "paper": PAPER,
        "prompts": {"absent": len(absent), "with_a_cue": len(asked)},
        "even_share": {kind: float(even[inside].mean()) for kind, inside in kinds.items()},
        "models": {
            name: {
                target: {
                    method: {
                        kind: _cell(given[target, method], base[target, method], inside, draws[kind])
                        for kind, inside in kinds.items()
                    }
                    for method in _METHODS
                }
                for target in _TARGETS
            }
            for name, given in shares.items()
        },
    }


def _shares(
    model: DualEncoder, vectors: Vectors, films: Collection, asked: Sequence[CuedPrompt]
) -> dict[tuple[str, str], Floats]:
    """By target and method, [prompts]; nan where there is no opposite to contrast with."""
    keys = [(target, method) for target in _TARGETS for method in _METHODS]
    rows = []
    for one in tqdm(asked, desc=f"words, {model.name}", unit="prompt"):
        hits = search(model, films, one.prompt, _K, embeddings=vectors)
        shown = vectors[films.rows(films.by_id(hit.id) for hit in hits)]
        rows.append([_share(model, one.prompt, shown, target, method) for target, method in keys])
    return dict(zip(keys, np.array(rows).T, strict=True))


def _share(model: DualEncoder, prompt: Prompt, hits: Vectors, target: Any, method: Any) -> float:
    if target == "contrast" and prompt.opposite is None:
        return float("nan")
    share = attribute(model, prompt, target=target, method=method, hits=hits).cue_share
    return float("nan") if share is None else share


def _cell(shares: Floats, base: Floats, inside: Any, counts: Counts) -> Json:
    difference = shares - base
    return {
        "n": int((~np.isnan(shares[inside])).sum()),
        "cue_share": _number(average(shares[inside])),
        "cue_share_ci": interval(average(shares[inside], counts)),
        "minus_base": _number(average(difference[inside])),
        "minus_base_ci": interval(average(difference[inside], counts)),
    }


def _number(value: Floats) -> float | None:
    return None if np.isnan(value) else float(value)
