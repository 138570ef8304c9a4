"""Maps by the methods of pytorch-grad-cam, for networks that the closed form does not fit.

* Grad-CAM (Selvaraju et al., ICCV 2017) weighs each feature by the mean of its gradient.
* Grad-CAM++ (Chattopadhay et al., WACV 2018) weighs positive gradients by how much each place counts.
* HiResCAM (Draelos & Carin, arXiv:2011.08891) multiplies gradient and feature place by place.
* EigenCAM (Muhammad & Yeasin, IJCNN 2020) is the first principal component of the features. It asks for no class, so it
  shows what stands out to the network and not why it answers as it does. The sign of a principal component is
  arbitrary; the stronger side is taken as positive (Chung & Ying, Appl. Sci. 15(13):7562, 2025).
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from osteolens.models.classifier import BTXRDClassifier
from osteolens.runtime import ensure_torchvision

LIBRARY_METHODS = {"gradcam": "GradCAM", "gradcam++": "GradCAMPlusPlus", "hirescam": "HiResCAM", "eigencam": "EigenCAM"}
Floats = NDArray[np.float32]


def library_evidence(
    model: BTXRDClassifier, images: torch.Tensor, classes: tuple[int, ...], method: str
) -> tuple[Floats, torch.Tensor]:
    """Return the evidence [B, K, h, w] as the library's formula gives it, and the logits [B, C].

    One forward pass serves all classes, and each class takes one backward pass, which leaves no gradient in the
    weights. The library's own output would be stretched to 0 to 1 and enlarged. EigenCAM gives every class the same.

    Parameters
    ----------
    images
        On the network's device; the network is in evaluation mode.
    method
        One of :data:`LIBRARY_METHODS`.
    """
    layer = model.gradcam_target_layer
    with torch.inference_mode(mode=False), torch.enable_grad(), _library(model, images, method) as cam:
        # Features have a gradient even where the weights are frozen.
        images = images.clone().requires_grad_(cam.uses_gradients)
        logits = cam.activations_and_grads(images)
        (features,) = (output.numpy() for output in cam.activations_and_grads.activations)

        def evidence(index: int) -> Floats:
            slopes = None
            if cam.uses_gradients:
                torch.autograd.grad(logits[:, index].sum(), images, retain_graph=True)
                slopes = cam.activations_and_grads.gradients[0].numpy()  # the latest comes first
            return cam.get_cam_image(images, layer, None, features, slopes, False)

        if method == "eigencam":
            found = np.repeat(_stronger_side_up(evidence(0))[:, None], len(classes), axis=1)
        else:
            found = np.stack([evidence(index) for index in classes], axis=1)
    return found, logits.detach()


@contextlib.contextmanager
def _library(model: BTXRDClassifier, images: torch.Tensor, method: str) -> Iterator[Any]:
    """Hook the library into the network; its own context manager would keep an IndexError to itself."""
    ensure_torchvision()
    import pytorch_grad_cam

    as_map = functools.partial(model.feature_map, images=images)
    cam = getattr(pytorch_grad_cam, LIBRARY_METHODS[method])(model, [model.gradcam_target_layer], as_map)
    try:
        yield cam
    finally:
        cam.activations_and_grads.release()


def _stronger_side_up(components: Floats) -> Floats:
    lowest, highest = (edge(axis=(1, 2), keepdims=True) for edge in (components.min, components.max))
    return np.where(-lowest > highest, -components, components)
