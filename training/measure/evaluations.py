"""The evaluations that are listed before anything is measured: which films, which prompts."""

from __future__ import annotations

from dataclasses import dataclass

from negviz.films.collection import PHANTOMS, Split
from negviz.models.family import load_models
from negviz.retrieval.embeddings import shipped_path
from training.paths import Paths, told


@dataclass(frozen=True)
class Evaluation:
    """One pre-listed evaluation: which films, which prompts."""

    collection: str
    split: Split
    prompts: str

    def command(self, family: str, out: str) -> str:
        return (
            f"python -m training evaluate --family {family} --collection {told(self.collection)} "
            f"--split {self.split} --prompts assets/prompts/{self.prompts} --k 10 --json {out}"
        )


def evaluations(paths: Paths, tower_id: str | None = None) -> dict[str, Evaluation]:
    """By name of the results file.  The shipped family's are listed before anything is measured.

    `tower_id` is that of the base where there is no family yet.
    """
    if paths.collection != "openi":
        return {"results": Evaluation(paths.collection, "test", "evaluation.csv")}
    listed = {
        "openi": Evaluation("openi", "test", "evaluation.csv"),
        "openi-findings": Evaluation("openi", "test", "findings.csv"),
    }
    if paths.nih is not None or shipped_path(tower_id or _tower_id(paths), "nih").is_file():
        listed["nih"] = Evaluation("nih", "all", "evaluation.csv")
    if paths.open_phantoms() is not None:
        listed["phantoms"] = Evaluation(PHANTOMS, "test", "evaluation.csv")
        listed["phantoms-findings"] = Evaluation(PHANTOMS, "lists", "findings.csv")
    return listed


def _tower_id(paths: Paths) -> str:
    return load_models(paths.family)["base"].tower_id
