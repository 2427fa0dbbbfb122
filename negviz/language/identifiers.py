"""Signs that a sentence names a person, looked for before it is sent.

The browser uses these very patterns (`page/explore/script.js`), so they hold only what Python's `re` with
ASCII classes and JavaScript's `RegExp` read alike.  They warn, they do not forbid: a false alarm costs a
click.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_MONTH: Final = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_YEAR: Final = r"(?:19|20)\d\d"
_NUMBERED: Final = (
    r"(?:mrn|nhs|ssn|accession|(?:patient|medical|hospital|record|case|file)\s*(?:id|no|number|record))"
)
_NAME: Final = "[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ'’-]+"


@dataclass(frozen=True)
class IdentifierSign:
    """How one kind of identifier is spelt."""

    kind: str  # "a record number"
    pattern: str
    any_case: bool = True

    def found_in(self, text: str) -> bool:
        return re.search(self.pattern, text, re.ASCII | (re.IGNORECASE if self.any_case else 0)) is not None


SIGNS: Final = (
    IdentifierSign("an e-mail address", r"[\w.+\-]+@[\w\-]+\.[a-z]{2,}"),
    IdentifierSign(
        "a record number", rf"\b{_NUMBERED}\b[\s:#.\-]*(?:(?:no|number|id)\b[\s:#.\-]*)?[a-z]{{0,3}}\d{{4,}}"
    ),
    IdentifierSign("a record number", r"\b\d{3}-\d{2}-\d{4}\b|\b[a-z]{0,3}\d{7,}\b"),
    IdentifierSign("a date of birth", r"\b(?:dob|d\.o\.b|born|date\s+of\s+birth|birth\s*date|birthday)\b"),
    IdentifierSign(
        "a date of birth", rf"\b\d{{1,2}}[\/.\-]\d{{1,2}}[\/.\-](?:19|20)?\d\d\b|\b{_YEAR}-\d\d-\d\d\b"
    ),
    IdentifierSign(
        "a date of birth", rf"\b\d{{1,2}}\s+{_MONTH}\.?,?\s+{_YEAR}\b|\b{_MONTH}\.?\s+\d{{1,2}},?\s+{_YEAR}\b"
    ),
    IdentifierSign(
        "a phone number", r"(?:\+\d{1,3}[\s.\-]?|\(\d{2,4}\)\s?|\b\d{3,4}[\s.\-])\d{3,4}[\s.\-]\d{3,4}\b"
    ),
    IdentifierSign(
        "a name",
        r"\b(?:mrs|mister|madam)\b\.?\s+[a-zÀ-ÿ]{2,}|\bmr\b\.?\s+(?!imag|scan|angio|exam|stud|"
        r"spectro)[a-zÀ-ÿ]{2,}",
    ),
    IdentifierSign("a name", r"\bname\s*(?::|is\b)|\bnamed\s+[a-zÀ-ÿ]{2,}"),
    IdentifierSign("a name", rf"\b(?:Ms|Miss|Dr|Herr|Frau)\b\.?\s+{_NAME}", any_case=False),
    IdentifierSign(
        "a name",
        rf"\b[Pp]atient[,:]?\s+{_NAME}(?:\s+{_NAME}|\s*[,.;]|\s*$|\s+(?:has|had|with|is|was)\b)",
        any_case=False,
    ),
)


def identifier(text: str) -> str | None:
    """What a sentence seems to hold ("a record number"), or None."""
    return next((sign.kind for sign in SIGNS if sign.found_in(text)), None)
