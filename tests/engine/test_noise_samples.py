"""Clips made again with other noise: which, each its own, that they resume, and what is said of them."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from tiny import Cli

from fevbench.data.clip import Clip
from fevbench.data.video import read_clip
from fevbench.engine.generate import clip_seed
from fevbench.engine.noise import MOST_SUBJECTS, made_again
from fevbench.engine.samples import HashedClip, noise_pairs

Write = Callable[[str], Path]

MODEL = """
import time
from pathlib import Path

@register_model("model")
class Model:
    "Noise, with a brake: see the file beside the plug-in."
    def __init__(self, spec):
        self.spec = spec
        self.orders = Path(__file__).with_name("orders")
        self.made = 0
    def generate(self, images, labels, generator):
        order = self.orders.read_text().split() if self.orders.exists() else []
        if order and order[0] == "stop" and self.made == int(order[1]):
            raise KeyboardInterrupt
        if order and order[0] == "slow" and self.made >= int(order[1]):
            time.sleep(100)
        self.made += 1
        video = images[:, None].repeat(1, self.spec.frames, 1, 1, 1)
        return (video + NOISE * torch.randn(video.shape, generator=generator)).clamp(-1, 1)
"""


class Bench:
    """One model, several run folders, and orders for the model."""

    def __init__(self, cli: Cli, write: Write, root: Path) -> None:
        self._cli = cli
        self._write = write
        self.root = root
        self.model(0.1)

    def model(self, noise: float) -> None:
        self.plugin = self._write(MODEL.replace("NOISE", str(noise)))

    def order(self, text: str) -> None:
        (self.root / "orders").write_text(text)

    def arguments(self, out: str, *more: str) -> tuple[str, ...]:
        base = ("run", "model", "tiny", "--plugin", str(self.plugin), "--out", str(self.root / out))
        return (*base, *(() if "--metrics" in more else ("--metrics", "diversity")), *more)

    def run(self, out: str = "run", *more: str) -> tiny.Outcome:
        return self._cli(*self.arguments(out, *more))

    def files(self, what: str, out: str = "run") -> dict[str, bytes]:
        """The clips that are whole: one that is being written has a name with a dot first."""
        found = tiny.tree(self.root / out / what).items()
        return {k: v for k, v in found if k.endswith(".mkv") and not Path(k).name.startswith(".")}

    def result(self, out: str = "run") -> dict[str, Any]:
        return tiny.comparable(self.root / out / "result.json")

    def diversity(self, out: str = "run") -> dict[str, Any]:
        found: dict[str, Any] = self.result(out)["metrics"]["diversity"]
        return found


@pytest.fixture
def bench(cli: Cli, plugin: Write, tmp_path: Path) -> Bench:
    return Bench(cli, plugin, tmp_path)


def test_it_is_the_mean_over_pairs_of_draws(bench: Bench) -> None:
    """By hand from the files: one clip of each of three people, made three times more."""
    assert bench.run().code == 0
    found = bench.diversity()
    assert (found["n"], found["subjects"], found["missing"], found["excused"]) == (3, 3, 0, 0)
    assert {clip.partition("-")[0] for clip in found["per_clip"]} == {"ann", "bob", "cem"}
    for clip, value in found["per_clip"].items():
        folders = ["clips", "draws/1", "draws/2", "draws/3"]
        draws = [read_clip(bench.root / "run" / folder / f"{clip}.mkv").astype(float) for folder in folders]
        assert value == pytest.approx(np.mean([np.abs(a - b)[1:].mean() for a, b in combinations(draws, 2)]))
    assert found["value"] == pytest.approx(np.mean(list(found["per_clip"].values())))
    assert found["value"] > 1
    assert found["ceiling"] is None, "no two true clips begin with the same picture"
    draws_of = {Path(name).name for name in bench.files("draws")}
    assert draws_of == {f"{clip}.mkv" for clip in found["per_clip"]}
    assert len(bench.files("draws")) == 9
    assert bench.result()["model"]["notes"] == []


def test_draws_change_no_scored_clip_and_are_made_only_for_it(bench: Bench) -> None:
    assert bench.run().code == 0
    assert bench.run("other", "--metrics", "psnr").code == 0
    assert not (bench.root / "other" / "draws").exists()
    assert bench.files("clips") == bench.files("clips", "other")
    assert bench.run("other", "--metrics", "diversity").code == 0
    assert bench.files("draws") == bench.files("draws", "other")
    assert bench.diversity("other") == bench.diversity()


def test_a_draw_does_not_depend_on_which_others_there_are(bench: Bench) -> None:
    assert bench.run().code == 0
    assert bench.run("few", "--limit", "2").code == 0
    few = bench.files("draws", "few")
    assert few
    assert few.items() <= bench.files("draws").items()
    assert bench.run("seed", "--limit", "2", "--seed", "1").code == 0
    assert not set(bench.files("draws", "seed").values()) & set(few.values())


def test_an_interrupted_run_continues_with_the_draw_it_was_at(bench: Bench) -> None:
    bench.order("stop 14")  # 9 clips are scored
    assert bench.run().code == 130
    kept = bench.files("draws")
    assert len(kept) == 5
    bench.order("stop 4")  # four are left, and no more are asked for
    continued = bench.run()
    assert continued.code == 0, continued
    bench.order("")
    assert bench.run("undisturbed").code == 0
    assert bench.result() == bench.result("undisturbed")
    assert bench.files("draws") == bench.files("draws", "undisturbed")
    assert kept.items() <= bench.files("draws").items()


def test_a_killed_process_loses_no_finished_draw(
    bench: Bench, process: Callable[..., subprocess.Popen[str]]
) -> None:
    bench.order("slow 4")  # 2 clips are scored
    running = process(*bench.arguments("run", "--limit", "2"))
    deadline = time.monotonic() + 300
    while len(bench.files("draws")) < 2 and time.monotonic() < deadline:
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=300)
    kept = bench.files("draws")
    assert len(kept) == 2
    bench.order("")
    for folder in ("run", "undisturbed"):
        assert bench.run(folder, "--limit", "2").code == 0
    assert bench.result() == bench.result("undisturbed")
    assert kept.items() <= bench.files("draws").items()


def test_a_finished_run_has_nothing_to_do_until_a_draw_is_lost(bench: Bench) -> None:
    assert bench.run().code == 0
    before = bench.files("draws")
    bench.order("stop 0")
    assert "nothing to do" in bench.run().err
    lost = bench.root / "run" / "draws" / min(before)
    lost.unlink()
    bench.order("stop 1")
    assert bench.run().code == 0
    assert bench.files("draws") == before
    bench.order("")
    bench.model(0.2)
    assert "have changed" in bench.run().complaint
    assert bench.run("run", "--overwrite").code == 0
    assert not set(bench.files("draws").values()) & set(before.values())


def test_a_model_without_noise_has_none_and_it_is_said(bench: Bench) -> None:
    bench.model(0.0)
    shown = bench.run()
    assert shown.code == 0
    assert bench.diversity()["value"] == 0
    note = "4 noise samples of one face and label are the same clip: no noise, or none that shows"
    assert bench.result()["model"]["notes"] == [note]
    assert note in " ".join(shown.out.split())


def test_clips_made_elsewhere_have_no_value(bench: Bench, cli: Cli, tmp_path: Path) -> None:
    assert bench.run("run", "--metrics", "psnr").code == 0
    out = tmp_path / "videos"
    found = cli("run", f"videos:{bench.root / 'run' / 'clips'}", "tiny", "--metrics", "diversity,psnr",
                "--out", out, "--format", "json").result["metrics"]  # fmt: skip
    assert found["diversity"]["value"] is None
    assert found["diversity"]["reason"] == "compares 4 clips of each face and label, and there is one"
    assert found["psnr"]["value"] == bench.result()["metrics"]["psnr"]["value"]
    assert not (out / "draws").exists()


def test_an_audit_cannot_judge_it(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "audit"
    audited = cli("audit", "tiny", "--device", "cpu", "--offline", "--metrics", "diversity,ssim", "--damages",
                  "freeze", "--out", out)  # fmt: skip
    assert audited.code == 1, "three subjects are too few for an interval of ssim, and so for a verdict"
    assert "ssim must notice freeze: too few subjects for an interval" in audited.complaint
    content = json.loads((out / "audit.json").read_text(encoding="utf-8"))
    reason = "compares 4 clips of each face and label, and there is one"
    assert content["unscored"] == {"diversity": reason}


def test_one_clip_a_subject_of_a_few_subjects() -> None:
    clips = [Clip(f"p{i % 40}-{i}", f"p{i % 40}", "joy", "test", Path()) for i in range(120)]
    chosen = made_again(clips)
    assert len(chosen) == len({clip.subject for clip in chosen}) == MOST_SUBJECTS
    assert [clip for clip in clips if clip in chosen] == list(chosen)
    assert set(made_again(clips[::-1])) == set(chosen)


def test_every_draw_has_its_own_seed() -> None:
    seeds = {clip_seed(seed, clip, draw) for seed in range(3) for clip in "ab" for draw in range(4)}
    assert len(seeds) == 24
    # That of the scored clip is what it was before there were draws: the first bytes of sha256("0\0ID").
    assert clip_seed(0, "p011-fear-0") == 2853950528580176703
    assert len({clip_seed(1, "1"), clip_seed(1, "1", 1), clip_seed(1, "", 11), clip_seed(11, "", 1)}) == 4


def test_pairs_are_of_the_same_frames() -> None:
    steps = np.arange(3, dtype=np.uint8)[:, None, None, None]
    clips = [HashedClip(np.full((3, 2, 2, 3), 10 * i, np.uint8) + steps) for i in range(3)]
    shown = [pair.pixels[:, 0, 0, 0].tolist() for pair in noise_pairs(clips)]
    assert shown == [[a + t, b + t] for a, b in ((0, 10), (0, 20), (10, 20)) for t in range(3)]
    assert noise_pairs(clips[:1]) == []
