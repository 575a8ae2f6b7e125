"""Every data set as downloaded, from the raw folder to a scored table; everything in it is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import downloads
import pytest
from tiny import Cli

from fevbench.data.datasets import open_dataset

Make = Callable[[Path], Path]

EXPECTED: list[tuple[str, Make, tuple[str, ...], dict[str, int], dict[str, int]]] = [
    ("mug", downloads.mug, (), {"001": 2, "002": 2, "017": 3, "034": 2, "049": 1},
     {"label not asked for": 3, "stray file": 3}),
    ("mug", downloads.mug, ("--set", "nsg=skip", "--labels", "all", "--split", "mug-lfdm-26-26"),
     {"001": 3, "002": 2, "017": 3, "034": 3, "049": 1}, {"nsg take": 1, "stray file": 2}),
    ("oulu-casia", downloads.oulu_casia, ("--split", "kfold:3:1"), {"P001": 3, "P002": 2, "P051": 2},
     {"part not asked for": 3, "stray file": 1}),
    ("oulu-casia", downloads.oulu_casia,
     ("--split", "kfold:3:2", "--set", "modality=NI", "--set", "light=Dark"),
     {"P001": 1, "P002": 1, "P003": 1}, {"part not asked for": 2}),
    ("oulu-casia", downloads.oulu_casia, ("--split", "kfold:3:2", "--set", "release=cropped"),
     {"P001": 1, "P002": 1, "P051": 1}, {"part not asked for": 2}),
    ("ck-plus", downloads.ck_plus, ("--split", "kfold:3:1"), {"S005": 1, "S010": 1, "S011": 1},
     {"label not asked for": 1, "no label": 2, "stray file": 1}),
    ("crema-d", downloads.crema_d, (), {"1001": 2, "1002": 1, "1003": 1},
     {"label not asked for": 1, "Git LFS pointer": 1, "sound only": 1}),
    ("crema-d", downloads.crema_d, ("--set", "level=XX"), {"1001": 1, "1002": 1, "1003": 1},
     {"label not asked for": 1, "Git LFS pointer": 1, "sound only": 1, "part not asked for": 1}),
    ("ravdess", downloads.ravdess, (), {"01": 1, "02": 1, "03": 2},
     {"label not asked for": 1, "same take again": 1, "part not asked for": 1, "sound only": 1}),
    ("mead", downloads.mead, (), {"M003": 2, "W009": 1, "W011": 1},
     {"label not asked for": 2, "part not asked for": 1, "sound only": 1}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "make", "options", "clips", "skipped"),
    EXPECTED,
    ids=[f"{i}-{row[0]}" for i, row in enumerate(EXPECTED)],
)
def test_as_downloaded_to_a_scored_table(
    name: str,
    make: Make,
    options: tuple[str, ...],
    clips: dict[str, int],
    skipped: dict[str, int],
    cli: Cli,
    tmp_path: Path,
    middle_faces: None,
) -> None:
    source, out = make(tmp_path / "downloads"), tmp_path / "prepared"
    prepared = cli("data", "prepare", name, source, "--out", out, "--jobs", 1, "--size", 64, *options)
    assert prepared.code == 0, prepared
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    assert {subject: sum(counts.values()) for subject, counts in report["per_subject"].items()} == clips
    assert {why: len(entries) for why, entries in report["skipped"].items()} == skipped
    data = open_dataset(name)
    assert len({subject.split for subject in data.subjects()}) > 1
    scored = cli("run", "copy", name, "--metrics", "csim,motion,psnr", "--out", tmp_path / "run")
    assert scored.code == 0, scored
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["dataset"]["clips"] == len(data.clips("test")) > 0
    assert result["dataset"]["version"] == data.version == report["digest"][:12]
    assert cli("data", "verify", name).code == 0


@pytest.mark.weights
def test_faces_are_framed_as_those_of_fevsynth(tmp_path: Path) -> None:
    import numpy as np

    from fevbench import weights
    from fevbench.data.framing import cut_out
    from fevbench.data.prepared.face import search_faces
    from fevbench.extractors.arcface import DETECTOR, EMBEDDER, FaceRecogniser

    detector, embedder = (weights.require(name, offline=True).path for name in (DETECTOR, EMBEDDER))
    eyes = FaceRecogniser(detector, embedder)
    clip = downloads.performance(1, "happiness")
    wide = np.pad(clip, ((0, 0), (100, 60), (150, 90), (0, 0)), mode="edge")
    for align in ("none", "eyes"):
        looked = search_faces({i: wide[i] for i in (0, 5, 9)}, eyes)
        placement = looked.placement(align)
        assert (looked.faces, looked.looks, looked.notes(placement)) == (3, 3, [])
        framed = cut_out(wide[0], placement, 64).astype(float)
        assert np.abs(framed - clip[0][:, 8:-8]).mean() < 14
