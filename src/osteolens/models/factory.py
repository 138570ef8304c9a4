"""From options to a network with the right attention and the right starting weights."""

from __future__ import annotations

import contextlib
import difflib
from typing import Any

import torch

from osteolens.config import ModelOptions
from osteolens.errors import CheckpointError, ConfigError
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.families import FAMILIES, family_of
from osteolens.models.mixed_precision import keep_strided_depthwise_in_float32
from osteolens.models.weights import hub_or_cache, is_attention, load_starting_weights
from osteolens.runtime import ensure_torchvision

LARGE_ENOUGH = 64  # pixels: a convolutional network that takes this side takes every larger one


def create_model(
    options: ModelOptions, num_classes: int, *, image_size: int | None = None, starting_weights: bool = True
) -> BTXRDClassifier:
    """Build the network that the options describe.

    Parameters
    ----------
    image_size
        Side of the input in pixels. One that the network cannot take is refused; families that cut their input into
        patches are built for it. None leaves timm's default and checks nothing.
    starting_weights
        False leaves out pretrained weights, for a network whose weights come from a checkpoint.

    Raises
    ------
    ConfigError
        The backbone is unknown, or does not take the attention or the image size that was asked for.
    CheckpointError
        The starting weights cannot be had or do not fit.
    """
    _check_backbone(options.backbone)
    fetch = options.pretrained and starting_weights
    if fetch:
        _check_published(options.backbone)
    model = _build(options, num_classes, image_size, fetch=fetch)
    if image_size is not None:
        _check_image_size(model, image_size)
    if options.attn_layer is not None:
        _check_attention(model, options)
    if options.weights is not None and starting_weights:
        load_starting_weights(model, options.weights)
    keep_strided_depthwise_in_float32(model)
    return model


def count_attention(model: BTXRDClassifier) -> int:
    """Return the number of CBAM modules in a network: one per residual block, 16 in ResNet-50 and 8 in ResNet-18.

    Each holds a channel and a spatial part, so that ResNet-50 has 48 modules of timm's CBAM code in all.
    """
    return sum(is_attention(module) for module in model.modules())


def count_parameters(model: BTXRDClassifier) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _build(options: ModelOptions, num_classes: int, image_size: int | None, *, fetch: bool) -> BTXRDClassifier:
    kwargs: dict[str, Any] = {}
    if options.pad_type:
        kwargs["pad_type"] = options.pad_type
    if options.attn_layer is not None:
        kwargs["block_args"] = {"attn_layer": options.attn_layer}
    if image_size is not None and family_of(options.backbone).cuts_patches:
        kwargs["img_size"] = image_size
    try:
        with hub_or_cache() if fetch else contextlib.nullcontext():
            return BTXRDClassifier(options.backbone, num_classes, fetch, options.dropout, **kwargs)
    except ConfigError:
        raise
    except Exception as error:
        refusal = _refusal(error, options, kwargs, fetch=fetch)
        if refusal is None:
            raise
        raise refusal from error


def _refusal(
    error: Exception, options: ModelOptions, kwargs: dict[str, Any], *, fetch: bool
) -> ConfigError | CheckpointError | None:
    """Return what an error of timm means for the user, None where it means nothing known."""
    backbone = options.backbone
    asked = [f"model.{name}" for name in ("attn_layer", "pad_type") if getattr(options, name)]
    if isinstance(error, TypeError) and asked:
        return ConfigError(f"{backbone} does not take {' or '.join(asked)}; leave it at its default.")
    if isinstance(error, AssertionError) and "img_size" in kwargs:  # hybrids of ResNet and ViT
        return ConfigError(
            f"{backbone} does not take data.image_size = {kwargs['img_size']}; a multiple of 32 fits most networks."
        )
    if fetch:  # the hub's client raises many kinds of error without a network
        return CheckpointError(
            f"the ImageNet weights of {backbone} cannot be fetched from the hub ({type(error).__name__}). "
            "Set model.weights=FILE to a local copy, or model.pretrained=false to start from random weights."
        )
    return None


def _check_backbone(backbone: str) -> None:
    ensure_torchvision()
    import timm

    if timm.is_model(backbone):
        try:
            timm.models.get_pretrained_cfg(backbone)
        except RuntimeError as error:  # the part of the name behind the dot
            raise ConfigError(f"model.backbone = {backbone!r}: {error}") from error
        return
    raise ConfigError(f"model.backbone = {backbone!r} is not a timm model; {_supported_like(backbone)}")


def _supported_like(backbone: str) -> str:
    """Return which supported networks a wrong name may mean; one of the hub ends in timm's own name."""
    import timm

    name = backbone.rpartition("/")[2].rpartition(":")[2].lower()
    own = [family for family in FAMILIES if name.startswith(family.prefix.rstrip("_"))]
    members = [member for family in own or FAMILIES for member in timm.list_models(f"{family.prefix}*")]
    if own and timm.is_model(name):  # with the part behind the dot
        return f"did you mean {name}?"
    if near := difflib.get_close_matches(name, members, n=1, cutoff=0.5):
        return f"did you mean {near[0]}?"
    if own:
        close = difflib.get_close_matches(name, members, n=2, cutoff=0)
        return f"networks of this family are, for example, {', '.join([own[0].example, *close])}."
    return f"supported are names that begin with {', '.join(family.prefix for family in FAMILIES)}."


def _check_published(backbone: str) -> None:
    from timm.models import get_pretrained_cfg

    published = get_pretrained_cfg(backbone)
    if published is None or not published.has_weights:
        raise ConfigError(
            f"timm has no ImageNet weights of {backbone}. Set model.pretrained=false, or model.weights=FILE."
        )


def _check_image_size(model: BTXRDClassifier, image_size: int) -> None:
    """Try one empty picture: without it most sizes that are too small would fail in the first step."""
    side = min(image_size, LARGE_ENOUGH)
    if model.family.cuts_patches:
        _check_patches(model, image_size)
        side = image_size
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            model(torch.zeros(1, 3, side, side))
    except Exception as error:  # the kinds differ by the layer that fails
        raise ConfigError(
            f"{model.backbone_name} does not take data.image_size = {image_size}: {str(error).splitlines()[0]}. "
            f"Raise data.image_size; {LARGE_ENOUGH} is enough for most networks."
        ) from error
    finally:
        model.train(training)


def _check_patches(model: BTXRDClassifier, image_size: int) -> None:
    """Refuse a size that leaves a rest: timm would leave out the last rows and columns, or fail in the first batch."""
    patch = int(model.network.patch_embed.patch_size[0])
    if image_size % patch:
        below = image_size - image_size % patch
        sizes = f"{below} or {below + patch}" if below else f"{patch}"
        raise ConfigError(
            f"data.image_size = {image_size} does not divide into the patches of {model.backbone_name}, "
            f"{patch} x {patch} pixels. Use {sizes}."
        )


def _check_attention(model: BTXRDClassifier, options: ModelOptions) -> None:
    """Count the attention: timm ignores block arguments in some families."""
    if count_attention(model) == 0:
        raise ConfigError(
            f"model.attn_layer = {options.attn_layer!r} put no attention into {options.backbone}. "
            "It works with the ResNet family."
        )
