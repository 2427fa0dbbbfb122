"""Pieces of patterns that several terms of `negviz.findings` are made of.

They run over normalised text: lower case, one space between tokens, hyphens opened.  "xxxx" is Open-i's
de-identification mark and may stand where any word may.
"""

from __future__ import annotations

from typing import Final

BE: Final = r"(?:is|are|was|were|be|being|do|does|did|remains?|appears?|seems?|looks?|:|-)"
ADVERB: Final = (
    r"(?:again|nice|nicely|just|look|appear|seem|also|both|all|still|now|otherwise|grossly|essentially|"
    r"overall|generally|bilaterally|very|too|way|far|bit|touch|little|much|quite|fairly|basically|completely|"
    r"entirely|relatively|mildly|moderately|markedly|severely|slightly|minimally|significantly|persistently|"
    r"near|on|become|have|has|an?|as|definitely|clearly|massively|somewhat|abnormally|borderline|stable|"
    r"unchanged|probably|likely|possibly|to|be|at|the|in|of|a|and|mild|to|moderate|well|fully|expanded|"
    r"inflated|normally|hyperinflated|hyperexpanded|hyper|hypoinflated|hyperlucent|underinflated|but|"
    r"believed|though|seen|thought|felt|found|judged|symmetric|symmetrically|aerated|size|contour|shape|"
    r"configuration|appearance|as|not|no|longer|neither|nor|xxxx|heart|for|age|within|mid|upper|limits)"
)
_ELSEWHERE = (  # organs whose masses, fluid and swellings are no finding of a chest film
    r"(?:lens|eyes?|renal|kidney|adrenal|hepatic|liver|splenic|pancreatic|gastric|colonic|bowel|ovarian|"
    r"uterine|prostatic?|testicular|scrotal|bladder|brain|cerebral|intracranial|spinal cord|vasogenic|"
    r"retinal|macular|orbital|neck|parotid|thyroid|breast|axillary|abdominal|pelvic|chest wall|sacral|pedal|"
    r"ankle|leg|limb|foot|hand|facial|arm|extremity|periorbital|laryngeal|subdural|epidural|joint|knee|hip|"
    r"elbow|shoulder joint|ear|mesenteric|peritoneal|omental|retroperitoneal|nasal|laryngeal|oral|tongue|lip|"
    r"eyelid|corneal|optic|pituitary|gallbladder|duodenal|appendiceal|calf|thigh|forearm|scalp|groin|"
    r"inguinal|rectal|vaginal|vulval|pitting|belly|stomach|tummy|abdomen|arms|legs|feet|hands|thighs|ankles|"
    r"knees|pericardial|skin|cutaneous|subcutaneous|soft tissue|bone marrow|vocal cords?|prostate|vitreous|"
    r"mastoids?|(?<!phrenic )(?<!pleural )sinus(?:es)?)"
)
OTHER_ORGAN: Final = (
    rf"{_ELSEWHERE}(?: (?!and |or |with |without |no |, )[a-z]+)? ?(?:mass(?:es)?|nodules?|lesions?|"
    rf"tumou?rs?|o?edema|effusions?|consolidations?|opacit(?:y|ies)|emphysema)|"
    rf"(?:mass(?:es)?|nodules?|lesions?|lumps?|growths?|spots?|tumou?rs?|o?edema|effusions?|fluid|"
    rf"water) (?:(?:in|of|on|around|both|bilateral) )+(?:the |her |his |my |an? )?(?:left |"
    rf"right )?{_ELSEWHERE}|"
    r"(?:femoral|femur|femoral neck|neck of femur|nof|colles|scaphoid|ulnar?|radius|metacarpal|metatarsal|"
    r"hip|skull|nasal|jaw|wrist|ankle|foot|toe|finger|tibial?|fibular?|pelvic|mandib\w+|knee|elbow|patellar?|"
    r"dental|tooth) (?:fractures?|#)|fractures? (?:of|in|at) (?:(?:the|my|his|her|left|right) )*(?:hips?|"
    r"femur|wrists?|ankles?|feet|foot|toes?|fingers?|knees?|elbows?|skull|jaw|nose|pelvis|hands?|tibia|"
    r"fibula|radius|ulna)|(?:sinus|mastoid|vitreous) opacifications?|"
    r"emphysematous (?:cholecystitis|cystitis|pyelonephritis)|consolidation (?:chemo\w*|therapy|phase|cycle|"
    r"course)|(?:broken|cracked|snapped|fractured|broke) (?:(?:the|a|an|my|his|her|left|right|upper|"
    r"lower) )*(?:neck of (?:the )?femur|arm|leg|wrist|ankle|foot|toe|finger|hip|nose|jaw|skull|hand|elbow|"
    r"knee|tooth|teeth|thumb|femur|pelvis|leads?|needle)|(?:bones?|ribs|bony \w+|soft tissues?|"
    r"skeleton) (?:of|in) (?:the |this )?(?:chest|thorax|film|radiograph)"
)
KIND: Final = (  # a "no" before one of these denies that size or kind, not the finding
    r"(?:large|larger|big|bigger|sizeable|sizable|massive|huge|giant|enormous|bulky|moderate|moderately|"
    r"severe|extensive|gross|frank|overt|florid|substantial|considerable|impressive|hefty|chunky|whopping|"
    r"tremendous|colossal|gigantic|marked|encysted|septated|interlobar|fissural|loculated|tension(?:ing)?|"
    r"displaced|comminuted|spiral|oblique|compound|depressed|impacted|pathological|"
    r"open(?= fractures?(?![^ ]))|calcified|spiculated|cavitary|cavitating|solid|sub ?solid|suspicious|"
    r"worrying|concerning|dominant|drainable|complicated|complex|increasing|worsening|enlarging|growing|"
    r"progressive|additional|further|other)"
)
TIME: Final = r"(?:acute|new|newly|fresh|recent|old|healed|healing|chronic|remote)"
RATIO: Final = (
    r"(?:(?:cardio ?thoracic|c ?[/:]? ?t|(?:heart|cardiac) (?:to |/ )?(?:chest|thorax|thoracic)) (?:ratio|"
    r"index)|ratio of (?:the )?(?:heart|cardiac)(?: (?:width|size|diameter))? to (?:the )?(?:thorax|thoracic|"
    r"chest)(?: (?:width|size|diameter))?)"
)
# Between a subject and its predicate: names of things, never a verb or a state that would end the phrase.
THING: Final = (
    r"(?: (?!(?:is|are|was|were|has|have|enlarged|stable|unchanged|large|increased|normal|clear|no|not|with|"
    r"without|but|appears?|remains?|there|show|shows|intact|unremarkable|expanded|wires?|sternotomy|leads?|"
    r"mild|small|borderline|prominent|silhouettes? (?:size|xxxx)|overlying|over|in|on|overlies|"
    r"tips?)(?![^ ])|[.;?!])[^ ]+)"
)
NOUN: Final = THING.replace("(?: (?!", "(?: (?!,|", 1)  # the same within one item of a list
TAIL: Final = rf"(?:(?: {BE}(?: (?:{ADVERB}|,)){{0,8}}?)|(?: {ADVERB}){{0,8}}?)"
LIMITS: Final = (
    r"(?:within (?:the )?(?:range of )?(?:normal(?: limits?| range)?|limits(?: of normal)?)|wnl|"
    r"(?:low )?normal(?! (?:volumes?|inflation|expansion|variant))|unremarkable|"
    r"not remarkable|ok|okay|fine)"
)
UPPER: Final = (
    r"(?:(?:upper|high|top)(?: (?:limits?|range|end|side))?(?: of)?(?: the)? ?normal(?: limits?| range)?)"
)
HEART: Final = (
    r"(?:(?:hearts?|cor(?! pulmonale)|cardiac|cardio ?mediastinal|cardiomediastinum|"
    r"cardiopericardial)(?! (?:failure|valves?|disease|rate|attack|surgery|transplant|monitor|pacemaker|"
    r"pacing|leads?|device|apex|defibrillator|border|margin|catheter|aneurysm|abnormality|arrest|"
    r"or pulmonary(?! (?:o?edema|nod|opac))|and pulmonary disease)(?![^ ]))(?: (?:silhouettes?|sizes?|"
    r"contours?|shadows?|outlines?|xxxx))?)"
)
MIDDLE: Final = (  # between a fluid and the place that it is said to be in
    r"(?:is|are|was|has|can|that|got|getting|gets|in|into|gathered|gathering|layering|tracking|sitting|lying|"
    r"building|level|been|be|build|built|buildup|up|leak|leaks|leaked|leaking|out|escaped|escaping|"
    r"collections?|collecting|collected|accumulation|accumulating|pooling|not|now|absent|present|seen|"
    r"visible|found|noted|there|trapped|still|no longer)"
)
WHOSE: Final = (
    r"(?:(?:the|my|his|her|their|your|both|either|each|one|a|right|left|bilateral|of|lower|upper) )*"
)
LUNG: Final = (
    r"(?:lungs(?: (?:fields?|zones?|xxxx))?|(?<!right )(?<!left )lung (?:fields?|zones?|parenchyma|xxxx))"
    r"(?! (?:volumes?|markings?|inflation|expansion|bases?|apices|vascular\w*|vasculature|aeration|"
    r"nodules?))"
)
ANGLE: Final = (
    r"(?:(?:costo ?phrenic|cp|cpa)(?: (?:angles?|sulc(?:us|i)|recess(?:es)?|gutters?|xxxx))?|"
    r"(?:lateral|posterior) sulc(?:us|i))"
)
SIDE: Final = (
    r"(?: (?:the|of|both|bilateral|right|left|r|l|posterior|lateral|and|or|mild|minimal|small|chronic|either|"
    r"deep)){0,6}"
)
BONES: Final = (
    r"(?:(?:bony|osseous|skeletal) (?:structures?|thorax|elements|skeleton|xxxx)|bones|ribs|bony rib cage|"
    r"rib cage|skeleton|thoracic cage)"
)
STUDY: Final = (
    r"(?:chests?(?: (?:x rays?|x xxxx|xrays?|radiographs?|films?|exam(?:ination)?|study|studies|scan|images?|"
    r"radiography|imaging|views?|picture))?|cxr|x rays?|x xxxx|xrays?|radiographs?|films?|stud(?:y|ies)|"
    r"exam(?:ination)?s?|scans?|portables?(?! (?:chest|x|film|view|ap|pa|exam|radiograph|study|image))|"
    r"(?<!bony )thorax)"
)
VIEW: Final = (
    r"(?: (?:2|two|pre|post|op|preop|postop|operative|routine|baseline|control|view|views|pa|ap|and|lateral|"
    r"frontal|portable|adult|screening|appearance|of|the|xxxx|"
    r"single|series|radiographic|looking|[+]))"
)
EXCEPT: Final = (
    r"(?! (?:except|other than|apart from|aside from|besides|save|but|with the exception|"
    r"for(?! (?:[a-z]+ )?(?:age|practice|teaching|lectures?|comparison|students?|reference|contrast|class|"
    r"exams?)(?![^ ]))))"
)
ORGAN: Final = (
    r"(?:cardio ?(?:pulmonary|thoracic|respiratory)|cardio pulmonary|cardiac ?,? ?(?:or |and |"
    r"/ )?pulmonary(?: ?,? ?(?:or|and|/) pleural)?|"
    r"(?:heart|cardiac) (?:or|and) lung|pulmonary (?:or|and|/) cardiac|intra ?thoracic|thoracic|chest)"
)
PATHOLOGY: Final = r"(?:abnormalit(?:y|ies)|diseases?|process(?:es)?|findings?|patholog(?:y|ies)|problems?)"
QUALIFIER: Final = (
    r"(?:(?:radiographic|radiologic|significant|visible|visualized|xxxx|evident|or|and|/|acute|active|"
    r"other) )"
)
ACUTE_PROCESS: Final = (
    rf"(?:acute|active) {QUALIFIER}{{0,3}}{ORGAN} (?:acute )?{PATHOLOGY}{EXCEPT}|"
    rf"{QUALIFIER}{{0,3}}{ORGAN} (?:acute|active) {PATHOLOGY}{EXCEPT}|"
    rf"(?:acute|active) {QUALIFIER}{{0,3}}{ORGAN} (?:changes?|pathology)"
)

