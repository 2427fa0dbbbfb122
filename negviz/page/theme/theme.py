"""A lightbox in a dark room: monochrome chrome, so that colour only ever means data."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import gradio as gr
from markupsafe import Markup

from negviz.page.theme.fonts import FAMILY, font_css

_SHARED: Final = Path(__file__).with_name("page.css")
_PALETTE: Final = {  # light, dark
    "ground": ("#F4F5F3", "#0C0E10"),
    "panel": ("#FFFFFF", "#15191C"),
    "ink": ("#14181B", "#E9EDEF"),
    "muted": ("#525C63", "#A7B1B8"),
    "border": ("#7A848B", "#6B767E"),
    "matches": ("#006B5B", "#5CCFB8"),
    "contradicts": ("#A3276B", "#F59AC3"),
}
DARK: Final = {name: dark for name, (_, dark) in _PALETTE.items()}  # for pictures that are drawn here
_FONTS: Final = (FAMILY, "system-ui", "Segoe UI", "Helvetica Neue", "Arial", "sans-serif")
_MONO: Final = ("ui-monospace", "Consolas", "monospace")
_GRADIO: Final = {  # which of gradio's colours takes which of ours
    "ground": (
        "body_background_fill background_fill_secondary block_background_fill block_border_color "
        "block_label_background_fill block_title_background_fill panel_background_fill panel_border_color "
        "button_primary_text_color button_primary_text_color_hover"
    ),
    "panel": (
        "background_fill_primary color_accent_soft input_background_fill input_background_fill_focus "
        "button_secondary_background_fill button_secondary_background_fill_hover checkbox_background_color "
        "checkbox_background_color_hover checkbox_background_color_focus checkbox_label_background_fill "
        "checkbox_label_background_fill_hover checkbox_label_background_fill_selected error_background_fill"
    ),
    "ink": (
        "body_text_color block_label_text_color block_title_text_color border_color_accent "
        "input_border_color_focus button_primary_background_fill button_primary_background_fill_hover "
        "button_primary_border_color button_secondary_border_color_hover button_secondary_text_color "
        "button_secondary_text_color_hover checkbox_background_color_selected checkbox_border_color_hover "
        "checkbox_border_color_focus checkbox_border_color_selected checkbox_label_border_color_hover "
        "checkbox_label_border_color_selected checkbox_label_text_color checkbox_label_text_color_selected "
        "error_text_color error_icon_color link_text_color link_text_color_hover link_text_color_visited "
        "link_text_color_active loader_color"
    ),
    "muted": "body_text_color_subdued block_info_text_color input_placeholder_color",
    "border": (
        "border_color_primary border_color_accent_subdued input_border_color button_secondary_border_color "
        "checkbox_border_color checkbox_label_border_color error_border_color"
    ),
}


def theme() -> gr.themes.Base:
    """Gradio's plainest theme in our colours, both modes, with no font from elsewhere."""
    colours = {"color_accent": "var(--nv-ink)"}  # it has no dark variant
    for ours, names in _GRADIO.items():
        light, dark = _PALETTE[ours]
        colours |= dict.fromkeys(names.split(), light)
        colours |= {f"{name}_dark": dark for name in names.split()}
    return gr.themes.Base(font=_FONTS, font_mono=_MONO, text_size="lg", radius_size="sm").set(**colours)


def rules_for_maps() -> Markup:
    """The rules of maps drawn on a film, in light colours, for a file that holds nothing else of the page."""
    light = "".join(f"--nv-{name}:{pair[0]};" for name, pair in _PALETTE.items())
    folders = (_SHARED.parents[1] / name / "style.css" for name in ("saliency", "attribution"))
    rules = "\n".join(path.read_text(encoding="utf-8") for path in folders)
    return Markup(f":root{{{light}}}\n{rules}")  # our own


def css() -> str:
    """The palette as custom properties (`--nv-ink` …) and the page's own rules."""
    light, dark = (
        "".join(f"--nv-{name}:{pair[mode]};" for name, pair in _PALETTE.items()) for mode in (0, 1)
    )
    of_folders = _SHARED.parents[1].rglob("style.css")
    in_order = sorted(of_folders, key=lambda path: ("widgets" not in path.parts, path))
    rules = "\n".join(path.read_text(encoding="utf-8") for path in (_SHARED, *in_order))
    return f"{font_css()}:root{{{light}}}:root .dark,:root.dark{{{dark}}}\n{rules}"
