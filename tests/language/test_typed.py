"""What people type: shorthand, signs, slips, requests, and what a "no" bears on."""

from __future__ import annotations

import pytest

from negviz.language.prompt import read_mentions, read_prompt


def said(text: str) -> set[str]:
    return {f"{mention.finding}:{mention.polarity}" for mention in read_mentions(text)}


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        # signs
        ("nodule -ve", "nodule:absent"),
        ("edema (-), nodule (+)", "edema:absent nodule:present"),
        ("(-) nodule (+) edema", "nodule:absent edema:present"),
        ("-ve for atelectasis", "atelectasis:absent"),
        ("emphysema: 0", "emphysema:absent"),
        ("0 fractures", "fracture:absent"),
        ("∅ nodules", "nodule:absent"),
        ("consolidation ✗", "consolidation:absent"),
        ("neg edema", "edema:absent"),
        ("nil atelectasis", "atelectasis:absent"),
        ("-nodule", "nodule:absent"),
        ("+/- edema", "edema:uncertain"),
        ("- effusion\n- nodule", "effusion:present nodule:present"),
        ("nodule -, fracture +", "nodule:absent fracture:present"),
        ("edema=0, nodule=1", "edema:absent nodule:present"),
        ("!nodule && edema", "nodule:absent edema:present"),
        ("NOT nodule AND edema", "nodule:absent edema:present"),
        ("nodule 0, fracture 1", "nodule:absent fracture:present"),
        ("c emphysema s edema", "emphysema:present edema:absent"),
        ("emphysema positive, nodule negative", "emphysema:present nodule:absent"),
        ("edema yes; nodule no; fracture don't care", "edema:present nodule:absent fracture:uncertain"),
        # where the reach of a denial ends
        ("no edema, no nodule, just a fracture", "edema:absent nodule:absent fracture:present"),
        ("no nodule, normal heart", "nodule:absent cardiomegaly:absent"),
        ("not normal, something with a nodule", "nodule:present"),
        ("no edema, residual atelectasis", "edema:absent atelectasis:present"),
        ("no effusion, big heart", "effusion:absent cardiomegaly:present"),
        ("no ptx, broken rib", "pneumothorax:absent fracture:present"),
        ("no nodule, wet lungs", "nodule:absent edema:present"),
        ("no effusion, enlarged heart or nodule", "effusion:absent cardiomegaly:absent nodule:absent"),
        ("anything but edema, ideally a nodule", "edema:absent nodule:present"),
        ("all cases except nodules", "nodule:absent"),
        ("please leave out anything with a nodule or a tube", "nodule:absent"),
        ("nodule with and without edema", "nodule:present edema:uncertain"),
        ("is there one with a nodule? I need it", "nodule:present"),
        ("no edema, ctr 0.6", "edema:absent cardiomegaly:present"),
        ("no edema, nodule 7 mm", "edema:absent nodule:present"),
        ("no edema, fracture of rib 5", "edema:absent fracture:present"),
        ("please exclude anything with edema", "edema:absent"),
        ("please exclude edema", "edema:uncertain"),
        ("no fracture, nodules bilaterally", "fracture:absent nodule:present"),
        ("no edema or nodule, worsening atelectasis", "edema:absent nodule:absent atelectasis:present"),
        ("no new, enlarging nodule", "nodule:uncertain"),
        ("no acute disease, nodule", "pneumothorax:absent consolidation:absent edema:absent nodule:present"),
        ("all cases but those with edema", "edema:absent"),
        ("nothing with a nodule please", "nodule:absent"),
        ("spare us the fractures", "fracture:absent"),
        # then and now, the whole film
        ("nodule present yesterday but absent today", "nodule:absent"),
        ("fracture on the first film but not on the new one", "fracture:absent"),
        ("edema before dialysis, dry after", "edema:absent"),
        ("nodule absent in 2019, present in 2021", "nodule:present"),
        ("nodule present Sunday, absent Friday", "nodule:absent"),
        ("nodule was not there in 2021 but is there now", "nodule:present"),
        ("absent in March, present in May: nodule", "nodule:present"),
        ("edema recurred after being absent", "edema:present"),
        ("CXR - normal", "normal:present"),
        ("Upper abdomen: normal. No abnormality seen in the abdomen. Nodule.", "nodule:present"),
        ("a chest far from normal", "normal:absent"),
        ("far from clear, big nodule", "nodule:present"),
        ("nil abnormal", "normal:present"),
        ("no abnormal findings", "normal:present"),
        ("prev edema now clear", "edema:absent"),
        ("ptx on admission, fully expanded today", "pneumothorax:absent"),
        ("clear x-ray", "normal:present"),
        ("cough, cxr normal", "normal:present"),
        ("lungs and heart normal", "cardiomegaly:absent consolidation:absent opacity:absent"),
        ("left basal collapse", "atelectasis:present"),
        ("lungs full of water", "edema:present"),
        # prefixes and suffixes
        ("unconsolidated lung", "consolidation:absent"),
        ("non-emphysematous lungs", "emphysema:absent"),
        ("non-edematous", "edema:absent"),
        ("non-opacified lung", "opacity:absent"),
        ("nodule-less lungs", "nodule:absent"),
        ("noduleless", "nodule:absent"),
        ("pseudonodule", "nodule:absent"),
        ("nipple mimicking a nodule", "nodule:absent"),
        ("may mimic a nodule", "nodule:uncertain"),
        ("nodule-free film", "nodule:absent"),
        ("nonodule", "nodule:absent"),
        ("nonconsolidated left base opacities", "consolidation:absent opacity:present"),
        ("a non-displaced fracture", "fracture:present"),
        # shorthand
        ("tiny L eff, no fx", "effusion:present fracture:absent"),
        ("b/l infil", "opacity:present"),
        ("no consol or GGOs", "consolidation:absent opacity:absent"),
        ("atelect at the base", "atelectasis:present"),
        # a word after a cue that looks back
        ("nodule ruled out please", "nodule:absent"),
        ("edema excluded on the lateral view", "edema:absent"),
        ("atelectasis gone today", "atelectasis:absent"),
        ("emphysema does not exist", "emphysema:absent"),
        ("fracture nowhere to be seen", "fracture:absent"),
        ("neither film shows a nodule", "nodule:absent"),
        ("none of these films has a fracture", "fracture:absent"),
        # what is not wanted, and what is
        ("leave out every film with edema", "edema:absent"),
        ("hide those with a fracture", "fracture:absent"),
        ("please toss out scans showing atelectasis", "atelectasis:absent"),
        ("do not leave out nodules", "nodule:present"),
        ("no film without atelectasis", "atelectasis:present"),
        ("nodules instead of edema", "nodule:present edema:absent"),
        ("what does an emphysema look like?", "emphysema:present"),
        ("looking for fractures", "fracture:present"),
        ("films of someone who had edema", "edema:uncertain"),
        # what it has not come to
        ("fracture did not turn up", "fracture:absent"),
        ("the nodule is no longer an issue", "nodule:absent"),
        ("edema? nope", "edema:absent"),
        ("nodule? certainly not", "nodule:absent"),
        ("edema looked likely but there is none", "edema:absent"),
        ("emphysema not anymore", "emphysema:absent"),
        ("fracture has not healed", "fracture:present"),
        ("nodule: n, edema: y", "nodule:absent edema:present"),
        ("edema+ nodule- fracture-", "edema:present nodule:absent fracture:absent"),
        ("-edema, +nodule", "edema:absent nodule:present"),
        ("no edema, nodule present", "edema:absent nodule:present"),
        ("this is not a nodule, it is atelectasis", "nodule:absent atelectasis:present"),
        # somebody who says so
        ("I do not believe there is a nodule", "nodule:absent"),
        ("nobody would say there is no edema", "edema:present"),
        ("not certain that there is an edema", "edema:uncertain"),
        ("susp nodule", "nodule:uncertain"),
        ("afraid of a fracture", "fracture:uncertain"),
        ("poss edema w/ nodule", "edema:uncertain nodule:uncertain"),
        ("nodule to be confirmed", "nodule:uncertain"),
        ("edema in the past", "edema:uncertain"),
        ("other than fractures", "fracture:absent"),
        ("neevr an edema", "edema:absent"),
        # heart, lungs and the whole film
        ("heart normal lungs clear", "cardiomegaly:absent consolidation:absent opacity:absent"),
        ("heart too wide", "cardiomegaly:present"),
        ("heart size not increased", "cardiomegaly:absent"),
        ("lungs hazy", "opacity:present"),
        ("lungs filled with water", "edema:present"),
        ("pleura without fluid", "effusion:absent"),
        ("angle without blunting", "effusion:absent"),
        ("looks normal to me", "normal:present"),
        ("films that are not normal", "normal:absent"),
        ("maybe normal", "normal:uncertain"),
        ("cxr normal", "normal:present"),
        # doubt, and no doubt
        ("can't r/o edema", "edema:uncertain"),
        ("not able to rule out edema", "edema:uncertain"),
        ("exclusion of edema impossible on this film", "edema:uncertain"),
        ("not convinced by the nodule", "nodule:uncertain"),
        ("apparent cardiomegaly due to rotation", "cardiomegaly:uncertain"),
        ("apparent cardiomegaly", "cardiomegaly:present"),
        ("I doubt that it is a nodule", "nodule:uncertain"),
        ("hardly a nodule", "nodule:uncertain"),
        ("nodule if any", "nodule:uncertain"),
        ("previous edema", "edema:uncertain"),
        ("nobody could overlook the nodule", "nodule:present"),
        ("hard to miss the edema", "edema:present"),
        ("no getting around it, edema", "edema:present"),
        ("nodule not shown to be cavitating", "nodule:present"),
        ("fracture not seen to have healed", "fracture:present"),
        ("effusion not seen to have enlarged", "effusion:present"),
        ("nodule not seen to be present", "nodule:absent"),
        ("opacity not felt to be consolidation", "opacity:present consolidation:absent"),
        ("no worsening edema", "edema:uncertain"),
        ("no worsening of edema", "edema:present"),
        ("no old fracture", "fracture:uncertain"),
        ("no gross cardiomegaly", "cardiomegaly:uncertain"),
        ("no blunting", "effusion:absent"),
        ("pleural edge without markings", "pneumothorax:present"),
        ("pleural line with lung markings beyond", "pneumothorax:uncertain"),
        ("no markings beyond the pleural line", "pneumothorax:present"),
        ("nodule not r/o'd", "nodule:uncertain"),
        ("rotation prevents exclusion of a pneumothorax", "pneumothorax:uncertain"),
        ("not ruled out: fracture", "fracture:uncertain"),
        ("no mistaking the pneumothorax", "pneumothorax:present"),
        ("without any doubt edema", "edema:present"),
        ("We feared a fracture but it is not there", "fracture:absent"),
        ("We were worried about a fracture but it is not there", "fracture:absent"),
        ("edema not shown to have worsened", "edema:present"),
        ("opacity or no opacity", "opacity:uncertain"),
        ("emphysema y/n", "emphysema:uncertain"),
        ("if edema", "edema:uncertain"),
        ("her brother has emphysema", "emphysema:uncertain"),
        ("h/o nodule", "nodule:uncertain"),
        # where a "no", a hedge or an "or" ends
        ("no edema, 2 cm mass", "edema:absent nodule:present"),
        ("no edema, fracture unchanged", "edema:absent fracture:present"),
        ("negative for edema, positive for nodule", "edema:absent nodule:present"),
        ("no edema or fracture, nodule is present", "edema:absent fracture:absent nodule:present"),
        ("no edema, nodule or fracture is present", "edema:absent fracture:absent nodule:absent"),
        ("edema vs nodule and a fracture", "edema:uncertain nodule:uncertain fracture:present"),
        ("a mass or nodule", "nodule:present"),
        # then and now
        ("edema absent last week, present now", "edema:present"),
        ("nodule present in 2015, now gone", "nodule:absent"),
        ("no pneumothorax yesterday, small pneumothorax today", "pneumothorax:present"),
        ("now absent, edema was present before", "edema:absent"),
        # requests
        ("leave out fractures", "fracture:absent"),
        ("anything but emphysema", "emphysema:absent"),
        ("nothing but emphysema", "emphysema:present"),
        ("skip the nodules", "nodule:absent"),
        # normal, and what only looks like it
        ("CXR normal", "normal:present"),
        ("WNL", "normal:present"),
        ("show me normals", "normal:present"),
        ("anything but normal", "normal:absent"),
        ("CXR: normal hila, small nodule", "nodule:present"),
        ("hepatic mass", ""),
        ("mass in the left kidney", ""),
        ("no ankle edema", ""),
        # numbers
        ("CTR 0.58", "cardiomegaly:present"),
        ("CTR 0.48", "cardiomegaly:absent"),
        ("CTR of 53%", "cardiomegaly:uncertain"),
        ("CTR 0.6 on AP", "cardiomegaly:uncertain"),
        ("heart less than half the chest", "cardiomegaly:absent"),
        ("pleural line at the apex", "pneumothorax:uncertain"),
        ("visceral pleural line at the apex", "pneumothorax:present"),
        # what a "no" bears on
        ("no sizeable effusion", "effusion:uncertain"),
        ("no tension pneumothorax", "pneumothorax:uncertain"),
        ("no displaced rib fracture", "fracture:uncertain"),
        ("no new mass", "nodule:uncertain"),
        ("no overt edema", "edema:uncertain"),
        ("no large nodule or fracture", "nodule:uncertain fracture:absent"),
        ("no acute pneumothorax", "pneumothorax:absent"),
        ("no focal consolidation", "consolidation:absent"),
        ("no obvious nodule", "nodule:absent"),
        ("the large effusion has resolved", "effusion:absent"),
        ("no acute process in the chest", "pneumothorax:absent consolidation:absent edema:absent"),
        ("no suspicious masses or nodules", "nodule:uncertain"),
        ("no displaced fracture, nodule or mass", "fracture:uncertain nodule:absent"),
        ("no acute airspace infiltrate", "opacity:absent"),
        ("no acute infiltrate", "opacity:uncertain"),
        ("no new airspace opacity", "opacity:uncertain"),
        # what a "no" leaves open, other words may close
        ("both lungs clear, no acute infiltrate", "consolidation:absent opacity:absent"),
        ("sharp costophrenic angles and no large effusion", "effusion:absent"),
        ("blunted costophrenic angle and no large effusion", "effusion:uncertain"),
        ("clear lungs and a new infiltrate", "consolidation:absent opacity:present"),
        # where it is
        ("a peripheral opacity", "opacity:present"),
        ("peripheral edema", ""),
        # what is closed, sided, dated or answered by a word of its own
        ("edema - / nodule +", "edema:absent nodule:present"),
        ("ctr = 0.64", "cardiomegaly:present"),
        ("fractures x0", "fracture:absent"),
        ("nodule... nope", "nodule:absent"),
        ("edema: nil seen", "edema:absent"),
        ("ruled out: nodule", "nodule:absent"),
        ("r/o nodule, edema", "nodule:uncertain edema:uncertain"),
        ("nodule on neither side", "nodule:absent"),
        ("never seen a fracture here", "fracture:absent"),
        ("checked every rib for a fracture, nothing", "fracture:absent"),
        ("atelectasis missing on this one", "atelectasis:absent"),
        ("leave nodules out", "nodule:absent"),
        ("any film but edema", "edema:absent"),
        ("non visualisation of nodules", "nodule:absent"),
        ("no nodule or edema, emphysema", "nodule:absent edema:absent emphysema:present"),
        ("no edema and 9 mm nodule", "edema:absent nodule:present"),
        ("no edema, bibasilar atelectasis", "edema:absent atelectasis:present"),
        ("drain out, no nodule, less edema", "nodule:absent edema:present"),
        ("no acute fracture, old rib fracture", "fracture:present"),
        ("possible edema and definite nodule", "edema:uncertain nodule:present"),
        ("possible edema; clear effusion", "edema:uncertain effusion:present"),
        ("no nodule of significant size", "nodule:uncertain"),
        ("no nodule of any size", "nodule:absent"),
        ("not unlikely edema", "edema:uncertain"),
        ("no growth of the nodule", "nodule:present"),
        ("no two ways about it, edema", "edema:present"),
        ("nobody disputes the fracture", "fracture:present"),
        ("there is no need to question the edema", "edema:present"),
        ("nodule? nowhere to be seen", "nodule:absent"),
        ("taken for edema but isn't", "edema:absent"),
        ("edema was there overnight, gone on the new film", "edema:absent"),
        ("no edema this morning, now edema", "edema:present"),
        ("prior: nodule. now: no nodule", "nodule:absent"),
        ("day 2 edema, day 6 no edema", "edema:absent"),
        ("heart was normal before, now enlarged", "cardiomegaly:present"),
        ("fracture last year, heart big now", "fracture:uncertain cardiomegaly:present"),
        ("my heart is massive", "cardiomegaly:present"),
        ("the heart is not seen to be enlarged", "cardiomegaly:absent"),
        ("he broke two ribs", "fracture:present"),
        ("bones fine, one nodule", "fracture:absent nodule:present"),
        ("rib 4 broken", "fracture:present"),
        ("broken wrist, no edema", "edema:absent"),
        ("lump in the breast, no nodule in the lung", "nodule:absent"),
        ("chest looks good", "normal:present"),
        ("xray came back fine", "normal:present"),
        ("sharp angles", "effusion:absent"),
        ("nodule was ruled out overnight", "nodule:absent"),
        ("previous film: nodule. this film: none", "nodule:absent"),
        ("no giant nodule", "nodule:uncertain"),
        ("my lungs are full of fluid", "edema:present"),
        ("nodule? no fracture", "nodule:uncertain fracture:absent"),
    ],
)  # fmt: skip
def test_what_people_type_is_read(text: str, mentions: str) -> None:
    assert said(text) == set(mentions.split())


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("PE", "effusion:present"),
        ("no PE", "effusion:absent"),
        ("NAD", "normal:present"),
        ("CM", "cardiomegaly:present"),
        ("no rib #", "fracture:absent"),
        ("no atx", "atelectasis:absent"),
        ("patient in CHF", "edema:present"),
        ("signs of fluid overload", "edema:present"),
        ("air leak", "pneumothorax:present"),
        ("fluid on the lungs", "effusion:present edema:present"),
        ("no fluid on the lung", "effusion:absent edema:absent"),
        ("collapsed lung", "pneumothorax:present atelectasis:present"),
        ("blunted right costophrenic angle", "effusion:present"),
        ("pneumonia", "consolidation:present"),
        ("possible pneumonia", "consolidation:uncertain"),
        ("No acute cardiopulmonary process", "normal:present"),
        ("nodule, no CHF", "edema:absent nodule:present"),
        ("a nodule but no fluid", "effusion:absent edema:absent nodule:present"),
        ("nothing acute", "normal:present"),
        ("nil acute", "normal:present"),
        ("chest NAD", "normal:present"),
        ("blunted R CP angle", "effusion:present"),
        ("blunted angle", "effusion:present"),
        ("white-out of the left side", "effusion:present atelectasis:present consolidation:present"),
        ("houseman said clear, consultant said nodule", "nodule:present"),
        ("nodule, fracture negative", "fracture:absent nodule:present nodule:absent"),
        (
            "label: edema, nodule, fracture absent",
            "fracture:absent nodule:present nodule:absent edema:absent",
        ),
        ("hyperinflation and bullae", "emphysema:present"),
        ("no nodule or collapse", "atelectasis:absent pneumothorax:absent nodule:absent"),
        ("volume loss", "atelectasis:present"),
        ("air bronchograms", "consolidation:present"),
        ("congested lungs", "edema:present"),
        # words of a finding that no term takes
        (
            "heart ok, some fluid right base, no ptx pls",
            "effusion:present pneumothorax:absent",
        ),  # edema has no side
        (
            "is the lung on the left still collapsed or back up",
            "pneumothorax:uncertain atelectasis:uncertain",
        ),
        ("bit of water down there, heart fine", "effusion:present edema:present"),
        ("fluid somewhere down there, no nodule", "effusion:present edema:present nodule:absent"),
        ("left lung has come down, no effusion", "pneumothorax:present atelectasis:present effusion:absent"),
        ("lung dropped on that side", "pneumothorax:present atelectasis:present"),
        ("a shadow, no effusion", "opacity:present effusion:absent"),
        ("something white at the left base, no ptx", "opacity:present pneumothorax:absent"),
        ("left side is all white, heart ok", "opacity:present"),
        ("hazy at both bases, no effusion", "opacity:present effusion:absent"),
        ("no effusion but there is air on the left", "pneumothorax:present effusion:absent"),
        ("heart ok, something is broken at the back", "fracture:present"),
        ("lump near the top, no effusion", "nodule:present effusion:absent"),
        ("spots all over, big heart", "nodule:present opacity:present cardiomegaly:present"),
        ("no effusion, query chest infection", "consolidation:uncertain effusion:absent"),
        ("no water anywhere, no ptx", "effusion:absent edema:absent pneumothorax:absent"),
        # one takes back what another says, and what else is said is offered along
        ("was told lungs are wet, xray says otherwise", "edema:present edema:absent"),
        ("GP reported a nodule but the film does not agree", "nodule:present nodule:absent"),
        ("they called edema, second opinion no", "edema:absent edema:present"),
        ("earlier report mentioned a fracture; I can't see it", "fracture:present fracture:absent"),
        ("she thinks it's a nodule, the other reader doesn't", "nodule:present nodule:absent"),
        ("lung collapse", "atelectasis:present pneumothorax:present"),
        ("right angle a bit hazy, otherwise no effusion", "effusion:present effusion:absent"),
        ("any white patch left top? no broken ribs", "opacity:uncertain fracture:absent"),
        ("line check, no nodule, bases hazy", "opacity:present nodule:absent"),
        (
            "told my heart is enlarged but the film is clear",
            "cardiomegaly:present cardiomegaly:absent normal:present normal:absent",
        ),
    ],
)
def test_wording_that_means_several_things_is_asked(text: str, suggestion: str) -> None:
    prompt = read_prompt(text)
    assert not prompt.sure
    assert {f"{one.finding}:{one.polarity}" for one in prompt.suggestion or ()} == set(suggestion.split())


