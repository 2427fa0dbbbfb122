"""Prompts that say more than one thing, each with what it says stated beside it.

    questions = read_questions(path)
    questions[0].phenomenon, questions[0].mentions

A prompt file with two more columns: `phenomenon`, the way of wording that is tried, and `mentions`,
everything that the prompt says, as `effusion:absent|nodule:present`, its main mention first.  What is right
comes from there and never from the reader; `read_right` says apart from that what the reader hears.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import numpy as np

from negviz.evaluation.prompts import PromptFileError, PromptRow, read_prompts
from negviz.films.collection import Film, judge
from negviz.findings import FINDINGS, Polarity
from negviz.language.prompt import Mention, Prompt, read_prompt
from negviz.retrieval.metrics import Floats


@dataclass(frozen=True)
class Question:
    """A prompt, the phenomenon it tries, and what it says."""

    row: PromptRow
    phenomenon: str
    mentions: tuple[Mention, ...]  # the main one first; they have no place in the text

    @property
    def alone(self) -> bool:
        """Whether it speaks of one finding only."""
        return len(self.mentions) == 1

    @property
    def uncertain(self) -> bool:
        return self.row.polarity == "uncertain"

    def judge(self, films: Sequence[Film]) -> Floats:
        """[films] 1 where a film satisfies it, 0 where it violates it, nan where it does not say.

        A hedge is judged as if it affirmed: it has no right answer, but one may ask which way it leans.
        """
        said = tuple(Mention(m.finding, "present", m.span) if self.uncertain else m for m in self.mentions)
        prompt = Prompt(self.row.prompt, said, cues=(), words=())
        verdicts = (judge(film, prompt) for film in films)
        return np.array([np.nan if verdict is None else float(verdict) for verdict in verdicts])

    def read_right(self) -> bool:
        """Whether the reader hears these mentions and no other."""
        heard = {(mention.finding, mention.polarity) for mention in read_prompt(self.row.prompt).mentions}
        return heard == {(mention.finding, mention.polarity) for mention in self.mentions}


def read_questions(path: Path) -> list[Question]:
    """The questions of a CSV file, in its order.  Raises `PromptFileError` with a line on what is wrong."""
    return [_question(row, path) for row in read_prompts(path)]


def _question(row: PromptRow, path: Path) -> Question:
    where = f"{path}, {row.prompt!r}"
    phenomenon, said = (row.extra.get(name, "").strip() for name in ("phenomenon", "mentions"))
    if not phenomenon or not said:
        raise PromptFileError(f"{where} lacks its phenomenon or its mentions; fill in both columns.")
    mentions = tuple(_mention(part, where) for part in said.split("|"))
    main = mentions[0]
    if (main.finding, main.polarity) != (row.finding, row.polarity):
        raise PromptFileError(f"{where}: its first mention must be {row.finding}:{row.polarity}.")
    if len({mention.finding for mention in mentions}) < len(mentions):
        raise PromptFileError(f"{where} mentions one finding twice; name each once.")
    if len(mentions) > 1 and any(mention.polarity == "uncertain" for mention in mentions):
        raise PromptFileError(f"{where} hedges beside other mentions; a hedge stands alone.")
    return Question(row, phenomenon, mentions)


def _mention(said: str, where: str) -> Mention:
    finding, _, polarity = said.partition(":")
    if finding not in FINDINGS or polarity not in get_args(Polarity):
        raise PromptFileError(f"{where}: {said!r} is no mention; write effusion:absent or the like.")
    return Mention(finding, cast(Polarity, polarity), (0, 0))
