"""NLM's Open-i in small: a local HTTP server in its layout, that misbehaves on demand.

    with NlmServer({"CXR7_IM-0001-1001": picture()}) as nlm:
        nlm.play("CXR7_IM-0001-1001", status(429, {"Retry-After": "1"}), cut_short)   # then it behaves
        ... nlm.url, nlm.asked("CXR7_IM-0001-1001"), nlm.most_at_once

To try the app on real films:  python -m tests.nlm_server --films DIR --port 8401
"""

from __future__ import annotations

import argparse
import gzip
import io
import random
import re
import socket
import struct
import tarfile
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from PIL import Image

ARCHIVE = "NLMCXR_reports.tgz"
Act = Callable[["Handler", bytes], None]  # answers one request, knowing what it should have sent


class NlmServer:
    """Serves films at /imgs/512/<uid mod 401>/<uid>/<id>.png and the reports at /imgs/collections/."""

    def __init__(
        self,
        films: Mapping[str, bytes | Path] | None = None,
        reports: bytes | None = None,
        *,
        port: int = 0,
        delay: float = 0.0,
    ) -> None:
        self.films = dict(films or {})
        self.reports = reports
        self.delay = delay
        self.times: list[float] = []  # of all requests, on the monotonic clock
        self.most_at_once = 0
        self.stopped = threading.Event()  # what never ends ends then
        self._plays: dict[str, deque[Act]] = defaultdict(deque)
        self._always: dict[str, Act] = {}
        self._asked: Counter[str] = Counter()
        self._now = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), Handler)
        self._server.nlm = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def play(self, name: str, *acts: Act) -> None:
        """Answer the next requests for a film (or `ARCHIVE`) so, one act a request."""
        self._plays[name].extend(acts)

    def always(self, name: str, act: Act) -> None:
        self._always[name] = act

    def asked(self, name: str) -> int:
        """How often a film (or `ARCHIVE`) was asked for."""
        return self._asked[name]

    @property
    def requests(self) -> int:
        return self._asked.total()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def wait(self) -> None:
        self._thread.join()

    def answer(self, handler: Handler) -> None:
        name, content = self._look_up(handler.path)
        with self._lock:
            self._asked[name] += 1
            self.times.append(time.monotonic())
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            plays = self._plays[name]
            act = plays.popleft() if plays else self._always.get(name, well)
        try:
            time.sleep(self.delay)
            if content is None:
                status(404)(handler, b"")
            else:
                act(handler, content)
        finally:
            with self._lock:
                self._now -= 1

    def _look_up(self, path: str) -> tuple[str, bytes | None]:
        if path == f"/imgs/collections/{ARCHIVE}":
            return ARCHIVE, self.reports
        match = re.fullmatch(r"/imgs/512/(\d+)/(\d+)/((CXR\d+)_IM-[\d-]+)\.png", path)
        if match is None or int(match[1]) != int(match[2]) % 401 or match[4] != f"CXR{match[2]}":
            return path, None
        content = self.films.get(match[3])
        return match[3], content.read_bytes() if isinstance(content, Path) else content


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    nlm: NlmServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients leave, as some tests want them to."""


class Handler(BaseHTTPRequestHandler):
    """Hands every request to its `NlmServer`."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        try:
            self.server.nlm.answer(self)
        except (BrokenPipeError, ConnectionResetError):  # the client has left, as some tests want it to
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
        """Say nothing."""

    def head(self, code: int, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


# Acts -----------------------------------------------------------------------------------------


def well(handler: Handler, content: bytes) -> None:
    """As it should be."""
    handler.head(200, {"Content-Type": "image/png", "Content-Length": str(len(content))})
    handler.wfile.write(content)


def drop(handler: Handler, content: bytes) -> None:
    """The connection breaks in the middle of the body."""
    handler.head(200, {"Content-Type": "image/png", "Content-Length": str(len(content))})
    handler.wfile.write(content[: len(content) // 2])
    handler.close_connection = True


def hang_up(handler: Handler, content: bytes) -> None:
    """The connection breaks before any answer."""
    handler.close_connection = True


def cut_short(handler: Handler, content: bytes) -> None:
    """Half the film, with a Content-Length that agrees."""
    well(handler, content[: len(content) // 2])


def no_length(handler: Handler, content: bytes) -> None:
    """Half the film without a Content-Length: it ends where the connection ends."""
    handler.head(200, {"Content-Type": "image/png", "Connection": "close"})
    handler.wfile.write(content[: len(content) // 2])
    handler.close_connection = True


def claims(length: int) -> Act:
    """The whole film under a wrong Content-Length."""

    def act(handler: Handler, content: bytes) -> None:
        handler.head(200, {"Content-Type": "image/png", "Content-Length": str(length)})
        handler.wfile.write(content)
        handler.close_connection = True

    return act


def sends(other: bytes) -> Act:
    """Something else, called a PNG."""
    return lambda handler, content: well(handler, other)


def status(code: int, headers: Mapping[str, str] | None = None) -> Act:
    """An answer without the film."""

    def act(handler: Handler, content: bytes) -> None:
        handler.head(code, {"Content-Length": "0", **(headers or {})})

    return act


def to_itself(handler: Handler, content: bytes) -> None:
    """Where it already is, is where it should go."""
    status(302, {"Location": handler.path})(handler, content)


def silent(seconds: float) -> Act:
    """No answer for so long, then a good one."""

    def act(handler: Handler, content: bytes) -> None:
        time.sleep(seconds)
        well(handler, content)

    return act


def drip(pause: float) -> Act:
    """The film in 16 pieces, with pauses."""

    def act(handler: Handler, content: bytes) -> None:
        handler.head(200, {"Content-Type": "image/png", "Content-Length": str(len(content))})
        step = len(content) // 16 + 1
        for start in range(0, len(content), step):
            time.sleep(pause)
            handler.wfile.write(content[start : start + step])

    return act


def reset(handler: Handler, content: bytes) -> None:
    """The connection is reset in the middle of the body."""
    handler.head(200, {"Content-Type": "image/png", "Content-Length": str(len(content))})
    handler.wfile.write(content[: len(content) // 2])
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def unending(start: bytes, piece: bytes, *, pause: float = 0.0) -> Act:
    """Whatever was asked for: `start`, then `piece` over and over, until the client leaves."""

    def act(handler: Handler, content: bytes) -> None:
        handler.close_connection = True
        handler.wfile.write(start)
        while not handler.server.nlm.stopped.wait(pause):
            handler.wfile.write(piece)

    return act


_OK = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"


def endless(start: bytes, *, length: int | None = None) -> Act:
    """A body that begins well and never ends, under a Content-Length or none."""
    head = _OK if length is None else _OK + b"Content-Length: %d\r\n" % length
    return unending(head + b"\r\n" + start, bytes(65_536))


def endless_chunks(start: bytes) -> Act:
    """The same, in chunks."""
    first = b"%x\r\n%b\r\n" % (len(start), start)
    return unending(
        _OK + b"Transfer-Encoding: chunked\r\n\r\n" + first, b"10000\r\n" + bytes(65_536) + b"\r\n"
    )


def dripping(pause: float) -> Act:
    """A body of a byte at a time, each soon enough, all together never."""
    return unending(_OK + b"Content-Length: 100000\r\n\r\n", b"\x89", pause=pause)


def slow_headers(pause: float) -> Act:
    """The same before the body: a header of a byte at a time."""
    return unending(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x", pause=pause)


def only_hints(pause: float) -> Act:
    """One informational answer after the other, and never the answer."""
    return unending(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", pause=pause)


def packed(unpacked: int) -> Act:
    """Zeros that a client of good faith would unpack to so many bytes."""
    body = gzip.compress(bytes(unpacked))

    def act(handler: Handler, content: bytes) -> None:
        length = {"Content-Length": str(len(body))}
        handler.head(200, {"Content-Type": "image/png", "Content-Encoding": "gzip", **length})
        handler.wfile.write(body)

    return act


# What it serves -------------------------------------------------------------------------------


def picture(format_: str = "PNG", *, size: tuple[int, int] = (96, 80), shade: int = 0) -> bytes:
    """Grey noise, another for every `shade`."""
    out = io.BytesIO()
    noise = random.Random(shade).randbytes(size[0] * size[1])
    Image.frombytes("L", size, noise).save(out, format_)
    return out.getvalue()


def archive(pages: Mapping[str, bytes]) -> bytes:
    """A .tgz of report XML by uid, in NLM's layout."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for uid, xml in pages.items():
            member = tarfile.TarInfo(f"ecgen-radiology/{uid}.xml")
            member.size = len(xml)
            tar.addfile(member, io.BytesIO(xml))
    return out.getvalue()


def films_in(folders: Iterable[Path]) -> dict[str, bytes | Path]:
    """Films by id; `.jpg` copies are served where NLM has a PNG, as browsers and negviz look at the bytes."""
    return {path.stem: path for folder in folders for path in folder.glob("CXR*.*")}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.nlm_server", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--films", required=True, type=Path, metavar="DIR", help="holds CXR… images, images/")
    parser.add_argument("--port", type=int, default=8401)
    parser.add_argument("--delay", type=float, default=0.0, metavar="S", help="seconds before each answer")
    args = parser.parse_args()
    reports = args.films / ARCHIVE
    with NlmServer(
        films_in((args.films, args.films / "images")),
        reports.read_bytes() if reports.is_file() else None,
        port=args.port,
        delay=args.delay,
    ) as server:
        print(f"{len(server.films)} films at {server.url}", flush=True)
        server.wait()


if __name__ == "__main__":
    main()
