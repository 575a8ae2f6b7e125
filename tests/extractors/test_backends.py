"""A backend gives the reference's numbers, a batch those of its samples, and nothing leaves the machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apart
import numpy as np
import pytest
import tiny
import torch

from fevbench.audit.damages import damage_inputs, damages
from fevbench.data.clip import Clip
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols
from fevbench.engine.samples import HashedClip, samples
from fevbench.engine.score import ClipSet, measure
from fevbench.errors import FevbenchError, MissingPackage
from fevbench.extractors import backends
from fevbench.extractors.arcface import Embedder
from fevbench.extractors.backends import OPENVINO, REFERENCE, Backend, choose_backend, run_by
from fevbench.extractors.base import Network, Unit, extractors
from fevbench.extractors.faces import SCRFD, FaceDetector, to_canvas
from fevbench.extractors.onnx import load_onnx
from fevbench.fevsynth.adapter import FEVSynth
from fevbench.global_state import fixed_global_state
from fevbench.judge.files import find_judge
from fevbench.metrics.catalog import metrics
from fevbench.registry import load_target

ROOT = Path(__file__).parents[2]
BOUND = 1e-5
"""Of a feature's Euclidean length, or of a metric's value."""
FAST = [name for name in extractors if extractors.get(name).backends]
HELD = {"fid": "inception", "kid": "inception", "fvd": "i3d", "csim": "arcface", "lpips": "lpips-alex"}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """37 clips: fid needs 256 frames, and `test_metrics_agree` looks at seven of each clip."""
    return Corpus(FEVSynth(), protocols.get("64x16"), "test", limit=37)


@pytest.fixture(scope="module")
def files(corpus: Corpus, weight_paths: Mapping[str, Path]) -> Mapping[str, Path]:
    judge = find_judge(corpus.dataset, corpus.protocol)
    assert judge is not None
    weight_paths["judge"] = judge.path  # type: ignore[index]
    return weight_paths


@pytest.fixture(scope="module")
def frames(corpus: Corpus) -> np.ndarray:
    """``uint8[24, 64, 64, 3]``: two frames each of twelve clips."""
    return np.concatenate([corpus.frames(clip)[[3, 12]] for clip in corpus.clips[:12]])


def loaded(name: str, files: Mapping[str, Path], backend: Backend) -> Network:
    extractor = extractors.get(name)
    network: Network = load_target(extractor.load)("cpu", {w: files[w] for w in extractor.weights}, backend)
    return network


def apart_by(one: np.ndarray, other: np.ndarray) -> float:
    """By how much of the first one's length rows of two arrays differ at most; both lack the same."""
    assert np.array_equal(np.isnan(one), np.isnan(other))
    seen = ~np.isnan(one).any(axis=1)
    lengths = np.linalg.norm(one[seen].astype(np.float64), axis=1)
    return float((np.linalg.norm(one[seen].astype(np.float64) - other[seen], axis=1) / lengths).max())


