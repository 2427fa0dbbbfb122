"""The gradio page: the only part of negviz that imports gradio, and a part that computes nothing.

room = Room(models, search_sets(models, collection), Pictures(collection))
serve(build_page(room), room, port=7860)
"""

from __future__ import annotations

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # gradio reads it when it is imported

from negviz.page.build import build_page
from negviz.page.pictures import Pictures
from negviz.page.room import Room
from negviz.page.serve import ServeError, serve

__all__ = ["Pictures", "Room", "ServeError", "build_page", "serve"]
