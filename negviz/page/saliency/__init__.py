"""The film panel."""
