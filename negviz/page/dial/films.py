"""Simulated films on demand: `GET page/dial-film?finding=…&side=…&severity=…&seed=…`.

What may be asked for is a short list (findings, their sides, 21 severities, 64 chests), so that films made
for one visitor are there for the others, and nobody can have the server simulate without end.
"""

from __future__ import annotations

import io
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, cast

from PIL import Image
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from negviz.common.errors import NegvizError
from negviz.explain.dose import sides_of, wish
from negviz.findings import ABNORMAL
from negviz.page.dial import words
from negviz.page.server.http import NOT_KEPT
from negviz.page.server.lanes import lanes
from negviz.phantoms import Side, simulate

SEEDS: Final = range(9_100_000, 9_100_064)  # of no film that is shipped, trained on or swept
STEP: Final = 0.05
SIZE: Final = 384  # pixels a side
_KEPT: Final = 1_500  # films of some 20 kB
_QUALITY: Final = 85
_NUMBER: Final = re.compile(r"\d(\.\d{1,4})?", re.ASCII)
_HEADERS: Final = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
AHEAD: Final = "X-Negviz-Ahead"  # a film that nobody looks at yet: made only while nothing else is


class DialError(NegvizError):
    """A film that is not offered; the message is one sentence."""


@dataclass(frozen=True)
class Dialled:
    """One film that may be asked for."""

    finding: str
    side: Side | None
    severity: float  # on the grid
    seed: int

    @classmethod
    def read(cls, finding: str, side: str, severity: str, seed: str) -> Dialled:
        """From what a browser sends.  Raises `DialError` for all that the page does not offer."""
        sides = sides_of(finding) if finding in ABNORMAL else ()
        chest = int(seed) if re.fullmatch(r"[0-9]{7}", seed) else -1
        if finding not in ABNORMAL or side not in (sides or ("",)) or chest not in SEEDS:
            raise DialError(words.REFUSED)
        if not _NUMBER.fullmatch(severity) or float(severity) > 1:
            raise DialError(words.REFUSED)
        where = cast("Side", side) if sides else None
        return cls(finding, where, round(round(float(severity) / STEP) * STEP, 2), chest)

    def image(self) -> Image.Image:
        findings = wish(self.finding, self.severity, self.side) if self.severity else {}
        return simulate(self.seed, findings, SIZE).image

    def jpeg(self) -> bytes:
        out = io.BytesIO()
        self.image().save(out, "JPEG", quality=_QUALITY, optimize=True)
        return out.getvalue()


@dataclass(eq=False)
class DialFilms:
    """Films made on demand, in the lane of what is slow; the last ones are kept."""

    _kept: OrderedDict[Dialled, bytes] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    async def respond(self, request: Request) -> Response:
        try:
            wanted = [request.query_params.get(name, "") for name in ("finding", "side", "severity", "seed")]
            asked = Dialled.read(*wanted)
        except DialError as error:
            return PlainTextResponse(str(error), status_code=400, headers=NOT_KEPT)
        film = self._find(asked)
        if film is None:
            lane = lanes().slow
            if AHEAD in request.headers and not lane.idle:
                return Response(status_code=204, headers=NOT_KEPT)  # not now, which is no error
            film = await lane.run_in_thread(request, self._make, asked)
        return Response(film, media_type="image/jpeg", headers=_HEADERS)

    def _find(self, asked: Dialled) -> bytes | None:
        with self._lock:
            if asked in self._kept:
                self._kept.move_to_end(asked)
            return self._kept.get(asked)

    def _make(self, asked: Dialled) -> bytes:
        film = self._find(asked) or asked.jpeg()  # it may have been made while this one waited
        with self._lock:
            self._kept[asked] = film
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return film


def film_route() -> Route:
    films = DialFilms()
    return Route("/page/dial-film", films.respond)
