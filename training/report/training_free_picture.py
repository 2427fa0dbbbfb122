"""The figures of `training-free.json` as SVG: AUROC by evaluation and polarity, a dot a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from training.report.svg import frame, heading

_POLARITIES: Final = ("present", "absent")
_RIVAL, _TUNED, _BASE = "#D55E00", "#0072B2", "#5F6B73"  # Okabe–Ito, and a grey
_LEFT, _RIGHT, _BETWEEN, _TOP, _ROW, _GAP, _WIDTH = 190, 24, 40, 78, 19, 16, 820
_PANEL: Final = (_WIDTH - _LEFT - _RIGHT - _BETWEEN) / 2
_FILMS: Final = {"openi": "Open-i", "nih": "NIH", "phantoms": "simulated"}
Json = Mapping[str, Any]


def draw(results: Json) -> str:
    """An SVG with a column a polarity."""
    rows = sum(len(found["models"]) * _ROW + _GAP for found in results["evaluations"].values())
    height = _TOP + rows + 30
    title = "Rivals that need no training beside tuned models: AUROC by films and polarity"
    return frame(_WIDTH, height, title, _body(results, height), size=14)


def _body(results: Json, height: float) -> Iterator[str]:
    yield heading("How often a film that is right outranks one that is wrong")
    said = "AUROC and 95 % interval · ■ base ● tuned ◆ no training · dashed: chance"
    yield f'<text class="muted" x="16" y="46">{said}</text>'
    for number, polarity in enumerate(_POLARITIES):
        yield f'<text x="{_x(0, number):.1f}" y="{_TOP - 10}">asked for: {polarity}</text>'
        for share in (0, 0.5, 1):
            dashes = ' stroke-dasharray="4 3"' if share == 0.5 else ' stroke-opacity=".35"'
            x = f"{_x(share, number):.1f}"
            yield f'<line class="line" x1="{x}" x2="{x}" y1="{_TOP}" y2="{height - 28}"{dashes}/>'
            yield (f'<text class="muted" x="{x}" y="{height - 10}" text-anchor="middle">{share:.1f}</text>')
    top = float(_TOP)
    for name, found in results["evaluations"].items():
        for line, said in enumerate(_name(name)):
            yield f'<text class="muted" x="16" y="{top + (line + 1) * _ROW - 4:.1f}">{escape(said)}</text>'
        for row, (model, cells) in enumerate(found["models"].items()):
            colour, shape = _mark(model, found["tuned"])
            y = top + (row + 0.5) * _ROW
            yield f'<text x="{_LEFT - 12}" y="{y + 5:.1f}" text-anchor="end">{escape(model)}</text>'
            for number, polarity in enumerate(_POLARITIES):
                yield from _dot(cells.get(f"all/{polarity}", {}), number, y, colour, shape)
        top += len(found["models"]) * _ROW + _GAP


def _name(evaluation: str) -> list[str]:
    """The films and, below them, the prompts where they are not those about effusion."""
    films, *prompts = evaluation.split("-")
    return [_FILMS.get(films, films), *(f"other {each}" for each in prompts)]


def _mark(model: str, tuned: list[str]) -> tuple[str, str]:
    """Colour and shape, so that neither alone tells them apart."""
    if model in tuned:
        return _TUNED, "circle"
    return (_BASE, "square") if model == "base" else (_RIVAL, "diamond")


def _dot(figures: Json, number: int, y: float, colour: str, shape: str) -> Iterator[str]:
    value, ends = figures.get("auroc"), figures.get("auroc_ci")
    if value is None:
        return
    x = _x(value, number)
    if ends is not None and None not in ends:
        low, high = (_x(end, number) for end in ends)
        line = f'x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"'
        yield f'<line {line} stroke="{colour}" stroke-width="3"/>'
    if shape == "circle":
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'
        return
    turned = f' transform="rotate(45 {x:.1f} {y:.1f})"' if shape == "diamond" else ""
    yield (f'<rect x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9" fill="{colour}"{turned}/>')


def _x(value: float, number: int) -> float:
    return _LEFT + number * (_PANEL + _BETWEEN) + value * _PANEL
