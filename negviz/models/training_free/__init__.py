"""Ways of making base mind a "no" without training it, each as a column beside those that were tuned.

    models = load_models("checkpoints/compact")
    rivals = load_rivals(models)                     # {"spacevlm": …, "steering": …, …}
    search((models | rivals)["spacevlm"], films, "No pleural effusion.")

- `SpaceVlm` takes the direction that is near a scene and far from what was ruled out;
- `Arithmetic` takes the scene less a multiple of what was ruled out;
- `Steering` pushes what the layers say along a direction that tells negated sentences from others;
- `TwoBoxes` does the same with two sentences that somebody typed, and is no rival: it reads no "no";
- `ComposedDirections` adds up where findings lie among base's films, as a sentence was read.

`TrainingFree` is the column they stand behind: it reads as its family does, and changes only the vectors of
sentences that its method takes: those that rule something out, of `ComposedDirections` all that say something
certain.  Callers want `load_rivals`; `python -m training training-free` makes what it reads.
"""

from negviz.models.training_free.arithmetic import Arithmetic, less
from negviz.models.training_free.column import RivalMethod, TrainingFree, rewritten, rules_out
from negviz.models.training_free.composed import ComposedDirections
from negviz.models.training_free.record import SHIPPED, RivalSettings, load_rivals, rivals_path, write_rivals
from negviz.models.training_free.spacevlm import SpaceVlm
from negviz.models.training_free.steering import Steering, activations, steered
from negviz.models.training_free.two_boxes import TWO_BOXES, TwoBoxes, arithmetic_of
from negviz.models.training_free.wording import Wording

__all__ = [
    "SHIPPED",
    "TWO_BOXES",
    "Arithmetic",
    "ComposedDirections",
    "RivalMethod",
    "RivalSettings",
    "SpaceVlm",
    "Steering",
    "TrainingFree",
    "TwoBoxes",
    "Wording",
    "activations",
    "arithmetic_of",
    "less",
    "load_rivals",
    "rewritten",
    "rivals_path",
    "rules_out",
    "steered",
    "write_rivals",
]
