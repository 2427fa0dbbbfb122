"""The prompt files, and what reads them: counts, and no template shared by training and evaluation."""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from negviz.evaluation.prompts import PromptFileError, PromptRow, read_prompts, template
from negviz.findings import ABNORMAL

PROMPTS = Path(__file__).parents[2] / "assets" / "prompts"
EVALUATION = read_prompts(PROMPTS / "evaluation.csv")
TRAINING = read_prompts(PROMPTS / "training.csv")
OTHERS = read_prompts(PROMPTS / "findings.csv")
TRAINED_ON = [text for row in TRAINING for text in (row.prompt, row.extra["opposite"])]
JUDGED_ON = [row.prompt for row in (*EVALUATION, *OTHERS)]


def cells(rows: list[PromptRow]) -> Counter[tuple[str, str]]:
    return Counter((row.kind, row.polarity) for row in rows)


def test_evaluation_is_99_prompts_about_effusion() -> None:
    assert len(EVALUATION) == 99
    assert {row.finding for row in EVALUATION} == {"effusion"}
    assert cells(EVALUATION) == {
        ("structured", "present"): 25,
        ("structured", "absent"): 25,
        ("natural", "present"): 25,
        ("natural", "absent"): 24,
    }
    assert "no pleural effusion" in JUDGED_ON


def test_training_has_thirty_prompts_a_cell_each_with_its_opposite() -> None:
    assert {row.finding for row in TRAINING} == {"effusion"}
    assert len(cells(TRAINING)) == 4
    assert min(cells(TRAINING).values()) >= 30
    assert all(row.extra["opposite"].strip() for row in TRAINING)


def test_every_other_finding_has_two_prompts_a_cell() -> None:
    counts = Counter((row.finding, row.kind, row.polarity) for row in OTHERS)
    assert {finding for finding, _, _ in counts} == set(ABNORMAL) - {"effusion"}
    assert len(counts) == 9 * 4
    assert set(counts.values()) == {2}


@pytest.mark.parametrize("prompts", [TRAINED_ON, JUDGED_ON], ids=["training", "evaluation"])
def test_no_prompt_is_written_twice(prompts: list[str]) -> None:
    assert [
        text for text, n in Counter(text.casefold().strip(" .?") for text in prompts).items() if n > 1
    ] == []


def test_training_and_evaluation_share_no_wording_and_no_template() -> None:
    assert {text.casefold() for text in TRAINED_ON}.isdisjoint(text.casefold() for text in JUDGED_ON)
    assert {template(text) for text in TRAINED_ON}.isdisjoint(template(text) for text in JUDGED_ON)


def test_no_training_sentence_is_nearly_an_evaluation_sentence() -> None:
    judged = [template(text).split() for text in JUDGED_ON]
    closest = max(
        (SequenceMatcher(None, template(text).split(), words).ratio(), text)
        for text in TRAINED_ON
        for words in judged
    )
    assert closest[0] <= 0.8, closest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("No pleural effusion.", "no small left-sided effusion"),
        (
            "PA chest X-ray showing a moderate effusion",
            "Portable radiograph showing a big right pneumothorax",
        ),
        ("There's fluid around the left lung", "theres water around the right lung"),
        ("I see a big heart", "I see a pleural effusion"),
        ("FINDINGS: NO RIB FRACTURE", "findings - no pulmonary edema!"),
    ],
)
def test_finding_size_side_view_case_and_punctuation_make_no_template(one: str, other: str) -> None:
    assert template(one) == template(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("no effusion", "effusion"),
        ("effusion is absent", "effusion is present"),
        ("without effusion", "no effusion"),
    ],
)
def test_other_words_make_another_template(one: str, other: str) -> None:
    assert template(one) != template(other)


def test_a_prompt_of_nothing_has_an_empty_template() -> None:
    assert template("  …!? ") == ""


HEADER = "prompt,finding,polarity,kind\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "lacks the column prompt, finding, polarity, kind"),
        (b"prompt,finding\nno effusion,effusion\n", "lacks the column polarity, kind"),
        (HEADER.encode(), "holds nothing below its header"),
        ((HEADER + "no effusion,hernia,absent,natural\n").encode(), "line 2: unknown finding 'hernia'"),
        ((HEADER + "no effusion,effusion,maybe,natural\n").encode(), "unknown polarity 'maybe'"),
        ((HEADER + "no effusion,effusion,absent,lay\n").encode(), "unknown kind 'lay'"),
        ((HEADER + " ,effusion,absent,natural\n").encode(), "empty prompt"),
        ((HEADER + "no, effusion,effusion,absent,natural\n").encode(), "not as many fields"),
        ((HEADER + "no effusion,effusion\n").encode(), "not as many fields"),
        ((HEADER + '"no effusion,effusion,absent,natural\n').encode(), "is not CSV"),
        ((HEADER + "épanchement,effusion,present,natural\n").encode("latin-1"), "is not UTF-8"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "prompts.csv"
    file.write_bytes(content)
    with pytest.raises(PromptFileError) as error:
        read_prompts(file)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PromptFileError, match=r"nowhere\.csv cannot be read"):
        read_prompts(tmp_path / "nowhere.csv")


def test_extra_columns_uncertainty_and_a_byte_order_mark_pass(tmp_path: Path) -> None:
    file = tmp_path / "prompts.csv"
    file.write_text(
        "\ufeff" + 'note,prompt,finding,polarity,kind\nx,"effusion, maybe",effusion,uncertain,natural\n',
        "utf-8",
    )
    assert read_prompts(file) == [
        PromptRow("effusion, maybe", "effusion", "uncertain", "natural", {"note": "x"})
    ]
