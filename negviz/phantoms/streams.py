"""Random numbers by name: each attribute of a chest draws from a stream of its own.

A film and its counterfactual differ in one finding only because no attribute's draws depend on how
many numbers another attribute took.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator that belongs to one attribute of one chest."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))


def uniform(seed: int, name: str, low: float, high: float) -> float:
    """One number between `low` and `high`."""
    return float(stream(seed, name).uniform(low, high))


def normal(seed: int, name: str, mean: float, spread: float) -> float:
    """One number around `mean`, never further than two and a half spreads from it."""
    return mean + spread * float(np.clip(stream(seed, name).standard_normal(), -2.5, 2.5))


def chance(seed: int, name: str, probability: float) -> bool:
    """Whether something that happens with this probability happens here."""
    return bool(stream(seed, name).uniform() < probability)
