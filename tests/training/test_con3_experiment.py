"""CON3's exam and its seeds, on the tiny family: what is held out, what is shared, what is reported."""

from __future__ import annotations

import numpy as np
import pytest

from negviz.evaluation.prompts import template
from negviz.films.collection import Collection
from training.data.captions import Bank, Caption
from training.measure.experiments.con3 import Exam, Setting, ablations
from training.measure.reader import WRITTEN, read_written
from training.tune.captions import CaptionConfig


class Models:
    """A stand-in for a model that ranks films along one axis, for or against a caption's wish."""

    def __init__(self, wish: dict[str, float]) -> None:
        self._wish = wish

    def encode_text(self, texts: list[str]) -> np.ndarray:
        return np.array([[self._wish.get(text, 0.0), 0.0] for text in texts], np.float32)


def exam() -> Exam:
    from tests.training.test_captions import film

    films = tuple(film(n, findings="effusion") if n < 5 else film(n, denied="effusion") for n in range(10))
    vectors = np.array([[1.0 if n < 5 else -1.0, 0.0] for n in range(10)], np.float32)
    said = {"an effusion": "present", "fluid": "present", "no effusion": "absent", "dry": "absent"}
    kinds = {"an effusion": "plain", "fluid": "lay words", "no effusion": "plain", "dry": "lay words"}
    captions = tuple(
        Caption(text, (("effusion", polarity),), "composed", 0, kind=kinds[text])  # type: ignore[arg-type]
        for text, polarity in said.items()
    )
    right = np.array(
        [[float((n < 5) == (c.polarity == "present")) for n in range(10)] for c in captions], np.float32
    )
    return Exam(films, vectors, captions, right)


def test_every_kind_of_wording_counts_alike() -> None:
    marks = exam().score(Models({"an effusion": 1, "fluid": -1, "no effusion": -1, "dry": -1}))  # type: ignore[arg-type]
    assert marks == {"composed/present": 0.5, "composed/absent": 1.0, "mean": 0.75}
    assert exam().counts == {"composed/present": 2, "composed/absent": 2}


def test_every_part_is_left_out_of_the_same_run() -> None:
    tried = ablations()
    whole, short = tried["CON3"].config, tried["half the steps"].config
    assert whole == CaptionConfig()
    assert short.steps == whole.steps // 2
    changed = {
        name: {key for key, value in vars(setting.config).items() if value != getattr(short, key)}
        for name, setting in tried.items()
        if name.startswith("half the steps, ")
    }
    assert changed["half the steps, without distillation"] == {"distil"}
    assert changed["half the steps, without film → captions"] == {"choosing"}
    assert changed["half the steps, without denials → films"] == {"denials"}
    assert changed["half the steps, effusion alone"] == set()
    facts = [repr(setting.facts()) for setting in tried.values()]
    assert len(set(facts)) == len(facts)


def test_the_effusion_alone_keeps_what_speaks_of_nothing_else() -> None:
    keep = ablations()["half the steps, effusion alone"].keep
    bank = Bank(
        (
            Caption("a", (("effusion", "absent"),), "prompt", 0, "b"),
            Caption("c", (("effusion", "absent"), ("nodule", "absent")), "sentence", 0),
            Caption("d", (), "sentence", 0),
        )
    )
    assert [caption.text for caption in bank.where(keep).captions] == ["a", "d"]
    assert Setting(CaptionConfig()).keep(bank.captions[1])


def test_written_sentences_that_a_caption_resembles_are_not_asked(collection: Collection) -> None:
    from training.measure.experiments.con3 import _written

    sentence = next(one for one in read_written(WRITTEN) if one.gold)
    known = Bank((Caption(sentence.text, (("effusion", "present"),), "prompt", 0, "x"),))
    asked = {template(caption.text) for caption in _written(known)}
    assert template(sentence.text) not in asked
    assert template(sentence.text) in {template(caption.text) for caption in _written(Bank(()))}


@pytest.mark.parametrize("seed", [0, 1])
def test_the_facts_of_a_run_leave_its_seed_to_the_run(seed: int) -> None:
    assert Setting(CaptionConfig(seed=seed)).facts() == Setting(CaptionConfig()).facts()
