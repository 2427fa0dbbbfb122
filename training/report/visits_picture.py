"""The memory of the app's process over visits, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from training.report.svg import frame, heading

_WIDTH, _HEIGHT = 760, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 24, 66, 44  # margins, pixels
_LINES: Final = 4  # across
_FAINT: Final = 'stroke-opacity=".35"'
Json = Mapping[str, Any]


def draw_visits(results: Json) -> str:
    """An SVG of the results file of `python -m training visits`."""
    return frame(_WIDTH, _HEIGHT, "Memory of the app over visits", _body(results))


def _body(results: Json) -> Iterator[str]:
    visits = [sample["visits"] for sample in results["memory"]]
    memory = [sample["mb"] for sample in results["memory"]]
    step = _round(max(memory) / _LINES)
    across, up = max(visits), step * _LINES
    yield heading(f"Memory of the app over {across:,} visits")
    slope = results["growth_mb_per_1000_visits"]
    said = f"MB held by its process · {slope:+.1f} MB for 1,000 visits over the second half"
    yield f'<text class="muted" x="16" y="46">{said}</text>'
    for value in range(0, up + 1, step):
        y = _y(value, up)
        yield f'<line class="line" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" {_FAINT}/>'
        yield f'<text class="muted" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,}</text>'
    for value in range(0, across + 1, max(1, across // 5)):
        place = f'x="{_x(value, across):.1f}" y="{_HEIGHT - _BOTTOM + 20}"'
        yield f'<text class="muted" {place} text-anchor="middle">{value:,}</text>'
    points = " ".join(f"{_x(n, across):.1f},{_y(mb, up):.1f}" for n, mb in zip(visits, memory, strict=True))
    yield f'<polyline points="{points}" fill="none" stroke="#0072B2" stroke-width="2.5"/>'


def _round(number: float) -> int:
    """Up to one, two or five times a power of ten."""
    size = 1
    while True:
        for times in (1, 2, 5):
            if times * size >= number:
                return times * size
        size *= 10


def _x(visits: float, across: float) -> float:
    return _LEFT + visits / across * (_WIDTH - _LEFT - _RIGHT)


def _y(memory: float, up: float) -> float:
    return _HEIGHT - _BOTTOM - memory / up * (_HEIGHT - _TOP - _BOTTOM)
