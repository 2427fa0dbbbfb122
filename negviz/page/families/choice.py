"""Which family of models a room shows, and which others a visitor may choose."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from negviz.common.shipped import COMPACT, ROOT

_COMMAND: Final = re.compile(r"python -m training [a-z-]+")
FURTHER: Final = "family"  # the folder of addresses under which further families are served


@dataclass(frozen=True)
class OfferedFamily:
    """One family as it is offered."""

    key: str  # in addresses
    title: str
    folder: Path = field(repr=False)


@dataclass(frozen=True)
class Home:
    """The family of a room.  The first choice is the page at the root, the others lie under `family/`."""

    choices: tuple[OfferedFamily, ...] = ()
    key: str = ""
    results: Path | None = None  # where what was measured of it lies; None: where the repository keeps it
    left_out: tuple[str, ...] = ()  # a sentence for every collection that it cannot search

    @property
    def folder(self) -> Path | None:
        return next((choice.folder for choice in self.choices if choice.key == self.key), None)

    def hint(self, sentence: str) -> str:
        """A sentence that names a command, with the family that the command is for where that is not ours."""
        folder = self.folder
        if folder is None or folder == COMPACT:
            return sentence
        named = folder.relative_to(ROOT).as_posix() if folder.is_relative_to(ROOT) else folder.name
        return _COMMAND.sub(rf"\g<0> --family {shlex.quote(named)}", sentence)

    @property
    def maps(self) -> Path | None:
        """Where maps of this family lie that are its own; None: where all look."""
        own = None if self.folder is None else self.folder / "maps"
        return own if own is not None and own.is_dir() else None

    def address(self, choice: OfferedFamily) -> str:
        """Of a choice's page, from this one's."""
        root = "" if self._is_first(self.key) else "../../"
        return (root or "./") if self._is_first(choice.key) else f"{root}{FURTHER}/{choice.key}/"

    def _is_first(self, key: str) -> bool:
        return not self.choices or key == self.choices[0].key


ONLY_ONE: Final = Home()


def choices_of(folders: Sequence[Path]) -> tuple[OfferedFamily, ...]:
    """Families by the names of their folders; those that share one are told apart by the folder above."""
    resolved = list(dict.fromkeys(folder.resolve() for folder in folders))
    names = [folder.name for folder in resolved]
    chosen: list[OfferedFamily] = []
    for number, folder in enumerate(resolved):
        shared = names.count(folder.name) > 1
        title = f"{folder.parent.name}/{folder.name}" if shared else folder.name
        plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        taken = {choice.key for choice in chosen}
        chosen.append(
            OfferedFamily(
                plain if plain and plain not in taken else f"{plain or 'n'}-{number}", title, folder
            )
        )
    return tuple(chosen)
