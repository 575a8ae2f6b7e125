"""A model that asks for batches gets fixed groups of clips: stopping and continuing changes no clip."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from tiny import Cli, Outcome

from fevbench.data.clip import Clip
from fevbench.engine.generate import groups

Write = Callable[[str], Path]
Run = Callable[..., Outcome]

MODEL = """
@register_model("model")
class Model:
    "Each clip of a call is noise of its own, and all hold the mean of the faces."
    batch = {batch}
    {attributes}
    def __init__(self, spec):
        self.spec = spec
        {build}
    def generate(self, images, labels, generator):
        print("asked for", len(images), len(labels))
        video = images[:, None].repeat(1, self.spec.frames, 1, 1, 1)
        video = video + torch.randn(video.shape, generator=generator) / 9 + 0.1 * images.mean()
        {make}
        return video.clamp(-1, 1)
"""


@pytest.fixture
def run(cli: Cli, plugin: Write, tmp_path: Path) -> Run:
    def call(
        *more: str,
        out: str = "run",
        batch: object = 4,
        make: str = "pass",
        build: str = "pass",
        attributes: str = "pass",
    ) -> Outcome:
        file = plugin(MODEL.format(batch=batch, make=make, build=build, attributes=attributes))
        words = ("run", "model", "tiny", "--plugin", file, "--out", tmp_path / out)
        return cli(*words, *(() if "--metrics" in more else ("--metrics", "psnr")), *more)

    return call


def _clips(number: int) -> list[Clip]:
    return [Clip(f"c{i}", f"p{i % 5}", "joy", "test", Path()) for i in range(number)]


def test_groups_are_of_the_ids_and_the_size_alone() -> None:
    clips = _clips(23)
    found = groups(clips, 5)
    assert [len(group) for group in found] == [5, 5, 5, 5, 3]
    assert {clip for group in found for clip in group} == set(clips)
    assert groups(clips[::-1], 5) == found
    assert groups(clips, 1) == [(clip,) for clip in clips]


def test_a_limit_changes_the_last_group_alone(run: Run, tmp_path: Path) -> None:
    assert run().code == 0
    assert run("--limit", "6", out="six").code == 0
    every, six = (tiny.tree(tmp_path / name / "clips") for name in ("run", "six"))
    assert len(six) == 6
    first = [clip.id for clip in groups(tiny.Tiny().clips("test"), 4)[0]]
    assert {name for name, content in six.items() if every[name] == content} == {
        f"{id_}.mkv" for id_ in first
    }


def test_calls_are_groups_and_the_result_says_so(run: Run, tmp_path: Path) -> None:
    assert run("--metrics", "diversity").code == 0
    log = (tmp_path / "run" / "model.log").read_text().splitlines()
    assert log[:3] == ["asked for 4 4", "asked for 4 4", "asked for 1 1"]
    assert log[3:] == ["asked for 3 3"] * 3, "the noise samples of three subjects"
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["model"]["notes"] == ["made in fixed groups of 4 clips, each with one seed"]
    assert len({*result["clips"].values(), *itertools.chain(*result["draws"].values())}) == 9 + 9
    (tmp_path / "run" / "draws" / "2" / "ann-joy.mkv").unlink(missing_ok=True)
    before = tiny.comparable(tmp_path / "run" / "result.json")
    assert run("--metrics", "diversity").code == 0
    assert tiny.comparable(tmp_path / "run" / "result.json") == before


@pytest.mark.parametrize("lost", [1, 4, 8])
def test_a_group_of_which_clips_are_lost_is_made_again_as_it_was(run: Run, tmp_path: Path, lost: int) -> None:
    assert run().code == 0
    clips, before = tmp_path / "run" / "clips", tiny.tree(tmp_path / "run" / "clips")
    times = {path: path.stat().st_mtime_ns for path in clips.iterdir()}
    for path in sorted(clips.iterdir())[:lost]:
        path.unlink()
        del times[path]
    result = tiny.comparable(tmp_path / "run" / "result.json")
    again = run()
    assert again.code == 0, again
    assert f"continuing: {9 - lost} of 9" in again.err
    assert tiny.tree(clips) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times, "what is there is not written again"
    assert tiny.comparable(tmp_path / "run" / "result.json") == result


def test_a_run_that_fails_in_a_group_keeps_the_groups_before(run: Run, tmp_path: Path) -> None:
    stop = f"exec(open({str(tmp_path / 'order')!r}).read())"
    (tmp_path / "order").write_text("if len(images) == 1: 1 / 0")
    failed = run(make=stop)
    (last,) = groups(tiny.Tiny().clips("test"), 4)[-1]
    assert f"failed on clip {last.id} (ZeroDivisionError" in failed.complaint
    kept = tiny.tree(tmp_path / "run" / "clips")
    assert len(kept) == 8
    (tmp_path / "order").write_text("")
    assert run(make=stop).code == 0
    assert kept.items() <= tiny.tree(tmp_path / "run" / "clips").items()


def test_what_is_wrong_with_a_group_is_told(run: Run, tmp_path: Path) -> None:
    first = [clip.id for clip in groups(tiny.Tiny().clips("test"), 4)[0]]
    assert (
        f"returned NaN or infinity for clip {first[2]}: check"
        in run(make="video[2, 0] *= float('nan')").complaint
    )
    shape = (
        "returned shape (3, 16, 3, 64, 64) for clips {0}, {1}, {2} and 1 more, expected (4, 16, 3, 64, 64)"
    )
    assert shape.format(*first) in run(make="video = video[1:]").complaint
    assert "returned clips with a mistake" in run(make="return (video.clamp(-1, 1) + 1) / 2").complaint
    assert not tiny.tree(tmp_path / "run" / "clips")
    norm = "self.norm = torch.nn.BatchNorm3d(3)"
    trained = run(make="video = self.norm(video.movedim(1, 2)).movedim(1, 2) / 3", build=norm)
    assert "has networks in training mode, where it makes other clips" in trained.complaint


@pytest.mark.parametrize("batch", ["0", "'4'", "True", "1025", "None"])
def test_a_batch_that_cannot_be_is_refused(run: Run, batch: str) -> None:
    said = f"attribute batch of model model is {batch}: make it a whole number from 1 to 1024"
    assert said in run(batch=batch).complaint
