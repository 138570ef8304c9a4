"""Starting weights: from a local file, or from the hub without a long wait where there is no network."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from osteolens.errors import CheckpointError
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.tensor_files import State, read_state_dict


def load_starting_weights(model: BTXRDClassifier, path: Path) -> None:
    """Load a local state dict, of ImageNet or of an osteolens run, into everything but the classifier.

    What timm knows about a family's files is applied first: names of earlier releases, position embeddings and window
    biases of another input size. Attention modules (CBAM) that the file does not know keep their random start; anything
    else that is missing, left over or of another shape is refused.

    Raises
    ------
    CheckpointError
        The file is missing, unsafe, damaged, not finite, or belongs to another architecture.
    """
    state = _in_terms_of(model, read_state_dict(path), path)
    head = _prefixes(model, lambda module: module is model.network.get_classifier())
    state = {name: value for name, value in state.items() if not name.startswith(head)}
    own = model.network.state_dict()
    unknown = set(state) - set(own)
    wrong_shape = [name for name, value in state.items() if name in own and own[name].shape != value.shape]
    optional = head + _prefixes(model, is_attention)
    missing = [name for name in own if name not in state and not name.startswith(optional)]
    if wrong_shape or missing or unknown:
        raise CheckpointError(
            f"{path} does not hold weights of {model.backbone_name}: {len(missing)} tensor(s) missing, "
            f"{len(unknown)} unknown, {len(wrong_shape)} of another shape. Check model.backbone."
        )
    model.network.load_state_dict(state, strict=False)


def is_attention(module: torch.nn.Module) -> bool:
    """Whether a module is a CBAM (it holds a channel and a spatial part)."""
    from timm.layers.cbam import CbamModule

    return isinstance(module, CbamModule)


@contextlib.contextmanager
def hub_or_cache() -> Iterator[None]:
    """Let the hub's client use nothing but its cache where the hub does not answer at all.

    The client tries every file six times with growing pauses, 46 s in all, before it says that there is no network.
    One request with the client's own time limit, through its own proxies, finds that out at once.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not _hub_answers()
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _hub_answers() -> bool:
    from huggingface_hub import constants, get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except Exception:  # noqa: BLE001  the client has changed its HTTP library twice, and each has errors of its own
        return False
    return True


def _prefixes(model: BTXRDClassifier, wanted: Callable[[torch.nn.Module], bool]) -> tuple[str, ...]:
    return tuple(f"{name}." for name, module in model.network.named_modules() if wanted(module))


def _in_terms_of(model: BTXRDClassifier, state: State, path: Path) -> State:
    """Apply timm's own conversion of a family's files: each of its modules calls it `checkpoint_filter_fn`."""
    convert = getattr(importlib.import_module(type(model.network).__module__), "checkpoint_filter_fn", None)
    if convert is None:
        return state
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its resampling calls torch in an old way; a test checks the values
            return dict(convert(state, model.network))
    except Exception as error:  # it takes for granted that the file belongs to the family
        raise CheckpointError(
            f"{path} does not hold weights of {model.backbone_name}: timm cannot convert it ({type(error).__name__}). "
            "Check model.backbone and data.image_size."
        ) from error
