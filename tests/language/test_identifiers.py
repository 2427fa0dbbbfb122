"""Sentences that seem to name a person, and sentences that do not."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from negviz.language.identifiers import identifier

PROMPTS = Path(__file__).parents[2] / "assets" / "prompts"


IDENTIFYING = {
    "Mrs Miller has no effusion": "a name",
    "no effusion in mr. müller": "a name",
    "Patient Smith, no effusion": "a name",
    "Patient: John Miller has an effusion": "a name",
    "patient name unknown? name: Jo": "a name",
    "Dr Weiss saw no effusion": "a name",
    "No effusion, DOB 3 May 1961": "a date of birth",
    "effusion, born 1961": "a date of birth",
    "film of 03/05/61, no effusion": "a date of birth",
    "film of 1961-05-03": "a date of birth",
    "seen May 3, 1961": "a date of birth",
    "MRN 004512: effusion": "a record number",
    "patient id: A12345 effusion": "a record number",
    "no effusion 123-45-6789": "a record number",
    "no effusion 100234567": "a record number",
    "call +44 7700 900 123 about the effusion": "a phone number",
    "(555) 123-4567 effusion": "a phone number",
    "effusion, write to jo.doe@clinic.example": "an e-mail address",
}
ORDINARY = (
    "No pleural effusion",
    "patient has no effusion",
    "Patient supine, no pneumothorax",
    "nodule of 12 mm in the right upper lobe, unchanged since 2011",
    "MR imaging shows no effusion",
    "MS lesions",
    "fracture of ribs 5-7, 3.5 x 2.1 cm nodule",
    "newborn with opacities",
    "T1-T12 normal, may be small",
    "胸部エックス線",
    "x" * 5_000,
)


@pytest.mark.parametrize(("text", "kind"), IDENTIFYING.items())
def test_recognises_what_may_name_a_person(text: str, kind: str) -> None:
    assert identifier(text) == kind


@pytest.mark.parametrize("text", ORDINARY)
def test_lets_ordinary_sentences_pass(text: str) -> None:
    assert identifier(text) is None


def test_raises_no_alarm_over_our_own_prompts() -> None:
    with (PROMPTS / "evaluation.csv").open(newline="", encoding="utf-8") as file:
        texts = [row["prompt"] for row in csv.DictReader(file)]
    assert len(texts) >= 99
    assert [text for text in texts if identifier(text)] == []
