"""VideoMAE V2 and V-JEPA on stand-ins for their checkpoints, which no package index carries."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from video_stand_ins import SHAPE, load_videomae, load_vjepa, write_checkpoints

from fevbench.errors import WeightsError
from fevbench.extractors.base import extractors
from fevbench.extractors.video_transformers import (
    GIANT,
    HUGE,
    build_encoder,
    build_pooler,
    build_videomae,
    sinusoids,
)

LOADERS = {"videomae": load_videomae, "vjepa": load_vjepa}

# The first features of `clips` by other people's code, filled with the same numbers: the network and the
# preprocessing of cd-fvd 0.1.1, and the encoder and the probe of vjepa 0.1.2, as videojedi 1.1.0 calls them.
GOLDEN = {
    "videomae": [
        [0.2751273, 0.0106952, -0.3631558, -0.0897702, -0.6139655, 0.1820098],
        [0.2569650, 0.0080433, -0.3589833, -0.0927738, -0.6024395, 0.1784188],
    ],
    "vjepa": [
        [0.6832823, 1.0749635, -0.4475150, -1.0332359, -1.3245818, 1.3145285],
        [0.7511837, 0.7950696, -0.4699636, -0.9899266, -1.3375638, 1.1131439],
    ],
}


@pytest.fixture
def clips() -> np.ndarray:
    """``uint8[2, 33, 20, 28, 3]``: more frames than the networks see, and neither their size nor square."""
    return np.random.RandomState(1).randint(0, 256, (2, 33, 20, 28, 3)).astype(np.uint8)


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    return write_checkpoints(tmp_path)


@pytest.mark.parametrize("name", list(LOADERS))
def test_gives_the_reference_implementations_values(
    name: str, clips: np.ndarray, paths: dict[str, Path]
) -> None:
    features = LOADERS[name]("cpu", paths)(clips)
    assert features.dtype == np.float32
    assert features.shape == (2, SHAPE.width)
    assert features[:, :6] == pytest.approx(np.array(GOLDEN[name]), abs=2e-6)


@pytest.mark.parametrize("name", list(LOADERS))
def test_features_do_not_depend_on_the_batch(name: str, clips: np.ndarray, paths: dict[str, Path]) -> None:
    network = LOADERS[name]("cpu", paths)
    alone = np.concatenate([network(clip[None]) for clip in clips])
    assert network(clips) == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize("name", list(LOADERS))
def test_sixteen_frames_are_seen(name: str, paths: dict[str, Path]) -> None:
    network = LOADERS[name]("cpu", paths)
    clip = np.random.RandomState(2).randint(0, 256, (1, 32, 32, 32, 3)).astype(np.uint8)
    assert np.array_equal(network(clip), network(clip[:, ::2]))
    assert not np.allclose(network(clip), network(clip[:, 1::2]), atol=1e-3)
    assert not np.allclose(network(clip), network(clip[:, ::-2]), atol=1e-3)
    with pytest.raises(ValueError, match="at least 16 frames, got 15"):
        network(clip[:, :15])


def test_the_published_shapes() -> None:
    assert GIANT.tokens == 8 * 16 * 16
    assert HUGE.tokens == 8 * 14 * 14
    assert (extractors.get("videomae").dim, extractors.get("vjepa").dim) == (GIANT.width, HUGE.width)
    table = sinusoids(GIANT.tokens, GIANT.width)[0].double()
    assert table[0, :4].tolist() == [0, 1, 0, 1]
    assert table[7, :2].tolist() == pytest.approx([np.sin(7), np.cos(7)])
    last = 2047 / 10000 ** (1406 / 1408)
    assert table[2047, 1406:].tolist() == pytest.approx([np.sin(last), np.cos(last)], abs=1e-6)


BUILD = {
    "videomae-g-ssv2": lambda path: build_videomae(path, SHAPE),
    "vjepa-h": lambda path: build_encoder(path, SHAPE),
    "vjepa-h-ssv2-probe": lambda path: build_pooler(path, SHAPE),
}


@pytest.mark.parametrize("name", list(BUILD))
@pytest.mark.parametrize("fault", ["empty", "junk", "cut", "lacking", "other shape", "other network"])
def test_another_file_is_refused_in_one_line(
    name: str, fault: str, paths: dict[str, Path], tmp_path: Path
) -> None:
    whole, path = paths[name].read_bytes(), tmp_path / "file.pth"
    if fault in ("empty", "junk", "cut"):
        path.write_bytes(
            {"empty": b"", "junk": b"<html>log in</html>", "cut": whole[: len(whole) // 2]}[fault]
        )
    elif fault == "other network":
        path = paths["vjepa-h" if name == "vjepa-h-ssv2-probe" else "vjepa-h-ssv2-probe"]
    else:
        content = torch.load(paths[name], weights_only=False)
        state = next(part for part in content.values() if isinstance(part, dict) and part)
        key = next(key for key in state if key.endswith("norm1.weight"))
        tensor = state.pop(key)
        if fault == "other shape":
            state[key] = tensor[:-1]
        torch.save(content, path)
    with pytest.raises(WeightsError, match="does not hold V") as caught:
        BUILD[name](path)
    assert str(path) in caught.value.what
    assert f"{path.name}.sha256" in caught.value.fix
    assert "\n" not in str(caught.value)


class Bomb:
    """Leaves a file behind if it is ever unpickled as Python would."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", list(BUILD))
def test_no_code_of_a_checkpoint_is_run(name: str, tmp_path: Path) -> None:
    """Nobody vouches for these files but whoever served them first."""
    went_off = tmp_path / "went off"
    new, old = tmp_path / "new.pth", tmp_path / "old.pth"
    torch.save({"module": Bomb(went_off)}, new)
    old.write_bytes(pickle.dumps({"module": Bomb(went_off)}, protocol=2))
    for path in (new, old):
        with pytest.raises(WeightsError):
            BUILD[name](path)
    assert not went_off.exists()
    torch.load(new, weights_only=False)
    assert went_off.exists()
