"""The words that negate, hedge and bound: ConText's idea with a lexicon of our own.

Each cue is the *smallest* piece of wording whose removal turns a sentence round ("no" of "no evidence of",
"not" of "is not seen"), because the opposite of a prompt and its attribution are made from it; what must
stand around it is asserted by look-ahead.  Patterns run over normalised text (`negviz.language.normalise`),
where "cannot" and "can't" are "can not".  Where two cues start at one place, the earlier in `CUES` wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from negviz.language.patterns import NAMED

CueKind = Literal["negation", "uncertainty", "pseudo", "termination"]
Reach = Literal[
    "before", "after", "next", "either", "none"
]  # where the words that a cue governs stand, relative to it; "next": one item at most

_ADV = (
    r"(?:(?:been|be|being|currently|definitely|definitively|clearly|obviously|readily|convincingly|now|"
    r"actually|really|any|there|reliably|confidently|completely|entirely|totally|fully|absolutely|yet|so|"
    r"otherwise|significantly|appreciably|grossly|overtly|to|appear|appears|seem|also|either|all|quite|"
    r"radiographically|safely) )*"
)
SEEN: Final = (  # how a film is said to show something
    r"(?:seen|identified|present|noted|visuali[sz]ed|evident|demonstrated|detected|found|observed|"
    r"appreciated|apparent|visible|shown|suspected|recogni[sz]ed|depicted|displayed|there|indicated|"
    r"appreciable|discernible|discerned|exist|exists|existing|existent|confirmed|part of)"
)
_ELSEWHERE = (  # a finding that another film or view does not show is not thereby denied
    r"(?! (?:on|in|by) (?:the |a |this )?(?:\w+ ){0,2}"
    r"(?:prior|previous|lateral|frontal|pa|ap|earlier|comparison|older|ct)(?![^ ]))"
)
_EXCLUDE = r"(?:exclude|rule out|excluding|ruling out|rule|dismiss)"
_EXCLUDED = r"(?:excluded|excludable|ruled? out|dismissed)"
FINDING: Final = (  # how the word of a finding begins, where a cue means that word alone
    r"(?:effus|cardiomegal|pneumothora|ptx|consolidat|opaci|o?edema|atelecta|nodul|emphysema|fracture|"
    r"infiltrat|enlarged|collapse|dilated)"
)
_DEGREE = (
    r"(?:(?:significant|significantly|definite|definitely|interval|appreciable|appreciably|substantial|"
    r"substantially|short|term|acute|new|gross|grossly|real|obvious|visible|major|much|further|yet|"
    r"completely|fully|entirely|markedly|overall|xxxx|any|in|evidence|of|the|been) )*"
)
_CHANGE = (
    rf"(?:changes?|increases?|decreases?|improvement|worsening(?! (?!of |in )(?:\w+ ){{0,2}}?{FINDING})|"
    rf"progression|difference|reduction|"
    r"resolution|regression|alteration)"
)
_CHANGED = (
    r"(?:changed|increased|decreased|improved|worsened|progressed|different|larger|smaller|bigger|worse|"
    r"resolving|altered|calcified|sclerotic|obscuring)"
)
_GONE = (
    r"(?:resolved|cleared|disappeared|gone|vanished|settled|drained(?: dry)?|evacuated|dissipated|subsided|"
    r"dried (?:up|out)|(?:re ?)?absorbed|resorbed|dissolved|melted away|(?:re ?)?aerated(?: up)?|opened up|"
    r"re ?opened)"
)
_BEHIND = "(?:" + "|".join(f"(?<={finding} )" for finding in NAMED) + ")"  # right behind a finding's name
_KIN = (
    r"(?:mother|mom|mum|mommy|father|dad|gran|granny|nan|nana|grandpa|gran ?dad|brother|sister|aunt|uncle|"
    r"cousin|sibling|parent|grand(?:mother|father|ma|pa|parent|dad|mom|son|daughter)|daughter|son|wife|"
    r"husband|relative|twin|spouse|partner|nephew|niece|neighbou?r|(?:room|flat|house) ?mate|friend|"
    r"colleague|(?:boy|girl)friend)s?"
)
_NAMED_FINDING = rf"(?:(?!(?:or|and|nor|with|without|no) )[a-z]+ ){{0,2}}?(?:{FINDING}[a-z]*|mass|lesion)"
_ITS = r"(?:(?:the|this|that|an?|her|his|my|their) )?"
_GROWTH = (  # what happens to a finding that is there
    r"(?:growth|expansion|extension|enlargement|worsening|progression|shrinkage|shift|movement|spread|"
    r"cavitation|calcification|evolution)"
)
_GROWS = (
    r"(?:(?:has|have|is|are|was|were|having|being|been|getting|become|got|get|seen|to|any) )*"
    r"(?:enlarg|chang|grow|grew|increas|progress|wors|bigg|larg|small|spread|mov|shift|exten|advanc|evolv|"
    r"shr[iu]nk|cavitat|layer|calcif|improv|better|resolv|clear|heal)"
)
_THERE = (  # what is denied where it is not seen to be so; of all else that it is not seen to be, it is there
    rf"(?:{FINDING}|exist|(?:be|have|been|become|getting|present|there|visible|seen|evident|broken|cracked|"
    rf"absent|"
    r"gone|clear|normal|abnormal|positive|an?|the|any|have|in|on|at)(?![^ ])|"
    rf"(?:show|contain) (?:[a-z]+ ){{0,3}}?{FINDING})"
)
_MISS = (  # what nobody does with a finding that is plain to see
    r"(?:miss|ignor|overlook|den|mistak|escap|disput|argu|disguis|hid|doubt|question|contest)"
)
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_DATED_LATER = (  # what had been so at a time that a sentence then names
    r"(?:[a-z]+ ){1,8}(?:last (?:week|month|year|night|time|summer|winter|spring|autumn|fall)|ago|yesterday|"
    r"as a (?:child|kid|baby|teenager)|years back|(?:in|back in|since) (?:19|20)\d\d)"
)
_PLAN = (  # "could be followed up" advises, it doubts nothing
    r"(?:further |better |readily |clinically |also )?(?:followed|evaluated|characterized|assessed|obtained|"
    r"performed|considered|helpful|useful|repeated|correlated|treated|warranted|initiated|of)(?![^ ])"
)
_DISCARD = (  # what is not wanted
    r"(?:leave (?:out|off)|leaving (?:out|off)|drop(?:ping)?|omit(?:ting)?|skip(?:ping)?|exclude|remove|"
    r"avoid(?:ing)?|filter out|weed out|discard|eliminate|ignor(?:e|ing)|subtract|hide|ban|refuse|forbid|"
    r"reject|strike|ditch|(?:toss|throw|cross|take|cut|filter|sort|put) (?:out|away)|toss|"
    r"(?:stay|keep) away from|spare (?:me|us)|keep out|stop (?:showing|giving|sending)(?: (?:me|us))?|"
    r"screen out)"
)
_THOSE = (
    r"(?:any|all|every|the|those|these|ones|anything|anyone|anybody|everything|everyone|films?|cases?|"
    r"patients?|people|chests?|x rays?|xrays?|cxrs?|radiographs?|images?|pictures?|scans?|studies|exams|"
    r"chest)"
)
_THOSE_WITH = rf"(?: (?:{_THOSE} )+(?:that )?(?:with|showing|has|have)(?: an?)?)?"
_LACKING = (
    r"(?:without|with no|lacking|free (?:of|from)|negative for|(?:that|who|which) (?:lack|(?:have|has|show|"
    r"shows) no|(?:do|does) not (?:have|show)))"
)
_IS_NOT = (
    r"(?: (?:(?:there|it|this|that|he|she) (?:is|are|was|were|has)|its) (?:no|not(?: any| an?)?)(?= \w))"
)
_END = (
    r"(?= [.,;:?!-]|$| on | in | at | since | from | now| given | and | but | over | within | by | after |"
    r" following | currently | today| please| fyi| btw| by the way| cheers| completely| entirely| fully|"
    r" thanks| thank | here| again| already| as of | this | too| radio| with | up| once | when | overnight|"
    r" post | status post )"
)


@dataclass(frozen=True)
class _Entry:
    """Some cues that are read alike, and what each becomes in the opposite of its sentence.

    What it becomes is tried in turn; "" where nothing stays.
    """

    name: str
    kind: CueKind
    reach: Reach
    pattern: str
    becomes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_SIGNS: Final = {"(-)": ("(+)",), "(–)": ("(+)",), "-ve": ("+ve",), "–ve": ("+ve",)}
_CUES: Final = (
    # Words that only look like negation.
    _Entry(  # what is denied is that a finding grows or changes
        "unchanged",
        "pseudo",
        "none",
        rf"(?:(?:no|not (?:one|an?|any)|nothing|without) (?:evidence|signs?|suggestion|indication|hint|proof|"
        rf"to (?:suggest|say|show|indicate))(?: that| of)?|(?:do|does|did|can|could) not (?:see|show|find|"
        rf"think|believe|feel|detect|demonstrate|tell)(?: that)?|at no (?:time|point) (?:was|were|is|are))"
        rf"(?= (?:the|this|that|her|his|my|their) {_NAMED_FINDING} {_GROWS})|"
        rf"(?:no|without|neither|(?:(?:do|does|did|can|could) not (?:see|show|find|detect|demonstrate|"
        rf"identify)|(?:has|have) not been)(?: any| an?)?) (?:(?!{FINDING}|or |and |nor )[a-z]+ ){{0,2}}?"
        rf"{_GROWTH}(?: n?or [a-z]+)? (?:of|in|to|within)(?= {_ITS}{_NAMED_FINDING})|"
        r"no (?:cavity|cavitation|calcium|calcifications?|fat|gas|septations?|loculations?)(?: [a-z]+){0,2} "
        rf"(?:in|within)(?= {_ITS}{_NAMED_FINDING})|"
        rf"{_GROWTH} (?:of|in) {_ITS}{_NAMED_FINDING} (?:is |are |was |were |"
        rf"has been )?(?:not|never) {_ADV}{SEEN}|"
        rf"(?:(?<=, )|(?<=- )){_GROWTH}(?: [a-z]+){{0,3}} (?:: )?(?:none|nil|absent|not {SEEN})|"
        rf"(?:(?<=or )|(?<=and )){_GROWTH} (?:of|in)(?= {_ITS}{_NAMED_FINDING})|"
        rf"not (?:growing|enlarging|changing|progressing|spreading|moving)(?= {_NAMED_FINDING})",
    ),
    _Entry(
        "flip",
        "negation",
        "after",
        r"(?:not|never) (?:true|correct|the case) that|false that|untrue that|"
        r"(?:do|does|did) not (?:think|believe|tell me)(?! so(?![^ ]))(?: that)?(?= )|"
        r"wrong to (?:say|claim|think)(?: that)?|(?:nobody|no one) (?:could|would|can) (?:say|"
        r"claim)(?: that)?",
    ),
    _Entry(
        "affirm",
        "pseudo",
        "none",
        rf"(?:not|never|no longer|far from|nowhere near|by no means|hardly|scarcely|barely|anything but|"
        rf"in no way) (?:quite |exactly |altogether |wholly )?{_ADV}(?:absent|without|free (?:of|from)|"
        rf"clear of|negative(?: for)?|"
        rf"devoid of|lacking|missing|denied)|"
        rf"(?:{_DISCARD}|(?:do|does) not (?:want|show|give|include|need)(?: (?:me|us))?|not)(?: {_THOSE})+ "
        rf"{_LACKING}|(?:can|could|would) not (?:\w+ )?(?:claim|argue|pretend)(?: that)?{_IS_NOT}|"
        rf"(?:can|could|would) not say(?: that)? there is no(?= \w)|"
        rf"never not|(?:do|does|did) not (?:lack|forget(?: about)?)|do not (?!exclude){_DISCARD}|"
        rf"^do not exclude|"
        r"(?:none|nobody|no one|not one|not a|no) (?:(?!evidence|sign)[a-z]+ ){0,3}(?:without|lacks?|lacking|"
        r"free of|spared)|(?:not|hardly|nothing|far from|anything but)(?: at all| very| so| remotely|"
        r" an?)* (?:subtle|equivocal|ambiguous)(?: at all)?(?: about(?: (?:the|this|that))?)?|"
        r"(?:no|not an?|not the|without an?|beyond an?) (?:[a-z]+ )?(?:shadow|trace|shred|hint|ounce|scrap|"
        r"bit) of (?:an? )?doubt(?: remains?| left)?|not (?:an? )?(?:insignificant|inconsiderable|negligible|"
        r"trivial|minor)|"
        rf"no (?:way|chance)(?: that| it| this)* (?:is|are|was) not|"
        rf"(?:needs?|requires?|wants?|awaiting) {_ITS}{_NAMED_FINDING} (?:to be )?"
        r"(?:drained|evacuated)|"
        rf"had (?:since )?{_GONE}(?: ,)? (?:but|and) (?:[a-z]+ ){{0,3}}?(?:back|returned|again|recurred)|"
        rf"(?<=again , )had {_GONE}|(?:no|never(?: any| an?| had(?: an?| any)?)?|not (?:an?|any)|"
        rf"without)(?= (?:[a-z]+ ){{0,2}}{FINDING}[a-z]* (?:until|till) (?:now|today|yesterday|"
        rf"this)(?![^ ]))|where (?:there )?(?:was|were|had been) (?:none|nothing|not (?:one|any))(?: before|"
        rf" previously| earlier| yesterday)?(?= [.,;]|$)|(?:never|"
        rf"not) (?:been )?{SEEN}(?= (?:[a-z]+ ){{0,2}}?until (?:now|today|this|recently)(?![^ ]))|"
        rf"(?:was|were) not (?:there|present|visible)(?: (?:yesterday|earlier|before|then|"
        rf"last (?:week|month|year|night|time)|on {_WEEKDAY}))(?= [.,;]|$)|"
        rf"(?:no|without|not an?|not the) (?:absence|lack) of|(?:not|never) {_ADV}(?:yet )?{_GONE}|"
        r"(?:do|does|did|will|would|has|have) not (?:yet |fully |completely |really )?(?:clear|resolve|"
        r"disappear|subside|settle|go away|improve)|"
        rf"(?:almost|nearly|near|partially|mostly|partly|largely|incompletely|incomplete|"
        rf"partial)(?: completely| complete| total)? (?:{_GONE}|resolution|clearing)|"
        rf"(?:no|not|without|little|minimal|hardly any) {_DEGREE}(?:resolution|clear(?:ing|ance))(?= of)",
    ),
    _Entry(
        "unchanged",
        "pseudo",
        "none",
        rf"(?:no|without|not|nor) {_DEGREE}{_CHANGE}(?! (?:in (?:the )?heart size|of heart))(?:(?: in| of|"
        rf" from| to| since)(?= ))?|(?:not|without) {_DEGREE}{_CHANGED}(?! (?:in (?:heart|cardiac)|"
        rf"than (?:normal|usual|expected|it should)))|no {_DEGREE}(?:larger|smaller|"
        rf"bigger|worse|better|different)(?! than (?:normal|usual|average|expected|it should))|"
        rf"no (?:known |clear |good |further )?(?:spread|extension|let ?up|drainage|treatment|intervention|"
        rf"explanation|cause|reason|symptoms) (?:of|in|for|from|with)(?= {_ITS}"
        rf"(?:\w+ )?(?:{FINDING}|mass|lesion|fluid|broken|big))|"
        r"(?:not|no longer) (?:only|just|merely|simply)(?: (?:is|are) there)?|"
        r"(?:never|not) (?:seen|had|met|come across) (?:such|an? (?:worse|better|(?!upper|lower|former|other)"
        r"[a-z]+er|more [a-z]+)|more|so much)(?= )|"
        rf"(?:never|not) (?:seen|had|met|come across)(?= an? (?:[a-z]+ )?{FINDING}[a-z]* (?:this|so|quite|"
        rf"as) "
        r"(?:so )?(?:big|large|small|obvious|clear|bad|nice)(?![^ ]))|no ifs or buts|no wonder|"
        r"(?:blind|mad|crazy|foolish|silly|stupid) not to (?:see|notice|spot|find)|"
        rf"(?:not|never) (?:been )?{_ADV}(?:seen|shown|found|noted|thought|felt) to (?:(?:be|have been|"
        rf"get) any "
        r"(?:different|(?:small|larg|bigg|wors|bett)er?)|clear|resolve|disappear|shrink|heal|change|move|"
        r"grow)|(?:can|could) not be (?:any )?(?:clearer|plainer|more (?:obvious|evident|definite|plain))|"
        r"no doubt|no question|no more than|no less(?: than)?|(?:can|could) not (?:not|fail to|"
        r"help but) (?:see|notice|find|spot)|no two ways about(?: it)?|nothing if not|"
        r"(?:can|could) not be (?:anything|much) (?:but|else than|other than)|"
        rf"no (?:need|reason|point|use|sense) (?:to|in|of) {_MISS}(?:e|y|ing|ying|ion)?|"
        rf"(?:nobody|no one|none)(?: \w+){{0,2}}? {_MISS}(?:s|es|ues|ies)(?: with| about)?|"
        rf"(?:no|without)(?: longer)?(?: any| a| the| much)? (?:(?:room for )?(?:doubt|argument|debate|"
        rf"dispute)|question|shortage|scarcity|dearth|lack|{_MISS}y?ing)(?: about| of| that| with| it ,)?|"
        rf"no getting (?:around|away from|past)(?: it ,?)?|(?:(?:can|could|do|would|should|must) not|not to|"
        rf"(?:nobody|no one|none)(?: \w+){{0,3}}? (?:can|could|would|will|should)|"
        rf"(?:hard|difficult|impossible) to)(?: possibly| ever)? (?:be )?(?!doubtful){_MISS}(?:e|y|ed|en|ied|"
        rf"ue)?(?: with)?|"
        r"after (?:being|having been)(?: \w+)? (?:absent|clear|cleared|gone|negative|resolved)|"
        r"nothing but|"
        rf"(?:not|never) (?:been )?{_ADV}(?:seen|shown|demonstrated|proven|noted|found|observed|known|"
        rf"thought|felt|believed) to (?:have |be |be getting )?(?:been |become )?(?!{_THERE})[a-z]+|"
        rf"(?:not|never) {_ADV}(?:seen|shown|noted|found|known) to have enlarged|"
        r"no (?:comparison|prior|previous|old) (?:films?|stud(?:y|ies)|exams?|examinations?|radiographs?|"
        r"images?|chest|ct)|no comparison(?= [.,;])|"
        rf"(?:not|no longer) (?:{_ADV})(?:(?:as )?well )?(?:{SEEN}|compared|included)(?= (?:on|in|"
        rf"by) (?:the |a |this )?(?:\w+ ){{0,2}}(?:prior|previous|lateral|frontal|pa|ap|earlier|comparison|"
        rf"older|ct)(?![^ ]))|"
        r"without (?:contrast|iv contrast)",
    ),
    _Entry(
        "open",
        "uncertainty",
        "after",
        rf"(?:not|never|(?:nobody|no one) has) {_ADV}{_EXCLUDED}"
        rf"(?= (?::|(?:an? |any |the )?(?:\w+ )?{FINDING}))",
    ),
    # Uncertainty that is spelt with negation: before any negation is looked for, as in CheXpert.
    _Entry(
        "open",
        "uncertainty",
        "before",
        rf"(?:can(?: not| never)|(?:could|may|should|must|might)(?: not|"
        rf" never)?) (?:\w+ ){{0,2}}?be {_ADV}{_EXCLUDED}|(?<=[:,-] ){_EXCLUDE} (?:not possible|impossible|"
        rf"limited)(?= [.,;]|$| on | in | with | from )|runs in the family(?! :)|"
        rf"in (?:(?:my|her|his|the|their|our|an?|next|door|two|three|both|older|younger|elder|"
        rf"pt) ){{0,3}}{_KIN}"
        r"(?! (?:film|x)(?![^ ]))|in the family|not (?:assessable|evaluable|interpretable)|"
        r"(?:not|never) (?:entirely |completely )?out of the question|"
        r"as a (?:child|kid|baby|teenager)|in (?:his|her|their|my) (?:teens|twenties|thirties|forties|youth)|"
        rf"(?:(?:can|could) )?neither (?:be )?(?:confirmed|proven) nor {_EXCLUDED}|"
        rf"(?<=[,;-] )(?:can|could) not (?:tell|say|decide|be sure)(?= [.,;]|$)|"
        rf"can not be (?:judged|ruled in or out)|(?:(?:i|we) )?doubt it(?= [.,;]|$)|too close to call|"
        rf"(?:could|can|might) go either way|tbc|pending(?= [.,;]|$)|in childhood|"
        rf"(?:not|never|by no means|in no way) {_ADV}{_EXCLUDED}(?!(?: (?:as )?yet| so far)? : [a-z])|"
        rf"to be (?:{_EXCLUDED}|confirmed)(?!(?: with certainty)? : [a-z])|needs? (?:excluding|ruling out)|"
        rf"if (?:present|there|seen|found|confirmed|at all)(?= [.,;]|$)|"
        rf"(?<!child )(?<!boy )(?<!girl )(?<!kid )(?<!patient )aged (?:\d|1\d)(?= [.,;]|$)|"
        rf"as an? (?:newborn|infant|baby|child|kid|teenager)|(?:per|in) (?:the )?(?:old|outside) (?:charts?|"
        rf"notes?|records?)|long ago|in (?:his|her|my|their) life|"
        rf"during (?:her|his|my|the|an?) (?:first |last |second )?(?:pregnancy|childhood|"
        rf"(?:military )?service)|(?:when|while) (?:i|he|she|they) (?:was|were) (?:young|little|small|"
        rf"an? (?:child|kid|baby|teenager|student))|in the (?:(?:nineteen )?(?:fifties|sixties|seventies|"
        rf"eighties|nineties)|(?:19)?[5-9]0s)|in the past(?= [.,;]|$)|(?:by )?history only|"
        rf"back in (?:19|20)\d\d|(?<!than )(?<!with )(?<!to )(?<!from )(?<!since )(?<!from the )last "
        rf"(?:winter|summer|spring|autumn|fall)(?= [.,;]|$)|treated (?:in|back in) (?:19|20)\d\d|"
        rf"(?<!than )(?<!with )(?<!to )(?<!from )(?<!since )(?<!exam )(?<!examination )(?<!film )(?<!study "
        rf")(?<!ray )(?<!radiograph )(?:some|many|several|(?:a )?few|a couple of|two|three|\d+) (?:years|"
        rf"decades) ago(?= [.,;]|$)|yes or no|true or false|not rule out(?= [.,;]|$)|"
        rf"{_BEHIND}(?:in )?(?:19|20)\d\d(?= [.,;]|$)|or (?:not?|none|absent)(?= [.,;?]|$)|"
        rf"(?:present|absent) (?:or|vs|versus|/) (?:absent|present)|"
        rf"(?:can|could) not {_ADV}(?:be )?(?:{_ADV})discounted|"
        r"(?:difficult|hard|impossible|not possible|unable) to (?:entirely |completely )?(?:exclude|"
        r"rule out)(?= [.,;]|$| (?:on|in|here|with|given|because|due|at|from)(?![^ ]))|(?:may|might) not be"
        r"(?= (?:present|there|seen|demonstrated|visible|"
        r"identified|apparent)(?![^ ]))|"
        r"(?:may|might|could) be(?= (?:present|there|seen)(?![^ ]))|"
        r"(?:is|are|looks|appears) borderline(?= [.,;]|$)|do not (?:care|mind)|does not matter|either way|"
        rf"not (?:as )?(?:well|fully|adequately|completely|optimally|reliably) (?:seen|visuali[sz]ed|"
        rf"evaluated|assessed|demonstrated|appreciated|characterized){_ELSEWHERE}|"
        r"(?:poorly|suboptimally) (?:seen|visuali[sz]ed)|(?:can|could) not be (?:confirmed|determined|"
        r"assessed|evaluated|denied)|not (?:been )?(?:confirmed|certain)(?! (?:if|whether|that|about|of))|"
        r"runs in (?:the|my|his|her|our|their) family|not (?:(?:so|too|entirely|quite|really) )?(?:sure|"
        r"convinced|certain)(?: (?:if|whether|that)(?: (?:it|this|that|they))?(?: (?:is|are|was))? (?:real|"
        r"true|right|correct|there))?(?= [.,;!?]|$)|(?:could|may|might|can|would) (?:easily |well |"
        r"still )?be (?:hiding|hidden|missed|overlooked|obscured|masked)|"
        r"(?:may|might) or (?:may|might) not be (?:present|there)|"
        r"not (?:un|im)(?:likely|probable|possible)(?= [.,;]|$)|(?:not|less|un) ?likely(?= [.,;]|$)|"
        r"in the differential|remains? (?:a|in) (?:question|doubt|possibility|consideration)|"
        r"(?:is|are) (?:a|the) (?:possibility|consideration|concern|question)",
    ),
    _Entry(
        "open",
        "uncertainty",
        "after",
        rf"with (?:and|or|versus|vs) without|not (?:un|im)(?:likely|probable|"
        rf"possible)(?: that(?: there is)?)?|(?:can|could|may|do|does|did|would|will)(?: not|"
        rf" never) (?:\w+ ){{0,2}}?{_EXCLUDE}|no {_EXCLUDE}|neither (?:confirms?|proves?|"
        rf"shows?) nor (?:excludes?|rules out)|failed to {_EXCLUDE}|"
        rf"too \w+ to (?:judge|assess|call|say|tell|exclude|rule out)(?: if| whether)?|"
        rf"(?:hard|difficult|impossible|too early) to (?:say|tell|claim|be sure)(?: that)?{_IS_NOT}|"
        rf"(?:no way|unable|inability|difficult|hard|impossible|not(?: \w+){{1,4}}?|"
        rf"failure) to (?:\w+ )?{_EXCLUDE}|(?:exclusion of|excluding|"
        rf"ruling out)(?= (?:\w+ ){{1,5}}(?:impossible|not|difficult|unreliable|limited|hard|needs?|"
        rf"requires?|would|awaits|pending))|without {_EXCLUDE}|(?:nobody|no one|none of us) (?:can|"
        rf"could) {_EXCLUDE}|(?:can|could) not (?:be )?discard(?:ed)?|(?:for|to allow) exclusion of|"
        rf"(?:kindly|could you) exclude|(?:wants?|wanted|would like|likes?|needs?|get|"
        rf"getting)(?= (?:an? |the |any )?{_NAMED_FINDING} {_EXCLUDED})|"
        rf"not {_ADV}(?:sure|certain|clear|convinced|persuaded|confident|positive)(?:(?: that)?{_IS_NOT}|"
        rf" (?:if|whether|that|about|of|by)|(?= there ))|doubts?(?= (?:that|if|whether|there|it|this|he|she|"
        rf"any)(?![^ ]))|(?:unclear|uncertain) (?:if|whether)|{_EXCLUDE} (?:is |was )?(?:not possible|"
        rf"impossible|limited)(?: for| of)?|(?:\w+ )?(?:not|never) (?:permit|allow|enable|support|"
        rf"possible)(?: for)?(?: the| an)? (?:exclusion of|excluding|ruling out|rule out)|"
        rf"(?:limits?|precludes?|prevents?|hampers?|impossible|without|unable)(?: the| an?)? (?:exclusion of|"
        rf"excluding|ruling out)|(?:if(?! any(?= [.,;?]|$))|unless|"
        rf"(?:provided|assuming|supposing|(?:as|so) long as)(?: that)?(?= (?:there|no|it|he|she|"
        rf"the)(?![^ ])))(?:{_IS_NOT}| not?(?= [a-z]))?|(?:provided|providing|assuming|"
        rf"supposing)(?: that)?(?= (?:[a-z]+ )?{FINDING})|(?:no|"
        rf"without) (?:(?:past|previous|prior|known|family) )?"
        r"history of|^(?:is|are|was|were) (?:not (?:that|this|it|there)|(?:that|this|it) not)(?= )|"
        r"do you think(?: that)?|"
        rf"lest|in case(?: of)?(?: no(?= [a-z]))?|in the event (?:of|that)|should there be|"
        rf"^should(?= (?:(?:an?|any|the) |(?:[a-z]+ )?{FINDING}))|only (?:when|if)(?:{_IS_NOT})?|"
        rf"(?:whenever|as soon as|every time|each time|the moment)(?: (?:there is|he has|she has|it shows))?|"
        rf"^were(?= (?:[a-z]+ ){{0,2}}?{FINDING}\w* to )|^suppose(?: there (?:were|was|is))?|"
        rf"on (?:the )?condition that|(?:page|call|ring|alert|notify|tell|warn) (?:me|us) (?:for|of|about|if|"
        rf"when) (?:any|every|each)|(?:when|once)(?= (?:(?:an?|the) )?(?:[a-z]+ )?{FINDING}\w* (?:(?:is|"
        rf"are) )?(?:found|seen|present|confirmed|shown))|^were there(?= (?:an? |"
        rf"any )?(?:[a-z]+ )?{FINDING})|^(?:is|are) there no(?= )|positive or negative(?: for)?|"
        rf"(?:still |yet )?(?:to be |not |not to be ){_EXCLUDED}(?: (?:as )?yet| so far| with certainty)? :|"
        r"when (?:there is|he has|"
        rf"she has)|"
        r"(?:were|had) there (?:to be|been)|(?:some |many |several |\w+ )?(?:years|months|decades) ago"
        r"(?= ,? ?(?:he|she|i|they|the patient|pt)(?![^ ]))|"
        rf"(?:do|does|did) not know(?: if| whether| that| about)?|not necessarily|nor exclude|(?:can|"
        rf"could) not (?:tell|say|determine|be sure|be certain|"
        rf"decide)(?: for (?:sure|certain)| with certainty| either way)?(?:(?: that)?{_IS_NOT}| if| whether|"
        rf" that)?",
    ),
    _Entry(
        "spared",
        "uncertainty",
        "before",
        r"(?<!not )(?:optional|allowed|acceptable|permitted|tolerated)(?= [.,;]|$)|"
        r"not (?:been )?(?:mentioned|reported|recorded|described|stated|commented on)(?= [.,;]|$)",
    ),  # of a list it is the last item alone
    # Negation.
    _Entry(
        "no",
        "negation",
        "after",
        rf"not(?= {_ADV}(?:seen|shown|found|known|thought) to (?:contain|show|have|harbou?r) )|"
        rf"no exist(?:ing|ence) of|(?:no|not) exists?(?= (?:an? |any )?(?:[a-z]+ )?{FINDING})|"
        rf"not (?:exists?|have|there is)(?= (?:an? |any )?(?:[a-z]+ )?{FINDING})|none(?= {FINDING})|"
        rf"^(?:is |are )?not {SEEN}(?= (?:an? |any )?(?:[a-z]+ )?{FINDING})|"
        r"(?<=have )not (?:yet )?(?:seen|found|identified|noticed|spotted|detected)"
        r"(?= (?!(?:before|since|yet|it|this|that|them|so|here|on|in|at|by|and|or|but|previously|either|"
        r"to|any|an?)(?![^ ]))[a-z])",
    ),
    _Entry(
        "denied",
        "negation",
        "before",
        r"(?:looked for|searched for|sought|checked(?: for)?)(?: and| but|"
        r" ,)* (?:not (?:seen|found|identified|there|present|detected|visible)|none(?: seen| found)?|absent|"
        r"nothing|negative)(?= [.,;]|$)|(?:(?:do|does|did) not|(?:has|have|had) not|"
        r"never) (?:show(?:n|ed)?(?: up)?|appear(?:ed)?|materiali[sz]ed?)(?= [.,;]|$| on | in | at | here|"
        r" today| now)|(?:no|not an?) (?:sign|evidence|trace|hint)(?: of (?:it|this|that|them|"
        r"one))?(?= (?:[.,;]|on|in|at|here)(?![^ ])|$)|nothing left(?= (?:on|in|at|here|[.,;])(?![^ ])|$)|"
        r"(?:(?:i|we) )?do not (?:think|believe) so(?= [.,;]|$)|no thank(?:s| you)|"
        r"(?:no|not) (?:have|has|exists?|see|there is|is there|to (?:be )?(?:see|seen|find|found|detect|"
        r"recogni[sz]e))(?= [.,;]|$| on | in | at )|(?:we|i|they|he|she) (?:do|does|did|can|"
        r"could) not (?:have|see|find)(?: (?:it|them|any|one))?(?= [.,;]|$| here| in | on )|"
        r"(?:i|we) (?:can )?(?:see|find|saw|found) (?:nothing|none)(?= [.,;]|$| here| in | on )|"
        r"(?:(?<=is )|(?<=are ))no(?= (?:there|here|present|visible|seen)(?: [.,;]|$| on | in | at ))|"
        r"negative for (?:this|that|the) (?:pt|patient|film|one)|"
        r"(?:(?<=pneumothorax )|(?<=ptx )|(?<=atelectasis )|(?<=collapse )|"
        r"(?<=lobe ))(?:(?:has|is|completely|fully|now|since) )*re ?(?:expanded|inflated)|"
        r"not(?= (?:be )?(?:among|in the|included|part of)(?![^ ]))|"
        rf"unfounded|not borne out|can (?:\w+ )?be {_EXCLUDED}{_END}|not(?= (?:one|any)(?= [.,;]|$))|"
        rf"not(?= {_ADV}{SEEN}(?! (?:an?|any)(?! ?(?:more|longer)) ){_ELSEWHERE}(?![^ ]))|"
        rf"no longer(?= {_ADV}{SEEN}(?![^ ]))|never(?= {_ADV}{SEEN}(?! (?:an?|any|one) )(?![^ ]))|"
        rf"(?:(?<=is )|(?<=are )|(?<=does )|(?<=do ))not(?= [.,;]|$)|no longer(?= [.,;]|$)|"
        rf"no(?= [.,;]|$| exist)|none (?:have|has|is|are|exists?)(?= [.,;]|$)|"
        rf"none(?! (?:(?:of|with|has|have|showing|that)(?![^ ])|in (?:the )?pleura))|"
        rf"nil(?: seen| found| present| noted| identified)?(?= [.,;]|$)|"
        rf"(?<=: )(?:0|n|zero|nothing|not)(?= [.,;]|$)|(?<=: )neg(?:ative)?(?! for)|"
        rf"(?:zero|0|x ?0)(?= [.,;]|$)|(?:in|on|of|at|over) neither(?![^ ])|"
        rf"(?<=[,;-] )(?:nothing|nope|nah)(?: (?:there|found|seen|here))?(?= [.,;]|$)|"
        rf"neg(?:ative)?(?= [.,;]|$)|(?<=is )negative(?! for)|{_BEHIND}(?:neg(?:ative)?(?! for)|"
        rf"free(?! (?:of|from|air|fluid|flowing|fragment)(?![^ ])))|(?<!be )(?<!to )excluded{_END}|"
        rf"(?:subtracted|removed|omitted|forbidden|banned|barred|discarded|rejected|left out|"
        rf"left off(?: the list)?|filtered out|disproved|disproven|refuted|undetected|undetectable|"
        rf"lacking){_END}|non ?existent|in ?existent|non ?existing|"
        rf"nowhere(?! (?:is|are) there )(?: (?:to be )?(?:seen|found|visible|demonstrated|in sight))?|"
        rf"free(?= (?:lungs?|chest|films?|x|radiographs?)(?![^ ]))|(?<! be )ruled out(?! : [a-z]){_END}|"
        rf"(?<=been )excluded|(?<=is )excluded(?! from)|(?<=are )excluded(?! from)|"
        rf"not (?:come back|returned|recurred|reappeared|re ?accumulat(?:ed|ing))(?= [.,;]|$| after| since|"
        rf" yet)|(?:did|does|do|has|have) not (?:come back|returned?|recur(?:red)?|reappear(?:ed)?|"
        rf"develop(?:ed)?|"
        r"occur(?:red)?|happen(?:ed)?|turn(?:ed)? up)|never (?:developed|occurred|happened|materiali[sz]ed|"
        r"appeared|came back|an issue)(?= [.,;]|$)|(?:not|no longer)(?= (?:an? |the )?(?:concern|issue|"
        r"problem|worry|diagnosis|feature|finding here|wanted|allowed)(?![^ ]))|"
        r"(?:not any ?more|no more|nope|nah|nada|zilch|n|false|can not|off the table|out of the question|"
        r"unwanted|crossed out)(?= [.,;]|$| (?:here|on|at|in)(?![^ ]))|not here|came and went|"
        r"(?:definitely|certainly|absolutely) not(?= [.,;]|$)|"
        rf"(?<=is )missing|(?<=are )missing|(?<=all )missing|missing(?= (?:on|from|in|here)(?![^ ])|[.,;]|"
        rf"$)|(?<=is )denied|denied(?= [.,;]|$| by)|unseen|"
        rf"neither {SEEN} nor (?:{SEEN}|suggested|implied|likely)(?= [.,;]|$)|"
        rf"(?:on|in|at) neither (?:side|lung|base|one)(?! (?:is|are|was|were|has|have|do|does|"
        rf"there)(?![^ ]))",
        {
            "none": ("present", "yes"),
            "negative": ("positive",),
            "excluded": ("confirmed",),
        },
    ),
    _Entry("absent", "negation", "either", r"absent", {"absent": ("present",), **_SIGNS}),
    _Entry(
        "gone",
        "negation",
        "before",
        rf"(?:(?<=has )|(?<=have )|(?<=had )|(?<=now )|(?<=got )|(?<=been )|(?<=completely )|(?<=fully )|"
        rf"(?<=since )|(?<=is )|(?<=are )|(?<=totally )|(?<=already )|(?<=all )|(?<=both )){_GONE}|"
        r"(?<=: )(?:complete |full |interval )?(?:resolution|clearance)(?! (?:of|incomplete|partial|not|"
        r"pending))|"
        rf"resolved(?= completely)|did clear(?= [.,;]|$)|went away(?= [.,;]|$| after| with| on| by| since)|"
        rf"{_GONE}{_END}",
        {
            "resolved": ("persisted", "present", "persistent"),
            "cleared": ("persisted",),
            "disappeared": ("persisted",),
            "gone": ("present",),
        },
    ),
    _Entry(
        "gone",
        "negation",
        "after",
        r"(?:complete |interval )?(?:resolution|re ?(?:ab)?sorption) of|disappearance of|"
        r"(?:interval )?resolved|(?<!has )(?<!have )(?<!is )(?<!are )(?<!now )(?:completely|fully|totally|"
        r"interval) cleared"
        rf"(?= (?:[a-z]+ ){{0,3}}?{FINDING})",
        {"resolution of": ("persistence of",)},
    ),
    _Entry(
        "no",
        "negation",
        "next",
        rf"(?:non|un)(?= ?(?:{FINDING}|broken|cracked|normal))|far from|nowhere near|pseudo|"
        r"mimic(?:s|king|ked)?|simulat(?:es|ing)|masquerad(?:es|ing) as|(?:mistaken|mistakable) for",
    ),  # "nonconsolidated lobe with opacities"
    _Entry(
        "no",
        "negation",
        "after",
        rf"0(?= (?:\w+ )?{FINDING})|zero|nowhere(?= (?:is|are) there )|"
        r"nothing(?: [a-z]+){0,3} (?:that (?:shows|suggests)|says|tells (?:me|us))|"
        r"nil(?! (?:of note|to report|untoward|sinister|remarkable)(?![^ ]))|nothing of(?! note)|none of|"
        r"nobody|no one|"
        rf"negative(?= (?:pleural |lung |rib |pulmonary )?{FINDING})|s(?= (?:\w+ )?{FINDING})|"
        rf"(?:anything|everything|everyone|anyone|all|any|films?|cases?|chests?|those)"
        rf"(?: (?:on|in|about) (?:the|a|this|my|any) [a-z]+)? (?:but|except|"
        r"other than|"
        rf"apart from|besides)(?: (?:for )?(?:those|one|a film|the ones|ones|these|films|"
        rf"that)(?= (?:with|showing|that)))?|but(?= (?:those|the ones|ones) (?:with|showing|that))|"
        rf"something (?:other|else) than|(?:except(?: for)?|other than|apart from|aside from|save|"
        rf"bar) (?:those|one|ones|the ones)(?= (?:with|showing|that|who|labell?ed|tagged|marked|reported) )|"
        rf"(?:nothing|nobody|no one)(?= (?:with|showing|that has|that have) )|"
        rf"nothing(?= (?:(?:is|looks|seems) )?(?:broken|cracked|snapped|busted|fractured|collapsed))|"
        rf"(?<!to )(?:leave|keep|take|filter|screen|weed|cut)(?= (?:\w+ ){{1,4}}out(?![^ ]))|"
        rf"(?<!to ){_DISCARD}{_THOSE_WITH}|^(?:except|other than)(?= (?!(?:[a-z]+ )*no )[a-z ]+$)|"
        rf"other than(?= those)|"
        r"(?:get(?:ting)? )?rid of|(?:opposite|contrary|reverse) of|instead of|minus|"
        r"none(?= (?:with|has|have|showing) )|(?:un(?:touched|affected|troubled)|spared) (?:by|from|of)|"
        r"cured of|clean of|void of|no way(?: that)?|in no way|by no means|at no (?:point|time)|nary|nada|"
        r"zilch|zip|unable to (?:see|find|identify|detect)(?: any)?|not (?:complicated|accompanied) by|"
        r"uncomplicated by|unaccompanied by|without|sans|w(?:ith)? / ?o(?:ut)?|no longer|no|not|never|"
        r"negative (?:(?:controls?|cases?|examples?|films?|ones) )?for|neg for|negative(?= (?:acute|active))|"
        r"free (?:of|from)|empty of|non (?:visuali[sz]ed|visible|detectable|"
        r"(?:visuali[sz]ation|identification|detection) of)|(?:never|not) (?:seen|found|had|shown|"
        r"noted)(?= (?:an?|any|one|another) )|clear (?:of|from)|clear(?= (?:focal )?air ?space)|devoid of|"
        r"absence (?:of|from)|lack of|"
        rf"absence(?= (?:(?:the|an?) )?{FINDING})|"
        r"(?:absence|lack) (?:complete|total|absolute|entire|full) of|"
        r"(?:complete|full|total) clear(?:ing|ance) of|lacks|lacking(?! [.,;]|$)|lack|denies|deny|denied|"
        r"denying|neither|nor|none of|excludes?(?= )|excluding|rules out|ruled out|ruling out|"
        r"fail(?:s|ed)? to (?:show|reveal|demonstrate|identify|find|see)|"
        r"nothing (?:pointing (?:to|towards?)|in the way of|by way of|in favou?r of|amounting to|"
        r"(?:that )?(?:i|we|you|one) (?:would|could|can) call|to suggest|suggests|suggesting|suggestive of|"
        r"indicates|to indicate|like|to see of|left of|speaks for|resembling|(?:that )?looks like)|"
        r"negative(?= : [a-z])|unremarkable for|excluded(?! from)",
        {
            "no": ("", "a"),
            "not": ("",),
            "never": ("",),
            "no longer": ("still",),
            "without": ("with",),
            "w/o": ("with",),
            "negative for": ("positive for",),
            "free of": ("affected by",),
            "absence of": ("presence of",),
            "absence from": ("presence of",),
            "lack of": ("presence of",),
            "lack": ("have",),
            "lacks": ("has",),
            "denies": ("reports",),
            "ruled out": ("confirmed",),
            **dict.fromkeys(("nil", "zero", "0", "n0", "ø", "∅", "-"), ("", "present")),
            "neg": ("pos", ""),
        },
    ),
    # Hedges: after negation, as in CheXpert.
    _Entry(
        "hedge",
        "uncertainty",
        "either",
        r"possible|possibly|possibility of|possibility|probable|probably|presumed|presumably|presumptive|"
        r"likely|unlikely|questionable|questioned|question(?:s|ing)?(?: of)?|query|equivocal|perhaps|maybe|"
        r"if any|suspected|suspect|suspicion (?:of|for)|suspicion|suspicious for|suspicious of|"
        r"suspicious(?= [.,;]|$)|doubtful|(?:hardly|scarcely|barely)(?: any| an?)?|"
        r"hedg(?:e|es|ed|ing) (?:about|on|over|around)|(?:ambiguous|inconclusive|undecided|unclear|vague|"
        r"noncommittal) (?:for|about|on|as to)|"
        rf"apparent(?= {FINDING}\w* (?:due to|from|because of|related to) (?:the |an? )?(?:ap|portable|"
        rf"supine|projection|position\w*|technique|rotation|magnification)(?![^ ]))|uncertain(?! (?:acuity|"
        r"age|etiology|significance|clinical))|potential(?:ly)?|conceivabl[ey]|improbable|unconfirmed|unsure|"
        r"(?<=: )unknown|tbd",
    ),
    _Entry(
        "hedge",
        "uncertainty",
        "after",
        rf"(?:may|might|could|would|can) (?:(?!not )\w+ )?(?:represent|be(?! (?:{_PLAN}|(?:hard|difficult|"
        rf"impossible) to))|reflect|indicate|"
        r"suggest|have|relate|obscure|hide|mask|mimic|signify|also|still|include)|might|"
        r"concern(?:ing|ed)?(?: for| of| about)|worrisome for|worried about|"
        r"suggest(?:s|ed|ing|ive|ion)?(?: of)?(?= )|raises? the (?:possibility|question) of|rule out|r / ?o|"
        r"(?:to|please|must) exclude(?! (?:any|anything|all|every|everything|the|those|these|films?|cases?|"
        r"patients?)(?![^ ]))|evaluat(?:e|ion|ing)(?: for| of)|assess(?:ment|ing)?(?: for| of)|"
        r"(?!^)(?<!am )look(?:ing)? for|check(?:ing)?(?: (?:the|this|my|a|her|his))?(?: (?:films?|x rays?|"
        r"cxr|chest))? for|screen(?:ing)? for|(?:watch|watching|look|monitor|monitoring) (?:out )?for|"
        r"beware of|correlate for|(?:at )?risk (?:for|of)|disagree(?:s|d|ment)?(?: on| about| over)?|"
        r"disputed|debated|debatable|wondering (?:about|if)|afraid (?:of|it is)|i am thinking|my guess is|"
        r"would you (?:call (?:this|it)|say)|differential(?: diagnosis)?(?: considerations?)?(?: includes?)?|"
        r"(?:what|how) about(?= (?:(?:an?|any|the) |"
        rf"{FINDING}))|"
        r"favou?r(?:s|ed|ing)?|most xxxx|"
        r"xxxx(?= (?:represents?|reflects?|representing|reflecting)(?![^ ]))|"
        r"xxxx(?= (?:due|relate[sd]|secondary|attributable) (?:to|at)(?![^ ]))|"
        r"rather than|as opposed to|"
        r"borderline|(?<!any )chance of|probability of|whether(?: or not)?|"
        rf"(?:was|were) there (?:ever|an?|any)|were there(?= (?:[a-z]+ )?{FINDING})|"
        r"(?:has|have|did) (?:he|she|the patient|the film|this film|"
        r"they)(?= (?:got|have|had|any|an?|show)(?![^ ]))|(?:is|"
        r"are) there(?! (?:now|again|today|still)(?![^ ]))(?= )|^(?:is|are) there (?:still|now)|"
        r"does (?:this|the|he|she|it)|do you see|can you see|(?<!in )(?<!since )(?<!last )may|looks? like|"
        r"(?<!complete )(?<!full )(?<!total )(?:interval )?clear(?:ing|ance) of|"
        r"(?:past |previous |prior |remote |family )*history(?: of)?|known to have had|"
        r"(?:used to (?:have|be|show|suffer from)|once (?:had|got|showed|suffered from|"
        r"(?:admitted|hospitali[sz]ed|diagnosed) with|treated for))|(?:was|were|been) told of|"
        r"background history of|(?:once|previously|years ago) (?:been )?told (?:that )?(?:he|she|i|they|"
        r"we) (?:had|have)|"
        rf"^background of(?= (?:[a-z]+ )?{FINDING}\w*$)|^bg :|"
        r"anamnesis(?: of)?|antecedents? of|old(?:er)? (?:[a-z]+ ){0,2}(?:notes?|charts?|records?|letters?|"
        r"reports?|summar(?:y|ies)) (?:mention(?:s|ed)?|sa(?:ys?|id)|show(?:s|ed)?|describe[sd]?|"
        r"list(?:s|ed)?)|passed away (?:of|from)|told (?:me|him|her|us) (?:that )?(?:i|he|she|they|we) had|"
        r"at age \d+|(?:prior|previous|past|last) (?:admissions?|hospitali[sz]ations?|presentations?) (?:for|"
        r"with)|(?:previously|once) (?:worked up|investigated|followed(?: up)?|operated(?: on)?) for|"
        r"(?:admitted|discharged) in (?:19|20)\d\d (?:with|after)|treated (?:long ago|once|years ago) for|"
        r"hospitali[sz]ed (?:for|with)|background of(?= (?:recurrent|repeated|previous|prior|past|"
        r"childhood) )|previously (?:had|treated|drained|(?:admitted|diagnosed) with)|"
        r"(?:prior|previous|past) episodes? of|^any (?:signs?|evidence|hint|trace) of|in two minds about|"
        r"runs in the family :|treated for|awaiting \w+ (?:for|to exclude)|concern re|"
        rf"family history|{_KIN} (?:who |also |once )?(?:had|has|have|got(?= {_DATED_LATER})|with|"
        rf"died (?:of|from)|suffer(?:s|ed) from|"
        r"battled|survived|developed|(?:was|were|got) (?:treated for|diagnosed with))|"
        rf"{_KIN} (?:is|was|were|went) (?:in|at|to) (?:(?:the|an?) )?[a-z]+ (?:with|for)|"
        rf"{_KIN}(?= (?:left |right )?{FINDING})|"
        rf"{_KIN} (?:is|was|were|got|has been|had been) (?:found|shown|seen|said|admitted|diagnosed|"
        rf"hospitali[sz]ed|treated|referred)(?: [a-z]+){{0,4}}? (?:with|for|to have)|"
        rf"(?:admitted|treated|seen|hospitali[sz]ed|in hospital)(?: (?:here|elsewhere|there))? "
        rf"(?:last (?:week|month|year|winter|spring|summer|autumn|fall)|(?:\w+ )?(?:years?|months?) ago|"
        rf"in (?:19|20)\d\d) (?:with|for)|"
        rf"{_KIN}(?: (?!not? |never |without |(?:is|are|was|to|that|this) )(?:[a-z]+|,)){{1,5}}? (?:had|has|"
        r"have|with|diagnosed|broke|cracked|fractured|showed|got)(?= (?!been|no(?:t|ne)?(?![^ ]))[a-z])|"
        rf"{_KIN} (?:broke|cracked|fractured|was told|were told|[-:])|f / h|"
        r"(?:patient|person|man|woman|lady|guy|someone) (?:in|from) (?:the )?(?:next|other|opposite|"
        r"neighbou?ring) (?:bed|room|ward|bay) (?:had|has|with)",
    ),
    _Entry(  # what a person has had is not what the film shows; it reaches no further than what it names
        "past",
        "uncertainty",
        "next",
        rf"status post(?! remote)|post(?= {FINDING})|past(?! the)|^had|(?<=who )had|"
        rf"(?:(?<=i )|(?<=he )|(?<=she )|(?<=we )|(?<=they )|(?<=patient )|(?<=pt ))had(?= {_DATED_LATER})|"
        rf"(?:prev|previous|prior|former|remote)(?= (?:left |right |small |spontaneous |"
        rf"pleural |pulmonary |large )?(?!fracture|nodul){FINDING}\w*(?: [.,;?]| on | in | x ?\d|$))",
    ),
    _Entry(  # a word that Open-i took away before the diagnosis that explains a shadow: "likely", as a rule
        "blank",
        "uncertainty",
        "after",
        r"(?:(?<=base )|(?<=bases )|(?<=lobe )|(?<=lung )|(?<=lungs ))xxxx(?= (?:adjacent |mild |chronic |"
        r"sub ?segmental |focal |linear |an? )?(?:atelecta|scar|edema|infiltrat|hypoventilation|pneumonia))|"
        r"(?:(?<=, )|(?<=opacity )|(?<=opacities )|(?<=opacification )|(?<=disease )|(?<=appearance )|"
        r"(?<=xxxx ))xxxx(?! (?:consistent|compatible|is|are|was|were|seen|noted|identified|in|on|at|"
        r"from|since|than|to|compared|lung|lobe|base|and|or|[.,;])(?![^ ]))",
    ),
)

# Where a clause ends, but for within a cue ("anything but").
CLAUSE_END: Final = re.compile(
    r"(?<![^ ])(?:[.;!?]|but(?! (?:(?:can|could|is|are) )?not (?:\w+ ){0,2}(?:excluded|ruled out))|however|"
    r"although|though|(?!^)(?:except(?: for)?|aside from|apart from|"
    r"other than)(?! (?:those|one|ones|the ones) (?:with|showing|that|who|labell?ed|tagged|marked|"
    r"reported)(?![^ ]))|with the exception of|(?<!in )which|that (?:is|are|was|"
    r"were)(?! (?:not|no longer) (?:there|present|seen|visible|identified|evident)(?![^ ])|"
    r" (?:there|here|present|seen|visible) (?:before|then|earlier|yesterday|previously|last|"
    r"on the (?:old|last|previous))(?![^ ]))|while|whereas|(?<!not )(?<!never )(?<!has )(?<!have )(?<!is "
    r")(?<!are )yet|nevertheless|nonetheless|despite|in spite of|because|save for|"
    r"since(?! (?:re ?expanded|re ?inflated|resolved|cleared|disappeared|gone|excluded|ruled out)))(?![^ ])"
)
_THAT_SAYS: Final = "".join(  # "no evidence that there is an effusion" denies it
    rf"(?<!{word} )(?<!{word} that )"
    for word in (
        *("evidence", "sign", "signs", "hint", "suggestion", "indication", "proof", "suspicion", "chance"),
        *(
            "say",
            "says",
            "saying",
            "think",
            "thinks",
            "believe",
            "believes",
            "feel",
            "see",
            "sees",
            "find",
            "finds",
        ),
        *("show", "shows", "suspect", "tells me", "tells us", "or", "nor", "not"),
    )
)
# Inside a clause, where the reach of a cue to its left ends: at a new subject, a negation also at a cause.
_NEW_SUBJECT: Final = (
    r"-|plus|(?:please|thanks|thank you|cheers)(?= [.,;!?]|$)|, with|"
    rf"{_THAT_SAYS}there (?:is|are|was|were|has|may|could)|"
    r"(?:, and|and|,)(?= (?:[a-z]+ ){1,3}?(?:that )?there (?:is|are|was|were)(?![^ ]))|"
    r", (?:i|we|you) (?:can )?(?:see|have)|, (?:(?:and|instead|just|i) )?(?:show|give|find|want|get|fetch|"
    r"bring up|pull up|include|keep|display)(?: (?:me|us))?(?= )|"
    r", (?:(?:it|this|that|he|she) )?(?:is|has|have)(?! (?:no|not|never|been)(?![^ ]))|"
    r"(?:, and|and|,|with)(?= (?:an? |the |there |stable |persistent |unchanged |new |increased |again |"
    r"definite |definitely |certain |certainly |clear |obvious |confirmed |\d[\d.]* ?(?:mm|cm) )(?!evidence|"
    r"sign|suspicious))|(?:, and|and|(?<!compatible )(?<!consistent )with)(?= (?:small|mild|minimal|moderate|"
    r"large|tiny|trace|severe|normal|residual) )|(?<!compatible )(?<!consistent )with(?= (?:bilateral|left|"
    r"right|bibasilar|basilar) )"
)
_GLOSS: Final = (
    r"due to|secondary to|in (?:the )?(?:setting|presence) of|status post|given|consistent with|"
    r"compatible with|representing|now|instead|only|just(?! (?:above|below|at|in|over)(?![^ ]))|"
    r"rather(?! than)|ideally|preferably|something with|adjacent to|superimposed (?:on|upon)|associated with|"
    r"along with|together with|and also|positive for|shows?|demonstrates?|reveals?"
)
_RUN_ON: Final = (  # "no ptx small effusion"; but "no pneumothorax large effusion" may lack its "or"
    rf"{_BEHIND}(?:some|small|tiny|mild|moderate|big|huge|bilateral|stable|worsening|"
    rf"persistent|enlarged|broken)(?= (?:[a-z]+ ){{0,2}}?(?:{FINDING}|fluid|heart|rib)[a-z]*"
    r"(?! (?:[a-z]+ ){0,3}(?:or|nor)(?![^ ]))(?![a-z]))"
)
HEDGE_END: Final = re.compile(rf"(?<![^ ])(?:{_NEW_SUBJECT})(?![^ ])")
NEGATION_END: Final = re.compile(rf"(?<![^ ])(?:{_NEW_SUBJECT}|{_GLOSS}|{_RUN_ON})(?![^ ])")


def _compile() -> re.Pattern[str]:
    groups = (f"(?P<c{number}>{entry.pattern})" for number, entry in enumerate(_CUES))
    return re.compile(rf"(?<![^ ])(?:{'|'.join(groups)})(?![^ ])")


CUES: Final = _compile()
BECOMES: Final = {cue: instead for entry in _CUES for cue, instead in entry.becomes.items()}


@dataclass(frozen=True)
class CueMatch:
    """A cue where it stands in normalised text."""

    name: str
    kind: CueKind
    reach: Reach
    span: tuple[int, int]


def cue_of(match: re.Match[str]) -> CueMatch:
    """What `CUES` matched."""
    entry = _CUES[int((match.lastgroup or "c0")[1:])]
    return CueMatch(entry.name, entry.kind, entry.reach, match.span())
