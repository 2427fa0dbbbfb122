"""A host that misbehaves holds nobody up for long: threads, other films, other visitors and the disk.

Each misbehaviour is played by a local server in NLM's layout.  What is bounded is bounded by `HASTY`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from negviz.collection import Collection, Film
from negviz.download import DownloadError, Patience
from negviz.on_demand import Openi, open_openi
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
)
from tests.test_openi import report_xml

pytestmark = pytest.mark.timing

FILMS = [f"CXR{uid}_IM-{uid:04}-1001" for uid in range(400, 406)]
BAD, GOOD = FILMS[:5], FILMS[5]  # more bad ones than there are threads
COLLECTION = Collection("openi", tuple(Film(id_, f"{id_}.png", id_[3:6]) for id_ in FILMS))
HASTY = Patience(connect=1.0, read=0.8, whole=1.0, attempts=2, backoff=0.02, longest_wait=0.5)
BOUND = 15.0  # seconds for what should take two, on a busy machine
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
    "silent": (silent(2.0), "slow"),
    "drips": (dripping(0.02), "slow"),
    "drips headers": (slow_headers(0.02), "slow"),
    "only hints": (only_hints(0.0), "slow"),
    "hints slowly": (only_hints(0.02), "slow"),
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


@pytest.mark.parametrize("name", MISBEHAVIOURS)
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
