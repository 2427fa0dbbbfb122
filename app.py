"""What a Hugging Face Space runs: the page, as `negviz.page.launch` opens and serves it."""

from negviz.page.start import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
