"""A host that misbehaves holds nobody up for long: threads, other films, other visitors and the disk.

Each misbehaviour is played by a local server in NLM's layout.  What is bounded is bounded by `HASTY`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gzip
import io
import itertools
import os
import random
import tarfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.common.download import DownloadError, Patience
from negviz.films.cache import FilmCache
from negviz.films.collection import Collection, Film
from negviz.films.on_demand import Openi, open_openi
from negviz.films.openi import OpeniError, read_reports
from negviz.page.pictures import Pictures
from negviz.page.server.films import film_routes
from negviz.page.viewer.reports import MissingReportError, report_sentences
from tests.films.test_openi import report_xml
from tests.nlm_server import (
    ARCHIVE,
    Act,
    NlmServer,
    archive,
    claims,
    cut_short,
    dripping,
    drop,
    endless,
    endless_chunks,
    hang_up,
    only_hints,
    packed,
    picture,
    reset,
    sends,
    silent,
    slow_headers,
    status,
    to_itself,
    well,
)
from training.data import fetch

pytestmark = pytest.mark.timing

FILMS = [f"CXR{uid}_IM-{uid:04}-1001" for uid in range(400, 405)]
BAD, GOOD = FILMS[:4], FILMS[4]  # as many bad ones as there are threads
COLLECTION = Collection("openi", tuple(Film(id_, f"{id_}.png", id_[3:6]) for id_ in FILMS))
HASTY = Patience(connect=2.0, read=1.5, whole=2.0, attempts=2, backoff=0.02, longest_wait=0.5)
BOUND = 20.0  # seconds for what should take two, on a busy machine
FILM = picture()
HTML = b"<!doctype html><title>Log in to this network</title>"
REPORTS = archive({film.uid: report_xml(film.uid, "No effusion.") for film in COLLECTION})

# What a host does, and what people are told is the matter.
MISBEHAVIOURS: dict[str, tuple[Act, str]] = {
    "html": (sends(HTML), "invalid"),
    "hangs up": (hang_up, "failed"),
    "breaks off": (drop, "failed"),
    "resets": (reset, "failed"),
    "sends half": (cut_short, "invalid"),
    "claims less": (claims(10), "invalid"),
    "claims more": (claims(100_000), "failed"),
    "claims far too much": (claims(10**12), "invalid"),
    "claims nonsense": (status(200, {"Content-Length": "many"}), "failed"),
    "silent": (silent(4.0), "slow"),
    "drips": (dripping(0.02), "slow"),
    "drips headers": (slow_headers(0.02), "slow"),
    "only hints": (only_hints(0.02), "slow"),
    "endless": (endless(FILM), "invalid"),
    "endless under a length": (endless(FILM, length=10**15), "invalid"),
    "endless chunks": (endless_chunks(FILM), "invalid"),
    "packed to burst": (packed(50_000_000), "invalid"),
    "to itself": (to_itself, "refused"),
    "to another host": (status(302, {"Location": "http://127.0.0.2:9/x.png"}), "refused"),
    "to a file": (status(302, {"Location": "file:///etc/hostname"}), "refused"),
    "to nowhere": (status(302, {"Location": "http://[::1"}), "refused"),
    "gone": (status(404), "gone"),
    "broken": (status(500), "failed"),
}
SOME = ("html", "resets", "sends half", "drips headers", "endless", "packed to burst", "to a file", "gone")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def nlm() -> Iterator[NlmServer]:
    with NlmServer(dict.fromkeys(FILMS, FILM), REPORTS) as server:
        yield server


@pytest.fixture
def openi(nlm: NlmServer, tmp_path: Path) -> Iterator[Openi]:
    with ExitStack() as stack:
        opened = open_openi(COLLECTION, cache=tmp_path, host=nlm.url, patience=HASTY)
        stack.callback(opened.close)
        yield opened


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_no_misbehaviour_holds_up_the_next_film(
    name: str, nlm: NlmServer, openi: Openi, tmp_path: Path
) -> None:
    act, why = MISBEHAVIOURS[name]
    for id_ in BAD:
        nlm.always(id_, act)
    begun = time.monotonic()
    openi.films.request(BAD)
    assert openi.films.get(GOOD, wait=BOUND) is not None
    for id_ in BAD:
        assert openi.films.get(id_, wait=BOUND) is None
        error = openi.films.missing(id_)
        assert error is not None
        assert error.reason in (why, "slow")  # that it is also on a machine that has much to do
        assert str(error).endswith(".")
        assert nlm.asked(id_) <= HASTY.attempts * 4  # redirects count
    assert time.monotonic() - begun < BOUND
    assert kept(tmp_path) == [f"{GOOD}.png"]


@pytest.mark.parametrize("name", SOME)
def test_no_misbehaviour_passes_for_the_archive_of_reports(
    name: str, nlm: NlmServer, openi: Openi, tmp_path: Path
) -> None:
    act, why = MISBEHAVIOURS[name]
    nlm.always(ARCHIVE, act)
    with pytest.raises(DownloadError) as caught:
        openi.reports.ask().result(BOUND)
    assert caught.value.reason in (why, "slow")
    assert nlm.asked(ARCHIVE) <= HASTY.attempts * 4
    assert kept(tmp_path) == []
    assert openi.films.get(GOOD, wait=BOUND) is not None


@pytest.mark.parametrize("wish", ["9" * 30, "9" * 400, "99999999999", "Mon, 01 Jan 2900 00:00:00 GMT"])
def test_a_host_that_wants_rest_for_ever_is_asked_again_in_an_hour(
    wish: str, nlm: NlmServer, openi: Openi
) -> None:
    nlm.always(BAD[0], status(429, {"Retry-After": wish}))
    with pytest.raises(DownloadError) as caught:
        openi.films.ask(BAD[0]).result(BOUND)
    assert caught.value.reason == "busy"
    assert caught.value.retry_after <= 3600
    assert nlm.requests == 1


@pytest.mark.parametrize(
    "wish",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "Mon, 01 Jan 999999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2030 00:00:00 +" + "9" * 17,
    ],
)
@pytest.mark.parametrize("code", [429, 503])
def test_a_wish_for_rest_that_makes_no_sense_is_none(
    wish: str, code: int, nlm: NlmServer, openi: Openi
) -> None:
    nlm.play(BAD[0], status(code, {"Retry-After": wish}))
    assert openi.films.get(BAD[0], wait=BOUND) is not None
    assert nlm.requests == 2


def test_closing_lets_go_of_what_is_under_way(nlm: NlmServer, tmp_path: Path) -> None:
    nlm.always(GOOD, dripping(0.02))
    patient = open_openi(COLLECTION, cache=tmp_path, host=nlm.url, patience=Patience(read=60, whole=60))
    film = patient.films.ask(GOOD)
    while not nlm.asked(GOOD):
        time.sleep(0.01)
    patient.close()
    with pytest.raises(DownloadError, match="ending"):
        film.result(BOUND)


# What was fetched, on a disk that fails or that others share ----------------------------------


def test_a_kept_film_that_was_cut_off_or_altered_since_is_fetched_again(nlm: NlmServer, openi: Openi) -> None:
    path = openi.films.get(GOOD, wait=BOUND)
    assert path is not None
    altered = bytearray(FILM)
    altered[len(FILM) // 2] ^= 1
    for damaged in (FILM[: len(FILM) // 2], bytes(altered), b""):
        assert openi.films.get(GOOD) == path  # at hand
        path.write_bytes(damaged)
        assert openi.films.get(GOOD, wait=BOUND) == path
        assert path.read_bytes() == FILM
    assert nlm.asked(GOOD) == 4


def test_a_kept_film_is_shown_from_a_disk_that_takes_no_change(
    nlm: NlmServer, openi: Openi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    path = openi.films.get(GOOD, wait=BOUND)
    for change in ("utime", "replace", "unlink"):
        monkeypatch.setattr(os, change, refuse)
    assert openi.films.get(GOOD) == path
    assert nlm.asked(GOOD) == 1


def test_a_full_disk_is_told_and_leaves_nothing(
    nlm: NlmServer, openi: Openi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        for asked in (openi.films.ask(GOOD), openi.reports.ask()):
            with pytest.raises(DownloadError, match=r"cannot be stored: .*No space left") as caught:
                asked.result(BOUND)
            assert caught.value.reason == "disk"
    assert kept(tmp_path) == []
    assert openi.films.get(BAD[0], wait=BOUND) is not None


def test_a_machine_that_gives_no_thread_leaves_nobody_waiting(
    openi: Openi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(DownloadError, match="try again later"):
            openi.films.ask(GOOD)
    assert openi.films.get(GOOD, wait=BOUND) is not None


def test_two_programs_keep_one_folder_within_its_bound(tmp_path: Path) -> None:
    limit = 3 * len(FILM)
    first, second = (FilmCache(tmp_path, limit=limit) for _ in range(2))
    for one, other in itertools.pairwise(FILMS):
        first.keep(one, FILM)
        second.keep(other, FILM)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= limit


# The archive of reports -----------------------------------------------------------------------


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        for member, content in members:
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return out.getvalue()


def long_name(size: int) -> bytes:
    """An archive of few bytes whose first member has a name of `size`."""
    member = tarfile.TarInfo("././@LongLink")
    member.type = tarfile.GNUTYPE_LONGNAME
    return tar((member, bytes(size)), (tarfile.TarInfo("x.xml"), report_xml("1", "Clear.")))


def test_an_archive_of_few_bytes_that_unpacks_to_far_too_much_is_refused() -> None:
    packed_small = long_name(120_000_000)
    assert len(packed_small) < 1_000_000
    with pytest.raises(OpeniError, match="far too much"):
        read_reports(packed_small)


@pytest.mark.parametrize(
    "xml",
    [
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        report_xml("one", "Clear."),
        report_xml("²", "Clear."),
        b"<a>" * 300_000,
        b"",
    ],
    ids=["no encoding", "a wide encoding", "a word for a number", "a high number", "deep", "empty"],
)
def test_a_report_that_is_none_is_told_in_a_sentence(xml: bytes) -> None:
    with pytest.raises(OpeniError, match="not an Open-i report"):
        read_reports(archive({"1": xml}))


def test_an_archive_writes_nothing_wherever_its_members_want_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    link = tarfile.TarInfo("link.xml")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    outside = [tarfile.TarInfo(name) for name in ("../out.xml", str(tmp_path / "absolute.xml"))]
    xml = report_xml("7", "Clear.")
    assert read_reports(tar((link, b""), *((member, xml) for member in outside))).keys() == {"7"}
    assert list(tmp_path.iterdir()) == []


def test_an_archive_of_damaged_bytes_is_read_or_refused() -> None:
    """Each of 400 damages ends in reports or in a sentence, never in another error."""
    chance = random.Random(7)
    plain = gzip.decompress(REPORTS)
    for number in range(400):
        damaged = bytearray(plain if number % 2 else REPORTS)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        cut = bytes(damaged[: chance.randrange(len(damaged))] if number % 3 == 0 else damaged)
        with contextlib.suppress(OpeniError):
            read_reports(gzip.compress(cut, 1) if number % 2 else cut)


# The page, and the command --------------------------------------------------------------------


@pytest.mark.parametrize("name", SOME)
def test_visitors_get_a_sentence_or_a_placeholder_and_others_their_film(
    name: str, nlm: NlmServer, openi: Openi
) -> None:
    act, _ = MISBEHAVIOURS[name]
    for id_ in BAD:
        nlm.always(id_, act)
    browser = TestClient(Starlette(routes=film_routes(Pictures(COLLECTION, openi=openi))))

    def get(size: str, id_: str) -> Response:
        return browser.get(f"/film/{size}", params={"id": id_})

    with ThreadPoolExecutor(len(BAD)) as visitors:
        tiles = [visitors.submit(get, "tile", id_) for id_ in BAD]
        assert get("tile", GOOD).status_code == 200
        for tile in tiles:
            assert tile.result(BOUND).status_code in (404, 502, 504)
            assert tile.result().headers["content-type"].startswith("image/svg+xml")
    told = get("large", BAD[0])
    assert told.status_code in (404, 502, 504)
    assert told.text.endswith(".")


@pytest.mark.parametrize("name", SOME)
def test_a_report_that_does_not_come_is_told_in_a_sentence(name: str, nlm: NlmServer, openi: Openi) -> None:
    act, _ = MISBEHAVIOURS[name]
    nlm.always(ARCHIVE, act)
    asking = report_sentences(Pictures(COLLECTION, openi=openi), COLLECTION, COLLECTION.films[0])
    with ThreadPoolExecutor(1) as apart:  # the browser tests' driver keeps a loop running in this thread
        error = apart.submit(asyncio.run, asking).exception(BOUND)
    assert isinstance(error, MissingReportError)
    assert str(error).endswith(".")


@pytest.mark.parametrize("name", SOME)
def test_the_command_says_in_a_sentence_what_stops_it_and_goes_on(
    name: str, nlm: NlmServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    act, _ = MISBEHAVIOURS[name]

    def fetch_all() -> fetch.Fetched:
        return fetch.fetch(
            COLLECTION, COLLECTION.films, tmp_path, host=nlm.url, patience=HASTY, per_second=1000
        )

    nlm.always(ARCHIVE, act)
    with pytest.raises(
        fetch.FetchError, match=r"0 of 5 films .*; run the same command again to go on\.$"
    ) as no:
        fetch_all()
    assert "\n" not in str(no.value)
    nlm.always(ARCHIVE, well)
    nlm.always(BAD[0], act)
    outcome = fetch_all()
    assert outcome.here.keys() == {*FILMS} - {BAD[0]}
    assert str(outcome.failed[BAD[0]]).endswith(".")
    nlm.always(BAD[0], well)
    assert fetch_all().here.keys() == {*FILMS}
    assert {nlm.asked(id_) for id_ in FILMS if id_ != BAD[0]} == {1}
    assert "5/5" in capsys.readouterr().err  # the progress
