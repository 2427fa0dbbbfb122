"""Which simulated films are made: seeds that never meet, findings a reader could see, and one hash of it all.

The shipped collection and the films that models learn from take their seeds from two ranges, so that no
chest is in both.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from negviz import phantoms
from negviz.findings import ABNORMAL
from negviz.phantoms import Severity

SHIPPED: Final = range(10_000, 100_000)  # seeds of assets/phantoms
TRAINING: Final = range(100_000, 1_000_000)  # seeds of the films that models learn from
LEAST: Final[Mapping[str, float]] = {  # the mildest severity at which a finding is sure to be seen
    **dict.fromkeys(ABNORMAL, 0.3),
    "cardiomegaly": 0.35,
    "nodule": 0.4,
    "effusion": 0.15,
    "fracture": 0.5,
}
_NORMAL: Final = 0.3  # share of training films
_ODDS: Final[Mapping[str, float]] = {  # of each finding, in the others
    **dict.fromkeys(ABNORMAL, 0.12),
    "effusion": 0.28,
    "cardiomegaly": 0.28,
}
Wish = Mapping[str, Severity]


def draw_severity(random: np.random.Generator, finding: str) -> float:
    """A severity that can be seen, in hundredths."""
    return round(float(random.uniform(LEAST[finding], 1.0)), 2)


def training_wish(seed: int) -> Wish:
    """What the training film of a seed shows; the simulator draws the sides.

    Findings come independently of each other, at least one in every film that is not normal.
    """
    random = np.random.default_rng(seed)
    names: list[str] = []
    if random.uniform() >= _NORMAL:
        while not names:
            names = [name for name in ABNORMAL if random.uniform() < _ODDS[name]]
    return {name: Severity(draw_severity(random, name)) for name in names}


def simulator_hash() -> str:
    """SHA-256 of the simulator's code, comments, docstrings and layout aside."""
    return code_hash(sorted(Path(phantoms.__file__).parent.glob("*.py")))


def code_hash(modules: Iterable[Path]) -> str:
    """The same of any modules."""
    digest = hashlib.sha256()
    for path in modules:
        digest.update(f"{path.name}\n{_code(path.read_text(encoding='utf-8'))}\n".encode())
    return digest.hexdigest()


def _code(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body[:1] = [ast.Pass()]
    return ast.unparse(tree)
