"""Sentences as people type them, for the second reader: frames of many kinds, with shorthand, slips and lay words.

`assets/prompts/typed-frames.csv` holds the frames as `training.data.wordings` reads them, with slots of their
own (`{film}`, `{show}`, `{seen}` …) that stand for words without a finding.  What a sentence says follows from
its frame, never from the rules: this is what the rules are checked with.
"""

from __future__ import annotations

import random
import re
import string
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from negviz.films.collection import ASSETS
from negviz.findings import ABNORMAL, Polarity
from training.data.captions import fold_of
from training.data.wordings import FRAMES, Frame, read_frames

TYPED_FRAMES: Final = ASSETS / "prompts" / "typed-frames.csv"
JOINED: Final = "several sentences"
_PER_SLOT: Final = 14  # sentences of a frame with slots for findings
_FIXED: Final = 5  # sentences of a frame without
_SHARE_JOINED: Final = 0.25
_SHARE_OTHER: Final = 0.12  # slots that name what no film here is judged by
_SHARE_SLIPS: Final = 0.3
_SHARE_DRESSED: Final = 0.3

# How findings are named: in full, in shorthand, in lay words, and as slips that no keyboard explains.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "effusion": (
            "effusion|effusion|effusion|pleural effusion|pleural effusion|pleural effusions|effusions|pleural fluid",
            "eff|effs|pl eff|pleff|pl. effusion|pl effusion|pleural eff|pl fluid|p eff",
            "fluid around the lung|fluid around the lungs|water around the lung|water around the lungs|"
            "liquid around the lung|fluid outside the lung|fluid in the pleural space|water next to the lung",
            "pleural fluid collection|hydrothorax|parapneumonic effusion|pleural collection|fluid in the pleura",
            "plueral effusion|pleural efusion|effussion|plural effusion|efussion|pleural effution|infusion of the pleura",
        ),
        "cardiomegaly": (
            "cardiomegaly|cardiomegaly|cardiomegaly|enlarged heart|cardiac enlargement|enlarged cardiac silhouette",
            "cardiomeg|cmegaly|cmg|ctr > 0.5|enlarged card silhouette|card. enlargement|megaly of heart",
            "big heart|large heart|enlarged heart|heart that is too big|swollen heart|oversized heart",
            "heart enlargement|enlargement of the heart|enlarged cardiac shadow|increased heart size",
            "cardiomegally|cardiomegoly|cardomegaly|cardiomagaly|enlarged hart|cardio megaly|cardiomeglia",
        ),
        "pneumothorax": (
            "pneumothorax|pneumothorax|pneumothorax|pneumothoraces|pneumothoraxes|a pneumothorax",
            "ptx|ptx|ptx|pntx|pnx|ptxs|pneumothx|pthorax|pneumotx",
            "air around the lung|air outside the lung|collapsed lung|punctured lung|popped lung|"
            "air in the pleural space",
            "apical pneumothorax|tension pneumothorax|pleural air|visceral pleural line",
            "pnuemothorax|neumothorax|pneumothroax|pneumotorax|pnemothorax|pneumo thorax|pneumathorax",
        ),
        "consolidation": (
            "consolidation|consolidation|consolidation|consolidations|airspace consolidation|lobar consolidation",
            "consol|consold|consolid|consolidn|lobar consol|consols",
            "consolidated lung|solid white lobe|lung that is solid white",
            "consolidative change|consolidated lobe|focal consolidation|air space consolidation",
            "consolodation|consalidation|consoldiation|consolidaton|consolidtion",
        ),
        "opacity": (
            "opacity|opacities|opacity|infiltrate|infiltrates|lung opacity|airspace opacity|ground glass opacity",
            "opac|opacs|infilt|infil|ggo|ggos|gg opacity|opacif",
            "shadow on the lung|white patch in the lung|cloudy area in the lung|hazy patch in the lung|"
            "shadows on the lungs|white patches in the lungs",
            "pulmonary infiltrate|interstitial opacities|opacification|hazy opacity|lung infiltrates|pulmonary opacity",
            "opasity|opacitiy|infiltrat|opacaty|infultrate|opacties",
        ),
        "edema": (
            "edema|pulmonary edema|pulmonary edema|pulmonary oedema|oedema|interstitial edema|alveolar edema",
            "pulm edema|pulm oedema|pul edema|pul oed|pulm ed|int edema|ed pulm",
            "water in the lungs|fluid in the lungs|wet lungs|waterlogged lungs|water in the lung|fluid inside the lungs",
            "lung edema|interstitial pulmonary edema|cardiogenic edema|alveolar pulmonary edema",
            "pulmanary edema|edemia|pulmonary adema|pulmonary eodema|pulmnary edema|edeema|odema",
        ),
        "atelectasis": (
            "atelectasis|atelectasis|atelectasis|atelectases|subsegmental atelectasis|atelectatic changes",
            "atel|atelect|atelec|subseg atel|atelx|linear atel|atels",
            "collapsed lobe|partly collapsed lung|part of the lung collapsed|collapsed part of the lung",
            "lobar collapse|platelike atelectasis|bibasilar atelectasis|basal atelectasis|collapse of a lobe",
            "atelactasis|atalectasis|atelectesis|atelectisis|attelectasis|atelectasi|atelctasis",
        ),
        "nodule": (
            "nodule|nodules|lung nodule|pulmonary nodule|pulmonary nodules|mass|lung mass|nodule",
            "nod|nods|spn|pulm nodule|pulm nod|lung nod|pn nodule",
            "spot on the lung|lump in the lung|growth in the lung|tumor in the lung|spots on the lungs|tumour on the lung",
            "coin lesion|nodular opacity|lung lesion|masses|pulmonary mass|solitary nodule|nodular density",
            "noduel|nodual|noduls|pulmonary nodlue|nodul|lung nodlues",
        ),
        "emphysema": (
            "emphysema|emphysema|emphysema|pulmonary emphysema|emphysematous change|emphysematous changes",
            "emph|emphys|emphy|bullous emph|emphysem",
            "damaged air sacs|destroyed air sacs|enlarged air sacs",
            "bullous emphysema|centrilobular emphysema|emphysematous lungs|emphysematous bullae",
            "emphisema|emphasema|emphazema|enphysema|emphyzema|empysema",
        ),
        "fracture": (
            "fracture|rib fracture|rib fractures|fractures|fractured rib|fracture|clavicle fracture",
            "fx|rib fx|fxs|rib fxs|fract|frx|rib frac|frac",
            "broken rib|broken ribs|cracked rib|broken bone|broken bones|broken collarbone",
            "vertebral compression fracture|fractured ribs|clavicular fracture|vertebral fracture|sternal fracture",
            "fracure|fractrue|rib fractur|fractuer|rib farcture|broekn rib",
        ),
    }
)  # fmt: skip
_SHARES: Final = (0.5, 0.16, 0.16, 0.12, 0.06)
_AIRSPACE: Final = ("airspace disease", "air space disease", "airspace process")
_OTHERS: Final = (
    "hiatal hernia|scoliosis|granuloma|granulomas|copd|hyperinflation|pneumoperitoneum|pleural thickening|scarring|"
    "fibrosis|pericardial effusion|subcutaneous emphysema|pacemaker|picc line|chest tube|tortuous aorta|cough|fever|"
    "adenopathy|lymphadenopathy|vascular congestion|degenerative changes|spondylosis|osteopenia|calcification|"
    "aortic calcification|sternal wires|a central line|bronchitis|bronchiectasis|tuberculosis|tb|covid|cancer|"
    "knee effusion|leg edema|breast mass|skull fracture|hip fracture|joint effusion|ascites|asthma|pain|trauma|"
    "pneumomediastinum|elevated diaphragm|kyphosis|widened mediastinum|free air under the diaphragm|hernia|"
    "thyroid nodule|liver mass|brain edema|surgical clips|rotation|low lung volumes|pleural plaques|smoking|dyspnea|"
    "lines and tubes|hardware|foreign body|gallstones|sarcoidosis|mediastinal mass|contrast|artifact|symptoms"
).split("|")

_SLOTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        name: tuple(words.split("|"))
        for name, words in {
            "film": "film|x-ray|xray|x ray|cxr|chest x-ray|chest xray|chest film|radiograph|chest radiograph|image|scan|"
            "picture|study|exam|chest|view|portable|frontal film",
            "films": "films|x-rays|xrays|cxrs|cxr|chest x-rays|chest xrays|radiographs|images|cases|patients|pictures|"
            "studies|chest films|people|scans|pts|chests|ones",
            "who": "patient|pt|woman|man|elderly woman|child|smoker|old man|person|lady|45yo|80 year old|baby|case|someone",
            "show": "show me|show|find|find me|give me|i want|i need|get me|pull up|search for|looking for|get|need|list|"
            "display|pls show|please show|please find|i am looking for|can you find|could you show me|let me see|fetch|"
            "bring up|id like|i would like to see|show us|search",
            "seen": "seen|identified|noted|visible|present|evident|detected|demonstrated|found|appreciated|apparent|"
            "visualized|visualised|shown|observed|there|discernible|spotted|recognised|here",
            "place": "at the left base|at the right base|on the left|on the right|in the lower lobe|at the bases|"
            "bilaterally|in both lungs|in the right upper lobe|in the left lung|rll|lll|rul|b/l|at the apex|"
            "in the lingula|left lower zone|on both sides|in the right hemithorax",
            "mild": "mildly|slightly|moderately|markedly|severely|very|quite|massively|grossly|clearly|definitely|still",
            "ago": "last week|yesterday|last year|last month|before|previously|on the prior|on the previous film|in march|"
            "in 2019|on admission|two days ago|last time|3 weeks ago|on the old film|earlier|a year ago|initially",
            "now": "now|today|currently|at present|this time|on this film|on today's film|presently|at this time|this morning",
        }.items()
    }
)  # fmt: skip
_DRESS: Final = (
    "small|tiny|mild|moderate|large|big|massive|severe|subtle|trace|minimal|huge|slight|extensive|bilateral|left|right|"
    "left sided|right-sided|b/l|lt|rt|focal|diffuse|patchy|basal|basilar|bibasilar|apical|acute|chronic|old|new|"
    "stable|unilateral|marked|gross|sizeable|sm|mod|lg|lge|minor|faint|dense|multifocal|lower lobe|upper lobe|rll|lll|"
    "retrocardiac|perihilar|small left|large right|small bilateral|moderate left|tiny right|mild bibasilar"
).split("|")
_DRESS_DENIED: Final = (
    "visible|obvious|definite|left|right|bilateral|left sided|right-sided|b/l|focal|basal|apical|significant|evident|"
    "discrete|appreciable|lt|rt|unilateral|underlying|associated|convincing|discernible|identifiable"
).split("|")
_SIDELESS: Final = re.compile(
    r"\b(?:left|right|bilateral|b/l|lt|rt|unilateral|basal|basilar|bibasilar|apical|lobe|rll|lll|retrocardiac|perihilar|"
    r"focal|patchy|dense|multifocal|faint|trace)\b|sided"
)
# A "no" before one of these leaves the finding open (`negviz.findings`).
_BEARS: Final = "large|moderate|massive|severe|huge|sizeable|big|gross|increasing|enlarging|worsening|additional".split("|")
_BEARS_ON: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "effusion": ("new", "loculated", "drainable", "acute"),
        "pneumothorax": ("tension", "large", "moderate"),
        "nodule": ("new", "calcified", "spiculated", "suspicious", "dominant", "cavitating"),
        "fracture": ("acute", "displaced", "new", "recent", "complicated"),
        "opacity": ("new",),
        "atelectasis": ("new", "acute"),
    }
)
_BEFORE: Final = (
    "please,|hi,|hello,|ok|hey|so|findings:|impression:|conclusion:|report:|question:|search:|cxr:|chest x-ray:|indication:|"
    "78 yo m.|45f.|65 year old man.|for my students:|radiology:|result:|summary:|portable cxr.|pa and lateral.|"
    "comparison: none.|1.|2)|•|today,|clinical:|on review,|as expected,|i think|for teaching,|note:|fyi|chest:|lungs:"
).split("|")
_AFTER: Final = (
    "please|pls|plz|thanks|thx|thank you|on this film|today|in this patient|in the chest|on cxr|on the frontal view|"
    "overall|for my class|on x-ray|for teaching|asap|if you can|as before|on the ap view|this time|in the ed|post op"
).split("|")
_STOPS: Final = ("", "", "", "", ".", ".", "!", "...", " .", ";", ",")
_BETWEEN: Final = (". ", ". ", ". ", "; ", "; ", " but ", ", but ", ". also, ", ". however, ", " - ", ".\n", "\n", ". and ")
_NEAR: Final = MappingProxyType(
    dict(zip("qwertyuiopasdfghjklzxcvbnm", "wqretyuoipsdafghjklxzcvbmn", strict=True))
)


