"""Every word the page says.  Plain words, counts before numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from negviz.explain.loop import SECONDS
from negviz.films.split import TUNED_ON
from negviz.findings import Polarity
from negviz.language.prompt import MAX_CHARACTERS
from negviz.language.sides import Side
from negviz.models.training_free import TWO_BOXES
from negviz.results.averages import Usual
from negviz.retrieval.answer import Tally
from negviz.retrieval.examples import Property
from negviz.retrieval.sets import RANKED

TITLE: Final = "negviz"
NOT_CLINICAL: Final = "Research and teaching only. Not for clinical use."
SENTENCE: Final = "Films you want to see"
SEARCH: Final = "Search"
ASIDE: Final = "More ▾"  # on phones: other wordings, the films to search in, further models, sharing
TRY: Final = "Try"
SHOWS: Final[dict[Property, str]] = {
    "passes over": "base passes over the no",
    "one word more": "one word more, and base gets it",
    "control": "control",
    "cost": "what tuning cost",
    "any no": "tuned models answer any no with normal chests",
    "other words": "a denial in other words",
}
EXAMPLE: Final = "Example"
SEARCH_IN: Final = "Search in"
COLLECTIONS: Final = {"openi": "Open-i", "phantoms": "Simulated"}
_PARTS: Final = {"test": "test films", "balanced": "balanced", "all": "all films"}
NOT_HERE: Final = "not here"
_SEARCHED: Final = {
    "test": "{:,} films left out of tuning",
    "all": "all {:,} films",
}
_LISTED: Final = "{:,} films, as many with {} as without"
EXPLORE: Final = "Explore"
FOLDS: Final = {  # by panel, what unfolds it
    "attribution": "Words",
    "saliency": "Film",
    "map": "Map",
    "diagnosis": "Diagnosis",
    "dial": "Dial",
    "loop": f"In {SECONDS} seconds",
}
WORKED_OUT: Final = "Being worked out for your sentence."
ADD: Final = "Add a model"
OURS: Final = "con4"  # the model of ours that stands beside the columns at one press
ADD_OURS: Final = "Add CON4, ours"
BOXES: Final = "Show films near to one sentence, but not to another"
SHOW_BOX: Final = "Show films near to"
BUT_NOT_BOX: Final = "but not near to"
FILL: Final = "Show the column"
ABOUT_BOXES: Final = (
    "Two sentences instead of a “no”, by base alone: nearness to the first, less {weight:g} of the nearness "
    "to the second, a weight chosen on training studies. An empty box takes the column away."
)
TAKE_AWAY: Final = "Take the “no” away"
PUT_IN: Final = "Put a “no” in"
WORD_OPPOSITE: Final = "Compare with a sentence of your own"
OPPOSITE: Final = "The opposite sentence"
OPPOSITE_HINT: Final = "Word the opposite and press Enter"
NO_OPPOSITE: Final = "We know no opposite of this sentence. Word one, and it is compared with yours."
PLAIN_OPPOSITE: Final = (
    "We cannot turn your wording round; this is the plainest sentence that says the contrary."
)
COMPARE: Final = "Compare"
PIN: Final = "Pin this sentence"
UNPIN: Final = "Unpin"
CLEAR: Final = "Clear this visit"
CLEARED: Final = (
    "Cleared: the box, the answers, the pin and many sentences. The server has forgotten your sentences; "
    "this page can bring the last one back for a minute."
)
BRING_BACK: Final = "Undo: bring it back"
STAYS: Final = "stays"
SHOW_COLUMN: Final = "Show the films of"
PICK: Final = "Select a film to see where each model ranks it."
VIEW: Final = "View"
AT_FIRST: Final = 10  # films of a column
SHOW: Final = "Show {}"
NOT_REACHED: Final = "The page could not be reached; press again."
LIKE: Final = "More like this"
LIKE_FILM: Final = "More films like {id}"
ALIKE: Final = "Films like {id}"
ALIKE_BY: Final = "Nearest by what the image tower of {} sees; no sentence ranks them"
MARKED_BY: Final = "marked by"
BACK: Final = "Back to the answer"
IN_TEN: Final = "The selected film is here at rank {}."
RANK: Final = "rank {}"
BEYOND: Final = f"beyond {RANKED:,}"  # a film of an archive
NOT_SEARCHED: Final = "The selected film is not among the films searched."
IDENTIFIER: Final = (
    "This looks as if it holds {}. Do not send what could name a patient: take it out, or send it anyway."
)
SEND_ANYWAY: Final = "Send anyway"
GO_BACK: Final = "Back to the sentence"
WORDINGS: Final = "Other wordings, by how many of base’s ten films are right"
TELLS_APART: Final = "Tells opposites apart?"
TOLD_APART: Final = {1: "Mostly.", 0: "By chance only.", -1: "The wrong way."}  # above, at, below one half
ABSTAINS: Final = "Do not rely on the order of these films."
ABSTAINING: Final = (
    "An order is not to be relied on where it does not follow how much nearer films are to your sentence "
    "than to its opposite: on training sentences, such an order was right no oftener than chance."
)
YOU_TYPED: Final = "Read as"
NOTHING_RECOGNISED: Final = (
    "No finding was recognised in this sentence, so nothing is marked. "
    "The models searched for it all the same."
)
TELL_US: Final = "Tell us what you meant"
ENGLISH_ONLY: Final = "English only, please. The models searched for it all the same, and nothing is marked."
SOMETHING_ELSE: Final = "No, something else"
ONE_SIDE: Final = "This denies one side alone, and these films do not record sides, so nothing is marked."
FINDING: Final = "Finding"
POLARITY: Final = "It is"
IS: Final = " · "  # between a finding and what it is
MARK: Final = "Mark the films"
CORRECTED: Final = "As you told us. Models still rank by what you typed."
MARKING_ONLY: Final = (
    "Correcting the reading changes the marking and, where films are listed by finding, which are searched."
)
CUT: Final = f"Only the first {MAX_CHARACTERS:,} characters were read."
MATCHES: Final = "matches"
CONTRADICTS: Final = "contradicts"
NOT_STATED: Final = "not stated"
SIMILARITY_OF_FILM: Final = "similarity"
SIMILARITY: Final = "Similarity: compare within a column"
IN_TUNING: Final = "seen in tuning"
CANNOT_BE_HAD: Final = "cannot be had"
OPEN_FILM: Final = "Open film {id} larger in a new tab"
CREDITS: Final = {
    "openi": "Films: Indiana University Chest X-ray Collection, NLM Open-i, CC BY-NC-ND 4.0 "
    "(Demner-Fushman et al., JAMIA 2016)."
}
_ROLES: Final = {
    "base": "before tuning",
    "con1": "tuned on matching pairs",
    "con2": "tuned on opposites",
    "con3": "tuned on opposites of every finding",
    "con4": "tuned to read every finding",
    "spacevlm": "base, no training",
    "steering": "base, no training",
    "arithmetic": "base, no training",
    "composed": "base, no training",
    TWO_BOXES: "base, no training",
}
_TITLES: Final = {
    "base": "Base",
    "spacevlm": "SpaceVLM",
    "steering": "Steering",
    "arithmetic": "Arithmetic",
    "composed": "Composed",
    TWO_BOXES: "Show, but not",
}
_MANY: Final = 3  # findings that are too many for a chip
_TO_SEE_THEM: Final = "start with --films DIR to see them."
_CHEXAGENT: Final = "StanfordAIMI/Xray"  # how the Hub ids of CheXagent's encoders begin


def column_title(model: str) -> tuple[str, str]:
    """The name of a column and what it stands for ("" where a model has no set role)."""
    return _TITLES.get(model, model.upper()), _ROLES.get(model, "")


def offer(model: str) -> str:
    """A model that may be added: "SpaceVLM · base, no training"."""
    return " · ".join(filter(None, column_title(model)))


def two_boxes(show: str, but_not: str) -> str:
    """What the column of two boxes was asked."""
    wanted, unwanted = (text.strip().removesuffix(".") for text in (show, but_not))
    return f"Show “{wanted}”, but not “{unwanted}”"


def _in_a_sentence(model: str) -> str:
    return {"base": "base", TWO_BOXES: "the two boxes"}.get(model, column_title(model)[0])


def base_note(family: str, source: str | None) -> str:
    """Which base the columns share."""
    if source is None:
        return f"The base here is the {family} family, not CheXagent."
    return f"The base here is {source}{'.' if source.startswith(_CHEXAGENT) else ', not CheXagent.'}"


def set_choice(collection: str, part: str, films: int, *, seen: bool = True) -> str:
    known = _PARTS.get("balanced" if collection == "phantoms" and part == "test" else part, f"list of {part}")
    what = known if seen else NOT_HERE
    return f"{COLLECTIONS.get(collection, collection)} · {what} ({films:,})"


def not_seen(collection: str, stays_on: str, *, asked: bool) -> str:
    """Why films are not shown, where they would come from, and what is on show instead."""
    name = COLLECTIONS.get(collection, collection)
    why = "cannot be fetched at the moment" if asked else "are not on this machine"
    return f"The films of {name} {why}; {_TO_SEE_THEM} Still shown: {COLLECTIONS.get(stays_on, stays_on)}."


def searched(part: str, films: Tally, total: int, *, marked: bool) -> str:
    """What was searched and, where films are judged, how they divide."""
    if part in _SEARCHED:
        what = _SEARCHED[part].format(total)
    else:
        what = _LISTED.format(total, TUNED_ON if part == "balanced" else part)
    if not marked:
        return f"Searched {what}."
    return (
        f"Searched {what}: {films.matches:,} match, {films.contradicts:,} contradict, "
        f"{films.not_stated:,} do not say."
    )


def reading(mentions: Sequence[tuple[str, Polarity, Side | None]]) -> str:
    """What was understood, as it stands on the chip: "effusion · absent"."""
    return ", ".join(IS.join(filter(None, mention)) for mention in mentions)


def on_chip(mentions: Sequence[tuple[str, Polarity, Side | None]]) -> str:
    """The same where there is little room: the first, and how many more."""
    if len(mentions) < _MANY:
        return reading(mentions)
    return f"{reading(mentions[:1])} and {len(mentions) - 1} more"


def toggle(polarity: Polarity | None, *, opposite: bool) -> str:
    """What comparing a sentence with its opposite is called."""
    if not opposite:
        return WORD_OPPOSITE
    return PUT_IN if polarity == "present" else TAKE_AWAY


def told_apart(side: int) -> str:
    """What the margins of all films searched tell, in the diagnosis' own question and answer."""
    return f"{TELLS_APART} {TOLD_APART[side]}"


