"""Experiments as pictures: differences to the reference setting, or the map of prompts; in light and dark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from training.report.svg import frame, heading

_COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#7A848B")  # Okabe–Ito, then grey
_CELLS: Final = ("structured/present", "natural/present", "structured/absent", "natural/absent")
_LEFT, _TOP = 208, 106  # where the first panel begins
_PANEL, _BETWEEN = 148, 18  # width of a panel, and to the next
_ROW: Final = 11  # height of a dot's line
_SIDE: Final = 210  # of a map
Json = Mapping[str, Any]


def draw_experiment(results: Json) -> str:
    """An SVG of a results file of `python -m training experiments`."""
    return _draw_maps(results) if "map" in results else _draw_settings(results)


def _svg(width: float, height: float, title: str, body: Iterator[str]) -> str:
    return frame(width, height, title, (heading(title), *body))


# Settings -------------------------------------------------------------------------------------


def _draw_settings(results: Json) -> str:
    films, reference = results["films"], results["reference"]
    settings = [name for name in results["settings"] if name != reference]
    tall = len(films) * _ROW + 10
    cells = [cell for cell in _CELLS if all(cell in each[reference] for each in films.values())]
    width, height = _LEFT + len(cells) * (_PANEL + _BETWEEN), _TOP + len(settings) * tall + 34
    title = f"AUROC over {reference}, of each setting"
    return _svg(width, height, title, _settings(films, settings, cells, tall))


def _settings(films: Json, settings: Sequence[str], cells: Sequence[str], tall: int) -> Iterator[str]:
    yield from _legend(list(films))
    reach = _reach(films, settings, cells)
    bottom = _TOP + len(settings) * tall
    for column, cell in enumerate(cells):
        left = _LEFT + column * (_PANEL + _BETWEEN)
        yield f'<text x="{left}" y="{_TOP - 14}">{escape(cell.replace("/", ", "))}</text>'
        yield from _axis(left, bottom, reach)
        for row, setting in enumerate(settings):
            top = _TOP + row * tall
            for line, each in enumerate(films.values()):
                yield from _dot(each[setting][cell], left, top + (line + 0.9) * _ROW, reach, line)
    for row, setting in enumerate(settings):
        y = _TOP + (row + 0.5) * tall + 4
        yield f'<text x="{_LEFT - 14}" y="{y:.1f}" text-anchor="end">{escape(setting)}</text>'


def _legend(names: Sequence[str]) -> Iterator[str]:
    note = "mean of the seeds and 95 % interval over prompts and films"
    yield f'<text class="muted" x="16" y="46">{note}</text>'
    x = 16
    for line, name in enumerate(names):
        yield _mark(x + 8, 64, line)
        yield f'<text x="{x + 20}" y="68">{escape(name)}</text>'
        x += 44 + 8 * len(name)


def _reach(films: Json, settings: Sequence[str], cells: Sequence[str]) -> float:
    """The largest difference to be shown, in tenths, one half at most."""
    records = [each[setting][cell] for each in films.values() for setting in settings for cell in cells]
    ends = [abs(end) for record in records for end in record["auroc_minus_reference_ci"] or ()]
    return min(0.5, math.ceil(10 * max(ends, default=0.1)) / 10 or 0.1)


def _axis(left: float, bottom: float, reach: float) -> Iterator[str]:
    for value, anchor in ((-reach, "start"), (0.0, "middle"), (reach, "end")):
        x = _x(value, left, reach)
        style = 'stroke-width="1.5"' if value == 0 else 'stroke-opacity=".35"'
        yield f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{bottom}" {style}/>'
        said = f"{value:+.1f}".replace("-", "−") if value else "0"
        yield f'<text class="muted" x="{x:.1f}" y="{bottom + 18}" text-anchor="{anchor}">{said}</text>'


def _dot(record: Json, left: float, y: float, reach: float, line: int) -> Iterator[str]:
    value, ends = record["auroc_minus_reference"], record["auroc_minus_reference_ci"]
    if value is None or ends is None:
        return
    low, high = (_x(end, left, reach) for end in ends)
    colour = _COLOURS[line % len(_COLOURS)]
    ends_at = f'x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"'
    yield f'<line {ends_at} stroke="{colour}" stroke-width="2"/>'
    yield _mark(_x(value, left, reach), y, line)


def _mark(x: float, y: float, line: int) -> str:
    """A dot, a square or a triangle: colour is never the only cue."""
    fill = f'fill="{_COLOURS[line % len(_COLOURS)]}"'
    match line % 3:
        case 0:
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" {fill}/>'
        case 1:
            return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" {fill}/>'
        case _:
            corners = f"{x:.1f},{y - 4.5:.1f} {x - 4.5:.1f},{y + 3.5:.1f} {x + 4.5:.1f},{y + 3.5:.1f}"
            return f'<polygon points="{corners}" {fill}/>'


def _x(value: float, left: float, reach: float) -> float:
    inside = max(-reach, min(reach, value))
    return left + _PANEL * (1 + inside / reach) / 2


# Maps -----------------------------------------------------------------------------------------


def _draw_maps(results: Json) -> str:
    models = results["map"]
    width, height = 16 + len(models) * (_SIDE + 16), 86 + _SIDE + 60
    title = "Prompts that affirm an effusion and prompts that deny one"
    return _svg(max(width, 480), height, title, _maps(results, models))


def _maps(results: Json, models: Json) -> Iterator[str]:
    yield _affirms(24, 44) + '<text x="36" y="48">affirm</text>'
    yield _denies(104, 44) + '<text x="116" y="48">deny</text>'
    note = "principal components of each model’s vectors"
    yield f'<text class="muted" x="176" y="48">{note}</text>'
    reach = 1.06 * max(abs(place) for each in models.values() for place in (*each["x"], *each["y"]))
    for number, (name, each) in enumerate(models.items()):
        left, top = 16 + number * (_SIDE + 16), 86
        yield f'<text x="{left}" y="{top - 8}" font-weight="bold">{escape(name)}</text>'
        frame = f'x="{left}" y="{top}" width="{_SIDE}" height="{_SIDE}"'
        yield f'<rect class="line" {frame} fill="none" stroke-opacity=".5"/>'
        for x, y, polarity in zip(each["x"], each["y"], results["polarities"], strict=True):
            place = (left + _SIDE * (1 + x / reach) / 2, top + _SIDE * (1 - y / reach) / 2)
            yield _affirms(*place) if polarity == "present" else _denies(*place)
        for line, said in enumerate(_said(results["prompts"]["all"][name])):
            yield f'<text class="muted" x="{left}" y="{top + _SIDE + 20 + 18 * line}">{said}</text>'


def _said(record: Json) -> tuple[str, str]:
    silhouette, overlap = (f"{record[name]:.2f}".replace("-", "−") for name in ("silhouette", "overlap"))
    return f"silhouette {silhouette}", f"overlap {overlap}"


def _affirms(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_COLOURS[0]}" fill-opacity=".8"/>'


def _denies(x: float, y: float) -> str:
    arms = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"
    return f'<path d="{arms}" stroke="{_COLOURS[1]}" stroke-width="2.2" fill="none"/>'
