"""Figures that rise and fall, as pictures: dose and response, calibration, memory over visits,
search over archives."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from training.report.figure import COLOURS, LINE, Json, dots, look, new, panels, picture, shares, stroke


@picture
def draw_doses(results: Json) -> Figure:
    """Margins and their intervals, a panel a finding, a line a model: of `python -m training dose`."""
    curves, findings = results["curves"], results["prompts"]
    points = [p for model in curves.values() for curve in model.values() for p in curve["points"]["margin"]]
    reach = max(abs(number) for point in points for number in point if number is not None)
    figure = new(
        "How strongly each model prefers “there is …” to “there is no …” as the finding grows",
        "mean margin over simulated chests and 95 % interval; severity from 0 to 1",
        math.ceil(len(findings) / 3) * 144,
        marks={name: stroke(number) for number, name in enumerate(curves)},
    )
    for axes, finding in zip(panels(figure, findings, 3), findings, strict=True):
        axes.set(xlim=(0, 1), ylim=(-reach, reach), xticks=[0, 1])
        axes.set_yticks([-reach, 0, reach], [f"−{reach:.2f}", "0", f"+{reach:.2f}"])
        axes.axhline(0, color=LINE, linewidth=1, zorder=0.9)
        for line, model in enumerate(curves.values()):
            _curve(axes, results["severities"], model[finding]["points"]["margin"], line)
    return figure


@picture
def draw_reliability(results: Json) -> Figure:
    """What was said against what held, a panel a model: a bench of `python -m training calibration`."""
    bench, shown = _first(results, "reliability")
    figure = new(
        "Of the films with such a score, how many match the sentence",
        f"{bench}: mark and 95 % interval; on the diagonal, both agree",
        math.ceil(len(shown) / 2) * 256,
    )
    titles = (
        f"{n} · ECE {of['ece']:.2f} [{of['ece_ci'][0]:.2f}, {of['ece_ci'][1]:.2f}]" for n, of in shown.items()
    )
    for number, (axes, found) in enumerate(zip(panels(figure, titles), shown.values(), strict=True)):
        _square(axes, "share said")
        axes.plot([0, 1], [0, 1], color=LINE, linewidth=1, linestyle="--")
        bins = [(each["said"], each["right"], each["right_ci"] or None) for each in found["bins"]]
        dots(axes, bins, look(number), up=True)
    return figure


@picture
def draw_coverage(results: Json) -> Figure:
    """How well films are ranked for the prompts that a model is surest of, on the same bench."""
    bench, shown = _first(results, "coverage")
    figure = new(
        "How well films are ranked for the prompts that a model does not abstain from",
        f"{bench}: pairs of films put right (AUROC), 95 % interval · dashed: chance · "
        "ring: from the rest the model abstains",
        math.ceil(len(shown) / 2) * 256,
    )
    titles = (f"{name} · answers {found['answered']:.0%} of prompts" for name, found in shown.items())
    for number, (axes, found) in enumerate(zip(panels(figure, titles), shown.values(), strict=True)):
        _square(axes, "prompts answered")
        axes.axhline(0.5, color=LINE, linewidth=1, linestyle="--")
        known = [point for point in found["curve"] if point["auroc_ci"]]
        values = [(point["auroc"], *point["auroc_ci"]) for point in known]
        _curve(axes, [point["coverage"] for point in known], values, number)
        if "auroc" in (answers := found["when_it_answers"]):
            ring = {"marker": "o", "markersize": 13, "markerfacecolor": "none", "markeredgewidth": 2.2}
            dots(axes, [(found["answered"], answers["auroc"], None)], {**look(number), **ring})
    return figure


@picture
def draw_visits(results: Json) -> Figure:
    """The memory of the app's process, of `python -m training visits`."""
    visits, memory = ([sample[name] for sample in results["memory"]] for name in ("visits", "mb"))
    slope = results["growth_mb_per_1000_visits"]
    figure = new(
        f"Memory of the app over {max(visits):,} visits",
        f"MB held by its process · {slope:+.1f} MB for 1,000 visits over the second half",
        200,
        name="Memory of the app over visits",
    )
    (axes,) = panels(figure, [""], 1)
    axes.plot(visits, memory, color=COLOURS[2], clip_on=False)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    return figure


@picture
def draw_archives(results: Json) -> Figure:
    """Films found by an index beside all compared, of `python -m training archives`."""
    growth, curve, taken = results["growth"], results["curve"], "processor_ms"
    names = {"memory": "all compared, in memory", "disk": "all compared, on disk", "index": "index"}
    figure = new(
        f"What it costs to find the {results['k']} films nearest to a sentence",
        f"time of processors, ms · left: {growth[-1]['films']:,} films, {curve[0]['probes']} to "
        f"{curve[-1]['probes']} of the {results['parts']:,} parts of an index; upright: all compared",
        220,
        marks={name: stroke(number) for number, name in enumerate(names.values())},
        name="Cost and recall of searching archives",
    )
    found, grown = panels(figure, ["share found, by ms", "ms, by films"])
    found.plot([each[taken] for each in curve], [each["recall"] for each in curve], **stroke(2), marker="o")
    for number, way in enumerate(names):
        times = [each[way][taken] for each in growth]
        grown.plot([each["films"] for each in growth], times, **stroke(number), marker="o", clip_on=False)
        if way != "index":
            found.axvline(times[-1], **stroke(number))
    found.set(xscale="log", xticks=[10, 100, 1_000])
    grown.set(xscale="log", yscale="log", xticks=[each["films"] for each in growth])
    grown.tick_params(labelleft=True)
    for axis in (found.xaxis, grown.xaxis, grown.yaxis):
        axis.set_major_formatter("{x:,g}")
        axis.set_minor_locator(NullLocator())
    shares(found.yaxis, (0.8, 0.9, 1))
    return figure


def _first(results: Json, part: str) -> tuple[str, dict[str, Json]]:
    """The first bench and, of its models, a part where they have it."""
    bench, models = next(iter(results["measured"].items()))
    return bench, {name: each[part] for name, each in models.items() if each.get(part)}


def _curve(axes: Axes, x: Sequence[float], points: Sequence[Sequence[float]], number: int) -> None:
    """A line through values, each with the ends of its interval, and a band between these."""
    if points:
        values, low, high = zip(*points, strict=True)
        axes.fill_between(x, low, high, color=COLOURS[number % len(COLOURS)], alpha=0.16, linewidth=0)
        axes.plot(x, values, **stroke(number))


def _square(axes: Axes, across: str) -> None:
    """A square of shares: none to all to the right and upwards."""
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=across)
    shares(axes.xaxis, (0, 0.5, 1))
    shares(axes.yaxis)
    axes.grid(visible=False, axis="x")
