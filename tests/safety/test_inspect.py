"""Inspecting a model file shows what it says, and runs none of it; before a fetched program runs, the user is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import neutone
from neutone import errors
from neutone.model import trust
from neutone.plugins import Backend
from support.command_line import assert_one_line, call
from support.peer_files import peer_file

pytestmark = pytest.mark.long

# -- what a file says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lstm_amp.nm", "shaper.nm", "lookbehind.nm"])
def test_an_archive_says_what_the_loaded_model_says(tmp_path: Path, name: str) -> None:
    pytest.importorskip("torch")
    path = peer_file(name.removesuffix(".nm"), tmp_path)
    summary, model = neutone.inspect(path), neutone.load(path)
    assert summary.metadata == model.metadata
    assert (summary.input_channels, summary.output_channels) == (model.input_channels, model.output_channels)
    assert summary.model_delay is None
    assert neutone.inspect(path, model_delay=7).model_delay == 7


@pytest.mark.parametrize("suffix", [".onnx", ".ort"])
def test_a_graph_says_what_the_loaded_model_says(tmp_path: Path, suffix: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    path = neutone.default_model()
    if suffix == ".ort":
        options = runtime.SessionOptions()
        path = tmp_path / "amp.ort"
        options.optimized_model_filepath = str(path)
        options.add_session_config_entry("session.save_model_format", "ORT")
        runtime.InferenceSession(str(neutone.default_model()), options, providers=["CPUExecutionProvider"])
    summary, model = neutone.inspect(path), neutone.load(path)
    assert summary.metadata == model.metadata
    assert (summary.input_channels, summary.output_channels) == (model.input_channels, model.output_channels)
    assert summary.model_delay == model.model_delay


@pytest.mark.parametrize("shape", [[2, "N"], [1, 2, "N"], [1, 512], ["batch", 3, 64]])
def test_a_graph_without_metadata_says_its_shapes(tmp_path: Path, shape: list[int | str]) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from support.onnx_models import plain

    path = plain(tmp_path / "plain.onnx", shape, node="Tanh")
    summary, model = neutone.inspect(path), neutone.load(path)
    assert summary.metadata == model.metadata
    assert (summary.input_channels, summary.output_channels) == (model.input_channels, model.output_channels)


def test_a_graph_whose_output_is_open_says_so(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from support.onnx_models import plain

    path = plain(tmp_path / "plain.onnx", [2, "N"])
    model = onnx.load(path)
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, path)
    assert neutone.inspect(path).output_channels is None
    result = call("info", path)
    assert result.exit_code == 0, result.stderr
    assert "2 in, unknown out" in result.stdout


def test_a_backend_without_inspect_loads_the_model() -> None:
    class Loading(Backend):
        name, suffixes = "loading", ()

        def load(self, path, **options):
            return neutone.load(neutone.default_model())

    assert Loading().inspect("whatever").metadata.model_name == "Neutone Amp"


def test_info_says_what_is_not_in_the_file(tmp_path: Path) -> None:
    path = peer_file("shaper", tmp_path)
    result = call("info", path)
    assert result.exit_code == 0, result.stderr
    assert "2 in, 2 out" in result.stdout
    assert "model delay   not in the file" in result.stdout
    assert "0 + 0 + ?" in result.stdout
    assert '"total": null' in call("info", path, "--json").stdout
    plain = path.rename(tmp_path / "plain.ts")
    (tmp_path / "other").mkdir()
    assert "model delay   not in the file" in call("info", plain).stdout


def test_info_needs_no_runtime(tmp_path: Path) -> None:
    path = peer_file("shaper", tmp_path)
    code = (
        "import sys; sys.modules['torch'] = sys.modules['onnxruntime'] = None; "
        "sys.argv[0] = 'neutone'; from neutone.cli import main; main()"
    )
    for file in (path, neutone.default_model()):
        result = subprocess.run([sys.executable, "-c", code, "info", str(file)], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr


# -- nothing runs ------------------------------------------------------------------------------------------------------

PROGRAM = """
import sys, torch

class Program(torch.nn.Module):
    def __init__(self, victim: str):
        super().__init__()
        self.a = torch.zeros(1)
        self.victim: str = victim

    @torch.jit.export
    def __getstate__(self):
        return (self.a, self.victim, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, str, bool]):
        self.victim = state[1]
        mapped = torch.from_file(state[1], True, 16, dtype=torch.uint8)
        mapped.fill_(66)
        self.a = state[0] + mapped.sum() * 0
        self.training = state[2]

    def forward(self, x):
        return x

