"""Where each protocol was published, what exactly is computed here, and which figures may stand beside ours.

A published figure is here only where the sentence or table that holds it was read, and is quoted.  They were
measured on other films and by other models: they say what the field reports, not what ours must reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Published:
    """Figures as their authors print them."""

    figures: str
    quote: str  # the sentence or row, word for word
    where: str


@dataclass(frozen=True)
class Source:
    """A protocol's origin; `ours` is what is computed here, in whole sentences."""

    title: str
    paper: str
    ours: str
    published: tuple[Published, ...] = ()  # none: not available to us


_NEGBENCH: Final = "NegBench, arXiv 2501.09425"
_BI_MCQ: Final = "Bi-MCQ, arXiv 2601.22696"
_CONTRA: Final = "CXR-ContraBench, arXiv 2605.05810"
_ALIGN: Final = "CXR-Align, arXiv 2505.22079"

_CHEXPERT: Final = Published(
    "BioMedCLIP −15.8 %, CONCH −33.2 % from control to negation, CheXpert",
    "Figure 4c presents the results for the CheXpert MCQ-Neg task, where BioMedCLIP and CONCH exhibit "
    "substantial performance drops of 15.8% and 33.2%, respectively, when negation is introduced.",
    "section 4 of the paper",
)

SOURCES: Final[Mapping[str, Source]] = {
    "affirmation-control": Source(
        "Affirmation control",
        f"{_NEGBENCH}, section 3.2, task 1",
        "For each finding A that a film shows, “This image shows A.” against “This image shows B.”; B is a "
        "finding that the film is known to lack. The paper asks about lung opacity alone.",
        (_CHEXPERT,),
    ),
    "negation-understanding": Source(
        "Negation understanding",
        f"{_NEGBENCH}, section 3.2, task 2",
        "“This image shows A.” against “This image does not show A.”, for each finding that a film shows "
        "and for one that it lacks; the latter apart for normal films and for films with another finding.",
        (_CHEXPERT,),
    ),
    "mcq-neg": Source(
        "MCQ-Neg",
        f"{_NEGBENCH}, section 3.1",
        "Four descriptions, one right: affirmed (“shows A”), negated (“does not show B”) or hybrid (“shows "
        "A but not B”), against the three that say the contrary (“shows B”, “does not show A”, “shows B but"
        " not A”). The paper names these templates; which three wrong ones stand together is our choice, "
        "and ours are not rephrased by a language model. Only films that show a finding are asked.",
        (
            Published(
                "CLIP 39.2, NegCLIP 28.6, CLIP tuned on CC12M-NegFull 54.4 % (photographs, COCO)",
                "CLIP and NegCLIP achieve MCQ accuracies of 54.4% and 56.2%, respectively, corresponding to"
                " relative gains of +15.2 and +27.6 over their initial baselines.",
                "section 5.2 and table 1 of the paper",
            ),
        ),
    ),
    "retrieval-neg": Source(
        "Retrieval-Neg",
        f"in the style of {_NEGBENCH}, section 3.1",
        "“This image shows A but not B.” for every two findings with five films that match and five that do"
        " not. The paper adds a negated statement to one image's caption and looks for that image; here "
        "every film that matches is right, and R@K is the share of queries with one among the first K.",
        (
            Published(
                "R-Neg@5: CLIP 48.0, after CC12M-NegCap 57.8 % (photographs, COCO)",
                "On COCO, fine-tuning CLIP with CC12M-NegCap improves R-Neg@5 from 48.0% to 57.8%, while "
                "MCQ accuracy rises from 39.2% to 47.3%",
                "section 5.2 of the paper",
            ),
        ),
    ),
    "bi-mcq": Source(
        "Positive and negative prompts",
        f"{_BI_MCQ}, table 1; its measures from the authors' code (Castella99/Bi-MCQ, inference/utils.py)",
        "AUC of “There is A” for films that show A, of “There is no A” for films that lack it, and of the "
        "softmax over both (PNC). The authors count a film without a label as lacking the finding; here it "
        "must be known to.",
        (
            Published(
                "Open-I: CARZero 0.861 / 0.393 / 0.842, with Bi-MCQ 0.858 / 0.859 / 0.859 (POS / NEG / PNC)",
                "CARZero | Zero-shot | 0.811 | 0.429 | 0.773 | 0.861 | 0.393 | 0.842",
                "table 1 in the authors' README: ChestXray14, then Open-I",
            ),
            Published(
                "Open-I: MedKLIP 0.738 / 0.313 / 0.593, KAD 0.835 / 0.180 / 0.602 (POS / NEG / PNC)",
                "MedKLIP | Zero-shot | 0.687 | 0.340 | 0.562 | 0.738 | 0.313 | 0.593",
                "the same table",
            ),
            Published(
                "the gap shrinks by 0.12 on the mean",
                "Bi-MCQ reduces the affirmative–negative AUC gap by an average of 0.12 compared to "
                "InfoNCE-based fine-tuning",
                "abstract",
            ),
        ),
    ),
    "presence-audit": Source(
        "Presence audit",
        f"in the style of {_CONTRA}: its public specification (docs/BENCHMARK.md of its code)",
        "“A”, “B” and “No A” where the film shows A and lacks B; beside accuracy, how often the denial of "
        "what is there is chosen. A dual encoder takes no question, so the name nearest to the film is its "
        "answer; how the authors pick B and their Open-I records is not in what could be read.",
        (
            Published(
                "MedGemma 31.49 %, Qwen2.5-VL 30.21 % (CheXpert, generative models)",
                "On a strict direct presence probe, MedGemma and Qwen2.5-VL reach only 31.49% and 30.21% "
                "accuracy, respectively",
                "abstract",
            ),
        ),
    ),
    "absence-audit": Source(
        "Absence audit",
        f"in the style of {_CONTRA}: its public specification (docs/DATASETS.md of its code)",
        "“No A”, “A” and “B” where the film lacks A and B; apart for normal films and for films with "
        "another finding. The authors' documents disagree on what is right where “Which finding is absent?”"
        " is asked; a dual encoder is asked nothing, so right is what is true of the film.",
    ),
    "reports-turned": Source(
        "Report sentences turned round",
        f"in the style of {_ALIGN}",
        "A sentence that speaks of one finding alone against its opposite; and the report that holds an "
        "affirmed one against the same with that sentence turned round, and without it. The reader makes "
        "the opposite; towers read the first 128 tokens or as many as they take; of many films, 250 are "
        "asked.",
    ),
    "report-retrieval": Source(
        "Report ↔ film",
        "recall at K, as image–text models are commonly measured",
        "A film's report among those of all films, and its film among all films, 250 at most; reports of the "
        "same words are one.",
    ),
    "normal": Source(
        "Is it the “no”, or is it “normal”?",
        "ours",
        "Of the first ten films for a denial, how many are right and how many are normal; the same among "
        "films that all show another finding, half of them with what is denied; and for one finding without"
        " another, where a normal film is a miss. Chance for normal films: picks among films that are "
        "right, and among all films for combinations.",
    ),
    "least-abnormal": Source(
        "Or is it “least abnormal”?",
        "ours",
        "Two simulated chests that differ in one finding only, and a denial: how often the chest without "
        "that finding is nearer. It should be always where that finding is denied, and as often as not "
        "where it is another.",
    ),
}
