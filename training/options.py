"""Numbers given on the command line: what is none, or out of bounds, is said before anything is begun."""

from __future__ import annotations

import argparse
import math
from typing import Final

_MOST: Final = 2**32 - 1  # what every library takes for a seed


def rate(text: str) -> float:
    """A learning rate."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no learning rate; give a number above 0, at most 1")
    return number


def count(text: str) -> int:
    """A number of things of which at least one is needed."""
    return _whole(text, least=1)


def natural(text: str) -> int:
    """A seed, or a number of things that may be none."""
    return _whole(text, least=0)


def _whole(text: str, *, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not least <= number <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {_MOST}")
    return number


def add_bootstrap_option(parser: argparse.ArgumentParser, default: int) -> None:
    """`--bootstrap`, which every command that gives intervals has."""
    resamples = "resamples for the intervals (default: %(default)s)"
    parser.add_argument("--bootstrap", type=count, default=default, help=resamples)
