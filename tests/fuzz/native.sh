#!/bin/sh
# The libFuzzer target over the C core: native.sh [--seconds N] [--seed N] [--jobs N] [--case FILE]
# Exit code 0: nothing found, or skipped without clang (in CI that is a failure); 1: something was found.
set -eu
cd "$(dirname "$0")/../.."
seconds=120 seed= jobs=2 case=
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2 ;;
    --seed) seed=$2 ;;
    --jobs) jobs=$2 ;;
    --case) case=$2 ;;
    *) echo "native.sh [--seconds N] [--seed N] [--jobs N] [--case FILE], not $1" >&2; exit 2 ;;
  esac
  shift 2
done
seed=${seed:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
echo "seed $seed"

./tests/fuzz/install_tools.sh
if ! printf 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return !d && n; }' |
  clang -fsanitize=fuzzer,address,undefined -x c -o /dev/null - 2>/dev/null; then
  echo "skipped: there is no clang with libFuzzer (Debian: clang and libclang-rt-dev)"
  [ "${CI:-}" != true ]
  exit
fi

CC=clang cmake -S tests/fuzz/native -B build/fuzz/native >/dev/null
cmake --build build/fuzz/native --parallel 2 >/dev/null
# What is too large to allocate must be NULL, as without the sanitizer.
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
target=build/fuzz/native/fuzz_core
if [ -n "$case" ]; then
  exec "$target" -timeout=10 -rss_limit_mb=2048 "$case"
fi

# Each job has inputs of its own, so that one seed always leads the same way.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p build/fuzz/found
status=0 job=0 running=
while [ "$job" -lt "$jobs" ]; do
  python3 tests/fuzz/random_inputs.py $((seed + job)) "$scratch/$job"
  "$target" -seed=$((seed + job + 1)) -max_total_time="$seconds" -max_len=1024 -len_control=0 -timeout=10 \
    -rss_limit_mb=2048 -artifact_prefix=build/fuzz/found/native- -print_final_stats=1 "$scratch/$job" \
    >"$scratch/$job.log" 2>&1 &
  running="$running $!"
  job=$((job + 1))
done
for process in $running; do
  wait "$process" || status=1
done
job=0
while [ "$job" -lt "$jobs" ]; do
  sed -n '/number_of_executed_units/p; /average_exec_per_sec/p' "$scratch/$job.log"
  found=$(sed -n 's/.*Test unit written to //p' "$scratch/$job.log")
  if [ -n "$found" ]; then
    # The report, less the fuzzer's own frames.
    grep -aE 'CHECK|case:|ERROR|SUMMARY|runtime error|/(fuzz_|nt_|stream_oracle)[a-z_]*\.[ch]:' "$scratch/$job.log" | head -40
    echo "    to see it again: tests/fuzz/native.sh --case $found"
  fi
  job=$((job + 1))
done
exit $status
