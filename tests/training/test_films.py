"""From NLM's and NIH's files to collections: labels by two sources, duplicates, split."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from negviz.films.collection import Film, open_collection
from negviz.films.openi import film_id, parse_report
from negviz.language.prompt import strongest
from tests.films.test_openi import report_xml
from tests.tiny import draw_film
from training.build.films import changed_labels_results
from training.data.duplicates import duplicates
from training.data.films import (
    Known,
    build_openi,
    label,
    nih_films,
    openi_films,
    openi_reports,
    read_verdicts,
    split,
)
from training.data.relabelled import CHANGED, NEXT, Relabelled, relabelled
from training.paths import RESULTS, FilmsError

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="the real films are not beside this checkout")


def labelled(findings: str, mesh: tuple[str, ...], impression: str = "") -> Film:
    return label(Film("CXR1_IM-1", "a.png", "1"), parse_report(report_xml("1", findings, impression, mesh)))


def test_a_statement_beats_a_hedge_and_a_hedge_a_denial() -> None:
    prose = "No effusion. Possible effusion. Pneumothorax cannot be excluded. No pneumothorax."
    said = strongest(parse_report(report_xml("1", prose, "There is a small effusion.")).sentences)
    assert (said["effusion"].polarity, said["pneumothorax"].polarity) == ("present", "uncertain")


@pytest.mark.parametrize(
    ("mesh", "read", "status"),
    [
        (True, "present", "present"),
        (False, "present", "present"),
        (True, "", "present"),
        (True, "uncertain", "uncertain"),
        (True, "absent", "uncertain"),
        (False, "uncertain", "uncertain"),
        (False, "absent", "denied"),
        (False, "", ""),
    ],
)
def test_a_film_is_denied_a_finding_only_where_both_sources_agree(mesh: bool, read: str, status: str) -> None:
    assert Known(mesh, read).status == status


def test_findings_denials_and_hedges_of_one_report() -> None:
    film = labelled(
        "Small right pleural effusion. Heart size normal. Possible nodule.", ("Pleural Effusion/small",)
    )
    assert film.findings == {"effusion"}
    assert "cardiomegaly" in film.denied
    assert film.uncertain == {"nodule"}
    assert film.indexed == {"effusion"}
    assert film.states("pneumothorax", "absent") is None


def test_normal_takes_both_the_heading_and_nothing_found() -> None:
    assert labelled("Clear lungs.", ("normal",)).findings == {"normal"}
    assert labelled("There is a pleural effusion.", ("normal",)).findings == {"effusion"}
    assert "normal" not in labelled("Clear lungs.", ("Scoliosis",)).findings


def test_what_a_no_leaves_open_yields_to_a_denial_and_makes_no_normal_film_abnormal() -> None:
    closed = labelled("No large effusion. Lungs clear. No acute infiltrate.", (), "No pleural effusion.")
    assert {"effusion", "opacity"} <= closed.denied
    assert labelled("No large effusion.", ()).uncertain == {"effusion"}
    normal = labelled("Clear lungs. No large effusion.", ("normal",))
    assert normal.findings == {"normal"}
    assert normal.uncertain == {"effusion"}
    assert normal.states("emphysema", "absent") is True
    assert normal.states("effusion", "absent") is None
    assert labelled("Clear lungs. Possible effusion.", ("normal",)).findings == frozenset()
    assert labelled("Possible effusion. No large effusion.", ("normal",)).findings == frozenset()


def test_copies_are_found_through_re_encoding_and_other_films_are_not_copies(tmp_path: Path) -> None:
    for number in range(6):
        blobs = np.random.default_rng(number).integers(0, 255, (6, 6), dtype=np.uint8)
        film = Image.fromarray(blobs).resize((96, 96), Image.Resampling.BICUBIC)
        film.save(tmp_path / f"{number}.png")
        if number == 3:
            film.save(tmp_path / "copy.jpg", quality=60)
    images = {path.stem: path for path in sorted(tmp_path.iterdir())}
    assert duplicates(images) == [("3", "copy")]


def test_no_film_of_a_test_study_is_trained_on_and_copies_are_set_aside() -> None:
    films = [Film(f"f{n}", "", str(n // 2), denied=frozenset({"effusion"})) for n in range(40)]
    placed = {film.id: film for film in split(films, {"f0": "effusion", "f4": "denied"}, [("f8", "f9")])}
    assert [placed[name].split for name in ("f0", "f1", "f4", "f5", "f8", "f9")] == [
        "test",
        "",
        "test",
        "",
        "train",
        "",
    ]
    assert placed["f0"].findings == {"effusion"}
    assert "effusion" not in placed["f0"].denied  # what was read by hand decides
    assert {film.fold for film in placed.values() if film.split == "train"} == set("01234")


def test_both_layouts_of_the_collection_give_the_same_films(tmp_path: Path) -> None:
    """NLM's archives, and a folder with a manifest as the data sets' copies have it."""
    folder, archives = write_source(tmp_path / "folder", count=3), tmp_path / "archives"
    archives.mkdir()
    with (
        tarfile.open(archives / "NLMCXR_reports.tgz", "w:gz") as reports,
        tarfile.open(archives / "NLMCXR_png.tgz", "w:gz") as pictures,
    ):
        for path in (folder / "images").iterdir():
            uid = path.stem[3 : path.stem.index("_")]
            archived = path.stem.replace("_IM", "_1_IM")
            picture = io.BytesIO()
            Image.open(path).save(picture, "PNG")
            _add(reports, f"ecgen-radiology/{uid}.xml", report_xml(uid, "Clear lungs. No effusion."))
            _add(pictures, f"{archived}.png", picture.getvalue())
            _add(pictures, f"{archived}-lateral.png", picture.getvalue())  # in no list of frontal films
    first, second = (build_openi(source)[0] for source in (archives, folder))
    assert [(f.id, f.findings, f.denied) for f in first] == [(f.id, f.findings, f.denied) for f in second]
    assert all(open_collection("openi").by_id(film.id).uid == film.uid for film in first)
    assert not list(archives.glob(".*"))


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def write_source(folder: Path, *, count: int) -> Path:
    """A folder in the layout of the data sets' copies: images, and a manifest with prose."""
    shipped = [film for film in open_collection("openi") if film.split == "train"][:count]
    (folder / "images").mkdir(parents=True)
    for number, film in enumerate(shipped):
        draw_film(number, effusion=False).save(folder / "images" / f"{film.id}.jpg")
    columns = [
        "image",
        "uid",
        "view",
        "mesh",
        "problems",
        "report_findings",
        "report_impression",
        "report_indication",
    ]
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        for film in shipped:
            said = {"mesh": "normal", "report_findings": "Clear lungs. No effusion."}
            writer.writerow({"image": f"images/{film.id}.jpg", "uid": film.uid, "view": "frontal", **said})
    return folder


