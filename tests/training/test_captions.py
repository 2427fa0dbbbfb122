"""What CON3 learns to read: which captions there are, what they say, and which films they are true of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from negviz.evaluation.prompts import PromptRow, read_prompts, template
from negviz.films.collection import Film
from negviz.films.openi import Report
from negviz.language.prompt import read_mentions
from training.data import typed
from training.data.bank import MEASURED_ON
from training.data.captions import Bank, Caption, Said, make_bank, shows, truth
from training.data.wordings import FRAMES, WordingsError, compose, read_frames
from training.paths import PROMPTS


def film(number: int, findings: str = "", denied: str = "") -> Film:
    return Film(
        str(number),
        "",
        f"u{number}",
        findings=frozenset(findings.split()),
        denied=frozenset(denied.split()),
        split="train",
    )


FILMS = [
    film(0, findings="effusion", denied="nodule"),
    film(1, denied="effusion nodule"),
    film(2, findings="nodule"),
    film(3, findings="normal"),
    film(4, findings="effusion nodule"),
]
ROW = PromptRow(
    "Known pleural effusion", "effusion", "present", "structured", {"opposite": "No known pleural effusion"}
)
REPORTS = {
    "u0": Report("u0", (), "There is an effusion. No nodule.", "Sternal wires.", "", ()),
    "u1": Report("u1", (), "No effusion or nodule. XXXX effusion.", "No nodule.", "", ()),
}


def bank(barred: tuple[str, ...] = ()) -> Bank:
    return make_bank([ROW], compose(read_frames()), FILMS, REPORTS, barred)


def test_a_caption_is_true_of_films_as_its_mentions_say() -> None:
    captions = [
        Caption("a", (("effusion", "present"),), "prompt", 0),
        Caption("b", (("effusion", "absent"), ("nodule", "present")), "composed", 0),
        Caption("c", (("effusion", "uncertain"),), "sentence", 0),
        Caption("d", (), "sentence", 0),
    ]
    nan = np.nan
    expected = [[1, 0, nan, 0, 1], [0, 0, nan, 0, 0], [nan] * 5, [nan] * 5]
    np.testing.assert_array_equal(truth(captions, FILMS), expected)
    np.testing.assert_array_equal(shows(FILMS, "nodule"), [0, 0, 1, 0, 1])


def test_prompts_are_put_to_other_findings_and_read_back_as_said() -> None:
    prompts = [caption for caption in bank().captions if caption.source == "prompt"]
    assert {"Known pulmonary edema", "Known lung nodule", "Known cardiomegaly"} <= {c.text for c in prompts}
    for caption in prompts:
        for each in (caption, caption.turned):
            assert {(m.finding, m.polarity) for m in read_mentions(each.text)} == set(each.said)


def test_sentences_stand_once_with_their_studies_and_without_what_was_blacked_out() -> None:
    said = {c.text: (c.said, set(c.studies)) for c in bank().captions if c.source == "sentence"}
    expected: dict[str, tuple[Said, set[str]]] = {
        "There is an effusion.": ((("effusion", "present"),), {"u0"}),
        "No nodule.": ((("nodule", "absent"),), {"u0", "u1"}),
        "Sternal wires.": ((), {"u0"}),
        "No effusion or nodule.": ((("effusion", "absent"), ("nodule", "absent")), {"u1"}),
    }
    assert said == expected
    assert [c.text for c in bank().of_studies({"u1"}).captions if c.source == "sentence"] == [
        "No nodule.",
        "No effusion or nodule.",
    ]


def test_nothing_shares_a_template_with_what_something_is_measured_on() -> None:
    composed = [caption.text for caption in bank().captions if caption.source == "composed"]
    barred = ("no small nodule", "Known cardiomegaly", composed[0], composed[-1])
    kept = {template(text) for c in bank(barred).captions for text in (c.text, c.opposite) if text}
    assert kept.isdisjoint(map(template, barred))
    assert {template(text) for text in barred} <= {template(c.text) for c in bank().captions}


def test_typed_sentences_are_captions_with_opposites_and_share_no_template_with_what_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = tmp_path / "frames.csv"
    rows = (
        "nope no {x},denial,x:absent",
        "there is {x} over here,plain,x:present",
        "{x} or not?,doubt,x:uncertain",
    )
    held_already = next(frame for frame in read_frames() if frame.slots == ("x",))
    told = f'"{held_already.text}",denial,x:absent'
    frames.write_text("\n".join(("frame,kind,said", *rows, told)), encoding="utf-8")
    monkeypatch.setattr(typed, "TYPED_FRAMES", frames)
    captions = list(typed.typed_captions([]))
    assert {caption.source for caption in captions} == {"typed"}
    assert {caption.kind for caption in captions} <= {"denial", "plain", "doubt", typed.JOINED}
    single = [caption for caption in captions if caption.kind != typed.JOINED]
    assert len({(caption.kind, caption.fold) for caption in single}) == 3  # a frame is held out as a whole
    paired = [caption for caption in captions if caption.opposite]
    assert {caption.kind for caption in paired} >= {"denial", "plain"}
    for caption in paired:
        said = {(m.finding, m.polarity) for m in read_mentions(caption.turned.text)}
        assert said == {*caption.turned.said} != {*caption.said}
    barred = [paired[0].text, paired[1].opposite]
    left = {template(text) for c in typed.typed_captions(barred) for text in (c.text, c.opposite) if text}
    assert left.isdisjoint(map(template, barred))
    assert left


def test_a_bank_without_a_finding_never_speaks_of_it() -> None:
    without = bank().without("effusion")
    assert 0 < len(without) < len(bank())
    assert all("effusion" not in caption.findings for caption in without.captions)


def test_the_shipped_frames_say_what_they_claim_and_leave_the_tests_alone() -> None:
    frames = read_frames()
    assert len({frame.text for frame in frames}) == len(frames)
    assert {"double negation", "pseudo-negation", "list", "contrast"} <= {frame.kind for frame in frames}
    barred = [row.prompt for name in MEASURED_ON for row in read_prompts(PROMPTS / name)]
    composed = make_bank([], compose(frames), [], {}, barred).captions
    assert {template(caption.text) for caption in composed}.isdisjoint(map(template, barred))
    assert [c.text for c in compose(frames)] == [c.text for c in compose(frames)]
    filled = [caption for caption in composed if caption.kind == "contrast"]
    assert all(len(caption.findings) == len(caption.said) and "{" not in caption.text for caption in filled)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("frame,kind\nNo {x},pre\n", "lacks the column said"),
        ("frame,kind,said\nNo {x},pre,x:never\n", "line 2"),
        ("frame,kind,said\nNo {x},pre,water:absent\n", "is not understood"),
    ],
)
def test_a_bad_file_of_frames_is_refused_in_a_sentence(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / FRAMES.name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(WordingsError, match=complaint):
        read_frames(path)
