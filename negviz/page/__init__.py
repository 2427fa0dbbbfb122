"""The gradio page: the only part of negviz that imports gradio, and a part that computes nothing.

room = Room(models, search_sets(models, collection), Pictures(collection))
serve(build_page(room), room, port=7860)
"""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # gradio reads it when it is imported
