"""Methods that neutone_sdk has renamed, so that wrappers written for its versions 1.0 and 1.1 work as they are."""

from typing import Any


def calc_model_delay_samples(self: Any) -> int:
    """Return what the author's ``calc_min_delay_samples`` returns."""
    return self.calc_min_delay_samples()  # type: ignore[no-any-return]


def set_model_sample_rate_and_buffer_size(self: Any, sample_rate: int, n_samples: int) -> bool:
    """Call the author's ``set_model_buffer_size``, which is not told the sample rate."""
    return self.set_model_buffer_size(n_samples)  # type: ignore[no-any-return]


RENAMED = {
    "calc_min_delay_samples": calc_model_delay_samples,
    "set_model_buffer_size": set_model_sample_rate_and_buffer_size,
}
"""The old names, and for each the method that takes the place of the one with today's name."""


def adopt_older_names(wrapper: type) -> None:
    """Give a class today's methods if it defines those with the old names. If it defines both, today's are used.

    >>> class Delayed:
    ...     def calc_min_delay_samples(self):
    ...         return 64
    >>> adopt_older_names(Delayed)
    >>> Delayed().calc_model_delay_samples()
    64
    """
    for old, method in RENAMED.items():
        if old in vars(wrapper) and method.__name__ not in vars(wrapper):
            setattr(wrapper, method.__name__, method)
