"""The text in docs/images/live.svg is what docs/images/make.py draws now."""

from __future__ import annotations

import html
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from support.places import ROOT

IMAGES = ROOT / "docs" / "images"
TEXT = re.compile(r'<text [^>]*?\by="([\d.]+)"[^>]*>(.*?)</text>')


def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_pictures", IMAGES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines(picture: Path) -> list[str]:
    """Return the text of a picture, line by line. Its other contents depend on the version of rich."""
    found: dict[str, str] = {}
    for height, text in TEXT.findall(picture.read_text(encoding="utf-8")):
        found[height] = found.get(height, "") + html.unescape(text).replace("\N{NO-BREAK SPACE}", " ")
    return [line.rstrip() for line in found.values()]


def test_the_picture_of_neutone_live_is_up_to_date(tmp_path: Path) -> None:
    for package in ("onnxruntime", "PIL", "rich"):
        pytest.importorskip(package)
    make().draw_live(tmp_path / "live.svg")
    drawn = lines(tmp_path / "live.svg")
    assert len(drawn) > 10
    assert lines(IMAGES / "live.svg") == drawn, "run: python docs/images/make.py"
