"""Protocols of one's own: equal content has one id, an id says all, and what cannot be is one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from test_sampling import numbered
from tiny import Cli

from fevbench.data.own_protocol import OwnProtocol
from fevbench.data.protocol import DEFAULT_PROTOCOL, find_protocol, protocols
from fevbench.data.video import write_clip
from fevbench.errors import FevbenchError, VideoError


@pytest.mark.parametrize(
    ("written", "id"),
    [
        ("256x64", "256x64-uniform@1"),
        ("256x64@2", "256x64-stride2@1"),
        ("0256x064-fps25.0-centre", "256x64-fps25-centre@1"),
        ("64x16-stride2", "64x16-stride2@1"),
        ("64x32-uniform", "64x32@2"),
        ("128x32-uniform@1", "128x32@2"),
        ("64x16@1", "64x16@1"),
    ],
)
def test_each_content_has_one_id_and_the_id_says_it(written: str, id: str) -> None:
    protocol = find_protocol(written)
    assert protocol.id == id
    assert id in protocols
    assert protocols.get(id) == protocols.get(protocol.id) == protocol


OWN = st.builds(
    lambda size, frames, rule, number, crop: OwnProtocol(
        size=size,
        frames=frames,
        rule=rule,
        crop=crop,
        **({} if rule == "uniform" else {rule: number}),
    ),
    st.integers(48, 1024),
    st.integers(2, 1000),
    st.sampled_from(["uniform", "stride", "fps"]),
    st.integers(1, 1000),
    st.sampled_from(["none", "centre"]),
)


@given(OWN, OWN)
def test_names_are_equal_just_where_contents_are(one: OwnProtocol, other: OwnProtocol) -> None:
    first, second = protocols.of(one), protocols.of(other)
    assert protocols.get(first.id) == first
    assert (first.id == second.id) == (one == other)


def test_frames_are_those_the_rule_names() -> None:
    taken = find_protocol("64x4").sample(numbered(11), "clip")[:, 0, 0, 0]
    assert taken.tolist() == [0, 3, 7, 10]
    taken = find_protocol("64x4@3").sample(numbered(10), "clip")[:, 0, 0, 0]
    assert taken.tolist() == [0, 3, 6, 9]
    taken = find_protocol("64x4-fps10").sample(numbered(9), "clip", fps=25)[:, 0, 0, 0]
    assert taken.tolist() == [0, 3, 5, 8]  # of 0, 2.5, 5 and 7.5
    taken = find_protocol("64x4-fps30").sample(numbered(4), "clip", fps=29.98)[:, 0, 0, 0]
    assert taken.tolist() == [0, 1, 2, 3]


@given(st.integers(2, 60), st.integers(2, 400), st.floats(1, 60), st.floats(1, 60))
def test_a_rate_of_its_own_takes_the_nearest_frames_and_none_twice(
    frames: int, count: int, own: float, native: float
) -> None:
    protocol = protocols.of(OwnProtocol(size=64, frames=frames, rule="fps", fps=round(own, 3)))
    try:
        numbers = protocol.taken(count, "clip", native)
    except VideoError:
        return
    assert numbers[-1] < count
    assert len(set(numbers)) == frames
    assert all(abs(n / native - i / protocol.rate(0)) <= 0.5001 / native for i, n in enumerate(numbers))


@pytest.mark.parametrize(
    ("name", "count", "fps", "says"),
    [
        ("64x16@2", 20, None, "has 20 frames, protocol 64x16@2 needs 31"),
        ("64x8@2", 15, None, ""),
        (
            "64x8-stride2",
            32,
            None,
            "protocol 64x8-stride2@1 reads only the first 15: use 64x8-uniform, which is spread",
        ),
        ("64x8", 7, None, "has 7 frames, protocol 64x8-uniform@1 needs 8"),
        (
            "64x8-fps10",
            32,
            25.0,
            "has 32 frames, protocol 64x8-fps10@1 reads only the first 19: use 64x8-uniform",
        ),
        ("64x8-fps10", 18, 25.0, "has 18 frames, protocol 64x8-fps10@1 needs 19"),
        ("64x8-fps30", 32, 25.0, "has 25 frames a second, protocol 64x8-fps30@1 takes 30"),
        ("64x8-fps30", 32, None, "says no frame rate"),
    ],
)
def test_a_clip_that_does_not_fit_is_refused(name: str, count: int, fps: float | None, says: str) -> None:
    if not says:
        assert find_protocol(name).taken(count, "clip", fps)
        return
    with pytest.raises(VideoError, match=says):
        find_protocol(name).taken(count, "clip", fps)


def test_cropping_takes_the_square_in_the_middle() -> None:
    wide = np.zeros((2, 64, 80, 3), np.uint8)
    wide[:, :, 8:72] = 255
    assert (find_protocol("64x2-uniform-centre").sample(wide, "clip") == 255).all()
    assert (find_protocol("64x2-uniform-centre").sample(wide.swapaxes(1, 2), "clip") == 255).all()
    with pytest.raises(VideoError, match="clip is 80x64, not square"):
        find_protocol("64x2").sample(wide, "clip")


def test_it_takes_512_px_and_250_frames() -> None:
    clip = find_protocol("512x250").sample(np.zeros((300, 512, 512, 3), np.uint8), "clip")
    assert clip.shape == (250, 512, 512, 3)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("64x16@7", "a stride of 7 is 64x16-stride7"),
        ("2048x64", r"2048x64 is not possible \(size: "),
        ("32x16", r"32x16 is not possible \(size: "),
        ("256x1", r"is not possible \(frames: "),
        ("256x64@0", r"is not possible \(stride: "),
        ("256x64-fps0", r"is not possible \(fps: "),
        ("256x64-fps25@2", "no protocol is called '256x64-fps25@2'"),
        ("256x64-every3", "no protocol is called"),
    ],
)
def test_a_name_that_cannot_be_is_one_line(name: str, says: str) -> None:
    assert name not in protocols
    with pytest.raises(FevbenchError, match=says):
        find_protocol(name)


def test_a_name_that_says_what_it_is_cannot_be_taken() -> None:
    with pytest.raises(FevbenchError, match="'256x64-uniform' is reserved"):
        protocols.add("256x64-uniform", protocols.get("64x16"))
    assert protocols.get("256x64").size == 256


FILE = 'size = 96\nframes = 8\nrule = "fps"\nfps = 12.5\ncrop = "centre"\nsplit = "val"\nseed = 3\n'


def test_a_file_says_the_same_as_a_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(FILE)
    protocol = find_protocol(path)
    assert (protocol.id, protocol.split, protocol.seed) == ("96x8-fps12.5-centre@1", "val", 3)
    assert find_protocol(str(path)) == protocol
    path.write_text("size = 64\nframes = 32\n")
    assert find_protocol(path) == protocols.get("64x32")
    assert find_protocol(None).name == DEFAULT_PROTOCOL


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("size = 64", "frames: Field required"),
        ("size = 64\nframes = 8\nstep = 2", "step: Extra inputs are not permitted"),
        ('size = "64"\nframes = 8', "size: Input should be a valid integer"),
        ("size = 64\nframes = 8\nstride = 2", "the rule uniform has no stride"),
        ('size = 64\nframes = 8\nrule = "fps"', "the rule fps needs fps"),
        ('size = 64\nframes = 8\nrule = "fps"\nfps = nan', "fps: Input should be"),
        ('size = 64\nframes = 8\nrule = "first"', "rule: Input should be"),
        ("size = 64\nframes = ", "is not valid TOML"),
        (None, "does not exist"),
    ],
)
def test_a_file_that_cannot_be_is_one_line(tmp_path: Path, cli: Cli, text: str | None, says: str) -> None:
    path = tmp_path / "mine.toml"
    if text is not None:
        path.write_text(text)
    outcome = cli("run", "copy", "tiny", "--protocol", path, "--metrics", "psnr")
    assert outcome.code == 1
    assert says in outcome.complaint
    assert str(path) in outcome.complaint


def test_a_file_that_is_a_folder_or_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.toml").mkdir()
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    for name in ("a", "b"):
        with pytest.raises(FevbenchError, match=rf"{name}\.toml"):
            find_protocol(tmp_path / f"{name}.toml")


def test_a_run_under_it_is_scored_and_compared(cli: Cli, tmp_path: Path) -> None:
    """Size, length and rule of one's own, into a folder of their name; two such runs stand side by side."""
    for model in ("real", "copy"):
        outcome = cli("run", model, "tiny", "--protocol", "96x8", "--metrics", "psnr,motion",
                      "--out", tmp_path / model, "--format", "json")  # fmt: skip
        assert outcome.code == 0, outcome
        record = outcome.result["protocol"]
        assert (record["id"], record["size"], record["frames"]) == ("96x8-uniform@1", 96, 8)
    assert outcome.result["metrics"]["motion"]["value"] == 0
    table = cli("compare", tmp_path / "real", tmp_path / "copy", "--format", "csv")
    assert table.code == 0, table
    assert "96x8-uniform@1" in cli("run", "copy", "tiny", "--protocol", "96x8-uniform", "--metrics",
                                   "psnr,motion", "--out", tmp_path / "copy").out  # fmt: skip