NAMED: Final = (  # what a film may be negative for, spelt with a hyphen
    "pneumothorax effusion effusions fluid fracture consolidation edema nodule infiltrate opacity "
    "atelectasis cardiomegaly emphysema ptx fractures nodules infiltrates opacities"
).split()
OTHER_ORGANS: Final = "".join(  # what a mass may sit in without being a nodule of the lung
    f"(?<!{word} )"
    for word in "mediastinal thyroid breast abdominal pericardial body tissue bone muscle".split()
)
_HARDWARE = (
    r"(?:wires?|screws?|leads?|catheters?|hardware|rods?|plates?|sutures?|cerclages?|devices?|tubes?|tubing|"
    r"prosthes[ie]s|sternotomy xxxx|pins?|clips?|anchors?|stents?)"
)
BROKEN_HARDWARE: Final = (  # what is broken there is no bone
    rf"(?:fractured?|fractures|broken)(?: (?:the|an?|one|two|several|of|in|through|median|sternal|sternotomy|"
    rf"midline|upper|lower|superior|inferior|most|lateral|medial|left|right|surgical|fixation|pedicle|"
    rf"cerclage|metallic|orthopedic|pacer|pacemaker|xxxx)){{0,5}} {_HARDWARE}|"
    rf"{_HARDWARE}(?: of the(?: [a-z]+){{1,3}})?(?: {BE})?"
    r"(?: (?:again|also|noted|seen|to|be|been|still|not|partly)){0,4} (?:fractured?|fractures|broken)"
)
PLACE: Final = (  # the part of a lung that a density is in
    r"(?:(?:the|both|left|right|medial|lateral|upper|lower|mid|middle|posterior|anterior|superior|inferior|"
    r"segment|of|and|xxxx) )*(?:lungs?|lobes?|bases?|lingula|apex|apices|midlung|hemithorax|costophrenic)"
)
FOCAL: Final = (  # what makes a density one of the lung
    r"(?:focal|patchy|streaky|hazy|basilar|bibasilar|linear|interstitial|alveolar|pulmonary|lung|"
    r"parenchymal|perihilar|retrocardiac|air ?space|infiltrative|lobe|base|midlung|reticular)"
)
