"""The vocabulary: wording, lay words and affirmative equivalents of absence, finding by finding.

Patterns run over the normalised text of `negviz.language.normalise`: lower case, one space between tokens,
hyphens opened ("air-space" is "air space").  `negviz.findings` lists the decisions that are not obvious.
"""

from __future__ import annotations

import re
from typing import Final

from negviz.findings import Outcome, Term
from negviz.language.patterns import (
    ADVERB,
    ANGLE,
    BE,
    BONES,
    BROKEN_HARDWARE,
    EXCEPT,
    FOCAL,
    HEART,
    LIMITS,
    LUNG,
    MIDDLE,
    NAMED,
    NOUN,
    ORGAN,
    OTHER_ORGANS,
    PATHOLOGY,
    PLACE,
    QUALIFIER,
    SIDE,
    STUDY,
    TAIL,
    THING,
    UPPER,
    VIEW,
    WHOSE,
)


def _term(pattern: str, *outcomes: Outcome, statement: bool = False, derived: bool = False) -> Term:
    return Term(re.compile(rf"(?<![^ ])(?:{pattern})(?![^ ])"), outcomes, statement, derived)


_NOT_NAMED = "".join(f"(?<!{word} )" for word in NAMED)  # "effusion-negative film" is not a negative film
_EFFUSION = Outcome("effusion")
_CARDIOMEGALY = Outcome("cardiomegaly")
_OPACITY = Outcome("opacity")
_CONSOLIDATION = Outcome("consolidation")
_NODULE = Outcome("nodule")
_FRACTURE = Outcome("fracture")
_SMALL_HEART = Outcome("cardiomegaly", "absent", "present")
_CLEAR_LUNGS = (Outcome("consolidation", "absent", None), Outcome("opacity", "absent", "present"))
_NORMAL = Outcome("normal")
_ABNORMAL = Outcome("normal", "absent", "present")
# Order matters only where two terms start at the same place: the longer match wins, then the earlier one.
TERMS: Final = (
    # effusion
    _term(
        r"(?:pleural |parapneumonic |subpulmonic |"
        r"loculated )?(?<!pericardial )(?<!joint )(?<!knee )(?<!ear )effusions?|"
        r"pleural (?:or|and|/|,) pericardial effusions?|(?:pleural |"
        r"loculated )(?:free )?fluid(?: collections?)?|"
        r"fluid (?:collections? )?(?:with)?in (?:the )?(?:right |left )?(?:pleural (?:spaces?|cavity)|"
        r"pleura|chest cavity|(?:horizontal |major |minor |oblique |xxxx )?fissures?)|hydrothorax|"
        rf"(?:fluid|water|liquid)(?: {MIDDLE}){{0,4}} "
        rf"(?:around|outside|surrounding|beside|next to|on|under|beneath|between|at the (?:base|"
        rf"bottom) of) {WHOSE}lungs?",
        _EFFUSION,
    ),
    _term(r"h(?:ydro|emo|aemo) ?pneumothora(?:x|ces)", Outcome("pneumothorax"), _EFFUSION),
    _term(
        rf"blunt(?:ed|ing)?{SIDE} {ANGLE}|{ANGLE}(?: {BE})?(?: {ADVERB}){{0,5}}? blunt(?:ed|ing)",
        Outcome("effusion", "uncertain", "absent"),
        derived=True,
    ),
    _term(
        rf"(?:sharp|clear|crisp|normal){SIDE} {ANGLE}|"
        rf"{ANGLE}{TAIL} (?:sharp|clear|crisp|preserved|intact|normal|unremarkable|well defined|"
        rf"maintained)",
        Outcome("effusion", "absent", "uncertain"),
        derived=True,
    ),
    _term(
        rf"pleural (?:spaces?|cavit(?:y|ies)){TAIL} (?:clear|normal|unremarkable)|clear pleural spaces?",
        Outcome("effusion", "absent", None),
        statement=True,
        derived=True,
    ),
    # cardiomegaly
    _term(
        rf"cardiomegaly|(?:enlarged|big|large|enlarging|oversized|bigger|larger|swollen) {HEART}|(?:heart|"
        rf"cardiac) enlargement|"
        rf"enlargement (?:of|in) (?:the |my |his |her )?{HEART}|enlargement {HEART}",
        _CARDIOMEGALY,
    ),
    _term(
        rf"{HEART}{NOUN}{{0,8}}?{TAIL} (?:enlarged|large|big|bigger|larger|oversized|increased in size|"
        rf"swollen)(?: than (?:normal|usual))?",
        _CARDIOMEGALY,
        statement=True,
    ),
    _term(
        rf"borderline {HEART}|{HEART}(?: {BE})? borderline(?: in size)?|{UPPER} {HEART}|"
        rf"{HEART}{THING}{{0,8}}?{TAIL} {UPPER}(?: or (?:mildly|slightly|minimally) enlarged)?",
        Outcome("cardiomegaly", "uncertain", None),
    ),
    _term(
        rf"(?:normal|unremarkable|non ?enlarged)(?:(?: and| ,)? (?:stable|appearing|sized?|overall|"
        rf"contours?|shape|appearance|configuration)){{0,4}}(?: of(?: the)?| the)? {HEART}|"
        rf"{HEART}(?: and mediastinum)? (?:is |are )?of normal size",
        _SMALL_HEART,
        derived=True,
    ),
    _term(
        rf"{HEART}{THING}{{0,14}}?{TAIL} (?:{LIMITS}|normal sized?)",
        _SMALL_HEART,
        statement=True,
        derived=True,
    ),
    # pneumothorax
    _term(
        r"(?:tension )?pneumo ?thora(?:x|ces|xes|cies)|ptx|collapsed (?:right |left )?lungs?|"
        rf"lungs? (?:is |has |have |are )?(?:not )?collapsed|"
        rf"air(?: {MIDDLE}){{0,4}} (?:around|outside|surrounding|next to|beside) {WHOSE}lungs?|"
        r"pleural air(?: collections?)?|air in (?:the )?(?:right |left )?(?:pleural (?:spaces?|cavity)|"
        r"chest cavity)",
        Outcome("pneumothorax"),
    ),
    # consolidation and opacity
    _term(
        r"(?:(?:air ?space|alveolar|pulmonary|lobar|lung) )?consolidat(?:ions?|ed(?: lung)?|ive|ing)"
        r"(?: (?:opacit(?:y|ies)|changes?|process(?:es)?|infiltrates?|(?:air ?space )?disease|"
        r"air ?space opacit(?:y|ies)))?",
        _CONSOLIDATION,
    ),
    _term(
        r"(?:air ?space|alveolar) (?:disease|process(?:es)?)",
        _OPACITY,
        Outcome("consolidation", None, "absent"),
    ),
    _term(
        r"(?:(?:air ?space|alveolar|interstitial|pulmonary|lung|parenchymal) )?(?<!bony )(?:opacit(?:y|"
        r"ies)|opacifications?|infiltrates?|infiltration)|"
        r"ground glass(?: (?:opacit(?:y|ies)|changes?))?|"
        rf"{FOCAL} (?:{FOCAL} |xxxx )?densit(?:y|ies)|(?<!pleural )(?<!calcific )(?<!calcified )(?<!tissue )"
        rf"densit(?:y|ies)(?: (?:is|are)(?: again)? (?:seen|noted|present|identified))? "
        rf"(?:(?:with)?in|at|near|over|overlying|project(?:ed|ing) over) {PLACE}|"
        rf"(?:white |hazy |cloudy )?(?:patch(?:es)?|shadows?|shadowing|cloudiness|haziness|"
        rf"haze) (?:with)?(?:in|on|over) {WHOSE}lungs?|(?:cloudy|hazy) lungs?|"
        rf"(?:white|cloudy|hazy) (?:spots?|areas?|regions?) (?:in|on|over) {WHOSE}lungs?|lung (?:shadows?|"
        rf"shadowing)",
        _OPACITY,
    ),
    _term(
        rf"{LUNG}{THING}{{0,10}}?{TAIL} (?:clear(?! of)|healthy|{LIMITS}(?! (?:in|of) (?:volumes?|"
        rf"inflation)))|(?:clear|healthy|normal)(?:(?: and| ,)? (?:well|fully|normally|expanded|inflated|"
        rf"aerated|bilateral|appearing)){{0,4}} {LUNG}|"
        rf"lung (?:volumes?|hyper\w+|hypo\w+) , (?:otherwise|but)(?: grossly)? clear(?! of)|"
        rf"(?<!left )(?<!right )chest (?:is|appears|looks) (?:grossly |completely )?clear(?! of)|"
        rf"clear chest",
        *_CLEAR_LUNGS,
        statement=True,
        derived=True,
    ),
    # edema
    _term(
        r"(?:(?:pulmonary|interstitial|alveolar|"
        r"lung) )*(?<!tissue )(?<!subcutaneous )(?<!peripheral )(?<!leg )(?<!pedal )o?edema(?:tous"
        r" (?:lungs?|changes?))?|"
        rf"(?:fluid|water|liquid)(?: {MIDDLE}){{0,4}} (?:inside|within|in) {WHOSE}lungs?|"
        r"(?:wet|waterlogged|water logged) lungs?",
        Outcome("edema"),
    ),
    # atelectasis
    _term(
        r"(?:(?:sub ?segmental|plate ?like|discoid|linear|compressive|bibasilar|basilar) )?atelecta(?:sis|"
        r"ses|tic)(?: (?:changes?|collapse|opacit(?:y|ies)|lung|scarring))?|"
        r"(?:lobar|lobe|segmental|sub ?segmental|partial|lung) collapse|"
        r"collapse of (?:the )?(?:(?:right|left|upper|lower|middle|entire|and|portion|of|a|"
        r"substantial) ){0,7}(?:lobes?|segments?|lungs?)|"
        r"collapsed (?:(?:right|left|upper|lower|middle|air) ){0,3}(?:lobes?|segments?|sacs|alveoli)|"
        r"(?:partly|partially|incompletely) (?:collapsed|deflated|inflated) (?:lungs?|lobes?)",
        Outcome("atelectasis"),
    ),
    # nodule
    _term(
        rf"(?:(?:pulmonary|lung|hilar|granulomatous) )?{OTHER_ORGANS}(?:micro)?(?:nodules?|nodularity)|"
        rf"(?:(?:nodular|nodule|mass) like|masslike|(?<!reticular )nodular)(?: (?!is |are |and |"
        rf"or )[a-z]+){{0,4}}? (?:opacit(?:y|ies)|opacifications?|densit(?:y|ies)|lesions?|shadows?)|"
        rf"(?:(?:pulmonary|lung|hilar|parenchymal) )?{OTHER_ORGANS}mass(?:es)?(?: lesions?| densit(?:y|ies))?"
        rf"(?! (?:effect|like))|coin lesions?|"
        rf"(?:lung|pulmonary) (?:spots?|lumps?|tumou?rs?|growths?|lesions?)|"
        rf"(?:spots?|lumps?|growths?|tumou?rs?) (?:with)?(?:in|on) {WHOSE}lungs?",
        _NODULE,
    ),
    # emphysema
    _term(
        r"(?:bullous )?(?<!subcutaneous )(?<!tissue )(?<!mediastinal )(?<!surgical )emphysema(?:tous)?(?:"
        r" (?:changes?|disease|bullae|lungs?))?|"
        r"(?:damaged|destroyed|enlarged) air sacs",
        Outcome("emphysema"),
    ),
    # fracture
    _term(
        r"fracture[ds]?|broken (?:(?:right|left|upper|lower|"
        r"collar) )*(?:ribs?|bones?|collar ?bones?|clavicles?|sternum|shoulder)|"
        r"crack(?:ed|s in the) (?:ribs?|bones?)|(?:ribs?|bones?|clavicle|collar ?bone) (?:is|are|looks?|"
        r"appears?|seems?)(?: not)? (?:broken|cracked)|"
        r"break in (?:the |a |any )?(?:ribs?|bones?)",
        _FRACTURE,
    ),
    _term(BROKEN_HARDWARE),  # says nothing, and so keeps its words from the term above
    _term(
        rf"{BONES}{THING}{{0,8}}?{TAIL} intact|intact (?:visualized )?{BONES}",
        Outcome("fracture", "absent", "present"),
        statement=True,
        derived=True,
    ),
    # normal
    _term(
        rf"(?<!otherwise ){_NOT_NAMED}(?:normal|unremarkable|negative|healthy){VIEW}{{0,8}} {STUDY}{EXCEPT}|"
        rf"(?<!left )(?<!right ){STUDY}(?: (?:is|are|was|looks?|appears?|seems?|:))(?: (?:completely|"
        rf"entirely|not|to|be|a|also|again|totally|perfectly|essentially|grossly)){{0,3}} "
        rf"(?:normal|unremarkable|negative|fine|okay|ok|within normal limits){EXCEPT}|"
        rf"^normal(?= [.!]$|$)|"
        rf"(?:everything|all) (?:is|looks|appears|seems) (?:normal|fine|ok|okay|good|unremarkable){EXCEPT}|"
        rf"nothing (?:is |looks |seems )?(?:wrong|abnormal|unusual)(?! with (?!(?:the |my |this )?(?:chest|"
        rf"film|x)))",
        _NORMAL,
    ),
    _term(
        rf"abnormal{VIEW}{{0,6}} {STUDY}|{STUDY} (?:is|are|was|looks?|appears?|seems?)(?: (?:not|"
        rf"clearly|very)){{0,2}} abnormal",
        _ABNORMAL,
    ),
    _term(
        rf"(?:(?:acute|active) )?{QUALIFIER}{{0,3}}{ORGAN} (?:acute )?{PATHOLOGY}{EXCEPT}|"
        rf"(?:acute|active) {QUALIFIER}{{0,3}}{ORGAN} (?:changes?|pathology)",
        _ABNORMAL,
    ),
    Term(
        re.compile(
            rf"(?<![^ ])(?:(?:acute|active) {QUALIFIER}{{0,2}}(?:(?:pulmonary|lung) )?{PATHOLOGY}|"
            rf"(?:(?<=no )|(?<=any )|(?<=an )|(?<=without )|(?<=significant )|"
            rf"(?<=definite ))abnormalit(?:y|ies))"
            rf"(?! (?:of|in|within|involving) (?!(?:the )?(?:chest|thorax)))(?![^ ]){EXCEPT}"
        ),
        (_ABNORMAL,),
        unless_before=re.compile(
            r"(?<![^ ])(?:bon[ey]s?|osseous|skeletal|skeleton|ribs?|spines?|thoracolumbar|soft|abdomen|"
            r"lungs?|pleural|mediastin\w+|hil\w+|structures|clavicles?|vertebra\w*|shoulders?|femur|"
            r"xxxx (?:is|are)|intact)(?![^ ])"
        ),
    ),
)
