"""Prompt files, and what two prompts have in common.

A prompt file is a CSV with `prompt,finding,polarity,kind`; whatever other columns it has travel along.
Training and evaluation must not share a *template*: a prompt with finding, size, side and view slotted
out.  The words slotted out here are deliberately coarse and apart from the reader's lexicon: a template
that swallows too much only makes the two files keep further apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast, get_args

from negviz.common.csv_file import Row, read_csv
from negviz.common.errors import NegvizError
from negviz.findings import FINDINGS, Polarity
from negviz.language.sides import Side

PromptKind = Literal["structured", "natural"]

_POLARITIES: Final = get_args(Polarity)
_KINDS: Final = get_args(PromptKind)
_COLUMNS: Final = ("prompt", "finding", "polarity", "kind")


class PromptFileError(NegvizError):
    """A prompt file that cannot be used; the message says where and what to do."""


@dataclass(frozen=True)
class PromptRow:
    """One line of a prompt file."""

    prompt: str
    finding: str
    polarity: Polarity
    kind: PromptKind
    extra: dict[str, str]  # further columns, e.g. {"opposite": "…"}
    side: Side | None = None  # None: both, or not said; a file never says


def read_prompts(path: Path) -> list[PromptRow]:
    """The prompts of a CSV file, in file order.  Raises `PromptFileError` with one line on what is wrong."""
    table = read_csv(path, _COLUMNS, PromptFileError)
    return [_row(row, where=f"{path}, line {row.line}") for row in table.rows]


def _row(row: Row, *, where: str) -> PromptRow:
    if not row["prompt"]:
        raise PromptFileError(f"{where} has an empty prompt.")
    for column, allowed in (("finding", FINDINGS), ("polarity", _POLARITIES), ("kind", _KINDS)):
        if row[column] not in allowed:
            raise PromptFileError(
                f"{where}: unknown {column} {row[column]!r}; use one of {', '.join(allowed)}."
            )
    return PromptRow(
        prompt=row["prompt"],
        finding=row["finding"],
        polarity=cast(Polarity, row["polarity"]),
        kind=cast(PromptKind, row["kind"]),
        extra={name: value for name, value in row.cells.items() if name not in _COLUMNS},
    )


_FINDING: Final = re.compile(
    r"""\b(?: (?:pleural\s)?(?:effusions?|fluid) | hydrothorax | water | liquid
    | cardiomegaly | (?:big|enlarged|large)\sheart | enlarged\scardiac\ssilhouette
    | pneumothora(?:x|ces) | collapsed\slung
    | (?:(?:airspace|pulmonary|lung)\s)?(?:consolidations?|opacit(?:y|ies)|infiltrates?)
    | (?:(?:pulmonary|lung|interstitial)\s)?(?:o?edema|nodules?|mass(?:es)?)
    | atelectasis | (?:pulmonary\s)?emphysema | (?:(?:rib|bone)\s)?fractures? | broken\sribs? )\b""",
    re.VERBOSE,
)
_SLOTS: Final = re.compile(
    r"""\b(?: tiny|small|little|mild|minimal|trace|moderate|large|big|huge|massive|sizeable|sized  # size
    | left|right|bilateral(?:ly)?|unilateral|both|either|sided?|sides                             # side
    | pa|ap|frontal|lateral|portable|upright|supine                                               # view
    | (?:chest\s)?(?:x\srays?|radiographs?|films?|cxr) )\b""",
    re.VERBOSE,
)


def template(prompt: str) -> str:
    """The prompt's wording: lower case, no punctuation, `<finding>` for the finding, no size, side or view.

    Size, side and view leave nothing behind, so "no small left effusion" has the template of "no effusion".
    """
    text = re.sub(r"['\u2019]", "", prompt.casefold())
    text = re.sub(r"[\W_]+", " ", text)
    text = _SLOTS.sub(" ", _FINDING.sub("\0", text))  # a mark no slot can match
    return " ".join(text.replace("\0", "<finding>").split())
