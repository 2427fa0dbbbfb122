"""What an answer is: typed values that the page, its endpoints and exports render without counting anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

from negviz.films.collection import Film, judge
from negviz.language.prompt import Mention, Prompt, Unclear
from negviz.retrieval.calibration import Calibration, Certainty
from negviz.retrieval.estimate import Estimate
from negviz.retrieval.search import Hit, Vectors
from negviz.retrieval.sets import SearchSet

CLEARLY: Final = 3  # films of ten away from chance, or from another column


@dataclass(frozen=True)
class Tally:
    """How many films satisfy a prompt, contradict it, or do not say."""

    matches: int
    contradicts: int
    not_stated: int

    @classmethod
    def of(cls, verdicts: Iterable[bool | None]) -> Tally:
        given = list(verdicts)
        return cls(given.count(True), given.count(False), given.count(None))

    @property
    def judged(self) -> int:
        return self.matches + self.contradicts

    def expected_in(self, films: int) -> float | None:
        """Matches among as many judged films picked at random; None where no film is judged."""
        return films * self.matches / self.judged if self.judged else None


@dataclass(frozen=True)
class Standing:
    """Where one model ranks a film, whether it is among the hits or not."""

    id: str
    rank: int | None  # 1 is best; None: beyond those of an archive that have a rank
    score: float
    relevant: bool | None


@dataclass(frozen=True)
class Margin:
    """How much nearer films are to a sentence than to its opposite: the difference of the two cosines.

    `value`, the mean over the hits, describes them and claims nothing: the sentence chose them for being near
    to it, so it lies above zero where the model knows nothing at all.
    """

    value: float
    # Of all films searched, how often one that satisfies the sentence has a larger margin than one that
    # contradicts it: an AUROC, one half where the margin tells nothing.  None unless both kinds are known.
    separation: Estimate | None

    @property
    def separates(self) -> bool | None:
        """Whether the margin tells right films from wrong ones, all of `separation` above one half."""
        return None if self.separation is None else self.separation.side_of(0.5) == 1


@dataclass(frozen=True, eq=False)
class Query:
    """What one model ranks films by.

    An answer is remembered, and so holds this rather than a ranking of all films: that is one product away.
    """

    tower_id: str  # of the film embeddings that it is compared with
    vectors: Vectors  # [1 or 2, dim] of the sentence and, where it has one, of its opposite
    calibration: Calibration | None


@dataclass(frozen=True)
class Column:
    """What one model answers."""

    model: str
    query: Query = field(compare=False, repr=False)
    hits: tuple[Hit, ...]
    tally: Tally  # of the hits
    random_picks: float | None  # matches to expect among the judged hits by chance
    showing: int | None  # hits whose film has the one finding asked about; None where that is not one
    margin: Margin | None = None  # None where the sentence has no opposite
    alike: float | None = None  # cosine of the sentence and its opposite in the text tower
    normal: int | None = None  # hits that are normal films; None where no film searched is known to be one
    normal_by_chance: float | None = None  # normal films to expect among as many films picked at random
    # Its probabilities are those of the hits; None where the sentence has no opposite or the model no
    # calibration.
    certainty: Certainty | None = field(default=None, compare=False, repr=False)

    @property
    def contradicting_picks(self) -> float | None:
        """Films that contradict to expect among the judged hits by chance."""
        return None if self.random_picks is None else self.tally.judged - self.random_picks

    @property
    def share(self) -> float:
        """Matches of ten judged films."""
        return 10 * self.tally.matches / self.tally.judged if self.tally.judged else 0.0

    @property
    def beyond_chance(self) -> float:
        """Matches of ten judged films, more than random picks would give."""
        if self.random_picks is None or not self.tally.judged:
            return 0.0
        return 10 * (self.tally.matches - self.random_picks) / self.tally.judged

    @property
    def normal_beyond_chance(self) -> float:
        """Normal films of ten shown, more than random picks would give."""
        if self.normal is None or self.normal_by_chance is None:
            return 0.0
        return 10 * (self.normal - self.normal_by_chance) / len(self.hits)

    @property
    def abstains(self) -> bool:
        """Whether the order of the films is known to be worth nothing."""
        return self.certainty is not None and self.certainty.abstains

    def probability(self, place: int) -> float | None:
        """Of the hit at a place, 0 the best, satisfying the sentence; None: not known."""
        if self.certainty is None or self.certainty.probabilities is None:
            return None
        return float(self.certainty.probabilities[place])


# Why no film is judged: the sentence is not English, may mean several things, names no finding that is known,
# is uncertain, says of one finding both that it is there and that it is not, or denies it for one side where
# films do not record sides.
Unmarked = Unclear | Literal["language", "ask", "side"]


@dataclass(frozen=True)
class Answer:
    """What every model answers to one sentence, in column order."""

    prompt: Prompt
    mentions: tuple[Mention, ...]  # what the films are judged by: as read, or as the visitor meant it
    cut: bool  # the sentence went on beyond MAX_CHARACTERS
    unmarked: Unmarked | None  # None: hits are judged
    tally: Tally  # of all films searched
    columns: tuple[Column, ...]
    # that were searched: those asked for, or the list of what the sentence is about
    films: SearchSet = field(compare=False, repr=False)
    opposite: Prompt | None = None  # as read, or as the visitor worded it
    scopes: tuple[tuple[int, int], ...] = ()  # character offsets that the cues of the sentence reach over
    read_twice: bool = False  # by the family's second reader, too, and not by rules alone
    by_side: bool = False  # the films searched record sides, so one that is asked for is judged

    @property
    def marked(self) -> bool:
        """Whether hits are judged."""
        return self.unmarked is None

    @property
    def suggestion(self) -> tuple[Mention, ...]:
        """What the sentence may have meant, to be asked before any film is judged."""
        return self.prompt.asked if self.unmarked == "ask" else ()

    def judge(self, film: Film) -> bool | None:
        """Whether a film is right for the sentence; None where it does not say, or nothing is marked."""
        return judge(film, self.judged)

    @property
    def judged(self) -> Prompt:
        """The prompt with what films are judged by in place of what was read."""
        return replace(self.prompt, mentions=self.mentions if self.marked else ())

    def plain(self) -> dict[str, Any]:
        """The answer as JSON."""
        return {
            "prompt": self.prompt.text,
            "finding": self.prompt.finding,
            "polarity": self.prompt.polarity,
            "read_by": ["rules", "second reader"] if self.read_twice else ["rules"],
            "mentions": [asdict(mention) for mention in self.mentions],
            "sure": self.prompt.sure,
            "suggestion": [asdict(mention) for mention in self.prompt.suggestion or ()],
            "besides": [asdict(mention) for mention in self.prompt.besides],
            "marked": self.marked,
            "unmarked": self.unmarked,
            "opposite": self.opposite.text if self.opposite else None,
            "films": asdict(self.tally),
            "models": {column.model: _plain(column) for column in self.columns},
        }


def _plain(column: Column) -> dict[str, Any]:
    margin = column.margin
    return {
        "hits": [
            {**asdict(hit), "satisfies_probability": column.probability(hit.rank - 1)} for hit in column.hits
        ],
        **asdict(column.tally),
        "judged": column.tally.judged,
        "random_picks": column.random_picks,
        "normal": column.normal,
        "normal_by_chance": column.normal_by_chance,
        "margin": asdict(margin) | {"separates": margin.separates} if margin else None,
        "abstains": None if column.certainty is None else column.certainty.abstains,
    }
