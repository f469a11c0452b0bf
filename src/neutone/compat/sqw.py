"""The wrapper between a host's blocks and a model's."""

from neutone import sdk
from neutone.compat.utils import select_best_model_buffer_size, select_best_model_sr


class SampleQueueWrapper(sdk.SampleQueueWrapper):
    """:class:`neutone.sdk.SampleQueueWrapper` with two static methods of neutone_sdk's."""

    select_best_model_sr = staticmethod(select_best_model_sr)
    select_best_model_buffer_size = staticmethod(select_best_model_buffer_size)
