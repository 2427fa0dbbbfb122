"""A comparison as one file of HTML that opens anywhere, offline and without any script, and says what it is.

The films are in it as thumbnails; its policy forbids it to load anything at all.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from negviz.page import words as page_words
from negviz.page.room import Asked, Room
from negviz.page.share import words
from negviz.page.widgets.tile import MARKS
from negviz.retrieval.answer import Answer, Column
from negviz.retrieval.export import UNSEALED, sealed
from negviz.retrieval.search import Hit
from negviz.retrieval.sets import SearchSet

_EMPTY: Final = Markup("")
_STYLE: Final = Markup(
    "body{font:16px/1.4 system-ui,sans-serif;margin:0 auto;max-width:1200px;padding:16px;color:#14181B;"
    "background:#fff}h1{font-size:22px;overflow-wrap:anywhere}h2{font-size:18px}p,dl{margin:8px 0}"
    ".strip{background:#14181B;color:#fff;text-align:center;padding:4px}.columns{display:grid;gap:24px;"
    "grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr))}ol{display:grid;gap:8px;padding:0;"
    "list-style:none;grid-template-columns:repeat(auto-fill,minmax(92px,1fr))}li{font-size:13px}"
    ".well{display:grid;place-items:center;aspect-ratio:1;background:#000;color:#A7B1B8;text-align:center;"
    "overflow:hidden;overflow-wrap:anywhere}.well img{width:100%;height:100%;object-fit:contain}"
    ".matches{color:#006B5B}.contradicts{color:#A3276B}.not-stated{color:#525C63}"
    "code{overflow-wrap:anywhere}dt{font-weight:600}dd{margin:0 0 4px;overflow-wrap:anywhere}"
)


@dataclass(frozen=True)
class Sheet:
    """A comparison in words: what the exports print."""

    sentence: str
    verdict: str  # "" where nothing is marked
    columns: tuple[tuple[str, str, str, Column], ...]  # name, role, count, and the films
    credit: str


def sheet(asked: Asked, room: Room) -> tuple[Sheet, Answer, SearchSet]:
    """The comparison, anew or from memory.  Raises `AnswerError`."""
    films, given = room.films(asked.films), room.answer(asked)
    columns = tuple(
        (*page_words.column_title(column.model), _count(given, column), column) for column in given.columns
    )
    credit = page_words.CREDITS.get(films.collection.name, "")
    return Sheet(given.prompt.text, _verdict(given), columns, credit), given, films


def _count(given: Answer, column: Column) -> str:
    if not given.marked:
        return ""
    tally = column.tally
    said = page_words.precision(tally.matches, tally.judged, len(column.hits), column.random_picks)
    return " · ".join(filter(None, said))


def _verdict(given: Answer) -> str:
    if not given.marked:
        return ""
    first = given.columns[0]
    asked = page_words.asked_for([(mention.finding, mention.polarity) for mention in given.mentions])
    showing = None if first.showing is None else given.mentions[0].finding
    counts = [
        (column.model, column.tally.contradicts if column.showing is None else column.showing)
        for column in given.columns
    ]
    return "".join(page_words.verdict(asked, showing, counts, len(first.hits)))


def plain(asked: Asked, room: Room) -> dict[str, Any]:
    """The comparison as JSON, for the browser to draw a picture of."""
    shown, given, _ = sheet(asked, room)
    return {
        "title": page_words.TITLE,
        "sentence": shown.sentence,
        "verdict": shown.verdict,
        "notes": [line for line in (page_words.NOT_CLINICAL, shown.credit) if line],
        "columns": [
            {
                "name": name,
                "role": role,
                "count": count,
                "films": [_plain_film(given, hit) for hit in column.hits],
            }
            for name, role, count, column in shown.columns
        ],
    }


def _plain_film(given: Answer, hit: Hit) -> dict[str, Any]:
    shape, word, name = MARKS[hit.relevant] if given.marked else ("", "", "")
    return {"id": hit.id, "shape": shape, "mark": word, "kind": name, "score": page_words.number(hit.score)}


def to_file(asked: Asked, room: Room, thumbnails: Mapping[str, bytes]) -> bytes:
    """The sealed file; `thumbnails` are JPEGs by id, as far as they are at hand."""
    shown, given, films = sheet(asked, room)
    model = next(iter(room.models.values()))
    facts = {
        "family": " ".join(filter(None, (model.family, (model.source or {}).get("id")))),
        "tower": ", ".join(sorted({each.tower_id for each in room.chosen(asked).values()})),
        "films": films.name,
        "count": f"{len(films):,}",
        "hash": films.collection.hash,
        "made": page_words.base_note(model.family, (model.source or {}).get("id")),
    }
    page = Markup(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        '<style>{style}</style></head><body><p class="strip">{strip}</p><main><h1>{label} “{sentence}”</h1>'
        '<p>{verdict}</p><div class="columns">{columns}</div><p>{credit}</p><h2>{facts_label}</h2>'
        '<dl>{facts}<dt>{seal_label}</dt><dd><code id="seal">{seal}</code></dd></dl><p>{seal_how}</p>'
        "</main></body></html>\n"
    ).format(
        title=words.FILE_TITLE,
        style=_STYLE,
        strip=page_words.NOT_CLINICAL,
        label=words.FILE_SENTENCE,
        sentence=shown.sentence,
        verdict=shown.verdict,
        columns=_EMPTY.join(_column(given, each, thumbnails) for each in shown.columns),
        credit=shown.credit,
        facts_label=words.FILE_FACTS,
        facts=_EMPTY.join(
            Markup("<dt>{}</dt><dd>{}</dd>").format(words.FILE_PARTS[key], value)
            for key, value in facts.items()
        ),
        seal_label=words.FILE_SEAL,
        seal=UNSEALED,
        seal_how=words.FILE_SEAL_HOW,
    )
    return sealed(str(page))


def _column(
    given: Answer, described: tuple[str, str, str, Column], thumbnails: Mapping[str, bytes]
) -> Markup:
    name, role, count, column = described
    films = _EMPTY.join(_film(given, hit, thumbnails.get(hit.id)) for hit in column.hits)
    return Markup(
        "<section><h2>{} <small>{}</small></h2><p><strong>{}</strong></p><ol>{}</ol></section>"
    ).format(name, role, count, films)


def _film(given: Answer, hit: Hit, thumbnail: bytes | None) -> Markup:
    shape, word, kind = MARKS[hit.relevant] if given.marked else ("", "", "")
    inside = (
        Markup('<img alt="" src="data:image/jpeg;base64,{}">').format(base64.b64encode(thumbnail).decode())
        if thumbnail
        else Markup("<span>{}</span>").format(words.FILE_NO_PICTURE)
    )
    mark = Markup('<div class="{}">{} {}</div>').format(kind, shape, word) if word else ""
    return Markup('<li><div class="well">{}</div>{}<div>#{} · {}</div><div>{}</div></li>').format(
        inside, mark, hit.rank, page_words.number(hit.score), hit.id
    )
