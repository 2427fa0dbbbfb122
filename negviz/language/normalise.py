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

# Signs that stand for a word come first: they are made of what other tokens are made of.
_TOKEN = re.compile(
    r"(?P<widths>(?i:(?<!\w)(?:transverse )?(?:heart|cardiac)(?: (?:diameter|width|shadow|silhouette|is|"
    r"measures|of))*\s\d+(?:[.]\d+)?\s?(?:cm)?(?: across| wide)?(?:,| of| over| in| /)?\s(?:an? )?"
    r"(?:(?:thorax|chest|thoracic)(?: (?:diameter|width|is|measures|of))*\s\d+(?:[.]\d+)?\s?cm\b|"
    r"\d+(?:[.]\d+)?\s?cm (?:thorax|chest)\b)))|"
    r"(?P<either>[+]/[-−–]|[-−–]/[+]|[(]?±[)]?|\([?]\))"
    r"|(?P<minus>[(\[]\s?[-−–]\s?[)\]]|(?<=\w)-less\b|(?<![^\s(])[-−–]i?ve\b|[∅⌀✗✘❌⊖⊝¬]"
    r"|==?\s*(?i:0(?![.,]?\d)|no|false)\b|(?<=\w )[-−–](?=\s*(?:[,;./]|$)|\s+\w+\s+[-−–+](?:\s|$))|"
    r"(?<=\w)[-−–](?=\s*(?:[,;./]|$)|\s+\w+[-−–+](?:\s|$)))"
    r"|(?P<plus>[(\[]\s?[+]\s?[)\]]|(?<![^\s(])[+]i?ve\b|[✓✔✅⊕]"
    r"|==?\s*(?i:1|yes|true)\b|(?<=\w )[+]+(?=\s*(?:[,;./]|$)|\s+\w+\s+[-−–+](?:\s|$))|"
    r"(?<=\w)[+]+(?=\s*(?:[,;./]|$)|\s+\w+[-−–+](?:\s|$)))"
    r"|(?P<short>(?i:(?<!\w)(?:r/o'?d|r/o|b/l|s/p|h/o|w/o|y/n|yes/no|n o|n\.a\.d|w\.n\.l|a\.k\.a\.?|"
    r"i\.e\.?|[lr] ?[<>]{1,3} ?[lr])(?!\w)|(?<!\w)w/(?=\s)))"
    r"|(?P<share>(?i:(?<=cardiothoracic ratio )|(?<=cardiothoracic ratio: )|(?<=c:t ratio )|(?<=c/t ratio )|"
    r"(?<=ctr )|(?<=ctr: ))\d+(?:[.]\d+)?\s?(?:cm|mm)?\s?"
    r"(?:/|over|out of|of)\s?\d+(?:[.]\d+)?(?:\s?[cm]m)?\b)"
    r"|&&|[<>]=|[.]{2,}|…|\d*[.]\d+|\d+(?:[.]\d+)+|[^\W_]+(?:['’`][^\W_]+)?|[.,;:?!/+()\[\]–—<>≤≥=#-]"
)
_SHORT: Final = {
    "r/o'd": "ruled out",
    "r/od": "ruled out",
    "r/o": "rule out",
    "b/l": "bilateral",
    "s/p": "status post",
    "h/o": "history of",
    "w/o": "without",
    "y/n": "yes or no",
    "yes/no": "yes or no",
    "w/": "with",
    "n.a.d": "nad",
    "n o": "no",
    "w.n.l": "within normal limits",
    **dict.fromkeys(("a.k.a", "a.k.a.", "i.e", "i.e."), "aka"),
}
_BULLET: Final = re.compile(r"\n\s*[-−–+]")
_SIGNED: Final = re.compile(
    r"\A(?=.*(?:\A|[,;])\s*[+])\s*[-−–+]\s?\w.*[,;]\s*[-−–+]\s?\w.*\Z"
)  # all in one line
_OPENS_ITEM: Final = re.compile(r"(?:\A|[,;])\s*\Z")
_BREAK: Final = re.compile(r"[,;.!\n]|\bbut\b")
_DENIED_WITHIN: Final = re.compile(r"[(\[]\s*(?:no|not|without|nil|negative)\b[^()\[\]]*\Z", re.IGNORECASE)
_ABBREVIATED: Final = re.compile(  # what goes on to a noun: a full stop behind one of these ends no sentence
    r"(?<!\w)(?:pulm|bilat|inf|sup|mod|lat|rt|lt|poss|prob|susp|approx|resp)\Z", re.IGNORECASE
)
_PLAIN: Final = {
    "&&": ";",
    ">=": "≥",
    "<=": "≤",
    "…": ",",
    "(": ",",
    ")": ",",
    "[": ",",
    "]": ",",
    "–": "-",
    "—": "-",
}
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
    "ain't": "is not",
    "aint": "is not",
    "couldnt": "could not",
    "theres": "there is",
    "there's": "there is",
    "it's": "it is",
    "dosent": "does not",
    "doesent": "does not",
    "n0": "no",
    "ø": "no",
    "pls": "please",
    "plz": "please",
    "thx": "thanks",
    "hx": "history",
    "fhx": "family history",
    "pmh": "past history",
    "eff": "effusion",
    "effs": "effusions",
    "fx": "fracture",
    "fxs": "fractures",
    "fxd": "fractured",
    "ggo": "ground glass opacity",
    "ggos": "ground glass opacities",
    "spn": "lung nodule",
    "spns": "lung nodules",
    "cpas": "costophrenic angles",
    "ctr": "cardiothoracic ratio",
    "wnl": "within normal limits",
    "cxrs": "radiographs",
    "neg": "negative",
    "pos": "positive",
    "bilat": "bilateral",
    "wo": "without",
    "w": "with",
    "fh": "family history",
    "yr": "year",
    "yrs": "years",
    "sig": "significant",
    "cmeg": "cardiomegaly",
    "abnl": "abnormal",
    "abn": "abnormal",
    "pulm": "pulmonary",
    "cardiopulm": "cardiopulmonary",
    "nl": "normal",
    "nml": "normal",
    "norm": "normal",
    "oed": "edema",
    "poss": "possible",
    "prob": "probably",
    "susp": "suspected",
    "mb": "maybe",
    "q": "query",
    "ddx": "differential",
    "eval": "evaluate",
    "incr": "increased",
    "pmhx": "past history",
    "pntx": "pneumothorax",
    "pnx": "pneumothorax",
    "ptxs": "pneumothoraces",
    "pneumothx": "pneumothorax",
    "pleff": "pleural effusion",
    "cmegaly": "cardiomegaly",
    "consold": "consolidation",
    "frx": "fracture",
    "nod": "nodule",
    "nods": "nodules",
    "pul": "pulmonary",
    "hrt": "heart",
    "enl": "enlarged",
    "clr": "clear",
    "pna": "pneumonia",
    "nacpd": "no active cardiopulmonary disease",
    "lat": "lateral",
    "lt": "left",
    "silh": "silhouette",
    "subcut": "subcutaneous",
    "enlgd": "enlarged",
    "nrml": "normal",
    "nrm": "normal",
    "rt": "right",
    "lg": "large",
    "sm": "small",
    "ie": "aka",
    "xr": "x ray",
    "xrs": "x rays",
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
        for word in _words(match, text).split():
            words.append(word)
            spans.append(match.span())
    starts: list[int] = []
    position = 0
    for word in words:
        starts.append(position)
        position += len(word) + 1
    return Normal(" ".join(words), tuple(starts), tuple(spans))


