"""What `pip install .` takes along, and where an installed negviz finds what it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_file_of_the_code_is_packaged() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    files = [
        path
        for room in ("negviz", "training")
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert {path.suffix for path in files} >= {".py", ".css", ".js"}
    assert [path for path in files if path.suffix != ".py" and not any(map(path.match, patterns))] == []
    assert [path for path in files if not (path.parent / "__init__.py").is_file()] == []


def test_the_commands_that_are_installed_are_there() -> None:
    for where in PROJECT["project"]["scripts"].values():
        module, name = where.split(":")
        assert callable(getattr(import_module(module), name))


@pytest.mark.parametrize(
    "asked", [("app.py", "--help"), ("-m", "training", "--help"), ("-m", "training", "fetch", "--help")]
)
def test_help_does_not_wait_for_what_takes_seconds_to_import(asked: tuple[str, ...]) -> None:
    command = [sys.executable, "-X", "importtime", *asked]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stderr
    imported = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    assert "negviz" in imported
    assert imported.isdisjoint({"gradio", "matplotlib", "sklearn", "torch", "transformers"})


def test_what_is_installed_is_what_the_requirements_pin() -> None:
    assert PROJECT["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.txt"]}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds code and nothing of what is shipped beside it, as after `pip install .`."""
    folder = tmp_path_factory.mktemp("site-packages")
    shutil.copytree(ROOT / "negviz" / "common", folder / "negviz" / "common")
    for name in ("__init__.py", "__init__.pyi"):
        shutil.copy(ROOT / "negviz" / name, folder / "negviz")
    return folder


@pytest.mark.parametrize(
    ("home", "here", "found"),
    [("clone", "away", "clone"), (None, "clone", "clone"), (None, "away", None), ("away", "clone", None)],
)
def test_an_installed_negviz_looks_where_it_is_told_or_where_it_was_started(
    home: str | None, here: str, found: str | None, installed: Path, tmp_path: Path
) -> None:
    folders = {"clone": ROOT, "away": tmp_path}
    surroundings = {key: value for key, value in os.environ.items() if key != "NEGVIZ_HOME"}
    surroundings |= {"PYTHONPATH": str(installed)} | ({"NEGVIZ_HOME": str(folders[home])} if home else {})
    # -P: what lies in the folder one starts in is not what is imported
    look = "from negviz.common import shipped as s; print(s.__file__, s.ROOT); s.need_shipped()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", look],
        cwd=folders[here],
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    file, root = done.stdout.split()
    assert Path(file).is_relative_to(installed)
    assert Path(root) == folders[found or "away"].resolve()
    assert (done.returncode == 0) == (found is not None), done.stderr
    assert ("name one in NEGVIZ_HOME" in done.stderr) == (found is None)
