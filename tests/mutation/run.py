"""Changes the core in small ways, one at a time, and asks whether the tests of that module notice.

    python tests/mutation/run.py --tool .venv-mutation/bin/cosmic-ray [--seed 1] [--sample 25] [MODULE …]
    python tests/mutation/run.py --again  # what survived, after new tests

cosmic-ray makes the mutants and writes them into a copy of the tree, in a temporary folder.  Here a sample of
them is drawn, and the tests are run: in a fork of this process, which has imported the slow packages, but
nothing of negviz.  README.md beside this file says what was found.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
RESULTS: Final = Path(__file__).with_name("results.json")
VERSION: Final = "8.7.0"
_OF_PROMPTS: Final = ["tests/language/test_prompt.py", "tests/language/test_typed.py"]
TESTS: Final = {  # what is mutated, and its own tests
    "negviz/retrieval/metrics.py": ["tests/retrieval/test_metrics.py"],
    "negviz/language/reader.py": _OF_PROMPTS,
    "negviz/language/scope.py": _OF_PROMPTS,
    "negviz/language/opposite.py": _OF_PROMPTS,
    "negviz/language/prompt.py": _OF_PROMPTS,
    "negviz/retrieval/calibration.py": ["tests/retrieval/test_calibration.py"],
    "negviz/explain/heads.py": ["tests/explain/test_heads.py"],
    "negviz/explain/attribution/__init__.py": ["tests/explain/test_attribution.py"],
    "negviz/explain/attribution/sentence.py": ["tests/explain/test_attribution.py"],
    "negviz/explain/attribution/shapley.py": ["tests/explain/test_attribution.py"],
    "negviz/explain/diagnosis.py": ["tests/explain/test_diagnosis.py"],
    "training/tune/losses.py": [
        "tests/training/test_losses.py",
        "tests/training/test_con3.py",
        "tests/training/test_experiments.py::test_without_distractors_the_loss_is_con1s_and_with_all_con2s",
        "tests/training/test_experiments.py::test_each_distractor_makes_the_loss_another",
    ],
    "training/tune/captions.py": ["tests/training/test_con3.py", "tests/training/test_con4.py"],
}
LEFT_OUT: Final = (  # a busy machine fails the first three, so they kill what lives; others are slow
    "tests/retrieval/test_metrics.py::test_a_thousand_resamples_are_fast",
    "tests/language/test_prompt.py::test_hundreds_of_sentences_a_second_on_any_machine",
    "tests/language/test_prompt.py::test_endless_text_costs_no_more_than_its_beginning",
    "tests/retrieval/test_metrics.py::test_intervals_cover_the_truth",
    "tests/retrieval/test_calibration.py::test_the_command_fits_measures_and_draws",
)
LONGEST: Final = 120  # seconds a mutant's tests may take: longer is a loop without an end, and so noticed
# Mutants that say nothing: they fail on any float, or do the same to what is compared here.
_IDLE: Final = ("_RShift", "_LShift", "_BitOr", "_BitAnd", "_BitXor", "_Is", "_IsNot")
_ASK: Final = (
    "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); sys.exit(s.recv(1)[0])"
)


@dataclass(frozen=True)
class Mutant:
    """One small change, and where it is made."""

    job: str
    operator: str
    place: tuple[str, int, int, str]  # source line, which of the lines that read so, column, kind of change

    def rank(self, seed: int) -> str:
        """By which places are drawn: a change elsewhere in the module leaves it as it is."""
        return hashlib.sha256(repr((seed, self.place)).encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """What became of the mutants of one module."""

    places: int  # where anything can be changed
    mutants: int
    sampled: int
    killed: int
    survivors: list[str]  # lines before and after
    cpu_minutes: float = 0.0


def main() -> None:
    given = _arguments()
    _warm()
    held = json.loads(given.json.read_text(encoding="utf-8")) if given.again else {}
    for module in given.modules or TESTS:
        before = _cpu_seconds()
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder) / "tree"
            _copy(tree)
            if _forked(tree, module, keep=True):  # which leaves the bytecode of all that is not mutated
                raise SystemExit(f"The tests of {module} fail as it is; mend that first.")
            if given.again:
                outcome = _again(tree, module, Outcome(**held[f"seed {given.seed}"][module]))
            else:
                outcome = _try(tree, module, given)
        minutes = round((_cpu_seconds() - before) / 60, 1)
        outcome = replace(outcome, cpu_minutes=round(outcome.cpu_minutes + minutes, 1))
        _note(given.json, given.seed, module, asdict(outcome))
        print(f"{module}: {outcome.killed} of {outcome.sampled} noticed, {minutes} CPU minutes", flush=True)
        for survivor in outcome.survivors:
            print(survivor, flush=True)


def _note(path: Path, seed: int, module: str, outcome: dict[str, Any]) -> None:
    """Put one outcome among those that the file holds."""
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    record.setdefault(f"seed {seed}", {})[module] = outcome
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help="as negviz/retrieval/metrics.py; default: all"
    )
    parser.add_argument(
        "--tool", default="cosmic-ray", help=f"cosmic-ray {VERSION}, from an environment of its own"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=25, help="places of a module, one mutant at each")
    parser.add_argument("--again", action="store_true", help="only what survived, by the results file")
    parser.add_argument("--json", type=Path, default=RESULTS)
    given = parser.parse_args()
    if unknown := [module for module in given.modules if module not in TESTS]:
        parser.error(f"{unknown[0]} is none of {', '.join(TESTS)}.")
    tool = shutil.which(given.tool)
    if tool is None and not given.again:
        parser.error(f"There is no {given.tool}; install cosmic-ray=={VERSION} and say where with --tool.")
    given.tool = tool and str(Path(tool).absolute())
    return given


def _warm() -> None:
    """Import what costs seconds, once, and forget what may be mutated."""
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", GRADIO_ANALYTICS_ENABLED="False")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # anyio's complains that anyio is there already
    sys.path.insert(0, str(ROOT))
    for name in (
        "captum.attr",
        "tests.conftest",
        "tests.tiny_hub",
        "negviz.page",
        "training.measure.calibration.command",
    ):
        importlib.import_module(name)
    sys.path.remove(str(ROOT))
    for name in [name for name in sys.modules if name.split(".")[0] in ("negviz", "training", "tests")]:
        del sys.modules[name]


def _again(tree: Path, module: str, outcome: Outcome) -> Outcome:
    """The same with what survived tried once more; a line that was rewritten since can survive no longer."""
    source = (tree / module).read_text(encoding="utf-8")
    survivors, gone = [], 0
    for survivor in outcome.survivors:
        old, new = ("\n".join(t[1:] for t in survivor.split("\n") if t[0] == side) for side in "-+")
        gone += old not in source
        (tree / module).write_text(source.replace(old, new, 1), encoding="utf-8")
        if old in source and not _forked(tree, module):
            survivors.append(survivor)
    killed = outcome.sampled - gone - len(survivors)
    return replace(outcome, sampled=outcome.sampled - gone, killed=killed, survivors=survivors)


def _try(tree: Path, module: str, given: argparse.Namespace) -> Outcome:
    session, door = tree.with_name("session.sqlite"), tree.with_name("door")
    ask = f"{sys.executable} -S -E -c '{_ASK}' {door}"
    config = tree.with_name("config.toml")
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "{module}"\ntimeout = {LONGEST + 30}.0\nexcluded-modules = []\n'
        f'test-command = "{ask}"\n[cosmic-ray.distributor]\nname = "local"\n',
        encoding="utf-8",
    )
    subprocess.run([given.tool, "init", config, session], cwd=tree, check=True, capture_output=True)
    mutants = list(_mutants(session, (tree / module).read_text(encoding="utf-8")))
    drawn = _draw(mutants, given.seed, given.sample)
    with sqlite3.connect(session) as database:
        for table in ("mutation_specs", "work_items"):
            marks = ", ".join("?" * len(drawn))
            database.execute(
                f"DELETE FROM {table} WHERE job_id NOT IN ({marks})", [mutant.job for mutant in drawn]
            )
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(door))
        server.listen()
        server.settimeout(1)
        with subprocess.Popen([given.tool, "exec", config, session], cwd=tree) as tool:
            while tool.poll() is None:
                _serve(server, tree, module)
    with sqlite3.connect(session) as database:
        rows = database.execute("SELECT test_outcome, diff FROM work_results").fetchall()
    outcomes = Counter(outcome for outcome, _ in rows)
    if set(outcomes) - {"KILLED", "SURVIVED"} or len(rows) != len(drawn):
        raise SystemExit(f"{module}: not every mutant could be tried: {dict(outcomes)} of {len(drawn)}.")
    survivors = [_changed(diff) for outcome, diff in rows if outcome == "SURVIVED"]
    places = len({mutant.place for mutant in mutants})
    return Outcome(places, len(mutants), len(drawn), outcomes["KILLED"], survivors)


def _copy(tree: Path) -> None:
    """What git keeps, as it is now; times stay, so no bytecode of a mutated file is used."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def _mutants(session: Path, source: str) -> Iterator[Mutant]:
    """All but the idle ones and those of annotations, which nothing evaluates."""
    lines = source.splitlines()
    ordinals = [lines[:row].count(line) for row, line in enumerate(lines)]
    annotations = list(_annotations(ast.parse(source)))
    with sqlite3.connect(session) as database:
        rows = database.execute(
            "SELECT job_id, operator_name, start_pos_row, start_pos_col FROM mutation_specs"
        ).fetchall()
    for job, operator, row, column in rows:
        if any(first <= (row, column) < last for first, last in annotations):
            continue
        opposites = operator.endswith(("Is_IsNot", "IsNot_Is"))
        if (
            "Replace" in operator
            and not opposites
            and (operator.endswith(_IDLE) or "Operator_Is" in operator)
        ):
            continue
        kind = operator.removeprefix("core/").split("_")[0]
        yield Mutant(job, operator, (lines[row - 1].strip(), ordinals[row - 1], column, kind))


