"""What the Lesson tab says.  A reveal is put together from what was measured: no outcome is assumed."""

from __future__ import annotations

from typing import Final

from negviz.explain.lesson import CLEARLY, Count, Step
from negviz.findings import BY_NAME
from negviz.page import words
from negviz.page.saliency.words import CAPTION, signed

HEADING: Final = "Lesson: what does “no” do?"
WAITING: Final = "Measuring the lesson on these films…"
NOTHING: Final = (
    "This collection has no finding with some films that show it and some that do not, so there is nothing "
    "to "
    "vote on."
)
PRESENT: Final = "Present full screen"
KEYS: Final = "Page Down or → next · Page Up or ← back · 1 2 3 vote · Space reveal · Esc leave"
REVEAL: Final = "Reveal"
BACK: Final = "Back"
NEXT: Final = "Next"
LEAVE: Final = "Leave"
OPEN: Final = "Open this comparison"
QR: Final = "QR code"
QR_LABEL: Final = "QR code: this comparison on your own screen"
LOCAL_ONLY: Final = "This address leads to this computer only; open the page by a name that others can reach."
VOTED: Final = "Your vote"
RIGHT: Final = "True here"
ROOM: Final = {  # what is said of votes beside the number of a step; {votes} is theirs
    "hands": " · vote by show of hands",  # no phone can reach this page
    "phones": " · votes by phone: {votes}",
    "counted": " · your vote is counted; in the room: {votes}",
    "joined": " · you vote in the room",
    "lost": " · your vote could not be counted; the lesson may be over",
}
NO_ROOM: Final = "There is no room for more votes; vote by show of hands."
NO_SUCH_ROOM: Final = "There is no such lesson, or it is over."
NO_VOTE: Final = "This is no vote of the lesson."
FILMS_OF: Final = "The films of {model}"

_HEADINGS: Final = {
    "no": "Ask for no {name}",
    "taken away": "Take the “no” away",
    "tuned": "Tuned on opposites",
    "where": "Where on the film?",
    "cost": "What did that cost?",
    "words": "Which word counted?",
    "elsewhere": "Does it hold for another finding?",
}


def lead(films: str) -> str:
    return (
        f"Vote first, look after. The films are {films}, whatever Explore searches; the counts are measured "
        "on them. Your votes stay in this browser; if you came by a presenter’s code, they are counted "
        "there, without a name, and forgotten after the lesson."
    )


def model(key: str) -> str:
    return words.column_title(key)[0]


def number(place: int, steps: int) -> str:
    return f"{place} of {steps}"


def heading(step: Step) -> str:
    return _HEADINGS[step.about].format(name=BY_NAME[step.finding].said[1])


def question(step: Step) -> str:
    said, who, what = f"“{step.sentences[0]}”", model(step.subject), BY_NAME[step.finding].phrase
    match step.about:
        case "no":
            return f"We ask {who} for {said}. How many of its {step.shown} films will show {what}?"
        case "taken away":
            return f"We ask for “{step.sentences[1]}” instead. How many of {who}'s {step.shown} films stay?"
        case "tuned":
            return f"{said} again, now {who}. How many of its {step.shown} films will show {what}?"
        case "where":
            return (
                f"The same chest without {what} and with it. In {who}, does the place of the finding speak "
                f"for {said}, or against it?"
            )
        case "cost":
            return (
                f"Now we want {what}: {len(step.sentences)} plain sentences such as {said}. "
                f"Is {who} right more often than {model(step.counts[0].model)}, or less?"
            )
        case "words":
            return f"Of all that the words of {said} do in {who}, how much does the “no” do?"
    return f"{said}: no tuning was about {what}. How many of {who}'s {step.shown} films will match?"


def options(step: Step) -> tuple[str, str, str]:
    if step.about == "cost":
        return "less often", "about as often", "more often"
    if step.about == "where":
        return "against it", "neither", "for it"
    if step.about == "words":
        return "less than a tenth", "a tenth to a third", "more than a third"
    low, high = step.edges
    return f"0 to {low}", f"{low + 1} to {high}", f"{high + 1} to {step.shown}"


def measured(step: Step) -> str:
    """What the counts count."""
    match step.about:
        case "no" | "tuned":
            return f"Films that show {BY_NAME[step.finding].phrase}"
        case "taken away":
            return "Films that stay"
        case "where":
            return "Of all that moved the score, what the place of the finding did: + for, − against"
        case "words":
            return "Share of the “no” in what the words do"
        case "cost":
            return f"Films that match, on the mean over {len(step.sentences)} sentences"
    return "Films that match"


def count(step: Step, count: Count) -> str:
    if step.about == "where":
        return signed(count.value)
    if step.about == "words":
        return f"{count.value:.0%}".replace("%", " %")
    return f"{count.value:.1f} of {step.shown}".replace(".0 of", " of")


