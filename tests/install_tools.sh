#!/bin/sh
# Programs that some tests use: espeak-ng speaks the sentences that are denoised, jackd (and jack_iodelay, which comes
# with it) is the server that the JACK host is measured on, libportaudio2 is the library behind the PortAudio host.
# They are installed if apt is there and this runs as root. Without them, those tests are skipped and say so.
set -eu
missing=
for package in espeak-ng:espeak-ng jackd:jackd2 jack_iodelay:jackd2; do
  command -v "${package%%:*}" >/dev/null 2>&1 || missing="$missing ${package#*:}"
done
ldconfig -p 2>/dev/null | grep -q libportaudio || missing="$missing libportaudio2"
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  # shellcheck disable=SC2086
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null 2>&1 ||
    echo "could not install:$missing (their tests will be skipped)"
else
  echo "not installed:$missing (their tests will be skipped)"
fi
