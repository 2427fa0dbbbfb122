"""Getting one thing from one host: bounded in size and time, retried politely, believed only when checked.

    downloader = Downloader("https://openi.nlm.nih.gov")
    path = downloader.fetch(url, what="film CXR1_IM-0001-4001", limit=5_000_000, use=verify_and_store)

Whatever goes wrong is a `DownloadError`: a reason that code can act on, and one sentence for people.
Safe under threads.
"""

from __future__ import annotations

import email.utils
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal, TypeVar

import httpx2

from negviz.errors import NegvizError

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
    whole: float = 30.0  # from the request to the last byte
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

    def fetch(self, url: str, *, what: str, limit: int, use: Callable[[bytes], T]) -> T:
        """What `use` makes of the bytes at `url`, of which there are at most `limit`.

        `what` names the thing in sentences.  `use` verifies; where it raises a transient `DownloadError`
        another attempt is made.  Raises `DownloadError` once trying again is of no use.
        """
        for attempt in range(1, self._patience.attempts + 1):
            self._pace.wait(self._stop)
            try:
                return use(self._once(url, what, limit))
            except DownloadError as error:
                pause = self._pause(error, attempt)
                if pause is None:
                    raise
                self._stop.wait(pause)
        raise AssertionError("the last attempt returns or raises")

    def answers(self, url: str, *, starts: tuple[bytes, ...], seconds: float) -> bool:
        """Whether `url` soon gives something that starts with one of `starts`; only the start is read."""
        hasty = replace(self._patience, connect=seconds, read=seconds, whole=seconds)
        try:
            with self._response(url, "answer", hasty) as response:
                return next(response.iter_raw(), b"").startswith(starts)
        except DownloadError:
            return False

    def close(self) -> None:
        """Let waiting requests go on no longer.  A closed downloader fetches nothing more."""
        self._stop.set()
        if "_client" in self.__dict__:
            self._client.close()

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

    def _once(self, url: str, what: str, limit: int) -> bytes:
        begun = time.monotonic()
        with self._response(url, what, self._patience) as response:
            too_large = DownloadError("invalid", f"The {what} is larger than {limit:,} bytes: left unread.")
            if int(response.headers.get("Content-Length", "0")) > limit:
                raise too_large
            content = bytearray()
            for piece in response.iter_raw():
                content += piece
                if len(content) > limit:
                    raise too_large
                if time.monotonic() - begun > self._patience.whole or self._stop.is_set():
                    raise self._slow(what)
        return bytes(content)

    @contextmanager
    def _response(self, url: str, what: str, patience: Patience) -> Iterator[httpx2.Response]:
        """The answer to a request, redirects within the host followed, its body unread."""
        if self._stop.is_set():
            raise DownloadError("failed", f"The {what} is not fetched, as the program is ending.")
        try:
            for _ in range(_REDIRECTS + 1):
                target = self._own(httpx2.URL(url), what)
                with self._client.stream("GET", target, timeout=_timeout(patience)) as response:
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
        except (httpx2.HTTPError, httpx2.InvalidURL, RuntimeError) as error:  # Runtime: closed meanwhile
            raise DownloadError(
                "failed",
                f"{self._origin.host} broke off while sending the {what}; try again.",
                transient=True,
            ) from error

    @cached_property
    def _client(self) -> httpx2.Client:
        """Made at the first request: it reads the system's certificates, which takes a while."""
        try:
            return httpx2.Client(
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


def _retry_after(text: str) -> float:
    """Seconds from now, given as such or as a date; 0 where it is neither."""
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0
