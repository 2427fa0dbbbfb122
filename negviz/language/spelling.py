"""Repair of slips in the words that matter.

Only the words of cues and findings are repaired, only where one letter is missing, added, changed or
swapped, in the longest words two, and never a word that is itself English or medical: "infusion" stays an
infusion.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_CUES: Final = """
absence absent cannot clear cleared convincing definite denies detected evidence evident excluded exclude
doubt identified likely longer negative neither never normal nothing perhaps possible possibly present
probable probably questionable resolved resolution seen suspected suspicious suspicion suggestive
unremarkable visible visualized without unless unlikely whether within limits although however
""".split()
_FINDINGS: Final = """
atelectasis atelectases atelectatic airspace cardiac cardiomegaly cardiomediastinal consolidation
consolidations costophrenic blunted blunting effusion effusions emphysema emphysematous enlarged
enlargement fracture fractures fractured infiltrate infiltrates nodule nodules opacity opacities
opacification pleural pneumothorax pneumothoraces pulmonary abnormality abnormalities cardiopulmonary
intact silhouette
""".split()
_SLIPS: Final = {  # beyond one letter, or too short for the rule
    "wihtout": "without",
    "witout": "without",
    "withot": "without",
    "whithout": "without",
    "evidnce": "evidence",
    "absense": "absence",
    "edem": "edema",
    "edma": "edema",
    "edmea": "edema",
    "odema": "edema",
    "hart": "heart",
    "hearth": "heart",
    "haert": "heart",
    "cardiomegally": "cardiomegaly",
    "cardiomegly": "cardiomegaly",
    "pnuemothorax": "pneumothorax",
    "pnemothorax": "pneumothorax",
    "pneumothroax": "pneumothorax",
    "pneumotorax": "pneumothorax",
    "effussion": "effusion",
    "efusion": "effusion",
    "atelectesis": "atelectasis",
    "atelactasis": "atelectasis",
    "atlectasis": "atelectasis",
    "emphasema": "emphysema",
    "emphysemia": "emphysema",
    "emphesema": "emphysema",
    "noduel": "nodule",
    "opactiy": "opacity",
    "lungz": "lungs",
    "luungs": "lungs",
    "identifed": "identified",
    "ther": "there",
    "thier": "there",
    "teh": "the",
    "nto": "not",
    "noo": "no",
    "evidance": "evidence",
    "neumothorax": "pneumothorax",
    "pneumotx": "pneumothorax",
    "efussion": "effusion",
    "cardiomeglia": "cardiomegaly",
    "edemia": "edema",
    "edeema": "edema",
    "eodema": "edema",
    "edima": "edema",
    "edama": "edema",
    "edemma": "edema",
    "nodual": "nodule",
    "emphazema": "emphysema",
    "broekn": "broken",
    "brokn": "broken",
    "dissapeared": "disappeared",
    "disapeared": "disappeared",
    "ribb": "rib",
    "ribbs": "ribs",
    "oedma": "edema",
    "emphesyma": "emphysema",
    "sen": "seen",
    "sene": "seen",
    "notseen": "not seen",
    "smal": "small",
    "samll": "small",
    "tehre": "there",
    "thre": "there",
    "wter": "water",
    "watter": "water",
    "flud": "fluid",
    "fluidd": "fluid",
    **dict.fromkeys(
        ("pnemonia", "pneumona", "neumonia", "pnuemonia", "numonia", "newmonia", "pnumonia", "pneumonea"),
        "pneumonia",
    ),
}
# English and medical words one letter away from a word above; found by comparing with a 30,000-word list.
_INNOCENT: Final = frozenset(
    """
    absents assent blunter blurted cannon cardia clean cleaned clearer clears cleat defected denied
    denier denis denise enlarge enlarger enlarges evidenced excludes identifies infiltrated limit linger
    lively longed noddle nodulus norma normals norman opacify pleura pleuras possibles presents newer
    noting nothings weather whither doubts doubtful prevent resolutions resolve resolves revolution
    revolved silhouettes suspicions visibly visualize
    """.split()
)


def _deletions(word: str) -> Iterator[str]:
    return (word[:i] + word[i + 1 :] for i in range(len(word)))


def _index() -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    words = [word for word in _CUES if len(word) >= 5] + [word for word in _FINDINGS if len(word) >= 6]
    for word in words:
        for key in (word, *_deletions(word)):
            table.setdefault(key, []).append(word)
    return table


_NEIGHBOURS: Final = _index()
_KNOWN: Final = frozenset(_CUES) | frozenset(_FINDINGS) | _INNOCENT
_CUT_SHORT: Final = (  # may be typed by their beginning alone ("opac", "cardiomeg")
    "effusion cardiomegaly consolidation opacity atelectasis emphysema infiltrate fracture nodule"
).split()
_SHORTEST: Final = {"cardiomegaly": 7}  # "cardiac" begins alike
_STEMS: Final = tuple(  # what a denial may have grown together with
    "effus cardiomeg pneumothora ptx consolid opaci edema atelecta nodul emphysem fractur infiltrat enlarge "
    "collaps".split()
)
_LONG: Final = ("pneumothorax", "pneumothoraces", "cardiomegaly")  # which no English word is near to
_SLIPS_OF_LONG: Final = 2
_LONGEST: Final = max(map(len, _KNOWN)) + 1


def correct(word: str) -> str:
    """The cue or finding word that `word` is a slip or a beginning of, else `word`.

    A denial that has grown together with what it denies comes apart: "noeffusion", "noduleless".
    """
    if word in _SLIPS:
        return _SLIPS[word]
    for prefix in ("no", "non", "un", "pseudo"):
        if word.startswith(prefix) and word[len(prefix) :].startswith(_STEMS):
            return f"{prefix} {correct(word[len(prefix) :])}"
    if word.endswith("less") and word.startswith(_STEMS):
        return f"no {correct(word[:-4])}"
    for whole in _CUT_SHORT:
        if _SHORTEST.get(whole, 4) <= len(word) <= len(whole) - 2 and whole.startswith(
            word.removesuffix("s")
        ):
            return whole
    if word in _KNOWN or not 4 <= len(word) <= _LONGEST or not word.isascii():
        return word
    candidates = {near for key in (word, *_deletions(word)) for near in _NEIGHBOURS.get(key, ())}
    close = sorted(near for near in candidates if word[0] == near[0] and _slips(word, near) == 1)
    far = (long for long in _LONG if word[0] == long[0] and _slips(word, long) == _SLIPS_OF_LONG)
    return close[0] if close else next(far, word)


def _slips(word: str, other: str) -> int:
    """How many letters missing, added, changed, or neighbours swapped turn one word into the other."""
    rows = [list(range(len(other) + 1))]  # by letters of the word, slips to every beginning of the other
    for i, letter in enumerate(word, 1):
        row = [i]
        for j, there in enumerate(other, 1):
            row.append(min(row[-1] + 1, rows[-1][j] + 1, rows[-1][j - 1] + (letter != there)))
            if i > 1 < j and letter == other[j - 2] and there == word[i - 2]:
                row[j] = min(row[j], rows[-2][j - 2] + 1)
        rows.append(row)
    return rows[-1][-1]