def stays(films: int, shown: int) -> str:
    return f"{films} of {shown} films stay" if films else "No film stays"


def count_short(matches: int, judged: int) -> str:
    return f"{matches}/{judged}"


def left_open(finding: str, cue: str) -> str:
    """A "no" that bears on size, kind or time."""
    said = f"“{cue[:1].upper()}{cue[1:]}”"
    return (
        f"{said} bears on a size, kind or time of {finding} here and leaves any other open, so nothing is "
        "counted."
    )


def uncertain(cue: str | None) -> str:
    said = f"“{cue[:1].upper()}{cue[1:]}”" if cue else "This"
    return f"{said} is neither yes nor no, so nothing is counted."


def did_you_mean(suggested: Sequence[tuple[str, Polarity]], besides: Sequence[tuple[str, Polarity]]) -> str:
    """What a sentence that is not surely read may have meant, beside what it says in any case.

    The buttons below are the answers.
    """
    may_be, said = (
        [f"“{_asked(finding, polarity)}”" for finding, polarity in each] for each in (suggested, besides)
    )
    beside = f", beside {' and '.join(said)}" if said else ""
    return f"Did you mean {' or '.join(may_be)}{beside}? Until you say so, nothing is marked."


def both_ways(findings: Sequence[str], *, sides: bool) -> str:
    what = " and ".join(findings)
    if sides:
        return f"This asks for {what} on one side and rules it out on the other, so nothing is marked."
    return f"This both asks for {what} and rules it out, so nothing is marked."


