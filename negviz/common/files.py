"""Files written in one step, by one process at a time, and what they are known by.

What is half done lies beside its target under a hidden name, held by a lock of the operating system that
ends with its process, however it ends.  So whoever writes to the folder next knows what to sweep away.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout, lock_descriptor

from negviz.common.errors import NegvizError

PARTIAL: Final = ".negviz-partial"  # ends the names of what is half done; git and README's upload skip both
LOCK: Final = ".negviz-lock"
_HOST: Final = re.sub(r"[^A-Za-z0-9]+", "-", platform.node())[:24]
_OWN: Final = f".{_HOST}{PARTIAL}"  # of this machine: not every disk shows its locks to another
_LINE: Final = re.compile(r"\n\s*")
_PLAIN_LIST: Final = re.compile(
    r"\[\n\s*([^][{}]+?)\n\s*\]"
)  # as `json` indents it; no string holds a line end
_LEFTOVER: Final = 86_400.0  # seconds after which nobody on any machine is still writing
_WAITS: Final = 60.0  # seconds for another process to finish its reading and writing
_LOOKS: Final = 1.0  # seconds: who sweeps holds a lock for a moment, to see whether it is anybody's


class InUseError(NegvizError):
    """Another process is at it; the message says at what."""


class FileError(NegvizError):
    """A file that cannot be written; the message is one sentence that names it and says why.

    `reason` alone is for visitors, who need not know where things lie.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be written: {reason}.")
        self.reason = reason


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file in one step, and the folder it lies in: readers see the old one or the new one, never
    half of it.  Raises `FileError`.
    """
    with told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        _write_beside(path, content)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What the system says of writing to `path`, as a `FileError`."""
    try:
        yield
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error


def _write_beside(path: Path, content: bytes) -> None:
    handle, temporary = _new_file(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o644)  # mkstemp makes private files
            if os.name != "nt":  # Windows moves no open file
                temporary.replace(path)
        if os.name == "nt":
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON in one step, lists of plain values on one line; figures that are not numbers are refused."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    text = _PLAIN_LIST.sub(lambda found: f"[{_LINE.sub(' ', found[1])}]", text)
    write_atomically(path, f"{text}\n".encode())


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# One process at a time ------------------------------------------------------------------------


@contextmanager
def rewriting(path: Path) -> Iterator[None]:
    """Read a shared file and write it anew: whoever else does waits for its turn.

    Only for moments: nothing is worked out meanwhile.  Raises `InUseError` where the turn does not come.
    """
    sentence = f"{path} is being written by another process and stays so; end that one, then try again."
    with told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _held(path.with_name(f".{path.name}{LOCK}"), _WAITS, sentence):
        yield


@contextmanager
def running_alone(folder: Path, work: str) -> Iterator[None]:
    """Do a long work on a folder, of which there is one at a time.

    Raises `InUseError`, without waiting for its turn, where another process is at the same work there.
    """
    made = not folder.exists()
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        sentence = f"{work} is running on {folder} already; wait until it has ended, or give another folder."
        with _held(folder / f".{work}{LOCK}", _LOOKS, sentence):
            sweep(folder)
            yield
    finally:
        if made:
            with suppress(OSError):  # unless something was written there
                folder.rmdir()


@contextmanager
def _held(path: Path, seconds: float, sentence: str) -> Iterator[None]:
    lock = FileLock(path)
    with told(path):
        try:
            lock.acquire(timeout=seconds)
        except Timeout as error:
            raise InUseError(sentence) from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file: the next sweep does
            path.unlink()  # while it is held: whoever waits for it finds it gone and makes another
        lock.release()


def default_cache() -> Path:
    """`NEGVIZ_CACHE`, or a folder of ours where the platform keeps caches."""
    asked = os.environ.get("NEGVIZ_CACHE")
    if asked:
        return Path(asked)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "negviz" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "negviz"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "negviz"


# What is half done ----------------------------------------------------------------------------


@contextmanager
def temporary_folder(folder: Path, name: str) -> Iterator[Path]:
    """A hidden folder in `folder` in which something is made ready; it goes when the block is left."""
    sweep(folder)
    while True:
        with told(folder):
            made = Path(tempfile.mkdtemp(dir=folder, prefix=f".{name}-", suffix=_OWN))
        if os.name == "nt":  # which opens no folders: its age must tell
            handle = None
            break
        try:
            handle = _open(made)
        except FileNotFoundError:  # swept away before it could be held
            continue
        if _claimed(handle, made):
            break
        os.close(handle)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what killed processes left half done in a folder; what a living one holds stays."""
    try:
        found = [path for path in folder.iterdir() if path.name.endswith((PARTIAL, LOCK))]
    except OSError:  # no such folder, or none of ours
        return
    for path in found:
        with suppress(OSError):  # another process sweeps too, or this disk has no locks
            if path.name.endswith(PARTIAL) and time.time() - path.stat().st_mtime > _LEFTOVER:
                _remove(path)
            elif path.name.endswith((_OWN, LOCK)):
                _remove_unless_held(path)


def _remove_unless_held(path: Path) -> None:
    handle = _open(path)
    try:
        if lock_descriptor(handle, blocking=False):
            _remove(path)  # while it is held: its maker may be about to claim it
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


def _new_file(path: Path) -> tuple[int, Path]:
    """A hidden file beside `path`, open for writing and held."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=_OWN)
        if _claimed(handle, Path(name)):
            return handle, Path(name)
        os.close(handle)


def _claimed(handle: int, path: Path) -> bool:
    """Hold what was just made; False where it was swept away before it was held."""
    with suppress(OSError):  # this disk has no locks: its age must tell
        lock_descriptor(handle)
    return path.exists()


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