def test_archived_names_are_site_names() -> None:
    assert film_id("CXR1_1_IM-0001-3001") == "CXR1_IM-0001-3001"
    assert film_id("CXR2961_IM-1355-1001") == "CXR2961_IM-1355-1001"


def test_folders_without_films_or_reports_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FilmsError, match=r"NLMCXR_reports\.tgz"):
        openi_reports(tmp_path)
    with pytest.raises(FilmsError, match="frontal Open-i films"):
        openi_films(tmp_path)
    (tmp_path / "manifest.csv").write_text("image\na.png\n", "utf-8")
    with pytest.raises(FilmsError, match="uid"):
        openi_films(tmp_path)


def test_nih_names_are_ours_or_reported(tmp_path: Path) -> None:
    rows = [
        "image,view,nih_labels",
        "images/e_1.jpg,frontal,effusion|fibrosis",
        "images/e_2.jpg,frontal,normal",
        "images/p_3.jpg,frontal,mass",
    ]
    (tmp_path / "manifest.csv").write_text("\n".join(rows), "utf-8")
    films, unknown = nih_films(tmp_path, keep=lambda name: name.startswith("e_"))
    assert [(film.id, film.findings) for film in films] == [
        ("e_1", frozenset({"effusion"})),
        ("e_2", frozenset({"normal"})),
    ]
    assert unknown == {"fibrosis": 1}
    assert films[0].states("pneumothorax", "absent") is None  # mined labels are silent, they do not deny


@real
def test_the_real_films_give_the_shipped_manifest_but_for_the_labels_to_come() -> None:
    films, reports, copies = build_openi(SHARED / "openi")
    assert len(copies) == 3
    shipped = open_collection("openi").films
    changes = relabelled(shipped, films, reports)
    coming = NEXT.read_text("utf-8").splitlines() if NEXT.is_file() else []
    assert list(csv.DictReader(coming)) == [asdict(change) for change in changes]
    assert [unlabelled(film) for film in films] == [unlabelled(film) for film in shipped]
    changes = [Relabelled(**row) for row in csv.DictReader(CHANGED.read_text("utf-8").splitlines())]
    committed = json.loads((RESULTS / "labels-changed.json").read_text("utf-8"))
    counted = json.loads(json.dumps(changed_labels_results(films, reports, changes)))
    for told in (counted, committed):  # how well labels agreed before is in no other file
        for sides in told["agreement_with_mesh"].values():
            del sides["before"]
    assert counted == committed


def unlabelled(film: Film) -> Film:
    return replace(film, findings=frozenset(), denied=frozenset(), uncertain=frozenset())


@real
def test_our_reader_agrees_with_every_test_film_read_by_hand() -> None:
    reports = openi_reports(SHARED / "openi")
    shipped, wrong = open_collection("openi"), []
    for name, verdict in read_verdicts().items():
        film = label(Film(name, "", ""), reports[shipped.by_id(name).uid])
        if film.states("effusion", "present") is not (verdict == "effusion"):
            wrong.append(name)
    assert not wrong


@real
def test_nothing_of_the_external_test_is_in_the_training_films() -> None:
    external, _ = nih_films(SHARED / "nih", keep=lambda name: name.startswith("e_"))
    extra, _ = nih_films(SHARED / "nih", keep=lambda name: name.startswith("p_"))
    assert tuple(external) == open_collection("nih").films
    assert {film.id for film in external}.isdisjoint(film.id for film in extra)
    codes = [
        np.asarray(Image.open(SHARED / "nih" / film.image).convert("L").resize((8, 8))).tobytes()
        for film in (*external, *extra)
    ]
    assert len(set(codes[: len(external)]) & set(codes[len(external) :])) == 0
