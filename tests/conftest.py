"""Fixtures every test may use; nothing here or below touches the network or the user's cache."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before transformers is imported
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Before numpy is imported, for it and for what the tests start: where others work too, a second thread of
# OpenBLAS waits for the first ten times as long as the sum takes, and works at it meanwhile.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path

import pytest
import torch

from negviz.films.collection import Collection, open_collection
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from tests.tiny import tiny_collection, tiny_family

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEGVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("NEGVIZ_TEXT_TOWER", raising=False)


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A family of base, con1 and con2 on disk; do not change it."""
    return tiny_family(tmp_path_factory.mktemp("family") / "tiny")


@pytest.fixture(scope="session")
def collection_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection of 24 drawn films on disk; do not change it."""
    return tiny_collection(tmp_path_factory.mktemp("collection") / "drawn")


@pytest.fixture(scope="session")
def models(family_folder: Path) -> dict[str, DualEncoder]:
    return load_models(family_folder)


@pytest.fixture
def collection(collection_folder: Path) -> Collection:
    return open_collection(collection_folder)