def test_clips_too_short_for_a_network_have_no_number_and_say_so(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("run", "copy", "tiny", "--protocol", "64x8", "--metrics", "fvd,psnr", "--format", "json",
                  "--out", tmp_path / "run")  # fmt: skip
    assert outcome.code == 0, outcome
    assert outcome.result["metrics"]["fvd"]["reason"] == "clips of 8 frames, needs at least 9"
    assert outcome.result["metrics"]["psnr"]["value"]


def made_elsewhere(folder: Path, frames: int, fps: float) -> None:
    for clip in tiny.Tiny().clips("test"):
        native = tiny.Tiny().frames(clip)
        which = np.linspace(0, len(native) - 1, frames).round().astype(int)
        write_clip(folder / f"{clip.id}.mkv", native[which], fps)


def run_videos(cli: Cli, folder: Path, protocol: str) -> tiny.Outcome:
    return cli("run", f"videos:{folder / 'made'}", "tiny", "--metrics", "psnr", "--protocol", protocol,
               "--out", folder / f"run-{protocol}", "--format", "json")  # fmt: skip


def test_videos_of_another_length_are_sampled_by_the_rule_and_it_is_said(cli: Cli, tmp_path: Path) -> None:
    made_elsewhere(tmp_path / "made", 33, 25)
    for protocol, said in (
        ("64x16", "33 frames became 16 by the rule of protocol 64x16@2"),
        ("64x12", "33 frames became 12 by the rule of protocol 64x12-uniform@1"),
        ("64x13-fps10", "33 frames at 25 a second became 13 by the rule of protocol 64x13-fps10@1"),
    ):
        outcome = run_videos(cli, tmp_path, protocol)
        assert outcome.code == 0, outcome
        assert outcome.result["metrics"]["psnr"]["value"] == 100, "the true clips, sampled as they are"
        assert f"9 of 9 clips: {said}" in outcome.result["model"]["notes"]
        (tmp_path / f"run-{protocol}" / "result.json").unlink()
        assert (
            run_videos(cli, tmp_path, protocol).result["model"]["notes"] == outcome.result["model"]["notes"]
        )


def test_videos_the_rule_does_not_take_are_refused(cli: Cli, tmp_path: Path) -> None:
    made_elsewhere(tmp_path / "made", 20, 8)
    complaint = run_videos(cli, tmp_path, "64x13-fps10").complaint
    assert "has 8 frames a second, protocol 64x13-fps10@1 takes 10: export exactly 13 frames" in complaint
    assert (
        "20 frames, protocol 64x16@2 needs 31: export exactly 16"
        in run_videos(cli, tmp_path, "64x16").complaint
    )
