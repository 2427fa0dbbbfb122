"""The panels of the page, in the order in which they stand: each has a folder, and is named here alone."""

from __future__ import annotations

from typing import Final

from starlette.routing import Route

from negviz.page.about.panel import ABOUT
from negviz.page.attribution.panel import ATTRIBUTION
from negviz.page.board import Panel
from negviz.page.diagnosis.panel import DIAGNOSIS
from negviz.page.dial.panel import DIAL
from negviz.page.evidence.panel import EVIDENCE
from negviz.page.lesson.panel import LESSON
from negviz.page.loop.panel import LOOP
from negviz.page.many.panel import MANY
from negviz.page.map.panel import MAP
from negviz.page.room import Room
from negviz.page.saliency.panel import FILM
from negviz.page.share.panel import SHARE
from negviz.page.uploads.panel import UPLOADS
from negviz.page.viewer.panel import VIEWER

# Under the galleries of Explore, and the tabs beside it.
EXPLORE: Final[tuple[Panel, ...]] = (ATTRIBUTION, FILM, MAP, DIAGNOSIS, DIAL, LOOP, SHARE, VIEWER, UPLOADS)
TABS: Final[tuple[Panel, ...]] = (LESSON, MANY, EVIDENCE, ABOUT)


def panel_routes(room: Room) -> list[Route]:
    """What all panels send over HTTP."""
    return [route for panel in (*EXPLORE, *TABS) for route in panel.routes(room)]
