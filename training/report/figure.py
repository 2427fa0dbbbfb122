"""What all pictures of results share: their style and matplotlib's SVG of them, the same bytes on every run.

READMEs show them on light and on dark: INK, MUTED and GROUND change with the reader's choice, COLOURS can be
told from either ground and never are the only sign.
"""

from __future__ import annotations

import io
import math
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import Any, Final, ParamSpec

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

Json = Mapping[str, Any]
_P = ParamSpec("_P")

_TAG: Final = re.compile(r"<[^>]+>")
_STYLE: Final = Path(__file__).with_name("results.mplstyle")
INK, MUTED, GROUND, LINE = "#14181b", "#525c63", "#ffffff", "#7a848b"
DARK: Final = {INK: "#e9edef", MUTED: "#a7b1b8", GROUND: "#15191c"}
COLOURS: Final = ("#7a848b", "#c77c00", "#0076b8", "#009e73", "#c46a9c")  # grey, then as Okabe and Ito chose
_MARKERS: Final = ("o", "s", "^", "D")  # with five colours, twenty marks that differ
_DASHES: Final[Sequence[Any]] = ("-", (0, (3, 1)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (2, 1)))
FILMS: Final = {
    "openi": "Open-i",
    "openi-held-out": "Open-i, held out",
    "nih": "NIH",
    "phantoms": "simulated",
}
CELLS: Final = ("structured/present", "natural/present", "structured/absent", "natural/absent")
_WIDTH, _LINE = (
    520,
    17,
)  # points, of a picture whose words a phone can show, and of the height of a line of text


def style() -> AbstractContextManager[None]:
    """What is plotted and saved in this is in our style, whatever matplotlibrc says."""
    return matplotlib.style.context(_STYLE, after_reset=True)


def picture(plot: Callable[_P, Figure]) -> Callable[_P, str]:
    """Make what plots a figure give it as SVG in our style."""

    @wraps(plot)
    def draw(*args: _P.args, **kwargs: _P.kwargs) -> str:
        with style():
            return _svg(plot(*args, **kwargs))

    return draw


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    said = {"Title": str(figure.get_label()), "Date": None, "Creator": None}
    figure.savefig(out, format="svg", metadata=said)
    rules = "".join(
        f'[style*="{part}: {light}"]{{{part}:{dark}!important}}'
        for light, dark in DARK.items()
        for part in ("fill", "stroke")
    )
    drawn = out.getvalue().replace("</style>", f"@media(prefers-color-scheme:dark){{{rules}}}</style>", 1)
    return _TAG.sub(_shorter, drawn.replace("<svg ", '<svg role="img" ', 1))


def _shorter(tag: re.Match[str]) -> str:
    """A tag without thousandths of a point, which nobody sees, and without turns by nothing."""
    turned = re.sub(r' transform="rotate\(-0 [^"]*"', "", tag[0])
    return re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", turned).replace(" \n", "\n")


def new(
    heading: str,
    note: str,
    height: float,
    *,
    marks: Mapping[str, Json] | None = None,
    width: float = _WIDTH,
    name: str | None = None,
) -> Figure:
    """A figure whose panels share `height` points, below a heading, a note and a legend of marks and looks.

    Its name, the heading if none is given, is what is read aloud instead of the picture.
    """
    marks = marks or {}
    lines = [(line, INK, "bold") for line in textwrap.wrap(heading, int(width / 7.6))]
    lines += [(line, MUTED, "normal") for line in textwrap.wrap(note, int(width / 6.4))]
    widths = [7 * len(label) + 46 for label in marks]
    across = len(marks) if sum(widths) <= width else max(1, int(width / max(widths)))
    head = _LINE * (len(lines) + 0.5)
    whole = head + 20 * math.ceil(len(marks) / max(1, across)) + 6 + height
    figure = Figure(figsize=(width / 72, whole / 72), label=name or heading)
    figure.get_layout_engine().set(rect=(0, 0, 1, height / whole))  # type: ignore[union-attr,call-arg]
    for number, (line, colour, weight) in enumerate(lines, 1):
        figure.text(10 / width, 1 - _LINE * number / whole, line, color=colour, weight=weight)
    if marks:
        handles = [
            Line2D([], [], label=label, **{"linestyle": "", **looks}) for label, looks in marks.items()
        ]
        figure.legend(
            handles, list(marks), ncols=across, loc="upper left", bbox_to_anchor=(8 / width, 1 - head / whole)
        )
    return figure


def panels(figure: Figure, titles: Iterable[str], across: int = 2) -> list[Axes]:
    """An axes a title, row by row; of a row, the first alone says what stands on its y axis."""
    titles = list(titles)
    every = []
    for place, title in enumerate(titles):
        axes = figure.add_subplot(math.ceil(len(titles) / across), across, 1 + place)
        axes.set_title(title)
        axes.tick_params(labelleft=place % across == 0)
        every.append(axes)
    return every


def look(number: int) -> dict[str, Any]:
    """Colour and shape of the marks of a series."""
    return {"color": COLOURS[number % len(COLOURS)], "marker": _MARKERS[number % len(_MARKERS)]}


def stroke(number: int) -> dict[str, Any]:
    """Colour and dashes of the line of a series."""
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": _DASHES[number % len(_DASHES)]}


def dots(
    axes: Axes,
    points: Sequence[tuple[float, float, Sequence[float] | None]],
    looks: Json,
    *,
    up: bool = False,
) -> None:
    """A mark at each x and y, and a line over its interval where it has one, sideways or up."""
    x, y, ends = zip(*points, strict=True) if points else ((), (), ())
    axes.plot(x, y, linestyle="", clip_on=False, **looks)
    known = [
        (place, *each) for place, each in zip(x if up else y, ends, strict=True) if each and None not in each
    ]
    places, low, high = zip(*known, strict=True) if known else ((), (), ())
    (axes.vlines if up else axes.hlines)(places, low, high, color=looks["color"], zorder=1, clip_on=False)


def rows(axes: Axes, names: Sequence[str]) -> None:
    """The names of rows, the first on top."""
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.grid(visible=False, axis="y")


def shares(axis: Axis, ticks: Sequence[float] = (0, 0.25, 0.5, 0.75, 1)) -> None:
    """Ticks of an axis from none to all."""
    axis.set_ticks(ticks)
    axis.set_major_formatter(PercentFormatter(1, 0))
