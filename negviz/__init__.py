"""negviz: see which image–text models of chest radiographs understand "no".

    models = negviz.load_models("checkpoints/compact")  # dict[str, DualEncoder] in column order
    films = negviz.open_collection("openi")  # or a folder that holds manifest.csv
    prompt = negviz.read_prompt("No pleural effusion.")
    hits = negviz.search(models["con2"], films, prompt, k=10)

Nothing here imports gradio, and nothing writes but to a cache.
"""

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
    "Polarity",
    "Prompt",
    "Ranking",
    "Word",
    "attribute",
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