def reveal(step: Step) -> str:
    """What was measured, in a sentence or two."""
    base, tuned = step.counts[0], Count(step.subject, step.of(step.subject))
    match step.about:
        case "no":
            return f"{_shows(step, tuned)}{_by_chance(step)} {_heeds(step, tuned)}"
        case "taken away":
            said = f"{count(step, base)} stay{_by_chance(step, '; ')}"
            return f"{said} {_STAYS[step.beyond_chance(base.value)]}{_finding_stays(step)}"
        case "tuned":
            said = f"{_shows(step, tuned)}{_by_chance(step)} {model(base.model)} shows {_of(base)}."
            return f"{said} {_fewer(step, base, tuned)}{_normal(step, tuned)}"
        case "cost":
            return (
                f"{model(tuned.model)} is right in {count(step, tuned)} films, {model(base.model)} in "
                f"{count(step, base)}{_by_chance(step, '; ')} {_COST[step.right]}"
            )
        case "where":
            said = _PLACE[step.right].format(model(base.model), count(step, base))
            return f"{said} {CAPTION}"
        case "words":
            return f"The “no” does {count(step, base)} of it. {_shares(step)}"
    return (
        f"{count(step, tuned)} match in {model(tuned.model)}, {_of(base)} in {model(base.model)}."
        f"{_by_chance(step)} {_holds(step, base, tuned)}"
    )


def details(step: Step) -> str:
    """What else was measured, for whoever asks: not projected."""
    match step.about:
        case "no" | "tuned":
            return _over_all(step)
        case "taken away" | "where" | "words":
            return _others(step)
    return ""


_STAYS: Final = {  # by where the count lies to what two lists drawn at random would share
    -1: "So without the “no” nearly all is changed.",
    0: "So no more stays than where two lists have nothing to do with one another.",
    1: "So the “no” hardly changes which films come first.",
}
_PLACE: Final = (
    "In {} it speaks against it ({}): here the “no” turned the map round.",
    "In {} it does next to nothing ({}).",
    "In {} it speaks for it ({}): here one sees the “no” being passed over.",
)
_COST: Final = (
    "So tuning cost something: it now says “no” too readily.",
    "So there is no cost to be seen in these films.",
    "So nothing was lost here.",
)


def _of(count: Count) -> str:
    return f"{count.value:g}"


def _shows(step: Step, count: Count) -> str:
    what = BY_NAME[step.finding].phrase
    return f"{model(count.model)} shows {_of(count)} of {step.shown} films with {what}."


def _by_chance(step: Step, before: str = " ") -> str:
    if step.chance is None:
        return "" if before == " " else "."
    said = f"{step.chance:.1f}".removesuffix(".0")
    return f"{before}{'R' if before == ' ' else 'r'}andom picks would give {said}."


def _heeds(step: Step, count: Count) -> str:
    """Against chance, with films to spare on either side."""
    if step.chance is None:
        return ""
    return {
        1: "So it goes by the finding it reads and passes over the “no”.",
        0: "That is no farther from chance than luck may bring: nothing follows from it.",
        -1: "So it heeds the “no” for these films.",
    }[step.beyond_chance(count.value)]


def _finding_stays(step: Step) -> str:
    """Other films may still show the same thing."""
    if step.showing is None:
        return ""
    with_no, without = step.showing
    yet = "Yet the finding stays" if step.right < 2 and 2 * with_no >= step.shown else "As for the finding"
    return f" {yet}: {with_no} of {step.shown} films show it with the “no”, {without} without."


def _over_all(step: Step) -> str:
    """What other wordings give, so that nobody takes one sentence for all."""
    if step.mean is None or len(step.sentences) < 2:
        return ""
    number = len(step.sentences)
    which = (
        f"This is the first of {number} wordings on which Base passes over the “no”"
        if step.found
        else f"On none of {number} wordings does Base pass over the “no”; this is the middle one"
    )
    return f"{which}; over all of them {model(step.subject)} shows {step.mean:.1f} on the mean."


def _fewer(step: Step, base: Count, tuned: Count) -> str:
    if abs(tuned.value - base.value) < CLEARLY * step.shown / 10:
        return "So tuning made no difference that luck could not."
    if tuned.value > base.value:
        return "So it got worse."
    return "So it heeds the “no”." if step.beyond_chance(tuned.value) < 0 else "So it heeds it more."


def _normal(step: Step, tuned: Count) -> str:
    """A model that answers any "no" with normal chests is right without having read what is denied."""
    if step.normal is None:
        return ""
    films, by_chance = step.normal
    if 10 * (films - by_chance) / step.shown < CLEARLY:
        return ""
    chance = f"{by_chance:.1f}".removesuffix(".0")
    return f" But {films} of its {step.shown} films are normal chests, by chance {chance}."


def _others(step: Step) -> str:
    """The other models, for whoever asks."""
    others = [
        f"{model(each.model)} {count(step, each)}" for each in step.counts if each.model != step.subject
    ]
    return f"The others: {', '.join(others)}." if others else ""


def _shares(step: Step) -> str:
    base, tuned = step.counts[0].value, step.counts[-1].value
    if tuned > base:
        return "After tuning the “no” counts for more."
    return "Tuning did not make the “no” count for more: it is what the other words do with it that changed."


def _holds(step: Step, base: Count, tuned: Count) -> str:
    gained = tuned.value - base.value >= CLEARLY * step.shown / 10
    if step.beyond_chance(tuned.value) > 0 and gained:
        return "So what it learnt about “no” reaches further than the finding it was tuned on."
    if gained:
        return "So it gained, though no more than chance would give."
    return "So what it learnt does not show here."
