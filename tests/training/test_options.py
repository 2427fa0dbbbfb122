"""The command line: what it offers to whom, and what is refused before anything has begun."""

from __future__ import annotations

import re

import pytest

from training.__main__ import FOR_MAINTAINERS, FOR_USERS, main


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["choose", "--rates", "1e-5", "nan"], "'nan' is no learning rate"),
        (["choose", "--rates", "inf"], "'inf' is no learning rate"),
        (["choose", "--rates", "0"], "'0' is no learning rate"),
        (["choose", "--rates=-1e-5"], "'-1e-5' is no learning rate"),
        (["choose", "--rates", "1e-5,1e-6"], "'1e-5,1e-6' is no learning rate"),
        (["base", "--epochs", "0"], "'0' is no whole number from 1"),
        (["base", "--seed=-1"], "'-1' is no whole number from 0"),
        (["base", "--seed", "1" + "0" * 30], "is no whole number from 0"),
        (["study", "FILE", "--new", "--number", "2.5"], "'2.5' is no whole number from 1"),
        (["crowd", "--runs=-1"], "'-1' is no whole number from 1"),
        (["visits", "--every", "0"], "'0' is no whole number from 1"),
        (["dose", "--size", "0"], "'0' is no whole number from 1"),
        (["attribution", "--bootstrap", "0"], "'0' is no whole number from 1"),
    ],
)
def test_a_number_out_of_bounds_is_named(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("argv", "unknown"),
    [
        (["maps", "--collection", "openi"], "--collection"),  # it has --collections
        (["con1", "--famil", "x"], "--famil"),
        (["report", "--chec"], "--chec"),
    ],
)
def test_no_option_is_guessed_from_its_beginning(
    argv: list[str], unknown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"unrecognized arguments: {unknown}" in line


def _help(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    with pytest.raises(SystemExit):
        main([*argv, "--help"])
    return capsys.readouterr().out


def test_help_shows_what_users_need_and_apart_what_a_maintainer_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for_users, _, for_maintainers = _help(capsys).partition("for maintainers:")
    names = [re.findall(r"^  ([a-z0-9-]+)  +\S", part, re.MULTILINE) for part in (for_users, for_maintainers)]
    assert names == [[*FOR_USERS], [*FOR_MAINTAINERS]]
    assert FOR_USERS.keys().isdisjoint(FOR_MAINTAINERS)


@pytest.mark.parametrize("name", [*FOR_USERS, *FOR_MAINTAINERS])
def test_what_is_written_has_one_name_everywhere(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = dict(re.findall(r"(--[a-z-]+) ([A-Z][A-Z|=]*)\b", _help(capsys, name)))
    assert {option for option, value in options.items() if value == "OUT"} <= {"--json", "--csv"}
    assert options.get("--to", "DIR") == "DIR"
    assert not {"--out", "--output", "--save"} & options.keys()
