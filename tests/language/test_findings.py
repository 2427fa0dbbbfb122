"""What `negviz.findings` says of a finding holds together with what reads sentences."""

from __future__ import annotations

import pytest

from negviz.findings import ABNORMAL, BY_NAME
from negviz.language.prompt import read_prompt


@pytest.mark.parametrize("name", ABNORMAL)
def test_every_name_of_a_finding_is_read_as_that_finding(name: str) -> None:
    finding = BY_NAME[name]
    assert finding.said in finding.named
    for article, noun in finding.named:
        affirmed = read_prompt(f"There is {article} {noun}.".replace("  ", " "))
        denied = read_prompt(f"There is no {noun}.")
        assert (affirmed.finding, affirmed.polarity) == (name, "present"), noun
        assert (denied.finding, denied.polarity) == (name, "absent"), noun


def test_a_label_of_a_source_belongs_to_one_finding() -> None:
    labels = [label for finding in BY_NAME.values() for label in finding.nih]
    assert len(labels) == len(set(labels))
    assert all(finding.mesh for finding in BY_NAME.values() if finding.name != "normal")
