"""First experiments: how prompts overlap, what unfreezing, hard negatives and the other knobs do.

    python -m training experiments overlap|scaling|polarity|knobs|unfrozen|all

Every run is kept under the cache by all that decides it, so a command that was stopped goes on.  Settings
come from cross-validation on training studies; the evaluations are those of `training.measure.evaluations`,
all of them reported, and choose nothing.
"""

from training.measure.experiments.command import add_arguments, run

__all__ = ["add_arguments", "run"]
