"""Data sets of several parts: which there are is said, above all where the one that is asked for is not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from downloads import mead, performance, write_video
from tiny import Cli

from fevbench.data.layouts import layouts
from fevbench.data.layouts.layout import Download
from fevbench.errors import DatasetError


def touch(root: Path, *files: str) -> Path:
    """Files that are there by name: discovery does not decode them."""
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def discover(name: str, root: Path, **options: str) -> Download:
    layout = layouts.get(name)
    return layout.discover(root, layout.settings(options))


DOWN = ("W017/video/down/angry/level_1/001.mp4", "W017/video/down/happy/level_2/001.mp4")


@pytest.mark.parametrize(
    ("name", "files", "options", "complaint"),
    [
        ("mead", DOWN, {}, "MEAD, but none with view=front: there is view=down: choose with --set view=down"),
        (
            "mead",
            ("flat/W017_down_angry_level_1_001.mp4", "W017/video/left_30_copy/x.txt"),
            {},
            "MEAD, but none with view=front: there is view=down: choose with --set view=down",
        ),
        (
            "mead",
            (*DOWN, "M003/video/top/angry/level_1/001.mp4", "M009/video/top/angry/level_1/001.mp4"),
            {},
            "there is view=top, view=down: choose with --set view=top",
        ),
        ("mead", DOWN, {"view": "down", "level": "3"}, "view=down, level=3: there is level=1, level=2"),
        (
            "ravdess",
            ("Actor_01/02-02-05-01-01-01-01.mp4",),
            {},
            "RAVDESS, but none with channel=speech: there is channel=song: choose with --set channel=song",
        ),
        (
            "ravdess",
            ("Actor_01/02-02-05-01-01-01-01.mp4",),
            {"intensity": "strong"},
            "there is channel=song intensity=normal: choose with --set channel=song --set intensity=normal",
        ),
        ("crema-d", ("VideoFlash/1001_DFA_ANG_X.flv",), {"level": "HI"}, "with level=HI: there is level=XX"),
    ],
)  # fmt: skip
def test_other_parts_than_asked_for_are_named(
    tmp_path: Path, name: str, files: tuple[str, ...], options: dict[str, str], complaint: str
) -> None:
    with pytest.raises(DatasetError) as error:
        discover(name, touch(tmp_path, *files), **options)
    assert complaint in str(error.value)


def test_a_folder_that_is_a_view_is_known_by_the_folders_above_it(tmp_path: Path) -> None:
    touch(tmp_path, *DOWN)
    with pytest.raises(DatasetError, match="there is view=down"):
        discover("mead", tmp_path / "W017" / "video" / "down")
    assert len(discover("mead", tmp_path / "W017" / "video" / "down", view="down").recordings) == 2


def test_what_is_no_part_of_the_set_is_not_taken_for_one(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not hold MEAD: expected M003"):
        discover("mead", touch(tmp_path, "shirts/top/1.mp4", "down/2.mp4"))


def test_who_has_other_parts_only_is_named(tmp_path: Path) -> None:
    touch(tmp_path, *DOWN, "M003/video/front/angry/level_1/001.mp4", "M003/video/top/angry/level_1/001.mp4")
    found = discover("mead", tmp_path)
    assert [recording.subject for recording in found.recordings] == ["M003"]
    reasons = {(Path(skip.what).name, skip.why, skip.detail) for skip in found.skipped}
    assert reasons == {
        ("down", "part not asked for", "--set view=down"),
        ("top", "part not asked for", "--set view=top"),
        ("W017", "subject without the part asked for", "there is --set view=down"),
    }


@pytest.mark.usefixtures("middle_faces")
def test_the_summary_says_how_to_ask_for_the_other_parts(cli: Cli, tmp_path: Path) -> None:
    source = mead(tmp_path / "mead")
    for view in ("down", "left_30"):
        write_video(source / f"W017/video/{view}/angry/level_1/001.mp4", performance(4, "anger"), 30)
    wish = ("--split", "test", "--jobs", 1, "--size", 48, "--frames", 8)
    outcome = cli("data", "prepare", "mead", source, "--out", tmp_path / "out", *wish)
    assert outcome.code == 0, outcome
    assert "skipped: 3 part not asked for (--set view=left_30: 2, --set view=down: 1)" in outcome.out
    assert "skipped: 1 subject without the part asked for (W017)" in outcome.out
    other = cli("data", "prepare", "mead", source, "--out", tmp_path / "b", *wish, "--set", "view=down")
    assert other.out.startswith(f"{tmp_path / 'b'}: 1 clip (")
    assert Counter(line.partition(" (")[0] for line in other.out.splitlines())[
        "skipped: 3 subject without the part asked for"
    ]
