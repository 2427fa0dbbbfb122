"""Calibration as two pictures: what was said against what held, and what abstaining is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

from training.report.svg import frame, heading

_COLOURS: Final = ("#7A848B", "#E69F00", "#0072B2", "#009E73", "#CC79A7")  # grey, then Okabe–Ito
_DASHES: Final = ("", "7 3", "2 3", "9 3 2 3", "4 2")  # colour is never the only cue
_SIDE: Final = 200  # of a field, pixels
_STEP: Final = 250
_LEFT, _TOP = 64, 84
_TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """A square of shares: 0 to 1 to the right and upwards."""

    left: float

    def x(self, share: float) -> float:
        return self.left + share * _SIDE

    def y(self, share: float) -> float:
        return _TOP + (1 - share) * _SIDE

    def axes(self, across: str, *, first: bool) -> Iterator[str]:
        for tick in _TICKS:
            yield _line(self.left, self.x(1), self.y(tick), self.y(tick), 'stroke-opacity=".3"')
            if first:
                yield _text(self.left - 8, self.y(tick) + 4, f"{tick:.0%}", "end", muted=True)
        for tick, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
            yield _text(self.x(tick), self.y(0) + 18, f"{tick:.0%}", anchor, muted=True)
        yield _text(self.x(0.5), self.y(0) + 38, across, "middle", muted=True)


def draw_reliability(results: Json) -> str:
    """An SVG of the results file of `python -m training calibration`: its first bench, a field a model."""
    bench, models = _first(results)
    shown = {name: each["reliability"] for name, each in models.items() if each["reliability"]}
    title = "Of the films given a probability, how many match the sentence"
    lines = [_text(16, 46, f"{bench}: dot and 95 % interval; on the diagonal, both agree", muted=True)]
    for number, (name, found) in enumerate(shown.items()):
        field = Field(_LEFT + number * _STEP)
        low, high = found["ece_ci"]
        lines.append(_text(field.left, _TOP - 12, f"{name} · ECE {found['ece']:.2f} [{low:.2f}, {high:.2f}]"))
        lines += field.axes("probability said", first=number == 0)
        lines.append(_line(field.x(0), field.x(1), field.y(0), field.y(1), 'stroke-dasharray="4 3"'))
        for each in found["bins"]:
            lines += _dot(field, each, _COLOURS[number % len(_COLOURS)])
    return _svg(title, lines, max(1, len(shown)))


def _dot(field: Field, each: Json, colour: str) -> Iterator[str]:
    x = field.x(each["said"])
    if each["right_ci"]:
        low, high = (field.y(bound) for bound in each["right_ci"])
        ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"'
        yield f'<line {ends} stroke="{colour}" stroke-width="3"/>'
    yield f'<circle cx="{x:.1f}" cy="{field.y(each["right"]):.1f}" r="5" fill="{colour}"/>'


def draw_coverage(results: Json) -> str:
    """The same file's prompts, the surest first: how well the films are ranked, a line a model."""
    bench, models = _first(results)
    shown = {name: each["coverage"] for name, each in models.items() if each.get("coverage")}
    title = "How well films are ranked for the prompts that a model does not abstain from"
    note = f"{bench}: pairs of films put right (AUROC), 95 % interval; ring: from the rest the model abstains"
    lines = [_text(16, 46, note, muted=True)]
    for number, (name, found) in enumerate(shown.items()):
        field, colour = Field(_LEFT + number * _STEP), _COLOURS[number % len(_COLOURS)]
        lines.append(_text(field.left, _TOP - 12, f"{name} · answers {found['answered']:.0%} of prompts"))
        lines += field.axes("prompts answered", first=number == 0)
        lines.append(_line(field.x(0), field.x(1), field.y(0.5), field.y(0.5), 'stroke-dasharray="4 3"'))
        lines += _curve(field, found["curve"], colour, _DASHES[number % len(_DASHES)])
        answers = found["when_it_answers"]
        if "auroc" in answers:
            at = f'cx="{field.x(found["answered"]):.1f}" cy="{field.y(answers["auroc"]):.1f}"'
            lines.append(f'<circle {at} r="7" fill="none" stroke="{colour}" stroke-width="2.5"/>')
    return _svg(title, lines, max(1, len(shown)))


def _curve(field: Field, points: Sequence[Json], colour: str, dash: str) -> Iterator[str]:
    known = [point for point in points if point["auroc_ci"]]
    low, high = ([(p["coverage"], p["auroc_ci"][end]) for p in known] for end in (0, 1))
    yield f'<polygon points="{_points(field, low + high[::-1])}" fill="{colour}" fill-opacity=".16"/>'
    line = _points(field, [(p["coverage"], p["auroc"]) for p in known])
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5"{dashed}/>'


def _points(field: Field, shares: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{field.x(x):.1f},{field.y(y):.1f}" for x, y in shares)


def _first(results: Json) -> tuple[str, Json]:
    bench, models = next(iter(results["measured"].items()))
    return bench, models


def _line(x1: float, x2: float, y1: float, y2: float, style: str) -> str:
    return f'<line class="line" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" {style}/>'


def _text(x: float, y: float, said: str, anchor: str = "start", *, muted: bool = False) -> str:
    style = ' class="muted"' if muted else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'


def _svg(title: str, lines: Sequence[str], fields: int) -> str:
    width, height = max(560, _LEFT + fields * _STEP), _TOP + _SIDE + 52
    return frame(width, height, title, (heading(title), *lines))
