"""Simulated films: the shipped collection, and films to learn from."""
