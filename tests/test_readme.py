"""What README and the documents it sends to, requirements and `.ci/run` promise holds in this tree."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from huggingface_hub.repocard import metadata_load

from training.report.command import documents

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = {page.relative_to(ROOT).as_posix(): page.read_text("utf-8") for page in documents(ROOT)}
ALL = "\n".join(DOCUMENTS.values())
RESULTS = ROOT / "assets" / "results"
TWO_SCREENS = 6_000  # bytes
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
MEGABYTE = 1_000_000
REAL_FILM = re.compile(r"(CXR\d+_|IM-\d{4}).*\.(png|jpe?g|webp)$", re.IGNORECASE)
TRAINING = re.compile(r"python -m training (?!--)([\w-]+)([^`\n]*)")
APP = re.compile(r"python app\.py([^`\n]*)")
FLAG = re.compile(r"(?<!\S)--[a-z][\w-]*")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
MODULE = re.compile(r"`((?:negviz|training|tests)/[\w/]+(?:\.py|/))`")


# Documents ------------------------------------------------------------------------------------


def test_readme_is_two_screens() -> None:
    assert len(README.encode()) <= TWO_SCREENS


def anchors(text: str) -> set[str]:
    """What a link into a page may name: its headings as GitHub and the Hub write them in an address."""
    plain = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(plain)}


def test_every_link_leads_to_something_that_is_there() -> None:
    pages = [path for path in tree() if path.suffix == ".md"]
    assert len(pages) > len(DOCUMENTS)  # those that are not for users, too
    assert [f"{page.relative_to(ROOT)}: {link}" for page in pages for link in lost(page)] == []


def lost(page: Path) -> list[str]:
    """The links of a page to files or headings of this repository that are not there."""
    links = [link.partition("#") for link in LINK.findall(CODE.sub("", page.read_text("utf-8")))]
    inside = [
        (page.parent / file if file else page, anchor) for file, _, anchor in links if "://" not in file
    ]
    return [
        f"{target}#{anchor}"
        for target, anchor in inside
        if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8")))
    ]


def test_readme_leads_to_every_other_document() -> None:
    cards = {name for name in DOCUMENTS if name.startswith("checkpoints/")}
    linked = {link.partition("#")[0] for link in LINK.findall(README)}
    assert set(DOCUMENTS) - cards - {"README.md"} <= linked


def test_every_module_that_is_named_is_there() -> None:
    named = MODULE.findall(ALL)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_result_is_told_and_every_picture_of_one_is_shown() -> None:
    told = DOCUMENTS["assets/results/README.md"]
    assert [path.name for path in RESULTS.glob("*.json") if f"`{path.name}`" not in told] == []
    assert [path.name for path in RESULTS.glob("*.svg") if f"]({path.name})" not in told] == []


def test_the_contents_of_the_results_list_every_section() -> None:
    told = DOCUMENTS["assets/results/README.md"]
    sections = {heading.removeprefix("## ") for heading in re.findall(r"^## .+$", told, re.MULTILINE)}
    assert set(re.findall(r"^ *- \[(.+)\]\(#", told, re.MULTILINE)) == sections


# Commands -------------------------------------------------------------------------------------


def section(title: str) -> str:
    """What stands under a heading, up to the next of its rank."""
    found: list[str] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"README needs one heading '## {title}'"
    return found[0]


def command(title: str) -> str:
    """The one bash block under a heading."""
    blocks: list[str] = re.findall(r"^```bash\n(.*?)\n```$", section(title), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"README needs one bash block under {title}"
    return blocks[0]


@pytest.mark.parametrize(
    ("title", "steps"),
    [
        ("Run", ["-m venv", "torch==", "-r requirements.txt", "app.py"]),
        (
            "Test",
            [
                "chromium",
                "-m venv",
                "torch==",
                "-r requirements.txt -r requirements-test.txt",
                "ruff check",
                "ruff format --check",
                "mypy --strict",
                "training report --check",
                "-m pytest",
            ],
        ),
    ],
)
def test_one_command_does_everything_in_order_and_stops_where_it_fails(title: str, steps: list[str]) -> None:
    text = command(title)
    places = [text.index(step) for step in steps]
    assert places == sorted(places)
    lines = text.splitlines()
    assert all(line.endswith(("&&", "||")) for line in lines[:-1])
    assert subprocess.run(["bash", "-n", "-c", text], check=False).returncode == 0


def test_both_commands_install_the_torch_that_is_pinned() -> None:
    for title in ("Run", "Test"):
        assert f"torch=={pins('requirements.txt')['torch']} " in command(title).replace("\n", " ")


def test_ci_runs_the_test_command_word_for_word() -> None:
    ran = subprocess.run(
        ["bash", ".ci/run", "--print"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert ran == command("Test") + "\n"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def options(
    capsys: pytest.CaptureFixture[str], main: Callable[[list[str]], object], *arguments: str
) -> set[str]:
    """The long options that a command's --help lists."""
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--help"])
    assert left.value.code == 0
    return set(FLAG.findall(re.sub(r"[\[\],]", " ", capsys.readouterr().out)))


