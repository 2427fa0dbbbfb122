"""A sentence read by the rules and by a family's second reader, from the states of its own text tower.

The second reader is one file beside `family.json`, which tells in its metadata how it came to be, which text
tower it reads, and the hash of its weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from negviz.common.files import write_atomically
from negviz.common.read_files import read_bytes
from negviz.common.tensor_files import CheckpointError, in_half_precision
from negviz.language.prompt import Prompt, read_prompt
from negviz.language.second_reader import Floats, SecondReader, agree, spelt
from negviz.models.text_tower import MAX_TOKENS, CompactTextTower

FILE: Final = "second_reader.safetensors"
MOST: Final = 2_000_000  # bytes
_HEADER: Final = 8  # bytes that hold the length of the header


@dataclass(frozen=True, eq=False)
class TwoReaders:
    """What `read_prompt` is, where somebody else reads along."""

    tower: CompactTextTower  # base's: tuned ones see words otherwise
    second: SecondReader

    def __call__(self, text: str) -> Prompt:
        """The prompt that the rules read; not sure where the second reader differs."""
        prompt = read_prompt(text)
        told = self.probabilities(prompt.text)
        return prompt if told is None else agree(prompt, told, self.second.doubt)

    def probabilities(self, text: str) -> Floats | None:
        """As `SecondReader.read`; None for a text that is longer than the tower takes."""
        tokens = self.tower.tokenize([spelt(text)])
        if tokens["input_ids"].shape[1] >= MAX_TOKENS:
            return None
        with torch.inference_mode():
            states = self.tower.states(tokens["input_ids"], tokens["attention_mask"], self.second.layers)
        return self.second.read(states[0].float().numpy())


def open_two_readers(folder: Path, tower: CompactTextTower) -> TwoReaders | None:
    """A family's two readers; None where it has no second one.  Raises `CheckpointError`."""
    path = folder / FILE
    if not path.is_file():
        return None
    content = read_bytes(path, CheckpointError, most=MOST)
    anew = f"build it anew with: python -m training second-reader --family {folder}"
    try:
        weights = load(content)
        length = int.from_bytes(content[:_HEADER], "little")
        metadata = json.loads(content[_HEADER : _HEADER + length]).get("__metadata__", {})
        settings = json.loads(metadata["settings"])
        second = SecondReader.of({name: value.numpy() for name, value in weights.items()}, settings)
    except (SafetensorError, KeyError, TypeError, ValueError, IndexError) as error:
        raise CheckpointError(f"{path} is not a second reader that this version reads; {anew}.") from error
    if metadata.get("weights") != _sha256(weights):
        raise CheckpointError(f"{path} does not hold the weights that it was written with; fetch it anew.")
    if settings.get("text_tower") != tower.identity["sha256"]:
        raise CheckpointError(f"{path} reads another text tower than this family's; {anew}.")
    return TwoReaders(tower, second)


def write_second_reader(
    folder: Path, weights: Mapping[str, Tensor], settings: Mapping[str, Any], tower: CompactTextTower
) -> int:
    """Give a family its second reader, in half precision; how many bytes it takes.

    `settings` is JSON: what `SecondReader.of` needs beside the weights, and how they came to be.
    """
    halved = in_half_precision(weights)
    told = json.dumps({**settings, "text_tower": tower.identity["sha256"]}, sort_keys=True)
    content = save(halved, {"settings": told, "weights": _sha256(halved)})
    if len(content) > MOST:
        raise CheckpointError(f"A second reader may take {MOST} bytes, not {len(content)}; make it narrower.")
    write_atomically(folder / FILE, content)
    return len(content)


def _sha256(weights: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        digest.update(f"{name} {value.dtype} {list(value.shape)}".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()
