"""The names of the kinds of parameters."""

from enum import StrEnum


class NeutoneParameterType(StrEnum):
    """The values that a parameter's ``type`` can have.

    >>> from neutone.model.parameters import ContinuousNeutoneParameter
    >>> ContinuousNeutoneParameter("drive", "gain", 0.5).type == NeutoneParameterType.CONTINUOUS
    True
    """

    CONTINUOUS = "continuous"
    CATEGORICAL = "categorical"
    TEXT = "text"
    TOKENS = "tokens"
