"""How what people type is scored."""

from __future__ import annotations

from pathlib import Path

import pytest

from negviz.language.prompt import read_prompt
from training.measure.reader import ReaderSetError
from training.measure.typed import Score, Typed, measure_typed, read_typed, score, scored_before


def typed(text: str, *gold: tuple[str, str], ask: bool = False) -> Typed:
    return Typed("nurse", text, frozenset(gold), ask)


RIGHT = Score(right=True, suggested=False, marked_wrongly=False, asked=False)
WRONG = Score(right=False, suggested=False, marked_wrongly=True, asked=False)
UNREAD = Score(right=False, suggested=False, marked_wrongly=False, asked=False)
SUGGESTED = Score(right=False, suggested=True, marked_wrongly=False, asked=True)
IN_VAIN = Score(right=False, suggested=False, marked_wrongly=False, asked=True)


@pytest.mark.parametrize(
    ("row", "comes"),
    [
        (typed("no effusion", ("effusion", "absent")), RIGHT),
        (typed("hello"), RIGHT),
        (typed("no effusion", ("effusion", "present")), WRONG),
        (typed("no effusion, a nodule", ("effusion", "absent")), WRONG),
        (typed("possible effusion", ("effusion", "absent")), UNREAD),
        (typed("qwerty", ("effusion", "absent")), UNREAD),
        (typed("collapsed lung", ("pneumothorax", "present"), ask=True), SUGGESTED),
        (typed("collapsed lung", ("edema", "present"), ask=True), IN_VAIN),
        (typed("PE", ask=True), SUGGESTED),
        (typed("effusion", ("effusion", "present"), ask=True), UNREAD),
        (typed("kein Erguss", ask=True), SUGGESTED),
    ],
)
def test_what_comes_of_a_prompt(row: Typed, comes: Score) -> None:
    assert score(row, read_prompt(row.text)) == comes


def test_shares_are_of_all_prompts() -> None:
    rows = [
        typed("no effusion", ("effusion", "absent")),
        typed("collapsed lung", ("edema", "present"), ask=True),
    ]
    measured = measure_typed(rows, read_prompt)
    assert measured["to_be_asked"] == 1
    shares = {what: each["value"] for what, each in measured["negviz"].items()}
    assert shares == {
        "right": 0.5,
        "right_or_suggested": 0.5,
        "marked_wrongly": 0,
        "asked": 0.5,
        "asked_needlessly": 0,
    }
    assert measured["by_user"]["nurse"]["asked"] == 1


def test_labels_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "typed.csv"
    path.write_text("user,text,mentions,ask\nnurse,no effusion,effusion:absent|nodule:present,no\n")
    (row,) = read_typed(path)
    assert row == typed("no effusion", ("effusion", "absent"), ("nodule", "present"))
    path.write_text("user,text,mentions,ask\nnurse,no effusion,effusion:gone,no\n")
    with pytest.raises(ReaderSetError, match="effusion:gone"):
        read_typed(path)


def test_a_file_of_prompts_is_scored_once() -> None:
    before = {"data": {"typed.csv": "a1", "typed-last.csv": "b2"}, "typed": {"typed": {"prompts": 3}}}
    assert scored_before(before, {"typed.csv": "a1", "typed-last.csv": "changed"}) == {
        "typed": {"prompts": 3}
    }
    assert scored_before({}, {"typed.csv": "a1"}) == {}
