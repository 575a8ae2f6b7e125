"""Stop a run anywhere: the same command continues, and ends where an undisturbed run ends."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from apart import process_environment
from tiny import Cli

import fevbench.engine.generate
from fevbench import weights
from fevbench.data.video import write_clip

Write = Callable[[str], Path]
Process = Callable[..., subprocess.Popen[str]]

MODEL = """
import time
from pathlib import Path
from typing import Any

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
        if order and order[0] == "refuse":
            raise AssertionError("the model was asked again")
        if order and order[0] == "slow" and self.made:
            time.sleep(float(order[1]))
        self.made += 1
        video = images[:, None].repeat(1, self.spec.frames, 1, 1, 1)
        return (video + torch.randn(video.shape, generator=generator) / 9).clamp(-1, 1)
"""


class Bench:
    """One model, several run folders, and orders for the model."""

    def __init__(self, cli: Cli, plugin: Path, root: Path) -> None:
        self._cli = cli
        self.plugin = plugin
        self.root = root

    def order(self, text: str) -> None:
        (self.root / "orders").write_text(text)

    def arguments(self, out: str, *more: str) -> tuple[str, ...]:
        base = ("run", "model", "tiny", "--plugin", str(self.plugin), "--out", str(self.root / out))
        return (*base, *(() if "--metrics" in more else ("--metrics", "psnr,motion,csim")), *more)

    def run(self, out: str = "run", *more: str) -> tiny.Outcome:
        return self._cli(*self.arguments(out, *more))

    def clips(self, out: str = "run") -> dict[str, bytes]:
        return {k: v for k, v in tiny.tree(self.root / out / "clips").items() if not k.startswith(".")}

    def result(self, out: str = "run") -> dict[str, Any]:
        return tiny.comparable(self.root / out / "result.json")


@pytest.fixture
def bench(cli: Cli, plugin: Write, tmp_path: Path) -> Bench:
    return Bench(cli, plugin(MODEL), tmp_path)


def test_an_interrupted_run_continues_to_the_same_result(bench: Bench) -> None:
    bench.order("stop 4")
    stopped = bench.run()
    assert stopped.code == 130
    assert "stopped; what was finished is kept, and the same command continues" in stopped.err
    kept = bench.clips()
    assert len(kept) == 4
    bench.order("")
    continued = bench.run()
    assert continued.code == 0, continued
    assert "continuing: 4 of 9 clips were made before" in continued.err
    assert bench.run("undisturbed").code == 0
    assert bench.result() == bench.result("undisturbed")
    assert bench.clips() == bench.clips("undisturbed")
    assert kept.items() <= bench.clips().items()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_killed_process_loses_nothing_it_finished(
    bench: Bench, process: Process, number: signal.Signals, code: int
) -> None:
    bench.order("slow 100")
    running = process(*bench.arguments("run", "--limit", "3"))
    deadline = time.monotonic() + 300
    while not bench.clips() and time.monotonic() < deadline:
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    time.sleep(0.2)  # into the second clip
    running.send_signal(number)
    _, err = running.communicate(timeout=300)
    assert running.returncode == code, err
    assert len(bench.clips()) == 1
    if number != signal.SIGKILL:
        assert err.splitlines()[-1].startswith("stopped; what was finished is kept")
        assert "Traceback" not in err
        assert not list(bench.root.glob("run/**/*.part.*"))
    bench.order("")
    for folder in ("run", "undisturbed"):
        assert bench.run(folder, "--limit", "3").code == 0
    assert bench.result() == bench.result("undisturbed")


@pytest.fixture(scope="module")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first finished run is kept for the next tests."""
    return tmp_path_factory.mktemp("finished") / "run"


@pytest.fixture
def finished(bench: Bench, finished_once: Path) -> Bench:
    if finished_once.exists():
        shutil.copytree(finished_once, bench.root / "run")
    else:
        assert bench.run().code == 0
        shutil.copytree(bench.root / "run", finished_once)
    return bench


