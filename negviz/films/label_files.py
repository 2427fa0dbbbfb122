"""Labels as the field publishes them, beside a folder of images: films without a manifest of our making.

Layouts are told apart by their columns: NIH's Data_Entry, CheXpert's train and valid, MIMIC-CXR's files of
either labeller, VinDr-CXR's image_labels and PadChest's.  Silence stays silence: a finding is denied where a
file says 0, or where it calls a film free of findings.  Lateral films, and rows whose image is not in the
folder, are left aside and counted.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from negviz.common.csv_file import CsvTable, Row, read_csv
from negviz.common.errors import NegvizError
from negviz.findings import BY_NAME, Polarity

IMAGES: Final = frozenset({".png", ".jpg", ".jpeg", ".dcm", ".dicom"})
METADATA: Final = "mimic-cxr-2.0.0-metadata.csv"  # of MIMIC-CXR: which film is lateral
_FREE: Final = frozenset({"no finding", "normal"})
_BOTH_WAYS: Final = {label: f.name for f in BY_NAME.values() for label in (f.name, *f.labels)}
_AFFIRMED: Final = {label: f.name for f in BY_NAME.values() for label in (*f.nih, *f.kinds)} | _BOTH_WAYS
_STATES: Final[dict[float, Polarity]] = {1: "present", 0: "absent", -1: "uncertain"}
_STRONGEST: Final = ("absent", "uncertain", "present")
_LATERAL: Final = frozenset({"lateral", "ll", "l", "costal", "exclude", "lao", "rao"})
_NAMED: Final = 8  # unknown names that a note spells out


class LabelsError(NegvizError):
    """Labels that cannot be used; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class LabelledFilm:
    """One film as a file of labels tells it; `image` is its path within the folder."""

    image: str
    uid: str  # the patient, where one is named: films of one never lie on both sides of a split
    view: str
    states: Mapping[str, Polarity]

    @property
    def id(self) -> str:
        path = PurePosixPath(self.image)
        return "_".join((*path.parts[-3:-1], path.stem)) if path.stem.startswith("view") else path.stem


@dataclass
class Told:
    """What a file says beyond what can be used, to be told."""

    unknown: Counter[str] = field(default_factory=Counter)
    lateral: int = 0
    missing: int = 0

    def notes(self) -> tuple[str, ...]:
        lines = [unknown_names(self.unknown)] if self.unknown else []
        lines += [f"{self.lateral} lateral films are left aside."] if self.lateral else []
        lines += [f"{self.missing} films have labels and no image here."] if self.missing else []
        return tuple(lines)


def unknown_names(counts: Mapping[str, int]) -> str:
    """Names that are no finding of ours, the commonest spelt out."""
    often = sorted(counts, key=lambda name: (-counts[name], name))
    named = ", ".join(f"{name!r} ({counts[name]} films)" for name in often[:_NAMED])
    more = f", and {len(often) - _NAMED} more" if len(often) > _NAMED else ""
    return f"Not findings that negviz knows, and left aside: {named}{more}."


def read_labels(path: Path, folder: Path) -> tuple[tuple[LabelledFilm, ...], tuple[str, ...]]:
    """The films of `folder` that a file labels, and what is to be told.  Raises `LabelsError`."""
    table = read_csv(path, (), LabelsError, prose=("Report", "report"))
    layout = next((each for each in _LAYOUTS if each.columns <= set(table.header)), None)
    if layout is None:
        known = "; ".join(f"{each.name} ({', '.join(sorted(each.columns))})" for each in _LAYOUTS)
        raise LabelsError(f"{path} has the columns of none of the files of labels that open: {known}.")
    told, images = Told(), _Images.of(folder)
    films = tuple(layout.read(path, table, images, told))
    if not films:
        why = " ".join(told.notes())
        raise LabelsError(f"None of the films of {path} can be shown from {folder}. {why}".rstrip())
    return films, told.notes()


# Images -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Images:
    """The images below a folder, by what files of labels know them by."""

    by_stem: Mapping[str, Sequence[str]]
    by_study: Mapping[tuple[str, ...], Sequence[str]]  # the two folders above: p10000032, s50414267

    @classmethod
    def of(cls, folder: Path) -> _Images:
        by_stem: dict[str, list[str]] = {}
        by_study: dict[tuple[str, ...], list[str]] = {}
        for found in sorted(path for path in folder.rglob("*.*") if path.suffix.lower() in IMAGES):
            image = found.relative_to(folder)
            by_stem.setdefault(image.stem, []).append(image.as_posix())
            by_study.setdefault(image.parts[-3:-1], []).append(image.as_posix())
        return cls(by_stem, by_study)

    def find(self, named: str) -> str | None:
        """The one image of that name; of several, the one whose folders are those named."""
        path = PurePosixPath(named)
        found = self.by_stem.get(path.stem, ())
        if len(found) == 1 and not path.stem.startswith("view"):
            return found[0]
        return next((each for each in found if _same_end(PurePosixPath(each), path)), None)


def _same_end(held: PurePosixPath, named: PurePosixPath) -> bool:
    """Whether two paths are one seen from different folders."""
    shared = min(len(held.parts), len(named.parts))
    return shared > 1 and held.with_suffix("").parts[-shared:] == named.with_suffix("").parts[-shared:]


# Layouts ----------------------------------------------------------------------------------------


def _states(row: Row, names: Iterable[str], path: Path, told: Told) -> dict[str, Polarity]:
    """What the columns of a row say, 1, 0, -1 or nothing: of several that mean one finding, the strongest."""
    states: dict[str, Polarity] = {}
    for name in names:
        if not (cell := row.get(name)):
            continue
        try:
            state = _STATES[float(cell)]
        except (ValueError, KeyError):
            raise LabelsError(
                f"{path}, line {row.line}: {name} is {cell!r}, where 1, 0, -1 or nothing can stand."
            ) from None
        _say(states, name, state, told)
    return consistent(states)


