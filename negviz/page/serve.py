"""Serving the page: what gradio may and may not do, in one place."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, cast

import gradio as gr
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from negviz.common.errors import NegvizError
from negviz.page.explore.further import further_routes
from negviz.page.lesson.votes import vote_routes
from negviz.page.panels import panel_routes
from negviz.page.room import Room
from negviz.page.server.door import guarded, only_here
from negviz.page.server.films import film_routes
from negviz.page.server.health import health_routes
from negviz.page.server.http import PortError
from negviz.page.theme.fonts import font_routes
from negviz.page.theme.scripts import head, script_routes
from negviz.page.theme.theme import css, theme
from negviz.page.viewer.ranks import rank_routes


class ServeError(NegvizError):
    """A page that cannot be served; the message is one sentence that says what to do."""


def serve(
    page: gr.Blocks,
    room: Room,
    *,
    port: int,
    host: str | None = None,
    further: Sequence[BaseRoute] = (),
) -> None:
    """Serve the page of a room, as `serve_routes` does; `further` are routes beside its own."""
    votes = [] if only_here(host) else vote_routes()  # there is nobody else to vote
    serve_routes(page, [*page_routes(room), *votes, *further], port=port, host=host)


def mount_page(page: gr.Blocks, room: Room, path: str) -> Starlette:
    """The page of another room as an app of its own, to be served at `path`."""
    root = os.environ.get("GRADIO_ROOT_PATH", "").rstrip("/")
    routes = page_routes(room)
    own: Any = Starlette(routes=routes)  # gradio asks for a FastAPI, and needs no more than this
    gr.mount_gradio_app(
        own,
        page,
        path="/",
        root_path=f"{root}{path}",
        mcp_server=False,
        app_kwargs=guarded([], None),
        **_settings(),
    )
    return cast(Starlette, own)


def page_routes(room: Room) -> list[BaseRoute]:
    return [
        *film_routes(room.pictures),
        *rank_routes(room),
        *further_routes(room),
        *panel_routes(room),
        *script_routes(),
        *font_routes(),
        *health_routes(room),
    ]


def _settings() -> dict[str, Any]:
    """What gradio may and may not do, wherever a page is served."""
    return {
        "theme": theme(),
        "css": css(),
        "head": head(),
        "allowed_paths": [],
        "max_file_size": "1kb",  # nothing here is uploaded
        "run_history": False,  # it would keep what visitors type
        "footer_links": [],
        "enable_monitoring": False,
        "show_error": False,
        "ssr_mode": False,
        "pwa": False,
    }


def serve_routes(page: gr.Blocks, routes: Sequence[BaseRoute], *, port: int, host: str | None = None) -> None:
    """Serve until interrupted, telling the address on stdout.  Raises `ServeError`, `PortError`.

    Without `host` gradio's own default holds: this machine only, or `GRADIO_SERVER_NAME`.
    """
    tools = os.environ.get("NEGVIZ_MCP") == "1"
    if tools and find_spec("mcp") is None:
        raise ServeError("NEGVIZ_MCP=1 needs another package; run `pip install 'gradio[mcp]==6.31.0'` first.")
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # of uvicorn's; whom to believe about addresses the door knows
    try:
        _, address, _ = page.launch(
            server_name=host,
            server_port=port,
            app_kwargs=guarded(routes, host),
            share=False,
            max_threads=page.max_threads,
            mcp_server=tools,
            quiet=True,
            prevent_thread_lock=True,
            state_session_capacity=page.state_session_capacity,  # which it would overwrite
            **_settings(),
        )
    except OSError as error:
        raise PortError(port, host) from error
    print(f"negviz is ready at {address}", flush=True)
    page.block_thread()
