"""Numbers do not depend on how the samples were put into batches, with the real networks."""

from pathlib import Path

import pytest

from fevbench import weights
from fevbench.cli.main import main
from fevbench.results.files import read_result


@pytest.mark.weights
def test_numbers_do_not_depend_on_the_batch_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run has an empty feature cache of its own, so the networks see every sample twice."""
    weights.pull_all()
    monkeypatch.setenv("FEVBENCH_WEIGHTS_DIR", str(weights.require("w600k-mbf").path.parent))
    values = []
    for size in ("3", "32"):
        monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / f"home{size}"))
        out = tmp_path / size
        arguments = ["--limit", "5", "--metrics", "csim,acd,kid", "--batch-size", size, "--out", str(out)]
        with pytest.raises(SystemExit) as stop:
            main(["run", "copy", "fevsynth", "--offline", *arguments])
        assert stop.value.code == 0
        result = read_result(out)
        assert result.stages["inception"].computed == 5 * 16
        values.append({name: (m.value, m.ceiling) for name, m in result.metrics.items()})
    for name in values[0]:
        assert values[0][name] == pytest.approx(values[1][name], rel=1e-4, abs=1e-6)
