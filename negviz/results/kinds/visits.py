"""`python -m training visits`: memory, visit after visit; the page reads it by its shape."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds

VISITS: Final = Kind("visits", holds("growth_mb_per_1000_visits"))
