"""Help and lists of the command line answer at once: nothing heavy is imported for them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from clock import finish, of_children, tell

LIMIT_S = 0.5
COMMANDS = (
    "--help",
    "run --help",
    "list metrics",
    "list models",
    "list protocols",
    "list datasets",
    "data --help",
    "data render --help",
)

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        # The user's prepared sets would be opened, too.
        environment = {**os.environ, "FEVBENCH_HOME": home}

        def answer(words: str) -> float:
            """Seconds of processor for a command."""
            line = [sys.executable, "-m", "fevbench", *words.split()]
            return of_children(lambda: subprocess.run(line, check=True, capture_output=True, env=environment))

        finish([tell(f"fevbench {words}", LIMIT_S, lambda words=words: answer(words)) for words in COMMANDS])
