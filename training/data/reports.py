"""Report sentences: those that NLM's indexing does not contradict, and those that were labelled by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from negviz.common.csv_file import read_csv
from negviz.common.errors import NegvizError
from negviz.common.shipped import ROOT
from negviz.evaluation.prompts import template
from negviz.films.collection import Film
from negviz.films.openi import Report
from negviz.findings import BY_NAME, Polarity
from negviz.language.prompt import read_mentions
from training.data.films import different_sentences
from training.data.typed import Composed, fold_of

SEEN: Final = ROOT / "tests" / "data" / "seen.csv"  # by uid and number; `training.measure.reader` says how
BLIND: Final = ROOT / "tests" / "data" / "blind.csv"  # they came about
KIND = "report"
_LONGEST = 40  # words


def agreed_sentences(films: Iterable[Film], reports: Mapping[str, Report]) -> Iterator[Composed]:
    """Each sentence of the films' studies once, as the rules read it, unless most headings say otherwise."""
    for text, studies in different_sentences(films, reports, _short_enough).items():
        read = {(mention.finding, mention.polarity) for mention in read_mentions(text)}
        said: dict[str, Polarity] = dict(read)
        disputed = sum(_contradicts(said, reports[uid]) for uid in studies)
        if len(said) == len(read) and 2 * disputed < len(studies):
            yield Composed(text, said, KIND, fold_of(template(text)))


def _short_enough(sentence: str) -> bool:
    return len(sentence.split()) <= _LONGEST


def labelled_sentences(reports: Mapping[str, Report]) -> Iterator[str]:
    """The report sentences that the rules are measured on."""
    for path in (SEEN, BLIND):
        for row in read_csv(path, ("uid", "sentence"), NegvizError).rows:
            report = reports.get(row["uid"])
            if report is not None and int(row["sentence"]) < len(report.sentences):
                yield report.sentences[int(row["sentence"])]


def letters(text: str) -> str:
    """A text by which it is the same as another, but for case, spaces and most signs."""
    return " ".join(re.findall(r"[a-z0-9+?-]+", text.casefold()))


def _contradicts(said: Mapping[str, Polarity], report: Report) -> bool:
    """Whether a study is indexed as having what a sentence denies, or as normal where it states a finding."""
    headings = {term.split("/")[0] for term in report.mesh}
    return any(
        not headings.isdisjoint(BY_NAME[finding].mesh)
        if polarity == "absent"
        else polarity == "present" and finding != "normal" and "normal" in report.mesh
        for finding, polarity in said.items()
    )
