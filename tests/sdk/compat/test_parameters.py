"""The parameters of ``neutone.compat``: the constructors and members of every version of neutone_sdk."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from neutone import sdk  # noqa: E402
from neutone.compat import (  # noqa: E402
    CategoricalNeutoneParameter,
    ContinuousNeutoneParameter,
    KnobNeutoneParameter,
    NeutoneParameter,
    NeutoneParameterType,
    TextNeutoneParameter,
)
from neutone.errors import MetadataError  # noqa: E402


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        (("drive", "gain", 0.25), {}),
        (("drive", "gain"), {"default_value": 0.25}),
        ((), {"name": "drive", "description": "gain", "default_value": 0.25}),
        (("drive", "gain", 0.25, True), {}),
        (("drive", "gain", 0.25, True, NeutoneParameterType.CONTINUOUS), {}),
        (("drive", "gain", 0.25), {"type": "knob"}),
        (("drive", "gain", 0.25), {"param_type": NeutoneParameterType.CONTINUOUS}),
    ],
)
@pytest.mark.parametrize("kind", [NeutoneParameter, KnobNeutoneParameter])
def test_older_parameters_are_continuous(kind: Any, arguments: Any, fields: Any) -> None:
    parameter = kind(*arguments, **fields)
    assert isinstance(parameter, ContinuousNeutoneParameter)
    assert isinstance(parameter, NeutoneParameter)
    assert isinstance(parameter, sdk.ContinuousNeutoneParameter)
    assert parameter.to_metadata() == {
        "name": "drive",
        "description": "gain",
        "used": True,
        "default_value": 0.25,
        "min_value": 0.0,
        "max_value": 1.0,
        "type": "continuous",
    }


def test_unused_and_other_types() -> None:
    assert not NeutoneParameter("drive", "gain", 0.25, False).used
    with pytest.raises(MetadataError, match="'text'"):
        NeutoneParameter("words", "to sing", 0.0, True, NeutoneParameterType.TEXT)


def test_members_of_continuous_parameters() -> None:
    parameter = ContinuousNeutoneParameter("drive", "gain", 4.0, 1.0, 9.0, True)
    assert parameter.range == 8.0
    assert parameter.default_value_0to1 == 0.375
    assert parameter.from_0to1(torch.tensor([0.0, 0.5, 1.0])).tolist() == [1.0, 5.0, 9.0]


def test_members_of_other_parameters() -> None:
    choice = CategoricalNeutoneParameter("mode", "which", 4, 1)
    assert choice.default_value_0to1 == pytest.approx(1 / 3)
    assert choice.from_0to1(torch.tensor([0.0, 0.5, 0.9])).tolist() == [0.0, 2.0, 3.0]
    assert choice.to_metadata()["labels"] == ["0", "1", "2", "3"]
    assert TextNeutoneParameter("words", "to sing").to_metadata()["type"] == "text"
