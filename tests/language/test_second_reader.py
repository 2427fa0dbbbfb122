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


def errors(*, unused: float = 0.5) -> Floats:
    """Rules that read three of four sayings as they are, and hear seldom what is not said.

    `unused`: how much likelier a negation that denies nothing stands where something is absent.
    """
    usual = np.full((4, 4), 0.05)
    usual[:SILENT, :SILENT] += 0.7 * np.eye(SILENT)
    usual[:, SILENT] = [0.1, 0.1, 0.1, 0.98]
    odd = np.full((4, 4), 0.02)
    odd[SAID.index("absent")] = unused
    whole = np.stack([usual, odd, usual, usual]).astype(np.float32)
    return np.repeat(whole[:, None], len(FINDINGS), 1)


DOUBT = Doubt(errors(), marked=0.3, unmarked=0.5)


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
    prompt = agree(read_prompt("Blorx in the chest"), heard(effusion=("absent", 0.98)), DOUBT)
    assert offered(prompt) == [("effusion", "absent")]
    assert prompt.mentions == ()


def test_what_only_the_rules_know_is_asked() -> None:
    prompt = agree(read_prompt("Effusion."), heard(), DOUBT)
    assert offered(prompt) == [("effusion", "present")]


def test_a_hunch_of_the_second_reader_is_no_question() -> None:
    assert agree(read_prompt("Blorx"), heard(effusion=("present", 0.6)), DOUBT).sure
    both = heard(effusion=("present", 0.6))
    assert agree(read_prompt("Effusion."), both, DOUBT).sure


def test_more_doubt_is_borne_where_no_film_would_be_marked() -> None:
    heedless, careful = (Doubt(errors(), marked=0.3, unmarked=most) for most in (1.0, 0.01))
    absent = heard(effusion=("absent", 0.9))
    assert not agree(read_prompt("Effusion"), absent, heedless).sure
    assert agree(read_prompt("Possible effusion"), absent, heedless).sure
    assert not agree(read_prompt("Possible effusion"), absent, careful).sure


def test_a_negation_that_denies_nothing_is_asked_about_sooner() -> None:
    prompt = read_prompt("No doubt: no cough, but an effusion")
    assert [mention.polarity for mention in prompt.mentions] == ["present"]
    unsure = heard(effusion=("present", 0.7))
    unsure[FINDINGS.index("effusion")] = [0.7, 0.3, 0, 0]
    assert agree(read_prompt("Effusion"), unsure, DOUBT).sure
    assert offered(agree(prompt, unsure, DOUBT))[0] == ("effusion", "absent")


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


def test_no_more_than_three_readings_are_offered_but_the_likeliest_of_each() -> None:
    torn = heard()
    for finding in ("effusion", "nodule"):
        torn[FINDINGS.index(finding)] = [0.05, 0.5, 0.3, 0.15]
    prompt = agree(read_prompt("Effusion and nodule"), torn, DOUBT)
    assert len(offered(prompt)) == 3
    assert {finding for finding, _ in offered(prompt)} == {"effusion", "nodule"}


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


def test_the_prompts_of_the_evaluation_are_read_right_and_never_asked_about(base: DualEncoder) -> None:
    for row in read_prompts(PROMPTS / "evaluation.csv"):
        prompt = base.reads(row.prompt)
        assert prompt.sure, row.prompt
        assert (prompt.finding, prompt.polarity) == (row.finding, row.polarity), row.prompt


NOT_YET = pytest.mark.xfail(reason="neither reader knows this wording", strict=True)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("pneumothorax has been forbidden from these films", ("pneumothorax", "absent")),
        ("ditch every chest that carries a nodule", ("nodule", "absent")),
        ("I refuse to look at fractures", ("fracture", "absent")),
        pytest.param("effusion said farewell since Monday", ("effusion", "absent"), marks=NOT_YET),
        pytest.param("edema, my foot!", ("edema", "absent"), marks=NOT_YET),
        ("cardiomegaly nope nope", ("cardiomegaly", "absent")),
    ],
)
def test_what_the_rules_cannot_know_is_never_marked_wrongly(
    base: DualEncoder, text: str, meant: tuple[str, str]
) -> None:
    prompt = base.reads(text)
    read = [(mention.finding, mention.polarity) for mention in prompt.mentions]
    assert not prompt.sure or read in ([], [meant])
