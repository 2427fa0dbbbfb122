"""The gradio page: the only part of negviz that imports gradio, and a part that computes nothing.

pictures = Pictures(collection)
page = build_page(models, search_sets(models, collection), pictures)
serve(page, pictures, port=7860)
"""

from __future__ import annotations

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # gradio reads it when it is imported

from negviz.page.build import build_page
from negviz.page.pictures import Pictures
from negviz.page.serve import ServeError, serve

__all__ = ["Pictures", "ServeError", "build_page", "serve"]
