"""The Indiana University collection (NLM Open-i): its report XML and its addresses.

Cite Demner-Fushman et al., JAMIA 2016.  Reports are read from NLM's archive as it is published
(`NLMCXR_reports.tgz`, one `ecgen-radiology/<uid>.xml` a study) or from a folder it was unpacked into.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from negviz.common.errors import NegvizError

IMAGE_HOST: Final = "https://openi.nlm.nih.gov"
REPORTS: Final = "NLMCXR_reports.tgz"
_MAX_XML: Final = 1_000_000  # the largest report is 40 kB; anything near this is not a report
_MAX_UNPACKED: Final = 100_000_000  # NLM's archive unpacks to 21 MB


class OpeniError(NegvizError):
    """An archive or report that cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Report:
    """What NLM publishes about one study."""

    uid: str
    mesh: tuple[str, ...]  # "Pleural Effusion/left/small"
    findings: str
    impression: str
    indication: str
    images: tuple[str, ...]  # ids as in `parentImage`, "CXR1_1_IM-0001-4001"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Findings, then impression, one sentence each.  A sentence's number is its index here."""
        return (*split_sentences(self.findings), *split_sentences(self.impression))


_ENUMERATION = re.compile(r"(?:(?<=\s)|^)\d{1,2}[.)]\s+")
_BOUNDARY = re.compile(r"(?<=[.?!;])\s+(?=\S)")
_ABBREVIATION = re.compile(r"\b(?:Dr|Drs|Mr|Mrs|vs|approx|e\.g|i\.e)\.$")


def split_sentences(text: str) -> tuple[str, ...]:
    """Cut report prose at sentence ends and list numbers, never inside "Dr. XXXX" or "1.5 cm"."""
    sentences: list[str] = []
    for part in _ENUMERATION.split(text):
        carry = ""
        for piece in _BOUNDARY.split(part):
            carry = f"{carry} {piece}".strip()
            if not _ABBREVIATION.search(carry):
                sentences.append(carry)
                carry = ""
        sentences.append(carry)
    return tuple(sentence for sentence in sentences if re.search(r"[^\W\d_]", sentence))


def parse_report(xml: bytes) -> Report:
    """Read one report.  Raises `OpeniError` where the bytes are no Open-i report."""
    if len(xml) > _MAX_XML or b"<!ENTITY" in xml:
        raise OpeniError("This is not an Open-i report: it is too large or declares entities.")
    try:
        root = ET.fromstring(xml)
    except (ET.ParseError, LookupError, ValueError) as error:  # the latter two: an encoding there is none of
        raise OpeniError(f"This is not an Open-i report: {error}.") from error
    uid_node = root.find("uId")
    uid = re.fullmatch(r"CXR([0-9]{1,9})", "" if uid_node is None else uid_node.get("id", ""))
    if uid is None:
        raise OpeniError("This is not an Open-i report: it has no <uId id='CXR…'>.")
    sections = {node.get("Label", ""): (node.text or "").strip() for node in root.iter("AbstractText")}
    return Report(
        uid=uid[1],
        mesh=tuple((node.text or "").strip() for node in root.iterfind("./MeSH/major")),
        findings=sections.get("FINDINGS", ""),
        impression=sections.get("IMPRESSION", ""),
        indication=sections.get("INDICATION", ""),
        images=tuple(node.get("id", "") for node in root.iter("parentImage")),
    )


def read_reports(source: Path | bytes) -> dict[str, Report]:
    """All reports of an archive (`.tgz`, or its bytes) or folder, by uid."""
    name = source if isinstance(source, Path) else "What was downloaded"
    files: Iterable[bytes]
    if isinstance(source, Path) and source.is_dir():
        files = map(Path.read_bytes, sorted(source.rglob("*.xml")))
    else:
        files = _members(source, name)
    reports = {report.uid: report for report in map(parse_report, files)}
    if not reports:
        raise OpeniError(f"{name} holds no report XML; give {REPORTS} or the folder it unpacks to.")
    return dict(sorted(reports.items(), key=lambda item: int(item[0])))


def _members(source: Path | bytes, name: Path | str) -> Iterator[bytes]:
    """The XML in an archive; members are read, never unpacked."""
    try:
        opened = source.open("rb") if isinstance(source, Path) else io.BytesIO(source)
        with opened as file, gzip.open(file) as packed:
            unpacked = packed.read(_MAX_UNPACKED + 1)
        if len(unpacked) > _MAX_UNPACKED:
            raise OpeniError(f"{name} is no archive of Open-i reports: it unpacks to far too much.")
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as archive:
            for member in archive:
                if member.isfile() and member.name.endswith(".xml") and member.size <= _MAX_XML:
                    handle = archive.extractfile(member)
                    if handle is not None:
                        yield handle.read()
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise OpeniError(f"{name} cannot be read as an archive of reports: {error}.") from error


def reports_url(*, host: str = IMAGE_HOST) -> str:
    """NLM's address of the archive of all reports, 1.1 MB."""
    return f"{host}/imgs/collections/{REPORTS}"


def image_url(image_id: str, *, host: str = IMAGE_HOST) -> str:
    """NLM's address of the 512-pixel PNG of one film, e.g. `CXR2961_IM-1355-1001`."""
    match = re.fullmatch(r"CXR(\d+)_IM-[\d-]+", image_id)
    if match is None:
        raise OpeniError(f"{image_id!r} is not the id of an Open-i film.")
    uid = int(match[1])
    return f"{host}/imgs/512/{uid % 401}/{uid}/{image_id}.png"


def film_id(stem: str) -> str:
    """NLM's archive writes `CXR1_1_IM-0001-3001` for the film its site calls `CXR1_IM-0001-3001`."""
    study, _, rest = stem.partition("_IM-")
    return f"{study.split('_')[0]}_IM-{rest}" if rest else stem