@dataclass(frozen=True)
class Typed:
    """A sentence and what it says; findings that `said` lacks it says nothing of."""

    text: str
    said: Mapping[str, Polarity]
    kind: str
    fold: int  # of its frame: whole frames are held out


def type_sentences(frames: Sequence[Frame] | None = None, seed: int = 0) -> Iterator[Typed]:
    """Every frame filled many times, a share of them put together, with slips."""
    draw = random.Random(seed)
    composed = [
        one
        for frame in (all_frames() if frames is None else frames)
        for _ in range(_PER_SLOT if frame.slots else _FIXED)
        if (one := _fill(frame, draw)) is not None
    ]
    yield from (_finished(one, draw) for one in composed)
    yield from (_finished(one, draw) for one in _joined(composed, draw))


@cache
def all_frames(paths: tuple[Path, ...] = (TYPED_FRAMES, FRAMES)) -> tuple[Frame, ...]:
    """Those of the second reader, and those that CON3 learns from."""
    return tuple(frame for path in paths for frame in read_frames(path))


# One sentence -----------------------------------------------------------------------------------


def _fill(frame: Frame, draw: random.Random) -> Typed | None:
    """A frame with words in its slots; None where these say two things of one finding."""
    findings = dict(zip("xyz", draw.sample(ABNORMAL, 3), strict=True))
    states = dict(frame.said)
    said: dict[str, Polarity] = {name: state for name, state in frame.said if name not in "xyz"}
    words = {name: draw.choice(choices) for name, choices in _SLOTS.items()}
    several = len(frame.slots) > 1
    for slot, with_article in zip("xyz", "abc", strict=True):
        state = states.get(slot)
        if state is None:
            continue
        finding = findings[slot]
        if draw.random() < _SHARE_OTHER:
            name = draw.choice(_OTHERS)
        else:
            bears = "{big}" in frame.text
            name = _plain(finding, draw) if bears else _name(finding, state, several, draw)
            said[finding] = state
            if bears:
                words |= {"big": draw.choice((*_BEARS, *_BEARS_ON.get(finding, ()))), "n": name}
            elif finding == "opacity" and "consolidation" not in findings.values() and draw.random() < 0.12:
                name = draw.choice(_AIRSPACE)
                said |= {"consolidation": "absent"} if state == "absent" else {}
        words.setdefault("big", draw.choice(_BEARS))
        words.setdefault("n", name)
        full = name if draw.random() < 0.15 or name.startswith("a ") else f"{_article(name)}{name}"
        words |= {slot: name, slot.upper(): _capital(name), with_article: full, with_article.upper(): _capital(full)}
    return Typed(frame.text.format(**words), said, frame.kind, fold_of(frame.text))


