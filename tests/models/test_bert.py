"""Our BERT beside that of transformers: the same states from the same weights, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from negviz.common.tensor_files import CheckpointError
from negviz.models.text_tower import CompactTextTower, open_text_tower
from tests.tiny import tiny_text_tower, transformers_bert

TEXTS = ["no effusion", "there is no pleural effusion on the left", "effusion"]


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> CompactTextTower:
    folder = tmp_path_factory.mktemp("family")
    return open_text_tower(8, sha256=tiny_text_tower(folder / "text_tower"), family=folder)


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1]], ids=["padded", "alone"])
def test_every_state_is_that_of_transformers(tower: CompactTextTower, texts: list[str]) -> None:
    tokens = tower.tokenize(texts)
    with torch.inference_mode():
        theirs = transformers_bert(tower)(**tokens, output_hidden_states=True).hidden_states
        ours = tower.encoder.states(tower.embed_words(tokens["input_ids"]), tokens["attention_mask"])
    real = tokens["attention_mask"].bool()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one[real], other[real], atol=1e-6, rtol=0)


def test_what_it_learns_is_what_transformers_learns(tower: CompactTextTower) -> None:
    tokens, theirs, ours = tower.tokenize(TEXTS), transformers_bert(tower), tower.private_copy().encoder
    real = tokens["attention_mask"].bool()
    theirs(**tokens).last_hidden_state[real].square().sum().backward()
    words = ours.embeddings.word_embeddings(tokens["input_ids"])
    ours(words, tokens["attention_mask"])[real].square().sum().backward()
    wanted = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        assert parameter.grad is not None, name
        torch.testing.assert_close(parameter.grad, wanted[name].grad, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "value"), [("model_type", "roberta"), ("hidden_act", "relu"), ("num_hidden_layers", None)]
)
def test_another_encoder_is_refused_in_a_sentence(tmp_path: Path, name: str, value: str | None) -> None:
    sha256 = tiny_text_tower(tmp_path / "text_tower")
    path = tmp_path / "text_tower" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, name: value}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="cannot be opened"):
        open_text_tower(8, sha256=sha256, family=tmp_path)
