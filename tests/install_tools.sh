#!/bin/sh
# Programs that some tests use: espeak-ng speaks the sentences that are denoised. Installed where apt and root allow it;
# without them those tests are skipped and say so.
set -eu
missing=
for program in espeak-ng; do
  command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  # shellcheck disable=SC2086
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null 2>&1 ||
    echo "could not install:$missing (their tests will be skipped)"
else
  echo "not installed:$missing (their tests will be skipped)"
fi
