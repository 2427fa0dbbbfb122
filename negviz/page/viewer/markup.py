"""The viewer's dialog as HTML: closed, without a film; `viewer.js` brings it to life."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from markupsafe import Markup

from negviz.page.viewer import words
from negviz.page.words import column_title

_BUTTONS: Final = (  # what the script calls it, its face, its name, its key, whether it stays pressed
    ("zoom-out", "−", words.ZOOM_OUT, "-", False),
    ("zoom-in", "+", words.ZOOM_IN, "+", False),
    ("fit", words.FIT, words.FIT, "F", False),
    ("invert", words.INVERT, words.INVERT, "I", True),
    ("window", words.WINDOW, words.WINDOW, "W", True),
    ("reset", words.RESET, words.RESET, "R", False),
)
_SLIDERS: Final = (("brightness", words.BRIGHTNESS), ("contrast", words.CONTRAST))
# Its own ground is dark in both themes (class "dark"), as a film is read in a dark room.
_DIALOG: Final = Markup(
    '<dialog class="nv-viewer dark" aria-labelledby="nv-viewer-title" data-words="{words}">'
    '<header class="nv-viewer-head"><h2 id="nv-viewer-title" tabindex="-1"></h2>'
    '<p class="nv-viewer-place" role="status"></p>'
    '<div class="nv-viewer-moves">{moves}</div></header>'
    '<div class="nv-viewer-stage" tabindex="0" role="group" aria-labelledby="nv-viewer-title" '
    'aria-describedby="nv-viewer-readout"><div class="nv-viewer-panes">{panes}</div>'
    '<p class="nv-viewer-readout" id="nv-viewer-readout"></p>'
    '<section class="nv-viewer-keys" tabindex="-1" aria-label="{keys_label}" hidden>{keys}</section></div>'
    '<div class="nv-viewer-tools" role="group" aria-label="{tools_label}">{tools}</div>'
    '<aside class="nv-viewer-record" tabindex="0" role="region" aria-label="{about}">{record}</aside>'
    "</dialog>"
)


def dialog(models: Iterable[str]) -> Markup:
    """The dialog over some models."""
    titles = {model: column_title(model)[0] for model in models}
    said = json.dumps({**words.SCRIPT, "models": titles})
    return _DIALOG.format(
        words=said,
        moves=_moves(),
        panes=_pane("") + _pane(Markup(" hidden")),
        keys_label=words.KEYS,
        keys=_keys(),
        tools_label=words.TOOLS,
        tools=_tools(),
        about=words.ABOUT_THIS_FILM,
        record=_record(),
    )


def _button(action: str, face: str, name: str, key: str = "", *, toggles: bool = False) -> Markup:
    return Markup('<button type="button" data-do="{}" aria-label="{}" title="{}"{}{}>{}</button>').format(
        action,
        name,
        f"{name} ({key})" if key else name,
        Markup(' aria-keyshortcuts="{}"').format(key) if key else "",
        Markup(' aria-pressed="false"') if toggles else "",
        face,
    )


def _moves() -> Markup:
    return Markup("").join(
        [
            _button("previous", "◂", words.PREVIOUS, "←"),
            _button("next", "▸", words.NEXT, "→"),
            _button("keys", "?", words.KEYS, "?", toggles=True),
            _button("close", "×", words.CLOSE, "Esc"),
        ]
    )


def _pane(attributes: str) -> Markup:
    return Markup(
        '<figure class="nv-viewer-pane"{}><canvas role="img"></canvas><figcaption></figcaption>'
        '<p class="nv-viewer-copy" hidden></p><p class="nv-viewer-wait" role="status"></p></figure>'
    ).format(attributes)


def _tools() -> Markup:
    buttons = [
        _button(action, face, name, key, toggles=toggles) for action, face, name, key, toggles in _BUTTONS
    ]
    sliders = [
        Markup(
            '<label class="nv-viewer-slider"><span>{}</span>'
            '<input type="range" name="{}" min="-100" max="100" step="1" value="0"></label>'
        ).format(label, name)
        for name, label in _SLIDERS
    ]
    compare = Markup(
        '<label class="nv-viewer-compare"><span>{}</span><select name="compare"></select></label>'
    )
    return Markup("").join([*buttons, *sliders, compare.format(words.COMPARE)])


def _keys() -> Markup:
    rows = (
        Markup("<div><dt><kbd>{}</kbd></dt><dd>{}</dd></div>").format(keys, what)
        for keys, what in words.SHORTCUTS
    )
    return Markup("<h3>{}</h3><dl>{}</dl>").format(words.KEYS, Markup("").join(rows))


def _record() -> Markup:
    """Empty places by name of what the script fills in."""
    ranks = Markup(
        '<table><thead><tr><th scope="col">{}</th><th scope="col">{}</th><th scope="col">{}</th></tr></thead>'
        '<tbody data-fill="ranks"></tbody></table>'
    ).format(words.MODEL, words.RANK, words.SIMILARITY)
    signs = Markup(
        '<table><thead><tr><th scope="col">{}</th><th scope="col">{}</th><th scope="col">{}</th></tr></thead>'
        '<tbody data-fill="signs"></tbody></table><p data-fill="seed"></p>'
    ).format(words.FINDING, words.SEVERITY, words.SIDE)
    chips = Markup("").join(
        Markup('<div data-state="{}"><dt>{}</dt><dd><ul class="nv-viewer-chips"></ul></dd></div>').format(
            state, label
        )
        for state, label in words.STATES.items()
    )
    return Markup("").join(
        [
            Markup(
                '<p class="nv-viewer-mark" data-fill="mark"></p>'
                '<div class="nv-viewer-probability" data-fill="probability" hidden></div>'
            ),
            _section("ranks", words.RANKS, ranks),
            _section("said", words.SAYS_WHO, Markup('<div data-fill="said"></div>')),
            _section("findings", words.FINDINGS, Markup("<dl>{}</dl>").format(chips)),
            _section("simulated", words.SIMULATED, signs),
            Markup(
                '<p class="nv-viewer-link" hidden><a target="_blank" rel="noopener noreferrer">{}</a></p>'
            ).format(words.RECORD),
        ]
    )


def _section(name: str, title: str, inside: Markup) -> Markup:
    return Markup('<section data-part="{}"><h3>{}</h3>{}</section>').format(name, title, inside)
