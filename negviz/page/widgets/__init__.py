"""Pieces that several panels show: a folder each, with its template, its style and its script."""
