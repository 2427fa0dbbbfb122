"""The choice of a family, and the page that stands in for one while it is opened."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from negviz.page.families import words
from negviz.page.families.choice import Choice, Home
from negviz.page.templates import join, note
from negviz.page.words import TITLE


def picker(home: Home) -> Markup:
    """A select whose values are addresses, followed by `script.js`."""
    options = (
        Markup('<option value="{}"{}>{}</option>').format(
            home.address(choice), Markup(" selected") if choice.key == home.key else "", choice.title
        )
        for choice in home.choices
    )
    return Markup(
        '<div class="nv-family"><label for="nv-family">{}</label>'
        '<select id="nv-family" autocomplete="off">{}</select>{}</div>'
    ).format(words.MODELS_OF, join(options), join(map(note, home.left_out)))


def waiting(choice: Choice, progress: str) -> Markup:
    """Loads itself again until the models are there; the fragment, which holds the sentence, stays."""
    again = Markup("<script>setTimeout(() => location.reload(), 1500)</script>")
    return _page(
        words.OPENING.format(title=choice.title),
        filter(None, (words.WAIT, progress)),
        more=again,
        refresh=True,
    )


def failed(choice: Choice, why: str) -> Markup:
    """One sentence, and two ways on."""
    ways = Markup('<p><a href="../../">{}</a> · <a href="?again=1">{}</a></p>').format(
        words.BACK, words.AGAIN
    )
    return _page(words.FAILED.format(title=choice.title), [why], more=ways)


def _page(title: str, said: Iterable[str], *, more: Markup, refresh: bool = False) -> Markup:
    return Markup(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{} · {}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">{}</head>'
        '<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; '
        'padding: 0 16px">'
        '<h1 style="font-size: 20px">{}</h1><div role="status">{}</div>{}</body></html>'
    ).format(
        title,
        TITLE,
        Markup('<noscript><meta http-equiv="refresh" content="2"></noscript>') if refresh else "",
        title,
        join(Markup("<p>{}</p>").format(line) for line in said),
        more,
    )