def _name(finding: str, state: Polarity, several: bool, draw: random.Random) -> str:
    name = draw.choice(draw.choices(_NAMES[finding], _SHARES)[0].split("|"))
    if draw.random() < _SHARE_DRESSED / (2 if several else 1):
        dress = draw.choice(_DRESS_DENIED if state == "absent" else _DRESS)
        if finding != "cardiomegaly" or not _SIDELESS.search(dress):
            name = f"{dress} {name.removeprefix('a ')}"
    return name


def _plain(finding: str, draw: random.Random) -> str:
    return draw.choice([name for name in _NAMES[finding][0].split("|") if not name.startswith(("a ", "enlarged"))])


def _article(name: str) -> str:
    if name.endswith("s") and not name.endswith(("is", "us", "ss")):
        return ""
    return "an " if name[0] in "aeiou" else "a "


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# Several, and slips -------------------------------------------------------------------------------


def _joined(composed: Sequence[Typed], draw: random.Random) -> Iterator[Typed]:
    """Two to four sentences as one, of frames that are held out together, that do not contradict each other."""
    folds: dict[int, list[Typed]] = defaultdict(list)
    for one in composed:
        folds[one.fold].append(one)
    for _ in range(int(len(composed) * _SHARE_JOINED)):
        pool = folds[draw.choice(composed).fold]
        first, *others = draw.sample(pool, min(len(pool), draw.choice((2, 2, 2, 3, 3, 4))))
        text, said = first.text, dict(first.said)
        for other in others:
            if said.keys().isdisjoint(other.said):
                between = " " if text.endswith(("?", ".", "!")) else draw.choice(_BETWEEN)
                text, said = text + between + other.text, said | dict(other.said)
        yield Typed(text, said, JOINED, first.fold)


