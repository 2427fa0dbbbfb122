"""The dial panel."""
