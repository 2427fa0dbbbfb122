"""What CON3 knows of what it was not taught, as a picture: base, CON3 without the lessons, CON3 with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from training.report.svg import frame, heading

_TITLE: Final = "What CON3 was not taught: AUROC by what its lessons left out"
_MODELS: Final = {"base": "base", "without": "CON3 without these lessons", "full": "CON3"}
_COLOURS: Final = {"base": "#7A848B", "without": "#E69F00", "full": "#0072B2"}  # grey, then Okabe–Ito
_POLARITIES: Final = {"absent": "asked for films without", "present": "asked for films with"}
_LEFT, _TOP, _WIDE, _BETWEEN, _ROW = 140, 108, 260, 40, 26
_LOW, _HIGH = 0.1, 1.0  # ends of the axis
Json = Mapping[str, Any]


def draw_leave_out(results: Json) -> str:
    """An SVG of the results file of `python -m training leave-out`, over the films that it lists first."""
    parts = [results["findings"], results["kinds"]]
    films = next(iter(next(of for part in parts for of in part.values() if of)))
    rows = [(name, of[films]) for part in parts for name, of in part.items() if films in of]
    split = sum(films in of for of in results["findings"].values())
    width = _LEFT + len(_POLARITIES) * (_WIDE + _BETWEEN)
    return frame(width, _TOP + len(rows) * _ROW + 52, _TITLE, _body(films, rows, split))


def _body(films: str, rows: list[tuple[str, Json]], split: int) -> Iterator[str]:
    yield heading(_TITLE)
    yield f'<text class="muted" x="16" y="46">{escape(films)}: mean over prompts and 95 % interval</text>'
    x = 24
    for model, said in _MODELS.items():
        yield _mark(model, x, 66)
        yield f'<text x="{x + 12}" y="70">{escape(said)}</text>'
        x += 44 + 7 * len(said)
    bottom = _TOP + len(rows) * _ROW
    for row, (name, _) in enumerate(rows):
        yield f'<text x="{_LEFT - 14}" y="{_y(row) + 4:.1f}" text-anchor="end">{escape(name)}</text>'
    if 0 < split < len(rows):
        y, end = _TOP + split * _ROW, _LEFT + 2 * _WIDE + _BETWEEN
        yield f'<line class="line" x1="16" x2="{end}" y1="{y}" y2="{y}" stroke-opacity=".5"/>'
    for column, (polarity, said) in enumerate(_POLARITIES.items()):
        left = _LEFT + column * (_WIDE + _BETWEEN)
        yield f'<text x="{left}" y="{_TOP - 6}">{said}</text>'
        yield from _axis(left, bottom)
        for row, (_, of) in enumerate(rows):
            if polarity in of:
                yield from _row(of[polarity], left, _y(row))


def _axis(left: float, bottom: float) -> Iterator[str]:
    for value in (0.25, 0.5, 0.75, 1.0):
        x = _x(value, left)
        style = 'stroke-dasharray="4 3"' if value == 0.5 else 'stroke-opacity=".35"'
        yield f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}" {style}/>'
        yield f'<text class="muted" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{value:g}</text>'
    yield f'<text class="muted" x="{_x(0.5, left):.1f}" y="{bottom + 38}" text-anchor="middle">chance</text>'


def _row(record: Json, left: float, y: float) -> Iterator[str]:
    for n, model in enumerate(_MODELS):
        at, (low, high) = y + 6 * (n - 1), record[f"auroc_{model}_ci"]
        ends = f'x1="{_x(low, left):.1f}" x2="{_x(high, left):.1f}" y1="{at:.1f}" y2="{at:.1f}"'
        yield f'<line {ends} stroke="{_COLOURS[model]}" stroke-width="1.5" stroke-opacity=".6"/>'
        yield _mark(model, _x(record[f"auroc_{model}"], left), at)


def _mark(model: str, x: float, y: float) -> str:
    """A ring, a diamond or a dot: colour is never the only cue."""
    colour = _COLOURS[model]
    match model:
        case "base":
            ring = f'class="ground" stroke="{colour}" stroke-width="2"'
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" {ring}/>'
        case "without":
            return f'<path d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z" fill="{colour}"/>'
        case _:
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'


def _x(value: float, left: float) -> float:
    return left + _WIDE * (max(_LOW, value) - _LOW) / (_HIGH - _LOW)


def _y(row: int) -> float:
    return _TOP + (row + 0.5) * _ROW
