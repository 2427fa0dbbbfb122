"""A comparison to take away: as CSV, and as a file of HTML that carries a seal.

The seal is the file's own SHA-256, taken with the seal's 64 characters as zeros, so that a file can be
checked with nothing but itself: `seal_holds(path.read_bytes())`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from typing import Final

from negviz.retrieval.answer import Answer
from negviz.retrieval.search import Hit

CSV_COLUMNS: Final = ("model", "rank", "id", "mark", "similarity", "findings", "sentence", "films")
MARKS: Final = {True: "matches", False: "contradicts", None: "not stated"}
UNSEALED: Final = "0" * 64
_SEAL: Final = re.compile(rb'<code id="seal">([0-9a-f]{64})</code>')
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")  # what spreadsheets take for a formula


def to_csv(answer: Answer) -> str:
    """A row a film and model.  Spreadsheets are kept from running anything that a row holds."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for column in answer.columns:
        for hit in column.hits:
            found = "|".join(sorted(answer.films.collection.by_id(hit.id).findings))
            mark = mark_of(answer, hit)
            similarity = f"{hit.score:.6f}"  # a number: its minus sign is no formula
            text = [
                guarded(cell)
                for cell in (column.model, hit.id, mark, found, answer.prompt.text, answer.films.name)
            ]
            model, id_, said, findings, sentence, name = text
            writer.writerow([model, hit.rank, id_, said, similarity, findings, sentence, name])
    return out.getvalue()


def mark_of(answer: Answer, hit: Hit) -> str:
    """The mark in words; "" where nothing is marked."""
    return MARKS[hit.relevant] if answer.marked else ""


def guarded(cell: str) -> str:
    """A cell that no spreadsheet runs (OWASP: a leading apostrophe makes it text)."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def sealed(html: str) -> bytes:
    """The file, its seal put where `UNSEALED` stands in `<code id="seal">`."""
    content = html.encode()
    if len(_SEAL.findall(content)) != 1:
        raise ValueError("A file to be sealed has one place for the seal.")
    digest = hashlib.sha256(_SEAL.sub(_put(UNSEALED), content)).hexdigest()
    return _SEAL.sub(_put(digest), content)


def seal_holds(content: bytes) -> bool:
    """Whether a file is as it was sealed."""
    found = _SEAL.search(content)
    return found is not None and sealed(content.decode(errors="replace")) == content


def _put(seal: str) -> bytes:
    return b'<code id="seal">%s</code>' % seal.encode()
