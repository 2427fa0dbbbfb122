"""A sentence in, a column of films a model out."""
