"""The page as gradio components: tabs, a sentence in, its reading and a column of films a model out."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any, Final, get_args

import gradio as gr
from gradio.events import api

from negviz.findings import FINDINGS, Polarity
from negviz.language.prompt import MAX_CHARACTERS
from negviz.page import panels, words
from negviz.page.board import Board
from negviz.page.board import html as _html
from negviz.page.explore import markup
from negviz.page.explore.panel import OFFERS, Explore, chip, stands, toggle_label
from negviz.page.families.panel import picker
from negviz.page.room import Room
from negviz.page.server.faults import Page
from negviz.page.server.lanes import IN_SEARCH
from negviz.page.share.panel import SHARE, panel_bar
from negviz.page.templates import note

_LOOK_AGAIN: Final = 1.0  # seconds
_UNDO_WITHIN: Final = 60.0  # seconds in which a cleared visit can be brought back
_CERTAIN: Final = tuple(polarity for polarity in get_args(Polarity) if polarity != "uncertain")
_PRIVATE: Final[dict[str, Any]] = {
    **IN_SEARCH,
    "api_visibility": "private",
    "show_progress": "minimal",
}
_IN_NO_LANE: Final[dict[str, Any]] = {
    "concurrency_limit": None,
    "api_visibility": "private",
    "show_progress": "minimal",
}
_NOTE_DOWN: Final = """(asked, visit) => {
  const {text, opposite, show, but_not} = JSON.parse(asked);
  const known = JSON.parse(visit || "[]");
  return JSON.stringify([...new Set([...known, text, opposite, show, but_not])].filter(Boolean).slice(-200));
}"""  # what this visit asked, in the visitor's browser alone, so that it can be forgotten
_UNFOLD: Final = "(unfolded, name) => window.negviz.unfold(unfolded === name ? '' : name)"
_FORGET: Final = "() => window.negviz.forget()"
_MAY_MARK: Final = """(finding, polarity, stands) => {
  const [asFound, asSaid] = JSON.parse(stands || '["", ""]');
  const changed = finding !== asFound || polarity !== asSaid;
  return {__type__: "update", interactive: Boolean(finding && polarity && changed)};
}"""  # in the browser, so that a key that goes on to the button finds it
_ADD_OURS: Final = f"""(on, names) => {{
  const others = names.filter((name) => name !== {json.dumps(words.OURS)});
  return [on ? [...others, {json.dumps(words.OURS)}] : others];
}}"""  # a list of outputs, of which there is one
_HAS_OURS: Final = f"(names) => names.includes({json.dumps(words.OURS)})"  # however it was added
_TYPED: Final = gr.InputHTMLAttributes(autocomplete="off", spellcheck=False, enterkeyhint="search")


def build_page(room: Room) -> gr.Blocks:
    """The page over a room, the example answered in advance over the room's first set."""
    explore = Explore(room)
    page: gr.Blocks
    with Page(title=words.TITLE, analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as page:
        _html(markup.header())
        with gr.Tabs(elem_classes="nv-tabs"):
            with gr.Tab(words.EXPLORE):
                board = _Layout(explore, page).board
            for tab in panels.TABS:
                with gr.Tab(tab.name.capitalize()):
                    tab.lay_out(board)
        board.seal()
        _html(markup.footer(foot(room)))
        api(explore.search, api_name="search", **IN_SEARCH)
        api(explore.compare, api_name="compare", **IN_SEARCH)
    return page


def foot(room: Room) -> list[str]:
    """What stands below everything: the base, whose films are shown, and what of them was left aside."""
    model, collections = next(iter(room.models.values())), room.pictures.collections
    base = words.base_note(model.family, model.origin)
    credit = [words.CREDITS[name] for name in collections if name in words.CREDITS]
    return [
        base,
        *credit,
        *(f"{name}: {line}" for name, films in collections.items() for line in films.notes),
    ]


class _Layout:
    """Explore laid out from top to bottom where it is made, then wired."""

    def __init__(self, explore: Explore, page: gr.Blocks) -> None:
        self.explore = explore
        self.given, reading, columns = explore.first_paint()
        self._ask()
        self._try()
        self._read(reading)
        self._compare()
        self._choose()
        self.columns = _html(columns)
        _html(markup.like_place())
        self._remember()
        self._origin(page)
        self.board = Board(explore.room, self.box, self.asked, self.unfolded)
        self._unfold()
        for panel in panels.EXPLORE:
            if panel.name in words.FOLDS:
                with self.board.fold(panel.name):
                    panel.lay_out(self.board)
                    _html(panel_bar(panel.name))
            else:
                with self.searched if panel is SHARE else nullcontext():
                    panel.lay_out(self.board)
        with gr.Row(elem_classes="nv-leaving"):  # far from every other button
            self.clear = gr.Button(words.CLEAR, size="sm", min_width=0, scale=0, elem_classes="nv-quiet")
        self._wire()

    def _ask(self) -> None:
        with gr.Row(elem_classes="nv-ask"):
            self.box = gr.Textbox(
                self.given.prompt.text,
                label=words.SENTENCE,
                max_lines=1,
                max_length=2 * MAX_CHARACTERS,  # longer than is read, so that a cut can be told
                scale=8,
                html_attributes=_TYPED,
                elem_classes="nv-box",
            )
            self.button = gr.Button(words.SEARCH, variant="primary", scale=0, min_width=96)
            # on phones alone: it unfolds what stands between verdict and films elsewhere
            gr.Button(words.ASIDE, size="sm", min_width=0, scale=0, elem_classes=["nv-quiet", "nv-aside"])
        _html(markup.guard())

    def _try(self) -> None:
        self.examples = _html(self.explore.tries(self.explore.sets[0]))
        if len(self.explore.room.home.choices) > 1:
            _html(picker(self.explore.room.home))

    def _choose(self) -> None:
        sets, further = self.explore.sets, self.explore.room.further
        with gr.Row(elem_classes="nv-sets") as self.searched:
            self.films = gr.Radio(
                self.explore.choices(),
                value=sets[0].name,
                label=words.SEARCH_IN,
                visible=len(sets) > 1,
            )
            with gr.Accordion(words.ADD, open=False, visible=bool(further), elem_classes="nv-add"):
                self.models = gr.CheckboxGroup(
                    [(words.offer(name), name) for name in further], label=words.ADD
                )
            with gr.Accordion(  # seen where the other is open; inside it, its first press could be lost
                words.BOXES,
                open=False,
                visible=self.explore.room.arithmetic is not None,
                elem_classes="nv-boxes",
            ):
                self._boxes()
            self.pin = gr.Button(
                words.PIN, size="sm", min_width=0, scale=0, elem_classes=["nv-quiet", "nv-pin"]
            )

    def _boxes(self) -> None:
        """A column of two sentences, where a weight was chosen for one."""
        rival = self.explore.room.arithmetic
        typed: dict[str, Any] = {"max_lines": 1, "max_length": MAX_CHARACTERS, "html_attributes": _TYPED}
        show, but_not = self.explore.room.boxes(self.given.prompt)
        with gr.Row(elem_classes="nv-two"):
            self.show = gr.Textbox(show, label=words.SHOW_BOX, elem_classes="nv-box", **typed)
            self.but_not = gr.Textbox(but_not, label=words.BUT_NOT_BOX, elem_classes="nv-box", **typed)
            self.fill = gr.Button(words.FILL, scale=0, min_width=96)
            if rival is not None:
                _html(note(words.ABOUT_BOXES.format(weight=rival.weight)))

    def _read(self, reading: str) -> None:
        first = chip(self.given)
        with gr.Row(elem_classes="nv-said"):
            with (
                gr.Accordion(first["label"], open=False, elem_classes="nv-meant") as self.meant,
                gr.Row(elem_classes="nv-correct"),
            ):
                finding, polarity = stands(self.given)
                self.finding = gr.Dropdown([*FINDINGS], value=finding or None, label=words.FINDING)
                self.polarity = gr.Radio([*_CERTAIN], value=polarity or None, label=words.POLARITY)
                self.mark = gr.Button(words.MARK, min_width=96, scale=0, interactive=False)
                _html(note(words.MARKING_ONLY))
            self.reading = _html(reading)
            self.offers = [
                gr.Button("", visible=False, size="sm", min_width=0, scale=0, elem_classes="nv-offer")
                for _ in range(OFFERS)
            ]
            with gr.Column(scale=0, min_width=0, elem_classes="nv-switches"):
                self.taken = gr.Checkbox(
                    False,
                    label=toggle_label(self.given),
                    container=False,
                    elem_classes="nv-toggle",
                    min_width=0,
                )
                self.ours = gr.Checkbox(
                    False,
                    label=words.ADD_OURS,
                    container=False,
                    visible=words.OURS in self.explore.room.further,
                    elem_classes="nv-ours",
                    min_width=0,
                )
            self.undo = gr.Button(words.BRING_BACK, size="sm", min_width=0, scale=0, visible=False)

    def _compare(self) -> None:
        against = self.given.opposite
        with gr.Row(visible=False, elem_classes="nv-turned") as self.turned:
            self.opposite = gr.Textbox(
                against.text if against else "",
                label=words.OPPOSITE,
                placeholder=words.OPPOSITE_HINT,
                max_lines=1,
                max_length=MAX_CHARACTERS,
                html_attributes=_TYPED,
                scale=8,
                elem_classes="nv-box",
            )
            self.turn = gr.Button(words.COMPARE, scale=0, min_width=96)

    def _remember(self) -> None:
        """Between two questions everything is kept by the browser: the server knows no visitor."""
        example = self.explore.example().json()
        self.asked = gr.Textbox(example, visible=False)
        self.pinned = gr.Textbox("", visible=False)
        self.visit = gr.Textbox("[]", visible=False)
        self.stands = gr.Textbox(json.dumps(stands(self.given)), visible=False)
        self.cleared = gr.Textbox("", visible=False)
        self.unfolded = gr.Textbox("", visible=False)
        self.forgetting = gr.Timer(_UNDO_WITHIN, active=False)

    def _unfold(self) -> None:
        """A bar by which one panel at a time is unfolded; it stays in sight."""
        with gr.Row(elem_classes="nv-folds"):
            for panel in panels.EXPLORE:
                if panel.name in words.FOLDS:
                    button = gr.Button(
                        words.FOLDS[panel.name], size="sm", min_width=0, elem_id=f"nv-fold-{panel.name}"
                    )
                    named = gr.Textbox(panel.name, visible=False)
                    button.click(
                        None, [self.unfolded, named], [self.unfolded], js=_UNFOLD, api_visibility="private"
                    )

    def _origin(self, page: gr.Blocks) -> None:
        """A line that is right as soon as it is known, and brought up to date after every answer."""
        said, _ = self.explore.pictures.origin(self.explore.sets[0].collection.name)
        line = _html(markup.origin(said))
        timer = gr.Timer(_LOOK_AGAIN, active=False)
        if self.explore.pictures.openi is not None or len(self.explore.pictures.collections) > 1:
            for when in (page.load, self.columns.change, timer.tick):
                when(
                    self.explore.origin,
                    [self.films],
                    [line, timer, self.films],
                    concurrency_limit=None,
                    api_visibility="private",
                    show_progress="hidden",
                )

    def _wire(self) -> None:
        shown = [
            self.reading,
            self.columns,
            self.meant,
            self.finding,
            self.polarity,
            self.mark,
            self.stands,
            self.taken,
            self.opposite,
            self.turned,
            self.pin,
            self.pinned,
            self.asked,
            self.examples,
            self.undo,
            self.cleared,
            self.films,
            *self.offers,
        ]
        kept = [self.taken, self.pinned, self.asked]
        explore, question = self.explore, [self.box, self.films, self.models, *kept]
        for event in (self.box.submit, self.button.click, self.films.input, self.models.input):
            event(explore.ask, question, shown, **_PRIVATE)
        self.ours.input(
            None, [self.ours, self.models], [self.models], js=_ADD_OURS, api_visibility="private"
        ).then(explore.ask, question, shown, **_PRIVATE)
        self.models.change(None, [self.models], [self.ours], js=_HAS_OURS, api_visibility="private")
        for changed in (self.finding.input, self.polarity.input):
            changed(
                None,
                [self.finding, self.polarity, self.stands],
                [self.mark],
                js=_MAY_MARK,
                api_visibility="private",
            )
        self.mark.click(explore.mark, [self.finding, self.polarity, *kept], shown, **_PRIVATE)
        for offer in self.offers:
            offer.click(explore.mean, [offer, *kept], shown, **_PRIVATE)
        for event in (self.turn.click, self.opposite.submit):
            event(explore.turn, [self.opposite, self.pinned, self.asked], shown, **_PRIVATE)
        for event in (self.fill.click, self.show.submit, self.but_not.submit):
            event(explore.fill, [self.show, self.but_not, *kept], shown, **_PRIVATE)
        self.taken.input(explore.look, kept, shown, **_PRIVATE)
        self.pin.click(explore.pin, kept, shown, **_PRIVATE)
        to_clear = [self.films, self.visit, self.box, self.cleared, *kept]
        cleared = [self.box, self.show, self.but_not, self.visit, self.forgetting, *shown]
        self.clear.click(explore.clear, to_clear, cleared, **_IN_NO_LANE)
        self.forgetting.tick(
            explore.forget_cleared, None, [self.cleared, self.undo, self.forgetting], **_IN_NO_LANE
        )
        self.clear.click(None, js=_FORGET, api_visibility="private")
        back = [self.box, self.show, self.but_not, *shown]
        self.undo.click(explore.bring_back, [self.cleared], back, **_PRIVATE)
        self.asked.change(
            None, [self.asked, self.visit], [self.visit], js=_NOTE_DOWN, api_visibility="private"
        )
