"""What each word did: completeness, words and pieces, methods against captum and each other, threads."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
import torch
from captum.attr import LayerIntegratedGradients, ShapleyValues

import negviz
from negviz.explain.attribution import (
    METHODS,
    Attribution,
    AttributionError,
    attribute,
    contrast,
    strengths,
)
from negviz.explain.attribution.sentence import Sentence, words_of
from negviz.explain.attribution.shapley import shapley
from negviz.language.prompt import read_prompt
from negviz.models.encoder import DualEncoder
from negviz.models.family import open_hub_model
from negviz.models.text_tower import Piece
from tests import tiny_hub

NEGATED = "No pleural effusion."
LONGER = "the left lung is clear and there is no effusion or fluid"  # more words than are enumerated


@pytest.fixture(scope="module")
def hits(models: dict[str, DualEncoder]) -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=(10, models["base"].dim)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@pytest.fixture(scope="module", params=["clip", "siglip", "vision_text"])
def hub_model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DualEncoder:
    folder: Path = tmp_path_factory.mktemp(request.param)
    make: Callable[[Path], object] = getattr(tiny_hub, f"tiny_{request.param}")
    make(folder)
    return open_hub_model(str(folder))


# What comes out -------------------------------------------------------------------------------


def test_the_contract(models: dict[str, DualEncoder]) -> None:
    prompt = negviz.read_prompt(NEGATED)
    given = negviz.attribute(models["con2"], prompt, target="contrast", method="ig")
    assert given.words == prompt.words
    assert len(given.scores) == len(given.words)
    assert (given.target, given.method, given.unread) == ("contrast", "ig", 0)
    assert given.cue == "No"
    assert given.even_share == 1 / 4
    sizes = np.abs(given.scores)
    assert given.cue_share == pytest.approx(sizes[0] / sizes.sum())


def test_it_is_plain_json(models: dict[str, DualEncoder]) -> None:
    plain = json.loads(json.dumps(attribute(models["base"], NEGATED).plain()))
    assert [word["text"] for word in plain["words"]] == ["No", "pleural", "effusion", "."]
    assert plain["words"][0]["is_cue"] is True
    assert set(plain) == {"words", "cue_share", "even_share", "special", "score", "delta", "unread"}


def test_without_a_cue_there_is_no_share(models: dict[str, DualEncoder]) -> None:
    given = attribute(models["base"], "pleural effusion")
    assert (given.cue, given.cue_share, given.even_share) == (None, None, None)


def test_scores_are_signed_and_turn_round_with_the_direction(models: dict[str, DualEncoder]) -> None:
    direction = np.random.default_rng(1).normal(size=models["con2"].dim)
    one, other = (attribute(models["con2"], NEGATED, target=sign * direction) for sign in (1, -1))
    np.testing.assert_allclose(one.scores, np.negative(other.scores), atol=1e-6)
    assert one.target == "vector"


def test_the_score_is_the_mean_similarity_to_the_hits(
    models: dict[str, DualEncoder], hits: np.ndarray
) -> None:
    given = attribute(models["con1"], NEGATED, target="hits", hits=hits)
    assert given.score == pytest.approx((hits @ models["con1"].encode_text([NEGATED])[0]).mean(), abs=1e-6)


def test_a_contrast_knows_a_worded_opposite(models: dict[str, DualEncoder]) -> None:
    ours = attribute(models["con2"], NEGATED)
    theirs = attribute(models["con2"], NEGATED, opposite=read_prompt("there is fluid in the pleural space"))
    assert ours.scores != theirs.scores


def test_strengths_share_one_scale(models: dict[str, DualEncoder]) -> None:
    given = [attribute(model, NEGATED) for model in models.values()]
    lengths = np.array(strengths(given))
    sizes = np.abs([a.scores for a in given])
    np.testing.assert_allclose(lengths, sizes / sizes.max())


# Methods --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_every_method_serves_every_tower(hub_model: DualEncoder, method: str) -> None:
    given = attribute(hub_model, "no effusion is seen", method=method)
    assert len(given.scores) == 4
    assert np.isfinite(given.scores).all()
    assert any(given.scores)
    if method in ("ig", "shapley"):  # complete: nothing is left over
        assert abs(given.delta) < 0.02 * max(1, np.abs(given.scores).sum())


@pytest.mark.parametrize("target", ["contrast", "hits"])
def test_integrated_gradients_leave_little_over(
    models: dict[str, DualEncoder], hits: np.ndarray, target: str
) -> None:
    for model in models.values():
        given = attribute(model, NEGATED, target=target, hits=hits)  # type: ignore[arg-type]
        assert abs(given.delta) < 1e-2
        assert given.special == pytest.approx(0, abs=1e-7)  # special tokens are the same in the baseline


def test_integrated_gradients_are_those_of_hooks_and_more_steps(models: dict[str, DualEncoder]) -> None:
    model, direction = models["con2"], np.eye(models["con2"].dim, dtype=np.float32)[3]
    prompt = read_prompt(NEGATED)
    tower = model.text.private_copy()  # the hooked way needs a copy of its own
    sentence = Sentence.of(tower, prompt, torch.from_numpy(direction))
    tokens = tower.tokenize([NEGATED])
    ids = tokens["input_ids"]
    padded = torch.tensor(
        [
            [
                i if word is None else tower.pad_id
                for i, word in zip(ids[0].tolist(), sentence.word_of, strict=True)
            ]
        ]
    )
    hooked = LayerIntegratedGradients(
        lambda given: tower(given, tokens["attention_mask"].expand(len(given), -1)) @ sentence.direction,
        tower.word_embeddings,
    ).attribute(ids, padded, n_steps=50, method="gausslegendre")
    want, _ = sentence.by_word(hooked.sum(-1)[0].detach())
    np.testing.assert_allclose(attribute(model, prompt, target=direction).scores, want, atol=2e-3)


def test_occlusion_is_what_a_word_less_does(models: dict[str, DualEncoder]) -> None:
    model, direction = models["base"], np.eye(models["base"].dim, dtype=np.float32)[0]
    given = attribute(model, NEGATED, target=direction, method="occlusion")
    tokens = model.text.tokenize([NEGATED])
    ids = tokens["input_ids"].clone()
    ids[0, 1] = model.text.pad_id  # "no" is one token of the tiny tower
    with torch.no_grad():
        less = float(model.text(ids, tokens["attention_mask"])[0, 0])
    assert given.scores[0] == pytest.approx(given.score - less, abs=1e-6)


def test_shapley_values_are_captums_where_all_sets_are_asked(models: dict[str, DualEncoder]) -> None:
    prompt = read_prompt("no effusion left")
    direction = torch.eye(models["con1"].dim)[2]
    sentence = Sentence.of(models["con1"].text, prompt, direction)
    want = ShapleyValues(lambda kept: torch.from_numpy(sentence.values(kept.bool().numpy()))).attribute(
        torch.ones(1, 3), torch.zeros(1, 3)
    )
    np.testing.assert_allclose(shapley(sentence), want[0].numpy(), atol=1e-6)


def test_sampled_shapley_values_are_complete_and_the_same_each_time(models: dict[str, DualEncoder]) -> None:
    once, again = (attribute(models["con2"], LONGER, method="shapley") for _ in range(2))
    assert len(once.words) > 8
    assert once.scores == again.scores
    assert abs(once.delta) < 1e-5


class PairedGame:
    """Words that add 0, 1, 2 … on their own, and every pair (i, j) of them i · j² more together."""

    def __init__(self, words: int) -> None:
        self.read = list(range(words))

    def values(self, kept: np.ndarray) -> np.ndarray:
        own, pairs = np.arange(kept.shape[1]), self.together(kept.shape[1])
        return np.asarray(kept @ own + np.einsum("si,ij,sj->s", kept, pairs, kept))

    @staticmethod
    def together(words: int) -> np.ndarray:
        """What each pair adds, once: [words, words] above the diagonal."""
        return np.triu(np.outer(np.arange(words), np.arange(words) ** 2), k=1)


@pytest.mark.parametrize("words", [1, 4, 8, 9, 12])  # enumerated up to eight, then sampled
def test_each_order_comes_with_its_reverse_so_that_pairs_share_evenly(words: int) -> None:
    """An order gives what a pair adds to its later word, the reverse to the other: half each."""
    pairs = PairedGame.together(words)
    expected = np.arange(words) + (pairs.sum(0) + pairs.sum(1)) / 2
    np.testing.assert_allclose(shapley(cast("Sentence", PairedGame(words))), expected, rtol=1e-12)


def test_words_are_added_in_as_many_orders_as_may_be_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    game, asked = PairedGame(16), list[npt.NDArray[np.bool_]]()

    def note_down(kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        asked.append(kept)
        return np.zeros(len(kept))

    monkeypatch.setattr(game, "values", note_down)
    shapley(cast("Sentence", game))
    (kept,) = asked
    orders = kept.reshape(-1, 17, 16)
    assert len(orders) == 512 // 16
    assert (orders.sum(2) == np.arange(17)).all()  # one word more each time
    assert len({order.tobytes() for order in orders}) == len(orders)  # no order twice
    reverses = {(~order[::-1]).tobytes() for order in orders}
    assert {order.tobytes() for order in orders} == reverses


# What a sentence is scored by -----------------------------------------------------------------


class TwoSentences:
    """Encodes "no effusion" and "effusion" by heart."""

    def __init__(self, said: Sequence[float], contrary: Sequence[float]) -> None:
        self._known = {"no effusion": said, "effusion": contrary}

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([self._known[text.lower()] for text in texts], np.float32)


def test_the_contrast_is_the_unit_vector_from_the_opposite_to_the_sentence() -> None:
    model = cast("DualEncoder", TwoSentences((0.6, 0.8), (1.0, 0.0)))
    towards = contrast(model, read_prompt("no effusion"))
    np.testing.assert_allclose(towards, np.array([-0.4, 0.8]) / 0.8**0.5, rtol=1e-6)
    same = cast("DualEncoder", TwoSentences((0.6, 0.8), (0.6, 0.8)))
    assert contrast(same, read_prompt("no effusion")).tolist() == [0.0, 0.0]


# Words and pieces -----------------------------------------------------------------------------


def test_pieces_are_those_of_the_tower(hub_model: DualEncoder) -> None:
    text = "No pleural effusion, İ 🫁 is-seen"
    pieces = hub_model.text.pieces(text)
    assert len(pieces) == hub_model.text.tokenize([text])["input_ids"].shape[1]
    starts = [piece.span[0] for piece in pieces if piece.span is not None]
    assert starts == sorted(starts)
    assert len(hub_model.text.pieces("")) == hub_model.text.tokenize([""])["input_ids"].shape[1]


def test_pieces_are_merged_into_the_words_they_spell(hub_model: DualEncoder) -> None:
    text = "no pleural effusion is seen"
    words = read_prompt(text).words
    spelt: dict[int, set[int]] = {}
    pieces = hub_model.text.pieces(text)
    for piece, word in zip(pieces, words_of(pieces, words), strict=True):
        if piece.span is not None and word is not None:
            spelt.setdefault(word, set()).update(range(*piece.span))
    assert sorted(spelt) == list(range(len(words)))
    for word, characters in spelt.items():
        assert set(range(*words[word].span)) <= characters


def test_words_beyond_the_towers_limit_do_nothing(models: dict[str, DualEncoder]) -> None:
    given = attribute(models["base"], "no effusion " + "and " * 200, method="occlusion")
    assert given.unread == 202 - 126
    assert set(given.scores[-given.unread :]) == {0.0}


@pytest.mark.parametrize(
    "text", ["\ud800 no effusion", "胸水なし", "🫁", "_", "a" * 2_000, "no\u200beffusion"]
)
def test_odd_sentences_are_survived(models: dict[str, DualEncoder], text: str) -> None:
    prompt = read_prompt(text)
    for method in METHODS:
        given = attribute(models["con1"], prompt, target=np.ones(models["con1"].dim), method=method)
        assert len(given.scores) == len(prompt.words)


def test_figures_of_an_attribution_by_hand() -> None:
    words = read_prompt("There isn't an effusion now").words
    given = Attribution(words, (0.2, -0.3, 0.0, -0.4, 0.1), 0.05, 0.6, 0.01, "vector", "ig", 2)
    assert given.cue == "isn't"
    assert given.cue_share == pytest.approx(0.3)
    assert given.even_share == pytest.approx(1 / 5)
    two = Attribution(read_prompt("negative for effusion").words, (0.1, -0.2, 0.5), 0, 0, 0, "hits", "ig", 0)
    assert two.cue == "negative for"
    assert two.even_share == pytest.approx(2 / 3)
    assert two.cue_share == pytest.approx(0.3 / 0.8)
    assert replace(two, scores=(0.0, 0.0, 0.0)).cue_share is None  # nothing did anything
    assert replace(two, scores=(0.0, 0.0, 0.5)).cue_share == 0  # the cue did nothing
    plain = given.plain()
    assert {name: plain[name] for name in ("special", "score", "delta", "unread")} == {
        "special": 0.05,
        "score": 0.6,
        "delta": 0.01,
        "unread": 2,
    }
    assert plain["words"][1] == {"text": "isn't", "span": (6, 11), "is_cue": True, "score": -0.3}


def test_strengths_of_nothing_are_nothing(models: dict[str, DualEncoder]) -> None:
    given = attribute(models["base"], NEGATED)
    none = replace(given, scores=(0.0,) * 4)
    assert strengths([]) == []
    assert strengths([none]) == [(0.0,) * 4]
    halves = replace(given, scores=(0.25, -0.5, 0.1, 0.0))
    assert strengths([none, halves]) == [(0.0,) * 4, (0.5, 1.0, 0.2, 0.0)]


def test_delta_is_what_the_scores_leave_of_the_way_from_the_baseline(models: dict[str, DualEncoder]) -> None:
    """Gradient × input leaves something, and special tokens do something; both enlarged."""
    model, direction = models["con2"], 1e4 * np.eye(models["con2"].dim, dtype=np.float32)[1]
    given = attribute(model, NEGATED, target=direction, method="gradient_x_input")
    tokens = model.text.tokenize([NEGATED])
    blank = tokens["input_ids"].clone()
    blank[0, 1:-1] = model.text.pad_id  # special tokens stay
    with torch.no_grad():
        score, baseline = (
            1e4 * float(model.text(ids, tokens["attention_mask"])[0, 1])
            for ids in (tokens["input_ids"], blank)
        )
    assert given.score == pytest.approx(score, abs=0.01)
    assert given.delta == pytest.approx(sum(given.scores) + given.special - (score - baseline), abs=0.02)
    assert abs(given.special) > 0.1
    assert abs(given.delta) > 0.1


def test_gradient_x_input_is_autograds_at_the_sentence(models: dict[str, DualEncoder]) -> None:
    model, direction = models["con1"], np.eye(models["con1"].dim, dtype=np.float32)[4]
    given = attribute(model, NEGATED, target=direction, method="gradient_x_input")
    tower, tokens = model.text, model.text.tokenize([NEGATED])
    embedded = tower.embed_words(tokens["input_ids"]).requires_grad_()
    tower.forward_from_embeddings(embedded, tokens["attention_mask"])[0, 4].backward()
    assert embedded.grad is not None
    want = (embedded.grad * embedded).sum(-1)[0].detach().numpy()
    pieces = tower.pieces(NEGATED)
    starts = {word.span[0]: place for place, word in enumerate(read_prompt(NEGATED).words)}
    by_word, place = np.zeros(4), 0
    for piece, score in zip(pieces, want, strict=True):
        if piece.span is not None:
            place = starts.get(piece.span[0], place)  # pieces within a word follow its first
            by_word[place] += score
    np.testing.assert_allclose(given.scores, by_word, atol=1e-6)


def test_the_most_words_that_shapley_values_take(models: dict[str, DualEncoder]) -> None:
    text = "no effusion " + "and " * 30
    given = attribute(models["base"], text, method="shapley")
    assert len(given.scores) == 32
    assert abs(given.delta) < 1e-5


def test_values_are_of_the_words_left_in_any_number_of_sets(models: dict[str, DualEncoder]) -> None:
    """More sets than are encoded in one batch; a word that was cut off has no column."""
    model = models["con2"]
    text = "no left pleural effusion is seen today" + " and" * 200
    sentence = Sentence.of(model.text, read_prompt(text), torch.eye(model.dim)[0])
    kept = np.random.default_rng(0).random((130, len(sentence.read))) < 0.5
    values = sentence.values(kept)
    tokens = model.text.tokenize([text])
    for row in (0, 63, 64, 129):
        ids = tokens["input_ids"].clone()
        for token, word in enumerate(sentence.word_of):
            if word is not None and not kept[row, sentence.read.index(word)]:
                ids[0, token] = model.text.pad_id
        with torch.no_grad():
            alone = float(model.text(ids, tokens["attention_mask"])[0, 0])
        assert values[row] == pytest.approx(alone, abs=1e-5)


def test_pieces_between_words_belong_to_the_next_and_trailing_ones_to_the_last() -> None:
    words = read_prompt("no effusion").words
    spans = [None, (0, 2), (2, 3), (3, 6), (6, 11), (11, 12), (0, 11), None]
    pieces = [Piece("x", span) for span in spans]
    assert words_of(pieces, words) == (None, 0, 1, 1, 1, 1, 0, None)


# Errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("", {}, "no words"),
        ("effusion cannot be excluded", {}, "no opposite"),
        (NEGATED, {"target": "hits"}, "hits="),
        (NEGATED, {"target": "films"}, "no target 'films'"),
        (NEGATED, {"target": "words", "hits": np.ones((2, 16))}, "no target 'words'"),
        (NEGATED, {"target": np.ones(3)}, "has 16 finite numbers"),
        (NEGATED, {"target": np.full(16, np.nan)}, "finite"),
        (NEGATED, {"method": "lime"}, "no method 'lime'"),
        ("no effusion " + "and " * 40, {"method": "shapley"}, "at most 32 words"),
    ],
)
def test_errors_say_what_to_do(
    models: dict[str, DualEncoder], text: str, options: dict[str, object], said: str
) -> None:
    with pytest.raises(AttributionError, match=said):
        attribute(models["base"], text, **options)  # type: ignore[arg-type]


# Threads --------------------------------------------------------------------------------------


def test_threads_do_not_disturb_each_other(models: dict[str, DualEncoder]) -> None:
    texts = [NEGATED, LONGER, "pleural effusion", "no left pleural effusion"]
    jobs = [
        (models[name], text, method) for name in ("base", "con2") for text in texts for method in METHODS
    ] * 2
    serial = [attribute(model, text, method=method).scores for model, text, method in jobs]
    vectors = models["base"].encode_text(texts)
    with ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(models["base"].encode_text, texts) for _ in range(20)]
        at_once = list(pool.map(lambda job: attribute(job[0], job[1], method=job[2]).scores, jobs))
    for alone, beside in zip(serial, at_once, strict=True):
        np.testing.assert_allclose(beside, alone, atol=1e-6)
    for search in searches:
        np.testing.assert_allclose(search.result(), vectors, atol=1e-6)


def test_a_model_is_left_as_it_was(models: dict[str, DualEncoder]) -> None:
    attribute(models["base"], NEGATED)
    assert not any(parameter.requires_grad for parameter in models["base"].text.parameters())
    assert all(parameter.grad is None for parameter in models["base"].text.parameters())
    assert not any(
        module._forward_pre_hooks or module._forward_hooks for module in models["base"].text.modules()
    )
