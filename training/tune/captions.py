"""CON3 and CON4: tuning a text tower on captions of all findings, by what each is true of.

CON2 learns one finding from a few dozen wordings and pays for it on sentences unlike them.  CON3 keeps its
idea, that every caption is trained against its opposite, and changes five things:

- captions of all findings in every batch: prompts, report sentences as radiologists wrote them, and sentences
  composed to many wordings, among them those that deny a denial or only seem to deny, each in both senses;
- what is right comes from findings and denials, so every film that satisfies a caption is a positive and
  silence is none: `losses.ranking`, caption → films, for opposed captions too, which CON2 has no term for;
- `losses.choosing`, film → captions, as CON2 has it, but over all captions known of the film;
- hedged sentences are a third polarity: they should not tell films with a finding from films without;
- affirming and neutral sentences stay near where base puts them (distillation).  Drawing the tuned weights
  back towards base (Wortsman et al., 2022, "Robust fine-tuning of zero-shot models") is there to be tried.

CON3 is told by films alone where a sentence belongs.  CON4 is shown: every caption that says something
certain, whatever it affirms and denies, is drawn to the vector composed of its findings' directions
(`negviz.models.directions`), and must name what it says of each finding (`losses.naming`), with a head that
is thrown away.  What says nothing certain stays where base puts it.  It reads sentences as people type them,
too.  The lower layers of the compact text tower can be left as they are; what they make of a caption is then
worked out once.  CON3's ranking can be kept beside that; in trials as short as could be afforded it was
better left out (`training.measure.experiments.con4`).

Film embeddings are fixed, so a caption sees any films of the collection at the price of one dot product.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from negviz.films.collection import Film
from negviz.findings import FINDINGS, Polarity
from negviz.models.checkpoint import parameter_delta
from negviz.models.directions import FindingDirections
from negviz.models.encoder import DualEncoder, with_text
from negviz.models.text_tower import CompactTextTower, TextTower
from training.data.captions import Bank, Caption, shows, truth
from training.tune.con1_con2 import encode, schedule
from training.tune.devices import CPU, Compute, Encodes
from training.tune.directions import find_directions
from training.tune.losses import choosing, naming, ranking
from training.tune.optim import Decay, adamw
from training.tune.run_state import TuneState
from training.tune.upper import UpperLayers, lower_layers

Method = Literal["con3", "con4"]
SAID: Final = ("", *get_args(Polarity))  # of a finding; "": nothing
_PARTS: Final = 3  # a batch is encoded in as many parts, by length
SAVED: Final = 25  # steps after which a run is saved: seconds of work, not minutes
_FEWEST: Final = 4  # films of either kind without which a caption teaches nothing

VERSION: Final = "con3/2"  # runs are cached under it: raise it when what a run makes changes


@dataclass(frozen=True, kw_only=True)
class CaptionConfig:
    """The knobs of a run; the defaults are CON3's."""

    method: Method = "con3"
    seed: int = 0
    steps: int = 300
    lr: float = 5e-4  # peak; linear warm-up, cosine decay
    weight_decay: float = 0.2  # as CON1 and CON2
    decay: Decay = "matrices"  # what it falls on
    warmup: float = 0.1
    prompts: int = 6  # a batch; each comes with its opposite
    composed: int = 28
    sentences: int = 10
    hedged: int = 4
    neutral: int = 4  # sentences that speak of no finding
    typed: int = 0  # sentences of the second reader's; each comes with its opposite, if it has one
    alike: bool = False  # whether every typed sentence comes as often, not every kind of them
    denials: bool = True  # whether captions that deny rank films too, for which CON2 has no term
    films: int = 32  # of either kind that a caption ranks; as many choose among captions
    scale: float = 20.0  # on cosines, within the losses
    ranking: float = 1.0  # weight of caption → films
    choosing: float = 0.5  # weight of film → captions
    distil: float = 1.0  # weight of lying where base puts a caption, or where its findings do
    naming: float = 0.0  # weight of naming what is said of each finding, with a head of its own
    frozen: int = 0  # lower layers of a compact text tower that stay as they are; any other is tuned whole
    interpolate: float = 1.0  # share of the tuned weights; the rest is base


CON3: Final = CaptionConfig()
CON4: Final = CaptionConfig(
    method="con4",
    steps=500,  # more than any trial's
    composed=20,
    sentences=16,
    typed=20,
    ranking=0.0,
    choosing=0.0,
    distil=4.0,
    naming=0.5,
    frozen=3,
)

CAPTION_CONFIGS: Final[dict[str, CaptionConfig]] = {config.method: config for config in (CON3, CON4)}


