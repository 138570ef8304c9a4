"""Answers with maps on two CPU threads: eager torch with gradient maps against the exported model.

Run ``python benchmarks/export.py [--rounds N] [--markdown FILE]``. EfficientNet-B0 at 224 pixels with random weights on
random pictures, from 8-bit pictures to probabilities and maps. Eager torch with pytorch-grad-cam makes the map of one
class with one backward pass; all others give the maps of all three classes.

The ways take turns, and every figure is a median over the turns, so that other work on the machine falls on all sides
alike; the ratios say more than the times.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime
import openvino
import torch

from osteolens.config import InferenceOptions, load_config
from osteolens.data.preprocessing import normalise
from osteolens.explain.cam import class_maps
from osteolens.inference.export import export
from osteolens.inference.export_record import MAPS, PROBABILITIES
from osteolens.inference.onnx_runner import OnnxNetwork
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.factory import create_model
from osteolens.progress import track
from osteolens.runtime import cpu_threads, ensure_torchvision, keep_freed_memory
from osteolens.storage import write_text

SIDE, THREADS, BATCHES = 224, 2, (1, 16)
FIRST = "eager torch, pytorch-grad-cam, 1 class"
Way = Callable[[np.ndarray], object]


def main() -> None:
    """Measure, print and, if asked for, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="turns of every way")
    parser.add_argument("--markdown", type=Path, help="write the page there")
    asked = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder, cpu_threads(THREADS):
        network = random_network()
        export(network, Path(folder) / "model.onnx")
        found = ways(network, Path(folder) / "model.onnx")
        times = {batch: measure(found, pictures(batch), asked.rounds) for batch in BATCHES}
    text = page(times, asked.rounds)
    print(text)
    if asked.markdown:
        write_text(asked.markdown, text)


def random_network() -> TorchNetwork:
    """Return EfficientNet-B0 with random weights, answering without mirror images."""
    options = ["model.backbone=efficientnet_b0", f"data.image_size={SIDE}", "evaluation.flip_averaging=false"]
    config = load_config(None, options)
    torch.manual_seed(0)
    model = create_model(config.model, 3, image_size=SIDE, starting_weights=False).eval()
    model.to(memory_format=torch.channels_last)
    return TorchNetwork(model, config.preprocessing(), config.class_names, config, "0" * 64, flip_averaging=False)


def pictures(number: int) -> np.ndarray:
    """Return random pictures, uint8 [N, SIDE, SIDE]."""
    return np.random.default_rng(0).integers(0, 256, (number, SIDE, SIDE), dtype=np.uint8)


def ways(network: TorchNetwork, model: Path) -> dict[str, Way]:
    """Return each way of answering with maps by its name, the reference first."""
    ensure_torchvision()
    from pytorch_grad_cam import GradCAM

    def gradient(shown: np.ndarray) -> object:
        images = torch.from_numpy(normalise(shown, network.record)).contiguous(memory_format=torch.channels_last)
        with GradCAM(network.model, [network.model.gradcam_target_layer]) as cam:
            maps = cam(images, None)  # of the most probable class
            return cam.outputs.softmax(dim=1), maps

    def closed_form(shown: np.ndarray) -> object:
        return class_maps(network.model, torch.from_numpy(normalise(shown, network.record)))

    exported = {
        f"exported, {runtime}": OnnxNetwork.from_file(
            model, InferenceOptions.model_validate({"runtime": runtime, "threads": THREADS})
        ).run
        for runtime in ("onnxruntime", "openvino")
    }
    both = {name: (lambda shown, run=run: run(shown, [PROBABILITIES, MAPS])) for name, run in exported.items()}
    return {FIRST: gradient, "eager torch, closed form, all classes": closed_form, **both}


def measure(found: dict[str, Way], shown: np.ndarray, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each way in each turn; one turn before is not counted."""
    times: dict[str, list[float]] = {name: [] for name in found}
    for turn in track(range(rounds + 1), f"batch {len(shown)}"):
        for name, way in found.items():
            start = time.perf_counter()
            way(shown)
            if turn > 0:
                times[name].append(time.perf_counter() - start)
    return times


def page(times: dict[int, dict[str, list[float]]], rounds: int) -> str:
    """Return the page in Markdown."""
    lines = [
        "# Speed of answers with maps on a CPU",
        "",
        f"Written by `{shlex.join(['python', 'benchmarks/export.py', *sys.argv[1:]])}`.",
        f"EfficientNet-B0, {SIDE} px, random weights, float32, {THREADS} threads; torch {torch.__version__},",
        f"onnxruntime {onnxruntime.__version__}, openvino {openvino.__version__.partition('-')[0]}.",
        f"From 8-bit pictures to probabilities and maps; medians of {rounds} turns. Other work on the machine moves",
        "the times more than the ratios, whose quartiles over the turns are given.",
    ]
    for batch, by_way in times.items():
        lines += ["", f"## Batch {batch}", "", "| way | ms per picture | against the first | quartiles |"]
        lines.append("| --- | --- | --- | --- |")
        for name, seconds in by_way.items():
            ratios = np.array(by_way[FIRST]) / np.array(seconds)
            low, high = np.quantile(ratios, [0.25, 0.75])
            ratio = median(by_way[FIRST]) / median(seconds)
            per_picture = median(seconds) * 1000 / batch
            lines.append(f"| {name} | {per_picture:.1f} | {ratio:.2f} x | {low:.2f} to {high:.2f} x |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
