"""Parameters as a model declares them, and the values that the model receives."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neutone.errors import MetadataError
from neutone.model.metadata import ModelMetadata
from neutone.model.parameters import NumericalNeutoneParameter
from neutone.sdk import (
    CategoricalNeutoneParameter,
    ContinuousNeutoneParameter,
    DiscreteTokensNeutoneParameter,
    NeutoneParameter,
    NeutoneParameterType,
    TextNeutoneParameter,
    script,
)
from neutone.sdk.wrap.card import parameter_metadata
from neutone.sdk.wrap.parameter_map import ParameterMap


@pytest.mark.parametrize(
    ("make", "fields"),
    [
        (
            lambda: ContinuousNeutoneParameter("drive", "gain", 2.0, 1.0, 4.0, False),
            {"name": "drive", "default_value": 2.0, "min_value": 1.0, "max_value": 4.0, "used": False},
        ),
        (lambda: ContinuousNeutoneParameter("mix", "wet", 1), {"min_value": 0.0, "max_value": 1.0, "used": True}),
        (
            lambda: CategoricalNeutoneParameter("mode", "which", 2, 1, ["off", "on"], False),
            {"n_values": 2, "default_value": 1, "labels": ["off", "on"], "used": False},
        ),
        (
            lambda: TextNeutoneParameter("prompt", "words", 5, "hello", False),
            {"max_n_chars": 5, "default_value": "hello", "used": False},
        ),
        (lambda: TextNeutoneParameter("prompt", "words"), {"max_n_chars": -1, "default_value": ""}),
        (
            lambda: DiscreteTokensNeutoneParameter("notes", "MIDI", 2, [60, 64], False),
            {"max_n_tokens": 2, "default_value": [60, 64], "used": False},
        ),
    ],
)
def test_positional_arguments(make: Any, fields: dict[str, Any]) -> None:
    parameter = make()
    assert isinstance(parameter, NeutoneParameter)
    assert {key: getattr(parameter, key) for key in fields} == fields


@pytest.mark.parametrize(
    "make",
    [
        lambda: ContinuousNeutoneParameter("knob", "", 1.5),
        lambda: ContinuousNeutoneParameter("knob", "", float("nan")),
        lambda: ContinuousNeutoneParameter("knob", "", 0.0, 1.0, 1.0),
        lambda: ContinuousNeutoneParameter("knob", "", 0.0, 0.0, float("inf")),
        lambda: ContinuousNeutoneParameter("knob", "", "loud"),
        lambda: CategoricalNeutoneParameter("knob", "", 1, 0),
        lambda: CategoricalNeutoneParameter("knob", "", 21, 0),
        lambda: CategoricalNeutoneParameter("knob", "", 3, 3),
        lambda: CategoricalNeutoneParameter("knob", "", 3, -1),
        lambda: CategoricalNeutoneParameter("knob", "", 2, 0, ["one"]),
        lambda: CategoricalNeutoneParameter("knob", "", 2, 0, ["same", "same"]),
        lambda: CategoricalNeutoneParameter("knob", "", 2, 0, ["short", "x" * 20]),
        lambda: TextNeutoneParameter("knob", "", -2),
        lambda: TextNeutoneParameter("knob", "", 2, "abc"),
        lambda: DiscreteTokensNeutoneParameter("knob", "", -2),
        lambda: DiscreteTokensNeutoneParameter("knob", "", 1, [1, 2]),
    ],
)
def test_a_broken_limit_names_the_parameter(make: Any) -> None:
    with pytest.raises(MetadataError, match="parameter 'knob'"):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: CategoricalNeutoneParameter("knob", "", 20, 19, ["x" * 19 if n == 0 else str(n) for n in range(20)]),
        lambda: CategoricalNeutoneParameter("knob", "", 2, 0),
        lambda: TextNeutoneParameter("knob", "", 0, ""),
        lambda: ContinuousNeutoneParameter("knob", "", -1.0, -1.0, -0.5),
    ],
)
def test_a_limit_itself_is_allowed(make: Any) -> None:
    parameter = make()
    entry = parameter_metadata(parameter)
    json.dumps(entry)
    assert ModelMetadata(model_name="x", neutone_parameters={"p1": entry}).neutone_parameters["p1"].name == "knob"


def test_types_compare_with_the_enumeration() -> None:
    assert ContinuousNeutoneParameter("a", "", 0.0).type == NeutoneParameterType.CONTINUOUS
    assert CategoricalNeutoneParameter("a", "", 2).type == NeutoneParameterType.CATEGORICAL
    assert TextNeutoneParameter("a", "").type == NeutoneParameterType.TEXT
    assert DiscreteTokensNeutoneParameter("a", "").type == NeutoneParameterType.TOKENS


def test_categorical_metadata_always_has_labels() -> None:
    assert parameter_metadata(CategoricalNeutoneParameter("mode", "", 3, 1))["labels"] == ["0", "1", "2"]


ranges = st.tuples(st.floats(-1e3, 1e3, width=32), st.floats(0.125, 1e3, width=32)).map(lambda r: (r[0], r[0] + r[1]))
continuous = ranges.map(lambda r: ContinuousNeutoneParameter("c", "", r[0], r[0], r[1]))
categorical = st.integers(2, 20).map(lambda n: CategoricalNeutoneParameter("k", "", n, n - 1))


@given(continuous | categorical, st.lists(st.floats(0.0, 1.0, width=32), min_size=1, max_size=20))
def test_the_graph_maps_as_the_declaration_does(
    parameter: ContinuousNeutoneParameter | CategoricalNeutoneParameter, units: list[float]
) -> None:
    mapped = ParameterMap([parameter], rows=4)(torch.tensor([units] * 4))
    assert list(mapped) == [parameter.name]
    values = mapped[parameter.name].tolist()
    for unit, value in zip(units, values, strict=True):
        if isinstance(parameter, CategoricalNeutoneParameter):
            exact = unit * (parameter.n_values - 1)
            assert value == int(value)
            assert abs(value - exact) <= 0.5 + 1e-5
        else:
            assert value == pytest.approx(parameter.from_unit(unit), abs=1e-3)


@given(categorical)
def test_every_choice_arrives_as_its_number(parameter: CategoricalNeutoneParameter) -> None:
    units = torch.tensor([[parameter.to_unit(k) for k in range(parameter.n_values)]])
    assert ParameterMap([parameter])(units)["k"].tolist() == list(range(parameter.n_values))


def test_scripted_map_is_the_same() -> None:
    parameters: list[NumericalNeutoneParameter] = [
        ContinuousNeutoneParameter("unit", "", 0.25),
        CategoricalNeutoneParameter("mode", "", 5, 4),
        ContinuousNeutoneParameter("hertz", "", 30.0, 20.0, 2000.0),
    ]
    eager, scripted = ParameterMap(parameters, 4), script(ParameterMap(parameters, 4))
    units = torch.rand(4, 9, generator=torch.Generator().manual_seed(0))
    expected, found = eager(units), scripted(units)
    assert list(found) == ["unit", "mode", "hertz"]
    for name, value in expected.items():
        assert torch.equal(found[name], value)
    assert eager.default_units().flatten().tolist() == pytest.approx([0.25, 1.0, 10 / 1980, 0.0])


def test_a_map_without_parameters_compiles() -> None:
    assert script(ParameterMap([], 4))(torch.zeros(4, 1)) == {}
    assert ParameterMap([]).default_units().shape == (0, 1)


def test_the_classes_have_one_identity_and_need_no_torch() -> None:
    import neutone
    from neutone import parameters, sdk
    from support.processes import run_python

    for name in parameters.__all__:
        assert getattr(sdk, name, getattr(parameters, name)) is getattr(parameters, name)
    assert neutone.ContinuousNeutoneParameter is sdk.ContinuousNeutoneParameter
    assert neutone.CategoricalNeutoneParameter is sdk.CategoricalNeutoneParameter
    run_python(
        "import sys\nfrom neutone.parameters import ContinuousNeutoneParameter\n"
        "ContinuousNeutoneParameter('drive', '', 0.5)\nassert not {'torch', 'onnxruntime'} & set(sys.modules)"
    )


def test_help_shows_the_arguments() -> None:
    import inspect

    from neutone import parameters, sdk

    shown = str(inspect.signature(sdk.ContinuousNeutoneParameter))
    assert shown.startswith("(name: str, description: str, default_value: ")
    for name in parameters.__all__:
        found = list(inspect.signature(getattr(parameters, name)).parameters)
        assert found[:2] == ["name", "description"], name
    assert list(inspect.signature(sdk.CategoricalNeutoneParameter).parameters)[2:5] == [
        "n_values",
        "default_value",
        "labels",
    ]