def _words(match: re.Match[str], text: str) -> str:
    token = match[0]
    if match.lastgroup == "short":
        return (
            "bilateral" if token[-1] in "lLrR" and ("<" in token or ">" in token) else _SHORT[token.lower()]
        )
    if match.lastgroup in ("share", "widths"):  # "CTR 12/33", "heart 17 cm, chest 30 cm"
        part, whole = map(float, re.findall(r"\d+(?:[.]\d+)?", token))
        measured = f"{part / whole:.2f}" if whole else token
        return measured if match.lastgroup == "share" else f"cardiothoracic ratio {measured}"
    if match.lastgroup == "either":
        return "query"
    if match.lastgroup is not None:
        return _sign(match, text, minus=match.lastgroup == "minus")
    if token == "AND" and not text.isupper():
        return ";"  # of a query: "NOT effusion AND nodule"
    return _spell(token if token[-1].isalnum() else _mark(token, text, match.start()))


def _sign(match: re.Match[str], text: str, *, minus: bool) -> str:
    """What a plus or minus in brackets says: of what follows where its item begins with one, else of what
    went before."""
    after = text[match.end() :]
    if after.lstrip().startswith("for "):
        return "negative" if minus else "positive"
    first = _TOKEN.match(_BREAK.split(text[: match.start()])[-1].lstrip())
    opens = first is None or first.lastgroup in ("minus", "plus")
    if opens and after.strip(" .!"):
        return "; no" if minus else ";"
    return "absent ;" if minus else "present ;"


def _mark(token: str, text: str, start: int) -> str:
    """A punctuation mark as the reader sees it; "" for the hyphen of a compound."""
    before = text[start - 1 : start]
    after = text[start + 1 : start + 2]
    if token in "-+–" and _SIGNED.search(text) and _OPENS_ITEM.search(text, 0, start):
        return "no" if token != "+" else ";"  # "+ nodule, - effusion"
    if token in "-+–" and after.isalpha() and before in ("", " ", ",", "(") and not _BULLET.search(text):
        return "no" if token != "+" else ";"  # "-effusion", "+nodule"
    if token == "!" and after.isalpha() and before in ("", " ", "("):
        return "no"  # as in a query
    if token == "-" and before.isalnum() and after.isalnum():
        return ""
    if token in ")]" and _DENIED_WITHIN.search(text, 0, start):
        return ";"  # "edema (no effusion), nodule"
    if token == "." and text[start + 2 : start + 3].islower() and _ABBREVIATED.search(text, 0, start):
        return ""  # "no pulm. nods"
    if token == "?" and not before.strip() and text[start + 1 :].strip():
        return "query"  # "? effusion" asks of what follows, "effusion?" of what went before
    return _PLAIN.get(token, "," if token.startswith("..") else token)


@lru_cache(maxsize=20_000)
def _spell(token: str) -> str:
    word = token.lower() if token.isascii() else unicodedata.normalize("NFKC", token).casefold()
    word = word.replace("’", "'").replace("`", "'")
    if word.endswith("n't") and word not in _CONTRACTIONS:
        return f"{word[:-3]} not"
    word = word if word in _CONTRACTIONS else correct(word.partition("'")[0])
    return _CONTRACTIONS.get(word, word)
