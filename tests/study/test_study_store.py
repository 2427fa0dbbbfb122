"""The study's file: every decision at once, once, by its reader and in turn, whoever else is writing."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from negviz.study import store as study_store
from negviz.study.design import StudyError
from negviz.study.plan import plan
from negviz.study.records import Choice, Decision, OutOfTurnError, Times, UnknownCodeError
from negviz.study.store import StudyFile, spelt
from tests.tiny_study import tiny_design

TIMES = Times(active_ms=1_200, paused_ms=300, pauses=1, loading_ms=50)
AGREED = "I agree."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.sqlite"


@pytest.fixture
def study(path: Path) -> Iterator[StudyFile]:
    study = StudyFile.make(path, tiny_design())
    yield study
    study.close()


def decide(study: StudyFile, code: str, choice: Choice = "left", wrong: tuple[str, ...] = ()) -> int:
    """Decide the reader's next trial; its place."""
    showing = study.show(code)
    assert showing is not None
    assert study.decide(code, showing.place, Decision(choice, wrong, TIMES))
    return showing.place


def test_a_reader_sees_their_plan_in_order_and_comes_to_an_end(study: StudyFile) -> None:
    code = study.enrol(consent=AGREED)
    expected = plan(study.design, code)
    for place, trial in enumerate(expected):
        showing = study.show(code)
        assert showing is not None
        assert (showing.place, showing.of, showing.trial) == (place, len(expected), trial)
        decide(study, code)
    assert study.show(code) is None
    assert [record.trial for record in study.records()] == [*expected]


def test_a_study_takes_so_many_readers_and_says_so(study: StudyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_store, "MOST_READERS", 2)
    code, _ = (study.enrol(consent=AGREED) for _ in range(2))
    with pytest.raises(StudyError, match="all the readers it can take"):
        study.enrol(consent=AGREED)
    study.withdraw(code)
    assert study.enrol(consent=AGREED)


def test_who_comes_back_goes_on_where_they_were(study: StudyFile, path: Path) -> None:
    code = study.enrol(consent=AGREED, background="radiologist")
    assert [decide(study, code, "right", ("film01",)) for _ in range(3)] == [0, 1, 2]
    seen = study.show(code)
    study.close()
    again = StudyFile(path)
    assert again.show(f" {code[:4].lower()}-{code[4:]} ") == seen
    decide(again, code, "same")
    *before, last = again.records()
    assert [record.decision for record in before] == [Decision("right", ("film01",), TIMES)] * 3
    assert (last.place, last.decision.choice, last.showings) == (3, "same", 3)
    assert [(reader.number, reader.background, reader.decided) for reader in again.readers()] == [
        (1, "radiologist", 4)
    ]
    again.close()


def test_a_decision_is_in_the_one_file_as_soon_as_it_is_made(
    study: StudyFile, path: Path, tmp_path: Path
) -> None:
    code = study.enrol(consent=AGREED)
    decide(study, code)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    shutil.copy(path, tmp_path / "copy")  # as after a crash: nothing was closed
    copy = StudyFile(tmp_path / "copy")
    assert len(copy.records()) == 1
    copy.close()


def test_a_decision_stands(study: StudyFile) -> None:
    code = study.enrol(consent=AGREED)
    place = decide(study, code, "left")
    assert not study.decide(code, place, Decision("right", (), TIMES))  # sent twice
    assert [record.decision.choice for record in study.records()] == ["left"]


def test_decisions_out_of_turn_or_about_other_films_are_refused(study: StudyFile) -> None:
    code = study.enrol(consent=AGREED)
    for place in (0, 1, -1, 99):  # none has been shown
        with pytest.raises(OutOfTurnError):
            study.decide(code, place, Decision("left", (), TIMES))
    study.show(code)
    with pytest.raises(OutOfTurnError):
        study.decide(code, 1, Decision("left", (), TIMES))
    with pytest.raises(StudyError, match="shown"):
        study.decide(code, 0, Decision("left", ("film99",), TIMES))
    with pytest.raises(StudyError, match="choice"):
        study.decide(code, 0, Decision("neither", (), TIMES))  # type: ignore[arg-type]
    assert study.records() == ()
    for unknown in ("", "00000000", "' OR 1=1 --"):
        with pytest.raises(UnknownCodeError):
            study.show(unknown)


@pytest.mark.parametrize("value", [-1, 1.5, None, "1", 10**12])
def test_times_are_whole_and_bounded(value: object) -> None:
    with pytest.raises(StudyError):
        Times(value, 0, 0, 0)  # type: ignore[arg-type]


def test_concurrent_readers_lose_nothing_and_a_decision_is_taken_once(tmp_path: Path) -> None:
    study = StudyFile.make(tmp_path / "small", tiny_design(1))
    other = StudyFile(tmp_path / "small")  # as another process has it

    def read(mine: StudyFile) -> str:
        code = mine.enrol(consent=AGREED)
        while (showing := mine.show(code)) is not None:
            mine.decide(code, showing.place, Decision("left", (), TIMES))
        return code

    with ThreadPoolExecutor(6) as pool:
        codes = [*pool.map(read, [study] * 5 + [other])]
    assert len(set(codes)) == 6
    assert [(reader.planned, reader.decided) for reader in study.readers()] == [(3, 3)] * 6
    code = study.enrol(consent=AGREED)
    study.show(code)

    def say(mine: StudyFile) -> bool:
        return mine.decide(code, 0, Decision("same", (), TIMES))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(say, [study, study, study, other])) == [False] * 3 + [True]
    for each in (study, other):
        each.close()


