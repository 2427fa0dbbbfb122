"""Where on a film: each model's map for the sentence and for its opposite, off until somebody asks.

`POST page/saliency` gives the panel and, for the viewer, the lines of every map; what one visitor waited for,
everybody has.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np
from gradio.events import api
from markupsafe import Markup
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from negviz.common.download import DownloadError
from negviz.explain.saliency import Saliency, SaliencyError, draw
from negviz.explain.saliency.grid import Segment, contours, outline
from negviz.explain.saliency.offers import RESULTS, Offer, read_offers
from negviz.films.collection import Collection, CollectionError, open_image
from negviz.films.masks import Masks, MasksError, read_masks
from negviz.films.openi import OpeniError
from negviz.findings import Polarity
from negviz.language.prompt import MAX_CHARACTERS
from negviz.page.board import Board, Panel, html
from negviz.page.dial.films import DialError, Dialled
from negviz.page.room import AnswerError, Asked, Room
from negviz.page.saliency import words
from negviz.page.server import arguments
from negviz.page.server.arguments import told
from negviz.page.server.films import in_a_file
from negviz.page.server.http import NOT_KEPT, NotJsonError, TooLongError, read_object
from negviz.page.server.lanes import IN_SLOW, lanes
from negviz.page.server.once import EachOnce
from negviz.page.templates import Template
from negviz.page.words import column_title
from negviz.retrieval.answer import Answer

_MAX_BODY: Final = 16_384  # bytes: a question, an id, and room to spare
_DIAL: Final = ("finding", "side", "severity", "seed")
_PATIENCE: Final = 4.0  # seconds for a film that is on its way
_REMEMBERED: Final = 512  # of some 10 kB


@dataclass(frozen=True, eq=False)
class OwnPicture:
    """A visitor's own film, of which nothing is kept."""

    picture: Image.Image

    def image(self) -> Image.Image:
        return self.picture


@dataclass(frozen=True)
class FilmQuestion:
    """What is drawn once for everybody: one film, and the sentences of one answer."""

    source: Path | Dialled | OwnPicture
    texts: tuple[str, ...]  # the sentence and, where it has one, its opposite
    models: tuple[str, ...]

    def says(self, text: str) -> bool:
        return text in self.texts


@dataclass(frozen=True)
class ModelMaps:
    """One model's maps, in the order of the sentences, or why there are none."""

    maps: tuple[Saliency, ...]
    why: str  # "" where there are maps
    offer: Offer | None  # how such maps were scored

    @property
    def strongest(self) -> float:
        """What the strongest place of all did, signs aside: the maps of a model share their scale."""
        return max((float(np.abs(each.map).max()) for each in self.maps), default=0.0)


@dataclass(frozen=True)
class FilmMaps:
    """Everything the panel shows of one film."""

    film: str
    texts: tuple[str, ...]
    finding: str | None
    denies: bool  # whether the first sentence rules the finding out
    models: Mapping[str, ModelMaps]
    region: tuple[Segment, ...]  # around the finding where a simulated film shows it
    within: str = ""  # the picture as a data: address, where it is not to be fetched

    @property
    def address(self) -> str:
        return self.within or f"film/large?{urlencode({'id': self.film})}"


