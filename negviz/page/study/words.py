"""What the reader study says.  No model is named here, and none may be."""

from __future__ import annotations

from typing import Final

from negviz.study.design import FILMS, IDLE_SECONDS

TAB: Final = "Study"
HEADING: Final = "Reader study"
LEAD: Final = (
    "You are shown a sentence and two sets of films, each found for it by a computer program. "
    "Say which set fits the sentence better, and mark the films that do not fit it."
)
CONSENT_HEADING: Final = "Before you begin"
CONSENT: Final = (
    "Taking part is voluntary. You may stop at any time, without a reason, and delete what you decided.",
    "You are not told which program found which films, and the sides change at random. Please decide by the "
    "films alone, on your own, and do not talk about them with other readers before all are done.",
    "What is kept: which set you preferred, the films you marked, how long you took and paused, and "
    "the background you choose below. What is not kept: your name, your address, your device.",
    "You are known by a random code only, and results number the readers. Whoever runs the study may publish "
    "the results, and the decisions one by one.",
    "The films are for research and teaching. Nothing you decide here is used in anybody’s care.",
)
AGREE: Final = "I have read this and agree to take part."
MUST_AGREE: Final = "Tick the box first: nothing begins without your agreement."
MANY: Final = (
    "Very many readers have begun from your network within the hour; go on with the code you have, or begin "
    "in an hour."
)
BACKGROUND: Final = "Your background"
BACKGROUNDS: Final = {
    "not said": "I would rather not say",
    "radiologist": "Radiologist",
    "in training": "In training to be a radiologist",
    "other clinician": "Another clinician",
    "no clinician": "Not a clinician",
}
BEGIN: Final = "Begin"
RESUME_HEADING: Final = "Going on?"
CODE: Final = "Your code"
RESUME: Final = "Go on"
NO_CODE: Final = "Type the code that you were given when you began."
CODE_HEADING: Final = "This is your code"
CODE_NOTE: Final = (
    "Write it down. It is the only way to go on later or on another screen. "
    "Every decision is saved at once, so you can stop whenever you like."
)
START: Final = "Start"
SENTENCE: Final = "Sentence"
SIDES: Final = {"left": "Left", "right": "Right"}
CHOICES: Final = {"left": "Left is better", "same": "No difference", "right": "Right is better"}
CHOICE_KEYS: Final = {"left": "1", "same": "2", "right": "3"}
WHICH: Final = "Which set fits the sentence better?"
WRONG: Final = "wrong"
MARKING: Final = "Mark every film that does not fit the sentence. A film on both sides is marked on both."
SAVE: Final = "Save and go on"
NOT_YET: Final = "Choose a side first, or “No difference”."
SAVED: Final = "Saved."
VIEW: Final = "Look closer"
PAUSE: Final = "Pause"
GO_ON: Final = "Go on"
PAUSED: Final = "Paused. The films are covered and the clock rests."
LOADING: Final = "The films are being loaded; the clock has not begun."
KEYS: Final = "Keys"
TRIAL_KEYS: Final = (
    ("1 2 3", "left is better, no difference, right is better"),
    ("← → ↑ ↓", "go from film to film"),
    ("X or Space", "mark the film as wrong, or take the mark away"),
    ("V", "look closer at the film"),
    ("N", "save and go on"),
    ("P", "pause, or go on"),
    ("?", "show or hide these keys"),
    ("Tab", "everything else"),
)
CLOSER_KEYS: Final = (
    ("← →", "the film before, the next film"),
    ("X", "mark the film as wrong, or take the mark away"),
    ("+ −", "larger, smaller"),
    ("B D", "brighter, darker"),
    ("C S", "more contrast, softer"),
    ("I", "invert"),
    ("0", "as it was"),
    ("Esc", "back to the comparison"),
)
KEYS_OF_TRIAL: Final = "In a comparison"
KEYS_OF_CLOSER: Final = "Looking closer"
KEYS_NOTE: Final = "Keys work while something of the comparison has the focus; a click on it gives it back."
CLOCK: Final = (
    f"Your time runs from when all films are there until you save. After {IDLE_SECONDS} seconds without a "
    "key or a movement it rests, as it does while you pause or look at another window."
)
FINAL: Final = "A saved decision stays as it is."
LEAVE: Final = "Leave the study"
LEAVE_NOTE: Final = (
    "To stop for now, close the page: your code lets you go on. To leave for good, delete all you decided; "
    "this cannot be undone."
)
DELETE: Final = "Delete all my decisions"
DELETED: Final = "Your decisions and your code are deleted. Thank you for your time."
DONE_HEADING: Final = "That was all"
DONE: Final = "Every decision is saved. Thank you."
CLOSE: Final = "Back"
NEXT: Final = "Next film"
PREVIOUS: Final = "Film before"
LARGER: Final = "Larger"
SMALLER: Final = "Smaller"
BRIGHTER: Final = "Brighter"
DARKER: Final = "Darker"
HARDER: Final = "More contrast"
SOFTER: Final = "Softer"
INVERT: Final = "Invert"
RESET: Final = "As it was"
MARK_WRONG: Final = "Wrong"
CANVAS: Final = "{film}, enlarged"
NOT_JSON: Final = "The study takes its own page’s messages only; load the page again."
FAILED: Final = "The study cannot be reached at the moment. What you saved is safe; press the button again."
NO_FILM: Final = "This film cannot be had at the moment."


def place(number: int, of: int) -> str:
    return f"Comparison {number} of {of}"


def film(side: str, rank: int) -> str:
    """A film for those who do not see it."""
    return f"{SIDES[side]}, film {rank}"


def films(side: str, number: int = FILMS) -> str:
    return f"{SIDES[side]}: {number} films, best first"


def not_opened(name: str) -> str:
    return (
        f"The study was made with films of {name} that are not open; start with --collection and their place."
    )


def ready(path: str, readers: int) -> str:
    """What is said at start."""
    return (
        f"Only the reader study {path} is shown, so that its readers stay blinded; "
        f"{readers} {'reader' if readers == 1 else 'readers'} so far."
    )


def missing(at_hand: int, films: int) -> str:
    return f"{at_hand} of {films} films are at hand; readers should see all: give their folder with --films."
