#!/bin/sh
# The C core's own tests: plain, under the address and undefined-behaviour sanitizers, and the threads under TSan.
set -eu
cd "$(dirname "$0")/.."
run() {
  name=$1
  shift
  cmake -S src/_native -B "build/native-$name" -DNEUTONE_NATIVE_TESTS=ON "$@" >/dev/null
  cmake --build "build/native-$name" --parallel 2 >/dev/null
  echo "== C core, $name"
}
run plain
ctest --test-dir build/native-plain --output-on-failure
run asan-ubsan -DNEUTONE_SANITIZE=address,undefined
ctest --test-dir build/native-asan-ubsan --output-on-failure
run tsan -DNEUTONE_SANITIZE=thread
ctest --test-dir build/native-tsan --output-on-failure -R 'ring|threads|jack'
