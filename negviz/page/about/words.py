"""What the About tab says."""

from __future__ import annotations

from typing import Final

HEADING: Final = "About negviz"
WAITING: Final = "Opening…"

WEIGHTS: Final = (
    "**Weights and embeddings:** research and non-commercial; `checkpoints/LICENSE` has the terms and names "
    "what they are derived from."
)
MINILM: Final = "**all-MiniLM-L6-v2,** the text encoder that base locks: Apache License 2.0."
OTHER_WEIGHTS: Final = (
    "**Weights and embeddings:** made from {base}, and under its licence: {licence}. They are no part of "
    "what negviz ships."
)

# Each section: its title, then its paragraphs.  `code` stands between backticks, **bold** between asterisks.
SECTIONS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (
        "what",
        "What this is, and is not",
        (
            "**For research and teaching. Not for clinical use.** Nothing here has been validated on "
            "patients, and no film should be read with it.",
            "It shows what image–text models of chest radiographs do with the word “no”. It follows arXiv "
            "2512.17121 and is not that paper: the losses are those of CON1 and CON2, while the learning "
            "rate, the batch, the prompts and the checkpoint, which are not published, are our own.",
            "What counts as right comes from reports, read by our own reader, except for the test films of "
            "Open-i, whose reports were read one by one. A film whose report does not mention a finding is "
            "“not stated”, and is not counted.",
        ),
    ),
    (
        "privacy",
        "Privacy",
        (
            "**Kept in memory:** the last few hundred sentences that were asked, with their answers, so that "
            "a room that asks the same need not wait. They are gone when the app stops, and when you press "
            "“Clear this visit” for the sentences of your own visit. Nothing else is kept of a visit.",
            "**Not kept:** no sentence is written to a file or to a log, none is put into the address of a "
            "page or into the browser's storage, and there are no cookies of ours, no counting of visitors "
            "and no request to any other host by this page. The films of Open-i may be fetched from NLM by "
            "the server, never by your browser.",
            "**Links** are made only when you ask for one. The sentence then stands behind the # of the "
            "address, which browsers send to no server, but which whoever has the link can read, and which a "
            "browser keeps in its own history once the link is opened. Saved pictures, tables and pages stay "
            "on your computer.",
            "Votes in the lesson stay in your browser and go when you leave the page. Do not type anything "
            "that identifies a patient.",
        ),
    ),
    (
        "licences",
        "Licences",
        (
            "**Code:** Apache License 2.0.",
            WEIGHTS,
            "**Open-i films and reports:** Indiana University Chest X-ray Collection, NLM, CC BY-NC-ND 4.0; "
            "Demner-Fushman et al., JAMIA 2016. Not part of the code.",
            "**NIH films:** ChestX-ray14, NIH Clinical Center, no restriction on use; Wang et al., CVPR "
            "2017. Not part of the code.",
            "**Simulated films:** made by our own simulator from no patient's film; under the licence of "
            "the code.",
            MINILM,
            "**Type:** Atkinson Hyperlegible Next, SIL Open Font License 1.1; `assets/fonts/LICENSE.txt`.",
        ),
    ),
    (
        "host",
        "How to host it",
        (
            "**On one machine:** `python app.py --port 7860 --host 0.0.0.0` serves a room; `--films DIR` "
            "names a folder of films, and every option may be set in the environment as `NEGVIZ_PORT`, "
            "`NEGVIZ_HOST`, `NEGVIZ_FILMS` and so on. It is made for two cores and 2 GB.",
            "**Behind a proxy:** end TLS there, pass the address on unchanged, and leave bodies of requests "
            "out of its log: sentences travel in bodies only.",
            "**As a Space:** `hf upload YOUR-NAME/negviz . --type space`. README.md says how it asks for the "
            "CPU build of torch.",
            "**As tools for a language model (MCP):** install `gradio[mcp]` and start with `NEGVIZ_MCP=1`. "
            "The named endpoints of this page (`/search` and its like) are then tools at `/gradio_api/mcp/`. "
            "Sentences that such a client sends are kept no longer than a visitor's.",
        ),
    ),
)


def sections(base: str | None, licence: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """As above; of a base that is not ours, what holds for its weights."""
    if base is None:
        return SECTIONS
    other = {WEIGHTS: OTHER_WEIGHTS.format(base=base, licence=licence), MINILM: ""}
    return tuple(
        (key, title, tuple(filter(None, (other.get(text, text) for text in paragraphs))))
        for key, title, paragraphs in SECTIONS
    )


BASE: Final = "Which base this is"
CARDS: Final = "Model cards"
CARDS_LEAD: Final = "As they lie beside the weights."
NO_CARDS: Final = "There are no model cards beside these weights."
