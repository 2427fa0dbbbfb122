"""Rivals that need no training, set up and measured beside the models that were tuned."""
