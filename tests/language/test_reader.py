"""How the reader's figures are counted."""

from __future__ import annotations

import csv
import json
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from negviz.common.files import file_sha256
from training.data.reports import BLIND, SEEN
from training.measure.reader import (
    RESULTS,
    WRITTEN,
    Labelled,
    ReaderSetError,
    ask_rival,
    evaluate_reader,
    read_chosen,
    read_written,
    report_sets,
)

ROOT = Path(__file__).parents[2]
REPORTS = ROOT.parent / "shared" / "data" / "openi" / "NLMCXR_reports.tgz"

REPORT = b"""<eCitation><uId id="CXR5"/><MedlineCitation><Article><Abstract>
<AbstractText Label="FINDINGS">No effusion. Small nodule.</AbstractText>
<AbstractText Label="IMPRESSION">Normal chest.</AbstractText>
</Abstract></Article></MedlineCitation></eCitation>"""


def archive(folder: Path) -> Path:
    path = folder / "reports.tgz"
    with tarfile.open(path, "w:gz") as handle:
        member = tarfile.TarInfo("ecgen-radiology/5.xml")
        member.size = len(REPORT)
        handle.addfile(member, BytesIO(REPORT))
    return path


def test_counts_are_over_the_union_of_mentions() -> None:
    sentences = [
        Labelled("No effusion.", frozenset({("effusion", "absent")}), "plain"),
        Labelled("A nodule.", frozenset({("nodule", "absent")}), "plain"),  # labelled wrongly
        Labelled("Hello.", frozenset()),
    ]
    ours = evaluate_reader({"set": sentences})["sets"]["set"]["negviz"]
    assert (ours["right"], ours["union"]) == (1, 3)
    assert (ours["precision"], ours["recall"], ours["polarity"]) == (0.5, 0.5, 0.5)
    assert ours["accuracy_by_kind"] == {"plain": {"right": 1, "of": 3}}
    assert ours["accuracy_by_finding"]["effusion"] == {"right": 1, "of": 1}
    low, high = ours["accuracy_ci"]
    assert low <= ours["accuracy"] <= high


def test_report_sentences_are_looked_up_by_study_and_number(tmp_path: Path) -> None:
    labels = tmp_path / "blind.csv"
    labels.write_text("uid,sentence,mentions\n5,1,nodule:present\n5,2,normal:present\n", encoding="utf-8")
    sentences = read_chosen(labels, archive(tmp_path))
    assert [one.text for one in sentences] == ["Small nodule.", "Normal chest."]
    labels.write_text("uid,sentence,mentions\n5,9,\n", encoding="utf-8")
    with pytest.raises(ReaderSetError, match="lacks sentence 9 of study 5"):
        read_chosen(labels, archive(tmp_path))


def test_a_label_outside_the_vocabulary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sentences.csv"
    path.write_text("text,mentions\nPneumonia.,pneumonia:present\n", encoding="utf-8")
    with pytest.raises(ReaderSetError, match="pneumonia:present"):
        read_written(path)


def test_a_rival_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReaderSetError, match="negspacy could not be asked"):
        ask_rival("negspacy", sys.executable, ["No effusion."])


def test_results_are_plain_json() -> None:
    json.dumps(evaluate_reader({"set": [Labelled("No effusion.", frozenset({("effusion", "absent")}))]}))


def test_the_written_set_is_read_nearly_without_error() -> None:
    ours = evaluate_reader({"written": read_written(WRITTEN)})["sets"]["written"]["negviz"]
    assert min(ours["accuracy"], ours["precision"], ours["recall"]) >= 0.98


def test_committed_results_are_of_the_committed_sets() -> None:
    committed = json.loads(RESULTS.read_text(encoding="utf-8"))
    hashes = {path.name: file_sha256(path) for path in (WRITTEN, SEEN, BLIND)}
    assert hashes.items() <= committed["data"].items()
    assert committed["seen_when_blind"]["recall"] == 0.943


def test_seen_and_blind_share_no_sentence() -> None:
    chosen = []
    for path in (SEEN, BLIND):
        with path.open(encoding="utf-8", newline="") as handle:
            chosen.append({(row["uid"], row["sentence"]) for row in csv.DictReader(handle)})
    assert len(chosen[0]) == len(chosen[1]) == 300
    assert not chosen[0] & chosen[1]


@pytest.mark.skipif(not REPORTS.is_file(), reason="the reports of Open-i are not at hand (../shared)")
def test_committed_results_are_what_the_reader_scores() -> None:
    committed = json.loads(RESULTS.read_text(encoding="utf-8"))["sets"]
    fresh = evaluate_reader({"written": read_written(WRITTEN), **report_sets(REPORTS)})["sets"]
    assert {name: figures["negviz"] for name, figures in committed.items()} == {
        name: figures["negviz"] for name, figures in fresh.items()
    }
