"""The files of a model in the Hub's format: where they come from, and whether they can be opened at all.

What the Hub and transformers say of a model that cannot be had runs over many lines, and some of it asks
for code to be run.  Here it is one sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from negviz.common.read_files import read_json
from negviz.common.tensor_files import CheckpointError

_WANTED: Final = ["*.json", "*.safetensors", "*.txt", "*.model"]  # no pickles, no code
_UNWANTED: Final = ["*/*", "open_clip*"]  # copies in other formats
_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def fetch(id_or_folder: str, revision: str | None = None) -> tuple[Path, str]:
    """The folder the files lie in and the commit it is, "" for a folder; only here is the network used.

    Raises `CheckpointError`.
    """
    if Path(id_or_folder).is_dir():
        return Path(id_or_folder), ""
    try:
        found = snapshot_download(
            id_or_folder, revision=revision, allow_patterns=_WANTED, ignore_patterns=_UNWANTED
        )
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{id_or_folder} {_why_not(error, revision)}") from error
    return Path(found), Path(found).name


def _why_not(error: Exception, revision: str | None) -> str:
    nowhere = "is neither a folder nor a model that the Hub, or its cache, can give"
    if isinstance(error, GatedRepoError):
        return "is gated: accept its terms on its page at huggingface.co, then run `hf auth login`."
    if isinstance(error, RevisionNotFoundError):
        return f"has no revision {revision!r} on the Hub."
    if isinstance(error, RepositoryNotFoundError):
        return f"{nowhere}: the Hub knows no such model; if it is private, run `hf auth login` first."
    if isinstance(error, HFValidationError):
        return f"{nowhere}: ids look like `openai/clip-vit-base-patch16`."
    if isinstance(error, LocalEntryNotFoundError):
        return (
            f"{nowhere}: it is not in the cache, and the Hub cannot be reached; go online once, or give the "
            "folder that `hf download` fills."
        )
    return f"{nowhere}: {_first_line(error)}"


def check_files(id_or_folder: str, folder: Path, known: Collection[str]) -> None:
    """Refuse what transformers would fail on, or would run code for.  Raises `CheckpointError`.

    `known` are the model types that can be opened.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{id_or_folder} holds no config.json, so it is no model in the Hub's format.")
    config = read_json(path, CheckpointError)
    kind, code = config.get("model_type"), "auto_map" in config
    if kind not in known:
        own = ", which brings code of its own that negviz never runs" if code else ""
        raise CheckpointError(f"{id_or_folder} is of type {kind!r}{own}; negviz opens {', '.join(known)}.")
    if not any(folder.glob("*.safetensors")):
        pickled = any(path for pattern in _PICKLES for path in folder.glob(pattern))
        instead = " but pickles, which negviz never opens: save it with `save_pretrained`" if pickled else ""
        raise CheckpointError(
            f"{id_or_folder} cannot be opened as a dual encoder: it holds no weights as safetensors{instead}."
        )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


__all__ = ["check_files", "fetch"]
