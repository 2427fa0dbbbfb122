"""Models by conditions as a picture: a cell a figure, in light and dark, legible without its colours.

Every cell holds its number, bold where the whole interval lies above chance, underlined where it lies below:
colour only repeats what is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from training.report.svg import frame, heading

_LEFT, _TOP, _ROW, _COLUMN, _GAP = 222, 112, 24, 40, 12  # pixels
_CHANCE: Final = 0.5
_ABOVE: Final = ("#E8EEF2", "#BBD6EA", "#86B9DC", "#4A93C6", "#0072B2")  # by tenths above chance
_BELOW: Final = ("#E8EEF2", "#F8DDB0", "#F0BE62", "#E69F00")
_LEGEND: Final = (
    "in brackets: prompts · bold: the interval lies above chance (.50) · underlined: below it · "
    "–: too few films"
)
_FILMS: Final = {
    "openi": "Open-i, test",
    "openi-held-out": "Open-i, held out",
    "nih": "NIH",
    "phantoms": "simulated",
}
_TITLES: Final = {"phenomena": "By way of wording", "findings": "By finding, spoken of alone"}
_STYLE: Final = ".strong{font-weight:bold}.low{text-decoration:underline}.d{fill:#14181B}.l{fill:#FFFFFF}"
Json = Mapping[str, Any]


def draw_conditions(results: Json) -> str:
    """An SVG of the results file of `python -m training generalisation`."""
    conditions = results["conditions"]
    columns = [(films, model) for films, models in conditions.items() for model in models]
    places = list(_places(columns))
    groups = {group: _rows(conditions, group) for group in _TITLES}
    width = max(760, places[-1] + _COLUMN + 16)
    height = _TOP + sum(len(rows) + 2 for rows in groups.values()) * _ROW + 16
    title = "How well each model ranks films, by way of wording and by finding: AUROC"
    legend = f'<text x="16" y="48" class="muted">{_LEGEND}</text>'
    body = (heading(title), legend, *_head(columns, places), *_body(conditions, groups, columns, places))
    return frame(width, height, title, body, style=_STYLE)


def _places(columns: Sequence[tuple[str, str]]) -> Iterator[int]:
    """Where each column begins: collections stand apart."""
    x = _LEFT
    for number, (films, _) in enumerate(columns):
        x += _GAP if number and columns[number - 1][0] != films else 0
        yield x
        x += _COLUMN


def _rows(conditions: Json, group: str) -> list[str]:
    """The conditions that anything was measured for, in the order of the prompt file."""
    models = [model for films in conditions.values() for model in films.values()]
    names = dict.fromkeys(name for model in models for name in model[group])
    first = list(dict.fromkeys(name.rpartition("/")[0] for name in names))
    pairs = [f"{name}/{polarity}" for name in first for polarity in ("absent", "present")]
    return [name for name in pairs if name in names]


def _prompts(conditions: Json, group: str, name: str) -> int:
    """How many prompts a condition has where most of them can be told."""
    models = [model for films in conditions.values() for model in films.values()]
    return max(int(model[group][name]["n"]) for model in models if name in model[group])


def _head(columns: Sequence[tuple[str, str]], places: Sequence[int]) -> Iterator[str]:
    for number, ((films, model), x) in enumerate(zip(columns, places, strict=True)):
        if not number or columns[number - 1][0] != films:
            yield f'<text x="{x}" y="{_TOP - 32}" class="strong">{escape(_FILMS.get(films, films))}</text>'
        yield _centred(x, _TOP - 10, model, "muted")


def _body(
    conditions: Json,
    groups: Mapping[str, Sequence[str]],
    columns: Sequence[tuple[str, str]],
    places: Sequence[int],
) -> Iterator[str]:
    y = _TOP
    for group, rows in groups.items():
        yield f'<text x="16" y="{y + 17}" class="strong">{_TITLES[group]}</text>'
        y += _ROW
        for row, name in enumerate(rows):
            what, polarity = name.rsplit("/", 1)
            if not row or not rows[row - 1].startswith(f"{what}/"):
                yield f'<text x="16" y="{y + 17}">{escape(what)}</text>'
            said = f"{polarity} ({_prompts(conditions, group, name)})"
            yield f'<text x="{_LEFT - 12}" y="{y + 17}" class="muted" text-anchor="end">{said}</text>'
            for (films, model), x in zip(columns, places, strict=True):
                yield _cell(x, y, conditions[films][model][group].get(name))
            y += _ROW
        y += _ROW


def _cell(x: int, y: int, record: Json | None) -> str:
    if record is None or record["auroc"] is None:
        return _centred(x, y + 17, "–", "muted")
    value, fill = record["auroc"], _fill(record["auroc"])
    low, high = record["auroc_ci"] or (value, value)
    kind = " strong" if low > _CHANCE else " low" if high < _CHANCE else ""
    ink = "l" if fill == _ABOVE[-1] else "d"
    said = f"{value:.2f}".removeprefix("0")
    box = f'x="{x + 1}" y="{y + 1}" width="{_COLUMN - 2}" height="{_ROW - 2}"'
    return f'<rect {box} rx="2" fill="{fill}"/>{_centred(x, y + 17, said, ink + kind)}'


def _fill(value: float) -> str:
    """The nearer to chance, the paler."""
    scale = _ABOVE if value >= _CHANCE else _BELOW
    return scale[min(int(abs(value - _CHANCE) * 10), len(scale) - 1)]


def _centred(x: int, y: int, said: str, kind: str) -> str:
    return f'<text x="{x + _COLUMN / 2:g}" y="{y}" class="{kind}" text-anchor="middle">{escape(said)}</text>'
