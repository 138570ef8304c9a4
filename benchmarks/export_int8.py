"""What int8 costs: an exported checkpoint with 8 bits against the same with float32, on the test part of its run.

Run ``python benchmarks/export_int8.py --checkpoint FILE --run FOLDER --data path/to/btxrd256 [--markdown FILE]``. The
ranges of the activations are those of 200 training pictures of the run; the test part is only reported on. Both models
answer batches of the test part in turn, so that other work on the machine falls on both alike.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime
from sklearn.metrics import roc_auc_score

from osteolens.config import InferenceOptions, load_config
from osteolens.data.cache import cached_pictures
from osteolens.data.manifest import read_manifest
from osteolens.data.radiographs import load_radiographs
from osteolens.domain import Column
from osteolens.inference.export_job import ExportWishes, export_checkpoint
from osteolens.inference.onnx_runner import OnnxNetwork
from osteolens.progress import track
from osteolens.storage import RunFolder, write_text

THREADS, BATCH = 2, 16


def main() -> None:
    """Measure, print and, if asked for, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder of the checkpoint's run")
    parser.add_argument("--data", type=Path, required=True, help="data root of the run")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="folder for decoded pictures")
    parser.add_argument("--markdown", type=Path, help="write the page there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = measured(asked, Path(folder))
    print(text)
    if asked.markdown:
        write_text(asked.markdown, text)


def measured(asked: argparse.Namespace, folder: Path) -> str:
    """Return the page in Markdown."""
    config = load_config(None, [f"data.root={asked.data}"])
    made = export_checkpoint(config, asked.checkpoint, folder / "model.onnx", ExportWishes(asked.run, int8=True))
    options = InferenceOptions(threads=THREADS)
    models = {name: OnnxNetwork.from_file(made[key], options) for name, key in (("float32", "model"), ("int8", "int8"))}
    exported = models["float32"]
    rows = read_manifest(RunFolder(asked.run).manifest).part("test")
    data = load_radiographs(config.data)
    pictures = cached_pictures([data.path(name) for name in rows[Column.IMAGE_ID]], exported.record, asked.cache)
    labels = np.array([exported.class_names.index(name) for name in rows[Column.LABEL]])
    answers, times = answered(models, pictures)
    sizes = {name: made[key].stat().st_size / 1e6 for name, key in (("float32", "model"), ("int8", "int8"))}
    return page(asked, answers, times, labels, sizes)


def answered(
    models: dict[str, OnnxNetwork], pictures: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, list[float]]]:
    """Return the probabilities of each model and the seconds that each whole batch took."""
    answers: dict[str, list[np.ndarray]] = {name: [] for name in models}
    times: dict[str, list[float]] = {name: [] for name in models}
    for start in track(range(0, len(pictures), BATCH), "test part"):
        batch = np.asarray(pictures[start : start + BATCH])
        for name, model in models.items():
            begun = time.perf_counter()
            answers[name].append(model.probabilities(batch))
            if len(batch) == BATCH:
                times[name].append(time.perf_counter() - begun)
    return {name: np.concatenate(parts) for name, parts in answers.items()}, times


def page(
    asked: argparse.Namespace,
    answers: dict[str, np.ndarray],
    times: dict[str, list[float]],
    labels: np.ndarray,
    sizes: dict[str, float],
) -> str:
    """Return the page in Markdown."""
    change = np.abs(answers["int8"] - answers["float32"])
    others = int((answers["int8"].argmax(axis=1) != answers["float32"].argmax(axis=1)).sum())
    lines = [
        "# What int8 costs",
        "",
        f"Written by `{shlex.join(['python', 'benchmarks/export_int8.py', *sys.argv[1:]])}`.",
        f"{asked.checkpoint.name} on the test part of its run, {len(labels)} images;",
        f"onnxruntime {onnxruntime.__version__}, {THREADS} threads, batches of {BATCH}, mirror images averaged.",
        "Medians over the batches; the ratio says more than the times.",
        "",
        "| model | MB | accuracy | macro AUC | ms per picture |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, probabilities in answers.items():
        accuracy = float((probabilities.argmax(axis=1) == labels).mean())
        area = roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
        speed = median(times[name]) * 1000 / BATCH
        lines.append(f"| {name} | {sizes[name]:.1f} | {accuracy:.4f} | {area:.4f} | {speed:.1f} |")
    lines += [
        "",
        f"int8 is {median(times['float32']) / median(times['int8']):.2f} x as fast.",
        f"Its probabilities differ by at most {change.max():.3f}, by {change.mean():.4f} on average,",
        f"and {others} of {len(labels)} images get another answer.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
