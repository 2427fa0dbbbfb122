"""The map's panes as plotly figures.  What plotly shows on hovering is markup, so text is escaped for it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from negviz.explain.projection import Atlas, FilmMap, Sheet
from negviz.films.collection import Film
from negviz.findings import FINDINGS
from negviz.page.map import words

COLOURS: Final = ("polarity", "finding", "kind", "right")
_ORANGE, _BLUE, _GREEN, _SKY = "#E69F00", "#0072B2", "#009E73", "#56B4E9"  # Okabe–Ito
_RED, _PINK, _YELLOW, _GREY = "#D55E00", "#CC79A7", "#F0E442", "#8A8F94"
_STYLES: Final[Mapping[str, tuple[str, str]]] = {  # plotly's symbol and a colour: either tells them apart
    "present": ("circle", _ORANGE),
    "absent": ("diamond", _BLUE),
    "uncertain": ("square", _GREY),
    "structured": ("square", _SKY),
    "natural": ("triangle-up", _RED),
    "mostly right": ("circle", _GREEN),
    "mixed": ("square", _SKY),
    "mostly wrong": ("x", _RED),
    "not judged": ("triangle-down", _GREY),
    "not stated": ("triangle-down", _GREY),
    "several": ("hexagon", _GREY),
}
_SYMBOLS: Final = ("circle", "diamond", "square", "triangle-up", "triangle-down", "x", "cross", "pentagon")
_HUES: Final = (_BLUE, _ORANGE, _GREEN, _PINK, _SKY, _RED, _YELLOW)  # as long as no multiple of the symbols
_GLYPHS: Final = {
    "circle": "●",
    "diamond": "◆",
    "square": "■",
    "triangle-up": "▲",
    "triangle-down": "▼",
    "x": "✖",
    "cross": "✚",
    "pentagon": "⬟",
    "hexagon": "⬢",
}
_WRAP: Final = 44  # characters a line of what hovering shows


@dataclass(frozen=True)
class Key:
    """One entry of the legend."""

    name: str
    glyph: str
    colour: str


def prompt_figures(atlas: Atlas, sheet: Sheet, colour: str) -> tuple[dict[str, Any], tuple[Key, ...]]:
    """A figure a model as JSON, and their common legend."""
    groups = {
        name: [_group(atlas, name, row, colour) for row in range(len(sheet.prompts))] for name in sheet.panes
    }
    figures = {
        name: _figure(
            pane.points.tolist(),
            groups[name],
            [_about(atlas, name, row) for row in range(len(sheet.prompts))],
            list(range(len(sheet.prompts))),
            sheet.reach,
        )
        for name, pane in sheet.panes.items()
    }
    return figures, _legend([group for named in groups.values() for group in named])


def film_figure(
    films: FilmMap, tower: str, method: str, colour: str
) -> tuple[dict[str, Any], tuple[Key, ...]]:
    """One tower's films, their ids in place of row numbers."""
    listed = list(films.films.collection)
    groups = [_film_group(film, colour) for film in listed]
    ids = [film.id for film in listed]
    about = [
        f"{escape(film.id)}<br>{escape(', '.join(sorted(film.findings)) or words.UNSTATED)}"
        for film in listed
    ]
    points = films.points[tower, method].tolist()
    return _figure(points, groups, about, ids, films.reach(method)), _legend(groups)


def _group(atlas: Atlas, model: str, row: int, colour: str) -> str:
    return atlas.judged[model][row].right if colour == "right" else str(getattr(atlas.prompts[row], colour))


def _film_group(film: Film, colour: str) -> str:
    if colour == "finding":
        return "several" if len(film.findings) > 1 else next(iter(film.findings), "not stated")
    for polarity in ("present", "absent"):
        if film.states("effusion", polarity):
            return polarity
    return "not stated"


def _about(atlas: Atlas, model: str, row: int) -> str:
    prompt = atlas.prompts[row]
    said = "<br>".join(escape(line, quote=False) for line in textwrap.wrap(prompt.text, _WRAP))
    kind = f"{prompt.finding} · {prompt.polarity} · {prompt.kind}"
    return f"{said}<br>{kind}<br>{words.judged(atlas.judged[model][row])}"


def _figure(
    points: Sequence[Sequence[float]],
    groups: Sequence[str],
    about: Sequence[str],
    ids: Sequence[Any],
    reach: float,
) -> dict[str, Any]:
    import plotly.graph_objects as go  # kept off the start

    traces = []
    for group in _in_order(groups):
        rows = [row for row, its in enumerate(groups) if its == group]
        symbol, colour = _style(group)
        traces.append(
            go.Scatter(
                name=group,
                mode="markers",
                x=[round(points[row][0], 3) for row in rows],
                y=[round(points[row][1], 3) for row in rows],
                customdata=[ids[row] for row in rows],
                text=[about[row] for row in rows],
                hovertemplate="%{text}<extra></extra>",
                marker={"symbol": symbol, "color": colour, "size": 9, "opacity": 0.9},
            )
        )
    figure = go.Figure(traces, _layout(reach))
    made: dict[str, Any] = json.loads(figure.to_json())
    return made


def _layout(reach: float) -> dict[str, Any]:
    axis = {"range": [-reach, reach], "showticklabels": False, "showgrid": False, "zeroline": False}
    return {
        "template": "none",
        "xaxis": axis,
        "yaxis": {**axis, "scaleanchor": "x"},
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": "lasso",
    }


def _in_order(groups: Sequence[str]) -> list[str]:
    order = [*FINDINGS, *_STYLES]
    return sorted(set(groups), key=lambda group: order.index(group) if group in order else len(order))


def _style(group: str) -> tuple[str, str]:
    if group in _STYLES:
        return _STYLES[group]
    place = [*FINDINGS].index(group) if group in FINDINGS else 0
    return _SYMBOLS[place % len(_SYMBOLS)], _HUES[place % len(_HUES)]


def _legend(groups: Sequence[str]) -> tuple[Key, ...]:
    styles = ((group, *_style(group)) for group in _in_order(groups))
    return tuple(Key(group, _GLYPHS[symbol], colour) for group, symbol, colour in styles)