def _finished(one: Typed, draw: random.Random) -> Typed:
    """With what people put around a sentence, and slips of the keyboard."""
    text = one.text
    if draw.random() < 0.12:
        text = f"{draw.choice(_BEFORE)} {text}"
    if text[-1:] in string.ascii_letters:
        if draw.random() < 0.12:
            text = f"{text}{draw.choice((' ', ' ', ', '))}{draw.choice(_AFTER)}"
        text += draw.choice(_STOPS)
    changes: list[Callable[[str, random.Random], str]] = []
    if draw.random() < _SHARE_SLIPS:
        changes += [_slip] * draw.choice((1, 1, 1, 2))
    if draw.random() < 0.04:
        changes.append(_run_together)
    for change in changes:
        text = change(text, draw)
    return Typed(text, one.said, one.kind, one.fold)


def _slip(text: str, draw: random.Random) -> str:
    """A letter doubled, dropped, changed for its neighbour or struck beside, in a word of four letters or more."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    if not long:
        return text
    place = draw.choice(long)
    word = words[place]
    at = draw.randrange(1, len(word) - 1)
    words[place] = draw.choice(
        (
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + _NEAR.get(word[at], word[at]) + word[at + 1 :],
        )
    )
    return " ".join(words)


def _run_together(text: str, draw: random.Random) -> str:
    """Two words without the space between them."""
    spaces = [place for place, letter in enumerate(text) if letter == " "]
    if not spaces:
        return text
    place = draw.choice(spaces)
    return text[:place] + text[place + 1 :]


def kept_apart(sentences: Iterable[Typed], barred: Callable[[str], bool]) -> list[Typed]:
    """Each text once, and none that is measured on; what two frames say differently of one text goes."""
    told: dict[str, list[Typed]] = {}
    for one in sentences:
        told.setdefault(" ".join(one.text.casefold().split()), []).append(one)
    return [
        same[0]
        for text, same in told.items()
        if text and all(other.said == same[0].said for other in same) and not barred(same[0].text)
    ]
