"""Weights from a pickle to safetensors, once and by hand: `python -m training convert FILE --to DIR`.

negviz opens safetensors only.  This is the one place where a pickle is read, with `weights_only`: tensors and
plain containers, and no code.  What describes the model is copied along from beside the file.
"""

from __future__ import annotations

import argparse
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 - what torch raises of a pickle that it refuses
from typing import Any, Final

import torch
from safetensors.torch import save
from torch import Tensor

from negviz.common.errors import NegvizError
from negviz.common.files import write_atomically
from negviz.models.hub_files import OPENCLIP_CONFIG

_INSIDE: Final = ("state_dict", "model_state_dict", "model")  # where training programs keep it
_PREFIX: Final = "module."  # of models that several processes trained
_BESIDE: Final = ("*.json", "*.txt", "*.model")


class ConvertError(NegvizError):
    """A file of weights that cannot be converted; the message is one sentence that says what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training convert`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a state dict: .pt, .pth, .bin or .ckpt")
    where = "folder to write safetensors to, beside copies of the configuration and tokenizer of FILE"
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help=where)


def run(args: argparse.Namespace) -> int:
    """Convert as `add_arguments` says.  Raises `ConvertError`."""
    state = _state(args.file)
    described = [path for pattern in _BESIDE for path in sorted(args.file.parent.glob(pattern))]
    names = {path.name for path in described}
    if not names & {OPENCLIP_CONFIG, "config.json"}:
        raise ConvertError(
            f"Neither {OPENCLIP_CONFIG} nor config.json lies beside {args.file}, so nothing says what model "
            "its weights are of; fetch or write one, and the tokenizer's files."
        )
    name = "open_clip_model.safetensors" if OPENCLIP_CONFIG in names else "model.safetensors"
    args.to.mkdir(parents=True, exist_ok=True)
    for path in described:
        if path.resolve().parent != args.to.resolve():
            shutil.copyfile(path, args.to / path.name)
    write_atomically(args.to / name, save(state))
    print(f"{args.to / name}: {len(state)} weights; open it with --base {args.to}")
    return 0


def _state(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ConvertError(f"{path} is no file; give a file of weights.")
    if zipfile.is_zipfile(path) and _is_script(path):
        raise ConvertError(
            f"{path} is a TorchScript archive, a program and not only weights, and negviz runs no code of "
            "models; save its state_dict() where it came from."
        )
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251 - by hand, without code
    except (UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise ConvertError(
            f"{path} holds more than weights, or is damaged, and is not opened; save its state_dict() where "
            "it came from."
        ) from error
    tensors = {
        key.removeprefix(_PREFIX): value.detach().contiguous().clone()
        for key, value in _inside(found).items()
        if isinstance(value, Tensor)
    }
    if not tensors:
        raise ConvertError(f"{path} holds no weights by name; give a file that a state_dict() was saved to.")
    return tensors


def _is_script(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name or name.endswith("/constants.pkl") for name in archive.namelist())


def _inside(found: Any) -> Mapping[str, Any]:
    """The state dict itself, or the one in what a training program saved."""
    if not isinstance(found, Mapping):
        return {}
    inner = next((found[name] for name in _INSIDE if isinstance(found.get(name), Mapping)), found)
    return {str(key): value for key, value in inner.items()}
