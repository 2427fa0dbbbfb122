"""Labels in the layouts of those who publish them, over folders of a few drawn films."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from negviz.common.errors import NegvizError
from negviz.films.collection import Collection, open_collection
from tests.retrieval.test_own_films import RAMP, dicom
from tests.tiny import draw_film

CHEXPERT = (
    "No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,Edema,Consolidation,"
    "Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices"
)


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Collection]:
    """A collection of drawn films in some places of a folder, and the labels that tell of them."""

    def open_it(labels: str, *images: str, file: str = "labels.csv") -> Collection:
        for image in images:
            path = tmp_path / "films" / image
            path.parent.mkdir(parents=True, exist_ok=True)
            draw_film(0, effusion=False, side=32).save(path)
        content = labels.encode()
        (tmp_path / file).write_bytes(gzip.compress(content) if file.endswith(".gz") else content)
        return open_collection(tmp_path / "films", labels=tmp_path / file)

    return open_it


def said(films: Collection) -> dict[str, tuple[str, str, str]]:
    """By film, what it shows, lacks and leaves open."""
    return {
        film.id: tuple("|".join(sorted(names)) for names in (film.findings, film.denied, film.uncertain))  # type: ignore[misc]
        for film in films
    }


def test_nih(opened: Callable[..., Collection]) -> None:
    labels = (
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
        "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n"
        "00000001_000.png,Effusion|Hernia,0,1,57,M,PA,2682,2749,0.143,0.143,\n"
        "00000001_001.png,No Finding,1,1,58,M,AP,2682,2749,0.143,0.143,\n"
        "00000002_000.png,Pneumonia|Pleural_Thickening|Hernia,0,2,58,M,PA,2682,2749,0.143,0.143,\n"
        "00000003_000.png,No Finding,0,3,58,M,PA,2682,2749,0.143,0.143,\n"
    )
    names = (f"images_001/images/0000000{name}.png" for name in ("1_000", "1_001", "2_000"))
    films = opened(labels, *names, file="Data_Entry_2017_v2020.csv")
    assert said(films) == {
        "00000001_000": ("effusion", "", ""),
        "00000001_001": ("normal", "", ""),
        "00000002_000": ("opacity", "", ""),
    }
    assert [(film.uid, film.view) for film in films] == [("1", "PA"), ("1", "AP"), ("2", "PA")]
    assert films.notes == (
        "Not findings that negviz knows, and left aside: 'hernia' (2 films), 'pleural thickening' (1 films).",
        "1 films have labels and no image here.",
    )
    assert films.image(films.films[0]).size == (32, 32)


def test_chexpert(opened: Callable[..., Collection]) -> None:
    root = "CheXpert-v1.0-small/train"
    labels = (
        f"Path,Sex,Age,Frontal/Lateral,AP/PA,{CHEXPERT}\n"
        f"{root}/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP,,,0.0,-1.0,,,,1.0,,0.0,1.0,,,1.0\n"
        f"{root}/patient00001/study1/view2_lateral.jpg,Female,68,Lateral,,,,,1.0,,,,,,,1.0,,,\n"
        f"{root}/patient00002/study1/view1_frontal.jpg,Male,87,Frontal,AP,1.0,,,,,,,0.0,,,0.0,,,\n"
    )
    parts = ("1/study1/view1_frontal", "1/study1/view2_lateral", "2/study1/view1_frontal")
    films = opened(labels, *(f"train/patient0000{part}.jpg" for part in parts), file="train.csv")
    assert said(films) == {
        "patient00001_study1_view1_frontal": ("effusion|opacity", "cardiomegaly|pneumothorax", ""),
        "patient00002_study1_view1_frontal": ("normal", "effusion", ""),
    }
    assert {film.id: film.image for film in films}["patient00002_study1_view1_frontal"].startswith(
        "train/patient00002/"
    )
    assert films.notes == (
        "Not findings that negviz knows, and left aside: 'support devices' (1 films).",
        "1 lateral films are left aside.",
    )


@pytest.mark.parametrize("file", ["mimic-cxr-2.0.0-chexpert.csv.gz", "mimic-cxr-2.0.0-negbio.csv"])
def test_mimic(file: str, opened: Callable[..., Collection], tmp_path: Path) -> None:
    (tmp_path / "mimic-cxr-2.0.0-metadata.csv").write_text(
        "dicom_id,subject_id,study_id,ViewPosition\naa-1,10000032,50414267,PA\nbb-2,10000032,50414267,LATERAL\n"
    )
    said_of_it = {"Atelectasis": "-1.0", "Pleural Effusion": "0.0", "Pneumothorax": "1.0"}
    columns = sorted(CHEXPERT.split(","))
    cells = ",".join(said_of_it.get(name, "") for name in columns)
    labels = f"subject_id,study_id,{','.join(columns)}\n10000032,50414267,{cells}\n10000764,1,{cells}\n"
    study = "files/p10/p10000032/s50414267"
    films = opened(labels, f"{study}/aa-1.jpg", f"{study}/bb-2.jpg", file=file)
    assert said(films) == {"aa-1": ("pneumothorax", "effusion", "atelectasis")}
    assert [(film.uid, film.view) for film in films] == [("10000032", "PA")]
    assert films.notes == ("1 lateral films are left aside.", "1 films have labels and no image here.")


def test_vindr(opened: Callable[..., Collection]) -> None:
    labels = (
        "image_id,rad_id,Aortic enlargement,Nodule/Mass,Pleural effusion,Pneumothorax,No finding\n"
        "a1,R1,0,0,1,0,0\na1,R2,0,0,1,0,0\na1,R3,1,1,1,0,0\nb2,R1,0,0,0,0,1\nb2,R2,0,0,0,0,1\n"
    )
    films = opened(labels, "train/a1.png", "train/b2.png", file="image_labels_train.csv")
    assert said(films) == {
        "a1": ("effusion", "pneumothorax", "nodule"),
        "b2": ("normal", "effusion|nodule|pneumothorax", ""),
    }


def test_padchest(opened: Callable[..., Collection]) -> None:
    labels = (
        "ImageID,ImageDir,StudyID,PatientID,Projection,Labels\n"
        "1_a.png,0,s1,p1,PA,\"['pleural effusion', 'kyphosis']\"\n"
        "1_b.png,0,s1,p1,L,\"['pleural effusion']\"\n"
        "2_a.png,0,s2,p2,AP,['normal']\n3_a.png,0,s3,p3,PA,nan\n"
    )
    films = opened(labels, "0/1_a.png", "0/1_b.png", "0/2_a.png", "0/3_a.png")
    assert said(films) == {"1_a": ("effusion", "", ""), "2_a": ("normal", "", ""), "3_a": ("", "", "")}
    assert [film.uid for film in films] == ["p1", "p2", "p3"]


def test_reports_are_read_where_no_findings_are_given(opened: Callable[..., Collection]) -> None:
    labels = (
        "image,uid,report\n"
        'a.png,1,"Small left pleural effusion. No pneumothorax. Possible nodule."\n'
        'b.png,2,"No acute abnormality.\nHeart size is normal."\n'
    )
    films = opened(labels, "a.png", "b.png")
    assert said(films)["a"] == ("effusion", "pneumothorax", "nodule")
    assert "cardiomegaly" in said(films)["b"][1]


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ("image;findings\na.png;effusion\n", "has semicolons between its columns; save it with commas"),
        ("image,Findings\na.png,effusion\n", "has the column Findings, which is to be spelt findings"),
        ("file,label\na.png,effusion\n", "has the columns of none of the files of labels that open: NIH's"),
        (f"subject_id,study_id,{CHEXPERT}\n1,2,yes{',' * 13}\n", "No Finding is 'yes', where 1, 0, -1"),
        ("Image Index,Finding Labels\nb.png,Effusion\n", "None of the films of"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(
    labels: str, sentence: str, opened: Callable[..., Collection]
) -> None:
    with pytest.raises(NegvizError, match="labels") as said:
        opened(labels, "p1/p1/s2/a.png")
    assert sentence in str(said.value)


# DICOM ------------------------------------------------------------------------------------------


def test_dicom_files_are_films_of_a_collection_and_slices_are_refused(tmp_path: Path) -> None:
    for name, modality in (("a1.dicom", "DX"), ("b2.dcm", "CT"), ("c3.dcm", "MR")):
        (tmp_path / name).write_bytes(dicom(Modality=modality))
    rows = "image_id,Pleural effusion,No finding\na1,1,0\nb2,0,1\nc3,0,1\n"
    (tmp_path / "image_labels_test.csv").write_text(rows, "utf-8")
    films = open_collection(tmp_path, labels=tmp_path / "image_labels_test.csv")
    assert films.image(films.by_id("a1")).size == RAMP.shape[::-1]
    for name, what in (("b2", "a CT slice"), ("c3", "an MR slice")):
        with pytest.raises(NegvizError, match=f"It is {what}, and films are radiographs of the chest"):
            films.image(films.by_id(name))
