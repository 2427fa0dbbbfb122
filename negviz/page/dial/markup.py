"""What the dial's plots show; places on an axis come from `negviz.explain.scale`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from markupsafe import Markup

from negviz.explain.dose import DoseCurve
from negviz.explain.scale import Scale, points
from negviz.page.dial import words
from negviz.page.templates import Template
from negviz.retrieval.estimate import Estimate

VIEW: Final = Template("dial", words=words)
_SEVERITY: Final = Scale(0.0, 1.0)


class _Line(NamedTuple):
    """A curve and, where there is one, the band of its intervals, as an SVG's points."""

    name: str
    points: str
    band: str


@dataclass(frozen=True)
class _Plot:
    curve: DoseCurve
    chest: DoseCurve | None  # as measured of the very chest on show
    scale: Scale
    sentence: str
    severity: float

    @property
    def points(self) -> dict[str, Sequence[float]]:
        """For the script, which reads the curve where the dial stands."""
        rounded = {name: [round(each.value, 4) for each in line] for name, line in _sentences(self.curve)}
        return {"severities": self.curve.severities, "own": [], "opposite": [], **rounded}

    @property
    def now(self) -> tuple[float, float | None]:
        return self.curve.at(self.severity)

    @property
    def lines(self) -> Iterator[_Line]:
        severities = self.curve.severities
        for name, estimates in _sentences(self.curve):
            line = points(_SEVERITY, self.scale, severities, [estimate.value for estimate in estimates])
            low = [estimate.low for estimate in estimates if estimate.low is not None]
            high = [estimate.high for estimate in estimates if estimate.high is not None]
            around = [*severities, *severities[::-1]], [*high, *low[::-1]]
            band = points(_SEVERITY, self.scale, *around) if len(low) == len(estimates) else ""
            yield _Line(name, line, band)

    @property
    def dots(self) -> Iterator[tuple[str, float, float]]:
        if self.chest is None:
            return
        for name, estimates in _sentences(self.chest):
            for severity, estimate in zip(self.chest.severities, estimates, strict=True):
                yield name, _SEVERITY.place(severity), self.scale.place(estimate.value)


def plots(
    means: Mapping[str, DoseCurve], own: Mapping[str, DoseCurve], sentence: str, severity: float
) -> Markup:
    """A plot a model on one scale; `own` are curves of the very chest on show, as far as measured."""
    scale = Scale.around(_numbers([*means.values(), *own.values()]), turned=True)
    first = next(iter(means.values()))
    done = next((len(curve.severities) for curve in own.values()), None)
    return VIEW(
        "plots",
        plots=[_Plot(curve, own.get(name), scale, sentence, severity) for name, curve in means.items()],
        chests=first.chests,
        progress="" if done is None else words.progress(done, len(first.severities)),
        opposite=first.opposite,
        own_chest=bool(own),
    )


def _sentences(curve: DoseCurve) -> Iterator[tuple[str, Sequence[Estimate]]]:
    yield "own", curve.own
    if curve.opposite:
        yield "opposite", curve.opposite


def _numbers(curves: Iterable[DoseCurve]) -> Iterator[float]:
    for curve in curves:
        for _, line in _sentences(curve):
            for estimate in line:
                yield from (n for n in (estimate.value, estimate.low, estimate.high) if n is not None)