def left_aside(findings: Sequence[str], *, side: bool, size: bool) -> str:
    """What was read and is not judged."""
    what = " and ".join(name for name, read in (("side", side), ("size", size)) if read)
    verb = "are" if side and size else "is"
    return f"The {what} of the {' and '.join(findings)} {verb} read but not judged."


def asked_for(mentions: Sequence[tuple[str, Polarity, Side | None]]) -> str:
    """What was asked for, what is to be seen first: a "no" may not seem to reach beyond its finding."""
    ordered = sorted(mentions, key=lambda mention: mention[1] != "present")
    return ", ".join(
        _asked(finding, polarity) + (f" on the {side}" if side else "") for finding, polarity, side in ordered
    )


def _asked(finding: str, polarity: Polarity) -> str:
    if finding == "normal":
        return "a normal film" if polarity == "present" else "an abnormal film"
    if polarity == "uncertain":
        return f"{finding}, perhaps"
    return finding if polarity == "present" else f"no {finding}"


def verdict(
    asked: str,
    showing: str | None,
    counts: Sequence[tuple[str, int]],
    shown: int,
    by_chance: float | None = None,
) -> tuple[str, str, str]:
    """The verdict in three parts, the middle one to be set in italics; without `counts` no film is judged."""
    if not counts:
        return "You asked for ", asked, ". None of the films shown says whether it has that."
    what = f"with {showing}" if showing else "that contradict it"
    (first, count), *others = counts
    each = "".join(f", {_in_a_sentence(model)} {count}" for model, count in others)
    chance = "" if by_chance is None else f"; chance: {_plain(by_chance)}"
    return "Asked for ", asked, f", {_in_a_sentence(first)} shows {count} of {shown} {what}{each}{chance}."