def test_who_withdraws_leaves_nothing_behind(study: StudyFile, path: Path) -> None:
    gone, stays = (study.enrol(consent=AGREED) for _ in range(2))
    for code in (gone, stays):
        decide(study, code)
    study.withdraw(gone)
    with pytest.raises(UnknownCodeError):
        study.show(gone)
    assert gone.encode() not in path.read_bytes()
    assert [record.reader for record in study.records()] == [2]
    assert study.withdrawn() == 1
    assert study.enrol(consent=AGREED) not in (gone, stays)
    assert [reader.number for reader in study.readers()] == [2, 3]


# Fills the disk that its folder is, then has one of two readers leave.
_ON_A_FULL_DISK = """
import os, sys
from pathlib import Path
from negviz.study.design import StudyError
from negviz.study.store import StudyFile
from tests.tiny_study import tiny_design
folder = Path(sys.argv[1])
study = StudyFile.make(folder / "study", tiny_design())
gone, stays = (study.enrol(consent="I agree.") for _ in range(2))
try:
    with (folder / "filling").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
except OSError:
    pass
try:
    study.show(stays)
except StudyError as error:
    print(error)
study.withdraw(gone)
content = (folder / "study").read_bytes()
print(gone.encode() in content, stays.encode() in content, len(study.readers()), study.withdrawn())
(folder / "filling").unlink()
print(study.show(stays).place, sorted(path.name for path in folder.iterdir()))
"""


@pytest.mark.timing
def test_who_withdraws_on_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    mount = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    small = 'mount -t tmpfs -o size=256k none "$1"'
    probe = [*mount, small, "-", str(tmp_path)]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be made small here")
    run = [sys.executable, "-c", _ON_A_FULL_DISK, str(tmp_path)]
    done = subprocess.run(
        [*mount, f'{small} && shift && exec "$@"', "-", str(tmp_path), *run],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    full, left, after = done.stdout.splitlines()
    assert "disk is full" in full
    assert left == "False True 1 1"
    assert after == "0 ['study']"


def test_who_withdraws_where_no_journal_can_be_written_is_deleted(study: StudyFile, path: Path) -> None:
    gone, stays = (study.enrol(consent=AGREED) for _ in range(2))
    path.with_name(f"{path.name}-journal").symlink_to("nowhere")  # SQLite makes nothing where a link leads
    with pytest.raises(StudyError, match="try again"):
        study.show(stays)
    study.withdraw(gone)
    assert gone.encode() not in path.read_bytes()
    assert [reader.number for reader in study.readers()] == [2]
    path.with_name(f"{path.name}-journal").unlink()
    decide(study, stays)


def test_who_cannot_be_deleted_is_told_so(study: StudyFile, path: Path) -> None:
    code = study.enrol(consent=AGREED)
    decide(study, code)
    journal = path.with_name(f"{path.name}-journal")
    journal.symlink_to(path)  # SQLite follows no link, and changes nothing while it cannot look there
    with pytest.raises(StudyError, match=r"^Nothing was deleted \(.*\): ask whoever runs the study"):
        study.withdraw(code)
    journal.unlink()
    assert len(study.records()) == 1
    study.withdraw(code)
    assert study.records() == ()


def test_what_was_agreed_to_is_kept_and_no_more_than_that(study: StudyFile, path: Path) -> None:
    code = study.enrol(consent=AGREED, background="in training")
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT * FROM readers").fetchall() == [(1, code, "in training", AGREED)]
    db.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(StudyError, match="background"):
        study.enrol(consent=AGREED, background="Dr Somebody")


def test_what_is_no_study_is_not_opened_and_no_study_is_overwritten(study: StudyFile, path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(StudyError, match="never overwritten"):
        StudyFile.make(path, tiny_design())
    assert path.read_bytes() == before
    folder = path.parent
    (folder / "text").write_text("no database " * 100, encoding="utf-8")
    with sqlite3.connect(folder / "other") as db:
        db.execute("CREATE TABLE design (json TEXT)")
    db.close()
    for name in ("text", "other", "absent", "."):
        with pytest.raises(StudyError):
            StudyFile(folder / name)
    with pytest.raises(StudyError, match="not a folder"):
        StudyFile.make(folder / "nowhere" / "study", tiny_design())


@pytest.mark.parametrize("typed", ["k7qm-3xpd", "K7QM 3XPD", " k7qm3xpd\n"])
def test_codes_are_read_as_people_type_them(typed: str) -> None:
    assert spelt(typed) == "K7QM3XPD"
    assert spelt("oil0") == "0110"


def test_a_damaged_study_is_a_sentence_wherever_a_bit_fell(study: StudyFile, path: Path) -> None:
    """Opened, shown, decided and read: what can be told to be damaged is, and nothing is a traceback."""
    code = study.enrol(consent="yes")
    study.show(code)
    study.decide(code, 0, Decision("left", (), Times(1, 0, 0, 0)))
    study.close()
    whole, random = path.read_bytes(), np.random.default_rng(0)
    said = 0
    for place in random.integers(0, len(whole), 300).tolist():
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        try:
            opened = StudyFile(path)
        except StudyError:
            said += 1
            continue
        try:
            opened.records(), opened.readers(), opened.withdrawn()
            opened.show(code)
        except StudyError:
            said += 1
        finally:
            opened.close()
    assert said > 10


@pytest.mark.parametrize("length", [0, 1, 100, 4096, 5000])
def test_a_study_that_was_cut_is_a_sentence(study: StudyFile, path: Path, length: int) -> None:
    study.close()
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(StudyError, match=r"\.$"):
        StudyFile(path)
