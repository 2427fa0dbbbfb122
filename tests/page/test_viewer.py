"""What the viewer is told of a film: findings, the sentence that decided, and what the simulator was told.

The report sentences here are written for these tests.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.common.download import Patience
from negviz.films.collection import Collection, Film, open_collection
from negviz.films.evidence import Evidence, deciding_sentence, film_states
from negviz.films.on_demand import open_openi
from negviz.films.openi import REPORTS
from negviz.films.record import SimulatedFinding, simulated
from negviz.findings import FINDINGS
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.page.viewer import words
from negviz.page.viewer.panel import dialog
from negviz.page.viewer.panel import routes as viewer_routes
from tests.nlm_server import NlmServer, archive

ASKED = Asked("No pleural effusion").json()
REPORT = (
    "The heart is not enlarged. There is a small effusion on the left without pneumothorax. "
    "Nodule cannot be excluded. No effusion on the right."
)
XML = (
    '<eCitation><uId id="CXR{uid}"/><AbstractText Label="FINDINGS">{findings}</AbstractText>'
    '<AbstractText Label="IMPRESSION">{impression}</AbstractText></eCitation>'
)


# The deciding sentence ------------------------------------------------------------------------


def film(
    *,
    findings: frozenset[str] = frozenset(),
    denied: frozenset[str] = frozenset(),
    uncertain: frozenset[str] = frozenset(),
) -> Film:
    return Film("one", "one.png", "1", findings=findings, denied=denied, uncertain=uncertain)


def decided(report: str, of: Film, finding: str) -> Evidence | None:
    return deciding_sentence(tuple(f"{part}." for part in report.rstrip(".").split(". ")), of, finding)


def marked(evidence: Evidence | None) -> str:
    """The sentence with [what is found] and {the cue}."""
    assert evidence is not None
    brackets = {"": "{}", "finding": "[{}]", "cue": "{{{}}}"}
    return "".join(brackets[piece.role].format(piece.text) for piece in evidence.pieces)


def test_a_statement_decides_over_a_denial() -> None:
    found = decided(REPORT, film(findings=frozenset({"effusion"})), "effusion")
    assert marked(found) == "There is a small [effusion] on the left without pneumothorax."
    assert found is not None
    assert (found.number, found.polarity) == (1, "present")


def test_the_cue_that_is_marked_is_the_findings_own() -> None:
    found = decided(REPORT, film(denied=frozenset({"pneumothorax"})), "pneumothorax")
    assert marked(found) == "There is a small effusion on the left {without} [pneumothorax]."
    found = decided(REPORT, film(denied=frozenset({"cardiomegaly"})), "cardiomegaly")
    assert marked(found) == "The [heart is ]{not}[ enlarged]."


def test_a_hedge_is_shown_where_the_film_is_uncertain() -> None:
    found = decided(REPORT, film(uncertain=frozenset({"nodule"})), "nodule")
    assert found is not None
    assert found.polarity == "uncertain"
    assert "{" in marked(found)


def test_what_the_mark_says_comes_before_what_is_strongest() -> None:
    report = "Effusion has resolved. Possible effusion."
    assert decided(report, film(denied=frozenset({"effusion"})), "effusion").polarity == "absent"  # type: ignore[union-attr]
    assert decided(report, film(uncertain=frozenset({"effusion"})), "effusion").polarity == "uncertain"  # type: ignore[union-attr]


def test_silence_gives_no_sentence() -> None:
    assert decided("The lungs are clear.", film(), "effusion") is None


def test_a_finding_decides_against_normal_and_a_normal_film_against_a_finding() -> None:
    ill = decided("No nodule. Large effusion.", film(findings=frozenset({"effusion"})), "normal")
    assert marked(ill) == "Large [effusion]."
    well = film(findings=frozenset({"normal"}), denied=frozenset(FINDINGS) - {"normal"})
    assert marked(decided("Normal chest.", well, "effusion")).startswith("[Normal")
    assert marked(decided("Normal chest. No effusion.", well, "effusion")) == "{No} [effusion]."


@pytest.mark.parametrize("text", ["No é 🫁 effusion.", "<b>No effusion</b>", "No\neffusion", "effusion"])
def test_the_pieces_are_the_sentence(text: str) -> None:
    found = deciding_sentence((text,), film(), "effusion")
    assert found is not None
    assert "".join(piece.text for piece in found.pieces) == text


def test_a_finding_is_present_denied_uncertain_or_not_stated() -> None:
    one = film(findings=frozenset({"effusion"}), denied=frozenset({"nodule"}), uncertain=frozenset({"edema"}))
    states = [film_states(one, name) for name in ("effusion", "nodule", "edema", "fracture", "normal")]
    assert states == ["present", "absent", "uncertain", None, "absent"]


# Simulated films ------------------------------------------------------------------------------


def write(folder: Path, rows: list[dict[str, str]]) -> Collection:
    folder.mkdir(exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return open_collection(folder)


def phantom(id_: str, **cells: str) -> dict[str, str]:
    usual = {"id": id_, "image": f"{id_}.png", "findings": "", "seed": "7", "pair": ""}
    return usual | {"severities": "effusion:0.8|nodule:0.25", "sides": "effusion:left"} | cells


def test_what_was_simulated_is_read_from_the_manifest(tmp_path: Path) -> None:
    films = write(tmp_path, [phantom("a"), phantom("b", severities='{"edema": 1}', sides="", seed="8")])
    found = [simulated(films, one) for one in films]
    assert found[0] is not None
    assert found[0].signs == (SimulatedFinding("effusion", 0.8, "left"), SimulatedFinding("nodule", 0.25, ""))
    assert (found[0].seed, found[0].pair) == ("7", None)
    assert found[1] is not None
    assert found[1].signs == (SimulatedFinding("edema", 1.0, ""),)


@pytest.mark.parametrize(("mine", "other"), [("b", "a"), ("b", ""), ("", "a"), ("p1", "p1")])
def test_a_pair_is_found_from_either_side(tmp_path: Path, mine: str, other: str) -> None:
    films = write(tmp_path, [phantom("a", pair=mine), phantom("b", pair=other), phantom("c")])
    assert [found.pair for one in films if (found := simulated(films, one))] == ["b", "a", None]


def test_no_other_film_was_simulated(collection: Collection) -> None:
    assert all(simulated(collection, one) is None for one in collection)


# The route ------------------------------------------------------------------------------------

Ask = Callable[..., Any]


def client(collection: Collection, openi: Any = None) -> TestClient:
    room = Room({}, (), Pictures(collection, openi=openi))
    return TestClient(Starlette(routes=viewer_routes(room)))


def record(browser: TestClient, film_id: str, asked: str = ASKED) -> Any:
    reply = browser.post("/page/film-record", json={"asked": asked, "id": film_id})
    assert reply.status_code == 200, reply.text
    assert reply.headers["cache-control"] == "no-store"
    return reply.json()


def test_the_record_of_a_film(collection: Collection) -> None:
    known = record(client(collection), "film00")
    assert (known["id"], known["view"], known["in_tuning"]) == ("film00", "PA", False)
    assert known["asked"] == ["effusion"]
    assert [one["finding"] for one in known["findings"]] == [*FINDINGS]
    assert known["findings"][0] == {"finding": "effusion", "state": "present"}
    assert known["unsaid"] == words.NO_REPORTS
    assert (known["link"], known["simulated"], known["satisfies_probability"]) == (None, None, {})


def test_the_collections_own_report_is_quoted(collection: Collection) -> None:
    films = replace(collection, films=(replace(collection.by_id("film00"), report=REPORT),))
    known = record(client(films), "film00")
    assert known["unsaid"] == ""
    (said,) = known["said"]
    assert [piece["text"] for piece in said["pieces"] if piece["role"]] == ["effusion"]
    assert said["note"] == "Sentence 2 of 4 of the report states effusion."
    assert record(client(films), "film00", Asked("zzz").json())["unsaid"] == words.NOTHING_ASKED
    meant = Asked("zzz", meant=("nodule", "present")).json()
    assert record(client(films), "film00", meant)["said"][0]["finding"] == "nodule"


def test_it_says_who_where_no_sentence_does(collection: Collection) -> None:
    silent = Film("a", "a.png", "1", report="The lungs are clear.")
    filed = replace(silent, id="b", findings=frozenset({"effusion"}), indexed=frozenset({"effusion"}))
    doubted = replace(filed, id="c", findings=frozenset(), uncertain=frozenset({"effusion"}))
    doubted = replace(doubted, report="No effusion.")
    unjudged = replace(doubted, id="d", uncertain=frozenset(), indexed=frozenset())
    browser = client(replace(collection, films=(silent, filed, doubted, unjudged)))
    notes = [record(browser, id_)["said"][0]["note"] for id_ in "abcd"]
    assert notes[:2] == [words.silent("effusion"), words.filed_under("effusion")]
    assert words.disagrees("effusion") in notes[2]
    assert notes[3].endswith(words.NOT_COUNTED)
    assert [bool(record(browser, id_)["said"][0]["pieces"]) for id_ in "abc"] == [False, False, True]


def test_a_simulated_film_needs_no_report(tmp_path: Path) -> None:
    browser = client(write(tmp_path, [phantom("a", pair="b"), phantom("b")]))
    known = record(browser, "a")
    assert known["unsaid"] == words.SIMULATED_SAYS
    assert known["simulated"]["pair"] == "b"
    assert known["simulated"]["signs"][0] == {"finding": "effusion", "severity": 0.8, "side": "left"}


@pytest.mark.parametrize("id_", ["../manifest.csv", "film99", "", "film00\0", "/etc/passwd"])
def test_only_films_of_open_collections_are_known(collection: Collection, id_: str) -> None:
    reply = client(collection).post("/page/film-record", json={"asked": ASKED, "id": id_})
    assert (reply.status_code, reply.text) == (404, words.NO_FILM)


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"asked": "", "id": 3}', '{"id": "film00"}', "\xff", "[" * 9_000, "x" * 99_999]
)
def test_other_bodies_are_refused_in_a_sentence(collection: Collection, body: str) -> None:
    reply = client(collection).post("/page/film-record", content=body.encode("latin-1"))
    assert reply.status_code == 400
    assert reply.text in (words.BAD_REQUEST, words.TOO_LONG)


def test_a_question_that_is_none_still_gets_the_film(collection: Collection) -> None:
    for asked in ("nonsense", json.dumps(["x"]), ASKED.replace("No", "\\ud83e No")):
        assert record(client(collection), "film01", asked)["id"] == "film01"


# Reports of Open-i ----------------------------------------------------------------------------


@pytest.fixture
def shelf() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def openi_films(folder: Path | None = None) -> Collection:
    denied = frozenset({"effusion"})
    return Collection("openi", (Film("CXR7_IM-0001-1001", "a.png", "7", denied=denied),), folder)


def reports() -> bytes:
    prose = {"findings": "Heart size is normal. No XXXX or effusion.", "impression": "Clear lungs."}
    return archive({"7": XML.format(uid="7", **prose).encode()})


def test_the_sentence_comes_from_nlms_archive(shelf: ExitStack, tmp_path: Path) -> None:
    nlm = shelf.enter_context(NlmServer({}, reports()))
    openi = open_openi(openi_films(), cache=tmp_path, host=nlm.url)
    shelf.callback(openi.close)
    known = record(client(openi_films(), openi), "CXR7_IM-0001-1001")
    assert "".join(piece["text"] for piece in known["said"][0]["pieces"]) == "No XXXX or effusion."
    assert known["said"][0]["note"].endswith(words.REMOVED)
    assert known["link"] == "https://openi.nlm.nih.gov/detailedresult?img=CXR7_IM-0001-1001&req=4"


def test_it_says_why_nlms_archive_cannot_be_had(shelf: ExitStack, tmp_path: Path) -> None:
    patience = Patience(connect=0.2, read=0.2, whole=0.5, attempts=1)
    openi = open_openi(openi_films(), cache=tmp_path, host="http://127.0.0.1:9", patience=patience)
    shelf.callback(openi.close)
    known = record(client(openi_films(), openi), "CXR7_IM-0001-1001")
    assert known["said"] == []
    assert known["unsaid"].startswith(words.report_missing(""))


def test_an_archive_beside_the_films_is_read_where_nlm_is_not_asked(tmp_path: Path) -> None:
    browser = client(openi_films(tmp_path))
    assert record(browser, "CXR7_IM-0001-1001")["unsaid"] == words.NOT_AT_HAND
    (tmp_path / REPORTS).write_bytes(reports())
    assert record(browser, "CXR7_IM-0001-1001")["said"][0]["pieces"]


# The dialog -----------------------------------------------------------------------------------


def test_the_dialog_names_the_models_and_every_control() -> None:
    made = dialog(["base", "con3", '"><script>'])
    assert "<script>" not in made
    for name in (words.ZOOM_IN, words.INVERT, words.BRIGHTNESS, words.CONTRAST, words.CLOSE, words.COMPARE):
        assert name in made
