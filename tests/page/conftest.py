"""What tests of several panels share."""

from __future__ import annotations

import pytest

from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.page.pictures import Pictures
from negviz.page.room import Room
from negviz.retrieval.answer import search_sets


@pytest.fixture
def room(models: dict[str, DualEncoder], collection: Collection) -> Room:
    return Room(models, search_sets(models, collection), Pictures(collection))
