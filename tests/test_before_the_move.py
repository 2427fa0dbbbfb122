"""What was made before the code was moved opens, and says what it said."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

import negviz
from negviz.models.checkpoint import read_family
from negviz.retrieval.permalink import fragment
from negviz.study.design import StudyError
from negviz.study.export import to_csv
from negviz.study.store import StudyFile
from training.measure.study import results

OLD: Final = Path(__file__).parent / "data" / "before_the_move"
THEN: Final[dict[str, Any]] = json.loads((OLD / "then.json").read_text(encoding="utf-8"))


def test_a_family_and_a_collection_find_what_they_found() -> None:
    models, films = negviz.load_models(OLD / "family"), negviz.open_collection(OLD / "drawn")
    assert films.hash == THEN["collection_hash"]
    assert {model.tower_id for model in models.values()} == {THEN["tower_id"]}
    for sentence, found in THEN["hits"].items():
        assert list(models) == list(found)
        for name, hits in found.items():
            now = negviz.search(models[name], films, sentence, k=len(hits))
            assert [(hit.id, hit.relevant) for hit in now] == [(id_, relevant) for id_, _, relevant in hits]
            assert [hit.score for hit in now] == pytest.approx([score for _, score, _ in hits], abs=2e-4)


def test_a_study_opens_with_its_decisions_and_goes_on(tmp_path: Path) -> None:
    study = StudyFile(Path(shutil.copy(OLD / "reader.study", tmp_path)))
    try:
        assert json.loads(json.dumps(results(study))) == THEN["study"]
        assert to_csv(study.design, study.records()) == THEN["study_csv"]
        assert study.show(THEN["code"]) is None  # this reader is done
        assert study.show(study.enrol(consent="I agree.")) is not None
    finally:
        study.close()


def test_a_family_of_another_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    family = Path(shutil.copytree(OLD / "family", tmp_path / "family"))
    record = json.loads((family / "family.json").read_text(encoding="utf-8"))
    (family / "family.json").write_text(json.dumps({**record, "format": 0}), encoding="utf-8")
    with pytest.raises(negviz.CheckpointError, match="python -m training all"):
        read_family(family)


def test_a_study_of_another_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = Path(shutil.copy(OLD / "reader.study", tmp_path))
    with closing(sqlite3.connect(path)) as study:
        study.execute("PRAGMA user_version = 99")
    with pytest.raises(StudyError, match="python -m training study FILE --new"):
        StudyFile(path)


def test_a_link_is_the_one_that_was_made() -> None:
    assert (
        fragment("No pleural effusion.", films="drawn/test", meant=("effusion", "absent"))
        == THEN["permalink"]
    )
