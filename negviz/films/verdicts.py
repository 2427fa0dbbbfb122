"""What a film satisfies, as columns and as conditions on them: `Film.states` and `judge` without the films.

    facts(film)                      # {"has_effusion": True, …, "side_effusion": "left", …}
    right, wrong = conditions(prompt)  # SQL over such columns, for a table that counts by itself

A condition that is unknown, because a column is null, holds for no film: silence is not denial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from negviz.findings import FINDINGS

if TYPE_CHECKING:
    from negviz.films.collection import Film
    from negviz.language.prompt import Mention, Prompt

NEVER: Final = "false"
_OTHER: Final = {"left": "right", "right": "left"}


def facts(film: Film) -> dict[str, bool | str | None]:
    """Two columns a finding: whether the film has it, null where it does not say, and on which side."""
    sides = dict(film.sides)
    has = {f"has_{name}": film.states(name, "present") for name in FINDINGS}
    return {**has, **{f"side_{name}": sides.get(name) for name in FINDINGS}}


def conditions(prompt: Prompt) -> tuple[str, str]:
    """Which films satisfy a prompt and which contradict it, as `judge` tells them apart."""
    said = {mention.finding: mention.polarity for mention in prompt.mentions}
    if not said or any(said[mention.finding] != mention.polarity for mention in prompt.mentions):
        return NEVER, NEVER
    right, wrong = zip(*map(_of, prompt.mentions), strict=True)
    return " AND ".join(map("({})".format, right)), " OR ".join(map("({})".format, wrong))


def _of(mention: Mention) -> tuple[str, str]:
    has = f"has_{mention.finding}"
    if mention.polarity == "uncertain":
        return NEVER, NEVER
    present = mention.polarity == "present"
    if mention.side is None:
        return (has, f"NOT {has}") if present else (f"NOT {has}", has)
    side = f"COALESCE(side_{mention.finding}, '')"
    elsewhere = f"NOT {has} OR ({has} AND {side} = '{_OTHER[mention.side]}')"
    if present:
        return f"{has} AND {side} <> '{_OTHER[mention.side]}'", elsewhere
    return elsewhere, f"{has} AND {side} NOT IN ('', '{_OTHER[mention.side]}')"
