"""``fevbench data export``: single clips as files, FEVSynth's byte for byte."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import tiny
from tiny import Cli

from fevbench.data.video import read_clip
from fevbench.fevsynth.adapter import ROOT

FILES = {
    entry["id"]: entry
    for kind in ("clips", "neutrals")
    for entry in json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))[kind]
}


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_all_of_fevsynth_comes_out_as_it_was_rendered(cli: Cli, tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        for kind in ((), ("--neutral",)):
            outcome = cli("data", "export", "fevsynth", "--split", split, *kind, "--out", tmp_path / "all")
            assert outcome.code == 0, outcome
    assert hashes(tmp_path / "all") == {Path(e["file"]).name: e["sha256"] for e in FILES.values()}
    assert len(FILES) == 1344


def test_clips_and_neutral_images_are_chosen_by_id(cli: Cli, tmp_path: Path) -> None:
    """Whatever their split."""
    outcome = cli("data", "export", "fevsynth", "p000-fear-0", "p002-anger-1", "--out", tmp_path / "clips")
    assert outcome.out == f"{tmp_path / 'clips'}: 2 clips of fevsynth\n"
    assert hashes(tmp_path / "clips") == {
        f"{name}.mkv": FILES[name]["sha256"] for name in ("p000-fear-0", "p002-anger-1")
    }
    outcome = cli("data", "export", "fevsynth", "p014-0", "--neutral", "--out", tmp_path / "faces")
    assert outcome.out == f"{tmp_path / 'faces'}: 1 neutral image of fevsynth\n"
    assert hashes(tmp_path / "faces") == {"p014-0.png": FILES["p014-0"]["sha256"]}


@pytest.mark.usefixtures("tiny_data")
def test_clips_of_another_set_are_written_without_loss(cli: Cli, tmp_path: Path) -> None:
    assert cli("data", "export", "tiny", "--split", "test", "--out", tmp_path / "out").code == 0
    clips = tiny.Tiny().clips("test")
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {clip.id for clip in clips}
    for clip in clips:
        assert np.array_equal(read_clip(tmp_path / "out" / f"{clip.id}.mkv"), tiny.Tiny().frames(clip))


@pytest.mark.usefixtures("tiny_data")
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("fevsynth", "p000-rage-0"), "fevsynth has no clip 'p000-rage-0': give ids such as p000-anger-0"),
        (("fevsynth", "p000-fear-0", "--neutral"), "fevsynth has no neutral image 'p000-fear-0': give ids"),
        (("tiny", "--neutral"), "tiny has no neutral images: leave out --neutral"),
    ],
)
def test_what_is_not_there_is_an_error(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], complaint: str
) -> None:
    outcome = cli("data", "export", *words, "--out", tmp_path / "out")
    assert outcome.code == 1
    assert complaint in outcome.err
    assert not (tmp_path / "out").exists()
