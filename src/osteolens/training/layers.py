"""The layers of a network in order, for learning rates by layer and for freezing."""

from __future__ import annotations

from torch import nn

from osteolens.models.classifier import BTXRDClassifier


def layer_numbers(model: BTXRDClassifier) -> dict[str, int]:
    """Return the layer of each parameter by timm's own grouping: 0 at the input, the classifier in the last one.

    Names are those of ``model.network``.
    """
    from timm.models import group_parameters

    network = model.network
    numbers: dict[str, int] = group_parameters(network, network.group_matcher(coarse=False), reverse=True)
    return numbers


def classifier_names(model: BTXRDClassifier) -> set[str]:
    """Return the names in ``model.network`` of the classifier's parameters."""
    head = {id(parameter) for parameter in model.network.get_classifier().parameters()}
    return {name for name, parameter in model.network.named_parameters() if id(parameter) in head}


def freeze(model: BTXRDClassifier, share: float) -> bool:
    """Exclude the first `share` (0 to 1) of the backbone's layers from training, include the others.

    The number of layers is rounded; a share above 0 is at least one layer.

    Returns
    -------
    bool
        Whether any parameter changed sides.
    """
    head = classifier_names(model)
    numbers = {name: number for name, number in layer_numbers(model).items() if name not in head}
    frozen = max(round(share * (max(numbers.values()) + 1)), 1 if share > 0 else 0)
    changed = False
    for name, parameter in model.network.named_parameters():
        trained = numbers.get(name, frozen) >= frozen
        changed |= parameter.requires_grad != trained
        parameter.requires_grad_(trained)
    return changed


def train_mode(model: nn.Module) -> None:
    """Put a network into training mode, except the layers that are frozen: their batch statistics stay as well."""
    model.train()
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            module.training = False  # not eval(), which would reach the trained layers inside
