#!/bin/sh
# Measures every model on this machine's GPU, with random weights and without the network, in under six minutes, and
# prints a table: docs/gpu.md says how to read it. `scripts/gpu_check.sh --device cpu --small` tries the script itself.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
command -v "$python" >/dev/null || python=python3
"$python" -c "import av" 2>/dev/null || {
    echo "gpu_check: $python has not what actor18m needs. Set up .venv, which this looks for:" >&2
    echo "  python3 -m venv .venv && .venv/bin/pip install -c constraints.txt '.[embedded,cluster]'" >&2
    echo "or name a Python that has it: PYTHON=/path/to/python scripts/gpu_check.sh" >&2
    exit 1
}
PYTHONPATH=$PWD exec "$python" -m tests.bench.gpu.check "$@"