@dataclass(frozen=True, eq=False)
class FilmPanel:
    """What the routes and the endpoint call; holds nothing of a visitor's but what all share."""

    room: Room
    _drawn: EachOnce[FilmQuestion, Mapping[str, tuple[Saliency, ...] | str]] = field(init=False, repr=False)
    _masks: EachOnce[str, Masks | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_drawn", EachOnce(self._draw, most=_REMEMBERED))
        object.__setattr__(self, "_masks", EachOnce(self._read_masks, most=8))
        self.room.when_forgetting(lambda text: self._drawn.forget(lambda question: question.says(text)))

    @cached_property
    def _offers(self) -> dict[str, dict[str, Offer]]:
        folder = self.room.home.results
        return read_offers(self.room.models, RESULTS if folder is None else folder / RESULTS.name)

    def look(self, asked: Asked, film: str, source: Path | Dialled | OwnPicture) -> FilmMaps:
        """The maps of one film of a collection, of one of the dial, or of one's own.  Raises `AnswerError`.

        What is drawn on films of one's own is not kept.
        """
        given = self.room.answer(asked)
        finding, polarity = _about(asked, given)
        texts = _texts(given)
        scored = {name: self._offers.get(name, {}).get(finding or "") for name in self.room.chosen(asked)}
        refused = {
            name: words.refused(finding or "", offer.hit.value, offer.by_chance, offer.chests)
            for name, offer in scored.items()
            if offer is not None and not offer.offered
        }
        wanted = tuple(name for name in scored if name not in refused)
        draw_it = self._draw if isinstance(source, OwnPicture) else self._drawn
        drawn = draw_it(FilmQuestion(source, texts, wanted)) if wanted else {}
        models = {}
        for name, offer in scored.items():
            maps = refused.get(name) or drawn[name]
            models[name] = ModelMaps((), maps, offer) if isinstance(maps, str) else ModelMaps(maps, "", offer)
        region = self._region(film, finding) if isinstance(source, Path) else ()
        return FilmMaps(film, texts, finding, polarity == "absent", models, region)

    def saliency(self, prompt: str, film: str) -> dict[str, Any]:
        """Where on a film, given by its id, every model finds what a sentence says, as JSON.

        Maps are on the grid of the image tower, top row first, for the sentence and for its opposite: what
        moved the score, not where disease is.  `left_out` says why for models whose maps of the finding are
        no better than chance.
        """
        with told():
            sent = arguments.text(prompt, "prompt")[:MAX_CHARACTERS]
            collection, found = self._find(arguments.text(film, "film"))
            path = collection.image_path(collection.by_id(found))
            if path is None:
                raise SaliencyError(words.NOT_AT_HAND)
            shown = self.look(Asked(sent, models=tuple(self.room.models)), found, path)
        told_of = {name: each for name, each in shown.models.items() if not each.why}
        return {
            "film": shown.film,
            "prompt": shown.texts[0],
            "opposite": next(iter(shown.texts[1:]), None),
            "finding": shown.finding,
            "models": {
                name: {
                    **dict(zip(("prompt", "opposite"), (one.plain() for one in each.maps), strict=False)),
                    "scored": None if each.offer is None else asdict(each.offer),
                }
                for name, each in told_of.items()
            },
            "left_out": {name: each.why for name, each in shown.models.items() if each.why},
            "caption": words.CAPTION,
        }

    def within(self, asked: Asked, film: str, finding: str) -> dict[str, float]:
        """By model, what the place of the finding did to the sentence, where map and place are known."""
        collection, _ = self._find(film)
        path, masks = collection.image_path(collection.by_id(film)), self._masks(collection.name)
        mask = masks.of(film, finding) if masks else None
        if path is None or mask is None:
            return {}
        shown = self.look(asked, film, path)
        return {
            name: each.maps[0].share_within(mask)
            for name, each in shown.models.items()
            if each.maps and each.maps[0].signed
        }

    def maps(self, asked: Asked, film: str, source: Path | OwnPicture) -> Markup:
        """The maps of one film with its picture within, for a file or a film that has no address.

        Raises `AnswerError`.
        """
        image = open_image(source) if isinstance(source, Path) else source.image()
        within = f"data:image/jpeg;base64,{b64encode(in_a_file(image)).decode()}"
        return _VIEW("maps", shown=replace(self.look(asked, film, source), within=within))

    def pair(self, asked: Asked, films: Sequence[str], model: str) -> Markup:
        """One model's maps of both sentences on several films, for panels that show them."""
        collection, _ = self._find(films[0])
        paths = [collection.image_path(collection.by_id(film)) for film in films]
        shown = [self.look(asked, film, path) for film, path in zip(films, paths, strict=True) if path]
        return _VIEW("pair", shown=shown, model=model)

    def _find(self, film: str) -> tuple[Collection, str]:
        for collection in self.room.pictures.collections.values():
            with suppress(CollectionError):
                return collection, collection.by_id(film).id
        raise CollectionError(words.NO_FILM)

    def _draw(self, question: FilmQuestion) -> dict[str, tuple[Saliency, ...] | str]:
        """Models that share an image tower are asked at once: the film goes through it once for all."""
        source = question.source
        image = open_image(source) if isinstance(source, Path) else source.image()
        models = {name: self.room.models[name] for name in question.models}
        towers = {model.tower_id: model.image for model in models.values()}
        drawn: dict[str, tuple[Saliency, ...] | str] = {}
        for tower_id, tower in towers.items():
            sharing = {name: model for name, model in models.items() if model.tower_id == tower_id}
            directions = np.concatenate([model.encode_text(question.texts) for model in sharing.values()])
            try:
                maps = draw(tower, image, directions, target="similarity")
            except SaliencyError as error:
                drawn |= dict.fromkeys(sharing, str(error))
                continue
            each = len(question.texts)
            drawn |= {name: tuple(maps[n * each : (n + 1) * each]) for n, name in enumerate(sharing)}
        return drawn

    def _region(self, film: str, finding: str | None) -> tuple[Segment, ...]:
        collection, _ = self._find(film)
        masks = self._masks(collection.name) if finding else None
        mask = masks.of(film, finding) if masks and finding else None
        return () if mask is None else tuple(outline(mask))

    def _read_masks(self, name: str) -> Masks | None:
        try:
            return read_masks(self.room.pictures.collections[name])
        except MasksError:
            return None


def _about(asked: Asked, given: Answer) -> tuple[str | None, Polarity | None]:
    """What the sentence is about, as its reader or the visitor says."""
    if asked.meant is not None:
        return asked.meant
    return (given.mentions[0].finding, given.mentions[0].polarity) if given.mentions else (None, None)


def _texts(given: Answer) -> tuple[str, ...]:
    return (given.prompt.text, *([given.opposite.text] if given.opposite else []))


# How it is shown ------------------------------------------------------------------------------


def path_of(segments: tuple[Segment, ...]) -> str:
    """Lines as the path of an SVG whose sides are 1."""
    return "".join(f"M{x1:.4g} {y1:.4g}L{x2:.4g} {y2:.4g}" for x1, y1, x2, y2 in segments)


def _lines(shown: ModelMaps) -> list[dict[str, Any]]:
    """By sentence, what is drawn over the film."""
    return [
        asdict(contours(each.map, shown.strongest))
        if each.signed
        else {"cells": (each.map / (shown.strongest or 1.0)).round(3).tolist()}
        for each in shown.maps
    ]


def says(shown: FilmMaps) -> list[str]:
    """Of each model, whether what speaks most for the sentence that affirms speaks for its denial too."""
    said = []
    affirms, denies = (1, 0) if shown.denies else (0, 1)
    for name, each in shown.models.items():
        if len(each.maps) == 2 and each.maps[0].signed:
            place = int(each.maps[affirms].map.argmax())
            against = bool(each.maps[denies].map.ravel()[place] < 0)
            title = column_title(name)[0]
            said.append(words.turned(title, shown.texts[affirms], shown.texts[denies], against=against))
    return said


def _main_third(given: Saliency) -> str:
    thirds = np.array(given.thirds)
    row, column = divmod(int(np.abs(thirds).argmax()), thirds.shape[1])
    return words.strongest(row, column, float(thirds[row, column]))


_VIEW: Final = Template(
    "saliency", words=words, lines=_lines, path_of=path_of, main_third=_main_third, says=says
)


def routes(room: Room) -> list[Route]:
    """`POST page/saliency` with {asked, id}: the panel as HTML, and the lines of every map; or a sentence.

    With {asked, dial}, where the dial stands, the lines alone.
    """
    panel = room.own(FilmPanel)

    async def respond(request: Request) -> Response:
        try:
            body = await read_object(request, _MAX_BODY)
            asked, dial = body["asked"], body.get("dial")
            film = str(body["id"]) if dial is None else ""
            question = Asked.read(asked if isinstance(asked, str) else json.dumps(asked))
            if dial is not None:
                source: Path | Dialled | None = Dialled.read(*(str(dial[name]) for name in _DIAL))
            else:
                source = await room.pictures.find(film, wait=_PATIENCE)
            if source is None:
                return PlainTextResponse(words.FAILED, status_code=503, headers=NOT_KEPT)
            shown = await lanes().slow.run_in_thread(request, panel.look, question, film, source)
        except DialError as error:
            return PlainTextResponse(str(error), status_code=400, headers=NOT_KEPT)
        except (NotJsonError, TooLongError, LookupError, TypeError):
            return PlainTextResponse(words.BAD_REQUEST, status_code=400, headers=NOT_KEPT)
        except (CollectionError, OpeniError):
            return PlainTextResponse(words.NO_FILM, status_code=404, headers=NOT_KEPT)
        except AnswerError:
            return PlainTextResponse(words.NOTHING_ASKED, status_code=400, headers=NOT_KEPT)
        except DownloadError as error:
            return PlainTextResponse(str(error), status_code=503, headers=NOT_KEPT)
        return JSONResponse(
            {
                "html": _VIEW("maps", shown=shown) if film else "",
                "texts": shown.texts,
                "models": {
                    name: {"why": each.why, "lines": _lines(each)} for name, each in shown.models.items()
                },
                "region": shown.region,
            },
            headers=NOT_KEPT,
        )

    return [Route("/page/saliency", respond, methods=["POST"])]


def lay_out(board: Board) -> None:
    """The panel, empty until it is asked for, and the named endpoint."""
    html(_VIEW("panel", script_words=words.ON_SCRIPT))
    api(board.room.own(FilmPanel).saliency, api_name="saliency", **IN_SLOW)


FILM: Final = Panel("saliency", lay_out, routes)
