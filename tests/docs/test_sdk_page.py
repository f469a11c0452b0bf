"""The Python of docs/sdk.md runs, block after block, as a reader would type it into a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.places import ROOT
from support.processes import run_python

BLOCKS = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/sdk.md").read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.long
def test_the_blocks_work_in_the_order_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("onnxruntime", "onnxscript", "torch"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    Path("my_page.py").write_text("\n".join(BLOCKS), encoding="utf-8")  # TorchScript needs the source
    printed = run_python("import sys; sys.path.insert(0, '.')\nimport my_page")
    assert "saved equals in-memory" in printed
    assert Path("clipper.onnx").is_file()
    assert Path("clipper/model.nm").is_file()
