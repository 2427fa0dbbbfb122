"""What sharing and exporting say."""

from __future__ import annotations

from typing import Final

from negviz.explain.loop import SECONDS

SUMMARY: Final = "Share"
LABEL: Final = "Share or save"
BUTTONS: Final = {
    "link": "Copy a link",
    "qr": "QR code",
    "png": "Picture (PNG)",
    "svg": "Picture (SVG)",
    "loop": f"{SECONDS}-second loop (GIF)",
    "csv": "Table (CSV)",
    "file": "Page to keep (HTML)",
}
NOTE: Final = (
    "A link holds the sentence behind its #, which browsers send to no server; whoever has the link can read "
    "it. Saved files stay on this computer. Pictures of Open-i films are CC BY-NC-ND: name the source, and "
    "do not sell or change them."
)
NOTHING_YET: Final = "Search for something first."
PANEL: Final = "Share this panel"
PANEL_BUTTONS: Final = {"png": "Picture (PNG)", "svg": "Picture (SVG)", "link": "Copy a link"}
LINK: Final = "Link to this comparison"
COPIED: Final = "The link is copied."
COPY_IT: Final = "Copy the link from the box."
WORKING: Final = "Working…"
SAVED: Final = "Saved as {name}."
SAVED_WITH: Final = "Saved as {name}. SHA-256 {hash}"
FAILED: Final = "That did not work; try again in a moment."
LOCAL_ONLY: Final = "This address leads to this computer only; open the page by a name that others can reach."
QR_LABEL: Final = "QR code: this comparison on another screen"

NOT_JSON: Final = "Send the question as JSON."
TOO_LONG: Final = "That is more than a question holds."
NO_STATE: Final = "Send the state of the page as it is written in a link."
NO_QUESTION: Final = "There is no question to share; search for something first."

FILE_TITLE: Final = "negviz: a comparison"
FILE_SENTENCE: Final = "Asked for"
FILE_SEAL: Final = "Seal of this file"
FILE_SEAL_HOW: Final = (
    "The SHA-256 of this very file with the seal's 64 characters replaced by zeros. Change one character of "
    "the file and the seal no longer fits: negviz.retrieval.export.seal_holds tells, or sed and sha256sum."
)
FILE_FACTS: Final = "What it was made from"
FILE_PARTS: Final = {
    "family": "Family of models",
    "tower": "Image tower",
    "films": "Films searched",
    "count": "Number of films",
    "hash": "SHA-256 of what is known of them",
    "made": "Made by",
}
FILE_NO_PICTURE: Final = "picture not at hand"


def caption(films: str, family: str, tower: str, *, simulated: bool) -> str:
    """What stands below every picture."""
    whose = ", drawn by a program, not of patients" if simulated else ""
    return f"Films: {films}{whose} · models: {family} (image tower {tower}) · negviz"
