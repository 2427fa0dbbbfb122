"""The panel of own films as HTML.  The visitor's films are data: addresses, which nobody else can ask for."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from negviz.page import words as common
from negviz.page.templates import join, note
from negviz.page.uploads import words
from negviz.page.widgets.tile import Wall
from negviz.retrieval.own_films import Likeness, Nearest, OwnFilm, OwnHit

_ACCEPTED = ".png,.jpg,.jpeg,.dcm,.dicom,image/png,image/jpeg,application/dicom"


@dataclass(frozen=True)
class Sought:
    """What was found for the film whose like is looked for."""

    film: OwnFilm
    nearest: tuple[Nearest, ...]
    likeness: tuple[Likeness, ...]  # empty without a sentence


def opener() -> Markup:
    """The warning, the ways in and the progress; the script does the rest."""
    inputs = [
        _input(words.SEEK, Markup('data-own="seek" accept="{}"').format(_ACCEPTED)),
        _input(words.FILES, Markup('data-own="list" multiple accept="{},.zip"').format(_ACCEPTED)),
        _input(words.FOLDER, Markup('data-own="list" multiple webkitdirectory')),
    ]
    return Markup(
        '<div class="nv-own" data-words="{}"><p class="nv-own-warning">{}</p><p class="nv-note">{} {}</p>'
        '<div class="nv-own-ways" role="group" aria-label="{}">{}</div>'
        '<p class="nv-own-progress" hidden><progress max="1" value="0" aria-label="{}"></progress> '
        '<span></span></p><p class="nv-own-said" role="status"></p>'
        '<details class="nv-own-problems" hidden><summary>{}</summary><ul></ul></details></div>'
    ).format(
        json.dumps(words.SCRIPT),
        words.WARNING,
        words.PRIVATE,
        words.LIMITS,
        words.GROUP,
        join(inputs),
        words.PROGRESS,
        words.PROBLEMS,
    )


def _input(label: str, attributes: Markup) -> Markup:
    return Markup('<label class="nv-own-way">{}<input type="file" {}></label>').format(label, attributes)


def secret(value: str) -> Markup:
    """What the script sends along with a film."""
    return Markup('<div class="nv-own-shelf" data-shelf="{}" hidden></div>').format(value)


def nothing(text: str) -> Markup:
    return Markup('<div class="nv-own-shown">{}</div>').format(note(text))


def shown(parts: Sequence[Markup]) -> Markup:
    return Markup('<div class="nv-own-shown">{}</div>').format(join(parts))


# Films like one ---------------------------------------------------------------------------------


def sought(found: Sought, wall: Wall) -> Markup:
    """The film, how near it is to the sentence, and the films nearest to it."""
    return Markup(
        '<section class="nv-own-sought" aria-label="{}"><h2>{}</h2><div class="nv-own-one">{}{}</div>'
        '<div class="nv-own-columns">{}</div></section>'
    ).format(
        words.NEAREST,
        words.NEAREST,
        _figure(found.film),
        _likeness(found.likeness),
        join(_nearest(each, wall) for each in found.nearest),
    )


def _figure(film: OwnFilm) -> Markup:
    return Markup('<figure class="nv-own-film">{}<figcaption>{}: {}</figcaption></figure>').format(
        _picture(film), words.YOUR_FILM, film.name
    )


def _likeness(rows: Sequence[Likeness]) -> Markup:
    if not rows:
        return note(words.NO_SENTENCE)
    heads = join(Markup('<th scope="col">{}</th>').format(head) for head in words.COLUMNS)
    return Markup(
        '<div class="nv-table"><table><caption>{}</caption><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(words.SIMILARITY, heads, join(map(_row, rows)))


def _row(row: Likeness) -> Markup:
    if row.opposite is None:
        opposite, nearer = "–", words.NO_OPPOSITE
    else:
        opposite, nearer = common.number(row.opposite), words.NEARER[row.sentence >= row.opposite]
    return Markup('<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>').format(
        common.column_title(row.model)[0], common.number(row.sentence), opposite, nearer
    )


def _nearest(found: Nearest, wall: Wall) -> Markup:
    names = ", ".join(common.column_title(model)[0] for model in found.models)
    alike = note(words.SAME_TOWER.format(names)) if len(found.models) > 1 else Markup("")
    return Markup('<section class="nv-own-column"><h3>{}</h3>{}{}</section>').format(
        names, alike, wall.unmarked(found.hits)
    )


# Own films, searched ----------------------------------------------------------------------------


def galleries(found: dict[str, tuple[OwnHit, ...]], text: str, films: int) -> Markup:
    """A column a model of the best own films for the sentence."""
    most = max(map(len, found.values()), default=0)
    columns = (
        Markup(
            '<section class="nv-own-column" aria-label="{0}"><h3>{0}</h3>'
            '<ol class="nv-tiles">{1}</ol></section>'
        ).format(common.column_title(model)[0], join(map(_tile, hits)))
        for model, hits in found.items()
    )
    return Markup(
        '<section class="nv-own-best"><h2>{}</h2><p><q dir="auto">{}</q></p>{}'
        '<div class="nv-own-columns">{}</div></section>'
    ).format(words.best(most, films), text, note(words.NO_LABELS), join(columns))


def _tile(hit: OwnHit) -> Markup:
    return Markup(
        '<li class="nv-own-tile"><div class="nv-well">{}<span class="nv-rank">{}</span>'
        '<span class="nv-score">{}</span></div><p>{}</p></li>'
    ).format(_picture(hit.film), hit.rank, common.number(hit.score), hit.film.name)


def _picture(film: OwnFilm) -> Markup:
    """The name stands beside it; an element name of its own keeps gradio from patching one into another."""
    return Markup(
        '<nv-own-{0}><img src="data:image/jpeg;base64,{1}" alt="" decoding="async"></nv-own-{0}>'
    ).format(film.key[:12], b64encode(film.picture).decode())
