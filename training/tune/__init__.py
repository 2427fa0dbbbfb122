"""Tuning: losses, optimisers, devices, and the loops that make base, CON1, CON2 and CON3."""
