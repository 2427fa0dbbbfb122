"""What the Lesson tab says.  A reveal is put together from what was measured: no outcome is assumed."""

from __future__ import annotations

from typing import Final

from negviz.explain.lesson import Count, Step
from negviz.films.collection import PHANTOMS
from negviz.findings import BY_NAME
from negviz.models.training_free import TWO_BOXES
from negviz.page import words
from negviz.page.saliency.words import CAPTION, signed
from negviz.retrieval.answer_types import CLEARLY

HEADING: Final = "Lesson: what does “no” do?"
WAITING: Final = "Measuring the lesson on these films…"
NOTHING: Final = (
    "This collection has no finding with some films that show it and some that do not, so there is nothing "
    "to vote on."
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
    "other words": "Say it in other words",
    "taken away": "Take the “no” away",
    "tuned": "Tuned on opposites",
    "where": "Where on the film?",
    "any no": "A “no” that asks for something else",
    "prevalence": "What ignoring it would score",
    "ours": "Our model, and where it fails",
    "instead": "What to do instead",
}
_CANDIDATES: Final = {"where": "chests", "prevalence": "sets of films", "ours": "sentences"}  # else wordings
_SO: Final = {  # what a step is about, of its subject
    "no": "{} passes over the “no”",
    "other words": "{} gets it right all the same",
    "taken away": "{} keeps most of its films",
    "tuned": "{} heeds the “no”, with normal chests",
    "where": "the place speaks for it in {} and against it once tuned",
    "any no": "{} answers the “no” with normal chests",
    "prevalence": "most films that state it match",
    "ours": "{} is right no oftener than chance",
}
ADVICE: Final = (
    "Do not search with “no”.",
    "Ask for what you want to see; filter by label.",
    "Else use two boxes: show … but not …",
    "Check ten films by eye, against chance.",
)


def lead(films: str) -> str:
    return (
        f"Vote first, look after. The films are {films}, whatever Explore searches; the counts are measured "
        "on them. Your votes stay in this browser; if you came by a presenter’s code, they are counted "
        "there, without a name, and forgotten after the lesson."
    )


def last(step: Step) -> str:
    """What nobody may conclude."""
    drawn = step.answer is not None and step.answer.films.collection.name == PHANTOMS
    of_what = "Small models, drawn films, one finding tuned" if drawn else "These models, these films"
    return f"{of_what}: the effect is shown here, its size in your system is not."


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
        case "other words":
            return f"We ask {who} for {said} instead. How many of {step.shown} films will show {what}?"
        case "taken away":
            return f"From {said} to “{step.sentences[1]}”: how many of {who}'s {step.shown} films will stay?"
        case "tuned":
            return f"{said} again, now {who}. How many of {step.shown} films will show {what}?"
        case "where":
            return (
                f"The same chest without {what} and with it. In {who}, does the place of the finding speak "
                f"for {said}, or against it?"
            )
        case "any no":
            return f"{said} asks for no normal chests. How many of {who}'s {step.shown} films will be wrong?"
        case "prevalence":
            return f"{said}, over {_searched(step)}: of ten films picked at random, how many will match?"
        case "ours":
            return f"We ask {who} for {said}. How many of its {step.shown} films will match?"
    if step.subject != TWO_BOXES:
        return f"We ask {who} for what is to be seen: {said}. How many of its {step.shown} films will match?"
    boxes, base = words.two_boxes(*step.sentences), model(step.counts[0].model)
    return f"{boxes}: of {base}'s {step.shown} films, how many will match?"


def _searched(step: Step) -> str:
    films = step.answer.films if step.answer else None
    return words.set_choice(films.collection.name, films.part, len(films)) if films else ""


def options(step: Step) -> tuple[str, str, str]:
    if step.about == "where":
        return "against it", "neither", "for it"
    low, high = step.edges
    return f"0 to {low}", f"{low + 1} to {high}", f"{high + 1} to {step.shown}"


def measured(step: Step) -> str:
    """What the counts count."""
    match step.about:
        case "no" | "other words" | "tuned":
            return f"Films that show {BY_NAME[step.finding].phrase}"
        case "taken away":
            return "Films that stay"
        case "where":
            return "Of all that moved the score, what the place of the finding did: + for, − against"
        case "any no":
            return "Films that are wrong"
        case "prevalence":
            return "Films that match, of ten that are judged"
    return "Films that match"


def count(step: Step, count: Count) -> str:
    if step.about == "where":
        return signed(count.value)
    return f"{count.value:.1f} of {step.shown}".replace(".0 of", " of")


