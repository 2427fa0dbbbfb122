"""From what NLM and NIH publish to collection folders: frontal films, what is known of each, and the split.

Two sources say what a film shows: the MeSH headings NLM's indexers chose, and the report, read sentence by
sentence.  They must agree before anything counts as denied; where they contradict each other the film is
uncertain.  A film whose indexers call it normal is so although its report leaves something open ("no large
effusion"), which then is uncertain.  The 70 test films were confirmed by reading their reports
(`assets/openi/test_films.csv`).
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from negviz.common.csv_file import read_csv
from negviz.common.files import running_alone, temporary_folder
from negviz.films.collection import ASSETS, MANIFEST, Collection, Film, open_collection
from negviz.films.openi import REPORTS, OpeniError, Report, read_reports
from negviz.films.split import FOLDS
from negviz.findings import ABNORMAL, BY_NAME
from negviz.language.prompt import strongest
from training.data.duplicates import duplicates
from training.paths import FilmsError

PICTURES: Final = "NLMCXR_png.tgz"
TEST_FILMS: Final = ASSETS / "openi" / "test_films.csv"
_SALT: Final = 119
_PROSE: Final = ("report_findings", "report_impression", "report_indication")
# NIH's names of what we know; its others ("pleural thickening", …) are reported.
_NIH: Final = {label: finding.name for finding in BY_NAME.values() for label in finding.nih}


@dataclass(frozen=True)
class Known:
    """What a report says of one finding, by each source."""

    mesh: bool
    read: str  # "present", "uncertain", "absent", or "" where no sentence mentions it
    bound: str = ""  # what leaves it uncertain where the report denies no more: "large"

    @property
    def status(self) -> str:
        """ "present", "uncertain", "denied", or "" where neither source speaks."""
        if self.read == "present" or (self.mesh and self.read == ""):
            return "present"
        if self.read == "uncertain" or self.mesh:
            return "uncertain"
        return "denied" if self.read == "absent" else ""


# What reports say ------------------------------------------------------------------------------


def known_findings(report: Report) -> dict[str, Known]:
    """Both sources for every finding but `normal`."""
    headings = {term.split("/")[0] for term in report.mesh}
    read = strongest(report.sentences)
    return {
        name: Known(
            not headings.isdisjoint(BY_NAME[name].mesh),
            read[name].polarity if name in read else "",
            read[name].bound if name in read else "",
        )
        for name in ABNORMAL
    }


def label(film: Film, report: Report) -> Film:
    """The film with its findings, denials and uncertain findings filled in."""
    known = known_findings(report)
    status = {name: both.status for name, both in known.items()}
    sets = {
        state: frozenset(n for n, s in status.items() if s == state)
        for state in ("present", "denied", "uncertain")
    }
    findings, denied = sets["present"], sets["denied"]
    left_open = {name for name, both in known.items() if both.bound and not both.mesh}
    if not findings and sets["uncertain"] <= left_open and "normal" in report.mesh:
        findings, denied = frozenset({"normal"}), frozenset(ABNORMAL) - left_open
    indexed = frozenset(name for name, both in known.items() if both.mesh)
    return replace(film, findings=findings, denied=denied, uncertain=sets["uncertain"], indexed=indexed)


# Sources --------------------------------------------------------------------------------------


def openi_reports(source: Path) -> dict[str, Report]:
    """The reports of a source: NLM's archive, the folder it unpacks to, or the prose in a manifest."""
    paths = (source / REPORTS, source / "ecgen-radiology")
    for place in paths:
        if place.exists():
            return read_reports(place)
    if (source / MANIFEST).is_file():
        rows = _rows(source / MANIFEST, ("uid", "mesh", "report_findings", "report_impression"))
        return {row["uid"]: _report_from_row(row) for row in rows}
    raise FilmsError(
        f"{source} holds neither {REPORTS} nor a {MANIFEST}; give the folder that holds the Open-i films."
    )


def different_sentences(
    films: Iterable[Film], reports: Mapping[str, Report], keep: Callable[[str], bool]
) -> dict[str, list[str]]:
    """Every different sentence of the films' reports that is to be kept, in order of first occurrence.

    With it, of which studies' reports it is, as often as it stands there.
    """
    texts: dict[str, str] = {}
    studies: dict[str, list[str]] = defaultdict(list)
    for uid in dict.fromkeys(film.uid for film in films if film.uid in reports):
        for sentence in filter(keep, reports[uid].sentences):
            studies[texts.setdefault(sentence.casefold(), sentence)].append(uid)
    return studies


def openi_films(source: Path) -> list[Film]:
    """Frontal films of a source, unlabelled, in order of study and id.

    NLM's archives do not say which films are frontal; the shipped list of ids does.
    """
    if (source / MANIFEST).is_file():
        rows = _rows(source / MANIFEST, ("image", "uid", "view"))
        films = [
            Film(Path(r["image"]).stem, r["image"], r["uid"], r["view"])
            for r in rows
            if r["view"] == "frontal"
        ]
    else:
        _unpack_once(source)
        shipped = open_collection("openi", films=source)
        films = [_bare(film) for film in shipped if shipped.image_path(film) is not None]
    if not films:
        raise FilmsError(
            f"{source} holds no frontal Open-i films; it needs {PICTURES}, its PNGs, or a {MANIFEST}."
        )
    return sorted(films, key=lambda film: (int(film.uid), film.id))


