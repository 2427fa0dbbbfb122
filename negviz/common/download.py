"""Getting one thing from one host: bounded in size and time, retried politely, believed only when checked.

    downloader = Downloader("https://openi.nlm.nih.gov")
    path = downloader.fetch(url, what="film CXR1_IM-0001-4001", limit=5_000_000, use=verify_and_store)

Whatever goes wrong is a `DownloadError`: a reason that code can act on, and one sentence for people.
Safe under threads: each waits for its own download, and all downloads run on one event loop, as that is what
can break off any of them at any point, be it looking up a name or between two bytes of a header.
"""

from __future__ import annotations

import asyncio
import email.utils
import random
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import CancelledError, Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Final, Literal, TypeVar

import httpx2

from negviz.common.errors import NegvizError

Reason = Literal[
    "offline",  # no connection, or no name for the host
    "slow",  # it answers, but not in time
    "busy",  # it, or we, have too much to do: ask later
    "failed",  # it broke off, or had an error of its own
    "gone",  # it has no such thing
    "refused",  # it will not give it, or sends us to another host
    "invalid",  # what it sent is not what was asked for
    "disk",  # what came could not be written
]
T = TypeVar("T")
_REDIRECTS: Final = 3
_LONGEST_REST: Final = 3600.0  # seconds; a host may ask for years, or for more than a float holds
_HEADERS: Final = {
    "User-Agent": "negviz (research and teaching; films on demand)",
    "Accept-Encoding": "identity",  # films are compressed already, and nothing can then unpack to gigabytes
}


class DownloadError(NegvizError):
    """What could not be had and why: `reason` for code, the message, one sentence, for people."""

    def __init__(
        self, reason: Reason, sentence: str, *, transient: bool = False, retry_after: float = 0.0
    ) -> None:
        super().__init__(sentence)
        self.reason: Reason = reason
        self.transient = transient  # trying again at once may help
        self.retry_after = retry_after  # seconds the host asked us to stay away


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds, and how often to try."""

    connect: float = 5.0
    read: float = 10.0  # between two pieces of an answer
    whole: float = (
        30.0  # for all that is sent and received, over all attempts; what is waited between them apart
    )
    attempts: int = 3
    backoff: float = 0.5  # before the second attempt; doubled for each further one
    longest_wait: float = 20.0  # a host that asks for more is left alone


class Pace:
    """So many requests a second at most, over all threads, and none while the host wants to be left alone."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = 0.0  # on the monotonic clock
        self._lock = threading.Lock()

    def wait(self, stop: threading.Event) -> None:
        """Return when the next request may start, or as soon as `stop` is set."""
        with self._lock:
            start = max(time.monotonic(), self._next)
            self._next = start + self._gap
        stop.wait(max(0.0, start - time.monotonic()))

    def hold(self, seconds: float) -> None:
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


