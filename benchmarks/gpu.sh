#!/usr/bin/env bash
# Everything that is measured on a GPU, in at most 8 minutes, on a machine that can reach nothing:
#
#     bash benchmarks/gpu.sh WHEELS [OUT]
#
# WHEELS is a folder of wheels of whatever the machine lacks beside torch and onnxruntime (made elsewhere with
# `pip download`, for its Python), and of setuptools. FEVBENCH_WEIGHTS_DIR names the pretrained networks, brought
# along, too; what is not there is left out by name. OUT, gpu.json by default, is read by `make bench-page`
# where it lies in benchmarks/measured.
set -euo pipefail
cd "$(dirname "$0")/.."
wheels=${1:?"usage: bash benchmarks/gpu.sh WHEELS [OUT]"}
out=${2:-gpu.json}
python3 -m venv --system-site-packages build/gpu
build/gpu/bin/python -m pip install --quiet --no-index --find-links "$wheels" --editable '.[train]' pytest
began=$SECONDS
tests=0
# A GPU test that fails must not cost the numbers, and fails the script in the end.
timeout 120 build/gpu/bin/python -m pytest -q -p no:cacheprovider -m cuda tests || tests=$?
minutes=$(awk "BEGIN { print (460 - ($SECONDS - $began)) / 60 }")
build/gpu/bin/python benchmarks/gpu.py --device cuda --minutes "$minutes" --out "$out"
exit "$tests"
