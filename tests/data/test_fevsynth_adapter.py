"""FEVSynth is read as its manifest says, and a file that is not the listed one is never scored."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from fevbench.data.fevsynth.adapter import FEVSynth
from fevbench.data.video import write_clip
from fevbench.errors import DatasetError, VideoError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A set of one clip."""
    clip = tmp_path / "clips" / "p1-joy.mkv"
    write_clip(clip, tiny.squares(0, 1), 25)
    entry = {"id": "p1-joy", "subject": "p1", "label": "joy", "split": "test", "file": "clips/p1-joy.mkv"}
    entry["sha256"] = hashlib.sha256(clip.read_bytes()).hexdigest()
    manifest = {
        "version": "9",
        "fps": 25,
        "labels": ["joy"],
        "subjects": [{"id": "p1", "split": "test", "age": "old"}],
        "clips": [entry],
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


def _edit(root: Path, change: Any) -> None:
    manifest = json.loads((root / "manifest.json").read_text())
    change(manifest)
    (root / "manifest.json").write_text(json.dumps(manifest))


def test_clips_and_people_are_those_of_the_manifest(root: Path) -> None:
    data = FEVSynth(root)
    (clip,) = data.clips("test")
    assert data.clips("train") == ()
    assert (data.version, data.fps, data.labels) == ("9", 25, ("joy",))
    assert [(s.id, s.split, dict(s.attributes)) for s in data.subjects()] == [("p1", "test", {"age": "old"})]
    assert np.array_equal(data.frames(clip), tiny.squares(0, 1))


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"version": "1", "clips": 3}'])
def test_a_missing_or_broken_manifest_is_an_error(root: Path, content: str | None) -> None:
    manifest = root / "manifest.json"
    manifest.unlink() if content is None else manifest.write_text(content)
    with pytest.raises(DatasetError, match=r"manifest\.json is missing or broken .*install fevbench again"):
        FEVSynth(root)


def test_subjects_of_the_wrong_kind_are_an_error(root: Path) -> None:
    _edit(root, lambda manifest: manifest.update(subjects=["p1"]))
    with pytest.raises(DatasetError, match="broken"):
        FEVSynth(root)


def test_a_file_that_is_not_the_listed_one_is_an_error(root: Path) -> None:
    write_clip(root / "clips" / "p1-joy.mkv", tiny.squares(0, 2), 25)
    data = FEVSynth(root)
    with pytest.raises(DatasetError, match=r"p1-joy\.mkv is damaged: sha256 [0-9a-f]{64}, expected"):
        data.frames(data.clips("test")[0])


def test_a_file_that_is_gone_is_an_error(root: Path) -> None:
    (root / "clips" / "p1-joy.mkv").unlink()
    data = FEVSynth(root)
    with pytest.raises(DatasetError, match="cannot be read"):
        data.frames(data.clips("test")[0])


def test_a_listed_file_that_cannot_be_decoded_is_an_error(root: Path) -> None:
    clip = root / "clips" / "p1-joy.mkv"
    clip.write_bytes(clip.read_bytes()[:-200])
    wrong = hashlib.sha256(clip.read_bytes()).hexdigest()
    _edit(root, lambda manifest: manifest["clips"][0].update(sha256=wrong))
    data = FEVSynth(root)
    with pytest.raises(VideoError, match="cut short"):
        data.frames(data.clips("test")[0])