@dataclass(frozen=True)
class TunedOnCaptions:
    """A tuned text tower and how it came about."""

    tensors: dict[str, Tensor]  # `TextTower.tunable` of the tuned tower
    config: CaptionConfig
    losses: tuple[float, ...]  # mean of each tenth of the run
    delta: dict[str, float]  # how far the parameters moved

    def model(self, base: DualEncoder) -> DualEncoder:
        return with_text(base, self.config.method, self.tensors, base.logit_scale)

    def describe(self) -> dict[str, Any]:
        return {**asdict(self.config), "losses": list(self.losses), "parameter_delta": self.delta}


@dataclass(frozen=True)
class Lessons:
    """Captions, the films they are about, and which of these are right for which."""

    vectors: Tensor  # <float32>[films, dim]
    captions: tuple[Caption, ...]
    truth: Tensor  # <float32>[sayings, films]: 1, 0 or nan, once for all captions that say the same
    saying: tuple[int, ...]  # a caption: its row there
    right: tuple[NDArray[np.int64], ...]  # a caption: films it ranks first …
    wrong: tuple[NDArray[np.int64], ...]  # … and last; with and without for a hedge, none for a neutral one
    near: Mapping[str, Tensor]  # <float32>[dim] where a caption should lie, by its text

    @classmethod
    def of(
        cls, vectors: NDArray[np.float32], films: Sequence[Film], bank: Bank, near: Mapping[str, Tensor]
    ) -> Lessons:
        """Of all captions, those with enough `films` of either kind.

        `vectors` `<float32>[n, dim]` are the films' embeddings; `near` is what `where_base_puts` or
        `where_composed` returns.
        """
        sayings = {caption.said: caption for caption in bank.captions}
        place = {said: row for row, said in enumerate(sayings)}
        facts = truth([*sayings.values()], films)
        sides = [_sides(one, row, films) for one, row in zip(sayings.values(), facts, strict=True)]
        enough = {said for said, row in place.items() if not said or min(map(len, sides[row])) >= _FEWEST}
        captions = tuple(caption for caption in bank.captions if caption.said in enough)
        saying = tuple(place[caption.said] for caption in captions)
        right, wrong = (tuple(sides[row][side] for row in saying) for side in (0, 1))
        return cls(torch.from_numpy(vectors), captions, torch.from_numpy(facts), saying, right, wrong, near)

    @property
    def counts(self) -> dict[str, int]:
        """How many captions there are of each source."""
        return dict(Counter(caption.source for caption in self.captions))


def where_base_puts(base: DualEncoder, bank: Bank) -> dict[str, Tensor]:
    """Base's vector `<float32>[dim]` of every caption that is to stay near it, for any number of runs."""
    return _puts(base, {caption.text for caption in bank.in_both_senses if _stays(caption)})


def where_composed(base: DualEncoder, bank: Bank, directions: FindingDirections) -> dict[str, Tensor]:
    """The vector `<float32>[dim]` that every caption, and its opposite, composes; else where base puts it."""
    composed = {caption.text: directions.compose(caption.said) for caption in bank.in_both_senses}
    certain = {text: torch.from_numpy(vector) for text, vector in composed.items() if vector is not None}
    return {**_puts(base, composed.keys() - certain.keys()), **certain}


def where_to_lie(
    method: Method,
    base: DualEncoder,
    bank: Bank,
    vectors: NDArray[np.float32],
    films: Sequence[Film],
    family: Path,
) -> dict[str, Tensor]:
    """Where a recipe draws the captions of a bank to; `vectors` `<float32>[n, dim]` are those of `films`."""
    if method == "con3":
        return where_base_puts(base, bank)
    return where_composed(base, bank, find_directions(base, vectors, films, family=family))


def _puts(base: DualEncoder, texts: Set[str]) -> dict[str, Tensor]:
    """A model's vectors `<float32>[dim]` by text."""
    short_first = sorted(texts, key=len)  # little padding
    return dict(zip(short_first, torch.from_numpy(base.encode_corpus(short_first)), strict=True))


def _stays(caption: Caption) -> bool:
    """Affirming and neutral captions: what base reads well enough."""
    return not caption.said or caption.polarity == "present"