@pytest.mark.weights
@pytest.mark.parametrize("name", FAST)
def test_a_backend_gives_the_references_features(
    name: str,
    corpus: Corpus,
    frames: np.ndarray,
    files: Mapping[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled, ran = backends._compiled, []

    def counted(*arguments: Any) -> Any:
        run = compiled(*arguments)
        return lambda batch: ran.append(len(batch)) or run(batch)

    monkeypatch.setattr(backends, "_compiled", counted)
    unit = extractors.get(name).unit
    if unit == "clip":
        batch = np.stack([corpus.frames(clip) for clip in corpus.clips[:3]])
    else:
        batch = frames if unit == "frame" else np.stack([frames[:12], frames[12:]], axis=1)
    with fixed_global_state():
        reference, fast = loaded(name, files, REFERENCE), loaded(name, files, OPENVINO)
        expected = reference(batch)
        assert not ran, "the reference ran on OpenVINO"
        found = fast(batch)
        assert ran, "it ran on the reference"
        assert found.dtype == np.float32
        assert apart_by(expected, found) <= BOUND
        assert apart_by(expected, np.concatenate([fast(batch[:1]), fast(batch[1:])])) <= BOUND


@pytest.mark.slow
@pytest.mark.weights
def test_metrics_agree(corpus: Corpus, files: Mapping[str, Path]) -> None:
    """Of clips against the same clips blurred."""
    blur = damages.get("blur")
    blurred = {given.clip: blur.apply(given, 3) for given in damage_inputs(corpus, blur.name)}

    def looked_at(clip: Clip, unit: Unit, made: bool) -> np.ndarray:
        true = HashedClip(corpus.frames(clip))
        seen = samples(unit, HashedClip(blurred[clip]) if made else true, true)
        return np.stack([sample.pixels for sample in seen[::2]])

    def sides(backend: Backend) -> tuple[ClipSet, ClipSet]:
        features: tuple[dict[str, Any], dict[str, Any]] = {}, {}
        for name in dict.fromkeys(HELD.values()):
            network, unit = loaded(name, files, backend), extractors.get(name).unit
            for side, made in zip(features, (True, False), strict=True):
                side[name] = {clip.id: network(looked_at(clip, unit, made)) for clip in corpus.clips}
        made, true = (ClipSet(corpus.dataset.labels, corpus.protocol.frames, side) for side in features)
        return made, true

    with fixed_global_state():
        reference, fast = sides(REFERENCE), sides(OPENVINO)
        for name in HELD:
            metric = metrics.get(name)
            expected, found = (measure(metric, corpus.clips, *both) for both in (reference, fast))
            assert expected.value is not None, expected.reason
            assert found.value == pytest.approx(expected.value, rel=BOUND, abs=0), name
            assert found.value != expected.value


@pytest.mark.weights
def test_faces_in_batches_are_those_of_single_frames(
    frames: np.ndarray, files: Mapping[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """The exports declare batches of one, and onnxruntime complains where they are not mended."""
    batch = np.concatenate([frames, np.full_like(frames[:1], 128)])
    detector, embed = FaceDetector("cpu", files["scrfd-500m"]), Embedder("cpu", files["w600k-mbf"])
    together = detector.largest(batch)
    alone = [face for frame in batch for face in detector.largest(frame[None])]
    assert [face is None for face in together] == [face is None for face in alone] == [False] * 24 + [True]
    found = [face for face in together if face]
    for one, other in zip(found, alone, strict=False):
        assert other is not None
        assert one.box == pytest.approx(other.box, abs=1e-3)
        assert one.landmarks == pytest.approx(other.landmarks, abs=1e-3)
    embedded = embed([face.canvas for face in found], [face.landmarks for face in found])
    singles = np.concatenate([embed([face.canvas], [face.landmarks]) for face in found])
    assert apart_by(singles, embedded) <= BOUND
    assert embed([], []).shape == (0, 512)
    assert capfd.readouterr().err == ""


@pytest.mark.weights
@pytest.mark.parametrize("shape", [(64, 64), (64, 90), (90, 64)])
def test_the_detector_says_what_insightface_says(
    frames: np.ndarray, files: Mapping[str, Path], shape: tuple[int, int]
) -> None:
    """All boxes and points of a canvas, with two faces side by side where there is room."""
    from insightface.model_zoo import get_model

    height, width = shape
    wide = np.concatenate([frames[:4], frames[4:8]], axis=2)
    batch = np.pad(wide if width > 64 else frames[:4], ((0, 0), (0, height - 64), (0, 0), (0, 0)))
    theirs = get_model(str(files["scrfd-500m"]), providers=["CPUExecutionProvider"])
    theirs.prepare(-1, input_size=(128, 128), det_thresh=0.5)
    detector = FaceDetector("cpu", files["scrfd-500m"])
    for frame, face in zip(batch, detector.largest(batch), strict=True):
        boxes, points = theirs.detect(
            np.ascontiguousarray(to_canvas(frame)[..., ::-1]), input_size=(128, 128)
        )
        which = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).argmax()
        assert face is not None
        assert face.landmarks == pytest.approx(points[which], abs=1e-3)
    square = np.stack([np.pad(x, ((0, 256 - x.shape[0]), (0, 256 - x.shape[1]), (0, 0))) for x in wide])
    for picture, (boxes, points) in zip(square, SCRFD("cpu", files["scrfd-500m"])(square), strict=True):
        expected, marks = theirs.detect(np.ascontiguousarray(picture[..., ::-1]), input_size=(256, 256))
        assert len(expected) >= 1
        assert boxes == pytest.approx(expected[:, :4], abs=1e-3)
        assert points == pytest.approx(marks, abs=1e-3)


@pytest.mark.weights
def test_onnxruntime_has_torchs_threads_and_lets_them_sleep(
    files: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    real, given = onnxruntime.InferenceSession, []

    def session(model: bytes, options: Any, **more: Any) -> Any:
        given.append(options)
        return real(model, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    load_onnx("cpu", files["scrfd-500m"])
    [options] = given
    assert options.intra_op_num_threads == torch.get_num_threads()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


class Sums(torch.nn.Module):
    """Of a sample of any shape, with the size in the code."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1).sum(dim=1) / x.shape[-1]


def test_each_shape_of_a_sample_has_its_own_graph() -> None:
    run, reference = run_by(OPENVINO, Sums()), run_by(REFERENCE, Sums())
    for shape in [(2, 3, 4), (5, 3, 4), (2, 6), (1, 3, 8)]:
        batch = torch.rand(shape).transpose(1, -1)
        assert torch.allclose(run(batch), reference(batch), rtol=1e-6)


class Unknown(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.eigvalsh(x @ x.mT)


def test_a_network_it_cannot_run_is_one_line() -> None:
    with pytest.raises(
        FevbenchError, match=r"openvino cannot run Unknown .*: repeat with --backend torch"
    ) as error:
        run_by(OPENVINO, Unknown())(torch.rand(2, 3, 3))
    assert "\n" not in str(error.value)


def test_a_broken_installation_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(FevbenchError, match=r"openvino cannot be loaded .*reinstall it, or repeat with"):
        run_by(OPENVINO, Sums())(torch.rand(2, 3))


def test_which_backend_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends.platform, "machine", lambda: "x86_64")
    assert choose_backend("auto", "cpu") == OPENVINO
    assert choose_backend("auto", "cuda:0") == REFERENCE
    assert choose_backend("torch", "cpu") == REFERENCE
    with pytest.raises(
        FevbenchError, match="the device is cuda:0: repeat with --backend torch, or with --device"
    ):
        choose_backend("openvino", "cuda:0")
    monkeypatch.setattr(backends.platform, "machine", lambda: "aarch64")
    assert choose_backend("auto", "cpu") == REFERENCE, "nobody measured it there"
    assert choose_backend("openvino", "cpu") == OPENVINO
    monkeypatch.setattr(backends, "installed", lambda package: {})
    assert choose_backend("auto", "cpu") == REFERENCE
    with pytest.raises(
        MissingPackage, match=r"openvino, which is not installed: pip install 'fevbench\[fast\]'"
    ):
        choose_backend("openvino", "cpu")


def test_a_backend_that_is_not_there_ends_the_command(cli: tiny.Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "installed", lambda package: {})
    done = cli("run", "copy", "tiny", "--backend", "openvino", "--metrics", "ssim", "--device", "cpu")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "error: --backend openvino needs openvino, which is not installed: pip install 'fevbench[fast]'\n"
    )


SCRIPT = """
    import sys
    asked = []
    def hear(event, arguments):
        if event == "socket.getaddrinfo" or event == "socket.connect" and isinstance(arguments[1], tuple):
            asked.append((event, arguments))
    sys.addaudithook(hear)
    from fevbench.cli.main import main
    try:
        main(sys.argv[1:])
    except SystemExit as exit_:
        print(bool(exit_.code), asked, "openvino" in sys.modules, "openvino_telemetry" in sys.modules)
"""


@pytest.mark.weights
def test_a_run_says_what_ran_its_networks_and_nothing_asks_for_a_network(tmp_path: Path) -> None:
    """Where Linux allows it there is none to ask, beside listening for who asks."""
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), "run", "copy", "fevsynth", "--limit", "1",
               "--metrics", "lpips,csim", "--device", "cpu", "--offline", "--out", "run"]  # fmt: skip
    alone = ["unshare", "--map-root-user", "--net"]
    if (
        shutil.which("unshare")
        and subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0
    ):
        command = [*alone, *command]
    (tmp_path / "user").mkdir()
    environment = apart.process_environment(ROOT, HOME=str(tmp_path / "user"), OMP_NUM_THREADS="1")

    def run(*more: str) -> tuple[str, str, dict[str, dict[str, str]]]:
        done = subprocess.run(
            [*command, *more], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        result = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
        return done.stdout.splitlines()[-1], done.stderr, result["environment"]["ran_on"]

    fast = {
        "lpips-alex": {"torch": "cpu", "openvino": "CPU"},
        "arcface": {"onnxruntime": "CPUExecutionProvider", "openvino": "CPU"},
    }
    said, _, ran_on = run("--backend", "openvino")
    assert said == "False [] True False"
    assert ran_on == fast
    assert list((tmp_path / "user").iterdir()) == [], "it left notes of its use"
    assert "nothing to do" in run()[1], "any backend will do where none is asked for"
    _, told, ran_on = run("--backend", "torch")
    assert "nothing to do" not in told
    assert ran_on == {"lpips-alex": {"torch": "cpu"}, "arcface": {"onnxruntime": "CPUExecutionProvider"}}
    assert "nothing to do" in run()[1]
