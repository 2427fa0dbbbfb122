"""The dial's film and curves as HTML; places on an axis come from `negviz.explain.scale`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup

from negviz.explain.dose import DoseCurve
from negviz.explain.scale import Scale, points
from negviz.page.dial import words
from negviz.page.dial.setting import DialSetting
from negviz.page.templates import join
from negviz.page.words import column_title, number
from negviz.retrieval.estimate import Estimate

_SEVERITY: Final = Scale(0.0, 1.0)
_EMPTY: Final = Markup("")


def heading() -> Markup:
    return Markup('<h2 id="nv-dial-title">{}</h2><p class="nv-note">{}</p>').format(words.TITLE, words.ABOUT)


def film(chest: DialSetting, severity: float) -> Markup:
    """The film in a black well, in an element of its own name, so that gradio replaces it with its film."""
    side = chest.side or ""
    query = urlencode(
        {"finding": chest.finding, "side": side, "severity": f"{severity:.2f}", "seed": chest.seed}
    )
    label = words.film_label(chest.finding, chest.side, chest.number)
    return Markup(
        '<{0} class="nv-dial-film" data-dial data-finding="{1}" data-side="{2}" data-seed="{3}" '
        'data-cannot="{7}"><span class="nv-well nv-dial-well"><img src="page/dial-film?{4}" loading="lazy" '
        'decoding="async" alt="{5} {6}" data-label="{5}"><span class="nv-dial-badge">{8}</span>'
        '<span class="nv-dial-making" hidden>{9}</span></span>'
        '<span class="nv-dial-caption">{5} <b>{6}</b></span></{0}>'
    ).format(
        f"nv-dial-{chest.finding}-{side or 'both'}-{chest.number}",
        chest.finding,
        side,
        chest.seed,
        query,
        label,
        f"{severity:.2f}",
        words.CANNOT,
        words.SIMULATED,
        words.MAKING,
    )


def nothing(sentence: str) -> Markup:
    return _box(Markup('<p class="nv-note">{}</p>').format(sentence))


def plots(
    means: Mapping[str, DoseCurve], own: Mapping[str, DoseCurve], sentence: str, severity: float
) -> Markup:
    """A plot a model on one scale, what it comes to in words, and the numbers."""
    scale = Scale.around(_numbers([*means.values(), *own.values()]), turned=True)
    first = next(iter(means.values()))
    legend = Markup(
        '<p class="nv-dial-legend"><span class="nv-key-own">{}</span> '
        '<span class="nv-key-opposite"{}>{}</span> '
        '<span class="nv-label">{}</span></p>'
    ).format(
        words.OWN,
        _EMPTY if first.opposite else Markup(" hidden"),
        words.OPPOSITE,
        words.legend(first.chests, own_chest=bool(own)),
    )
    inside = join(_plot(curve, own.get(name), scale, sentence, severity) for name, curve in means.items())
    done = [words.progress(len(curve.severities), len(first.severities)) for curve in own.values()]
    return _box(
        Markup('{}<div class="nv-dial-plots">{}</div><p class="nv-note" role="status">{}</p>{}').format(
            legend, inside, next(iter(done), ""), _table(means)
        )
    )


def _numbers(curves: Iterable[DoseCurve]) -> Iterable[float]:
    for curve in curves:
        for estimate in (*curve.own, *(curve.opposite or ())):
            yield from (n for n in (estimate.value, estimate.low, estimate.high) if n is not None)


def _plot(curve: DoseCurve, chest: DoseCurve | None, scale: Scale, sentence: str, severity: float) -> Markup:
    lines = _line(curve.severities, curve.own, scale, "own")
    lines += _line(curve.severities, curve.opposite or (), scale, "opposite")
    if chest is not None:
        lines += _dots(chest.severities, chest.own, scale, "own")
        lines += _dots(chest.severities, chest.opposite or (), scale, "opposite")
    before, moved, after = words.moved(curve, sentence)
    return Markup(
        '<figure class="nv-dial-plot" data-model="{}" data-points="{}"><figcaption>{}</figcaption>'
        '<div class="nv-dial-field"><span class="nv-dial-y">{}</span><span class="nv-dial-y">{}</span>'
        '<div class="nv-dial-area"><svg viewBox="0 0 100 100" preserveAspectRatio="none" '
        'aria-hidden="true">{}</svg>'
        '<i class="nv-dial-cursor"></i></div>'
        '<p class="nv-dial-x"><span>0</span><span>{}</span><span>1</span></p>'
        '</div>{}<p>{}<em>{}</em>{}</p><p class="nv-note">{}</p></figure>'
    ).format(
        curve.model,
        json.dumps(_data(curve)),
        column_title(curve.model)[0],
        number(scale.high),
        number(scale.low),
        lines,
        words.SEVERITY_HEAD,
        _now(curve, severity),
        before,
        moved,
        after,
        words.preferred(curve),
    )


def _data(curve: DoseCurve) -> dict[str, Sequence[float]]:
    """For the script, which reads the curve where the dial stands."""
    return {
        "severities": curve.severities,
        "own": [round(estimate.value, 4) for estimate in curve.own],
        "opposite": [round(estimate.value, 4) for estimate in curve.opposite or ()],
    }


def _now(curve: DoseCurve, severity: float) -> Markup:
    own, opposite = curve.at(severity)
    other = Markup(' · {} <b data-of="opposite">{}</b>').format(words.OPPOSITE, number(opposite or 0.0))
    return Markup('<p class="nv-dial-now">{} <b data-of="own">{}</b>{}</p>').format(
        words.OWN, number(own), _EMPTY if opposite is None else other
    )


def _line(severities: Sequence[float], estimates: Sequence[Estimate], scale: Scale, name: str) -> Markup:
    """A curve and, where there is one, the band of its intervals."""
    if not estimates:
        return _EMPTY
    values = points(_SEVERITY, scale, severities, [estimate.value for estimate in estimates])
    line = Markup('<polyline class="nv-line-{}" points="{}"/>').format(name, values)
    low = [estimate.low for estimate in estimates if estimate.low is not None]
    high = [estimate.high for estimate in estimates if estimate.high is not None]
    if len(low) != len(estimates):
        return line
    band = points(_SEVERITY, scale, [*severities, *severities[::-1]], [*high, *low[::-1]])
    return Markup('<polygon class="nv-band-{}" points="{}"/>').format(name, band) + line


def _dots(severities: Sequence[float], estimates: Sequence[Estimate], scale: Scale, name: str) -> Markup:
    """A stroke of no length with round ends: a dot that is not stretched."""
    return join(
        Markup('<line class="nv-dot-{0}" x1="{1}" x2="{1}" y1="{2}" y2="{2}"/>').format(
            name, _SEVERITY.place(severity), scale.place(estimate.value)
        )
        for severity, estimate in zip(severities, estimates, strict=False)
    )


def _table(means: Mapping[str, DoseCurve]) -> Markup:
    curves = list(means.values())
    heads = [
        Markup('<th scope="col">{} · {}</th>').format(column_title(curve.model)[0], what)
        for curve in curves
        for what in (words.OWN, *((words.OPPOSITE,) if curve.opposite else ()))
    ]
    rows = (
        Markup('<tr><th scope="row">{:.1f}</th>{}</tr>').format(
            severity,
            join(
                Markup("<td>{}</td>").format(words.point(line[place]))
                for curve in curves
                for line in (curve.own, curve.opposite)
                if line
            ),
        )
        for place, severity in enumerate(curves[0].severities)
    )
    return Markup(
        '<details class="nv-dial-numbers"><summary>{}</summary>'
        '<div class="nv-table" tabindex="0" role="group" aria-label="{}"><table>'
        '<thead><tr><th scope="col">{}</th>{}</tr></thead><tbody>{}</tbody></table></div></details>'
    ).format(words.TABLE, words.NUMBERS, words.SEVERITY_HEAD, join(heads), join(rows))


def _box(inside: Markup) -> Markup:
    return Markup('<section class="nv-dial-curves" aria-labelledby="nv-dial-title">{}</section>').format(
        inside
    )