@pytest.mark.parametrize("name", sorted({match[1] for match in TRAINING.finditer(ALL)}))
def test_training_knows_every_option_that_a_document_gives_it(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.__main__ import main

    given = [match[2] for match in TRAINING.finditer(ALL) if match[1] == name]
    assert {flag for text in given for flag in FLAG.findall(text)} <= options(capsys, main, name)


def test_app_knows_every_option_that_a_document_gives_it(capsys: pytest.CaptureFixture[str]) -> None:
    from app import main

    used = {flag for match in APP.finditer(ALL) for flag in FLAG.findall(match[1])}
    of_the_app = README + DOCUMENTS["negviz/README.md"]  # elsewhere an option alone may be a command's
    alone = set(re.findall(r"`(--[a-z][\w-]*) [A-Z]+`", of_the_app))
    assert {"--films", "--port"} <= used | alone <= options(capsys, main)


def test_every_environment_variable_in_a_document_is_read() -> None:
    source = "\n".join(file.read_text(encoding="utf-8") for file in modules())
    assert [name for name in re.findall(r"NEGVIZ_[A-Z_]+", ALL) if f'"{name}"' not in source] == []


# The Space ------------------------------------------------------------------------------------


def test_front_matter_is_what_a_space_needs() -> None:
    given = metadata_load(ROOT / "README.md")
    assert given is not None
    assert given["title"] == "negviz"
    assert given["sdk"] == "gradio"
    assert given["sdk_version"] == pins("requirements.txt")["gradio"]
    assert given["python_version"] == "3.11"  # a string: as a number it could lose a zero
    assert (ROOT / given["app_file"]).is_file()
    assert given["license"] == "apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert {given["colorFrom"], given["colorTo"]} <= COLOURS
    assert given["emoji"]
    assert 0 < len(given["short_description"]) <= 60


# Requirements ---------------------------------------------------------------------------------


def pins(file: str) -> dict[str, str]:
    """The pinned version of each requirement, by its normalised name."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return {
        normal(name): release
        for name, _, release in (line.partition("==") for line in lines if line and line[0] != "#")
    }


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-test.txt"])
def test_every_requirement_is_pinned_explained_and_installed(file: str) -> None:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    for above, line in zip(["", *lines], lines, strict=False):
        if line and not line.startswith("#"):
            assert re.fullmatch(r"[A-Za-z0-9_-]+==\d+(\.\d+)+", line), f"{line} is no exact pin"
            assert above.startswith("# "), f"{line} is not explained"
    installed = {name: version(name).partition("+")[0] for name in pins(file)}  # torch 2.13.0+cpu is 2.13.0
    assert installed == pins(file)


def test_every_package_that_is_imported_is_pinned() -> None:
    looks_at_the_page = {"benchmark.py", "running.py", "screenshots.py"}  # commands that need a browser
    shipped = [
        file
        for file in modules()
        if file.relative_to(ROOT).parts[0] != "tests" and file.name not in looks_at_the_page
    ]
    app = set(pins("requirements.txt"))
    assert imported(shipped) - app == set()
    extras = ROOT / "tests" / "extras"  # which run where pyproject's optional dependencies are installed
    tests = [file for file in modules() if extras not in file.parents]
    assert imported(tests) - app - set(pins("requirements-test.txt")) == set()


def imported(files: list[Path]) -> set[str]:
    """The distributions that files import from directly, ours and Python's own left out."""
    names: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    ours = {"app", "negviz", "training", "tests"}
    packages = packages_distributions()
    # a package that is not installed counts under its own name: it cannot be pinned and unknown at once
    found = {packages.get(name, [name])[0] for name in names - ours - set(sys.stdlib_module_names)}
    return {normal(name) for name in found}


def modules() -> list[Path]:
    return [file for file in tree() if file.suffix == ".py"]


# Files ----------------------------------------------------------------------------------------


@cache
def tree() -> tuple[Path, ...]:
    """The files that are committed or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def test_no_file_is_too_large_to_ship() -> None:
    assert [path for path in tree() if path.stat().st_size > 25 * MEGABYTE] == []
    shipped = [path for path in tree() if path.relative_to(ROOT).parts[0] in ("checkpoints", "assets")]
    assert sum(path.stat().st_size for path in shipped) <= 140 * MEGABYTE


def test_no_real_film_is_in_the_tree() -> None:
    assert [path for path in tree() if REAL_FILM.search(path.relative_to(ROOT).as_posix())] == []
    assert REAL_FILM.search("films/CXR1_IM-0001-4001.png")
