"""Prompt files, and what two prompts have in common.

A prompt file is a CSV with `prompt,finding,polarity,kind`; whatever other columns it has travel along.
Training and evaluation must not share a *template*: a prompt with finding, size, side and view slotted
out.  The words slotted out here are deliberately coarse and apart from the reader's lexicon: a template
that swallows too much only makes the two files keep further apart.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast, get_args

from negviz.errors import NegvizError
from negviz.findings import FINDINGS, Polarity

Kind = Literal["structured", "natural"]

_POLARITIES: Final = get_args(Polarity)
_KINDS: Final = get_args(Kind)
_COLUMNS: Final = ("prompt", "finding", "polarity", "kind")


class PromptFileError(NegvizError):
    """A prompt file that cannot be used; the message says where and what to do."""


@dataclass(frozen=True)
class PromptRow:
    """One line of a prompt file."""

    prompt: str
    finding: str
    polarity: Polarity
    kind: Kind
    extra: dict[str, str]  # further columns, e.g. {"opposite": "…"}


def read_prompts(path: Path) -> list[PromptRow]:
    """The prompts of a CSV file, in file order.  Raises `PromptFileError` with one line on what is wrong."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise PromptFileError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise PromptFileError(f"{path} is not UTF-8; save it as UTF-8.") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise PromptFileError(
                f"{path} lacks the column {', '.join(missing)}; it needs {','.join(_COLUMNS)}."
            )
        rows = [_row(fields, where=f"{path}, line {reader.line_num}") for fields in reader]
    except csv.Error as error:
        raise PromptFileError(f"{path}, line {reader.line_num} is not CSV: {error}.") from error
    if not rows:
        raise PromptFileError(f"{path} holds no prompts; add at least one line below the header.")
    return rows


def _row(fields: dict[str, str], *, where: str) -> PromptRow:
    if None in fields or None in fields.values():  # how csv marks too many and too few
        raise PromptFileError(
            f"{where} has not as many fields as the header; quote prompts that hold commas."
        )
    if not fields["prompt"].strip():
        raise PromptFileError(f"{where} has an empty prompt.")
    for column, allowed in (("finding", FINDINGS), ("polarity", _POLARITIES), ("kind", _KINDS)):
        if fields[column] not in allowed:
            raise PromptFileError(
                f"{where}: unknown {column} {fields[column]!r}; use one of {', '.join(allowed)}."
            )
    return PromptRow(
        prompt=fields["prompt"],
        finding=fields["finding"],
        polarity=cast(Polarity, fields["polarity"]),
        kind=cast(Kind, fields["kind"]),
        extra={name: value for name, value in fields.items() if name not in _COLUMNS},
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
