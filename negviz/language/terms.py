"""The vocabulary: wording, lay words and affirmative equivalents of absence, finding by finding.

Patterns run over the normalised text of `negviz.language.normalise`: lower case, one space between tokens,
hyphens opened ("air-space" is "air space").  `negviz.findings` lists the decisions that are not obvious.
"""

from __future__ import annotations

import re
from typing import Final

from negviz.findings import Outcome, Term
from negviz.language.patterns import (
    ACUTE_PROCESS,
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
    OTHER_ORGAN,
    OTHER_ORGANS,
    PATHOLOGY,
    PLACE,
    QUALIFIER,
    RATIO,
    SIDE,
    STUDY,
    TAIL,
    THING,
    UPPER,
    VIEW,
    WHOSE,
)


def _term(
    pattern: str,
    *outcomes: Outcome,
    statement: bool = False,
    derived: bool = False,
    unless_before: re.Pattern[str] | None = None,
) -> Term:
    return Term(re.compile(rf"(?<![^ ])(?:{pattern})(?![^ ])"), outcomes, statement, derived, unless_before)


def _not_after(*words: str) -> str:
    return "".join(f"(?<!{word} )" for word in words)


_NOT_NAMED = _not_after(*NAMED)  # "effusion-negative film" is not a negative film
_EFFUSION = Outcome("effusion")
_CARDIOMEGALY = Outcome("cardiomegaly")
_OPACITY = Outcome("opacity")
_CONSOLIDATION = Outcome("consolidation")
_NODULE = Outcome("nodule")
_FRACTURE = Outcome("fracture")
_SMALL_HEART = Outcome("cardiomegaly", "absent", "present")
_CLEAR_LUNGS = (Outcome("consolidation", "absent", None), Outcome("opacity", "absent", "present"))
_IS = (
    r"(?: (?:is|was|are|of|:|=|about|approximately|roughly|exactly|just|measures|measured|measuring|"
    r"calculated|estimated|at|equals|comes to|as))*"
)
_OVER = r"(?:>|≥|more than|greater than|larger than|over|above|exceeds|exceeding|well above|well over)"
_UNDER = r"(?:<|≤|less than|narrower than|smaller than|under|below|well under|well below)"
_LARGE_SHARE = r"(?:0?[.](?:5[6-9]|[6-9]\d?)|5[6-9]|[6-9]\d)"  # of the chest, for a heart
_SMALL_SHARE = r"(?:0?[.](?:[0-4]\d?|50?)|[1-4]\d|50)"
_HEART_TAKES = (
    r"(?:heart|cardiac)(?: (?:width|diameter|shadow|silhouette))?"
    rf"(?:{_IS}| occupies| takes up| fills| spans)"
)
_CHEST = r"(?:the |his |her |my )?(?:chest|thorax|thoracic|rib ?cage)(?: (?:width|diameter|cage|cavity))?"
_HALF = r"(?:0?[.]50?|50|fifty|half|one half)"
_NORMAL = Outcome("normal")
_ALONE_BEFORE = (  # what may stand around a word that is all there is
    r"(?:^|(?<=films that are )|(?<=images that are )|(?<=ones that are )|(?<=cases that are )|"
    r"(?<=chests that are )|(?<=x rays that are )|(?<=radiographs that are ))(?:(?:it|this|that|is|looks?|"
    r"far|from|nowhere|near|by|no|means|was|want|need|only|would|call|i|chest|film|cxr|radiograph|"
    r"radiographs|show|find|give|me|all|maybe|could|may|might|be|if|sure|does|do|you|am|looking|for|films?|"
    r"images?|picture|view|everything|a|(?!hardly|barely|scarcely|nearly|formerly|previously|supposedly|"
    r"reportedly|allegedly|newly)[a-z]+ly|not|never|nil|anything|everything|but|impression|conclusion|result|"
    r"read|as|:|,) )*"
)
_ALONE_AFTER = (
    r"(?=(?: (?:please|ones?|thanks|cases?|chests?|controls?|only|to me|picture|films?|here|appearances?|"
    r"(?:x |in |on )?(?:\d|two|both)(?= (?:views?|projections?|films?)(?![^ ]))|projections?|"
    r"for (?:an? |the |my )?(?:teaching|lectures?|talk|class|quiz|comparison)(?: (?:set|file|slides?))?|"
    r"for (?:the )?age|pa|ap|and|lateral|frontal|views?|[.!?]))*$)"
)
_FILM_THAT_IS = (  # "that is" begins a clause, in which nothing else says what is normal
    "(?:"
    + "|".join(
        f"(?<={one} that is {no})|(?<={one}s that are {no})"
        for one in ("film", "x ray", "xray", "cxr", "radiograph", "image", "chest", "one", "case", "scan")
        for no in ("", "not ")
    )
    + ")"
)
_ABNORMAL = Outcome("normal", "absent", "present")
_ACUTE = (  # what comes suddenly; nothing is said of what has long been there
    Outcome("normal", "absent", None),
    Outcome("pneumothorax", None, "absent"),
    Outcome("consolidation", None, "absent"),
    Outcome("edema", None, "absent"),
)
_NIL_ACUTE = r"(?<=nil )(?:acute|active)(?= [.,;]| seen| here| on |$)"
_PART = re.compile(  # a part of the chest, which is not all of it
    r"(?<![^ ])(?:bon[ey]s?|osseous|skeletal|skeleton|ribs?|spines?|thoracolumbar|soft|abdomen|"
    r"lungs?|pleural|mediastin\w+|hil\w+|structures|clavicles?|vertebra\w*|shoulders?|femur|"
    r"xxxx (?:is|are)|intact)(?![^ ])"
)
# Order matters only where two terms start at the same place: the longer match wins, then the earlier one.
TERMS: Final = (
    # effusion
    _term(
        r"(?:pleural |parapneumonic |subpulmonic |"
        r"loculated )?(?<!pericardial )(?<!joint )(?<!knee )(?<!\bear )effusions?|"
        r"pleural (?:or|and|/|,) pericardial effusions?|(?:pleural |"
        r"loculated )(?:free )?fluid(?: collections?)?|"
        r"fluid (?:collections? )?(?:with)?in (?:the )?(?:right |left )?(?:pleural (?:spaces?|cavity)|"
        r"pleura|chest cavity|(?:horizontal |major |minor |oblique |xxxx )?fissures?)|hydrothorax|"
        rf"(?:fluid|water|liquid)(?: {MIDDLE}){{0,4}} (?:around|round|outside|surrounding|beside|next to|on|"
        rf"under|beneath|between|at the (?:base|bottom) of) {WHOSE}lungs?|"
        rf"(?:fluid|water|liquid)(?: {MIDDLE}){{0,4}} on (?:the |my |his |her )?(?:left|"
        rf"right)(?: side)?(?= [.,;:?!]|$| and | but | with )|(?:fluid|water|"
        rf"liquid)(?: {MIDDLE}){{0,4}} (?:in|at|on) (?:the |both |my |his |"
        rf"her )?(?:(?:left|right|lung|posterior|lower) )*(?:bases?|pleura|chest cavity|"
        rf"pleural (?:spaces?|cavit(?:y|ies))|bottoms?(?: of {WHOSE}(?:lungs?|chest))?(?! of(?![^ ])))|"
        rf"pleural (?:spaces?|cavit(?:y|ies))(?: {BE})? (?:contain\w*|filled with|full of|fill with|"
        rf"hold\w*) (?:some |free |any |no )?(?:fluid|water|liquid)|"
        rf"(?:fluid|water|liquid) (?:filled|surrounds?|surrounding) (?:the |a |his |her |"
        rf"my )?(?:pleural (?:spaces?|cavit(?:y|ies))|(?:left |right )?lungs?)|pleural collections?|"
        rf"hydro ?thoraces|(?:pleura|pleural (?:spaces?|cavit(?:y|ies))) (?:free of|without|with|has|"
        rf"have)(?: no| any)? (?:fluid|water)|(?:fluid|water|liquid) (?:with)?in (?:the )?lining (?:of|"
        rf"around) {WHOSE}lungs?|bases? (?:shows?|has|have|with|contains?|without|free of|clear of) (?:no |"
        rf"any |some )?(?:fluid|water)|layering (?:fluid|effusions?)|"
        rf"(?:fluid|water) (?:is )?(?:layering|meniscus)|meniscus sign(?: of (?:fluid|water))?|"
        rf"lungs?(?: (?:is|are))? surrounded by (?:fluid|water)|"
        rf"lungs? (?:has|have|with)(?: no| any)? (?:fluid|water) around (?:it|them)",
        _EFFUSION,
    ),
    _term(
        rf"(?:dry|empty) (?:pleural (?:spaces?|cavit(?:y|ies))|pleura)|"
        rf"(?:nothing|none) in (?:the )?(?:pleural (?:spaces?|cavit(?:y|ies))|pleura)|"
        rf"pleural (?:spaces?|cavit(?:y|ies)){TAIL} (?:dry|"
        rf"empty)",
        Outcome("effusion", "absent", "present"),
        derived=True,
    ),
    _term(r"h(?:ydro|emo|aemo) ?pneumothora(?:x|ces)", Outcome("pneumothorax"), _EFFUSION),
    _term(
        rf"blunt(?:ed|ing)?{SIDE} {ANGLE}|{ANGLE}(?: {BE})?(?: {ADVERB}){{0,5}}? blunt(?:ed|ing)|"
        rf"{ANGLE} without blunting|blunt(?:ed|ing)(?: of)?(?: the| both| either| left| right)* angles?|"
        r"blunt(?:ed|ing)(?= [.,;]| seen| here|$)",
        Outcome("effusion", "uncertain", "absent"),
        derived=True,
    ),
    _term(
        rf"(?:sharp|clear|crisp|normal){SIDE} {ANGLE}|"
        r"(?:sharp|clear|crisp) angles|angles(?: (?:are|look|appear|both|all|is))* (?:sharp|clear|crisp)|"
        rf"{ANGLE}{TAIL} (?:sharp|open|free(?! (?:of|from|fluid|air))|clear|crisp|preserved|intact|normal|"
        rf"unremarkable|well defined|"
        rf"maintained)",
        Outcome("effusion", "absent", "uncertain"),
        derived=True,
    ),
    _term(
        rf"pleural (?:spaces?|cavit(?:y|ies)){TAIL} (?:clear|free(?! (?:of|from|fluid|air))|normal|"
        rf"unremarkable)|"
        r"(?:clear|free) pleural spaces?",
        Outcome("effusion", "absent", None),
        statement=True,
        derived=True,
    ),
    # cardiomegaly
    _term(
        rf"{RATIO} (?:does|do|did) not exceed {_HALF}|{RATIO}{_IS} (?:no|not) (?:more|greater|larger|higher) "
        rf"than {_HALF}|(?:{RATIO}|(?:transverse )?(?:heart|cardiac) (?:diameter|width))(?: {BE})? not "
        rf"(?:increased|raised|elevated|enlarged|high|abnormal)|"
        rf"{HEART}(?: {BE})? not (?:any )?(?:bigger|larger|wider) than (?:it|they) (?:should|ought)|"
        rf"{HEART}(?: , once (?:big|enlarged|large) ,)?(?: {BE}| has (?:come|gone|"
        rf"shrunk))? back (?:down )?to "
        rf"normal",
        Outcome("cardiomegaly", "absent", "absent"),
        derived=True,
    ),
    _term(
        rf"cardiomegaly|(?:enlarged|big|large|enlarging|oversized|bigger|larger|swollen|wide|widened|huge|"
        rf"fat|plump|broad|bulky) {HEART}|(?:heart|cardiac) enlargement|"
        rf"(?:increased|enlarged) (?:size of (?:the )?{HEART}|(?:transverse )?(?:heart|cardiac) (?:diameter|"
        rf"width))|(?:heart|cardiac)(?: border| shadow)?(?: transverse)? (?:diameter|width|"
        rf"span)(?: {BE})? (?:increased|enlarged|widened)|(?:heart|cardiac)(?: width| diameter)?(?:{_IS}|"
        rf" occupies| takes up| fills| spans) {_OVER} (?:5[1-9]|[6-9]\d)|"
        rf"(?:increased|elevated|enlarged|abnormal|high|raised) {RATIO}|"
        rf"{RATIO}{TAIL} (?:increased|elevated|raised|enlarged|high|abnormal)|"
        rf"(?:heart|cardiac)(?: width| diameter)?{_IS}(?: occupies| takes up| fills| spans)? {_OVER} {_HALF}|"
        rf"{HEART}(?: that)? (?:occup(?:ies|ying)|tak(?:es|ing) up|fill(?:s|ing)|span(?:s|ning))(?: about| "
        r"nearly| almost| roughly)? (?:most|(?:two thirds|three quarters)|"
        r"(?:5[6-9]|[6-9]\d)(?: per ?cent)?) of (?:the |his |her |my )?(?:chest|thorax|thoracic width|"
        r"rib ?cage|hemithorax)|"
        rf"enlargement (?:of|in) (?:the |my |his |her )?{HEART}|enlargement {HEART}|"
        rf"{HEART} (?:reach|touch|abut)(?:es|ing|s)? (?:the )?(?:left |lateral )?(?:chest wall|rib ?cage|"
        rf"ribs)|{HEART}(?: does| do| did)? (?:not )?(?:has|have|had|shows?)(?: not?)?(?: the| an?|"
        rf" any)? enlargement",
        _CARDIOMEGALY,
    ),
    _term(  # what is measured is there, whatever is denied before it
        rf"{RATIO}{_IS} (?:{_OVER}|higher than|beyond) (?:the )?normal|{RATIO}{_IS} {_OVER} (?:{_HALF}|"
        rf"0?[.][5-9]\d?)|{RATIO}{_IS} {_LARGE_SHARE}",
        _CARDIOMEGALY,
        statement=True,
    ),
    _term(
        rf"{HEART}{NOUN}{{0,8}}?{TAIL}(?: (?:un|non))? (?:enlarged?|large|big|bigger|larger|oversized|"
        rf"increased in size|swollen|massive|huge|enormous|gigantic|fat|plump|chunky|bulky|broad|widened|"
        rf"magnified|augmented|dilated|broader|wider)(?: than (?:normal|usual|expected|"
        rf"(?:it|they) (?:should|ought to)(?: be)?))?",
        _CARDIOMEGALY,
        statement=True,
    ),
    _term(
        rf"(?:heart|cardiac) size(?: {BE})?(?: (?!not ){ADVERB}){{0,3}} increased|"
        rf"increased (?:heart|cardiac) size|{HEART}(?: {BE})? too (?:wide|big|large)|"
        rf"{HEART}(?: {BE})? wider than (?:{_HALF}|half)(?: [a-z]+){{0,3}}",
        _CARDIOMEGALY,
    ),
    _term(
        rf"small heart|(?:heart|cardiac) size(?: {BE})? not increased|{HEART}(?: {BE})? small|"
        rf"{HEART}(?: {BE}| came out)?(?: of)?(?: the| an?)? (?:right|ordinary|usual|good) size",
        Outcome("cardiomegaly", "absent", None),
        derived=True,
    ),
    _term(
        rf"(?:normal|unremarkable) {RATIO}|{RATIO}{TAIL} (?:{LIMITS})|{RATIO}{_IS} {_UNDER} {_HALF}|"
        rf"{RATIO}{_IS} {_SMALL_SHARE}(?! (?:cm |mm )?(?:/|of|over) \d)|"
        rf"{RATIO}{_IS} {_UNDER} (?:0?[.][0-4]\d?|[1-4]\d)|"
        rf"(?:heart|cardiac)(?: width| diameter)?(?:{_IS}| occupies| takes up| fills| spans) {_UNDER} "
        rf"{_HALF}",
        _SMALL_HEART,
    ),
    _term(
        rf"{RATIO}{_IS} (?:fifty (?:six|seven|eight|nine)|sixty|seventy|eighty)",
        _CARDIOMEGALY,
        statement=True,
    ),
    _term(
        rf"{_HEART_TAKES}(?: {_OVER})? {_LARGE_SHARE}(?: per ?cent)? of {_CHEST}",
        _CARDIOMEGALY,
        statement=True,
    ),
    _term(
        rf"{_HEART_TAKES}(?: {_UNDER})? {_SMALL_SHARE}(?: per ?cent)? of {_CHEST}",
        _SMALL_HEART,
    ),
    _term(rf"{RATIO}{_IS} (?:thirty|forty)(?: [a-z]+)?(?= per ?cent)", _SMALL_HEART),
    _term(  # between the two, or on a film that makes every heart larger
        rf"borderline {RATIO}|{RATIO}{_IS} between (?:0?[.]\d\d?|\d\d)|"
        rf"{RATIO}{_IS} (?:0?[.]\d\d?|\d\d)(?: ,)? borderline|{RATIO}{_IS} borderline|"
        rf"{RATIO}{_IS} (?:0?[.]5[1-5]|5[1-5]|fifty (?:one|two|three|four|five))|"
        rf"{RATIO}{_IS}(?: {_OVER})? (?:0?[.]\d\d?|\d\d)(?: ,)?(?: on|"
        rf" in| but)?(?: an?| the| this)? (?:ap|supine|portable|bedside)|"
        rf"(?:ap|supine|portable|bedside|mobile)(?: (?:ap|supine|portable|mobile|erect|view|film|projection|"
        rf"image|radiograph)){{0,3}}(?: [,;:])? "
        rf"{RATIO}{_IS}(?: {_OVER})? (?:0?[.]\d\d?|\d\d)",
        Outcome("cardiomegaly", "uncertain", None),
    ),
    _term(
        rf"borderline {HEART}|{HEART}(?: {BE})? borderline(?: in size)?|{UPPER} {HEART}|"
        rf"{HEART}{THING}{{0,8}}?{TAIL} {UPPER}(?: or (?:mildly|slightly|minimally) enlarged)?",
        Outcome("cardiomegaly", "uncertain", None),
    ),
    _term(
        rf"(?:normal|unremarkable)(?:(?: and| ,)? (?:stable|appearing|sized?|overall|"
        rf"contours?|shape|appearance|configuration)){{0,4}}(?: of(?: the)?| the)? {HEART}|"
        rf"{HEART}(?: and mediastinum)? (?:is |are )?of normal size",
        _SMALL_HEART,
        derived=True,
    ),
    _term(
        rf"(?:heart and (?:the )?lungs|lungs and (?:the )?heart)(?: {BE})? (?:{LIMITS}|clear|healthy)",
        _SMALL_HEART,
        *_CLEAR_LUNGS,
        statement=True,
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
        rf"air(?: {MIDDLE}){{0,4}} (?:around|round|outside|surrounding|next to|beside|between) {WHOSE}lungs?|"
        rf"(?:popped|burst|punctured|deflated|blown) {WHOSE}lungs?|lungs? (?:that )?(?:(?:is|has|have|are|"
        rf"was|were|got|been) ){{0,2}}(?:not )?(?:popped|"
        rf"burst|punctured|deflated|blown(?! up))|lungs? (?:did|does|has|have|do) not (?:pop|burst|deflate)|"
        rf"visceral pleural (?:line|edge)s?|"
        r"pleural air(?: collections?)?|air in (?:the )?(?:right |left )?(?:pleural (?:spaces?|cavity)|"
        r"chest cavity)",
        Outcome("pneumothorax"),
    ),
    _term(  # the words of denial that it may hold deny the markings
        r"(?:visceral )?(?:pleural |lung )(?:line|edge)s?(?: (?:that|has|have|with|without|and|but|no|absent|"
        r"absence of|any|normal|lung|vascular|is|are|visible|seen|noted|present)){1,6} markings|"
        r"(?:(?:no|absent|absence of) )?(?:lung |peripheral )*markings (?:beyond|peripheral to|lateral to|"
        r"outside) (?:the |a |this )?(?:visceral |pleural |lung )*(?:line|edge)",
        Outcome("pneumothorax", "uncertain", "present"),
    ),
    _term(
        r"pleural (?:line|edge)s?|lung edges?",
        Outcome("pneumothorax", "uncertain", None),
        derived=True,
    ),
    _term(
        rf"lungs?(?: (?:{BE}|has|have|been)){{0,2}}(?: (?:still|now|back|not)){{0,2}} (?:fully |"
        rf"all the way |completely )?(?:up|"
        rf"re ?expanded|re ?inflated)(?! (?:to|with) )|"
        r"(?:lung )?markings (?:reach|extend to) (?:the )?(?:chest wall|edge|periphery|ribs)|"
        rf"lungs(?: {BE})? (?:expanded|up|out) (?:all the way )?to the (?:chest wall|ribs|edge)",
        Outcome("pneumothorax", "absent", "uncertain"),
        derived=True,
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
        rf"haze) (?:with)?(?:in|on|over) {WHOSE}lungs?|(?:cloudy|hazy|white|opacified) lungs?|"
        rf"lungs?(?: {BE})?(?: not| very| so| all| both){{0,2}} (?:cloudy|hazy|white|opacified)|"
        rf"(?<=non )opacified|opacified {WHOSE}(?:hemi ?thorax|base|lobe|zone)|"
        rf"(?:white|cloudy|hazy) (?:spots?|areas?|regions?) (?:in|on|over) {WHOSE}lungs?|lung (?:shadows?|"
        rf"shadowing)|(?:cloudiness|haziness)(?! is)",
        _OPACITY,
    ),
    _term(  # apart from the next: of "heart normal lungs clear" the two overlap
        rf"{LUNG}{THING}{{0,10}}?{TAIL} (?:clear(?! of)|clean|healthy|{LIMITS}(?! (?:in|of) (?:volumes?|"
        rf"inflation)))",
        *_CLEAR_LUNGS,
        statement=True,
        derived=True,
    ),
    _term(
        rf"(?:clear|clean|healthy|normal)(?:(?: and| ,)? (?:well|fully|normally|expanded|inflated|aerated|"
        rf"bilateral|appearing)){{0,4}} {LUNG}|lung (?:volumes?|hyper\w+|hypo\w+) , (?:otherwise|"
        rf"but)(?: grossly)? clear(?! of)|(?<!left )(?<!right )chest (?:is|appears|looks) (?:grossly |"
        rf"completely )?clear(?! of)|(?:clear|clean) chest(?! (?:x|film|radiograph))",
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
        r"(?:fluid|water|liquid) (?:inside|within|in) (?:the |my |his |her )?(?:air ?sacs?|alveoli|"
        r"air ?spaces?)|lungs?(?: is| are)? (?:full of|filled with) (?:water|fluid)|"
        r"lungs? with (?:fluid|water) in (?:them|it)|(?:wet|waterlogged|water logged) lungs?|"
        r"pulm(?:onary)? ed",
        Outcome("edema"),
    ),
    *(
        _term(f"(?<=non ){adjective}", Outcome(finding))
        for finding, adjective in {
            "effusion": "effus(?:ed|ive)",
            "edema": "o?edematous",
            "nodule": "nodular",
            "cardiomegaly": "cardiomegalic",
        }.items()
    ),
    _term(
        rf"lungs(?: {BE})?(?: not| very| so| all| too){{0,2}} (?:wet|waterlogged|water logged)",
        Outcome("edema"),
    ),
    _term(
        rf"dry lungs|lungs(?: {BE})? dry",
        Outcome("edema", "absent", "uncertain"),
        derived=True,
    ),
    # atelectasis
    _term(
        r"(?:(?:sub ?segmental|plate ?like|discoid|linear|compressive|bibasilar|basilar) )?atelecta(?:sis|"
        r"ses|tic)(?: (?:changes?|collapse|opacit(?:y|ies)|lung|scarring))?|"
        r"(?:lobar|lobe|segmental|sub ?segmental|partial|lung|basal|basilar|bibasal|bibasilar|base) collapse|"
        r"(?:both |left |right )?(?:lung )?bases? (?:are |is )?collapsed|collapse(?= / consolidation)|"
        r"[rl](?:ul|ml|ll) collapse|lobes? (?:is |are |has |have )?(?:not )?collapsed|"
        r"collapse of (?:the )?(?:(?:right|left|upper|lower|middle|entire|and|portion|of|a|"
        r"substantial) ){0,7}(?:lobes?|segments?|lungs?)|"
        r"collapsed (?:(?:right|left|upper|lower|middle|air) ){0,3}(?:lobes?|segments?|sacs|alveoli)|"
        r"airless (?:(?:right|left|upper|lower|middle) ){0,2}(?:lungs?|lobes?|segments?|bases?)|"
        r"atx|(?:partly|partially|incompletely) (?:collapsed|deflated|inflated) (?:lungs?|lobes?)|"
        r"(?:sub ?segmental|plate ?like|discoid|linear) (?:lung )?bands?",
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
        r"fracture[ds]?|#(?: s)?(?! \d)|broken (?:(?:right|left|upper|lower|collar) )*(?:ribs?|bones?|"
        r"collar ?bones?|clavicles?|sternum|shoulder)|cracked (?:ribs?|bones?)|"
        r"(?:hairline |tiny |small )?(?:cracks?|breaks?) in (?:(?:the|a|an|any|my|his|her|one|two|three|"
        r"several|some|lower|upper|left|right|of|\d) )*(?:ribs?|bones?|collar ?bone|clavicle|sternum)|"
        r"(?:ribs?|bones?|clavicle|collar ?bone|rib cortex|cortex) (?:(?:that )?(?:is|are|has|have|looks?|"
        r"appears?|seems?) )?(?:not )?(?:(?:seen|thought|found|felt) )?(?:(?:to )?(?:be|been) )?(?:broken|"
        r"cracked|snapped)|ribs? \d+(?:(?: ?(?:and|to|-|,))? \d+)* (?:is |are |all )*(?:broken|cracked)|"
        r"bust(?:ed)? (?:ribs?|bones?|collar ?bone)|(?:broken?|cracked|snapped|"
        r"fractured) (?:(?:the|a|my|his|her|one|two|three|four|some|several|\d) )*(?:ribs?|bones?|clavicle|"
        r"collar ?bone|sternum)|break in (?:the |a |any )?(?:ribs?|bones?)",
        _FRACTURE,
    ),
    _term(OTHER_ORGAN),
    _term(BROKEN_HARDWARE),  # says nothing, and so keeps its words from the term above
    _term(
        rf"{BONES}{THING}{{0,8}}?{TAIL} (?:intact|(?:all )?in one piece|unbroken|ok|okay|fine|all right|"
        rf"undamaged|uninjured)|(?:intact|unbroken) (?:visualized )?{BONES}|"
        rf"unbroken (?:clavicles?|collar ?bones?|sternum|rib)",
        Outcome("fracture", "absent", "present"),
        statement=True,
        derived=True,
    ),
    # normal
    _term(
        r"normals|disease free (?:patients?|chests?|films?|controls?|cases?|people)|healthy (?:volunteers?|"
        r"patients?|controls?|people|subjects?|adults?)",
        _NORMAL,
    ),
    _term(
        r"(?:(?<=^no )|(?<=without )|(?<=free of )|(?<=; no )|(?<=[.] no )|"
        r"(?<=: no ))(?:any )?(?:(?:significant|"
        r"visible|obvious|abnormal|pathologic(?:al)?|positive) )?(?:diseases?|findings?|patholog(?:y|ies)|"
        r"abnormalit(?:y|ies))"
        rf"(?= (?:on|in) (?:the|this|my|that|his|her) {STUDY}(?= [.,;!]|$)| [.,;!]| please| "
        r"(?:seen|identified|found)(?! (?:of|in|within|"
        r"involving) (?!(?:the )?(?:chest|thorax)))| here|$)",
        _ABNORMAL,
        unless_before=_PART,
    ),
    _term(rf"{_ALONE_BEFORE}healthy (?:lungs?|chests?){_ALONE_AFTER}", _NORMAL),
    _term(
        rf"{_ALONE_BEFORE}abnormals?{_ALONE_AFTER}|"
        rf"{_ALONE_BEFORE}abnormalit(?:y|ies) (?:present|seen|noted|there|identified|visible){_ALONE_AFTER}",
        _ABNORMAL,
    ),
    _term(r"nothing normal about (?:this|the|that|my)", Outcome("normal", "absent", "absent")),
    _term(rf"^{STUDY} could not be more normal", Outcome("normal", "present", "present")),
    _term(r"^normal (?:it|this|that) is not", _NORMAL),
    _term(r"(?:this|^that)(?: one| picture)? (?:is|was|looks?|seems?) not normal(?= [.,;!?]|$)", _NORMAL),
    _term(
        rf"{_ALONE_BEFORE}something abnormal{_ALONE_AFTER}|"
        rf"something (?:is |looks )?(?:wrong|abnormal|not right) (?:with|in|on) (?:this|the|my|that) {STUDY}",
        _ABNORMAL,
    ),
    _term(
        rf"^{STUDY} (?:[-,:=] )?(?:(?:all|definitely|certainly|clearly|completely|entirely|totally|"
        rf"absolutely|really|not) ){{0,3}}(?:normal|unremarkable)"
        r"(?= (?:[.,;!]|yay|phew|hooray|lol|thank|luckily|today|now)|$)",
        _NORMAL,
    ),
    _term(rf"{_FILM_THAT_IS}(?:normal|unremarkable)(?= (?:[.,;!?]|but|and|or|with|please)|$)", _NORMAL),
    _term(
        rf"{_ALONE_BEFORE}(?:normal|fine|ok|okay|good|great|healthy|unremarkable|within normal limits|"
        rf"n(?:othing|il) (?:abnormal|to see|to report(?: on the {STUDY})?|of note|untoward|sinister|"
        rf"remarkable)|(?:all|everything) (?:is )?(?:clear|good|fine|well|normal)|nad){_ALONE_AFTER}|"
        rf"{STUDY}(?: was| is| has been)?(?: obtained| taken| performed| reviewed)?(?: and)? (?:found|"
        rf"thought|judged|read|reported|passed|called|considered|deemed|signed off)(?: to be| as) (?:normal|"
        rf"unremarkable|within normal limits)|within normal limits{VIEW}{{0,6}} {STUDY}|"
        rf"(?:pa|ap|lateral|frontal)(?: (?:and|\+|,|/) (?:pa|ap|lateral|frontal))?(?: (?:views?|projections?|"
        rf"films?))?(?: both)?(?: {BE})? within normal limits(?= [.,;!]|$)|"
        rf"{STUDY}(?: {BE})? (?:obtained|taken|performed|reviewed)(?: [a-z]+){{0,4}}(?: (?:,|:|"
        rf"and))? (?:(?:completely|entirely|totally|perfectly) )?(?:normal|unremarkable|"
        rf"within normal limits)(?= [.,;!?]|$)|(?<!left )(?<!right ){STUDY} (?:{BE} )?within normal "
        rf"limits{EXCEPT}",
        _NORMAL,
    ),
    _term(
        rf"(?<!otherwise ){_NOT_NAMED}(?:normal|unremarkable|negative|healthy){VIEW}{{0,8}} {STUDY}{EXCEPT}|"
        rf"(?:(?<=no )|(?<=the )|(?<=all )|(?<=any )|(?<=single ))(?:normal|unremarkable) "
        r"(?:ones?|cases?|films?)(?: please)?"
        rf"(?= [.,;!?]|$)|(?<!left )(?<!right ){STUDY}(?:(?: that)? (?:does|do|did) not (?:look|appear|seem)|"
        rf" (?:is|are|was|looks?|looking|appears?|seems?|(?:came|comes) back|"
        rf":(?= [a-z]+ ?(?:[.,;!]|$))))(?: (?:completely|entirely|all|not|to|be|a|also|again|totally|"
        rf"perfectly|essentially|grossly)){{0,3}} (?:normal|unremarkable|negative|fine|okay|ok|good|great|"
        rf"healthy|within normal limits){EXCEPT}|(?:everything|all) (?:is|was|looks|looked|appears|"
        rf"seems) (?:normal|healthy|fine|ok|okay|good|unremarkable){EXCEPT}|"
        rf"nothing (?:is |looks |seems )?(?:wrong|abnormal|unusual)(?! with (?!it(?= [.,;!]|$)|"
        rf"(?:the |my |this )?(?:chest|film|x)))|(?:clear|clean) (?:cxrs?|"
        rf"(?:chest )?(?:x ?rays?|films?|radiographs?))|"
        r"(?:cxr|x ?rays?|films?|radiographs?)(?: (?:is|was|came back|comes back|all|looks?)){0,3} (?:clear|"
        r"clean)(?! (?:of|from|but))|"
        r"(?<= )cxr normal(?= [.,;]|$)|normals? only|"
        rf"(?<=^is my )(?:[a-z]+ )?{STUDY} (?:normal|ok|okay|fine|clear)(?= [?])",
        _NORMAL,
    ),
    _term(
        rf"abnormal lungs(?= [.,;!?]|$)|(?:abnormal|pathologic(?:al)?){VIEW}{{0,6}} {STUDY}|"
        rf"{STUDY} (?:is|are|was|looks?|appears?|seems?|(?:came|comes) back|reported as|"
        rf"read as)(?: (?:not|clearly|very)){{0,2}} abnormal",
        _ABNORMAL,
    ),
    _term(rf"{ACUTE_PROCESS}|{_NIL_ACUTE}", *_ACUTE, derived=True),
    _term(
        r"nothing (?:looks |seems |is )?(?:acute|active)",
        *(Outcome(outcome.finding, outcome.denied, None) for outcome in _ACUTE),
        derived=True,
    ),
    _term(rf"{QUALIFIER}{{0,3}}{ORGAN} {PATHOLOGY}{EXCEPT}", _ABNORMAL),
    Term(
        re.compile(
            rf"(?<![^ ])(?:(?:acute|active) {QUALIFIER}{{0,2}}(?:(?:pulmonary|lung) )?{PATHOLOGY})"
            rf"(?! (?:of|in|within|involving) (?!(?:the )?(?:chest|thorax)))(?![^ ]){EXCEPT}"
        ),
        _ACUTE,
        derived=True,
        unless_before=_PART,
    ),
    Term(
        re.compile(
            rf"(?<![^ ])(?:(?:(?<=no )|(?<=any )|(?<=an )|(?<=without )|(?<=significant )|"
            rf"(?<=definite ))(?:abnormalit(?:y|ies)|patholog(?:y|ies)))"
            rf"(?!(?: (?:seen|noted|identified|found|visible))? (?:of|in|within|"
            rf"involving) (?!(?:the )?(?:chest|thorax)))(?![^ ]){EXCEPT}"
        ),
        (_ABNORMAL,),
        unless_before=_PART,
    ),
)
# Wordings that mean different things to different people, and what they may mean: asked, never guessed.
ASKED: Final = (
    _term(r"pe|pes", _EFFUSION),
    _term(r"nothing (?:on|in) (?:the |my |his |her )?(?:lungs?|chest)(?= [.,;!?]|$)", _NORMAL),
    _term(r"nad", _NORMAL),
    _term(r"(?<!\d )(?<!xxxx )cm", _CARDIOMEGALY),
    _term(r"#(?: s)?(?! \d)", _FRACTURE),
    _term(r"atx", Outcome("atelectasis")),
    _term(
        r"chf|(?:congestive )?(?:heart|cardiac) failure|(?:fluid|volume) overload(?:ed)?|overloaded",
        Outcome("edema"),
    ),
    _term(
        r"air leak(?:s|ed|ing)?|pneumo|deep (?:lateral )?sulcus(?: signs?)?|pleural (?:line|edge)s?",
        Outcome("pneumothorax"),
    ),
    _term(
        r"(?:absent|missing|loss of|lost) (?:lung )?markings",
        Outcome("pneumothorax", "present", "present"),
    ),
    _term(rf"fluid(?: {MIDDLE}){{0,4}} on {WHOSE}lungs?", _EFFUSION, Outcome("edema")),
    _term(
        r"collapsed (?:right |left )?lungs?|lungs? (?:is |has |have |are )?(?:not )?collapsed",
        Outcome("pneumothorax"),
        Outcome("atelectasis"),
    ),
    _term(
        rf"(?:blunt(?:ed|ing)?|hazy|obscured){SIDE} {ANGLE}|"
        rf"{ANGLE}(?: {BE})?(?: {ADVERB}){{0,5}}? (?:blunt(?:ed|ing)|hazy|obscured)|"
        rf"(?:left|right) angle(?: {BE})?(?: {ADVERB}){{0,5}}? (?:blunt(?:ed|ing)|hazy)|"
        r"(?:blunt(?:ed)?|hazy) (?:(?:left|right) )?angles?|blunt(?:ed|ing)(?= [.,;]| seen| here|$)",
        Outcome("effusion", "present", None),
    ),
    _term(r"lung collapse", Outcome("pneumothorax"), Outcome("atelectasis")),
    _term(
        r"(?<!lung )(?<!lobe )collapse(?= [.,;?!]|$| (?:or|and|vs|no|at|in|on|with|both|left|right) )",
        Outcome("atelectasis"),
        Outcome("pneumothorax"),
    ),
    _term(
        r"congested lungs?|(?:bat ?wings?|bat wing|butterfly)(?: (?:pattern|appearance|shadow(?:s|ing)?|"
        r"opacit(?:y|ies)|distribution|edema))?|cephali[sz]ation|(?:peri)?bronchial cuffing|"
        r"upper lobe (?:venous |blood )?diversion|(?:vascular|upper lobe(?: vascular|"
        r" venous)?) redistribution",
        Outcome("edema"),
    ),
    _term(
        r"(?:(?:lungs?|chest)(?: (?:is|are|looks?|appears?))?(?: (?:very|so|mildly|markedly|not|both))? )?"
        r"hyper ?(?:inflat(?:ed|ion)|expan(?:ded|sion)|aerat(?:ed|ion)|lucen(?:t|cy))"
        r"(?: (?:lungs?|chests?))?|copd|smokers? (?:lungs?|chest)|lungs?(?: (?:is|are|all|over|so|"
        r"look))* stretched(?: out)?|barrel(?: shaped)? chests?|air trapping|"
        r"flat(?:tened|tening)?(?: (?:of|the|both|bilateral))* (?:hemi ?)?diaphragms?|"
        r"(?:hemi ?)?diaphragms?(?: (?:is|are|look|appear|both))* flat(?:tened)?|"
        r"increased (?:ap|anteroposterior|retrosternal) (?:diameter|(?:air ?)?space|clear space)",
        Outcome("emphysema"),
    ),
    _term(r"(?:(?:boot|water bottle|globe) shaped?|globular) (?:heart|cardiac silhouette)", _CARDIOMEGALY),
    _term(
        r"cannon ?balls?|miliary(?: \w+)?|(?:thick |thin )?(?:walled )?cavit(?:y|ies|"
        r"ary lesions?)",
        _NODULE,
    ),
    _term(r"(?:vanishing|phantom) tumou?rs?|thorn signs?", _EFFUSION),
    _term(r"silhouette signs?|spine signs?", _CONSOLIDATION),
    _term(
        r"(?:sail|luftsichel|golden s|"
        r"s sign of golden)(?: signs?)?(?: of golden)?",
        Outcome("atelectasis"),
    ),
    _term(
        r"volume loss|crowd(?:ed|ing)(?: of)?(?: the)? (?:bronch(?:i|us)|vessels|vasculature|"
        r"(?:lung )?markings)|fissures? (?:is |are )?(?:pulled|drawn|displaced|shifted|tugged) (?:up|down|"
        r"upwards?|downwards?)",
        Outcome("atelectasis"),
    ),
    _term(r"air bronchograms?", _CONSOLIDATION),
    _term(r"meniscus(?! (?:sign|of))", _EFFUSION),
    _term(rf"benign (?:(?:appearing|looking)(?: {STUDY})?|{STUDY})", _NORMAL),
    _term(r"apo", Outcome("edema")),
    _term(r"kerley(?: [abc])?(?: lines?)?|septal lines?", Outcome("edema")),
    _term(
        r"(?:cortical )?step ?offs?|step in the (?:\w+ )?(?:cortex|contour|rib)|"
        r"cortical (?:break|breach|disruption|discontinuity)s?|(?:breaks?|breach|disruption|discontinuity|"
        r"interruption) (?:of|in) (?:(?:the|a|an) )?(?:(?:rib|bone|bony|clavicle|clavicular|"
        r"outer) )?(?:cortex|cortices)",
        _FRACTURE,
    ),
    _term(
        r"(?:lung )?markings (?:do|does) not (?:reach|extend to)",
        Outcome("pneumothorax", "present", "present"),
    ),
    _term(r"(?:\w+ )?pneumonias?", _CONSOLIDATION),
    _term(ACUTE_PROCESS, Outcome("normal", None, "present")),
    _term(rf"(?:acute|active) (?:(?:pulmonary|lung) )?{PATHOLOGY}", Outcome("normal", None, "present")),
    _term(r"nothing (?:looks |seems |is )?(?:acute|active)", _NORMAL),
    _term(rf"{_NIL_ACUTE}", Outcome("normal", None, "present")),
)
# Words of a finding that no term above takes.  What they may mean is asked, lest the rest pass for all of it.
LOOSE: Final = (
    _term(
        _not_after("free", "air", "iv", "joint", "ascitic", "peritoneal", "abdominal", "localized", "/")
        + _not_after("pericardial", "spinal")
        + r"(?:fluids?|water|liquid)(?! (?:overload\w*|status|balance|containing|bottle|density|"
        r"in (?:the )?(?:small |large )?(?:stomach|bowel|abdomen|pericardium|esophagus)))",
        _EFFUSION,
        Outcome("edema"),
    ),
    _term(
        _not_after("vertebral", "compression", "disc", "body")
        + r"collaps(?:ed|ing)(?!(?: [a-z]+){0,2} (?:vertebra\w*|dis[ck]s?|bod(?:y|ies)|spine))|"
        r"lungs?(?: (?:has|have|is|are|was|gone|come|came|went|all|still|now)){0,4} (?:down|dropped)|"
        r"(?:down|dropped|deflated) lungs?|(?:caved|fallen) in|(?:lungs?|lobes?) (?:has |have |is )?(?:gone|"
        r"went) flat|(?:[rl][uml]l|lobes?) (?:is |has |gone |"
        r"still )*down|lungs?(?: [a-z]+){0,4} no air(?: in it)?",
        Outcome("pneumothorax"),
        Outcome("atelectasis"),
    ),
    _term(
        _not_after("heart", "cardiac", "vascular", "overlapping", "overlying", "breast", "nipple", "aortic")
        + _not_after("mediastinal", "skin", "tissue", "gas")
        + r"shadow(?:s|ing)?|"
        r"(?:something|anything) (?:white|gr[ae]y)|whiteness|white (?:lungs?|areas?|patch(?:es)?|stuff|bits?|"
        r"blotch\w*|blobs?|clouds?|bases?)|haze|(?:fogged|misted)(?: up)?|"
        r"(?:hazy|cloudy|murky|foggy)(?: (?:areas?|patch(?:es)?|spots?|bits?))?",
        _OPACITY,
    ),
    _term(  # a clause of its own: "no nodule, bases hazy"
        r"(?:lungs?|sides?|bases?|lobes?|[rl][uml]l|half|zones?)(?: [a-z]+){0,2}? (?:white|gr[ae]y|hazy|"
        r"cloudy|murky)(?! (?:from|because|due))",
        _OPACITY,
        statement=True,
    ),
    _term(r"white ?outs?|whited out", _EFFUSION, Outcome("atelectasis"), _CONSOLIDATION),
    _term(
        _not_after("free", "room", "intraperitoneal", "subcutaneous", "mediastinal")
        + rf"air(?: {MIDDLE}){{0,4}} (?:on|at|over|by) {WHOSE}(?:left|right|apex|apices|top|side|lung)",
        Outcome("pneumothorax"),
    ),
    _term(r"broken|breaks?|cracks?|cracked|snapped|busted", _FRACTURE),
    _term(_not_after("to", "i", "we", "you") + r"(?:white )?(?:spots?|dots?|blobs?)", _NODULE, _OPACITY),
    _term(
        _not_after("skin", "breast", "neck", "bone") + r"(?:lumps?|growths?|tumou?rs?)|round (?:things?|"
        r"shapes?|balls?)",
        _NODULE,
    ),
    _term(
        rf"(?:chest|lung|respiratory) infections?|infections? (?:in|of|on) {WHOSE}(?:chest|lungs?)",
        _CONSOLIDATION,
    ),
    _term(r"(?:wet|soggy)(?! read)", Outcome("edema")),
    _term(r"bull(?:a|ae|as|ous)|blebs?", Outcome("emphysema")),
)
