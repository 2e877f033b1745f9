#!/bin/sh
# Measures every model on this machine's GPU, with random weights and without the network, in under six minutes, and
# prints a table: docs/gpu.md says how to read it. `scripts/gpu_check.sh --device cpu --small` tries the script itself.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
command -v "$python" >/dev/null || python=python3
PYTHONPATH=$PWD exec "$python" -m tests.bench.gpu.check "$@"
