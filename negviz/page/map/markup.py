"""The map panel as HTML.  What comes from a visitor or a file goes in by `Markup.format`, which escapes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from negviz.explain.projection import METHODS, Atlas, MapPrompt, Pane, Placement, Sheet
from negviz.page import words as page_words
from negviz.page.map import words
from negviz.page.map.figures import COLOURS, Key
from negviz.page.templates import join, note

_SAID: Final = (
    "FAILED",
    "LOADING",
    "TYPED",
    "PLACED",
    "TOP_FILMS",
    "CENTRE",
    "HOW",
    "HOW_NARROW",
    "HOW_FILMS",
    "MARKED",
)


def head(*notes: str) -> Markup:
    """What the panel shows, and why something is missing from it."""
    return Markup('<div class="nv-map-head"><h2>{}</h2>{}</div>').format(
        words.HEADING, join(note(given) for given in (words.MEANING, *notes))
    )


def shell(atlas: Atlas, films: Sequence[str], models: Sequence[str], plotly: str) -> Markup:
    """The panel before anything is drawn: choices and empty panes, which the script fills when it is seen."""
    maps = {name: words.SHEETS[name].format(n=atlas.size(name)) for name in words.SHEETS}
    maps |= {
        f"films/{name}": words.FILMS.format(collection=page_words.COLLECTIONS.get(name, name))
        for name in films
    }
    panes = {name: page_words.column_title(name)[0] for name in models}
    said = {name.lower(): getattr(words, name) for name in _SAID}
    return Markup(
        '<section class="nv-map" data-plotly="{plotly}" data-words="{said}" aria-label="{heading}">'
        '<div class="nv-map-choices">{choices}</div>'
        '<p class="nv-map-legend"></p>'
        '<div class="nv-map-panes" aria-busy="true">{panes}</div>'
        '<p class="nv-map-how nv-note"></p>'
        '<p class="nv-map-marked"><span role="status"></span> '
        '<button type="button" data-map-forget hidden>{forget}</button></p>'
        '<div class="nv-map-notes"></div>'
        '<details class="nv-map-list"><summary>{listed}</summary><div class="nv-map-table nv-scroll" '
        'tabindex="0" role="region" aria-label="{listed}"></div></details></section>'
    ).format(
        plotly=plotly,
        said=json.dumps(said),
        heading=words.HEADING,
        choices=join(
            (
                _choice("map", words.WHAT, maps),
                _choice("method", words.METHOD, {name: words.METHODS[name] for name in METHODS}),
                _choice("colour", words.COLOUR, {name: words.COLOURS[name] for name in COLOURS}),
                _choice("switch", words.PANE, panes),
            )
        ),
        panes=join(_pane(name, title) for name, title in panes.items()),
        forget=words.FORGET,
        listed=words.LIST,
    )


def _choice(name: str, label: str, choices: Mapping[str, str]) -> Markup:
    options = join(
        Markup('<label><input type="radio" name="nv-map-{}" value="{}"{}><span>{}</span></label>').format(
            name, value, Markup("" if number else " checked"), said
        )
        for number, (value, said) in enumerate(choices.items())
    )
    return Markup('<fieldset class="nv-map-{}"><legend>{}</legend>{}</fieldset>').format(name, label, options)


def _pane(model: str, title: str) -> Markup:
    return Markup(
        '<figure class="nv-map-pane" data-map-model="{0}" aria-label="{1}"><figcaption>{1}</figcaption>'
        '<div class="nv-map-plot"></div><div class="nv-map-apart"></div></figure>'
    ).format(model, title)


def legend(keys: Sequence[Key]) -> Markup:
    """Shapes and colours of every pane."""
    return join(
        Markup('<span><i style="color:{}" aria-hidden="true">{}</i> {}</span>').format(
            key.colour, key.glyph, key.name
        )
        for key in keys
    )


def apart(pane: Pane) -> Markup:
    """The silhouettes under a pane."""
    return join(note(words.silhouette(by, found, pane.in_map[by])) for by, found in pane.in_vectors.items())


def notes(sheet: Sheet) -> Markup:
    """What makes the panes comparable, and what moved."""
    lists = [
        Markup('<div data-map-mover="{}"><h4>{}</h4><ol>{}</ol></div>').format(
            name,
            page_words.column_title(name)[0],
            join(_mover(sheet.prompts[move.prompt], move.prompt, words.moved(move)) for move in pane.moved),
        )
        for name, pane in sheet.panes.items()
        if pane.moved
    ]
    moved = Markup('<h3>{}</h3><div class="nv-map-movers">{}</div>').format(words.MOVED, join(lists))
    return Markup("{}{}{}").format(
        note(words.SILHOUETTE), note(words.comparable(sheet.method, sheet.error)), moved if lists else ""
    )


def _mover(prompt: MapPrompt, row: int, said: str) -> Markup:
    return Markup("<li>{} {} <small>{}</small></li>").format(
        _mark(row, prompt.text), _search(prompt.text), said
    )


def table(atlas: Atlas, sheet: Sheet) -> Markup:
    """Every sentence of a map, with a box that marks it and a button that searches it."""
    models = list(sheet.panes)
    heads = [*words.LIST_COLUMNS, *(page_words.column_title(name)[0] for name in models)]
    rows = join(
        Markup('<tr><td>{}</td><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td>{}</tr>').format(
            _mark(row, prompt.text),
            _search(prompt.text),
            prompt.finding,
            prompt.polarity,
            prompt.kind,
            join(Markup("<td>{}</td>").format(words.judged(atlas.judged[name][row])) for name in models),
        )
        for row, prompt in enumerate(sheet.prompts)
    )
    cells = join(Markup('<th scope="col">{}</th>').format(head) for head in heads)
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(cells, rows)


def _mark(row: int, text: str) -> Markup:
    return Markup('<input type="checkbox" data-map-mark="{}" aria-label="{}">').format(
        row, words.MARK.format(text=text)
    )


def _search(text: str) -> Markup:
    return Markup('<button type="button" data-map-search="{0}" aria-label="{1}">{0}</button>').format(
        text, words.SEARCH.format(text=text)
    )


def placed(atlas: Atlas, placements: Sequence[Placement], data: Mapping[str, Any]) -> Markup:
    """What a sentence is treated like, in words, and where it belongs, for the script."""
    return Markup('<div class="nv-map-placed" data-placed="{}"><dl>{}</dl></div>').format(
        json.dumps(data), join(_near(atlas, placement) for placement in placements)
    )


def _near(atlas: Atlas, placement: Placement) -> Markup:
    name = words.NEAREST.format(model=page_words.column_title(placement.model)[0])
    near = join(
        Markup("<li>{} <small>{} · {}</small></li>").format(
            _search(atlas.prompts[one.prompt].text),
            atlas.prompts[one.prompt].polarity,
            words.number(one.similarity),
        )
        for one in placement.nearest["findings"]
    )
    unlike = note(words.UNLIKE) if placement.unlike["findings"] else ""
    return Markup("<div><dt>{}</dt><dd><ol>{}</ol>{}</dd></div>").format(name, near, unlike)


def unmapped(models: Sequence[str]) -> Markup:
    """A sentence on columns that have no map of their own; nothing where there are none."""
    names = [page_words.column_title(name)[0] for name in models]
    return note(words.unmapped(names)) if names else Markup("")


def nothing_placed() -> Markup:
    return Markup('<div class="nv-map-placed" data-placed="">{}</div>').format(note(words.WAITING))
