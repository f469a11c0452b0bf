#!/bin/sh
# clang with libFuzzer and the sanitizers, for the fuzz target over the C core. They are installed if apt is there and
# this runs as root. Without them, that driver is skipped and says so.
set -eu
command -v clang >/dev/null 2>&1 && [ -n "$(find "$(clang -print-resource-dir)" -name 'libclang_rt.fuzzer-*' 2>/dev/null)" ] &&
  exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clang
    # The package of the sanitizers has clang's version in its name.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
  } >/dev/null 2>&1 || echo "could not install clang with libFuzzer"
else
  echo "not installed: clang with libFuzzer"
fi
