"""Collections: what a manifest may say, what a film satisfies, and what is refused."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from negviz.films.collection import (
    Collection,
    CollectionError,
    Film,
    judge,
    open_collection,
    open_image,
    read_manifest,
    write_manifest,
)
from negviz.language.prompt import read_prompt


def film(findings: str = "", denied: str = "", uncertain: str = "") -> Film:
    present, absent, hedged = (frozenset(names.split()) for names in (findings, denied, uncertain))
    return Film("a", "a.png", "1", findings=present, denied=absent, uncertain=hedged)


@pytest.mark.parametrize(
    ("said", "prompt", "verdict"),
    [
        (film("effusion"), "pleural effusion", True),
        (film("effusion"), "no pleural effusion", False),
        (film(denied="effusion"), "no pleural effusion", True),
        (film(denied="effusion"), "pleural effusion", False),
        (film("cardiomegaly"), "no pleural effusion", None),
        (film(uncertain="effusion"), "pleural effusion", None),
        (film("normal"), "no pneumothorax", True),
        (film("normal"), "pneumothorax", False),
        (film("normal"), "normal chest", True),
        (film("effusion"), "normal chest", False),
        (film(denied="effusion"), "normal chest", None),
        (film("effusion"), "pleural effusion cannot be excluded", None),
        (film("effusion", "pneumothorax"), "effusion but no pneumothorax", True),
        (film("effusion pneumothorax"), "effusion but no pneumothorax", False),
        (film("effusion"), "effusion but no pneumothorax", None),
        (film("effusion"), "what a lovely day", None),
    ],
)
def test_a_film_satisfies_contradicts_or_does_not_say(said: Film, prompt: str, verdict: bool | None) -> None:
    assert judge(said, read_prompt(prompt)) is verdict


def test_silence_may_be_counted_as_denial() -> None:
    silent, hedged = film("cardiomegaly"), film(uncertain="effusion")
    prompt = read_prompt("no pleural effusion")
    assert judge(silent, prompt, unmentioned="absent") is True
    assert judge(hedged, prompt, unmentioned="absent") is None


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    films = (
        film("effusion cardiomegaly", "pneumothorax"),
        Film("b", "sub/b.png", "2", split="test", view="PA"),
    )
    write_manifest(tmp_path, films)
    assert open_collection(tmp_path).films == films
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.csv"]


def test_a_manifest_needs_only_images_and_findings_and_reports_names_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("image,findings\nx/one.png,Effusion|gout\ntwo.png,gout\n", "utf-8")
    collection = open_collection(tmp_path)
    assert [(f.id, f.uid, f.findings) for f in collection] == [
        ("one", "one", frozenset({"effusion"})),
        ("two", "two", frozenset()),
    ]
    assert collection.notes == ("Not findings that negviz knows, and left aside: 'gout' (2 films).",)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("image\na.png\n", "lacks the column findings"),
        ("image,findings\n", "nothing below its header"),
        ("image,findings\n../a.png,effusion\n", "inside the collection folder"),
        ("image,findings\n/etc/a.png,effusion\n", "inside the collection folder"),
        ("image,findings\n,effusion\n", "inside the collection folder"),
        ("image,findings,id\na.png,,x\nb.png,,x\n", "twice"),
        ('image,findings\na.png,"effusion\nb.png,normal\nc.png,normal\n', "never closed"),
        ('image,findings\na.png,"effusion\nb.png,normal\nc.png,"normal\n', "never closed"),
        ('image,findings,note\na.png,,"x\nb.png,normal,"\n', "never closed"),
        (f"image,findings,report\na.png,effusion,{'x' * 140_000}\n", "line 2 is not CSV"),
        ("image,findings\na.png,effusion,normal\n", "line 2 has not as many fields"),
        ("image,findings\na.png\n", "line 2 has not as many fields"),
        ("image,findings,findings\na.png,effusion,normal\n", "column findings twice"),
        ("image,findings\na\0.png,effusion\n", "NUL"),
        (f"image,findings\n{'x' * 300}.png,effusion\n", "line 2: the name of the image is longer"),
        ("image,findings,denied\na.png,effusion,edema|effusion\n", "effusion in findings and in denied"),
        (
            "image,findings,uncertain\na.png,effusion,effusion\n",
            "effusion in findings and in uncertain; say one",
        ),
        ("image,findings,denied,uncertain\na.png,,edema,edema\n", "edema in denied and in uncertain"),
        ("image,findings\na.png,effusion|normal\n", "normal and effusion in findings"),
    ],
)
def test_a_bad_manifest_is_refused_in_one_sentence(tmp_path: Path, manifest: str, message: str) -> None:
    (tmp_path / "manifest.csv").write_text(manifest, "utf-8")
    with pytest.raises(CollectionError, match=message):
        open_collection(tmp_path)


def test_a_report_may_have_paragraphs(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text('image,findings,report\na.png,normal,"One.\n\nTwo, ""three""."\n')
    assert open_collection(tmp_path).films[0].report == 'One.\n\nTwo, "three".'


def test_folders_that_are_none_and_manifests_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="neither a shipped collection"):
        open_collection(tmp_path / "nowhere")
    (tmp_path / "manifest.csv").write_bytes(b"image,findings\n\xff\xfe,\n")
    with pytest.raises(CollectionError, match="UTF-8"):
        open_collection(tmp_path)


def test_images_are_found_beside_the_manifest_or_by_name_elsewhere(
    collection: Collection, tmp_path: Path
) -> None:
    first = collection.films[0]
    assert collection.image(first).mode == "L"
    collection.image(first).save(tmp_path / f"{first.id}.jpg")
    assert collection.folder is not None
    elsewhere = open_collection(collection.folder, films=tmp_path)
    assert elsewhere.image_path(first) == tmp_path / f"{first.id}.jpg"
    assert elsewhere.image_path(collection.films[1]) is None
    with pytest.raises(CollectionError, match="--films"):
        elsewhere.image(collection.films[1])


def linked(tmp_path: Path, link: str, target: Path) -> Collection:
    """A collection of one film, `films/a.png`, in which `link` leads to `target`."""
    write_manifest(tmp_path / "own", [Film("a", "films/a.png", "1")])
    (tmp_path / "own" / link).parent.mkdir(exist_ok=True)
    (tmp_path / "own" / link).symlink_to(target)
    return open_collection(tmp_path / "own")


@pytest.mark.parametrize("link", ["films", "films/a.png", "elsewhere/a.png"])
def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, link: str) -> None:
    (tmp_path / "private").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "private" / "a.png")
    target = tmp_path / "private" / ("" if link == "films" else "a.png")
    opened = linked(tmp_path, link, target)
    assert opened.image_path(opened.films[0]) is None
    with pytest.raises(CollectionError, match="not at hand"):
        opened.image(opened.films[0])


def test_a_link_within_the_folder_is_followed_and_so_is_a_folder_that_is_one(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "own" / "b.png")
    (tmp_path / "again").symlink_to(tmp_path / "own")
    linked(tmp_path, "films/a.png", tmp_path / "own" / "b.png")
    opened = open_collection(tmp_path / "again")
    assert opened.image(opened.films[0]).size == (8, 8)


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    """A pipe would keep its reader waiting for ever."""
    write_manifest(tmp_path, [Film("a", "a.png", "1"), Film("b", "b.png", "2")])
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    opened = open_collection(tmp_path)
    assert [opened.image_path(film) for film in opened] == [None, None]
    for path in (tmp_path / "a.png", tmp_path / "b.png", Path(os.devnull), Path("a\0.png")):
        with pytest.raises(CollectionError, match="not a PNG, JPEG or DICOM"):
            open_image(path)


def test_a_manifest_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.csv")
    with pytest.raises(CollectionError, match="neither a shipped collection"):
        open_collection(tmp_path)
    with pytest.raises(CollectionError, match="no regular file"):
        read_manifest(tmp_path / "manifest.csv")


@pytest.mark.parametrize("size", [(20_000_000, 1), (1, 20_000_000), (20_001, 1_200), (30, 1)])
def test_a_film_of_no_films_shape_is_refused_before_it_is_decoded(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    (tmp_path / "a.png").write_bytes(png_header(*size))
    with pytest.raises(CollectionError, match="pixels, which is no film"):
        open_image(tmp_path / "a.png")


def test_sixteen_bit_films_keep_their_contrast(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    write_manifest(tmp_path, [Film("deep", "deep.png", "1")])
    opened = open_collection(tmp_path)
    grey = np.asarray(opened.image(opened.films[0]))
    assert (grey.min(), grey.max()) == (0, 255)
    assert len(np.unique(grey)) > 250  # half a percent at either end is black or white


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n broken"])
def test_what_is_no_png_or_jpeg_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    write_manifest(tmp_path, [Film("a", "a.png", "1")])
    opened = open_collection(tmp_path)
    with pytest.raises(CollectionError, match=r"a\.png is not a PNG, JPEG or DICOM"):
        opened.image(opened.films[0])


def test_a_film_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    Image.new("L", (6000, 5000)).save(tmp_path / "a.png")
    write_manifest(tmp_path, [Film("a", "a.png", "1")])
    opened = open_collection(tmp_path)
    with pytest.raises(CollectionError, match="25 million pixels"):
        opened.image(opened.films[0])


def test_the_shipped_collection_splits_by_study_and_never_trains_on_a_test_study() -> None:
    openi = open_collection("openi")
    test, train = openi.select("test"), openi.select("train")
    states = [film.states("effusion", "present") for film in test]
    assert (len(test), states.count(True), states.count(False)) == (70, 35, 35)
    assert {f.uid for f in test}.isdisjoint(f.uid for f in train)
    folds: dict[str, set[str]] = {}
    for one in train:
        folds.setdefault(one.uid, set()).add(one.fold)
    assert all(len(places) == 1 for places in folds.values())
    assert set.union(*folds.values()) == set("01234")
    abnormal = [f for f in test if "effusion" in f.denied and f.findings - {"normal"}]
    assert len(abnormal) >= 18  # at least half of those without effusion show something else


def test_the_shipped_collections_hold_no_prose() -> None:
    for name in ("openi", "nih"):
        assert not any(film.report for film in open_collection(name))


def test_a_sentence_about_both_sides_is_not_judged() -> None:
    prompt = read_prompt("No right pleural effusion but a small left effusion")
    assert [judge(said, prompt) for said in (film("effusion"), film(denied="effusion"))] == [None, None]


def png_header(width: int, height: int) -> bytes:
    """A PNG that says of what size it is, and no more."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    parts = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_an_image_that_would_unpack_to_gigabytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_header(60_000, 60_000))
    write_manifest(tmp_path, [Film("a", "a.png", "1")])
    opened = open_collection(tmp_path)
    with pytest.raises(CollectionError, match="25 million pixels"):
        opened.image(opened.films[0])


def test_films_of_nlms_archive_are_found_by_the_ids_of_its_site(tmp_path: Path) -> None:
    (tmp_path / "NLMCXR_png").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "NLMCXR_png" / "CXR1_1_IM-0001-4001.png")
    openi = open_collection("openi", films=tmp_path)
    found = openi.image_path(openi.by_id("CXR1_IM-0001-4001"))
    assert found == tmp_path / "NLMCXR_png" / "CXR1_1_IM-0001-4001.png"