def _say(states: dict[str, Polarity], label: str, state: Polarity, told: Told) -> None:
    name = label.strip().lower().replace("_", " ")
    finding = "normal" if name in _FREE else (_BOTH_WAYS if state == "absent" else _AFFIRMED).get(name)
    if finding is None:
        if state == "present":
            told.unknown[name] += 1
    elif finding != "normal" or state == "present":
        states[finding] = max(state, states.get(finding, state), key=_STRONGEST.index)


def consistent(states: Mapping[str, Polarity]) -> dict[str, Polarity]:
    """A film that shows something is not free of findings."""
    shown = {name for name, state in states.items() if state == "present"}
    return {name: state for name, state in states.items() if name != "normal" or not shown > {"normal"}}


def _listed(labels: Iterable[str], told: Told) -> dict[str, Polarity]:
    states: dict[str, Polarity] = {}
    for label in labels:
        _say(states, label, "present", told)
    return consistent(states)


def _film(
    images: _Images, told: Told, named: str, uid: str, view: str, states: Mapping[str, Polarity]
) -> Iterator[LabelledFilm]:
    image = images.find(named)
    told.missing += image is None
    if image is not None:
        yield LabelledFilm(image, uid, view, states)


def _frontal(view: str, told: Told) -> bool:
    lateral = view.strip().lower() in _LATERAL
    told.lateral += lateral
    return not lateral


def _nih(path: Path, table: CsvTable, images: _Images, told: Told) -> Iterator[LabelledFilm]:
    for row in table.rows:
        states, view = _listed(row["Finding Labels"].split("|"), told), row.get("View Position")
        yield from _film(images, told, row["Image Index"], row.get("Patient ID"), view, states)


def _chexpert(path: Path, table: CsvTable, images: _Images, told: Told) -> Iterator[LabelledFilm]:
    names = table.header[table.header.index("No Finding") :]
    for row in table.rows:
        if not _frontal(row["Frontal/Lateral"], told):
            continue
        patient = re.search(r"patient\d+", row["Path"])
        states = _states(row, names, path, told)
        yield from _film(images, told, row["Path"], patient[0] if patient else "", row.get("AP/PA"), states)


def _mimic(path: Path, table: CsvTable, images: _Images, told: Told) -> Iterator[LabelledFilm]:
    views = _mimic_views(path)
    names = [name for name in table.header if name not in ("subject_id", "study_id")]
    for row in table.rows:
        found = images.by_study.get((f"p{row['subject_id']}", f"s{row['study_id']}"), ())
        told.missing += not found
        states = _states(row, names, path, told)
        for image in found:
            view = views.get(PurePosixPath(image).stem, "")
            if _frontal(view, told):
                yield LabelledFilm(image, row["subject_id"], view, states)


def _mimic_views(path: Path) -> dict[str, str]:
    """By film, where the file that tells them lies beside the labels, as published or unpacked."""
    beside = (path.with_name(METADATA), path.with_name(f"{METADATA}.gz"))
    metadata = next((each for each in beside if each.is_file()), None)
    if metadata is None:
        return {}
    rows = read_csv(metadata, ("dicom_id", "ViewPosition"), LabelsError).rows
    return {row["dicom_id"]: row["ViewPosition"] for row in rows}


def _vindr(path: Path, table: CsvTable, images: _Images, told: Told) -> Iterator[LabelledFilm]:
    """Several radiologists read a film: what they do not agree about is uncertain."""
    names = [name for name in table.header if name not in ("image_id", "rad_id")]
    read: dict[str, list[dict[str, Polarity]]] = {}
    for row in table.rows:
        read.setdefault(row["image_id"], []).append(_states(row, names, path, told))
    for image_id, readings in read.items():
        found = dict.fromkeys(name for states in readings for name in states)
        states = {name: _agreed([states.get(name) for states in readings]) for name in found}
        known = {name: state for name, state in states.items() if state is not None}
        yield from _film(images, told, image_id, "", "PA", consistent(known))


def _agreed(said: Sequence[Polarity | None]) -> Polarity | None:
    return said[0] if len(set(said)) == 1 else None if None in said else "uncertain"


def _padchest(path: Path, table: CsvTable, images: _Images, told: Told) -> Iterator[LabelledFilm]:
    for row in table.rows:
        view = row.get("Projection")
        if not _frontal(view, told):
            continue
        try:
            labels = [str(label) for label in ast.literal_eval(row["Labels"] or "[]")]
        except (ValueError, SyntaxError, TypeError):
            labels = []  # "nan": a film that nobody labelled
        yield from _film(images, told, row["ImageID"], row.get("PatientID"), view, _listed(labels, told))


@dataclass(frozen=True)
class _LabelLayout:
    name: str
    columns: frozenset[str]
    read: Callable[[Path, CsvTable, _Images, Told], Iterator[LabelledFilm]]


_LAYOUTS: Final = (
    _LabelLayout("NIH's Data_Entry", frozenset({"Image Index", "Finding Labels"}), _nih),
    _LabelLayout("CheXpert's train", frozenset({"Path", "Frontal/Lateral", "No Finding"}), _chexpert),
    _LabelLayout("MIMIC-CXR's", frozenset({"subject_id", "study_id", "No Finding"}), _mimic),
    _LabelLayout("PadChest's", frozenset({"ImageID", "Labels"}), _padchest),
    _LabelLayout("VinDr's image_labels", frozenset({"image_id", "No finding"}), _vindr),
)
