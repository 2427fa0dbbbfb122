"""A sentence taken apart: the scene that is wanted, and the concept that is ruled out.

SpaceVLM (arXiv 2511.12331) has a language model split "A but not N"; here the prompt reader does.  Captions
of photographs nearly always say what else is there, report sentences hardly ever do, so:

- the *scene* is what the sentence affirms in our plainest words ("There is a pleural effusion."), and where
  it affirms nothing, a sentence that fits every film.  The mean of the training prompts is not offered for
  it: they all concern effusion, so it would be no scene for any other finding;
- the *concept* is what is ruled out, affirmed: in our plainest words ("canonical"), or in the sentence's own
  ("opposite": the sentence with its cue taken away) where it says one thing only and that can be done.
  Several things that are ruled out make one concept, their mean direction.

Both papers tune on their own data; which scene and which concept is chosen as every setting is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from negviz.language.opposite import canonical
from negviz.language.prompt import Prompt
from negviz.models.training_free.column import Encode, Vectors, unit

Concept = Literal["canonical", "opposite"]
SCENES: Final = (
    "A chest radiograph.",
    "A frontal chest X-ray of an adult.",
    "The film shows the heart, the lungs and the bones.",
)


@dataclass(frozen=True)
class Wording:
    """How scene and concept are put into words."""

    scene: str = SCENES[0]  # where a sentence affirms nothing
    concept: Concept = "canonical"

    def parts(self, prompts: Sequence[Prompt], encode: Encode) -> tuple[Vectors, Vectors]:
        """Scenes and concepts, unit vectors [n, dim] each, of prompts that rule something out."""
        scenes = [self.scene_of(prompt) for prompt in prompts]
        concepts = [self.concepts_of(prompt) for prompt in prompts]
        texts = list(dict.fromkeys([*scenes, *(text for each in concepts for text in each)]))
        known = dict(zip(texts, encode(texts), strict=True))
        means = np.stack([np.mean([known[text] for text in each], axis=0) for each in concepts])
        firsts = np.stack([known[each[0]] for each in concepts])
        return np.stack([known[text] for text in scenes]), unit(means, firsts)

    def scene_of(self, prompt: Prompt) -> str:
        """What the sentence affirms, else the scene that fits every film."""
        affirmed = dict.fromkeys(m.finding for m in prompt.mentions if m.polarity == "present")
        return " ".join(canonical(finding, "present") for finding in affirmed) or self.scene

    def concepts_of(self, prompt: Prompt) -> tuple[str, ...]:
        """What the sentence rules out, each affirmed."""
        opposite = prompt.opposite if self.concept == "opposite" and len(prompt.mentions) == 1 else None
        if opposite is not None:
            return (opposite.text,)
        denied = dict.fromkeys(m.finding for m in prompt.mentions if m.polarity == "absent")
        return tuple(canonical(finding, "present") for finding in denied)
