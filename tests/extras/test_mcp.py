"""The page's questions as tools of an MCP server, which is an optional extra: see `.ci/run --extras`."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path
from typing import Any

import pytest

from training.bench.running import run_app

pytestmark = pytest.mark.extra
mcp = pytest.importorskip("mcp", reason="an optional extra: pip install 'gradio[mcp]==6.31.0'")
TOOLS = {"search", "compare", "attribute", "map", "saliency"}


async def _ask(address: str) -> tuple[set[str], Any]:
    from mcp.client.session import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with (
        streamable_http_client(f"{address}gradio_api/mcp/") as (reads, writes, _),
        ClientSession(reads, writes) as session,
    ):
        await session.initialize()
        names = [tool.name for tool in (await session.list_tools()).tools]
        search = next(name for name in names if name.endswith("search"))
        called = await session.call_tool(search, {"prompt": "No effusion", "collection": "", "k": 3})
    return {name.rpartition("_")[2] for name in names}, called


def test_a_client_lists_the_tools_and_searches(family_folder: Path, collection_folder: Path) -> None:
    arguments = ("--family", str(family_folder), "--collection", str(collection_folder))
    with run_app(*arguments, NEGVIZ_MCP="1") as running:
        tools, called = asyncio.run(_ask(running.address))
    assert tools == TOOLS
    assert not called.isError
    answered = ast.literal_eval(called.content[0].text)  # gradio writes a dictionary as Python does
    assert (answered["prompt"], answered["finding"], answered["polarity"]) == (
        "No effusion",
        "effusion",
        "absent",
    )
    assert {name: len(found["hits"]) for name, found in answered["models"].items()} == {
        "base": 3,
        "con1": 3,
        "con2": 3,
    }