def _sides(
    caption: Caption, verdicts: NDArray[np.float32], films: Sequence[Film]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if caption.polarity == "uncertain" and len(caption.said) == 1:
        verdicts = shows(films, caption.said[0][0])
    return np.flatnonzero(verdicts == 1), np.flatnonzero(verdicts == 0)


def tune_captions(
    base: DualEncoder,
    lessons: Lessons,
    config: CaptionConfig,
    *,
    compute: Compute = CPU,
    state: Path | None = None,
) -> TunedOnCaptions:
    """Tune a private copy of base's text tower; base itself is not touched.

    With `state`, a file that is written every `SAVED` steps, a run that was stopped goes on and ends as if it
    had not been.
    """
    compute.seed(config.seed)
    random = np.random.default_rng(config.seed)
    own = compute.private_copy(base.text).train()
    tower, moved = _tuned_part(own, base.text, config.frozen)
    tunable = own.tunable()
    head = nn.Linear(base.dim, len(FINDINGS) * len(SAID)) if config.naming else None
    parts = [(moved, config.lr)]
    parts += [([*head.parameters()], 10 * config.lr)] if head else []
    optimiser = adamw(*parts, weight_decay=config.weight_decay, decay=config.decay)
    plan = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: schedule(step, config.steps, config.warmup)
    )
    descent, named = compute.descent(optimiser), head.named_parameters() if head else ()
    parameters = {**tunable, **{f"head.{name}": parameter for name, parameter in named}}
    kept = TuneState(state, parameters, descent, plan, random)
    losses = kept.load()
    for batch in tqdm(
        batches(lessons, config, random, config.steps - len(losses)),
        initial=len(losses),
        total=config.steps,
        desc=f"{config.method}, seed {config.seed}",
        unit="step",
        leave=False,
        disable=not compute.main,
    ):
        vectors = _encode(tower, batch.texts, compute).cpu()  # the rest is a few small products
        loss = batch_loss(vectors, lessons, batch, config)
        if head is not None:
            told = head(config.scale * vectors).unflatten(1, (len(FINDINGS), len(SAID)))
            loss = loss + config.naming * naming(told, torch.from_numpy(batch.said))
        descent(loss)
        plan.step()
        losses.append(loss.item())
        if len(losses) % SAVED == 0:
            kept.save(losses)
    tuned = {name: value.detach().cpu() for name, value in tunable.items()}
    tensors = towards(base.text.tunable(), tuned, config.interpolate)
    means = [float(np.mean(part)) for part in np.array_split(losses, min(10, len(losses)))]
    return TunedOnCaptions(tensors, config, tuple(means), parameter_delta(base.text.tunable(), tensors))


def _tuned_part(own: TextTower, base: TextTower, frozen: int) -> tuple[Encodes, list[nn.Parameter]]:
    """What encodes captions, and the parameters that move."""
    if frozen and isinstance(own, CompactTextTower) and isinstance(base, CompactTextTower):
        return UpperLayers(own, lower_layers(base, frozen)), [*own.tunable_above(frozen).values()]
    return own, [*own.tunable().values()]


