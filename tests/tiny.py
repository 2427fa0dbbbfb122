"""A family of models and a collection small enough to make in a second, for every test to share.

The tiny text tower is a random BERT; its projections are fitted in closed form so that the models behave
as their namesakes do: `base` puts films with effusion first whether a prompt affirms or denies it, `con1`
minds the negations of structured prompts, `con2` those of all.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor
from transformers import BertConfig, BertModel

from negviz.common.files import file_sha256
from negviz.models.checkpoint import parameter_delta, write_checkpoint
from negviz.models.encoder import DualEncoder, make_model
from negviz.models.family import load_models, save_base
from negviz.models.image_tower import ImageTower, ImageTowerConfig
from negviz.models.text_tower import CompactTextTower, open_text_tower
from negviz.models.training_free import RivalSettings, rivals_path, write_rivals
from negviz.models.training_free.record import FOLDER

DIM = 16
FILMS = 24
AFFIRMED = ("pleural effusion", "small left pleural effusion", "there is fluid in the pleural space")
STRUCTURED = ("no pleural effusion", "no left pleural effusion", "no evidence of pleural effusion")
NATURAL = ("the pleural spaces are clear", "pleural effusion is absent", "lungs without fluid around them")
_COLUMNS = ("id", "image", "uid", "view", "findings", "denied", "uncertain", "split", "fold")
_WORDS = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] a absent and any are around chest clear effusion evidence film fluid for "
    "from heart in is left lung lungs no normal not of or pleural pneumothorax right showing small space "
    "spaces the them there with without x ray"
)


def tiny_text_tower(folder: Path) -> str:
    """Save a random BERT of two layers with its tokenizer in the Hub's format; its weights' SHA-256."""
    folder.mkdir(parents=True)
    words = _WORDS.split()
    characters = "abcdefghijklmnopqrstuvwxyz0123456789.,-'"
    letters = [prefix + character for character in characters for prefix in ("", "##")]
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys([*words, *letters]))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
        initializer_range=0.2,  # wide enough for a word to be told from another
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = BertModel(config, add_pooling_layer=False)
    encoder.config.save_pretrained(folder)
    save_file(encoder.state_dict(), folder / "model.safetensors")
    return file_sha256(folder / "model.safetensors")


def transformers_bert(tower: CompactTextTower) -> BertModel:
    """The encoder of a tower, with its weights, as transformers has it."""
    config = BertConfig(
        **{name: value for name, value in vars(tower.encoder.config).items() if name[0] != "_"}
    )
    theirs = BertModel(config, add_pooling_layer=False)
    theirs.load_state_dict(tower.encoder.state_dict())
    theirs.eval()
    return theirs


def tiny_family(folder: Path) -> Path:
    """Write a family of `base`, `con1` and `con2` that brings its text tower along."""
    sha256 = tiny_text_tower(folder / "text_tower")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        image = ImageTower(ImageTowerConfig(size=32, stem=4, widths=(4, 8), depths=(1, 1), dim=DIM)).eval()
        text = open_text_tower(DIM, sha256=sha256, family=folder, name="tiny")
    towards = _effusion_direction(make_model(text, image, logit_scale=3.0))
    _fit(text, [*AFFIRMED, *STRUCTURED, *NATURAL], [towards] * 9)
    base = make_model(text, image, logit_scale=3.0)
    save_base(folder, base, licence="none: made for tests", data={"films": "drawn"}, training={"seed": 1})
    for name, denials in {"con1": STRUCTURED, "con2": (*STRUCTURED, *NATURAL)}.items():
        tuned = text.private_copy()
        others = NATURAL if name == "con1" else ()
        prompts = [*AFFIRMED, *others, *denials]
        _fit(tuned, prompts, [towards] * len((*AFFIRMED, *others)) + [-towards] * len(denials))
        delta = parameter_delta(text.tunable(), tuned.tunable())
        write_checkpoint(folder, name, tuned.tunable(), training={"seed": 1, "parameter_delta": delta})
    return folder


def tiny_rivals(family: Path) -> None:
    """Beside a family on disk, the one rival that subtracts, so that there is a column to be added."""
    base = load_models(family)["base"]
    settings = {"arithmetic": {"scene": "chest film", "concept": "canonical", "weight": 1.0}}
    recipe = RivalSettings(settings, {0: torch.ones(32)})
    write_rivals(rivals_path(base, family / FOLDER), recipe, {"made": "for tests"})


def _effusion_direction(model: DualEncoder) -> Tensor:
    """From the mean drawn film without effusion to the mean one with it, [dim]."""
    with_it, without = ([draw_film(n, effusion=effusion) for n in range(12)] for effusion in (True, False))
    return torch.from_numpy(model.encode_images(with_it).mean(0) - model.encode_images(without).mean(0))


def _fit(tower: CompactTextTower, prompts: Sequence[str], targets: Sequence[Tensor]) -> None:
    """Set the projection by ridge regression from mean-pooled words to targets [n, dim]."""
    pooled = tower.pooled(**tower.tokenize(prompts)).detach().double()  # [n, width]
    ridge = pooled.T @ pooled + 1e-3 * torch.eye(pooled.shape[1], dtype=torch.float64)
    wanted = torch.nn.functional.normalize(torch.stack(list(targets)), dim=-1).double()
    with torch.no_grad():
        tower.projection.weight.copy_(torch.linalg.solve(ridge, pooled.T @ wanted).T)


# Films ----------------------------------------------------------------------------------------


def draw_film(seed: int, *, effusion: bool, big_heart: bool = False, side: int = 96) -> Image.Image:
    """A grey sketch of a chest: dark lungs, a heart, and bright lower corners where there is effusion."""
    random = np.random.default_rng(seed)
    image = Image.new("L", (side, side), 150)
    draw = ImageDraw.Draw(image)
    for left in (0.10, 0.55):
        draw.ellipse([side * x for x in (left, 0.12, left + 0.35, 0.88)], fill=50)
        if effusion:
            draw.rectangle([side * x for x in (left, 0.62, left + 0.35, 0.90)], fill=215)
    width = 0.5 if big_heart else 0.28
    draw.ellipse([side * x for x in (0.52 - width / 2, 0.45, 0.52 + width / 2, 0.8)], fill=170)
    smooth = np.asarray(image.filter(ImageFilter.GaussianBlur(1)), np.float32)
    noisy = smooth + random.normal(0, 6, (side, side))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def tiny_collection(folder: Path) -> Path:
    """Write 24 drawn films and their manifest: 10 with effusion, 10 denied, 2 uncertain, 2 silent.

    Eight lie in the test split, half with effusion and half without; two studies have two films.
    """
    (folder / "images").mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        writer.writerows(_draw_rows(folder / "images"))
    return folder


def _draw_rows(images: Path) -> Iterable[dict[str, str]]:
    for number in range(FILMS):
        effusion, big_heart = number % 2 == 0, number % 3 == 0
        stated = number < 20
        here = {"effusion": effusion and stated, "cardiomegaly": big_heart}
        not_here = {"effusion": not effusion and stated, "cardiomegaly": not big_heart, "pneumothorax": True}
        findings, denied = ([name for name, holds in facts.items() if holds] for facts in (here, not_here))
        draw_film(number, effusion=effusion, big_heart=big_heart).save(images / f"film{number:02}.png")
        test, study = number < 8, number - 1 if number in (11, 15) else number
        yield {
            "id": f"film{number:02}",
            "image": f"images/film{number:02}.png",
            "uid": str(study),
            "view": "PA",
            "findings": "|".join(findings or (["normal"] if "effusion" in denied else [])),
            "denied": "|".join(denied),
            "uncertain": "effusion" if number in (20, 21) else "",
            "split": "test" if test else "train",
            "fold": "" if test else str(study // 2 % 5),
        }
