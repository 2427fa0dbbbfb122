"""Builds what `checkpoints/` and `assets/` hold; see `python -m training --help`."""