def towards(base: Mapping[str, Tensor], tuned: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights between base, for a share of 0, and tuned."""
    return {name: torch.lerp(base[name].detach(), value, share) for name, value in tuned.items()}


@dataclass(frozen=True)
class Batch:
    """Captions of a step and the films each is ranked over."""

    rows: NDArray[np.int64]  # <int64>[b] into `Lessons.captions`; -1 - row for the opposite of a prompt
    texts: tuple[str, ...]
    ranked: NDArray[np.int64]  # <int64>[r] positions in the batch of captions that rank films
    right: NDArray[np.int64]  # <int64>[r, m] films
    wrong: NDArray[np.int64]  # <int64>[r, m]
    targets: NDArray[np.float32]  # <float32>[r] 1, or 1/2 for a hedge
    kept: NDArray[np.int64]  # positions of captions of which it is known where they should lie
    films: NDArray[np.int64]  # <int64>[f] that choose among the captions
    truth: Tensor  # <float32>[f, b]
    said: NDArray[np.int64]  # <int64>[b, findings] places in `SAID`


def batch_loss(vectors: Tensor, lessons: Lessons, batch: Batch, config: CaptionConfig) -> Tensor:
    """What a step goes down: three terms as `config` weighs them.

    `vectors` `<float32>[b, dim]` are the unit vectors of the batch's captions.
    """
    ranked = vectors[batch.ranked].unsqueeze(2)  # [r, dim, 1]
    right, wrong = ((lessons.vectors[side] @ ranked).squeeze(2) for side in (batch.right, batch.wrong))
    loss = config.ranking * ranking(right, wrong, torch.from_numpy(batch.targets), config.scale)
    if config.choosing:
        similarities = lessons.vectors[batch.films] @ vectors.T
        loss = loss + config.choosing * choosing(similarities, batch.truth, config.scale)
    if config.distil and len(batch.kept):
        near = torch.stack([lessons.near[batch.texts[i]] for i in batch.kept])
        loss = loss + config.distil * (1 - F.cosine_similarity(vectors[batch.kept], near)).mean()
    return loss


def _encode(tower: Encodes, texts: Sequence[str], compute: Compute) -> Tensor:
    """Unit vectors `<float32>[b, dim]`; shorter and longer captions go apart, to save padding."""
    by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    parts = np.array_split(by_length, min(_PARTS, len(texts)))
    encoded = [encode(tower, [texts[i] for i in part], compute) for part in parts]
    return torch.cat(encoded)[np.argsort(by_length)]


def batches(
    lessons: Lessons, config: CaptionConfig, random: np.random.Generator, steps: int
) -> Iterator[Batch]:
    """The next so many batches of a run."""
    shelves = _Shelves(lessons)
    for _ in range(steps):
        yield make_batch(lessons, shelves.draw(config, random), config, random)


class _Shelves:
    """Captions by kind, so that a batch holds rare findings as often as common ones."""

    def __init__(self, lessons: Lessons) -> None:
        self._prompts: dict[str, list[int]] = {}
        self._composed: dict[tuple[str, str], list[int]] = {}
        self._sentences: dict[tuple[str, str], list[int]] = {}
        self._opposed = {row for row, caption in enumerate(lessons.captions) if caption.opposite}
        self._hedged: list[int] = []
        self._neutral: list[int] = []
        self._typed: dict[tuple[str, str], list[int]] = {}
        for row, caption in enumerate(lessons.captions):
            if caption.source == "prompt":
                self._prompts.setdefault(caption.said[0][0], []).append(row)
            elif caption.source == "typed":
                polarity = caption.said[0][1] if caption.said else ""
                self._typed.setdefault((caption.kind, polarity), []).append(row)
            elif not caption.said:
                self._neutral.append(row)
            elif "uncertain" in {polarity for _, polarity in caption.said}:
                self._hedged.append(row)
            elif caption.source == "composed":
                self._composed.setdefault((caption.kind, caption.said[0][1]), []).append(row)
            else:
                for finding, polarity in caption.said:
                    self._sentences.setdefault((finding, polarity), []).append(row)

    def draw(self, config: CaptionConfig, random: np.random.Generator) -> list[int]:
        """Rows of captions; what has an opposite twice, the second time (-1 - row) for that."""
        prompts = _spread(self._prompts, config.prompts, random)
        rows = [*prompts, *(-1 - row for row in prompts)]
        rows += _spread(self._composed, config.composed, random)
        rows += _spread(self._sentences, config.sentences, random)
        rows += _some(self._hedged, config.hedged, random) + _some(self._neutral, config.neutral, random)
        if config.alike:
            typed = _some([row for kind in self._typed.values() for row in kind], config.typed, random)
        else:
            typed = _spread(self._typed, config.typed, random)
        return [*rows, *typed, *(-1 - row for row in typed if row in self._opposed)]


def _spread(shelves: Mapping[Any, list[int]], count: int, random: np.random.Generator) -> list[int]:
    """One of a kind drawn at random, as often as asked; no caption twice."""
    names = list(shelves)
    drawn: dict[int, None] = {}
    for place in random.integers(len(names), size=count) if names else ():
        drawn[int(random.choice(shelves[names[place]]))] = None
    return list(drawn)


def _some(rows: list[int], count: int, random: np.random.Generator) -> list[int]:
    """As many, all alike."""
    drawn: list[int] = random.choice(rows, min(count, len(rows)), replace=False).tolist() if rows else []
    return drawn


def make_batch(
    lessons: Lessons, rows: Sequence[int], config: CaptionConfig, random: np.random.Generator
) -> Batch:
    """What a step learns from these captions; `rows` as in `Batch`."""
    captions = [lessons.captions[row] if row >= 0 else lessons.captions[-1 - row].turned for row in rows]
    ranked = [i for i, c in enumerate(captions) if c.said and (config.denials or c.polarity != "absent")]
    right, wrong = zip(*(_drawn(lessons, rows[i], config.films, random) for i in ranked), strict=True)
    kept = [i for i, caption in enumerate(captions) if caption.text in lessons.near]
    films = np.unique(np.concatenate([random.choice(side, 1) for side in (*right, *wrong)]))
    facts = torch.stack([_facts(lessons, row) for row in rows], dim=1)  # [all films, b]
    return Batch(
        np.array(rows),
        tuple(caption.text for caption in captions),
        np.array(ranked),
        np.stack(right),
        np.stack(wrong),
        np.array([0.5 if captions[i].polarity == "uncertain" else 1.0 for i in ranked], np.float32),
        np.array(kept, np.int64),
        films,
        facts[torch.from_numpy(films)],
        np.array([[SAID.index(dict(c.said).get(name, "")) for name in FINDINGS] for c in captions]),
    )


def _facts(lessons: Lessons, row: int) -> Tensor:
    if row < 0:
        return 1 - _facts(lessons, -1 - row)
    return lessons.truth[lessons.saying[row]]


def _drawn(
    lessons: Lessons, row: int, count: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`count` films of either kind, drawn with replacement; for an opposite the kinds change places."""
    right, wrong = (
        (lessons.right[row], lessons.wrong[row])
        if row >= 0
        else (lessons.wrong[-1 - row], lessons.right[-1 - row])
    )
    return random.choice(right, count), random.choice(wrong, count)
