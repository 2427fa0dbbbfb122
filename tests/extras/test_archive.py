"""Archives, on the engines of an optional extra: see `.ci/run --extras`."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import psutil
import pytest

from negviz.films.archive import column, open_table
from negviz.models.encoder import DualEncoder
from tests.tiny import draw_film

pytestmark = pytest.mark.extra
pytest.importorskip("lancedb", reason="an optional extra: pip install 'lancedb==0.40.0' 'ray[data]==2.60.0'")
pytest.importorskip("ray", reason="an optional extra: pip install 'lancedb==0.40.0' 'ray[data]==2.60.0'")

ROOT = Path(__file__).parents[2]
FILMS, IMAGES = 240, 6
WAITS = 900.0  # seconds; a busy machine takes a minute to start Ray
EVERY_BATCH = """
import sys
from training.build.archive import command
from training.__main__ import main
command.KEPT_EVERY = 0.0
sys.exit(main())
"""


@contextmanager
def _running(*options: str) -> Iterator[subprocess.Popen[str]]:
    """The command, which keeps every batch at once, in a process of its own."""
    command = subprocess.Popen(
        [sys.executable, "-c", EVERY_BATCH, "archive", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield command
    finally:
        command.kill()
        command.communicate()


def _until(holds: Callable[[], Any]) -> Any:
    end = monotonic() + WAITS
    while monotonic() < end:
        if found := holds():
            return found
        sleep(0.05)
    raise AssertionError("it never came to that")


def _rows(place: Path) -> int:
    try:
        return int(open_table(place).count_rows())
    except Exception:  # noqa: BLE001 - there is no table yet
        return 0


def _workers(of: subprocess.Popen[str]) -> list[psutil.Process]:
    found = psutil.Process(of.pid).children(recursive=True)
    return [each for each in found if "MapWorker" in " ".join(each.cmdline())]


@pytest.fixture(scope="module")
def large_films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films that take a while to be decoded, and one that is none."""
    folder = tmp_path_factory.mktemp("large")
    for number in range(IMAGES):
        draw_film(number, effusion=number % 2 == 0, side=1500).save(folder / f"{number}.png")
    (folder / "bad.png").write_bytes(b"no film")
    with (folder / "manifest.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "image", "findings", "denied", "split"])
        rows.writerow(["bad", "bad.png", "effusion", "", "test"])
        for number in range(FILMS):
            has = number % 2 == 0
            images = f"{number % IMAGES}.png"
            rows.writerow([f"f{number:03}", images, "effusion" * has, "effusion" * (not has), "train"])
    return folder


def test_each_film_is_there_once_after_any_kill(
    large_films: Path, family_folder: Path, models: dict[str, DualEncoder], tmp_path: Path
) -> None:
    place = tmp_path / "archive"
    options = (
        "--films",
        str(large_films),
        "--to",
        str(place),
        "--family",
        str(family_folder),
        "--workers",
        "2",
    )
    with _running(*options):
        _until(lambda: _rows(place))  # and then it is killed
    assert 0 < _rows(place) < FILMS

    before = _rows(place)
    with _running(*options) as second:
        _until(lambda: _rows(place) > before or second.poll() is not None)
        _workers(second)[0].kill()
        out, said = second.communicate(timeout=WAITS)
    assert second.returncode == 0, said
    assert f"{FILMS} films, 1 left out" in out
    assert "bad.png is not a PNG, JPEG or DICOM image" in out
    assert f"{FILMS + 1 - before}" in said  # how many were to do, on the bar
    listed = csv.DictReader((place / "skipped.csv").read_text().splitlines())
    assert [row["id"] for row in listed] == ["bad"]

    base = models["base"]
    rows = open_table(place).to_arrow().sort_by("id").to_pylist()
    assert [row["id"] for row in rows] == [f"f{number:03}" for number in range(FILMS)]
    made = base.encode_images([draw_film(n, effusion=n % 2 == 0, side=1500) for n in range(IMAGES)])
    found = np.array([row[column(base.tower_id)] for row in rows])
    assert np.allclose(found, made[np.arange(FILMS) % IMAGES], atol=1e-3)
    assert [row["has_effusion"] for row in rows] == [number % 2 == 0 for number in range(FILMS)]
