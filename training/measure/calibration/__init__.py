"""Calibrated probabilities that a film satisfies a sentence, and when to abstain."""
