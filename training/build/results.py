"""The last step: the pre-listed evaluations, the model cards, the tables."""

from __future__ import annotations

from dataclasses import dataclass

from negviz.common.files import write_json
from negviz.models.encoder import load_models
from negviz.retrieval.embeddings import shipped_path
from training.measure.evaluate import evaluate
from training.paths import PHANTOMS, PROMPTS, Places
from training.report.cards import write_cards
from training.report.command import ROOT, refresh


@dataclass(frozen=True)
class Evaluation:
    """One pre-listed evaluation: which films, which prompts."""

    collection: str
    split: str
    prompts: str

    def command(self, family: str, out: str) -> str:
        return (
            f"python -m training evaluate --family {family} --collection {self.collection} "
            f"--split {self.split} --prompts assets/prompts/{self.prompts} --k 10 --json {out}"
        )


def evaluations(places: Places) -> dict[str, Evaluation]:
    """By name of the results file.  The shipped family's are listed before anything is measured."""
    if places.collection != "openi":
        return {"results": Evaluation(places.collection, "test", "evaluation.csv")}
    listed = {
        "openi": Evaluation("openi", "test", "evaluation.csv"),
        "openi-findings": Evaluation("openi", "test", "findings.csv"),
    }
    if places.nih is not None or shipped_path(_tower_id(places), "nih").is_file():
        listed["nih"] = Evaluation("nih", "all", "evaluation.csv")
    if places.open_phantoms() is not None:
        listed["phantoms"] = Evaluation(PHANTOMS, "test", "evaluation.csv")
        listed["phantoms-findings"] = Evaluation(PHANTOMS, "all", "findings.csv")
    return listed


def _tower_id(places: Places) -> str:
    return load_models(places.family)["base"].tower_id


def build_results(places: Places) -> None:
    """Run the evaluations and write the model cards; for the shipped family also every table."""
    family = places.family.resolve()
    for name, evaluation in evaluations(places).items():
        results = evaluate(
            family=family,
            collection=evaluation.collection,
            films={"nih": places.nih, PHANTOMS: None}.get(evaluation.collection, places.films),
            split=evaluation.split,
            prompts=PROMPTS / evaluation.prompts,
        )
        out = places.results / f"{name}.json"
        shown = [path.relative_to(ROOT).as_posix() if places.shipped else path.name for path in (family, out)]
        write_json(out, {**results, "command": evaluation.command(*shown)})
    write_cards(family)
    if places.shipped:
        refresh(ROOT)
