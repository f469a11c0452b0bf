"""``neutone port``: what it replaces, what it leaves, and what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.command_line import assert_one_line, call, run

pytest.importorskip("torch")


def port(source: str, folder: Path) -> tuple[str, list[str]]:
    """Return the ported code, and what was said, as "line: message"."""
    path = folder / "wrapper.py"
    path.write_bytes(source.encode())
    result = call("port", path, "-o", folder / "ported.py", "--force")
    assert result.exit_code == 0, result.stderr
    said = [line.removeprefix(f"{path}:") for line in result.stderr.splitlines()]
    assert result.stdout.startswith(f"wrote {folder / 'ported.py'}: ")
    assert f"{len(said)} more things to look at" in result.stdout
    return (folder / "ported.py").read_bytes().decode(), said


@pytest.mark.parametrize(
    ("source", "ported"),
    [
        ("import neutone_sdk", "import neutone.compat"),
        ("import neutone_sdk as ns", "import neutone.compat as ns"),
        ("import os, neutone_sdk.audio as audio, sys", "import os, neutone.compat.audio as audio, sys"),
        ("from neutone_sdk import SampleQueueWrapper as S", "from neutone.compat import SampleQueueWrapper as S"),
        ("from neutone_sdk.utils import (\n    save_neutone_model,  # neutone_sdk\n)", None),
        ("from  neutone_sdk . utils  import validate_waveform", None),
        ("try: import neutone_sdk; x = 1\nexcept ImportError: pass", None),
        ("def f():\n\timport neutone_sdk\n\treturn neutone_sdk.audio.AudioSample", None),
        ("import neutone_sdk\nx = [neutone_sdk, 'ä', neutone_sdk.utils]", None),
        ("import neutone_sdk\nprint(\n  'ü' , neutone_sdk\n  .constants)", None),
        ("x = importlib.import_module('neutone_sdk.audio')", "x = importlib.import_module('neutone.compat.audio')"),
        ("x = __import__(r'neutone_sdk')", "x = __import__(r'neutone.compat')"),
        ("import neutone_sdk\r\nx = neutone_sdk.audio\r\n", None),
    ],
)  # fmt: skip
def test_what_is_replaced(source: str, ported: str | None, tmp_path: Path) -> None:
    expected = re.sub(r"(?<!# )neutone_sdk", "neutone.compat", source) if ported is None else ported
    assert port(source, tmp_path) == (expected, [])


@pytest.mark.parametrize(
    "source",
    [
        "import neutone_sdk_tools\nfrom neutone_sdks import x",
        "from .neutone_sdk import x\nfrom . import neutone_sdk",
        "from a import neutone_sdk\nx = neutone_sdk.audio",
        "x.neutone_sdk = f(neutone_sdk=1)",
        '"""Written for neutone_sdk."""\n# neutone_sdk\nx = "https://github.com/x/neutone_sdk/blob"',
        "print('neutone_sdk')",
        "def f(neutone_sdk):\n    return neutone_sdk.audio",
        "neutone_sdk = 5\nprint(neutone_sdk)",
    ],
)
def test_what_is_left(source: str, tmp_path: Path) -> None:
    assert port(source, tmp_path)[0] == source


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("from neutone_sdk.filters import (\n FIRFilter)", ["1: neutone_sdk.filters.FIRFilter is not part of neutone"]),
        ("import neutone_sdk.filters as f\nf.IIRFilter()", ["2: neutone_sdk.filters.IIRFilter is not part"]),
        ("import neutone_sdk\nneutone_sdk.audio.nothing", ["2: neutone has no neutone_sdk.audio.nothing"]),
        ("from neutone_sdk.tcn import TCN", ["1: neutone has no neutone_sdk.tcn.TCN: it is not part of"]),
        ("import neutone_sdk.cqueue", ["1: neutone has no neutone_sdk.cqueue"]),
        ("x = 'neutone_sdk.audio'", ["1: the text 'neutone_sdk.audio' is left as it is"]),
        ("import neutone_sdk\ndef f(neutone_sdk):\n    return 1", ["2: neutone_sdk is the name of something else"]),
        (
            "from neutone_sdk import ContinuousNeutoneParameter as P, ContinuousNeutoneParameter\n"
            "ContinuousNeutoneParameter('a', 'b', 0.5)\nP('a', 'b', 2.0, max_value=4.0)\nP('a', 'b', 2.0, 1.0, 4.0)",
            ["3: a parameter with a range", "4: a parameter with a range"],
        ),
        (
            "from neutone_sdk.utils import model_to_torchscript\nmodel_to_torchscript(m, preserved_attrs=[])\n"
            "model_to_torchscript(m, freeze=True)\nmodel_to_torchscript(*m)",
            ["2: neutone_sdk.utils.model_to_torchscript() got an unexpected keyword argument 'preserved_attrs'"],
        ),
        (
            "class W(B):\n    def calc_min_delay_samples(self): return 1\n    def do_forward_pass(self, x, params):\n"
            "        return x + self.in_queue.size + self.calc_min_delay_samples()\n\nscript.calc_min_delay_samples()",
            [
                "2: calc_min_delay_samples is called calc_model_delay_samples today; both names work",
                "4: neutone has no self.in_queue",
                "6: calc_min_delay_samples() of a saved model is calc_buffering_delay_samples() + calc_model",
            ],
        ),
    ],
)  # fmt: skip
def test_what_needs_a_look(source: str, said: list[str], tmp_path: Path) -> None:
    found = port(source, tmp_path)[1]
    assert len(found) == len(said), found
    for line, beginning in zip(found, said, strict=True):
        assert line.startswith(beginning)


def test_without_an_output_the_code_is_on_stdout(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from neutone_sdk.conv import Conv1dGeneral\n")
    result = run("port", tmp_path / "a.py")
    assert result.returncode == 0
    assert result.stdout == "from neutone.compat.conv import Conv1dGeneral\n"
    assert "a.py:1: neutone_sdk.conv.Conv1dGeneral is not part of neutone yet" in result.stderr
    assert (tmp_path / "a.py").read_text() == "from neutone_sdk.conv import Conv1dGeneral\n"


def test_encodings_are_kept(tmp_path: Path) -> None:
    for content in (
        "# coding: latin-1\nimport neutone_sdk  # ä\n".encode("latin-1"),
        b"\xef\xbb\xbfimport neutone_sdk\n",
    ):
        (tmp_path / "a.py").write_bytes(content)
        assert call("port", tmp_path / "a.py", "-o", tmp_path / "b.py", "--force").exit_code == 0
        assert (tmp_path / "b.py").read_bytes() == content.replace(b"neutone_sdk", b"neutone.compat")


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("import neutone_sdk")
    assert_one_line(call("port", path, "-o", path), "a.py is there already", "--force")
    assert path.read_text() == "import neutone_sdk"
    assert call("port", path, "-o", path, "--force").exit_code == 0
    assert path.read_text() == "import neutone.compat"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"import neutone_sdk\nif:\n", "line 2 is not Python"),
        (b"\x00\x01\x02PK", "is not Python"),
        (b"# coding: utf-8\nx = '\xff'", "is not Python"),
        (b"# coding: nonsense\nx = 1", "is not Python"),
        (b"(" * 10_000, "is not Python"),
        (b"x = 1\n" + b"-" * 100_000 + b"1", "is not Python"),
    ],
)  # fmt: skip
def test_files_that_are_not_python(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(content)
    assert_one_line(call("port", tmp_path / "a.py", "-o", tmp_path / "b.py"), words)
    assert [path.name for path in tmp_path.iterdir()] == ["a.py"]


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    assert_one_line(call("port", tmp_path / "no.py"), "no Python file")
    assert_one_line(call("port", tmp_path), "no Python file")
    (tmp_path / "a.py").write_text("import neutone_sdk")
    assert_one_line(call("port", tmp_path / "a.py", "-o", tmp_path / "no" / "b.py"), "cannot write")
