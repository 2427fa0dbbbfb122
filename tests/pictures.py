"""What a picture of results shows, read from the figure that it is saved from."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from training.report.figure import style


def figure(draw: Callable[..., str], *given: Any) -> Figure:
    """What a picture was saved from."""
    with style():
        made = inspect.unwrap(draw)(*given)
    assert isinstance(made, Figure)
    return made


def marks(made: Figure) -> list[tuple[str, float, float]]:
    """Shape and place of every mark."""
    return [
        (str(line.get_marker()), x, y)
        for axes in made.axes
        for line in axes.lines
        if line.get_marker() != "None"
        for x, y in np.asarray(line.get_xydata()).tolist()
    ]
