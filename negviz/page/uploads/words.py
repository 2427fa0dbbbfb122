"""What the panel of own films says."""

from __future__ import annotations

from typing import Final

from negviz.retrieval.own_films import MAX_FILE, MAX_FILMS, MAX_ZIP

TITLE: Final = "Own films"
WARNING: Final = (
    "For your own machine only. Do not open films of patients on a page that others can reach. "
    "Films are read in memory, nothing is written to disk, and they are forgotten when you close the page."
)
PRIVATE: Final = (
    "Of a DICOM file only the pixels are kept, not its header. What is burnt into the picture stays in it."
)
LIMITS: Final = (
    f"PNG, JPEG or DICOM, up to {MAX_FILE // 1_000_000} MB and 25 million pixels each; {MAX_FILMS} films; "
    f"a zip of {MAX_ZIP // 1_000_000} MB."
)
SEEK: Final = "Find films like one of mine"
FILES: Final = "Open films or a zip"
FOLDER: Final = "Open a folder"
DELETE: Final = "Delete my films"
SHOW: Final = "Show"
WHERE: Final = "Where on my film?"
NONE_SOUGHT: Final = "Open one film of yours with “Find films like one of mine” first."
GROUP: Final = "Open own films"
PROGRESS: Final = "Films opened"
PROBLEMS: Final = "Not opened"
EMPTY: Final = "No film of yours is open."
DELETED: Final = "Your films are forgotten."
NO_LABELS: Final = "Your films have no labels, so nothing is marked."
NO_SENTENCE: Final = "Type a sentence above to search your films."
NEAREST: Final = "Films of this collection nearest to yours"
SAME_TOWER: Final = "{} look at films alike, so they agree"
SIMILARITY: Final = "How near your film is to the sentence"
COLUMNS: Final = ("Model", "Your sentence", "Its opposite", "Nearer to")
NEARER: Final = {True: "your sentence", False: "its opposite"}
NO_OPPOSITE: Final = "no opposite known"
YOUR_FILM: Final = "Your film"
GONE: Final = "This visit has ended; load the page again."
FOREIGN: Final = "Films are opened from this page only."
TOO_LARGE: Final = (
    f"It is larger than {MAX_FILE // 1_000_000} MB, or a zip of more than {MAX_ZIP // 1_000_000} MB."
)
SCRIPT: Final = {  # for what the script writes itself
    "working": "{done} of {of} files read",
    "left": "about {seconds} s left",
    "done": "{good} opened, {bad} not.",
    "failed": "The file could not be sent; load the page again.",
    "tooMany": f"Only the first {MAX_FILMS} files were read.",
    "stopped": "Stopped: your films were deleted.",
}


def films(number: int) -> str:
    return "1 film of yours" if number == 1 else f"{number} films of yours"


def best(shown: int, of: int) -> str:
    """The heading over galleries of own films."""
    return f"The {shown} best of {films(of)}" if shown < of else f"{films(of)}, best first".capitalize()
