"""What the page says of families of models."""

from __future__ import annotations

from typing import Final

MODELS_OF: Final = "Models of"
OPENING: Final = "Opening the models of {title}"
WAIT: Final = "They are opened and checked once, for everybody. This page goes on by itself."
FAILED: Final = "The models of {title} cannot be opened"
BACK: Final = "Back"
AGAIN: Final = "Try again"
UNKNOWN: Final = "There are no such models here."
NOT_YET: Final = "These models are not open yet; load their page first."
BROKEN: Final = "Something in them is not as it should be; whoever runs this page finds out what in its log."
