"""The reader, through what it says of sentences."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest

from negviz.findings import FINDINGS
from negviz.language.lexicon import BECOMES
from negviz.language.prompt import MAX_CHARACTERS, Prompt, read_mentions, read_prompt, unclear

SENTENCES = Path(__file__).parents[1] / "data" / "sentences.csv"
CONTRARY = {"present": "absent", "absent": "present"}


def written() -> list[dict[str, str]]:
    with SENTENCES.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def said(text: str) -> set[str]:
    return {f"{mention.finding}:{mention.polarity}" for mention in read_mentions(text)}


def cue_words(prompt: Prompt) -> list[str]:
    return [word.text for word in prompt.words if word.is_cue]


def test_written_set_is_broad_enough() -> None:
    rows = written()
    findings = {part.partition(":")[0] for row in rows for part in row["mentions"].split("|") if part}
    assert len({row["text"] for row in rows}) == len(rows) >= 300
    assert findings == set(FINDINGS)


def test_written_sentences_are_read_as_labelled() -> None:
    wrong = [
        (row["text"], row["mentions"], said(row["text"]))
        for row in written()
        if said(row["text"]) != set(filter(None, row["mentions"].split("|")))
    ]
    assert not wrong


def test_every_certain_sentence_has_an_opposite_of_contrary_polarity() -> None:
    for row in written():
        prompt = read_prompt(row["text"])
        if prompt.polarity in (None, "uncertain") or not prompt.sure:
            assert prompt.opposite is None, row
            continue
        assert prompt.opposite is not None, row
        again = read_prompt(prompt.opposite.text)
        assert (again.finding, again.polarity) == (prompt.finding, CONTRARY[prompt.polarity]), row
        assert prompt.opposite.text != prompt.text
        back = prompt.opposite.opposite
        assert back is not None, row
        assert (back.finding, back.polarity) == (prompt.finding, prompt.polarity), row


@pytest.mark.parametrize(
    ("text", "opposite"),
    [
        ("no pleural effusion", "pleural effusion"),
        ("pleural effusion", "no pleural effusion"),
        ("There is no evidence of any effusion now.", "There is evidence of effusion now."),
        ("There is evidence of effusion now.", "There is no evidence of effusion now."),
        ("Effusion is absent", "Effusion is present"),
        ("Effusion is present", "Effusion is absent"),
        ("Large left pleural effusion", "No left pleural effusion"),
        ("There is a small effusion.", "There is no small effusion."),
        ("Chest x-ray with a pneumothorax", "Chest x-ray without pneumothorax"),
        ("Chest x-ray without pneumothorax", "Chest x-ray with pneumothorax"),
        ("Her heart is enlarged.", "Her heart is not enlarged."),
        ("The film does not show a nodule.", "The film shows a nodule."),
        ("There isn’t any effusion.", "There is effusion."),
        ("No effusion or nodule today.", "Effusion and nodule today."),
        ("There is no evidence of any effusion or any nodule.", "There is evidence of effusion and nodule."),
        ("PTX at the left apex", "No PTX at the left apex"),
        ("NO EFFUSION", "EFFUSION"),
        ("Everything looks normal", "Everything looks abnormal"),
        ("abnormal chest film", "normal chest film"),
        ("A healthy chest", "An abnormal chest"),
        ("Heart: enlarged.", "Heart: not enlarged."),
        ("A chest absent of nodules", "A chest with nodules"),
        ("Someone who never developed edema", "Someone who developed edema"),
        ("We searched for nodules and found none", "We searched for nodules and found one"),
        ("Emphysema (-)", "Emphysema (+)"),
        ("nil edema", "edema"),
        ("PNEUMOTHORAX", "NO PNEUMOTHORAX"),
        ("A nodule is seen.", "No nodule is seen."),
        ("Nodules are seen.", "Nodules are not seen."),
        ("There isn't a nodule anywhere.", "There is a nodule."),
        ("No edema at all.", "Edema."),
        ("The nodule has gone.", "The nodule has persisted."),
        ("The effusion has resolved completely.", "The effusion has persisted."),
    ],
)
def test_opposite_keeps_the_wording(text: str, opposite: str) -> None:
    prompt = read_prompt(text).opposite
    assert prompt is not None
    assert (prompt.text, prompt.canonical) == (opposite, False)


@pytest.mark.parametrize(
    ("text", "opposite"),
    [
        ("Both lungs look clear.", "There is consolidation."),
        ("Sharp costophrenic angles", "There is a pleural effusion."),
        ("Neither effusion nor pneumothorax", "There is a pleural effusion."),
        ("No change in the nodule", "There is no lung nodule."),
        ("Nodule has not grown", "There is no lung nodule."),
        ("Opacity without effusion", "There is no lung opacity."),
        ("A trace of fluid, the lungs ringed by a loculated effusion", "There is no pleural effusion."),
        ("No nodule -", "There is a lung nodule."),
        ("CXR WNL", "Abnormal chest radiograph."),
        ("CTR 0.66", "There is no cardiomegaly."),
        ("Edema but no nodule.", "There is no pulmonary edema."),
    ],
)
def test_opposite_is_rebuilt_where_the_wording_cannot_be_kept(text: str, opposite: str) -> None:
    prompt = read_prompt(text).opposite
    assert prompt is not None
    assert (prompt.text, prompt.canonical) == (opposite, True)


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        ("There is no evidence of effusion", ["no"]),
        ("Effusion is not seen", ["not"]),
        ("There isn't an effusion", ["isn't"]),
        ("Film is negative for effusion", ["negative", "for"]),
        ("An effusion cannot be excluded", ["cannot", "be", "excluded"]),
        ("Pleural effusion", []),
        ("No effusion, none.", ["No"]),  # of two, the nearer
        ("Small effusion, no pneumothorax", []),  # the cue of the second mention is not the first one's
        ("No change in the effusion", []),
    ],
)
def test_cue_words_are_those_of_the_main_mention(text: str, cues: list[str]) -> None:
    assert cue_words(read_prompt(text)) == cues


def test_spans_point_into_the_text() -> None:
    prompt = read_prompt("¡No hay!  There’s NO\tpleural   effusion, but a nodule.")
    texts = {mention.finding: prompt.text[slice(*mention.span)] for mention in prompt.mentions}
    assert texts == {"effusion": "pleural   effusion", "nodule": "nodule"}
    assert all(prompt.text[slice(*word.span)] == word.text for word in prompt.words)
    assert "".join(word.text for word in prompt.words) == "".join(prompt.text.split())
    assert {prompt.text[slice(*cue.span)].lower() for cue in prompt.cues} >= {"no"}


def test_main_mention_is_one_that_is_named() -> None:
    prompt = read_prompt("The lungs are clear without effusion")
    assert (prompt.finding, prompt.polarity) == ("effusion", "absent")


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "\ud800", "?", "。", "胸水", "🙂" * 50, "a" * 5000, "no " * 5000, "-" * 3000]
)
def test_anything_typed_is_survived(text: str) -> None:
    prompt = read_prompt(text)
    assert prompt.mentions == ()
    assert prompt.finding is None
    assert prompt.polarity is None
    assert prompt.opposite is None


def test_two_thousand_characters_are_read_and_not_one_more() -> None:
    text = "no effusion".rjust(2_000)
    assert cue_words(read_prompt(text)) == ["no"]
    assert read_mentions(10 * " " + text) == ()
    assert read_prompt(" " + text).text == " " + text[:-1]


def test_a_prompt_that_says_nothing_else_is_a_persons_wording() -> None:
    assert not Prompt("films from tuesday", (), (), ()).canonical


@pytest.mark.parametrize(
    "word", ["infusion", "diffusion", "module", "capacity", "formal", "emphasis", "fraction"]
)
def test_other_words_are_no_slips_of_findings(word: str) -> None:
    assert read_mentions(f"There is a {word}.") == ()


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "no effusion or " * 7_000,
        "the heart and lungs and " * 4_000,
        "cannot be " * 10_000,
        "no significant interval " * 4_000,
        "normal normal pa and lateral " * 4_000,
        "? " * 50_000,
        "x" * 100_000,
    ],
)
def test_endless_text_costs_no_more_than_its_beginning(text: str) -> None:
    start = time.process_time()
    prompt = read_prompt(text)
    assert len(prompt.text) == MAX_CHARACTERS
    assert time.process_time() - start < 1


def test_hundreds_of_sentences_a_second_on_any_machine() -> None:
    texts = [row["text"] for row in written()] * 3
    start = time.process_time()
    for text in texts:
        read_mentions(text)
    assert (
        len(texts) / (time.process_time() - start) > 400
    )  # two thousand on an idle core; a slip costs tenfold


@pytest.mark.parametrize(
    ("text", "polarity"),
    [
        ("Can you pull up some patients with fluid in the pleural space?", "present"),
        ("Can you pull up some patients without any fluid in the pleural space?", "absent"),
        ("Which of these people have pleural effusion?", "present"),
        ("Is there an x-ray without an effusion?", "absent"),
        ("Is there an effusion?", "uncertain"),
    ],
)
def test_a_polite_request_is_no_question_about_the_finding(text: str, polarity: str) -> None:
    assert read_prompt(text).polarity == polarity


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        # A cue right behind a finding looks back at it, whatever comes after a pause.
        ("Effusion absent, nodule present", "effusion:absent nodule:present"),
        ("Effusion absent - nodule noted", "effusion:absent nodule:present"),
        ("Effusion absent and a nodule is seen", "effusion:absent nodule:present"),
        ("Effusion absent there is a nodule", "effusion:absent nodule:present"),
        ("Effusion absent today, and a nodule", "effusion:absent nodule:present"),
        ("Effusion possible, and a nodule", "effusion:uncertain nodule:present"),
        ("Effusion likely with a small nodule", "effusion:uncertain nodule:present"),
        ("Effusion or edema possible, nodule absent", "effusion:uncertain edema:uncertain nodule:absent"),
        # One before a finding looks ahead at it.
        ("Absent: effusion, nodule", "effusion:absent nodule:absent"),
        ("Opacity likely atelectasis", "opacity:present atelectasis:uncertain"),
        ("Absent effusion, and a nodule", "effusion:absent nodule:present"),
        # Where a cue's reach ends.
        ("No effusion is seen and nodules persist.", "effusion:absent nodule:present"),
        ("No nodule, only an effusion", "nodule:absent effusion:present"),
        ("Without, effusion, small nodule", "effusion:absent nodule:present"),
        ("Possible edema associated with effusion", "edema:uncertain effusion:uncertain"),
        ("No edema, effusion is possible.", "edema:absent effusion:uncertain"),
        # A slip before a whole clause denies nothing in it.
        ("No heart size is within normal limits.", "cardiomegaly:absent"),
        ("No, the heart is enlarged.", "cardiomegaly:present"),
        # A part of the chest that is well does not make the film normal.
        ("The bones show no acute abnormality.", ""),
        # "or" makes alternatives of what is affirmed, but not of what has not changed.
        (
            "There is no nodule and there is effusion or edema.",
            "nodule:absent effusion:uncertain edema:uncertain",
        ),
        ("No change in effusion or consolidation", "effusion:present consolidation:present"),
    ],
)
def test_every_finding_is_told_from_its_neighbours(text: str, mentions: str) -> None:
    assert said(text) == set(mentions.split())


@pytest.mark.parametrize("cue", BECOMES)
def test_what_a_cue_becomes_is_said_of_words_that_are_read_as_that_cue(cue: str) -> None:
    read = [
        read_prompt(f"{cue} effusion"),
        read_prompt(f"{cue}effusion"),
        read_prompt(f"Effusion has {cue}."),
        read_prompt(f"Effusion: {cue}"),
    ]
    cues = [prompt.text[slice(*found.span)] for prompt in read for found in prompt.cues]
    assert cue in [found.lower() for found in cues]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("good morning", "nothing"),
        ("possible edema", "uncertain"),
        ("small left effusion, none on the right", "both"),
        ("no edema", None),
        ("edema but no nodule", None),
    ],
)
def test_why_no_film_is_right_or_wrong_is_told(text: str, why: str | None) -> None:
    assert unclear(read_prompt(text).mentions) == why


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("no nodule but edema", "nodule"),
        ("no edema, PE?", "effusion"),
        ("PE", "effusion"),
        ("good day", None),
    ],
)
def test_a_sentence_is_about_what_it_names_or_may_name(text: str, about: str | None) -> None:
    assert read_prompt(text).about == about
