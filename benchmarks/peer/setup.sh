#!/usr/bin/env bash
# An environment with the peer, neutone_sdk 1.5.2, on the CPU build of PyTorch.
# Usage: setup.sh FOLDER      then: FOLDER/bin/python make_fixtures.py ../../tests/data/peer
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:?usage: setup.sh FOLDER}

python3 -m venv "$folder"
python=$folder/bin/python
"$python" -m pip install --quiet \
  torch==2.13.0 numpy click jsonschema requests soundfile soxr tqdm typing_extensions cffi samplerate
# Without its dependencies: it asks for torchaudio, whose wheels need CUDA's libraries to load.
"$python" -m pip install --quiet --no-deps neutone_sdk==1.5.2
cp -r "$here/torchaudio_stub/torchaudio" "$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/"
"$python" -c 'import neutone_sdk; print("ready:", neutone_sdk.constants.SDK_VERSION)'
