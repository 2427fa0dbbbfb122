"""Serving the page: what gradio may and may not do, in one place."""

from __future__ import annotations

import os
from importlib.util import find_spec

import gradio as gr

from negviz.page.films import film_routes
from negviz.page.fonts import font_routes
from negviz.page.health import health_routes
from negviz.page.panels import panel_routes
from negviz.page.ranks import rank_routes
from negviz.page.room import Room
from negviz.page.scripts import head, script_routes
from negviz.page.theme import css, theme


class ServeError(ValueError):
    """A page that cannot be served; the message is one sentence that says what to do."""


def serve(page: gr.Blocks, room: Room, *, port: int, host: str | None = None) -> None:
    """Serve until interrupted, telling the address on stdout.  Raises `ServeError`.

    Without `host` gradio's own default holds: this machine only, or `GRADIO_SERVER_NAME`.
    """
    tools = os.environ.get("NEGVIZ_MCP") == "1"
    if tools and find_spec("mcp") is None:
        raise ServeError("NEGVIZ_MCP=1 needs another package; run `pip install 'gradio[mcp]==6.31.0'` first.")
    routes = [
        *film_routes(room.pictures),
        *rank_routes(room),
        *panel_routes(room),
        *script_routes(),
        *font_routes(),
        *health_routes(room),
    ]
    try:
        _, address, _ = page.launch(
            server_name=host,
            server_port=port,
            theme=theme(),
            css=css(),
            head=head(),
            app_kwargs={"routes": routes},  # before gradio's
            allowed_paths=[],
            max_file_size="1kb",  # nothing here is uploaded
            run_history=False,  # it would keep what visitors type
            footer_links=[],
            enable_monitoring=False,
            show_error=False,
            ssr_mode=False,
            pwa=False,
            share=False,
            mcp_server=tools,
            quiet=True,
            prevent_thread_lock=True,
        )
    except OSError as error:
        raise ServeError(
            f"Port {port} of {host or 'this machine'} cannot be used: it is taken, or the host is not this "
            "machine; choose another with --port or --host."
        ) from error
    print(f"negviz is ready at {address}", flush=True)
    page.block_thread()
