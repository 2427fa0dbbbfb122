"""negviz: see which image–text models of chest radiographs understand "no".

    models = negviz.load_models("checkpoints/compact")  # dict[str, DualEncoder] in column order
    films = negviz.open_collection("openi")  # or a folder that holds manifest.csv
    prompt = negviz.read_prompt("No pleural effusion.")
    hits = negviz.search(models["con2"], films, prompt, k=10)
    table = negviz.evaluate(models, films, ["No pleural effusion.", "Large right effusion."])

Nothing here imports gradio, and nothing writes but to a cache.
"""

from typing import TYPE_CHECKING

from negviz.common.errors import NegvizError
from negviz.common.tensor_files import CheckpointError
from negviz.explain.attribution import Attribution, AttributionError, attribute
from negviz.films.collection import Collection, CollectionError, Film, judge, open_collection
from negviz.findings import FINDINGS, Polarity
from negviz.language.prompt import Cue, Mention, Prompt, Word, read_mentions, read_prompt
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models, open_hub_model
from negviz.models.training_free import load_rivals
from negviz.retrieval.embeddings import EmbeddingsError, film_embeddings
from negviz.retrieval.search import Hit, Ranking, rank, search

if TYPE_CHECKING:
    from negviz.evaluation.tables import Table, diagnose, evaluate
else:

    def __getattr__(name: str) -> object:
        """What measures brings scikit-learn along, so it is imported when it is first asked for."""
        if name not in ("Table", "diagnose", "evaluate"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from negviz.evaluation import tables

        return getattr(tables, name)


__all__ = [
    "FINDINGS",
    "Attribution",
    "AttributionError",
    "CheckpointError",
    "Collection",
    "CollectionError",
    "Cue",
    "DualEncoder",
    "EmbeddingsError",
    "Film",
    "Hit",
    "Mention",
    "NegvizError",
    "Polarity",
    "Prompt",
    "Ranking",
    "Table",
    "Word",
    "attribute",
    "diagnose",
    "evaluate",
    "film_embeddings",
    "judge",
    "load_models",
    "load_rivals",
    "open_collection",
    "open_hub_model",
    "rank",
    "read_mentions",
    "read_prompt",
    "search",
]
