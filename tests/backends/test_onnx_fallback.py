"""ONNX models if the C API is not available or not wanted: they run through Python, after one warning."""

import subprocess
import sys

import pytest

import neutone
from neutone import errors
from support.compiling import compiled
from support.onnx_models import accumulator

FALLBACK = """
import sys, warnings
import numpy as np, onnxruntime
{change}
import neutone
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        engine = neutone.Engine(neutone.load(neutone.default_model()), 44_100, 64, 1)
        engine.process(np.full((1, 64), 0.5, np.float32))
        assert np.abs(engine.process(np.full((1, 64), 0.5, np.float32))).max() > 0
    neutone.load(neutone.default_model(), native=False).prepare(44_100, 64)
assert neutone.load(neutone.default_model()).prepare(44_100, 64).native is None
for warning in caught:
    print(warning.category.__name__, warning.message)
"""


def fall_back(change):
    """Return the warnings of a process in which the C API cannot be used, one per line."""
    code = FALLBACK.format(change=change)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_without_the_library_python_runs_it(tmp_path):
    (warning,) = fall_back(f"onnxruntime.__file__ = {str(tmp_path / '__init__.py')!r}")
    assert warning.startswith("NativeSessionWarning")
    assert "GIL" in warning
    assert "brings no " in warning


def test_a_library_of_another_version_is_not_used():
    (warning,) = fall_back("onnxruntime.__version__ = '1.99.0'")
    assert warning.startswith("NativeSessionWarning")
    assert "expected 1.99.0" in warning


STUB = """
#include <stddef.h>
#include <stdint.h>
static void nothing(void) {{}}
static void *create_status(int code, const char *text) {{ return "some other thing"; }}
static void *table[200];
static const void *get_api(uint32_t version)
{{
    for (int i = 0; i < 200; i++)
        table[i] = nothing;
    table[0] = create_status;
    table[1] = table[2] = create_status;
    return {api};
}}
static const char *get_version(void) {{ return "{version}"; }}
static const struct {{ const void *(*api)(uint32_t); const char *(*version)(void); }} base = {{get_api, get_version}};
const void *{symbol}(void) {{ return &base; }}
"""


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the library has another name elsewhere")
@pytest.mark.parametrize(
    ("stub", "words"),
    [
        ({"version": "2.0.0"}, "it is version 2.0.0, expected 1.x"),
        ({"api": "NULL"}, "does not offer version 18 of the C API"),
        ({"symbol": "SomethingElse"}, "does not export OrtGetApiBase"),
        ({}, "its status does not keep what it was made of"),
        (None, "does not load"),
    ],
)
def test_a_library_that_is_not_what_it_should_be_is_not_used(tmp_path, stub, words):
    (tmp_path / "capi").mkdir()
    fields = {"version": "1.77.0", "api": "table", "symbol": "OrtGetApiBase", **(stub or {})}
    if stub is None:
        (tmp_path / "capi" / "libonnxruntime.so.1.77.0").write_bytes(b"no library")
    else:
        compiled(STUB.format(**fields), tmp_path / "capi" / "libonnxruntime.so.1.77.0")
    change = f"onnxruntime.__file__, onnxruntime.__version__ = {str(tmp_path / 'x.py')!r}, {fields['version']!r}"
    (warning,) = fall_back(change)
    assert warning.startswith("NativeSessionWarning")
    assert words in warning


@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_a_file_that_changed_after_it_was_loaded(tmp_path, change):
    """The contents that were loaded are run, not those that are in the file later."""
    path, other = accumulator(tmp_path / "m.onnx"), accumulator(tmp_path / "other.onnx", start=0.5)
    code = f"""
import os, warnings
import numpy as np, neutone
model = neutone.load({str(path)!r})
os.{"unlink" if change == "removed" else "replace"}({"" if change == "removed" else f"{str(other)!r}, "}{str(path)!r})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    engine = neutone.Engine(model, 48_000, 64, 2)
assert engine.process(np.zeros((2, 64), np.float32))[0, 0] == 0.25
for warning in caught:
    print(warning.message)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (warning,) = done.stdout.splitlines()
    assert "m.onnx" in warning


def test_native_is_an_option(tmp_path):
    path = accumulator(tmp_path / "m.onnx")
    assert neutone.load(path, native=False).prepare(48_000, 64).native is None
    assert neutone.load(path, native=True).prepare(48_000, 64).native is not None
    with pytest.raises(errors.ConfigurationError, match="expected True or False"):
        neutone.load(path, native=1)