@pytest.mark.parametrize(
    "text",
    [
        "no pneumothorax",
        "heart failure with bilateral effusions",
        "no pleural fluid",
        "blunted costophrenic angle with a small effusion",
        "a collapsed lung, that is a pneumothorax",
        "3 cm nodule",
        "emphysema without acute disease",
        "edema, nodule and fracture absent",
        "edema, nodule are absent",
        "he said clear, he said no nodule",
        "water around the lung",
        "sharp costophrenic angles",
        "pericardial fluid, no pneumothorax",
        "air round the lung",
        "a collapsed vertebra, no effusion",
        "heart shadow normal, no effusion",
        "broken sternal wires, no effusion",
        "white film, a nodule",
        "base hazy from a large effusion",
        "half the chest is whited out by consolidation",
        "shadow on the lung, which is the opacity",
        "breast shadows, no effusion",
        "room air, no effusion",
        "lytic lesion of a rib, no effusion",
        "water bottle heart",
    ],
)
def test_wording_that_means_one_thing_is_not_asked(text: str) -> None:
    assert read_prompt(text).sure


@pytest.mark.parametrize(
    "text", ["kein Pneumothorax", "sin derrame pleural", "pas de pneumothorax", "胸水なし", "без выпота"]
)
def test_another_language_is_not_read(text: str) -> None:
    prompt = read_prompt(text)
    assert not prompt.english
    assert prompt.mentions == ()


