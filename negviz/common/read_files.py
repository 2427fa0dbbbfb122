"""Files read with care: only regular ones, and of text and JSON only what is sound.

What is read was written by anybody: each reader takes the class of error that its caller speaks with, and
raises it, with one sentence, whatever the file may be.
"""

from __future__ import annotations

import json
import math
import os
import stat
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Final

from negviz.common.errors import NegvizError

MAX_TEXT: Final = 200_000_000  # bytes of a file of text; it is held in memory
_DEEPEST: Final = 100  # levels of a JSON file: deeper ones exhaust the stack of whoever walks them
_AT_ONCE: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: Path) -> BinaryIO:
    """Open a file to be read, and nothing else that a name may stand for.  Raises `OSError`.

    What was opened is asked what it is: a pipe would keep its reader waiting for ever, and a name may come to
    stand for one between asking and opening.
    """
    try:
        handle = os.open(path, _AT_ONCE)
    except ValueError as error:  # a NUL or half a surrogate pair in its name
        raise OSError(f"{path!r} cannot be the name of a file") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError("it is no regular file")
    return os.fdopen(handle, "rb")


def read_bytes(path: Path, error: type[NegvizError], most: int = MAX_TEXT) -> bytes:
    """A file of at most `most` bytes."""
    try:
        with open_regular(path) as file:
            content = file.read(most + 1)
    except OSError as said:
        raise error(f"{_named(path)} cannot be read: {said.strerror or said}.") from said
    if len(content) > most:
        raise error(f"{_named(path)} is larger than {most:,} bytes, which no such file should be.")
    return content


def read_text(path: Path, error: type[NegvizError], most: int = MAX_TEXT) -> str:
    """A text in UTF-8, with or without a byte order mark, as it is or in a `.gz`."""
    content = read_bytes(path, error, most)
    content = _unpacked(content, path, error, most) if path.suffix == ".gz" else content
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as said:
        raise error(f"{_named(path)} is not UTF-8 text; save it as UTF-8.") from said
    if "\0" in text:
        raise error(f"{_named(path)} holds a NUL character, which no text does; make it anew.")
    return text


def _unpacked(content: bytes, path: Path, error: type[NegvizError], most: int) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)  # with gzip's header
    try:
        unpacked = unpacking.decompress(content, most + 1)
    except zlib.error as said:
        raise error(f"{_named(path)} is no whole gzip file; fetch it anew.") from said
    if len(unpacked) > most or not unpacking.eof:
        raise error(f"{_named(path)} is cut short, or larger than {most:,} bytes once unpacked.")
    return unpacked


def read_json(path: Path, error: type[NegvizError]) -> dict[str, Any]:
    """A file that holds a JSON object, as `parse_json` takes it."""
    return parse_json(read_text(path, error), _named(path), error)


def parse_json(text: str, name: str, error: type[NegvizError], *, typed: bool = False) -> dict[str, Any]:
    """A JSON object; `name` says where the text is from.

    Refused are also what Python reads but JSON does not know (NaN, Infinity), a name given twice, nesting
    that would exhaust the stack of whoever walks it, and half a surrogate pair, unless it was `typed`:
    browsers send what a key was pressed for.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refused_number, parse_float=_finite
        )
        if "\\u" in text and not typed:  # how JSON, whatever its encoding, spells half a surrogate pair
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as said:
        raise error(f"{name} holds half a surrogate pair; make it anew.") from said
    except (ValueError, RecursionError) as said:
        why = "nested too deeply" if isinstance(said, RecursionError) else str(said)
        raise error(f"{name} is not valid JSON ({why}); make it or fetch it anew.") from said
    if not isinstance(value, dict) or _is_deeper(value, _DEEPEST):
        what = "no JSON object" if not isinstance(value, dict) else "nested too deeply"
        raise error(f"{name} is {what}; make it or fetch it anew.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in made if names.count(name) > 1)
        raise ValueError(f"{twice!r} is given twice")
    return made


def _refused_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refused_number(text)


def _is_deeper(value: object, most: int) -> bool:
    level: list[object] = [value]
    for _ in range(most):
        level = [part for each in level if isinstance(each, dict | list) for part in _parts(each)]
    return bool(level)


def _parts(value: dict[str, object] | list[object]) -> list[object]:
    return list(value.values()) if isinstance(value, dict) else value


def _named(path: Path) -> str:
    """A path as it can be printed, however it is spelt."""
    return str(path).encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
