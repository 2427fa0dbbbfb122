"""The findings negviz knows by name, and what is known of each.

One spelling each, used in manifests, prompts, checkpoints and results alike.  `normal` is a statement
about the whole film, not a finding of its own: it denies every other one.

The patterns that find them in a sentence stand in `negviz.language.terms`.  A term says what follows when
its words are affirmed and when they are denied: affirmative equivalents of absence ("sharp costophrenic
angles") need no special case.

Decisions a reader may want to know
- Airspace disease and infiltrates are *opacity*; a denial of airspace disease also denies *consolidation*.
- Clear, normal or healthy lungs deny consolidation and opacity and say nothing of effusion.  One lung, or
  lung bases alone, say too little.
- Blunted costophrenic angles leave effusion *uncertain*; sharp ones, and clear pleural spaces, deny it.
- A heart at the "upper limits of normal", like a "borderline" one, is uncertain; a stable one says nothing.
- Masses, nodular and mass-like opacities are *nodule*; granulomas, and masses of other organs, are not.
- Bones that are intact, fine or ok deny *fracture*; a denial of acute bony abnormalities says nothing of it.
- "No acute disease", of heart and lungs or of the lungs, denies pneumothorax, consolidation and edema, and
  says nothing of what may long have been there; "no disease" is a `normal` film.
- A "no" that bears on size, kind or time ("no large effusion", "no displaced fracture", "no new nodule")
  leaves the finding *uncertain*, unless other words deny it outright ("lungs clear, no acute infiltrate").
  Pneumothorax, consolidation, edema and what fills airspaces are acute by nature: "no acute pneumothorax"
  denies it.  "No focal", "no definite", "no obvious", "no significant" and "no evidence of" deny.
- What is not seen to be so of a finding ("not seen to have grown") leaves it there.  What mimics a finding is
  none.  One side's "clear", "dry" or "normal" beside a finding of the other denies it there.
- Of then and now, and of two dates, the later holds; what there was then, of which nothing is said now, is
  *uncertain*.  So is what somebody once had, or a relative, or what is asked about ("if", "unless", "y/n").
- A cardiothoracic ratio above 0.55, or said to be more than half, is *cardiomegaly*; at most 0.50 denies it;
  between the two, or on a supine or AP film, it is uncertain.
- A pleural line is a pneumothorax only when visceral or without markings beyond it, else uncertain.
- What is measured, sized or said to be in a state is there, though a denial stands before it ("no effusion,
  8 mm nodule"), and so is what follows a list that an "or" has closed ("no effusion or edema, emphysema");
  "no …, suspicious …" is a list.
- Fractured wires, screws and catheters are no *fracture*.
- What has cleared denies what it names and nothing else.
- Hyperinflation, COPD, vascular congestion and pneumonia are not in the vocabulary.
- Lay words: water or fluid *around* or *on* the lung is effusion, *in* the lung is edema; a collapsed
  lung is pneumothorax (a collapsed lobe is atelectasis); a spot on the lung is nodule, a shadow opacity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Polarity = Literal["present", "absent", "uncertain"]


@dataclass(frozen=True)
class Finding:
    """One finding and all that is known of it but the patterns that find it in a sentence.

    Names come with the article that they take, "" where they take none.
    """

    name: str
    said: tuple[str, str] = ("", "")  # the plainest way to say it
    named: tuple[tuple[str, str], ...] = ()  # all ways that composed sentences use, lay words among them
    instead: tuple[str, str] | None = None  # in a sentence that spoke of effusion; None: `said`
    mesh: tuple[str, ...] = ()  # headings of Open-i's reports
    nih: tuple[str, ...] = ()  # labels of ChestX-ray14
    labels: tuple[str, ...] = ()  # what others call it in files of labels, beside its name
    kinds: tuple[str, ...] = ()  # labels that affirm it, and whose denial leaves it open

    @property
    def phrase(self) -> str:
        """ "a pleural effusion": the plainest way to say it, with its article."""
        return " ".join(filter(None, self.said))


_ALL: Final = (
    Finding(
        "effusion",
        said=("a", "pleural effusion"),
        named=(
            ("an", "effusion"),
            ("a", "pleural effusion"),
            ("", "pleural fluid"),
            ("", "fluid around the lung"),
        ),
        mesh=("Pleural Effusion", "Hydropneumothorax", "Hemothorax"),
        nih=("effusion",),
        labels=("pleural effusion",),
        kinds=("loculated pleural effusion", "hydropneumothorax"),
    ),
    Finding(
        "cardiomegaly",
        said=("", "cardiomegaly"),
        named=(
            ("", "cardiomegaly"),
            ("an", "enlarged heart"),
            ("", "cardiac enlargement"),
            ("a", "big heart"),
        ),
        mesh=("Cardiomegaly",),
        nih=("cardiomegaly",),
    ),
    Finding(
        "pneumothorax",
        said=("a", "pneumothorax"),
        named=(("a", "pneumothorax"), ("a", "collapsed lung")),
        mesh=("Pneumothorax", "Hydropneumothorax", "Hemopneumothorax"),
        nih=("pneumothorax",),
    ),
    Finding(
        "consolidation",
        said=("", "consolidation"),
        named=(("", "consolidation"), ("", "lobar consolidation")),
        mesh=("Consolidation",),
        nih=("consolidation",),
    ),
    Finding(
        "opacity",
        said=("a", "lung opacity"),
        named=(("an", "opacity"), ("a", "lung opacity"), ("an", "infiltrate")),
        mesh=("Opacity", "Infiltrate", "Airspace Disease"),
        nih=("infiltration", "pneumonia"),
        labels=("lung opacity", "airspace opacity"),
        kinds=("infiltrates",),
    ),
    Finding(
        "edema",
        said=("", "pulmonary edema"),
        named=(("", "pulmonary edema"), ("", "interstitial edema"), ("", "water in the lungs")),
        mesh=("Pulmonary Edema",),
        nih=("edema",),
        labels=("pulmonary edema",),
    ),
    Finding(
        "atelectasis",
        said=("", "atelectasis"),
        named=(("", "atelectasis"), ("a", "collapsed lobe")),
        mesh=("Pulmonary Atelectasis",),
        nih=("atelectasis",),
        kinds=("laminar atelectasis", "lobar atelectasis", "total atelectasis"),
    ),
    Finding(
        "nodule",
        said=("a", "lung nodule"),
        named=(("a", "lung nodule"), ("a", "pulmonary nodule"), ("a", "mass in the lung")),
        mesh=("Nodule", "Mass"),
        nih=("nodule", "mass"),
        labels=("lung lesion", "nodule/mass"),
        kinds=("multiple nodules", "pulmonary mass"),
    ),
    Finding(
        "emphysema",
        said=("", "emphysema"),
        named=(("", "emphysema"), ("", "bullous emphysema")),
        mesh=("Emphysema", "Pulmonary Emphysema", "Bullous Emphysema"),
        nih=("emphysema",),
    ),
    Finding(
        "fracture",
        said=("a", "fracture"),
        named=(("a", "rib fracture"), ("a", "fracture"), ("a", "broken rib")),
        instead=("a", "rib fracture"),
        mesh=("Fractures, Bone",),
        kinds=("rib fracture", "vertebral fracture", "clavicle fracture"),
    ),
    Finding("normal", nih=("normal",)),
)
BY_NAME: Final = {finding.name: finding for finding in _ALL}
FINDINGS: Final = tuple(BY_NAME)
ABNORMAL: Final = tuple(name for name in FINDINGS if name != "normal")


@dataclass(frozen=True)
class Outcome:
    """What a term says of one finding when affirmed and when denied (`None`: nothing)."""

    finding: str
    affirmed: Polarity | None = "present"
    denied: Polarity | None = "absent"


@dataclass(frozen=True)
class Term:
    """Words that speak of one or more findings."""

    pattern: re.Pattern[str]
    outcomes: tuple[Outcome, ...]
    statement: bool = False  # a clause of its own ("the size is normal"): no earlier "no" reaches into it
    derived: bool = False  # names the finding by implication only: yields to words that name it
    unless_before: re.Pattern[str] | None = None  # says nothing when this occurs earlier in its clause
