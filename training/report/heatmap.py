"""Models by conditions as a picture: a cell a figure, legible without its colours.

Every cell holds its number, bold where the whole interval lies above chance, with an arrow where below:
colour only repeats what is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from training.report.figure import FILMS, INK, MUTED, Json, new, picture, rows

_CHANCE: Final = 0.5
_BELOW: Final = ("#e69f00", "#f0be62", "#f8ddb0", "#e8eef2")  # the nearer to chance, the paler
_ABOVE: Final = ("#e8eef2", "#bbd6ea", "#94c2e2", "#6eaed6", "#4a93c6")
_TENTHS: Final = BoundaryNorm([0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1], 9)
_GROUPS: Final = {"phenomena": "By way of wording", "findings": "By finding, spoken of alone"}
_ROW, _COLUMN, _LEFT = 21, 33, 200  # points
_BOX: Final = [(-_COLUMN, -_ROW), (_COLUMN, -_ROW), (_COLUMN, _ROW), (-_COLUMN, _ROW)]


@picture
def draw_conditions(results: Json) -> Figure:
    """AUROC by condition and model, of `python -m training generalisation`; a panel a set of films."""
    films = results["conditions"]
    models = [model for of in films.values() for model in of.values()]
    groups = {group: names for group in _GROUPS if (names := _names(models, group))}
    figure = new(
        "How well each model ranks films, by way of wording and by finding: AUROC",
        "in brackets: prompts · bold: the interval lies above chance (.50) · ▾: below it · –: too few films",
        sum(len(names) * _ROW + 52 for names in groups.values()),
        width=max(520, _LEFT + len(models) * _COLUMN + 20 * len(films)),
    )
    grid = figure.add_gridspec(
        len(groups),
        len(films),
        width_ratios=[len(of) for of in films.values()],
        height_ratios=[len(names) for names in groups.values()],
    )
    for row, (group, names) in enumerate(groups.items()):
        for column, (name, of) in enumerate(films.items()):
            axes = figure.add_subplot(grid[row, column])
            axes.set_title({**FILMS, "openi": "Open-i, test"}.get(name, name))
            axes.set_xlim(-0.5, len(of) - 0.5)
            axes.set_xticks(range(len(of)), list(of), size=11)
            axes.tick_params(labelbottom=False, labeltop=True, labelleft=column == 0)
            rows(axes, _labels(names, models, group))
            axes.grid(visible=False)
            _cells(axes, [[model[group].get(each) for model in of.values()] for each in names])
        figure.axes[-len(films)].set_ylabel(_GROUPS[group], color=INK, weight="bold", labelpad=10)
    return figure


def _names(models: Sequence[Json], group: str) -> list[str]:
    """The conditions that anything was measured for, in the order of the prompt file."""
    names = dict.fromkeys(name for model in models for name in model[group])
    pairs = dict.fromkeys(name.rpartition("/")[0] for name in names)
    return [name for pair in pairs for name in (f"{pair}/absent", f"{pair}/present") if name in names]


def _labels(names: Sequence[str], models: Sequence[Json], group: str) -> list[str]:
    """Each condition, of a pair the first in full, and how many prompts it has where most can be told."""
    said = []
    for before, name in zip(("", *names), names, strict=False):
        what, _, polarity = name.rpartition("/")
        prompts = max(int(model[group][name]["n"]) for model in models if name in model[group])
        said.append(f"{'' if before.startswith(f'{what}/') else f'{what} · '}{polarity} ({prompts})")
    return said


def _cells(axes: Axes, records: Sequence[Sequence[Json | None]]) -> None:
    told = [(x, y, record) for y, row in enumerate(records) for x, record in enumerate(row)]
    known = [(x, y, record) for x, y, record in told if record and record["auroc"] is not None]
    axes.scatter(
        [x for x, _, _ in known],
        [y for _, y, _ in known],
        (_COLUMN - 4) ** 2,
        [record["auroc"] for _, _, record in known],
        marker=_BOX,
        linewidth=0,
        cmap=ListedColormap([*_BELOW, *_ABOVE]),
        norm=_TENTHS,
    )
    for x, y, record in told:
        if record is None or record["auroc"] is None:
            axes.text(x, y, "–", ha="center", va="center", color=MUTED)
            continue
        low, high = record["auroc_ci"] or (record["auroc"],) * 2
        said = f"{record['auroc']:.2f}".removeprefix("0") + ("▾" if high < _CHANCE else "")
        weight = "bold" if low > _CHANCE else "normal"
        axes.text(x, y, said, ha="center", va="center", size=11, weight=weight, color="black")
