"""Published tests of negation on films and models so small that every figure can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from negviz.evaluation.prompts import read_prompts, template
from negviz.evaluation.protocols import (
    PROTOCOLS,
    SOURCES,
    Asked,
    Denial,
    ProtocolFigure,
    combinations,
    denials,
    least_abnormal,
    report_retrieval,
    reports_turned,
)
from negviz.films.collection import Collection, Film
from negviz.findings import ABNORMAL
from negviz.language.prompt import read_mentions
from training.paths import PROMPTS

EXACT = 0.025  # what both ends of a 95 % interval leave out


class Words:
    """A model whose vectors of sentences are made by a rule; an axis a finding."""

    def __init__(self, sign: Callable[[str], float]) -> None:
        self._sign = sign

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([self._vector(text) for text in texts], np.float32)

    def _vector(self, text: str) -> NDArray[np.float64]:
        vector = np.zeros(len(ABNORMAL))
        for mention in read_mentions(text):
            if mention.finding in ABNORMAL:
                vector[ABNORMAL.index(mention.finding)] = self._sign(mention.polarity)
        return np.asarray(vector / (np.linalg.norm(vector) or 1.0))


READS = Words(lambda polarity: 1.0 if polarity == "present" else -1.0)
BLIND = Words(lambda polarity: 1.0)  # a finding is a finding, whatever is said of it


def film(number: int, shown: str = "", denied: str = "", uid: str = "") -> Film:
    has, lacks = frozenset(shown.split()), frozenset(denied.split())
    return Film(f"f{number:03}", f"f{number:03}.png", uid or f"s{number:03}", findings=has, denied=lacks)


def asked(films: Sequence[Film], model: Words = READS) -> Asked:
    """Films as a perfect image tower sees them: one for what is shown, less one for what is not."""
    vectors = np.array(
        [[{True: 1.0, False: -1.0, None: 0.0}[f.states(name, "present")] for name in ABNORMAL] for f in films]
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Asked.of(model, Collection("drawn", tuple(films)), vectors, resamples=200)


def values(figures: Sequence[ProtocolFigure]) -> dict[tuple[str, str], float]:
    return {(each.quantity, each.group): each.estimate.value for each in figures}


def one(figures: Sequence[ProtocolFigure], group: str, quantity: str = "accuracy") -> ProtocolFigure:
    (found,) = (each for each in figures if (each.quantity, each.group) == (quantity, group))
    return found


WET = [film(n, "effusion", "cardiomegaly") for n in range(4)]


# Choices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["affirmation-control", "negation-understanding", "mcq-neg"])
@pytest.mark.parametrize("audit", ["presence-audit", "absence-audit"])
def test_who_reads_and_sees_answers_every_question(name: str, audit: str) -> None:
    films = [*WET, *(film(n, "cardiomegaly", "effusion nodule") for n in range(4, 8)), film(8, "normal")]
    for protocol in (name, audit):
        figures = PROTOCOLS[protocol](asked(films))
        wrong = [each for each in figures if each.quantity == "accuracy" and each.estimate.value != 1]
        assert figures
        assert not wrong


def test_who_ignores_the_no_answers_four_ways_as_worked_out_by_hand() -> None:
    """Shows A is level with does not show A, so half; what is ruled out draws it away from the rest."""
    figures = PROTOCOLS["mcq-neg"](asked(WET, BLIND))
    assert {group: value for (_, group), value in values(figures).items()} == pytest.approx(
        {"all": 1 / 6, "affirmation": 1 / 2, "negation": 0.0, "hybrid": 0.0}
    )
    assert {each.chance for each in figures} == {0.25}
    assert one(figures, "all").n == 12  # three questions a film


def test_who_ignores_the_no_passes_the_control_and_guesses_at_negation() -> None:
    assert one(PROTOCOLS["affirmation-control"](asked(WET, BLIND)), "all").estimate.value == 1
    found = values(PROTOCOLS["negation-understanding"](asked([*WET, film(9, "normal")], BLIND)))
    assert found["accuracy", "finding there"] == 0.5
    assert found["accuracy", "absent, normal film"] == 0.5


def test_the_presence_audit_counts_denials_of_what_is_there() -> None:
    figures = PROTOCOLS["presence-audit"](asked(WET, Words(lambda p: float(p == "absent"))))
    assert values(figures) == {("accuracy", "all"): 0.0, ("denial of what is there chosen", "all"): 1.0}


def test_normal_films_do_not_hide_in_the_absence_audit() -> None:
    films = [film(0, "effusion", "cardiomegaly nodule"), film(1, "normal"), film(2, "normal")]
    groups = {each.group: each.n for each in PROTOCOLS["absence-audit"](asked(films))}
    assert groups == {"all": 3, "another finding there": 1, "normal film": 2}


def test_a_film_that_does_not_say_is_asked_nothing() -> None:
    silent = [film(n, "effusion") for n in range(3)]
    assert PROTOCOLS["mcq-neg"](asked(silent)) == []
    assert PROTOCOLS["retrieval-neg"](asked(silent)) == []
    assert PROTOCOLS["bi-mcq"](asked(silent)) == []


# Intervals ------------------------------------------------------------------------------------


def test_where_no_resample_differs_the_bounds_are_exact() -> None:
    found = one(PROTOCOLS["affirmation-control"](asked(WET)), "all").estimate
    assert found.low == pytest.approx(EXACT ** (1 / 4))
    assert found.high == 1
    wrong = one(PROTOCOLS["presence-audit"](asked(WET, Words(lambda p: -1.0))), "all").estimate
    assert wrong.value == wrong.low == 0
    assert wrong.high == pytest.approx(1 - EXACT ** (1 / 4))


def test_films_of_a_study_are_drawn_together() -> None:
    """Ten films of one study and ten of ten others: as sure as eleven studies let one be."""
    together = [film(n, "effusion", "cardiomegaly", uid="s") for n in range(10)]
    apart = [film(n, "effusion", "cardiomegaly") for n in range(10, 20)]
    found = one(PROTOCOLS["affirmation-control"](asked([*together, *apart])), "all")
    assert (found.n, found.studies) == (20, 11)
    assert found.estimate.low == pytest.approx(EXACT ** (1 / 11))


# AUC of prompts -------------------------------------------------------------------------------


def test_findings_of_few_films_are_pooled_pair_by_pair() -> None:
    """Effusion: 1 film against 2, half of the pairs right; nodule: 1 against 1, right: (0.5·2 + 1·1) / 3."""
    films = [film(0, "effusion"), film(1, "", "effusion"), film(2, "", "effusion")]
    films += [film(3, "nodule"), film(4, "", "nodule")]
    vectors = np.zeros((5, len(ABNORMAL)))
    vectors[:3, ABNORMAL.index("effusion")] = 0.5, 0.1, 0.9
    vectors[3:, ABNORMAL.index("nodule")] = 0.9, 0.1
    found = values(PROTOCOLS["bi-mcq"](Asked.of(READS, Collection("few", tuple(films)), vectors)))
    pooled = "findings of few films, pooled"
    assert found == pytest.approx(
        {
            ("AUC, positive prompt", pooled): 2 / 3,
            ("AUC, negative prompt", pooled): 2 / 3,
            ("AUC, PNC", pooled): 2 / 3,
            ("positive − negative", pooled): 0.0,
        }
    )


def test_a_finding_of_films_enough_stands_alone_and_in_the_mean() -> None:
    films = [film(n, "effusion") for n in range(10)] + [film(n, "", "effusion") for n in range(10, 20)]
    found = values(PROTOCOLS["bi-mcq"](asked(films, BLIND)))
    for group in ("effusion", "mean of findings"):
        assert found["AUC, positive prompt", group] == 1
        assert found["AUC, negative prompt", group] == 0  # it looks for what is denied
        assert found["AUC, PNC", group] == 0.5  # both prompts are one to it
        assert found["positive − negative", group] == 1


# Retrieval ------------------------------------------------------------------------------------


def test_looking_for_one_without_another_needs_the_no() -> None:
    both = [film(n, "effusion nodule") for n in range(5)]
    alone = [film(n, "effusion", "nodule") for n in range(5, 10)]
    figures = PROTOCOLS["retrieval-neg"](asked([*both, *alone]))
    assert one(figures, "A but not B", "R@1").estimate.value == 1
    assert one(figures, "A but not B", "R@1").chance == 0.5  # five of ten
    assert one(figures, "A but not B", "R@5").chance == pytest.approx(1 - 1 / 252)
    blind = PROTOCOLS["retrieval-neg"](asked([*both, *alone], BLIND))
    assert one(blind, "A but not B", "R@5").estimate.value == 0
    assert one(blind, "A but not B", "R@10").estimate.value == 1


class Place:
    """Twelve queries, each with an order of its own: four wrong films, a right one, then all others."""

    def __init__(self, films: Sequence[Film]) -> None:
        self._queries = list(permutations(ABNORMAL[:4], 2))
        self.vectors = np.zeros((len(films), len(self._queries)))
        for column, (shown, _) in enumerate(self._queries):
            right = [row for row, each in enumerate(films) if shown in each.findings]
            wrong = [row for row in range(len(films)) if row not in right]
            first = [*np.random.default_rng(column).choice(wrong, 4, replace=False), right[column % 10]]
            self.vectors[first, column] = 0.9, 0.8, 0.7, 0.6, 0.5

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        said = [[mention.finding for mention in read_mentions(text)] for text in texts]
        return np.array([[list(query) == each for query in self._queries] for each in said], np.float32)


def test_what_resampling_takes_from_recall_is_given_back() -> None:
    """Each right film is the fifth; one wrong film drawn twice is enough to push it out of five."""
    four = set(ABNORMAL[:4])
    films = [film(n, ABNORMAL[n % 4], " ".join(four - {ABNORMAL[n % 4]})) for n in range(40)]
    model = Place(films)
    figures = PROTOCOLS["retrieval-neg"](Asked.of(model, Collection("forty", tuple(films)), model.vectors))
    found = one(figures, "A but not B", "R@5").estimate
    assert found.value == found.high == 1
    assert found.low is not None
    assert 0.5 < found.low < 1


REPORTS = {
    "s000": ("There is a pleural effusion.", "The bones are old."),
    "s001": ("No pleural effusion.", "The heart is big."),
    "s002": ("No pleural effusion.", "The heart is big."),
}


def test_a_sentence_is_put_against_its_opposite_and_its_omission() -> None:
    films = [film(0, "effusion"), film(1, "cardiomegaly", "effusion"), film(2, "cardiomegaly", "effusion")]
    found = values(reports_turned(asked(films), REPORTS))
    assert found["sentence against its opposite", "a finding affirmed"] == 1
    assert found["sentence against its opposite", "a finding denied"] == 1
    assert found["report first of the three", "a finding affirmed"] == 1
    blind = values(reports_turned(asked(films, BLIND), REPORTS))
    assert blind["sentence against its opposite", "a finding affirmed"] == 0.5
    assert blind["report against its omission", "a finding affirmed"] == 1
    assert reports_turned(asked(films), {}) == []


def test_reports_of_the_same_words_are_one() -> None:
    films = [film(0, "effusion"), film(1, "cardiomegaly", "effusion"), film(2, "cardiomegaly", "effusion")]
    figures = report_retrieval(asked(films), REPORTS)
    assert one(figures, "film → report", "R@1").estimate.value == 1
    assert one(figures, "film → report", "R@1").chance == 0.5  # two reports
    assert one(figures, "report → film", "R@1").chance == pytest.approx((1 / 3 + 2 / 3) / 2)
    assert one(figures, "report → film", "R@1").n == 2


# Normal, or not -------------------------------------------------------------------------------

NO_EFFUSION = [Denial("No pleural effusion.", "effusion")]


class Healthy:
    """Answers everything with the chests that have least to show."""

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.full((len(texts), len(ABNORMAL)), -(len(ABNORMAL) ** -0.5), np.float32)


def chests() -> list[Film]:
    """Twelve normal, twelve with effusion and nodule, twelve with cardiomegaly, emphysema, edema, nodule."""
    rest = set(ABNORMAL)
    wet, ill = {"effusion", "nodule"}, {"cardiomegaly", "emphysema", "edema", "nodule"}
    return [
        *(film(n, "normal") for n in range(12)),
        *(film(n, " ".join(wet), " ".join(rest - wet)) for n in range(12, 24)),
        *(film(n, " ".join(ill), " ".join(rest - ill)) for n in range(24, 36)),
    ]


def test_who_picks_the_healthy_is_right_of_all_films_and_wrong_of_ill_ones() -> None:
    healthy = asked(chests())
    healthy = Asked.of(Healthy(), healthy.films, healthy.vectors)
    figures = denials(healthy, NO_EFFUSION)
    assert values(figures) == {
        ("right of 10", "effusion: all films"): 10,
        ("normal of 10", "effusion: all films"): 10,
        ("right of 10", "effusion: films with another finding"): 0,
    }
    chances = {(each.quantity, each.group): each.chance for each in figures}
    assert chances["normal of 10", "effusion: all films"] == pytest.approx(5)  # 12 of the 24 that are right
    assert chances["right of 10", "effusion: films with another finding"] == pytest.approx(5)
    assert one(combinations(healthy), "one finding without another", "normal of 10").estimate.value == 10
    assert one(combinations(healthy), "one finding without another", "right of 10").estimate.value == 0


def test_who_reads_finds_ill_films_that_lack_what_is_denied() -> None:
    figures = denials(asked(chests()), NO_EFFUSION)
    assert one(figures, "effusion: films with another finding", "right of 10").estimate.value == 10
    assert one(combinations(asked(chests())), "one finding without another", "normal of 10").chance == (
        pytest.approx(10 / 3)
    )


def test_of_two_chests_the_less_ill_tells_who_reads_from_who_picks_it() -> None:
    everything = set(ABNORMAL)
    pairs = [
        film(n, shown, " ".join(everything - set(shown.split())), uid=uid)
        for n, (uid, shown) in enumerate(
            [("a", "nodule"), ("a", "nodule effusion"), ("b", "nodule"), ("b", "nodule edema")]
        )
    ]
    vectors = np.array([[1.0 if name in f.findings else 0.0 for name in ABNORMAL] for f in pairs])
    films = Collection("pairs", tuple(pairs))
    denied, another = "chests that differ in what is denied", "chests that differ in another"
    reads = least_abnormal(Asked.of(READS, films, vectors), NO_EFFUSION)
    picks = least_abnormal(Asked.of(Healthy(), films, vectors), NO_EFFUSION)
    assert {each.group: each.estimate.value for each in reads} == {denied: 1, another: 0.5}
    assert {each.group: each.estimate.value for each in picks} == {denied: 1, another: 1}
    assert {each.chance for each in (*reads, *picks)} == {0.5}


# Sources --------------------------------------------------------------------------------------


def test_every_protocol_says_where_it_comes_from_and_no_figure_stands_without_its_words() -> None:
    others = {"reports-turned", "report-retrieval", "normal", "least-abnormal"}
    assert set(SOURCES) == set(PROTOCOLS) | others
    for source in SOURCES.values():
        assert source.paper
        assert source.ours
        assert all(each.figures and each.quote and each.where for each in source.published)


def test_what_is_asked_in_nobodys_words_shares_no_template_with_a_training_prompt() -> None:
    trained = {template(row.prompt) for row in read_prompts(PROMPTS / "training.csv")}
    worded = ("This image shows X but not Y.", "This image does not show X.", "This image shows X.")
    asked_as = {template(text.replace("X", "effusion").replace("Y", "nodule")) for text in worded}
    assert not asked_as & trained
