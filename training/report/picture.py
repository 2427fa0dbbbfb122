"""Results as a picture: precision by cell and model with its interval, chance and ceiling, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from training.report.svg import frame, heading

_CELLS: Final = ("structured/present", "natural/present", "structured/absent", "natural/absent")
_COLOURS: Final = ("#5F6B73", "#E69F00", "#0072B2", "#009E73", "#CC79A7")  # grey, then Okabe–Ito
_LEFT, _RIGHT, _TOP = 190, 30, 58  # margins, pixels
_ROW, _GAP, _WIDTH = 22, 20, 760


def draw(results: Mapping[str, Any], title: str) -> str:
    """An SVG of one results file of `python -m training evaluate`."""
    models = list(results["models"])
    cells = [cell for cell in _CELLS if all(cell in results["models"][name]["cells"] for name in models)]
    height = _TOP + len(cells) * (len(models) * _ROW + _GAP) + 44
    return frame(_WIDTH, height, title, _body(results, models, cells, height), size=14)


def _body(
    results: Mapping[str, Any], models: Sequence[str], cells: Sequence[str], height: int
) -> Iterator[str]:
    k = results["k"]
    yield heading(f"Share of the first {k} films that are right")
    yield '<text class="muted" x="16" y="46">dot and 95 % interval · dashed: chance · tick: ceiling</text>'
    for share in (0, 0.25, 0.5, 0.75, 1):
        yield _vertical(share, _TOP, height - 30, 'stroke-opacity=".35"')
        place = f'x="{_x(share):.1f}" y="{height - 12}"'
        yield f'<text class="muted" {place} text-anchor="middle">{share:.0%}</text>'
    for number, cell in enumerate(cells):
        top = _TOP + number * (len(models) * _ROW + _GAP) + 8
        yield from _cell({name: results["models"][name]["cells"][cell] for name in models}, cell, top)


def _cell(figures: Mapping[str, Mapping[str, Any]], cell: str, top: float) -> Iterator[str]:
    bottom = top + len(figures) * _ROW
    kind, polarity = cell.split("/")
    yield f'<text x="16" y="{top + _ROW - 6}">{escape(kind)}</text>'
    yield f'<text class="muted" x="16" y="{top + 2 * _ROW - 6}">{escape(polarity)}</text>'
    first = next(iter(figures.values()))
    if first["chance"] is not None:
        yield _vertical(first["chance"], top, bottom, 'stroke-dasharray="4 3"')
    if first["ceiling"] is not None:
        yield _vertical(first["ceiling"], top, bottom, 'stroke-width="3"')
    for row, (name, figure) in enumerate(figures.items()):
        yield from _dot(name, figure, _COLOURS[row % len(_COLOURS)], top + (row + 0.5) * _ROW)


def _dot(name: str, figure: Mapping[str, Any], colour: str, y: float) -> Iterator[str]:
    yield f'<text x="{_LEFT - 14}" y="{y + 5:.1f}" text-anchor="end">{escape(name)}</text>'
    if figure["p_at_k"] is None:
        return
    low, high = (_x(bound) for bound in figure["p_at_k_ci"])
    ends = f'x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"'
    yield f'<line {ends} stroke="{colour}" stroke-width="3"/>'
    yield f'<circle cx="{_x(figure["p_at_k"]):.1f}" cy="{y:.1f}" r="6" fill="{colour}"/>'


def _vertical(share: float, top: float, bottom: float, style: str) -> str:
    x = f"{_x(share):.1f}"
    return f'<line class="line" x1="{x}" x2="{x}" y1="{top:.1f}" y2="{bottom:.1f}" {style}/>'


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
