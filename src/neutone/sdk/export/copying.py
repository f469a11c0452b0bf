"""A copy of a model that exporters may change."""

import copy
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from neutone.errors import ModelFileError, first_line

Module = TypeVar("Module", bound=nn.Module)


def independent_copy(model: Module) -> Module:
    """Return a copy for inference. Tensors lose their history, which PyTorch refuses to copy, and weights that a hook
    or a parametrization computes in every block (weight norm, spectral norm) become plain weights. Other things that
    cannot be copied, such as open files and locks, are shared with the original.

    Raises:
        neutone.errors.ModelFileError: The model cannot be copied at all.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    >>> sorted(name for name, _ in independent_copy(layer).named_parameters())
    ['bias', 'weight']
    """
    memo: dict[int, Any] = {}
    for module in model.modules():
        for value in vars(module).values():
            _detach(value, memo)
    try:
        own = copy.deepcopy(model, dict(memo))
    except Exception:  # whatever the parts of the model raise
        _share_what_cannot_be_copied(model, memo)
        try:
            own = copy.deepcopy(model, memo)
        except Exception as error:
            raise ModelFileError(f"{type(model).__name__} cannot be copied: {first_line(error)}") from error
    with torch.no_grad():
        for module in own.modules():
            _fix_weights(module)
    return own


def _detach(value: Any, memo: dict[int, Any]) -> None:
    if isinstance(value, Tensor) and not value.is_leaf:
        memo[id(value)] = value.detach().clone()
    elif isinstance(value, list | tuple):
        for item in value:
            _detach(item, memo)
    elif isinstance(value, dict):
        for item in value.values():
            _detach(item, memo)


def _share_what_cannot_be_copied(model: nn.Module, memo: dict[int, Any]) -> None:
    for module in model.modules():
        for value in vars(module).values():
            try:
                copy.deepcopy(value, dict(memo))
            except Exception:
                if not isinstance(value, dict):  # the dictionaries of parameters, buffers and modules are no leaves
                    memo[id(value)] = value


def _fix_weights(module: nn.Module) -> None:
    for hook in list(module._forward_pre_hooks.values()):
        # Before PyTorch 2, a hook computed the weight; torch.nn.utils has functions to undo that.
        match type(hook).__name__:
            case "WeightNorm":
                nn.utils.remove_weight_norm(module, hook.name)  # type: ignore[attr-defined]
            case "SpectralNorm":
                nn.utils.remove_spectral_norm(module, hook.name)  # type: ignore[attr-defined]
    if not isinstance(module, torch.jit.ScriptModule) and parametrize.is_parametrized(module):
        own = type(module)  # one for each original, with a property for the weight, which must not lose it
        namespace = {key: value for key, value in vars(own).items() if key not in ("__dict__", "__weakref__")}
        module.__class__ = type(own.__name__, own.__bases__, namespace)
        for name in list(cast(nn.ModuleDict, module.parametrizations)):
            parametrize.remove_parametrizations(module, name, leave_parametrized=True)
            weight = getattr(module, name)
            if not isinstance(weight, nn.Parameter):  # PyTorch leaves a plain tensor if there are no gradients
                delattr(module, name)
                module.register_parameter(name, nn.Parameter(weight.detach().clone(), requires_grad=False))
