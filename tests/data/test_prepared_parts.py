"""Splits, sampling, squares, duplicates and clips of one's own: each rule by itself."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import downloads
import numpy as np
import pytest
from downloads import performance, write_frames, write_video
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tiny import Cli

from fevbench.data.datasets import SPLITS, open_dataset
from fevbench.data.framing import FoundFace, cut_out, square
from fevbench.data.layouts import layouts
from fevbench.data.prepared.adapter import Prepared
from fevbench.data.prepared.face import around
from fevbench.data.prepared.sampling import choose, rate, stillest, strongest
from fevbench.data.prepared.splits import NEAR, assign, perceptual_hash
from fevbench.data.protocol import Protocol, protocols
from fevbench.data.video import read_clip
from fevbench.errors import DatasetError
from fevbench.fevsynth.adapter import FEVSynth

SMALL = ("--jobs", 1, "--size", 48, "--frames", 8)
MUG_PEOPLE = sorted(
    {*layouts.get("mug").splits["mug-lfdm-26-26"].train, *layouts.get("mug").splits["mug-lfdm-26-26"].test}
)


def sizes(of: dict[str, str]) -> tuple[int, int, int]:
    counts = Counter(of.values())
    return counts["train"], counts["val"], counts["test"]


@pytest.mark.parametrize(
    ("name", "train", "test"), [("mug-imaginator-42-10", 42, 10), ("mug-lfdm-26-26", 26, 26)]
)
def test_published_splits_are_as_published(name: str, train: int, test: int) -> None:
    """How many people are on each side, whom --val holds out, and who is not there."""
    mug = layouts.get("mug")
    split = assign(name, MUG_PEOPLE, mug, 0, {})
    assert sizes(dict(split.split_of)) == (train, 0, test)
    held = assign(name, MUG_PEOPLE, mug, None, {})
    assert sizes(dict(held.split_of)) == (train - train // 10, train // 10, test)
    assert {p for p in MUG_PEOPLE if held.split_of[p] == "test"} == set(mug.splits[name].test)
    some = assign(name, [*MUG_PEOPLE[1:], "003"], mug, 0, {})
    assert some.record.missing == [MUG_PEOPLE[0]]
    assert some.left_out == ("003",)


def test_the_split_of_lfdm_is_its_seeded_shuffle() -> None:
    """Its repository shuffles the sorted ids with ``random.seed(1234)``, and trains on the first half."""
    import random

    people = list(MUG_PEOPLE)
    random.seed(1234)
    random.shuffle(people)
    assert set(people[:26]) == set(layouts.get("mug").splits["mug-lfdm-26-26"].train)


@given(
    people=st.sets(st.text("abc012", min_size=1, max_size=6), min_size=4, max_size=40),
    seed=st.integers(0, 99),
)
def test_seeded_splits_and_folds_cover_everybody_once(people: set[str], seed: int) -> None:
    folder = layouts.get("folder")
    seeded = assign(f"seeded:70-10-20:{seed}", sorted(people), folder, None, {}).split_of
    assert set(seeded) == people
    train, val, test = sizes(dict(seeded))
    assert min(train, val, test) >= 1
    assert abs(train - 0.7 * len(people)) <= 2
    tested = [
        p
        for fold in (1, 2, 3)
        for p, s in assign(f"kfold:3:{fold}", sorted(people), folder, None, {}).split_of.items()
        if s == "test"
    ]
    assert sorted(tested) == sorted(people)


def test_a_split_depends_on_ids_alone() -> None:
    folder = layouts.get("folder")
    assert (
        assign("seeded:50-0-50:1", list("abcd"), folder, None, {}).split_of
        == assign("seeded:50-0-50:1", list("dcba"), folder, None, {}).split_of
    )
    with pytest.raises(DatasetError, match="leaves no test subject"):
        assign("seeded:90-10-0:1", list("abcd"), folder, None, {})


@given(count=st.integers(2, 90), frames=st.integers(2, 40), neutral=st.integers(0, 10))
def test_sampling_begins_neutral_and_ends_where_it_should(count: int, frames: int, neutral: int) -> None:
    there = count - neutral
    for short in ("resample", "pad-last", "drop"):
        taken = choose(count, neutral, None, frames, "uniform", short)  # type: ignore[arg-type]
        if there < 2 or (short == "drop" and there < frames):
            assert taken == []
            continue
        assert (len(taken), taken[0], taken[-1]) == (frames, neutral, count - 1)
        assert taken == sorted(taken)
        if there >= frames:
            assert len(set(taken)) == frames
    every = choose(count, neutral, None, frames, "all", "pad-last")
    assert len(every) == (max(frames, there) if there > 1 else 0)


def test_the_apex_and_the_stillest_frame_are_where_they_are() -> None:
    clip = performance(1, "surprise", frames=21, back=True)
    assert 6 <= strongest(clip, 0) <= 14
    assert choose(21, 0, 11, 4, "onset-apex", "resample") == [0, 4, 7, 11]
    assert rate(25.0, [0, 2, 4, 6]) == 12.5
    assert rate(25.0, [0, 1, 2, 2, 2, 2]) == 25.0
    shaking = clip.copy()
    shaking[0] = np.roll(shaking[0], 9, axis=1)
    assert stillest(shaking) > 0


def test_one_square_holds_a_face_that_moves_and_the_border_goes_on() -> None:
    points = np.zeros((5, 2), np.float32)
    faces = [FoundFace((10 + x, 20, 50 + x, 80), points) for x in (0, 40)]
    placement = around(faces)
    (side, _, left), (_, _, top) = placement
    assert side == 84  # 1.05 of the 80 px that the boxes span, more than 1.25 of their height
    assert left <= 10
    assert left + side >= 90
    assert top <= 20
    assert top + side >= 80
    still = around(faces[:1])
    assert still[0, 0] == 75
    picture = np.arange(60, dtype=np.uint8)[:, None, None].repeat(60, 1).repeat(3, 2)
    out = cut_out(picture, square(-20, -20, 100), 100)
    assert (out[20:80, 20:80] == picture).all()
    assert (out[:20] == 0).all()
    assert (out[80:] == 59).all()


def test_a_recoded_frame_is_known_and_another_person_is_not() -> None:
    data = FEVSynth()
    frames = [data.neutral(subject.id) for subject in data.subjects()[::4]]
    bits = [int(perceptual_hash(frame), 16) for frame in frames]
    apart = min(bin(a ^ b).count("1") for i, a in enumerate(bits) for b in bits[:i])
    assert apart > 2 * NEAR
    for frame, of in zip(frames, bits, strict=True):
        buffer = io.BytesIO()
        Image.fromarray(frame).resize((96, 96), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=85)
        with Image.open(buffer) as image:
            again = np.asarray(image.resize((128, 128), Image.Resampling.BICUBIC))
        assert bin(int(perceptual_hash(again), 16) ^ of).count("1") <= NEAR


@pytest.mark.usefixtures("middle_faces")
def test_one_person_under_two_ids_is_refused_across_splits(cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "own"
    for person, name in enumerate(("ann", "bob", "cem", "dan"), 1):
        write_frames(root / name / "anger" / "1", performance(person, "anger"))
    write_frames(root / "ann-again" / "anger" / "1", performance(1, "anger"), "{}.png")
    split = tmp_path / "split.csv"
    split.write_text("subject,split\nann,train\nbob,train\ncem,val\ndan,test\nann-again,test\n")
    wish = ("data", "prepare", "folder:own", root, "--out", tmp_path / "out", *SMALL, "--split", split)
    refused = cli(*wish)
    assert refused.code == 1
    assert "ann-again-anger-1 (test) and ann-anger-1 (train)" in refused.complaint
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert cli(*wish, "--duplicates", "leave-out").code == 0
    data = open_dataset("own")
    assert [clip.id for clip in data.clips("train")] == ["bob-anger-1"]
    assert len(data.clips("test")) == 2


@pytest.mark.usefixtures("middle_faces")
def test_clips_of_ones_own_by_csv_and_by_pattern(cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "own"
    for person, name in enumerate(("ann", "bob", "cem"), 1):
        write_video(root / "videos" / f"{name}_angry_1.mp4", performance(person, "anger"))
    wish = ("data", "prepare", "folder:own", root)
    pattern = ("--set", "pattern=videos/{subject}_{label}_*", "--split", "kfold:3:1")
    assert cli(*wish, "--out", tmp_path / "a", *SMALL, *pattern).code == 0
    assert [s.id for s in open_dataset("own").subjects()] == ["ann", "bob", "cem"]
    assert open_dataset("own").labels == ("anger",)
    table = tmp_path / "clips.csv"
    rows = [
        f"videos/{n}_angry_1.mp4,{n},angry,{s}"
        for n, s in (("ann", "train"), ("bob", "val"), ("cem", "test"))
    ]
    table.write_text("path,subject,label,split\n" + "\n".join([*rows, "gone.mp4,dan,angry,test", ",,,"]))
    outcome = cli(*wish, "--out", tmp_path / "b", *SMALL, "--set", f"csv={table}")
    assert outcome.code == 0
    assert "skipped: 1 missing file (clips.csv line 5)" in outcome.out
    assert "skipped: 1 incomplete line (clips.csv line 6)" in outcome.out
    assert f"own was {tmp_path / 'a'} before" in outcome.err
    assert {s.id: s.split for s in open_dataset("own").subjects()} == {
        "ann": "train",
        "bob": "val",
        "cem": "test",
    }
    assert open_dataset(f"prepared:{tmp_path / 'a'}").version != open_dataset(f"own:{tmp_path / 'b'}").version
    table.write_text(
        "path,subject,label,split\n" + "\n".join([*rows, "videos/ann_angry_1.mp4,ann,fear,test"])
    )
    both = cli(*wish, "--out", tmp_path / "c", *SMALL, "--set", f"csv={table}")
    assert "clips.csv line 5: ann is in both train and test" in both.complaint


@pytest.mark.usefixtures("middle_faces")
@pytest.mark.parametrize(
    ("wish", "taken", "phase_fps"),
    [
        (("--sampling", "all"), list(range(10)), 25.0),
        (("--sampling", "uniform", "--frames", "4"), [0, 3, 6, 9], 25 / 3),
        (("--sampling", "uniform", "--frames", "12", "--short", "pad-last"), [*range(10), 9, 9], 25.0),
        (("--sampling", "onset-apex", "--frames", "4"), [0, 3, 6, 9], 25 / 3),
    ],
)
def test_the_manifest_says_which_frames_were_taken(
    cli: Cli, tmp_path: Path, wish: tuple[str, ...], taken: list[int], phase_fps: float
) -> None:
    downloads.oulu_casia(tmp_path / "oulu")
    more = ("--jobs", 1, "--size", 48, "--frames", 8, "--split", "kfold:3:1", *wish)
    assert cli("data", "prepare", "oulu-casia", tmp_path / "oulu", "--out", tmp_path / "out", *more).code == 0
    data = Prepared(tmp_path / "out")
    assert data.fps == pytest.approx(phase_fps, abs=0.001)
    for split in SPLITS:
        for clip in data.clips(split):
            entry = data.entry(clip.id)
            assert entry.taken == taken
            assert entry.apex == (9 if "onset-apex" in wish else None)
            assert len(data.frames(clip)) == len(taken)


@pytest.mark.usefixtures("middle_faces")
def test_longer_clips_are_scored_to_their_end_or_not_at_all(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 48 frames, the old rule saw the first 31: the apex of a posed take is the last."""
    for person, name in enumerate(("ann", "bob"), 1):
        write_frames(tmp_path / "own" / name / "anger" / "1", performance(person, "anger"))
    wish = ("--jobs", 1, "--size", 48, "--frames", 48, "--split", "test", "--out", tmp_path / "out")
    first = Protocol("64x16", 8, 64, 16, 2)
    monkeypatch.setattr(protocols, "_targets", {"64x16": first})
    made = cli("data", "prepare", "folder:own", tmp_path / "own", *wish)
    assert "run copy own" not in made.out.replace("--protocol", "")
    score = ("run", "real", "own", "--metrics", "psnr", "--out", tmp_path / "run")
    refused = cli(*score)
    assert refused.code == 1
    assert "has 48 frames, protocol 64x16@8 reads only the first 31" in refused.complaint
    assert not (tmp_path / "run" / "result.json").exists()
    monkeypatch.setitem(protocols._targets, "64x16", replace(first, version=9, reads_to_end=True))
    made = cli("data", "prepare", "folder:own", tmp_path / "own", *wish)
    assert made.out.endswith("score a model on it: fevbench run copy own\n")
    assert cli(*score).code == 0
    native = Prepared(tmp_path / "out").frames(Prepared(tmp_path / "out").clips("test")[0])
    scored = read_clip(tmp_path / "run" / "clips" / "ann-anger-1.mkv")
    assert np.array_equal(
        scored, first.resize(native[replace(first, reads_to_end=True).frame_numbers(48)], "ann")
    )
    assert replace(first, reads_to_end=True).frame_numbers(48)[-1] == 46


