"""The loop as a GIF: a frame a scene, in the page's own colours, with lines below that say what it is of."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from negviz.explain.loop import SECONDS
from negviz.page.theme.theme import DARK

if TYPE_CHECKING:
    from negviz.page.loop.panel import Film, Played

_WIDE, _EDGE, _ACROSS, _SIDE, _GAP = 960, 24, 5, 172, 12  # pixels, and films in a row
_LINE: Final = {30: 40, 20: 28, 13: 20}  # from line to line, by size of type
_GROUND, _INK, _MUTED = DARK["ground"], DARK["ink"], DARK["muted"]
_CUT: Final = 180  # characters of a sentence


def draw_loop(scenes: Sequence[Played], films: Mapping[str, bytes], lines: Sequence[str]) -> bytes:
    """A GIF that goes round for ever; `films` are JPEGs by id, as far as they are at hand."""
    pictures = {name: Image.open(io.BytesIO(jpeg)).convert("L") for name, jpeg in films.items()}
    frames = [_frame(scene, pictures, lines) for scene in scenes]
    out = io.BytesIO()
    each = 1000 * SECONDS // len(frames)
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=each, loop=0, optimize=True)
    return out.getvalue()


def _frame(scene: Played, pictures: Mapping[str, Image.Image], lines: Sequence[str]) -> Image.Image:
    top = _EDGE + 2 * _LINE[30] + 2 * _LINE[20] + 8
    caption = [row for line in lines for row in _wrapped(line, 13)]
    height = top + 2 * (_SIDE + 28) + _GAP + _LINE[13] * len(caption) + _EDGE
    frame = Image.new("RGB", (_WIDE, height), _GROUND)
    pen = ImageDraw.Draw(frame)
    _sentence(pen, scene)
    for row, text in enumerate(_wrapped(scene.says, 20)[:2]):
        pen.text((_EDGE, _EDGE + 2 * _LINE[30] + row * _LINE[20]), text, _INK, _font(20))
    for place, film in enumerate(scene.films):
        row, column = divmod(place, _ACROSS)
        corner = (_EDGE + column * (_SIDE + _GAP), top + row * (_SIDE + 28))
        _film(frame, pen, film, corner, pictures.get(film.id), dim=scene.outlines and not film.outlined)
    for row, text in enumerate(caption):
        pen.text((_EDGE, top + 2 * (_SIDE + 28) + _GAP + row * _LINE[13]), text, _MUTED, _font(13))
    return frame.quantize(256, dither=Image.Dither.NONE)


def _sentence(pen: ImageDraw.ImageDraw, scene: Played) -> None:
    """The sentence, word by word, with a line through what is struck out."""
    font, space = _font(30), _font(30).getlength(" ")
    x, y = float(_EDGE), float(_EDGE)
    for word, struck in _words(scene):
        wide = font.getlength(word)
        if x + wide > _WIDE - _EDGE and x > _EDGE:
            x, y = float(_EDGE), y + _LINE[30]
        if y > _EDGE + _LINE[30]:
            return
        pen.text((x, y), word, _MUTED if struck else _INK, font)
        if struck:
            pen.line((x, y + 20, x + wide, y + 20), _INK, 3)
        x += wide + space


def _words(scene: Played) -> Iterator[tuple[str, bool]]:
    left = _CUT
    for text, struck in scene.stretches:
        for word in text[: max(left, 0)].split():
            yield word, struck
        left -= len(text)


def _film(
    frame: Image.Image,
    pen: ImageDraw.ImageDraw,
    film: Film,
    corner: tuple[int, int],
    picture: Image.Image | None,
    *,
    dim: bool,
) -> None:
    """A film in a black well, outlined where it is meant, and its mark below."""
    x, y = corner
    pen.rectangle((x, y, x + _SIDE, y + _SIDE), "#000000")
    if picture is None:
        pen.text((x + 8, y + 8), film.id[:18], _MUTED, _font(13))
    else:
        shown = picture.copy()
        shown.thumbnail((_SIDE, _SIDE))
        shown = shown.point(lambda grey: grey * 0.45) if dim else shown
        frame.paste(shown, (x + (_SIDE - shown.width) // 2, y + (_SIDE - shown.height) // 2))
    if film.outlined:
        pen.rectangle((x - 3, y - 3, x + _SIDE + 3, y + _SIDE + 3), outline=_INK, width=4)
    if film.mark is not None:
        colour = DARK.get(film.mark.name, _MUTED)
        _shape(pen, film.mark.name, (x, y + _SIDE + 6), colour)
        pen.text((x + 18, y + _SIDE + 5), film.mark.word, colour, _font(13))


def _shape(pen: ImageDraw.ImageDraw, name: str, corner: tuple[int, int], colour: str) -> None:
    """The marks' shapes, which not every typeface has."""
    x, y = corner
    if name == "matches":
        pen.line((x, y + 7, x + 4, y + 12, x + 12, y + 1), colour, 2)
    elif name == "contradicts":
        pen.line((x + 1, y + 1, x + 11, y + 12), colour, 2)
        pen.line((x + 11, y + 1, x + 1, y + 12), colour, 2)
    else:
        pen.text((x + 2, y - 1), "?", colour, _font(13))


def _wrapped(text: str, size: int) -> list[str]:
    """Lines that fit a frame."""
    lines, line, font = list[str](), "", _font(size)
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > _WIDE - 2 * _EDGE:
            lines, longer = [*lines, line], word
        line = longer
    return [*lines, line]


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return _FONTS[size]


_FONTS: Final = {size: ImageFont.load_default(size) for size in _LINE}