def reveal(step: Step) -> str:
    """What was measured, in a sentence or two."""
    base, subject = step.counts[0], Count(step.subject, step.of(step.subject))
    match step.about:
        case "no":
            return f"{_shows(step, subject)}{_by_chance(step)} {_heeds(step, subject)}"
        case "other words":
            return f"{_shows(step, subject)}{_by_chance(step)} {_turns(step, subject)}"
        case "taken away":
            said = f"{count(step, base)} stay{_by_chance(step, '; ')}"
            return f"{said} {_STAYS[step.beyond_chance(base.value)]}{_finding_stays(step)}"
        case "tuned":
            said = f"{_shows(step, subject)}{_by_chance(step)} {model(base.model)} shows {_of(base)}."
            return f"{said} {_fewer(step, base, subject)}{_normal(step)}"
        case "where":
            return f"{_PLACE[step.right].format(model(base.model), count(step, base))} {CAPTION}"
        case "any no":
            said = (
                f"{count(step, subject)} are wrong in {model(subject.model)}, "
                f"{_of(base)} in {model(base.model)}."
            )
            return f"{said}{_by_chance(step)} {_WRONG[step.beyond_chance(subject.value)]}{_normal(step)}"
        case "prevalence":
            chance = count(step, Count("", step.chance or 0.0))
            said = f"{chance} match at random; {model(base.model)} has {_of(base)}."
            return f"{said} {_IGNORING[step.found]}"
        case "ours":
            earlier, right = step.before or ("", 0)
            said = f"{count(step, subject)} match; for “{earlier}”, {right:g} did.{_by_chance(step)}"
            return f"{said} {_OURS[step.beyond_chance(subject.value)]}"
    said = f"{count(step, subject)} match.{_by_chance(step)}"
    return f"{said} {_INSTEAD[step.beyond_chance(subject.value)]}{_normal(step)}"


def details(step: Step) -> str:
    """What else was measured, for whoever asks: not projected."""
    others = [
        f"{model(each.model)} {count(step, each)}" for each in step.counts if each.model != step.subject
    ]
    told = f"The others: {', '.join(others)}." if others and step.about in ("taken away", "where") else ""
    return " ".join(filter(None, [_among(step), told]))


_NOTHING: Final = "That is no farther from chance than luck may bring: nothing follows from it."
# By where a count lies to what chance would give.
_STAYS: Final = {
    -1: "So without the “no” nearly all is changed.",
    0: "So no more stays than two unrelated lists share.",
    1: "So the “no” hardly changes which films come first.",
}
_WRONG: Final = {-1: "So it goes by what is asked for.", 0: _NOTHING, 1: "So it goes by the “no”."}
_OURS: Final = {
    -1: "So it fails here: it finds the contrary.",
    0: "So it is no better here than picking at random.",
    1: "So it reads this one.",
}
_INSTEAD: Final = {-1: "So this does not help here.", 0: _NOTHING, 1: "So this finds them without a “no”."}
_IGNORING: Final = {
    True: "So a model that ignores the sentence looks right: compare with chance, not with ten.",
    False: "So here a model that ignores the sentence is found out.",
}
_PLACE: Final = (
    "In {} it speaks against it ({}): here the “no” turned the map round.",
    "In {} it does next to nothing ({}).",
    "In {} it speaks for it ({}): here one sees the “no” being passed over.",
)


def _of(count: Count) -> str:
    return f"{count.value:.1f}".removesuffix(".0")


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
        0: _NOTHING,
        -1: "So it heeds the “no” for these films.",
    }[step.beyond_chance(count.value)]


def _turns(step: Step, count: Count) -> str:
    """Against an earlier sentence that says the same."""
    value = step.before[1] if step.before else count.value
    if abs(value - count.value) >= CLEARLY * step.shown / 10:
        return f"Before, it showed {value:g}. So one sentence proves nothing."
    return f"Before, it showed {value:g}: no clear difference."


def _finding_stays(step: Step) -> str:
    """Other films may still show the same thing."""
    if step.showing is None:
        return ""
    with_no, without = step.showing
    yet = "Yet the finding stays" if step.right < 2 and 2 * with_no >= step.shown else "As for the finding"
    return f" {yet}: {with_no} of {step.shown} films show it with the “no”, {without} without."


def _among(step: Step) -> str:
    """What its candidates give, so that nobody takes one for all."""
    if step.among < 2:
        return ""
    what = _CANDIDATES.get(step.about, "wordings")
    so = _SO[step.about].format(model(step.subject))
    which = (
        f"This is the first of {step.among} {what} on which {so}"
        if step.found
        else f"Among {step.among} {what} there is none on which {so}; this is the middle one"
    )
    if step.mean is None:
        return f"{which}."
    return f"{which}. Over all of them {model(step.subject)} has {step.mean:.1f} of {step.shown} on the mean."


def _fewer(step: Step, base: Count, tuned: Count) -> str:
    if abs(tuned.value - base.value) < CLEARLY * step.shown / 10:
        return "So tuning made no clear difference."
    if tuned.value > base.value:
        return "So it got worse."
    return "So it heeds the “no”." if step.beyond_chance(tuned.value) < 0 else "So it heeds it more."


def _normal(step: Step) -> str:
    """A model that answers any "no" with normal chests is right without having read what is denied."""
    if step.normal is None:
        return ""
    films, by_chance = step.normal
    if 10 * (films - by_chance) / step.shown < CLEARLY:
        return ""
    chance = f"{by_chance:.1f}".removesuffix(".0")
    link = "" if step.about == "any no" else "But "
    return f" {link}{films} of its {step.shown} films are normal chests, by chance {chance}."
