"""Numbers of the command line: refused before anything has begun."""

from __future__ import annotations

import pytest

from training.__main__ import main


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
        (["attribution", "--bootstrap", "0"], "'0' is no whole number from 1"),
    ],
)
def test_a_number_out_of_bounds_is_named(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
