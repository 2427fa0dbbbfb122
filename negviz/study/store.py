"""A reader study in one SQLite file: its design, its readers by code, and every decision as it is made.

A decision is on the disk when `decide` returns (a transaction of its own, synchronous).  The journal is a
rollback journal and not a write-ahead log, so that between two decisions the one file is the whole study and
may be copied.  Threads share one connection under a lock; a second process waits for the file's own.
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal, cast, get_args

from negviz.common.files import write_atomically
from negviz.common.read_files import parse_json
from negviz.study.design import Design, StudyError
from negviz.study.plan import Trial, plan
from negviz.study.records import (
    BACKGROUNDS,
    CHOICES,
    Decision,
    OutOfTurnError,
    Reader,
    Record,
    Showing,
    Times,
    UnknownCodeError,
)

_UNUSABLE: Final = (sqlite3.Error, UnicodeDecodeError)  # the latter for text, and messages, of damaged files
_APPLICATION: Final = 0x6E765354  # "nvST"; how a study is told from other SQLite files
_VERSION: Final = 1
_WAITS: Final = 30.0  # seconds for another process to finish its decision
_SETTINGS: Final = ("foreign_keys = ON", "synchronous = FULL", "secure_delete = ON", "temp_store = MEMORY")
_NO_ROOM: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR_WRITE)
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none is taken for another
_LENGTH: Final = 8  # 40 bits
MOST_READERS: Final = 10_000  # of one study, those who withdrew not counted
_READ_AS: Final = str.maketrans("OIL", "011")
_TABLES: Final = """
CREATE TABLE design (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL);
CREATE TABLE readers (
  number INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL UNIQUE,
  background TEXT NOT NULL, consent TEXT NOT NULL
);
CREATE TABLE trials (
  reader INTEGER NOT NULL REFERENCES readers ON DELETE CASCADE, place INTEGER NOT NULL,
  item INTEGER NOT NULL, flipped INTEGER NOT NULL, showings INTEGER NOT NULL DEFAULT 0, shown_ms INTEGER,
  PRIMARY KEY (reader, place)
);
CREATE TABLE decisions (
  reader INTEGER NOT NULL, place INTEGER NOT NULL, choice TEXT NOT NULL, wrong TEXT NOT NULL,
  active_ms INTEGER NOT NULL, paused_ms INTEGER NOT NULL, pauses INTEGER NOT NULL,
  loading_ms INTEGER NOT NULL, server_ms INTEGER NOT NULL,
  PRIMARY KEY (reader, place), FOREIGN KEY (reader, place) REFERENCES trials ON DELETE CASCADE
);
"""
Journal = Literal["DELETE", "MEMORY"]  # what a transaction that fails is undone from: a file, then memory


class StudyFile:
    """An open study; safe under threads."""

    def __init__(self, path: Path) -> None:
        """Open one.  Raises `StudyError`."""
        if not path.is_file():
            raise StudyError(f"There is no study {path}.")
        self._lock = Lock()
        try:
            self._db = sqlite3.connect(path, timeout=_WAITS, isolation_level=None, check_same_thread=False)
            (application,) = self._db.execute("PRAGMA application_id").fetchone()
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if (application, version) != (_APPLICATION, _VERSION):
                raise StudyError(
                    f"{path} is no study of this version of negviz; go on with the one it was made with, "
                    "or begin another with: python -m training study FILE --new."
                )
            for setting in _SETTINGS:
                self._db.execute(f"PRAGMA {setting}")
            (sound,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
            stored = self._db.execute("SELECT json FROM design").fetchone()
        except _UNUSABLE as error:
            raise StudyError(f"{path} cannot be opened as a study ({error}).") from error
        if sound != "ok" or stored is None or not isinstance(stored[0], str):
            raise StudyError(f"{path} is damaged; go on with a copy of it that is whole.")
        self.design: Final = Design.read(parse_json(stored[0], f"The design in {path}", StudyError))

    @classmethod
    def make(cls, path: Path, design: Design) -> StudyFile:
        """Write a new study, for its owner's eyes only, and open it.  Raises `StudyError`."""
        if path.exists():
            raise StudyError(f"{path} is there already; a study is never overwritten.")
        if not path.parent.is_dir():
            raise StudyError(f"{path.parent} is not a folder; make it first.")
        with sqlite3.connect(":memory:") as new:
            new.executescript(_TABLES)
            new.execute(f"PRAGMA application_id = {_APPLICATION}")
            new.execute(f"PRAGMA user_version = {_VERSION}")
            new.execute("INSERT INTO design VALUES (1, ?)", (json.dumps(design.record()),))
            new.commit()
            content = new.serialize()
        new.close()
        write_atomically(path, content)
        path.chmod(0o600)
        return cls(path)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # Readers ----------------------------------------------------------------------------------

    def enrol(self, *, consent: str, background: str = "not said") -> str:
        """A new reader's code.  `consent` is the text that was agreed to, and is kept."""
        if background not in BACKGROUNDS:
            raise StudyError(f"The background must be one of: {', '.join(BACKGROUNDS)}.")
        code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        trials = plan(self.design, code)
        with self._writing() as db:
            (readers,) = db.execute("SELECT count(*) FROM readers").fetchone()
            if readers >= MOST_READERS:
                raise StudyError("This study has all the readers it can take; tell whoever runs it.")
            sql = "INSERT INTO readers (code, background, consent) VALUES (?, ?, ?)"
            reader = db.execute(sql, (code, background, consent)).lastrowid
            db.executemany(
                "INSERT INTO trials (reader, place, item, flipped) VALUES (?, ?, ?, ?)",
                [(reader, place, trial.item, trial.flipped) for place, trial in enumerate(trials)],
            )
        return code

    def show(self, code: str) -> Showing | None:
        """The reader's next trial, its clock started; None after the last.  Raises `UnknownCodeError`."""
        with self._writing() as db:
            reader = _reader(db, code)
            place = _next(db, reader)
            if place is None:
                return None
            db.execute(
                "UPDATE trials SET showings = showings + 1, shown_ms = ? WHERE reader = ? AND place = ?",
                (_now(), reader, place),
            )
            sql = "SELECT item, flipped FROM trials WHERE reader = ? AND place = ?"
            item, flipped = db.execute(sql, (reader, place)).fetchone()
            (planned,) = db.execute("SELECT count(*) FROM trials WHERE reader = ?", (reader,)).fetchone()
            return Showing(place, planned, self._trial(item, flipped))

    def decide(self, code: str, place: int, decision: Decision) -> bool:
        """Write a decision down; False where this trial has one already, which then stays.

        Raises `UnknownCodeError`, `OutOfTurnError` and `StudyError`.
        """
        if decision.choice not in CHOICES:
            raise StudyError(f"A choice must be one of: {', '.join(CHOICES)}.")
        with self._writing() as db:
            reader = _reader(db, code)
            sql = "SELECT 1 FROM decisions WHERE reader = ? AND place = ?"
            if db.execute(sql, (reader, place)).fetchone():
                return False
            sql = "SELECT item, shown_ms FROM trials WHERE reader = ? AND place = ? AND showings > 0"
            shown = db.execute(sql, (reader, place)).fetchone()
            if shown is None or _next(db, reader) != place:
                raise OutOfTurnError("This is not the comparison you are at; load the page again.")
            item, shown_ms = self.design.items[shown[0]], shown[1]
            films = {film.id for side in item.films for film in side}
            if not set(decision.wrong) <= films:
                raise StudyError("Only films that were shown can be marked.")
            wrong = json.dumps(sorted(set(decision.wrong)))
            db.execute(
                "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (reader, place, decision.choice, wrong, *astuple(decision.times), max(0, _now() - shown_ms)),
            )
        return True

    def withdraw(self, code: str) -> None:
        """Delete a reader and all they decided, on a full disk too.

        Raises `UnknownCodeError`, and `StudyError` where nothing could be deleted.
        """
        # To delete is to overwrite in place: only the journal needs room.  In memory it is gone with the
        # power, so that is for the one thing which may not be put off.
        reason: BaseException | None = None
        for journal in get_args(Journal):
            try:
                with self._writing(journal) as db:
                    db.execute("DELETE FROM readers WHERE number = ?", (_reader(db, code),))
                return
            except StudyError as error:
                reason = error.__cause__
                if not (isinstance(reason, sqlite3.Error) and reason.sqlite_errorcode in _NO_ROOM):
                    raise
        raise StudyError(
            f"Nothing was deleted ({reason}): ask whoever runs the study to make room on its disk, then try "
            "again."
        ) from reason

    # Results ----------------------------------------------------------------------------------

    def records(self) -> tuple[Record, ...]:
        """Every decision, by reader, in the order they were made."""
        times = ", ".join(f"d.{field.name}" for field in fields(Times))
        sql = (
            f"SELECT r.number, r.background, t.place, t.item, t.flipped, d.choice, d.wrong, {times}, "
            "d.server_ms, t.showings FROM decisions d JOIN trials t USING (reader, place) "
            "JOIN readers r ON r.number = d.reader ORDER BY r.number, t.place"
        )
        return tuple(self._record(row) for row in self._read(sql))

    def _record(self, row: tuple[Any, ...]) -> Record:
        number, background, place, item, flipped, choice, wrong, *times, server_ms, showings = row
        films = parse_json(f'{{"wrong": {wrong}}}', "A decision in the study's file", StudyError)["wrong"]
        if choice not in CHOICES or not isinstance(films, list):
            raise StudyError("A decision in the study's file is damaged; go on with a copy that is whole.")
        decision = Decision(choice, tuple(map(str, films)), Times(*times))
        return Record(number, background, place, self._trial(item, flipped), decision, server_ms, showings)

    def _trial(self, item: object, flipped: object) -> Trial:
        if not isinstance(item, int) or not 0 <= item < len(self.design.items):
            raise StudyError("A trial in the study's file is damaged; go on with a copy that is whole.")
        return Trial(item, bool(flipped))

    def readers(self) -> tuple[Reader, ...]:
        """Everybody who agreed, whether they decided anything or not."""
        sql = (
            "SELECT r.number, r.background, count(t.place), count(d.choice) FROM readers r "
            "JOIN trials t ON t.reader = r.number LEFT JOIN decisions d USING (reader, place) "
            "GROUP BY r.number ORDER BY r.number"
        )
        return tuple(Reader(*row) for row in self._read(sql))

    def withdrawn(self) -> int:
        """How many readers have taken back all they decided."""
        given = self._read("SELECT seq FROM sqlite_sequence WHERE name = 'readers'")
        return (int(given[0][0]) if given else 0) - len(self.readers())

    def _read(self, sql: str) -> list[tuple[Any, ...]]:
        with self._lock, _said_plainly():
            return self._db.execute(sql).fetchall()

    @contextmanager
    def _writing(self, journal: Journal = "DELETE") -> Iterator[sqlite3.Connection]:
        """One transaction, the only one that writes; nothing of it stays where it fails."""
        with self._lock, _said_plainly():
            self._db.execute(f"PRAGMA journal_mode = {journal}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite has ended it where the disk is full
                    self._db.execute("ROLLBACK")
                raise


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except _UNUSABLE as error:
        raise StudyError(f"The study's file cannot be used at the moment ({error}); try again.") from error


def spelt(code: str) -> str:
    """A code as it is kept, however it was typed."""
    return re.sub(r"[\s-]", "", code).upper().translate(_READ_AS)


def _reader(db: sqlite3.Connection, code: str) -> int:
    known = spelt(code)
    sql = "SELECT number FROM readers WHERE code = ?"
    found = db.execute(sql, (known,)).fetchone() if known.isascii() else None
    if found is None:
        raise UnknownCodeError("Nobody in this study has this code; look at it again, letter by letter.")
    return cast(int, found[0])


def _next(db: sqlite3.Connection, reader: int) -> int | None:
    sql = (
        "SELECT min(t.place) FROM trials t LEFT JOIN decisions d USING (reader, place) "
        "WHERE t.reader = ? AND d.choice IS NULL"
    )
    return cast("int | None", db.execute(sql, (reader,)).fetchone()[0])


def _now() -> int:
    return time.time_ns() // 1_000_000
