"""Sentences turned round: the same wording with the cue taken away or put in.

Everything here proposes; `Prompt.opposite` reads each proposal back and takes the first that says the
contrary of the main mention.  Where none does, the sentence is rebuilt from its finding (`canonical`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from negviz.findings import BY_NAME, Polarity
from negviz.language.lexicon import BECOMES
from negviz.language.patterns import KIND, TIME
from negviz.language.spelling import correct

Span = tuple[int, int]

CONTRARY: Final[dict[Polarity, Literal["present", "absent"]]] = {"present": "absent", "absent": "present"}
_DO_NOT: Final = re.compile(r"\b(do|does|did)(?: not|n['’]t) ", re.IGNORECASE)
_CONTRACTION: Final = re.compile(r"(is|are|was|were|does|did|has|have|do)n['’]?t", re.IGNORECASE)
_ARTICLE: Final = re.compile(r"\b(?:an?|some|the)\s+$", re.IGNORECASE)
_MODIFIER: Final = re.compile(
    r"(?:\b(?:(?:left and right|right and left|"
    r"very|mild|mildly|moderate|moderately|severe|small|tiny|trace|minimal|minor|large|massive|"
    r"big|subtle|moderate-sized|moderately-sized|acute|chronic|focal|diffuse|patchy|left|right|bilateral|"
    r"unilateral|left-sided|right-sided|sided|"
    r"basilar|basal|bibasilar|apical|upper|lower|middle|lobe|lung|pleural|pulmonary|interstitial|"
    r"subsegmental|linear|rib|displaced|new|old|healed|healing|definite|obvious|visible|significant|"
    r"evidence of|signs of|loculated|"
    r"layering|retrocardiac|perihilar|marked|gross|calcified|solitary|multiple|several|scattered|fully|"
    r"partial|partially|compression|"
    r"clavicle|vertebral|airspace|air|space|dense|hazy|streaky|lobar|size|sized|broken|posterior|anterior|"
    r"lateral|centrilobular|bullous|"
    r"stable|unchanged|persistent|residual|increasing|worsening|slight|slightly)(?:[\s,-]+))+)$",
    re.IGNORECASE,
)
_GOVERNOR: Final = re.compile(  # after these, or at the start of a clause, "no" may stand
    r"(?:\b(?:is|are|was|were|shows?|showing|with|demonstrat(?:es?|ing)|has|have|having|reveals?|sees?|find|"
    r"finds|of|and|for|an?|the|some)|[:;,.—–-])\s*$",
    re.IGNORECASE,
)
_COPULA: Final = re.compile(r"\b(?:is|are|was|were|has|have|looks|appears)\b", re.IGNORECASE)
_PREDICATE: Final = re.compile(
    r"\b(?:present|seen|noted|identified|visible|evident|detected|demonstrated|there|visuali[sz]ed|"
    r"confirmed)\b",
    re.IGNORECASE,
)
_CLAUSE_END: Final = re.compile(r"[.;!?,]|\bbut\b", re.IGNORECASE)
_PUT_IN: Final = tuple(
    (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), instead)
    for pattern, instead in (
        ("present", "absent"),
        ("positive for", "negative for"),
        ("presence of", "absence of"),
        ("confirmed", "ruled out"),
        ("yes", "no"),
    )
)
_WITH: Final = re.compile(r"\b(with)\s+$", re.IGNORECASE)
_EVIDENCE: Final = re.compile(r"\b(?:evidence|signs?|indication) of\s+$", re.IGNORECASE)
_COUNT: Final = re.compile(r"^(?:several|multiple|numerous|a few|many|some)\s+", re.IGNORECASE)
_KIND: Final = re.compile(rf"\b(?:{KIND}|{TIME})(?:[- ]sized)?[\s,-]+", re.IGNORECASE)
_UNFINISHED: Final = re.compile(r"(?:[-–—:,/]|\b(?:with|of|for|and|or))[.\s]*$")
_HAS_GONE: Final = re.compile(r"\b(?:has|have|had)\s+$", re.IGNORECASE)
_WHOLLY_AFTER: Final = re.compile(r"^\s+(?:completely|fully|entirely|totally)\b", re.IGNORECASE)
_EVERYWHERE: Final = re.compile(
    r"\s+(?:anywhere|at all|whatsoever|in sight|to be (?:found|seen))\b", re.IGNORECASE
)
_MEASURED: Final = re.compile(r"\d|\bwnl\b", re.IGNORECASE)
_FOUND_NONE: Final = re.compile(r"\b(?:found|saw|seen|see|find|had|has) none$", re.IGNORECASE)
_OF: Final = re.compile(r"\s+of\b", re.IGNORECASE)
_WHOLLY: Final = re.compile(r"\b(?:completely|fully|entirely|totally)\s+$", re.IGNORECASE)
_NORMAL: Final = re.compile(r"\b(ab)?(normal|healthy|unremarkable)\b", re.IGNORECASE)
_INDEFINITE: Final = re.compile(r"\b(a)n?$", re.IGNORECASE)
_STATES: Final = re.compile(rf"{_COPULA.pattern}|:", re.IGNORECASE)
_DENIED: Final = re.compile(
    r"\s+(?:(?:is|are|was|were|has|have|had|does|do|did)(?: not|n['’]t)|never)\b", re.IGNORECASE
)
_BESIDES: Final = re.compile(r"\b(?:without|with no|but no)\b", re.IGNORECASE)
_BY: Final = re.compile(r"\b(?:by|from|bit of|lot of|amount of)\s*$", re.IGNORECASE)
_ANY: Final = re.compile(r"\bany ", re.IGNORECASE)
_OPENING: Final = " \t\"'“\u2018([•"


def canonical(finding: str, polarity: Literal["present", "absent"]) -> str:
    """The plainest sentence that says so."""
    if finding == "normal":
        return "Normal chest radiograph." if polarity == "present" else "Abnormal chest radiograph."
    if polarity == "present":
        return f"There is {BY_NAME[finding].phrase}."
    return f"There is no {BY_NAME[finding].said[1]}."


def rewordings(text: str, main: Span, cues: tuple[Span, ...]) -> Iterator[str]:
    """Candidates for the contrary of the main mention, the closest to the original wording first."""
    proposals = _without(text, cues) if cues else _with(text, main)
    for proposal in proposals:
        tidy = _tidy(proposal, like=text)
        if tidy != text and not _UNFINISHED.search(tidy):
            yield tidy


def _without(text: str, cues: tuple[Span, ...]) -> Iterator[str]:
    """The cue taken away or exchanged for its contrary."""
    if len(cues) != 1:
        return
    start, end = cues[0]
    if _FOUND_NONE.search(text[:end]) is not None:
        yield f"{text[:start]}one{text[end:]}"
    of = _OF.match(text, end) if text[start:end].lower() == "absent" else None
    if of is not None:
        yield _joined(text[:start] + _cased("with", text[start:end]) + _ANY.sub("", text[of.end() :]))
    cue = " ".join(correct(word) for word in text[start:end].lower().split())
    yield from _do_support(text)
    contraction = _CONTRACTION.fullmatch(text[start:end])
    if contraction is not None:
        yield text[:start] + contraction[1] + _EVERYWHERE.sub("", _ANY.sub("", text[end:]))
    head = _WHOLLY.sub("", text[:start])  # "has completely resolved"
    tail = _EVERYWHERE.sub("", _ANY.sub("", _WHOLLY_AFTER.sub("", text[end:])))
    for instead in ("persisted",) if cue == "gone" and _HAS_GONE.search(head) else BECOMES.get(cue, ()):
        changed = head + _cased(instead, text[start:end]) + tail
        yield _joined(changed)
        yield changed


def _do_support(text: str) -> Iterator[str]:
    """ "does not show" is the contrary of "shows"."""
    match = _DO_NOT.search(text)
    if match is None:
        return
    verb = re.match(r"[^\W\d_]+", text[match.end() :])
    if verb is None:
        return
    ending = {"do": "", "does": "s", "did": "ed"}[match[1].lower()]
    if verb[0].lower() in ("have", "see", "find"):
        forms = {
            "have": ("have", "has", "had"),
            "see": ("see", "sees", "saw"),
            "find": ("find", "finds", "found"),
        }
        inflected = forms[verb[0].lower()][("do", "does", "did").index(match[1].lower())]
    else:
        inflected = verb[0] + (ending[1:] if ending == "ed" and verb[0].endswith("e") else ending)
    yield text[: match.start()] + inflected + _ANY.sub("", text[match.end() + verb.end() :])


def _joined(text: str) -> str:
    """Alternatives of a denial are all affirmed: "or" becomes "and"."""
    return re.sub(r"\b(?:or|nor)\b", "and", re.sub(r"\bOR\b", "AND", text))


def _with(text: str, main: Span) -> Iterator[str]:
    """A cue put in: at the predicate if there is one, else before the noun phrase of the finding."""
    start, end = main
    word = _NORMAL.search(text, start, end)
    if word is not None:
        turned = word[2] if word[1] else "abnormal"
        before = _INDEFINITE.sub(r"\1" if turned == "normal" else r"\1n", text[: word.start()].rstrip())
        yield f"{before} {_cased(turned, word[0])}{text[word.end() :]}"
        return
    boundary = _CLAUSE_END.search(text, end)
    stop = boundary.start() if boundary else len(text)
    besides = _BESIDES.search(text, end, stop + len("but no")) or _DENIED.match(text, end)
    if _MEASURED.search(text, start, end):
        return  # "no CTR 0.6" is no sentence
    if besides is not None or _BY.search(_ARTICLE.sub("", text[: _head(text, start)])):
        return  # "no opacity without effusion" is not the contrary of "opacity without effusion"
    inside = _STATES.search(text, start, end)
    if inside is not None:
        yield f"{text[: inside.end()]} not{text[inside.end() :]}"
        return
    for pattern, instead in _PUT_IN:
        match = pattern.search(text, 0, stop)
        if match is not None:
            yield text[: match.start()] + _cased(instead, match[0]) + text[match.end() :]
    head = _head(text, start)
    governed = _GOVERNOR.search(text[:head])
    if governed is None:
        yield from _at_predicate(text, end, stop)
    if governed is not None or not text[:head].strip(_OPENING):
        yield from _before_noun(text, head, start)


def _at_predicate(text: str, end: int, stop: int) -> Iterator[str]:
    """ "Effusion is seen" becomes "Effusion is not seen", "Effusion seen" "Effusion not seen"."""
    copula = _COPULA.search(text, end, stop)
    predicate = _PREDICATE.search(text, copula.end() if copula else end, stop)
    if predicate is None:
        return
    if copula is not None:
        yield f"{text[: copula.end()]} not{text[copula.end() :]}"
    elif not text[end : predicate.start()].strip():
        yield f"{text[: predicate.start()]}not {text[predicate.start() :]}"


def _before_noun(text: str, head: int, start: int) -> Iterator[str]:
    """ "With an effusion" becomes "without effusion", "a large effusion" "no effusion"."""
    bare = _ARTICLE.sub("", text[:head])
    preposition = _WITH.search(bare)
    if preposition is not None:
        phrase = _KIND.sub("", text[head:start]) + text[start:]
        yield bare[: preposition.start()] + _cased("without", preposition[1]) + " " + phrase
    evidence = _EVIDENCE.search(bare)
    if evidence is not None:
        head, bare = evidence.start(), bare[: evidence.start()]
    phrase = _COUNT.sub("", text[head:start])
    phrase = _KIND.sub("", phrase) + text[start:]  # "no large effusion" leaves a small one open
    no = "NO" if text.isupper() else "no"
    yield f"{bare}{no} {_uncapital(phrase, text)}"


def _head(text: str, start: int) -> int:
    """Where the noun phrase that ends in the finding begins (its article excluded)."""
    match = _MODIFIER.search(text[:start])
    return match.start() if match else start


def _uncapital(phrase: str, text: str) -> str:
    if text.isupper() or phrase[1:2].isupper():
        return phrase
    return phrase[:1].lower() + phrase[1:]


def _cased(instead: str, original: str) -> str:
    if original.isupper() and len(original) > 1:
        return instead.upper()
    return instead.capitalize() if original[:1].isupper() else instead


def _tidy(text: str, *, like: str) -> str:
    """Single spaces, no space before a stop, and the capital that `like` began with."""
    text = re.sub(r"[ \t]+", " ", text).strip()
    text = re.sub(r" (?=[.,;:!?])|(?<=[“\u2018(\[]) ", "", text)
    for index, character in enumerate(text):
        if character.isalpha():
            first = next((other for other in like if other.isalpha()), "")
            return text[:index] + (character.upper() if first.isupper() else character) + text[index + 1 :]
    return text
