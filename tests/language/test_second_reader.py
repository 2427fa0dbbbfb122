"""Two readers: what both read is sure, and where they differ a person is asked."""

from __future__ import annotations

import numpy as np
import pytest

from negviz.common.shipped import COMPACT
from negviz.evaluation.prompts import read_prompts
from negviz.findings import FINDINGS
from negviz.language.prompt import Prompt, read_prompt
from negviz.language.second_reader import SAID, SILENT, Doubt, Floats, agree
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.models.two_readers import FILE, MOST
from training.paths import PROMPTS

DOUBT = Doubt(said=0.3, silent=0.3, open=0.1, cue=0.9)


def heard(**said: tuple[str, float]) -> Floats:
    """What the second reader makes of a sentence: `effusion=("absent", 0.8)`, silence for the rest."""
    told = np.zeros((len(FINDINGS), len(SAID) + 1), np.float32)
    told[:, SILENT] = 1
    for finding, (polarity, probability) in said.items():
        row = told[FINDINGS.index(finding)]
        row[SILENT] = 1 - probability
        row[[*SAID, "silent"].index(polarity)] = probability
    return told


def offered(prompt: Prompt) -> list[tuple[str, str]]:
    return [(mention.finding, mention.polarity) for mention in prompt.suggestion or ()]


def test_what_both_read_is_sure() -> None:
    prompt = read_prompt("No effusion.")
    assert agree(prompt, heard(effusion=("absent", 0.8)), DOUBT) == prompt


def test_where_they_differ_both_readings_are_offered_the_likelier_first() -> None:
    prompt = agree(read_prompt("Effusion."), heard(effusion=("absent", 0.9)), DOUBT)
    assert not prompt.sure
    assert offered(prompt) == [("effusion", "absent"), ("effusion", "present")]


def test_what_only_the_second_reader_knows_is_asked() -> None:
    prompt = agree(read_prompt("Blorx in the chest"), heard(effusion=("absent", 0.9)), DOUBT)
    assert offered(prompt) == [("effusion", "absent")]
    assert prompt.mentions == ()


def test_what_only_the_rules_know_is_asked() -> None:
    prompt = agree(read_prompt("Effusion."), heard(), DOUBT)
    assert offered(prompt) == [("effusion", "present")]


def test_a_hunch_of_the_second_reader_is_no_question() -> None:
    assert agree(read_prompt("Blorx"), heard(effusion=("present", 0.6)), DOUBT).sure
    assert agree(read_prompt("Blorx"), heard(effusion=("uncertain", 0.9)), DOUBT).sure
    both = heard(effusion=("present", 0.6))
    assert agree(read_prompt("Effusion."), both, DOUBT).sure


def test_a_negation_that_denies_nothing_needs_the_second_reader_to_be_sure() -> None:
    text = "No doubt: no cough, but an effusion"
    prompt = read_prompt(text)
    assert [mention.polarity for mention in prompt.mentions] == ["present"]
    assert agree(prompt, heard(effusion=("present", 0.95)), DOUBT).sure
    assert offered(agree(prompt, heard(effusion=("present", 0.8)), DOUBT)) == [("effusion", "present")]


def test_that_a_film_with_a_finding_is_not_normal_is_no_question() -> None:
    abnormal = heard(effusion=("present", 0.9), normal=("absent", 0.95))
    assert agree(read_prompt("Abnormal: effusion"), abnormal, DOUBT).sure
    assert not agree(read_prompt("Odd"), heard(normal=("absent", 0.95)), DOUBT).sure


def test_of_a_list_what_is_not_contested_is_offered_along() -> None:
    prompt = agree(
        read_prompt("No effusion, nodule"),
        heard(effusion=("absent", 0.9), nodule=("present", 0.9)),
        DOUBT,
    )
    assert offered(prompt) == [("nodule", "present"), ("nodule", "absent"), ("effusion", "absent")]


def test_wording_that_must_be_asked_is_asked_whatever_the_second_reader_says() -> None:
    prompt = read_prompt("NAD")
    assert agree(prompt, heard(normal=("present", 0.99)), DOUBT).suggestion == prompt.suggestion is not None


def test_another_language_is_not_read_by_either() -> None:
    prompt = read_prompt("Kein Pneumothorax")
    assert agree(prompt, heard(pneumothorax=("absent", 0.99)), DOUBT) == prompt


# What is shipped --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base() -> DualEncoder:
    return load_models(COMPACT)["base"]


def test_the_second_reader_is_small() -> None:
    assert 0 < (COMPACT / FILE).stat().st_size <= MOST


def test_the_prompts_of_the_evaluation_are_read_right_and_hardly_ever_asked_about(base: DualEncoder) -> None:
    rows = read_prompts(PROMPTS / "evaluation.csv")
    prompts = [base.reads(row.prompt) for row in rows]
    for row, prompt in zip(rows, prompts, strict=True):
        meant = (row.finding, row.polarity)
        assert (prompt.finding, prompt.polarity) == meant, row.prompt
        assert prompt.sure or meant in offered(prompt), row.prompt
    assert sum(not prompt.sure for prompt in prompts) <= 3


UNKNOWN: tuple[tuple[str, tuple[str, str]], ...] = (
    ("pneumothorax has been forbidden from these films", ("pneumothorax", "absent")),
    ("ditch every chest that carries a nodule", ("nodule", "absent")),
    ("I refuse to look at fractures", ("fracture", "absent")),
    ("effusion said farewell since Monday", ("effusion", "absent")),
    ("edema, my foot!", ("edema", "absent")),
    ("cardiomegaly nope nope", ("cardiomegaly", "absent")),
)


def test_what_the_rules_cannot_know_is_asked_and_seldom_marked_wrongly(base: DualEncoder) -> None:
    prompts = [(base.reads(text), meant) for text, meant in UNKNOWN]
    wrong = [
        p.text for p, meant in prompts if p.sure and [(m.finding, m.polarity) for m in p.mentions] != [meant]
    ]
    assert len(wrong) <= 1, wrong
    assert any(not prompt.sure for prompt, _ in prompts)
