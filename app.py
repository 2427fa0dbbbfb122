"""What a Hugging Face Space runs: the page, as `negviz.page.launch` opens and serves it."""

from __future__ import annotations

import gc

gc.disable()  # what is imported stays: looking for garbage among it would take a fifth of the start

from negviz.page.launch import main

gc.freeze()
gc.enable()

__all__ = ["main"]

if __name__ == "__main__":
    main()
