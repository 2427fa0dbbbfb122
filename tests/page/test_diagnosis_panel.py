"""The diagnosis as the page shows it, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from negviz.explain import diagnosis as measured
from negviz.explain.diagnosis import Background, SemanticCollapse
from negviz.page.diagnosis import words
from negviz.page.diagnosis.panel import DiagnosisPanel
from negviz.page.room import Asked, Room
from negviz.page.words import TOLD_APART
from negviz.retrieval.estimate import Estimate

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def panel(room: Room) -> DiagnosisPanel:
    return DiagnosisPanel(room, lambda asked: {"base": 0.04})


def test_three_questions_each_with_every_model(panel: DiagnosisPanel) -> None:
    shown = panel.show(Asked("no pleural effusion").json())
    for question in words.QUESTIONS.values():
        assert question in shown
    for term in words.TERMS.values():
        assert f"({term})" in shown
    assert shown.count('data-model="con2"') == 3
    assert "films show effusion, which you ruled out" in shown
    assert "Share on the “no”: 4 %" in shown


def test_it_says_what_a_sentence_does_not_ask_for(panel: DiagnosisPanel) -> None:
    assert words.NOT_ASKED["hallucination"] in panel.show(Asked("pleural effusion").json())
    odd = panel.show(Asked("films from tuesday").json())
    for sentence in words.NOT_ASKED.values():
        assert sentence in odd


@pytest.mark.parametrize("asked", ["", "no JSON", Asked("").json(), Asked("  ").json()])
def test_nothing_asked_is_a_calm_panel(panel: DiagnosisPanel, asked: str) -> None:
    shown = panel.show(asked)
    assert words.EMPTY in shown
    assert "nv-signature" not in shown


def test_what_is_typed_is_no_markup(panel: DiagnosisPanel) -> None:
    assert SCRIPT not in panel.show(Asked(f"no effusion {SCRIPT}").json())


def test_a_sentence_is_placed_among_the_prompts(
    room: Room, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(measured, "RESULTS", tmp_path / "none.json")
    panel = DiagnosisPanel(room)
    values = {"collapse": (0.9, 0.8), "blindness": (0.5, 0.7), "hallucination": (0.8,)}
    means = {"blindness": Estimate(0.6, 0.5, 0.7)}
    here, there = (films.collection.hash for films in panel.room.sets)
    background = Background(values, means, None, None, (-1.0, 0.0, 1.0), films=here)  # type: ignore[arg-type]
    panel.room.__dict__["backgrounds"] = {"base": background}
    shown = panel.show(Asked("no pleural effusion").json())
    assert "Over the 99 prompts, on these films: 6.0 [5.0, 7.0] of 10 films · yours" in shown
    assert "nv-mine" in shown
    assert "of pairs of the 99 prompts" in shown
    # What counts films is not shown over others; what the sentences alone decide is.
    other = panel.show(Asked("no pleural effusion", panel.room.sets[1].name).json())
    assert here != there
    assert "of 10 films" not in other
    assert other.count("nv-among") == 1
    assert "of pairs of the 99 prompts" in other


def test_what_the_margins_tell_is_said_by_their_interval() -> None:
    assert "prefers the right one in 90 %" in words.separation(Estimate(0.9, 0.8, 0.95))
    for told, side in (
        (Estimate(0.9, 0.8, 0.95), 1),
        (Estimate(0.55, 0.4, 0.7), 0),
        (Estimate(0.2, 0.1, 0.3), -1),
    ):
        assert words.separation(told).startswith(TOLD_APART[side])
    assert words.collapse(SemanticCollapse(0.9, None), None).endswith("1 is the same.")
