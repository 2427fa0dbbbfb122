"""CSV files of every kind that is read: what is wrong with one is one sentence, and no row is lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Sized
from pathlib import Path

import pytest

from negviz.common.errors import NegvizError
from negviz.evaluation.prompts import read_prompts
from negviz.films.collection import Film, read_manifest
from negviz.study.design import read_sentences
from training.data.films import read_verdicts
from training.data.wordings import read_frames
from training.measure.reader import read_written


def films_of(manifest: Path) -> tuple[Film, ...]:
    return read_manifest(manifest)[0]


READERS: dict[Callable[[Path], Sized], str] = {
    films_of: "image,findings\na.png,effusion\n",
    read_sentences: "prompt\nNo effusion\n",
    read_prompts: "prompt,finding,polarity,kind\nNo effusion,effusion,absent,natural\n",
    read_verdicts: "image,uid,verdict\na.png,1,effusion\n",
    read_written: "text,mentions,kind\nNo effusion,effusion:absent,x\n",
    read_frames: "frame,kind,said\nNo {x},x,x:absent\n",
}
BAD: dict[str, Callable[[Path, str], object]] = {
    "quote never closed": lambda path, good: path.write_text(good + '"x'),
    "rows swallowed": lambda path, good: path.write_text(f'{good.split()[0]},more\n"a\nb'),
    "field without end": lambda path, good: path.write_text(good + "x" * 140_000),
    "too many fields": lambda path, good: path.write_text(good[:-1] + ",1,2,3\n"),
    "NUL": lambda path, good: path.write_text(good + "\0"),
    "UTF-16": lambda path, good: path.write_text(good, "utf-16"),
    "empty": lambda path, _: path.write_text(""),
    "no rows": lambda path, good: path.write_text(good.split("\n")[0]),
    "column twice": lambda path, good: path.write_text(good.replace("\n", f",{good.split(',')[0]}\n", 1)),
    "pipe": lambda path, _: os.mkfifo(path),
    "folder": lambda path, _: path.mkdir(),
    "missing": lambda path, _: None,
}  # fmt: skip


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_a_good_file_is_read_whole(read: Callable[[Path], Sized], tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(READERS[read] + "\n", "utf-8-sig")
    assert len(read(path)) == 1


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_named_in_one_sentence(
    read: Callable[[Path], Sized], kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.csv"
    BAD[kind](path, READERS[read])
    with pytest.raises(NegvizError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value).strip()
    assert str(caught.value).endswith(".")
