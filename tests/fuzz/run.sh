#!/bin/sh
# All drivers, one after the other: each uses two cores. FUZZ_SECONDS (120) for each, FUZZ_SEED for the same cases again.
# All of them run even if one finds something; the exit code is 1 then.
set -u
cd "$(dirname "$0")/../.."
seconds=${FUZZ_SECONDS:-120} status=0
python=${PYTHON:-.venv/bin/python}
export PYTHONPATH=tests
run() {
  echo "== fuzz: $1, $seconds s"
  shift
  "$@" --seconds "$seconds" ${FUZZ_SEED:+--seed "$FUZZ_SEED"} || status=1
}
run "the C core" tests/fuzz/native.sh
run "the engine" "$python" -m fuzz.engine
run "model and audio files" "$python" -m fuzz.files
exit $status
