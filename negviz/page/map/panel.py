"""The map panel: where sentences and films lie in every model.

First paint holds empty panes.  When the panel is seen the browser fetches plotly and the figures by the
routes here; no sentence of a visitor's is in them.  Where a typed sentence belongs comes with its answer, and
which sentences a visit has asked is known to the visitor's browser only.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Final, cast

from gradio.events import api
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from negviz.explain.projection import (
    DEFAULT,
    METHODS,
    SHEETS,
    Atlas,
    FilmMap,
    FilmPlacement,
    MapError,
    Placement,
    open_atlas,
    open_film_map,
)
from negviz.language.prompt import MAX_CHARACTERS
from negviz.models.training_free import TrainingFree
from negviz.page import words as page_words
from negviz.page.board import Board, Panel, html
from negviz.page.map import words
from negviz.page.map.figures import COLOURS, film_figure, prompt_figures
from negviz.page.map.http import FOR_EVER, FRESH, HEADERS, plotly_address, plotly_script
from negviz.page.room import Asked, Room
from negviz.page.server import arguments
from negviz.page.server.arguments import told
from negviz.page.server.http import send
from negviz.page.server.lanes import IN_SLOW, lanes
from negviz.page.server.once import EachOnce
from negviz.page.templates import Template
from negviz.retrieval.answer import AnswerError

_VIEW: Final = Template("map", words=words)
_ON_SCRIPT: Final = (  # words for what the script writes itself
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
    "MARKED_FILMS",
)
_REMEMBERED: Final = 256
_FILMS: Final = "films/"  # begins the names of maps of films


@dataclass(frozen=True)
class Placed:
    """One sentence in every map."""

    sentences: tuple[Placement, ...]
    films: Mapping[str, tuple[FilmPlacement, ...]]  # by collection


@dataclass(frozen=True)
class View:
    """What a visitor chose to see: only what is known is ever looked up."""

    name: str
    method: str
    colour: str


@dataclass(frozen=True, eq=False)
class MapPanel:
    """The maps of a room, opened once, and the places of sentences, worked out once for everybody."""

    room: Room
    _places: EachOnce[Asked, Placed] = field(init=False, repr=False)
    _drawn: EachOnce[View, bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", EachOnce(self._place, most=_REMEMBERED))
        object.__setattr__(self, "_drawn", EachOnce(self._draw, most=_REMEMBERED))
        self.room.when_forgetting(lambda text: self._places.forget(lambda asked: asked.text == text))

    @cached_property
    def atlas(self) -> Atlas | MapError:
        """The maps of sentences, or why there are none."""
        try:
            return open_atlas(self.room.models, self.room.home.maps)
        except MapError as error:
            return error

    @cached_property
    def films(self) -> Mapping[str, FilmMap]:
        """By collection, as far as the films that are searched by default, or all, have been mapped."""
        found: dict[str, FilmMap] = {}
        for films in self.room.sets:
            if films.collection.name not in found:
                try:
                    found[films.collection.name] = open_film_map(films, self.room.home.maps)
                except MapError:
                    continue  # a choice that is not offered needs no excuse
        return found

    def head(self) -> str:
        atlas = self.atlas
        notes = [str(atlas)] if isinstance(atlas, MapError) else atlas.notes
        return _VIEW("head", notes=map(self.room.home.hint, notes))

    def shell(self) -> str:
        atlas = self.atlas
        if isinstance(atlas, MapError):
            return ""
        maps = {name: words.SHEETS[name].format(n=atlas.size(name)) for name in words.SHEETS}
        for name in self.films:
            known = page_words.COLLECTIONS.get(name, name)
            maps[f"{_FILMS}{name}"] = words.FILMS.format(collection=known)
        return _VIEW(
            "shell",
            plotly=plotly_address(),
            script_words={name.lower(): getattr(words, name) for name in _ON_SCRIPT},
            maps=maps,
            methods={name: each.title for name, each in METHODS.items()},
            colours={name: words.COLOURS[name] for name in COLOURS},
            models={
                name: page_words.column_title(name)[0] for name in self.room.models if name in atlas.vectors
            },
        )

    def show(self, asked: str) -> str:
        """What a sentence is treated like, and its places for the script; calm where there is nothing."""
        atlas, question = self.atlas, Asked.read(asked)
        if isinstance(atlas, MapError):
            return ""
        try:
            placed = self._places(_plainly(question))
        except AnswerError:
            return _VIEW("nothing_placed")
        chosen = self.room.chosen(question).items()
        return _VIEW(
            "placed",
            prompts=atlas.prompts,
            placements=placed.sentences,
            data=_for_script(atlas, question.text, placed),
            unmapped=[
                page_words.column_title(name)[0] for name, model in chosen if isinstance(model, TrainingFree)
            ],
        )

    def map(self, prompt: str, method: str = DEFAULT) -> dict[str, Any]:
        """Where a sentence belongs among the 99 about effusion in every model, as JSON.

        `method` is a projection, such as "tsne"; asked for another, it names them all.  Coordinates are in
        radii of the map; `placement` is false where the sentence is one of the 99.
        """
        with told():
            if isinstance(self.atlas, MapError):
                raise self.atlas
            if arguments.text(method, "method") not in METHODS:
                raise MapError(f"There is no such method; ask for {', '.join(METHODS)}.")
            sent = arguments.text(prompt, "prompt")[:MAX_CHARACTERS]
            asked = Asked(sent, models=tuple(self.room.models))
            placed, read = self._places(asked), self.room.answer(asked).prompt.text
        models = {place.model: _plain(self.atlas, place, method) for place in placed.sentences}
        return {"prompt": read, "method": method, "models": models}

    def draw(self, view: View) -> bytes:
        """Panes, legend, notes and list of one map as gzipped JSON.  Raises `MapError`."""
        if isinstance(self.atlas, MapError):
            raise self.atlas
        films = view.name.removeprefix(_FILMS) if view.name.startswith(_FILMS) else None
        if (
            view.method not in METHODS
            or view.colour not in COLOURS
            or (view.name not in SHEETS if films is None else films not in self.films)
        ):
            raise MapError("There is no such map.")
        return self._drawn(view)

    def drawn(self, view: View) -> bytes | None:
        """The same where it has been drawn already."""
        return self._drawn.known(view)

    def _draw(self, view: View) -> bytes:
        made = self._films(view) if view.name.startswith(_FILMS) else self._sentences(view)
        return gzip.compress(json.dumps(made).encode(), mtime=0)

    def _sentences(self, view: View) -> dict[str, Any]:
        atlas = cast(Atlas, self.atlas)
        sheet = atlas.sheets[view.name, view.method]
        figures, keys = prompt_figures(atlas, sheet, view.colour)
        return {
            "texts": [prompt.text for prompt in sheet.prompts],
            "panes": figures,
            "apart": {name: _VIEW("apart", pane=pane) for name, pane in sheet.panes.items()},
            "legend": _VIEW("legend", keys=keys),
            "notes": _VIEW("notes", sheet=sheet),
            "table": _VIEW("table", judged=atlas.judged, sheet=sheet),
        }

    def _films(self, view: View) -> dict[str, Any]:
        films = self.films[view.name.removeprefix(_FILMS)]
        towers = {name: model.tower_id for name, model in self.room.models.items()}
        mapped = {name: tower for name, tower in towers.items() if (tower, view.method) in films.points}
        drawn = {tower: film_figure(films, tower, view.method, view.colour) for tower in mapped.values()}
        return {
            "panes": {name: drawn[tower][0] for name, tower in mapped.items()},
            "legend": _VIEW("legend", keys=next(iter(drawn.values()))[1]),
        }

    def _place(self, asked: Asked) -> Placed:
        prompt, models = self.room.answer(asked).prompt, self.room.chosen(asked)
        text = prompt.text
        vectors = {name: model.encode_text([text])[0] for name, model in models.items()}
        atlas = cast(Atlas, self.atlas)
        first = {films.collection.name: films.listed(prompt.about) for films in reversed(self.room.sets)}
        films = {name: mapped.place(models, vectors, first[name]) for name, mapped in self.films.items()}
        return Placed(atlas.place(text, vectors), films)


def _plainly(asked: Asked) -> Asked:
    """Only what places depend on."""
    return Asked(asked.text, models=asked.models)


def _for_script(atlas: Atlas, text: str, placed: Placed) -> dict[str, Any]:
    """What the script draws by: {text, models, exact, maps, hits}.

    `exact` lists the maps that hold the very sentence; `maps` is {"effusion/tsne": {model: [x, y]}} and
    `hits` {"films/openi": {model: [id]}}.
    """
    maps: dict[str, dict[str, tuple[float, float]]] = {}
    for place in placed.sentences:
        for (sheet, method), point in place.points.items():
            maps.setdefault(f"{sheet}/{method}", {})[place.model] = point
    for collection, given in placed.films.items():
        for found in given:
            for how, point in found.points.items():
                maps.setdefault(f"{_FILMS}{collection}/{how}", {})[found.model] = point
    hits = {
        f"{_FILMS}{name}": {place.model: place.hits for place in places}
        for name, places in placed.films.items()
    }
    return {
        "text": text,
        "models": [place.model for place in placed.sentences],
        "exact": [name for name in SHEETS if atlas.holds(name, placed.sentences[0].row)],
        "maps": maps,
        "hits": hits,
    }


def _plain(atlas: Atlas, place: Placement, method: str) -> dict[str, Any]:
    name = SHEETS[0]
    pane = atlas.sheets[name, method].panes[place.model]
    return {
        "point": place.points[name, method],
        "placement": not atlas.holds(name, place.row),
        "unlike": place.unlike[name],
        "nearest": [
            {**asdict(atlas.prompts[near.prompt]), "similarity": near.similarity}
            for near in place.nearest[name]
        ],
        "silhouette": {
            "model": asdict(pane.in_vectors["polarity"]),
            "map": asdict(pane.in_map["polarity"]),
        },
    }


# Over HTTP, and on the page -----------------------------------------------------------------


def routes(room: Room) -> list[Route]:
    """`page/map/plotly.js`, and `page/map/drawn?name=…&method=…&colour=…`."""
    panel = room.own(MapPanel)

    async def script(request: Request) -> Response:
        made = plotly_script.cache_info().currsize
        found = plotly_script() if made else await lanes().slow.run_in_thread(request, plotly_script)
        return send(request, found, "text/javascript", FOR_EVER)

    async def drawn(request: Request) -> Response:
        view = View(*(request.query_params.get(name, "") for name in ("name", "method", "colour")))
        try:
            found = panel.drawn(view)
            if found is None:
                found = await lanes().slow.run_in_thread(request, panel.draw, view)
            return send(request, found, "application/json", FRESH)
        except MapError as error:
            return PlainTextResponse(str(error), status_code=404, headers=HEADERS)

    return [Route("/page/map/plotly.js", script), Route("/page/map/drawn", drawn)]


def lay_out(board: Board) -> None:
    """The panel where this is called, and the named endpoint."""
    panel = board.room.own(MapPanel)
    html(panel.head())
    placed = html("")
    html(panel.shell())
    board.on_answer(panel.show, placed)
    api(panel.map, api_name="map", **IN_SLOW)


MAP: Final = Panel("map", lay_out, routes)