class Downloader:
    """Fetches from one host, `https://name` or `http://name:port`, and from nowhere else."""

    def __init__(
        self, host: str, *, patience: Patience | None = None, per_second: float = 10.0, connections: int = 5
    ) -> None:
        self.host: Final = host.rstrip("/")
        self._origin: Final = httpx2.URL(self.host)
        self._patience = patience if patience is not None else Patience()
        self._pace = Pace(per_second)
        self._connections = connections
        self._stop = threading.Event()
        self._under_way: set[Future[Any]] = set()

    def fetch(self, url: str, *, what: str, limit: int, use: Callable[[bytes], T], slack: float = 1.0) -> T:
        """What `use` makes of the bytes at `url`, of which there are at most `limit`.

        `what` names the thing in sentences.  `use` verifies; where it raises a transient `DownloadError`
        another attempt is made.  Something large gets `slack` times the whole patience.  Raises
        `DownloadError` once trying again is of no use.
        """
        left = slack * self._patience.whole
        for attempt in range(1, self._patience.attempts + 1):
            self._pace.wait(self._stop)
            begun = time.monotonic()
            try:
                return use(self._within(left, what, lambda: self._once(url, what, limit)))
            except DownloadError as error:
                left -= time.monotonic() - begun
                pause = self._pause(error, attempt) if left > 0 else None
                if pause is None:
                    raise
                self._stop.wait(pause)
        raise AssertionError("the last attempt returns or raises")

    def answers(self, url: str, *, starts: tuple[bytes, ...], seconds: float) -> bool:
        """Whether `url` soon gives something that starts with one of `starts`; only the start is read."""

        async def start() -> bytes:
            async with self._response(url, "answer", replace(self._patience, connect=seconds)) as response:
                return await anext(response.aiter_raw(), b"")

        try:
            return self._within(seconds, "answer", start).startswith(starts)
        except DownloadError:
            return False

    def close(self) -> None:
        """Break off what is under way.  A closed downloader fetches nothing more."""
        self._stop.set()
        for download in tuple(self._under_way):
            download.cancel()
        if "_client" in self.__dict__:
            asyncio.run_coroutine_threadsafe(self._client.aclose(), _loop()).result()

    def _within(self, seconds: float, what: str, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives on the loop of all downloads; broken off after so many seconds."""

        async def timed() -> T:
            async with asyncio.timeout(seconds):
                return await work()

        download = asyncio.run_coroutine_threadsafe(timed(), _loop())
        self._under_way.add(download)
        try:
            if self._stop.is_set():
                download.cancel()
            return download.result()
        except CancelledError:
            raise DownloadError("failed", f"The {what} is not fetched, as the program is ending.") from None
        except TimeoutError as error:
            raise self._slow(what) from error
        finally:
            self._under_way.discard(download)

    def _pause(self, error: DownloadError, attempt: int) -> float | None:
        """Seconds to wait before the next attempt; None where there should be none."""
        patience = self._patience
        hopeless = not error.transient or error.retry_after > patience.longest_wait
        if hopeless or attempt == patience.attempts or self._stop.is_set():
            return None
        pause: float = patience.backoff * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)
        if error.reason == "busy":
            self._pace.hold(max(pause, error.retry_after))  # for the other threads too
            return 0.0
        return pause

    async def _once(self, url: str, what: str, limit: int) -> bytes:
        async with self._response(url, what, self._patience) as response:
            too_large = DownloadError("invalid", f"The {what} is larger than {limit:,} bytes: left unread.")
            if int(response.headers.get("Content-Length", "0")) > limit:
                raise too_large
            content = bytearray()
            async for piece in response.aiter_raw():
                content += piece
                if len(content) > limit:
                    raise too_large
        return bytes(content)

    @asynccontextmanager
    async def _response(self, url: str, what: str, patience: Patience) -> AsyncIterator[httpx2.Response]:
        """The answer to a request, redirects within the host followed, its body unread."""
        try:
            for _ in range(_REDIRECTS + 1):
                target = self._own(httpx2.URL(url), what)
                async with self._client.stream("GET", target, timeout=_timeout(patience)) as response:
                    if response.next_request is None:
                        self._check_status(response, what)
                        yield response
                        return
                    url = str(response.next_request.url)
            raise self._refusal(f"sends the request for the {what} in circles")
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
            raise DownloadError(
                "offline",
                f"{self._origin.host} cannot be reached; check the connection to the internet.",
                transient=True,
            ) from error
        except httpx2.TimeoutException as error:
            raise self._slow(what) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise DownloadError(
                "failed",
                f"{self._origin.host} broke off while sending the {what}; try again.",
                transient=True,
            ) from error

    @cached_property
    def _client(self) -> httpx2.AsyncClient:
        """Made at the first request: it reads the system's certificates, which takes a while."""
        try:
            return httpx2.AsyncClient(
                headers=_HEADERS,
                limits=httpx2.Limits(max_connections=self._connections, keepalive_expiry=5.0),
                follow_redirects=False,
            )
        except (ImportError, ValueError, OSError, httpx2.InvalidURL) as error:
            raise DownloadError(
                "offline", "The proxy or certificate settings of this machine cannot be used."
            ) from error

    def _own(self, url: httpx2.URL, what: str) -> httpx2.URL:
        """The address if it is the host's own."""
        if (url.scheme, url.host, url.port) != (self._origin.scheme, self._origin.host, self._origin.port):
            raise self._refusal(f"sends the request for the {what} to another host, which is not followed")
        return url

    def _check_status(self, response: httpx2.Response, what: str) -> None:
        status, host = response.status_code, self._origin.host
        if status == 200:
            return
        if status in (404, 410):
            raise DownloadError("gone", f"{host} has no {what}.")
        if status in (429, 503):
            raise DownloadError(
                "busy",
                f"{host} has too much to do (HTTP {status}); try again in some minutes.",
                transient=True,
                retry_after=_retry_after(response.headers.get("Retry-After", "")),
            )
        if status >= 500 or status == 408:
            raise DownloadError(
                "failed", f"{host} failed to send the {what} (HTTP {status}); try again.", transient=True
            )
        raise self._refusal(f"does not give the {what} (HTTP {status})")

    def _refusal(self, does: str) -> DownloadError:
        return DownloadError("refused", f"{self._origin.host} {does}.")

    def _slow(self, what: str) -> DownloadError:
        sentence = f"{self._origin.host} took too long to send the {what}; try again."
        return DownloadError("slow", sentence, transient=True)


def _timeout(patience: Patience) -> httpx2.Timeout:
    return httpx2.Timeout(
        connect=patience.connect, read=patience.read, write=patience.read, pool=patience.whole
    )


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of all downloads of the program, in a thread that keeps no program from ending."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="downloads", daemon=True).start()
    return loop


def _retry_after(text: str) -> float:
    """Seconds from now, given as such or as a date, and at most an hour; 0 where it is neither."""
    try:
        seconds = float(text) if text.strip().isdecimal() else _seconds_until(text)
    except (ValueError, OverflowError):
        return 0.0
    return min(max(0.0, seconds), _LONGEST_REST)


def _seconds_until(date: str) -> float:
    return email.utils.parsedate_to_datetime(date).timestamp() - time.time()
