"""Text as the reader sees it: tokens in lower case, one space apart, spelling of known words repaired.

Every token remembers where it stood, so that whatever is found in the normalised text can be pointed to
in what was typed.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from negviz.language.spelling import correct

_TOKEN = re.compile(r"\d+(?:[.]\d+)+|[^\W_]+(?:['’`][^\W_]+)?|[.,;:?!/+()\[\]–—-]")
_PLAIN: Final = {"(": ",", ")": ",", "[": ",", "]": ",", "–": "-", "—": "-"}
_CONTRACTIONS: Final = {
    **{
        f"{verb}nt": f"{verb} not"
        for verb in ("is", "are", "was", "were", "does", "did", "has", "have", "do")
    },
    "wont": "will not",
    "won't": "will not",
    "cant": "can not",
    "can't": "can not",
    "cannot": "can not",
    "couldnt": "could not",
    "theres": "there is",
    "there's": "there is",
    "it's": "it is",
    "dosent": "does not",
    "doesent": "does not",
}


@dataclass(frozen=True)
class Normal:
    """Normalised text and the way back: token `i` starts at `starts[i]` and came from `spans[i]`."""

    text: str
    starts: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Character offsets, in the text as typed, of `text[start:end]`."""
        first = bisect_right(self.starts, start) - 1
        last = bisect_right(self.starts, end - 1) - 1
        return self.spans[first][0], self.spans[last][1]


def normalise(text: str) -> Normal:
    """Read tokens off `text`.  Brackets become commas, hyphens within words open up, quotes vanish."""
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if not token[0].isalnum():
            token = _mark(token, text, match.start())
        for word in _spell(token).split():
            words.append(word)
            spans.append(match.span())
    starts: list[int] = []
    position = 0
    for word in words:
        starts.append(position)
        position += len(word) + 1
    return Normal(" ".join(words), tuple(starts), tuple(spans))


def _mark(token: str, text: str, start: int) -> str:
    """A punctuation mark as the reader sees it; "" for the hyphen of a compound."""
    before = text[start - 1 : start]
    after = text[start + 1 : start + 2]
    if token == "-" and before.isalnum() and after.isalnum():
        return ""
    if token == "?" and not before.strip() and text[start + 1 :].strip():
        return "query"  # "? effusion" asks of what follows, "effusion?" of what went before
    return _PLAIN.get(token, token)


@lru_cache(maxsize=20_000)
def _spell(token: str) -> str:
    word = token.lower() if token.isascii() else unicodedata.normalize("NFKC", token).casefold()
    word = word.replace("’", "'").replace("`", "'")
    if word.endswith("n't") and word not in _CONTRACTIONS:
        return f"{word[:-3]} not"
    word = word if word in _CONTRACTIONS else correct(word.partition("'")[0])
    return _CONTRACTIONS.get(word, word)
