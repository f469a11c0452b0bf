"""The kinds of parameters by name."""

from enum import StrEnum


class NeutoneParameterType(StrEnum):
    """What a parameter's ``type`` is compared with.

    >>> from neutone.model.parameters import ContinuousNeutoneParameter
    >>> ContinuousNeutoneParameter("drive", "gain", 0.5).type == NeutoneParameterType.CONTINUOUS
    True
    """

    CONTINUOUS = "continuous"
    CATEGORICAL = "categorical"
    TEXT = "text"
    TOKENS = "tokens"
