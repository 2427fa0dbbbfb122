"""The options of the app, by which it is told what to show and where to serve it."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Final, NoReturn

from negviz.films.openi import IMAGE_HOST

_ABOUT: Final = (
    "Type a sentence, see the films that each model takes it for. Every option may be set in the environment "
    "instead, as NEGVIZ_PORT, NEGVIZ_FAMILY and so on."
)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"negviz: {message}; --help lists the options.\n")


def parser() -> Parser:
    told = os.environ.get
    options = Parser(description=_ABOUT, allow_abbrev=False)
    shown = options.add_argument_group("what it shows")
    shown.add_argument(
        "--family",
        type=Path,
        action="append",
        metavar="DIR",
        help="folder of a family of models; given several times, the page offers each; all under "
        "checkpoints/ by default, the compact one first",
    )
    shown.add_argument(
        "--collection",
        metavar="NAME|DIR",
        default=told("NEGVIZ_COLLECTION") or None,
        help="one shipped collection, a folder that holds a manifest.csv, or an archive; all shipped ones by "
        "default",
    )
    shown.add_argument(
        "--films",
        type=Path,
        metavar="DIR",
        default=told("NEGVIZ_FILMS") or None,
        help="folder of the collection's images where they lie apart from its manifest",
    )
    shown.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        default=told("NEGVIZ_LABELS") or None,
        help="labels of the folder of --collection, as published for NIH's, CheXpert's and other films",
    )
    shown.add_argument(
        "--nlm",
        type=nlm_host,
        metavar="HOST|off",
        default=told("NEGVIZ_NLM") or IMAGE_HOST,
        help="where films of openi that are not at hand come from, or off; NLM itself by default",
    )
    shown.add_argument(
        "--study",
        type=Path,
        metavar="FILE",
        default=told("NEGVIZ_STUDY") or None,
        help="show the reader study of this file and nothing else; one is made where there is none",
    )
    served = options.add_argument_group("where it is served")
    served.add_argument(
        "--port", type=port, metavar="N", default=told("NEGVIZ_PORT") or "7860", help="7860 by default"
    )
    served.add_argument(
        "--host",
        metavar="H",
        default=told("NEGVIZ_HOST") or None,
        help="address to listen on; this machine only by default",
    )
    return options


def nlm_host(text: str) -> str | None:
    """None for "off"."""
    if text == "off":
        return None
    match = re.fullmatch(r"(https?://[a-zA-Z0-9.-]+)(?::(\d+))?/?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is neither https://HOST, http://HOST:PORT nor off")
    return match[1] if match[2] is None else f"{match[1]}:{port(match[2])}"


def port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port between 1 and 65535")
    return int(text)