def _annotations(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            found = getattr(node, name, None)
            if isinstance(found, ast.expr) and found.end_lineno and found.end_col_offset:
                yield (found.lineno, found.col_offset), (found.end_lineno, found.end_col_offset)


def _draw(mutants: list[Mutant], seed: int, size: int) -> list[Mutant]:
    """A sample of places, and at each of them one of its mutants."""
    by_place: dict[tuple[str, int, int, str], list[Mutant]] = {}
    for mutant in sorted(mutants, key=lambda mutant: mutant.operator):
        by_place.setdefault(mutant.place, []).append(mutant)
    ranks = {place: some[0].rank(seed) for place, some in by_place.items()}
    first = sorted(by_place, key=ranks.__getitem__)[:size]
    return [by_place[place][int(ranks[place], 16) % len(by_place[place])] for place in first]


def _serve(server: socket.socket, tree: Path, module: str) -> None:
    try:
        asker, _ = server.accept()
    except TimeoutError:
        return
    with asker:
        asker.sendall(bytes([_forked(tree, module)]))


def _forked(tree: Path, module: str, *, keep: bool = False) -> int:
    """0 where the module's tests pass in a copy of this process; `keep` its bytecode."""
    child = os.fork()
    if child:
        return int(os.waitpid(child, 0)[1] != 0)
    try:
        signal.alarm(LONGEST)
        os.chdir(tree)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        sys.dont_write_bytecode = not keep
        import pytest

        left_out = [f"--deselect={name}" for name in LEFT_OUT]
        plain = ["-o", "addopts=", "-x", "-q", "-p", "no:cacheprovider", "-m", "not timing"]  # no plugin's
        os._exit(pytest.main([*plain, *left_out, *TESTS[module]]))
    finally:
        os._exit(1)


def _changed(diff: str) -> str:
    return "\n".join(
        line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    )


def _cpu_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in used)


if __name__ == "__main__":
    main()