def test_pneumonia_denies_nothing_else() -> None:
    assert read_mentions("no pneumonia") == ()


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("no large effusion", "large"),
        ("a displaced fracture is not seen", "displaced"),
        ("no new pulmonary nodule", "new"),
        ("no non-calcified nodule", "non calcified"),
        ("no suspicious masses or nodules", "suspicious"),
        ("no tension pneumothorax", "tension"),
        ("no effusion", ""),
        ("a large effusion", ""),
        ("possible new effusion", ""),
    ],
)
def test_what_a_denial_is_bound_to_is_told(text: str, bound: str) -> None:
    assert [mention.bound for mention in read_mentions(text)] == [bound]


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("small left effusion, none on the right", {"effusion:present:left", "effusion:absent:right"}),
        (
            "pneumothorax on the right but not on the left",
            {"pneumothorax:present:right", "pneumothorax:absent:left"},
        ),
        ("no nodule on the left but one on the right", {"nodule:absent:left", "nodule:present:right"}),
        ("opacity R, not L", {"opacity:present:right", "opacity:absent:left"}),
        ("no left-sided pneumothorax", {"pneumothorax:absent:left"}),
        ("right upper lobe consolidation", {"consolidation:present:right"}),
        ("atelectasis at the left base", {"atelectasis:present:left"}),
        ("no effusion on the left and none on the right", {"effusion:absent:None"}),
        ("left and right effusions", {"effusion:present:None"}),
        ("nodule left, right side clear", {"nodule:present:left", "nodule:absent:right"}),
        ("nodule at the right base but the left is fine", {"nodule:present:right", "nodule:absent:left"}),
        ("nodule left, right lung clear", {"nodule:present:left"}),
        ("bilateral effusions", {"effusion:present:None"}),
        ("cardiomegaly, left atrium large", {"cardiomegaly:present:None"}),
        ("all right, no effusion", {"effusion:absent:None"}),
        ("left apical pneumothorax, right effusion", {"pneumothorax:present:left", "effusion:present:right"}),
        ("perhaps atelectasis, small right hemithorax", {"atelectasis:uncertain:None"}),
        ("an effusion on the left with small right lung", {"effusion:present:left"}),
        (
            "left nodule otherwise healthy lungs",
            {
                "nodule:present:left",
                "opacity:absent:None",
                "consolidation:absent:None",
            },
        ),
        ("no opacity in the right base or in the left lung", {"opacity:absent:None"}),
        ("R nodule, L nil", {"nodule:present:right", "nodule:absent:left"}),
        ("left nodule has gone, right persists", {"nodule:absent:left", "nodule:present:right"}),
        ("no left nodule but right one present", {"nodule:absent:left", "nodule:present:right"}),
        ("nodule: left yes, right no", {"nodule:present:None", "nodule:absent:right"}),
    ],
)
def test_sides_are_read(text: str, mentions: set[str]) -> None:
    found = read_prompt(text).mentions
    assert {f"{each.finding}:{each.polarity}:{each.side}" for each in found} == mentions


def test_a_size_is_told_from_a_finding() -> None:
    assert [each.sized for each in read_prompt("large effusion, nodule").mentions] == [True, False]


@pytest.mark.parametrize("text", ["PE?", "CHF", "no acute process"])
def test_what_has_to_be_asked_has_no_opposite(text: str) -> None:
    assert read_prompt(text).opposite is None


def test_fluid_on_one_side_is_an_effusion() -> None:
    assert said("without cardiomegaly but with fluid on the right") == {
        "cardiomegaly:absent",
        "effusion:present",
    }
