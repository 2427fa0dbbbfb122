"""Sharing without a browser: links, QR codes, tables, the sealed file, and the routes that make them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.page.about.card import card
from negviz.page.about.panel import about
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.page.share import words
from negviz.page.share.file import caption, fragment_of
from negviz.page.share.panel import bar
from negviz.page.share.panel import routes as share_routes
from negviz.retrieval.answer import search_sets
from negviz.retrieval.export import CSV_COLUMNS, guarded, seal_holds, sealed, to_csv
from negviz.retrieval.permalink import PermalinkError, address, fragment, qr_code

SENTENCE = "No pleural effusion"
HOSTILE = '"><script>alert(1)</script>'
HALF = "effusion \ud83e"  # half of a surrogate pair


@pytest.fixture
def client(room: Room) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=share_routes(room))) as client:
        yield client


def asked(text: str = SENTENCE, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = json.loads(replace(Asked(text), **more).json())
    return given


# Links ----------------------------------------------------------------------------------------


def test_a_link_holds_the_question_behind_its_hash() -> None:
    made = fragment("effusion & Co? 50 % #1", films="openi/test", meant=("effusion", "absent"))
    assert made.startswith("#q=")
    read = parse_qs(made[1:], strict_parsing=True)
    assert read == {"q": ["effusion & Co? 50 % #1"], "films": ["openi/test"], "meant": ["effusion.absent"]}


def test_a_link_holds_the_models_and_the_opposite_that_were_asked_with() -> None:
    read = parse_qs(fragment_of(Asked("effusion", models=("con3", "steering"), opposite="no fluid"))[1:])
    assert (read["models"], read["opposite"]) == (["con3.steering"], ["no fluid"])


def test_every_picture_says_which_films_and_models_it_is_of(
    models: dict[str, DualEncoder], collection: Collection
) -> None:
    films = replace(collection, name="phantoms")
    simulated = Room(models, search_sets(models, films), Pictures(films))
    said = caption(simulated.answer(Asked(SENTENCE)), simulated)
    assert "Simulated" in said
    assert "drawn by a program, not of patients" in said
    assert models["base"].family in said
    assert models["base"].tower_id[:8] in said
    assert said in unescape(str(bar(Asked(SENTENCE), simulated)))
    with TestClient(Starlette(routes=share_routes(simulated))) as client:
        assert said in unescape(client.post("/share/file", json={"asked": asked()}).text)
    real = Room(models, search_sets(models, collection), Pictures(collection))
    assert "not of patients" not in caption(real.answer(Asked(SENTENCE)), real)


def test_the_file_holds_the_maps_that_are_on_show_and_loads_nothing(client: TestClient, room: Room) -> None:
    film = room.answer(Asked(SENTENCE)).columns[0].hits[0].id
    without = client.post("/share/file", json={"asked": asked()}).text
    assert "nv-where" not in without
    made = client.post("/share/file", json={"asked": asked(), "film": film})
    assert made.text.count("<figure") == 2 * len(room.models)  # the sentence and its opposite
    assert "What moved the score, not where disease is." in made.text
    assert "--nv-towards" in made.text
    assert not re.findall(r'(?:src|href)="(?!data:)', made.text)
    assert seal_holds(made.content)
    for odd in ("nosuch", "../../etc/passwd", 7):
        assert "nv-where" not in client.post("/share/file", json={"asked": asked(), "film": odd}).text


def test_a_qr_code_takes_the_state_of_the_page_and_nothing_else_along(client: TestClient) -> None:
    sent = {"asked": asked(), "page": "https://example.org/"}
    plain = client.post("/share/qr", json=sent).text
    assert client.post("/share/qr", json=sent | {"state": "&film=a%20b&taken=1"}).text != plain
    for state in ("x", "&film=<b>", "&a=1#", "&film=a b", "&A=1"):
        answer = client.post("/share/qr", json=sent | {"state": state})
        assert (answer.status_code, answer.text) == (400, words.NO_STATE)


def test_a_link_leaves_out_what_was_not_said() -> None:
    assert fragment("effusion") == "#q=effusion"
    assert "effusion" in unquote(fragment_of(Asked(HALF)))


def test_an_address_takes_the_fragment_and_nothing_else_along() -> None:
    assert address("https://example.org/x/?a=1#old", "#q=e") == "https://example.org/x/#q=e"
    for page in (
        "",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "http://[",
        "https://e/" + "x" * 3_000,
    ):
        with pytest.raises(PermalinkError, match="http"):
            address(page, "#q=e")


def test_a_qr_code_is_an_svg_of_its_own() -> None:
    code = qr_code("https://example.org/#q=effusion", label=HOSTILE)
    assert code.startswith('<svg role="img" ')
    assert 'xmlns="http://www.w3.org/2000/svg"' in code
    assert "<script" not in code
    with pytest.raises(PermalinkError, match="too long"):
        qr_code("x" * 4_000)


# Tables ---------------------------------------------------------------------------------------


def test_the_table_has_a_row_a_film_and_model(room: Room) -> None:
    given = room.answer(Asked(SENTENCE))
    rows = list(csv.DictReader(io.StringIO(to_csv(given))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == sum(len(column.hits) for column in given.columns)
    assert {row["mark"] for row in rows} <= {"matches", "contradicts", "not stated"}
    first = given.columns[0].hits[0]
    assert (rows[0]["id"], rows[0]["rank"]) == (first.id, "1")
    assert float(rows[0]["similarity"]) == pytest.approx(first.score, abs=1e-6)


def test_unmarked_answers_have_no_marks(room: Room) -> None:
    given = room.answer(Asked("Effusion cannot be excluded"))
    rows = csv.DictReader(io.StringIO(to_csv(given)))
    assert {row["mark"] for row in rows} == {""}


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "  =1", "|x", "%x"])
def test_no_spreadsheet_runs_a_cell(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"


def test_a_sentence_that_is_a_formula_is_text(room: Room) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(room.answer(Asked('=HYPERLINK("x") effusion'))))))
    assert all(row["sentence"].startswith("'=") for row in rows)


# The file -------------------------------------------------------------------------------------


def test_the_seal_tells_whether_a_file_was_changed() -> None:
    content = sealed(f'<p>8 of 10</p><code id="seal">{"0" * 64}</code>')
    assert seal_holds(content)
    assert not seal_holds(content.replace(b"8 of 10", b"9 of 10"))
    assert not seal_holds(b"<p>no seal</p>")
    with pytest.raises(ValueError, match="one place"):
        sealed("<p>no seal</p>")


def test_the_file_opens_offline_and_says_what_it_is(client: TestClient, room: Room) -> None:
    answer = client.post("/share/file", json={"asked": asked()})
    content = answer.content
    assert seal_holds(content)
    text = content.decode()
    model = next(iter(room.models.values()))
    for part in (SENTENCE, model.family, model.tower_id, room.sets[0].name, room.sets[0].collection.hash):
        assert part in text
    assert "Asked for no effusion, base shows " in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert "<script" not in text
    assert not re.search(r"""(?:src|href)=["'](?!data:image/jpeg;base64,)""", text)
    assert text.count("data:image/jpeg;base64,") == sum(
        len(c.hits) for c in room.answer(Asked(SENTENCE)).columns
    )


