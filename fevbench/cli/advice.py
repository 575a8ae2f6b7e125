"""What to do about errors that no command foresees: only what the command that failed can do."""

from __future__ import annotations

from collections.abc import Sequence

CONTINUES = (
    ["run"],
    ["train"],
    ["audit"],
    ["data", "render"],
    ["data", "prepare"],
    ["data", "measure"],
    ["data", "inputs"],
)
"""Commands that go on where they were stopped; training a judge, minutes of work, does not."""
BATCHES = (["run"], ["audit"])
"""Commands with --batch-size."""
JOBS = (["data", "render"], ["data", "prepare"])
"""Commands with --jobs."""
DEVICES = (
    ["run"],
    ["audit"],
    ["train"],
    ["cost"],
    ["generate"],
    ["data", "measure"],
    ["leaderboard", "check"],
)
"""Commands with --device."""


def goes_on(words: Sequence[str]) -> bool:
    """Whether the same command continues where it was stopped."""
    return _is_one_of(words, CONTINUES) and _plain(words)[:2] != ["train", "judge"]


def afterwards(words: Sequence[str]) -> str:
    """What becomes of the command if it is repeated, for the end of an advice; empty if it starts anew."""
    return ", which continues" if goes_on(words) else ""


def for_want_of_memory(words: Sequence[str], on_gpu: bool) -> str:
    """What to do where memory was not enough.

    Args:
        words: The command, as it was called.
        on_gpu: Whether it was a GPU's memory.
    """
    ways = []
    if _is_one_of(words, BATCHES) and _value(words, "--batch-size") != "1":
        ways.append("a smaller --batch-size")
    if _is_one_of(words, JOBS) and _value(words, "--jobs") != "1":
        ways.append("fewer --jobs")
    if _is_one_of(words, (["train"],)) and _plain(words)[:2] != ["train", "judge"]:
        ways.append("a smaller --set batch_size=N and another --out")
    if on_gpu and _is_one_of(words, DEVICES):
        ways.append("--device cpu")
    if ways:
        return f"repeat with {' or '.join(ways)}{afterwards(words)}"
    return f"end other programs or use a machine with more, then repeat the command{afterwards(words)}"


def _plain(words: Sequence[str]) -> list[str]:
    return [word for word in words if not word.startswith("-")]


def _is_one_of(words: Sequence[str], commands: Sequence[list[str]]) -> bool:
    plain = _plain(words)
    return any(plain[: len(command)] == command for command in commands)


def _value(words: Sequence[str], option: str) -> str | None:
    """What an option was given, the last time it was."""
    found = None
    for i, word in enumerate(words):
        if word.startswith(f"{option}="):
            found = word.partition("=")[2]
        elif word == option and i + 1 < len(words):
            found = words[i + 1]
    return found
