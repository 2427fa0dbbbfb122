"""Films and reports on demand, and `fetch`, against a local server in NLM's layout that misbehaves."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from negviz.common.download import Downloader, DownloadError, Patience
from negviz.films.cache import FilmCache, NotAFilm, check_film
from negviz.films.collection import Collection, Film, open_collection
from negviz.films.nlm import FilmSource
from negviz.films.nlm_reports import ReportSource
from negviz.films.on_demand import open_openi
from tests.films.test_openi import report_xml
from tests.nlm_server import (
    ARCHIVE,
    Act,
    NlmServer,
    archive,
    claims,
    cut_short,
    drip,
    drop,
    hang_up,
    no_length,
    picture,
    sends,
    silent,
    status,
    well,
)
from training.__main__ import main
from training.data import fetch

FILM = "CXR1_IM-0001-4001"
FILMS = [f"CXR{uid}_IM-{uid:04}-1001" for uid in range(400, 412)]
HASTY = Patience(connect=1.0, read=2.0, whole=3.0, attempts=3, backoff=0.02, longest_wait=0.5)
HASTIER = replace(HASTY, read=0.2, whole=0.4)  # for servers that are slow on purpose
GIF = b"GIF89a" + bytes(64)
HTML = b"<!doctype html><title>Log in to this network</title>"


def bomb(side: int) -> bytes:
    """A PNG of few bytes that would unpack to side x side pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(10_000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def nlm() -> Iterator[NlmServer]:
    films = {film_id: picture(shade=shade) for shade, film_id in enumerate([FILM, *FILMS])}
    with NlmServer(films) as server:
        yield server


Make = Callable[..., FilmSource]


@pytest.fixture
def make(nlm: NlmServer, tmp_path: Path) -> Iterator[Make]:
    """Film sources of one cache folder, hasty unless told otherwise."""
    made: list[FilmSource | Downloader] = []

    def source(
        *,
        host: str = nlm.url,
        patience: Patience = HASTY,
        per_second: float = 1000.0,
        limit: int | None = None,
        workers: int = 4,
        believed: float = 60.0,
    ) -> FilmSource:
        downloader = Downloader(host, patience=patience, per_second=per_second)
        cache = FilmCache(tmp_path / "films", limit=limit)
        films = FilmSource(downloader, cache, [FILM, *FILMS], workers=workers, believed=believed)
        made.extend((films, downloader))
        return films

    yield source
    for thing in made:
        thing.close()


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def reason(films: FilmSource, film_id: str = FILM) -> str:
    """Why a film cannot be had; its sentence must be one."""
    assert films.get(film_id, wait=5) is None
    error = films.missing(film_id)
    assert error is not None
    sentence = str(error)
    assert sentence[0].isupper() or sentence.startswith("127.0.0.1")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return error.reason


# One film -------------------------------------------------------------------------------------


def test_a_film_comes_once_and_stays_over_a_restart(nlm: NlmServer, make: Make) -> None:
    path = make().get(FILM, wait=5)
    assert path is not None
    assert path.read_bytes() == nlm.films[FILM]
    assert make().get(FILM) == path  # at hand: no waiting
    assert nlm.asked(FILM) == 1


def test_a_jpeg_is_kept_under_its_own_ending(nlm: NlmServer, make: Make) -> None:
    nlm.films[FILM] = picture("JPEG")
    path = make().get(FILM, wait=5)
    assert path is not None
    assert path.suffix == ".jpg"


@pytest.mark.parametrize(
    "trouble",
    [drop, hang_up, cut_short, no_length, claims(10), claims(100_000), status(500), status(408)],
)
def test_passing_trouble_is_cured_by_trying_again(nlm: NlmServer, make: Make, trouble: Act) -> None:
    nlm.play(FILM, trouble)
    path = make().get(FILM, wait=5)
    assert path is not None
    assert path.read_bytes() == nlm.films[FILM]
    assert nlm.asked(FILM) == 2


@pytest.mark.parametrize(
    ("trouble", "why", "tries"),
    [
        (status(404), "gone", 1),
        (status(410), "gone", 1),
        (status(403), "refused", 1),
        (status(206), "refused", 1),
        (status(500), "failed", 3),
        (drop, "failed", 3),
        (cut_short, "invalid", 3),
        (sends(b""), "invalid", 3),
        (sends(HTML), "invalid", 1),
        (sends(GIF), "invalid", 1),
        (sends(bomb(6_000)), "invalid", 1),
        (sends(bomb(10_000)), "invalid", 1),
        (sends(bomb(60_000)), "invalid", 1),
        (sends(picture(size=(1, 1))), "invalid", 1),
        (sends(bytes(6_000_000)), "invalid", 1),
        (claims(10**12), "invalid", 1),
        (status(429), "busy", 3),
        (status(503), "busy", 3),
    ],
)
def test_lasting_trouble_has_a_reason_and_leaves_nothing_behind(
    nlm: NlmServer, make: Make, tmp_path: Path, trouble: Act, why: str, tries: int
) -> None:
    nlm.always(FILM, trouble)
    films = make()
    assert reason(films) == why
    assert nlm.asked(FILM) == tries
    assert films.get(FILM, wait=1) is None
    assert nlm.asked(FILM) == tries  # believed for a while
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("trouble", [silent(0.4), drip(0.1)])
def test_a_slow_answer_is_not_waited_for(nlm: NlmServer, make: Make, trouble: Act) -> None:
    nlm.always(FILM, trouble)
    begun = time.monotonic()
    assert reason(make(patience=HASTIER)) == "slow"
    assert time.monotonic() - begun < 3
    nlm.always(FILM, well)
    assert make().get(FILM, wait=5) is not None


def test_what_was_believed_is_tried_again_later(nlm: NlmServer, make: Make) -> None:
    nlm.play(FILM, *[status(500)] * 3)
    films = make(believed=0.2)
    assert reason(films) == "failed"
    time.sleep(0.25)
    assert films.missing(FILM) is None
    assert films.get(FILM, wait=5) is not None


# Redirects ------------------------------------------------------------------------------------


def test_redirects_within_the_host_are_followed_but_not_in_circles(nlm: NlmServer, make: Make) -> None:
    nlm.play(FILM, status(302, {"Location": f"/imgs/512/400/400/{FILMS[0]}.png"}))
    path = make().get(FILM, wait=5)
    assert path is not None
    assert path.read_bytes() == nlm.films[FILMS[0]]
    nlm.always(FILMS[1], status(302, {"Location": f"/imgs/512/0/401/{FILMS[1]}.png"}))
    assert reason(make(), FILMS[1]) == "refused"


def test_no_other_host_is_ever_asked(nlm: NlmServer, make: Make) -> None:
    with NlmServer({FILM: picture()}) as other:
        elsewhere = other.url + "/imgs/512/1/1/" + FILM + ".png"
        nlm.always(FILM, status(302, {"Location": elsewhere}))
        assert reason(make()) == "refused"
        assert other.requests == 0
        downloader = Downloader(nlm.url)
        with pytest.raises(DownloadError, match="another host"):
            downloader.fetch(elsewhere, what="film", limit=1000, use=bytes)
        downloader.close()
        assert other.requests == 0


@pytest.mark.parametrize("film_id", ["CXR1_IM-0001-9999", "../../etc/passwd", ""])
def test_ids_outside_the_collection_are_never_asked_for(nlm: NlmServer, make: Make, film_id: str) -> None:
    films = make()
    assert films.get(film_id, wait=1) is None
    with pytest.raises(DownloadError, match="no such film"):
        films.ask(film_id)
    assert nlm.requests == 0


# Politeness -----------------------------------------------------------------------------------


def test_retry_after_is_honoured_by_everybody(nlm: NlmServer, make: Make) -> None:
    patience = Patience(backoff=0.01, longest_wait=5)
    nlm.play(FILM, status(429, {"Retry-After": "1"}))
    films = make(patience=patience)
    films.request([FILM])
    while nlm.asked(FILM) == 0:
        time.sleep(0.01)
    time.sleep(0.1)
    begun = time.monotonic()
    assert films.get(FILMS[0], wait=5) is not None  # another film waits too
    assert time.monotonic() - begun > 0.6
    assert films.get(FILM, wait=5) is not None


@pytest.mark.parametrize("as_date", [False, True])
def test_a_host_that_wants_long_rest_is_left_alone(nlm: NlmServer, make: Make, as_date: bool) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    nlm.play(FILM, status(429, {"Retry-After": later if as_date else "3600"}))
    films = make(believed=0.0)
    assert reason(films) == "busy"
    assert reason(films, FILMS[0]) == "busy"
    assert nlm.requests == 1


def test_requests_are_spaced_and_few_at_once(nlm: NlmServer, make: Make) -> None:
    nlm.delay = 0.05
    films = make(per_second=50, workers=3)
    films.request(FILMS)
    assert all(films.get(film_id, wait=5) for film_id in FILMS)
    assert 1 < nlm.most_at_once <= 3
    assert nlm.times[-1] - nlm.times[0] > (len(FILMS) - 1) / 50 * 0.9


def test_one_film_is_fetched_once_however_many_ask(nlm: NlmServer, make: Make) -> None:
    nlm.delay = 0.1
    films = make()
    with ThreadPoolExecutor(24) as pool:
        paths = list(pool.map(lambda _: films.get(FILM, wait=5), range(24)))
    assert len(set(paths)) == 1
    assert paths[0] is not None
    assert nlm.asked(FILM) == 1


def test_films_come_in_the_order_asked_and_nobody_has_to_wait(nlm: NlmServer, make: Make) -> None:
    nlm.delay = 0.02
    films = make(workers=1)
    begun = time.monotonic()
    films.request(FILMS)
    assert films.get(FILMS[-1]) is None
    assert films.missing(FILMS[-1]) is None  # on its way
    assert time.monotonic() - begun < 0.1
    assert films.get(FILMS[0], wait=5) is not None
    assert nlm.asked(FILMS[-1]) == 0


def test_closing_drops_what_waits(nlm: NlmServer, make: Make) -> None:
    nlm.delay = 0.1
    films = make(workers=1)
    last = [films.ask(film_id) for film_id in FILMS][-1]
    films.close()
    with pytest.raises(DownloadError, match="ending"):
        last.result(1)
    with pytest.raises(DownloadError):
        films.ask(FILM)


# Routes ---------------------------------------------------------------------------------------


def test_a_route_takes_films_and_one_that_leaves_disturbs_nobody(nlm: NlmServer, make: Make) -> None:
    nlm.delay = 0.15
    films = make()

    async def visit() -> tuple[Path | BaseException, ...]:
        leaving = asyncio.create_task(films.take(FILM, wait=5))
        staying = asyncio.create_task(films.take(FILM, wait=5))
        hurried = asyncio.create_task(films.take(FILM, wait=0.01))
        unknown = asyncio.create_task(films.take("nothing", wait=5))
        await asyncio.sleep(0.05)
        leaving.cancel()
        return tuple(await asyncio.gather(leaving, staying, hurried, unknown, return_exceptions=True))

    with ThreadPoolExecutor(1) as apart:  # the browser tests' driver keeps a loop running in this thread
        left, path, late, none = apart.submit(lambda: asyncio.run(visit())).result()
    assert isinstance(left, asyncio.CancelledError)
    assert isinstance(path, Path)
    assert isinstance(late, DownloadError)
    assert late.reason == "slow"
    assert isinstance(none, DownloadError)
    assert none.reason == "gone"
    assert nlm.asked(FILM) == 1


# Reachable ------------------------------------------------------------------------------------


def soon(question: Callable[[], bool | None]) -> bool | None:
    """What is known once something is."""
    until = time.monotonic() + 5
    while question() is None and time.monotonic() < until:
        time.sleep(0.01)
    return question()


def test_whether_films_can_be_had_is_found_out_behind_and_remembered(nlm: NlmServer, make: Make) -> None:
    nlm.delay = 0.1
    films = make()
    assert films.reachable() is None  # nobody waits for the answer
    assert soon(films.reachable) is True
    assert films.reachable() is True
    assert nlm.requests == 1


@pytest.mark.parametrize("lie", [sends(HTML), status(404), status(302, {"Location": "http://127.0.0.2/"})])
def test_a_host_that_has_no_films_is_not_nlm(nlm: NlmServer, make: Make, lie: Act) -> None:
    nlm.always(FILM, lie)
    assert soon(make().reachable) is False


def test_offline_costs_one_film_its_tries_and_the_others_nothing(make: Make) -> None:
    films = make(host=f"http://127.0.0.1:{closed_port()}", believed=60)
    assert reason(films) == "offline"
    assert films.reachable() is False
    begun = time.monotonic()
    assert [films.get(film_id, wait=5) for film_id in FILMS] == [None] * len(FILMS)
    assert time.monotonic() - begun < 0.1
    assert "cannot be reached" in str(films.missing(FILMS[0]))


def test_films_come_again_when_the_connection_does(nlm: NlmServer, make: Make) -> None:
    nlm.play(FILM, status(503))
    films = make(believed=0.1)
    assert soon(films.reachable) is False
    time.sleep(0.15)
    assert films.reachable() is False  # what was heard last, and asks anew
    time.sleep(0.15)
    assert films.reachable() is True
    assert films.get(FILM, wait=5) is not None


# The cache ------------------------------------------------------------------------------------


def test_the_least_used_films_leave_when_the_cache_is_full(tmp_path: Path) -> None:
    film = picture()
    cache = FilmCache(tmp_path, limit=4 * len(film))
    for film_id in FILMS[:4]:
        cache.keep(film_id, film)
    assert cache.find(FILMS[0]) is not None  # used last, so it stays
    cache.keep(FILMS[4], film)
    assert [film_id for film_id in FILMS[:5] if cache.find(film_id)] == [FILMS[0], FILMS[3], FILMS[4]]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 4 * len(film)


def test_limit_and_order_of_use_hold_over_a_restart(tmp_path: Path) -> None:
    film = picture()
    first = FilmCache(tmp_path)
    for film_id in FILMS[:6]:
        first.keep(film_id, film)
    first.find(FILMS[0])
    FilmCache(tmp_path, limit=3 * len(film)).keep(FILMS[6], film)
    assert sorted(path.stem for path in tmp_path.iterdir()) == [FILMS[0], FILMS[6]]


def test_a_film_that_was_damaged_or_deleted_is_fetched_again(
    nlm: NlmServer, make: Make, tmp_path: Path
) -> None:
    path = make().get(FILM, wait=5)
    assert path is not None
    path.write_bytes(picture()[:200])
    assert make().get(FILM, wait=5) == path
    assert path.read_bytes() == nlm.films[FILM]
    films = make()
    assert films.get(FILM) == path
    path.unlink()
    assert films.get(FILM, wait=5) == path


def test_leftovers_of_another_machine_are_swept_once_they_are_old(tmp_path: Path) -> None:
    old, new = (tmp_path / f".{FILM}.png-{name}.elsewhere.negviz-partial" for name in ("old", "new"))
    for leftover in (old, new):
        leftover.write_bytes(b"half")
    os.utime(old, (0, 0))
    FilmCache(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [new.name]


def test_a_disk_that_takes_nothing_is_a_reason(nlm: NlmServer, make: Make, tmp_path: Path) -> None:
    (tmp_path / "films").write_bytes(b"a file where the folder should be")
    assert reason(make()) == "disk"
    assert nlm.asked(FILM) == 1


@pytest.mark.parametrize("content", [b"", GIF, HTML, bomb(6_000), picture()[:300], picture("JPEG")[:300]])
def test_only_whole_films_enter(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NotAFilm):
        check_film(content)
    with pytest.raises(NotAFilm):
        FilmCache(tmp_path).keep(FILM, content)
    assert list(tmp_path.iterdir()) == []


# Reports --------------------------------------------------------------------------------------

REPORTS = archive({uid: report_xml(uid, "No effusion.") for uid in ("1", "400")})


def reports_of(nlm: NlmServer, folder: Path, studies: tuple[str, ...] = ("1", "400")) -> ReportSource:
    return ReportSource(Downloader(nlm.url, patience=HASTY, per_second=1000), folder / ARCHIVE, studies)


def test_reports_are_fetched_once_for_all_studies_and_restarts(nlm: NlmServer, tmp_path: Path) -> None:
    nlm.reports = REPORTS
    reports = reports_of(nlm, tmp_path)
    assert reports.report("1") is None  # on its way
    assert reports.missing() is None
    found = reports.report("400", wait=5)
    assert found is not None
    assert found.sentences == ("No effusion.",)
    assert reports.report("999") is None
    assert reports_of(nlm, tmp_path).report("1", wait=5) is not None
    assert nlm.asked(ARCHIVE) == 1


def test_a_damaged_archive_is_fetched_again(nlm: NlmServer, tmp_path: Path) -> None:
    nlm.reports = REPORTS
    nlm.play(ARCHIVE, drop, cut_short)
    (tmp_path / ARCHIVE).write_bytes(REPORTS[:50])
    assert reports_of(nlm, tmp_path).report("1", wait=5) is not None
    assert nlm.asked(ARCHIVE) == 3
    assert (tmp_path / ARCHIVE).read_bytes() == REPORTS


@pytest.mark.parametrize(
    ("trouble", "why"), [(sends(HTML), "invalid"), (status(404), "gone"), (claims(10**9), "invalid")]
)
def test_what_is_no_archive_is_not_kept(nlm: NlmServer, tmp_path: Path, trouble: Act, why: str) -> None:
    nlm.reports = REPORTS
    nlm.always(ARCHIVE, trouble)
    reports = reports_of(nlm, tmp_path)
    assert reports.report("1", wait=5) is None
    error = reports.missing()
    assert error is not None
    assert error.reason == why
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_lacks_studies_is_not_the_one(nlm: NlmServer, tmp_path: Path) -> None:
    nlm.reports = REPORTS
    reports = reports_of(nlm, tmp_path, ("1", "2"))
    assert reports.report("1", wait=5) is None
    assert "lacks 1 stud" in str(reports.missing())


def test_both_behind_one_door(nlm: NlmServer, tmp_path: Path) -> None:
    nlm.reports = REPORTS
    known = (Film(FILM, f"images/{FILM}.jpg", "1"), Film(FILMS[0], f"images/{FILMS[0]}.jpg", "400"))
    openi = open_openi(Collection("drawn", known), cache=tmp_path, host=nlm.url)
    assert openi.films.get(FILM, wait=5) == tmp_path / "openi" / "films" / f"{FILM}.png"
    assert openi.reports.report("400", wait=5) is not None
    openi.close()


def test_reports_beside_the_films_are_read_where_they_lie(nlm: NlmServer, tmp_path: Path) -> None:
    (tmp_path / ARCHIVE).write_bytes(REPORTS)
    collection = Collection("drawn", (Film(FILM, f"images/{FILM}.jpg", "1"),), tmp_path)
    openi = open_openi(collection, cache=tmp_path / "cache", host=nlm.url)
    assert openi.reports.report("1", wait=5) is not None
    assert nlm.requests == 0
    openi.close()


# `python -m training fetch` -------------------------------------------------------------------


@pytest.fixture(scope="module")
def openi() -> Collection:
    return open_collection("openi")


@pytest.fixture(scope="module")
def all_reports(openi: Collection) -> bytes:
    return archive({film.uid: report_xml(film.uid, "Clear.") for film in openi})


@pytest.fixture
def full(openi: Collection, all_reports: bytes) -> Iterator[NlmServer]:
    """A server with a report on every study and the same picture for every film."""
    film = picture()
    with NlmServer({known.id: film for known in openi}, all_reports) as server:
        yield server


def fetch_some(server: NlmServer, openi: Collection, count: int, folder: Path) -> fetch.Fetched:
    wanted = fetch.choose(openi, str(count))
    return fetch.fetch(openi, wanted, folder, host=server.url, patience=HASTY, per_second=1000)


def test_the_command_writes_a_collection_that_opens(
    full: NlmServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "films"
    given = ["fetch", "openi", "--to", str(folder), "--films", "2", "--host", full.url]
    assert main(given) == 0
    assert "2 of 2 films" in capsys.readouterr().out
    written = open_collection(folder)
    assert len(written) == 2
    assert {film.split for film in written} == {"test"}
    assert all(written.image(film).size == (96, 80) for film in written)
    assert (folder / ARCHIVE).read_bytes() == full.reports
    asked = full.requests
    full.stop()
    assert main(given) == 0  # all is there: nobody is asked
    assert full.requests == asked


def test_fetch_goes_on_where_it_stopped_and_repairs(
    full: NlmServer, openi: Collection, tmp_path: Path
) -> None:
    fetch_some(full, openi, 5, tmp_path)
    broken, *whole = sorted((tmp_path / "images").iterdir())
    broken.write_bytes(b"\x89PNG")
    fetch_some(full, openi, 8, tmp_path)
    assert len(open_collection(tmp_path)) == 8
    assert full.asked(broken.stem) == 2
    assert {full.asked(path.stem) for path in whole} == {1}
    assert full.asked(ARCHIVE) == 1
    assert full.most_at_once <= fetch.CONNECTIONS


def test_single_films_that_cannot_be_had_are_named_and_the_rest_comes(
    full: NlmServer, tmp_path: Path, openi: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = fetch.choose(openi, "2")[0].id
    full.always(gone, status(404))
    assert main(["fetch", "openi", "--to", str(tmp_path), "--films", "2", "--host", full.url]) == 1
    out = capsys.readouterr().out
    assert "1 of 2 films" in out
    assert f"has no film {gone}." in out
    assert len(open_collection(tmp_path)) == 1


def test_offline_is_one_clear_line(tmp_path: Path, openi: Collection) -> None:
    host = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(
        fetch.FetchError, match=r"cannot be reached.*0 of 3 films.*run the same command again"
    ):
        fetch.fetch(openi, fetch.choose(openi, "3"), tmp_path, host=host, patience=HASTY)


def test_a_connection_that_goes_halfway_keeps_and_lists_what_came(
    full: NlmServer, openi: Collection, tmp_path: Path
) -> None:
    for film in fetch.choose(openi, "30")[6:]:
        full.always(film.id, hang_up)
    with pytest.raises(fetch.FetchError, match="6 of 30 films"):
        fetch_some(full, openi, 30, tmp_path)
    assert len(open_collection(tmp_path)) == 6
    assert full.requests < 60


def test_a_manifest_of_somebody_else_is_left_alone(
    full: NlmServer, openi: Collection, tmp_path: Path
) -> None:
    (tmp_path / "manifest.csv").write_text("image,findings\nmine.png,effusion\n", encoding="utf-8")
    with pytest.raises(fetch.FetchError, match="new folder"):
        fetch_some(full, openi, 1, tmp_path)
    assert full.requests == 0


def test_which_films(openi: Collection) -> None:
    assert len(fetch.choose(openi, "test")) == 70
    assert fetch.choose(openi, "75")[:70] == fetch.choose(openi, "test")
    assert len(fetch.choose(openi, "all")) == len(openi)


@pytest.mark.parametrize("which", ["0", "-1", "some", ""])
def test_other_films_are_refused(which: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "openi", "--to", str(tmp_path), "--films", which]) == 2
    assert "neither all, test nor a number" in capsys.readouterr().err
