"""What is settled before anything slow is imported: it cannot be settled afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

# The app as it starts, but that in place of serving it says what it would serve with.
_TOLD: Final = """
import sys, types
launched = types.ModuleType("negviz.page.launch")
def launch(options):
    import matplotlib, numpy
    from threadpoolctl import threadpool_info
    blas = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    print(blas, matplotlib.get_backend(auto_select=False), "matplotlib.pyplot" in sys.modules)
launched.launch = launch
sys.modules["negviz.page.launch"] = launched
from negviz.page.start import main
main([])
"""


def test_products_take_a_core_each_and_no_screen_is_looked_for() -> None:
    told = subprocess.run([sys.executable, "-c", _TOLD], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split("\n")[0] == "{1} agg False"