def usual(found: Usual, models: Sequence[str]) -> str:
    """One sentence proves little; what others like it find."""
    first, *_ = models
    right = [round(each) for each in found.right[first]]
    means = ", ".join(f"{_in_a_sentence(model)} {_plain(found.mean(model))}" for model in models)
    if right.count(0) or right.count(10):
        spread = f"no right film for {right.count(0)} and ten for {right.count(10)}"
    else:
        spread = f"{min(right)} to {max(right)} right films"
    return (
        f"Of {len(right)} wordings that rule out {found.finding}, {_in_a_sentence(first)} finds {spread}; "
        f"means of 10: {means}."
    )


def wording(found: Usual, place: int, models: Sequence[str]) -> str:
    """One of the wordings, and how many films of ten were right."""
    each = ", ".join(f"{_in_a_sentence(model)} {found.right[model][place]:.0f}" for model in models)
    return f"“{found.sentences[place]}”: right of ten, {each}"


def normal(films: int, by_chance: float) -> str:
    """ "0 normal (chance: 2.5)": what a model that hears only "no" would fill its ten with."""
    return f"{films} normal (chance: {_plain(by_chance)})"


def origin(at_hand: int, films: int, host: str | None = None, *, reached: bool | None = None) -> str:
    """Where films come from; `host` is asked for those not at hand, and `reached` if it answers."""
    if at_hand == films:
        return "Films come from this machine."
    before, others = ("Some films come from this machine. ", "The others") if at_hand else ("", "Films")
    if host is None:
        return f"{before}{others} are not at hand, so only ids and marks are shown; {_TO_SEE_THEM}"
    if reached is None:
        return f"{before}{others} are asked for at {host}."
    if reached:
        return f"{before}{others} come from {host} as they are shown."
    return (
        f"{before}{others} are to be had nowhere at the moment: {host} cannot be reached, so only ids and "
        f"marks are shown; {_TO_SEE_THEM}"
    )


def simulated(openi: bool | None, *, asked: bool) -> str:
    """Why simulated films may be what is seen: whether those of Open-i can be had (None: not known yet)."""
    if openi:
        return "These films are simulated. Those of Open-i can be had: choose them under “Search in”."
    if not asked:
        return f"Simulated films, because Open-i’s are not on this machine; {_TO_SEE_THEM}"
    if openi is None:
        return "Simulated films, while NLM’s Open-i is being looked for."
    return "Simulated films, because NLM’s Open-i cannot be reached from here."


def film_label(film: str, rank: int, said: Sequence[str], similarity: float) -> str:
    """A tile for those who do not see it."""
    return ", ".join([f"Film {film}", RANK.format(rank), *said, f"{SIMILARITY_OF_FILM} {number(similarity)}"])


def number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def precision(matches: int, judged: int, shown: int, random_picks: float | None) -> tuple[str, str]:
    """ "2 of 10 match" and "random picks: 5"."""
    if random_picks is None or not judged:
        return f"none of {shown} says", ""
    of = str(judged) if judged == shown else f"{judged} judged"
    return f"{matches} of {of} match", f"random picks: {_plain(random_picks)}"


def _plain(films: float) -> str:
    return f"{films:.1f}".removesuffix(".0")
