"""The files of a model in the Hub's format: where they come from, and whether they can be opened at all.

What the Hub and transformers say of a model that cannot be had runs over many lines, and some of it asks
for code to be run.  Here it is one sentence that says what to do.
"""

from __future__ import annotations

import re
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
OPENCLIP_CONFIG: Final = "open_clip_config.json"
_UNWANTED: Final = ["*/*", "open_clip*.safetensors"]  # copies in other formats
_OWN_CODE: Final = {  # what is built by code of its own, by a word of its name
    "biovil": "BioViL and BioViL-T are built by the package hi-ml-multimodal, not by transformers",
    "rad-dino": "RAD-DINO is an image tower alone, without a text tower to ask",
    "gloria": "GLoRIA is built by its own code around a ResNet and attention over its regions",
    "carzero": "CARZero is built by its own code and compares every pair of film and sentence by attention",
    "medclip": "MedCLIP is built by its own package around a Swin Transformer",
}
_ADDRESS: Final = re.compile(r"(?:https?://(?:www\.)?(?:huggingface\.co|hf\.co)/|hf-hub:|hf:)")
_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def plain_id(id_or_address: str) -> str:
    """The id of a model that is named by its page on the Hub, or as OpenCLIP names it; a folder as it is."""
    found = _ADDRESS.match(id_or_address)
    if found is None or Path(id_or_address).is_dir():
        return id_or_address
    return "/".join(id_or_address[found.end() :].strip("/").split("/")[:2])


def is_openclip(folder: Path, known: Collection[str]) -> bool:
    """Whether a folder is to be opened as OpenCLIP's: where both formats are there, transformers' is."""
    return (folder / OPENCLIP_CONFIG).is_file() and not _is_of_transformers(folder, known)


def _is_of_transformers(folder: Path, known: Collection[str]) -> bool:
    path = folder / "config.json"
    weights = [file for file in folder.glob("*.safetensors") if not file.name.startswith("open_clip")]
    return bool(weights) and path.is_file() and read_json(path, CheckpointError).get("model_type") in known


def fetch(id_or_folder: str, revision: str | None = None) -> tuple[Path, str]:
    """The folder the files lie in and the commit it is, "" for a folder; only here is the network used.

    Raises `CheckpointError`.
    """
    if Path(id_or_folder).is_dir():
        return Path(id_or_folder), ""
    try:
        found = Path(
            snapshot_download(
                id_or_folder, revision=revision, allow_patterns=_WANTED, ignore_patterns=_UNWANTED
            )
        )
        if (found / OPENCLIP_CONFIG).is_file() and not any(found.glob("*.safetensors")):
            snapshot_download(id_or_folder, revision=found.name, allow_patterns=["open_clip*.safetensors"])
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{id_or_folder} {_why_not(error, revision)}") from error
    return found, found.name


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
    return f"{nowhere}: {first_line(error)}"


def check_files(id_or_folder: str, folder: Path, known: Collection[str]) -> None:
    """Refuse what transformers would fail on, or would run code for.  Raises `CheckpointError`.

    `known` are the model types that can be opened.
    """
    for word, why in _OWN_CODE.items():
        if word in Path(id_or_folder).name.lower():
            raise CheckpointError(f"{id_or_folder} cannot be opened: {why}.")
    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(
            f"{id_or_folder} holds neither config.json nor {OPENCLIP_CONFIG}, so it is no model in the Hub's "
            "format or OpenCLIP's."
        )
    config = read_json(path, CheckpointError)
    kind, code = config.get("model_type"), "auto_map" in config
    if kind not in known:
        own = ", which brings code of its own that negviz never runs" if code else ""
        raise CheckpointError(f"{id_or_folder} is of type {kind!r}{own}; negviz opens {', '.join(known)}.")
    if not any(folder.glob("*.safetensors")):
        pickled = any(path for pattern in _PICKLES for path in folder.glob(pattern))
        how = ": run `python -m training convert FILE --to DIR`"
        instead = f" but pickles, which negviz never opens{how}" if pickled else ""
        raise CheckpointError(
            f"{id_or_folder} cannot be opened as a dual encoder: it holds no weights as safetensors{instead}."
        )


def first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


__all__ = ["OPENCLIP_CONFIG", "check_files", "fetch", "first_line", "is_openclip", "plain_id"]
