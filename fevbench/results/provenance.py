"""Where a result was made: versions, commit, machine."""

from __future__ import annotations

import functools
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from fevbench.packages import installed
from fevbench.results.schema import Environment
from fevbench.version import VERSION

PACKAGES = (
    "av", "insightface", "mediapipe", "numpy", "onnxruntime", "opencv-python", "openvino", "pillow",
    "pytorch-fid", "scikit-image", "scikit-learn", "torch", "torchvision",
)  # fmt: skip
"""Packages that can change a result; of those with several builds, all installed ones are named."""


def environment(
    device: str, ran_on: Mapping[str, Mapping[str, str]] | None = None, threads: int | None = None
) -> Environment:
    """Describe this process.

    ``ran_on`` is extractor to runtimes and what each of them used; ``threads`` is those of a run's model, by
    default those of this process.
    """
    import torch

    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else _processor()
    return Environment(
        fevbench=VERSION,
        commit=commit(),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        device=f"{device} ({name})",
        threads=threads or torch.get_num_threads(),
        ran_on={name: dict(runtimes) for name, runtimes in (ran_on or {}).items()},
        packages=dict(sorted(item for name in PACKAGES for item in installed(name).items())),
    )


@functools.cache
def commit(folder: Path | None = None) -> str | None:
    """The git commit fevbench runs from, ``+dirty`` if its files were changed; None outside a checkout."""
    root = folder or Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    head = _git(root, "rev-parse", "HEAD")
    if head is None:
        return None
    return head + ("+dirty" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "cpu"
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "cpu"
