"""Where what is shipped beside the code lies: `assets/` and `checkpoints/`.

In a clone that is the clone.  A negviz that was installed brings only its code, so there it is the folder
that `NEGVIZ_HOME` names, or else the one negviz was started in.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from negviz.common.errors import NegvizError

_CLONE: Final = Path(__file__).resolve().parents[2]


def _root() -> Path:
    if told := os.environ.get("NEGVIZ_HOME"):
        return Path(told).resolve()
    return _CLONE if (_CLONE / "assets").is_dir() else Path.cwd()


ROOT: Final = _root()
CHECKPOINTS: Final = ROOT / "checkpoints"
COMPACT: Final = CHECKPOINTS / "compact"
NOT_AT_HAND: Final = (  # to be said where something may have been meant that is shipped
    ""
    if (ROOT / "assets").is_dir()
    else "; for shipped ones, name a clone of negviz's repository in NEGVIZ_HOME"
)


class ShippedError(NegvizError):
    """What is shipped is not at hand; the message is one sentence that says what to do."""


def need_shipped() -> None:
    """Raises `ShippedError` where `assets/` is not at hand."""
    if not (ROOT / "assets" / "prompts").is_dir():
        raise ShippedError(
            f"{ROOT} does not hold the assets of negviz: "
            "start it in a clone of its repository, or name one in NEGVIZ_HOME."
        )
