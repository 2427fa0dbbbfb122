"""Findings put into frames: whatever the finding, the verb and the place, what is said of it is read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice

import pytest

from negviz.language.prompt import read_prompt

FINDINGS = {
    "pleural effusion": "effusion",
    "pneumothorax": "pneumothorax",
    "consolidation": "consolidation",
    "lung nodule": "nodule",
    "rib fracture": "fracture",
    "atelectasis": "atelectasis",
    "infiltrate": "opacity",
    "pulmonary edema": "edema",
    "emphysema": "emphysema",
    "ptx": "pneumothorax",
    "opacity": "opacity",
}
VERBS = "seen present visible identified noted evident detected found demonstrated shown appreciated".split()
PLACES = {
    "": None,
    "on the left": "left",
    "in the right lung": "right",
    "at the left base": "left",
    "in the left lower lobe": "left",
    "on the right side": "right",
    "at the right apex": "right",
    "on this film": None,
    "today": None,
    "behind the heart": None,
}
DENIALS = """
no {f} {v} {p} | no {f} is {v} {p} | there is no {f} {v} {p} | there is no {f} {p} | {f} not {v} {p}
the {f} is not {v} {p} | no evidence of {f} {p} | no sign of any {f} {p} | without {f} {p} | {f} absent {p}
{f} is absent {p} | no {f} can be {v} {p} | i see no {f} {p} | we do not see a {f} {p} | negative for {f} {p}
free of {f} {p} | {f}: none {v} {p} | {f}: not {v} {p} | no {f} {p} is {v} | {f} was not {v} {p}
could not find {f} {p} | the film shows no {f} {p} | the patient has no {f} {p} | no obvious {f} {v} {p}
"""
STATEMENTS = """
{f} {v} {p} | {f} is {v} {p} | there is {f} {p} | a {f} is {v} {p} | small {f} {p} | a small {f} is {v} {p}
i see a {f} {p} | positive for {f} {p} | {f}: {v} {p} | {f} is clearly {v} {p} | large {f} {v} {p}
the {f} is {v} {p} | known {f} {p} | {f} {p} is {v} | {f} can be {v} {p} | definite {f} {v} {p}
"""
LISTS = """
no {a}, {b} or {c}: --- | no {a} or {b} but {c}: --+ | {a} and {b} but no {c}: ++- | {a} with {b}, no {c}: ++-
{a} without {b} or {c}: +-- | no {a}. {b}. no {c}: -+- | {a} present, {b} absent, {c} present: +-+
neither {a} nor {b}, but {c} is seen: --+ | {a}+, {b}-, {c}+: +-+ | {a} (no {b}), {c}: +-+
possible {a}, no {b}, {c} confirmed: ?-+ | {a} cannot be excluded, no {b} or {c}: ?--
{a} has resolved, {b} persists, {c} is new: -++ | {a}, {b} and {c} are all absent: ---
{a}, {b} and {c} have all resolved: --- | no longer {a}, still {b}, never {c}: -+-
other than {a} no {b} or {c}: +-- | despite {a} there is no {b} or {c}: +-- | no {a} other than {b}: -+
{a} rather than {b}, no {c}: +?- | there is no {a}, although {b} and {c} are seen: -++
"""
STATES = {"+": "present", "-": "absent", "?": "uncertain"}


def frames(text: str) -> list[str]:
    return [frame.strip() for line in text.strip().splitlines() for frame in line.split(" | ")]


def placed() -> Iterator[tuple[str, str, str]]:
    """A finding, a verb and a place, each place with others than the time before."""
    return zip(cycle(FINDINGS), cycle(VERBS[:9]), cycle(PLACES), strict=False)


@pytest.mark.parametrize(
    ("frame", "state"),
    [
        *((frame, "absent") for frame in frames(DENIALS)),
        *((frame, "present") for frame in frames(STATEMENTS)),
    ],
)
def test_a_finding_and_its_side_are_read_with_any_verb_in_any_place(frame: str, state: str) -> None:
    wrong = []
    for finding, verb, place in islice(placed(), 3 * len(FINDINGS)):
        text = " ".join(frame.format(f=finding, v=verb, p=place).split())
        said = [(each.finding, each.polarity, each.side) for each in read_prompt(text).mentions]
        if said != [(FINDINGS[finding], state, PLACES[place])]:
            wrong.append((text, said))
    assert not wrong


@pytest.mark.parametrize("frame", frames(LISTS))
def test_of_three_findings_each_is_read(frame: str) -> None:
    template, _, states = frame.rpartition(": ")
    wrong = []
    names = [*FINDINGS]
    for first in range(len(names)):
        chosen = [names[(first + step) % len(names)] for step in (0, 3, 5)]
        text = template.format(**dict(zip("abc", chosen, strict=True)))
        said = {(each.finding, each.polarity) for each in read_prompt(text).mentions}
        if said != {(FINDINGS[name], STATES[sign]) for name, sign in zip(chosen, states, strict=False)}:
            wrong.append((text, said))
    assert not wrong
