"""Text from files on the terminal: it is shown, and has no effect."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import neutone
from neutone import errors
from neutone.cli.terminal import output, print_json
from neutone.errors import printable
from support.command_line import call, run

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Control characters other than tab and line feed, and characters that change the direction of writing or are
invisible."""

TITLE = "\x1b]0;PWNED\x1b\\"
CLEAR = "\x1b[2J"
TURN = "\u202eevil"
LINK = "[link=http://x]amp[/link]"
BELL = "\x07\x08\x9b31m"


def hostile(path: Path) -> Path:
    model = onnx.load(neutone.default_model())
    entry = next(entry for entry in model.metadata_props if entry.key == "neutone")
    metadata = json.loads(entry.value)
    parameters = metadata["neutone_parameters"]
    parameters["p1"].update(name=f"{CLEAR}[/red]", description=TITLE)
    parameters["p2"] = {
        "name": TURN,
        "description": BELL,
        "type": "categorical",
        "n_values": 2,
        "default_value": 0,
        "labels": [f"{CLEAR}[red]", "[/]x"],
    }
    metadata.update(
        model_name=f"{TITLE}[/x]$x^$",
        model_authors=[CLEAR, LINK],
        model_short_description=f"a{CLEAR}\r\nb{BELL}",
        model_long_description=TURN,
        technical_description=BELL,
        technical_links={TITLE: TURN},
        tags=[CLEAR],
        model_version=f"{BELL}{TURN}",
        citation=f"{CLEAR}\x00",
    )
    entry.value = json.dumps(metadata)
    onnx.save(model, path)
    return path


@pytest.mark.long
@pytest.mark.parametrize(
    "arguments",
    [
        ["info"],
        ["info", "--json"],
        ["bench", "--seconds", "0.01"],
        ["validate", "--seconds", "0.01"],
        ["demo", "--model"],
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_no_character_of_a_file_acts_on_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model = hostile(tmp_path / "hostile.onnx")
    before = 2 if arguments[0] == "demo" else 1
    result = call(*arguments[:before], model, *arguments[before:])
    assert result.exit_code == 0, result.stderr
    assert not ACTING.search(result.stdout)
    assert not ACTING.search(result.stderr)
    if arguments == ["info"]:
        for shown in (
            "\\x1b]0;PWNED\\x1b\\[/x]",
            "\\x1b[2J",
            "\\u202eevil",
            LINK,
            "\\x1b[2J[red]",
            "\\x07\\x08\\x9b31m",
        ):
            assert shown in result.stdout
    if arguments == ["info", "--json"]:
        assert json.loads(result.stdout)["metadata"]["model_name"] == f"{TITLE}[/x]$x^$"


def test_on_a_colour_terminal_only_our_own_styles_are_escape_codes(tmp_path: Path) -> None:
    model = hostile(tmp_path / "hostile.onnx")
    result = run("info", model, FORCE_COLOR="1", COLUMNS="120")
    assert result.returncode == 0, result.stderr
    assert "\x1b[1m" in result.stdout
    assert not ACTING.search(re.sub(r"\x1b\[[0-9;]*m", "", result.stdout))
    assert "\x1b[31m" not in result.stdout


def test_neither_do_errors_warnings_and_tracebacks(tmp_path: Path) -> None:
    name = f"a{CLEAR}{TURN}.onnx"
    (tmp_path / name).write_bytes(b"no model")
    for options in ([], ["--debug"]):
        result = run(*options, "info", tmp_path / name)
        assert result.returncode == 2
        assert "\\x1b[2J\\u202eevil.onnx" in result.stderr
        assert not ACTING.search(result.stderr)
        assert ("Traceback" in result.stderr) == bool(options)


def test_letters_of_every_language_stay() -> None:
    for text in (
        "Gitarrenverstärker",
        "ギターアンプ",
        "مُضخِّم",
        "🎸👩‍🎤",
        "a\u00a0b\u3000c",
        "tab\there",
        "two\nlines",
        "é",
    ):
        assert printable(text) == text
    assert printable("half \ud800") == "half \\ud800"


def test_a_table_keeps_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    from neutone.cli.terminal import cell, new_table

    table = new_table(title=f"{CLEAR}[bold]")
    table.add_column("a")
    table.add_column("b")
    for text in (CLEAR, "plain"):
        table.add_row(cell(text), cell("x"))
    output().print(table)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.rstrip().endswith("x")]
    assert len({line.index("x", 6) for line in lines}) == 1


def test_numbers_that_json_has_not_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [float("inf"), 1.5, {"b": float("nan")}], "c": (1, -float("inf"))})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 1.5, {"b": None}], "c": [1, None]}


def test_a_long_message_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise errors.ModelFileError("x" * 1_000_000)

    monkeypatch.setattr("neutone.plugins.loading.inspect", fail)
    result = call("info", "amp")
    assert result.exit_code == 2
    assert len(result.stderr) < 1600
