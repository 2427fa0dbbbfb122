"""The panels of the page, in order: modules of this package that are named here and nowhere else.

A panel offers `lay_out(board)`, called where it is to stand, and may offer `<its name>_routes(room)`.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Final

from starlette.routing import Route

from negviz.page.room import Room

EXPLORE: Final = (
    "attribution",
    "map",
    "diagnosis",
    "dial",
    "share",
    "viewer",
    "uploads",
)  # under the galleries
TABS: Final = ("lesson", "evidence", "about")  # beside Explore


def panel(name: str) -> ModuleType:
    return import_module(f"negviz.page.{name}")


def panel_routes(room: Room) -> list[Route]:
    """The routes of all panels."""
    routes: list[Route] = []
    for name in (*EXPLORE, *TABS):
        of_panel = getattr(panel(name), f"{name}_routes", None)
        routes += of_panel(room) if of_panel is not None else []
    return routes
