"""Help, lists and finished runs are answered at once: nothing heavy is imported for them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from clock import finish, of_children, tell

LISTS_S = 0.5
FINISHED = [f"run {model} fevsynth --limit 4 --metrics psnr" for model in ("copy", "fev-gan-warp")]
LIMITS = {
    "--help": 0.3,
    "run --help": LISTS_S,
    "list metrics": LISTS_S,
    "list models": LISTS_S,
    "list protocols": LISTS_S,
    "list datasets": LISTS_S,
    "data --help": LISTS_S,
    "data render --help": LISTS_S,
    **dict.fromkeys(FINISHED, 1.5),
}
"""Seconds of processor that each command should take."""

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        # The user's prepared sets would be opened, too.
        environment = {**os.environ, "FEVBENCH_HOME": home}

        def run(words: str) -> None:
            """Run a command."""
            line = [sys.executable, "-m", "fevbench", *words.split()]
            subprocess.run(line, check=True, capture_output=True, env=environment, cwd=home)

        for words in FINISHED:
            run(words)
        finish(
            [
                tell(f"fevbench {words}", limit, lambda words=words: of_children(lambda: run(words)))
                for words, limit in LIMITS.items()
            ]
        )
