"""Frames that lie flat in a person's folder, and what lies beside takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from downloads import write_video
from PIL import Image

from fevbench.data.layouts.folder import LAYOUT, suggested
from fevbench.data.layouts.layout import Download
from fevbench.errors import DatasetError


def lay(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(root / name)
    return root


def frames(folder: str, last: int = 3, suffix: str = "png") -> list[str]:
    return [f"{folder}{number:02}.{suffix}" for number in range(1, last + 1)]


def find(root: Path, **options: str) -> Download:
    return LAYOUT.discover(root, LAYOUT.settings(options))


def reasons(found: Download) -> dict[str, list[str]]:
    why: dict[str, list[str]] = {}
    for skip in found.skipped:
        why.setdefault(skip.why, []).append(Path(skip.what).name)
    return why


@pytest.mark.parametrize(
    ("names", "pattern", "recordings"),
    [
        (("anna/happy_", "anna/sad_", "bob/happy_"), "{subject}/{label}_{frame}", 3),
        (("anna/happy", "anna/sad", "bob/happy"), "{subject}/{label}{frame}", 3),
        (("anna/happy_1_", "anna/happy_2_"), "{subject}/{label}_{take}_{frame}", 2),
        (("anna_happy_", "bob_sad_"), "{subject}_{label}_{frame}", 2),
        (("happy/anna-", "happy/bob-"), "{label}/{subject}-{frame}", 2),
        (("anna/happy/", "bob/sad/"), "{subject}/{label}", 2),
    ],
)
def test_a_folder_is_answered_with_the_pattern_that_reads_it(
    tmp_path: Path, names: tuple[str, ...], pattern: str, recordings: int
) -> None:
    lay(tmp_path, *(name for stem in names for name in frames(stem)))
    with pytest.raises(DatasetError, match=re.escape(f"--set 'pattern={pattern}'")) as error:
        find(tmp_path)
    assert "\n" not in str(error.value)
    found = find(tmp_path, pattern=pattern)
    assert len(found.recordings) == recordings
    assert {recording.label for recording in found.recordings} <= {"happiness", "sadness"}
    assert {recording.subject for recording in found.recordings} <= {"anna", "bob"}
    assert all([f.stem[-2:] for f in recording.files] == ["01", "02", "03"] for recording in found.recordings)


def test_a_session_of_flat_frames_is_no_take(tmp_path: Path) -> None:
    lay(tmp_path, *frames("anna/fear/happy_"), *frames("anna/fear/sad_"))
    with pytest.raises(DatasetError, match=r"--set 'pattern="):
        find(tmp_path, pattern="{subject}/{label}")


def test_nothing_is_suggested_that_does_not_fit() -> None:
    assert suggested(Path("a/b/c"), False) == ""
    assert suggested(Path("happy"), False) == ""
    assert suggested(Path("anna/happy"), True) == ""
    assert suggested(Path("s1/anna/happy/3"), False) == "{subject}/{take}/{label}/*"


@pytest.mark.parametrize("pattern", ["{subject}/{label}_{frames}", "{subject}_{frame}"])
def test_a_pattern_must_make_sense(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(
        DatasetError, match=r"has a field \{frames\}: did you mean 'frame'|lacks \{subject\} or \{label\}"
    ):
        find(tmp_path, pattern=pattern)


def test_masks_and_previews_beside_frames_are_left_out_by_name(tmp_path: Path) -> None:
    lay(
        tmp_path, *frames("anna/happy/1/"), *[n.replace(".png", "_mask.png") for n in frames("anna/happy/1/")]
    )
    lay(tmp_path, "anna/happy/1/preview.gif", *frames("anna/happy/masks/"), *frames("anna/happy/1_depth/"))
    found = find(tmp_path)
    assert [[file.name for file in recording.files] for recording in found.recordings] == [
        ["01.png", "02.png", "03.png"]
    ]
    assert reasons(found) == {
        "beside the frames": ["01_mask.png", "02_mask.png", "03_mask.png", "preview.gif", "1_depth", "masks"]
    }


def test_twins_are_no_take(tmp_path: Path) -> None:
    lay(tmp_path, *frames("anna/happy/1/"), *frames("anna/happy/1/", suffix="jpg"), *frames("bob/sad/1/"))
    found = find(tmp_path)
    assert [recording.subject for recording in found.recordings] == ["bob"]
    (skip,) = found.skipped
    assert (skip.why, Path(skip.what).name) == ("pictures that are no one clip", "1")
    assert "the same frame twice: 01.jpg and 01.png" in skip.detail
    with pytest.raises(
        DatasetError, match=r"fits the pattern.*: .*the same frame twice: 01\.jpg and 01\.png"
    ):
        find(tmp_path / "anna", pattern="{label}/{subject}")


def test_a_take_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    import numpy as np

    clip = np.zeros((3, 32, 32, 3), np.uint8)
    for name in ("1.mp4", "1.avi", "2.mp4", "2_mask.mp4"):
        write_video(tmp_path / "anna" / "happy" / name, clip, codec="mpeg4")
    lay(tmp_path, *frames("anna/happy/2/"))
    found = find(tmp_path)
    assert sorted(recording.files[0].name for recording in found.recordings) == ["1.avi", "2.mp4"]
    assert reasons(found) == {"same take again": ["1.mp4", "2"], "beside the frames": ["2_mask.mp4"]}


def test_an_animation_is_a_take_and_other_kinds_are_named(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (8, 8), (9 * i, 0, 0)) for i in range(4)]
    (tmp_path / "anna" / "happy").mkdir(parents=True)
    for name in ("1.gif", "2.webp"):
        pictures[0].save(tmp_path / "anna" / "happy" / name, save_all=True, append_images=pictures[1:])
    found = find(tmp_path)
    assert [recording.files[0].name for recording in found.recordings] == ["1.gif", "2.webp"]
    other = tmp_path / "other"
    (other / "anna" / "happy" / "1").mkdir(parents=True)
    (other / "anna" / "happy" / "1" / "0.heic").touch()
    with pytest.raises(DatasetError, match=r"read are videos \(.mkv .*\.webp"):
        find(other)
