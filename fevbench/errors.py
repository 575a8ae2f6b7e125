"""Errors a user can act on: each says what went wrong, where, and how to fix it, in one line."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of the system if a disk, a quota or a file is full."""
NO_HANDLES = (errno.EMFILE, errno.ENFILE)
"""Errors if too many files are open."""
NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
"""Errors if the user lacks permission."""


class FevbenchError(Exception):
    """A problem the user can fix.

    The command line prints ``str(error)`` on one line and exits with status 1; the traceback is
    shown only with ``--debug``.

    Args:
        what: What went wrong, naming the file or the value at fault.
        fix: What to do about it, as an imperative phrase.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        self.what = what
        self.fix = fix
        super().__init__(f"{what}: {fix}" if fix else what)


class Terminated(BaseException):
    """SIGTERM as an exception, so that unfinished files are removed; no handler of errors catches it."""


class UnknownName(FevbenchError):
    """A name that is in no registry; suggests similar ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str], else_: str = "") -> None:
        names = sorted(known)
        folded = {known_name.lower(): known_name for known_name in names}
        close = difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.5)
        if close:
            fix = "did you mean " + " or ".join(repr(folded[match]) for match in close) + "?"
        else:
            fix = "known: " + (", ".join(names) or "none")
        fix = f"{fix}; {else_}" if else_ else fix
        super().__init__(f"no {kind} is called {name!r}", fix)


class VideoError(FevbenchError):
    """A video, picture or folder of frames that cannot be read as a clip."""


class ModelError(FevbenchError):
    """A model that cannot be loaded, or whose output breaks the model protocol."""


class WeightsError(FevbenchError):
    """A pretrained file that is missing, cannot be downloaded, or is not the registered one."""


class MissingPackage(FevbenchError):
    """A package that part of fevbench needs, and that is not installed."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        ours = f"'fevbench[{extra}]'" if extra else "fevbench"
        super().__init__(f"{what} needs {package}, which is not installed", f"pip install {ours}")


class DatasetError(FevbenchError):
    """A data set whose files are missing or are not what its manifest says."""


class RunError(FevbenchError):
    """A run folder or result that cannot be used or continued."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: in Python, on a GPU, in torch or in onnxruntime."""
    try:
        said = str(error)
    except Exception:  # a foreign one's text can be anything
        said = ""
    kinds = isinstance(error, MemoryError) or is_out_of_gpu_memory(error)
    return kinds or "can't allocate memory" in said or "Failed to allocate memory" in said


def is_out_of_gpu_memory(error: BaseException) -> bool:
    """Whether it is torch's error of a GPU. torch, which is large, need not be imported to know it."""
    return type(error).__name__ == "OutOfMemoryError"


def suggested_fix(error: BaseException, otherwise: str) -> str:
    """What to do about an error (of any kind, since readers raise many) with a file.

    Errors of the system take precedence over faults of the file itself, for which ``otherwise`` is the fix.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number in NO_ROOM:
        return "free some space, then repeat the command"
    if number in NO_HANDLES:
        return "raise the limit of open files (ulimit -n), then repeat the command"
    if number in NO_RIGHT:
        return "check its permissions"
    if number in (errno.ENOMEM, errno.EIO, errno.ESTALE):
        return "check the machine's memory and its disk, then repeat the command"
    return otherwise
