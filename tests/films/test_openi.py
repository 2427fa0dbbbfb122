"""NLM's reports and addresses: reading, cutting into sentences, refusing what is no report."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from negviz.films.openi import OpeniError, image_url, parse_report, read_reports, split_sentences

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "openi"


def report_xml(uid: str, findings: str, impression: str = "", mesh: tuple[str, ...] = ("normal",)) -> bytes:
    """A report in NLM's layout."""
    majors = "".join(f"<major>{term}</major>" for term in mesh)
    return (
        f'<eCitation><uId id="CXR{uid}"/><MedlineCitation><Article><Abstract>'
        f'<AbstractText Label="FINDINGS">{findings}</AbstractText>'
        f'<AbstractText Label="IMPRESSION">{impression}</AbstractText>'
        f"</Abstract></Article></MedlineCitation><MeSH>{majors}</MeSH>"
        f'<parentImage id="CXR{uid}_1_IM-0001-1001"/></eCitation>'
    ).encode()


def test_a_report_gives_its_sections_headings_and_images() -> None:
    report = parse_report(
        report_xml("7", "Heart is big. No effusion.", "1. Big heart.", ("Cardiomegaly/mild",))
    )
    assert (report.uid, report.mesh, report.images) == ("7", ("Cardiomegaly/mild",), ("CXR7_1_IM-0001-1001",))
    assert report.sentences == ("Heart is big.", "No effusion.", "Big heart.")


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", ()),
        (" . ", ()),
        ("No effusion", ("No effusion",)),
        ("1. Clear lungs. 2. Big heart.", ("Clear lungs.", "Big heart.")),
        ("A 1.5 cm nodule. No mass.", ("A 1.5 cm nodule.", "No mass.")),
        ("Told to Dr. XXXX at noon. Clear.", ("Told to Dr. XXXX at noon.", "Clear.")),
        ("Clear; no effusion!  Normal?", ("Clear;", "no effusion!", "Normal?")),
    ],
)
def test_prose_is_cut_at_sentence_ends_only(text: str, sentences: tuple[str, ...]) -> None:
    assert split_sentences(text) == sentences


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"not xml",
        b"<eCitation/>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>",
        b'<x><uId id="PMC1"/></x>',
        b" " * 2_000_000,
    ],
)
def test_what_is_no_report_is_refused_in_one_sentence(xml: bytes) -> None:
    with pytest.raises(OpeniError, match="not an Open-i report"):
        parse_report(xml)


def test_an_archive_and_the_folder_it_unpacks_to_read_alike(tmp_path: Path) -> None:
    pages = {f"ecgen-radiology/{uid}.xml": report_xml(uid, "Clear lungs.") for uid in ("10", "2")}
    with tarfile.open(tmp_path / "reports.tgz", "w:gz") as archive:
        for name, xml in pages.items():
            member = tarfile.TarInfo(name)
            member.size = len(xml)
            archive.addfile(member, io.BytesIO(xml))
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(xml)
    packed = read_reports(tmp_path / "reports.tgz")
    assert list(packed) == ["2", "10"]
    assert packed == read_reports(tmp_path / "ecgen-radiology")


def test_a_broken_archive_and_an_empty_folder_say_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "reports.tgz").write_bytes(b"\x1f\x8b broken")
    with pytest.raises(OpeniError, match="cannot be read"):
        read_reports(tmp_path / "reports.tgz")
    with pytest.raises(OpeniError, match=r"NLMCXR_reports\.tgz"):
        read_reports(tmp_path)


def test_the_address_of_a_film_is_nlms() -> None:
    expected = "https://openi.nlm.nih.gov/imgs/512/154/2961/CXR2961_IM-1355-1001.png"
    assert image_url("CXR2961_IM-1355-1001") == expected


@pytest.mark.parametrize(
    "image_id", ["", "../../etc/passwd", "CXR1_IM-0001/../x", "CXRx_IM-1", "http://evil"]
)
def test_only_ids_of_films_have_addresses(image_id: str) -> None:
    with pytest.raises(OpeniError, match="not the id"):
        image_url(image_id)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real collection is not beside this checkout")
def test_the_real_archive_is_read_whole() -> None:
    reports = read_reports(SHARED / "NLMCXR_reports.tgz")
    assert len(reports) == 3955
    assert reports["2961"].images[0] == "CXR2961_IM-1355-1001"
