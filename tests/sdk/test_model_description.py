"""A wrapped model with a wrong description: the error names what to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from torch import Tensor

from neutone.errors import MetadataError
from neutone.sdk import ModelMetadata, NeutoneModel, NeutoneParameter, TextNeutoneParameter, WaveformToWaveformBase
from support.described_wrappers import Bare, Curves, knob

LIMITS: dict[str, tuple[Any, str]] = {
    "get_model_name": ("x" * 31, "30 characters"),
    "get_model_authors": (["x"] * 6, "5 items"),
    "get_model_short_description": ("x" * 151, "150 characters"),
    "get_model_long_description": ("x" * 501, "500 characters"),
    "get_technical_description": ("x" * 501, "500 characters"),
    "get_technical_links": ({str(n): "x" for n in range(4)}, "3 items"),
    "get_tags": (["x"] * 8, "7 items"),
    "get_model_version": (1.0, "valid string"),
    "get_citation": ("x" * 301, "300 characters"),
    "is_experimental": ("perhaps", "valid boolean"),
    "get_wet_default_value": (1.5, "less than or equal to 1"),
    "get_dry_default_value": (-0.5, "greater than or equal to 0"),
    "get_input_gain_default_value": (2.0, "less than or equal to 1"),
    "get_output_gain_default_value": (float("nan"), "equal to"),
    "get_native_sample_rates": ([400_000], "384000"),
    "get_native_buffer_sizes": ([65_537], "65536"),
    "get_look_behind_samples": (-1, "greater than or equal to 0"),
    "is_input_mono": (None, "valid boolean"),
}


@pytest.mark.parametrize("method", LIMITS)
def test_a_broken_limit_names_the_method(method: str) -> None:
    answer, complaint = LIMITS[method]
    wrong = type("Wrong", (Bare,), {method: lambda self: answer})
    with pytest.raises(MetadataError, match=rf"^Wrong\.{method}\(\).*{complaint}"):
        wrong()


def test_a_broken_item_is_counted() -> None:
    wrong = type("Wrong", (Bare,), {"get_tags": lambda self: ["fine", "x" * 16]})
    with pytest.raises(MetadataError, match=r"Wrong\.get_tags\(\), item 1: .*15 characters"):
        wrong()


def test_a_name_is_needed() -> None:
    class Nameless(WaveformToWaveformBase):
        def do_forward_pass(self, x: Tensor, params: dict[str, Tensor]) -> Tensor:
            return x

    with pytest.raises(MetadataError, match=r"Nameless has no name: define get_model_name\(\)"):
        Nameless()


def test_do_forward_pass_is_needed() -> None:
    class Idle(WaveformToWaveformBase):
        metadata = ModelMetadata(model_name="Idle")

    with pytest.raises(TypeError, match="do_forward_pass"):
        Idle()  # type: ignore[abstract]
    assert issubclass(Idle, NeutoneModel)


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        ([knob(str(n)) for n in range(257)], "257 parameters, at most 256"),
        ([knob(), knob()], "two parameters named 'knob'"),
        ([TextNeutoneParameter("words", "")], "'words', a TextNeutoneParameter, expected one of Continuous"),
        ([NeutoneParameter("plain", "")], "'plain', a NeutoneParameter"),
        (["drive"], "returned str"),
        (knob(), "expected a list"),
    ],
)
def test_wrong_parameters(declared: Any, complaint: str) -> None:
    wrong = type("Wrong", (Bare,), {"get_neutone_parameters": lambda self: declared})
    with pytest.raises(MetadataError, match=rf"Wrong\.get_neutone_parameters\(\).*{complaint}"):
        wrong()


def test_parameters_are_listed_once() -> None:
    class Twice(Curves):
        neutone_parameters: ClassVar[Sequence[NeutoneParameter]] = [knob()]

    with pytest.raises(MetadataError, match="lists parameters twice"):
        Twice()


def test_metadata_of_another_type() -> None:
    with pytest.raises(MetadataError, match=r"Wrong\.metadata is a dict"):
        type("Wrong", (Bare,), {"metadata": {"model_name": "x"}})()
