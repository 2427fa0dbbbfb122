"""The app as a process of its own, asked over HTTP, and a browser to look at it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx2

from negviz.common.errors import NegvizError
from negviz.common.shipped import ROOT
from training.paths import add_family_option

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_STARTS_WITHIN: Final = 600.0  # seconds; films whose embeddings are not shipped are embedded first
_LOOKS_EVERY: Final = 0.02  # seconds
_ENDS_WITHIN: Final = 10.0
_ANSWERS_WITHIN: Final = 120.0
FLAGS: Final = (
    "--no-sandbox",  # in a container there is none to be had; only our own page is opened
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class RunningError(NegvizError):
    """The app or the browser cannot be run; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class RunningApp:
    """An app that answers."""

    address: str  # ends in "/"
    pid: int
    seconds: float  # from its start until it answered

    def peak_bytes(self) -> int | None:
        """Most memory that the process has held so far; None where there is no /proc."""
        return self._status("VmHWM")

    def held_bytes(self) -> int | None:
        """Memory that the process holds now; None where there is no /proc."""
        return self._status("VmRSS")

    def busy_seconds(self) -> float | None:
        """Time of processors that the process took so far; None where there is no /proc."""
        try:
            told = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            return None
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    def _status(self, name: str) -> int | None:
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        except OSError:
            return None
        line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024


@contextmanager
def run_app(*arguments: str, **variables: str) -> Iterator[RunningApp]:
    """`app.py` with these arguments and environment, offline, until left.  Raises `RunningError`."""
    port = free_port()
    command = [sys.executable, "app.py", *arguments, "--nlm", "off", "--port", str(port)]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        began = time.perf_counter()
        surroundings = {**os.environ, "HF_HUB_OFFLINE": "1", **variables}
        process = subprocess.Popen(command, cwd=ROOT, env=surroundings, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(process, port)
            if process.poll() is not None:
                log.seek(0)
                said = log.read().strip().splitlines() or ["it said nothing"]
                raise RunningError(f"The app did not start: {said[-1]}")
            yield RunningApp(f"http://127.0.0.1:{port}/", process.pid, time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait(_ENDS_WITHIN)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Until the page is served, which another may stand in for meanwhile, or it has ended."""
    until = time.monotonic() + _STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        with suppress(httpx2.TransportError):
            if httpx2.get(f"http://127.0.0.1:{port}/health").is_success:
                return
        time.sleep(_LOOKS_EVERY)
    if process.poll() is None:
        raise RunningError(f"The app did not start within {_STARTS_WITHIN:.0f} seconds; start it by hand.")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def search(client: httpx2.Client, address: str, text: str) -> dict[str, Any]:
    """What the app answers to a sentence, through the queue that the page uses.  Raises `RunningError`."""
    return call(client, address, "search", text, "", 10)


def call(client: httpx2.Client, address: str, name: str, *values: str | int) -> dict[str, Any]:
    """What a named endpoint of the app answers.  Raises `RunningError`."""
    endpoint = f"{address}gradio_api/call/{name}"
    called = client.post(endpoint, json={"data": values}, timeout=_ANSWERS_WITHIN)
    if called.is_error:
        raise RunningError(f"The app took no question (HTTP {called.status_code}): {called.text[:200]}")
    said = client.get(f"{endpoint}/{called.json()['event_id']}", timeout=_ANSWERS_WITHIN)
    event = said.text.strip().split("\n\n")[-1].splitlines()  # heartbeats come before it
    if event[0] != "event: complete":
        raise RunningError(f"The app gave no answer but {event[0]!r}; look at what it prints.")
    found: dict[str, Any] = json.loads(event[1].removeprefix("data: "))[0]
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, unseen.  Raises `RunningError`."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise RunningError("Playwright is missing: pip install -r requirements-test.txt.") from error
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise RunningError("There is no Chromium; apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def add_app_options(parser: argparse.ArgumentParser, results: str, collection: str | None = None) -> None:
    """What a measurement of the running app asks for, which goes to the file `results`."""
    add_family_option(parser)
    usual = collection or "those that the app opens"
    what = f"one shipped collection, or a folder with a manifest.csv (default: {usual})"
    parser.add_argument("--collection", default=collection, metavar="NAME|DIR", help=what)
    out = f"results file (default: {results} among the results of the family)"
    parser.add_argument("--json", type=Path, metavar="OUT", help=out)


def arguments(family: Path | None, collection: str | None) -> Sequence[str]:
    """Options of the app for what was asked for; what was not is the app's own choice."""
    given = {"--family": family, "--collection": collection}
    return [str(part) for pair in given.items() if pair[1] is not None for part in pair]