def _bare(film: Film) -> Film:
    return Film(film.id, film.image, film.uid, film.view)


def _unpack_once(source: Path) -> None:
    """Unpack NLM's archive of PNGs beside itself, if that was not done to its end."""
    found = (path.relative_to(source) for path in source.rglob("*.png"))
    if (source / PICTURES).is_file() and not any(not path.parts[0].startswith(".") for path in found):
        with running_alone(source, "unpacking"):
            _unpack_pictures(source / PICTURES, source / "images")


def _unpack_pictures(archive: Path, folder: Path) -> None:
    """Write the archive's PNGs flat into `folder`, which appears only once all are there."""
    with temporary_folder(folder.parent, folder.name) as temporary, tarfile.open(archive) as tar:
        partial = temporary / folder.name
        partial.mkdir()
        for member in tar:
            handle = tar.extractfile(member) if member.isfile() and member.name.endswith(".png") else None
            if handle is not None:
                with handle, (partial / Path(member.name).name).open("wb") as out:
                    shutil.copyfileobj(handle, out)
        partial.replace(folder)


def nih_films(source: Path, *, keep: Callable[[str], bool]) -> tuple[list[Film], dict[str, int]]:
    """Films of the NIH folder whose id passes `keep`, and how often each name outside our vocabulary occurs.

    Labels were mined from text: a name that is missing is silence; only "normal" denies.
    """
    films, unknown = [], defaultdict[str, int](int)
    for row in _rows(source / MANIFEST, ("image", "view", "nih_labels")):
        name, names = Path(row["image"]).stem, row["nih_labels"].split("|")
        if not keep(name):
            continue
        for other in set(names) - _NIH.keys():
            unknown[other] += 1
        findings = frozenset(_NIH[n] for n in names if n in _NIH)
        denied = frozenset(ABNORMAL) if findings == {"normal"} else frozenset[str]()
        films.append(Film(name, row["image"], name, row["view"], findings, denied, split="test"))
    return sorted(films, key=lambda film: film.id), dict(unknown)


def _rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    return [row.cells for row in read_csv(path, needed, FilmsError, prose=_PROSE).rows]


def _report_from_row(row: Mapping[str, str]) -> Report:
    mesh = tuple(filter(None, (term.strip() for term in row["mesh"].split(";"))))
    findings, impression, indication = (row.get(name, "") for name in _PROSE)
    return Report(row["uid"], mesh, findings, impression, indication, images=())


# Split --------------------------------------------------------------------------------------


def split(
    films: Sequence[Film], verdicts: Mapping[str, str], copies: Iterable[tuple[str, ...]]
) -> list[Film]:
    """Films with split and fold: hand-confirmed test films, and training studies in five folds.

    Other films of a test study, second copies of a film and copies of a test film belong to neither ("").
    """
    test_films = {film.id for film in films if film.id in verdicts}
    test_studies = {film.uid for film in films if film.id in verdicts}
    spare = {name for group in copies for name in (group if test_films & set(group) else group[1:])}
    placed = []
    for film in films:
        if film.id in verdicts:
            placed.append(replace(_confirmed(film, verdicts[film.id]), split="test"))
        elif film.uid in test_studies or film.id in spare:
            placed.append(replace(film, split="", fold=""))
        else:
            placed.append(replace(film, split="train", fold=str(fold(film.uid))))
    return placed


def _confirmed(film: Film, verdict: str) -> Film:
    """The reading by hand decides about effusion."""
    without = [state - {"effusion"} for state in (film.findings, film.denied, film.uncertain)]
    findings, denied, uncertain = without
    if verdict == "effusion":
        return replace(
            film, findings=findings - {"normal"} | {"effusion"}, denied=denied, uncertain=uncertain
        )
    return replace(film, findings=findings, denied=denied | {"effusion"}, uncertain=uncertain)


def fold(uid: str) -> int:
    """The fold a study falls into: by hash, so that better labels never move a study to another.

    The salt is one that deals films with effusion out evenly.
    """
    return int(hashlib.sha256(f"fold {_SALT} {uid}".encode()).hexdigest(), 16) % FOLDS


def read_verdicts(path: Path = TEST_FILMS) -> dict[str, str]:
    """Film id → "effusion" or "denied", as confirmed by reading its report."""
    rows = _rows(path, ("image", "uid", "verdict"))
    return {row["image"]: row["verdict"] for row in rows if row["verdict"] != "unclear"}


def build_openi(source: Path) -> tuple[list[Film], dict[str, Report], list[tuple[str, ...]]]:
    """Every frontal film of a source, labelled and split; the reports; the groups of duplicates."""
    try:
        reports = openi_reports(source)
    except OpeniError as error:
        raise FilmsError(str(error)) from error
    films = [label(film, reports[film.uid]) for film in openi_films(source) if film.uid in reports]
    opened = Collection("openi", tuple(films), source)
    paths = {film.id: opened.image_path(film) for film in films}
    copies = duplicates({name: path for name, path in paths.items() if path is not None})
    return split(films, read_verdicts(), copies), reports, copies