torch.jit.script(Program(sys.argv[2])).save(sys.argv[1])
"""
CONTENTS = "something of the user's, of more than sixteen bytes\n"


@pytest.fixture
def program(tmp_path: Path) -> tuple[Path, Path]:
    """A TorchScript file that overwrites a file of the user when it is opened, and the path of that file."""
    pytest.importorskip("torch")
    path, victim = tmp_path / "program.ts", tmp_path / "victim.txt"
    victim.write_text(CONTENTS)
    source = tmp_path / "program.py"
    source.write_text(PROGRAM)
    subprocess.run([sys.executable, source, path, victim], check=True, capture_output=True)
    victim.write_text(CONTENTS)
    return path, victim


def test_info_runs_nothing_of_a_program(program: tuple[Path, Path]) -> None:
    path, victim = program
    assert call("info", path).exit_code == 0
    assert call("plugins").exit_code == 0
    assert victim.read_text() == CONTENTS
    neutone.load(path)  # shows that the program does overwrite the file
    assert victim.read_text().startswith("BBBB")


# -- fetched files -----------------------------------------------------------------------------------------------------


@pytest.fixture
def fetched(program: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The program, in the folder of files that neutone has fetched."""
    monkeypatch.setenv("NEUTONE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NEUTONE_CONFIG", str(tmp_path / "config"))
    path, victim = program
    trust.fetched_folder().mkdir(parents=True)
    return path.rename(trust.fetched_folder() / path.name), victim


def test_a_fetched_program_runs_only_if_it_is_trusted(fetched: tuple[Path, Path]) -> None:
    path, victim = fetched
    with pytest.raises(errors.UntrustedFileError, match=r"program\.ts was fetched.*--trust"):
        neutone.load(path)
    assert_one_line(call("bench", path), "was fetched", "--trust")
    assert victim.read_text() == CONTENTS
    assert neutone.inspect(path).metadata.model_name == "program"
    neutone.load(path, trust=True)
    assert victim.read_text().startswith("BBBB")
    neutone.load(path)  # the decision was remembered
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(errors.UntrustedFileError):  # the decision holds for these contents only
        neutone.load(path)


def test_validate_asks_too_and_the_sandbox_need_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("NEUTONE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NEUTONE_CONFIG", str(tmp_path / "config"))
    trust.fetched_folder().mkdir(parents=True)
    path = peer_file("shaper", trust.fetched_folder())
    assert_one_line(call("validate", path, "--seconds", "0.01"), "was fetched", "--trust")
    result = call("validate", path, "--seconds", "0.01", "--sandbox")
    assert result.exit_code == 0, result.stderr
    assert not (tmp_path / "config").exists()
    assert call("validate", path, "--seconds", "0.01", "--trust").exit_code == 0
    assert (tmp_path / "config" / "trusted").read_text().endswith(" shaper.nm\n")


def test_a_fetched_wrapper_is_asked_about_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("NEUTONE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NEUTONE_CONFIG", str(tmp_path / "config"))
    trust.fetched_folder().mkdir(parents=True)
    path, ran = trust.fetched_folder() / "wrapper.py", tmp_path / "ran"
    path.write_text(
        f"from pathlib import Path\nPath({str(ran)!r}).touch()\nfrom support.wrappers_by_name import Echo\n"
    )
    for arguments in (["info", f"{path}:Echo"], ["bench", f"{path}:Echo"], ["export", f"{path}:Echo", tmp_path / "x"]):
        assert_one_line(call(*arguments), "wrapper.py was fetched")
    for options in ({}, {"backend": "python"}):
        with pytest.raises(errors.UntrustedFileError):
            neutone.load(f"{path}:Echo", **options)
    assert not ran.exists()
    neutone.load(f"{path}:Echo", trust=True)
    assert ran.exists()


def test_a_link_to_a_fetched_program_is_that_program(fetched: tuple[Path, Path], tmp_path: Path) -> None:
    link = tmp_path / "mine.ts"
    link.symlink_to(fetched[0])
    with pytest.raises(errors.UntrustedFileError):
        neutone.load(link)


def test_on_a_terminal_there_is_a_question(fetched: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from neutone.cli import options

    answers = iter([False, True])
    asked = []

    def confirm(question: str, err: bool) -> bool:
        asked.append(question)
        return next(answers)

    monkeypatch.setattr(options.typer, "confirm", confirm)
    monkeypatch.setattr(options, "_has_terminal", lambda: True)
    with pytest.raises(errors.UntrustedFileError):
        options.open_model(str(fetched[0]), None, [])
    assert fetched[1].read_text() == CONTENTS
    options.open_model(str(fetched[0]), None, [])
    options.open_model(str(fetched[0]), None, [])
    assert len(asked) == 2


def test_graphs_that_were_fetched_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ONNX file is data, so it needs no trust."""
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("NEUTONE_CACHE", str(tmp_path))
    trust.fetched_folder().mkdir()
    path = trust.fetched_folder() / "amp.onnx"
    path.write_bytes(neutone.default_model().read_bytes())
    neutone.load(path)


def test_a_list_that_cannot_be_written_is_one_clear_error(
    fetched: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NEUTONE_CONFIG", str(tmp_path / "file" / "below"))
    with pytest.raises(errors.OutputFileError, match="trusted"):
        neutone.load(fetched[0], trust=True)
    assert fetched[1].read_text() == CONTENTS
