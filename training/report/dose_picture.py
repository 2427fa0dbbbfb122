"""Dose–response curves as a picture: a small plot a finding, a line a model, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from training.report.svg import frame, heading

_COLOURS: Final = ("#7A848B", "#E69F00", "#0072B2", "#009E73", "#CC79A7")  # grey, then Okabe–Ito
_DASHES: Final = ("", "7 3", "2 3", "9 3 2 3", "4 2")  # colour is never the only cue
_ACROSS: Final = 4
_PLOT: Final = (168, 120)  # width and height of one plot's field
_STEP: Final = (196, 178)
_LEFT, _TOP = 52, 92
Json = Mapping[str, Any]


def draw_doses(results: Json) -> str:
    """An SVG of the results file of `python -m training dose`: margins with their intervals."""
    findings = list(results["prompts"])
    rows = -(-len(findings) // _ACROSS)
    width, height = _LEFT + _ACROSS * _STEP[0], _TOP + rows * _STEP[1]
    title = "How strongly each model prefers “there is …” to “there is no …” as the finding grows"
    body = (heading(title), *_legend(list(results["curves"])), *_plots(results, findings))
    return frame(width, height, title, body)


def _legend(models: Sequence[str]) -> Iterator[str]:
    yield '<text class="muted" x="16" y="46">mean margin over simulated chests and 95 % interval</text>'
    for number, name in enumerate(models):
        x = 16 + 110 * number
        yield f'<line x1="{x}" x2="{x + 34}" y1="62" y2="62" {_stroke(number)}/>'
        yield f'<text x="{x + 42}" y="66">{escape(name)}</text>'


def _plots(results: Json, findings: Sequence[str]) -> Iterator[str]:
    curves = results["curves"].values()
    reach = max(abs(bound) for model in curves for curve in model.values() for bound in _bounds(curve))
    for number, finding in enumerate(findings):
        left = _LEFT + (number % _ACROSS) * _STEP[0]
        top = _TOP + (number // _ACROSS) * _STEP[1]
        yield f'<text x="{left}" y="{top + 12}" font-weight="bold">{escape(finding)}</text>'
        yield from _axes(left, top + 20, reach, first=number % _ACROSS == 0)
        for line, model in enumerate(curves):
            yield from _curve(model[finding], results["severities"], left, top + 20, reach, line)


def _bounds(curve: Json) -> Iterator[float]:
    return (number for point in curve["points"]["margin"] for number in point if number is not None)


def _axes(left: float, top: float, reach: float, *, first: bool) -> Iterator[str]:
    for value in (-reach, 0.0, reach):
        y = _y(value, top, reach)
        dashed = "" if value == 0 else 'stroke-opacity=".35"'
        yield f'<line class="line" x1="{left}" x2="{left + _PLOT[0]}" y1="{y:.1f}" y2="{y:.1f}" {dashed}/>'
        if first:
            said = f"{value:+.2f}" if value else "0"
            yield f'<text class="muted" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{said}</text>'
    for severity, anchor in ((0, "start"), (1, "end")):
        place = f'x="{left + severity * _PLOT[0]}" y="{top + _PLOT[1] + 16}"'
        yield f'<text class="muted" {place} text-anchor="{anchor}">{severity}</text>'


def _curve(
    curve: Json, severities: Sequence[float], left: float, top: float, reach: float, line: int
) -> Iterator[str]:
    x = [left + severity * _PLOT[0] for severity in severities]
    values, low, high = (
        [_y(point[part], top, reach) for point in curve["points"]["margin"]] for part in range(3)
    )
    band = _points(x + x[::-1], high + low[::-1])
    yield f'<polygon points="{band}" fill="{_COLOURS[line % len(_COLOURS)]}" fill-opacity=".16"/>'
    yield f'<polyline points="{_points(x, values)}" fill="none" {_stroke(line)}/>'


def _stroke(line: int) -> str:
    dash = _DASHES[line % len(_DASHES)]
    colour = _COLOURS[line % len(_COLOURS)]
    return f'stroke="{colour}" stroke-width="2.5"' + (f' stroke-dasharray="{dash}"' if dash else "")


def _points(x: Sequence[float], y: Sequence[float]) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def _y(value: float, top: float, reach: float) -> float:
    return top + _PLOT[1] * (1 - value / reach) / 2