def test_a_finished_run_has_nothing_to_do(finished: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the model nor the network nor the weights are touched, and the table is shown again."""

    def untouchable(*_: object, **__: object) -> None:
        raise AssertionError("touched")

    before = tiny.tree(finished.root / "run")
    finished.order("refuse")
    monkeypatch.setattr(weights, "require_all", untouchable)
    monkeypatch.setattr(fevbench.engine.generate.GeneratedClips, "__init__", untouchable)
    again = finished.run()
    assert again.code == 0, again
    assert "nothing to do" in again.err
    assert "psnr" in again.out
    assert tiny.tree(finished.root / "run") == before


def test_a_finished_run_is_told_without_torch(cli: Cli, tmp_path: Path) -> None:
    """Which takes longer to import than all the rest; nor are networks' and videos' packages needed."""
    run = ("run", "copy", "tiny", "--metrics", "psnr", "--device", "cpu", "--out", str(tmp_path / "run"))
    assert cli(*run).code == 0
    heavy = {"torch", "torchvision", "onnxruntime", "onnx", "openvino", "cv2", "sklearn", "skimage", "ray"}
    code = (
        "import sys, tiny; from fevbench.cli.main import main; tiny.register()\n"
        "try: main(sys.argv[1:])\n"
        f"finally: print(sorted({heavy} & set(sys.modules)), file=sys.stderr)"
    )
    here = process_environment(Path(tiny.__file__).parent)
    again = subprocess.run(
        [sys.executable, "-c", code, *run], env=here, capture_output=True, text=True, check=True
    )
    assert "nothing to do" in again.stderr
    assert again.stderr.splitlines()[-1] == "[]"


def test_asking_for_fewer_metrics_loses_none(finished: Bench) -> None:
    finished.order("refuse")
    fewer = finished.run("run", "--metrics", "psnr")
    assert "nothing to do" in fewer.err
    assert {"psnr", "motion", "csim"} <= set(finished.result()["metrics"])


def test_asking_for_more_metrics_makes_no_clip_again(finished: Bench) -> None:
    finished.order("refuse")
    before = finished.result()["metrics"]
    more = finished.run("run", "--metrics", "ssim")
    assert more.code == 0, more
    after = finished.result()["metrics"]
    assert set(after) == {"psnr", "ssim", "motion", "csim"}
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("more", "difference"),
    [
        (("--seed", "1"), "seed 0 → 1"),
        (("--limit", "3"), "limit None → 3"),
        (("--protocol", "128x32"), "protocol 64x16@2 → 128x32@2"),
        (("--split", "train"), "split test → train"),
    ],
)
def test_other_settings_are_refused_with_their_name(
    finished: Bench, more: tuple[str, ...], difference: str
) -> None:
    before = tiny.tree(finished.root / "run")
    refused = finished.run("run", *more)
    assert refused.code == 1
    assert f"({difference})" in refused.complaint
    assert tiny.tree(finished.root / "run") == before


def test_other_code_is_refused_and_overwrite_starts_anew(finished: Bench) -> None:
    before = finished.clips()
    finished.plugin.write_text(finished.plugin.read_text().replace("/ 9", "/ 5"))
    refused = finished.run()
    assert refused.code == 1
    assert "the model's code or videos have changed" in refused.complaint
    assert "--overwrite" in refused.complaint
    foreign = finished.root / "run" / "clips" / "my notes.txt"
    foreign.write_text("keep me")
    (finished.root / "run" / "plot.png").write_text("keep me")
    assert finished.run("run", "--overwrite").code == 0
    assert foreign.read_text() == (finished.root / "run" / "plot.png").read_text() == "keep me"
    foreign.unlink()
    assert finished.clips().keys() == before.keys()
    assert not set(finished.clips().values()) & set(before.values())


def test_a_folder_in_which_nothing_was_made_can_be_used_for_another_try(bench: Bench) -> None:
    """Whoever writes a model fails at first; that must not ask for --overwrite."""
    code = bench.plugin.read_text()
    bench.plugin.write_text(code.replace("self.made = 0", "1 / 0"))
    assert "could not be built" in bench.run().complaint
    bench.plugin.write_text(code)
    assert bench.run("run", "--limit", "1").code == 0


@pytest.mark.parametrize("flags", [(), ("--overwrite",)])
def test_a_folder_of_something_else_is_refused(bench: Bench, flags: tuple[str, ...]) -> None:
    (bench.root / "run" / "clips").mkdir(parents=True)
    (bench.root / "run" / "clips" / "a.mkv").write_text("precious")
    refused = bench.run("run", *flags)
    assert refused.code == 1
    assert "is not empty and holds no run" in refused.complaint
    assert (bench.root / "run" / "clips" / "a.mkv").read_text() == "precious"


def test_an_empty_folder_and_what_a_kill_left_of_the_first_write_are_fine(bench: Bench) -> None:
    (bench.root / "run").mkdir()
    (bench.root / "run" / ".run.123.abc.part.json").write_text("{")
    assert bench.run("run", "--overwrite", "--limit", "1").code == 0


def test_out_that_is_a_file_is_refused(bench: Bench) -> None:
    (bench.root / "run").write_text("precious")
    assert "is a file" in bench.run().complaint


def test_a_damaged_clip_is_named_with_the_way_out(finished: Bench) -> None:
    clip = finished.root / "run" / "clips" / "bob-joy.mkv"
    whole = finished.result()
    clip.write_bytes(clip.read_bytes()[:-500])
    (finished.root / "run" / "result.json").unlink()
    refused = finished.run()
    assert refused.code == 1
    assert f"{clip} is cut short: delete it and repeat the command" in refused.complaint
    clip.unlink()
    assert finished.run().code == 0
    assert _without_origin(finished.result()) == _without_origin(whole)


def test_a_clip_that_was_exchanged_is_not_scored(finished: Bench) -> None:
    clip = finished.root / "run" / "clips" / "bob-joy.mkv"
    write_clip(clip, tiny.squares(0, 0, size=80)[:16], 12.5)
    (finished.root / "run" / "result.json").unlink()
    assert "clip bob-joy is uint8[16, 80, 80, 3], expected uint8[16, 64, 64, 3]" in finished.run().complaint


def test_a_lost_clip_of_a_finished_run_is_made_again(finished: Bench) -> None:
    before = finished.clips()
    (finished.root / "run" / "clips" / "bob-joy.mkv").unlink()
    again = finished.run()
    assert "continuing: 8 of 9" in again.err
    assert finished.clips() == before


def test_a_broken_result_is_named_with_the_way_out(finished: Bench) -> None:
    file = finished.root / "run" / "result.json"
    whole = finished.result()
    file.write_text('{"schema_version": 1}')
    refused = finished.run()
    assert refused.code == 1
    assert str(file) in refused.complaint
    assert "delete it and repeat its run, which keeps the clips" in refused.complaint
    file.unlink()
    finished.order("refuse")
    assert finished.run().code == 0
    # The plug-in is a copy in another folder, so where it came from differs.
    assert _without_origin(finished.result()) == _without_origin(whole)


def _without_origin(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "model": {**result["model"], "origin": ""}}


def test_broken_settings_are_named_with_the_way_out(finished: Bench) -> None:
    (finished.root / "run" / "run.json").write_text(json.dumps({"model": 1}))
    assert "run.json is broken" in finished.run().complaint
    assert finished.run("run", "--overwrite").code == 0