def test_a_film_that_is_not_at_hand_is_said_to_be(
    models: dict[str, DualEncoder], collection: Collection
) -> None:
    sets = search_sets(models, collection)
    room = Room(models, sets, Pictures(replace(collection, folder=None)))
    with TestClient(Starlette(routes=share_routes(room))) as client:
        text = client.post("/share/file", json={"asked": asked()}).text
    assert words.FILE_NO_PICTURE in text
    assert "data:image" not in text


# Routes ---------------------------------------------------------------------------------------


def test_a_qr_code_leads_to_the_page_that_asked(client: TestClient) -> None:
    answer = client.post("/share/qr", json={"asked": asked(), "page": "https://example.org/"})
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["cache-control"] == "no-store"


def test_the_comparison_is_there_for_a_picture(client: TestClient, room: Room) -> None:
    plain = client.post("/share/comparison", json={"asked": asked()}).json()
    assert [column["name"] for column in plain["columns"]] == ["Base", "CON1", "CON2"]
    assert plain["columns"][0]["films"][0]["mark"]
    assert plain["sentence"] == SENTENCE


@pytest.mark.parametrize("route", ["qr", "comparison", "csv", "file"])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"asked": null}', b'{"asked": {"text": "  "}}', b"[" * 5_000, b'"' + b"x" * 50_000],
)
def test_bad_requests_cost_one_sentence(client: TestClient, route: str, body: bytes) -> None:
    answer = client.post(f"/share/{route}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.text.endswith(".")


def test_a_form_on_another_site_is_refused(client: TestClient) -> None:
    answer = client.post(
        "/share/csv", content=json.dumps({"asked": asked()}), headers={"Content-Type": "text/plain"}
    )
    assert (answer.status_code, answer.text) == (400, words.NOT_JSON)
    assert client.get("/share/csv").status_code == 405


@pytest.mark.parametrize("text", [HOSTILE, HALF, "胸水なし 🫁", "x" * 9_000])
@pytest.mark.parametrize("route", ["comparison", "csv", "file"])
def test_odd_sentences_are_only_text(client: TestClient, route: str, text: str) -> None:
    body = json.dumps({"asked": asked(text)})  # as browsers do it: half a pair is spelt out
    answer = client.post(f"/share/{route}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert b"<script" not in answer.content or route != "file"


# The bar and About ----------------------------------------------------------------------------


def test_the_bar_is_inert_to_what_was_typed(room: Room) -> None:
    shown = bar(Asked(HOSTILE), room)
    assert "<script" not in shown
    assert shown.count("data-share=") == len(words.BUTTONS)
    assert words.NOTHING_YET in bar(Asked(""), room)


def test_about_shows_the_cards_of_the_open_models(room: Room, tmp_path: Any) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "README.md").write_text(
        f"---\na: b\n---\n# tiny\n\n{HOSTILE} **bold**\n", encoding="utf-8"
    )
    shown = about(room, tmp_path)
    assert "<strong>bold</strong>" in shown
    assert HOSTILE not in shown
    assert "a: b" not in shown
    assert "not CheXagent" in shown


def test_a_card_is_read_as_markdown() -> None:
    made = card(
        '## Results\n\n| a | b |\n| --- | ---: |\n| 1 | `x` |\n\n- one\n- two\n\n```json\n{"k": "<b>"}\n```\n'
    )
    assert "<h5>Results</h5>" in made
    assert '<th scope="col">a</th>' in made
    assert "<td><code>x</code></td>" in made
    assert "<li>two</li>" in made
    assert "&lt;b&gt;" in made


@pytest.mark.parametrize(
    "text",
    [
        *("<script>x</script>", "<div onclick=x>\n\n**a**", "[x](javascript:x)", "![x](http://a/b.png)"),
        *("<http://a.b>", "[x]\n\n[x]: http://a.b", "```\n<img>\n```", "# <img>", "    <img>", "&lt;img&gt;"),
        *('| "><img> |\n| --- |\n| [x](http://a) |', "<!-- -->-->[x](http://a)"),
    ],
)
def test_a_card_of_somebody_else_leads_nowhere_and_brings_no_elements(text: str) -> None:
    opened = set(re.findall(r"<(\w+)", card(text)))
    assert opened <= {"p", "strong", "code", "pre", "h4", "div", "table", "thead", "tbody", "tr", "th", "td"}
