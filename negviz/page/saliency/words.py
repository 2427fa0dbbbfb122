"""What the film panel, and the viewer of its maps, say."""

from __future__ import annotations

from typing import Final

HEADING: Final = "Where on the film"
CAPTION: Final = "What moved the score, not where disease is."
LEAD: Final = (
    "Each model's map of one film, for your sentence and for its opposite: select a film to change it."
)
KEY_TOWARDS: Final = "speaks for the sentence"
KEY_AWAY: Final = "speaks against it"
KEY_LEVELS: Final = "thick: at least half of the strongest place of the two maps, thin: a quarter"
KEY_UNSIGNED: Final = "the bluer, the more a place counted; these maps do not say for or against"
REGION: Final = "Outline where the finding is"
REGION_KEY: Final = "white dots: where the simulator put it"
ASKING: Final = "Drawing the maps …"
FAILED: Final = "The maps cannot be had at the moment."
NO_FILM: Final = "There is no such film here."
NOTHING_ASKED: Final = "Ask for films, then look where your sentence finds what it says."
BAD_REQUEST: Final = "Send JSON with the question as “asked” and a film's “id”."
NOT_AT_HAND: Final = "The film is not at hand; start with --films DIR."
MEASURED: Final = "How this is measured, and shares of the film"
HOW: Final = (
    "Gradient × activation on the grid of the network, sign kept (HiResCAM), with the length of the film's "
    "vector held constant. It is drawn as coarse as it is. Left over is what a map does not account for: on "
    "this grid the network goes on working behind the map, so it is not small. For vision transformers: "
    "LeGrad, which is unsigned."
)
TABLE: Final = "Shares of the film, by thirds"
ROWS: Final = ("upper", "middle", "lower")
COLUMNS: Final = ("left", "centre", "right")
PLACE: Final = "third"
LEFT_OVER: Final = "left over"
SHARES_MEAN: Final = (
    "Of all that the places did, signs aside, the share of each third; below 0 a third speaks against the "
    "sentence. Left and right are those of the picture."
)
SCROLLS: Final = "Shares by thirds, scrolls sideways"
UNSCORED: Final = "Whether maps of this model and finding lie where the finding does has not been scored."
NO_FINDING: Final = "No finding was recognised in your sentence, so how well such maps hit is not known."


def signed(value: float) -> str:
    """A share in percent with a sign; what rounds to 0 has none."""
    percent = round(100 * value)
    return f"{percent:+d} %".replace("-", "−") if percent else "0 %"


def number(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def in_ten(share: float) -> str:
    return f"{round(10 * share)}"


def hits(finding: str, share: float, by_chance: float, chests: int) -> str:
    """What the score says, of chests that were not chosen by it."""
    return (
        f"This model hits it in {in_ten(share)} of 10 chests (by chance {in_ten(by_chance)}): its strongest "
        f"place touches the {finding}, on {chests} simulated chests."
    )


def refused(finding: str, share: float, by_chance: float, chests: int) -> str:
    return (
        f"No map is offered: on {chests} simulated chests with {finding}, its maps were not clear of "
        f"chance (strongest place on it in {in_ten(share)} of 10, by chance {in_ten(by_chance)})."
    )


def label(model: str, sentence: str, thirds: str) -> str:
    """A map for those who do not see it."""
    return f"{model}, map of “{sentence}”: {thirds}"


def strongest(row: int, column: int, share: float) -> str:
    way = "for" if share >= 0 else "against"
    return f"the {ROWS[row]} {COLUMNS[column]} of the picture speaks {way} it most ({signed(share)})"


def turned(model: str, affirms: str, denies: str, *, against: bool) -> str:
    """What the "no" did to a model's map, in a sentence."""
    if against:
        return f"{model}: the place that speaks most for “{affirms}” speaks against “{denies}”."
    return f"{model}: the place that speaks most for “{affirms}” speaks for “{denies}” too."


ON_SCRIPT: Final = {"asking": ASKING, "failed": FAILED}