def test_dark_frames_are_not_compared() -> None:
    dark = np.random.default_rng(0).integers(0, 9, (64, 64, 3), np.uint8)
    assert perceptual_hash(dark) == ""


@pytest.mark.usefixtures("middle_faces")
def test_looking_at_a_set(cli: Cli, tmp_path: Path) -> None:
    downloads.mug(tmp_path / "mug")
    assert (
        "mug is not prepared on this machine: fevbench data prepare mug SRC"
        in cli("run", "copy", "mug").complaint
    )
    assert cli("data", "prepare", "mug", tmp_path / "mug", "--out", tmp_path / "out", *SMALL).code == 0
    assert str(tmp_path / "out") in cli("data", "list", "--format", "json").out
    info = cli("data", "info", "mug").out
    assert "mug-lfdm-26-26: 26 train, 26 test subjects" in info
    assert f"Prepared in {tmp_path / 'out'}" in info
    stats = cli("data", "stats", "mug", "--format", "json").result
    assert stats["clips"] == {
        "train": {"anger": 2, "happiness": 2, "surprise": 1},
        "test": {"anger": 2, "happiness": 3},
    }
    assert cli("data", "show", "mug", "--out", tmp_path / "a.png", "--subject", "017").code == 0
    assert cli("data", "show", "mug", "--out", tmp_path / "a.gif", "--label", "anger", "--clips", 4).code == 0
    with Image.open(tmp_path / "a.gif") as grid:
        assert grid.size == (4 * 50, 48 + 18)
    assert (
        "did you mean '017'"
        in cli("data", "show", "mug", "--out", tmp_path / "a.png", "--subject", "17").complaint
    )
    assert 'id="017"' in (tmp_path / "out" / "report.html").read_text()
    assert "mug is not" not in cli("list", "datasets").out
    clip = tmp_path / "out" / "clips" / "017-anger-take000.mkv"
    clip.write_bytes(clip.read_bytes()[:-9])
    (tmp_path / "out" / "clips" / "extra.mkv").write_bytes(b"")
    verified = cli("data", "verify", "mug")
    assert "1 of 10 clips of mug are damaged" in verified.complaint
    assert "extra.mkv is not of this set" in verified.err
    manifest = tmp_path / "out" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"split": "train"', '"split": "val"'))
    assert "was changed by hand" in cli("data", "stats", "mug").complaint
