"""The panel of own films."""
